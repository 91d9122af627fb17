import { setImmediate } from "node:timers/promises";
import type { RequestTrace } from "../domain/trace.ts";
import type {
  RequestResult,
  RequestTimeouts,
  StampedResponse,
  StreamClient,
  StreamRequest,
} from "./stream-client.ts";
import { completionBody, promptOf } from "./workload.ts";

/** A request of a case, ready to be sent. */
export interface PlannedRequest extends StreamRequest {
  readonly id: string;
}

/** One case of a probe: what is sent before the measurement, and what is measured. */
export interface CasePlan {
  readonly probe: string;
  readonly case: string;
  readonly concurrency: number;
  /** Prompts must not be in the prefix cache; a case whose prompts are found there is not trusted. */
  readonly mustMiss: boolean;
  /** One wave of the case's own concurrency: kernels of that batch size are compiled and connections open. */
  readonly warmup: readonly PlannedRequest[];
  readonly measure: readonly PlannedRequest[];
}

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

interface Target {
  readonly model: string;
  /** Names the prompts of this run; other seeds give other prompts. */
  readonly seed: string;
}

const MIN_REQUESTS = 8;

/** The first request of a server's life may wait for kernels that are compiled on demand. */
export const COLD_TIMEOUTS: RequestTimeouts = {
  firstByteMs: 600_000,
  betweenEventsMs: 300_000,
  totalMs: 900_000,
};

function ttftPrompt(target: Target, options: TtftOptions): Buffer {
  return completionBody({
    model: target.model,
    prompt: promptOf(`${target.seed}/ttft`, options.promptTokens),
    outputTokens: options.outputTokens,
  });
}

/** The first request of a session's life. */
export function coldCase(target: Target, options: TtftOptions): CasePlan {
  const body = ttftPrompt(target, options);
  return {
    probe: "ttft",
    case: "cold",
    concurrency: 1,
    mustMiss: true,
    warmup: [],
    measure: [{ id: "ttft.cold.0", body, expectedTokens: options.outputTokens, timeouts: COLD_TIMEOUTS }],
  };
}

/** The same prompt again and again: the cached path. */
export function warmCase(target: Target, options: TtftOptions): CasePlan {
  const body = ttftPrompt(target, options);
  const request = (id: string): PlannedRequest => ({ id, body, expectedTokens: options.outputTokens });
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
  target: Target,
  options: BatchingOptions,
  concurrency: number,
  round: string,
): CasePlan {
  const name = `c${concurrency}`;
  const request = (id: string): PlannedRequest => ({
    id,
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

export interface CaseContext {
  readonly variant: string;
  readonly session: number;
  readonly round: number;
}

/** Most bytes of responses that wait to be parsed; a stream of 128 tokens is about 50 kB. */
const MAX_KEPT_BYTES = 256_000_000;

/**
 * Sends requests in a closed loop: each of `concurrency` senders sends its next request when its last one ended.
 *
 * Responses are parsed when the last one has ended: parsing holds up whatever else the process does, so that in
 * between it would delay the next requests and the stamps of those that run. Only a case whose responses do not
 * fit in memory is parsed in between.
 *
 * @returns a trace for each request that was sent, in the order of the plan; fewer after a cancellation
 */
export async function runRequests(
  client: StreamClient,
  plan: CasePlan,
  phase: "warmup" | "measure",
  context: CaseContext,
  signal: AbortSignal,
  maxKeptBytes = MAX_KEPT_BYTES,
): Promise<RequestTrace[]> {
  const requests = plan[phase];
  const ended = new Map<number, StampedResponse>();
  const results = new Map<number, RequestResult>();
  let keptBytes = 0;
  /** Parses what has ended, one at a time, so that timers and connections get their turns. */
  const readEnded = async () => {
    for (const [index, response] of [...ended]) {
      // Another sender may be at it too.
      if (!ended.delete(index)) continue;
      keptBytes -= response.sizeBytes;
      results.set(index, response.read());
      await setImmediate();
    }
  };
  let next = 0;
  // A server that let one request time out would let the others too: the rest of the case is not sent.
  let timedOut = false;
  const sender = async () => {
    while (next < requests.length && !timedOut && !signal.aborted) {
      const index = next;
      next += 1;
      const request = requests[index];
      if (request === undefined) return;
      const response = await client.send(request);
      timedOut ||= response.timedOut;
      ended.set(index, response);
      keptBytes += response.sizeBytes;
      if (keptBytes > maxKeptBytes) await readEnded();
    }
  };
  await Promise.all(range(Math.min(plan.concurrency, requests.length)).map(sender));
  await readEnded();
  return requests.flatMap((request, index) => {
    const result = results.get(index);
    if (result === undefined) return [];
    return [{ ...context, probe: plan.probe, case: plan.case, phase, id: request.id, ...result }];
  });
}
