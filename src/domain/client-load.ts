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

/** How late a client stamped what came or sent what was due, in milliseconds, whichever was later. */
export function latenessMs({ readLagMs, sendLateMs }: ClientLoad, quantile: "p50" | "p99"): number {
  return Math.max(readLagMs[quantile], sendLateMs[quantile]);
}

/** Milliseconds that a client may be late by where a time of so many is measured: a tenth of it, or 1 ms. */
export function allowedLatenessMs(timeMs: number): number {
  return Math.max(1, 0.1 * timeMs);
}
