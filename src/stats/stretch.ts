/** What was in flight from a start to an end, and what it brought. */
export interface Flight {
  readonly startS: number;
  readonly endS: number;
  readonly amount: number;
}

/**
 * The fastest stretch of a series of flights: the largest amount per second over `length` of them that ended one after
 * another, where a second is counted in two ways and the longer time holds.
 *
 * One is the time between completions. It is blind after a pause that held several of them back: they come at once,
 * and a stretch that begins among them counts the rest for nothing. The other is the time that they bear: while n are
 * in flight, each bears a part of 1/n, so that all together bear exactly the time in which any was (Little's law,
 * flight by flight). It is blind where all begin at once and find no queue.
 *
 * @param length - flights of a stretch, at least 1
 * @throws RangeError unless there are more flights than that
 */
export function bestStretch(flights: readonly Flight[], length: number): number {
  if (length < 1 || length >= flights.length) {
    throw new RangeError(`bestStretch: a stretch of ${length} of ${flights.length} flights`);
  }
  const ordered = [...flights].sort((a, b) => a.endS - b.endS);
  const borneS = sharesOf(ordered);
  const at = (index: number) => ordered[index] as Flight;
  let amount = 0;
  let seconds = 0;
  for (let index = 1; index <= length; index += 1) {
    amount += at(index).amount;
    seconds += borneS[index] as number;
  }
  let best = 0;
  for (let before = 0; ; before += 1) {
    const longer = Math.max(at(before + length).endS - at(before).endS, seconds);
    if (longer > 0) best = Math.max(best, amount / longer);
    if (before + length + 1 >= ordered.length) return best;
    amount += at(before + length + 1).amount - at(before + 1).amount;
    seconds += (borneS[before + length + 1] as number) - (borneS[before + 1] as number);
  }
}

/** What each flight bears of the time that passes while it is under way; in the order of their ends, as they come. */
function sharesOf(flights: readonly Flight[]): Float64Array {
  const starts = Float64Array.from(flights, ({ startS }) => startS).sort();
  const ends = Float64Array.from(flights, ({ endS }) => endS);
  // The integral of 1/n up to each moment at which n changes.
  const moments: number[] = [];
  const integral: number[] = [];
  let sum = 0;
  let inFlight = 0;
  for (let s = 0, e = 0, nowS = 0; e < ends.length; ) {
    const isStart = s < starts.length && (starts[s] as number) <= (ends[e] as number);
    const atS = (isStart ? starts[s] : ends[e]) as number;
    if (inFlight > 0) sum += (atS - nowS) / inFlight;
    nowS = atS;
    if (isStart) s += 1;
    else e += 1;
    inFlight += isStart ? 1 : -1;
    moments.push(atS);
    integral.push(sum);
  }
  return Float64Array.from(flights, ({ startS, endS }) => {
    return (integral[placeOf(moments, endS)] as number) - (integral[placeOf(moments, startS)] as number);
  });
}

/** The first place of a moment in a sorted list that has it. */
function placeOf(moments: readonly number[], moment: number): number {
  let low = 0;
  let high = moments.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] as number) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
