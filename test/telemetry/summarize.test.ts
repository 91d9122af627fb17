import { describe, expect, it } from "vitest";
import { telemetrySummarySchema } from "../../src/domain/telemetry.ts";
import { summarize } from "../../src/telemetry/summarize.ts";
import { reading, sample, seconds } from "./samples.ts";

describe("a summary", () => {
  it("of nothing says so, and breaks nothing", () => {
    const summary = summarize([], 0, 10);
    expect(summary).toMatchObject({
      samples: 0,
      gpus: [],
      cpu: null,
      memory: null,
      pressure: null,
      roles: {},
    });
    expect(telemetrySummarySchema.parse(summary)).toEqual(summary);
  });

  it("weights samples by the part of them that lies between the times", () => {
    const samples = [
      sample(1, { cpu: { busy: 1, outsideCores: 4 }, memory: { swapInMib: 8 } }),
      sample(2, { cpu: { busy: 0, outsideCores: 0 }, memory: { swapInMib: 0 } }),
    ];
    const { cpu, memory } = summarize(samples, 0.75, 1.5);
    expect(cpu?.busy).toBeCloseTo(1 / 3, 3);
    expect(cpu?.outside).toBeCloseTo(4 / 3 / 16, 3);
    expect(memory?.swapInMib).toBe(2);
    expect(summarize(samples, 1, 2).cpu?.busy).toBe(0);
  });

  it("has a GPU's mean, peaks, median and least over the readings between the times", () => {
    const gpus = [
      reading(0.5, { utilization: 0, memoryUsedMib: 0, smClockMhz: 345, throttle: ["idle"] }),
      reading(1.5, {
        utilization: 0.6,
        memoryUsedMib: 100,
        smClockMhz: 1500,
        powerW: 690,
        throttle: ["power_cap"],
      }),
      reading(2.5, { utilization: 1, memoryUsedMib: 300, smClockMhz: 1980, temperatureC: 60 }),
      reading(3.5, { utilization: 0.8, memoryUsedMib: 200, smClockMhz: 1700 }),
      reading(9.5, { utilization: 0, memoryUsedMib: 999 }),
    ];
    const [gpu] = summarize([sample(10, { gpus, intervalS: 10 })], 1, 4).gpus;
    expect(gpu).toMatchObject({
      readings: 3,
      busyMean: 0.8,
      memoryPeakMib: 300,
      memorySteadyMib: 200,
      smClockMinMhz: 1500,
      smClockMedianMhz: 1700,
      smClockMaxMhz: 1980,
      powerMaxW: 690,
      temperatureMaxC: 60,
      throttle: [{ reason: "power_cap", share: 0.3333 }],
    });
  });

  it("does not count reasons of an idle GPU", () => {
    const gpus = [reading(0.5, { throttle: ["idle", "hw_slowdown"] })];
    expect(summarize([sample(1, { gpus })], 0, 1).gpus[0]?.throttle).toEqual([]);
  });

  it("takes the driver's own count of time held down, and PCIe peaks", () => {
    const held = (hwThermal: number) => ({ powerCap: 1, swThermal: 0, hwThermal, powerBrake: null });
    const gpus = [reading(0.2, { heldDownS: held(5) }), reading(0.8, { heldDownS: held(5.4) })];
    const pcie = [
      { tS: 0.3, index: 0, rxMbPerS: 50_000, txMbPerS: 10 },
      { tS: 0.6, index: 0, rxMbPerS: 20, txMbPerS: null },
      { tS: 0.6, index: 1, rxMbPerS: 99_999, txMbPerS: null },
    ];
    const [gpu] = summarize([sample(1, { gpus, pcie })], 0, 1).gpus;
    expect(gpu?.heldDownS).toEqual({ powerCap: 0, swThermal: 0, hwThermal: 0.4, powerBrake: null });
    expect(gpu).toMatchObject({ pcieRxPeakMbPerS: 50_000, pcieTxPeakMbPerS: 10 });
  });

  it("keeps eight GPUs apart", () => {
    const gpus = Array.from({ length: 8 }, (_, index) => reading(0.5, { index, powerW: 100 + index }));
    const summary = summarize([sample(1, { gpus: gpus.toReversed() })], 0, 1);
    expect(summary.gpus.map(({ index, powerMaxW }) => [index, powerMaxW])).toEqual(
      gpus.map((_, index) => [index, 100 + index]),
    );
  });

  it("sums a role's processes, and takes the largest memory over time", () => {
    const process = (pid: number, role: "worker" | "api", rssMib: number) => ({
      pid,
      role,
      rssMib,
      cpuCores: 0.5,
    });
    const { roles } = summarize(
      [
        sample(1, { processes: [process(1, "api", 10), process(2, "worker", 20), process(3, "worker", 30)] }),
        sample(2, { processes: [process(1, "api", 15), process(2, "worker", 20)] }),
      ],
      0,
      2,
    );
    expect(roles).toEqual({
      api: { rssMib: 15, cpuCores: 0.5 },
      worker: { rssMib: 50, cpuCores: 0.75 },
    });
  });

  it("knows how much the page cache grew", () => {
    const samples = [sample(1, { memory: { cachedMib: 100 } }), sample(2, { memory: { cachedMib: 322 } })];
    expect(summarize(samples, 0, 2).memory?.cachedRiseMib).toBe(222);
    expect(summarize(samples, 1, 2).memory?.cachedRiseMib).toBeNull();
  });
});

describe("processes on a GPU", () => {
  const on = (pid: number, owner: "server" | "other" | "unknown", name = "python3") => ({
    pid,
    owner,
    name,
    gpuUuid: "GPU-0",
    memoryMib: 500,
  });
  const foreign = (samples: ReturnType<typeof seconds>) =>
    summarize(samples, 0, 10).foreignGpuProcesses.map(({ pid }) => pid);

  it("of another program are foreign, the server's are not", () => {
    expect(foreign(seconds(2, { gpuProcesses: [on(1, "server"), on(2, "other")] }))).toEqual([2]);
  });

  it("that cannot be seen are foreign when the server's own can be, or when they were there first", () => {
    expect(foreign(seconds(2, { gpuProcesses: [on(1, "server"), on(2, "unknown")] }))).toEqual([2]);
    // A container: the server's own PID is the host's, so nothing on the GPU can be told to be another's …
    expect(foreign(seconds(2, { gpuProcesses: [on(4711, "unknown")] }))).toEqual([]);
    // … but for what was there before the server.
    const before = sample(0, { gpuProcesses: [on(99, "unknown")] });
    expect(
      foreign([before, ...seconds(2, { gpuProcesses: [on(99, "unknown"), on(4711, "unknown")] })]),
    ).toEqual([99]);
  });
});
