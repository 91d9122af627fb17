import { max, median, min, quantile } from "simple-statistics";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord, SessionRecord } from "../domain/run.ts";
import { type Spread, START_NUMBERS, type StartCell, type StartRow } from "../domain/start-study.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { e2eMs, groupTraces, type SessionData, ttftMs } from "./case-data.ts";

const LOAD = "batching.c8.tokens_per_s";

/** The starts of a run by variant, in the order in which the variants were first measured. */
export function startCells(
  run: RunRecord,
  traces: readonly RequestTrace[],
  measurements: MeasurementsFile,
): StartCell[] {
  const sessions = groupTraces(
    run.sessions.filter(({ outcome }) => outcome === "ok"),
    traces,
  );
  const rows = sessions.map((session) => rowOf(session, measurements));
  return [...Map.groupBy(rows, ({ variant }) => variant)].map(([variant, starts]) => ({
    variant,
    starts,
    spread: Object.fromEntries(
      START_NUMBERS.map((name) => [name, spreadOf(starts.map((start) => start[name]))]),
    ) as StartCell["spread"],
  }));
}

function rowOf(data: SessionData, measurements: MeasurementsFile): StartRow {
  const { record } = data;
  const { coldStart, logFacts } = record;
  const cold = timesOf(data, "ttft.cold");
  const warm = timesOf(data, "ttft.warm");
  const throughput = measurements.measurements
    .filter(({ metric, session }) => metric === LOAD && session === record.index)
    .map(({ value }) => value);
  const term = (name: "processes" | "weights" | "warmup") => coldStart?.terms[name] ?? null;
  return {
    session: record.index,
    variant: record.variant,
    readyS: record.readyS ?? null,
    processesS: term("processes"),
    modelS: term("weights"),
    warmupS: term("warmup"),
    unexplainedS: coldStart?.unexplainedS ?? null,
    weightsS: logFacts?.weightsS ?? null,
    weightsMibPerS: coldStart?.weights?.mibPerS ?? null,
    residentShare: coldStart?.weights?.residentShare ?? null,
    diskReadMib: coldStart?.machine?.diskReadMib ?? null,
    coldTtftS: middle(cold.ttftS),
    coldE2eS: middle(cold.e2eS),
    warmTtftS: middle(warm.ttftS),
    warmE2eS: middle(warm.e2eS),
    warmE2eP95S: warm.e2eS.length < 20 ? null : quantile([...warm.e2eS], 0.95),
    tokensPerS: throughput.length === 0 ? null : max(throughput),
    rssMib: rssOf(record),
    allocator: record.allocator ?? null,
    dirty: [
      ...(coldStart?.disturbed ?? []),
      ...(record.rounds ?? []).filter(({ use }) => use !== "replaced").flatMap(({ dirty }) => dirty),
    ],
  };
}

function timesOf(data: SessionData, name: string): { ttftS: number[]; e2eS: number[] } {
  const traces = [...data.rounds.values()].flatMap((cases) => cases.get(name)?.ok ?? []);
  const seconds = (of: (trace: RequestTrace) => number | null) =>
    traces.flatMap((trace) => {
      const ms = of(trace);
      return ms === null ? [] : [ms / 1000];
    });
  return { ttftS: seconds(ttftMs), e2eS: seconds(e2eMs) };
}

/** All roles together, in the round where they were largest. */
function rssOf({ rounds = [] }: SessionRecord): number | null {
  const sums = rounds.flatMap(({ telemetry }) => {
    const roles = Object.values(telemetry?.roles ?? {});
    return roles.length === 0 ? [] : [roles.reduce((sum, { rssMib }) => sum + rssMib, 0)];
  });
  return sums.length === 0 ? null : max(sums);
}

function middle(values: readonly number[]): number | null {
  return values.length === 0 ? null : median([...values]);
}

/** The middle and the ends of what was measured; null when nothing was. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0
    ? null
    : { median: median(known), least: min(known), most: max(known), n: known.length };
}
