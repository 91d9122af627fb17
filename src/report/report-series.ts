/** What the HTML report draws beside the numbers of the JSON files: computed from traces and telemetry. */
export interface ReportSeries {
  readonly distributions: readonly Distribution[];
  readonly timelines: readonly TokenTimeline[];
  readonly cacheUse: readonly CacheUse[];
  readonly gpus: readonly GpuTrack[];
}

/** How the first-token latencies of a case are spread, over every round that counts of every session of one variant. */
export interface Distribution {
  readonly variant: string;
  /** `<probe>.<case>` */
  readonly case: string;
  readonly requests: number;
  /** [share of the requests, at most so many milliseconds]; ascending, 101 of them at most. */
  readonly quantiles: readonly (readonly [share: number, ms: number])[];
}

/** When the tokens of one request came. */
export interface TokenTimeline {
  readonly variant: string;
  readonly session: number;
  readonly round: number;
  readonly id: string;
  /** [milliseconds since the send, tokens up to then] */
  readonly tokens: readonly (readonly [atMs: number, tokens: number])[];
}

/** The KV cache's use while a case ran. */
export interface CacheUse {
  readonly variant: string;
  readonly session: number;
  readonly round: number;
  readonly case: string;
  /** [seconds since the case began, share of the blocks in use] */
  readonly points: readonly (readonly [atS: number, share: number])[];
}

/** One reading of a GPU, or the worst of neighbouring ones. Null is what it does not report. */
export interface GpuPoint {
  readonly tS: number;
  readonly smClockMhz: number | null;
  readonly powerW: number | null;
  readonly utilization: number | null;
  readonly temperatureC: number | null;
  readonly throttle: readonly string[];
}

/** A GPU through one session, and what was probed meanwhile. Seconds on the session's clock. */
export interface GpuTrack {
  readonly variant: string;
  readonly session: number;
  readonly index: number;
  readonly maxSmClockMhz: number | null;
  readonly powerLimitW: number | null;
  readonly readings: number;
  readonly points: readonly GpuPoint[];
  readonly cases: readonly { readonly name: string; readonly fromS: number; readonly toS: number }[];
}

export const NO_SERIES: ReportSeries = {
  distributions: [],
  timelines: [],
  cacheUse: [],
  gpus: [],
};
