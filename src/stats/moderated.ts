/** How far something spreads, and how sure that is: a standard deviation with its degrees of freedom. */
export interface Spread {
  readonly sd: number;
  readonly degreesOfFreedom: number;
}

/** The difference of two groups' means with its standard error. */
export interface Contrast {
  /** Mean of the second group − mean of the first. */
  readonly difference: number;
  /** Spread of one member of a group. */
  readonly spread: Spread;
  readonly standardError: number;
}

/** Standard deviations of the prior from which on it is contradicted. */
const CONTRADICTED = 2;

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

/** Mean of some values. */
export function meanOf(values: readonly number[]): number {
  return sumOf(values) / values.length;
}

/** Sum of squared distances from the mean. */
export function squaresAround(values: readonly number[]): number {
  const middle = meanOf(values);
  return sumOf(values.map((value) => (value - middle) ** 2));
}

/** Standard deviation of a sample of two or more. */
export function standardDeviationOf(values: readonly number[]): number {
  return Math.sqrt(squaresAround(values) / (values.length - 1));
}

/**
 * Two small groups compared with what is known beforehand about their spread: the variance is pooled over both groups
 * and with the prior, each weighed by its degrees of freedom, and the difference over its standard error follows
 * Student's t with the degrees of freedom of all three (Smyth 2004, Linear models and empirical Bayes methods for
 * assessing differential expression in microarray experiments, eq. 4 and section 4). A group of one member works:
 * then the prior alone says how far it spreads. A prior that the groups contradict counts the less, in the way of
 * Phipson et al. 2016, Robust hyperparameter estimation protects against hypervariable genes: where they spread more
 * than {@link CONTRADICTED} times as far, its degrees of freedom shrink with the ratio of the variances.
 *
 * @param prior - spread of one member of either group; its degrees of freedom above 0
 */
export function moderatedContrast(
  first: readonly number[],
  second: readonly number[],
  prior: Spread,
): Contrast {
  const own = first.length - 1 + (second.length - 1);
  const ownSquares = squaresAround(first) + squaresAround(second);
  const ratio = own === 0 ? 0 : ownSquares / own / prior.sd ** 2;
  const worth = prior.degreesOfFreedom * Math.min(1, CONTRADICTED ** 2 / ratio);
  const degreesOfFreedom = worth + own;
  const squares = worth * prior.sd ** 2 + ownSquares;
  const sd = Math.sqrt(squares / degreesOfFreedom);
  return {
    difference: meanOf(second) - meanOf(first),
    spread: { sd, degreesOfFreedom },
    standardError: standardErrorOf(sd, first.length, second.length),
  };
}

/** Standard error of the difference of two means. */
export function standardErrorOf(sd: number, first: number, second: number): number {
  return sd * Math.sqrt(1 / first + 1 / second);
}
