import { z } from "zod";

const measured = z.number().nullable();
const text = z.string().nullable();

/** Memory allocators that are told apart by the libraries in a process's memory map. */
export const ALLOCATORS = ["glibc", "jemalloc", "tcmalloc", "mimalloc"] as const;
export type Allocator = (typeof ALLOCATORS)[number];

/** One GPU as a node probe sees it; null is what nvidia-smi does not report. */
export const gpuFactsSchema = z.object({
  index: z.number().int(),
  uuid: text,
  name: text,
  busId: text,
  driver: text,
  memoryTotalMib: measured,
  memoryUsedMib: measured,
  smClockMhz: measured,
  maxSmClockMhz: measured,
  maxMemoryClockMhz: measured,
  applicationClockMhz: measured,
  defaultApplicationClockMhz: measured,
  powerLimitW: measured,
  defaultPowerLimitW: measured,
  temperatureC: measured,
  throttle: z.array(z.string()).nullable(),
  persistence: z.boolean().nullable(),
  ecc: z.boolean().nullable(),
  eccUncorrected: measured,
  eccCorrected: measured,
  rowsPending: z.boolean().nullable(),
  rowsFailed: z.boolean().nullable(),
  pcieGeneration: measured,
  pcieMaxGeneration: measured,
  pcieWidth: measured,
  pcieMaxWidth: measured,
  mig: z.boolean().nullable(),
  migProfiles: z.array(z.string()),
  computeMode: text,
  performanceState: text,
  processes: z.array(z.object({ pid: z.number().int(), name: z.string(), memoryMib: measured })),
});
export type GpuFacts = z.infer<typeof gpuFactsSchema>;

/** What a node probe read, before anybody judged it. Null is what could not be read. */
export const nodeFactsSchema = z.object({
  cpu: z.object({
    model: text,
    /** Cores of the machine that this process may use. */
    cores: measured,
    limitCores: measured,
    load1: measured,
    /** CPU frequency governors in use, each once. Empty where the machine does not control its clock. */
    governors: z.array(z.string()),
    clockSource: text,
    clockSources: z.array(z.string()),
    stealShare: measured,
  }),
  memory: z.object({
    totalMib: measured,
    availableMib: measured,
    limitMib: measured,
    thp: text,
    thpDefrag: text,
    hugePages: measured,
    hugePagesFree: measured,
    hugePageKib: measured,
    swappiness: measured,
    swapTotalMib: measured,
    swapUsedMib: measured,
    numaNodes: measured,
    numaBalancing: z.boolean().nullable(),
  }),
  /** Limits of this process, which a server inherits; null is unlimited. */
  limits: z.object({ openFiles: measured, processes: measured, lockedMib: measured }).nullable(),
  /** The allocator really loaded in the server; null without a server. */
  allocator: z.enum(ALLOCATORS).nullable(),
  nvidiaSmi: z.object({ state: z.enum(["ok", "absent", "failed"]), reason: text }),
  gpus: z.array(gpuFactsSchema),
});
export type NodeFacts = z.infer<typeof nodeFactsSchema>;

/**
 * `ok`: as it should be. `note`: worth knowing, harmless. `warn`: numbers suffer. `bad`: no number from this machine
 * can be trusted, or none can be had.
 */
export const LEVELS = ["ok", "note", "warn", "bad"] as const;
export type Level = (typeof LEVELS)[number];

/** One probed thing, judged. */
export const findingSchema = z.object({
  /** e.g. `memory.thp`, `gpu0.power`, `preflight.vllm` */
  id: z.string(),
  /** What was looked at, as a person calls it. */
  subject: z.string(),
  level: z.enum(LEVELS),
  /** What was found. */
  value: z.string(),
  /** Why that is judged so. */
  reason: z.string(),
  /** What it does to the numbers, and how much; empty for `ok`. */
  matters: z.string(),
  /** A command that changes it, or null. */
  fix: text,
});
export type Finding = z.infer<typeof findingSchema>;

/** A node probed and judged. */
export const nodeReportSchema = z.object({ facts: nodeFactsSchema, findings: z.array(findingSchema) });
export type NodeReport = z.infer<typeof nodeReportSchema>;
