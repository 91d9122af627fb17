import { max, mean, median, min, quantile } from "simple-statistics";
import type { LoadRow } from "../domain/batching-study.ts";
import type { LevelRound, LoadLevel, Slo } from "../domain/operating.ts";
import type { Gauges } from "../domain/run.ts";
import type { TelemetryLine } from "../domain/telemetry.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { type CaseData, countedIn, type SessionData, tpotMs } from "./case-data.ts";
import { countGood, timesOf } from "./goodput.ts";
import { MIN_SAMPLES_P95 } from "./metric-family.ts";
import { type SettledPart, settledPart } from "./settled.ts";

/** Most characters of a server's words that a note quotes. */
const LONGEST_ERROR = 160;

/** A case in one round of one session. */
export interface MeasuredCase {
  readonly session: number;
  readonly data: CaseData;
}

/** A case in every round of every session. */
export function roundsOf(sessions: readonly SessionData[], name: string): MeasuredCase[] {
  return sessions.flatMap((session) =>
    [...session.rounds.values()].flatMap((cases) => {
      const data = cases.get(name);
      return data === undefined ? [] : [{ session: session.record.index, data }];
    }),
  );
}

/** A case as a level of load; rounds without a request that succeeded are left out. */
export function levelOf(load: number, cases: readonly MeasuredCase[]): LoadLevel {
  const rounds = cases.flatMap(({ data }): LevelRound[] => {
    const { requests, seconds, tokens } = settledPart(data);
    if (requests.length === 0 || tokens === null || tokens === 0 || !(seconds > 0)) return [];
    return [{ tokensPerS: tokens / seconds, requests: requests.flatMap((trace) => timesOf(trace) ?? []) }];
  });
  return { load, rounds };
}

/** Output tokens of some requests; null when a trace does not say. */
export function tokensOf(traces: readonly RequestTrace[]): number | null {
  return sumOf(traces.map((trace) => trace.outputTokens));
}

/** Prompt and output tokens of some requests; null when a trace does not say. */
export function totalTokensOf(traces: readonly RequestTrace[]): number | null {
  return sumOf(traces.flatMap((trace) => [trace.promptTokens, trace.outputTokens]));
}

/** What a rate is over the rounds: of a closed loop the best, since interference only takes away; of an open one the median. */
export type RateOf = "best" | "median";

/**
 * A level of load as a row, by its settled parts; latencies are of all requests of all rounds.
 * Its notes are left to whoever sees the whole sweep.
 */
export function loadRow(
  load: number,
  cases: readonly MeasuredCase[],
  slo: Slo | null,
  telemetry: readonly TelemetryLine[],
  rateOf: RateOf,
): LoadRow {
  const datas = cases.map((each) => each.data);
  // A round with failed requests has no settled part, and rows hold what is alike.
  const isFailing = datas.some((data) => data.failed.length > 0);
  const parts = datas.map((data) => settledPart(data, isFailing));
  const traces = parts.flatMap((part) => part.requests);
  const times = traces.flatMap((trace) => timesOf(trace) ?? []);
  const e2eMs = times.map((each) => each.e2eMs);
  const ttftMs = times.map((each) => each.ttftMs);
  const gapsMs = times.flatMap((each) => each.gapsMs ?? []);
  const records = datas.flatMap((data) => data.records);
  // The first reading may be of the idle server before.
  const gauges = records.flatMap(({ gauges: read = [], startS, endS }) =>
    read.filter(({ atS }) => atS > startS && atS < endS),
  );
  const reduce = rateOf === "best" ? highest : p50;
  const rate = (amount: (part: SettledPart) => number | null) => reduce(ratesOf(parts, amount));
  const tokS = ratesOf(parts, (part) => part.tokens);
  const qps = ratesOf(parts, (part) => part.ended);
  const good = slo === null ? null : countGood(traces, slo);
  const failed = datas.reduce((sum, data) => sum + data.failed.length, 0);
  const sent = traces.length + failed;
  const lateMs = traces.flatMap(({ plannedS, startS }) =>
    plannedS === undefined ? [] : [Math.max(0, startS - plannedS) * 1000],
  );
  return {
    load,
    requests: sent,
    failed,
    firstError: datas.flatMap((data) => data.failed)[0]?.error?.slice(0, LONGEST_ERROR) ?? null,
    rounds: cases.length,
    meanE2eS: e2eMs.length === 0 ? null : mean(e2eMs) / 1000,
    p95E2eS: scaled(p95(e2eMs), 1e-3),
    qps: reduce(qps),
    tokS: reduce(tokS),
    tokSLeast: lowest(tokS),
    tokSMost: highest(tokS),
    qpsLeast: lowest(qps),
    qpsMost: highest(qps),
    totalTokS: rate(totalTokens),
    gpuUtilPct: gpuUtilPct(cases, telemetry),
    ttftP50Ms: p50(ttftMs),
    ttftP95Ms: p95(ttftMs),
    itlP50Ms: p50(gapsMs),
    itlP95Ms: p95(gapsMs),
    tpotP50Ms: p50(traces.flatMap((trace) => tpotMs(trace) ?? [])),
    e2eP50Ms: p50(e2eMs),
    runningMax: mostOf(gauges, "running"),
    waitingMax: mostOf(gauges, "waiting"),
    preemptions: sumOf(datas.map((data) => countedIn(data, "preemptions"))),
    kvUsageMaxPct: scaled(mostOf(gauges, "kvUsage"), 100),
    gaugeReadings: gauges.length,
    goodputRps: slo === null ? null : rate((part) => goodOf(part, slo)),
    sloMetPct: good === null || sent === 0 ? null : (good / sent) * 100,
    lateP95Ms: p95(lateMs),
    notes: [],
  };
}

function ratesOf(parts: readonly SettledPart[], amount: (part: SettledPart) => number | null): number[] {
  return parts.flatMap((part) => {
    const total = amount(part);
    return part.requests.length === 0 || total === null || !(part.seconds > 0) ? [] : [total / part.seconds];
  });
}

/** Prompt tokens come with their requests, output tokens one by one. */
function totalTokens({ requests, tokens, ended }: SettledPart): number | null {
  const prompts = sumOf(requests.map((trace) => trace.promptTokens));
  return prompts === null || tokens === null ? null : (prompts / requests.length) * ended + tokens;
}

/** As many of the requests that ended as of those that were sent. */
function goodOf({ requests, ended }: SettledPart, slo: Slo): number | null {
  const good = countGood(requests, slo);
  return good === null ? null : (good / requests.length) * ended;
}

/**
 * Mean share of time in which a kernel ran, over the readings that fall in a case, in percent and over all GPUs; null
 * without telemetry.
 */
function gpuUtilPct(cases: readonly MeasuredCase[], telemetry: readonly TelemetryLine[]): number | null {
  const readings = cases.flatMap(({ session, data }) => {
    const inCase = (tS: number) => data.records.some((record) => tS >= record.startS && tS <= record.endS);
    return telemetry
      .filter((line) => line.session === session)
      .flatMap((line) => line.gpus)
      .flatMap((gpu) => (gpu.utilization !== null && inCase(gpu.tS) ? [gpu.utilization] : []));
  });
  return readings.length === 0 ? null : mean(readings) * 100;
}

function mostOf(gauges: readonly Gauges[], key: "kvUsage" | "running" | "waiting"): number | null {
  return highest(gauges.flatMap((each) => each[key] ?? []));
}

function highest(values: readonly number[]): number | null {
  return values.length === 0 ? null : max([...values]);
}

function lowest(values: readonly number[]): number | null {
  return values.length === 0 ? null : min([...values]);
}

function sumOf(values: readonly (number | null)[]): number | null {
  if (values.length === 0) return null;
  return values.reduce<number | null>(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0,
  );
}

function p50(values: readonly number[]): number | null {
  return values.length === 0 ? null : median([...values]);
}

function p95(values: readonly number[]): number | null {
  return values.length < MIN_SAMPLES_P95 ? null : quantile([...values], 0.95);
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
