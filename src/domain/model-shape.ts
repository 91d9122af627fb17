import { contextOf } from "./model-context.ts";
import { type Fields, fieldsOf, numberIn, textModelOf } from "./model-fields.ts";
import { type KvLayout, layoutOf } from "./model-layout.ts";

/** What a model's `config.json` says of its context and its KV memory. */
export interface ModelShape {
  readonly modelType: string | null;
  /** Longest context in tokens that vLLM allows without being overridden; null when no field says. */
  readonly contextTokens: number | null;
  /** The field that decides it. */
  readonly contextKey: string | null;
  readonly layout: KvLayout;
  /** Why the simple formula does not hold, as a clause; null where it does. */
  readonly exception: string | null;
  readonly layers: number;
  /** Of them, those whose KV grows with every token. */
  readonly growingLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Size of a value head where it is another than the key's. */
  readonly valueHeadDim: number;
  /** Elements that MLA keeps for each token and layer; null elsewhere. */
  readonly latentDim: number | null;
  /** torch's name of the weights' type; null when it is not said. */
  readonly dtype: string | null;
  /** The checkpoint asks for a quantised KV cache by itself. */
  readonly quantizedKv: boolean;
}

/**
 * Reads the shape out of a parsed `config.json`, by the fields that vLLM reads
 * (vllm/transformers_utils/model_arch_config_convertor.py, vllm/config/model.py of 0.32).
 *
 * @param config - anything: the file is somebody else's
 * @returns null when it is no object
 */
export function readModelShape(config: unknown): ModelShape | null {
  const whole = fieldsOf(config);
  if (whole === null) return null;
  const text = textModelOf(whole);
  const modelType = typeof text["model_type"] === "string" ? text["model_type"] : null;
  const heads = numberIn(text, "num_attention_heads", "n_head", "n_heads") ?? 0;
  const layers = numberIn(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers") ?? 0;
  const hidden = numberIn(text, "hidden_size", "n_embd", "d_model") ?? 0;
  const headDim =
    numberIn(text, "head_dim", "hidden_size_per_head") ?? (heads > 0 ? Math.floor(hidden / heads) : 0);
  const shape = {
    modelType,
    ...contextOf(whole, text),
    layers,
    kvHeads: kvHeadsOf(text, heads),
    headDim,
    valueHeadDim: numberIn(text, "v_head_dim") ?? headDim,
    latentDim: latentDimOf(text),
    dtype: dtypeOf(whole) ?? dtypeOf(text),
    quantizedKv: hasQuantizedKv(whole) || hasQuantizedKv(text),
  };
  return { ...shape, ...layoutOf(text, shape) };
}

function kvHeadsOf(text: Fields, heads: number): number {
  if (text["multi_query"] === true && text["new_decoder_architecture"] !== true) return 1;
  return (
    numberIn(
      text,
      "n_head_kv",
      "num_kv_heads",
      "num_key_value_heads",
      "multi_query_group_num",
      "num_attention_groups",
    ) ?? heads
  );
}

function latentDimOf(text: Fields): number | null {
  const rank = numberIn(text, "kv_lora_rank");
  return rank === null ? null : rank + (numberIn(text, "qk_rope_head_dim") ?? 0);
}

function dtypeOf(fields: Fields): string | null {
  const declared = fields["dtype"] ?? fields["torch_dtype"];
  return typeof declared === "string" ? declared.replace(/^torch\./, "") : null;
}

function hasQuantizedKv(fields: Fields): boolean {
  const quantization = fieldsOf(fields["quantization_config"]);
  return quantization?.["kv_cache_scheme"] != null || quantization?.["kv_cache_quant_algo"] != null;
}
