import type { Baseline } from "../../src/domain/baseline.ts";
import type { Comparison, ComparisonFile } from "../../src/domain/comparison.ts";
import type { Fingerprint } from "../../src/domain/fingerprint.ts";
import type { MeasurementsFile } from "../../src/domain/measurements.ts";
import type { MetricDefinition } from "../../src/domain/metric.ts";
import type { PrefixRow } from "../../src/domain/prefix-study.ts";
import type { CaseRecord, RunRecord, SessionRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";

/** A request of batching.c8 that went well: first token after 20 ms, then 3 tokens 4 ms apart. */
export function trace(overrides: Partial<RequestTrace> = {}): RequestTrace {
  return {
    variant: "head",
    session: 0,
    round: 0,
    probe: "batching",
    case: "c8",
    phase: "measure",
    id: "batching.c8.0",
    promptTokens: 200,
    cachedTokens: null,
    outputTokens: 4,
    startS: 10,
    firstTokenS: 10.02,
    lastTokenS: 10.032,
    endS: 10.0321,
    arrivals: [
      [10.02, 1],
      [10.024, 1],
      [10.028, 1],
      [10.032, 1],
    ],
    outcome: "ok",
    status: 200,
    error: null,
    ...overrides,
  };
}

/** A request that takes `ttftMs` to its first token and then `tpotMs` for each of the others, one an event. */
export function timedTrace(
  times: {
    readonly startS: number;
    readonly ttftMs: number;
    readonly tpotMs: number;
    readonly tokens: number;
  },
  overrides: Partial<RequestTrace> = {},
): RequestTrace {
  const firstTokenS = times.startS + times.ttftMs / 1000;
  const arrivals = Array.from({ length: times.tokens }, (_, index): [number, number] => [
    firstTokenS + (index * times.tpotMs) / 1000,
    1,
  ]);
  const lastTokenS = arrivals.at(-1)?.[0] ?? firstTokenS;
  return trace({
    startS: times.startS,
    firstTokenS,
    lastTokenS,
    endS: lastTokenS + 0.0001,
    outputTokens: times.tokens,
    arrivals,
    ...overrides,
  });
}

/** The fingerprint of a machine with one GPU. */
export function fingerprint(overrides: Fingerprint = {}): Fingerprint {
  return {
    gpuModel: "NVIDIA H200",
    gpuCount: 1,
    gpuMemoryMib: 143771,
    gpuPowerLimitW: 700,
    driver: "570.148.08",
    model: "Qwen/Qwen2.5-1.5B-Instruct",
    probeSuite: "1-9ca7136b",
    cpuModel: "INTEL(R) XEON(R) PLATINUM 8568Y+",
    cpuCores: 16,
    kernel: "6.8.0-71-generic",
    os: "Ubuntu 24.04.2 LTS",
    hostId: "6ea0500d0776",
    ...overrides,
  };
}

/** A case of a round as the session recorded it; nothing came from the prefix cache. */
export function caseRecord(overrides: Partial<CaseRecord> = {}): CaseRecord {
  return {
    round: 0,
    probe: "batching",
    case: "c8",
    concurrency: 8,
    mustMiss: true,
    startS: 10,
    endS: 11,
    counters: {
      promptTokens: 1600,
      generationTokens: null,
      prefixQueriedTokens: 1600,
      prefixHitTokens: 0,
      preemptions: 0,
    },
    ...overrides,
  };
}

/** A session that ended well. */
export function session(overrides: Partial<SessionRecord> = {}): SessionRecord {
  return {
    variant: "head",
    index: 0,
    outcome: "ok",
    argv: ["vllm", "serve", "Qwen/Qwen2.5-1.5B-Instruct", "--port", "41357", "--max-model-len", "4096"],
    vllmVersion: "0.22.0",
    readyS: 41.207,
    servingS: 41.9,
    logFacts: {
      vllmVersion: "0.22.0",
      weightsS: 1.52,
      modelMemoryGib: 2.89,
      compileS: 9.31,
      graphsS: 3,
      graphsGib: 0.33,
      kvAvailableGib: 122.67,
      kvCapacityTokens: 4_593_872,
      engineInitS: 21.4,
    },
    unknownFacts: [],
    kv: {
      blocks: 287_117,
      blockSize: 16,
      capacityTokens: 4_593_872,
      maxConcurrency: 1121.55,
      prefixCaching: true,
    },
    cases: [],
    disposal: { tookS: 1.2, killed: false, survivors: [] },
    ...overrides,
  };
}

/** A run of one session that ended well. */
export function run(overrides: Partial<RunRecord> = {}): RunRecord {
  return {
    schemaVersion: 1,
    id: "20261122T065621Z-ae39",
    toolVersion: "0.1.0",
    scenario: "chat",
    createdAt: "2026-11-22T06:56:21.000Z",
    endedAt: "2026-11-22T06:59:03.000Z",
    commit: "0c15755b1d8a4b6d9d24e7aa1f3c5e6f70819a2b",
    variants: { head: { args: ["--max-model-len", "4096"], model: "Qwen/Qwen2.5-1.5B-Instruct" } },
    fingerprint: fingerprint(),
    sessions: [session()],
    outcome: "complete",
    ...overrides,
  };
}

/** How fast the server of a {@link measuredRun} is. */
export interface ServerSpeed {
  readonly coldMs?: number;
  readonly warmMs?: number;
  /** TTFT, and time per token, of a batching request at 1 and at 8 concurrent. */
  readonly ttftMs?: readonly [number, number];
  readonly tpotMs?: readonly [number, number];
  readonly sessions?: number;
  readonly rounds?: number;
}

/**
 * A run and the traces of its probes (ttft cold and warm, batching at 1 and 8), with the few percent of scatter
 * that requests have. The same input gives the same traces.
 */
export function measuredRun(
  speed: ServerSpeed = {},
  overrides: Partial<RunRecord> = {},
  ofSession: Partial<SessionRecord> = {},
): { run: RunRecord; traces: RequestTrace[] } {
  const { coldMs = 212, warmMs = 14.2, ttftMs = [16.1, 31.4], tpotMs = [2.07, 2.31] } = speed;
  const traces: RequestTrace[] = [];
  const sessions = range(speed.sessions ?? 1).map((index) => {
    const at = { variant: "head", session: index };
    const cases: CaseRecord[] = [];
    traces.push(
      timedTrace(
        { startS: 41.3, ttftMs: coldMs, tpotMs: tpotMs[0], tokens: 64 },
        { ...at, probe: "ttft", case: "cold", id: "ttft.cold.0", promptTokens: 256, cachedTokens: 0 },
      ),
    );
    cases.push(caseRecord({ probe: "ttft", case: "cold", concurrency: 1 }));
    for (const round of range(speed.rounds ?? 2)) {
      const slower = 1 + 0.004 * (index + round);
      for (const request of range(30)) {
        traces.push(
          timedTrace(
            {
              startS: 50 + request,
              ttftMs: warmMs * slower * scatter(request),
              tpotMs: tpotMs[0] * slower,
              tokens: 64,
            },
            { ...at, round, probe: "ttft", case: "warm", id: `ttft.warm.${request}`, promptTokens: 256 },
          ),
        );
      }
      cases.push(caseRecord({ round, probe: "ttft", case: "warm", concurrency: 1, mustMiss: false }));
      for (const [place, concurrency] of [1, 8].entries()) {
        const name = `c${concurrency}`;
        const ttft = (ttftMs[place] as number) * slower;
        const tpot = (tpotMs[place] as number) * slower;
        const wave = (ttft + 128 * tpot) / 1000;
        for (const request of range(concurrency === 1 ? 8 : 24)) {
          traces.push(
            timedTrace(
              {
                startS: 100 + Math.floor(request / concurrency) * wave,
                ttftMs: ttft * scatter(request),
                tpotMs: tpot * (1 + (scatter(request) - 1) / 10),
                tokens: 128,
              },
              { ...at, round, probe: "batching", case: name, id: `batching.${name}.${request}` },
            ),
          );
        }
        cases.push(caseRecord({ round, case: name, concurrency }));
      }
    }
    return session({ index, cases, ...ofSession });
  });
  return { run: run({ sessions, ...overrides }), traces };
}

/** 1 to 1.1, without order. */
function scatter(request: number): number {
  return 1 + ((request * 7) % 11) / 110;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The definition of a gated latency. */
/** A cell of a prefix study, of 32 quiet requests in one round on one server. */
export function prefixRow(
  overrides: Partial<PrefixRow> & Pick<PrefixRow, "mode" | "ttftS" | "e2eS">,
): PrefixRow {
  return {
    workload: "policy",
    regime: "512",
    concurrency: 8,
    requests: 32,
    failed: 0,
    sessions: 1,
    rounds: 1,
    quiet: true,
    outputTokens: 32,
    requestsPerS: 10,
    tokensPerS: 320,
    hitRate: 0,
    turnover: 0,
    preemptions: 0,
    vramPeakMib: null,
    vramSteadyMib: null,
    notes: [],
    ...overrides,
  };
}

export function definition(overrides: Partial<MetricDefinition> = {}): MetricDefinition {
  return {
    id: "ttft.warm.floor_ms",
    unit: "ms",
    direction: "lower",
    level: "gate",
    tolerance: { relative: 0.1, absolute: 1 },
    sensitivity: "host",
    rounds: "best",
    description: "Warm TTFT, 10th percentile.",
    ...overrides,
  };
}

/** A gated metric that did not change. */
export function comparison(overrides: Partial<Comparison> = {}): Comparison {
  return {
    metric: "batching.c8.tpot_floor_ms",
    unit: "ms",
    direction: "lower",
    level: "gate",
    verdict: "pass",
    base: 2,
    head: 2,
    effect: 0,
    interval: null,
    bound: null,
    tolerance: 0.02,
    absoluteTolerance: 0.02,
    detectable: 0.02,
    baseSessions: [[2, 2]],
    headSessions: [[2, 2]],
    reason: "within the tolerance",
    ...overrides,
  };
}

export function comparisonFile(overrides: Partial<ComparisonFile> = {}): ComparisonFile {
  return {
    schemaVersion: 1,
    scenario: "chat",
    baseSource: "baselines/chat/nvidia-h200-1x-140gib-qwen2.5-1.5b-instruct.json",
    limits: [],
    comparisons: [comparison()],
    flags: [],
    fingerprint: [],
    taints: [],
    ...overrides,
  };
}

export function measurements(overrides: Partial<MeasurementsFile> = {}): MeasurementsFile {
  return {
    schemaVersion: 1,
    metrics: [definition()],
    measurements: [
      { metric: "ttft.warm.floor_ms", variant: "head", session: 0, round: 0, value: 14.2, n: 30 },
      { metric: "ttft.warm.floor_ms", variant: "head", session: 0, round: 1, value: 14.3, n: 30 },
    ],
    absent: [],
    taints: [],
    ttft: [],
    ...overrides,
  };
}

export function baseline(overrides: Partial<Baseline> = {}): Baseline {
  return {
    schemaVersion: 2,
    contentSha256: null,
    serverSha256: null,
    change: null,
    scenario: "chat",
    fingerprint: fingerprint(),
    args: ["--max-model-len", "4096"],
    vllmVersion: "0.22.0",
    sessions: [
      {
        run: "20261122T065621Z-ae39",
        recordedAt: "2026-11-22T07:00:00.000Z",
        commit: null,
        toolVersion: "0.1.0",
        vllmVersion: "0.22.0",
        hostId: "6ea0500d0776",
        runSha256: "49edc4f66c52558a91e7834e21d9835758f5e9876de5cf3fd352db966893a7ce",
      },
    ],
    metrics: {
      "ttft.warm.floor_ms": { unit: "ms", n: 2, spread: 0.007, sessions: [[14.2, 14.3]] },
    },
    ...overrides,
  };
}
