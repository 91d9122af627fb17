import { getEventListeners } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  createStreamClient,
  DEFAULT_TIMEOUTS,
  type RequestResult,
  type RequestTimeouts,
  type StreamClient,
  type StreamClientOptions,
} from "../../src/probe/stream-client.ts";
import { monotonicS } from "../../src/system/clock.ts";
import { closedUrl, serveHttp } from "../support/http.ts";
import { waitFor } from "../support/wait-for.ts";

const BODY = Buffer.from('{"model":"m","prompt":[1000,2000]}');
const DONE = "data: [DONE]\n\n";
const event = (completion: number) =>
  `data: ${JSON.stringify({
    choices: [{ index: 0, text: "é", finish_reason: null }],
    usage: { prompt_tokens: 2, completion_tokens: completion, prompt_tokens_details: { cached_tokens: 1 } },
  })}\n\n`;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const begin = (response: ServerResponse) => response.writeHead(200, { "content-type": "text/event-stream" });

/** Answers with these texts, a write each. */
const answering =
  (...texts: string[]): RequestListener =>
  (_, response) => {
    begin(response);
    for (const text of texts) response.write(text);
    response.end();
  };

/** A server of bytes; its base URL. */
async function serveRaw(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const rawAnswer = (text: string) =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;

interface Setup {
  readonly client: StreamClient;
  readonly send: (expectedTokens?: number, timeouts?: Partial<RequestTimeouts>) => Promise<RequestResult>;
  readonly controller: AbortController;
}

async function setUp(listener: RequestListener, changed: Partial<StreamClientOptions> = {}): Promise<Setup> {
  const controller = new AbortController();
  const client = createStreamClient({
    baseUrl: changed.baseUrl ?? (await serveHttp(listener)),
    apiKey: null,
    maxConnections: 4,
    zeroS: 0,
    signal: controller.signal,
    ...changed,
  });
  onTestFinished(() => client[Symbol.asyncDispose]());
  return {
    client,
    controller,
    send: (expectedTokens = 3, timeouts = {}) =>
      client
        .send({ body: BODY, expectedTokens, timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } })
        .then((response) => response.read()),
  };
}

/** Times that a result claims must be in the order in which things happen. */
function expectOrdered(result: RequestResult): void {
  const times = [
    result.startS,
    ...(result.firstTokenS === null ? [] : [result.firstTokenS]),
    ...(result.arrivals ?? []).map(([atS]) => atS),
    ...(result.lastTokenS === null ? [] : [result.lastTokenS]),
    result.endS,
  ];
  expect([...times].sort((a, b) => a - b)).toEqual(times);
}

async function fixture(name: string): Promise<{ status: number; body: string }> {
  const path = new URL(`../fixtures/vllm-0.32.0-cpu/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(path, "utf8")) as { status: number; body: string };
}

describe("StreamClient.send: a request that succeeds", () => {
  it("gives times and counts", async () => {
    const { send } = await setUp(answering(event(1), event(3), DONE));
    const result = await send(3);
    expect(result).toMatchObject({
      outcome: "ok",
      error: null,
      status: 200,
      promptTokens: 2,
      cachedTokens: 1,
      outputTokens: 3,
    });
    expect(result.arrivals?.map(([, tokens]) => tokens)).toEqual([1, 2]);
    expectOrdered(result);
  });

  it("sends the body as it is, to the completions of the server", async () => {
    const seen: unknown[] = [];
    const listener: RequestListener = (request, response) => {
      const { method, url, headers } = request;
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString("utf8");
      });
      request.on("end", () => {
        seen.push({
          method,
          url,
          body,
          type: headers["content-type"],
          encoding: headers["accept-encoding"],
          length: headers["content-length"],
          authorization: headers.authorization,
        });
        response.end(event(3) + DONE);
      });
    };
    const { send, client } = await setUp(listener, { apiKey: "secret" });
    await send();
    const expected = {
      method: "POST",
      url: "/v1/completions",
      body: BODY.toString("utf8"),
      type: "application/json",
      encoding: "identity",
      length: String(BODY.length),
      authorization: "Bearer secret",
    };
    expect(seen).toEqual([expected]);
    await client[Symbol.asyncDispose]();

    const keyless = await setUp(listener);
    await keyless.send();
    expect(seen[1]).toEqual({ ...expected, authorization: undefined });
  });

  it("stamps the first token when it comes, not when the answer ends", async () => {
    const writes: number[] = [];
    const { send } = await setUp(async (_, response) => {
      begin(response);
      response.flushHeaders();
      for (const completion of [1, 2, 3]) {
        await pause(250);
        writes.push(monotonicS());
        response.write(event(completion));
      }
      response.end(DONE);
    });
    const beforeS = monotonicS();
    const result = await send(3);
    const afterS = monotonicS();
    expect(result.outcome).toBe("ok");
    expectOrdered(result);
    expect(result.startS).toBeGreaterThanOrEqual(beforeS - 1e-6);
    expect(result.endS).toBeLessThanOrEqual(afterS + 1e-6);
    // Each token came after its write and before the next one.
    const arrivals = result.arrivals ?? [];
    expect(arrivals.map(([, tokens]) => tokens)).toEqual([1, 1, 1]);
    arrivals.forEach(([atS], index) => {
      expect(atS).toBeGreaterThanOrEqual((writes[index] ?? Number.NaN) - 1e-6);
      expect(atS).toBeLessThan(writes[index + 1] ?? afterS + 1e-6);
    });
    expect(result.firstTokenS).toBe(arrivals[0]?.[0]);
    expect(result.lastTokenS).toBe(arrivals[2]?.[0]);
  });

  it("counts time from the zero that it was given, in microseconds", async () => {
    const zeroS = monotonicS() - 100;
    const { send } = await setUp(answering(event(3), DONE), { zeroS });
    const result = await send();
    expect(result.startS).toBeGreaterThanOrEqual(100);
    expect(result.startS).toBeLessThan(130);
    expectOrdered(result);
    for (const value of [result.startS, result.endS, result.firstTokenS ?? 0]) {
      expect(Math.round(value * 1e6) / 1e6).toBe(value);
    }
  });

  it("takes an answer in pieces that cut events and letters", async () => {
    const bytes = Buffer.from(event(1) + event(2) + event(3) + DONE);
    const { send } = await setUp(async (_, response) => {
      begin(response);
      response.socket?.setNoDelay(true);
      for (let at = 0; at < bytes.length; at += 41) {
        response.write(bytes.subarray(at, at + 41));
        await pause(1);
      }
      response.end();
    });
    const result = await send(3);
    expect(result).toMatchObject({ outcome: "ok", outputTokens: 3 });
    expect(result.arrivals).toHaveLength(3);
  });

  it("leaves arrivals out where the server does not tell them", async () => {
    const bare = 'data: {"choices":[{}]}\n\n';
    const final = 'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3}}\n\n';
    const { send } = await setUp(answering(bare, bare, final, DONE));
    const result = await send(3);
    expect(result).toMatchObject({ outcome: "ok", outputTokens: 3, cachedTokens: null });
    expect(result).not.toHaveProperty("arrivals");
    expect(result.firstTokenS).not.toBeNull();
  });
});

describe("StreamClient.send: what is kept", () => {
  it("is read later, as often as one likes, with the times of when it came", async () => {
    const { client } = await setUp(answering(event(1), event(3), DONE));
    const response = await client.send({ body: BODY, expectedTokens: 3 });
    expect(response).toMatchObject({ timedOut: false, sizeBytes: (event(1) + event(3) + DONE).length + 2 });
    const endedS = monotonicS();
    await pause(50);
    const result = response.read();
    expect(result.outcome).toBe("ok");
    expect(result.endS).toBeLessThanOrEqual(endedS);
    expect(response.read()).toEqual(result);
  });

  it("a run that is cancelled afterwards does not change how the request ended", async () => {
    const { client, controller } = await setUp((request) => request.socket.destroy());
    const response = await client.send({ body: BODY, expectedTokens: 3 });
    controller.abort();
    expect(response.read().outcome).toBe("protocol_error");
  });
});

describe("StreamClient.send: connections", () => {
  const socketsOf = () => {
    const sockets = new Set<number>();
    let open = 0;
    let most = 0;
    const listener: RequestListener = async (request, response) => {
      sockets.add(request.socket.remotePort ?? 0);
      open += 1;
      most = Math.max(most, open);
      await pause(20);
      open -= 1;
      response.end(event(3) + DONE);
    };
    return { sockets, listener, most: () => most };
  };

  it("are kept from one request to the next", async () => {
    const { sockets, listener } = socketsOf();
    const { send } = await setUp(listener);
    for (let n = 0; n < 5; n += 1) expect((await send()).outcome).toBe("ok");
    expect(sockets.size).toBe(1);
  });

  it("are as many as there are requests in flight, although there may be more", async () => {
    const { sockets, listener } = socketsOf();
    const { send } = await setUp(listener, { maxConnections: 16 });
    const sender = async () => {
      for (let n = 0; n < 5; n += 1) expect((await send()).outcome).toBe("ok");
    };
    await Promise.all([sender(), sender(), sender()]);
    expect(sockets.size).toBe(3);
  });

  it("carry one request each, and are no more than allowed", async () => {
    const { sockets, listener, most } = socketsOf();
    const { send } = await setUp(listener, { maxConnections: 3 });
    const results = await Promise.all(Array.from({ length: 9 }, () => send()));
    expect(results.map(({ outcome }) => outcome)).toEqual(Array(9).fill("ok"));
    expect(sockets.size).toBe(3);
    expect(most()).toBe(3);
  });

  it("may be closed by the server after each answer", async () => {
    const { send } = await setUp((_, response) => {
      response.writeHead(200, { connection: "close" }).end(event(3) + DONE);
    });
    for (let n = 0; n < 5; n += 1) expect((await send()).outcome).toBe("ok");
  });

  it("leave no listener on the run's signal", async () => {
    const { send, controller, client } = await setUp(answering(event(3), DONE));
    for (let n = 0; n < 5; n += 1) await send();
    expect(getEventListeners(controller.signal, "abort").length).toBeLessThanOrEqual(1);
    await client[Symbol.asyncDispose]();
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  it("are opened before the first request, which then opens none", async () => {
    const { sockets, listener } = socketsOf();
    const server = await serveRaw((socket) => sockets.add(socket.remotePort ?? 0));
    const early = await setUp(listener, { baseUrl: server });
    await early.client.connect(3);
    await waitFor("three connections", () => sockets.size === 3);
    await early.client.connect(3);
    expect(sockets.size).toBe(3);
    await expect(early.client.connect(99)).resolves.toBeUndefined();
    await waitFor("no more than allowed", () => sockets.size === 4);
  });

  it("that cannot be opened are an error", async () => {
    const { client } = await setUp(() => {}, { baseUrl: await closedUrl() });
    await expect(client.connect(2)).rejects.toThrow(/ECONNREFUSED/);
  });

  it("that the server closes as a request is written cost a second send, and the trace says so", async () => {
    let connections = 0;
    // The first connection takes one request and is cut when the next one comes.
    const baseUrl = await serveRaw((socket) => {
      connections += 1;
      const first = connections === 1;
      let requests = 0;
      socket.on("data", () => {
        requests += 1;
        if (first && requests === 2) socket.resetAndDestroy();
        else socket.write(rawAnswer(event(3) + DONE));
      });
    });
    const { send } = await setUp(() => {}, { baseUrl });
    expect(await send()).not.toHaveProperty("resent");
    const beforeS = monotonicS();
    const second = await send();
    expect(second).toMatchObject({ outcome: "ok", resent: true });
    expect(second.startS).toBeGreaterThan(beforeS - 1e-6);
    expect(connections).toBe(2);
  });

  it("that are new and are cut cost no second send: the server had the request", async () => {
    let requests = 0;
    const baseUrl = await serveRaw((socket) =>
      socket.on("data", () => {
        requests += 1;
        socket.resetAndDestroy();
      }),
    );
    const { send } = await setUp(() => {}, { baseUrl });
    expect(await send()).toMatchObject({ outcome: "protocol_error", status: null });
    expect(requests).toBe(1);
  });

  it("that say something without being asked are not used again", async () => {
    let connections = 0;
    const baseUrl = await serveRaw((socket) => {
      connections += 1;
      socket.on("data", () => socket.write(`${rawAnswer(event(3) + DONE)}HTTP/1.1 408 Timeout\r\n\r\n`));
    });
    const { send } = await setUp(() => {}, { baseUrl });
    for (let n = 0; n < 3; n += 1) expect((await send()).outcome).toBe("ok");
    expect(connections).toBe(3);
  });

  it("of a client that is disposed end what is under way", async () => {
    const { send, client } = await setUp((_, response) => void begin(response).write(event(1)));
    const sending = send();
    await pause(100);
    await client[Symbol.asyncDispose]();
    expect((await sending).outcome).toBe("protocol_error");
  });
});

describe("StreamClient.send: a request that the server refuses", () => {
  it.each([
    ["error-toolong", "HTTP 400: This model's maximum context length is 4096 tokens."],
    ["error-nomodel", "HTTP 404: The model `nope` does not exist."],
    ["error-badjson", "HTTP 400: 1 validation error:"],
  ])("is an http_error in vLLM's own words: %s", async (name, words) => {
    const { status, body } = await fixture(name);
    const { send } = await setUp((_, response) =>
      response.writeHead(status, { "content-type": "application/json" }).end(body),
    );
    const result = await send();
    expect(result).toMatchObject({
      outcome: "http_error",
      status,
      outputTokens: null,
      firstTokenS: null,
      lastTokenS: null,
    });
    expect(result.error?.startsWith(words), result.error ?? "").toBe(true);
    expectOrdered(result);
  });

  it.each<[status: number, body: string, error: string]>([
    [401, '{"error":"Unauthorized"}', "HTTP 401: Unauthorized"],
    [502, "<html>Bad Gateway</html>", "HTTP 502: <html>Bad Gateway</html>"],
    [500, "", "HTTP 500: empty answer"],
    [500, "null", "HTTP 500: null"],
    [500, '{"error":null}', 'HTTP 500: {"error":null}'],
    [500, '{"detail":"é"}', 'HTTP 500: {"detail":"é"}'],
    [302, "", "HTTP 302: empty answer"],
    [204, "", "HTTP 204: empty answer"],
    [500, "x".repeat(9000), `HTTP 500: ${"x".repeat(500)}`],
  ])("is an http_error with what it said: %d %j", async (status, body, error) => {
    const { send } = await setUp((_, response) => response.writeHead(status, { location: "/" }).end(body));
    expect(await send()).toMatchObject({ outcome: "http_error", status, error });
  });

  it("is an http_error when the error comes in the stream", async () => {
    const error = 'data: {"error":{"message":"EngineCore encountered an issue","code":500}}\n\n';
    const { send } = await setUp(answering(event(1), error, DONE));
    expect(await send()).toMatchObject({
      outcome: "http_error",
      status: 200,
      error: "EngineCore encountered an issue",
      outputTokens: 1,
    });
  });
});

describe("StreamClient.send: an answer that is not what was asked for", () => {
  it.each<[what: string, texts: string[], error: RegExp]>([
    ["too few tokens", [event(1), event(2), DONE], /^asked for 3 tokens, got 2$/],
    ["too many tokens", [event(4), DONE], /^asked for 3 tokens, got 4$/],
    ["no end mark", [event(1), event(3)], /^the stream ended without \[DONE\]$/],
    ["no token", [DONE], /^the stream carried no token$/],
    ["nothing", [], /^the stream ended without \[DONE\]$/],
    ["events after the end", [event(3), DONE, event(4)], /after \[DONE\]/],
    ["something else", ["data: <html>\n\n"], /not a completion/],
    ["a page", ["<html>hello</html>"], /without \[DONE\]/],
  ])("is a protocol_error: %s", async (_, texts, error) => {
    const { send } = await setUp(answering(...texts));
    const result = await send(3);
    expect(result).toMatchObject({ outcome: "protocol_error", status: 200 });
    expect(result.error).toMatch(error);
    expectOrdered(result);
  });

  it("is a protocol_error when it is compressed although that was not asked for", async () => {
    const { send } = await setUp((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(event(3) + DONE));
    });
    const result = await send();
    expect(result).toMatchObject({ outcome: "protocol_error", status: 200, outputTokens: null });
    expect(result.error).toMatch(/^the answer is compressed \(gzip\) although that was not asked for/);
  });

  it.each<[encoding: string, body: Buffer, error: string]>([
    ["gzip", gzipSync('{"error":"overloaded"}'), "HTTP 503: overloaded"],
    ["gzip", Buffer.from("not gzip"), "HTTP 503: a text that is compressed (gzip)"],
    ["compress", Buffer.from("x"), "HTTP 503: a text that is compressed (compress)"],
  ])(
    "is an http_error whose words are read also when they are compressed: %s",
    async (encoding, body, error) => {
      const { send } = await setUp((_, response) => {
        response.writeHead(503, { "content-encoding": encoding }).end(body);
      });
      expect(await send()).toMatchObject({ outcome: "http_error", status: 503, error });
    },
  );

  it("is a protocol_error when it never stops growing", async () => {
    const { send } = await setUp((_, response) => {
      begin(response);
      const block = "x".repeat(1_000_000);
      const more = () => {
        while (!response.destroyed && response.write(block));
        response.once("drain", more);
      };
      more();
    });
    const result = await send();
    expect(result).toMatchObject({ outcome: "protocol_error", status: 200 });
    expect(result.error).toMatch(/^more than 64000000 bytes of response/);
  });
});

describe("StreamClient.send: a connection that fails", () => {
  it("in the middle of the answer keeps what came before", async () => {
    const { send } = await setUp((request, response) => {
      begin(response).write(event(1) + event(2), () =>
        setTimeout(() => request.socket.resetAndDestroy(), 50),
      );
    });
    const result = await send();
    expect(result).toMatchObject({ outcome: "protocol_error", status: 200, outputTokens: 2 });
    expect(result.error).toMatch(/UND_ERR_SOCKET|ECONNRESET/);
    expect(result.arrivals).toHaveLength(2);
    expectOrdered(result);
  });

  it("before the answer has no status", async () => {
    const { send } = await setUp((request) => request.socket.destroy());
    expect(await send()).toMatchObject({ outcome: "protocol_error", status: null, firstTokenS: null });
  });

  it("because nobody listens has no status", async () => {
    const { send } = await setUp(() => {}, { baseUrl: await closedUrl() });
    const result = await send();
    expect(result).toMatchObject({ outcome: "protocol_error", status: null, firstTokenS: null });
    expect(result.error).toMatch(/ECONNREFUSED/);
    expectOrdered(result);
  });

  it("does not spoil the next request", async () => {
    let requests = 0;
    const { send } = await setUp((request, response) => {
      requests += 1;
      if (requests === 1) begin(response).write(event(1), () => request.socket.destroy());
      else response.end(event(3) + DONE);
    });
    expect((await send()).outcome).toBe("protocol_error");
    expect((await send()).outcome).toBe("ok");
  });
});

describe("StreamClient.send: a server that stalls", () => {
  const stall: RequestListener = () => {};
  const stallAfterOne: RequestListener = (_, response) => void begin(response).write(event(1));
  const drip: RequestListener = (_, response) => {
    begin(response);
    let completion = 0;
    const timer = setInterval(() => {
      completion += 1;
      response.write(event(completion));
    }, 50);
    response.once("close", () => clearInterval(timer));
  };

  it.each<
    [what: string, listener: RequestListener, timeouts: Partial<RequestTimeouts>, status: number | null]
  >([
    ["before its first byte", stall, { firstByteMs: 300 }, null],
    ["between events", stallAfterOne, { betweenEventsMs: 300 }, 200],
    ["before its first byte, by the total", stall, { totalMs: 300 }, null],
    ["never, but goes on for too long", drip, { totalMs: 400, betweenEventsMs: 10_000 }, 200],
  ])("%s is a timeout", async (_, listener, timeouts, status) => {
    const { client } = await setUp(listener);
    const all = { ...DEFAULT_TIMEOUTS, ...timeouts };
    const response = await client.send({ body: BODY, expectedTokens: 3, timeouts: all });
    // Known before anything is parsed: the rest of the case is not sent.
    expect(response.timedOut).toBe(true);
    const result = response.read();
    expect(result).toMatchObject({ outcome: "timeout", status });
    expect(result.endS - result.startS).toBeGreaterThan(0.2);
    expect(result.endS - result.startS).toBeLessThan(10);
    expect(result.firstTokenS === null).toBe(status === null);
    expectOrdered(result);
  });

  it("is let go: its connection is closed", async () => {
    let closed = false;
    const { send } = await setUp((request) => {
      request.socket.once("close", () => {
        closed = true;
      });
    });
    await send(3, { totalMs: 200 });
    await waitFor("the end of the connection", () => closed);
  });

  it("but not for longer than allowed is no timeout", async () => {
    const { send } = await setUp(async (_, response) => {
      begin(response).write(event(1));
      await pause(700);
      response.end(event(3) + DONE);
    });
    const result = await send(3, { firstByteMs: 5_000, betweenEventsMs: 20_000, totalMs: 30_000 });
    expect(result.outcome).toBe("ok");
  });
});

describe("StreamClient.send: an answer of 200 that is no stream", () => {
  const answering200 = (body: unknown) => async () => {
    const { send } = await setUp((_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    return send();
  };

  it.each([
    [{ error: { message: "no more memory", type: "server_error" } }, "no more memory"],
    [{ error: "the router found no engine" }, "the router found no engine"],
    [{ object: "error", message: "an older server's words", code: 400 }, "an older server's words"],
    [{ detail: "Not authenticated" }, "Not authenticated"],
  ])("keeps the server's words of %j", async (body, words) => {
    expect(await answering200(body)()).toMatchObject({
      ...{ outcome: "http_error", status: 200, error: `HTTP 200 with an error: ${words}` },
      ...{ firstTokenS: null, outputTokens: null },
    });
  });

  it("is told from an error when it was only not streamed", async () => {
    const body = { choices: [{ text: "hello" }], usage: { completion_tokens: 3 } };
    const { outcome, error } = await answering200(body)();
    expect(outcome).toBe("protocol_error");
    expect(error).toMatch(/^the answer is no event stream: \{"choices"/);
  });
});

describe("StreamClient.send: a run that is cancelled", () => {
  it("ends the request in mid-stream, keeps what came, and lets the server know", async () => {
    let closed = false;
    const { send, controller } = await setUp((request, response) => {
      request.socket.once("close", () => {
        closed = true;
      });
      begin(response).write(event(1), () => setTimeout(() => controller.abort(), 50));
    });
    const result = await send();
    expect(result).toMatchObject({ outcome: "aborted", error: "cancelled", status: 200, outputTokens: 1 });
    expectOrdered(result);
    await waitFor("the end of the connection", () => closed);
  });

  it("does not wait for a TLS handshake that nobody answers", async () => {
    const accepted = Promise.withResolvers<void>();
    const url = await serveRaw(() => accepted.resolve());
    // Longer than the test may take: only the cancellation can end it.
    const { send, client, controller } = await setUp(() => {}, {
      baseUrl: url.replace("http:", "https:"),
      connectTimeoutMs: 600_000,
    });
    const connecting = client.connect(1).catch((error: Error) => error.message);
    const sending = send();
    await accepted.promise;
    controller.abort();
    expect(await sending).toMatchObject({ outcome: "aborted", error: "cancelled", status: null });
    expect(await connecting).toBe("cancelled");
    await expect(client.connect(1)).rejects.toThrow("cancelled");
  });

  it("ends a request that waits for its answer", async () => {
    const { send, controller } = await setUp(() => controller.abort());
    expect(await send()).toMatchObject({ outcome: "aborted", status: null, firstTokenS: null });
  });

  it("ends requests that wait for a connection", async () => {
    const seen: IncomingMessage[] = [];
    const { send, controller } = await setUp((request) => void seen.push(request), { maxConnections: 1 });
    const sending = [send(), send(), send()];
    await waitFor("the first request", () => seen.length === 1);
    controller.abort();
    expect((await Promise.all(sending)).map(({ outcome }) => outcome)).toEqual(Array(3).fill("aborted"));
    expect(seen).toHaveLength(1);
  });

  it("sends nothing more", async () => {
    let requests = 0;
    const { send, controller } = await setUp((_, response) => {
      requests += 1;
      response.end(event(3) + DONE);
    });
    controller.abort();
    const result = await send();
    expect(result).toMatchObject({ outcome: "aborted", status: null, error: "cancelled" });
    expectOrdered(result);
    expect(requests).toBe(0);
  });
});

describe("StreamClient.send: a chat", () => {
  const chat = (delta: object, completion?: number) =>
    `data: ${JSON.stringify({
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: null }],
      ...(completion === undefined ? {} : { usage: { prompt_tokens: 2, completion_tokens: completion } }),
    })}\n\n`;
  const usage = 'data: {"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":2}}\n\n';

  it.each<[what: string, role: string, first: string, second: string]>([
    ["text", chat({ role: "assistant", content: "" }), chat({ content: "a" }), chat({ content: "b" })],
    ["reasoning", chat({ role: "assistant" }), chat({ reasoning_content: "a" }), chat({ reasoning: "b" })],
    [
      "counts",
      chat({ role: "assistant", content: "" }, 0),
      chat({ content: "" }, 1),
      chat({ content: "é" }, 2),
    ],
  ])("has its first token where %s comes first, not with its role", async (_, role, first, second) => {
    const paths: unknown[] = [];
    const { client } = await setUp(async (request, response) => {
      paths.push(request.url, request.headers["x-request-id"]);
      begin(response).write(role);
      await pause(100);
      response.write(first);
      await pause(20);
      response.end(second + usage + DONE);
    });
    const request = { body: BODY, expectedTokens: 5, mayEndEarly: true, path: "/v1/chat/completions" };
    const result = (await client.send({ ...request, requestId: "case.7" })).read();
    expect(result).toMatchObject({ outcome: "ok", outputTokens: 2 });
    expect(result.arrivals?.map(([, tokens]) => tokens)).toEqual([1, 1]);
    expect((result.firstTokenS ?? 0) - result.startS).toBeGreaterThan(0.09);
    expect(paths).toEqual(["/v1/chat/completions", "case.7"]);
  });

  it("may not have more tokens than it was allowed", async () => {
    const { client } = await setUp(answering(event(4), DONE));
    const result = (await client.send({ body: BODY, expectedTokens: 3, mayEndEarly: true })).read();
    expect(result).toMatchObject({ outcome: "protocol_error", error: "asked for 3 tokens, got 4" });
  });
});

describe("StreamClient: what no header can carry", () => {
  it("is refused at once", async () => {
    await expect(setUp(() => {}, { apiKey: "a\r\nx: y" })).rejects.toThrow(/authorization/);
    const { client } = await setUp(() => {});
    const request = { body: BODY, expectedTokens: 3 };
    await expect(client.send({ ...request, requestId: "a\nb" })).rejects.toThrow(/x-request-id/);
    await expect(client.send({ ...request, path: "/a b" })).rejects.toThrow(/no path/);
  });
});

describe("StreamClient.send: any server", () => {
  const answer = Buffer.from(event(1) + event(2) + event(3) + DONE);

  it("that cuts a good answer anywhere gives the same counts", async () => {
    let cuts: number[] = [];
    let closing = false;
    const { send } = await setUp(async (request, response) => {
      request.resume();
      begin(response);
      let start = 0;
      for (const end of [...cuts, answer.length]) {
        response.write(answer.subarray(start, end));
        start = end;
        if (end % 3 === 0) await pause(1);
      }
      if (closing) response.shouldKeepAlive = false;
      response.end();
    });
    const places = fc.uniqueArray(fc.integer({ min: 1, max: answer.length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(places, fc.boolean(), async (chosen, closes) => {
        cuts = chosen.sort((a, b) => a - b);
        closing = closes;
        const result = await send(3);
        expect(result).toMatchObject({ outcome: "ok", outputTokens: 3, promptTokens: 2 });
        expect(result.arrivals?.map(([, tokens]) => tokens)).toEqual([1, 1, 1]);
        expectOrdered(result);
      }),
      { numRuns: 40 },
    );
  });

  it("that sends garbage ends each request: no crash, no hang", async () => {
    let pieces: readonly Uint8Array[] = [];
    const baseUrl = await serveRaw((socket) => {
      socket.once("data", () => {
        for (const piece of pieces) socket.write(piece);
        socket.end();
      });
    });
    const { send } = await setUp(() => {}, { baseUrl });
    const texts = [
      "HTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
      "data: ",
      DONE,
    ];
    const piece = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.constantFrom(...texts).map((text) => new Uint8Array(Buffer.from(text))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 6 }), async (chosen) => {
        pieces = chosen;
        const result = await send(3, { totalMs: 5_000 });
        expect(["protocol_error", "http_error"]).toContain(result.outcome);
        expectOrdered(result);
      }),
      { numRuns: 80 },
    );
  });
});
