import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FILES } from "./domain/run.ts";
import { EXIT } from "./domain/verdict.ts";
import { renderComment } from "./report/comment.ts";
import { readTextIfExists, writeFileAtomic, writeJson } from "./system/files.ts";
import type { Log } from "./system/log.ts";
import { Descendants, endServer, identify } from "./system/processes.ts";
import { readRunFolder, writeRun } from "./system/run-folder.ts";
import { readStateFile, type State } from "./system/state-file.ts";
import { decideFailure } from "./verdict/decide.ts";

/** An orderly end would take longer than a cancelled job has. */
const GRACE_MS = 5_000;
const KILL_MS = 10_000;

/** What {@link cleanUp} found and did. */
export interface CleanUp {
  /** False when the run had ended by itself, whether or not it left processes. */
  readonly wasKilled: boolean;
  readonly survivors: readonly number[];
  readonly runDir: string | null;
}

/**
 * Ends the servers that a state file names, as far as they are still there.
 *
 * @returns processes that could not be ended
 */
export async function endServersOf(state: Pick<State, "servers">, log: Log): Promise<number[]> {
  const survivors: number[] = [];
  for (const server of state.servers) {
    const { leader, marker, descendants = [] } = server;
    // The PID may be another process's by now: its start time tells.
    const same = leader !== null && (await identify(leader.pid))?.startTicks === leader.startTicks;
    // A group outlives its leader; with the leader gone, only the marker is sure.
    const ended = await endServer({
      marker,
      descendants: new Descendants(leader === null ? descendants : [leader, ...descendants]),
      graceMs: GRACE_MS,
      killMs: KILL_MS,
      ...(same ? { pgid: leader.pid } : {}),
    });
    survivors.push(...ended.survivors);
    log.step(`ended what was left of a server${ended.killed ? " (it needed KILL)" : ""}`);
  }
  return survivors;
}

/**
 * Ends what a killed gate left running and writes the verdict that it could not write. Does nothing when the run
 * ended by itself and left no server.
 *
 * @param statePath - the state file of that run
 */
export async function cleanUp(statePath: string, log: Log): Promise<CleanUp> {
  if ((await readTextIfExists(statePath)) === null) return { wasKilled: false, survivors: [], runDir: null };
  const state = await readStateFile(statePath);
  const survivors = await endServersOf(state, log);
  const runDirExists = await stat(state.runDir).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!runDirExists) log.warn(`${state.runDir}: no such run folder, so its verdict is written nowhere`);
  const wasKilled = runDirExists && (await readTextIfExists(join(state.runDir, RUN_FILES.verdict))) === null;
  if (wasKilled) await writeVerdict(state.runDir, state.scenario, state.doing, survivors);
  if (survivors.length === 0) await rm(statePath, { force: true });
  else log.warn(`processes ${survivors.join(", ")} could not be ended`);
  return { wasKilled, survivors, runDir: state.runDir };
}

async function writeVerdict(
  runDir: string,
  scenario: string,
  doing: string,
  survivors: readonly number[],
): Promise<void> {
  const left = survivors.length === 0 ? "no process is left" : `processes ${survivors.join(", ")} are left`;
  const verdict = decideFailure(
    scenario,
    "killed",
    {
      headline: `The run was killed while ${doing}; ${left}`,
      nextAction: "Run it again; nothing was decided.",
      reasons: [
        `vllm-gate ended without a word while ${doing}: the job was cancelled, or the machine killed it`,
      ],
    },
    { reportOnly: false, exitCode: EXIT.sigterm },
  );
  await writeJson(join(runDir, RUN_FILES.verdict), verdict);
  // What it had measured may be half written; the verdict does not need it.
  const run = await readRunFolder(runDir).then(
    (folder) => folder.run,
    () => null,
  );
  if (run === null) return;
  run.outcome = "cancelled";
  run.endedAt = new Date().toISOString();
  await writeRun(runDir, run);
  const comment = renderComment({
    verdict,
    run,
    measurements: null,
    comparison: null,
    runPath: runDir,
    acceptCommand: "",
  });
  await writeFileAtomic(join(runDir, RUN_FILES.report), comment);
}
