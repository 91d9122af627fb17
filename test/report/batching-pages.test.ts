import { describe, expect, it } from "vitest";
import type { BatchingTables, LoadRow } from "../../src/domain/batching-study.ts";
import type { OperatingAdvice, OperatingPoint } from "../../src/domain/operating.ts";
import { rateCsv, sweepCsv } from "../../src/report/batching-csv.ts";
import { kneeText, rulesOfThumb } from "../../src/report/batching-rules.ts";

function row(load: number, tokS: number, p95E2eS: number, overrides: Partial<LoadRow> = {}): LoadRow {
  return {
    ...{
      load,
      requests: 96,
      failed: 0,
      firstError: null,
      rounds: 3,
      meanE2eS: p95E2eS * 0.9,
      p95E2eS,
      qps: tokS / 64,
      tokS,
    },
    ...{ tokSLeast: tokS, tokSMost: tokS, qpsLeast: tokS / 64, qpsMost: tokS / 64, gaugeReadings: 9 },
    ...{ totalTokS: tokS * 4, gpuUtilPct: null, ttftP50Ms: 20, ttftP95Ms: 30, itlP50Ms: 4 },
    ...{
      itlP95Ms: 5,
      tpotP50Ms: 4,
      e2eP50Ms: p95E2eS * 800,
      runningMax: load,
      waitingMax: 0,
      preemptions: 0,
    },
    ...{ kvUsageMaxPct: 1, goodputRps: null, sloMetPct: null, lateP95Ms: null, notes: [] },
    ...overrides,
  };
}

const point = (load: number, tokensPerS: number): OperatingPoint => ({
  ...{
    load,
    tokensPerS,
    requestsPerS: tokensPerS / 64,
    ttftP95Ms: 30,
    itlP95Ms: 5,
    e2eP95Ms: 300,
    goodputRps: null,
  },
});

const ADVICE: OperatingAdvice = {
  knee: {
    ...{ load: 8, tokensPerS: 950, closeLoad: 8, peakTokensPerS: 1000, peakLoad: 16, reached: true },
    plausible: [
      { load: 8, share: 0.9 },
      { load: 16, share: 0.1 },
    ],
  },
  latencyMinded: point(4, 500),
  throughputMinded: point(8, 950),
  sweetSpot: [4, 8],
  safe: point(8, 950),
  why: [],
};

const TABLES: BatchingTables = {
  benchmark: null,
  sweep: [row(1, 125, 0.2, { gpuUtilPct: 30 }), row(4, 500, 0.25), row(8, 950, 0.3), row(16, 1000, 0.6)],
  ...{ rates: [], replay: null, advice: ADVICE, slo: null },
};
const SETTING = { machine: "an H200", model: "a model", promptTokens: 200, outputTokens: 64 };

describe("rules of thumb", () => {
  it("have the user's own numbers in them", () => {
    expect(rulesOfThumb(TABLES, SETTING)).toEqual([
      "On an H200 with a model, 4–8 requests in flight are the sweet spot for 200 prompt and 64 output tokens: " +
        "500–950 tok/s at an end-to-end p95 of at most 0.3 s.",
      "Beyond 8 requests in flight, p95 pays for little: from 8 to 16 throughput changes by +5 % and the end-to-end p95 " +
        "by +100 % (0.3 s → 0.6 s). Alert when more than 8 run at once for long.",
      "One request at a time gets 125 tok/s, 13 % of the 1,000 tok/s at 16, with the GPU busy 30 % of the time: it is " +
        "under-fed: little traffic cannot reach the headline number.",
      "Safe operating point: up to 8 requests in flight (950 tok/s; no SLO was given, so it is the knee itself).",
    ]);
  });

  it("say that a knee was not reached", () => {
    const knee = { ...ADVICE.knee!, load: 16, reached: false };
    expect(rulesOfThumb({ ...TABLES, advice: { ...ADVICE, knee } }, SETTING)[1]).toContain(
      "The knee was not reached",
    );
    expect(kneeText(knee)).toMatch(
      /^not reached: 16 requests in flight were the most that was measured whole/,
    );
  });

  it("say why there is no knee, and no safe point under an SLO", () => {
    const why = ["The SLO ends before the knee.", "No level of load is safe."];
    const advice = { ...ADVICE, knee: null, sweetSpot: null, safe: null, why };
    expect(rulesOfThumb({ ...TABLES, advice, slo: { e2eP95Ms: 100 } }, SETTING)).toEqual(why);
  });
});

it("the knee's text says how sure it is", () => {
  expect(kneeText(ADVICE.knee!)).toBe(
    "8 requests in flight: 950 tok/s, 95 % of the peak at 16; of the resampled sweeps 90 % have it at 8, 10 % have it at 16",
  );
});

describe("CSV", () => {
  const HEADER = "mean_e2e_s,p95_e2e_s,qps,tok_s,gpu_util_pct,notes,tok_s_worst_round,";

  it("has the seed's columns first", () => {
    const [header, first] = sweepCsv([
      row(1, 125, 0.2, { notes: ["knee", "peak"], gpuUtilPct: 41.26 }),
    ]).split("\n");
    expect(header?.startsWith(`concurrency,${HEADER}`)).toBe(true);
    expect(first?.startsWith("1,0.18,0.2,1.9531,125,41.3,knee; peak,125,")).toBe(true);
    expect(rateCsv([]).startsWith(`rate_rps,${HEADER}`)).toBe(true);
  });

  it("leaves empty what was not measured", () => {
    const [, first] = sweepCsv([row(1, 125, 0.2, { p95E2eS: null, tokS: null })]).split("\n");
    expect(first?.startsWith("1,0.18,,1.9531,,,,125,")).toBe(true);
  });
});
