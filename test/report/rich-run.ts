import type { CaseRecord, RunRecord, SessionRecord } from "../../src/domain/run.ts";
import type { GpuReading, TelemetryLine } from "../../src/domain/telemetry.ts";
import type { ColdStart } from "../../src/domain/telemetry-start.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { caseRecord, run, session, timedTrace } from "../support/builders.ts";

/** How the server of a {@link richRun} behaves: milliseconds for one token at one request at once, and what each further one adds. */
export interface RichServer {
  readonly tokenMs: number;
  readonly perRequestMs: number;
  readonly ttftMs: number;
}

export const FAST: RichServer = { tokenMs: 2.05, perRequestMs: 0.03, ttftMs: 16 };
export const SLOW: RichServer = { tokenMs: 2.9, perRequestMs: 0.05, ttftMs: 24 };

export const LOADS = [1, 2, 4, 8, 16, 32] as const;

/** A fixed sequence of numbers from 0 to 1 that looks random. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

/** A run with everything that a report can show: a sweep, cold start, KV gauges and GPU telemetry. The same input gives the same run. */
export function richRun(
  sessions: readonly { readonly variant: string; readonly server: RichServer }[],
  overrides: Partial<RunRecord> = {},
  tokens = 64,
): { run: RunRecord; traces: RequestTrace[]; telemetry: TelemetryLine[] } {
  const made = sessions.map(({ variant, server }, index) => oneSession(variant, index, server, tokens));
  const variants = Object.fromEntries(
    [...new Set(sessions.map(({ variant }) => variant))].map((variant) => [
      variant,
      {
        args: ["--max-model-len", "4096", ...(variant === "head" ? ["--no-async-scheduling"] : [])],
        model: "Qwen/Qwen2.5-1.5B-Instruct",
      },
    ]),
  );
  return {
    run: run({
      sessions: made.map((each) => each.record),
      variants,
      slo: { ttftP95Ms: 100, e2eP95Ms: 1000 },
      ...overrides,
    }),
    traces: made.flatMap((each) => each.traces),
    telemetry: made.flatMap((each) => each.telemetry),
  };
}

function oneSession(variant: string, index: number, server: RichServer, tokens: number) {
  const next = sequence(index * 97 + 5);
  const at = { variant, session: index };
  const traces: RequestTrace[] = [];
  const cases: CaseRecord[] = [];
  let clockS = 40;
  traces.push(
    timedTrace(
      { startS: clockS, ttftMs: 210, tpotMs: server.tokenMs, tokens },
      { ...at, probe: "ttft", case: "cold", id: "ttft.cold.0", promptTokens: 256, cachedTokens: 0 },
    ),
  );
  cases.push(caseRecord({ probe: "ttft", case: "cold", concurrency: 1, startS: clockS, endS: clockS + 0.4 }));
  clockS += 1;
  for (const round of [0, 1]) {
    const fromS = clockS;
    for (let request = 0; request < 30; request += 1) {
      traces.push(
        timedTrace(
          { startS: clockS, ttftMs: server.ttftMs * (0.9 + next() * 0.25), tpotMs: server.tokenMs, tokens },
          { ...at, round, probe: "ttft", case: "warm", id: `ttft.warm.${request}`, promptTokens: 256 },
        ),
      );
      clockS += 0.2;
    }
    cases.push(
      caseRecord({
        round,
        probe: "ttft",
        case: "warm",
        concurrency: 1,
        mustMiss: false,
        startS: fromS,
        endS: clockS,
      }),
    );
    for (const load of LOADS) {
      const beganS = clockS;
      const tpotMs = server.tokenMs + server.perRequestMs * load * (load > 8 ? 4 : 1);
      const ttftMs = server.ttftMs + load * 1.4;
      for (let wave = 0; wave < 3; wave += 1) {
        for (let request = 0; request < Math.max(load, 8); request += 1) {
          const name = `c${load}`;
          const startS =
            clockS + (load < 8 ? (Math.floor(request / load) * (ttftMs + tokens * tpotMs)) / 1000 : 0);
          traces.push(
            timedTrace(
              {
                startS,
                ttftMs: ttftMs * (0.9 + next() * 0.3),
                tpotMs: tpotMs * (0.98 + next() * 0.05),
                tokens,
              },
              { ...at, round, probe: "batching", case: name, id: `batching.${name}.${wave}.${request}` },
            ),
          );
        }
        clockS += ((ttftMs * 1.2 + tokens * tpotMs * 1.03) / 1000) * (load < 8 ? Math.ceil(8 / load) : 1);
      }
      cases.push(caseRecord({ round, case: `c${load}`, concurrency: load, startS: beganS, endS: clockS }));
    }
    const fillS = clockS;
    const gauges = Array.from({ length: 40 }, (_, reading) => ({
      atS: fillS + reading * 0.05,
      kvUsage: Math.floor(reading / 2) * 0.004,
      running: 1,
      waiting: 0,
    }));
    clockS += 2;
    cases.push(
      caseRecord({ round, probe: "kv", case: "fill", concurrency: 1, startS: fillS, endS: clockS, gauges }),
    );
  }
  const record: SessionRecord = session({
    ...at,
    index,
    cases,
    coldStart: coldStart(),
    rounds: [0, 1].map((round) => ({
      round,
      fromS: 40,
      toS: clockS,
      dirty: [],
      use: "kept" as const,
      telemetry: null,
    })),
  });
  return { record, traces, telemetry: telemetryOf(variant, index, clockS, next) };
}

function coldStart(): ColdStart {
  const names = [
    ["interpreter and imports", "processes", 6.2],
    ["engine process", "processes", 4.1],
    ["weights", "weights", 1.5],
    ["torch.compile", "warmup", 9.3],
    ["KV cache and profiling", "warmup", 3.4],
    ["CUDA graphs", "warmup", 3],
    ["API server", "processes", 5.1],
    ["first prefill", "request", 0.2],
  ] as const;
  let fromS = 0;
  const parts = names.map(([name, term, seconds]) => {
    const part = {
      name,
      term,
      fromS,
      toS: fromS + seconds,
      seconds,
      reportedS: term === "warmup" ? seconds : null,
      source: "the log's lines",
    };
    fromS += seconds;
    return part;
  });
  return {
    readyS: 32.6,
    parts,
    unexplainedS: 0.4,
    explainedShare: 0.988,
    terms: { processes: 15.4, weights: 1.5, warmup: 15.7, request: 0.2 },
    weights: { sizeMib: 2944, residentShare: 1, mibPerS: 1960 },
    machine: null,
    coldWarm: { coldS: 0.21, warmS: 0.016, factor: 13.1 },
    paragraph:
      "Ready after 32.6 s: half of it is warm-up (compilation 9.3 s, graphs 3 s), half is starting processes.",
  };
}

function telemetryOf(variant: string, index: number, toS: number, next: () => number): TelemetryLine[] {
  return Array.from({ length: Math.floor(toS) }, (_, second): TelemetryLine => {
    const busy = second > 38;
    const gpu: GpuReading = {
      tS: second + 0.5,
      index: 0,
      uuid: "GPU-0b6d",
      utilization: busy ? 0.7 + next() * 0.28 : 0,
      memoryUtilization: busy ? 0.4 : 0,
      memoryUsedMib: 128_000,
      memoryTotalMib: 143_771,
      smClockMhz: busy ? 1980 - (second > 60 && second < 66 ? 300 : 0) : 345,
      memoryClockMhz: 3201,
      maxSmClockMhz: 1980,
      powerW: busy ? 380 + next() * 120 : 118,
      powerLimitW: 700,
      temperatureC: busy ? 41 + next() * 6 : 33,
      throttle: second > 60 && second < 66 ? ["sw_thermal"] : busy ? [] : ["idle"],
      heldDownS: null,
    };
    return {
      variant,
      session: index,
      tS: second + 0.5,
      intervalS: 1,
      gpus: [gpu],
      pcie: [],
      gpuProcesses: [],
      cpu: null,
      processes: [],
      memory: null,
      pressure: null,
      cgroup: null,
      gcMs: 0,
    };
  });
}
