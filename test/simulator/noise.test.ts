import { describe, expect, it } from "vitest";
import { Noise } from "../../src/simulator/noise.ts";
import { readSettings } from "../../src/simulator/settings.ts";
import { deployment, quantile, uniquePrompts, VirtualClient } from "./virtual-load.ts";

interface Measured {
  ttft: number[];
  tpot: number[];
}

function measure(env: Record<string, string>, requests = 20): Measured {
  const client = new VirtualClient(deployment([], env));
  client.load(1, 1, uniquePrompts(8), 8);
  const result = client.load(1, requests, uniquePrompts(200), 128).requests;
  return {
    ttft: result.map((request) => request.ttft * 1e3),
    tpot: result.map((request) => request.tpot * 1e3),
  };
}

const middle = (values: readonly number[]): number => quantile(values, 0.5);
const none = measure({ VLLM_SIM_NOISE: "none" });

describe("noise", () => {
  it("none: every request of a load is alike", () => {
    expect(Math.max(...none.ttft) - Math.min(...none.ttft)).toBeLessThan(0.01);
    expect(Math.max(...none.tpot) - Math.min(...none.tpot)).toBeLessThan(0.001);
  });

  it("jitter: has the spread of the real residuals around the same middle, and repeats with its seed", () => {
    const noisy = measure({ VLLM_SIM_SEED: "3" }, 200);
    expect(middle(noisy.ttft) / middle(none.ttft)).toBeCloseTo(1, 1);
    expect(middle(noisy.tpot) / middle(none.tpot)).toBeCloseTo(1, 2);
    const spread = quantile(noisy.ttft, 0.9) - quantile(noisy.ttft, 0.1);
    expect(spread).toBeGreaterThan(1);
    expect(spread).toBeLessThan(4);
    expect(quantile(noisy.tpot, 0.9) / quantile(noisy.tpot, 0.1)).toBeLessThan(1.02);
    expect(measure({ VLLM_SIM_SEED: "3" })).toEqual(measure({ VLLM_SIM_SEED: "3" }));
    expect(measure({ VLLM_SIM_SEED: "4" })).not.toEqual(measure({ VLLM_SIM_SEED: "3" }));
  });

  it("h200: one spell in fourteen is slow by 20 to 30 %, one session in four", () => {
    const sessions = Array.from({ length: 2000 }, (_, seed) => plan({ level: "h200", seed }).sessionFactor);
    const slow = sessions.filter((factor) => factor > 1);
    expect(slow.length / 2000).toBeCloseTo(0.25, 1);
    expect(Math.min(...slow)).toBeGreaterThan(1.19);
    const quiet = plan({ level: "h200", seed: sessions.indexOf(1) });
    // A slow spell comes and goes; its slowest moment is the spell's factor, give or take a residual.
    const spells = Array.from({ length: 2000 }, (_, i) =>
      Math.max(...Array.from({ length: 25 }, (_, slice) => quiet.device(i * 15 + slice * 0.6))),
    );
    const late = spells.filter((factor) => factor > 1.15);
    expect(late.length / 2000).toBeCloseTo(1 / 14, 1);
    expect(Math.min(...late)).toBeGreaterThan(1.18);
    expect(Math.max(...late)).toBeLessThan(1.3 * 1.08);
  });

  it("h200: sessions differ in what the host does, most of all in launching kernels, and hardly on the device", () => {
    const many = Array.from({ length: 500 }, (_, seed) => plan({ level: "h200", seed }));
    const spread = (values: number[]): number => {
      const logs = values.map(Math.log);
      const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length;
      return Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length);
    };
    expect(spread(many.map((noise) => noise.launch))).toBeCloseTo(0.2, 1);
    expect(plan({ level: "h200", seed: 1 }).launch).toBe(plan({ level: "h200", seed: 1 }).launch);
    const jitter = new Noise({ ...plainPlan, level: "jitter", seed: 1 });
    expect(jitter.launch).toBe(1);
    expect(jitter.host(100)).toBe(1);
  });

  it("refuses what it does not know", () => {
    expect(() => readSettings({ VLLM_SIM_NOISE: "loud" })).toThrow("VLLM_SIM_NOISE");
    expect(() => readSettings({ VLLM_SIM_FAULT: "throttle:1.5" })).toThrow("throttle:1.5");
  });
});

describe("faults of the machine", () => {
  const fault = (text: string): Measured => measure({ VLLM_SIM_NOISE: "none", VLLM_SIM_FAULT: text });

  it("throttle: kernels slow down with the clock, memory does not", () => {
    const ratio = middle(fault("throttle:0.5").tpot) / middle(none.tpot);
    expect(ratio).toBeGreaterThan(1.4);
    expect(ratio).toBeLessThan(1.8);
  });

  it("slow-rounds and slow-session: all of the work, or the host's", () => {
    expect(middle(fault("slow-rounds:1").tpot) / middle(none.tpot)).toBeGreaterThan(1.19);
    const host = fault("slow-session:1.4");
    expect(middle(host.ttft) / middle(none.ttft)).toBeGreaterThan(1.25);
    expect(middle(host.tpot) / middle(none.tpot)).toBeLessThan(1.05);
  });

  it("drift-per-minute: slower by the minute", () => {
    const { tpot } = measure({ VLLM_SIM_NOISE: "none", VLLM_SIM_FAULT: "drift-per-minute:0.1" }, 220);
    expect(tpot.at(-1)! / tpot[0]!).toBeGreaterThan(1.08);
    expect(tpot.at(-1)! / tpot[0]!).toBeLessThan(1.13);
  });
});

const plainPlan = { slowRounds: undefined, slowSession: undefined, driftPerMinute: 0 };

function plan(given: { level: "h200"; seed: number }): Noise {
  return new Noise({ ...plainPlan, ...given });
}
