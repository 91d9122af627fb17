import type { Baseline } from "../domain/baseline.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { MetricDefinition } from "../domain/metric.ts";
import type { RunRecord } from "../domain/run.ts";
import { concerns, type HeadSide, type SessionValues } from "./compare.ts";

/**
 * A baseline as a side: its values, without what only a measured run has.
 *
 * @param definitions - of its metrics, so that one that this run lacks keeps its level
 */
export function baselineSide(
  baseline: Baseline,
  source: string,
  definitions: readonly MetricDefinition[],
): HeadSide {
  return {
    source,
    // The sessions may come from several hosts of one fingerprint.
    fingerprints: [...new Set(baseline.sessions.map((session) => session.hostId))].map((hostId) => ({
      ...baseline.fingerprint,
      hostId,
    })),
    // A session that did not measure a metric has no rounds of it.
    values: Object.fromEntries(
      Object.entries(baseline.metrics).map(([id, metric]) => [
        id,
        metric.sessions.filter((rounds) => rounds.length > 0),
      ]),
    ),
    args: baseline.args,
    vllmVersion: baseline.vllmVersion,
    definitions,
    taints: [],
    absent: {},
  };
}

/** The variant that a run is compared by: the one called `head` of several, else the first. */
export function comparedVariant({ variants }: Pick<RunRecord, "variants">): string {
  const names = Object.keys(variants);
  return names.includes("head") ? "head" : (names[0] ?? "");
}

/** A run as a side, by {@link comparedVariant} unless another one is meant. */
export function runSide(
  run: RunRecord,
  measurements: MeasurementsFile,
  source: string,
  wanted?: string,
): HeadSide {
  const variant = wanted ?? comparedVariant(run);
  const of = <T extends { variant: string }>(list: readonly T[]) =>
    list.filter((each) => each.variant === variant);
  return {
    source,
    fingerprints: [run.fingerprint],
    values: valuesOf(of(measurements.measurements)),
    args: run.variants[variant]?.args ?? [],
    vllmVersion: of(run.sessions)[0]?.vllmVersion ?? null,
    definitions: measurements.metrics,
    taints: of(measurements.taints),
    absent: Object.fromEntries(of(measurements.absent).map((each) => [each.metric, each.reason])),
    tooFew: new Set(of(measurements.absent).flatMap((each) => (each.tooFew ? [each.metric] : []))),
  };
}

/**
 * Sessions of the base beside head, as a side: without what must not be trusted of them, which could neither convict
 * head nor excuse it.
 */
export function besideSide(run: RunRecord, measurements: MeasurementsFile): HeadSide {
  const isTrusted = ({ variant, session, metric }: MeasurementsFile["measurements"][number]) =>
    !measurements.taints.some(
      (taint) => taint.variant === variant && taint.session === session && concerns(taint, metric),
    );
  const trusted = { ...measurements, measurements: measurements.measurements.filter(isTrusted) };
  return runSide(run, trusted, "this run's base", "base");
}

function valuesOf(measurements: MeasurementsFile["measurements"]): Record<string, SessionValues> {
  const byMetric = new Map<string, Map<number, number[]>>();
  for (const each of [...measurements].sort((a, b) => a.session - b.session || a.round - b.round)) {
    const sessions = byMetric.get(each.metric) ?? new Map<number, number[]>();
    byMetric.set(each.metric, sessions);
    sessions.set(each.session, [...(sessions.get(each.session) ?? []), each.value]);
  }
  return Object.fromEntries([...byMetric].map(([metric, sessions]) => [metric, [...sessions.values()]]));
}

/** Two sides as one: the sessions of both. */
export function mergeSides(a: HeadSide, b: HeadSide): HeadSide {
  const ids = [...new Set([...Object.keys(a.values), ...Object.keys(b.values)])];
  const known = new Set(a.definitions.map((definition) => definition.id));
  return {
    ...a,
    source: `${a.source}, ${b.source}`,
    fingerprints: [...a.fingerprints, ...b.fingerprints],
    values: Object.fromEntries(ids.map((id) => [id, [...(a.values[id] ?? []), ...(b.values[id] ?? [])]])),
    definitions: [...a.definitions, ...b.definitions.filter((definition) => !known.has(definition.id))],
    taints: [...a.taints, ...b.taints],
    absent: { ...b.absent, ...a.absent },
    tooFew: new Set([...(a.tooFew ?? []), ...(b.tooFew ?? [])]),
  };
}
