import type {
  GpuProcess,
  GpuReading,
  NvlinkReading,
  PcieReading,
  ThrottleReason,
} from "../domain/telemetry.ts";

/** NVML's bits of `clocks_event_reasons.active`; one that is not listed has no name yet. */
const THROTTLE_BITS: readonly (readonly [bit: number, reason: ThrottleReason])[] = [
  [0x1, "idle"],
  [0x2, "application_clocks"],
  [0x4, "power_cap"],
  [0x8, "hw_slowdown"],
  [0x10, "sync_boost"],
  [0x20, "sw_thermal"],
  [0x40, "hw_thermal"],
  [0x80, "hw_power_brake"],
  [0x100, "display_clock"],
];

/** The reasons in a mask such as `0x0000000000000044`, or null when it is none. */
export function throttleReasons(mask: string | undefined): ThrottleReason[] | null {
  if (mask === undefined || !/^0x[0-9a-f]{1,16}$/i.test(mask)) return null;
  const bits = Number.parseInt(mask.slice(-8), 16);
  return THROTTLE_BITS.filter(([bit]) => (bits & bit) !== 0).map(([, reason]) => reason);
}

/** A number that nvidia-smi printed; null for `[N/A]`, `[Unknown Error]`, `[Not Supported]` and anything else. */
export function smiNumber(text: string | undefined): number | null {
  const found = /^-?\d{1,12}(?:\.\d{1,6})?/.exec(text?.trim() ?? "");
  // A unit may follow, where `nounits` is not honoured.
  return found !== null && /^(?: ?[A-Za-z%/]{1,5})?$/.test(text?.trim().slice(found[0].length) ?? "")
    ? Number(found[0])
    : null;
}

/** Text that nvidia-smi printed, or null where it had none. */
export function smiText(text: string | undefined): string | null {
  const trimmed = text?.trim() ?? "";
  return trimmed === "" || /^(?:\[.*\]|N\/A)$/.test(trimmed) ? null : trimmed;
}

/** A line of `--format=csv,noheader` by field. Null when it has not one value for each field. */
export function splitCsv(line: string, fields: readonly string[]): Map<string, string> | null {
  const values = line.split(",").map((value) => value.trim());
  if (values.length !== fields.length) return null;
  return new Map(fields.map((field, index) => [field, values[index] ?? ""]));
}

/** The name of a field that this nvidia-smi does not know, from its complaint. */
export function unknownField(output: string): string | null {
  return /Field "([\w.]{1,100})" is not a valid field to query/.exec(output)?.[1] ?? null;
}

/**
 * The fields without one that is not known: by its older name where it has one (`clocks_throttle_reasons` until
 * driver 535), else left out. Null when nothing would change.
 */
export function withoutField(fields: readonly string[], unknown: string): string[] | null {
  if (!fields.includes(unknown)) return null;
  const older = unknown.replace(/^clocks_event_reasons\./, "clocks_throttle_reasons.");
  return fields.flatMap((field) => {
    if (field !== unknown) return [field];
    return older !== unknown && !fields.includes(older) ? [older] : [];
  });
}

/** What the sampler asks of every GPU, in the newest driver's names. */
export const SAMPLE_FIELDS: readonly string[] = [
  "index",
  "uuid",
  "utilization.gpu",
  "utilization.memory",
  "memory.used",
  "memory.total",
  "clocks.sm",
  "clocks.mem",
  "clocks.max.sm",
  "power.draw",
  "power.limit",
  "temperature.gpu",
  "clocks_event_reasons.active",
  "clocks_event_reasons_counters.sw_power_cap",
  "clocks_event_reasons_counters.sw_thermal_slowdown",
  "clocks_event_reasons_counters.hw_thermal_slowdown",
  "clocks_event_reasons_counters.hw_power_brake_slowdown",
];

/** One line of the sampler's query, or null when it is something else. */
export function parseGpuReading(line: string, fields: readonly string[], tS: number): GpuReading | null {
  const values = splitCsv(line, fields);
  const index = smiNumber(values?.get("index"));
  if (values === null || index === null || !Number.isInteger(index) || index < 0) return null;
  const number = (field: string) => smiNumber(values.get(field));
  const share = (field: string) => scaled(number(field), 0.01);
  const uuid = values.get("uuid");
  const counter = (name: string) => scaled(number(`clocks_event_reasons_counters.${name}`), 1e-6);
  const heldDownS = {
    powerCap: counter("sw_power_cap"),
    swThermal: counter("sw_thermal_slowdown"),
    hwThermal: counter("hw_thermal_slowdown"),
    powerBrake: counter("hw_power_brake_slowdown"),
  };
  return {
    tS,
    index,
    uuid: uuid !== undefined && /^GPU-[\w-]{1,60}$/.test(uuid) ? uuid : null,
    utilization: share("utilization.gpu"),
    memoryUtilization: share("utilization.memory"),
    memoryUsedMib: number("memory.used"),
    memoryTotalMib: number("memory.total"),
    smClockMhz: number("clocks.sm"),
    memoryClockMhz: number("clocks.mem"),
    maxSmClockMhz: number("clocks.max.sm"),
    powerW: number("power.draw"),
    powerLimitW: number("power.limit"),
    temperatureC: number("temperature.gpu"),
    throttle: throttleReasons(
      values.get("clocks_event_reasons.active") ?? values.get("clocks_throttle_reasons.active"),
    ),
    heldDownS: Object.values(heldDownS).every((value) => value === null) ? null : heldDownS,
  };
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

export const PROCESS_FIELDS: readonly string[] = ["gpu_uuid", "pid", "used_memory", "process_name"];

/** One line of `--query-compute-apps` with {@link PROCESS_FIELDS}; the name, last, may hold commas. */
export function parseGpuProcess(line: string): Omit<GpuProcess, "owner"> | null {
  const [uuid, pidText, memory, ...name] = line.split(",").map((value) => value.trim());
  const pid = smiNumber(pidText);
  if (uuid === undefined || !/^(?:GPU|MIG)-[\w/-]{1,80}$/.test(uuid) || pid === null || pid <= 0) return null;
  return { gpuUuid: uuid, pid, memoryMib: smiNumber(memory), name: name.join(",").slice(0, 200) };
}

/** Reads `nvidia-smi dmon -s t`: its header names the columns, which differ between releases. */
export function createDmonParser(): (line: string, tS: number) => PcieReading | null {
  let columns: string[] = [];
  return (line, tS) => {
    const words = line.trim().split(/\s+/);
    if (words[0]?.startsWith("#")) {
      if (words.includes("gpu") || words.includes("#gpu")) {
        columns = words.map((word) => word.replace(/^#/, "")).filter((word) => word !== "");
      }
      return null;
    }
    const value = (name: string) => smiNumber(words[columns.indexOf(name)]);
    const index = columns.length === words.length ? value("gpu") : null;
    if (index === null || !Number.isInteger(index) || index < 0) return null;
    return { tS, index, rxMbPerS: value("rxpci"), txMbPerS: value("txpci") };
  };
}

/**
 * The counters that `nvidia-smi nvlink -gt d` lists link by link, summed for each GPU; a GPU without links, or whose
 * counters are not told (`N/A`), is left out.
 */
export function parseNvlink(listing: string, tS: number): NvlinkReading[] {
  const sums = new Map<number, { txKib: number; rxKib: number }>();
  let index: number | null = null;
  for (const line of listing.split("\n")) {
    const gpu = /^GPU (\d{1,4}):/.exec(line)?.[1];
    if (gpu !== undefined) index = Number(gpu);
    const found = /^\s+Link \d{1,3}: Data (Tx|Rx): (\d{1,18}) KiB\s*$/.exec(line);
    if (found === null || index === null) continue;
    const sum = sums.get(index) ?? { txKib: 0, rxKib: 0 };
    sums.set(index, sum);
    if (found[1] === "Tx") sum.txKib += Number(found[2]);
    else sum.rxKib += Number(found[2]);
  }
  return [...sums].map(([of, { txKib, rxKib }]) => ({
    tS,
    index: of,
    txMib: txKib / 1024,
    rxMib: rxKib / 1024,
  }));
}

/** A GPU as far as choosing it needs. */
export interface NamedGpu {
  readonly index: number;
  readonly uuid: string | null;
}

/** A slice of a GPU (MIG), from `nvidia-smi -L`. */
export interface MigDevice {
  readonly gpuIndex: number;
  /** e.g. `1g.18gb`: compute slices and memory. */
  readonly profile: string;
  readonly uuid: string;
}

/** The slices that `nvidia-smi -L` lists under their GPUs. */
export function parseMigDevices(listing: string): MigDevice[] {
  const devices: MigDevice[] = [];
  let gpuIndex: number | null = null;
  for (const line of listing.split("\n")) {
    const gpu = /^GPU (\d{1,4}):/.exec(line)?.[1];
    if (gpu !== undefined) gpuIndex = Number(gpu);
    const mig = /^\s+MIG (\S{1,40})\s+Device\s+\d+: \(UUID: (MIG-[\w/-]{1,120})\)/.exec(line);
    if (mig !== null && gpuIndex !== null) {
      devices.push({ gpuIndex, profile: mig[1] as string, uuid: mig[2] as string });
    }
  }
  return devices;
}

/**
 * The GPUs that a server sees: those that `CUDA_VISIBLE_DEVICES` names, all when it is not set. CUDA takes the
 * list up to the first entry that it does not know, accepts the beginning of a UUID, and counts in the order of
 * speed unless `CUDA_DEVICE_ORDER` is `PCI_BUS_ID`; among equal GPUs, which a server needs, the two orders agree.
 */
export function visibleGpus<T extends NamedGpu>(
  gpus: readonly T[],
  visibleDevices: string | undefined,
  mig: readonly MigDevice[] = [],
): T[] {
  if (visibleDevices === undefined) return [...gpus];
  const chosen: T[] = [];
  for (const entry of visibleDevices.split(",").map((part) => part.trim())) {
    const slice = mig.find(({ uuid }) => entry !== "" && entry.startsWith("MIG-") && uuid.startsWith(entry));
    const found = gpus.find((gpu) =>
      slice !== undefined
        ? gpu.index === slice.gpuIndex
        : /^\d+$/.test(entry)
          ? gpu.index === Number(entry)
          : entry.startsWith("GPU-") && gpu.uuid?.startsWith(entry),
    );
    if (found === undefined) break;
    if (!chosen.includes(found)) chosen.push(found);
  }
  return chosen;
}
