import type { RunRecord } from "../domain/run.ts";
import type { StartCell, StartRow } from "../domain/start-study.ts";
import { csv, rounded } from "./csv.ts";
import { renderLogPage } from "./log-page.ts";
import { plain, table } from "./markdown.ts";
import { apartText, differenceOf, dirtySentences, spreadText } from "./start-numbers.ts";
import { columns } from "./terminal.ts";

/** The seed's own name. */
export const ALLOCATOR_CSV = "csv/allocator_latency_comparison.csv";
export const ALLOCATOR_PAGE = "logs/allocators.md";

/** One thing that was compared: an allocator under a mode of transparent huge pages, with its cold and warm starts. */
export interface AllocatorCell {
  readonly allocator: string;
  /** As it was set; the machine's own where nothing was. */
  readonly thp: string;
  readonly cold: StartCell | null;
  readonly warm: StartCell | null;
}

/** What the pages of the allocator study are made from. */
export interface AllocatorPages {
  readonly run: RunRecord;
  readonly cells: readonly AllocatorCell[];
  readonly command: string;
  /** Allocators whose libraries are not on this machine. */
  readonly missing: readonly string[];
}

/** The seed's columns first: one row for each restart, of a start with the weights cold and one with them warm. */
export function allocatorCsv(cells: readonly AllocatorCell[]): string {
  const header = [
    "allocator",
    "gen_latency_s",
    "cold_load_real_s",
    "warm_load_real_s",
    "rss_mb",
    "cold_req_real_s",
    "warm_req_real_s",
    "thp_mode",
    "restart",
    "gen_latency_p95_s",
    "warm_ttft_s",
    "tokens_per_s_c8",
    "allocator_seen",
    "notes",
  ];
  const rows = cells.flatMap(({ allocator, thp, cold, warm }) => {
    const restarts = Math.max(cold?.starts.length ?? 0, warm?.starts.length ?? 0);
    return Array.from({ length: restarts }, (_, restart) => {
      const [first, second] = [cold?.starts[restart], warm?.starts[restart]];
      const main = second ?? first;
      return [
        allocator,
        rounded(main?.warmE2eS, 5),
        rounded(first?.readyS, 3),
        rounded(second?.readyS, 3),
        // The seed's MB are 10^6 bytes.
        rounded(main?.rssMib == null ? null : main.rssMib * 1.048576, 0),
        rounded(main?.coldE2eS, 5),
        rounded(main?.warmE2eS, 5),
        thp,
        restart + 1,
        rounded(main?.warmE2eP95S, 5),
        rounded(main?.warmTtftS, 5),
        rounded(main?.tokensPerS, 1),
        main?.allocator ?? "",
        notesOf([first, second]),
      ];
    });
  });
  return csv(header, rows);
}

function notesOf(starts: readonly (StartRow | undefined)[]): string {
  return [...new Set(starts.flatMap((start) => start?.dirty ?? []))].join("; ");
}

const HEADER = [
  "allocator",
  "RSS MiB",
  "gen latency s",
  "warm TTFT s",
  "cold load s",
  "warm load s",
  "8 at a time tok/s",
  "THP",
  "starts",
];

function tableRows(cells: readonly AllocatorCell[]): string[][] {
  return cells.map((cell) => {
    const { allocator, thp, cold, warm } = cell;
    const main = warm ?? cold;
    return [
      plain(allocator),
      spreadText(main?.spread.rssMib ?? null),
      spreadText(main?.spread.warmE2eS ?? null),
      spreadText(main?.spread.warmTtftS ?? null),
      spreadText(cold?.spread.readyS ?? null),
      spreadText(warm?.spread.readyS ?? null),
      spreadText(main?.spread.tokensPerS ?? null),
      plain(thp),
      String(startsOf(cell).length),
    ];
  });
}

function startsOf({ cold, warm }: AllocatorCell): readonly StartRow[] {
  return [...(cold?.starts ?? []), ...(warm?.starts ?? [])];
}

/** The table for the terminal, and what it says. */
export function allocatorSummary(pages: AllocatorPages): string {
  const said = findings(pages).map((each) => `* ${each}`);
  return `${columns([HEADER, ...tableRows(pages.cells)]).join("\n")}\n\n${said.join("\n")}\n`;
}

/** `report.md` */
export function renderAllocators(pages: AllocatorPages): string {
  return [
    `# Memory allocators: ${plain(pages.run.scenario)}`,
    table(HEADER, tableRows(pages.cells)),
    "Middle of the starts (smallest–largest). RSS is that of all processes of the server under load; gen latency is a whole request, one at a time.",
    "## What it says",
    findings(pages)
      .map((each) => `- ${plain(each)}`)
      .join("\n"),
    "",
  ].join("\n\n");
}

/** `logs/allocators.md` */
export function renderAllocatorLog(pages: AllocatorPages): string {
  return renderLogPage({
    title: `Memory allocators: ${pages.run.scenario}`,
    run: pages.run,
    commands: [pages.command],
    keyNumbers: [table(HEADER, tableRows(pages.cells))],
    artifacts: [ALLOCATOR_CSV, ALLOCATOR_PAGE],
    observations: findings(pages),
  });
}

/** Starts whose allocator is another one than was asked for. */
export function notTaken(cells: readonly AllocatorCell[]): string[] {
  return cells.flatMap((cell) => {
    const other = startsOf(cell).find(({ allocator }) => allocator !== null && allocator !== cell.allocator);
    return other === undefined
      ? []
      : [
          `session ${other.session} was to use ${cell.allocator} and its engine has ${other.allocator} in its memory map: LD_PRELOAD did not reach it`,
        ];
  });
}

function findings({ cells, missing }: AllocatorPages): string[] {
  const said: string[] = [];
  const base = cells.find(({ allocator }) => allocator === "glibc") ?? cells[0];
  for (const cell of cells) {
    if (base === undefined || cell === base) continue;
    const name = cell.thp === base.thp ? cell.allocator : `${cell.allocator} with THP ${cell.thp}`;
    const against = base.thp === cell.thp ? base.allocator : `${base.allocator} with THP ${base.thp}`;
    const [mine, theirs] = [cell.warm ?? cell.cold, base.warm ?? base.cold];
    const parts = (
      [
        ["RSS", "rssMib"],
        ["a request", "warmE2eS"],
        ["throughput at 8", "tokensPerS"],
        ["a start", "readyS"],
      ] as const
    ).flatMap(([what, key]) => {
      const gap = differenceOf(mine?.spread[key] ?? null, theirs?.spread[key] ?? null);
      return gap === null ? [] : [`${what} ${signed(gap.ratio)} (${apartText(gap)})`];
    });
    if (parts.length > 0) said.push(`${name} against ${against}: ${parts.join(", ")}.`);
  }
  said.push(...notTaken(cells), ...dirtySentences(cells.flatMap(startsOf)));
  if (missing.length > 0) {
    said.push(
      `Not on this machine, so not compared: ${missing.join(", ")} (Debian and Ubuntu: apt-get install libjemalloc2 libtcmalloc-minimal4).`,
    );
  }
  if (cells.some(({ cold, warm }) => cold === null && warm !== null)) {
    said.push("The weights are no files on this machine, so there was no load with a cold page cache.");
  }
  return said;
}

function signed(ratio: number): string {
  const points = ratio * 100;
  return Math.abs(points) < 0.05 ? "≈ 0 %" : `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} %`;
}
