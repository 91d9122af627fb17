import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changePoints } from "../../src/stats/change-points.ts";
import { mulberry32 } from "../../src/stats/random.ts";
import { bestSplit, ranksOf, shuffle } from "../../src/stats/rank-split.ts";

const noisy = (levels: readonly (readonly [count: number, level: number])[], seed: number): number[] => {
  const random = mulberry32(seed);
  return levels.flatMap(([count, level]) =>
    Array.from({ length: count }, () => level * (0.99 + 0.02 * random())),
  );
};

describe("changePoints", () => {
  it("finds a step at its place, with the levels on both sides", () => {
    const [found, ...more] = changePoints(
      noisy(
        [
          [40, 100],
          [30, 105],
        ],
        1,
      ),
    );
    expect(more).toEqual([]);
    expect(found?.index).toBe(40);
    expect(found?.before).toBeCloseTo(100, -0.5);
    expect(found?.after).toBeCloseTo(105, -0.5);
    expect(found?.pValue).toBeLessThanOrEqual(0.005);
  });

  it("finds several steps, up and down", () => {
    const values = noisy(
      [
        [30, 100],
        [25, 120],
        [30, 90],
      ],
      2,
    );
    expect(changePoints(values).map(({ index }) => index)).toEqual([30, 55]);
  });

  it("is not led astray by slow rounds, however slow", () => {
    const values = noisy([[60, 100]], 3);
    for (const at of [7, 8, 31, 50]) values[at] = 1_000;
    expect(changePoints(values)).toEqual([]);
  });

  it("finds nothing in equal values, and in too few", () => {
    expect(changePoints([])).toEqual([]);
    expect(changePoints(Array.from({ length: 50 }, () => 7))).toEqual([]);
    expect(changePoints([1, 1, 1, 2, 2, 2])).toEqual([]);
  });

  it("finds a step of a counted metric, whose values are mostly ties", () => {
    const values = [
      ...Array.from({ length: 20 }, () => 4_600_768),
      ...Array.from({ length: 20 }, () => 4_500_000),
    ];
    expect(changePoints(values).map(({ index, before, after }) => [index, before, after])).toEqual([
      [20, 4_600_768, 4_500_000],
    ]);
  });

  it("passes over changes that are too small to matter, the others stay", () => {
    const values = noisy(
      [
        [30, 100],
        [30, 103],
        [30, 130],
      ],
      4,
    );
    expect(changePoints(values).map(({ index }) => index)).toEqual([30, 60]);
    const [left, ...none] = changePoints(values, { minRelative: 0.1 });
    expect(none).toEqual([]);
    expect(left?.index).toBe(60);
    expect(left?.before).toBeLessThan(103);
  });

  it("keeps its promise on series without a change", () => {
    const random = mulberry32(5);
    const series = Array.from({ length: 400 }, () => Array.from({ length: 60 }, () => random()));
    const withOne = series.filter((values) => changePoints(values, { significance: 0.05 }).length > 0);
    // 20 are expected; 36 or more come in one of 1,000 such tests.
    expect(withOne.length).toBeLessThan(36);
    expect(withOne.length).toBeGreaterThan(4);
  });

  it("gives the same answer in any unit and direction", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 12, maxLength: 60 }),
        fc.integer({ min: 1, max: 50 }),
        (values, scale) => {
          const places = (of: readonly number[]) => changePoints(of).map(({ index }) => index);
          expect(places(values.map((value) => value * scale))).toEqual(places(values));
          expect(places(values.map((value) => 10_000 - value))).toEqual(places(values));
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("bestSplit", () => {
  it("agrees with the definition", () => {
    const random = mulberry32(6);
    const values = ranksOf(Array.from({ length: 24 }, () => random()));
    const mean = (pairs: number[]) => pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
    const statistic = (at: number) => {
      const [left, right] = [[...values.slice(0, at)], [...values.slice(at)]];
      const within = (part: number[]) =>
        mean(part.flatMap((a, i) => part.slice(i + 1).map((b) => Math.abs(a - b))));
      const between = mean(left.flatMap((a) => right.map((b) => Math.abs(a - b))));
      return ((left.length * right.length) / 24) * (2 * between - within(left) - within(right));
    };
    const { at, statistic: best } = bestSplit(values);
    expect(best).toBeCloseTo(statistic(at), 4);
    for (let other = 5; other <= 19; other += 1) expect(statistic(other)).toBeLessThanOrEqual(best + 1e-5);
  });

  it("shuffles without losing a value", () => {
    const values = ranksOf([3, 1, 2, 5, 4]);
    shuffle(values, mulberry32(7));
    expect([...values].sort()).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
  });
});
