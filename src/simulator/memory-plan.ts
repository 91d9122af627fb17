/** Where a device's memory goes, and so how many KV blocks are left. */
import { captureSizes, type Deployment } from "./deployment.ts";

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
  weights: number;
  activationPeak: number;
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
  const sampler = deployment.maxNumSeqs * model.vocab * SAMPLER_BYTES_PER_LOGIT;
  const activationPeak = gpu.reservedMiB * 2 ** 20 + Math.max(forward, gpu.device === "cuda" ? sampler : 0);
  const sizes = captureSizes(deployment);
  const graphsEstimated = 2 * sizes.length * model.layers * GRAPH_BYTES_PER_LAYER;
  const graphsActual = graphsEstimated + (sizes.at(-1) ?? 0) * perToken;
  const wanted = gpu.memoryMiB * 2 ** 20 * flags.gpuMemoryUtilization;
  const availableKv = flags.kvCacheMemoryBytes ?? wanted - weights - activationPeak - graphsEstimated;
  const blockBytes = deployment.kvBytesPerToken * deployment.blockSize;
  const fitting = Math.floor(Math.max(0, availableKv) / blockBytes);
  const blocks = Math.floor(fitting * deployment.settings.regressions.kv);
  const perRequest = Math.ceil(deployment.maxModelLen / deployment.blockSize);
  const maxConcurrency = blocks / perRequest;
  return {
    weights,
    activationPeak,
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

/** Bytes as GiB. */
export function gib(bytes: number): number {
  return bytes / GIB;
}
