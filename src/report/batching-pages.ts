import type { BatchingTables, LoadRow } from "../domain/batching-study.ts";
import type { RunRecord } from "../domain/run.ts";
import { rulesOfThumb, type Setting } from "./batching-rules.ts";
import { kneeText, pointText, rateText, safeBasis, sloText, sweetSpotText } from "./batching-words.ts";
import { environmentLines, LOG_PAGE, renderLogPage } from "./log-page.ts";
import { plain, table } from "./markdown.ts";
import { formatNumber } from "./numbers.ts";

/** What the pages of a batching study are made from. */
export interface BatchingPages {
  readonly run: RunRecord;
  readonly tables: BatchingTables;
  readonly command: string;
  /** Of a request, in tokens; null for the user's own. */
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  /** Files of the run folder that the study wrote. */
  readonly artifacts: readonly string[];
}

const COLUMNS = ["concurrency", "mean_e2e_s", "p95_e2e_s", "qps", "tok_s", "gpu_util_pct", "notes"];
const MORE_COLUMNS = [
  "load",
  "TTFT p50 / p95",
  "inter-token p50 / p95",
  "running / waiting (sampled)",
  "preempted",
  "KV used (sampled)",
  "goodput",
];

/** Of the arrivals' own rate there is no best round. */
const HOW_RATES_ARE_MADE =
  "Rates are the median over the rounds, with the worst and the best in brackets: arrivals set them, and a round is better " +
  "by luck alone. Latencies count from the planned time of each request, over all rounds.";

const HOW_GAUGES_ARE_READ =
  "Running, waiting and KV use are the most that any reading of the server's gauges showed. They are read twice a second, " +
  "so a peak between two readings is not in them; preemptions are counted by the server.";

const HOW_ROWS_ARE_MADE =
  "Rates are those of each level's best round, since interference only takes away; latencies are over all requests of all " +
  "rounds. The first and the last wave of a level bring its load up and down and are left out.";

/** A number with four digits that matter, or a dash for what was not measured. */
export const short = (value: number | null, digits = 4) =>
  value === null ? "–" : formatNumber(Number(value.toPrecision(digits)));
const pair = (a: number | null, b: number | null, unit = "") =>
  a === null && b === null ? "–" : `${short(a, 3)} / ${short(b, 3)}${unit}`;

/** A rate with those of the worst and the best round. */
const withSpread = (value: number | null, least: number | null, most: number | null) =>
  least === null || most === null || least === most
    ? short(value)
    : `${short(value)} (${short(least)}–${short(most)})`;

/** The machine and the model in words. */
export function settingOf({ run, promptTokens, outputTokens }: BatchingPages): Setting {
  const machine = run.fingerprint;
  const gpus = Number(machine["gpuCount"] ?? 1);
  const gpu = machine["gpuModel"] == null ? null : `${gpus > 1 ? `${gpus} × ` : ""}${machine["gpuModel"]}`;
  return {
    machine: gpu ?? String(machine["cpuModel"] ?? "this machine"),
    model: String(machine["model"] ?? "this model"),
    promptTokens,
    outputTokens,
  };
}

function sweepTable(rows: readonly LoadRow[], first = "concurrency"): string {
  return table(
    [first, ...COLUMNS.slice(1)],
    rows.map((row) => [
      short(row.load),
      short(row.meanE2eS),
      short(row.p95E2eS),
      first === "concurrency" ? short(row.qps) : withSpread(row.qps, row.qpsLeast, row.qpsMost),
      first === "concurrency" ? short(row.tokS) : withSpread(row.tokS, row.tokSLeast, row.tokSMost),
      row.gpuUtilPct === null ? "" : short(row.gpuUtilPct, 3),
      plain(row.notes.join("; ")),
    ]),
  );
}

function detailTable(rows: readonly LoadRow[]): string {
  return table(
    MORE_COLUMNS,
    rows.map((row) => [
      short(row.load),
      pair(row.ttftP50Ms, row.ttftP95Ms, " ms"),
      pair(row.itlP50Ms, row.itlP95Ms, " ms"),
      pair(row.runningMax, row.waitingMax),
      short(row.preemptions),
      row.kvUsageMaxPct === null ? "–" : `${short(row.kvUsageMaxPct, 3)} %`,
      row.goodputRps === null ? "–" : `${short(row.goodputRps, 3)} /s (${short(row.sloMetPct, 3)} %)`,
    ]),
  );
}

function benchmarkTable({ benchmark }: BatchingTables): string {
  if (benchmark === null) return "Not measured.";
  const { sequential, concurrent, n, concurrency, repeats } = benchmark;
  return [
    `${n} requests, one by one and with ${concurrency} in flight, median of ${repeats} repeat${repeats === 1 ? "" : "s"}; tok_s are output tokens.`,
    "",
    table(
      ["", "s", "qps", "tok_s", "total tok_s"],
      [
        [
          "sequential",
          short(sequential.seconds),
          short(sequential.qps),
          short(sequential.tokS),
          short(sequential.totalTokS),
        ],
        [
          "concurrent",
          short(concurrent.seconds),
          short(concurrent.qps),
          short(concurrent.tokS),
          short(concurrent.totalTokS),
        ],
        ["change", "", "", `×${benchmark.speedup.toFixed(2)}`, ""],
      ],
    ),
  ].join("\n");
}

/** A note on the GPU's utilisation, and what the number does not say. */
function utilisationNote({ sweep }: BatchingTables): string {
  const seen = sweep.filter((row) => row.gpuUtilPct !== null);
  const [first] = seen;
  const last = seen.at(-1);
  if (first === undefined || last === undefined) {
    return "GPU utilisation was not measured: no nvidia-smi readings fell in these cases.";
  }
  return (
    `The GPU was busy ${short(first.gpuUtilPct, 3)} % of the time at ${first.load} and ${short(last.gpuUtilPct, 3)} % at ${last.load}. ` +
    "It is the share of time in which any kernel ran, not how much of the GPU it used: throughput can grow at 100 %."
  );
}

/** Where to run, a line each. */
export function adviceLines(tables: BatchingTables): string[] {
  const { advice, slo } = tables;
  const rate = rateText(tables);
  return [
    `- SLO: ${slo === null ? "none given" : sloText(slo)}`,
    `- Knee: ${advice.knee === null ? "none" : kneeText(advice.knee)}`,
    `- Sweet spot: ${sweetSpotText(tables).text}`,
    `- Latency-minded (chat): ${pointText(advice.latencyMinded)}`,
    `- Throughput-minded (offline): ${pointText(advice.throughputMinded)}`,
    `- Safe operating point: ${pointText(advice.safe)}${advice.safe === null ? "" : ` (${safeBasis(tables)})`}`,
    ...(rate === null ? [] : [`- Arrival rate (open loop): ${rate}`]),
    ...advice.why.map((each) => `- ${each}`),
  ];
}

function sections(pages: BatchingPages): string[] {
  const { tables } = pages;
  const open = [...tables.rates, ...(tables.replay === null ? [] : [tables.replay])];
  return [
    "## Sequential against concurrent",
    benchmarkTable(tables),
    "## Concurrency sweep (closed loop)",
    ...(tables.sweep.length === 0
      ? ["Not measured."]
      : [
          sweepTable(tables.sweep),
          HOW_ROWS_ARE_MADE,
          detailTable(tables.sweep),
          HOW_GAUGES_ARE_READ,
          utilisationNote(tables),
        ]),
    ...(open.length === 0
      ? []
      : [
          "## Arrival rates (open loop)",
          sweepTable(open, "requests/s"),
          HOW_RATES_ARE_MADE,
          detailTable(open),
        ]),
    "## Where to run",
    adviceLines(tables).join("\n"),
    "## Rules of thumb",
    rulesOfThumb(tables, settingOf(pages))
      .map((rule) => `- ${plain(rule)}`)
      .join("\n"),
  ];
}

/** `logs/batching_benchmark.md` */
export function renderBatchingBenchmark(pages: BatchingPages): string {
  const { promptTokens, outputTokens, run } = pages;
  const work =
    promptTokens === null
      ? "- Requests: the scenario's own traffic"
      : `- Requests: unique prompts of ${promptTokens} tokens, ${outputTokens} tokens out (fixed)`;
  return `${[
    `# Batching benchmark: ${plain(run.scenario)}`,
    [...environmentLines(run), work].join("\n"),
    ...sections(pages),
  ].join("\n\n")}\n`;
}

function droppedLines({ study }: RunRecord): string[] {
  const dropped = study?.dropped ?? [];
  if (dropped.length === 0) return [];
  return ["## Left out", dropped.map(({ cell, reason }) => `- ${plain(cell)}: ${plain(reason)}`).join("\n")];
}

/** `report.md` of a batching study. */
export function renderBatchingReport(pages: BatchingPages): string {
  return `${[
    `# Batching study: ${plain(pages.run.scenario)}`,
    environmentLines(pages.run).join("\n"),
    ...sections(pages),
    ...droppedLines(pages.run),
    "## Files",
    [...pages.artifacts, LOG_PAGE].map((name) => `- \`${name}\``).join("\n"),
  ].join("\n\n")}\n`;
}

/** The log page of a batching study. */
export function renderBatchingLog(pages: BatchingPages): string {
  const { run, tables, command, artifacts } = pages;
  const { benchmark } = tables;
  const throughput =
    benchmark === null
      ? []
      : [
          `- Throughput tok/s (1 vs ${benchmark.concurrency} concurrent): ${short(benchmark.sequential.tokS)} vs ${short(benchmark.concurrent.tokS)}, medians; the sweep has the best rounds`,
        ];
  return renderLogPage({
    title: `Batching study: ${run.scenario}`,
    run,
    commands: [command],
    keyNumbers: [
      [...throughput, ...adviceLines(tables)].join("\n"),
      ...(tables.sweep.length === 0 ? [] : [sweepTable(tables.sweep)]),
    ],
    artifacts,
    observations: [
      ...rulesOfThumb(tables, settingOf(pages)),
      ...(run.study?.dropped ?? []).map(({ cell, reason }) => `${cell}: ${reason}`),
    ],
  });
}
