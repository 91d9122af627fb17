import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig, policyOf, resolveConfig } from "../../src/config/load.ts";
import type { PrefixStudy } from "../../src/domain/prefix-study.ts";
import { textSha256 } from "../../src/probe/prompt-set.ts";
import { PREFIX_STUDY } from "../../src/studies/prefix.ts";
import { runStudy } from "../../src/study.ts";
import { readTextIfExists } from "../../src/system/files.ts";
import { readRun } from "../support/runs.ts";
import { tempDir } from "../support/temp-dir.ts";
import { configText, type WorkspaceOptions } from "../support/workspace.ts";

const SUMMARY_HEADER =
  "mode,prefix_regime,concurrency,mean_ttft_s,p95_ttft_s,mean_e2e_s,p95_e2e_s,req_s,tok_s,notes";
const REQUEST_HEADER = "t_start,t_first_token,t_done,prompt_tokens,completion_tokens,status,error";

/** Runs the study on the simulator. */
async function study(
  given: Record<string, unknown>,
  workspace: WorkspaceOptions = {},
  more: { cwd?: string; resume?: string; signal?: AbortSignal; onStep?: (text: string) => void } = {},
) {
  const cwd = more.cwd ?? (await tempDir());
  const file = parseConfig(configText(workspace), "vllm-gate.yml");
  const config = resolveConfig({
    file,
    fileName: "vllm-gate.yml",
    overrides: {},
    nameOverride: (key) => key,
    policy: policyOf(file, "vllm-gate.yml"),
  });
  const warnings: string[] = [];
  const result = await runStudy(
    PREFIX_STUDY,
    PREFIX_STUDY.readOptions(given),
    config,
    {
      cwd,
      environment: process.env,
      log: { step: more.onStep ?? (() => {}), warn: (text) => warnings.push(text) },
      signal: more.signal ?? new AbortController().signal,
      runsDir: join(cwd, "runs"),
    },
    { command: "vllm-gate study prefix", ...(more.resume === undefined ? {} : { resume: more.resume }) },
  );
  const read = async (name: string) => (await readTextIfExists(join(result.runDir, name))) ?? "";
  const summary = async () => JSON.parse(await read("prefix_summary.json")) as PrefixStudy;
  return { ...result, cwd, read, summaryJson: summary, warnings };
}

const rowsOf = (csv: string) => csv.trimEnd().split("\n").slice(1);

describe("study prefix on the simulator", () => {
  it("sends both servers the same, and writes the experiment's files under their own names", async () => {
    const { exitCode, summary, read, runDir, summaryJson } = await study({
      regimes: [512, 1024],
      concurrency: [1, 8],
      variants: 20,
      outputTokens: 4,
    });
    expect(exitCode, summary).toBe(0);

    const run = await readRun(runDir);
    expect(run.variants["off"]?.args).toEqual(["--max-model-len", "4096", "--no-enable-prefix-caching"]);
    expect(run.variants["on"]?.args).toEqual(["--max-model-len", "4096", "--enable-prefix-caching"]);
    expect(run.sessions.map(({ variant, kv }) => [variant, kv?.prefixCaching])).toEqual([
      ["off", false],
      ["on", true],
    ]);

    const table = await read("csv/prefix_summary.csv");
    expect(table.startsWith(`${SUMMARY_HEADER},workload,p50_ttft_s,p50_e2e_s,`)).toBe(true);
    const rows = rowsOf(table).map((row) => row.split(","));
    expect(rows.filter((row) => row[10] === "policy").map((row) => row.slice(0, 3).join(" "))).toEqual(
      ["512 1", "512 8", "1024 1", "1024 8"].flatMap((cell) => [`off ${cell}`, `on ${cell}`]),
    );
    for (const name of [
      "sequential_off_512_1",
      "sequential_on_1024_1",
      "concurrent_off_1024_8",
      "concurrent_on_512_8",
    ]) {
      const requests = await read(`csv/${name}.csv`);
      expect(requests.startsWith(`${REQUEST_HEADER},id,`), name).toBe(true);
      expect(rowsOf(requests), name).toHaveLength(name.startsWith("seq") ? 20 : 32);
    }
    // The same requests, in the same order, of the same length.
    const sent = async (mode: string) =>
      rowsOf(await read(`csv/concurrent_${mode}_1024_8.csv`)).map((row) => {
        const cells = row.split(",");
        return `${cells[7]} ${cells[3]}`;
      });
    expect(await sent("off")).toEqual(await sent("on"));

    const lines = (await read("csv/prefix_prompts.jsonl")).trimEnd().split("\n");
    expect(lines).toHaveLength(40);
    for (const line of lines) {
      const prompt = JSON.parse(line) as Record<string, string | number>;
      const prefix = Buffer.from(String(prompt["prompt"])).subarray(0, Number(prompt["prefix_bytes"]));
      expect(textSha256(prefix.toString())).toBe(prompt["prefix_sha256"]);
      expect(String(prompt["prefix_tokens"])).toBe(prompt["prefix_regime"]);
    }

    const { comparisons, rows: all } = await summaryJson();
    for (const { on, off, hits } of comparisons) {
      expect(off.hitRate).toBe(0);
      expect(hits).toBeGreaterThan(0.98);
      expect(on.hitRate).toBeGreaterThan(0.9);
    }
    for (const row of all.filter(({ workload }) => workload === "miss")) expect(row.hitRate).toBe(0);

    const page = await read("logs/prefix_caching_results.md");
    expect(page).toBe(await read("report.md"));
    for (const part of [
      "| prefix_regime | concurrency | p50/p95 TTFT off | p50/p95 TTFT on |",
      "### Did TTFT drop on cache hits?",
      "### Capacity or latency only?",
      "### Concurrency sensitivity",
      "### Memory overhead and stability",
      "VRAM was not measured",
      "f · h = 40 % benefits",
      "Each cell is 20 to 32 requests to each kind of server, as many misses beside the hits of the main workload, with " +
        "answers of 4 output tokens, in 1 round on 1 server of each kind.",
      "against misses of the same server:",
      "## Conclusion",
      "For a manager:",
      "GPU KV cache size:",
      "enable_prefix_caching",
    ]) {
      expect(page).toContain(part);
    }
    expect(await read("logs/LOG.md")).toContain("## Environment");
  });

  it("shows what anti-patterns make of a small cache, and why", { timeout: 60_000 }, async () => {
    const { summaryJson, read } = await study(
      {
        workloads: ["policy", "thrash", "short", "churn"],
        regimes: [512],
        concurrency: [1],
        variants: 8,
        outputTokens: 2,
      },
      // 16,384 tokens of 28,672 bytes.
      { args: "--max-model-len 4096 --kv-cache-memory-bytes 469762048" },
    );
    const { comparisons } = await summaryJson();
    const of = (name: string) => comparisons.find(({ workload }) => workload === name);
    expect(of("policy")?.hits).toBeGreaterThan(0.98);
    // Each prefix is evicted before its second turn: the least recently used goes first.
    expect(of("thrash")?.on).toMatchObject({ requests: 48 });
    expect(of("thrash")?.on.hitRate).toBeLessThan(0.1);
    expect(of("thrash")?.on.turnover).toBeGreaterThan(1.3);
    expect(of("thrash")?.reason?.name).toBe("evicted");
    expect(of("thrash")?.reason?.text).toContain("48 distinct ones need 24576 tokens, the cache holds 16384");
    expect(of("short")?.predictedSaving).toBeLessThan(0.5);
    // Every fourth request brings a new version of the prefix; the first of them is warm.
    expect(of("churn")?.hits).toBeCloseTo(7 / 8, 1);
    expect(await read("csv/sequential_on_thrash-512_1.csv")).toContain("prefix.thrash.512.c1");
    expect(await read("report.md")).toContain("Caveat: with thrash prompts");
  });

  it("says that the flag had no effect when a server never hits", async () => {
    const { summaryJson, summary } = await study(
      { regimes: [512], concurrency: [1], variants: 20, outputTokens: 2 },
      { simulator: { REGRESSION: "prefix:off", NOISE: "none" } },
    );
    const { comparisons, conclusion } = await summaryJson();
    expect(comparisons[0]?.on.hitRate).toBe(0);
    expect(comparisons[0]?.reason).toMatchObject({ name: "flag_without_effect" });
    expect(conclusion[0]).toContain("Do not count on prefix caching here");
    expect(summary).toContain(
      "20 prompts begin alike by their hashes, /metrics says enable_prefix_caching=True",
    );
  });

  it("takes the user's own prompts", async () => {
    const cwd = await tempDir();
    const shared = "You answer for the shop. Be brief and kind. ".repeat(60);
    const lines = Array.from({ length: 6 }, (_, id) => ({
      prompt: `${shared}Case ${id}?`,
      workload: "chat",
      id,
    }));
    await writeFile(join(cwd, "mine.jsonl"), lines.map((line) => JSON.stringify(line)).join("\n"));
    const { exitCode, summary, read } = await study(
      { prompts: "mine.jsonl", concurrency: [1], outputTokens: 2 },
      {},
      { cwd },
    );
    expect(exitCode, summary).toBe(0);
    expect(rowsOf(await read("csv/sequential_on_own_1.csv"))).toHaveLength(6);
    expect(rowsOf(await read("csv/prefix_summary.csv"))[0]).toMatch(
      /,(not quiet; )?p95 needs 20 requests,chat,/,
    );
  });

  it("goes on where it was interrupted, with the same prompts", async () => {
    const options = { regimes: [512], concurrency: [1], variants: 4, outputTokens: 2 };
    const stop = new AbortController();
    const cwd = await tempDir();
    const first = await study(
      options,
      {},
      {
        cwd,
        signal: stop.signal,
        onStep: (text) => {
          if (text.includes("of on: starting")) stop.abort(new Error("cancelled"));
        },
      },
    );
    const prompts = await first.read("csv/prefix_prompts.jsonl");
    expect(prompts).not.toBe("");
    const second = await study(options, {}, { cwd, resume: first.runDir });
    expect(second.exitCode, second.summary).toBe(0);
    expect(second.runDir).toBe(first.runDir);
    expect(await second.read("csv/prefix_prompts.jsonl")).toBe(prompts);
    const run = await readRun(second.runDir);
    expect(run.sessions.filter(({ outcome }) => outcome === "ok").map(({ variant }) => variant)).toEqual([
      "off",
      "on",
    ]);
    expect((await second.summaryJson()).comparisons).toHaveLength(1);
  });
});

describe("study prefix refuses", () => {
  it("prompts called unique that share a prefix, before any server is started", async () => {
    const cwd = await tempDir();
    const shared = "The same beginning of every document. ".repeat(20);
    const lines = [0, 1].map((id) => JSON.stringify({ prompt: `${shared}${id}`, workload: "unique" }));
    await writeFile(join(cwd, "mine.jsonl"), lines.join("\n"));
    await expect(study({ prompts: "mine.jsonl" }, {}, { cwd })).rejects.toThrow(
      /mine\.jsonl:2: a prompt of the workload unique shares its first \d+ bytes with mine\.jsonl:1/,
    );
    await expect(readFile(join(cwd, "runs"))).rejects.toThrow("ENOENT");
  });

  it("prompts that are not there, workloads that are none, and a server that runs already", async () => {
    await expect(study({ prompts: "none.jsonl" })).rejects.toThrow(
      "--prompts none.jsonl: there is no such file",
    );
    expect(() => PREFIX_STUDY.readOptions({ workloads: ["polcy"] })).toThrow('--workloads: "polcy" is none');
    await expect(
      study(
        {},
        {
          scenario: {
            command: undefined,
            args: undefined,
            env: undefined,
            server: { url: "http://127.0.0.1:1" },
          },
        },
      ),
    ).rejects.toThrow("study prefix starts servers of its own");
  });

  it("prompts longer than the server's context, cell by cell, with the reason", async () => {
    const { read, exitCode, summary } = await study(
      { regimes: [256, 2048], concurrency: [1], variants: 4, outputTokens: 2 },
      { args: "--max-model-len 1024" },
    );
    expect(exitCode, summary).toBe(3);
    expect(await read("report.md")).toMatch(
      /prefix\.hit\.2048\.c1 asks for 2\d{3} tokens of context, the server takes 1024/,
    );
  });
});
