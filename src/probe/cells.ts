import type { CasePlan, PromptTarget } from "./case-plan.ts";
import type { ProbeSuite, ServerTools } from "./suite.ts";

/** How much a cell sends in a round, for the estimate of its time. */
export interface CellWork {
  readonly requests: number;
  readonly concurrency: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** An open loop takes as long as its arrivals do. */
  readonly atLeastS?: number;
}

/** One cell of a study's grid: it is measured whole or left out. */
export interface Cell {
  readonly name: string;
  /** What it is worth: of cells that do not fit in the time, the least valuable is left out first. */
  readonly value: number;
  readonly work: CellWork;
  readonly concurrency: number;
  plan(target: PromptTarget, round: number, tools: ServerTools): Promise<readonly CasePlan[]>;
}

/** How fast a server is, as far as it is known. */
export interface Pace {
  /** Spawn to ready and back to nothing, in seconds. */
  readonly sessionS: number;
  /** Measured time over {@link cellSeconds}, 1 before anything was measured. */
  readonly factor: number;
}

/** Before anything was measured: a start as of a small model on a GPU with a warm compile cache. */
export const FIRST_PACE: Pace = { sessionS: 75, factor: 1 };

const PREFILL_TOKENS_PER_S = 20_000;
const TOKEN_S = 0.008;
/** Requests in flight that double the time of a token. */
const CROWD = 48;

/** A first guess at how long a cell takes in one round, warm-up wave included, in seconds. */
export function cellSeconds({
  requests,
  concurrency,
  promptTokens,
  outputTokens,
  atLeastS = 0,
}: CellWork): number {
  const prefillS = (promptTokens * concurrency) / PREFILL_TOKENS_PER_S;
  const decodeS = outputTokens * TOKEN_S * (1 + concurrency / CROWD);
  const waveS = prefillS + decodeS;
  return waveS + Math.max(atLeastS, Math.ceil(requests / concurrency) * waveS);
}

/** How much is still to be measured. */
export interface Remaining {
  readonly sessions: number;
  readonly rounds: number;
}

/** How long what remains will take, in seconds. */
export function estimateSeconds(cells: readonly Cell[], { sessions, rounds }: Remaining, pace: Pace): number {
  const roundS = cells.reduce((sum, cell) => sum + cellSeconds(cell.work), 0) * pace.factor;
  return sessions * (pace.sessionS + rounds * roundS);
}

/**
 * The cells that fit in the time left: the least valuable are left out first, of equal ones the longest.
 *
 * @param budgetS - infinite for none
 */
export function fitCells(
  cells: readonly Cell[],
  remaining: Remaining,
  pace: Pace,
  budgetS: number,
): { readonly kept: readonly Cell[]; readonly dropped: readonly Cell[] } {
  const order = [...cells].sort((a, b) => a.value - b.value || cellSeconds(b.work) - cellSeconds(a.work));
  const dropped = new Set<Cell>();
  const kept = () => cells.filter((cell) => !dropped.has(cell));
  for (const cell of order) {
    if (estimateSeconds(kept(), remaining, pace) <= budgetS) break;
    dropped.add(cell);
  }
  return { kept: kept(), dropped: cells.filter((cell) => dropped.has(cell)) };
}

/** The suite that measures cells, round by round, in their order. */
export function suiteOfCells(cells: readonly Cell[], cold: ProbeSuite["cold"] = () => null): ProbeSuite {
  return {
    maxConcurrency: Math.max(1, ...cells.map((cell) => cell.concurrency)),
    cold,
    round: async (target, round, tools) => {
      const plans: CasePlan[] = [];
      for (const cell of cells) plans.push(...(await cell.plan(target, round, tools)));
      return plans;
    },
  };
}
