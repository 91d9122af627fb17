import type { KvFill } from "./kv-fill.ts";
import type { ModelFacts } from "./kv-formula.ts";

/** One server of a `--max-model-len` sweep: the seed's columns, and what does change. */
export interface KvScalingRow {
  readonly maxModelLen: number;
  /** Memory in use on the GPUs as the server became ready, MiB; null where it was not measured. */
  readonly gpuMemUsedMib: number | null;
  readonly deltaMib: number | null;
  /** The seed's estimate: the change of used memory over the change of the length. */
  readonly bytesPerTokenEst: number | null;
  readonly kvTokens: number | null;
  readonly blocks: number | null;
  readonly blockSize: number | null;
  readonly maxConcurrency: number | null;
  readonly availableGib: number | null;
  readonly readyS: number | null;
  /** Measured by filling the cache. */
  readonly bytesPerToken: number | null;
  readonly stepTokens: number | null;
  readonly uniform: boolean | null;
  /** Why there is nothing, or what is remarkable; empty for an ordinary row. */
  readonly notes: readonly string[];
  /** True for a server that was measured. */
  readonly measured: boolean;
}

/** How many requests of one length fit in the cache at once. */
export interface HeadroomRow {
  readonly contextTokens: number;
  readonly fitting: number;
  /** With {@link KvStudy.headroom} of the cache left free. */
  readonly safe: number;
  /** KV memory of one such request, in GiB. */
  readonly gib: number | null;
  /** True when its number is the server's own, false when it is computed from blocks. */
  readonly reported: boolean;
}

/** What doubling a context costs. */
export interface DoublingRow {
  readonly contextTokens: number;
  /** More KV memory for the wanted concurrency, in GiB. */
  readonly moreGib: number | null;
  readonly fittingNow: number;
  readonly fittingThen: number;
  /** With {@link KvStudy.headroom} of the cache left free. */
  readonly safeThen: number;
}

/** A `--max-model-len` sweep and what it says. */
export interface KvStudy {
  readonly rows: readonly KvScalingRow[];
  readonly fills: readonly KvFill[];
  readonly fillProblems: readonly string[];
  readonly model: ModelFacts | null;
  readonly wantConcurrency: number;
  /** Share of the cache that is left free where something is called safe. */
  readonly headroom: number;
  /** Middle of the measured bytes per token, else of the formula; null when neither is known. */
  readonly bytesPerToken: number | null;
  readonly bytesSource: "measured" | "formula" | null;
  /** Used memory over `--max-model-len`, MiB per token; null with fewer than two measured rows. */
  readonly gpuMibPerToken: number | null;
  /** Spread of used memory over the sweep, as a share of it. */
  readonly gpuSpread: number | null;
  readonly availableSpread: number | null;
  readonly tokensSpread: number | null;
  /**
   * Longest context whose wanted number of requests fits with the headroom, in whole blocks; null where the model's own
   * context is unknown, since a length beyond it is not served at all.
   */
  readonly safeLength: number | null;
  /** The same by the cache alone, whatever the model takes: with the headroom, and without. */
  readonly cacheSafeLength: number | null;
  readonly cacheLength: number | null;
  /** The longest measured length, which the server did take, of which the wanted number fits with the headroom. */
  readonly safeMeasured: number | null;
  readonly envelope: readonly HeadroomRow[];
  readonly doubling: readonly DoublingRow[];
  /** The KV memory was set and not found by profiling. */
  readonly memorySet: boolean;
  /** False when layers keep different amounts: then blocks and tokens do not convert. */
  readonly uniform: boolean;
}
