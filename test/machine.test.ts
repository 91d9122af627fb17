import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runAndRecord, runGate } from "../src/gate.ts";
import { loadConfig } from "../src/inputs.ts";
import type { Surroundings } from "../src/surroundings.ts";
import { busyH200, idleH200, installNvidiaSmi, type StubMachine, setMachine } from "./support/nvidia-smi.ts";
import { readRun } from "./support/runs.ts";
import { tempDir } from "./support/temp-dir.ts";
import { createWorkspace } from "./support/workspace.ts";
import { machineRoot } from "./telemetry/machine-root.ts";

const UUID = String(idleH200()["uuid"]);
const HEALTHY: StubMachine = { gpus: [{ ...busyH200(), "memory.used": 0 }] };

/** Nothing that the tests' own machine does may decide here: whatever was measured is well within. */
const SCENARIO = {
  probes: {
    // Longer than a reading of the GPU takes to come round.
    ttft: { warmRequests: 60, outputTokens: 32 },
    batching: { concurrency: [1], waves: 1, outputTokens: 32 },
    prefix: false,
    kv: false,
  },
  tolerances: { "ttft.*.*": { relative: 10 }, "batching.*.*": { relative: 10 } },
};

/** A gate on the simulator, on a machine of files and a stub of nvidia-smi. */
async function gateOn(machine: StubMachine, options: { files?: Record<string, string> } = {}) {
  const workspace = await createWorkspace({
    scenario: SCENARIO,
    top: { onDirty: "repeat", rounds: 1 },
  });
  const { cwd } = workspace;
  const smiFolder = await tempDir();
  const nvidiaSmi = await installNvidiaSmi(smiFolder, machine);
  const said: string[] = [];
  const world: Surroundings = {
    cwd,
    environment: process.env,
    log: { step: (line) => said.push(line), warn: (line) => said.push(line) },
    signal: new AbortController().signal,
    runsDir: join(cwd, "runs"),
    machine: { root: await machineRoot(options.files), nvidiaSmi },
  };
  const config = await loadConfig({ cwd, overrides: {}, nameOverride: (key) => `--${key}` });
  return {
    said,
    change: (changed: StubMachine) => setMachine(smiFolder, changed),
    record: () => runAndRecord(config, world),
    run: async () => {
      const { verdict, comment, runDir } = await runGate(config, world);
      return { verdict, comment, runDir, record: await readRun(runDir) };
    },
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  };
}

describe("the verdict listens to the machine", { timeout: 60_000 }, () => {
  it("a healthy H200 passes; one that throttles is measured again, then invalid with the evidence", async () => {
    await using gate = await gateOn(HEALTHY);
    expect((await gate.record()).verdict.exitCode).toBe(0);
    const healthy = await gate.run();
    expect(healthy.verdict).toMatchObject({ verdict: "pass", exitCode: 0 });
    expect(healthy.record.fingerprint).toMatchObject({ gpuModel: "NVIDIA H200", gpuPowerLimitW: 700 });
    expect(healthy.record.sessions[0]?.rounds?.map(({ use, dirty }) => [use, dirty])).toEqual([["kept", []]]);
    const page = await readFile(join(healthy.runDir, "logs", "first_token_latency.md"), "utf8");
    expect(page).toContain("- GPU memory before server start: 0 MiB");
    expect(page).toContain("- GPU util at the highest concurrency: not measured");
    expect(page).toMatch(/The server was ready \d\.\d s after its spawn/);

    await gate.change({
      gpus: [
        {
          ...busyH200(),
          "memory.used": 0,
          "clocks.sm": 1200,
          "temperature.gpu": 91,
          "clocks_event_reasons.active": "0x0000000000000068",
        },
      ],
    });
    const hot = await gate.run();
    expect(hot.verdict).toMatchObject({ verdict: "invalid", exitCode: 3 });
    const evidence =
      /GPU 0: thermal throttling by the (?:driver|hardware) in \d+ % of \d+ readings, up to 91 °C, SM clock down to 1200 of 1980 MHz/;
    expect(hot.verdict.reasons.join("\n")).toMatch(evidence);
    expect(hot.comment).toMatch(evidence);
    expect(hot.record.sessions[0]?.rounds?.map(({ use }) => use)).toEqual(["untrusted", "untrusted"]);
    expect(gate.said.join("\n")).toMatch(/round 1 is dirty: GPU 0: .*; measuring another one/);
  });

  it("a power cap alone is recorded and not blamed", async () => {
    await using gate = await gateOn(HEALTHY);
    await gate.record();
    await gate.change({
      gpus: [{ ...busyH200(), "memory.used": 0, "clocks.sm": 1485, "clocks_event_reasons.active": "0x4" }],
    });
    const { verdict, record } = await gate.run();
    expect(verdict.verdict, verdict.reasons.join("; ")).toBe("pass");
    expect(record.sessions[0]?.rounds?.[0]?.telemetry?.gpus[0]?.throttle).toEqual([
      { reason: "power_cap", share: 1 },
    ]);
  });

  it("a second process on the GPU makes it invalid, and is named", async () => {
    await using gate = await gateOn(HEALTHY, {
      files: { "proc/4242/cmdline": "/usr/bin/python3\0train.py" },
    });
    await gate.record();
    await gate.change({
      gpus: [{ ...busyH200(), "memory.used": 60_100 }],
      processes: [{ uuid: UUID, pid: 4242, memoryMib: 60_000, name: "/usr/bin/python3" }],
    });
    const { verdict, record } = await gate.run();
    expect(verdict).toMatchObject({ verdict: "invalid", exitCode: 3 });
    const reasons = verdict.reasons.join("\n");
    expect(reasons).toMatch(/another process was on the GPU: \/usr\/bin\/python3 \(PID 4242, 60000 MiB\)/);
    // Whose it is, is known where the list of processes came before the server.
    expect(record.sessions[0]?.dirtyStart).toEqual([
      expect.stringMatching(/^GPU 0: 60100 of 143771 MiB were in use before the server started/),
    ]);
  });

  it("a slice of a GPU is another machine than the whole: no baseline of it", async () => {
    await using gate = await gateOn(HEALTHY);
    await gate.record();
    await gate.change({
      gpus: [{ ...busyH200(), "memory.used": 0, "utilization.gpu": "[N/A]", "mig.mode.current": "Enabled" }],
      listing: `GPU 0: NVIDIA H200 (UUID: ${UUID})\n  MIG 1g.18gb     Device  0: (UUID: MIG-11111111-2222-3333-4444-555555555555)`,
    });
    const { verdict, record } = await gate.run();
    expect(record.fingerprint["gpuModel"]).toBe("NVIDIA H200 MIG 1g.18gb");
    expect(verdict.exitCode).toBe(3);
    expect(verdict.headline).toMatch(/no baseline/i);
    expect((await gate.record()).verdict.exitCode).toBe(0);
    expect((await gate.run()).verdict.verdict).toBe("pass");
  });

  it("of eight GPUs all are the server's", async () => {
    const eight = (hot: number | null) => ({
      gpus: Array.from({ length: 8 }, (_, index) => ({
        ...busyH200(index),
        "memory.used": 0,
        ...(index === hot
          ? { "temperature.gpu": 95, "clocks_event_reasons.active": "0x0000000000000040" }
          : {}),
      })),
    });
    await using gate = await gateOn(eight(null));
    await gate.record();
    const { verdict, record } = await gate.run();
    expect(verdict.verdict, verdict.reasons.join("; ")).toBe("pass");
    expect(record.fingerprint["gpuCount"]).toBe(8);
    expect(record.sessions[0]?.dirtyStart).toEqual([]);
  });
});
