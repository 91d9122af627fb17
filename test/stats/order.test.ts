import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/simulator/random.ts";
import { expectedSmallest, smallestVariance } from "../../src/stats/order.ts";

describe("expectedSmallest", () => {
  it("of all is the smallest, of one the mean", () => {
    expect(expectedSmallest([3, 1, 2], 3)).toBe(1);
    expect(expectedSmallest([3, 1, 2], 1)).toBeCloseTo(2, 12);
  });

  it("averages over all pairs", () => {
    // 1,2  1,3  2,3
    expect(expectedSmallest([3, 1, 2], 2)).toBeCloseTo((1 + 1 + 2) / 3, 12);
  });

  it("is what drawing all choices gives", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 1, maxLength: 7 }),
        fc.integer({ min: 1, max: 7 }),
        (values, wanted) => {
          const count = Math.min(wanted, values.length);
          const smallest = choices(values, count).map((choice) => Math.min(...choice));
          const mean = smallest.reduce((sum, value) => sum + value, 0) / smallest.length;
          expect(expectedSmallest(values, count)).toBeCloseTo(mean, 9);
        },
      ),
    );
  });

  it("there must be that many", () => {
    expect(() => expectedSmallest([1], 2)).toThrow(/2 of 1 values/);
    expect(() => expectedSmallest([1], 0)).toThrow(RangeError);
  });
});

function choices(values: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return values.flatMap((value, index) =>
    choices(values.slice(index + 1), count - 1).map((rest) => [value, ...rest]),
  );
}

describe("smallestVariance", () => {
  it.each([
    [1, 4],
    [2, 2],
    [2, 8],
    [3, 3],
    [3, 5],
    [3, 20],
  ] as const)("of %i from %i values is that of normal samples", (count, size) => {
    const random = new Random(count * 100 + size);
    const found = Array.from({ length: 20_000 }, () =>
      expectedSmallest(
        Array.from({ length: size }, () => random.normal()),
        count,
      ),
    );
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    const variance = found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / found.length;
    expect(smallestVariance(count, size) / variance).toBeGreaterThan(0.94);
    expect(smallestVariance(count, size) / variance).toBeLessThan(1.06);
  });
});
