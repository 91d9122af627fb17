import { median } from "simple-statistics";
import type { MetricDefinition, Tolerance } from "../domain/metric.ts";
import type { Verdict } from "../domain/verdict.ts";

/** One metric on both sides: values by session, in them by round; at least one session each. */
export interface JudgeInput {
  readonly direction: "lower" | "higher";
  readonly tolerance: Tolerance;
  readonly rounds: MetricDefinition["rounds"];
  readonly sensitivity: MetricDefinition["sensitivity"];
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
 * relative and the absolute tolerance, and head is separated from the base. A loss beyond tolerance without that is
 * `inconclusive`. A metric of which the worst round counts, counts by it alone.
 *
 * What separates depends on where a metric's scatter comes from. A metric that the host moves (throughput, TTFT)
 * has good and bad sessions as well as rounds, and a base shows with every round of it how far that goes: no round
 * of head may be as good as any of them. A metric that the host does not move (a floor of the time per token,
 * memory) has only rounds that something held up: there the best rounds of the sessions must not overlap. By all
 * rounds one slow round of the base would hide a loss; resampled sessions of an H200 (five of two rounds against
 * one of two) showed +3 % of `batching.c8.tpot_floor_ms` in 35 % of the runs, by best rounds in 95 %, at 1 % of
 * false alarms both ways. Of throughput and TTFT, best rounds would raise the false alarms from 1 % to 10 %.
 *
 * It computes no interval: it does not know how far restarts spread.
 */
export const separationJudge: Judge = (input) => {
  const { relative, absolute } = input.tolerance;
  // From here on larger is worse, whatever the direction.
  const sign = input.direction === "lower" ? 1 : -1;
  const equal = Math.min(...[...input.base, ...input.head].map((session) => session.length));
  const byRounds = input.sensitivity === "host";
  const side = (sessions: JudgeInput["base"]) =>
    input.rounds === "worst" ? worstOf(sessions, sign) : bestOf(sessions, sign, equal, byRounds);
  const base = side(input.base);
  const head = side(input.head);
  const loss = head.value - base.value;
  const size = Math.abs(base.value);
  const shared = {
    base: sign * base.value,
    head: sign * head.value,
    effect: size === 0 ? (loss === 0 ? 0 : null) : loss / size,
    interval: null,
    bound: null,
    // Head, as scattered as it was, moved until it is separated from the base.
    detectable:
      size === 0
        ? null
        : Math.max(relative, absolute / size, (base.worst - base.value + head.value - head.best) / size),
  };
  // Numbers that are equal but for their last bits are equal.
  const epsilon = 1e-12 * Math.max(size, Math.abs(head.value));
  const beyond = (difference: number) => difference > Math.max(absolute, relative * size) + epsilon;
  if (beyond(loss)) {
    return head.best > base.worst
      ? {
          ...shared,
          verdict: "regressed",
          reason: byRounds
            ? "no round is as good as the baseline's worst"
            : "no round is as good as the best one of any of the baseline's sessions",
        }
      : {
          ...shared,
          verdict: "inconclusive",
          reason: byRounds
            ? "worse by more than the tolerance, but some rounds are as good as the baseline's"
            : "worse by more than the tolerance, but as good as some of the baseline's sessions",
        };
  }
  if (beyond(-loss)) {
    return base.best > head.worst
      ? {
          ...shared,
          verdict: "improved",
          reason: `${byRounds ? "every round" : "every session's best round"} is better than the baseline's best`,
        }
      : {
          ...shared,
          verdict: "pass",
          reason: `better by more than the tolerance, but some ${byRounds ? "rounds" : "sessions"} are only as good as the baseline's`,
        };
  }
  return { ...shared, verdict: "pass", reason: "within the tolerance" };
};

/** One side of a metric where larger is worse. */
interface JudgedSide {
  readonly value: number;
  /** Of what must not overlap with the other side: its rounds, or the best ones of its sessions. */
  readonly best: number;
  readonly worst: number;
}

function bestOf(sessions: JudgeInput["base"], sign: number, rounds: number, byRounds: boolean): JudgedSide {
  const signed = sessions.map((session) => session.slice(0, rounds).map((value) => sign * value));
  const bests = signed.map((session) => Math.min(...session));
  return {
    value: median(bests),
    best: Math.min(...bests),
    worst: Math.max(...(byRounds ? signed.flat() : bests)),
  };
}

function worstOf(sessions: JudgeInput["base"], sign: number): JudgedSide {
  const value = Math.max(...sessions.flat().map((each) => sign * each));
  return { value, best: value, worst: value };
}
