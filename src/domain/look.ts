import { z } from "zod";

/** Which server a session is of: the one that is judged, or the one that it is held against. */
export const lookVariantSchema = z.enum(["base", "head"]);
export type LookVariant = z.infer<typeof lookVariantSchema>;

/**
 * Sessions of head that a regression of what is timed is shown by, where the scenario allows as many: one alone may have
 * been in a state that no other is in, from its start to its end.
 */
export const LEAST_CONVICTING = 2;

/** The most sessions of the base that are measured beside head's: as many as a full baseline has. */
export const MOST_CONFIRMING = 5;

/** One look at a run's measurements, in the order in which they were taken: `looks` of `run.json`. */
export const lookSchema = z.object({
  /** Sessions that had been measured by then. */
  sessions: z.object({ head: z.number().int(), base: z.number().int() }),
  /** Gated metrics that had regressed, and those that nobody could decide. */
  regressed: z.array(z.string()),
  undecided: z.array(z.string()),
  /** What was measured next, session by session; empty when this was the last look. */
  next: z.array(lookVariantSchema),
  /** Why it was, or why it ended. */
  why: z.string(),
  /** Seconds of the budget that were left. */
  remainingS: z.number(),
});
export type Look = z.infer<typeof lookSchema>;
