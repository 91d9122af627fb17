import { describe, expect, it } from "vitest";
import { deployment, quantile, uniquePrompts, VirtualClient } from "./virtual-load.ts";

const BLOCK = 28_672 * 16;
const small = (blocks: number, flags: string[] = []): VirtualClient =>
  new VirtualClient(
    deployment(["--max-model-len", "512", "--kv-cache-memory-bytes", String(BLOCK * blocks), ...flags]),
  );

describe("a cache under pressure", () => {
  it("hits whole blocks only, and never the last token of a prompt", () => {
    const client = new VirtualClient(deployment());
    for (const [length, hit] of [
      [15, 0],
      [16, 0],
      [17, 16],
      [256, 240],
      [257, 256],
      [1000, 992],
    ] as const) {
      const prompt = uniquePrompts(length, length)();
      client.load(1, 1, () => prompt, 1);
      expect(client.load(1, 1, () => prompt, 1).requests[0]!.cached).toBe(hit);
    }
  });

  it("evicts the prefix that was used least recently", () => {
    const client = small(40);
    const prompts = [1, 2, 3, 4].map((seed) => uniquePrompts(160, seed)());
    const cached = (index: number): number => client.load(1, 1, () => prompts[index]!, 1).requests[0]!.cached;
    expect([0, 1, 2].map(cached)).toEqual([0, 0, 0]);
    expect(cached(0)).toBe(144);
    expect(cached(3)).toBe(0);
    expect(cached(0)).toBe(144);
    expect(cached(1)).toBeLessThan(144);
  });

  it("preempts the youngest, recomputes it, and finishes everything in the end", () => {
    const client = small(60);
    const { requests, tokensPerSecond } = client.load(12, 24, uniquePrompts(100, 3), 120);
    const { counters } = client.simulation.engine.scheduler;
    expect(counters.preemptions).toBeGreaterThan(3);
    expect(requests.map((request) => request.tokens.length)).toEqual(Array(24).fill(120));
    expect(client.simulation.engine.pool.usage).toBe(0);
    const roomy = small(400).load(12, 24, uniquePrompts(100, 3), 120);
    expect(roomy.tokensPerSecond).toBeGreaterThan(1.2 * tokensPerSecond);
  });

  it("queues what max-num-seqs leaves out, so that TTFT grows by whole requests", () => {
    const ttft = (flags: string[]): number => {
      const { requests } = new VirtualClient(deployment(flags)).load(16, 32, uniquePrompts(200, 2), 128);
      return quantile(
        requests.map((request) => request.ttft),
        0.5,
      );
    };
    expect(ttft(["--max-num-seqs", "4"])).toBeGreaterThan(0.6);
    expect(ttft([])).toBeLessThan(0.06);
  });

  it("computes a 2048-token prompt in two chunks of 1024, and decodes others meanwhile", () => {
    const client = new VirtualClient(deployment(["--max-num-batched-tokens", "1024"]));
    const sizes: number[] = [];
    client.simulation.engine.onIteration = (tokens) => sizes.push(tokens);
    client.load(1, 1, uniquePrompts(2048, 8), 4);
    expect(sizes).toEqual([1024, 1024, 1, 1, 1]);
  });
});

describe("virtual time", () => {
  it("serves two hours in seconds", () => {
    const begun = performance.now();
    const client = new VirtualClient(deployment());
    const from = client.time;
    const unique = uniquePrompts(128, 12);
    while (client.time - from < 7200) {
      client.load(4, 4, unique, 32);
      client.wait(20);
    }
    expect(performance.now() - begun).toBeLessThan(20_000);
    expect(client.simulation.engine.pool.usage).toBe(0);
  });
});
