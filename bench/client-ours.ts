/**
 * Our client in a process of its own, as the gate uses it: a case with a wave of warm-up requests, then the measured
 * ones. Everything that the bench knows of the client's interface is in this file.
 *
 *     node bench/client-ours.ts '{"url":…,"load":…,"file":…,"model":…}'
 */
import { writeFile } from "node:fs/promises";
import type { RequestTrace } from "../src/domain/trace.ts";
import type { PlannedRequest } from "../src/probe/case-plan.ts";
import { runPhase } from "../src/probe/run-requests.ts";
import { createStreamClient } from "../src/probe/stream-client.ts";
import { completionBody, promptOf } from "../src/probe/workload.ts";
import { monotonicS } from "../src/system/clock.ts";
import type { Load } from "./client-cells.ts";
import type { Reported } from "./client-peers.ts";

const PROMPT_TOKENS = 8;
const SESSION = { variant: "bench", session: 0, round: 0 };

interface Task {
  readonly url: string;
  readonly load: Load;
  /** Where the report goes. */
  readonly file: string;
  readonly model: string;
}

/** A request that names itself, so that the server's notes of it can be found. */
function request(id: string, { model, load }: Task): PlannedRequest {
  const body = completionBody({ model, prompt: promptOf(id, PROMPT_TOKENS), outputTokens: load.tokens });
  return { id, body, expectedTokens: load.tokens, requestId: id };
}

/** Nanoseconds of CLOCK_MONOTONIC at the zero of `monotonicS`: the closest of many readings between two others. */
function clockOffsetNs(): number {
  let closest = Number.POSITIVE_INFINITY;
  let offset = 0;
  for (let i = 0; i < 200; i++) {
    const before = process.hrtime.bigint();
    const atS = monotonicS();
    const apart = Number(process.hrtime.bigint() - before);
    if (apart >= closest) continue;
    closest = apart;
    offset = Number(before) + apart / 2 - atS * 1e9;
  }
  return offset;
}

function report(trace: RequestTrace, offsetNs: number): Reported {
  const { firstTokenS, lastTokenS, arrivals, outcome, error } = trace;
  if (outcome !== "ok" || firstTokenS === null || lastTokenS === null || arrivals === undefined)
    throw new Error(`request ${trace.id}: ${outcome}: ${error ?? "without arrivals"}`);
  const times = arrivals.map(([atS]) => atS);
  return {
    id: `cmpl-${trace.id}`,
    ttftMs: (firstTokenS - trace.startS) * 1000,
    tpotMs: ((lastTokenS - firstTokenS) / (times.length - 1)) * 1000,
    gapsMs: times.slice(1).map((atS, i) => (atS - times[i]!) * 1000),
    sentNs: offsetNs + trace.startS * 1e9,
    arrivedNs: times.map((atS) => offsetNs + atS * 1e9),
  };
}

const task = JSON.parse(process.argv[2] ?? "{}") as Task;
const { load, url } = task;
const named = (phase: string, count: number) =>
  Array.from({ length: count }, (_, i) => request(`${phase}-${i}`, task));
const plan = {
  ...{ probe: "bench", case: load.name, concurrency: load.streams, mustMiss: false },
  ...{ warmup: named("warmup", load.streams), measure: named("ours", load.requests) },
};
const { signal } = new AbortController();
const options = { baseUrl: url, apiKey: null, maxConnections: load.streams, zeroS: 0, signal };
const client = createStreamClient(options);
await runPhase(client, plan, "warmup", SESSION, signal);
const { traces } = await runPhase(client, plan, "measure", SESSION, signal);
await client[Symbol.asyncDispose]();
const offsetNs = clockOffsetNs();
await writeFile(task.file, JSON.stringify(traces.map((trace) => report(trace, offsetNs))));
