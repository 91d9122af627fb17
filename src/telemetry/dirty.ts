import type { GpuSummary, TelemetrySample, TelemetrySummary, ThrottleReason } from "../domain/telemetry.ts";

/** From where on the machine, and not the server, may have made the numbers. Shares are 0–1. */
export interface DirtyLimits {
  /** Share of the server's cores that others use while tasks wait for a core. */
  readonly outside: number;
  /** Share of time in which tasks waited for a core, above which the use by others counts. */
  readonly cpuPressure: number;
  /** Share that others use, above which it counts whether tasks waited or not: caches and clocks are shared too. */
  readonly outsideAlone: number;
  readonly steal: number;
  readonly memoryPressure: number;
  readonly ioPressure: number;
  /** MiB per minute, in and out together. */
  readonly swapMibPerMinute: number;
  /** Share of time in which the control group's CPU limit held the server back. */
  readonly cgroupThrottled: number;
  /** Seconds by the driver's count that a GPU was held down by heat or a brake. */
  readonly heldDownS: number;
  /** GPU memory in use before the server started. */
  readonly memoryAtStartMib: number;
}

/**
 * Set so that a server that saturates its own cores is clean: its waiting is its own. On two cores with real vLLM
 * others used 3–6 % of them when quiet, and above 40 % beside `stress-ng --cpu 2`; steal on a quiet cloud machine
 * was below 0.5 %. See docs/telemetry.md.
 */
export const DIRTY_LIMITS: DirtyLimits = {
  outside: 0.1,
  cpuPressure: 0.1,
  outsideAlone: 0.25,
  steal: 0.03,
  memoryPressure: 0.05,
  ioPressure: 0.2,
  swapMibPerMinute: 4,
  cgroupThrottled: 0.05,
  heldDownS: 0.05,
  memoryAtStartMib: 1024,
};

/** Reasons that are the machine's fault. A power cap is how the GPU is run, so it is recorded and not blamed. */
const FAULTS: Readonly<Partial<Record<ThrottleReason, string>>> = {
  sw_thermal: "thermal throttling by the driver",
  hw_thermal: "thermal throttling by the hardware",
  hw_slowdown: "hardware slowdown",
  hw_power_brake: "power brake by the power supply",
};

/**
 * Why what was measured meanwhile must not be trusted, each reason a sentence with its evidence; empty when the
 * machine was quiet.
 */
export function dirtyReasons(summary: TelemetrySummary, limits: DirtyLimits = DIRTY_LIMITS): string[] {
  return [
    ...summary.gpus.flatMap((gpu) => gpuFaults(gpu, limits)),
    ...summary.foreignGpuProcesses.map(
      ({ pid, name, memoryMib }) =>
        `another process was on the GPU: ${name || "unnamed"} (PID ${pid}${memoryMib === null ? "" : `, ${memoryMib} MiB`})`,
    ),
    ...machineFaults(summary, limits),
  ];
}

function gpuFaults(gpu: GpuSummary, limits: DirtyLimits): string[] {
  const { index, temperatureMaxC, smClockMinMhz, smClockMaxMhz } = gpu;
  const clocks =
    smClockMinMhz === null || smClockMaxMhz === null
      ? ""
      : `, SM clock down to ${smClockMinMhz} of ${smClockMaxMhz} MHz`;
  const heat = temperatureMaxC === null ? "" : `, up to ${temperatureMaxC} °C`;
  const seen = gpu.throttle.flatMap(({ reason, share }) => {
    const fault = FAULTS[reason];
    return fault === undefined
      ? []
      : [`GPU ${index}: ${fault} in ${percent(share)} of ${gpu.readings} readings${heat}${clocks}`];
  });
  if (seen.length > 0) return seen;
  // The driver's own count also knows what fell between two readings.
  const { swThermal, hwThermal, powerBrake } = gpu.heldDownS;
  const heldS = (swThermal ?? 0) + (hwThermal ?? 0) + (powerBrake ?? 0);
  if (heldS <= limits.heldDownS) return [];
  const why = (powerBrake ?? 0) > (swThermal ?? 0) + (hwThermal ?? 0) ? "a power brake" : "heat";
  return [
    `GPU ${index}: held down by ${why} for ${heldS.toFixed(2)} s by the driver's count${heat}${clocks}`,
  ];
}

function machineFaults(
  { cpu, pressure, memory, cgroup, fromS, toS }: TelemetrySummary,
  limits: DirtyLimits,
): string[] {
  const reasons: string[] = [];
  const outside = cpu?.outside ?? 0;
  const waiting = pressure?.cpuSome ?? null;
  const contended = waiting === null || waiting > limits.cpuPressure;
  if (cpu !== null && (outside > limits.outsideAlone || (outside > limits.outside && contended))) {
    const waited =
      waiting === null ? "" : `, while tasks waited for a core in ${percent(waiting)} of the time (PSI)`;
    reasons.push(
      `other programs used ${(cpu.outsideCores ?? 0).toFixed(2)} of ${cpu.cores} cores (${percent(outside)}, ` +
        `limit ${percent(limits.outside)})${waited}; the server used ${cpu.serverCores.toFixed(2)}`,
    );
  }
  if (cpu !== null && cpu.steal > limits.steal) {
    reasons.push(
      `the host took ${percent(cpu.steal)} of the CPU time away (steal, limit ${percent(limits.steal)})`,
    );
  }
  const memorySome = pressure?.memorySome ?? 0;
  if (memorySome > limits.memoryPressure) {
    reasons.push(
      `tasks waited for memory in ${percent(memorySome)} of the time (PSI, limit ${percent(limits.memoryPressure)})`,
    );
  }
  const ioFull = pressure?.ioFull ?? 0;
  if (ioFull > limits.ioPressure) {
    reasons.push(
      `all tasks waited for a disk in ${percent(ioFull)} of the time (PSI, limit ${percent(limits.ioPressure)})`,
    );
  }
  const swapMib = (memory?.swapInMib ?? 0) + (memory?.swapOutMib ?? 0);
  if (swapMib > (limits.swapMibPerMinute * Math.max(1, toS - fromS)) / 60) {
    reasons.push(
      `the machine swapped: ${(memory?.swapInMib ?? 0).toFixed(1)} MiB in, ${(memory?.swapOutMib ?? 0).toFixed(1)} MiB out`,
    );
  }
  const throttled = cgroup?.throttled ?? 0;
  if (throttled > limits.cgroupThrottled) {
    reasons.push(
      `the control group's limit of ${cgroup?.cpuLimitCores ?? "?"} cores held the server back in ` +
        `${percent(throttled)} of the time`,
    );
  }
  return reasons;
}

/**
 * Why a session is dirty from its start: GPU memory in use, or a process on a GPU, before the server's spawn.
 *
 * @param samples - of the session, from before its spawn (times below zero) on
 */
export function dirtyStart(
  samples: readonly TelemetrySample[],
  limits: DirtyLimits = DIRTY_LIMITS,
): string[] {
  // What a server allocates comes seconds after its spawn: it imports for longer than that.
  const before = samples.filter(({ tS }) => tS <= 1);
  const readings = before.flatMap(({ gpus }) => gpus).filter(({ tS }) => tS <= 1);
  const processes = before.filter(({ tS }) => tS <= 0).flatMap(({ gpuProcesses }) => gpuProcesses);
  return [...Map.groupBy(readings, ({ index }) => index)].flatMap(([index, ofGpu]) => {
    const first = ofGpu.find(({ memoryUsedMib }) => memoryUsedMib !== null);
    const used = first?.memoryUsedMib ?? 0;
    if (used <= limits.memoryAtStartMib) return [];
    const holders = [
      ...new Set(
        processes
          .filter(({ gpuUuid }) => gpuUuid === null || first?.uuid === null || gpuUuid === first?.uuid)
          .map(({ pid, name }) => `${name || "unnamed"} (PID ${pid})`),
      ),
    ];
    return [
      `GPU ${index}: ${used} of ${first?.memoryTotalMib ?? "?"} MiB were in use before the server started` +
        (holders.length === 0 ? ", by no process that can be seen from here" : ` by ${holders.join(", ")}`),
    ];
  });
}

function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 || value === 0 ? Math.round(value) : value.toFixed(1)} %`;
}
