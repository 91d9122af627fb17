import type { Spread, StartRow } from "../domain/start-study.ts";
import { formatNumber } from "./numbers.ts";

const short = (value: number) => formatNumber(Number(value.toPrecision(3)));

/** A middle with its ends, as `12.1 (11.8–12.6)`. */
export function spreadText(spread: Spread | null): string {
  if (spread === null) return "–";
  const { median, least, most, n } = spread;
  return n === 1 ? short(median) : `${short(median)} (${short(least)}–${short(most)})`;
}

/** The difference of two middles: in all, as a share of the second, and whether every repeat shows it. */
export interface StartDifference {
  readonly change: number;
  readonly ratio: number;
  readonly apart: boolean;
  /** Repeats of the one that has fewer. */
  readonly n: number;
}

/**
 * What the difference of two middles comes to: whether one of them is larger in every repeat, and by how much.
 *
 * @returns null when either was not measured
 */
export function differenceOf(a: Spread | null, b: Spread | null): StartDifference | null {
  if (a === null || b === null) return null;
  const apart = a.n > 1 && b.n > 1 && (a.least > b.most || a.most < b.least);
  return { change: a.median - b.median, ratio: a.median / b.median - 1, apart, n: Math.min(a.n, b.n) };
}

/** Starts whose numbers the machine may have made, as a sentence; none when it was quiet. */
export function dirtySentences(starts: readonly StartRow[]): string[] {
  const dirty = starts.filter((start) => start.dirty.length > 0);
  const [first] = dirty;
  return first === undefined
    ? []
    : [
        `The machine was not quiet in ${dirty.length} of ${starts.length} starts, so differences may be its own; for example: ${first.dirty[0]}.`,
      ];
}

/** That repeats lie apart, or that they do not, as the end of a sentence. */
export function apartText({ apart, n }: Pick<StartDifference, "apart" | "n">): string {
  if (n < 2) return "of one start, so the spread is not known";
  return apart ? "apart in every start" : "within the spread of the starts";
}
