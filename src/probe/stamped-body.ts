import type { StampedChunk } from "./read-stream.ts";

const FIRST_BYTES = 16_384;
const FIRST_READS = 128;

/**
 * The body of one response as it came, and when: the bytes in one piece of memory, a time for each read. Small copies
 * into memory of its own: a slice would keep the whole buffer that it was read into.
 */
export class StampedBody {
  #bytes: Buffer;
  #sizeBytes = 0;
  #timesS: Float64Array;
  /** Where in `#bytes` each read ends. */
  #ends: Uint32Array;
  #reads = 0;
  #stampedBytes = 0;

  /** @param expectedBytes - what responses before it took: a good guess saves copies */
  constructor(expectedBytes = FIRST_BYTES, expectedReads = FIRST_READS) {
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(256, expectedBytes));
    this.#timesS = new Float64Array(Math.max(16, expectedReads));
    this.#ends = new Uint32Array(this.#timesS.length);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get reads(): number {
    return this.#reads;
  }

  /** Copies `source` from `start` to before `end`. */
  append(source: Buffer, start: number, end: number): void {
    const sizeBytes = this.#sizeBytes + end - start;
    if (sizeBytes > this.#bytes.length) this.#bytes = resized(this.#bytes, this.#sizeBytes, 2 * sizeBytes);
    source.copy(this.#bytes, this.#sizeBytes, start, end);
    this.#sizeBytes = sizeBytes;
  }

  /** Gives what was appended since the last stamp its time. */
  stamp(atS: number): void {
    if (this.#sizeBytes === this.#stampedBytes) return;
    if (this.#reads === this.#ends.length) {
      const timesS = new Float64Array(2 * this.#reads);
      timesS.set(this.#timesS);
      this.#timesS = timesS;
      const ends = new Uint32Array(2 * this.#reads);
      ends.set(this.#ends);
      this.#ends = ends;
    }
    this.#timesS[this.#reads] = atS;
    this.#ends[this.#reads] = this.#sizeBytes;
    this.#reads += 1;
    this.#stampedBytes = this.#sizeBytes;
  }

  /** Gives memory back that it will not need: nothing more comes. */
  close(): void {
    if (this.#bytes.length > 1.25 * this.#sizeBytes + 1024) {
      this.#bytes = resized(this.#bytes, this.#sizeBytes, this.#sizeBytes);
    }
    if (this.#ends.length > 1.25 * this.#reads + 64) {
      this.#timesS = this.#timesS.slice(0, this.#reads);
      this.#ends = this.#ends.slice(0, this.#reads);
    }
  }

  /** Frees its memory. */
  drop(): void {
    // A buffer's memory is freed when its bytes are moved elsewhere, here to nothing.
    for (const { buffer } of [this.#bytes, this.#timesS, this.#ends]) {
      if (buffer instanceof ArrayBuffer) buffer.transfer(0);
    }
    this.#sizeBytes = 0;
    this.#reads = 0;
  }

  /** What each read brought and when, in seconds after `zeroS`, to the microsecond. */
  chunks(zeroS: number): StampedChunk[] {
    const chunks: StampedChunk[] = [];
    let start = 0;
    for (let read = 0; read < this.#reads; read += 1) {
      const end = this.#ends[read] ?? start;
      chunks.push([round6((this.#timesS[read] ?? 0) - zeroS), this.#bytes.subarray(start, end)]);
      start = end;
    }
    return chunks;
  }

  /** All bytes. */
  bytes(): Buffer {
    return this.#bytes.subarray(0, this.#sizeBytes);
  }
}

function resized(bytes: Buffer, usedBytes: number, sizeBytes: number): Buffer {
  const result = Buffer.allocUnsafeSlow(sizeBytes);
  bytes.copy(result, 0, 0, usedBytes);
  return result;
}

/** Microseconds are finer than any clock here; more digits only make files larger. */
export function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
