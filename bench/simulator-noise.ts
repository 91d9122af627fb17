/**
 * `npm run bench:simulator-noise`: how far equal rounds lie apart under the simulator's noise `h200`, against what was
 * measured on H200 hosts with real vLLM 0.22.0: 14 identical rounds in 8 restarts.
 *
 * Each simulated experiment is such a set of rounds. Printed for each quantity: the range that was measured, the median
 * over the experiments, and their own 10 to 90 % range, since one set of 14 rounds says little about a spread. Exits
 * with 1 when a measured range and a simulated one do not touch.
 */
import { Simulation } from "../src/simulator/simulation.ts";
import { benchDeployment } from "./deployments.ts";
import { quantile } from "./fixture.ts";
import { BenchClient, type SeenLoad, uniquePrompts } from "./load.ts";
import { sampleOf } from "./rows.ts";

/** Rounds of each restart. */
const RESTARTS = [2, 2, 2, 2, 2, 2, 1, 1];
const EXPERIMENTS = Number(process.argv[2] ?? 16);

type Round = Record<string, SeenLoad>;

interface Session {
  slow: boolean;
  rounds: Round[];
}

function session(seed: number, rounds: number): Session {
  const env = { VLLM_SIM_NOISE: "h200", VLLM_SIM_SEED: `${seed}`, VLLM_SIM_COMPILE_CACHE: "warm" };
  const simulation = new Simulation(benchDeployment([], env));
  const client = new BenchClient(simulation);
  const slow = simulation.noise.sessionFactor > 1;
  return { slow, rounds: Array.from({ length: rounds }, (_, i) => round(client, seed * 10 + i)) };
}

function round(client: BenchClient, seed: number): Round {
  const same = uniquePrompts(256, seed)();
  const shared = uniquePrompts(1024, seed + 1)();
  const suffix = uniquePrompts(32, seed + 2);
  const loads: Round = {};
  const load = (
    name: string,
    concurrency: number,
    requests: number,
    outputTokens: number,
    prompt: () => number[],
  ) => {
    client.run({ concurrency, requests: concurrency, outputTokens: 8, prompt });
    loads[name] = client.run({ concurrency, requests, outputTokens, prompt });
  };
  load("warm", 1, 30, 64, () => same);
  load("uncached", 1, 20, 16, uniquePrompts(1024, seed + 3));
  load("cached", 1, 20, 16, () => [...shared, ...suffix()]);
  for (const concurrency of [1, 8, 32, 64])
    load(`c${concurrency}`, concurrency, Math.max(24, 2 * concurrency), 128, uniquePrompts(200, seed + 4));
  return loads;
}

const ttft = (load: SeenLoad): number[] => sampleOf(load).ttftMs;
const e2e = (load: SeenLoad): number[] => sampleOf(load).e2eMs;
const tpot = (load: SeenLoad): number[] =>
  e2e(load).map((total, i) => (total - ttft(load)[i]!) / (load.outputTokens - 1));
const speed = (load: SeenLoad): number => (load.requests.length * load.outputTokens * 1000) / load.wallMs;

/** Standard deviation over mean. */
function variation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1)) / mean;
}

/** A spread: its name, what was measured (a range, shares), and how an experiment gives it. */
interface Spread {
  name: string;
  measured: [number, number];
  of: (sessions: readonly Session[]) => number;
}

/** Slow sessions are a mode of their own; what was measured at 32 concurrent has them in it. */
function counted(sessions: readonly Session[], wide: boolean): readonly Session[] {
  return sessions.filter(({ slow }) => wide || !slow);
}

const overRounds =
  (name: string, of: (load: SeenLoad) => number[], share: number) =>
  (sessions: readonly Session[]): number => {
    const rounds = counted(sessions, name === "c32").flatMap((each) => each.rounds);
    return variation(rounds.map((each) => quantile(of(each[name]!), share)));
  };

/** Of each session its best round. */
const overRestarts =
  (value: (round: Round) => number, best: (...values: number[]) => number, wide = false) =>
  (sessions: readonly Session[]): number =>
    variation(counted(sessions, wide).map(({ rounds }) => best(...rounds.map(value))));

const floor = (name: string, of: (load: SeenLoad) => number[]) => (each: Round) =>
  quantile(of(each[name]!), 0.1);

/** One round's quantile over the rounds: measured ranges of p10, p50 and p95. */
function quantiles(
  title: string,
  name: string,
  of: (load: SeenLoad) => number[],
  measured: [[number, number], [number, number], [number, number]],
): Spread[] {
  return [0.1, 0.5, 0.95].map((share, i) => ({
    name: `${title}: p${share * 100} of a round`,
    measured: measured[i]!,
    of: overRounds(name, of, share),
  }));
}

const TPOT_MEASURED: [[number, number], [number, number], [number, number]] = [
  [0.002, 0.005],
  [0.002, 0.053],
  [0.01, 0.08],
];
const WIDE_MEASURED: [[number, number], [number, number], [number, number]] = [
  [0.04, 0.05],
  [0.07, 0.09],
  [0.08, 0.18],
];

const SPREADS: readonly Spread[] = [
  ...quantiles("TPOT, 1 concurrent", "c1", tpot, TPOT_MEASURED),
  ...quantiles("TPOT, 8 concurrent", "c8", tpot, TPOT_MEASURED),
  ...quantiles("end to end, 64 tokens", "warm", e2e, [
    [0.003, 0.003],
    [0.006, 0.006],
    [0.036, 0.036],
  ]),
  ...quantiles("TTFT, 256 tokens, warm", "warm", ttft, [
    [0.038, 0.038],
    [0.083, 0.083],
    [0.107, 0.107],
  ]),
  ...quantiles("TTFT, 1024 tokens, uncached", "uncached", ttft, [
    [0.09, 0.09],
    [0.118, 0.118],
    [0.198, 0.198],
  ]),
  ...quantiles("TPOT, 32 concurrent", "c32", tpot, WIDE_MEASURED),
  ...quantiles("TPOT, 64 concurrent", "c64", tpot, WIDE_MEASURED),
  {
    name: "restarts: TPOT floor, 1 concurrent",
    measured: [0.002, 0.003],
    of: overRestarts(floor("c1", tpot), Math.min),
  },
  {
    name: "restarts: TPOT floor, 8 concurrent",
    measured: [0.002, 0.003],
    of: overRestarts(floor("c8", tpot), Math.min),
  },
  {
    name: "restarts: throughput, 8 concurrent",
    measured: [0.01, 0.01],
    of: overRestarts((each) => speed(each["c8"]!), Math.max),
  },
  {
    name: "restarts: throughput, 32 concurrent",
    measured: [0.06, 0.06],
    of: overRestarts((each) => speed(each["c32"]!), Math.max, true),
  },
  {
    name: "restarts: throughput, 64 concurrent",
    measured: [0.03, 0.03],
    of: overRestarts((each) => speed(each["c64"]!), Math.max),
  },
  {
    name: "restarts: TTFT floor, warm",
    measured: [0.03, 0.04],
    of: overRestarts(floor("warm", ttft), Math.min),
  },
  {
    name: "restarts: TTFT floor, cached 1024",
    measured: [0.03, 0.04],
    of: overRestarts(floor("cached", ttft), Math.min),
  },
  {
    name: "restarts: TTFT floor, uncached 1024",
    measured: [0.11, 0.11],
    of: overRestarts(floor("uncached", ttft), Math.min),
  },
];

function main(): void {
  const experiments = Array.from({ length: EXPERIMENTS }, (_, e) =>
    RESTARTS.map((rounds, r) => session(1 + e * RESTARTS.length + r, rounds)),
  );
  const all = experiments.flat();
  const percent = (share: number): string => (share * 100).toFixed(1);
  let off = 0;
  const lines = SPREADS.map(({ name, measured, of }) => {
    const values = experiments.map(of);
    const [low, middle, high] = [0.1, 0.5, 0.9].map((share) => quantile(values, share)) as [
      number,
      number,
      number,
    ];
    const touches =
      Number(percent(low)) <= Number(percent(measured[1])) &&
      Number(percent(high)) >= Number(percent(measured[0]));
    if (!touches) off++;
    const range = measured[0] === measured[1] ? percent(measured[0]) : measured.map(percent).join("..");
    return [name, range, percent(middle), `${percent(low)}..${percent(high)}`, touches ? "agrees" : "OFF"];
  });
  const table = [["spread, % of the mean", "measured", "median", "10..90 %", ""], ...lines];
  const widths = table[0]!.map((_, i) => Math.max(...table.map((line) => line[i]!.length)));
  const text = table.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  "),
  );
  const slow = all.filter((each) => each.slow).length;
  process.stdout.write(
    `Noise 'h200': ${EXPERIMENTS} experiments of 14 rounds in 8 restarts, Qwen2.5-1.5B shape, virtual time.\n` +
      "Spreads are over the sessions that are not slow ones; at 32 concurrent over all.\n\n" +
      `${text.join("\n")}\n\n` +
      `slow sessions: ${slow} of ${all.length} (measured: one in four)\n` +
      `${SPREADS.length - off} of ${SPREADS.length} spreads agree\n`,
  );
  process.exitCode = off === 0 ? 0 : 1;
}

main();
