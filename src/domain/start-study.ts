import type { Allocator } from "./node.ts";

/** Whether the weights lie in the page cache when a server starts. */
export const PAGE_CACHE_STATES = ["cold", "warm"] as const;
export type PageCacheState = (typeof PAGE_CACHE_STATES)[number];

/** Whether a server finds what an earlier one compiled. */
export const COMPILE_CACHE_STATES = ["fresh", "kept"] as const;
export type CompileCacheState = (typeof COMPILE_CACHE_STATES)[number];

/** Repeats of one number: their middle and their ends. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly n: number;
}

/** One start. Times in seconds; null is what was not measured. */
export interface StartRow {
  readonly session: number;
  readonly variant: string;
  readonly readyS: number | null;
  /** Processes and imports, the model and its weights, warm-up, and what nothing names. */
  readonly processesS: number | null;
  readonly modelS: number | null;
  readonly warmupS: number | null;
  readonly unexplainedS: number | null;
  /** Reading the weights, by the server's own log. */
  readonly weightsS: number | null;
  readonly weightsMibPerS: number | null;
  /** Share of the weights in the page cache before, 0–1. */
  readonly residentShare: number | null;
  readonly diskReadMib: number | null;
  readonly coldTtftS: number | null;
  readonly coldE2eS: number | null;
  readonly warmTtftS: number | null;
  readonly warmE2eS: number | null;
  readonly warmE2eP95S: number | null;
  /** Throughput of eight requests in flight; best round. */
  readonly tokensPerS: number | null;
  /** Largest resident memory of all processes of the server. */
  readonly rssMib: number | null;
  readonly allocator: Allocator | null;
  /** Why the machine may have made these numbers, during the start and in rounds that stayed dirty. */
  readonly dirty: readonly string[];
}

/** The starts of one variant. */
export interface StartCell {
  readonly variant: string;
  readonly starts: readonly StartRow[];
  readonly spread: Readonly<Record<StartNumber, Spread | null>>;
}

/** The numbers of a start that are summed up. */
export const START_NUMBERS = [
  "readyS",
  "processesS",
  "modelS",
  "warmupS",
  "weightsS",
  "coldTtftS",
  "coldE2eS",
  "warmTtftS",
  "warmE2eS",
  "tokensPerS",
  "rssMib",
] as const;
export type StartNumber = (typeof START_NUMBERS)[number];

/** Reading the weight files alone, one after the other, without a server. */
export interface WeightReading {
  readonly files: number;
  readonly sizeMib: number;
  readonly cold: TimedReading | null;
  readonly warm: TimedReading | null;
}

export interface TimedReading {
  readonly gbPerS: number;
  /** Bytes that were read, in MiB; fewer than there are when it took too long. */
  readonly readMib: number;
  /** Share in the page cache before, 0–1; null when it could not be told. */
  readonly residentShare: number | null;
}
