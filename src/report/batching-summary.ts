import type { LoadRow } from "../domain/batching-study.ts";
import { adviceLines, type BatchingPages, settingOf, short } from "./batching-pages.ts";
import { rulesOfThumb } from "./batching-rules.ts";

/** The terminal's text: the sweep as a table of plain columns, and what it says. */
export function batchingSummary(pages: BatchingPages): string {
  const { tables } = pages;
  const open = [...tables.rates, ...(tables.replay === null ? [] : [tables.replay])];
  const lines = (rows: readonly LoadRow[], first: string) =>
    columns([
      [first, "mean e2e s", "p95 e2e s", "req/s", "tok/s", "TTFT p95 ms", "ITL p95 ms", "goodput/s", "notes"],
      ...rows.map((row) => [
        short(row.load),
        short(row.meanE2eS),
        short(row.p95E2eS),
        short(row.qps),
        short(row.tokS),
        short(row.ttftP95Ms),
        short(row.itlP95Ms),
        short(row.goodputRps),
        row.notes.join("; "),
      ]),
    ]);
  return `${[
    ...(tables.sweep.length === 0 ? [] : [lines(tables.sweep, "in flight")]),
    ...(open.length === 0 ? [] : [lines(open, "rate/s")]),
    adviceLines(tables).join("\n"),
    rulesOfThumb(tables, settingOf(pages))
      .map((rule) => `* ${rule}`)
      .join("\n"),
  ].join("\n\n")}\n`;
}

/** Rows as columns of one width each. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const pad = (cell: string, index: number) =>
    index === widths.length - 1 ? cell : cell.padStart(widths[index] ?? 0);
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
