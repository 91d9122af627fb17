import type { BatchingTables, LoadRow } from "../domain/batching-study.ts";
import type { Knee, OperatingPoint, Slo } from "../domain/operating.ts";
import { formatNumber } from "./numbers.ts";

/** A GPU that is busy for less than this share of the time is left idle. */
const IDLE_PCT = 60;

/** What the machine and the work were, for sentences that stand alone. */
export interface Setting {
  readonly machine: string;
  readonly model: string;
  /** Of a request, in tokens; null for the user's own requests. */
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
}

const tokensPerS = (value: number) => `${formatNumber(Math.round(value))} tok/s`;
const seconds = (value: number | null) =>
  value === null ? "not measured" : `${formatNumber(Number(value.toPrecision(3)))} s`;
const percent = (share: number) => `${Math.round(share * 100)} %`;

/** The rules of thumb, three to five, each with the numbers in it. Plain text. */
export function rulesOfThumb(tables: BatchingTables, setting: Setting): string[] {
  const rules = [
    ...sweetSpot(tables, setting),
    ...beyondTheKnee(tables),
    ...alone(tables),
    ...batchingGain(tables),
    ...safePoint(tables),
  ];
  return [...new Set(rules)].slice(0, 5);
}

function rowAt(rows: readonly LoadRow[], load: number): LoadRow | undefined {
  return rows.find((row) => row.load === load);
}

function sweetSpot({ sweep, advice }: BatchingTables, setting: Setting): string[] {
  if (advice.sweetSpot === null) return [];
  const [from, to] = advice.sweetSpot;
  const low = rowAt(sweep, from);
  const high = rowAt(sweep, to);
  if (low?.tokS == null || high?.tokS == null) return [];
  const lengths =
    setting.promptTokens === null
      ? "your own requests"
      : `${setting.promptTokens} prompt and ${setting.outputTokens} output tokens`;
  const rate =
    from === to ? tokensPerS(high.tokS) : `${formatNumber(Math.round(low.tokS))}–${tokensPerS(high.tokS)}`;
  return [
    `On ${setting.machine} with ${setting.model}, ${rangeText(advice.sweetSpot)} requests in flight are the sweet spot for ${lengths}: ` +
      `${rate} at an end-to-end p95 of at most ${seconds(high.p95E2eS ?? high.meanE2eS)}.`,
  ];
}

function beyondTheKnee({ sweep, advice }: BatchingTables): string[] {
  const { knee } = advice;
  if (knee === null) return advice.why.slice(0, 1);
  const at = rowAt(sweep, knee.load);
  const more = sweep.filter((row) => row.load > knee.load).sort((a, b) => a.load - b.load);
  const next = more.find(({ failed }) => failed === 0);
  const [failing] = more;
  if (!knee.reached && failing !== undefined && failing.failed > 0) {
    return [
      `The knee was not reached: throughput still grew at ${knee.load} requests in flight (${tokensPerS(knee.tokensPerS)}), ` +
        `and at ${failing.load} requests failed. Mend that, or stay at ${knee.load}.`,
    ];
  }
  if (!knee.reached || next === undefined) {
    return [
      `The knee was not reached: throughput still grew at ${knee.load} requests in flight (${tokensPerS(knee.tokensPerS)}). ` +
        "Sweep further to find where it ends.",
    ];
  }
  if (at?.tokS == null || next.tokS === null || at.p95E2eS === null || next.p95E2eS === null) return [];
  const gain = next.tokS / at.tokS - 1;
  const cost = next.p95E2eS / at.p95E2eS - 1;
  return [
    `Beyond ${knee.load} requests in flight, p95 pays for little: from ${knee.load} to ${next.load} throughput changes by ` +
      `${signedPercent(gain)} and the end-to-end p95 by ${signedPercent(cost)} (${seconds(at.p95E2eS)} → ${seconds(next.p95E2eS)}). ` +
      `Alert when more than ${knee.load} run at once for long.`,
  ];
}

function alone({ sweep, advice }: BatchingTables): string[] {
  const first = rowAt(sweep, 1);
  const { knee } = advice;
  if (first?.tokS == null || first.failed > 0 || knee === null || knee.peakLoad === 1) return [];
  const share = first.tokS / knee.peakTokensPerS;
  const util =
    first.gpuUtilPct === null
      ? ""
      : `, with the GPU busy ${Math.round(first.gpuUtilPct)} % of the time${first.gpuUtilPct < IDLE_PCT ? ": it is under-fed" : ""}`;
  return [
    `One request at a time gets ${tokensPerS(first.tokS)}, ${percent(share)} of the ${tokensPerS(knee.peakTokensPerS)} at ` +
      `${knee.peakLoad}${util}: little traffic cannot reach the headline number.`,
  ];
}

function batchingGain({ benchmark }: BatchingTables): string[] {
  if (benchmark === null) return [];
  const { n, concurrency, sequential, concurrent, speedup } = benchmark;
  return [
    `${n} requests take ${seconds(sequential.seconds)} one by one and ${seconds(concurrent.seconds)} with ${concurrency} in ` +
      `flight: batching is worth ${speedup.toFixed(1)}× here (of at most ${concurrency}×).`,
  ];
}

function safePoint({ advice, slo }: BatchingTables): string[] {
  const { safe } = advice;
  if (safe === null) return slo === null ? [] : advice.why.slice(-1);
  const goodput =
    safe.goodputRps === null
      ? ""
      : `, ${formatNumber(Number(safe.goodputRps.toPrecision(3)))} requests/s within the SLO`;
  const by = slo === null ? "no SLO was given, so it is the knee itself" : sloText(slo);
  return [
    `Safe operating point: up to ${safe.load} requests in flight (${tokensPerS(safe.tokensPerS)}${goodput}; ${by}).`,
  ];
}

function signedPercent(share: number): string {
  const points = Math.round(share * 100);
  return points === 0 ? "0 %" : `${points > 0 ? "+" : "−"}${Math.abs(points)} %`;
}

/** `TTFT p95 ≤ 200 ms, end-to-end p95 ≤ 2,000 ms` */
export function sloText({ ttftP95Ms, itlP95Ms, e2eP95Ms }: Slo): string {
  const parts = [
    ...(ttftP95Ms === undefined ? [] : [`TTFT p95 ≤ ${formatNumber(ttftP95Ms)} ms`]),
    ...(itlP95Ms === undefined ? [] : [`inter-token p95 ≤ ${formatNumber(itlP95Ms)} ms`]),
    ...(e2eP95Ms === undefined ? [] : [`end-to-end p95 ≤ ${formatNumber(e2eP95Ms)} ms`]),
  ];
  return parts.join(", ");
}

/** `8` or `4–8` */
export function rangeText([from, to]: readonly [number, number]): string {
  return from === to ? String(from) : `${from}–${to}`;
}

/** The knee with how sure it is. */
export function kneeText(knee: Knee): string {
  const where = knee.reached
    ? `${knee.load} requests in flight: ${tokensPerS(knee.tokensPerS)}, ${percent(knee.tokensPerS / knee.peakTokensPerS)} of the peak at ${knee.peakLoad}`
    : `not reached: ${knee.load} requests in flight were the most that was measured whole, and throughput still grew`;
  const close =
    knee.closeLoad === null || knee.closeLoad === knee.load
      ? ""
      : `; within 5 % of the peak from ${knee.closeLoad}`;
  const sure =
    knee.plausible.length === 0
      ? "; how sure that is needs more than one round"
      : `; of the resampled sweeps ${knee.plausible.map(({ load, share }) => `${percent(share)} have it at ${load}`).join(", ")}`;
  return `${where}${close}${sure}`;
}

/** A profile in a line. */
export function pointText(point: OperatingPoint | null): string {
  if (point === null) return "none";
  const p95s = [
    ...(point.e2eP95Ms === null ? [] : [`end-to-end p95 ${seconds(point.e2eP95Ms / 1000)}`]),
    ...(point.ttftP95Ms === null
      ? []
      : [`TTFT p95 ${formatNumber(Number(point.ttftP95Ms.toPrecision(3)))} ms`]),
    ...(point.itlP95Ms === null
      ? []
      : [`inter-token p95 ${formatNumber(Number(point.itlP95Ms.toPrecision(3)))} ms`]),
    ...(point.goodputRps === null
      ? []
      : [`goodput ${formatNumber(Number(point.goodputRps.toPrecision(3)))} requests/s`]),
  ];
  return `${point.load} in flight, ${tokensPerS(point.tokensPerS)}${p95s.length === 0 ? "" : `, ${p95s.join(", ")}`}`;
}
