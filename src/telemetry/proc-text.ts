/** Parsers of the kernel's text files (`/proc`, `/sys`): from text to numbers, nothing read here. */

/** Clock ticks per second of `/proc`: `USER_HZ`, 100 on every architecture that vLLM runs on. */
export const TICKS_PER_S = 100;

/** Where the time of a set of cores went, in seconds since boot. */
export interface CpuTimes {
  readonly cores: number;
  readonly busyS: number;
  readonly stealS: number;
  readonly iowaitS: number;
  readonly totalS: number;
}

/**
 * `/proc/stat`, summed over the given cores (all when null), with the machine's context switches. Time of guests
 * is in user time already. Steal is not busy: this machine did not run then.
 */
export function parseProcStat(
  text: string,
  allowed: ReadonlySet<number> | null,
): { cpu: CpuTimes | null; contextSwitches: number | null } {
  let [cores, busy, steal, iowait, total] = [0, 0, 0, 0, 0];
  for (const line of text.split("\n")) {
    const match = /^cpu(\d+) ([\d ]+)$/.exec(line);
    if (match === null || (allowed !== null && !allowed.has(Number(match[1])))) continue;
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0, stolen = 0] = (
      match[2] as string
    )
      .trim()
      .split(/ +/)
      .map(Number);
    cores += 1;
    const working = user + nice + system + irq + softirq;
    busy += working;
    steal += stolen;
    iowait += waiting;
    total += working + idle + waiting + stolen;
  }
  const switches = /^ctxt (\d+)$/m.exec(text)?.[1];
  const seconds = (ticks: number) => ticks / TICKS_PER_S;
  return {
    cpu:
      cores === 0
        ? null
        : {
            cores,
            busyS: seconds(busy),
            stealS: seconds(steal),
            iowaitS: seconds(iowait),
            totalS: seconds(total),
          },
    contextSwitches: switches === undefined ? null : Number(switches),
  };
}

/** A list of cores as the kernel writes it, `0-3,8,10-11`; null when it is none. */
export function parseCpuList(text: string | undefined): Set<number> | null {
  const list = text?.trim() ?? "";
  if (!/^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(list)) return null;
  const cores = new Set<number>();
  for (const part of list.split(",")) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let core = first; core <= Math.min(last, first + 4096); core += 1) cores.add(core);
  }
  return cores;
}

/** CPU time and identity of a process, from `/proc/PID/stat`. */
export interface ProcessTimes {
  /** The name of its program, at most 15 characters, which threads may change. */
  readonly name: string;
  readonly state: string;
  readonly ppid: number;
  readonly startTicks: number;
  readonly majorFaults: number;
  /** Of the process itself, all threads. */
  readonly ownS: number;
  /** Of children that ended and were waited for. */
  readonly endedChildrenS: number;
}

/** `/proc/PID/stat`; null when it is not one. */
export function parsePidStat(text: string): ProcessTimes | null {
  const open = text.indexOf("(");
  // The name may hold spaces and parentheses of its own.
  const close = text.lastIndexOf(")");
  if (open < 0 || close < open) return null;
  const fields = text.slice(close + 2).split(" ");
  const number = (index: number) => Number(fields[index] ?? Number.NaN);
  const ticks = [11, 12, 13, 14, 19, 9].map(number);
  if (ticks.some((value) => !Number.isFinite(value))) return null;
  const [user = 0, system = 0, childUser = 0, childSystem = 0, startTicks = 0, majorFaults = 0] = ticks;
  return {
    name: text.slice(open + 1, close),
    state: fields[0] ?? "?",
    ppid: number(1),
    startTicks,
    majorFaults,
    ownS: (user + system) / TICKS_PER_S,
    endedChildrenS: (childUser + childSystem) / TICKS_PER_S,
  };
}

/** A value of `/proc/PID/status` or `/proc/meminfo` in kB, as MiB. */
export function kbField(text: string, name: string): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d{1,15})(?: kB)?$`, "m").exec(text)?.[1];
  return found === undefined ? null : Number(found) / 1024;
}

/** A plain number of a file of `name value` or `name: value` lines; null where there is none. */
export function numberField(text: string, name: string): number | null {
  const found = new RegExp(`^${name}:?\\s+(\\d{1,20})\\b`, "m").exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** The whole of a one-number file; null for `max` and for anything else. */
export function wholeNumber(text: string | null): number | null {
  const trimmed = text?.trim() ?? "";
  return /^\d{1,20}$/.test(trimmed) ? Number(trimmed) : null;
}

/** Counters of `/proc/vmstat`, since boot. Swap is counted in pages. */
export interface VmCounters {
  readonly swapInPages: number;
  readonly swapOutPages: number;
  readonly majorFaults: number;
  readonly readKib: number;
  readonly writtenKib: number;
}

/** `/proc/vmstat`. `pgpgin` and `pgpgout` are kilobytes to and from block devices, in spite of their names. */
export function parseVmstat(text: string): VmCounters {
  const of = (name: string) => numberField(text, name) ?? 0;
  return {
    swapInPages: of("pswpin"),
    swapOutPages: of("pswpout"),
    majorFaults: of("pgmajfault"),
    readKib: of("pgpgin"),
    writtenKib: of("pgpgout"),
  };
}

/** Seconds that some, and all, tasks waited since boot, from a file of `/proc/pressure`. */
export function parsePressure(text: string | null): { someS: number | null; fullS: number | null } {
  const total = (kind: string) => {
    const found = new RegExp(`^${kind} .*\\btotal=(\\d{1,20})$`, "m").exec(text ?? "")?.[1];
    return found === undefined ? null : Number(found) / 1e6;
  };
  return { someS: total("some"), fullS: total("full") };
}

/** The choice of a file such as `always [madvise] never`; null when none is marked. */
export function chosen(text: string | null): string | null {
  return /\[([\w+-]{1,30})\]/.exec(text ?? "")?.[1] ?? null;
}
