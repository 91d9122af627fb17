import type { KvConfig } from "../domain/run.ts";
import type { CasePlan, PromptTarget } from "./case-plan.ts";
import { type BatchingOptions, batchingCase, coldCase, type TtftOptions, warmCase } from "./cases.ts";

/** What a probe may ask of the server before it plans its requests. */
export interface ServerTools {
  /** Token ids of a text by the server's own `/tokenize`; null when it has none. */
  tokenize(text: string): Promise<readonly number[] | null>;
  /** Longest context in tokens; null when the server does not say. */
  readonly maxModelLen: number | null;
  readonly kv: KvConfig | null;
}

/** What a session sends: one cold case at most, then the same cases in each round. */
export interface ProbeSuite {
  /** Most requests in flight of any case. */
  readonly maxConcurrency: number;
  /** The first request of a server's life; null when none is measured. */
  cold(target: PromptTarget): CasePlan | null;
  /**
   * The cases of a round in the order in which they are sent.
   *
   * @param round - counted from 0
   */
  round(target: PromptTarget, round: number, tools: ServerTools): Promise<readonly CasePlan[]>;
}

/** Options of every probe; `false` leaves one out. */
export interface SuiteOptions {
  readonly ttft: TtftOptions | false;
  readonly batching: BatchingOptions | false;
}

/** The suite of a scenario's `probes`. */
export function suiteOf({ ttft, batching }: SuiteOptions): ProbeSuite {
  return {
    maxConcurrency: Math.max(1, ...(batching === false ? [] : batching.concurrency)),
    cold: (target) => (ttft !== false && ttft.cold ? coldCase(target, ttft) : null),
    round: async (target, round) => [
      ...(ttft === false ? [] : [warmCase(target, ttft)]),
      ...(batching === false
        ? []
        : batching.concurrency.map((each) => batchingCase(target, batching, each, String(round)))),
    ],
  };
}
