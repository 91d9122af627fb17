/**
 * What makes two equal runs differ, seeded: residuals drawn from a table of real ones, slow spells, slow sessions, and
 * a drift.
 *
 * The table (`noise-h200.json`) is made by `bench/make-noise.ts`. How often a round or a session is slow, and by how
 * much, is what 14 identical rounds in 8 restarts on two hosts showed: one round in fourteen 20 to 30 % slower than the
 * others of its server, one session in four 20 to 40 % slower in what the host does.
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

const SLOW = {
  /** Length of a spell, seconds: a round of requests-again.json took 13 to 18 s. */
  spellS: 15,
  roundShare: 1 / 14,
  roundFactor: [1.2, 1.3],
  sessionShare: 1 / 4,
  sessionFactor: [1.2, 1.4],
} as const;

/** Iterations that share one draw of the token time: the residuals are means over requests of 64 to 128 tokens. */
const TOKENS_PER_DRAW = 96;

/** The noise of one server. */
export class Noise {
  /** Factor on everything the host's processes do in this session. */
  readonly sessionFactor: number;
  private readonly plan: NoisePlan;
  private readonly random: Random;
  private readonly slowShare: number;
  private tokenTime = 1;
  private drawIn = 0;
  private bornAt: number | undefined;

  constructor(plan: NoisePlan) {
    this.plan = plan;
    this.random = new Random(mix32(plan.seed, 0x2015e));
    const all = plan.level === "h200";
    this.slowShare = plan.slowRounds ?? (all ? SLOW.roundShare : 0);
    const slow = all && uniform(plan.seed, 0x5e55) < SLOW.sessionShare;
    this.sessionFactor =
      plan.slowSession ?? (slow ? between(SLOW.sessionFactor, uniform(plan.seed, 0xfac7)) : 1);
  }

  /** Factor on the host's work at a time. */
  host(now: number): number {
    return this.sessionFactor * this.spell(now);
  }

  /** Factor on the device's work of the next iteration. */
  device(now: number): number {
    this.bornAt ??= now;
    const drift = 1 + (this.plan.driftPerMinute * (now - this.bornAt)) / 60;
    if (this.plan.level === "none") return this.spell(now) * drift;
    if (this.drawIn-- <= 0) {
      this.tokenTime = 1 + this.draw(table.tokenTimeShare);
      this.drawIn = TOKENS_PER_DRAW;
    }
    return this.tokenTime * this.spell(now) * drift;
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

  private spell(now: number): number {
    if (this.slowShare === 0) return 1;
    const index = Math.floor(now / SLOW.spellS);
    if (uniform(this.plan.seed, index) >= this.slowShare) return 1;
    return between(SLOW.roundFactor, uniform(this.plan.seed ^ 0x51ec, index));
  }

  private draw(quantiles: readonly number[]): number {
    const at = this.random.next() * (quantiles.length - 1);
    const low = Math.floor(at);
    return quantiles[low]! + (at - low) * (quantiles[low + 1]! - quantiles[low]!);
  }
}

function uniform(seed: number, index: number): number {
  return mix32(seed, index) / 4294967296;
}

function between([low, high]: readonly [number, number], share: number): number {
  return low + share * (high - low);
}
