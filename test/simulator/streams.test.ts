import { mkdtemp, readFile, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricValue, post, type Simulator, startSimulator } from "./start-simulator.ts";

interface Answer {
  choices: { text: string; finish_reason: string; stop_reason: string | null; index: number }[];
  usage: { completion_tokens: number };
}

const ASK = { prompt: "Once upon a time", max_tokens: 30, temperature: 0, ignore_eos: true };

/** The choices of a stream's events, and whatever events had none. */
async function eventsOf(response: Response): Promise<Answer[]> {
  const events = (await response.text()).trim().split("\n\n");
  expect(events.pop()).toBe("data: [DONE]");
  return events.map((event) => JSON.parse(event.slice(6)) as Answer);
}

describe("streams", () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await startSimulator(["--max-model-len", "4096", "--stream-interval", "4"]);
  });
  afterAll(async () => simulator[Symbol.asyncDispose]());
  const complete = (body: object): Promise<Response> => post(`${simulator.url}/v1/completions`, body);
  const whole = async (body: object): Promise<Answer> => (await (await complete(body)).json()) as Answer;

  it("merge as many tokens in an event as --stream-interval or the request says, all but the first and the last", async () => {
    const sizes = async (body: object): Promise<number[]> => {
      const usage = { stream_options: { include_usage: true, continuous_usage_stats: true } };
      const events = await eventsOf(
        await complete({ ...ASK, max_tokens: 12, stream: true, ...usage, ...body }),
      );
      const counts = events
        .filter((event) => event.choices.length > 0)
        .map((event) => event.usage.completion_tokens);
      return counts.map((count, i) => count - (counts[i - 1] ?? 0));
    };
    expect(await sizes({})).toEqual([1, 4, 4, 3]);
    expect(await sizes({ stream_interval: 6 })).toEqual([1, 6, 5]);
    expect(await sizes({ stream_interval: 2 })).toEqual([1, 4, 4, 3]);
  });

  it("end at a stop string, which no event shows the start of", async () => {
    const { text } = (await whole(ASK)).choices[0]!;
    const stop = text.slice(40, 52);
    const end = text.indexOf(stop);
    const stopped = await whole({ ...ASK, stop });
    expect(stopped.choices[0]).toMatchObject({
      text: text.slice(0, end),
      finish_reason: "stop",
      stop_reason: stop,
    });
    expect(stopped.usage.completion_tokens).toBeLessThan(30);
    const events = await eventsOf(
      await complete({ ...ASK, stop: ["never", stop], stream: true, stream_interval: 1 }),
    );
    const shown = events.map((event) => event.choices[0]!.text);
    expect(shown.join("")).toBe(text.slice(0, end));
    expect(events.at(-1)!.choices[0]).toMatchObject({ finish_reason: "stop", stop_reason: stop });
    const included = await whole({ ...ASK, stop, include_stop_str_in_output: true });
    expect(included.choices[0]!.text).toBe(text.slice(0, end + stop.length));
    const late = await whole({ ...ASK, stop, min_tokens: 30 });
    expect(late.choices[0]).toMatchObject({ text, finish_reason: "length" });
    const page = await (await fetch(`${simulator.url}/metrics`)).text();
    expect(metricValue(page, "vllm:num_requests_running")).toBe(0);
  });

  it("give several prompts and several samples each, told apart by their index", async () => {
    const sampled = { ...ASK, temperature: 1, seed: 5, n: 2, prompt: ["one", "two"], max_tokens: 6 };
    const { choices, usage } = await whole(sampled);
    expect(choices.map((choice) => choice.index)).toEqual([0, 1, 2, 3]);
    expect(new Set(choices.map((choice) => choice.text)).size).toBe(4);
    expect(usage.completion_tokens).toBe(24);
    const texts = ["", "", "", ""];
    for (const event of await eventsOf(await complete({ ...sampled, stream: true })))
      for (const choice of event.choices) texts[choice.index] += choice.text;
    expect(texts).toEqual(choices.map((choice) => choice.text));
  });

  it("keep prefixes apart by cache_salt, and /reset_prefix_cache is for developers", async () => {
    const prompt = Array.from({ length: 200 }, (_, i) => i + 50);
    const hits = async (): Promise<number> =>
      metricValue(await (await fetch(`${simulator.url}/metrics`)).text(), "vllm:prefix_cache_hits_total");
    await whole({ ...ASK, prompt, cache_salt: "a" });
    const before = await hits();
    await whole({ ...ASK, prompt, cache_salt: "b" });
    expect(await hits()).toBe(before);
    await whole({ ...ASK, prompt, cache_salt: "a" });
    expect(await hits()).toBe(before + 192);
    expect((await post(`${simulator.url}/reset_prefix_cache`, {})).status).toBe(404);
    await using developer = await startSimulator([], { VLLM_SERVER_DEV_MODE: "1" });
    expect((await post(`${developer.url}/reset_prefix_cache`, {})).status).toBe(200);
  });

  it("lets every browser in as 0.22 does, or those that --allowed-origins names", async () => {
    const preflight = { origin: "http://x.test", "access-control-request-method": "POST" };
    // fetch sends no Origin of one's own choice.
    const allowed = (url: string): Promise<[number, string | undefined]> =>
      new Promise((resolve) => {
        request(`${url}/v1/completions`, { method: "OPTIONS", headers: preflight }, (response) => {
          resolve([response.statusCode!, response.headers["access-control-allow-origin"]]);
        }).end();
      });
    expect(await allowed(simulator.url)).toEqual([200, "*"]);
    await using strict = await startSimulator(["--allowed-origins", '["http://y.test"]']);
    expect(await allowed(strict.url)).toEqual([400, undefined]);
  });
});

describe("planned times and their truth", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "truth-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("are those of VLLM_SIM_PLAN, whatever the load; VLLM_SIM_TRUTH tells them and what became of them", async () => {
    const truth = join(folder, "truth.jsonl");
    const plan = "ttftMs=30,itlMs=5";
    const env = { VLLM_SIM_PLAN: plan, VLLM_SIM_TRUTH: truth, VLLM_SIM_FAULT: "reset:9" };
    await using simulator = await startSimulator(["--stream-interval", "2"], env);
    const begun = process.hrtime.bigint();
    const bodies = Array.from({ length: 8 }, (_, i) => ({
      ...ASK,
      prompt: `${i}`,
      max_tokens: 6,
      stream: i > 0,
    }));
    const answers = await Promise.all(bodies.map((body) => post(`${simulator.url}/v1/completions`, body)));
    await Promise.all(answers.map((answer) => answer.text()));
    const ended = process.hrtime.bigint();
    await expect(
      post(`${simulator.url}/v1/completions`, { ...ASK, stream: true }).then((a) => a.text()),
    ).rejects.toThrow();
    simulator.child.kill("SIGTERM");
    await simulator.exit;
    const lines = (await readFile(truth, "utf8")).trim().split("\n");
    expect(lines).toHaveLength(9);
    const records = lines.map(
      (line) =>
        JSON.parse(line) as {
          id: string;
          receivedNs: number;
          plannedNs: number[];
          writtenNs: number[];
          tokens: number[];
        },
    );
    for (const record of records.slice(0, 8)) {
      expect(record.id).toMatch(/^cmpl-[0-9a-f]{16}$/);
      expect(record.receivedNs).toBeGreaterThan(Number(begun));
      expect(record.writtenNs.at(-1)).toBeLessThan(Number(ended));
      if (record.tokens.length === 1) continue;
      expect(record.tokens).toEqual([1, 2, 2, 1]);
      const offsets = record.plannedNs.map((planned) => (planned - record.plannedNs[0]!) / 1e6);
      for (const [i, offset] of [0, 10, 20, 25].entries()) expect(offsets[i]).toBeCloseTo(offset, 3);
      const first = (record.plannedNs[0]! - record.receivedNs) / 1e6;
      expect(first).toBeGreaterThanOrEqual(30);
      expect(first).toBeLessThan(60);
    }
    expect(records.filter((record) => record.tokens.length === 1)).toHaveLength(1);
    const broken = records[8]!.tokens.reduce((sum, count) => sum + count, 0);
    expect(broken).toBeGreaterThan(0);
    expect(broken).toBeLessThanOrEqual(15);
  });

  it("cost nothing while nothing is asked for", async () => {
    await using simulator = await startSimulator();
    await (await post(`${simulator.url}/v1/completions`, ASK)).text();
    const ticks = async (): Promise<number> => {
      const stat = await readFile(`/proc/${simulator.child.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11]) + Number(fields[12]);
    };
    await new Promise((resolve) => setTimeout(resolve, 300));
    const before = await ticks();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    // Hundredths of a second of CPU time.
    expect((await ticks()) - before).toBeLessThanOrEqual(3);
  });
});
