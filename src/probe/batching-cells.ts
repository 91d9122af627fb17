import { CONCURRENT, REPLAY, rateCase, SEQUENTIAL, sweepCase } from "../domain/batching-study.ts";
import type { Traffic } from "../domain/traffic.ts";
import type { CasePlan, PlannedRequest, PromptTarget } from "./case-plan.ts";
import type { Cell } from "./cells.ts";
import { poissonTimes } from "./open-loop.ts";
import type { RequestSource } from "./traffic.ts";

/** Most requests in flight of an open loop: beyond it the client, not the server, would be what waits. */
export const OPEN_LOOP_CONCURRENCY = 256;
/** How often the server's gauges are read: each reading takes the server a few milliseconds. */
const GAUGES_EVERY_MS = 500;
/** Requests that a 95th percentile of one round needs. */
const LEAST_REQUESTS = 32;
const MOST_OPEN_REQUESTS = 2000;

export interface BatchingCellOptions {
  readonly source: RequestSource;
  /** Requests of the benchmark, and at least of each level of the sweep. */
  readonly n: number;
  /** Requests in flight of the benchmark's concurrent side. */
  readonly concurrent: number;
  readonly concurrency: readonly number[];
  /** A level of the sweep measures at least this many times its concurrency. */
  readonly waves: number;
  /** Requests per second of the open loop's levels. */
  readonly rates: readonly number[];
  /** How long each rate is sent in a round, in seconds. */
  readonly openS: number;
  /** The user's own requests, sent at their own times. */
  readonly replay: Traffic | null;
}

/** The cells of a batching study in the order in which they are measured. */
export function batchingCells(options: BatchingCellOptions): Cell[] {
  const { source, n, concurrent, concurrency, waves, rates, openS, replay } = options;
  const sweep = [...new Set(concurrency)].sort((a, b) => a - b);
  const worth = ranksOf(sweep.length);
  const open = [...new Set(rates)].sort((a, b) => a - b);
  const openWorth = ranksOf(open.length);
  return [
    benchmarkCell(source, n, concurrent),
    ...sweep.map((each, index) => {
      // Whole waves, and one before and after: they bring the load to its level and hold it there.
      const requests = (Math.ceil(Math.max(n, waves * each) / each) + 2) * each;
      return closedCell({
        source,
        name: sweepCase(each),
        requests,
        concurrency: each,
        value: 80 - (worth[index] ?? 0),
      });
    }),
    ...open.map((rate, index) => openCell(source, rate, openS, 40 - (openWorth[index] ?? 0))),
    ...(replay === null ? [] : [replayCell(source, replay)]),
  ];
}

/** One after another, then several at a time: one cell, since neither tells anything alone. */
function benchmarkCell(source: RequestSource, n: number, concurrent: number): Cell {
  const sides = [
    closedCell({ source, name: SEQUENTIAL, requests: n, concurrency: 1, value: 0 }),
    closedCell({ source, name: CONCURRENT, requests: n, concurrency: concurrent, value: 0 }),
  ];
  return {
    name: `sequential and ${concurrent} concurrent`,
    value: 100,
    // The concurrent side takes a share of the sequential one's time.
    work: { ...workOf(source, n + Math.ceil(n / concurrent), 1) },
    concurrency: concurrent,
    plan: async (target, round, tools) =>
      (await Promise.all(sides.map((side) => side.plan(target, round, tools)))).flat(),
  };
}

function workOf({ promptTokens, outputTokens }: RequestSource, requests: number, concurrency: number) {
  return { requests, concurrency, promptTokens, outputTokens };
}

function closedCell(cell: {
  readonly source: RequestSource;
  readonly name: string;
  readonly requests: number;
  readonly concurrency: number;
  readonly value: number;
}): Cell {
  const { source, name, requests, concurrency, value } = cell;
  return {
    name,
    value,
    work: workOf(source, requests, concurrency),
    concurrency,
    plan: async (target, round) => [
      casePlan({ target, source, name, round, concurrency, warmups: concurrency, requests }),
    ],
  };
}

function openCell(source: RequestSource, rate: number, openS: number, value: number): Cell {
  const requests = Math.min(MOST_OPEN_REQUESTS, Math.max(LEAST_REQUESTS, Math.ceil(rate * openS)));
  const concurrency = Math.min(OPEN_LOOP_CONCURRENCY, requests);
  const name = rateCase(rate);
  return {
    name,
    value,
    work: { ...workOf(source, requests, concurrency), atLeastS: requests / rate },
    concurrency,
    plan: async (target, round) => {
      const timesS = poissonTimes(`${target.seed}/${name}/${round}`, rate, requests);
      return [casePlan({ target, source, name, round, concurrency, warmups: 8, requests, timesS })];
    },
  };
}

function replayCell(source: RequestSource, traffic: Traffic): Cell {
  const { requests, rateScale } = traffic;
  const firstS = requests[0]?.atS ?? 0;
  const timesS = requests.map((request) => ((request.atS ?? firstS) - firstS) / rateScale);
  const concurrency = Math.min(OPEN_LOOP_CONCURRENCY, requests.length);
  return {
    name: REPLAY,
    value: 60,
    work: { ...workOf(source, requests.length, concurrency), atLeastS: timesS.at(-1) ?? 0 },
    concurrency,
    plan: async (target, round) => [
      casePlan({
        ...{ target, source, name: REPLAY, round, concurrency, warmups: 8 },
        ...{ requests: requests.length, timesS },
      }),
    ],
  };
}

function casePlan(options: {
  readonly target: PromptTarget;
  readonly source: RequestSource;
  readonly name: string;
  readonly round: number;
  readonly concurrency: number;
  readonly warmups: number;
  readonly requests: number;
  /** When each is sent, in an open loop. */
  readonly timesS?: readonly number[];
}): CasePlan {
  const { target, source, name, round, concurrency, warmups, requests, timesS } = options;
  const planned = (id: string, phase: string, index: number): PlannedRequest => ({
    id: `batching.${name}.${id}`,
    ...source.request(target, `batching.${name}/${phase}/${round}`, index),
  });
  return {
    probe: "batching",
    case: name,
    concurrency,
    mustMiss: source.mustMiss,
    warmup: Array.from({ length: Math.min(warmups, concurrency) }, (_, index) =>
      planned(`w${index}`, "warmup", index),
    ),
    measure: Array.from({ length: requests }, (_, index) => {
      const plannedS = timesS?.[index];
      return { ...planned(String(index), "measure", index), ...(plannedS === undefined ? {} : { plannedS }) };
    }),
    gaugesEveryMs: GAUGES_EVERY_MS,
  };
}

/**
 * How much each place of a list tells about its whole curve, 0 the most: first and last, then what halves the rest.
 */
export function ranksOf(length: number): number[] {
  const ranks: number[] = new Array<number>(length).fill(0);
  let next = 0;
  const give = (index: number) => {
    ranks[index] = next;
    next += 1;
  };
  if (length > 0) give(0);
  if (length > 1) give(length - 1);
  const between: [from: number, to: number][] = [[0, length - 1]];
  for (let span = between.shift(); span !== undefined; span = between.shift()) {
    const [from, to] = span;
    if (to - from < 2) continue;
    const middle = Math.floor((from + to) / 2);
    give(middle);
    between.push([middle, to], [from, middle]);
  }
  return ranks;
}
