import { describe, expect, it } from "vitest";
import { deployment, quantile, uniquePrompts, VirtualClient } from "./virtual-load.ts";

const ms = (values: readonly number[], share = 0.5): number => quantile(values, share) * 1e3;

describe("the engine in virtual time", () => {
  it("repeats greedy output, and finds a repeated prompt in the cache up to its last whole block but one token", () => {
    const client = new VirtualClient(deployment());
    const prompt = uniquePrompts(256)();
    const first = client.load(1, 1, () => prompt, 32).requests[0]!;
    const second = client.load(1, 1, () => prompt, 32).requests[0]!;
    expect(second.tokens).toEqual(first.tokens);
    expect(first.cached).toBe(0);
    expect(second.cached).toBe(240);
    expect(client.simulation.engine.scheduler.counters).toMatchObject({
      prefixQueries: 512,
      prefixHits: 240,
    });
    expect(client.simulation.engine.pool.usage).toBe(0);
  });

  it("never hits with prefix caching off, and then counts no queries", () => {
    const client = new VirtualClient(deployment(["--no-enable-prefix-caching"]));
    const prompt = uniquePrompts(256)();
    const { requests } = client.load(1, 3, () => prompt, 8);
    expect(requests.map((request) => request.cached)).toEqual([0, 0, 0]);
    expect(client.simulation.engine.scheduler.counters.prefixQueries).toBe(0);
  });

  it("keeps the order of decode speeds: graphs, then synchronous scheduling, then eager", () => {
    const tpot = (flags: string[]): number => {
      const client = new VirtualClient(deployment(flags));
      return ms(client.load(1, 5, uniquePrompts(200), 64).requests.map((request) => request.tpot));
    };
    const base = tpot([]);
    expect(base).toBeCloseTo(2.0, 1);
    expect(tpot(["--no-async-scheduling"]) / base).toBeGreaterThan(1.2);
    expect(tpot(["--enforce-eager"]) / base).toBeGreaterThan(4);
  });

  it("splits a long prompt into chunks of the batch budget", () => {
    const chunks: number[] = [];
    const client = new VirtualClient(deployment(["--max-num-batched-tokens", "256"]));
    client.simulation.engine.onIteration = (tokens) => chunks.push(tokens);
    client.load(1, 1, uniquePrompts(1000), 2);
    expect(chunks).toEqual([256, 256, 256, 232, 1]);
  });

  it("runs no more requests at once than max-num-seqs", () => {
    const client = new VirtualClient(deployment(["--max-num-seqs", "4"]));
    let most = 0;
    const { engine } = client.simulation;
    engine.onIteration = () => {
      most = Math.max(most, engine.scheduler.running.length);
    };
    client.load(16, 16, uniquePrompts(100), 16);
    expect(most).toBe(4);
  });

  it("preempts and recomputes when blocks run out, and still gives the same tokens", () => {
    const flags = ["--max-model-len", "512", "--kv-cache-memory-bytes", String(28_672 * 16 * 40)];
    const small = new VirtualClient(deployment(flags));
    const large = new VirtualClient(deployment());
    const few = small.load(8, 8, uniquePrompts(48, 9), 100).requests;
    const many = large.load(8, 8, uniquePrompts(48, 9), 100).requests;
    expect(small.simulation.engine.scheduler.counters.preemptions).toBeGreaterThan(0);
    const texts = (requests: typeof few): string[] => requests.map((request) => request.tokens.join()).sort();
    expect(texts(few)).toEqual(texts(many));
    expect(small.simulation.engine.pool.usage).toBe(0);
  });

  it("merges tokens into one event when the front end cannot keep up", () => {
    const client = new VirtualClient(deployment());
    const { requests } = client.load(96, 96, uniquePrompts(50), 64);
    const events = requests.reduce((sum, request) => sum + request.events, 0);
    expect(events).toBeLessThan(96 * 64 * 0.8);
    expect(requests.every((request) => request.tokens.length === 64)).toBe(true);
  });

  it("forgets an aborted request and frees its blocks", () => {
    const { simulation } = new VirtualClient(deployment());
    simulation.submit(1, {
      id: "gone",
      prompt: [1, 2, 3],
      maxTokens: 1000,
      minTokens: 0,
      ignoreEos: true,
      temperature: 0,
      seed: 0,
      cacheSalt: "",
    });
    simulation.advance(1.2);
    expect(simulation.engine.pool.usage).toBeGreaterThan(0);
    expect(simulation.abort("gone")?.generated).toBeGreaterThan(10);
    expect(simulation.engine.pool.usage).toBe(0);
    simulation.advance(2);
    expect(simulation.nextTime()).toBe(Number.POSITIVE_INFINITY);
  });

  it("serves minutes in a second", () => {
    const client = new VirtualClient(deployment());
    const { tokensPerSecond } = client.load(1, 2000, uniquePrompts(64), 128);
    expect(tokensPerSecond).toBeGreaterThan(300);
  });
});

describe("planted regressions", () => {
  const measure = (env: Record<string, string>): { ttft: number; tpot: number; cached: number } => {
    const client = new VirtualClient(deployment([], env));
    const prompt = uniquePrompts(256)();
    const { requests } = client.load(1, 10, () => prompt, 32);
    return {
      ttft: ms(
        requests.map((request) => request.ttft),
        0.1,
      ),
      tpot: ms(requests.map((request) => request.tpot)),
      cached: requests.at(-1)!.cached,
    };
  };
  const base = measure({});

  it("has the size that was asked for", () => {
    expect(measure({ VLLM_SIM_REGRESSION: "decode:1.15" }).tpot / base.tpot).toBeCloseTo(1.15, 2);
    const slower = measure({ VLLM_SIM_REGRESSION: "ttft:1.3" });
    expect(slower.ttft / base.ttft).toBeGreaterThan(1.2);
    expect(slower.ttft / base.ttft).toBeLessThan(1.35);
    expect(slower.tpot / base.tpot).toBeCloseTo(1, 2);
    expect(measure({ VLLM_SIM_REGRESSION: "prefix:off" }).cached).toBe(0);
  });
});
