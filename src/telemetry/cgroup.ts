import type { ReadFile } from "./proc-files.ts";
import { numberField, wholeNumber } from "./proc-text.ts";

/** What a process's control group allows it and what it has taken. Null is no limit, or not known. */
export interface CgroupState {
  readonly cpuLimitCores: number | null;
  /** Seconds that the group was held back for its CPU limit, since it was made. */
  readonly throttledS: number | null;
  readonly memoryLimitMib: number | null;
  readonly memoryUsedMib: number | null;
}

/** Folders of one process's control groups, from the group itself to the top; a limit above binds as well. */
export interface CgroupFolders {
  readonly version: 1 | 2;
  readonly cpu: readonly string[];
  readonly memory: readonly string[];
}

const MOUNT = "sys/fs/cgroup";
/** Version 1 writes "no limit" as the largest multiple of a page. */
const NO_LIMIT_BYTES = 2 ** 60;
const MIB = 1024 * 1024;

/**
 * The folders of a process's groups.
 *
 * @param membership - `/proc/PID/cgroup`
 * @param unified - whether the root of the mount is a version 2 hierarchy
 */
export function cgroupFolders(membership: string, unified: boolean): CgroupFolders {
  const lines = membership.split("\n").map((line) => line.split(":"));
  const pathOf = (controller: string) =>
    (unified
      ? lines.find(([id, names]) => id === "0" && names === "")
      : lines.find(([, names]) => names?.split(",").includes(controller)))?.[2] ?? "/";
  const chain = (controller: string) => {
    const base = unified ? MOUNT : `${MOUNT}/${controller}`;
    const parts = pathOf(controller)
      .split("/")
      .filter((part) => part !== "" && part !== "." && part !== "..");
    return [...parts.keys(), parts.length]
      .map((count) => [base, ...parts.slice(0, count)].join("/"))
      .reverse();
  };
  return { version: unified ? 2 : 1, cpu: chain("cpu"), memory: chain("memory") };
}

/**
 * Finds the groups below a reader's root that limit a process; null when none does. In a
 * container the path that `/proc` shows may not exist below the mount, whose top then is the container's own
 * group: a folder that is not there limits nothing.
 */
export async function findCgroup(
  read: ReadFile,
  pid: number | "self" = "self",
): Promise<CgroupFolders | null> {
  const membership = await read(`proc/${pid}/cgroup`);
  if (membership === null) return null;
  const all = cgroupFolders(membership, (await read(`${MOUNT}/cgroup.controllers`)) !== null);
  const limiting = async (folders: readonly string[], limit: typeof cpuLimit) => {
    const limits = await Promise.all(folders.map((folder) => limit(read, folder, all.version)));
    return folders.filter((_, index) => limits[index] !== null);
  };
  const cpu = await limiting(all.cpu, cpuLimit);
  const memory = await limiting(all.memory, memoryLimit);
  return cpu.length + memory.length === 0 ? null : { version: all.version, cpu, memory };
}

/** The tightest limits of a process's groups, and what the groups that set them have used. */
export async function readCgroup(read: ReadFile, folders: CgroupFolders): Promise<CgroupState> {
  const { version } = folders;
  const cpu = await Promise.all(
    folders.cpu.map(async (folder) => ({
      cores: await cpuLimit(read, folder, version),
      throttledS: throttledS((await read(`${folder}/cpu.stat`)) ?? ""),
    })),
  );
  const memory = await Promise.all(
    folders.memory.map(async (folder) => ({
      limit: await memoryLimit(read, folder, version),
      used: wholeNumber(
        await read(`${folder}/${version === 2 ? "memory.current" : "memory.usage_in_bytes"}`),
      ),
    })),
  );
  const tightest = memory.sort((a, b) => (a.limit ?? 0) - (b.limit ?? 0))[0];
  return {
    cpuLimitCores: extreme(
      Math.min,
      cpu.map(({ cores }) => cores),
    ),
    throttledS: extreme(
      Math.max,
      cpu.map((each) => each.throttledS),
    ),
    memoryLimitMib: scaled(tightest?.limit),
    memoryUsedMib: scaled(tightest?.used),
  };
}

function scaled(bytes: number | null | undefined): number | null {
  return bytes == null ? null : bytes / MIB;
}

function extreme(pick: (...values: number[]) => number, values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : pick(...known);
}

/** CPU seconds per second. Version 2 writes `max 100000` or `150000 100000`: microseconds per period. */
async function cpuLimit(read: ReadFile, folder: string, version: 1 | 2): Promise<number | null> {
  if (version === 2) {
    const [quota, period] = ((await read(`${folder}/cpu.max`)) ?? "").trim().split(" ").map(Number);
    return quota !== undefined && period !== undefined && quota > 0 && period > 0 ? quota / period : null;
  }
  const quota = wholeNumber(await read(`${folder}/cpu.cfs_quota_us`));
  const period = wholeNumber(await read(`${folder}/cpu.cfs_period_us`));
  return quota !== null && period !== null && period > 0 ? quota / period : null;
}

/** Bytes. */
async function memoryLimit(read: ReadFile, folder: string, version: 1 | 2): Promise<number | null> {
  const limit = wholeNumber(
    await read(`${folder}/${version === 2 ? "memory.max" : "memory.limit_in_bytes"}`),
  );
  return limit !== null && limit < NO_LIMIT_BYTES ? limit : null;
}

/** Version 2 counts microseconds, version 1 nanoseconds. */
function throttledS(text: string): number | null {
  const us = numberField(text, "throttled_usec");
  const ns = numberField(text, "throttled_time");
  return us !== null ? us / 1e6 : ns !== null ? ns / 1e9 : null;
}
