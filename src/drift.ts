import { readdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { baselinePath } from "./baseline/baseline-path.ts";
import { formatBaseline, readBaselineText } from "./baseline/baseline-text.ts";
import { type DriftRule, findDrift } from "./baseline/drift.ts";
import { makeBaseline } from "./baseline/make-baseline.ts";
import { ruleFor } from "./compare/rules.ts";
import type { GateConfig } from "./config/load.ts";
import type { Baseline } from "./domain/baseline.ts";
import type { DriftFile } from "./domain/drift.ts";
import { UsageError } from "./domain/errors.ts";
import { definitionsOf } from "./measure/catalogue.ts";
import { measureRun } from "./measure/measure.ts";
import { readCheckedOut, writeFileAtomic } from "./system/files.ts";
import { gitRoot } from "./system/git.ts";
import { hashRun, readRunFolder } from "./system/run-folder.ts";

/** The folder of the nights' files, beside the scenarios' baselines. */
export const HISTORY = "history";

export interface DriftRequest {
  readonly cwd: string;
  /** Run folders to append first; all of one scenario and machine. */
  readonly runs: readonly string[];
  readonly baselineDir: string;
  /** Most files that a machine's history keeps; the oldest are removed. */
  readonly keep: number;
  /** Rules beside the catalogue's. */
  readonly rules: Pick<GateConfig, "tolerances" | "levels">;
}

export interface DriftResult {
  readonly drift: DriftFile;
  /** Files that were added or removed. */
  readonly touched: readonly string[];
}

/**
 * Appends runs to the history of their machine, one small file each, and looks for drift in it.
 *
 * @throws UsageError when a run is not fit to be recorded; nothing is appended then
 */
export async function appendAndFindDrift(request: DriftRequest): Promise<DriftResult> {
  const { cwd, baselineDir } = request;
  const nights = await Promise.all(request.runs.map((path) => nightOf(resolve(cwd, path), path)));
  const [first] = nights;
  if (first === undefined) throw new UsageError("drift needs at least one run folder");
  const path = baselinePath(first.scenario, first.fingerprint);
  const other = nights.find((night) => baselinePath(night.scenario, night.fingerprint) !== path);
  if (other !== undefined) {
    throw new UsageError(
      `a run of ${baselinePath(other.scenario, other.fingerprint)} beside one of ${path}: expected runs of one scenario and machine`,
    );
  }
  const history = join(baselineDir, HISTORY, path.replace(/\.json$/, ""));
  const folder = resolve(cwd, history);
  const added = nights.map((night) => join(folder, nameOf(night)));
  for (const [at, night] of nights.entries())
    await writeFileAtomic(added[at] as string, formatBaseline(night));
  const removed = await prune(folder, request.keep);
  const drift = await findDriftIn(request, first.scenario, path);
  return { drift, touched: [...added, ...removed] };
}

/** Looks for drift in a machine's history as it is. */
export async function findDriftIn(
  { cwd, baselineDir, rules }: Pick<DriftRequest, "cwd" | "baselineDir" | "rules">,
  scenario: string,
  path: string,
): Promise<DriftFile> {
  const history = join(baselineDir, HISTORY, path.replace(/\.json$/, ""));
  const series = await readHistory(cwd, history);
  const anchorPath = join(baselineDir, path);
  const anchorText = await readCheckedOut(resolve(cwd, anchorPath), await gitRoot(cwd));
  const anchor = anchorText === null ? null : readBaselineText(anchorText, anchorPath);
  return findDrift({ scenario, history, anchorPath }, series, anchor, driftRules(rules));
}

/** How a configuration judges the metrics of a history. */
export function driftRules(rules: DriftRequest["rules"]): (metric: string) => DriftRule | null {
  return (metric) => {
    const definition = definitionsOf([metric])[0];
    if (definition === undefined) return null;
    const tolerance = ruleFor(rules.tolerances, metric);
    return {
      direction: definition.direction,
      level: ruleFor(rules.levels, metric) ?? definition.level,
      tolerance: {
        relative: tolerance?.relative ?? definition.tolerance.relative,
        absolute: tolerance?.absolute ?? definition.tolerance.absolute,
      },
    };
  };
}

/** A run as a night of the history: when it ran, not when it was appended. */
async function nightOf(folder: string, path: string): Promise<Baseline> {
  const { run, traces } = await readRunFolder(folder);
  const recorded = { run, measurements: measureRun(run, traces), runSha256: await hashRun(folder), path };
  return makeBaseline([recorded], run.createdAt ?? new Date().toISOString());
}

/** Sorts by time and cannot collide: two machines or jobs never write one file. */
function nameOf(night: Baseline): string {
  const [session] = night.sessions;
  const stamp = (session?.recordedAt ?? "").replace(/[-:]/g, "").replace(/\.\d+/, "");
  const name = `${stamp}-${(session?.runSha256 ?? "").slice(0, 12)}.json`;
  if (NAME.test(name)) return name;
  throw new UsageError(
    `${night.scenario}: the run's createdAt is ${JSON.stringify(session?.recordedAt)}, expected a time such as 2026-11-22T07:00:00Z`,
  );
}

/** Names of the history's files: a run folder may come from anywhere, and says itself when it was made. */
const NAME = /^\d{8}T\d{6}Z?-[0-9a-f]+\.json$/;

/** Names of the nights in a machine's history, the oldest first; none where there is no such folder. */
export async function nightsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => NAME.test(name)).sort();
}

/** Most nights that a verdict looks back on: what a reviewer asks is what the last months were like. */
export const MOST_NIGHTS = 120;

/**
 * The nights of a machine, the oldest first.
 *
 * @param history - their folder, from `cwd`
 * @param most - older ones are not read
 * @throws UsageError when a file of them is none, or a link out of the repository; it quotes nothing of the file
 */
export async function readHistory(cwd: string, history: string, most = Infinity): Promise<Baseline[]> {
  const names = (await nightsIn(resolve(cwd, history))).slice(-most);
  if (names.length === 0) return [];
  const root = await gitRoot(cwd);
  return Promise.all(
    names.map(async (name) => {
      const path = join(history, name);
      const text = await readCheckedOut(resolve(cwd, path), root);
      return nightFrom(text ?? "", path);
    }),
  );
}

function nightFrom(text: string, path: string): Baseline {
  try {
    return readBaselineText(text, path);
  } catch (error) {
    // A parser's sentence quotes what it read, and this one ends in a job's log.
    if (!(error instanceof Error && error.cause instanceof SyntaxError)) throw error;
    throw new UsageError(`${path}: not JSON, expected a night as \`vllm-gate drift\` writes it: remove it`);
  }
}

/** Removes the oldest files of more than are kept. */
async function prune(folder: string, keep: number): Promise<string[]> {
  const names = await nightsIn(folder);
  const old = names.slice(0, Math.max(0, names.length - keep)).map((name) => join(folder, name));
  for (const path of old) await rm(path, { force: true });
  return old;
}
