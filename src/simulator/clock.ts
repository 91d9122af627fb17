/** The clock that events are planned on: CLOCK_MONOTONIC, which the processes of a machine share. */
import { performance } from "node:perf_hooks";

/** Seconds of the process's life. Unlike `process.hrtime` this leaves no garbage, and it is asked all the time. */
export function lifetime(): number {
  return performance.now() / 1000;
}

/** When on CLOCK_MONOTONIC the process's life began, nanoseconds; both clocks tick alike. */
const BORN = born();

/** A moment of the process's life as nanoseconds of CLOCK_MONOTONIC. */
export function toMonotonicNs(seconds: number): number {
  return Math.round(BORN + seconds * 1e9);
}

/** Reads both clocks until one reading of the one falls between two close readings of the other. */
function born(): number {
  let closest = Number.POSITIVE_INFINITY;
  let result = 0;
  for (let i = 0; i < 100; i++) {
    const before = process.hrtime.bigint();
    const life = performance.now();
    const after = process.hrtime.bigint();
    const apart = Number(after - before);
    if (apart >= closest) continue;
    closest = apart;
    result = Number(before) + apart / 2 - life * 1e6;
  }
  return result;
}
