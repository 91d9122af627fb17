import { join, relative, resolve } from "node:path";
import {
  baselinePath,
  formatBaseline,
  makeBaseline,
  parseBaseline,
  type RecordedRun,
} from "./baseline/baseline.ts";
import { type BaselineChange, baselineChanges } from "./baseline/changes.ts";
import { compareSides, type HeadSide, type MetricRules, taintsOf } from "./compare/compare.ts";
import { checkLimits } from "./compare/limits.ts";
import { baselineSide, mergeSides, runSide } from "./compare/sides.ts";
import type { GateConfig } from "./config/load.ts";
import { type Baseline, baselineSchema } from "./domain/baseline.ts";
import { firstRecordCommand } from "./domain/command-line.ts";
import type { ComparisonFile } from "./domain/comparison.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord, shortfallOf } from "./domain/run.ts";
import type { VerdictFile } from "./domain/verdict.ts";
import { definitionsOf } from "./measure/catalogue.ts";
import { measureRun } from "./measure/measure.ts";
import {
  type Finishable,
  headPlan,
  identify,
  measureSessions,
  type StartedRun,
  type Surroundings,
  startRun,
} from "./measuring.ts";
import { renderComment } from "./report/comment.ts";
import { parseJson, readCheckedOut, readTextIfExists, writeFileAtomic, writeJson } from "./system/files.ts";
import { gitRoot, gitShow } from "./system/git.ts";
import { hashRun, readRunFolder, writeRun } from "./system/run-folder.ts";
import {
  decide,
  decideFailure,
  decideNotRecorded,
  decideRecorded,
  decideWithoutBaseline,
} from "./verdict/decide.ts";

/** What a run left. */
export interface RunResult {
  readonly runDir: string;
  readonly verdict: VerdictFile;
  readonly comment: string;
}

/** Serves, probes, measures, compares with the baseline and reports: `vllm-gate run`. */
export async function runGate(config: GateConfig, world: Surroundings): Promise<RunResult> {
  const fingerprint = await identify(config);
  const expected = join(config.baselineDir, baselinePath(config.scenario, fingerprint));
  // Before anything is measured: minutes on a GPU are lost on a baseline that nobody can read.
  const baseline = await readBaseline(expected, config.scenario, world);
  const started = await startRun(config, world, headPlan(config, config.sessions), fingerprint);
  return reportAnyway(started, config, world, async () => {
    const measured = await measureSessions(started, config, world);
    if (measured.failure !== null) return finish(measured, world, measured.failure, null);
    const { run, measurements } = measured;
    const comparison = compareWithBaseline(run, measurements, baseline, expected, config);
    await writeJson(join(measured.runDir, RUN_FILES.comparison), comparison);
    const shortfall = shortfallOf(run);
    const notes = shortfall === null ? [] : [shortfall];
    const verdict =
      baseline === null
        ? decideWithoutBaseline(comparison, expected, config, firstRecordCommand(run), notes)
        : decide(comparison, config, notes);
    return finish(measured, world, verdict, comparison);
  });
}

/** Measures and records: `vllm-gate record --scenario`. The verdict says whether there was something to record. */
export async function runAndRecord(
  config: GateConfig,
  world: Surroundings,
): Promise<RunResult & { readonly recorded: Recorded | null }> {
  const fingerprint = await identify(config);
  const path = join(config.baselineDir, baselinePath(config.scenario, fingerprint));
  // What cannot be read is not overwritten either: said before an hour is spent on measuring.
  const old = await readCheckedOut(resolve(world.cwd, path), await gitRoot(world.cwd));
  if (old !== null) parseBaseline(old, path, config.scenario);
  const started = await startRun(config, world, headPlan(config, config.recordSessions), fingerprint);
  let recorded: Recorded | null = null;
  const result = await reportAnyway(started, config, world, async () => {
    const measured = await measureSessions(started, config, world);
    if (measured.failure !== null) return finish(measured, world, measured.failure, null);
    const shortfall = shortfallOf(measured.run);
    if (shortfall !== null) {
      const reason = `${shortfall}; a baseline of fewer would be less sure than was asked for: raise the budget`;
      return finish(measured, world, decideNotRecorded(config.scenario, reason), null);
    }
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
    const close = () => state.close();
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
  const old = await readCheckedOut(file, await gitRoot(world.cwd));
  const before = old === null ? null : parseBaseline(old, path, baseline.scenario);
  await writeFileAtomic(file, formatBaseline(baseline));
  return { path, baseline, changes: baselineChanges(before, baseline) };
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

async function readBaseline(path: string, scenario: string, world: Surroundings): Promise<Baseline | null> {
  const { baseRevision, cwd } = world;
  const file = resolve(cwd, path);
  const text =
    baseRevision === undefined
      ? await readCheckedOut(file, await gitRoot(cwd))
      : await gitShow(cwd, baseRevision, `./${relative(cwd, file)}`);
  return text === null ? null : parseBaseline(text, path, scenario);
}

function compareWithBaseline(
  run: RunRecord,
  measurements: MeasurementsFile,
  baseline: Baseline | null,
  source: string,
  config: GateConfig,
): ComparisonFile {
  const head = runSide(run, measurements, "this run");
  const compared: ComparisonFile =
    baseline === null
      ? {
          schemaVersion: 1,
          scenario: run.scenario,
          baseSource: null,
          limits: [],
          comparisons: [],
          flags: [],
          fingerprint: [],
          taints: taintsOf(head),
        }
      : compareSides(run.scenario, knownBaselineSide(baseline, source), head, rulesOf(config));
  return { ...compared, limits: checkLimits(head.values, head.definitions, config.limits) };
}

function knownBaselineSide(baseline: Baseline, source: string): HeadSide {
  return baselineSide(baseline, source, definitionsOf(Object.keys(baseline.metrics)));
}

function rulesOf(config: Pick<GateConfig, "tolerances" | "levels">): MetricRules {
  return { tolerances: config.tolerances, levels: config.levels };
}

interface ReadSide {
  readonly side: HeadSide;
  readonly scenario: string;
  /** Which of its parts are baseline files. */
  readonly baselines: readonly { readonly path: string; readonly scenario: string }[];
}

/** One side of `compare`: run folders, or a baseline file. */
async function readSide(paths: readonly string[], label: string): Promise<ReadSide> {
  const sides = await Promise.all(
    paths.map(async (path) => {
      if (path.endsWith(".json")) {
        const text = await readTextIfExists(path);
        if (text === null) throw new UsageError(`${path}: no such file`);
        const baseline = parseJson(text, baselineSchema, path);
        return {
          path,
          isBaseline: true,
          side: knownBaselineSide(baseline, path),
          scenario: baseline.scenario,
        };
      }
      const { run, traces } = await readRunFolder(path);
      const side = runSide(run, measureRun(run, traces), path);
      return { path, isBaseline: false, side, scenario: run.scenario };
    }),
  );
  const [first, ...rest] = sides;
  if (first === undefined) throw new UsageError(`--${label} needs at least one run folder or baseline`);
  const merged = rest.reduce<HeadSide>((all, { side }) => mergeSides(all, side), first.side);
  const baselines = sides.filter((each) => each.isBaseline);
  return { side: merged, scenario: first.scenario, baselines };
}

/** Compares runs or a baseline with runs: `vllm-gate compare`. */
export async function compareRuns(
  basePaths: readonly string[],
  headPaths: readonly string[],
  config: Pick<
    GateConfig,
    "tolerances" | "levels" | "limits" | "onInconclusive" | "onInvalid" | "reportOnly"
  > | null,
): Promise<{ comparison: ComparisonFile; verdict: VerdictFile }> {
  const [base, head] = await Promise.all([readSide(basePaths, "base"), readSide(headPaths, "head")]);
  if (head.side.definitions.length === 0 || headPaths.some((path) => path.endsWith(".json"))) {
    throw new UsageError(
      `--head ${headPaths.join(" ")}: nothing measured there, expected run folders with traces`,
    );
  }
  for (const { path, scenario } of base.baselines) {
    if (scenario !== head.scenario) {
      throw new UsageError(
        `--base ${path}: a baseline of scenario "${scenario}", expected one of "${head.scenario}" as in ${headPaths[0]}`,
      );
    }
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
