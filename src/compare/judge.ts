import { median } from "simple-statistics";
import type { Tolerance } from "../domain/metric.ts";
import type { Verdict } from "../domain/verdict.ts";

/** One metric on both sides: values by session, in them by round; at least one session each. */
export interface JudgeInput {
  readonly direction: "lower" | "higher";
  readonly tolerance: Tolerance;
  readonly base: readonly (readonly number[])[];
  readonly head: readonly (readonly number[])[];
}

/** What a judge found. Effects are losses: worse is positive, whatever the direction. */
export interface Judgement {
  readonly verdict: Extract<Verdict, "pass" | "improved" | "regressed" | "inconclusive">;
  readonly base: number;
  readonly head: number;
  readonly effect: number | null;
  readonly interval: readonly [number, number] | null;
  readonly bound: number | null;
  readonly detectable: number | null;
  readonly reason: string;
}

/** The statistics of the decision, behind one interface: another rule takes this one's place without a change elsewhere. */
export type Judge = (input: JudgeInput) => Judgement;

/**
 * A first rule. A session counts by its best round, since interference only ever makes a round worse, with the
 * same number of rounds on both sides; a side by the median of its sessions. `regressed`: the loss is beyond the
 * relative and the absolute tolerance, and no round of head is as good as any round of the base. A loss beyond
 * tolerance whose rounds overlap is `inconclusive`.
 *
 * It computes no interval: it does not know how far restarts spread.
 */
export const separationJudge: Judge = (input) => {
  const sign = input.direction === "lower" ? 1 : -1;
  const rounds = Math.min(...[...input.base, ...input.head].map((session) => session.length));
  const best = (session: readonly number[]) =>
    session
      .slice(0, rounds)
      .reduce((least, value) => Math.min(least, sign * value), Number.POSITIVE_INFINITY) * sign;
  const base = median(input.base.map(best));
  const head = median(input.head.map(best));
  const loss = sign * (head - base);
  const effect = base === 0 ? (loss === 0 ? 0 : null) : loss / Math.abs(base);

  const baseRounds = input.base.flat().map((value) => sign * value);
  const headRounds = input.head.flat().map((value) => sign * value);
  const { relative, absolute } = input.tolerance;
  // Numbers that are equal but for their last bits are equal.
  const epsilon = 1e-12 * Math.max(Math.abs(base), Math.abs(head));
  const beyond = (size: number) =>
    size > absolute + epsilon && (base === 0 ? size > epsilon : size > relative * Math.abs(base) + epsilon);
  const overlap = (worse: readonly number[], better: readonly number[]) =>
    Math.min(...worse) <= Math.max(...better);

  const detectable =
    base === 0
      ? null
      : Math.max(
          relative,
          absolute / Math.abs(base),
          (Math.max(...baseRounds) - sign * base) / Math.abs(base),
        );
  const shared = { base, head, effect, interval: null, bound: null, detectable };
  if (beyond(loss)) {
    return overlap(headRounds, baseRounds)
      ? {
          ...shared,
          verdict: "inconclusive",
          reason: "worse than the tolerance, but some rounds are as good as the baseline's",
        }
      : {
          ...shared,
          verdict: "regressed",
          reason: "worse than the tolerance, and no round is as good as any of the baseline's",
        };
  }
  if (beyond(-loss)) {
    return overlap(baseRounds, headRounds)
      ? {
          ...shared,
          verdict: "pass",
          reason: "not worse; better than the tolerance, but some rounds are only as good as the baseline's",
        }
      : {
          ...shared,
          verdict: "improved",
          reason: "better than the tolerance, and every round better than any of the baseline's",
        };
  }
  return { ...shared, verdict: "pass", reason: "within the tolerance" };
};
