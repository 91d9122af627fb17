import type { BatchingBenchmark, LoadRow } from "../domain/batching-study.ts";
import { csv, rounded } from "./csv.ts";

/** The sweep's columns as the seed has them; ours follow, and are only ever appended. */
const LATENCY_COLUMNS = ["mean_e2e_s", "p95_e2e_s", "qps", "tok_s", "gpu_util_pct", "notes"] as const;

const OUR_COLUMNS = [
  "tok_s_worst_round",
  "total_tok_s",
  "ttft_p50_ms",
  "ttft_p95_ms",
  "itl_p50_ms",
  "itl_p95_ms",
  "tpot_p50_ms",
  "e2e_p50_s",
  "running_max",
  "waiting_max",
  "preemptions",
  "kv_usage_max_pct",
  "goodput_rps",
  "slo_met_pct",
  "requests",
  "failed",
  "rounds",
] as const;

/** Appended later: in `rate_sweep.csv` they come after its own last column. */
const LATER_COLUMNS = ["tok_s_best_round", "qps_worst_round", "qps_best_round", "gauge_readings"] as const;

function laterCells(row: LoadRow): (number | null)[] {
  return [rounded(row.tokSMost, 2), rounded(row.qpsLeast, 4), rounded(row.qpsMost, 4), row.gaugeReadings];
}

function cells(row: LoadRow): (string | number | null)[] {
  return [
    rounded(row.meanE2eS, 6),
    rounded(row.p95E2eS, 6),
    rounded(row.qps, 4),
    rounded(row.tokS, 2),
    rounded(row.gpuUtilPct, 1),
    row.notes.join("; "),
    rounded(row.tokSLeast, 2),
    rounded(row.totalTokS, 2),
    rounded(row.ttftP50Ms, 3),
    rounded(row.ttftP95Ms, 3),
    rounded(row.itlP50Ms, 3),
    rounded(row.itlP95Ms, 3),
    rounded(row.tpotP50Ms, 3),
    rounded(row.e2eP50Ms === null ? null : row.e2eP50Ms / 1000, 6),
    row.runningMax,
    row.waitingMax,
    row.preemptions,
    rounded(row.kvUsageMaxPct, 2),
    rounded(row.goodputRps, 4),
    rounded(row.sloMetPct, 2),
    row.requests,
    row.failed,
    row.rounds,
  ];
}

/** `csv/concurrency_sweep.csv`: a closed loop, a row for each number of requests in flight. */
export function sweepCsv(rows: readonly LoadRow[]): string {
  return csv(
    ["concurrency", ...LATENCY_COLUMNS, ...OUR_COLUMNS, ...LATER_COLUMNS],
    rows.map((row) => [row.load, ...cells(row), ...laterCells(row)]),
  );
}

/** `csv/rate_sweep.csv`: an open loop, a row for each rate of arrivals; rates are medians over the rounds. */
export function rateCsv(rows: readonly LoadRow[]): string {
  return csv(
    ["rate_rps", ...LATENCY_COLUMNS, ...OUR_COLUMNS, "late_p95_ms", ...LATER_COLUMNS],
    rows.map((row) => [rounded(row.load, 4), ...cells(row), rounded(row.lateP95Ms, 3), ...laterCells(row)]),
  );
}

/** `csv/batching_benchmark.csv`: one row, the medians of the repeats. */
export function benchmarkCsv(benchmark: BatchingBenchmark): string {
  const { sequential, concurrent } = benchmark;
  return csv(
    [
      "sequential_s",
      "concurrent_s",
      "sequential_qps",
      "concurrent_qps",
      "sequential_tok_s",
      "concurrent_tok_s",
      "sequential_total_tok_s",
      "concurrent_total_tok_s",
      "speedup",
      "n",
      "concurrency",
      "repeats",
    ],
    [
      [
        rounded(sequential.seconds, 4),
        rounded(concurrent.seconds, 4),
        rounded(sequential.qps, 4),
        rounded(concurrent.qps, 4),
        rounded(sequential.tokS, 2),
        rounded(concurrent.tokS, 2),
        rounded(sequential.totalTokS, 2),
        rounded(concurrent.totalTokS, 2),
        rounded(benchmark.speedup, 3),
        benchmark.n,
        benchmark.concurrency,
        benchmark.repeats,
      ],
    ],
  );
}

/** The benchmark as the seed's client prints it, with each repeat. Tokens are output tokens. */
export function benchmarkJson(benchmark: BatchingBenchmark): string {
  const flat = ({ sequential, concurrent }: Pick<BatchingBenchmark, "sequential" | "concurrent">) => ({
    sequential_s: sequential.seconds,
    concurrent_s: concurrent.seconds,
    sequential_qps: sequential.qps,
    concurrent_qps: concurrent.qps,
    sequential_tok_s: sequential.tokS,
    concurrent_tok_s: concurrent.tokS,
    sequential_total_tok_s: sequential.totalTokS,
    concurrent_total_tok_s: concurrent.totalTokS,
  });
  const { n, concurrency, repeats, speedup, runs } = benchmark;
  const value = { n, concurrency, ...flat(benchmark), speedup, repeats, runs: runs.map(flat) };
  return `${JSON.stringify(value, null, 1)}\n`;
}
