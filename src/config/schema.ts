import { z } from "zod";
import { levelSchema } from "../domain/metric.ts";
import { sloSchema } from "../domain/operating.ts";

/** Largest number of requests in flight that a probe may ask for. */
const MAX_CONCURRENCY = 1024;

const argsSchema = z
  .union([z.string(), z.array(z.union([z.string(), z.number(), z.boolean()]))])
  .describe(
    "Server flags: a list, or one string that is split as a shell would split it, but by no shell. None by default.",
  );

const commandSchema = z
  .union([z.string(), z.array(z.string()).min(1)])
  .describe(
    "What starts the server, as a list or as one string; `vllm serve` by default. Others must be allowed by `policy.allowCommands`, and named by an absolute path or by a bare name on PATH.",
  );

const ttftSchema = z
  .strictObject({
    cold: z
      .boolean()
      .default(true)
      .describe(
        "Measure the first request of the server's life, before which nothing is sent. A server that was already running has none.",
      ),
    warmRequests: z
      .number()
      .int()
      .min(5)
      .max(1000)
      .default(30)
      .describe("Repeats of the same prompt in each round. A 95th percentile needs 20."),
    promptTokens: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(256)
      .describe("Length of the prompt, which is the same in all of its requests."),
    outputTokens: z
      .number()
      .int()
      .min(2)
      .max(100_000)
      .default(64)
      .describe("Length of each answer: the server is told to generate so many and no fewer."),
  })
  .describe("Time to first token of one prompt, cold and warm.");

const batchingSchema = z
  .strictObject({
    concurrency: z
      .array(z.number().int().min(1).max(MAX_CONCURRENCY))
      .min(1)
      .default([1, 8])
      .describe("Requests in flight, one case each: `batching.c1`, `batching.c8`."),
    waves: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe(
        "Measured requests of a case: this many times its concurrency, at least 8. A 95th percentile needs 20 requests.",
      ),
    promptTokens: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(200)
      .describe("Length of each prompt; no two are the same."),
    outputTokens: z
      .number()
      .int()
      .min(2)
      .max(100_000)
      .default(128)
      .describe("Length of each answer: the server is told to generate so many and no fewer."),
  })
  .describe("Unique prompts in a closed loop: throughput and latency over concurrency.");

const prefixSchema = z
  .strictObject({
    regimes: z
      .array(z.number().int().min(16).max(1_000_000))
      .min(1)
      .default([1024])
      .describe("Lengths of the shared prefix in tokens, each measured at each concurrency."),
    concurrency: z
      .array(z.number().int().min(1).max(MAX_CONCURRENCY))
      .min(1)
      .default([1])
      .describe("Requests in flight; each with each length is one cell: `prefix.miss.1024.c1` and its hits."),
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
    outputTokens: z
      .number()
      .int()
      .min(2)
      .max(100_000)
      .default(8)
      .describe("Length of each answer; short, since only the first token is timed."),
  })
  .describe("What a prompt's beginning costs when it is in the prefix cache, and when it is not.");

const trafficSchema = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .describe(
        "File with a request a line, a JSON object: `prompt`, `messages` or `prompt_tokens`; `output_tokens`; `at_s` in seconds. Inside the repository, named from the folder that the tool runs in.",
      ),
    endpoint: z
      .enum(["completions", "chat"])
      .default("completions")
      .describe("Which of the server's routes they are sent to; `messages` need `chat`."),
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
      .describe(
        "Requests in flight; of an open loop the most that there may be. 8 by default, 256 in an open loop, and no more than the file has requests.",
      ),
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
      .describe("Lengths that are measured on the way there, at equal distances."),
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
      .describe("Largest loss that is accepted, as a share of the baseline: 0.05 is 5 %."),
    absolute: z
      .number()
      .min(0)
      .optional()
      .describe("Loss in the metric's own unit that is too small to matter; of shares 0.02 is two points."),
  })
  .refine(
    (value) => value.relative !== undefined || value.absolute !== undefined,
    "needs `relative` or `absolute`",
  );

const limitSchema = z
  .strictObject({
    min: z.number().optional().describe("Least value that a run may have."),
    max: z.number().optional().describe("Largest value that a run may have."),
  })
  .refine((value) => value.min !== undefined || value.max !== undefined, "needs `min` or `max`");

const metricKey = z
  .string()
  .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_*]+)+$/, "a metric id such as ttft.warm.floor_ms");

export const scenarioSchema = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .optional()
      .describe(
        "Model name or folder, as vLLM takes it. Needed unless `server.url` is there; of a running server, the model that requests ask for, by default the one that it lists first.",
      ),
    command: commandSchema.optional(),
    args: argsSchema.optional(),
    env: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .optional()
      .describe(
        "Environment variables of the server, by name; those outside the built-in allow-list need `policy.allowEnv`.",
      ),
    readyTimeoutS: z
      .number()
      .min(1)
      .max(24 * 3600)
      .default(900)
      .describe(
        "How long the server may take from its start to a 200 of /health, in seconds; a server that takes longer did not start.",
      ),
    server: z
      .strictObject({
        url: z
          .url({ protocol: /^https?$/ })
          .describe(
            "Address of the server, http or https. Other machines than this one need `policy.allowServers`.",
          ),
        apiKeyEnv: z
          .string()
          .min(1)
          .optional()
          .describe(
            "Name of the environment variable that holds the server's API key: `VLLM_API_KEY`, or one that `policy.allowEnv` names. Without it no key is sent.",
          ),
      })
      .optional()
      .describe("A server that is already running; the gate neither starts nor stops it."),
    probes: probesSchema.default(probesSchema.parse({})),
    tolerances: z
      .record(metricKey, toleranceOverrideSchema)
      .default({})
      .describe(
        "Losses that are accepted, by metric id; `*` stands for one part of an id: `batching.*.tokens_per_s`. `relative`, `absolute` or both; what is not named keeps the metric's own, and a loss counts beyond both only.",
      ),
    levels: z
      .record(metricKey, levelSchema)
      .default({})
      .describe(
        "What a metric decides, by id or pattern: `gate` moves the verdict, `watch` is shown, `off` is neither.",
      ),
    slo: sloSchema
      .optional()
      .describe(
        "What users are promised, as 95th percentiles in milliseconds: goodput and the knee are counted by it. At least one of the three. It blocks nothing by itself; `limits` do.",
      ),
    limits: z
      .record(metricKey, limitSchema)
      .default({})
      .describe(
        "Absolute bounds that need no baseline, by metric id or pattern, in the metric's own unit: `min`, `max` or both. A broken one is a regression.",
      ),
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
    $schema: z.string().optional().describe("Address of this file's JSON Schema, for editors."),
    scenarios: z
      .record(
        z
          .string()
          .regex(SCENARIO_NAME, "letters, digits, '.', '_' and '-', at most 64")
          .refine((name) => name !== "history", "`history` is a reserved name"),
        scenarioSchema,
      )
      .refine((scenarios) => Object.keys(scenarios).length > 0, "needs at least one scenario")
      .describe(
        "What is gated, by name: letters, digits, `.`, `_` and `-`, at most 64. `history` is a reserved name.",
      ),
    sessions: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(1)
      .describe("Server starts that a gate's run begins with; in an A/B, of each side."),
    maxSessions: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(3)
      .describe(
        "Most server starts of a gate's run: more than `sessions` only while something is undecided. Never fewer than `sessions`; starts of the base beside them are not counted.",
      ),
    compareTo: z
      .enum(["baseline", "base"])
      .default("baseline")
      .describe(
        "What a gate's run is held against. `baseline`: the committed one. `base`: the base branch's flags or version, measured in turn with this one.",
      ),
    rounds: z.number().int().min(1).max(50).default(2).describe("Passes of the probes in each session."),
    recordSessions: z
      .number()
      .int()
      .min(1)
      .max(50)
      .default(5)
      .describe("Server starts that `record` makes a baseline of, when it measures."),
    budgetMinutes: z
      .number()
      .positive()
      .max(24 * 60)
      .default(30)
      .describe(
        "Hard ceiling of a run, server starts included; a server that is measured then is ended, and what was not measured is said.",
      ),
    baselineDir: z
      .string()
      .min(1)
      .default("baselines")
      .describe("Folder of the baselines and their history, named from the folder that the tool runs in."),
    baselineMaxAgeDays: z
      .number()
      .int()
      .min(1)
      .max(3650)
      .default(90)
      .describe("A run against a baseline whose latest session is older says so, and blocks nothing for it."),
    onInconclusive: z
      .enum(["warn", "fail"])
      .default("warn")
      .describe("What a run does that could not decide: `warn` exits 0, `fail` exits 3."),
    onInvalid: z
      .enum(["warn", "fail"])
      .default("fail")
      .describe(
        "What a run does whose numbers must not be trusted or compared: `warn` exits 0, `fail` exits 3. Without a baseline it exits 3 either way.",
      ),
    onDirty: z
      .enum(["repeat", "note"])
      .default("repeat")
      .describe(
        "A round in which the machine was not quiet (throttling, another program, steal, swapping): measure it again, or only note it.",
      ),
    reportOnly: z
      .boolean()
      .default(false)
      .describe("Every verdict exits 0 where it would not, and the comment says so."),
    policy: z
      .strictObject({
        allowFlags: z
          .array(z.string())
          .default([])
          .describe(
            "Refused flags that this repository allows, by name with any value (`--trust-remote-code`), or one key of a JSON flag (`--compilation-config.backend`).",
          ),
        allowEnv: z
          .array(z.string())
          .default([])
          .describe(
            "Environment variables outside the built-in allow-list that `env` may set and `server.apiKeyEnv` may name, each by its exact name.",
          ),
        allowServers: z
          .array(z.string())
          .default([])
          .describe(
            "Servers on other machines that `server.url` may name, each by scheme, host and port: `https://vllm.example.com`.",
          ),
        allowCommands: z
          .array(commandSchema)
          .default([])
          .describe("Commands other than vLLM's own that `command` may be, compared word by word."),
      })
      .prefault({})
      .describe(
        "What servers may be started or asked beyond the built-in rules. Taken from the base branch in a pull request, so that a pull request cannot allow itself anything.",
      ),
  })
  .describe("Configuration of vllm-gate");

/** The file's value after defaults. */
export type ConfigFile = z.output<typeof configSchema>;
export type ScenarioFile = z.output<typeof scenarioSchema>;
export type Probes = ScenarioFile["probes"];
