import type { GpuFacts } from "../domain/node.ts";
import { querySmi, runSmi, type SmiLimits, type SmiOutput } from "./nvidia-smi.ts";
import {
  type MigDevice,
  PROCESS_FIELDS,
  parseGpuProcess,
  parseMigDevices,
  smiNumber,
  smiText,
  throttleReasons,
  visibleGpus,
} from "./nvidia-smi-text.ts";

const FIELDS = [
  "index",
  "uuid",
  "name",
  "pci.bus_id",
  "driver_version",
  "memory.total",
  "memory.used",
  "clocks.sm",
  "clocks.max.sm",
  "clocks.max.mem",
  "clocks.applications.graphics",
  "clocks.default_applications.graphics",
  "power.limit",
  "power.default_limit",
  "temperature.gpu",
  "clocks_event_reasons.active",
  "persistence_mode",
  "ecc.mode.current",
  "ecc.errors.uncorrected.volatile.total",
  "ecc.errors.corrected.volatile.total",
  "remapped_rows.pending",
  "remapped_rows.failure",
  "pcie.link.gen.current",
  "pcie.link.gen.max",
  "pcie.link.width.current",
  "pcie.link.width.max",
  "mig.mode.current",
  "compute_mode",
  "pstate",
] as const;

/** The GPUs that a server with this `CUDA_VISIBLE_DEVICES` sees, with their processes and slices. */
export async function readGpuFacts(
  program: string,
  visibleDevices: string | undefined,
  limits: SmiLimits = {},
): Promise<{ output: SmiOutput; gpus: GpuFacts[] }> {
  const { output, rows } = await querySmi(program, FIELDS, limits);
  if (output.state !== "ok") return { output, gpus: [] };
  const sliced = rows.some((row) => smiText(row.get("mig.mode.current")) === "Enabled");
  const [apps, listing] = await Promise.all([
    runSmi(
      program,
      [`--query-compute-apps=${PROCESS_FIELDS.join(",")}`, "--format=csv,noheader,nounits"],
      limits,
    ),
    sliced ? runSmi(program, ["-L"], limits) : null,
  ]);
  const mig = parseMigDevices(listing?.text ?? "");
  const processes =
    apps.state === "ok" ? apps.text.split("\n").flatMap((line) => parseGpuProcess(line) ?? []) : [];
  const gpus = rows.flatMap((row) => gpuFacts(row, mig, processes) ?? []);
  return { output, gpus: visibleGpus(gpus, visibleDevices, mig) };
}

function gpuFacts(
  row: ReadonlyMap<string, string>,
  mig: readonly MigDevice[],
  processes: readonly NonNullable<ReturnType<typeof parseGpuProcess>>[],
): GpuFacts | null {
  const number = (field: (typeof FIELDS)[number]) => smiNumber(row.get(field));
  const text = (field: (typeof FIELDS)[number]) => smiText(row.get(field));
  const flag = (field: (typeof FIELDS)[number]) => {
    const value = text(field);
    return value === "Enabled" || value === "Yes"
      ? true
      : value === "Disabled" || value === "No"
        ? false
        : null;
  };
  const index = number("index");
  if (index === null) return null;
  const uuid = text("uuid");
  const slices = mig.filter(({ gpuIndex }) => gpuIndex === index);
  const here = new Set([uuid, ...slices.map((slice) => slice.uuid)]);
  return {
    index,
    uuid,
    name: text("name"),
    busId: text("pci.bus_id"),
    driver: text("driver_version"),
    memoryTotalMib: number("memory.total"),
    memoryUsedMib: number("memory.used"),
    smClockMhz: number("clocks.sm"),
    maxSmClockMhz: number("clocks.max.sm"),
    maxMemoryClockMhz: number("clocks.max.mem"),
    applicationClockMhz: number("clocks.applications.graphics"),
    defaultApplicationClockMhz: number("clocks.default_applications.graphics"),
    powerLimitW: number("power.limit"),
    defaultPowerLimitW: number("power.default_limit"),
    temperatureC: number("temperature.gpu"),
    throttle: throttleReasons(
      row.get("clocks_event_reasons.active") ?? row.get("clocks_throttle_reasons.active"),
    ),
    persistence: flag("persistence_mode"),
    ecc: flag("ecc.mode.current"),
    eccUncorrected: number("ecc.errors.uncorrected.volatile.total"),
    eccCorrected: number("ecc.errors.corrected.volatile.total"),
    rowsPending: flag("remapped_rows.pending"),
    rowsFailed: flag("remapped_rows.failure"),
    pcieGeneration: number("pcie.link.gen.current"),
    pcieMaxGeneration: number("pcie.link.gen.max"),
    pcieWidth: number("pcie.link.width.current"),
    pcieMaxWidth: number("pcie.link.width.max"),
    mig: flag("mig.mode.current"),
    migProfiles: slices.map(({ profile }) => profile),
    computeMode: text("compute_mode"),
    performanceState: text("pstate"),
    processes: processes
      .filter(({ gpuUuid }) => here.has(gpuUuid))
      .map(({ pid, name, memoryMib }) => ({ pid, name, memoryMib })),
  };
}
