import { request } from "undici";
import type { Gauges, KvConfig, ServerCounters } from "../domain/run.ts";

/** A sample of the Prometheus text format: name, labels, value. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Longest line that is read; vLLM's own are below 2 kB. */
const MAX_LINE_LENGTH = 65_536;

/**
 * Reads the Prometheus text format (version 0.0.4), in time that grows with its length alone. Lines that are not
 * samples are passed over: a server can print anything.
 */
export function parseMetrics(text: string): MetricSample[] {
  const samples: MetricSample[] = [];
  for (let start = 0; start < text.length; ) {
    const found = text.indexOf("\n", start);
    const end = found < 0 ? text.length : found;
    const sample = end - start > MAX_LINE_LENGTH ? null : readSample(text.slice(start, end));
    if (sample !== null) samples.push(sample);
    start = end + 1;
  }
  return samples;
}

const METRIC_NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const SPACE = /\s*/y;
const WORD = /\S+/y;

/** What a sticky pattern takes at a place, or null. Each of these patterns decides as it goes, never going back. */
function take(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function readSample(line: string): MetricSample | null {
  const name = take(METRIC_NAME, line, 0);
  if (name === null) return null;
  let at = name.length;
  let labels: Record<string, string> = {};
  if (line[at] === "{") {
    const read = readLabels(line, at + 1);
    if (read === null) return null;
    ({ labels, at } = read);
  }
  const space = take(SPACE, line, at) ?? "";
  const word = space === "" ? null : take(WORD, line, at + space.length);
  const value = word === null ? null : parseValue(word);
  return value === null ? null : { name, labels, value };
}

/** The labels from behind the opening brace, and where the closing one ends; null when they are not labels. */
function readLabels(line: string, start: number): { labels: Record<string, string>; at: number } | null {
  const labels: [string, string][] = [];
  const skip = (at: number) => at + (take(SPACE, line, at) ?? "").length;
  let at = skip(start);
  while (line[at] !== "}") {
    const name = take(LABEL_NAME, line, at);
    if (name === null) return null;
    at += name.length;
    if (line[at] !== "=" || line[at + 1] !== '"') return null;
    const from = at + 2;
    at = from;
    while (at < line.length && line[at] !== '"') at += line[at] === "\\" ? 2 : 1;
    if (at >= line.length) return null;
    labels.push([name, unquote(line.slice(from, at))]);
    at = skip(at + 1);
    if (line[at] === ",") at = skip(at + 1);
    else if (line[at] !== "}") return null;
  }
  return { labels: Object.fromEntries(labels), at: at + 1 };
}

function parseValue(text: string): number | null {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? null : value;
}

function unquote(quoted: string): string {
  return quoted.replace(/\\(.)/gs, (_, sign: string) => (sign === "n" ? "\n" : sign));
}

/** Names of one counter across versions, the newest first (`reference` of vLLM: vllm/v1/metrics/loggers.py). */
const COUNTERS: Readonly<Record<keyof ServerCounters, readonly string[]>> = {
  promptTokens: ["vllm:prompt_tokens_total"],
  generationTokens: ["vllm:generation_tokens_total"],
  prefixQueriedTokens: [
    "vllm:prefix_cache_queries_total",
    "vllm:gpu_prefix_cache_queries_total",
    "vllm:prefix_cache_queries",
    "vllm:gpu_prefix_cache_queries",
  ],
  prefixHitTokens: [
    "vllm:prefix_cache_hits_total",
    "vllm:gpu_prefix_cache_hits_total",
    "vllm:prefix_cache_hits",
    "vllm:gpu_prefix_cache_hits",
  ],
  preemptions: ["vllm:num_preemptions_total", "vllm:num_preemptions"],
  prefills: ["vllm:request_prefill_time_seconds_count"],
  prefillS: ["vllm:request_prefill_time_seconds_sum"],
  queued: ["vllm:request_queue_time_seconds_count", "vllm:time_in_queue_requests_count"],
  queueS: ["vllm:request_queue_time_seconds_sum", "vllm:time_in_queue_requests_sum"],
};

/** The counters that the gate uses, each summed over the server's engines; null where none of its names is there. */
export function readCounters(samples: readonly MetricSample[]): Required<ServerCounters> {
  const sum = (names: readonly string[]): number | null => {
    for (const name of names) {
      const values = samples.filter((sample) => sample.name === name).map((sample) => sample.value);
      if (values.length > 0) return values.reduce((total, value) => total + value, 0);
    }
    return null;
  };
  return {
    promptTokens: sum(COUNTERS.promptTokens),
    generationTokens: sum(COUNTERS.generationTokens),
    prefixQueriedTokens: sum(COUNTERS.prefixQueriedTokens),
    prefixHitTokens: sum(COUNTERS.prefixHitTokens),
    preemptions: sum(COUNTERS.preemptions),
    prefills: sum(COUNTERS.prefills),
    prefillS: sum(COUNTERS.prefillS),
    queued: sum(COUNTERS.queued),
    queueS: sum(COUNTERS.queueS),
  };
}

/** Names of one gauge across versions, the newest first. */
const GAUGES: Readonly<Record<Exclude<keyof Gauges, "atS">, readonly string[]>> = {
  kvUsage: ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"],
  running: ["vllm:num_requests_running"],
  waiting: ["vllm:num_requests_waiting"],
};

/** The gauges that the gate uses: requests summed over the server's engines, the KV cache's use of the fullest. */
export function readGauges(samples: readonly MetricSample[]): Omit<Gauges, "atS"> {
  const values = (key: keyof typeof GAUGES): number[] => {
    for (const name of GAUGES[key]) {
      const found = samples.filter((sample) => sample.name === name).map((sample) => sample.value);
      if (found.length > 0) return found;
    }
    return [];
  };
  const sum = (numbers: readonly number[]) =>
    numbers.length === 0 ? null : numbers.reduce((total, value) => total + value, 0);
  const usage = values("kvUsage");
  return {
    kvUsage: usage.length === 0 ? null : Math.max(...usage),
    running: sum(values("running")),
    waiting: sum(values("waiting")),
  };
}

/** How much each counter rose. A counter that fell belongs to another server's life: null, not a negative number. */
export function counterIncrease(before: ServerCounters, after: ServerCounters): Required<ServerCounters> {
  const rise = (key: keyof ServerCounters): number | null => {
    const from = before[key] ?? null;
    const to = after[key] ?? null;
    return from === null || to === null || to < from ? null : to - from;
  };
  return {
    promptTokens: rise("promptTokens"),
    generationTokens: rise("generationTokens"),
    prefixQueriedTokens: rise("prefixQueriedTokens"),
    prefixHitTokens: rise("prefixHitTokens"),
    preemptions: rise("preemptions"),
    prefills: rise("prefills"),
    prefillS: rise("prefillS"),
    queued: rise("queued"),
    queueS: rise("queueS"),
  };
}

/** The KV cache as `vllm:cache_config_info` tells it; capacity only since vLLM 0.24. */
export function readKvConfig(samples: readonly MetricSample[]): KvConfig {
  const labels = samples.find((sample) => sample.name === "vllm:cache_config_info")?.labels ?? {};
  const number = (name: string): number | null => {
    const text = labels[name];
    if (text === undefined || text === "None" || text === "") return null;
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  };
  const caching = labels["enable_prefix_caching"];
  return {
    blocks: number("num_gpu_blocks"),
    blockSize: number("block_size"),
    capacityTokens: number("kv_cache_size_tokens"),
    maxConcurrency: number("kv_cache_max_concurrency"),
    prefixCaching: caching === "True" ? true : caching === "False" ? false : null,
    memoryBytes: number("kv_cache_memory_bytes"),
    blocksOverridden: number("num_gpu_blocks_override") !== null,
  };
}

/** Largest `/metrics` that is read; vLLM's own is about 60 kB. */
const MAX_METRICS_BYTES = 4_000_000;

/** The text of `/metrics`, or null when the server has none (`--disable-log-stats`, another server). */
export async function fetchMetrics(
  baseUrl: string,
  apiKey: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  return fetchText(`${baseUrl}/metrics`, apiKey, signal, MAX_METRICS_BYTES);
}

/** The version as the server tells it, or null. */
export async function fetchVersion(
  baseUrl: string,
  apiKey: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const text = await fetchText(`${baseUrl}/version`, apiKey, signal, 10_000);
  const version = text === null ? undefined : /"version"\s*:\s*"([^"]{1,80})"/.exec(text)?.[1];
  return version ?? null;
}

/** The first model that a server lists. */
export interface ServedModel {
  readonly id: string;
  /** Longest context in tokens, or null when it does not say. */
  readonly maxModelLen: number | null;
}

/** The first model that the server lists, or null. */
export async function fetchModel(
  baseUrl: string,
  apiKey: string | null,
  signal: AbortSignal,
): Promise<ServedModel | null> {
  const text = await fetchText(`${baseUrl}/v1/models`, apiKey, signal, 1_000_000);
  if (text === null) return null;
  try {
    const body = JSON.parse(text) as { data?: { id?: unknown; max_model_len?: unknown }[] };
    const { id, max_model_len: length } = body.data?.[0] ?? {};
    if (typeof id !== "string") return null;
    return { id, maxModelLen: Number.isSafeInteger(length) ? (length as number) : null };
  } catch {
    return null;
  }
}

/** Longest answer of `/tokenize` that is read: 1,000,000 tokens with their ids. */
const MAX_TOKENIZE_BYTES = 16_000_000;

/**
 * The token ids of a text by the server's own tokenizer, as `/v1/completions` would read it.
 *
 * @returns null when the server has no `/tokenize`
 */
export async function fetchTokenIds(
  baseUrl: string,
  apiKey: string | null,
  signal: AbortSignal,
  prompt: { readonly model: string; readonly text: string },
): Promise<readonly number[] | null> {
  const body = JSON.stringify({ model: prompt.model, prompt: prompt.text });
  const text = await fetchText(`${baseUrl}/tokenize`, apiKey, signal, MAX_TOKENIZE_BYTES, body);
  if (text === null) return null;
  try {
    const { tokens } = JSON.parse(text) as { tokens?: unknown };
    return Array.isArray(tokens) && tokens.every(Number.isSafeInteger) ? (tokens as number[]) : null;
  } catch {
    return null;
  }
}

async function fetchText(
  url: string,
  apiKey: string | null,
  signal: AbortSignal,
  maxBytes: number,
  body?: string,
): Promise<string | null> {
  try {
    const response = await request(url, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body }),
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      // A connection of its own: the probes' connections stay theirs.
      reset: true,
    });
    if (response.statusCode !== 200) {
      await response.body.dump();
      return null;
    }
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) return null;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  } catch (error) {
    if (signal.aborted) throw error;
    return null;
  }
}
