/**
 * The smallest of `count` values, averaged over all ways to choose them from those given: what the best of so many
 * would have been, without a choice of which to leave out.
 *
 * @param count - 1 to the number of values
 */
export function expectedSmallest(values: readonly number[], count: number): number {
  if (count < 1 || count > values.length) {
    throw new RangeError(`expectedSmallest: ${count} of ${values.length} values`);
  }
  const sorted = [...values].sort((a, b) => a - b);
  if (count === sorted.length) return sorted[0] as number;
  // The i-th is the smallest of a choice when all others come from the n − i − 1 above it.
  const n = sorted.length;
  let share = count / n;
  let sum = 0;
  for (let i = 0; i + count <= n; i += 1) {
    sum += share * (sorted[i] as number);
    // C(n−i−2, k−1) / C(n−i−1, k−1)
    share *= (n - i - count) / (n - i - 1);
  }
  return sum;
}

/** Variance of {@link expectedSmallest} in standard normal samples, times their size: constant and by its inverse. */
const SMALLEST_VARIANCE: readonly (readonly [constant: number, inverse: number])[] = [
  [1, 0],
  [1.16, 0.4],
  [1.38, 0.9],
];

/**
 * Variance of {@link expectedSmallest} in samples of a standard normal distribution; fitted to 60,000 of them, within
 * 4 % from `count` to 30 values.
 *
 * @param count - 1 to 3
 * @param size - number of values, `count` or more
 */
export function smallestVariance(count: 1 | 2 | 3, size: number): number {
  const [constant, inverse] = SMALLEST_VARIANCE[count - 1] as readonly [number, number];
  return (constant + inverse / size) / size;
}
