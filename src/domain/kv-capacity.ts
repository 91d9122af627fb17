import type { SessionRecord } from "./run.ts";

/** A KV cache as a server told of it, in its log and in `/metrics`. */
export interface KvCapacity {
  /** Tokens that it holds, free of rounding to whole requests where that is known; null when nothing says. */
  readonly tokens: number | null;
  /** As the server reports them: from vLLM 0.22 on whole requests of `--max-model-len` times that. */
  readonly reportedTokens: number | null;
  readonly blocks: number | null;
  readonly blockSize: number | null;
  /**
   * True when every layer keeps every token, so that blocks × block size is the capacity. False for hybrids, whose
   * reported tokens move with `--max-model-len` and with the version; null when too little is known.
   */
  readonly uniform: boolean | null;
  readonly maxConcurrency: number | null;
  /** The context for which the concurrency was computed. */
  readonly maxModelLen: number | null;
  readonly memoryBytes: number | null;
  /** Half of the last digit of what was printed; 0 when the number is exact. */
  readonly memoryErrorBytes: number;
  /** Why the memory does not say how large a block is; null where it does. */
  readonly memoryProblem: string | null;
}

export const GIB = 2 ** 30;
/** The log prints GiB with two decimals. */
const PRINTED_ERROR_BYTES = 0.005 * GIB;

/** The KV cache of a session, from whichever of its sources there is. */
export function kvCapacity(session: SessionRecord): KvCapacity {
  const { kv, logFacts } = session;
  const blocks = kv?.blocks ?? logFacts?.kvBlocks ?? null;
  const blockSize = kv?.blockSize ?? null;
  const reportedTokens = kv?.capacityTokens ?? logFacts?.kvCapacityTokens ?? null;
  const maxModelLen = logFacts?.maxConcurrencyTokens ?? session.maxModelLen ?? null;
  const uniform = isUniform({
    blocks,
    blockSize,
    reportedTokens,
    maxModelLen,
    v0: logFacts?.kvBlocks != null,
  });
  const tokens =
    uniform === true && blocks !== null && blockSize !== null ? blocks * blockSize : reportedTokens;
  return {
    tokens,
    reportedTokens,
    blocks,
    blockSize,
    uniform,
    maxConcurrency: kv?.maxConcurrency ?? logFacts?.maxConcurrency ?? null,
    maxModelLen,
    ...memoryOf(session),
  };
}

interface Told {
  readonly blocks: number | null;
  readonly blockSize: number | null;
  readonly reportedTokens: number | null;
  readonly maxModelLen: number | null;
  /** V0 printed blocks and knew one kind of layer only. */
  readonly v0: boolean;
}

/** Rounding that the server's own floating point may do. */
const SAME = 2;

function isUniform({ blocks, blockSize, reportedTokens, maxModelLen, v0 }: Told): boolean | null {
  if (blocks === null || blockSize === null) return null;
  if (reportedTokens === null) return v0 ? true : null;
  if (Math.abs(reportedTokens - blocks * blockSize) <= SAME) return true;
  if (maxModelLen === null) return null;
  // From 0.22 on: requests that fit, times their length.
  const fitting = (blocks / Math.ceil(maxModelLen / blockSize)) * maxModelLen;
  return Math.abs(reportedTokens - fitting) <= SAME;
}

function memoryOf({
  kv,
  logFacts,
  env,
}: SessionRecord): Pick<KvCapacity, "memoryBytes" | "memoryErrorBytes" | "memoryProblem"> {
  const found = (memoryBytes: number, memoryErrorBytes: number) => ({
    memoryBytes,
    memoryErrorBytes,
    memoryProblem:
      kv?.blocksOverridden === true ? "--num-gpu-blocks-override sets the blocks, not the memory" : null,
  });
  if (kv?.memoryBytes != null) return found(kv.memoryBytes, 0);
  const gib = logFacts?.kvAvailableGib;
  if (gib != null) return found(gib * GIB, PRINTED_ERROR_BYTES);
  // The CPU backend prints no line that all releases share; its setting is in whole GiB.
  const spaceGib = Number(env?.["VLLM_CPU_KVCACHE_SPACE"] ?? "");
  if (spaceGib > 0) return found(spaceGib * GIB, 0);
  return {
    memoryBytes: null,
    memoryErrorBytes: 0,
    memoryProblem: "neither log nor /metrics names the KV memory",
  };
}
