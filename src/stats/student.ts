import cdf from "@stdlib/stats-base-dists-t-cdf";
import quantile from "@stdlib/stats-base-dists-t-quantile";

/** Upper tail of Student's t: the probability of a value above `t`. */
export function studentUpperTail(t: number, degreesOfFreedom: number): number {
  // From the left, where no digits are lost in 1 − p.
  return cdf(-t, degreesOfFreedom);
}

const known = new Map<string, number>();
/** A run asks for few of them, a simulation for the same few again and again. */
const KEPT = 4096;

/**
 * The value that Student's t exceeds with a probability.
 *
 * @param tail - in (0, 0.5]
 */
export function studentCritical(tail: number, degreesOfFreedom: number): number {
  const key = `${tail}/${degreesOfFreedom}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const value = -quantile(tail, degreesOfFreedom);
  if (known.size >= KEPT) known.clear();
  known.set(key, value);
  return value;
}
