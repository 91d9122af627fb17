import { access, mkdir, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { formatBaseline } from "../src/baseline/baseline-text.ts";
import { compareRuns } from "../src/comparing.ts";
import { fingerprintSlug } from "../src/domain/fingerprint.ts";
import { appendTraces, writeRun } from "../src/system/run-folder.ts";
import { remoteFingerprint } from "../src/telemetry/fingerprint.ts";
import { baseline, measuredRun } from "./support/builders.ts";
import { runCli } from "./support/cli.ts";
import { serveHttp } from "./support/http.ts";
import { newestRun, readRun, readVerdict } from "./support/runs.ts";
import { tempDir } from "./support/temp-dir.ts";

/** Answers completions at once, the first `count` of them; the others never. */
function completions(count = Number.POSITIVE_INFINITY): RequestListener {
  let seen = 0;
  return (request, response) => {
    if (request.url === "/v1/models") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ object: "list", data: [{ id: "org/model", object: "model" }] }));
      return;
    }
    if (request.url !== "/v1/completions") {
      response.writeHead(request.url === "/health" ? 200 : 404).end("{}");
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString("utf8");
    });
    request.on("end", () => {
      seen += 1;
      if (seen > count) return;
      const { max_tokens: tokens } = JSON.parse(body) as { max_tokens: number };
      const event = (completion: number) =>
        `data: ${JSON.stringify({ choices: [{}], usage: { prompt_tokens: 4, completion_tokens: completion } })}\n\n`;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(event(1));
      setTimeout(() => response.end(`${event(tokens)}data: [DONE]\n\n`), 2);
    });
  };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

describe("a baseline that cannot be used", () => {
  // Nobody listens there: whatever is measured fails with another code.
  const url = "http://127.0.0.1:1";
  const path = `baselines/default/${fingerprintSlug(remoteFingerprint({ model: "unknown", probeSuite: "1" }, url))}.json`;
  const withSessions = (sessions: number[][]) =>
    JSON.stringify(
      baseline({
        scenario: "default",
        metrics: { "ttft.warm.floor_ms": { unit: "ms", n: 1, spread: 0, sessions } },
      }),
    );

  it.each([
    ["no JSON", "{", "not JSON"],
    ["no sessions", withSessions([]), "metrics.ttft.warm.floor_ms.sessions"],
    ["a session without values", withSessions([[]]), "metrics.ttft.warm.floor_ms.sessions"],
    ["another scenario", formatBaseline(baseline()), 'a baseline of "chat", expected one of "default"'],
  ])("%s: refused before anything is measured", async (_, text, message) => {
    const cwd = await tempDir();
    await mkdir(dirname(join(cwd, path)), { recursive: true });
    await writeFile(join(cwd, path), text);
    for (const command of ["run", "record"]) {
      const result = await runCli([command, "--server-url", url], { cwd });
      expect(result.stderr).toContain(`${path}: `);
      expect(result.stderr).toContain(message);
      expect(result.code).toBe(2);
    }
    expect(await exists(join(cwd, "runs"))).toBe(false);
  });

  it("compare refuses a baseline of another scenario", async () => {
    const cwd = await tempDir();
    const { run, traces } = measuredRun();
    const runDir = join(cwd, "run");
    await mkdir(runDir);
    await writeRun(runDir, run);
    await appendTraces(runDir, traces);
    const file = join(cwd, "other.json");
    await writeFile(file, formatBaseline(baseline({ scenario: "other" })));
    await expect(compareRuns([file], [runDir], () => null)).rejects.toThrow(
      `--base ${file}: a baseline of scenario "other", expected one of "chat"`,
    );
    await writeFile(file, formatBaseline(baseline()));
    await expect(compareRuns([file], [runDir], () => null)).resolves.toBeDefined();
  });
});

it("rules of metrics that do not exist are refused, with the nearest that does", async () => {
  const cwd = await tempDir();
  const scenario = {
    model: "org/model",
    tolerances: {
      "batching.c8.tpot_flor_ms": { relative: 0.1 },
      "batching.*.tokens_per_s": { relative: 0.1 },
    },
    limits: { "ttft.warm.p95": { max: 200 } },
  };
  await writeFile(join(cwd, "vllm-gate.yml"), stringify({ scenarios: { chat: scenario } }));
  const result = await runCli(["run"], { cwd });
  expect(result.stderr).toBe(
    "vllm-gate: vllm-gate.yml: scenarios.chat.tolerances: no metric is called `batching.c8.tpot_flor_ms`, " +
      "the nearest is `batching.c8.tpot_floor_ms`\n" +
      "vllm-gate.yml: scenarios.chat.limits: no metric is called `ttft.warm.p95`, the nearest is `ttft.warm.p95_ms`",
  );
  expect(result.code).toBe(2);
});

describe("a server that is already running", () => {
  it("without a file, the command that the report suggests records it", async () => {
    const cwd = await tempDir();
    const url = await serveHttp(completions());
    const first = await runCli(["run", "--server-url", url, "--rounds", "1"], { cwd });
    expect(first.code, first.stderr).toBe(3);
    const command = `vllm-gate record --scenario default --server-url ${url}`;
    const { nextAction } = await readVerdict(await newestRun(cwd));
    expect(nextAction).toBe(`Record one on the base branch and commit it: ${command}`);
    expect(first.stdout).toContain(command);
    const recorded = await runCli([...command.split(" ").slice(1), "--rounds", "1", "--sessions", "1"], {
      cwd,
    });
    expect(recorded.code, recorded.stdout + recorded.stderr).toBe(0);
  });

  it("a budget that ends before the last session is said, and no shorter baseline is recorded", async () => {
    const cwd = await tempDir();
    // One first completion, one to warm up, eight that are measured: then the second session hangs.
    const url = await serveHttp(completions(10));
    const batching = { concurrency: [1], waves: 1, promptTokens: 4, outputTokens: 4 };
    const config = {
      scenarios: { small: { server: { url }, probes: { ttft: false, batching, prefix: false, kv: false } } },
      rounds: 1,
      sessions: 2,
      recordSessions: 2,
      budgetMinutes: 0.1,
    };
    await writeFile(join(cwd, "vllm-gate.yml"), stringify(config));
    const result = await runCli(["record"], { cwd });
    expect(result.code, result.stdout + result.stderr).toBe(3);
    const runDir = await newestRun(cwd);
    expect(await readVerdict(runDir)).toMatchObject({
      verdict: "invalid",
      cause: "not_recorded",
      reasons: [expect.stringContaining("1 of 2 sessions measured within budgetMinutes (0.1)")],
    });
    expect((await readRun(runDir)).plan?.sessions).toBe(2);
    expect(await exists(join(cwd, "baselines"))).toBe(false);
  });
});
