import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { monotonicS } from "../system/clock.ts";
import type { ReadLag } from "./read-lag.ts";

/** Who uses a connection, for one request. */
export interface ConnectionUser {
  /** Bytes came: the first `length` of a buffer that is used again once this returns. */
  received(bytes: Buffer, length: number, atS: number): void;
  /** The server closed its side: no more bytes come. */
  ended(atS: number): void;
  /** The connection is gone. */
  lost(error: Error): void;
}

/** A connection to the server, which carries one request at a time. */
export class Connection {
  user: ConnectionUser | null = null;
  /** Requests that it has carried. */
  requests = 0;
  idleSinceS = 0;
  error: Error | null = null;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get usable(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded && this.error === null;
  }
}

export interface ConnectionOptions {
  readonly baseUrl: string;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Told of each read. */
  readonly lag: ReadLag;
}

/**
 * How long a connection that carried a request may lie idle and be used again: uvicorn closes it after 5 s, and a
 * request must not meet a closing one.
 */
const MAX_IDLE_S = 3;
/** The same before its first request: servers give that longer, often a minute. */
const MAX_UNUSED_S = 30;

/** Where all connections are read to: each piece is copied out of it before the next is read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

export class ConnectTimeoutError extends Error {}

interface Waiting {
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The connections to one server: at most `maxConnections`, each for one request at a time. What comes is handed on in
 * the very call in which it was read from the socket, and stamped there: between two sockets that are ready at the same
 * time, nothing else runs.
 */
export class Connections {
  readonly #options: ConnectionOptions;
  readonly #url: URL;
  readonly #all = new Set<Connection>();
  /** The one that was used last is at the end, and is used first. */
  readonly #idle: Connection[] = [];
  readonly #waiting: Waiting[] = [];
  #opening = 0;
  /** Connections that are being made: a handshake may take as long as it likes. */
  readonly #unopened = new Set<Socket>();
  #closed: Error | null = null;
  /** Connections opened in this client's life. */
  opened = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#url = new URL(options.baseUrl);
  }

  /**
   * Opens connections until `count` are idle, as far as there may be so many. Nothing is sent on them, so no server
   * counts a request.
   *
   * @throws Error when one cannot be opened
   */
  async open(count: number): Promise<void> {
    if (this.#closed !== null) throw this.#closed;
    this.sweep(monotonicS());
    const room = this.#options.maxConnections - this.#all.size - this.#opening;
    const missing = Math.min(room, count - this.#idle.length);
    const opening = Array.from({ length: Math.max(0, missing) }, () => this.#open());
    const results = await Promise.allSettled(opening);
    // Those that are open first: one that failed must not cost the client the others.
    for (const result of results) if (result.status === "fulfilled") this.release(result.value);
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /**
   * A connection for one request: an idle one, else a new one, else the first that is released.
   *
   * @param fresh - one that has carried no request yet
   * @throws Error when none can be opened, or {@link close} was called
   */
  async acquire(fresh = false): Promise<Connection> {
    if (this.#closed !== null) throw this.#closed;
    if (fresh) this.#discardIdle((connection) => connection.requests > 0);
    else this.sweep(monotonicS());
    const connection = this.#idle.pop();
    if (connection !== undefined) return connection;
    if (this.#all.size + this.#opening < this.#options.maxConnections) return this.#open();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Takes back a connection that is good for another request. */
  release(connection: Connection): void {
    connection.user = null;
    if (!connection.usable || this.#closed !== null) {
      this.discard(connection);
      return;
    }
    const next = this.#waiting.shift();
    connection.idleSinceS = monotonicS();
    if (next === undefined) this.#idle.push(connection);
    else next.resolve(connection);
  }

  /** Closes a connection. */
  discard(connection: Connection): void {
    connection.user = null;
    connection.socket.destroy();
    this.#forget(connection);
  }

  /** Closes what has been idle for too long. */
  sweep(nowS: number): void {
    this.#discardIdle(
      ({ requests, idleSinceS }) => nowS - idleSinceS > (requests === 0 ? MAX_UNUSED_S : MAX_IDLE_S),
    );
  }

  /** Closes all connections. Those that use or wait for one are told. */
  close(reason: Error): void {
    this.#closed ??= reason;
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
    for (const socket of this.#unopened) socket.destroy(reason);
    for (const connection of [...this.#all]) {
      const { user } = connection;
      this.discard(connection);
      user?.lost(reason);
    }
  }

  #discardIdle(which: (connection: Connection) => boolean): void {
    for (const connection of this.#idle.filter(which)) this.discard(connection);
  }

  #forget(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#refill();
  }

  /** A place is free: opens a connection for one who waits. */
  #refill(): void {
    if (this.#closed !== null) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#open().then(next.resolve, next.reject);
  }

  #open(): Promise<Connection> {
    this.#opening += 1;
    return new Promise<Connection>((resolve, reject) => {
      const { connectTimeoutMs } = this.#options;
      // One object, so that the callbacks below have it before the socket is there.
      const made: { connection: Connection | null } = { connection: null };
      const socket = openSocket(this.#url, (length) => {
        const { connection } = made;
        if (connection !== null) this.#received(connection, length);
        return true;
      });
      const connection = new Connection(socket);
      made.connection = connection;
      this.#unopened.add(socket);
      const timer = setTimeout(() => {
        socket.destroy(
          new ConnectTimeoutError(`no connection to ${this.#url.host} after ${connectTimeoutMs / 1000} s`),
        );
      }, connectTimeoutMs);
      let opened = false;
      socket.setNoDelay(true);
      socket.once(this.#url.protocol === "https:" ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        opened = true;
        this.#unopened.delete(socket);
        this.#opening -= 1;
        this.opened += 1;
        this.#all.add(connection);
        if (this.#closed === null) return resolve(connection);
        this.discard(connection);
        reject(this.#closed);
      });
      socket.on("error", (error) => {
        connection.error ??= error;
      });
      socket.once("end", () => {
        const { user } = connection;
        if (user === null) this.#forget(connection);
        else user.ended(monotonicS());
      });
      socket.once("close", () => {
        clearTimeout(timer);
        this.#unopened.delete(socket);
        const error = connection.error ?? new Error("the server closed the connection");
        if (!opened) {
          this.#opening -= 1;
          reject(error);
          return this.#refill();
        }
        const { user } = connection;
        this.#forget(connection);
        connection.user = null;
        user?.lost(error);
      });
    });
  }

  #received(connection: Connection, length: number): void {
    const atS = monotonicS();
    this.#options.lag.read(atS);
    // What comes without being asked for is no answer to the next request.
    if (connection.user === null) this.discard(connection);
    else connection.user.received(READ_BUFFER, length, atS);
  }
}

/** @param callback - told how many bytes there are in {@link READ_BUFFER} */
function openSocket(url: URL, callback: (length: number) => boolean): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const onread = { buffer: READ_BUFFER, callback };
  if (url.protocol !== "https:") return connectTcp({ host, port: Number(url.port || 80), onread });
  const options = {
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ALPNProtocols: ["http/1.1"],
    // Not in the types, but taken as `net.connect` takes it.
    onread,
  };
  return connectTls(options);
}
