import { z } from "zod";
import { levelSchema } from "../domain/metric.ts";
import { sloSchema } from "../domain/operating.ts";

/** Largest number of requests in flight that a probe may ask for. */
const MAX_CONCURRENCY = 1024;

const argsSchema = z
  .union([z.string(), z.array(z.union([z.string(), z.number(), z.boolean()]))])
  .describe("Server flags: a list, or one string that is split as a shell would split it, but by no shell.");

const commandSchema = z
  .union([z.string(), z.array(z.string()).min(1)])
  .describe(
    "What starts the server, `vllm serve` by default. Others must be allowed by `policy.allowCommands`.",
  );

const ttftSchema = z
  .strictObject({
    cold: z
      .boolean()
      .default(true)
      .describe("Measure the first request of the server's life; nothing is sent before it."),
    warmRequests: z
      .number()
      .int()
      .min(5)
      .max(1000)
      .default(30)
      .describe("Repeats of the same prompt in each round."),
    promptTokens: z.number().int().min(1).max(1_000_000).default(256),
    outputTokens: z.number().int().min(2).max(100_000).default(64),
  })
  .describe("Time to first token, cold and warm.");

const batchingSchema = z
  .strictObject({
    concurrency: z
      .array(z.number().int().min(1).max(MAX_CONCURRENCY))
      .min(1)
      .default([1, 8])
      .describe("Requests in flight, one case each."),
    waves: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe("Measured requests of a case: this many times its concurrency, at least 8."),
    promptTokens: z.number().int().min(1).max(1_000_000).default(200),
    outputTokens: z.number().int().min(2).max(100_000).default(128),
  })
  .describe("Unique prompts in a closed loop: throughput and latency over concurrency.");

const prefixSchema = z
  .strictObject({
    regimes: z
      .array(z.number().int().min(16).max(1_000_000))
      .min(1)
      .default([1024])
      .describe("Lengths of the shared prefix in tokens."),
    concurrency: z
      .array(z.number().int().min(1).max(MAX_CONCURRENCY))
      .min(1)
      .default([1])
      .describe("Requests in flight; each with each length is one cell."),
    requests: z
      .number()
      .int()
      .min(5)
      .max(1000)
      .default(20)
      .describe("Hits of a cell in each round, and as many misses, taking turns; rounded up to whole turns."),
    suffixTokens: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(64)
      .describe("Tokens behind the prefix, another text in each request."),
    outputTokens: z.number().int().min(2).max(100_000).default(8),
  })
  .describe("What a prompt's beginning costs when it is in the prefix cache, and when it is not.");

const trafficSchema = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .describe(
        "JSON object a line: `prompt`, `messages` or `prompt_tokens`; `output_tokens`; `at_s` in seconds. Inside the repository.",
      ),
    endpoint: z.enum(["completions", "chat"]).default("completions"),
    mode: z
      .enum(["closed", "open"])
      .default("closed")
      .describe("`closed`: so many requests in flight. `open`: at the file's own times (`at_s`)."),
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(MAX_CONCURRENCY)
      .optional()
      .describe("Requests in flight; of an open loop the most that there may be (8; 256 when open)."),
    rateScale: z
      .number()
      .min(0.001)
      .max(1000)
      .default(1)
      .describe("Factor on the rate of arrivals of an open loop: 2 sends the file in half its time."),
  })
  .describe(
    "Your own requests, with a mark of 15 characters before each text, another one in each round: what they share stays shared, and no round is answered from the cache of the one before.",
  );

const kvSchema = z
  .strictObject({
    contextTokens: z
      .number()
      .int()
      .min(64)
      .max(1_000_000)
      .default(4096)
      .describe("Longest context that is filled, or the server's own where that is shorter."),
    steps: z
      .number()
      .int()
      .min(2)
      .max(100)
      .default(6)
      .describe("Lengths that are measured on the way there."),
    outputTokens: z
      .number()
      .int()
      .min(16)
      .max(10_000)
      .default(64)
      .describe("Tokens that each request generates; while they come, the cache's use is read."),
  })
  .describe("Contexts that grow while the use of the KV cache is read: bytes per token, in which steps.");

const probesSchema = z
  .strictObject({
    ttft: z.union([z.literal(false), ttftSchema]).default(ttftSchema.parse({})),
    batching: z.union([z.literal(false), batchingSchema]).default(batchingSchema.parse({})),
    prefix: z.union([z.literal(false), prefixSchema]).default(prefixSchema.parse({})),
    kv: z.union([z.literal(false), kvSchema]).default(kvSchema.parse({})),
    traffic: z.union([z.literal(false), trafficSchema]).default(false),
  })
  .describe("What is sent to the server; `false` leaves a probe out.");

const toleranceOverrideSchema = z
  .strictObject({
    relative: z
      .number()
      .min(0)
      .max(10)
      .optional()
      .describe("Largest relative loss that is accepted: 0.05 is 5 %."),
    absolute: z.number().min(0).optional().describe("Loss in the metric's unit that is too small to matter."),
  })
  .refine(
    (value) => value.relative !== undefined || value.absolute !== undefined,
    "needs `relative` or `absolute`",
  );

const limitSchema = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine((value) => value.min !== undefined || value.max !== undefined, "needs `min` or `max`");

const metricKey = z
  .string()
  .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_*]+)+$/, "a metric id such as ttft.warm.floor_ms");

export const scenarioSchema = z
  .strictObject({
    model: z.string().min(1).optional().describe("Model name or folder, as vLLM takes it."),
    command: commandSchema.optional(),
    args: argsSchema.optional(),
    env: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe("Environment variables of the server; those outside the allow-list need `policy.allowEnv`."),
    readyTimeoutS: z
      .number()
      .min(1)
      .max(24 * 3600)
      .default(900)
      .describe("How long the server may take from its start to a 200 of /health, in seconds."),
    server: z
      .strictObject({
        url: z.url({ protocol: /^https?$/ }).describe("Base URL without /v1."),
        apiKeyEnv: z.string().min(1).optional().describe("Name of the variable that holds the API key."),
      })
      .optional()
      .describe("A server that is already running; the gate neither starts nor stops it."),
    probes: probesSchema.default(probesSchema.parse({})),
    tolerances: z
      .record(metricKey, toleranceOverrideSchema)
      .default({})
      .describe("By metric id; `*` stands for one part of an id: batching.*.tokens_per_s."),
    levels: z
      .record(metricKey, levelSchema)
      .default({})
      .describe("By metric id or pattern: `gate` moves the verdict, `watch` is shown, `off` is neither."),
    slo: sloSchema
      .optional()
      .describe("What users are promised, as 95th percentiles in milliseconds: goodput is counted by it."),
    limits: z
      .record(metricKey, limitSchema)
      .default({})
      .describe("Absolute bounds that need no baseline, by metric id or pattern."),
  })
  .superRefine((scenario, context) => {
    if (scenario.server === undefined && scenario.model === undefined) {
      context.addIssue({
        code: "custom",
        path: ["model"],
        message: "needs a `model`, or `server.url` of a running server",
      });
    }
    if (scenario.server !== undefined) {
      for (const key of ["command", "args", "env"] as const) {
        if (scenario[key] !== undefined) {
          context.addIssue({
            code: "custom",
            path: [key],
            message:
              "has no effect on a server that is already running (`server.url`): remove one of the two",
          });
        }
      }
    }
  });

const SCENARIO_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** `vllm-gate.yml` */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe("For editors."),
    scenarios: z
      .record(
        z
          .string()
          .regex(SCENARIO_NAME, "letters, digits, '.', '_' and '-', at most 64")
          .refine((name) => name !== "history", "`history` is a reserved name"),
        scenarioSchema,
      )
      .refine((scenarios) => Object.keys(scenarios).length > 0, "needs at least one scenario"),
    sessions: z.number().int().min(1).max(50).default(1).describe("Server starts of a gate run."),
    maxSessions: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(3)
      .describe("Most server starts of a gate run: more than `sessions` only while something is undecided."),
    compareTo: z
      .enum(["baseline", "base"])
      .default("baseline")
      .describe(
        "`baseline`: the committed one. `base`: the base branch's flags or version, measured in turn with this one.",
      ),
    rounds: z.number().int().min(1).max(50).default(2).describe("Passes of the probes in each session."),
    recordSessions: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(5)
      .describe("Server starts of `record --scenario`."),
    budgetMinutes: z
      .number()
      .positive()
      .max(24 * 60)
      .default(30)
      .describe("Hard ceiling of a run; what is not measured by then is said."),
    baselineDir: z.string().min(1).default("baselines"),
    baselineMaxAgeDays: z
      .number()
      .int()
      .min(1)
      .max(3650)
      .default(90)
      .describe("A run against a baseline whose latest session is older says so."),
    onInconclusive: z.enum(["warn", "fail"]).default("warn"),
    onInvalid: z.enum(["warn", "fail"]).default("fail"),
    onDirty: z
      .enum(["repeat", "note"])
      .default("repeat")
      .describe(
        "A round in which the machine was not quiet (throttling, another program, steal, swapping): measure it again, or only note it.",
      ),
    reportOnly: z.boolean().default(false).describe("Every verdict exits 0; the comment says so."),
    policy: z
      .strictObject({
        allowFlags: z.array(z.string()).default([]).describe("Refused flags that this repository allows."),
        allowEnv: z.array(z.string()).default([]).describe("Variables outside the allow-list."),
        allowServers: z
          .array(z.string())
          .default([])
          .describe(
            "Addresses other than this machine's that `server.url` may name: https://vllm.example.com",
          ),
        allowCommands: z.array(commandSchema).default([]).describe("Commands other than vLLM's own."),
      })
      .prefault({})
      .describe(
        "Taken from the base branch in a pull request, so that a pull request cannot allow itself anything.",
      ),
  })
  .describe("Configuration of vllm-gate");

/** The file's value after defaults. */
export type ConfigFile = z.output<typeof configSchema>;
export type ScenarioFile = z.output<typeof scenarioSchema>;
export type Probes = ScenarioFile["probes"];
