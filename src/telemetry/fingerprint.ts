import { createHash } from "node:crypto";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import type { Fingerprint } from "../domain/fingerprint.ts";
import type { GpuFacts } from "../domain/node.ts";
import { readTextIfExists } from "../system/files.ts";
import { readGpuFacts } from "./gpu-facts.ts";
import { readModelRevision } from "./model-revision.ts";

/** What a run's numbers depend on beside the machine. */
export interface RunIdentity {
  readonly model: string;
  /** Names the probes and their parameters; other probes are not comparable. */
  readonly probeSuite: string;
  /** Folder of the model's files, if it is known; see `modelFolder` of preflight.ts. */
  readonly modelFolder?: string | null;
}

/** Where the machine is looked at. */
export interface FingerprintOptions {
  /** systemd's id of the machine. */
  readonly machineIdPath?: string;
  readonly nvidiaSmi?: string | null;
  /** `CUDA_VISIBLE_DEVICES` of the server: other GPUs of the machine do not matter. */
  readonly visibleDevices?: string | undefined;
}

/** The machine that this process runs on, and what is measured on it. */
export async function readFingerprint(
  identity: RunIdentity,
  options: FingerprintOptions = {},
): Promise<Fingerprint> {
  const { machineIdPath = "/etc/machine-id", nvidiaSmi = "nvidia-smi", visibleDevices } = options;
  const [{ gpus }, revision] = await Promise.all([
    nvidiaSmi === null ? { gpus: [] } : readGpuFacts(nvidiaSmi, visibleDevices),
    identity.modelFolder == null ? null : readModelRevision(identity.modelFolder),
  ]);
  const first = gpus[0];
  const processors = cpus();
  return {
    gpuModel: first === undefined ? null : gpuName(first),
    gpuCount: gpus.length,
    gpuMemoryMib: first?.memoryTotalMib ?? null,
    gpuPowerLimitW: first?.powerLimitW ?? null,
    gpuClockCeilingMhz: first === undefined ? null : clockCeiling(first),
    gpuMemoryClockMhz: first?.maxMemoryClockMhz ?? null,
    gpuEcc: first?.ecc == null ? null : first.ecc ? "on" : "off",
    driver: first?.driver ?? null,
    model: identity.model,
    modelRevision: revision?.model ?? null,
    tokenizerRevision: revision?.tokenizer ?? null,
    probeSuite: identity.probeSuite,
    cpuModel: processors[0]?.model.trim() || null,
    // Those that this process may use: a container's share of the machine, not the machine.
    cpuCores: availableParallelism(),
    // What the kernel keeps for itself differs from one to the next.
    memoryGib: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    os: await osName(),
    hostId: await hostId(gpus, machineIdPath),
  };
}

/** A slice of a GPU is another machine than the whole of it. */
function gpuName({ name, mig, migProfiles }: GpuFacts): string | null {
  return name !== null && mig === true ? `${name} MIG ${migProfiles.join("+") || "without slices"}` : name;
}

/** The clock that the GPU may reach: its own limit, or a lower one that somebody set. */
function clockCeiling({ maxSmClockMhz, applicationClockMhz }: GpuFacts): number | null {
  if (maxSmClockMhz === null) return null;
  return Math.min(maxSmClockMhz, applicationClockMhz ?? maxSmClockMhz);
}

/** The fingerprint of a server elsewhere: its address stands for the machine, which cannot be seen. */
export function remoteFingerprint(identity: RunIdentity, url: string): Fingerprint {
  const address = new URL(url).host;
  return {
    gpuModel: `server at ${address}`,
    gpuCount: null,
    gpuMemoryMib: null,
    gpuPowerLimitW: null,
    driver: null,
    model: identity.model,
    probeSuite: identity.probeSuite,
    hostId: saltedHash(address),
  };
}

async function osName(): Promise<string | null> {
  const text = await readTextIfExists("/etc/os-release");
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text ?? "")?.[1] ?? process.platform;
}

/**
 * Tells machines apart without naming them: a salted hash of the GPUs' ids, which a container sees as its host does,
 * else of the machine's id. Null when there is neither: a container's hostname is another one each time.
 */
async function hostId(gpus: readonly GpuFacts[], machineIdPath: string): Promise<string | null> {
  const uuids = gpus.flatMap(({ uuid }) => (uuid !== null && /^GPU-[\w-]+$/.test(uuid) ? [uuid] : [])).sort();
  if (uuids.length > 0) return saltedHash(uuids.join(","));
  const id = (await readTextIfExists(machineIdPath))?.trim() ?? "";
  return /^[0-9a-f]{32}$/.test(id) ? saltedHash(id) : null;
}

function saltedHash(id: string): string {
  return createHash("sha256").update(`vllm-gate:${id}`).digest("hex").slice(0, 12);
}
