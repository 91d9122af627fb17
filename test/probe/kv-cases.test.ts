import { describe, expect, it } from "vitest";
import type { KvConfig } from "../../src/domain/run.ts";
import { fillLengths, type KvOptions, kvFillCase } from "../../src/probe/kv-cases.ts";
import { suiteOf } from "../../src/probe/suite.ts";

const OPTIONS: KvOptions = { contextTokens: 4096, steps: 6, outputTokens: 64 };
const TARGET = { model: "org/model", seed: "s" };

function tools(maxModelLen: number | null, kv: Partial<KvConfig> | null = { blocks: 8192, blockSize: 16 }) {
  const config: KvConfig = {
    blocks: null,
    blockSize: null,
    capacityTokens: null,
    maxConcurrency: null,
    prefixCaching: null,
  };
  return { tokenize: async () => null, maxModelLen, kv: kv === null ? null : { ...config, ...kv } };
}

const promptOf = (body: Buffer) => (JSON.parse(body.toString()) as { prompt: number[] }).prompt;

describe("fillLengths", () => {
  it.each([
    ["GPU", tools(32768), 16],
    ["CPU", tools(4096, { blocks: 8192, blockSize: 128 }), 128],
    ["a short context", tools(512, { blocks: 8192, blockSize: 128 }), 128],
    ["an odd block", tools(8192, { blocks: 4000, blockSize: 528 }), 528],
    ["a very short context", tools(256), 16],
    ["a server that tells nothing", tools(null, null), 16],
  ])("%s: ascending, within the context, each crossing the end of a block", (_, given, block) => {
    const lengths = fillLengths(OPTIONS, given);
    expect(lengths.length).toBeGreaterThanOrEqual(2);
    expect(new Set(lengths).size).toBe(lengths.length);
    expect([...lengths].sort((a, b) => a - b)).toEqual(lengths);
    for (const length of lengths) {
      expect(length + OPTIONS.outputTokens).toBeLessThanOrEqual(Math.min(given.maxModelLen ?? 1024, 4096));
      expect(Math.floor(length / block)).toBeLessThan(Math.floor((length + OPTIONS.outputTokens) / block));
    }
  });

  it("takes half of a small cache at most", () => {
    const lengths = fillLengths(OPTIONS, tools(4096, { blocks: 128, blockSize: 16 }));
    expect(lengths.at(-1)! + OPTIONS.outputTokens).toBeLessThanOrEqual(1024);
  });
});

describe("kvFillCase", () => {
  it("lets each context begin with the one before it, so that each prefills little", () => {
    const { measure, concurrency, gaugesEveryMs } = kvFillCase(TARGET, OPTIONS, tools(4096));
    expect(concurrency).toBe(1);
    expect(gaugesEveryMs).toBeGreaterThan(0);
    const prompts = measure.map(({ body }) => promptOf(body));
    for (const [index, prompt] of prompts.entries()) {
      expect(prompt).toHaveLength(measure[index]!.promptTokens!);
      expect(prompts.at(-1)!.slice(0, prompt.length)).toEqual(prompt);
    }
  });

  it("asks for the whole context where two lengths have no room, so that the session refuses it aloud", () => {
    const { measure } = kvFillCase(TARGET, OPTIONS, tools(64));
    expect(measure.map(({ promptTokens }) => promptTokens)).toEqual([4096]);
  });

  it("is sent in every round, and not when it is left out", async () => {
    const others = { ttft: false, batching: false, prefix: false } as const;
    const cases = async (kv: KvOptions | false, round: number) =>
      (await suiteOf({ ...others, kv }).round(TARGET, round, tools(4096))).map(
        (plan) => `${plan.probe}.${plan.case}`,
      );
    expect(await cases(OPTIONS, 0)).toEqual(["kv.fill"]);
    // A dirty round is measured again, and then counts for nothing.
    expect(await cases(OPTIONS, 1)).toEqual(["kv.fill"]);
    expect(await cases(false, 0)).toEqual([]);
    const unread = await suiteOf({ ...others, kv: OPTIONS }).round(TARGET, 0, tools(4096, null));
    expect(unread).toEqual([]);
  });
});
