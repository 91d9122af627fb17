import { z } from "zod";

/** What must be equal for two runs to be comparable, and what is only noted. Values are as the machine reports them. */
export const fingerprintSchema = z.record(z.string(), z.union([z.string(), z.number(), z.null()]));
export type Fingerprint = z.infer<typeof fingerprintSchema>;

/**
 * How each field is compared. `must`: a difference makes the comparison invalid. `note`: it is shown.
 * Without a GPU the CPU is the machine that serves, so its fields become `must` (see {@link fieldRule}).
 */
const FIELDS: Readonly<Record<string, "must" | "note">> = {
  gpuModel: "must",
  gpuCount: "must",
  gpuMemoryMib: "must",
  gpuPowerLimitW: "must",
  gpuClockCeilingMhz: "must",
  gpuMemoryClockMhz: "must",
  gpuEcc: "must",
  driver: "must",
  model: "must",
  // A change of revision is what a pull request may be about, so it is shown and not refused.
  modelRevision: "note",
  tokenizerRevision: "note",
  probeSuite: "must",
  cpuModel: "note",
  cpuCores: "note",
  memoryGib: "note",
  kernel: "note",
  os: "note",
  hostId: "note",
};

/** One field in which two fingerprints differ. */
export interface FingerprintDifference {
  readonly field: string;
  readonly rule: "must" | "note";
  readonly base: string | number | null;
  readonly head: string | number | null;
}

function fieldRule(field: string, withGpu: boolean): "must" | "note" {
  if (!withGpu && (field === "cpuModel" || field === "cpuCores")) return "must";
  return FIELDS[field] ?? "note";
}

/** The fields that differ, `must` before `note`. A field that one side never recorded is not a difference. */
export function diffFingerprints(base: Fingerprint, head: Fingerprint): FingerprintDifference[] {
  const withGpu = base["gpuModel"] != null || head["gpuModel"] != null;
  const fields = [...new Set([...Object.keys(base), ...Object.keys(head)])].sort();
  return fields
    .filter((field) => field in base && field in head && base[field] !== head[field])
    .map((field) => ({
      field,
      rule: fieldRule(field, withGpu),
      base: base[field] ?? null,
      head: head[field] ?? null,
    }))
    .sort((a, b) => a.rule.localeCompare(b.rule) || a.field.localeCompare(b.field));
}

/**
 * The name of a baseline's file: GPU model, count, memory and model, in letters that every file system takes.
 * Machines without a GPU are named by their CPU.
 */
export function fingerprintSlug(fingerprint: Fingerprint): string {
  const machine =
    fingerprint["gpuModel"] == null
      ? [fingerprint["cpuModel"] ?? "cpu", `${fingerprint["cpuCores"] ?? 1}c`]
      : [
          fingerprint["gpuModel"],
          `${fingerprint["gpuCount"] ?? 1}x`,
          `${Math.round(Number(fingerprint["gpuMemoryMib"] ?? 0) / 1024)}gib`,
        ];
  const model =
    String(fingerprint["model"] ?? "model")
      .split("/")
      .filter(Boolean)
      .at(-1) ?? "model";
  const slug = [...machine, model]
    .join("-")
    .toLowerCase()
    .replace(/\((r|tm)\)/g, "")
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
  return slug.slice(0, 120) || "machine";
}
