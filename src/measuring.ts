import { join } from "node:path";
import type { GateConfig } from "./config/load.ts";
import type { ServerSpec } from "./config/server-spec.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import { diffFingerprints, type Fingerprint } from "./domain/fingerprint.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord, type SessionRecord } from "./domain/run.ts";
import type { VerdictFile } from "./domain/verdict.ts";
import { measureRun } from "./measure/measure.ts";
import { explainOutliers } from "./outliers.ts";
import type { ProbeSuite } from "./probe/suite.ts";
import { RunProgress } from "./progress.ts";
import { renderFirstTokenLatency } from "./report/first-token-latency.ts";
import { failureOf } from "./run-failure.ts";
import { probesRecord, type RunPlan, redactorOf, variantOf } from "./run-plan.ts";
import { serverEnvironment } from "./serve/environment.ts";
import { runSession } from "./session.ts";
import { folderOfModel } from "./session-cold-start.ts";
import type { Surroundings } from "./surroundings.ts";
import { makeFolder, sha256, writeFileAtomic, writeJson } from "./system/files.ts";
import { gitHead } from "./system/git.ts";
import { measureOwnCost, type OwnCostMeter } from "./system/own-cost.ts";
import { newRunId, readRunFolder, writeRun } from "./system/run-folder.ts";
import { createStateFile, type StateFile } from "./system/state-file.ts";
import { readFingerprint, remoteFingerprint } from "./telemetry/fingerprint.ts";
import { TOOL_VERSION } from "./version.ts";

/** Probes that measure something else than those of another number are not comparable. */
const PROBE_SUITE_VERSION = 2;

/** A run folder that exists. */
export interface StartedRun {
  readonly plan: RunPlan;
  readonly runDir: string;
  /** Aborted when the run's time is spent. */
  readonly budget: AbortSignal;
  readonly ownCost: OwnCostMeter;
  readonly progress: RunProgress;
  readonly run: RunRecord;
  readonly state: StateFile;
}

/** A run that can be reported, measured or not. */
export interface Finishable {
  readonly runDir: string;
  readonly run: RunRecord;
  readonly measurements: MeasurementsFile | null;
  /** The verdict when nothing could be measured. */
  readonly failure: VerdictFile | null;
  /** Ends the run's bookkeeping: nothing is left to clean. */
  readonly close: () => Promise<void>;
}

/** A run whose sessions ended. */
export type Measured = Finishable & { readonly measurements: MeasurementsFile };

/** What probes with other options, or of another version, are not comparable by. */
export function probeSuiteOf(config: Pick<GateConfig, "probes" | "traffic">): string {
  return `${PROBE_SUITE_VERSION}-${sha256(JSON.stringify(probesRecord(config))).slice(0, 8)}`;
}

/** What a run of a configuration would be measured on: known before anything is started. */
export async function identify(
  config: GateConfig,
  world: Pick<Surroundings, "cwd" | "environment" | "machine">,
): Promise<Fingerprint> {
  const { server } = config;
  const identity = { model: server.model ?? "unknown", probeSuite: probeSuiteOf(config) };
  if (server.kind === "attach") return remoteFingerprint(identity, server.url);
  const env = serverEnvironment(world.environment, server.env);
  return readFingerprint(
    { ...identity, modelFolder: await folderOfModel({ ...server, cwd: world.cwd, env }) },
    { ...world.machine, visibleDevices: env["CUDA_VISIBLE_DEVICES"] },
  );
}

/** Makes the run folder and its state file: from here on a killed run leaves word of itself. */
export async function startRun(
  config: GateConfig,
  world: Surroundings,
  plan: RunPlan,
  fingerprint: Fingerprint,
): Promise<StartedRun> {
  const id = newRunId(new Date());
  const runDir = join(world.runsDir, id);
  await makeFolder(runDir).catch((error: unknown) => {
    throw new UsageError(`${world.runsDir}: a run folder cannot be made there (${messageOf(error)})`, {
      cause: error,
    });
  });
  const redact = redactorOf(world, plan);
  const run: RunRecord = {
    schemaVersion: 1,
    id,
    toolVersion: TOOL_VERSION,
    scenario: config.scenario,
    createdAt: new Date().toISOString(),
    commit: await gitHead(world.cwd),
    seed: id,
    outcome: "running",
    plan: {
      sessions: plan.order.length,
      rounds: plan.rounds,
      probes: plan.probes,
      budgetMinutes: config.budgetMinutes,
    },
    ...(config.slo === null ? {} : { slo: config.slo }),
    overridden: ["model", "serverUrl", "command", "args"].filter((key) => Object.hasOwn(config.sources, key)),
    variants: Object.fromEntries(
      Object.entries(plan.variants).map(([name, server]) => [name, variantOf(server, redact)]),
    ),
    fingerprint,
    sessions: [],
  };
  // First: a state file names a run that there is.
  await writeRun(runDir, run);
  return openRun({ plan, runDir, run }, config, world, "preparing the run");
}

/**
 * Goes on with a run that was interrupted. Its traces and sessions stay; a session that did not end well counts for
 * nothing and is measured again under a new number.
 *
 * @param check - refuses a run that is not the one to go on with
 * @throws UsageError when the folder holds no run, or one of another scenario or machine
 */
export async function resumeRun(
  runDir: string,
  config: GateConfig,
  world: Surroundings,
  plan: RunPlan,
  check: (run: RunRecord) => void,
): Promise<StartedRun> {
  const { run } = await readRunFolder(runDir);
  if (run.scenario !== config.scenario) {
    throw new UsageError(`${runDir}: a run of scenario ${run.scenario}, expected ${config.scenario}`);
  }
  check(run);
  const differing = diffFingerprints(run.fingerprint, await identify(config, world)).filter(
    (each) => each.rule === "must",
  );
  if (differing[0] !== undefined) {
    const { field, base, head } = differing[0];
    throw new UsageError(`${runDir}: measured where ${field} was ${base}, here it is ${head}`);
  }
  const redact = redactorOf(world, plan);
  for (const [name, server] of Object.entries(plan.variants)) {
    const recorded = run.variants[name]?.args;
    const now = variantOf(server, redact).args;
    if (JSON.stringify(recorded) !== JSON.stringify(now)) {
      throw new UsageError(
        `${runDir}: ${name} was measured with ${recorded?.join(" ") || "no flags"}, now it has ${now.join(" ") || "no flags"}`,
      );
    }
  }
  run.outcome = "running";
  return openRun({ plan, runDir, run }, config, world, "resuming the run");
}

/** Begins the bookkeeping of a run whose record is in its folder. */
async function openRun(
  opened: Pick<StartedRun, "plan" | "runDir" | "run">,
  { scenario, budgetMinutes }: GateConfig,
  world: Surroundings,
  doing: string,
): Promise<StartedRun> {
  const { plan, runDir } = opened;
  world.onRunFolder?.(runDir);
  const path = world.statePath ?? join(runDir, "state.json");
  const state = await createStateFile(path, { scenario, runDir, doing });
  return {
    ...opened,
    state,
    budget: AbortSignal.timeout(budgetMinutes * 60_000),
    ownCost: measureOwnCost(),
    progress: followProgress(plan, world),
  };
}

/** Shows how the run gets on, where there is a terminal to show it on. */
function followProgress(plan: RunPlan, { log }: Surroundings): RunProgress {
  const progress = new RunProgress(plan);
  log.follow?.((columns) => progress.line(columns));
  return progress;
}

/**
 * Measures one more session: a server start, the probes, the server's end. It is appended to the run's record.
 *
 * @returns the session, or null when the run was cancelled or its budget is spent
 */
export async function measureSession(
  started: StartedRun,
  config: Pick<GateConfig, "readyTimeoutS" | "budgetMinutes" | "onDirty">,
  world: Surroundings,
  next: { readonly variant: string; readonly suite?: ProbeSuite; readonly server?: ServerSpec },
): Promise<SessionRecord | null> {
  const { plan, run, runDir, state, budget, progress } = started;
  const { variant, suite = plan.suite } = next;
  const signal = AbortSignal.any([world.signal, budget]);
  const server = next.server ?? plan.variants[variant];
  if (server === undefined) throw new RangeError(`the plan has no variant ${variant}`);
  if (signal.aborted) return null;
  progress.sessionBegan(variant);
  const session = await runSession({
    variant,
    server,
    readyTimeoutS: config.readyTimeoutS,
    onDirty: config.onDirty,
    suite,
    rounds: plan.rounds,
    index: run.sessions.length,
    runDir,
    cwd: world.cwd,
    seed: run.id ?? runDir,
    environment: world.environment,
    signal,
    hurry: world.hurry,
    log: world.log,
    progress,
    state,
    machine: world.machine,
  }).finally(() => progress.sessionEnded());
  if (budget.aborted && !world.signal.aborted && session.outcome === "cancelled") {
    session.cause = `not finished within budgetMinutes (${config.budgetMinutes})`;
  }
  run.sessions.push(session);
  await writeRun(runDir, run);
  return session;
}

/** Whether a further session may follow this one. Half a run proves nothing, and what a process holds the next lacks. */
export function mayGoOn(session: SessionRecord | null): session is SessionRecord {
  return session?.outcome === "ok" && (session.disposal?.survivors.length ?? 0) === 0;
}

/** Measures the sessions of the plan. Whatever goes wrong with a server is in `failure`. */
export async function measureSessions(
  started: StartedRun,
  config: GateConfig,
  world: Surroundings,
): Promise<Measured> {
  for (const variant of started.plan.order) {
    if (!mayGoOn(await measureSession(started, config, world, { variant }))) break;
  }
  return concludeMeasuring(started, config, world);
}

/** Ends the measuring: the run's outcome and its measurements. */
export async function concludeMeasuring(
  started: StartedRun,
  config: GateConfig,
  world: Surroundings,
): Promise<Measured> {
  const { plan, run, runDir, state, budget } = started;
  world.log.follow?.(null);
  const done = run.sessions.filter((session) => session.outcome === "ok").length;
  if (done < plan.order.length && budget.aborted && !world.signal.aborted && done > 0) {
    world.log.warn(
      `${done} of ${plan.order.length} sessions were measured within budgetMinutes (${config.budgetMinutes})`,
    );
  }
  const failure = failureOf(run, config, world.signal, done);
  run.outcome = world.signal.aborted ? "cancelled" : failure === null ? "complete" : "failed";
  run.endedAt = new Date().toISOString();
  run.ownCost = started.ownCost.read();
  started.ownCost.stop();
  await writeRun(runDir, run);
  const { traces } = await readRunFolder(runDir);
  const measurements = await explainOutliers(measureRun(run, traces), run, runDir);
  await writeJson(join(runDir, RUN_FILES.measurements), measurements);
  const latency = renderFirstTokenLatency(run, measurements);
  if (latency !== null) await writeFileAtomic(join(runDir, "logs", "first_token_latency.md"), latency);
  return { runDir, run, measurements, failure, close: () => state.close() };
}
