import { describe, expect, it } from "vitest";
import type { BatchingTables, LoadRow } from "../../src/domain/batching-study.ts";
import type { OperatingAdvice, OperatingPoint } from "../../src/domain/operating.ts";
import { rateCsv, sweepCsv } from "../../src/report/batching-csv.ts";
import { adviceLines } from "../../src/report/batching-pages.ts";
import { rulesOfThumb } from "../../src/report/batching-rules.ts";
import { kneeText, safeBasis, wholePercents } from "../../src/report/batching-words.ts";

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
    kvUsageMaxPct: 12.345,
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
  ...{ rates: [], replay: null, advice: ADVICE, safeRatePerS: null, slo: null },
};
const SETTING = { machine: "an H200", model: "a model", promptTokens: 200, outputTokens: 64 };

describe("rules of thumb", () => {
  it("have the user's own numbers in them", () => {
    expect(rulesOfThumb(TABLES, SETTING)).toEqual([
      "On an H200 with a model, 4–8 requests in flight are the sweet spot for 200 prompt and 64 output tokens: " +
        "500–950 tok/s at an end-to-end p95 of at most 0.3 s.",
      "Beyond 8 requests in flight, p95 pays for little: from 8 to 16 throughput changes by +5 % and the end-to-end p95 " +
        "by +100 % (0.3 s → 0.6 s). Alert when more than 8 run at once for long.",
      "One request at a time gets 125 tok/s in its best round, 13 % of the 1,000 tok/s at 16, with the GPU busy 30 % of the time: it is " +
        "under-fed: little traffic cannot reach the headline number.",
      "Safe operating point: up to 8 requests in flight (950 tok/s at an end-to-end p95 of 0.3 s, KV cache up to " +
        "12.3 % full; no SLO was given, so it is the knee itself).",
    ]);
  });

  it("claim nothing beyond what was measured where the knee was not reached", () => {
    const knee = { ...ADVICE.knee!, load: 16, tokensPerS: 1000, reached: false };
    const open = { ...ADVICE, knee, sweetSpot: [4, 16] as const, safe: point(16, 1000) };
    const tables = { ...TABLES, advice: open };
    const rules = rulesOfThumb(tables, SETTING);
    expect(rules[0]).toBe(
      "On an H200 with a model the sweet spot for 200 prompt and 64 output tokens is 4 or more requests in flight: " +
        "500–1,000 tok/s at 4–16, the most that was measured, at an end-to-end p95 of at most 0.6 s.",
    );
    expect(rules[1]).toContain("The knee was not reached");
    expect(rules.at(-1)).toContain("; the highest load that was measured; no bound was found).");
    expect(kneeText(knee)).toMatch(
      /^at 16 requests in flight or beyond, not reached: .*10 % have it at 16 or beyond$/,
    );
    const lines = adviceLines(tables).join("\n");
    expect(lines).toContain("- Sweet spot: 4 or more requests in flight\n");
    expect(lines).toMatch(
      /- Safe operating point: .* \(the highest load that was measured; no bound was found\)/,
    );
    expect(rules.concat(lines).join()).not.toContain("the knee itself");

    const whole = { ...TABLES, advice: { ...open, sweetSpot: [1, 16] as const } };
    expect(rulesOfThumb(whole, SETTING).join()).not.toContain("sweet spot");
    expect(adviceLines(whole)).toContain("- Sweet spot: not found: it may be anything from 1 in flight on");
  });

  it("say why a safe point is below the knee, or at the last level that was whole", () => {
    expect(safeBasis({ ...TABLES, advice: { ...ADVICE, safe: point(4, 500) } })).toMatch(
      /^no SLO.*preempted/,
    );
    const knee = { ...ADVICE.knee!, load: 8, reached: false };
    const sweep = [...TABLES.sweep.slice(0, 3), row(16, 1000, 0.6, { failed: 2 })];
    const tables = { ...TABLES, sweep, advice: { ...ADVICE, knee } };
    expect(safeBasis(tables)).toMatch(/measured whole, above it requests failed$/);
    expect(adviceLines(tables)).toContain("- Sweet spot: 4–8");
  });

  it("name the highest arrival rate that kept the SLO", () => {
    const open = { ...TABLES, rates: [row(5, 300, 0.2), row(10, 600, 0.3)], slo: { e2eP95Ms: 250 } };
    const kept = { ...open, safeRatePerS: 5 };
    expect(rulesOfThumb(kept, SETTING).at(-1)).toMatch(
      /end-to-end p95 ≤ 250 ms\); up to 5 requests\/s keep the SLO\.$/,
    );
    expect(adviceLines(kept)).toContain("- Arrival rate (open loop): up to 5 requests/s keep the SLO");
    expect(adviceLines({ ...open, safeRatePerS: 10 }).join()).toContain(
      "SLO, the highest rate that was measured",
    );
    expect(adviceLines(open).join()).toContain(
      "no measured arrival rate keeps the SLO, the lowest was 5 requests/s",
    );
    expect(adviceLines({ ...open, slo: null }).join()).not.toContain("Arrival rate");
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

it.each([
  [
    [0.335, 0.335, 0.33],
    [34, 33, 33],
  ],
  [
    [0.505, 0.495],
    [51, 49],
  ],
  [
    [0.9, 0.1],
    [90, 10],
  ],
  // What is not named is not given away.
  [
    [0.6, 0.2],
    [60, 20],
  ],
  [[], []],
])("shares %j are %j %%", (shares, percents) => {
  expect(wholePercents(shares)).toEqual(percents);
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
