import { z } from "zod";
import { measurementSchema, metricDefinitionSchema } from "./metric.ts";

/** A value that could not be measured, and why: nothing is absent in silence. */
export const absentSchema = z.object({
  metric: z.string(),
  variant: z.string(),
  session: z.number().int().nonnegative(),
  round: z.number().int().nonnegative().nullable(),
  reason: z.string(),
  /** Set where there were too few samples: another session may have enough. */
  tooFew: z.literal(true).optional(),
});
export type AbsentMeasurement = z.infer<typeof absentSchema>;

/** A run's measurement that must not be trusted, and why (a cold case that hit the cache, errors, …). */
export const taintSchema = z.object({
  variant: z.string(),
  session: z.number().int().nonnegative(),
  round: z.number().int().nonnegative().nullable(),
  /** Metrics with this prefix are concerned, e.g. `batching.c8`. */
  metrics: z.string(),
  reason: z.string(),
});
export type Taint = z.infer<typeof taintSchema>;

const requestSummarySchema = z.object({
  ttftS: z.number(),
  e2eS: z.number(),
  tokens: z.number(),
  /** Notes on the request: first after the start, outlier, … */
  notes: z.string(),
  /** When it was sent and answered, on the session's clock, and in which round. */
  startS: z.number().optional(),
  endS: z.number().optional(),
  round: z.number().int().nonnegative().optional(),
});

/** First-token latency of one session as the log page shows it: the cold request, the warm runs, and their spread. */
export const ttftSummarySchema = z.object({
  variant: z.string(),
  session: z.number().int().nonnegative(),
  cold: requestSummarySchema.nullable(),
  warm: z.array(requestSummarySchema),
  warmStats: z
    .object({
      minS: z.number(),
      meanS: z.number(),
      medianS: z.number(),
      p95S: z.number().nullable(),
      maxS: z.number(),
      /** (max − min) / median */
      band: z.number(),
      /** Change over the session's warm runs as a share of the median (Theil–Sen slope × runs). */
      trend: z.number(),
      outliers: z.number().int(),
    })
    .nullable(),
  coldWarmRatio: z.number().nullable(),
  /** The rules of thumb, said with the numbers in them. */
  observations: z.array(z.string()),
});
export type TtftSummary = z.infer<typeof ttftSummarySchema>;

/** `measurements.json` */
export const measurementsFileSchema = z.object({
  schemaVersion: z.literal(1),
  metrics: z.array(metricDefinitionSchema),
  measurements: z.array(measurementSchema),
  absent: z.array(absentSchema),
  taints: z.array(taintSchema),
  ttft: z.array(ttftSummarySchema),
});
export type MeasurementsFile = z.infer<typeof measurementsFileSchema>;
