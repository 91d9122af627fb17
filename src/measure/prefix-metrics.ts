import type { Level, Tolerance } from "../domain/metric.ts";
import { type CaseData, countedIn, type SessionData, ttftMs } from "./case-data.ts";
import {
  type CellMetric,
  type Family,
  floorOf,
  latency,
  type Metric,
  MIN_SAMPLES_P10,
  medianOf,
  NO_REQUEST,
  none,
  over,
  p95Of,
  quantileOf,
  type Reading,
  relative,
} from "./metric-family.ts";

/** A case of the probe by what its name says. */
export interface PrefixCase {
  readonly kind: "miss" | "hit";
  /** Length of the prefix and concurrency, as ids have them: `1024.c8`. */
  readonly cell: string;
}

/** Reads `hit.1024.c8`; without a concurrency it is `c1`. Null for a case that is neither hit nor miss. */
export function prefixCaseOf(name: string): PrefixCase | null {
  const [, kind, length, crowd = "1"] = /^(miss|hit)\.(\d+)(?:\.c(\d+))?$/.exec(name) ?? [];
  if (kind === undefined || length === undefined) return null;
  return { kind: kind as PrefixCase["kind"], cell: `${length}.c${crowd}` };
}

/** The hits and misses of one cell of one round. */
type Pair = Partial<Record<PrefixCase["kind"], CaseData>>;

function pairsOf(session: SessionData, round: number): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const data of session.rounds.get(round)?.values() ?? []) {
    const found = data.probe === "prefix" ? prefixCaseOf(data.case) : null;
    if (found === null) continue;
    pairs.set(found.cell, { ...pairs.get(found.cell), [found.kind]: data });
  }
  return pairs;
}

function timeOf(kind: PrefixCase["kind"], family: Family, read: (data: CaseData) => Reading): CellMetric {
  return {
    ...family,
    scope: "cells",
    *read(session, round) {
      for (const [cell, pair] of pairsOf(session, round)) {
        const data = pair[kind];
        if (data !== undefined) yield [`${kind}.${cell}`, read(data)];
      }
    },
  };
}

/** TTFT of one kind: its floor is judged, its middle and tail are shown. */
function times(
  kind: PrefixCase["kind"],
  what: string,
  floor: { readonly level: Level; readonly tolerance: Tolerance },
): Metric[] {
  const id = `prefix.${kind}.<n>.c<k>`;
  return [
    timeOf(
      kind,
      {
        ...latency,
        ...floor,
        id: `${id}.ttft_floor_ms`,
        description: `TTFT of a prompt ${what}, 10th percentile.`,
      },
      floorOf(ttftMs),
    ),
    timeOf(
      kind,
      {
        ...latency,
        tolerance: relative(0.15, 1),
        id: `${id}.ttft_p50_ms`,
        description: `TTFT of a prompt ${what}, median.`,
      },
      medianOf(ttftMs),
    ),
    timeOf(
      kind,
      {
        ...latency,
        tolerance: relative(0.3, 5),
        id: `${id}.ttft_p95_ms`,
        description: `TTFT of a prompt ${what}, 95th percentile.`,
      },
      p95Of(ttftMs),
    ),
  ];
}

const medianTtft = (data: CaseData) =>
  over(data.ok, ttftMs, (values) => quantileOf(values, 0.5, MIN_SAMPLES_P10));

/**
 * 1 − hit / miss of the medians. Hits and misses take turns, so what is slow about the session, or about a while of it,
 * is in both. Of floors it would be noisier: on the simulator, 20 hits and misses give it within 2 points of the truth
 * from medians, within 8 from 10th percentiles, since those of a wave hang on who comes first.
 */
function savingOf({ miss, hit }: Pair): Reading {
  if (miss === undefined || hit === undefined) {
    return none(`the round has no ${miss === undefined ? "misses" : "hits"} of this cell`);
  }
  const [missed, found] = [medianTtft(miss), medianTtft(hit)];
  if ("absent" in missed) return none(`misses: ${missed.absent}`);
  if ("absent" in found) return none(`hits: ${found.absent}`);
  if (!(missed.value > 0)) return none("the misses took no time");
  return { value: 1 - found.value / missed.value, n: Math.min(missed.n, found.n) };
}

/**
 * Share of a case's prompt tokens that came from the prefix cache, 0 to 1: by the server's counters, else by
 * `cached_tokens` of its answers. A server that looks nothing up, since its caching is off, has a rate of 0.
 */
export function hitRateOf(data: CaseData): Reading {
  if (data.ok.length === 0) return none(NO_REQUEST);
  const queried = countedIn(data, "prefixQueriedTokens");
  const hit = countedIn(data, "prefixHitTokens");
  if (queried !== null && hit !== null) {
    return { value: queried > 0 ? hit / queried : 0, n: data.ok.length };
  }
  const told = data.ok.filter((trace) => trace.cachedTokens !== null && (trace.promptTokens ?? 0) > 0);
  if (told.length === 0) {
    return none("neither /metrics nor the answers (--enable-prompt-tokens-details) tell what was cached");
  }
  const cached = told.reduce((sum, trace) => sum + (trace.cachedTokens ?? 0), 0);
  const prompts = told.reduce((sum, trace) => sum + (trace.promptTokens ?? 0), 0);
  return { value: cached / prompts, n: told.length };
}

/** Share of a session's measured requests whose prompts had to be new to the server; null where it measured none. */
export function missShareOf(sessions: readonly SessionData[], index: number): number | null {
  const cases = sessions
    .filter(({ record }) => record.index === index)
    .flatMap(({ rounds }) => [...rounds.values()].flatMap((round) => [...round.values()]));
  const count = (some: readonly CaseData[]) =>
    some.reduce((sum, { ok, failed }) => sum + ok.length + failed.length, 0);
  const all = count(cases);
  return all === 0 ? null : count(cases.filter(({ records }) => records.some((each) => each.mustMiss))) / all;
}

const FIVE_POINTS = relative(0, 0.05);

export const PREFIX: readonly Metric[] = [
  // An uncached TTFT differs by 11 % between restarts of one server: smaller losses cannot be told from chance.
  ...times("miss", "that is new to the server", { level: "gate", tolerance: relative(0.35, 2) }),
  // What a cached prefix is worth is gated by `saving`, in which a slow session cancels out.
  ...times("hit", "whose first n tokens are in the prefix cache", {
    level: "watch",
    tolerance: relative(0.1, 1),
  }),
  {
    scope: "cells",
    id: "prefix.<n>.c<k>.saving",
    unit: "share",
    direction: "higher",
    level: "gate",
    tolerance: FIVE_POINTS,
    sensitivity: "host",
    rounds: "mean",
    description: "1 − hit / miss: what a cached prefix of n tokens saves of the median TTFT at k in flight.",
    *read(session, round) {
      for (const [cell, pair] of pairsOf(session, round)) yield [cell, savingOf(pair)];
    },
  },
  {
    scope: "cells",
    id: "prefix.<n>.c<k>.hit_rate",
    unit: "share",
    direction: "higher",
    level: "gate",
    tolerance: FIVE_POINTS,
    sensitivity: "none",
    rounds: "mean",
    description:
      "Cached over queried prompt tokens of the requests that share a prefix, by the server's counters.",
    *read(session, round) {
      for (const [cell, { hit }] of pairsOf(session, round)) {
        if (hit !== undefined) yield [cell, hitRateOf(hit)];
      }
    },
  },
];
