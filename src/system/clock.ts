/**
 * When on CLOCK_MONOTONIC this process's `performance.now()` was zero, seconds. Both clocks tick alike: one reading of
 * the one between two close readings of the other tells the distance, to a fraction of a microsecond.
 */
const ORIGIN_S = originS();

/**
 * Monotonic time in seconds; never wall-clock time. It is CLOCK_MONOTONIC, which all processes of a machine share, so
 * that times of several processes can be compared. Unlike `process.hrtime` it leaves no garbage: it is asked for each
 * piece that comes from a server.
 */
export function monotonicS(): number {
  return ORIGIN_S + performance.now() / 1000;
}

function originS(): number {
  let closestNs = Number.POSITIVE_INFINITY;
  let result = 0;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const before = process.hrtime.bigint();
    const ownMs = performance.now();
    const apartNs = Number(process.hrtime.bigint() - before);
    if (apartNs >= closestNs) continue;
    closestNs = apartNs;
    result = (Number(before) + apartNs / 2) / 1e9 - ownMs / 1000;
  }
  return result;
}

/** Waits; ends early, without an error, when the signal fires. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/**
 * What a promise comes to, or undefined when that takes longer. Unlike a race against {@link delay} it leaves no timer,
 * which would hold the process after its last work.
 */
export async function within<T>(
  ms: number,
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  const settled = new AbortController();
  const ends = signal === undefined ? settled.signal : AbortSignal.any([settled.signal, signal]);
  try {
    return await Promise.race([promise, delay(ms, ends).then(() => undefined)]);
  } finally {
    settled.abort();
  }
}
