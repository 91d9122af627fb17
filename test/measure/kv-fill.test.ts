import { describe, expect, it } from "vitest";
import type { KvFill } from "../../src/domain/kv-fill.ts";
import { groupTraces } from "../../src/measure/case-data.ts";
import { readKvFill } from "../../src/measure/kv-fill.ts";
import { type FilledServer, filledSession } from "../support/kv-fill.ts";

const MEMORY = { memoryBytes: 2 ** 31 };

function read(server: FilledServer) {
  const { record, traces } = filledSession(server);
  return readKvFill(groupTraces([record], traces)[0]!, 0);
}

function fill(server: FilledServer): KvFill {
  const found = read(server);
  if (found === null || "absent" in found) throw new Error(`not measured: ${JSON.stringify(found)}`);
  return found;
}

const kv = (blocks: number, blockSize: number) => ({
  kv: { blocks, blockSize, capacityTokens: null, maxConcurrency: null, prefixCaching: true, ...MEMORY },
});

describe("readKvFill", () => {
  it.each([
    ["GPU, blocks of 16", { blocks: 287_548, blockSize: 16, lengths: [609, 1249, 1889, 2657, 3297, 3937] }],
    ["CPU, blocks of 128", { blocks: 8192, blockSize: 128, lengths: [96, 224, 352, 480] }],
    ["two lengths in a short context", { blocks: 4096, blockSize: 128, lengths: [96, 224] }],
    [
      "a null block that is counted",
      { blocks: 1000, blockSize: 16, lengths: [600, 1200, 1800], countsNull: true },
    ],
    ["a slow server", { blocks: 500, blockSize: 16, lengths: [600, 1200], tpotMs: 9 }],
    ["readings that are late", { blocks: 9000, blockSize: 16, lengths: [600, 1200, 1800, 2400], lateMs: 12 }],
  ])("finds the step and the bytes: %s", (_, server) => {
    const found = fill({ ...server, session: kv(server.blocks, server.blockSize) });
    expect(found.stepTokens).toBe(server.blockSize);
    expect(found.explained).toBeGreaterThanOrEqual(0.95);
    expect(found.linear).toBe(true);
    expect(found.bytesPerToken! / (2 ** 31 / server.blocks / server.blockSize)).toBeCloseTo(1, 6);
  });

  it("finds the step where the server tells neither blocks nor their size", () => {
    const session = {
      kv: {
        blocks: null,
        blockSize: null,
        capacityTokens: null,
        maxConcurrency: null,
        prefixCaching: true,
        ...MEMORY,
      },
    };
    const found = fill({ blocks: 8192, blockSize: 32, lengths: [600, 1200, 1800, 2400, 3000], session });
    expect(found.stepTokens).toBe(32);
    expect(found.blocks).toBe(8191);
    expect(found.bytesPerToken! / (2 ** 31 / 8192 / 32)).toBeCloseTo(1, 2);
  });

  it("does not believe a block size that the use contradicts", () => {
    // Half of the layers take a block of their own: two blocks for every 16 tokens.
    const held = (tokens: number) => 2 * Math.ceil(tokens / 16);
    const found = fill({
      blocks: 9000,
      blockSize: 16,
      lengths: [600, 1200, 1800, 2400],
      held,
      session: kv(9000, 16),
    });
    expect(found.stepTokens).not.toBe(16);
    expect(found.linear).toBe(true);
    expect(found.bytesPerToken! / (2 ** 31 / 9000 / 8)).toBeCloseTo(1, 2);
  });

  it("sees what a request holds from its start: the state of recurrent layers", () => {
    const held = (tokens: number) => 3 + Math.ceil(tokens / 128);
    const found = fill({
      blocks: 4000,
      blockSize: 128,
      lengths: [608, 1248, 1888],
      held,
      session: kv(4000, 128),
    });
    expect(found).toMatchObject({ stepTokens: 128, fixedBlocks: 3, linear: true });
  });

  it("sees that a window ends the growth: no line, and no bytes per token", () => {
    const held = (tokens: number) => Math.ceil(Math.min(tokens, 1024) / 16);
    const found = fill({
      blocks: 9000,
      blockSize: 16,
      lengths: [600, 1200, 1800, 2400],
      held,
      session: kv(9000, 16),
    });
    expect(found).toMatchObject({ stepTokens: null, linear: false, bytesPerToken: null });
    expect(found.bytesProblem).toMatch(/not proportional/);
  });

  it("takes nothing from readings while other requests ran", () => {
    const server = { blocks: 9000, blockSize: 16, lengths: [600, 1200, 1800] };
    const busy = fill({ ...server, running: (index) => (index % 3 === 0 ? 2 : null) });
    expect(busy.readings).toBeLessThan(fill(server).readings);
    expect(read({ ...server, running: () => 2 })).toEqual({
      absent: expect.stringMatching(
        /^0 readings at 0 lengths while one request alone was generating, needs 6 at 2; other requests ran in (\d+) of \1 readings: keep/,
      ),
    });
  });

  it.each([
    [
      "no readings",
      { blocks: 10, blockSize: 16, lengths: [600, 1200], gaugesEveryMs: 1e6 },
      /0 readings|1 readings/,
    ],
    [
      "one length that was read",
      { blocks: 1000, blockSize: 16, lengths: [600, 1200], running: (index: number) => (index < 30 ? 1 : 2) },
      /at 1 lengths/,
    ],
    [
      "one length",
      { blocks: 1000, blockSize: 16, lengths: [600] },
      /at 1 lengths.*; raise probes\.kv\.outputTokens or probes\.kv\.steps, or use a longer --max-model-len$/,
    ],
  ])("%s: absent, with the reason", (_, server, reason) => {
    expect(read(server)).toEqual({ absent: expect.stringMatching(reason) });
  });

  it("no bytes where the log prints the memory too coarsely", () => {
    const { kvAvailableGib: _, ...facts } =
      filledSession({ blocks: 9, blockSize: 16, lengths: [1] }).record.logFacts ?? {};
    const session = { logFacts: { ...facts, kvAvailableGib: 0.31 } };
    const found = fill({ blocks: 9000, blockSize: 16, lengths: [600, 1200, 1800], session });
    expect(found).toMatchObject({ stepTokens: 16, bytesPerToken: null });
    expect(found.bytesProblem).toMatch(/0\.31 GiB.*--kv-cache-memory-bytes/);
  });

  it("a session that did not fill: nothing, not even absent", () => {
    const { record } = filledSession({ blocks: 10, blockSize: 16, lengths: [100] });
    expect(readKvFill(groupTraces([record], [])[0]!, 0)).toBeNull();
  });
});
