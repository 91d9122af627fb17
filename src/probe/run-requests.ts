import { setImmediate } from "node:timers/promises";
import type { ClientLoad } from "../domain/client-load.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { delay } from "../system/clock.ts";
import type { CasePlan, PlannedRequest } from "./case-plan.ts";
import { ClientLoadRecorder } from "./client-load.ts";
import { round6 } from "./stamped-body.ts";
import type { RequestResult, StampedResponse, StreamClient } from "./stream-client.ts";

export interface CaseContext {
  readonly variant: string;
  readonly session: number;
  readonly round: number;
}

/** A phase of a case: its requests, and how the client fared while they ran. */
export interface PhaseResult {
  /** One for each request that was sent, in the order of the plan; fewer after a cancellation or a timeout. */
  readonly traces: RequestTrace[];
  readonly clientLoad: ClientLoad;
}

/** Most bytes of responses that wait to be parsed; a stream of 128 tokens is about 50 kB. */
const MAX_KEPT_BYTES = 224_000_000;

/** A timer of N ms fires up to N + 1 ms after it was asked for: the rest is waited for in turns of the event loop. */
const TIMER_SLACK_MS = 1.2;

/**
 * Sends the requests of a phase. Each of `concurrency` senders takes the next one as soon as its last one ended
 * (closed loop) or, where requests say when they are planned, at that time (open loop). A request whose senders are
 * all busy then is late, and its trace says when it was planned: what its user would have waited counts from there.
 *
 * Connections are opened before the first send. Responses are parsed when the last one has ended: parsing holds up
 * whatever else the process does, so that in between it would delay the next requests and the stamps of those that
 * run. Only a case whose responses do not fit in memory is parsed in between.
 */
export async function runPhase(
  client: StreamClient,
  plan: CasePlan,
  phase: "warmup" | "measure",
  context: CaseContext,
  signal: AbortSignal,
  maxKeptBytes = MAX_KEPT_BYTES,
): Promise<PhaseResult> {
  const requests = plan[phase];
  const senders = Math.min(plan.concurrency, requests.length);
  // Where there is no connection to be had, the requests say so.
  if (!signal.aborted) await client.connect(senders).catch(() => undefined);
  const kept = new KeptResponses(maxKeptBytes);
  const sendLateMs: number[] = [];
  let idleS = 0;
  client.takeReadLag();
  const recorder = new ClientLoadRecorder();
  const beginS = client.nowS();
  const plannedOf = ({ plannedS }: PlannedRequest) => (plannedS === undefined ? null : beginS + plannedS);
  let next = 0;
  // A server that let one request time out would let the others too: the rest of the case is not sent.
  let timedOut = false;
  const sender = async () => {
    let freeS = beginS;
    while (next < requests.length && !timedOut && !signal.aborted) {
      const index = next;
      next += 1;
      const request = requests[index];
      if (request === undefined) return;
      const plannedS = plannedOf(request);
      if (plannedS !== null) {
        await waitUntil(plannedS, () => client.nowS(), signal);
        if (timedOut || signal.aborted) return;
      }
      const response = await client.send(request);
      timedOut ||= response.timedOut;
      if (plannedS === null) idleS += Math.max(0, response.startS - freeS);
      else sendLateMs.push((response.startS - plannedS) * 1000);
      freeS = response.endS;
      await kept.add(index, response);
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  const load = recorder.stop(client.takeReadLag(), sendLateMs, idleS, senders);
  await kept.readAll();
  const traces = requests.flatMap((request, index): RequestTrace[] => {
    const result = kept.results.get(index);
    if (result === undefined) return [];
    const plannedS = plannedOf(request);
    const planned = plannedS === null ? {} : { plannedS: round6(plannedS) };
    const place = { ...context, probe: plan.probe, case: plan.case, phase, id: request.id };
    return [{ ...place, ...planned, ...result }];
  });
  const resent = traces.filter((trace) => trace.resent === true).length;
  return { traces, clientLoad: { ...load, resent } };
}

/** Responses that ended, until they are parsed. */
class KeptResponses {
  readonly results = new Map<number, RequestResult>();
  readonly #ended = new Map<number, StampedResponse>();
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  async add(index: number, response: StampedResponse): Promise<void> {
    this.#ended.set(index, response);
    this.#bytes += response.sizeBytes;
    await this.#readDownTo(this.#maxBytes);
  }

  readAll(): Promise<void> {
    return this.#readDownTo(0);
  }

  /** Parses what ended first, one at a time, so that timers and connections get their turns. */
  async #readDownTo(bytes: number): Promise<void> {
    for (const [index, response] of this.#ended) {
      if (this.#bytes <= bytes && bytes > 0) return;
      // Before anything is awaited: another sender may be at it too.
      this.#ended.delete(index);
      this.#bytes -= response.sizeBytes;
      this.results.set(index, response.read());
      response.drop();
      await setImmediate();
    }
  }
}

/** Waits until a time on the traces' clock, to a few microseconds where the event loop is free. */
async function waitUntil(atS: number, nowS: () => number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const leftMs = (atS - nowS()) * 1000;
    if (leftMs <= 0 || signal.aborted) return;
    if (leftMs > TIMER_SLACK_MS + 1) await delay(Math.floor(leftMs - TIMER_SLACK_MS), signal);
    else await setImmediate();
  }
}
