import { median } from "simple-statistics";
import {
  type BatchingBenchmark,
  type BatchingTables,
  type BatchSide,
  CONCURRENT,
  type LoadRow,
  REPLAY,
  rateCase,
  SEQUENTIAL,
  sweepCase,
} from "../domain/batching-study.ts";
import type { OperatingAdvice, Slo } from "../domain/operating.ts";
import type { TelemetryLine } from "../domain/telemetry.ts";
import { type CaseData, measuredS, type SessionData } from "./case-data.ts";
import { levelOf, loadRow, type RateOf, roundsOf, tokensOf, totalTokensOf } from "./load-rows.ts";
import { adviseOn, outsideSlo, safeRate } from "./operating.ts";

/** What a batching study was to measure. */
export interface BatchingGrid {
  readonly concurrency: readonly number[];
  readonly rates: readonly number[];
  readonly benchmarkConcurrency: number;
  readonly slo: Slo | null;
}

/** The tables of a batching study: what was not measured is left out. */
export function batchingTables(
  sessions: readonly SessionData[],
  grid: BatchingGrid,
  telemetry: readonly TelemetryLine[] = [],
): BatchingTables {
  const { slo } = grid;
  const rowsOf = (loads: readonly number[], name: (load: number) => string, rateOf: RateOf) =>
    loads.flatMap((load) => {
      const cases = roundsOf(sessions, `batching.${name(load)}`);
      return cases.length === 0
        ? []
        : [{ row: loadRow(load, cases, slo, telemetry, rateOf), level: levelOf(load, cases) }];
    });
  const sweep = rowsOf(grid.concurrency, sweepCase, "best");
  const advice = adviseOn(
    sweep.map((each) => each.level),
    sweep.map((each) => each.row),
    slo,
  );
  const rates = rowsOf(grid.rates, rateCase, "median").map((each) => each.row);
  const replayed = roundsOf(sessions, `batching.${REPLAY}`);
  const replay = replayed.length === 0 ? null : loadRow(0, replayed, slo, telemetry, "median");
  return {
    benchmark: benchmarkOf(sessions, grid.benchmarkConcurrency),
    sweep: withNotes(
      sweep.map((each) => each.row),
      slo,
      advice,
    ),
    rates: withNotes(rates, slo, null),
    // Its load is the file's own.
    replay: replay === null ? null : { ...replay, load: replay.qps ?? 0, notes: notesOf(replay, null, slo) },
    advice,
    safeRatePerS: safeRate(rates, slo),
    slo,
  };
}

/** The same number of requests one by one and several at a time; null when a round lacks either. */
function benchmarkOf(sessions: readonly SessionData[], concurrency: number): BatchingBenchmark | null {
  const runs = sessions.flatMap((session) =>
    [...session.rounds.values()].flatMap((cases) => {
      const sequential = sideOf(cases.get(`batching.${SEQUENTIAL}`));
      const concurrent = sideOf(cases.get(`batching.${CONCURRENT}`));
      return sequential === null || concurrent === null ? [] : [{ sequential, concurrent }];
    }),
  );
  if (runs.length === 0) return null;
  const sequential = medianSide(runs.map((run) => run.sequential));
  const concurrent = medianSide(runs.map((run) => run.concurrent));
  const n = roundsOf(sessions, `batching.${SEQUENTIAL}`)[0]?.data.ok.length ?? 0;
  return {
    n,
    concurrency,
    repeats: runs.length,
    sequential,
    concurrent,
    speedup: sequential.seconds / concurrent.seconds,
    runs,
  };
}

/** Null when a request failed: the others then had the server to themselves. */
function sideOf(data: CaseData | undefined): BatchSide | null {
  if (data === undefined || data.ok.length === 0 || data.failed.length > 0) return null;
  const seconds = measuredS(data);
  const tokens = tokensOf(data.ok);
  const total = totalTokensOf(data.ok);
  if (tokens === null || !(seconds > 0)) return null;
  return {
    seconds,
    qps: data.ok.length / seconds,
    tokS: tokens / seconds,
    totalTokS: total === null ? null : total / seconds,
  };
}

function medianSide(sides: readonly BatchSide[]): BatchSide {
  const of = (pick: (side: BatchSide) => number) => median(sides.map(pick));
  const totals = sides.flatMap((side) => side.totalTokS ?? []);
  return {
    seconds: of((side) => side.seconds),
    qps: of((side) => side.qps),
    tokS: of((side) => side.tokS),
    totalTokS: totals.length < sides.length ? null : median(totals),
  };
}

/** A jump of the 95th percentile that is worth a note. */
const JUMP = 1.5;
const ALMOST_FULL_PCT = 90;
/** Requests that were sent this late by the client were not sent as planned. */
const LATE_MS = 5;

function withNotes(rows: readonly LoadRow[], slo: Slo | null, advice: OperatingAdvice | null): LoadRow[] {
  return rows.map((row, index) => {
    const { knee = null } = advice ?? {};
    const marks = [
      ...(knee?.load === row.load
        ? [knee.reached ? "knee" : "highest load measured whole, knee not reached"]
        : []),
      ...(knee !== null && knee.peakLoad === row.load ? ["peak"] : []),
    ];
    return { ...row, notes: [...marks, ...notesOf(row, rows[index - 1] ?? null, slo)] };
  });
}

function notesOf(row: LoadRow, before: LoadRow | null, slo: Slo | null): string[] {
  const notes: string[] = [];
  if (row.failed > 0) {
    const why = row.firstError === null ? "" : `: ${row.firstError}`;
    notes.push(`${row.failed} of ${row.requests} requests failed${why}`);
  }
  const jump = before?.p95E2eS == null || row.p95E2eS === null ? null : row.p95E2eS / before.p95E2eS;
  if (jump !== null && jump >= JUMP) notes.push(`p95 ×${jump.toFixed(1)} against ${before?.load}`);
  if ((row.waitingMax ?? 0) > 0) notes.push(`up to ${row.waitingMax} waiting`);
  if ((row.preemptions ?? 0) > 0) notes.push(`${row.preemptions} preempted`);
  if ((row.kvUsageMaxPct ?? 0) > ALMOST_FULL_PCT)
    notes.push(`KV cache up to ${row.kvUsageMaxPct?.toFixed(0)} %`);
  const outside = slo === null ? [] : outsideSlo(row, slo);
  if (outside.length > 0) notes.push(`p95 outside the SLO: ${outside.join(", ")}`);
  if ((row.lateP95Ms ?? 0) > LATE_MS) notes.push(`sent up to ${row.lateP95Ms?.toFixed(0)} ms late`);
  return notes;
}
