import type { Comparison } from "../domain/comparison.ts";
import type { Verdict } from "../domain/verdict.ts";

/** Verdicts that a reader must see, the worst first. */
export const CHANGED: readonly Verdict[] = ["regressed", "invalid", "inconclusive", "improved"];

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
