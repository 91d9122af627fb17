import type { PrefixCellName, PrefixMode, PrefixRow } from "../domain/prefix-study.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { type CsvCell, csv, rounded } from "./csv.ts";

/** The experiment's canonical columns, then ours. */
export const PREFIX_SUMMARY_HEADER = [
  ..."mode,prefix_regime,concurrency,mean_ttft_s,p95_ttft_s,mean_e2e_s,p95_e2e_s,req_s,tok_s,notes".split(
    ",",
  ),
  "workload",
  "p50_ttft_s",
  "p50_e2e_s",
  "requests",
  "failed",
  "hit_rate",
  "cache_turnover",
  "preemptions",
  "vram_peak_mib",
  "vram_steady_mib",
] as const;

/**
 * What each request's file has, the experiment's columns first. `e2e_s` is `t_done − t_start`, to the end of the stream;
 * `last_token_s` is when the last token came, which the gate's own end-to-end metrics end with.
 */
export const PREFIX_REQUEST_HEADER = [
  ..."t_start,t_first_token,t_done,prompt_tokens,completion_tokens,status,error".split(","),
  "id",
  "session",
  "round",
  "outcome",
  "cached_tokens",
  "ttft_s",
  "e2e_s",
  "last_token_s",
] as const;

/** Decimals of a time in seconds: ten microseconds. */
const TIME = 5;

/** `csv/prefix_summary.csv` */
export function prefixSummaryCsv(rows: readonly PrefixRow[]): string {
  return csv(
    PREFIX_SUMMARY_HEADER,
    rows.map((row): CsvCell[] => [
      row.mode,
      row.regime,
      row.concurrency,
      rounded(row.ttftS?.mean, TIME),
      rounded(row.ttftS?.p95, TIME),
      rounded(row.e2eS?.mean, TIME),
      rounded(row.e2eS?.p95, TIME),
      rounded(row.requestsPerS, 3),
      rounded(row.tokensPerS, 1),
      row.notes.join("; "),
      row.workload,
      rounded(row.ttftS?.p50, TIME),
      rounded(row.e2eS?.p50, TIME),
      row.requests,
      row.failed,
      rounded(row.hitRate, 4),
      rounded(row.turnover, 3),
      row.preemptions,
      rounded(row.vramPeakMib, 0),
      rounded(row.vramSteadyMib, 0),
    ]),
  );
}

/** The requests of a cell on one server. Times are seconds since that server's spawn. */
export function prefixRequestsCsv(traces: readonly RequestTrace[]): string {
  return csv(
    PREFIX_REQUEST_HEADER,
    traces.map((trace): CsvCell[] => [
      rounded(trace.startS, 6),
      rounded(trace.firstTokenS, 6),
      rounded(trace.endS, 6),
      trace.promptTokens,
      trace.outputTokens,
      trace.status,
      trace.error,
      trace.id,
      trace.session,
      trace.round,
      trace.outcome,
      trace.cachedTokens,
      trace.firstTokenS === null ? null : rounded(trace.firstTokenS - trace.startS, 6),
      rounded(trace.endS - trace.startS, 6),
      trace.lastTokenS === null ? null : rounded(trace.lastTokenS - trace.startS, 6),
    ]),
  );
}

/**
 * Name of a cell's file: `sequential_off_1024_1.csv`, `concurrent_on_1024_16.csv`; the regime of any but the main
 * workload has the workload's name in front.
 */
export function prefixRequestsName(mode: PrefixMode, cell: PrefixCellName, primary: string): string {
  const load = cell.concurrency === 1 ? "sequential" : "concurrent";
  const regime = cell.workload === primary ? cell.regime : `${cell.workload}-${cell.regime}`;
  return `csv/${load}_${mode}_${regime}_${cell.concurrency}.csv`;
}
