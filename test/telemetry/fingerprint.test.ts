import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readFingerprint } from "../../src/telemetry/fingerprint.ts";
import { tempDir } from "../support/temp-dir.ts";

const IDENTITY = { model: "org/model", probeSuite: "1-abc" };
const H200 = "NVIDIA H200, 143771, 700.00, 570.148.08";
const [A, B] = ["GPU-6e2f1c1e-0000-4a6c-9a3c-000000000001", "GPU-6e2f1c1e-0000-4a6c-9a3c-000000000002"];

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The host's id on a machine with these GPUs and this machine-id. */
async function hostIdOf(gpus: readonly string[], machineId: string | null): Promise<unknown> {
  const folder = await tempDir();
  const program = join(folder, "nvidia-smi");
  await writeFile(program, `#!/bin/sh\n${gpus.map((gpu) => `echo '${gpu}'`).join("\n")}\n`);
  await chmod(program, 0o755);
  if (machineId !== null) await writeFile(join(folder, "machine-id"), machineId);
  vi.stubEnv("PATH", folder);
  const found = await readFingerprint(IDENTITY, join(folder, "machine-id"));
  expect(found["gpuCount"]).toBe(gpus.length);
  return found["hostId"];
}

const MACHINE = "4f6a1c0d9b7e4c1fa2d3e4b5c6d7e8f9\n";
const HASH = /^[0-9a-f]{12}$/;

describe("what tells hosts apart", () => {
  it("their GPUs, in whatever order, whatever else the container says", async () => {
    const id = await hostIdOf([`${H200}, ${A}`, `${H200}, ${B}`], null);
    expect(id).toMatch(HASH);
    expect(await hostIdOf([`${H200}, ${B}`, `${H200}, ${A}`], MACHINE)).toBe(id);
    expect(await hostIdOf([`${H200}, ${A}`], MACHINE)).not.toBe(id);
  });

  it("the machine's id where there is no GPU, or one without an id", async () => {
    const id = await hostIdOf([], MACHINE);
    expect(id).toMatch(HASH);
    expect(await hostIdOf([`${H200}, [N/A]`], MACHINE)).toBe(id);
  });

  it("nothing where there is neither: a container's hostname is another one each time", async () => {
    expect(await hostIdOf([], null)).toBeNull();
    expect(await hostIdOf([], "")).toBeNull();
    expect(await hostIdOf([], "uninitialized\n")).toBeNull();
  });
});
