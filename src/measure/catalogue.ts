import { mean, quantile } from "simple-statistics";
import type { Level, MetricDefinition, Tolerance } from "../domain/metric.ts";
import type { SessionRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { theilSenSlope } from "../stats/robust.ts";
import {
  type CaseData,
  countedIn,
  e2eMs,
  itlsMs,
  measuredS,
  type SessionData,
  tpotMs,
  ttftMs,
} from "./case-data.ts";

/** A value with the number of samples behind it, or the reason why there is none. */
export type Reading = { readonly value: number; readonly n: number } | { readonly absent: string };

interface Family {
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
const MIN_SAMPLES_P10 = 5;

/** A low quantile: interference only ever adds time, so the fast side is the server's own. */
const FLOOR = 0.1;

const none = (reason: string): Reading => ({ absent: reason });

function quantileOf(values: readonly number[], share: number, least: number): Reading {
  if (values.length < least) return none(`needs ${least} samples, got ${values.length}`);
  return { value: quantile([...values], share), n: values.length };
}

const NO_REQUEST = "no successful request";
const NO_TOKEN_COUNTS = "the traces do not say how many tokens each event carried";

function over(
  traces: readonly RequestTrace[],
  of: (trace: RequestTrace) => number | null,
  reduce: (values: number[]) => Reading,
): Reading {
  const values = traces.map(of).filter((value): value is number => value !== null);
  if (values.length > 0) return reduce(values);
  if (traces.length === 0) return none(NO_REQUEST);
  return none(of === tpotMs ? NO_TOKEN_COUNTS : "the traces hold no token times");
}

const floorOf = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  over(data.ok, of, (values) => quantileOf(values, FLOOR, MIN_SAMPLES_P10));
const medianOf = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  over(data.ok, of, (values) => quantileOf(values, 0.5, 1));
const p95Of = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  over(data.ok, of, (values) => quantileOf(values, 0.95, MIN_SAMPLES_P95));
const meanOf = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  over(data.ok, of, (values) => ({ value: mean(values), n: values.length }));
const onlyOne = (of: (trace: RequestTrace) => number | null) => (data: CaseData) =>
  over(data.ok, of, (values) => ({ value: values[0] as number, n: 1 }));

const fact =
  (pick: (session: SessionRecord) => number | null | undefined, name: string) => (session: SessionRecord) => {
    const value = pick(session);
    if (value === null || value === undefined) {
      const known = session.unknownFacts?.find((unknown) => unknown.fact === name);
      return none(known?.reason ?? `${name} is unknown`);
    }
    return { value, n: 1 };
  };

const relative = (share: number, absolute = 0): Tolerance => ({ relative: share, absolute });
const startUp = {
  direction: "lower",
  level: "watch",
  tolerance: relative(0.2, 2),
  sensitivity: "host",
} as const;
const latency = { direction: "lower", level: "watch", sensitivity: "host", unit: "ms" } as const;

function sessionMetric(
  family: Family,
  name: string,
  pick: (session: SessionRecord) => number | null | undefined,
): Metric {
  return { ...family, scope: "session", read: fact(pick, name) };
}

const STARTUP: readonly Metric[] = [
  sessionMetric(
    {
      ...startUp,
      id: "startup.ready_s",
      unit: "s",
      description: "Spawn of the server to the first 200 of /health.",
    },
    "readyS",
    (session) => session.readyS,
  ),
  sessionMetric(
    { ...startUp, id: "startup.weights_s", unit: "s", description: "Reading the weights, from the log." },
    "weightsS",
    (session) => session.logFacts?.weightsS,
  ),
  sessionMetric(
    { ...startUp, id: "startup.compile_s", unit: "s", description: "torch.compile, from the log." },
    "compileS",
    (session) => session.logFacts?.compileS,
  ),
  sessionMetric(
    { ...startUp, id: "startup.graphs_s", unit: "s", description: "CUDA graph capture, from the log." },
    "graphsS",
    (session) => session.logFacts?.graphsS,
  ),
  sessionMetric(
    {
      ...startUp,
      id: "startup.engine_init_s",
      unit: "s",
      description: "Profiling, KV cache and warm-up of the engine, from the log.",
    },
    "engineInitS",
    (session) => session.logFacts?.engineInitS,
  ),
];

const memory = {
  direction: "lower",
  level: "gate",
  tolerance: relative(0.02, 0.05),
  sensitivity: "none",
} as const;
const capacity = {
  direction: "higher",
  level: "gate",
  tolerance: relative(0.01),
  sensitivity: "none",
} as const;

const CAPACITY: readonly Metric[] = [
  sessionMetric(
    { ...capacity, id: "kv.capacity_tokens", unit: "tokens", description: "Tokens that the KV cache holds." },
    "kvCapacityTokens",
    (session) => session.kv?.capacityTokens ?? session.logFacts?.kvCapacityTokens,
  ),
  sessionMetric(
    {
      ...capacity,
      level: "watch",
      id: "kv.max_concurrency",
      unit: "x",
      description: "Requests of full context length that fit at once; moves with --max-model-len.",
    },
    "maxConcurrency",
    (session) => session.kv?.maxConcurrency ?? session.logFacts?.maxConcurrency,
  ),
  sessionMetric(
    {
      ...capacity,
      id: "kv.available_gib",
      unit: "GiB",
      description: "Memory that the KV cache got, from the log.",
    },
    "kvAvailableGib",
    (session) => session.logFacts?.kvAvailableGib,
  ),
  sessionMetric(
    {
      ...capacity,
      level: "watch",
      id: "kv.block_size",
      unit: "tokens",
      description: "Tokens of one KV block.",
    },
    "blockSize",
    (session) => session.kv?.blockSize,
  ),
  sessionMetric(
    {
      ...memory,
      id: "memory.weights_gib",
      unit: "GiB",
      description: "Memory of the loaded model, from the log.",
    },
    "modelMemoryGib",
    (session) => session.logFacts?.modelMemoryGib,
  ),
  sessionMetric(
    {
      ...memory,
      level: "watch",
      tolerance: relative(0.1, 0.2),
      id: "memory.graphs_gib",
      unit: "GiB",
      description: "Memory of the CUDA graphs, from the log.",
    },
    "graphsGib",
    (session) => session.logFacts?.graphsGib,
  ),
];

function caseMetric(family: Family, read: CaseMetric["read"]): Metric {
  return { ...family, scope: "case", read };
}

const TTFT: readonly Metric[] = [
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.3, 50),
      id: "ttft.cold_ms",
      description: "First token of the first request.",
    },
    forCase("ttft", "cold", onlyOne(ttftMs)),
  ),
  caseMetric(
    { ...latency, tolerance: relative(0.3, 50), id: "ttft.cold_e2e_ms", description: "Whole first request." },
    forCase("ttft", "cold", onlyOne(e2eMs)),
  ),
  caseMetric(
    {
      ...latency,
      level: "gate",
      tolerance: relative(0.1, 1),
      id: "ttft.warm.floor_ms",
      description: "Warm TTFT, 10th percentile.",
    },
    forCase("ttft", "warm", floorOf(ttftMs)),
  ),
  caseMetric(
    { ...latency, tolerance: relative(0.1, 1), id: "ttft.warm.mean_ms", description: "Warm TTFT, mean." },
    forCase("ttft", "warm", meanOf(ttftMs)),
  ),
  caseMetric(
    { ...latency, tolerance: relative(0.1, 1), id: "ttft.warm.p50_ms", description: "Warm TTFT, median." },
    forCase("ttft", "warm", medianOf(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 2),
      id: "ttft.warm.p95_ms",
      description: "Warm TTFT, 95th percentile.",
    },
    forCase("ttft", "warm", p95Of(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.05, 1),
      id: "ttft.warm.e2e_floor_ms",
      description: "Warm request to its last token, 10th percentile.",
    },
    forCase("ttft", "warm", floorOf(e2eMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.05, 1),
      id: "ttft.warm.e2e_p50_ms",
      description: "Warm request to its last token, median.",
    },
    forCase("ttft", "warm", medianOf(e2eMs)),
  ),
  caseMetric(
    {
      id: "ttft.warm.trend",
      unit: "share",
      direction: "lower",
      level: "watch",
      tolerance: { relative: 0, absolute: 0.2 },
      sensitivity: "host",
      description:
        "Change of warm TTFT over the case, as a share of its median (Theil–Sen slope × requests).",
    },
    forCase("ttft", "warm", (data) =>
      over(data.ok, ttftMs, (values) =>
        values.length < MIN_SAMPLES_P10
          ? none(`needs ${MIN_SAMPLES_P10} samples, got ${values.length}`)
          : {
              value: (theilSenSlope(values) * (values.length - 1)) / quantile([...values], 0.5),
              n: values.length,
            },
      ),
    ),
  ),
  {
    scope: "round",
    id: "ttft.cold_warm_ratio",
    unit: "x",
    direction: "lower",
    level: "watch",
    tolerance: relative(0.5, 1),
    sensitivity: "host",
    description: "Cold TTFT over the median warm TTFT of the same session.",
    read: (session, round) => {
      const cold = session.rounds.get(round)?.get("ttft.cold");
      const warm = session.rounds.get(round)?.get("ttft.warm");
      if (cold === undefined || warm === undefined) return null;
      const coldMs = onlyOne(ttftMs)(cold);
      const warmMs = medianOf(ttftMs)(warm);
      if ("absent" in coldMs) return coldMs;
      if ("absent" in warmMs) return warmMs;
      return { value: coldMs.value / warmMs.value, n: 1 };
    },
  },
];

function forCase(probe: string, name: string, read: (data: CaseData) => Reading): CaseMetric["read"] {
  return (data) => (data.probe === probe && data.case === name ? read(data) : null);
}

/** Reads every case of `batching`; its number becomes the `<n>` of the id. */
function forBatching(read: (data: CaseData) => Reading): CaseMetric["read"] {
  return (data) => (data.probe === "batching" && /^c\d+$/.test(data.case) ? read(data) : null);
}

function perSecond(data: CaseData, amount: (traces: readonly RequestTrace[]) => number | null): Reading {
  if (data.failed.length > 0) {
    return none(
      `${data.failed.length} of ${data.ok.length + data.failed.length} requests of the case failed`,
    );
  }
  if (data.ok.length === 0) return none(NO_REQUEST);
  const total = amount(data.ok);
  const seconds = measuredS(data);
  if (total === null) return none("the traces do not say how many tokens were generated");
  if (!(seconds > 0)) return none("the case took no time");
  return { value: total / seconds, n: data.ok.length };
}

const throughput = {
  direction: "higher",
  level: "gate",
  tolerance: relative(0.05),
  sensitivity: "host",
} as const;

const BATCHING: readonly Metric[] = [
  caseMetric(
    {
      ...throughput,
      id: "batching.c<n>.tokens_per_s",
      unit: "tokens/s",
      description: "Output tokens over first send to last end of the case.",
    },
    forBatching((data) =>
      perSecond(data, (traces) =>
        traces.reduce<number | null>(
          (sum, trace) => (sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens),
          0,
        ),
      ),
    ),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "batching.c<n>.requests_per_s",
      unit: "requests/s",
      description: "Requests over first send to last end of the case.",
    },
    forBatching((data) => perSecond(data, (traces) => traces.length)),
  ),
  caseMetric(
    {
      ...latency,
      level: "gate",
      sensitivity: "none",
      tolerance: relative(0.02, 0.02),
      id: "batching.c<n>.tpot_floor_ms",
      description: "Time per output token after the first, 10th percentile of the requests.",
    },
    forBatching(floorOf(tpotMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.05, 0.05),
      id: "batching.c<n>.tpot_p50_ms",
      description: "Time per output token after the first, median of the requests.",
    },
    forBatching(medianOf(tpotMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 0.5),
      id: "batching.c<n>.itl_p95_ms",
      description: "Gap between events that carry tokens, 95th percentile of all gaps.",
    },
    forBatching((data) => {
      const gaps = data.ok.flatMap(itlsMs);
      return gaps.length === 0
        ? none(data.ok.length === 0 ? NO_REQUEST : NO_TOKEN_COUNTS)
        : quantileOf(gaps, 0.95, MIN_SAMPLES_P95);
    }),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 2),
      id: "batching.c<n>.ttft_p50_ms",
      description: "TTFT, median.",
    },
    forBatching(medianOf(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.3, 5),
      id: "batching.c<n>.ttft_p95_ms",
      description: "TTFT, 95th percentile.",
    },
    forBatching(p95Of(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.1, 2),
      id: "batching.c<n>.e2e_p50_ms",
      description: "Request to its last token, median.",
    },
    forBatching(medianOf(e2eMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 5),
      id: "batching.c<n>.e2e_p95_ms",
      description: "Request to its last token, 95th percentile.",
    },
    forBatching(p95Of(e2eMs)),
  ),
];

const REQUESTS: readonly Metric[] = [
  {
    scope: "round",
    id: "requests.error_rate",
    unit: "share",
    direction: "lower",
    level: "gate",
    tolerance: { relative: 0, absolute: 0 },
    sensitivity: "none",
    rounds: "worst",
    description: "Share of the measured requests of a round that did not succeed.",
    read: (session, round) => {
      const cases = [...(session.rounds.get(round)?.values() ?? [])];
      const failed = cases.reduce((sum, data) => sum + data.failed.length, 0);
      const total = cases.reduce((sum, data) => sum + data.ok.length, failed);
      return total === 0 ? null : { value: failed / total, n: total };
    },
  },
  {
    scope: "round",
    id: "requests.preemptions",
    unit: "requests",
    direction: "lower",
    level: "watch",
    tolerance: { relative: 0, absolute: 0 },
    sensitivity: "none",
    rounds: "worst",
    description: "Requests that were put out of the batch because the KV cache was full, from /metrics.",
    read: (session, round) => {
      const counts = [...(session.rounds.get(round)?.values() ?? [])].map((data) =>
        countedIn(data, "preemptions"),
      );
      const known = counts.filter((count): count is number => typeof count === "number");
      if (known.length === 0)
        return counts.length === 0 ? null : none("the server's /metrics has no such counter");
      return { value: known.reduce((sum, count) => sum + count, 0), n: known.length };
    },
  },
];

/** Every metric there is. The table in `docs/metrics.md` is made from it. */
export const CATALOGUE: readonly Metric[] = [...STARTUP, ...TTFT, ...CAPACITY, ...BATCHING, ...REQUESTS];

/** The id of a metric of a case or cell: the family's, with the case's own name between probe and quantity. */
export function metricId(metric: Metric, caseName: string): string {
  if (!metric.id.includes("<")) return metric.id;
  const parts = metric.id.split(".");
  return `${parts[0]}.${caseName}.${parts.at(-1)}`;
}

/** Whether an id is of a family: `batching.c8.tpot_p50_ms` of `batching.c<n>.tpot_p50_ms`. */
export function isOfFamily(family: string, id: string): boolean {
  const parts = family.split(".");
  const given = id.split(".");
  return given.length === parts.length && parts.every((part, index) => partMatches(part, given[index] ?? ""));
}

/** Whether one part of an id is of a family's part, which may have a number in it: `c8` of `c<n>`. */
export function partMatches(part: string, given: string): boolean {
  const [before, after] = part.split(/<\w+>/);
  if (after === undefined || before === undefined) return part === given;
  const number = given.slice(before.length, given.length - after.length);
  return given.startsWith(before) && given.endsWith(after) && /^\d+$/.test(number);
}

/** A metric's definition as it stands in `measurements.json`. */
export function definitionOf(metric: Metric, id: string): MetricDefinition {
  const { unit, direction, level, tolerance, sensitivity, rounds = "best", description } = metric;
  return { id, unit, direction, level, tolerance, sensitivity, rounds, description };
}

/** Definitions of metrics by their ids; those that the catalogue does not know are left out. */
export function definitionsOf(ids: readonly string[]): MetricDefinition[] {
  return ids.flatMap((id) => {
    const metric = CATALOGUE.find((each) => isOfFamily(each.id, id));
    return metric === undefined ? [] : [definitionOf(metric, id)];
  });
}
