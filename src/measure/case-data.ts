import type { CaseRecord, ServerCounters, SessionRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";

/** The measured requests of one case of one round. Only `ok` requests have latencies; the rest is counted. */
export interface CaseData {
  readonly probe: string;
  readonly case: string;
  readonly ok: readonly RequestTrace[];
  readonly failed: readonly RequestTrace[];
  /** One for each part of the case, in the order in which they were measured. */
  readonly records: readonly CaseRecord[];
}

/** What a session left to measure. */
export interface SessionData {
  readonly record: SessionRecord;
  /** By round; a round's cases by `probe.case`. */
  readonly rounds: ReadonlyMap<number, ReadonlyMap<string, CaseData>>;
}

/** Sorts a run's traces into sessions, rounds and cases. Warm-up requests are left out. */
export function groupTraces(
  sessions: readonly SessionRecord[],
  traces: readonly RequestTrace[],
): SessionData[] {
  const groups = new Map<string, RequestTrace[]>();
  for (const trace of traces) {
    if (trace.phase !== "measure") continue;
    const key = JSON.stringify([trace.variant, trace.session, trace.round, trace.probe, trace.case]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [trace]);
    else group.push(trace);
  }
  return sessions.map((record) => {
    const rounds = new Map<number, Map<string, CaseData>>();
    for (const group of groups.values()) {
      const first = group[0] as RequestTrace;
      if (first.variant !== record.variant || first.session !== record.index) continue;
      const round = rounds.get(first.round) ?? new Map<string, CaseData>();
      rounds.set(first.round, round);
      round.set(`${first.probe}.${first.case}`, {
        probe: first.probe,
        case: first.case,
        ok: group.filter((trace) => trace.outcome === "ok"),
        failed: group.filter((trace) => trace.outcome !== "ok"),
        records:
          record.cases?.filter(
            (each) => each.round === first.round && each.probe === first.probe && each.case === first.case,
          ) ?? [],
      });
    }
    return { record, rounds };
  });
}

/** Send to first token, in milliseconds. */
export function ttftMs(trace: RequestTrace): number | null {
  return trace.firstTokenS === null ? null : (trace.firstTokenS - trace.startS) * 1000;
}

/** Send to last token, in milliseconds: the end of the connection is not the user's. */
export function e2eMs(trace: RequestTrace): number | null {
  return trace.lastTokenS === null ? null : (trace.lastTokenS - trace.startS) * 1000;
}

/** Events that carry tokens; null where it is unknown what each event carried. */
function tokenArrivals(trace: RequestTrace): [number, number][] | null {
  return trace.arrivals?.filter(([, tokens]) => tokens > 0) ?? null;
}

/** Events closer than this came in one delivery. No server decodes a token in it. */
const SAME_DELIVERY_S = 0.05e-3;

/**
 * Whether most events came in one delivery: a starved server or client let them pile up, so their times say when the
 * pile came and not when tokens were made. A late first event would make the time per token look tiny.
 */
function cameInBulk(arrivals: readonly (readonly [number, number])[]): boolean {
  const piled = arrivals.filter(
    ([atS], index) => index > 0 && atS - (arrivals[index - 1]?.[0] ?? 0) < SAME_DELIVERY_S,
  );
  return piled.length * 2 > arrivals.length - 1;
}

/**
 * Time per output token after the first event: (last − first event) / (tokens − tokens of the first event), in
 * milliseconds. Null when one event carried everything, when most events came in one delivery, or when it is unknown
 * what the first one carried.
 */
export function tpotMs(trace: RequestTrace): number | null {
  const arrivals = tokenArrivals(trace);
  const first = arrivals?.[0];
  const last = arrivals?.at(-1);
  if (first === undefined || last === undefined || first === last || trace.outputTokens === null) return null;
  if (arrivals === null || cameInBulk(arrivals)) return null;
  const later = trace.outputTokens - first[1];
  return later > 0 ? ((last[0] - first[0]) * 1000) / later : null;
}

/** Gaps between consecutive events that carry tokens, in milliseconds. */
export function itlsMs(trace: RequestTrace): number[] {
  const times = (tokenArrivals(trace) ?? []).map(([atS]) => atS);
  return times.slice(1).map((atS, index) => (atS - (times[index] as number)) * 1000);
}

/** First send to last end of some requests, in seconds. */
export function spanS(traces: readonly RequestTrace[]): number {
  const start = traces.reduce((least, trace) => Math.min(least, trace.startS), Number.POSITIVE_INFINITY);
  const end = traces.reduce((most, trace) => Math.max(most, trace.endS), Number.NEGATIVE_INFINITY);
  return end - start;
}

/** How long a case was measured, in seconds: the sum over its parts where it took turns with another one. */
export function measuredS(data: CaseData): number {
  if (data.records.length < 2) return spanS(data.ok);
  return data.records.reduce((sum, { startS, endS }) => sum + (endS - startS), 0);
}

/**
 * What the server counted over all parts of a case.
 *
 * @returns null where it is unknown for any of them
 */
export function countedIn(data: CaseData, counter: keyof ServerCounters): number | null {
  let sum = 0;
  for (const { counters } of data.records) {
    const value = counters?.[counter];
    if (typeof value !== "number") return null;
    sum += value;
  }
  return data.records.length === 0 ? null : sum;
}
