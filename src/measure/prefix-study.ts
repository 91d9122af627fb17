import { mean, quantile } from "simple-statistics";
import {
  MISSES,
  PREFIX_MODES,
  type PrefixCellName,
  type PrefixComparison,
  type PrefixMode,
  type PrefixRow,
  type PromptFacts,
  type Spread,
} from "../domain/prefix-study.ts";
import type { RunRecord, SessionRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import {
  type CaseData,
  countedIn,
  doneMs,
  groupTraces,
  measuredS,
  type SessionData,
  ttftMs,
} from "./case-data.ts";
import { MIN_SAMPLES_P95 } from "./metric-family.ts";
import { hitRateOf } from "./prefix-metrics.ts";
import { NOT_QUIET, wasQuiet } from "./prefix-quiet.ts";
import { findReason } from "./prefix-reason.ts";
import { NOTABLE, winOf } from "./prefix-win.ts";

/** Two starts of one server differ by as much. */
const RESTART = 0.1;
/** With fewer of the prefixes found, whatever changed is not the cache's doing. */
const SOME_HITS = 0.1;

/** A cell and the name of its case in the traces. */
export interface StudiedCell extends PrefixCellName {
  readonly case: string;
}

/** What the server's KV cache holds, in tokens. */
export function capacityOf(session: Pick<SessionRecord, "kv" | "logFacts">): number | null {
  const { capacityTokens, blocks, blockSize } = session.kv ?? {};
  if (typeof capacityTokens === "number") return capacityTokens;
  if (typeof blocks === "number" && typeof blockSize === "number") return blocks * blockSize;
  return session.logFacts?.kvCapacityTokens ?? null;
}

/** What a study measured, by session: rounds that a quieter one was measured for are left out. */
export function studiedSessions(run: RunRecord, traces: readonly RequestTrace[]): SessionData[] {
  return groupTraces(
    run.sessions.filter((session) => session.outcome === "ok"),
    traces,
  );
}

/** The measured requests of a cell on one server, in the order in which they were sent. */
export function requestsOf(
  sessions: readonly SessionData[],
  mode: PrefixMode,
  cell: Pick<StudiedCell, "case">,
): RequestTrace[] {
  return sessions
    .filter(({ record }) => record.variant === mode)
    .flatMap(({ rounds }) =>
      [...rounds.values()].flatMap((cases) => {
        const data = cases.get(`prefix.${cell.case}`);
        return data === undefined ? [] : [...data.ok, ...data.failed].sort((a, b) => a.startS - b.startS);
      }),
    );
}

/** Every server's result in every cell; cells that one did not measure have no row of it. */
export function prefixRows(sessions: readonly SessionData[], cells: readonly StudiedCell[]): PrefixRow[] {
  return cells.flatMap((cell) =>
    PREFIX_MODES.flatMap((mode) => {
      const own = sessions.filter(({ record }) => record.variant === mode);
      const parts = own.flatMap(({ record, rounds }) =>
        [...rounds].flatMap(([round, cases]) => {
          const data = cases.get(`prefix.${cell.case}`);
          const quiet = wasQuiet(record, round, cell.case, cases);
          return data === undefined ? [] : [{ record, data, quiet }];
        }),
      );
      return parts.length === 0 ? [] : [rowOf(cell, mode, parts)];
    }),
  );
}

interface Part {
  readonly record: SessionRecord;
  readonly data: CaseData;
  readonly quiet: boolean;
}

function rowOf({ case: name, ...cell }: StudiedCell, mode: PrefixMode, parts: readonly Part[]): PrefixRow {
  const ok = parts.flatMap(({ data }) => data.ok);
  const failed = parts.flatMap(({ data }) => data.failed);
  const seconds = parts.reduce((sum, { data }) => sum + (data.ok.length === 0 ? 0 : measuredS(data)), 0);
  const tokens = ok.reduce<number | null>(
    (sum, trace) => (sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens),
    0,
  );
  const pooled: CaseData = {
    probe: "prefix",
    case: name,
    ok,
    failed,
    records: parts.flatMap(({ data }) => data.records),
  };
  const [queried, hit] = [countedIn(pooled, "prefixQueriedTokens"), countedIn(pooled, "prefixHitTokens")];
  const hitRate = hitRateOf(pooled);
  const memory = parts.flatMap(({ record }) => record.gpuMemory ?? []);
  const [first] = failed;
  const disturbed = parts.filter(({ quiet }) => !quiet).length;
  return {
    ...cell,
    mode,
    requests: ok.length + failed.length,
    failed: failed.length,
    sessions: new Set(parts.map(({ record }) => record.index)).size,
    rounds: parts.length,
    quiet: disturbed === 0,
    outputTokens: tokens === null || ok.length === 0 ? null : tokens / ok.length,
    ttftS: spreadOf(ok.map(ttftMs)),
    e2eS: spreadOf(ok.map(doneMs)),
    requestsPerS: seconds > 0 ? ok.length / seconds : null,
    tokensPerS: seconds > 0 && tokens !== null ? tokens / seconds : null,
    hitRate: "absent" in hitRate ? null : hitRate.value,
    turnover: turnoverOf(parts, queried, hit),
    preemptions: countedIn(pooled, "preemptions"),
    vramPeakMib: memory.length === 0 ? null : Math.max(...memory.map(({ peakMib }) => peakMib)),
    vramSteadyMib: memory.length === 0 ? null : mean(memory.map(({ steadyMib }) => steadyMib)),
    notes: [
      ...(disturbed === 0
        ? []
        : [parts.length === 1 ? NOT_QUIET : `${NOT_QUIET} in ${disturbed} of ${parts.length} rounds`]),
      ...(first === undefined
        ? []
        : [`${failed.length} of ${ok.length + failed.length} failed: ${first.error}`]),
      ...(ok.length < MIN_SAMPLES_P95 ? [`p95 needs ${MIN_SAMPLES_P95} requests`] : []),
    ],
  };
}

/** Prompt tokens that were computed over what the cache holds. */
function turnoverOf(parts: readonly Part[], queried: number | null, hit: number | null): number | null {
  const [first] = parts;
  const capacity = first === undefined ? null : capacityOf(first.record);
  if (capacity === null || capacity <= 0 || queried === null || hit === null) return null;
  return (queried - hit) / capacity;
}

function spreadOf(timesMs: readonly (number | null)[]): Spread | null {
  const values = timesMs.flatMap((ms) => (ms === null ? [] : [ms / 1000]));
  if (values.length === 0) return null;
  return {
    mean: mean(values),
    p50: quantile(values, 0.5),
    p95: values.length < MIN_SAMPLES_P95 ? null : quantile(values, 0.95),
  };
}

/** (on − off) / off */
function change(off: number | null | undefined, on: number | null | undefined): number | null {
  return typeof off === "number" && typeof on === "number" && off !== 0 ? (on - off) / off : null;
}

/** What the study knows beside its rows. */
export interface StudyFacts {
  readonly prompts: readonly PromptFacts[];
  /** The workload whose hits have misses beside them. */
  readonly primary: string;
  /** What the server that was told to cache says of itself, by `/metrics`; null when it does not say. */
  readonly cachingOn: boolean | null;
  readonly blockSize: number;
  readonly capacityTokens: number | null;
}

/** The cells that both servers measured, with what caching changed. */
export function comparePrefixRows(rows: readonly PrefixRow[], facts: StudyFacts): PrefixComparison[] {
  const find = (cell: PrefixCellName, mode: PrefixMode) =>
    rows.find(
      (row) =>
        row.mode === mode &&
        row.workload === cell.workload &&
        row.regime === cell.regime &&
        row.concurrency === cell.concurrency,
    );
  return rows.flatMap((off) => {
    const on = off.mode === "off" && off.workload !== MISSES ? find(off, "on") : undefined;
    if (on === undefined) return [];
    const { workload, regime, concurrency } = off;
    const prompts = facts.prompts.find((each) => each.workload === workload && each.regime === regime);
    const hits = hitsOf(on, prompts, facts.blockSize);
    const isMain = workload === facts.primary;
    const alike = find({ workload: facts.primary, regime, concurrency }, "on");
    const missed = (mode: PrefixMode) => find({ workload: MISSES, regime, concurrency }, mode);
    const misses = (mode: PrefixMode) => missed(mode)?.ttftS?.p50;
    const mainFall = change(misses("on"), alike?.ttftS?.p50);
    const savingWithin = isMain && mainFall !== null ? -mainFall : null;
    const changes = {
      ttftP50: change(off.ttftS?.p50, on.ttftS?.p50),
      ttftP95: change(off.ttftS?.p95, on.ttftS?.p95),
      e2eP95: change(off.e2eS?.p95, on.e2eS?.p95),
      requestsPerS: change(off.requestsPerS, on.requestsPerS),
      tokensPerS: change(off.tokensPerS, on.tokensPerS),
      vramMib: change(off.vramPeakMib, on.vramPeakMib),
    };
    const predictedSaving = prompts === undefined ? null : prompts.sharedTokens / prompts.promptTokens;
    const saving = savingWithin ?? (changes.ttftP50 === null ? null : -changes.ttftP50);
    const improved =
      saving !== null && saving >= (savingWithin === null ? RESTART : NOTABLE) && (hits ?? 1) >= SOME_HITS;
    const comparison = {
      workload,
      regime,
      concurrency,
      off,
      on,
      ...changes,
      savingWithin,
      missTtftS: (isMain ? missed("on")?.ttftS : null) ?? null,
      control: isMain ? change(misses("off"), misses("on")) : null,
      saving,
      predictedSaving,
      hits,
      expectedTtftS:
        isMain || hits === null || alike?.ttftS == null || off.ttftS === null
          ? null
          : hits * alike.ttftS.mean + (1 - hits) * off.ttftS.mean,
      quiet: [off, on, ...(isMain ? [missed("off"), missed("on")] : [])].every((row) => row?.quiet ?? true),
      win: improved ? winOf(concurrency, changes) : ("none" as const),
    };
    const reason = improved
      ? null
      : findReason(comparison, prompts ?? null, facts, mainFall === null ? null : -mainFall);
    return [{ ...comparison, reason }];
  });
}

/** The share of prefixes that were found: cached tokens over those of whole blocks that could be. */
function hitsOf(on: PrefixRow, prompts: PromptFacts | undefined, blockSize: number): number | null {
  if (on.hitRate === null || prompts === undefined) return null;
  const possible = Math.floor(prompts.sharedTokens / blockSize) * blockSize;
  if (possible === 0) return 0;
  return Math.min(1, (on.hitRate * prompts.promptTokens) / possible);
}
