import { describe, expect, it } from "vitest";
import { diffFingerprints, type Fingerprint, fingerprintSlug } from "../../src/domain/fingerprint.ts";

const H200: Fingerprint = {
  gpuModel: "NVIDIA H200",
  gpuCount: 1,
  gpuMemoryMib: 143771,
  gpuPowerLimitW: 700,
  driver: "570.172.08",
  model: "Qwen/Qwen2.5-1.5B-Instruct",
  probeSuite: 1,
  cpuModel: "Intel(R) Xeon(R) Platinum 8480C",
  cpuCores: 16,
  kernel: "6.8.0",
  os: "Ubuntu 24.04",
  hostId: "a1b2",
};
const CPU: Fingerprint = {
  gpuModel: null,
  gpuCount: 0,
  cpuModel: "AMD EPYC 7763 64-Core Processor",
  cpuCores: 4,
  model: "models/tiny-shape",
  hostId: "c3d4",
};

describe("diffFingerprints", () => {
  it("finds nothing between equal ones", () => {
    expect(diffFingerprints(H200, { ...H200 })).toEqual([]);
  });

  it.each<[field: string, head: string | number | null, rule: "must" | "note"]>([
    ["gpuModel", "NVIDIA H100", "must"],
    ["gpuCount", 2, "must"],
    ["gpuMemoryMib", 81559, "must"],
    ["gpuPowerLimitW", 500, "must"],
    ["driver", "580.1", "must"],
    ["model", "Qwen/Qwen2.5-7B-Instruct", "must"],
    ["probeSuite", 2, "must"],
    ["cpuModel", "other", "note"],
    ["cpuCores", 8, "note"],
    ["kernel", "6.9.0", "note"],
    ["os", "Ubuntu 26.04", "note"],
    ["hostId", "zzzz", "note"],
    ["gpuModel", null, "must"],
  ])("with a GPU, %s of another value (%j) is a `%s`", (field, head, rule) => {
    expect(diffFingerprints(H200, { ...H200, [field]: head })).toEqual([
      { field, rule, base: H200[field], head },
    ]);
  });

  it.each(["cpuModel", "cpuCores"])("without a GPU, %s is a `must`", (field) => {
    expect(diffFingerprints(CPU, { ...CPU, [field]: "other" })).toEqual([
      { field, rule: "must", base: CPU[field], head: "other" },
    ]);
  });

  it("a CPU that differs between a machine with a GPU and one without is a `note`: the GPU tells", () => {
    const rules = diffFingerprints(H200, { ...CPU, model: H200["model"] ?? null }).map((d) => [
      d.field,
      d.rule,
    ]);
    expect(rules).toContainEqual(["gpuModel", "must"]);
    expect(rules).toContainEqual(["cpuModel", "note"]);
  });

  it("a field that only one side recorded is not a difference", () => {
    const { driver: _, ...older } = H200;
    expect(diffFingerprints(older, H200)).toEqual([]);
    expect(diffFingerprints(H200, older)).toEqual([]);
  });

  it("a field that nobody knows is a `note`", () => {
    expect(diffFingerprints({ ...H200, colour: "red" }, { ...H200, colour: "blue" })).toEqual([
      { field: "colour", rule: "note", base: "red", head: "blue" },
    ]);
  });

  it("shows what must be equal first, then by name", () => {
    const other = { ...H200, kernel: "x", os: "x", driver: "x", gpuModel: "x", hostId: "x" };
    expect(diffFingerprints(H200, other).map(({ field }) => field)).toEqual([
      "driver",
      "gpuModel",
      "hostId",
      "kernel",
      "os",
    ]);
  });
});

describe("fingerprintSlug", () => {
  it.each<[Fingerprint, string]>([
    [H200, "nvidia-h200-1x-140gib-qwen2.5-1.5b-instruct"],
    [{ ...H200, gpuCount: 8 }, "nvidia-h200-8x-140gib-qwen2.5-1.5b-instruct"],
    [CPU, "amd-epyc-7763-64-core-processor-4c-tiny-shape"],
    [
      { cpuModel: "Intel(R) Core(TM) i7", cpuCores: 8, model: "/data/models/phi-3/" },
      "intel-core-i7-8c-phi-3",
    ],
    [{}, "cpu-1c-model"],
    [{ model: "../../etc" }, "cpu-1c-etc"],
    [{ cpuModel: "..", model: ".." }, "1c"],
    [{ cpuModel: "", cpuCores: 2, model: "モデル" }, "2c"],
  ])("names the file of %j", (fingerprint, slug) => {
    expect(fingerprintSlug(fingerprint)).toBe(slug);
  });

  it("differs where machine or model do", () => {
    const slugs = [
      H200,
      CPU,
      { ...H200, gpuModel: "NVIDIA H100" },
      { ...H200, gpuCount: 2 },
      { ...H200, gpuMemoryMib: 81559 },
      { ...H200, model: "Qwen/Qwen2.5-7B-Instruct" },
      { ...CPU, cpuCores: 8 },
    ].map(fingerprintSlug);
    expect(new Set(slugs).size).toBe(slugs.length);
  });

  it("does not depend on what is only noted", () => {
    expect(fingerprintSlug({ ...H200, hostId: "other", kernel: "7", cpuModel: "x" })).toBe(
      fingerprintSlug(H200),
    );
  });

  it("is a name that every file system takes, however long or odd the model's", () => {
    for (const model of ["x".repeat(1000), "a b\tc\n", "CON", "...", "-rf", 'a"b|c*?<>:\\d']) {
      expect(fingerprintSlug({ ...H200, model })).toMatch(/^[a-z0-9][a-z0-9.-]{0,119}$/);
    }
  });
});
