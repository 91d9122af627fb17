import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csvRows } from "../support/csv.ts";
import { newestRun } from "../support/runs.ts";
import { FLAGS, type RealVllm, realVllm, vllmProcesses } from "./real-vllm.ts";

// One small cell of each study on real vLLM; `npm run e2e:vllm:full` has the whole grids.

/** 2 × 4 layers × 2 KV heads × 64 × 2 bytes: what a token of the tiny shape takes. */
const BYTES_PER_TOKEN = 2048;
/** Tokens of a block of vLLM on CPU. */
const BLOCK_TOKENS = 128;

let vllm: RealVllm;
beforeAll(async () => {
  // Without compiling, which each server with other flags would do anew.
  vllm = await realVllm({ flags: `${FLAGS} --enforce-eager` });
});
afterAll(() => vllm.remove());

/** Runs a study and reads one of its tables. */
async function study(args: readonly string[], table: string) {
  const result = await vllm.run(["study", ...args]);
  expect(result.code, result.stdout + result.stderr).toBe(0);
  const runDir = await newestRun(vllm.cwd);
  const read = async (name: string) => csvRows(await readFile(join(runDir, name), "utf8"));
  return { ...(await read(table)), read, stdout: result.stdout, runDir };
}

describe("studies on real vLLM", () => {
  it("kv: measures what a token takes, and in which steps", async () => {
    const { header, rows, stdout } = await study(["kv", "--lens", "1024"], "csv/kv_cache_scaling.csv");
    expect(header).toMatch(/^max_model_len,gpu_mem_used_mb,delta_mb_from_prev,bytes_per_token_est,notes,/);
    expect(rows).toHaveLength(1);
    expect(Number(rows[0]?.["bytes_per_token_measured"])).toBe(BYTES_PER_TOKEN);
    expect(Number(rows[0]?.["step_tokens"])).toBe(BLOCK_TOKENS);
    expect(Number(rows[0]?.["kv_tokens"])).toBeGreaterThan(100_000);
    expect(stdout).toContain("1024");
  });

  it("prefix: caching off hits nothing, on it hits and answers sooner", async () => {
    const options = ["--regimes", "512", "--concurrency", "1", "--variants", "8", "--output-tokens", "4"];
    const { header, rows, read } = await study(["prefix", ...options], "csv/prefix_summary.csv");
    expect(header).toMatch(
      /^mode,prefix_regime,concurrency,mean_ttft_s,p95_ttft_s,mean_e2e_s,p95_e2e_s,req_s,tok_s,notes,/,
    );
    expect(rows.map(({ mode, prefix_regime, workload }) => `${mode} ${prefix_regime} ${workload}`)).toEqual([
      "off 512 policy",
      "on 512 policy",
      "off 512 miss",
      "on 512 miss",
    ]);
    const [off, on, , miss] = rows;
    expect(Number(off?.["hit_rate"])).toBe(0);
    expect(Number(on?.["hit_rate"])).toBeGreaterThan(0.8);
    expect(Number(miss?.["hit_rate"])).toBe(0);
    // A hit is sooner than what the same server had not seen, and than a server that keeps nothing.
    expect(Number(on?.["p50_ttft_s"])).toBeLessThan(Number(miss?.["p50_ttft_s"]));
    expect(Number(on?.["p50_ttft_s"])).toBeLessThan(Number(off?.["p50_ttft_s"]));
    for (const mode of ["off", "on"]) {
      const requests = await read(`csv/sequential_${mode}_512_1.csv`);
      expect(requests.header).toMatch(/^t_start,t_first_token,t_done,prompt_tokens,/);
      expect(requests.rows.length).toBeGreaterThanOrEqual(8);
    }
  });

  it("batching: one by one against several at a time, and a sweep", async () => {
    const load = ["--n", "8", "--concurrent", "4", "--concurrency", "1,4", "--waves", "2"];
    const size = ["--output-tokens", "32", "--rounds", "1"];
    const { header, rows, read, stdout } = await study(
      ["batching", ...load, ...size],
      "csv/concurrency_sweep.csv",
    );
    expect(header).toMatch(/^concurrency,mean_e2e_s,p95_e2e_s,qps,tok_s,gpu_util_pct,notes,/);
    expect(rows.map((row) => row["concurrency"])).toEqual(["1", "4"]);
    for (const row of rows) {
      expect(Number(row["tok_s"])).toBeGreaterThan(0);
      expect(row["failed"]).toBe("0");
    }
    const benchmark = await read("csv/batching_benchmark.csv");
    expect(benchmark.header).toMatch(
      /^sequential_s,concurrent_s,sequential_qps,concurrent_qps,sequential_tok_s,concurrent_tok_s,/,
    );
    expect(Number(benchmark.rows[0]?.["speedup"])).toBeGreaterThan(1);
    expect(stdout).toContain("Everything is in runs/");
  });

  it("left no vLLM process behind", async () => {
    expect(await vllmProcesses()).toEqual([]);
  });
});
