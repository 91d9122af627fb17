import { z } from "zod";
import { levelSchema } from "./metric.ts";
import { VERDICTS, type Verdict } from "./verdict.ts";

/** A metric of head against the baseline, with every input of its verdict. */
export const comparisonSchema = z.object({
  metric: z.string(),
  unit: z.string(),
  direction: z.enum(["lower", "higher"]),
  level: levelSchema,
  verdict: z.enum(VERDICTS),
  /** Set on a regression that a session of the base beside head would confirm or refute. */
  unconfirmed: z.literal(true).optional(),
  /** Set on a regression of what is timed that was seen in one session of head alone. */
  seenOnce: z.literal(true).optional(),
  /** Set where the base, measured beside head, is worse than the baseline by more than the tolerance as well. */
  machineMoved: z.literal(true).optional(),
  /** Set where more sessions of the base beside head's could decide what is inconclusive. */
  baseDecides: z.literal(true).optional(),
  /**
   * False where no more sessions of head could decide what is inconclusive; true of what is invalid because its samples
   * were too few, which another session may have.
   */
  decidable: z.boolean().optional(),
  /** Estimate of each side in the metric's unit; null when that side has none. */
  base: z.number().nullable(),
  head: z.number().nullable(),
  /** Loss as a share of the base, worse is positive; null when there is no base or it is zero. */
  effect: z.number().nullable(),
  /** Two-sided 95 % interval of the effect, not adjusted; null where none is computed. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** The effect is larger than this at the level of this look, adjusted over all metrics; null where none is computed. */
  bound: z.number().nullable(),
  tolerance: z.number(),
  absoluteTolerance: z.number(),
  /** Smallest relative loss that this comparison would have found 95 times in 100. */
  detectable: z.number().nullable(),
  /** Sessions × rounds that stand behind each side. */
  baseSessions: z.array(z.array(z.number())),
  headSessions: z.array(z.array(z.number())),
  /** Sessions of the base that were measured beside head's, where `baseSessions` were measured earlier. */
  freshSessions: z.array(z.array(z.number())).optional(),
  /** Loss that a pass excludes: the tolerance, or what this machine's noise lets a full gate find if that is more. */
  resolution: z.number().nullable().optional(),
  /** Chance of such a loss if the true one were half the tolerance, adjusted over the metrics of the level (Holm). */
  pValue: z.number().nullable().optional(),
  /** Standard deviation of a session as it was assumed: of the logarithm, for shares and counts of the value itself. */
  sessionSd: z.number().nullable().optional(),
  reason: z.string(),
  /** What of that which differs is known to move this metric. */
  attribution: z.string().optional(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** Whether another session of either side could refute a regression. */
export function isUnconfirmed({ unconfirmed, seenOnce }: Comparison): boolean {
  return unconfirmed === true || seenOnce === true;
}

/** An argument or version that differs between the two sides. */
export const differenceSchema = z.object({
  what: z.string(),
  base: z.string().nullable(),
  head: z.string().nullable(),
});
export type Difference = z.infer<typeof differenceSchema>;

/** An absolute limit that a run breaks; a null value was not measured. */
export const limitBreachSchema = z.object({
  metric: z.string(),
  unit: z.string(),
  value: z.number().nullable(),
  bound: z.number(),
  side: z.enum(["min", "max"]),
  /** Set on what is timed where one session of head alone breaks it. */
  seenOnce: z.literal(true).optional(),
});
export type LimitBreach = z.infer<typeof limitBreachSchema>;

/** How one copy of baseline and policy judges a metric. */
export const copyJudgementSchema = z.object({
  verdict: z.enum(VERDICTS),
  level: levelSchema,
  base: z.number().nullable(),
  tolerance: z.number(),
  absoluteTolerance: z.number(),
});
export type CopyJudgement = z.infer<typeof copyJudgementSchema>;

/** A change that edits what judges it: what its own copies of baseline and policy would say. They decide nothing. */
export const bothCopiesSchema = z.object({
  /** Files that the change edits: configuration, baselines, noise, workflows that run this tool. */
  files: z.array(z.string()),
  /** True where the clone does not tell where the change forked: the files may be what the base branch changed since. */
  againstTip: z.boolean().optional(),
  /** The verdict by the change's own copies; null when they cannot be read. */
  verdict: z.enum(VERDICTS).nullable(),
  headline: z.string().nullable(),
  /** Why they cannot be read. */
  problem: z.string().nullable(),
  /** The metrics whose verdict or level differs; null on the side that does not judge it. */
  metrics: z.array(
    z.object({
      metric: z.string(),
      unit: z.string(),
      head: z.number().nullable(),
      judged: copyJudgementSchema.nullable(),
      own: copyJudgementSchema.nullable(),
    }),
  ),
});
export type BothCopies = z.infer<typeof bothCopiesSchema>;

/** `comparison.json` */
export const comparisonFileSchema = z.object({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  /** Where the base came from: a baseline's path, or run folders; null when there was none to compare with. */
  baseSource: z.string().nullable(),
  /** Set on an A/B: the base was measured in turn with head, and there is no baseline. */
  interleaved: z.literal(true).optional(),
  limits: z.array(limitBreachSchema),
  /** Metrics and patterns that have a limit, broken or not. */
  limitsChecked: z.number().int().optional(),
  comparisons: z.array(comparisonSchema),
  flags: z.array(differenceSchema),
  fingerprint: z.array(
    z.object({
      field: z.string(),
      rule: z.enum(["must", "note"]),
      base: z.union([z.string(), z.number(), z.null()]),
      head: z.union([z.string(), z.number(), z.null()]),
    }),
  ),
  /** Why parts of this run must not be trusted, whether their metrics are gated or not. */
  taints: z.array(z.string()).default([]),
  /** Of a change that edits what judges it. */
  bothCopies: bothCopiesSchema.optional(),
});
export type ComparisonFile = z.infer<typeof comparisonFileSchema>;

/** Comparisons of the given verdicts in that order, the largest effect first. */
export function ordered(comparisons: readonly Comparison[], verdicts: readonly Verdict[]): Comparison[] {
  const size = (each: Comparison) => Math.abs(each.effect ?? Number.MAX_VALUE);
  return verdicts.flatMap((verdict) =>
    comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)),
  );
}

/** What a reader is told that head was compared with. */
export function baseName({ interleaved }: Pick<ComparisonFile, "interleaved">): string {
  return interleaved === true ? "the base" : "the baseline";
}

/** The fields that forbid a comparison; no number of either side means anything beside the other's then. */
export function incomparable(comparison: ComparisonFile | null): ComparisonFile["fingerprint"] {
  return (comparison?.fingerprint ?? []).filter((each) => each.rule === "must");
}
