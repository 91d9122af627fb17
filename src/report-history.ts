import { join } from "node:path";
import { baselinePath } from "./baseline/baseline-path.ts";
import { findDrift, valueIn } from "./baseline/drift.ts";
import { type Comparison, type ComparisonFile, ordered } from "./domain/comparison.ts";
import { messageOf } from "./domain/errors.ts";
import type { HistoryFile, MetricHistory } from "./domain/history.ts";
import { RUN_FILES, type RunRecord } from "./domain/run.ts";
import { HISTORY, MOST_NIGHTS, readHistory } from "./drift.ts";
import { CHANGED } from "./report/rows.ts";
import { writeJson } from "./system/files.ts";
import type { Log } from "./system/log.ts";

/** Metrics that are told of: each is a chart in the report. */
const MOST_METRICS = 12;

/** Where a run's history is looked for. */
export interface HistoryPlace {
  readonly cwd: string;
  readonly baselineDir: string;
}

/**
 * Writes `history.json`: the earlier nights of this run's machine, of the gated metrics that changed first. They are
 * shown beside the verdict and decide nothing: what goes wrong here is warned of and ends nothing.
 *
 * @returns null where the machine has no history, or one that cannot be read
 */
export async function writeHistory(
  runDir: string,
  run: RunRecord,
  comparison: ComparisonFile,
  { log, ...place }: HistoryPlace & { readonly log: Pick<Log, "warn"> },
): Promise<HistoryFile | null> {
  try {
    const history = await historyOf(run, comparison, place);
    if (history !== null) await writeJson(join(runDir, RUN_FILES.history), history);
    return history;
  } catch (error) {
    log.warn(`the earlier nights are not shown: ${messageOf(error)}`);
    return null;
  }
}

/**
 * The history of this checkout for a run's machine.
 *
 * @throws UsageError when a file of it is damaged
 */
export async function historyOf(
  run: RunRecord,
  comparison: ComparisonFile,
  { cwd, baselineDir }: HistoryPlace,
): Promise<HistoryFile | null> {
  const path = baselinePath(run.scenario, run.fingerprint);
  const folder = join(baselineDir, HISTORY, path.replace(/\.json$/, ""));
  const nights = await readHistory(cwd, folder, MOST_NIGHTS);
  if (nights.length === 0) return null;
  const gated = new Map(
    comparison.comparisons.filter(({ level }) => level === "gate").map((each) => [each.metric, each]),
  );
  const drift = findDrift({ scenario: run.scenario, history: folder, anchorPath: null }, nights, null, (id) =>
    ruleOf(gated.get(id)),
  );
  const changes = new Map(drift.metrics.map((each) => [each.metric, each.changes]));
  const isBaseline = comparison.baseSource?.endsWith(".json") === true;
  const told = ordered([...gated.values()], [...CHANGED, "pass"]).map((each): MetricHistory => {
    const { metric, unit, base } = each;
    return {
      metric,
      unit,
      anchor: isBaseline ? base : null,
      points: nights.flatMap((night) => {
        const value = valueIn(night, metric, each);
        const at = night.sessions[0]?.recordedAt;
        return value === null || at === undefined ? [] : [{ at, value }];
      }),
      changes: (changes.get(metric) ?? []).map(({ at, before, after, between }) => ({
        at,
        before,
        after,
        between,
      })),
    };
  });
  // Of those that did not change now, the ones that did before.
  const rank = ({ metric, changes }: MetricHistory) =>
    gated.get(metric)?.verdict !== "pass" ? 0 : changes.length > 0 ? 1 : 2;
  const metrics = told
    .filter(({ points }) => points.length > 1)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST_METRICS);
  return metrics.length === 0 ? null : { schemaVersion: 1, folder, metrics };
}

/** A metric's own rule, as this run was judged by it. */
function ruleOf(each: Comparison | undefined) {
  if (each === undefined) return null;
  const { direction, level, tolerance, absoluteTolerance } = each;
  return { direction, level, tolerance: { relative: tolerance, absolute: absoluteTolerance } };
}
