import type { KvConfig } from "../domain/run.ts";
import type { Traffic } from "../domain/traffic.ts";
import type { CasePlan, PromptTarget } from "./case-plan.ts";
import { type BatchingOptions, batchingCase, coldCase, type TtftOptions, warmCase } from "./cases.ts";
import { type KvOptions, kvFillCase } from "./kv-cases.ts";
import { type PrefixOptions, prefixCell } from "./prefix.ts";
import { trafficCase } from "./traffic.ts";

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
  readonly prefix: PrefixOptions | false;
  readonly kv: KvOptions | false;
  /** The user's own requests, with what the file holds. */
  readonly traffic?: Traffic | null;
}

/** The suite of a scenario's `probes`. */
export function suiteOf({ ttft, batching, prefix, kv, traffic = null }: SuiteOptions): ProbeSuite {
  const prefixCells =
    prefix === false
      ? []
      : prefix.regimes.flatMap((regime) =>
          prefix.concurrency.map((concurrency) => ({ regime, concurrency })),
        );
  return {
    maxConcurrency: Math.max(
      1,
      ...(batching === false ? [] : batching.concurrency),
      ...prefixCells.map((cell) => cell.concurrency),
      ...(traffic === null ? [] : [traffic.concurrency]),
    ),
    cold: (target) => (ttft !== false && ttft.cold ? coldCase(target, ttft) : null),
    round: async (target, round, tools) => [
      ...(ttft === false ? [] : [warmCase(target, ttft)]),
      ...(batching === false
        ? []
        : batching.concurrency.map((each) => batchingCase(target, batching, each, String(round)))),
      ...(prefix === false
        ? []
        : prefixCells.flatMap((cell) => prefixCell(target, prefix, cell, round, tools.maxModelLen))),
      ...(traffic === null ? [] : [trafficCase(target, traffic, String(round))]),
      // Not where no /metrics could be read meanwhile.
      ...(kv === false || tools.kv === null ? [] : [kvFillCase(target, kv, tools)]),
    ],
  };
}
