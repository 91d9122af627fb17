import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricValue, post, type Simulator, spawnSimulator, startSimulator } from "./start-simulator.ts";

const fixture = (path: string): string =>
  readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8");
const metricNames = (page: string): Set<string> =>
  new Set([...page.matchAll(/^(vllm:\w+)/gm)].map((match) => match[1]!));

describe("a running server", () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator(["--max-model-len", "4096", "--enable-prompt-tokens-details"]);
  });
  afterAll(async () => simulator[Symbol.asyncDispose]());
  const complete = (body: object): Promise<Response> => post(`${simulator.url}/v1/completions`, body);

  it("tells its version and model", async () => {
    expect(await (await fetch(`${simulator.url}/version`)).json()).toEqual({ version: "0.22.0" });
    const models = (await (await fetch(`${simulator.url}/v1/models`)).json()) as {
      data: { id: string; max_model_len: number }[];
    };
    expect(models.data[0]).toMatchObject({ id: "Qwen/Qwen2.5-1.5B-Instruct", max_model_len: 4096 });
  });

  it("streams events laid out as vLLM's", async () => {
    const response = await complete({
      prompt: "Once upon a time",
      max_tokens: 8,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const shape = (text: string): string =>
      text
        .replace(/"(id|model|text|system_fingerprint)":"[^"]*"/g, '"$1":""')
        .replace(/"(created|prompt_tokens|total_tokens)":\d+/g, '"$1":0');
    expect(shape(await response.text())).toBe(shape(fixture("vllm-0.32.0-cpu/stream.sse")));
  });

  it("counts tokens in every event when asked to, and cached ones when there are any", async () => {
    const prompt = Array.from({ length: 100 }, (_, i) => i + 1000);
    const body = {
      prompt,
      max_tokens: 6,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    };
    const first = await (await complete(body)).text();
    const second = await (await complete(body)).text();
    const usages = [...first.matchAll(/"completion_tokens":(\d+)/g)].map((match) => Number(match[1]));
    expect(usages.at(-1)).toBe(6);
    expect(usages).toEqual([...usages].sort((a, b) => a - b));
    expect(first).not.toContain("prompt_tokens_details");
    expect(second).toContain('"prompt_tokens_details":{"cached_tokens":96}');
  });

  it("gives the same greedy text streamed and whole, with logprobs and chat", async () => {
    const ask = { prompt: "The capital of France", max_tokens: 5, temperature: 0, ignore_eos: true };
    const whole = (await (await complete({ ...ask, logprobs: 1 })).json()) as {
      choices: { text: string; logprobs: { tokens: string[]; token_logprobs: number[] } }[];
      usage: { completion_tokens: number };
    };
    const streamed = await (await complete({ ...ask, stream: true })).text();
    const text = [...streamed.matchAll(/"text":"([^"]*)"/g)].map((match) => match[1]).join("");
    expect(text).toBe(whole.choices[0]!.text);
    expect(whole.choices[0]!.logprobs.tokens.join("")).toBe(text);
    expect(whole.usage.completion_tokens).toBe(5);
    const chat = await post(`${simulator.url}/v1/chat/completions`, {
      messages: [{ role: "user", content: "hi" }],
      max_tokens: 3,
      ignore_eos: true,
      stream: true,
    });
    const events = (await chat.text()).trim().split("\n\n");
    expect(events[0]).toContain('"delta":{"role":"assistant","content":""}');
    expect(events.at(-1)).toBe("data: [DONE]");
  });

  it("answers errors as 0.22 does", async () => {
    const messageOf = async (body: unknown): Promise<string> => {
      const answer = (await (await post(`${simulator.url}/v1/completions`, body)).json()) as {
        error: { message: string };
      };
      return answer.error.message;
    };
    const ids = (count: number): number[] => Array.from({ length: count }, () => 1);
    expect(await messageOf({ model: "nope", prompt: "x" })).toBe("The model `nope` does not exist.");
    expect(await messageOf({ prompt: ids(5000), max_tokens: 1 })).toBe(
      "This model's maximum context length is 4096 tokens. However, you requested 1 output tokens and your prompt " +
        "contains 5000 input tokens, for a total of 5001 tokens. Please reduce the length of the input prompt or the " +
        "number of requested output tokens. (parameter=input_tokens, value=5000)",
    );
    expect(await messageOf("{bad")).toMatch(
      /^1 validation error:\n {2}\{'type': 'json_invalid', 'loc': \('body', 1\), 'msg': 'JSON decode error', 'input': \{\}, 'ctx': \{'error': 'Expecting property name enclosed in double quotes'\}\}\n\n {2}File .*api_router\.py", line \d+, in create_completion\n {4}POST \/v1\/completions \[\{'type'.*\}\]$/,
    );
    expect(await messageOf({ prompt: "x", stream_options: { include_usage: true } })).toMatch(
      /Value error, Stream options can only be defined when `stream=True`\./,
    );
  });

  it("turns text into ids and back", async () => {
    const text = "The quick brown fox jumps over the lazy dog.";
    const tokenized = (await (await post(`${simulator.url}/tokenize`, { prompt: text })).json()) as {
      count: number;
      tokens: number[];
    };
    expect(tokenized.count).toBe(tokenized.tokens.length);
    expect(text.length / tokenized.count).toBeGreaterThan(3);
    const back = await post(`${simulator.url}/detokenize`, { tokens: tokenized.tokens });
    expect(await back.json()).toEqual({ prompt: text });
  });

  it("counts what it served, under vLLM's names", async () => {
    const page = await (await fetch(`${simulator.url}/metrics`)).text();
    const real = metricNames(fixture("vllm-0.22.0-h200/base.metrics.txt"));
    for (const name of metricNames(page)) expect(real).toContain(name);
    const served = metricValue(page, "vllm:request_success_total");
    expect(served).toBeGreaterThan(5);
    expect(metricValue(page, "vllm:time_to_first_token_seconds_count")).toBe(served);
    expect(metricValue(page, "vllm:e2e_request_latency_seconds_count")).toBe(served);
    expect(metricValue(page, "vllm:prefix_cache_hits_total")).toBeGreaterThanOrEqual(96);
    expect(metricValue(page, "vllm:num_requests_running")).toBe(0);
    const info = /^vllm:cache_config_info\{(.*)\} 1\.0$/m;
    const labels = (text: string): string[] =>
      info
        .exec(text)![1]!
        .split(",")
        .map((label) => label.split("=")[0]!);
    expect(labels(page)).toEqual(labels(fixture("vllm-0.22.0-h200/base.metrics.txt")));
  });

  it("logs requests, and counts an aborted one", async () => {
    const abort = new AbortController();
    const body = { prompt: "x", max_tokens: 4000, ignore_eos: true, stream: true };
    const response = await fetch(`${simulator.url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: abort.signal,
    });
    await response.body!.getReader().read();
    abort.abort();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const page = await (await fetch(`${simulator.url}/metrics`)).text();
    expect(page).toMatch(/request_success_total\{engine="0",finished_reason="abort",.*\} 1\.0/);
    expect(simulator.output()).toMatch(
      /^\(APIServer pid=\d+\) INFO: {5}127\.0\.0\.1:\d+ - "POST \/v1\/completions HTTP\/1\.1" 400 Bad Request$/m,
    );
  });

  it("decodes in real time", async () => {
    const ask = { prompt: "x", max_tokens: 200, ignore_eos: true, temperature: 0 };
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      const begun = performance.now();
      await (await complete(ask)).text();
      times.push(performance.now() - begun);
    }
    expect(Math.min(...times)).toBeGreaterThan(390);
    expect(Math.min(...times)).toBeLessThan(450);
  });

  it("ends cleanly when asked to", async () => {
    const asked = Date.now();
    simulator.child.kill("SIGTERM");
    expect(await simulator.exit).toEqual({ code: 0, signal: null });
    expect(Date.now() - asked).toBeLessThan(2000);
    expect(simulator.output()).toContain("Shutdown complete");
    expect(simulator.output()).toContain("INFO:     Application shutdown complete.");
  });
});

describe("a start", () => {
  it("refuses connections until it is ready, and logs as vLLM 0.22 does", async () => {
    await using simulator = await spawnSimulator(["--max-model-len", "4096"], {
      VLLM_SIM_STARTUP_SCALE: "0.05",
    });
    while (!simulator.output().includes("Resolved architecture"))
      await new Promise((done) => setTimeout(done, 10));
    await expect(fetch(`${simulator.url}/health`)).rejects.toThrow();
    while (!simulator.output().includes("Application startup complete.")) {
      await new Promise((done) => setTimeout(done, 10));
    }
    expect((await fetch(`${simulator.url}/health`)).status).toBe(200);
    const facts = [
      /Model loading took ([\d.]+) GiB memory and ([\d.]+) seconds/,
      /torch\.compile took ([\d.]+) s in total/,
      /Estimated CUDA graph memory: 0\.39 GiB total/,
      /Available KV cache memory: 12[23]\.\d\d GiB/,
      /GPU KV cache size: 4,60\d,\d{3} tokens/,
      /Maximum concurrency for 4,096 tokens per request: 112\d\.\d\dx/,
      /Graph capturing finished in 4 secs, took 0\.42 GiB/,
      /init engine \(profile, create kv cache, warmup model\) took ([\d.]+) s \(compilation: [\d.]+ s\)/,
    ];
    const real = fixture("vllm-0.22.0-h200/base.log");
    const line = (text: string, pattern: RegExp): string =>
      text
        .split("\n")
        .find((item) => pattern.test(item))!
        .replace(/\d+/g, "0");
    for (const fact of facts) expect(line(simulator.output(), fact)).toBe(line(real, fact));
  });

  it("logs as vLLM 0.32 does when it is one", async () => {
    await using simulator = await startSimulator(
      [],
      { VLLM_SIM_VERSION: "0.32.0", VLLM_SIM_GPU: "cpu" },
      "HuggingFaceTB/SmolLM2-135M-Instruct",
    );
    expect(simulator.output()).toMatch(
      /CPU KV cache size: [\d,]+ tokens, Maximum concurrency for 8,192 tokens/,
    );
    expect(simulator.output()).toMatch(/^INFO: {5}Application startup complete\.$/m);
    const page = await (await fetch(`${simulator.url}/metrics`)).text();
    expect(page).toMatch(/kv_cache_size_tokens="\d+"/);
  });

  it("guards /v1 with a key from a flag or from the environment", async () => {
    await using byFlag = await startSimulator(["--api-key", "secret"]);
    const refused = await fetch(`${byFlag.url}/v1/models`);
    expect([refused.status, await refused.text()]).toEqual([401, '{"error":"Unauthorized"}']);
    const headers = { authorization: "Bearer secret" };
    expect((await fetch(`${byFlag.url}/v1/models`, { headers })).status).toBe(200);
    expect((await fetch(`${byFlag.url}/metrics`)).status).toBe(200);
    await using byEnvironment = await startSimulator([], { VLLM_API_KEY: "other" });
    expect((await fetch(`${byEnvironment.url}/v1/models`, { headers })).status).toBe(401);
  });
});
