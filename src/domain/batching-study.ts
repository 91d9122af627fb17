import type { OperatingAdvice, Slo } from "./operating.ts";

/** Names of a batching study's cases, all of the probe `batching`. */
export const SEQUENTIAL = "sequential";
export const CONCURRENT = "concurrent";
export const REPLAY = "replay";
export const rateCase = (ratePerS: number) => `rate${ratePerS}`;
export const sweepCase = (concurrency: number) => `c${concurrency}`;

/** One level of load: a row of the sweep. Null is what was not measured. */
export interface LoadRow {
  /** Requests in flight; in an open loop, requests sent per second. */
  readonly load: number;
  /** Those that the row's numbers are of, and failed ones: a closed loop's first and last wave are not among them. */
  readonly requests: number;
  readonly failed: number;
  /** What the first that failed was told. */
  readonly firstError: string | null;
  /**
   * Rounds over all sessions. In a closed loop rates are those of the best one, in an open loop their median: there the
   * arrivals set the rate, and the best round is the one with the luckiest of them. Latencies are of all requests of
   * all rounds.
   */
  readonly rounds: number;
  readonly meanE2eS: number | null;
  readonly p95E2eS: number | null;
  readonly qps: number | null;
  /** Output tokens per second. */
  readonly tokS: number | null;
  /** The same of the worst round, and of the best. */
  readonly tokSLeast: number | null;
  readonly tokSMost: number | null;
  /** Requests per second of the worst round, and of the best. */
  readonly qpsLeast: number | null;
  readonly qpsMost: number | null;
  /** Prompt and output tokens per second. */
  readonly totalTokS: number | null;
  readonly gpuUtilPct: number | null;
  readonly ttftP50Ms: number | null;
  readonly ttftP95Ms: number | null;
  readonly itlP50Ms: number | null;
  readonly itlP95Ms: number | null;
  readonly tpotP50Ms: number | null;
  readonly e2eP50Ms: number | null;
  /**
   * Most requests that the server had running, and waiting, in any reading of its gauges: they are read twice a second,
   * so what came and went between two readings is not in it.
   */
  readonly runningMax: number | null;
  readonly waitingMax: number | null;
  readonly preemptions: number | null;
  /** Of the same readings. */
  readonly kvUsageMaxPct: number | null;
  /** Readings of the gauges behind these; 0 where a level was over before one came. */
  readonly gaugeReadings: number;
  /** Requests per second that met every SLO. */
  readonly goodputRps: number | null;
  /** Share of the requests that did. */
  readonly sloMetPct: number | null;
  /** Open loop: how late requests were sent, 95th percentile. */
  readonly lateP95Ms: number | null;
  readonly notes: readonly string[];
}

/** One way of sending the same requests. */
export interface BatchSide {
  readonly seconds: number;
  readonly qps: number;
  readonly tokS: number;
  readonly totalTokS: number | null;
}

/** The same number of requests one by one and several at a time. */
export interface BatchingBenchmark {
  readonly n: number;
  readonly concurrency: number;
  readonly repeats: number;
  /** Medians over the repeats. */
  readonly sequential: BatchSide;
  readonly concurrent: BatchSide;
  readonly speedup: number;
  readonly runs: readonly { readonly sequential: BatchSide; readonly concurrent: BatchSide }[];
}

/** Everything that a batching study found. */
export interface BatchingTables {
  readonly benchmark: BatchingBenchmark | null;
  readonly sweep: readonly LoadRow[];
  readonly rates: readonly LoadRow[];
  /** The user's own arrival times, sent as they were. */
  readonly replay: LoadRow | null;
  readonly advice: OperatingAdvice;
  /** The highest arrival rate in requests per second that kept the SLO, as did all below it; null without SLO or rate. */
  readonly safeRatePerS: number | null;
  readonly slo: Slo | null;
}
