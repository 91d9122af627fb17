import { createHash } from "node:crypto";

/**
 * Arrivals of a Poisson process: each gap is exponential, whatever the server does with the requests before.
 *
 * @param name - the same name gives the same times
 * @param ratePerS - mean number of arrivals in a second
 * @returns seconds after the first arrival, which is at 0
 */
export function poissonTimes(name: string, ratePerS: number, count: number): number[] {
  if (!(ratePerS > 0)) throw new RangeError(`a rate of ${ratePerS} requests/s, expected more than 0`);
  const times: number[] = [];
  let atS = 0;
  for (let index = 0; index < count; index += 1) {
    if (index > 0) atS += -Math.log(1 - uniform(`${name}#${index}`)) / ratePerS;
    times.push(atS);
  }
  return times;
}

/** From 0 up to, but not including, 1. */
function uniform(name: string): number {
  return createHash("sha256").update(name).digest().readUIntBE(0, 6) / 2 ** 48;
}
