import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { coldStartSchema } from "../../src/domain/telemetry-start.ts";
import { explainColdStart } from "../../src/telemetry/cold-start.ts";
import { type LogLine, parseServerLog, startParts } from "../../src/telemetry/start-milestones.ts";
import { reading, sample, seconds } from "./samples.ts";

const data = async (name: string) => readFile(new URL(`data/${name}`, import.meta.url), "utf8");
const fixture = async (name: string) => readFile(new URL(`../fixtures/${name}`, import.meta.url), "utf8");

/** A log that vLLM alone has stamped, to the second, as if it was spawned so many seconds before its first line. */
function stamped(text: string, importsS: number): LogLine[] {
  let first: number | null = null;
  let atS = 0;
  return text.split("\n").map((line) => {
    const [, h = "", m = "", s = ""] = /\d\d-\d\d (\d\d):(\d\d):(\d\d)/.exec(line) ?? [];
    if (h !== "") {
      const clockS = Number(h) * 3600 + Number(m) * 60 + Number(s);
      first ??= clockS;
      atS = clockS - first + importsS;
    }
    return { tS: atS, text: line };
  });
}

const table = (log: readonly LogLine[], readyS: number) =>
  startParts(log, readyS).map(({ name, seconds: tookS }) => [name, Math.round(tookS * 10) / 10]);

describe("a real start on CPU", () => {
  it("with nothing compiled is explained to the last second", async () => {
    const log = parseServerLog(await data("vllm-0.32.0-cpu-fresh-compile-cache.log"));
    expect(table(log, 103.954)).toEqual([
      ["imports of the API server", 13.2],
      ["model configuration", 12.5],
      ["start of the engine process", 10.9],
      ["start of the workers", 11.4],
      ["device set-up", 0],
      ["model construction", 0.3],
      ["reading the weights", 0.9],
      ["preparing the weights", 2.7],
      ["compilation", 41.5],
      ["profile run", 5.4],
      ["KV cache sizing", 0],
      ["KV cache allocation and kernel warm-up", 3.7],
      ["hand-over to the API server", 0.6],
      ["start of the API server", 0.8],
      ["first answer", 0.1],
    ]);
    const account = explainColdStart({ log, readyS: 103.954 });
    expect(account.explainedShare).toBe(1);
    expect(account.parts.find(({ name }) => name === "reading the weights")).toMatchObject({
      reportedS: 0.89,
      source: "log: Loading weights took 0.89 seconds",
    });
    expect(coldStartSchema.parse(account)).toEqual(account);
  });

  it("is shorter by what the compile cache saves", async () => {
    const log = parseServerLog(await data("vllm-0.32.0-cpu-kept-compile-cache.log"));
    const account = explainColdStart({ log, readyS: 59.887 });
    expect(account.unexplainedS).toBe(0);
    expect(account.terms["warmup"]).toBeCloseTo(24.5, 1);
    expect(account.paragraph).toContain("The server was ready 59.9 s after its spawn.");
    expect(account.paragraph).toContain("the longest single part was compilation with 15.4 s");
  });
});

describe("a real start on an H200", () => {
  it.each([
    ["vllm-0.22.0-h200/base.log", "CUDA graph capture"],
    ["vllm-0.22.0-h200/base-warm-compile-cache.log", "CUDA graph capture"],
    ["vllm-0.22.0-h200/phi-3-mini.log", "CUDA graph capture"],
    ["vllm-0.22.0-h200/eager.log", "KV cache sizing"],
  ])("%s is explained by its lines", async (name, among) => {
    const log = stamped(await fixture(name), 15);
    const started = log.find(({ text }) => text.includes("Application startup complete"));
    const account = explainColdStart({ log, readyS: (started?.tS ?? 0) + 0.5 });
    expect(account.explainedShare).toBeGreaterThanOrEqual(0.95);
    const names = account.parts.map((part) => part.name);
    expect(names).toContain(among);
    expect(names).not.toContain("other");
  });
});

describe("parts of a start", () => {
  const line = (tS: number, text: string): LogLine => ({ tS, text });
  it("between lines that cannot follow each other are nobody's", () => {
    const log = [
      line(10, "INFO vLLM API server version 0.22.0"),
      // Nothing is logged below WARNING from here to the KV cache.
      line(60, "GPU KV cache size: 1,000 tokens"),
      line(70, "init engine (profile, create kv cache, warmup model) took 30 s"),
      line(71, "Starting vLLM server on http://127.0.0.1:1"),
    ];
    const account = explainColdStart({ log, readyS: 72 });
    expect(account.parts.map(({ name, fromS, toS }) => [name, fromS, toS])).toEqual([
      ["imports of the API server", 0, 10],
      ["KV cache allocation and kernel warm-up", 60, 70],
      ["start of the API server", 70, 71],
      ["first answer", 71, 72],
    ]);
    expect(account.unexplainedS).toBe(50);
    expect(account.paragraph).toContain("50.0 s (69 %) lie between lines of the log that name nothing.");
  });

  it("of ranks that run side by side end with the slowest, and never overlap", () => {
    const log = [
      line(1, "non-default args: {}"),
      line(2, "Initializing a V1 LLM engine (v0.22.0)"),
      line(3, "Starting to load model m"),
      line(5, "(Worker_TP0) Loading weights took 2.00 seconds"),
      line(6, "(Worker_TP0) torch.compile took 1.00 s in total"),
      line(7, "(Worker_TP1) Loading weights took 4.00 seconds"),
      line(9, "(Worker_TP1) torch.compile took 2.00 s in total"),
    ];
    const parts = startParts(log, 10);
    expect(parts.slice(-2).map(({ name, fromS, toS, reportedS }) => [name, fromS, toS, reportedS])).toEqual([
      ["reading the weights", 3, 7, 4],
      ["compilation", 7, 9, 2],
    ]);
    for (const [index, part] of parts.entries()) {
      expect(part.fromS).toBeGreaterThanOrEqual(parts[index - 1]?.toS ?? 0);
    }
  });

  it("of an empty log are none: all is unexplained", () => {
    const account = explainColdStart({ log: [], readyS: 5 });
    expect(account).toMatchObject({ parts: [], unexplainedS: 5, explainedShare: 0 });
    expect(account.paragraph).toContain("5.0 s (100 %)");
  });

  it("are read only up to the first request, whose prompt may say anything", () => {
    const log = [
      line(1, "non-default args: {}"),
      line(2, "Application startup complete"),
      line(3, "Received request: prompt: 'Loading weights took 9.00 seconds'"),
    ];
    expect(startParts(log, 4).map(({ name }) => name)).not.toContain("reading the weights");
  });
});

describe("the account of a start", () => {
  const log: LogLine[] = [
    { tS: 10, text: "non-default args: {}" },
    { tS: 12, text: "Initializing a V1 LLM engine (v0.22.0)" },
    { tS: 13, text: "Starting to load model m" },
    { tS: 15, text: "Loading weights took 2.00 seconds" },
  ];
  const times = { ttftS: 0.9, prefillS: 0.6, queueS: 0.1 };

  it("says where the weights came from and where they went", () => {
    const samples = [
      sample(0, { gpus: [reading(-0.5, { memoryUsedMib: 0, utilization: 0 })] }),
      ...seconds(16, { gpus: [], memory: { diskReadMib: 200, cachedMib: 100 } }),
      sample(17, {
        gpus: [reading(16.5, { memoryUsedMib: 3050, utilization: 0.1 })],
        memory: { cachedMib: 3172 },
      }),
    ].map((each) => ({ ...each, pcie: [{ tS: each.tS, index: 0, rxMbPerS: 24_000, txMbPerS: 1 }] }));
    const residency = { files: 1, sizeBytes: 3 * 1024 ** 3, residentBytes: 0, residentShare: 0 };
    const account = explainColdStart({ log, readyS: 17, samples, residency });
    expect(account.weights).toEqual({ sizeMib: 3072, residentShare: 0, mibPerS: 1536 });
    expect(account.machine).toMatchObject({
      diskReadMib: 3200,
      cachedRiseMib: 3072,
      gpuMemoryRiseMib: 3050,
      pcieRxPeakMbPerS: 24_000,
    });
    expect(account.paragraph).toContain(
      "The weights are 3.00 GiB and were read at 1.50 GiB/s; 0 % of them lay in the page cache before. " +
        "Meanwhile 3200 MiB were read from disk, the page cache grew by 3072 MiB. " +
        "GPU memory rose by 3050 MiB, over PCIe with up to 24.0 GB/s; the GPU was busy 10 % of the time.",
    );
  });

  it("does not blame storage for weights that lay in the page cache", () => {
    const residency = { files: 2, sizeBytes: 2 ** 30, residentBytes: 2 ** 30, residentShare: 1 };
    expect(explainColdStart({ log, readyS: 17, residency }).paragraph).toContain(
      "they lay in the page cache already, so storage had no part in it",
    );
  });

  it("takes the first request apart by the server's own times, and compares it with a warm one", () => {
    const account = explainColdStart({
      log,
      readyS: 17,
      cold: times,
      warm: { ttftS: 0.3, prefillS: 0.25, queueS: 0.01 },
    });
    expect(account.coldWarm).toEqual({ coldS: 0.9, warmS: 0.3, factor: 3 });
    expect(account.parts.slice(-3).map(({ name, fromS, seconds: tookS }) => [name, fromS, tookS])).toEqual([
      ["queue of the first request", 17, 0.1],
      ["first prefill", 17.1, 0.6],
      ["way to and from the server", 17.7, 0.2],
    ]);
    expect(account.paragraph).toContain(
      "first token after 900 ms, 3.0 times a warm one (300 ms): queue of the first request 100 ms, " +
        "first prefill 600 ms and way to and from the server 200 ms. Warm, the prefill takes 250 ms and the queue 10 ms of it.",
    );
    expect(account.terms["request"]).toBeCloseTo(0.9);
  });

  it("does not split a first request whose times the server does not count", () => {
    const account = explainColdStart({ log, readyS: 17, cold: { ttftS: 0.9, prefillS: null, queueS: null } });
    expect(account.parts.at(-1)).toMatchObject({ name: "first request to its first token", seconds: 0.9 });
    expect(account.coldWarm).toBeNull();
  });
});
