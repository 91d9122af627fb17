/**
 * The fastest stretch of a series of completions: the largest amount per second over `length` consecutive ones.
 *
 * @param endsS - when each completed, in any order
 * @param amounts - what each carried, in the same order
 * @param length - completions of a stretch; fewer than there are
 */
export function bestWindow(endsS: ArrayLike<number>, amounts: ArrayLike<number>, length: number): number {
  if (length < 1 || length >= endsS.length) {
    throw new RangeError(`bestWindow: a stretch of ${length} of ${endsS.length} completions`);
  }
  const order = Array.from(endsS, (_, index) => index).sort(
    (a, b) => (endsS[a] as number) - (endsS[b] as number),
  );
  const at = (index: number) => endsS[order[index] as number] as number;
  const carried = (index: number) => amounts[order[index] as number] as number;
  let inside = 0;
  for (let index = 1; index <= length; index += 1) inside += carried(index);
  let best = 0;
  for (let first = 0; ; first += 1) {
    const seconds = at(first + length) - at(first);
    if (seconds > 0) best = Math.max(best, inside / seconds);
    if (first + length + 1 >= order.length) return best;
    inside += carried(first + length + 1) - carried(first + 1);
  }
}
