import { join, relative, resolve } from "node:path";
import { endServersOf } from "./cleanup.ts";
import type { GateConfig } from "./config/load.ts";
import { UsageError } from "./domain/errors.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord, type SessionRecord } from "./domain/run.ts";
import { EXIT, type ExitCode, type VerdictFile } from "./domain/verdict.ts";
import {
  concludeMeasuring,
  identify,
  mayGoOn,
  measureSession,
  type RunPlan,
  resumeRun,
  type StartedRun,
  type Surroundings,
  startRun,
} from "./measuring.ts";
import {
  type Cell,
  cellSeconds,
  estimateSeconds,
  FIRST_PACE,
  fitCells,
  type Pace,
  suiteOfCells,
} from "./probe/cells.ts";
import { plain } from "./report/markdown.ts";
import type { StudyFiles, StudyKind, StudyPlan } from "./studies/study-kind.ts";
import { readTextIfExists, writeFileAtomic } from "./system/files.ts";
import { readRunFolder, writeRun } from "./system/run-folder.ts";
import { readStateFile } from "./system/state-file.ts";

export interface StudyRequest {
  /** Run folder of a study that was interrupted. */
  readonly resume?: string;
  /** Minutes that it should take; cells that do not fit are left out. `budgetMinutes` of the configuration is the ceiling. */
  readonly budgetMinutes?: number;
  /** The command as it was typed, for the pages. */
  readonly command: string;
}

export interface StudyResult {
  readonly runDir: string;
  readonly exitCode: ExitCode;
  /** For the terminal. */
  readonly summary: string;
}

/**
 * Runs a study: says how long it will take, measures its sessions, writes its pages. One that was interrupted goes on
 * where it stopped.
 *
 * @throws UsageError for options that cannot be met, or a run folder that is no such study
 */
export async function runStudy<Options>(
  kind: StudyKind<Options>,
  options: Options,
  config: GateConfig,
  world: Surroundings,
  request: StudyRequest,
): Promise<StudyResult> {
  let runDir = request.resume === undefined ? null : resolve(world.cwd, request.resume);
  const files: StudyFiles = {
    read: async (name) => (runDir === null ? null : readTextIfExists(join(runDir, name))),
    write: async (name, text) => {
      if (runDir === null) throw new RangeError("the run folder does not exist yet");
      await writeFileAtomic(join(runDir, name), text);
    },
  };
  const study = await kind.plan(options, config, files, world);
  const plan: RunPlan = {
    variants: study.variants,
    order: study.order,
    rounds: study.rounds,
    suite: suiteOfCells(study.cells, study.cold),
    probes: study.cells.map((cell) => cell.name),
  };
  // A run that was killed may have left its server, which holds what the next one needs.
  if (runDir !== null) await endLeftovers(join(runDir, "state.json"), world);
  const started =
    runDir === null
      ? await startRun(config, world, plan, await identify(config, world))
      : await resumeRun(runDir, config, world, plan, (run) => checkResumable(run, kind.name, options));
  runDir = started.runDir;
  const { run } = started;
  run.study ??= { name: kind.name, options, dropped: [] };
  await measureCells(started, study, config, world, request);
  const measured = await concludeMeasuring(started, config, world);
  try {
    if (measured.failure !== null && !run.sessions.some((session) => session.outcome === "ok")) {
      return { runDir, exitCode: exitOf(measured.failure), summary: failureText(measured.failure) };
    }
    const { traces } = await readRunFolder(runDir);
    const folder = runDir;
    const untrusted = untrustedIn(run, measured.measurements);
    const doubts = [...untrusted, ...machineDoubts(run)];
    const report = await kind.report({
      options,
      run,
      traces,
      measurements: measured.measurements,
      doubts,
      command: request.command,
      files,
      serverLog: (session) => readTextIfExists(join(folder, "sessions", String(session), "server.log")),
    });
    for (const { name, text } of report.files) await files.write(name, text);
    await files.write(RUN_FILES.report, withDoubts(report.report, doubts));
    const unsaid = doubts.filter((doubt) => !report.summary.includes(doubt)).map((doubt) => `! ${doubt}\n`);
    const invalid = [...untrusted, ...(report.invalid ?? [])];
    const where = relative(world.cwd, runDir) || runDir;
    const failed = measured.failure === null ? "" : `\n${failureText(measured.failure)}`;
    return {
      runDir,
      exitCode:
        measured.failure !== null
          ? exitOf(measured.failure)
          : invalid.length > 0
            ? EXIT.noVerdict
            : EXIT.pass,
      summary: `${report.summary}${unsaid.join("")}${failed}\nEverything is in ${where}; the page is ${join(where, RUN_FILES.report)}\n`,
    };
  } finally {
    await measured.close();
  }
}

function exitOf(failure: VerdictFile): ExitCode {
  return failure.exitCode as ExitCode;
}

/** Why what was measured must not be trusted: what is no result ends as invalid. A busy machine is a doubt. */
function untrustedIn(run: RunRecord, measurements: MeasurementsFile): string[] {
  const ofMachine = new Set(
    run.sessions.flatMap(({ rounds = [], dirtyStart = [] }) => [
      ...dirtyStart,
      ...rounds.map(({ dirty }) => dirty.join("; ")),
    ]),
  );
  return [...new Set(measurements.taints.map(({ reason }) => reason))].filter(
    (reason) => !ofMachine.has(reason),
  );
}

/** A page that begins with what speaks against relying on it, where it does not say so itself. */
function withDoubts(page: string, doubts: readonly string[]): string {
  const unsaid = doubts.map(plain).filter((doubt) => !page.includes(doubt));
  if (unsaid.length === 0) return page;
  return `Before you rely on it:\n\n${unsaid.map((doubt) => `- ${doubt}`).join("\n")}\n\n${page}`;
}

function machineDoubts({ sessions }: RunRecord): string[] {
  const rounds = sessions.flatMap((session) => (session.outcome === "ok" ? (session.rounds ?? []) : []));
  const dirty = rounds.filter((round) => round.use !== "replaced" && round.dirty.length > 0);
  const [first] = dirty;
  return first === undefined
    ? []
    : [`The machine was not quiet in ${dirty.length} of ${rounds.length} rounds: ${first.dirty.join("; ")}`];
}

/** Ends the servers of a run that was killed. */
async function endLeftovers(statePath: string, { log }: Surroundings): Promise<void> {
  if ((await readTextIfExists(statePath)) === null) return;
  const survivors = await endServersOf(await readStateFile(statePath), log);
  if (survivors.length > 0) {
    throw new UsageError(
      `--resume: processes ${survivors.join(", ")} of the run that was killed could not be ended: end them by hand first`,
    );
  }
}

function failureText({ headline, nextAction }: VerdictFile): string {
  return `${headline}\n${nextAction}\n`;
}

function checkResumable(run: RunRecord, name: string, options: unknown): void {
  if (run.study?.name !== name) {
    throw new UsageError(
      `--resume: that run is ${run.study === undefined ? "no study" : `a study of ${run.study.name}`}, expected one of ${name}`,
    );
  }
  if (JSON.stringify(run.study.options) !== JSON.stringify(options)) {
    throw new UsageError(
      `--resume: that study was begun with other options (${JSON.stringify(run.study.options)}), got ${JSON.stringify(options)}`,
    );
  }
}

/** The sessions of the plan that are still to be measured: those that ended well are not repeated. */
function sessionsLeft(order: readonly string[], sessions: readonly SessionRecord[]): string[] {
  const left = [...order];
  for (const { variant, outcome } of sessions) {
    const at = outcome === "ok" ? left.indexOf(variant) : -1;
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

async function measureCells(
  started: StartedRun,
  study: StudyPlan,
  config: GateConfig,
  world: Surroundings,
  request: StudyRequest,
): Promise<void> {
  const { run, runDir, plan } = started;
  const { cells } = study;
  const beganMs = Date.now();
  const budgetS = (request.budgetMinutes ?? Number.POSITIVE_INFINITY) * 60;
  const alreadyDropped = new Set(run.study?.dropped.map(({ cell }) => cell));
  let kept = cells.filter((cell) => !alreadyDropped.has(cell.name));
  const left = sessionsLeft(plan.order, run.sessions);
  if (left.length < plan.order.length) {
    world.log.step(
      `resuming: ${plan.order.length - left.length} of ${plan.order.length} sessions are measured`,
    );
  }
  for (const [done, variant] of left.entries()) {
    const pace = paceOf(run, kept, plan.rounds);
    const remaining = { sessions: left.length - done, rounds: plan.rounds };
    const fitted = fitCells(kept, remaining, pace, budgetS - (Date.now() - beganMs) / 1000);
    if (fitted.kept.length === 0 && cells.length > 0) {
      if (done > 0) break;
      throw new UsageError(
        `--budget ${request.budgetMinutes}: no cell fits in it; ${remaining.sessions} server starts alone take about ` +
          `${minutesText(remaining.sessions * pace.sessionS)}`,
      );
    }
    kept = [...fitted.kept];
    for (const cell of fitted.dropped) {
      const reason = `left out: the study would not have fitted in ${request.budgetMinutes} min`;
      world.log.warn(`${cell.name}: ${reason}`);
      run.study?.dropped.push({ cell: cell.name, reason });
    }
    await writeRun(runDir, run);
    world.log.step(
      `${remaining.sessions} server start${remaining.sessions === 1 ? "" : "s"} and ${kept.length} cells each left: ` +
        `about ${minutesText(estimateSeconds(kept, remaining, pace))}`,
    );
    const suite = suiteOfCells(kept, study.cold);
    const place = { variant, index: run.sessions.length, isLast: remaining.sessions === 1 };
    const prepared = await study.prepare?.({ ...place, runDir: resolve(runDir) });
    const server = prepared === undefined ? {} : { server: prepared.server };
    const session = await measureSession(started, config, world, { variant, suite, ...server }).finally(() =>
      prepared?.undo?.(),
    );
    if (!mayGoOn(session)) break;
  }
}

/** The pace of the sessions that were measured, or a first guess. */
function paceOf(run: RunRecord, cells: readonly Cell[], rounds: number): Pace {
  const done = run.sessions.filter((session) => session.outcome === "ok");
  const last = done.at(-1);
  if (last === undefined) return FIRST_PACE;
  const sessionS = (last.readyS ?? FIRST_PACE.sessionS) + (last.disposal?.tookS ?? 0) + 2;
  const starts = (last.cases ?? []).map((each) => each.startS).filter((atS) => atS > 0);
  const endS = Math.max(...(last.cases ?? []).map((each) => each.endS));
  const guessedS = rounds * cells.reduce((sum, cell) => sum + cellSeconds(cell.work), 0);
  const factor =
    starts.length === 0 || guessedS === 0 ? 1 : (endS - (last.servingS ?? Math.min(...starts))) / guessedS;
  return { sessionS, factor: factor > 0 ? factor : 1 };
}

/** `95 s`, `12 min` */
export function minutesText(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
