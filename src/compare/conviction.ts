import { MOST_CONFIRMING } from "../domain/look.ts";
import type { MetricDefinition } from "../domain/metric.ts";
import { exceedanceProbability, mostExceeding } from "../stats/exceedance.ts";
import { standardErrorOf } from "../stats/moderated.ts";
import { studentCritical } from "../stats/student.ts";
import type { Estimate, MetricSides } from "./estimate.ts";

/** What a gate has that measures all it may: its resolution is the machine's, that of fewer sessions is theirs. */
export const FULL = { base: 5, head: 3 } as const;
/**
 * Family-wise level of the test that a loss is more than half the tolerance, where head is separated from a full
 * gate's baseline: without a loss that happens once in C(8, 3) = 56 times. Of fewer sessions it happens more often, and
 * the test must make up for it.
 */
const ALPHA = 0.05;
/** A loss that is this sure is worth sessions of the base beside head's, which may make it surer. */
const ALPHA_NEAR = 0.1;
/** The same for not letting a run pass: what is undecided at the end is warned of. */
const ALPHA_DOUBT = 0.15;
/** So often may head's best session come behind so many of the base's by chance. */
export const EXCEEDANCE = 0.02;
/** A loss is called detectable when it would be found this often. */
export const POWER = 0.95;
/**
 * A session of the base is as bad as head's best when it is no better than that by this share of the tolerance, of a
 * session's standard deviation, or of the loss.
 */
export const AS_BAD = { ofTolerance: 0.25, ofSd: 0.5, ofLoss: 0.25 } as const;
/**
 * Sessions exist that are slower than their like from start to end: one in four on the H200 of the fixtures, by 20 to
 * 40 %, and a slow round comes on top. Fewer head sessions than a full gate's convict only of twice as bad.
 */
const SLOW_SESSION = Math.log(2);
/**
 * Sessions of the base beside head's that confirm a regression: one shows whether the machine is slower now; of what
 * the machine moves from session to session there are as many as of head; where some of the base's were as bad as
 * head's best, as many as of a full baseline.
 */
const CONFIRMING = { steady: 1, moved: FULL.head, doubted: MOST_CONFIRMING } as const;

/** One metric with what confirms it. */
export interface JudgedSides extends MetricSides {
  readonly sensitivity: MetricDefinition["sensitivity"];
  /** Sessions of the base that were measured beside the head's, where `base` was measured earlier. */
  readonly fresh?: readonly (readonly number[])[];
}

/** What a metric's level depends on, beside its own sessions. */
export interface Company {
  /** Metrics that are tested together. */
  readonly size: number;
  /** See `noiseLevel`. */
  readonly noisier: number;
}

/** Numbers of sessions of both sides. */
export interface Sessions {
  readonly base: number;
  readonly head: number;
}

const FULLY_SEPARATED = exceedanceProbability(FULL.base, FULL.head, 0);

/** The level at which so many sessions convict. */
export function alphaFor({ base, head }: Sessions): number {
  return ALPHA * Math.min(1, FULLY_SEPARATED / exceedanceProbability(base, head, 0));
}

/** What the sessions of both sides say of a loss. */
export interface Finding {
  /** How many of the base's sessions are as bad as head's best. */
  readonly asBad: number;
  /** Probability of such a loss if the true one were half the tolerance, adjusted over the metrics of its level. */
  readonly pValue: number;
  readonly alpha: number;
  /** All that is asked of a loss, but for what sessions of the base beside head's say. */
  readonly convicts: boolean;
  /**
   * The same at the level of a full gate, however few sessions of the base were measured beside head's: asked in addition
   * to what convicts against all that there are.
   */
  readonly convictsBeside: boolean;
  /** The level of that. */
  readonly alphaBeside: number;
  /** The same, with sessions that chance alone separates too rarely to matter. */
  readonly isRare: boolean;
  /** Whether so many more good sessions of the base would make it rare. */
  readonly couldBeRareWith: (more: number) => boolean;
  /** Too large, or too sure, to be passed over. */
  readonly isDoubtful: boolean;
  /** Why it does not convict, where something is found. */
  readonly doubt: string;
}

/**
 * Holds an estimate against what a conviction asks for.
 *
 * @param said - says a loss to a reader
 */
export function examine(
  estimate: Estimate,
  pValue: number,
  noisier: number,
  said: (loss: number) => string,
): Finding {
  const { base, head, loss, tolerance, known } = estimate;
  const alpha = alphaFor({ base: base.length, head: head.length }) / noisier;
  const alphaBeside = ALPHA / noisier;
  const best = Math.min(...head) - marginOf(estimate);
  const asBad = base.filter((place) => place >= best).length;
  const level = (more: number) => exceedanceProbability(base.length + more, head.length, asBad);
  const isRare = known.steady || level(0) <= EXCEEDANCE;
  const isEnough = known.steady || head.length >= FULL.head || loss > SLOW_SESSION * estimate.unit;
  const isDistinct = loss > Math.max(tolerance, known.range);
  const isLarge = loss > tolerance && isDistinct && isEnough;
  return {
    asBad,
    pValue,
    alpha,
    isRare,
    convicts: isLarge && pValue <= alpha && (isRare || asBad === 0),
    convictsBeside: isLarge && pValue <= alphaBeside && asBad === 0,
    alphaBeside,
    couldBeRareWith: (more) => isLarge && pValue <= Math.max(alpha, ALPHA_NEAR) && level(more) <= EXCEEDANCE,
    isDoubtful: loss > tolerance && pValue <= ALPHA_DOUBT,
    doubt:
      asBad > 0
        ? `${asBad} of ${base.length} sessions of the base ${asBad === 1 ? "was" : "were"} as bad`
        : !isEnough
          ? `${head.length === 1 ? "one slow session" : `${head.length} slow sessions`} could look like this`
          : !isDistinct
            ? `not by more than sessions ${noisier > 1 && known.shipped ? "may differ on a machine this noisy" : "of the same flags differ"} (${said(known.range)})`
            : "not surely",
  };
}

/** Whether head's best session is worse than that of the base, and so few of the base are as bad, that more will tell. */
export function isOpen({ asBad }: Finding, { base, head, loss, tolerance, known }: Estimate): boolean {
  // A session that is slow by itself lies in the middle of the range: half of it is enough to ask for another.
  if (head.length >= FULL.head || loss <= Math.max(tolerance, known.range / 2)) return false;
  return asBad <= mostExceeding(base.length + CONFIRMING.doubted, FULL.head, EXCEEDANCE);
}

function marginOf({ tolerance, tested, loss }: Pick<Estimate, "tolerance" | "tested" | "loss">): number {
  return Math.max(AS_BAD.ofTolerance * tolerance, AS_BAD.ofSd * tested.spread.sd, AS_BAD.ofLoss * loss);
}

/** Whether every one of head's sessions is better than all of the base's. */
export function isBetter({ base, head, tolerance, tested }: Estimate): boolean {
  return Math.min(...base) - Math.max(...head) > marginOf({ tolerance, tested, loss: 0 });
}

/** Sessions of the base beside head's that a loss asks for, as far as is seen without them. */
export function confirmingFor({ sensitivity }: JudgedSides, finding: Finding, estimate: Estimate): number {
  const { known, tolerance, base } = estimate;
  if (known.steady) return 0;
  if (!finding.isRare || finding.asBad > 0) return CONFIRMING.doubted;
  const range = Math.max(known.range, Math.max(...base) - Math.min(...base));
  return sensitivity === "host" || range > tolerance ? CONFIRMING.moved : CONFIRMING.steady;
}

/** So many of them tell a slower machine from a slow session. */
export const TELLING = CONFIRMING.moved;

/**
 * Smallest loss that so many sessions find {@link POWER} of the time, as the first of a family to be rejected: it must
 * pass the test, be larger than like sessions differ, and leave all but as many of the base's sessions behind as may be
 * as bad.
 */
export function findable(estimate: Estimate, wanted: Sessions, { size, noisier }: Company): number {
  const base = Math.max(wanted.base, estimate.base.length);
  const head = Math.max(wanted.head, estimate.head.length);
  const { tolerance, tested, known } = estimate;
  const { sd } = tested.spread;
  // Of the sessions that are to come as well.
  const degreesOfFreedom =
    tested.spread.degreesOfFreedom + base - estimate.base.length + head - estimate.head.length;
  const critical = (level: number) => studentCritical(level, degreesOfFreedom);
  const test =
    tolerance / 2 +
    (critical(alphaFor({ base, head }) / size / noisier) + critical(1 - POWER)) *
      standardErrorOf(sd, base, head);
  if (known.steady) return Math.max(tolerance, test);
  const allowed = Math.max(0, mostExceeding(base + CONFIRMING.doubted, head, EXCEEDANCE));
  const sorted = [...estimate.base].sort((a, b) => b - a);
  // Of those to come some are as bad as those that there are.
  const worst = sorted[Math.max(0, Math.min(allowed - 1, sorted.length - 1))] as number;
  const reached = worst - (Math.min(...estimate.head) - estimate.loss);
  const separated = (Math.max(0, reached) + critical(1 - POWER) * sd) / (1 - AS_BAD.ofLoss);
  const distinct = Math.max(tolerance, known.range) + critical(1 - POWER) * sd;
  return Math.max(tolerance, test, separated, distinct, head >= FULL.head ? 0 : SLOW_SESSION * estimate.unit);
}
