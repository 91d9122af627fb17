import { type Command, InvalidArgumentError } from "commander";
import type { GateConfig } from "../config/load.ts";
import type { BatchingTables } from "../domain/batching-study.ts";
import { NotMeasuredError, UsageError } from "../domain/errors.ts";
import { type Slo, sloSchema } from "../domain/operating.ts";
import { type TelemetryLine, telemetryLineSchema } from "../domain/telemetry.ts";
import { batchingTables } from "../measure/batching-study.ts";
import { groupTraces } from "../measure/case-data.ts";
import { batchingCells } from "../probe/batching-cells.ts";
import { equalRequests, ownRequests } from "../probe/traffic.ts";
import { benchmarkCsv, benchmarkJson, rateCsv, sweepCsv } from "../report/batching-csv.ts";
import {
  type BatchingPages,
  renderBatchingBenchmark,
  renderBatchingLog,
  renderBatchingReport,
} from "../report/batching-pages.ts";
import { batchingSummary } from "../report/batching-summary.ts";
import { LOG_PAGE } from "../report/log-page.ts";
import type { MeasuredStudy, StudyKind, StudyPlan, StudyReport } from "./study-kind.ts";

/** Most requests in flight of a level; the gate's probes have the same bound. */
const MAX_CONCURRENCY = 1024;
const MAX_RATE = 1000;

/** Options of `study batching`. */
export interface BatchingStudyOptions {
  readonly n: number;
  readonly concurrent: number;
  readonly concurrency: readonly number[];
  readonly waves: number;
  readonly rates: readonly number[];
  readonly openS: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly rounds: number;
  readonly sessions: number;
  /** The scenario's own requests in place of equal ones. */
  readonly traffic: boolean;
  readonly slo: Slo | null;
}

/** Sequential against concurrent, the sweep over concurrency and rates, its knee, and where to run. */
export const BATCHING_STUDY: StudyKind<BatchingStudyOptions> = {
  name: "batching",
  description: "throughput and latency over requests in flight: the knee, and a safe operating point",
  addOptions,
  readOptions,
  plan,
  report,
};

function addOptions(command: Command): Command {
  return command
    .option("--n <requests>", "requests sent one by one, and several at a time", whole(2, 10_000), 32)
    .option("--concurrent <k>", "requests in flight when several", whole(2, MAX_CONCURRENCY), 8)
    .option("--concurrency <list>", "levels of the sweep", wholeList, [1, 2, 4, 8, 16, 32])
    .option("--waves <n>", "requests of a level: at least this many times its concurrency", whole(1, 100), 3)
    .option(
      "--rates <list>",
      "also an open loop: Poisson arrivals at these requests per second",
      rateList,
      [],
    )
    .option("--open-seconds <s>", "how long each rate is sent in a round", whole(1, 3600), 30)
    .option("--prompt-tokens <n>", "length of the prompts", whole(1, 1_000_000), 200)
    .option("--output-tokens <n>", "length of the answers, always the same", whole(2, 100_000), 64)
    .option(
      "--rounds <n>",
      "repeats: the benchmark has their median, a level of the sweep its best, latencies all of them",
      whole(1, 50),
      3,
    )
    .option("--sessions <n>", "server starts", whole(1, 50), 1)
    .option("--traffic", "send the scenario's own requests (probes.traffic) in place of equal ones", false)
    .option("--slo-ttft-p95-ms <ms>", "promise: 95th percentile of the time to first token", milliseconds)
    .option("--slo-itl-p95-ms <ms>", "promise: 95th percentile of the gap between tokens", milliseconds)
    .option("--slo-e2e-p95-ms <ms>", "promise: 95th percentile of the whole request", milliseconds);
}

function readOptions(given: Readonly<Record<string, unknown>>): BatchingStudyOptions {
  const number = (name: string) => given[name] as number;
  const slo = {
    ttftP95Ms: given["sloTtftP95Ms"],
    itlP95Ms: given["sloItlP95Ms"],
    e2eP95Ms: given["sloE2eP95Ms"],
  };
  const named = Object.fromEntries(Object.entries(slo).filter(([, value]) => value !== undefined));
  return {
    n: number("n"),
    concurrent: number("concurrent"),
    concurrency: given["concurrency"] as number[],
    waves: number("waves"),
    rates: given["rates"] as number[],
    openS: number("openSeconds"),
    promptTokens: number("promptTokens"),
    outputTokens: number("outputTokens"),
    rounds: number("rounds"),
    sessions: number("sessions"),
    traffic: given["traffic"] === true,
    slo: Object.keys(named).length === 0 ? null : sloSchema.parse(named),
  };
}

async function plan(options: BatchingStudyOptions, config: GateConfig): Promise<StudyPlan> {
  const { n, concurrent, concurrency, waves, rates, openS, promptTokens, outputTokens } = options;
  const { traffic } = config;
  if (options.traffic && traffic === null) {
    throw new UsageError("--traffic: the scenario has no `probes.traffic`, which names the file of requests");
  }
  const own = options.traffic ? traffic : null;
  return {
    variants: { head: config.server },
    order: Array.from({ length: options.sessions }, () => "head"),
    rounds: options.rounds,
    cells: batchingCells({
      ...{ n, concurrent, concurrency, waves, rates, openS },
      source: own === null ? equalRequests({ promptTokens, outputTokens }) : ownRequests(own),
      replay: own?.mode === "open" ? own : null,
    }),
  };
}

async function report(study: MeasuredStudy<BatchingStudyOptions>): Promise<StudyReport> {
  const { options, run, traces, files, command } = study;
  const sessions = groupTraces(
    run.sessions.filter((session) => session.outcome === "ok"),
    traces,
  );
  if (traces.length > 0 && !traces.some((trace) => trace.phase === "measure" && trace.outcome === "ok")) {
    const said = traces.find((trace) => trace.error !== null)?.error ?? "no reason was given";
    throw new NotMeasuredError(
      `none of the ${traces.length} requests succeeded; the first was told: ${said}`,
    );
  }
  const grid = {
    concurrency: [...options.concurrency].sort((a, b) => a - b),
    rates: [...options.rates].sort((a, b) => a - b),
    benchmarkConcurrency: options.concurrent,
    slo: options.slo ?? run.slo ?? null,
  };
  const tables = batchingTables(sessions, grid, telemetryOf(await files.read("telemetry.jsonl")));
  const data = dataFiles(tables);
  const pages: BatchingPages = {
    run,
    tables,
    command,
    promptTokens: options.traffic ? null : options.promptTokens,
    outputTokens: options.traffic ? null : options.outputTokens,
    artifacts: [...data.map((file) => file.name), BENCHMARK_PAGE],
  };
  return {
    files: [
      ...data,
      { name: BENCHMARK_PAGE, text: renderBatchingBenchmark(pages) },
      { name: LOG_PAGE, text: renderBatchingLog(pages) },
    ],
    report: renderBatchingReport(pages),
    summary: batchingSummary(pages),
  };
}

const BENCHMARK_PAGE = "logs/batching_benchmark.md";

function dataFiles(tables: BatchingTables): { name: string; text: string }[] {
  const { benchmark, sweep, rates, replay } = tables;
  const open = [...rates, ...(replay === null ? [] : [replay])];
  return [
    ...(benchmark === null
      ? []
      : [
          { name: "csv/batching_benchmark.csv", text: benchmarkCsv(benchmark) },
          { name: "csv/batching_benchmark.json", text: benchmarkJson(benchmark) },
        ]),
    { name: "csv/concurrency_sweep.csv", text: sweepCsv(sweep) },
    ...(open.length === 0 ? [] : [{ name: "csv/rate_sweep.csv", text: rateCsv(open) }]),
    { name: "batching.json", text: `${JSON.stringify({ schemaVersion: 1, ...tables }, null, 1)}\n` },
  ];
}

/** The samples of a telemetry file; lines of another version are passed over. */
function telemetryOf(text: string | null): TelemetryLine[] {
  return (text ?? "").split("\n").flatMap((line) => {
    if (line === "") return [];
    try {
      const parsed = telemetryLineSchema.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      // The last line of a run that was killed may be half a line.
      return [];
    }
  });
}

function whole(from: number, to: number) {
  return (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= from && value <= to)) {
      throw new InvalidArgumentError(`expected a whole number from ${from} to ${to}`);
    }
    return value;
  };
}

function wholeList(text: string): number[] {
  const read = whole(1, MAX_CONCURRENCY);
  return [...new Set(text.split(",").map((each) => read(each.trim())))];
}

function rateList(text: string): number[] {
  const values = text.split(",").map(Number);
  if (!values.every((value) => value >= 0.01 && value <= MAX_RATE)) {
    throw new InvalidArgumentError(
      `expected requests per second from 0.01 to ${MAX_RATE}, separated by commas`,
    );
  }
  return [...new Set(values)];
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 3_600_000)) throw new InvalidArgumentError("expected milliseconds above 0");
  return value;
}
