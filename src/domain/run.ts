import { z } from "zod";
import { clientLoadSchema } from "./client-load.ts";
import { fingerprintSchema } from "./fingerprint.ts";
import { modelFactsSchema } from "./kv-formula.ts";
import { logFactsSchema } from "./log-facts.ts";
import { lookSchema } from "./look.ts";
import { ALLOCATORS } from "./node.ts";
import { sloSchema } from "./operating.ts";
import { ownCostSchema } from "./own-cost.ts";
import { telemetrySummarySchema } from "./telemetry.ts";
import { coldStartSchema, sanitySchema } from "./telemetry-start.ts";

/** Counters of a server's `/metrics`, summed over its engines; null where that version does not report one. */
export const serverCountersSchema = z.object({
  promptTokens: z.number().nullable(),
  generationTokens: z.number().nullable(),
  prefixQueriedTokens: z.number().nullable(),
  prefixHitTokens: z.number().nullable(),
  preemptions: z.number().nullable(),
  /** Requests that began to be answered, and the seconds that they waited and were prefilled, by the server's clock. */
  prefills: z.number().nullable().optional(),
  prefillS: z.number().nullable().optional(),
  queued: z.number().nullable().optional(),
  queueS: z.number().nullable().optional(),
});
export type ServerCounters = z.infer<typeof serverCountersSchema>;

/** What `/metrics` says about the KV cache (`vllm:cache_config_info`). */
export const kvConfigSchema = z.object({
  blocks: z.number().nullable(),
  blockSize: z.number().nullable(),
  capacityTokens: z.number().nullable(),
  maxConcurrency: z.number().nullable(),
  prefixCaching: z.boolean().nullable(),
  /** Where it was set and not found by profiling. */
  memoryBytes: z.number().nullable().optional(),
  /** The number of blocks was set, whatever memory there is. */
  blocksOverridden: z.boolean().optional(),
});
export type KvConfig = z.infer<typeof kvConfigSchema>;

/** What a server's gauges read at one moment; null where that version has none. */
export const gaugesSchema = z.object({
  /** On the traces' clock: the middle of the reading. */
  atS: z.number(),
  /** Share of the KV blocks in use, 0 to 1. */
  kvUsage: z.number().nullable(),
  running: z.number().nullable(),
  waiting: z.number().nullable(),
});
export type Gauges = z.infer<typeof gaugesSchema>;

/** One case of one round, or a part of one: when it ran and what the server counted meanwhile. */
export const caseRecordSchema = z.object({
  round: z.number().int().nonnegative(),
  probe: z.string(),
  case: z.string(),
  concurrency: z.number().int().positive(),
  /** A case whose prompts must not be in the server's prefix cache. */
  mustMiss: z.boolean(),
  startS: z.number(),
  endS: z.number(),
  /** Increase over the measured requests of the case; null when `/metrics` could not be read. */
  counters: serverCountersSchema.nullable(),
  /** The server's gauges while the measured requests ran, where the probe asks for them. */
  gauges: z.array(gaugesSchema).optional(),
  /** Why it was not sent: it asks for more than the server can do. */
  refused: z.string().optional(),
  /** How the client itself fared over the measured requests. */
  client: clientLoadSchema.optional(),
});
export type CaseRecord = z.infer<typeof caseRecordSchema>;

/** One round: what the machine did meanwhile, and whether that spoilt it. */
export const roundRecordSchema = z.object({
  round: z.number().int().nonnegative(),
  fromS: z.number(),
  toS: z.number(),
  /** Why the machine, and not the server, may have made the numbers; empty when it was quiet. */
  dirty: z.array(z.string()),
  /**
   * `kept`: measured like any other. `replaced`: dirty, and a clean one was measured in its place. `untrusted`: dirty,
   * and no clean one could be had.
   */
  use: z.enum(["kept", "replaced", "untrusted"]),
  telemetry: telemetrySummarySchema.nullable(),
});
export type RoundRecord = z.infer<typeof roundRecordSchema>;

export const SESSION_OUTCOMES = ["running", "ok", "failed_start", "died", "cancelled", "failed"] as const;

/** How a server was ended: proof that nothing is left, or what is. */
export const disposalSchema = z.object({
  tookS: z.number(),
  /** True when TERM was not enough. */
  killed: z.boolean(),
  survivors: z.array(z.number()),
});
export type Disposal = z.infer<typeof disposalSchema>;

export const sessionRecordSchema = z.object({
  variant: z.string(),
  index: z.number().int().nonnegative(),
  outcome: z.enum(SESSION_OUTCOMES),
  startedAt: z.string().optional(),
  /** The command as it was run; secrets are replaced. */
  argv: z.array(z.string()).optional(),
  /** Variables set for the server on top of the machine's own; secrets are replaced. */
  env: z.record(z.string(), z.string()).optional(),
  pid: z.number().optional(),
  vllmVersion: z.string().nullable().optional(),
  /** Spawn to the first 200 of `/health`. */
  readyS: z.number().optional(),
  /** Spawn to the end of the first completion that succeeded: only then the server is known to serve. */
  servingS: z.number().optional(),
  logFacts: logFactsSchema.partial().optional(),
  unknownFacts: z
    .array(z.object({ fact: z.string(), reason: z.string(), expected: z.boolean().optional() }))
    .optional(),
  kv: kvConfigSchema.optional(),
  /** Longest context in tokens that the server takes, as `/v1/models` tells it. */
  maxModelLen: z.number().nullable().optional(),
  /** What the model's `config.json` says, where it lies on this machine. */
  model: modelFactsSchema.optional(),
  /** Memory in use on the GPUs that the server sees, summed: as it became ready, at most, and in the middle under load. */
  gpuMemory: z
    .object({ readyMib: z.number(), peakMib: z.number(), steadyMib: z.number() })
    .nullable()
    .optional(),
  cases: z.array(caseRecordSchema).optional(),
  rounds: z.array(roundRecordSchema).optional(),
  /** Why the machine was not fit for the server's start: memory of a GPU in use, a process on it. */
  dirtyStart: z.array(z.string()).optional(),
  /** The start in parts, from the spawn to the first token. */
  coldStart: coldStartSchema.optional(),
  /** What the machine did before the server, after its first request, and while it was warm. */
  sanity: sanitySchema.optional(),
  /** The memory allocator that was mapped into the server's engine; null where that could not be seen. */
  allocator: z.enum(ALLOCATORS).nullable().optional(),
  /** Why the session did not end `ok`, in the server's own words where it had any. */
  cause: z.string().optional(),
  hint: z.string().optional(),
  logTail: z.array(z.string()).optional(),
  exit: z.object({ code: z.number().nullable(), signal: z.string().nullable() }).optional(),
  disposal: disposalSchema.optional(),
});
export type SessionRecord = z.infer<typeof sessionRecordSchema>;

export const variantSchema = z.object({
  args: z.array(z.string()),
  model: z.string().optional(),
  command: z.array(z.string()).optional(),
  env: z.record(z.string(), z.string()).optional(),
  url: z.string().optional(),
});
export type Variant = z.infer<typeof variantSchema>;

/** `run.json`: what ran. The fields that `compare` needs are required, the rest is for people and later stages. */
export const runRecordSchema = z.object({
  schemaVersion: z.literal(1),
  scenario: z.string(),
  variants: z.record(z.string(), variantSchema),
  fingerprint: fingerprintSchema,
  sessions: z.array(sessionRecordSchema),
  id: z.string().optional(),
  toolVersion: z.string().optional(),
  createdAt: z.string().optional(),
  endedAt: z.string().optional(),
  commit: z.string().nullable().optional(),
  /** Seed of the prompts; other seeds give other prompts, so that no run finds those of an earlier one cached. */
  seed: z.string().optional(),
  plan: z
    .object({
      sessions: z.number(),
      rounds: z.number(),
      probes: z.unknown(),
      budgetMinutes: z.number().optional(),
    })
    .optional(),
  /** When the measurements were looked at, what was undecided then, and what was measured next. */
  looks: z.array(lookSchema).optional(),
  /** What the run cost the machine itself, without its servers. */
  ownCost: ownCostSchema.optional(),
  /** The study that it is of: its name, its options, and the cells that did not fit in its time. */
  study: z
    .object({
      name: z.string(),
      options: z.unknown(),
      /** `variant`: a server start of it was left out, not a cell of every server. */
      dropped: z.array(z.object({ cell: z.string(), reason: z.string(), variant: z.string().optional() })),
    })
    .optional(),
  /** What users are promised: goodput is counted by it. */
  slo: sloSchema.optional(),
  /** What came from options in place of the file: `model`, `args`, `command`, `serverUrl`. */
  overridden: z.array(z.string()).optional(),
  outcome: z.enum(["running", "complete", "cancelled", "failed"]).optional(),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** How many sessions of a variant were measured to their end. */
export function countMeasured({ sessions }: Pick<RunRecord, "sessions">, wanted: string): number {
  return sessions.filter(({ variant, outcome }) => variant === wanted && outcome === "ok").length;
}

/** How a run that was measured fell short of its plan, as a sentence says it; null when it did not. */
export function shortfallOf(run: RunRecord): string | null {
  const unconfirmed = run.sessions.find(
    ({ variant, outcome }) => variant === "base" && !["ok", "cancelled"].includes(outcome),
  );
  if (unconfirmed !== undefined) {
    const what = unconfirmed.outcome === "died" ? "died" : "did not run";
    return `the base, started to confirm a loss, ${what} on this machine, so that nothing confirms it: ${unconfirmed.cause ?? "for a reason unknown"}`;
  }
  const { sessions: planned = 0, budgetMinutes } = run.plan ?? {};
  const done = run.sessions.filter((session) => session.outcome === "ok").length;
  if (done >= planned) {
    // A look asked for more than the plan: what was cut off then may be a server that hangs.
    const cut = run.sessions.find((session) => session.outcome === "cancelled");
    return cut === undefined
      ? null
      : `session ${cut.index + 1} (${cut.variant}) was cut off and counts for nothing: ${cut.cause ?? "cancelled"}`;
  }
  const ended = run.sessions.some((session) => (session.disposal?.survivors.length ?? 0) > 0);
  const why = ended || budgetMinutes === undefined ? "" : ` within budgetMinutes (${budgetMinutes})`;
  return `${done} of ${planned} sessions measured${why}`;
}

/** The files of a run folder; design §3. */
export const RUN_FILES = {
  run: "run.json",
  traces: "traces.jsonl",
  measurements: "measurements.json",
  comparison: "comparison.json",
  verdict: "verdict.json",
  report: "report.md",
  telemetry: "telemetry.jsonl",
  history: "history.json",
} as const;
