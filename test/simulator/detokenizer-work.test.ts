import { describe, expect, it } from "vitest";
import { decodesToNothing, idsDecoded } from "../../src/simulator/detokenizer-work.ts";
import { deployment, PHI, QWEN, uniquePrompts, VirtualClient } from "./virtual-load.ts";

/** Share of requests whose output has no text. */
function textless(flags: string[], model: string, knownIds?: number): number {
  const target = deployment(flags, {}, model);
  const changed = { ...target, knownIds: knownIds ?? target.knownIds };
  const prompt = uniquePrompts(20, 3);
  const outcomes = Array.from({ length: 2000 }, () => decodesToNothing(changed, prompt()));
  return outcomes.filter(Boolean).length / outcomes.length;
}

const DUMMY = ["--load-format", "dummy"];

describe("the detokenizer's work", () => {
  it("is one id for each token that has text, and the whole context for one that has none", () => {
    expect(idsDecoded(1000, 0, false)).toBe(2000);
    expect(idsDecoded(1000, 7, false)).toBe(1);
    expect(idsDecoded(1000, 7, true)).toBe(1007);
  });

  it("finds no text only under random weights whose ids the tokenizer does not know", () => {
    expect(textless([], QWEN)).toBe(0);
    expect(textless(DUMMY, QWEN, 151_936)).toBe(0);
    // What the map of such weights gives (detokenizer-work.ts), and what is left to the prompt's last id.
    expect(textless(DUMMY, QWEN)).toBeCloseTo(0.89, 1);
    expect(textless([...DUMMY, "--kv-cache-dtype", "fp8"], QWEN)).toBeCloseTo(0.47, 1);
    expect(textless(DUMMY, PHI)).toBeCloseTo(0.38, 1);
  });

  it("makes events fewer and larger as long contexts decode, and leaves short ones alone", () => {
    const merged = (flags: string[], prompt: number): number => {
      const client = new VirtualClient(deployment(["--max-num-batched-tokens", "1024", ...flags]));
      const { requests } = client.load(8, 8, uniquePrompts(prompt), 64);
      return (8 * 64) / requests.reduce((sum, request) => sum + request.events, 0);
    };
    expect(merged([], 2000)).toBeLessThan(1.3);
    expect(merged(DUMMY, 2000)).toBeGreaterThan(1.5);
    expect(merged(DUMMY, 100)).toBeLessThan(1.3);
  });
});
