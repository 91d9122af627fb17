import type { GpuProcess, GpuReading, NvlinkReading, PcieReading } from "../domain/telemetry.ts";
import { delay } from "../system/clock.ts";
import { createMarkReader } from "./gpu-at-mark.ts";
import { querySmi, runSmi, type SmiStream, streamSmi } from "./nvidia-smi.ts";
import {
  createDmonParser,
  PROCESS_FIELDS,
  parseGpuProcess,
  parseGpuReading,
  parseMigDevices,
  SAMPLE_FIELDS,
  smiNumber,
  smiText,
  unknownField,
  visibleGpus,
  withoutField,
} from "./nvidia-smi-text.ts";

/** A GPU's memory moving by this much means that a process came, went or grew. */
const MEMORY_STEP_MIB = 32;
/** Asking for processes costs 20–40 ms of a core, so not more often than this … */
const PROCESSES_AT_MOST_EVERY_S = 3;
/** … and not less. */
const PROCESSES_AT_LEAST_EVERY_S = 30;
/** Processes that were listed this long ago may have gone. */
const PROCESSES_STALE_S = 2 * PROCESSES_AT_LEAST_EVERY_S;
/** Asking for PCIe traffic costs three times what all the rest does: 1 % of a core at this period. */
const PCIE_PERIOD_S = 2;
/** A driver that is busy may fail to answer once. */
const RETRIES = 3;
const RETRY_MS = 2_000;

export interface GpuWatchOptions {
  readonly program: string;
  /** How often one GPU is asked; several share what one would cost, so each is asked that much more seldom. */
  readonly periodMs: number;
  /** `CUDA_VISIBLE_DEVICES` of the server: GPUs that it does not see are not watched. */
  readonly visibleDevices: string | undefined;
  /** PCIe traffic is watched until {@link GpuWatch.stopPcie}, or never. */
  readonly pcie: "watch" | "never";
  /** Seconds on the clock that readings carry. */
  readonly nowS: () => number;
}

/** What was read from the GPUs since it was last taken. */
export interface GpuBatch {
  readonly readings: GpuReading[];
  readonly pcie: PcieReading[];
  readonly nvlink: NvlinkReading[];
  readonly processes: Omit<GpuProcess, "owner">[];
}

/** GPUs watched by long-lived nvidia-smi processes; on a machine without one it gives nothing. */
export interface GpuWatch {
  take(): GpuBatch;
  /** Settles with the first reading and the first list of processes, or when there will be none. Never rejects. */
  readonly looked: Promise<void>;
  /** Watches PCIe traffic no more. */
  stopPcie(): Promise<void>;
  /**
   * Sees to it that what happened since a time is known: reads the GPUs where no reading came since then, as in a round
   * shorter than the period, and NVLink's counters where there are several GPUs; as far as its allowance goes.
   *
   * @returns whether something was read
   */
  readAtMark(sinceS: number): Promise<boolean>;
  /** Asks now which processes are on the GPUs. */
  askProcesses(): Promise<void>;
  pids(): number[];
  stop(): Promise<void>;
}

/** Begins to watch. Nothing is waited for: a slow nvidia-smi delays its own readings alone. */
export function watchGpus(options: GpuWatchOptions): GpuWatch {
  const { program, periodMs, visibleDevices, nowS } = options;
  let fields = [...SAMPLE_FIELDS];
  let readings: GpuReading[] = [];
  let pcie: PcieReading[] = [];
  let processes: { readonly atS: number; readonly list: Omit<GpuProcess, "owner">[] } | null = null;
  const streams: SmiStream[] = [];
  let pcieStream: SmiStream | null = null;
  let pcieStopped = options.pcie === "never";
  const memoryMib = new Map<number, number>();
  let askedS = Number.NEGATIVE_INFINITY;
  let memoryMoved = true;
  let asking: Promise<void> | null = null;
  const first = Promise.withResolvers<void>();
  const stopping = new AbortController();
  const { signal } = stopping;
  let watched: ReadonlySet<string> | null = null;
  let chosenGpus: readonly ChosenGpu[] = [];
  let lastReadingS = Number.NEGATIVE_INFINITY;

  const ask = async () => {
    askedS = nowS();
    memoryMoved = false;
    const args = [`--query-compute-apps=${PROCESS_FIELDS.join(",")}`, "--format=csv,noheader,nounits"];
    const output = await runSmi(program, args, { signal });
    if (output.state !== "ok") return;
    const list = output.text
      .split("\n")
      .flatMap((line) => parseGpuProcess(line) ?? [])
      .filter(({ gpuUuid }) => watched === null || !gpuUuid?.startsWith("GPU-") || watched.has(gpuUuid));
    processes = { atS: nowS(), list };
  };
  const askOnce = () => {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  };

  const onReading = (line: string): boolean => {
    const reading = parseGpuReading(line, fields, nowS());
    if (reading === null) return false;
    readings.push(reading);
    lastReadingS = reading.tS;
    first.resolve();
    const used = reading.memoryUsedMib;
    if (used !== null && Math.abs(used - (memoryMib.get(reading.index) ?? 0)) >= MEMORY_STEP_MIB) {
      memoryMib.set(reading.index, used);
      memoryMoved = true;
    }
    return true;
  };

  /** True when readings will come. */
  const begin = async (): Promise<boolean> => {
    let chosen = await chooseGpus(program, visibleDevices, signal);
    for (let retry = 0; chosen === "failed" && retry < RETRIES && !signal.aborted; retry += 1) {
      await delay(RETRY_MS, signal);
      chosen = await chooseGpus(program, visibleDevices, signal);
    }
    if (typeof chosen === "string" || chosen.length === 0 || signal.aborted) return false;
    const gpus = chosen;
    chosenGpus = gpus;
    const uuids = gpus.flatMap(({ uuid }) => uuid ?? []);
    if (uuids.length === gpus.length) watched = new Set(uuids);
    const indexes = gpus.map(({ index }) => index).join(",");
    const id = visibleDevices === undefined ? [] : [`--id=${indexes}`];
    streams.push(
      streamSmi({
        program,
        args: () => [
          ...id,
          `--query-gpu=${fields.join(",")}`,
          "--format=csv,noheader,nounits",
          `--loop-ms=${periodMs * gpus.length}`,
        ],
        onLine: onReading,
        onBarren: (output) => {
          const unknown = unknownField(output);
          const fewer = unknown === null ? null : withoutField(fields, unknown);
          if (fewer === null) return false;
          fields = fewer;
          return true;
        },
      }),
    );
    if (pcieStopped) {
      await askOnce();
      return true;
    }
    let parse = createDmonParser();
    pcieStream = streamSmi({
      program,
      args: () => {
        parse = createDmonParser();
        const ids = id.length === 0 ? [] : ["-i", indexes];
        return ["dmon", ...ids, "-s", "t", "-d", String(PCIE_PERIOD_S)];
      },
      onLine: (line) => {
        const reading = parse(line, nowS());
        if (reading !== null) pcie.push(reading);
        return reading !== null;
      },
    });
    await askOnce();
    return true;
  };
  const looked = begin()
    .then((watching) => (watching ? first.promise : undefined))
    .catch(() => undefined);

  const atMark = createMarkReader({
    program,
    signal,
    nowS,
    gpus: () => chosenGpus.map(({ index }) => index),
    all: visibleDevices === undefined,
    fields: () => fields,
    onReading,
  });

  return {
    looked,
    readAtMark: async (sinceS) => {
      if (streams.length === 0 || signal.aborted) return false;
      const read = [...(lastReadingS > sinceS ? [] : [atMark.readGpus()]), atMark.readLinks()];
      return (await Promise.all(read)).some(Boolean);
    },
    take() {
      const sinceS = nowS() - askedS;
      const due = memoryMoved ? PROCESSES_AT_MOST_EVERY_S : PROCESSES_AT_LEAST_EVERY_S;
      if (streams.length > 0 && !signal.aborted && sinceS >= due) void askOnce();
      const fresh = processes !== null && nowS() - processes.atS <= PROCESSES_STALE_S;
      const list = fresh ? (processes?.list ?? []) : [];
      const batch = { readings, pcie, nvlink: atMark.takeLinks(), processes: list };
      readings = [];
      pcie = [];
      return batch;
    },
    askProcesses: async () => {
      if (streams.length > 0 && !signal.aborted) await askOnce();
    },
    stopPcie: async () => {
      pcieStopped = true;
      await pcieStream?.stop();
    },
    pids: () => [...streams, ...(pcieStream === null ? [] : [pcieStream])].flatMap((stream) => stream.pids()),
    stop: async () => {
      stopping.abort();
      first.resolve();
      await Promise.all([...streams.map((stream) => stream.stop()), pcieStream?.stop()]);
    },
  };
}

interface ChosenGpu {
  readonly index: number;
  readonly uuid: string | null;
}

/** The GPUs that a server with this `CUDA_VISIBLE_DEVICES` sees, or why nvidia-smi does not tell. */
export async function chooseGpus(
  program: string,
  visibleDevices: string | undefined,
  signal?: AbortSignal,
): Promise<ChosenGpu[] | "absent" | "failed"> {
  const limits = signal === undefined ? {} : { signal };
  const { output, rows } = await querySmi(program, ["index", "uuid"], limits);
  if (output.state !== "ok") return output.state;
  const gpus = rows.flatMap((row) => {
    const index = smiNumber(row.get("index"));
    return index === null ? [] : [{ index, uuid: smiText(row.get("uuid")) }];
  });
  const slices = visibleDevices?.includes("MIG-") ? (await runSmi(program, ["-L"], limits)).text : "";
  return visibleGpus(gpus, visibleDevices, parseMigDevices(slices));
}
