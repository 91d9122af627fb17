import { median } from "simple-statistics";
import { kvCapacity } from "../domain/kv-capacity.ts";
import type { KvFill } from "../domain/kv-fill.ts";
import type { Gauges } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { theilSenLine } from "../stats/robust.ts";
import type { CaseData, SessionData } from "./case-data.ts";

/** A reading of the cache with the context that the one running request had then, between two bounds. */
interface Reading {
  readonly usage: number;
  readonly promptTokens: number;
  readonly tokens: number;
  readonly least: number;
  readonly most: number;
}

/** How far a reading may be from its own time stamp: a server reads its gauges while it answers. */
const SLACK_S = 0.025;
/** The scheduler is ahead of what the client has seen by a token or two, and behind by the last one. */
const AHEAD_TOKENS = 3;
/** A line needs as many. */
const MIN_READINGS = 6;
/** Steps explain a fill when they explain so much of it: a reading may meet a change of requests. */
const MIN_EXPLAINED = 0.9;
/** Relative error of the memory beyond which no bytes are told: half of the metric's tolerance. */
const MAX_MEMORY_ERROR = 0.005;

/**
 * What the readings of a `kv.fill` case say.
 *
 * @returns the fill, or the reason why there is none; null when the session did not measure it in that round
 */
export function readKvFill(session: SessionData, round: number): KvFill | { readonly absent: string } | null {
  const data = session.rounds.get(round)?.get("kv.fill");
  if (data === undefined) return null;
  const readings = readingsOf(data);
  const gauges = data.records.flatMap((record) => record.gauges ?? []);
  if (gauges.length === 0) return { absent: "/metrics could not be read while the cache was filled" };
  if (gauges.every(({ kvUsage }) => kvUsage === null))
    return { absent: "/metrics has no gauge of the KV cache's use" };
  const lengths = new Set(readings.map(({ promptTokens }) => promptTokens));
  if (readings.length < MIN_READINGS || lengths.size < 2) {
    const busy = gauges.filter(({ running }) => (running ?? 0) > 1).length;
    const remedy =
      busy > readings.length
        ? `other requests ran in ${busy} of ${gauges.length} readings: keep other clients away from the server`
        : "raise probes.kv.outputTokens or probes.kv.steps, or use a longer --max-model-len";
    return {
      absent:
        `${readings.length} readings at ${lengths.size} lengths while one request alone was generating, ` +
        `needs ${MIN_READINGS} at 2; ${remedy}`,
    };
  }
  return fitFill(session, round, readings);
}

function readingsOf(data: CaseData): Reading[] {
  const gauges = data.records.flatMap((record) => record.gauges ?? []);
  return data.ok.flatMap((trace) => gauges.flatMap((gauge) => readingOf(trace, gauge) ?? []));
}

/** A reading while a request generated, nothing else ran, and its first and last tokens were not near. */
function readingOf(trace: RequestTrace, gauge: Gauges): Reading | null {
  const { firstTokenS, lastTokenS, promptTokens } = trace;
  if (firstTokenS === null || lastTokenS === null || promptTokens === null || gauge.kvUsage === null)
    return null;
  // Other traffic would be counted as this request's.
  if (gauge.running !== null && gauge.running !== 1) return null;
  if (gauge.kvUsage <= 0 || gauge.atS < firstTokenS || gauge.atS > lastTokenS) return null;
  const { atS, kvUsage: usage } = gauge;
  const at = (seconds: number) => promptTokens + generatedBy(trace, seconds);
  return {
    usage,
    promptTokens,
    tokens: at(atS),
    least: at(atS - SLACK_S) - 1,
    most: at(atS + SLACK_S) + AHEAD_TOKENS,
  };
}

/** Tokens that had come by a time; between first and last in proportion where events do not say. */
function generatedBy(trace: RequestTrace, seconds: number): number {
  const { arrivals, firstTokenS, lastTokenS, outputTokens } = trace;
  if (arrivals !== undefined) {
    return arrivals.reduce((sum, [atS, tokens]) => (atS <= seconds ? sum + tokens : sum), 0);
  }
  if (firstTokenS === null || lastTokenS === null || outputTokens === null || lastTokenS <= firstTokenS)
    return 0;
  const share = Math.min(1, Math.max(0, (seconds - firstTokenS) / (lastTokenS - firstTokenS)));
  return 1 + Math.floor(share * (outputTokens - 1));
}

function fitFill(session: SessionData, round: number, readings: readonly Reading[]): KvFill {
  const { record } = session;
  const capacity = kvCapacity(record);
  const line = theilSenLine(readings.map(({ tokens, usage }) => [tokens, usage]));
  const share = blockShare(readings, capacity.blocks);
  const held = readings.map(({ usage }) => Math.round(usage / share));
  const steps = findSteps(readings, held, line.slope === 0 ? null : share / line.slope, capacity.blockSize);
  const deviation = Math.max(
    ...readings.map(({ tokens, usage }) => Math.abs(usage - line.slope * tokens - line.intercept) / share),
  );
  // A straight line through stairs is off by half a step, and by the step that a late reading missed.
  const linear = line.slope > 0 && (steps.explained >= MIN_EXPLAINED || deviation <= 1.5);
  const { variant, index } = record;
  const tokens = readings.map((reading) => reading.tokens);
  return {
    variant,
    session: index,
    round,
    readings: readings.length,
    fromTokens: Math.min(...tokens),
    toTokens: Math.max(...tokens),
    peakUsage: Math.max(...readings.map(({ usage }) => usage)),
    usagePerToken: line.slope,
    blocks: capacity.blocks ?? Math.round(1 / share),
    stepTokens: steps.explained >= MIN_EXPLAINED ? steps.tokens : null,
    explained: steps.explained,
    fixedBlocks: steps.fixed,
    deviationBlocks: deviation,
    linear,
    ...bytesOf(session, line.slope, steps.explained >= MIN_EXPLAINED ? steps.tokens : null, linear),
  };
}

/**
 * The share of one block: of the server's own count, without its null block from vLLM 0.10 on and with it before,
 * whichever makes whole numbers; else the smallest step that the use ever took.
 */
function blockShare(readings: readonly Reading[], blocks: number | null): number {
  if (blocks !== null && blocks > 1) {
    const off = (count: number) =>
      Math.max(...readings.map(({ usage }) => Math.abs(usage * count - Math.round(usage * count))));
    return 1 / (off(blocks - 1) <= off(blocks) ? blocks - 1 : blocks);
  }
  const levels = [...new Set(readings.map(({ usage }) => usage))].sort((a, b) => a - b);
  const gaps = levels.slice(1).map((level, index) => level - (levels[index] as number));
  return Math.min(...gaps.filter((gap) => gap > 1e-9), levels[0] as number);
}

interface Steps {
  readonly tokens: number;
  readonly explained: number;
  readonly fixed: number;
}

/** Whether blocks of a whole number of tokens explain the readings: of the server's own size, or of the slope's. */
function findSteps(
  readings: readonly Reading[],
  held: readonly number[],
  slopeTokens: number | null,
  blockSize: number | null,
): Steps {
  const ofSlope = slopeTokens === null || !Number.isFinite(slopeTokens) ? [] : [Math.round(slopeTokens)];
  const candidates = [...(blockSize === null ? [] : [blockSize]), ...ofSlope].filter((tokens) => tokens >= 1);
  let best: Steps = { tokens: 0, explained: 0, fixed: 0 };
  for (const tokens of candidates) {
    const beyond = readings.map(
      (reading, index) => (held[index] as number) - Math.ceil(reading.tokens / tokens),
    );
    const fixed = median(beyond);
    const fits = readings.filter((reading, index) => {
      const count = (held[index] as number) - fixed;
      return count >= Math.ceil(reading.least / tokens) && count <= Math.ceil(reading.most / tokens);
    });
    const explained = fits.length / readings.length;
    if (explained > best.explained) best = { tokens, explained, fixed };
  }
  return best;
}

function bytesOf(
  { record }: SessionData,
  usagePerToken: number,
  stepTokens: number | null,
  linear: boolean,
): Pick<KvFill, "blockBytes" | "bytesPerToken" | "bytesProblem"> {
  const { memoryBytes, memoryErrorBytes, memoryProblem, blocks } = kvCapacity(record);
  const none = (bytesProblem: string) => ({ blockBytes: null, bytesPerToken: null, bytesProblem });
  if (memoryProblem !== null || memoryBytes === null)
    return none(memoryProblem ?? "the KV memory is unknown");
  if (memoryErrorBytes > memoryBytes * MAX_MEMORY_ERROR) {
    const gib = memoryBytes / 2 ** 30;
    return none(
      `the log gives the KV memory as ${gib.toFixed(2)} GiB, which is too coarse: --kv-cache-memory-bytes sets it exactly`,
    );
  }
  const blockBytes = blocks === null ? null : memoryBytes / blocks;
  if (!linear) return { ...none("the cache's use is not proportional to the context"), blockBytes };
  const bytesPerToken =
    stepTokens !== null && blockBytes !== null ? blockBytes / stepTokens : usagePerToken * memoryBytes;
  return { blockBytes, bytesPerToken, bytesProblem: null };
}
