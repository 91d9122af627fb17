import { Pool } from "undici";
import type { Outcome, RequestTrace } from "../domain/trace.ts";
import { monotonicS } from "../system/clock.ts";
import { readStream, type StampedChunk } from "./read-stream.ts";

/** How long each part of a request may take, in milliseconds. */
export interface RequestTimeouts {
  readonly firstByteMs: number;
  readonly betweenEventsMs: number;
  readonly totalMs: number;
}

export const DEFAULT_TIMEOUTS: RequestTimeouts = {
  firstByteMs: 120_000,
  betweenEventsMs: 60_000,
  totalMs: 600_000,
};

/** A server's own port answers at once or not at all, whatever its requests take. */
const CONNECT_TIMEOUT_MS = 5_000;

export interface StreamClientOptions {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly maxConnections: number;
  /** Zero of the traces' clock on `monotonicS`. */
  readonly zeroS: number;
  readonly signal: AbortSignal;
}

/** A request as it is sent. The body is made before the clock starts. */
export interface StreamRequest {
  readonly body: Buffer;
  readonly expectedTokens: number;
  readonly timeouts?: RequestTimeouts;
}

/** The times and counts of a request, without its place in the plan. */
export type RequestResult = Omit<
  RequestTrace,
  "variant" | "session" | "round" | "probe" | "case" | "phase" | "id"
>;

/** A request that ended: stamped and kept, not parsed yet. */
export interface StampedResponse {
  readonly timedOut: boolean;
  /** What is kept of it until it is read. */
  readonly sizeBytes: number;
  /** Parses it: milliseconds in which nothing else is sent or stamped, so not while other requests run. */
  read(): RequestResult;
}

/** Sends completions and stamps what comes back. */
export interface StreamClient extends AsyncDisposable {
  send(request: StreamRequest): Promise<StampedResponse>;
}

/** Most of a response that is kept; a stream of 128 tokens is about 50 kB. */
const MAX_BODY_BYTES = 64_000_000;

/**
 * A client with a pool of connections, one request on each at a time. It only stamps and keeps: parsing is the
 * caller's to do once nothing is measured any more.
 */
export function createStreamClient(options: StreamClientOptions): StreamClient {
  const pool = new Pool(options.baseUrl, {
    connections: options.maxConnections,
    pipelining: 1,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    // uvicorn closes an idle connection after 5 s: close it first, so that no request meets a closing one.
    keepAliveTimeout: 3_000,
    keepAliveMaxTimeout: 3_000,
  });
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "accept-encoding": "identity",
  };
  if (options.apiKey !== null) headers["authorization"] = `Bearer ${options.apiKey}`;
  return {
    send: (request) => send(pool, headers, options, request),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

interface RawResponse {
  readonly startS: number;
  readonly endS: number;
  readonly status: number | null;
  readonly chunks: StampedChunk[];
  readonly sizeBytes: number;
  readonly failure: Error | null;
  /** The run was ended meanwhile. */
  readonly cancelled: boolean;
}

async function send(
  pool: Pool,
  headers: Record<string, string>,
  options: StreamClientOptions,
  request: StreamRequest,
): Promise<StampedResponse> {
  const raw = await exchange(pool, headers, options.signal, request);
  const relative = (atS: number) => round6(atS - options.zeroS);
  return {
    timedOut: outcomeOfFailure(raw) === "timeout",
    sizeBytes: raw.sizeBytes,
    read: () => {
      const chunks = raw.chunks.map(([atS, bytes]): StampedChunk => [relative(atS), bytes]);
      const times = { startS: relative(raw.startS), endS: relative(raw.endS), status: raw.status };
      return { ...times, ...interpret(raw, chunks, request) };
    },
  };
}

/** One HTTP exchange, stamped. Never rejects. */
function exchange(
  pool: Pool,
  headers: Record<string, string>,
  signal: AbortSignal,
  request: StreamRequest,
): Promise<RawResponse> {
  const timeouts = request.timeouts ?? DEFAULT_TIMEOUTS;
  const chunks: [number, Uint8Array][] = [];
  let status: number | null = null;
  let sizeBytes = 0;
  return new Promise((resolve) => {
    let startS = monotonicS();
    let abort: ((reason: Error) => void) | null = null;
    let reason: Error | null = null;
    const stop = (error: Error) => {
      reason ??= error;
      abort?.(reason);
    };
    const total = setTimeout(
      () => stop(new TimeoutError(`no end after ${timeouts.totalMs / 1000} s`)),
      timeouts.totalMs,
    );
    const cancel = () => stop(new Error("cancelled"));
    signal.addEventListener("abort", cancel, { once: true });
    const finish = (failure: Error | null) => {
      const endS = monotonicS();
      clearTimeout(total);
      signal.removeEventListener("abort", cancel);
      const cancelled = signal.aborted;
      const response = { startS, endS, status, chunks, sizeBytes, failure: reason ?? failure, cancelled };
      // undici gives a connection free in the turn after its answer ended: a sender that went on before would
      // open another one, and its next request would wait for that.
      setImmediate(() => setImmediate(() => resolve(response)));
    };
    if (signal.aborted) return finish(new Error("cancelled"));
    startS = monotonicS();
    pool.dispatch(
      {
        method: "POST",
        path: "/v1/completions",
        headers,
        body: request.body,
        headersTimeout: timeouts.firstByteMs,
        bodyTimeout: timeouts.betweenEventsMs,
      },
      {
        onRequestStart(controller) {
          abort = (error) => controller.abort(error);
          if (reason !== null) controller.abort(reason);
        },
        onResponseStart(_controller, statusCode) {
          status = statusCode;
        },
        onResponseData(_controller, chunk) {
          const atS = monotonicS();
          sizeBytes += chunk.length;
          if (sizeBytes > MAX_BODY_BYTES)
            return stop(new Error(`more than ${MAX_BODY_BYTES} bytes of response`));
          chunks.push([atS, chunk]);
        },
        onResponseEnd() {
          finish(null);
        },
        onResponseError(_controller, error) {
          finish(error);
        },
      },
    );
  });
}

class TimeoutError extends Error {}

const TIMEOUT_CODES = new Set(["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "UND_ERR_CONNECT_TIMEOUT"]);

/** How a request ended that has no good end; null when the connection says nothing against it. */
function outcomeOfFailure(raw: RawResponse): Outcome | null {
  if (raw.status !== null && raw.status !== 200) return "http_error";
  if (raw.failure === null) return null;
  if (raw.cancelled) return "aborted";
  const timedOut = raw.failure instanceof TimeoutError || TIMEOUT_CODES.has(codeOf(raw.failure));
  return timedOut ? "timeout" : "protocol_error";
}

function codeOf(error: Error): string {
  return (error as { code?: string }).code ?? "";
}

function interpret(
  raw: RawResponse,
  chunks: readonly StampedChunk[],
  request: StreamRequest,
): Omit<RequestResult, "startS" | "endS" | "status"> {
  const outcome = outcomeOfFailure(raw);
  if (outcome === "http_error") {
    const body = Buffer.concat(chunks.map(([, bytes]) => bytes)).toString("utf8");
    return { ...nothing, outcome, error: `HTTP ${raw.status}: ${errorMessage(body)}` };
  }
  const content = readStream(chunks);
  const counts = {
    promptTokens: content.promptTokens,
    cachedTokens: content.cachedTokens,
    outputTokens: content.outputTokens,
    firstTokenS: content.firstTokenS,
    lastTokenS: content.lastTokenS,
    ...(content.arrivals === null ? {} : { arrivals: content.arrivals }),
  };
  const failed = (how: Outcome, error: string) => ({ ...counts, outcome: how, error });
  if (outcome === "aborted") return failed(outcome, "cancelled");
  if (outcome !== null && raw.failure !== null) {
    const code = codeOf(raw.failure);
    return failed(outcome, `${raw.failure.message}${code ? ` (${code})` : ""}`);
  }
  if (content.problem?.kind === "server") return failed("http_error", content.problem.message);
  if (content.problem !== null) return failed("protocol_error", content.problem.message);
  if (!content.done) return failed("protocol_error", "the stream ended without [DONE]");
  if (content.firstTokenS === null) return failed("protocol_error", "the stream carried no token");
  if (content.outputTokens !== null && content.outputTokens !== request.expectedTokens) {
    return failed(
      "protocol_error",
      `asked for ${request.expectedTokens} tokens, got ${content.outputTokens}`,
    );
  }
  return { ...counts, outcome: "ok", error: null };
}

const nothing = {
  promptTokens: null,
  cachedTokens: null,
  outputTokens: null,
  firstTokenS: null,
  lastTokenS: null,
};

function errorMessage(body: string): string {
  try {
    const parsed = JSON.parse(body) as { error?: { message?: unknown } | string };
    const message = typeof parsed.error === "object" ? parsed.error?.message : parsed.error;
    if (typeof message === "string") return message.slice(0, 500);
  } catch {
    // Not JSON: the text itself is the best there is.
  }
  return body.slice(0, 500) || "empty answer";
}

/** Microseconds are finer than any clock here; more digits only make files larger. */
function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
