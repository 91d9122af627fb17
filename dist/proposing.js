import { n as NotMeasuredError, r as UsageError } from "./errors.js";
import { a as explain, i as fitLength, n as MAX_COMMENT_LENGTH, o as statusOf } from "./fit.js";
import { d as gitRoot, r as recordedTitle, t as recordedParts } from "./recorded-text.js";
import { createHash } from "node:crypto";
import { relative, resolve, sep } from "node:path";
import { readFile } from "node:fs/promises";

// src/publish/baseline-pull.ts
const PULL_PERMISSIONS = "contents: write` and `pull-requests: write";
const MARKER = "<!-- vllm-gate-baseline -->";
const MAX_TITLE_LENGTH = 250;
/** A baseline's own branch: readable, and no two paths share one. */
function branchOf(path) {
	return `vllm-gate/${path.replace(/\.json$/, "").replace(/[^\w/-]+/g, "-").replace(/\/+/g, "/").replace(/^[-/]+/, "").slice(-120).replace(/^[-/]+|[-/]+$/g, "")}-${createHash("sha256").update(path).digest("hex").slice(0, 6)}`;
}
/**
* Proposes a baseline by a pull request: one commit on top of the base branch as it is now, on the baseline's own
* branch, which belongs to this tool and is written anew. An open pull request of that branch is brought up to date.
*
* Through the API (git data), not by a push: a token is enough, no checkout has to hold credentials, and the commit is
* GitHub's own, signed where the token is an app's.
*
* @throws what GitHub says when it refuses; see {@link explainProposal}
*/
async function proposeBaseline(github, proposal) {
	const { octokit, owner, repo } = github;
	const base = proposal.base ?? (await octokit.rest.repos.get({
		owner,
		repo
	})).data.default_branch;
	const { data: head } = await octokit.rest.git.getRef({
		owner,
		repo,
		ref: `heads/${base}`
	});
	const { data: parent } = await octokit.rest.git.getCommit({
		owner,
		repo,
		commit_sha: head.object.sha
	});
	const { path, content, title } = proposal;
	const { data: tree } = await octokit.rest.git.createTree({
		owner,
		repo,
		base_tree: parent.tree.sha,
		tree: [{
			path,
			mode: "100644",
			type: "blob",
			content
		}]
	});
	if (tree.sha === parent.tree.sha) return {
		change: "unchanged",
		url: null
	};
	const { data: commit } = await octokit.rest.git.createCommit({
		owner,
		repo,
		message: title,
		tree: tree.sha,
		parents: [parent.sha]
	});
	const branch = branchOf(path);
	await pointAt(github, branch, commit.sha);
	return { ...await openOrUpdate(github, proposal, base, branch) };
}
/** Makes a branch, or moves it, wherever it was. */
async function pointAt({ octokit, owner, repo }, branch, sha) {
	try {
		await octokit.rest.git.updateRef({
			owner,
			repo,
			ref: `heads/${branch}`,
			sha,
			force: true
		});
	} catch (error) {
		if (statusOf(error) !== 422 && statusOf(error) !== 404) throw error;
		await octokit.rest.git.createRef({
			owner,
			repo,
			ref: `refs/heads/${branch}`,
			sha
		});
	}
}
/** GitHub refused the pull request alone: the branch is there. */
var UnopenedPull = class extends Error {
	compareUrl;
	constructor(compareUrl, cause) {
		super("the branch is pushed, the pull request could not be opened", { cause });
		this.compareUrl = compareUrl;
	}
};
async function openOrUpdate({ octokit, owner, repo }, proposal, base, branch) {
	const { data: open } = await octokit.rest.pulls.list({
		owner,
		repo,
		state: "open",
		head: `${owner}:${branch}`,
		base,
		per_page: 100
	});
	const title = proposal.title.slice(0, MAX_TITLE_LENGTH);
	const body = bodyOf(proposal);
	const existing = open.find((pull) => pull.head.ref === branch && pull.head.repo?.id === pull.base.repo.id);
	if (existing !== void 0) {
		const { data } = await octokit.rest.pulls.update({
			owner,
			repo,
			pull_number: existing.number,
			title,
			body
		});
		return {
			change: "updated",
			url: data.html_url
		};
	}
	try {
		const { data } = await octokit.rest.pulls.create({
			owner,
			repo,
			title,
			body,
			base,
			head: branch
		});
		return {
			change: "opened",
			url: data.html_url
		};
	} catch (error) {
		if (statusOf(error) !== 403) throw error;
		throw new UnopenedPull(`${proposal.serverUrl}/${owner}/${repo}/compare/${base}...${branch}?expand=1`, error);
	}
}
function bodyOf({ parts, runUrl }) {
	const where = runUrl === null ? "the baseline's file" : `[the run](${runUrl})`;
	const end = `<sub>vllm-gate${runUrl === null ? "" : ` · ${where}`} · this branch is written anew by each recording</sub>`;
	const room = MAX_COMMENT_LENGTH - 27 - end.length - 4;
	return [
		MARKER,
		fitLength(parts, room, where),
		end
	].join("\n\n");
}
/** Why a baseline could not be proposed, and what to change. */
function explainProposal(error) {
	if (!(error instanceof UnopenedPull)) return explain(error, "open the pull request", PULL_PERMISSIONS);
	return `${explain(error.cause, "open the pull request", "pull-requests: write")}, and let Actions open pull requests (Settings > Actions > General > Workflow permissions). Its branch is there: ${error.compareUrl}`;
}

// src/proposing.ts
/**
* A path as the repository has it, by `/`.
*
* @param cwd - a real path
* @throws UsageError when it lies outside the repository
*/
async function repositoryPath(path, cwd) {
	const way = relative(await gitRoot(cwd), resolve(cwd, path)).split(sep).join("/");
	if (way === ".." || way.startsWith("../")) throw new UsageError(`${path}: lies outside the repository, so no pull request can hold it`);
	return way;
}
/**
* Proposes a baseline that was recorded by a pull request with the table that `record` prints.
*
* @param base - the branch that it is for; the repository's default branch when null
* @throws NotMeasuredError that says what GitHub refused, and what to change; the file stays as it was recorded
*/
async function proposeRecorded(recorded, cwd, access, base) {
	const file = resolve(cwd, recorded.path);
	const path = await repositoryPath(recorded.path, cwd);
	const { github, serverUrl, runUrl } = access;
	try {
		return await proposeBaseline(github, {
			base,
			path,
			content: await readFile(file, "utf8"),
			title: recordedTitle(recorded),
			parts: recordedParts(recorded),
			serverUrl,
			runUrl: runUrl.includes("/actions/runs/") ? runUrl : null
		});
	} catch (error) {
		throw new NotMeasuredError(explainProposal(error), { cause: error });
	}
}
/** What became of it, in a sentence. */
function proposedText({ change, url }) {
	return `${{
		opened: "Opened the pull request",
		updated: "Brought the pull request up to date:",
		unchanged: "The branch has this very baseline already: no pull request is needed"
	}[change]}${url === null ? "" : ` ${url}`}`;
}

export { proposedText as n, repositoryPath as r, proposeRecorded as t };