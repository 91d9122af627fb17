import { describe, expect, it } from "vitest";
import { asShare, estimateLoss, fromScale, scaleFor, toScale } from "../../src/compare/estimate.ts";

const sides = {
  metric: "batching.c8.tpot_floor_ms",
  direction: "lower",
  tolerance: { relative: 0.02, absolute: 0 },
  rounds: "best",
  base: [[2, 2.1]],
  head: [[2.2, 2.4]],
} as const;

describe("scaleFor", () => {
  it("ratios where the tolerance is one and values have logarithms", () => {
    expect(scaleFor("lower", { relative: 0.1, absolute: 1 }, [[1, 2]], "a.b_ms").kind).toBe("log");
    expect(scaleFor("lower", { relative: 0, absolute: 1 }, [[0.1, 0.2]], "prefix.1024.c1.saving").kind).toBe(
      "linear",
    );
    // Only an absolute loss is tolerated, but how far sessions spread is known as a share.
    expect(scaleFor("lower", { relative: 0, absolute: 1 }, [[1, 2]], "a.b_ms").kind).toBe("log");
    expect(scaleFor("lower", { relative: 0.1, absolute: 1 }, [[1], [0]], "a.b_ms").kind).toBe("linear");
  });

  it.each([
    ["lower", "log"],
    ["higher", "log"],
    ["lower", "linear"],
    ["higher", "linear"],
  ] as const)("%s is better, %s: worse is larger, and back again", (direction, kind) => {
    const scale = { direction, kind, inPoints: false };
    const [good, bad] = direction === "lower" ? [2, 3] : [3, 2];
    expect(toScale(bad, scale)).toBeGreaterThan(toScale(good, scale));
    expect(fromScale(toScale(2.5, scale), scale)).toBeCloseTo(2.5, 12);
  });
});

describe("estimateLoss", () => {
  it("takes the best round of each session", () => {
    const estimate = estimateLoss(sides);
    expect(estimate.loss).toBeCloseTo(Math.log(1.1), 12);
    expect(asShare(estimate.loss, estimate)).toBeCloseTo(0.1, 12);
  });

  it("of more rounds than the other side has, the best of as many, averaged", () => {
    const { base } = estimateLoss({ ...sides, base: [[2, 2, 2.5]] });
    expect(base[0]).toBeCloseTo(Math.log(2), 12);
    const uneven = estimateLoss({ ...sides, base: [[2, 2.5, 2.5]] });
    expect(uneven.base[0]).toBeCloseTo((2 * Math.log(2) + Math.log(2.5)) / 3, 12);
  });

  it("of a ratio of two measured values the mean of the rounds", () => {
    const saving = estimateLoss({
      ...sides,
      metric: "prefix.1024.c1.saving",
      direction: "higher",
      tolerance: { relative: 0, absolute: 0.05 },
      rounds: "mean",
      base: [[0.3, 0.5]],
      head: [[0.2, 0.2]],
    });
    expect(saving).toMatchObject({ scale: { kind: "linear" }, tolerance: 0.05 });
    expect(saving.loss).toBeCloseTo(0.2, 12);
    expect(asShare(saving.loss, saving)).toBeCloseTo(0.5, 12);
  });

  it("of both bounds of the tolerance the larger counts", () => {
    expect(estimateLoss({ ...sides, tolerance: { relative: 0.02, absolute: 0.2 } }).tolerance).toBeCloseTo(
      Math.log(1.1),
      12,
    );
    expect(estimateLoss({ ...sides, direction: "higher" }).tolerance).toBeCloseTo(-Math.log(0.98), 12);
    expect(
      estimateLoss({ ...sides, direction: "higher", tolerance: { relative: 0.1, absolute: 5 } }).tolerance,
    ).toBe(Number.POSITIVE_INFINITY);
  });

  it("a slow session of either side moves neither the loss nor the spread by much", () => {
    const steady = [[2], [2.002], [2.004], [2.001], [2.003]];
    const slow = [...steady.slice(0, 4), [2.4]];
    const head = [[2.1], [2.102], [2.104]];
    const clean = estimateLoss({ ...sides, base: steady, head });
    const mixed = estimateLoss({ ...sides, base: slow, head });
    expect(mixed.loss).toBeCloseTo(clean.loss, 3);
    expect(mixed.tested.spread.sd).toBeLessThan(0.006);
    expect(estimateLoss({ ...sides, base: steady, head: [...head.slice(0, 2), [2.6]] }).loss).toBeCloseTo(
      clean.loss,
      3,
    );
    // One session of head stands against the median of the base's, two against the best of three.
    const one = estimateLoss({ ...sides, base: slow, head: head.slice(0, 1) });
    expect(one.loss).toBeCloseTo(Math.log(2.1 / 2.002), 12);
    const two = estimateLoss({ ...sides, base: slow, head: head.slice(0, 2) });
    expect(two.loss).toBeCloseTo(Math.log(2.1 / 2), 3);
  });
});
