/**
 * How long one iteration of the engine takes, from causes: bytes over bandwidth, operations over rate, the gaps
 * between kernels, and the host's work to schedule and launch.
 */
import type { Deployment } from "./deployment.ts";

/** The host side of vLLM, seconds: Python's scheduler, input preparation and kernel launches. */
export interface HostCosts {
  /** Scheduling and preparing the inputs of an iteration, and a share for each request in it. */
  schedule: number;
  schedulePerRequest: number;
  /** Taking in an iteration's result, and a share for each request in it. */
  collect: number;
  collectPerRequest: number;
  /** Replaying one full graph (a batch that only decodes). */
  graphReplay: number;
  /** Per layer: a piecewise graph and the attention between the pieces (a mixed batch within the captured sizes). */
  piecewisePerLayer: number;
  /** Per layer: compiled kernels launched one by one (a batch beyond the captured sizes). */
  compiledPerLayer: number;
  /** Per layer: eager PyTorch operators. */
  eagerPerLayer: number;
  /** From submitting an iteration to its first kernel. */
  launchDelay: number;
}

/** Host costs on the 16-vCPU machine of the H200 runs that the model is calibrated with. */
export const HOST: HostCosts = {
  schedule: 0.4e-3,
  schedulePerRequest: 6e-6,
  collect: 0.12e-3,
  collectPerRequest: 4e-6,
  graphReplay: 0.15e-3,
  piecewisePerLayer: 45e-6,
  compiledPerLayer: 95e-6,
  eagerPerLayer: 352e-6,
  launchDelay: 0.12e-3,
};

/** What one iteration computes. */
export interface BatchWork {
  /** Tokens computed in this iteration. */
  tokens: number;
  /** Requests in it. */
  requests: number;
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

/** Communication of one all-reduce step per layer under tensor parallelism, seconds. */
const ALL_REDUCE_PER_LAYER = 2 * 9e-6;

/** The largest batch that graphs cover. */
const LARGEST_GRAPH = 512;

/**
 * The time of one iteration.
 */
export function iterationCost(
  deployment: Deployment,
  work: BatchWork,
  host: HostCosts = HOST,
): IterationCost {
  const { model, gpu, flags } = deployment;
  const tp = flags.tensorParallelSize;
  const bandwidth = gpu.hbmGBps * 1e9 * gpu.bandwidthEfficiency;
  const flops = gpu.bf16Tflops * 1e12 * gpu.flopsEfficiency;
  const head = model.vocab * model.hidden;
  const weightBytes = (model.layerParameters + head) * model.dtypeBytes;
  const kvBytes = work.context * deployment.kvBytesPerToken * tp;
  const samplerBytes = work.requests * model.vocab * 20;
  const memory = (weightBytes + kvBytes + samplerBytes) / tp / bandwidth;
  const linear = 2 * model.layerParameters * work.tokens + 2 * head * work.requests;
  const attention = 4 * model.heads * model.headDim * model.layers * work.attended;
  const compute = (linear + attention) / tp / flops;
  const gaps = model.layers * (gpu.layerOverheadUs * 1e-6 + (tp > 1 ? ALL_REDUCE_PER_LAYER : 0));
  return {
    schedule: host.schedule + host.schedulePerRequest * work.requests,
    launch: launchTime(deployment, work, host),
    launchDelay: host.launchDelay,
    device: Math.max(memory, compute) + gaps,
    collect: host.collect + host.collectPerRequest * work.requests,
  };
}

function launchTime(deployment: Deployment, work: BatchWork, host: HostCosts): number {
  const layers = deployment.model.layers;
  if (deployment.gpu.device === "cpu") return layers * host.graphReplay * 0.1;
  if (!deployment.cudaGraphs) return layers * host.eagerPerLayer;
  if (work.tokens > LARGEST_GRAPH) return layers * host.compiledPerLayer;
  return work.decodeOnly ? host.graphReplay : layers * host.piecewisePerLayer;
}
