import type { CasePlan } from "./probe/case-plan.ts";
import { cellSeconds } from "./probe/cells.ts";
import type { StampedResponse, StreamClient } from "./probe/stream-client.ts";
import { formatNumber } from "./report/numbers.ts";
import { monotonicS } from "./system/clock.ts";

/** Below this share of a round its pace says nothing yet. */
const LEAST_SHARE = 0.05;

/** What was planned, and what is known of its pace before anything was measured. */
export interface ProgressPlan {
  /** The variant of each session. */
  readonly order: readonly string[];
  readonly rounds: number;
}

/** The case that runs: what was sent of it. */
interface RunningPhase {
  readonly plan: CasePlan;
  readonly phase: "warmup" | "measure";
  readonly beganS: number;
  ended: number;
  /** Output tokens of the requests that ended; null where the model may end by itself. */
  tokens: number | null;
}

interface RunningRound {
  readonly round: number;
  readonly beganS: number;
  /** What each case takes by a first guess; guessed before requests run, since a redrawn line must cost them nothing. */
  readonly guessesS: readonly number[];
  /** So many cases are behind. */
  done: number;
}

/**
 * How far a run has come and how long the rest takes: told by whoever measures, asked by whoever shows it. Times come
 * from what this run measured, start-up times before the first one from the baseline; what is not known is null, and
 * shown as `?`.
 */
export class RunProgress {
  readonly #rounds: number;
  readonly #nowS: () => number;
  #queue: readonly string[];
  #begun = 0;
  /** Seconds from a session's beginning to its first round, by variant; of any variant under the empty name. */
  readonly #leadS = new Map<string, number>();
  #roundS: number | null = null;
  #tailS = 0;
  #session: { variant: string; beganS: number; isServing: boolean; endedRoundS: number | null } | null = null;
  #round: RunningRound | null = null;
  #phase: RunningPhase | null = null;

  constructor({ order, rounds }: ProgressPlan, nowS: () => number = monotonicS) {
    this.#queue = order;
    this.#rounds = rounds;
    this.#nowS = nowS;
  }

  /** What is measured after the session that runs, in place of what was expected. */
  expect(order: readonly string[]): void {
    this.#queue = order;
  }

  /** How long a start took where it was measured before, such as in the baseline: holds until one is measured here. */
  expectStart(seconds: number): void {
    if (!this.#leadS.has("")) this.#leadS.set("", seconds);
  }

  sessionBegan(variant: string): void {
    const at = this.#queue.indexOf(variant);
    this.#queue = at < 0 ? this.#queue : this.#queue.toSpliced(at, 1);
    this.#begun += 1;
    this.#session = { variant, beganS: this.#nowS(), isServing: false, endedRoundS: null };
  }

  sessionServes(): void {
    if (this.#session !== null) this.#session.isServing = true;
  }

  sessionEnded(): void {
    const endedRoundS = this.#session?.endedRoundS ?? null;
    if (endedRoundS !== null) this.#tailS = this.#nowS() - endedRoundS;
    this.#session = null;
    this.#round = null;
    this.#phase = null;
  }

  /** @param plans - the cases of the round, in the order in which they are sent */
  roundBegan(round: number, plans: readonly CasePlan[]): void {
    const nowS = this.#nowS();
    if (this.#session !== null && round === 0) {
      const leadS = nowS - this.#session.beganS;
      this.#leadS.set(this.#session.variant, leadS);
      this.#leadS.set("", leadS);
    }
    this.#round = { round, beganS: nowS, guessesS: plans.map(guessedS), done: 0 };
  }

  roundEnded(): void {
    const nowS = this.#nowS();
    if (this.#round !== null) this.#roundS = nowS - this.#round.beganS;
    if (this.#session !== null) this.#session.endedRoundS = nowS;
    this.#round = null;
  }

  /** A phase of a case begins: its requests are counted as they end, by the client that is returned. */
  phaseBegan(plan: CasePlan, phase: "warmup" | "measure", client: StreamClient): StreamClient {
    const running: RunningPhase = { plan, phase, beganS: this.#nowS(), ended: 0, tokens: 0 };
    this.#phase = running;
    const count = (response: StampedResponse, request: { expectedTokens: number; mayEndEarly?: boolean }) => {
      running.ended += 1;
      if (request.mayEndEarly === true) running.tokens = null;
      else if (running.tokens !== null && !response.timedOut) running.tokens += request.expectedTokens;
    };
    return {
      connect: (senders) => client.connect(senders),
      // The promise itself: whoever waits for it is not kept waiting by the counting.
      send: (request) => {
        const sent = client.send(request);
        void sent.then((response) => count(response, request));
        return sent;
      },
      nowS: () => client.nowS(),
      takeReadLag: () => client.takeReadLag(),
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  }

  caseEnded(): void {
    this.#phase = null;
    if (this.#round !== null) this.#round.done += 1;
  }

  /** Seconds until the planned sessions are measured; null while nothing that was measured tells. */
  leftS(): number | null {
    const roundS = this.#roundS ?? this.#estimatedRoundS();
    const leadS = this.#queue.map((variant) => this.#leadOf(variant));
    const isKnown = leadS.every((each) => each !== null);
    if (this.#session === null && this.#queue.length === 0) return 0;
    if (roundS === null || !isKnown) return null;
    const later = leadS.reduce((sum, each) => sum + (each ?? 0) + this.#rounds * roundS + this.#tailS, 0);
    const now = this.#leftInSession(roundS);
    return now === null ? null : now + later;
  }

  #leftInSession(roundS: number): number | null {
    const session = this.#session;
    if (session === null) return 0;
    const since = (beganS: number) => this.#nowS() - beganS;
    if (this.#round !== null) {
      const inRound = Math.max(0, roundS - since(this.#round.beganS));
      return inRound + Math.max(0, this.#rounds - 1 - this.#round.round) * roundS + this.#tailS;
    }
    if (session.endedRoundS !== null) return Math.max(0, this.#tailS - since(session.endedRoundS));
    const leadS = this.#leadOf(session.variant);
    return leadS === null
      ? null
      : Math.max(0, leadS - since(session.beganS)) + this.#rounds * roundS + this.#tailS;
  }

  #leadOf(variant: string): number | null {
    return this.#leadS.get(variant) ?? this.#leadS.get("") ?? null;
  }

  /** How long the round that runs takes in all, from its pace so far. */
  #estimatedRoundS(): number | null {
    if (this.#round === null) return null;
    const { guessesS, done, beganS } = this.#round;
    const all = guessesS.reduce((sum, each) => sum + each, 0);
    const behind = guessesS.slice(0, done).reduce((sum, each) => sum + each, 0);
    const current = (guessesS[done] ?? 0) * this.#shareOfCase();
    const share = all === 0 ? 0 : (behind + current) / all;
    return share < LEAST_SHARE ? null : (this.#nowS() - beganS) / share;
  }

  #shareOfCase(): number {
    if (this.#phase === null) return 0;
    const { plan, phase, ended } = this.#phase;
    const sent = phase === "measure" ? plan.warmup.length + ended : ended;
    return sent / Math.max(1, plan.warmup.length + plan.measure.length);
  }

  /** The rest of a step's line: how long what is left takes, where that is known. */
  leftWords(): string {
    const leftS = this.leftS();
    return leftS === null ? "" : `, about ${leftText(leftS)} left`;
  }

  /** What goes on right now, in at most so many columns: the least important is left out first. */
  line(columns: number): string | null {
    if (this.#session === null) return null;
    const parts = this.#parts();
    const text = () => parts.map(([part]) => part).join(" · ");
    while (parts.length > 1 && text().length > columns) {
      const least = parts.reduce((worst, each) => (each[1] < worst[1] ? each : worst));
      parts.splice(parts.indexOf(least), 1);
    }
    const all = text();
    return all.length <= columns ? all : `${all.slice(0, Math.max(0, columns - 1))}…`;
  }

  /** The parts of the line with their weights. */
  #parts(): [text: string, weight: number][] {
    const session = this.#session;
    if (session === null) return [];
    const leftS = this.leftS();
    const left = leftS === null ? "time left: ?" : `about ${leftText(leftS)} left`;
    return [
      [`server ${this.#begun}/${this.#begun + this.#queue.length} ${session.variant}`, 4],
      ...this.#stage(session),
      [left, 5],
    ];
  }

  #stage(session: { variant: string; beganS: number; isServing: boolean }): [string, number][] {
    const round = this.#round;
    if (round === null) {
      const spent = `${Math.floor(this.#nowS() - session.beganS)} s`;
      const usual = this.#leadOf(session.variant);
      if (this.#session?.endedRoundS != null) return [["ending", 6]];
      if (session.isServing) return [["first requests", 6]];
      return [[`starting ${spent}${usual === null ? "" : ` of about ${Math.round(usual)} s`}`, 6]];
    }
    const place = `round ${round.round + 1}/${Math.max(this.#rounds, round.round + 1)}`;
    return [[place, 1], ...this.#rates()];
  }

  #rates(): [string, number][] {
    if (this.#phase === null) return [];
    const { plan, phase, beganS, ended, tokens } = this.#phase;
    const what = phase === "warmup" ? " warm-up" : "";
    const seconds = this.#nowS() - beganS;
    const rate = (count: number) => formatNumber(Number((count / seconds).toPrecision(3)));
    return [
      [`${plan.probe}.${plan.case}${what} ${ended}/${plan[phase].length}`, 6],
      ...(ended === 0 || seconds <= 0
        ? []
        : ([
            [`${rate(ended)} req/s`, 3],
            ...(tokens === null || tokens === 0 ? [] : [[`${rate(tokens)} tok/s`, 2]]),
          ] as [string, number][])),
    ];
  }
}

/** A first guess at a case's time: only the ratio of guesses counts, since the pace is measured. */
function guessedS({ measure, concurrency }: CasePlan): number {
  const mean = (of: (request: CasePlan["measure"][number]) => number) =>
    measure.length === 0 ? 0 : measure.reduce((sum, each) => sum + of(each), 0) / measure.length;
  const work = {
    requests: measure.length,
    concurrency,
    promptTokens: mean(({ promptTokens = 0 }) => promptTokens),
    outputTokens: mean(({ expectedTokens }) => expectedTokens),
    atLeastS: measure.at(-1)?.plannedS ?? 0,
  };
  return measure.length === 0 ? 0 : cellSeconds(work);
}

/** `45 s`, `12 min`: no more exact than it can be known. */
export function leftText(seconds: number): string {
  if (seconds < 90) return `${Math.max(5, Math.ceil(seconds / 5) * 5)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}
