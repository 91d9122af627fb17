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
  /** Estimate of each side in the metric's unit; null when that side has none. */
  base: z.number().nullable(),
  head: z.number().nullable(),
  /** Loss as a share of the base, worse is positive; null when there is no base or it is zero. */
  effect: z.number().nullable(),
  /** Two-sided 95 % interval of the effect; null under a rule that computes none. */
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** The bound that decided; null under a rule that computes none. */
  bound: z.number().nullable(),
  tolerance: z.number(),
  absoluteTolerance: z.number(),
  /** Smallest relative loss that this comparison, scattered as its sides are, would have called a regression. */
  detectable: z.number().nullable(),
  /** Sessions × rounds that stand behind each side. */
  baseSessions: z.array(z.array(z.number())),
  headSessions: z.array(z.array(z.number())),
  reason: z.string(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

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
});
export type LimitBreach = z.infer<typeof limitBreachSchema>;

/** `comparison.json` */
export const comparisonFileSchema = z.object({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  /** Where the base came from: a baseline's path, or run folders; null when there was none to compare with. */
  baseSource: z.string().nullable(),
  limits: z.array(limitBreachSchema),
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
});
export type ComparisonFile = z.infer<typeof comparisonFileSchema>;

/** Comparisons of the given verdicts in that order, the largest effect first. */
export function ordered(comparisons: readonly Comparison[], verdicts: readonly Verdict[]): Comparison[] {
  const size = (each: Comparison) => Math.abs(each.effect ?? Number.MAX_VALUE);
  return verdicts.flatMap((verdict) =>
    comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)),
  );
}

/** The fields that forbid a comparison; no number of either side means anything beside the other's then. */
export function incomparable(comparison: ComparisonFile | null): ComparisonFile["fingerprint"] {
  return (comparison?.fingerprint ?? []).filter((each) => each.rule === "must");
}
