import { a as error, c as info, d as setOutput, f as setSecret, h as summary, i as endGroup, l as notice, m as warning, n as runnerText, o as getInput, p as startGroup, r as readInputs, t as runnerLine, u as saveState } from "./runner-log.js";
import { a as subjectOf, i as repositoryOf, n as accessWith, o as workflowRunOf, r as serverUrlOf, s as context } from "./github-access.js";
import { a as parseAcceptance, i as writeHandoff, n as publishFailure, r as publishVerdict, t as acceptanceOf } from "./action-publication.js";
import { i as messageOf, r as UsageError, t as GateError } from "./errors.js";
import { t as EXIT } from "./verdict.js";
import { i as fitLength, n as MAX_COMMENT_LENGTH } from "./fit.js";
import { o as markerOf, r as encodeFooter } from "./marker.js";
import { a as acceptanceText, f as begin, i as targetOf, m as endCheck, n as keyOf, o as contentOf, p as beginOnlyCheck, s as failureContent, t as PUBLICATION_STATE, u as mergedContent } from "./action-target.js";
import { n as loginOf, r as putComment, t as findComments } from "./sticky-comment.js";
import { c as runFolders, d as readHostileRun, i as mergeRuns, n as cellsOf, o as readAll, s as readReported } from "./version.js";
import { H as secretsOf, _ as renderDrift, at as outliveReaders, g as spendNight, lt as loadConfig, n as failingKinds, ot as untilInterrupted, rt as runAudit, st as CONFIG_FILE, v as runAndRecord, y as runGate } from "./ledger-commands.js";
import { p as resolveBase, t as recordedParts } from "./recorded-text.js";
import { n as basicCredential, r as gitAuth } from "./git-auth.js";
import { C as STATE_NAME } from "./processes.js";
import { g as RUN_FILES } from "./rows.js";
import { n as proposedText, r as repositoryPath, t as proposeRecorded } from "./proposing.js";
import { randomUUID } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { realpathSync } from "node:fs";

// src/action-accept.ts
/** The pull request that an event may accept a loss of; null where it is about something else. */
function acceptedPullRequest(payload, label) {
	const { comment, issue, pull_request, label: given } = payload;
	if (issue !== void 0) {
		if (!(typeof comment?.body === "string" && parseAcceptance(comment.body) !== null) || issue.pull_request === void 0 || issue.pull_request === null) return null;
		return typeof issue.number === "number" ? issue.number : null;
	}
	if (given?.name !== label || label === null) return null;
	return typeof pull_request?.number === "number" ? pull_request.number : null;
}
/**
* Answers an acceptance: where it counts, the posted comment quotes it and the check of that commit stops blocking.
* Nothing is measured, and no baseline is changed.
*/
async function acceptVerdict(job) {
	const { payload, acceptLabel, repository, log, onProblem } = job;
	const number = acceptedPullRequest(payload, acceptLabel);
	if (number === null) {
		log.step("Nothing in this event accepts a verdict");
		return EXIT.pass;
	}
	const any = job.target({
		...repository,
		headSha: "",
		pullRequest: {
			number,
			isFork: false
		}
	});
	if (any === null) throw new UsageError("github-token: expected a token, without one nothing can be accepted");
	const { octokit, owner, repo } = any.github;
	const { data: pull } = await octokit.rest.pulls.get({
		owner,
		repo,
		pull_number: number
	});
	const headSha = pull.head.sha;
	const target = {
		...any,
		subject: {
			...any.subject,
			headSha
		}
	};
	const login = await loginOf(target.github);
	const [comment] = await findComments(target.github, number, target.key, login);
	const last = comment?.footer?.last ?? null;
	if (comment === void 0 || last === null || last.commit !== headSha || comment.footer?.measuring !== null) {
		log.warn(`No verdict of ${headSha}, the head of pull request #${number}, was posted yet: nothing is accepted`);
		return EXIT.pass;
	}
	if (!last.blocks) {
		log.step("The verdict does not block: there is nothing to accept");
		return EXIT.pass;
	}
	if (last.verdict === "failed") {
		log.warn("Nothing was measured, and that cannot be accepted: mend it and push again");
		return EXIT.pass;
	}
	const acceptance = await acceptanceOf({
		target,
		begun: {
			check: null,
			login,
			previous: last
		},
		acceptLabel,
		log,
		onProblem
	});
	if (acceptance === null) return EXIT.pass;
	const marker = markerOf(target.key);
	const text = acceptanceText(acceptance, headSha);
	const footer = encodeFooter({
		v: 1,
		measuring: null,
		last: {
			...last,
			blocks: false
		}
	});
	const written = comment.body.slice(marker.length, comment.body.lastIndexOf("<!-- vllm-gate-data ")).trim();
	const room = MAX_COMMENT_LENGTH - marker.length - footer.length - 4;
	const body = [
		marker,
		fitLength([{
			name: "acceptance",
			text
		}, {
			name: "verdict",
			text: written
		}], room, "the run's artifact"),
		footer
	].join("\n\n");
	await putComment(target.github, {
		pullNumber: number,
		key: target.key,
		login,
		body
	});
	const check = await beginOnlyCheck(target, onProblem);
	if (check !== null) {
		const result = {
			conclusion: "neutral",
			title: `Accepted by ${acceptance.by}: ${last.headline}`,
			summary: text,
			annotations: []
		};
		await endCheck(target, check, result, onProblem);
	}
	log.step(`Accepted by ${acceptance.by} for ${headSha}: ${acceptance.reason}`);
	return EXIT.pass;
}

// src/action-fork.ts
/**
* Posts what the job of a fork's pull request measured. Its artifact is a stranger's: what it says of itself is only
* believed where the event says the same, and its words are rendered anew by this job.
*
* @returns 0 when it was posted, 2 when something of it was refused
*/
async function publishFork(job) {
	const { log, onProblem, onRefusal, cwd } = job;
	const event = workflowRunOf(job.payload);
	const ownId = job.payload["repository"]?.id;
	if (event.event !== "pull_request") {
		log.step(`The measuring run was of a ${event.event}: its own job has posted what there is`);
		return EXIT.pass;
	}
	if (event.head_repository?.id === ownId) {
		log.step("The pull request is this repository's own: its own job has posted the verdict");
		return EXIT.pass;
	}
	const first = job.target({
		...job.repository,
		headSha: event.head_sha,
		pullRequest: null
	});
	if (first === null) throw new UsageError("github-token: expected a token, without one nothing can be posted");
	const numbers = await pullRequestsOf(first.github, event);
	if (numbers.length === 0) {
		log.step(`No open pull request has ${event.head_branch} of that fork as its head: there is nothing to post to`);
		return EXIT.pass;
	}
	const { runs, unread } = await readRuns(job, event, numbers);
	for (const { problem } of unread) onRefusal(problem);
	const number = runs[0]?.handoff?.pullRequest ?? numbers[0] ?? 0;
	const subject = {
		...job.repository,
		headSha: event.head_sha,
		pullRequest: {
			number,
			isFork: true
		}
	};
	const target = {
		...first,
		subject,
		runUrl: event.html_url ?? first.runUrl
	};
	job.onBegin(target);
	const login = await loginOf(target.github);
	const [comment] = await findComments(target.github, number, target.key, login);
	const publishing = {
		target,
		begun: {
			check: await beginOnlyCheck(target, onProblem),
			login,
			previous: comment?.footer?.last ?? null
		},
		acceptLabel: job.acceptLabel,
		log,
		onProblem
	};
	const { verdict, content } = resultOf(runs, unread, job, event);
	await publishVerdict(publishing, verdict, cwd, (circumstances) => {
		const made = content(circumstances);
		job.onContent(made);
		return made;
	});
	return unread.length > 0 ? EXIT.usage : EXIT.pass;
}
function resultOf(runs, unread, { cells, cwd }, event) {
	const [only] = runs;
	if (runs.length + unread.length + cells.length === 0) {
		const headline = `The measuring job ended as "${event.conclusion ?? "unknown"}" and handed on no run`;
		return {
			verdict: {
				exitCode: EXIT.notMeasured,
				verdict: "failed"
			},
			content: () => failureContent(headline, "See its log; nothing was measured.")
		};
	}
	if (runs.length === 1 && unread.length === 0 && cells.length === 0 && only !== void 0) return {
		verdict: only.verdict,
		content: (circumstances) => contentOf(only, circumstances)
	};
	const merged = mergeRuns(cellsOf(runs, unread, cells, cwd));
	return {
		verdict: merged.overall,
		content: (circumstances) => mergedContent(merged, circumstances)
	};
}
/**
* The open pull requests of the event's branch. The event's own list of them is empty for forks; the head's repository
* and branch are GitHub's word.
*/
async function pullRequestsOf({ octokit, owner, repo }, event) {
	const { head_repository: head, head_branch: branch } = event;
	if (head == null || branch == null) return [];
	return (await octokit.paginate(octokit.rest.pulls.list, {
		owner,
		repo,
		state: "open",
		head: `${head.owner.login}:${branch}`,
		per_page: 100
	})).filter((pull) => pull.head.repo?.id === head.id && pull.head.ref === branch).map((pull) => pull.number);
}
async function readRuns({ runs: names, cwd }, event, numbers) {
	const folders = await runFolders(names, cwd).catch((error) => {
		if (error instanceof UsageError) return [];
		throw error;
	});
	return readAll(folders, async (folder) => {
		const run = await readHostileRun(folder);
		const { handoff } = run;
		const refuse = (why) => {
			throw new UsageError(`${basename(folder).replace(/[^\w.-]/g, "?")}: ${why}: refused`);
		};
		if (handoff === null) return refuse("it does not say which pull request it is about");
		if (handoff.pullRequest === null || !numbers.includes(handoff.pullRequest)) return refuse(`it claims to be about ${handoff.pullRequest === null ? "no pull request" : `pull request #${handoff.pullRequest}`}, the event is about #${numbers.join(", #")}`);
		if (handoff.headSha !== event.head_sha) return refuse(`it claims to be about ${handoff.headSha}, the event is about ${event.head_sha}`);
		return run;
	});
}

// src/action-base.ts
/** Events that run on a branch which somebody with write access chose. */
const BRANCH_EVENTS = /* @__PURE__ */ new Set([
	"push",
	"schedule",
	"workflow_dispatch"
]);
const BRANCH = "refs/heads/";
/**
* The base of an event. What is checked out may be a pull request's, so it judges itself only where the event says
* that it is the default branch; a pull request and a merge group name their base; all else is judged by the default
* branch.
*/
function planBase(event) {
	const { name, ref, payload } = event;
	if (name === "pull_request" || name === "pull_request_target") {
		const base = field(field(payload, "pull_request"), "base");
		return baseAt(text(field(base, "ref")), text(field(base, "sha")));
	}
	if (name === "merge_group") {
		const group = field(payload, "merge_group");
		return baseAt(text(field(group, "base_ref")), text(field(group, "base_sha")));
	}
	const main = text(field(field(payload, "repository"), "default_branch"));
	if (main === null) return name === "schedule" ? { kind: "checkout" } : { kind: "unknown" };
	if (BRANCH_EVENTS.has(name) && ref === `${BRANCH}${main}`) return { kind: "checkout" };
	return baseAt(main, null);
}
/** Whether a job runs on the default branch, by the word of the event; a schedule does, whose payload may not name it. */
function isOnDefaultBranch(event) {
	return BRANCH_EVENTS.has(event.name) && planBase(event).kind === "checkout";
}
function baseAt(ref, sha) {
	if (ref === null) return { kind: "unknown" };
	return {
		kind: "base",
		branch: ref.startsWith(BRANCH) ? ref.slice(11) : ref,
		sha
	};
}
function field(value, key) {
	if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return void 0;
	return value[key];
}
function text(value) {
	return typeof value === "string" && value !== "" ? value : null;
}

// src/action-outputs.ts
/** The job's log, in which nothing that is printed can be taken for a command. */
const log = {
	step: (message) => info(runnerLine(message)),
	warn: (message) => warning(runnerText(message))
};
/** What could not be published is in the summary; the warning says which permission would have allowed it. */
const onProblem = (problem) => {
	warning(runnerText(`${problem}. The job's summary has the report.`), { title: "vllm-gate: not posted" });
};
/** What the `post` step has to end; null when nothing is open any more. */
function savePublication(state) {
	saveState(PUBLICATION_STATE, state === null ? "" : JSON.stringify(state));
}
/** Outputs and summary of a job that posted what another measured. */
async function tellPosted({ verdict, parts }) {
	const text = `${parts.map((part) => part.text).join("\n\n")}\n`;
	setOutput("verdict", verdict);
	setOutput("comment-body", text);
	await writeSummary(text);
}
/** Outputs, summary and a line in the log: after everything is posted, before the job ends. */
async function tell(verdict, comment, exitCode) {
	setOutput("verdict", verdict.verdict);
	setOutput("comment-body", comment);
	await writeSummary(comment);
	const line = `${verdict.headline.replace(/\.+$/, "")}. ${verdict.nextAction}`;
	const title = `vllm-gate: ${verdict.verdict}`;
	if (exitCode !== EXIT.pass) error(runnerText(line), { title });
	else if (verdict.verdict !== "pass") notice(runnerText(line), { title });
	else info(runnerLine(line));
}
/** The runner takes no more for one step's summary. */
const MAX_SUMMARY_BYTES = 1048576;
/** The verdict stands in the outputs: a summary that cannot be written changes nothing about it. */
async function writeSummary(comment) {
	const fits = Buffer.byteLength(comment) <= MAX_SUMMARY_BYTES;
	try {
		await summary.addRaw(fits ? comment : "The report is too long for a summary: see report.md in the run folder.\n").write();
	} catch (error) {
		warning(runnerLine(`The job's summary could not be written: ${messageOf(error)}`));
	}
}

// src/action-world.ts
const inputName = (key) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
/** The checkout, by its real path: as git names it. */
const workspace = () => realpathSync(resolve(process.env["GITHUB_WORKSPACE"] || "."));
/** The revision whose policy and baseline judge; undefined when that is the checkout itself. */
async function baseRevision(cwd, token) {
	const name = process.env["GITHUB_EVENT_NAME"] ?? "";
	const plan = planBase({
		name,
		ref: process.env["GITHUB_REF"] ?? "",
		payload: context.payload
	});
	if (plan.kind === "checkout") return void 0;
	if (plan.kind === "unknown") throw new UsageError(`The event ${JSON.stringify(name)} names neither a base branch nor the repository's default branch, whose policy and baseline judge: run this on pull_request, merge_group, push, schedule or workflow_dispatch.`);
	const auth = token === void 0 ? {} : gitAuth(serverUrlOf(process.env), token, process.env);
	const base = await resolveBase(cwd, plan, auth);
	if (base === null) throw new UsageError(`The base branch ${plan.branch} is not in this clone and could not be fetched. Its policy and baseline judge: check out with \`fetch-depth: 0\`, or before this step run \`git fetch --depth=1 origin ${plan.branch}:refs/remotes/origin/${plan.branch}\`.`);
	if (base.isStale) warning(runnerLine(`The base branch ${plan.branch} could not be fetched, so the copy in this clone judges, which may be old.`));
	return base.revision;
}
/** Configuration and surroundings of a run of this job. */
async function prepareRun(inputs, { headAlone } = { headAlone: true }, onRunFolder = () => {}) {
	const cwd = workspace();
	const revision = await baseRevision(cwd, inputs.token);
	const base = revision === void 0 ? {} : { baseRevision: revision };
	const config = await loadConfig({
		cwd,
		overrides: inputs.overrides,
		nameOverride: inputName,
		headAlone,
		...base,
		...inputs.config === void 0 ? {} : { configPath: inputs.config }
	});
	outliveReaders();
	const interruptions = untilInterrupted((signal) => info(runnerLine(`${signal}: ending the server`)));
	const statePath = join(process.env["RUNNER_TEMP"] ?? join(cwd, ".vllm-gate"), `vllm-gate-${randomUUID()}.json`);
	saveState(STATE_NAME, statePath);
	return {
		config,
		world: {
			cwd,
			environment: process.env,
			log,
			...interruptions,
			runsDir: join(cwd, "runs"),
			onRunFolder: (runDir) => {
				setOutput("run-path", runDir);
				onRunFolder(runDir);
			},
			statePath,
			...base
		}
	};
}
/** The branch that a job's results are for: the one that it runs on, a pull request's own base, else the default one. */
function branchOfEvent() {
	const ref = process.env["GITHUB_REF"] ?? "";
	if (ref.startsWith("refs/heads/")) return ref.slice(11);
	const plan = planBase({
		name: process.env["GITHUB_EVENT_NAME"] ?? "",
		ref,
		payload: context.payload
	});
	return plan.kind === "base" ? plan.branch : null;
}

// src/action-ledger.ts
/** Access with the job's token; null without one. */
function accessOf({ token }) {
	if (token === void 0) return null;
	return accessWith(token, repositoryOf(process.env, context.payload), process.env, log);
}
/** Measures a baseline and writes it; proposes it by a pull request where that is asked for. */
async function record(inputs) {
	const { extend, accept, reason, pullRequest } = inputs;
	if (extend !== void 0 && accept.length > 0) throw new UsageError("extend and accept: expected one of them, an extension accepts nothing");
	const access = pullRequest ? accessOf(inputs) : null;
	if (pullRequest && access === null) throw new UsageError("pull-request: expected a github-token, without one nothing can be proposed");
	const { config, world } = await prepareRun(inputs);
	if (access !== null) await repositoryPath(config.baselineDir, world.cwd);
	startGroup("Measuring");
	const result = await runAndRecord(config, world, {
		...extend === void 0 ? {} : { extendTo: extend === 0 ? 10 : extend },
		...accept.length === 0 ? {} : { accept },
		...reason === void 0 ? {} : { reason }
	}).finally(() => endGroup());
	setOutput("report-path", join(result.runDir, RUN_FILES.report));
	const { verdict, recorded } = result;
	if (recorded === null) {
		await tell(verdict, result.comment, verdict.exitCode);
		return verdict.exitCode;
	}
	const page = `${recordedParts(recorded).map(({ text }) => text).join("\n\n")}\n`;
	if (access === null) {
		await tell(verdict, page, verdict.exitCode);
		return verdict.exitCode;
	}
	try {
		const proposed = await proposeRecorded(recorded, world.cwd, access, branchOfEvent());
		setOutput("pull-request-url", proposed.url ?? "");
		log.step(proposedText(proposed));
		await tell(verdict, `${page}\n${proposedText(proposed)}\n`, verdict.exitCode);
		return verdict.exitCode;
	} catch (error) {
		await tell(verdict, page, verdict.exitCode);
		throw error;
	}
}
/**
* A night of the branch: measured, appended to its history, pushed, and told in an issue while it drifts. There is one
* issue for all branches, so it is the default branch's: another one's history says nothing of that.
*/
async function drift(inputs) {
	const name = process.env["GITHUB_EVENT_NAME"] ?? "";
	const ref = process.env["GITHUB_REF"] ?? "";
	if (!BRANCH_EVENTS.has(name)) throw new UsageError(`mode drift: got the event ${JSON.stringify(name)}, expected schedule, push or workflow_dispatch: a history is of a branch`);
	if (inputs.failOn.some((each) => each !== "drift" && each !== "any")) throw new UsageError(`fail-on: got ${inputs.failOn.join(", ")}, expected drift in mode drift`);
	const access = accessOf(inputs);
	if (access === null) log.step("No github-token: nothing is pushed with it, and no issue tells of drift");
	const tellsIssue = isOnDefaultBranch({
		name,
		ref,
		payload: context.payload
	});
	if (access !== null && !tellsIssue) log.step(`${runnerLine(ref)} is not the default branch: the issue about drift is left as it is`);
	const { config, world } = await prepareRun(inputs);
	const problems = [];
	startGroup("Measuring");
	const { run, drift: found } = await spendNight(config, world, {
		runs: [],
		keep: 400,
		push: inputs.push ? access?.auth ?? {} : null,
		tracker: tellsIssue ? access : null,
		onProblem: (problem) => {
			problems.push(problem);
			error(runnerText(problem), { title: "vllm-gate drift" });
		}
	}).finally(() => endGroup());
	if (run !== null) setOutput("report-path", join(run.runDir, RUN_FILES.report));
	if (found === null) {
		if (run !== null) await tell(run.verdict, run.comment, run.verdict.exitCode);
		return run?.verdict.exitCode ?? EXIT.notMeasured;
	}
	const page = renderDrift(found);
	setOutput("comment-body", page);
	setOutput("verdict", found.drifting ? "regressed" : "pass");
	await writeSummary(page);
	if (found.drifting) {
		warning(runnerLine(page.split("\n")[0] ?? ""), { title: "vllm-gate: drift" });
		if (inputs.failOn.length > 0) return EXIT.regressed;
	}
	return problems.length > 0 ? EXIT.notMeasured : EXIT.pass;
}
/** What the history of the baselines tells. */
async function audit(inputs) {
	const kinds = failingKinds(inputs.failOn);
	const { baselineDir } = inputs.overrides;
	const { audit: found, page } = await runAudit({
		cwd: workspace(),
		configPath: inputs.config ?? "vllm-gate.yml",
		...baselineDir === void 0 ? {} : { baselineDir },
		...inputs.since === void 0 ? {} : { since: inputs.since },
		now: /* @__PURE__ */ new Date()
	});
	const failing = found.findings.filter(({ kind }) => kinds.includes(kind));
	setOutput("comment-body", page);
	setOutput("verdict", failing.length > 0 ? "regressed" : "pass");
	await writeSummary(page);
	for (const { where, text } of failing) error(runnerText(text), { title: `vllm-gate audit: ${runnerLine(where)}` });
	return failing.length > 0 ? EXIT.regressed : EXIT.pass;
}

// src/action.ts
const MODE_RUNS = {
	gate: (inputs) => gate(inputs),
	record,
	drift,
	report: (inputs) => report(inputs),
	publish: (inputs) => publish(inputs),
	audit
};
async function run() {
	const inputs = readInputs(getInput);
	const { token = "" } = inputs;
	const basic = token === "" ? "" : basicCredential(token);
	for (const secret of [
		token,
		basic,
		...secretsOf(process.env)
	]) if (secret !== "") setSecret(secret);
	return MODE_RUNS[inputs.mode](inputs);
}
/** The publication of this job, begun; null where it posts nothing itself. */
async function beginPublishing(inputs, subject) {
	if (inputs.cell !== void 0) {
		log.step("One job of a matrix: the job that reports posts its verdict");
		return null;
	}
	if (subject.pullRequest?.isFork === true) {
		log.step("A pull request of a fork: its token may post nothing, so a `workflow_run` job posts the verdict");
		return null;
	}
	const key = keyOf(inputs);
	const externalId = randomUUID();
	const target = targetOf(inputs.token, {
		subject,
		key,
		externalId
	}, process.env, log);
	if (target === null) {
		log.step("No github-token: the verdict is in the job's summary alone");
		return null;
	}
	savePublication({
		subject,
		key,
		externalId
	});
	return {
		target,
		begun: await begin(target, onProblem),
		acceptLabel: inputs.acceptLabel,
		log,
		onProblem
	};
}
/** Posts with it, and posts the failure of what it is given. */
async function withPublishing(inputs, subject, work) {
	const publishing = await beginPublishing(inputs, subject);
	try {
		const code = await work(publishing);
		savePublication(null);
		return code;
	} catch (error) {
		if (publishing !== null) await publishFailure(publishing, error);
		savePublication(null);
		throw error;
	}
}
function gate(inputs) {
	const subject = subjectOf(process.env, context.payload);
	return withPublishing(inputs, subject, (publishing) => measure(inputs, {
		subject,
		publishing
	}));
}
/** Measures, and publishes what came of it. */
async function measure(inputs, { subject, publishing }) {
	let handedOn = Promise.resolve();
	const { config, world } = await prepareRun(inputs, { headAlone: false }, (runDir) => {
		handedOn = writeHandoff(runDir, subject, inputs.cell);
		handedOn.catch(() => {});
	});
	startGroup("Measuring");
	const result = await runGate(config, world).finally(() => endGroup());
	await handedOn;
	setOutput("report-path", join(result.runDir, RUN_FILES.report));
	setOutput("run-path", result.runDir);
	const exitCode = publishing === null ? result.verdict.exitCode : await publishRun(publishing, result).catch((error) => {
		onProblem(`the verdict could not be posted: ${messageOf(error)}`);
		return result.verdict.exitCode;
	});
	await tell(result.verdict, result.comment, exitCode);
	return exitCode;
}
async function publishRun(publishing, { runDir, verdict }) {
	const cwd = workspace();
	const reported = await readReported(runDir);
	return publishVerdict(publishing, verdict, cwd, (circumstances) => contentOf(reported, circumstances));
}
/** Many runs of a matrix as one comment. */
function report(inputs) {
	return withPublishing(inputs, subjectOf(process.env, context.payload), async (publishing) => {
		const cwd = workspace();
		const names = inputs.runs.length > 0 ? inputs.runs : ["runs/*"];
		const { runs, unread } = await readAll(await runFolders(names, cwd), readReported);
		for (const { folder, problem } of unread) log.warn(`${folder}: ${problem}`);
		const merged = mergeRuns(cellsOf(runs, unread, inputs.cells, cwd));
		const { overall, parts } = merged;
		const exitCode = publishing === null ? overall.exitCode : await publishVerdict(publishing, overall, cwd, (circumstances) => mergedContent(merged, circumstances));
		await tell(overall, `${parts.map(({ text }) => text).join("\n\n")}\n`, exitCode);
		return exitCode;
	});
}
/** Posts for jobs that may not: of forks, and of people who accept a verdict. */
async function publish(inputs) {
	const { payload } = context;
	const key = keyOf(inputs);
	const job = {
		payload,
		repository: repositoryOf(process.env, payload),
		acceptLabel: inputs.acceptLabel,
		target: (subject) => targetOf(inputs.token, {
			subject,
			key,
			externalId: randomUUID()
		}, process.env, log),
		log,
		onProblem
	};
	let problems = 0;
	let made = null;
	switch (process.env["GITHUB_EVENT_NAME"]) {
		case "workflow_run": {
			const posted = await publishFork({
				...job,
				onProblem: (problem) => {
					problems += 1;
					onProblem(problem);
				},
				onBegin: ({ subject, externalId }) => savePublication({
					subject,
					key,
					externalId
				}),
				onContent: (content) => {
					made = content;
				},
				cwd: workspace(),
				runs: inputs.runs.length > 0 ? inputs.runs : ["runs"],
				cells: inputs.cells,
				onRefusal: (line) => error(runnerText(line), { title: "vllm-gate: artifact refused" })
			});
			if (made !== null) await tellPosted(made);
			savePublication(null);
			return posted === EXIT.pass && problems > 0 ? EXIT.notMeasured : posted;
		}
		case "issue_comment":
		case "pull_request":
		case "pull_request_target": return acceptVerdict(job);
		default: throw new UsageError(`mode publish: got the event ${JSON.stringify(process.env["GITHUB_EVENT_NAME"] ?? "")}, expected workflow_run, issue_comment, or pull_request_target with the type labeled`);
	}
}
setOutput("verdict", "failed");
setOutput("comment-body", "");
setOutput("report-path", "");
setOutput("run-path", "");
setOutput("pull-request-url", "");
try {
	process.exitCode = await run();
} catch (error$1) {
	error(runnerText(messageOf(error$1)), { title: "vllm-gate" });
	process.exitCode = error$1 instanceof GateError ? error$1.exitCode : EXIT.notMeasured;
}

export {  };