import { z } from "zod";
import { fingerprintSchema } from "./fingerprint.ts";
import { levelSchema, toleranceSchema } from "./metric.ts";

/** How far a metric spreads on one machine, and what that means for gating it. */
export const metricNoiseSchema = z.object({
  unit: z.string(),
  /** `log`: spreads are of logarithms, so 0.02 is 2 %. `linear`: they are in the metric's unit. */
  scale: z.enum(["log", "linear"]),
  /** Sessions that it was measured in. */
  sessions: z.number().int().positive(),
  /** Standard deviation between sessions of what stands for a session. */
  sessionSd: z.number().nonnegative(),
  degreesOfFreedom: z.number().int().nonnegative(),
  /** Distance between the best and the worst of the sessions that were not slow by themselves. */
  sessionRange: z.number().nonnegative(),
  /** Sessions far behind all others, which count as if they lay at the end of those. */
  slowSessions: z.number().int().positive().optional(),
  /** Standard deviation between the rounds of a session; null with one round in each. */
  roundSd: z.number().nonnegative().nullable(),
  /** Smallest loss that a gate of 5 baseline and 3 head sessions finds 95 times in 100. */
  detectable: z.number().nonnegative(),
  proposed: z.object({ level: levelSchema, tolerance: toleranceSchema }),
  /** Head sessions against 5 of the baseline to find a loss of this share 95 times in 100; null: more than 20. */
  sessionsFor: z.array(z.object({ loss: z.number(), sessions: z.number().int().nullable() })),
  /** Share of the pairs of these sessions, all alike, of which a fixed rule on the first round would have failed one. */
  fixedRuleFires: z.array(z.object({ rule: z.number(), share: z.number() })),
});
export type MetricNoise = z.infer<typeof metricNoiseSchema>;

/** `<slug>.noise.json`, beside a baseline: what `calibrate` found on the machine. */
export const noiseFileSchema = z.object({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  fingerprint: fingerprintSchema,
  recordedAt: z.string(),
  toolVersion: z.string(),
  run: z.string().nullable(),
  metrics: z.record(z.string(), metricNoiseSchema),
});
export type NoiseFile = z.infer<typeof noiseFileSchema>;
