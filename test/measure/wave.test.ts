import { describe, expect, it } from "vitest";
import type { CaseData } from "../../src/measure/case-data.ts";
import { waveTokensPerS } from "../../src/measure/wave.ts";
import { trace } from "../support/builders.ts";

/** Requests of 4 tokens from a start to an end. */
function caseOf(spans: readonly (readonly [startS: number, endS: number])[], failed = 0): CaseData {
  return {
    probe: "batching",
    case: "c4",
    ok: spans.map(([startS, endS]) => trace({ startS, lastTokenS: endS, endS: endS + 0.1 })),
    failed: Array.from({ length: failed }, () => trace({ outcome: "timeout" })),
    records: [],
  };
}
/** Requests that start a second before these ends. */
const endingAt = (ends: readonly number[]) => ends.map((endS) => [endS - 1, endS] as const);
/** Waves of four that start and end together. */
const waves = (lengths: readonly number[]) =>
  lengths.flatMap((length, index) => {
    const startS = lengths.slice(0, index).reduce((sum, each) => sum + each, 0);
    return Array.from({ length: 4 }, () => [startS, startS + length] as const);
  });
function rateOf(data: CaseData): number {
  const found = waveTokensPerS(data, 4);
  return "value" in found ? found.value : Number.NaN;
}

describe("waveTokensPerS", () => {
  it("is the best wave, by its last tokens", () => {
    expect(waveTokensPerS(caseOf(waves([1, 1.5, 0.75, 0.75])), 4)).toMatchObject({ n: 16 });
    expect(rateOf(caseOf(waves([1, 1.5, 0.75, 0.75])))).toBeCloseTo(16 / 0.75, 9);
  });

  it("a slow wave does not count, a slow case does", () => {
    expect(rateOf(caseOf(waves([1, 5, 1, 1])))).toBeCloseTo(16, 9);
    expect(rateOf(caseOf(waves([1.1, 1.1, 1.1, 1.1])))).toBeCloseTo(16 / 1.1, 9);
  });

  it("of fewer than two waves the whole case", () => {
    const found = waveTokensPerS(caseOf(endingAt([1, 2, 3, 4, 5, 6, 7])), 4);
    // 28 tokens from 0 to 7.1.
    expect("value" in found && found.value).toBeCloseTo(28 / 7.1, 9);
  });

  it("is absent when a request failed", () => {
    expect(waveTokensPerS(caseOf(endingAt([1, 2, 3, 4, 5, 6, 7, 8]), 1), 4)).toHaveProperty("absent");
  });
});
