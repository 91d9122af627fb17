import { describe, expect, it } from "vitest";
import { parseFlags } from "../../src/simulator/flags.ts";

describe("flags", () => {
  it("takes values after a space or an equals sign, underscores as dashes, and the last of a repeated flag", () => {
    const flags = parseFlags([
      "m",
      "--port=1",
      "--max_num_seqs",
      "8",
      "--port",
      "2",
      "--no-async-scheduling",
    ]);
    expect(flags).toMatchObject({ model: "m", port: 2, maxNumSeqs: 8, asyncScheduling: false });
    expect(flags.nonDefault).toEqual({
      model_tag: "m",
      port: 2,
      model: "m",
      max_num_seqs: 8,
      async_scheduling: false,
    });
  });

  it("reads human sizes: small letters decimal, capitals binary", () => {
    expect(parseFlags(["--model", "m", "--max-model-len", "4k"]).maxModelLen).toBe(4000);
    expect(parseFlags(["--model", "m", "--max-model-len", "4K"]).maxModelLen).toBe(4096);
    expect(parseFlags(["m", "--kv-cache-memory-bytes", "1.5G"]).kvCacheMemoryBytes).toBe(1.5 * 2 ** 30);
  });

  it.each([
    [["m", "--no-such-flag"], "unrecognized arguments: --no-such-flag"],
    [
      ["m", "--gpu-memory-utilization", "abc"],
      "argument --gpu-memory-utilization: invalid float value: 'abc'",
    ],
    [["m", "--port", "x"], "argument --port: invalid int value: 'x'"],
    [["m", "--port"], "argument --port: expected one argument"],
    [["m", "--kv-cache-dtype", "int3"], "argument --kv-cache-dtype: invalid choice: 'int3'"],
  ])("refuses %j", (argv, message) => {
    expect(() => parseFlags(argv)).toThrow(message);
  });
});
