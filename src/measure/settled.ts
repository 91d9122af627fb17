import type { RequestTrace } from "../domain/trace.ts";
import { type CaseData, measuredS } from "./case-data.ts";

/** The part of a case in which its load was what its name says. */
export interface SettledPart {
  /** The requests that were sent in it. */
  readonly requests: readonly RequestTrace[];
  readonly seconds: number;
  /** Output tokens that came in it; null when the traces do not say. */
  readonly tokens: number | null;
  /** Requests that ended in it. */
  readonly ended: number;
}

/**
 * A closed loop without its beginning and end. All senders start at once on an idle server, so that the first wave
 * waits for nobody; after the last send ever fewer are in flight. Both make a busy server look better to those requests
 * and worse in requests per second than it is under that load.
 *
 * It lasts from the end of the first wave to that of the last but one, so that whole waves are in it however they are
 * in step. An open loop, and a case of fewer than three waves, is taken whole.
 *
 * @param whole - takes it whole in any case, as another round of it is
 */
export function settledPart(data: CaseData, whole = false): SettledPart {
  const concurrency = data.records[0]?.concurrency ?? 1;
  const { ok } = data;
  const isOpen = ok.some((trace) => trace.plannedS !== undefined);
  if (whole || isOpen || data.records.length !== 1 || data.failed.length > 0 || ok.length < 3 * concurrency) {
    return { requests: ok, seconds: measuredS(data), tokens: outputTokens(ok), ended: ok.length };
  }
  const byStart = ok.toSorted((a, b) => a.startS - b.startS);
  const ends = ok.map((trace) => trace.endS).sort((a, b) => a - b);
  const fromS = ends[concurrency - 1] as number;
  const toS = ends[ok.length - concurrency - 1] as number;
  const requests = byStart.slice(concurrency, ok.length - concurrency);
  const seconds = toS - fromS;
  return { requests, seconds, tokens: tokensBetween(ok, fromS, toS), ended: ok.length - 2 * concurrency };
}

/** Tokens that came after one time and not after another; those of a request that ended, where events are unknown. */
function tokensBetween(traces: readonly RequestTrace[], fromS: number, toS: number): number | null {
  let sum = 0;
  for (const { arrivals, outputTokens: all, endS } of traces) {
    if (arrivals !== undefined) {
      for (const [atS, tokens] of arrivals) if (atS > fromS && atS <= toS) sum += tokens;
    } else if (all === null) return null;
    else if (endS > fromS && endS <= toS) sum += all;
  }
  return sum;
}

function outputTokens(traces: readonly RequestTrace[]): number | null {
  return traces.reduce<number | null>(
    (sum, trace) => (sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens),
    0,
  );
}
