import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

const ACTION_SOURCE = fileURLToPath(new URL("../../src/action.ts", import.meta.url));

/** What the action left. */
export interface ActionResult {
  readonly code: number | undefined;
  readonly log: string;
  readonly outputs: Record<string, string>;
  readonly state: Record<string, string>;
  readonly summary: string;
}

/** Values of the runner's files: `name<<delimiter`, lines, delimiter. */
function parseCommands(text: string): Record<string, string> {
  const found = [...text.matchAll(/^(.+?)<<(ghadelimiter_\S+)\n([\s\S]*?)\n\2$/gm)];
  return Object.fromEntries(found.map(([, name, , value]) => [name ?? "", value ?? ""]));
}

/** Runs the action's main step as the runner does: inputs and files by environment. */
export async function runAction(
  cwd: string,
  inputs: Record<string, string>,
  event?: unknown,
  environment: Record<string, string | undefined> = {},
): Promise<ActionResult> {
  const temp = join(cwd, "..", `${cwd.split("/").at(-1)}-runner`);
  await mkdir(temp, { recursive: true });
  const files = { output: join(temp, "output"), state: join(temp, "state"), summary: join(temp, "summary") };
  await Promise.all(Object.values(files).map((path) => writeFile(path, "")));
  await writeFile(
    join(temp, "event.json"),
    JSON.stringify(event ?? { repository: { default_branch: "main" } }),
  );
  const result = await execa(process.execPath, [ACTION_SOURCE], {
    cwd,
    reject: false,
    all: true,
    env: {
      GITHUB_WORKSPACE: cwd,
      GITHUB_OUTPUT: files.output,
      GITHUB_STATE: files.state,
      GITHUB_STEP_SUMMARY: files.summary,
      GITHUB_EVENT_PATH: join(temp, "event.json"),
      GITHUB_EVENT_NAME: event === undefined ? "push" : "pull_request",
      GITHUB_REF: event === undefined ? "refs/heads/main" : "refs/pull/7/merge",
      GITHUB_REPOSITORY: "team/serving",
      GITHUB_SHA: "f".repeat(40),
      RUNNER_TEMP: temp,
      GITHUB_TOKEN: "ghs_notForTheServer0123456789",
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
      ),
      ...environment,
    },
  });
  const read = (path: string) => readFile(path, "utf8");
  return {
    code: result.exitCode,
    log: result.all,
    outputs: parseCommands(await read(files.output)),
    state: parseCommands(await read(files.state)),
    summary: await read(files.summary),
  };
}

/** Runs git as somebody. */
export async function git(cwd: string, ...args: string[]): Promise<void> {
  await execa("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...args], { cwd });
}

/** A repository with a base branch on a real remote, and a branch that is checked out from it. */
export async function createPullRequest(workspace: { cwd: string }) {
  const { cwd } = workspace;
  const remote = `${cwd}-remote.git`;
  await execa("git", ["init", "-q", "--bare", "-b", "main", remote]);
  await git(cwd, "init", "-q", "-b", "main");
  await git(cwd, "add", "-A");
  await git(cwd, "commit", "-qm", "base");
  await git(cwd, "remote", "add", "origin", remote);
  await git(cwd, "push", "-q", "origin", "main");
  await git(cwd, "update-ref", "-d", "refs/remotes/origin/main");
  await git(cwd, "checkout", "-q", "-b", "change");
  const head = { ref: "change", sha: "a".repeat(40), repo: { id: 1 } };
  const pull = { number: 7, base: { ref: "main", repo: { id: 1 } }, head };
  return { event: { repository: { id: 1 }, pull_request: pull } };
}
