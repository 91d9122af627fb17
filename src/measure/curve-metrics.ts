import { geometricMean } from "simple-statistics";
import type { SessionData } from "./case-data.ts";
import { timesOf } from "./goodput.ts";
import { type CurvePoint, isInside, kneeOf } from "./knee.ts";
import { type Family, type Metric, none, type Reading, relative, throughput } from "./metric-family.ts";
import { tokensPerS } from "./throughput.ts";

/** Of two points one is always the higher: they have no knee. */
const LEAST_FOR_A_KNEE = 3;

/** The curve of a round: throughput over requests in flight. */
function readCurve(
  session: SessionData,
  round: number,
): { readonly points: CurvePoint[]; readonly n: number; readonly missing: string | null } {
  const points: CurvePoint[] = [];
  let n = 0;
  let missing: string | null = null;
  for (const data of session.rounds.get(round)?.values() ?? []) {
    const load = /^c(\d+)$/.exec(data.case)?.[1];
    if (data.probe !== "batching" || load === undefined) continue;
    const reading = tokensPerS(data);
    if ("absent" in reading) {
      missing ??= `${data.probe}.${data.case}: ${reading.absent}`;
      continue;
    }
    const slo = data.slo ?? null;
    const inside =
      slo === null ||
      isInside(
        data.ok.flatMap((trace) => timesOf(trace) ?? []),
        slo,
      );
    points.push({ load: Number(load), tokensPerS: reading.value, inside });
    n += reading.n;
  }
  return { points, n, missing };
}

/** A metric of a whole sweep; without all of its points it would be one of another sweep. */
function curveMetric(
  family: Family,
  least: number,
  read: (points: readonly CurvePoint[]) => number | string,
): Metric {
  return {
    ...family,
    scope: "round",
    read: (session, round): Reading | null => {
      const { points, n, missing } = readCurve(session, round);
      if (missing !== null) return none(missing);
      if (points.length < least) return null;
      const value = read(points);
      return typeof value === "string" ? none(value) : { value, n };
    },
  };
}

/** What single levels of the sweep hide: a curve that is lower everywhere by less than each level's own tolerance, or that bends earlier. */
export const CURVE: readonly Metric[] = [
  curveMetric(
    {
      id: "batching.knee",
      unit: "requests",
      direction: "higher",
      level: "watch",
      // One step of a sweep that doubles is a loss of half.
      tolerance: relative(0.25),
      sensitivity: "host",
      rounds: "mean",
      description:
        "Fewest requests in flight whose throughput is within 10 % of the highest of the sweep, inside the scenario's `slo`. Needs three levels.",
    },
    LEAST_FOR_A_KNEE,
    (points) =>
      kneeOf(points)?.load ?? "no level of the sweep near the highest throughput is inside the `slo`",
  ),
  curveMetric(
    {
      ...throughput,
      level: "watch",
      id: "batching.peak_tokens_per_s",
      unit: "tokens/s",
      description: "Highest throughput of the sweep in output tokens, at whichever level.",
    },
    1,
    (points) => Math.max(...points.map((point) => point.tokensPerS)),
  ),
  curveMetric(
    {
      ...throughput,
      level: "watch",
      tolerance: relative(0.03),
      id: "batching.curve_tokens_per_s",
      unit: "tokens/s",
      description:
        "Geometric mean of the throughput over all levels of the sweep: its ratio to the baseline's is the mean ratio of the whole curves. Needs two levels.",
    },
    2,
    (points) => geometricMean(points.map((point) => point.tokensPerS)),
  ),
];
