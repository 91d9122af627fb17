import { max } from "simple-statistics";
import type { LoadRow } from "../domain/batching-study.ts";
import type { LoadLevel, OperatingAdvice, OperatingPoint, Slo } from "../domain/operating.ts";
import { type CurvePoint, curveOf, findKnee, kneeOf } from "./knee.ts";

/** A KV cache that was ever fuller than this is close to putting requests out of the batch. */
const KV_HEADROOM_PCT = 90;
/** A safe point is inside the SLO in so many of the resampled curves. */
const SURE = 0.95;

/**
 * Where to run, by what a sweep measured.
 *
 * Latency-minded is the load of the highest power, throughput over response time (Kleinrock, "Power and deterministic
 * rules of thumb for probabilistic problems in computer communications", ICC 1979), among those inside the SLO;
 * throughput-minded the least load within 5 % of the highest throughput inside it.
 *
 * A level with failed requests is none of these: the others had the server to themselves, so that what they measured
 * is another load.
 *
 * @param rows - the sweep's rows, for the same loads as `levels`
 */
export function adviseOn(
  all: readonly LoadLevel[],
  rows: readonly LoadRow[],
  slo: Slo | null,
): OperatingAdvice {
  const failing = rows.filter(({ failed }) => failed > 0);
  const levels = all.filter(({ load }) => !failing.some((row) => row.load === load));
  const { knee, insideShare } = findKnee(levels, slo);
  const curve = curveOf(levels, slo);
  const inside = curve.filter((point) => point.inside);
  const rowOf = (load: number) => rows.find((row) => row.load === load);
  const point = (at: CurvePoint | null | undefined): OperatingPoint | null =>
    at === null || at === undefined ? null : operatingPoint(at, rowOf(at.load));
  const power = (at: CurvePoint) => {
    const row = rowOf(at.load);
    const seconds = row?.p95E2eS ?? row?.meanE2eS ?? null;
    return seconds === null || seconds <= 0 ? 0 : at.tokensPerS / seconds;
  };
  const latency = highest(inside, power);
  const throughput = kneeOf(inside, 0.05);
  const calm = inside.filter((at) => {
    const row = rowOf(at.load);
    return (
      (knee === null || at.load <= knee.load) &&
      (insideShare.get(at.load) ?? 0) >= SURE &&
      (row?.preemptions ?? 0) === 0 &&
      (row?.kvUsageMaxPct ?? 0) <= KV_HEADROOM_PCT
    );
  });
  const safe = highest(calm, (at) =>
    slo === null ? at.load : (rowOf(at.load)?.goodputRps ?? at.tokensPerS),
  );
  const ends = [latency?.load, throughput?.load].filter((load) => load !== undefined);
  return {
    knee,
    latencyMinded: point(latency),
    throughputMinded: point(throughput),
    sweetSpot: ends.length < 2 || curve.length < 2 ? null : [Math.min(...ends), Math.max(...ends)],
    safe: point(safe),
    why: [...failing.map(failureText), ...whyNot(curve, inside, knee !== null, safe !== null)],
  };
}

function failureText({ load, failed, requests }: LoadRow): string {
  return (
    `At ${load} in flight ${failed} of ${requests} requests failed: that level is no knee, sweet spot or safe point, ` +
    "and the peak is that of the others."
  );
}

function whyNot(
  curve: readonly CurvePoint[],
  inside: readonly CurvePoint[],
  hasKnee: boolean,
  hasSafe: boolean,
): string[] {
  if (curve.length === 0) return ["No level of load was measured whole."];
  if (curve.length < 2) return ["A knee needs at least two levels of load; one was measured whole."];
  if (inside.length === 0) return ["No level of load is inside the SLO, not even the lowest."];
  const peak = max(curve.map((point) => point.tokensPerS));
  const best = max(inside.map((point) => point.tokensPerS));
  return [
    ...(hasKnee
      ? []
      : [
          `The SLO ends before the knee: inside it at most ${Math.round(best)} of the peak's ${Math.round(peak)} tokens/s ` +
            "are reached.",
        ]),
    ...(hasSafe
      ? []
      : [
          "No level of load is safe: each was outside the SLO in more than 5 % of the resampled curves, had " +
            `preempted requests, or filled more than ${KV_HEADROOM_PCT} % of the KV cache.`,
        ]),
  ];
}

function highest<P extends { load: number }>(points: readonly P[], of: (point: P) => number): P | undefined {
  return points.reduce<P | undefined>(
    (best, each) => (best === undefined || of(each) > of(best) ? each : best),
    undefined,
  );
}

function operatingPoint({ load, tokensPerS }: CurvePoint, row: LoadRow | undefined): OperatingPoint {
  return {
    load,
    tokensPerS,
    requestsPerS: row?.qps ?? null,
    ttftP95Ms: row?.ttftP95Ms ?? null,
    itlP95Ms: row?.itlP95Ms ?? null,
    e2eP95Ms: row?.p95E2eS == null ? null : row.p95E2eS * 1000,
    goodputRps: row?.goodputRps ?? null,
    kvUsageMaxPct: row?.kvUsageMaxPct ?? null,
  };
}

/** The 95th percentiles of a level that are outside an SLO, by name. */
export function outsideSlo(row: LoadRow, slo: Slo): string[] {
  return checksOf(row, slo).flatMap(({ name, value, bound }) =>
    value !== null && bound !== undefined && value > bound ? [name] : [],
  );
}

/**
 * The highest arrival rate whose 95th percentiles were inside the SLO without a failed request, as were those of every
 * lower rate.
 *
 * @returns null without an SLO, or when the lowest rate was outside, or a promise could not be checked
 */
export function safeRate(rows: readonly LoadRow[], slo: Slo | null): number | null {
  if (slo === null) return null;
  let highest: number | null = null;
  for (const row of [...rows].sort((a, b) => a.load - b.load)) {
    const kept = checksOf(row, slo).every(
      ({ value, bound }) => bound === undefined || (value !== null && value <= bound),
    );
    if (!kept || row.failed > 0) break;
    highest = row.load;
  }
  return highest;
}

function checksOf(row: LoadRow, slo: Slo) {
  return [
    { name: "TTFT", value: row.ttftP95Ms, bound: slo.ttftP95Ms },
    { name: "inter-token", value: row.itlP95Ms, bound: slo.itlP95Ms },
    { name: "end-to-end", value: row.p95E2eS === null ? null : row.p95E2eS * 1000, bound: slo.e2eP95Ms },
  ];
}
