import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Allocator, GpuFacts, NodeFacts } from "../domain/node.ts";
import { delay } from "../system/clock.ts";
import { findCgroup, readCgroup } from "./cgroup.ts";
import { readGpuFacts } from "./gpu-facts.ts";
import type { SmiLimits, SmiOutput } from "./nvidia-smi.ts";
import { type ReadFile, rootReader } from "./proc-files.ts";
import { chosen, kbField, numberField, parseCpuList, parseProcStat, wholeNumber } from "./proc-text.ts";

export interface NodeProbeOptions {
  /** Folder that holds `proc` and `sys`. */
  readonly root?: string;
  readonly nvidiaSmi?: string | null;
  /** `CUDA_VISIBLE_DEVICES` of the server. */
  readonly visibleDevices?: string | undefined;
  /** A server's process whose allocator is looked for. */
  readonly serverPid?: number;
  /** How long steal is watched for. */
  readonly stealMs?: number;
  readonly smi?: SmiLimits;
}

/**
 * Reads what shapes the numbers of this machine: a few dozen files of the kernel and three calls of nvidia-smi. What
 * cannot be read is null. Takes half a second, or what nvidia-smi takes, at most ten seconds.
 */
export async function readNodeFacts(options: NodeProbeOptions = {}): Promise<NodeFacts> {
  const { root = "/", nvidiaSmi = "nvidia-smi", stealMs = 300 } = options;
  const read = rootReader(root);
  const noGpus = { output: { state: "absent", text: "", reason: null } as SmiOutput, gpus: [] as GpuFacts[] };
  const [cpu, memory, limits, allocator, gpus] = await Promise.all([
    cpuFacts(read, root, stealMs),
    memoryFacts(read, root),
    processLimits(read),
    options.serverPid === undefined ? null : readAllocator(read, options.serverPid),
    nvidiaSmi === null ? noGpus : readGpuFacts(nvidiaSmi, options.visibleDevices, options.smi),
  ]);
  return {
    cpu,
    memory,
    limits,
    allocator,
    nvidiaSmi: { state: gpus.output.state, reason: gpus.output.reason },
    gpus: gpus.gpus,
  };
}

async function cpuFacts(read: ReadFile, root: string, stealMs: number): Promise<NodeFacts["cpu"]> {
  const status = (await read("proc/self/status")) ?? "";
  const allowed = parseCpuList(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]);
  const times = async () => parseProcStat((await read("proc/stat")) ?? "", allowed).cpu;
  const before = await times();
  await delay(stealMs);
  const after = await times();
  const elapsedS = (after?.totalS ?? 0) - (before?.totalS ?? 0);
  const cpuinfo = (await read("proc/cpuinfo")) ?? "";
  const clocks = "sys/devices/system/clocksource/clocksource0";
  const folders = await cgroupState(read);
  const load = Number(((await read("proc/loadavg")) ?? "").split(" ")[0] || Number.NaN);
  return {
    model: /^(?:model name|Model|Hardware)\s*:\s*(.{1,200})$/m.exec(cpuinfo)?.[1]?.trim() ?? null,
    cores: after?.cores ?? allowed?.size ?? null,
    limitCores: folders?.cpuLimitCores ?? null,
    load1: Number.isFinite(load) ? load : null,
    governors: await governors(read, root),
    clockSource: (await read(`${clocks}/current_clocksource`))?.trim() || null,
    clockSources: ((await read(`${clocks}/available_clocksource`)) ?? "").split(/\s+/).filter(Boolean),
    stealShare:
      before === null || after === null
        ? null
        : Math.max(0, after.stealS - before.stealS) / Math.max(1e-3, elapsedS),
  };
}

async function cgroupState(read: ReadFile) {
  const folders = await findCgroup(read);
  return folders === null ? null : readCgroup(read, folders);
}

async function governors(read: ReadFile, root: string): Promise<string[]> {
  const policies = await readdir(join(root, "sys/devices/system/cpu/cpufreq")).catch(() => []);
  const found = await Promise.all(
    policies
      .filter((name) => /^policy\d+$/.test(name))
      .map((name) => read(`sys/devices/system/cpu/cpufreq/${name}/scaling_governor`)),
  );
  return [...new Set(found.flatMap((governor) => governor?.trim() || []))].sort();
}

async function memoryFacts(read: ReadFile, root: string): Promise<NodeFacts["memory"]> {
  const meminfo = (await read("proc/meminfo")) ?? "";
  const mib = (name: string) => whole(kbField(meminfo, name));
  const thp = "sys/kernel/mm/transparent_hugepage";
  const [swapTotal, swapFree, hugePage] = [
    mib("SwapTotal"),
    mib("SwapFree"),
    kbField(meminfo, "Hugepagesize"),
  ];
  const nodes = await readdir(join(root, "sys/devices/system/node")).catch(() => []);
  const numa = nodes.filter((name) => /^node\d+$/.test(name)).length;
  const balancing = wholeNumber(await read("proc/sys/kernel/numa_balancing"));
  const limitMib = (await cgroupState(read))?.memoryLimitMib ?? null;
  return {
    totalMib: mib("MemTotal"),
    availableMib: mib("MemAvailable"),
    limitMib: whole(limitMib),
    thp: chosen(await read(`${thp}/enabled`)),
    thpDefrag: chosen(await read(`${thp}/defrag`)),
    hugePages: numberField(meminfo, "HugePages_Total"),
    hugePagesFree: numberField(meminfo, "HugePages_Free"),
    hugePageKib: hugePage === null ? null : Math.round(hugePage * 1024),
    swappiness: wholeNumber(await read("proc/sys/vm/swappiness")),
    swapTotalMib: swapTotal,
    swapUsedMib: swapTotal === null || swapFree === null ? null : swapTotal - swapFree,
    numaNodes: numa === 0 ? null : numa,
    numaBalancing: balancing === null ? null : balancing > 0,
  };
}

async function processLimits(read: ReadFile): Promise<NodeFacts["limits"]> {
  const text = await read("proc/self/limits");
  if (text === null) return null;
  const soft = (name: string) => {
    const value = new RegExp(`^${name} +(\\d+|unlimited)`, "m").exec(text)?.[1];
    return value === undefined || value === "unlimited" ? null : Number(value);
  };
  const locked = soft("Max locked memory");
  return {
    openFiles: soft("Max open files"),
    processes: soft("Max processes"),
    lockedMib: locked === null ? null : locked / (1024 * 1024),
  };
}

/**
 * The allocator that a process really uses, by the libraries mapped into it: what `LD_PRELOAD` asked for may not have
 * been found. glibc's own is in every process, so any other one wins.
 */
export function allocatorOf(maps: string): Allocator {
  const found = /\/lib(jemalloc|tcmalloc|mimalloc)[\w.-]*\.so/.exec(maps)?.[1];
  return (found as Allocator | undefined) ?? "glibc";
}

/** {@link allocatorOf} of a process; null when its memory map may not be read. */
export async function readAllocator(read: ReadFile, pid: number): Promise<Allocator | null> {
  const maps = await read(`proc/${pid}/maps`);
  return maps === null || maps === "" ? null : allocatorOf(maps);
}

function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value);
}
