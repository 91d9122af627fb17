import { i as hasMarker, n as decodeFooter } from "./marker.js";
import { o as statusOf } from "./fit.js";

// src/publish/sticky-comment.ts
/** Whose token it is where nothing tells: GitHub Actions' own. */
const ACTIONS_BOT = "github-actions[bot]";
/**
* The login that this token writes as. A job's own token may not ask `/user`; GraphQL answers it, where there is
* GraphQL.
*/
async function loginOf({ octokit }) {
	try {
		return (await octokit.rest.users.getAuthenticated()).data.login;
	} catch (error) {
		const status = statusOf(error);
		if (status !== 401 && status !== 403 && status !== 404) throw error;
	}
	try {
		const { viewer } = await octokit.graphql("query { viewer { login } }", { request: { retries: 0 } });
		return viewer.login;
	} catch {
		return ACTIONS_BOT;
	}
}
const sameLogin = (a, b) => a?.toLowerCase() === b.toLowerCase();
/** Our comments with this key, the oldest first: those that begin with its marker and that we wrote. All pages are read. */
async function findComments(github, pullNumber, key, login) {
	const { octokit, owner, repo } = github;
	return (await octokit.paginate(octokit.rest.issues.listComments, {
		owner,
		repo,
		issue_number: pullNumber,
		per_page: 100
	})).filter((each) => sameLogin(each.user?.login, login) && hasMarker(each.body ?? "", key)).sort((a, b) => a.id - b.id).map((each) => {
		const body = each.body ?? "";
		return {
			id: each.id,
			url: each.html_url,
			body,
			footer: decodeFooter(body)
		};
	});
}
/**
* Writes the comment with this key: into the one that is there, or a new one. There is one afterwards: others that
* two jobs made at once are removed.
*
* @returns its id and address
*/
async function putComment(github, target) {
	const { octokit, owner, repo } = github;
	const { pullNumber, key, login, body } = target;
	const find = () => findComments(github, pullNumber, key, login);
	const update = async (existing) => {
		const [first, ...others] = existing;
		if (first === void 0) return null;
		try {
			const { data } = await octokit.rest.issues.updateComment({
				owner,
				repo,
				comment_id: first.id,
				body
			});
			for (const { id } of others) await octokit.rest.issues.deleteComment({
				owner,
				repo,
				comment_id: id
			});
			return {
				id: data.id,
				url: data.html_url
			};
		} catch (error) {
			if (statusOf(error) === 404) return null;
			throw error;
		}
	};
	const updated = await update(await find());
	if (updated !== null) return updated;
	const create = () => octokit.rest.issues.createComment({
		owner,
		repo,
		issue_number: pullNumber,
		body,
		request: { retries: 0 }
	});
	try {
		const { data } = await create();
		return {
			id: data.id,
			url: data.html_url
		};
	} catch (error) {
		const status = statusOf(error);
		if (status !== null && status < 500) throw error;
		const made = await update(await find());
		if (made !== null) return made;
		const { data } = await create();
		return {
			id: data.id,
			url: data.html_url
		};
	}
}

export { loginOf as n, putComment as r, findComments as t };