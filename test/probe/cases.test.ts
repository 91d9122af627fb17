import { describe, expect, it } from "vitest";
import type { CasePlan, PlannedRequest } from "../../src/probe/case-plan.ts";
import {
  type BatchingOptions,
  batchingCase,
  COLD_TIMEOUTS,
  coldCase,
  type TtftOptions,
  warmCase,
} from "../../src/probe/cases.ts";

const TARGET = { model: "org/model", seed: "seed" };
const TTFT: TtftOptions = { cold: true, warmRequests: 30, promptTokens: 256, outputTokens: 64 };
const BATCHING: BatchingOptions = { concurrency: [1, 8], waves: 3, promptTokens: 200, outputTokens: 128 };

interface Body {
  readonly model: string;
  readonly prompt: number[];
  readonly max_tokens: number;
}
const bodyOf = (request: PlannedRequest) => JSON.parse(request.body.toString("utf8")) as Body;
const allOf = (plan: CasePlan) => [...plan.warmup, ...plan.measure];

describe("coldCase and warmCase", () => {
  const cold = coldCase(TARGET, TTFT);
  const warm = warmCase(TARGET, TTFT);

  it("the cold case is one request that nothing precedes", () => {
    expect(cold).toMatchObject({ probe: "ttft", case: "cold", concurrency: 1, mustMiss: true, warmup: [] });
    expect(cold.measure.map(({ id }) => id)).toEqual(["ttft.cold.0"]);
  });

  it("the cold request has time for kernels that are compiled on demand", () => {
    expect(cold.measure[0]?.timeouts).toBe(COLD_TIMEOUTS);
  });

  it("the warm case sends its prompt once before it measures", () => {
    expect(warm).toMatchObject({ probe: "ttft", case: "warm", concurrency: 1, mustMiss: false });
    expect(warm.warmup).toHaveLength(1);
    expect(warm.measure).toHaveLength(30);
    expect(new Set(allOf(warm).map(({ id }) => id)).size).toBe(31);
  });

  it("all of them send one constant prompt", () => {
    const bodies = [...allOf(cold), ...allOf(warm)].map(({ body }) => body.toString("utf8"));
    expect(new Set(bodies).size).toBe(1);
    const [first] = cold.measure.map(bodyOf);
    expect(first).toMatchObject({ model: "org/model", max_tokens: 64 });
    expect(first?.prompt).toHaveLength(256);
    expect(allOf(warm).every(({ expectedTokens }) => expectedTokens === 64)).toBe(true);
  });

  it("another seed gives another prompt", () => {
    const [one, two] = [cold, coldCase({ ...TARGET, seed: "other" }, TTFT)].map(
      (plan) => plan.measure.map(bodyOf)[0],
    );
    expect(one?.prompt.slice(0, 16)).not.toEqual(two?.prompt.slice(0, 16));
  });
});

describe("batchingCase", () => {
  it.each<[concurrency: number, waves: number, requests: number]>([
    [1, 3, 8],
    [1, 8, 8],
    [1, 20, 20],
    [2, 1, 8],
    [3, 1, 9],
    [5, 1, 10],
    [7, 1, 14],
    [8, 1, 8],
    [8, 3, 24],
    [32, 1, 32],
    [1024, 2, 2048],
  ])(
    "at %d in flight and %d waves measures %d requests: whole waves, at least 8",
    (concurrency, waves, requests) => {
      const plan = batchingCase(TARGET, { ...BATCHING, waves, promptTokens: 4 }, concurrency, "0");
      expect(plan.measure).toHaveLength(requests);
      expect(requests % concurrency).toBe(0);
    },
  );

  it.each([1, 2, 8, 32])("at %d in flight warms up with a wave of as many", (concurrency) => {
    const plan = batchingCase(TARGET, BATCHING, concurrency, "0");
    expect(plan).toMatchObject({ probe: "batching", case: `c${concurrency}`, concurrency, mustMiss: true });
    expect(plan.warmup).toHaveLength(concurrency);
  });

  it("asks each request for the same work", () => {
    for (const request of allOf(batchingCase(TARGET, BATCHING, 8, "0"))) {
      expect(request.expectedTokens).toBe(128);
      expect(bodyOf(request)).toMatchObject({ model: "org/model", max_tokens: 128 });
      expect(bodyOf(request).prompt).toHaveLength(200);
    }
  });

  it("gives every request of every case and round a prompt of its own from the first block on", () => {
    const plans = [1, 2, 8, 32].flatMap((concurrency) =>
      ["0", "1", "2"].map((round) => batchingCase(TARGET, BATCHING, concurrency, round)),
    );
    const requests = [...plans, batchingCase({ ...TARGET, seed: "other" }, BATCHING, 8, "0")].flatMap(allOf);
    const beginnings = requests.map((request) => bodyOf(request).prompt.slice(0, 8).join(" "));
    expect(new Set(beginnings).size).toBe(requests.length);
  });

  it("gives the same prompts when it is planned again", () => {
    const [one, two] = [1, 2].map(() =>
      allOf(batchingCase(TARGET, BATCHING, 8, "1")).map(({ body }) => body),
    );
    expect(one).toEqual(two);
  });

  it("names each request once", () => {
    const ids = allOf(batchingCase(TARGET, BATCHING, 8, "0")).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("batching.c8.17");
  });
});
