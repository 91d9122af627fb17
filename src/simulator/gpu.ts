/** Devices as data: what of a GPU (or a CPU) decides capacity and speed. */
import { existsSync, readFileSync } from "node:fs";
import gpus from "./gpus.json" with { type: "json" };

/** One device. The efficiencies are the shares of the data sheet's peaks that real kernels reach. */
export interface Gpu {
  /** As `nvidia-smi` names it. */
  name: string;
  device: "cuda" | "cpu";
  /** As CUDA numbers its generations, e.g. 9.0 for Hopper; decides which kernels vLLM picks. */
  computeCapability: number;
  /** All of its memory, as `nvidia-smi` shows it, MiB. */
  memoryMiB: number;
  /** What of it the driver keeps, so that CUDA reports less, MiB. */
  driverMiB: number;
  /** Memory that the CUDA context and workspaces of one server hold beside the model, MiB. */
  reservedMiB: number;
  /** Peak memory bandwidth, 10^9 bytes per second. */
  hbmGBps: number;
  /** Peak dense bfloat16 rate, 10^12 operations per second. */
  bf16Tflops: number;
  /** Bandwidth to the other devices of the host in one direction, 10^9 bytes per second. */
  nvlinkGBps: number;
  bandwidthEfficiency: number;
  flopsEfficiency: number;
  /** Time per layer that small kernels and the gaps between kernels take beside the roofline, microseconds. */
  layerOverheadUs: number;
  /** Rate at which weights reach the device, 10^9 bytes per second. */
  loadGBps: number;
}

const POSITIVE = [
  "memoryMiB",
  "hbmGBps",
  "bf16Tflops",
  "nvlinkGBps",
  "bandwidthEfficiency",
  "flopsEfficiency",
  "loadGBps",
] as const;
const NOT_NEGATIVE = ["computeCapability", "driverMiB", "reservedMiB", "layerOverheadUs"] as const;

/** Names that {@link findGpu} knows. */
export function gpuNames(): string[] {
  return Object.keys(gpus);
}

/**
 * Finds a device by its short name, e.g. `h200`, or reads one from a JSON file given by its path.
 *
 * A file holds the fields of {@link Gpu}; what it leaves out is taken from the H200 (from `cpu`, where `device` is so).
 *
 * @throws Error naming the known ones, or what is wrong with the file
 */
export function findGpu(name: string): Gpu {
  const known = gpus as Readonly<Record<string, unknown>>;
  const found = Object.hasOwn(known, name.toLowerCase()) ? known[name.toLowerCase()] : undefined;
  if (found !== undefined) return found as Gpu;
  if (!/\.json$/i.test(name) && !existsSync(name))
    throw new Error(`VLLM_SIM_GPU: unknown GPU ${name} (known: ${gpuNames().join(", ")}, or a .json file)`);
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(name, "utf8"));
  } catch (error) {
    throw new Error(`VLLM_SIM_GPU: cannot read ${name}: ${error instanceof Error ? error.message : error}`);
  }
  return readGpu(data, name);
}

function readGpu(data: unknown, from: string): Gpu {
  if (typeof data !== "object" || data === null || Array.isArray(data))
    throw new Error(`VLLM_SIM_GPU: ${from} is not an object`);
  const given = data as Readonly<Record<string, unknown>>;
  if (given["device"] !== undefined && given["device"] !== "cuda" && given["device"] !== "cpu")
    throw new Error(`VLLM_SIM_GPU: ${from}: device is neither cuda nor cpu`);
  const fields: Record<string, unknown> = { ...(given["device"] === "cpu" ? gpus.cpu : gpus.h200), ...given };
  const check = (key: string, least: (value: number) => boolean): void => {
    const value = fields[key];
    if (typeof value !== "number" || !Number.isFinite(value) || !least(value))
      throw new Error(`VLLM_SIM_GPU: ${from}: ${key} is not a number that it can be`);
  };
  for (const key of POSITIVE) check(key, (value) => value > 0);
  for (const key of NOT_NEGATIVE) check(key, (value) => value >= 0);
  return fields as unknown as Gpu;
}
