import type { Comparison, ComparisonFile } from "../domain/comparison.ts";
import type { Verdict } from "../domain/verdict.ts";

/** Verdicts that a reader must see, the worst first. */
export const CHANGED: readonly Verdict[] = ["regressed", "invalid", "inconclusive", "improved"];

/** Comparisons of the given verdicts in that order, the largest effect first. */
export function ordered(comparisons: readonly Comparison[], verdicts: readonly Verdict[]): Comparison[] {
  const size = (each: Comparison) => Math.abs(each.effect ?? Number.MAX_VALUE);
  return verdicts.flatMap((verdict) =>
    comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)),
  );
}

/** Why metrics were not judged: each reason once, with the metrics that share it. */
export function reasonsOf(
  comparisons: readonly Comparison[],
): { readonly metrics: string[]; readonly reason: string }[] {
  const open = comparisons.filter((each) => each.verdict === "invalid" || each.verdict === "inconclusive");
  return [...Map.groupBy(open, (each) => each.reason)].map(([reason, group]) => ({
    reason,
    metrics: group.map((each) => each.metric),
  }));
}

/** The fields that forbid a comparison; no number of either side means anything beside the other's then. */
export function incomparable(comparison: ComparisonFile | null): ComparisonFile["fingerprint"] {
  return (comparison?.fingerprint ?? []).filter((each) => each.rule === "must");
}
