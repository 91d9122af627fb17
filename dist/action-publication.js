import { i as messageOf } from "./errors.js";
import { t as EXIT } from "./verdict.js";
import { a as explain, o as statusOf } from "./fit.js";
import { u as HANDOFF_FILE } from "./version.js";
import { _ as addedLines, c as isAcceptable, d as PERMISSIONS, g as post, s as failureContent } from "./action-target.js";
import { d as writeJson } from "./files.js";
import { join } from "node:path";

// src/publish/acceptance.ts
const COMMAND = /^\/vllm-gate[ \t]+accept(?:[ \t]+(.*))?$/;
const NAMED_COMMIT = /^([0-9a-f]{7,64})[:,]?\s+(.*)$/;
const MAX_REASON_LENGTH = 500;
/**
* The acceptance in a comment's first line: `/vllm-gate accept REASON`, or with the commit that is meant,
* `/vllm-gate accept 1a2b3c4 REASON`. Null where the comment is none.
*/
function parseAcceptance(body) {
	const [first = ""] = body.trimStart().split(/\r?\n/, 1);
	const match = COMMAND.exec(first.trimEnd());
	if (match === null) return null;
	const said = (match[1] ?? "").trim();
	const named = NAMED_COMMIT.exec(said);
	return {
		reason: (named?.[2] ?? said).slice(0, MAX_REASON_LENGTH).trim(),
		commit: named?.[1] ?? null
	};
}
/**
* Looks for an acceptance of a commit's verdict: by a comment or a label, of somebody who may write to the
* repository, given after the verdict was posted and not edited since. The latest that counts is taken.
*/
async function findAcceptance(github, request) {
	const refused = [];
	const given = [...await fromComments(github, request, refused), ...await fromLabel(github, request)].sort((a, b) => b.at.localeCompare(a.at));
	for (const each of given) {
		if (await mayWrite(github, each.by)) return {
			acceptance: each,
			refused
		};
		refused.push({
			by: each.by,
			why: "has no write permission here"
		});
	}
	return {
		acceptance: null,
		refused
	};
}
async function fromComments({ octokit, owner, repo }, { pullNumber, headSha, judgedAt }, refused) {
	return (await octokit.paginate(octokit.rest.issues.listComments, {
		owner,
		repo,
		issue_number: pullNumber,
		since: judgedAt,
		per_page: 100
	})).flatMap((comment) => {
		const parsed = parseAcceptance(comment.body ?? "");
		const by = comment.user?.login;
		if (parsed === null || by === void 0 || !isAfter(comment.created_at, judgedAt)) return [];
		const refuse = (why) => {
			refused.push({
				by,
				why
			});
			return [];
		};
		if (comment.user?.type === "Bot") return refuse("is a program, and only people accept a loss");
		if (comment.updated_at !== comment.created_at) return refuse("edited the comment after it was written");
		if (parsed.commit !== null && !headSha.startsWith(parsed.commit)) return refuse(`named the commit ${parsed.commit}, not the one that was judged`);
		if (parsed.reason === "") return refuse("gave no reason: `/vllm-gate accept REASON`");
		return [{
			by,
			reason: parsed.reason,
			url: comment.html_url,
			at: comment.created_at
		}];
	});
}
async function fromLabel({ octokit, owner, repo }, { pullNumber, judgedAt, label }) {
	if (label === null) return [];
	const last = (await octokit.paginate(octokit.rest.issues.listEvents, {
		owner,
		repo,
		issue_number: pullNumber,
		per_page: 100
	})).filter((each) => each.event === "labeled" || each.event === "unlabeled").filter((each) => "label" in each && each.label?.name === label).at(-1);
	if (last?.event !== "labeled" || last.actor == null || !isAfter(last.created_at, judgedAt)) return [];
	const url = "html_url" in last && typeof last.html_url === "string" ? last.html_url : null;
	return [{
		by: last.actor.login,
		reason: `label "${label}"`,
		url,
		at: last.created_at
	}];
}
/** GitHub tells whole seconds: what falls in the second of the verdict is taken for earlier. */
function isAfter(at, judgedAt) {
	return Date.parse(at) > Date.parse(judgedAt);
}
/** Whether somebody may write to the repository. `maintain` counts as `write` in this answer. */
async function mayWrite({ octokit, owner, repo }, username) {
	try {
		const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({
			owner,
			repo,
			username
		});
		return [
			"admin",
			"write",
			"owner"
		].includes(data.permission);
	} catch (error) {
		if (statusOf(error) === 404) return false;
		throw error;
	}
}

// src/action-publication.ts
/** Whether somebody accepted this commit's verdict after it was posted; what was said and does not count is told. */
async function acceptanceOf(publishing) {
	const { target, begun, acceptLabel, log, onProblem } = publishing;
	const { pullRequest, headSha } = target.subject;
	const { previous } = begun;
	if (pullRequest === null || previous === null || previous.commit !== headSha) return null;
	try {
		const { acceptance, refused } = await findAcceptance(target.github, {
			pullNumber: pullRequest.number,
			headSha,
			judgedAt: previous.at,
			label: acceptLabel
		});
		for (const { by, why } of refused) log.warn(`An acceptance by ${by} does not count: ${by} ${why}`);
		return acceptance;
	} catch (error) {
		onProblem(explain(error, "look for an acceptance", PERMISSIONS.comment));
		return null;
	}
}
/**
* Posts a verdict and says what the job ends with: its exit code, or 0 when somebody accepted the loss.
*
* @param contentOf - the words for it, once it is known what stands beside them
*/
async function publishVerdict(publishing, verdict, cwd, contentOf) {
	const { target, begun, log, onProblem } = publishing;
	const acceptance = isAcceptable(verdict) ? await acceptanceOf(publishing) : null;
	const content = contentOf({
		cwd,
		headSha: target.subject.headSha,
		previous: begun.previous,
		acceptance,
		added: verdict.verdict === "pass" ? [] : await linesOf(publishing)
	});
	const { posted } = await post(target, begun, content, onProblem);
	if (posted && target.subject.pullRequest !== null) log.step("The comment is posted");
	if (acceptance === null) return verdict.exitCode;
	log.step(`Accepted by ${acceptance.by} for ${target.subject.headSha}: ${acceptance.reason}`);
	return EXIT.pass;
}
async function linesOf({ target, begun, log }) {
	const { github, subject } = target;
	if (subject.pullRequest === null || begun.check?.kind !== "check") return [];
	try {
		return await addedLines(github, subject.pullRequest.number);
	} catch (error) {
		log.step(`No annotations: ${explain(error, "list the changed files", PERMISSIONS.read)}`);
		return [];
	}
}
/** Posts that nothing was measured, and why. */
async function publishFailure(publishing, error) {
	const { target, begun, onProblem } = publishing;
	const content = failureContent(messageOf(error), "Mend it and push again; nothing was measured.");
	await post(target, begun, content, onProblem);
}
/** Writes what the job that posts must know into the run folder, which travels as an artifact. */
function writeHandoff(runDir, subject, cell) {
	const handoff = {
		schemaVersion: 1,
		pullRequest: subject.pullRequest?.number ?? null,
		headSha: subject.headSha,
		cell: cell ?? null
	};
	return writeJson(join(runDir, HANDOFF_FILE), handoff);
}

export { parseAcceptance as a, writeHandoff as i, publishFailure as n, publishVerdict as r, acceptanceOf as t };