import type { RequestTrace } from "../domain/trace.ts";
import { type CaseData, measuredS } from "./case-data.ts";
import { countGood } from "./goodput.ts";
import { NO_REQUEST, NO_TOKEN_COUNTS, none, type Reading } from "./metric-family.ts";

/** Output tokens per second of a case. */
export function tokensPerS(data: CaseData): Reading {
  return perSecond(data, (traces) =>
    traces.reduce<number | null>(
      (sum, trace) => (sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens),
      0,
    ),
  );
}

/** Requests per second of a case. */
export function requestsPerS(data: CaseData): Reading {
  return perSecond(data, (traces) => traces.length);
}

/**
 * Requests per second that met every part of the SLO; null without one. A request that failed met none, and the others
 * are counted all the same: that is what its users saw.
 */
export function goodputOf(data: CaseData): Reading | null {
  const slo = data.slo ?? null;
  if (slo === null) return null;
  if (data.ok.length === 0) return none(NO_REQUEST);
  const good = countGood(data.ok, slo);
  const seconds = measuredS(data);
  if (good === null) return none(NO_TOKEN_COUNTS);
  if (!(seconds > 0)) return none("the case took no time");
  return { value: good / seconds, n: data.ok.length + data.failed.length };
}

/** Share of a case's requests that met every part of the SLO; null without one. */
export function attainmentOf(data: CaseData): Reading | null {
  const slo = data.slo ?? null;
  if (slo === null) return null;
  const sent = data.ok.length + data.failed.length;
  const good = countGood(data.ok, slo);
  return good === null ? none(NO_TOKEN_COUNTS) : { value: good / sent, n: sent };
}

function perSecond(data: CaseData, amount: (traces: readonly RequestTrace[]) => number | null): Reading {
  if (data.failed.length > 0) {
    return none(
      `${data.failed.length} of ${data.ok.length + data.failed.length} requests of the case failed`,
    );
  }
  if (data.ok.length === 0) return none(NO_REQUEST);
  const total = amount(data.ok);
  const seconds = measuredS(data);
  if (total === null) return none("the traces do not say how many tokens were generated");
  if (!(seconds > 0)) return none("the case took no time");
  return { value: total / seconds, n: data.ok.length };
}
