import { C as tuple, S as string, T as unknown, b as record, d as _enum, f as _null, g as literal, m as boolean, n as VERDICTS, p as array, v as number, w as union, y as object } from "./verdict.js";
import { n as levelSchema, t as sloSchema } from "./operating.js";

// src/domain/comparison.ts
/** A metric of head against the baseline, with every input of its verdict. */
const comparisonSchema = object({
	metric: string(),
	unit: string(),
	direction: _enum(["lower", "higher"]),
	level: levelSchema,
	verdict: _enum(VERDICTS),
	/** Set on a regression that a session of the base beside head would confirm or refute. */
	unconfirmed: literal(true).optional(),
	/** Set on a regression of what is timed that was seen in one session of head alone. */
	seenOnce: literal(true).optional(),
	/** Set where the base, measured beside head, is worse than the baseline by more than the tolerance as well. */
	machineMoved: literal(true).optional(),
	/** Set where more sessions of the base beside head's could decide what is inconclusive. */
	baseDecides: literal(true).optional(),
	/**
	* False where no more sessions of head could decide what is inconclusive; true of what is invalid because its samples
	* were too few, which another session may have.
	*/
	decidable: boolean().optional(),
	/** Estimate of each side in the metric's unit; null when that side has none. */
	base: number().nullable(),
	head: number().nullable(),
	/** Loss as a share of the base, worse is positive; null when there is no base or it is zero. */
	effect: number().nullable(),
	/** Two-sided 95 % interval of the effect, not adjusted; null where none is computed. */
	interval: tuple([number(), number()]).nullable(),
	/** The effect is larger than this at the level of this look, adjusted over all metrics; null where none is computed. */
	bound: number().nullable(),
	tolerance: number(),
	absoluteTolerance: number(),
	/** Smallest relative loss that this comparison would have found 95 times in 100. */
	detectable: number().nullable(),
	/** Sessions × rounds that stand behind each side. */
	baseSessions: array(array(number())),
	headSessions: array(array(number())),
	/** Sessions of the base that were measured beside head's, where `baseSessions` were measured earlier. */
	freshSessions: array(array(number())).optional(),
	/** Loss that a pass excludes: the tolerance, or what this machine's noise lets a full gate find if that is more. */
	resolution: number().nullable().optional(),
	/** Chance of such a loss if the true one were half the tolerance, adjusted over the metrics of the level (Holm). */
	pValue: number().nullable().optional(),
	/** Standard deviation of a session as it was assumed: of the logarithm, for shares and counts of the value itself. */
	sessionSd: number().nullable().optional(),
	reason: string(),
	/** What of that which differs is known to move this metric. */
	attribution: string().optional()
});
/** Whether another session of either side could refute a regression. */
function isUnconfirmed({ unconfirmed, seenOnce }) {
	return unconfirmed === true || seenOnce === true;
}
/** An argument or version that differs between the two sides. */
const differenceSchema = object({
	what: string(),
	base: string().nullable(),
	head: string().nullable()
});
/** An absolute limit that a run breaks; a null value was not measured. */
const limitBreachSchema = object({
	metric: string(),
	unit: string(),
	value: number().nullable(),
	bound: number(),
	side: _enum(["min", "max"]),
	/** Set on what is timed where one session of head alone breaks it. */
	seenOnce: literal(true).optional()
});
/** How one copy of baseline and policy judges a metric. */
const copyJudgementSchema = object({
	verdict: _enum(VERDICTS),
	level: levelSchema,
	base: number().nullable(),
	tolerance: number(),
	absoluteTolerance: number()
});
/** A change that edits what judges it: what its own copies of baseline and policy would say. They decide nothing. */
const bothCopiesSchema = object({
	/** Files that the change edits: configuration, baselines, noise, workflows that run this tool. */
	files: array(string()),
	/** True where the clone does not tell where the change forked: the files may be what the base branch changed since. */
	againstTip: boolean().optional(),
	/** The verdict by the change's own copies; null when they cannot be read. */
	verdict: _enum(VERDICTS).nullable(),
	headline: string().nullable(),
	/** Why they cannot be read. */
	problem: string().nullable(),
	/** The metrics whose verdict or level differs; null on the side that does not judge it. */
	metrics: array(object({
		metric: string(),
		unit: string(),
		head: number().nullable(),
		judged: copyJudgementSchema.nullable(),
		own: copyJudgementSchema.nullable()
	}))
});
/** `comparison.json` */
const comparisonFileSchema = object({
	schemaVersion: literal(1),
	scenario: string(),
	/** Where the base came from: a baseline's path, or run folders; null when there was none to compare with. */
	baseSource: string().nullable(),
	/** Set on an A/B: the base was measured in turn with head, and there is no baseline. */
	interleaved: literal(true).optional(),
	limits: array(limitBreachSchema),
	/** Metrics and patterns that have a limit, broken or not. */
	limitsChecked: number().int().optional(),
	comparisons: array(comparisonSchema),
	flags: array(differenceSchema),
	fingerprint: array(object({
		field: string(),
		rule: _enum(["must", "note"]),
		base: union([
			string(),
			number(),
			_null()
		]),
		head: union([
			string(),
			number(),
			_null()
		])
	})),
	/** Why parts of this run must not be trusted, whether their metrics are gated or not. */
	taints: array(string()).default([]),
	/** Of a change that edits what judges it. */
	bothCopies: bothCopiesSchema.optional()
});
/** Comparisons of the given verdicts in that order, the largest effect first. */
function ordered(comparisons, verdicts) {
	const size = (each) => Math.abs(each.effect ?? Number.MAX_VALUE);
	return verdicts.flatMap((verdict) => comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)));
}
/** What a reader is told that head was compared with. */
function baseName({ interleaved }) {
	return interleaved === true ? "the base" : "the baseline";
}
/** The fields that forbid a comparison; no number of either side means anything beside the other's then. */
function incomparable(comparison) {
	return (comparison?.fingerprint ?? []).filter((each) => each.rule === "must");
}

// src/domain/client-load.ts
/** Milliseconds: the middle, the 99th percentile and the longest. */
const delaySchema = object({
	p50: number().nonnegative(),
	p99: number().nonnegative(),
	max: number().nonnegative()
});
/** How the measuring process itself fared while a phase's requests ran, parsing not included. */
const clientLoadSchema = object({
	wallS: number().nonnegative(),
	/** Processor time of this process, user and system. */
	cpuS: number().nonnegative(),
	/** Pieces that were read and stamped. */
	reads: number().int().nonnegative(),
	/** How long a piece lay ready while others of the same turn were read and stamped. */
	readLagMs: delaySchema,
	/** How late a timer of 1 ms fired: what kept this process from its event loop, other processes included. */
	loopDelayMs: delaySchema,
	gc: object({
		count: number().int().nonnegative(),
		totalMs: number().nonnegative(),
		longestMs: number().nonnegative()
	}),
	/** Open loop: from when a request was planned to its write. Zeros in a closed loop. */
	sendLateMs: delaySchema,
	/** Closed loop: share of the time in which a sender was between two requests. 0 in an open loop. */
	senderIdleShare: number().nonnegative(),
	/** Requests that met a connection which the server had closed, and were sent once more. */
	resent: number().int().nonnegative()
});
/** How late a client stamped what came or sent what was due, in milliseconds, whichever was later. */
function latenessMs({ readLagMs, sendLateMs }, quantile) {
	return Math.max(readLagMs[quantile], sendLateMs[quantile]);
}
/** Milliseconds that a client may be late by where a time of so many is measured: a tenth of it, or 1 ms. */
function allowedLatenessMs(timeMs) {
	return Math.max(1, .1 * timeMs);
}

// src/domain/fingerprint.ts
/** What must be equal for two runs to be comparable, and what is only noted. Values are as the machine reports them. */
const fingerprintSchema = record(string(), union([
	string(),
	number(),
	_null()
]));
/**
* How each field is compared. `must`: a difference makes the comparison invalid. `note`: it is shown.
* Without a GPU the CPU is the machine that serves, so its fields become `must` (see {@link fieldRule}).
*/
const FIELDS = {
	gpuModel: "must",
	gpuCount: "must",
	gpuMemoryMib: "must",
	gpuPowerLimitW: "must",
	gpuClockCeilingMhz: "must",
	gpuMemoryClockMhz: "must",
	gpuEcc: "must",
	driver: "must",
	model: "must",
	modelRevision: "note",
	tokenizerRevision: "note",
	probeSuite: "must",
	cpuModel: "note",
	cpuCores: "note",
	memoryGib: "note",
	kernel: "note",
	os: "note",
	hostId: "note"
};
function fieldRule(field, withGpu) {
	if (!withGpu && (field === "cpuModel" || field === "cpuCores")) return "must";
	return FIELDS[field] ?? "note";
}
/** The fields that differ, `must` before `note`. A field that one side never recorded is not a difference. */
function diffFingerprints(base, head) {
	const withGpu = base["gpuModel"] != null || head["gpuModel"] != null;
	return [.../* @__PURE__ */ new Set([...Object.keys(base), ...Object.keys(head)])].sort().filter((field) => field in base && field in head && base[field] !== head[field]).map((field) => ({
		field,
		rule: fieldRule(field, withGpu),
		base: base[field] ?? null,
		head: head[field] ?? null
	})).sort((a, b) => a.rule.localeCompare(b.rule) || a.field.localeCompare(b.field));
}
/**
* The name of a baseline's file: GPU model, count, memory and model, in letters that every file system takes.
* Machines without a GPU are named by their CPU.
*/
function fingerprintSlug(fingerprint) {
	const machine = fingerprint["gpuModel"] == null ? [fingerprint["cpuModel"] ?? "cpu", `${fingerprint["cpuCores"] ?? 1}c`] : [
		fingerprint["gpuModel"],
		`${fingerprint["gpuCount"] ?? 1}x`,
		`${Math.round(Number(fingerprint["gpuMemoryMib"] ?? 0) / 1024)}gib`
	];
	const model = String(fingerprint["model"] ?? "model").split("/").filter(Boolean).at(-1) ?? "model";
	return [...machine, model].join("-").toLowerCase().replace(/\((r|tm)\)/g, "").replace(/[^a-z0-9.]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 120) || "machine";
}

// src/domain/flag-value.ts
/**
* The value of a flag among a server's arguments, as vLLM reads them: `--a=b` and `--a b` are the same, as are `_` and
* `-` in a name, and the last one counts.
*
* @param names - the flag and its short forms, with dashes
* @returns null when it is not given, or has no value
*/
function flagValue(args, ...names) {
	let value = null;
	for (const [index, arg] of args.entries()) {
		const [, name = arg, attached] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
		if (!name.startsWith("-") || !names.includes(name.replaceAll("_", "-"))) continue;
		value = attached ?? args[index + 1] ?? null;
	}
	return value;
}
/** Arguments without a flag that takes one value, however often it is given. */
function withoutFlag(args, name) {
	const kept = [];
	for (let index = 0; index < args.length; index += 1) {
		const arg = args[index];
		const [head = ""] = arg.split("=", 1);
		if (head.replaceAll("_", "-") !== name) kept.push(arg);
		else if (!arg.includes("=")) index += 1;
	}
	return kept;
}
const UNITS = {
	k: 1e3,
	K: 1024,
	m: 1e6,
	M: 1024 ** 2
};
/** A count of tokens as vLLM takes it: `4096`, `4k` (4,000) or `4K` (4,096); null for anything else. */
function tokenCount(text) {
	const [, digits = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,6})?)([kKmM]?)$/.exec(text) ?? [];
	if (digits === "") return null;
	const value = Number(digits) * (UNITS[unit] ?? 1);
	return Number.isSafeInteger(value) && value > 0 ? value : null;
}

// src/domain/kv-formula.ts
/** What a model's `config.json` leads one to expect of its server: a session's `model`. */
const modelFactsSchema = object({
	/** Longest context in tokens that vLLM allows for the model; null when no field says. */
	contextTokens: number().nullable(),
	contextKey: string().nullable(),
	/** Bytes of KV memory of one token on one GPU by the formula; null when it cannot be said. */
	kvBytesPerToken: number().nullable(),
	/** `full`, `mla`, `window`, `hybrid`, `recurrent` or `unknown`; the formula is the model's own for the first two. */
	kvLayout: string(),
	/** The formula with its numbers, or why there is none. */
	kvTerms: string()
});
/** Reads a deployment from a server's arguments. */
function kvDeployment(args) {
	const count = (...names) => {
		const value = Number(flagValue(args, ...names) ?? "1");
		return Number.isSafeInteger(value) && value > 0 ? value : 1;
	};
	return {
		tensorParallel: count("--tensor-parallel-size", "-tp"),
		pipelineParallel: count("--pipeline-parallel-size", "-pp"),
		kvDtype: flagValue(args, "--kv-cache-dtype") ?? "auto",
		dtype: flagValue(args, "--dtype") ?? "auto"
	};
}
/** The facts of a model as a deployment serves it. */
function modelFacts(shape, deployment) {
	const { contextTokens, contextKey, layout } = shape;
	return {
		contextTokens,
		contextKey,
		kvLayout: layout,
		...kvFormula(shape, deployment)
	};
}
/**
* Bytes of KV memory of one token on one GPU: layers × KV heads × (key + value size) × bytes of an element; of MLA
* layers × latent × bytes, which tensor parallelism does not divide (vllm/v1/kv_cache_interface.py). Where layers
* differ, it is what the layers that keep every token would need: an upper bound for windows, a part for hybrids.
*/
function kvFormula(shape, deployment) {
	const none = (why) => ({
		kvBytesPerToken: null,
		kvTerms: why
	});
	if (shape.layout === "unknown" || shape.layout === "recurrent") return none(`no formula: ${shape.exception ?? "unknown layout"}`);
	const bytes = elementBytes(shape, deployment);
	if (bytes === null) return none(`no formula for --kv-cache-dtype ${deployment.kvDtype}`);
	const { tensorParallel, pipelineParallel } = deployment;
	const layers = Math.ceil(shape.growingLayers / pipelineParallel);
	const exception = shape.exception === null ? "" : `; not exact: ${shape.exception}`;
	if (shape.latentDim !== null) {
		if (deployment.kvDtype === "fp8_ds_mla") return {
			kvBytesPerToken: DS_MLA_BYTES * layers,
			kvTerms: `${DS_MLA_BYTES} B × ${layers} layers (fp8_ds_mla)`
		};
		return {
			kvBytesPerToken: shape.latentDim * layers * bytes,
			kvTerms: `${layers} layers × ${shape.latentDim} latent × ${bytes} B (MLA)${exception}`
		};
	}
	const heads = Math.max(1, Math.floor(shape.kvHeads / tensorParallel));
	const same = shape.headDim === shape.valueHeadDim;
	const dims = same ? 2 * shape.headDim : shape.headDim + shape.valueHeadDim;
	const sizes = same ? `2 × ${layers} layers × ${heads} KV heads × ${shape.headDim}` : `${layers} layers × ${heads} KV heads × (${shape.headDim} + ${shape.valueHeadDim})`;
	return {
		kvBytesPerToken: layers * heads * dims * bytes,
		kvTerms: `${sizes} × ${bytes} B${exception}`
	};
}
/** Bytes of a token and layer of DeepSeek's own fp8 layout: 512 + 16 for scales + 128 for rope. */
const DS_MLA_BYTES = 656;
const ELEMENT_BYTES = {
	half: 2,
	float16: 2,
	bfloat16: 2,
	float: 4,
	float32: 4,
	fp8: 1,
	fp8_e4m3: 1,
	fp8_e5m2: 1,
	fp8_inc: 1,
	fp8_ds_mla: 1,
	int8: 1,
	nvfp4: .5625
};
/** Bytes of one element of the cache, or null for a type that is not known. */
function elementBytes(shape, { kvDtype, dtype }) {
	if (kvDtype !== "auto") return Object.hasOwn(ELEMENT_BYTES, kvDtype) ? ELEMENT_BYTES[kvDtype] : null;
	if (shape.quantizedKv) return 1;
	if (dtype === "auto") return 2;
	return Object.hasOwn(ELEMENT_BYTES, dtype) ? ELEMENT_BYTES[dtype] : null;
}

// src/domain/log-facts.ts
/**
* What a server's log says about its start. `null` means that the log does not say it: `unknownFacts` then
* names the fact with the version, so that nothing is silently absent.
*/
const logFactsSchema = object({
	vllmVersion: string().nullable(),
	/** `Loading weights took`: reading the weight files. Absent with `--load-format dummy`. */
	weightsS: number().nullable(),
	/** `Model loading took`: building the model and loading its weights. */
	modelLoadS: number().nullable(),
	modelMemoryGib: number().nullable(),
	compileS: number().nullable(),
	/** True when a compilation was read from the cache instead of made. */
	compileCached: boolean().nullable(),
	profileS: number().nullable(),
	graphsS: number().nullable(),
	graphsGib: number().nullable(),
	graphsEstimatedGib: number().nullable(),
	kvAvailableGib: number().nullable(),
	kvCapacityTokens: number().nullable(),
	kvBlocks: number().nullable(),
	maxConcurrency: number().nullable(),
	/** The context length for which `maxConcurrency` was computed. */
	maxConcurrencyTokens: number().nullable(),
	engineInitS: number().nullable(),
	attentionBackend: string().nullable(),
	asyncScheduling: boolean().nullable(),
	/** What the server logged as its own arguments, as printed (a Python literal), secrets removed. */
	loggedArgs: string().nullable(),
	listeningOn: string().nullable()
});

// src/domain/look.ts
/** Which server a session is of: the one that is judged, or the one that it is held against. */
const lookVariantSchema = _enum(["base", "head"]);
/** One look at a run's measurements, in the order in which they were taken: `looks` of `run.json`. */
const lookSchema = object({
	/** Sessions that had been measured by then. */
	sessions: object({
		head: number().int(),
		base: number().int()
	}),
	/** Gated metrics that had regressed, and those that nobody could decide. */
	regressed: array(string()),
	undecided: array(string()),
	/** What was measured next, session by session; empty when this was the last look. */
	next: array(lookVariantSchema),
	/** Why it was, or why it ended. */
	why: string(),
	/** Seconds of the budget that were left. */
	remainingS: number()
});

// src/domain/node.ts
const measured$1 = number().nullable();
const text = string().nullable();
/** Memory allocators that are told apart by the libraries in a process's memory map. */
const ALLOCATORS = [
	"glibc",
	"jemalloc",
	"tcmalloc",
	"mimalloc"
];
/** One GPU as a node probe sees it; null is what nvidia-smi does not report. */
const gpuFactsSchema = object({
	index: number().int(),
	uuid: text,
	name: text,
	busId: text,
	driver: text,
	memoryTotalMib: measured$1,
	memoryUsedMib: measured$1,
	smClockMhz: measured$1,
	maxSmClockMhz: measured$1,
	maxMemoryClockMhz: measured$1,
	applicationClockMhz: measured$1,
	defaultApplicationClockMhz: measured$1,
	powerLimitW: measured$1,
	defaultPowerLimitW: measured$1,
	temperatureC: measured$1,
	throttle: array(string()).nullable(),
	persistence: boolean().nullable(),
	ecc: boolean().nullable(),
	eccUncorrected: measured$1,
	eccCorrected: measured$1,
	rowsPending: boolean().nullable(),
	rowsFailed: boolean().nullable(),
	pcieGeneration: measured$1,
	pcieMaxGeneration: measured$1,
	pcieWidth: measured$1,
	pcieMaxWidth: measured$1,
	mig: boolean().nullable(),
	migProfiles: array(string()),
	computeMode: text,
	performanceState: text,
	processes: array(object({
		pid: number().int(),
		name: string(),
		memoryMib: measured$1
	}))
});
/** What a node probe read, before anybody judged it. Null is what could not be read. */
const nodeFactsSchema = object({
	cpu: object({
		model: text,
		/** Cores of the machine that this process may use. */
		cores: measured$1,
		limitCores: measured$1,
		load1: measured$1,
		/** CPU frequency governors in use, each once. Empty where the machine does not control its clock. */
		governors: array(string()),
		clockSource: text,
		clockSources: array(string()),
		stealShare: measured$1
	}),
	memory: object({
		totalMib: measured$1,
		availableMib: measured$1,
		limitMib: measured$1,
		thp: text,
		thpDefrag: text,
		hugePages: measured$1,
		hugePagesFree: measured$1,
		hugePageKib: measured$1,
		swappiness: measured$1,
		swapTotalMib: measured$1,
		swapUsedMib: measured$1,
		numaNodes: measured$1,
		numaBalancing: boolean().nullable()
	}),
	/** Limits of this process, which a server inherits; null is unlimited. */
	limits: object({
		openFiles: measured$1,
		processes: measured$1,
		lockedMib: measured$1
	}).nullable(),
	/** The allocator really loaded in the server; null without a server. */
	allocator: _enum(ALLOCATORS).nullable(),
	nvidiaSmi: object({
		state: _enum([
			"ok",
			"absent",
			"failed"
		]),
		reason: text
	}),
	gpus: array(gpuFactsSchema)
});
/**
* `ok`: as it should be. `note`: worth knowing, harmless. `warn`: numbers suffer. `bad`: no number from this machine
* can be trusted, or none can be had.
*/
const LEVELS = [
	"ok",
	"note",
	"warn",
	"bad"
];
/** One probed thing, judged. */
const findingSchema = object({
	/** e.g. `memory.thp`, `gpu0.power`, `preflight.vllm` */
	id: string(),
	/** What was looked at, as a person calls it. */
	subject: string(),
	level: _enum(LEVELS),
	/** What was found. */
	value: string(),
	/** Why that is judged so. */
	reason: string(),
	/** What it does to the numbers, and how much; empty for `ok`. */
	matters: string(),
	/** A command that changes it, or null. */
	fix: text
});
/** A node probed and judged. */
const nodeReportSchema = object({
	facts: nodeFactsSchema,
	findings: array(findingSchema)
});

// src/domain/own-cost.ts
/** What a run cost the machine itself, the server not included. */
const ownCostSchema = object({
	wallS: number().nonnegative(),
	/** Processor time of this process, user and system. */
	cpuS: number().nonnegative(),
	/** Processor time by wall time: 1 is one core all the time. */
	coreShare: number().nonnegative(),
	/** Most memory that the process had resident, in its whole life. */
	peakRssMb: number().nonnegative(),
	/** How late the event loop came to a timer, in one of a hundred cases. */
	loopDelayP99Ms: number().nonnegative()
});

// src/domain/telemetry.ts
const measured = number().nullable();
/** Why a GPU ran below its highest clock, by NVML's names (`nvmlClocksEventReasons`). */
const THROTTLE_REASONS = [
	"idle",
	"application_clocks",
	"power_cap",
	"hw_slowdown",
	"sync_boost",
	"sw_thermal",
	"hw_thermal",
	"hw_power_brake",
	"display_clock"
];
/** One answer of nvidia-smi about one GPU. Null is what it does not report (`[N/A]`). */
const gpuReadingSchema = object({
	tS: number(),
	index: number().int().nonnegative(),
	uuid: string().nullable(),
	/** Share of the last moments in which a kernel ran, 0–1; null for a GPU that is split (MIG). */
	utilization: measured,
	memoryUtilization: measured,
	memoryUsedMib: measured,
	memoryTotalMib: measured,
	smClockMhz: measured,
	memoryClockMhz: measured,
	maxSmClockMhz: measured,
	powerW: measured,
	powerLimitW: measured,
	temperatureC: measured,
	throttle: array(_enum(THROTTLE_REASONS)).nullable(),
	/** Seconds since the driver was loaded in which a clock was held down, where the driver counts them. */
	heldDownS: object({
		powerCap: measured,
		swThermal: measured,
		hwThermal: measured,
		powerBrake: measured
	}).nullable()
});
/** Traffic on a GPU's PCIe link, as the GPU sees it: `rx` is from the host to the GPU. */
const pcieReadingSchema = object({
	tS: number(),
	index: number().int().nonnegative(),
	rxMbPerS: measured,
	txMbPerS: measured
});
/** What a GPU sent and received over NVLink since its driver was loaded, all links together. */
const nvlinkReadingSchema = object({
	tS: number(),
	index: number().int().nonnegative(),
	txMib: number(),
	rxMib: number()
});
/**
* A process with a compute context on a GPU. `server`: of the measured server. `other`: another process of this
* machine. `unknown`: a process that cannot be seen from here, which a container's own also is when nvidia-smi
* names PIDs of the host.
*/
const gpuProcessSchema = object({
	gpuUuid: string().nullable(),
	pid: number().int(),
	name: string(),
	memoryMib: measured,
	owner: _enum([
		"server",
		"other",
		"unknown"
	])
});
/** What a process of the server is for, by the name that vLLM gives it. */
const PROCESS_ROLES = [
	"api",
	"engine",
	"worker",
	"helper"
];
const processSampleSchema = object({
	pid: number().int(),
	role: _enum(PROCESS_ROLES),
	/** CPU seconds per second. */
	cpuCores: number(),
	rssMib: number()
});
/** Shares of the interval in which some, or all, tasks waited for a resource (Linux PSI), 0–1. */
const pressureSchema = object({
	cpuSome: measured,
	memorySome: measured,
	memoryFull: measured,
	ioSome: measured,
	ioFull: measured
});
/**
* `telemetry.jsonl`, one line: what happened since the sample before. Times are seconds on the session's clock,
* zero at the server's spawn; negative before it.
*/
const telemetrySampleSchema = object({
	tS: number(),
	/** Seconds since the sample before: what rates, shares and counts refer to. */
	intervalS: number().positive(),
	gpus: array(gpuReadingSchema),
	pcie: array(pcieReadingSchema),
	/** Read at the ends of rounds, where several GPUs are watched. */
	nvlink: array(nvlinkReadingSchema).optional(),
	gpuProcesses: array(gpuProcessSchema),
	/** Of the cores that the server may use; shares are 0–1 of their time. Null where /proc cannot be read. */
	cpu: object({
		cores: number().int().positive(),
		busy: number(),
		steal: number(),
		iowait: number(),
		contextSwitchesPerS: measured,
		load1: measured,
		/** CPU seconds per second of the server's processes. */
		serverCores: number(),
		/** … of this program and the samplers that it runs. */
		ownCores: number(),
		/** … of everything else; null while no server is watched, whose share could not be told. */
		outsideCores: measured
	}).nullable(),
	processes: array(processSampleSchema),
	memory: object({
		availableMib: measured,
		cachedMib: measured,
		swapUsedMib: measured,
		swapInMib: number(),
		swapOutMib: number(),
		majorFaults: number(),
		diskReadMib: number(),
		diskWriteMib: number()
	}).nullable(),
	pressure: pressureSchema.nullable(),
	cgroup: object({
		/** CPU seconds per second that the control group may use; null when unlimited. */
		cpuLimitCores: measured,
		/** Share of the interval in which the group was held back for its limit. */
		throttled: measured,
		memoryLimitMib: measured,
		memoryUsedMib: measured
	}).nullable(),
	/** Time that this program's garbage collector stopped it: an outlier may be ours. */
	gcMs: number()
});
/** A line of `telemetry.jsonl`: a sample of one session. */
const telemetryLineSchema = object({
	variant: string(),
	session: number().int().nonnegative(),
	...telemetrySampleSchema.shape
});
/** One GPU over a stretch of time. */
const gpuSummarySchema = object({
	index: number().int().nonnegative(),
	uuid: string().nullable(),
	readings: number().int(),
	/** Mean share of time with a kernel running, 0–1. */
	busyMean: measured,
	memoryPeakMib: measured,
	/** Median of the memory in use. */
	memorySteadyMib: measured,
	memoryTotalMib: measured,
	smClockMinMhz: measured,
	smClockMedianMhz: measured,
	/** The ceiling that the GPU reports. */
	smClockMaxMhz: measured,
	memoryClockMinMhz: measured,
	powerMeanW: measured,
	powerMaxW: measured,
	powerLimitW: measured,
	temperatureMaxC: measured,
	/** Each reason seen while the GPU was not idle, with the share of those readings, 0–1. */
	throttle: array(object({
		reason: _enum(THROTTLE_REASONS),
		share: number()
	})),
	/** Seconds held down by the driver's own count, where it has one: what falls between two readings is in it. */
	heldDownS: object({
		powerCap: measured,
		swThermal: measured,
		hwThermal: measured,
		powerBrake: measured
	}),
	pcieRxPeakMbPerS: measured,
	pcieTxPeakMbPerS: measured,
	/** Sent and received over NVLink meanwhile, MiB; null where its counters were not read at both ends. */
	nvlinkTxMib: measured.optional(),
	nvlinkRxMib: measured.optional()
});
/** What the machine did between two times; each round carries one. Null where nothing could be read. */
const telemetrySummarySchema = object({
	fromS: number(),
	toS: number(),
	samples: number().int(),
	gpus: array(gpuSummarySchema),
	/** Processes on a GPU that are not the server's. */
	foreignGpuProcesses: array(gpuProcessSchema.omit({ owner: true })),
	cpu: object({
		cores: number().int(),
		busy: number(),
		steal: number(),
		iowait: number(),
		/** Share of the cores' time used by others than the server and this program, 0–1. */
		outside: measured,
		outsideCores: measured,
		serverCores: number(),
		ownCores: number(),
		contextSwitchesPerS: measured,
		load1Max: measured
	}).nullable(),
	pressure: pressureSchema.nullable(),
	memory: object({
		availableMinMib: measured,
		cachedRiseMib: measured,
		swapUsedMaxMib: measured,
		swapInMib: number(),
		swapOutMib: number(),
		majorFaults: number(),
		diskReadMib: number()
	}).nullable(),
	cgroup: object({
		cpuLimitCores: measured,
		throttled: measured,
		memoryLimitMib: measured,
		memoryPeakMib: measured
	}).nullable(),
	/** Largest resident memory and mean CPU (CPU seconds per second) of the server's processes by role. */
	roles: record(string(), object({
		rssMib: number(),
		cpuCores: number()
	})),
	gcMs: number()
});

// src/domain/telemetry-start.ts
/**
* Which term of the cold start a part belongs to, after the seed's
* `TTFT_cold ≈ load_weights + runtime_warmup + first_prefill + queueing`; `processes` is what a server does before
* it has a model, and after it has one until it listens.
*/
const START_TERMS = [
	"processes",
	"weights",
	"warmup",
	"request"
];
/** One named stretch of a server's start. */
const startPartSchema = object({
	name: string(),
	term: _enum(START_TERMS),
	fromS: number(),
	toS: number(),
	seconds: number(),
	/** What the server itself says that it took, where it does. */
	reportedS: number().nullable(),
	/** The log's lines, or the measurement, that it is known by. */
	source: string()
});
/** A start from the spawn to the first token, in parts. Seconds on the session's clock. */
const coldStartSchema = object({
	readyS: number(),
	/** In their order, without overlap. */
	parts: array(startPartSchema),
	/** Time to ready that nothing names. */
	unexplainedS: number(),
	/** Share of the time to ready that the parts name, 0–1. */
	explainedShare: number(),
	/** Seconds by term. */
	terms: record(_enum(START_TERMS), number()),
	weights: object({
		sizeMib: number(),
		/** Share that lay in the page cache before the start; null when it could not be told. */
		residentShare: number().nullable(),
		/** Reading them, as the server reports it. */
		mibPerS: number().nullable()
	}).nullable(),
	/** From spawn to ready, by telemetry; null without it. */
	machine: object({
		diskReadMib: number().nullable(),
		cachedRiseMib: number().nullable(),
		gpuMemoryRiseMib: number().nullable(),
		pcieRxPeakMbPerS: number().nullable(),
		gpuBusyMean: number().nullable(),
		/** Mean CPU seconds per second of the server. */
		serverCores: number().nullable()
	}).nullable(),
	/** The first request against a warm one, seconds; null without both. */
	coldWarm: object({
		coldS: number(),
		warmS: number(),
		factor: number()
	}).nullable(),
	/** Why the machine, and not the server, may have made the start what it was; absent when nobody looked. */
	disturbed: array(string()).optional(),
	/** What it comes to, for somebody who runs servers. */
	paragraph: string()
});
/** What is looked at by hand before a number is believed: before the start, after the cold request, while warm. */
const sanitySchema = object({
	gpuMemoryBeforeMib: number().nullable(),
	gpuMemoryAfterColdMib: number().nullable(),
	/** Mean share of time with a kernel running, 0–1, during the warm requests, and at the highest concurrency. */
	gpuBusyWarm: number().nullable(),
	gpuBusyLoad: number().nullable(),
	/** Mean CPU seconds per second of the server. */
	serverCoresCold: number().nullable(),
	serverCoresWarm: number().nullable()
});

// src/domain/run.ts
/** Counters of a server's `/metrics`, summed over its engines; null where that version does not report one. */
const serverCountersSchema = object({
	promptTokens: number().nullable(),
	generationTokens: number().nullable(),
	prefixQueriedTokens: number().nullable(),
	prefixHitTokens: number().nullable(),
	preemptions: number().nullable(),
	/** Requests that began to be answered, and the seconds that they waited and were prefilled, by the server's clock. */
	prefills: number().nullable().optional(),
	prefillS: number().nullable().optional(),
	queued: number().nullable().optional(),
	queueS: number().nullable().optional()
});
/** What `/metrics` says about the KV cache (`vllm:cache_config_info`). */
const kvConfigSchema = object({
	blocks: number().nullable(),
	blockSize: number().nullable(),
	capacityTokens: number().nullable(),
	maxConcurrency: number().nullable(),
	prefixCaching: boolean().nullable(),
	/** Where it was set and not found by profiling. */
	memoryBytes: number().nullable().optional(),
	/** The number of blocks was set, whatever memory there is. */
	blocksOverridden: boolean().optional()
});
/** What a server's gauges read at one moment; null where that version has none. */
const gaugesSchema = object({
	/** On the traces' clock: the middle of the reading. */
	atS: number(),
	/** Share of the KV blocks in use, 0 to 1. */
	kvUsage: number().nullable(),
	running: number().nullable(),
	waiting: number().nullable()
});
/** One case of one round, or a part of one: when it ran and what the server counted meanwhile. */
const caseRecordSchema = object({
	round: number().int().nonnegative(),
	probe: string(),
	case: string(),
	concurrency: number().int().positive(),
	/** A case whose prompts must not be in the server's prefix cache. */
	mustMiss: boolean(),
	startS: number(),
	endS: number(),
	/** Increase over the measured requests of the case; null when `/metrics` could not be read. */
	counters: serverCountersSchema.nullable(),
	/** The server's gauges while the measured requests ran, where the probe asks for them. */
	gauges: array(gaugesSchema).optional(),
	/** Why it was not sent: it asks for more than the server can do. */
	refused: string().optional(),
	/** How the client itself fared over the measured requests. */
	client: clientLoadSchema.optional()
});
/** One round: what the machine did meanwhile, and whether that spoilt it. */
const roundRecordSchema = object({
	round: number().int().nonnegative(),
	fromS: number(),
	toS: number(),
	/** Why the machine, and not the server, may have made the numbers; empty when it was quiet. */
	dirty: array(string()),
	/**
	* `kept`: measured like any other. `replaced`: dirty, and a clean one was measured in its place. `untrusted`: dirty,
	* and no clean one could be had.
	*/
	use: _enum([
		"kept",
		"replaced",
		"untrusted"
	]),
	telemetry: telemetrySummarySchema.nullable()
});
const SESSION_OUTCOMES = [
	"running",
	"ok",
	"failed_start",
	"died",
	"cancelled",
	"failed"
];
/** How a server was ended: proof that nothing is left, or what is. */
const disposalSchema = object({
	tookS: number(),
	/** True when TERM was not enough. */
	killed: boolean(),
	survivors: array(number())
});
const sessionRecordSchema = object({
	variant: string(),
	index: number().int().nonnegative(),
	outcome: _enum(SESSION_OUTCOMES),
	startedAt: string().optional(),
	/** The command as it was run; secrets are replaced. */
	argv: array(string()).optional(),
	/** Variables set for the server on top of the machine's own; secrets are replaced. */
	env: record(string(), string()).optional(),
	pid: number().optional(),
	vllmVersion: string().nullable().optional(),
	/** Spawn to the first 200 of `/health`. */
	readyS: number().optional(),
	/** Spawn to the end of the first completion that succeeded: only then the server is known to serve. */
	servingS: number().optional(),
	logFacts: logFactsSchema.partial().optional(),
	unknownFacts: array(object({
		fact: string(),
		reason: string(),
		expected: boolean().optional()
	})).optional(),
	kv: kvConfigSchema.optional(),
	/** Longest context in tokens that the server takes, as `/v1/models` tells it. */
	maxModelLen: number().nullable().optional(),
	/** What the model's `config.json` says, where it lies on this machine. */
	model: modelFactsSchema.optional(),
	/** Memory in use on the GPUs that the server sees, summed: as it became ready, at most, and in the middle under load. */
	gpuMemory: object({
		readyMib: number(),
		peakMib: number(),
		steadyMib: number()
	}).nullable().optional(),
	cases: array(caseRecordSchema).optional(),
	rounds: array(roundRecordSchema).optional(),
	/** Why the machine was not fit for the server's start: memory of a GPU in use, a process on it. */
	dirtyStart: array(string()).optional(),
	/** The start in parts, from the spawn to the first token. */
	coldStart: coldStartSchema.optional(),
	/** What the machine did before the server, after its first request, and while it was warm. */
	sanity: sanitySchema.optional(),
	/** The memory allocator that was mapped into the server's engine; null where that could not be seen. */
	allocator: _enum(ALLOCATORS).nullable().optional(),
	/** Why the session did not end `ok`, in the server's own words where it had any. */
	cause: string().optional(),
	hint: string().optional(),
	logTail: array(string()).optional(),
	exit: object({
		code: number().nullable(),
		signal: string().nullable()
	}).optional(),
	disposal: disposalSchema.optional()
});
const variantSchema = object({
	args: array(string()),
	model: string().optional(),
	command: array(string()).optional(),
	env: record(string(), string()).optional(),
	url: string().optional()
});
/** `run.json`: what ran. The fields that `compare` needs are required, the rest is for people and later stages. */
const runRecordSchema = object({
	schemaVersion: literal(1),
	scenario: string(),
	variants: record(string(), variantSchema),
	fingerprint: fingerprintSchema,
	sessions: array(sessionRecordSchema),
	id: string().optional(),
	toolVersion: string().optional(),
	createdAt: string().optional(),
	endedAt: string().optional(),
	commit: string().nullable().optional(),
	/** Seed of the prompts; other seeds give other prompts, so that no run finds those of an earlier one cached. */
	seed: string().optional(),
	plan: object({
		sessions: number(),
		rounds: number(),
		probes: unknown(),
		budgetMinutes: number().optional()
	}).optional(),
	/** When the measurements were looked at, what was undecided then, and what was measured next. */
	looks: array(lookSchema).optional(),
	/** What the run cost the machine itself, without its servers. */
	ownCost: ownCostSchema.optional(),
	/** The study that it is of: its name, its options, and the cells that did not fit in its time. */
	study: object({
		name: string(),
		options: unknown(),
		/** `variant`: a server start of it was left out, not a cell of every server. */
		dropped: array(object({
			cell: string(),
			reason: string(),
			variant: string().optional()
		}))
	}).optional(),
	/** What users are promised: goodput is counted by it. */
	slo: sloSchema.optional(),
	/** What came from options in place of the file: `model`, `args`, `command`, `serverUrl`. */
	overridden: array(string()).optional(),
	outcome: _enum([
		"running",
		"complete",
		"cancelled",
		"failed"
	]).optional()
});
/** How many sessions of a variant were measured to their end. */
function countMeasured({ sessions }, wanted) {
	return sessions.filter(({ variant, outcome }) => variant === wanted && outcome === "ok").length;
}
/** How a run that was measured fell short of its plan, as a sentence says it; null when it did not. */
function shortfallOf(run) {
	const unconfirmed = run.sessions.find(({ variant, outcome }) => variant === "base" && !["ok", "cancelled"].includes(outcome));
	if (unconfirmed !== void 0) return `the base, started to confirm a loss, ${unconfirmed.outcome === "died" ? "died" : "did not run"} on this machine, so that nothing confirms it: ${unconfirmed.cause ?? "for a reason unknown"}`;
	const { sessions: planned = 0, budgetMinutes } = run.plan ?? {};
	const done = run.sessions.filter((session) => session.outcome === "ok").length;
	if (done >= planned) {
		const cut = run.sessions.find((session) => session.outcome === "cancelled");
		return cut === void 0 ? null : `session ${cut.index + 1} (${cut.variant}) was cut off and counts for nothing: ${cut.cause ?? "cancelled"}`;
	}
	return `${done} of ${planned} sessions measured${run.sessions.some((session) => (session.disposal?.survivors.length ?? 0) > 0) || budgetMinutes === void 0 ? "" : ` within budgetMinutes (${budgetMinutes})`}`;
}
/** The files of a run folder; design §3. */
const RUN_FILES = {
	run: "run.json",
	traces: "traces.jsonl",
	measurements: "measurements.json",
	comparison: "comparison.json",
	verdict: "verdict.json",
	report: "report.md",
	telemetry: "telemetry.jsonl",
	history: "history.json"
};

// src/report/numbers.ts
/** A number with four digits that matter; whole numbers with separators, since they count things. */
function formatNumber(value) {
	if (value === 0) return "0";
	if (Number.isInteger(value) && Math.abs(value) >= 1e3) return value.toLocaleString("en-US");
	const size = Math.abs(value);
	if (size >= 1e3) return Math.round(value).toLocaleString("en-US");
	if (size < 1e-4) return value.toExponential(1);
	return String(Number(value.toPrecision(4)));
}
/** A value with its unit; shares as percent. */
function formatValue(value, unit) {
	if (value === null) return "–";
	if (unit === "share") return withUnit(formatNumber(Number((value * 100).toPrecision(3))), unit);
	return withUnit(formatNumber(value), unit);
}
function withUnit(number, unit) {
	if (unit === "share") return `${number} %`;
	return unit === "" ? number : unit === "x" ? `${number}×` : `${number} ${unit}`;
}
/** The change from base to head with its sign, as people say it: `+16 %`, `−4.1 %`; of shares in points. */
function formatChange(base, head, unit) {
	if (base === null || head === null) return "–";
	if (base === head) return unit === "share" ? "0 points" : "0 %";
	if (unit === "share") return signed((head - base) * 100, 1).replace("%", "points");
	if (base === 0) return "from 0";
	const points = (head - base) / Math.abs(base) * 100;
	return signed(points, Math.abs(points) >= 10 ? 0 : 1);
}
function signed(points, digits) {
	const text = Math.abs(points).toFixed(digits);
	return Number(text) === 0 ? "≈ 0 %" : `${points > 0 ? "+" : "−"}${text} %`;
}
/** A tolerance as its two bounds. */
function formatTolerance(relative, absolute, unit) {
	const parts = [...relative > 0 ? [`${Number((relative * 100).toPrecision(3))} %`] : [], ...absolute > 0 ? [formatValue(absolute, unit).replace("%", "points")] : []];
	return parts.length === 0 ? "none" : parts.join(" and ");
}
/**
* Both sides of a comparison, rounded where the uncertainty of their ratio begins: `10.4 → 12.1 ms`. Three digits are
* always shown, more than four never; without an interval there are four. Equal sides are shown once.
*/
function formatPair({ base, head, unit, interval }) {
	if (base === null || head === null) return `${formatValue(base, unit)} → ${formatValue(head, unit)}`;
	if (base === head) return formatValue(base, unit);
	const factor = unit === "share" ? 100 : 1;
	const uncertain = interval === null ? 0 : Math.abs(interval[1] - interval[0]) / 2 * Math.abs(base);
	const [smaller, larger] = [Math.abs(base) * factor, Math.abs(head) * factor].sort((a, b) => a - b);
	const decimals = larger > smaller * 10 ? null : decimalsOf(smaller, uncertain * factor);
	if (decimals === null) {
		const [from, to] = [base, head].map((each) => formatNumber(Number((each * factor).toPrecision(4))));
		return `${from} → ${withUnit(to ?? "", unit)}`;
	}
	return `${fixed(base * factor, decimals)} → ${withUnit(fixed(head * factor, decimals), unit)}`;
}
/** Decimals that a number of this size deserves; negative to the left of the point, null where nothing is known. */
function decimalsOf(size, uncertainty) {
	if (!(uncertainty > 0) || !(size > 0)) return null;
	const magnitude = Math.floor(Math.log10(size));
	return Math.min(4, Math.max(3, magnitude - Math.floor(Math.log10(uncertainty)) + 1)) - 1 - magnitude;
}
function fixed(value, decimals) {
	const step = 10 ** -decimals;
	const rounded = decimals < 0 ? Math.round(value / step) * step : value;
	const places = Math.min(8, Math.max(0, decimals));
	return rounded.toLocaleString("en-US", {
		minimumFractionDigits: places,
		maximumFractionDigits: places
	});
}
/**
* The change with its 95 % interval, rounded where that begins: `+16 % [+12, +21]`. `≈` in front says that the interval
* holds zero: noise alone may have made it. Shares change in points.
*/
function formatEffect(compared) {
	const { base, head, unit, direction, interval } = compared;
	if (base === null || head === null || interval === null || base === 0) return formatChange(base, head, unit);
	const [low, high] = interval;
	if (base === head && low === high) return formatChange(base, head, unit);
	const isShare = unit === "share";
	const factor = isShare ? Math.abs(base) * 100 : 100;
	const change = isShare ? (head - base) * 100 : (head - base) / Math.abs(base) * 100;
	const [from, to] = (direction === "lower" ? [low, high] : [-high, -low]).map((each) => each * factor);
	const half = (to - from) / 2;
	const decimals = Math.min(2, Math.max(0, half > 0 ? -Math.floor(Math.log10(half)) : 1));
	const text = (value) => {
		const digits = Math.abs(value).toFixed(decimals);
		return Number(digits) === 0 ? "0" : `${value > 0 ? "+" : "−"}${digits}`;
	};
	return `${from <= 0 && to >= 0 ? "≈ " : ""}${text(change)} ${isShare ? "points" : "%"} [${text(from)}, ${text(to)}]`;
}
/** Beyond ten times as bad the number says nothing but that nobody can see it. */
const MOST_PERCENT = 1e3;
/** The smallest loss that a comparison would have found: `≥ 2.1 %`, of shares in points. */
function formatDetectable({ base, unit, detectable }) {
	if (detectable === null) return "–";
	const isShare = unit === "share";
	const size = detectable * (isShare ? Math.abs(base ?? 0) : 1) * 100;
	if (!isShare && size > MOST_PERCENT) return `> ${formatNumber(MOST_PERCENT)} %`;
	const step = 10 ** (Math.floor(Math.log10(Math.max(size, 1e-9))) - 1);
	return `≥ ${size === 0 ? "0" : String(Number((Math.ceil(size / step - 1e-9) * step).toPrecision(2)))} ${isShare ? "points" : "%"}`;
}

// src/report/explain.ts
/** The smallest losses that this run could have seen, over its gated metrics; null where none is known. */
function reachPhrase(comparison) {
	if (comparison === null || incomparable(comparison).length > 0) return null;
	const known = comparison.comparisons.filter((each) => each.level === "gate" && each.detectable !== null && each.base !== 0).sort((a, b) => (a.detectable ?? 0) - (b.detectable ?? 0));
	const [sharpest, bluntest] = [known[0], known.at(-1)];
	if (sharpest === void 0 || bluntest === void 0) return null;
	const text = (each) => [`${formatDetectable(each)} in `, { id: each.metric }];
	return sharpest === bluntest ? [
		"This run could have seen a loss of ",
		...text(sharpest),
		"."
	] : [
		"This run could have seen a loss of ",
		...text(sharpest),
		", and of ",
		...text(bluntest),
		"."
	];
}
/** What of that which differs is known to move which of the metrics that changed. */
function attributionPhrases(comparisons) {
	const explained = comparisons.filter((each) => each.attribution !== void 0);
	return [...Map.groupBy(explained, (each) => each.attribution ?? "")].map(([attribution, group]) => [...idList(group.map(({ metric }) => metric)), `: ${attribution}`]);
}
const SHOWN_IDS = 3;
/** Ids with commas between them; of many the first ones. */
function idList(ids) {
	const shown = ids.slice(0, SHOWN_IDS).flatMap((id, index) => index === 0 ? [{ id }] : [", ", { id }]);
	return ids.length > SHOWN_IDS ? [...shown, ` and ${ids.length - SHOWN_IDS} more`] : shown;
}
/** Why more was measured than at first, a line for each look; empty when one look was enough. */
function lookLines(run) {
	const looks = run.looks ?? [];
	if (looks.length < 2) return [];
	return looks.map(({ sessions, next, why }) => {
		const base = sessions.base === 0 ? "" : ` and ${count(sessions.base, "session")} of the base`;
		const then = next.length === 0 ? "" : ` → measured ${next.join(", ")}`;
		return `After ${count(sessions.head, "session")}${base}: ${why}${then}`;
	});
}
/** Rounds in which the machine was not quiet, and what became of them. */
function dirtyLines(run) {
	const uses = {
		kept: "it counts",
		replaced: "another one was measured in its place",
		untrusted: "no clean one could be had"
	};
	return run.sessions.flatMap(({ index, variant, rounds = [], dirtyStart = [] }) => {
		const name = `session ${index} of ${variant}`;
		return [...dirtyStart.map((reason) => `${name} started on a machine that was not quiet: ${reason}`), ...rounds.filter(({ dirty }) => dirty.length > 0).map(({ round, dirty, use }) => `round ${round + 1} of ${name} was dirty (${dirty.join("; ")}); ${uses[use]}`)];
	});
}
/** How much stands behind the numbers, and what it cost. */
function extentText({ run, comparison }) {
	const size = (side) => {
		const all = (comparison?.comparisons ?? []).map(side);
		const sessions = Math.max(0, ...all.map((each) => each.length));
		const rounds = Math.max(0, ...all.flat().map((each) => each.length));
		return `${count(sessions, "session")} of ${count(rounds, "round")}`;
	};
	const spent = spentOf(run);
	const cost = spent?.gpuMinutes == null ? "" : ` (${spent.gpuMinutes.toFixed(1)} GPU minutes)`;
	const said = [...comparison === null || comparison.comparisons.length === 0 ? [] : [`Baseline: ${size((each) => each.baseSessions)}; this run: ${size((each) => each.headSessions)}.`], ...spent === null ? [] : [`The run took ${spent.minutes.toFixed(1)} minutes${cost}.`]];
	return said.length === 0 ? null : said.join(" ");
}
/** Minutes from the run's beginning to its end, and the same times its GPUs; null when it has no end. */
function spentOf(run) {
	const minutes = (Date.parse(run.endedAt ?? "") - Date.parse(run.createdAt ?? "")) / 6e4;
	if (!Number.isFinite(minutes)) return null;
	const gpus = Number(run.fingerprint["gpuCount"] ?? 0);
	return {
		minutes,
		gpuMinutes: gpus > 0 ? minutes * gpus : null
	};
}
/** What makes some of it doubtful and is not said elsewhere. */
function warningTexts(input) {
	const { verdict, run } = input;
	const taints = (input.measurements?.taints ?? []).map((taint) => taint.reason);
	const left = run.sessions.filter((session) => (session.disposal?.survivors.length ?? 0) > 0).map((session) => `processes ${session.disposal?.survivors.join(", ")} of session ${session.index} could not be ended`);
	const judged = input.comparison?.comparisons.filter((each) => each.level === "gate") ?? [];
	const said = new Set(judged.map((each) => each.reason));
	const shortfall = shortfallOf(run);
	const short = shortfall === null || verdict.verdict === "failed" ? [] : [shortfall];
	const elsewhere = [verdict.headline, ...verdict.cause === "not_recorded" ? verdict.reasons : []];
	const notes = verdict.notes ?? [];
	return [.../* @__PURE__ */ new Set([
		...taints,
		...short,
		...notes,
		...left,
		...dirtyLines(run)
	])].filter((each) => !said.has(each) && !elsewhere.some((text) => text.includes(each)));
}
function count(number, what) {
	return `${formatNumber(number)} ${what}${number === 1 ? "" : "s"}`;
}

// src/report/rows.ts
/** Verdicts that a reader must see, the worst first. */
const CHANGED = [
	"regressed",
	"invalid",
	"inconclusive",
	"improved"
];
/** Why metrics were not judged: each reason once, with the metrics that share it. */
function reasonsOf(comparisons) {
	const open = comparisons.filter((each) => each.verdict === "invalid" || each.verdict === "inconclusive");
	return [...Map.groupBy(open, (each) => each.reason)].map(([reason, group]) => ({
		reason,
		metrics: group.map((each) => each.metric)
	}));
}

export { tokenCount as A, isUnconfirmed as B, ALLOCATORS as C, kvDeployment as D, logFactsSchema as E, allowedLatenessMs as F, latenessMs as I, baseName as L, diffFingerprints as M, fingerprintSchema as N, modelFacts as O, fingerprintSlug as P, comparisonFileSchema as R, telemetryLineSchema as S, findingSchema as T, ordered as V, countMeasured as _, idList as a, START_TERMS as b, warningTexts as c, formatEffect as d, formatNumber as f, RUN_FILES as g, formatValue as h, extentText as i, withoutFlag as j, flagValue as k, formatChange as l, formatTolerance as m, reasonsOf as n, lookLines as o, formatPair as p, attributionPhrases as r, reachPhrase as s, CHANGED as t, formatDetectable as u, runRecordSchema as v, LEVELS as w, gpuReadingSchema as x, shortfallOf as y, incomparable as z };