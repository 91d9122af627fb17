import type { RunRecord } from "../domain/run.ts";
import {
  COMPILE_CACHE_STATES,
  PAGE_CACHE_STATES,
  type PageCacheState,
  type StartCell,
  type TimedReading,
  type WeightReading,
} from "../domain/start-study.ts";
import { percent } from "./batching-words.ts";
import { csv, rounded } from "./csv.ts";
import { renderLogPage } from "./log-page.ts";
import { code, plain, table } from "./markdown.ts";
import { apartText, differenceOf, dirtySentences, spreadText } from "./start-numbers.ts";
import { columns } from "./terminal.ts";

export const COLDSTART_CSV = "csv/coldstart.csv";
export const COLDSTART_PAGE = "logs/coldstart.md";

/** What the pages of the cold-start study are made from. */
export interface ColdstartPages {
  readonly run: RunRecord;
  readonly cells: readonly StartCell[];
  readonly reading: WeightReading | null;
  readonly command: string;
  /** How the page cache was emptied. */
  readonly emptied: string;
}

const COLUMNS = [
  ["load_real_s", "readyS"],
  ["cold_req_real_s", "coldE2eS"],
  ["warm_req_real_s", "warmE2eS"],
  ["cold_ttft_s", "coldTtftS"],
  ["warm_ttft_s", "warmTtftS"],
  ["processes_s", "processesS"],
  ["load_weights_s", "modelS"],
  ["runtime_warmup_s", "warmupS"],
  ["unexplained_s", "unexplainedS"],
  ["log_weights_s", "weightsS"],
  ["weights_mib_per_s", "weightsMibPerS"],
  ["resident_share_before", "residentShare"],
  ["disk_read_mib", "diskReadMib"],
] as const;

/** A row for each start. `load_real_s` is spawn to ready. */
export function coldstartCsv(cells: readonly StartCell[]): string {
  const header = ["session", "compile_cache", "page_cache", ...COLUMNS.map(([name]) => name), "notes"];
  const rows = cells
    .flatMap(({ starts }) => starts)
    .sort((a, b) => a.session - b.session)
    .map((start) => [
      start.session,
      ...start.variant.split("-"),
      ...COLUMNS.map(([, key]) => rounded(start[key], 4)),
      start.dirty.join("; "),
    ]);
  return csv(header, rows);
}

const HEADER = [
  "compile cache",
  "page cache",
  "starts",
  "ready s",
  "processes s",
  "load_weights s",
  "runtime_warmup s",
  "cold TTFT s",
  "warm TTFT s",
  "cold/warm",
];

function tableRows(cells: readonly StartCell[]): string[][] {
  return cells.map(({ variant, starts, spread }) => {
    const { coldTtftS: cold, warmTtftS: warm } = spread;
    return [
      ...variant.split("-").map(plain),
      String(starts.length),
      spreadText(spread.readyS),
      spreadText(spread.processesS),
      spreadText(spread.modelS),
      spreadText(spread.warmupS),
      spreadText(cold),
      spreadText(warm),
      cold === null || warm === null ? "–" : `${(cold.median / warm.median).toFixed(1)}×`,
    ];
  });
}

/** The table for the terminal, and what it says. */
export function coldstartSummary(pages: ColdstartPages): string {
  const said = findings(pages).map((each) => `* ${each}`);
  return `${columns([HEADER, ...tableRows(pages.cells)]).join("\n")}\n\n${said.join("\n")}\n`;
}

/** `report.md` */
export function renderColdstart(pages: ColdstartPages): string {
  const { cells, run } = pages;
  const accounts = cells.flatMap(({ variant, starts }) => {
    const slowest = starts.toSorted((a, b) => (b.readyS ?? 0) - (a.readyS ?? 0))[0];
    const account = run.sessions.find(({ index }) => index === slowest?.session)?.coldStart;
    return account === undefined
      ? []
      : [`### ${plain(variant)}, its slowest start`, plain(account.paragraph)];
  });
  return [
    `# Cold starts: ${plain(run.scenario)}`,
    table(HEADER, tableRows(cells)),
    "Middle of the starts (smallest–largest). `load_weights` and `runtime_warmup` are the seed's terms, cut out of the server's log.",
    "## What it says",
    findings(pages)
      .map((each) => `- ${plain(each)}`)
      .join("\n"),
    ...(accounts.length === 0 ? [] : ["## Where the time goes", ...accounts]),
    `Each start is a row of ${code(COLDSTART_CSV)}.`,
    "",
  ].join("\n\n");
}

/** `logs/coldstart.md` */
export function renderColdstartLog(pages: ColdstartPages): string {
  return renderLogPage({
    title: `Cold starts: ${pages.run.scenario}`,
    run: pages.run,
    commands: [pages.command],
    keyNumbers: [table(HEADER, tableRows(pages.cells))],
    artifacts: [COLDSTART_CSV, COLDSTART_PAGE],
    observations: findings(pages),
  });
}

function findings({ cells, reading, emptied }: ColdstartPages): string[] {
  const said: string[] = [];
  const cell = (variant: string) => cells.find((each) => each.variant === variant);
  for (const page of PAGE_CACHE_STATES) {
    said.push(
      ...gapSentences(
        `Compiling anew, with a ${page} page cache,`,
        cell(`fresh-${page}`),
        cell(`kept-${page}`),
        "warmupS",
      ),
    );
  }
  for (const compile of COMPILE_CACHE_STATES) {
    said.push(
      ...gapSentences(
        `A cold page cache, with a ${compile} compile cache,`,
        cell(`${compile}-cold`),
        cell(`${compile}-warm`),
        "modelS",
      ),
    );
  }
  said.push(...readingSentences(reading), ...dirtySentences(cells.flatMap(({ starts }) => starts)));
  if (cells.some(({ variant }) => variant.endsWith("-cold")))
    said.push(`The page cache was emptied by ${emptied}.`);
  const shares = (state: PageCacheState) =>
    cells
      .filter(({ variant }) => variant.endsWith(`-${state}`))
      .flatMap(({ starts }) =>
        starts.map(({ residentShare }) => residentShare ?? (state === "cold" ? 0 : 1)),
      );
  const stayed = shares("cold").filter((share) => share > 0.05).length;
  if (stayed > 0) {
    said.push(
      `In ${stayed} start${stayed === 1 ? "" : "s"} that ${stayed === 1 ? "was" : "were"} to be cold, more than 5 % of the weights still lay in the page cache: another process holds them, or the file system keeps no others.`,
    );
  }
  const left = shares("warm").filter((share) => share < 0.95);
  if (left.length > 0) {
    said.push(
      `In ${left.length} start${left.length === 1 ? "" : "s"} that ${left.length === 1 ? "was" : "were"} to be warm, as little as ${percent(Math.min(...left))} of the weights lay in the page cache, although they had just been read: the kernel takes pages back, for want of memory or by a limit of the container.`,
    );
  }
  if (cells.some(({ variant }) => variant.startsWith("fresh"))) {
    said.push(
      "A fresh compile cache is an empty VLLM_CACHE_ROOT; what other libraries keep elsewhere (Triton's ~/.triton, FlashInfer) stays.",
    );
  }
  return said;
}

/** What one state costs against the other, in all and in the part of the start that it is about. */
function gapSentences(
  what: string,
  costly: StartCell | undefined,
  other: StartCell | undefined,
  part: "warmupS" | "modelS",
): string[] {
  const gap = differenceOf(costly?.spread.readyS ?? null, other?.spread.readyS ?? null);
  if (gap === null) return [];
  // The part that it is about first, then what moved more: libraries are read from the page cache too.
  const parts = TERMS.flatMap(([key, name]) => {
    const change = differenceOf(costly?.spread[key] ?? null, other?.spread[key] ?? null)?.change ?? null;
    return change === null ? [] : [{ key, name, change }];
  });
  const own = parts.find(({ key }) => key === part);
  const said = parts.filter(
    (each) => each === own || Math.abs(each.change) > Math.max(0.1, Math.abs(own?.change ?? 0)),
  );
  const inParts = said
    .sort((a, b) => Number(b === own) - Number(a === own))
    .map(({ name, change }) => `; ${name} ${secondsText(change)}`);
  return [
    `${what} moves the time to ready by ${secondsText(gap.change)} (${apartText(gap)})${inParts.join("")}.`,
  ];
}

const TERMS = [
  ["processesS", "processes and imports"],
  ["modelS", "load_weights"],
  ["warmupS", "runtime_warmup"],
] as const;

function secondsText(value: number): string {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} s`;
}

function readingSentences(reading: WeightReading | null): string[] {
  if (reading === null)
    return ["The weights are not on this machine as files, so reading them alone was not measured."];
  const speed = (name: string, timed: TimedReading | null) =>
    timed === null ? [] : [`${name} ${timed.gbPerS.toFixed(2)} GB/s`];
  const speeds = [...speed("cold", reading.cold), ...speed("warm", reading.warm)];
  return speeds.length === 0
    ? []
    : [
        `Reading the weights alone (${reading.files} file${reading.files === 1 ? "" : "s"}, ${Math.round(reading.sizeMib)} MiB, one after the other): ${speeds.join(", ")}.`,
      ];
}
