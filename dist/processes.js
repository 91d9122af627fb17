import { S as string, d as _enum, g as literal, h as custom, m as boolean, p as array, t as EXIT, v as number, y as object } from "./verdict.js";
import { i as messageOf, r as UsageError } from "./errors.js";
import { V as ordered, g as RUN_FILES, v as runRecordSchema, z as incomparable } from "./rows.js";
import { d as writeJson, l as sha256, o as readJson, t as briefly } from "./files.js";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { appendFile, mkdir, readFile, readdir, readlink, rm } from "node:fs/promises";
import { createReadStream } from "node:fs";

// src/system/state-file.ts
const identitySchema = object({
	pid: number(),
	startTicks: number()
});
/** Name under which the action hands the state file's path from its main step to its `post` step. */
const STATE_NAME = "state-file";
/** A server that may be alive: written before it is spawned, removed after it was proved gone. */
const liveServerSchema = object({
	marker: string(),
	/** Leader of its process group and that process's start time; null until it was spawned. */
	leader: identitySchema.nullable(),
	/** What it had started when it was ready: some of them may have left its group and dropped its marker. */
	descendants: array(identitySchema).optional()
});
const stateSchema = object({
	schemaVersion: literal(1),
	scenario: string(),
	runDir: string(),
	/** What is going on, for the reader of a verdict that a killed process could not write. */
	doing: string(),
	servers: array(liveServerSchema)
});
async function createStateFile(path, initial) {
	let state = {
		schemaVersion: 1,
		...initial,
		servers: []
	};
	await writeJson(path, state);
	return {
		get current() {
			return state;
		},
		async update(change) {
			state = {
				...state,
				...change
			};
			await writeJson(path, state);
		},
		async close() {
			if (state.servers.length === 0) await rm(path, { force: true });
		}
	};
}
/** @throws UsageError when the file is missing or not a state file */
function readStateFile(path) {
	return readJson(path, stateSchema);
}

// src/domain/trace.ts
/** How a request ended. Only `ok` requests of the `measure` phase enter a latency; the others are counted. */
const OUTCOMES = [
	"ok",
	"http_error",
	"timeout",
	"aborted",
	"protocol_error"
];
/**
* What is wrong with a list of arrivals, and where. A check of our own: a run has millions of them, and the library
* takes ten times as long.
*/
function faultOfArrivals(value) {
	if (!Array.isArray(value)) return {
		path: [],
		message: "expected a list of pairs: time, tokens"
	};
	for (let index = 0; index < value.length; index += 1) {
		const pair = value[index];
		if (!Array.isArray(pair) || pair.length !== 2) return {
			path: [index],
			message: "expected a pair: time, tokens"
		};
		if (!Number.isFinite(pair[0])) return {
			path: [index, 0],
			message: "expected a number"
		};
		if (!Number.isSafeInteger(pair[1]) || pair[1] < 0) return {
			path: [index, 1],
			message: "expected a whole number, 0 or more"
		};
	}
	return null;
}
/**
* One request's raw times and counts: a line of `traces.jsonl`.
*
* Times are seconds on one monotonic clock, zero at the spawn of the session's server (at the session's
* start when the server was already running).
*/
const requestTraceSchema = object({
	variant: string(),
	session: number().int().nonnegative(),
	round: number().int().nonnegative(),
	probe: string(),
	case: string(),
	/** `warmup` requests prepare a case and are never measured. */
	phase: _enum(["warmup", "measure"]),
	/** Unique within a case of a round, e.g. `batching.c8.17`. */
	id: string(),
	promptTokens: number().int().nonnegative().nullable(),
	/** Prompt tokens that the server took from its prefix cache; null where it does not tell. */
	cachedTokens: number().int().nonnegative().nullable(),
	outputTokens: number().int().nonnegative().nullable(),
	/** When it was to be sent, in an open loop: a client or a connection that came late delayed its send. */
	plannedS: number().optional(),
	/** When it was written; its connection was open by then. */
	startS: number(),
	firstTokenS: number().nullable(),
	lastTokenS: number().nullable(),
	endS: number(),
	/**
	* [time, tokens that this event carried]; the tokens add up to `outputTokens`. Left out where the server
	* gave no running count and sent fewer events than tokens: what each event carried is then unknown.
	*/
	arrivals: custom().superRefine((value, context) => {
		const fault = value === void 0 ? null : faultOfArrivals(value);
		if (fault !== null) context.addIssue({
			code: "custom",
			...fault
		});
	}).optional(),
	outcome: _enum(OUTCOMES),
	/** HTTP status; null when no response came. */
	status: number().int().nullable(),
	error: string().nullable(),
	/**
	* The server had closed the idle connection that it was written on first; it was sent once more on a new one, and
	* its times are those of that.
	*/
	resent: boolean().optional()
});

// src/system/run-folder.ts
/** A name for a run that sorts by time and cannot collide: `20261122T063500Z-3fa2`. */
function newRunId(now) {
	return `${now.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "")}-${randomBytes(2).toString("hex")}`;
}
/** Writes `run.json`. */
function writeRun(folder, run) {
	return writeJson(join(folder, RUN_FILES.run), run);
}
/** Appends lines to `traces.jsonl` in one write. */
async function appendTraces(folder, traces) {
	await mkdir(folder, { recursive: true });
	const text = traces.map((trace) => `${JSON.stringify(trace)}\n`).join("");
	await appendFile(join(folder, RUN_FILES.traces), text);
}
/**
* Reads a run folder, made by this tool or by anything that writes `run.json` and `traces.jsonl`.
*
* @throws UsageError naming the file, the line, the key and what was expected
*/
async function readRunFolder(folder) {
	const run = await readRunRecord(folder);
	const traces = [];
	for await (const trace of readTraces(folder)) traces.push(trace);
	return {
		run,
		traces
	};
}
/** Reads `run.json`. */
function readRunRecord(folder) {
	return readJson(join(folder, RUN_FILES.run), runRecordSchema);
}
/**
* The lines of `traces.jsonl`, one after another, so that a file of gigabytes needs no memory of that size. A folder
* without the file has none.
*
* @param needsArrivals - whether a trace's `arrivals` are read too, asked with the trace without them. They are most of
* the file, and reading them takes most of the time: where they are not, they are not checked either.
* @throws UsageError naming the file, the line, the key and what was expected
*/
async function* readTraces(folder, needsArrivals) {
	const path = join(folder, RUN_FILES.traces);
	let number = 0;
	for await (const lines of wholeLines(path)) for (const line of lines) {
		number += 1;
		if (line === "") continue;
		const where = `${path}:${number}`;
		const short = needsArrivals === void 0 ? null : withoutArrivals(line);
		const trace = parseTrace(short ?? line, where);
		yield short !== null && needsArrivals?.(trace) === true ? parseTrace(line, where) : trace;
	}
}
/** A file's lines, as many at once as were read at once. A killed writer leaves a last line without its end: it is left out. */
async function* wholeLines(path) {
	let rest = "";
	try {
		for await (const text of createReadStream(path, {
			encoding: "utf8",
			highWaterMark: READ_AT_ONCE
		})) {
			const lines = (rest + text).split("\n");
			rest = lines.pop() ?? "";
			yield lines;
		}
	} catch (error) {
		if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
	}
}
const READ_AT_ONCE = 1 << 20;
const ARRIVALS = "\"arrivals\":[[";
/**
* A trace's line with a key that nobody reads in place of its `arrivals`; null where they are not found as this tool
* writes them. Within a string they cannot be: its quotes are escaped.
*/
function withoutArrivals(line) {
	const begin = line.indexOf(ARRIVALS);
	const end = begin < 0 ? -1 : line.indexOf("]]", begin + 13);
	return end < 0 ? null : `${line.slice(0, begin)}"_":0${line.slice(end + 2)}`;
}
function parseTrace(line, where) {
	let value;
	try {
		value = JSON.parse(line);
	} catch (error) {
		throw new UsageError(`${where}: not JSON (${briefly(messageOf(error))})`);
	}
	const parsed = requestTraceSchema.safeParse(value);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	throw new UsageError(`${where}: ${issue?.path.join(".")}: ${issue?.message}`);
}
/** SHA-256 over a run's record and traces: what its numbers came from. */
async function hashRun(folder) {
	const parts = await Promise.all([RUN_FILES.run, RUN_FILES.traces].map((name) => readFile(join(folder, name), "utf8").catch(() => "")));
	return sha256(parts.join("\0"));
}

// src/system/clock.ts
/**
* When on CLOCK_MONOTONIC this process's `performance.now()` was zero, seconds. Both clocks tick alike: one reading of
* the one between two close readings of the other tells the distance, to a fraction of a microsecond.
*/
const ORIGIN_S = originS();
/**
* Monotonic time in seconds; never wall-clock time. It is CLOCK_MONOTONIC, which all processes of a machine share, so
* that times of several processes can be compared. Unlike `process.hrtime` it leaves no garbage: it is asked for each
* piece that comes from a server.
*/
function monotonicS() {
	return ORIGIN_S + performance.now() / 1e3;
}
function originS() {
	let closestNs = Number.POSITIVE_INFINITY;
	let result = 0;
	for (let attempt = 0; attempt < 100; attempt += 1) {
		const before = process.hrtime.bigint();
		const ownMs = performance.now();
		const apartNs = Number(process.hrtime.bigint() - before);
		if (apartNs >= closestNs) continue;
		closestNs = apartNs;
		result = (Number(before) + apartNs / 2) / 1e9 - ownMs / 1e3;
	}
	return result;
}
/** Waits; ends early, without an error, when the signal fires. */
function delay(ms, signal) {
	if (signal?.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			signal?.removeEventListener("abort", done);
			resolve();
		};
		const timer = setTimeout(done, ms);
		signal?.addEventListener("abort", done, { once: true });
	});
}
/**
* What a promise comes to, or undefined when that takes longer. Unlike a race against {@link delay} it leaves no timer,
* which would hold the process after its last work.
*/
async function within(ms, promise, signal) {
	const settled = new AbortController();
	const ends = signal === void 0 ? settled.signal : AbortSignal.any([settled.signal, signal]);
	try {
		return await Promise.race([promise, delay(ms, ends).then(() => void 0)]);
	} finally {
		settled.abort();
	}
}

// src/verdict/decide.ts
const NO_TIME = "Raise budgetMinutes: there was no time to see the loss in a second session.";
/** Sessions of head that a run has which measures all it may. */
const FULL_SESSIONS = 3;
/** Worst last: the order in which verdicts of metrics join to that of a run. */
const ORDER = [
	"pass",
	"improved",
	"inconclusive",
	"invalid",
	"regressed"
];
/** The worse of two verdicts; associative and commutative. */
function join$1(a, b) {
	return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;
}
const emptyCounts = () => ({
	pass: 0,
	improved: 0,
	inconclusive: 0,
	invalid: 0,
	regressed: 0
});
/**
* The verdict on a run that was measured and compared. `watch` metrics are shown and never move it; but a run of
* which a part must not be trusted decides nothing, whichever metrics that part has.
*
* @param notes - what else a reader of the verdict must know
*/
function decide(comparison, policy, notes = []) {
	const gated = comparison.comparisons.filter((each) => each.level === "gate");
	const counts = emptyCounts();
	for (const each of gated) counts[each.verdict] += 1;
	const looked = gated.length > 0 || comparison.limits.length > 0 || (comparison.limitsChecked ?? 0) > 0;
	const ofMetrics = gated.map((each) => each.verdict).reduce(join$1, looked ? "pass" : "invalid");
	const verdict = [verdictOfLimits(comparison.limits), verdictOfTaints(comparison)].reduce(join$1, ofMetrics);
	const ofInvalid = new Set(ordered(gated, ["invalid"]).map((each) => each.reason));
	const reasons = [
		...comparison.limits.map(limitSentence),
		...ordered(gated, ["regressed"]).map(sentence),
		...byReason(ordered(gated, ["invalid"])).map(groupSentence),
		...comparison.taints.filter((taint) => !ofInvalid.has(taint)),
		...ordered(gated, ["inconclusive", "improved"]).map(sentence),
		...looked ? [] : ["no gated metric was measured"],
		...notes
	];
	return conclude({
		scenario: comparison.scenario,
		cause: "decided",
		verdict,
		counts,
		headline: headline(verdict, gated, comparison),
		nextAction: nextAction(verdict, gated, comparison),
		reasons,
		notes,
		policy
	});
}
/**
* The verdict of a run that has no baseline: measured, and nothing to hold it against but its limits.
*
* @param expected - where the baseline was looked for
* @param notes - what else a reader of the verdict must know
*/
function decideWithoutBaseline(comparison, expected, policy, recordCommand = `vllm-gate record --scenario ${comparison.scenario}`, notes = []) {
	const verdict = join$1("invalid", verdictOfLimits(comparison.limits));
	const broken = verdict === "regressed";
	return conclude({
		scenario: comparison.scenario,
		cause: "no_baseline",
		verdict,
		counts: emptyCounts(),
		headline: broken ? `${limitsHeadline(comparison.limits)}; there is no baseline to compare with` : `Measured, but there is no baseline to compare with (expected ${expected})`,
		nextAction: `${broken ? "Change the flags until every limit holds. Record a baseline" : "Record one"} on the base branch and commit it: ${recordCommand}`,
		reasons: [
			...comparison.limits.map(limitSentence),
			...comparison.taints,
			`expected a baseline at ${expected}`,
			...notes
		],
		notes,
		policy: {
			...policy,
			onInvalid: "fail"
		}
	});
}
/** The verdict of a run in which nothing was measured. */
function decideFailure(scenario, cause, details, options) {
	return conclude({
		scenario,
		cause,
		verdict: "failed",
		counts: emptyCounts(),
		...details,
		policy: {
			onInconclusive: "warn",
			onInvalid: "fail",
			reportOnly: options.reportOnly
		},
		...options.exitCode === void 0 ? {} : { exitCode: options.exitCode }
	});
}
/** The verdict file of a run that was recorded: there was nothing to judge. */
function decideRecorded(scenario, path, nextAction = "Commit the baseline on the base branch.") {
	return conclude({
		scenario,
		cause: "recorded",
		verdict: "pass",
		counts: emptyCounts(),
		headline: `Measured and recorded in ${path}`,
		nextAction,
		reasons: [],
		policy: {
			onInconclusive: "warn",
			onInvalid: "fail",
			reportOnly: false
		}
	});
}
/** The verdict file of a run that was measured and is not fit for a baseline. */
function decideNotRecorded(scenario, reason, nextAction = "Mend the cause and record again; the old baseline stands.") {
	return conclude({
		scenario,
		cause: "not_recorded",
		verdict: "invalid",
		counts: emptyCounts(),
		headline: "Measured, but not recorded",
		nextAction,
		reasons: [reason],
		policy: {
			onInconclusive: "warn",
			onInvalid: "fail",
			reportOnly: false
		}
	});
}
function conclude(input) {
	const { policy, verdict, cause, notes = [] } = input;
	const strict = input.exitCode ?? exitFor(verdict, policy);
	const cancelled = cause === "cancelled" || cause === "killed";
	const silenced = policy.reportOnly && strict !== EXIT.pass && !cancelled;
	return {
		schemaVersion: 1,
		verdict,
		cause,
		exitCode: silenced ? EXIT.pass : strict,
		conclusion: cancelled ? "cancelled" : silenced ? "neutral" : conclusionFor(strict, verdict),
		reportOnly: silenced,
		scenario: input.scenario,
		headline: input.headline,
		nextAction: input.nextAction,
		reasons: [...input.reasons],
		...notes.length === 0 ? {} : { notes: [...notes] },
		counts: input.counts
	};
}
function exitFor(verdict, policy) {
	switch (verdict) {
		case "pass":
		case "improved": return EXIT.pass;
		case "regressed": return EXIT.regressed;
		case "inconclusive": return policy.onInconclusive === "warn" ? EXIT.pass : EXIT.noVerdict;
		case "invalid": return policy.onInvalid === "warn" ? EXIT.pass : EXIT.noVerdict;
		case "failed": return EXIT.notMeasured;
	}
}
function conclusionFor(exitCode, verdict) {
	if (exitCode === EXIT.pass) return verdict === "pass" || verdict === "improved" ? "success" : "neutral";
	return exitCode === EXIT.noVerdict ? "action_required" : "failure";
}
function percent(share) {
	const points = Math.abs(share) * 100;
	return points >= 10 ? `${Math.round(points)}` : points >= .1 ? points.toFixed(1) : `${Number(points.toPrecision(1))}`;
}
/** A value as a sentence says it. */
function amount(value, unit) {
	const [shown, sign] = unit === "share" ? [value * 100, "%"] : [value, unit === "x" ? "times" : unit];
	return `${Number(shown.toPrecision(4))} ${sign}`.trim();
}
function change(each) {
	if (each.base === null) return "has no baseline";
	if (each.head === null) return "is missing";
	if (each.base === each.head) return "is unchanged";
	const worse = each.head > each.base === (each.direction === "lower") ? "worse" : "better";
	if (each.unit === "share") return `is ${percent(each.head - each.base)} points ${worse}`;
	return each.effect === null ? `went from 0 to ${amount(each.head, each.unit)}` : `is ${percent(each.effect)} % ${worse}`;
}
function sentence(each) {
	return `${each.metric} ${change(each)}: ${each.reason}`;
}
/** Comparisons that share their reason, the most first. */
function byReason(comparisons) {
	return [...Map.groupBy(comparisons, (each) => each.reason).values()].sort((a, b) => b.length - a.length);
}
function groupSentence(group) {
	return `${group.map((each) => each.metric).join(", ")}: ${group[0]?.reason}`;
}
/** A limit that is broken blocks; one that nobody could check is no pass. */
function verdictOfLimits(limits) {
	if (limits.some((limit) => limit.value !== null && limit.seenOnce === void 0)) return "regressed";
	if (limits.some((limit) => limit.value === null)) return "invalid";
	return limits.length > 0 ? "inconclusive" : "pass";
}
/** A run of which a part must not be trusted is no verdict: what spoilt that part was there for all of it. */
function verdictOfTaints(comparison) {
	return comparison.taints.length > 0 ? "invalid" : "pass";
}
function limitSentence(limit) {
	return limit.value === null ? `${limit.metric} was not measured, but has a limit (${limit.side} ${limit.bound})` : `${limit.metric} is ${amount(limit.value, limit.unit)}, limit ${limit.side} ${amount(limit.bound, limit.unit)}${limit.seenOnce === true ? ", in one session alone" : ""}`;
}
function limitsHeadline(limits) {
	const [first] = limits;
	if (first === void 0) return "";
	const more = limits.length > 1 ? ` and ${limits.length - 1} more` : "";
	const unmeasured = limits.filter((each) => each.value === null).length;
	const how = unmeasured === 0 ? "broken" : unmeasured < limits.length ? "broken or not measured" : "not measured";
	return `${limits.length} limit${plural(limits.length)} ${how}: ${limitSentence(first)}${more}`;
}
const plural = (count) => count === 1 ? "" : "s";
const ofAll = (count, all) => `${count} of ${all} gated metric${plural(all)}`;
function headline(verdict, gated, comparison) {
	const found = ordered(gated, [verdict]);
	const few = found.slice(0, 2).map((each) => `${each.metric} ${change(each)}`);
	const more = found.length > few.length ? ` and ${found.length - few.length} more` : "";
	const shown = `${ofAll(found.length, gated.length)}`;
	switch (verdict) {
		case "regressed": return [...found.length > 0 ? [`${shown} regressed: ${few.join(", ")}${more}`] : [], ...comparison.limits.length > 0 ? [limitsHeadline(comparison.limits)] : []].join("; ");
		case "invalid": {
			const fields = incomparable(comparison).map(({ field }) => field === "probeSuite" ? "probes" : field);
			if (fields.length > 0 && found.length > 0) {
				const differ = fields.length === 1 && fields[0] !== "probes" ? "differs" : "differ";
				return `No verdict: not comparable with the baseline (${fields.join(", ")} ${differ})`;
			}
			const [largest = [], ...others] = byReason(found);
			if (largest.length === 0) {
				if (comparison.taints.length > 0) return `No verdict: ${comparison.taints[0]}`;
				return comparison.limits.length > 0 ? limitsHeadline(comparison.limits) : "No gated metric was measured";
			}
			const rest = others.flat().length;
			return `${largest.length === gated.length ? "No verdict" : largest.length === 1 ? `No verdict on ${largest[0]?.metric}` : `No verdict on ${ofAll(largest.length, gated.length)}`}: ${largest[0]?.reason}${rest > 0 ? ` (and ${rest} more for other reasons)` : ""}`;
		}
		case "inconclusive": return [...found.length > 0 ? [`${shown} undecided: ${few.join(", ")}${more}`] : [], ...comparison.limits.length > 0 ? [limitsHeadline(comparison.limits)] : []].join("; ");
		case "improved": return `${shown} improved: ${few.join(", ")}${more}; none got worse`;
		case "pass":
			if (gated.length === 0) return "Every limit holds; no metric is gated";
			return gated.length === 1 ? "The one gated metric did not get worse" : `None of the ${gated.length} gated metrics got worse`;
	}
}
/** What decides what is undecided: sessions where they can, else whatever made the machine what it is. */
function ofUndecided(undecided, all) {
	if (undecided.some((each) => each.machineMoved === true)) return "This machine is slower than when the baseline was recorded: find out why, or record it again.";
	const measured = Math.max(...all.map((each) => each.headSessions.length));
	if (undecided.some((each) => each.seenOnce === true && each.headSessions.length === measured)) return NO_TIME;
	return undecided.every((each) => each.decidable === false) ? "More sessions do not decide it on a machine this noisy: vllm-gate calibrate says what can be gated here." : `Run again with more sessions to decide it (--sessions ${Math.max(FULL_SESSIONS, measured + 2)}).`;
}
function nextAction(verdict, gated, comparison) {
	const elsewhere = comparison.fingerprint.some((each) => each.field === "hostId" && each.base !== null && each.head !== null);
	const of = gated.filter((each) => each.verdict === verdict);
	const beside = comparison.interleaved === true;
	switch (verdict) {
		case "regressed":
			if (of.length === 0) return "Change the flags until every limit holds, or change the limits on the base branch.";
			return of.some((each) => each.metric === "requests.error_rate") ? "Find out why requests failed: the server's log and traces.jsonl are in the run folder." : beside ? "Change the flags, or merge past this check where the loss is wanted." : "Change the flags, or accept the loss by recording a new baseline.";
		case "invalid":
			if (of.length === 0 && comparison.taints.length === 0) return comparison.limits.length > 0 ? "Give the scenario a probe that measures what the limit is on, or remove the limit." : "Give the scenario a probe whose metrics are gated.";
			if (incomparable(comparison).length > 0) {
				if (beside) return "Merge the other model or probes by themselves first: an A/B needs both sides alike.";
				return "Run it as the baseline was recorded, or record a baseline for this machine and these probes.";
			}
			return "Mend the cause and run again; nothing was decided.";
		case "inconclusive":
			if (comparison.limits.some((limit) => limit.seenOnce === true)) return NO_TIME;
			if (of.every((each) => each.base === null) && beside) return of.some((each) => each.decidable === true) ? ofUndecided(of, comparison.comparisons) : "What the base does not have cannot be compared: set its level to watch.";
			if (of.every((each) => each.base === null)) return "Record the baseline again to gate what is new.";
			if (elsewhere) return "Run on a host of the baseline, or record a baseline on this host as well.";
			return ofUndecided(of, comparison.comparisons);
		case "improved": return beside ? "Nothing to do." : "Nothing to do; record a new baseline to hold the gain.";
		case "pass": return "Nothing to do.";
	}
}

// src/system/processes.ts
/**
* The variable that marks every process of one server. A server's children inherit it, also those that leave
* the process group or are adopted by init, so that all of them can be found and ended. Its name does not begin
* with `VLLM_`, since vLLM complains about variables of that prefix that it does not know.
*/
const MARKER_VARIABLE = "GATE_SERVER_MARKER";
const ignoreGone = () => null;
/**
* The live processes that carry a marker in their environment. Zombies are not live: they hold nothing.
* Linux only; elsewhere the list is empty and the process group is all that can be ended.
*/
async function findMarked(marker) {
	const entries = await readdir("/proc").catch(() => []);
	const needle = `${MARKER_VARIABLE}=${marker}\0`;
	return (await Promise.all(entries.filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid).map(async (entry) => {
		const environment = await readFile(`/proc/${entry}/environ`, "latin1").catch(ignoreGone);
		return environment !== null && `${environment}\0`.includes(needle) ? Number(entry) : null;
	}))).filter((pid) => pid !== null);
}
/** The live (not zombie) members of a process group, or of the session of the same leader. */
async function findGroup(pgid) {
	const entries = await readdir("/proc").catch(() => []);
	return (await Promise.all(entries.filter((entry) => /^\d+$/.test(entry)).map(async (entry) => {
		const fields = await readStat(Number(entry));
		return fields !== null && fields.state !== "Z" && (fields.pgid === pgid || fields.sid === pgid) ? Number(entry) : null;
	}))).filter((pid) => pid !== null);
}
async function readStat(pid) {
	const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(ignoreGone);
	if (text === null) return null;
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	return {
		state: fields[0] ?? "?",
		ppid: Number(fields[1]),
		pgid: Number(fields[2]),
		sid: Number(fields[3]),
		startTicks: Number(fields[19])
	};
}
/** A process's identity, or null when it is gone. */
async function identify(pid) {
	const stat = await readStat(pid);
	return stat === null ? null : {
		pid,
		startTicks: stat.startTicks
	};
}
/**
* The descendants of processes, remembered from look to look: one that took a session and an environment of its
* own and whose parent has ended can be found in no other way. What comes and goes between two looks is missed.
*/
var Descendants = class {
	/** Start times by PID, the roots' included. */
	#known;
	/** Looked at already: whose child a process is born as does not change, so that a look costs little. */
	#seen = /* @__PURE__ */ new Set();
	constructor(roots) {
		this.#known = new Map(roots.map(({ pid, startTicks }) => [pid, startTicks]));
	}
	/** Those that live, the roots among them. Never rejects. */
	async look() {
		const entries = await readdir("/proc").catch(() => []);
		const listed = new Set(entries.filter((entry) => /^\d+$/.test(entry)).map(Number));
		const read = [...listed].filter((pid) => !this.#seen.has(pid) || this.#known.has(pid));
		const stats = new Map(await Promise.all(read.map(async (pid) => [pid, await readStat(pid)])));
		for (const [pid, ticks] of this.#known) if (stats.get(pid)?.startTicks !== ticks) this.#known.delete(pid);
		for (let before = -1; before !== this.#known.size;) {
			before = this.#known.size;
			for (const [pid, stat] of stats) if (stat !== null && this.#known.has(stat.ppid)) this.#known.set(pid, stat.startTicks);
		}
		const settled = (pid) => {
			const ppid = stats.get(pid)?.ppid;
			return this.#seen.has(pid) || ppid === 0 || ppid !== void 0 && listed.has(ppid);
		};
		this.#seen = new Set([...listed].filter(settled));
		return [...this.#known].flatMap(([pid, startTicks]) => stats.get(pid)?.state === "Z" ? [] : [{
			pid,
			startTicks
		}]);
	}
};
/** Sends a signal; a process that is gone already is not an error. */
function sendSignal(pid, signal) {
	try {
		process.kill(pid, signal);
	} catch (error) {
		const code = error.code;
		if (code !== "ESRCH" && code !== "EPERM") throw error;
	}
}
/**
* Ends every process of a server: TERM to the group, a wait, KILL to the group, to whatever carries the marker
* and to the descendants that are known, then a look that nothing is left. vLLM leaves its engine and workers behind when only its API server
* dies (vllm-project/vllm#55510, #34643), so the leader's exit proves nothing.
*/
async function endServer(options) {
	const startS = monotonicS();
	const { pgid } = options;
	const look = async () => {
		const group = pgid === void 0 ? [] : await findGroup(pgid);
		const descendants = await options.descendants?.look() ?? [];
		return [.../* @__PURE__ */ new Set([
			...group,
			...await findMarked(options.marker),
			...descendants.map(({ pid }) => pid)
		])];
	};
	const alive = async () => {
		const pids = await look();
		if (pids.length > 0) return pids;
		await delay(25);
		return look();
	};
	const goneWithin = async (ms, onLeft, hurry) => {
		const deadlineS = monotonicS() + ms / 1e3;
		for (;;) {
			const pids = await alive();
			if (pids.length === 0 || monotonicS() > deadlineS || hurry?.aborted) return pids;
			onLeft?.(pids);
			await delay(25);
		}
	};
	const killAll = (pids) => {
		if (pgid !== void 0) sendSignal(-pgid, "SIGKILL");
		for (const pid of pids) sendSignal(pid, "SIGKILL");
	};
	let left = await alive();
	let killed = false;
	if (left.length > 0) {
		if (pgid !== void 0) sendSignal(-pgid, "SIGTERM");
		const group = pgid === void 0 ? [] : await findGroup(pgid);
		for (const pid of left) if (!group.includes(pid)) sendSignal(pid, "SIGTERM");
		left = await goneWithin(options.graceMs, void 0, options.hurry);
	}
	if (left.length > 0) {
		killed = true;
		left = await goneWithin(options.killMs, killAll);
	}
	return {
		tookS: monotonicS() - startS,
		killed,
		survivors: left
	};
}
/**
* The processes that listen on a TCP port of this machine, by `/proc/net/tcp` and the sockets of each process.
* Null where that cannot be read (another operating system).
*/
async function findListeners(port) {
	const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "latin1").catch(ignoreGone)));
	if (tables.every((table) => table === null)) return null;
	const inodes = /* @__PURE__ */ new Set();
	for (const line of tables.flatMap((table) => table?.split("\n").slice(1) ?? [])) {
		const fields = line.trim().split(/\s+/);
		const localPort = Number.parseInt(fields[1]?.split(":").at(-1) ?? "", 16);
		if (fields[3] === "0A" && localPort === port && fields[9] !== void 0) inodes.add(fields[9]);
	}
	const entries = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
	return (await Promise.all(entries.map(async (entry) => {
		const descriptors = await readdir(`/proc/${entry}/fd`).catch(() => []);
		return (await Promise.all(descriptors.map((descriptor) => readlink(`/proc/${entry}/fd/${descriptor}`).catch(ignoreGone)))).some((link) => link !== null && inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? "")) ? Number(entry) : null;
	}))).filter((pid) => pid !== null);
}

export { STATE_NAME as C, writeRun as S, readStateFile as T, hashRun as _, findListeners as a, readRunRecord as b, decide as c, decideRecorded as d, decideWithoutBaseline as f, appendTraces as g, within as h, findGroup as i, decideFailure as l, monotonicS as m, MARKER_VARIABLE as n, findMarked as o, delay as p, endServer as r, identify as s, Descendants as t, decideNotRecorded as u, newRunId as v, createStateFile as w, readTraces as x, readRunFolder as y };