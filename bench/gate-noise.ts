/** What makes sessions differ in `bench/gate.ts`: the pools as they were measured, and worse than that. */
import type { Random } from "../src/simulator/random.ts";
import {
  drawSession,
  fixturePool,
  gatePool,
  laterPool,
  measuredMetrics,
  type Plant,
  type Pool,
  type SessionMetrics,
} from "./gate-sessions.ts";

/** Where sessions come from. */
export interface Noise {
  readonly name: string;
  readonly pool: Pool;
  /** One session in four is 20 % slower in everything that is timed. */
  readonly bimodal?: boolean;
  /** Each session lies twice as far from the mean of the pool's as it was measured. */
  readonly doubled?: boolean;
  /** Beside that each metric of each session is off by itself: standard deviation of its logarithm. */
  readonly jitter?: number;
  /** Everything that is timed, times this. */
  readonly slower?: number;
}

const first = fixturePool(0);
const again = fixturePool(1);
const own = gatePool();
const later = [laterPool(0), laterPool(1)] as const;

export const NOISES = {
  first: { name: "requests", pool: first },
  again: { name: "requests-again", pool: again },
  bimodal: { name: "requests-again, bimodal", pool: again, bimodal: true },
  doubled: { name: "requests-again, spread doubled", pool: again, doubled: true },
  jitter: { name: "a machine of 8 % noise in each metric", pool: again, jitter: 0.08 },
  own: { name: "gate's own sessions", pool: own },
  ownBimodal: { name: "gate's own sessions, bimodal", pool: own, bimodal: true },
  later: { name: "later sessions", pool: later[0] },
  laterSecond: { name: "later sessions, second GPU", pool: later[1] },
  laterBimodal: { name: "later sessions, bimodal", pool: later[0], bimodal: true },
  laterDoubled: { name: "later sessions, spread doubled", pool: later[0], doubled: true },
  ownDoubled: { name: "gate's own sessions, spread doubled", pool: own, doubled: true },
} as const satisfies Record<string, Noise>;

/** Rounds of a session. */
const ROUNDS = 2;

export const isHigherBetter = (id: string) => id.endsWith("_per_s");
const isTimed = (id: string) => id.endsWith("_ms") || isHigherBetter(id);
const isShare = (id: string) => id.endsWith(".saving");

const known = new Map<Pool, readonly Record<string, number>[]>();

/** How far each session of a pool lies from the pool's mean, by metric; logarithms, points for shares. */
function deviations(pool: Pool): readonly Record<string, number>[] {
  const found = known.get(pool);
  if (found !== undefined) return found;
  const sessions = pool.sessions.map(measuredMetrics);
  const made = sessions.map((): Record<string, number> => ({}));
  for (const id of Object.keys(sessions[0] ?? {})) {
    if (!isTimed(id) && !isShare(id)) continue;
    const places = sessions.map((session) => {
      const values = session[id]!.map((value) => (isShare(id) ? value : Math.log(value)));
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    });
    const middle = places.reduce((sum, place) => sum + place, 0) / places.length;
    places.forEach((place, index) => {
      made[index]![id] = place - middle;
    });
  }
  known.set(pool, made);
  return made;
}

/** Draws a session in a noise, with a loss planted. */
export function drawIn(noise: Noise, random: Random, plant: Plant = {}): SessionMetrics {
  const { values, origin } = drawSession(noise.pool, ROUNDS, random, plant);
  if (noise.doubled) {
    for (const [id, deviation] of Object.entries(deviations(noise.pool)[origin]!)) {
      values[id] = values[id]!.map((value) =>
        isShare(id) ? value + deviation : value * Math.exp(deviation),
      );
    }
  }
  const slow = (noise.bimodal && random.next() < 0.25 ? 1.2 : 1) * (noise.slower ?? 1);
  if (slow !== 1) {
    for (const id of Object.keys(values).filter(isTimed)) {
      values[id] = values[id]!.map((value) => (isHigherBetter(id) ? value / slow : value * slow));
    }
  }
  if (noise.jitter !== undefined) {
    for (const id of Object.keys(values).filter(isTimed)) {
      const factor = Math.exp(noise.jitter * random.normal());
      values[id] = values[id]!.map((value) => value * factor);
    }
  }
  return values;
}
