import { max, median, min } from "simple-statistics";
import { GIB, type KvCapacity, kvCapacity } from "../domain/kv-capacity.ts";
import type { KvFill } from "../domain/kv-fill.ts";
import type { DoublingRow, HeadroomRow, KvScalingRow, KvStudy } from "../domain/kv-study.ts";
import type { RunRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { theilSenLine } from "../stats/robust.ts";
import { groupTraces } from "./case-data.ts";
import { readKvFill } from "./kv-fill.ts";

/** Share of the cache that is left free: what prompts and answers that are longer than expected take. */
const HEADROOM = 0.1;
/** A length that people ask for by name, whatever was measured. */
const USUAL_LENGTH = 4096;

export interface KvStudyInput {
  readonly run: RunRecord;
  readonly traces: readonly RequestTrace[];
  /** Lengths that were asked for, ascending. */
  readonly lengths: readonly number[];
  readonly wantConcurrency: number;
}

/** The tables of a `--max-model-len` sweep, whose variants are named by their lengths. */
export function analyseKvStudy({ run, traces, lengths, wantConcurrency }: KvStudyInput): KvStudy {
  const groups = groupTraces(run.sessions, traces);
  const results = groups.flatMap((group) =>
    [...group.rounds.keys()].flatMap((round) => {
      const fill = readKvFill(group, round);
      return fill === null ? [] : [{ variant: group.record.variant, fill }];
    }),
  );
  const fills = results.flatMap(({ fill }) => ("absent" in fill ? [] : [fill]));
  const rows = addDeltas(lengths.map((length) => rowOf(run, length, fills)));
  const ok = run.sessions.filter((session) => session.outcome === "ok");
  const model = ok.flatMap((session) => session.model ?? []).at(0) ?? null;
  const measured = present(rows.map((row) => row.bytesPerToken));
  const uniform = rows.every((row) => row.uniform !== false);
  const bytesPerToken =
    measured.length > 0 ? median(measured) : uniform ? (model?.kvBytesPerToken ?? null) : null;
  const capacities = ok.map(kvCapacity);
  const smallest = capacities
    .filter((each) => each.blocks !== null && each.blockSize !== null)
    .sort((a, b) => (a.blocks as number) - (b.blocks as number))[0];
  const context = model?.contextTokens ?? null;
  const fit = { wantConcurrency, capacity: uniform ? smallest : undefined };
  const cacheSafeLength = longestFor(fit, 1 - HEADROOM);
  return {
    rows,
    fills,
    fillProblems: [
      ...new Set(
        results.flatMap(({ variant, fill }) =>
          "absent" in fill ? [`${variant}: bytes per token not measured: ${fill.absent}`] : [],
        ),
      ),
    ],
    model,
    wantConcurrency,
    headroom: HEADROOM,
    bytesPerToken,
    bytesSource: measured.length > 0 ? "measured" : bytesPerToken === null ? null : "formula",
    gpuMibPerToken: slopeOf(rows),
    gpuSpread: spread(rows.map((row) => row.gpuMemUsedMib)),
    availableSpread: spread(rows.map((row) => row.availableGib)),
    tokensSpread: spread(rows.map((row) => row.kvTokens)),
    safeLength: context === null || cacheSafeLength === null ? null : Math.min(cacheSafeLength, context),
    cacheSafeLength,
    cacheLength: longestFor(fit, 1),
    safeMeasured:
      cacheSafeLength === null
        ? null
        : (rows
            .filter((row) => row.measured && row.maxModelLen <= cacheSafeLength)
            .map((row) => row.maxModelLen)
            .at(-1) ?? null),
    envelope: envelopeOf(rows, capacities, fit.capacity, bytesPerToken),
    doubling: doublingOf(rows, fit.capacity, bytesPerToken, wantConcurrency),
    memorySet: capacities.some((each) => each.memoryBytes !== null && each.memoryErrorBytes === 0),
    uniform,
  };
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function rowOf({ sessions, study }: RunRecord, length: number, fills: readonly KvFill[]): KvScalingRow {
  const variant = String(length);
  const own = sessions.filter((session) => session.variant === variant);
  const session = own.find(({ outcome }) => outcome === "ok");
  if (session === undefined) {
    const last = own.at(-1);
    const dropped = study?.dropped.find((each) => each.variant === variant);
    const why =
      last === undefined
        ? (dropped?.reason ?? "not measured")
        : `did not start: ${last.cause ?? last.outcome}`;
    return { ...EMPTY_ROW, maxModelLen: length, notes: [why] };
  }
  const capacity = kvCapacity(session);
  const fill = fills.find((each) => each.variant === variant && each.session === session.index);
  const served = session.maxModelLen ?? null;
  return {
    maxModelLen: length,
    gpuMemUsedMib: session.gpuMemory?.readyMib ?? null,
    deltaMib: null,
    bytesPerTokenEst: null,
    kvTokens: capacity.tokens,
    blocks: capacity.blocks,
    blockSize: capacity.blockSize,
    maxConcurrency: capacity.maxConcurrency,
    availableGib: capacity.memoryBytes === null ? null : capacity.memoryBytes / GIB,
    readyS: session.readyS ?? null,
    bytesPerToken: fill?.bytesPerToken ?? null,
    stepTokens: fill?.stepTokens ?? null,
    uniform: capacity.uniform,
    measured: true,
    notes: [
      ...(session.gpuMemory == null ? ["GPU memory not measured"] : []),
      ...(served === null || served === length ? [] : [`served with ${served} tokens`]),
      ...(capacity.uniform === false
        ? ["kv_tokens hold for this length only: layers keep different amounts"]
        : []),
      ...(fill?.bytesProblem == null ? [] : [fill.bytesProblem]),
    ],
  };
}

const EMPTY_ROW = {
  gpuMemUsedMib: null,
  deltaMib: null,
  bytesPerTokenEst: null,
  kvTokens: null,
  blocks: null,
  blockSize: null,
  maxConcurrency: null,
  availableGib: null,
  readyS: null,
  bytesPerToken: null,
  stepTokens: null,
  uniform: null,
  measured: false,
} as const;

/** The seed's columns that compare a row with the one before it, whatever that was. */
function addDeltas(rows: readonly KvScalingRow[]): KvScalingRow[] {
  return rows.map((row, index) => {
    const before = rows[index - 1];
    if (before === undefined || row.gpuMemUsedMib === null || before.gpuMemUsedMib === null) return row;
    const deltaMib = row.gpuMemUsedMib - before.gpuMemUsedMib;
    const deltaTokens = row.maxModelLen - before.maxModelLen;
    // Towards zero, as the seed's `int()`.
    return {
      ...row,
      deltaMib,
      bytesPerTokenEst: Math.trunc((deltaMib * 2 ** 20) / Math.max(1, deltaTokens)),
    };
  });
}

function slopeOf(rows: readonly KvScalingRow[]): number | null {
  const points = rows.flatMap(({ maxModelLen, gpuMemUsedMib }): [number, number][] =>
    gpuMemUsedMib === null ? [] : [[maxModelLen, gpuMemUsedMib]],
  );
  return points.length < 2 ? null : theilSenLine(points).slope;
}

/** (largest − smallest) / middle; null with fewer than two values. */
function spread(given: readonly (number | null)[]): number | null {
  const values = present(given);
  return values.length < 2 || median(values) === 0 ? null : (max(values) - min(values)) / median(values);
}

interface Fit {
  readonly wantConcurrency: number;
  readonly capacity: KvCapacity | undefined;
}

/** The longest context, in whole blocks, of which the wanted number fits in a share of the cache. */
function longestFor({ wantConcurrency, capacity }: Fit, share: number): number | null {
  if (capacity?.blocks == null || capacity.blockSize === null) return null;
  return Math.floor((usable(capacity.blocks) * share) / wantConcurrency) * capacity.blockSize;
}

/** One block is vLLM's null block. */
function usable(blocks: number): number {
  return blocks - 1;
}

function fitting({ blocks, blockSize }: KvCapacity, contextTokens: number, share: number): number {
  if (blocks === null || blockSize === null) return 0;
  return Math.floor((usable(blocks) * share) / Math.ceil(contextTokens / blockSize));
}

function envelopeOf(
  rows: readonly KvScalingRow[],
  capacities: readonly KvCapacity[],
  capacity: KvCapacity | undefined,
  bytesPerToken: number | null,
): HeadroomRow[] {
  const gibOf = (tokens: number) => (bytesPerToken === null ? null : (tokens * bytesPerToken) / GIB);
  if (capacity === undefined) {
    // Layers differ: only what the server said of each length is known.
    return capacities.flatMap(({ maxConcurrency, maxModelLen }) =>
      maxConcurrency === null || maxModelLen === null
        ? []
        : [
            {
              contextTokens: maxModelLen,
              fitting: Math.floor(maxConcurrency),
              safe: Math.floor(maxConcurrency * (1 - HEADROOM)),
              gib: null,
              reported: true,
            },
          ],
    );
  }
  const longest = Math.max(...rows.map((row) => row.maxModelLen));
  const all = [...rows.map((row) => row.maxModelLen), USUAL_LENGTH, longest * 2];
  const lengths = [...new Set(all)].sort((a, b) => a - b);
  return lengths.map((contextTokens) => ({
    contextTokens,
    fitting: fitting(capacity, contextTokens, 1),
    safe: fitting(capacity, contextTokens, 1 - HEADROOM),
    gib: gibOf(contextTokens),
    reported: false,
  }));
}

function doublingOf(
  rows: readonly KvScalingRow[],
  capacity: KvCapacity | undefined,
  bytesPerToken: number | null,
  wantConcurrency: number,
): DoublingRow[] {
  if (capacity === undefined) return [];
  return rows.map(({ maxModelLen }) => ({
    contextTokens: maxModelLen,
    moreGib: bytesPerToken === null ? null : (maxModelLen * wantConcurrency * bytesPerToken) / GIB,
    fittingNow: fitting(capacity, maxModelLen, 1),
    fittingThen: fitting(capacity, maxModelLen * 2, 1),
    safeThen: fitting(capacity, maxModelLen * 2, 1 - HEADROOM),
  }));
}
