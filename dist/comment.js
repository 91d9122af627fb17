import { C as string, E as unknown, T as union, _ as boolean, a as EXIT, b as object, g as array, h as _null, i as messageOf, m as _enum, r as UsageError, v as literal, w as tuple, x as record, y as number } from "./errors.js";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { appendFile, mkdir, open, readFile, readdir, readlink, rename, rm } from "node:fs/promises";

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
		reason: string()
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
		probes: unknown()
	}).optional(),
	outcome: _enum([
		"running",
		"complete",
		"cancelled",
		"failed"
	]).optional()
});
/** The files of a run folder; design §3. */
const RUN_FILES = {
	run: "run.json",
	traces: "traces.jsonl",
	measurements: "measurements.json",
	comparison: "comparison.json",
	verdict: "verdict.json",
	report: "report.md"
};

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
/** Text that anyone may have written, made harmless inside a Markdown line or table cell. */
function plain(text) {
	return text.replace(/[\r\n\t]+/g, " ").replace(/\p{Cc}/gu, "").replace(/[\\`*{}[\]<>|~#]/g, "\\$&").replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\_").replace(/@(?=\w)/g, "@​");
}
/** Text as inline code, whatever it holds. */
function code(text) {
	const clean = text.replace(/[\r\n\t]+/g, " ").replace(/\p{Cc}/gu, "");
	if (clean.trim() === "") return "";
	const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}${(clean.startsWith("`") || clean.endsWith("`") ? ` ${clean} ` : clean).replaceAll("|", "\\|")}${fence}`;
}
/** Lines as a code block that none of them can close. */
function codeBlock(lines) {
	const text = lines.map((line) => line.replace(/[^\P{Cc}\t]/gu, "")).join("\n");
	const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}text\n${text}\n${fence}`;
}
/** A table; cells are taken as Markdown, so escape what others wrote. */
function table(header, rows, align) {
	return markdownTable([header, ...rows].map((row) => [...row]), align === void 0 ? {} : { align: [...align] });
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
* Ends every process of a server: TERM to the group, a wait, KILL to the group and to whatever carries the
* marker, then a look that nothing is left. vLLM leaves its engine and workers behind when only its API server
* dies (vllm-project/vllm#55510, #34643), so the leader's exit proves nothing.
*/
async function endServer(options) {
	const startS = monotonicS();
	const { pgid } = options;
	const alive = async () => {
		const group = pgid === void 0 ? [] : await findGroup(pgid);
		return [.../* @__PURE__ */ new Set([...group, ...await findMarked(options.marker)])];
	};
	const goneWithin = async (ms) => {
		const deadlineS = monotonicS() + ms / 1e3;
		for (;;) {
			const pids = await alive();
			if (pids.length === 0 || monotonicS() > deadlineS) return pids;
			await delay(25);
		}
	};
	const signalAll = (pids, signal) => {
		if (pgid !== void 0) sendSignal(-pgid, signal);
		for (const pid of pids) sendSignal(pid, signal);
	};
	let left = await alive();
	let killed = false;
	if (left.length > 0) {
		if (pgid !== void 0) sendSignal(-pgid, "SIGTERM");
		const group = pgid === void 0 ? [] : await findGroup(pgid);
		for (const pid of left) if (!group.includes(pid)) sendSignal(pid, "SIGTERM");
		left = await goneWithin(options.graceMs);
	}
	if (left.length > 0) {
		killed = true;
		signalAll(left, "SIGKILL");
		left = await goneWithin(options.killMs);
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

// src/system/files.ts
/**
* Writes a whole file or nothing: to a temporary name beside it, synced, then renamed. A killed process
* leaves the old file or the new one, never half of either.
*/
async function writeFileAtomic(path, content) {
	await mkdir(dirname(path), { recursive: true });
	const temporary = `${path}.${randomUUID()}.tmp`;
	try {
		const file = await open(temporary, "wx");
		try {
			await file.writeFile(content);
			await file.sync();
		} finally {
			await file.close();
		}
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
}
/** {@link writeFileAtomic} of a value as indented JSON with a final newline. */
async function writeJson(path, value) {
	await writeFileAtomic(path, `${JSON.stringify(value, null, 1)}\n`);
}
/** The text of a file, or null when there is none. */
async function readTextIfExists(path) {
	try {
		return await readFile(path, "utf8");
	} catch (error) {
		if (error.code === "ENOENT") return null;
		throw error;
	}
}
/**
* Parses text as JSON of a schema.
*
* @param source - what the text is called in an error, e.g. its path
* @throws UsageError naming the source, the key and what was expected
*/
function parseJson(text, schema, source) {
	let value;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw new UsageError(`${source}: not JSON (${messageOf(error)})`, { cause: error });
	}
	const parsed = schema.safeParse(value);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	const key = issue?.path.join(".") || "(the whole file)";
	throw new UsageError(`${source}: ${key}: ${issue?.message ?? "not what was expected"}`);
}
/**
* Reads a JSON file of a schema.
*
* @throws UsageError when it is missing, not JSON, or of another shape
*/
async function readJson(path, schema) {
	const text = await readTextIfExists(path);
	if (text === null) throw new UsageError(`${path}: no such file`);
	return parseJson(text, schema, path);
}
/** SHA-256 of a text, in hexadecimal. */
function sha256(text) {
	return createHash("sha256").update(text).digest("hex");
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
			throw new UsageError(`${path}:${index + 1}: not JSON (${messageOf(error)})`);
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
/** A server that may be alive: written before it is spawned, removed after it was proved gone. */
const liveServerSchema = object({
	marker: string(),
	/** Leader of its process group and that process's start time; null until it was spawned. */
	leader: object({
		pid: number(),
		startTicks: number()
	}).nullable()
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
		remove: () => rm(path, { force: true })
	};
}
/** @throws UsageError when the file is missing or not a state file */
function readStateFile(path) {
	return readJson(path, stateSchema);
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
/** The verdict on a run that was measured and compared. `watch` metrics are counted and never move it. */
function decide(comparison, policy) {
	const gated = comparison.comparisons.filter((each) => each.level === "gate");
	const counts = emptyCounts();
	for (const each of gated) counts[each.verdict] += 1;
	const broken = comparison.limits.length > 0;
	const looked = gated.length > 0 || broken;
	const ofMetrics = gated.map((each) => each.verdict).reduce(join$1, looked ? "pass" : "invalid");
	const verdict = broken ? "regressed" : ofMetrics;
	const reasons = [
		...comparison.limits.map(limitSentence),
		...byVerdict(gated, [
			"regressed",
			"invalid",
			"inconclusive",
			"improved"
		]).map(sentence),
		...looked ? [] : ["no gated metric was measured"]
	];
	return conclude({
		scenario: comparison.scenario,
		cause: "decided",
		verdict,
		counts,
		headline: headline(verdict, gated, comparison),
		nextAction: nextAction(verdict),
		reasons,
		policy
	});
}
/** The verdict of a run that has no baseline: measured, and nothing to hold it against but its limits. */
function decideWithoutBaseline(comparison, expected, policy) {
	const broken = comparison.limits.length > 0;
	return conclude({
		scenario: comparison.scenario,
		cause: "no_baseline",
		verdict: broken ? "regressed" : "invalid",
		counts: emptyCounts(),
		headline: broken ? `${comparison.limits.length} limit${plural(comparison.limits.length)} broken; there is no baseline to compare with` : "Measured, but there is no baseline to compare with",
		nextAction: `Record one on the base branch and commit it: vllm-gate record --scenario ${comparison.scenario}`,
		reasons: [...comparison.limits.map(limitSentence), `expected a baseline at ${expected}`],
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
/** Comparisons of the given verdicts in that order, the largest effect first. */
function byVerdict(comparisons, order) {
	const size = (each) => Math.abs(each.effect ?? Number.POSITIVE_INFINITY);
	return order.flatMap((verdict) => comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)));
}
function percent(share) {
	const points = Math.abs(share) * 100;
	return `${points >= 10 ? Math.round(points) : points.toFixed(1)} %`;
}
function change(each) {
	if (each.effect === null) return each.base === null ? "has no baseline" : each.head === null ? "is missing" : "rose from zero";
	return `is ${percent(each.effect)} ${each.effect > 0 ? "worse" : "better"}`;
}
function sentence(each) {
	return `${each.metric} ${change(each)}: ${each.reason}`;
}
function limitSentence(limit) {
	const bound = `limit ${limit.side} ${limit.bound} ${limit.unit}`.trim();
	return limit.value === null ? `${limit.metric} has a limit (${limit.side} ${limit.bound}) and was not measured` : `${limit.metric} is ${Number(limit.value.toPrecision(4))} ${limit.unit}: ${bound}`;
}
const plural = (count) => count === 1 ? "" : "s";
function headline(verdict, gated, comparison) {
	const of = (wanted) => byVerdict(gated, [wanted]);
	const few = (list) => {
		const shown = list.slice(0, 2).map((each) => `${each.metric} ${change(each)}`);
		const more = list.length - shown.length;
		return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
	};
	switch (verdict) {
		case "regressed": {
			const limits = comparison.limits.length;
			const worse = of("regressed");
			return [...worse.length > 0 ? [`${worse.length} gated metric${plural(worse.length)} regressed: ${few(worse)}`] : [], ...limits > 0 ? [`${limits} limit${plural(limits)} broken`] : []].join("; ");
		}
		case "invalid": {
			const bad = of("invalid");
			return bad.length === 0 ? "No gated metric was measured" : `No verdict: ${bad[0]?.metric} ${change(bad[0])}, ${bad[0]?.reason}`;
		}
		case "inconclusive": return `${of("inconclusive").length} of ${gated.length} gated metrics undecided: ${few(of("inconclusive"))}`;
		case "improved": return `${of("improved").length} of ${gated.length} gated metrics improved: ${few(of("improved"))}; none got worse`;
		case "pass": return `None of ${gated.length} gated metric${plural(gated.length)} got worse`;
	}
}
function nextAction(verdict) {
	switch (verdict) {
		case "regressed": return "Change the flags, or accept the loss by recording a new baseline (below).";
		case "invalid": return "Mend the cause and run again; nothing was decided.";
		case "inconclusive": return "Run again with more sessions to decide it (--sessions 3).";
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
	if (unit === "share") return signed((head - base) * 100, 1).replace("%", "points");
	if (base === head) return "0 %";
	if (base === 0) return "from 0";
	const points = (head / base - 1) * 100;
	return signed(points, Math.abs(points) >= 10 ? 0 : 1);
}
function signed(points, digits) {
	const text = Math.abs(points).toFixed(digits);
	return Number(text) === 0 ? "≈ 0 %" : `${points > 0 ? "+" : "−"}${text} %`;
}
/** A tolerance as its two bounds. */
function formatTolerance(relative, absolute, unit) {
	const parts = [...relative > 0 ? [`${Number((relative * 100).toPrecision(3))} %`] : [], ...absolute > 0 ? [formatValue(absolute, unit)] : []];
	return parts.length === 0 ? "none" : parts.join(" and ");
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
	const sign = verdict.cause === "cancelled" || verdict.cause === "killed" ? "⏹ cancelled" : SIGNS[verdict.verdict];
	return `${[
		`<!-- vllm-gate:${verdict.scenario} -->`,
		`### ${sign} · vllm-gate · ${plain(verdict.scenario)}`,
		`**${plain(verdict.headline.replace(/[.\s]+$/, ""))}.** ${plain(verdict.nextAction)}`,
		...verdict.cause === "not_recorded" ? [verdict.reasons.map((reason) => `- ${plain(reason)}`).join("\n")] : [],
		...verdict.reportOnly ? ["_Report only: this verdict does not block the merge._"] : [],
		...changedRows(comparison),
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
const CHANGED = [
	"regressed",
	"invalid",
	"inconclusive",
	"improved"
];
function ordered(comparisons, verdicts) {
	const size = (each) => Math.abs(each.effect ?? Number.MAX_VALUE);
	return verdicts.flatMap((verdict) => comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)));
}
const WORDS = {
	pass: "≈",
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
	"",
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
function changedRows(comparison) {
	const changed = ordered(comparison?.comparisons.filter((each) => each.level === "gate") ?? [], CHANGED);
	if (changed.length === 0) return [];
	const open = changed.slice(0, OPEN_ROWS);
	const rest = changed.slice(OPEN_ROWS);
	const reasons = open.filter((each) => each.verdict === "invalid" || each.verdict === "inconclusive").map((each) => `- ${code(each.metric)}: ${plain(each.reason)}`);
	return [
		table(HEADER, open.map(comparisonRow), ALIGN),
		...reasons.length > 0 ? [reasons.join("\n")] : [],
		...rest.length > 0 ? [details(`${rest.length} more changed`, table(HEADER, rest.map(comparisonRow), ALIGN))] : []
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
		code(each.what),
		each.base === null ? "not set" : code(each.base),
		each.head === null ? "not set" : code(each.head)
	]);
	return [table([
		"differs",
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
	return [
		...session?.cause === void 0 ? [] : [codeBlock([session.cause])],
		...session?.hint === void 0 ? [] : [plain(session.hint)],
		...tail.length === 0 ? [] : [details("End of the server's log", codeBlock(tail))]
	];
}
function warnings(input) {
	const taints = (input.measurements?.taints ?? []).map((taint) => taint.reason);
	const dirty = input.run.sessions.filter((session) => (session.disposal?.survivors.length ?? 0) > 0).map((session) => `processes ${session.disposal?.survivors.join(", ")} of session ${session.index} could not be ended`);
	const all = [.../* @__PURE__ */ new Set([...taints, ...dirty])];
	return all.length === 0 ? [] : [all.map((each) => `- ⚠️ ${plain(each)}`).join("\n")];
}
function allRows(comparison, measurements) {
	if (comparison !== null && comparison.comparisons.length > 0) {
		const isOpen = (each) => each.level === "gate" && each.verdict !== "pass";
		const same = ordered(comparison.comparisons.filter((each) => each.level === "gate"), ["pass"]);
		const watched = ordered(comparison.comparisons.filter((each) => each.level === "watch" && !isOpen(each)), [...CHANGED, "pass"]);
		return [...same.length > 0 ? [details(`${same.length} gated metrics within their tolerance`, table(HEADER, same.map(comparisonRow), ALIGN))] : [], ...watched.length > 0 ? [details(`${watched.length} watched metrics, which never block`, table(HEADER, watched.map(comparisonRow), ALIGN))] : []];
	}
	const values = measurements?.measurements ?? [];
	if (values.length === 0) return [];
	const units = new Map(measurements?.metrics.map((metric) => [metric.id, metric.unit]));
	const ids = [...new Set(values.map((each) => each.metric))].sort();
	const rows = ids.map((id) => [code(id), values.filter((each) => each.metric === id).map((each) => formatValue(each.value, units.get(id) ?? "")).join(", ")]);
	return [details(`${ids.length} metrics measured`, table(["metric", "by round"], rows))];
}
function firstToken(measurements) {
	const said = (measurements?.ttft ?? []).flatMap((summary) => summary.observations.map((each) => `- session ${summary.session}: ${plain(each)}`));
	return said.length === 0 ? [] : [details("First-token latency in words", said.join("\n"))];
}
function environment(input) {
	const { run, comparison } = input;
	const differing = new Map(comparison?.fingerprint.map((each) => [each.field, each]));
	const rows = Object.entries(run.fingerprint).filter(([, value]) => value !== null).map(([field, value]) => {
		const difference = differing.get(field);
		const note = difference === void 0 ? "" : `baseline: ${plain(String(difference.base))}`;
		return [
			plain(field),
			plain(String(value)),
			note
		];
	});
	const versions = [...new Set(run.sessions.map((session) => session.vllmVersion ?? "unknown"))].join(", ");
	const argv = run.sessions.find((session) => session.argv !== void 0)?.argv ?? [];
	const unknown = run.sessions[0]?.unknownFacts ?? [];
	const body = [
		`vLLM ${plain(versions)}, vllm-gate ${plain(run.toolVersion ?? "unknown")}${run.commit ? `, commit ${code(run.commit.slice(0, 12))}` : ""}`,
		...argv.length > 0 ? [codeBlock([argv.map(quote).join(" ")])] : [],
		table([
			"environment",
			"",
			""
		], rows),
		...unknown.length > 0 ? [`Unknown: ${unknown.map((each) => `${code(each.fact)} (${plain(each.reason)})`).join("; ")}`] : []
	].join("\n\n");
	return details("Environment and command", body);
}
function quote(arg) {
	return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
function howTo(input) {
	const { verdict, comparison } = input;
	const lines = [...comparison?.baseSource == null ? [] : [`Baseline: ${code(comparison.baseSource)}`], `Run: ${code(input.runPath)}`];
	const accept = verdict.cause === "no_baseline" ? `Record this run as the baseline: ${code(input.acceptCommand)}, then commit it on the base branch.` : verdict.cause === "decided" ? `Accept these numbers as the new baseline: ${code(input.acceptCommand)}, then commit it with the reason.` : null;
	const reproduce = `Run it again: ${code(`vllm-gate run --scenario ${verdict.scenario}`)}`;
	return details("How to accept, and how to run it again", [
		...accept === null ? [] : [accept],
		reproduce,
		...lines
	].join("\n\n"));
}

export { monotonicS as A, MARKER_VARIABLE as C, findMarked as D, findListeners as E, logFactsSchema as F, diffFingerprints as I, fingerprintSchema as L, plain as M, table as N, identify as O, RUN_FILES as P, fingerprintSlug as R, writeJson as S, findGroup as T, parseJson as _, decide as a, sha256 as b, decideRecorded as c, readStateFile as d, appendTraces as f, writeRun as g, readRunFolder as h, formatValue as i, code as j, delay as k, decideWithoutBaseline as l, newRunId as m, formatChange as n, decideFailure as o, hashRun as p, formatTolerance as r, decideNotRecorded as s, renderComment as t, createStateFile as u, readJson as v, endServer as w, writeFileAtomic as x, readTextIfExists as y };