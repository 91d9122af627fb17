import { z } from "zod";

const measured = z.number().nullable();

/** Why a GPU ran below its highest clock, by NVML's names (`nvmlClocksEventReasons`). */
export const THROTTLE_REASONS = [
  "idle",
  "application_clocks",
  "power_cap",
  "hw_slowdown",
  "sync_boost",
  "sw_thermal",
  "hw_thermal",
  "hw_power_brake",
  "display_clock",
] as const;
export type ThrottleReason = (typeof THROTTLE_REASONS)[number];

/** One answer of nvidia-smi about one GPU. Null is what it does not report (`[N/A]`). */
export const gpuReadingSchema = z.object({
  tS: z.number(),
  index: z.number().int().nonnegative(),
  uuid: z.string().nullable(),
  /** Share of the last moments in which a kernel ran, 0–1; null for a GPU that is split (MIG). */
  utilization: measured,
  memoryUtilization: measured,
  memoryUsedMib: measured,
  memoryTotalMib: measured,
  smClockMhz: measured,
  memoryClockMhz: measured,
  maxSmClockMhz: measured,
  powerW: measured,
  powerLimitW: measured,
  temperatureC: measured,
  throttle: z.array(z.enum(THROTTLE_REASONS)).nullable(),
  /** Seconds since the driver was loaded in which a clock was held down, where the driver counts them. */
  heldDownS: z
    .object({ powerCap: measured, swThermal: measured, hwThermal: measured, powerBrake: measured })
    .nullable(),
});
export type GpuReading = z.infer<typeof gpuReadingSchema>;

/** Traffic on a GPU's PCIe link, as the GPU sees it: `rx` is from the host to the GPU. */
export const pcieReadingSchema = z.object({
  tS: z.number(),
  index: z.number().int().nonnegative(),
  rxMbPerS: measured,
  txMbPerS: measured,
});
export type PcieReading = z.infer<typeof pcieReadingSchema>;

/** What a GPU sent and received over NVLink since its driver was loaded, all links together. */
export const nvlinkReadingSchema = z.object({
  tS: z.number(),
  index: z.number().int().nonnegative(),
  txMib: z.number(),
  rxMib: z.number(),
});
export type NvlinkReading = z.infer<typeof nvlinkReadingSchema>;

/**
 * A process with a compute context on a GPU. `server`: of the measured server. `other`: another process of this
 * machine. `unknown`: a process that cannot be seen from here, which a container's own also is when nvidia-smi
 * names PIDs of the host.
 */
export const gpuProcessSchema = z.object({
  gpuUuid: z.string().nullable(),
  pid: z.number().int(),
  name: z.string(),
  memoryMib: measured,
  owner: z.enum(["server", "other", "unknown"]),
});
export type GpuProcess = z.infer<typeof gpuProcessSchema>;

/** What a process of the server is for, by the name that vLLM gives it. */
export const PROCESS_ROLES = ["api", "engine", "worker", "helper"] as const;
export type ProcessRole = (typeof PROCESS_ROLES)[number];

export const processSampleSchema = z.object({
  pid: z.number().int(),
  role: z.enum(PROCESS_ROLES),
  /** CPU seconds per second. */
  cpuCores: z.number(),
  rssMib: z.number(),
});
export type ProcessSample = z.infer<typeof processSampleSchema>;

/** Shares of the interval in which some, or all, tasks waited for a resource (Linux PSI), 0–1. */
export const pressureSchema = z.object({
  cpuSome: measured,
  memorySome: measured,
  memoryFull: measured,
  ioSome: measured,
  ioFull: measured,
});
export type Pressure = z.infer<typeof pressureSchema>;

/**
 * `telemetry.jsonl`, one line: what happened since the sample before. Times are seconds on the session's clock,
 * zero at the server's spawn; negative before it.
 */
export const telemetrySampleSchema = z.object({
  tS: z.number(),
  /** Seconds since the sample before: what rates, shares and counts refer to. */
  intervalS: z.number().positive(),
  gpus: z.array(gpuReadingSchema),
  pcie: z.array(pcieReadingSchema),
  /** Read at the ends of rounds, where several GPUs are watched. */
  nvlink: z.array(nvlinkReadingSchema).optional(),
  gpuProcesses: z.array(gpuProcessSchema),
  /** Of the cores that the server may use; shares are 0–1 of their time. Null where /proc cannot be read. */
  cpu: z
    .object({
      cores: z.number().int().positive(),
      busy: z.number(),
      steal: z.number(),
      iowait: z.number(),
      contextSwitchesPerS: measured,
      load1: measured,
      /** CPU seconds per second of the server's processes. */
      serverCores: z.number(),
      /** … of this program and the samplers that it runs. */
      ownCores: z.number(),
      /** … of everything else; null while no server is watched, whose share could not be told. */
      outsideCores: measured,
    })
    .nullable(),
  processes: z.array(processSampleSchema),
  memory: z
    .object({
      availableMib: measured,
      cachedMib: measured,
      swapUsedMib: measured,
      swapInMib: z.number(),
      swapOutMib: z.number(),
      majorFaults: z.number(),
      diskReadMib: z.number(),
      diskWriteMib: z.number(),
    })
    .nullable(),
  pressure: pressureSchema.nullable(),
  cgroup: z
    .object({
      /** CPU seconds per second that the control group may use; null when unlimited. */
      cpuLimitCores: measured,
      /** Share of the interval in which the group was held back for its limit. */
      throttled: measured,
      memoryLimitMib: measured,
      memoryUsedMib: measured,
    })
    .nullable(),
  /** Time that this program's garbage collector stopped it: an outlier may be ours. */
  gcMs: z.number(),
});
export type TelemetrySample = z.infer<typeof telemetrySampleSchema>;

/** A line of `telemetry.jsonl`: a sample of one session. */
export const telemetryLineSchema = z.object({
  variant: z.string(),
  session: z.number().int().nonnegative(),
  ...telemetrySampleSchema.shape,
});
export type TelemetryLine = z.infer<typeof telemetryLineSchema>;

/** One GPU over a stretch of time. */
export const gpuSummarySchema = z.object({
  index: z.number().int().nonnegative(),
  uuid: z.string().nullable(),
  readings: z.number().int(),
  /** Mean share of time with a kernel running, 0–1. */
  busyMean: measured,
  memoryPeakMib: measured,
  /** Median of the memory in use. */
  memorySteadyMib: measured,
  memoryTotalMib: measured,
  smClockMinMhz: measured,
  smClockMedianMhz: measured,
  /** The ceiling that the GPU reports. */
  smClockMaxMhz: measured,
  memoryClockMinMhz: measured,
  powerMeanW: measured,
  powerMaxW: measured,
  powerLimitW: measured,
  temperatureMaxC: measured,
  /** Each reason seen while the GPU was not idle, with the share of those readings, 0–1. */
  throttle: z.array(z.object({ reason: z.enum(THROTTLE_REASONS), share: z.number() })),
  /** Seconds held down by the driver's own count, where it has one: what falls between two readings is in it. */
  heldDownS: z.object({
    powerCap: measured,
    swThermal: measured,
    hwThermal: measured,
    powerBrake: measured,
  }),
  pcieRxPeakMbPerS: measured,
  pcieTxPeakMbPerS: measured,
  /** Sent and received over NVLink meanwhile, MiB; null where its counters were not read at both ends. */
  nvlinkTxMib: measured.optional(),
  nvlinkRxMib: measured.optional(),
});
export type GpuSummary = z.infer<typeof gpuSummarySchema>;

/** What the machine did between two times; each round carries one. Null where nothing could be read. */
export const telemetrySummarySchema = z.object({
  fromS: z.number(),
  toS: z.number(),
  samples: z.number().int(),
  gpus: z.array(gpuSummarySchema),
  /** Processes on a GPU that are not the server's. */
  foreignGpuProcesses: z.array(gpuProcessSchema.omit({ owner: true })),
  cpu: z
    .object({
      cores: z.number().int(),
      busy: z.number(),
      steal: z.number(),
      iowait: z.number(),
      /** Share of the cores' time used by others than the server and this program, 0–1. */
      outside: measured,
      outsideCores: measured,
      serverCores: z.number(),
      ownCores: z.number(),
      contextSwitchesPerS: measured,
      load1Max: measured,
    })
    .nullable(),
  pressure: pressureSchema.nullable(),
  memory: z
    .object({
      availableMinMib: measured,
      cachedRiseMib: measured,
      swapUsedMaxMib: measured,
      swapInMib: z.number(),
      swapOutMib: z.number(),
      majorFaults: z.number(),
      diskReadMib: z.number(),
    })
    .nullable(),
  cgroup: z
    .object({
      cpuLimitCores: measured,
      throttled: measured,
      memoryLimitMib: measured,
      memoryPeakMib: measured,
    })
    .nullable(),
  /** Largest resident memory and mean CPU (CPU seconds per second) of the server's processes by role. */
  roles: z.record(z.string(), z.object({ rssMib: z.number(), cpuCores: z.number() })),
  gcMs: z.number(),
});
export type TelemetrySummary = z.infer<typeof telemetrySummarySchema>;
