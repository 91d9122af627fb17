import { quantile } from "simple-statistics";
import type { RequestTimes, Slo } from "../domain/operating.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { e2eMs, itlsMs, ttftMs } from "./case-data.ts";

/** The times of a request that succeeded; null when it carried no token. */
export function timesOf(trace: RequestTrace): RequestTimes | null {
  const ttft = ttftMs(trace);
  const e2e = e2eMs(trace);
  if (ttft === null || e2e === null) return null;
  const known = trace.arrivals !== undefined || trace.outputTokens === 1;
  return { ttftMs: ttft, e2eMs: e2e, gapsMs: known ? itlsMs(trace) : null };
}

/**
 * Whether one request kept every promise: its TTFT, the 95th percentile of its own gaps, its end-to-end time.
 *
 * @returns null when a promise cannot be checked, since its gaps are unknown
 */
export function meetsSlo(times: RequestTimes, slo: Slo): boolean | null {
  const { ttftP95Ms, itlP95Ms, e2eP95Ms } = slo;
  if (ttftP95Ms !== undefined && times.ttftMs > ttftP95Ms) return false;
  if (e2eP95Ms !== undefined && times.e2eMs > e2eP95Ms) return false;
  if (itlP95Ms === undefined) return true;
  if (times.gapsMs === null) return null;
  return times.gapsMs.length === 0 || quantile([...times.gapsMs], 0.95) <= itlP95Ms;
}

/**
 * How many of some requests kept every promise: over the seconds that they took, that is their goodput, as vLLM's own
 * benchmark has it (`vllm bench serve --goodput`). A request that failed kept none.
 *
 * @returns null when it cannot be said of some of them
 */
export function countGood(traces: readonly RequestTrace[], slo: Slo): number | null {
  let good = 0;
  for (const trace of traces) {
    const times = timesOf(trace);
    const met = times === null ? false : meetsSlo(times, slo);
    if (met === null) return null;
    if (met) good += 1;
  }
  return good;
}
