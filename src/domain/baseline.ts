import { z } from "zod";
import { fingerprintSchema } from "./fingerprint.ts";
import type { Variant } from "./run.ts";

/** Version of the file's shape. */
export const BASELINE_VERSION = 2;

/** A metric's recorded values. */
export const metricValuesSchema = z.object({
  unit: z.string(),
  /** Values behind it, over all sessions and rounds. */
  n: z.number().int().positive(),
  /** (largest − smallest) / median of the values. */
  spread: z.number(),
  /** One list for each of the baseline's sessions, by round; an empty one for a session that did not measure it. */
  sessions: z
    .array(z.array(z.number()))
    .refine((sessions) => sessions.some((rounds) => rounds.length > 0), "expected a session with values"),
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

/** How a baseline came to be what it is. */
export const CHANGE_KINDS = ["recorded", "extended", "accepted"] as const;

/** The latest change of a baseline; git has the earlier ones. */
export const baselineChangeSchema = z.object({
  kind: z.enum(CHANGE_KINDS),
  at: z.string(),
  /** Why, in the words of whoever made it; null where none was needed. */
  reason: z.string().nullable(),
  /** Patterns of the metrics that were accepted; null when it was all of them. */
  metrics: z.array(z.string()).nullable(),
});

/** `baselines/<scenario>/<slug>.json`: what earlier sessions measured, and where that came from. */
export const baselineSchema = z.object({
  schemaVersion: z.literal(BASELINE_VERSION),
  /** SHA-256 of everything else in the file: another one means that it was edited by hand. Null where none was written. */
  contentSha256: z.string().nullable(),
  scenario: z.string(),
  change: baselineChangeSchema.nullable(),
  fingerprint: fingerprintSchema,
  args: z.array(z.string()),
  /**
   * SHA-256 of what was started beside its flags (command, model, environment; see {@link serverIdentity}): a run that
   * starts another cannot measure this baseline again. Null where it is unknown, or where the metrics are of several.
   */
  serverSha256: z.string().nullable().default(null),
  vllmVersion: z.string().nullable(),
  sessions: z.array(recordedSessionSchema).min(1),
  metrics: z.record(z.string(), metricValuesSchema),
});
export type Baseline = z.infer<typeof baselineSchema>;

/** What a variant starts beside its flags, as text to be hashed. Secrets are redacted in it already. */
export function serverIdentity({ command, model, env }: Variant): string {
  const sorted = Object.entries(env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([command ?? null, model ?? null, sorted]);
}
