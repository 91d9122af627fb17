import { describe, expect, it } from "vitest";
import { type JudgeInput, judge } from "../../src/compare/judge.ts";
import { Random } from "../../src/simulator/random.ts";

/** Runs of one metric whose sessions lie 0.3 % apart, one in four of them 20 % slower. */
function shares(baseSessions: number, factor: number, runs: number, seed: number) {
  const random = new Random(seed);
  const draw = () => {
    const value = 2 * Math.exp(0.003 * random.normal()) * (random.next() < 0.25 ? 1.2 : 1);
    return [value, value * 1.001];
  };
  const many = (count: number, times = 1) =>
    Array.from({ length: count }, () => draw().map((value) => value * times));
  const counts = { regressed: 0, inconclusive: 0, pass: 0, improved: 0 };
  for (let run = 0; run < runs; run += 1) {
    const input: JudgeInput = {
      metric: "batching.c8.tpot_floor_ms",
      direction: "lower",
      level: "gate",
      tolerance: { relative: 0.02, absolute: 0 },
      rounds: "best",
      sensitivity: "none",
      base: many(baseSessions),
      head: many(3, factor),
      fresh: many(5),
    };
    counts[judge([input])[0]!.verdict] += 1;
  }
  return counts;
}

describe("where one session in four is slow by itself", () => {
  it.each([5, 10, 20])("unchanged flags are hardly ever blamed: %i baseline sessions", (sessions) => {
    // All three of head are slow in 1.6 % of the runs.
    expect(shares(sessions, 1, 400, 1).regressed).toBeLessThanOrEqual(6);
  });

  it("more baseline sessions find more, and less passes in silence", () => {
    const [few, many] = [shares(5, 1.1, 400, 2), shares(20, 1.1, 400, 2)];
    expect(many.regressed).toBeGreaterThan(few.regressed);
    expect(many.pass).toBeLessThan(few.pass);
    expect(many.pass).toBeLessThan(20);
  });

  it("a loss beyond the slow sessions is found", () => {
    expect(shares(5, 1.4, 200, 3).regressed).toBeGreaterThan(170);
    expect(shares(20, 1.4, 200, 3).regressed).toBeGreaterThan(190);
  });
});
