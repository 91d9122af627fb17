import { randomBytes, randomUUID } from "node:crypto";
import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { ServerSpec } from "./config/server-spec.ts";
import { messageOf, NotMeasuredError } from "./domain/errors.ts";
import type { SessionRecord } from "./domain/run.ts";
import type { ProbeSuite } from "./probe/suite.ts";
import { probe, type Target } from "./probing.ts";
import type { RunProgress } from "./progress.ts";
import { recordedNames, serverEnvironment } from "./serve/environment.ts";
import { findFreePort, launchServer, servedModelName } from "./serve/launch.ts";
import { findModelFacts } from "./serve/model-config.ts";
import { ServerStartError, waitUntilHealthy } from "./serve/ready.ts";
import { fetchModel } from "./serve/server-metrics.ts";
import { beginStartAccount } from "./session-cold-start.ts";
import { startTelemetry, telemetryFacts } from "./session-telemetry.ts";
import { monotonicS } from "./system/clock.ts";
import type { Log } from "./system/log.ts";
import { createRedactor, type Redact, redactArgs, redactDeep, secretsOf } from "./system/redact.ts";
import type { StateFile } from "./system/state-file.ts";
import type { MachineView } from "./telemetry/machine-view.ts";

/** How long an orderly end of a server may take before it is killed. */
const GRACE_MS = 20_000;
/** How long a server waits for the first look at its GPUs: what is on them before it is nobody's later. */
const FIRST_LOOK_MS = 5_000;

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
  /** Whether a round in which the machine was not quiet is measured again; without telemetry none is. */
  readonly onDirty: "repeat" | "note";
  /** The machine's environment, from which the server's is made. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Aborted when the server is to be ended without a grace. */
  readonly hurry?: AbortSignal | undefined;
  readonly log: Log;
  /** Told how the session gets on. */
  readonly progress?: RunProgress | undefined;
  readonly state: StateFile;
  /** Where the machine is looked at; this one when absent. */
  readonly machine?: MachineView | undefined;
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
export interface GuardedContext extends SessionContext {
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

  const folder = join(context.runDir, "sessions", String(context.index));
  const model = await resolveModel(context.cwd, spec.model);
  // Before the server: it sees what the machine did without it.
  const telemetry = startTelemetry(context, env);
  const [account] = await Promise.all([
    beginStartAccount({ model, args: spec.args, cwd: context.cwd, env }),
    telemetry.sampler.looked(FIRST_LOOK_MS),
  ]);
  if (signal.aborted) {
    await telemetry.stop();
    signal.throwIfAborted();
  }
  // Known before it exists, so that a gate that is killed here leaves no server that nobody knows.
  await state.update({ doing: `starting the server of ${name}`, servers: [{ marker, leader: null }] });
  const note = (change: Parameters<StateFile["update"]>[0]) =>
    state.update(change).catch((error: unknown) => log.warn(`${name}: ${messageOf(error)}`));
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
    await telemetry.stop();
    throw error;
  });
  try {
    telemetry.watch(server);
    await state.update({ servers: [{ marker, leader: server.leader }] });
    record.argv = server.argv;
    record.env = server.env;
    record.pid = server.leader.pid;
    record.readyS = round3(
      await waitUntilHealthy(server, { timeoutS: context.readyTimeoutS, signal, marker }),
    );
    context.progress?.sessionServes();
    log.step(`${name}: ready after ${record.readyS.toFixed(1)} s`);
    const descendants = await server.descendants();
    record.allocator = await telemetry.allocator();
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
    await probe(context, target, record, {
      sampler: telemetry.sampler,
      repeatDirty: context.onDirty === "repeat",
      onTraces: account.note,
    });
    // Not before: a model of the Hub was downloaded while the server started.
    const known = await findModelFacts({ cwd: context.cwd, model, args: spec.args, env });
    if (known !== null) record.model = known;
  } finally {
    const samples = telemetry.stop();
    // Before all that can fail: whatever goes wrong, the server ends.
    const disposing = server.dispose();
    const taken = await samples;
    Object.assign(record, telemetryFacts(taken, record));
    const facts = server.log.facts();
    record.logFacts = facts;
    record.vllmVersion ??= facts.vllmVersion;
    if (record.readyS !== undefined) record.unknownFacts = server.log.unknownFacts();
    await note({ doing: `ending the server of ${name}` });
    record.disposal = await disposing;
    const coldStart = await account.explain(record, taken, folder);
    if (coldStart !== null) record.coldStart = coldStart;
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
  context.progress?.sessionServes();
  const model = spec.model ?? (await fetchModel(spec.url, apiKey, signal))?.id ?? null;
  if (model === null) {
    throw new NotMeasuredError(
      `${spec.url}/v1/models lists no model: is it a vLLM server, is it up, is the API key right?`,
    );
  }
  await probe(
    context,
    { baseUrl: spec.url, apiKey, model, zeroS: monotonicS(), launched: null },
    record,
    null,
  );
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
