import { describe, expect, it } from "vitest";
import { groupTraces } from "../../src/measure/case-data.ts";
import { summarizeTtft } from "../../src/measure/ttft-summary.ts";
import { session, timedTrace } from "../support/builders.ts";

/** The summary of a session by the TTFTs of its requests, in milliseconds; two tokens each, 10 ms apart. */
function summaryOf(coldMs: number | null, warmMs: readonly number[]) {
  const request = (name: string) => (ttftMs: number) =>
    timedTrace(
      { startS: 0, ttftMs, tpotMs: 10, tokens: 2 },
      { probe: "ttft", case: name, promptTokens: 256 },
    );
  const traces = [...(coldMs === null ? [] : [coldMs]).map(request("cold")), ...warmMs.map(request("warm"))];
  const [data] = groupTraces([session()], traces);
  return summarizeTtft(data!);
}

const steady = [10, 10.2, 9.9, 10.1, 10];

describe("summarizeTtft", () => {
  it("shows the cold request beside the warm ones", () => {
    const summary = summaryOf(35, steady);
    expect(summary?.cold).toMatchObject({
      ttftS: expect.closeTo(0.035, 9),
      e2eS: expect.closeTo(0.045, 9),
      tokens: 258,
      notes: "first request after the start",
    });
    expect(summary?.warm.map(({ ttftS }) => Math.round(ttftS * 1e4) / 10)).toEqual(steady);
    expect(summary?.coldWarmRatio).toBeCloseTo(3.5, 9);
  });

  it("is null without any ttft request", () => {
    expect(summaryOf(null, [])).toBeNull();
  });

  it("knows the figures of the warm runs", () => {
    const stats = summaryOf(null, [10, 11, 12, 13, 14])?.warmStats;
    expect(stats?.minS).toBeCloseTo(0.01, 9);
    expect(stats?.meanS).toBeCloseTo(0.012, 9);
    expect(stats?.medianS).toBeCloseTo(0.012, 9);
    expect(stats?.maxS).toBeCloseTo(0.014, 9);
    expect(stats?.p95S).toBeNull();
    expect(stats?.band).toBeCloseTo(4 / 12, 9);
    expect(stats?.trend).toBeCloseTo(4 / 12, 9);
    expect(stats?.outliers).toBe(0);
    const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(summaryOf(null, twenty)?.warmStats?.p95S).toBeCloseTo(0.01905, 9);
  });

  it.each([
    [
      10.5,
      "Cold is 1.1× warm (10.5 ms against 10.0 ms): about equal. Warm requests pay what only the first should; look for a systemic fault of runtime or configuration.",
    ],
    [
      15,
      "Cold is 1.5× warm (15.0 ms against 10.0 ms): a small gap. The server did most of its one-time work before it was ready.",
    ],
    [35, "Cold is 3.5× warm (35.0 ms against 10.0 ms): 2–5× is normal."],
    [
      212,
      "Cold is 21.2× warm (212 ms against 10.0 ms): more than the usual 2–5×. The first request waits for one-time work (kernels compiled on demand, first allocations); send one request before taking traffic.",
    ],
  ])("a cold request of %s ms against 10 ms", (coldMs, said) => {
    expect(summaryOf(coldMs, steady)?.observations[0]).toBe(said);
  });

  it("says whether warm requests are steady", () => {
    expect(summaryOf(null, steady)?.observations).toEqual([
      "Warm TTFT lies between 9.90 ms and 10.2 ms, a band of 3 % of its median: steady; treat 10.0 ms as the steady-state TTFT.",
    ]);
    expect(summaryOf(null, [10, 15, 10, 15, 10])?.observations).toEqual([
      "Warm TTFT lies between 10.0 ms and 15.0 ms, a band of 50 % of its median: not steady; something else used the machine, or the server's own work varies.",
    ]);
  });

  it("says which way it drifts", () => {
    expect(summaryOf(null, [10, 11, 12, 13, 14])?.observations).toContain(
      "Warm TTFT rises by 33 % over the session: it drifts, it is not only noise.",
    );
    expect(summaryOf(null, [14, 13, 12, 11, 10])?.observations).toContain(
      "Warm TTFT falls by 33 % over the session: it drifts, it is not only noise.",
    );
  });

  it("counts outliers and marks them", () => {
    const summary = summaryOf(null, [10, 10.1, 9.9, 30, 10, 10.2]);
    expect(summary?.warm.map(({ notes }) => notes)).toEqual(["", "", "", "outlier", "", ""]);
    expect(summary?.observations[0]).toBe(
      "Warm TTFT, outliers apart, lies between 9.90 ms and 10.2 ms, a band of 3 % of its median: steady; treat 10.1 ms as the steady-state TTFT.",
    );
    expect(summary?.observations.at(-1)).toBe(
      "1 of 6 warm runs is an outlier (above the third quartile + 3 interquartile ranges).",
    );
    const two = summaryOf(null, [10, 10.1, 9.9, 30, 10, 10.2, 10, 10, 31]);
    expect(two?.observations.at(-1)).toBe(
      "2 of 9 warm runs are outliers (above the third quartile + 3 interquartile ranges).",
    );
  });

  it("says nothing about warm requests that one alone cannot show", () => {
    expect(summaryOf(35, [10])).toMatchObject({ warmStats: null, coldWarmRatio: null, observations: [] });
  });
});
