import { mean, quantile } from "simple-statistics";
import { allowedLatenessMs } from "../domain/client-load.ts";
import type { Level, MetricDefinition, Tolerance } from "../domain/metric.ts";
import type { SessionRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { type CaseData, clientLateMs, itlsMs, type SessionData, tpotMs } from "./case-data.ts";

/** A value with the number of samples behind it, or the reason why there is none. */
export type Reading =
  | { readonly value: number; readonly n: number }
  | { readonly absent: string; readonly tooFew?: true };

export interface Family {
  /** `<n>`, `<k>` stand for numbers that the case's name carries: `batching.c<n>.tokens_per_s`. */
  readonly id: string;
  readonly unit: string;
  readonly direction: "lower" | "higher";
  readonly level: Level;
  readonly tolerance: Tolerance;
  readonly sensitivity: "host" | "none";
  /** `best` when absent. */
  readonly rounds?: MetricDefinition["rounds"];
  readonly description: string;
}

/** A metric that a server's start tells: once for each session. */
export interface SessionMetric extends Family {
  readonly scope: "session";
  readonly read: (session: SessionRecord) => Reading | null;
}

/** A metric of one case of one round. */
export interface CaseMetric extends Family {
  readonly scope: "case";
  readonly read: (data: CaseData) => Reading | null;
}

/** A metric that needs several cases of a session or round. */
export interface RoundMetric extends Family {
  readonly scope: "round";
  readonly read: (session: SessionData, round: number) => Reading | null;
}

/** A family of metrics, each of which needs several cases of a round: the saving of a prefix, for each length. */
export interface CellMetric extends Family {
  readonly scope: "cells";
  /** By the part of the id between probe and quantity: `1024.c8`. */
  readonly read: (session: SessionData, round: number) => Iterable<readonly [cell: string, Reading]>;
}

export type Metric = SessionMetric | CaseMetric | RoundMetric | CellMetric;

/** Below this a 95th percentile is the largest value or an interpolation towards it. */
export const MIN_SAMPLES_P95 = 20;
/** Below this a 10th percentile is the smallest value by another name. */
export const MIN_SAMPLES_P10 = 5;

/** A low quantile: interference only ever adds time, so the fast side is the server's own. */
export const FLOOR = 0.1;

export const none = (reason: string): Reading => ({ absent: reason });

/** No reading where there are fewer samples than it takes. */
export const tooFew = (least: number, got: number): Reading => ({
  absent: `needs ${least} samples, got ${got}`,
  tooFew: true,
});

export function quantileOf(values: readonly number[], share: number, least: number): Reading {
  if (values.length < least) return tooFew(least, values.length);
  return { value: quantile([...values], share), n: values.length };
}

export const NO_REQUEST = "no successful request";
/** What another session may well have. */
const AT_ONCE: Reading = {
  absent: "whole answers came in one delivery each, so no time lies between their tokens",
  tooFew: true,
};
export const NO_TOKEN_COUNTS = "the traces do not say how many tokens each event carried";

export function over(
  traces: readonly RequestTrace[],
  of: (trace: RequestTrace) => number | null,
  reduce: (values: number[]) => Reading,
): Reading {
  const values = traces.map(of).filter((value): value is number => value !== null);
  if (values.length > 0) return reduce(values);
  if (traces.length === 0) return none(NO_REQUEST);
  if (of !== tpotMs) return none("the traces hold no token times");
  // A server that is starved now and then holds a whole stream back until its end: another one does not.
  return traces.some((trace) => itlsMs(trace).length > 0) ? AT_ONCE : none(NO_TOKEN_COUNTS);
}

/** A time that the client itself made is none: how late it was is held against what it measured. */
function unlessLate(data: CaseData, quantileOfLate: "p50" | "p99", reading: Reading): Reading {
  const late = clientLateMs(data)?.[quantileOfLate] ?? 0;
  if ("absent" in reading || late <= allowedLatenessMs(reading.value)) return reading;
  const when = quantileOfLate === "p50" ? "half of the time" : "one time in a hundred";
  return none(
    `the client was ${late.toFixed(1)} ms late or more ${when}: this machine is too busy to measure it`,
  );
}

export const floorOf = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  unlessLate(
    data,
    "p50",
    over(data.ok, of, (values) => quantileOf(values, FLOOR, MIN_SAMPLES_P10)),
  );
export const medianOf = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  unlessLate(
    data,
    "p50",
    over(data.ok, of, (values) => quantileOf(values, 0.5, 1)),
  );
export const p95Of = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  unlessLate(
    data,
    "p99",
    over(data.ok, of, (values) => quantileOf(values, 0.95, MIN_SAMPLES_P95)),
  );
export const meanOf = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  unlessLate(
    data,
    "p50",
    over(data.ok, of, (values) => ({ value: mean(values), n: values.length })),
  );
/** 95th percentile of all gaps between events that carry tokens. */
export function gapP95(data: CaseData): Reading {
  const gaps = data.ok.flatMap(itlsMs);
  return gaps.length === 0
    ? none(data.ok.length === 0 ? NO_REQUEST : NO_TOKEN_COUNTS)
    : unlessLate(data, "p99", quantileOf(gaps, 0.95, MIN_SAMPLES_P95));
}
export const onlyOne = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  over(data.ok, of, (values) => ({ value: values[0] as number, n: 1 }));

export const fact =
  (pick: (session: SessionRecord) => number | null | undefined, name: string) => (session: SessionRecord) => {
    const value = pick(session);
    if (value === null || value === undefined) {
      const known = session.unknownFacts?.find((unknown) => unknown.fact === name);
      return none(known?.reason ?? `${name} is unknown`);
    }
    return { value, n: 1 };
  };

export const relative = (share: number, absolute = 0): Tolerance => ({ relative: share, absolute });
export const throughput = {
  direction: "higher",
  level: "gate",
  tolerance: relative(0.05),
  sensitivity: "host",
} as const;
export const latency = { direction: "lower", level: "watch", sensitivity: "host", unit: "ms" } as const;

export function sessionMetric(
  family: Family,
  name: string,
  pick: (session: SessionRecord) => number | null | undefined,
): Metric {
  return { ...family, scope: "session", read: fact(pick, name) };
}

export function caseMetric(family: Family, read: CaseMetric["read"]): Metric {
  return { ...family, scope: "case", read };
}

export function forCase(probe: string, name: string, read: (data: CaseData) => Reading): CaseMetric["read"] {
  return (data) => (data.probe === probe && data.case === name ? read(data) : null);
}
