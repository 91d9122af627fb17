import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { findGpu } from "../../src/simulator/gpu.ts";
import { planMemory } from "../../src/simulator/memory-plan.ts";
import { deployment, quantile, uniquePrompts, VirtualClient } from "./virtual-load.ts";

const folder = mkdtempSync(join(tmpdir(), "simulator-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GPU = {
  name: "Made-up 50",
  computeCapability: 9,
  memoryMiB: 50_000,
  driverMiB: 100,
  reservedMiB: 400,
  hbmGBps: 500,
  bf16Tflops: 200,
  bandwidthEfficiency: 0.5,
  flopsEfficiency: 0.5,
  layerOverheadUs: 10,
};
const CONFIG = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 1024,
  num_hidden_layers: 10,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 128,
  intermediate_size: 4096,
  vocab_size: 50_000,
  max_position_embeddings: 8192,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  eos_token_id: 2,
};
const LAYERS = 10 * (2 * 1024 * 1024 + 2 * 1024 * 512 + 3 * 1024 * 4096 + 2 * 1024) + 1024;
const HEAD = 50_000 * 1024;

function gpuFile(change: object = {}): string {
  const path = join(folder, `gpu-${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(path, JSON.stringify({ ...GPU, ...change }));
  return path;
}

function modelFolder(change: object = {}): string {
  const path = mkdtempSync(join(folder, "model-"));
  writeFileSync(join(path, "config.json"), JSON.stringify({ ...CONFIG, ...change }));
  return path;
}

function madeUp(flags: string[] = [], gpu: object = {}, model: object = {}): ReturnType<typeof deployment> {
  const env = { VLLM_SIM_GPU: gpuFile(gpu), VLLM_SIM_NOISE: "none" };
  return deployment(flags, env, modelFolder(model));
}

/** Median time between tokens of a lone request, milliseconds. */
function tpot(target: ReturnType<typeof deployment>): number {
  const { requests } = new VirtualClient(target).load(1, 3, uniquePrompts(64), 64);
  return (
    quantile(
      requests.map((request) => request.tpot),
      0.5,
    ) * 1e3
  );
}

describe("a device and a model that nobody has seen", () => {
  it("has the KV tokens of the formula", () => {
    // 50,000 MiB less the driver's 100, at 0.9, less weights, the context's 400 MiB and the sampler's peak of
    // 1024·50,000 logits at 14 bytes; without graphs. 2 · 10 layers · 4 heads · 128 · 2 bytes a token.
    const flags = ["--gpu-memory-utilization", "0.9", "--enforce-eager", "--max-num-seqs", "1024"];
    const bytes = 0.9 * 49_900 * 2 ** 20 - 2 * (LAYERS + 2 * HEAD) - 400 * 2 ** 20 - 1024 * 50_000 * 14;
    const perToken = 2 * 10 * 4 * 128 * 2;
    const plan = planMemory(madeUp(flags));
    expect(plan.availableKv).toBeCloseTo(bytes, -3);
    expect(plan.blocks).toBe(Math.floor(bytes / (perToken * 16)));
    const half = planMemory(madeUp([...flags, "--kv-cache-dtype", "fp8"]));
    expect(half.blocks).toBe(Math.floor(bytes / (perToken * 8)));
    const mha = planMemory(madeUp(flags, {}, { num_key_value_heads: 8 }));
    expect(mha.blocks / plan.blocks).toBeCloseTo(0.5, 2);
  });

  it("decodes as fast as its bandwidth lets it", () => {
    const weights = (2 * (LAYERS + HEAD)) / (500e9 * 0.5);
    const gaps = 10 * 10e-6;
    expect(tpot(madeUp()) / 1e3 / (weights + gaps)).toBeCloseTo(1, 1);
    expect(tpot(madeUp([], { hbmGBps: 250 })) / tpot(madeUp())).toBeCloseTo(2, 0);
    expect(tpot(madeUp([], { layerOverheadUs: 60 })) - tpot(madeUp())).toBeCloseTo(0.5, 1);
  });

  it("is bound by its rate in a long prefill", () => {
    const ttft = (gpu: object): number => {
      const client = new VirtualClient(madeUp(["--max-num-batched-tokens", "4096"], gpu));
      return client.load(1, 3, uniquePrompts(4000), 2).requests[0]!.ttft * 1e3;
    };
    const compute = ((2 * LAYERS + 4 * 10 * 8 * 128 * 2000) * 4000) / (200e12 * 0.5);
    expect((ttft({ bf16Tflops: 100 }) - ttft({})) / 1e3 / compute).toBeCloseTo(1, 1);
  });

  it("splits weights and KV heads under tensor parallelism, and pays for all-reduces", () => {
    const one = planMemory(madeUp());
    const two = planMemory(madeUp(["-tp", "2"]));
    expect(two.weights).toBe(one.weights / 2);
    expect(two.kvTokens / one.kvTokens).toBeGreaterThan(2);
    expect(planMemory(madeUp(["-tp", "8"])).kvTokens).toBeLessThan(4.5 * one.kvTokens);
    const speedup = tpot(madeUp()) / tpot(madeUp(["-tp", "2"]));
    expect(speedup).toBeGreaterThan(1.5);
    expect(speedup).toBeLessThan(2);
  });

  it("is refused when a value cannot be", () => {
    expect(() => findGpu(gpuFile({ hbmGBps: 0 }))).toThrow(/hbmGBps/);
    expect(() => findGpu(gpuFile({ device: "tpu" }))).toThrow(/cuda nor cpu/);
    expect(() => findGpu(join(folder, "none.json"))).toThrow(/cannot read/);
    expect(() => findGpu("h201")).toThrow(/known: h200/);
  });
});

describe("devices by their data sheets", () => {
  it("rank as their bandwidths do", () => {
    const times = ["h200", "h100", "a100", "l4", "cpu"].map((gpu) =>
      tpot(deployment([], { VLLM_SIM_GPU: gpu, VLLM_SIM_NOISE: "none" })),
    );
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(times[3]).toBeGreaterThan(11);
    expect(times[3]).toBeLessThan(16);
  });
});
