import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { GIB, kvCapacity } from "../../src/domain/kv-capacity.ts";
import type { SessionRecord } from "../../src/domain/run.ts";
import { parseLog } from "../../src/serve/log-facts.ts";
import { parseMetrics, readKvConfig } from "../../src/serve/server-metrics.ts";
import { session } from "../support/builders.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8");

/** A session as its log and metrics tell of it. */
function told(log: string | null, metrics: string | null, maxModelLen = 4096): SessionRecord {
  const { logFacts: _, kv: __, ...bare } = session();
  return {
    ...bare,
    maxModelLen,
    ...(log === null ? {} : { logFacts: parseLog(log) }),
    ...(metrics === null ? {} : { kv: readKvConfig(parseMetrics(metrics)) }),
  };
}

const config = (labels: Record<string, string>) =>
  `vllm:cache_config_info{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",")}} 1.0\n`;
const line = (text: string) => `INFO 11-22 04:34:52 [kv_cache_utils.py:1] ${text}\n`;

describe("log and /metrics of real servers agree", () => {
  it("0.22.0 on an H200: tokens from the log, blocks from /metrics", () => {
    const log = fixture("vllm-0.22.0-h200/base.log");
    const both = kvCapacity(told(log, fixture("vllm-0.22.0-h200/base.metrics.txt")));
    expect(both).toMatchObject({ blocks: 287_548, blockSize: 16, uniform: true, tokens: 4_600_768 });
    expect(both.reportedTokens).toBe(both.tokens);
    expect(both.memoryBytes! / both.blocks! / 16).toBeCloseTo(28_672, -1);
    expect(kvCapacity(told(log, null)).tokens).toBe(both.tokens);
  });

  it("0.32.0 on a CPU: tokens and memory from /metrics, tokens from the log", () => {
    const log = fixture("vllm-0.32.0-cpu/server.log");
    const metrics = fixture("vllm-0.32.0-cpu/metrics.txt");
    const both = kvCapacity(told(log, metrics));
    expect(both).toMatchObject({
      tokens: 1_048_576,
      uniform: true,
      memoryBytes: 2 * GIB,
      memoryErrorBytes: 0,
    });
    expect(kvCapacity(told(log, null)).reportedTokens).toBe(both.tokens);
    expect(kvCapacity(told(null, metrics)).tokens).toBe(both.tokens);
  });
});

describe("capacity by version", () => {
  it("up to 0.20: the logged tokens are blocks times block size", () => {
    const record = told(
      line("GPU KV cache size: 160,000 tokens") +
        line("Maximum concurrency for 1,000 tokens per request: 158.73x"),
      config({ num_gpu_blocks: "10000", block_size: "16" }),
    );
    expect(kvCapacity(record)).toMatchObject({ tokens: 160_000, uniform: true });
  });

  it("from 0.22 on: requests of full length times their length, which blocks round", () => {
    // 10,000 blocks hold 158.73 requests of 63 blocks: 158,730 tokens are reported where 160,000 fit.
    const record = told(
      line("GPU KV cache size: 158,730 tokens") +
        line("Maximum concurrency for 1,000 tokens per request: 158.73x"),
      config({ num_gpu_blocks: "10000", block_size: "16" }),
    );
    expect(kvCapacity(record)).toMatchObject({ tokens: 160_000, reportedTokens: 158_730, uniform: true });
  });

  it.each([
    ["≤ 0.20, blocks shared among groups of layers", "55,040"],
    ["≥ 0.22, most layers hold a window only", "525,312"],
  ])("hybrid, %s: neither is the cache's size", (_, tokens) => {
    const record = told(
      line(`GPU KV cache size: ${tokens} tokens`) +
        line("Maximum concurrency for 4,096 tokens per request: 13.44x"),
      config({ num_gpu_blocks: "20640", block_size: "16" }),
    );
    const capacity = kvCapacity(record);
    expect(capacity.uniform).toBe(false);
    expect(capacity.tokens).toBe(capacity.reportedTokens);
  });

  it.each([
    // Measured: a model of two full and two windowed layers, blocks of 128, vLLM 0.32 on a CPU with 2 GiB of KV.
    [1024, "986,895", "963.77"],
    [4096, "1,266,204", "309.13"],
  ])("hybrid of 0.32, as it was measured with --max-model-len %d", (maxModelLen, tokens, concurrency) => {
    const record = told(
      line(
        `CPU KV cache size: ${tokens} tokens, Maximum concurrency for ${maxModelLen.toLocaleString("en-US")} tokens per request: ${concurrency}x`,
      ),
      config({ num_gpu_blocks: "16384", block_size: "128", kv_cache_memory_bytes: "2147483648" }),
      maxModelLen,
    );
    expect(kvCapacity(record)).toMatchObject({ uniform: false, maxModelLen, memoryBytes: 2 * GIB });
  });

  it("V0: blocks from the log, their size from /metrics", () => {
    const record = told(line("# cuda blocks: 27898, # CPU blocks: 9362"), config({ block_size: "16" }));
    expect(kvCapacity(record)).toMatchObject({ tokens: 446_368, uniform: true });
  });

  it("early V1, whose /metrics has no blocks: the log's tokens as they are", () => {
    const record = told(
      line("GPU KV cache size: 160,000 tokens"),
      config({ num_gpu_blocks: "None", block_size: "16" }),
    );
    expect(kvCapacity(record)).toMatchObject({ tokens: 160_000, blocks: null, uniform: null });
  });

  it("nothing told: nothing known, with the reason", () => {
    expect(kvCapacity(told(null, null))).toMatchObject({
      tokens: null,
      memoryBytes: null,
      memoryProblem: "neither log nor /metrics names the KV memory",
    });
  });
});

describe("memory of the cache", () => {
  it("as it was set, before what the log prints with two decimals", () => {
    const log = line("Available KV cache memory: 1.86 GiB");
    expect(kvCapacity(told(log, config({ kv_cache_memory_bytes: "2000000000" })))).toMatchObject({
      memoryBytes: 2e9,
      memoryErrorBytes: 0,
    });
    expect(kvCapacity(told(log, null)).memoryErrorBytes).toBe(0.005 * GIB);
  });

  it("of a CPU server of any release: its setting in whole GiB", () => {
    const record = { ...told(null, null), env: { VLLM_CPU_KVCACHE_SPACE: "4" } };
    expect(kvCapacity(record).memoryBytes).toBe(4 * GIB);
  });

  it("a number of blocks that was set says nothing about a block's size", () => {
    const labels = { kv_cache_memory_bytes: "2000000000", num_gpu_blocks_override: "512" };
    expect(kvCapacity(told(null, config(labels))).memoryProblem).toMatch(/num-gpu-blocks-override/);
  });
});
