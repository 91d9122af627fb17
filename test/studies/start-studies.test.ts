import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/inputs.ts";
import { ALLOCATOR_STUDY } from "../../src/studies/allocator.ts";
import { COLDSTART_STUDY, startOrder } from "../../src/studies/coldstart.ts";
import type { StudyKind } from "../../src/studies/study-kind.ts";
import { runStudy } from "../../src/study.ts";
import type { Surroundings } from "../../src/surroundings.ts";
import { findAllocators } from "../../src/telemetry/allocator-libraries.ts";
import { readRun } from "../support/runs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { createWorkspace } from "../support/workspace.ts";
import { writeRoot } from "../telemetry/machine-root.ts";

const SIZE_MIB = 8;
/** The libraries of the machine that the tests run on: which there are is not theirs to say. */
const found = await findAllocators();

/** A model whose weights are files, and a study of it on the simulator. */
async function studied<Options>(kind: StudyKind<Options>, given: Record<string, unknown>, weights = true) {
  await using workspace = await createWorkspace({
    scenario: weights ? { model: "model" } : {},
  });
  const { cwd } = workspace;
  await mkdir(join(cwd, "model"));
  await writeFile(
    join(cwd, "model", "config.json"),
    JSON.stringify({
      architectures: ["LlamaForCausalLM"],
      model_type: "llama",
      hidden_size: 1024,
      intermediate_size: 2816,
      num_hidden_layers: 12,
      num_attention_heads: 16,
      num_key_value_heads: 4,
      vocab_size: 32000,
      max_position_embeddings: 4096,
      torch_dtype: "bfloat16",
    }),
  );
  await writeFile(join(cwd, "model", "model.safetensors"), randomBytes(SIZE_MIB * 1024 * 1024));
  const said: string[] = [];
  const world: Surroundings = {
    cwd,
    environment: process.env,
    log: { step: (line) => said.push(line), warn: (line) => said.push(line) },
    signal: new AbortController().signal,
    runsDir: join(await tempDir(), "runs"),
  };
  const config = await loadConfig({ cwd, overrides: {}, nameOverride: (key) => `--${key}` });
  const options = kind.readOptions({ restarts: 1, warmRequests: 3, requests: 3, outputTokens: 8, ...given });
  const result = await runStudy(kind, options, config, world, { command: `vllm-gate study ${kind.name}` });
  const read = (name: string) => readFile(join(result.runDir, name), "utf8");
  return { ...result, said, read, run: await readRun(result.runDir) };
}

describe("study coldstart", () => {
  it("starts every kind, with its own compile caches and page cache", { timeout: 60_000 }, async () => {
    const { exitCode, summary, run, runDir, read } = await studied(COLDSTART_STUDY, {});
    expect(exitCode, summary).toBe(0);
    expect(run.sessions.map(({ variant }) => variant)).toEqual([
      "fresh-cold",
      "fresh-warm",
      "kept-cold",
      "kept-warm",
    ]);
    const caches = run.sessions.map(({ env }) => env?.["VLLM_CACHE_ROOT"]?.split("/").at(-1));
    expect(caches).toEqual(["kept", "fresh-1", "kept", "kept"]);
    expect(await readdir(runDir)).not.toContain("compile-cache");
    const resident = run.sessions.map(({ coldStart }) => coldStart?.weights?.residentShare);
    // A kernel that reclaims pages on its own takes some back at once, and a file system in memory drops none.
    for (const warm of [resident[1], resident[3]]) expect(warm).toBeGreaterThan(0.5);
    for (const cold of [resident[0], resident[2]]) expect(cold).toBeLessThanOrEqual(1);
    const csv = (await read("csv/coldstart.csv")).trim().split("\n");
    expect(csv[0]).toMatch(/^session,compile_cache,page_cache,load_real_s,cold_req_real_s,warm_req_real_s,/);
    expect(csv).toHaveLength(5);
    expect(csv[1]).toMatch(/^0,fresh,cold,\d/);
    const report = await read("report.md");
    expect(report).toContain("Compiling anew, with a warm page cache, moves the time to ready by");
    expect(report).toContain("A cold page cache, with a kept compile cache, moves the time to ready by");
    expect(report).toMatch(
      /Reading the weights alone \(1 file, 8 MiB, one after the other\): cold [\d.]+ GB\/s/,
    );
    expect(report).toContain("of one start, so the spread is not known");
    expect(await read("logs/coldstart.md")).toContain("## Key Numbers");
    expect(await stat(join(runDir, "weights_read.json"))).toBeDefined();
  });

  it("needs weights that are files to make them cold", async () => {
    await expect(studied(COLDSTART_STUDY, {}, false)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(
        "--page-cache: the weights of Qwen/Qwen2.5-1.5B-Instruct are no files",
      ),
    });
  });

  it("goes forwards and backwards through its kinds, a fresh one first", () => {
    expect(startOrder(["kept-cold", "fresh-cold"], 3)).toEqual([
      ...["fresh-cold", "kept-cold"],
      ...["kept-cold", "fresh-cold"],
      ...["fresh-cold", "kept-cold"],
    ]);
  });
});

describe("study allocator", () => {
  it("finds the libraries that a machine has, the whole one before the minimal", async () => {
    const root = await tempDir();
    expect(await findAllocators(root)).toEqual({});
    await writeRoot(root, {
      "usr/lib/x86_64-linux-gnu/libjemalloc.so.2": "",
      "usr/lib/x86_64-linux-gnu/libjemalloc.so": "",
      "usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4": "",
      "usr/lib/x86_64-linux-gnu/libtcmalloc.so.4": "",
      "usr/local/lib/libmimalloc.so.2.1": "",
    });
    expect(await findAllocators(root)).toEqual({
      jemalloc: join(root, "usr/lib/x86_64-linux-gnu/libjemalloc.so.2"),
      tcmalloc: join(root, "usr/lib/x86_64-linux-gnu/libtcmalloc.so.4"),
      mimalloc: join(root, "usr/local/lib/libmimalloc.so.2.1"),
    });
  });

  it("refuses an allocator that is not here, before anything is started", async () => {
    await expect(studied(ALLOCATOR_STUDY, { allocators: ["glibc", "mimalloc"] })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("no library of mimalloc was found on this machine"),
    });
  });

  it.skipIf(found.jemalloc === undefined)(
    "compares what is really in the server's memory map, in the seed's columns",
    { timeout: 60_000 },
    async () => {
      const { exitCode, summary, run, read } = await studied(ALLOCATOR_STUDY, {
        allocators: ["glibc", "jemalloc"],
      });
      expect(exitCode, summary).toBe(0);
      expect(run.sessions.map(({ variant, allocator }) => [variant, allocator])).toEqual([
        ["glibc-asis-cold", "glibc"],
        ["glibc-asis-warm", "glibc"],
        ["jemalloc-asis-cold", "jemalloc"],
        ["jemalloc-asis-warm", "jemalloc"],
      ]);
      expect(run.sessions[2]?.env?.["LD_PRELOAD"]).toBe(found.jemalloc);
      expect(run.sessions[0]?.env?.["LD_PRELOAD"]).toBeUndefined();
      const csv = (await read("csv/allocator_latency_comparison.csv")).trim().split("\n");
      expect(csv[0]).toMatch(
        /^allocator,gen_latency_s,cold_load_real_s,warm_load_real_s,rss_mb,cold_req_real_s,warm_req_real_s,thp_mode,/,
      );
      expect(csv.slice(1).map((row) => row.split(",")[0])).toEqual(["glibc", "jemalloc"]);
      for (const row of csv.slice(1))
        expect(
          row
            .split(",")
            .slice(1, 7)
            .every((cell) => Number(cell) > 0),
        ).toBe(true);
      expect(await read("report.md")).toMatch(/jemalloc against glibc: RSS [+−≈]/);
    },
  );
});
