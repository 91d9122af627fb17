import { bestWindow } from "../stats/window.ts";
import type { CaseData } from "./case-data.ts";
import type { Reading } from "./metric-family.ts";
import { tokensPerS } from "./throughput.ts";

/** A stretch of fewer completions is one request's luck. */
const LEAST_REQUESTS = 4;

/**
 * Output tokens per second over the best full wave of a case: as many consecutive completions as there are senders.
 * Interference only ever slows a wave down, and rarely all of them, so that the best one is the server's own. A case
 * of fewer than two waves is taken whole.
 *
 * @param concurrency - senders of the case
 */
export function waveTokensPerS(data: CaseData, concurrency: number): Reading {
  const whole = tokensPerS(data);
  const length = Math.max(concurrency, LEAST_REQUESTS);
  if ("absent" in whole || data.ok.length < 2 * length) return whole;
  const ends = data.ok.map((trace) => trace.lastTokenS ?? trace.endS);
  const tokens = data.ok.map((trace) => trace.outputTokens ?? 0);
  return { value: bestWindow(ends, tokens, length), n: data.ok.length };
}
