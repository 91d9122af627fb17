import type { ComparisonFile } from "../domain/comparison.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";

/** A metric's value on each side, as the comparison has it; without one, the middle of what was measured. */
export interface SideValues {
  readonly metric: string;
  readonly unit: string;
  readonly base: number | null;
  readonly head: number | null;
}

/** Every metric by its id. */
export function sideValues(
  comparison: ComparisonFile | null,
  measurements: MeasurementsFile | null,
): ReadonlyMap<string, SideValues> {
  const compared = (comparison?.comparisons ?? []).map(
    ({ metric, unit, base, head }) => [metric, { metric, unit, base, head }] as const,
  );
  if (compared.length > 0) return new Map(compared);
  const values = Map.groupBy(
    (measurements?.measurements ?? []).filter(({ variant }) => variant === "head"),
    ({ metric }) => metric,
  );
  const units = new Map(measurements?.metrics.map(({ id, unit }) => [id, unit]));
  return new Map(
    [...values].map(([metric, group]) => {
      // One of the measured values, so that it is found among them: the middle one, of an even number the lower.
      const sorted = group.map(({ value }) => value).sort((a, b) => a - b);
      const head = sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
      return [metric, { metric, unit: units.get(metric) ?? "", base: null, head }];
    }),
  );
}

/** One level of load on both sides. */
export interface CurvePoint extends SideValues {
  readonly concurrency: number;
}

/** A quantity of the batching sweep over concurrency, ascending. */
export function curveOf(values: ReadonlyMap<string, SideValues>, quantity: string): CurvePoint[] {
  return [...values.values()]
    .flatMap((each) => {
      const found = /^batching\.c(\d+)\.(.+)$/.exec(each.metric);
      return found?.[2] === quantity ? [{ ...each, concurrency: Number(found[1]) }] : [];
    })
    .sort((a, b) => a.concurrency - b.concurrency);
}

export const SIDES = ["base", "head"] as const;
export type Side = (typeof SIDES)[number];

/** The points of one side that were measured. */
export function sidePoints(
  points: readonly CurvePoint[],
  side: Side,
): { readonly concurrency: number; readonly value: number }[] {
  return points.flatMap(({ concurrency, [side]: value }) => (value === null ? [] : [{ concurrency, value }]));
}
