import type { CasePlan, PromptTarget } from "./case-plan.ts";
import type { ServerTools } from "./suite.ts";
import { completionBody, promptOf } from "./workload.ts";

export interface KvOptions {
  /** Longest context that is filled, in tokens; a server with a shorter one is filled as far as it goes. */
  readonly contextTokens: number;
  /** How many lengths are measured on the way there. */
  readonly steps: number;
  /** Tokens that each request generates: while they come, the cache is read. */
  readonly outputTokens: number;
}

/** How often the cache is read: what one reading costs the server is some milliseconds. */
const GAUGES_EVERY_MS = 10;
/** When the server does not tell: vLLM's own default on GPUs. */
const USUAL_BLOCK = 16;
/** Block sizes are powers of two up to this almost everywhere: lengths that are multiples of it end where blocks do. */
const ALIGNMENT = 128;
/** Context of a server that does not tell: what every model has. */
const USUAL_CONTEXT = 1024;

/**
 * Contexts that grow: one request after another, each with more of the same text before it, and the use of the KV cache
 * read while it generates. The text of one is the beginning of the next one's, so that each prefills little.
 *
 * A request's last tokens cross the end of a block, which shows that memory is taken in steps. Where there is no room for two
 * lengths the whole context is asked for, which the session refuses, saying why.
 */
export function kvFillCase(target: PromptTarget, options: KvOptions, tools: ServerTools): CasePlan {
  const { contextTokens, outputTokens } = options;
  const fitting = fillLengths(options, tools);
  const lengths = fitting.length < 2 ? [contextTokens] : fitting;
  const text = promptOf(`${target.seed}/kv.fill`, lengths.at(-1) as number);
  const request = (id: string, promptTokens: number) => ({
    id,
    promptTokens,
    expectedTokens: outputTokens,
    body: completionBody({ model: target.model, prompt: text.slice(0, promptTokens), outputTokens }),
  });
  return {
    probe: "kv",
    case: "fill",
    concurrency: 1,
    mustMiss: false,
    warmup: [],
    measure: lengths.map((length, index) => request(`kv.fill.${index}`, length)),
    gaugesEveryMs: GAUGES_EVERY_MS,
  };
}

/** Prompt lengths at equal distances, each ending half an output before the end of a block. */
export function fillLengths(
  { contextTokens, steps, outputTokens }: KvOptions,
  { maxModelLen, kv }: Pick<ServerTools, "maxModelLen" | "kv">,
): number[] {
  const block = kv?.blockSize ?? USUAL_BLOCK;
  // Half the cache at most: a full one preempts, and other requests may be running.
  const capacity = kv?.capacityTokens ?? (kv?.blocks ?? Number.POSITIVE_INFINITY) * block;
  const longest = Math.min(contextTokens, maxModelLen ?? USUAL_CONTEXT, capacity / 2) - outputTokens;
  const aligned = ALIGNMENT % block === 0 && longest >= ALIGNMENT * steps ? ALIGNMENT : block;
  const before = Math.min(Math.ceil(outputTokens / 2), aligned - 1);
  const most = Math.floor((longest + before) / aligned);
  const count = Math.min(steps, most);
  const ends = Array.from({ length: count }, (_, index) => Math.round(((index + 1) * most) / count));
  return ends.map((end) => end * aligned - before).filter((length) => length > 0);
}
