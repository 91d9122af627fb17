import { expect, it } from "vitest";
import { baselineChanges, sessionChanges } from "../../src/baseline/changes.ts";
import { baseline } from "../support/builders.ts";

const metric = (unit: string, ...sessions: number[][]) => ({ unit, n: 1, spread: 0, sessions });

it("shows each metric before and after, by the median of its rounds", () => {
  const before = baseline({
    metrics: { "a.gone": metric("s", [1]), "b.both": metric("ms", [10, 20], [30, 40]) },
  });
  const after = baseline({ metrics: { "c.new": metric("x", [3, 1, 2]), "b.both": metric("ms", [7]) } });
  expect(baselineChanges(before, after)).toEqual([
    { metric: "a.gone", unit: "s", old: 1, new: null, kept: false },
    { metric: "b.both", unit: "ms", old: 25, new: 7, kept: false },
    { metric: "c.new", unit: "x", old: null, new: 2, kept: false },
  ]);
  // A session that did not measure it changes nothing about it.
  const again = baseline({ metrics: { "b.both": metric("ms", [10, 20], [], [30, 40]) } });
  expect(baselineChanges(before, again)[1]?.kept).toBe(true);
});

it("counts the sessions that stayed, came and went", () => {
  const [session] = baseline().sessions;
  const of = (...runs: string[]) =>
    baseline({
      sessions: runs.flatMap((runSha256) => (session === undefined ? [] : [{ ...session, runSha256 }])),
    });
  expect(sessionChanges(null, of("a", "a"))).toEqual({ kept: 0, added: 2, dropped: 0 });
  expect(sessionChanges(of("a", "a", "b"), of("a", "b", "c"))).toEqual({ kept: 2, added: 1, dropped: 1 });
});

it("shows only new values when there was no baseline", () => {
  expect(baselineChanges(null, baseline()).map(({ old }) => old)).toEqual([null]);
});
