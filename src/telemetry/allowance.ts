/**
 * CPU time that may be spent beyond what is spent anyway: so much of one core, of which what is not spent is saved up to
 * a limit. It is full at the beginning.
 */
export class Allowance {
  readonly #share: number;
  readonly #mostS: number;
  readonly #nowS: () => number;
  #leftS: number;
  #atS: number;

  /**
   * @param share - of one core, 0–1
   * @param mostS - CPU seconds that are saved at most
   */
  constructor(share: number, mostS: number, nowS: () => number) {
    this.#share = share;
    this.#mostS = mostS;
    this.#nowS = nowS;
    this.#leftS = mostS;
    this.#atS = nowS();
  }

  /** Whether something of that cost, in CPU seconds, may be done now; it is then spent. */
  take(costS: number): boolean {
    const nowS = this.#nowS();
    this.#leftS = Math.min(this.#mostS, this.#leftS + (nowS - this.#atS) * this.#share);
    this.#atS = nowS;
    if (costS > this.#leftS) return false;
    this.#leftS -= costS;
    return true;
  }
}
