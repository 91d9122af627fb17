import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KvConfig, ServerCounters } from "../../src/domain/run.ts";
import {
  counterIncrease,
  fetchMetrics,
  fetchModel,
  fetchVersion,
  parseMetrics,
  readCounters,
  readKvConfig,
} from "../../src/serve/server-metrics.ts";
import { closedUrl, serveHttp } from "../support/http.ts";

const fixture = (name: string) => readFile(new URL(`../fixtures/${name}`, import.meta.url), "utf8");

/** Memory and blocks come from profiling, and no capacity is told. */
const PROFILED = { capacityTokens: null, maxConcurrency: null, memoryBytes: null, blocksOverridden: false };

const FIXTURES: readonly [name: string, counters: ServerCounters, kv: KvConfig][] = [
  [
    "vllm-0.22.0-h200/base.metrics.txt",
    {
      promptTokens: 93832,
      generationTokens: 23980,
      prefixQueriedTokens: 93832,
      prefixHitTokens: 25280,
      preemptions: 0,
      prefills: 291,
      prefillS: 6.895471775997464,
      queued: 291,
      queueS: 0.0074722390005490524,
    },
    { ...PROFILED, blocks: 287548, blockSize: 16, prefixCaching: true },
  ],
  [
    "vllm-0.22.0-h200/noapc.metrics.txt",
    {
      promptTokens: 93832,
      generationTokens: 23980,
      prefixQueriedTokens: 0,
      prefixHitTokens: 0,
      preemptions: 0,
      prefills: 291,
      prefillS: 6.474596715998359,
      queued: 291,
      queueS: 0.008988316002046304,
    },
    { ...PROFILED, blocks: 287548, blockSize: 16, prefixCaching: false },
  ],
  [
    "vllm-0.32.0-cpu/metrics.txt",
    {
      promptTokens: 4812,
      generationTokens: 192,
      prefixQueriedTokens: 4812,
      prefixHitTokens: 3840,
      preemptions: 0,
      prefills: 6,
      prefillS: 0.14085961200009933,
      queued: 6,
      queueS: 0.0002471870000135823,
    },
    {
      blocks: 8192,
      blockSize: 128,
      capacityTokens: 1048576,
      maxConcurrency: 256,
      prefixCaching: true,
      memoryBytes: 2 ** 31,
      blocksOverridden: false,
    },
  ],
];

const NOTHING: ServerCounters = {
  promptTokens: null,
  generationTokens: null,
  prefixQueriedTokens: null,
  prefixHitTokens: null,
  preemptions: null,
  prefills: null,
  prefillS: null,
  queued: null,
  queueS: null,
};

describe("parseMetrics", () => {
  it.each(FIXTURES.map(([name]) => name))("reads every sample of %s", async (name) => {
    const text = await fixture(name);
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const samples = parseMetrics(text);
    expect(samples.map((sample) => sample.name)).toEqual(lines.map((line) => line.split(/[{ ]/, 1)[0]));
    expect(samples.every(({ value }) => Number.isFinite(value))).toBe(true);
  });

  it.each<[line: string, name: string, labels: Record<string, string>, value: number]>([
    ["up 1", "up", {}, 1],
    ["up{} 1.5", "up", {}, 1.5],
    ["up\t2", "up", {}, 2],
    ["up 3 1795324096000", "up", {}, 3],
    ["up 1.795322e+09", "up", {}, 1.795322e9],
    ["up -4", "up", {}, -4],
    ["up +Inf", "up", {}, Number.POSITIVE_INFINITY],
    ["up -Inf", "up", {}, Number.NEGATIVE_INFINITY],
    ["up 1\r", "up", {}, 1],
    ['a:b_c{x="1",y="2"} 3', "a:b_c", { x: "1", y: "2" }, 3],
    ['a{x="1", y="2",} 3', "a", { x: "1", y: "2" }, 3],
    ['a{x=""} 3', "a", { x: "" }, 3],
    ['a{x="b} 7"} 3', "a", { x: "b} 7" }, 3],
    ['a{x="b,c=\\"d\\""} 3', "a", { x: 'b,c="d"' }, 3],
    ['a{x="C:\\\\new\\nline"} 3', "a", { x: "C:\\new\nline" }, 3],
    ['a{x="[1, 2]",y="{}"} 3', "a", { x: "[1, 2]", y: "{}" }, 3],
    ['a{le="+Inf"} 3', "a", { le: "+Inf" }, 3],
  ])("reads %j", (line, name, labels, value) => {
    expect(parseMetrics(line)).toEqual([{ name, labels, value }]);
  });

  it.each([
    "",
    " ",
    "# HELP up Whether it is up.",
    "# TYPE up gauge",
    "#up 1",
    "up",
    "up NaN",
    "up one",
    "1up 1",
    'up{x="1" 3',
    '{x="1"} 3',
    "<html><body>502 Bad Gateway</body></html>",
    "\u0000\u0001\u0002",
  ])("passes over %j", (line) => {
    expect(parseMetrics(`before 1\n${line}\nafter 2`)).toEqual([
      { name: "before", labels: {}, value: 1 },
      { name: "after", labels: {}, value: 2 },
    ]);
  });

  it.each([
    ["an open brace and a long name", (size: number) => `a{${"a".repeat(size)}`],
    ["braces", (size: number) => `a${"{".repeat(size)}`],
    ["a quote that never ends", (size: number) => `a{a="${"\\\\".repeat(size / 2)}`],
    ["labels without an end", (size: number) => `a{${'a="",'.repeat(size / 5)}`],
    ["spaces", (size: number) => `a${" ".repeat(size)}`],
    ["short hostile lines", (size: number) => `a{${"a".repeat(60_000)}\n`.repeat(size / 60_000)],
  ])("reads hostile text in time that grows with its length: %s", (_, make) => {
    const seconds = (size: number): number => {
      const text = make(size);
      const times = [0, 1, 2].map(() => {
        const start = performance.now();
        parseMetrics(text);
        return performance.now() - start;
      });
      return Math.min(...times) / 1000;
    };
    // Below a few milliseconds a clock tells nothing about growth.
    expect(seconds(2_000_000)).toBeLessThan(Math.max(0.1, 4 * seconds(1_000_000)));
  });

  it("passes over a line longer than any of vLLM's", () => {
    expect(parseMetrics(`a{x="${"y".repeat(70_000)}"} 1\nb 2`)).toEqual([
      { name: "b", labels: {}, value: 2 },
    ]);
  });

  it("never throws, and takes no value that is not a number", () => {
    const piece = fc.constantFrom("up", "{", "}", '"', "\\", "=", "x", ",", " ", "1", "\n", "NaN", "#", "e9");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (text) => {
          expect(parseMetrics(text).some(({ value }) => Number.isNaN(value))).toBe(false);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("reads back any label value that was written as the format asks", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (value) => {
        const quoted = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
        // The format ends lines at line feeds alone; a carriage return within a value is one of its letters.
        expect(parseMetrics(`a{x="${quoted}",y="z"} 1`)).toEqual([
          { name: "a", labels: { x: value, y: "z" }, value: 1 },
        ]);
      }),
    );
  });

  it("is not slowed down by long garbage", () => {
    const startMs = performance.now();
    for (const piece of ["up{", 'x="', "} ", "\\", " ", 'a="b",']) {
      parseMetrics(`up{${piece.repeat(200_000 / piece.length)}`);
    }
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

describe("readCounters", () => {
  it.each(FIXTURES)("of %s", async (name, counters) => {
    expect(readCounters(parseMetrics(await fixture(name)))).toEqual(counters);
  });

  it("adds the engines up", () => {
    const text = `vllm:prompt_tokens_total{engine="0"} 10\nvllm:prompt_tokens_total{engine="1"} 32\n`;
    expect(readCounters(parseMetrics(text))).toEqual({ ...NOTHING, promptTokens: 42 });
  });

  it.each([
    ["vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"],
    ["vllm:gpu_prefix_cache_queries_total", "vllm:gpu_prefix_cache_hits_total"],
    ["vllm:prefix_cache_queries", "vllm:prefix_cache_hits"],
    ["vllm:gpu_prefix_cache_queries", "vllm:gpu_prefix_cache_hits"],
  ])("knows the prefix cache as %s", (queries, hits) => {
    expect(readCounters(parseMetrics(`${queries}{engine="0"} 100\n${hits}{engine="0"} 40\n`))).toEqual({
      ...NOTHING,
      prefixQueriedTokens: 100,
      prefixHitTokens: 40,
    });
  });

  it("takes one name where a version has two, so that nothing is counted twice", () => {
    const text = "vllm:prefix_cache_hits_total 40\nvllm:gpu_prefix_cache_hits_total 40\n";
    expect(readCounters(parseMetrics(text)).prefixHitTokens).toBe(40);
  });

  it("does not take another cache's counters, nor the time at which a counter began", () => {
    const text =
      "vllm:external_prefix_cache_hits_total 5\nvllm:prefix_cache_hits_created 1.7e9\nvllm:prompt_tokens_created 1.7e9\n";
    expect(readCounters(parseMetrics(text))).toEqual(NOTHING);
  });

  it("tells nothing apart from zero", () => {
    expect(readCounters([])).toEqual(NOTHING);
    expect(readCounters(parseMetrics("vllm:num_preemptions_total 0")).preemptions).toBe(0);
  });
});

describe("counterIncrease", () => {
  const all = (value: number): ServerCounters => ({
    promptTokens: value,
    generationTokens: value + 1,
    prefixQueriedTokens: value + 2,
    prefixHitTokens: value + 3,
    preemptions: value + 4,
    prefills: value + 5,
    prefillS: value + 6,
    queued: value + 7,
    queueS: value + 8,
  });

  it("is the difference of each counter", () => {
    expect(counterIncrease(all(10), { ...all(10), promptTokens: 17, preemptions: 15 })).toEqual({
      promptTokens: 7,
      generationTokens: 0,
      prefixQueriedTokens: 0,
      prefixHitTokens: 0,
      preemptions: 1,
      prefills: 0,
      prefillS: 0,
      queued: 0,
      queueS: 0,
    });
  });

  it("is null for a counter that one side does not have, or that fell", () => {
    const before = { ...all(10), promptTokens: null };
    const after = { ...all(12), generationTokens: null, preemptions: 3 };
    expect(counterIncrease(before, after)).toEqual({
      promptTokens: null,
      generationTokens: null,
      prefixQueriedTokens: 2,
      prefixHitTokens: 2,
      preemptions: null,
      prefills: 2,
      prefillS: 2,
      queued: 2,
      queueS: 2,
    });
  });
});

describe("readKvConfig", () => {
  const UNKNOWN: KvConfig = {
    blocks: null,
    blockSize: null,
    capacityTokens: null,
    maxConcurrency: null,
    prefixCaching: null,
    memoryBytes: null,
    blocksOverridden: false,
  };

  it.each(FIXTURES)("of %s", async (name, _, kv) => {
    expect(readKvConfig(parseMetrics(await fixture(name)))).toEqual(kv);
  });

  it("is unknown where the server does not tell", () => {
    expect(readKvConfig([])).toEqual(UNKNOWN);
    const text =
      'vllm:cache_config_info{block_size="None",num_gpu_blocks="",kv_cache_size_tokens="many",enable_prefix_caching="None"} 1';
    expect(readKvConfig(parseMetrics(text))).toEqual(UNKNOWN);
  });

  it("tells blocks that were set from blocks that were found", () => {
    const text = 'vllm:cache_config_info{num_gpu_blocks="512",num_gpu_blocks_override="512"} 1';
    expect(readKvConfig(parseMetrics(text))).toEqual({ ...UNKNOWN, blocks: 512, blocksOverridden: true });
  });
});

describe("fetchMetrics, fetchVersion and fetchModel", () => {
  const signal = () => AbortSignal.timeout(30_000);

  it("read what the server gives", async () => {
    const asked: string[] = [];
    const url = await serveHttp((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      const bodies: Record<string, string> = {
        "/metrics": "up 1\n",
        "/version": '{"version":"0.22.0"}',
        "/v1/models": '{"object":"list","data":[{"id":"org/model"},{"id":"other"}]}',
      };
      response.end(bodies[request.url ?? ""]);
    });
    expect(await fetchMetrics(url, "secret", signal())).toBe("up 1\n");
    expect(await fetchVersion(url, "secret", signal())).toBe("0.22.0");
    expect(await fetchModel(url, null, signal())).toMatchObject({ id: "org/model" });
    expect(asked).toEqual([
      "GET /metrics Bearer secret",
      "GET /version Bearer secret",
      "GET /v1/models undefined",
    ]);
  });

  it.each<[what: string, status: number, body: string]>([
    ["an error", 404, '{"detail":"Not Found"}'],
    ["an error that looks like an answer", 500, '{"version":"0.22.0","data":[{"id":"x"}]}'],
  ])("are null for %s", async (_, status, body) => {
    const url = await serveHttp((_request, response) => response.writeHead(status).end(body));
    expect(await fetchMetrics(url, null, signal())).toBeNull();
    expect(await fetchVersion(url, null, signal())).toBeNull();
    expect(await fetchModel(url, null, signal())).toBeNull();
  });

  it.each([
    "",
    "not JSON",
    "[]",
    "{}",
    "null",
    '{"data":[]}',
    '{"data":[{"id":5}]}',
    '{"data":null}',
    '{"version":7}',
  ])("take no name and no version from %j", async (body) => {
    const url = await serveHttp((_request, response) => response.end(body));
    expect(await fetchVersion(url, null, signal())).toBeNull();
    expect(await fetchModel(url, null, signal())).toBeNull();
  });

  it("are null when nobody answers, or the answer breaks off", async () => {
    expect(await fetchMetrics(await closedUrl(), null, signal())).toBeNull();
    const url = await serveHttp((request, response) => {
      response.writeHead(200, { "content-length": 100 }).write("up 1\n", () => request.socket.destroy());
    });
    expect(await fetchMetrics(url, null, signal())).toBeNull();
  });

  it("do not read an answer without end", async () => {
    const url = await serveHttp((_request, response) => {
      const more = () => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      more();
    });
    expect(await fetchVersion(url, null, signal())).toBeNull();
    expect(await fetchMetrics(url, null, signal())).toBeNull();
  });

  it("end with the run", async () => {
    const controller = new AbortController();
    const url = await serveHttp(() => controller.abort(new Error("cancelled")));
    await expect(fetchMetrics(url, null, controller.signal)).rejects.toThrow();
  });
});
