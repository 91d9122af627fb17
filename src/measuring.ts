import { join } from "node:path";
import type { GateConfig } from "./config/load.ts";
import type { ServerSpec } from "./config/server-spec.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import { diffFingerprints, type Fingerprint } from "./domain/fingerprint.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord, type SessionRecord, type Variant } from "./domain/run.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import { measureRun } from "./measure/measure.ts";
import { explainOutliers } from "./outliers.ts";
import { type ProbeSuite, suiteOf } from "./probe/suite.ts";
import { RunProgress } from "./progress.ts";
import { renderFirstTokenLatency } from "./report/first-token-latency.ts";
import { serverEnvironment } from "./serve/environment.ts";
import { runSession } from "./session.ts";
import { folderOfModel } from "./session-cold-start.ts";
import { makeFolder, sha256, writeFileAtomic, writeJson } from "./system/files.ts";
import { gitHead } from "./system/git.ts";
import type { Log } from "./system/log.ts";
import { measureOwnCost, type OwnCostMeter } from "./system/own-cost.ts";
import {
  createRedactor,
  type Redact,
  redactArgs,
  redactDeep,
  redactEnv,
  secretsOf,
} from "./system/redact.ts";
import { newRunId, readRunFolder, writeRun } from "./system/run-folder.ts";
import { createStateFile, type StateFile } from "./system/state-file.ts";
import { readFingerprint, remoteFingerprint } from "./telemetry/fingerprint.ts";
import type { MachineView } from "./telemetry/machine-view.ts";
import { decideFailure } from "./verdict/decide.ts";
import { TOOL_VERSION } from "./version.ts";

/** Probes that measure something else than those of another number are not comparable. */
const PROBE_SUITE_VERSION = 2;

/** The world as a run sees it: handed in by the entries. */
export interface Surroundings {
  /** Folder of the repository; relative paths of the configuration start here. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Aborted with an {@link Interruption} when the run is to end. */
  readonly signal: AbortSignal;
  /** Aborted when that is to be quick: servers get no more time for an orderly end. */
  readonly hurry?: AbortSignal;
  /** Where run folders are made. */
  readonly runsDir: string;
  /** Where the state file is written; in the run folder by default. */
  readonly statePath?: string;
  /** Told where the run folder is as soon as there is one. */
  readonly onRunFolder?: (runDir: string) => void;
  /** Git revision whose copy of the baseline judges; the working tree's when absent. */
  readonly baseRevision?: string;
  /** Where the machine is looked at; this one when absent. */
  readonly machine?: MachineView;
}

/** The reason of an abort: which signal asked for it. */
export class Interruption extends Error {
  readonly exitCode: 130 | 143;

  constructor(signal: "SIGINT" | "SIGTERM" | "SIGHUP") {
    super(`cancelled by ${signal}`);
    this.exitCode = signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
  }
}

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

/** What a run measures: variants × sessions × rounds × probes. The gate, an A/B, calibration and every study are such. */
export interface RunPlan {
  /** Servers by the name of their variant. */
  readonly variants: Readonly<Record<string, ServerSpec>>;
  /** The variant of each session, in the order in which they are measured. */
  readonly order: readonly string[];
  readonly rounds: number;
  readonly suite: ProbeSuite;
  /** Options of the probes, as they are written down. */
  readonly probes: unknown;
}

/** `head` alone, so many sessions of it. */
export function headPlan(config: GateConfig, sessions: number): RunPlan {
  return {
    variants: { head: config.server },
    order: Array.from({ length: sessions }, () => "head"),
    rounds: config.rounds,
    suite: suiteOf({ ...config.probes, traffic: config.traffic }),
    probes: probesRecord(config),
  };
}

/** The probes as they are written down: the user's own requests by the hash of their file. */
function probesRecord({ probes, traffic }: GateConfig): unknown {
  return traffic === null ? probes : { ...probes, traffic: { ...probes.traffic, sha256: traffic.sha256 } };
}

/** What a run of a configuration would be measured on: known before anything is started. */
export async function identify(
  config: GateConfig,
  world: Pick<Surroundings, "cwd" | "environment" | "machine">,
): Promise<Fingerprint> {
  const probeSuite = `${PROBE_SUITE_VERSION}-${sha256(JSON.stringify(probesRecord(config))).slice(0, 8)}`;
  const { server } = config;
  const identity = { model: server.model ?? "unknown", probeSuite };
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
  world.onRunFolder?.(runDir);
  const state = await createStateFile(world.statePath ?? join(runDir, "state.json"), {
    scenario: config.scenario,
    runDir,
    doing: "preparing the run",
  });
  return {
    plan,
    runDir,
    run,
    state,
    budget: AbortSignal.timeout(config.budgetMinutes * 60_000),
    ownCost: measureOwnCost(),
    progress: followProgress(plan, world),
  };
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
  world.onRunFolder?.(runDir);
  const state = await createStateFile(world.statePath ?? join(runDir, "state.json"), {
    scenario: config.scenario,
    runDir,
    doing: "resuming the run",
  });
  return {
    plan,
    runDir,
    run,
    state,
    budget: AbortSignal.timeout(config.budgetMinutes * 60_000),
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

/** Redacts every secret of the machine and of the servers. */
function redactorOf(world: Surroundings, { variants }: RunPlan): Redact {
  const ofServers = Object.values(variants).flatMap((server) =>
    server.kind === "launch" ? secretsOf(server.env) : [],
  );
  return createRedactor([...secretsOf(world.environment), ...ofServers]);
}

/** A variant as `run.json` shows it. */
export function variantOf(server: ServerSpec, redact: Redact): Variant {
  if (server.kind === "attach") {
    return { args: [], url: server.url, ...(server.model === null ? {} : { model: server.model }) };
  }
  return {
    args: redactDeep(redactArgs(server.args), redact),
    model: server.model,
    command: redactDeep(redactArgs(server.command), redact),
    env: redactDeep(redactEnv(server.env), redact),
  };
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

/** Why a run has nothing to compare, or null. One session that failed is enough: half a run proves nothing. */
function failureOf(
  run: RunRecord,
  config: GateConfig,
  signal: AbortSignal,
  done: number,
): VerdictFile | null {
  const { scenario, reportOnly } = config;
  const beside = config.base !== null;
  // A base that was to confirm a regression and could not: what was measured before it stands.
  const last = run.sessions.findLast(({ variant }) => beside || variant !== "base") ?? run.sessions.at(-1);
  const survivors = run.sessions.flatMap((session) => session.disposal?.survivors ?? []);
  const left =
    survivors.length === 0 ? [] : [`Processes ${survivors.join(", ")} of the server could not be ended`];
  if (signal.aborted) {
    const interruption = signal.reason instanceof Interruption ? signal.reason : new Interruption("SIGTERM");
    return decideFailure(
      scenario,
      "cancelled",
      {
        headline: `The run was ${interruption.message} after ${done} of ${run.plan?.sessions ?? 1} sessions`,
        nextAction: "Run it again; nothing was decided.",
        reasons: [...(last?.cause === undefined ? [] : [last.cause]), ...left],
      },
      { reportOnly, exitCode: interruption.exitCode },
    );
  }
  const measured = last === undefined || last.outcome === "ok" || (last.outcome === "cancelled" && done > 0);
  if (measured && left[0] !== undefined) {
    // What they hold, a GPU's memory for one, the next server lacks.
    return decideFailure(
      scenario,
      "tool_failed",
      { headline: left[0], nextAction: "End them by hand and run again.", reasons: left },
      { reportOnly },
    );
  }
  if (measured) return null;
  const died = last.outcome === "died";
  const started = last.outcome === "failed_start";
  const cause = died ? "server_died" : started ? "failed_start" : "tool_failed";
  // Head is not to blame for a base that does not run.
  const isBase = beside && last.variant === "base";
  const headline = last.cause ?? "Nothing was measured";
  return decideFailure(
    scenario,
    cause,
    {
      headline: isBase ? `The base does not run, so there is nothing to compare with: ${headline}` : headline,
      nextAction: last.hint ?? "Mend the cause and run again; the server's log is in the run folder.",
      reasons: [last.cause ?? "unknown cause", ...left],
    },
    { reportOnly, ...(isBase ? { exitCode: EXIT.noVerdict } : {}) },
  );
}
