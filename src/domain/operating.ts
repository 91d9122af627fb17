import { z } from "zod";

const bound = z.number().positive().max(3_600_000).optional();

/** What users are promised: of each quantity the 95th percentile, in milliseconds. */
export const sloSchema = z
  .strictObject({
    ttftP95Ms: bound.describe("95th percentile of the time from the send to the first token."),
    itlP95Ms: bound.describe("95th percentile of the gaps between events that carry tokens."),
    e2eP95Ms: bound.describe("95th percentile of the time from the send to the last token."),
  })
  .refine((slo) => Object.values(slo).some((each) => each !== undefined), {
    message: "needs `ttftP95Ms`, `itlP95Ms` or `e2eP95Ms`",
  });
export type Slo = z.infer<typeof sloSchema>;

/** The times of one request that succeeded, in milliseconds. */
export interface RequestTimes {
  readonly ttftMs: number;
  readonly e2eMs: number;
  /** Between events that carry tokens; null where it is unknown what each event carried. */
  readonly gapsMs: readonly number[] | null;
}

/** One level of load in one round. */
export interface LevelRound {
  /** Output tokens per second. */
  readonly tokensPerS: number;
  readonly requests: readonly RequestTimes[];
}

/** One level of load over all rounds. */
export interface LoadLevel {
  /** Requests in flight, or requests per second. */
  readonly load: number;
  readonly rounds: readonly LevelRound[];
}

/** Where throughput stops growing: the least load within a share of the peak whose p95s are inside the SLO. */
export interface Knee {
  readonly load: number;
  readonly tokensPerS: number;
  /** The least load within 5 % of the peak, inside the SLO too; the knee itself is within 10 %. */
  readonly closeLoad: number | null;
  readonly peakTokensPerS: number;
  readonly peakLoad: number;
  /** False when it is the highest load that was measured whole: throughput may grow beyond it. */
  readonly reached: boolean;
  /** Share of the resampled curves with their knee at each load, the likeliest first; empty after a single round. */
  readonly plausible: readonly { readonly load: number; readonly share: number }[];
}

/** A load to run at, and what it gave. */
export interface OperatingPoint {
  readonly load: number;
  readonly tokensPerS: number;
  readonly requestsPerS: number | null;
  readonly ttftP95Ms: number | null;
  readonly itlP95Ms: number | null;
  readonly e2eP95Ms: number | null;
  /** Requests per second that met every SLO. */
  readonly goodputRps: number | null;
  /** The most of the KV cache that any reading of the server's gauges showed, in percent. */
  readonly kvUsageMaxPct: number | null;
}

/** What a sweep says about where to run. Null where no level qualifies; `why` says what is missing. */
export interface OperatingAdvice {
  readonly knee: Knee | null;
  /** Most throughput for each second of p95: for interactive traffic. */
  readonly latencyMinded: OperatingPoint | null;
  /** The least load within 5 % of the highest throughput inside the SLO: for offline work. */
  readonly throughputMinded: OperatingPoint | null;
  /** Between the two; null with a single level, too. Where the knee was not reached it may go on beyond them. */
  readonly sweetSpot: readonly [from: number, to: number] | null;
  /** At or below the knee, inside every SLO in at least 95 % of the resampled curves, nothing preempted, KV cache not nearly full. */
  readonly safe: OperatingPoint | null;
  readonly why: readonly string[];
}
