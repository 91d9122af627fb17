import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { spawnSimulator, startSimulator } from "./start-simulator.ts";

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

const folder = mkdtempSync(join(tmpdir(), "simulator-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file of an H200 with little memory. */
function tinyGpu(memoryMiB: number): string {
  const path = join(folder, `${memoryMiB}.json`);
  writeFileSync(path, JSON.stringify({ memoryMiB, driverMiB: 0, reservedMiB: 100 }));
  return path;
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

  it("memory that something else holds", async () => {
    await using simulator = await spawnSimulator([], { VLLM_SIM_MEMORY_TAKEN_GIB: "30" });
    expect((await simulator.exit).code).toBe(1);
    expect(simulator.output()).toContain(
      "ValueError: Free memory on device cuda:0 (109.47/139.8 GiB) on startup is less than desired GPU memory utilization (0.92, 128.62 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.",
    );
    expect(simulator.output()).not.toContain("Starting to load model");
  });

  it("weights larger than the device", async () => {
    await using simulator = await spawnSimulator([], { VLLM_SIM_GPU: tinyGpu(2500) });
    expect((await simulator.exit).code).toBe(1);
    expect(simulator.output()).toMatch(
      /ERROR .*Failed to load model - not enough GPU memory\. Try lowering --gpu-memory-utilization .*\(original error: CUDA out of memory\./,
    );
    expect(simulator.output()).toMatch(
      /torch\.OutOfMemoryError: CUDA out of memory\. Tried to allocate 52\.50 MiB\. GPU 0 has a total capacity of 2\.44 GiB/,
    );
    expect(simulator.output()).toContain("Starting to load model");
    expect(simulator.output()).not.toContain("Available KV cache memory");
  });

  it("a sampler that does not fit", async () => {
    const env = { VLLM_SIM_GPU: tinyGpu(6000) };
    await using simulator = await spawnSimulator(["--max-num-seqs", "2000"], env);
    expect((await simulator.exit).code).toBe(1);
    expect(simulator.output()).toContain(
      "RuntimeError: CUDA out of memory occurred when warming up sampler with 2000 dummy requests.",
    );
  });

  it("heads that the tensor-parallel size does not divide", async () => {
    await using simulator = await spawnSimulator(["--tensor-parallel-size", "5"]);
    expect((await simulator.exit).code).toBe(1);
    expect(simulator.output()).toContain(
      "Total number of attention heads (12) must be divisible by tensor parallel size (5).",
    );
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

describe("--max-model-len auto", () => {
  it("takes the model's own context where it fits, and says so", async () => {
    await using simulator = await startSimulator(["--max-model-len", "auto"]);
    expect(simulator.output()).toContain(
      "Auto-fit max_model_len: full model context length 32768 fits in available GPU memory",
    );
  });

  it("takes the longest context that fits otherwise, and serves with it", async () => {
    const flags = ["--max-model-len", "auto", "--kv-cache-memory-bytes", "100M"];
    await using simulator = await startSimulator(flags);
    expect(simulator.output()).toContain(
      "Auto-fit max_model_len: reduced from 32768 to 3648 to fit in available GPU memory (0.1 GiB available for KV cache)",
    );
    expect(simulator.output()).toContain("GPU KV cache size: 3,648 tokens");
    const models = (await (await fetch(`${simulator.url}/v1/models`)).json()) as {
      data: { max_model_len: number }[];
    };
    expect(models.data[0]!.max_model_len).toBe(3648);
  });
});
