import { describe, expect, it } from "vitest";
import type { LoadRow } from "../../src/domain/batching-study.ts";
import { batchingTables } from "../../src/measure/batching-study.ts";
import { groupTraces } from "../../src/measure/case-data.ts";
import { safeRate } from "../../src/measure/operating.ts";
import { rulesOfThumb } from "../../src/report/batching-rules.ts";
import { kneeText } from "../../src/report/batching-words.ts";
import { caseRecord, session, timedTrace } from "../support/builders.ts";

/** A sweep in which a request at each level takes as long as that gives the level its tokens per second. */
function sweep(
  tokensPerS: Readonly<Record<number, number>>,
  more: { failing?: readonly number[]; rounds?: number } = {},
) {
  const { failing = [], rounds = 2 } = more;
  const loads = Object.keys(tokensPerS).map(Number);
  const cases = loads.flatMap((load) =>
    Array.from({ length: rounds }, (_, round) =>
      caseRecord({ round, case: `c${load}`, concurrency: load, startS: 0, endS: 1000 }),
    ),
  );
  const traces = cases.flatMap(({ round, case: name, concurrency }) => {
    const takesS = (10 * concurrency) / (tokensPerS[concurrency] as number);
    return Array.from({ length: 6 * concurrency }, (_, index) =>
      timedTrace(
        {
          startS: Math.floor(index / concurrency) * takesS,
          ttftMs: takesS * 100,
          tpotMs: takesS * 100,
          tokens: 10,
        },
        {
          ...{ round, case: name, id: `${name}.${index}` },
          ...(failing.includes(concurrency) && round === 0 && index === 0
            ? { outcome: "http_error" as const, error: "HTTP 500: boom" }
            : {}),
        },
      ),
    );
  });
  const sessions = groupTraces([session({ cases })], traces);
  return batchingTables(sessions, { concurrency: loads, rates: [], benchmarkConcurrency: 8, slo: null });
}

const SETTING = { machine: "an H200", model: "a model", promptTokens: 200, outputTokens: 10 };

describe("a level whose requests failed", () => {
  it("is no knee, peak, sweet spot or safe point, however fast the others were", () => {
    const whole = sweep({ 1: 100, 2: 200, 4: 390, 8: 400 });
    expect(whole.advice.knee).toMatchObject({ load: 4, peakLoad: 8, reached: true });
    const { advice, sweep: rows } = sweep({ 1: 100, 2: 200, 4: 390, 8: 400 }, { failing: [4] });
    expect(advice.knee).toMatchObject({ load: 8, reached: false });
    const points = [advice.latencyMinded, advice.throughputMinded, advice.safe];
    expect(points.map((point) => point?.load)).not.toContain(4);
    expect(advice.sweetSpot).not.toContain(4);
    expect(advice.why[0]).toBe(
      "At 4 in flight 1 of 48 requests failed: that level is no knee, sweet spot or safe point, and the peak is that of the others.",
    );
    expect(rows.find(({ load }) => load === 4)?.notes[0]).toBe("1 of 48 requests failed: HTTP 500: boom");
  });

  it("at the top says that the knee was not reached, and why not to go further", () => {
    const tables = sweep({ 1: 100, 2: 200, 4: 390, 8: 400 }, { failing: [8] });
    expect(tables.advice.knee).toMatchObject({ load: 4, peakLoad: 4, reached: false });
    expect(kneeText(tables.advice.knee!)).toContain("they were the most that was measured whole");
    expect(rulesOfThumb(tables, SETTING).join(" ")).toContain(
      "The knee was not reached: throughput still grew at 4 requests in flight (390 tok/s), and at 8 requests failed.",
    );
  });

  it("says of a single level that was whole neither knee nor sweet spot", () => {
    expect(sweep({ 4: 390 }).advice).toMatchObject({ knee: null, sweetSpot: null, safe: { load: 4 } });
  });

  it("at every load leaves nothing to advise", () => {
    const { advice } = sweep({ 1: 100, 2: 200, 4: 390 }, { failing: [1, 2, 4] });
    expect(advice).toMatchObject({ knee: null, sweetSpot: null, safe: null, latencyMinded: null });
    expect(advice.why.at(-1)).toBe("No level of load was measured whole.");
  });
});

describe("an open loop", () => {
  /** Rounds whose requests end after so many seconds in all. */
  function rates(secondsOfRounds: readonly number[]): LoadRow {
    const cases = secondsOfRounds.map((_, round) => caseRecord({ round, case: "rate10", concurrency: 64 }));
    const traces = secondsOfRounds.flatMap((seconds, round) =>
      Array.from({ length: 40 }, (_, index) => {
        const startS = (seconds - 0.2) * (index / 39);
        return timedTrace(
          { startS, ttftMs: 20, tpotMs: 20, tokens: 10 },
          { round, case: "rate10", id: `r${index}`, plannedS: startS },
        );
      }),
    );
    const sessions = groupTraces([session({ cases })], traces);
    const grid = { concurrency: [], rates: [10], benchmarkConcurrency: 8, slo: { e2eP95Ms: 1000 } };
    return batchingTables(sessions, grid).rates[0]!;
  }

  it("keeps the SLO up to the first rate that did not", () => {
    const row = rates([4, 5, 8]);
    const at = (load: number, p95E2eS: number | null, failed = 0) => ({ ...row, load, p95E2eS, failed });
    const slo = { e2eP95Ms: 300 };
    expect(safeRate([at(20, 0.31), at(5, 0.1), at(10, 0.3)], slo)).toBe(10);
    expect(safeRate([at(5, 0.1), at(10, 0.4), at(20, 0.2)], slo)).toBe(5);
    expect(safeRate([at(5, 0.1), at(10, 0.1, 1)], slo)).toBe(5);
    expect(safeRate([at(5, null)], slo)).toBeNull();
    expect(safeRate([at(5, 0.1)], null)).toBeNull();
  });

  it("has the median of its rounds as its rate, and their range", () => {
    const row = rates([4, 5, 8]);
    expect(row.qps).toBeCloseTo(8, 1);
    expect(row.qpsLeast).toBeCloseTo(5, 1);
    expect(row.qpsMost).toBeCloseTo(10, 1);
    expect(row.tokS).toBeCloseTo(80, 0);
    expect(row.tokSLeast).toBeCloseTo(50, 0);
    expect(row.tokSMost).toBeCloseTo(100, 0);
    expect(row.goodputRps).toBeCloseTo(8, 1);
  });
});
