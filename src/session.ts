import { randomBytes, randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { ServerSpec } from "./config/server-spec.ts";
import { messageOf, NotMeasuredError } from "./domain/errors.ts";
import type { CaseRecord, Gauges, SessionRecord } from "./domain/run.ts";
import type { RequestTrace } from "./domain/trace.ts";
import type { CasePlan, PromptTarget } from "./probe/case-plan.ts";
import { runRequests } from "./probe/run-requests.ts";
import { createStreamClient, type StreamClient } from "./probe/stream-client.ts";
import type { ProbeSuite, ServerTools } from "./probe/suite.ts";
import { completionBody, promptOf } from "./probe/workload.ts";
import { recordedNames, serverEnvironment } from "./serve/environment.ts";
import { findFreePort, type LaunchedServer, launchServer, servedModelName } from "./serve/launch.ts";
import { ServerStartError, startFailure, waitUntilHealthy } from "./serve/ready.ts";
import {
  counterIncrease,
  fetchMetrics,
  fetchModel,
  fetchTokenIds,
  fetchVersion,
  parseMetrics,
  readCounters,
  readGauges,
  readKvConfig,
} from "./serve/server-metrics.ts";
import { delay, monotonicS } from "./system/clock.ts";
import { writeFileAtomic } from "./system/files.ts";
import type { Log } from "./system/log.ts";
import { createRedactor, type Redact, redactArgs, redactDeep, secretsOf } from "./system/redact.ts";
import { appendTraces } from "./system/run-folder.ts";
import type { StateFile } from "./system/state-file.ts";

/** How long an orderly end of a server may take before it is killed. */
const GRACE_MS = 20_000;
/** A server that is healthy answers its first completion within this, or is wedged. */
const FIRST_COMPLETION_TIMEOUTS = {
  firstByteMs: 300_000,
  betweenEventsMs: 120_000,
  totalMs: 300_000,
} as const;

/** How long after its connections a server's own end may come to light. */
const DEATH_NOTICE_MS = 2_000;

export interface SessionContext {
  readonly variant: string;
  readonly server: ServerSpec;
  readonly readyTimeoutS: number;
  readonly suite: ProbeSuite;
  readonly rounds: number;
  /** Its number among the sessions of the run, of whatever variant. */
  readonly index: number;
  readonly runDir: string;
  /** Folder of the repository, where a relative model path starts. */
  readonly cwd: string;
  readonly seed: string;
  /** The machine's environment, from which the server's is made. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Aborted when the server is to be ended without a grace. */
  readonly hurry?: AbortSignal | undefined;
  readonly log: Log;
  readonly state: StateFile;
}

/**
 * One session: a server start, the probes, the server's end. Its traces are appended to the run folder as they
 * come. Never rejects for what the server does: that is in the record's `outcome` and `cause`.
 */
export async function runSession(context: SessionContext): Promise<SessionRecord> {
  const record: SessionRecord = {
    variant: context.variant,
    index: context.index,
    outcome: "running",
    startedAt: new Date().toISOString(),
  };
  const { server } = context;
  const key = server.kind === "attach" ? attachKey(context, server) : randomBytes(24).toString("base64url");
  const redact = redactorOf(context, key);
  const guarded: GuardedContext = {
    ...context,
    redact,
    log: {
      step: (message) => context.log.step(redact(message)),
      warn: (message) => context.log.warn(redact(message)),
    },
  };
  try {
    if (server.kind === "attach") await attach(guarded, server, key, record);
    else await launch(guarded, server, key ?? "", record);
    record.outcome = "ok";
  } catch (error) {
    describeFailure(record, error, context.signal);
  }
  // What a server answers goes into errors, and a hostile one answers with the key that it was sent.
  return redactDeep(record, redact);
}

/** A session whose texts leave only through {@link GuardedContext.redact}. */
interface GuardedContext extends SessionContext {
  readonly redact: Redact;
}

function attachKey({ environment }: SessionContext, { apiKeyEnv }: AttachSpec): string | null {
  return apiKeyEnv === null ? null : (environment[apiKeyEnv] ?? null);
}

/** Redacts the server's key and every secret of the machine and of the scenario. */
function redactorOf({ environment, server }: SessionContext, key: string | null): Redact {
  const ofScenario = server.kind === "launch" ? secretsOf(server.env) : [];
  return createRedactor([...(key === null ? [] : [key]), ...secretsOf(environment), ...ofScenario]);
}

function describeFailure(record: SessionRecord, error: unknown, signal: AbortSignal): void {
  record.cause = messageOf(error);
  if (signal.aborted) {
    record.outcome = "cancelled";
    record.cause = messageOf(signal.reason);
  } else if (error instanceof ServerStartError) {
    // A server that never served a request did not start, healthy or not.
    record.outcome = record.servingS === undefined ? "failed_start" : error.exited ? "died" : "failed";
    record.logTail = error.logTail;
    if (error.hint !== null) record.hint = error.hint;
  } else {
    record.outcome = record.readyS === undefined ? "failed_start" : "failed";
  }
}

/** A model folder of the repository as an absolute path, since the server runs in a folder of its own. */
async function resolveModel(cwd: string, model: string): Promise<string> {
  const path = resolve(cwd, model);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? path : model;
}

type LaunchSpec = Extract<ServerSpec, { kind: "launch" }>;
type AttachSpec = Extract<ServerSpec, { kind: "attach" }>;

async function launch(
  context: GuardedContext,
  spec: LaunchSpec,
  apiKey: string,
  record: SessionRecord,
): Promise<void> {
  const { signal, log, state, redact } = context;
  signal.throwIfAborted();
  const marker = randomUUID();
  const env = serverEnvironment(context.environment, spec.env);
  const name = `session ${context.index} of ${context.variant}`;
  const [program = "", ...rest] = spec.command;
  log.step(
    `${name}: starting ${redactArgs([basename(program), ...rest, spec.model, ...spec.args]).join(" ")}`,
  );

  // Known before it exists, so that a gate that is killed here leaves no server that nobody knows.
  await state.update({ doing: `starting the server of ${name}`, servers: [{ marker, leader: null }] });
  const note = (change: Parameters<StateFile["update"]>[0]) =>
    state.update(change).catch((error: unknown) => log.warn(`${name}: ${messageOf(error)}`));
  const folder = join(context.runDir, "sessions", String(context.index));
  const model = await resolveModel(context.cwd, spec.model);
  const launching = launchServer({
    command: spec.command,
    model,
    args: spec.args,
    env,
    shownEnv: recordedNames(env, spec.env),
    apiKey,
    port: await findFreePort(),
    folder,
    marker,
    redact,
    graceMs: GRACE_MS,
    hurry: context.hurry,
  });
  const server = await launching.catch(async (error: unknown) => {
    await note({ servers: [] });
    throw error;
  });
  try {
    await state.update({ servers: [{ marker, leader: server.leader }] });
    record.argv = server.argv;
    record.env = server.env;
    record.pid = server.leader.pid;
    record.readyS = round3(
      await waitUntilHealthy(server, { timeoutS: context.readyTimeoutS, signal, marker }),
    );
    log.step(`${name}: ready after ${record.readyS.toFixed(1)} s`);
    const descendants = await server.descendants();
    await state.update({
      doing: `probing in ${name}`,
      servers: [{ marker, leader: server.leader, descendants }],
    });
    const target: Target = {
      baseUrl: server.baseUrl,
      apiKey,
      model: servedModelName(model, spec.args),
      zeroS: server.spawnedAtS,
      launched: server,
    };
    await probe(context, target, record);
  } finally {
    // Before all that can fail: whatever goes wrong, the server ends.
    const disposing = server.dispose();
    const facts = server.log.facts();
    record.logFacts = facts;
    record.vllmVersion ??= facts.vllmVersion;
    if (record.readyS !== undefined) record.unknownFacts = server.log.unknownFacts();
    await note({ doing: `ending the server of ${name}` });
    record.disposal = await disposing;
    const exit = server.exit();
    if (exit !== null) record.exit = { code: exit.code, signal: exit.signal };
    if (record.disposal.survivors.length > 0) {
      log.warn(`${name}: processes ${record.disposal.survivors.join(", ")} could not be ended`);
    } else {
      await note({ servers: [] });
    }
  }
}

async function attach(
  context: GuardedContext,
  spec: AttachSpec,
  apiKey: string | null,
  record: SessionRecord,
): Promise<void> {
  const { signal, log } = context;
  if (spec.apiKeyEnv !== null && apiKey === null) {
    throw new NotMeasuredError(`server.apiKeyEnv: the variable ${spec.apiKeyEnv} is not set`);
  }
  log.step(`session ${context.index} of ${context.variant}: probing ${spec.url}`);
  const model = spec.model ?? (await fetchModel(spec.url, apiKey, signal))?.id ?? null;
  if (model === null) {
    throw new NotMeasuredError(
      `${spec.url}/v1/models lists no model: is it a vLLM server, is it up, is the API key right?`,
    );
  }
  await probe(context, { baseUrl: spec.url, apiKey, model, zeroS: monotonicS(), launched: null }, record);
}

interface Target {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  readonly model: string;
  readonly zeroS: number;
  /** Null for a server that was already running. */
  readonly launched: LaunchedServer | null;
}

async function probe(context: GuardedContext, target: Target, record: SessionRecord): Promise<void> {
  const { suite, rounds, signal } = context;
  const { baseUrl, apiKey } = target;
  await using client = createStreamClient({
    baseUrl,
    apiKey,
    maxConnections: suite.maxConcurrency,
    zeroS: target.zeroS,
    signal,
  });
  const session = new ProbedSession(context, target, client, record);
  // Another session's prompts would be in the cache of a server that lives on.
  const prompts: PromptTarget = {
    model: target.model,
    seed: `${context.seed}/${context.variant}/${context.index}`,
  };

  const cold = target.launched === null ? null : suite.cold(prompts);
  // Nothing precedes the cold request: no version, no metrics, no tokenizer.
  if (cold === null) await session.firstCompletion(prompts);
  else await session.runCold(cold);
  record.vllmVersion = (await fetchVersion(baseUrl, apiKey, signal)) ?? record.vllmVersion ?? null;
  record.maxModelLen = (await fetchModel(baseUrl, apiKey, signal))?.maxModelLen ?? null;
  const before = await session.saveMetrics("metrics-before.txt");
  if (before !== null) record.kv = readKvConfig(parseMetrics(before));
  const tools: ServerTools = {
    tokenize: (text) => fetchTokenIds(baseUrl, apiKey, signal, { model: target.model, text }),
    maxModelLen: record.maxModelLen,
    kv: record.kv ?? null,
  };
  for (let round = 0; round < rounds; round += 1) {
    context.log.step(`session ${context.index} of ${context.variant}: round ${round + 1} of ${rounds}`);
    for (const plan of await suite.round(prompts, round, tools)) await session.runCase(plan, round);
  }
  await session.saveMetrics("metrics-after.txt");
}

/** How many tokens a case's longest request needs at once, or null when no request says. */
function longestContext({ warmup, measure }: CasePlan): number | null {
  const lengths = [...warmup, ...measure].flatMap(({ promptTokens, expectedTokens }) =>
    promptTokens === undefined ? [] : [promptTokens + expectedTokens],
  );
  return lengths.length === 0 ? null : Math.max(...lengths);
}

/** The cases of one session, run one after another on one client. */
class ProbedSession {
  readonly #context: GuardedContext;
  readonly #target: Target;
  readonly #client: StreamClient;
  readonly #record: SessionRecord;

  constructor(context: GuardedContext, target: Target, client: StreamClient, record: SessionRecord) {
    this.#context = context;
    this.#target = target;
    this.#client = client;
    this.#record = record;
  }

  /** A server can be healthy and wedged (vllm-project/vllm#51663): only a completion shows that it serves. */
  async firstCompletion(prompts: { model: string; seed: string }): Promise<void> {
    const outputTokens = 2;
    const body = completionBody({
      model: prompts.model,
      prompt: promptOf(`${prompts.seed}/first`, 8),
      outputTokens,
    });
    const response = await this.#client.send({
      body,
      expectedTokens: outputTokens,
      timeouts: FIRST_COMPLETION_TIMEOUTS,
    });
    const first = response.read();
    if (first.outcome !== "ok") await this.#failServing(`the first completion failed (${first.error})`);
    this.#record.servingS = round3(first.endS);
  }

  async runCold(plan: CasePlan): Promise<void> {
    const traces = await this.#measure(plan, 0, "measure");
    const [cold] = traces;
    // No counters were read before it, since nothing may precede it: a fresh server's begin at zero.
    const text = await this.#metrics();
    this.#keep(plan, 0, traces, text === null ? null : readCounters(parseMetrics(text)));
    if (cold === undefined || cold.outcome !== "ok") {
      return this.#failServing(`the first completion failed (${cold?.error ?? "not sent"})`);
    }
    this.#record.servingS = round3(cold.endS);
  }

  async runCase(plan: CasePlan, round: number): Promise<void> {
    const longest = longestContext(plan);
    const { maxModelLen } = this.#record;
    if (longest !== null && typeof maxModelLen === "number" && longest > maxModelLen) {
      const refused =
        `${plan.probe}.${plan.case} asks for ${longest} tokens of context, the server takes ${maxModelLen}: ` +
        "shorten the probe's prompts or raise --max-model-len";
      this.#context.log.warn(`session ${this.#context.index}: ${refused}`);
      return this.#keep(plan, round, [], null, { refused });
    }
    // Failed requests are counted, not fatal; a server that lets requests time out would cost hours.
    if (plan.warmup.length > 0) await this.#checkAnswers(plan, await this.#measure(plan, round, "warmup"));
    const before = await this.#metrics();
    const watch = plan.gaugesEveryMs === undefined ? null : this.#watchGauges(plan.gaugesEveryMs);
    const traces = await this.#measure(plan, round, "measure").finally(() => watch?.stop());
    const gauges = watch === null ? {} : { gauges: await watch.read };
    const after = await this.#metrics();
    const counters =
      before === null || after === null
        ? null
        : counterIncrease(readCounters(parseMetrics(before)), readCounters(parseMetrics(after)));
    this.#keep(plan, round, traces, counters, gauges);
    await this.#checkAnswers(plan, traces);
  }

  /** Reads the server's gauges again and again until it is stopped. */
  #watchGauges(everyMs: number): { stop: () => void; read: Promise<Gauges[]> } {
    const stopped = new AbortController();
    const { zeroS } = this.#target;
    const watch = async () => {
      const read: Gauges[] = [];
      while (!stopped.signal.aborted) {
        const fromS = monotonicS();
        const text = await this.#metrics();
        const toS = monotonicS();
        // The server reads them while it answers: in the middle, as near as can be known.
        if (text !== null)
          read.push({ atS: round6((fromS + toS) / 2 - zeroS), ...readGauges(parseMetrics(text)) });
        await delay(everyMs, stopped.signal);
      }
      return read;
    };
    const read = watch();
    // It is awaited later, and not at all when the requests fail.
    read.catch(() => undefined);
    return { stop: () => stopped.abort(), read };
  }

  async #checkAnswers(plan: CasePlan, traces: readonly RequestTrace[]): Promise<void> {
    const [first] = traces;
    if (first === undefined || traces.some((trace) => trace.outcome !== "timeout")) return;
    await this.#failServing(
      `all ${traces.length} requests of ${plan.probe}.${plan.case} timed out (${first.error})`,
    );
  }

  async saveMetrics(name: string): Promise<string | null> {
    const text = await this.#metrics();
    if (text !== null) {
      const { runDir, index, redact } = this.#context;
      await writeFileAtomic(join(runDir, "sessions", String(index), name), redact(text));
    }
    return text;
  }

  #metrics(): Promise<string | null> {
    return fetchMetrics(this.#target.baseUrl, this.#target.apiKey, this.#context.signal);
  }

  async #measure(plan: CasePlan, round: number, phase: "warmup" | "measure"): Promise<RequestTrace[]> {
    const { variant, index, signal, redact } = this.#context;
    const raw = await runRequests(this.#client, plan, phase, { variant, session: index, round }, signal);
    const traces = redactDeep(raw, redact);
    await appendTraces(this.#context.runDir, traces);
    signal.throwIfAborted();
    if (traces.some((trace) => trace.outcome !== "ok")) await this.#checkAlive();
    return traces;
  }

  #keep(
    plan: CasePlan,
    round: number,
    traces: readonly RequestTrace[],
    counters: CaseRecord["counters"],
    more: Pick<CaseRecord, "gauges" | "refused"> = {},
  ): void {
    const starts = traces.map((trace) => trace.startS);
    const ends = traces.map((trace) => trace.endS);
    this.#record.cases ??= [];
    this.#record.cases.push({
      round,
      probe: plan.probe,
      case: plan.case,
      concurrency: plan.concurrency,
      mustMiss: plan.mustMiss,
      startS: traces.length === 0 ? 0 : Math.min(...starts),
      endS: traces.length === 0 ? 0 : Math.max(...ends),
      counters,
      ...more,
    });
  }

  /** After a failed request: did the server itself end? Its end may be noticed a moment after its connections'. */
  async #checkAlive(): Promise<void> {
    const launched = this.#target.launched;
    if (launched === null) return;
    await Promise.race([launched.exited, delay(DEATH_NOTICE_MS)]);
    if (launched.exit() !== null) throw startFailure(launched, "The server died while it was probed");
  }

  async #failServing(what: string): Promise<never> {
    await this.#checkAlive();
    const launched = this.#target.launched;
    if (launched === null) throw new NotMeasuredError(`${this.#target.baseUrl}: ${what}`);
    throw startFailure(launched, `The server is healthy, but ${what}`);
  }
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function round6(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
