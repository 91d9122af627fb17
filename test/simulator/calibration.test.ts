import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { planMemory } from "../../src/simulator/memory-plan.ts";
import { deployment, PHI, QWEN, quantile, uniquePrompts, VirtualClient } from "./virtual-load.ts";

function fixtureTokens(name: string): number {
  const text = readFileSync(new URL(`../fixtures/vllm-0.22.0-h200/${name}.log`, import.meta.url), "utf8");
  return Number(/GPU KV cache size: ([\d,]+) tokens/.exec(text)![1]!.replaceAll(",", ""));
}

describe("KV capacity against real vLLM 0.22.0 on an H200", () => {
  const cases: [string, string, string[]][] = [
    ["base", QWEN, []],
    ["eager", QWEN, ["--enforce-eager"]],
    ["mbt512", QWEN, ["--max-num-batched-tokens", "512"]],
    ["fp8kv", QWEN, ["--kv-cache-dtype", "fp8"]],
    ["phi-3-mini", PHI, []],
  ];
  it.each(cases)("%s within 1 %%", (name, model, flags) => {
    const { kvTokens } = planMemory(deployment(flags, {}, model));
    expect(Math.abs(kvTokens / fixtureTokens(name) - 1)).toBeLessThan(0.01);
  });

  it("takes kv-cache-memory-bytes as it is, in whole blocks", () => {
    const plan = planMemory(deployment(["--kv-cache-memory-bytes", "2G"]));
    expect(plan.blocks).toBe(Math.floor(2 ** 31 / (28_672 * 16)));
  });
});

// Ranges over the sessions of base in requests.json and requests-again.json (p10 of TTFT and TPOT in ms, tokens/s).
describe("speed against real vLLM 0.22.0 on an H200", () => {
  const client = new VirtualClient(deployment());
  const measure = (concurrency: number, total: number, prompt: () => number[], output: number) => {
    const { requests, tokensPerSecond } = client.load(concurrency, total, prompt, output);
    const p10 = (key: "ttft" | "tpot"): number =>
      quantile(
        requests.map((request) => request[key]),
        0.1,
      ) * 1e3;
    return { ttft: p10("ttft"), tpot: p10("tpot"), tokensPerSecond };
  };
  const within = (value: number, from: number, to: number): void => {
    expect(value).toBeGreaterThan(from);
    expect(value).toBeLessThan(to);
  };

  it("first tokens", () => {
    const same = uniquePrompts(256, 5)();
    const shared = uniquePrompts(1024, 6)();
    const suffix = uniquePrompts(32, 7);
    client.load(1, 1, () => same, 64);
    within(measure(1, 20, () => same, 64).ttft, 8, 12.5);
    within(measure(1, 20, uniquePrompts(1024), 16).ttft, 14, 21.5);
    client.load(1, 1, () => [...shared, ...suffix()], 16);
    within(measure(1, 20, () => [...shared, ...suffix()], 16).ttft, 8.5, 13.5);
  });

  it.each([
    [1, 2.02, 480],
    [4, 2.04, 1820],
    [8, 2.03, 3600],
    [16, 2.065, 6770],
  ])("decoding at %i concurrent within 10 %%", (concurrency, tpot, tokensPerSecond) => {
    const result = measure(concurrency, Math.max(24, concurrency * 2), uniquePrompts(200, concurrency), 128);
    expect(Math.abs(result.tpot / tpot - 1)).toBeLessThan(0.1);
    expect(Math.abs(result.tokensPerSecond / tokensPerSecond - 1)).toBeLessThan(0.1);
  });

  it("decoding at 32 concurrent within 25 %", () => {
    const result = measure(32, 64, uniquePrompts(200, 32), 128);
    expect(Math.abs(result.tpot / 2.19 - 1)).toBeLessThan(0.25);
    expect(Math.abs(result.tokensPerSecond / 11_800 - 1)).toBeLessThan(0.25);
  });
});

describe("npm run bench:simulator", () => {
  it("meets every target against requests.json", async () => {
    const bench = fileURLToPath(new URL("../../bench/simulator.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [bench]);
    expect(stdout).not.toContain("MISSED");
    expect(stdout).toMatch(/(\d+) of \1 targets met/);
  });
});
