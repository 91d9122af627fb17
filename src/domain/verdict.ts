import { z } from "zod";

/** The verdict on one metric, or on a run. See `docs/decision.md`. */
export const VERDICTS = ["pass", "improved", "inconclusive", "invalid", "regressed"] as const;
export type Verdict = (typeof VERDICTS)[number];

/** What the process reports to its caller; design §6. */
export const EXIT = {
  pass: 0,
  regressed: 1,
  usage: 2,
  noVerdict: 3,
  notMeasured: 4,
  sigint: 130,
  sigterm: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a run came to: a verdict, or `failed` when nothing was measured. The action's `verdict` output. */
export type RunVerdict = Verdict | "failed";

/** Why a run ended as it did, for programs. */
export const CAUSES = [
  "decided",
  "recorded",
  "not_recorded",
  "no_baseline",
  "failed_start",
  "server_died",
  "tool_failed",
  "cancelled",
  "killed",
] as const;
export type Cause = (typeof CAUSES)[number];

/** `verdict.json` */
export const verdictFileSchema = z.object({
  schemaVersion: z.literal(1),
  verdict: z.enum([...VERDICTS, "failed"]),
  cause: z.enum(CAUSES),
  exitCode: z.number().int(),
  conclusion: z.enum(["success", "neutral", "failure", "action_required", "cancelled"]),
  /** True when `report-only` turned a non-zero exit into 0. */
  reportOnly: z.boolean(),
  scenario: z.string(),
  /** One line: what happened. */
  headline: z.string(),
  /** What to do now. */
  nextAction: z.string(),
  /** Sentences that explain the verdict, the most important first. */
  reasons: z.array(z.string()),
  /** What a reader must know beside it: an old baseline, requests that changed with the flags. */
  notes: z.array(z.string()).optional(),
  counts: z.record(z.enum(VERDICTS), z.number().int()),
});
export type VerdictFile = z.infer<typeof verdictFileSchema>;
