import type { CasePlan, PlannedRequest, PromptTarget } from "./case-plan.ts";
import type { RequestTimeouts } from "./stream-client.ts";
import { completionBody, promptOf } from "./workload.ts";

export interface TtftOptions {
  readonly cold: boolean;
  readonly warmRequests: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

export interface BatchingOptions {
  readonly concurrency: readonly number[];
  readonly waves: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

const MIN_REQUESTS = 8;

/** The first request of a server's life may wait for kernels that are compiled on demand. */
export const COLD_TIMEOUTS: RequestTimeouts = {
  firstByteMs: 600_000,
  betweenEventsMs: 300_000,
  totalMs: 900_000,
};

function ttftPrompt(target: PromptTarget, options: TtftOptions): Buffer {
  return completionBody({
    model: target.model,
    prompt: promptOf(`${target.seed}/ttft`, options.promptTokens),
    outputTokens: options.outputTokens,
  });
}

/** The first request of a session's life. */
export function coldCase(target: PromptTarget, options: TtftOptions): CasePlan {
  const body = ttftPrompt(target, options);
  return {
    probe: "ttft",
    case: "cold",
    concurrency: 1,
    mustMiss: true,
    warmup: [],
    measure: [
      {
        id: "ttft.cold.0",
        body,
        promptTokens: options.promptTokens,
        expectedTokens: options.outputTokens,
        timeouts: COLD_TIMEOUTS,
      },
    ],
  };
}

/** The same prompt again and again: the cached path. */
export function warmCase(target: PromptTarget, options: TtftOptions): CasePlan {
  const body = ttftPrompt(target, options);
  const request = (id: string): PlannedRequest => ({
    id,
    body,
    promptTokens: options.promptTokens,
    expectedTokens: options.outputTokens,
  });
  return {
    probe: "ttft",
    case: "warm",
    concurrency: 1,
    mustMiss: false,
    warmup: [request("ttft.warm.w0")],
    measure: range(options.warmRequests).map((index) => request(`ttft.warm.${index}`)),
  };
}

/** Unique prompts at a number of requests in flight. */
export function batchingCase(
  target: PromptTarget,
  options: BatchingOptions,
  concurrency: number,
  round: string,
): CasePlan {
  const name = `c${concurrency}`;
  const request = (id: string): PlannedRequest => ({
    id,
    promptTokens: options.promptTokens,
    expectedTokens: options.outputTokens,
    body: completionBody({
      model: target.model,
      prompt: promptOf(`${target.seed}/batching.${id}/${round}`, options.promptTokens),
      outputTokens: options.outputTokens,
    }),
  });
  const total = Math.max(MIN_REQUESTS, options.waves * concurrency);
  // Whole waves: a last wave that is not full would run at a lower concurrency than the case's name says.
  const requests = Math.ceil(total / concurrency) * concurrency;
  return {
    probe: "batching",
    case: name,
    concurrency,
    mustMiss: true,
    warmup: range(concurrency).map((index) => request(`batching.${name}.w${index}`)),
    measure: range(requests).map((index) => request(`batching.${name}.${index}`)),
  };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
