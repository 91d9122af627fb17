/**
 * The rules of other tools on the same data: each sees every round of the baseline's sessions and of head's, metric by
 * metric, and fails the run when one gated metric fails. Defaults as their sources and documents have them.
 */
import { median, quantile } from "simple-statistics";
import type { MetricDefinition } from "../src/domain/metric.ts";

/** One gated metric: values by session, in them by round. */
export interface RuleInput {
  readonly definition: MetricDefinition;
  readonly base: readonly (readonly number[])[];
  readonly head: readonly (readonly number[])[];
}

export interface Rule {
  readonly name: string;
  /** Whether it calls head a regression. */
  readonly fails: (input: RuleInput) => boolean;
}

/**
 * A metric as a rule of ratios needs it. The saving of a prefix cache is near zero or below without one, and no ratio
 * of it means anything: what a cached first token takes, as a share of an uncached one, is above zero and says the same.
 */
export function asRatios(input: RuleInput): RuleInput {
  if (!input.definition.id.endsWith(".saving")) return input;
  const rest = (sessions: RuleInput["base"]) => sessions.map((rounds) => rounds.map((value) => 1 - value));
  return {
    definition: { ...input.definition, direction: "lower" },
    base: rest(input.base),
    head: rest(input.head),
  };
}

/** How many times worse head's median is; 1 is equal. */
function ratio({ definition, base, head }: RuleInput): number {
  const [before, after] = [median([...base.flat()]), median([...head.flat()])];
  if (before === after) return 1;
  return definition.direction === "lower" ? after / before : before / after;
}

const worseThan = (share: number) => (input: RuleInput) => ratio(input) > 1 + share;

/**
 * Two-sided p value of the Mann-Whitney U test: exact without ties, else by the normal approximation with its
 * correction for them.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [
    ...a.map((value) => ({ value, first: true })),
    ...b.map((value) => ({ value, first: false })),
  ].sort((x, y) => x.value - y.value);
  let rankSum = 0;
  let ties = 0;
  for (let i = 0; i < all.length; ) {
    let j = i;
    while (j < all.length && all[j]!.value === all[i]!.value) j += 1;
    const count = j - i;
    ties += count ** 3 - count;
    for (let k = i; k < j; k += 1) if (all[k]!.first) rankSum += (i + j + 1) / 2;
    i = j;
  }
  const [n, m] = [a.length, b.length];
  const u = rankSum - (n * (n + 1)) / 2;
  if (ties === 0) return Math.min(1, 2 * lowerTail(Math.min(u, n * m - u), n, m));
  const total = n + m;
  const variance = ((n * m) / 12) * (total + 1 - ties / (total * (total - 1)));
  if (variance === 0) return 1;
  const z = Math.max(0, Math.abs(u - (n * m) / 2) - 0.5) / Math.sqrt(variance);
  return Math.min(1, 2 * normalTail(z));
}

const waysKnown = new Map<string, Float64Array>();

/** Number of orders of n and m values with each U, by the recurrence of Mann and Whitney (1947). */
function waysOf(n: number, m: number): Float64Array {
  const key = `${n}/${m}`;
  const known = waysKnown.get(key);
  if (known !== undefined) return known;
  const ways = new Float64Array(n * m + 1);
  if (n === 0 || m === 0) ways[0] = 1;
  else {
    waysOf(n - 1, m).forEach((count, u) => {
      ways[u + m]! += count;
    });
    waysOf(n, m - 1).forEach((count, u) => {
      ways[u]! += count;
    });
  }
  waysKnown.set(key, ways);
  return ways;
}

function lowerTail(u: number, n: number, m: number): number {
  const ways = waysOf(n, m);
  let below = 0;
  let all = 0;
  ways.forEach((count, each) => {
    all += count;
    if (each <= u) below += count;
  });
  return below / all;
}

/** Upper tail of the normal distribution (Abramowitz and Stegun 26.2.17; error below 7.5e-8). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const poly =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * poly;
}

/** Relative differences between the baseline's sessions, one after another: what rustc-perf calls history. */
function historicalDeltas({ base }: RuleInput): number[] {
  const middles = base.map((session) => median([...session]));
  return middles.flatMap((value, i) => middles.slice(i + 1).map((other) => Math.abs(other / value - 1)));
}

export const RULES: readonly Rule[] = [
  { name: "fixed 5 %", fails: worseThan(0.05) },
  { name: "fixed 10 %", fails: worseThan(0.1) },
  { name: "fixed 20 %", fails: worseThan(0.2) },
  { name: "github-action-benchmark (200 %)", fails: (input) => ratio(input) > 2 },
  { name: "CodSpeed (10 %)", fails: worseThan(0.1) },
  {
    name: "benchstat (p < 0.05)",
    fails: (input) => ratio(input) > 1 && mannWhitney(input.base.flat(), input.head.flat()) < 0.05,
  },
  {
    name: "asv (1.1, p < 0.002)",
    fails: (input) => ratio(input) > 1.1 && mannWhitney(input.base.flat(), input.head.flat()) < 0.002,
  },
  {
    name: "rustc-perf (Q3 + 3 IQR)",
    fails: (input) => {
      const deltas = historicalDeltas(input);
      if (deltas.length === 0) return false;
      const [q1, q3] = [quantile(deltas, 0.25), quantile(deltas, 0.75)];
      return ratio(input) - 1 > q3 + 3 * (q3 - q1);
    },
  },
];
