/**
 * Lets one piece of work run per turn of the event loop, after the turn's reads. Writing a request takes many times
 * as long as stamping a read: a wave of writes in one go would delay the stamps of all that comes meanwhile.
 */
export class SendTurns {
  readonly #queue: (() => void)[] = [];

  /** Resolves when it is the caller's turn; what follows until its next `await` is its work. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.push(resolve);
      if (this.#queue.length === 1) setImmediate(this.#run);
    });
  }

  readonly #run = (): void => {
    this.#queue[0]?.();
    this.#queue.shift();
    if (this.#queue.length > 0) setImmediate(this.#run);
  };
}
