import { A as literal, D as _null, E as _enum, F as string, I as tuple, L as union, M as object, N as record, O as array, R as unknown, _ as EXIT, c as readJson, f as writeJson, g as messageOf, h as UsageError, i as briefly, j as number, k as boolean, l as readTextIfExists, t as levelSchema, u as sha256, v as VERDICTS } from "./metric.js";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { appendFile, mkdir, readFile, readdir, readlink, rm } from "node:fs/promises";

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
	driver: "must",
	model: "must",
	probeSuite: "must",
	cpuModel: "note",
	cpuCores: "note",
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

// src/domain/run.ts
/** Counters of a server's `/metrics`, summed over its engines; null where that version does not report one. */
const serverCountersSchema = object({
	promptTokens: number().nullable(),
	generationTokens: number().nullable(),
	prefixQueriedTokens: number().nullable(),
	prefixHitTokens: number().nullable(),
	preemptions: number().nullable()
});
/** What `/metrics` says about the KV cache (`vllm:cache_config_info`). */
const kvConfigSchema = object({
	blocks: number().nullable(),
	blockSize: number().nullable(),
	capacityTokens: number().nullable(),
	maxConcurrency: number().nullable(),
	prefixCaching: boolean().nullable()
});
/** One case of one round: when it ran and what the server counted meanwhile. */
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
	counters: serverCountersSchema.nullable()
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
	cases: array(caseRecordSchema).optional(),
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
	/** What came from options in place of the file: `model`, `args`, `command`, `serverUrl`. */
	overridden: array(string()).optional(),
	outcome: _enum([
		"running",
		"complete",
		"cancelled",
		"failed"
	]).optional()
});
/** How a run that was measured fell short of its plan, as a sentence says it; null when it did not. */
function shortfallOf(run) {
	const { sessions: planned = 0, budgetMinutes } = run.plan ?? {};
	const done = run.sessions.filter((session) => session.outcome === "ok").length;
	if (done >= planned) return null;
	return `${done} of ${planned} sessions measured${run.sessions.some((session) => (session.disposal?.survivors.length ?? 0) > 0) || budgetMinutes === void 0 ? "" : ` within budgetMinutes (${budgetMinutes})`}`;
}
/** The files of a run folder; design §3. */
const RUN_FILES = {
	run: "run.json",
	traces: "traces.jsonl",
	measurements: "measurements.json",
	comparison: "comparison.json",
	verdict: "verdict.json",
	report: "report.md"
};

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

// node_modules/markdown-table/index.js
/**
* @typedef {Options} MarkdownTableOptions
*   Configuration.
*/
/**
* @typedef Options
*   Configuration.
* @property {boolean | null | undefined} [alignDelimiters=true]
*   Whether to align the delimiters (default: `true`);
*   they are aligned by default:
*
*   ```markdown
*   | Alpha | B     |
*   | ----- | ----- |
*   | C     | Delta |
*   ```
*
*   Pass `false` to make them staggered:
*
*   ```markdown
*   | Alpha | B |
*   | - | - |
*   | C | Delta |
*   ```
* @property {ReadonlyArray<string | null | undefined> | string | null | undefined} [align]
*   How to align columns (default: `''`);
*   one style for all columns or styles for their respective columns;
*   each style is either `'l'` (left), `'r'` (right), or `'c'` (center);
*   other values are treated as `''`, which doesn’t place the colon in the
*   alignment row but does align left;
*   *only the lowercased first character is used, so `Right` is fine.*
* @property {boolean | null | undefined} [delimiterEnd=true]
*   Whether to end each row with the delimiter (default: `true`).
*
*   > 👉 **Note**: please don’t use this: it could create fragile structures
*   > that aren’t understandable to some markdown parsers.
*
*   When `true`, there are ending delimiters:
*
*   ```markdown
*   | Alpha | B     |
*   | ----- | ----- |
*   | C     | Delta |
*   ```
*
*   When `false`, there are no ending delimiters:
*
*   ```markdown
*   | Alpha | B
*   | ----- | -----
*   | C     | Delta
*   ```
* @property {boolean | null | undefined} [fillRows=true]
*   Whether to fill rows with empty cells up to the most cells in a row
*   (default: `true`).
*
*   When `true`, all rows have as many cells as the longest row:
*
*   ```markdown
*   | Alpha | B    |   |
*   | ----- | ---- | - |
*   | C     |      |   |
*   | D     | Echo | F |
*   ```
*
*   When `false`, rows keep their cells,
*   and the delimiter row has as many cells as the header row:
*
*   ```markdown
*   | Alpha | B    |
*   | ----- | ---- |
*   | C     |
*   | D     | Echo | F |
*   ```
* @property {boolean | null | undefined} [delimiterStart=true]
*   Whether to begin each row with the delimiter (default: `true`).
*
*   > 👉 **Note**: please don’t use this: it could create fragile structures
*   > that aren’t understandable to some markdown parsers.
*
*   When `true`, there are starting delimiters:
*
*   ```markdown
*   | Alpha | B     |
*   | ----- | ----- |
*   | C     | Delta |
*   ```
*
*   When `false`, there are no starting delimiters:
*
*   ```markdown
*   Alpha | B     |
*   ----- | ----- |
*   C     | Delta |
*   ```
* @property {boolean | null | undefined} [padding=true]
*   Whether to add a space of padding between delimiters and cells
*   (default: `true`).
*
*   When `true`, there is padding:
*
*   ```markdown
*   | Alpha | B     |
*   | ----- | ----- |
*   | C     | Delta |
*   ```
*
*   When `false`, there is no padding:
*
*   ```markdown
*   |Alpha|B    |
*   |-----|-----|
*   |C    |Delta|
*   ```
* @property {((value: string) => number) | null | undefined} [stringLength]
*   Function to detect the length of table cell content (optional);
*   this is used when aligning the delimiters (`|`) between table cells;
*   full-width characters and emoji mess up delimiter alignment when viewing
*   the markdown source;
*   to fix this, you can pass this function,
*   which receives the cell content and returns its “visible” size;
*   note that what is and isn’t visible depends on where the text is displayed.
*
*   Without such a function, the following:
*
*   ```js
*   markdownTable([
*     ['Alpha', 'Bravo'],
*     ['中文', 'Charlie'],
*     ['👩‍❤️‍👩', 'Delta']
*   ])
*   ```
*
*   Yields:
*
*   ```markdown
*   | Alpha | Bravo |
*   | - | - |
*   | 中文 | Charlie |
*   | 👩‍❤️‍👩 | Delta |
*   ```
*
*   With [`string-width`](https://github.com/sindresorhus/string-width):
*
*   ```js
*   import stringWidth from 'string-width'
*
*   markdownTable(
*     [
*       ['Alpha', 'Bravo'],
*       ['中文', 'Charlie'],
*       ['👩‍❤️‍👩', 'Delta']
*     ],
*     {stringLength: stringWidth}
*   )
*   ```
*
*   Yields:
*
*   ```markdown
*   | Alpha | Bravo   |
*   | ----- | ------- |
*   | 中文  | Charlie |
*   | 👩‍❤️‍👩    | Delta   |
*   ```
*/
/**
* Get the length of a cell.
*
* @param {string} value
*   Cell value.
* @returns {number}
*   Cell size.
*/
function defaultStringLength(value) {
	return value.length;
}
/**
* Generate a markdown
* ([GFM](https://docs.github.com/en/github/writing-on-github/working-with-advanced-formatting/organizing-information-with-tables))
* table.
*
* @param {ReadonlyArray<ReadonlyArray<string | null | undefined>>} table
*   Table data (matrix of strings).
* @param {Readonly<Options> | null | undefined} [options]
*   Configuration (optional).
* @returns {string}
*   Result.
*/
function markdownTable(table, options) {
	const settings = options || {};
	const align = (settings.align || []).concat();
	const stringLength = settings.stringLength || defaultStringLength;
	/** @type {Array<number>} Character codes as symbols for alignment per column. */
	const alignments = [];
	/** @type {Array<Array<string>>} Cells per row. */
	const cellMatrix = [];
	/** @type {Array<Array<number>>} Sizes of each cell per row. */
	const sizeMatrix = [];
	/** @type {Array<number>} */
	const longestCellByColumn = [];
	let mostCellsPerRow = 0;
	let rowIndex = -1;
	while (++rowIndex < table.length) {
		/** @type {Array<string>} */
		const row = [];
		/** @type {Array<number>} */
		const sizes = [];
		let columnIndex = -1;
		if (table[rowIndex].length > mostCellsPerRow) mostCellsPerRow = table[rowIndex].length;
		while (++columnIndex < table[rowIndex].length) {
			const cell = serialize(table[rowIndex][columnIndex]);
			if (settings.alignDelimiters !== false) {
				const size = stringLength(cell);
				sizes[columnIndex] = size;
				if (longestCellByColumn[columnIndex] === void 0 || size > longestCellByColumn[columnIndex]) longestCellByColumn[columnIndex] = size;
			}
			row.push(cell);
		}
		cellMatrix[rowIndex] = row;
		sizeMatrix[rowIndex] = sizes;
	}
	let columnIndex = -1;
	if (typeof align === "object" && "length" in align) while (++columnIndex < mostCellsPerRow) alignments[columnIndex] = toAlignment(align[columnIndex]);
	else {
		const code = toAlignment(align);
		while (++columnIndex < mostCellsPerRow) alignments[columnIndex] = code;
	}
	columnIndex = -1;
	/** @type {Array<string>} */
	const row = [];
	/** @type {Array<number>} */
	const sizes = [];
	while (++columnIndex < mostCellsPerRow) {
		const code = alignments[columnIndex];
		let before = "";
		let after = "";
		if (code === 99) {
			before = ":";
			after = ":";
		} else if (code === 108) before = ":";
		else if (code === 114) after = ":";
		let size = settings.alignDelimiters === false ? 1 : Math.max(1, longestCellByColumn[columnIndex] - before.length - after.length);
		const cell = before + "-".repeat(size) + after;
		if (settings.alignDelimiters !== false) {
			size = before.length + size + after.length;
			if (size > longestCellByColumn[columnIndex]) longestCellByColumn[columnIndex] = size;
			sizes[columnIndex] = size;
		}
		row[columnIndex] = cell;
	}
	cellMatrix.splice(1, 0, row);
	sizeMatrix.splice(1, 0, sizes);
	rowIndex = -1;
	/** @type {Array<string>} */
	const lines = [];
	while (++rowIndex < cellMatrix.length) {
		const row = cellMatrix[rowIndex];
		const sizes = sizeMatrix[rowIndex];
		const cellsInRow = settings.fillRows === false ? Math.max(1, cellMatrix[rowIndex === 1 ? 0 : rowIndex].length) : mostCellsPerRow;
		columnIndex = -1;
		/** @type {Array<string>} */
		const line = [];
		while (++columnIndex < cellsInRow) {
			const cell = row[columnIndex] || "";
			let before = "";
			let after = "";
			if (settings.alignDelimiters !== false) {
				const size = longestCellByColumn[columnIndex] - (sizes[columnIndex] || 0);
				const code = alignments[columnIndex];
				if (code === 114) before = " ".repeat(size);
				else if (code === 99) {
					const half = size / 2;
					if (size % 2) {
						before = " ".repeat(half + .5);
						after = " ".repeat(half - .5);
					} else {
						before = " ".repeat(half);
						after = before;
					}
				} else after = " ".repeat(size);
			}
			if (settings.delimiterStart !== false && !columnIndex) line.push("|");
			if (settings.padding !== false && !(settings.alignDelimiters === false && cell === "") && (settings.delimiterStart !== false || columnIndex)) line.push(" ");
			if (settings.alignDelimiters !== false) line.push(before);
			line.push(cell);
			if (settings.alignDelimiters !== false) line.push(after);
			if (settings.padding !== false) line.push(" ");
			if (settings.delimiterEnd !== false || columnIndex !== cellsInRow - 1) line.push("|");
		}
		lines.push(settings.delimiterEnd === false ? line.join("").replace(/ +$/, "") : line.join(""));
	}
	return lines.join("\n");
}
/**
* Serialize a cell value.
*
* @param {string | null | undefined} [value]
*   Value to serialize.
* @returns {string}
*   Result.
*/
function serialize(value) {
	return value === null || value === void 0 ? "" : String(value);
}
/**
* Get the alignment character code from a value.
*
* @param {string | null | undefined} value
*   Value.
* @returns {number}
*   Alignment.
*/
function toAlignment(value) {
	const code = typeof value === "string" ? value.codePointAt(0) : 0;
	return code === 67 || code === 99 ? 99 : code === 76 || code === 108 ? 108 : code === 82 || code === 114 ? 114 : 0;
}

// src/report/markdown.ts
/**
* One line of text that anyone may have written, without what steers a terminal or a reader's eye: control codes,
* and the marks that turn the direction of writing.
*/
function oneLine(text) {
	return text.replace(/[\r\n\t\u2028\u2029]+/g, " ").replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}
/** Text that anyone may have written, made harmless inside a Markdown line or table cell. */
function plain(text) {
	return oneLine(text).replace(/[\\`*{}[\]<>|~&]/g, "\\$&").replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\_").replace(/(?:@(?=\w)|(?:#|\bGH-)(?=\d))/gi, "$&​").replace(/#(?!\u200b)/g, "\\#");
}
/** Text as inline code, whatever it holds. */
function code(text) {
	const clean = oneLine(text);
	if (clean.trim() === "") return "";
	const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}${clean.startsWith("`") || clean.endsWith("`") ? ` ${clean} ` : clean}${fence}`;
}
/** Lines as a code block that none of them can close. */
function codeBlock(lines) {
	const text = lines.flatMap((line) => line.split(/\r\n|\r|\n/)).map((line) => line.replaceAll("	", "    ")).map(oneLine).join("\n");
	const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}text\n${text}\n${fence}`;
}
/** A table; cells are taken as Markdown, so escape what others wrote. A bare pipe, even in code, is escaped here. */
function table(header, rows, align) {
	return markdownTable([header, ...rows].map((row) => row.map((cell) => cell.replace(/(?<!\\)((?:\\\\)*)\|/g, "$1\\|"))), align === void 0 ? {} : { align: [...align] });
}
/** A folded part. */
function details(summary, body) {
	return `<details>\n<summary>${summary}</summary>\n\n${body}\n\n</details>`;
}

// src/system/clock.ts
/** Monotonic time in seconds since an arbitrary origin; never wall-clock time. */
function monotonicS() {
	return performance.now() / 1e3;
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
	startS: number(),
	firstTokenS: number().nullable(),
	lastTokenS: number().nullable(),
	endS: number(),
	/**
	* [time, tokens that this event carried]; the tokens add up to `outputTokens`. Left out where the server
	* gave no running count and sent fewer events than tokens: what each event carried is then unknown.
	*/
	arrivals: array(tuple([number(), number().int().nonnegative()])).optional(),
	outcome: _enum(OUTCOMES),
	/** HTTP status; null when no response came. */
	status: number().int().nullable(),
	error: string().nullable()
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
	const run = await readJson(join(folder, RUN_FILES.run), runRecordSchema);
	const path = join(folder, RUN_FILES.traces);
	return {
		run,
		traces: parseTraces(await readTextIfExists(path) ?? "", path)
	};
}
function parseTraces(text, path) {
	const lines = text.split("\n");
	lines.pop();
	return lines.flatMap((line, index) => {
		if (line === "") return [];
		let value;
		try {
			value = JSON.parse(line);
		} catch (error) {
			throw new UsageError(`${path}:${index + 1}: not JSON (${briefly(messageOf(error))})`);
		}
		const parsed = requestTraceSchema.safeParse(value);
		if (parsed.success) return [parsed.data];
		const issue = parsed.error.issues[0];
		throw new UsageError(`${path}:${index + 1}: ${issue?.path.join(".")}: ${issue?.message}`);
	});
}
/** SHA-256 over a run's record and traces: what its numbers came from. */
async function hashRun(folder) {
	const parts = await Promise.all([RUN_FILES.run, RUN_FILES.traces].map((name) => readFile(join(folder, name), "utf8").catch(() => "")));
	return sha256(parts.join("\0"));
}

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

// src/domain/comparison.ts
/** A metric of head against the baseline, with every input of its verdict. */
const comparisonSchema = object({
	metric: string(),
	unit: string(),
	direction: _enum(["lower", "higher"]),
	level: levelSchema,
	verdict: _enum(VERDICTS),
	/** Estimate of each side in the metric's unit; null when that side has none. */
	base: number().nullable(),
	head: number().nullable(),
	/** Loss as a share of the base, worse is positive; null when there is no base or it is zero. */
	effect: number().nullable(),
	/** Two-sided 95 % interval of the effect; null under a rule that computes none. */
	interval: tuple([number(), number()]).nullable(),
	/** The bound that decided; null under a rule that computes none. */
	bound: number().nullable(),
	tolerance: number(),
	absoluteTolerance: number(),
	/** Smallest relative loss that this comparison, scattered as its sides are, would have called a regression. */
	detectable: number().nullable(),
	/** Sessions × rounds that stand behind each side. */
	baseSessions: array(array(number())),
	headSessions: array(array(number())),
	reason: string()
});
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
	side: _enum(["min", "max"])
});
/** `comparison.json` */
const comparisonFileSchema = object({
	schemaVersion: literal(1),
	scenario: string(),
	/** Where the base came from: a baseline's path, or run folders; null when there was none to compare with. */
	baseSource: string().nullable(),
	limits: array(limitBreachSchema),
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
	taints: array(string()).default([])
});
/** Comparisons of the given verdicts in that order, the largest effect first. */
function ordered(comparisons, verdicts) {
	const size = (each) => Math.abs(each.effect ?? Number.MAX_VALUE);
	return verdicts.flatMap((verdict) => comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)));
}
/** The fields that forbid a comparison; no number of either side means anything beside the other's then. */
function incomparable(comparison) {
	return (comparison?.fingerprint ?? []).filter((each) => each.rule === "must");
}

// src/verdict/decide.ts
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
	const looked = gated.length > 0 || comparison.limits.length > 0;
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
function decideRecorded(scenario, path) {
	return conclude({
		scenario,
		cause: "recorded",
		verdict: "pass",
		counts: emptyCounts(),
		headline: `Measured and recorded in ${path}`,
		nextAction: "Commit the baseline on the base branch.",
		reasons: [],
		policy: {
			onInconclusive: "warn",
			onInvalid: "fail",
			reportOnly: false
		}
	});
}
/** The verdict file of a run that was measured and is not fit for a baseline. */
function decideNotRecorded(scenario, reason) {
	return conclude({
		scenario,
		cause: "not_recorded",
		verdict: "invalid",
		counts: emptyCounts(),
		headline: "Measured, but not recorded",
		nextAction: "Mend the cause and record again; the old baseline stands.",
		reasons: [reason],
		policy: {
			onInconclusive: "warn",
			onInvalid: "fail",
			reportOnly: false
		}
	});
}
function conclude(input) {
	const { policy, verdict, cause } = input;
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
	if (limits.some((limit) => limit.value !== null)) return "regressed";
	return limits.length > 0 ? "invalid" : "pass";
}
/** A run of which a part must not be trusted is no verdict: what spoilt that part was there for all of it. */
function verdictOfTaints(comparison) {
	return comparison.taints.length > 0 ? "invalid" : "pass";
}
function limitSentence(limit) {
	return limit.value === null ? `${limit.metric} was not measured, but has a limit (${limit.side} ${limit.bound})` : `${limit.metric} is ${amount(limit.value, limit.unit)}, limit ${limit.side} ${amount(limit.bound, limit.unit)}`;
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
		case "inconclusive": return `${shown} undecided: ${few.join(", ")}${more}`;
		case "improved": return `${shown} improved: ${few.join(", ")}${more}; none got worse`;
		case "pass": return gated.length === 1 ? "The one gated metric did not get worse" : `None of the ${gated.length} gated metrics got worse`;
	}
}
function nextAction(verdict, gated, comparison) {
	const elsewhere = comparison.fingerprint.some((each) => each.field === "hostId" && each.base !== null && each.head !== null);
	const of = gated.filter((each) => each.verdict === verdict);
	switch (verdict) {
		case "regressed":
			if (of.length === 0) return "Change the flags until every limit holds, or change the limits on the base branch.";
			return of.some((each) => each.metric === "requests.error_rate") ? "Find out why requests failed: the server's log and traces.jsonl are in the run folder." : "Change the flags, or accept the loss by recording a new baseline.";
		case "invalid":
			if (of.length === 0 && comparison.taints.length === 0) return comparison.limits.length > 0 ? "Give the scenario a probe that measures what the limit is on, or remove the limit." : "Give the scenario a probe whose metrics are gated.";
			if (incomparable(comparison).length > 0) return "Run it as the baseline was recorded, or record a baseline for this machine and these probes.";
			return "Mend the cause and run again; nothing was decided.";
		case "inconclusive":
			if (of.every((each) => each.base === null)) return "Record the baseline again to gate what is new.";
			if (elsewhere) return "Run on a host of the baseline, or record a baseline on this host as well.";
			return "Run again with more sessions to decide it (--sessions 3).";
		case "improved": return "Nothing to do; record a new baseline to hold the gain.";
		case "pass": return "Nothing to do.";
	}
}

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
	if (unit === "share") return `${formatNumber(Number((value * 100).toPrecision(3)))} %`;
	return unit === "" ? formatNumber(value) : unit === "x" ? `${formatNumber(value)}×` : `${formatNumber(value)} ${unit}`;
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

// src/report/comment.ts
const SIGNS = {
	pass: "✅ pass",
	improved: "✅ improved",
	inconclusive: "⚠️ inconclusive",
	invalid: "⚠️ no verdict",
	regressed: "❌ regressed",
	failed: "❌ failed"
};
/** Rows that are open to everybody; the rest is folded. */
const OPEN_ROWS = 10;
/** The pull-request comment: the verdict and what to do, then what changed, then everything else, folded. */
function renderComment(input) {
	const { verdict, run, comparison } = input;
	return `${[
		`<!-- vllm-gate:${verdict.scenario.replace(/[^\w.-]/g, "_").replaceAll("--", "-_")} -->`,
		`### ${signOf(verdict, comparison)} · vllm-gate · ${plain(verdict.scenario)}`,
		`**${plain(verdict.headline.replace(/[.\s]+$/, ""))}.** ${plain(verdict.nextAction)}`,
		...verdict.cause === "not_recorded" ? [verdict.reasons.map((reason) => `- ${plain(reason)}`).join("\n")] : [],
		...verdict.reportOnly ? ["_Report only: this verdict does not block the merge._"] : [],
		...machineRows(comparison),
		...changedRows(comparison, verdict.headline),
		...limitRows(comparison),
		...differingFlags(comparison),
		...failure(verdict, run),
		...warnings(input),
		...allRows(comparison, input.measurements),
		...firstToken(input.measurements),
		environment(input),
		howTo(input)
	].join("\n\n")}\n`;
}
function signOf(verdict, comparison) {
	if (verdict.cause === "cancelled" || verdict.cause === "killed") return "⏹ cancelled";
	const limits = comparison?.limits.length ?? 0;
	if (verdict.verdict === "regressed" && verdict.counts.regressed === 0 && limits > 0) return "❌ limit broken";
	return SIGNS[verdict.verdict];
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
	"baseline",
	"this run",
	"change",
	"verdict",
	"tolerance"
];
const ALIGN = [
	"l",
	"r",
	"r",
	"r",
	"l",
	"r"
];
function comparisonRow(each) {
	return [
		code(each.metric),
		formatValue(each.base, each.unit),
		formatValue(each.head, each.unit),
		formatChange(each.base, each.head, each.unit),
		WORDS[each.verdict],
		formatTolerance(each.tolerance, each.absoluteTolerance, each.unit)
	];
}
function metricTable(comparisons) {
	return table(HEADER, comparisons.map(comparisonRow), ALIGN);
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
		metricTable(open),
		...reasons.length > 0 ? [reasons.join("\n")] : [],
		...rest.length > 0 ? [details(`${rest.length} more gated metrics`, metricTable(rest))] : []
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
	if (comparison.flags.length === 0) return ["Flags and vLLM version are those of the baseline."];
	const rows = comparison.flags.map((each) => [
		each.what.startsWith("-") ? code(each.what) : plain(each.what),
		each.base === null ? "not set" : code(each.base),
		each.head === null ? "not set" : code(each.head)
	]);
	return [table([
		"what differs",
		"baseline",
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
		...unsaid(session?.cause) ? [codeBlock([session?.cause ?? ""])] : [],
		...unsaid(session?.hint) ? [plain(session?.hint ?? "")] : [],
		...tail.length === 0 ? [] : [details("End of the server's log", codeBlock(tail))]
	];
}
function warnings(input) {
	const { verdict } = input;
	const taints = (input.measurements?.taints ?? []).map((taint) => taint.reason);
	const dirty = input.run.sessions.filter((session) => (session.disposal?.survivors.length ?? 0) > 0).map((session) => `processes ${session.disposal?.survivors.join(", ")} of session ${session.index} could not be ended`);
	const judged = input.comparison?.comparisons.filter((each) => each.level === "gate") ?? [];
	const said = new Set(judged.map((each) => each.reason));
	const shortfall = shortfallOf(input.run);
	const short = shortfall === null || verdict.verdict === "failed" ? [] : [shortfall];
	const elsewhere = [verdict.headline, ...verdict.cause === "not_recorded" ? verdict.reasons : []];
	const all = [.../* @__PURE__ */ new Set([
		...taints,
		...short,
		...dirty
	])].filter((each) => !said.has(each) && !elsewhere.some((text) => text.includes(each)));
	return all.length === 0 ? [] : [all.map((each) => `- ⚠️ ${plain(each)}`).join("\n")];
}
function allRows(comparison, measurements) {
	if (comparison !== null && comparison.comparisons.length > 0) {
		const all = comparison.comparisons;
		if (incomparable(comparison).length > 0) return [details(`${metrics(all.length, "")}, not judged`, metricTable(ordered(all, ["invalid"])))];
		const same = ordered(all.filter((each) => each.level === "gate"), ["pass"]);
		const watched = ordered(all.filter((each) => each.level === "watch"), [...CHANGED, "pass"]);
		const worse = watched.filter((each) => each.verdict === "regressed").length;
		const noted = worse === 0 ? "" : ` (${worse} worse)`;
		return [...same.length > 0 ? [details(`${metrics(same.length, "gated ")} that did not get worse`, metricTable(same))] : [], ...watched.length > 0 ? [details(`${metrics(watched.length, "watched ")}, never blocking${noted}`, metricTable(watched))] : []];
	}
	const values = measurements?.measurements ?? [];
	if (values.length === 0) return [];
	const units = new Map(measurements?.metrics.map((metric) => [metric.id, metric.unit]));
	const ids = [...new Set(values.map((each) => each.metric))].sort();
	const rows = ids.map((id) => [code(id), values.filter((each) => each.metric === id).map((each) => formatValue(each.value, units.get(id) ?? "")).join(", ")]);
	return [details(`${metrics(ids.length, "")} measured`, table(["metric", "by round"], rows))];
}
function metrics(count, kind) {
	return `${count} ${kind}metric${count === 1 ? "" : "s"}`;
}
function firstToken(measurements) {
	const summaries = measurements?.ttft ?? [];
	const said = summaries.flatMap((summary) => summary.observations.map((each) => `- ${summaries.length > 1 ? `Session ${summary.session}: ` : ""}${plain(each)}`));
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
		...extent(input),
		table(header, rows),
		...run.fingerprint["hostId"] === null ? ["Nothing tells this host from others: it is taken for the one of the baseline."] : [],
		...unknown.length > 0 ? [`Unknown: ${unknown.map((each) => `${code(each.fact)} (${plain(each.reason)})`).join("; ")}`] : []
	].join("\n\n");
	return details("Environment and command", body);
}
/** How much stands behind the numbers, and what it cost. */
function extent({ run, comparison }) {
	const size = (side) => {
		const all = (comparison?.comparisons ?? []).map(side);
		const sessions = Math.max(0, ...all.map((each) => each.length));
		const rounds = Math.max(0, ...all.flat().map((each) => each.length));
		const count = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;
		return `${count(sessions, "session")} of ${count(rounds, "round")}`;
	};
	const minutes = (Date.parse(run.endedAt ?? "") - Date.parse(run.createdAt ?? "")) / 6e4;
	const gpus = Number(run.fingerprint["gpuCount"] ?? 0);
	const cost = gpus > 0 ? ` (${(minutes * gpus).toFixed(1)} GPU minutes)` : "";
	const said = [...comparison === null || comparison.comparisons.length === 0 ? [] : [`Baseline: ${size((each) => each.baseSessions)}; this run: ${size((each) => each.headSessions)}.`], ...Number.isFinite(minutes) ? [`The run took ${minutes.toFixed(1)} minutes${cost}.`] : []];
	return said.length === 0 ? [] : [said.join(" ")];
}
function howTo(input) {
	const { comparison } = input;
	const accept = acceptance(input);
	const lines = [
		...accept === null ? [] : [accept],
		`Run it again: ${code(commandOf("run", input.run))}`,
		...comparison?.baseSource == null ? [] : [`Baseline: ${code(comparison.baseSource)}`],
		`Run: ${code(input.runPath)}`
	];
	return details(accept === null ? "How to run it again" : "How to accept these numbers, and how to run it again", lines.join("\n\n"));
}
/** How this run becomes the baseline, or why it cannot; null where there is nothing to accept. */
function acceptance(input) {
	const { verdict, run, measurements, comparison } = input;
	if (verdict.cause !== "decided" && verdict.cause !== "no_baseline") return null;
	if (verdict.verdict === "regressed" && verdict.counts.regressed === 0) return null;
	if (measurements?.measurements.some((each) => each.metric === "requests.error_rate" && each.value > 0)) return "This run cannot become a baseline: some of its requests failed.";
	if ((measurements?.taints.length ?? 0) > 0) return "This run cannot become a baseline: some of its numbers must not be trusted.";
	const measure = commandOf("record", run);
	if (incomparable(comparison).length > 0) return `Record a baseline of this machine and these probes: ${code(measure)}.${quick(input)}`;
	return verdict.cause === "no_baseline" ? `Record a baseline: ${code(firstRecordCommand(run))}, then commit it on the base branch.${quick(input)}` : `Accept this server as the new baseline: ${code(measure)} measures it anew, then commit it with the reason.${quick(input)}`;
}
/** The other way to a baseline: at once, and with less behind it. */
function quick({ run, comparison, acceptCommand }) {
	const own = run.sessions.filter((session) => session.outcome === "ok").length;
	const replaced = incomparable(comparison).length > 0 ? [] : comparison?.comparisons ?? [];
	const before = Math.max(0, ...replaced.map((each) => each.baseSessions.length));
	const caveat = `a baseline of ${own} session${own === 1 ? "" : "s"}${before > own ? ` in place of ${before}` : ""}`;
	return `\n\nAt once, without measuring: ${code(acceptCommand)} records this run alone, ${caveat}.`;
}

export { delay as A, diffFingerprints as B, Descendants as C, findListeners as D, findGroup as E, table as F, fingerprintSlug as H, firstRecordCommand as I, RUN_FILES as L, code as M, oneLine as N, findMarked as O, plain as P, shortfallOf as R, writeRun as S, endServer as T, fingerprintSchema as V, readStateFile as _, formatTolerance as a, newRunId as b, decideFailure as c, decideWithoutBaseline as d, comparisonFileSchema as f, createStateFile as g, STATE_NAME as h, formatChange as i, monotonicS as j, identify as k, decideNotRecorded as l, ordered as m, CHANGED as n, formatValue as o, incomparable as p, reasonsOf as r, decide as s, renderComment as t, decideRecorded as u, appendTraces as v, MARKER_VARIABLE as w, readRunFolder as x, hashRun as y, logFactsSchema as z };