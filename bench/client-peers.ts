/** The clients that are compared: how each is started for a load, and what it reported of each request. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Load } from "./client-cells.ts";
import { MODEL } from "./client-server.ts";

/** What a client says of one request. */
export interface Reported {
  /** The id of the response, by which the server knows the request. */
  readonly id: string;
  readonly ttftMs: number;
  /** Mean time between tokens as the client reports it: (last − first) / (tokens − 1). */
  readonly tpotMs: number;
  /** The times between tokens, where the client keeps them. */
  readonly gapsMs?: readonly number[];
  /** When the client says that it sent the request, nanoseconds of CLOCK_MONOTONIC. */
  readonly sentNs: number;
  /** When each event arrived, nanoseconds of CLOCK_MONOTONIC, where the client keeps it. */
  readonly arrivedNs?: readonly number[];
}

/** Where the clients are installed. */
export interface Installed {
  readonly vllmPython: string;
  readonly guidellm: string;
  readonly aiperf: string;
  /** Folder of the tokenizer that the server and the clients use. */
  readonly model: string;
}

/** One client's place in a run. */
export interface ClientContext {
  readonly url: string;
  readonly load: Load;
  readonly installed: Installed;
  /** A folder of this run alone. */
  readonly folder: string;
  /** CLOCK_REALTIME − CLOCK_MONOTONIC, for clients that keep the time of day. */
  readonly realtimeMinusMonotonicNs: number;
}

/** How a client is run. */
export interface Client {
  readonly name: string;
  readonly command: (context: Omit<ClientContext, "realtimeMinusMonotonicNs">) => readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly read: (context: ClientContext) => Promise<Reported[]>;
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const json = async <T>(file: string): Promise<T> => JSON.parse(await readFile(file, "utf8")) as T;
const jsonLines = async <T>(file: string): Promise<T[]> =>
  (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

const PROMPT_TOKENS = 8;
const OFFLINE = { HF_HUB_OFFLINE: "1", TRANSFORMERS_OFFLINE: "1", TOKENIZERS_PARALLELISM: "false" };
const QUIET = { VLLM_NO_USAGE_STATS: "1", DO_NOT_TRACK: "1" };

/** Ours, as the gate itself uses it: a process that runs a case and keeps its traces. */
const ours: Client = {
  name: "ours",
  command: ({ url, load, folder }) => [
    process.execPath,
    path("client-ours.ts"),
    JSON.stringify({ url, load, file: join(folder, "ours.json"), model: MODEL }),
  ],
  env: {},
  read: ({ folder }) => json(join(folder, "ours.json")),
};

interface VllmResult {
  readonly errors: string[];
  readonly start_times: number[];
  readonly ttfts: number[];
  readonly itls: number[][];
}

const VLLM_PREFIX = "gate-";

/** No progress bar, no readiness probe, connections opened by a wave of warm-up requests. */
const vllmBench: Client = {
  name: "vllm bench serve",
  command: ({ url, load, installed, folder }) => [
    ...[installed.vllmPython, path("../test/e2e-clients/vllm_command.py"), "bench", "serve"],
    ...["--base-url", url, "--endpoint", "/v1/completions", "--backend", "openai"],
    ...["--model", MODEL, "--tokenizer", installed.model, "--ignore-eos", "--temperature", "0"],
    ...["--dataset-name", "random", "--random-input-len", `${PROMPT_TOKENS}`],
    ...["--random-output-len", `${load.tokens}`, "--num-prompts", `${load.requests}`],
    ...["--max-concurrency", `${load.streams}`, "--num-warmups", `${load.streams}`],
    ...["--ready-check-timeout-sec", "0", "--disable-tqdm", "--request-id-prefix", VLLM_PREFIX],
    ...["--save-result", "--save-detailed", "--result-filename", join(folder, "vllm.json")],
  ],
  env: { ...OFFLINE, ...QUIET },
  read: async ({ folder }) => {
    const result = await json<VllmResult>(join(folder, "vllm.json"));
    const failed = result.errors.find((error) => error !== "");
    if (failed !== undefined) throw new Error(`vllm bench serve: a request failed: ${failed}`);
    return result.ttfts.map((ttft, i) => {
      const gapsMs = result.itls[i]!.map((gap) => gap * 1000);
      return {
        id: `cmpl-${VLLM_PREFIX}${i}`,
        ttftMs: ttft * 1000,
        tpotMs: mean(gapsMs),
        gapsMs,
        // Python's perf_counter is CLOCK_MONOTONIC.
        sentNs: result.start_times[i]! * 1e9,
      };
    });
  },
};

interface GuidellmResult {
  readonly benchmarks: {
    readonly requests: {
      readonly successful: {
        readonly response_id: string;
        readonly request_start_time: number;
        readonly time_to_first_token_ms: number;
        readonly inter_token_latency_ms: number;
      }[];
    };
  }[];
}

/** One worker process (with its ten, it starts more Python than two cores can run), HTTP/1.1, no console. */
const guidellm: Client = {
  name: "guidellm",
  command: ({ url, load, installed, folder }) => [
    ...[installed.guidellm, "run"],
    "--backend",
    `kind=openai_http,target=${url},model=${MODEL},request_format=/v1/completions,http2=false`,
    ...["--tokenizer", `kind=huggingface_auto,model=${installed.model}`],
    ...["--data", `kind=synthetic_text,prompt_tokens=${PROMPT_TOKENS},output_tokens=${load.tokens}`],
    ...["--profile", `kind=concurrent,streams=${load.streams}`],
    ...["--constraint", `kind=max_requests,count=${load.requests}`],
    ...["--output", `kind=json,path=${join(folder, "guidellm.json")}`, "--disable-console"],
  ],
  env: { ...OFFLINE, ...QUIET, GUIDELLM__MAX_WORKER_PROCESSES: "1" },
  read: async ({ folder, realtimeMinusMonotonicNs }) => {
    const { benchmarks } = await json<GuidellmResult>(join(folder, "guidellm.json"));
    return (benchmarks[0]?.requests.successful ?? []).map((request) => ({
      id: request.response_id,
      ttftMs: request.time_to_first_token_ms,
      tpotMs: request.inter_token_latency_ms,
      sentNs: request.request_start_time * 1e9 - realtimeMinusMonotonicNs,
    }));
  },
};

interface AiperfRecord {
  readonly metadata: {
    readonly x_request_id: string;
    readonly benchmark_phase: string;
    readonly request_start_ns: number;
  };
  readonly metrics: {
    readonly time_to_first_token: { readonly value: number };
    readonly inter_token_latency: { readonly value: number };
    readonly inter_chunk_latency: { readonly value: readonly number[] };
  };
}

/** The server's token counts, no dashboard, no telemetry, a wave of warm-up requests. */
const aiperf: Client = {
  name: "aiperf",
  command: ({ url, load, installed, folder }) => [
    ...[installed.aiperf, "profile", "--model", MODEL, "--tokenizer", installed.model, "--url", url],
    ...[
      "--endpoint-type",
      "completions",
      "--streaming",
      "--use-server-token-count",
      "--use-legacy-max-tokens",
    ],
    ...["--extra-inputs", "ignore_eos:true", "--isl", `${PROMPT_TOKENS}`, "--osl", `${load.tokens}`],
    ...["--concurrency", `${load.streams}`, "--request-count", `${load.requests}`],
    ...["--warmup-request-count", `${load.streams}`, "--num-dataset-entries", "64"],
    ...["--no-gpu-telemetry", "--no-server-metrics", "--ui", "none", "--export-level", "records"],
    ...["--output-artifact-dir", join(folder, "aiperf")],
  ],
  // Its offline mode takes no tokenizer from a folder.
  env: { ...QUIET, TOKENIZERS_PARALLELISM: "false" },
  read: async ({ folder, realtimeMinusMonotonicNs }) => {
    const records = await jsonLines<AiperfRecord>(join(folder, "aiperf", "profile_export.jsonl"));
    return records
      .filter(({ metadata }) => metadata.benchmark_phase === "profiling")
      .map(({ metadata, metrics }) => ({
        id: `cmpl-${metadata.x_request_id}`,
        ttftMs: metrics.time_to_first_token.value,
        tpotMs: metrics.inter_token_latency.value,
        gapsMs: metrics.inter_chunk_latency.value,
        sentNs: metadata.request_start_ns - realtimeMinusMonotonicNs,
      }));
  },
};

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** All clients, ours first. */
export const CLIENTS: readonly Client[] = [ours, vllmBench, guidellm, aiperf];
