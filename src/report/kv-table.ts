import type { KvStudy } from "../domain/kv-study.ts";
import { plain, table } from "./markdown.ts";
import { formatNumber } from "./numbers.ts";

const COLUMNS = [
  "max_model_len",
  "GPU used (MiB)",
  "delta (MiB)",
  "KV available (GiB)",
  "KV tokens",
  "blocks",
  "block size",
  "max concurrency",
  "bytes per token",
  "ready (s)",
  "notes",
];

const cell = (value: number | null) => (value === null ? "–" : formatNumber(value));

/** The cells of the sweep's table, a row for each length. */
export function kvCells({ rows }: KvStudy): string[][] {
  return rows.map((row) => [
    String(row.maxModelLen),
    cell(row.gpuMemUsedMib),
    cell(row.deltaMib),
    row.availableGib === null ? "–" : row.availableGib.toFixed(2),
    cell(row.kvTokens),
    cell(row.blocks),
    cell(row.blockSize),
    row.maxConcurrency === null ? "–" : `${formatNumber(row.maxConcurrency)}×`,
    cell(row.bytesPerToken === null ? null : Math.round(row.bytesPerToken)),
    row.readyS === null ? "–" : row.readyS.toFixed(1),
    row.notes.join("; "),
  ]);
}

/** Names of the columns of {@link kvCells}. */
export const KV_COLUMNS: readonly string[] = COLUMNS;

/** The sweep as a Markdown table. */
export function kvTable(study: KvStudy): string {
  const align = COLUMNS.map((_, index) => (index === COLUMNS.length - 1 ? "l" : "r"));
  return table(
    COLUMNS,
    kvCells(study).map((row) => row.map(plain)),
    align,
  );
}
