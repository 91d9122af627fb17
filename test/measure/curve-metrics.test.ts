import { describe, expect, it } from "vitest";
import type { Slo } from "../../src/domain/operating.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { caseRecord, measuredRun, session, trace } from "../support/builders.ts";

/** A round of a sweep: at each level, requests that end one after another so that it has that many tokens per second. */
function sweep(tokensPerS: Readonly<Record<number, number>>, more: { slo?: Slo; failing?: number } = {}) {
  const levels = Object.entries(tokensPerS);
  const traces = levels.flatMap(([load, rate]) =>
    [0, 1].map((index) => {
      const endS = 10 + ((index + 1) * 4) / rate;
      const failed = more.failing === Number(load) && index === 0;
      return trace({
        ...{ case: `c${load}`, id: `batching.c${load}.${index}`, endS, firstTokenS: endS, lastTokenS: endS },
        arrivals: [[endS, 4]],
        ...(failed ? { outcome: "http_error" as const } : {}),
      });
    }),
  );
  const cases = levels.map(([load]) => caseRecord({ case: `c${load}`, concurrency: Number(load) }));
  const run: RunRecord = { ...measuredRun().run, sessions: [session({ cases })] };
  const { measurements, absent } = measureRun(
    more.slo === undefined ? run : { ...run, slo: more.slo },
    traces,
  );
  const read = (metric: string) => measurements.find((each) => each.metric === metric)?.value;
  return { read, absent };
}

describe("metrics of a whole sweep", () => {
  it("knee, peak and the curve's mean", () => {
    const { read } = sweep({ 1: 100, 2: 200, 4: 390, 8: 400 });
    expect(read("batching.knee")).toBe(4);
    expect(read("batching.peak_tokens_per_s")).toBeCloseTo(400, 6);
    expect(read("batching.curve_tokens_per_s")).toBeCloseTo((100 * 200 * 390 * 400) ** 0.25, 6);
  });

  it("a knee that moved is seen although the ends of the sweep are as they were", () => {
    expect(sweep({ 1: 100, 4: 390, 8: 400 }).read("batching.knee")).toBe(4);
    expect(sweep({ 1: 100, 4: 340, 8: 400 }).read("batching.knee")).toBe(8);
  });

  it("a loss of 4 % at every level, within each level's own tolerance, is beyond the curve's", () => {
    const base = sweep({ 1: 100, 2: 190, 8: 400 }).read("batching.curve_tokens_per_s")!;
    const head = sweep({ 1: 96, 2: 182.4, 8: 384 }).read("batching.curve_tokens_per_s")!;
    expect(1 - head / base).toBeCloseTo(0.04, 6);
  });

  it("the knee is inside the SLO", () => {
    // The second request of a level ends 8 tokens after the first was sent.
    const slo = { e2eP95Ms: 25 };
    expect(sweep({ 1: 100, 2: 200, 4: 390, 8: 400 }, { slo }).read("batching.knee")).toBe(4);
    const { read, absent } = sweep({ 1: 100, 2: 200, 4: 390, 8: 400 }, { slo: { e2eP95Ms: 1 } });
    expect(read("batching.knee")).toBeUndefined();
    expect(absent.find(({ metric }) => metric === "batching.knee")?.reason).toContain("inside the `slo`");
  });

  it("two levels have no knee, and a level that failed leaves no curve", () => {
    expect(sweep({ 1: 100, 8: 400 }).read("batching.knee")).toBeUndefined();
    expect(sweep({ 1: 100, 8: 400 }).read("batching.curve_tokens_per_s")).toBeCloseTo(200, 6);
    const { read, absent } = sweep({ 1: 100, 4: 390, 8: 400 }, { failing: 4 });
    expect(read("batching.curve_tokens_per_s")).toBeUndefined();
    expect(absent.find(({ metric }) => metric === "batching.curve_tokens_per_s")?.reason).toContain(
      "batching.c4",
    );
  });
});
