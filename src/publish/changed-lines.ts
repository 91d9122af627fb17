import type { GitHub } from "./client.ts";

/** A line that a pull request adds. */
export interface AddedLine {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** GitHub lists no more files of a pull request; a patch of a large file is left out. */
const MAX_FILES = 300;

/** The lines that a pull request adds, of the files whose patch GitHub shows. */
export async function addedLines(github: GitHub, pullNumber: number): Promise<AddedLine[]> {
  const { octokit, owner, repo } = github;
  let seen = 0;
  const files = await octokit.paginate(
    octokit.rest.pulls.listFiles,
    { owner, repo, pull_number: pullNumber, per_page: 100 },
    (response, done) => {
      seen += response.data.length;
      if (seen >= MAX_FILES) done();
      return response.data;
    },
  );
  return files.flatMap(({ filename, patch }) =>
    parsePatch(patch ?? "").map((each) => ({ path: filename, ...each })),
  );
}

/** The added lines of a unified diff's hunks. */
export function parsePatch(patch: string): { readonly line: number; readonly text: string }[] {
  const found: { line: number; text: string }[] = [];
  let line = 0;
  for (const row of patch.split("\n")) {
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(row);
    if (hunk !== null) line = Number(hunk[1]);
    else if (row.startsWith("+")) found.push({ line: line++, text: row.slice(1) });
    else if (!row.startsWith("-") && !row.startsWith("\\")) line += 1;
  }
  return found;
}

/**
 * The added line that names a flag; in a file of flags rather than in one that talks about them.
 *
 * @param flag - `--max-num-seqs`
 */
export function lineOf(flag: string, lines: readonly AddedLine[]): AddedLine | null {
  const escaped = flag.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/[-_]/g, "[-_]");
  // `--max-num-seqs`, and not the beginning of `--max-num-seqs-per-x`.
  const pattern = new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`);
  const named = lines.filter(({ text }) => pattern.test(text));
  const isProse = ({ path }: AddedLine) => /\.(md|rst|txt|adoc)$/i.test(path);
  return named.find((each) => !isProse(each)) ?? named[0] ?? null;
}
