import { relative } from "node:path";
import { execa } from "execa";
import { UsageError } from "../domain/errors.ts";
import { delay } from "./clock.ts";
import { type GitEnvironment, NO_HOOKS } from "./git-auth.ts";

/** How often a push is tried when others push at the same moment. */
const PUSHES = 10;
/** Commands that speak to the remote. */
const REMOTE: ReadonlySet<string> = new Set(["push", "fetch"]);
const IDENTITY = ["-c", "user.name=vllm-gate", "-c", "user.email=vllm-gate@users.noreply.github.com"];

/**
 * Commits files of the current branch and pushes them. When somebody pushed in between, the commit is put on top of
 * theirs and pushed again: nothing of either is lost, since each writer adds files of its own.
 *
 * @param paths - files that were added, changed or removed
 * @param auth - how git is known to the remote, where the checkout does not say it; given to `push` and `fetch` alone
 * @throws UsageError when git refuses for another reason, in git's words
 */
export async function commitAndPush(
  cwd: string,
  paths: readonly string[],
  message: string,
  auth: GitEnvironment = {},
): Promise<void> {
  const git = (...args: string[]) => {
    const env = { ...(REMOTE.has(args[0] ?? "") ? auth : {}), GIT_TERMINAL_PROMPT: "0" };
    return execa("git", [...NO_HOOKS, ...IDENTITY, ...args], { cwd, reject: false, env });
  };
  const must = async (...args: string[]) => {
    const result = await git(...args);
    if (result.exitCode !== 0) throw new UsageError(`git ${args[0]}: ${said(result.stderr)}`);
    return result.stdout.trim();
  };
  const branch = await must("symbolic-ref", "--short", "HEAD").catch(() => {
    throw new UsageError("git push: no branch is checked out, so there is none to push to: check one out");
  });
  const names = paths.map((path) => relative(cwd, path) || path);
  await must("add", "--all", "--", ...names);
  await must("commit", "--quiet", "--message", message, "--", ...names);
  for (let push = 1; ; push += 1) {
    const pushed = await git("push", "--quiet", "origin", `HEAD:refs/heads/${branch}`);
    if (pushed.exitCode === 0) return;
    const isBehind = /fetch first|non-fast-forward|cannot lock ref|failed to update ref|stale info/i.test(
      pushed.stderr,
    );
    if (!isBehind || push === PUSHES) throw new UsageError(`git push: ${said(pushed.stderr)}`);
    // Two that lost the same race would else run it again in step.
    await delay(50 + Math.random() * 200 * push);
    await must("fetch", "--quiet", "origin", branch);
    const rebased = await git("rebase", "--quiet", "--autostash", "FETCH_HEAD");
    if (rebased.exitCode !== 0) {
      await git("rebase", "--abort");
      throw new UsageError(`git rebase: ${said(rebased.stderr)}`);
    }
  }
}

function said(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.findLast((line) => /error|fatal|rejected|denied/i.test(line)) ?? lines[0] ?? "failed";
}
