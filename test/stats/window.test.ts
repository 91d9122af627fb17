import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestWindow } from "../../src/stats/window.ts";

describe("bestWindow", () => {
  it("is the fastest stretch", () => {
    // Completions at 1, 2, 3, 3.5, 4, 6: the fastest two come after that at 3.
    expect(bestWindow([1, 2, 3, 3.5, 4, 6], [10, 10, 10, 10, 10, 10], 2)).toBe(20);
    expect(bestWindow([4, 3.5, 1, 6, 3, 2], [10, 10, 10, 10, 10, 10], 2)).toBe(20);
  });

  it("counts what each carries, not the one that it starts after", () => {
    expect(bestWindow([0, 1, 2], [100, 3, 5], 2)).toBe(4);
  });

  it("is never slower than the whole", () => {
    const ends = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 3, maxLength: 30 });
    fc.assert(
      fc.property(ends, fc.integer({ min: 1, max: 10 }), (times, length) => {
        const amounts = times.map(() => 1);
        const window = Math.min(length, times.length - 1);
        const whole = (times.length - 1) / (Math.max(...times) - Math.min(...times));
        if ((times.length - 1) % window === 0) {
          expect(bestWindow(times, amounts, window)).toBeGreaterThanOrEqual(whole - 1e-12);
        }
      }),
    );
  });

  it("a stretch is shorter than the series", () => {
    expect(() => bestWindow([1, 2], [1, 1], 2)).toThrow(/2 of 2/);
    expect(() => bestWindow([1, 2], [1, 1], 0)).toThrow(RangeError);
  });
});
