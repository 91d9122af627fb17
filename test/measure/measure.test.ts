import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measurementsFileSchema } from "../../src/domain/measurements.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import { OUTCOMES, type RequestTrace, requestTraceSchema } from "../../src/domain/trace.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { caseRecord, measuredRun, run, session, timedTrace, trace } from "../support/builders.ts";

/** Values of a metric, by round. */
function valuesOf(of: RunRecord, traces: readonly RequestTrace[], metric: string): number[] {
  return measureRun(of, traces)
    .measurements.filter((each) => each.metric === metric)
    .map(({ value }) => value);
}

function whyAbsent(of: RunRecord, traces: readonly RequestTrace[], metric: string): string | undefined {
  const measured = measureRun(of, traces);
  expect(measured.measurements.filter((each) => each.metric === metric)).toEqual([]);
  return measured.absent.find((each) => each.metric === metric)?.reason;
}

/** Requests whose TTFT are 1, 2, … n ms, shuffled, and whose time per token is ten times that. */
function ladder(n: number, overrides: Partial<RequestTrace> = {}): RequestTrace[] {
  const steps = Array.from({ length: n }, (_, index) => ((index * 7) % n) + 1);
  expect(new Set(steps).size, "7 and n must share no factor").toBe(n);
  return steps.map((ms) => timedTrace({ startS: 0, ttftMs: ms, tpotMs: 10 * ms, tokens: 2 }, overrides));
}

describe("latencies of a case", () => {
  const c8 = ladder(20);

  it("quantiles of the requests, worked out by hand", () => {
    // A quantile p of 1 … 20 lies at 1 + 19 p: 2.9, 10.5 and 19.05.
    expect(valuesOf(run(), c8, "batching.c8.ttft_p50_ms")[0]).toBeCloseTo(10.5, 9);
    expect(valuesOf(run(), c8, "batching.c8.ttft_p95_ms")[0]).toBeCloseTo(19.05, 9);
    expect(valuesOf(run(), c8, "batching.c8.tpot_floor_ms")[0]).toBeCloseTo(29, 9);
    expect(valuesOf(run(), c8, "batching.c8.tpot_p50_ms")[0]).toBeCloseTo(105, 9);
    // To the last token: 11 times the TTFT.
    expect(valuesOf(run(), c8, "batching.c8.e2e_p50_ms")[0]).toBeCloseTo(115.5, 9);
    expect(valuesOf(run(), c8, "batching.c8.e2e_p95_ms")[0]).toBeCloseTo(209.55, 9);
    expect(valuesOf(run(), c8, "batching.c8.itl_p95_ms")[0]).toBeCloseTo(190.5, 9);
  });

  it("a 95th percentile needs 20 requests", () => {
    expect(whyAbsent(run(), ladder(19), "batching.c8.ttft_p95_ms")).toBe("needs 20 samples, got 19");
    expect(whyAbsent(run(), ladder(19), "batching.c8.e2e_p95_ms")).toBe("needs 20 samples, got 19");
    expect(whyAbsent(run(), ladder(19), "batching.c8.itl_p95_ms")).toBe("needs 20 samples, got 19");
    expect(valuesOf(run(), ladder(19), "batching.c8.ttft_p50_ms")[0]).toBeCloseTo(10, 9);
  });

  it("a floor needs 5 requests", () => {
    expect(whyAbsent(run(), ladder(4), "batching.c8.tpot_floor_ms")).toBe("needs 5 samples, got 4");
    expect(valuesOf(run(), ladder(5), "batching.c8.tpot_floor_ms")[0]).toBeCloseTo(14, 9);
    const warm = { probe: "ttft", case: "warm" };
    expect(whyAbsent(run(), ladder(4, warm), "ttft.warm.floor_ms")).toBe("needs 5 samples, got 4");
    expect(whyAbsent(run(), ladder(4, warm), "ttft.warm.trend")).toBe("needs 5 samples, got 4");
  });

  it("says how many requests stand behind a value", () => {
    const found = measureRun(run(), c8).measurements.find(
      ({ metric }) => metric === "batching.c8.ttft_p50_ms",
    );
    expect(found).toMatchObject({ variant: "head", session: 0, round: 0, n: 20 });
  });

  it("is one value a round", () => {
    const twice = [
      ...c8,
      ...ladder(20, { round: 1 }).map((each) => ({ ...each, startS: each.startS - 0.001 })),
    ];
    const values = valuesOf(run(), twice, "batching.c8.ttft_p50_ms");
    expect(values).toHaveLength(2);
    expect(values[1]).toBeCloseTo(11.5, 9);
  });

  it("says so when the traces do not tell what each event carried", () => {
    const unknown = ladder(20).map(({ arrivals: _, ...rest }) => rest);
    const reason = "the traces do not say how many tokens each event carried";
    for (const quantity of ["tpot_floor_ms", "tpot_p50_ms", "itl_p95_ms"]) {
      expect(whyAbsent(run(), unknown, `batching.c8.${quantity}`)).toBe(reason);
    }
    expect(valuesOf(run(), unknown, "batching.c8.ttft_p50_ms")[0]).toBeCloseTo(10.5, 9);
    const countless = c8.map((each) => ({ ...each, outputTokens: null }));
    expect(whyAbsent(run(), countless, "batching.c8.tokens_per_s")).toBe(
      "the traces do not say how many tokens were generated",
    );
  });
});

describe("throughput", () => {
  const two = [
    trace({ startS: 10, endS: 12, outputTokens: 30 }),
    trace({ startS: 10.5, endS: 14, outputTokens: 50 }),
  ];

  it("is output tokens, and requests, over first send to last end", () => {
    expect(valuesOf(run(), two, "batching.c8.tokens_per_s")).toEqual([20]);
    expect(valuesOf(run(), two, "batching.c8.requests_per_s")).toEqual([0.5]);
  });

  it("is absent when a request failed: the others had the server to themselves", () => {
    const failed = [...two, trace({ outcome: "timeout" })];
    expect(whyAbsent(run(), failed, "batching.c8.tokens_per_s")).toBe("1 of 3 requests of the case failed");
  });

  it("is absent when the case took no time", () => {
    expect(whyAbsent(run(), [trace({ startS: 5, endS: 5 })], "batching.c8.tokens_per_s")).toBe(
      "the case took no time",
    );
  });
});

describe("ttft", () => {
  const warm = { probe: "ttft", case: "warm" };
  const cold = trace({ probe: "ttft", case: "cold", startS: 1, firstTokenS: 1.042, lastTokenS: 1.5 });

  it("cold is the one request, and its ratio is to the median warm one", () => {
    const traces = [cold, ...ladder(20, warm)];
    expect(valuesOf(run(), traces, "ttft.cold_ms")[0]).toBeCloseTo(42, 9);
    expect(valuesOf(run(), traces, "ttft.cold_e2e_ms")[0]).toBeCloseTo(500, 9);
    expect(valuesOf(run(), traces, "ttft.cold_warm_ratio")[0]).toBeCloseTo(4, 9);
    expect(valuesOf(run(), traces, "ttft.warm.mean_ms")[0]).toBeCloseTo(10.5, 9);
    expect(valuesOf(run(), traces, "ttft.warm.floor_ms")[0]).toBeCloseTo(2.9, 9);
    expect(valuesOf(run(), traces, "ttft.warm.p95_ms")[0]).toBeCloseTo(19.05, 9);
    expect(valuesOf(run(), traces, "ttft.warm.e2e_floor_ms")[0]).toBeCloseTo(31.9, 9);
  });

  it("trend is the change over the case as a share of its median", () => {
    const rising = [10, 11, 12, 13, 14].map((ttftMs) =>
      timedTrace({ startS: 0, ttftMs, tpotMs: 1, tokens: 2 }, warm),
    );
    expect(valuesOf(run(), rising, "ttft.warm.trend")[0]).toBeCloseTo(4 / 12, 9);
    expect(valuesOf(run(), rising.toReversed(), "ttft.warm.trend")[0]).toBeCloseTo(-4 / 12, 9);
  });

  it("ratio exists only in the round that has the cold request", () => {
    const traces = [cold, ...ladder(5, warm), ...ladder(5, { ...warm, round: 1 })];
    expect(
      measureRun(run(), traces).measurements.filter((each) => each.metric === "ttft.cold_warm_ratio"),
    ).toMatchObject([{ round: 0 }]);
  });
});

describe("what did not go well", () => {
  it("error rate is failed over all measured requests of a round", () => {
    const traces = [
      ...Array.from({ length: 3 }, () => trace()),
      ...OUTCOMES.filter((outcome) => outcome !== "ok").map((outcome) => trace({ outcome, case: "c1" })),
      trace({ phase: "warmup", outcome: "timeout" }),
      trace({ round: 1 }),
    ];
    expect(valuesOf(run(), traces, "requests.error_rate")).toEqual([4 / 7, 0]);
  });

  it("preemptions add up over the cases of a round", () => {
    const counters = (preemptions: number | null) => ({ ...caseRecord().counters!, preemptions });
    const cases = [
      caseRecord({ counters: counters(2) }),
      caseRecord({ case: "c1", counters: counters(3) }),
      caseRecord({ round: 1, counters: counters(0) }),
    ];
    const traces = [trace(), trace({ case: "c1" }), trace({ round: 1 })];
    expect(valuesOf(run({ sessions: [session({ cases })] }), traces, "requests.preemptions")).toEqual([5, 0]);
    const unknown = [caseRecord({ counters: counters(null) })];
    expect(
      whyAbsent(run({ sessions: [session({ cases: unknown })] }), [trace()], "requests.preemptions"),
    ).toBe("the server's /metrics has no such counter");
  });

  it("neither failed requests nor warm-up enter a latency", () => {
    const slow = { firstTokenS: 99, lastTokenS: 100 };
    const good = ladder(20);
    const all = [
      ...good,
      ...OUTCOMES.filter((outcome) => outcome !== "ok").map((outcome) => trace({ ...slow, outcome })),
      trace({ ...slow, phase: "warmup" }),
    ];
    const latencies = (traces: readonly RequestTrace[]) =>
      measureRun(run(), traces).measurements.filter(({ metric }) => metric.endsWith("_ms"));
    expect(latencies(good)).not.toEqual([]);
    expect(latencies(all)).toEqual(latencies(good));
  });

  it.each(["running", "failed_start", "died", "cancelled", "failed"] as const)(
    "a session that ended %s gives nothing",
    (outcome) => {
      const { run: measured, traces } = measuredRun();
      const sessions = measured.sessions.map((each) => ({ ...each, outcome }));
      expect(measureRun({ ...measured, sessions }, traces)).toEqual({
        schemaVersion: 1,
        metrics: [],
        measurements: [],
        absent: [],
        taints: [],
        ttft: [],
      });
    },
  );

  it("a session that did not end well does not hide the one that did", () => {
    const sessions = [session(), session({ index: 1, outcome: "died" })];
    const traces = [...ladder(5), ...ladder(5, { session: 1 })];
    const found = measureRun(run({ sessions }), traces).measurements;
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((each) => each.session === 0)).toBe(true);
  });
});

describe("what a session's start tells", () => {
  it("is measured once a session, from the clock, the log and /metrics", () => {
    const found = measureRun(run(), []).measurements;
    expect(Object.fromEntries(found.map(({ metric, value }) => [metric, value]))).toEqual({
      "startup.ready_s": 41.207,
      "startup.weights_s": 1.52,
      "startup.compile_s": 9.31,
      "startup.graphs_s": 3,
      "startup.engine_init_s": 21.4,
      "kv.capacity_tokens": 4_593_872,
      "kv.max_concurrency": 1121.55,
      "kv.available_gib": 122.67,
      "kv.block_size": 16,
      "memory.weights_gib": 2.89,
      "memory.graphs_gib": 0.33,
    });
  });

  it("is absent with the reason that the log's reader gave", () => {
    const without = session({
      logFacts: { graphsS: null },
      unknownFacts: [{ fact: "graphsS", reason: "vLLM 0.22.0 printed no line about CUDA graphs" }],
    });
    expect(whyAbsent(run({ sessions: [without] }), [], "startup.graphs_s")).toBe(
      "vLLM 0.22.0 printed no line about CUDA graphs",
    );
    expect(whyAbsent(run({ sessions: [without] }), [], "startup.compile_s")).toBe("compileS is unknown");
  });
});

describe("any traces that the schema allows", () => {
  const time = fc.oneof(
    fc.double({ min: 0, max: 1000, noNaN: true }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, -0, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE),
  );
  const count = fc.oneof(fc.nat({ max: 5 }), fc.constant(Number.MAX_SAFE_INTEGER));
  const anyTrace: fc.Arbitrary<RequestTrace> = fc.record(
    {
      variant: fc.constantFrom("head", "base"),
      session: fc.nat({ max: 1 }),
      round: fc.nat({ max: 1 }),
      probe: fc.constantFrom("ttft", "batching", "other"),
      case: fc.constantFrom("cold", "warm", "c1", "c8", "c01x", "__proto__"),
      phase: fc.constantFrom("warmup", "measure"),
      id: fc.string(),
      promptTokens: fc.option(count),
      cachedTokens: fc.option(count),
      outputTokens: fc.option(count),
      startS: time,
      firstTokenS: fc.option(time),
      lastTokenS: fc.option(time),
      endS: time,
      arrivals: fc.array(fc.tuple(time, count), { maxLength: 4 }),
      outcome: fc.constantFrom("ok", "ok", "ok", ...OUTCOMES),
      status: fc.option(fc.integer({ min: 100, max: 599 })),
      error: fc.option(fc.string()),
    },
    {
      requiredKeys: [
        "variant",
        "session",
        "round",
        "probe",
        "case",
        "phase",
        "id",
        "promptTokens",
        "cachedTokens",
        "outputTokens",
        "startS",
        "firstTokenS",
        "lastTokenS",
        "endS",
        "outcome",
        "status",
        "error",
      ],
    },
  );

  it("give finite numbers only, in a file that can be read again", () => {
    const sessions = [0, 1].map((index) =>
      session({
        index,
        cases: ["warm", "cold"].map((name) => caseRecord({ probe: "ttft", case: name, counters: null })),
      }),
    );
    fc.assert(
      fc.property(fc.array(anyTrace, { maxLength: 60 }), (traces) => {
        for (const each of traces) requestTraceSchema.parse(each);
        const measured = measureRun(run({ sessions }), traces);
        const written = JSON.stringify(measured, (key, value: unknown) => {
          if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${key} is ${value}`);
          return value;
        });
        measurementsFileSchema.parse(JSON.parse(written));
      }),
      { numRuns: 300 },
    );
  });
});

it("answers that came whole are too few samples of a time per token: another session may have them", () => {
  const { run, traces } = measuredRun({ tpotMs: [0.001, 2.31] });
  const { absent, measurements } = measureRun(run, traces);
  const tpot = "batching.c1.tpot_floor_ms";
  expect(absent.filter(({ metric }) => metric === tpot)).toMatchObject([
    { round: 0, tooFew: true, reason: expect.stringMatching(/^whole answers came in one delivery/) },
    { round: 1, tooFew: true },
  ]);
  expect(measurements.some(({ metric }) => metric === "batching.c8.tpot_floor_ms")).toBe(true);
});
