import { max, median, min } from "simple-statistics";
import type { z } from "zod";
import {
  BASELINE_VERSION,
  type Baseline,
  type metricValuesSchema,
  serverIdentity,
} from "../domain/baseline.ts";
import { UsageError } from "../domain/errors.ts";
import { diffFingerprints } from "../domain/fingerprint.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord } from "../domain/run.ts";
import { sha256 } from "../system/files.ts";
import { sealed } from "./baseline-text.ts";

/** A run that a baseline is made from. */
export interface RecordedRun {
  readonly run: RunRecord;
  readonly measurements: MeasurementsFile;
  readonly runSha256: string;
  /** What it is called in errors. */
  readonly path: string;
}

/** More digits than any clock or log here resolves only make diffs noisy. Counts are kept as they are. */
function fewDigits(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}

/**
 * A baseline from the sessions of one or more runs of one scenario on comparable machines.
 *
 * @throws UsageError when a run measured nothing, must not be trusted, or is not comparable with the first
 */
export function makeBaseline(
  runs: readonly RecordedRun[],
  recordedAt: string,
  reason: string | null = null,
): Baseline {
  const [first, ...others] = runs;
  if (first === undefined) throw new UsageError("record needs at least one run folder");
  for (const each of runs) checkRecordable(each);
  for (const other of others) checkSame(first, other);
  const seen = new Map<string, string>();
  for (const { runSha256, path } of runs) {
    const earlier = seen.get(runSha256);
    if (earlier !== undefined) throw new UsageError(`${path}: the same run as ${earlier}`);
    seen.set(runSha256, path);
  }

  const parts = runs.map((each) => recordedPart(each, recordedAt));
  const sessions = parts.flatMap((part) => part.sessions);
  return sealed({
    schemaVersion: BASELINE_VERSION,
    contentSha256: null,
    scenario: first.run.scenario,
    change: { kind: "recorded", at: recordedAt, reason, metrics: null },
    fingerprint: first.run.fingerprint,
    args: argsOf(first),
    serverSha256: serverHash(first),
    vllmVersion: versionOf(first),
    sessions,
    metrics: joinMetrics(parts),
  });
}

type RecordedSession = Baseline["sessions"][number];
type MetricValues = z.infer<typeof metricValuesSchema>;

/** Sessions with their values: each metric has one list for each of them. */
interface Part {
  readonly sessions: readonly RecordedSession[];
  readonly metrics: Readonly<Record<string, Pick<MetricValues, "unit" | "sessions">>>;
}

/** What a run adds to a baseline. */
function recordedPart({ run, measurements, runSha256 }: RecordedRun, recordedAt: string): Part {
  const variant = recordedVariant(run);
  const measured = run.sessions.filter((session) => session.outcome === "ok" && session.variant === variant);
  const units = new Map(measurements.metrics.map((metric) => [metric.id, metric.unit]));
  const own = measurements.measurements.filter((each) => each.variant === variant);
  const ids = [...new Set(own.map((each) => each.metric))];
  const valuesOf = (metric: string, { index }: (typeof measured)[number]) =>
    own
      .filter((each) => each.metric === metric && each.session === index)
      .sort((a, b) => a.round - b.round)
      .map((each) => fewDigits(each.value));
  return {
    sessions: measured.map((session) => ({
      run: run.id ?? null,
      recordedAt,
      commit: run.commit ?? null,
      toolVersion: run.toolVersion ?? null,
      vllmVersion: session.vllmVersion ?? null,
      hostId: run.fingerprint["hostId"] == null ? null : String(run.fingerprint["hostId"]),
      runSha256,
    })),
    metrics: Object.fromEntries(
      ids.map((id) => [
        id,
        { unit: units.get(id) ?? "", sessions: measured.map((session) => valuesOf(id, session)) },
      ]),
    ),
  };
}

/** The metrics of several parts, sorted; a metric that a part lacks has empty lists for its sessions. */
function joinMetrics(parts: readonly Part[]): Record<string, MetricValues> {
  const ids = [...new Set(parts.flatMap((part) => Object.keys(part.metrics)))].sort();
  return Object.fromEntries(
    ids.flatMap((id): [string, MetricValues][] => {
      const sessions = parts.flatMap((part) => part.metrics[id]?.sessions ?? part.sessions.map(() => []));
      const all = sessions.flat();
      if (all.length === 0) return [];
      const unit = parts.find((part) => part.metrics[id] !== undefined)?.metrics[id]?.unit ?? "";
      return [[id, { unit, n: all.length, spread: spreadOf(all), sessions }]];
    }),
  );
}

function spreadOf(values: readonly number[]): number {
  const middle = median([...values]);
  const spread = middle === 0 ? 0 : (max([...values]) - min([...values])) / Math.abs(middle);
  return Number(spread.toPrecision(3));
}

/**
 * A baseline with the sessions of further runs. Of more sessions than `window` the oldest are dropped, a metric that
 * then has no value with them.
 *
 * @throws UsageError when the runs cannot be recorded, are there already, or do not fit the baseline
 */
export function extendBaseline(
  baseline: Baseline,
  added: Baseline,
  window: number,
  reason: string | null,
): Baseline {
  checkFits(baseline, added);
  const parts = [baseline, added];
  const from = Math.max(0, baseline.sessions.length + added.sessions.length - window);
  const metrics = joinMetrics(parts);
  const kept = Object.entries(metrics).flatMap(([id, metric]): [string, MetricValues][] => {
    const sessions = metric.sessions.slice(from);
    const all = sessions.flat();
    return all.length === 0 ? [] : [[id, { ...metric, n: all.length, spread: spreadOf(all), sessions }]];
  });
  return sealed({
    ...baseline,
    schemaVersion: BASELINE_VERSION,
    change: { kind: "extended", at: changedAt(added), reason, metrics: null },
    sessions: [...baseline.sessions, ...added.sessions].slice(from),
    metrics: Object.fromEntries(kept),
  });
}

/**
 * A baseline in which the metrics of a scope have the values of other runs, and the others keep theirs.
 *
 * @param inScope - whether a metric is one of those that are accepted
 * @param scope - how that was said: patterns
 * @throws UsageError when no metric is in the scope
 */
export function acceptInto(
  baseline: Baseline,
  added: Baseline,
  inScope: (metric: string) => boolean,
  scope: readonly string[],
  reason: string,
): Baseline {
  const accepted = Object.keys(added.metrics).filter(inScope);
  if (accepted.length === 0) {
    throw new UsageError(
      `${scope.join(", ")}: the run measured no such metric, so there is nothing to accept`,
    );
  }
  const only = (part: Baseline, keep: (metric: string) => boolean): Part => ({
    sessions: part.sessions,
    metrics: Object.fromEntries(Object.entries(part.metrics).filter(([id]) => keep(id))),
  });
  const metrics = joinMetrics([only(baseline, (id) => !inScope(id)), only(added, inScope)]);
  const sessions = [...baseline.sessions, ...added.sessions];
  // A session of which no value is left says nothing any more.
  const used = sessions.map((_, at) =>
    Object.values(metrics).some((metric) => (metric.sessions[at]?.length ?? 0) > 0),
  );
  return sealed({
    ...added,
    // Its metrics are of several servers now: no one of them can be measured again in its place.
    serverSha256: null,
    change: { kind: "accepted", at: changedAt(added), reason, metrics: [...scope] },
    sessions: sessions.filter((_, at) => used[at]),
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([id, metric]) => [
        id,
        { ...metric, sessions: metric.sessions.filter((_, at) => used[at]) },
      ]),
    ),
  });
}

function changedAt(added: Baseline): string {
  return added.change?.at ?? added.sessions[0]?.recordedAt ?? "";
}

/** Refuses sessions that are there already, and those that measured something else. */
function checkFits(baseline: Baseline, added: Baseline): void {
  const known = new Set(baseline.sessions.map((session) => session.runSha256));
  const twice = added.sessions.find((session) => known.has(session.runSha256));
  if (twice !== undefined) {
    throw new UsageError(`run ${twice.run ?? twice.runSha256.slice(0, 12)} is in the baseline already`);
  }
  const differing = diffFingerprints(baseline.fingerprint, added.fingerprint).find(
    (each) => each.rule === "must",
  );
  if (differing !== undefined) {
    throw new UsageError(
      `the run's ${differing.field} is ${differing.head}, the baseline's ${differing.base}: record a new baseline`,
    );
  }
  const shown = (args: readonly string[]) => args.join(" ") || "no flags";
  if (
    JSON.stringify(baseline.args) !== JSON.stringify(added.args) ||
    baseline.vllmVersion !== added.vllmVersion
  ) {
    throw new UsageError(
      `the run is of ${shown(added.args)} on vLLM ${added.vllmVersion ?? "unknown"}, the baseline of ` +
        `${shown(baseline.args)} on ${baseline.vllmVersion ?? "unknown"}: sessions of one baseline are of one server; ` +
        "record a new baseline, or accept the metrics that moved",
    );
  }
}

function checkRecordable({ run, measurements, path }: RecordedRun): void {
  if (run.outcome !== undefined && run.outcome !== "complete") {
    throw new UsageError(`${path}: the run is ${run.outcome}, expected one that is complete`);
  }
  if (measurements.measurements.length === 0) {
    throw new UsageError(`${path}: no session of this run was measured, so there is nothing to record`);
  }
  const variant = recordedVariant(run);
  if (variant === null) {
    throw new UsageError(
      `${path}: the run has several variants (${Object.keys(run.variants).join(", ")}); a baseline is made of one`,
    );
  }
  const reason = unfitness(measurements, variant);
  if (reason !== null) throw new UsageError(`${path}: not fit for a baseline: ${reason}`);
}

/** Why what was measured of a variant is not what its server is like; null where nothing speaks against it. */
export function unfitness(measurements: MeasurementsFile, variant: string): string | null {
  const taint = measurements.taints.find((each) => each.variant === variant);
  if (taint !== undefined) return taint.reason;
  const failing = measurements.measurements.find(
    (each) => each.variant === variant && each.metric === "requests.error_rate" && each.value > 0,
  );
  if (failing === undefined) return null;
  const share = `${(failing.value * 100).toFixed(1)} %`;
  return `${share} of the requests of session ${failing.session}, round ${failing.round} failed`;
}

/** The variant that a baseline is made of: the only one, or the one that was judged; null when neither is there. */
function recordedVariant(run: RunRecord): string | null {
  const names = Object.keys(run.variants);
  return names.includes("head") ? "head" : names.length === 1 ? (names[0] ?? null) : null;
}

function argsOf({ run }: RecordedRun): string[] {
  return run.variants[recordedVariant(run) ?? ""]?.args ?? [];
}

function serverHash({ run }: RecordedRun): string | null {
  const variant = run.variants[recordedVariant(run) ?? ""];
  return variant?.command === undefined ? null : sha256(serverIdentity(variant));
}

function versionOf({ run }: RecordedRun): string | null {
  const variant = recordedVariant(run);
  return run.sessions.find((each) => each.outcome === "ok" && each.variant === variant)?.vllmVersion ?? null;
}

function checkSame(first: RecordedRun, other: RecordedRun): void {
  if (first.run.scenario !== other.run.scenario) {
    throw new UsageError(
      `${other.path}: scenario ${other.run.scenario}, expected ${first.run.scenario} as in ${first.path}`,
    );
  }
  const differing = diffFingerprints(first.run.fingerprint, other.run.fingerprint).filter(
    (each) => each.rule === "must",
  );
  if (differing.length > 0) {
    const fields = differing.map((each) => `${each.field} ${each.head} instead of ${each.base}`).join(", ");
    throw new UsageError(`${other.path}: not comparable with ${first.path}: ${fields}`);
  }
  const shown = (args: readonly string[]) => args.join(" ") || "no flags";
  if (JSON.stringify(argsOf(first)) !== JSON.stringify(argsOf(other))) {
    throw new UsageError(
      `${other.path}: run with ${shown(argsOf(other))}, expected ${shown(argsOf(first))} as in ${first.path}`,
    );
  }
  if (versionOf(first) !== versionOf(other)) {
    throw new UsageError(
      `${other.path}: vLLM ${versionOf(other) ?? "unknown"}, expected ${versionOf(first) ?? "unknown"} as in ${first.path}`,
    );
  }
}
