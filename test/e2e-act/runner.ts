import { globSync, readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { stringify } from "yaml";
import { installGitHubTools } from "../../scripts/install-github-tools.ts";
import { GitHubDouble, WRITE_ALL } from "../publish/double/github.ts";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const STAND_INS = fileURLToPath(new URL("./stand-ins", import.meta.url));

/** The simulator of the committed build serves in vLLM's place. */
const SERVER = [process.execPath, join(ROOT, "dist", "simulator.js"), "serve"];

export const OWN_TOKEN = "ghs_ownRepositoryToken0123456789";
export const FORK_TOKEN = "ghs_readOnlyTokenOfAFork0123456789";

/** A run of act: its result, and its process while it runs. */
export interface ActRun {
  readonly pid: number | undefined;
  readonly kill: (signal: NodeJS.Signals) => boolean;
  readonly done: Promise<{ readonly log: string; readonly code: number | undefined }>;
}

/** A repository with serving flags, a GitHub that it lies on, and a runner that runs its workflows. */
export interface Stage extends AsyncDisposable {
  readonly github: GitHubDouble;
  /** The checkout. */
  readonly cwd: string;
  readonly artifacts: string;
  git(...args: string[]): Promise<string>;
  /** Writes `vllm-gate.yml`, and commits it. */
  commit(options: { args?: string; message?: string; startupScale?: number }): Promise<string>;
  /** Runs an example workflow for an event. */
  act(event: string, payload: object, options: ActOptions): ActRun;
}

export interface ActOptions {
  /** File of `examples/`. */
  readonly workflow: string;
  readonly token?: string;
  readonly env?: Record<string, string>;
  /** Changes to the text of the workflow: what an example leaves to its user. */
  readonly edit?: (text: string) => string;
  readonly args?: readonly string[];
}

function configOf(args: string, startupScale: number): object {
  return {
    scenarios: {
      small: {
        model: "Qwen/Qwen2.5-1.5B-Instruct",
        command: SERVER,
        args,
        env: { VLLM_SIM_STARTUP_SCALE: String(startupScale), VLLM_SIM_NOISE: "none" },
        probes: {
          ttft: { warmRequests: 6, outputTokens: 8 },
          batching: { concurrency: [1], waves: 1, outputTokens: 8 },
          prefix: false,
        },
        // What is planted here is the KV capacity; times of a machine that tests share decide nothing.
        levels: { "ttft.*": "watch", "ttft.*.*": "watch", "batching.*.*": "watch" },
      },
    },
    sessions: 1,
    rounds: 1,
    recordSessions: 1,
    // Other tests share this machine.
    onDirty: "note",
    policy: { allowCommands: [SERVER] },
  };
}

/** What every event says of the repository. */
function repositoryPart({ owner, repo, repoId }: GitHubDouble): object {
  return {
    repository: {
      id: repoId,
      name: repo,
      full_name: `${owner}/${repo}`,
      default_branch: "main",
      owner: { login: owner },
    },
  };
}

let baseline: { readonly path: string; readonly text: string } | null = null;

/** The baseline of this machine, recorded once by the committed build. */
async function writeBaseline(cwd: string): Promise<void> {
  if (baseline === null) {
    await execa(process.execPath, [join(ROOT, "dist", "cli.js"), "record"], { cwd });
    const [path = ""] = globSync("baselines/**/*.json", { cwd });
    baseline = { path, text: readFileSync(join(cwd, path), "utf8") };
  }
  await mkdir(dirname(join(cwd, baseline.path)), { recursive: true });
  await writeFile(join(cwd, baseline.path), baseline.text);
}

/** Makes a stage with a baseline on its main branch. */
export async function setStage(): Promise<Stage> {
  const home = await mkdtemp(join(tmpdir(), "vllm-gate-act-"));
  const { act } = await installGitHubTools();
  const github = await new GitHubDouble().start();
  github.actors.set(OWN_TOKEN, {
    login: "github-actions[bot]",
    type: "Bot",
    permissions: { ...WRITE_ALL, contents: "write" },
  });
  github.actors.set(FORK_TOKEN, {
    login: "github-actions[bot]",
    type: "Bot",
    permissions: { contents: "read", pull_requests: "read" },
  });
  const cwd = join(home, "serving");
  const artifacts = join(home, "artifacts");
  const remote = join(home, "remote.git");
  const action = join(home, "action");
  await mkdir(cwd);
  await mkdir(action);
  // What a user of the action gets, and nothing else: the built files.
  await cp(join(ROOT, "action.yml"), join(action, "action.yml"));
  await cp(join(ROOT, "dist"), join(action, "dist"), { recursive: true });
  await writeFile(join(action, "package.json"), '{"type":"module"}\n');
  const git = async (...args: string[]) => {
    const who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
    return (await execa("git", [...who, ...args], { cwd })).stdout;
  };
  await execa("git", ["init", "-q", "--bare", "-b", "main", remote]);
  await git("init", "-q", "-b", "main");
  await git("remote", "add", "origin", remote);
  const commit: Stage["commit"] = async ({
    args = "--max-model-len 4096",
    message = "change",
    startupScale = 0.001,
  }) => {
    await writeFile(join(cwd, "vllm-gate.yml"), stringify(configOf(args, startupScale)));
    await git("add", "-A");
    await git("commit", "-q", "--allow-empty", "-m", message);
    return git("rev-parse", "HEAD");
  };
  await writeFile(join(cwd, ".gitignore"), "runs/\n");
  await commit({ message: "base" });
  await writeBaseline(cwd);
  await git("add", "-A");
  await git("commit", "-q", "-m", "Record a baseline");
  await git("push", "-q", "origin", "main");
  await git("checkout", "-q", "-b", "change");

  let count = 0;
  return {
    github,
    cwd,
    artifacts,
    git,
    commit,
    act(event, payload, { workflow, token = OWN_TOKEN, env = {}, edit = (text) => text, args = [] }) {
      count += 1;
      const id = String(count);
      const files = { workflow: join(home, `${id}.yml`), event: join(home, `${id}.json`) };
      const text = edit(readFileSync(join(ROOT, "examples", workflow), "utf8"));
      writeFileSync(files.workflow, text);
      writeFileSync(files.event, JSON.stringify({ ...repositoryPart(github), ...payload }));
      const actions = [...text.matchAll(/uses: (actions\/(?:up|down)load-artifact@\w+)/g)].map(
        ([, used = ""]) => [used, join(STAND_INS, used.split("/")[1]?.split("@")[0] ?? "")],
      );
      const variables = {
        GITHUB_API_URL: github.url,
        GITHUB_GRAPHQL_URL: `${github.url}/graphql`,
        GITHUB_REPOSITORY: `${github.owner}/${github.repo}`,
        STAND_IN_ARTIFACTS: artifacts,
        VLLM_GATE_RETRY_BASE_MS: "20",
        ...env,
      };
      const child = execa(
        act,
        [
          event,
          ...["-W", files.workflow, "-e", files.event, "-s", `GITHUB_TOKEN=${token}`],
          ...["-P", "self-hosted=-self-hosted", "-P", "ubuntu-latest=-self-hosted"],
          ...[["vllm-gate/vllm-gate@main", action], ...actions].flatMap(([name, path]) => [
            "--local-repository",
            `${name}=${path}`,
          ]),
          ...Object.entries(variables).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
          ...args,
        ],
        {
          cwd,
          all: true,
          reject: false,
          stdin: "ignore",
          // Nothing of this machine's own settings; Node.js 24 first, since act takes what `node` is.
          env: { HOME: home, PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`, RUNNER_TEMP: "" },
        },
      );
      return {
        pid: child.pid,
        kill: (signal) => child.kill(signal),
        done: child.then(({ all, exitCode }) => ({ log: all, code: exitCode })),
      };
    },
    async [Symbol.asyncDispose]() {
      await github[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}
