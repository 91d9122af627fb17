/** What was in flight from a start to an end, and what it brought. */
export interface Flight {
  readonly startS: number;
  readonly endS: number;
  readonly amount: number;
}

/** Flights begin as others end, but not to the moment: by so much the time in which they begin counts less. */
const OF_BEGINNINGS = 0.9;
/** A shorter stretch is what rounding leaves of none. */
const LEAST_S = 1e-6;

/**
 * The fastest stretch of a series of flights: the largest amount per second over `length` of them that ended one after
 * another, where a second is counted in three ways and the longest time holds.
 *
 * One is the time between completions. It is blind after a pause that held several of them back: they come at once,
 * and a stretch that begins among them counts the rest for nothing. The second is the time that they bear: while n are
 * in flight, each bears a part of 1/n, so that all together bear exactly the time in which any was (Little's law,
 * flight by flight). It is blind where all begin at once and find no queue. The third is the time between as many
 * beginnings, which in a closed loop come with the completions before them: what was held back began late as well. The
 * very first flights began at once, so that it is blind among them as well, and up to two thirds of a pause there would
 * be gained: no stretch begins before as many have ended as there are senders. What is gained of a pause after that is a
 * tenth at most.
 *
 * @param length - flights of a stretch, at least 1
 * @param senders - flights that begin at once, at least 1
 * @returns 0 where no stretch took any time
 * @throws RangeError unless there are as many flights as both together
 */
export function bestStretch(flights: readonly Flight[], length: number, senders: number): number {
  if (length < 1 || senders < 1 || length + senders > flights.length) {
    throw new RangeError(
      `bestStretch: a stretch of ${length} of ${flights.length} flights, by ${senders} senders`,
    );
  }
  const ordered = [...flights].sort((a, b) => a.endS - b.endS || a.startS - b.startS || a.amount - b.amount);
  const starts = Float64Array.from(ordered, ({ startS }) => startS).sort();
  const borneS = sharesOf(ordered, starts);
  const at = (index: number) => ordered[index] as Flight;
  const begun = (index: number) => starts[index] as number;
  let amount = 0;
  let seconds = 0;
  for (let index = senders; index < senders + length; index += 1) {
    amount += at(index).amount;
    seconds += borneS[index] as number;
  }
  let best = 0;
  for (let before = senders - 1; ; before += 1) {
    const longest = Math.max(
      at(before + length).endS - at(before).endS,
      seconds,
      OF_BEGINNINGS * (begun(before + length) - begun(before)),
    );
    if (longest > LEAST_S) best = Math.max(best, amount / longest);
    if (before + length + 1 >= ordered.length) return best;
    amount += at(before + length + 1).amount - at(before + 1).amount;
    seconds += (borneS[before + length + 1] as number) - (borneS[before + 1] as number);
  }
}

/** What each flight bears of the time that passes while it is under way; in the order of their ends, as they come. */
function sharesOf(flights: readonly Flight[], starts: Float64Array): Float64Array {
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
