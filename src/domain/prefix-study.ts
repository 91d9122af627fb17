/** Servers of the study: prefix caching off, and on. */
export const PREFIX_MODES = ["off", "on"] as const;
export type PrefixMode = (typeof PREFIX_MODES)[number];

/** A workload at one prefix length and concurrency: what is compared between the two servers. */
export interface PrefixCellName {
  readonly workload: string;
  /** Length of the prefix in tokens as it was asked for, or another name of the user's. */
  readonly regime: string;
  readonly concurrency: number;
}

/** What the prompt file says of a group of prompts. */
export interface PromptFacts {
  readonly workload: string;
  readonly regime: string;
  readonly prompts: number;
  /** Distinct prefixes by their hashes. */
  readonly prefixes: number;
  /** Hash of each prompt's prefix, in the order in which they are sent. */
  readonly hashes: readonly string[];
  /** Tokens that every prompt with the same prefix begins with: the least of all its prefixes. */
  readonly sharedTokens: number;
  /** Mean tokens of a prompt. */
  readonly promptTokens: number;
}

/** Seconds over the successful requests of a cell; the 95th percentile needs 20 of them. */
export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number | null;
}

/** One server's result in one cell, over all its sessions and rounds. */
export interface PrefixRow extends PrefixCellName {
  readonly mode: PrefixMode;
  readonly requests: number;
  readonly failed: number;
  readonly sessions: number;
  /** Rounds over all its sessions. */
  readonly rounds: number;
  /** False where the machine, or the client, was not quiet in one of them by what that round's record says. */
  readonly quiet: boolean;
  /** Mean output tokens of an answer; null where one of them does not tell. */
  readonly outputTokens: number | null;
  readonly ttftS: Spread | null;
  /** Send to the end of the stream. */
  readonly e2eS: Spread | null;
  readonly requestsPerS: number | null;
  /** Output tokens. */
  readonly tokensPerS: number | null;
  /** Cached over queried prompt tokens by the server's counters; null where it does not tell. */
  readonly hitRate: number | null;
  /** Prompt tokens that were computed and put into the cache, over what it holds: how often it was written anew. */
  readonly turnover: number | null;
  readonly preemptions: number | null;
  /** Of the sessions' GPUs, in MiB; null where it was not measured. */
  readonly vramPeakMib: number | null;
  readonly vramSteadyMib: number | null;
  readonly notes: readonly string[];
}

/** Name of the misses beside the main workload's hits, as if they were a workload. */
export const MISSES = "miss";

/** Why the first token did not come sooner, in the order in which they are looked for. */
export const PREFIX_REASONS = [
  "flag_without_effect",
  "prefix_not_identical",
  "evicted",
  "suffix_dominates",
  "prefix_too_short",
  "unknown",
] as const;
export type PrefixReason = (typeof PREFIX_REASONS)[number];

/** What caching changed in a cell: shares of the value with caching off, −0.3 being 30 % less. */
export interface PrefixComparison extends PrefixCellName {
  readonly off: PrefixRow;
  readonly on: PrefixRow;
  readonly ttftP50: number | null;
  readonly ttftP95: number | null;
  readonly e2eP95: number | null;
  readonly requestsPerS: number | null;
  readonly tokensPerS: number | null;
  readonly vramMib: number | null;
  /**
   * What a hit saves of the median TTFT of a miss of the same server, the one with caching on; null where the workload
   * has no misses beside it. Unlike the changes from one server to the other, it holds nothing of their differences.
   */
  readonly savingWithin: number | null;
  /** TTFT of the misses that took turns with its hits on the server with caching; null where there are none. */
  readonly missTtftS: Spread | null;
  /** The change of the misses' median TTFT from one server to the other: what they differ by beside caching. */
  readonly control: number | null;
  /** P / (P + S): the share of the prefill that a hit saves at best. */
  readonly predictedSaving: number | null;
  /** Share of the requests' prefixes that were in the cache, 0 to 1. */
  readonly hits: number | null;
  /** h · hit + (1 − h) · miss, in seconds, where the same length and concurrency was measured with hits only. */
  readonly expectedTtftS: number | null;
  /** {@link savingWithin}, else what the median TTFT fell by. */
  readonly saving: number | null;
  /** Whether all that it is made from, misses included, was measured in rounds that were quiet. */
  readonly quiet: boolean;
  /**
   * What a saving is worth: more tokens per second, or sooner first tokens alone. With `ux_loss` and `p95_loss`, a 95th
   * percentile (first token or end to end) rose meanwhile: some users wait longer than without caching. With
   * `throughput_loss`, several in flight got fewer tokens per second than without caching.
   */
  readonly win:
    | "capacity"
    | "capacity_ux_loss"
    | "latency"
    | "latency_p95_loss"
    | "latency_throughput_loss"
    | "none";
  /** Null where the first token came sooner. */
  readonly reason: { readonly name: PrefixReason; readonly text: string } | null;
}

/** The study's numbers and what they say. */
export interface PrefixStudy {
  readonly schemaVersion: 1;
  readonly rows: readonly PrefixRow[];
  readonly comparisons: readonly PrefixComparison[];
  /** Sentences by the question that they answer. */
  readonly interpretation: readonly { readonly title: string; readonly lines: readonly string[] }[];
  /** The closing rule, a bullet each. */
  readonly conclusion: readonly string[];
  /** What makes some of it untrustworthy; empty when nothing does. */
  readonly doubts: readonly string[];
}
