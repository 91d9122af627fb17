import { readdir, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { runCli } from "./support/cli.ts";
import { serveHttp } from "./support/http.ts";
import { newestRun, readVerdict } from "./support/runs.ts";
import { tempDir } from "./support/temp-dir.ts";

/** A server that answers at once and says what its prefix cache found: of hits alone, or of every prompt. */
function server() {
  let [queries, hits] = [0, 0];
  const seen = new Set<string>();
  const cache = { findsEverything: false };
  const listener: RequestListener = (request, response) => {
    if (request.url === "/v1/models") {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ data: [{ id: "org/model", max_model_len: 4096 }] }));
      return;
    }
    if (request.url === "/metrics") {
      response
        .writeHead(200)
        .end(
          `vllm:prefix_cache_queries_total{engine="0"} ${queries}\nvllm:prefix_cache_hits_total{engine="0"} ${hits}\n`,
        );
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
      const { prompt, max_tokens: tokens } = JSON.parse(body) as { prompt: number[]; max_tokens: number };
      const prefix = prompt.slice(0, 512).join(" ");
      const found = cache.findsEverything || seen.has(prefix);
      seen.add(prefix);
      queries += prompt.length;
      hits += found ? 512 : 0;
      const event = (completion: number) =>
        `data: ${JSON.stringify({ choices: [{ text: "a" }], usage: { prompt_tokens: prompt.length, completion_tokens: completion } })}\n\n`;
      setTimeout(
        () => {
          response.writeHead(200, { "content-type": "text/event-stream" });
          response.write(event(1));
          setTimeout(() => response.end(`${event(tokens)}data: [DONE]\n\n`), 2);
        },
        found ? 2 : 8,
      );
    });
  };
  return { cache, listener };
}

/** A folder with a configuration that measures the prefix cache of a server that runs already. */
async function prefixFolder(url: string): Promise<string> {
  const cwd = await tempDir();
  const prefix = { regimes: [512], concurrency: [1], requests: 10, suffixTokens: 64, outputTokens: 4 };
  const probes = { ttft: false, batching: false, kv: false, prefix };
  // What a small server on a shared machine takes is not the matter here.
  const tolerances = { "prefix.*.*.*.ttft_floor_ms": { relative: 9 } };
  await writeFile(
    join(cwd, "vllm-gate.yml"),
    stringify({ scenarios: { small: { server: { url }, probes, tolerances } }, rounds: 1, sessions: 1 }),
  );
  return cwd;
}

it("misses that a server finds in its cache end as invalid, with the reason", async () => {
  const { cache, listener } = server();
  const cwd = await prefixFolder(await serveHttp(listener));
  const recorded = await runCli(["record", "--scenario", "small", "--sessions", "1"], { cwd });
  expect(recorded.code, recorded.stdout + recorded.stderr).toBe(0);
  cache.findsEverything = true;
  const result = await runCli(["run"], { cwd });
  expect(result.code, result.stdout + result.stderr).toBe(3);
  const verdict = await readVerdict(await newestRun(cwd));
  expect(verdict.verdict).toBe("invalid");
  expect(verdict.reasons.join("\n")).toMatch(
    /89 % of the prompt tokens of prefix\.miss\.512\.c1 came from the prefix cache, though its prompts must be unknown/,
  );
});

it("the noise of rounds that must not be trusted is not written", async () => {
  const { cache, listener } = server();
  cache.findsEverything = true;
  const cwd = await prefixFolder(await serveHttp(listener));
  const { code, stdout, stderr } = await runCli(["calibrate", "--sessions", "3"], { cwd });
  expect(code, stdout + stderr).toBe(3);
  expect(stdout + stderr).toMatch(
    /not fit to say how this machine's sessions spread: 8\d % of the prompt tokens/,
  );
  await expect(readdir(join(cwd, "baselines"))).rejects.toThrow("ENOENT");
});
