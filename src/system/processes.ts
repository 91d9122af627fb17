import { readdir, readFile, readlink } from "node:fs/promises";
import { delay, monotonicS } from "./clock.ts";

/**
 * The variable that marks every process of one server. A server's children inherit it, also those that leave
 * the process group or are adopted by init, so that all of them can be found and ended. Its name does not begin
 * with `VLLM_`, since vLLM complains about variables of that prefix that it does not know.
 */
export const MARKER_VARIABLE = "GATE_SERVER_MARKER";

/** A process's identity: PIDs are used again, the pair is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot (`/proc/PID/stat` field 22). */
  readonly startTicks: number;
}

const ignoreGone = () => null;

/**
 * The live processes that carry a marker in their environment. Zombies are not live: they hold nothing.
 * Linux only; elsewhere the list is empty and the process group is all that can be ended.
 */
export async function findMarked(marker: string): Promise<number[]> {
  const entries = await readdir("/proc").catch(() => []);
  const needle = `${MARKER_VARIABLE}=${marker}\0`;
  const found = await Promise.all(
    entries
      .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
      .map(async (entry) => {
        const environment = await readFile(`/proc/${entry}/environ`, "latin1").catch(ignoreGone);
        return environment !== null && `${environment}\0`.includes(needle) ? Number(entry) : null;
      }),
  );
  return found.filter((pid): pid is number => pid !== null);
}

/** The live (not zombie) members of a process group, or of the session of the same leader. */
export async function findGroup(pgid: number): Promise<number[]> {
  const entries = await readdir("/proc").catch(() => []);
  const found = await Promise.all(
    entries
      .filter((entry) => /^\d+$/.test(entry))
      .map(async (entry) => {
        const fields = await readStat(Number(entry));
        return fields !== null && fields.state !== "Z" && (fields.pgid === pgid || fields.sid === pgid)
          ? Number(entry)
          : null;
      }),
  );
  return found.filter((pid): pid is number => pid !== null);
}

async function readStat(
  pid: number,
): Promise<{ state: string; ppid: number; pgid: number; sid: number; startTicks: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(ignoreGone);
  if (text === null) return null;
  // The command name, in parentheses, may hold spaces and parentheses of its own.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "?",
    ppid: Number(fields[1]),
    pgid: Number(fields[2]),
    sid: Number(fields[3]),
    startTicks: Number(fields[19]),
  };
}

/** A process's identity, or null when it is gone. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const stat = await readStat(pid);
  return stat === null ? null : { pid, startTicks: stat.startTicks };
}

/**
 * The descendants of processes, remembered from look to look: one that took a session and an environment of its
 * own and whose parent has ended can be found in no other way. What comes and goes between two looks is missed.
 */
export class Descendants {
  /** Start times by PID, the roots' included. */
  readonly #known: Map<number, number>;
  /** Looked at already: whose child a process is born as does not change, so that a look costs little. */
  #seen = new Set<number>();

  constructor(roots: readonly ProcessIdentity[]) {
    this.#known = new Map(roots.map(({ pid, startTicks }) => [pid, startTicks]));
  }

  /** Those that live, the roots among them. Never rejects. */
  async look(): Promise<ProcessIdentity[]> {
    const entries = await readdir("/proc").catch(() => []);
    const listed = new Set(entries.filter((entry) => /^\d+$/.test(entry)).map(Number));
    const read = [...listed].filter((pid) => !this.#seen.has(pid) || this.#known.has(pid));
    const stats = new Map(await Promise.all(read.map(async (pid) => [pid, await readStat(pid)] as const)));
    // A PID may be another process's by now.
    for (const [pid, ticks] of this.#known) if (stats.get(pid)?.startTicks !== ticks) this.#known.delete(pid);
    for (let before = -1; before !== this.#known.size; ) {
      before = this.#known.size;
      for (const [pid, stat] of stats) {
        if (stat !== null && this.#known.has(stat.ppid)) this.#known.set(pid, stat.startTicks);
      }
    }
    // One whose parent is not in the list was born while the list was made: the next look tells.
    const settled = (pid: number) => {
      const ppid = stats.get(pid)?.ppid;
      return this.#seen.has(pid) || ppid === 0 || (ppid !== undefined && listed.has(ppid));
    };
    this.#seen = new Set([...listed].filter(settled));
    return [...this.#known].flatMap(([pid, startTicks]) =>
      stats.get(pid)?.state === "Z" ? [] : [{ pid, startTicks }],
    );
  }
}

/** Sends a signal; a process that is gone already is not an error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

export interface EndServerOptions {
  readonly marker: string;
  /** Leader of the server's process group. Left out when it cannot be known to be still that process. */
  readonly pgid?: number;
  /** Processes that neither the group nor the marker need to show. */
  readonly descendants?: Descendants;
  /** How long TERM may take before KILL. */
  readonly graceMs: number;
  /** How long KILL may take. */
  readonly killMs: number;
  /** Aborted when there is no time for the grace: KILL at once. */
  readonly hurry?: AbortSignal | undefined;
}

/** What {@link endServer} did. An empty `survivors` is the proof that nothing is left. */
export interface EndedServer {
  readonly tookS: number;
  readonly killed: boolean;
  readonly survivors: number[];
}

/**
 * Ends every process of a server: TERM to the group, a wait, KILL to the group, to whatever carries the marker
 * and to the descendants that are known, then a look that nothing is left. vLLM leaves its engine and workers behind when only its API server
 * dies (vllm-project/vllm#55510, #34643), so the leader's exit proves nothing.
 */
export async function endServer(options: EndServerOptions): Promise<EndedServer> {
  const startS = monotonicS();
  const { pgid } = options;
  const look = async () => {
    const group = pgid === undefined ? [] : await findGroup(pgid);
    const descendants = (await options.descendants?.look()) ?? [];
    return [
      ...new Set([...group, ...(await findMarked(options.marker)), ...descendants.map(({ pid }) => pid)]),
    ];
  };
  // A process has no environment for a moment while it becomes another program: nobody twice is nobody.
  const alive = async () => {
    const pids = await look();
    if (pids.length > 0) return pids;
    await delay(25);
    return look();
  };
  const goneWithin = async (
    ms: number,
    onLeft?: (pids: number[]) => void,
    hurry?: AbortSignal,
  ): Promise<number[]> => {
    const deadlineS = monotonicS() + ms / 1000;
    for (;;) {
      const pids = await alive();
      if (pids.length === 0 || monotonicS() > deadlineS || hurry?.aborted) return pids;
      onLeft?.(pids);
      await delay(25);
    }
  };
  const killAll = (pids: number[]) => {
    if (pgid !== undefined) sendSignal(-pgid, "SIGKILL");
    for (const pid of pids) sendSignal(pid, "SIGKILL");
  };

  let left = await alive();
  let killed = false;
  if (left.length > 0) {
    // One signal each: a second TERM makes some servers skip their orderly shutdown.
    if (pgid !== undefined) sendSignal(-pgid, "SIGTERM");
    const group = pgid === undefined ? [] : await findGroup(pgid);
    for (const pid of left) if (!group.includes(pid)) sendSignal(pid, "SIGTERM");
    left = await goneWithin(options.graceMs, undefined, options.hurry);
  }
  if (left.length > 0) {
    killed = true;
    // At every look: a process that was not seen yet may have started meanwhile.
    left = await goneWithin(options.killMs, killAll);
  }
  return { tookS: monotonicS() - startS, killed, survivors: left };
}

/**
 * The processes that listen on a TCP port of this machine, by `/proc/net/tcp` and the sockets of each process.
 * Null where that cannot be read (another operating system).
 */
export async function findListeners(port: number): Promise<number[] | null> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "latin1").catch(ignoreGone)),
  );
  if (tables.every((table) => table === null)) return null;
  const inodes = new Set<string>();
  for (const line of tables.flatMap((table) => table?.split("\n").slice(1) ?? [])) {
    const fields = line.trim().split(/\s+/);
    const localPort = Number.parseInt(fields[1]?.split(":").at(-1) ?? "", 16);
    const listening = fields[3] === "0A";
    if (listening && localPort === port && fields[9] !== undefined) inodes.add(fields[9]);
  }
  const entries = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const owners = await Promise.all(
    entries.map(async (entry) => {
      const descriptors = await readdir(`/proc/${entry}/fd`).catch(() => []);
      const links = await Promise.all(
        descriptors.map((descriptor) => readlink(`/proc/${entry}/fd/${descriptor}`).catch(ignoreGone)),
      );
      const owns = links.some(
        (link) => link !== null && inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ""),
      );
      return owns ? Number(entry) : null;
    }),
  );
  return owners.filter((pid): pid is number => pid !== null);
}
