import type { ProcessRole, ProcessSample } from "../domain/telemetry.ts";
import type { ReadFile } from "./proc-files.ts";
import { kbField, type ProcessTimes, parsePidStat } from "./proc-text.ts";

/** After how many looks a process that has no name of vLLM's is taken for a helper for good. */
const LOOKS_FOR_A_NAME = 60;

interface Known {
  readonly times: ProcessTimes;
  readonly role: ProcessRole;
  readonly looks: number;
}

/**
 * What a process is for. vLLM names its processes `VLLM::EngineCore_DP0`, `VLLM::Worker_TP1`,
 * `VLLM::APIServer_0` (since 0.10.2, where setproctitle is installed); the leader is the API server otherwise.
 */
export function roleOf(commandLine: string, isLeader: boolean): ProcessRole {
  if (/::(?:EngineCore|DPCoordinator)/.test(commandLine)) return "engine";
  if (/::Worker/.test(commandLine)) return "worker";
  if (isLeader || /::APIServer/.test(commandLine)) return "api";
  return "helper";
}

/**
 * The CPU time and memory of a server's processes from look to look. Time of children that came and went between
 * two looks counts, since the kernel adds it to the parent that waited for them; a child that was seen before its
 * parent waited for it counts once.
 */
export class ServerProcesses {
  readonly #read: ReadFile;
  readonly #leader: number | null;
  #known = new Map<number, Known>();
  /** Every process that was the server's at some time: a GPU lists one for a while after its end. */
  readonly #ever = new Set<number>();

  constructor(read: ReadFile, leader: number | null) {
    this.#read = read;
    this.#leader = leader;
  }

  /** True for a process that is, or was, the server's. */
  has(pid: number): boolean {
    return this.#ever.has(pid);
  }

  /**
   * Takes a look at the listed processes and at those seen before.
   *
   * @param elapsedS - since the last look, for rates
   * @returns CPU seconds of all of them since the last look, and each process
   */
  async look(
    pids: readonly number[],
    elapsedS: number,
  ): Promise<{ usedS: number; processes: ProcessSample[] }> {
    const all = [...new Set([...pids, ...this.#known.keys()])];
    const found = new Map<number, Known & { rssMib: number }>();
    await Promise.all(
      all.map(async (pid) => {
        const [stat, status] = await Promise.all([
          this.#read(`proc/${pid}/stat`),
          this.#read(`proc/${pid}/status`),
        ]);
        const times = stat === null ? null : parsePidStat(stat);
        if (times === null) return;
        const before = this.#known.get(pid);
        const same = before?.times.startTicks === times.startTicks ? before : undefined;
        // Another process has this PID by now, unless the list says that it is the server's too.
        if (same === undefined && !pids.includes(pid)) return;
        const looks = (same?.looks ?? 0) + 1;
        const settled = same !== undefined && (same.role !== "helper" || looks > LOOKS_FOR_A_NAME);
        const role = settled
          ? same.role
          : roleOf((await this.#read(`proc/${pid}/cmdline`)) ?? times.name, pid === this.#leader);
        // An API server that has no name yet may be given one.
        found.set(pid, { times, role, looks, rssMib: kbField(status ?? "", "VmRSS") ?? 0 });
      }),
    );
    const used = this.#usedSince(found);
    this.#known = found;
    for (const pid of found.keys()) this.#ever.add(pid);
    return {
      usedS: [...used.values()].reduce((sum, value) => sum + value, 0),
      processes: [...found].map(([pid, { role, rssMib }]) => ({
        pid,
        role,
        cpuCores: round((used.get(pid) ?? 0) / elapsedS),
        rssMib: Math.round(rssMib),
      })),
    };
  }

  /** CPU seconds by process since the last look, each second counted once. */
  #usedSince(found: ReadonlyMap<number, Known>): Map<number, number> {
    const used = new Map<number, number>();
    for (const [pid, { times }] of found) {
      const before = this.#known.get(pid)?.times;
      const same = before?.startTicks === times.startTicks ? before : undefined;
      used.set(pid, times.ownS - (same?.ownS ?? 0) + (times.endedChildrenS - (same?.endedChildrenS ?? 0)));
    }
    // What a child had used when it was last seen comes again in the parent that waited for it.
    for (const [pid, { times }] of this.#known) {
      const parent = found.get(times.ppid);
      const gone = found.get(pid)?.times.startTicks !== times.startTicks;
      const before = this.#known.get(times.ppid)?.times;
      if (!gone || parent === undefined || before === undefined) continue;
      const waited = parent.times.endedChildrenS - before.endedChildrenS;
      const counted = Math.min(times.ownS + times.endedChildrenS, waited);
      used.set(times.ppid, (used.get(times.ppid) ?? 0) - Math.max(0, counted));
    }
    return used;
  }
}

function round(value: number): number {
  return Math.round(Math.max(0, value) * 1000) / 1000;
}
