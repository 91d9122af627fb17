import { describe, expect, it } from "vitest";
import { type BatchingCellOptions, batchingCells, ranksOf } from "../../src/probe/batching-cells.ts";
import { FIRST_PACE, fitCells } from "../../src/probe/cells.ts";
import { equalRequests } from "../../src/probe/traffic.ts";

const OPTIONS: BatchingCellOptions = {
  source: equalRequests({ promptTokens: 20, outputTokens: 4 }),
  ...{
    n: 32,
    concurrent: 8,
    concurrency: [1, 2, 4, 8, 16, 32],
    waves: 3,
    rates: [1, 2],
    openS: 30,
    replay: null,
  },
};
const TOOLS = { tokenize: async () => null, maxModelLen: null, kv: null };
const TARGET = { model: "m", seed: "s" };

describe("batchingCells", () => {
  it("sends whole waves, with one before and one after what is measured", async () => {
    const [, ...sweep] = batchingCells(OPTIONS);
    const sizes = await Promise.all(
      sweep.slice(0, 6).map(async (cell) => {
        const [plan] = await cell.plan(TARGET, 0, TOOLS);
        return [plan?.concurrency, plan?.warmup.length, plan?.measure.length];
      }),
    );
    expect(sizes).toEqual([
      [1, 1, 34],
      [2, 2, 36],
      [4, 4, 40],
      [8, 8, 48],
      [16, 16, 80],
      [32, 32, 160],
    ]);
  });

  it("the benchmark is one cell of two cases of the same number of requests", async () => {
    const plans = await batchingCells(OPTIONS)[0]?.plan(TARGET, 0, TOOLS);
    expect(plans?.map((plan) => [plan.case, plan.concurrency, plan.measure.length])).toEqual([
      ["sequential", 1, 32],
      ["concurrent", 8, 32],
    ]);
  });

  it("no prompt is sent twice", async () => {
    const bodies = new Set<string>();
    let count = 0;
    for (const round of [0, 1]) {
      for (const cell of batchingCells(OPTIONS)) {
        for (const plan of await cell.plan(TARGET, round, TOOLS)) {
          for (const request of [...plan.warmup, ...plan.measure]) {
            bodies.add(request.body.toString());
            count += 1;
          }
        }
      }
    }
    expect(bodies.size).toBe(count);
  });

  it("an open loop takes as long as its arrivals", () => {
    const cells = batchingCells({ ...OPTIONS, rates: [0.5] });
    expect(cells.at(-1)?.work.atLeastS).toBe(64);
  });

  it("what tells least is left out first: rates, then levels between others; the benchmark last", () => {
    const cells = batchingCells(OPTIONS);
    const dropped: string[] = [];
    for (let budgetS = 2000; budgetS > 76; budgetS -= 1) {
      const { dropped: now } = fitCells(cells, { sessions: 1, rounds: 3 }, FIRST_PACE, budgetS);
      dropped.push(...now.map((cell) => cell.name).filter((name) => !dropped.includes(name)));
    }
    expect(dropped.slice(0, 2).sort()).toEqual(["rate1", "rate2"]);
    expect(dropped.slice(-3)).toEqual(["c32", "c1", "sequential and 8 concurrent"]);
  });
});

it("ranks the ends, then what halves the rest", () => {
  expect(ranksOf(1)).toEqual([0]);
  expect(ranksOf(2)).toEqual([0, 1]);
  expect(ranksOf(5)).toEqual([0, 4, 2, 3, 1]);
  expect([...ranksOf(9)].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
});
