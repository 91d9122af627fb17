/** Monotonic time in seconds since an arbitrary origin; never wall-clock time. */
export function monotonicS(): number {
  return performance.now() / 1000;
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
