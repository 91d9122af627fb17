import type { MetricNoise } from "../domain/noise.ts";
import type { Spread } from "../stats/moderated.ts";

/** What is known of a metric's spread before this comparison's own sessions are looked at. */
export interface KnownSpread extends Spread {
  /** Of the logarithm of the session's value, or of the value itself. */
  readonly scale: "log" | "linear";
  /** How far apart two sessions of the same flags were seen to lie: a loss must be larger than that. */
  readonly range: number;
  /**
   * True where no session is ever slow by itself: memory, the size of the cache. Of anything that is timed, one
   * session in four may be 20 to 40 % slower than its like.
   */
  readonly steady: boolean;
  /** True where this tool brought it, false where it was measured on this machine. */
  readonly shipped: boolean;
}

/**
 * Of the four unflagged sessions of one host in the H200 fixtures' first file: the standard deviation between
 * sessions without the slow one where there is one, and the distance between the best and the worst, which that one
 * makes. Two ranges are wider than that file has them, as the second file and design §5 do: 0.34 of warm and cached
 * TTFT, 0.01 of TPOT up to 8 in flight; what is scored on the second file is not independent of those. The file has no 64 in flight; those figures are from design §5. They are where a baseline has too few
 * sessions to tell its own, and give way to those as it gets more.
 */
const SHIPPED: readonly (readonly [pattern: RegExp, sd: number, range: number])[] = [
  [/^batching\.c[1-8]\.tpot_floor_ms$/, 0.003, 0.01],
  [/^batching\.c(9|1\d|2[0-3])\.tpot_floor_ms$/, 0.01, 0.02],
  [/^batching\.c(2[4-9]|3\d|4[0-7])\.tpot_floor_ms$/, 0.03, 0.22],
  [/^batching\.c\d+\.tpot_floor_ms$/, 0.03, 0.08],
  [/^batching\.c1\.(tokens|requests)_per_s$/, 0.005, 0.01],
  [/^batching\.c[2-8]\.(tokens|requests)_per_s$/, 0.015, 0.04],
  [/^batching\.c(9|1\d|2[0-3])\.(tokens|requests)_per_s$/, 0.02, 0.04],
  [/^batching\.c(2[4-9]|3\d|4[0-7])\.(tokens|requests)_per_s$/, 0.04, 0.22],
  [/^batching\.c\d+\.(tokens|requests)_per_s$/, 0.03, 0.08],
  [/^batching\.c[1-8]\.wave_tokens_per_s$/, 0.006, 0.02],
  [/^batching\.c(9|1\d|2[0-3])\.wave_tokens_per_s$/, 0.025, 0.06],
  [/^batching\.c(2[4-9]|3\d|4[0-7])\.wave_tokens_per_s$/, 0.04, 0.22],
  [/^batching\.c\d+\.wave_tokens_per_s$/, 0.03, 0.08],
  [/^ttft\.warm\./, 0.05, 0.34],
  [/^prefix\.hit\./, 0.05, 0.34],
  [/^prefix\.miss\./, 0.17, 0.36],
];

/** What four sessions are worth. */
const DEGREES_OF_FREEDOM = 4;
/** Of a timed metric without figures of its own. */
const ANY = { sd: 0.1, range: 0.22 } as const;
/** Of a share, in points: the saving of a prefix cache. */
const ANY_SHARE = { sd: 0.07, range: 0.15 } as const;
const LEAST_SD = 1e-4;
/** Sizes of memory and of the cache were equal to the last digit in all ten server starts of the fixtures. */
const STEADY = { sd: 0.001, range: 0, degreesOfFreedom: 8 } as const;

/** The share of tokens that a cache gave is counted, not timed; blocks at the ends of prompts move it a little. */
const COUNTED_SHARE = { sd: 0.005, range: 0, degreesOfFreedom: 8 } as const;

/** What this tool ships for a metric; a machine's own noise, from `calibrate`, takes its place. */
export function shippedSpread(metric: string, scale: "log" | "linear"): KnownSpread {
  if (/^(kv|memory)\./.test(metric)) return { ...STEADY, scale, steady: true, shipped: true };
  if (metric.endsWith(".hit_rate")) return { ...COUNTED_SHARE, scale, steady: true, shipped: true };
  const found = SHIPPED.find(([pattern]) => pattern.test(metric));
  const own = found === undefined ? ANY : { sd: found[1], range: found[2] };
  return {
    ...(scale === "linear" ? ANY_SHARE : own),
    degreesOfFreedom: DEGREES_OF_FREEDOM,
    scale,
    steady: false,
    shipped: true,
  };
}

/**
 * The most that a recorded spread may be, of what is timed and of what is steady: a noise file must not make the gate
 * blind. A metric that spreads further is none to gate (`calibrate` proposes to watch it).
 */
const MOST_RECORDED = { sd: 0.25, range: Math.log(2) } as const;
const MOST_STEADY = { sd: 0.005, range: 0.01 } as const;

/** The spread that a calibration recorded, where it did so on the same scale, up to a cap; else what this tool ships. */
export function knownSpread(
  metric: string,
  scale: "log" | "linear",
  recorded: Readonly<Record<string, MetricNoise>> | undefined,
): KnownSpread {
  const shipped = shippedSpread(metric, scale);
  const own = recorded !== undefined && Object.hasOwn(recorded, metric) ? recorded[metric] : undefined;
  if (own === undefined || own.scale !== scale || own.degreesOfFreedom < 1) return shipped;
  // Sessions that were equal to the last digit were so by the clock's or the log's resolution.
  const most = shipped.steady ? MOST_STEADY : MOST_RECORDED;
  const sd = Math.min(most.sd, Math.max(own.sessionSd, LEAST_SD));
  return {
    ...shipped,
    sd,
    range: Math.min(most.range, own.sessionRange),
    degreesOfFreedom: own.degreesOfFreedom,
    shipped: false,
  };
}
