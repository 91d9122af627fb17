import type { BatchingTables, LoadRow } from "../domain/batching-study.ts";
import {
  inBestRound,
  percent,
  rangeText,
  rateText,
  safeBasis,
  seconds,
  sweetSpotText,
  tokensPerS,
  usageText,
} from "./batching-words.ts";
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

function sweetSpot(tables: BatchingTables, setting: Setting): string[] {
  const { sweep, advice } = tables;
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
  const { text, ends } = sweetSpotText(tables);
  if (ends === "unknown") return [];
  const p95 = `an end-to-end p95 of at most ${seconds(high.p95E2eS ?? high.meanE2eS)}`;
  const where = `On ${setting.machine} with ${setting.model}`;
  if (ends === "open") {
    return [
      `${where} the sweet spot for ${lengths} is ${text}: ${rate} at ${rangeText([from, to])}, the most that was ` +
        `measured, at ${p95}.`,
    ];
  }
  return [`${where}, ${text} requests in flight are the sweet spot for ${lengths}: ${rate} at ${p95}.`];
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
    `One request at a time gets ${tokensPerS(first.tokS)}${inBestRound(first.rounds)}, ${percent(share)} of the ${tokensPerS(knee.peakTokensPerS)} at ` +
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

function safePoint(tables: BatchingTables): string[] {
  const { advice, slo } = tables;
  const { safe } = advice;
  const rate = rateText(tables);
  if (safe === null)
    return [...(slo === null ? [] : advice.why.slice(-1)), ...(rate === null ? [] : [`${rate}.`])];
  const p95 = safe.e2eP95Ms === null ? "" : ` at an end-to-end p95 of ${seconds(safe.e2eP95Ms / 1000)}`;
  const usage = usageText(safe);
  const goodput =
    safe.goodputRps === null
      ? ""
      : `, ${formatNumber(Number(safe.goodputRps.toPrecision(3)))} requests/s within the SLO`;
  return [
    `Safe operating point: up to ${safe.load} requests in flight (${tokensPerS(safe.tokensPerS)}${p95}` +
      `${usage === null ? "" : `, ${usage}`}${goodput}; ${safeBasis(tables)})${rate === null ? "" : `; ${rate}`}.`,
  ];
}

function signedPercent(share: number): string {
  const points = Math.round(share * 100);
  return points === 0 ? "0 %" : `${points > 0 ? "+" : "−"}${Math.abs(points)} %`;
}
