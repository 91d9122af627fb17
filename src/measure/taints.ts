import type { Taint } from "../domain/measurements.ts";
import { type CaseData, countedIn, type SessionData } from "./case-data.ts";

/** Share of a case's prompt tokens that may come from the cache by chance: block-aligned beginnings of templates. */
const MAX_HIT_SHARE = 0.05;

/**
 * What must not be trusted: a case that was not sent since the server cannot do it, and one whose prompts had to miss
 * the prefix cache and did not, by the server's own counters or by `cached_tokens` of its answers.
 */
export function findTaints(session: SessionData): Taint[] {
  const { variant, index } = session.record;
  const taints: Taint[] = [];
  for (const { round, probe, case: name, refused } of session.record.cases ?? []) {
    if (refused === undefined) continue;
    taints.push({ variant, session: index, round, metrics: `${probe}.${name}`, reason: refused });
  }
  for (const [round, cases] of session.rounds) {
    for (const data of cases.values()) {
      const share = data.records.some((record) => record.mustMiss) ? hitShare(data) : null;
      if (share === null || share <= MAX_HIT_SHARE) continue;
      taints.push({
        variant,
        session: index,
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
  const queried = countedIn(data, "prefixQueriedTokens");
  const hit = countedIn(data, "prefixHitTokens");
  if (queried !== null && hit !== null) return queried > 0 ? hit / queried : 0;
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
