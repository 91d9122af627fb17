import { median } from "simple-statistics";
import type { Baseline } from "../domain/baseline.ts";

/** A metric before and after a baseline was recorded; null on the side that lacks it. */
export interface BaselineChange {
  readonly metric: string;
  readonly unit: string;
  readonly old: number | null;
  readonly new: number | null;
}

/** What recording changed, metric by metric: the medians of all rounds. */
export function baselineChanges(before: Baseline | null, after: Baseline): BaselineChange[] {
  const ids = [...new Set([...Object.keys(before?.metrics ?? {}), ...Object.keys(after.metrics)])].sort();
  return ids.map((metric) => ({
    metric,
    unit: after.metrics[metric]?.unit ?? before?.metrics[metric]?.unit ?? "",
    old: middle(before?.metrics[metric]?.sessions),
    new: middle(after.metrics[metric]?.sessions),
  }));
}

function middle(sessions: readonly (readonly number[])[] | undefined): number | null {
  const values = (sessions ?? []).flat();
  return values.length === 0 ? null : median(values);
}
