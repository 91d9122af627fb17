import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JudgeInput, separationJudge } from "../../src/compare/judge.ts";

function judge(overrides: Partial<JudgeInput>) {
  return separationJudge({
    direction: "lower",
    tolerance: { relative: 0.05, absolute: 0 },
    rounds: "best",
    sensitivity: "host",
    base: [[100]],
    head: [[100]],
    ...overrides,
  });
}

describe("which way is worse", () => {
  it.each([
    ["lower", 110, "regressed", 0.1],
    ["lower", 90, "improved", -0.1],
    ["higher", 90, "regressed", 0.1],
    ["higher", 110, "improved", -0.1],
  ] as const)("%s is better: 100 → %d is %s", (direction, value, verdict, effect) => {
    const judged = judge({ direction, head: [[value]] });
    expect(judged).toMatchObject({ verdict, base: 100, head: value });
    expect(judged.effect).toBeCloseTo(effect, 12);
  });
});

describe("tolerance", () => {
  it("a loss of exactly the tolerance is within it", () => {
    expect(judge({ head: [[105]] })).toMatchObject({ verdict: "pass", reason: "within the tolerance" });
    expect(judge({ head: [[105.01]] }).verdict).toBe("regressed");
    expect(judge({ head: [[95]] }).verdict).toBe("pass");
    expect(judge({ head: [[94.99]] }).verdict).toBe("improved");
  });

  it("a loss must be beyond both bounds", () => {
    const tolerance = { relative: 0.05, absolute: 20 };
    expect(judge({ tolerance, head: [[115]] }).verdict).toBe("pass");
    expect(judge({ tolerance, head: [[121]] }).verdict).toBe("regressed");
    expect(judge({ tolerance: { relative: 0.3, absolute: 20 }, head: [[121]] }).verdict).toBe("pass");
  });

  it("is not exceeded by the last bits of a number", () => {
    const tolerance = { relative: 0, absolute: 0 };
    expect(judge({ tolerance, base: [[0.3]], head: [[0.1 + 0.2]] }).verdict).toBe("pass");
  });

  it("from zero there is no relative loss, only an absolute one", () => {
    const zero = { base: [[0]], tolerance: { relative: 0.5, absolute: 0 } };
    expect(judge({ ...zero, head: [[0]] })).toMatchObject({ verdict: "pass", effect: 0, detectable: null });
    expect(judge({ ...zero, head: [[0.01]] })).toMatchObject({ verdict: "regressed", effect: null });
    expect(judge({ ...zero, direction: "higher", head: [[0.01]] }).verdict).toBe("improved");
    expect(judge({ base: [[0]], tolerance: { relative: 0, absolute: 1 }, head: [[0.5]] }).verdict).toBe(
      "pass",
    );
  });
});

describe("rounds and sessions", () => {
  it("a session counts by its best round, a side by the median of its sessions", () => {
    const judged = judge({
      base: [
        [130, 100],
        [104, 140],
        [102, 150],
      ],
      head: [[101, 160]],
    });
    expect(judged).toMatchObject({ base: 102, head: 101, verdict: "pass" });
    expect(judge({ direction: "higher", base: [[90, 100]], head: [[99, 80]] })).toMatchObject({
      base: 100,
      head: 99,
    });
  });

  it("both sides have the same number of rounds: more of them would find a better best", () => {
    const judged = judge({ base: [[100, 100, 80]], head: [[100, 100]] });
    expect(judged).toMatchObject({ base: 100, head: 100, verdict: "pass" });
  });

  it("a loss whose rounds overlap with the baseline's is not decided", () => {
    expect(judge({ base: [[100, 112]], head: [[110, 120]] })).toMatchObject({
      verdict: "inconclusive",
      reason: "worse by more than the tolerance, but some rounds are as good as the baseline's",
    });
    expect(judge({ base: [[100, 110]], head: [[110, 120]] }).verdict).toBe("inconclusive");
    expect(judge({ base: [[100, 109]], head: [[110, 120]] })).toMatchObject({
      verdict: "regressed",
      reason: "no round is as good as the baseline's worst",
    });
  });

  it("one slow round of the base hides no loss of a metric that the host does not move", () => {
    const sides = {
      base: [
        [100, 101],
        [101, 125],
        [100, 102],
      ],
      head: [[110, 111]],
    };
    expect(judge({ ...sides, sensitivity: "host" }).verdict).toBe("inconclusive");
    expect(judge({ ...sides, sensitivity: "none" })).toMatchObject({
      verdict: "regressed",
      reason: "no round is as good as the best one of any of the baseline's sessions",
    });
  });

  it("a session of the base that was slow throughout does keep it open", () => {
    const base = [[100], [101], [112, 125]];
    expect(judge({ sensitivity: "none", base, head: [[110]] })).toMatchObject({
      verdict: "inconclusive",
      reason: "worse by more than the tolerance, but as good as some of the baseline's sessions",
    });
  });

  it("nor does a slow round of head hide a gain of it", () => {
    const sides = { base: [[110, 111]], head: [[100, 125]] };
    expect(judge({ ...sides, sensitivity: "host" }).verdict).toBe("pass");
    expect(judge({ ...sides, sensitivity: "none" }).verdict).toBe("improved");
  });

  it("a gain whose rounds overlap is no improvement", () => {
    expect(judge({ base: [[110, 120]], head: [[100, 112]] })).toMatchObject({ verdict: "pass" });
    expect(judge({ base: [[110, 120]], head: [[100, 109]] })).toMatchObject({ verdict: "improved" });
  });

  it("what failed in one round did fail, in whichever session", () => {
    const strict = { rounds: "worst", tolerance: { relative: 0, absolute: 0 } } as const;
    const base = [[0, 0]];
    expect(judge({ ...strict, base, head: [[0, 0]] })).toMatchObject({ verdict: "pass", effect: 0 });
    expect(judge({ ...strict, base, head: [[0, 0.01]] })).toMatchObject({ verdict: "regressed", head: 0.01 });
    expect(judge({ ...strict, base, head: [[0], [0], [0, 0, 0.01]] }).verdict).toBe("regressed");
    expect(judge({ ...strict, base: [[0, 3]], head: [[1, 0]] }).verdict).toBe("improved");
    expect(judge({ ...strict, direction: "higher", base: [[1, 1]], head: [[1, 0.9]] })).toMatchObject({
      verdict: "regressed",
      head: 0.9,
    });
  });
});

describe("detectable", () => {
  it("is the tolerance when rounds do not scatter", () => {
    expect(judge({ head: [[101]] }).detectable).toBe(0.05);
    expect(judge({ tolerance: { relative: 0.05, absolute: 20 } }).detectable).toBe(0.2);
  });

  it("grows with the scatter of both sides", () => {
    expect(judge({ base: [[100, 120]], head: [[100, 100]] }).detectable).toBeCloseTo(0.2, 12);
    expect(judge({ base: [[100, 120]], head: [[110], [100], [120]] }).detectable).toBeCloseTo(0.1, 12);
  });
});

const value = fc.integer({ min: 1, max: 1000 });
const sessions = fc.array(fc.array(value, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 });
const input = fc.record({
  direction: fc.constantFrom("lower" as const, "higher" as const),
  rounds: fc.constantFrom("best" as const, "worst" as const),
  sensitivity: fc.constantFrom("host" as const, "none" as const),
  relative: fc.constantFrom(0, 0.01, 0.05, 0.2),
  absolute: fc.constantFrom(0, 1, 30),
  base: sessions,
  head: sessions,
});

describe("for any values", () => {
  it("a factor on both sides does not change the verdict when nothing is absolute", () => {
    fc.assert(
      fc.property(input, fc.integer({ min: -20, max: 20 }), ({ relative, absolute: _, ...given }, power) => {
        const scale = (side: JudgeInput["base"]) => side.map((each) => each.map((one) => one * 2 ** power));
        const tolerance = { relative, absolute: 0 };
        const judged = separationJudge({ ...given, tolerance });
        const scaled = separationJudge({
          ...given,
          tolerance,
          base: scale(given.base),
          head: scale(given.head),
        });
        expect(scaled.verdict).toBe(judged.verdict);
        expect(scaled.effect).toBe(judged.effect);
        expect(scaled.detectable).toBe(judged.detectable);
      }),
    );
  });

  it("what regressed has improved when the sides change places", () => {
    fc.assert(
      fc.property(input, ({ absolute, relative: _, ...given }) => {
        const tolerance = { relative: 0, absolute };
        const there = separationJudge({ ...given, tolerance }).verdict;
        const back = separationJudge({ ...given, tolerance, base: given.head, head: given.base }).verdict;
        if (there === "regressed") expect(back).toBe("improved");
        if (there === "improved") expect(back).toBe("regressed");
        if (there === "inconclusive") expect(back).toBe("pass");
      }),
    );
  });

  it("what regressed was detectable, and what was detectable regressed", () => {
    fc.assert(
      fc.property(input, ({ relative, absolute, ...given }) => {
        const judged = separationJudge({ ...given, tolerance: { relative, absolute } });
        const { effect, detectable } = judged;
        if (effect === null || detectable === null) return;
        // On the edge itself the last bits decide.
        if (Math.abs(effect - detectable) < 1e-9) return;
        expect(judged.verdict === "regressed").toBe(effect > detectable);
      }),
      { numRuns: 1000 },
    );
  });
});
