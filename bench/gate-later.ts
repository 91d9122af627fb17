/**
 * Real runs of the decision: whole sessions of an H200 as measured, after its constants had been fixed. Baseline,
 * head and the base beside it are different sessions of one GPU, drawn without replacement; nothing is planted.
 */
import { Random } from "../src/simulator/random.ts";
import { shuffle } from "../src/stats/rank-split.ts";
import { simulateGate } from "./gate-run.ts";
import { laterPool, measuredMetrics, type SessionMetrics } from "./gate-sessions.ts";

/** What became of the runs of one set of flags. */
export interface LaterResult {
  readonly flags: string;
  readonly gpu: number;
  /** Sessions with these flags that there are. */
  readonly measured: number;
  readonly failed: number;
  readonly warned: number;
  readonly passed: number;
  readonly sessions: number;
  readonly baseSessions: number;
  /** By metric: share of the runs in which it regressed. */
  readonly regressed: Readonly<Record<string, number>>;
}

const BASELINE = 5;
const MOST_SESSIONS = 3;
const FLAGS: readonly (readonly [gpu: 0 | 1, flags: string])[] = [
  [0, ""],
  [1, ""],
  [0, "--no-async-scheduling"],
  [1, "--max-num-seqs 32"],
  [1, "--no-enable-prefix-caching"],
  [0, "--gpu-memory-utilization 0.88"],
  [0, "--max-num-batched-tokens 512"],
  [1, "--max-num-batched-tokens 512"],
];

/** Every set of flags that was measured, judged against the sessions without flags of the same GPU. */
export function laterResults(runs: number): LaterResult[] {
  const random = new Random(20261122);
  return FLAGS.map(([gpu, flags]) => {
    const plain = sessionsOf(gpu, "");
    const own = sessionsOf(gpu, flags);
    const counts = { failed: 0, warned: 0, passed: 0, sessions: 0, baseSessions: 0 };
    const regressed: Record<string, number> = {};
    for (let run = 0; run < runs; run += 1) {
      const drawn = shuffled(plain, random);
      const base = drawn.slice(0, BASELINE);
      const head = flags === "" ? drawn.slice(BASELINE, BASELINE + MOST_SESSIONS) : shuffled(own, random);
      const beside = drawn.slice(flags === "" ? BASELINE + MOST_SESSIONS : BASELINE);
      let next = 0;
      const gate = simulateGate(base, (index) => head[index]!, {
        mostSessions: Math.min(MOST_SESSIONS, head.length),
        fresh: () => beside[next++],
      });
      if (gate.exitCode === 1) counts.failed += 1;
      else if (gate.verdict === "inconclusive") counts.warned += 1;
      else if (gate.exitCode === 0) counts.passed += 1;
      counts.sessions += gate.sessions;
      counts.baseSessions += gate.baseSessions;
      for (const { metric, level, verdict } of gate.comparison.comparisons) {
        if (level === "gate" && verdict === "regressed") regressed[metric] = (regressed[metric] ?? 0) + 1;
      }
    }
    const share = (count: number) => count / runs;
    return {
      flags,
      gpu,
      measured: own.length,
      failed: share(counts.failed),
      warned: share(counts.warned),
      passed: share(counts.passed),
      sessions: share(counts.sessions),
      baseSessions: share(counts.baseSessions),
      regressed: Object.fromEntries(Object.entries(regressed).map(([id, count]) => [id, share(count)])),
    };
  });
}

function sessionsOf(gpu: 0 | 1, flags: string): SessionMetrics[] {
  return laterPool(gpu, flags).sessions.map(measuredMetrics);
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const order = Float64Array.from(values, (_, index) => index);
  shuffle(order, () => random.next());
  return Array.from(order, (index) => values[index]!);
}
