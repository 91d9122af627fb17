import { a as error, c as info, m as warning, n as runnerText, o as getInput, r as readInputs, s as getState, t as runnerLine } from "./runner-log.js";
import { h as endDead, i as targetOf, l as lastWords, r as parsePublicationState, t as PUBLICATION_STATE } from "./action-target.js";
import { T as RUN_FILES } from "./sign.js";
import { o as EXIT } from "./operating.js";
import { c as readReported, o as partsOf, u as renderComment } from "./version.js";
import { d as writeJson, h as messageOf, s as readTextIfExists, u as writeFileAtomic } from "./files.js";
import { S as identify, c as readStateFile, f as readRunFolder, g as Descendants, h as writeRun, n as decideFailure, o as STATE_NAME, v as endServer } from "./decide.js";
import { join } from "node:path";
import { rm, stat } from "node:fs/promises";

// src/cleanup.ts
/** An orderly end would take longer than a cancelled job has. */
const GRACE_MS = 5e3;
const KILL_MS = 1e4;
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

// src/post.ts
const log = {
	step: (line) => info(runnerLine(line)),
	warn: (line) => warning(runnerLine(line))
};
/** Ends the processes and files of a main step that was killed. */
async function endRun() {
	const statePath = getState(STATE_NAME);
	if (statePath === "") return null;
	const result = await cleanUp(statePath, log);
	if (result.wasKilled) warning(`The main step was killed; see ${result.runDir}/verdict.json`);
	if (result.survivors.length > 0) process.exitCode = 1;
	return result;
}
/** Ends the check and the placeholder that a main step which was killed left open. */
async function endPublication(cleaned) {
	const saved = getState(PUBLICATION_STATE);
	if (saved === "") return;
	const target = targetOf(readInputs(getInput).token, parsePublicationState(saved), process.env, log);
	if (target === null) return;
	const report = cleaned?.runDir == null ? null : await readReported(cleaned.runDir).catch(() => null);
	const words = report === null ? lastWords("The job ended before it had a verdict", "Run it again; nothing was decided.", "cancelled") : {
		conclusion: report.verdict.conclusion,
		headline: report.verdict.headline,
		parts: partsOf(report, process.cwd())
	};
	await endDead(target, words, (problem) => warning(runnerText(problem)));
}
try {
	await endPublication(await endRun());
} catch (error$1) {
	error(runnerText(`vllm-gate could not clean up: ${messageOf(error$1)}`));
	process.exitCode = 1;
}

export {  };