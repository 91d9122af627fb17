import type { LogFacts } from "../domain/log-facts.ts";
import { redactSecrets } from "./log-secrets.ts";

/** Releases whose log lines the table below was checked against, as a person would name them. */
export const COVERED_VERSIONS = "0.6 to 0.33";

export type FactName = keyof LogFacts;
export type FactValue = string | number | boolean;

/**
 * What becomes of several matches of one pattern. Ranks repeat a line, each with its own number.
 *
 * `sum` adds what one process says and takes the slowest process: a rank compiles its models one after the
 * other, the ranks compile side by side.
 */
export type Combine = "first" | "last" | "max" | "min" | "sum";

/**
 * One line of the log. Every regular expression starts at a literal and repeats only with a bound, so that it
 * takes linear time on any input; each is searched for anywhere in the line, because prefixes differ by release,
 * by process and by who collected the log.
 */
export interface LogPattern {
  /** The facts that the capture groups hold, in their order. */
  readonly facts: readonly FactName[];
  readonly regex: RegExp;
  /**
   * First and last release seen to print the line; none where it is all of them. They explain a missing fact and
   * do not switch the pattern off: they are known between sampled releases only, and forks number otherwise.
   */
  readonly since?: string;
  readonly until?: string;
  /** The first match unless told. */
  readonly combine?: Combine;
  /** From the captured text to the value; null refuses it. A number unless told. */
  readonly convert?: (captured: string) => FactValue | null;
  /** True when the line may come after `Application startup complete`. */
  readonly afterStart?: true;
}

const DECIMAL = String.raw`-?\d{1,15}(?:\.\d{1,12})?`;
const COUNT = String.raw`\d[\d,]{0,23}`;
const VERSION = String.raw`\d[\w.+!-]{0,63}`;

/** Builds a pattern from a template in which `<n>` is a decimal, `<c>` a count with commas, `<v>` a version. */
function line(template: string): RegExp {
  const source = template
    .replaceAll("<n>", `(${DECIMAL})`)
    .replaceAll("<c>", `(${COUNT})`)
    .replaceAll("<v>", `(${VERSION})`);
  return new RegExp(source);
}

const asText = (captured: string): string => captured;
const isEnabled = (captured: string): boolean => captured === "enabled";
const yes = (): boolean => true;
const no = (): boolean => false;

const asArguments = (captured: string): string => redactSecrets(captured.trimEnd());

/** `AttentionBackendEnum.FLASH_ATTN` (0.12 and 0.13) is `FLASH_ATTN`. */
const asBackend = (captured: string): string => captured.replace(/^AttentionBackendEnum\./, "").trim();

/**
 * The lines that carry facts. Where several patterns give one fact, the first in this order that matched wins.
 * Paths are vLLM's own, of the release in the remark.
 */
export const PATTERNS: readonly LogPattern[] = [
  // entrypoints/openai/api_server.py (to 0.14); entrypoints/serve/utils/api_utils.py (0.33) without the logo.
  { facts: ["vllmVersion"], regex: line("vLLM (?:API )?server version <v>"), convert: asText },
  // The logo of 0.15 and later ends in block characters before the version.
  { facts: ["vllmVersion"], regex: line("[█▀▄] {1,4}version <v>"), convert: asText },
  // v1/engine/core.py; engine/llm_engine.py while there was a V0.
  {
    facts: ["vllmVersion"],
    regex: line(String.raw`Initializing an? (?:V\d )?LLM engine \(v<v>\)`),
    convert: asText,
  },

  // A Python dict since 0.9, a Namespace before. Redacted by vLLM itself only since 0.30.
  { facts: ["loggedArgs"], regex: /non-default args: (\{.*)/, convert: asArguments },
  { facts: ["loggedArgs"], regex: /\bargs: (Namespace\(.*)/, until: "0.8", convert: asArguments },

  // model_executor/model_loader/default_loader.py
  { facts: ["weightsS"], regex: line("Loading weights took <n> seconds"), since: "0.8", combine: "max" },
  // v1/worker/gpu_model_runner.py. The word "memory" came with 0.12; 0.8 wrote GB in its first releases.
  {
    facts: ["modelMemoryGib", "modelLoadS"],
    regex: line("Model loading took <n> Gi?B(?: memory)? and <n> seconds"),
    since: "0.8",
    combine: "max",
  },
  // worker/model_runner.py: says GB and divides by 2**30.
  {
    facts: ["modelMemoryGib"],
    regex: line("Loading model weights took <n> GB"),
    until: "0.7",
    combine: "max",
  },

  // compilation/monitor.py. Up to 0.16 the number is the process's total so far, printed again when it grows ...
  {
    facts: ["compileS"],
    regex: line(String.raw`torch\.compile takes <n> s in total`),
    until: "0.17",
    combine: "max",
  },
  // ... later it is one model's (backbone, draft, encoder block), so the lines of one process add up.
  {
    facts: ["compileS"],
    regex: line(
      String.raw`torch\.compile (?:and initial profiling/warmup run together )?took <n> s in total`,
    ),
    since: "0.17",
    combine: "sum",
  },
  // The engine's own total, for logs whose worker lines were filtered out.
  {
    facts: ["compileS"],
    regex: line(
      String.raw`init engine \(profile, create kv cache, warmup model\) took ${DECIMAL} s \(compilation: <n> s`,
    ),
    since: "0.20",
    combine: "max",
  },

  // compilation/backends.py, compilation/decorators.py. One graph compiled makes the start a cold one, whatever
  // else came from the cache; a graph that was loaded makes it warm even if its wrapper had to be saved anew.
  {
    facts: ["compileCached"],
    regex: /(Compiling a graph for|Compiling model again due to a load failure)/,
    convert: no,
  },
  {
    facts: ["compileCached"],
    regex: /(Directly load (?:AOT compilation|the compiled graph|the \d{1,6}-th graph))/,
    convert: yes,
  },
  {
    facts: ["compileCached"],
    regex: /(saved AOT compiled function|torch\.compile (?:takes|took|and initial profiling))/,
    convert: no,
  },

  // compilation/monitor.py, once for each compiled model.
  {
    facts: ["profileS"],
    regex: line("Initial profiling/warmup run took <n> s"),
    since: "0.18",
    combine: "sum",
  },

  // v1/worker/gpu_model_runner.py, worker/model_runner.py. Whole seconds. Memory may be negative when another
  // process frees some meanwhile; releases before 0.6.4 do not name it.
  {
    facts: ["graphsS", "graphsGib"],
    regex: line("Graph capturing finished in <n> secs(?:, took <n> GiB)?"),
    combine: "max",
  },
  // v1/worker/gpu_model_runner.py
  {
    facts: ["graphsEstimatedGib"],
    regex: line("Estimated CUDA graph memory: <n> GiB total"),
    combine: "max",
  },

  // v1/worker/gpu_worker.py. The smallest rank bounds them all.
  {
    facts: ["kvAvailableGib"],
    regex: line("Available KV cache memory: <n> GiB"),
    since: "0.9",
    combine: "min",
  },
  // Printed in its place with --kv-cache-memory-bytes, which skips profiling.
  {
    facts: ["kvAvailableGib"],
    regex: line("reserved <n> GiB memory for KV Cache as specified by kv_cache_memory_bytes"),
    since: "0.10",
    combine: "min",
  },
  // worker/worker.py of V0.
  {
    facts: ["kvAvailableGib"],
    regex: line("rest of the memory reserved for KV Cache is <n>GiB"),
    until: "0.10",
    combine: "min",
  },

  // v1/core/kv_cache_utils.py. `GPU`; the device's name, perhaps with ` + host`, since 0.30.
  { facts: ["kvCapacityTokens"], regex: line("KV cache size: <c> tokens"), since: "0.8", combine: "min" },
  // executor/gpu_executor.py, executor/executor_base.py of V0; the second count on the line is swap space.
  { facts: ["kvBlocks"], regex: line(String.raw`# \w{1,16} blocks: <c>`), until: "0.10", combine: "min" },
  // On the line of the KV cache size since 0.28. V0 wrote no thousands commas.
  {
    facts: ["maxConcurrencyTokens", "maxConcurrency"],
    regex: line("Maximum concurrency for <c> tokens per request: <n>x"),
    combine: "min",
  },

  // v1/engine/core.py. Neither the start of the processes nor reading the weights is in it.
  {
    facts: ["engineInitS"],
    regex: line(String.raw`init engine \(profile, create kv cache, warmup model\) took <n> s`),
    combine: "max",
  },

  // platforms/cuda.py since 0.12.
  {
    facts: ["attentionBackend"],
    regex: /Using ([\w.]{1,64}) attention backend out of potential backends/,
    since: "0.12",
    convert: asBackend,
  },
  // Before 0.12, where the user chose, and on ROCm and XPU. MoE, Mamba, all-reduce and vision layers print much
  // the same sentence: only these files speak of the attention of the language model.
  {
    facts: ["attentionBackend"],
    regex:
      /(?:cuda|rocm|xpu|cpu|selector)\.py:\d{1,6}\] Using ([\w. ]{1,40}?) (?:attention )?backend(?:\.| out of | on (?:V\d|XPU)| \(|$)/,
    convert: asBackend,
  },

  // config/vllm.py. The API server says it before the engine, whose word counts.
  {
    facts: ["asyncScheduling"],
    regex: /Asynchronous scheduling is (enabled|disabled)/,
    since: "0.14",
    until: "0.24",
    combine: "last",
    convert: isEnabled,
  },

  // entrypoints/openai/api_server.py; entrypoints/launchers (0.32).
  {
    facts: ["listeningOn"],
    regex: /Starting vLLM (?:API )?server(?: \d{1,4})? on (\S{1,256})/,
    convert: asText,
    afterStart: true,
  },
  // uvicorn's own, where vLLM prints none.
  {
    facts: ["listeningOn"],
    regex: /Uvicorn running on (https?:\/\/\S{1,256})/,
    convert: asText,
    afterStart: true,
  },
];
