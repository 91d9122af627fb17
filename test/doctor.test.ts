import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { examineNode } from "../src/doctor.ts";
import { exitOf } from "../src/doctor-command.ts";
import { checkupSchema } from "../src/domain/doctor.ts";
import { runCli } from "./support/cli.ts";
import { serveHttp } from "./support/http.ts";
import { idleH200, installNvidiaSmi } from "./support/nvidia-smi.ts";
import { tempDir } from "./support/temp-dir.ts";
import { createWorkspace, SIMULATOR } from "./support/workspace.ts";
import { machineRoot } from "./telemetry/machine-root.ts";

describe("vllm-gate doctor", () => {
  it("without a configuration examines the node and any vLLM, in less than ten seconds", async () => {
    const cwd = await tempDir();
    const began = performance.now();
    const result = await runCli(["doctor"], { cwd, env: { PATH: "/nonexistent", GITHUB_TOKEN: "" } });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(result.stdout).toMatch(/^unfit: /);
    expect(result.stdout).toMatch(/^bad {3}vLLM +vllm: not found$/m);
    expect(result.code).toBe(3);
    expect(await readdir(cwd)).toEqual([]);
  });

  it("takes a scenario's command and model, and prints JSON", async () => {
    await using workspace = await createWorkspace();
    const { cwd } = workspace;
    const result = await runCli(["doctor", "--json"], { cwd });
    const report = JSON.parse(result.stdout) as {
      schemaVersion: number;
      findings: { id: string; level: string; value: string }[];
    };
    expect(report.schemaVersion).toBe(1);
    expect(report.findings.find(({ id }) => id === "preflight.model")?.value).toContain("Qwen2.5-1.5B");
    expect(report.findings.map(({ id }) => id)).toContain("preflight.vllm");
  });

  it("a wrong option is a usage error", async () => {
    await using workspace = await createWorkspace();
    const unknown = await runCli(["doctor", "--scenario", "other"], { cwd: workspace.cwd });
    expect(unknown.code).toBe(2);
    const none = await runCli(["doctor", "--scenario", "other"], { cwd: await tempDir() });
    expect(none.stderr).toContain("there is no vllm-gate.yml here");
    expect(none.code).toBe(2);
  });

  it("exits 3 when unfit, and when degraded only if it is strict", () => {
    const of = (verdict: "healthy" | "degraded" | "unfit") => ({ verdict, findings: [] });
    expect([exitOf(of("healthy"), true), exitOf(of("degraded"), false)]).toEqual([0, 0]);
    expect([exitOf(of("degraded"), true), exitOf(of("unfit"), false)]).toEqual([3, 3]);
  });

  it("--probe serves a model and remembers what it measured", {
    timeout: 60_000,
  }, async () => {
    await using workspace = await createWorkspace();
    const { cwd } = workspace;
    const env = { XDG_CACHE_HOME: join(cwd, "cache") };
    const args = ["doctor", "--json", "--probe", "HuggingFaceTB/SmolLM2-135M-Instruct"];
    const first = JSON.parse((await runCli(args, { cwd, env })).stdout);
    const ids = first.findings.map(({ id }: { id: string }) => id);
    for (const id of ["startup.ready_s", "ttft.cold_ms", "ttft.warm.floor_ms", "batching.c8.tokens_per_s"]) {
      expect(ids).toContain(`probe.${id}`);
    }
    const lines = (await readFile(first.history, "utf8")).trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(checkupSchema.parse(JSON.parse(lines[0] ?? "")).values["ttft.cold_ms"]).toBeGreaterThan(0);
    expect(first.history).toMatch(/doctor\/[\w-]+-smollm2-135m-instruct\.jsonl$/);
  });

  it("--probe of a model that is not served is unfit, with the server's own reason", async () => {
    await using workspace = await createWorkspace();
    const { cwd } = workspace;
    const result = await runCli(
      ["doctor", "--probe", "HuggingFaceTB/SmolLM2-135M-Instruct", "--args", "--max-model-len 999999"],
      { cwd, env: { XDG_CACHE_HOME: join(cwd, "cache") } },
    );
    expect(result.stdout).toMatch(/max_model_len \(999999\) is greater than the derived max_model_len/);
    expect(result.code).toBe(3);
  });
});

describe("a node that is examined", () => {
  const world = async () => ({
    cwd: await tempDir(),
    environment: { PATH: process.env["PATH"] },
    runsDir: join(await tempDir(), "runs"),
    machine: {
      root: await machineRoot(),
      nvidiaSmi: await installNvidiaSmi(await tempDir(), { gpus: [idleH200()] }),
    },
  });
  const server = { kind: "launch", model: null, command: SIMULATOR, env: {} } as const;

  it("is looked at where it is said to be", async () => {
    const { findings } = await examineNode(server, await world());
    expect(findings.find(({ id }) => id === "gpu")?.value).toBe("1 × NVIDIA H200");
  });

  it("an nvidia-smi that never answers costs no more than its time", async () => {
    const hung = {
      ...(await world()).machine,
      nvidiaSmi: await installNvidiaSmi(await tempDir(), { gpus: [], faults: { hangs: true } }),
    };
    const began = performance.now();
    const { verdict, findings } = await examineNode(server, { ...(await world()), machine: hung });
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(verdict).not.toBe("healthy");
    expect(findings.find(({ id }) => id === "gpu")?.value).toBe("nvidia-smi failed");
  }, 15_000);

  it("a server that is already running must answer", async () => {
    const url = await serveHttp((_, response) => response.writeHead(200).end());
    const attach = { kind: "attach", apiKeyEnv: null, model: null } as const;
    const found = async (address: string) =>
      (await examineNode({ ...attach, url: address }, await world())).findings.find(
        ({ id }) => id === "preflight.server",
      );
    expect(await found(url)).toMatchObject({ level: "ok" });
    expect(await found("http://127.0.0.1:1")).toMatchObject({ level: "bad" });
  });
});
