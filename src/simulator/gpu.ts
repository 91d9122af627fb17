/** Devices as data: what of a GPU (or a CPU) decides capacity and speed. */
import gpus from "./gpus.json" with { type: "json" };

/** One device. The efficiencies are the shares of the data sheet's peaks that real kernels reach. */
export interface Gpu {
  /** As `nvidia-smi` names it. */
  name: string;
  device: "cuda" | "cpu";
  memoryMiB: number;
  /** Peak memory bandwidth, 10^9 bytes per second. */
  hbmGBps: number;
  /** Peak dense bfloat16 rate, 10^12 operations per second. */
  bf16Tflops: number;
  bandwidthEfficiency: number;
  flopsEfficiency: number;
  /** Time per layer that small kernels and the gaps between kernels take, microseconds. */
  layerOverheadUs: number;
  /** Memory that the CUDA context, NCCL and workspaces hold beside the model, MiB. */
  reservedMiB: number;
  /** Rate at which weights reach the device, 10^9 bytes per second. */
  loadGBps: number;
}

/** Names that {@link findGpu} knows. */
export function gpuNames(): string[] {
  return Object.keys(gpus);
}

/**
 * Finds a device by its short name, e.g. `h200`.
 *
 * @throws Error naming the known ones
 */
export function findGpu(name: string): Gpu {
  const found = (gpus as Record<string, unknown>)[name.toLowerCase()];
  if (found === undefined)
    throw new Error(`VLLM_SIM_GPU: unknown GPU ${name} (known: ${gpuNames().join(", ")})`);
  return found as Gpu;
}
