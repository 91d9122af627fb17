import { describe, expect, it } from "vitest";
import type { CaseRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { groupTraces } from "../../src/measure/case-data.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { missShareOf, prefixCaseOf } from "../../src/measure/prefix-metrics.ts";
import { caseRecord, run, session, timedTrace } from "../support/builders.ts";
import { gate } from "../support/gate.ts";

interface Given {
  readonly missMs?: number;
  readonly hitMs?: number;
  readonly missHits?: number | null;
  readonly hitHits?: number | null;
  readonly queried?: number | null;
  readonly names?: readonly [string, string];
  readonly records?: boolean;
}

/** A round of 20 misses and 20 hits, in two parts each. */
function measured(given: Given = {}) {
  const { missMs = 40, hitMs = 10, missHits = 0, hitHits = 9410, queried = 10_000 } = given;
  const [miss, hit] = given.names ?? ["miss.1024.c1", "hit.1024.c1"];
  const traces: RequestTrace[] = [];
  const cases: CaseRecord[] = [];
  for (const [name, ttftMs, hits] of [
    [miss, missMs, missHits],
    [hit, hitMs, hitHits],
  ] as const) {
    for (const part of [0, 1]) {
      for (const index of Array(10).keys()) {
        traces.push(
          timedTrace(
            { startS: 50 + part * 20 + index, ttftMs: ttftMs * (1 + index / 100), tpotMs: 2, tokens: 8 },
            { probe: "prefix", case: name, id: `${name}.${part}.${index}`, promptTokens: 1088 },
          ),
        );
      }
      const counters = { ...caseRecord().counters!, prefixQueriedTokens: queried, prefixHitTokens: hits };
      cases.push(caseRecord({ probe: "prefix", case: name, mustMiss: name.startsWith("miss"), counters }));
    }
  }
  return { run: run({ sessions: [session({ cases: given.records === false ? [] : cases })] }), traces };
}

function valuesOf(given: Given = {}) {
  const { run, traces } = measured(given);
  const file = measureRun(run, traces);
  const value = (id: string) => file.measurements.find((each) => each.metric === id)?.value;
  const why = (id: string) => file.absent.find((each) => each.metric === id)?.reason;
  return { file, value, why };
}

describe("names of cases", () => {
  it.each([
    ["hit.1024.c8", { kind: "hit", cell: "1024.c8" }],
    ["miss.512", { kind: "miss", cell: "512.c1" }],
    ["tenant.512.c1", null],
    ["hit.x.c1", null],
    ["hit.512.c", null],
  ])("%s", (name, expected) => {
    expect(prefixCaseOf(name)).toEqual(expected);
  });
});

describe("metrics of the prefix probe", () => {
  it("are the times of both kinds, what a hit saves, and what the server says it had", () => {
    const { value } = valuesOf();
    expect(value("prefix.miss.1024.c1.ttft_p50_ms")).toBeCloseTo(41.8, 6);
    expect(value("prefix.hit.1024.c1.ttft_p50_ms")).toBeCloseTo(10.45, 6);
    expect(value("prefix.miss.1024.c1.ttft_p95_ms")).toBeGreaterThan(43);
    expect(value("prefix.1024.c1.saving")).toBeCloseTo(0.75, 9);
    expect(value("prefix.1024.c1.hit_rate")).toBeCloseTo(0.941, 9);
  });

  it("are those of one in flight where a case does not say", () => {
    const { value } = valuesOf({ names: ["miss.512", "hit.512"] });
    expect(value("prefix.hit.512.c1.ttft_floor_ms")).toBeGreaterThan(10);
    expect(value("prefix.512.c1.saving")).toBeCloseTo(0.75, 9);
  });

  it("of a server whose caching is off are measured, not absent", () => {
    const { value, file } = valuesOf({ hitMs: 40, hitHits: 0, queried: 0 });
    expect(value("prefix.1024.c1.saving")).toBeCloseTo(0, 9);
    expect(value("prefix.1024.c1.hit_rate")).toBe(0);
    expect(file.taints).toEqual([]);
  });

  it("say why there is none", () => {
    const { why } = valuesOf({ hitHits: null, names: ["miss.512.c1", "hit.1024.c1"] });
    expect(why("prefix.1024.c1.saving")).toBe("the round has no misses of this cell");
    expect(why("prefix.512.c1.saving")).toBe("the round has no hits of this cell");
    expect(why("prefix.1024.c1.hit_rate")).toContain("neither /metrics nor the answers");
  });
});

describe("misses that were in the cache", () => {
  it("taint their own times and the saving, once", () => {
    const { file } = valuesOf({ missHits: 5000 });
    expect(file.taints.map((taint) => taint.metrics)).toEqual([
      "prefix.miss.1024.c1",
      "prefix.1024.c1.saving",
    ]);
  });

  it("are known by their name where a run folder has no records", () => {
    const { run, traces } = measured({ records: false });
    const cached = traces.map((each) => ({ ...each, cachedTokens: 1024 }));
    expect(measureRun(run, cached).taints.map((taint) => taint.metrics)).toContain("prefix.miss.1024.c1");
  });

  it("make the verdict invalid, with the reason", () => {
    const { comparison, verdict } = gate(measured(), measured({ missHits: 9000 }));
    expect(verdict).toMatchObject({ verdict: "invalid", exitCode: 3 });
    const saving = comparison?.comparisons.find((each) => each.metric === "prefix.1024.c1.saving");
    expect(saving).toMatchObject({
      verdict: "invalid",
      reason: expect.stringMatching(
        /^90 % of the prompt tokens of prefix\.miss\.1024\.c1 came from the prefix cache/,
      ),
    });
  });
});

it("the share of requests that had to be new to the server is of one session", () => {
  const half = measured();
  const sessions = groupTraces(half.run.sessions, half.traces);
  expect(missShareOf(sessions, 0)).toBe(0.5);
  expect(missShareOf(sessions, 1)).toBeNull();
  const hits = half.traces.filter((each) => each.case.startsWith("hit"));
  expect(missShareOf(groupTraces(half.run.sessions, hits), 0)).toBe(0);
});

it("a cache that was switched off is a regression of what it saves", () => {
  const off = measured({ hitMs: 40, hitHits: 0, queried: 0 });
  const { comparison } = gate(measured(), off);
  const of = (id: string) => comparison?.comparisons.find((each) => each.metric === id);
  expect(of("prefix.1024.c1.saving")).toMatchObject({
    base: expect.closeTo(0.75, 6),
    head: expect.closeTo(0, 6),
  });
  expect(of("prefix.1024.c1.saving")?.verdict).not.toBe("pass");
});
