import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newestRun, readRun, readVerdict, until } from "../support/runs.ts";
import { FLAGS, type RealVllm, ROOT, realVllm, vllmProcesses } from "./real-vllm.ts";

// Real vLLM on CPU, started a few times only: a start takes about a minute.

let vllm: RealVllm;
beforeAll(async () => {
  vllm = await realVllm();
});
afterAll(() => vllm.remove());

describe("the gate on real vLLM", () => {
  it("doctor: finds the vLLM that would be started, and the model", async () => {
    const result = await vllm.run(["doctor"]);
    expect(result.code, result.stderr + result.stdout).toBe(0);
    expect(result.stdout).toMatch(/^(healthy|degraded): /);
    expect(result.stdout).toMatch(/^ok +vLLM +0\.32\.0 \(it can be started\)$/m);
    expect(result.stdout).toMatch(/^ok +model /m);
  });

  it("records a baseline", async () => {
    const result = await vllm.run(["record", "--sessions", "1"]);
    expect(result.code, result.stderr + result.stdout).toBe(0);
    const run = await readRun(await newestRun(vllm.cwd));
    const [session] = run.sessions;
    expect(session?.vllmVersion).toBe("0.32.0");
    expect(session?.logFacts?.kvCapacityTokens).toBeGreaterThan(100_000);
    expect(session?.logFacts?.engineInitS).toBeGreaterThan(1);
    const cases = new Set(session?.cases?.map((each) => `${each.probe}.${each.case}`));
    for (const name of [
      "ttft.cold",
      "ttft.warm",
      "batching.c8",
      "prefix.miss.512.c1",
      "prefix.hit.512.c1",
      "kv.fill",
    ]) {
      expect([...cases]).toContain(name);
    }
    expect(session?.disposal?.survivors).toEqual([]);
    const log = await readFile(join(await newestRun(vllm.cwd), "sessions", "0", "server.log"), "utf8");
    expect(log).toContain("Application startup complete");
  });

  it("exits 0 for the same flags", async () => {
    const result = await vllm.run(["run"]);
    expect(result.code, result.stderr + result.stdout).toBe(0);
  });

  it("exits 1 for half the KV cache, which one session is enough to tell", async () => {
    const path = join(vllm.cwd, "half.yml");
    await writeFile(path, vllm.config.replace("VLLM_CPU_KVCACHE_SPACE: 2", "VLLM_CPU_KVCACHE_SPACE: 1"));
    const result = await vllm.run(["run", "--config", path]);
    expect(result.code, result.stderr + result.stdout).toBe(1);
    const runDir = await newestRun(vllm.cwd);
    expect((await readVerdict(runDir)).reasons.join("\n")).toMatch(/kv\.capacity_tokens is 50 % worse/);
    expect((await readRun(runDir)).sessions).toHaveLength(1);
  });

  it("A/B, without a baseline: exits 1 for --max-num-seqs 1, since throughput at 8 concurrent collapses", async () => {
    const sides = ["--base-args", FLAGS, "--args", `${FLAGS} --max-num-seqs 1`];
    const result = await vllm.run(["run", "--compare-to", "base", ...sides, "--baseline-dir", "none"]);
    expect(result.code, result.stderr + result.stdout).toBe(1);
    const runDir = await newestRun(vllm.cwd);
    expect((await readVerdict(runDir)).reasons.join("\n")).toMatch(
      /batching\.c8\.wave_tokens_per_s is \d+ % worse/,
    );
    expect(result.stdout).toContain("--max-num-seqs: not set → 1");
    expect(new Set((await readRun(runDir)).sessions.map(({ variant }) => variant))).toEqual(
      new Set(["base", "head"]),
    );
  });

  it("exits 4 with vLLM's own reason for --max-model-len 999999", async () => {
    const result = await vllm.run(["run", "--args", "--load-format dummy --max-model-len 999999"]);
    expect(result.code, result.stderr + result.stdout).toBe(4);
    const verdict = await readVerdict(await newestRun(vllm.cwd));
    expect(verdict.headline).toContain(
      "User-specified max_model_len (999999) is greater than the derived max_model_len",
    );
  });

  it("exits 2 for a mistyped key, naming it and its line", async () => {
    const path = join(vllm.cwd, "mistyped.yml");
    await writeFile(path, vllm.config.replace("warmRequests", "warmReqests"));
    const result = await vllm.run(["run", "--config", path]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /mistyped\.yml:\d+: .*unknown key `warmReqests`.*Did you mean `warmRequests`\?/,
    );
  });

  it("leaves no process when it is killed without a word, once the post step has run", async () => {
    const statePath = join(vllm.cwd, "state.json");
    const started = vllm.start(["run"]);
    await until(
      "the probes run",
      async () =>
        (await readFile(join(await newestRun(vllm.cwd), "traces.jsonl"), "utf8").catch(() => "")).length > 0,
      300_000,
    );
    const runDir = await newestRun(vllm.cwd);
    started.kill("SIGKILL");
    await started;
    expect((await vllmProcesses()).length).toBeGreaterThan(0);
    await writeFile(statePath, await readFile(join(runDir, "state.json"), "utf8"));
    const post = await execa(process.execPath, [join(ROOT, "dist", "post.js")], {
      env: { "STATE_state-file": statePath },
      reject: false,
    });
    expect(post.exitCode, post.stdout + post.stderr).toBe(0);
    const verdict = await readVerdict(runDir);
    expect(verdict.cause).toBe("killed");
    expect(await vllmProcesses()).toEqual([]);
  });

  it("left no vLLM process behind", async () => {
    expect(await vllmProcesses()).toEqual([]);
  });
});
