import { describe, expect, it } from "vitest";
import { kvDeployment, modelFacts } from "../../src/domain/kv-formula.ts";
import { type ModelShape, readModelShape } from "../../src/domain/model-shape.ts";

/** Fields of published models' config.json, as far as KV and context need them. */
const QWEN = {
  model_type: "qwen2",
  hidden_size: 1536,
  num_hidden_layers: 28,
  num_attention_heads: 12,
  num_key_value_heads: 2,
  max_position_embeddings: 32768,
  sliding_window: 32768,
  use_sliding_window: false,
  torch_dtype: "bfloat16",
};
const PHI3 = {
  model_type: "phi3",
  hidden_size: 3072,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 4096,
  sliding_window: null,
};
const DEEPSEEK = {
  model_type: "deepseek_v3",
  hidden_size: 7168,
  num_hidden_layers: 61,
  num_attention_heads: 128,
  num_key_value_heads: 128,
  kv_lora_rank: 512,
  qk_rope_head_dim: 64,
  qk_nope_head_dim: 128,
  v_head_dim: 128,
  max_position_embeddings: 163840,
};
const GEMMA3 = {
  model_type: "gemma3",
  torch_dtype: "bfloat16",
  text_config: {
    model_type: "gemma3_text",
    hidden_size: 2560,
    num_hidden_layers: 34,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    sliding_window: 1024,
    sliding_window_pattern: 6,
    max_position_embeddings: 131072,
    rope_scaling: { factor: 8, rope_type: "linear" },
  },
};

const shape = (config: unknown): ModelShape => {
  const read = readModelShape(config);
  if (read === null) throw new Error("no shape");
  return read;
};
const bytes = (config: unknown, ...args: string[]) =>
  modelFacts(shape(config), kvDeployment(args)).kvBytesPerToken;

describe("bytes of KV of a token", () => {
  it.each([
    ["grouped queries", QWEN, [], 2 * 28 * 2 * 128 * 2],
    ["as many KV heads as heads", PHI3, [], 393_216],
    ["no key-value heads named", { ...PHI3, num_key_value_heads: undefined }, [], 393_216],
    ["fp8", QWEN, ["--kv-cache-dtype", "fp8"], 14_336],
    ["fp8 by an equals sign and an underscore", QWEN, ["--kv_cache_dtype=fp8_e4m3"], 14_336],
    ["the last of two flags", QWEN, ["--kv-cache-dtype", "fp8", "--kv-cache-dtype", "auto"], 28_672],
    ["float32 asked for", QWEN, ["--dtype", "float32"], 57_344],
    ["a float32 checkpoint, which auto serves in half", { ...QWEN, torch_dtype: "float32" }, [], 28_672],
    [
      "a checkpoint that quantises its KV",
      { ...QWEN, quantization_config: { kv_cache_scheme: { num_bits: 8 } } },
      [],
      14_336,
    ],
    ["two ranks", QWEN, ["-tp", "2"], 14_336],
    ["more ranks than KV heads, which are then repeated", QWEN, ["--tensor-parallel-size=8"], 14_336],
    ["pipeline stages", QWEN, ["-pp", "4"], 7_168],
    ["a head size of its own", { ...QWEN, head_dim: 64 }, [], 14_336],
    ["multi-query of Falcon", { ...PHI3, num_key_value_heads: undefined, multi_query: true }, [], 12_288],
    ["MLA", DEEPSEEK, [], 70_272],
    ["MLA, which ranks repeat", DEEPSEEK, ["-tp", "8"], 70_272],
    ["MLA in DeepSeek's own fp8", DEEPSEEK, ["--kv-cache-dtype", "fp8_ds_mla"], 656 * 61],
    ["a type that nobody knows", QWEN, ["--kv-cache-dtype", "fp3"], null],
  ])("%s", (_, config, args, expected) => {
    expect(bytes(config, ...(args as string[]))).toBe(expected);
  });

  it("says its terms", () => {
    const facts = modelFacts(shape(QWEN), kvDeployment([]));
    expect(facts.kvTerms).toBe("2 × 28 layers × 2 KV heads × 128 × 2 B");
    expect(facts.kvLayout).toBe("full");
  });
});

describe("layouts that the simple formula does not hold for", () => {
  it.each([
    [
      "a window",
      { ...QWEN, use_sliding_window: undefined, sliding_window: 4096 },
      "window",
      /window of 4,096 tokens/,
    ],
    ["a pattern of windows", GEMMA3, "hybrid", /sliding_window_pattern/],
    [
      "layer types",
      {
        ...QWEN,
        num_hidden_layers: 3,
        layer_types: ["sliding_attention", "sliding_attention", "full_attention"],
      },
      "hybrid",
      /2 sliding_attention, 1 full_attention/,
    ],
    ["recurrent layers beside attention", { ...QWEN, mamba_d_state: 16 }, "hybrid", /recurrent state/],
    [
      "recurrent layers alone",
      { num_hidden_layers: 24, hidden_size: 768, state_size: 16 },
      "recurrent",
      /no KV/,
    ],
    ["shared KV", { ...QWEN, num_kv_shared_layers: 10 }, "hybrid", /share the KV/],
    ["an index beside MLA", { ...DEEPSEEK, index_topk: 2048 }, "hybrid", /index/],
    ["nothing", {}, "unknown", /names no layers/],
    ["numbers that are none", { ...QWEN, num_hidden_layers: "28" }, "unknown", /names no layers/],
  ])("%s", (_, config, layout, why) => {
    const read = shape(config);
    expect(read.layout).toBe(layout);
    expect(read.exception).toMatch(why);
  });

  it("counts the layers that keep every token", () => {
    const config = {
      ...QWEN,
      num_hidden_layers: 4,
      layer_types: ["full_attention", "linear_attention", "linear_attention", "full_attention"],
    };
    expect(bytes(config)).toBe(2 * 2 * 2 * 128 * 2);
    expect(modelFacts(shape(config), kvDeployment([])).kvTerms).toContain("not exact");
  });

  it.each([[null], [7], [[]], ["text"]])("%j is no config", (config) => {
    expect(readModelShape(config)).toBeNull();
  });
});

describe("the longest context", () => {
  it.each([
    ["as it says", QWEN, 32768],
    ["of the language model inside", GEMMA3, 131072],
    ["times linear rope scaling", { ...QWEN, rope_scaling: { type: "linear", factor: 4 } }, 131072],
    [
      "with dynamic scaling per kind of layer",
      { ...QWEN, rope_parameters: { full_attention: { rope_type: "dynamic", factor: 2 } } },
      65536,
    ],
    [
      "with llama3 scaling, which is in it already",
      { ...QWEN, rope_scaling: { rope_type: "llama3", factor: 8 } },
      32768,
    ],
    [
      "with yarn, as older releases took it",
      { ...QWEN, rope_scaling: { rope_type: "yarn", factor: 4, original_max_position_embeddings: 32768 } },
      131072,
    ],
    ["the smallest of several", { ...QWEN, seq_length: 8192 }, 8192],
    ["a longer bound that the model names", { ...QWEN, model_max_length: 100_000 }, 100_000],
    ["none", { ...QWEN, max_position_embeddings: undefined }, null],
  ])("%s", (_, config, expected) => {
    expect(shape(config).contextTokens).toBe(expected);
  });
});
