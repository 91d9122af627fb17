import { latenessMs } from "../domain/client-load.ts";
import type { Slo } from "../domain/operating.ts";
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
  /** What users are promised, where something is. */
  readonly slo?: Slo | null;
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
  slo: Slo | null = null,
): SessionData[] {
  const groups = new Map<string, RequestTrace[]>();
  const isReplaced = replacedRounds(sessions);
  for (const trace of traces) {
    if (trace.phase !== "measure" || isReplaced(trace)) continue;
    const key = `${trace.session}\0${trace.round}\0${trace.variant}\0${trace.probe}\0${trace.case}`;
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
        slo,
      });
    }
    return { record, rounds };
  });
}

/** Tells requests of rounds that a clean one was measured for; the first request of a server's life is of no round. */
function replacedRounds(sessions: readonly SessionRecord[]): (trace: RequestTrace) => boolean {
  const replaced = new Set(
    sessions.flatMap(({ variant, index, rounds = [] }) =>
      rounds.filter(({ use }) => use === "replaced").map(({ round }) => `${variant} ${index} ${round}`),
    ),
  );
  if (replaced.size === 0) return () => false;
  return (trace) => trace.case !== "cold" && replaced.has(`${trace.variant} ${trace.session} ${trace.round}`);
}

/** When a request came: in an open loop as it was planned, since a user who has to wait for a sender waits too. */
function cameS(trace: RequestTrace): number {
  return trace.plannedS ?? trace.startS;
}

/** Send to first token, in milliseconds. */
export function ttftMs(trace: RequestTrace): number | null {
  return trace.firstTokenS === null ? null : (trace.firstTokenS - cameS(trace)) * 1000;
}

/** Send to last token, in milliseconds: the end of the connection is not the user's. */
export function e2eMs(trace: RequestTrace): number | null {
  return trace.lastTokenS === null ? null : (trace.lastTokenS - cameS(trace)) * 1000;
}

/** Send to the end of the answer's stream, in milliseconds: what `t_done − t_start` of a table of requests is. */
export function doneMs(trace: RequestTrace): number {
  return (trace.endS - cameS(trace)) * 1000;
}

/** Events that carry tokens; null where it is unknown what each event carried. */
function tokenArrivals({ arrivals }: RequestTrace): readonly (readonly [number, number])[] | null {
  if (arrivals === undefined) return null;
  // There are millions of them, and hardly ever one without a token.
  return arrivals.every(([, tokens]) => tokens > 0) ? arrivals : arrivals.filter(([, tokens]) => tokens > 0);
}

/** Events closer than this came in one delivery. No server decodes a token in it. */
const SAME_DELIVERY_S = 0.05e-3;

/**
 * Whether most events came in one delivery: a starved server or client let them pile up, so their times say when the
 * pile came and not when tokens were made. A late first event would make the time per token look tiny.
 */
function cameInBulk(arrivals: readonly (readonly [number, number])[]): boolean {
  let piled = 0;
  for (let index = 1; index < arrivals.length; index += 1) {
    if ((arrivals[index]?.[0] ?? 0) - (arrivals[index - 1]?.[0] ?? 0) < SAME_DELIVERY_S) piled += 1;
  }
  return piled * 2 > arrivals.length - 1;
}

/**
 * Time per output token after the first event: (last − first event) / (tokens − tokens of the first event), in
 * milliseconds. Null when one event carried everything, when most events came in one delivery, or when it is unknown
 * what the first one carried.
 */
export function tpotMs(trace: RequestTrace): number | null {
  const known = tpotsMs.get(trace);
  if (known !== undefined) return known;
  const tpot = computeTpotMs(trace);
  tpotsMs.set(trace, tpot);
  return tpot;
}

/** Several metrics ask for it, and it looks at every event. */
const tpotsMs = new WeakMap<RequestTrace, number | null>();

function computeTpotMs(trace: RequestTrace): number | null {
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
  const arrivals = tokenArrivals(trace) ?? [];
  const gaps: number[] = [];
  for (let index = 1; index < arrivals.length; index += 1) {
    gaps.push(((arrivals[index]?.[0] ?? 0) - (arrivals[index - 1]?.[0] ?? 0)) * 1000);
  }
  return gaps;
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

/** How late the client itself was over a case, in milliseconds: the middle and the 99th percentile of its worst part. */
export function clientLateMs(data: CaseData): { readonly p50: number; readonly p99: number } | null {
  const loads = data.records.flatMap(({ client }) => (client === undefined ? [] : [client]));
  if (loads.length === 0) return null;
  const worst = (quantile: "p50" | "p99") => Math.max(...loads.map((load) => latenessMs(load, quantile)));
  return { p50: worst("p50"), p99: worst("p99") };
}
