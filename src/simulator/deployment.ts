/** One server's resolved configuration: the model and the device under the flags that were given. */
import { COSTS, type Costs } from "./costs.ts";
import type { Flags } from "./flags.ts";
import type { Gpu } from "./gpu.ts";
import type { ModelShape } from "./model-config.ts";
import type { Settings } from "./settings.ts";

/** Flags, model and device, with vLLM's defaults filled in. */
export interface Deployment {
  flags: Flags;
  settings: Settings;
  gpu: Gpu;
  model: ModelShape;
  maxModelLen: number;
  maxNumSeqs: number;
  maxNumBatchedTokens: number;
  blockSize: number;
  asyncScheduling: boolean;
  /** Compiled and captured, rather than eager. */
  cudaGraphs: boolean;
  /** The batch sizes captured as graphs; none without graphs. */
  captureSizes: number[];
  /** The last of them, 0 without graphs. */
  largestGraph: number;
  /** Bytes of KV memory of one token on one device. */
  kvBytesPerToken: number;
  /** Ids of the model's vocabulary that its tokenizer knows; the others decode to nothing. */
  knownIds: number;
  costs: Costs;
}

/**
 * Ids of the tokenizer of a model that has none here and random weights (`--load-format dummy`): such a model is the
 * shape of one, as in the fixtures, whose tokenizer had this many.
 */
const SHAPE_TOKENIZER_IDS = 4096;

/** Batch sizes up to this are captured as CUDA graphs (vLLM's default of `max_cudagraph_capture_size`). */
const LARGEST_GRAPH = 512;

/**
 * Fills in vLLM's defaults, which depend on the device's memory (vLLM 0.22, `arg_utils.py`).
 */
export function deploy(flags: Flags, settings: Settings, gpu: Gpu, model: ModelShape): Deployment {
  const cuda = gpu.device === "cuda";
  const large = cuda && gpu.memoryMiB >= 70 * 1024 && !gpu.name.includes("A100");
  const maxModelLen = typeof flags.maxModelLen === "number" ? flags.maxModelLen : model.maxPositions;
  const maxNumBatchedTokens = flags.maxNumBatchedTokens ?? (large ? 8192 : 2048);
  const maxNumSeqs = flags.maxNumSeqs ?? Math.min(large ? 1024 : cuda ? 256 : 128, maxNumBatchedTokens);
  const kvDtypeBytes = flags.kvCacheDtype.startsWith("fp8") ? 1 : model.dtypeBytes;
  const kvHeads = Math.max(1, model.kvHeads / flags.tensorParallelSize);
  const cudaGraphs = cuda && !flags.enforceEager;
  const captureSizes = cudaGraphs ? graphSizes(maxNumSeqs, maxNumBatchedTokens) : [];
  return {
    flags,
    settings,
    gpu,
    model,
    maxModelLen,
    maxNumSeqs,
    maxNumBatchedTokens,
    blockSize: flags.blockSize ?? (cuda ? 16 : 128),
    asyncScheduling: flags.asyncScheduling && cuda,
    cudaGraphs,
    captureSizes,
    largestGraph: captureSizes.at(-1) ?? 0,
    knownIds: flags.loadFormat === "dummy" ? Math.min(model.vocab, SHAPE_TOKENIZER_IDS) : model.vocab,
    kvBytesPerToken: 2 * model.layers * kvHeads * model.headDim * kvDtypeBytes,
    costs: COSTS,
  };
}

/** The batch sizes vLLM captures as graphs: 1, 2, 4, then every 8 up to 256, then every 16. */
function graphSizes(maxNumSeqs: number, maxNumBatchedTokens: number): number[] {
  const largest = Math.min(LARGEST_GRAPH, maxNumSeqs * 2, maxNumBatchedTokens);
  const sizes = [1, 2, 4];
  for (let size = 8; size < 256; size += 8) sizes.push(size);
  for (let size = 256; size <= LARGEST_GRAPH; size += 16) sizes.push(size);
  return sizes.filter((size) => size <= largest);
}
