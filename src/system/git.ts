import { execa } from "execa";

/** The text of a file at a git revision; null when the revision or the file is not there. */
export async function gitShow(cwd: string, revision: string, path: string): Promise<string | null> {
  // A leading dash would be read as an option.
  if (revision.startsWith("-")) return null;
  const result = await execa("git", ["show", `${revision}:${path}`], {
    cwd,
    reject: false,
    stripFinalNewline: false,
  });
  return result.exitCode === 0 ? result.stdout : null;
}

/** True when a revision is known to this clone. */
export async function gitHas(cwd: string, revision: string): Promise<boolean> {
  if (revision.startsWith("-")) return false;
  const result = await execa("git", ["rev-parse", "--verify", "--quiet", `${revision}^{commit}`], {
    cwd,
    reject: false,
  });
  return result.exitCode === 0;
}

/** The commit that is checked out, or null outside a repository. */
export async function gitHead(cwd: string): Promise<string | null> {
  const result = await execa("git", ["rev-parse", "HEAD"], { cwd, reject: false });
  return result.exitCode === 0 ? result.stdout.trim() : null;
}

/**
 * The revision of a base branch in this clone: `origin/<branch>`, fetched at depth 1 when a shallow clone lacks it.
 *
 * @returns null when it is not there and cannot be fetched
 */
export async function resolveBaseBranch(cwd: string, branch: string): Promise<string | null> {
  const remote = `refs/remotes/origin/${branch}`;
  if (await gitHas(cwd, remote)) return remote;
  // An option, or a refspec for more than the one branch.
  if (/^-|[*:]/.test(branch)) return null;
  const fetched = await execa(
    "git",
    ["fetch", "--no-tags", "--depth=1", "origin", `+refs/heads/${branch}:${remote}`],
    {
      cwd,
      reject: false,
      timeout: 120_000,
      env: { GIT_TERMINAL_PROMPT: "0" },
    },
  );
  return fetched.exitCode === 0 && (await gitHas(cwd, remote)) ? remote : null;
}
