/**
 * The whole batching study over real HTTP: the simulator as a server of its own, this machine's clock and sockets, a few
 * seeds. The knee is that of the same server in virtual time; goodput is what the server itself says that it served
 * (`VLLM_SIM_TRUTH`).
 *
 *     node bench/probes-http.ts [SEEDS]
 *
 * Takes half a minute a seed, on a machine that does nothing else. Exits 1 when a knee is wrong, or the goodput of the
 * levels is off by more than 2 % on average.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { parseConfig, policyOf, resolveConfig } from "../src/config/load.ts";
import type { BatchingTables } from "../src/domain/batching-study.ts";
import { batchingTables } from "../src/measure/batching-study.ts";
import { groupTraces } from "../src/measure/case-data.ts";
import { BATCHING_STUDY } from "../src/studies/batching.ts";
import { runStudy } from "../src/study.ts";
import { readRunFolder } from "../src/system/run-folder.ts";
import { QWEN } from "./deployments.ts";
import { type BatchingCase, goodputErrors, servedTraces, trueBatching } from "./probes-batching.ts";

const COMMAND = [
  process.execPath,
  fileURLToPath(new URL("../src/simulator/main.ts", import.meta.url)),
  "serve",
];

/** More than four at once only wait. Two cores serve and measure it: no level may need more of them than there is. */
const TARGET: BatchingCase = {
  name: "H200, Qwen 1.5B, --max-num-seqs 4, over HTTP",
  model: QWEN,
  flags: ["--max-num-seqs", "4"],
  env: {},
  concurrency: [1, 2, 4, 8, 16],
  rates: [],
  promptTokens: 200,
  outputTokens: 64,
  slo: { ttftP95Ms: 400, e2eP95Ms: 600 },
};

const OPTIONS = [
  ...["--concurrency", TARGET.concurrency.join(","), "--n", "16", "--concurrent", "4", "--waves", "3"],
  ...["--rounds", "2", "--prompt-tokens", String(TARGET.promptTokens)],
  ...["--output-tokens", String(TARGET.outputTokens)],
  ...["--slo-ttft-p95-ms", String(TARGET.slo?.ttftP95Ms), "--slo-e2e-p95-ms", String(TARGET.slo?.e2eP95Ms)],
];

interface HttpFinding {
  readonly knee: number | null;
  readonly plausible: readonly number[];
  readonly errors: readonly number[];
}

/** Runs the study against a simulator with a seed, as its command would. */
async function studyOverHttp(folder: string, seed: number): Promise<HttpFinding> {
  const truthFile = join(folder, `truth-${seed}.jsonl`);
  const env = {
    VLLM_SIM_STARTUP_SCALE: "0.001",
    VLLM_SIM_COMPILE_CACHE: "warm",
    VLLM_SIM_SEED: String(seed),
    VLLM_SIM_TRUTH: truthFile,
  };
  const args = ["--max-model-len", "4096", ...TARGET.flags];
  const file = parseConfig(
    JSON.stringify({
      scenarios: { http: { model: TARGET.model, command: COMMAND, args, env } },
      onDirty: "note",
      policy: { allowCommands: [COMMAND] },
    }),
    "bench",
  );
  const config = resolveConfig({
    file,
    fileName: "bench",
    overrides: {},
    nameOverride: (key) => key,
    policy: policyOf(file, "bench"),
  });
  const options = BATCHING_STUDY.readOptions(
    BATCHING_STUDY.addOptions(new Command()).parse(OPTIONS, { from: "user" }).opts(),
  );
  const world = {
    cwd: folder,
    environment: process.env,
    log: { step: () => {}, warn: () => {} },
    signal: new AbortController().signal,
    runsDir: join(folder, "runs"),
  };
  const { runDir, summary } = await runStudy(BATCHING_STUDY, options, config, world, {
    command: "vllm-gate study batching",
  });
  const text = await readFile(join(runDir, "batching.json"), "utf8").catch(() => null);
  if (text === null) throw new Error(`seed ${seed}: nothing was measured\n${summary}`);
  const { advice, sweep, slo } = JSON.parse(text) as BatchingTables;
  const { run, traces } = await readRunFolder(runDir);
  const served = groupTraces(run.sessions, servedTraces(await readFile(truthFile, "utf8"), traces));
  const grid = { concurrency: TARGET.concurrency, rates: [], benchmarkConcurrency: 4, slo };
  return {
    knee: advice.knee?.load ?? null,
    plausible: advice.knee?.plausible.map(({ load }) => load) ?? [],
    errors: goodputErrors(sweep, batchingTables(served, grid).sweep),
  };
}

const seeds = Number(process.argv[2] ?? 3);
const folder = await mkdtemp(join(tmpdir(), "vllm-gate-http-"));
try {
  const errors: number[] = [];
  let [right, covered] = [0, 0];
  for (let seed = 1; seed <= seeds; seed += 1) {
    const truth = trueBatching(TARGET, seed, "jitter");
    const found = await studyOverHttp(folder, seed);
    if (found.knee === truth.knee) right += 1;
    if (truth.knee !== null && found.plausible.includes(truth.knee)) covered += 1;
    errors.push(...found.errors);
    process.stdout.write(
      `seed ${seed}: knee ${found.knee ?? "none"} (truth ${truth.knee ?? "none"}), goodput of the levels off by ` +
        `${found.errors.map((error) => `${(error * 100).toFixed(2)} %`).join(", ")}\n`,
    );
  }
  const mean = errors.reduce((sum, error) => sum + error, 0) / Math.max(1, errors.length);
  process.stdout.write(
    `${TARGET.name}: knee right in ${right} of ${seeds}, plausible in ${covered}; goodput off by ` +
      `${(mean * 100).toFixed(2)} % (at most ${(Math.max(0, ...errors) * 100).toFixed(2)} %)\n`,
  );
  process.exitCode = right === seeds && mean <= 0.02 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true });
}
