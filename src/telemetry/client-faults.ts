import { median } from "simple-statistics";
import { allowedLatenessMs, type ClientLoad, latenessMs } from "../domain/client-load.ts";
import type { RequestTrace } from "../domain/trace.ts";

/** Share of a closed loop's time that its senders may be between requests: throughput that is the client's loss. */
const IDLE_SHARE = 0.1;
/**
 * Why what one case measured says more about the client than about the server; empty when it does not. A client that
 * is late now and then makes tails, which are left out one by one; one that is late half of the time, or that keeps its
 * senders idle, makes everything. Garbage collection counts by the lateness that it causes, and other programs by what
 * the machine says of them.
 *
 * @param name - the case, e.g. `batching.c8`
 * @param traces - its measured requests
 */
export function clientFaults(name: string, load: ClientLoad, traces: readonly RequestTrace[]): string[] {
  const allowedMs = allowedLatenessMs(shortestMs(traces));
  const lateMs = latenessMs(load, "p50");
  const faults: string[] = [];
  if (lateMs > allowedMs)
    faults.push(
      `the client was ${lateMs.toFixed(1)} ms late or more half of the time in ${name}, where ${allowedMs.toFixed(1)} ms are allowed`,
    );
  if (load.senderIdleShare > IDLE_SHARE)
    faults.push(`the client's senders were between requests for ${percent(load.senderIdleShare)} of ${name}`);
  return faults;
}

/** The middle time to the first token, or between two tokens of a request where that is shorter; 0 without either. */
function shortestMs(traces: readonly RequestTrace[]): number {
  const ok = traces.filter(({ outcome }) => outcome === "ok");
  const ttfts = ok.flatMap(({ startS, firstTokenS }) =>
    firstTokenS === null ? [] : [(firstTokenS - startS) * 1000],
  );
  const tpots = ok.flatMap(({ firstTokenS, lastTokenS, outputTokens }) =>
    firstTokenS === null || lastTokenS === null || outputTokens === null || outputTokens < 2
      ? []
      : [((lastTokenS - firstTokenS) * 1000) / (outputTokens - 1)],
  );
  const times = [ttfts, tpots].filter((values) => values.length > 0).map(median);
  return times.length === 0 ? 0 : Math.min(...times);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
