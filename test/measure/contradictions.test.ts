import { describe, expect, it } from "vitest";
import type { CaseRecord, ServerCounters } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { groupTraces } from "../../src/measure/case-data.ts";
import { contradictionsOf } from "../../src/measure/contradictions.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { caseRecord, run, session, trace } from "../support/builders.ts";

function said(counted: Partial<ServerCounters>, traces: readonly RequestTrace[] = [trace()]): string[] {
  const record: CaseRecord = caseRecord({ counters: { ...caseRecord().counters!, ...counted } });
  const [found] = groupTraces([session({ cases: [record] })], traces);
  return contradictionsOf(found!.rounds.get(0)!.get("batching.c8")!);
}

describe("counts that contradict each other", () => {
  it("none where all agree, or nothing is told", () => {
    expect(said({})).toEqual([]);
    expect(said({ generationTokens: 4 })).toEqual([]);
    expect(said({ generationTokens: null, prefixHitTokens: null })).toEqual([]);
    expect(said({}, [trace({ cachedTokens: 200, outputTokens: null })])).toEqual([]);
  });

  it("more hits than look-ups", () => {
    expect(said({ prefixQueriedTokens: 100, prefixHitTokens: 101 })).toEqual([
      expect.stringMatching(/101 prompt tokens found .* of only 100 looked up/),
    ]);
  });

  it("more cached tokens than the prompt has", () => {
    expect(said({}, [trace(), trace({ id: "odd", cachedTokens: 201 })])).toEqual([
      expect.stringContaining("the answer to odd says 201 cached of 200 prompt tokens"),
    ]);
  });

  it("events that carry other than the usage says", () => {
    expect(said({}, [trace({ outputTokens: 5 })])).toEqual([
      expect.stringContaining("carried 4 tokens, its usage says 5"),
    ]);
  });

  it("tokens for somebody else, beyond what two readings differ by; fewer are those of another replica", () => {
    const requests = Array.from({ length: 100 }, (_, index) => trace({ id: `r${index}` }));
    expect(said({ generationTokens: 504 }, requests)).toEqual([]);
    expect(said({ generationTokens: 505 }, requests)).toEqual([
      expect.stringMatching(
        /generated 505 tokens meanwhile, of which this client was sent 400: another client/,
      ),
    ]);
    expect(said({ generationTokens: 10 }, requests)).toEqual([]);
    const failing = [...requests, trace({ id: "f", outcome: "timeout" })];
    expect(said({ generationTokens: 9000 }, failing)).toEqual([]);
  });

  it("make what they concern untrusted", () => {
    const counters = { ...caseRecord().counters!, prefixQueriedTokens: 1, prefixHitTokens: 2 };
    const record = run({ sessions: [session({ cases: [caseRecord({ mustMiss: false, counters })] })] });
    expect(measureRun(record, [trace()]).taints).toMatchObject([{ metrics: "batching.c8", round: 0 }]);
  });
});
