import type { TtftSummary } from "../domain/measurements.ts";
import type { SessionRecord } from "../domain/run.ts";
import type { TelemetryLine } from "../domain/telemetry.ts";
import { coincidences } from "./coincidence.ts";

/** Whether any warm request stands out, so that the samples are worth reading. */
export function hasOutliers(summaries: readonly TtftSummary[]): boolean {
  return summaries.some(({ warm }) => warm.some(isOutlier));
}

function isOutlier({ notes, startS }: TtftSummary["warm"][number]): boolean {
  return notes !== "" && startS !== undefined;
}

/**
 * The summaries with what coincided in the notes of each warm request that stands out; that nothing did is said too.
 * Summaries of sessions without samples are returned as they are.
 */
export function noteOutliers(
  summaries: readonly TtftSummary[],
  sessions: readonly SessionRecord[],
  samples: readonly TelemetryLine[],
): TtftSummary[] {
  return summaries.map((summary) => {
    const own = samples.filter(
      ({ variant, session }) => variant === summary.variant && session === summary.session,
    );
    const record = sessions.find(
      ({ variant, index }) => variant === summary.variant && index === summary.session,
    );
    const median = summary.warmStats?.medianS;
    if (own.length === 0 || median === undefined) return summary;
    const warm = summary.warm.map((row) => {
      const { startS, endS, round, ttftS, notes } = row;
      const during = record?.rounds?.find((each) => each.round === round)?.telemetry;
      if (!isOutlier(row) || startS === undefined || endS === undefined || during == null) return row;
      const found = coincidences(own, during, { startS, endS, excessS: ttftS - median });
      const said = found.length === 0 ? "nothing that was watched coincided" : found.join("; ");
      return { ...row, notes: `${notes}: ${said}` };
    });
    return { ...summary, warm };
  });
}
