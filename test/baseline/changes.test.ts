import { expect, it } from "vitest";
import { baselineChanges } from "../../src/baseline/changes.ts";
import { baseline } from "../support/builders.ts";

const metric = (unit: string, ...sessions: number[][]) => ({ unit, n: 1, spread: 0, sessions });

it("shows each metric before and after, by the median of its rounds", () => {
  const before = baseline({
    metrics: { "a.gone": metric("s", [1]), "b.both": metric("ms", [10, 20], [30, 40]) },
  });
  const after = baseline({ metrics: { "c.new": metric("x", [3, 1, 2]), "b.both": metric("ms", [7]) } });
  expect(baselineChanges(before, after)).toEqual([
    { metric: "a.gone", unit: "s", old: 1, new: null },
    { metric: "b.both", unit: "ms", old: 25, new: 7 },
    { metric: "c.new", unit: "x", old: null, new: 2 },
  ]);
});

it("shows only new values when there was no baseline", () => {
  expect(baselineChanges(null, baseline()).map(({ old }) => old)).toEqual([null]);
});
