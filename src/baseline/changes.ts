import { median } from "simple-statistics";
import type { Baseline } from "../domain/baseline.ts";

/** A metric before and after a baseline was recorded; null on the side that lacks it. */
export interface BaselineChange {
  readonly metric: string;
  readonly unit: string;
  readonly old: number | null;
  readonly new: number | null;
  /** Its values are those that were there, all of them and no others. */
  readonly kept: boolean;
}

/** What recording changed, metric by metric: the medians of all rounds. */
export function baselineChanges(before: Baseline | null, after: Baseline): BaselineChange[] {
  const ids = [...new Set([...Object.keys(before?.metrics ?? {}), ...Object.keys(after.metrics)])].sort();
  return ids.map((metric) => {
    const [old, now] = [before?.metrics[metric]?.sessions, after.metrics[metric]?.sessions];
    return {
      metric,
      unit: after.metrics[metric]?.unit ?? before?.metrics[metric]?.unit ?? "",
      old: middle(old),
      new: middle(now),
      kept: JSON.stringify(measured(old)) === JSON.stringify(measured(now)),
    };
  });
}

/** How many of a baseline's sessions stayed, came and went. */
export interface SessionChanges {
  readonly kept: number;
  readonly added: number;
  readonly dropped: number;
}

/** What recording did to the sessions behind a baseline. */
export function sessionChanges(before: Baseline | null, after: Baseline): SessionChanges {
  const was = countsOf(before);
  const is = countsOf(after);
  const kept = [...is].reduce((sum, [run, count]) => sum + Math.min(count, was.get(run) ?? 0), 0);
  return {
    kept,
    added: after.sessions.length - kept,
    dropped: (before?.sessions.length ?? 0) - kept,
  };
}

function countsOf(baseline: Baseline | null): Map<string, number> {
  const groups = Map.groupBy(baseline?.sessions ?? [], (session) => session.runSha256);
  return new Map([...groups].map(([run, sessions]) => [run, sessions.length]));
}

type Sessions = readonly (readonly number[])[];

/** Without the sessions that did not measure it: those come and go with other metrics. */
function measured(sessions: Sessions | undefined): Sessions {
  return (sessions ?? []).filter((rounds) => rounds.length > 0);
}

function middle(sessions: Sessions | undefined): number | null {
  const values = (sessions ?? []).flat();
  return values.length === 0 ? null : median(values);
}
