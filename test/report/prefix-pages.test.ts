import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { PREFIX_REQUEST_HEADER, prefixRequestsCsv, prefixRequestsName } from "../../src/report/prefix-csv.ts";
import { prefixLogLines } from "../../src/report/prefix-log-lines.ts";
import { trace } from "../support/builders.ts";

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
