import type { GateConfig } from "./config/load.ts";
import type { DriftFile } from "./domain/drift.ts";
import { messageOf } from "./domain/errors.ts";
import { appendAndFindDrift, type DriftResult } from "./drift.ts";
import { issueNews } from "./drift-news.ts";
import { type RunResult, runNight } from "./gate.ts";
import type { GitHub } from "./publish/client.ts";
import type { IssueResult } from "./publish/drift-issue.ts";
import type { Surroundings } from "./surroundings.ts";
import { commitAndPush } from "./system/git-append.ts";
import type { GitEnvironment } from "./system/git-auth.ts";

/** A year of nights, and some. */
export const KEPT_NIGHTS = 400;

/** Where drift is told. */
export interface IssueTracker {
  readonly github: GitHub;
  /** Where this night can be read. */
  readonly runUrl: string;
}

export interface NightOptions {
  /** Run folders to append; without any, one is measured. */
  readonly runs: readonly string[];
  readonly keep: number;
  /** Commit the night and push it; with what git needs to be known to the remote. */
  readonly push: GitEnvironment | null;
  readonly tracker: IssueTracker | null;
  /** Told of what could be measured and not be kept or told. */
  readonly onProblem: (problem: string) => void;
}

/** What a night came to. */
export interface Night {
  /** The run that was measured; null when run folders were given. */
  readonly run: RunResult | null;
  /** Null when nothing was measured, or it was not fit for the history. */
  readonly drift: DriftFile | null;
}

/**
 * One night: measured and appended to the history, pushed, and told in an issue while a gated metric drifts. What was
 * measured is told even where it could not be pushed.
 */
export async function spendNight(
  config: GateConfig,
  world: Surroundings,
  options: NightOptions,
): Promise<Night> {
  const { runs, keep } = options;
  if (runs.length > 0) {
    const { cwd } = world;
    const { baselineDir } = config;
    const night = await appendAndFindDrift({ cwd, runs, baselineDir, keep, rules: config });
    await keepAndTell(night, world, options);
    return { run: null, drift: night.drift };
  }
  const run = await runNight(config, world, keep);
  if (run.night !== null) await keepAndTell(run.night, world, options);
  return { run, drift: run.night?.drift ?? null };
}

async function keepAndTell(
  { drift, touched }: DriftResult,
  { cwd, log }: Surroundings,
  { push, tracker, onProblem }: NightOptions,
): Promise<void> {
  if (push !== null) {
    const message = `vllm-gate: a night of ${drift.scenario}`;
    await commitAndPush(cwd, touched, message, push).then(
      () => log.step("The night is pushed"),
      (error: unknown) => onProblem(`the night could not be pushed: ${messageOf(error)}`),
    );
  }
  if (tracker === null) return;
  const isKnown = drift.metrics.some(({ level, state }) => level === "gate" && state !== "unknown");
  if (!isKnown) {
    // An issue of a history that was begun anew would be closed as recovered.
    log.step("No gated metric has nights enough for a level: the issue about drift is left as it is");
    return;
  }
  // GitHub's client is large, and a night without an issue does not need it.
  const { syncDriftIssue, explainIssue } = await import("./publish/drift-issue.ts");
  try {
    const result = await syncDriftIssue(tracker.github, issueNews(drift, tracker.runUrl));
    log.step(sentenceOf(result));
  } catch (error) {
    onProblem(explainIssue(error));
  }
}

const WORDS: Readonly<Record<IssueResult["change"], string>> = {
  opened: "It drifts: opened",
  updated: "It still drifts: updated",
  reopened: "It drifts again: opened again",
  closed: "It recovered: closed",
  left: "It drifts, and the issue was closed as not planned: left closed",
  none: "Nothing drifts, and there is no issue to close",
};

function sentenceOf({ change, url }: IssueResult): string {
  return `${WORDS[change]}${url === null ? "" : ` ${url}`}`;
}
