import { describe, expect, it } from "vitest";
import type { CasePlan, PlannedRequest } from "../../src/probe/case-plan.ts";
import { type PrefixOptions, prefixCell } from "../../src/probe/prefix.ts";
import { suiteOf } from "../../src/probe/suite.ts";

const TARGET = { model: "org/model", seed: "seed" };
const OPTIONS: PrefixOptions = {
  regimes: [512],
  concurrency: [1, 8],
  requests: 20,
  suffixTokens: 64,
  outputTokens: 8,
};

const promptOf = (request: PlannedRequest) =>
  (JSON.parse(request.body.toString("utf8")) as { prompt: number[] }).prompt;
const cell = (concurrency: number, round = 0, longest: number | null = 4096) =>
  prefixCell(TARGET, OPTIONS, { regime: 512, concurrency }, round, longest);
const of = (plans: readonly CasePlan[], kind: string) =>
  plans.filter((plan) => plan.case.startsWith(`${kind}.`));
const sent = (plans: readonly CasePlan[]) => plans.flatMap((plan) => [...plan.warmup, ...plan.measure]);

describe("the cases of a prefix", () => {
  it("take turns so that neither kind comes first more often", () => {
    const order = cell(1).map((plan) => `${plan.case} ${plan.measure.length}`);
    const [miss, hit] = ["miss.512.c1 5", "hit.512.c1 5"];
    expect(order).toEqual([miss, hit, hit, miss, miss, hit, hit, miss]);
  });

  it.each([
    [1, 20],
    [8, 32],
    [16, 32],
    [32, 64],
  ])("at %d in flight measure %d requests of each kind in whole waves", (concurrency, requests) => {
    for (const kind of ["miss", "hit"]) {
      const parts = of(cell(concurrency), kind);
      expect(parts.flatMap((plan) => plan.measure)).toHaveLength(requests);
      expect(parts.every((plan) => plan.concurrency === concurrency)).toBe(true);
    }
  });

  it("send prompts of the same length, which all hits begin alike and no two misses", () => {
    const plans = cell(8);
    expect(sent(plans).every((request) => promptOf(request).length === 576)).toBe(true);
    expect(sent(plans).every((request) => request.promptTokens === 576)).toBe(true);
    const beginnings = (kind: string, tokens: number) =>
      new Set(sent(of(plans, kind)).map((request) => promptOf(request).slice(0, tokens).join(" ")));
    expect(beginnings("hit", 512).size).toBe(1);
    expect(beginnings("hit", 528).size).toBe(sent(of(plans, "hit")).length);
    expect(beginnings("miss", 8).size).toBe(sent(of(plans, "miss")).length);
    expect([...beginnings("hit", 8)].some((each) => beginnings("miss", 8).has(each))).toBe(false);
  });

  it("prime the prefix once, before the first hits, and warm up both kinds", () => {
    const plans = cell(8);
    expect(plans.map((plan) => [plan.case, plan.warmup.length])).toEqual([
      ["miss.512.c8", 8],
      ["hit.512.c8", 16],
      ...Array(6).fill([expect.any(String), 0]),
    ]);
    expect(plans.map((plan) => plan.mustMiss)).toEqual(plans.map((plan) => plan.case.startsWith("miss")));
  });

  it("have other prefixes in another round and cell, and the same when planned again", () => {
    const first = (plans: readonly CasePlan[]) =>
      promptOf(of(plans, "hit")[0]?.measure[0] as PlannedRequest).slice(0, 8);
    expect(first(cell(1))).toEqual(first(cell(1)));
    expect(first(cell(1))).not.toEqual(first(cell(1, 1)));
    expect(first(cell(1))).not.toEqual(first(cell(8)));
  });

  it("name each request once", () => {
    const ids = sent(cell(8)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("ask a server that cannot take the prompts once for each kind", () => {
    expect(cell(8, 0, 583).map((plan) => [plan.case, plan.measure.length])).toEqual([
      ["miss.512.c8", 1],
      ["hit.512.c8", 1],
    ]);
    expect(cell(8, 0, 584)).toHaveLength(8);
  });
});

it("the suite asks for as many connections as its widest cell", () => {
  const suite = suiteOf({ ttft: false, batching: false, prefix: OPTIONS, kv: false });
  expect(suite.maxConcurrency).toBe(8);
  expect(suiteOf({ ttft: false, batching: false, prefix: false, kv: false }).maxConcurrency).toBe(1);
});
