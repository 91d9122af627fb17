import { i as messageOf } from "./errors.js";

// src/publish/problem.ts
function asHttpError(error) {
	return typeof error?.status === "number" ? error : null;
}
/** The HTTP status of a failed request; null when there was no answer. */
function statusOf(error) {
	return asHttpError(error)?.status ?? null;
}
/**
* Why GitHub did not do something, and what to change.
*
* @param what - what was tried, "post the comment"
* @param permission - the permission of a workflow that allows it, "pull-requests: write"
*/
function explain(error, what, permission) {
	const http = asHttpError(error);
	if (http === null) return `could not ${what}: ${messageOf(error)}`;
	const { status } = http;
	const head = `could not ${what} (HTTP ${status}: ${http.message.replace(/ - https:\/\/docs\.github\.com\S*$/, "").slice(0, 300)})`;
	if (isRateLimit(http)) return `${head}: the rate limit lasts longer than is worth waiting`;
	const accepted = http.response?.headers?.["x-accepted-github-permissions"];
	const needed = typeof accepted === "string" && /^[\w=;, -]{1,200}$/.test(accepted) ? ` (GitHub accepts ${accepted.replaceAll("_", "-")})` : "";
	if (status === 401) return `${head}: github-token is not valid, or it has expired`;
	if (status === 403) return `${head}: the job's token lacks the permission \`${permission}\`${needed}: add it to the job's \`permissions\``;
	if (status === 404) return `${head}: it is gone, or the token may not see it: the job needs the permission \`${permission}\`${needed}`;
	return status >= 500 ? `${head}: GitHub failed several times` : head;
}
function isRateLimit({ status, message, response }) {
	if (status === 429) return true;
	return status === 403 && (response?.headers?.["x-ratelimit-remaining"] === "0" || /rate limit/i.test(message));
}

// src/publish/fit.ts
/** GitHub takes no more characters in a comment. */
const MAX_COMMENT_LENGTH = 65536;
/** GitHub takes no more bytes in a check's summary or text. */
const MAX_CHECK_BYTES = 65535;
/** What is left out first: detail that decides nothing, then what can be had from the run's files. */
const DROP_ORDER = [
	["firstToken", "first-token latency in words"],
	["watched", "watched metrics"],
	["measured", "measured values"],
	["passed", "gated metrics that did not get worse"],
	["environment", "environment and command"],
	["log", "the end of the server's log"],
	["effort", "what the run took and could have seen"],
	["run", "details of runs"],
	["howTo", "how to accept these numbers"],
	["chart", "the chart"],
	["ownCopies", "what the change's own rules would say of each metric"],
	["history", "earlier nights"],
	["attribution", "known causes"],
	["moreChanged", "further changed metrics"],
	["since", "what changed since the last push"]
];
/**
* Joins parts to a text of at most so many characters: parts go whole, in {@link DROP_ORDER} and the last of a kind
* first; what is then still too long is cut between two lines. What was left out is said, and where it is.
*
* @param whereElse - where all of it can be read
*/
function fitLength(parts, limit, whereElse) {
	const join = (kept) => kept.map((part) => part.text).join("\n\n");
	const whole = join(parts);
	if (whole.length <= limit) return whole;
	const kept = [...parts];
	const dropped = [];
	const note = () => `_Left out, since a comment has a limit: ${dropped.join(", ")}. All of it is in ${whereElse}._`;
	const text = () => `${join(kept)}\n\n${note()}`;
	for (const [name, words] of DROP_ORDER) for (let index = kept.length - 1; index >= 0; index -= 1) {
		if (kept[index]?.name !== name) continue;
		kept.splice(index, 1);
		if (!dropped.includes(words)) dropped.push(words);
		if (text().length <= limit) return text();
	}
	dropped.push("the rest");
	const room = limit - note().length - 2;
	const cut = join(kept).slice(0, Math.max(0, room));
	return `${cut.slice(0, Math.max(0, cut.lastIndexOf("\n")))}\n\n${note()}`;
}
/** Text of at most so many bytes, cut between two lines. */
function fitBytes(text, bytes) {
	if (Buffer.byteLength(text) <= bytes) return text;
	const note = "\n\n_Cut: the rest is in the run's files._";
	let cut = Buffer.from(text).subarray(0, bytes - 40).toString("utf8");
	cut = cut.slice(0, Math.max(0, cut.lastIndexOf("\n")));
	return `${cut}${note}`;
}

export { explain as a, fitLength as i, MAX_COMMENT_LENGTH as n, statusOf as o, fitBytes as r, MAX_CHECK_BYTES as t };