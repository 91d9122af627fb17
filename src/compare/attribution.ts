import type { Comparison, Difference } from "../domain/comparison.ts";

/** What a flag, or a version, is known to do to metrics. */
interface KnownEffect {
  /** The flag with all its spellings, without the dashes. */
  readonly flags: readonly string[];
  readonly metrics: RegExp;
  /** What it does, as the end of a sentence that begins with the flag. */
  readonly does: string;
  /** Where that stands: vLLM's own issue or source, or the fixtures' sessions. */
  readonly source: string;
}

const TIMES = /^(batching|ttft|prefix)\./;
const DECODE = /^batching\..*(tpot|itl|e2e|tokens_per_s|requests_per_s)/;
const CACHE = /^(prefix\.|ttft\.warm\.)/;
const SPACE = /^(kv\.(capacity_tokens|max_concurrency|available_gib)|memory\.|requests\.preemptions)/;

const KNOWN: readonly KnownEffect[] = [
  {
    flags: ["enforce-eager"],
    metrics: DECODE,
    does: "launches kernels one by one: the time per token rises about fivefold on a small model",
    source: "H200 fixtures, eager",
  },
  {
    flags: ["enforce-eager"],
    metrics: /^(startup\.|memory\.graphs_gib|kv\.)/,
    does: "skips compilation and graph capture: the start is shorter and the KV cache a little larger",
    source: "H200 fixtures, eager",
  },
  {
    flags: ["enable-prefix-caching", "no-enable-prefix-caching", "disable-enable-prefix-caching"],
    metrics: CACHE,
    does: "decides whether a known prefix is computed again: its TTFT is 50 % higher without the cache",
    source: "H200 fixtures, noapc",
  },
  {
    flags: ["async-scheduling", "no-async-scheduling"],
    metrics: DECODE,
    does: "decides whether scheduling overlaps with the GPU: the time per token was 43 % higher without",
    source: "H200 sessions, bench/data/h200-second-host.json",
  },
  {
    flags: ["max-num-seqs"],
    metrics: /^batching\./,
    does: "is the most requests in one batch: beyond it they queue",
    source: "vLLM, SchedulerConfig",
  },
  {
    flags: ["max-num-seqs"],
    metrics: /^(kv|memory|startup)\./,
    does: "sets how many graphs are captured and what profiling reserves",
    source: "H200 sessions, bench/data/h200-second-host.json",
  },
  {
    flags: ["max-num-batched-tokens"],
    metrics: TIMES,
    does: "is the size of a prefill step: a smaller one gives shorter waits and more steps",
    source: "vllm-project/vllm#17885",
  },
  {
    flags: ["max-num-batched-tokens"],
    metrics: /^(kv|memory)\./,
    does: "sets how much memory profiling leaves to activations",
    source: "vllm-project/vllm#17885",
  },
  {
    flags: ["gpu-memory-utilization", "kv-cache-memory-bytes", "num-gpu-blocks-override", "swap-space"],
    metrics: SPACE,
    does: "sets how much memory the KV cache gets",
    source: "vLLM, CacheConfig",
  },
  {
    flags: ["kv-cache-dtype"],
    metrics: SPACE,
    does: "sets the bytes of a token in the cache: fp8 doubles what fits",
    source: "H200 fixtures, fp8kv",
  },
  {
    flags: ["kv-cache-dtype", "calculate-kv-scales"],
    metrics: TIMES,
    does: "changes the attention kernel, which reads and converts the cache at each step",
    source: "H200 sessions, bench/data/h200-second-host.json",
  },
  {
    flags: ["max-model-len"],
    metrics: /^kv\.(max_concurrency|capacity_tokens)/,
    does: "is what concurrency is counted in; of models with sliding windows it changes the capacity itself",
    source: "vllm-project/vllm#43308, vllm-project/vllm#49878",
  },
  {
    flags: ["block-size"],
    metrics: /^(kv\.|prefix\.)/,
    does: "sets the unit in which the cache is given out and found again",
    source: "vLLM, CacheConfig",
  },
  {
    flags: ["tensor-parallel-size", "tp", "pipeline-parallel-size", "pp", "data-parallel-size", "dp"],
    metrics: /./,
    does: "splits the model over more or fewer GPUs: memory, times and the start all change",
    source: "vLLM, ParallelConfig",
  },
  {
    flags: ["quantization", "q", "dtype"],
    metrics: /./,
    does: "changes the weights' size and the kernels that read them",
    source: "vLLM, ModelConfig",
  },
  {
    flags: ["speculative-config", "speculative-model", "num-speculative-tokens"],
    metrics: /^(batching|ttft|kv|memory)\./,
    does: "decodes several tokens in a step and holds a second model in memory",
    source: "vllm-project/vllm#46834",
  },
  {
    flags: [
      "compilation-config",
      "cc",
      "optimization-level",
      "O",
      "cuda-graph-sizes",
      "cudagraph-capture-sizes",
      "max-cudagraph-capture-size",
    ],
    metrics: /^(batching|ttft|startup|memory)\./,
    does: "sets which batch sizes run as graphs; others are launched kernel by kernel",
    source: "vllm-project/vllm#37865, vllm-project/vllm#25444",
  },
  {
    flags: ["enable-chunked-prefill", "no-enable-chunked-prefill", "scheduling-policy"],
    metrics: TIMES,
    does: "sets how prefills and decodes share a step",
    source: "vLLM, SchedulerConfig",
  },
  {
    flags: ["attention-backend"],
    metrics: TIMES,
    does: "changes the attention kernel",
    source: "vLLM, AttentionConfig",
  },
  {
    flags: ["load-format", "safetensors-load-strategy"],
    metrics: /^startup\.(ready_s|weights_s)/,
    does: "changes how the weights are read",
    source: "vLLM, LoadConfig",
  },
];

/** Versions that changed a default: what the step over one of them does. */
const VERSION_STEPS: readonly {
  readonly since: readonly [minor: number, patch: number];
  readonly metrics: RegExp;
  readonly does: string;
}[] = [
  {
    since: [14, 0],
    metrics: DECODE,
    does: "async scheduling is on by default since 0.14: less time per token",
  },
  {
    since: [20, 0],
    metrics: SPACE,
    does: "since 0.20 --gpu-memory-utilization is 0.92 by default and the memory of CUDA graphs is estimated before the cache is sized",
  },
  {
    since: [22, 0],
    metrics: /^kv\.(capacity_tokens|max_concurrency)/,
    does: "since 0.22 capacity is concurrency × --max-model-len, another number for models with sliding windows",
  },
  {
    since: [28, 0],
    metrics: TIMES,
    does: "since 0.28 --max-num-batched-tokens is 16384 by default on GPUs of 160 GiB and more",
  },
];

/**
 * What of that which differs between the sides is known to move a metric that moved, in a sentence; null where nothing
 * moved or nothing is known. It is a hint where to look, no proof.
 */
export function attribute(
  comparison: Pick<Comparison, "metric" | "verdict">,
  differences: readonly Difference[],
): string | null {
  if (!["regressed", "improved", "inconclusive"].includes(comparison.verdict)) return null;
  const known = differences.flatMap((difference) =>
    difference.what === "vLLM"
      ? versionEffects(comparison.metric, difference)
      : flagEffects(comparison.metric, difference),
  );
  return known.length === 0 ? null : known.join("; ");
}

function flagEffects(metric: string, { what, base, head }: Difference): string[] {
  const name = (what.replace(/^-+/, "").split(".")[0] ?? "").toLowerCase();
  const found = KNOWN.find(
    ({ flags, metrics }) => flags.some((flag) => flag.toLowerCase() === name) && metrics.test(metric),
  );
  return found === undefined
    ? []
    : [`${what} (${base ?? "not given"} → ${head ?? "not given"}) ${found.does}`];
}

function versionEffects(metric: string, { base, head }: Difference): string[] {
  const [before, after] = [versionOf(base), versionOf(head)];
  if (before === null || after === null) return [];
  const [low, high] = before < after ? [before, after] : [after, before];
  return VERSION_STEPS.filter(({ since, metrics }) => {
    const step = since[0] * 1000 + since[1];
    return low < step && step <= high && metrics.test(metric);
  }).map(({ does }) => `vLLM ${base} → ${head}: ${does}`);
}

/** Order of a version 0.minor.patch; null for what is none. */
function versionOf(version: string | null): number | null {
  const [, minor, patch] = /^0\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  return minor === undefined ? null : Number(minor) * 1000 + Number(patch);
}
