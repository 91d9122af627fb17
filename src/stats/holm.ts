import padjust from "@stdlib/stats-padjust";

/**
 * p values adjusted for their number so that the chance of any false one is kept, however they depend on each other
 * (Holm 1979, A simple sequentially rejective multiple test procedure).
 */
export function holmAdjusted(pValues: readonly number[]): number[] {
  return pValues.length === 0 ? [] : [...padjust([...pValues], "holm")];
}

/**
 * The level at which Holm's procedure tests each of the p values: `alpha / m` for the smallest, `alpha` for the
 * largest. A value is rejected when it and all smaller ones lie at or below theirs.
 */
export function holmLevels(pValues: readonly number[], alpha: number): number[] {
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[a]! - pValues[b]!);
  const levels = new Array<number>(pValues.length);
  order.forEach((index, rank) => {
    levels[index] = alpha / (pValues.length - rank);
  });
  return levels;
}
