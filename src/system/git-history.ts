import { execa } from "execa";
import { UsageError } from "../domain/errors.ts";

/** One file in one commit. */
export interface FileChange {
  readonly path: string;
  /** Its name before the commit; another one when it was renamed. */
  readonly oldPath: string;
  /** Ids of its content; null where there was none. */
  readonly oldBlob: string | null;
  readonly newBlob: string | null;
}

/** A commit of the branch's own line, with what it changed there: a merge with all that it brought. */
export interface CommitChange {
  readonly commit: string;
  /** Seconds since 1970, of the commit. */
  readonly committedAtS: number;
  readonly author: string;
  readonly subject: string;
  readonly changes: readonly FileChange[];
}

const NO_BLOB = /^0+$/;

/**
 * The commits of the current branch that changed some paths, the oldest first. Only the first parents are followed:
 * what a branch saw, whether pull requests were merged, squashed or rebased onto it. One git process for all of them.
 *
 * @param since - a date or age as git takes it
 * @throws UsageError outside a repository
 */
export async function gitFileHistory(
  cwd: string,
  paths: readonly string[],
  since?: string,
): Promise<CommitChange[]> {
  const result = await execa(
    "git",
    [
      "log",
      "-z",
      "--first-parent",
      "-m",
      "--reverse",
      "--raw",
      "--find-renames",
      "--no-abbrev",
      "--format=%x01%H%x1f%ct%x1f%an%x1f%s",
      ...(since === undefined ? [] : [`--since=${since}`]),
      "--",
      ...paths,
    ],
    { cwd, reject: false, maxBuffer: 1_000_000_000 },
  );
  if (result.exitCode !== 0) {
    throw new UsageError(
      `git log: ${result.stderr.trim().split("\n")[0]}: expected a git repository with commits`,
    );
  }
  return parseRawLog(result.stdout);
}

/** Parses what {@link gitFileHistory} asks git for. */
export function parseRawLog(text: string): CommitChange[] {
  const commits: (CommitChange & { changes: FileChange[] })[] = [];
  const fields = text.split("\0").map((field) => field.replace(/^\n/, ""));
  for (let at = 0; at < fields.length; ) {
    const field = fields[at] as string;
    at += 1;
    if (field.startsWith("\u0001")) {
      const [commit = "", committedAt = "0", author = "", ...subject] = field.slice(1).split("\u001f");
      commits.push({
        commit,
        committedAtS: Number(committedAt),
        author,
        subject: subject.join(" "),
        changes: [],
      });
    } else if (field.startsWith(":")) {
      const [, , oldBlob = "", newBlob = "", status = ""] = field.split(" ");
      const oldPath = fields[at] ?? "";
      const renamed = /^[RC]/.test(status);
      const path = renamed ? (fields[at + 1] ?? "") : oldPath;
      at += renamed ? 2 : 1;
      commits.at(-1)?.changes.push({
        path,
        // A copy leaves the original where it was.
        oldPath: status.startsWith("C") ? path : oldPath,
        oldBlob: NO_BLOB.test(oldBlob) || status.startsWith("C") ? null : oldBlob,
        newBlob: NO_BLOB.test(newBlob) ? null : newBlob,
      });
    }
  }
  return commits;
}

/** Largest file that is read from history; a baseline of 300 metrics is about 100 kB. */
const MAX_BLOB_BYTES = 4_000_000;

/** Contents by id, read by one `git cat-file --batch`. A content that is missing or too large is left out. */
export async function gitBlobs(cwd: string, ids: Iterable<string>): Promise<Map<string, string>> {
  const wanted = [...new Set(ids)];
  if (wanted.length === 0) return new Map();
  const { stdout } = await execa("git", ["cat-file", "--batch"], {
    cwd,
    input: `${wanted.join("\n")}\n`,
    encoding: "buffer",
    maxBuffer: 4_000_000_000,
    stripFinalNewline: false,
  });
  const bytes = Buffer.from(stdout.buffer, stdout.byteOffset, stdout.byteLength);
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(10, at);
    if (end < 0) break;
    const [id = "", kind = "", size = ""] = bytes.toString("utf8", at, end).split(" ");
    at = end + 1;
    // `<id> missing` has no content.
    if (kind !== "blob") continue;
    const sizeBytes = Number(size);
    if (sizeBytes <= MAX_BLOB_BYTES) found.set(id, bytes.toString("utf8", at, at + sizeBytes));
    at += sizeBytes + 1;
  }
  return found;
}

/** True in a clone that lacks part of its history. */
export async function isShallow(cwd: string): Promise<boolean> {
  const result = await execa("git", ["rev-parse", "--is-shallow-repository"], { cwd, reject: false });
  return result.stdout === "true";
}
