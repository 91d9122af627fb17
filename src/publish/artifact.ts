import { lstat, open, opendir } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { type ComparisonFile, comparisonFileSchema } from "../domain/comparison.ts";
import { UsageError } from "../domain/errors.ts";
import { type HistoryFile, historyFileSchema } from "../domain/history.ts";
import { type MeasurementsFile, measurementsFileSchema } from "../domain/measurements.ts";
import { RUN_FILES, type RunRecord, runRecordSchema } from "../domain/run.ts";
import { EXIT, type VerdictFile, verdictFileSchema } from "../domain/verdict.ts";
import { parseJson } from "../system/files.ts";
import { refuseForeignHtml } from "./html.ts";

/** The file in which the measuring job tells the job that posts what it is about. */
export const HANDOFF_FILE = "publish.json";

/** {@link HANDOFF_FILE} */
export const handoffSchema = z.object({
  schemaVersion: z.literal(1),
  /** The pull request, as the measuring job knows it: a claim, to be checked against the event. */
  pullRequest: z.number().int().positive().nullable(),
  headSha: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
  /** Name of the cell of a matrix. */
  cell: z.string().min(1).max(100).nullable(),
});
export type Handoff = z.infer<typeof handoffSchema>;

/** What a run folder holds that is posted. */
export interface RunArtifact {
  readonly folder: string;
  readonly run: RunRecord;
  readonly verdict: VerdictFile;
  readonly comparison: ComparisonFile | null;
  readonly measurements: MeasurementsFile | null;
  readonly history: HistoryFile | null;
  readonly handoff: Handoff | null;
}

/** Larger than what a run writes, by far; small enough for memory. */
const MAX_FILE_BYTES: Readonly<Record<string, number>> = {
  [RUN_FILES.run]: 8 * 1024 ** 2,
  [RUN_FILES.verdict]: 1024 ** 2,
  [RUN_FILES.comparison]: 8 * 1024 ** 2,
  [RUN_FILES.measurements]: 16 * 1024 ** 2,
  [RUN_FILES.history]: 1024 ** 2,
  [RUN_FILES.report]: 4 * 1024 ** 2,
  [HANDOFF_FILE]: 64 * 1024,
};
/** Traces and telemetry are not read, but they lie on the disk of the job that posts. */
const MAX_FOLDER_BYTES = 1024 ** 3;
const MAX_ENTRIES = 5000;
const MAX_DEPTH = 6;

const megabytes = (bytes: number) => `${(bytes / 1024 ** 2).toFixed(bytes < 1024 ** 2 ? 2 : 0)} MiB`;

/**
 * Reads a run folder that a stranger's job made. Nothing of it is trusted: not its names, kinds of files, sizes,
 * shape or words. Its own Markdown is never posted, and refused when it holds what ours cannot hold.
 *
 * @throws UsageError with one line that says what is wrong with which file
 */
export async function readHostileRun(folder: string): Promise<RunArtifact> {
  await refuseHostileTree(folder);
  const json = async <T>(name: string, schema: z.ZodType<T>): Promise<T | null> => {
    const text = await readCapped(folder, name);
    return text === null ? null : parseJson(text, schema, shown(folder, name));
  };
  const run = await json(RUN_FILES.run, runRecordSchema);
  const verdict = await json(RUN_FILES.verdict, verdictFileSchema);
  if (run === null)
    throw new UsageError(`${shown(folder, RUN_FILES.run)}: no such file: this is no run folder`);
  if (verdict === null) {
    throw new UsageError(`${shown(folder, RUN_FILES.verdict)}: no such file: the run did not end`);
  }
  refuseContradiction(verdict, shown(folder, RUN_FILES.verdict));
  const report = await readCapped(folder, RUN_FILES.report);
  if (report !== null) refuseForeignHtml(report, shown(folder, RUN_FILES.report));
  return {
    folder,
    run,
    verdict,
    comparison: await json(RUN_FILES.comparison, comparisonFileSchema),
    measurements: await json(RUN_FILES.measurements, measurementsFileSchema),
    history: await json(RUN_FILES.history, historyFileSchema),
    handoff: await json(HANDOFF_FILE, handoffSchema),
  };
}

/** A path as an error shows it: of hostile names only what is harmless. */
function shown(folder: string, name: string): string {
  return `${basename(folder)}/${name}`.replace(/[^\w./ -]/g, "?").slice(0, 200);
}

async function refuseHostileTree(root: string): Promise<void> {
  let entries = 0;
  let bytes = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    const at = (name: string) => shown(root, join(folder.slice(root.length), name).replace(/^\/+/, ""));
    if (depth > MAX_DEPTH) throw new UsageError(`${at("")}: deeper than ${MAX_DEPTH} folders: refused`);
    for await (const entry of await opendir(folder)) {
      entries += 1;
      if (entries > MAX_ENTRIES)
        throw new UsageError(`${basename(root)}: more than ${MAX_ENTRIES} files: refused`);
      const path = join(folder, entry.name);
      if (/[\\:\p{Cc}]/u.test(entry.name)) {
        throw new UsageError(`${at(entry.name)}: a name that leads elsewhere: refused`);
      }
      const found = await lstat(path);
      if (found.isDirectory()) await walk(path, depth + 1);
      else if (!found.isFile()) {
        throw new UsageError(`${at(entry.name)}: a link or a special file, expected a file: refused`);
      }
      bytes += found.size;
      if (bytes > MAX_FOLDER_BYTES) {
        throw new UsageError(`${basename(root)}: more than ${megabytes(MAX_FOLDER_BYTES)}: refused`);
      }
    }
  };
  const top = await lstat(root).catch(() => null);
  if (top === null || !top.isDirectory()) throw new UsageError(`${basename(root)}: expected a run folder`);
  await walk(root, 0);
}

async function readCapped(folder: string, name: string): Promise<string | null> {
  const path = join(folder, name);
  const found = await lstat(path).catch(() => null);
  if (found === null) return null;
  const limit = MAX_FILE_BYTES[name] ?? 0;
  if (found.size > limit) {
    throw new UsageError(
      `${shown(folder, name)}: ${megabytes(found.size)}, expected at most ${megabytes(limit)}: refused`,
    );
  }
  await using file = await open(path);
  return await file.readFile("utf8");
}

/** Which ends of a run a verdict may have: a loss that calls itself a success is made up. */
const ENDS: Readonly<Record<VerdictFile["verdict"], readonly number[]>> = {
  pass: [EXIT.pass],
  improved: [EXIT.pass],
  inconclusive: [EXIT.pass, EXIT.noVerdict],
  invalid: [EXIT.pass, EXIT.noVerdict],
  regressed: [EXIT.regressed],
  failed: [EXIT.notMeasured, EXIT.sigint, EXIT.sigterm],
};

function refuseContradiction(verdict: VerdictFile, path: string): void {
  const { exitCode, conclusion, reportOnly } = verdict;
  const refuse = (what: string): never => {
    throw new UsageError(`${path}: the verdict "${verdict.verdict}" contradicts its ${what}: refused`);
  };
  if (reportOnly ? exitCode !== EXIT.pass : !ENDS[verdict.verdict].includes(exitCode))
    refuse(`exit code ${exitCode}`);
  const blocks = exitCode !== EXIT.pass;
  if (blocks !== ["failure", "action_required", "cancelled"].includes(conclusion))
    refuse(`conclusion ${conclusion}`);
  if (conclusion === "success" && verdict.verdict !== "pass" && verdict.verdict !== "improved") {
    refuse(`conclusion ${conclusion}`);
  }
}
