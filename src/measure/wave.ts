import { bestStretch } from "../stats/stretch.ts";
import type { CaseData } from "./case-data.ts";
import { none, type Reading } from "./metric-family.ts";
import { tokensPerS } from "./throughput.ts";

/** A stretch of fewer requests is one request's luck. */
const LEAST_REQUESTS = 4;

/**
 * Output tokens per second over the best full wave of a case: as many consecutive completions as there are senders, over
 * the time that {@link bestStretch} counts for them. Interference rarely slows all of them down, so that the best one is
 * the server's own. A case of fewer than two waves is taken whole.
 *
 * @param concurrency - senders of the case
 */
export function waveTokensPerS(data: CaseData, concurrency: number): Reading {
  const whole = tokensPerS(data);
  const length = Math.max(concurrency, LEAST_REQUESTS);
  if ("absent" in whole || data.ok.length < 2 * length) return whole;
  const flights = data.ok.map((trace) => ({
    startS: trace.startS,
    endS: trace.lastTokenS ?? trace.endS,
    amount: trace.outputTokens ?? 0,
  }));
  const value = bestStretch(flights, length, concurrency);
  return value > 0 ? { value, n: data.ok.length } : none("the case took no time");
}
