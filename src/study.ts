import { join, relative, resolve } from "node:path";
import { endServersOf } from "./cleanup.ts";
import type { GateConfig } from "./config/load.ts";
import { typed } from "./domain/command-line.ts";
import { UsageError } from "./domain/errors.ts";
import { RUN_FILES, type RunRecord } from "./domain/run.ts";
import { EXIT, type ExitCode, type VerdictFile } from "./domain/verdict.ts";
import { concludeMeasuring, identify, resumeRun, startRun } from "./measuring.ts";
import { suiteOfCells } from "./probe/cells.ts";
import type { RunPlan } from "./run-plan.ts";
import type { StudyFiles, StudyKind } from "./studies/study-kind.ts";
import { isSaid, machineDoubts, untrustedIn, withDoubts } from "./study-doubts.ts";
import { measureCells } from "./study-sessions.ts";
import type { Surroundings } from "./surroundings.ts";
import { readTextIfExists, writeFileAtomic } from "./system/files.ts";
import { readRunFolder } from "./system/run-folder.ts";
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
  const where = relative(world.cwd, runDir) || runDir;
  const refused = measured.failure?.cause === "failed_start" && isRefused(kind, run);
  const resume = refused ? null : resumeCommand(request.command, where);
  const stopped = measured.failure === null ? null : stoppedText(measured.failure, resume);
  try {
    if (
      measured.failure !== null &&
      stopped !== null &&
      !run.sessions.some((session) => session.outcome === "ok")
    ) {
      return { runDir, exitCode: exitOf(measured.failure, refused), summary: stopped };
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
    for (const { name, text } of report.files) {
      await files.write(name, name.endsWith(".md") ? withDoubts(text, doubts) : text);
    }
    await files.write(RUN_FILES.report, withDoubts(report.report, doubts));
    const unsaid = doubts.filter((doubt) => !isSaid(doubt, report.summary)).map((doubt) => `! ${doubt}\n`);
    const invalid = [...untrusted, ...(report.invalid ?? [])];
    const failed = stopped === null ? "" : `\n${stopped}`;
    return {
      runDir,
      exitCode:
        measured.failure !== null
          ? exitOf(measured.failure, refused)
          : invalid.length > 0
            ? EXIT.noVerdict
            : EXIT.pass,
      summary: `${report.summary}${unsaid.join("")}${failed}\nEverything is in ${where}; the page is ${join(where, RUN_FILES.report)}\n`,
    };
  } finally {
    await measured.close();
  }
}

/** Whether the last server would not start since the study's own options ask for what it cannot do. */
function isRefused<Options>({ isRefusal }: StudyKind<Options>, { sessions }: RunRecord): boolean {
  const last = sessions.at(-1);
  return last?.outcome === "failed_start" && last.cause !== undefined && isRefusal?.(last.cause) === true;
}

function exitOf(failure: VerdictFile, refused: boolean): ExitCode {
  return refused ? EXIT.usage : (failure.exitCode as ExitCode);
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

/**
 * How a study that did not end goes on: what was measured is kept.
 *
 * @param resume - the command; null where other options are needed, which make it another study
 */
function stoppedText({ cause, headline, nextAction }: VerdictFile, resume: string | null): string {
  const cancelled = cause === "cancelled";
  const goOn =
    `${cancelled ? "Go" : "Then go"} on with it, keeping the sessions that ended; the one that did not is measured ` +
    `again from its start: ${resume}`;
  return [headline, ...(cancelled ? [] : [nextAction]), ...(resume === null ? [] : [goOn]), ""].join("\n");
}

/** @param command - as it was typed */
function resumeCommand(command: string, runDir: string): string {
  return / --resume[ =]/.test(command) ? command : `${command} --resume ${typed([runDir])}`;
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
