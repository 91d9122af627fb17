import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Tokenizer } from "../../src/simulator/tokenizer.ts";

// Ids that Python's tokenizers library gives for this file: bytes first, then what the merges make.
const BYTES = Array.from("abcdefghijklmnopqrstuvwxyz.ĠâĤ¬", (piece, i) => [piece, i + 1] as const);
const MERGES = [
  ["h", "e"],
  ["l", "l"],
  ["he", "ll"],
  ["hell", "o"],
  ["Ġ", "hello"],
] as const;
const FILE = {
  added_tokens: [{ id: 0, content: "<|end|>", special: true }],
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
  model: {
    type: "BPE",
    vocab: Object.fromEntries([...BYTES, ...MERGES.map((pair, i) => [pair.join(""), 40 + i])]),
    merges: MERGES,
  },
};

describe("a tokenizer that a model folder brings", () => {
  let folder: string;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tokenizer-"));
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify(FILE));
    tokenizer = new Tokenizer(folder, 100, 0);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("merges pieces by rank, and keeps special tokens whole", () => {
    expect(tokenizer.encode("hello hello.")).toEqual([43, 44, 27]);
    expect(tokenizer.encode("hall<|end|>he")).toEqual([8, 1, 41, 0, 40]);
    expect(tokenizer.encode("hello hello.").map((id) => tokenizer.pieceOf(id))).toEqual([
      "hello",
      "Ġhello",
      ".",
    ]);
    expect(tokenizer.decode([43, 44, 0, 27, 99])).toBe("hello hello.");
    expect(tokenizer.knownIds).toBe(45);
  });

  it("holds the bytes of a character back until it is whole", () => {
    const euro = tokenizer.encode("€");
    expect(euro).toHaveLength(3);
    const stream = tokenizer.stream();
    expect(euro.map((id) => stream.push(id))).toEqual(["", "", "€"]);
    expect(stream.push(euro[0]!) + stream.end()).toBe("\ufffd");
    expect(tokenizer.textOf(euro[0]!)).toBe("\ufffd");
  });
});

describe("the stand-in", () => {
  it("takes the place of a tokenizer that is missing or of another kind", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tokenizer-"));
    await writeFile(join(folder, "tokenizer.json"), JSON.stringify({ model: { type: "Unigram" } }));
    for (const where of [folder, "/nowhere"]) {
      const tokenizer = new Tokenizer(where, 50_000, 7);
      const text = "The quick brown fox jumps over the lazy dog.";
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      expect(tokenizer.textOf(7)).toBe("");
      expect(tokenizer.knownIds).toBeUndefined();
    }
    await rm(folder, { recursive: true });
  });
});
