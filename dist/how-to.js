import { z as incomparable } from "./rows.js";

// src/domain/command-line.ts
/** What a run took from options in place of the file, and how that is typed. */
const OPTIONS = {
	model: ({ model }) => model === void 0 ? [] : ["--model", model],
	serverUrl: ({ url }) => url === void 0 ? [] : ["--server-url", url],
	command: ({ command }) => command === void 0 ? [] : ["--command", typed(command)],
	args: ({ args }) => ["--args", typed(args)]
};
/**
* The command that does what a run did: its scenario, and the options that came in place of the file's values.
*
* @param without - options that are not repeated
*/
function commandOf(verb, run, without = []) {
	const variant = run.variants["head"] ?? Object.values(run.variants)[0];
	const repeated = (run.overridden ?? []).filter((key) => !without.includes(key));
	const options = variant === void 0 ? [] : repeated.flatMap((key) => OPTIONS[key]?.(variant) ?? []);
	return typed([
		"vllm-gate",
		verb,
		"--scenario",
		run.scenario,
		...options
	]);
}
/**
* The command that runs the same again.
*
* @param beside - an A/B: the other side is typed out, whichever revision it came from
*/
function repeatCommand(run, beside) {
	const { base } = run.variants;
	const command = commandOf("run", run);
	if (!beside || base === void 0) return command;
	const other = typed(base.command ?? []) === typed(run.variants["head"]?.command ?? []) ? [] : ["--base-command", typed(base.command ?? [])];
	return `${command} ${typed([
		"--compare-to",
		"base",
		"--base-args",
		typed(base.args),
		...other
	])}`;
}
/**
* The command that records the baseline that a run lacks. Flags that were tried by an option are not the ones to
* compare with, unless the model came by an option too: then there may be no file that says others.
*/
function firstRecordCommand(run) {
	return commandOf("record", run, run.overridden?.includes("model") ? [] : ["args"]);
}
/** Arguments as a shell takes them. */
function typed(args) {
	return args.map((arg) => /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`).join(" ");
}

// src/report/sign.ts
/** A verdict with its sign. */
const SIGNS = {
	pass: "✅ pass",
	improved: "✅ improved",
	inconclusive: "⚠️ inconclusive",
	invalid: "⚠️ no verdict",
	regressed: "❌ regressed",
	failed: "❌ failed"
};
/** The sign and the word that a report begins with. */
function signOf(verdict, comparison) {
	if (verdict.cause === "cancelled" || verdict.cause === "killed") return "⏹ cancelled";
	const limits = comparison?.limits.length ?? 0;
	if (verdict.verdict === "regressed" && verdict.counts.regressed === 0 && limits > 0) return "❌ limit broken";
	return SIGNS[verdict.verdict];
}

// src/report/side-values.ts
/** Every metric by its id. */
function sideValues(comparison, measurements) {
	const compared = (comparison?.comparisons ?? []).map(({ metric, unit, base, head }) => [metric, {
		metric,
		unit,
		base,
		head
	}]);
	if (compared.length > 0) return new Map(compared);
	const values = Map.groupBy((measurements?.measurements ?? []).filter(({ variant }) => variant === "head"), ({ metric }) => metric);
	const units = new Map(measurements?.metrics.map(({ id, unit }) => [id, unit]));
	return new Map([...values].map(([metric, group]) => {
		const sorted = group.map(({ value }) => value).sort((a, b) => a - b);
		const head = sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
		return [metric, {
			metric,
			unit: units.get(metric) ?? "",
			base: null,
			head
		}];
	}));
}
/** A quantity of the batching sweep over concurrency, ascending. */
function curveOf(values, quantity) {
	return [...values.values()].flatMap((each) => {
		const found = /^batching\.c(\d+)\.(.+)$/.exec(each.metric);
		return found?.[2] === quantity ? [{
			...each,
			concurrency: Number(found[1])
		}] : [];
	}).sort((a, b) => a.concurrency - b.concurrency);
}
const SIDES = ["base", "head"];
/** The points of one side that were measured. */
function sidePoints(points, side) {
	return points.flatMap(({ concurrency, [side]: value }) => value === null ? [] : [{
		concurrency,
		value
	}]);
}

// src/report/how-to.ts
/** How this run becomes the baseline, or why it cannot; empty where there is nothing to accept. */
function acceptInstructions(input) {
	const { verdict, run, measurements, comparison } = input;
	if (verdict.cause !== "decided" && verdict.cause !== "no_baseline") return [];
	if (verdict.verdict === "regressed" && verdict.counts.regressed === 0) return [];
	if (comparison?.interleaved === true) {
		if (verdict.verdict !== "regressed") return [];
		return [["An A/B has no baseline that the loss could be accepted in: where it is wanted, merge past this check.", " The next A/B begins from what was merged."]];
	}
	if (measurements?.measurements.some((each) => each.metric === "requests.error_rate" && each.value > 0)) return [["This run cannot become a baseline: some of its requests failed."]];
	if ((measurements?.taints.length ?? 0) > 0) return [["This run cannot become a baseline: some of its numbers must not be trusted."]];
	const measure = { command: commandOf("record", run) };
	if (incomparable(comparison).length > 0) return [[
		"Record a baseline of this machine and these probes: ",
		measure,
		"."
	], quick(input)];
	if (verdict.cause === "no_baseline") return [[
		"Record a baseline: ",
		{ command: firstRecordCommand(run) },
		", then commit it on the base branch."
	], quick(input)];
	return [
		...acceptLosses(input),
		[
			"Accept this server as the new baseline: ",
			measure,
			" measures it anew, then commit it with the reason."
		],
		quick(input)
	];
}
/** More metrics than this are named by their probe. */
const MOST_NAMES = 6;
/** Takes what got worse, and nothing else, from this run. */
function acceptLosses({ comparison, acceptCommand }) {
	const worse = (comparison?.comparisons ?? []).filter((each) => each.level === "gate" && each.verdict === "regressed").map(({ metric }) => metric).sort();
	if (worse.length === 0) return [];
	const probes = [...new Set(worse.map((id) => `${id.split(".")[0]}.*`))];
	const names = worse.length > MOST_NAMES ? probes : worse;
	return [[
		"Accept only what got worse, from this run: ",
		{ command: `${acceptCommand} --accept ${typed(names)} --reason "…"` },
		"."
	]];
}
/** The other way to a baseline: at once, and with less behind it. */
function quick({ run, comparison, acceptCommand }) {
	const own = run.sessions.filter(({ outcome, variant }) => outcome === "ok" && variant !== "base").length;
	const replaced = incomparable(comparison).length > 0 ? [] : comparison?.comparisons ?? [];
	const before = Math.max(0, ...replaced.map((each) => each.baseSessions.length));
	const caveat = `a baseline of ${own} session${own === 1 ? "" : "s"}${before > own ? ` in place of ${before}` : ""}`;
	return [
		"At once, without measuring: ",
		{ command: acceptCommand },
		` records this run alone, ${caveat}.`
	];
}
/** How to do the same again: on the GPU, and the decision alone on any machine. */
function repeatInstructions({ run, comparison, runPath }) {
	const base = comparison?.baseSource ?? null;
	const isFile = base?.endsWith(".json") === true;
	const rules = run.overridden?.includes("model") ? [] : ["--scenario", run.scenario];
	return [["Run it again: ", { command: repeatCommand(run, comparison?.interleaved === true) }], ...isFile ? [["Decide again on any machine, without a GPU, from the run's files: ", { command: typed([
		"vllm-gate",
		"compare",
		"--base",
		base,
		"--head",
		runPath,
		...rules
	]) }]] : []];
}

export { sidePoints as a, signOf as c, typed as d, curveOf as i, commandOf as l, repeatInstructions as n, sideValues as o, SIDES as r, SIGNS as s, acceptInstructions as t, firstRecordCommand as u };