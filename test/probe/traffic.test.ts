import { describe, expect, it } from "vitest";
import type { Traffic } from "../../src/domain/traffic.ts";
import { poissonTimes } from "../../src/probe/open-loop.ts";
import { equalRequests, ownRequests, trafficCase } from "../../src/probe/traffic.ts";

const TARGET = { model: "m", seed: "s" };
const traffic = (overrides: Partial<Traffic> = {}): Traffic => ({
  ...{ file: "r.jsonl", sha256: "", endpoint: "completions", mode: "closed", concurrency: 2, rateScale: 1 },
  requests: [
    { prompt: { kind: "text", text: "Shared. One" }, outputTokens: 4, atS: 10 },
    { prompt: { kind: "text", text: "Shared. Two" }, outputTokens: 8, atS: 11 },
    { prompt: { kind: "length", tokens: 5 }, outputTokens: 2, atS: 14 },
  ],
  ...overrides,
});
const bodies = (plan: { readonly measure: readonly { body: Buffer }[] }) =>
  plan.measure.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>);

describe("the user's own requests", () => {
  it("are sent as they are behind one mark, so that what they share stays shared", () => {
    const [one, two] = bodies(trafficCase(TARGET, traffic(), "0"));
    const mark = /^\[[0-9a-f]{12}\] /.exec(String(one?.["prompt"]))?.[0] ?? "none";
    expect(one?.["prompt"]).toBe(`${mark}Shared. One`);
    expect(two?.["prompt"]).toBe(`${mark}Shared. Two`);
    expect(one).toMatchObject({
      max_tokens: 4,
      min_tokens: 4,
      ignore_eos: true,
      temperature: 0,
      stream: true,
    });
  });

  it("share nothing with those of another round, of the warm-up, or of the same file once more", () => {
    const promptOf = (body: Buffer) => String((JSON.parse(body.toString()) as { prompt: unknown }).prompt);
    const source = ownRequests(traffic());
    const places = ["measure/0", "measure/1", "warmup/0"].map(
      (place) => source.request(TARGET, place, 0).body,
    );
    const again = source.request(TARGET, "measure/0", 3).body;
    const starts = [...places, again].map((body) => promptOf(body).slice(0, 15));
    expect(new Set(starts).size).toBe(4);
  });

  it("go to the chat endpoint with the mark in the first message", () => {
    const messages = [
      { role: "system" as const, content: [{ type: "text" as const, text: "Be brief." }] },
      { role: "user" as const, content: "Hi" },
    ];
    const plan = trafficCase(
      TARGET,
      traffic({
        endpoint: "chat",
        requests: [{ prompt: { kind: "messages", messages }, outputTokens: 4, atS: null }],
      }),
      "0",
    );
    expect(plan.measure[0]?.path).toBe("/v1/chat/completions");
    const [body] = bodies(plan);
    expect(body?.["messages"]).toEqual([
      {
        role: "system",
        content: [{ type: "text", text: expect.stringMatching(/^\[[0-9a-f]{12}\] Be brief\.$/) }],
      },
      { role: "user", content: "Hi" },
    ]);
  });

  it("a length alone becomes ids of that number, or about as many words", () => {
    const [, , ids] = bodies(trafficCase(TARGET, traffic(), "0"));
    expect(ids?.["prompt"]).toHaveLength(5);
    const [, , chat] = bodies(trafficCase(TARGET, traffic({ endpoint: "chat" }), "0"));
    const messages = chat?.["messages"] as { content: string }[] | undefined;
    expect(messages?.[0]?.content.split(" ")).toHaveLength(6);
  });

  it("an open loop keeps their distances, scaled; a closed one has no times", () => {
    const open = trafficCase(TARGET, traffic({ mode: "open", rateScale: 2 }), "0");
    expect(open.measure.map(({ plannedS }) => plannedS)).toEqual([0, 0.5, 2]);
    expect(trafficCase(TARGET, traffic(), "0").measure.some((each) => "plannedS" in each)).toBe(false);
  });
});

it("equal requests differ from the first block on", () => {
  const source = equalRequests({ promptTokens: 32, outputTokens: 4 });
  const prompts = [0, 1].map(
    (index) =>
      (JSON.parse(source.request(TARGET, "c1/measure/0", index).body.toString()) as { prompt: number[] })
        .prompt,
  );
  expect(prompts[0]).toHaveLength(32);
  expect(prompts[0]?.slice(0, 16)).not.toEqual(prompts[1]?.slice(0, 16));
});

describe("poissonTimes", () => {
  it("has exponential gaps of the rate's mean", () => {
    const times = poissonTimes("name", 4, 4001);
    const gaps = times.slice(1).map((atS, index) => atS - (times[index] as number));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).toBeCloseTo(0.25, 1);
    expect(deviation / mean).toBeCloseTo(1, 1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
  });

  it("is the same for the same name, and begins at once", () => {
    expect(poissonTimes("a", 1, 5)).toEqual(poissonTimes("a", 1, 5));
    expect(poissonTimes("a", 1, 5)).not.toEqual(poissonTimes("b", 1, 5));
    expect(poissonTimes("a", 1, 5)[0]).toBe(0);
    expect(() => poissonTimes("a", 0, 5)).toThrow("a rate of 0 requests/s");
  });
});
