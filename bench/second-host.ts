/**
 * Real H200 sessions of other hosts with other flags, loads and models, measured by vllm-gate itself. Since constants
 * have been fitted to them, too (costs.json and gpus.json say which), they say how far one set of causes carries over
 * flags and loads, and no longer what it makes of unseen ones.
 */
import { readFileSync } from "node:fs";
import { planMemory } from "../src/simulator/memory-plan.ts";
import { Simulation } from "../src/simulator/simulation.ts";
import { benchDeployment } from "./deployments.ts";
import { median } from "./fixture.ts";
import { BenchClient, type SeenLoad, uniquePrompts } from "./load.ts";
import { type Row, STATISTICS, sampleOf } from "./rows.ts";

interface SecondHostLoad {
  readonly case: string;
  readonly round: number;
  readonly concurrency: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly wallMs: number;
  readonly ttftMs: number[];
  readonly e2eMs: number[];
}

interface SecondHostSession {
  readonly name: string;
  readonly model: string;
  readonly flags: string[];
  readonly kvTokens: number;
  readonly loads: SecondHostLoad[];
}

const FILE = new URL("data/h200-second-host.json", import.meta.url);

/** Rows of every session, in the order of the file. Sessions of one name are restarts of each other. */
export function secondHostRows(env: Readonly<Record<string, string>>): Row[] {
  const { sessions } = JSON.parse(readFileSync(FILE, "utf8")) as { sessions: SecondHostSession[] };
  const names = [...new Set(sessions.map((session) => session.name))];
  return names.flatMap((name) =>
    rowsOf(
      sessions.filter((session) => session.name === name),
      env,
    ),
  );
}

function rowsOf(sessions: readonly SecondHostSession[], env: Readonly<Record<string, string>>): Row[] {
  const [first] = sessions;
  if (first === undefined) return [];
  const deployment = benchDeployment(first.flags, env, first.model);
  const client = new BenchClient(new Simulation(deployment));
  const capacity: Row = {
    set: first.name,
    quantity: "KV cache size",
    unit: "tokens",
    measured: first.kvTokens,
    range: undefined,
    simulated: planMemory(deployment).kvTokens,
    tolerance: 0.01,
    rangeCounts: false,
  };
  const cases = [...new Set(first.loads.map((load) => load.case))];
  return [capacity, ...cases.flatMap((name) => caseRows(name, sessions, client))];
}

function caseRows(name: string, sessions: readonly SecondHostSession[], client: BenchClient): Row[] {
  const measured = sessions.flatMap((session) => session.loads.filter((load) => load.case === name));
  const simulated = simulate(measured[0] as SecondHostLoad, client);
  const { concurrency } = measured[0] as SecondHostLoad;
  const wide = concurrency > 16;
  return STATISTICS.filter((each) => name !== "ttft.warm" || each.label.startsWith("TTFT")).map(
    (statistic) => {
      const values = measured.map(statistic.of);
      const tolerance = statistic.label.startsWith("TTFT") || wide ? 0.25 : 0.1;
      return {
        set: (sessions[0] as SecondHostSession).name,
        quantity: `${name}: ${statistic.label}`,
        unit: statistic.unit,
        measured: median(values),
        range:
          values.length > 1 ? ([Math.min(...values), Math.max(...values)] as [number, number]) : undefined,
        simulated: statistic.of(sampleOf(simulated)),
        tolerance,
        rangeCounts: tolerance === 0.25,
      };
    },
  );
}

/** The load as the gate sends it: a warm-up wave of its own concurrency, then the measured requests. */
function simulate(load: SecondHostLoad, client: BenchClient): SeenLoad {
  const { concurrency, outputTokens, promptTokens } = load;
  const constant = uniquePrompts(promptTokens, 11)();
  const prompt = load.case === "ttft.warm" ? () => constant : uniquePrompts(promptTokens, 12 + concurrency);
  client.run({ concurrency, requests: concurrency, outputTokens, prompt });
  return client.run({ concurrency, requests: load.ttftMs.length, outputTokens, prompt });
}
