import { describe, expect, it } from "vitest";
import { fitText, questionOf, TEXT_KINDS, textOf } from "../../src/probe/prompt-set-text.ts";
import { Tokenizer } from "../../src/simulator/tokenizer.ts";

const standIn = new Tokenizer("/no/such/folder", 4096, 2);
const counters = {
  "the simulator's stand-in": async (text: string) => standIn.encode(text).length,
  "words and signs": async (text: string) => text.match(/\w+|[^\w\s]/g)?.length ?? 0,
  "bytes, in pairs": async (text: string) => Math.ceil(Buffer.byteLength(text) / 2),
};

describe("a text of so many tokens", () => {
  for (const [name, count] of Object.entries(counters)) {
    it.each([16, 256, 512, 1024, 2048])(`is fitted exactly to %d by ${name}`, async (target) => {
      for (const kind of TEXT_KINDS) {
        const fitted = await fitText(textOf(kind, "seed", target), target, count);
        expect(fitted.tokens).toBe(await count(fitted.text));
        // A tokenizer that never counts to an odd number cannot be met better than by one.
        expect(Math.abs(fitted.tokens - target)).toBeLessThanOrEqual(1);
      }
    });
  }

  it("asks the tokenizer a few times only", async () => {
    let asked = 0;
    await fitText(textOf("policy", "seed", 2048), 2048, (text) => {
      asked += 1;
      return counters["the simulator's stand-in"](text);
    });
    expect(asked).toBeLessThan(20);
  });

  it("ends with the nearest where no length is exact", async () => {
    const coarse = async (text: string) => 7 * (text.match(/\S+/g)?.length ?? 0);
    expect((await fitText(textOf("policy", "seed", 200), 100, coarse)).tokens).toBe(98);
  });

  it("needs a text that is long enough", async () => {
    await expect(fitText("two words", 10, counters["words and signs"])).rejects.toThrow("2 words");
  });
});

describe("texts", () => {
  it("are the same for the same seed and differ at once for another", () => {
    for (const kind of TEXT_KINDS) {
      expect(textOf(kind, "a", 50)).toBe(textOf(kind, "a", 50));
      expect(textOf(kind, "a", 50).slice(0, 8)).not.toBe(textOf(kind, "b", 50).slice(0, 8));
    }
  });

  it("end in questions of the length that is asked for", () => {
    expect(questionOf("a")).not.toBe(questionOf("b"));
    expect(questionOf("a", 200).split(" ").length).toBeGreaterThan(200);
  });
});
