/**
 * The API server process in virtual time: one asyncio loop that takes requests in and writes events out.
 *
 * Its callbacks run one after another, so that requests which arrive together are taken in together, and streams
 * share one process: when it falls behind, tokens of one stream leave merged in one event.
 */

/** Costs of the API server, seconds. */
export interface FrontEndCosts {
  /** Work on the loop to take a request in, in this many slices, plus a share for each prompt token. */
  intake: number;
  intakeSlices: number;
  intakePerToken: number;
  /** Time of a request outside the loop before the engine has it: tokenizer thread, sockets, wake-ups. */
  latency: number;
  /** From the engine's release of tokens to the loop. */
  transfer: number;
  /** Taking in one batch of outputs, and a share for each of them. */
  batch: number;
  batchPerOutput: number;
  /** Writing one event. */
  event: number;
}

/** As seen on the 16-vCPU machine of the H200 runs (vLLM 0.22, uvloop). */
export const FRONT_END: FrontEndCosts = {
  intake: 0.35e-3,
  intakeSlices: 4,
  intakePerToken: 0.9e-6,
  latency: 5.2e-3,
  transfer: 0.2e-3,
  batch: 0.1e-3,
  batchPerOutput: 8e-6,
  event: 55e-6,
};

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
