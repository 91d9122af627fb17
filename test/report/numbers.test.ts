import { describe, expect, it } from "vitest";
import { formatChange, formatNumber, formatTolerance, formatValue } from "../../src/report/numbers.ts";

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
