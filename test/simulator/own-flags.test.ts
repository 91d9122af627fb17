import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { takeOwnFlags } from "../../src/simulator/own-flags.ts";
import { readSettings, SETTING_NAMES } from "../../src/simulator/settings.ts";
import { spawnSimulator } from "./start-simulator.ts";

const folder = mkdtempSync(join(tmpdir(), "own-flags-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(content: unknown): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

const take = (argv: string[], env = {}) => takeOwnFlags(argv, env, SETTING_NAMES);

describe("the simulator's own flags", () => {
  it("are taken out of vLLM's, and read as the variables are", () => {
    const { argv, env } = take([
      ...["some/model", "--sim-noise", "h200", "--max-model-len", "4096"],
      ...["--sim-regression=decode:1.03,kv:0.8", "--startup-scale", "0.1", "--enforce-eager"],
    ]);
    expect(argv).toEqual(["some/model", "--max-model-len", "4096", "--enforce-eager"]);
    expect(readSettings(env)).toMatchObject({
      noise: "h200",
      startupScale: 0.1,
      regressions: { decode: 1.03, kv: 0.8 },
    });
  });

  it("go before a file, which goes before the environment", () => {
    const settings = file({ seed: 7, fault: "throttle:0.5", noise: "none" });
    const env = { VLLM_SIM_SEED: "1", VLLM_SIM_NOISE: "h200", VLLM_SIM_GPU: "l4" };
    const taken = take(["m", "--sim-settings", settings, "--sim-seed", "9"], env);
    expect(readSettings(taken.env)).toMatchObject({
      seed: 9,
      noise: "none",
      gpu: "l4",
      faults: { throttle: 0.5 },
    });
  });

  it("are refused by name when there is none such", () => {
    expect(() => take(["m", "--sim-nois", "h200"])).toThrow(/--sim-nois: no setting.*noise/);
    expect(() => take(["m", "--sim-noise"])).toThrow(/--sim-noise: needs a value/);
    expect(() => take(["m", "--sim-settings", file({ nois: 1 })])).toThrow(/nois: no setting/);
    expect(() => take(["m", "--sim-settings", file({ noise: {} })])).toThrow(/neither a text nor a number/);
    expect(() => take(["m", "--sim-settings", file("[")])).toThrow(/cannot read/);
  });

  it("reach the server, which says that its start-up is shortened", async () => {
    await using simulator = await spawnSimulator([
      "--startup-scale",
      "0.0001",
      "--gpu-memory-utilization",
      "2",
    ]);
    await simulator.exit;
    expect(simulator.output()).toContain("0.0001 real seconds pass for each");
  });
});
