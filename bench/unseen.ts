/**
 * Real H200 sessions whose flags, loads or model the engine's constants were not fitted to: measured by vllm-gate
 * itself on another host, after the fit. The rows say how far the model carries.
 */
import { readFileSync } from "node:fs";
import { planMemory } from "../src/simulator/memory-plan.ts";
import { Simulation } from "../src/simulator/simulation.ts";
import { benchDeployment } from "./deployments.ts";
import { median } from "./fixture.ts";
import { BenchClient, type SeenLoad, uniquePrompts } from "./load.ts";
import { type Row, STATISTICS, sampleOf } from "./rows.ts";

interface UnseenLoad {
  readonly case: string;
  readonly round: number;
  readonly concurrency: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly wallMs: number;
  readonly ttftMs: number[];
  readonly e2eMs: number[];
}

interface UnseenSession {
  readonly name: string;
  readonly model: string;
  readonly flags: string[];
  readonly kvTokens: number;
  readonly loads: UnseenLoad[];
}

const FILE = new URL("data/h200-unseen.json", import.meta.url);

/** Rows of every session, in the order of the file. Sessions of one name are restarts of each other. */
export function unseenRows(env: Readonly<Record<string, string>>): Row[] {
  const { sessions } = JSON.parse(readFileSync(FILE, "utf8")) as { sessions: UnseenSession[] };
  const names = [...new Set(sessions.map((session) => session.name))];
  return names.flatMap((name) =>
    rowsOf(
      sessions.filter((session) => session.name === name),
      env,
    ),
  );
}

function rowsOf(sessions: readonly UnseenSession[], env: Readonly<Record<string, string>>): Row[] {
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

function caseRows(name: string, sessions: readonly UnseenSession[], client: BenchClient): Row[] {
  const measured = sessions.flatMap((session) => session.loads.filter((load) => load.case === name));
  const simulated = simulate(measured[0] as UnseenLoad, client);
  const { concurrency } = measured[0] as UnseenLoad;
  const wide = concurrency > 16;
  return STATISTICS.filter((each) => name !== "ttft.warm" || each.label.startsWith("TTFT")).map(
    (statistic) => {
      const values = measured.map(statistic.of);
      const tolerance = statistic.label.startsWith("TTFT") || wide ? 0.25 : 0.1;
      return {
        set: (sessions[0] as UnseenSession).name,
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
function simulate(load: UnseenLoad, client: BenchClient): SeenLoad {
  const { concurrency, outputTokens, promptTokens } = load;
  const constant = uniquePrompts(promptTokens, 11)();
  const prompt = load.case === "ttft.warm" ? () => constant : uniquePrompts(promptTokens, 12 + concurrency);
  client.run({ concurrency, requests: concurrency, outputTokens, prompt });
  return client.run({ concurrency, requests: load.ttftMs.length, outputTokens, prompt });
}
