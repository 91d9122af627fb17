import { describe, expect, it } from "vitest";
import { judgeWorst } from "../../src/compare/judge-worst.ts";

const judged = (base: number[][], head: number[][], metric = "requests.error_rate") =>
  judgeWorst({
    metric,
    direction: "lower",
    tolerance: { relative: 0, absolute: 0 },
    rounds: "worst",
    base,
    head,
  }).verdict;

describe("requests that failed", () => {
  it("are a loss where none of the base failed", () => {
    expect(judged([[0, 0]], [[0, 0.0025]])).toBe("regressed");
    expect(judged([[0, 0]], [[0, 0]])).toBe("pass");
  });

  it("are none by themselves where the base's failed as well", () => {
    expect(judged([[0.01, 0.0075]], [[0.0125, 0.005]])).toBe("inconclusive");
    expect(judged([[0.01, 0.0075]], [[0.0125, 0.011]])).toBe("inconclusive");
    expect(judged([[0.01, 0.0075]], [[0.005, 0.01]])).toBe("pass");
  });

  it("are one where every session of head is worse, of sessions enough", () => {
    const base = [
      [0.01, 0.0075],
      [0.005, 0.01],
      [0.01, 0.0025],
      [0.0075, 0.01],
    ];
    const head = base.map((rounds) => rounds.map((share) => share + 0.02));
    expect(judged(base, head)).toBe("regressed");
    expect(judged(base, [...head.slice(1), [0.03, 0.0075]])).toBe("inconclusive");
    // Rounds of one server go together, so many of few servers are no more.
    expect(judged([base.flat()], [head.flat()])).toBe("inconclusive");
  });

  it("are one where they are far more", () => {
    expect(judged([[0, 0.0025]], [[0, 0.5]])).toBe("regressed");
  });

  it("are no gain where the base alone had some by chance", () => {
    const none = [[0], [0], [0], [0]];
    expect(judged([[0.01], [0], [0], [0]], none)).toBe("pass");
    expect(judged([[0.01]], [[0]])).toBe("pass");
    expect(judged([[0.01], [0.02], [0.01], [0.03]], none)).toBe("improved");
  });

  it("are shares: ten more of a count are no ten points", () => {
    expect(judged([[1], [0], [0], [1], [0]], [[3]], "requests.preemptions")).toBe("inconclusive");
  });
});
