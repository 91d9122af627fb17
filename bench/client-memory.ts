/**
 * Most memory that the measuring client takes for one case of many requests, against the simulator in a process of its
 * own with events at planned times. Every event of every request must come.
 *
 *     npm run bench:client-memory [-- --requests 5000 --tokens 128 --streams 64]
 *
 * Exits with 1 at 512 MB or more.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runPhase } from "../src/probe/run-requests.ts";
import { createStreamClient } from "../src/probe/stream-client.ts";
import { completionBody, promptOf } from "../src/probe/workload.ts";
import { findFreePort } from "../src/serve/launch.ts";
import { monotonicS } from "../src/system/clock.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "5000" },
    tokens: { type: "string", default: "128" },
    streams: { type: "string", default: "64" },
  },
});
const [requests, outputTokens, streams] = [values.requests, values.tokens, values.streams].map(Number) as [
  number,
  number,
  number,
];
const LIMIT_MB = 512;
const MODEL = "Qwen/Qwen2.5-1.5B-Instruct";

const port = await findFreePort();
const main = fileURLToPath(new URL("../src/simulator/main.ts", import.meta.url));
const server = spawn(
  process.execPath,
  [main, "serve", MODEL, "--port", `${port}`, "--disable-uvicorn-access-log"],
  {
    env: { ...process.env, VLLM_SIM_STARTUP_SCALE: "0", VLLM_SIM_PLAN: "ttftMs=2,itlMs=2" },
    stdio: "ignore",
  },
);
const baseUrl = `http://127.0.0.1:${port}`;
try {
  while (
    !(await fetch(`${baseUrl}/health`).then(
      (response) => response.ok,
      () => false,
    ))
  ) {
    if (server.exitCode !== null) throw new Error("the simulator did not start");
    await sleep(50);
  }
  const signal = new AbortController().signal;
  const zeroS = monotonicS();
  await using client = createStreamClient({ baseUrl, apiKey: null, maxConnections: streams, zeroS, signal });
  const body = completionBody({ model: MODEL, prompt: promptOf("memory", 64), outputTokens });
  const measure = Array.from({ length: requests }, (_, index) => ({
    id: `memory.${index}`,
    body,
    expectedTokens: outputTokens,
  }));
  const plan = { probe: "memory", case: "all", concurrency: streams, mustMiss: false, warmup: [], measure };
  const { traces, clientLoad } = await runPhase(
    client,
    plan,
    "measure",
    { variant: "head", session: 0, round: 0 },
    signal,
  );
  const events = traces.reduce((sum, trace) => sum + (trace.arrivals?.length ?? 0), 0);
  const failed = traces.filter((trace) => trace.outcome !== "ok");
  const peakMb = (process.resourceUsage().maxRSS * 1024) / 1e6;
  process.stdout.write(
    `${traces.length} requests, ${events} events in ${clientLoad.wallS} s: ${peakMb.toFixed(0)} MB at most ` +
      `(limit ${LIMIT_MB}), ${clientLoad.cpuS} s CPU, ${failed.length} failed\n${JSON.stringify(clientLoad)}\n`,
  );
  if (failed[0] !== undefined) process.stdout.write(`${failed[0].id}: ${failed[0].error}\n`);
  if (peakMb >= LIMIT_MB || failed.length > 0 || events !== requests * outputTokens) process.exitCode = 1;
} finally {
  server.kill("SIGTERM");
  await once(server, "exit");
}
