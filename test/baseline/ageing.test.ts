import { describe, expect, it } from "vitest";
import { ageNotes, slackNote } from "../../src/baseline/ageing.ts";
import { sealed } from "../../src/baseline/baseline-text.ts";
import { findDrift } from "../../src/baseline/drift.ts";
import type { Baseline } from "../../src/domain/baseline.ts";
import { baseline, comparison } from "../support/builders.ts";

const C8 = "batching.c8.tpot_floor_ms";
const RULE = { direction: "lower", level: "gate", tolerance: { relative: 0.02, absolute: 0 } } as const;
const NOW = new Date("2026-11-22T08:00:00Z");
const RECORD = "vllm-gate record --scenario chat";

const ask = {
  path: "baselines/x.json",
  now: NOW,
  maxAgeDays: 90,
  toolVersion: "0.1.0",
  recordCommand: RECORD,
};
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();

/** A file of one session with one value, recorded so many days ago. */
function recorded(
  days: number,
  value: number,
  overrides: Partial<Baseline["sessions"][number]> = {},
): Baseline {
  const [session] = baseline().sessions;
  if (session === undefined) throw new Error("no session");
  return sealed(
    baseline({
      sessions: [{ ...session, recordedAt: daysAgo(days), ...overrides }],
      metrics: { [C8]: { unit: "ms", n: 1, spread: 0, sessions: [[value]] } },
    }),
  );
}

describe("ageNotes", () => {
  it("says nothing of a fresh baseline of this tool", () => {
    expect(ageNotes(recorded(90, 2), ask)).toEqual([]);
  });

  it("tells age, by the latest session, and what to do", () => {
    const [note, ...more] = ageNotes(recorded(91.5, 2), ask);
    expect(note).toBe(
      `The baseline is old: its latest session was recorded 91 days ago, baselineMaxAgeDays is 90. Record it again: ${RECORD}`,
    );
    expect(more).toEqual([]);
    const extended = {
      ...recorded(200, 2),
      sessions: [recorded(200, 2), recorded(3, 2)].flatMap((each) => each.sessions),
    };
    expect(ageNotes(sealed(extended), ask)).toEqual([]);
  });

  it("tells the version of the tool that wrote it, and hands that edited it", () => {
    const old = recorded(1, 2, { toolVersion: "0.0.9" });
    expect(ageNotes(old, ask)).toMatchObject([expect.stringContaining("by vllm-gate 0.0.9, this is 0.1.0")]);
    const edited = { ...recorded(1, 2), vllmVersion: "0.99.0" };
    expect(ageNotes(edited, ask)).toEqual([
      "baselines/x.json was edited by hand: its content is not what was recorded.",
    ]);
  });
});

describe("slackNote", () => {
  const nights = (values: readonly number[]) =>
    values.map((value, at) => recorded(values.length - at, value * (1 + 0.002 * Math.sin(at * 2.4))));
  const note = (values: readonly number[], head: number, anchor = 2) => {
    const where = { scenario: "chat", history: "h", anchorPath: "a" };
    const drift = findDrift(where, nights(values), recorded(100, anchor), () => RULE);
    const effect = head / anchor - 1;
    return slackNote(
      drift,
      [comparison({ metric: C8, base: anchor, head, effect, verdict: "improved" })],
      NOW,
      RECORD,
    );
  };

  it("tells a gain that has held for weeks and holds here", () => {
    expect(note(Array(20).fill(1.8), 1.8)).toMatch(
      /^The baseline has slack: the nights have been better than it, batching\.c8\.tpot_floor_ms by 10\.\d % for 20 days, and so is this run\..*record --scenario chat$/,
    );
  });

  it.each<[what: string, values: number[], head: number]>([
    ["nights are as the baseline", Array(20).fill(2), 1.8],
    ["this run is as the baseline", Array(20).fill(1.8), 2],
    ["it is better for a week only", [...Array(20).fill(2), ...Array(8).fill(1.8)], 1.8],
    ["there are too few nights", Array(4).fill(1.8), 1.8],
    ["it is worse", Array(20).fill(2.4), 2.4],
  ])("says nothing where %s", (_, values, head) => {
    expect(note(values, head)).toBeNull();
  });
});
