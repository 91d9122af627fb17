import type { ComparisonFile } from "../domain/comparison.ts";
import type { VerdictFile } from "../domain/verdict.ts";

/** A verdict with its sign. */
export const SIGNS: Readonly<Record<VerdictFile["verdict"], string>> = {
  pass: "✅ pass",
  improved: "✅ improved",
  inconclusive: "⚠️ inconclusive",
  invalid: "⚠️ no verdict",
  regressed: "❌ regressed",
  failed: "❌ failed",
};

/** The sign and the word that a report begins with. */
export function signOf(verdict: VerdictFile, comparison: ComparisonFile | null): string {
  if (verdict.cause === "cancelled" || verdict.cause === "killed") return "⏹ cancelled";
  const limits = comparison?.limits.length ?? 0;
  if (verdict.verdict === "regressed" && verdict.counts.regressed === 0 && limits > 0) {
    return "❌ limit broken";
  }
  return SIGNS[verdict.verdict];
}
