import { describe, expect, it } from "vitest";
import type { CaseRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { groupTraces } from "../../src/measure/case-data.ts";
import { findTaints } from "../../src/measure/taints.ts";
import { caseRecord, session, trace } from "../support/builders.ts";

function taintsOf(record: CaseRecord, traces: readonly RequestTrace[] = [trace()]) {
  return groupTraces([session({ index: 0, cases: [record] })], traces).flatMap(findTaints);
}

const counted = (queried: number | null, hit: number | null) => ({
  ...caseRecord().counters!,
  prefixQueriedTokens: queried,
  prefixHitTokens: hit,
});

describe("a case whose prompts must miss the prefix cache", () => {
  it("is tainted when they hit it, by the server's counters", () => {
    expect(taintsOf(caseRecord({ counters: counted(1000, 250) }))).toEqual([
      {
        variant: "head",
        session: 0,
        round: 0,
        metrics: "batching.c8",
        reason: expect.stringMatching(
          /^25 % of the prompt tokens of batching\.c8 came from the prefix cache/,
        ),
      },
    ]);
  });

  it("may hit it by chance", () => {
    expect(taintsOf(caseRecord({ counters: counted(1000, 50) }))).toEqual([]);
    expect(taintsOf(caseRecord({ counters: counted(1000, 51) }))).toHaveLength(1);
    expect(taintsOf(caseRecord({ counters: counted(0, 0) }))).toEqual([]);
  });

  it("is judged by the answers' cached tokens where the server has no counters", () => {
    const cached = [
      trace({ promptTokens: 100, cachedTokens: 0 }),
      trace({ promptTokens: 100, cachedTokens: 80 }),
      trace({ promptTokens: 100, cachedTokens: null }),
    ];
    for (const counters of [null, counted(null, null), counted(1000, null)]) {
      expect(taintsOf(caseRecord({ counters }), cached)).toMatchObject([
        { reason: expect.stringMatching(/^40 % of/) },
      ]);
    }
    expect(taintsOf(caseRecord({ counters: null }))).toEqual([]);
  });

  it("may not hit it in any round", () => {
    const record = caseRecord({ round: 1, counters: counted(100, 100) });
    expect(taintsOf(record, [trace(), trace({ round: 1 })])).toMatchObject([{ round: 1 }]);
  });

  it("is another matter for a case that should hit it", () => {
    expect(taintsOf(caseRecord({ mustMiss: false, counters: counted(1000, 1000) }))).toEqual([]);
  });
});

describe("a round that is not to be trusted", () => {
  it("taints all that its requests decide, alone and together", () => {
    const record = caseRecord({ probe: "prefix", case: "hit.1024.c8", mustMiss: false });
    const rounds = [
      { round: 0, fromS: 0, toS: 1, dirty: ["another program"], use: "untrusted" as const, telemetry: null },
    ];
    const traces = [trace({ probe: "prefix", case: "hit.1024.c8" })];
    const taints = groupTraces([session({ index: 0, cases: [record], rounds })], traces).flatMap(findTaints);
    expect(taints.map(({ metrics }) => metrics)).toEqual([
      "requests",
      "prefix.hit.1024.c8",
      "prefix.1024.c8",
    ]);
    expect(new Set(taints.map(({ reason }) => reason))).toEqual(new Set(["another program"]));
  });
});
