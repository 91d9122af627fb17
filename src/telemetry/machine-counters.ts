import type { Pressure, TelemetrySample } from "../domain/telemetry.ts";
import { type CgroupFolders, type CgroupState, findCgroup, readCgroup } from "./cgroup.ts";
import type { ReadFile } from "./proc-files.ts";
import {
  type CpuTimes,
  kbField,
  parseCpuList,
  parsePressure,
  parseProcStat,
  parseVmstat,
  type VmCounters,
} from "./proc-text.ts";

/** The machine's counters at one moment: two of them make a sample. */
export interface MachineCounters {
  readonly atS: number;
  readonly cpu: CpuTimes | null;
  readonly contextSwitches: number | null;
  readonly vm: VmCounters | null;
  readonly pressure: Readonly<Record<keyof Pressure, number | null>>;
  readonly cgroup: CgroupState | null;
  readonly load1: number | null;
  readonly availableMib: number | null;
  readonly cachedMib: number | null;
  readonly swapUsedMib: number | null;
}

/** What does not change while a session runs. */
export interface MachineScope {
  /** The cores that count, all when null: those that the server may use. */
  readonly cores: ReadonlySet<number> | null;
  readonly cgroup: CgroupFolders | null;
}

/** Finds what a process is confined to: its cores and its control groups. */
export async function readScope(read: ReadFile, pid: number | "self" = "self"): Promise<MachineScope> {
  const status = (await read(`proc/${pid}/status`)) ?? "";
  return {
    cores: parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]),
    cgroup: await findCgroup(read, pid),
  };
}

/** The size of a page, in which swap is counted: 4 KiB, or 64 KiB on some Arm kernels. */
export async function readPageBytes(read: ReadFile): Promise<number> {
  const smaps = (await read("proc/self/smaps")) ?? "";
  return (kbField(smaps.slice(0, 8192), "KernelPageSize") ?? 4 / 1024) * 1024 * 1024;
}

/** Reads the machine's counters. What this kernel does not have is null. */
export async function readMachine(
  read: ReadFile,
  scope: MachineScope,
  atS: number,
): Promise<MachineCounters> {
  const [stat, vmstat, meminfo, loadavg, cpu, memory, io, cgroup] = await Promise.all([
    read("proc/stat"),
    read("proc/vmstat"),
    read("proc/meminfo"),
    read("proc/loadavg"),
    read("proc/pressure/cpu"),
    read("proc/pressure/memory"),
    read("proc/pressure/io"),
    scope.cgroup === null ? null : readCgroup(read, scope.cgroup),
  ]);
  const parsed = parseProcStat(stat ?? "", scope.cores);
  const load = Number((loadavg ?? "").split(" ")[0] || Number.NaN);
  const swapTotal = kbField(meminfo ?? "", "SwapTotal");
  const swapFree = kbField(meminfo ?? "", "SwapFree");
  const [cpuWait, memoryWait, ioWait] = [cpu, memory, io].map(parsePressure);
  return {
    atS,
    cpu: parsed.cpu,
    contextSwitches: parsed.contextSwitches,
    vm: vmstat === null ? null : parseVmstat(vmstat),
    pressure: {
      cpuSome: cpuWait?.someS ?? null,
      memorySome: memoryWait?.someS ?? null,
      memoryFull: memoryWait?.fullS ?? null,
      ioSome: ioWait?.someS ?? null,
      ioFull: ioWait?.fullS ?? null,
    },
    cgroup,
    load1: Number.isFinite(load) ? load : null,
    availableMib: whole(kbField(meminfo ?? "", "MemAvailable")),
    cachedMib: whole(kbField(meminfo ?? "", "Cached")),
    swapUsedMib: swapTotal === null || swapFree === null ? null : whole(swapTotal - swapFree),
  };
}

type MachineSample = Pick<TelemetrySample, "cpu" | "memory" | "pressure" | "cgroup">;

/**
 * What happened between two readings of the counters.
 *
 * @param usedS - CPU seconds of the server (null when none is watched) and of this program, meanwhile
 */
export function machineSample(
  before: MachineCounters,
  after: MachineCounters,
  usedS: { readonly server: number | null; readonly own: number },
  pageBytes: number,
): MachineSample {
  const intervalS = Math.max(1e-3, after.atS - before.atS);
  const rate = (from: number | null, to: number | null) =>
    from === null || to === null ? null : Math.max(0, to - from) / intervalS;
  const share = (from: number | null, to: number | null) => {
    const value = rate(from, to);
    return value === null ? null : round(Math.min(1, value));
  };
  const pressure = Object.fromEntries(
    Object.entries(after.pressure).map(([name, value]) => [
      name,
      share(before.pressure[name as keyof Pressure], value),
    ]),
  ) as Pressure;
  const known = Object.values(pressure).some((value) => value !== null);
  const switches = rate(before.contextSwitches, after.contextSwitches);
  return {
    cpu: cpuSample(before, after, usedS, intervalS, switches === null ? null : Math.round(switches)),
    memory: memorySample(before, after, pageBytes),
    pressure: known ? pressure : null,
    cgroup:
      after.cgroup === null
        ? null
        : {
            cpuLimitCores: after.cgroup.cpuLimitCores,
            throttled: share(before.cgroup?.throttledS ?? null, after.cgroup.throttledS),
            memoryLimitMib: whole(after.cgroup.memoryLimitMib),
            memoryUsedMib: whole(after.cgroup.memoryUsedMib),
          },
  };
}

function cpuSample(
  before: MachineCounters,
  after: MachineCounters,
  usedS: { readonly server: number | null; readonly own: number },
  intervalS: number,
  contextSwitchesPerS: number | null,
): MachineSample["cpu"] {
  if (before.cpu === null || after.cpu === null) return null;
  // The kernel's own measure of the interval: its clock ticks are not ours.
  const totalS = Math.max(1e-3, after.cpu.totalS - before.cpu.totalS);
  const busyS = Math.max(0, after.cpu.busyS - before.cpu.busyS);
  const share = (of: number) => round(Math.min(1, Math.max(0, of) / totalS));
  const serverS = usedS.server ?? 0;
  return {
    cores: after.cpu.cores,
    busy: share(busyS),
    steal: share(after.cpu.stealS - before.cpu.stealS),
    iowait: share(after.cpu.iowaitS - before.cpu.iowaitS),
    contextSwitchesPerS,
    load1: after.load1,
    serverCores: round(serverS / intervalS),
    ownCores: round(usedS.own / intervalS),
    outsideCores: usedS.server === null ? null : round(Math.max(0, busyS - serverS - usedS.own) / intervalS),
  };
}

function memorySample(
  before: MachineCounters,
  after: MachineCounters,
  pageBytes: number,
): MachineSample["memory"] {
  if (before.vm === null || after.vm === null) return null;
  const more = (name: keyof VmCounters) => Math.max(0, (after.vm?.[name] ?? 0) - (before.vm?.[name] ?? 0));
  const pageMib = pageBytes / (1024 * 1024);
  return {
    availableMib: after.availableMib,
    cachedMib: after.cachedMib,
    swapUsedMib: after.swapUsedMib,
    swapInMib: round(more("swapInPages") * pageMib),
    swapOutMib: round(more("swapOutPages") * pageMib),
    majorFaults: more("majorFaults"),
    diskReadMib: round(more("readKib") / 1024),
    diskWriteMib: round(more("writtenKib") / 1024),
  };
}

function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
