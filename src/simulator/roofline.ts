/**
 * How long one iteration of the engine takes, from causes: bytes over bandwidth, operations over rate, the gaps
 * between kernels, and the host's work to schedule and launch.
 */
import type { Deployment } from "./deployment.ts";

/** What one iteration computes. */
export interface BatchWork {
  /** Tokens computed in this iteration. */
  tokens: number;
  /** Requests in it. */
  requests: number;
  /** Requests that are in an iteration for the first time. */
  admitted: number;
  /** Sum over requests of (tokens computed × context they attend to). */
  attended: number;
  /** Sum over requests of the context read from KV memory, in tokens. */
  context: number;
  /** Whether every request computes a single token. */
  decodeOnly: boolean;
}

/** An iteration's parts, seconds. */
export interface IterationCost {
  /** On the host, before the launch. */
  schedule: number;
  /** On the host, launching. */
  launch: number;
  /** From submission to the first kernel. */
  launchDelay: number;
  /** On the device. */
  device: number;
  /** On the host, taking in the result. */
  collect: number;
}

/**
 * Values that a layer's kernels between the matrix products move for each token: two norms with the residual, the
 * inputs and outputs of the products (10 × hidden), and gate, up and their product (6 × intermediate).
 */
const ACTIVATION_MOVES = { hidden: 10, intermediate: 6 } as const;

/** Bytes that sampling moves for each logit: a bfloat16 read, and float32 written and read by softmax and argmax. */
const SAMPLER_BYTES_PER_LOGIT = 2 + 3 * 4 + 6;

/**
 * The time of one iteration.
 *
 * The linear layers take the longer of reading the weights and of 2 operations per weight and token; attention takes
 * the longer of reading the keys and values and of 4 operations per head dimension and pair of tokens; beside that come
 * starting attention for each sequence and KV head, the activations that kernels between the products move, quantising
 * the query under an fp8 KV cache, the gaps between kernels, and all-reduces under tensor parallelism (two per layer, as
 * in Megatron-LM, arXiv:1909.08053; a ring moves 2(n-1)/n of the activations).
 */
export function iterationCost(deployment: Deployment, work: BatchWork): IterationCost {
  const { model, gpu, flags } = deployment;
  const { host, device } = deployment.costs;
  const tp = flags.tensorParallelSize;
  const clock = deployment.settings.faults.throttle ?? 1;
  const bandwidth = gpu.hbmGBps * 1e9 * gpu.bandwidthEfficiency;
  const flops = gpu.bf16Tflops * 1e12 * gpu.flopsEfficiency * clock * (model.dtypeBytes === 4 ? 0.5 : 1);
  const head = model.vocab * model.hidden;
  const tokens = paddedTokens(deployment, work);
  const weightBytes = ((model.layerParameters + head) * model.dtypeBytes) / tp;
  const linearFlops = (2 * model.layerParameters * tokens + 2 * head * work.requests) / tp;
  const attentionFlops = (4 * model.heads * model.headDim * model.layers * work.attended) / tp;
  const kvBytes = work.context * deployment.kvBytesPerToken;
  const linear = Math.max(weightBytes / bandwidth, linearFlops / flops);
  const attention = Math.max(kvBytes / bandwidth, attentionFlops / flops);
  const items = work.requests * Math.max(1, model.kvHeads / tp) * model.layers * device.attentionItem;
  const moved = ACTIVATION_MOVES.hidden * model.hidden + ACTIVATION_MOVES.intermediate * model.intermediate;
  const activations = (moved * model.dtypeBytes * model.layers * tokens) / tp / bandwidth;
  const quantising = flags.kvCacheDtype.startsWith("fp8") ? model.layers * device.quantiseQuery : 0;
  const sampling = (work.requests * model.vocab * SAMPLER_BYTES_PER_LOGIT) / tp / bandwidth;
  const gaps = (model.layers * gpu.layerOverheadUs * 1e-6) / clock;
  const reduced = (tokens * model.hidden * model.dtypeBytes * 2 * (tp - 1)) / tp / (gpu.nvlinkGBps * 1e9);
  const communication = tp === 1 ? 0 : 2 * model.layers * (device.allReduce + reduced);
  return {
    schedule: host.schedule + host.schedulePerRequest * work.requests + host.admitPerRequest * work.admitted,
    launch: launchTime(deployment, work),
    launchDelay: host.launchDelay,
    device: linear + attention + items + activations + quantising + sampling + gaps + communication,
    collect: host.collect + host.collectPerRequest * work.requests,
  };
}

/** How the host gets an iteration's kernels to the device; a graph covers batches up to the largest captured size. */
function launchTime(deployment: Deployment, work: BatchWork): number {
  const { layers } = deployment.model;
  const { host } = deployment.costs;
  if (deployment.gpu.device === "cpu") return layers * host.cpuPerLayer;
  if (!deployment.cudaGraphs) return layers * host.eagerPerLayer;
  if (work.tokens > deployment.largestGraph) return layers * host.compiledPerLayer;
  return work.decodeOnly ? host.graphReplay : layers * host.piecewisePerLayer;
}

/** A graph computes its own size, the batch padded up to it. */
function paddedTokens(deployment: Deployment, work: BatchWork): number {
  if (!deployment.cudaGraphs || work.tokens > deployment.largestGraph) return work.tokens;
  return deployment.captureSizes.find((size) => size >= work.tokens) ?? work.tokens;
}
