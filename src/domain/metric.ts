import { z } from "zod";

/** `gate` metrics move the verdict, `watch` metrics are shown, `off` metrics are not compared. */
export const LEVELS = ["gate", "watch", "off"] as const;
export const levelSchema = z.enum(LEVELS);
export type Level = z.infer<typeof levelSchema>;

/** How large a loss may be before it matters: both bounds must be exceeded. */
export const toleranceSchema = z.strictObject({
  /** Relative loss, e.g. 0.05 for 5 %. For metrics that are shares or counts it is usually 0. */
  relative: z.number().min(0).max(10),
  /** Loss in the metric's own unit that is too small to matter whatever its share. */
  absolute: z.number().min(0),
});
export type Tolerance = z.infer<typeof toleranceSchema>;

export const directionSchema = z.enum(["lower", "higher"]);
export type Direction = z.infer<typeof directionSchema>;

/**
 * Which of a session's rounds stands for it. `best`: interference only ever makes a time worse. `worst`: what
 * failed in one round did fail, however good the others were. `mean`: a ratio of two measured values, which
 * interference moves both ways.
 */
export const roundsSchema = z.enum(["best", "worst", "mean"]);

/** What a metric is and how it is judged. The catalogue in `measure/` holds one for each metric. */
export const metricDefinitionSchema = z.object({
  /** `<probe>.<case>.<quantity>` */
  id: z.string(),
  unit: z.string(),
  direction: directionSchema,
  level: levelSchema,
  tolerance: toleranceSchema,
  /** `host`: moves with the host's speed, so a stored baseline of another host cannot convict it. */
  sensitivity: z.enum(["host", "none"]),
  rounds: roundsSchema.default("best"),
  description: z.string(),
});
export type MetricDefinition = z.infer<typeof metricDefinitionSchema>;

/** One number: metric × variant × session × round. */
export const measurementSchema = z.object({
  metric: z.string(),
  variant: z.string(),
  session: z.number().int().nonnegative(),
  round: z.number().int().nonnegative(),
  value: z.number(),
  /** How many requests (or log lines, or samples) stand behind the value. */
  n: z.number().int().positive(),
});
export type Measurement = z.infer<typeof measurementSchema>;
