/** How large a loss of one metric must be to be found 95 times in 100. */
import { Random } from "../src/simulator/random.ts";
import { benchDefinition } from "./gate-metrics.ts";
import { drawIn, type Noise } from "./gate-noise.ts";
import { simulateGate } from "./gate-run.ts";
import type { SessionMetrics } from "./gate-sessions.ts";

const POWER = 0.95;
/** Losses as shares, or points of a share; looked for to this. */
const STEP = 0.0025;
const MOST = 0.9;

export interface DetectedEffect {
  readonly noise: string;
  readonly metric: string;
  /** Null: a loss of 90 % is not found 95 times in 100. */
  readonly loss: number | null;
  readonly tolerance: number;
  /** What the comparison itself says that it could find: the median over runs with all sessions. */
  readonly said: number | null;
}

/** The effect of each gated metric, alone. */
export function detectedEffects(noise: Noise, runs: number): DetectedEffect[] {
  const random = new Random(815);
  const drawn = Array.from({ length: runs }, () => ({
    base: Array.from({ length: 5 }, () => drawIn(noise, random)),
    head: Array.from({ length: 3 }, () => drawIn(noise, random)),
    fresh: Array.from({ length: 5 }, () => drawIn(noise, random)),
  }));
  const ids = Object.keys(drawn[0]!.base[0]!).filter(
    (id) => benchDefinition(id).level === "gate" && id !== "requests.error_rate",
  );
  const said = saidDetectable(drawn);
  return ids.map((id) => {
    const { tolerance } = benchDefinition(id);
    const isShare = tolerance.relative === 0;
    const rate = (loss: number) => {
      let found = 0;
      for (const { base, head, fresh } of drawn) {
        let next = 0;
        const { comparison } = simulateGate(base, (index) => lose(head[index]!, id, loss), {
          mostSessions: 3,
          fresh: () => fresh[next++]!,
        });
        if (comparison.comparisons.some(({ metric, verdict }) => metric === id && verdict === "regressed"))
          found += 1;
      }
      return found / drawn.length;
    };
    let [low, high] = [0, MOST];
    const reached = rate(high) >= POWER;
    while (reached && high - low > STEP) {
      const middle = (low + high) / 2;
      if (rate(middle) >= POWER) high = middle;
      else low = middle;
    }
    return {
      noise: noise.name,
      metric: id,
      loss: reached ? high : null,
      tolerance: isShare ? tolerance.absolute : tolerance.relative,
      said: said[id] ?? null,
    };
  });
}

function saidDetectable(
  drawn: readonly { base: readonly SessionMetrics[]; head: readonly SessionMetrics[] }[],
): Record<string, number> {
  const all: Record<string, number[]> = {};
  for (const { base, head } of drawn.slice(0, 100)) {
    const { comparison } = simulateGate(base, (index) => head[index]!, { mostSessions: 3, all: true });
    for (const { metric, detectable, base: value, unit } of comparison.comparisons) {
      if (detectable === null) continue;
      all[metric] = [
        ...(all[metric] ?? []),
        unit === "share" ? detectable * Math.abs(value ?? 1) : detectable,
      ];
    }
  }
  return Object.fromEntries(
    Object.entries(all).map(([id, values]) => [id, values.sort((a, b) => a - b)[values.length >> 1]!]),
  );
}

function lose(session: SessionMetrics, id: string, loss: number): SessionMetrics {
  const { direction, tolerance } = benchDefinition(id);
  const sign = direction === "lower" ? 1 : -1;
  const lost = session[id]!.map((value) =>
    tolerance.relative === 0 ? value + sign * loss : value * (1 + sign * loss),
  );
  return { ...session, [id]: lost };
}
