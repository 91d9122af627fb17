/** The rows of the bench: a measured and a simulated value of one quantity, and the target between them. */
import { type FixtureSession, median, quantile } from "./fixture.ts";
import type { SeenLoad } from "./load.ts";

/** One quantity of one load. */
export interface Row {
  set: string;
  quantity: string;
  unit: string;
  measured: number;
  /** Over the restarts that were measured; undefined when there was one. */
  range: [number, number] | undefined;
  simulated: number;
  /** Greatest error that meets the target; undefined when the row is only shown. */
  tolerance: number | undefined;
  /** Whether lying within {@link range} meets it, too. */
  rangeCounts: boolean;
}

/** Requests of one load, measured or simulated, an entry each. */
export interface Sample {
  ttftMs: number[];
  e2eMs: number[];
  outputTokens: number;
  wallMs: number;
}

/** A statistic over requests, and what it is called. */
export interface Statistic {
  label: string;
  unit: string;
  of: (sample: Sample) => number;
}

const tpot = (sample: Sample): number[] =>
  sample.e2eMs.map((e2e, i) => (e2e - sample.ttftMs[i]!) / (sample.outputTokens - 1));
const FLOOR = 0.1;
const TTFT: Statistic = { label: "TTFT p50", unit: "ms", of: (s) => quantile(s.ttftMs, 0.5) };
const TTFT_FLOOR: Statistic = { label: "TTFT p10", unit: "ms", of: (s) => quantile(s.ttftMs, FLOOR) };
const TPOT: Statistic = { label: "TPOT p50", unit: "ms", of: (s) => quantile(tpot(s), 0.5) };
const TPOT_FLOOR: Statistic = { label: "TPOT p10", unit: "ms", of: (s) => quantile(tpot(s), FLOOR) };
const THROUGHPUT: Statistic = {
  label: "throughput",
  unit: "tok/s",
  of: (sample) => (sample.ttftMs.length * sample.outputTokens * 1000) / sample.wallMs,
};

/** What the targets are about. */
export const STATISTICS: readonly Statistic[] = [TTFT, TPOT, THROUGHPUT];

const SEQUENTIAL: readonly [string, string][] = [
  ["warm", "256, repeated"],
  ["uniq_1024", "1024, uncached"],
  ["prefix_1024", "1024 + 32, shared"],
];

/**
 * Compares a simulated session with the measured ones of the same flags.
 *
 * The measured value is the median over the sessions of requests.json; the range is over these and, for base, the
 * rounds of requests-again.json.
 */
export function loadRows(
  set: string,
  sessions: readonly FixtureSession[],
  simulated: Readonly<Record<string, SeenLoad>>,
): Row[] {
  const row = (load: string, title: string, statistic: Statistic, tolerance: number | undefined): Row => {
    const values = (wanted: readonly FixtureSession[]): number[] =>
      wanted.flatMap((session) => {
        const measured = session.loads[load];
        return measured === undefined ? [] : [statistic.of(measured)];
      });
    const all = values(sessions);
    return {
      set,
      quantity: `${title}: ${statistic.label}`,
      unit: statistic.unit,
      measured: median(values(sessions.filter((session) => session.host === 0))),
      range: all.length > 1 ? [Math.min(...all), Math.max(...all)] : undefined,
      simulated: statistic.of(sampleOf(simulated[load]!)),
      tolerance,
      rangeCounts: tolerance === 0.25,
    };
  };
  const rows: Row[] = [];
  for (const [load, title] of SEQUENTIAL) {
    rows.push(row(load, title, TTFT, 0.25), row(load, title, TTFT_FLOOR, undefined));
  }
  for (const concurrency of [1, 4, 8, 16, 32]) {
    const load = `sweep_${concurrency}`;
    const title = `${concurrency} concurrent`;
    const speed = concurrency <= 16 ? 0.1 : 0.25;
    rows.push(
      row(load, title, TTFT, 0.25),
      row(load, title, TPOT, speed),
      row(load, title, THROUGHPUT, speed),
    );
    rows.push(row(load, title, TPOT_FLOOR, undefined));
  }
  return rows;
}

/** A simulated load as a sample. */
export function sampleOf(load: SeenLoad): Sample {
  return {
    ttftMs: load.requests.map((request) => request.ttftMs),
    e2eMs: load.requests.map((request) => request.e2eMs),
    outputTokens: load.outputTokens,
    wallMs: load.wallMs,
  };
}

/** Relative error of the simulated value. */
export function errorOf(row: Row): number {
  return row.simulated / row.measured - 1;
}

/** Whether a row meets its target, and how; undefined for a row that has none. */
export function verdict(row: Row): "met" | "in range" | "MISSED" | undefined {
  if (row.tolerance === undefined) return undefined;
  if (Math.abs(errorOf(row)) <= row.tolerance) return "met";
  const inside = row.range !== undefined && row.simulated >= row.range[0] && row.simulated <= row.range[1];
  return row.rangeCounts && inside ? "in range" : "MISSED";
}

/** Rows as aligned text. */
export function table(rows: readonly Row[]): string {
  const digits = (row: Row): number => (row.unit === "ms" ? 2 : 0);
  const cells = rows.map((row) => {
    const show = (value: number): string => value.toFixed(digits(row));
    const range = row.range === undefined ? "" : `${show(row.range[0])}..${show(row.range[1])}`;
    const percent = errorOf(row) * 100;
    const error = `${percent >= 0 ? "+" : ""}${percent.toFixed(1)} %`;
    const allowed = row.tolerance === undefined ? "" : `${Math.round(row.tolerance * 100)} %`;
    return [
      row.set,
      row.quantity,
      row.unit,
      show(row.measured),
      range,
      show(row.simulated),
      error,
      allowed,
      verdict(row) ?? "shown",
    ];
  });
  const head = ["flags", "quantity", "unit", "measured", "restarts", "simulated", "error", "target", ""];
  const lines = [head, ...cells];
  const widths = head.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const left = new Set([0, 1, 2, 8]);
  return lines
    .map((line) =>
      line
        .map((cell, i) => (left.has(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
