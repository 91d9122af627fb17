import {
  MISSES,
  type PrefixComparison,
  type PrefixRow,
  type PrefixStudy,
  type PromptFacts,
  type Spread,
} from "../domain/prefix-study.ts";
import type { RunRecord } from "../domain/run.ts";
import { environmentLines } from "./log-page.ts";
import { code, codeBlock, oneLine, plain, table } from "./markdown.ts";
import type { PrefixLogLines } from "./prefix-log-lines.ts";

/** Where the experiment's page lies in the run folder. */
export const PREFIX_RESULTS = "logs/prefix_caching_results.md";

/** What the pages are made from. */
export interface PrefixResults {
  readonly run: RunRecord;
  readonly study: PrefixStudy;
  /** What the workloads stand for, by their names. */
  readonly titles: Readonly<Record<string, string>>;
  readonly prompts: readonly PromptFacts[];
  /** Of the server with caching on. */
  readonly log: PrefixLogLines | null;
  /** Share of that server's measured requests whose prompts had to be new to it, 0 to 1; null where there were none. */
  readonly meantToMiss: number | null;
  readonly command: string;
}

const HEADER = [
  "prefix_regime",
  "concurrency",
  "p50/p95 TTFT off",
  "p50/p95 TTFT on",
  "TTFT p50",
  "TTFT p95",
  "req/s",
  "tok/s",
  "VRAM",
  "predicted P/(P+S)",
  "hit against miss",
  "hit rate",
  "notes",
];
const ALIGN = ["r", "r", "r", "r", "r", "r", "r", "r", "r", "r", "r", "r", "l"];

const WINS: Readonly<Record<Exclude<PrefixComparison["win"], "none">, string>> = {
  capacity: "capacity win",
  capacity_ux_loss: "capacity win, UX loss",
  latency: "latency win",
  latency_p95_loss: "latency win at the median, UX loss at p95",
  latency_throughput_loss: "latency win, throughput loss",
};

/** The canonical table of a workload: what caching changed by length and concurrency. */
export function prefixTable(cells: readonly PrefixComparison[]): string {
  return table(HEADER, cells.map(rowOf), ALIGN);
}

function rowOf(cell: PrefixComparison): string[] {
  const { off, on } = cell;
  const notes = [
    ...off.notes.map((note) => `off: ${note}`),
    ...on.notes.map((note) => `on: ${note}`),
    ...(!cell.quiet && off.quiet && on.quiet ? ["misses: not quiet"] : []),
  ];
  const win = cell.win === "none" ? (cell.reason?.name ?? "").replaceAll("_", " ") : WINS[cell.win];
  return [
    plain(cell.regime),
    String(cell.concurrency),
    milliseconds(off.ttftS),
    milliseconds(on.ttftS),
    change(cell.ttftP50),
    change(cell.ttftP95),
    change(cell.requestsPerS),
    change(cell.tokensPerS),
    on.vramPeakMib === null ? "not measured" : change(cell.vramMib),
    share(cell.predictedSaving),
    change(cell.savingWithin === null ? null : -cell.savingWithin),
    share(on.hitRate),
    plain([win, ...notes].filter((note) => note !== "").join("; ")),
  ];
}

function milliseconds(spread: Spread | null): string {
  if (spread === null) return "–";
  const p95 = spread.p95 === null ? "–" : (spread.p95 * 1000).toFixed(1);
  return `${(spread.p50 * 1000).toFixed(1)} / ${p95} ms`;
}

function change(value: number | null): string {
  if (value === null) return "–";
  const points = value * 100;
  if (Math.abs(points) < 0.05) return "0 %";
  return `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} %`;
}

function share(value: number | null): string {
  return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
}

const PROMPTS_HEADER = [
  "workload",
  "prefix_regime",
  "prompts",
  "prefixes",
  "shared tokens",
  "tokens",
  "sha256",
];

function promptsTable(prompts: readonly PromptFacts[]): string {
  return table(
    PROMPTS_HEADER,
    prompts.map((each) => [
      plain(each.workload),
      plain(each.regime),
      String(each.prompts),
      String(each.prefixes),
      String(each.sharedTokens),
      each.promptTokens.toFixed(0),
      each.prefixes === 1 ? code((each.hashes[0] ?? "").slice(0, 12)) : "–",
    ]),
    ["l", "r", "r", "r", "r", "r", "l"],
  );
}

/** How much was measured, without which no percentage can be judged: requests, lengths of answers, rounds, servers. */
function sizes(rows: readonly PrefixRow[]): string[] {
  const studied = rows.filter(({ workload }) => workload !== MISSES);
  if (studied.length === 0) return [];
  const answers = studied.flatMap(({ outputTokens }) => (outputTokens === null ? [] : [outputTokens]));
  const length =
    answers.length === 0 ? "of a length that no server told" : `of ${span(answers)} output tokens`;
  const misses =
    rows.length === studied.length ? "" : ", as many misses beside the hits of the main workload";
  const rounds = span(studied.map((row) => row.rounds));
  const servers = span(studied.map((row) => row.sessions));
  return [
    `Each cell is ${span(studied.map(({ requests }) => requests))} requests to each kind of server${misses}, with answers ${length}, in ` +
      `${rounds} ${rounds === "1" ? "round" : "rounds"} on ${servers} ${servers === "1" ? "server" : "servers"} of each kind.`,
  ];
}

/** `32`, or `32 to 64` */
function span(values: readonly number[]): string {
  const [least, most] = [Math.min(...values).toFixed(0), Math.max(...values).toFixed(0)];
  return least === most ? least : `${least} to ${most}`;
}

function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${plain(line)}`).join("\n");
}

/** `logs/prefix_caching_results.md`, which is the study's `report.md` too. */
export function renderPrefixResults(results: PrefixResults): string {
  const { run, study, titles, prompts, log } = results;
  const groups = [...Map.groupBy(study.comparisons, ({ workload }) => workload)];
  const tables = groups.flatMap(([workload, cells]) => [
    ...(groups.length === 1
      ? []
      : [`### ${plain(workload)}: ${plain(titles[workload] ?? "prompts of a file")}`]),
    prefixTable(cells),
  ]);
  const dropped = run.study?.dropped ?? [];
  return [
    `# Prefix caching: ${plain(run.scenario)}`,
    environmentLines(run).join("\n"),
    ...(study.doubts.length === 0 ? [] : ["## Before you rely on it", bullets(study.doubts)]),
    "## Results",
    "Caching off against on: times to the first token, and changes as shares of the value with caching off. `hit against miss` " +
      "is the median TTFT of hits against that of misses which took turns with them on the server with caching: what the two " +
      "servers differ by beside caching is not in it.",
    ...sizes(study.rows),
    ...(tables.length === 0 ? ["No cell was measured on both servers."] : tables),
    ...(dropped.length === 0 ? [] : [bullets(dropped.map(({ cell, reason }) => `${cell} was ${reason}`))]),
    "## Interpretation",
    ...study.interpretation.flatMap(({ title, lines }) => [`### ${plain(title)}`, bullets(lines)]),
    "## Conclusion",
    bullets(study.conclusion),
    "## The prompts",
    "Each prefix is the same byte by byte in all its prompts; behind it every request has a mark of its own, so that nothing " +
      `but the prefix is ever found. ${code("csv/prefix_prompts.jsonl")} holds them with the hashes.`,
    promptsTable(prompts),
    "## What the server said",
    ...logParts(log, results.meantToMiss),
    "## Run it again",
    codeBlock([results.command]),
    "",
  ].join("\n\n");
}

function logParts(log: PrefixLogLines | null, meantToMiss: number | null): string[] {
  if (log === null) return ["There is no log of the server with caching on."];
  return [
    log.startup.length === 0
      ? "Its log says nothing of the prefix cache at its start."
      : codeBlock(log.startup),
    log.pressure.length === 0 ? "It said nothing of memory that ran short." : codeBlock(log.pressure),
    ...(log.hitRate === null ? [] : [`${hitRateWords(meantToMiss)}:`, codeBlock([log.hitRate])]),
  ];
}

/** The log counts all requests together, the table those that share their prefix. */
function hitRateWords(meantToMiss: number | null): string {
  const said = "Its last word on the hit rate";
  if (meantToMiss === null || meantToMiss === 0) return said;
  return `${said}, hits and misses together: ${(meantToMiss * 100).toFixed(0)} % of the requests that were measured on it were meant to miss`;
}

/** For the terminal: a line a cell, then the conclusion. */
export function prefixSummaryText({ study }: Pick<PrefixResults, "study">): string {
  const lines = study.comparisons.map((cell) => {
    const ms = (spread: Spread | null) => (spread === null ? "–" : (spread.p50 * 1000).toFixed(1));
    return [
      `${cell.workload} ${cell.regime} tokens at ${cell.concurrency}:`.padEnd(32),
      `TTFT p50 ${ms(cell.off.ttftS)} → ${ms(cell.on.ttftS)} ms (${change(cell.ttftP50)}),`,
      ...(cell.savingWithin === null ? [] : [`hit against miss ${change(-cell.savingWithin)},`]),
      `tok/s ${change(cell.tokensPerS)},`,
      `hit rate ${share(cell.on.hitRate)}${cell.quiet ? "" : ", not quiet"}`,
    ].join(" ");
  });
  return [
    ...lines,
    "",
    ...study.doubts.map((doubt) => `! ${doubt}`),
    ...study.conclusion.map((each) => `- ${each}`),
  ]
    .map((line) => `${oneLine(line)}\n`)
    .join("");
}
