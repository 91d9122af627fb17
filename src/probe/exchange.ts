import { monotonicS } from "../system/clock.ts";
import type { Connection, ConnectionUser } from "./connections.ts";
import { ResponseReader } from "./response-reader.ts";
import type { StampedBody } from "./stamped-body.ts";

/** How long each part of a request may take, in milliseconds. */
export interface RequestTimeouts {
  /** Until the first byte of the answer's body: a server may send the head long before. */
  readonly firstByteMs: number;
  /** From one piece of the body to the next. */
  readonly betweenEventsMs: number;
  readonly totalMs: number;
}

export class TimeoutError extends Error {}

/** How one request went, from its write to the last byte. */
export interface ExchangeEnd {
  readonly startS: number;
  readonly endS: number;
  readonly reader: ResponseReader;
  readonly failure: Error | null;
  /** It failed because the server closed the connection. */
  readonly lost: boolean;
}

/** One request on one connection. */
export class Exchange implements ConnectionUser {
  readonly #connection: Connection;
  readonly #timeouts: RequestTimeouts;
  readonly #reader: ResponseReader;
  readonly #ended: (end: ExchangeEnd) => void;
  #startS = 0;
  #lastReadS = 0;
  #over = false;

  constructor(
    connection: Connection,
    timeouts: RequestTimeouts,
    body: StampedBody,
    ended: (end: ExchangeEnd) => void,
  ) {
    this.#connection = connection;
    this.#timeouts = timeouts;
    this.#reader = new ResponseReader(body);
    this.#ended = ended;
  }

  /** Writes the request: the clock starts. */
  start(message: Buffer): void {
    const { socket } = this.#connection;
    this.#connection.user = this;
    this.#connection.requests += 1;
    this.#startS = monotonicS();
    this.#lastReadS = this.#startS;
    socket.write(message);
  }

  received(bytes: Buffer, length: number, atS: number): void {
    if (this.#over) return;
    const reader = this.#reader;
    reader.feed(bytes, length, atS);
    this.#lastReadS = atS;
    if (reader.problem !== null) this.#end(atS, new Error(reader.problem));
    else if (reader.complete) this.#end(atS, null);
  }

  ended(atS: number): void {
    this.#reader.end();
    if (this.#reader.complete) this.#end(atS, null);
    else this.#end(atS, this.#brokenOff(), true);
  }

  lost(error: Error): void {
    this.#end(monotonicS(), error, true);
  }

  /** Ends it from this side. */
  stop(reason: Error): void {
    this.#end(monotonicS(), reason);
  }

  /** Ends it when a part of it takes longer than it may. */
  checkTimeouts(nowS: number): void {
    const { firstByteMs, betweenEventsMs, totalMs } = this.#timeouts;
    const waitedMs = (nowS - this.#lastReadS) * 1000;
    if ((nowS - this.#startS) * 1000 > totalMs)
      this.stop(new TimeoutError(`no end after ${totalMs / 1000} s`));
    else if (this.#reader.body.sizeBytes > 0) {
      if (waitedMs > betweenEventsMs)
        this.stop(
          new TimeoutError(`nothing more for ${betweenEventsMs / 1000} s in the middle of the answer`),
        );
    } else if ((nowS - this.#startS) * 1000 > firstByteMs)
      this.stop(new TimeoutError(`nothing of an answer after ${firstByteMs / 1000} s`));
  }

  #brokenOff(): Error {
    return new Error(
      this.#reader.receivedBytes === 0
        ? "the server closed the connection without an answer"
        : "the server closed the connection in the middle of the answer",
    );
  }

  #end(endS: number, failure: Error | null, lost = false): void {
    if (this.#over) return;
    this.#over = true;
    this.#reader.body.close();
    this.#ended({ startS: this.#startS, endS, reader: this.#reader, failure, lost });
  }
}
