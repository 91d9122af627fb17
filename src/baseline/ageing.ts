import type { Baseline } from "../domain/baseline.ts";
import type { Comparison } from "../domain/comparison.ts";
import type { DriftFile, MetricDrift } from "../domain/drift.ts";
import { isAsWritten } from "./baseline-text.ts";

const DAY_MS = 86_400_000;

export interface AgeRequest {
  readonly path: string;
  readonly now: Date;
  /** A baseline whose latest session is older is told. */
  readonly maxAgeDays: number;
  /** Of this tool. */
  readonly toolVersion: string;
  /** How to measure it anew. */
  readonly recordCommand: string;
}

/** What makes a baseline doubtful that is compared with: age, the tool that wrote it, hands. One sentence each. */
export function ageNotes(baseline: Baseline, request: AgeRequest): string[] {
  const { path, now, maxAgeDays, toolVersion, recordCommand } = request;
  const latestMs = Math.max(...baseline.sessions.map((session) => Date.parse(session.recordedAt)));
  const days = Math.floor((now.getTime() - latestMs) / DAY_MS);
  const versions = [
    ...new Set(baseline.sessions.map((session) => session.toolVersion ?? "an unknown version")),
  ];
  const others = versions.filter((version) => version !== toolVersion);
  return [
    ...(days > maxAgeDays
      ? [
          `The baseline is old: its latest session was recorded ${days} days ago, baselineMaxAgeDays is ${maxAgeDays}. ` +
            `Record it again: ${recordCommand}`,
        ]
      : []),
    ...(others.length > 0
      ? [
          `The baseline was recorded by vllm-gate ${others.join(", ")}, this is ${toolVersion}: where a difference has no ` +
            `other reason, record it again: ${recordCommand}`,
        ]
      : []),
    ...(isAsWritten(baseline) === false
      ? [`${path} was edited by hand: its content is not what was recorded.`]
      : []),
  ];
}

/** A gain must have held for so long before it is called one. */
const HELD_DAYS = 14;
const SHOWN = 3;

/**
 * Says that the baseline has slack: gated metrics that have been better than it for weeks of nights, and are so in this
 * run. A loss as large as the gain would pass.
 *
 * @param drift - the machine's history against the baseline
 * @returns a sentence, or null where there is none
 */
export function slackNote(
  drift: DriftFile,
  comparisons: readonly Comparison[],
  now: Date,
  recordCommand: string,
): string | null {
  const better = new Map(
    comparisons
      .filter(({ level, effect, tolerance }) => level === "gate" && effect !== null && -effect > tolerance)
      .map((each) => [each.metric, each]),
  );
  const held = drift.metrics.flatMap((each) => {
    const days = heldDays(each, now);
    return better.has(each.metric) && each.state === "improved" && days >= HELD_DAYS ? [{ each, days }] : [];
  });
  if (held.length === 0) return null;
  const names = held
    .sort((a, b) => (a.each.loss ?? 0) - (b.each.loss ?? 0))
    .slice(0, SHOWN)
    .map(({ each, days }) => `${each.metric} by ${(-(each.loss ?? 0) * 100).toFixed(1)} % for ${days} days`);
  const more = held.length > SHOWN ? ` and ${held.length - SHOWN} more` : "";
  return (
    `The baseline has slack: the nights have been better than it, ${names.join(", ")}${more}, and so is this run. ` +
    `A loss as large would pass; hold the gain: ${recordCommand}`
  );
}

/** How long the present level has been there. */
function heldDays({ changes, points }: MetricDrift, now: Date): number {
  const since = Date.parse(changes.at(-1)?.at ?? points[0]?.[0] ?? "");
  return Number.isFinite(since) ? Math.floor((now.getTime() - since) / DAY_MS) : 0;
}
