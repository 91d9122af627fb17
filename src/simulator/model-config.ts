/** A model's shape, read from the `config.json` that Hugging Face models carry. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import phi3Mini from "./models/phi-3-mini-4k-instruct.json" with { type: "json" };
import qwen25 from "./models/qwen2.5-1.5b-instruct.json" with { type: "json" };
import smol from "./models/smollm2-135m-instruct.json" with { type: "json" };

/** The numbers of a decoder-only transformer that decide its memory and its speed. */
export interface ModelShape {
  architecture: string;
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  vocab: number;
  maxPositions: number;
  /** Width of the weights, in bytes: 2 for bfloat16 and float16, 4 for float32. */
  dtypeBytes: number;
  /** torch's name of the weights' type, e.g. `bfloat16`. */
  dtype: string;
  tied: boolean;
  /** Whether queries, keys and values have biases. */
  attentionBias: boolean;
  eosToken: number;
  /** Parameters that live in memory (a tied output head counts once). */
  parameters: number;
  /** Parameters multiplied for every token; the output head counts, the embedding table does not. */
  layerParameters: number;
}

/** What became of looking a model up: its shape, or which kind of failure. */
export type ModelLookup =
  | { kind: "found"; shape: ModelShape }
  | { kind: "no-config"; path: string }
  | { kind: "unknown" };

const BUILT_IN: Readonly<Record<string, object>> = {
  "Qwen/Qwen2.5-1.5B-Instruct": qwen25,
  "microsoft/Phi-3-mini-4k-instruct": phi3Mini,
  "HuggingFaceTB/SmolLM2-135M-Instruct": smol,
};

/** Names of the models whose shapes come with the simulator. */
export function builtInModels(): string[] {
  return Object.keys(BUILT_IN);
}

/**
 * Finds a model: a folder with a `config.json`, or one of the built-in names.
 *
 * @param name the MODEL argument of the command line
 */
export function findModel(name: string): ModelLookup {
  if (existsSync(name)) {
    const path = join(name, "config.json");
    if (!existsSync(path)) return { kind: "no-config", path: name };
    return { kind: "found", shape: readShape(JSON.parse(readFileSync(path, "utf8")) as unknown) };
  }
  const builtIn = BUILT_IN[name];
  return builtIn === undefined ? { kind: "unknown" } : { kind: "found", shape: readShape(builtIn) };
}

/**
 * Reads a shape out of a parsed `config.json`.
 *
 * @throws Error when a number the model cannot do without is missing
 */
export function readShape(config: unknown): ModelShape {
  if (typeof config !== "object" || config === null) throw new Error("config.json is not an object");
  const fields = config as Record<string, unknown>;
  const number = (key: string, fallback?: number): number => {
    const value = fields[key];
    if (typeof value === "number") return value;
    if (fallback !== undefined) return fallback;
    throw new Error(`config.json has no ${key}`);
  };
  const hidden = number("hidden_size");
  const heads = number("num_attention_heads");
  const kvHeads = number("num_key_value_heads", heads);
  const headDim = number("head_dim", hidden / heads);
  const layers = number("num_hidden_layers");
  const intermediate = number("intermediate_size");
  const vocab = number("vocab_size");
  const tied = fields["tie_word_embeddings"] === true;
  const declared = fields["torch_dtype"] ?? fields["dtype"];
  const dtype = typeof declared === "string" ? declared : "bfloat16";
  const type = fields["model_type"];
  const attentionBias = fields["attention_bias"] === true || type === "qwen2";
  const bias = attentionBias ? (heads + 2 * kvHeads) * headDim : 0;
  const attention = hidden * headDim * (2 * heads + 2 * kvHeads) + bias;
  const perLayer = attention + 3 * hidden * intermediate + 2 * hidden;
  const layerParameters = layers * perLayer + hidden;
  const architectures = fields["architectures"];
  const eos = fields["eos_token_id"];
  return {
    architecture: Array.isArray(architectures) ? String(architectures[0]) : "LlamaForCausalLM",
    layers,
    hidden,
    intermediate,
    heads,
    kvHeads,
    headDim,
    vocab,
    maxPositions: number("max_position_embeddings"),
    dtypeBytes: dtype === "float32" ? 4 : 2,
    dtype,
    tied,
    attentionBias,
    eosToken: typeof eos === "number" ? eos : Array.isArray(eos) ? Number(eos[0]) : 2,
    parameters: layerParameters + vocab * hidden * (tied ? 1 : 2),
    layerParameters,
  };
}
