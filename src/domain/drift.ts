import { z } from "zod";
import { levelSchema } from "./metric.ts";

/** A change of level in a metric's nightly series. */
export const levelChangeSchema = z.object({
  /** When the first night of the new level was recorded. */
  at: z.string(),
  run: z.string().nullable(),
  before: z.number(),
  after: z.number(),
  /** As a share of the old level, worse is positive; null where it was 0. */
  loss: z.number().nullable(),
  pValue: z.number(),
  /** What differs between the night before and this one: commits, versions, flags, machine. */
  between: z.array(z.string()),
});
export type LevelChange = z.infer<typeof levelChangeSchema>;

/**
 * `drifting`: worse beyond the tolerance than the anchor, or than the level that was lost by the last change since the
 * anchor was recorded.
 */
export const DRIFT_STATES = ["steady", "drifting", "improved", "unknown"] as const;

export const metricDriftSchema = z.object({
  metric: z.string(),
  unit: z.string(),
  level: levelSchema,
  state: z.enum(DRIFT_STATES),
  /** The pinned value: the committed baseline's, or the first level of the series. */
  anchor: z.number().nullable(),
  /** The level that the series has now. */
  now: z.number().nullable(),
  /** Of the latest night alone. */
  latest: z.number().nullable(),
  /** Now against the anchor, worse is positive. */
  loss: z.number().nullable(),
  /** Now against the level before the last change, where that lost more than the tolerance after the anchor was recorded. */
  slip: z.number().nullable(),
  nights: z.number().int(),
  /** Each night's time and value, the oldest first. */
  points: z.array(z.tuple([z.string(), z.number()])),
  changes: z.array(levelChangeSchema),
  /** Why nothing can be said. */
  reason: z.string().nullable(),
});
export type MetricDrift = z.infer<typeof metricDriftSchema>;

/** `drift.json` of a run, and what `drift --json` prints: one for each machine that has a history. */
export const driftFileSchema = z.object({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  /** The history's folder under `baselines/history/`. */
  history: z.string(),
  nights: z.number().int(),
  /** Where the anchor is from: the baseline's path, or null for the first level of the series. */
  anchor: z.string().nullable(),
  drifting: z.boolean(),
  metrics: z.array(metricDriftSchema),
});
export type DriftFile = z.infer<typeof driftFileSchema>;
