import { setImmediate } from "node:timers/promises";
import type { RequestTrace } from "../domain/trace.ts";
import type { CasePlan } from "./cases.ts";
import type { RequestResult, StampedResponse, StreamClient } from "./stream-client.ts";

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
  await Promise.all(Array.from({ length: Math.min(plan.concurrency, requests.length) }, sender));
  await readEnded();
  return requests.flatMap((request, index) => {
    const result = results.get(index);
    if (result === undefined) return [];
    return [{ ...context, probe: plan.probe, case: plan.case, phase, id: request.id, ...result }];
  });
}
