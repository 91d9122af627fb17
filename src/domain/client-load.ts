import { z } from "zod";

/** Milliseconds: the middle, the 99th percentile and the longest. */
export const delaySchema = z.object({
  p50: z.number().nonnegative(),
  p99: z.number().nonnegative(),
  max: z.number().nonnegative(),
});
export type Delay = z.infer<typeof delaySchema>;

/** How the measuring process itself fared while a phase's requests ran, parsing not included. */
export const clientLoadSchema = z.object({
  wallS: z.number().nonnegative(),
  /** Processor time of this process, user and system. */
  cpuS: z.number().nonnegative(),
  /** Pieces that were read and stamped. */
  reads: z.number().int().nonnegative(),
  /** How long a piece lay ready while others of the same turn were read and stamped. */
  readLagMs: delaySchema,
  /** How late a timer of 1 ms fired: what kept this process from its event loop, other processes included. */
  loopDelayMs: delaySchema,
  gc: z.object({
    count: z.number().int().nonnegative(),
    totalMs: z.number().nonnegative(),
    longestMs: z.number().nonnegative(),
  }),
  /** Open loop: from when a request was planned to its write. Zeros in a closed loop. */
  sendLateMs: delaySchema,
  /** Closed loop: share of the time in which a sender was between two requests. 0 in an open loop. */
  senderIdleShare: z.number().nonnegative(),
  /** Requests that met a connection which the server had closed, and were sent once more. */
  resent: z.number().int().nonnegative(),
});
export type ClientLoad = z.infer<typeof clientLoadSchema>;

/** What is measured, in milliseconds at the median; null where a phase has none. */
export interface MedianLatencies {
  readonly ttftMs: number | null;
  readonly itlMs: number | null;
}

/** Lateness of the client that no latency is too short for. */
const FLOOR_MS = 1;
/** A timer of 1 ms is up to a millisecond late on an idle machine: it counts whole milliseconds. */
const TIMER_FLOOR_MS = 2;
/** Throughput that senders may lose by being between requests. */
const IDLE_SHARE = 0.02;
/** Lateness of one in a hundred that leaves a latency as it is. */
const SHARE = 0.1;

/**
 * Why a phase says more about the client than about the server; empty when it does not. One in a hundred stamps or
 * sends may be late by 1 ms (a timer by 2) or, where that is more, by a tenth of the median latency that it is part of;
 * senders of a closed loop may be idle for 2 % of the time.
 */
export function clientLateness(load: ClientLoad, medians: MedianLatencies): string[] {
  const shortest = Math.min(
    medians.ttftMs ?? Number.POSITIVE_INFINITY,
    medians.itlMs ?? Number.POSITIVE_INFINITY,
  );
  const allowed = (floorMs: number, latencyMs: number) =>
    Number.isFinite(latencyMs) ? Math.max(floorMs, SHARE * latencyMs) : floorMs;
  const reasons: string[] = [];
  const check = (what: string, lateMs: number, allowedMs: number) => {
    if (lateMs > allowedMs)
      reasons.push(
        `${what} ${lateMs.toFixed(1)} ms late at the 99th percentile (${allowedMs.toFixed(1)} ms allowed)`,
      );
  };
  check("the client stamped answers", load.readLagMs.p99, allowed(FLOOR_MS, shortest));
  check("the client was kept from its event loop:", load.loopDelayMs.p99, allowed(TIMER_FLOOR_MS, shortest));
  check("the client sent requests", load.sendLateMs.p99, allowed(FLOOR_MS, medians.ttftMs ?? shortest));
  if (load.senderIdleShare > IDLE_SHARE)
    reasons.push(
      `the client's senders were idle for ${(100 * load.senderIdleShare).toFixed(1)} % of the time (2 % allowed)`,
    );
  const gcShare = load.wallS === 0 ? 0 : load.gc.totalMs / 1000 / load.wallS;
  // One in a hundred stamps would fall into a collection.
  if (gcShare > 0.01 && load.gc.longestMs > allowed(FLOOR_MS, shortest))
    reasons.push(
      `the client collected garbage for ${(100 * gcShare).toFixed(1)} % of the time, up to ${load.gc.longestMs.toFixed(1)} ms at once`,
    );
  return reasons;
}
