import { S as string, g as literal, p as array, r as verdictFileSchema, t as EXIT, v as number, y as object } from "./verdict.js";
import { a as holdsMarker } from "./marker.js";
import { i as messageOf, r as UsageError } from "./errors.js";
import { i as metricDefinitionSchema, r as measurementSchema } from "./operating.js";
import { B as isUnconfirmed, L as baseName, R as comparisonFileSchema, V as ordered, c as warningTexts, d as formatEffect, g as RUN_FILES, h as formatValue, i as extentText, m as formatTolerance, n as reasonsOf, o as lookLines, p as formatPair, r as attributionPhrases, s as reachPhrase, t as CHANGED, u as formatDetectable, v as runRecordSchema, z as incomparable } from "./rows.js";
import { i as parseJson, o as readJson, s as readTextIfExists } from "./files.js";
import { a as plain, i as oneLine, n as codeBlock, o as table, r as details, t as code } from "./markdown.js";
import { c as signOf, d as typed, i as curveOf, n as repeatInstructions, o as sideValues, s as SIGNS, t as acceptInstructions } from "./how-to.js";
import { basename, join, relative, resolve } from "node:path";
import { glob, lstat, open, opendir, readdir } from "node:fs/promises";

// src/domain/history.ts
/** A metric night by night, as the machine's history under `baselines/history/` has it. */
const metricHistorySchema = object({
	metric: string(),
	unit: string(),
	/** The baseline's value; null where the run was compared with something else. */
	anchor: number().nullable(),
	/** One for each night, the oldest first: of each session its best round, of the sessions the middle one. */
	points: array(object({
		at: string(),
		value: number()
	})),
	/** When the level changed. */
	changes: array(object({
		at: string(),
		before: number(),
		after: number(),
		/** What differs between the night before and that one, in words: commits, versions, flags, machine. */
		between: array(string())
	}))
});
/** `history.json` of a run: what its machine's history said when it was judged. It decides nothing. */
const historyFileSchema = object({
	schemaVersion: literal(1),
	/** The folder that it is from. */
	folder: string(),
	metrics: array(metricHistorySchema)
});

// src/domain/measurements.ts
/** A value that could not be measured, and why: nothing is absent in silence. */
const absentSchema = object({
	metric: string(),
	variant: string(),
	session: number().int().nonnegative(),
	round: number().int().nonnegative().nullable(),
	reason: string(),
	/** Set where there were too few samples: another session may have enough. */
	tooFew: literal(true).optional()
});
/** A run's measurement that must not be trusted, and why (a cold case that hit the cache, errors, …). */
const taintSchema = object({
	variant: string(),
	session: number().int().nonnegative(),
	round: number().int().nonnegative().nullable(),
	/** Metrics with this prefix are concerned, e.g. `batching.c8`. */
	metrics: string(),
	reason: string()
});
const requestSummarySchema = object({
	ttftS: number(),
	e2eS: number(),
	tokens: number(),
	/** Notes on the request: first after the start, outlier, … */
	notes: string(),
	/** When it was sent and answered, on the session's clock, and in which round. */
	startS: number().optional(),
	endS: number().optional(),
	round: number().int().nonnegative().optional()
});
/** First-token latency of one session as the log page shows it: the cold request, the warm runs, and their spread. */
const ttftSummarySchema = object({
	variant: string(),
	session: number().int().nonnegative(),
	cold: requestSummarySchema.nullable(),
	warm: array(requestSummarySchema),
	warmStats: object({
		minS: number(),
		meanS: number(),
		medianS: number(),
		p95S: number().nullable(),
		maxS: number(),
		/** (max − min) / median */
		band: number(),
		/** Change over the session's warm runs as a share of the median (Theil–Sen slope × runs). */
		trend: number(),
		outliers: number().int()
	}).nullable(),
	coldWarmRatio: number().nullable(),
	/** The rules of thumb, said with the numbers in them. */
	observations: array(string())
});
/** `measurements.json` */
const measurementsFileSchema = object({
	schemaVersion: literal(1),
	metrics: array(metricDefinitionSchema),
	measurements: array(measurementSchema),
	absent: array(absentSchema),
	taints: array(taintSchema),
	ttft: array(ttftSummarySchema)
});

// src/publish/html.ts
/** The only HTML that our Markdown holds; none with attributes. */
const ALLOWED = /* @__PURE__ */ new Set([
	"details",
	"summary",
	"sub"
]);
/** Where a browser or a sanitizer may see a tag, a comment, a declaration or a processing instruction. */
const TAG = /<(?:\/?([A-Za-z][^\s/>]*)([^>]*)>?|[!?])/g;
/** A Mermaid chart, wherever it stands: in a quote, in a list, to the end where its fence is not closed. */
const CHART = /^[ \t>*+-]*(?:\d+[.)])?[ \t]*(`{3,}|~{3,})[ \t]*mermaid\b[^\n]*\n([\s\S]*?)(?:\n[ \t>]*\1|(?![\s\S]))/gim;
/** What lets a Mermaid chart do more than be looked at: links, callbacks, a configuration of its own. */
const DIRECTIVE = /^[ \t>]*(?:click|href|link|callback)\b|%%\{|javascript:|securityLevel|htmlLabels/im;
function refuseLivelyCharts(markdown, source) {
	for (const [, , inner = ""] of markdown.matchAll(CHART)) {
		const found = DIRECTIVE.exec(inner);
		if (found === null) continue;
		const what = found[0].trim().replace(/[^\w:%{-]/g, "?");
		throw new UsageError(`${source}: a chart that is more than a chart (${what}): refused`);
	}
}
/**
* Refuses Markdown with HTML outside of code beyond `<details>`, `<summary>` and `<sub>`, or with a second comment's
* marker anywhere. It is only looked at: what is posted is rendered anew from the run's data.
*
* @throws UsageError with one line
*/
function refuseForeignHtml(markdown, source) {
	const [first = "", ...rest] = markdown.split("\n");
	const body = /^<!-- vllm-gate:[\w.-]{1,200} -->$/.test(first) ? rest.join("\n") : markdown;
	if (holdsMarker(body)) throw new UsageError(`${source}: it holds the marker of another comment: refused`);
	refuseLivelyCharts(body, source);
	const text = withoutCode(body);
	for (const match of text.matchAll(TAG)) {
		if ((/\\*$/.exec(text.slice(0, match.index))?.[0].length ?? 0) % 2 === 1) continue;
		const [whole, name = "", attributes = ""] = match;
		if (ALLOWED.has(name.toLowerCase()) && attributes === "" && whole.endsWith(">")) continue;
		const what = whole.replace(/[^\w<>/! -]/g, "?").slice(0, 40);
		throw new UsageError(`${source}: it holds HTML that is not allowed (${what}): refused`);
	}
}
/** A fenced block: its fence, its info, its lines. */
const FENCED = /^(`{3,}|~{3,})([^`\n]*)\n([\s\S]*?)\n\1`*[ \t]*$/gm;
/** Blocks that GitHub draws instead of showing: what is in them is no mere text. */
const DRAWN = /^(?:mermaid|geojson|topojson|stl|math)\b/i;
/** Markdown without its fenced blocks and code spans, as CommonMark reads them; blocks that are drawn are kept. */
function withoutCode(markdown) {
	return markdown.replace(FENCED, (_, __, info, inner) => DRAWN.test(info.trim()) ? inner.replace(/[`\\]/g, "'") : "").replace(/(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");
}

// src/publish/artifact.ts
/** The file in which the measuring job tells the job that posts what it is about. */
const HANDOFF_FILE = "publish.json";
/** {@link HANDOFF_FILE} */
const handoffSchema = object({
	schemaVersion: literal(1),
	/** The pull request, as the measuring job knows it: a claim, to be checked against the event. */
	pullRequest: number().int().positive().nullable(),
	headSha: string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
	/** Name of the cell of a matrix. */
	cell: string().min(1).max(100).nullable()
});
/** Larger than what a run writes, by far; small enough for memory. */
const MAX_FILE_BYTES = {
	[RUN_FILES.run]: 8 * 1024 ** 2,
	[RUN_FILES.verdict]: 1024 ** 2,
	[RUN_FILES.comparison]: 8 * 1024 ** 2,
	[RUN_FILES.measurements]: 16 * 1024 ** 2,
	[RUN_FILES.history]: 1024 ** 2,
	[RUN_FILES.report]: 4 * 1024 ** 2,
	[HANDOFF_FILE]: 65536
};
/** Traces and telemetry are not read, but they lie on the disk of the job that posts. */
const MAX_FOLDER_BYTES = 1024 ** 3;
const MAX_ENTRIES = 5e3;
const MAX_DEPTH = 6;
const megabytes = (bytes) => `${(bytes / 1024 ** 2).toFixed(bytes < 1024 ** 2 ? 2 : 0)} MiB`;
/**
* Reads a run folder that a stranger's job made. Nothing of it is trusted: not its names, kinds of files, sizes,
* shape or words. Its own Markdown is never posted, and refused when it holds what ours cannot hold.
*
* @throws UsageError with one line that says what is wrong with which file
*/
async function readHostileRun(folder) {
	await refuseHostileTree(folder);
	const json = async (name, schema) => {
		const text = await readCapped(folder, name);
		return text === null ? null : parseJson(text, schema, shown(folder, name));
	};
	const run = await json(RUN_FILES.run, runRecordSchema);
	const verdict = await json(RUN_FILES.verdict, verdictFileSchema);
	if (run === null) throw new UsageError(`${shown(folder, RUN_FILES.run)}: no such file: this is no run folder`);
	if (verdict === null) throw new UsageError(`${shown(folder, RUN_FILES.verdict)}: no such file: the run did not end`);
	refuseContradiction(verdict, shown(folder, RUN_FILES.verdict));
	const report = await readCapped(folder, RUN_FILES.report);
	if (report !== null) refuseForeignHtml(report, shown(folder, RUN_FILES.report));
	return {
		folder,
		run,
		verdict,
		comparison: await json(RUN_FILES.comparison, comparisonFileSchema),
		measurements: await json(RUN_FILES.measurements, measurementsFileSchema),
		history: await json(RUN_FILES.history, historyFileSchema),
		handoff: await json(HANDOFF_FILE, handoffSchema)
	};
}
/** A path as an error shows it: of hostile names only what is harmless. */
function shown(folder, name) {
	return `${basename(folder)}/${name}`.replace(/[^\w./ -]/g, "?").slice(0, 200);
}
async function refuseHostileTree(root) {
	let entries = 0;
	let bytes = 0;
	const walk = async (folder, depth) => {
		const at = (name) => shown(root, join(folder.slice(root.length), name).replace(/^\/+/, ""));
		if (depth > MAX_DEPTH) throw new UsageError(`${at("")}: deeper than ${MAX_DEPTH} folders: refused`);
		for await (const entry of await opendir(folder)) {
			entries += 1;
			if (entries > MAX_ENTRIES) throw new UsageError(`${basename(root)}: more than ${MAX_ENTRIES} files: refused`);
			const path = join(folder, entry.name);
			if (/[\\:\p{Cc}]/u.test(entry.name)) throw new UsageError(`${at(entry.name)}: a name that leads elsewhere: refused`);
			const found = await lstat(path);
			if (found.isDirectory()) await walk(path, depth + 1);
			else if (!found.isFile()) throw new UsageError(`${at(entry.name)}: a link or a special file, expected a file: refused`);
			bytes += found.size;
			if (bytes > MAX_FOLDER_BYTES) throw new UsageError(`${basename(root)}: more than ${megabytes(MAX_FOLDER_BYTES)}: refused`);
		}
	};
	const top = await lstat(root).catch(() => null);
	if (top === null || !top.isDirectory()) throw new UsageError(`${basename(root)}: expected a run folder`);
	await walk(root, 0);
}
async function readCapped(folder, name) {
	const path = join(folder, name);
	const found = await lstat(path).catch(() => null);
	if (found === null) return null;
	const limit = MAX_FILE_BYTES[name] ?? 0;
	if (found.size > limit) throw new UsageError(`${shown(folder, name)}: ${megabytes(found.size)}, expected at most ${megabytes(limit)}: refused`);
	await using file = await open(path);
	return await file.readFile("utf8");
}
/** Which ends of a run a verdict may have: a loss that calls itself a success is made up. */
const ENDS = {
	pass: [EXIT.pass],
	improved: [EXIT.pass],
	inconclusive: [EXIT.pass, EXIT.noVerdict],
	invalid: [EXIT.pass, EXIT.noVerdict],
	regressed: [EXIT.regressed],
	failed: [
		EXIT.notMeasured,
		EXIT.sigint,
		EXIT.sigterm
	]
};
function refuseContradiction(verdict, path) {
	const { exitCode, conclusion, reportOnly } = verdict;
	const refuse = (what) => {
		throw new UsageError(`${path}: the verdict "${verdict.verdict}" contradicts its ${what}: refused`);
	};
	if (reportOnly ? exitCode !== EXIT.pass : !ENDS[verdict.verdict].includes(exitCode)) refuse(`exit code ${exitCode}`);
	if (exitCode !== EXIT.pass !== [
		"failure",
		"action_required",
		"cancelled"
	].includes(conclusion)) refuse(`conclusion ${conclusion}`);
	if (conclusion === "success" && verdict.verdict !== "pass" && verdict.verdict !== "improved") refuse(`conclusion ${conclusion}`);
}

// src/report/both-copies.ts
const SHOWN_FILES = 8;
/** Rows that are open to everybody; the rest is folded. */
const OPEN_ROWS$1 = 10;
const WORDS$1 = {
	pass: "ok",
	improved: "better",
	inconclusive: "undecided",
	invalid: "invalid",
	regressed: "**worse**"
};
/** That a change edits what judges it, and what its own copies would say beside the base branch's, which decide. */
function bothCopies(comparison, verdict) {
	const copies = comparison?.bothCopies;
	if (copies === void 0) return [];
	return [`> ✏️ **${saidOf(copies)}**: ${filesText(copies.files)}. The base branch's copies decide. ${ownText(copies, verdict)}`];
}
/** The metrics that a change's own copies judge otherwise. */
function ownCopies(comparison) {
	const rows = (comparison?.bothCopies?.metrics ?? []).map((each) => [
		code(each.metric),
		formatValue(each.head, each.unit),
		cell(each.judged, each.unit),
		cell(each.own, each.unit)
	]);
	if (rows.length === 0) return [];
	const header = [
		"verdict differs",
		"this run",
		"base branch's copy",
		"this change's copy"
	];
	const tableOf = (some) => table(header, some, [
		"l",
		"r",
		"l",
		"l"
	]);
	const rest = rows.slice(OPEN_ROWS$1);
	const more = rest.length === 0 ? [] : [details(`${rest.length} more metrics that both copies judge otherwise`, tableOf(rest))];
	return [[tableOf(rows.slice(0, OPEN_ROWS$1)), ...more].join("\n\n")];
}
function saidOf({ againstTip }) {
	return againstTip === true ? "What judges this change differs from the base branch's" : "This change edits what judges it";
}
function filesText(files) {
	const shown = files.slice(0, SHOWN_FILES).map(code).join(", ");
	return files.length > SHOWN_FILES ? `${shown} and ${files.length - SHOWN_FILES} more` : shown;
}
function ownText({ verdict: own, headline, problem, metrics }, verdict) {
	if (own === null) return `This change's own cannot be read: ${plain(problem ?? "unknown")}`;
	if (own === verdict.verdict && metrics.length === 0) return "This change's own say the same.";
	return `By this change's own it would be ${SIGNS[own]}: ${plain((headline ?? "").replace(/[.\s]+$/, ""))}.`;
}
function cell(judgement, unit) {
	if (judgement === null) return "not judged";
	const { verdict, level, base, tolerance, absoluteTolerance } = judgement;
	return `${level === "gate" ? WORDS$1[verdict] : `${WORDS$1[verdict]}, only watched`} (baseline ${formatValue(base, unit)}, tolerance ${formatTolerance(tolerance, absoluteTolerance, unit)})`;
}

// src/report/comment-chart.ts
/** A curve of fewer points says no more than the table does. */
const LEAST_POINTS$1 = 3;
/**
* Throughput over concurrency as a Mermaid chart, which GitHub draws; only where it changed and both sides have a
* curve. Bars against a line: they differ without colour. The syntax is that of old versions, since GitHub's is unknown.
*/
function curveChart(comparison) {
	if (comparison === null || comparison.fingerprint.some(({ rule }) => rule === "must")) return [];
	const curve = curveOf(sideValues(comparison, null), "tokens_per_s").filter(({ base, head }) => base !== null && head !== null);
	const changed = comparison.comparisons.some(({ metric, verdict }) => /^batching\.c\d+\.tokens_per_s$/.test(metric) && (verdict === "regressed" || verdict === "improved"));
	if (curve.length < LEAST_POINTS$1 || !changed) return [];
	const list = (values) => values.map((value) => Number((value ?? 0).toPrecision(4))).join(", ");
	const most = Math.max(...curve.flatMap(({ base, head }) => [base ?? 0, head ?? 0]));
	const step = 10 ** Math.floor(Math.log10(most));
	const top = Math.ceil(most / step) * step;
	return [[
		"```mermaid",
		"---",
		"config:",
		"  themeVariables:",
		"    xyChart:",
		"      plotColorPalette: \"#8c959f, #0969da\"",
		"---",
		"xychart-beta",
		"  title \"Output tokens/s by requests at once (bars: baseline, line: this run)\"",
		`  x-axis [${curve.map(({ concurrency }) => concurrency).join(", ")}]`,
		`  y-axis "tokens/s" 0 --> ${top}`,
		`  bar [${list(curve.map(({ base }) => base))}]`,
		`  line [${list(curve.map(({ head }) => head))}]`,
		"```"
	].join("\n")];
}

// src/report/earlier-nights.ts
/** Lines that are told; the report has the rest. */
const MOST_LINES = 3;
/** A chart of fewer nights says no more than the line does. */
const LEAST_POINTS = 10;
/**
* The earlier nights, where they say more than the table: the main branch had left the baseline's level before this
* run, for the one where it is now. The first such metric is drawn, as a chart that GitHub draws.
*/
function earlierNights(comparison, history) {
	const old = oldChanges(comparison, history);
	const [worst] = old;
	if (worst === void 0) return [];
	const more = old.length > MOST_LINES ? [`- and ${old.length - MOST_LINES} more`] : [];
	const text = `Changed before this run, says the nightly history:\n\n${[...old.slice(0, MOST_LINES).map((each) => `- ${sentence(each)}`), ...more].join("\n")}`;
	return worst.history.points.length < LEAST_POINTS ? [text] : [text, chart(worst)];
}
function oldChanges(comparison, history) {
	const changed = (comparison?.comparisons ?? []).filter(({ level, verdict }) => level === "gate" && verdict !== "pass" && verdict !== "invalid");
	return (history?.metrics ?? []).flatMap((each) => {
		const compared = changed.find(({ metric }) => metric === each.metric);
		const change = each.changes.at(-1);
		const { anchor } = each;
		const head = compared?.head ?? null;
		if (compared === void 0 || change === void 0 || anchor === null || head === null) return [];
		const isNearer = Math.abs(head - change.after) < Math.abs(head - anchor);
		const isSameWay = Math.sign(change.after - anchor) === Math.sign(head - anchor);
		return isNearer && isSameWay ? [{
			compared,
			history: each,
			change
		}] : [];
	});
}
function sentence({ compared, history, change }) {
	const { metric, unit } = compared;
	const between = change.between.length === 0 ? "" : `; with it changed ${change.between.map(plain).join(", ")}`;
	return `${code(metric)} is at ${formatValue(change.after, unit)} since ${day(change.at)}, ${formatValue(change.before, unit)} before${between}. This run: ${formatValue(compared.head, unit)}, the baseline: ${formatValue(history.anchor, unit)}`;
}
/** A day of a file that anyone may have written. */
function day(at) {
	return plain(at.slice(0, 10));
}
/** Nights as a line against the baseline's value, the last point is this run. Syntax as of old versions of Mermaid. */
function chart({ compared, history }) {
	const factor = compared.unit === "share" ? 100 : 1;
	const number = (value) => Number((value * factor).toPrecision(4));
	const values = [...history.points.map(({ value }) => value), compared.head ?? 0].map(number);
	const anchor = number(history.anchor ?? 0);
	const [low, high] = [Math.min(anchor, ...values), Math.max(anchor, ...values)];
	const margin = (high - low || Math.abs(high) || 1) * .1;
	const unit = compared.unit === "share" ? "%" : compared.unit;
	const title = `${compared.metric}, ${history.points.length} nights and this run (flat: baseline)`;
	const quoted = (text) => `"${plain(text).replace(/["\\\\\n]/g, "")}"`;
	return [
		"```mermaid",
		"---",
		"config:",
		"  themeVariables:",
		"    xyChart:",
		"      plotColorPalette: \"#0969da, #8c959f\"",
		"---",
		"xychart-beta",
		`  title ${quoted(title)}`,
		`  x-axis "night" 1 --> ${values.length}`,
		`  y-axis ${quoted(unit)} ${number((low - margin) / factor)} --> ${number((high + margin) / factor)}`,
		`  line [${values.join(", ")}]`,
		`  line [${values.map(() => anchor).join(", ")}]`,
		"```"
	].join("\n");
}

// src/report/comment.ts
/** Rows that are open to everybody; the rest is folded. */
const OPEN_ROWS = 10;
const part = (name, text) => ({
	name,
	text
});
const parts = (name, texts) => texts.map((text) => part(name, text));
/** The pull-request comment: the verdict and what to do, then what changed, then everything else, folded. */
function renderComment(input) {
	return `${[`<!-- vllm-gate:${input.verdict.scenario.replace(/[^\w.-]/g, "_").replaceAll("--", "-_")} -->`, ...commentParts(input).map(({ text }) => text)].join("\n\n")}\n`;
}
/** The parts of {@link renderComment}, without its marker, in their order. */
function commentParts(input) {
	const { verdict, run, comparison } = input;
	return [
		part("heading", `### ${signOf(verdict, comparison)} · vllm-gate · ${plain(verdict.scenario)}`),
		part("headline", `**${plain(verdict.headline.replace(/[.\s]+$/, ""))}.** ${plain(verdict.nextAction)}`),
		...parts("reasons", verdict.cause === "not_recorded" ? [verdict.reasons.map((reason) => `- ${plain(reason)}`).join("\n")] : []),
		...parts("reportOnly", verdict.reportOnly ? ["_Report only: this verdict does not block the merge._"] : []),
		...parts("bothCopies", bothCopies(comparison, verdict)),
		...parts("ownCopies", ownCopies(comparison)),
		...parts("machine", machineRows(comparison)),
		...changedRows(comparison, verdict.headline),
		...parts("limits", limitRows(comparison)),
		...parts("flags", differingFlags(comparison)),
		...parts("attribution", attributions(comparison)),
		...parts("history", earlierNights(comparison, input.history ?? null)),
		...parts("chart", curveChart(comparison)),
		...failure(verdict, run),
		...parts("warnings", warnings(input)),
		...parts("effort", effort(input)),
		...allRows(comparison, input.measurements),
		...parts("firstToken", firstToken(input.measurements)),
		part("environment", environment(input)),
		part("howTo", howTo(input))
	];
}
const WORDS = {
	pass: "ok",
	improved: "better",
	inconclusive: "undecided",
	invalid: "invalid",
	regressed: "**worse**"
};
const HEADER = [
	"metric",
	"baseline → this run",
	"change [95 %]",
	"verdict",
	"tolerance",
	"could see"
];
const ALIGN = [
	"l",
	"r",
	"r",
	"l",
	"r",
	"r"
];
function comparisonRow(each) {
	return [
		code(each.metric),
		unbroken(formatPair(each)),
		unbroken(formatEffect(each)).replace("[", "\\["),
		isUnconfirmed(each) ? `${WORDS[each.verdict]}, unconfirmed` : WORDS[each.verdict],
		formatTolerance(each.tolerance, each.absoluteTolerance, each.unit),
		unbroken(formatDetectable(each))
	];
}
/** Numbers stay with their units where a column is narrow. */
const unbroken = (text) => text.replaceAll(" ", "\xA0");
/** @param reach - with what each could have shown: of what is plainly worse or better nobody asks */
function metricTable(comparisons, reach = true) {
	const columns = reach ? HEADER.length : HEADER.length - 1;
	const rows = comparisons.map((each) => comparisonRow(each).slice(0, columns));
	return table(HEADER.slice(0, columns), rows, ALIGN.slice(0, columns));
}
function machineRows(comparison) {
	const fields = incomparable(comparison);
	if (fields.length === 0) return [];
	const rows = fields.map((each) => [
		plain(each.field),
		plain(String(each.base ?? "none")),
		plain(String(each.head ?? "none"))
	]);
	return [table([
		"must be equal",
		"baseline",
		"this run"
	], rows)];
}
function changedRows(comparison, headline) {
	if (comparison === null || incomparable(comparison).length > 0) return [];
	const gated = comparison.comparisons.filter((each) => each.level === "gate");
	const changed = ordered(gated, CHANGED);
	if (changed.length === 0) return [];
	const open = changed.slice(0, OPEN_ROWS);
	const rest = changed.slice(OPEN_ROWS);
	const reasons = reasonsOf(changed).filter(({ reason }) => !headline.includes(reason)).map(({ metrics, reason }) => `- ${metrics.map(code).join(", ")}: ${plain(reason)}`);
	return [
		part("changed", metricTable(open, open.some(({ verdict }) => verdict === "inconclusive"))),
		...parts("reasons", reasons.length > 0 ? [reasons.join("\n")] : []),
		...parts("moreChanged", rest.length > 0 ? [details(`${rest.length} more gated metrics`, metricTable(rest))] : [])
	];
}
function limitRows(comparison) {
	const limits = comparison?.limits ?? [];
	if (limits.length === 0) return [];
	const rows = limits.map((limit) => [
		code(limit.metric),
		limit.value === null ? "not measured" : formatValue(limit.value, limit.unit),
		`${limit.side} ${formatValue(limit.bound, limit.unit)}`
	]);
	return [table([
		"broken limit",
		"this run",
		"limit"
	], rows, [
		"l",
		"r",
		"r"
	])];
}
function differingFlags(comparison) {
	if (comparison === null || comparison.baseSource === null) return [];
	if (comparison.flags.length === 0) return [`Flags and vLLM version are those of ${baseName(comparison)}.`];
	const rows = comparison.flags.map((each) => [
		each.what.startsWith("-") ? code(each.what) : plain(each.what),
		each.base === null ? "not set" : code(each.base),
		each.head === null ? "not set" : code(each.head)
	]);
	return [table([
		"what differs",
		comparison.interleaved === true ? "base" : "baseline",
		"this run"
	], rows)];
}
function failedSession(run) {
	return run.sessions.find((session) => session.outcome !== "ok" && session.cause !== void 0);
}
function failure(verdict, run) {
	if (verdict.verdict !== "failed") return [];
	const session = failedSession(run);
	const tail = session?.logTail ?? [];
	const said = oneLine(`${verdict.headline} ${verdict.nextAction}`);
	const unsaid = (text) => text !== void 0 && !said.includes(oneLine(text));
	return [
		...parts("cause", unsaid(session?.cause) ? [codeBlock([session?.cause ?? ""])] : []),
		...parts("hint", unsaid(session?.hint) ? [plain(session?.hint ?? "")] : []),
		...parts("log", tail.length === 0 ? [] : [details("End of the server's log", codeBlock(tail))])
	];
}
function warnings(input) {
	const all = warningTexts(input);
	return all.length === 0 ? [] : [all.map((each) => `- ⚠️ ${plain(each)}`).join("\n")];
}
/** What of that which differs is known to have moved the metrics that changed. */
function attributions(comparison) {
	const gated = (comparison?.comparisons ?? []).filter((each) => each.level === "gate" && each.verdict !== "pass");
	const lines = attributionPhrases(gated).map((each) => `- ${phraseText(each)}`);
	return lines.length === 0 ? [] : [`Known causes:\n\n${lines.join("\n")}`];
}
function phraseText(phrase) {
	return phrase.map((each) => typeof each === "string" ? plain(each) : code(each.id)).join("");
}
/** What the run could see, what it took, and why more was measured than at first. */
function effort(input) {
	const reach = reachPhrase(input.comparison);
	const extent = extentText(input);
	const said = [...reach === null ? [] : [phraseText(reach)], ...extent === null ? [] : [extent]];
	const looks = lookLines(input.run);
	return [...said.length === 0 ? [] : [said.join(" ")], ...looks.length === 0 ? [] : [details(`Why more was measured: ${looks.length} looks`, looks.map((each) => `1. ${plain(each)}`).join("\n"))]];
}
function allRows(comparison, measurements) {
	if (comparison !== null && comparison.comparisons.length > 0) {
		const all = comparison.comparisons;
		if (incomparable(comparison).length > 0) {
			const title = `${metrics(all.length, "")}, not judged`;
			return [part("measured", details(title, metricTable(ordered(all, ["invalid"]))))];
		}
		const same = ordered(all.filter((each) => each.level === "gate"), ["pass"]);
		const watched = ordered(all.filter((each) => each.level === "watch"), [...CHANGED, "pass"]);
		const worse = watched.filter((each) => each.verdict === "regressed").length;
		const noted = worse === 0 ? "" : ` (${worse} worse)`;
		return [...parts("passed", same.length > 0 ? [details(`${metrics(same.length, "gated ")} that did not get worse`, metricTable(same))] : []), ...parts("watched", watched.length > 0 ? [details(`${metrics(watched.length, "watched ")}, never blocking${noted}`, metricTable(watched))] : [])];
	}
	const values = measurements?.measurements ?? [];
	if (values.length === 0) return [];
	const units = new Map(measurements?.metrics.map((metric) => [metric.id, metric.unit]));
	const ids = [...new Set(values.map((each) => each.metric))].sort();
	const rows = ids.map((id) => [code(id), values.filter((each) => each.metric === id).map((each) => formatValue(each.value, units.get(id) ?? "")).join(", ")]);
	return [part("measured", details(`${metrics(ids.length, "")} measured`, table(["metric", "by round"], rows)))];
}
function metrics(count, kind) {
	return `${count} ${kind}metric${count === 1 ? "" : "s"}`;
}
function firstToken(measurements) {
	const summaries = measurements?.ttft ?? [];
	const variants = new Set(summaries.map(({ variant }) => variant)).size;
	const said = summaries.flatMap((summary) => summary.observations.map((each) => `- ${summaries.length > 1 ? `Session ${summary.session}${variants > 1 ? ` (${summary.variant})` : ""}: ` : ""}${plain(each)}`));
	return said.length === 0 ? [] : [details("First-token latency in words", said.join("\n"))];
}
function environment(input) {
	const { run, comparison } = input;
	const differing = new Map(comparison?.fingerprint.map((each) => [each.field, each]));
	const rows = Object.entries(run.fingerprint).filter(([, value]) => value !== null).map(([field, value]) => {
		const difference = differing.get(field);
		const before = difference === void 0 ? "same" : plain(String(difference.base ?? "none"));
		return [
			plain(field),
			...differing.size === 0 ? [] : [before],
			plain(String(value))
		];
	});
	const header = [
		"environment",
		...differing.size === 0 ? [] : ["baseline"],
		"this run"
	];
	const versions = [...new Set(run.sessions.map((session) => session.vllmVersion ?? "unknown"))].join(", ");
	const argv = run.sessions.find((session) => session.argv !== void 0)?.argv ?? [];
	const unknown = (run.sessions[0]?.unknownFacts ?? []).filter((each) => each.expected !== true);
	const body = [
		`vLLM ${plain(versions)}, vllm-gate ${plain(run.toolVersion ?? "unknown")}${run.commit ? `, commit ${code(run.commit.slice(0, 12))}` : ""}`,
		...argv.length > 0 ? [codeBlock([typed(argv)])] : [],
		table(header, rows),
		...run.fingerprint["hostId"] === null ? ["Nothing tells this host from others: it is taken for the one of the baseline."] : [],
		...unknown.length > 0 ? [`Unknown: ${unknown.map((each) => `${code(each.fact)} (${plain(each.reason)})`).join("; ")}`] : []
	].join("\n\n");
	return details("Environment and command", body);
}
function howTo(input) {
	const { comparison } = input;
	const accept = acceptInstructions(input);
	const lines = [
		...[...accept, ...repeatInstructions(input)].map(instructionText),
		...comparison?.baseSource == null ? [] : [`Baseline: ${code(comparison.baseSource)}`],
		`Run: ${code(input.runPath)}; ${code("report.html")} in it shows every sample`
	];
	const title = accept.length === 0 ? "How to run it again" : "How to accept these numbers, and how to run it again";
	return details(title, lines.join("\n\n"));
}
function instructionText(instruction) {
	return instruction.map((each) => typeof each === "string" ? plain(each) : code(each.command)).join("");
}

// src/report/overview.ts
/** The worst first. */
const ORDER = [
	"regressed",
	"failed",
	"invalid",
	"inconclusive",
	"improved",
	"pass"
];
const rank = ({ verdict }) => {
	return ORDER.indexOf(verdict?.verdict ?? "failed") * 4 + (verdict === null ? 0 : verdict.exitCode === EXIT.pass ? 2 : 1);
};
/** Cells in the order in which they are shown: the worst first, then by name. */
function worstFirst(cells) {
	return [...cells].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en"));
}
/** The worst of all decides; a run that is missing is a run that failed. */
function overallOf(cells) {
	const sorted = worstFirst(cells);
	const [worst] = sorted;
	if (worst === void 0) return {
		verdict: "failed",
		exitCode: EXIT.notMeasured,
		conclusion: "failure",
		headline: "There is no run to report",
		nextAction: "Hand run folders to this step: did the measuring jobs run, and upload them?"
	};
	const blocking = sorted.filter(({ verdict }) => verdict === null || verdict.exitCode !== EXIT.pass);
	const count = (number) => `${number} of ${cells.length} run${cells.length === 1 ? "" : "s"}`;
	const [first] = blocking;
	if (first === void 0) {
		const clean = cells.every(({ verdict }) => verdict?.conclusion === "success");
		return {
			verdict: worst.verdict?.verdict ?? "failed",
			exitCode: EXIT.pass,
			conclusion: clean ? "success" : "neutral",
			headline: clean ? `${count(cells.length)} passed` : `None of ${cells.length} runs blocks; the worst is ${worst.verdict?.verdict}`,
			nextAction: "Nothing to do."
		};
	}
	const why = first.verdict === null ? first.problem ?? "it is missing" : first.verdict.headline;
	return {
		verdict: first.verdict?.verdict ?? "failed",
		exitCode: Math.min(first.verdict?.exitCode ?? EXIT.notMeasured, EXIT.notMeasured),
		conclusion: first.verdict?.conclusion === "action_required" ? "action_required" : "failure",
		headline: `${count(blocking.length)} ${blocking.length === 1 ? "blocks" : "block"}: ${first.name}: ${why.replace(/[.\s]+$/, "")}`,
		nextAction: first.verdict?.nextAction ?? "See that job's log, and run it again."
	};
}
/** The comment on several runs: an overview, the worst first, then each run folded. */
function overviewParts(cells, overall) {
	const sorted = worstFirst(cells);
	const rows = sorted.map(({ name, verdict, problem, machine }) => [
		plain(name),
		plain(machine),
		verdict === null ? "❌ missing" : `${SIGNS[verdict.verdict]}${verdict.reportOnly ? " (report only)" : ""}`,
		plain(verdict?.headline ?? problem ?? "")
	]);
	return [
		{
			name: "heading",
			text: `### ${SIGNS[overall.verdict]} · vllm-gate · ${cells.length} runs`
		},
		{
			name: "headline",
			text: `**${plain(overall.headline.replace(/[.\s]+$/, ""))}.** ${plain(overall.nextAction)}`
		},
		...rows.length === 0 ? [] : [{
			name: "overview",
			text: table([
				"run",
				"machine",
				"verdict",
				"what happened"
			], rows)
		}],
		...sorted.filter(({ parts }) => parts.length > 0).map(({ name, verdict, parts }) => ({
			name: "run",
			text: details(`${verdict === null ? "❌ missing" : SIGNS[verdict.verdict]} · ${escapeHtml(name)}`, parts.filter((each) => each.name !== "heading").map(({ text }) => text).join("\n\n"))
		}))
	];
}
/** Within a summary, HTML is read before Markdown. */
function escapeHtml(text) {
	return plain(text).replace(/\\([<>&])/g, (_, sign) => ({
		"<": "&lt;",
		">": "&gt;"
	})[sign] ?? "&amp;");
}

// src/reporting.ts
/**
* Reads what a run folder has to report.
*
* @throws UsageError when it is no run folder, or its run did not end
*/
async function readReported(folder) {
	const optional = async (name, schema) => {
		const path = join(folder, name);
		const text = await readTextIfExists(path);
		return text === null ? null : parseJson(text, schema, path);
	};
	return {
		folder,
		run: await readJson(join(folder, RUN_FILES.run), runRecordSchema),
		verdict: await readJson(join(folder, RUN_FILES.verdict), verdictFileSchema),
		comparison: await optional(RUN_FILES.comparison, comparisonFileSchema),
		measurements: await optional(RUN_FILES.measurements, measurementsFileSchema),
		history: await optional(RUN_FILES.history, historyFileSchema),
		handoff: await optional(HANDOFF_FILE, handoffSchema)
	};
}
/** What a run's comment is made from. */
function commentInputOf(reported, cwd) {
	const { folder, run } = reported;
	const path = relative(cwd, resolve(cwd, folder)) || folder;
	const runPath = path.startsWith("..") ? `runs/${run.id ?? basename(folder)}` : path;
	return {
		...reported,
		runPath,
		acceptCommand: `vllm-gate record ${runPath}`
	};
}
/** The parts of a run's comment. */
function partsOf(reported, cwd) {
	return commentParts(commentInputOf(reported, cwd));
}
/**
* The run folders that are named: a folder with a `run.json`, a folder of such folders, or a pattern (`runs/*`, for
* callers without a shell). Sorted.
*
* @throws UsageError for a name without a wildcard that is no folder
*/
async function runFolders(names, cwd) {
	const found = /* @__PURE__ */ new Set();
	for (const name of names) {
		if (/[*?[{]/.test(name)) {
			for await (const path of glob(name, { cwd })) if (await isFolder(resolve(cwd, path))) found.add(resolve(cwd, path));
			continue;
		}
		const path = resolve(cwd, name);
		if (!await isFolder(path)) throw new UsageError(`${name}: no such folder, expected a run folder`);
		if (await lstat(join(path, RUN_FILES.run)).then(() => true, () => false)) found.add(path);
		else for (const inner of await subfolders(path)) found.add(inner);
	}
	return [...found].sort();
}
async function subfolders(path) {
	return (await readdir(path, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => join(path, entry.name));
}
function isFolder(path) {
	return lstat(path).then((entry) => entry.isDirectory(), () => false);
}
/**
* The cells of a matrix, from the runs that are there and the names that were expected: one that is missing, twice
* there, or cannot be read is shown as such, and passes nothing.
*/
function cellsOf(runs, unread, expected, cwd) {
	const cells = runs.map((reported) => ({
		name: reported.handoff?.cell ?? reported.verdict.scenario,
		verdict: reported.verdict,
		problem: null,
		machine: machineOf(reported.run),
		parts: partsOf(reported, cwd)
	}));
	const missing = (name, problem) => ({
		name,
		verdict: null,
		problem,
		machine: "",
		parts: []
	});
	const counts = Map.groupBy(cells, ({ name }) => name);
	const named = cells.map((cell, index) => (counts.get(cell.name)?.length ?? 0) > 1 ? {
		...cell,
		name: `${cell.name} (${basename(runs[index]?.folder ?? "")})`
	} : cell);
	const present = new Set(cells.map(({ name }) => name));
	return [
		...named,
		...unread.map(({ folder, problem }) => missing(basename(folder), problem)),
		...expected.filter((name) => !present.has(name)).map((name) => missing(name, "No run of this name was handed on: its job did not run, or it died"))
	];
}
function machineOf({ fingerprint }) {
	const { gpuModel, gpuCount, cpuModel } = fingerprint;
	if (typeof gpuModel !== "string") return typeof cpuModel === "string" ? cpuModel : "";
	return Number(gpuCount) > 1 ? `${gpuCount} × ${gpuModel}` : gpuModel;
}
/** Merges runs into one report: an overview, the worst first, and each of them folded. */
function mergeRuns(cells) {
	const overall = overallOf(cells);
	return {
		overall,
		parts: overviewParts(cells, overall)
	};
}
/** Reads folders, each with its own problem. */
async function readAll(folders, read) {
	const runs = [];
	const unread = [];
	for (const folder of folders) try {
		runs.push(await read(folder));
	} catch (error) {
		unread.push({
			folder,
			problem: messageOf(error)
		});
	}
	return {
		runs,
		unread
	};
}

// package.json
var version = "0.1.0";

// src/version.ts
/** This tool's version, from `package.json`. */
const TOOL_VERSION = version;

export { partsOf as a, runFolders as c, readHostileRun as d, mergeRuns as i, renderComment as l, cellsOf as n, readAll as o, commentInputOf as r, readReported as s, TOOL_VERSION as t, HANDOFF_FILE as u };