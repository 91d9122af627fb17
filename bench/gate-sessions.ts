/**
 * Server sessions of an H200 as `bench/gate.ts` resamples them: sessions, in them rounds, in them requests. A session
 * that is drawn is one that could have been measured; what it measured comes out as the gate's own metrics.
 */
import { readFileSync } from "node:fs";
import type { Random } from "../src/simulator/random.ts";
import { bestStretch } from "../src/stats/stretch.ts";
import { type FixtureLoad, fixtureSessions } from "./fixture.ts";

/** The requests of one case of one round. */
interface Load {
  readonly concurrency: number;
  readonly outputTokens: number;
  readonly ttftMs: Float64Array;
  /** First to last token. */
  readonly decodeMs: Float64Array;
  /** Measured span over that of the same requests, one after another on each of the senders. */
  readonly stretch: number;
}

/** Cases by name, of one round. */
type Round = Readonly<Record<string, Load>>;

/** One server start. */
export interface MeasuredSession {
  readonly rounds: readonly Round[];
  /** What was counted and not timed, where that is not what it is in all others. */
  readonly counted?: SessionMetrics;
}

/** Sessions of one host that differ by nothing but the time. */
export interface Pool {
  readonly name: string;
  readonly sessions: readonly MeasuredSession[];
}

/** Values of one session: by metric, in it by round. */
export type SessionMetrics = Record<string, number[]>;

/** The fixtures' names of cases, as the gate calls them. */
const CASES: Readonly<Record<string, string>> = {
  warm: "ttft.warm",
  uniq_1024: "prefix.miss.1024",
  prefix_1024: "prefix.hit.1024",
  sweep_1: "batching.c1",
  sweep_4: "batching.c4",
  sweep_8: "batching.c8",
  sweep_16: "batching.c16",
  sweep_32: "batching.c32",
};

type RawLoad = Pick<FixtureLoad, "concurrency" | "outputTokens" | "startMs" | "ttftMs" | "e2eMs">;

function loadOf(raw: RawLoad): Load {
  const ttftMs = Float64Array.from(raw.ttftMs);
  const decodeMs = Float64Array.from(raw.e2eMs, (e2e, index) => e2e - ttftMs[index]!);
  const spanMs =
    Math.max(...raw.e2eMs.map((e2e, index) => e2e + raw.startMs[index]!)) - Math.min(...raw.startMs);
  const ideal = {
    concurrency: raw.concurrency,
    outputTokens: raw.outputTokens,
    ttftMs,
    decodeMs,
    stretch: 1,
  };
  return {
    ...ideal,
    stretch:
      spanMs /
      schedule(
        ideal,
        Array.from(ttftMs, (_, i) => i),
        NO_CHANGE,
      ).spanMs,
  };
}

/** Unflagged sessions of the fixtures: 0 is the host of requests.json (one round each), 1 that of requests-again.json. */
export function fixturePool(host: 0 | 1): Pool {
  const all = fixtureSessions().filter((each) => each.host === host && each.name === "base");
  const starts = Map.groupBy(all, ({ session }) => session);
  const sessions = [...starts.values()].map((rounds) => ({
    rounds: rounds.map(({ loads }) =>
      Object.fromEntries(
        Object.entries(loads).flatMap(([name, load]) => {
          const known = CASES[name];
          return known === undefined ? [] : [[known, loadOf(load)] as const];
        }),
      ),
    ),
  }));
  return { name: host === 0 ? "requests" : "requests-again", sessions };
}

/** Sessions that vllm-gate itself measured on a third host, with 64 in flight as well. */
export function gatePool(): Pool {
  const text = readFileSync(new URL("data/h200-gate.json", import.meta.url), "utf8");
  const { sessions } = JSON.parse(text) as {
    sessions: { host: string; rounds: Record<string, RawLoad>[] }[];
  };
  const [first] = sessions;
  const measured = sessions
    .filter(({ host }) => host === first?.host)
    .map(({ rounds }) => ({
      rounds: rounds.map((cases) =>
        Object.fromEntries(Object.entries(cases).map(([name, load]) => [name, loadOf(load)])),
      ),
    }));
  return { name: "gate's own", sessions: measured };
}

/** Sessions that were measured after the constants were fixed, on one of two GPUs of a fourth host, with these flags. */
export function laterPool(gpu: 0 | 1, flags = ""): Pool {
  const text = readFileSync(new URL("data/h200-later.json", import.meta.url), "utf8");
  const { sessions } = JSON.parse(text) as {
    sessions: {
      gpu: number;
      flags: string;
      counted: SessionMetrics;
      rounds: Record<string, RawLoad>[];
    }[];
  };
  const measured = sessions
    .filter((each) => each.gpu === gpu && each.flags === flags)
    .map(({ counted, rounds }) => ({
      counted,
      rounds: rounds.map((cases) =>
        Object.fromEntries(Object.entries(cases).map(([name, load]) => [name, loadOf(load)])),
      ),
    }));
  return { name: `later, GPU ${gpu}`, sessions: measured };
}

/** What flags do to the requests of a case: factors on its times. */
export interface Change {
  readonly ttft: number;
  readonly decode: number;
}
const NO_CHANGE: Change = { ttft: 1, decode: 1 };

/** What is planted into head's sessions. */
export interface Plant {
  /** By case. */
  readonly cases?: Readonly<Record<string, Change>>;
  /** Requests of a cached prefix take what those of an unknown one take. */
  readonly cacheOff?: boolean;
  /** Factors on metrics that are no times. */
  readonly facts?: Readonly<Record<string, number>>;
}

/** What a server's start tells; equal to the last digit in all server starts of the fixtures. */
const FACTS: Readonly<Record<string, number>> = {
  "kv.capacity_tokens": 4_600_768,
  "kv.available_gib": 122.85,
  "memory.weights_gib": 2.98,
};
/** Between a request's last token and the sender's next request. */
const THINK_MS = 0.17;

interface Schedule {
  readonly spanMs: number;
  readonly startsMs: Float64Array;
  readonly endsMs: Float64Array;
}

/** Runs requests in a closed loop: each sender takes the next one when it is free. */
function schedule(load: Load, chosen: readonly number[], change: Change): Schedule {
  const free = new Float64Array(load.concurrency);
  const startsMs = new Float64Array(chosen.length);
  const endsMs = new Float64Array(chosen.length);
  let spanMs = 0;
  for (let k = 0; k < chosen.length; k += 1) {
    let sender = 0;
    for (let s = 1; s < free.length; s += 1) if (free[s]! < free[sender]!) sender = s;
    const index = chosen[k]!;
    const endMs = free[sender]! + load.ttftMs[index]! * change.ttft + load.decodeMs[index]! * change.decode;
    startsMs[k] = free[sender]! * load.stretch;
    endsMs[k] = endMs * load.stretch;
    free[sender] = endMs + THINK_MS;
    spanMs = Math.max(spanMs, endMs);
  }
  return { spanMs: spanMs * load.stretch, startsMs, endsMs };
}

/** As the catalogue has it (type 7 of Hyndman and Fan), on a sorted array. */
function quantileSorted(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const below = sorted[low]!;
  return place === low ? below : below + (sorted[low + 1]! - below) * (place - low);
}

/** The case's values as the catalogue defines them. */
function measureCase(
  name: string,
  load: Load,
  chosen: readonly number[],
  change: Change,
): Record<string, number> {
  const ttft = Float64Array.from(chosen, (index) => load.ttftMs[index]! * change.ttft).sort();
  if (name === "ttft.warm") return { "ttft.warm.floor_ms": quantileSorted(ttft, 0.1) };
  if (name.startsWith("prefix.")) {
    return {
      [`${name}.c1.ttft_floor_ms`]: quantileSorted(ttft, 0.1),
      [`${name}.c1.ttft_p50_ms`]: quantileSorted(ttft, 0.5),
    };
  }
  const perToken = load.outputTokens - 1;
  const tpot = Float64Array.from(
    chosen,
    (index) => (load.decodeMs[index]! * change.decode) / perToken,
  ).sort();
  const { spanMs, startsMs, endsMs } = schedule(load, chosen, change);
  const length = Math.max(load.concurrency, 4);
  const flights = () =>
    Array.from(endsMs, (endMs, k) => ({
      startS: startsMs[k]! / 1000,
      endS: endMs / 1000,
      amount: load.outputTokens,
    }));
  return {
    [`${name}.tokens_per_s`]: (load.outputTokens * chosen.length * 1000) / spanMs,
    [`${name}.tpot_floor_ms`]: quantileSorted(tpot, 0.1),
    ...(load.concurrency >= 2
      ? {
          [`${name}.wave_tokens_per_s`]:
            chosen.length >= 2 * length
              ? bestStretch(flights(), length, load.concurrency)
              : (load.outputTokens * chosen.length * 1000) / spanMs,
        }
      : {}),
  };
}

function measureRound(
  round: Round,
  choose: (count: number, together: number) => number[],
  plant: Plant,
): Record<string, number> {
  const values: Record<string, number> = { "requests.error_rate": 0 };
  for (const name of Object.keys(round)) {
    const load = plant.cacheOff && name === "prefix.hit.1024" ? round["prefix.miss.1024"]! : round[name]!;
    Object.assign(
      values,
      measureCase(name, load, choose(load.ttftMs.length, load.concurrency), plant.cases?.[name] ?? NO_CHANGE),
    );
  }
  const hit = values["prefix.hit.1024.c1.ttft_p50_ms"];
  const miss = values["prefix.miss.1024.c1.ttft_p50_ms"];
  if (hit !== undefined && miss !== undefined) values["prefix.1024.c1.saving"] = 1 - hit / miss;
  return values;
}

/** The values of a session as it was measured. */
export function measuredMetrics({ rounds, counted }: MeasuredSession): SessionMetrics {
  return {
    ...collect(
      rounds.map((round) => measureRound(round, (count) => Array.from({ length: count }, (_, i) => i), {})),
      {},
    ),
    ...counted,
  };
}

/**
 * Draws requests in runs of as many as were under way together, since those were slow or fast together: drawn one by
 * one, a wave is put together from slow and fast ones, and up to 18 % slower than any that was measured. The blocks
 * begin anywhere and go on at the beginning (Politis and Romano 1992, A circular block-resampling procedure).
 */
function drawBlocks(count: number, together: number, pick: (count: number) => number): number[] {
  const chosen: number[] = [];
  while (chosen.length < count) {
    const first = pick(count);
    for (let k = 0; k < together && chosen.length < count; k += 1) chosen.push((first + k) % count);
  }
  return chosen;
}

/**
 * Draws a session: one of the pool's, of it as many rounds, of each as many requests, all with replacement.
 *
 * @returns its values, and which session of the pool it was
 */
export function drawSession(
  pool: Pool,
  rounds: number,
  random: Random,
  plant: Plant = {},
): { readonly values: SessionMetrics; readonly origin: number } {
  const pick = (count: number) => Math.floor(random.next() * count);
  const origin = pick(pool.sessions.length);
  const own = pool.sessions[origin]!.rounds;
  const drawn = Array.from({ length: rounds }, () =>
    measureRound(own[pick(own.length)]!, (count, together) => drawBlocks(count, together, pick), plant),
  );
  return { values: collect(drawn, plant.facts ?? {}), origin };
}

function collect(
  rounds: readonly Record<string, number>[],
  factors: Readonly<Record<string, number>>,
): SessionMetrics {
  const values: SessionMetrics = {};
  for (const [id, value] of Object.entries(FACTS)) values[id] = [value * (factors[id] ?? 1)];
  for (const round of rounds) {
    for (const [id, value] of Object.entries(round)) {
      const list = values[id];
      if (list === undefined) values[id] = [value];
      else list.push(value);
    }
  }
  return values;
}
