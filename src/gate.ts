import { join, relative, resolve } from "node:path";
import { median } from "simple-statistics";
import { baselineNotes } from "./ageing.ts";
import { baselinePath } from "./baseline/baseline-path.ts";
import { parseBaseline } from "./baseline/baseline-text.ts";
import { judgeByBothCopies } from "./both-copies.ts";
import { noisePath } from "./calibrating.ts";
import { compareSides, taintsOf } from "./compare/compare.ts";
import { diffServers } from "./compare/flags.ts";
import { withLimits } from "./compare/limits.ts";
import { besideSide, runSide } from "./compare/sides.ts";
import { knownBaselineSide, rulesOf } from "./comparing.ts";
import type { GateConfig } from "./config/load.ts";
import type { Baseline } from "./domain/baseline.ts";
import { firstRecordCommand } from "./domain/command-line.ts";
import type { ComparisonFile } from "./domain/comparison.ts";
import { messageOf, UsageError } from "./domain/errors.ts";
import type { HistoryFile } from "./domain/history.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { countMeasured, RUN_FILES, type RunRecord, shortfallOf } from "./domain/run.ts";
import type { VerdictFile } from "./domain/verdict.ts";
import { appendAndFindDrift, type DriftResult } from "./drift.ts";
import { writeHtmlReport } from "./html-report.ts";
import { type Noise, readBaseline, readNoise } from "./judging-files.ts";
import { firstOrder, measureInLooks, serverOfBaseline } from "./looks.ts";
import {
  type Finishable,
  identify,
  type Measured,
  measureSessions,
  probeSuiteOf,
  type StartedRun,
  startRun,
} from "./measuring.ts";
import { type Recorded, type RecordOptions, recordRuns } from "./recording.ts";
import { renderComment } from "./report/comment.ts";
import { writeHistory } from "./report-history.ts";
import { headPlan, type RunPlan } from "./run-plan.ts";
import type { Surroundings } from "./surroundings.ts";
import { readCheckedOut, writeFileAtomic, writeJson } from "./system/files.ts";
import { gitRoot } from "./system/git.ts";
import { secretsOf } from "./system/redact.ts";
import { writeRun } from "./system/run-folder.ts";
import {
  decide,
  decideFailure,
  decideNotRecorded,
  decideRecorded,
  decideWithoutBaseline,
} from "./verdict/decide.ts";
import { withoutLoneConvictions } from "./verdict/next-look.ts";

/** What a run left. */
export interface RunResult {
  readonly runDir: string;
  readonly verdict: VerdictFile;
  readonly comment: string;
}

/** Serves, probes, measures, compares with the baseline and reports: `vllm-gate run`. */
export async function runGate(config: GateConfig, world: Surroundings): Promise<RunResult> {
  const fingerprint = await identify(config, world);
  const expected = join(config.baselineDir, baselinePath(config.scenario, fingerprint));
  // Before anything is measured: minutes on a GPU are lost on a baseline that nobody can read.
  const baseline = config.base === null ? await readBaseline(expected, config.scenario, world) : null;
  const noise = await readNoise(noisePath(expected), config.scenario, fingerprint, world);
  const base =
    config.base ??
    (baseline === null ? null : serverOfBaseline(config, baseline, secretsOf(world.environment)));
  const plan: RunPlan = {
    ...headPlan(config, config.sessions),
    variants: { head: config.server, ...(base === null ? {} : { base }) },
    order: firstOrder(config),
  };
  const started = await startRun(config, world, plan, fingerprint);
  const startS = startSecondsOf(baseline);
  if (startS !== null) started.progress.expectStart(startS);
  return reportAnyway(started, config, world, async () => {
    const compare = (run: RunRecord, measurements: MeasurementsFile) =>
      config.base === null
        ? compareWithBaseline(run, measurements, { baseline, source: expected, noise }, config)
        : compareBesides(run, measurements, noise, config);
    const measured = await measureInLooks(started, config, world, {
      compare,
      base: (run) =>
        config.base !== null
          ? "interleaved"
          : base !== null && isSameVersion(run, baseline)
            ? "confirmable"
            : "stored",
    });
    if (measured.failure !== null) return finish(measured, world, measured.failure, null);
    const { run, measurements } = measured;
    const compared = withoutLoneConvictions(compare(run, measurements), config.maxSessions);
    const shortfall = shortfallOf(run);
    const path = baselinePath(config.scenario, fingerprint);
    const notes = [
      ...config.notes,
      ...(shortfall === null ? [] : [shortfall]),
      ...(baseline === null ? [] : await baselineNotes({ baseline, path }, run, compared, config, world)),
    ];
    const decideBy = (comparison: ComparisonFile, rules: GateConfig, source: string) =>
      comparison.baseSource === null
        ? decideWithoutBaseline(comparison, source, rules, firstRecordCommand(run), notes)
        : decide(comparison, rules, notes);
    const verdict = decideBy(compared, config, expected);
    const copies = await judgeByBothCopies(
      { comparison: compared, verdict },
      config,
      world,
      async (rules) => {
        const comparison = withoutLoneConvictions(
          await compareByOwn(measured, rules, path, world),
          config.maxSessions,
        );
        return { comparison, verdict: decideBy(comparison, rules, join(rules.baselineDir, path)) };
      },
    );
    const comparison = copies === undefined ? compared : { ...compared, bothCopies: copies };
    await writeJson(join(measured.runDir, RUN_FILES.comparison), comparison);
    const place = { cwd: world.cwd, baselineDir: config.baselineDir, log: world.log };
    const history = await writeHistory(measured.runDir, run, comparison, place);
    return finish(measured, world, verdict, comparison, history);
  });
}

/** The comparison by the copies of baseline and noise that are checked out, where the base branch's judge. */
async function compareByOwn(
  { run, measurements }: Measured,
  rules: GateConfig,
  path: string,
  { baseRevision: _, ...world }: Surroundings,
): Promise<ComparisonFile> {
  const source = join(rules.baselineDir, path);
  const noise = await readNoise(noisePath(source), rules.scenario, run.fingerprint, world);
  if (rules.base !== null) return compareBesides(run, measurements, noise, rules);
  const baseline = await readBaseline(source, rules.scenario, world);
  return compareWithBaseline(run, measurements, { baseline, source, noise }, rules);
}

/** How long the baseline's servers took to start, in seconds: what the first one here is expected to take. */
function startSecondsOf(baseline: Baseline | null): number | null {
  const sessions = baseline?.metrics["startup.ready_s"]?.sessions ?? [];
  return sessions.flat().length === 0 ? null : median(sessions.flat());
}

/** Another version of vLLM beside head's would tell nothing about what the baseline was made of. */
function isSameVersion(run: RunRecord, baseline: Baseline | null): boolean {
  const head = run.sessions.find(({ variant, outcome }) => variant === "head" && outcome === "ok");
  return head?.vllmVersion === baseline?.vllmVersion;
}

/** Measures and records: `vllm-gate record --scenario`. The verdict says whether there was something to record. */
export async function runAndRecord(
  config: GateConfig,
  world: Surroundings,
  options: RecordOptions = {},
): Promise<RunResult & { readonly recorded: Recorded | null }> {
  const fingerprint = await identify(config, world);
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
    const outcome = await recordRuns([started.runDir], config.baselineDir, world, options).catch(
      (error: unknown) => {
        if (error instanceof UsageError) return error;
        throw error;
      },
    );
    if (outcome instanceof UsageError) {
      return finish(measured, world, decideNotRecorded(config.scenario, outcome.message), null);
    }
    recorded = outcome;
    return finish(measured, world, decideRecorded(config.scenario, outcome.path), null);
  });
  return { ...result, recorded };
}

/** Measures a night and appends it to its machine's history: `vllm-gate drift`. */
export async function runNight(
  config: GateConfig,
  world: Surroundings,
  keep: number,
): Promise<RunResult & { readonly night: DriftResult | null }> {
  const fingerprint = await identify(config, world);
  const started = await startRun(config, world, headPlan(config, config.sessions), fingerprint);
  let night: DriftResult | null = null;
  const result = await reportAnyway(started, config, world, async () => {
    const measured = await measureSessions(started, config, world);
    if (measured.failure !== null) return finish(measured, world, measured.failure, null);
    const { cwd } = world;
    const { baselineDir } = config;
    const request = { cwd, runs: [started.runDir], baselineDir, keep, rules: config };
    const outcome = await appendAndFindDrift(request).catch((error: unknown) => {
      if (error instanceof UsageError) return error;
      throw error;
    });
    if (outcome instanceof UsageError) {
      return finish(measured, world, decideNotRecorded(config.scenario, outcome.message), null);
    }
    night = outcome;
    const next = "Push it, so that the next night finds it.";
    return finish(measured, world, decideRecorded(config.scenario, outcome.drift.history, next), null);
  });
  return { ...result, night };
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
    world.log.follow?.(null);
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

async function finish(
  measured: Finishable,
  world: Surroundings,
  verdict: VerdictFile,
  comparison: ComparisonFile | null,
  history: HistoryFile | null = null,
): Promise<RunResult> {
  const { runDir, run, measurements } = measured;
  const runPath = relative(world.cwd, runDir) || runDir;
  const acceptCommand = `vllm-gate record ${runPath}`;
  const input = { verdict, run, measurements, comparison, history, runPath, acceptCommand };
  const comment = renderComment(input);
  await writeFileAtomic(join(runDir, RUN_FILES.report), comment);
  await writeJson(join(runDir, RUN_FILES.verdict), verdict);
  await writeHtmlReport(runDir, input, world.log);
  await measured.close();
  return { runDir, verdict, comment };
}

function compareWithBaseline(
  run: RunRecord,
  measurements: MeasurementsFile,
  { baseline, source, noise }: { baseline: Baseline | null; source: string; noise: Noise },
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
      : compareSides(run.scenario, knownBaselineSide(baseline, source), head, rulesOf(config), {
          noise,
          fresh: countMeasured(run, "base") > 0 ? besideSide(run, measurements) : undefined,
        });
  return withLimits(compared, head, config.limits);
}

/** Head against the base that was measured in turn with it. */
function compareBesides(
  run: RunRecord,
  measurements: MeasurementsFile,
  noise: Noise,
  config: GateConfig,
): ComparisonFile {
  const head = runSide(run, measurements, "this run");
  const measured = runSide(run, measurements, "the base, measured beside it", "base");
  const { base: other, head: own } = run.variants;
  // One machine, and yet not the same question: another model, or probes that this change made to suit itself.
  const fingerprint = {
    ...run.fingerprint,
    ...(other?.model === undefined ? {} : { model: other.model }),
    ...(config.baseProbes === null
      ? {}
      : { probeSuite: probeSuiteOf({ ...config, probes: config.baseProbes }) }),
  };
  const base = { ...measured, fingerprints: [fingerprint] };
  const compared = compareSides(run.scenario, base, head, rulesOf(config), { noise, interleaved: true });
  const servers = other === undefined || own === undefined ? [] : diffServers(other, own);
  return withLimits({ ...compared, flags: [...compared.flags, ...servers] }, head, config.limits);
}
