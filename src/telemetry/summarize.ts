import type {
  GpuProcess,
  GpuReading,
  GpuSummary,
  NvlinkReading,
  PcieReading,
  Pressure,
  TelemetrySample,
  TelemetrySummary,
  ThrottleReason,
} from "../domain/telemetry.ts";

/** Reasons under which a GPU is not at work, so that its low clock says nothing. */
const AT_REST: ReadonlySet<ThrottleReason> = new Set(["idle"]);

/**
 * What the machine did between two times of the session's clock. A sample whose interval lies only partly between
 * them counts for that part; a reading of a GPU counts when it was made between them.
 *
 * @returns a summary with `samples: 0` and nulls when there is no sample for that time
 */
export function summarize(samples: readonly TelemetrySample[], fromS: number, toS: number): TelemetrySummary {
  const parts = samples
    .map((sample) => ({ sample, weightS: overlapS(sample, fromS, toS) }))
    .filter(({ weightS }) => weightS > 0);
  const inside = (tS: number) => tS >= fromS && tS <= toS;
  const readings = samples.flatMap(({ gpus }) => gpus).filter(({ tS }) => inside(tS));
  const pcie = samples.flatMap((sample) => sample.pcie).filter(({ tS }) => inside(tS));
  const nvlink = samples.flatMap((sample) => sample.nvlink ?? []);
  return {
    fromS: round(fromS),
    toS: round(toS),
    samples: parts.length,
    gpus: [...Map.groupBy(readings, ({ index }) => index)]
      .sort(([a], [b]) => a - b)
      .map(([index, ofGpu]) =>
        summarizeGpu(
          index,
          ofGpu,
          pcie.filter((each) => each.index === index),
          linkGrowth(
            nvlink.filter((each) => each.index === index),
            fromS,
            toS,
          ),
        ),
      ),
    foreignGpuProcesses: foreignProcesses(samples, parts),
    ...summarizeMachine(parts),
    roles: summarizeRoles(parts),
    gcMs: round(amount(parts, ({ gcMs }) => gcMs)),
  };
}

interface Part {
  readonly sample: TelemetrySample;
  readonly weightS: number;
}

function overlapS({ tS, intervalS }: TelemetrySample, fromS: number, toS: number): number {
  return Math.min(tS, toS) - Math.max(tS - intervalS, fromS);
}

/** Mean over time; null where no part knows. */
function mean(
  parts: readonly Part[],
  of: (sample: TelemetrySample) => number | null | undefined,
): number | null {
  let [sum, weight] = [0, 0];
  for (const { sample, weightS } of parts) {
    const value = of(sample);
    if (value == null) continue;
    sum += value * weightS;
    weight += weightS;
  }
  return weight === 0 ? null : round(sum / weight);
}

/** Sum of counts; a part of an interval has that part of its count. */
function amount(parts: readonly Part[], of: (sample: TelemetrySample) => number | null | undefined): number {
  return parts.reduce(
    (sum, { sample, weightS }) => sum + ((of(sample) ?? 0) * weightS) / sample.intervalS,
    0,
  );
}

function known(values: readonly (number | null | undefined)[]): number[] {
  return values.filter((value): value is number => value != null);
}

function least(values: readonly (number | null | undefined)[]): number | null {
  const found = known(values);
  return found.length === 0 ? null : Math.min(...found);
}

function largest(values: readonly (number | null | undefined)[]): number | null {
  const found = known(values);
  return found.length === 0 ? null : Math.max(...found);
}

function median(values: readonly (number | null | undefined)[]): number | null {
  const found = known(values).sort((a, b) => a - b);
  return found[Math.floor((found.length - 1) / 2)] ?? null;
}

function average(values: readonly (number | null | undefined)[]): number | null {
  const found = known(values);
  return found.length === 0 ? null : round(found.reduce((sum, value) => sum + value, 0) / found.length);
}

function summarizeGpu(
  index: number,
  readings: readonly GpuReading[],
  pcie: readonly PcieReading[],
  links: ReturnType<typeof linkGrowth>,
): GpuSummary {
  const of = (field: (reading: GpuReading) => number | null) => readings.map(field);
  const atWork = readings.filter(
    ({ throttle }) => throttle !== null && !throttle.some((why) => AT_REST.has(why)),
  );
  const reasons = new Set(atWork.flatMap(({ throttle }) => throttle ?? []));
  const grown = (name: keyof NonNullable<GpuReading["heldDownS"]>) => {
    const values = known(readings.map(({ heldDownS }) => heldDownS?.[name]));
    return values.length < 2 ? null : round(Math.max(0, (values.at(-1) ?? 0) - (values[0] ?? 0)));
  };
  return {
    index,
    uuid: readings.find(({ uuid }) => uuid !== null)?.uuid ?? null,
    readings: readings.length,
    busyMean: average(of((each) => each.utilization)),
    memoryPeakMib: largest(of((each) => each.memoryUsedMib)),
    memorySteadyMib: median(of((each) => each.memoryUsedMib)),
    memoryTotalMib: largest(of((each) => each.memoryTotalMib)),
    smClockMinMhz: least(of((each) => each.smClockMhz)),
    smClockMedianMhz: median(of((each) => each.smClockMhz)),
    smClockMaxMhz: largest(of((each) => each.maxSmClockMhz)),
    memoryClockMinMhz: least(of((each) => each.memoryClockMhz)),
    powerMeanW: average(of((each) => each.powerW)),
    powerMaxW: largest(of((each) => each.powerW)),
    powerLimitW: least(of((each) => each.powerLimitW)),
    temperatureMaxC: largest(of((each) => each.temperatureC)),
    throttle: [...reasons].map((reason) => ({
      reason,
      share: round(atWork.filter(({ throttle }) => throttle?.includes(reason)).length / atWork.length),
    })),
    heldDownS: {
      powerCap: grown("powerCap"),
      swThermal: grown("swThermal"),
      hwThermal: grown("hwThermal"),
      powerBrake: grown("powerBrake"),
    },
    pcieRxPeakMbPerS: largest(pcie.map(({ rxMbPerS }) => rxMbPerS)),
    pcieTxPeakMbPerS: largest(pcie.map(({ txMbPerS }) => txMbPerS)),
    ...links,
  };
}

/** Counters that were read this long before a stretch of time are those of its beginning: nothing was sent between. */
const LINKS_BEFORE_S = 3;

/** What went over a GPU's links between two times; empty where there are none, null where they were not read at both. */
function linkGrowth(
  links: readonly NvlinkReading[],
  fromS: number,
  toS: number,
): Pick<GpuSummary, "nvlinkTxMib" | "nvlinkRxMib"> {
  if (links.length === 0) return {};
  const first = links.findLast(({ tS }) => tS <= fromS && tS >= fromS - LINKS_BEFORE_S);
  const last = links.findLast(({ tS }) => tS <= toS && tS > fromS);
  if (first === undefined || last === undefined) return { nvlinkTxMib: null, nvlinkRxMib: null };
  return {
    nvlinkTxMib: round(Math.max(0, last.txMib - first.txMib)),
    nvlinkRxMib: round(Math.max(0, last.rxMib - first.rxMib)),
  };
}

/**
 * The processes on a GPU that are not the server's. One that cannot be seen from here is foreign when the server's
 * own can be seen on the GPU, or when it was there before the server's spawn; else it may be the server itself,
 * under a PID of the host.
 */
function foreignProcesses(
  all: readonly TelemetrySample[],
  parts: readonly Part[],
): TelemetrySummary["foreignGpuProcesses"] {
  const seesOwn = all.some(({ gpuProcesses }) => gpuProcesses.some(({ owner }) => owner === "server"));
  const before = new Set(
    all.filter(({ tS }) => tS <= 0).flatMap(({ gpuProcesses }) => gpuProcesses.map(({ pid }) => pid)),
  );
  const foreign = new Map<number, Omit<GpuProcess, "owner">>();
  for (const { owner, ...process } of parts.flatMap(({ sample }) => sample.gpuProcesses)) {
    const other = owner === "other" || (owner === "unknown" && (seesOwn || before.has(process.pid)));
    const held = foreign.get(process.pid)?.memoryMib ?? -1;
    if (other && (process.memoryMib ?? 0) > held) foreign.set(process.pid, process);
  }
  return [...foreign.values()];
}

function summarizeMachine(
  parts: readonly Part[],
): Pick<TelemetrySummary, "cpu" | "pressure" | "memory" | "cgroup"> {
  const samples = parts.map(({ sample }) => sample);
  const cpu = samples.findLast((sample) => sample.cpu !== null)?.cpu ?? null;
  const memories = samples.flatMap(({ memory }) => memory ?? []);
  const cached = known(memories.map(({ cachedMib }) => cachedMib));
  const groups = samples.flatMap(({ cgroup }) => cgroup ?? []);
  const outsideCores = mean(parts, (sample) => sample.cpu?.outsideCores);
  const pressure = (name: keyof Pressure) => mean(parts, (sample) => sample.pressure?.[name]);
  const cpuMean = (name: "busy" | "steal" | "iowait" | "serverCores" | "ownCores") =>
    mean(parts, (sample) => sample.cpu?.[name]) ?? 0;
  return {
    cpu:
      cpu === null
        ? null
        : {
            cores: cpu.cores,
            busy: cpuMean("busy"),
            steal: cpuMean("steal"),
            iowait: cpuMean("iowait"),
            outside: outsideCores === null ? null : round(outsideCores / cpu.cores),
            outsideCores,
            serverCores: cpuMean("serverCores"),
            ownCores: cpuMean("ownCores"),
            contextSwitchesPerS: mean(parts, (sample) => sample.cpu?.contextSwitchesPerS),
            load1Max: largest(samples.map((sample) => sample.cpu?.load1)),
          },
    pressure: samples.every((sample) => sample.pressure === null)
      ? null
      : {
          cpuSome: pressure("cpuSome"),
          memorySome: pressure("memorySome"),
          memoryFull: pressure("memoryFull"),
          ioSome: pressure("ioSome"),
          ioFull: pressure("ioFull"),
        },
    memory:
      memories.length === 0
        ? null
        : {
            availableMinMib: least(memories.map(({ availableMib }) => availableMib)),
            cachedRiseMib: cached.length < 2 ? null : (cached.at(-1) ?? 0) - (cached[0] ?? 0),
            swapUsedMaxMib: largest(memories.map(({ swapUsedMib }) => swapUsedMib)),
            swapInMib: round(amount(parts, (sample) => sample.memory?.swapInMib)),
            swapOutMib: round(amount(parts, (sample) => sample.memory?.swapOutMib)),
            majorFaults: Math.round(amount(parts, (sample) => sample.memory?.majorFaults)),
            diskReadMib: round(amount(parts, (sample) => sample.memory?.diskReadMib)),
          },
    cgroup:
      groups.length === 0
        ? null
        : {
            cpuLimitCores: least(groups.map(({ cpuLimitCores }) => cpuLimitCores)),
            throttled: mean(parts, (sample) => sample.cgroup?.throttled),
            memoryLimitMib: least(groups.map(({ memoryLimitMib }) => memoryLimitMib)),
            memoryPeakMib: largest(groups.map(({ memoryUsedMib }) => memoryUsedMib)),
          },
  };
}

function summarizeRoles(parts: readonly Part[]): TelemetrySummary["roles"] {
  const roles = new Set(parts.flatMap(({ sample }) => sample.processes.map(({ role }) => role)));
  return Object.fromEntries(
    [...roles].map((role) => {
      const of = (sample: TelemetrySample, field: "rssMib" | "cpuCores") =>
        sample.processes.filter((each) => each.role === role).reduce((sum, each) => sum + each[field], 0);
      return [
        role,
        {
          rssMib: Math.max(...parts.map(({ sample }) => of(sample, "rssMib"))),
          cpuCores: mean(parts, (sample) => of(sample, "cpuCores")) ?? 0,
        },
      ];
    }),
  );
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
