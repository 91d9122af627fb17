import { readFile } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import { NotMeasuredError, UsageError } from "./domain/errors.ts";
import type { GitHubAccess } from "./github-access.ts";
import { explainProposal, type Proposed, proposeBaseline } from "./publish/baseline-pull.ts";
import { recordedParts, recordedTitle } from "./recorded-text.ts";
import type { Recorded } from "./recording.ts";
import { gitRoot } from "./system/git.ts";

/**
 * A path as the repository has it, by `/`.
 *
 * @param cwd - a real path
 * @throws UsageError when it lies outside the repository
 */
export async function repositoryPath(path: string, cwd: string): Promise<string> {
  const way = relative(await gitRoot(cwd), resolve(cwd, path))
    .split(sep)
    .join("/");
  if (way === ".." || way.startsWith("../")) {
    throw new UsageError(`${path}: lies outside the repository, so no pull request can hold it`);
  }
  return way;
}

/**
 * Proposes a baseline that was recorded by a pull request with the table that `record` prints.
 *
 * @param base - the branch that it is for; the repository's default branch when null
 * @throws NotMeasuredError that says what GitHub refused, and what to change; the file stays as it was recorded
 */
export async function proposeRecorded(
  recorded: Recorded,
  cwd: string,
  access: GitHubAccess,
  base: string | null,
): Promise<Proposed> {
  const file = resolve(cwd, recorded.path);
  const path = await repositoryPath(recorded.path, cwd);
  const { github, serverUrl, runUrl } = access;
  try {
    return await proposeBaseline(github, {
      base,
      path,
      content: await readFile(file, "utf8"),
      title: recordedTitle(recorded),
      parts: recordedParts(recorded),
      serverUrl,
      runUrl: runUrl.includes("/actions/runs/") ? runUrl : null,
    });
  } catch (error) {
    throw new NotMeasuredError(explainProposal(error), { cause: error });
  }
}

/** What became of it, in a sentence. */
export function proposedText({ change, url }: Proposed): string {
  const words = {
    opened: "Opened the pull request",
    updated: "Brought the pull request up to date:",
    unchanged: "The branch has this very baseline already: no pull request is needed",
  };
  return `${words[change]}${url === null ? "" : ` ${url}`}`;
}
