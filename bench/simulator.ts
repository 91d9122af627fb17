/**
 * `npm run bench:simulator`: the simulator's engine in virtual time against real vLLM 0.22.0 on an H200.
 *
 * Prints every quantity as measured and as simulated, and exits with 1 when one misses its target: 10 % for TPOT and
 * throughput up to 16 concurrent, 25 % or the range of the measured restarts for TTFT and at 32 concurrent, 1 % for KV
 * tokens. Both sides are the same statistic over the same number of requests.
 */
import { readFileSync } from "node:fs";
import { planMemory } from "../src/simulator/memory-plan.ts";
import { Simulation } from "../src/simulator/simulation.ts";
import { benchDeployment, PHI, QWEN } from "./deployments.ts";
import { type FixtureSession, fixtureSessions, median } from "./fixture.ts";
import { BenchClient, fixtureSession, uniquePrompts } from "./load.ts";
import { errorOf, loadRows, type Row, table, verdict } from "./rows.ts";
import { secondHostRows } from "./second-host.ts";

const ENV = { VLLM_SIM_NOISE: "jitter", VLLM_SIM_SEED: "1", VLLM_SIM_COMPILE_CACHE: "warm" };
const LOGS = new URL("../test/fixtures/vllm-0.22.0-h200/", import.meta.url);

/** KV tokens: name of the log, model, flags. */
const CAPACITIES: readonly [string, string, string[]][] = [
  ["base", QWEN, []],
  ["eager", QWEN, ["--enforce-eager"]],
  ["mbt512", QWEN, ["--max-num-batched-tokens", "512"]],
  ["fp8kv", QWEN, ["--kv-cache-dtype", "fp8"]],
  ["phi-3-mini", PHI, []],
];

function capacityRows(): Row[] {
  return CAPACITIES.map(([name, model, flags]) => {
    const log = readFileSync(new URL(`${name}.log`, LOGS), "utf8");
    const tokens = /GPU KV cache size: ([\d,]+) tokens/.exec(log)?.[1] ?? "";
    return {
      set: name,
      quantity: "KV cache size",
      unit: "tokens",
      measured: Number(tokens.replaceAll(",", "")),
      range: undefined,
      simulated: planMemory(benchDeployment(flags, ENV, model)).kvTokens,
      tolerance: 0.01,
      rangeCounts: false,
    };
  });
}

/** A session that compiled its graphs anew took seconds longer to its first token than one that found them. */
function coldRows(sessions: readonly FixtureSession[]): Row[] {
  const groups = new Map<string, { flags: string[]; cache: string; values: number[] }>();
  for (const session of sessions) {
    const value = session.loads["cold"]?.ttftMs[0];
    if (value === undefined) continue;
    const cache = value > 150 ? "cold" : "warm";
    const key = `${session.name} ${cache}`;
    const group = groups.get(key) ?? { flags: session.flags, cache, values: [] };
    group.values.push(value);
    groups.set(key, group);
  }
  return [...groups].map(([key, { flags, cache, values }]) => {
    const deployment = benchDeployment(flags, { ...ENV, VLLM_SIM_COMPILE_CACHE: cache });
    const client = new BenchClient(new Simulation(deployment));
    const plan = { concurrency: 1, requests: 1, outputTokens: 64, prompt: uniquePrompts(256, 9) };
    return {
      set: key.split(" ")[0]!,
      quantity: `first request, ${cache} compile cache: TTFT`,
      unit: "ms",
      measured: median(values),
      range: values.length > 1 ? ([Math.min(...values), Math.max(...values)] as [number, number]) : undefined,
      simulated: client.run(plan).requests[0]!.ttftMs,
      tolerance: 0.25,
      rangeCounts: true,
    };
  });
}

/** What was reported beside the fixtures: without async scheduling an H200 decodes a third slower (design.md, 5). */
function synchronousRow(): Row {
  const decode = (flags: string[]): number => {
    const client = new BenchClient(new Simulation(benchDeployment(flags, ENV)));
    const plan = { concurrency: 1, requests: 10, outputTokens: 128, prompt: uniquePrompts(200, 9) };
    return median(client.run(plan).requests.map((request) => 127_000 / (request.e2eMs - request.ttftMs)));
  };
  return {
    set: "no-async",
    quantity: "decode speed over base's",
    unit: "%",
    measured: 67,
    range: undefined,
    simulated: (100 * decode(["--no-async-scheduling"])) / decode([]),
    tolerance: 0.1,
    rangeCounts: false,
  };
}

/**
 * 64 concurrent, from what fp8kv.log says of a server under 384 such requests of 128 tokens.
 *
 * Its statistics line of 05:00:22 covers 10.0 s and 92,503 tokens. The access log counts what was in it: the last 4
 * sequential requests of 128 tokens (1.2 s), 64 requests at 8 and 256 at 32 concurrent (2.42 s and 2.80 s, the better
 * rounds of requests-again.json), 3 repeated prompts (0.35 s) and the gaps between loads (0.75 s). That leaves 2.5 s,
 * give or take 0.3 s.
 */
function wideRow(): Row {
  const client = new BenchClient(new Simulation(benchDeployment(["--kv-cache-dtype", "fp8"], ENV)));
  const plan = { concurrency: 64, requests: 384, outputTokens: 128, prompt: uniquePrompts(200, 9) };
  client.run({ ...plan, requests: 64, outputTokens: 8 });
  return {
    set: "fp8kv",
    quantity: "64 concurrent: throughput, from the log",
    unit: "tok/s",
    measured: (384 * 128) / 2.48,
    range: undefined,
    simulated: (384 * 128 * 1000) / client.run(plan).wallMs,
    tolerance: 0.25,
    rangeCounts: false,
  };
}

function main(): void {
  const begun = performance.now();
  const sessions = fixtureSessions();
  const rows: Row[] = capacityRows();
  rows.push(...coldRows(sessions));
  for (const set of ["base", "eager", "noapc", "mbt512"]) {
    const measured = sessions.filter((session) => session.name === set);
    const simulation = new Simulation(benchDeployment(measured[0]!.flags, ENV));
    rows.push(...loadRows(set, measured, fixtureSession(new BenchClient(simulation), 1)));
  }
  rows.push(synchronousRow(), wideRow());
  const missed = rows.filter((row) => verdict(row) === "MISSED");
  const targets = rows.filter((row) => row.tolerance !== undefined);
  const worst = Math.max(...targets.map((row) => Math.abs(errorOf(row))));
  process.stdout.write(
    `Simulated engine (virtual time, seed ${ENV.VLLM_SIM_SEED}) against real vLLM 0.22.0, one NVIDIA H200, Qwen2.5-1.5B shape.\n` +
      "Measured: the median over the sessions of requests.json; restarts: their range, for base with requests-again.json.\n" +
      "p50 and p10 are over the requests of a load. The real client was a plain Python one on the same machine, whose own\n" +
      "lateness is in the measured numbers; of it the simulated client has only what the starts of requests show.\n\n" +
      `${table(rows)}\n\n` +
      `${targets.length - missed.length} of ${targets.length} targets met, largest error ${(worst * 100).toFixed(1)} %, ` +
      `in ${((performance.now() - begun) / 1000).toFixed(1)} s\n`,
  );
  const second = secondHostRows(ENV);
  const off = second.filter((row) => verdict(row) === "MISSED");
  process.stdout.write(
    "\nOther hosts: real sessions with other flags, loads and models. 115 of 142 were within these bounds before any constant\n" +
      "had seen them; now they have decided constants, too (costs.json and gpus.json say which). They do not fail this bench.\n" +
      "What eager is off by is the host: launching its kernels took 10 to 20 % less time on this one.\n\n" +
      `${table(second).replaceAll("MISSED", "off")}\n\n${second.length - off.length} of ${second.length} within the same bounds\n`,
  );
  process.exitCode = missed.length === 0 ? 0 : 1;
}

main();
