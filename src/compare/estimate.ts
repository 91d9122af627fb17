import { median } from "simple-statistics";
import type { Direction, MetricDefinition, Tolerance } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import { type Contrast, meanOf, moderatedContrast, squaresAround } from "../stats/moderated.ts";
import { expectedSmallest, smallestVariance } from "../stats/order.ts";
import { type KnownSpread, knownSpread } from "./prior.ts";

/** One metric on both sides: values by session, in them by round; at least one session each. */
export interface MetricSides {
  readonly metric: string;
  readonly direction: Direction;
  readonly tolerance: Tolerance;
  readonly rounds: MetricDefinition["rounds"];
  readonly base: readonly (readonly number[])[];
  readonly head: readonly (readonly number[])[];
}

/** Where a metric is compared: on a scale on which larger is worse, its own or that of logarithms. */
export interface Scale {
  readonly kind: "log" | "linear";
  readonly direction: Direction;
  /** Compared in points, as shares are: what is known of a spread is in them already. */
  readonly inPoints: boolean;
}

/** The loss of head against base with its uncertainty, all of it on the metric's {@link Scale}. */
export interface Estimate {
  readonly scale: Scale;
  /** What stands for each session. */
  readonly base: readonly number[];
  readonly head: readonly number[];
  /** Where each side stands by its best sessions, and the loss between them; see {@link bestLoss}. */
  readonly basePlace: number;
  readonly headPlace: number;
  readonly loss: number;
  readonly standardError: number;
  /** Standard deviation of the sessions that are not slow by themselves. */
  readonly bulkSd: number;
  /** The means of both sides, slow sessions pulled in; see {@link pulledIn}. What is tested. */
  readonly tested: Contrast;
  /** How large a loss may be. */
  readonly tolerance: number;
  readonly known: KnownSpread;
  /** What a loss of 1 is on the scale: 1 for logarithms and points, else the size of the base. */
  readonly unit: number;
}

/** Metrics whose values are shares, or differences of them. */
const SHARES = /\.(hit_rate|saving|agreement|trend|error_rate|slo_attainment)$/;

/** Whether a metric is a share, of which points matter. */
export function isShare(metric: string): boolean {
  return SHARES.test(metric);
}

/**
 * The scale of a metric. Ratios for what has a relative tolerance; the unit itself for shares and counts, of which
 * points matter, and for values that have no logarithm.
 */
export function scaleFor(
  direction: Direction,
  tolerance: Tolerance,
  values: readonly (readonly number[])[],
  metric: string,
): Scale {
  // Shares are compared in points. Everything else in ratios, also where only an absolute loss is tolerated: how far
  // sessions spread is known as a share.
  const inPoints = tolerance.relative === 0 && isShare(metric);
  const ratios = !inPoints && values.every((session) => session.every((value) => value > 0));
  return { kind: ratios ? "log" : "linear", direction, inPoints };
}

/** A value on its scale. */
export function toScale(value: number, { kind, direction }: Scale): number {
  const size = kind === "log" ? Math.log(value) : value;
  return direction === "lower" ? size : -size;
}

/** The value that stands at a place of the scale. */
export function fromScale(place: number, { kind, direction }: Scale): number {
  const size = direction === "lower" ? place : -place;
  return kind === "log" ? Math.exp(size) : size;
}

/**
 * What stands for a session on its scale: its best round, since interference only ever adds time, or the mean of its
 * rounds. Of more rounds than are counted, the best of that number, averaged over all choices.
 *
 * @param rounds - how many are counted
 */
export function sessionPlace(
  session: readonly number[],
  scale: Scale,
  by: MetricDefinition["rounds"],
  rounds: number,
): number {
  const places = session.map((value) => toScale(value, scale));
  return by === "mean" ? meanOf(places) : expectedSmallest(places, rounds);
}

/**
 * Compares the sessions of both sides, with the same number of rounds in each: the best of three is better than the
 * best of two by itself. The spread is that of sessions, pooled over both sides and with what is known of it.
 *
 * @param noisier - how much noisier this machine is than that of which the shipped spreads are, see {@link noiseLevel}
 */
export function estimateLoss(
  input: MetricSides,
  recorded?: Readonly<Record<string, MetricNoise>>,
  noisier = 1,
): Estimate {
  const { direction, tolerance } = input;
  const all = [...input.base, ...input.head];
  const scale = scaleFor(direction, tolerance, all, input.metric);
  const equal = Math.min(...all.map((session) => session.length));
  const place = (session: readonly number[]) => sessionPlace(session, scale, input.rounds, equal);
  const base = input.base.map(place);
  const shipped = knownSpread(input.metric, scale.kind, recorded);
  // What is the same in every session is as bad as its worst one: none of head's may hide behind another.
  const places = input.head.map(place);
  const head = shipped.steady ? [Math.max(...places)] : places;
  const size = unitOf(scale, base);
  const known = scaled(sized(shipped, size), noisier, base, head);
  const bulk = bulkSd([base, head], known);
  const tested = moderatedContrast(pulledIn(base, bulk), pulledIn(head, bulk), known);
  return {
    scale,
    base,
    head,
    ...(known.steady ? meanLoss(base, head, tested) : bestLoss(base, head, tested.spread.sd)),
    bulkSd: bulk,
    tested,
    tolerance: toleranceOnScale(tolerance, scale, fromScale(meanOf(base), scale)),
    known,
    unit: size,
  };
}

/**
 * What 1 of a spread is on the scale: spreads are known as shares. A value that has no logarithm, since a round of it
 * was zero, is compared in its own unit, so its spread is that share of the base.
 */
export function unitOf({ kind, inPoints }: Scale, base: readonly number[]): number {
  return kind === "log" || inPoints ? 1 : Math.abs(meanOf(base)) || 1;
}

/** What this tool ships is in shares; what was recorded here on the same scale is in its unit. */
function sized(known: KnownSpread, unit: number): KnownSpread {
  return known.shipped ? { ...known, sd: known.sd * unit, range: known.range * unit } : known;
}

/** Best of how many sessions stands for a side. */
const BEST_OF = 3;

/**
 * The loss by the best of up to three sessions of head, and of the base the same, averaged over all choices of as many:
 * what makes a session slow only ever makes it slower, and all of three are slow by themselves once where one in four
 * is in 64. Of fewer than three sessions of head the base's place must not move with its own slow ones either: the best
 * of three stands against two, the median against one.
 *
 * @param sd - of one session
 */
function bestLoss(
  base: readonly number[],
  head: readonly number[],
  sd: number,
): Pick<Estimate, "basePlace" | "headPlace" | "loss" | "standardError"> {
  const ofHead = atMostThree(head.length);
  const ofBase = ofHead === 1 ? 1 : atMostThree(base.length);
  const basePlace = ofHead === 1 ? median([...base]) : expectedSmallest(base, ofBase);
  const headPlace = expectedSmallest(head, ofHead);
  return {
    basePlace,
    headPlace,
    loss: headPlace - basePlace,
    standardError:
      sd * Math.sqrt(smallestVariance(ofHead, head.length) + smallestVariance(ofBase, base.length)),
  };
}

/** The loss of what is the same in every session. */
function meanLoss(
  base: readonly number[],
  head: readonly number[],
  { standardError }: Contrast,
): Pick<Estimate, "basePlace" | "headPlace" | "loss" | "standardError"> {
  const [basePlace, headPlace] = [meanOf(base), meanOf(head)];
  return { basePlace, headPlace, loss: headPlace - basePlace, standardError };
}

const atMostThree = (sessions: number) => Math.min(BEST_OF, sessions) as 1 | 2 | 3;

/** Beyond this many standard deviations above its side's median a session counts as one that lies there. */
const PULLED_IN = 2.5;

/**
 * A side whose slow sessions are pulled in to where the better half leads one to expect the worst (Winsorized, as Tukey
 * 1962, The future of data analysis, has it; on the one side on which sessions are off). Without it one slow session
 * of the baseline hides every loss below its own.
 */
function pulledIn(side: readonly number[], bulk: number): readonly number[] {
  if (side.length < BEST_OF) return side;
  const most = middleOf(side) + PULLED_IN * bulk;
  return side.map((place) => Math.min(place, most));
}

/** The middle session, of two the better one: half way to a slow one there are none. */
function middleOf(side: readonly number[]): number {
  return [...side].sort((a, b) => a - b)[(side.length - 1) >> 1] as number;
}

/** Standard deviation of the sessions that are not slow: from the better half of each side, with what is known. */
function bulkSd(sides: readonly (readonly number[])[], known: KnownSpread): number {
  const squares = sides.flatMap((side) => {
    const middle = middleOf(side);
    const better = [...side].sort((a, b) => a - b).slice(0, (side.length - 1) >> 1);
    return better.map((place) => (middle - place) ** 2);
  });
  const freedom = known.degreesOfFreedom + squares.length;
  const own = squares.reduce((sum, square) => sum + square, 0);
  return Math.sqrt((known.degreesOfFreedom * known.sd ** 2 + own) / freedom);
}

/** Below this, a machine is as noisy as the one that the shipped spreads are from: few sessions tell it no better. */
const AS_NOISY = 3;
const LEAST_FOR_LEVEL = 3;

/**
 * How much noisier this machine is than that of the shipped spreads: the middle over the metrics of how far their own
 * sessions spread, against what is shipped (an empirical prior, as Smyth 2004 has it, but by its level alone). 1 where
 * that is less than three times as far, or where no metric has the sessions to tell.
 */
export function noiseLevel(estimates: readonly Estimate[]): number {
  const levels = estimates
    .filter(({ known, base }) => known.shipped && !known.steady && base.length >= LEAST_FOR_LEVEL)
    .map(({ known, base, head }) => ownSd(base, head) / known.sd);
  return levels.length === 0 ? 1 : Math.max(1, median(levels) / AS_NOISY);
}

/** How far the sessions of both sides spread, each around its own mean; at least three of them. */
function ownSd(base: readonly number[], head: readonly number[]): number {
  return Math.sqrt((squaresAround(base) + squaresAround(head)) / (base.length + head.length - 2));
}

/**
 * What is known, on a machine that is so much noisier. The level is that of most metrics; one whose own sessions lie
 * closer together than a third of what it would make of them is not as noisy as the others, and none of which the
 * baseline's sessions lie closer together than a third of the range has such a range.
 */
function scaled(
  known: KnownSpread,
  noisier: number,
  base: readonly number[],
  head: readonly number[],
): KnownSpread {
  if (!known.shipped || known.steady || noisier === 1) return known;
  const most =
    base.length < LEAST_FOR_LEVEL ? noisier : Math.max(1, (AS_NOISY * ownSd(base, head)) / known.sd);
  const factor = Math.min(noisier, most);
  const seen =
    base.length < LEAST_FOR_LEVEL ? Number.POSITIVE_INFINITY : Math.max(...base) - Math.min(...base);
  const range = Math.min(known.range * factor, Math.max(known.range, AS_NOISY * seen));
  return { ...known, sd: known.sd * factor, range };
}

/** The loss that is tolerated: both the relative and the absolute bound must be exceeded. */
function toleranceOnScale({ relative, absolute }: Tolerance, scale: Scale, base: number): number {
  const size = Math.abs(base);
  if (scale.kind === "linear") return Math.max(absolute, relative * size);
  const share = Math.max(relative, absolute / size);
  if (scale.direction === "lower") return Math.log1p(share);
  return share < 1 ? -Math.log1p(-share) : Number.POSITIVE_INFINITY;
}

/**
 * A loss on the scale as a share of the base: worse is positive. Null where the base is zero and the loss is not.
 */
export function asShare(loss: number, estimate: Pick<Estimate, "scale" | "basePlace">): number | null {
  const { scale } = estimate;
  if (scale.kind === "log") return scale.direction === "lower" ? Math.expm1(loss) : -Math.expm1(-loss);
  const size = Math.abs(estimate.basePlace);
  if (size === 0) return loss === 0 ? 0 : null;
  return loss / size;
}
