import type { Taint } from "../domain/measurements.ts";
import { type CaseData, countedIn, type SessionData } from "./case-data.ts";
import { contradictionsOf } from "./contradictions.ts";
import { prefixCaseOf } from "./prefix-metrics.ts";

/** Share of a case's prompt tokens that may come from the cache by chance: block-aligned beginnings of templates. */
const MAX_HIT_SHARE = 0.05;

/** What all requests of a session decide. */
const OF_ALL_REQUESTS = "requests";
/** What a server's start decides. */
const OF_THE_START = ["startup", "kv", "memory"] as const;

/**
 * What must not be trusted: what was measured while the machine was not quiet, a case that was not sent since the server
 * cannot do it, one whose prompts had to miss the prefix cache and did not, by the server's own counters or by
 * `cached_tokens` of its answers, and one whose counts contradict each other.
 */
export function findTaints(session: SessionData): Taint[] {
  const { variant, index } = session.record;
  const taints: Taint[] = [];
  for (const { round, probe, case: name, refused } of session.record.cases ?? []) {
    if (refused === undefined) continue;
    taints.push({ variant, session: index, round, metrics: `${probe}.${name}`, reason: refused });
  }
  for (const reason of session.record.dirtyStart ?? []) {
    for (const metrics of OF_THE_START)
      taints.push({ variant, session: index, round: null, metrics, reason });
  }
  for (const { round, use, dirty } of session.record.rounds ?? []) {
    if (use !== "untrusted") continue;
    const reason = dirty.join("; ");
    const concernedBy = [...(session.rounds.get(round)?.values() ?? [])].flatMap(allOf);
    for (const metrics of new Set([OF_ALL_REQUESTS, ...concernedBy]))
      taints.push({ variant, session: index, round, metrics, reason });
  }
  for (const [round, cases] of session.rounds) {
    for (const data of cases.values()) {
      for (const reason of contradictionsOf(data)) {
        const metrics = `${data.probe}.${data.case}`;
        taints.push({ variant, session: index, round, metrics, reason });
      }
      const share = mustMiss(data) ? hitShare(data) : null;
      if (share === null || share <= MAX_HIT_SHARE) continue;
      const reason =
        `${Math.round(share * 100)} % of the prompt tokens of ${data.probe}.${data.case} came from the prefix cache, ` +
        "though its prompts must be unknown to the server: another client used it, or the case was sent before";
      for (const metrics of concerned(data)) taints.push({ variant, session: index, round, metrics, reason });
    }
  }
  return taints;
}

/** Where no record says it, as in run folders of other makers, the name of a case does. */
function mustMiss({ probe, case: name, records }: CaseData): boolean {
  return (
    records.some((record) => record.mustMiss) || (probe === "prefix" && prefixCaseOf(name)?.kind === "miss")
  );
}

/** What a case's requests decide: its own metrics, and of misses what they are set against. */
function concerned({ probe, case: name }: CaseData): string[] {
  const found = probe === "prefix" ? prefixCaseOf(name) : null;
  return [`${probe}.${name}`, ...(found?.kind === "miss" ? [`prefix.${found.cell}.saving`] : [])];
}

/** All that a case's requests decide, alone or together with those of another case of their cell. */
function allOf({ probe, case: name }: CaseData): string[] {
  const found = probe === "prefix" ? prefixCaseOf(name) : null;
  return [`${probe}.${name}`, ...(found === null ? [] : [`prefix.${found.cell}`])];
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
