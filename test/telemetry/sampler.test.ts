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

/** How long a loaded machine may take to start a program: a limit for what never comes, no pace of the tests. */
const PATIENCE_MS = 45_000;
const comes = (what: string, ask: () => boolean) => waitFor(what, ask, PATIENCE_MS);

/** Waits until the sampler has readings of so many GPUs. */
async function seesGpus(sampler: Sampler, count: number): Promise<void> {
  await comes(`readings of ${count} GPUs`, () => {
    const indexes = sampler.samples().flatMap(({ gpus }) => gpus.map(({ index }) => index));
    return new Set(indexes).size === count;
  });
}

/** Two links of a GPU as `nvidia-smi nvlink -gt d` lists them: as much sent on each, half of it received. */
function linksOf(kib: number): string {
  return [0, 1]
    .map((link) => `\t Link ${link}: Data Tx: ${kib} KiB\n\t Link ${link}: Data Rx: ${kib / 2} KiB\n`)
    .join("");
}

describe("the sampler", () => {
  it("reads the GPU of a healthy H200 under load", async () => {
    const { sampler } = await samplerOf({ gpus: [busyH200()], pcie: [[1200, 300]] });
    await seesGpus(sampler, 1);
    await comes("PCIe", () => sampler.samples().some(({ pcie }) => pcie.length > 0));
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
    await comes("PCIe", () => sampler.samples().some(({ pcie }) => pcie.length > 0));
    await sampler.started();
    await sampler.mark();
    const fromS = await sampler.mark();
    const later = () => sampler.samples().filter(({ tS }) => tS > fromS);
    await comes("later samples", () => later().length > 5 && later().some(({ gpus }) => gpus.length > 0));
    await sampler.stop();
    expect(later().flatMap(({ pcie }) => pcie)).toEqual([]);
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
    await comes("the heat", () =>
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
    await comes("the process", () => sampler.samples().some(({ gpuProcesses }) => gpuProcesses.length > 0));
    sampler.watch({ zeroS: monotonicS(), leaderPid: 10, pids: () => [] });
    expect(dirtyStart(await sampler.stop())).toEqual([
      "GPU 0: 61000 of 143771 MiB were in use before the server started by old-server (PID 999999)",
    ]);
  });

  it("tells the server's use of the cores from that of others, on the session's clock", async () => {
    const root = await machineRoot(processFiles(10, "vllm serve", { user: 0 }));
    const { sampler } = await samplerOf({ gpus: [] }, { root });
    await comes("a sample before the server", () => sampler.samples().length > 0);
    const zeroS = monotonicS();
    sampler.watch({ zeroS, leaderPid: 10, pids: () => [10] });
    await sampler.mark();
    const fromS = await sampler.mark();
    // Seconds enough that what this test itself uses meanwhile, which is taken off, is little of it.
    const hundredths = 100;
    await writeRoot(root, {
      "proc/stat": procStat([
        { user: 2000 * hundredths, idle: 1000 },
        { user: 1000 * hundredths, idle: 1000 },
      ]),
      ...processFiles(10, "vllm serve", { user: 1000 * hundredths }),
    });
    await comes("the server's use", () => sampler.samples().some(({ cpu }) => (cpu?.serverCores ?? 0) > 0));
    const samples = await sampler.stop();
    const used = samples
      .filter(({ tS }) => tS > fromS)
      .map(({ cpu, intervalS }) => [
        (cpu?.serverCores ?? 0) * intervalS,
        (cpu?.outsideCores ?? 0) * intervalS,
      ]);
    // Intervals are rounded to the millisecond, and one may be 20 ms long.
    const ofServerS = used.reduce((sum, [server = 0]) => sum + server, 0);
    const outsideS = used.reduce((sum, [, outside = 0]) => sum + outside, 0);
    expect(ofServerS / 1000).toBeCloseTo(1, 0);
    expect(outsideS / ofServerS).toBeGreaterThan(1.9);
    expect(outsideS / ofServerS).toBeLessThanOrEqual(2.001);
    expect(samples[0]?.tS).toBeLessThanOrEqual(0);
    expect(samples.at(-1)?.processes).toEqual([expect.objectContaining({ pid: 10, role: "api" })]);
  });

  it("reads the GPU at the end of a round that is over before the next reading", async () => {
    // A loop that never comes to an answer: only questions at marks give one.
    const { sampler } = await samplerOf({ gpus: [busyH200()], loopStartsAfterS: 600 }, { periodMs: 60_000 });
    sampler.watch({ zeroS: monotonicS(), leaderPid: 10, pids: () => [] });
    let fromS = await sampler.mark();
    let toS = fromS;
    const readings: number[] = [];
    await waitFor(
      "a reading",
      async () => {
        [fromS, toS] = [toS, await sampler.mark()];
        const [gpu] = summarize(sampler.between(fromS, toS), fromS, toS).gpus;
        readings.push(gpu?.readings ?? 0);
        return gpu !== undefined;
      },
      PATIENCE_MS,
    );
    expect(readings.at(-1)).toBe(1);
    // As many as its allowance has at once, then hardly any: each costs a fraction of a core.
    for (let round = 0; round < 20; round += 1) await sampler.mark();
    const all = (await sampler.stop()).flatMap(({ gpus }) => gpus);
    expect(all.length).toBeGreaterThan(0);
    expect(all.length).toBeLessThanOrEqual(5);
  });

  it("counts what goes over NVLink in a round, of the GPUs that the server sees", async () => {
    const gpus = [busyH200(0), busyH200(1), busyH200(2)];
    const listing = (kib: number) =>
      [0, 1, 2]
        .map((index) => `GPU ${index}: NVIDIA H200 (UUID: GPU-${index})\n${linksOf(kib * (index + 1))}`)
        .join("");
    const machine = { gpus, nvlink: listing(1024) };
    const { sampler, folder } = await samplerOf(machine, { visibleDevices: "0,1" });
    await seesGpus(sampler, 2);
    const fromS = await sampler.mark();
    await setMachine(folder, { ...machine, nvlink: listing(5 * 1024) });
    // Marks that follow each other at once are one end.
    const beganS = monotonicS();
    await comes("the round to have a length", () => monotonicS() - beganS > 0.25);
    const toS = await sampler.mark();
    const found = summarize(sampler.between(fromS, toS), fromS, toS).gpus;
    await sampler.stop();
    expect(found.map(({ index, nvlinkTxMib, nvlinkRxMib }) => [index, nvlinkTxMib, nvlinkRxMib])).toEqual([
      [0, 8, 4],
      [1, 16, 8],
    ]);
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
    await comes("samples", () => sampler.samples().length > 2);
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
    await comes("samples", () => sampler.samples().length > 2);
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
      // Whether it answers or not is up to the fault: this is for those that do.
      await sampler.looked(150);
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
    // It hangs or it does not: how long twenty of them take to end on a loaded machine is no matter.
    expect(Math.max(...results.map(({ tookMs }) => tookMs))).toBeLessThan(30_000);
    expect(Math.min(...results.map(({ samples }) => samples))).toBeGreaterThan(0);
    for (const { folder } of results) {
      await waitFor(
        "its processes to be gone",
        async () => (await processesWith(folder)).length === 0,
        PATIENCE_MS,
      );
    }
    // What an nvidia-smi does not know is no reason to distrust a round.
    expect(results.flatMap(({ reasons }) => reasons)).toEqual([]);
  });
});
