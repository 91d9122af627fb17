/** Where a device's memory goes, and so how many KV blocks are left. */
import type { Deployment } from "./deployment.ts";

const GIB = 2 ** 30;

/**
 * Memory of one captured graph per model layer, bytes: 0.39 GiB for 102 graphs of 28 layers and 0.44 GiB for
 * 102 graphs of 32 layers were seen on an H200 with vLLM 0.22.
 */
const GRAPH_BYTES_PER_LAYER = 0.139 * 2 ** 20;

/**
 * Bytes the sampler needs at its peak per logit: the bfloat16 logit, its float32 copy, and a sort of it with
 * 64-bit indices.
 */
const SAMPLER_BYTES_PER_LOGIT = 2 + 4 + 8;

/** A device's memory, in bytes, and the KV blocks that fit. */
export interface MemoryPlan {
  /** All that CUDA reports of the device. */
  total: number;
  weights: number;
  /** The device's context and workspaces, and the larger of the two peaks below. */
  activationPeak: number;
  /** Of one forward pass over max_num_batched_tokens. */
  forwardPeak: number;
  /** Of sampling for max_num_seqs sequences. */
  samplerPeak: number;
  graphsEstimated: number;
  graphsActual: number;
  /** Negative when the rest does not fit. */
  availableKv: number;
  blocks: number;
  /** As the start-up log reports it: concurrency times max_model_len. */
  kvTokens: number;
  maxConcurrency: number;
}

/**
 * Plans the memory of one device.
 *
 * KV memory is `utilization · total − weights − peak of a profiling run − graphs`. The profiling run's peak is
 * the larger of one forward pass over max_num_batched_tokens and of sampling for max_num_seqs sequences.
 */
export function planMemory(deployment: Deployment): MemoryPlan {
  const { model, gpu, flags } = deployment;
  const weights = (model.parameters * model.dtypeBytes) / flags.tensorParallelSize;
  const perToken = (3 * model.intermediate + 3 * model.hidden) * model.dtypeBytes;
  const forward = (deployment.maxNumBatchedTokens * perToken) / flags.tensorParallelSize;
  const sampler = gpu.device === "cuda" ? deployment.maxNumSeqs * model.vocab * SAMPLER_BYTES_PER_LOGIT : 0;
  const activationPeak = gpu.reservedMiB * 2 ** 20 + Math.max(forward, sampler);
  const sizes = deployment.captureSizes;
  const graphsEstimated = 2 * sizes.length * model.layers * GRAPH_BYTES_PER_LAYER;
  const graphsActual = graphsEstimated + (sizes.at(-1) ?? 0) * perToken;
  const total = (gpu.memoryMiB - gpu.driverMiB) * 2 ** 20;
  const wanted = total * flags.gpuMemoryUtilization;
  const availableKv = flags.kvCacheMemoryBytes ?? wanted - weights - activationPeak - graphsEstimated;
  const blockBytes = deployment.kvBytesPerToken * deployment.blockSize;
  const fitting = Math.floor(Math.max(0, availableKv) / blockBytes);
  const blocks = Math.floor(fitting * deployment.settings.regressions.kv);
  const perRequest = Math.ceil(deployment.maxModelLen / deployment.blockSize);
  const maxConcurrency = blocks / perRequest;
  return {
    total,
    weights,
    activationPeak,
    forwardPeak: forward,
    samplerPeak: sampler,
    graphsEstimated,
    graphsActual,
    availableKv,
    blocks,
    kvTokens: Math.trunc(maxConcurrency * deployment.maxModelLen),
    maxConcurrency,
  };
}

/** KV memory that one request of max_model_len needs, bytes. */
export function kvNeeded(deployment: Deployment): number {
  const blocks = Math.ceil(deployment.maxModelLen / deployment.blockSize);
  return blocks * deployment.blockSize * deployment.kvBytesPerToken;
}

/** The longest context whose KV fits, in whole blocks. */
export function longestContext(deployment: Deployment, plan: MemoryPlan): number {
  const blockBytes = deployment.kvBytesPerToken * deployment.blockSize;
  return Math.max(0, Math.floor(plan.availableKv / blockBytes)) * deployment.blockSize;
}

/**
 * Applies `--max-model-len auto`: the model's own context, or the longest that fits (vLLM's `_auto_fit_max_model_len`).
 */
export function fitContext(deployment: Deployment, plan: MemoryPlan): Deployment {
  if (deployment.flags.maxModelLen !== "auto") return deployment;
  const longest = longestContext(deployment, plan);
  return longest >= deployment.maxModelLen ? deployment : { ...deployment, maxModelLen: longest };
}

/** What vLLM's `_auto_fit_max_model_len` says that {@link fitContext} did. */
export function autoFitMessage({ model, maxModelLen }: Deployment, plan: MemoryPlan): string {
  const { maxPositions } = model;
  if (maxModelLen >= maxPositions)
    return `Auto-fit max_model_len: full model context length ${maxPositions} fits in available GPU memory`;
  return `Auto-fit max_model_len: reduced from ${maxPositions} to ${maxModelLen} to fit in available GPU memory (${roundedGib(plan.availableKv)} GiB available for KV cache)`;
}

/** Bytes as GiB. */
export function gib(bytes: number): number {
  return bytes / GIB;
}

/** As vLLM's `format_gib` writes them: two places, rounded, no trailing zeros but one. */
export function roundedGib(bytes: number): string {
  const rounded = String(Math.round(gib(bytes) * 100) / 100);
  return rounded.includes(".") ? rounded : `${rounded}.0`;
}
