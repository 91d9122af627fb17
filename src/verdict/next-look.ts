import type { Comparison, ComparisonFile, LimitBreach } from "../domain/comparison.ts";
import { LEAST_CONVICTING, type Look, type LookVariant, MOST_CONFIRMING } from "../domain/look.ts";

/** What is known when a look at the measurements is taken. */
export interface LookState {
  /** Of what was measured so far. */
  readonly comparisons: readonly Comparison[];
  /** Whether something is decided that no measurement could change: a part that must not be trusted, no baseline. */
  readonly settled: boolean;
  /** Limits that what was measured so far breaks. */
  readonly brokenLimits: readonly LimitBreach[];
  /** Sessions of this run so far, of each variant. */
  readonly sessions: { readonly head: number; readonly base: number };
  /** Head sessions that the scenario allows. */
  readonly mostSessions: number;
  /**
   * Where the base's sessions come from. `stored`: from a baseline alone. `confirmable`: from a baseline whose server
   * this run can start as well. `interleaved`: from this run, one for each of head.
   */
  readonly base: "stored" | "confirmable" | "interleaved";
  /** Of an interleaved run: which side its first pair began with. */
  readonly baseFirst?: boolean;
  /** What the budget has left, and what a session cost so far. */
  readonly remainingS: number;
  readonly sessionS: number;
}

/** What a look comes to: the end, or sessions to measure before the next one. */
export type LookPlan =
  | { readonly kind: "decided"; readonly why: string }
  | { readonly kind: "measure"; readonly order: readonly LookVariant[]; readonly why: string };

/**
 * What to measure next, so that what is undecided gets decided. The error rates hold over the whole sequence, since
 * fewer than three sessions of head convict only of twice as bad (`compare/conviction.ts`).
 *
 * - What no session is ever slow in (KV cache, memory) ends a run as soon as it regressed; so does everything else
 *   once it regressed: what others would come to, cannot change the exit.
 * - Any other regression of one session is first seen in another one, where the scenario allows two.
 * - Against a baseline of another day it is then confirmed by sessions of the base: if those are as slow, the machine
 *   changed.
 * - So is a loss that only some sessions of the baseline are as bad as: a slow one hides nothing then.
 * - What is undecided gets another session of head, up to the scenario's number, while the budget has the time. So
 *   does what had too few samples; everything else that is invalid stays so, and ends the run.
 *   More rounds of the same server do not help: sessions differ, and a slow one is slow in all its rounds.
 */
export function planNextLook(state: LookState): LookPlan {
  if (state.settled) return { kind: "decided", why: "no measurement can change the verdict" };
  if (state.brokenLimits.length > 0) return afterBrokenLimit(state);
  const gated = state.comparisons.filter(({ level }) => level === "gate");
  const regressed = gated.filter(({ verdict }) => verdict === "regressed");
  if (regressed.length > 0) return afterRegression(state, regressed);
  if (gated.some(({ verdict, decidable }) => verdict === "invalid" && decidable !== true)) {
    return { kind: "decided", why: "what is invalid stays so, however often it is measured" };
  }
  const undecided = gated.filter(
    ({ verdict, decidable }) => verdict === "invalid" || (verdict === "inconclusive" && decidable !== false),
  );
  if (undecided.length === 0) {
    const open = gated.some(({ verdict }) => verdict === "inconclusive");
    return { kind: "decided", why: open ? "more sessions cannot decide the rest" : "everything is decided" };
  }
  if (state.sessions.head >= state.mostSessions) {
    const open = undecided.filter(({ baseDecides }) => baseDecides === true);
    if (open.length > 0 && canConfirm(state) && affordable(state, ["base"])) {
      return { kind: "measure", order: ["base"], why: `undecided: ${listed(open)}; is the base as bad?` };
    }
    return { kind: "decided", why: `${state.mostSessions} sessions are the most that the scenario allows` };
  }
  const order = nextOrder(state);
  if (!affordable(state, order))
    return { kind: "decided", why: "the budget has no time for another session" };
  return { kind: "measure", order, why: `undecided: ${listed(undecided)}` };
}

/**
 * A comparison as the verdict takes it, now that nothing more is measured. What was seen in one session alone, of a run
 * that had no time for a second one, blocks nothing: one session may be in a state that no other is in.
 *
 * @param mostSessions - head sessions that the scenario allows; of one alone, one convicts
 */
export function withoutLoneConvictions(comparison: ComparisonFile, mostSessions: number): ComparisonFile {
  const convictsAlone = mostSessions < LEAST_CONVICTING;
  return {
    ...comparison,
    limits: comparison.limits.map(({ seenOnce, ...breach }) =>
      seenOnce === undefined || convictsAlone ? breach : { ...breach, seenOnce },
    ),
    comparisons: comparison.comparisons.map((each) =>
      each.verdict === "regressed" && each.seenOnce === true && !convictsAlone
        ? { ...each, verdict: "inconclusive", reason: `${each.reason}, but in one session alone` }
        : each,
    ),
  };
}

/** A look as `run.json` keeps it. */
export function recordLook(state: LookState, plan: LookPlan): Look {
  const gated = (verdict: Comparison["verdict"]) =>
    state.comparisons
      .filter((each) => each.level === "gate" && each.verdict === verdict)
      .map(({ metric }) => metric);
  return {
    sessions: { ...state.sessions },
    regressed: gated("regressed"),
    undecided: gated("inconclusive"),
    next: plan.kind === "measure" ? [...plan.order] : [],
    why: plan.why,
    remainingS: Math.max(0, Math.round(state.remainingS)),
  };
}

/**
 * Order of an A/B's sessions: pairs, each the other way round than the one before, so that what drifts over the run
 * meets both alike.
 *
 * @param baseFirst - drawn at random for a run
 */
export function interleavedOrder(pairs: number, baseFirst: boolean): LookVariant[] {
  return Array.from({ length: pairs }, (_, pair) => pairOrder(pair, baseFirst)).flat();
}

function pairOrder(pair: number, baseFirst: boolean): LookVariant[] {
  return (pair % 2 === 0) === baseFirst ? ["base", "head"] : ["head", "base"];
}

/** One slow session breaks a limit that the next ones keep: it is held against two before it blocks. */
function afterBrokenLimit(state: LookState): LookPlan {
  const what = `${state.brokenLimits[0]?.metric} breaks its limit`;
  const order = nextOrder(state);
  const isOpen = state.brokenLimits.every(({ seenOnce }) => seenOnce === true);
  return isOpen && mayRepeat(state) && affordable(state, order)
    ? { kind: "measure", order, why: `${what} in one session: in another, too?` }
    : { kind: "decided", why: what };
}

function afterRegression(state: LookState, regressed: readonly Comparison[]): LookPlan {
  const again = nextOrder(state);
  if (regressed.every(({ seenOnce }) => seenOnce === true) && mayRepeat(state)) {
    if (affordable(state, again)) {
      const why = `${listed(regressed)} regressed in one session: in another, too?`;
      return { kind: "measure", order: again, why };
    }
    const why = `${listed(regressed)} regressed in one session, and the budget has no time for another`;
    return { kind: "decided", why };
  }
  if (!canConfirm(state) || !regressed.every(({ unconfirmed }) => unconfirmed === true)) {
    return { kind: "decided", why: `${listed(regressed)} regressed` };
  }
  if (!affordable(state, ["base"])) {
    return { kind: "decided", why: "the budget has no time for a session of the base that could confirm it" };
  }
  return {
    kind: "measure",
    order: ["base"],
    why: `${listed(regressed)} regressed against a baseline of another day: is the base as slow now?`,
  };
}

/** A session may lack what another one showed, so it is those that have it that count, not those of the run. */
const mayRepeat = ({ sessions, mostSessions }: LookState) =>
  mostSessions >= LEAST_CONVICTING && sessions.head < mostSessions;

/** A session of the base may lack what it is asked for, however often it is measured. */
function canConfirm({ base, sessions }: LookState): boolean {
  return base === "confirmable" && sessions.base < MOST_CONFIRMING;
}

function nextOrder({ base, baseFirst = true, sessions }: LookState): LookVariant[] {
  return base === "interleaved" ? pairOrder(sessions.head, baseFirst) : ["head"];
}

/** Sessions end when they end: a little more than the last one took must be left. */
function affordable({ remainingS, sessionS }: LookState, order: readonly LookVariant[]): boolean {
  return remainingS >= order.length * sessionS * 1.1;
}

function listed(comparisons: readonly Comparison[]): string {
  const [first, ...rest] = comparisons.map(({ metric }) => metric);
  return rest.length === 0 ? `${first}` : `${first} and ${rest.length} more`;
}
