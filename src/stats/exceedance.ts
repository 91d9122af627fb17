/**
 * Probability that no more than `exceeding` of `earlier` values lie beyond the best of `later` ones, where all come
 * from one distribution, whatever that is: C(m + k, m) / C(m + n, m). The number of exceedances as a test of two samples:
 * Gumbel and von Schelling 1950, The distribution of the number of exceedances; Nelson 1963, Tables for a precedence
 * life test. With none exceeding it is the complete separation of Mann and Whitney 1947.
 *
 * @param earlier - how many values there were, n
 * @param later - how many came after them, m
 * @param exceeding - how many of the earlier ones lie beyond the best of the later ones, k
 */
export function exceedanceProbability(earlier: number, later: number, exceeding: number): number {
  let probability = 1;
  for (let i = 1; i <= later; i += 1) probability *= (exceeding + i) / (earlier + i);
  return probability;
}

/** The most values that may exceed at a level; −1 where not even none may. */
export function mostExceeding(earlier: number, later: number, level: number): number {
  let exceeding = -1;
  while (exceeding < earlier && exceedanceProbability(earlier, later, exceeding + 1) <= level) exceeding += 1;
  return exceeding;
}
