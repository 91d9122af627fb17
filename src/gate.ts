import { join, relative, resolve } from "node:path";
import {
  type Baseline,
  baselinePath,
  baselineSchema,
  formatBaseline,
  makeBaseline,
  type RecordedRun,
} from "./baseline/baseline.ts";
import { type BaselineChange, baselineChanges } from "./baseline/changes.ts";
import { compareSides, type HeadSide, type MetricRules, type SessionValues, type Side } from "./compare/compare.ts";
import { checkLimits } from "./compare/limits.ts";
import type { GateConfig } from "./config/load.ts";
import type { ComparisonFile } from "./domain/comparison.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord } from "./domain/run.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import { measureRun } from "./measure/measure.ts";
import { renderComment } from "./report/comment.ts";
import { renderFirstTokenLatency } from "./report/first-token-latency.ts";
import { runSession } from "./session.ts";
import { parseJson, readTextIfExists, sha256, writeFileAtomic, writeJson } from "./system/files.ts";
import { gitHead, gitShow } from "./system/git.ts";
import type { Log } from "./system/log.ts";
import { hashRun, newRunId, readRunFolder, writeRun } from "./system/run-folder.ts";
import { createStateFile, type StateFile } from "./system/state-file.ts";
import { readFingerprint, remoteFingerprint } from "./telemetry/fingerprint.ts";
import { decide, decideFailure, decideNotRecorded, decideRecorded, decideWithoutBaseline } from "./verdict/decide.ts";
import { TOOL_VERSION } from "./version.ts";

/** Probes that measure something else than those of another number are not comparable. */
const PROBE_SUITE_VERSION = 1;

/** The world as a run sees it: handed in by the entries. */
export interface Surroundings {
  /** Folder of the repository; relative paths of the configuration start here. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Aborted with an {@link Interruption} when the run is to end. */
  readonly signal: AbortSignal;
  /** Where run folders are made. */
  readonly runsDir: string;
  /** Where the state file is written; in the run folder by default. */
  readonly statePath?: string;
  /** Git revision whose copy of the baseline judges; the working tree's when absent. */
  readonly baseRevision?: string;
}

/** The reason of an abort: which signal asked for it. */
export class Interruption extends Error {
  readonly exitCode: 130 | 143;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`cancelled by ${signal}`);
    this.exitCode = signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm;
  }
}

/** What a run left. */
export interface RunResult {
  readonly runDir: string;
  readonly verdict: VerdictFile;
  readonly comment: string;
}

/** Serves, probes, measures, compares with the baseline and reports: `vllm-gate run`. */
export async function runGate(config: GateConfig, world: Surroundings): Promise<RunResult> {
  const started = await startRun(config, world, config.sessions);
  return reportAnyway(started, config, world, async () => {
    const measured = await measureSessions(started, config, world);
    if (measured.failure !== null) return finish(measured, world, measured.failure, null);
    const { run, measurements } = measured;
    const expected = join(config.baselineDir, baselinePath(run.scenario, run.fingerprint));
    const baseline = await readBaseline(expected, world);
    const comparison = compareWithBaseline(run, measurements, baseline, expected, config);
    await writeJson(join(measured.runDir, RUN_FILES.comparison), comparison);
    const verdict =
      baseline === null ? decideWithoutBaseline(comparison, expected, config) : decide(comparison, config);
    return finish(measured, world, verdict, comparison);
  });
}

/** Measures and records: `vllm-gate record --scenario`. The verdict says whether there was something to record. */
export async function runAndRecord(
  config: GateConfig,
  world: Surroundings,
): Promise<RunResult & { readonly recorded: Recorded | null }> {
  const started = await startRun(config, world, config.recordSessions);
  let recorded: Recorded | null = null;
  const result = await reportAnyway(started, config, world, async () => {
    const measured = await measureSessions(started, config, world);
    if (measured.failure !== null) return finish(measured, world, measured.failure, null);
    const outcome = await recordRuns([started.runDir], config.baselineDir, world).catch((error: unknown) => {
      if (error instanceof UsageError) return error;
      throw error;
    });
    if (outcome instanceof UsageError) {
      return finish(measured, world, decideNotRecorded(config.scenario, outcome.message), null);
    }
    recorded = outcome;
    return finish(measured, world, decideRecorded(config.scenario, outcome.path), null);
  });
  return { ...result, recorded };
}

/** A run whose tool fails in the middle still says what happened: a verdict file, a report, no state left behind. */
async function reportAnyway(
  started: StartedRun,
  config: GateConfig,
  world: Surroundings,
  work: () => Promise<RunResult>,
): Promise<RunResult> {
  try {
    return await work();
  } catch (error) {
    const { run, runDir, state } = started;
    run.outcome = "failed";
    const verdict = decideFailure(
      config.scenario,
      "tool_failed",
      {
        headline: `vllm-gate itself failed: ${messageOf(error)}`,
        nextAction: "Mend the cause and run again; nothing was decided.",
        reasons: [messageOf(error)],
      },
      { reportOnly: config.reportOnly },
    );
    await writeRun(runDir, run);
    // Left as it is when a server may still be alive: `post` ends what it names.
    const close = async () => (state.current.servers.length === 0 ? state.remove() : undefined);
    return finish({ runDir, run, measurements: null, failure: verdict, close }, world, verdict, null);
  }
}

/** What was recorded, where, and what moved. */
export interface Recorded {
  readonly path: string;
  readonly baseline: Baseline;
  readonly changes: readonly BaselineChange[];
}

/**
 * Makes a baseline from runs that exist and writes it: `vllm-gate record RUN…`.
 *
 * @throws UsageError when a run is not fit for a baseline; nothing is written then
 */
export async function recordRuns(
  runDirs: readonly string[],
  baselineDir: string,
  world: Pick<Surroundings, "cwd">,
): Promise<Recorded> {
  const runs = await Promise.all(
    runDirs.map(async (path): Promise<RecordedRun> => {
      const folder = resolve(world.cwd, path);
      const { run, traces } = await readRunFolder(folder);
      return { run, measurements: measureRun(run, traces), runSha256: await hashRun(folder), path };
    }),
  );
  const baseline = makeBaseline(runs, new Date().toISOString());
  const path = join(baselineDir, baselinePath(baseline.scenario, baseline.fingerprint));
  const file = resolve(world.cwd, path);
  const old = await readTextIfExists(file);
  const before = old === null ? null : parseJson(old, baselineSchema, path);
  await writeFileAtomic(file, formatBaseline(baseline));
  return { path, baseline, changes: baselineChanges(before, baseline) };
}

interface StartedRun {
  readonly runDir: string;
  readonly run: RunRecord;
  readonly state: StateFile;
}

interface Finishable {
  readonly runDir: string;
  readonly run: RunRecord;
  readonly measurements: MeasurementsFile | null;
  /** The verdict when nothing could be measured. */
  readonly failure: VerdictFile | null;
  /** Ends the run's bookkeeping: nothing is left to clean. */
  readonly close: () => Promise<void>;
}

type Measured = Finishable & { readonly measurements: MeasurementsFile };

async function startRun(config: GateConfig, world: Surroundings, sessions: number): Promise<StartedRun> {
  const id = newRunId(new Date());
  const runDir = join(world.runsDir, id);
  const probeSuite = `${PROBE_SUITE_VERSION}-${sha256(JSON.stringify(config.probes)).slice(0, 8)}`;
  const { server } = config;
  const identity = { model: server.model ?? "unknown", probeSuite };
  const run: RunRecord = {
    schemaVersion: 1,
    id,
    toolVersion: TOOL_VERSION,
    scenario: config.scenario,
    createdAt: new Date().toISOString(),
    commit: await gitHead(world.cwd),
    seed: id,
    outcome: "running",
    plan: { sessions, rounds: config.rounds, probes: config.probes },
    variants: {
      head:
        server.kind === "attach"
          ? { args: [], url: server.url, ...(server.model === null ? {} : { model: server.model }) }
          : { args: [...server.args], model: server.model, command: [...server.command], env: { ...server.env } },
    },
    fingerprint:
      server.kind === "attach" ? remoteFingerprint(identity, server.url) : await readFingerprint(identity),
    sessions: [],
  };
  const state = await createStateFile(world.statePath ?? join(runDir, "state.json"), {
    scenario: config.scenario,
    runDir,
    doing: "preparing the run",
  });
  await writeRun(runDir, run);
  return { runDir, run, state };
}

async function measureSessions(started: StartedRun, config: GateConfig, world: Surroundings): Promise<Measured> {
  const { run, runDir, state } = started;
  const sessions = run.plan?.sessions ?? config.sessions;
  const budget = AbortSignal.timeout(config.budgetMinutes * 60_000);
  const signal = AbortSignal.any([world.signal, budget]);

  for (let index = 0; index < sessions && !signal.aborted; index += 1) {
    const session = await runSession({
      config,
      variant: "head",
      index,
      runDir,
      seed: run.id ?? runDir,
      environment: world.environment,
      signal,
      log: world.log,
      state,
    });
    if (budget.aborted && !world.signal.aborted && session.outcome === "cancelled") {
      session.cause = `not finished within budgetMinutes (${config.budgetMinutes})`;
    }
    run.sessions.push(session);
    await writeRun(runDir, run);
    if (session.outcome !== "ok" || (session.disposal?.survivors.length ?? 0) > 0) break;
  }
  const done = run.sessions.filter((session) => session.outcome === "ok").length;
  if (done < sessions && budget.aborted && !world.signal.aborted && done > 0) {
    world.log.warn(`${done} of ${sessions} sessions were measured within budgetMinutes (${config.budgetMinutes})`);
  }
  const failure = failureOf(run, config, world.signal, done);
  run.outcome = world.signal.aborted ? "cancelled" : failure === null ? "complete" : "failed";
  run.endedAt = new Date().toISOString();
  await writeRun(runDir, run);
  const { traces } = await readRunFolder(runDir);
  const measurements = measureRun(run, traces);
  await writeJson(join(runDir, RUN_FILES.measurements), measurements);
  const latency = renderFirstTokenLatency(run, measurements);
  if (latency !== null) await writeFileAtomic(join(runDir, "logs", "first_token_latency.md"), latency);
  return { runDir, run, measurements, failure, close: () => state.remove() };
}

/** Why a run has nothing to compare, or null. One session that failed is enough: half a run proves nothing. */
function failureOf(run: RunRecord, config: GateConfig, signal: AbortSignal, done: number): VerdictFile | null {
  const { scenario, reportOnly } = config;
  const last = run.sessions.at(-1);
  if (signal.aborted) {
    const interruption = signal.reason instanceof Interruption ? signal.reason : new Interruption("SIGTERM");
    return decideFailure(
      scenario,
      "cancelled",
      {
        headline: `The run was ${interruption.message} after ${done} of ${run.plan?.sessions ?? 1} sessions`,
        nextAction: "Run it again; nothing was decided.",
        reasons: last?.cause === undefined ? [] : [last.cause],
      },
      { reportOnly, exitCode: interruption.exitCode },
    );
  }
  if (last === undefined || last.outcome === "ok") return null;
  if (last.outcome === "cancelled" && done > 0) return null;
  const died = last.outcome === "died";
  const started = last.outcome === "failed_start";
  const cause = died ? "server_died" : started ? "failed_start" : "tool_failed";
  return decideFailure(
    scenario,
    cause,
    {
      headline: last.cause ?? "Nothing was measured",
      nextAction: last.hint ?? "Mend the cause and run again; the server's log is in the run folder.",
      reasons: [last.cause ?? "unknown cause"],
    },
    { reportOnly },
  );
}

async function finish(
  measured: Finishable,
  world: Surroundings,
  verdict: VerdictFile,
  comparison: ComparisonFile | null,
): Promise<RunResult> {
  const { runDir, run, measurements } = measured;
  const runPath = relative(world.cwd, runDir) || runDir;
  const comment = renderComment({
    verdict,
    run,
    measurements,
    comparison,
    runPath,
    acceptCommand: `vllm-gate record ${runPath}`,
  });
  await writeFileAtomic(join(runDir, RUN_FILES.report), comment);
  await writeJson(join(runDir, RUN_FILES.verdict), verdict);
  await measured.close();
  return { runDir, verdict, comment };
}

async function readBaseline(path: string, world: Surroundings): Promise<Baseline | null> {
  const { baseRevision, cwd } = world;
  const file = resolve(cwd, path);
  const text =
    baseRevision === undefined
      ? await readTextIfExists(file)
      : await gitShow(cwd, baseRevision, `./${relative(cwd, file)}`);
  return text === null ? null : parseJson(text, baselineSchema, path);
}

function compareWithBaseline(
  run: RunRecord,
  measurements: MeasurementsFile,
  baseline: Baseline | null,
  source: string,
  config: GateConfig,
): ComparisonFile {
  const head = headSide(run, measurements, "this run");
  const compared: ComparisonFile =
    baseline === null
      ? { schemaVersion: 1, scenario: run.scenario, baseSource: null, limits: [], comparisons: [], flags: [], fingerprint: [] }
      : compareSides(run.scenario, baselineSide(baseline, source), head, rulesOf(config));
  return { ...compared, limits: checkLimits(head.values, head.definitions, config.limits) };
}

function rulesOf(config: Pick<GateConfig, "tolerances" | "levels">): MetricRules {
  return { tolerances: config.tolerances, levels: config.levels };
}

function baselineSide(baseline: Baseline, source: string): Side {
  return {
    source,
    // The sessions may come from several hosts of one fingerprint.
    fingerprints: [...new Set(baseline.sessions.map((session) => session.hostId))].map((hostId) => ({
      ...baseline.fingerprint,
      hostId,
    })),
    values: Object.fromEntries(Object.entries(baseline.metrics).map(([id, metric]) => [id, metric.sessions])),
    args: baseline.args,
    vllmVersion: baseline.vllmVersion,
  };
}

function headSide(run: RunRecord, measurements: MeasurementsFile, source: string): HeadSide {
  return {
    source,
    fingerprints: [run.fingerprint],
    values: valuesOf(measurements),
    args: Object.values(run.variants)[0]?.args ?? [],
    vllmVersion: run.sessions[0]?.vllmVersion ?? null,
    definitions: measurements.metrics,
    taints: measurements.taints,
    absent: Object.fromEntries(measurements.absent.map((each) => [each.metric, each.reason])),
  };
}

function valuesOf(measurements: MeasurementsFile): Record<string, SessionValues> {
  const values: Record<string, number[][]> = {};
  const places = new Map<string, number>();
  const byRound = [...measurements.measurements].sort((a, b) => a.session - b.session || a.round - b.round);
  for (const each of byRound) {
    const sessions = (values[each.metric] ??= []);
    const key = JSON.stringify([each.metric, each.variant, each.session]);
    const place = places.get(key) ?? sessions.length;
    places.set(key, place);
    (sessions[place] ??= []).push(each.value);
  }
  return values;
}

/** One side of `compare`: run folders, or a baseline file. */
async function readSide(paths: readonly string[], label: string): Promise<{ side: HeadSide; scenario: string }> {
  const sides = await Promise.all(
    paths.map(async (path) => {
      if (path.endsWith(".json")) {
        const text = await readTextIfExists(path);
        if (text === null) throw new UsageError(`${path}: no such file`);
        const baseline = parseJson(text, baselineSchema, path);
        const side: HeadSide = { ...baselineSide(baseline, path), definitions: [], taints: [], absent: {} };
        return { side, scenario: baseline.scenario };
      }
      const { run, traces } = await readRunFolder(path);
      return { side: headSide(run, measureRun(run, traces), path), scenario: run.scenario };
    }),
  );
  const [first, ...rest] = sides;
  if (first === undefined) throw new UsageError(`--${label} needs at least one run folder or baseline`);
  const merged = rest.reduce<HeadSide>((all, { side }) => mergeSides(all, side), first.side);
  return { side: merged, scenario: first.scenario };
}

function mergeSides(a: HeadSide, b: HeadSide): HeadSide {
  const ids = [...new Set([...Object.keys(a.values), ...Object.keys(b.values)])];
  return {
    ...a,
    source: `${a.source}, ${b.source}`,
    fingerprints: [...a.fingerprints, ...b.fingerprints],
    values: Object.fromEntries(ids.map((id) => [id, [...(a.values[id] ?? []), ...(b.values[id] ?? [])]])),
    definitions: [...a.definitions, ...b.definitions.filter((other) => !a.definitions.some((own) => own.id === other.id))],
    taints: [...a.taints, ...b.taints],
    absent: { ...b.absent, ...a.absent },
  };
}

/** Compares runs or a baseline with runs: `vllm-gate compare`. */
export async function compareRuns(
  basePaths: readonly string[],
  headPaths: readonly string[],
  config: Pick<GateConfig, "tolerances" | "levels" | "limits" | "onInconclusive" | "onInvalid" | "reportOnly"> | null,
): Promise<{ comparison: ComparisonFile; verdict: VerdictFile }> {
  const [base, head] = await Promise.all([readSide(basePaths, "base"), readSide(headPaths, "head")]);
  if (head.side.definitions.length === 0) {
    throw new UsageError(`--head ${headPaths.join(" ")}: nothing measured there, expected run folders with traces`);
  }
  const rules = config === null ? { tolerances: {}, levels: {} } : rulesOf(config);
  const compared = compareSides(head.scenario, base.side, head.side, rules);
  const comparison = {
    ...compared,
    limits: checkLimits(head.side.values, head.side.definitions, config?.limits ?? {}),
  };
  const policy = config ?? { onInconclusive: "warn" as const, onInvalid: "fail" as const, reportOnly: false };
  return { comparison, verdict: decide(comparison, policy) };
}
