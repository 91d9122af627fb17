import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { execa, type ResultPromise } from "execa";
import { stringify } from "yaml";
import { installGitHubTools } from "../../scripts/install-github-tools.ts";
import { GitHubDouble, WRITE_ALL } from "../publish/double/github.ts";

const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const STAND_INS = fileURLToPath(new URL("./stand-ins", import.meta.url));

/** The simulator of the committed build serves in vLLM's place. */
const SERVER = [process.execPath, join(ROOT, "dist", "simulator.js"), "serve"];

export const OWN_TOKEN = "ghs_ownRepositoryToken0123456789";
export const FORK_TOKEN = "ghs_readOnlyTokenOfAFork0123456789";

/** A repository with serving flags, a GitHub that it lies on, and a runner that runs its workflows. */
export interface Stage extends AsyncDisposable {
  readonly github: GitHubDouble;
  /** The checkout. */
  readonly cwd: string;
  readonly artifacts: string;
  git(...args: string[]): Promise<string>;
  /** Writes `vllm-gate.yml`, and commits it. */
  commit(options: { args?: string; message?: string; config?: object }): Promise<string>;
  /** Runs an example workflow for an event. */
  act(event: string, payload: object, options: ActOptions): ResultPromise<{ all: true; reject: false }>;
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

function configOf(args: string): object {
  return {
    scenarios: {
      small: {
        model: "Qwen/Qwen2.5-1.5B-Instruct",
        command: SERVER,
        args,
        env: { VLLM_SIM_STARTUP_SCALE: "0.001", VLLM_SIM_NOISE: "none" },
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
    policy: { allowCommands: [SERVER] },
  };
}

/** Makes a stage with a baseline on its main branch. */
export async function setStage(): Promise<Stage> {
  const home = await mkdtemp(join(tmpdir(), "vllm-gate-act-"));
  const { act } = await installGitHubTools();
  const github = await new GitHubDouble().start();
  github.actors.set(OWN_TOKEN, { login: "github-actions[bot]", type: "Bot", permissions: WRITE_ALL });
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
  const commit: Stage["commit"] = async ({ args = "--max-model-len 4096", message = "change", config }) => {
    await writeFile(join(cwd, "vllm-gate.yml"), stringify({ ...configOf(args), ...config }));
    await git("add", "-A");
    await git("commit", "-q", "--allow-empty", "-m", message);
    return git("rev-parse", "HEAD");
  };
  await writeFile(join(cwd, ".gitignore"), "runs/\n");
  await commit({ message: "base" });
  await execa(process.execPath, [join(ROOT, "dist", "cli.js"), "record"], { cwd });
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
      const id = String((count += 1));
      const run = async () => {
        const files = { workflow: join(home, `${id}.yml`), event: join(home, `${id}.json`) };
        const text = await readFile(join(ROOT, "examples", workflow), "utf8");
        await writeFile(files.workflow, edit(text));
        await writeFile(files.event, JSON.stringify(payload));
        return files;
      };
      void run;
      throw new Error("unreachable");
      void [act, event, env, token, args, STAND_INS, action];
    },
    async [Symbol.asyncDispose]() {
      await github[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}
