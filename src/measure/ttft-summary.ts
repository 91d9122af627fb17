import { max, mean, median, min, quantile } from "simple-statistics";
import type { TtftSummary } from "../domain/measurements.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { farOutFence, theilSenSlope } from "../stats/robust.ts";
import { e2eMs, type SessionData, ttftMs } from "./case-data.ts";
import { MIN_SAMPLES_P95 } from "./metric-family.ts";

/** The band within which warm TTFT counts as steady: ±20 %, the wider end of the usual rule of thumb. */
const STEADY_BAND = 0.4;
/** A drift over the warm runs that is worth a look. */
const NOTABLE_TREND = 0.1;
/** Cold about equal to warm: the start hid nothing, which is unusual. */
const EQUAL_RATIO = 1.2;
const NORMAL_RATIO = { from: 2, to: 5 } as const;

interface Row {
  ttftS: number;
  e2eS: number;
  tokens: number;
  notes: string;
  startS: number;
  endS: number;
  round: number;
}

/**
 * First-token latency of one session: the cold request beside the warm runs, their band, trend and outliers, and
 * what the numbers mean by the usual rules of thumb. Null when the session measured no `ttft` case.
 */
export function summarizeTtft(session: SessionData): TtftSummary | null {
  const cold = tracesOf(session, "ttft.cold")[0] ?? null;
  const warm = tracesOf(session, "ttft.warm");
  if (cold === null && warm.length === 0) return null;
  const warmTtfts = warm.map((trace) => (ttftMs(trace) ?? 0) / 1000);
  const fence = warmTtfts.length >= 5 ? farOutFence(warmTtfts) : Number.POSITIVE_INFINITY;
  const rows = warm.map((trace) => row(trace, (ttftMs(trace) ?? 0) / 1000 > fence ? "outlier" : ""));
  const warmStats =
    warmTtfts.length < 2 ? null : statsOf(warmTtfts, rows.filter((each) => each.notes !== "").length);
  const coldRow = cold === null ? null : row(cold, "first request after the start");
  const coldWarmRatio = coldRow === null || warmStats === null ? null : coldRow.ttftS / warmStats.medianS;
  const partial = { cold: coldRow, warm: rows, warmStats, coldWarmRatio };
  return {
    variant: session.record.variant,
    session: session.record.index,
    ...partial,
    observations: observe(partial),
  };
}

function tracesOf(session: SessionData, name: string): RequestTrace[] {
  return [...session.rounds.values()].flatMap((cases) =>
    (cases.get(name)?.ok ?? []).filter((trace) => isTime(ttftMs(trace)) && isTime(e2eMs(trace))),
  );
}

/** A trace that something else wrote may hold any numbers; of those that are no times nothing can be said. */
function isTime(ms: number | null): boolean {
  return ms !== null && ms > 0 && ms < 1e12;
}

function row(trace: RequestTrace, notes: string): Row {
  return {
    ttftS: (ttftMs(trace) ?? 0) / 1000,
    e2eS: (e2eMs(trace) ?? 0) / 1000,
    tokens: (trace.promptTokens ?? 0) + (trace.outputTokens ?? 0),
    notes,
    startS: trace.startS,
    endS: trace.endS,
    round: trace.round,
  };
}

function statsOf(ttftsS: readonly number[], outliers: number): NonNullable<TtftSummary["warmStats"]> {
  const values = [...ttftsS];
  const medianS = median(values);
  return {
    minS: min(values),
    meanS: mean(values),
    medianS,
    p95S: values.length >= MIN_SAMPLES_P95 ? quantile(values, 0.95) : null,
    maxS: max(values),
    band: (max(values) - min(values)) / medianS,
    trend: (theilSenSlope(values) * (values.length - 1)) / medianS,
    outliers,
  };
}

const ms = (seconds: number) => `${(seconds * 1000).toPrecision(3)} ms`;
const percent = (share: number) => `${Math.round(share * 100)} %`;

function observe(summary: Pick<TtftSummary, "cold" | "warm" | "warmStats" | "coldWarmRatio">): string[] {
  const said: string[] = [];
  const { cold, warmStats: warm, coldWarmRatio: ratio } = summary;
  if (cold !== null && ratio !== null && warm !== null) {
    const factor = `Cold is ${ratio.toFixed(1)}× warm (${ms(cold.ttftS)} against ${ms(warm.medianS)})`;
    if (ratio < EQUAL_RATIO) {
      said.push(
        `${factor}: about equal. Warm requests pay what only the first should; look for a systemic fault of runtime or configuration.`,
      );
    } else if (ratio < NORMAL_RATIO.from) {
      said.push(`${factor}: a small gap. The server did most of its one-time work before it was ready.`);
    } else if (ratio <= NORMAL_RATIO.to) {
      said.push(`${factor}: 2–5× is normal.`);
    } else {
      said.push(
        `${factor}: more than the usual 2–5×. The first request waits for one-time work (kernels compiled on demand, first allocations); send one request before taking traffic.`,
      );
    }
  }
  if (warm !== null) {
    // One outlier is a spike, which is said below; it does not make the others unsteady.
    const usual = summary.warm.filter((each) => each.notes === "").map((each) => each.ttftS);
    const share = (max(usual) - min(usual)) / warm.medianS;
    const apart = warm.outliers > 0 ? ", outliers apart," : "";
    const band = `Warm TTFT${apart} lies between ${ms(min(usual))} and ${ms(max(usual))}, a band of ${percent(share)} of its median`;
    said.push(
      share <= STEADY_BAND
        ? `${band}: steady; treat ${ms(warm.medianS)} as the steady-state TTFT.`
        : `${band}: not steady; something else used the machine, or the server's own work varies.`,
    );
    if (Math.abs(warm.trend) > NOTABLE_TREND) {
      const way = warm.trend > 0 ? "rises" : "falls";
      said.push(
        `Warm TTFT ${way} by ${percent(Math.abs(warm.trend))} over the session: it drifts, it is not only noise.`,
      );
    }
    if (warm.outliers > 0) {
      said.push(
        `${warm.outliers} of ${summary.warm.length} warm runs ${warm.outliers === 1 ? "is an outlier" : "are outliers"} (above the third quartile + 3 interquartile ranges).`,
      );
    }
  }
  return said;
}
