import type { MetricSides } from "./estimate.ts";
import type { Judgement } from "./judge.ts";

/**
 * Judges a metric of which the worst round counts: a share or number of what failed. One that is above the base's
 * worst by more than the tolerance is a loss; there is no noise that it could be.
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
  if (beyond(loss))
    return { ...found, verdict: "regressed", reason: "the worst round is worse than the baseline's" };
  if (beyond(-loss))
    return { ...found, verdict: "improved", reason: "the worst round is better than the baseline's" };
  return { ...found, verdict: "pass", reason: "within the tolerance" };
}
