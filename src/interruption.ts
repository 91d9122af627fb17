import { EXIT } from "./domain/verdict.ts";

/** The reason of an abort: which signal asked for it. */
export class Interruption extends Error {
  readonly exitCode: 130 | 143;

  constructor(signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`cancelled by ${signal}`);
    this.exitCode = signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
  }
}

/**
 * Ends a run in order when the process is asked to end, and at once when it is asked again.
 *
 * @param onSignal - told of each signal: whether it is the first
 */
export function untilInterrupted(onSignal: (signal: NodeJS.Signals, first: boolean) => void): {
  readonly signal: AbortSignal;
  readonly hurry: AbortSignal;
} {
  const ending = new AbortController();
  const hurry = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Each time: an unheard signal would end this process, and leave the server alive.
    process.on(signal, () => {
      const first = !ending.signal.aborted;
      onSignal(signal, first);
      if (first) ending.abort(new Interruption(signal));
      else hurry.abort();
    });
  }
  return { signal: ending.signal, hurry: hurry.signal };
}

/** A reader that goes away, as in `run | head -1`, takes its output with it, not this process and its server. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}
