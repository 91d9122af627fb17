import { describe, expect, it } from "vitest";
import { completionBody, promptOf } from "../../src/probe/workload.ts";

describe("promptOf", () => {
  it.each([0, 1, 15, 16, 17, 256, 100_000])("has exactly %d tokens", (tokens) => {
    expect(promptOf("seed/x", tokens)).toHaveLength(tokens);
  });

  it("is the same for the same name, in every process and version", () => {
    expect(promptOf("seed/batching.c8.0", 6)).toEqual(promptOf("seed/batching.c8.0", 6));
    // A baseline's prompts must stay what they were.
    expect(promptOf("seed/batching.c8.0", 6)).toEqual([1660, 1042, 1712, 2932, 2490, 2098]);
  });

  it("grows at its end only", () => {
    const long = promptOf("seed/x", 1000);
    for (const tokens of [1, 16, 17, 999]) expect(promptOf("seed/x", tokens)).toEqual(long.slice(0, tokens));
  });

  it("has no special tokens, and none that a small vocabulary lacks", () => {
    const ids = promptOf("seed/x", 100_000);
    expect(Math.min(...ids.slice(0, 50_000))).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...ids.slice(0, 50_000))).toBeLessThan(3000);
    expect(ids.every((id) => Number.isInteger(id) && id >= 1000 && id < 3000)).toBe(true);
    expect(new Set(ids).size).toBe(2000);
  });

  it("of another name shares no beginning that a prefix cache could hold", () => {
    const names = Array.from({ length: 3000 }, (_, index) => `seed/batching.c8.${index}/0`);
    const beginnings = names.map((name) => promptOf(name, 4).join(" "));
    expect(new Set(beginnings).size).toBe(names.length);
  });

  it("does not repeat itself", () => {
    const ids = promptOf("seed/x", 4096);
    const pieces = Array.from({ length: 256 }, (_, index) =>
      ids.slice(index * 16, index * 16 + 16).join(" "),
    );
    expect(new Set(pieces).size).toBe(pieces.length);
  });
});

describe("completionBody", () => {
  it("asks for a fixed amount of work, greedy, with a running count", () => {
    const body = completionBody({ model: "org/mödel", prompt: [1000, 2000], outputTokens: 64 });
    expect(JSON.parse(body.toString("utf8"))).toEqual({
      model: "org/mödel",
      prompt: [1000, 2000],
      max_tokens: 64,
      min_tokens: 64,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    });
  });
});
