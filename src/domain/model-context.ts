import { type Fields, fieldsOf, numberIn } from "./model-fields.ts";

/** Names of the longest context, as vLLM looks for them: the smallest counts. */
const CONTEXT_FIELDS = [
  "max_position_embeddings",
  "n_positions",
  "max_seq_len",
  "seq_length",
  "model_max_length",
  "max_target_positions",
  "max_sequence_length",
  "max_seq_length",
  "seq_len",
];

/** Kinds of rope scaling whose `max_position_embeddings` is the scaled one already. */
const SCALED_ALREADY = new Set([
  "su",
  "longrope",
  "llama3",
  "yarn",
  "deepseek_yarn",
  "deepseek_llama_scaling",
  "mrope",
  "default",
]);

/** A context and the field that decides it. */
export interface ModelContext {
  readonly contextTokens: number | null;
  readonly contextKey: string | null;
}

/**
 * The longest context that some vLLM allows for a model (`_get_and_verify_max_len` of vllm/config/model.py). Releases
 * differ: up to 0.2x yarn multiplied the original context, and newer ones take a smaller `model_max_length` of the
 * tokenizer; what only one of them refuses is left to the server.
 */
export function contextOf(whole: Fields, text: Fields): ModelContext {
  let tokens = Number.POSITIVE_INFINITY;
  let key: string | null = null;
  for (const name of CONTEXT_FIELDS) {
    const value = numberIn(text, name);
    if (value === null || value >= tokens) continue;
    tokens = value;
    key = name;
  }
  const own = numberIn(text, "model_max_length");
  if (own !== null) [tokens, key] = [own, "model_max_length"];
  if (key === null) return { contextTokens: null, contextKey: null };
  const scaled = Math.max(...ropeContexts(text, tokens));
  // Some models name a longer bound that a user may go up to.
  const longest = Math.floor(Math.max(scaled, numberIn(whole, "model_max_length") ?? 0));
  return { contextTokens: longest, contextKey: longest === tokens ? key : `${key} with rope scaling` };
}

/** The contexts that rope scaling makes of an unscaled one. */
function ropeContexts(text: Fields, tokens: number): number[] {
  const given = fieldsOf(text["rope_parameters"]) ?? fieldsOf(text["rope_scaling"]);
  if (given === null || String(text["model_type"]).includes("gemma3")) return [tokens];
  // Either one set of parameters, or one for each kind of layer.
  const sets = [given, ...Object.values(given).map(fieldsOf)].filter((set) => set !== null);
  const contexts = sets.flatMap((set) => {
    const kind = set["rope_type"] ?? set["type"];
    const factor = set["factor"];
    if (typeof kind !== "string" || typeof factor !== "number" || !Number.isFinite(factor)) return [];
    const original = numberIn(set, "original_max_position_embeddings");
    if (kind === "yarn") return original === null ? [] : [original * factor];
    return SCALED_ALREADY.has(kind) ? [] : [tokens * factor];
  });
  return [tokens, ...contexts];
}
