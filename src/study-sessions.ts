import { resolve } from "node:path";
import type { GateConfig } from "./config/load.ts";
import { UsageError } from "./domain/errors.ts";
import type { RunRecord } from "./domain/run.ts";
import { mayGoOn, measureSession, type StartedRun } from "./measuring.ts";
import {
  type Cell,
  cellSeconds,
  estimateSeconds,
  FIRST_PACE,
  fitCells,
  type Pace,
  suiteOfCells,
} from "./probe/cells.ts";
import type { StudyPlan } from "./studies/study-kind.ts";
import type { Surroundings } from "./surroundings.ts";
import { writeRun } from "./system/run-folder.ts";

/** The sessions of the plan that are still to be measured: those that ended well, or were left out, are not repeated. */
function sessionsLeft(order: readonly string[], { sessions, study }: RunRecord): string[] {
  const left = [...order];
  const remove = (at: number) => {
    if (at >= 0) left.splice(at, 1);
  };
  for (const { variant } of study?.dropped ?? []) {
    if (variant !== undefined) remove(left.lastIndexOf(variant));
  }
  for (const { variant, outcome } of sessions) {
    if (outcome === "ok") remove(left.indexOf(variant));
  }
  return left;
}

/**
 * Measures the sessions of a study: says first how long what is left will take, and leaves out what does not fit in the
 * budget, server starts that the study can spare before cells.
 *
 * @throws UsageError when not even one cell fits
 */
export async function measureCells(
  started: StartedRun,
  study: StudyPlan,
  config: GateConfig,
  world: Surroundings,
  { budgetMinutes }: { readonly budgetMinutes?: number },
): Promise<void> {
  const { run, runDir, plan } = started;
  const { cells } = study;
  const beganMs = Date.now();
  const budgetS = (budgetMinutes ?? Number.POSITIVE_INFINITY) * 60;
  const alreadyDropped = new Set(run.study?.dropped.map(({ cell }) => cell));
  let kept = cells.filter((cell) => !alreadyDropped.has(cell.name));
  let left = sessionsLeft(plan.order, run);
  started.progress.expect(left);
  if (left.length < plan.order.length) {
    world.log.step(
      `resuming: ${left.length} of ${plan.order.length} sessions are left, the others were measured or left out`,
    );
  }
  if (run.sessions.some(({ outcome }) => outcome !== "ok") && left.length > 0) {
    world.log.step("a session that did not end well is measured again from its start");
  }
  const drop = (cell: string, variant?: string) => {
    const reason = `left out: the study would not have fitted in ${budgetMinutes} min`;
    world.log.warn(`${cell}: ${reason}`);
    run.study?.dropped.push({ cell, reason, ...(variant === undefined ? {} : { variant }) });
  };
  const dropSessions = (places: readonly number[]) => {
    for (const place of places) {
      const variant = left[place] ?? "";
      drop(study.sessionName?.(variant) ?? `a server start of ${variant}`, variant);
    }
    left = left.filter((_, place) => !places.includes(place));
    started.progress.expect(left);
  };
  for (let done = 0; left.length > 0; done += 1) {
    const pace = paceOf(run, kept, plan.rounds);
    const leftS = budgetS - (Date.now() - beganMs) / 1000;
    const measured = run.sessions.filter(({ outcome }) => outcome === "ok").map(({ variant }) => variant);
    while (estimateSeconds(kept, { sessions: left.length, rounds: plan.rounds }, pace) > leftS) {
      const places = study.spare?.(left, measured) ?? [];
      if (places.length === 0) break;
      dropSessions(places);
    }
    const [variant] = left;
    if (variant === undefined) break;
    const remaining = { sessions: left.length, rounds: plan.rounds };
    const fitted = fitCells(kept, remaining, pace, leftS);
    if (fitted.kept.length === 0 && cells.length > 0) {
      if (done > 0) {
        dropSessions(left.map((_, place) => place));
        break;
      }
      throw new UsageError(
        `--budget ${budgetMinutes}: no cell fits in it; ${remaining.sessions} server starts alone take about ` +
          `${minutesText(remaining.sessions * pace.sessionS)}`,
      );
    }
    kept = [...fitted.kept];
    for (const cell of fitted.dropped) drop(cell.name);
    await writeRun(runDir, run);
    world.log.step(
      `${remaining.sessions} server start${remaining.sessions === 1 ? "" : "s"} and ${kept.length} cell${kept.length === 1 ? "" : "s"} each left: ` +
        `about ${minutesText(estimateSeconds(kept, remaining, pace))}`,
    );
    const suite = suiteOfCells(kept, study.cold);
    const place = { variant, index: run.sessions.length };
    const prepared = await study.prepare?.({ ...place, runDir: resolve(runDir) });
    const server = prepared === undefined ? {} : { server: prepared.server };
    const session = await measureSession(started, config, world, { variant, suite, ...server }).finally(() =>
      prepared?.undo?.(),
    );
    if (!mayGoOn(session)) return;
    left = left.slice(1);
  }
  await writeRun(runDir, run);
  await study.finish?.(resolve(runDir));
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
function minutesText(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
