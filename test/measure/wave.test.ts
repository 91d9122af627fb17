import { describe, expect, it } from "vitest";
import type { CaseData } from "../../src/measure/case-data.ts";
import { waveTokensPerS } from "../../src/measure/wave.ts";
import { trace } from "../support/builders.ts";

/** Requests of 4 tokens that end at these times. */
function caseOf(ends: readonly number[], failed = 0): CaseData {
  const at = (endS: number) => trace({ startS: endS - 1, lastTokenS: endS, endS: endS + 0.1 });
  return {
    probe: "batching",
    case: "c4",
    ok: ends.map(at),
    failed: Array.from({ length: failed }, () => trace({ outcome: "timeout" })),
    records: [],
  };
}

describe("waveTokensPerS", () => {
  it("is the best wave, by its last tokens", () => {
    // Waves of four that end together, at 1, 2, 3.5 and 4.25.
    const ends = [1, 2, 3.5, 4.25].flatMap((endS) => [endS, endS, endS, endS]);
    const found = waveTokensPerS(caseOf(ends), 4);
    expect(found).toMatchObject({ n: 16 });
    expect("value" in found && found.value).toBeCloseTo(16 / 0.75, 9);
  });

  it("a slow wave does not count, a slow case does", () => {
    const value = (ends: number[]) => {
      const found = waveTokensPerS(caseOf(ends), 4);
      return "value" in found ? found.value : Number.NaN;
    };
    const steady = Array.from({ length: 16 }, (_, index) => 1 + index * 0.25);
    const stalled = steady.map((endS, index) => (index < 10 ? endS : endS + 5));
    expect(value(stalled)).toBeCloseTo(value(steady), 9);
    expect(value(steady.map((endS) => endS * 1.1))).toBeCloseTo(value(steady) / 1.1, 9);
  });

  it("of fewer than two waves the whole case", () => {
    const found = waveTokensPerS(caseOf([1, 2, 3, 4, 5, 6, 7]), 4);
    // 28 tokens from 0 to 7.1.
    expect("value" in found && found.value).toBeCloseTo(28 / 7.1, 9);
  });

  it("is absent when a request failed", () => {
    expect(waveTokensPerS(caseOf([1, 2, 3, 4, 5, 6, 7, 8], 1), 4)).toHaveProperty("absent");
  });
});
