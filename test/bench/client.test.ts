import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CELLS, FEW, type Load, parseCells } from "../../bench/client-cells.ts";
import { compare } from "../../bench/client-errors.ts";
import { CLIENTS, type Reported } from "../../bench/client-peers.ts";
import { Results } from "../../bench/client-results.ts";
import type { Run } from "../../bench/client-run.ts";
import { judge, table } from "../../bench/client-table.ts";
import type { Truth } from "../../bench/client-truth.ts";

const MS = 1e6;
const load: Load = {
  streams: 1,
  rate: 100,
  name: "two",
  requests: 2,
  tokens: 3,
  ttftMs: 20,
  itlMs: 10,
  spreadMs: 0,
};

/** A request that arrives at `atMs`, is received 1 ms later, and whose events are written late by what is given. */
function truth(id: string, atMs: number, lateMs: readonly number[]): [string, Truth] {
  const plannedNs = lateMs.map((_, i) => (atMs + 21 + i * 10) * MS);
  const writtenNs = plannedNs.map((planned, i) => planned + lateMs[i]! * MS);
  const tokens = lateMs.map(() => 1);
  return [id, { id, arrivedNs: atMs * MS, receivedNs: (atMs + 1) * MS, plannedNs, writtenNs, tokens }];
}

const truths = new Map([truth("a", 0, [0, 0, 0]), truth("b", 100, [1, 0, 3])]);
const exact: readonly Reported[] = [
  {
    id: "b",
    ttftMs: 22,
    tpotMs: 11,
    gapsMs: [9, 13],
    sentNs: 100 * MS,
    arrivedNs: [122, 131, 144].map((at) => at * MS),
  },
  {
    id: "a",
    ttftMs: 21,
    tpotMs: 10,
    gapsMs: [10, 10],
    sentNs: 0,
    arrivedNs: [21, 31, 41].map((at) => at * MS),
  },
];

describe("compare", () => {
  it("finds no error in a report that says what the server did, in any order", () => {
    const errors = compare(load, exact, truths);
    for (const of of [errors.ttft, errors.tpot, errors.gap, errors.arrival, errors.send])
      expect(of?.absolute).toEqual({ p50: 0, p99: 0, max: 0 });
    expect(errors.ttftFromReceipt.signed).toEqual({ p50: 1, p99: 1, max: 1 });
    expect(errors.lateness).toEqual({ p50: 0, p99: 3, max: 3 });
    expect(errors.rate).toBeCloseTo(6 / 0.143, 6);
  });

  it("gives errors with their sign and their size", () => {
    const [b, a] = exact;
    const late = [
      { ...b!, ttftMs: 20 },
      { ...a!, ttftMs: 24, sentNs: -3 * MS },
    ];
    const { ttft, send } = compare(load, late, truths);
    expect(ttft.signed).toEqual({ p50: 3, p99: 3, max: 3 });
    expect(ttft.absolute).toEqual({ p50: 3, p99: 3, max: 3 });
    expect(send.signed.max).toBe(3);
  });

  it("has no gaps of a client that keeps none", () => {
    const means = exact.map(({ gapsMs: _gapsMs, arrivedNs: _arrivedNs, ...request }) => request);
    expect(compare(load, means, truths)).toMatchObject({ gap: null, arrival: null });
  });

  it.each([
    ["fewer requests than were asked for", exact.slice(1), "reported 1 requests, expected 2"],
    ["a request twice", [exact[0]!, exact[0]!], "twice"],
    [
      "a request that the server does not know",
      [exact[0]!, { ...exact[1]!, id: "c" }],
      "knows no request 'c'",
    ],
  ])("refuses %s", (_what, reported, message) => {
    expect(() => compare(load, reported, truths)).toThrow(message);
  });
});

describe("cells", () => {
  it("ask of every stream what a model could do, at the rate of their name", () => {
    expect(CELLS.length).toBe(12);
    for (const cell of CELLS) {
      const requestS = (cell.ttftMs + cell.itlMs * (cell.tokens - 1)) / 1000;
      expect((cell.streams * cell.tokens) / requestS).toBeCloseTo(cell.rate, 6);
      expect(cell.requests % cell.streams).toBe(0);
    }
  });

  it("are named by streams and rate", () => {
    expect(parseCells("64@10000").map(({ streams }) => streams)).toEqual([64]);
    expect(() => parseCells("64@11")).toThrow("no cell '64@11'");
  });
});

describe("the verdict", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "bench-client-test-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const cell = parseCells("64@10000")[0]!;
  const flat = (ms: number) => ({ p50: ms, p99: ms, max: ms });
  const error = (ms: number) => ({ signed: flat(ms), absolute: flat(ms) });
  const run = (errorMs: number, cpuS: number, lateMs = 0.1): Run => ({
    ...{ requests: cell.requests, events: 32_000, rate: 9_900, cpuS, startUpCpuS: 1, memoryBytes: 1e8 },
    ...{ ttft: error(errorMs), ttftFromReceipt: error(errorMs), send: error(0), tpot: error(errorMs) },
    ...{ gap: error(errorMs), arrival: error(errorMs), lateness: flat(lateMs) },
  });

  async function resultsOf(ours: Run, peer: Run): Promise<Results> {
    const results = new Results(folder);
    for (const [i, client] of CLIENTS.entries()) {
      await results.add(FEW, client, run(0, 0));
      await results.add(cell, client, i === 0 ? ours : peer);
    }
    return results;
  }

  it("meets every target when ours is ten times as exact and three times as cheap", async () => {
    const results = await resultsOf(run(0.9, 1), run(9, 3));
    expect(judge([cell], results).filter(({ met }) => !met)).toEqual([]);
    expect(table([cell], results)).toContain("vllm bench serve");
  });

  it.each([
    ["an error of more than a tenth", run(0.95, 1), "TTFT error p50 < 0.3 ms"],
    ["an arrival of a millisecond", { ...run(0.2, 1), arrival: error(1) }, "arrival p99"],
    ["more than a third of the CPU", run(0.2, 1.1), "CPU"],
    ["a rate that is not reached", { ...run(0.2, 1), rate: 9_000 }, "rate is reached"],
    ["a TPOT that is worse", { ...run(0.2, 1), tpot: error(10) }, "TPOT p50"],
  ])("misses a target for %s", async (_what, ours, target) => {
    const missed = judge([cell], await resultsOf(ours, run(9, 3))).filter(({ met }) => !met);
    expect(missed.some(({ text }) => text.includes(target))).toBe(true);
  });

  it("does not judge a cell whose server was late", async () => {
    const verdicts = judge([cell], await resultsOf(run(0.2, 1, 1.5), run(9, 3)));
    expect(verdicts[0]?.text).toContain("not judged: 64@10000");
  });
});
