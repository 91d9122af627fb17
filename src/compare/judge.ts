import type { Level } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import type { Verdict } from "../domain/verdict.ts";
import { holmAdjusted, holmLevels } from "../stats/holm.ts";
import { meanOf } from "../stats/moderated.ts";
import { studentCritical, studentUpperTail } from "../stats/student.ts";
import {
  ALPHA_DOUBT,
  alphaFor,
  CONFIRMING,
  FULL,
  findable,
  isDistinct,
  isFreshSlow,
  isMoved,
  isSeparated,
  type JudgedSides,
  POWER,
  SLOW_SESSION,
} from "./conviction.ts";
import { asShare, type Estimate, estimateLoss, fromScale, noiseLevel } from "./estimate.ts";
import { judgeWorst } from "./judge-worst.ts";

/** One metric on both sides: values by session, in them by round; at least one session each. */
export interface JudgeInput extends JudgedSides {
  readonly level: Level;
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
  const gated = inputs.filter(({ rounds, level }) => rounds !== "worst" && level === "gate");
  const noisier = noiseLevel(gated.map((input) => estimateLoss(input, noise)));
  for (const family of families.values()) {
    const estimated = family.map((input) => ({ input, estimate: estimateLoss(input, noise, noisier) }));
    const losses = new Family(
      estimated.map(({ estimate }) => estimate),
      noisier,
    );
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
  /** How much noisier the machine is than the one of the shipped figures: those protect the less, the level must more. */
  readonly noisier: number;

  constructor(estimates: readonly Estimate[], noisier: number) {
    this.size = estimates.length;
    this.noisier = noisier;
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
  const alpha = alphaFor(sessions) / family.noisier;
  const critical = (level: number) => studentCritical(level, degreesOfFreedom);
  const share = (value: number) => {
    const found = asShare(value, estimate);
    return found === null ? null : digits(found);
  };
  const halfWidth = critical(0.025) * standardError;
  const atMost = loss + critical(1 - POWER) * standardError;
  const atLeast = loss - critical(alpha * (family.shares[index] as number)) * standardError;
  const resolution = Math.max(tolerance, findable(estimate, FULL, family));
  const interval = [share(loss - halfWidth), share(loss + halfWidth)] as const;
  const found = {
    base: digits(fromScale(meanOf(estimate.base), estimate.scale)),
    head: digits(fromScale(meanOf(estimate.head), estimate.scale)),
    effect: share(loss),
    interval: interval[0] === null || interval[1] === null ? null : ([interval[0], interval[1]] as const),
    bound: share(atLeast),
    detectable: share(Math.max(tolerance, findable(estimate, sessions, family))),
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

/** The last digits are those of the logarithms. */
function digits(value: number): number {
  return Number(value.toPrecision(12));
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

function sayLoss(value: number, estimate: Estimate): string {
  if (estimate.scale.kind === "linear") return `${Number(Math.max(0, value).toPrecision(2))}`;
  const percent = Math.max(0, (asShare(value, estimate) ?? 0) * 100);
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toFixed(1))} %`;
}
