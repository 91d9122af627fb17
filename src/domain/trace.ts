import { z } from "zod";

/** How a request ended. Only `ok` requests of the `measure` phase enter a latency; the others are counted. */
export const OUTCOMES = ["ok", "http_error", "timeout", "aborted", "protocol_error"] as const;

/**
 * What is wrong with a list of arrivals, and where. A check of our own: a run has millions of them, and the library
 * takes ten times as long.
 */
function faultOfArrivals(value: unknown): { readonly path: number[]; readonly message: string } | null {
  if (!Array.isArray(value)) return { path: [], message: "expected a list of pairs: time, tokens" };
  for (let index = 0; index < value.length; index += 1) {
    const pair: unknown = value[index];
    if (!Array.isArray(pair) || pair.length !== 2) {
      return { path: [index], message: "expected a pair: time, tokens" };
    }
    if (!Number.isFinite(pair[0])) return { path: [index, 0], message: "expected a number" };
    if (!Number.isSafeInteger(pair[1]) || pair[1] < 0) {
      return { path: [index, 1], message: "expected a whole number, 0 or more" };
    }
  }
  return null;
}

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
  /** When it was to be sent, in an open loop: a client or a connection that came late delayed its send. */
  plannedS: z.number().optional(),
  /** When it was written; its connection was open by then. */
  startS: z.number(),
  firstTokenS: z.number().nullable(),
  lastTokenS: z.number().nullable(),
  endS: z.number(),
  /**
   * [time, tokens that this event carried]; the tokens add up to `outputTokens`. Left out where the server
   * gave no running count and sent fewer events than tokens: what each event carried is then unknown.
   */
  arrivals: z
    .custom<[number, number][]>()
    .superRefine((value, context) => {
      const fault = value === undefined ? null : faultOfArrivals(value);
      if (fault !== null) context.addIssue({ code: "custom", ...fault });
    })
    .optional(),
  outcome: z.enum(OUTCOMES),
  /** HTTP status; null when no response came. */
  status: z.number().int().nullable(),
  error: z.string().nullable(),
  /**
   * The server had closed the idle connection that it was written on first; it was sent once more on a new one, and
   * its times are those of that.
   */
  resent: z.boolean().optional(),
});

/** See {@link requestTraceSchema}. */
export type RequestTrace = z.infer<typeof requestTraceSchema>;
export type Outcome = RequestTrace["outcome"];
