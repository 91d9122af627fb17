import { describe, expect, it } from "vitest";
import { shortfallOf } from "../../src/domain/run.ts";
import { run, session } from "../support/builders.ts";

const planned = (sessions: number) => ({ plan: { sessions, rounds: 2, probes: {}, budgetMinutes: 30 } });

describe("what a run fell short of", () => {
  it("is nothing where all that was planned was measured", () => {
    expect(shortfallOf(run({ ...planned(1), sessions: [session({ outcome: "ok" })] }))).toBeNull();
  });

  it("is the sessions that the budget had no time for", () => {
    expect(shortfallOf(run({ ...planned(5), sessions: [session({ outcome: "ok" })] }))).toBe(
      "1 of 5 sessions measured within budgetMinutes (30)",
    );
  });

  it("is a base that could not be started to confirm a loss", () => {
    const base = session({ variant: "base", index: 1, outcome: "failed_start", cause: "out of GPU memory" });
    expect(shortfallOf(run({ ...planned(1), sessions: [session({ outcome: "ok" }), base] }))).toBe(
      "the base, started to confirm a loss, did not run on this machine, so that nothing confirms it: out of GPU memory",
    );
  });

  it("is a session that was cut off beyond the plan, as of a server that hangs", () => {
    const cut = session({ index: 1, outcome: "cancelled", cause: "not finished within budgetMinutes (30)" });
    expect(shortfallOf(run({ ...planned(1), sessions: [session({ outcome: "ok" }), cut] }))).toBe(
      "session 2 (head) was cut off and counts for nothing: not finished within budgetMinutes (30)",
    );
  });
});
