import { describe, expect, it } from "vitest";
import { flagValue, tokenCount, withoutFlag } from "../../src/domain/flag-value.ts";

describe("flagValue", () => {
  it.each([
    [["--a-b", "1"], "1"],
    [["--a_b=1"], "1"],
    [["--a-b=1", "--a-b", "2"], "2"],
    [["--a-bc", "1"], null],
    [["x", "--a-b"], null],
    [["--a-b="], ""],
    [["-a", "3"], "3"],
  ])("%j", (args, expected) => {
    expect(flagValue(args, "--a-b", "-a")).toBe(expected);
  });
});

it("withoutFlag leaves everything else as it stands", () => {
  const args = [
    "--max_model_len",
    "512",
    "--seed=1",
    "--max-model-len=8",
    "--max-model-len-x",
    "2",
    "--max-model-len",
    "4",
  ];
  expect(withoutFlag(args, "--max-model-len")).toEqual(["--seed=1", "--max-model-len-x", "2"]);
});

describe("tokenCount", () => {
  it.each([
    ["4096", 4096],
    ["4k", 4000],
    ["4K", 4096],
    ["1.5k", 1500],
    ["0", null],
    ["-1", null],
    ["auto", null],
    ["1e3", null],
    ["0.3k", 300],
    ["1.0001K", null],
  ])("%s", (text, expected) => {
    expect(tokenCount(text)).toBe(expected);
  });
});
