/**
 * The API server process in virtual time: one asyncio loop that takes requests in and writes events out.
 *
 * Its callbacks run one after another, so that requests which arrive together are taken in together, and streams
 * share one process: when it falls behind, tokens of one stream leave merged in one event.
 */

type Callback = (time: number) => void;

/** An asyncio loop with a cost for each callback, and timers. */
export class EventLoopModel {
  private readonly ready: { cost: number; run: Callback }[] = [];
  private readonly timers: { at: number; run: Callback }[] = [];
  private freeAt = 0;

  /** Queues a callback that occupies the loop for `cost` seconds and takes effect at its end. */
  call(now: number, cost: number, run: Callback): void {
    if (this.ready.length === 0) this.freeAt = Math.max(this.freeAt, now);
    this.ready.push({ cost, run });
  }

  /** Runs something at a time, without occupying the loop. */
  at(time: number, run: Callback): void {
    let index = this.timers.length;
    while (index > 0 && this.timers[index - 1]!.at > time) index--;
    this.timers.splice(index, 0, { at: time, run });
  }

  /** When something happens next; Infinity when nothing will. */
  nextTime(): number {
    const callback = this.ready[0];
    const ends = callback === undefined ? Number.POSITIVE_INFINITY : this.freeAt + callback.cost;
    return Math.min(ends, this.timers[0]?.at ?? Number.POSITIVE_INFINITY);
  }

  /** Lets the next thing happen; call it only when {@link nextTime} is due. */
  step(): void {
    const callback = this.ready[0];
    const timer = this.timers[0];
    const ends = callback === undefined ? Number.POSITIVE_INFINITY : this.freeAt + callback.cost;
    if (timer !== undefined && timer.at <= ends) {
      this.timers.shift();
      timer.run(timer.at);
      return;
    }
    if (callback === undefined) return;
    this.freeAt = ends;
    this.ready.shift();
    callback.run(ends);
  }
}
