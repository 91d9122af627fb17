import { g as RUN_FILES } from "./rows.js";
import { t as EXIT } from "./verdict.js";
import { l as renderComment } from "./version.js";
import { d as writeJson, s as readTextIfExists, u as writeFileAtomic } from "./files.js";
import { S as writeRun, T as readStateFile, l as decideFailure, r as endServer, s as identify, t as Descendants, y as readRunFolder } from "./processes.js";
import { join } from "node:path";
import { rm, stat } from "node:fs/promises";

// src/cleanup.ts
/** An orderly end would take longer than a cancelled job has. */
const GRACE_MS = 5e3;
const KILL_MS = 1e4;
/**
* Ends the servers that a state file names, as far as they are still there.
*
* @returns processes that could not be ended
*/
async function endServersOf(state, log) {
	const survivors = [];
	for (const server of state.servers) {
		const { leader, marker, descendants = [] } = server;
		const same = leader !== null && (await identify(leader.pid))?.startTicks === leader.startTicks;
		const ended = await endServer({
			marker,
			descendants: new Descendants(leader === null ? descendants : [leader, ...descendants]),
			graceMs: GRACE_MS,
			killMs: KILL_MS,
			...same ? { pgid: leader.pid } : {}
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
async function cleanUp(statePath, log) {
	if (await readTextIfExists(statePath) === null) return {
		wasKilled: false,
		survivors: [],
		runDir: null
	};
	const state = await readStateFile(statePath);
	const survivors = await endServersOf(state, log);
	const runDirExists = await stat(state.runDir).then((found) => found.isDirectory(), () => false);
	if (!runDirExists) log.warn(`${state.runDir}: no such run folder, so its verdict is written nowhere`);
	const wasKilled = runDirExists && await readTextIfExists(join(state.runDir, RUN_FILES.verdict)) === null;
	if (wasKilled) await writeVerdict(state.runDir, state.scenario, state.doing, survivors);
	if (survivors.length === 0) await rm(statePath, { force: true });
	else log.warn(`processes ${survivors.join(", ")} could not be ended`);
	return {
		wasKilled,
		survivors,
		runDir: state.runDir
	};
}
async function writeVerdict(runDir, scenario, doing, survivors) {
	const left = survivors.length === 0 ? "no process is left" : `processes ${survivors.join(", ")} are left`;
	const verdict = decideFailure(scenario, "killed", {
		headline: `The run was killed while ${doing}; ${left}`,
		nextAction: "Run it again; nothing was decided.",
		reasons: [`vllm-gate ended without a word while ${doing}: the job was cancelled, or the machine killed it`]
	}, {
		reportOnly: false,
		exitCode: EXIT.sigterm
	});
	await writeJson(join(runDir, RUN_FILES.verdict), verdict);
	const run = await readRunFolder(runDir).then((folder) => folder.run, () => null);
	if (run === null) return;
	run.outcome = "cancelled";
	run.endedAt = (/* @__PURE__ */ new Date()).toISOString();
	await writeRun(runDir, run);
	const comment = renderComment({
		verdict,
		run,
		measurements: null,
		comparison: null,
		runPath: runDir,
		acceptCommand: ""
	});
	await writeFileAtomic(join(runDir, RUN_FILES.report), comment);
}

export { endServersOf as n, cleanUp as t };