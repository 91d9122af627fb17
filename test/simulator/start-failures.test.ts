import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { spawnSimulator } from "./start-simulator.ts";

/** The lines of a real log from a pattern on, without process ids and times. */
function fixtureLines(name: string, pattern: RegExp): string[] {
  const text = readFileSync(new URL(`../fixtures/vllm-0.22.0-h200/${name}.log`, import.meta.url), "utf8");
  return bare(text).filter((line) => pattern.test(line));
}

function bare(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.replace(/pid=\d+/, "pid=N").replace(/\d\d-\d\d \d\d:\d\d:\d\d/, "TIME"));
}

describe("a start that fails", () => {
  it.each([
    [
      "a context longer than the model's",
      "fail-ctx",
      ["--max-model-len", "100000"],
      /Value error|ValidationError/,
    ],
    [
      "no KV memory",
      "fail-kvnone",
      ["--max-model-len", "4096", "--gpu-memory-utilization", "0.01"],
      /No available memory|RuntimeError/,
    ],
  ])("%s, in vLLM's words", async (_name, fixture, flags, pattern) => {
    await using simulator = await spawnSimulator(flags);
    expect((await simulator.exit).code).toBe(1);
    expect(bare(simulator.output()).filter((line) => pattern.test(line))).toEqual(
      fixtureLines(fixture, pattern),
    );
    expect(simulator.output()).not.toContain("startup complete");
  });

  it("too little KV memory, with the longest context that would fit", async () => {
    await using simulator = await spawnSimulator(["--kv-cache-memory-bytes", "100M"]);
    expect((await simulator.exit).code).toBe(1);
    const message =
      /ValueError: To serve at least one request with the model's max seq len \(32768\), \(0\.88 GiB KV cache is needed, which is larger than the available KV cache memory \(0\.10 GiB\)\. Based on the available memory, the estimated maximum model length is (\d+)\./;
    expect(message.exec(simulator.output())?.[1]).toBe("3648");
    expect(simulator.output()).toContain("(APIServer pid=");
    expect(simulator.output()).toContain("Engine core initialization failed. See root cause above.");
  });

  it.each([
    [["--no-such-flag"], "api_server.py: error: unrecognized arguments: --no-such-flag"],
    [
      ["--gpu-memory-utilization", "abc"],
      "api_server.py: error: argument --gpu-memory-utilization: invalid float value: 'abc'",
    ],
  ])("%j, exit 2", async (flags, message) => {
    await using simulator = await spawnSimulator(flags);
    expect((await simulator.exit).code).toBe(2);
    expect(simulator.output().trimEnd().split("\n").at(-1)).toBe(message);
  });

  it("a model that does not exist", async () => {
    await using simulator = await spawnSimulator([], {}, "models/none");
    expect((await simulator.exit).code).toBe(1);
    expect(bare(simulator.output()).at(-2)).toBe(fixtureLines("fail-nomodel", /HFValidationError: /).at(-1));
  });

  it("a port that is taken", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await using simulator = await spawnSimulator(["--port", String(port)]);
    expect((await simulator.exit).code).toBe(1);
    expect(simulator.output()).toContain("OSError: [Errno 98] Address already in use");
    server.close();
  });
});
