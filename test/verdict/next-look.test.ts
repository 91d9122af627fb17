import { describe, expect, it } from "vitest";
import type { Comparison, LimitBreach } from "../../src/domain/comparison.ts";
import { lookSchema } from "../../src/domain/look.ts";
import {
  interleavedOrder,
  type LookState,
  planNextLook,
  recordLook,
  withoutLoneConvictions,
} from "../../src/verdict/next-look.ts";
import { comparison, comparisonFile } from "../support/builders.ts";

function state(overrides: Partial<LookState> = {}): LookState {
  return {
    comparisons: [comparison()],
    settled: false,
    brokenLimits: [],
    sessions: { head: 1, base: 0 },
    mostSessions: 3,
    base: "confirmable",
    remainingS: 1000,
    sessionS: 100,
    ...overrides,
  };
}

const of = (verdict: Comparison["verdict"], overrides: Partial<Comparison> = {}) =>
  comparison({ metric: `m.${verdict}`, verdict, ...overrides });
const open = of("inconclusive");

describe("planNextLook", () => {
  it("ends when everything is decided", () => {
    expect(planNextLook(state({ comparisons: [of("pass"), of("improved")] }))).toEqual({
      kind: "decided",
      why: "everything is decided",
    });
  });

  it("measures another session of head while something is undecided", () => {
    expect(planNextLook(state({ comparisons: [of("pass"), open] }))).toEqual({
      kind: "measure",
      order: ["head"],
      why: "undecided: m.inconclusive",
    });
    const two = [open, { ...open, metric: "other" }];
    expect(planNextLook(state({ comparisons: two })).why).toBe("undecided: m.inconclusive and 1 more");
  });

  it("what is only watched costs nothing", () => {
    expect(planNextLook(state({ comparisons: [{ ...open, level: "watch" }] })).kind).toBe("decided");
  });

  it("what is invalid ends the run, but for too few samples, which another session may have", () => {
    const why = expect.stringMatching(/what is invalid stays so/);
    expect(planNextLook(state({ comparisons: [of("invalid")] }))).toMatchObject({ kind: "decided", why });
    const few = of("invalid", { decidable: true });
    expect(planNextLook(state({ comparisons: [few] }))).toMatchObject({ kind: "measure", order: ["head"] });
    expect(planNextLook(state({ comparisons: [few, of("invalid")] }))).toMatchObject({
      kind: "decided",
      why,
    });
    const full = state({ comparisons: [few], sessions: { head: 3, base: 0 } });
    expect(planNextLook(full).kind).toBe("decided");
  });

  it("no more sessions of the base than a baseline has: what they lack they go on lacking", () => {
    const sessions = (base: number) => ({ head: 3, base });
    const open = of("inconclusive", { baseDecides: true });
    expect(planNextLook(state({ comparisons: [open], sessions: sessions(4) })).kind).toBe("measure");
    expect(planNextLook(state({ comparisons: [open], sessions: sessions(5) })).kind).toBe("decided");
    const lost = of("regressed", { unconfirmed: true });
    expect(planNextLook(state({ comparisons: [lost], sessions: sessions(4) })).kind).toBe("measure");
    expect(planNextLook(state({ comparisons: [lost], sessions: sessions(5) })).kind).toBe("decided");
  });

  it("no more sessions than the scenario allows", () => {
    const full = state({ comparisons: [open], sessions: { head: 3, base: 0 } });
    expect(planNextLook(full)).toMatchObject({ kind: "decided", why: /3 sessions are the most/ });
  });

  it("nor than the budget has time for, with a tenth to spare", () => {
    expect(planNextLook(state({ comparisons: [open], remainingS: 109 }))).toMatchObject({
      kind: "decided",
      why: /budget/,
    });
    expect(planNextLook(state({ comparisons: [open], remainingS: 111 })).kind).toBe("measure");
  });

  it("sessions that could not decide it are not measured", () => {
    const undecidable = [{ ...open, decidable: false }];
    expect(planNextLook(state({ comparisons: undecidable }))).toMatchObject({
      kind: "decided",
      why: "more sessions cannot decide the rest",
    });
  });

  it("what no session is slow in ends a run at once, whatever is open", () => {
    expect(planNextLook(state({ comparisons: [of("regressed"), open] }))).toMatchObject({
      kind: "decided",
      why: "m.regressed regressed",
    });
  });

  it("a regression that the machine could be is confirmed by the base, if it can be started", () => {
    const comparisons = [of("regressed", { unconfirmed: true }), open];
    const lost = { comparisons, sessions: { head: 2, base: 0 } };
    expect(planNextLook(state(lost))).toMatchObject({ kind: "measure", order: ["base"] });
    expect(planNextLook(state({ ...lost, base: "stored" })).kind).toBe("decided");
    expect(planNextLook(state({ ...lost, remainingS: 50 }))).toMatchObject({
      kind: "decided",
      why: /could confirm it/,
    });
    expect(planNextLook(state({ ...lost, comparisons: [...comparisons, of("regressed")] })).kind).toBe(
      "decided",
    );
  });

  it("a regression of one session is seen in another one first, where the scenario allows it", () => {
    const alone = { comparisons: [of("regressed", { unconfirmed: true, seenOnce: true })] };
    const why = "m.regressed regressed in one session: in another, too?";
    expect(planNextLook(state(alone))).toEqual({ kind: "measure", order: ["head"], why });
    expect(planNextLook(state({ ...alone, base: "stored" }))).toEqual({
      kind: "measure",
      order: ["head"],
      why,
    });
    const pair = planNextLook(state({ ...alone, base: "interleaved", baseFirst: true }));
    expect(pair).toEqual({ kind: "measure", order: ["head", "base"], why });
    expect(planNextLook(state({ ...alone, mostSessions: 1 }))).toMatchObject({ order: ["base"] });
    expect(planNextLook(state({ ...alone, mostSessions: 1, base: "stored" })).kind).toBe("decided");
    expect(planNextLook(state({ ...alone, base: "stored", remainingS: 50 })).kind).toBe("decided");
  });

  it("asks no session of the base for what waits for one of head", () => {
    const alone = { comparisons: [of("regressed", { seenOnce: true })] };
    expect(planNextLook(state({ ...alone, mostSessions: 1 })).kind).toBe("decided");
    expect(planNextLook(state({ ...alone, sessions: { head: 3, base: 0 } })).kind).toBe("decided");
  });

  it("a loss that the next session could not show is looked for in one more", () => {
    // The run has two sessions of head, the metric one: the other was too short of samples.
    const lone = { comparisons: [of("regressed", { seenOnce: true })], sessions: { head: 2, base: 0 } };
    expect(planNextLook(state(lone))).toMatchObject({ kind: "measure", order: ["head"] });
    expect(planNextLook(state({ ...lone, sessions: { head: 3, base: 0 } })).kind).toBe("decided");
  });

  it("a broken limit is seen in a second session first, where there is one", () => {
    const breach = { metric: "ttft.warm.p95_ms", unit: "ms", value: 300, bound: 200, side: "max" } as const;
    const broken = { brokenLimits: [{ ...breach, seenOnce: true as const }], comparisons: [of("pass")] };
    expect(planNextLook(state(broken))).toEqual({
      kind: "measure",
      order: ["head"],
      why: "ttft.warm.p95_ms breaks its limit in one session: in another, too?",
    });
    const why = "ttft.warm.p95_ms breaks its limit";
    for (const last of [{ mostSessions: 1 }, { remainingS: 50 }, { brokenLimits: [breach] }])
      expect(planNextLook(state({ ...broken, ...last }))).toEqual({ kind: "decided", why });
  });

  it("a loss that some of the baseline's sessions are as bad as is held against more of the base, after head's", () => {
    const comparisons = [of("inconclusive", { baseDecides: true })];
    const full = { comparisons, sessions: { head: 3, base: 1 } };
    expect(planNextLook(state(full))).toMatchObject({ kind: "measure", order: ["base"] });
    expect(planNextLook(state({ ...full, sessions: { head: 2, base: 0 } })).kind).toBe("measure");
    expect(planNextLook(state({ ...full, sessions: { head: 2, base: 0 } }))).toMatchObject({
      order: ["head"],
    });
    expect(planNextLook(state({ ...full, base: "stored" })).kind).toBe("decided");
    expect(planNextLook(state({ ...full, remainingS: 50 })).kind).toBe("decided");
  });

  it("an invalid metric stays invalid", () => {
    expect(planNextLook(state({ comparisons: [of("invalid"), open] })).kind).toBe("decided");
    expect(planNextLook(state({ settled: true, comparisons: [open] })).kind).toBe("decided");
  });

  it("an A/B measures both sides, each pair the other way round", () => {
    const ab = (head: number, baseFirst: boolean) =>
      planNextLook(
        state({ comparisons: [open], base: "interleaved", baseFirst, sessions: { head, base: head } }),
      );
    expect(ab(0, true)).toMatchObject({ order: ["base", "head"] });
    expect(ab(1, true)).toMatchObject({ order: ["head", "base"] });
    expect(ab(1, false)).toMatchObject({ order: ["base", "head"] });
    expect(planNextLook(state({ comparisons: [open], base: "interleaved", remainingS: 150 })).kind).toBe(
      "decided",
    );
  });
});

describe("interleavedOrder", () => {
  it("is balanced: ABBA", () => {
    expect(interleavedOrder(2, true)).toEqual(["base", "head", "head", "base"]);
    expect(interleavedOrder(3, false)).toEqual(["head", "base", "base", "head", "head", "base"]);
  });
});

describe("recordLook", () => {
  it("says what was measured, what was undecided and why more", () => {
    const now = state({
      comparisons: [open, of("pass"), { ...open, level: "watch", metric: "w" }],
      remainingS: 412.4,
    });
    const look = recordLook(now, planNextLook(now));
    expect(lookSchema.parse(look)).toEqual({
      sessions: { head: 1, base: 0 },
      regressed: [],
      undecided: ["m.inconclusive"],
      next: ["head"],
      why: "undecided: m.inconclusive",
      remainingS: 412,
    });
    const last = state({ comparisons: [of("regressed")], remainingS: -3 });
    expect(recordLook(last, planNextLook(last))).toMatchObject({
      regressed: ["m.regressed"],
      next: [],
      remainingS: 0,
    });
  });
});

describe("withoutLoneConvictions", () => {
  const lone = of("regressed", { seenOnce: true, reason: "surely more than 50 % worse" });
  const breach = { metric: "ttft.warm.p95_ms", unit: "ms", value: 300, bound: 200, side: "max" } as const;
  const settled = (comparisons: Comparison[], most: number, limits: LimitBreach[] = []) =>
    withoutLoneConvictions(comparisonFile({ comparisons, limits }), most);

  it("one session of a run that had no time for a second one blocks nothing", () => {
    expect(settled([lone, of("pass")], 3).comparisons).toMatchObject([
      { verdict: "inconclusive", reason: "surely more than 50 % worse, but in one session alone" },
      { verdict: "pass" },
    ]);
    expect(settled([], 3, [{ ...breach, seenOnce: true }]).limits).toEqual([{ ...breach, seenOnce: true }]);
  });

  it("but of a scenario that has one it does, and so does what no session is slow in", () => {
    expect(settled([lone], 1).comparisons).toEqual([lone]);
    expect(settled([of("regressed")], 3).comparisons).toEqual([of("regressed")]);
    expect(settled([], 1, [{ ...breach, seenOnce: true }]).limits).toEqual([breach]);
  });
});
