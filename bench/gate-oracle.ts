/**
 * Near what could be found at all: an oracle that knows the noise, and needs no baseline. Of each gated metric it
 * knows how the best, the middle and the mean of three sessions without a loss are distributed, and it fails the 1 % of
 * unchanged runs in which the least likely of all these is least likely.
 */
import { Random } from "../src/simulator/random.ts";
import { benchDefinition } from "./gate-metrics.ts";
import { drawIn, isHigherBetter, type Noise } from "./gate-noise.ts";
import type { SessionMetrics } from "./gate-sessions.ts";

const LEVEL = 0.01;
/** Sessions from which it knows the noise; runs that are put together from them, and as many to set its level. */
const DRAWN = 3000;
const KNOWN = 20_000;
const SESSIONS = 3;

type Rounds = Readonly<Record<string, readonly number[]>>;

/** A session's best round; larger is worse. The mean of a share. */
function placeOf(id: string, rounds: readonly number[]): number {
  if (id.endsWith(".saving")) return -rounds.reduce((sum, value) => sum + value, 0) / rounds.length;
  const isHigher = isHigherBetter(id) || benchDefinition(id).direction === "higher";
  return Math.min(...rounds.map((value) => (isHigher ? -value : value)));
}

function statistics(id: string, sessions: readonly Rounds[]): number[] {
  const places = sessions
    .map((session) => placeOf(id, session[id] as readonly number[]))
    .sort((a, b) => a - b);
  const mean = places.reduce((sum, place) => sum + place, 0) / places.length;
  return [places[0] as number, places[places.length >> 1] as number, mean];
}

/** Share of sorted values that are as large. */
function tailOf(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return (sorted.length - low) / sorted.length;
}

const oracles = new Map<string, Oracle>();

/** Whether an oracle fails a run of three head sessions. */
type Oracle = (head: readonly SessionMetrics[]) => boolean;

/** The oracle of a noise; made once. */
export function oracleOf(noise: Noise): Oracle {
  const oracle = oracles.get(noise.name) ?? makeOracle(noise);
  oracles.set(noise.name, oracle);
  return oracle;
}

function makeOracle(noise: Noise): Oracle {
  const random = new Random(4711);
  const sessions = Array.from({ length: DRAWN }, () => drawIn(noise, random));
  const draw = () =>
    Array.from({ length: SESSIONS }, () => sessions[Math.floor(random.next() * DRAWN)] as SessionMetrics);
  const learned = Array.from({ length: KNOWN }, draw);
  const ids = Object.keys(learned[0]?.[0] ?? {}).filter(
    (id) => benchDefinition(id).level === "gate" && benchDefinition(id).rounds !== "worst",
  );
  const known = ids.map((id) => {
    const all = learned.map((run) => statistics(id, run));
    return [0, 1, 2].map((which) => Float64Array.from(all, (each) => each[which] as number).sort());
  });
  const leastLikely = (run: readonly SessionMetrics[]) =>
    Math.min(
      ...ids.flatMap((id, index) =>
        statistics(id, run).map((value, which) => {
          const sorted = known[index]?.[which] as Float64Array;
          // What never varies is no likelier for being equal.
          return sorted[0] === sorted.at(-1) && value <= (sorted[0] as number) ? 1 : tailOf(sorted, value);
        }),
      ),
    );
  const calibrated = Float64Array.from(Array.from({ length: KNOWN }, draw), leastLikely).sort();
  const threshold = calibrated[Math.floor(LEVEL * KNOWN)] as number;
  return (head) => leastLikely(head) < threshold;
}
