import type { GpuReading, TelemetrySample } from "../../src/domain/telemetry.ts";

/** A reading of an H200 under load. */
export function reading(tS: number, changes: Partial<GpuReading> = {}): GpuReading {
  return {
    tS,
    index: 0,
    uuid: "GPU-0",
    utilization: 0.8,
    memoryUtilization: 0.3,
    memoryUsedMib: 132437,
    memoryTotalMib: 143771,
    smClockMhz: 1980,
    memoryClockMhz: 3201,
    maxSmClockMhz: 1980,
    powerW: 300,
    powerLimitW: 700,
    temperatureC: 46,
    throttle: [],
    heldDownS: { powerCap: 0, swThermal: 0, hwThermal: 0, powerBrake: 0 },
    ...changes,
  };
}

const QUIET_CPU = {
  cores: 16,
  busy: 0.1,
  steal: 0,
  iowait: 0,
  contextSwitchesPerS: 1000,
  load1: 1,
  serverCores: 1.4,
  ownCores: 0.1,
  outsideCores: 0.05,
};
const QUIET_MEMORY = {
  availableMib: 100_000,
  cachedMib: 5_000,
  swapUsedMib: 0,
  swapInMib: 0,
  swapOutMib: 0,
  majorFaults: 0,
  diskReadMib: 0,
  diskWriteMib: 0,
};
const NO_PRESSURE = { cpuSome: 0, memorySome: 0, memoryFull: 0, ioSome: 0, ioFull: 0 };

export interface SampleChanges extends Partial<Omit<TelemetrySample, "cpu" | "memory" | "pressure">> {
  readonly cpu?: Partial<NonNullable<TelemetrySample["cpu"]>> | null;
  readonly memory?: Partial<NonNullable<TelemetrySample["memory"]>> | null;
  readonly pressure?: Partial<NonNullable<TelemetrySample["pressure"]>> | null;
}

/** A sample of one quiet second on a 16-core machine with an H200 that serves. */
export function sample(
  tS: number,
  { cpu, memory, pressure, ...changes }: SampleChanges = {},
): TelemetrySample {
  return {
    tS,
    intervalS: 1,
    gpus: [reading(tS - 0.5)],
    pcie: [],
    gpuProcesses: [],
    cpu: cpu === null ? null : { ...QUIET_CPU, ...cpu },
    memory: memory === null ? null : { ...QUIET_MEMORY, ...memory },
    pressure: pressure === null ? null : { ...NO_PRESSURE, ...pressure },
    cgroup: null,
    processes: [],
    gcMs: 0,
    ...changes,
  };
}

/** Samples of the seconds that end at 1 … `count`. */
export function seconds(count: number, changes: SampleChanges = {}): TelemetrySample[] {
  return Array.from({ length: count }, (_, index) => sample(index + 1, changes));
}
