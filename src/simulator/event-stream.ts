/** Writes server-sent events with as little work as possible between the plan and the wire. */
import type { ServerResponse } from "node:http";

// biome-ignore lint/suspicious/noControlCharactersInRegex: the question is whether a text is ASCII
const ASCII = /^[\x00-\x7f]*$/;

/**
 * A stream of events over chunked HTTP. Once the head is out, a chunk goes to the socket in one write, past
 * Node's own bookkeeping of chunks; the response object still ends the stream.
 */
export class EventStream {
  private readonly response: ServerResponse;

  constructor(response: ServerResponse) {
    this.response = response;
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "transfer-encoding": "chunked",
    });
    response.flushHeaders();
  }

  /** Sends one or more whole events in one chunk. */
  send(events: string): void {
    const socket = this.response.socket;
    if (socket === null || socket.destroyed) return;
    if (this.response.writableLength > 0) this.response.write(events);
    else if (ASCII.test(events)) socket.write(`${events.length.toString(16)}\r\n${events}\r\n`, "latin1");
    else socket.write(`${Buffer.byteLength(events).toString(16)}\r\n${events}\r\n`);
  }

  /** Sends the last events and ends the response. */
  end(events: string): void {
    this.send(events);
    this.response.end();
  }

  /** Breaks the connection off as a dying peer does. */
  reset(): void {
    this.response.socket?.resetAndDestroy();
  }
}
