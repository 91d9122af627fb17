import type { Taint } from "../domain/measurements.ts";
import type { CaseData, SessionData } from "./case-data.ts";

/** Share of a case's prompt tokens that may come from the cache by chance: block-aligned beginnings of templates. */
const MAX_HIT_SHARE = 0.05;

/**
 * What must not be trusted: a case whose prompts had to miss the prefix cache and did not, by the server's own
 * counters or by `cached_tokens` of its answers.
 */
export function findTaints(session: SessionData): Taint[] {
  const taints: Taint[] = [];
  for (const [round, cases] of session.rounds) {
    for (const data of cases.values()) {
      const share = data.record?.mustMiss === true ? hitShare(data) : null;
      if (share === null || share <= MAX_HIT_SHARE) continue;
      taints.push({
        variant: session.record.variant,
        session: session.record.index,
        round,
        metrics: `${data.probe}.${data.case}`,
        reason:
          `${Math.round(share * 100)} % of the prompt tokens of ${data.probe}.${data.case} came from the prefix cache, ` +
          "though its prompts must be unknown to the server: another client used it, or the case was sent before",
      });
    }
  }
  return taints;
}

function hitShare(data: CaseData): number | null {
  const counters = data.record?.counters;
  const queried = counters?.prefixQueriedTokens;
  const hit = counters?.prefixHitTokens;
  if (typeof queried === "number" && typeof hit === "number") return queried > 0 ? hit / queried : 0;
  const known = data.ok.filter((trace) => trace.cachedTokens !== null && trace.promptTokens !== null);
  if (known.length === 0) return null;
  const sum = (of: (trace: (typeof known)[number]) => number) =>
    known.reduce((total, trace) => total + of(trace), 0);
  return (
    sum((trace) => trace.cachedTokens ?? 0) /
    Math.max(
      1,
      sum((trace) => trace.promptTokens ?? 0),
    )
  );
}
