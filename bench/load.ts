/** A closed-loop client in virtual time, and the loads of the H200 fixtures. */
import { Random } from "../src/simulator/random.ts";
import type { Emission, Simulation } from "../src/simulator/simulation.ts";

/** One request as its client saw it, milliseconds. */
export interface SeenRequest {
  ttftMs: number;
  e2eMs: number;
  longestGapMs: number;
}

/** A load's requests and the time it took. */
export interface SeenLoad {
  outputTokens: number;
  wallMs: number;
  requests: SeenRequest[];
}

/** What one load sends. */
export interface LoadPlan {
  concurrency: number;
  requests: number;
  outputTokens: number;
  /** The prompt of the next request. */
  prompt: () => number[];
}

interface OpenRequest {
  seen: SeenRequest;
  startS: number;
  lastS: number;
}

/**
 * The fixtures' client as their timestamps show it: threads of one Python process whose starts follow one another
 * by 0.1 ms, and which send their next request 0.17 ms after the last token. Its other lateness is not modelled.
 */
const CLIENT = { startApartS: 0.1e-3, thinkS: 0.17e-3 };

/** Random prompts of a length, no two alike. */
export function uniquePrompts(length: number, seed: number): () => number[] {
  const random = new Random(seed);
  return () => Array.from({ length }, () => Math.floor(random.next() * 30_000));
}

/** Runs loads one after another on one simulated server. */
export class BenchClient {
  readonly simulation: Simulation;
  private now = 100;
  private sent = 0;

  constructor(simulation: Simulation) {
    this.simulation = simulation;
  }

  /** Runs one load to its end. */
  run(plan: LoadPlan): SeenLoad {
    const begun = this.now;
    const open = new Map<string, OpenRequest>();
    const requests: SeenRequest[] = [];
    const starts: number[] = [];
    for (let i = 0; i < Math.min(plan.concurrency, plan.requests); i++)
      starts.push(begun + i * CLIENT.startApartS);
    let planned = starts.length;
    while (requests.length < plan.requests) {
      const start = starts[0] ?? Number.POSITIVE_INFINITY;
      this.now = Math.min(start, this.simulation.nextTime());
      if (this.now === Number.POSITIVE_INFINITY) throw new Error("the simulation stopped before its load");
      if (start <= this.now) {
        starts.shift();
        this.send(plan, open);
      }
      for (const emission of this.simulation.advance(this.now)) {
        const finished = receive(emission, open);
        if (finished === undefined) continue;
        requests.push(finished);
        if (planned++ >= plan.requests) continue;
        starts.push(Math.max(emission.time + CLIENT.thinkS, (starts.at(-1) ?? 0) + CLIENT.startApartS));
      }
    }
    const wallMs = (this.now - begun) * 1e3;
    this.now += 0.05;
    return { outputTokens: plan.outputTokens, wallMs, requests };
  }

  private send(plan: LoadPlan, open: Map<string, OpenRequest>): void {
    const id = `r${this.sent++}`;
    open.set(id, { seen: { ttftMs: 0, e2eMs: 0, longestGapMs: 0 }, startS: this.now, lastS: 0 });
    this.simulation.submit(this.now, {
      id,
      prompt: plan.prompt(),
      maxTokens: plan.outputTokens,
      minTokens: plan.outputTokens,
      ignoreEos: true,
      temperature: 0,
      seed: 0,
      cacheSalt: "",
    });
  }
}

function receive(emission: Emission, open: Map<string, OpenRequest>): SeenRequest | undefined {
  const entry = open.get(emission.id)!;
  const { seen } = entry;
  if (entry.lastS === 0) seen.ttftMs = (emission.time - entry.startS) * 1e3;
  else seen.longestGapMs = Math.max(seen.longestGapMs, (emission.time - entry.lastS) * 1e3);
  entry.lastS = emission.time;
  if (emission.finish === undefined) return undefined;
  seen.e2eMs = (emission.time - entry.startS) * 1e3;
  open.delete(emission.id);
  return seen;
}

/** The sweeps of the fixtures: concurrency and number of requests. */
const SWEEPS = [
  [1, 24],
  [4, 24],
  [8, 24],
  [16, 32],
  [32, 64],
] as const;

/** The loads of one session of the fixtures, by name, in their order. */
export function fixtureSession(client: BenchClient, seed: number): Record<string, SeenLoad> {
  const loads: Record<string, SeenLoad> = {};
  const constant = uniquePrompts(256, seed + 1)();
  const same = (): number[] => constant;
  loads["cold"] = client.run({ concurrency: 1, requests: 1, outputTokens: 64, prompt: same });
  loads["warm"] = client.run({ concurrency: 1, requests: 20, outputTokens: 64, prompt: same });
  const unique = uniquePrompts(1024, seed + 2);
  loads["uniq_1024"] = client.run({ concurrency: 1, requests: 20, outputTokens: 16, prompt: unique });
  const shared = uniquePrompts(1024, seed + 3)();
  const suffix = uniquePrompts(32, seed + 4);
  const prefixed = (): number[] => [...shared, ...suffix()];
  // What the counters in base.metrics.txt show beside the loads of requests.json: one short request that fills the
  // prefix cache, and before each sweep a wave of requests of 8 tokens.
  client.run({ concurrency: 1, requests: 1, outputTokens: 4, prompt: prefixed });
  loads["prefix_1024"] = client.run({ concurrency: 1, requests: 20, outputTokens: 16, prompt: prefixed });
  const prompt = uniquePrompts(200, seed + 5);
  for (const [concurrency, requests] of SWEEPS) {
    client.run({ concurrency, requests: concurrency, outputTokens: 8, prompt });
    loads[`sweep_${concurrency}`] = client.run({ concurrency, requests, outputTokens: 128, prompt });
  }
  return loads;
}
