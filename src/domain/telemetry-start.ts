import { z } from "zod";

/**
 * Which term of the cold start a part belongs to, after the seed's
 * `TTFT_cold ≈ load_weights + runtime_warmup + first_prefill + queueing`; `processes` is what a server does before
 * it has a model, and after it has one until it listens.
 */
export const START_TERMS = ["processes", "weights", "warmup", "request"] as const;
export type StartTerm = (typeof START_TERMS)[number];

/** One named stretch of a server's start. */
export const startPartSchema = z.object({
  name: z.string(),
  term: z.enum(START_TERMS),
  fromS: z.number(),
  toS: z.number(),
  seconds: z.number(),
  /** What the server itself says that it took, where it does. */
  reportedS: z.number().nullable(),
  /** The log's lines, or the measurement, that it is known by. */
  source: z.string(),
});
export type StartPart = z.infer<typeof startPartSchema>;

/** A start from the spawn to the first token, in parts. Seconds on the session's clock. */
export const coldStartSchema = z.object({
  readyS: z.number(),
  /** In their order, without overlap. */
  parts: z.array(startPartSchema),
  /** Time to ready that nothing names. */
  unexplainedS: z.number(),
  /** Share of the time to ready that the parts name, 0–1. */
  explainedShare: z.number(),
  /** Seconds by term. */
  terms: z.record(z.enum(START_TERMS), z.number()),
  weights: z
    .object({
      sizeMib: z.number(),
      /** Share that lay in the page cache before the start; null when it could not be told. */
      residentShare: z.number().nullable(),
      /** Reading them, as the server reports it. */
      mibPerS: z.number().nullable(),
    })
    .nullable(),
  /** From spawn to ready, by telemetry; null without it. */
  machine: z
    .object({
      diskReadMib: z.number().nullable(),
      cachedRiseMib: z.number().nullable(),
      gpuMemoryRiseMib: z.number().nullable(),
      pcieRxPeakMbPerS: z.number().nullable(),
      gpuBusyMean: z.number().nullable(),
      /** Mean CPU seconds per second of the server. */
      serverCores: z.number().nullable(),
    })
    .nullable(),
  /** The first request against a warm one, seconds; null without both. */
  coldWarm: z.object({ coldS: z.number(), warmS: z.number(), factor: z.number() }).nullable(),
  /** Why the machine, and not the server, may have made the start what it was; absent when nobody looked. */
  disturbed: z.array(z.string()).optional(),
  /** What it comes to, for somebody who runs servers. */
  paragraph: z.string(),
});
export type ColdStart = z.infer<typeof coldStartSchema>;

/** What is looked at by hand before a number is believed: before the start, after the cold request, while warm. */
export const sanitySchema = z.object({
  gpuMemoryBeforeMib: z.number().nullable(),
  gpuMemoryAfterColdMib: z.number().nullable(),
  /** Mean share of time with a kernel running, 0–1, during the warm requests, and at the highest concurrency. */
  gpuBusyWarm: z.number().nullable(),
  gpuBusyLoad: z.number().nullable(),
  /** Mean CPU seconds per second of the server. */
  serverCoresCold: z.number().nullable(),
  serverCoresWarm: z.number().nullable(),
});
export type Sanity = z.infer<typeof sanitySchema>;
