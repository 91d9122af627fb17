import { z } from "zod";
import { flagValue } from "./flag-value.ts";
import type { ModelShape } from "./model-shape.ts";

/** What a model's `config.json` leads one to expect of its server: a session's `model`. */
export const modelFactsSchema = z.object({
  /** Longest context in tokens that vLLM allows for the model; null when no field says. */
  contextTokens: z.number().nullable(),
  contextKey: z.string().nullable(),
  /** Bytes of KV memory of one token on one GPU by the formula; null when it cannot be said. */
  kvBytesPerToken: z.number().nullable(),
  /** `full`, `mla`, `window`, `hybrid`, `recurrent` or `unknown`; the formula is the model's own for the first two. */
  kvLayout: z.string(),
  /** The formula with its numbers, or why there is none. */
  kvTerms: z.string(),
});
export type ModelFacts = z.infer<typeof modelFactsSchema>;

/** What of a server's flags decides the size of a token's KV. */
export interface KvDeployment {
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  /** `--kv-cache-dtype`, `auto` by default. */
  readonly kvDtype: string;
  /** `--dtype`, `auto` by default. */
  readonly dtype: string;
}

/** Reads a deployment from a server's arguments. */
export function kvDeployment(args: readonly string[]): KvDeployment {
  const count = (...names: string[]) => {
    const value = Number(flagValue(args, ...names) ?? "1");
    return Number.isSafeInteger(value) && value > 0 ? value : 1;
  };
  return {
    tensorParallel: count("--tensor-parallel-size", "-tp"),
    pipelineParallel: count("--pipeline-parallel-size", "-pp"),
    kvDtype: flagValue(args, "--kv-cache-dtype") ?? "auto",
    dtype: flagValue(args, "--dtype") ?? "auto",
  };
}

/** The facts of a model as a deployment serves it. */
export function modelFacts(shape: ModelShape, deployment: KvDeployment): ModelFacts {
  const { contextTokens, contextKey, layout } = shape;
  return { contextTokens, contextKey, kvLayout: layout, ...kvFormula(shape, deployment) };
}

/**
 * Bytes of KV memory of one token on one GPU: layers × KV heads × (key + value size) × bytes of an element; of MLA
 * layers × latent × bytes, which tensor parallelism does not divide (vllm/v1/kv_cache_interface.py). Where layers
 * differ, it is what the layers that keep every token would need: an upper bound for windows, a part for hybrids.
 */
function kvFormula(
  shape: ModelShape,
  deployment: KvDeployment,
): Pick<ModelFacts, "kvBytesPerToken" | "kvTerms"> {
  const none = (why: string) => ({ kvBytesPerToken: null, kvTerms: why });
  if (shape.layout === "unknown" || shape.layout === "recurrent") {
    return none(`no formula: ${shape.exception ?? "unknown layout"}`);
  }
  const bytes = elementBytes(shape, deployment);
  if (bytes === null) return none(`no formula for --kv-cache-dtype ${deployment.kvDtype}`);
  const { tensorParallel, pipelineParallel } = deployment;
  // The rank with most layers is the one that limits.
  const layers = Math.ceil(shape.growingLayers / pipelineParallel);
  const exception = shape.exception === null ? "" : `; not exact: ${shape.exception}`;
  if (shape.latentDim !== null) {
    if (deployment.kvDtype === "fp8_ds_mla") {
      return {
        kvBytesPerToken: DS_MLA_BYTES * layers,
        kvTerms: `${DS_MLA_BYTES} B × ${layers} layers (fp8_ds_mla)`,
      };
    }
    return {
      kvBytesPerToken: shape.latentDim * layers * bytes,
      kvTerms: `${layers} layers × ${shape.latentDim} latent × ${bytes} B (MLA)${exception}`,
    };
  }
  const heads = Math.max(1, Math.floor(shape.kvHeads / tensorParallel));
  const same = shape.headDim === shape.valueHeadDim;
  const dims = same ? 2 * shape.headDim : shape.headDim + shape.valueHeadDim;
  const sizes = same
    ? `2 × ${layers} layers × ${heads} KV heads × ${shape.headDim}`
    : `${layers} layers × ${heads} KV heads × (${shape.headDim} + ${shape.valueHeadDim})`;
  return { kvBytesPerToken: layers * heads * dims * bytes, kvTerms: `${sizes} × ${bytes} B${exception}` };
}

/** Bytes of a token and layer of DeepSeek's own fp8 layout: 512 + 16 for scales + 128 for rope. */
const DS_MLA_BYTES = 656;

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  half: 2,
  float16: 2,
  bfloat16: 2,
  float: 4,
  float32: 4,
  fp8: 1,
  fp8_e4m3: 1,
  fp8_e5m2: 1,
  fp8_inc: 1,
  fp8_ds_mla: 1,
  int8: 1,
  // Two elements a byte, and a scale for each sixteen.
  nvfp4: 0.5625,
};

/** Bytes of one element of the cache, or null for a type that is not known. */
function elementBytes(shape: ModelShape, { kvDtype, dtype }: KvDeployment): number | null {
  if (kvDtype !== "auto")
    return Object.hasOwn(ELEMENT_BYTES, kvDtype) ? (ELEMENT_BYTES[kvDtype] as number) : null;
  if (shape.quantizedKv) return 1;
  // Under `auto`, vLLM serves float32 weights in half precision.
  if (dtype === "auto") return 2;
  return Object.hasOwn(ELEMENT_BYTES, dtype) ? (ELEMENT_BYTES[dtype] as number) : null;
}
