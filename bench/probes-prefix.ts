/**
 * Prefix saving and hit rate of the `prefix` probe against their truth, on the simulator's engine in virtual time.
 *
 * The truth is the same engine without noise, asked many more times than the probe asks. What the probe finds is made of
 * its own plans, sent to an engine with the noise of an H200, and of the catalogue's own arithmetic.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CaseRecord, SessionRecord } from "../src/domain/run.ts";
import type { RequestTrace } from "../src/domain/trace.ts";
import { measureRun } from "../src/measure/measure.ts";
import type { CasePlan, PlannedRequest } from "../src/probe/case-plan.ts";
import { type PrefixOptions, prefixCell } from "../src/probe/prefix.ts";
import type { Deployment } from "../src/simulator/deployment.ts";
import { Simulation } from "../src/simulator/simulation.ts";
import { benchDeployment, PHI, QWEN } from "./deployments.ts";

/** A server whose prefix cache is measured. */
export interface PrefixDeployment {
  readonly name: string;
  /** A model that the simulator knows, or the `config.json` of one that it does not. */
  readonly model: string | Readonly<Record<string, unknown>>;
  /** A device that the simulator knows, or the fields of one that it does not. */
  readonly gpu: string | Readonly<Record<string, unknown>>;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A model and a device that no constant of the simulator was fitted to. */
const UNSEEN_MODEL = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 2560,
  intermediate_size: 7168,
  num_hidden_layers: 27,
  num_attention_heads: 40,
  num_key_value_heads: 8,
  vocab_size: 49_152,
  max_position_embeddings: 8192,
  torch_dtype: "bfloat16",
  tie_word_embeddings: false,
};
const UNSEEN_GPU = {
  name: "NVIDIA Imaginary 64GB",
  device: "cuda",
  computeCapability: 9.0,
  memoryMiB: 65_000,
  driverMiB: 510,
  reservedMiB: 300,
  hbmGBps: 1350,
  bf16Tflops: 260,
  nvlinkGBps: 100,
  bandwidthEfficiency: 0.75,
  flopsEfficiency: 0.5,
  layerOverheadUs: 60,
  loadGBps: 4,
  source: "Made up for the bench",
};

export const PREFIX_DEPLOYMENTS: readonly PrefixDeployment[] = [
  { name: "Qwen2.5-1.5B on an H200", model: QWEN, gpu: "h200" },
  { name: "Phi-3-mini on an A100", model: PHI, gpu: "a100" },
  { name: "Qwen2.5-1.5B on an L4, eager", model: QWEN, gpu: "l4", flags: ["--enforce-eager"] },
  { name: "unseen model on an unseen GPU", model: UNSEEN_MODEL, gpu: UNSEEN_GPU },
  { name: "caching off, unseen GPU", model: QWEN, gpu: UNSEEN_GPU, flags: ["--no-enable-prefix-caching"] },
  { name: "a cache that never hits", model: QWEN, gpu: "h200", env: { VLLM_SIM_REGRESSION: "prefix:off" } },
];

/** What the probe sends by default, and at eight in flight. */
export const PREFIX_OPTIONS: PrefixOptions = {
  regimes: [512, 1024, 2048],
  concurrency: [1, 8],
  requests: 20,
  suffixTokens: 64,
  outputTokens: 8,
};

/** Between a response and the next request of the same sender. */
const THINK_S = 0.3e-3;
/** Requests of each kind that the truth is made of: without noise they differ by nothing but their place in a wave. */
const TRUTH_REQUESTS = 64;

/** Sends plans to an engine in virtual time, and records what a session would. */
class VirtualSession {
  readonly #simulation: Simulation;
  readonly #round: number;
  #nowS = 100;
  readonly traces: RequestTrace[] = [];
  readonly cases: CaseRecord[] = [];

  constructor(deployment: Deployment, round = 0) {
    this.#simulation = new Simulation(deployment);
    this.#round = round;
  }

  run(plan: CasePlan, round = this.#round): void {
    this.#send(plan, plan.warmup, "warmup", round);
    const before = { ...this.#simulation.engine.scheduler.counters };
    const startS = this.#nowS;
    this.#send(plan, plan.measure, "measure", round);
    const after = this.#simulation.engine.scheduler.counters;
    this.cases.push({
      round,
      probe: plan.probe,
      case: plan.case,
      concurrency: plan.concurrency,
      mustMiss: plan.mustMiss,
      startS,
      endS: this.#nowS,
      counters: {
        promptTokens: null,
        generationTokens: null,
        prefixQueriedTokens: after.prefixQueries - before.prefixQueries,
        prefixHitTokens: after.prefixHits - before.prefixHits,
        preemptions: after.preemptions - before.preemptions,
      },
    });
    // Two readings of /metrics lie between one part and the next.
    this.#nowS += 0.01;
  }

  #send(
    plan: CasePlan,
    requests: readonly PlannedRequest[],
    phase: RequestTrace["phase"],
    round: number,
  ): void {
    const open = new Map<string, { request: PlannedRequest; startS: number; arrivals: [number, number][] }>();
    let next = 0;
    const submit = (startS: number) => {
      const request = requests[next];
      if (request === undefined) return;
      next += 1;
      open.set(request.id, { request, startS, arrivals: [] });
      const body = JSON.parse(request.body.toString("utf8")) as { prompt: number[]; max_tokens: number };
      this.#simulation.submit(startS, {
        id: request.id,
        prompt: body.prompt,
        maxTokens: body.max_tokens,
        minTokens: body.max_tokens,
        ignoreEos: true,
        temperature: 0,
        seed: 0,
        cacheSalt: "",
      });
    };
    for (let sender = 0; sender < plan.concurrency; sender += 1) submit(this.#nowS);
    while (open.size > 0) {
      this.#nowS = this.#simulation.nextTime();
      if (!Number.isFinite(this.#nowS)) throw new Error("the engine stopped before the case was done");
      for (const emission of this.#simulation.advance(this.#nowS)) {
        const sent = open.get(emission.id);
        if (sent === undefined) continue;
        sent.arrivals.push([emission.time, emission.tokens.length]);
        if (emission.finish === undefined) continue;
        open.delete(emission.id);
        this.traces.push({
          variant: "head",
          session: 0,
          round,
          probe: plan.probe,
          case: plan.case,
          phase,
          id: emission.id,
          promptTokens: sent.request.promptTokens ?? null,
          cachedTokens: null,
          outputTokens: sent.request.expectedTokens,
          startS: sent.startS,
          firstTokenS: sent.arrivals[0]?.[0] ?? null,
          lastTokenS: emission.time,
          endS: emission.time,
          arrivals: sent.arrivals,
          outcome: "ok",
          status: 200,
          error: null,
        });
        submit(emission.time + THINK_S);
      }
    }
    this.#nowS += THINK_S;
  }
}

/** Saving and hit rate by the ids of their metrics, over rounds of the probe on one engine. */
export function probePrefix(
  deployment: Deployment,
  options: PrefixOptions,
  { seed, rounds }: { readonly seed: string; readonly rounds: number },
): ReadonlyMap<string, number> {
  const session = new VirtualSession(deployment);
  for (let round = 0; round < rounds; round += 1) {
    for (const regime of options.regimes) {
      for (const concurrency of options.concurrency) {
        const target = { model: "model", seed };
        for (const plan of prefixCell(target, options, { regime, concurrency }, round, null)) {
          session.run(plan, round);
        }
      }
    }
  }
  const record: SessionRecord = { variant: "head", index: 0, outcome: "ok", cases: session.cases };
  const { measurements } = measureRun(
    {
      schemaVersion: 1,
      scenario: "bench",
      variants: { head: { args: [] } },
      fingerprint: {},
      sessions: [record],
    },
    session.traces,
  );
  const values = Map.groupBy(
    measurements.filter(({ metric }) => /\.(saving|hit_rate)$/.test(metric)),
    ({ metric }) => metric,
  );
  return new Map(
    [...values].map(([metric, of]) => [metric, of.reduce((sum, { value }) => sum + value, 0) / of.length]),
  );
}

/** The same on an engine without noise, with many requests. */
export function truePrefix(deployment: Deployment, options: PrefixOptions): ReadonlyMap<string, number> {
  return probePrefix(deployment, { ...options, requests: TRUTH_REQUESTS }, { seed: "truth", rounds: 1 });
}

/** One metric of one deployment: the truth, and what the probe found in several runs. */
export interface PrefixProbeRow {
  readonly name: string;
  readonly metric: string;
  readonly truth: number;
  readonly measured: readonly number[];
  /** The largest distance from the truth, in points (0.03 is 3). */
  readonly worst: number;
}

/**
 * Measures deployments with the probe, each in several runs, beside the truth.
 *
 * @param folder - where models and devices that are given as data are written
 */
export async function prefixProbeRows(
  folder: string,
  given: {
    readonly deployments?: readonly PrefixDeployment[];
    readonly options?: PrefixOptions;
    readonly runs?: number;
    readonly noise?: string;
  } = {},
): Promise<PrefixProbeRow[]> {
  const { deployments = PREFIX_DEPLOYMENTS, options = PREFIX_OPTIONS, runs = 20, noise = "jitter" } = given;
  const rows: PrefixProbeRow[] = [];
  for (const [index, each] of deployments.entries()) {
    const own = join(folder, String(index));
    await mkdir(own, { recursive: true });
    const put = async (name: string, value: string | object) => {
      if (typeof value === "string") return value;
      await writeFile(join(own, name), JSON.stringify(value));
      return join(own, name);
    };
    const config = await put("config.json", each.model);
    const model = typeof each.model === "string" ? config : own;
    const env = {
      VLLM_SIM_COMPILE_CACHE: "warm",
      VLLM_SIM_GPU: await put("gpu.json", each.gpu),
      ...each.env,
    };
    const deployed = (more: Readonly<Record<string, string>>) =>
      benchDeployment(each.flags ?? [], { ...env, ...more }, model);
    const truth = truePrefix(deployed({ VLLM_SIM_NOISE: "none" }), options);
    const measured = Array.from({ length: runs }, (_, run) =>
      probePrefix(deployed({ VLLM_SIM_NOISE: noise, VLLM_SIM_SEED: String(run + 1) }), options, {
        seed: `run-${run}`,
        rounds: 2,
      }),
    );
    for (const [metric, value] of truth) {
      const found = measured.map((values) => values.get(metric) ?? Number.NaN);
      const worst = Math.max(...found.map((each) => Math.abs(each - value)));
      rows.push({ name: each.name, metric, truth: value, measured: found, worst });
    }
  }
  return rows;
}

/** Farther from the truth a saving may not be. */
export const MOST_POINTS = 0.03;

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), "vllm-gate-prefix-"));
  const noise = process.argv[2] ?? "jitter";
  const rows = await prefixProbeRows(folder, { noise });
  await rm(folder, { recursive: true });
  const points = (share: number) => (share * 100).toFixed(2).padStart(7);
  for (const { name, metric, truth, measured, worst } of rows) {
    const mean = measured.reduce((sum, value) => sum + value, 0) / measured.length;
    process.stdout.write(
      `${name.padEnd(32)} ${metric.padEnd(26)} truth ${points(truth)}  measured ${points(mean)}  worst of ${measured.length} ${points(worst)} points\n`,
    );
  }
  // A NaN is no agreement.
  process.exitCode = rows.every(({ worst }) => worst <= MOST_POINTS) ? 0 : 1;
}
