import { join, resolve } from "node:path";
import { baselinePath } from "./baseline/baseline-path.ts";
import { formatBaseline, isAsWritten, parseBaseline } from "./baseline/baseline-text.ts";
import {
  type BaselineChange,
  baselineChanges,
  type SessionChanges,
  sessionChanges,
} from "./baseline/changes.ts";
import { acceptInto, extendBaseline, makeBaseline, type RecordedRun } from "./baseline/make-baseline.ts";
import { compareSides } from "./compare/compare.ts";
import { ruleFor } from "./compare/rules.ts";
import { knownBaselineSide } from "./comparing.ts";
import type { Baseline } from "./domain/baseline.ts";
import { UsageError } from "./domain/errors.ts";
import { measureRun } from "./measure/measure.ts";
import type { Surroundings } from "./surroundings.ts";
import { readCheckedOut, writeFileAtomic } from "./system/files.ts";
import { gitRoot } from "./system/git.ts";
import { hashRun, readRunFolder } from "./system/run-folder.ts";

/** Sessions that a baseline is extended to when no number is said. */
export const WINDOW = 10;

/** How runs become part of a baseline that may exist. */
export interface RecordOptions {
  /** Keep the sessions that are there and add the new ones, this many at most. */
  readonly extendTo?: number;
  /** Take only the metrics of these patterns from the runs; the others keep their values. */
  readonly accept?: readonly string[];
  /** Why: needed to accept, and to replace a baseline by a worse one. */
  readonly reason?: string;
}

/** What was recorded, where, and what moved. */
export interface Recorded {
  readonly path: string;
  readonly baseline: Baseline;
  readonly changes: readonly BaselineChange[];
  readonly sessions: SessionChanges;
  /** There was none of this scenario and machine. */
  readonly isNew: boolean;
  /** The baseline that was there had been edited by hand. */
  readonly handEdited: boolean;
}

/**
 * Makes a baseline of runs that exist, extends one by them, or accepts what they measured; writes it: `vllm-gate
 * record RUN…`.
 *
 * @throws UsageError when a run is not fit for a baseline, or a reason is missing; nothing is written then
 */
export async function recordRuns(
  runDirs: readonly string[],
  baselineDir: string,
  world: Pick<Surroundings, "cwd">,
  options: RecordOptions = {},
): Promise<Recorded> {
  const runs = await Promise.all(
    runDirs.map(async (path): Promise<RecordedRun> => {
      const folder = resolve(world.cwd, path);
      const { run, traces } = await readRunFolder(folder);
      return { run, measurements: measureRun(run, traces), runSha256: await hashRun(folder), path };
    }),
  );
  const { reason } = options;
  if (reason !== undefined && reason.trim() === "")
    throw new UsageError("--reason: expected some words, got none");
  const added = makeBaseline(runs, new Date().toISOString(), reason ?? null);
  const path = join(baselineDir, baselinePath(added.scenario, added.fingerprint));
  const file = resolve(world.cwd, path);
  const old = await readCheckedOut(file, await gitRoot(world.cwd));
  const before = old === null ? null : parseBaseline(old, path, added.scenario);
  const baseline = joined(before, added, path, options);
  await writeFileAtomic(file, formatBaseline(baseline));
  return {
    path,
    baseline,
    changes: baselineChanges(before, baseline),
    sessions: sessionChanges(before, baseline),
    isNew: before === null,
    handEdited: before !== null && isAsWritten(before) === false,
  };
}

function joined(
  before: Baseline | null,
  added: Baseline,
  path: string,
  { extendTo, accept, reason }: RecordOptions,
): Baseline {
  if (extendTo !== undefined) {
    // The first of many sessions begins one.
    return before === null ? added : extendBaseline(before, added, extendTo, reason ?? null);
  }
  if (accept !== undefined) {
    if (reason === undefined)
      throw new UsageError("--accept: needs --reason, which the audit of this baseline shows");
    if (before === null)
      throw new UsageError(`${path}: there is no baseline yet, so nothing to accept: record one`);
    const inScope = (metric: string) =>
      accept.some((pattern) => ruleFor({ [pattern]: true }, metric) === true);
    return acceptInto(before, added, inScope, accept, reason);
  }
  if (before === null) return added;
  const worse = worsened(before, added);
  if (worse.length > 0 && reason === undefined) {
    throw new UsageError(
      `${path}: the new baseline is worse in ${worse.slice(0, 5).join(", ")}${worse.length > 5 ? ", …" : ""}: ` +
        'say why with --reason "…"; nothing was written',
    );
  }
  return added;
}

/** The gated metrics that are clearly worse in a new baseline than in the one that it replaces. */
function worsened(before: Baseline, after: Baseline): string[] {
  const { comparisons } = compareSides(
    after.scenario,
    knownBaselineSide(before, "the baseline"),
    knownBaselineSide(after, "the new one"),
    { tolerances: {}, levels: {} },
  );
  return comparisons
    .filter((each) => each.level === "gate" && each.verdict === "regressed")
    .map((each) => each.metric);
}
