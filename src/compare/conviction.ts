import type { MetricDefinition } from "../domain/metric.ts";
import { meanOf } from "../stats/moderated.ts";
import { expectedSmallest } from "../stats/order.ts";
import { studentCritical } from "../stats/student.ts";
import { type Estimate, estimateLoss, type MetricSides, standardErrorWith } from "./estimate.ts";

/** What a gate has that measures all it may: its resolution is the machine's, that of fewer sessions is theirs. */
export const FULL = { base: 5, head: 3 } as const;
/**
 * Family-wise level of the test that a loss is more than half the tolerance, where head is separated from a full
 * gate's baseline. Against sessions without a loss that alone happens once in C(8, 3) = 56 times; of fewer sessions
 * it happens more often, and the test must make up for it.
 */
const ALPHA = 0.06;
/** The same for not letting a run pass: what is undecided at the end is warned of. */
export const ALPHA_DOUBT = 0.1;
/** A loss is called detectable when it would be found this often. */
export const POWER = 0.95;
/** What separates head from base: this share of the tolerance, and this share of a session's standard deviation. */
export const SEPARATION = { ofTolerance: 0.25, ofSd: 0.5 } as const;
/**
 * Sessions exist that are slower than their like from start to end: one in four on the H200 of the fixtures, by 20 to
 * 40 %, and a slow round comes on top. Fewer head sessions than a full gate's convict only of twice as bad.
 */
export const SLOW_SESSION = Math.log(2);
/**
 * Sessions of the base beside head's that confirm a regression: one shows whether the machine is slower now; of what
 * the machine moves from session to session there are as many as of head.
 */
export const CONFIRMING = { steadyEnough: 1, moved: FULL.head } as const;
/** The base measured beside head has this share of its loss: then it has the loss. */
const SAME_LOSS = 0.75;

/** One metric with what confirms it. */
export interface JudgedSides extends MetricSides {
  readonly sensitivity: MetricDefinition["sensitivity"];
  /** Sessions of the base that were measured beside the head's, where `base` was measured earlier. */
  readonly fresh?: readonly (readonly number[])[];
}

/** What a metric's level depends on, beside its own sessions. */
interface Company {
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

/** The level at which so many sessions convict. */
export function alphaFor({ base, head }: Sessions): number {
  return (
    ALPHA * Math.min(1, combinations(base + head, head) / combinations(FULL.base + FULL.head, FULL.head))
  );
}

/**
 * Whether the best session of the worse side is worse than the worst of the other. Slow sessions make the spread of
 * neither side a normal one; that all of one side come last happens by chance only as often as their numbers say.
 *
 * @param sign - 1: head is the worse one
 */
export function isSeparated({ base, head, tolerance, sd }: Estimate, sign: 1 | -1): boolean {
  const gap = sign === 1 ? Math.min(...head) - Math.max(...base) : Math.min(...base) - Math.max(...head);
  return gap > gapNeeded(tolerance, sd);
}

const gapNeeded = (tolerance: number, sd: number) =>
  Math.max(SEPARATION.ofTolerance * tolerance, SEPARATION.ofSd * sd);

/** Whether the machine moves the metric: then it may be another machine than it was for the baseline. */
export function isMoved({ sensitivity }: JudgedSides, { known, tolerance }: Estimate): boolean {
  return !known.steady && (sensitivity === "host" || known.range > tolerance);
}

/** Whether the best sessions of both sides, of which none is a slow one, differ by more than like sessions do. */
export function isDistinct({ base, head, tolerance, known }: Estimate): boolean {
  const ofBest = Math.min(...head) - expectedSmallest(base, Math.min(FULL.head, base.length));
  return ofBest > Math.max(tolerance, known.range);
}

/** Smallest loss that so many sessions find {@link POWER} of the time, as the first of a family to be rejected. */
export function findable(estimate: Estimate, wanted: Sessions, family: Company): number {
  const base = Math.max(wanted.base, estimate.base.length);
  const head = Math.max(wanted.head, estimate.head.length);
  const { degreesOfFreedom, tolerance, sd, known } = estimate;
  const critical = (level: number) => studentCritical(level, degreesOfFreedom);
  const tested =
    tolerance / 2 +
    (critical(alphaFor({ base, head }) / family.size / family.noisier) + critical(1 - POWER)) *
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
export function isFreshSlow({ fresh = [], ...input }: JudgedSides, estimate: Estimate): boolean {
  if (fresh.length === 0 || estimate.known.steady) return false;
  const now = estimateLoss({ ...input, head: fresh });
  if (now.loss > SAME_LOSS * estimate.loss) return true;
  return isMoved(input, estimate) && Math.max(...now.head) >= Math.min(...estimate.head);
}

function combinations(all: number, chosen: number): number {
  let count = 1;
  for (let i = 1; i <= chosen; i += 1) count = (count * (all - chosen + i)) / i;
  return count;
}
