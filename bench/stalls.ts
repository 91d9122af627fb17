/**
 * How punctual any program could be on this machine: one that only looks at the clock sees how long it is kept from it.
 *
 *     node bench/stalls.ts SECONDS
 *
 * Prints the 99th percentile, in ms, of how late it would have been for moments spread evenly over the time.
 */
const seconds = Number(process.argv[2] ?? 2);
const gaps: number[] = [];
const begun = performance.now();
const end = begun + seconds * 1000;
for (let last = begun; last < end; ) {
  const now = performance.now();
  if (now - last > 0.01) gaps.push(now - last);
  last = now;
}

/** Share of the time in which one would have been more than `late` ms late. */
function share(late: number): number {
  return gaps.reduce((sum, gap) => sum + Math.max(0, gap - late), 0) / (seconds * 1000);
}

let low = 0;
let high = Math.max(0, ...gaps);
for (let i = 0; i < 40; i++) {
  const middle = (low + high) / 2;
  if (share(middle) > 0.01) low = middle;
  else high = middle;
}
process.stdout.write(`${high.toFixed(3)}\n`);
