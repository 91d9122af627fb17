import { parseHead, type ResponseHead } from "./response-head.ts";
import { StampedBody } from "./stamped-body.ts";

/** Most of a response that is kept; a stream of 128 tokens is about 50 kB. */
export const MAX_BODY_BYTES = 64_000_000;
const MAX_HEAD_BYTES = 65_536;
const MAX_TRAILER_BYTES = 65_536;

const START = Buffer.from("HTTP/1.");
const HEAD_END = "\r\n\r\n";
const [CR, LF, SEMICOLON, SPACE, TAB] = [13, 10, 59, 32, 9] as const;
/** Value of each byte as a hexadecimal digit; -1 for others. */
const HEX = Int8Array.from({ length: 256 }, (_, byte) => {
  const digit = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(digit) ? -1 : digit;
});

type State = "head" | "size" | "extension" | "data" | "dataEnd" | "trailer" | "length" | "close" | "over";

/**
 * Reads one HTTP/1.1 response from the pieces of its connection, whatever their boundaries, and keeps its body with
 * the time of each piece. A few steps per chunk and one copy: nothing here waits for the meaning of what came.
 *
 * Never throws: whatever is wrong is in `problem`.
 */
export class ResponseReader {
  readonly body: StampedBody;
  head: ResponseHead | null = null;
  /** The whole response has come. */
  complete = false;
  /** Why this is no response; nothing more is read then. */
  problem: string | null = null;
  /** Bytes that came, of any kind. */
  receivedBytes = 0;
  /** Something came after the response's end: the connection is good for no other. */
  excess = false;

  #state: State = "head";
  #headBytes: Buffer | null = null;
  #headersSizeBytes = 0;
  /** Bytes that the current chunk, or the body of known length, still lacks. */
  #left = 0;
  /** Digits of the size line, or bytes of the trailer and of its current line. */
  #count = 0;
  #lineBytes = 0;

  constructor(body = new StampedBody()) {
    this.body = body;
  }

  /** Takes the first `length` bytes of a buffer, which the caller may use again afterwards. */
  feed(bytes: Buffer, length: number, atS: number): void {
    this.receivedBytes += length;
    let at = 0;
    while (at < length && this.problem === null) {
      const state = this.#state;
      if (state === "data" || state === "length")
        at = this.#take(bytes, at, Math.min(length, at + this.#left));
      else if (state === "head") at = this.#readHead(bytes, at, length);
      else if (state === "close") at = this.#take(bytes, at, length);
      else if (state === "over") {
        this.excess = true;
        break;
      } else this.#frame(bytes[at++] ?? 0, state);
    }
    this.body.stamp(atS);
  }

  /** The server closed its side: for some bodies, that is how they end. */
  end(): void {
    if (this.#state === "close") this.#finish();
  }

  #take(bytes: Buffer, start: number, end: number): number {
    this.body.append(bytes, start, end);
    if (this.body.sizeBytes > MAX_BODY_BYTES) this.problem = `more than ${MAX_BODY_BYTES} bytes of response`;
    if (this.#state === "close") return end;
    this.#left -= end - start;
    if (this.#left > 0) return end;
    if (this.#state === "length") this.#finish();
    else this.#state = "dataEnd";
    return end;
  }

  /** A byte of what stands between chunks (RFC 9112 §7.1). */
  #frame(byte: number, state: State): void {
    switch (state) {
      case "size": {
        const digit = HEX[byte] ?? -1;
        if (digit >= 0) {
          this.#left = this.#left * 16 + digit;
          this.#count += 1;
          if (this.#count > 8) this.problem = "a chunk's size has more than 8 digits";
        } else if (this.#count === 0) this.problem = `a chunk's size begins with byte ${byte}`;
        else if (byte === LF) this.#beginChunk();
        else if (byte === CR || byte === SEMICOLON || byte === SPACE || byte === TAB) {
          this.#state = "extension";
          this.#lineBytes = 0;
        } else this.problem = `a chunk's size holds byte ${byte}`;
        return;
      }
      case "extension":
        this.#lineBytes += 1;
        if (byte === LF) this.#beginChunk();
        else if (this.#lineBytes > MAX_TRAILER_BYTES) this.problem = "a chunk's size line never ends";
        return;
      case "dataEnd":
        if (byte === LF) this.#expectSize();
        else if (byte !== CR) this.problem = "a chunk is longer than its size says";
        return;
      default:
        this.#count += 1;
        if (this.#count > MAX_TRAILER_BYTES) this.problem = "the answer's trailer never ends";
        else if (byte !== LF) this.#lineBytes += byte === CR ? 0 : 1;
        else if (this.#lineBytes === 0) this.#finish();
        else this.#lineBytes = 0;
    }
  }

  #expectSize(): void {
    this.#state = "size";
    this.#left = 0;
    this.#count = 0;
  }

  #beginChunk(): void {
    this.#count = 0;
    this.#lineBytes = 0;
    this.#state = this.#left === 0 ? "trailer" : "data";
  }

  #finish(): void {
    this.#state = "over";
    this.complete = true;
  }

  /** Reads on until the head's empty line; the rest of the piece is left to the body. */
  #readHead(bytes: Buffer, start: number, length: number): number {
    const before = this.#headBytes?.length ?? 0;
    const piece = bytes.subarray(start, length);
    const all = this.#headBytes === null ? piece : Buffer.concat([this.#headBytes, piece]);
    const known = Math.min(all.length, START.length);
    if (all.compare(START, 0, known, 0, known) !== 0) {
      this.problem = `the answer is not HTTP/1: it begins with ${JSON.stringify(all.toString("latin1", 0, 60))}`;
      return length;
    }
    const end = all.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length));
    if (this.#headersSizeBytes + (end < 0 ? all.length : end) > MAX_HEAD_BYTES) {
      this.problem = `the answer's head is longer than ${MAX_HEAD_BYTES} bytes`;
      return length;
    }
    if (end < 0) {
      if (all.includes("\n\n")) this.problem = "the answer's head ends its lines without a carriage return";
      // Of its own: the caller's buffer is used again.
      this.#headBytes = Buffer.from(all);
      return length;
    }
    this.#headBytes = null;
    this.#headersSizeBytes += end;
    const head = parseHead(all.toString("latin1", 0, end));
    if (typeof head === "string") this.problem = head;
    else if (head.status === 101) this.problem = "the answer asks for another protocol (HTTP 101)";
    // Other heads below 200 announce the one that counts.
    else if (head.status >= 200) this.#begin(head);
    return start + end + HEAD_END.length - before;
  }

  #begin(head: ResponseHead): void {
    this.head = head;
    const { framing } = head;
    if (framing.by === "chunks") this.#expectSize();
    else if (framing.by === "close") this.#state = "close";
    else if (framing.bytes === 0) this.#finish();
    else {
      this.#left = framing.bytes;
      this.#state = "length";
    }
  }
}
