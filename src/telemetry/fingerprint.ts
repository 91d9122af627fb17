import { createHash } from "node:crypto";
import { cpus, release } from "node:os";
import { execa } from "execa";
import type { Fingerprint } from "../domain/fingerprint.ts";
import { readTextIfExists } from "../system/files.ts";

/** What a run's numbers depend on beside the machine. */
export interface RunIdentity {
  readonly model: string;
  /** Names the probes and their parameters; other probes are not comparable. */
  readonly probeSuite: string;
}

const QUERY = ["name", "memory.total", "power.limit", "driver_version", "uuid"] as const;

/**
 * The machine that this process runs on, and what is measured on it.
 *
 * @param machineIdPath - systemd's id of the machine
 */
export async function readFingerprint(
  identity: RunIdentity,
  machineIdPath = "/etc/machine-id",
): Promise<Fingerprint> {
  const gpus = await readGpus();
  const first = gpus[0];
  const processors = cpus();
  return {
    gpuModel: first?.name ?? null,
    gpuCount: gpus.length,
    gpuMemoryMib: first?.memoryMib ?? null,
    gpuPowerLimitW: first?.powerLimitW ?? null,
    driver: first?.driver ?? null,
    model: identity.model,
    probeSuite: identity.probeSuite,
    cpuModel: processors[0]?.model.trim() || null,
    cpuCores: processors.length,
    kernel: release(),
    os: await osName(),
    hostId: await hostId(gpus, machineIdPath),
  };
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

interface Gpu {
  readonly name: string;
  readonly memoryMib: number | null;
  readonly powerLimitW: number | null;
  readonly driver: string | null;
  readonly uuid: string | null;
}

/** The GPUs that nvidia-smi lists; none when it is absent, fails or hangs. */
async function readGpus(): Promise<Gpu[]> {
  const result = await execa(
    "nvidia-smi",
    [`--query-gpu=${QUERY.join(",")}`, "--format=csv,noheader,nounits"],
    {
      reject: false,
      timeout: 10_000,
      maxBuffer: 100_000,
    },
  );
  if (result.exitCode !== 0) return [];
  return result.stdout.split("\n").flatMap((line) => {
    const [name, memory, power, driver, uuid] = line.split(",").map((field) => field.trim());
    if (name === undefined || name === "" || driver === undefined) return [];
    return [
      {
        name,
        memoryMib: toNumber(memory),
        powerLimitW: toNumber(power),
        driver,
        uuid: uuid !== undefined && /^GPU-[\w-]+$/.test(uuid) ? uuid : null,
      },
    ];
  });
}

/** nvidia-smi prints `[N/A]` for what a GPU does not have. */
function toNumber(text: string | undefined): number | null {
  const value = Number(text);
  return text === undefined || text === "" || Number.isNaN(value) ? null : value;
}

async function osName(): Promise<string | null> {
  const text = await readTextIfExists("/etc/os-release");
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text ?? "")?.[1] ?? process.platform;
}

/**
 * Tells machines apart without naming them: a salted hash of the GPUs' ids, which a container sees as its host does,
 * else of the machine's id. Null when there is neither: a container's hostname is another one each time.
 */
async function hostId(gpus: readonly Gpu[], machineIdPath: string): Promise<string | null> {
  const uuids = gpus.flatMap((gpu) => gpu.uuid ?? []).sort();
  if (uuids.length > 0) return saltedHash(uuids.join(","));
  const id = (await readTextIfExists(machineIdPath))?.trim() ?? "";
  return /^[0-9a-f]{32}$/.test(id) ? saltedHash(id) : null;
}

function saltedHash(id: string): string {
  return createHash("sha256").update(`vllm-gate:${id}`).digest("hex").slice(0, 12);
}
