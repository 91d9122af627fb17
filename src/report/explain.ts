import { type Comparison, type ComparisonFile, incomparable } from "../domain/comparison.ts";
import type { HistoryFile } from "../domain/history.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import { type RunRecord, shortfallOf } from "../domain/run.ts";
import type { VerdictFile } from "../domain/verdict.ts";
import { formatDetectable, formatNumber } from "./numbers.ts";

/** What a report of a run is made from. */
export interface ReportInput {
  readonly verdict: VerdictFile;
  readonly run: RunRecord;
  readonly measurements: MeasurementsFile | null;
  readonly comparison: ComparisonFile | null;
  /** Earlier nights of this machine, where it has a history. */
  readonly history?: HistoryFile | null;
  /** Where the run's files lie, as a reader would type it. */
  readonly runPath: string;
  /** How to take these numbers as the new baseline. */
  readonly acceptCommand: string;
}

/** A sentence about metrics: text, and ids that are to be set as such. */
export type Phrase = readonly (string | { readonly id: string })[];

/** The smallest losses that this run could have seen, over its gated metrics; null where none is known. */
export function reachPhrase(comparison: ComparisonFile | null): Phrase | null {
  if (comparison === null || incomparable(comparison).length > 0) return null;
  const known = comparison.comparisons
    .filter((each) => each.level === "gate" && each.detectable !== null && each.base !== 0)
    .sort((a, b) => (a.detectable ?? 0) - (b.detectable ?? 0));
  const [sharpest, bluntest] = [known[0], known.at(-1)];
  if (sharpest === undefined || bluntest === undefined) return null;
  const text = (each: Comparison): Phrase => [`${formatDetectable(each)} in `, { id: each.metric }];
  return sharpest === bluntest
    ? ["This run could have seen a loss of ", ...text(sharpest), "."]
    : ["This run could have seen a loss of ", ...text(sharpest), ", and of ", ...text(bluntest), "."];
}

/** What of that which differs is known to move which of the metrics that changed. */
export function attributionPhrases(comparisons: readonly Comparison[]): Phrase[] {
  const explained = comparisons.filter((each) => each.attribution !== undefined);
  return [...Map.groupBy(explained, (each) => each.attribution ?? "")].map(([attribution, group]) => [
    ...idList(group.map(({ metric }) => metric)),
    `: ${attribution}`,
  ]);
}

const SHOWN_IDS = 3;

/** Ids with commas between them; of many the first ones. */
export function idList(ids: readonly string[]): Phrase {
  const shown = ids.slice(0, SHOWN_IDS).flatMap((id, index) => (index === 0 ? [{ id }] : [", ", { id }]));
  return ids.length > SHOWN_IDS ? [...shown, ` and ${ids.length - SHOWN_IDS} more`] : shown;
}

/** Why more was measured than at first, a line for each look; empty when one look was enough. */
export function lookLines(run: RunRecord): string[] {
  const looks = run.looks ?? [];
  if (looks.length < 2) return [];
  return looks.map(({ sessions, next, why }) => {
    const base = sessions.base === 0 ? "" : ` and ${count(sessions.base, "session")} of the base`;
    const then = next.length === 0 ? "" : ` → measured ${next.join(", ")}`;
    return `After ${count(sessions.head, "session")}${base}: ${why}${then}`;
  });
}

/** Rounds in which the machine was not quiet, and what became of them. */
export function dirtyLines(run: RunRecord): string[] {
  const uses = {
    kept: "it counts",
    replaced: "another one was measured in its place",
    untrusted: "no clean one could be had",
  };
  return run.sessions.flatMap(({ index, variant, rounds = [], dirtyStart = [] }) => {
    const name = `session ${index} of ${variant}`;
    return [
      ...dirtyStart.map((reason) => `${name} started on a machine that was not quiet: ${reason}`),
      ...rounds
        .filter(({ dirty }) => dirty.length > 0)
        .map(
          ({ round, dirty, use }) =>
            `round ${round + 1} of ${name} was dirty (${dirty.join("; ")}); ${uses[use]}`,
        ),
    ];
  });
}

/** How much stands behind the numbers, and what it cost. */
export function extentText({ run, comparison }: Pick<ReportInput, "run" | "comparison">): string | null {
  const size = (side: (each: Comparison) => number[][]) => {
    const all = (comparison?.comparisons ?? []).map(side);
    const sessions = Math.max(0, ...all.map((each) => each.length));
    const rounds = Math.max(0, ...all.flat().map((each) => each.length));
    return `${count(sessions, "session")} of ${count(rounds, "round")}`;
  };
  const spent = spentOf(run);
  const cost = spent?.gpuMinutes == null ? "" : ` (${spent.gpuMinutes.toFixed(1)} GPU minutes)`;
  const said = [
    ...(comparison === null || comparison.comparisons.length === 0
      ? []
      : [`Baseline: ${size((each) => each.baseSessions)}; this run: ${size((each) => each.headSessions)}.`]),
    ...(spent === null ? [] : [`The run took ${spent.minutes.toFixed(1)} minutes${cost}.`]),
  ];
  return said.length === 0 ? null : said.join(" ");
}

/** Minutes from the run's beginning to its end, and the same times its GPUs; null when it has no end. */
export function spentOf(
  run: RunRecord,
): { readonly minutes: number; readonly gpuMinutes: number | null } | null {
  const minutes = (Date.parse(run.endedAt ?? "") - Date.parse(run.createdAt ?? "")) / 60_000;
  if (!Number.isFinite(minutes)) return null;
  const gpus = Number(run.fingerprint["gpuCount"] ?? 0);
  return { minutes, gpuMinutes: gpus > 0 ? minutes * gpus : null };
}

/** What makes some of it doubtful and is not said elsewhere. */
export function warningTexts(input: ReportInput): string[] {
  const { verdict, run } = input;
  const taints = (input.measurements?.taints ?? []).map((taint) => taint.reason);
  const left = run.sessions
    .filter((session) => (session.disposal?.survivors.length ?? 0) > 0)
    .map(
      (session) =>
        `processes ${session.disposal?.survivors.join(", ")} of session ${session.index} could not be ended`,
    );
  const judged = input.comparison?.comparisons.filter((each) => each.level === "gate") ?? [];
  const said = new Set(judged.map((each) => each.reason));
  const shortfall = shortfallOf(run);
  const short = shortfall === null || verdict.verdict === "failed" ? [] : [shortfall];
  const elsewhere = [verdict.headline, ...(verdict.cause === "not_recorded" ? verdict.reasons : [])];
  const notes = verdict.notes ?? [];
  return [...new Set([...taints, ...short, ...notes, ...left, ...dirtyLines(run)])].filter(
    (each) => !said.has(each) && !elsewhere.some((text) => text.includes(each)),
  );
}

export function count(number: number, what: string): string {
  return `${formatNumber(number)} ${what}${number === 1 ? "" : "s"}`;
}
