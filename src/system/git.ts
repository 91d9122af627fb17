import { execa } from "execa";
import { type GitEnvironment, NO_HOOKS } from "./git-auth.ts";

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

/** Files under some paths that differ between a revision and the working tree, by their paths from the root; sorted. */
export async function gitDiffers(cwd: string, revision: string, paths: readonly string[]): Promise<string[]> {
  if (revision.startsWith("-")) return [];
  const options = ["--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-z"];
  const result = await execa("git", ["diff", ...options, revision, "--", ...paths], { cwd, reject: false });
  return result.exitCode === 0
    ? result.stdout
        .split("\0")
        .filter((path) => path !== "")
        .sort()
    : [];
}

/** The commit from which the checkout and a revision went apart; null where this clone does not have it. */
export async function gitMergeBase(cwd: string, revision: string): Promise<string | null> {
  if (revision.startsWith("-")) return null;
  const result = await execa("git", ["merge-base", revision, "HEAD"], { cwd, reject: false });
  return result.exitCode === 0 ? result.stdout.trim() : null;
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

/** The top folder of the repository that a folder is in; outside one, the folder itself. */
export async function gitRoot(cwd: string): Promise<string> {
  const result = await execa("git", ["rev-parse", "--show-toplevel"], { cwd, reject: false });
  return result.exitCode === 0 && result.stdout !== "" ? result.stdout : cwd;
}

/** A base in this clone; `isStale` when the remote could not be asked whether its branch moved. */
export interface Base {
  readonly revision: string;
  readonly isStale: boolean;
}

/**
 * The base in this clone: the commit when it is here, else the remote's branch as it is now, fetched.
 *
 * @param auth - how git is known to the remote, where the checkout does not say it
 * @returns null when it is not there and cannot be fetched
 */
export async function resolveBase(
  cwd: string,
  base: { readonly branch: string; readonly sha?: string | null },
  auth: GitEnvironment = {},
): Promise<Base | null> {
  const { branch, sha } = base;
  if (sha != null && /^[0-9a-f]{40,64}$/.test(sha) && (await gitHas(cwd, sha))) {
    return { revision: sha, isStale: false };
  }
  // An option, or a refspec for more than the one branch.
  if (branch === "" || /^-|[*:^~?[\\\s]|\.\./.test(branch)) return null;
  const remote = `refs/remotes/origin/${branch}`;
  // A whole clone stays whole.
  const shallow = await execa("git", ["rev-parse", "--is-shallow-repository"], { cwd, reject: false });
  const depth = shallow.stdout === "true" ? ["--depth=1"] : [];
  const fetched = await execa(
    "git",
    [
      ...NO_HOOKS,
      ...["fetch", "--no-tags", "--no-recurse-submodules", ...depth],
      ...["origin", `+refs/heads/${branch}:${remote}`],
    ],
    { cwd, reject: false, timeout: 120_000, env: { ...auth, GIT_TERMINAL_PROMPT: "0" } },
  );
  if (!(await gitHas(cwd, remote))) return null;
  return { revision: remote, isStale: fetched.exitCode !== 0 };
}
