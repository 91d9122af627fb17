import { z } from "zod";

/** How a request ended. Only `ok` requests of the `measure` phase enter a latency; the others are counted. */
export const OUTCOMES = ["ok", "http_error", "timeout", "aborted", "protocol_error"] as const;

/**
 * One request's raw times and counts: a line of `traces.jsonl`.
 *
 * Times are seconds on one monotonic clock, zero at the spawn of the session's server (at the session's
 * start when the server was already running).
 */
export const requestTraceSchema = z.object({
  variant: z.string(),
  session: z.number().int().nonnegative(),
  round: z.number().int().nonnegative(),
  probe: z.string(),
  case: z.string(),
  /** `warmup` requests prepare a case and are never measured. */
  phase: z.enum(["warmup", "measure"]),
  /** Unique within a case of a round, e.g. `batching.c8.17`. */
  id: z.string(),
  promptTokens: z.number().int().nonnegative().nullable(),
  /** Prompt tokens that the server took from its prefix cache; null where it does not tell. */
  cachedTokens: z.number().int().nonnegative().nullable(),
  outputTokens: z.number().int().nonnegative().nullable(),
  startS: z.number(),
  firstTokenS: z.number().nullable(),
  lastTokenS: z.number().nullable(),
  endS: z.number(),
  /**
   * [time, tokens that this event carried]; the tokens add up to `outputTokens`. Left out where the server
   * gave no running count and sent fewer events than tokens: what each event carried is then unknown.
   */
  arrivals: z.array(z.tuple([z.number(), z.number().int().nonnegative()])).optional(),
  outcome: z.enum(OUTCOMES),
  /** HTTP status; null when no response came. */
  status: z.number().int().nullable(),
  error: z.string().nullable(),
});

/** See {@link requestTraceSchema}. */
export type RequestTrace = z.infer<typeof requestTraceSchema>;
export type Outcome = RequestTrace["outcome"];
