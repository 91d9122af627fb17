import { describe, expect, it } from "vitest";
import { e2eMs, groupTraces, itlsMs, spanS, tpotMs, ttftMs } from "../../src/measure/case-data.ts";
import { caseRecord, session, trace } from "../support/builders.ts";

describe("times of one request", () => {
  it("ttft is first token − send, e2e is last token − send, whatever the end of the connection", () => {
    const request = trace({ startS: 2, firstTokenS: 2.25, lastTokenS: 3.5, endS: 9 });
    expect(ttftMs(request)).toBe(250);
    expect(e2eMs(request)).toBe(1500);
  });

  it("has no times when no token came", () => {
    const request = trace({ firstTokenS: null, lastTokenS: null, arrivals: [] });
    expect([ttftMs(request), e2eMs(request), tpotMs(request), itlsMs(request)]).toEqual([
      null,
      null,
      null,
      [],
    ]);
  });

  it("tpot divides by the tokens after the first event, not by events", () => {
    // 3 tokens at 1 s, then 5 more in two events until 2 s: 1000 ms / 5 tokens.
    const request = trace({
      outputTokens: 8,
      firstTokenS: 1,
      lastTokenS: 2,
      arrivals: [
        [1, 3],
        [1.5, 4],
        [2, 1],
      ],
    });
    expect(tpotMs(request)).toBe(200);
    expect(itlsMs(request)).toEqual([500, 500]);
  });

  it("events that carry no token are neither the first event nor a gap", () => {
    const request = trace({
      outputTokens: 3,
      firstTokenS: 1,
      lastTokenS: 2,
      arrivals: [
        [0.5, 0],
        [1, 1],
        [1.25, 0],
        [2, 2],
        [3, 0],
      ],
    });
    expect(tpotMs(request)).toBe(500);
    expect(itlsMs(request)).toEqual([1000]);
  });

  it("tpot is unknown when one event carried everything or when it is unknown what events carried", () => {
    expect(tpotMs(trace({ outputTokens: 4, arrivals: [[10.02, 4]] }))).toBeNull();
    expect(tpotMs(trace({ outputTokens: null }))).toBeNull();
    const { arrivals: _, ...withoutArrivals } = trace();
    expect(tpotMs(withoutArrivals)).toBeNull();
    expect(itlsMs(withoutArrivals)).toEqual([]);
  });

  it("the span of a case is first send to last end, in any order of its requests", () => {
    expect(
      spanS([trace({ startS: 3, endS: 4 }), trace({ startS: 1, endS: 9 }), trace({ startS: 2, endS: 5 })]),
    ).toBe(8);
  });
});

describe("groupTraces", () => {
  it("sorts by session, round and case, warm-up left out, failures apart", () => {
    const record = session({ cases: [caseRecord(), caseRecord({ round: 1 })] });
    const groups = groupTraces(
      [record, session({ index: 1 })],
      [
        trace({ id: "a" }),
        trace({ id: "w", phase: "warmup" }),
        trace({ id: "b", outcome: "timeout" }),
        trace({ id: "c", round: 1 }),
        trace({ id: "d", session: 1, case: "c1" }),
        trace({ id: "other variant", variant: "base" }),
        trace({ id: "no such session", session: 7 }),
      ],
    );
    expect(groups.map(({ record: { index } }) => index)).toEqual([0, 1]);
    const first = groups[0]?.rounds.get(0)?.get("batching.c8");
    expect(first?.ok.map(({ id }) => id)).toEqual(["a"]);
    expect(first?.failed.map(({ id }) => id)).toEqual(["b"]);
    expect(first?.records).toEqual([record.cases?.[0]]);
    expect(groups[0]?.rounds.get(1)?.get("batching.c8")?.records).toEqual([record.cases?.[1]]);
    expect([...(groups[1]?.rounds.get(0)?.keys() ?? [])]).toEqual(["batching.c1"]);
    const all = groups.flatMap(({ rounds }) =>
      [...rounds.values()].flatMap((cases) =>
        [...cases.values()].flatMap(({ ok, failed }) => [...ok, ...failed]),
      ),
    );
    expect(all.map(({ id }) => id).sort()).toEqual(["a", "b", "c", "d"]);
  });
});

describe("a stream that was delivered in bulk", () => {
  const bulk = (gapS: number) =>
    trace({
      startS: 0,
      firstTokenS: 0.5,
      lastTokenS: 0.501 + 6 * gapS,
      outputTokens: 8,
      arrivals: [
        [0.5, 1],
        ...Array.from({ length: 7 }, (_, index): [number, number] => [0.501 + index * gapS, 1]),
      ],
    });

  it("has no time per token: its events tell when the pile came", () => {
    expect(tpotMs(bulk(0.00001))).toBeNull();
  });

  it("has one as soon as most events came at a time of their own", () => {
    expect(tpotMs(bulk(0.002))).toBeCloseTo(((0.001 + 6 * 0.002) * 1000) / 7, 6);
  });
});
