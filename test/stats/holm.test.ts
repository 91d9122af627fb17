import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holmAdjusted, holmLevels } from "../../src/stats/holm.ts";

const pValues = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 });

describe("holmAdjusted", () => {
  it("Holm's own procedure: the smallest times all, the next times one fewer", () => {
    const adjusted = holmAdjusted([0.01, 0.04, 0.03]);
    [0.03, 0.06, 0.06].forEach((value, index) => {
      expect(adjusted[index]).toBeCloseTo(value, 12);
    });
    expect(holmAdjusted([])).toEqual([]);
  });

  it("never makes a value smaller and keeps the order", () => {
    fc.assert(
      fc.property(pValues, (values) => {
        const adjusted = holmAdjusted(values);
        values.forEach((value, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(value - 1e-12);
          values.forEach((other, j) => {
            if (value < other) expect(adjusted[i]!).toBeLessThanOrEqual(adjusted[j]! + 1e-12);
          });
        });
      }),
    );
  });
});

describe("holmLevels", () => {
  it("the smallest is tested at alpha / m, the largest at alpha", () => {
    expect(holmLevels([0.2, 0.01, 0.5], 0.06)).toEqual([0.03, 0.02, 0.06]);
  });

  it("rejects what the adjusted values reject", () => {
    fc.assert(
      fc.property(pValues, (values) => {
        const adjusted = holmAdjusted(values);
        const levels = holmLevels(values, 0.05);
        const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
        let open = true;
        for (const index of order) {
          open = open && values[index]! <= levels[index]!;
          if (Math.abs(adjusted[index]! - 0.05) > 1e-9) expect(adjusted[index]! <= 0.05).toBe(open);
        }
      }),
    );
  });
});
