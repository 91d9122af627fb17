import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import type { Outcome, RequestTrace } from "../domain/trace.ts";
import { ConnectTimeoutError } from "./connections.ts";
import { TimeoutError } from "./exchange.ts";
import { readStream } from "./read-stream.ts";
import type { ResponseReader } from "./response-reader.ts";
import { round6 } from "./stamped-body.ts";

/** The times and counts of a request, without its place in the plan. */
export type RequestResult = Omit<
  RequestTrace,
  "variant" | "session" | "round" | "probe" | "case" | "phase" | "id" | "plannedS"
>;

/** A request that ended, as it came. */
export interface RawResponse {
  readonly startS: number;
  readonly endS: number;
  /** What came; null when there was no connection. */
  readonly reader: ResponseReader | null;
  readonly failure: Error | null;
  /** The run was ended meanwhile. */
  readonly cancelled: boolean;
  /** It was sent a second time: the first connection was closing as it was written. */
  readonly resent: boolean;
}

/** How a request ended that has no good end; null when the connection says nothing against it. */
export function outcomeOfFailure(raw: RawResponse): Outcome | null {
  const status = raw.reader?.head?.status ?? null;
  if (status !== null && status !== 200) return "http_error";
  if (raw.failure === null) return null;
  if (raw.cancelled) return "aborted";
  return raw.failure instanceof TimeoutError || raw.failure instanceof ConnectTimeoutError
    ? "timeout"
    : "protocol_error";
}

/**
 * What a response says: its times in seconds after `zeroS`, its counts, and how it ended.
 */
export function interpretResponse(
  raw: RawResponse,
  zeroS: number,
  request: { readonly expectedTokens: number; readonly mayEndEarly?: boolean },
): RequestResult {
  const head = raw.reader?.head ?? null;
  const times = {
    startS: round6(raw.startS - zeroS),
    endS: round6(raw.endS - zeroS),
    status: head?.status ?? null,
    ...(raw.resent ? { resent: true as const } : {}),
  };
  const outcome = outcomeOfFailure(raw);
  const without = (how: Outcome, error: string) => ({ ...NOTHING, ...times, outcome: how, error });
  const failure = raw.failure === null ? null : describe(raw.failure);
  if (raw.reader === null || head === null) {
    if (outcome === "aborted") return without(outcome, "cancelled");
    return without(outcome ?? "protocol_error", failure ?? "no answer");
  }
  const { body } = raw.reader;
  if (outcome === "http_error") {
    const text = plainText(body.bytes(), head.contentEncoding);
    return without(outcome, `HTTP ${head.status}: ${errorMessage(text)}`);
  }
  if (head.contentEncoding !== null) {
    // A compressor holds events back: their times say nothing, whatever they decode to.
    const error = `the answer is compressed (${head.contentEncoding.slice(0, 60)}) although that was not asked for: ask the server itself, without a proxy that compresses`;
    return without(outcome === "aborted" ? outcome : "protocol_error", error);
  }
  const content = readStream(body.chunks(zeroS));
  const instead = content.events === 0 && outcome === null ? jsonBody(body.bytes()) : null;
  if (instead !== null) {
    // An error of a server or proxy that says 200 all the same, or an answer that was not streamed.
    const said = saidIn(instead)?.slice(0, 500) ?? errorMessage(instead);
    return isErrorBody(instead)
      ? without("http_error", `HTTP 200 with an error: ${said}`)
      : without("protocol_error", `the answer is no event stream: ${said.slice(0, 200)}`);
  }
  const counts = {
    ...times,
    promptTokens: content.promptTokens,
    cachedTokens: content.cachedTokens,
    outputTokens: content.outputTokens,
    firstTokenS: content.firstTokenS,
    lastTokenS: content.lastTokenS,
    ...(content.arrivals === null ? {} : { arrivals: content.arrivals }),
  };
  const failed = (how: Outcome, error: string) => ({ ...counts, outcome: how, error });
  if (outcome === "aborted") return failed(outcome, "cancelled");
  if (outcome !== null && failure !== null) return failed(outcome, failure);
  if (content.problem?.kind === "server") return failed("http_error", content.problem.message);
  if (content.problem !== null) return failed("protocol_error", content.problem.message);
  if (!content.done) return failed("protocol_error", "the stream ended without [DONE]");
  if (content.firstTokenS === null) return failed("protocol_error", "the stream carried no token");
  const { outputTokens } = content;
  const { expectedTokens, mayEndEarly = false } = request;
  if (
    outputTokens !== null &&
    (mayEndEarly ? outputTokens > expectedTokens : outputTokens !== expectedTokens)
  ) {
    return failed("protocol_error", `asked for ${expectedTokens} tokens, got ${outputTokens}`);
  }
  return { ...counts, outcome: "ok", error: null };
}

const NOTHING = {
  promptTokens: null,
  cachedTokens: null,
  outputTokens: null,
  firstTokenS: null,
  lastTokenS: null,
};

function describe(error: Error): string {
  const { code } = error as { code?: string };
  return `${error.message}${code ? ` (${code})` : ""}`;
}

/** Most of an error's text that is unpacked. */
const MAX_PLAIN_BYTES = 1_000_000;

const DECODERS: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** An error's text, which proxies compress although nobody asked for it. */
function plainText(bytes: Buffer, encoding: string | null): string {
  if (encoding === null) return bytes.toString("utf8");
  const unread = `a text that is compressed (${encoding.slice(0, 60)})`;
  try {
    return DECODERS[encoding]?.(bytes, { maxOutputLength: MAX_PLAIN_BYTES }).toString("utf8") ?? unread;
  } catch {
    return unread;
  }
}

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

/** Longer answers are no errors. */
const MAX_JSON_BYTES = 100_000;

/** A body that is a JSON object and not a stream of events; null when it is none. */
function jsonBody(bytes: Buffer): string | null {
  if (bytes.length > MAX_JSON_BYTES) return null;
  const text = bytes.toString("utf8").trim();
  if (!text.startsWith("{")) return null;
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}

function isErrorBody(body: string): boolean {
  const { error, object, choices } = JSON.parse(body) as {
    error?: unknown;
    object?: unknown;
    choices?: unknown;
  };
  return object === "error" || Boolean(error) || (!Array.isArray(choices) && saidIn(body) !== null);
}

/** What a JSON object says that is an error in the shape of OpenAI, of older vLLM (`message`) or of FastAPI (`detail`). */
function saidIn(body: string): string | null {
  const { error, message, detail } = JSON.parse(body) as {
    error?: unknown;
    message?: unknown;
    detail?: unknown;
  };
  const inner = (error as { message?: unknown } | null | undefined)?.message;
  return [inner, error, message, detail].find((each) => typeof each === "string") ?? null;
}
