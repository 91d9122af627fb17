/** Drives a simulated server in virtual time with closed-loop clients. */
import { type Deployment, deploy } from "../../src/simulator/deployment.ts";
import { parseFlags } from "../../src/simulator/flags.ts";
import { findGpu } from "../../src/simulator/gpu.ts";
import { findModel } from "../../src/simulator/model-config.ts";
import { Random } from "../../src/simulator/random.ts";
import { readSettings } from "../../src/simulator/settings.ts";
import { type Emission, Simulation } from "../../src/simulator/simulation.ts";

export const QWEN = "Qwen/Qwen2.5-1.5B-Instruct";
export const PHI = "microsoft/Phi-3-mini-4k-instruct";

/** A deployment as the command line would make it. */
export function deployment(
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  model = QWEN,
): Deployment {
  const lookup = findModel(model);
  if (lookup.kind !== "found") throw new Error(`no such model: ${model}`);
  const settings = readSettings({ VLLM_SIM_COMPILE_CACHE: "warm", ...env });
  return deploy(
    parseFlags([model, "--max-model-len", "4096", ...flags]),
    settings,
    findGpu(settings.gpu),
    lookup.shape,
  );
}

/** Prompts that differ in every token. */
export function uniquePrompts(length: number, seed = 1): () => number[] {
  const random = new Random(seed);
  return () => Array.from({ length }, () => Math.floor(random.next() * 150_000));
}

/** One request as its client saw it, in seconds. */
export interface Seen {
  ttft: number;
  tpot: number;
  tokens: number[];
  events: number;
  cached: number;
}

/** A load's results. */
export interface LoadResult {
  requests: Seen[];
  tokensPerSecond: number;
}

/** Runs loads one after another on one server. */
export class VirtualClient {
  readonly simulation: Simulation;
  private now = 100;
  private sent = 0;

  constructor(target: Deployment) {
    this.simulation = new Simulation(target);
  }

  /** Seconds on the virtual clock. */
  get time(): number {
    return this.now;
  }

  /** Lets time pass without a request. */
  wait(seconds: number): void {
    this.now += seconds;
  }

  /** `concurrency` clients send `total` requests; a client waits 0.7 ms between a response and its next request. */
  load(concurrency: number, total: number, prompt: () => number[], output: number): LoadResult {
    const begun = this.now;
    const open = new Map<string, { start: number; first: number; last: number; seen: Seen }>();
    const done: Seen[] = [];
    let started = 0;
    const send = (time: number): void => {
      const id = `r${this.sent++}`;
      started++;
      open.set(id, {
        start: time,
        first: 0,
        last: 0,
        seen: { ttft: 0, tpot: 0, tokens: [], events: 0, cached: 0 },
      });
      this.simulation.submit(time, {
        id,
        prompt: prompt(),
        maxTokens: output,
        minTokens: output,
        ignoreEos: true,
        temperature: 0,
        seed: 0,
        cacheSalt: "",
      });
    };
    const receive = (emission: Emission): void => {
      const entry = open.get(emission.id)!;
      if (entry.seen.tokens.length === 0) entry.first = emission.time;
      entry.last = emission.time;
      entry.seen.events++;
      entry.seen.tokens.push(...emission.tokens.map((item) => item.token));
      entry.seen.cached = emission.record.cached;
      if (emission.finish === undefined) return;
      entry.seen.ttft = entry.first - entry.start;
      entry.seen.tpot = (entry.last - entry.first) / Math.max(1, output - 1);
      done.push(entry.seen);
      if (started < total) send(emission.time + 0.7e-3);
    };
    for (let i = 0; i < Math.min(concurrency, total); i++) send(this.now);
    while (done.length < total) {
      this.now = this.simulation.nextTime();
      if (this.now === Number.POSITIVE_INFINITY)
        throw new Error("the simulation stopped before its load was done");
      for (const emission of this.simulation.advance(this.now)) receive(emission);
    }
    const elapsed = this.now - begun;
    this.now += 1;
    return { requests: done, tokensPerSecond: (total * output) / elapsed };
  }
}

/** A quantile of numbers, by nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
