import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KV_DEPLOYMENTS, kvProbeRows, measureDeployment, stageDeployment } from "../../bench/probes-kv.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import { KV_STUDY } from "../../src/studies/kv.ts";
import { spareLastPass } from "../../src/studies/study-kind.ts";
import { tempDir } from "../support/temp-dir.ts";

const HEADER = "max_model_len,gpu_mem_used_mb,delta_mb_from_prev,bytes_per_token_est,notes";
const QUICK = { VLLM_SIM_STARTUP_SCALE: "0.001", VLLM_SIM_COMPILE_CACHE: "warm", VLLM_SIM_GPU: "l4" };

/** A model of 4,096 tokens of context in a folder of its own. */
async function modelFolder(folder: string, changed: Record<string, unknown> = {}): Promise<string> {
  await mkdir(join(folder, "model"));
  const config = {
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
    ...changed,
  };
  await writeFile(join(folder, "model", "config.json"), JSON.stringify(config));
  return "model";
}

describe("study kv on the simulator", () => {
  it("writes the seed's columns first, ours after them, and the pages", { timeout: 60_000 }, async () => {
    const folder = await tempDir();
    const model = await modelFolder(folder);
    const given = { lens: "1k,512,2048,512", wantConcurrency: "4" };
    const args = ["--max-model-len", "777", "--seed=1"];
    // A folder as the configuration names it, from where the study is started.
    const { csv, report, runDir, summary, exitCode } = await measureDeployment(
      folder,
      { model: join(folder, model), args, env: QUICK },
      given,
    );
    expect(exitCode, summary).toBe(0);
    expect(csv[0]?.startsWith(`${HEADER},`)).toBe(true);
    expect(csv[0]).toBe(
      `${HEADER},kv_tokens,blocks,block_size,max_concurrency,available_gib,ready_s,bytes_per_token_measured,step_tokens`,
    );
    expect(csv.slice(1).map((row) => row.split(",")[0])).toEqual(["512", "1000", "2048"]);
    for (const row of csv.slice(1)) expect(row.split(",")).toHaveLength(13);
    const run = JSON.parse(await readFile(join(runDir, "run.json"), "utf8")) as {
      variants: Record<string, { args: string[] }>;
    };
    expect(run.variants["512"]?.args).toEqual(["--seed=1", "--max-model-len", "512"]);
    const page = await readFile(join(runDir, "logs", "kv_cache_scaling_notes.md"), "utf8");
    // On a busy machine the report begins with that.
    expect(report.endsWith(page)).toBe(true);
    for (const question of [
      "## Is it roughly linear? Are there step changes?",
      "## Bytes per KV token",
      "## Which max-model-len is safe?",
      "## Headroom envelope",
      "## What if the context is doubled?",
      "## For latency, and for throughput",
      "## What to alert on",
    ]) {
      expect(report).toContain(question);
    }
    // 2 × 12 layers × 4 KV heads × 64 × 2 bytes
    expect(report).toContain(
      "2 × 12 layers × 4 KV heads × 64 × 2 B = 12,288 B; the measurement agrees within",
    );
    expect(report).toContain("one block for every 16 tokens");
    expect(report).toContain("the largest safe --max-model-len is 4096, which is the model's own context");
    // What speaks against relying on it stands on every page, or on none.
    const log = await readFile(join(runDir, "logs", "LOG.md"), "utf8");
    expect(log.split("\n\n# ")[0]?.replace(/^# .*/s, "")).toBe(
      report.split("\n\n# ")[0]?.replace(/^# .*/s, ""),
    );
  });

  const chosen = KV_DEPLOYMENTS.filter(({ name }) => /A100|L4|7 of 35/.test(name));
  it("measures bytes per token within 1 % of the truth, on devices and models that nothing was fitted to", {
    timeout: 120_000,
  }, async () => {
    const rows = await kvProbeRows(await tempDir(), chosen);
    expect(rows).toHaveLength(3);
    for (const { name, error, measuredStep, truth } of rows) {
      expect(Math.abs(error), name).toBeLessThan(0.01);
      expect(measuredStep, name).toBe(truth.blockSize);
    }
  });

  it("explains the server's own refusal of a length, and keeps what was measured before it", {
    timeout: 60_000,
  }, async () => {
    const folder = await tempDir();
    const deployment = { model: "HuggingFaceTB/SmolLM2-135M-Instruct", args: [], env: QUICK };
    const { csv, summary, exitCode } = await measureDeployment(folder, deployment, { lens: "1024,16384" });
    expect(exitCode).toBe(2);
    expect(csv[1]).toMatch(/^1024,/);
    expect(csv[2]).toMatch(
      /^16384,,,,"?did not start: .*max_model_len \(16384\) is greater than the derived max_model_len/,
    );
    expect(summary).toContain("Lower --max-model-len to what the model supports.");
    // With the same options it would be refused again.
    expect(summary).not.toContain("--resume");
  });
});

describe("a budget", () => {
  it("leaves out lengths between the smallest and the largest, and says which", {
    timeout: 60_000,
  }, async () => {
    const deployment = { model: "HuggingFaceTB/SmolLM2-135M-Instruct", args: [], env: QUICK };
    // A start of 75 s is assumed, so two of four fit.
    const given = { lens: "256,512,1024,2048" };
    const { csv, report, runDir, summary, exitCode } = await measureDeployment(
      await tempDir(),
      deployment,
      given,
      { budgetMinutes: 2.8 },
    );
    expect(exitCode, summary).toBe(0);
    const reason = "left out: the study would not have fitted in 2.8 min";
    const run = JSON.parse(await readFile(join(runDir, "run.json"), "utf8")) as RunRecord;
    expect(run.study?.dropped).toEqual([
      { cell: "--max-model-len 1024", variant: "1024", reason },
      { cell: "--max-model-len 512", variant: "512", reason },
    ]);
    expect(run.sessions.map(({ variant }) => variant)).toEqual(["256", "2048"]);
    expect(csv.map((line) => line.split(",")[0])).toEqual(["max_model_len", "256", "512", "1024", "2048"]);
    expect(csv[2]).toBe(`512,,,,${reason},,,,,,,,`);
    for (const text of [report, summary]) expect(text).toContain(reason);
    expect(summary.split(reason)).toHaveLength(3);
  });

  it("costs the last pass over restarts first, and leaves one start of each kind", () => {
    const spare = spareLastPass(2);
    expect(spare(["a", "b", "b", "a"], [])).toEqual([2, 3]);
    expect(spare(["a", "b"], [])).toEqual([]);
    expect(spare(["b", "b", "a"], ["a"])).toEqual([1, 2]);
    // What is left of a pass goes whole.
    expect(spare(["a"], ["a", "b", "b"])).toEqual([0]);
    expect(spare(["b"], ["a"])).toEqual([]);
  });
});

describe("before any server is started", () => {
  it("refuses lengths beyond the model's context, naming the field", async () => {
    const folder = await tempDir();
    const model = await modelFolder(folder);
    const staged = { model, args: [], env: QUICK };
    await expect(measureDeployment(folder, staged, { lens: "2048,4097,8192" })).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /^--lens: 4097, 8192: the model's context is 4096 tokens \(max_position_embeddings of the config\.json of model\)/,
      ),
    });
    expect(await readdir(folder)).not.toContain("runs");
  });

  it.each([
    [{ lens: "512,much" }, /--lens: got "much"/],
    [{ lens: "" }, /--lens: got ""/],
    [{ lens: "512,-1" }, /--lens: got "-1"/],
    [{ wantConcurrency: "0" }, /--want-concurrency: got "0"/],
    [{ wantConcurrency: "8.5" }, /--want-concurrency: got "8.5"/],
  ])("%j is a usage error", (given, message) => {
    expect(() => KV_STUDY.readOptions(given)).toThrow(message);
  });

  it("has the seed's lengths by default", () => {
    expect(KV_STUDY.readOptions({})).toEqual({ lengths: [512, 1024, 2048, 4096], wantConcurrency: 8 });
  });
});

it("the bench's truth is the simulator's arithmetic, not what the server reports", async () => {
  const [first] = KV_DEPLOYMENTS;
  const { truth } = await stageDeployment(await tempDir(), first!);
  expect(truth).toEqual({ bytesPerToken: 28_672, blockSize: 16 });
});
