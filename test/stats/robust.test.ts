import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { farOutFence, theilSenSlope } from "../../src/stats/robust.ts";

const number = fc.integer({ min: -1000, max: 1000 });

describe("theilSenSlope", () => {
  it("is the slope of a line", () => {
    expect(theilSenSlope([0, 2, 4, 6, 8])).toBe(2);
    expect(theilSenSlope([5, 5])).toBe(0);
    expect(theilSenSlope([3, 1])).toBe(-2);
  });

  it("is not moved by one outlier", () => {
    // Slopes in order: −94 −46 2 2 2 2 2 2 50 98.
    expect(theilSenSlope([0, 2, 100, 6, 8])).toBe(2);
  });

  it("needs two values", () => {
    expect(() => theilSenSlope([1])).toThrow(new RangeError("theilSenSlope needs two values, got 1"));
  });

  it("turns its sign when the values are reversed, and ignores what is added to all", () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 2, maxLength: 12 }), number, (values, offset) => {
        const slope = theilSenSlope(values);
        expect(theilSenSlope([...values].reverse())).toBeCloseTo(-slope, 9);
        expect(theilSenSlope(values.map((value) => value + offset))).toBeCloseTo(slope, 9);
      }),
    );
  });
});

describe("farOutFence", () => {
  it("is the third quartile + 3 interquartile ranges", () => {
    // Quartiles 2.75 and 6.25.
    expect(farOutFence([1, 2, 3, 4, 5, 6, 7, 8])).toBe(16.75);
    expect(farOutFence([7, 7, 7, 7])).toBe(7);
  });

  it("leaves its input as it was", () => {
    const values = [3, 1, 2, 9, 4];
    farOutFence(values);
    expect(values).toEqual([3, 1, 2, 9, 4]);
  });
});
