import { z } from "zod";
import { fingerprintSchema } from "./fingerprint.ts";

/** Version of the file's shape. */
export const BASELINE_VERSION = 1;

/** A metric's recorded values. */
export const metricValuesSchema = z.object({
  unit: z.string(),
  /** Values behind it, over all sessions and rounds. */
  n: z.number().int().positive(),
  /** (largest − smallest) / median of the values. */
  spread: z.number(),
  /** By session, in them by round; never empty. */
  sessions: z.array(z.array(z.number()).min(1)).min(1),
});

const recordedSessionSchema = z.object({
  run: z.string().nullable(),
  recordedAt: z.string(),
  commit: z.string().nullable(),
  toolVersion: z.string().nullable(),
  vllmVersion: z.string().nullable(),
  hostId: z.string().nullable(),
  /** SHA-256 of the run's `run.json` and `traces.jsonl`. */
  runSha256: z.string(),
});

/** `baselines/<scenario>/<slug>.json`: what earlier sessions measured, and where that came from. */
export const baselineSchema = z.object({
  schemaVersion: z.literal(BASELINE_VERSION),
  scenario: z.string(),
  fingerprint: fingerprintSchema,
  args: z.array(z.string()),
  vllmVersion: z.string().nullable(),
  sessions: z.array(recordedSessionSchema).min(1),
  metrics: z.record(z.string(), metricValuesSchema),
});
export type Baseline = z.infer<typeof baselineSchema>;
