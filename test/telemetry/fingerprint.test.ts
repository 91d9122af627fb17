import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { diffFingerprints, fingerprintSlug } from "../../src/domain/fingerprint.ts";
import { type FingerprintOptions, readFingerprint } from "../../src/telemetry/fingerprint.ts";
import { readModelRevision } from "../../src/telemetry/model-revision.ts";
import { idleH200, installNvidiaSmi, type StubMachine } from "../support/nvidia-smi.ts";
import { tempDir } from "../support/temp-dir.ts";

const IDENTITY = { model: "org/model", probeSuite: "1-abc" };
const [A, B] = ["GPU-6e2f1c1e-0000-4a6c-9a3c-000000000001", "GPU-6e2f1c1e-0000-4a6c-9a3c-000000000002"];

/** The fingerprint of a machine with these GPUs. */
async function fingerprintOf(
  machine: StubMachine,
  machineId: string | null = null,
  options: FingerprintOptions = {},
) {
  const folder = await tempDir();
  const nvidiaSmi = await installNvidiaSmi(folder, machine);
  const machineIdPath = join(folder, "machine-id");
  if (machineId !== null) await writeFile(machineIdPath, machineId);
  return readFingerprint(IDENTITY, { nvidiaSmi, machineIdPath, ...options });
}

const withUuids = (uuids: readonly string[]): StubMachine => ({
  gpus: uuids.map((uuid, index) => ({ ...idleH200(index), uuid })),
});

/** The host's id on a machine with GPUs of these ids and this machine-id. */
async function hostIdOf(uuids: readonly string[], machineId: string | null): Promise<unknown> {
  const found = await fingerprintOf(withUuids(uuids), machineId);
  expect(found["gpuCount"]).toBe(uuids.length);
  return found["hostId"];
}

const MACHINE = "4f6a1c0d9b7e4c1fa2d3e4b5c6d7e8f9\n";
const HASH = /^[0-9a-f]{12}$/;

describe("what tells hosts apart", () => {
  it("their GPUs, in whatever order, whatever else the container says", async () => {
    const id = await hostIdOf([A, B], null);
    expect(id).toMatch(HASH);
    expect(await hostIdOf([B, A], MACHINE)).toBe(id);
    expect(await hostIdOf([A], MACHINE)).not.toBe(id);
  });

  it("the machine's id where there is no GPU, or one without an id", async () => {
    const id = await hostIdOf([], MACHINE);
    expect(id).toMatch(HASH);
    expect(await hostIdOf(["[N/A]"], MACHINE)).toBe(id);
  });

  it("nothing where there is neither: a container's hostname is another one each time", async () => {
    expect(await hostIdOf([], null)).toBeNull();
    expect(await hostIdOf([], "")).toBeNull();
    expect(await hostIdOf([], "uninitialized\n")).toBeNull();
  });
});

describe("the fingerprint of a machine with GPUs", () => {
  it("has what two runs must share", async () => {
    expect(await fingerprintOf(withUuids([A]))).toMatchObject({
      gpuModel: "NVIDIA H200",
      gpuCount: 1,
      gpuMemoryMib: 143771,
      gpuPowerLimitW: 700,
      gpuClockCeilingMhz: 1980,
      gpuMemoryClockMhz: 3201,
      gpuEcc: "on",
      driver: "580.159.04",
      model: "org/model",
      modelRevision: null,
      probeSuite: "1-abc",
    });
  });

  it.each([
    ["power.limit", "500.00", "gpuPowerLimitW"],
    ["memory.total", 97871, "gpuMemoryMib"],
    ["clocks.applications.graphics", 1200, "gpuClockCeilingMhz"],
    ["clocks.max.sm", 1755, "gpuClockCeilingMhz"],
  ])("of equal name with another %s is another machine", async (field, value, named) => {
    const own = await fingerprintOf({ gpus: [idleH200()] });
    const other = await fingerprintOf({ gpus: [{ ...idleH200(), [field]: value }] });
    expect(diffFingerprints(own, other)).toEqual([expect.objectContaining({ field: named, rule: "must" })]);
  });

  it("counts only the GPUs that the server sees", async () => {
    const gpus = Array.from({ length: 8 }, (_, index) => idleH200(index));
    const found = await fingerprintOf({ gpus }, null, { visibleDevices: "0,1" });
    expect(found["gpuCount"]).toBe(2);
  });

  it("names the slice of a split GPU: it is another machine than the whole", async () => {
    const gpu: StubMachine["gpus"][number] = {
      ...idleH200(),
      "mig.mode.current": "Enabled",
      "utilization.gpu": "[N/A]",
    };
    const listing = `GPU 0: NVIDIA H200 (UUID: ${gpu["uuid"]})\n  MIG 1g.18gb     Device  0: (UUID: MIG-5f0c1)`;
    const found = await fingerprintOf({ gpus: [gpu], listing });
    expect(found["gpuModel"]).toBe("NVIDIA H200 MIG 1g.18gb");
    expect(fingerprintSlug(found)).toMatch(/^nvidia-h200-mig-1g\.18gb-1x/);
  });

  it("of a driver that fails is that of a machine without a GPU", async () => {
    const failure = { text: "NVIDIA-SMI has failed\n", code: 9 };
    const found = await fingerprintOf({ gpus: [idleH200()], faults: { failure } });
    expect(found).toMatchObject({ gpuModel: null, gpuCount: 0, gpuEcc: null });
  });
});

describe("a model's revision", () => {
  it("is the commit of Hugging Face's cache", async () => {
    const folder = join(await tempDir(), "snapshots", "0123456789abcdef0123456789abcdef01234567");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "tokenizer.json"), "{}");
    const revision = await readModelRevision(folder);
    expect(revision).toEqual({ model: "0123456789ab", tokenizer: expect.stringMatching(HASH) });
  });

  it("of a folder changes with its configuration, its weights and its tokenizer", async () => {
    const revisionOf = async (files: Record<string, string>) => {
      const folder = await tempDir();
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      return readModelRevision(folder);
    };
    const files = { "config.json": "{}", "model.safetensors": "weights", "tokenizer.json": "{}" };
    const base = await revisionOf(files);
    expect(await revisionOf(files)).toEqual(base);
    expect((await revisionOf({ ...files, "config.json": "{ }" })).model).not.toBe(base.model);
    expect((await revisionOf({ ...files, "model.safetensors": "more weights" })).model).not.toBe(base.model);
    const retokenized = await revisionOf({ ...files, "tokenizer.json": "[]" });
    expect(retokenized.model).toBe(base.model);
    expect(retokenized.tokenizer).not.toBe(base.tokenizer);
    expect(await revisionOf({})).toEqual({ model: null, tokenizer: null });
  });
});
