import { describe, expect, it } from "vitest";
import { exceedanceProbability, mostExceeding } from "../../src/stats/exceedance.ts";

/** All orders of n earlier and m later values: how often no more than k earlier ones lie beyond the best later one. */
function counted(n: number, m: number, k: number): number {
  let [all, few] = [0, 0];
  for (let order = 0; order < 2 ** (n + m); order += 1) {
    const isLater = Array.from({ length: n + m }, (_, place) => ((order >> place) & 1) === 1);
    if (isLater.filter(Boolean).length !== m) continue;
    all += 1;
    const best = isLater.indexOf(true);
    if (isLater.slice(best).filter((later) => !later).length <= k) few += 1;
  }
  return few / all;
}

describe("exceedanceProbability", () => {
  it.each([
    [5, 3, 0],
    [5, 3, 2],
    [8, 3, 1],
    [3, 3, 0],
    [4, 1, 3],
  ])("is that of all orders: %i earlier, %i later, %i exceeding", (n, m, k) => {
    expect(exceedanceProbability(n, m, k)).toBeCloseTo(counted(n, m, k), 12);
  });

  it("complete separation of 5 and 3 happens once in 56 times, all of them always", () => {
    expect(exceedanceProbability(5, 3, 0)).toBeCloseTo(1 / 56, 12);
    expect(exceedanceProbability(5, 3, 5)).toBe(1);
  });
});

it("more earlier values may exceed the more there are", () => {
  expect([4, 5, 10, 15, 25].map((n) => mostExceeding(n, 3, 0.02))).toEqual([-1, 0, 1, 2, 5]);
  expect(mostExceeding(3, 3, 1)).toBe(3);
});
