import { exceedanceProbability } from "../stats/exceedance.ts";
import { EXCEEDANCE } from "./conviction.ts";
import { isShare, type MetricSides } from "./estimate.ts";
import type { Judgement } from "./judge.ts";

/** A base that fails some requests: head at so many times its worst share, and so many points above it, is no chance. */
const FAR_WORSE = { times: 3, above: 0.1 } as const;

/**
 * Judges a metric of which the worst round counts: a share or number of what failed. One that is above the base's
 * worst by more than the tolerance is a loss; there is no noise that it could be. Where the base fails as well, as it
 * may in an A/B, there is: then every round of head must be worse than every one of the base, in sessions enough, or far
 * worse.
 */
export function judgeWorst(input: MetricSides): Judgement {
  const sign = input.direction === "lower" ? 1 : -1;
  const worst = (sessions: MetricSides["base"]) =>
    sign * Math.max(...sessions.flat().map((value) => sign * value));
  const base = worst(input.base);
  const head = worst(input.head);
  const size = Math.abs(base);
  const loss = sign * (head - base);
  const allowed = Math.max(input.tolerance.absolute, input.tolerance.relative * size);
  // Numbers that are equal but for their last bits are equal.
  const beyond = (difference: number) => difference > allowed + 1e-12 * Math.max(size, Math.abs(head));
  const share = size === 0 ? null : allowed / size;
  const found = {
    base,
    head,
    effect: size === 0 ? (loss === 0 ? 0 : null) : loss / size,
    interval: null,
    bound: null,
    detectable: share,
    resolution: share,
    pValue: null,
    sessionSd: null,
  };
  if (beyond(loss) && base !== 0 && !isBeyondChance(input, sign)) {
    const reason = "the worst round is worse than the base's, but requests of the base failed as well";
    return { ...found, verdict: "inconclusive", reason };
  }
  if (beyond(loss))
    return { ...found, verdict: "regressed", reason: "the worst round is worse than the baseline's" };
  if (beyond(-loss)) {
    return isApart({ base: input.head, head: input.base }, sign)
      ? { ...found, verdict: "improved", reason: "every round is better than the base's" }
      : { ...found, verdict: "pass", reason: "the worst round is better than the base's, which is no proof" };
  }
  return { ...found, verdict: "pass", reason: "within the tolerance" };
}

function isBeyondChance(input: MetricSides, sign: 1 | -1): boolean {
  const worst = (sessions: MetricSides["base"]) => Math.max(...lossesOf(sessions, sign));
  const [ofBase, ofHead] = [worst(input.base), worst(input.head)];
  const isFar = ofHead >= FAR_WORSE.times * Math.abs(ofBase) && ofHead - ofBase >= FAR_WORSE.above;
  return isApart(input, sign) || (isShare(input.metric) && isFar);
}

/** Whether every round of head is worse than all of the base's, in sessions enough: those are what chance deals out. */
function isApart({ base, head }: Pick<MetricSides, "base" | "head">, sign: 1 | -1): boolean {
  const isWorse = Math.min(...lossesOf(head, sign)) > Math.max(...lossesOf(base, sign));
  return isWorse && exceedanceProbability(base.length, head.length, 0) <= EXCEEDANCE;
}

function lossesOf(sessions: MetricSides["base"], sign: 1 | -1): number[] {
  return sessions.flat().map((value) => sign * value);
}
