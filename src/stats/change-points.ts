import { median } from "simple-statistics";
import NULL_SPLITS from "./null-splits.json" with { type: "json" };
import { mulberry32 } from "./random.ts";
import { bestSplit, MIN_SEGMENT, ranksOf, shuffle } from "./rank-split.ts";

/** A place where a series changed for good. */
export interface ChangePoint {
  /** The first point of the new level. */
  readonly index: number;
  /** Chance of a split at least as clear in points of no order: a permutation p-value. */
  readonly pValue: number;
  /** Median from the change before (or the start) to this one. */
  readonly before: number;
  /** Median from this change to the next (or the end). */
  readonly after: number;
}

export interface ChangePointOptions {
  /** Largest p-value of a change. For a series without any, this is the chance of finding one. */
  readonly significance: number;
  /** Changes of the level by a smaller share than this are passed over. */
  readonly minRelative: number;
}

export const DEFAULT_CHANGE_POINTS: ChangePointOptions = {
  significance: 0.005,
  minRelative: 0,
};

/**
 * Change points of a series by E-divisive: Matteson and James, "A Nonparametric Approach for Multiple Change Point
 * Analysis of Multivariate Data" (JASA 2014, doi:10.1080/01621459.2013.849605). A segment is split where the energy
 * distance of its two parts is largest, as long as a permutation test finds that significant.
 *
 * It deviates from the paper in three points. (1) Values are replaced by their ranks within the segment: a slow round
 * is an outlier, not a level, and may be as large as it likes. (2) Of ranks the permutation distribution depends on
 * their number alone, so that it is looked up (`null-splits.json`, made by `scripts/make-null-splits.ts` from 20,000
 * permutations each) in place of being drawn; where more than a tenth of the values are ties, it is drawn.
 * (3) The right part of a split always reaches to the end of the segment, where the paper also searches its end; the
 * splits that follow find what is left. The segment that is to be split is tested by itself.
 *
 * @param values - in order of time, finite
 * @returns changes in order of time
 */
export function changePoints(
  values: readonly number[],
  options: Partial<ChangePointOptions> = {},
): ChangePoint[] {
  const { significance, minRelative } = { ...DEFAULT_CHANGE_POINTS, ...options };
  const found: { index: number; pValue: number }[] = [];
  const split = (from: number, to: number): void => {
    if (to - from < 2 * MIN_SEGMENT) return;
    const ranks = ranksOf(values.slice(from, to));
    const best = bestSplit(ranks);
    const pValue =
      tiesIn(ranks) > MAX_TIES ? drawnPValue(ranks, best.statistic) : tablePValue(best.statistic, to - from);
    if (pValue > significance) return;
    found.push({ index: from + best.at, pValue });
    split(from, from + best.at);
    split(from + best.at, to);
  };
  split(0, values.length);
  return withLevels(
    values,
    found.sort((a, b) => a.index - b.index),
    minRelative,
  );
}

/** Share of values that equal another one, from which on the table of distinct ranks does not hold. */
const MAX_TIES = 0.1;
const DRAWN = 1_999;

function tiesIn(ranks: Float64Array): number {
  return 1 - new Set(ranks).size / ranks.length;
}

/** Share of permutations that have a split as good. */
function drawnPValue(ranks: Float64Array, observed: number): number {
  const random = mulberry32(ranks.length);
  const shuffled = Float64Array.from(ranks);
  let asGood = 0;
  for (let drawn = 0; drawn < DRAWN; drawn += 1) {
    shuffle(shuffled, random);
    if (bestSplit(shuffled).statistic >= observed) asGood += 1;
  }
  return (asGood + 1) / (DRAWN + 1);
}

/** An upper bound of the p-value of a split of so many distinct ranks: the table's next smaller number of them. */
function tablePValue(statistic: number, n: number): number {
  const { levels, rows } = NULL_SPLITS;
  const row = rows.findLast((each) => each.n <= n) ?? rows[0];
  const next = rows.find((each) => each.n >= n) ?? row;
  let pValue = 1;
  for (const [at, level] of levels.entries()) {
    // Critical values rise with n: the larger of the two neighbours is on the safe side.
    const critical = next?.critical[at] ?? row?.critical[at];
    if (typeof critical !== "number" || statistic < critical) break;
    pValue = level;
  }
  return pValue;
}

/** Levels on both sides of each change; changes that are too small are dropped, the smallest first. */
function withLevels(
  values: readonly number[],
  found: readonly { index: number; pValue: number }[],
  minRelative: number,
): ChangePoint[] {
  const level = (at: number, kept: typeof found) =>
    median(values.slice(kept[at - 1]?.index ?? 0, kept[at]?.index ?? values.length));
  const kept = [...found];
  for (;;) {
    const points = kept.map((each, at) => ({
      ...each,
      before: level(at, kept),
      after: level(at + 1, kept),
    }));
    const sizes = points.map(({ before, after }) =>
      before === 0 ? Number.POSITIVE_INFINITY : Math.abs(after / before - 1),
    );
    const smallest = sizes.indexOf(Math.min(...sizes));
    if (smallest < 0 || (sizes[smallest] as number) >= minRelative) return points;
    kept.splice(smallest, 1);
  }
}
