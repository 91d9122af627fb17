import { n as accessWith } from "./github-access.js";
import { S as string, m as boolean, t as EXIT, v as number, y as object } from "./verdict.js";
import { o as markerOf, r as encodeFooter, t as cleanKey } from "./marker.js";
import { a as explain, i as fitLength, n as MAX_COMMENT_LENGTH, o as statusOf, r as fitBytes, t as MAX_CHECK_BYTES } from "./fit.js";
import { h as formatValue, l as formatChange } from "./rows.js";
import { a as partsOf, t as TOOL_VERSION } from "./version.js";
import { n as checkJson } from "./files.js";
import { n as loginOf, r as putComment, t as findComments } from "./sticky-comment.js";
import { a as plain, o as table, t as code } from "./markdown.js";

// src/publish/changed-lines.ts
/** GitHub lists no more files of a pull request; a patch of a large file is left out. */
const MAX_FILES = 300;
/** The lines that a pull request adds, of the files whose patch GitHub shows. */
async function addedLines(github, pullNumber) {
	const { octokit, owner, repo } = github;
	let seen = 0;
	return (await octokit.paginate(octokit.rest.pulls.listFiles, {
		owner,
		repo,
		pull_number: pullNumber,
		per_page: 100
	}, (response, done) => {
		seen += response.data.length;
		if (seen >= MAX_FILES) done();
		return response.data;
	})).flatMap(({ filename, patch }) => parsePatch(patch ?? "").map((each) => ({
		path: filename,
		...each
	})));
}
/** The added lines of a unified diff's hunks. */
function parsePatch(patch) {
	const found = [];
	let line = 0;
	for (const row of patch.split("\n")) {
		const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(row);
		if (hunk !== null) line = Number(hunk[1]);
		else if (row.startsWith("+")) found.push({
			line: line++,
			text: row.slice(1)
		});
		else if (!row.startsWith("-") && !row.startsWith("\\")) line += 1;
	}
	return found;
}
/**
* The added line that names a flag; in a file of flags rather than in one that talks about them.
*
* @param flag - `--max-num-seqs`
*/
function lineOf(flag, lines) {
	const escaped = flag.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/[-_]/g, "[-_]");
	const pattern = new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`);
	const named = lines.filter(({ text }) => pattern.test(text));
	const isProse = ({ path }) => /\.(md|rst|txt|adoc)$/i.test(path);
	return named.find((each) => !isProse(each)) ?? named[0] ?? null;
}

// src/publish/check.ts
/** GitHub takes no more annotations in one request. */
const ANNOTATIONS_PER_REQUEST = 50;
/** A flag moves one line; more would bury it. */
const MAX_ANNOTATIONS = 100;
const MAX_TITLE_LENGTH = 255;
/** GitHub takes no longer description of a commit status. */
const MAX_DESCRIPTION_LENGTH = 140;
/** A commit status knows four states; only `failure` blocks, `pending` waits. */
const STATES = {
	success: "success",
	neutral: "success",
	failure: "failure",
	action_required: "failure",
	cancelled: "error"
};
/**
* Begins a check in progress; a pending commit status where the token or the forge has no checks.
*
* @throws what GitHub says when neither is allowed
*/
async function beginCheck(github, request) {
	const { octokit, owner, repo } = github;
	const { name, headSha, externalId, detailsUrl } = request;
	try {
		const { data } = await octokit.rest.checks.create({
			owner,
			repo,
			name,
			head_sha: headSha,
			external_id: externalId,
			details_url: detailsUrl,
			status: "in_progress",
			started_at: github.now().toISOString(),
			output: {
				title: "Measuring",
				summary: "The server is being measured."
			}
		});
		return {
			kind: "check",
			id: data.id,
			name,
			headSha
		};
	} catch (error) {
		if (!isRefusal(error)) throw error;
		await octokit.rest.repos.createCommitStatus({
			owner,
			repo,
			sha: headSha,
			context: name,
			state: "pending",
			description: "Measuring",
			target_url: detailsUrl
		}).catch((second) => {
			throw isRefusal(second) ? error : second;
		});
		return {
			kind: "status",
			id: null,
			name,
			headSha
		};
	}
}
/** No permission, or a forge without checks. */
function isRefusal(error) {
	const status = statusOf(error);
	return status === 403 || status === 404 || status === 405 || status === 501;
}
/** Ends a check with its conclusion, what to know about it, and annotations. */
async function completeCheck(github, check, result, detailsUrl) {
	const { octokit, owner, repo } = github;
	const title = result.title.slice(0, MAX_TITLE_LENGTH);
	if (check.id === null) {
		await octokit.rest.repos.createCommitStatus({
			owner,
			repo,
			sha: check.headSha,
			context: check.name,
			state: STATES[result.conclusion],
			description: title.slice(0, MAX_DESCRIPTION_LENGTH),
			target_url: detailsUrl
		});
		return;
	}
	const summary = fitBytes(result.summary, MAX_CHECK_BYTES);
	const annotations = result.annotations.slice(0, MAX_ANNOTATIONS).map((each) => ({
		path: each.path,
		start_line: each.line,
		end_line: each.line,
		annotation_level: each.level,
		title: each.title.slice(0, MAX_TITLE_LENGTH),
		message: each.message
	}));
	const update = (more, slice) => octokit.rest.checks.update({
		owner,
		repo,
		check_run_id: check.id ?? 0,
		...more,
		output: {
			title,
			summary,
			...slice.length > 0 ? { annotations: slice } : {}
		}
	});
	await update({
		status: "completed",
		conclusion: result.conclusion,
		completed_at: github.now().toISOString()
	}, annotations.slice(0, ANNOTATIONS_PER_REQUEST));
	for (let at = ANNOTATIONS_PER_REQUEST; at < annotations.length; at += ANNOTATIONS_PER_REQUEST) await update({}, annotations.slice(at, at + ANNOTATIONS_PER_REQUEST));
}
/** Checks of that name and id on a commit that were begun and not ended. */
async function findOpenChecks(github, request) {
	const { octokit, owner, repo } = github;
	return (await octokit.paginate(octokit.rest.checks.listForRef, {
		owner,
		repo,
		ref: request.headSha,
		check_name: request.name,
		filter: "all",
		per_page: 100
	})).filter((each) => each.external_id === request.externalId && each.status !== "completed").map((each) => ({
		kind: "check",
		id: each.id,
		name: request.name,
		headSha: request.headSha
	}));
}

// src/publish/publication.ts
const PERMISSIONS = {
	comment: "pull-requests: write",
	check: "checks: write",
	read: "pull-requests: read"
};
const SHORT = 10;
const MAX_HEADLINE_LENGTH = 1e3;
/** A footer that tells more would crowd out what people read. */
const MAX_FOOTER_METRICS = 150;
/** Posts the check and the placeholder. Whatever is refused is told to `onProblem`: nothing here stops a measurement. */
async function begin(target, onProblem) {
	const check = await beginOnlyCheck(target, onProblem);
	const { pullRequest, headSha } = target.subject;
	if (pullRequest === null) return {
		check,
		login: null,
		previous: null
	};
	try {
		const login = await loginOf(target.github);
		const [existing] = await findComments(target.github, pullRequest.number, target.key, login);
		const previous = existing?.footer?.last ?? null;
		const body = frame(target, [
			"### ⏳ measuring · vllm-gate",
			`Commit \`${headSha.slice(0, SHORT)}\` is being measured: [the run](${target.runUrl}).`,
			...previous === null ? [] : [`_The last verdict, of \`${previous.commit.slice(0, SHORT)}\`: ${previous.verdict}._`]
		].join("\n\n"), {
			v: 1,
			measuring: headSha,
			last: previous
		});
		await putComment(target.github, {
			pullNumber: pullRequest.number,
			key: target.key,
			login,
			body
		});
		return {
			check,
			login,
			previous
		};
	} catch (error) {
		onProblem(explain(error, "comment on the pull request", PERMISSIONS.comment));
		return {
			check,
			login: null,
			previous: null
		};
	}
}
/** The check alone: of a commit without a pull request, and of a verdict that exists already. */
async function beginOnlyCheck(target, onProblem) {
	try {
		return await beginCheck(target.github, {
			name: target.checkName,
			headSha: target.subject.headSha,
			externalId: target.externalId,
			detailsUrl: target.runUrl
		});
	} catch (error) {
		onProblem(explain(error, "begin a check on the commit", PERMISSIONS.check));
		return null;
	}
}
function frame(target, text, footer) {
	return [
		markerOf(target.key),
		text,
		encodeFooter(footer)
	].join("\n\n");
}
/**
* Posts a verdict: the comment, then the end of the check. Each is tried, whatever became of the other.
*
* @returns whether the comment was posted; true where there is no pull request to comment on
*/
async function post(target, begun, content, onProblem) {
	const posted = await postComment(target, begun, content).catch((error) => {
		onProblem(explain(error, "comment on the pull request", PERMISSIONS.comment));
		return false;
	});
	if (begun.check !== null) await endCheck(target, begun.check, checkResultOf(content), onProblem);
	return { posted };
}
function checkResultOf({ conclusion, headline, parts, annotations }) {
	return {
		conclusion,
		title: headline,
		summary: parts.map(({ text }) => text).join("\n\n"),
		annotations
	};
}
/** Ends a check; one whose annotations GitHub refuses ends without them. */
async function endCheck(target, check, result, onProblem) {
	const complete = (each) => completeCheck(target.github, check, each, target.runUrl);
	try {
		await complete(result).catch((error) => {
			if (statusOf(error) !== 422 || result.annotations.length === 0) throw error;
			return complete({
				...result,
				annotations: []
			});
		});
	} catch (error) {
		onProblem(explain(error, "complete the check on the commit", PERMISSIONS.check));
	}
}
async function postComment(target, begun, content) {
	const { github, key, subject, runUrl } = target;
	const { pullRequest, headSha } = subject;
	if (pullRequest === null) return true;
	const login = begun.login ?? await loginOf(github);
	const now = await headOf(github, pullRequest.number);
	const [existing] = await findComments(github, pullRequest.number, key, login);
	const theirs = existing?.footer;
	if (now !== null && now !== headSha && (theirs?.measuring === now || theirs?.last?.commit === now)) {
		github.log.step(`The comment is about ${now.slice(0, SHORT)} by now, which is newer: it is left, the check has this verdict`);
		return true;
	}
	const previous = begun.previous ?? theirs?.last ?? null;
	const last = {
		commit: headSha,
		verdict: content.verdict,
		blocks: content.blocks,
		at: previous !== null && previous.commit === headSha ? previous.at : github.now().toISOString(),
		headline: content.headline.slice(0, MAX_HEADLINE_LENGTH),
		metrics: Object.fromEntries(Object.entries(content.metrics).slice(0, MAX_FOOTER_METRICS))
	};
	const end = `<sub>vllm-gate ${target.toolVersion} · commit \`${headSha.slice(0, SHORT)}\` · [the run and its files](${runUrl})</sub>`;
	const banner = await behind(github, headSha, now);
	const empty = frame(target, `\n\n${end}`, {
		v: 1,
		measuring: null,
		last
	});
	const room = MAX_COMMENT_LENGTH - empty.length;
	const body = frame(target, `${fitLength([...banner, ...content.parts], room, `[the run's artifact](${runUrl})`)}\n\n${end}`, {
		v: 1,
		measuring: null,
		last
	});
	await putComment(github, {
		pullNumber: pullRequest.number,
		key,
		login,
		body
	});
	return true;
}
async function headOf({ octokit, owner, repo }, pullNumber) {
	try {
		return (await octokit.rest.pulls.get({
			owner,
			repo,
			pull_number: pullNumber
		})).data.head.sha;
	} catch (error) {
		if (statusOf(error) === 403 || statusOf(error) === 404) return null;
		throw error;
	}
}
/** What to know when the pull request moved on while its commit was measured. */
async function behind(github, analysed, now) {
	if (now === null || now === analysed) return [];
	const { octokit, owner, repo } = github;
	const rewritten = "The branch was rewritten since";
	return [{
		name: "behind",
		text: `> ⏩ **${await octokit.rest.repos.compareCommitsWithBasehead({
			owner,
			repo,
			basehead: `${analysed}...${now}`,
			per_page: 1
		}).then(({ data: { status, ahead_by: count } }) => status === "ahead" ? `${count} commit${count === 1 ? "" : "s"} behind` : rewritten, (error) => statusOf(error) === 404 ? rewritten : "The head has moved since")}**: this is about \`${analysed.slice(0, SHORT)}\`, the head is \`${now.slice(0, SHORT)}\` by now.`
	}];
}
/** A verdict that the main step posted stands; only its placeholder is replaced. */
async function replacePlaceholder(target, content) {
	const { github, key, subject } = target;
	if (subject.pullRequest === null) return;
	const login = await loginOf(github);
	const [existing] = await findComments(github, subject.pullRequest.number, key, login);
	if (existing?.footer?.measuring !== subject.headSha) return;
	await postComment(target, {
		check: null,
		login,
		previous: existing.footer.last
	}, content);
}
/** Ends what a main step that was killed left open: its check, and the placeholder. */
async function endDead(target, words, onProblem) {
	const { github, checkName, subject, externalId } = target;
	const request = {
		name: checkName,
		headSha: subject.headSha,
		externalId
	};
	const open = await findOpenChecks(github, request).catch((error) => {
		onProblem(explain(error, "look for the check on the commit", PERMISSIONS.check));
		return null;
	});
	const content = {
		...words,
		verdict: "failed",
		blocks: true,
		metrics: {},
		annotations: []
	};
	const statusOnly = {
		kind: "status",
		id: null,
		name: checkName,
		headSha: subject.headSha
	};
	for (const check of open ?? [statusOnly]) await endCheck(target, check, checkResultOf(content), onProblem);
	await replacePlaceholder(target, content).catch((error) => onProblem(explain(error, "comment on the pull request", PERMISSIONS.comment)));
}

// src/report/since-last.ts
const MAX_ROWS = 10;
/**
* What changed since the last report: the verdict, and every gated metric whose own verdict is another now. Null where
* nothing did.
*
* @param commit - the commit that was analysed now
*/
function sinceLast(earlier, now) {
	const before = earlier.commit === now.commit ? "the last run of this commit" : code(earlier.commit.slice(0, 10));
	const moved = (now.comparison?.comparisons ?? []).flatMap((each) => {
		const was = Object.hasOwn(earlier.metrics, each.metric) ? earlier.metrics[each.metric] : void 0;
		if (each.level !== "gate" || was === void 0 || was[1] === each.verdict) return [];
		return [[
			code(each.metric),
			formatValue(was[0], each.unit),
			formatValue(each.head, each.unit),
			formatChange(was[0], each.head, each.unit),
			`${was[1]} → ${each.verdict}`
		]];
	});
	if (moved.length === 0 && earlier.verdict === now.verdict) return null;
	const verdict = earlier.verdict === now.verdict ? `still ${now.verdict}` : `${earlier.verdict} → **${now.verdict}**`;
	const rows = moved.slice(0, MAX_ROWS);
	const line = `Since ${before}: ${verdict}${moved.length > rows.length ? ` (${moved.length - rows.length} more metrics changed)` : ""}`;
	if (rows.length === 0) return line;
	return `${line}\n\n${table([
		"metric",
		"then",
		"now",
		"change",
		"verdict"
	], rows, [
		"l",
		"r",
		"r",
		"r",
		"l"
	])}`;
}

// src/publishing.ts
/** Whether somebody may accept the verdict: what was measured, yes; that nothing could be measured, no. */
function isAcceptable({ exitCode }) {
	return exitCode === EXIT.regressed || exitCode === EXIT.noVerdict;
}
/** A run's verdict as it is published. */
function contentOf(reported, circumstances) {
	const { verdict, comparison } = reported;
	const { previous, headSha, added, cwd } = circumstances;
	const since = previous === null ? null : sinceLast(previous, {
		commit: headSha,
		verdict: verdict.verdict,
		comparison
	});
	return {
		...conclusionOf(verdict, circumstances),
		verdict: verdict.verdict,
		headline: verdict.headline,
		parts: withCircumstances(partsOf(reported, cwd), circumstances, since),
		metrics: metricsOf(comparison),
		annotations: annotationsOf(reported, added)
	};
}
/** Several runs' verdict as it is published. */
function mergedContent({ overall, parts }, circumstances) {
	const { previous, headSha } = circumstances;
	const since = previous === null ? null : sinceLast(previous, {
		commit: headSha,
		verdict: overall.verdict,
		comparison: null
	});
	return {
		...conclusionOf(overall, circumstances),
		verdict: overall.verdict,
		headline: overall.headline,
		parts: withCircumstances(parts, circumstances, since),
		metrics: {},
		annotations: []
	};
}
function conclusionOf({ exitCode, conclusion }, { acceptance }) {
	return acceptance === null ? {
		conclusion,
		blocks: exitCode !== EXIT.pass
	} : {
		conclusion: "neutral",
		blocks: false
	};
}
/** After the verdict, before its details. */
function withCircumstances(parts, { acceptance, headSha }, since) {
	const at = parts.findIndex(({ name }) => name === "headline") + 1;
	return [
		...parts.slice(0, at),
		...acceptance === null ? [] : [{
			name: "acceptance",
			text: acceptanceText(acceptance, headSha)
		}],
		...since === null ? [] : [{
			name: "since",
			text: since
		}],
		...parts.slice(at)
	];
}
/** Who took the loss, and for which commit only. */
function acceptanceText({ by, reason, url }, headSha) {
	const where = url === null || !/^https?:\/\/[^\s()<>]+$/.test(url) ? "" : ` ([here](${url}))`;
	return `> ☑️ **Accepted** by ${plain(by)}${where} for ${code(headSha.slice(0, 10))} alone: ${plain(reason)}. The baseline stands as it is.`;
}
function metricsOf(comparison) {
	const gated = (comparison?.comparisons ?? []).filter(({ level }) => level === "gate");
	return Object.fromEntries(gated.map(({ metric, head, verdict }) => [metric, [head, verdict]]));
}
const MAX_METRICS = 5;
/** What a change of a flag did, on the line that changed it. */
function annotationsOf({ verdict, comparison, run }, added) {
	const level = levelOf(verdict);
	if (level === null || added.length === 0) return [];
	const flags = comparison === null ? (run.variants["head"]?.args ?? []).flatMap((arg) => /^--?[\w.-]+/.exec(arg)?.[0] ?? []) : comparison.flags.map(({ what }) => what).filter((what) => what.startsWith("-"));
	const changed = (comparison?.comparisons ?? []).filter((each) => each.level === "gate" && each.verdict === verdict.verdict).slice(0, MAX_METRICS).map(({ metric, unit, base, head }) => `${metric}: ${formatValue(base, unit)} → ${formatValue(head, unit)} (${formatChange(base, head, unit)})`);
	const message = [verdict.headline, ...changed].join("\n");
	const lines = /* @__PURE__ */ new Map();
	for (const flag of flags) {
		const found = lineOf(flag, added);
		if (found === null) continue;
		const { path, line } = found;
		lines.set(`${path}:${line}`, {
			path,
			line,
			level,
			title: `vllm-gate: ${verdict.verdict}`,
			message
		});
	}
	return [...lines.values()];
}
function levelOf({ verdict, exitCode, cause }) {
	if (verdict === "pass") return null;
	if (verdict === "failed" && cause !== "failed_start" && cause !== "server_died") return null;
	if (verdict === "improved") return "notice";
	return exitCode === EXIT.pass ? "warning" : "failure";
}
/** What is published when nothing was measured and there is no run to show. */
function failureContent(headline, nextAction) {
	return {
		...lastWords(headline, nextAction),
		verdict: "failed",
		blocks: true,
		metrics: {},
		annotations: []
	};
}
/** The words of {@link failureContent}. */
function lastWords(headline, nextAction, conclusion = "failure") {
	const text = headline.replace(/[.\s]+$/, "");
	return {
		conclusion,
		headline: text,
		parts: [{
			name: "heading",
			text: `### ${conclusion === "cancelled" ? "⏹ cancelled" : "❌ failed"} · vllm-gate`
		}, {
			name: "headline",
			text: `**${text.split("\n").map(plain).join("**  \n**")}.** ${plain(nextAction)}`
		}]
	};
}

// src/action-target.ts
/** Name under which the action hands what it publishes to its `post` step. */
const PUBLICATION_STATE = "publication";
/** The key of a job whose inputs name none. */
const DEFAULT_KEY = "gate";
/** What the `post` step must know to end what the main step began. */
const publicationStateSchema = object({
	subject: object({
		owner: string(),
		repo: string(),
		headSha: string(),
		pullRequest: object({
			number: number(),
			isFork: boolean()
		}).nullable()
	}),
	key: string(),
	externalId: string()
});
/** @throws UsageError when it is not what the main step wrote */
function parsePublicationState(text) {
	return checkJson(JSON.parse(text), publicationStateSchema, "the main step's state");
}
/** Which of a pull request's comments and checks a job's are. */
function keyOf({ commentKey, overrides }) {
	return cleanKey(commentKey ?? overrides.scenario ?? DEFAULT_KEY);
}
/** The name of a check, under which a branch protection rule requires it. */
function checkNameOf(key) {
	return key === DEFAULT_KEY ? "vllm-gate" : `vllm-gate / ${key}`;
}
/** Where this job publishes; null without a token. */
function targetOf(token, { subject, key, externalId }, environment, log) {
	if (token === void 0) return null;
	const { github, runUrl } = accessWith(token, subject, environment, log);
	return {
		github,
		subject,
		key,
		checkName: checkNameOf(key),
		externalId,
		runUrl,
		toolVersion: TOOL_VERSION
	};
}

export { addedLines as _, acceptanceText as a, isAcceptable as c, PERMISSIONS as d, begin as f, post as g, endDead as h, targetOf as i, lastWords as l, endCheck as m, keyOf as n, contentOf as o, beginOnlyCheck as p, parsePublicationState as r, failureContent as s, PUBLICATION_STATE as t, mergedContent as u };