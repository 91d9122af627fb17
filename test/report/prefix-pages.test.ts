import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { PrefixComparison, PrefixMode, PrefixRow } from "../../src/domain/prefix-study.ts";
import { PREFIX_REQUEST_HEADER, prefixRequestsCsv, prefixRequestsName } from "../../src/report/prefix-csv.ts";
import { prefixLogLines } from "../../src/report/prefix-log-lines.ts";
import { renderPrefixResults } from "../../src/report/prefix-results.ts";
import { prefixRow, run, trace } from "../support/builders.ts";

function row(mode: PrefixMode, more: Partial<PrefixRow> = {}): PrefixRow {
  const ttftS = { mean: 0.02, p50: 0.02, p95: 0.03 };
  return prefixRow({ mode, ttftS, e2eS: { mean: 0.2, p50: 0.2, p95: 0.3 }, ...more });
}

describe("the page of results", () => {
  const pageOf = (
    more: Partial<PrefixComparison>,
    given: Partial<Parameters<typeof renderPrefixResults>[0]> = {},
  ) => {
    const rows = [
      row("off", { requests: 64 }),
      row("on", { quiet: false, notes: ["not quiet"] }),
      row("on", { workload: "miss" }),
    ];
    const cell: PrefixComparison = {
      workload: "policy",
      regime: "512",
      concurrency: 8,
      off: rows[0]!,
      on: rows[1]!,
      ttftP50: -0.41,
      ttftP95: -0.37,
      e2eP95: -0.42,
      requestsPerS: -0.49,
      tokensPerS: -0.49,
      vramMib: null,
      savingWithin: 0.49,
      missTtftS: null,
      control: 0,
      predictedSaving: 0.93,
      hits: 1,
      expectedTtftS: null,
      saving: 0.49,
      quiet: false,
      win: "latency_throughput_loss",
      reason: null,
      ...more,
    };
    const study = {
      schemaVersion: 1,
      rows,
      comparisons: [cell],
      interpretation: [],
      conclusion: [],
      doubts: [],
    } as const;
    const log = { startup: [], pressure: [], hitRate: "Prefix cache hit rate: 48.9%" };
    return renderPrefixResults({
      run: run(),
      study,
      titles: {},
      prompts: [],
      log,
      meantToMiss: 0.5,
      command: "x",
      ...given,
    });
  };

  it("says how much was measured, and how long the answers were", () => {
    expect(pageOf({})).toContain(
      "Each cell is 32 to 64 requests to each kind of server, as many misses beside the hits of the main workload, with " +
        "answers of 32 output tokens, in 1 round on 1 server of each kind.",
    );
  });

  it("has what a cell won or lost, and whether it was quiet, in its notes", () => {
    expect(pageOf({})).toMatch(/latency win, throughput loss; on: not quiet +\|/);
    expect(pageOf({ on: row("on") })).toMatch(/throughput loss; misses: not quiet +\|/);
    expect(pageOf({ on: row("on"), quiet: true })).not.toContain("not quiet");
  });

  it("says of the log's hit rate what half of it is of, where it is so", () => {
    expect(pageOf({})).toContain(
      "Its last word on the hit rate, hits and misses together: 50 % of the requests that were measured on it were meant to miss:",
    );
    for (const meantToMiss of [0, null])
      expect(pageOf({}, { meantToMiss })).toContain("Its last word on the hit rate:\n");
  });
});

describe("what the server's log says of its prefix cache", () => {
  it("is found in a real one, long lines cut around the setting", async () => {
    const log = await readFile(new URL("../fixtures/vllm-0.22.0-h200/noapc.log", import.meta.url), "utf8");
    const { startup, pressure, hitRate } = prefixLogLines(log);
    expect(startup.some((line) => line.includes("enable_prefix_caching"))).toBe(true);
    expect(startup.some((line) => line.includes("GPU KV cache size"))).toBe(true);
    expect(startup.every((line) => line.length < 260)).toBe(true);
    expect(pressure).toEqual([]);
    expect(hitRate).toContain("Prefix cache hit rate: 0.0%");
  });

  it("has the last hit rate, and words of memory that ran short", () => {
    const log = [
      "1.0 out Prefix cache hit rate: 10.0%",
      "2.0 out WARNING Sequence group 3 is preempted by PreemptionMode.RECOMPUTE",
      `3.0 out ${"x".repeat(300)} Prefix cache hit rate: 87.5%`,
    ].join("\n");
    const { pressure, hitRate } = prefixLogLines(log);
    expect(pressure).toEqual(["2.0 out WARNING Sequence group 3 is preempted by PreemptionMode.RECOMPUTE"]);
    expect(hitRate).toMatch(/^3\.0 out x+ … Prefix cache hit rate: 87\.5% …$/);
  });
});

describe("the requests of a cell", () => {
  it("lie under the experiment's names; other workloads say theirs", () => {
    const cell = { workload: "policy", regime: "1024", concurrency: 1 };
    expect(prefixRequestsName("off", cell, "policy")).toBe("csv/sequential_off_1024_1.csv");
    expect(prefixRequestsName("on", { ...cell, concurrency: 16 }, "policy")).toBe(
      "csv/concurrent_on_1024_16.csv",
    );
    expect(prefixRequestsName("on", { ...cell, workload: "miss" }, "policy")).toBe(
      "csv/sequential_on_miss-1024_1.csv",
    );
  });

  it("are a line each, those that failed too, and no text of theirs is a formula", () => {
    const failed = trace({
      outcome: "http_error",
      status: 400,
      error: '=HYPERLINK("x"), too long',
      firstTokenS: null,
      lastTokenS: null,
      outputTokens: null,
      arrivals: [],
    });
    const [header, ok, bad] = prefixRequestsCsv([trace(), failed]).split("\n");
    expect(header).toBe(PREFIX_REQUEST_HEADER.join(","));
    expect(ok).toBe("10,10.02,10.0321,200,4,200,,batching.c8.0,0,0,ok,,0.02,0.0321,0.032");
    expect(bad).toContain(`10,,10.0321,200,,400,"'=HYPERLINK(""x""), too long",`);
  });
});
