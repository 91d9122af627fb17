/** A device and a model that exist nowhere, every derived number against a formula written out here. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { kvNeeded, longestContext, planMemory } from "../../src/simulator/memory-plan.ts";
import { iterationCost } from "../../src/simulator/roofline.ts";
import { deployment, quantile, uniquePrompts, VirtualClient } from "./virtual-load.ts";

const folder = mkdtempSync(join(tmpdir(), "unseen-formulas-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** 2 TB/s and 48 GiB. */
const GPU = {
  name: "Made-up 48",
  computeCapability: 9,
  memoryMiB: 48 * 1024,
  driverMiB: 200,
  reservedMiB: 300,
  hbmGBps: 2000,
  bf16Tflops: 400,
  nvlinkGBps: 100,
  bandwidthEfficiency: 0.8,
  flopsEfficiency: 0.5,
  layerOverheadUs: 20,
  loadGBps: 4,
};
/** 26 layers, 24 heads of 96 on 6 KV heads. */
const MODEL = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 2304,
  num_hidden_layers: 26,
  num_attention_heads: 24,
  num_key_value_heads: 6,
  intermediate_size: 6144,
  vocab_size: 64_000,
  max_position_embeddings: 16_384,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  eos_token_id: 2,
};

function madeUp(flags: string[] = [], model: object = {}, gpu: object = {}): ReturnType<typeof deployment> {
  const at = mkdtempSync(join(folder, "case-"));
  writeFileSync(join(at, "config.json"), JSON.stringify({ ...MODEL, ...model }));
  writeFileSync(join(at, "gpu.json"), JSON.stringify({ ...GPU, ...gpu }));
  return deployment(flags, { VLLM_SIM_GPU: join(at, "gpu.json"), VLLM_SIM_NOISE: "none" }, at);
}

// By hand. A layer: q and o of 2304 x 2304, k and v of 2304 x 576, gate, up and down of 2304 x 6144, two norms.
const LAYER = 2 * 2304 * 2304 + 2 * 2304 * 576 + 3 * 2304 * 6144 + 2 * 2304;
const BODY = 26 * LAYER + 2304;
const HEAD = 64_000 * 2304;
const BANDWIDTH = 2000e9 * 0.8;
const RATE = 400e12 * 0.5;
/** Two of 6 KV heads of 96 values of 2 bytes, 26 layers. */
const KV_BYTES = 2 * 26 * 6 * 96 * 2;

describe("memory", () => {
  it("bytes of a token: GQA, fp8, tensor parallelism", () => {
    expect(KV_BYTES).toBe(59_904);
    expect(madeUp().kvBytesPerToken).toBe(KV_BYTES);
    expect(madeUp(["--kv-cache-dtype", "fp8"]).kvBytesPerToken).toBe(KV_BYTES / 2);
    expect(madeUp(["-tp", "2"]).kvBytesPerToken).toBe(KV_BYTES / 2);
    expect(madeUp([], { num_key_value_heads: 24 }).kvBytesPerToken).toBe(4 * KV_BYTES);
    expect(madeUp([], { head_dim: 128 }).kvBytesPerToken).toBe((KV_BYTES * 128) / 96);
    expect(madeUp([], { torch_dtype: "float32" }).kvBytesPerToken).toBe(2 * KV_BYTES);
  });

  it("KV blocks and tokens from what weights, graphs and peaks leave", () => {
    // Under 70 GiB vLLM batches 2,048 tokens and 256 sequences; then sampling needs 256 x 64,000 x 14 bytes, a
    // forward pass over 2,048 tokens 3 x (6144 + 2304) values. Graphs: 1, 2, 4, 8 to 256 by 8 and 272 to 512 by 16.
    const target = madeUp(["--gpu-memory-utilization", "0.8"]);
    expect([target.maxNumBatchedTokens, target.maxNumSeqs]).toEqual([2048, 256]);
    expect(target.captureSizes).toHaveLength(3 + 32 + 16);
    const plan = planMemory(target);
    const peak = Math.max(256 * 64_000 * 14, 2048 * 3 * (6144 + 2304) * 2) + 300 * 2 ** 20;
    const left = 0.8 * (48 * 1024 - 200) * 2 ** 20 - 2 * (BODY + 2 * HEAD) - peak - plan.graphsEstimated;
    expect(plan.weights).toBe(2 * (BODY + 2 * HEAD));
    expect(plan.availableKv).toBeCloseTo(left, -2);
    expect(plan.blocks).toBe(Math.floor(left / (16 * KV_BYTES)));
    expect(plan.kvTokens).toBe(plan.blocks * 16);
    expect(plan.maxConcurrency).toBeCloseTo((plan.blocks * 16) / 4096, 6);
    expect(kvNeeded(target)).toBe(4096 * KV_BYTES);
    expect(longestContext(target, plan)).toBe(plan.blocks * 16);
  });

  it("a fixed pool, and a planted loss of a fifth of it", () => {
    const fixed = madeUp(["--kv-cache-memory-bytes", "3G", "--block-size", "32"]);
    const blocks = Math.floor((3 * 2 ** 30) / (32 * KV_BYTES));
    expect(planMemory(fixed).blocks).toBe(blocks);
    const planted = { ...fixed.settings, regressions: { ...fixed.settings.regressions, kv: 0.8 } };
    expect(planMemory({ ...fixed, settings: planted }).blocks).toBe(Math.floor(blocks * 0.8));
  });
});

describe("time", () => {
  const decode = (requests: number, context: number) => ({
    ...{ tokens: requests, requests, admitted: 0, attended: requests * context },
    ...{ context: requests * context, decodeOnly: true },
  });
  /** The device's time of a decode step without attention and what belongs to each request. */
  const step = (2 * (BODY + HEAD)) / BANDWIDTH + 26 * 20e-6;

  it("decoding reads the weights once, and the KV of every token of context", () => {
    const device = (context: number, requests = 1): number =>
      iterationCost(madeUp(), decode(requests, context)).device;
    expect(device(0)).toBeGreaterThan(step);
    expect(device(0) / step).toBeCloseTo(1, 1);
    const read = (4000 * KV_BYTES) / BANDWIDTH;
    expect(device(4000) - device(0)).toBeCloseTo(read, 9);
    expect(device(4000, 64) - device(0, 64)).toBeCloseTo(64 * read, 9);
  });

  it("TPOT follows bandwidth, layers and the width of the weights", () => {
    const tpot = (target: ReturnType<typeof deployment>): number => {
      const { requests } = new VirtualClient(target).load(1, 5, uniquePrompts(100), 64);
      return quantile(
        requests.map((request) => request.tpot),
        0.5,
      );
    };
    const context = (132 * KV_BYTES) / BANDWIDTH;
    expect(tpot(madeUp()) / (step + context)).toBeGreaterThan(1);
    expect(tpot(madeUp()) / (step + context)).toBeLessThan(1.03);
    const slower = tpot(madeUp([], {}, { hbmGBps: 1000 })) - tpot(madeUp());
    expect(slower / ((2 * (BODY + HEAD)) / BANDWIDTH)).toBeCloseTo(1, 1);
    const deeper = tpot(madeUp([], { num_hidden_layers: 52 })) - tpot(madeUp());
    expect(deeper / ((2 * 26 * LAYER) / BANDWIDTH + 26 * 20e-6)).toBeCloseTo(1, 1);
    const wider =
      tpot(madeUp(["--gpu-memory-utilization", "0.95"], { torch_dtype: "float32" })) - tpot(madeUp());
    expect(wider / ((2 * (BODY + HEAD)) / BANDWIDTH)).toBeCloseTo(1, 1);
  });

  it("a prefill computes 2 operations a weight and token, and 4 a pair of tokens, head and value", () => {
    const prefill = (tokens: number): number =>
      iterationCost(madeUp(["--max-num-batched-tokens", "8192"]), {
        ...{ tokens, requests: 1, admitted: 1, attended: (tokens * tokens) / 2 },
        ...{ context: tokens, decodeOnly: false },
      }).device;
    const operations = (tokens: number): number =>
      2 * BODY * tokens + 2 * HEAD + (4 * 26 * 24 * 96 * tokens * tokens) / 2;
    const difference = prefill(8000) - prefill(4000);
    const moved = (4000 * 26 * (10 * 2304 + 6 * 6144) * 2) / BANDWIDTH;
    expect(difference / ((operations(8000) - operations(4000)) / RATE + moved)).toBeCloseTo(1, 2);
  });
});
