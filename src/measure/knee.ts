import { max, mean, quantile } from "simple-statistics";
import type { Knee, LoadLevel, RequestTimes, Slo } from "../domain/operating.ts";
import { mulberry32 } from "../stats/random.ts";

/** Within these shares of the peak, throughput is as good as there: the rule of thumb is 5–10 %. */
const NEAR_PEAK = 0.1;
const CLOSE_TO_PEAK = 0.05;
/** Resampled curves behind the shares of {@link Knee.plausible}. */
const RESAMPLES = 1000;
/** A load with its knee in a smaller share of the curves is not worth naming. */
const LEAST_SHARE = 0.01;
/** A 95th percentile is inside its bound when at most this share is beyond it. */
const BEYOND = 0.05;

/** A level of load in short. */
export interface CurvePoint {
  readonly load: number;
  readonly tokensPerS: number;
  /** Whether its 95th percentiles are inside the SLO; true without one. */
  readonly inside: boolean;
}

/**
 * The least load whose throughput is within a share of the peak while its 95th percentiles are inside the SLO. The
 * peak is that of all loads: a server that reaches it only outside of the SLO has no such load.
 *
 * @returns null when there is none
 */
export function kneeOf<P extends CurvePoint>(points: readonly P[], share = NEAR_PEAK): P | null {
  const peak = Math.max(...points.map((point) => point.tokensPerS));
  const near = points.filter((point) => point.inside && point.tokensPerS >= (1 - share) * peak);
  return near.reduce<P | null>(
    (least, each) => (least === null || each.load < least.load ? each : least),
    null,
  );
}

/**
 * The curve of a sweep: of each level its best round, since interference only takes throughput away and may last for
 * a whole round; percentiles over all requests of all rounds, since users meet slow rounds too.
 */
export function curveOf(levels: readonly LoadLevel[], slo: Slo | null): CurvePoint[] {
  return levels
    .filter((level) => level.rounds.length > 0)
    .map((level) => ({
      load: level.load,
      tokensPerS: max(level.rounds.map((round) => round.tokensPerS)),
      inside:
        slo === null ||
        isInside(
          level.rounds.flatMap((round) => round.requests),
          slo,
        ),
    }));
}

/** Whether the 95th percentiles of some requests are inside an SLO; false without requests. */
export function isInside(requests: readonly RequestTimes[], slo: Slo): boolean {
  if (requests.length === 0) return false;
  const within = (values: readonly number[], bound: number | undefined) =>
    bound === undefined || values.length === 0 || quantile([...values], 0.95) <= bound;
  return (
    within(
      requests.map((each) => each.ttftMs),
      slo.ttftP95Ms,
    ) &&
    within(
      requests.map((each) => each.e2eMs),
      slo.e2eP95Ms,
    ) &&
    within(
      requests.flatMap((each) => each.gapsMs ?? []),
      slo.itlP95Ms,
    )
  );
}

/**
 * The knee of a sweep with the loads where else it may lie, and how sure it is that each load is inside the SLO.
 *
 * @param seed - of the resampling: the same sweep gives the same shares
 * @returns a null knee when no load is near the peak and inside the SLO, or fewer than two loads were measured
 */
export function findKnee(
  levels: readonly LoadLevel[],
  slo: Slo | null,
  seed = 1,
): { readonly knee: Knee | null; readonly insideShare: ReadonlyMap<number, number> } {
  const curve = curveOf(levels, slo);
  const resampled = resampleCurves(levels, slo, seed);
  const insideShare = new Map(
    curve.map(({ load, inside }, index) => [
      load,
      resampled.length === 0
        ? Number(inside)
        : mean(resampled.map((points) => Number(points[index]?.inside ?? false))),
    ]),
  );
  const at = kneeOf(curve);
  if (at === null || curve.length < 2) return { knee: null, insideShare };
  const peak = curve.reduce((best, each) => (each.tokensPerS > best.tokensPerS ? each : best));
  const counts = new Map<number, number>();
  for (const points of resampled) {
    const load = kneeOf(points)?.load;
    if (load !== undefined) counts.set(load, (counts.get(load) ?? 0) + 1);
  }
  const plausible = [...counts]
    .map(([load, count]) => ({ load, share: count / resampled.length }))
    .filter(({ share }) => share >= LEAST_SHARE)
    .sort((a, b) => b.share - a.share || a.load - b.load);
  const knee: Knee = {
    load: at.load,
    tokensPerS: at.tokensPerS,
    closeLoad: kneeOf(curve, CLOSE_TO_PEAK)?.load ?? null,
    peakTokensPerS: peak.tokensPerS,
    peakLoad: peak.load,
    reached: at.load < Math.max(...curve.map((point) => point.load)),
    plausible,
  };
  return { knee, insideShare };
}

/** One request in short: which bounds it breaks, and how many of its gaps. */
interface Breaks {
  readonly ttft: boolean;
  readonly e2e: boolean;
  readonly gaps: number;
  readonly longGaps: number;
}

function breaksOf(times: RequestTimes, slo: Slo): Breaks {
  const gaps = times.gapsMs ?? [];
  const { ttftP95Ms = Infinity, itlP95Ms = Infinity, e2eP95Ms = Infinity } = slo;
  return {
    ttft: times.ttftMs > ttftP95Ms,
    e2e: times.e2eMs > e2eP95Ms,
    gaps: gaps.length,
    longGaps: gaps.filter((gap) => gap > itlP95Ms).length,
  };
}

/**
 * Curves that might have been measured as well: of each level, rounds are drawn with replacement, and of each drawn
 * round its requests (a two-stage bootstrap, Davison and Hinkley, "Bootstrap Methods and their Application", 3.8). A
 * curve never has a better round than was measured, so that the shares say how much hangs on single rounds.
 *
 * @returns none when no level has two rounds: nothing is known about their spread
 */
function resampleCurves(levels: readonly LoadLevel[], slo: Slo | null, seed: number): CurvePoint[][] {
  const measured = levels.filter((level) => level.rounds.length > 0);
  if (!measured.some((level) => level.rounds.length > 1)) return [];
  const random = mulberry32(seed);
  const prepared = measured.map(({ load, rounds }) => ({
    load,
    rounds: rounds.map(({ tokensPerS, requests }) => ({
      tokensPerS,
      breaks: slo === null ? [] : requests.map((each) => breaksOf(each, slo)),
    })),
  }));
  return Array.from({ length: RESAMPLES }, () => prepared.map((level) => draw(level, random)));
}

interface PreparedLevel {
  readonly load: number;
  readonly rounds: readonly { readonly tokensPerS: number; readonly breaks: readonly Breaks[] }[];
}

function draw({ load, rounds }: PreparedLevel, random: () => number): CurvePoint {
  const sums = { requests: 0, ttft: 0, e2e: 0, gaps: 0, longGaps: 0 };
  let tokensPerS = 0;
  for (let index = 0; index < rounds.length; index += 1) {
    const round = rounds[Math.floor(random() * rounds.length)] as PreparedLevel["rounds"][number];
    tokensPerS = Math.max(tokensPerS, round.tokensPerS);
    for (let request = 0; request < round.breaks.length; request += 1) {
      const drawn = round.breaks[Math.floor(random() * round.breaks.length)] as Breaks;
      sums.requests += 1;
      sums.ttft += Number(drawn.ttft);
      sums.e2e += Number(drawn.e2e);
      sums.gaps += drawn.gaps;
      sums.longGaps += drawn.longGaps;
    }
  }
  const inside =
    Math.max(sums.ttft, sums.e2e) <= BEYOND * sums.requests && sums.longGaps <= BEYOND * sums.gaps;
  return { load, tokensPerS, inside };
}
