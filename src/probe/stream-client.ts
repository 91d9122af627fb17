import { monotonicS } from "../system/clock.ts";
import { type Connection, Connections } from "./connections.ts";
import { Exchange, type ExchangeEnd, type RequestTimeouts } from "./exchange.ts";
import {
  interpretResponse,
  outcomeOfFailure,
  type RawResponse,
  type RequestResult,
} from "./interpret-response.ts";
import { type LagSummary, ReadLag } from "./read-lag.ts";
import { SendTurns } from "./send-turns.ts";
import { StampedBody } from "./stamped-body.ts";

export type { RequestTimeouts } from "./exchange.ts";
export type { RequestResult } from "./interpret-response.ts";

export const DEFAULT_TIMEOUTS: RequestTimeouts = {
  firstByteMs: 120_000,
  betweenEventsMs: 60_000,
  totalMs: 600_000,
};

/** A server's own port answers at once or not at all, whatever its requests take. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How often time limits are looked at: one timer for all requests, none in the way of a read. */
const SWEEP_MS = 50;
/**
 * A connection that is lost this soon after a request was written on it, without a byte of an answer and after it
 * carried another, was closed by the server while idle: the request never got there, and is sent once more on a
 * connection of its own. Later, the server had it.
 */
const CLOSED_WHILE_IDLE_S = 1;

export interface StreamClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly maxConnections: number;
  /** Zero of the traces' clock on `monotonicS`. */
  readonly zeroS: number;
  readonly signal: AbortSignal;
  readonly connectTimeoutMs?: number;
}

/** A request as it is sent. The body is made before the clock starts. */
export interface StreamRequest {
  readonly body: Buffer;
  /** How many tokens the answer must have. */
  readonly expectedTokens: number;
  /** The model may end by itself: fewer tokens than expected are as good. */
  readonly mayEndEarly?: boolean;
  readonly timeouts?: RequestTimeouts;
  /** `/v1/completions` by default. */
  readonly path?: string;
  /** Sent as `x-request-id`, which vLLM makes part of the id in its answer and its log. */
  readonly requestId?: string;
}

/** A request that ended: stamped and kept, not parsed yet. */
export interface StampedResponse {
  readonly timedOut: boolean;
  /** When it was written and when its last byte came, in seconds on the traces' clock. */
  readonly startS: number;
  readonly endS: number;
  /** What is kept of it until it is read. */
  readonly sizeBytes: number;
  /** Parses it: milliseconds in which nothing else is sent or stamped, so not while other requests run. */
  read(): RequestResult;
  /** Gives its memory back at once, without waiting for a garbage collection: it cannot be read again. */
  drop(): void;
}

/** Sends completions and stamps what comes back. */
export interface StreamClient extends AsyncDisposable {
  /**
   * Opens connections until `count` are ready, without sending anything: no request pays for them.
   *
   * @throws Error when the server takes none
   */
  connect(count: number): Promise<void>;
  /** Sends one request and waits for its end. Never rejects: what goes wrong is in the response. */
  send(request: StreamRequest): Promise<StampedResponse>;
  /** Now, in seconds on the traces' clock. */
  nowS(): number;
  /** How late pieces were stamped since the last call. */
  takeReadLag(): LagSummary;
}

/**
 * A client whose times are those of the reads: bytes are stamped and kept in the call that reads them from the socket,
 * and parsed when the caller has nothing left to measure. One request at a time on each connection, no pipelining.
 *
 * @throws TypeError for a key that no header can carry, or an address that is no URL
 */
export function createStreamClient(options: StreamClientOptions): StreamClient {
  return new Client(options);
}

class Client implements StreamClient {
  readonly #options: StreamClientOptions;
  readonly #headers: string;
  readonly #connections: Connections;
  readonly #active = new Set<Exchange>();
  readonly #turns = new SendTurns();
  readonly #lag = new ReadLag();
  readonly #sweep: NodeJS.Timeout;
  readonly #cancel = () => this.#stop(new Error("cancelled"));
  /** What the last response took: the next one's memory is made to measure. */
  #usual: { bytes: number; reads: number } | null = null;

  constructor(options: StreamClientOptions) {
    this.#options = options;
    const authorization = options.apiKey === null ? "" : `authorization: Bearer ${options.apiKey}\r\n`;
    this.#headers =
      `host: ${new URL(options.baseUrl).host}\r\nconnection: keep-alive\r\n` +
      `content-type: application/json\r\naccept-encoding: identity\r\n${checked(authorization)}`;
    this.#connections = new Connections({
      baseUrl: options.baseUrl,
      maxConnections: options.maxConnections,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      lag: this.#lag,
    });
    this.#sweep = setInterval(() => {
      const nowS = monotonicS();
      for (const exchange of this.#active) exchange.checkTimeouts(nowS);
      this.#connections.sweep(nowS);
    }, SWEEP_MS);
    this.#sweep.unref();
    options.signal.addEventListener("abort", this.#cancel, { once: true });
  }

  connect(count: number): Promise<void> {
    return this.#connections.open(count);
  }

  nowS(): number {
    return monotonicS() - this.#options.zeroS;
  }

  takeReadLag(): LagSummary {
    return this.#lag.take();
  }

  async send(request: StreamRequest): Promise<StampedResponse> {
    const message = this.#messageOf(request);
    const timeouts = request.timeouts ?? DEFAULT_TIMEOUTS;
    const raw = (await this.#exchange(message, timeouts)) ?? (await this.#exchange(message, timeouts, true));
    if (raw === null) throw new Error("a request on a fresh connection always ends");
    const { zeroS } = this.#options;
    return {
      timedOut: outcomeOfFailure(raw) === "timeout",
      startS: raw.startS - zeroS,
      endS: raw.endS - zeroS,
      sizeBytes: raw.reader?.body.sizeBytes ?? 0,
      read: () => interpretResponse(raw, zeroS, request),
      drop: () => raw.reader?.body.drop(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweep);
    this.#options.signal.removeEventListener("abort", this.#cancel);
    this.#stop(new Error("the client was closed"));
  }

  #messageOf({ body, path = "/v1/completions", requestId }: StreamRequest): Buffer {
    const id = requestId === undefined ? "" : `x-request-id: ${requestId}\r\n`;
    const line = `POST ${path} HTTP/1.1\r\n`;
    if (!/^\/[\x21-\x7e]*$/.test(path)) throw new TypeError(`${JSON.stringify(path)} is no path`);
    const head = `${line}${this.#headers}${checked(id)}content-length: ${body.length}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head, "latin1"), body]);
  }

  /**
   * @param again - on a connection that has carried nothing yet
   * @returns null when the connection was closing as the request was written, so that the server never had it
   */
  async #exchange(message: Buffer, timeouts: RequestTimeouts, again = false): Promise<RawResponse | null> {
    const { signal } = this.#options;
    const calledS = monotonicS();
    try {
      const connection = await this.#acquire(again);
      const reused = connection.requests > 0;
      const end = await this.#run(connection, message, timeouts);
      const closedWhileIdle =
        end.lost && end.reader.receivedBytes === 0 && end.endS - end.startS < CLOSED_WHILE_IDLE_S;
      if (closedWhileIdle && reused && !again && !signal.aborted) return null;
      return { ...end, cancelled: signal.aborted, resent: again };
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      const times = { startS: calledS, endS: monotonicS() };
      return { ...times, reader: null, failure, cancelled: signal.aborted, resent: again };
    }
  }

  /** A connection to write on at once. */
  async #acquire(fresh: boolean): Promise<Connection> {
    for (;;) {
      if (this.#options.signal.aborted) throw new Error("cancelled");
      const connection = await this.#connections.acquire(fresh);
      await this.#turns.next();
      // While it waited for its turn, the server may have closed it.
      if (connection.usable && !this.#options.signal.aborted) return connection;
      this.#connections.discard(connection);
    }
  }

  #run(connection: Connection, message: Buffer, timeouts: RequestTimeouts): Promise<ExchangeEnd> {
    const usual = this.#usual;
    const body = usual === null ? new StampedBody() : new StampedBody(usual.bytes, usual.reads);
    return new Promise((resolve) => {
      const exchange = new Exchange(connection, timeouts, body, (end) => {
        this.#active.delete(exchange);
        this.#usual = { bytes: Math.round(1.1 * body.sizeBytes), reads: Math.round(1.1 * body.reads) };
        const { reader } = end;
        const again = reader.complete && reader.head?.keepAlive && !reader.excess && end.failure === null;
        // An answer that came before the request was sent: what is left of the request is no beginning of the next.
        if (again && connection.socket.writableLength === 0) this.#connections.release(connection);
        else this.#connections.discard(connection);
        resolve(end);
      });
      this.#active.add(exchange);
      exchange.start(message);
    });
  }

  #stop(reason: Error): void {
    for (const exchange of [...this.#active]) exchange.stop(reason);
    this.#connections.close(reason);
  }
}

/** A header's line, which must be one line. */
function checked(line: string): string {
  if (!/^[\t\x20-\x7e]*(\r\n)?$/.test(line))
    throw new TypeError(
      `the header "${line.slice(0, line.indexOf(":"))}" has characters that no header can carry`,
    );
  return line;
}
