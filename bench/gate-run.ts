/** One simulated gate: sessions are drawn as the gate asks for them, and judged by the code that judges real ones. */
import { compareSides, type HeadSide } from "../src/compare/compare.ts";
import type { ComparisonFile } from "../src/domain/comparison.ts";
import type { MetricDefinition } from "../src/domain/metric.ts";
import { decide } from "../src/verdict/decide.ts";
import { planNextLook } from "../src/verdict/next-look.ts";
import { benchDefinition } from "./gate-metrics.ts";
import type { SessionMetrics } from "./gate-sessions.ts";

/** What a simulated gate came to. */
export interface SimulatedGate {
  readonly exitCode: number;
  readonly verdict: string;
  readonly sessions: number;
  /** Sessions of the base beside head's. */
  readonly baseSessions: number;
  readonly comparison: ComparisonFile;
}

const definitions = new Map<string, MetricDefinition>();

function definitionOf(id: string): MetricDefinition {
  const known = definitions.get(id) ?? benchDefinition(id);
  definitions.set(id, known);
  return known;
}

function sideOf(sessions: readonly SessionMetrics[], host: string): HeadSide {
  const ids = Object.keys(sessions[0] ?? {});
  return {
    source: host,
    fingerprints: [{ hostId: host }],
    values: Object.fromEntries(ids.map((id) => [id, sessions.map((session) => session[id] ?? [])])),
    args: [],
    vllmVersion: null,
    definitions: ids.map(definitionOf),
    taints: [],
    absent: {},
  };
}

const RULES = { tolerances: {}, levels: {} };
const POLICY = { onInconclusive: "warn", onInvalid: "fail", reportOnly: false } as const;

/**
 * Runs a gate to its end.
 *
 * @param head - its sessions, drawn when the gate asks for them
 * @param fresh - a session of the base on the same machine now, undefined when there is none left; without it nothing is
 *   confirmed that way
 */
export function simulateGate(
  base: readonly SessionMetrics[],
  head: (index: number) => SessionMetrics,
  options: {
    readonly mostSessions: number;
    readonly sameHost?: boolean;
    readonly fresh?: () => SessionMetrics | undefined;
    /** Measure all sessions before the first look. */
    readonly all?: boolean;
    /** An A/B: of `base` as many sessions count as of head. */
    readonly interleaved?: boolean;
  },
): SimulatedGate {
  const sessions = Array.from({ length: options.all ? options.mostSessions : 1 }, (_, index) => head(index));
  const fresh: SessionMetrics[] = [];
  let hasFresh = options.fresh !== undefined;
  for (;;) {
    const comparison = compareSides(
      "bench",
      sideOf(options.interleaved ? base.slice(0, sessions.length) : base, "a"),
      sideOf(sessions, options.sameHost === false ? "b" : "a"),
      RULES,
      {
        interleaved: options.interleaved,
        fresh: fresh.length === 0 ? undefined : sideOf(fresh, "a"),
      },
    );
    const plan = planNextLook({
      comparisons: comparison.comparisons,
      settled: false,
      brokenLimits: [],
      sessions: { head: sessions.length, base: fresh.length },
      mostSessions: options.mostSessions,
      base: options.interleaved ? "interleaved" : hasFresh ? "confirmable" : "stored",
      remainingS: 3600,
      sessionS: 100,
    });
    if (plan.kind === "decided") {
      const { exitCode, verdict } = decide(comparison, POLICY);
      return { exitCode, verdict, sessions: sessions.length, baseSessions: fresh.length, comparison };
    }
    for (const variant of plan.order) {
      if (variant === "head") sessions.push(head(sessions.length));
      else if (!options.interleaved) {
        const session = options.fresh?.();
        if (session === undefined) hasFresh = false;
        else fresh.push(session);
      }
    }
  }
}
