import type { TelemetrySample, TelemetrySummary } from "../domain/telemetry.ts";
import { DIRTY_LIMITS, dirtyReasons } from "./dirty.ts";
import { summarize } from "./summarize.ts";

/** A clock that fell by this share of the round's usual one. */
const CLOCK_FALL = 0.05;
/** A pause of our own of at least this share of what the request took too long is a cause. */
const GC_SHARE = 0.1;

/** A request whose time stands out. */
export interface OutlierRequest {
  readonly startS: number;
  readonly endS: number;
  /** What it took beyond its like. */
  readonly excessS: number;
}

/**
 * What coincided with a request that stands out from its round: each a sentence with numbers; empty when nothing did,
 * which is worth saying too. Samples are a second apart, so that it coincided is all that is claimed.
 *
 * @param round - summary of the round that the request belongs to
 */
export function coincidences(
  samples: readonly TelemetrySample[],
  round: TelemetrySummary,
  request: OutlierRequest,
): string[] {
  const during = samples.filter(({ tS, intervalS }) => tS > request.startS && tS - intervalS < request.endS);
  if (during.length === 0) return [];
  // A request is shorter than a sample: what is known of its time is known of the whole samples around it.
  const fromS = Math.min(...during.map(({ tS, intervalS }) => tS - intervalS));
  const toS = Math.max(...during.map(({ tS }) => tS));
  const then = summarize(samples, fromS, toS);
  const found: string[] = [];
  for (const gpu of then.gpus) {
    const usual = round.gpus.find(({ index }) => index === gpu.index)?.smClockMedianMhz ?? null;
    const clock = gpu.smClockMinMhz;
    if (usual !== null && clock !== null && clock < usual * (1 - CLOCK_FALL)) {
      found.push(`the SM clock of GPU ${gpu.index} fell to ${clock} MHz (usually ${usual} MHz)`);
    }
  }
  found.push(...dirtyReasons(then, { ...DIRTY_LIMITS, swapMibPerMinute: 0 }));
  const faults = then.memory?.majorFaults ?? 0;
  const usualFaults =
    ((round.memory?.majorFaults ?? 0) / Math.max(1e-3, round.toS - round.fromS)) * (toS - fromS);
  if (faults > 10 && faults > 3 * usualFaults) {
    found.push(`${faults} pages were read back from disk (usually ${Math.round(usualFaults)})`);
  }
  if (then.gcMs / 1000 > GC_SHARE * request.excessS && then.gcMs >= 1) {
    found.push(`our own garbage collector stopped the client for ${then.gcMs.toFixed(1)} ms`);
  }
  return found;
}
