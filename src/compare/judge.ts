import type { Level, MetricDefinition } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import type { Verdict } from "../domain/verdict.ts";
import { holmAdjusted, holmLevels } from "../stats/holm.ts";
import { meanOf } from "../stats/moderated.ts";
import { expectedSmallest } from "../stats/order.ts";
import { studentCritical, studentUpperTail } from "../stats/student.ts";
import {
  asShare,
  type Estimate,
  estimateLoss,
  fromScale,
  type MetricSides,
  standardErrorWith,
} from "./estimate.ts";
import { judgeWorst } from "./judge-worst.ts";

/** One metric on both sides: values by session, in them by round; at least one session each. */
export interface JudgeInput extends MetricSides {
  readonly level: Level;
  readonly sensitivity: MetricDefinition["sensitivity"];
  /** Sessions of the base that were measured beside the head's, where `base` was measured earlier. */
  readonly fresh?: readonly (readonly number[])[];
}

/** What a judge found. Effects are losses: worse is positive, whatever the direction. */
export interface Judgement {
  readonly verdict: Extract<Verdict, "pass" | "improved" | "regressed" | "inconclusive">;
  readonly base: number;
  readonly head: number;
  readonly effect: number | null;
  /** Two-sided 95 % interval of the effect, not adjusted for the number of metrics. */
  readonly interval: readonly [number, number] | null;
  /** The loss is larger than this, with what Holm's procedure leaves this metric of the level of this look. */
  readonly bound: number | null;
  /** Smallest loss that these numbers of sessions find {@link POWER} of the time. */
  readonly detectable: number | null;
  /** What a pass excludes: the tolerance, or what this machine's noise lets a full gate find if that is more. */
  readonly resolution: number | null;
  /** Probability of such a loss if the true one were half the tolerance, adjusted over the metrics of its level. */
  readonly pValue: number | null;
  /** Standard deviation of a session, on the scale of logarithms where the metric has one. */
  readonly sessionSd: number | null;
  /** A regression that a session of the base beside head's would confirm or refute, and too few were measured. */
  readonly unconfirmed?: true;
  readonly reason: string;
}

/** How a family of metrics is judged. */
export interface JudgeOptions {
  /** This machine's own noise, from `calibrate`. */
  readonly noise?: Readonly<Record<string, MetricNoise>> | undefined;
}

/** Judges the metrics of one comparison together: what one of them may claim depends on how many there are. */
export type Judge = (inputs: readonly JudgeInput[], options?: JudgeOptions) => Judgement[];

/** What a gate has that measures all it may: its resolution is the machine's, that of fewer sessions is theirs. */
export const FULL = { base: 5, head: 3 } as const;
/**
 * Family-wise level of the test that a loss is more than half the tolerance, where head is separated from a full
 * gate's baseline. Against sessions without a loss that alone happens once in C(8, 3) = 56 times; of fewer sessions
 * it happens more often, and the test must make up for it.
 */
const ALPHA = 0.05;
/** The same for not letting a run pass: what is undecided at the end is warned of. */
const ALPHA_DOUBT = 0.1;
/** A loss is called detectable when it would be found this often. */
export const POWER = 0.95;
/** What separates head from base: this share of the tolerance, and this share of a session's standard deviation. */
export const SEPARATION = { ofTolerance: 0.25, ofSd: 0.5 } as const;
/**
 * Sessions exist that are slower than their like from start to end: one in four on the H200 of the fixtures, by 20 to
 * 40 %, and a slow round comes on top. Fewer head sessions than a full gate's convict only of twice as bad.
 */
const SLOW_SESSION = Math.log(2);
/**
 * Sessions of the base beside head's that confirm a regression: one shows whether the machine is slower now; of what
 * the machine moves from session to session there are as many as of head.
 */
const CONFIRMING = { steadyEnough: 1, moved: FULL.head } as const;
/** The base measured beside head has this share of its loss: then it has the loss. */
const SAME_LOSS = 0.75;

/** Numbers of sessions of both sides. */
interface Sessions {
  readonly base: number;
  readonly head: number;
}

/** The level at which so many sessions convict. */
export function alphaFor({ base, head }: Sessions): number {
  return (
    ALPHA * Math.min(1, combinations(base + head, head) / combinations(FULL.base + FULL.head, FULL.head))
  );
}

/**
 * The decision of `docs/decision.md`. A metric of which the worst round counts is a count of what failed, and has
 * nothing to estimate; all others are compared as {@link estimateLoss} says and then held against each other.
 */
export const judge: Judge = (inputs, { noise } = {}) => {
  const judgements = new Map<JudgeInput, Judgement>();
  for (const input of inputs) {
    if (input.rounds === "worst") judgements.set(input, judgeWorst(input));
  }
  const families = Map.groupBy(
    inputs.filter((input) => input.rounds !== "worst"),
    ({ level }) => level,
  );
  for (const family of families.values()) {
    const estimated = family.map((input) => ({ input, estimate: estimateLoss(input, noise) }));
    const losses = new Family(estimated.map(({ estimate }) => estimate));
    estimated.forEach(({ input, estimate }, index) => {
      judgements.set(input, judgeOne(input, estimate, losses, index));
    });
  }
  return inputs.map((input) => judgements.get(input) as Judgement);
};

/** Probabilities and levels of metrics that are tested together, of losses and of gains. */
class Family {
  readonly size: number;
  readonly losses: readonly number[];
  readonly gains: readonly number[];
  /** Share of the level that Holm's procedure leaves each. */
  readonly shares: readonly number[];

  constructor(estimates: readonly Estimate[]) {
    this.size = estimates.length;
    const losses = estimates.map((each) => tail(each, each.loss));
    this.losses = holmAdjusted(losses);
    this.shares = holmLevels(losses, 1);
    this.gains = holmAdjusted(estimates.map((each) => tail(each, -each.loss)));
  }
}

/** Probability of such a distance or more if the true one were half the tolerance. */
function tail({ tolerance, standardError, degreesOfFreedom }: Estimate, distance: number): number {
  return studentUpperTail((distance - tolerance / 2) / standardError, degreesOfFreedom);
}

function judgeOne(input: JudgeInput, estimate: Estimate, family: Family, index: number): Judgement {
  const { loss, standardError, degreesOfFreedom, tolerance } = estimate;
  const sessions = { base: estimate.base.length, head: estimate.head.length };
  const alpha = alphaFor(sessions);
  const critical = (level: number) => studentCritical(level, degreesOfFreedom);
  const share = (value: number) => {
    const found = asShare(value, estimate);
    return found === null ? null : digits(found);
  };
  const halfWidth = critical(0.025) * standardError;
  const atMost = loss + critical(1 - POWER) * standardError;
  const atLeast = loss - critical(alpha * (family.shares[index] as number)) * standardError;
  const resolution = Math.max(tolerance, findable(estimate, FULL, family.size));
  const interval = [share(loss - halfWidth), share(loss + halfWidth)] as const;
  const found = {
    base: digits(fromScale(meanOf(estimate.base), estimate.scale)),
    head: digits(fromScale(meanOf(estimate.head), estimate.scale)),
    effect: share(loss),
    interval: interval[0] === null || interval[1] === null ? null : ([interval[0], interval[1]] as const),
    bound: share(atLeast),
    detectable: share(Math.max(tolerance, findable(estimate, sessions, family.size))),
    resolution: share(resolution),
    pValue: family.losses[index] as number,
    sessionSd: estimate.sd,
  };
  const said = (value: number) => sayLoss(value, estimate);
  if (loss > tolerance && found.pValue <= alpha && isSeparated(estimate, 1)) {
    const doubt = doubtOf(input, estimate);
    if (doubt !== null) return { ...found, verdict: "inconclusive", reason: doubt };
    const wanted = isMoved(input, estimate) ? CONFIRMING.moved : CONFIRMING.steadyEnough;
    const open = !estimate.known.steady && (input.fresh ?? []).length < wanted;
    return {
      ...found,
      verdict: "regressed",
      ...(open ? { unconfirmed: true as const } : {}),
      reason: `surely more than ${said(atLeast)} worse`,
    };
  }
  if (loss < -tolerance && (family.gains[index] as number) <= alpha && isSeparated(estimate, -1)) {
    return { ...found, verdict: "improved", reason: "better by more than the tolerance, in every session" };
  }
  if (loss > tolerance && found.pValue <= ALPHA_DOUBT) {
    const reason = `worse by more than the tolerance, but ${isSeparated(estimate, 1) ? "not surely" : "as good as some of the baseline's sessions"}`;
    return { ...found, verdict: "inconclusive", reason };
  }
  if (sessions.head < FULL.head && isSeparated(estimate, 1) && isDistinct(estimate)) {
    const reason = `worse than every baseline session, but ${counted(sessions.head, "session")} of this run cannot tell`;
    return { ...found, verdict: "inconclusive", reason };
  }
  if (atMost >= resolution) {
    const by = `${counted(sessions.base, "baseline session")} and ${sessions.head} of this run`;
    return {
      ...found,
      verdict: "inconclusive",
      reason: `${by} do not exclude that it is ${said(atMost)} worse`,
    };
  }
  const reason =
    resolution > tolerance && atMost >= tolerance
      ? `no loss that this machine can show, which is ${said(resolution)}`
      : "within the tolerance";
  return { ...found, verdict: "pass", reason };
}

/**
 * Whether the best session of the worse side is worse than the worst of the other. Slow sessions make the spread of
 * neither side a normal one; that all of one side come last happens by chance only as often as their numbers say.
 *
 * @param sign - 1: head is the worse one
 */
function isSeparated({ base, head, tolerance, sd }: Estimate, sign: 1 | -1): boolean {
  const gap = sign === 1 ? Math.min(...head) - Math.max(...base) : Math.min(...base) - Math.max(...head);
  return gap > gapNeeded(tolerance, sd);
}

const gapNeeded = (tolerance: number, sd: number) =>
  Math.max(SEPARATION.ofTolerance * tolerance, SEPARATION.ofSd * sd);

/** Why a loss that is surely there does not convict, or null. */
function doubtOf(input: JudgeInput, estimate: Estimate): string | null {
  const { known, loss, head } = estimate;
  if (!known.steady && head.length < FULL.head && loss <= SLOW_SESSION) {
    const sessions = head.length === 1 ? "one slow session" : `${head.length} slow sessions`;
    return `worse by more than the tolerance, but ${sessions} could look like this`;
  }
  if (!isDistinct(estimate)) {
    return `worse by more than the tolerance, but not by more than sessions of the same flags differ (${sayLoss(known.range, estimate)})`;
  }
  if (isFreshSlow(input, estimate)) {
    return "worse than the baseline, but so is what the baseline was made of, measured beside this run";
  }
  return null;
}

/** Whether the machine moves the metric: then it may be another machine than it was for the baseline. */
function isMoved({ sensitivity }: JudgeInput, { known, tolerance }: Estimate): boolean {
  return !known.steady && (sensitivity === "host" || known.range > tolerance);
}

/** Whether the best sessions of both sides, of which none is a slow one, differ by more than like sessions do. */
function isDistinct({ base, head, tolerance, known }: Estimate): boolean {
  const ofBest = Math.min(...head) - expectedSmallest(base, Math.min(FULL.head, base.length));
  return ofBest > Math.max(tolerance, known.range);
}

/** Smallest loss that so many sessions find {@link POWER} of the time, as the first of a family to be rejected. */
function findable(estimate: Estimate, wanted: Sessions, family: number): number {
  const base = Math.max(wanted.base, estimate.base.length);
  const head = Math.max(wanted.head, estimate.head.length);
  const { degreesOfFreedom, tolerance, sd, known } = estimate;
  const critical = (level: number) => studentCritical(level, degreesOfFreedom);
  const tested =
    tolerance / 2 +
    (critical(alphaFor({ base, head }) / family) + critical(1 - POWER)) *
      standardErrorWith(estimate, base, head);
  const worst = Math.max(...estimate.base) - meanOf(estimate.base);
  // Every one of head's sessions must lie beyond the base's worst.
  const separated = worst + gapNeeded(tolerance, sd) + critical((1 - POWER) / head) * sd;
  const distinct = Math.max(tolerance, known.range) + critical(1 - POWER) * sd;
  const quick = known.steady || head >= FULL.head ? 0 : SLOW_SESSION;
  return Math.max(tested, separated, known.steady ? 0 : distinct, quick);
}

/**
 * Whether the base, measured now, is as slow as head: off by most of its loss, or, where sessions differ, as bad as
 * one of its sessions. Then the machine changed, not the flags.
 */
function isFreshSlow({ fresh = [], ...input }: JudgeInput, estimate: Estimate): boolean {
  if (fresh.length === 0 || estimate.known.steady) return false;
  const now = estimateLoss({ ...input, head: fresh });
  if (now.loss > SAME_LOSS * estimate.loss) return true;
  return isMoved(input, estimate) && Math.max(...now.head) >= Math.min(...estimate.head);
}

/** The last digits are those of the logarithms. */
function digits(value: number): number {
  return Number(value.toPrecision(12));
}

function combinations(all: number, chosen: number): number {
  let count = 1;
  for (let i = 1; i <= chosen; i += 1) count = (count * (all - chosen + i)) / i;
  return count;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function sayLoss(value: number, estimate: Estimate): string {
  if (estimate.scale.kind === "linear") return `${Number(Math.max(0, value).toPrecision(2))}`;
  const percent = Math.max(0, (asShare(value, estimate) ?? 0) * 100);
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toFixed(1))} %`;
}
