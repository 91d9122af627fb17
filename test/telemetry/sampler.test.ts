import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { telemetryLineSchema } from "../../src/domain/telemetry.ts";
import { monotonicS } from "../../src/system/clock.ts";
import { dirtyReasons, dirtyStart } from "../../src/telemetry/dirty.ts";
import {
  type Sampler,
  type SamplerOptions,
  startSampler,
  telemetryLines,
} from "../../src/telemetry/sampler.ts";
import { summarize } from "../../src/telemetry/summarize.ts";
import { busyH200, idleH200, installNvidiaSmi, type StubMachine, setMachine } from "../support/nvidia-smi.ts";
import { processesWith } from "../support/runs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitFor } from "../support/wait-for.ts";
import { machineRoot, processFiles, procStat, writeRoot } from "./machine-root.ts";

/** A sampler over a stubbed nvidia-smi and the files of a quiet machine. */
async function samplerOf(machine: StubMachine, options: SamplerOptions = {}) {
  const folder = await tempDir();
  const nvidiaSmi = await installNvidiaSmi(folder, machine);
  const root = options.root ?? (await machineRoot());
  const sampler = startSampler({ periodMs: 20, nvidiaSmi, root, ...options });
  return { sampler, folder, root };
}

/** Waits until the sampler has readings of so many GPUs. */
async function seesGpus(sampler: Sampler, count: number): Promise<void> {
  await waitFor(`readings of ${count} GPUs`, () => {
    const indexes = sampler.samples().flatMap(({ gpus }) => gpus.map(({ index }) => index));
    return new Set(indexes).size === count;
  });
}

describe("the sampler", () => {
  it("reads the GPU of a healthy H200 under load", async () => {
    const { sampler } = await samplerOf({ gpus: [busyH200()], pcie: [[1200, 300]] });
    await seesGpus(sampler, 1);
    await waitFor("PCIe", () => sampler.samples().some(({ pcie }) => pcie.length > 0));
    const samples = await sampler.stop();
    const summary = summarize(samples, -60, 60);
    expect(summary.gpus).toEqual([
      expect.objectContaining({
        index: 0,
        busyMean: 0.77,
        memoryPeakMib: 132437,
        smClockMinMhz: 1980,
        powerMaxW: 341.66,
        temperatureMaxC: 46,
        throttle: [{ reason: "power_cap", share: 1 }],
        pcieRxPeakMbPerS: 1200,
      }),
    ]);
    expect(dirtyReasons(summary)).toEqual([]);
  });

  it("watches PCIe traffic until the server has started", async () => {
    const { sampler } = await samplerOf({ gpus: [busyH200()], pcie: [[1200, 300]] });
    await waitFor("PCIe", () => sampler.samples().some(({ pcie }) => pcie.length > 0));
    await sampler.started();
    await sampler.mark();
    const fromS = await sampler.mark();
    await waitFor("later samples", () => sampler.samples().filter(({ tS }) => tS > fromS).length > 5);
    const later = (await sampler.stop()).filter(({ tS }) => tS > fromS);
    expect(later.flatMap(({ pcie }) => pcie)).toEqual([]);
    expect(later.flatMap(({ gpus }) => gpus).length).toBeGreaterThan(0);
  });

  it("watches only the GPUs that the server sees", async () => {
    const gpus = Array.from({ length: 8 }, (_, index) => busyH200(index));
    const { sampler } = await samplerOf({ gpus }, { visibleDevices: "2,5" });
    await seesGpus(sampler, 2);
    const { gpus: found } = summarize(await sampler.stop(), -60, 60);
    expect(found.map(({ index }) => index)).toEqual([2, 5]);
  });

  it("watches all of eight GPUs", async () => {
    const gpus = Array.from({ length: 8 }, (_, index) => busyH200(index));
    const { sampler } = await samplerOf({ gpus });
    await seesGpus(sampler, 8);
    expect(summarize(await sampler.stop(), -60, 60).gpus).toHaveLength(8);
  });

  it("asks an older driver for what it knows", async () => {
    const { "clocks_event_reasons.active": active = "", ...old } = busyH200();
    const { sampler } = await samplerOf({
      gpus: [{ ...old, "clocks_throttle_reasons.active": active }],
      faults: {
        unknownFields: ["clocks_event_reasons.active", "clocks_event_reasons_counters.sw_power_cap"],
      },
    });
    await seesGpus(sampler, 1);
    const [gpu] = summarize(await sampler.stop(), -60, 60).gpus;
    expect(gpu?.throttle).toEqual([{ reason: "power_cap", share: 1 }]);
  });

  it("finds a thermal throttle that begins, and a process that joins", async () => {
    const { sampler, folder } = await samplerOf({ gpus: [busyH200()] });
    await seesGpus(sampler, 1);
    const quietUntilS = await sampler.mark();
    expect(dirtyReasons(summarize(sampler.samples(), -60, quietUntilS))).toEqual([]);
    const hot = {
      ...busyH200(),
      "clocks.sm": 1200,
      "temperature.gpu": 91,
      "clocks_event_reasons.active": "0x0000000000000048",
      "memory.used": 135000,
    };
    const intruder = { uuid: String(busyH200()["uuid"]), pid: 999_999, memoryMib: 2563, name: "/opt/train" };
    await setMachine(folder, { gpus: [hot], processes: [intruder] });
    await waitFor("the heat", () =>
      sampler.samples().some(({ gpus }) => gpus.some((gpu) => gpu.temperatureC === 91)),
    );
    const untilS = await sampler.mark();
    const [first] = dirtyReasons(summarize(await sampler.stop(), quietUntilS, untilS));
    expect(first).toMatch(
      /^GPU 0: hardware slowdown in \d+ % of \d+ readings, up to 91 °C, SM clock down to 1200 of 1980 MHz$/,
    );
  });

  it("knows what was on the GPU before the server", async () => {
    const uuid = String(idleH200()["uuid"]);
    const { sampler } = await samplerOf({
      gpus: [{ ...idleH200(), "memory.used": 61_000 }],
      processes: [{ uuid, pid: 999_999, memoryMib: 60_000, name: "old-server" }],
    });
    await waitFor("the process", () => sampler.samples().some(({ gpuProcesses }) => gpuProcesses.length > 0));
    sampler.watch({ zeroS: monotonicS(), leaderPid: 10, pids: () => [] });
    expect(dirtyStart(await sampler.stop())).toEqual([
      "GPU 0: 61000 of 143771 MiB were in use before the server started by old-server (PID 999999)",
    ]);
  });

  it("tells the server's use of the cores from that of others, on the session's clock", async () => {
    const root = await machineRoot(processFiles(10, "vllm serve", { user: 0 }));
    const { sampler } = await samplerOf({ gpus: [] }, { root });
    await waitFor("a sample before the server", () => sampler.samples().length > 0);
    const zeroS = monotonicS();
    sampler.watch({ zeroS, leaderPid: 10, pids: () => [10] });
    await sampler.mark();
    const fromS = await sampler.mark();
    const hundredths = 100;
    await writeRoot(root, {
      "proc/stat": procStat([
        { user: 2 * hundredths, idle: 1000 },
        { user: hundredths, idle: 1000 },
      ]),
      ...processFiles(10, "vllm serve", { user: hundredths }),
    });
    await waitFor("the server's use", () => sampler.samples().some(({ cpu }) => (cpu?.serverCores ?? 0) > 0));
    const samples = await sampler.stop();
    const used = samples
      .filter(({ tS }) => tS > fromS)
      .map(({ cpu, intervalS }) => [
        (cpu?.serverCores ?? 0) * intervalS,
        (cpu?.outsideCores ?? 0) * intervalS,
      ]);
    expect(used.reduce((sum, [server = 0]) => sum + server, 0)).toBeCloseTo(1, 1);
    // Times of samples are rounded to the millisecond; the time of this test's own process is taken off.
    const outsideS = used.reduce((sum, [, outside = 0]) => sum + outside, 0);
    expect(outsideS).toBeGreaterThan(1.5);
    expect(outsideS).toBeLessThan(2.1);
    expect(samples[0]?.tS).toBeLessThanOrEqual(0);
    expect(samples.at(-1)?.processes).toEqual([expect.objectContaining({ pid: 10, role: "api" })]);
  });

  it("writes lines of one schema, and hands on every sample once, also those before the server", async () => {
    const handed: number[] = [];
    const { sampler } = await samplerOf({ gpus: [busyH200()] }, { onSample: ({ tS }) => handed.push(tS) });
    await seesGpus(sampler, 1);
    expect(handed).toEqual([]);
    sampler.watch({ zeroS: monotonicS(), leaderPid: 1, pids: () => [] });
    const samples = await sampler.stop();
    expect(handed).toEqual(samples.map(({ tS }) => tS));
    const lines = telemetryLines(samples, { variant: "head", session: 1 }).trimEnd().split("\n");
    expect(lines.map((line) => telemetryLineSchema.parse(JSON.parse(line)).session)).toEqual(
      samples.map(() => 1),
    );
  });

  it("goes on without an nvidia-smi, and on a machine without /proc", async () => {
    const sampler = startSampler({ periodMs: 5, nvidiaSmi: "/nonexistent/nvidia-smi", root: "/nonexistent" });
    await sampler.mark();
    await waitFor("samples", () => sampler.samples().length > 2);
    const samples = await sampler.stop();
    expect(samples[0]).toMatchObject({ gpus: [], cpu: null, memory: null, pressure: null });
    expect(await sampler.stop()).toEqual(samples);
  });

  it("does not fail when the processes cannot be listed or a sample cannot be written", async () => {
    const sampler = startSampler({
      periodMs: 5,
      nvidiaSmi: null,
      onSample: () => {
        throw new Error("no space");
      },
    });
    sampler.watch({ zeroS: monotonicS(), leaderPid: 1, pids: () => Promise.reject(new Error("gone")) });
    await waitFor("samples", () => sampler.samples().length > 2);
    expect((await sampler.stop()).length).toBeGreaterThan(2);
  });
});

describe("an nvidia-smi that misbehaves", () => {
  const value = fc.constantFrom(
    "[N/A]",
    "[Unknown Error]",
    "[GPU requires reset]",
    "",
    "1e999",
    "%s%n",
    "-1",
  );
  const machine = fc.record({
    broken: fc.dictionary(fc.constantFrom(...Object.keys(busyH200())), value, { maxKeys: 6 }),
    faults: fc.record(
      {
        delayS: fc.constantFrom(0, 0.05, 5),
        endsAfter: fc.constantFrom(0, 1, 3),
        garbage: fc.constantFrom(
          "Unable to determine the device handle for GPU0000:01:00.0: Unknown Error\n",
          "\u0000\u0001\u00ff,,,,\n",
          `${"x".repeat(100_000)}\n`,
          "no line end",
          "0, 1, 2\n",
          "Failed to initialize NVML: Driver/library version mismatch\n",
        ),
        failure: fc.constantFrom(
          {
            text: "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
            code: 9,
          },
          { text: "No devices were found\n", code: 6 },
        ),
        hangs: fc.constant(true),
        unknownFields: fc.constantFrom(["index"], ["uuid", "power.draw"], ["utilization.gpu"]),
      },
      { requiredKeys: [] },
    ),
    vanishes: fc.boolean(),
  });

  it("never hangs or fails a run, over 100 seeds", { timeout: 120_000 }, async () => {
    const cases = fc.sample(machine, { numRuns: 100, seed: 7 });
    const run = async ({ broken, faults, vanishes }: (typeof cases)[number]) => {
      const { sampler, folder } = await samplerOf({
        gpus: [{ ...busyH200(), ...broken }],
        processes: [{ uuid: "GPU-0", pid: 1, memoryMib: "[N/A]", name: "" }],
        faults,
      });
      sampler.watch({ zeroS: monotonicS(), leaderPid: process.pid, pids: () => [process.pid] });
      const fromS = await sampler.mark();
      await new Promise((resolve) => setTimeout(resolve, 150));
      if (vanishes) await setMachine(folder, { gpus: [], faults: { failure: { text: "", code: 127 } } });
      const toS = await sampler.mark();
      const stoppedMs = performance.now();
      const samples = await sampler.stop();
      const tookMs = performance.now() - stoppedMs;
      for (const line of telemetryLines(samples, { variant: "head", session: 0 }).trimEnd().split("\n")) {
        telemetryLineSchema.parse(JSON.parse(line));
      }
      const reasons = dirtyReasons(summarize(samples, fromS, toS));
      return {
        tookMs,
        folder,
        samples: samples.length,
        reasons: reasons.filter((each) => !each.includes("cores")),
      };
    };
    const results: Awaited<ReturnType<typeof run>>[] = [];
    for (let first = 0; first < cases.length; first += 20) {
      results.push(...(await Promise.all(cases.slice(first, first + 20).map(run))));
    }
    expect(results).toHaveLength(100);
    expect(Math.max(...results.map(({ tookMs }) => tookMs))).toBeLessThan(5_000);
    expect(Math.min(...results.map(({ samples }) => samples))).toBeGreaterThan(0);
    for (const { folder } of results) {
      await waitFor("its processes to be gone", async () => (await processesWith(folder)).length === 0);
    }
    // What an nvidia-smi does not know is no reason to distrust a round.
    expect(results.flatMap(({ reasons }) => reasons)).toEqual([]);
  });
});
