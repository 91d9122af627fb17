import { LEAST_CONVICTING, MOST_CONFIRMING } from "../domain/look.ts";
import type { Level } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import type { Verdict } from "../domain/verdict.ts";
import { holmAdjusted, holmLevels } from "../stats/holm.ts";
import { studentCritical, studentUpperTail } from "../stats/student.ts";
import {
  type Company,
  confirmingFor,
  examine,
  type Finding,
  FULL,
  findable,
  isBetter,
  isOpen,
  type JudgedSides,
  POWER,
  TELLING,
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
  /** A regression that sessions of the base beside head would confirm or refute. */
  readonly unconfirmed?: true;
  /** A regression that was seen in too few sessions of head to be one that others have. */
  readonly seenOnce?: true;
  /** The base, measured beside head, is worse than the baseline by more than the tolerance as well. */
  readonly machineMoved?: true;
  /** Set where more sessions of the base beside head's could decide what is inconclusive. */
  readonly baseDecides?: true;
  /** False where no number of sessions would decide what is inconclusive. */
  readonly decidable?: false;
  readonly reason: string;
}

/** How a family of metrics is judged. */
export interface JudgeOptions {
  /** This machine's own noise, from `calibrate`. */
  readonly noise?: Readonly<Record<string, MetricNoise>> | undefined;
  /** The base was measured in turn with head: it is as the machine is now, and there is nothing to confirm. */
  readonly interleaved?: boolean | undefined;
}

/** Judges the metrics of one comparison together: what one of them may claim depends on how many there are. */
export type Judge = (inputs: readonly JudgeInput[], options?: JudgeOptions) => Judgement[];

/**
 * The decision of `docs/decision.md`. A metric of which the worst round counts is a count of what failed, and has
 * nothing to estimate; all others are compared as {@link estimateLoss} says and then held against each other.
 */
export const judge: Judge = (inputs, { noise, interleaved = false } = {}) => {
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
    const estimates = family.map((input) => estimateLoss(input, noise, noisier));
    const losses = estimates.map((each) => tail(each, 1));
    const adjusted = holmAdjusted(losses);
    const shares = holmLevels(losses, 1);
    const gains = holmAdjusted(estimates.map((each) => tail(each, -1)));
    family.forEach((input, index) => {
      const metric = new JudgedMetric(
        input,
        {
          size: family.length,
          noisier,
          share: shares[index] as number,
          loss: adjusted[index] as number,
          gain: gains[index] as number,
        },
        (base, head) => estimateLoss({ ...input, base, head }, noise, noisier),
        interleaved,
      );
      judgements.set(input, metric.judge(estimates[index] as Estimate));
    });
  }
  return inputs.map((input) => judgements.get(input) as Judgement);
};

/** Probability of such a difference or more, in one direction, if the true one were half the tolerance. */
function tail({ tolerance, tested }: Estimate, sign: 1 | -1): number {
  const distance = sign * tested.difference - tolerance / 2;
  return studentUpperTail(distance / tested.standardError, tested.spread.degreesOfFreedom);
}

/** What a metric has of its family: see {@link Company}. */
interface Kin extends Company {
  /** Share of the level that Holm's procedure leaves it. */
  readonly share: number;
  /** Adjusted probabilities of its loss and of its gain against the baseline. */
  readonly loss: number;
  readonly gain: number;
}

type SessionsOf = JudgeInput["base"];

/** What was found with the base as it is now. */
interface Confirmed {
  readonly estimate: Estimate;
  readonly finding: Finding;
  /** What speaks against it: the base beside head is slower than the baseline as well, or head hardly worse than it. */
  readonly refuted: "moved" | "beside" | null;
  /** More sessions of the base are wanted. */
  readonly isOpen: boolean;
}

/** Sessions of both sides that it takes to call a gain one: two like ones lie apart by themselves, and one is better. */
const LEAST_PRAISING = 4;

/** A difference of logarithms. Whoever cannot exclude this much has not looked: that is no pass, whatever the noise. */
const THREE_TIMES_AS_BAD = Math.log(3);

class JudgedMetric {
  readonly #input: JudgeInput;
  readonly #kin: Kin;
  readonly #estimate: (base: SessionsOf, head: SessionsOf) => Estimate;
  readonly #interleaved: boolean;

  constructor(
    input: JudgeInput,
    kin: Kin,
    estimate: (base: SessionsOf, head: SessionsOf) => Estimate,
    interleaved: boolean,
  ) {
    this.#input = input;
    this.#kin = kin;
    this.#estimate = estimate;
    this.#interleaved = interleaved;
  }

  /** @param first - head against the baseline alone */
  judge(first: Estimate): Judgement {
    const { estimate, finding, refuted, isOpen: isWanting } = this.#confirm(first);
    const numbers = this.#numbersOf(estimate, finding);
    const inconclusive = (reason: string) => ({ ...numbers, verdict: "inconclusive" as const, reason });
    const { loss, tolerance } = estimate;
    if (finding.convicts && !(isWanting && refuted !== null)) {
      const atLeast = sayLoss(this.#lowerBound(estimate, finding), estimate);
      const isAlone = !estimate.known.steady && estimate.head.length < LEAST_CONVICTING;
      return {
        ...numbers,
        verdict: "regressed",
        ...(isWanting ? { unconfirmed: true as const } : {}),
        ...(isAlone ? { seenOnce: true as const } : {}),
        reason: `surely more than ${atLeast} worse`,
      };
    }
    if (refuted !== null) {
      const next = isWanting ? { baseDecides: true as const } : {};
      if (refuted === "beside") {
        const why = "worse than the baseline, but by no more than the tolerance than the base beside it";
        return { ...inconclusive(why), ...next };
      }
      const why =
        "worse than the baseline, but so is what the baseline was made of, measured beside this run";
      const ended = isWanting ? {} : { decidable: false as const };
      return { ...inconclusive(why), ...next, ...ended, machineMoved: true as const };
    }
    if (loss < -tolerance && this.#kin.gain <= finding.alpha && isBetter(estimate)) {
      const better = "better by more than the tolerance, in every session";
      const all = estimate.base.length + estimate.head.length;
      return estimate.known.steady || all >= LEAST_PRAISING
        ? { ...numbers, verdict: "improved", reason: better }
        : { ...numbers, verdict: "pass", reason: `${better}, but ${all} in all are too few to be sure` };
    }
    if (finding.isDoubtful || isWanting) {
      const why = `worse by more than the tolerance, but ${finding.doubt}`;
      return { ...inconclusive(why), ...(isWanting ? { baseDecides: true as const } : {}) };
    }
    const sessions = { base: estimate.base.length, head: estimate.head.length };
    if (isOpen(finding, estimate)) {
      return inconclusive(
        `worse than the baseline's best sessions, but ${counted(sessions.head, "session")} of this run cannot tell`,
      );
    }
    const excluded = this.#whatIsExcluded(estimate);
    if (isMostlyWorse(this.#withFresh(estimate))) {
      const why = "most of its sessions are worse than all of the baseline's, by more than those differ";
      const isAsked = excluded.most < excluded.wanted && this.#lacksFresh(estimate);
      return { ...inconclusive(why), ...(isAsked ? { baseDecides: true as const } : {}) };
    }
    if (isFarBeyond(estimate, this.#kin)) {
      return inconclusive("worse by more than the tolerance, but sessions lie too far apart to be sure");
    }
    const { most: atMost, wanted, resolution } = excluded;
    if (atMost >= wanted) {
      const by = `${counted(sessions.base, "baseline session")} and ${sessions.head} of this run`;
      const open = inconclusive(`${by} do not exclude that it is ${sayLoss(atMost, estimate)} worse`);
      // Not even a full gate would see it on this machine.
      return resolution > wanted ? { ...open, decidable: false } : open;
    }
    const shown = Math.min(resolution, Math.max(atMost, wanted));
    const reason =
      resolution > tolerance && atMost >= tolerance
        ? `no loss that this machine can show, which is ${sayLoss(shown, estimate)}`
        : "within the tolerance";
    return { ...numbers, verdict: "pass", reason };
  }

  /** The most that the loss may be, and the most that a pass lets it be, which is what a full gate can show. */
  #whatIsExcluded(estimate: Estimate): { most: number; wanted: number; resolution: number } {
    const { tested, tolerance, scale } = estimate;
    const resolution = findable(estimate, FULL, this.#kin);
    const cap = scale.kind === "linear" ? resolution : Math.max(tolerance, THREE_TIMES_AS_BAD);
    const reach = studentCritical(1 - POWER, tested.spread.degreesOfFreedom) * tested.standardError;
    return { most: tested.difference + reach, wanted: Math.min(resolution, cap), resolution };
  }

  /**
   * A loss against the baseline, held against the base as it is now. While too few of its sessions were measured, what
   * they say counts only against a regression.
   */
  #confirm(first: Estimate): Confirmed {
    const { base, head, fresh = [] } = this.#input;
    const finding = this.#examine(first, this.#kin.loss);
    const nothing = { estimate: first, finding, refuted: null, isOpen: false };
    const isSuspect = finding.convicts || finding.couldBeRareWith(MOST_CONFIRMING);
    if (this.#interleaved || first.known.steady || !isSuspect) return nothing;
    const wanted = confirmingFor(this.#input, finding, first);
    if (fresh.length === 0) return { ...nothing, isOpen: true };
    const now = this.#estimate(base, fresh);
    const beside = this.#estimate(fresh, head);
    // A machine that is a little slower than it was must not add to a small loss either.
    const refuted = now.loss > now.tolerance ? "moved" : beside.loss <= beside.tolerance ? "beside" : null;
    const more = Math.max(0, MOST_CONFIRMING - fresh.length);
    if (refuted !== null && fresh.length < TELLING) return { ...nothing, refuted, isOpen: true };
    // The base counts by all its sessions; where the machine has become slower, by those beside head's alone as well.
    const counted = (sessions: SessionsOf) => {
      const estimate = this.#estimate(sessions, head);
      return { estimate, finding: this.#examine(estimate, Math.min(1, tail(estimate, 1) / this.#kin.share)) };
    };
    const all = counted([...base, ...fresh]);
    if (refuted !== null) {
      const alone = counted(fresh);
      const isWorse = all.finding.convicts && alone.finding.convictsBeside;
      if (isWorse) {
        const { alphaBeside: alpha } = alone.finding;
        return {
          ...alone,
          finding: { ...alone.finding, alpha, convicts: true },
          refuted: null,
          isOpen: false,
        };
      }
      const isOpen = refuted === "beside" && more > 0;
      return { estimate: first, finding: { ...finding, convicts: false }, refuted, isOpen };
    }
    const { estimate, finding: found } = all;
    // Some of the base's were as bad: the level is that of all that may be measured, not of those so far.
    const isEarly = found.asBad > 0 && more > 0;
    const isWanting =
      fresh.length < wanted || (more > 0 && (isEarly || !found.convicts) && found.couldBeRareWith(more));
    return {
      estimate,
      finding: isEarly ? { ...found, convicts: false } : found,
      refuted: null,
      isOpen: isWanting,
    };
  }

  /** Head against all sessions of the base that there are, those beside it among them. */
  #withFresh(estimate: Estimate): Estimate {
    const { base, head, fresh = [] } = this.#input;
    return fresh.length === 0 ? estimate : this.#estimate([...base, ...fresh], head);
  }

  /** Whether more sessions of the base beside head's may show that the machine makes such ones. */
  #lacksFresh({ known }: Estimate): boolean {
    return !this.#interleaved && !known.steady && (this.#input.fresh ?? []).length < TELLING;
  }

  #examine(estimate: Estimate, pValue: number): Finding {
    return examine(estimate, pValue, this.#kin.noisier, (loss) => sayLoss(loss, estimate));
  }

  /** The loss is larger than this, as far as the test says so. */
  #lowerBound({ tested, loss, tolerance }: Estimate, { alpha, convicts }: Finding): number {
    const critical = studentCritical(alpha * this.#kin.share, tested.spread.degreesOfFreedom);
    // Where head's sessions differ, the means that are tested lie further apart than the best ones that are shown.
    const bound = Math.min(loss, tested.difference) - critical * tested.standardError;
    // What convicts is more than half the tolerance by that test.
    return convicts ? Math.max(bound, tolerance / 2) : bound;
  }

  #numbersOf(estimate: Estimate, finding: Finding) {
    const { loss, standardError, tested, base, head, basePlace, headPlace, scale } = estimate;
    const share = (value: number) => {
      const found = asShare(value, estimate);
      return found === null ? null : digits(found);
    };
    const halfWidth = studentCritical(0.025, tested.spread.degreesOfFreedom) * standardError;
    const [low, high] = [share(loss - halfWidth), share(loss + halfWidth)];
    const sessions = { base: base.length, head: head.length };
    return {
      base: digits(fromScale(basePlace, scale)),
      head: digits(fromScale(headPlace, scale)),
      effect: share(loss),
      interval: low === null || high === null ? null : ([low, high] as const),
      bound: share(this.#lowerBound(estimate, finding)),
      detectable: share(findable(estimate, sessions, this.#kin)),
      resolution: share(findable(estimate, FULL, this.#kin)),
      pValue: finding.pValue,
      sessionSd: tested.spread.sd,
    };
  }
}

/** So many standard deviations of a session lie between two sessions of the same flags. */
const FAR_APART = 2;

/**
 * Whether most sessions of head, or one of two, are worse than all of the base's by more than sessions of the same flags
 * differ: a side counts by its best ones, which may not hide that the others are off.
 */
function isMostlyWorse({ base, head, tolerance, known, tested }: Estimate): boolean {
  const middle = [...head].sort((a, b) => a - b)[head.length >> 1] as number;
  return middle - Math.max(...base) > Math.max(tolerance, known.range, FAR_APART * tested.spread.sd);
}

/**
 * Whether head's best sessions are worse than the base's by more than the tolerance, more than sessions differ, and more
 * than chance makes of those that are not slow by themselves. Slow ones among few widen the interval: a pass would be
 * theirs.
 */
function isFarBeyond(estimate: Estimate, { size }: Company): boolean {
  const { loss, tolerance, known, tested, standardError, bulkSd } = estimate;
  if (known.steady) return false;
  const chance = studentCritical((1 - POWER) / size, tested.spread.degreesOfFreedom) * standardError;
  return loss > Math.max(tolerance, known.range) + chance * Math.min(1, bulkSd / tested.spread.sd);
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
  if (percent > 1000) return "more than 1,000 %";
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toFixed(1))} %`;
}
