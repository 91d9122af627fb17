import { type Fields, numberIn } from "./model-fields.ts";

/** How a model keeps what it has read, as far as that decides its KV memory. */
export type KvLayout =
  /** Every layer keeps keys and values of every token: the simple formula holds. */
  | "full"
  /** One latent vector for each token and layer (multi-head latent attention). */
  | "mla"
  /** Every layer keeps the tokens of a window only. */
  | "window"
  /** Layers of several kinds: full attention beside windows, recurrent state or none. */
  | "hybrid"
  /** Recurrent state alone: no memory that grows with the context. */
  | "recurrent"
  /** The fields that the formula needs are not there. */
  | "unknown";

/** The layout and what it means for the formula. */
export interface Layout {
  readonly layout: KvLayout;
  /** Why the simple formula does not hold, as a clause; null where it does. */
  readonly exception: string | null;
  /** Layers whose KV grows with every token. */
  readonly growingLayers: number;
}

/** The numbers that the layout depends on; 0 and null where the config does not say. */
export interface LayoutNumbers {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly latentDim: number | null;
}

/** Fields that only models with recurrent state (Mamba, linear attention, convolutions) have. */
const RECURRENT_FIELDS = [
  "mamba_d_state",
  "mamba_num_heads",
  "mamba_d_conv",
  "ssm_state_size",
  "ssm_cfg",
  "state_size",
  "linear_num_key_heads",
  "linear_attn_config",
  "conv_L_cache",
  "time_mix_extra_dim",
];
/** Fields that say which layers are of which kind, other than `layer_types`. */
const LAYER_FIELDS = [
  "layers_block_type",
  "hybrid_override_pattern",
  "attn_type_list",
  "attn_layer_indices",
  "attn_layer_period",
  "full_attention_interval",
  "block_configs",
  "sliding_window_pattern",
];
/** Fields whose presence changes the KV of some layers. */
const UNUSUAL_FIELDS: readonly (readonly [field: string, why: string])[] = [
  ["num_kv_shared_layers", "some layers share the KV of others"],
  ["index_topk", "sparse attention keeps an index beside the KV"],
  ["compress_ratios", "some layers compress their KV"],
  ["num_global_key_value_heads", "its global layers have KV heads of their own"],
  ["global_head_dim", "its global layers have a head size of their own"],
];

/** How a model's layers keep what they have read, by the fields of its language model. */
export function layoutOf(text: Fields, numbers: LayoutNumbers): Layout {
  const { layers, kvHeads, headDim, latentDim } = numbers;
  const all = (layout: KvLayout, exception: string | null): Layout => ({
    layout,
    exception,
    growingLayers: layers,
  });
  const kinds = layerKinds(text);
  const recurrent = RECURRENT_FIELDS.some((field) => text[field] != null);
  const full = kinds?.filter((kind) => kind === "full_attention" || kind === "attention").length ?? 0;
  if (kinds !== null && full < kinds.length) {
    const counts = [...Map.groupBy(kinds, (kind) => kind)].map(([kind, each]) => `${each.length} ${kind}`);
    const exception = `its layers are of several kinds (${counts.join(", ")})`;
    return { layout: "hybrid", exception, growingLayers: full };
  }
  if (recurrent && layers > 0 && (kvHeads === 0 || headDim === 0)) {
    return { layout: "recurrent", exception: "it keeps recurrent state and no KV", growingLayers: 0 };
  }
  const patterned = LAYER_FIELDS.find((field) => text[field] != null);
  if (recurrent || (patterned !== undefined && kinds === null)) {
    const why = recurrent
      ? "some of its layers keep recurrent state"
      : `\`${patterned}\` makes its layers differ`;
    return { layout: "hybrid", exception: why, growingLayers: layers };
  }
  if (layers === 0 || (latentDim === null && (kvHeads === 0 || headDim === 0))) {
    return all("unknown", "its config.json names no layers, KV heads or head size");
  }
  const unusual = UNUSUAL_FIELDS.find(([field]) => hasContent(text[field]));
  if (unusual !== undefined) return all("hybrid", unusual[1]);
  if (latentDim !== null) return all("mla", null);
  const window = numberIn(text, "sliding_window");
  if (window !== null && text["use_sliding_window"] !== false) {
    return all("window", `its layers keep a window of ${window.toLocaleString("en-US")} tokens`);
  }
  return all("full", null);
}

function hasContent(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value != null && value !== 0 && value !== false;
}

function layerKinds(text: Fields): string[] | null {
  const kinds = text["layer_types"];
  if (!Array.isArray(kinds) || kinds.length === 0) return null;
  // A config may hold anything: what is printed of it stays short.
  return kinds.map((kind) => (typeof kind === "string" ? kind.slice(0, 40) : "unknown"));
}
