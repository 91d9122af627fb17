import { createHistogram } from "node:perf_hooks";

/** How late pieces were stamped, in milliseconds. */
export interface LagSummary {
  readonly reads: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/**
 * How late each piece was stamped because others were read before it: the event loop learns of all sockets that are
 * ready at once and reads them one by one, so the time since the turn's first read is the most that a later one waited.
 */
export class ReadLag {
  readonly #histogram = createHistogram();
  #firstS = -1;

  /** A piece was read and stamped. */
  read(atS: number): void {
    if (this.#firstS < 0) {
      this.#firstS = atS;
      setImmediate(this.#turnEnded);
    }
    this.#histogram.record(Math.max(1, Math.round((atS - this.#firstS) * 1e9)));
  }

  /** The pieces since the last call. */
  take(): LagSummary {
    const ms = (ns: number) => ns / 1e6;
    const histogram = this.#histogram;
    const summary =
      histogram.count === 0
        ? { reads: 0, p50: 0, p99: 0, max: 0 }
        : {
            reads: histogram.count,
            p50: ms(histogram.percentile(50)),
            p99: ms(histogram.percentile(99)),
            max: ms(histogram.max),
          };
    histogram.reset();
    return summary;
  }

  readonly #turnEnded = (): void => {
    this.#firstS = -1;
  };
}
