import { a as error, c as info, m as warning, n as runnerText, o as getInput, r as readInputs, s as getState, t as runnerLine } from "./runner-log.js";
import { h as endDead, i as targetOf, l as lastWords, r as parsePublicationState, t as PUBLICATION_STATE } from "./action-target.js";
import { t as cleanUp } from "./cleanup.js";
import { i as messageOf } from "./errors.js";
import { a as partsOf, s as readReported } from "./version.js";
import { C as STATE_NAME } from "./processes.js";

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