/** What the runs come to: a table, and which targets are met. */
import { markdownTable } from "markdown-table";
import { FEW, type Load } from "./client-cells.ts";
import type { ErrorSpread, Spread } from "./client-errors.ts";
import { CLIENTS, type Client } from "./client-peers.ts";
import { medianSpread, type Results, summaryOf } from "./client-results.ts";
import type { Run } from "./client-run.ts";

/** A server whose p99 is later than this is no truth to judge by, milliseconds. */
const LATENESS_LIMIT_MS = 1;
/** A rate counts as reached from this share of it. */
const RATE_SHARE = 0.95;
const ARRIVAL_LIMIT = { p99Ms: 1, streams: 64, rate: 10_000 };
const TTFT_LIMIT = { ms: 0.3, share: 0.1 };
const CPU_TIMES = 3;

/** A client's medians over its runs in one cell. */
interface Row {
  readonly client: Client;
  /** Runs that it is the median of: those with a punctual server, all where none had one. */
  readonly runs: number;
  readonly allRuns: number;
  readonly ttftSigned: Spread;
  readonly ttftFromReceipt: Spread;
  readonly ttft: Spread;
  readonly tpot: Spread;
  readonly gap: Spread | null;
  readonly arrival: Spread | null;
  readonly lateP99: number;
  readonly rate: number;
  /** CPU seconds for 100,000 events. */
  readonly cpuS: number;
  readonly memoryMb: number;
}

function rowOf(load: Load, client: Client, results: Results): Row | undefined {
  const all = results.runs(load, client);
  const fewRuns = results.runs(FEW, client);
  if (all.length === 0 || fewRuns.length === 0) return undefined;
  const judged = all.filter(({ lateness }) => lateness.p99 < LATENESS_LIMIT_MS);
  const runs = judged.length > 0 ? judged : all;
  const [summary, few] = [summaryOf(runs), summaryOf(fewRuns)];
  const errors = (of: (run: Run) => ErrorSpread | null): Spread | null =>
    runs.some((run) => of(run) === null) ? null : medianSpread(summary, (run) => of(run)!.absolute);
  const fewS = few((run) => run.cpuS);
  const events = FEW.requests * FEW.tokens;
  return {
    ...{ client, runs: runs.length, allRuns: all.length },
    ttftSigned: medianSpread(summary, (run) => run.ttft.signed),
    ttftFromReceipt: medianSpread(summary, (run) => run.ttftFromReceipt.absolute),
    ttft: medianSpread(summary, (run) => run.ttft.absolute),
    tpot: medianSpread(summary, (run) => run.tpot.absolute),
    gap: errors((run) => run.gap),
    arrival: errors((run) => run.arrival),
    lateP99: summary((run) => run.lateness.p99),
    rate: summary((run) => run.rate),
    cpuS: summary((run) => ((run.cpuS - fewS) / (run.events - events)) * 1e5),
    memoryMb: summary((run) => run.memoryBytes) / 1e6,
  };
}

function rowsOf(load: Load, results: Results): Row[] {
  return CLIENTS.flatMap((client) => rowOf(load, client, results) ?? []);
}

const isOurs = (row: Row): boolean => row.client === CLIENTS[0];
const reaches = (load: Load, row: Row): boolean => row.rate >= RATE_SHARE * load.rate;
const punctual = (row: Row): boolean => row.lateP99 < LATENESS_LIMIT_MS;
const digits = (ms: number): string => ms.toFixed(Math.abs(ms) < 10 ? 2 : Math.abs(ms) < 100 ? 1 : 0);
const three = (spread: Spread | null): string =>
  spread === null ? "–" : [spread.p50, spread.p99, spread.max].map(digits).join(" / ");

/** The table, in Markdown: a row for each cell and client. */
export function table(cells: readonly Load[], results: Results): string {
  const head = [
    ...[
      "streams",
      "events/s",
      "client",
      "TTFT error",
      "signed",
      "from receipt",
      "time between tokens",
      "TPOT",
    ],
    ...["arrival", "events/s reached", "CPU s per 100,000", "MB", "server late p99", "runs", ""],
  ];
  const rows = cells.flatMap((load) =>
    rowsOf(load, results).map((row) => [
      ...[`${load.streams}`, load.rate.toLocaleString("en"), row.client.name],
      ...[row.ttft, row.ttftSigned, row.ttftFromReceipt, row.gap, row.tpot, row.arrival].map(three),
      ...[Math.round(row.rate).toLocaleString("en"), row.cpuS.toFixed(2), row.memoryMb.toFixed(0)],
      ...[
        row.lateP99.toFixed(3),
        row.runs === row.allRuns ? `${row.runs}` : `${row.runs} of ${row.allRuns}`,
        marks(load, row),
      ],
    ]),
  );
  const align = head.map((_, i) => (i === 2 || i === head.length - 1 ? "l" : "r"));
  return markdownTable([head, ...rows], { align });
}

function marks(load: Load, row: Row): string {
  return [punctual(row) ? "" : "server late", reaches(load, row) ? "" : "rate not reached"]
    .filter((mark) => mark !== "")
    .join(", ");
}

/** One target in all cells that are judged. */
export interface Verdict {
  readonly met: boolean;
  readonly text: string;
}

interface Judged {
  readonly load: Load;
  readonly ours: Row;
  readonly peers: readonly Row[];
}

/** Holds ours against the targets, in the cells whose server was punctual with our client and whose rate one reached. */
export function judge(cells: readonly Load[], results: Results): Verdict[] {
  const judged: Judged[] = [];
  const left: string[] = [];
  for (const load of cells) {
    const rows = rowsOf(load, results);
    const ours = rows.find(isOurs);
    const peers = rows.filter((row) => !isOurs(row));
    if (ours === undefined || peers.length === 0) continue;
    if (punctual(ours) && rows.some((row) => reaches(load, row))) judged.push({ load, ours, peers });
    else left.push(load.name);
  }
  const small = judged.filter(
    ({ load }) => load.streams <= ARRIVAL_LIMIT.streams && load.rate <= ARRIVAL_LIMIT.rate,
  );
  const note = left.length === 0 ? "" : `; not judged: ${left.join(", ")}`;
  return [
    verdict(`every judged cell's rate is reached${note}`, judged, ({ load, ours }) => ({
      met: reaches(load, ours),
      text: `${ours.rate.toFixed(0)}`,
    })),
    verdict("arrival p99 < 1 ms up to 64 streams and 10,000 events/s", small, ({ ours }) => ({
      met: ours.arrival !== null && ours.arrival.p99 < ARRIVAL_LIMIT.p99Ms,
      text: digits(ours.arrival?.p99 ?? Number.NaN),
    })),
    verdict("TTFT error p50 < 0.3 ms or a tenth of the best peer's", judged, ({ ours, peers }) => {
      const best = Math.min(...peers.map((peer) => peer.ttft.p50));
      const met = ours.ttft.p50 < TTFT_LIMIT.ms || ours.ttft.p50 <= TTFT_LIMIT.share * best;
      return { met, text: `${digits(ours.ttft.p50)} against ${digits(best)}` };
    }),
    ...ERRORS.map(([what, of]) =>
      verdict(`${what}: no worse than the best peer`, judged, ({ ours, peers }) => {
        const best = Math.min(...peers.map((peer) => of(peer) ?? Number.POSITIVE_INFINITY));
        const own = of(ours) ?? Number.NaN;
        return { met: own <= best, text: `${digits(own)} against ${digits(best)}` };
      }),
    ),
    verdict(`CPU: at most ${(1 / CPU_TIMES).toFixed(2)} of the best peer's`, judged, ({ ours, peers }) => {
      const best = Math.min(...peers.map((peer) => peer.cpuS));
      return { met: ours.cpuS * CPU_TIMES <= best, text: (ours.cpuS / best).toFixed(2) };
    }),
  ];
}

const ERRORS: readonly (readonly [string, (row: Row) => number | undefined])[] = [
  ["TTFT error p50", (row) => row.ttft.p50],
  ["TTFT error p99", (row) => row.ttft.p99],
  ["time between tokens p50", (row) => row.gap?.p50],
  ["time between tokens p99", (row) => row.gap?.p99],
  ["TPOT p50", (row) => row.tpot.p50],
  ["TPOT p99", (row) => row.tpot.p99],
];

function verdict(
  what: string,
  cells: readonly Judged[],
  of: (cell: Judged) => { met: boolean; text: string },
): Verdict {
  const each = cells.map((cell) => ({ name: cell.load.name, ...of(cell) }));
  const met = each.length > 0 && each.every((cell) => cell.met);
  const shown = each.map((cell) => `${cell.name} ${cell.text}${cell.met ? "" : " (!)"}`).join("; ");
  return { met, text: `${met ? "met" : "NOT MET"}: ${what}: ${shown || "no cell"}` };
}
