import { request } from "undici";
import type { KvConfig, ServerCounters } from "../domain/run.ts";

/** A sample of the Prometheus text format: name, labels, value. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/gs;

/**
 * Reads the Prometheus text format (version 0.0.4). Lines that are not samples are passed over: a server can
 * print anything.
 */
export function parseMetrics(text: string): MetricSample[] {
  return text.split("\n").flatMap((line) => {
    if (line.startsWith("#")) return [];
    const match = SAMPLE.exec(line);
    if (match === null) return [];
    const value = parseValue(match[3] ?? "");
    if (value === null) return [];
    const labels = Object.fromEntries(
      [...(match[2] ?? "").matchAll(LABEL)].map(([, name, quoted]) => [name ?? "", unquote(quoted ?? "")]),
    );
    return [{ name: match[1] ?? "", labels, value }];
  });
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
};

/** The counters that the gate uses, each summed over the server's engines; null where none of its names is there. */
export function readCounters(samples: readonly MetricSample[]): ServerCounters {
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
  };
}

/** How much each counter rose. A counter that fell belongs to another server's life: null, not a negative number. */
export function counterIncrease(before: ServerCounters, after: ServerCounters): ServerCounters {
  const rise = (key: keyof ServerCounters): number | null => {
    const from = before[key];
    const to = after[key];
    return from === null || to === null || to < from ? null : to - from;
  };
  return {
    promptTokens: rise("promptTokens"),
    generationTokens: rise("generationTokens"),
    prefixQueriedTokens: rise("prefixQueriedTokens"),
    prefixHitTokens: rise("prefixHitTokens"),
    preemptions: rise("preemptions"),
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
  };
}

/** Largest `/metrics` that is read; vLLM's own is about 60 kB. */
const MAX_METRICS_BYTES = 16_000_000;

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

/** The first model that the server lists, or null. */
export async function fetchModelName(
  baseUrl: string,
  apiKey: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const text = await fetchText(`${baseUrl}/v1/models`, apiKey, signal, 1_000_000);
  if (text === null) return null;
  try {
    const body = JSON.parse(text) as { data?: { id?: unknown }[] };
    const id = body.data?.[0]?.id;
    return typeof id === "string" ? id : null;
  } catch {
    return null;
  }
}

async function fetchText(
  url: string,
  apiKey: string | null,
  signal: AbortSignal,
  maxBytes: number,
): Promise<string | null> {
  try {
    const response = await request(url, {
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
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
