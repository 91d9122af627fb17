import { PerformanceObserver } from "node:perf_hooks";
import type { GpuProcess, TelemetryLine, TelemetrySample } from "../domain/telemetry.ts";
import { monotonicS, within } from "../system/clock.ts";
import { watchGpus } from "./gpu-watch.ts";
import {
  type MachineCounters,
  type MachineScope,
  machineSample,
  readMachine,
  readPageBytes,
  readScope,
} from "./machine-counters.ts";
import { rootReader } from "./proc-files.ts";
import { parsePidStat } from "./proc-text.ts";
import { ServerProcesses } from "./server-processes.ts";

/** A mark this soon after a sample takes none of its own: its rates would be of a handful of clock ticks. */
const MIN_INTERVAL_S = 0.05;
/** Finding a server's processes costs as much as all the rest of a sample. */
const PIDS_EVERY_S = 3;
/** What was read this long before a stretch of time is known of its beginning. */
const BEFORE_S = 3;
const NEVER_LISTED = { pids: [], atS: Number.NEGATIVE_INFINITY };

export interface SamplerOptions {
  /** How often a sample is taken. */
  readonly periodMs?: number;
  /** Folder that holds `proc` and `sys`. */
  readonly root?: string;
  /** The program that is asked about GPUs; null where there is nothing to ask. */
  readonly nvidiaSmi?: string | null;
  /** `CUDA_VISIBLE_DEVICES` of the server. */
  readonly visibleDevices?: string | undefined;
  /**
   * When PCIe traffic is watched, which alone costs 1 % of a core: while the server starts, when weights go to the
   * GPU, or always, which several GPUs without NVLink are worth.
   */
  readonly pcie?: "start" | "always" | "never";
  /** Takes each sample once its times are on the session's clock. */
  readonly onSample?: (sample: TelemetrySample) => void;
}

/** The server whose processes are told apart from everything else. */
export interface WatchedServer {
  /** The spawn, on `monotonicS`: zero of the session's clock. */
  readonly zeroS: number;
  readonly leaderPid: number;
  /** The server's processes now; asked every three seconds, and at each mark. */
  readonly pids: () => Promise<readonly number[]> | readonly number[];
}

/** Samples taken beside the probes. Nothing that it does rejects or throws. */
export interface Sampler extends AsyncDisposable {
  /** Names the server, as soon as there is one: samples before it count nothing as the server's. */
  watch(server: WatchedServer): void;
  /**
   * Waits until the GPUs were looked at for the first time, and takes a sample of it: what is on them before the
   * server.
   *
   * @param timeoutMs - a slow nvidia-smi delays nothing for longer than this
   */
  looked(timeoutMs: number): Promise<void>;
  /** The server serves: what is only watched while it starts is watched no more. */
  started(): Promise<void>;
  /**
   * Takes a sample now, so that what happened until here and what happens from here on are apart. Where no reading of
   * the GPUs came since the last mark, one is taken.
   *
   * @returns the session's clock, seconds
   */
  mark(): Promise<number>;
  /**
   * Samples whose interval lies at least partly between two times of the session's clock, and those of the seconds
   * before: counters that were read as the stretch began stand in the last of them.
   */
  between(fromS: number, toS: number): TelemetrySample[];
  /** All samples so far. Times before {@link Sampler.watch} are moved to the session's clock, so negative. */
  samples(): TelemetrySample[];
  /** Ends the sampling, takes the last sample, and ends every process of it. */
  stop(): Promise<TelemetrySample[]>;
}

/**
 * Starts a sampler: one timer that reads `/proc`, and one long-lived nvidia-smi. Start it before the server, so
 * that it sees what is on the machine without it. It costs less than one percent of one core (`npm run
 * bench:telemetry`).
 */
export function startSampler(options: SamplerOptions = {}): Sampler {
  const {
    periodMs = 1_000,
    root = "/",
    nvidiaSmi = "nvidia-smi",
    visibleDevices,
    pcie = "start",
    onSample,
  } = options;
  const read = rootReader(root);
  const gpus =
    nvidiaSmi === null
      ? null
      : watchGpus({
          program: nvidiaSmi,
          periodMs,
          visibleDevices,
          pcie: pcie === "never" ? "never" : "watch",
          nowS: monotonicS,
        });
  const gc = watchGarbageCollector();
  const taken: TelemetrySample[] = [];
  let zeroS = monotonicS();
  let server: WatchedServer | null = null;
  let processes = new ServerProcesses(read, null);
  let scope = readScope(read);
  const pageBytes = readPageBytes(read);
  let before: MachineCounters | null = null;
  let ownBefore = 0;
  let ownChildren = new Map<number, number>();
  let pending: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  let handedOn = 0;
  let markedS = Number.NEGATIVE_INFINITY;
  let listed: { readonly pids: readonly number[]; readonly atS: number } = NEVER_LISTED;

  /** CPU seconds of this program and of its nvidia-smi processes since the last time. */
  const ownUsed = async (): Promise<number> => {
    const { user, system } = process.cpuUsage();
    const self = (user + system) / 1e6;
    const children = new Map<number, number>();
    for (const pid of gpus?.pids() ?? []) {
      const stat = parsePidStat((await read(`proc/${pid}/stat`)) ?? "");
      if (stat !== null) children.set(pid, stat.ownS);
    }
    const grown = [...children].map(([pid, usedS]) => usedS - (ownChildren.get(pid) ?? 0));
    const used = self - ownBefore + grown.reduce((sum, value) => sum + Math.max(0, value), 0);
    ownBefore = self;
    ownChildren = children;
    return Math.max(0, used);
  };

  /** A new process is found a little late; what it used until then is counted when it is. */
  const serverPids = async (): Promise<readonly number[]> => {
    if (server === null) return [];
    const { pids: list } = server;
    if (monotonicS() - listed.atS >= PIDS_EVERY_S) {
      const pids = await Promise.resolve()
        .then(list)
        .catch(() => []);
      listed = { pids, atS: monotonicS() };
    }
    return listed.pids;
  };

  const sample = async (): Promise<void> => {
    const confined = await scope;
    const pids = await serverPids();
    // Together, so that they speak of the same interval.
    const [after, looked, own] = await Promise.all([
      readMachine(read, confined, monotonicS()),
      processes.look(pids, Math.max(1e-3, monotonicS() - (before?.atS ?? 0))),
      ownUsed(),
    ]);
    const last = before;
    before = after;
    if (last === null) return;
    const batch = gpus?.take() ?? { readings: [], pcie: [], nvlink: [], processes: [] };
    const shift = <T extends { tS: number }>(reading: T): T => ({
      ...reading,
      tS: round(reading.tS - zeroS),
    });
    const usedS = { server: server === null ? null : looked.usedS, own };
    const made: TelemetrySample = {
      tS: round(after.atS - zeroS),
      intervalS: round(Math.max(1e-3, after.atS - last.atS)),
      gpus: batch.readings.map(shift),
      pcie: batch.pcie.map(shift),
      ...(batch.nvlink.length === 0 ? {} : { nvlink: batch.nvlink.map(shift) }),
      gpuProcesses: await Promise.all(
        batch.processes.map(async (each) => ({ ...each, owner: await ownerOf(each) })),
      ),
      ...machineSample(last, after, usedS, await pageBytes),
      processes: looked.processes,
      gcMs: round(gc.takeMs()),
    };
    taken.push(made);
    if (server !== null) handOn();
  };

  const handOn = () => {
    for (const each of taken.slice(handedOn)) {
      handedOn += 1;
      try {
        onSample?.(each);
      } catch {
        // Whoever cannot write a sample down must not end the sampling.
      }
    }
  };

  /** PIDs are of the namespace that the driver was loaded in: one of a container is known to us by another. */
  const ownerOf = async ({ pid, name }: Omit<GpuProcess, "owner">): Promise<GpuProcess["owner"]> => {
    if (processes.has(pid)) return "server";
    const commandLine = await read(`proc/${pid}/cmdline`);
    const program = name.split("/").at(-1) ?? "";
    return commandLine !== null && program !== "" && commandLine.includes(program.split(" ")[0] ?? "")
      ? "other"
      : "unknown";
  };

  // Two samples at once would share an interval between them.
  const sampleOnce = (): Promise<void> => {
    pending ??= sample()
      .catch(() => {})
      .finally(() => {
        pending = null;
      });
    return pending;
  };
  const schedule = () => {
    if (stopped) return;
    timer = setTimeout(() => void sampleOnce().then(schedule), periodMs);
    timer.unref();
  };
  const settle = async () => {
    if (pending !== null) await pending;
    if (before === null || monotonicS() - before.atS >= MIN_INTERVAL_S) await sampleOnce();
  };
  void sampleOnce().then(schedule);

  const sampler: Sampler = {
    watch(watched) {
      const moved = zeroS - watched.zeroS;
      for (const [index, each] of taken.entries()) taken[index] = moveBy(each, moved);
      zeroS = watched.zeroS;
      server = watched;
      listed = NEVER_LISTED;
      processes = new ServerProcesses(read, watched.leaderPid);
      handOn();
      // Its cores and groups may be other than ours.
      scope = rescope(scope, readScope(read, watched.leaderPid), () => {
        before = null;
      });
    },
    looked: async (timeoutMs) => {
      if (gpus === null) return;
      await within(timeoutMs, gpus.looked);
      await settle();
    },
    started: async () => {
      if (pcie === "start") await gpus?.stopPcie();
    },
    async mark() {
      listed = NEVER_LISTED;
      // The reading must be in a sample of before the mark, however soon that is after the last one.
      if ((await gpus?.readAtMark(markedS)) === true) {
        if (pending !== null) await pending;
        await sampleOnce();
      } else await settle();
      markedS = monotonicS();
      return round(markedS - zeroS);
    },
    between: (fromS, toS) =>
      taken.filter(({ tS, intervalS }) => tS > fromS - BEFORE_S && tS - intervalS < toS),
    samples: () => [...taken],
    async stop() {
      if (!stopped) {
        stopped = true;
        if (timer !== null) clearTimeout(timer);
        await settle();
        handOn();
        gc.stop();
        await gpus?.stop();
      }
      return [...taken];
    },
    [Symbol.asyncDispose]: async () => {
      await sampler.stop();
    },
  };
  return sampler;
}

/** The newer scope, unless it tells less; counters of other cores are no baseline. */
async function rescope(
  older: Promise<MachineScope>,
  newer: Promise<MachineScope>,
  onOtherCores: () => void,
): Promise<MachineScope> {
  const [was, found] = await Promise.all([older, newer]);
  if (found.cores === null) return was;
  if (was.cores === null || found.cores.symmetricDifference(was.cores).size > 0) onOtherCores();
  return found;
}

/** The samples as lines of `telemetry.jsonl`. */
export function telemetryLines(
  samples: readonly TelemetrySample[],
  of: { readonly variant: string; readonly session: number },
): string {
  return samples
    .map((sample): TelemetryLine => ({ variant: of.variant, session: of.session, ...sample }))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");
}

function moveBy(sample: TelemetrySample, byS: number): TelemetrySample {
  const move = <T extends { tS: number }>(each: T): T => ({ ...each, tS: round(each.tS + byS) });
  const { gpus, pcie, nvlink } = sample;
  return {
    ...move(sample),
    gpus: gpus.map(move),
    pcie: pcie.map(move),
    ...(nvlink === undefined ? {} : { nvlink: nvlink.map(move) }),
  };
}

/** How long this program stood still for its garbage collector. */
function watchGarbageCollector(): { takeMs(): number; stop(): void } {
  let totalMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) totalMs += entry.duration;
  });
  observer.observe({ entryTypes: ["gc"] });
  return {
    takeMs: () => {
      const ms = totalMs;
      totalMs = 0;
      return ms;
    },
    stop: () => observer.disconnect(),
  };
}

function round(value: number): number {
  return Math.round(value * 1e3) / 1e3;
}
