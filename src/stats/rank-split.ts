/** Least number of points on each side of a split: fewer are outliers, not a level. */
export const MIN_SEGMENT = 5;

/** Ranks as shares of their number, in (0, 1]; the mean rank for ties. */
export function ranksOf(values: readonly number[]): Float64Array {
  const n = values.length;
  const order = values.map((_, index) => index).sort((a, b) => (values[a] as number) - (values[b] as number));
  const ranks = new Float64Array(n);
  for (let from = 0; from < n; ) {
    let to = from + 1;
    while (to < n && values[order[to] as number] === values[order[from] as number]) to += 1;
    for (let at = from; at < to; at += 1) ranks[order[at] as number] = (from + to + 1) / 2 / n;
    from = to;
  }
  return ranks;
}

/** A split of points in order of time. */
export interface Split {
  /** First point of the right part. */
  readonly at: number;
  readonly statistic: number;
}

/**
 * The split whose two parts differ most: Matteson and James's scaled sample measure of divergence (2014, eq. 5),
 * exponent 1. Time grows with the square of the number of points.
 *
 * @param values - at least two segments long
 */
export function bestSplit(values: Float64Array): Split {
  const n = values.length;
  // Distances of each point to those before it and to those behind it: the sums over any part follow from them.
  const toLeft = new Float64Array(n);
  const toRight = new Float64Array(n);
  let total = 0;
  for (let i = 0; i < n; i += 1) {
    const value = values[i] as number;
    let sum = 0;
    for (let j = 0; j < i; j += 1) {
      const distance = Math.abs(value - (values[j] as number));
      sum += distance;
      toRight[j] = (toRight[j] as number) + distance;
    }
    toLeft[i] = sum;
    total += sum;
  }
  let left = 0;
  let right = total;
  let best: Split = { at: MIN_SEGMENT, statistic: Number.NEGATIVE_INFINITY };
  for (let at = 1; at <= n - MIN_SEGMENT; at += 1) {
    left += toLeft[at - 1] as number;
    right -= toRight[at - 1] as number;
    if (at < MIN_SEGMENT) continue;
    const m = n - at;
    const between = total - left - right;
    const divergence = (2 * between) / (at * m) - left / ((at * (at - 1)) / 2) - right / ((m * (m - 1)) / 2);
    // Equal splits of other order differ in their last bits.
    const statistic = Math.round(((at * m) / n) * divergence * 1e5) / 1e5;
    if (statistic > best.statistic) best = { at, statistic };
  }
  return best;
}

/** Fisher–Yates, in place. */
export function shuffle(values: Float64Array, random: () => number): void {
  for (let i = values.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    const held = values[i] as number;
    values[i] = values[j] as number;
    values[j] = held;
  }
}
