import { max, median, min } from "simple-statistics";
import type { Baseline } from "../domain/baseline.ts";
import type { DriftFile, LevelChange, MetricDrift } from "../domain/drift.ts";
import type { Level, Tolerance } from "../domain/metric.ts";
import { type ChangePoint, changePoints } from "../stats/change-points.ts";

/** How a metric of the series is judged. */
export interface DriftRule {
  readonly direction: "lower" | "higher";
  readonly level: Level;
  readonly tolerance: Tolerance;
}

/** Fewer nights than this have no level; a change needs as many on both sides. */
const MIN_NIGHTS = 5;

/**
 * Looks for change points in a machine's nightly series and compares where it is now with where it was pinned.
 *
 * @param nights - one file for each run, the oldest first
 * @param anchor - the committed baseline; the first level of the series stands in for one
 */
export function findDrift(
  where: { readonly scenario: string; readonly history: string; readonly anchorPath: string | null },
  nights: readonly Baseline[],
  anchor: Baseline | null,
  ruleOf: (metric: string) => DriftRule | null,
): DriftFile {
  const ids = [...new Set(nights.flatMap((night) => Object.keys(night.metrics)))].sort();
  const metrics = ids.flatMap((id) => {
    const rule = ruleOf(id);
    return rule === null || rule.level === "off" ? [] : [driftOf(id, rule, nights, anchor)];
  });
  return {
    schemaVersion: 1,
    scenario: where.scenario,
    history: where.history,
    nights: nights.length,
    anchor: anchor === null ? null : where.anchorPath,
    drifting: metrics.some((each) => each.level === "gate" && each.state === "drifting"),
    metrics,
  };
}

/** What a file says of a metric: of each session its best round, of the sessions the middle one. */
export function valueIn(
  baseline: Baseline | null,
  metric: string,
  { direction }: Pick<DriftRule, "direction">,
): number | null {
  const sessions = (baseline?.metrics[metric]?.sessions ?? []).filter((rounds) => rounds.length > 0);
  if (sessions.length === 0) return null;
  return median(sessions.map((rounds) => (direction === "lower" ? min([...rounds]) : max([...rounds]))));
}

function driftOf(
  metric: string,
  rule: DriftRule,
  nights: readonly Baseline[],
  anchorFile: Baseline | null,
): MetricDrift {
  const points = nights.flatMap((night) => {
    const value = valueIn(night, metric, rule);
    return value === null ? [] : [{ night, value }];
  });
  const values = points.map((point) => point.value);
  const unit = nights.findLast((night) => night.metrics[metric] !== undefined)?.metrics[metric]?.unit ?? "";
  const shared = {
    metric,
    unit,
    level: rule.level,
    nights: points.length,
    latest: values.at(-1) ?? null,
    points: points.map(({ night, value }): [string, number] => [recordedAt(night), value]),
  };
  const pinned = valueIn(anchorFile, metric, rule);
  // What is not measured any more has no level now, and would drift until its last nights are pruned.
  const isGone = nights.slice(-MIN_NIGHTS).every((night) => valueIn(night, metric, rule) === null);
  if (points.length < MIN_NIGHTS || isGone) {
    return {
      ...shared,
      state: "unknown",
      anchor: pinned,
      now: null,
      loss: null,
      slip: null,
      changes: [],
      reason: isGone
        ? `none of the last ${MIN_NIGHTS} nights has it`
        : `${points.length} nights, a level needs ${MIN_NIGHTS}`,
    };
  }
  // A change that is too small to matter is none, however sure it is.
  const found = changePoints(values, { minRelative: rule.tolerance.relative / 2 });
  const now = found.at(-1)?.after ?? median(values);
  const anchor = pinned ?? found[0]?.before ?? median(values);
  const worse = (from: number, to: number) => (rule.direction === "lower" ? to - from : from - to);
  const boundAt = (level: number) =>
    Math.max(rule.tolerance.absolute, rule.tolerance.relative * Math.abs(level));
  const gap = worse(anchor, now);
  const changes = found.map((point) => changeOf(point, points, rule));
  const last = changes.at(-1);
  // What is older than the anchor was there when somebody took it for good.
  const isSince = last !== undefined && (anchorFile === null || last.at > recordedAt(anchorFile));
  const slipped = isSince && worse(last.before, now) > boundAt(last.before);
  const bound = boundAt(anchor);
  return {
    ...shared,
    state: gap > bound || slipped ? "drifting" : -gap > bound ? "improved" : "steady",
    anchor,
    now,
    loss: anchor === 0 ? null : gap / Math.abs(anchor),
    slip: slipped ? last.loss : null,
    changes,
    reason: null,
  };
}

/** When the latest session of a file was recorded; a night's when it ran. */
function recordedAt({ sessions }: Baseline): string {
  return (
    sessions
      .map((session) => session.recordedAt)
      .sort()
      .at(-1) ?? ""
  );
}

function changeOf(
  { index, before, after, pValue }: ChangePoint,
  points: readonly { readonly night: Baseline; readonly value: number }[],
  rule: DriftRule,
): LevelChange {
  const [last, first] = [points[index - 1]?.night, points[index]?.night];
  const gap = rule.direction === "lower" ? after - before : before - after;
  return {
    at: first?.sessions[0]?.recordedAt ?? "",
    run: first?.sessions[0]?.run ?? null,
    before,
    after,
    loss: before === 0 ? null : gap / Math.abs(before),
    pValue,
    between: last === undefined || first === undefined ? [] : differences(last, first),
  };
}

/** What differs between two nights, in words: the suspects of a change. */
function differences(before: Baseline, after: Baseline): string[] {
  const [old, now] = [before.sessions.at(-1), after.sessions[0]];
  const pairs: [string, string | null | undefined, string | null | undefined][] = [
    ["commit", old?.commit?.slice(0, 10), now?.commit?.slice(0, 10)],
    ["vLLM", before.vllmVersion, after.vllmVersion],
    ["vllm-gate", old?.toolVersion, now?.toolVersion],
    ["flags", before.args.join(" ") || "none", after.args.join(" ") || "none"],
  ];
  const fields = new Set([...Object.keys(before.fingerprint), ...Object.keys(after.fingerprint)]);
  for (const field of [...fields].sort()) {
    const text = (value: string | number | null | undefined) => (value == null ? null : String(value));
    pairs.push([field, text(before.fingerprint[field]), text(after.fingerprint[field])]);
  }
  return pairs
    .filter(([, from, to]) => (from ?? null) !== (to ?? null))
    .map(([what, from, to]) => `${what}: ${from ?? "unknown"} → ${to ?? "unknown"}`);
}
