import { describe, expect, it } from "vitest";
import type { RunRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { batchingTables } from "../../src/measure/batching-study.ts";
import { startCells } from "../../src/measure/cold-study.ts";
import { analyseKvStudy } from "../../src/measure/kv-study.ts";
import { measureRun } from "../../src/measure/measure.ts";
import { prefixRows, requestsOf, studiedSessions } from "../../src/measure/prefix-study.ts";
import { type AllocatorCell, allocatorCsv } from "../../src/report/allocator-pages.ts";
import { benchmarkCsv, rateCsv, sweepCsv } from "../../src/report/batching-csv.ts";
import { coldstartCsv } from "../../src/report/coldstart-pages.ts";
import { renderKvCsv } from "../../src/report/kv-csv.ts";
import { prefixRequestsCsv, prefixSummaryCsv } from "../../src/report/prefix-csv.ts";
import { caseRecord, run, session, timedTrace } from "../support/builders.ts";
import { csvRows } from "../support/csv.ts";
import { filledSession } from "../support/kv-fill.ts";

type Row = Readonly<Record<string, string>>;

/** Requests of a case whose times differ from each other, sent one after another by so many senders. */
function requests(
  place: Partial<RequestTrace> & { readonly probe: string; readonly case: string },
  { count, concurrency, tokens }: { count: number; concurrency: number; tokens: number },
): RequestTrace[] {
  return Array.from({ length: count }, (_, index) => {
    const startS = 10 + Math.floor(index / concurrency) * 0.5 + (index % concurrency) * 0.001;
    const times = { startS, ttftMs: 20 + (index % 7), tpotMs: 2 + (index % 5) / 10, tokens };
    return timedTrace(times, { id: `${place.probe}.${place.case}.${index}`, ...place });
  });
}

const recordOf = (traces: readonly RequestTrace[], more: Parameters<typeof caseRecord>[0]) =>
  caseRecord({
    startS: Math.min(...traces.map(({ startS }) => startS)),
    endS: Math.max(...traces.map(({ endS }) => endS)),
    ...more,
  });

/** The same requests, one of which was answered later. */
function delayed(traces: readonly RequestTrace[], at: number, byS = 0.1): RequestTrace[] {
  return traces.map((each, index) =>
    index !== at
      ? each
      : {
          ...each,
          firstTokenS: each.firstTokenS! + byS,
          lastTokenS: each.lastTokenS! + byS,
          endS: each.endS + byS,
          arrivals: each.arrivals!.map(([atS, tokens]): [number, number] => [atS + byS, tokens]),
        },
  );
}

/** A cell holds a number as it is, rounded where the cell ends, and nothing where there is none. */
function expectCell(row: Row, name: string, value: number | null): void {
  const text = row[name] ?? "";
  if (value === null) {
    expect(text, name).toBe("");
    return;
  }
  expect(text, name).toMatch(/^-?\d+(\.\d+)?$/);
  const decimals = text.split(".")[1]?.length ?? 0;
  // Trailing zeros are not written: at least what is shown is right, at the precision of the column or better.
  expect(Math.abs(Number(text) - value), `${name}: ${text} of ${value}`).toBeLessThanOrEqual(
    Math.max(0.5 * 10 ** -decimals, 1e-9) * 1.000001,
  );
}

const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);
function p50(values: readonly number[]): number {
  const all = sorted(values);
  return (all[Math.floor((all.length - 1) / 2)]! + all[Math.floor(all.length / 2)]!) / 2;
}
/** Of 40 values a twentieth of the way from the 38th to the 39th. */
function p95of40(values: readonly number[]): number {
  const [low, high] = [sorted(values)[37]!, sorted(values)[38]!];
  return low + (high - low) * 0.05;
}
const e2eS = ({ startS, lastTokenS }: RequestTrace) => lastTokenS! - startS;
const ttftS = ({ startS, firstTokenS }: RequestTrace) => firstTokenS! - startS;

/** Names of the cells that differ between two files, by row. */
function changedCells(before: string, after: string): string[] {
  const [old, now] = [csvRows(before).rows, csvRows(after).rows];
  return now.flatMap((row, index) =>
    Object.keys(row)
      .filter((name) => row[name] !== old[index]?.[name])
      .map((name) => `${index} ${name}`),
  );
}

describe("rate_sweep.csv and concurrency_sweep.csv", () => {
  const open = requests({ probe: "batching", case: "rate4" }, { count: 40, concurrency: 1, tokens: 16 }).map(
    (each) => ({ ...each, plannedS: each.startS - 0.002 }),
  );
  const closed = requests({ probe: "batching", case: "c4" }, { count: 40, concurrency: 4, tokens: 16 });
  const tables = (openTraces: readonly RequestTrace[], closedTraces: readonly RequestTrace[]) => {
    const cases = [
      recordOf(openTraces, { case: "rate4", concurrency: 64 }),
      recordOf(closedTraces, { case: "c4", concurrency: 4 }),
    ];
    const record = run({ sessions: [session({ cases })] });
    const grid = { concurrency: [4], rates: [4], benchmarkConcurrency: 4, slo: null };
    return batchingTables(studiedSessions(record, [...openTraces, ...closedTraces]), grid);
  };
  const { rates, sweep } = tables(open, closed);

  it("hold what follows from the traces alone", () => {
    const [row] = csvRows(rateCsv(rates)).rows;
    const seconds = Math.max(...open.map(({ endS }) => endS)) - open[0]!.startS;
    // What its user waits begins when it was to be sent.
    const e2e = open.map(({ plannedS, lastTokenS }) => lastTokenS! - plannedS!);
    const ttft = open.map(({ plannedS, firstTokenS }) => (firstTokenS! - plannedS!) * 1000);
    expectCell(row!, "mean_e2e_s", mean(e2e));
    expectCell(row!, "p95_e2e_s", p95of40(e2e));
    expectCell(row!, "e2e_p50_s", p50(e2e));
    expectCell(row!, "ttft_p50_ms", p50(ttft));
    expectCell(row!, "ttft_p95_ms", p95of40(ttft));
    expectCell(row!, "qps", 40 / seconds);
    expectCell(row!, "tok_s", (40 * 16) / seconds);
    expectCell(row!, "total_tok_s", (40 * (16 + 200)) / seconds);
    expectCell(row!, "late_p95_ms", 2);
    expectCell(row!, "requests", 40);
    expectCell(row!, "gpu_util_pct", null);
  });

  it("change with one trace, in its own row", () => {
    const slower = tables(delayed(open, 7), delayed(closed, 17));
    expect(changedCells(rateCsv(rates), rateCsv(slower.rates))).toEqual(
      expect.arrayContaining(["0 mean_e2e_s"]),
    );
    expect(changedCells(sweepCsv(sweep), sweepCsv(slower.sweep))).toEqual(
      expect.arrayContaining(["0 mean_e2e_s"]),
    );
    const onlyOpen = tables(delayed(open, 7), closed);
    expect(sweepCsv(onlyOpen.sweep)).toBe(sweepCsv(sweep));
  });
});

it("batching_benchmark.csv holds what follows from the traces, and changes with one", () => {
  const sequential = requests(
    { probe: "batching", case: "sequential" },
    { count: 8, concurrency: 1, tokens: 16 },
  );
  const concurrent = requests(
    { probe: "batching", case: "concurrent" },
    { count: 8, concurrency: 8, tokens: 16 },
  );
  const text = (one: readonly RequestTrace[], many: readonly RequestTrace[]) => {
    const cases = [
      recordOf(one, { case: "sequential", concurrency: 1 }),
      recordOf(many, { case: "concurrent", concurrency: 8 }),
    ];
    const record = run({ sessions: [session({ cases })] });
    const grid = { concurrency: [], rates: [], benchmarkConcurrency: 8, slo: null };
    return benchmarkCsv(batchingTables(studiedSessions(record, [...one, ...many]), grid).benchmark!);
  };
  const before = text(sequential, concurrent);
  const [row] = csvRows(before).rows;
  const spanOf = (traces: readonly RequestTrace[]) =>
    Math.max(...traces.map(({ endS }) => endS)) - Math.min(...traces.map(({ startS }) => startS));
  expectCell(row!, "sequential_s", spanOf(sequential));
  expectCell(row!, "concurrent_s", spanOf(concurrent));
  expectCell(row!, "concurrent_tok_s", (8 * 16) / spanOf(concurrent));
  expectCell(row!, "sequential_qps", 8 / spanOf(sequential));
  expectCell(row!, "speedup", spanOf(sequential) / spanOf(concurrent));
  expect(changedCells(before, text(delayed(sequential, 7), concurrent))).toEqual(
    expect.arrayContaining(["0 sequential_s", "0 speedup"]),
  );
});

describe("prefix_summary.csv and the requests' files", () => {
  const CASE = "hit.1024.c1";
  const traces = requests(
    { variant: "on", probe: "prefix", case: CASE, promptTokens: 1050, cachedTokens: 1024 },
    { count: 40, concurrency: 1, tokens: 8 },
  );
  const cell = { workload: "policy", regime: "1024", concurrency: 1, case: CASE };
  const texts = (all: readonly RequestTrace[]) => {
    const counters = { ...caseRecord().counters!, prefixQueriedTokens: 1050, prefixHitTokens: 1024 };
    const cases = [recordOf(all, { probe: "prefix", case: CASE, concurrency: 1, mustMiss: false, counters })];
    const sessions = studiedSessions(run({ sessions: [session({ variant: "on", cases })] }), all);
    return {
      summary: prefixSummaryCsv(prefixRows(sessions, [cell])),
      requests: prefixRequestsCsv(requestsOf(sessions, "on", cell)),
    };
  };
  const before = texts(traces);

  it("hold what follows from the traces alone", () => {
    const [row] = csvRows(before.summary).rows;
    expectCell(row!, "mean_ttft_s", mean(traces.map(ttftS)));
    expectCell(row!, "p95_ttft_s", p95of40(traces.map(ttftS)));
    expectCell(row!, "p50_ttft_s", p50(traces.map(ttftS)));
    expectCell(row!, "mean_e2e_s", mean(traces.map(({ startS, endS }) => endS - startS)));
    expectCell(row!, "hit_rate", 1024 / 1050);
    expectCell(row!, "requests", 40);
    for (const [index, each] of csvRows(before.requests).rows.entries()) {
      const trace = traces[index]!;
      expectCell(each, "t_start", trace.startS);
      expectCell(each, "t_first_token", trace.firstTokenS);
      expectCell(each, "t_done", trace.endS);
      expectCell(each, "prompt_tokens", 1050);
      expectCell(each, "completion_tokens", 8);
      expectCell(each, "ttft_s", ttftS(trace));
      expectCell(each, "e2e_s", trace.endS - trace.startS);
    }
  });

  it("change with one trace", () => {
    const after = texts(delayed(traces, 12));
    expect(changedCells(before.summary, after.summary)).toContain("0 mean_ttft_s");
    expect(changedCells(before.requests, after.requests).every((name) => name.startsWith("12 "))).toBe(true);
    expect(changedCells(before.requests, after.requests)).toContain("12 ttft_s");
  });
});

describe("kv_cache_scaling.csv", () => {
  const lengths = [224, 352, 480, 608, 992, 1376, 1760];
  const filled = filledSession({ blocks: 8001, blockSize: 16, lengths });
  const kv = { ...filled.record.kv!, maxConcurrency: 62.5078125, memoryBytes: 8001 * 16 * 28_672 };
  const text = (traces: readonly RequestTrace[]) => {
    const record: RunRecord = run({
      sessions: [{ ...filled.record, variant: "2048", maxModelLen: 2048, readyS: 41.234, kv }],
      variants: { "2048": { args: [] } },
    });
    return renderKvCsv(
      analyseKvStudy({
        run: record,
        traces: traces.map((each) => ({ ...each, variant: "2048" })),
        lengths: [2048],
        wantConcurrency: 8,
      }).rows,
    );
  };

  it("holds what the server said of itself, and what the traces and gauges come to", () => {
    const [row] = csvRows(text(filled.traces)).rows;
    expectCell(row!, "max_model_len", 2048);
    expectCell(row!, "blocks", 8001);
    expectCell(row!, "block_size", 16);
    expectCell(row!, "max_concurrency", kv.maxConcurrency);
    expectCell(row!, "ready_s", 41.234);
    expectCell(row!, "kv_tokens", 8001 * 16);
    // The cache of the double takes a block of 16 tokens for 16 tokens.
    expect(Math.abs(Number(row!["bytes_per_token_measured"]) / 28_672 - 1)).toBeLessThan(0.01);
    expectCell(row!, "step_tokens", 16);
  });

  it("changes with one trace", () => {
    const last = filled.traces.length - 1;
    const longer = filled.traces.map((each, index) =>
      index === last ? { ...each, promptTokens: each.promptTokens! + 400 } : each,
    );
    expect(changedCells(text(filled.traces), text(longer))).toContain("0 bytes_per_token_measured");
  });
});

describe("coldstart.csv and allocator_latency_comparison.csv", () => {
  const cold = requests({ probe: "ttft", case: "cold" }, { count: 1, concurrency: 1, tokens: 16 });
  const warm = requests({ probe: "ttft", case: "warm" }, { count: 40, concurrency: 1, tokens: 16 });
  const load = requests({ probe: "batching", case: "c8" }, { count: 64, concurrency: 8, tokens: 16 });
  const texts = (all: readonly RequestTrace[]) => {
    const of = (name: string) => all.filter((each) => each.case === name);
    const cases = [
      recordOf(of("cold"), { probe: "ttft", case: "cold", concurrency: 1, mustMiss: false }),
      recordOf(of("warm"), { probe: "ttft", case: "warm", concurrency: 1, mustMiss: false }),
      recordOf(of("c8"), { probe: "batching", case: "c8", concurrency: 8 }),
    ];
    const record = run({ sessions: [session({ variant: "fresh-cold", cases, readyS: 41.2071 })] });
    const traces = all.map((each) => ({ ...each, variant: "fresh-cold" }));
    const measurements = measureRun(record, traces);
    const cells = startCells(record, traces, measurements);
    const [only] = cells;
    const allocator: AllocatorCell = { allocator: "glibc", thp: "madvise", cold: only!, warm: null };
    return {
      measurements,
      starts: coldstartCsv(cells),
      allocators: allocatorCsv([allocator]),
    };
  };
  const all = [...cold, ...warm, ...load];
  const before = texts(all);

  it("hold what is in run.json, in measurements.json, or follows from the traces", () => {
    const [start] = csvRows(before.starts).rows;
    expectCell(start!, "load_real_s", 41.2071);
    expectCell(start!, "cold_ttft_s", ttftS(cold[0]!));
    expectCell(start!, "cold_req_real_s", e2eS(cold[0]!));
    expectCell(start!, "warm_ttft_s", p50(warm.map(ttftS)));
    expectCell(start!, "warm_req_real_s", p50(warm.map(e2eS)));
    expectCell(start!, "log_weights_s", 1.52);
    const [row] = csvRows(before.allocators).rows;
    expectCell(row!, "cold_load_real_s", 41.2071);
    expectCell(row!, "warm_load_real_s", null);
    expectCell(row!, "gen_latency_s", p50(warm.map(e2eS)));
    expectCell(row!, "gen_latency_p95_s", p95of40(warm.map(e2eS)));
    const throughput = before.measurements.measurements.find(
      ({ metric }) => metric === "batching.c8.tokens_per_s",
    )!;
    expectCell(row!, "tokens_per_s_c8", throughput.value);
  });

  it("change with one trace", () => {
    const after = texts(delayed(all, 0));
    expect(changedCells(before.starts, after.starts)).toEqual(["0 cold_req_real_s", "0 cold_ttft_s"]);
    expect(changedCells(before.allocators, after.allocators)).toContain("0 cold_req_real_s");
    const slowLoad = texts(delayed(all, all.length - 1));
    expect(changedCells(before.allocators, slowLoad.allocators)).toEqual(["0 tokens_per_s_c8"]);
  });
});
