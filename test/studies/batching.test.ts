import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { goodputErrors, servedTraces } from "../../bench/probes-batching.ts";
import type { BatchingTables } from "../../src/domain/batching-study.ts";
import { loadConfig } from "../../src/inputs.ts";
import { Interruption } from "../../src/interruption.ts";
import { batchingTables } from "../../src/measure/batching-study.ts";
import { groupTraces } from "../../src/measure/case-data.ts";
import { BATCHING_STUDY } from "../../src/studies/batching.ts";
import { runStudy, type StudyRequest } from "../../src/study.ts";
import type { Surroundings } from "../../src/surroundings.ts";
import { readRunFolder } from "../../src/system/run-folder.ts";
import { createWorkspace } from "../support/workspace.ts";

const SEED_HEADER = "concurrency,mean_e2e_s,p95_e2e_s,qps,tok_s,gpu_util_pct,notes";
const SMALL = [
  "--n",
  "8",
  "--concurrent",
  "4",
  "--prompt-tokens",
  "40",
  "--output-tokens",
  "8",
  "--waves",
  "2",
  "--rounds",
  "2",
];
const FOUR_SEATS = { args: "--max-model-len 4096 --max-num-seqs 4" };

/** Runs the study in a workspace, as its command would. */
async function study(
  cwd: string,
  given: readonly string[],
  request: Partial<StudyRequest> = {},
  world: Partial<Surroundings> & { readonly onStep?: (text: string) => void } = {},
) {
  const options = BATCHING_STUDY.readOptions(
    BATCHING_STUDY.addOptions(new Command())
      .parse([...given], { from: "user" })
      .opts(),
  );
  const config = await loadConfig({ cwd, overrides: {}, nameOverride: (key) => key });
  const said: string[] = [];
  const step = (text: string) => {
    said.push(text);
    world.onStep?.(text);
  };
  const result = await runStudy(
    BATCHING_STUDY,
    options,
    config,
    {
      ...{ cwd, environment: process.env, runsDir: join(cwd, "runs"), signal: new AbortController().signal },
      ...world,
      log: { step, warn: step },
    },
    { command: "vllm-gate study batching", ...request },
  );
  const read = (name: string) => readFile(join(result.runDir, name), "utf8");
  return {
    ...result,
    read,
    said,
    tables: async () => JSON.parse(await read("batching.json")) as BatchingTables,
  };
}

const linesOf = (text: string) => text.trimEnd().split("\n");

const workspace = () => createWorkspace(FOUR_SEATS);

describe("study batching on the simulator", () => {
  it("writes the seed's columns first, its pages, and where to run", { timeout: 60_000 }, async () => {
    await using space = await workspace();
    const truthFile = join(space.cwd, "truth.jsonl");
    await space.configure({ ...FOUR_SEATS, simulator: { TRUTH: truthFile } });
    // Long enough that what a request needs beside its seat is little.
    const length = ["--output-tokens", "64"];
    const slo = ["--slo-e2e-p95-ms", "900", "--slo-ttft-p95-ms", "400", "--slo-itl-p95-ms", "100"];
    const run = await study(space.cwd, [
      ...SMALL,
      "--concurrency",
      "1,4,8,16",
      "--rates",
      "40",
      "--open-seconds",
      "1",
      ...length,
      ...slo,
    ]);
    expect(run.exitCode, run.summary).toBe(0);

    const sweep = linesOf(await run.read("csv/concurrency_sweep.csv"));
    expect(sweep[0]?.startsWith(`${SEED_HEADER},`)).toBe(true);
    expect(sweep.slice(1).map((line) => line.split(",")[0])).toEqual(["1", "4", "8", "16"]);
    const benchmark = linesOf(await run.read("csv/batching_benchmark.csv"));
    expect(benchmark[0]).toMatch(
      /^sequential_s,concurrent_s,sequential_qps,concurrent_qps,sequential_tok_s,concurrent_tok_s,/,
    );
    expect(benchmark).toHaveLength(2);
    const json = JSON.parse(await run.read("csv/batching_benchmark.json")) as { n: number; runs: unknown[] };
    expect(json).toMatchObject({ n: 8, concurrency: 4, repeats: 2 });
    expect(json.runs).toHaveLength(2);
    const rates = linesOf(await run.read("csv/rate_sweep.csv"));
    expect(rates[0]?.startsWith(SEED_HEADER.replace("concurrency", "rate_rps"))).toBe(true);
    expect(rates[1]?.startsWith("40,")).toBe(true);

    const page = await run.read("logs/batching_benchmark.md");
    expect(page.replace(/ +/g, " ")).toContain(`| ${SEED_HEADER.replaceAll(",", " | ")} |`);
    for (const part of [
      "## Sequential against concurrent",
      "## Where to run",
      "## Rules of thumb",
      "GPU utilisation was not measured",
    ]) {
      expect(page).toContain(part);
    }
    const rules = page.slice(page.indexOf("## Rules of thumb")).match(/^- /gm);
    expect(rules?.length).toBeGreaterThanOrEqual(3);
    expect(rules?.length).toBeLessThanOrEqual(5);
    const log = await run.read("logs/LOG.md");
    for (const part of [
      "## Environment",
      "- OS / kernel: ",
      "## Commands Run",
      "## Key Numbers",
      "## Artifacts",
      "## Observations",
    ]) {
      expect(log).toContain(part);
    }

    const tables = await run.tables();
    // More than four at once only wait: the server has four seats.
    expect(tables.advice.knee).toMatchObject({ load: 4, reached: true });
    expect(tables.sweep.find(({ load }) => load === 16)?.waitingMax ?? 0).toBeGreaterThan(0);
    expect(tables.advice.safe?.load).toBeLessThanOrEqual(4);

    // Goodput as the server itself saw the same requests.
    const { run: record, traces } = await readRunFolder(run.runDir);
    const served = servedTraces(await readFile(truthFile, "utf8"), traces);
    const grid = { concurrency: [1, 4, 8, 16], rates: [], benchmarkConcurrency: 4, slo: tables.slo };
    const truth = batchingTables(groupTraces(record.sessions, served), grid);
    const errors = goodputErrors(tables.sweep, truth.sweep);
    expect(errors.length).toBeGreaterThanOrEqual(3);
    for (const error of errors) expect(error, errors.join()).toBeLessThan(0.02);
  });

  it("goes on where it was interrupted, and repeats no session", { timeout: 60_000 }, async () => {
    await using space = await workspace();
    const given = [...SMALL, "--concurrency", "1,4", "--sessions", "2"];
    const interrupt = new AbortController();
    const onStep = (text: string) => {
      if (text.includes("session 1 of head: round 1")) interrupt.abort(new Interruption("SIGTERM"));
    };
    const first = await study(space.cwd, given, {}, { signal: interrupt.signal, onStep });
    expect(first.exitCode).toBe(143);
    expect(first.summary).toContain(
      "Go on with it, keeping the sessions that ended; the one that did not is measured again from its start: " +
        `vllm-gate study batching --resume ${relative(space.cwd, first.runDir)}\n`,
    );
    const before = await readRunFolder(first.runDir);
    expect(before.run.sessions.map(({ outcome }) => outcome)).toEqual(["ok", "cancelled"]);

    await expect(study(space.cwd, [...given, "--waves", "3"], { resume: first.runDir })).rejects.toThrow(
      "begun with other options",
    );
    const second = await study(space.cwd, given, { resume: first.runDir });
    expect(second.exitCode, second.summary).toBe(0);
    expect(second.runDir).toBe(first.runDir);
    const said = second.said.join("\n");
    expect(said).toContain("1 of 2 sessions are left, the others were measured or left out");
    expect(said).toContain("a session that did not end well is measured again from its start");
    const after = await readRunFolder(first.runDir);
    expect(after.run.sessions.map(({ outcome }) => outcome)).toEqual(["ok", "cancelled", "ok"]);
    const ofFirst = (traces: typeof after.traces) => traces.filter(({ session }) => session === 0);
    expect(ofFirst(after.traces)).toEqual(ofFirst(before.traces));
    // Two rounds of each of the two whole sessions.
    expect((await second.tables()).sweep.map(({ rounds }) => rounds)).toEqual([4, 4]);
  });

  it("a budget leaves out what tells least, and says so", { timeout: 60_000 }, async () => {
    await using space = await workspace();
    const given = [...SMALL, "--concurrency", "1,2,4", "--rates", "1", "--open-seconds", "120"];
    // A start of 75 s is assumed, and the open loop would take two rounds of two minutes.
    const run = await study(space.cwd, given, { budgetMinutes: 2.5 });
    expect(run.exitCode, run.summary).toBe(0);
    const { run: record } = await readRunFolder(run.runDir);
    expect(record.study?.dropped).toEqual([
      { cell: "rate1", reason: "left out: the study would not have fitted in 2.5 min" },
    ]);
    expect(await run.read("report.md")).toContain(
      "- rate1: left out: the study would not have fitted in 2.5 min",
    );
    await expect(run.read("csv/rate_sweep.csv")).rejects.toThrow("ENOENT");
    expect(linesOf(await run.read("csv/concurrency_sweep.csv"))).toHaveLength(4);
  });

  it("sends the scenario's own requests, also at their own times", { timeout: 60_000 }, async () => {
    await using space = await workspace();
    const requests = Array.from({ length: 24 }, (_, index) => ({
      messages: [{ role: "user", content: `Question ${index % 5}: what is a GPU?` }],
      ...{ output_tokens: 4 + (index % 3), at_s: index / 20 },
    }));
    await writeFile(join(space.cwd, "r.jsonl"), requests.map((each) => JSON.stringify(each)).join("\n"));
    const traffic = { file: "r.jsonl", endpoint: "chat", mode: "open" };
    await space.configure({ scenario: { probes: { traffic }, slo: { ttftP95Ms: 2000 } } });
    const run = await study(space.cwd, [...SMALL, "--concurrency", "1,4", "--traffic"]);
    expect(run.exitCode, run.summary).toBe(0);
    const tables = await run.tables();
    expect(tables.replay?.requests).toBe(48);
    expect(tables.slo).toEqual({ ttftP95Ms: 2000 });
    expect(tables.sweep.map(({ failed }) => failed)).toEqual([0, 0]);
    expect(await run.read("logs/batching_benchmark.md")).toContain("the scenario's own traffic");
  });
});

it("--traffic needs a file of requests", async () => {
  await using space = await workspace();
  await expect(study(space.cwd, ["--traffic"])).rejects.toThrow("no `probes.traffic`");
});

it.each([
  [["--concurrency", "1,0"], "expected a whole number from 1 to 1024"],
  [["--rates", "1,fast"], "expected requests per second"],
  [["--slo-ttft-p95-ms", "-1"], "expected milliseconds above 0"],
])("%j is refused", (given, message) => {
  const command = BATCHING_STUDY.addOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  expect(() => command.parse(given, { from: "user" })).toThrow(message);
});

it("notes say in the server's own words why requests failed", { timeout: 30_000 }, async () => {
  await using space = await workspace();
  await space.configure({ ...FOUR_SEATS, simulator: { FAULT: "http-500:2" } });
  const mixed = await study(space.cwd, [...SMALL, "--concurrency", "1", "--rounds", "1"]);
  expect((await mixed.tables()).sweep[0]?.notes[0]).toMatch(/^\d+ of \d+ requests failed: HTTP 500: /);
});
