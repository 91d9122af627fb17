import { describe, expect, it } from "vitest";
import type { LoadLevel, RequestTimes } from "../../src/domain/operating.ts";
import { findKnee, isInside, kneeOf } from "../../src/measure/knee.ts";

const inside = (load: number, tokensPerS: number) => ({ load, tokensPerS, inside: true });
const times = (e2eMs: number): RequestTimes => ({ ttftMs: 10, e2eMs, gapsMs: [4, 4] });

function level(load: number, rounds: readonly number[], e2eMs = 100): LoadLevel {
  const requests = Array.from({ length: 20 }, () => times(e2eMs));
  return { load, rounds: rounds.map((tokensPerS) => ({ tokensPerS, requests })) };
}

describe("kneeOf", () => {
  it("is the least load within 10 % of the peak", () => {
    const curve = [inside(1, 100), inside(8, 899), inside(16, 900), inside(32, 1000)];
    expect(kneeOf(curve)?.load).toBe(16);
    expect(kneeOf(curve, 0.05)?.load).toBe(32);
  });

  it("takes the peak of all loads, and the knee only of those inside the SLO", () => {
    const curve = [inside(1, 100), inside(8, 850), { load: 16, tokensPerS: 1000, inside: false }];
    expect(kneeOf(curve)).toBeNull();
    expect(
      kneeOf([inside(1, 100), inside(8, 950), { load: 16, tokensPerS: 1000, inside: false }])?.load,
    ).toBe(8);
  });

  it("does not mind a curve that falls after its peak, or levels in any order", () => {
    expect(kneeOf([inside(32, 700), inside(8, 1000), inside(1, 100)])?.load).toBe(8);
  });
});

describe("findKnee", () => {
  const levels = [level(1, [100, 101, 99]), level(8, [950, 960, 955]), level(16, [1000, 1010, 990])];

  it("says where it is, where the peak is, and that it was reached", () => {
    expect(findKnee(levels, null).knee).toEqual({
      ...{ load: 8, tokensPerS: 960, closeLoad: 8, peakTokensPerS: 1010, peakLoad: 16, reached: true },
      plausible: [{ load: 8, share: 1 }],
    });
  });

  it("a throughput that grows to the last level has no knee yet", () => {
    const { knee } = findKnee([level(1, [100, 100]), level(2, [200, 200]), level(4, [400, 400])], null);
    expect(knee).toMatchObject({ load: 4, reached: false });
  });

  it("names the loads that it may lie at, when the rounds decide", () => {
    const { knee } = findKnee(
      [level(1, [100]), level(8, [800, 905, 850]), level(16, [1000, 995, 990])],
      null,
    );
    expect(knee?.plausible.map(({ load }) => load).sort((a, b) => a - b)).toEqual([8, 16]);
    expect(knee?.plausible.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 2);
  });

  it("one slow round moves nothing", () => {
    const slow = [level(1, [100, 100, 70]), level(8, [950, 950, 660]), level(16, [1000, 1000, 990])];
    expect(findKnee(slow, null).knee?.load).toBe(8);
  });

  it("says nothing about its uncertainty after one round", () => {
    expect(findKnee([level(1, [100]), level(8, [950])], null).knee?.plausible).toEqual([]);
  });

  it("tells how often each load is inside the SLO", () => {
    const { knee, insideShare } = findKnee([level(1, [100, 100]), level(8, [950, 950], 700)], {
      e2eP95Ms: 500,
    });
    expect([...insideShare]).toEqual([
      [1, 1],
      [8, 0],
    ]);
    expect(knee).toBeNull();
  });

  it("is the same every time", () => {
    const unsure = [level(1, [100]), level(8, [890, 905, 850]), level(16, [1000, 995, 990])];
    expect(findKnee(unsure, null)).toEqual(findKnee(unsure, null));
  });
});

describe("isInside", () => {
  it.each([
    [{ ttftP95Ms: 10 }, true],
    [{ ttftP95Ms: 9 }, false],
    [{ itlP95Ms: 4 }, true],
    [{ itlP95Ms: 3.9 }, false],
    [{ ttftP95Ms: 10, e2eP95Ms: 99 }, false],
  ])("%j: %s", (slo, expected) => {
    expect(isInside([times(100)], slo)).toBe(expected);
  });

  it("nothing measured is not inside", () => {
    expect(isInside([], { e2eP95Ms: 1000 })).toBe(false);
  });
});
