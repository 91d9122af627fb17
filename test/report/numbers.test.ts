import { describe, expect, it } from "vitest";
import {
  formatChange,
  formatDetectable,
  formatEffect,
  formatNumber,
  formatPair,
  formatTolerance,
  formatValue,
} from "../../src/report/numbers.ts";

describe("numbers", () => {
  it.each([
    [0, "0"],
    [16, "16"],
    [2.0712345, "2.071"],
    [122.67, "122.7"],
    [3096.6, "3,097"],
    [1000, "1,000"],
    [4_593_872, "4,593,872"],
    [-1234.6, "-1,235"],
    [0.00012, "0.00012"],
    [0.0000123, "1.2e-5"],
  ])("%d is %s", (value, text) => expect(formatNumber(value)).toBe(text));

  it("values carry their unit; shares are percent, ratios times", () => {
    expect(formatValue(2.0712, "ms")).toBe("2.071 ms");
    expect(formatValue(0.0323, "share")).toBe("3.23 %");
    expect(formatValue(1, "share")).toBe("100 %");
    expect(formatValue(14.28, "x")).toBe("14.28×");
    expect(formatValue(3, "")).toBe("3");
    expect(formatValue(null, "ms")).toBe("–");
  });
});

describe("changes", () => {
  it.each([
    [100, 116, "ms", "+16 %"],
    [100, 95.9, "ms", "−4.1 %"],
    [100, 90, "ms", "−10 %"],
    [100, 100.01, "ms", "≈ 0 %"],
    [100, 100, "ms", "0 %"],
    [0, 3, "requests", "from 0"],
    [0, 0, "requests", "0 %"],
    [-2, -1, "ms", "+50 %"],
    [0.9, 0.7, "share", "−20.0 points"],
    [0, 0.032, "share", "+3.2 points"],
    [0.5, 0.5, "share", "0 points"],
    [-0.1, 0.2, "share", "+30.0 points"],
    [null, 1, "ms", "–"],
    [1, null, "ms", "–"],
  ])("%s → %s %s: %s", (base, head, unit, text) => expect(formatChange(base, head, unit)).toBe(text));
});

describe("tolerances", () => {
  it.each([
    [0.02, 0.02, "ms", "2 % and 0.02 ms"],
    [0.055, 0, "tokens", "5.5 %"],
    [0, 0.2, "share", "20 points"],
    [0.5, 1, "x", "50 % and 1×"],
    [0, 0, "share", "none"],
  ])("%d and %d %s: %s", (relative, absolute, unit, text) =>
    expect(formatTolerance(relative, absolute, unit)).toBe(text),
  );
});

describe("both sides of a comparison", () => {
  const compared = (base: number, head: number, interval: [number, number] | null, more = {}) => ({
    base,
    head,
    unit: "ms",
    direction: "lower" as const,
    interval,
    ...more,
  });

  it.each([
    // The example of the design: an uncertainty of half a millisecond.
    [10.412, 12.083, [0.12, 0.21], "10.4 → 12.1 ms", "+16 % [+12, +21]"],
    [2.0886, 2.753, [0.3154, 0.3208], "2.089 → 2.753 ms", "+31.8 % [+31.5, +32.1]"],
    [145.88, 146.9, [-0.2, 0.21], "146 → 147 ms", "≈ +1 % [−20, +21]"],
    [1180.4, 910.87, [-0.26, -0.2], "1,180 → 911 ms", "−23 % [−26, −20]"],
    [2.89, 2.89, [0, 0], "2.89 ms", "0 %"],
    [0, 3, null, "0 → 3 ms", "from 0"],
    [1, 40, [30, 50], "1 → 40 ms", "+3900 % [+3000, +5000]"],
  ] as const)("%d and %d, %j: %s, %s", (base, head, interval, pair, effect) => {
    const each = compared(base, head, interval === null ? null : [interval[0], interval[1]]);
    expect(formatPair(each)).toBe(pair);
    expect(formatEffect(each)).toBe(effect);
  });

  it("says a change as it is seen: where higher is better a loss is less", () => {
    const each = compared(3096.6, 2416.9, [0.2, 0.24], { direction: "higher", unit: "tokens/s" });
    expect(formatEffect(each)).toBe("−22 % [−24, −20]");
  });

  it("changes shares in points", () => {
    const each = compared(0.5, 0.4, [0.15, 0.25], { direction: "higher", unit: "share" });
    expect(formatPair(each)).toBe("50.0 → 40.0 %");
    expect(formatEffect(each)).toBe("−10 points [−13, −8]");
  });

  it("rounds what could be seen up", () => {
    const seen = (detectable: number | null, unit = "ms") =>
      formatDetectable({ base: 0.5, unit, detectable });
    expect([seen(0.0211), seen(0.02), seen(0.5), seen(null), seen(0.1, "share"), seen(980_000)]).toEqual([
      "≥ 2.2 %",
      "≥ 2 %",
      "≥ 50 %",
      "–",
      "≥ 5 points",
      "> 1,000 %",
    ]);
  });
});
