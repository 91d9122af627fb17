/** The times of vLLM's software and of small kernels: constants with a name, a unit and a source, in `costs.json`. */
import data from "./costs.json" with { type: "json" };

/** Costs of the API server process, seconds (slices: a count). */
export interface FrontEndCosts {
  intake: number;
  intakePerToken: number;
  intakeSlices: number;
  latency: number;
  transfer: number;
  batch: number;
  batchPerOutput: number;
  detokenize: number;
  event: number;
}

/** Costs of the engine core process on the host, seconds. */
export interface HostCosts {
  schedule: number;
  schedulePerRequest: number;
  admitPerRequest: number;
  collect: number;
  collectPerRequest: number;
  launchDelay: number;
  graphReplay: number;
  piecewisePerLayer: number;
  compiledPerLayer: number;
  eagerPerLayer: number;
  cpuPerLayer: number;
  jitCold: number;
  jitWarm: number;
  jitEager: number;
}

/** Costs of kernels on any device, seconds. */
export interface DeviceCosts {
  allReduce: number;
  quantiseQuery: number;
  attentionItem: number;
}

/** All constants, in seconds and bytes. */
export interface Costs {
  frontEnd: FrontEndCosts;
  host: HostCosts;
  device: DeviceCosts;
}

interface Constant {
  value: number;
  unit: string;
  source: string;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6, MiB: 2 ** 20, byte: 1, "1": 1 };

function inBaseUnits<T>(group: Readonly<Record<keyof T, Constant>>): T {
  const entries = Object.entries<Constant>(group).map(([name, { value, unit }]) => {
    const scale = UNITS[unit];
    if (scale === undefined) throw new Error(`costs.json: ${name} has the unknown unit '${unit}'`);
    return [name, value * scale];
  });
  return Object.fromEntries(entries) as T;
}

/** The constants of `costs.json`. */
export const COSTS: Costs = {
  frontEnd: inBaseUnits<FrontEndCosts>(data.frontEnd),
  host: inBaseUnits<HostCosts>(data.host),
  device: inBaseUnits<DeviceCosts>(data.device),
};
