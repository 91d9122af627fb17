import { c as warning, i as info, r as getState, t as error } from "./core.js";
import { C as readTextIfExists, E as writeJson, M as identify, O as endServer, T as writeFileAtomic, b as writeRun, h as readStateFile, t as renderComment, u as decideFailure, y as readRunFolder, z as RUN_FILES } from "./comment.js";
import { a as EXIT, i as messageOf } from "./errors.js";
import { join } from "node:path";
import { rm } from "node:fs/promises";

// src/cleanup.ts
/** An orderly end would take longer than a cancelled job has. */
const GRACE_MS = 5e3;
const KILL_MS = 1e4;
/**
* Ends what a killed gate left running and writes the verdict that it could not write. Does nothing when the run
* ended by itself.
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
	const survivors = [];
	for (const server of state.servers) {
		const { leader, marker } = server;
		const same = leader !== null && (await identify(leader.pid))?.startTicks === leader.startTicks;
		const ended = await endServer({
			marker,
			graceMs: GRACE_MS,
			killMs: KILL_MS,
			...same ? { pgid: leader.pid } : {}
		});
		survivors.push(...ended.survivors);
		log.step(`ended the server that a killed run left${ended.killed ? " (it needed KILL)" : ""}`);
	}
	if (await readTextIfExists(join(state.runDir, RUN_FILES.verdict)) === null) await writeVerdict(state.runDir, state.scenario, state.doing, survivors);
	if (survivors.length === 0) await rm(statePath, { force: true });
	else log.warn(`processes ${survivors.join(", ")} could not be ended`);
	return {
		wasKilled: true,
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
	const { run } = await readRunFolder(runDir);
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
	await writeJson(join(runDir, RUN_FILES.verdict), verdict);
}

// src/post.ts
try {
	const statePath = getState("state-file");
	if (statePath !== "") {
		const result = await cleanUp(statePath, {
			step: (line) => info(line),
			warn: (line) => warning(line)
		});
		if (result.wasKilled) warning(`The main step was killed; see ${result.runDir}/verdict.json`);
		if (result.survivors.length > 0) process.exitCode = 1;
	}
} catch (error$1) {
	error(`vllm-gate could not clean up: ${messageOf(error$1)}`);
	process.exitCode = 1;
}

export {  };