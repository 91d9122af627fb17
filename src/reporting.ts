import { glob, lstat, readdir } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import { type ComparisonFile, comparisonFileSchema } from "./domain/comparison.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import { type HistoryFile, historyFileSchema } from "./domain/history.ts";
import { type MeasurementsFile, measurementsFileSchema } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord, runRecordSchema } from "./domain/run.ts";
import { type VerdictFile, verdictFileSchema } from "./domain/verdict.ts";
import { HANDOFF_FILE, type Handoff, handoffSchema } from "./publish/artifact.ts";
import { type CommentInput, type CommentPart, commentParts } from "./report/comment.ts";
import { type Cell, type Overall, overallOf, overviewParts } from "./report/overview.ts";
import { parseJson, readJson, readTextIfExists } from "./system/files.ts";

/** What a run folder holds that is reported. */
export interface ReportedRun {
  readonly folder: string;
  readonly run: RunRecord;
  readonly verdict: VerdictFile;
  readonly comparison: ComparisonFile | null;
  readonly measurements: MeasurementsFile | null;
  readonly history?: HistoryFile | null;
  readonly handoff: Handoff | null;
}

/**
 * Reads what a run folder has to report.
 *
 * @throws UsageError when it is no run folder, or its run did not end
 */
export async function readReported(folder: string): Promise<ReportedRun> {
  const optional = async <T>(name: string, schema: Parameters<typeof parseJson<T>>[1]): Promise<T | null> => {
    const path = join(folder, name);
    const text = await readTextIfExists(path);
    return text === null ? null : parseJson(text, schema, path);
  };
  return {
    folder,
    run: await readJson(join(folder, RUN_FILES.run), runRecordSchema),
    verdict: await readJson(join(folder, RUN_FILES.verdict), verdictFileSchema),
    comparison: await optional(RUN_FILES.comparison, comparisonFileSchema),
    measurements: await optional(RUN_FILES.measurements, measurementsFileSchema),
    history: await optional(RUN_FILES.history, historyFileSchema),
    handoff: await optional(HANDOFF_FILE, handoffSchema),
  };
}

/** What a run's comment is made from. */
export function commentInputOf(reported: ReportedRun, cwd: string): CommentInput {
  const { folder, run } = reported;
  const path = relative(cwd, resolve(cwd, folder)) || folder;
  // Where an artifact was put is no reader's business: they download it.
  const runPath = path.startsWith("..") ? `runs/${run.id ?? basename(folder)}` : path;
  return { ...reported, runPath, acceptCommand: `vllm-gate record ${runPath}` };
}

/** The parts of a run's comment. */
export function partsOf(reported: ReportedRun, cwd: string): CommentPart[] {
  return commentParts(commentInputOf(reported, cwd));
}

/**
 * The run folders that are named: a folder with a `run.json`, a folder of such folders, or a pattern (`runs/*`, for
 * callers without a shell). Sorted.
 *
 * @throws UsageError for a name without a wildcard that is no folder
 */
export async function runFolders(names: readonly string[], cwd: string): Promise<string[]> {
  const found = new Set<string>();
  for (const name of names) {
    if (/[*?[{]/.test(name)) {
      for await (const path of glob(name, { cwd }))
        if (await isFolder(resolve(cwd, path))) found.add(resolve(cwd, path));
      continue;
    }
    const path = resolve(cwd, name);
    if (!(await isFolder(path))) throw new UsageError(`${name}: no such folder, expected a run folder`);
    const isRun = await lstat(join(path, RUN_FILES.run)).then(
      () => true,
      () => false,
    );
    if (isRun) found.add(path);
    else for (const inner of await subfolders(path)) found.add(inner);
  }
  return [...found].sort();
}

async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}

function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
}

/** A run that could not be read, or was refused. */
export interface UnreadRun {
  readonly folder: string;
  readonly problem: string;
}

/**
 * The cells of a matrix, from the runs that are there and the names that were expected: one that is missing, twice
 * there, or cannot be read is shown as such, and passes nothing.
 */
export function cellsOf(
  runs: readonly ReportedRun[],
  unread: readonly UnreadRun[],
  expected: readonly string[],
  cwd: string,
): Cell[] {
  const cells: Cell[] = runs.map((reported) => ({
    name: reported.handoff?.cell ?? reported.verdict.scenario,
    verdict: reported.verdict,
    problem: null,
    machine: machineOf(reported.run),
    parts: partsOf(reported, cwd),
  }));
  const missing = (name: string, problem: string): Cell => ({
    name,
    verdict: null,
    problem,
    machine: "",
    parts: [],
  });
  // Runs of one name are told apart by their folders.
  const counts = Map.groupBy(cells, ({ name }) => name);
  const named = cells.map((cell, index) =>
    (counts.get(cell.name)?.length ?? 0) > 1
      ? { ...cell, name: `${cell.name} (${basename(runs[index]?.folder ?? "")})` }
      : cell,
  );
  const present = new Set(cells.map(({ name }) => name));
  return [
    ...named,
    ...unread.map(({ folder, problem }) => missing(basename(folder), problem)),
    ...expected
      .filter((name) => !present.has(name))
      .map((name) => missing(name, "No run of this name was handed on: its job did not run, or it died")),
  ];
}

function machineOf({ fingerprint }: RunRecord): string {
  const { gpuModel, gpuCount, cpuModel } = fingerprint as Record<string, unknown>;
  if (typeof gpuModel !== "string") return typeof cpuModel === "string" ? cpuModel : "";
  return Number(gpuCount) > 1 ? `${gpuCount} × ${gpuModel}` : gpuModel;
}

/** Several runs as one. */
export interface Merged {
  readonly overall: Overall;
  readonly parts: readonly CommentPart[];
}

/** Merges runs into one report: an overview, the worst first, and each of them folded. */
export function mergeRuns(cells: readonly Cell[]): Merged {
  const overall = overallOf(cells);
  return { overall, parts: overviewParts(cells, overall) };
}

/** Reads folders, each with its own problem. */
export async function readAll<T>(
  folders: readonly string[],
  read: (folder: string) => Promise<T>,
): Promise<{ readonly runs: T[]; readonly unread: UnreadRun[] }> {
  const runs: T[] = [];
  const unread: UnreadRun[] = [];
  for (const folder of folders) {
    try {
      runs.push(await read(folder));
    } catch (error) {
      unread.push({ folder, problem: messageOf(error) });
    }
  }
  return { runs, unread };
}
