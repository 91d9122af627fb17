import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { moderatedContrast, squaresAround, standardDeviationOf } from "../../src/stats/moderated.ts";

const group = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 6 });
const PRIOR = { sd: 0.1, degreesOfFreedom: 4 };

describe("moderatedContrast", () => {
  it("pools both groups and the prior, each by its degrees of freedom", () => {
    const { difference, spread, standardError } = moderatedContrast([1, 3], [4, 5, 6], { ...PRIOR, sd: 1 });
    expect(difference).toBe(3);
    // (4 × 1 + 2 + 2) / (4 + 1 + 2)
    expect(spread).toEqual({ sd: Math.sqrt(8 / 7), degreesOfFreedom: 7 });
    expect(standardError).toBeCloseTo(Math.sqrt((8 / 7) * (1 / 2 + 1 / 3)), 12);
  });

  it("a prior that the groups contradict counts the less", () => {
    const { spread } = moderatedContrast([1, 3], [4, 5, 6], PRIOR);
    // Their variance is 4/3, 133 times the prior's: of its 4 degrees of freedom 4 × 4/133 count.
    const worth = (4 * 4) / (4 / 3 / 0.01);
    expect(spread.degreesOfFreedom).toBeCloseTo(3 + worth, 12);
    expect(spread.sd).toBeCloseTo(Math.sqrt((4 + worth * 0.01) / (3 + worth)), 12);
  });

  it("of one member each, the prior alone says how far they spread", () => {
    expect(moderatedContrast([1], [2], PRIOR)).toEqual({
      difference: 1,
      spread: PRIOR,
      standardError: 0.1 * Math.SQRT2,
    });
  });

  it("does not care for order or place, and turns its sign with the sides", () => {
    fc.assert(
      fc.property(group, group, fc.double({ min: -3, max: 3, noNaN: true }), (a, b, by) => {
        const found = moderatedContrast(a, b, PRIOR);
        const moved = moderatedContrast(
          a.toReversed().map((value) => value + by),
          b.map((value) => value + by),
          PRIOR,
        );
        expect(moved.difference).toBeCloseTo(found.difference, 9);
        expect(moved.standardError).toBeCloseTo(found.standardError, 9);
        const turned = moderatedContrast(b, a, PRIOR);
        expect(turned.difference).toBeCloseTo(-found.difference, 9);
        expect(turned.standardError).toBeCloseTo(found.standardError, 9);
      }),
    );
  });
});

it("squares and deviation", () => {
  expect(squaresAround([1, 2, 3])).toBe(2);
  expect(standardDeviationOf([1, 2, 3])).toBe(1);
});
