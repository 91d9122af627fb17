/**
 * Knee and goodput of the batching study against their truth, on the simulator's engine in virtual time.
 *
 * The truth of a curve is the same engine under the same closed loop, for many more requests than a study sends. It is the
 * truth of that very session: one that is 30 % slower than others of its kind, as one in four is, serves less, and a study
 * that says so is right. Its slow spells of some seconds are left out: those are what a study should see through. What a
 * study finds is measured with all of the noise, by the study's own code, from as many requests as it sends.
 *
 *     node bench/probes-batching.ts [SEEDS [CASE…]]
 *
 * Exits 1 when a knee is wrong, or the goodput of a server is off by more than 2 % on average; how many levels are beyond
 * 2 % is printed.
 */
import type { LoadRow } from "../src/domain/batching-study.ts";
import { rateCase, sweepCase } from "../src/domain/batching-study.ts";
import type { Slo } from "../src/domain/operating.ts";
import type { CaseRecord, SessionRecord } from "../src/domain/run.ts";
import type { RequestTrace } from "../src/domain/trace.ts";
import { batchingTables } from "../src/measure/batching-study.ts";
import { groupTraces } from "../src/measure/case-data.ts";
import { levelOf, roundsOf } from "../src/measure/load-rows.ts";
import { poissonTimes } from "../src/probe/open-loop.ts";
import type { Deployment } from "../src/simulator/deployment.ts";
import type { Noise } from "../src/simulator/noise.ts";
import type { Emission } from "../src/simulator/simulation.ts";
import { Simulation } from "../src/simulator/simulation.ts";
import { benchDeployment, PHI, QWEN } from "./deployments.ts";
import { uniquePrompts } from "./load.ts";

/** A server and the study of it. */
export interface BatchingCase {
  readonly name: string;
  /** A model that the simulator knows, or a folder with a `config.json`. */
  readonly model: string;
  readonly flags: readonly string[];
  /** `VLLM_SIM_*`: the GPU by name or as a file. */
  readonly env: Readonly<Record<string, string>>;
  readonly concurrency: readonly number[];
  readonly rates: readonly number[];
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly slo: Slo | null;
}

/** How much is sent. */
interface Effort {
  readonly rounds: number;
  /** Requests of a level: at least so many, and so many times its concurrency. */
  readonly least: number;
  readonly waves: number;
}

/** What `vllm-gate study batching` sends by default, and what counts as the truth. */
const STUDY: Effort = { rounds: 3, least: 32, waves: 3 };
const TRUTH: Effort = { rounds: 1, least: 400, waves: 25 };

/** How long a study sends each rate in a round by default. */
const OPEN_S = 30;
/** Between a response and the next request of the same sender. */
const THINK_S = 0.2e-3;

/** A client of one simulated server in virtual time, which leaves traces as the real one does. */
class TracingClient {
  readonly #simulation: Simulation;
  #nowS = 100;
  #sent = 0;

  constructor(deployment: Deployment, spells: boolean) {
    this.#simulation = new Simulation(deployment);
    if (!spells) withoutSpells(this.#simulation.noise);
  }

  /**
   * Sends the requests of one case to its end.
   *
   * @param timesS - when each is sent, in an open loop; absent: `concurrency` at a time
   */
  run(load: {
    readonly concurrency: number;
    readonly requests: number;
    readonly outputTokens: number;
    readonly prompt: () => number[];
    readonly timesS?: readonly number[];
    readonly name: string;
    readonly round: number;
  }): RequestTrace[] {
    const begunS = this.#nowS;
    const open = new Map<string, { id: string; startS: number; arrivals: [number, number][] }>();
    const done: RequestTrace[] = [];
    const starts =
      load.timesS?.map((atS) => begunS + atS) ??
      Array.from({ length: Math.min(load.concurrency, load.requests) }, () => begunS);
    let planned = starts.length;
    while (done.length < load.requests) {
      const startS = starts[0] ?? Number.POSITIVE_INFINITY;
      this.#nowS = Math.min(startS, this.#simulation.nextTime());
      if (this.#nowS === Number.POSITIVE_INFINITY) throw new Error("the simulation stopped before its load");
      if (startS <= this.#nowS) {
        starts.shift();
        const id = `r${this.#sent++}`;
        open.set(id, { id, startS: this.#nowS, arrivals: [] });
        this.#submit(id, load.prompt(), load.outputTokens);
      }
      for (const emission of this.#simulation.advance(this.#nowS)) {
        const entry = open.get(emission.id);
        if (entry === undefined) continue;
        entry.arrivals.push([emission.time, emission.tokens.length]);
        if (emission.finish === undefined) continue;
        done.push(traceOf(entry, load.name, load.round, emission, load.timesS !== undefined));
        if (planned++ < load.requests) starts.push(emission.time + THINK_S);
      }
    }
    this.#nowS += 0.5;
    return done;
  }

  #submit(id: string, prompt: number[], outputTokens: number): void {
    this.#simulation.submit(this.#nowS, {
      id,
      prompt,
      maxTokens: outputTokens,
      minTokens: outputTokens,
      ignoreEos: true,
      temperature: 0,
      seed: 0,
      cacheSalt: "",
    });
  }
}

/**
 * Leaves a server's noise what is its session's own and each request's own. Spells have no setting of their own, so this
 * reaches into the noise.
 */
function withoutSpells(noise: Noise): void {
  const { session } = noise as unknown as { readonly session: { readonly host: number } };
  Object.assign(noise, { slowness: () => 1, host: () => session.host });
}

function traceOf(
  { id, startS, arrivals }: { id: string; startS: number; arrivals: [number, number][] },
  name: string,
  round: number,
  last: Emission,
  isOpen: boolean,
): RequestTrace {
  return {
    variant: "head",
    session: 0,
    round,
    probe: "batching",
    case: name,
    phase: "measure",
    id,
    promptTokens: last.record.request.prompt.length,
    cachedTokens: last.record.cached,
    outputTokens: arrivals.reduce((sum, [, tokens]) => sum + tokens, 0),
    ...(isOpen ? { plannedS: startS } : {}),
    startS,
    firstTokenS: arrivals[0]?.[0] ?? null,
    lastTokenS: last.time,
    endS: last.time,
    arrivals,
    outcome: "ok",
    status: 200,
    error: null,
  };
}

/** What a study of a server says, or the truth about it. */
export interface BatchingFinding {
  readonly knee: number | null;
  /** Loads that the study itself calls plausible, with their shares. */
  readonly plausible: readonly { readonly load: number; readonly share: number }[];
  readonly sweep: readonly LoadRow[];
  readonly rates: readonly LoadRow[];
  /** Tokens per second of each round, for each level of the sweep. */
  readonly rounds: readonly (readonly number[])[];
}

function measure(
  target: BatchingCase,
  env: Readonly<Record<string, string>>,
  effort: Effort,
  seed: number,
): BatchingFinding {
  const isTruth = effort === TRUTH;
  const deployment = benchDeployment(
    target.flags,
    { VLLM_SIM_COMPILE_CACHE: "warm", ...target.env, ...env },
    target.model,
  );
  const client = new TracingClient(deployment, !isTruth);
  const prompt = uniquePrompts(target.promptTokens, seed + (isTruth ? 1001 : 1));
  const traces: RequestTrace[] = [];
  const send = (
    name: string,
    round: number,
    concurrency: number,
    requests: number,
    timesS?: readonly number[],
  ) => {
    const shared = { concurrency, outputTokens: target.outputTokens, prompt, name, round };
    client.run({ ...shared, requests: Math.min(concurrency, 8) });
    traces.push(...client.run({ ...shared, requests, ...(timesS === undefined ? {} : { timesS }) }));
  };
  for (let round = 0; round < effort.rounds; round += 1) {
    for (const each of target.concurrency) {
      send(
        sweepCase(each),
        round,
        each,
        (Math.ceil(Math.max(effort.least, effort.waves * each) / each) + 2) * each,
      );
    }
  }
  for (let round = 0; round < STUDY.rounds; round += 1) {
    for (const rate of target.rates) {
      // The same arrivals on both sides, or their own chance would be compared too.
      const count = Math.max(STUDY.least, Math.ceil(rate * OPEN_S));
      const arrivals = poissonTimes(`${target.name}/${rate}/${round}`, rate, count);
      send(rateCase(rate), round, 8, count, arrivals);
    }
  }
  const caseRecord = (name: string, concurrency: number, round: number): CaseRecord => ({
    ...{
      round,
      probe: "batching",
      case: name,
      concurrency,
      mustMiss: true,
      startS: 0,
      endS: 0,
      counters: null,
    },
  });
  const rounds = Array.from({ length: effort.rounds }, (_, round) => round);
  const cases = rounds.flatMap((round) =>
    target.concurrency.map((each) => caseRecord(sweepCase(each), each, round)),
  );
  const record: SessionRecord = { variant: "head", index: 0, outcome: "ok", cases };
  const grid = {
    concurrency: target.concurrency,
    rates: target.rates,
    benchmarkConcurrency: 8,
    slo: target.slo,
  };
  const sessions = groupTraces([record], traces);
  const { advice, sweep, rates } = batchingTables(sessions, grid);
  const perRound = target.concurrency.map((each) =>
    levelOf(each, roundsOf(sessions, `batching.${sweepCase(each)}`)).rounds.map((round) => round.tokensPerS),
  );
  return {
    knee: advice.knee?.load ?? null,
    plausible: advice.knee?.plausible ?? [],
    sweep,
    rates,
    rounds: perRound,
  };
}

/** Noise of requests alone, or with slow rounds and sessions. */
export type BenchNoise = "jitter" | "h200";

const noiseOf = (seed: number, noise: BenchNoise) => ({
  VLLM_SIM_NOISE: noise,
  VLLM_SIM_SEED: String(seed),
});

/** What a server's session serves, over many requests. */
export function trueBatching(target: BatchingCase, seed: number, noise: BenchNoise): BatchingFinding {
  return measure(target, noiseOf(seed, noise), TRUTH, seed);
}

/** What a study of it finds. */
export function studiedBatching(target: BatchingCase, seed: number, noise: BenchNoise): BatchingFinding {
  return measure(target, noiseOf(seed, noise), STUDY, seed);
}

/** How a study compares with the truth over many seeds. */
export interface BatchingScore {
  readonly name: string;
  /** Of each seed: an SLO may move the knee of a slow session. */
  readonly trueKnees: readonly (number | null)[];
  readonly seeds: number;
  readonly kneeRight: number;
  /** Seeds whose true knee is among the study's own plausible ones. */
  readonly kneeCovered: number;
  /** Relative errors of the goodput of the levels of all seeds: of the closed loop, and of the open one. */
  readonly closed: readonly number[];
  readonly open: readonly number[];
}

/** What the goodput of a level may be off by, on average. */
const GOODPUT_LIMIT = 0.02;

/**
 * The same requests with the times of the server itself: when it had read each, and when it wrote each event
 * (`VLLM_SIM_TRUTH`). What a study finds in these is what it should have found in its own.
 *
 * @param truth - lines of the truth file of one session
 * @param traces - all requests of that session but the first completion
 */
export function servedTraces(truth: string, traces: readonly RequestTrace[]): RequestTrace[] {
  interface Served {
    readonly receivedNs: number;
    readonly writtenNs: readonly number[];
    readonly tokens: readonly number[];
  }
  const served = truth
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Served)
    .sort((a, b) => a.receivedNs - b.receivedNs)
    .slice(1);
  const sent = traces.toSorted((a, b) => a.startS - b.startS);
  if (served.length !== sent.length)
    throw new Error(`${sent.length} traces, ${served.length} served requests`);
  return sent.map((trace, index) => {
    const { receivedNs, writtenNs, tokens } = served[index]!;
    const arrivals = writtenNs.map((atNs, event): [number, number] => [atNs / 1e9, tokens[event] ?? 0]);
    const lastS = arrivals.at(-1)?.[0] ?? null;
    const startS = receivedNs / 1e9;
    return {
      ...trace,
      startS,
      arrivals,
      firstTokenS: arrivals[0]?.[0] ?? null,
      lastTokenS: lastS,
      endS: lastS ?? startS,
    };
  });
}

/** Relative errors at the levels that have any goodput in truth. */
export function goodputErrors(found: readonly LoadRow[], truth: readonly LoadRow[]): number[] {
  return found.flatMap((row) => {
    const right = truth.find(({ load }) => load === row.load)?.goodputRps ?? 0;
    return row.goodputRps === null || right === 0 ? [] : [Math.abs(row.goodputRps / right - 1)];
  });
}

/** Studies a server with many seeds. */
export function scoreBatching(target: BatchingCase, seeds: number, noise: BenchNoise): BatchingScore {
  const closed: number[] = [];
  const open: number[] = [];
  const trueKnees: (number | null)[] = [];
  let kneeRight = 0;
  let kneeCovered = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const truth = trueBatching(target, seed, noise);
    const found = studiedBatching(target, seed, noise);
    trueKnees.push(truth.knee);
    if (found.knee === truth.knee) kneeRight += 1;
    if (found.plausible.some(({ load }) => load === truth.knee)) kneeCovered += 1;
    closed.push(...goodputErrors(found.sweep, truth.sweep));
    open.push(...goodputErrors(found.rates, truth.rates));
  }
  return {
    name: target.name,
    trueKnees,
    seeds,
    kneeRight,
    kneeCovered,
    closed,
    open,
  };
}

const SWEEP = [1, 2, 4, 8, 16, 32];
const WORK = { concurrency: SWEEP, rates: [], promptTokens: 200, outputTokens: 64 } as const;

/** Servers whose knees lie at different levels, for different reasons. */
export const BATCHING_CASES: readonly BatchingCase[] = [
  {
    ...WORK,
    name: "H200, Qwen 1.5B, --max-num-seqs 8",
    model: QWEN,
    flags: ["--max-num-seqs", "8"],
    env: {},
    rates: [20, 35],
    slo: { itlP95Ms: 20, e2eP95Ms: 400 },
  },
  {
    ...WORK,
    name: "A100, Phi-3 mini, --max-num-seqs 16",
    model: PHI,
    flags: ["--max-num-seqs", "16"],
    env: { VLLM_SIM_GPU: "a100" },
    slo: { itlP95Ms: 20, e2eP95Ms: 1000 },
  },
  {
    ...WORK,
    name: "H100, SmolLM2 135M, --max-num-seqs 4",
    model: "HuggingFaceTB/SmolLM2-135M-Instruct",
    flags: ["--max-num-seqs", "4"],
    env: { VLLM_SIM_GPU: "h100" },
    slo: null,
  },
  {
    ...WORK,
    name: "L4, Phi-3 mini, prompts of 1,500 tokens in a small KV cache",
    model: PHI,
    flags: ["--gpu-memory-utilization", "0.45"],
    env: { VLLM_SIM_GPU: "l4" },
    concurrency: [1, 2, 4, 8, 16],
    promptTokens: 1500,
    slo: null,
  },
];

const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
const meanOf = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function errorText(errors: readonly number[]): string {
  if (errors.length === 0) return "not asked for";
  const beyond = errors.filter((error) => error > GOODPUT_LIMIT).length;
  return `off by ${percent(meanOf(errors))}, at most ${percent(Math.max(...errors))}, beyond 2 % in ${beyond} of ${errors.length}`;
}

/**
 * Whether the knee was right for every seed, and the goodput right on average. Of an open loop only without slow spells:
 * arrivals do not wait until one is over, so that near the server's limit it makes a queue for the rest of the round, and
 * what was served meanwhile is what it was. A closed loop has its other rounds.
 */
export function meets({ kneeRight, seeds, closed, open }: BatchingScore, noise: BenchNoise): boolean {
  return (
    kneeRight === seeds &&
    meanOf(closed) <= GOODPUT_LIMIT &&
    (noise === "h200" || meanOf(open) <= GOODPUT_LIMIT)
  );
}

/** A line for each server and noise. */
export function batchingLines(scores: readonly (BatchingScore & { readonly noise: string })[]): string[] {
  return scores.map(
    (score) =>
      `${score.name}, noise ${score.noise}: knee ${[...new Set(score.trueKnees)].join(" or ")} right in ${score.kneeRight} of ${score.seeds}, ` +
      `plausible in ${score.kneeCovered}; goodput, closed loop: ${errorText(score.closed)}; open loop: ${errorText(score.open)}`,
  );
}

if (import.meta.main) {
  const [seeds = "20", ...chosen] = process.argv.slice(2);
  const cases = BATCHING_CASES.filter((_, place) => chosen.length === 0 || chosen.includes(String(place)));
  for (const target of cases) {
    for (const noise of ["jitter", "h200"] as const) {
      const score = scoreBatching(target, Number(seeds), noise);
      process.stdout.write(`${batchingLines([{ ...score, noise }])[0]}\n`);
      if (!meets(score, noise)) process.exitCode = 1;
    }
  }
}
