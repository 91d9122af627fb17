import { median, quantile } from "simple-statistics";

/**
 * Theil–Sen slope: the median of the slopes between all pairs of points (Theil 1950, Sen 1968). One outlier in
 * four does not move it.
 *
 * @param values - at equal distances; at least two
 * @returns change per step
 */
export function theilSenSlope(values: readonly number[]): number {
  const slopes: number[] = [];
  for (let i = 0; i < values.length; i += 1) {
    for (let j = i + 1; j < values.length; j += 1) {
      slopes.push(((values[j] as number) - (values[i] as number)) / (j - i));
    }
  }
  if (slopes.length === 0) throw new RangeError(`theilSenSlope needs two values, got ${values.length}`);
  return median(slopes);
}

/** A straight line: `y = intercept + slope · x`. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Theil–Sen line through points at any distances: the median of the slopes between all pairs with different `x`, and
 * the median of what is left over as the intercept.
 *
 * @throws RangeError when all points have the same `x`
 */
export function theilSenLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const slopes: number[] = [];
  for (const [index, [x, y]] of points.entries()) {
    for (const [otherX, otherY] of points.slice(index + 1)) {
      if (otherX !== x) slopes.push((otherY - y) / (otherX - x));
    }
  }
  if (slopes.length === 0) throw new RangeError("theilSenLine needs two points with different x");
  const slope = median(slopes);
  return { slope, intercept: median(points.map(([x, y]) => y - slope * x)) };
}

/** Upper fence of Tukey's boxplot for far-out values: the third quartile + 3 × the interquartile range. */
export function farOutFence(values: readonly number[]): number {
  const sorted = [...values];
  const q1 = quantile(sorted, 0.25);
  const q3 = quantile(sorted, 0.75);
  return q3 + 3 * (q3 - q1);
}
