/**
 * What makes two equal runs differ, seeded: residuals drawn from a table of real ones, the speed of each session and
 * spell, slow spells, slow sessions, and a drift.
 *
 * The table (`noise-h200.json`) is made by `bench/make-noise.ts`. How often a round or a session is slow, by how much,
 * and how far sessions lie apart otherwise is what identical rounds in restarts on real hosts showed;
 * `bench/simulator-noise.ts` compares the spreads that come of it with the measured ones.
 */
import table from "./noise-h200.json" with { type: "json" };
import { mix32, Random } from "./random.ts";

/** Which noise there is: `none`; `jitter`, the residuals alone; `h200`, also slow spells and slow sessions. */
export const NOISE_LEVELS = ["none", "jitter", "h200"] as const;
/** One of {@link NOISE_LEVELS}. */
export type NoiseLevel = (typeof NOISE_LEVELS)[number];

/** What decides the noise of a server. */
export interface NoisePlan {
  level: NoiseLevel;
  seed: number;
  /** Share of the spells that are slow; undefined leaves it to the level. */
  slowRounds: number | undefined;
  /** Factor on the host's work for the whole session; undefined leaves it to the level. */
  slowSession: number | undefined;
  /** Growth of an iteration's time for each minute of the server's life, e.g. 0.01. */
  driftPerMinute: number;
}

/** How far equal sessions and spells lie apart: standard deviations of logarithms. */
const SPREAD = {
  /** Sessions, in all that the host does. */
  sessionHost: 0.02,
  /** Sessions, in launching kernels one by one beside that: most of an uncached TTFT. */
  sessionLaunch: 0.2,
  /** Sessions, on the device: it is another set of clocks and addresses. */
  sessionDevice: 0.002,
  /** Spells, in all that the host does. */
  spellHost: 0.015,
} as const;

const SLOW = {
  /** Length of a spell, seconds: a round of requests-again.json took 13 to 18 s. */
  spellS: 15,
  roundShare: 1 / 14,
  roundFactor: [1.2, 1.3],
  /** A slow spell comes and goes in slices of this length, so that its best requests are as fast as others'. */
  sliceS: 0.3,
  /** Share of a slow spell's slices that are slow. */
  sliceShare: 0.7,
  /** Spells in which only the host is slow, on the same slices: medians of TTFT lie further apart than floors. */
  hostShare: 1 / 7,
  hostFactor: [1.15, 1.35],
  sessionShare: 1 / 4,
  sessionFactor: [1.2, 1.4],
} as const;

/** Iterations that share one draw of the token time: the residuals are means over requests of 64 to 128 tokens. */
const TOKENS_PER_DRAW = 96;

/** Exponent of the outermost steps of a table. */
const TAIL = 4;

/** The noise of one server. */
export class Noise {
  /** Factor on everything the host's processes do in this session, when it is a slow one. */
  readonly sessionFactor: number;
  private readonly plan: NoisePlan;
  private readonly random: Random;
  private readonly slowShare: number;
  private readonly slowHostShare: number;
  private readonly session: { host: number; launch: number; device: number };
  private readonly spellSpread: number;
  private tokenTime = 1;
  private drawIn = 0;
  private bornAt: number | undefined;

  constructor(plan: NoisePlan) {
    this.plan = plan;
    this.random = new Random(mix32(plan.seed, 0x2015e));
    const all = plan.level === "h200";
    this.slowShare = plan.slowRounds ?? (all ? SLOW.roundShare : 0);
    this.slowHostShare = all ? SLOW.hostShare : 0;
    const slow = all && uniform(plan.seed, 0x5e55) < SLOW.sessionShare;
    this.sessionFactor =
      plan.slowSession ?? (slow ? between(SLOW.sessionFactor, uniform(plan.seed, 0xfac7)) : 1);
    const own = (spread: number, salt: number): number => (all ? logNormal(spread, plan.seed, salt) : 1);
    this.session = {
      host: own(SPREAD.sessionHost, 0x4057) * this.sessionFactor,
      launch: own(SPREAD.sessionLaunch, 0x1a0c),
      device: own(SPREAD.sessionDevice, 0xdef1),
    };
    this.spellSpread = all ? SPREAD.spellHost : 0;
  }

  /** Factor on the host's work at a time. */
  host(now: number): number {
    const spread = this.spellSpread;
    const spell = spread === 0 ? 1 : logNormal(spread, this.plan.seed ^ 0x59e1, spellAt(now));
    const slow = this.spellFactor(now, this.slowHostShare, SLOW.hostFactor, 0x7057);
    return this.session.host * spell * slow * this.slowness(now);
  }

  /** Factor on launching kernels one by one, beside {@link host}. */
  get launch(): number {
    return this.session.launch;
  }

  /** Factor on the device's work of the next iteration. */
  device(now: number): number {
    this.bornAt ??= now;
    const drift = 1 + (this.plan.driftPerMinute * (now - this.bornAt)) / 60;
    if (this.plan.level === "none") return this.slowness(now) * drift;
    if (this.drawIn-- <= 0) {
      this.tokenTime = 1 + this.draw(table.tokenTimeShare);
      this.drawIn = TOKENS_PER_DRAW;
    }
    return this.tokenTime * this.session.device * this.slowness(now) * drift;
  }

  /** Seconds by which a request's first token comes later (or earlier) than it should. */
  firstToken(): number {
    return this.plan.level === "none" ? 0 : this.draw(table.firstTokenMs) * 1e-3;
  }

  /** Seconds by which the API server is late with one batch of tokens: about once in a request. */
  lateToken(): number {
    if (this.plan.level === "none" || this.random.next() * TOKENS_PER_DRAW > 1) return 0;
    return this.draw(table.lateTokenMs) * 1e-3;
  }

  private slowness(now: number): number {
    return this.spellFactor(now, this.slowShare, SLOW.roundFactor, 0);
  }

  /** The factor in the slow slices of the slow ones among the spells; 1 otherwise. */
  private spellFactor(now: number, share: number, range: readonly [number, number], salt: number): number {
    if (share === 0) return 1;
    const index = spellAt(now);
    const seed = this.plan.seed ^ salt;
    if (uniform(seed, index) >= share) return 1;
    if (uniform(seed ^ 0x51ce, Math.floor(now / SLOW.sliceS)) >= SLOW.sliceShare) return 1;
    return between(range, uniform(seed ^ 0x51ec, index));
  }

  private draw(quantiles: readonly number[]): number {
    const steps = quantiles.length - 1;
    const at = this.random.next() * steps;
    const low = Math.floor(at);
    const share = at - low;
    // Of the outermost steps only the ends were seen, and most of what lies between is near the inner one.
    const along = low === 0 ? 1 - (1 - share) ** TAIL : low === steps - 1 ? share ** TAIL : share;
    return quantiles[low]! + along * (quantiles[low + 1]! - quantiles[low]!);
  }
}

function uniform(seed: number, index: number): number {
  return mix32(seed, index) / 4294967296;
}

function spellAt(now: number): number {
  return Math.floor(now / SLOW.spellS);
}

/** A factor whose logarithm is normal around 0 (Box-Muller). */
function logNormal(spread: number, seed: number, salt: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed ^ 0x10c0, salt)));
  return Math.exp(spread * radius * Math.cos(2 * Math.PI * uniform(seed ^ 0x0e6a, salt)));
}

function between([low, high]: readonly [number, number], share: number): number {
  return low + share * (high - low);
}
