import { describe, expect, it } from "vitest";
import { dirtyReasons, dirtyStart } from "../../src/telemetry/dirty.ts";
import { summarize } from "../../src/telemetry/summarize.ts";
import { reading, type SampleChanges, sample, seconds } from "./samples.ts";

const reasonsOf = (changes: SampleChanges) => dirtyReasons(summarize(seconds(60, changes), 0, 60));
const gpu = (changes: Parameters<typeof reading>[1]) => ({ gpus: [reading(0.5, changes)] });

describe("a round is clean", () => {
  it.each<[string, SampleChanges]>([
    ["on a quiet machine", {}],
    [
      "when the server itself saturates its cores",
      { cpu: { busy: 1, serverCores: 15.8, outsideCores: 0.1 }, pressure: { cpuSome: 0.99 } },
    ],
    [
      "under a power cap, which is how the GPU is run",
      gpu({ throttle: ["power_cap"], smClockMhz: 1485, powerW: 692 }),
    ],
    ["with application clocks", gpu({ throttle: ["application_clocks"] })],
    ["when nothing can be read", { cpu: null, memory: null, pressure: null, gpus: [] }],
    [
      "when others use idle cores and nobody waits",
      { cpu: { outsideCores: 3 }, pressure: { cpuSome: 0.01 } },
    ],
    ["with swap that lies still", { memory: { swapUsedMib: 900 } }],
  ])("%s", (_, changes) => {
    expect(reasonsOf(changes)).toEqual([]);
  });
});

describe("a round is dirty, with the evidence,", () => {
  it.each<[string, SampleChanges, RegExp]>([
    [
      "when the GPU is too hot",
      gpu({ throttle: ["hw_thermal", "power_cap"], temperatureC: 91, smClockMhz: 1200 }),
      /^GPU 0: thermal throttling by the hardware in 100 % of 60 readings, up to 91 °C, SM clock down to 1200 of 1980 MHz$/,
    ],
    [
      "when the driver slows a hot GPU",
      gpu({ throttle: ["sw_thermal"] }),
      /thermal throttling by the driver/,
    ],
    ["at a hardware slowdown", gpu({ throttle: ["hw_slowdown"] }), /hardware slowdown/],
    ["at a power brake", gpu({ throttle: ["hw_power_brake"] }), /power brake by the power supply/],
    [
      "when another process is on the GPU",
      {
        gpuProcesses: [
          { gpuUuid: "GPU-0", pid: 4242, name: "/usr/bin/train", memoryMib: 2048, owner: "other" },
        ],
      },
      /^another process was on the GPU: \/usr\/bin\/train \(PID 4242, 2048 MiB\)$/,
    ],
    [
      "when others take cores that are waited for",
      { cpu: { cores: 2, outsideCores: 1.02, serverCores: 0.96 }, pressure: { cpuSome: 0.94 } },
      /^other programs used 1\.02 of 2 cores \(51 %, limit 10 %\), while tasks waited for a core in 94 % of the time \(PSI\); the server used 0\.96$/,
    ],
    [
      "when others take many cores, waited for or not",
      { cpu: { outsideCores: 8 }, pressure: { cpuSome: 0 } },
      /8\.00 of 16 cores/,
    ],
    [
      "when others take cores and the kernel has no PSI",
      { cpu: { outsideCores: 2.4 }, pressure: null },
      /2\.40 of 16 cores \(15 %/,
    ],
    [
      "when the host takes time away",
      { cpu: { steal: 0.08 } },
      /took 8\.0 % of the CPU time away \(steal, limit 3\.0 %\)/,
    ],
    ["when it swaps", { memory: { swapInMib: 1, swapOutMib: 0.5 } }, /swapped: 60\.0 MiB in, 30\.0 MiB out/],
    ["when tasks wait for memory", { pressure: { memorySome: 0.2 } }, /waited for memory in 20 %/],
    ["when all wait for a disk", { pressure: { ioFull: 0.5 } }, /waited for a disk in 50 %/],
    [
      "when the control group's limit holds it back",
      { cgroup: { cpuLimitCores: 2, throttled: 0.3, memoryLimitMib: null, memoryUsedMib: null } },
      /limit of 2 cores held the server back in 30 %/,
    ],
  ])("%s", (_, changes, reason) => {
    const reasons = reasonsOf(changes);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toMatch(reason);
  });

  it("when heat held the GPU down between two readings, by the driver's count", () => {
    const held = (swThermal: number) => ({ powerCap: 0, swThermal, hwThermal: 0, powerBrake: 0 });
    const samples = [
      sample(1, { gpus: [reading(0.5, { heldDownS: held(1) })] }),
      sample(2, { gpus: [reading(1.5, { heldDownS: held(1.3), temperatureC: 88 })] }),
    ];
    expect(dirtyReasons(summarize(samples, 0, 2))).toEqual([
      "GPU 0: held down by heat for 0.30 s by the driver's count, up to 88 °C, SM clock down to 1980 of 1980 MHz",
    ]);
  });

  it("and names each GPU that is ill", () => {
    const gpus = Array.from({ length: 8 }, (_, index) =>
      reading(0.5, { index, throttle: index === 3 || index === 6 ? ["hw_thermal"] : [] }),
    );
    expect(dirtyReasons(summarize([sample(1, { gpus })], 0, 1)).map((text) => text.slice(0, 5))).toEqual([
      "GPU 3",
      "GPU 6",
    ]);
  });
});

describe("a session's start", () => {
  const holder = {
    gpuUuid: "GPU-0",
    pid: 77,
    name: "old-server",
    memoryMib: 60_000,
    owner: "other" as const,
  };
  it("is dirty when GPU memory is not free, and says who holds it", () => {
    const before = sample(0, { gpus: [reading(-0.5, { memoryUsedMib: 61_000 })], gpuProcesses: [holder] });
    expect(dirtyStart([before, ...seconds(3)])).toEqual([
      "GPU 0: 61000 of 143771 MiB were in use before the server started by old-server (PID 77)",
    ]);
  });

  it("is dirty also when nobody can be seen to hold it", () => {
    expect(dirtyStart([sample(0, { gpus: [reading(-0.5, { memoryUsedMib: 5_000 })] })])[0]).toMatch(
      /by no process that can be seen from here$/,
    );
  });

  it("is clean when what is in use came with the server", () => {
    const before = sample(0, { gpus: [reading(-0.5, { memoryUsedMib: 3 })] });
    expect(dirtyStart([before, sample(30, { gpus: [reading(29.5)] })])).toEqual([]);
    expect(dirtyStart([])).toEqual([]);
  });
});
