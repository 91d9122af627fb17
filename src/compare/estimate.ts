import { median } from "simple-statistics";
import type { Direction, MetricDefinition, Tolerance } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import { meanOf, moderatedContrast, squaresAround, standardErrorOf } from "../stats/moderated.ts";
import { expectedSmallest } from "../stats/order.ts";
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
}

/** The loss of head against base with its uncertainty, all of it on the metric's {@link Scale}. */
export interface Estimate {
  readonly scale: Scale;
  /** What stands for each session. */
  readonly base: readonly number[];
  readonly head: readonly number[];
  readonly loss: number;
  readonly standardError: number;
  /** Standard deviation of one session. */
  readonly sd: number;
  readonly degreesOfFreedom: number;
  /** How large a loss may be. */
  readonly tolerance: number;
  readonly known: KnownSpread;
}

/** Metrics whose values are shares, or differences of them. */
const SHARES = /\.(hit_rate|saving|agreement|trend|error_rate)$/;

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
  const inPoints = tolerance.relative === 0 && SHARES.test(metric);
  const ratios = !inPoints && values.every((session) => session.every((value) => value > 0));
  return { kind: ratios ? "log" : "linear", direction };
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
  const head = input.head.map(place);
  const known = scaled(knownSpread(input.metric, scale.kind, recorded), noisier);
  const { difference, standardError, spread } = moderatedContrast(base, head, known);
  return {
    scale,
    base,
    head,
    loss: difference,
    standardError,
    sd: spread.sd,
    degreesOfFreedom: spread.degreesOfFreedom,
    tolerance: toleranceOnScale(tolerance, scale, fromScale(meanOf(base), scale)),
    known,
  };
}

function scaled(known: KnownSpread, noisier: number): KnownSpread {
  if (!known.shipped || known.steady) return known;
  return { ...known, sd: known.sd * noisier, range: known.range * noisier };
}

/** Below this, a machine is as noisy as the one that the shipped spreads are from: few sessions tell it no better. */
const AS_NOISY = 3;

/**
 * How much noisier this machine is than that of the shipped spreads: the middle over the metrics of how far their own
 * sessions spread, against what is shipped (an empirical prior, as Smyth 2004 has it, but by its level alone). 1 where
 * that is less than twice as far, or where no metric has the sessions to tell.
 */
export function noiseLevel(estimates: readonly Estimate[]): number {
  const levels = estimates
    .filter(({ known, base }) => known.shipped && !known.steady && base.length >= LEAST_FOR_LEVEL)
    .map(({ known, base, head }) => {
      const own = base.length + head.length - 2;
      return Math.sqrt((squaresAround(base) + squaresAround(head)) / own) / known.sd;
    });
  return levels.length === 0 ? 1 : Math.max(1, median(levels) / AS_NOISY);
}

const LEAST_FOR_LEVEL = 3;

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
export function asShare(loss: number, estimate: Pick<Estimate, "scale" | "base">): number | null {
  const { scale } = estimate;
  if (scale.kind === "log") return scale.direction === "lower" ? Math.expm1(loss) : -Math.expm1(-loss);
  const size = Math.abs(meanOf(estimate.base));
  if (size === 0) return loss === 0 ? 0 : null;
  return loss / size;
}

/** Standard error that this estimate's spread gives with other numbers of sessions. */
export function standardErrorWith(estimate: Estimate, base: number, head: number): number {
  return standardErrorOf(estimate.sd, base, head);
}
