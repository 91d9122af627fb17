import type { BatchingTables } from "../domain/batching-study.ts";
import type { Knee, OperatingPoint, Slo } from "../domain/operating.ts";
import { formatNumber } from "./numbers.ts";

export const tokensPerS = (value: number) => `${formatNumber(Math.round(value))} tok/s`;
export const seconds = (value: number | null) =>
  value === null ? "not measured" : `${formatNumber(Number(value.toPrecision(3)))} s`;
export const percent = (share: number) => `${Math.round(share * 100)} %`;

/** Rates of the sweep are those of a level's best round, those of the benchmark the median of its repeats. */
export const inBestRound = (rounds: number) => (rounds > 1 ? " in its best round" : "");

/**
 * Shares in whole percent that add up to what they are together: the largest remainders are rounded up (Hamilton's
 * method), so that shares of a whole never come to 101 %.
 */
export function wholePercents(shares: readonly number[]): number[] {
  const exact = shares.map((share) => share * 100);
  const floors = exact.map((each) => Math.floor(each + 1e-9));
  const missing = Math.round(exact.reduce((a, b) => a + b, 0)) - floors.reduce((a, b) => a + b, 0);
  const raised = exact
    .map((each, index) => ({ index, remainder: each - (floors[index] ?? 0) }))
    .sort((a, b) => b.remainder - a.remainder || a.index - b.index)
    .slice(0, Math.max(0, missing));
  return floors.map((floor, at) => floor + Number(raised.some(({ index }) => index === at)));
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

/** Whether requests failed at a higher load than the highest that was measured whole. */
function failsAbove({ sweep }: BatchingTables, load: number): boolean {
  return sweep.some((row) => row.load > load && row.failed > 0);
}

/** Whether throughput still grew at the highest load that was measured, and nothing says where it ends. */
function isOpen(tables: BatchingTables): boolean {
  const { knee } = tables.advice;
  return knee !== null && !knee.reached && !failsAbove(tables, knee.load);
}

/** The sweet spot, claimed no further than it was measured. */
export function sweetSpotText(tables: BatchingTables): {
  readonly text: string;
  /** Where it ends: `measured` at both ends, `open` above, `unknown` with neither end found. */
  readonly ends: "measured" | "open" | "unknown";
} {
  const { sweetSpot } = tables.advice;
  if (sweetSpot === null) return { text: "none", ends: "unknown" };
  if (!isOpen(tables)) return { text: rangeText(sweetSpot), ends: "measured" };
  const [from] = sweetSpot;
  return tables.sweep.some((row) => row.load < from)
    ? { text: `${from} or more requests in flight`, ends: "open" }
    : { text: `not found: it may be anything from ${from} in flight on`, ends: "unknown" };
}

/** By what the safe operating point is the highest one. */
export function safeBasis(tables: BatchingTables): string {
  const { advice, slo, sweep } = tables;
  const { knee, safe } = advice;
  const promises = slo === null ? "" : sloText(slo);
  const isTop = safe !== null && !sweep.some((row) => row.load > safe.load && row.failed === 0);
  if (safe !== null && isTop && !knee?.reached) {
    const bound = failsAbove(tables, safe.load)
      ? "the highest load that was measured whole, above it requests failed"
      : "the highest load that was measured; no bound was found";
    return [...(promises === "" ? [] : [promises]), bound].join("; ");
  }
  if (promises !== "") return promises;
  return safe?.load === knee?.load
    ? "no SLO was given, so it is the knee itself"
    : "no SLO was given; above it the server preempted requests, or its KV cache was nearly full";
}

/** The highest arrival rate that kept the SLO, of those measured; null without an SLO or rates. */
export function rateText({ rates, safeRatePerS, slo }: BatchingTables): string | null {
  if (slo === null || rates.length === 0) return null;
  const loads = rates.map((row) => row.load);
  if (safeRatePerS === null) {
    return `no measured arrival rate keeps the SLO, the lowest was ${formatNumber(Math.min(...loads))} requests/s`;
  }
  const bound = safeRatePerS === Math.max(...loads) ? ", the highest rate that was measured" : "";
  return `up to ${formatNumber(safeRatePerS)} requests/s keep the SLO${bound}`;
}

/** How full the KV cache was at a point. */
export function usageText({ kvUsageMaxPct }: OperatingPoint): string | null {
  return kvUsageMaxPct === null
    ? null
    : `KV cache up to ${formatNumber(Number(kvUsageMaxPct.toPrecision(3)))} % full`;
}

/** The knee with how sure it is. */
export function kneeText(knee: Knee): string {
  const where = knee.reached
    ? `${knee.load} requests in flight: ${tokensPerS(knee.tokensPerS)}, ${percent(knee.tokensPerS / knee.peakTokensPerS)} of the peak at ${knee.peakLoad}`
    : `at ${knee.load} requests in flight or beyond, not reached: they were the most that was measured whole, and throughput still grew (${tokensPerS(knee.tokensPerS)})`;
  const close =
    knee.closeLoad === null || knee.closeLoad === knee.load
      ? ""
      : `; within 5 % of the peak from ${knee.closeLoad}`;
  const shares = wholePercents(knee.plausible.map(({ share }) => share));
  const said = knee.plausible.map(({ load }, index) => {
    const beyond = !knee.reached && load === knee.load ? " or beyond" : "";
    return `${shares[index]} % have it at ${load}${beyond}`;
  });
  const sure =
    said.length === 0
      ? "; how sure that is needs more than one round"
      : `; of the resampled sweeps ${said.join(", ")}`;
  return `${where}${close}${sure}`;
}

/** A profile in a line. */
export function pointText(point: OperatingPoint | null): string {
  if (point === null) return "none";
  const usage = usageText(point);
  const p95s = [
    ...(point.e2eP95Ms === null ? [] : [`end-to-end p95 ${seconds(point.e2eP95Ms / 1000)}`]),
    ...(point.ttftP95Ms === null
      ? []
      : [`TTFT p95 ${formatNumber(Number(point.ttftP95Ms.toPrecision(3)))} ms`]),
    ...(point.itlP95Ms === null
      ? []
      : [`inter-token p95 ${formatNumber(Number(point.itlP95Ms.toPrecision(3)))} ms`]),
    ...(usage === null ? [] : [usage]),
    ...(point.goodputRps === null
      ? []
      : [`goodput ${formatNumber(Number(point.goodputRps.toPrecision(3)))} requests/s`]),
  ];
  return `${point.load} in flight, ${tokensPerS(point.tokensPerS)}${p95s.length === 0 ? "" : `, ${p95s.join(", ")}`}`;
}
