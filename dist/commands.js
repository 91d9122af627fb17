import { $ as estimateSeconds, A as folderOfModel, At as groupTraces, B as createRedactor, C as concludeMeasuring, Ct as median, D as resumeRun, Dt as countedIn, E as measureSession, Et as quantile, F as readThrough, G as fillLengths, H as secretsOf, I as weightFiles, J as coldCase, K as kvFillCase, L as findModelShape, M as dropAllCaches, Mt as tpotMs, N as dropFromPageCache, Nt as ttftMs, O as startRun, Ot as doneMs, P as readResidency, Q as cellSeconds, R as serverEnvironment, S as compareRuns, St as mean, T as mayGoOn, Tt as min, U as equalRequests, V as redactDeep, W as ownRequests, X as completionBody, Y as warmCase, Z as FIRST_PACE, _t as findKnee, a as minutes, at as outliveReaders, b as recordRuns, bt as timesOf$1, c as prepare, ct as checkMetricNames, d as withServeOptions, dt as missShareOf, et as fitCells, f as withServerOptions, ft as readKvFill, gt as curveOf, h as InvalidArgumentError, ht as kvCapacity, i as log, it as Interruption, j as runPreflight, jt as measuredS, k as readNodeFacts, kt as e2eMs, l as stdoutLook, m as CommanderError, mt as GIB, nt as runSide, o as optionName, p as Command, pt as theilSenLine, q as batchingCase, r as interruptions, s as overridesOf, st as CONFIG_FILE, t as addLedgerCommands, tt as suiteOfCells, u as wholeNumber$1, ut as hitRateOf, v as runAndRecord, vt as kneeOf, w as identify, wt as medianAbsoluteDeviation, x as writeHtmlReport, xt as max, y as runGate, yt as countGood, z as headPlan } from "./ledger-commands.js";
import { a as resolveConfig, i as policyOf, l as toArguments, r as parseConfig, u as require_dist } from "./load.js";
import { S as string, b as record$1, d as _enum, g as literal, m as boolean, p as array, t as EXIT, v as number, w as union, y as object } from "./verdict.js";
import { t as require_undici } from "./undici.js";
import { i as messageOf, n as NotMeasuredError, r as UsageError, t as GateError } from "./errors.js";
import { A as tokenCount, C as ALLOCATORS, R as comparisonFileSchema, S as telemetryLineSchema, T as findingSchema, f as formatNumber, g as RUN_FILES, j as withoutFlag, k as flagValue, w as LEVELS } from "./rows.js";
import { a as readCheckedOut, i as parseJson, l as sha256, r as makeFolder, s as readTextIfExists, u as writeFileAtomic } from "./files.js";
import { a as printable, d as gitRoot, i as columns$1, m as execa, n as recordedText, o as renderTerminal } from "./recorded-text.js";
import { c as runFolders, i as mergeRuns, l as renderComment, n as cellsOf$1, o as readAll, r as commentInputOf, s as readReported, t as TOOL_VERSION } from "./version.js";
import { d as typed } from "./how-to.js";
import { a as plain, i as oneLine, n as codeBlock, o as table, t as code } from "./markdown.js";
import { t as sloSchema } from "./operating.js";
import { n as endServersOf } from "./cleanup.js";
import { S as writeRun, T as readStateFile, y as readRunFolder } from "./processes.js";
import { createHash } from "node:crypto";
import { join, relative, resolve } from "node:path";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { appendFile, lstat, mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { spawn } from "node:child_process";
import { constants as constants$1, homedir, tmpdir } from "node:os";

// src/demo.ts
/** The simulator's program: beside this file when bundled, in its folder when run from source. */
function simulatorPath() {
	const source = import.meta.url.endsWith(".ts");
	return fileURLToPath(new URL(source ? "./simulator/main.ts" : "./simulator.js", import.meta.url));
}
/** Smaller than the default probes, so that four server starts fit in a minute. */
const CONFIG = `
scenarios:
  chat:
    model: Qwen/Qwen2.5-1.5B-Instruct
    args: --max-model-len 4096
    env:
      VLLM_SIM_GPU: h200
      VLLM_SIM_STARTUP_SCALE: 0.02
    probes:
      ttft: { warmRequests: 20, outputTokens: 16 }
      batching: { concurrency: [1, 8], waves: 2, outputTokens: 96 }
      prefix: false
      kv: false
    # The simulator keeps time on whatever machine this is, beside whatever else runs there.
    tolerances:
      ttft.warm.floor_ms: { relative: 0.25 }
      batching.*.wave_tokens_per_s: { relative: 0.1 }
      batching.*.tpot_floor_ms: { relative: 0.1 }
sessions: 1
rounds: 1
recordSessions: 2
baselineDir: baselines
onDirty: note
`;
/**
* Records a baseline, gates the same flags, then gates a flag that makes decoding slower, all on the built-in
* simulator, and prints both comments.
*
* @returns 0 when the first gate passed and the second found the regression; else 3
*/
async function runDemo(options) {
	const { out, log } = options;
	const cwd = await mkdtemp(join(tmpdir(), "vllm-gate-demo-"));
	const command = [
		process.execPath,
		simulatorPath(),
		"serve"
	];
	const file = parseConfig(CONFIG, "demo.yml");
	const policy = {
		...policyOf(file, "demo.yml"),
		allowCommands: [command]
	};
	const configFor = (args) => resolveConfig({
		file: {
			...file,
			scenarios: Object.fromEntries(Object.entries(file.scenarios).map(([name, section]) => [name, {
				...section,
				command
			}]))
		},
		fileName: "demo.yml",
		overrides: { args },
		nameOverride: () => "args",
		policy
	});
	const world = {
		cwd,
		environment: options.environment,
		log,
		signal: options.signal,
		...options.hurry === void 0 ? {} : { hurry: options.hurry },
		runsDir: join(cwd, "runs")
	};
	const flags = "--max-model-len 4096";
	const worse = `${flags} --no-async-scheduling`;
	title(out, `1. The base branch records a baseline: vllm serve Qwen/Qwen2.5-1.5B-Instruct ${flags}`);
	const recorded = await runAndRecord(configFor(flags), world);
	if (recorded.recorded === null) {
		out(recorded.comment);
		return recorded.verdict.exitCode;
	}
	out(`${recorded.verdict.headline}.\n`);
	title(out, "2. A pull request that changes nothing for the server");
	const same = await runGate(configFor(flags), world);
	out(same.comment);
	title(out, "3. A pull request that adds --no-async-scheduling");
	const slower = await runGate(configFor(worse), world);
	out(slower.comment);
	title(out, "What happened");
	out(`Unchanged flags: exit ${same.verdict.exitCode} (${same.verdict.verdict}).\n`);
	out(`--no-async-scheduling: exit ${slower.verdict.exitCode} (${slower.verdict.verdict}).\n`);
	out(`Every file of the runs, baseline included, is in ${cwd}\n`);
	const asTold = same.verdict.exitCode === EXIT.pass && slower.verdict.exitCode === EXIT.regressed;
	return options.signal.aborted ? slower.verdict.exitCode : asTold ? EXIT.pass : EXIT.noVerdict;
}
function title(out, text) {
	out(`\n${"─".repeat(80)}\n${text}\n${"─".repeat(80)}\n`);
}

// src/doctor-token.ts
var import_undici = require_undici();
const TIMEOUT_MS$2 = 5e3;
const NEEDED = "permissions: { contents: read, pull-requests: write, checks: write }";
/**
* Asks GitHub one thing with the token of the environment: the comments of the repository's pull requests, which is
* what the gate's own comment is found among. Nothing is asked without a token, and the token is in no answer.
*
* @returns null when no token is set
*/
async function checkToken(environment) {
	const token = environment["GITHUB_TOKEN"];
	if (token === void 0 || token === "") return null;
	const repository = environment["GITHUB_REPOSITORY"];
	const known = repository !== void 0 && /^[\w.-]+\/[\w.-]+$/.test(repository) ? repository : null;
	const path = known === null ? "/rate_limit" : `/repos/${known}/issues/comments?per_page=1`;
	try {
		const response = await (0, import_undici.request)(`${environment["GITHUB_API_URL"] || "https://api.github.com"}${path}`, {
			headers: {
				authorization: `Bearer ${token}`,
				accept: "application/vnd.github+json",
				"user-agent": "vllm-gate"
			},
			signal: AbortSignal.timeout(TIMEOUT_MS$2),
			reset: true
		});
		await response.body.dump();
		const scopes = response.headers["x-oauth-scopes"];
		return judgeToken({
			status: response.statusCode,
			scopes: typeof scopes === "string" && scopes !== "" ? scopes : null
		}, known);
	} catch (error) {
		return finding$1("note", "GitHub was not reached", messageOf(error).replaceAll(token, "***"), "Whether a comment could be posted is not known.");
	}
}
/** Judges what a token may do; that it may write can only be found out by writing. */
function judgeToken({ status, scopes }, repository) {
	const fix = `# in the workflow:  ${NEEDED}`;
	if (status === 401) return finding$1("warn", "refused", "GitHub does not know this token: it is wrong or has expired", "No comment or check is posted.", fix);
	if (status === 403 || status === 404) return finding$1("warn", status === 403 ? "may not read comments" : "cannot see the repository", `GitHub answered ${status} to a look at the comments of ${repository ?? "the repository"}`, "No comment or check is posted.", fix);
	if (status !== 200) return finding$1("note", "unclear", `GitHub answered ${status}`, "Whether a comment could be posted is not known.");
	if (scopes !== null && !scopes.split(/,\s*/).some((scope) => scope === "repo" || scope === "public_repo")) return finding$1("warn", "may not write", `its scopes are ${scopes}, a comment needs repo`, "No comment or check is posted.", fix);
	return repository === null ? finding$1("ok", "accepted", "GitHub takes it; no GITHUB_REPOSITORY is set to look at") : finding$1("ok", "accepted", `it reads the comments of ${repository}; that it may write shows when it does`);
}
function finding$1(level, value, reason, matters = "", fix = null) {
	return {
		id: "preflight.token",
		subject: "GitHub token",
		level,
		value,
		reason,
		matters,
		fix
	};
}

// src/telemetry/judge-gpu.ts
/** Less than this is a display, a driver's own, or nothing. */
const FREE_ENOUGH_MIB = 1024;
const HOT_C = 83;
/** Reasons that slow a GPU down for its own protection. */
const PROTECTING = [
	"hw_slowdown",
	"hw_thermal",
	"sw_thermal",
	"hw_power_brake"
];
const ok$1 = (value, reason) => ({
	level: "ok",
	value,
	reason,
	matters: "",
	fix: null
});
const judged$1 = (level, value, reason, matters, fix = null) => ({
	level,
	value,
	reason,
	matters,
	fix
});
/** The GPUs, judged. A thing that nvidia-smi does not report of a GPU is not judged. */
function judgeGpus({ gpus, nvidiaSmi }) {
	return [{
		id: "gpu",
		subject: "GPUs",
		...judgePresence(gpus, nvidiaSmi)
	}, ...gpus.flatMap((gpu) => judgeGpu(gpu).map(([name, subject, finding]) => ({
		id: `gpu${gpu.index}.${name}`,
		subject: `GPU ${gpu.index} ${subject}`,
		...finding
	})))];
}
function judgePresence(gpus, { state, reason }) {
	if (state === "absent") return judged$1("note", "none", "there is no nvidia-smi", "A server on CPU can be gated; nothing is known of GPUs of other makers.");
	if (state === "failed") return judged$1("bad", "nvidia-smi failed", reason ?? "it gave no answer", "No server can use a GPU whose driver does not answer.", "sudo dmesg | grep -iE 'nvrm|xid' | tail");
	if (gpus.length === 0) return judged$1("bad", "none visible", "nvidia-smi works, but CUDA_VISIBLE_DEVICES names no GPU that there is", "The server will not find a device.", "unset CUDA_VISIBLE_DEVICES");
	const kinds = [...Map.groupBy(gpus, ({ name }) => name ?? "unknown GPU")];
	const value = kinds.map(([name, same]) => `${same.length} × ${name}`).join(", ");
	return kinds.length > 1 ? judged$1("warn", value, "the GPUs are not of one kind", "A server over all of them runs at the pace of the slowest.", "export CUDA_VISIBLE_DEVICES=…   # GPUs of one kind") : ok$1(value, `driver ${gpus[0]?.driver ?? "unknown"}`);
}
function judgeGpu(gpu) {
	return [
		[
			"processes",
			"processes",
			judgeProcesses(gpu)
		],
		[
			"memory",
			"memory",
			judgeMemory$1(gpu)
		],
		[
			"throttle",
			"clock reasons",
			judgeThrottle(gpu)
		],
		[
			"temperature",
			"temperature",
			judgeTemperature(gpu)
		],
		[
			"clocks",
			"clocks",
			judgeClocks(gpu)
		],
		[
			"power",
			"power limit",
			judgePower(gpu)
		],
		[
			"persistence",
			"persistence",
			judgePersistence(gpu)
		],
		[
			"ecc",
			"ECC",
			judgeEcc(gpu)
		],
		[
			"pcie",
			"PCIe link",
			judgePcie(gpu)
		],
		[
			"mig",
			"MIG",
			judgeMig(gpu)
		],
		[
			"mode",
			"compute mode",
			judgeMode(gpu)
		]
	].flatMap(([name, subject, finding]) => finding === null ? [] : [[
		name,
		subject,
		finding
	]]);
}
function judgeProcesses({ processes, index }) {
	if (processes.length === 0) return ok$1("none", "nobody else is on it");
	const value = processes.map(({ pid, name, memoryMib }) => `${name || "unnamed"} (PID ${pid}${memoryMib === null ? "" : `, ${memoryMib} MiB`})`).join(", ");
	return judged$1("bad", value, "another process is on the GPU", "It takes compute, memory and bandwidth at times of its own: every round is dirty and the run invalid.", `nvidia-smi --query-compute-apps=pid,name --format=csv --id=${index}   # then end them`);
}
function judgeMemory$1({ memoryUsedMib, memoryTotalMib, processes }) {
	if (memoryUsedMib === null) return null;
	const value = `${memoryUsedMib} of ${memoryTotalMib ?? "?"} MiB in use`;
	if (memoryUsedMib <= FREE_ENOUGH_MIB) return ok$1(value, "it is free");
	const holder = processes.length > 0 ? "by the processes on it" : "by no process that can be seen: a leftover, or another container's";
	return judged$1("bad", value, `memory is taken ${holder}`, "The KV cache gets what is left, so capacity shrinks by as much, or the start fails.", "sudo fuser -v /dev/nvidia*");
}
function judgeThrottle({ throttle, smClockMhz, maxSmClockMhz }) {
	if (throttle === null) return null;
	const value = throttle.length === 0 ? "none" : throttle.join(", ");
	if (throttle.filter((reason) => PROTECTING.includes(reason)).length > 0) return judged$1("bad", value, "the GPU slows itself down to protect itself", `Its clock is ${smClockMhz ?? "?"} of ${maxSmClockMhz ?? "?"} MHz: compute-bound times grow by that ratio, and rounds are dirty.`, "nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER   # then see to cooling and power supply");
	return throttle.includes("power_cap") ? judged$1("note", value, "the power limit holds the clock down", "That is how this GPU is run: recorded, not blamed.") : ok$1(value, "nothing holds the clock down");
}
function judgeTemperature({ temperatureC }) {
	if (temperatureC === null) return null;
	const value = `${temperatureC} °C`;
	return temperatureC >= HOT_C ? judged$1("warn", value, `${HOT_C} °C and more before any load`, "Under load it will throttle: rounds become dirty.", "nvidia-smi -q -d TEMPERATURE") : ok$1(value, "cool enough");
}
function judgeClocks(gpu) {
	const { index, maxSmClockMhz, applicationClockMhz, maxMemoryClockMhz, throttle, smClockMhz } = gpu;
	if (maxSmClockMhz === null) return null;
	if (applicationClockMhz !== null && applicationClockMhz < maxSmClockMhz) return judged$1("warn", `application clock ${applicationClockMhz} of ${maxSmClockMhz} MHz`, "somebody set the clock below what the GPU can do", `Compute-bound times (prefill, large batches) take up to ${percent$7(maxSmClockMhz / applicationClockMhz - 1)} longer; it is another machine to the baseline.`, `sudo nvidia-smi -i ${index} -rac`);
	const resting = throttle?.includes("idle") === true && smClockMhz !== null && smClockMhz < maxSmClockMhz;
	return judged$1("note", resting ? `${smClockMhz} MHz at rest, up to ${maxSmClockMhz} MHz` : `up to ${maxSmClockMhz} MHz`, resting ? "not locked: the clock falls at rest and rises under load" : "not known to be locked", "The first requests after a pause may meet a slow clock; warm-up requests precede every measured case.", `sudo nvidia-smi -i ${index} -lgc ${maxSmClockMhz}${maxMemoryClockMhz === null ? "" : ` && sudo nvidia-smi -i ${index} -lmc ${maxMemoryClockMhz}`}`);
}
function judgePower({ index, powerLimitW, defaultPowerLimitW }) {
	if (powerLimitW === null) return null;
	if (defaultPowerLimitW === null || powerLimitW === defaultPowerLimitW) return ok$1(`${powerLimitW} W`, "the default");
	const value = `${powerLimitW} W, default ${defaultPowerLimitW} W`;
	return powerLimitW < defaultPowerLimitW ? judged$1("warn", value, "somebody lowered the power limit", "Large batches and long prefills run at a lower clock; a baseline of another limit is not compared.", `sudo nvidia-smi -i ${index} -pl ${Math.round(defaultPowerLimitW)}`) : judged$1("note", value, "somebody raised the power limit", "A baseline of another limit is not compared.");
}
function judgePersistence({ index, persistence }) {
	if (persistence === null) return null;
	return persistence ? ok$1("on", "the driver stays loaded between servers") : judged$1("warn", "off", "the driver is unloaded when the last process leaves the GPU", "Every start pays 1–3 s for loading it, and clock settings are lost.", `sudo nvidia-smi -i ${index} -pm 1`);
}
function judgeEcc({ index, ecc, eccUncorrected, eccCorrected, rowsPending, rowsFailed }) {
	if (rowsFailed === true) return judged$1("bad", "row remapping failed", "faulty memory could not be replaced", "Servers crash or compute nonsense.", "nvidia-smi -q -d ROW_REMAPPER   # have the GPU replaced");
	if (rowsPending === true || (eccUncorrected ?? 0) > 0) return judged$1("bad", rowsPending === true ? "row remapping pending" : `${eccUncorrected} uncorrected errors since the driver was loaded`, "memory of the GPU is faulty", "A server may crash at any time (Xid 48, 63, 94, 95).", `sudo nvidia-smi -i ${index} -r   # resets the GPU: nothing may use it`);
	if (ecc === null) return null;
	if (!ecc) return judged$1("note", "off", "memory errors are not corrected", "Capacity and bandwidth differ from a GPU with ECC on cards without HBM.");
	return (eccCorrected ?? 0) > 0 ? judged$1("note", `on, ${eccCorrected} corrected errors`, "single-bit errors were corrected", "None yet; many in a short time announce a fault.") : ok$1("on, no errors", "memory is sound");
}
function judgePcie(gpu) {
	const { pcieGeneration, pcieMaxGeneration, pcieWidth, pcieMaxWidth, performanceState } = gpu;
	if (pcieGeneration === null || pcieWidth === null) return null;
	const value = `generation ${pcieGeneration} × ${pcieWidth}`;
	if (pcieMaxWidth !== null && pcieWidth < pcieMaxWidth) return judged$1("warn", `${value}, could be × ${pcieMaxWidth}`, "fewer lanes than the GPU has", `Weights and prompts reach the GPU at ${percent$7(pcieWidth / pcieMaxWidth)} of the speed: cold starts suffer, and tensor parallelism without NVLink.`, "sudo lspci -vv | grep -E 'NVIDIA|LnkSta:'   # reseat the card or riser");
	if (pcieMaxGeneration !== null && pcieGeneration < pcieMaxGeneration) {
		const atRest = performanceState !== null && performanceState !== "P0";
		return judged$1(atRest ? "note" : "warn", `${value}, could be generation ${pcieMaxGeneration}`, atRest ? `the link may slow down at rest (${performanceState})` : "the link is slower than the GPU allows", "Each generation halves the speed at which weights reach the GPU.", atRest ? null : "sudo lspci -vv | grep -E 'NVIDIA|LnkSta:'");
	}
	return ok$1(value, "as fast as it can be");
}
function judgeMig({ mig, migProfiles }) {
	if (mig !== true) return null;
	return judged$1("note", migProfiles.length === 0 ? "on, no slices" : migProfiles.join(", "), "the GPU is split", "Neighbours on other slices share its power and clocks; nvidia-smi reports no utilisation of a slice.");
}
function judgeMode({ index, computeMode }) {
	return computeMode === "Prohibited" ? judged$1("bad", computeMode, "no process may compute on it", "The server cannot start.", `sudo nvidia-smi -i ${index} -c DEFAULT`) : null;
}
function percent$7(share) {
	return `${Math.round(share * 100)} %`;
}

// src/telemetry/judge-host.ts
/** vLLM raises its limit to this many open files, and warns when it may not (`vllm/utils/system_utils.py`). */
const OPEN_FILES_WANTED = 65535;
/** A clock that the CPU itself keeps is read in about 25 ns; the others need a system call or a device. */
const CPU_CLOCKS = /^(?:tsc|kvm-clock|arch_sys_counter|hyperv_clocksource_\w+)$/;
const ok = (value, reason) => ({
	level: "ok",
	value,
	reason,
	matters: "",
	fix: null
});
const judged = (level, value, reason, matters, fix = null) => ({
	level,
	value,
	reason,
	matters,
	fix
});
const unknown = (reason) => judged("note", "unknown", reason, "It may differ between two runs without being noticed.");
/** The machine apart from its GPUs, judged by the rules of day 6 of the SRE diary that this tool began as. */
function judgeHost(facts) {
	const { cpu, memory } = facts;
	const of = (id, subject, finding) => ({
		id,
		subject,
		...finding
	});
	return [
		of("memory.thp", "transparent huge pages", judgeThp(memory.thp)),
		of("memory.thp_defrag", "huge page defragmentation", judgeDefrag(memory.thpDefrag, memory.thp)),
		of("memory.hugepages", "reserved huge pages", judgeHugePages(memory)),
		of("memory.swap", "swap", judgeSwap(memory)),
		of("memory.room", "memory", judgeMemory(memory)),
		of("memory.numa", "NUMA", judgeNuma(memory)),
		of("cpu.governor", "CPU governor", judgeGovernor(cpu.governors)),
		of("cpu.clocksource", "clock source", judgeClock(cpu)),
		of("cpu.load", "other load", judgeLoad(cpu)),
		of("cpu.steal", "steal", judgeSteal(cpu.stealShare)),
		of("cpu.limit", "CPU limit", judgeCpuLimit(cpu)),
		of("limits.files", "open files", judgeOpenFiles(facts.limits)),
		of("process.allocator", "memory allocator", judgeAllocator(facts.allocator))
	];
}
function judgeThp(mode) {
	const fix = "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled";
	if (mode === null) return unknown("the kernel has no transparent huge pages, or does not show them");
	if (mode === "madvise") return ok(mode, "programs that ask for huge pages get them, nobody else");
	if (mode === "always") return judged("warn", mode, "the kernel may turn anybody's memory into huge pages at any time; madvise with explicit huge pages is the sane default", "Compaction stalls a server for milliseconds at random: TTFT p95 spreads, resident memory grows.", fix);
	return judged("note", mode, "no program can opt in to huge pages", "Weights and pinned buffers in host memory use 4 KiB pages: loading may take some percent longer.", fix);
}
function judgeDefrag(mode, thp) {
	const fix = "echo never | sudo tee /sys/kernel/mm/transparent_hugepage/defrag";
	if (mode === null) return unknown("the kernel does not show it");
	if (mode === "never" || thp === "never") return ok(mode, "no allocation waits for memory to be compacted");
	if (mode === "defer") return ok(mode, "compaction is left to a thread of the kernel");
	if (mode === "always") return judged("warn", mode, "every page fault may wait for compaction", "Stalls of milliseconds while the server allocates, at start most of all.", fix);
	return judged("note", mode, "the kernel's default: memory that asked for huge pages may wait for compaction; `never` is steadier", "Allocators that use madvise (jemalloc, tcmalloc, PyTorch's pinned memory) may stall at start.", fix);
}
function judgeHugePages({ hugePages, hugePagesFree, hugePageKib, totalMib }) {
	if (hugePages === null) return unknown("/proc/meminfo does not show them");
	const reservedMib = hugePages * (hugePageKib ?? 2048) / 1024;
	const value = `${hugePages} of ${(hugePageKib ?? 2048) / 1024} MiB, ${hugePagesFree ?? 0} free`;
	if (totalMib !== null && reservedMib > totalMib / 2 && hugePages === hugePagesFree) return judged("warn", value, `${Math.round(reservedMib)} MiB of ${totalMib} MiB are set aside and nobody uses them`, "The page cache that keeps weight files warm has less room: cold starts read from disk again.", "sudo sysctl vm.nr_hugepages=0");
	return hugePages === 0 ? judged("note", "none", "a small, stable reserve is part of the sane default, but vLLM does not ask for one by itself", "Nothing for most models; the loading of large ones from host memory may gain.", "sudo sysctl vm.nr_hugepages=1024") : ok(value, "an explicit reserve is part of the sane default");
}
function judgeSwap({ swapTotalMib, swapUsedMib, swappiness }) {
	if (swapTotalMib === null) return unknown("/proc/meminfo does not show it");
	if (swapTotalMib === 0) return ok("none", "nothing can be swapped out");
	const value = `${swapUsedMib ?? 0} of ${swapTotalMib} MiB in use, swappiness ${swappiness ?? "unknown"}`;
	if ((swapUsedMib ?? 0) > 64) return judged("warn", value, "memory of some process lies on disk", "The first touch of a swapped page takes a disk read: TTFT outliers of 10 ms and more; rounds in which it swaps are dirty.", "sudo swapoff -a && sudo swapon -a");
	return (swappiness ?? 0) > 10 ? judged("note", value, "the kernel may swap idle memory out to grow the page cache, as reading weight files does", "A server that is idle between rounds may answer its next request late.", "sudo sysctl vm.swappiness=1") : ok(value, "the kernel swaps only when it must");
}
function judgeMemory({ totalMib, availableMib, limitMib }) {
	if (totalMib === null || availableMib === null) return unknown("/proc/meminfo does not show it");
	const room = Math.min(availableMib, limitMib ?? Number.POSITIVE_INFINITY);
	const value = `${availableMib} of ${totalMib} MiB available${limitMib === null ? "" : `, limited to ${limitMib} MiB by the control group`}`;
	return room < 4096 ? judged("warn", value, "vLLM's processes take about 3 GiB together before the model's weights pass through", "The start may be killed for memory, or weights are read from disk at every start.", "ps -eo rss,args --sort=-rss | head") : ok(value, "there is room for the server and for its weights in the page cache");
}
function judgeNuma({ numaNodes, numaBalancing }) {
	if (numaNodes === null) return unknown("the kernel does not show its nodes");
	if (numaNodes === 1) return ok("1 node", "all memory is equally near");
	const value = `${numaNodes} nodes, balancing ${numaBalancing === null ? "unknown" : numaBalancing ? "on" : "off"}`;
	return numaBalancing === true ? judged("warn", value, "the kernel moves pages between nodes behind the server's back", "Moved pages fault: stalls, and host-bound times (TTFT, start-up) that differ from start to start.", "sudo sysctl kernel.numa_balancing=0") : judged("note", value, "a server that is not bound to the GPU's node may start on either", "Host-bound times (TTFT, copies to the GPU) may differ by 10 % and more between starts.", "nvidia-smi topo -m   # then prefix the command with numactl --cpunodebind=N --membind=N");
}
function judgeGovernor(governors) {
	if (governors.length === 0) return ok("set by the host", "this machine does not control its own clock");
	const value = governors.join(", ");
	return governors.every((governor) => governor === "performance") ? ok(value, "the clock does not wait for load") : judged("warn", value, "the CPU's clock follows the load with a delay", "A server that waits between requests begins each one on a slow clock: TTFT floors vary by some percent.", "sudo cpupower frequency-set -g performance");
}
function judgeClock({ clockSource, clockSources }) {
	if (clockSource === null) return unknown("the kernel does not show it");
	if (CPU_CLOCKS.test(clockSource)) return ok(clockSource, "time is read without a system call");
	const better = clockSources.find((name) => CPU_CLOCKS.test(name));
	return judged("warn", clockSource, "each look at the clock is a system call or a device access, about 1 µs", "Python's and vLLM's many time stamps cost some percent of every decode step.", better === void 0 ? null : `echo ${better} | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource`);
}
function judgeLoad({ load1, cores }) {
	if (load1 === null || cores === null) return unknown("/proc/loadavg cannot be read");
	const value = `${load1.toFixed(2)} on ${cores} cores`;
	return load1 > cores * .5 ? judged("warn", value, "other programs are running, or were within the last minute", "Rounds in which others use more than 10 % of the cores and tasks wait are dirty, and measured again.", "ps -eo pcpu,args --sort=-pcpu | head") : ok(value, "the machine is idle");
}
function judgeSteal(share) {
	if (share === null) return unknown("/proc/stat cannot be read");
	const value = `${(share * 100).toFixed(1)} %`;
	return share > .03 ? judged("warn", value, "the host gives this machine's time to others", "Everything takes longer by about this share; rounds above 3 % are dirty.", null) : ok(value, "the host gives this machine its time");
}
function judgeCpuLimit({ limitCores, cores }) {
	if (limitCores === null) return ok("none", "no control group limits the CPU");
	const value = `${limitCores} cores`;
	return limitCores < Math.min(4, cores ?? 4) ? judged("warn", value, "vLLM's API server, engine and one worker each keep a core busy under load, and the probes need one", "The control group stops the server for tens of milliseconds at a time: TTFT and inter-token times jump.", null) : judged("note", value, "a control group limits the CPU", "Rounds in which it held the server back are dirty.", null);
}
function judgeOpenFiles(limits) {
	if (limits === null) return unknown("/proc/self/limits cannot be read");
	if (limits.openFiles === null) return ok("unlimited", "connections cannot run out");
	const value = String(limits.openFiles);
	if (limits.openFiles >= OPEN_FILES_WANTED) return ok(value, "vLLM asks for 65,535");
	return judged(limits.openFiles < 4096 ? "warn" : "note", value, "vLLM tries to raise it to 65,535", "If it may not, connections fail with `Too many open files` at high concurrency.", `ulimit -n ${OPEN_FILES_WANTED}`);
}
function judgeAllocator(allocator) {
	if (allocator === null) return ok("not looked at", "no server runs");
	return allocator === "glibc" ? judged("note", allocator, "glibc's allocator keeps memory of many threads apart and gives little of it back", "When p99 matters, try another one: `vllm-gate study allocator` measures it.", "sudo apt-get install libjemalloc2   # then env: LD_PRELOAD=libjemalloc.so.2") : ok(allocator, "bounds fragmentation over a long life");
}

// src/telemetry/doctor.ts
/** What was read, with a judgement of each thing. */
function judgeNode(facts) {
	return {
		facts,
		findings: [...judgeGpus(facts), ...judgeHost(facts)]
	};
}
/** Reads and judges this node; without a server, in half a second or what nvidia-smi takes. */
async function probeNode(options = {}) {
	return judgeNode(await readNodeFacts(options));
}
/**
* The verdict on a machine: `unfit` with anything `bad`, `degraded` with anything that numbers suffer from.
*
* @param preflight - findings on what a run needs; see preflight.ts
*/
function diagnose(node, preflight = []) {
	const findings = [...preflight, ...node.findings].sort((a, b) => rank(b.level) - rank(a.level));
	const worst = findings[0]?.level ?? "ok";
	return {
		verdict: worst === "bad" ? "unfit" : worst === "warn" ? "degraded" : "healthy",
		findings
	};
}
function rank(level) {
	return LEVELS.indexOf(level);
}
const HEADLINES = {
	healthy: "healthy: a verdict from this machine can be trusted",
	degraded: "degraded: a verdict can be had, with more noise or lower numbers than this machine could give",
	unfit: "unfit: no verdict from this machine would mean anything"
};
/**
* A diagnosis as lines of text: the verdict, then what is wrong with what it does and the command against it, then
* what is worth knowing, then what is well on one line each.
*/
function renderDiagnosis({ verdict, findings }) {
	const width = Math.max(0, ...findings.map(({ subject }) => subject.length));
	return [
		HEADLINES[verdict],
		"",
		...findings.flatMap(({ level, subject, value, reason, matters, fix }) => {
			const head = `${level.padEnd(4)}  ${subject.padEnd(width)}  ${value}`;
			if (level === "ok") return [`${head} (${reason})`];
			const indent = " ".repeat(6);
			return [
				head,
				`${indent}why:  ${reason}`,
				...matters === "" ? [] : [`${indent}does: ${matters}`],
				...fix === null ? [] : [`${indent}fix:  ${fix}`]
			];
		})
	];
}

// src/doctor.ts
/** All of it takes less than ten seconds, whatever hangs. */
const TIMEOUT_MS$1 = 8e3;
const HEALTH_MS = 3e3;
/**
* Every node probe, and everything that a run needs, without starting a server.
*
* @param more - findings from elsewhere, judged with the rest
*/
async function examineNode(server, world, more = async () => []) {
	const env = serverEnvironment(world.environment, server.kind === "launch" ? server.env : {});
	const [node, needs, token] = await Promise.all([
		probeNode({
			...world.machine,
			visibleDevices: env["CUDA_VISIBLE_DEVICES"],
			smi: {
				timeoutMs: TIMEOUT_MS$1,
				signal: AbortSignal.timeout(TIMEOUT_MS$1)
			}
		}),
		server.kind === "attach" ? checkServer(server.url) : runPreflight({
			...server,
			env,
			cwd: world.cwd,
			runsDir: world.runsDir,
			timeoutMs: 7500
		}),
		checkToken(world.environment)
	]);
	const rest = await more();
	const diagnosis = diagnose(node, [
		...needs,
		...token === null ? [] : [token],
		...rest
	]);
	return redactDeep(diagnosis, createRedactor([...secretsOf(world.environment), ...secretsOf(env)]));
}
/** Whether a server that is already running answers. */
async function checkServer(url) {
	const judged = (level, value, reason) => [{
		id: "preflight.server",
		subject: "server",
		level,
		value,
		reason,
		matters: level === "ok" ? "" : "There is nothing to measure.",
		fix: level === "ok" ? null : `curl -i ${url}/health`
	}];
	try {
		const response = await (0, import_undici.request)(`${url}/health`, {
			signal: AbortSignal.timeout(HEALTH_MS),
			reset: true
		});
		await response.body.dump();
		return response.statusCode === 200 ? judged("ok", url, "it is healthy") : judged("bad", url, `/health answered ${response.statusCode}`);
	} catch (error) {
		return judged("bad", url, messageOf(error));
	}
}

// src/domain/doctor.ts
/**
* What a machine is good for. `healthy`: a verdict from it can be trusted. `degraded`: it can be had, with more noise
* or lower numbers than the machine could give. `unfit`: none can be had, or none that means anything.
*/
const NODE_VERDICTS = [
	"healthy",
	"degraded",
	"unfit"
];
/** What `vllm-gate doctor` found. */
const diagnosisSchema = object({
	verdict: _enum(NODE_VERDICTS),
	/** The worst first. */
	findings: array(findingSchema)
});
/** The seed's quick health check: a small model served on this node, in a few numbers. */
const QUICK_CHECK = [
	{
		metric: "startup.ready_s",
		subject: "probe: time to ready",
		unit: "s",
		direction: "lower",
		tolerance: .5
	},
	{
		metric: "ttft.cold_ms",
		subject: "probe: cold TTFT",
		unit: "ms",
		direction: "lower",
		tolerance: .5
	},
	{
		metric: "ttft.warm.floor_ms",
		subject: "probe: warm TTFT",
		unit: "ms",
		direction: "lower",
		tolerance: .25
	},
	{
		metric: "batching.c1.tokens_per_s",
		subject: "probe: sequential",
		unit: "tokens/s",
		direction: "higher",
		tolerance: .1
	},
	{
		metric: "batching.c8.tokens_per_s",
		subject: "probe: 8 at a time",
		unit: "tokens/s",
		direction: "higher",
		tolerance: .15
	}
];
/** One line of a node's history: what a quick check measured, and under what. */
const checkupSchema = object({
	schemaVersion: literal(1),
	at: string(),
	model: string(),
	/** Numbers are only compared where this is equal: server, flags, GPU, driver, limits, probes. */
	key: string(),
	vllmVersion: string().nullable(),
	values: record$1(string(), number()),
	/** Whether the node was found to be as it was before; only such checks are compared with. */
	usual: boolean()
});

// src/telemetry/judge-checkup.ts
/** Deviations by which a value may lie off what this node did before; they are scaled to a normal spread. */
const DEVIATIONS = 4;
const NORMAL = 1.4826;
/**
* A quick check against those that this node passed before, under the same server, flags and limits: worse than their
* median by more than the tolerance and by more than they spread themselves.
*
* @param before - earlier checks in their order, of any key
*/
function judgeCheckup(now, before) {
	const like = before.filter(({ key, usual }) => key === now.key && usual).slice(-10);
	return QUICK_CHECK.map(({ metric, subject, unit, direction, tolerance }) => {
		const value = now.values[metric];
		const id = `probe.${metric}`;
		if (value === void 0) return finding(id, subject, "note", "not measured", "the server or the run gave no such number");
		const shown = `${Number(value.toPrecision(4))} ${unit}`;
		const earlier = like.flatMap(({ values }) => values[metric] ?? []);
		if (earlier.length === 0) return finding(id, subject, "note", shown, "no earlier check of this node, when it was quiet, to compare with");
		const usual = median(earlier);
		const spread = DEVIATIONS * NORMAL * medianAbsoluteDeviation(earlier) / usual;
		const limit = Math.max(tolerance, spread);
		const loss = direction === "lower" ? value / usual - 1 : 1 - value / usual;
		const against = `usually ${Number(usual.toPrecision(4))} ${unit} here (${earlier.length} ${earlier.length === 1 ? "check" : "checks"})`;
		return loss <= limit ? finding(id, subject, "ok", shown, against) : {
			...finding(id, subject, "warn", shown, `${against}; ${percent$6(loss)} worse, limit ${percent$6(limit)}`),
			matters: "This node is slower than it was under the same server and flags: a baseline from before blames the flags for it.",
			fix: "vllm-gate doctor --strict   # then look at clocks, heat, other processes, and the newest driver or kernel"
		};
	});
}
function finding(id, subject, level, value, reason) {
	return {
		id,
		subject,
		level,
		value,
		reason,
		matters: "",
		fix: null
	};
}
function percent$6(share) {
	return `${Math.round(share * 100)} %`;
}

// src/doctor-probe.ts
/** The seed's quick check: cold and warm time to first token, then a little batching. */
const PROBES = {
	ttft: {
		cold: true,
		warmRequests: 10,
		promptTokens: 256,
		outputTokens: 64
	},
	batching: {
		concurrency: [1, 8],
		waves: 3,
		promptTokens: 200,
		outputTokens: 64
	},
	prefix: false,
	kv: false,
	traffic: false
};
const BUDGET_MINUTES = 30;
const ROUNDS = 2;
/**
* Serves a small model once, measures the quick check, and holds it against what this node did before.
*
* @throws UsageError for a server that is already running: the check is of a start, too
*/
async function probeModel(config, world) {
	if (config.server.kind !== "launch") throw new UsageError("--probe: serves a model of its own, and this scenario names a server that is already running: use another --scenario, or none");
	const { model } = config.server;
	const quick = {
		...config,
		probes: PROBES,
		traffic: null,
		base: null,
		rounds: ROUNDS,
		onDirty: "repeat",
		budgetMinutes: BUDGET_MINUTES
	};
	const fingerprint = await identify(quick, world);
	const started = await startRun(quick, world, headPlan(quick, 1), fingerprint);
	const session = await measureSession(started, quick, world, { variant: "head" });
	const measured = await concludeMeasuring(started, quick, world);
	await measured.close();
	const { run, runDir } = measured;
	if (session?.outcome !== "ok") return {
		findings: [didNotServe(model, session)],
		runDir,
		history: null
	};
	const side = runSide(run, measured.measurements, "this check");
	const values = Object.fromEntries(QUICK_CHECK.flatMap(({ metric, direction }) => {
		const rounds = side.values[metric]?.flat() ?? [];
		const best = direction === "lower" ? Math.min(...rounds) : Math.max(...rounds);
		return rounds.length === 0 ? [] : [[metric, best]];
	}));
	const history = historyPath(world.environment, run, model);
	const before = parseHistory(await readTextIfExists(history) ?? "");
	const checkup = {
		schemaVersion: 1,
		at: (/* @__PURE__ */ new Date()).toISOString(),
		model,
		key: keyOf(run, session),
		vllmVersion: session.vllmVersion ?? null,
		values,
		usual: true
	};
	const findings = [...dirtyFindings(session), ...judgeCheckup(checkup, before)];
	const usual = findings.every(({ level }) => level === "ok" || level === "note");
	await makeFolder(join(history, ".."));
	await appendFile(history, `${JSON.stringify({
		...checkup,
		usual
	})}\n`).catch((error) => {
		world.log.warn(`${history}: this check is not remembered (${messageOf(error)})`);
	});
	return {
		findings,
		runDir,
		history
	};
}
function didNotServe(model, session) {
	return {
		id: "probe.serves",
		subject: "probe",
		level: "bad",
		value: `${model} could not be served`,
		reason: session?.cause ?? "it was not finished",
		matters: "No number can be had from this node.",
		fix: session?.hint ?? null
	};
}
/** The check itself on a machine that was not quiet says nothing about what the machine can do. */
function dirtyFindings({ rounds = [], dirtyStart = [] }) {
	const [first] = [...dirtyStart, ...rounds.filter(({ use }) => use === "untrusted").flatMap(({ dirty }) => dirty)];
	if (first === void 0) return [];
	return [{
		id: "probe.dirty",
		subject: "probe: quiet machine",
		level: "warn",
		value: `not quiet in ${rounds.filter(({ dirty }) => dirty.length > 0).length} of ${rounds.length} rounds`,
		reason: first,
		matters: "A gate run under this is invalid; the numbers below are not remembered as this node's usual ones.",
		fix: null
	}];
}
/** Numbers of another server, GPU, driver or limit are no measure of this one's health. */
function keyOf({ fingerprint, variants }, { vllmVersion }) {
	const { hostId: _, kernel: __, os: ___, memoryGib: ____, ...machine } = fingerprint;
	const head = variants["head"];
	return sha256(JSON.stringify([
		vllmVersion,
		head?.command,
		head?.args,
		head?.env,
		Object.entries(machine).sort()
	])).slice(0, 12);
}
/** `~/.cache/vllm-gate/doctor/<hostId>-<model>.jsonl` */
function historyPath(environment, { fingerprint }, model) {
	const cache = environment["XDG_CACHE_HOME"] || join(environment["HOME"] || homedir(), ".cache");
	const slug = (model.split("/").filter(Boolean).at(-1) ?? "model").toLowerCase().replace(/[^a-z0-9.]+/g, "-").replace(/^[-.]+|[-.]+$/g, "").slice(0, 80);
	return join(cache, "vllm-gate", "doctor", `${fingerprint["hostId"] ?? "this-host"}-${slug || "model"}.jsonl`);
}
/** Lines of another version, or cut off by a kill, are passed over. */
function parseHistory(text) {
	return text.split("\n").flatMap((line) => {
		try {
			const parsed = line === "" ? null : checkupSchema.safeParse(JSON.parse(line));
			return parsed?.success === true ? [parsed.data] : [];
		} catch {
			return [];
		}
	});
}

// src/doctor-command.ts
/** Adds `doctor`. */
function addDoctorCommand(program, { out, finish }) {
	withServerOptions(program.command("doctor").description("can this machine give a verdict? node probes and preflight")).option("--strict", "a degraded machine exits 3 as well, not only an unfit one").option("--probe <model>", "also serve this small model and compare with what this node did before").option("--json", "print the findings as JSON").action(async (options) => finish(await doctor(options, out)));
}
async function doctor(options, out) {
	const { patient, config, world } = await patientOf(options);
	let probed = null;
	const diagnosis = await examineNode(patient, world, async () => {
		if (options.probe === void 0 || config === null) return [];
		probed = await probeModel(config, world);
		return probed.findings;
	});
	if (world.signal.reason instanceof Interruption) return world.signal.reason.exitCode;
	const { runDir, history } = probed ?? {
		runDir: null,
		history: null
	};
	if (options.json === true) out(`${JSON.stringify({
		schemaVersion: 1,
		...diagnosis,
		runDir,
		history
	}, null, 1)}\n`);
	else {
		const kept = history === null ? [] : ["", `What this node did before: ${history}`];
		out(printable(`${[...renderDiagnosis(diagnosis), ...kept].join("\n")}\n`));
	}
	return exitOf$1(diagnosis, options.strict === true);
}
/** 3 for a machine that can give no verdict; under `--strict` also for one that gives a worse one. */
function exitOf$1({ verdict }, strict) {
	return verdict === "unfit" || strict && verdict === "degraded" ? EXIT.noVerdict : EXIT.pass;
}
/** What would be served: by the configuration and its options, or, where neither says, any vLLM. */
async function patientOf(options) {
	const { probe } = options;
	if (!(options.config === void 0 && !existsSync(resolve("vllm-gate.yml"))) || options.model !== void 0 || probe !== void 0) {
		const given = probe === void 0 ? options : {
			...options,
			model: probe,
			args: options.args ?? ""
		};
		const { config, world } = await prepare(given);
		return {
			patient: config.server,
			config,
			world
		};
	}
	if (options.scenario !== void 0) throw new UsageError(`--scenario: there is no ${CONFIG_FILE} here that could have a scenario`);
	const cwd = process.cwd();
	const command = options.command === void 0 ? ["vllm", "serve"] : toArguments(options.command, "--command");
	const runsDir = resolve(cwd, options.runsDir);
	return {
		patient: {
			kind: "launch",
			model: null,
			command,
			env: {}
		},
		config: null,
		world: {
			cwd,
			environment: process.env,
			log,
			...interruptions(),
			runsDir
		}
	};
}

// src/init.ts
var import_dist = require_dist();
const WORKFLOW = ".github/workflows/vllm-gate.yml";
/** Beside `src/` and `dist/` alike. */
const EXAMPLES = new URL("../examples/", import.meta.url);
/**
* Writes a workflow and a configuration for a repository, from the same files that `examples/` shows.
*
* @throws UsageError when one of them is there already, or the flags are none that a gate would take; nothing is
* written then
*/
async function initRepository({ root, model, args, force }) {
	const { text, scenario } = configOf(await readFile(new URL("config/vllm-gate.yml", EXAMPLES), "utf8"), model, args);
	const workflow = workflowOf(await readFile(new URL("pull-request.yml", EXAMPLES), "utf8"));
	const files = [{
		name: CONFIG_FILE,
		text
	}, {
		name: WORKFLOW,
		text: workflow
	}];
	const present = await presentOf(root, files.map(({ name }) => name));
	if (present.length > 0 && !force) throw new UsageError(`${present.join(" and ")}: there already; --force overwrites, nothing was written`);
	for (const { name, text: content } of files) await writeFileAtomic(join(root, name), content);
	return {
		files: files.map(({ name }) => name),
		scenario,
		exampleModel: model === void 0
	};
}
/** The example's configuration with the user's model and flags, comments kept, and checked as every other is. */
function configOf(example, model, args) {
	const document = (0, import_dist.parseDocument)(example);
	const [scenario = ""] = Object.keys(parseConfig(example, CONFIG_FILE).scenarios);
	if (model !== void 0) {
		document.setIn([
			"scenarios",
			scenario,
			"model"
		], model);
		if (args === void 0) document.deleteIn([
			"scenarios",
			scenario,
			"args"
		]);
	}
	if (args !== void 0) document.setIn([
		"scenarios",
		scenario,
		"args"
	], args);
	const text = document.toString({ lineWidth: 0 });
	const file = parseConfig(text, CONFIG_FILE);
	resolveConfig({
		file,
		fileName: CONFIG_FILE,
		overrides: {
			...model === void 0 ? {} : { model },
			...args === void 0 ? {} : { args }
		},
		nameOverride: (key) => `--${key}`,
		policy: policyOf(file, CONFIG_FILE)
	});
	return {
		text,
		scenario
	};
}
/** The example's workflow without its first words, which say where to copy it. */
function workflowOf(example) {
	return example.slice(example.search(/^name:/m));
}
async function presentOf(root, names) {
	const found = await Promise.all(names.map((name) => lstat(join(root, name)).then(() => true, (error) => {
		if (error.code === "ENOENT") return false;
		throw new UsageError(`${name}: cannot be looked at (${error.code})`);
	})));
	return names.filter((_, at) => found[at]);
}

// src/init-command.ts
/** Adds `init`. */
function addInitCommand(program, { out, finish }) {
	program.command("init").description(`write a workflow and ${CONFIG_FILE} for this repository`).option("--model <model>", "model name or folder, as vLLM takes it").option("--args <flags>", "server flags in one string").option("--force", "overwrite the files that are there").action(async ({ model, args, force = false }) => {
		const root = await gitRoot(process.cwd());
		const written = await initRepository({
			root,
			force,
			...model === void 0 ? {} : { model },
			...args === void 0 ? {} : { args }
		});
		out(printable(nextSteps(written, relative(process.cwd(), root))));
		finish(EXIT.pass);
	});
}
/** What is left to do, as commands where there are some. */
function nextSteps({ files, scenario, exampleModel }, folder) {
	const steps = [
		...exampleModel ? [`Name your model and its flags in ${CONFIG_FILE}: it has an example's.`] : [],
		"On the machine with the GPU, ask whether it can give a verdict: vllm-gate doctor",
		"Have the model on its disk: what the first start downloads counts against the time that a server has.",
		`There, measure a baseline of five server starts, with --budget-minutes where 30 are too few: vllm-gate record --scenario ${scenario}`,
		`Commit all of it on the default branch, and ignore runs/: git add ${files.join(" ")} baselines`,
		"Register that machine as a self-hosted runner with the label `gpu`, which the workflow asks for.",
		`Open a pull request that changes a flag in ${CONFIG_FILE}.`
	];
	return [
		...files.map((name) => `Wrote ${folder === "" ? name : `${folder}/${name}`}`),
		"",
		"Next:",
		...steps.map((step, at) => ` ${at + 1}. ${step}`),
		"",
		"Workflows for forks, several models or GPUs, nights and acceptance: examples/ of vllm-gate.",
		""
	].join("\n");
}

// src/publish-command.ts
const HELP = `
The token is in GITHUB_TOKEN; GITHUB_API_URL names another server than GitHub's: https://HOST/api/v3 of GitHub Enterprise,
https://HOST/api/v1 of Gitea and Forgejo. It ends as the verdict, once that is posted; with 4 when it could not be.`;
/** Adds `publish`. */
function addPublishCommand(program, { finish, log, wholeNumber }) {
	program.command("publish").description("post runs to GitHub, or to a forge with its API: one comment, and a check of the commit").argument("<runs...>", "run folders, folders of them, or patterns").option("--repository <owner/name>", "GITHUB_REPOSITORY by default").requiredOption("--commit <sha>", "the commit that was measured").option("--pull-request <number>", "the pull request to comment on", wholeNumber).option("--comment-key <key>", "tells several comments on one pull request apart").option("--accept-label <label>", "label by which people accept a loss").option("--cells <names...>", "names of the runs that must be there").addHelpText("after", HELP).action(async (names, options) => {
		const { publishRuns } = await import("./publish-runs.js");
		finish(await publishRuns(names, options, log));
	});
}

// src/simulate.ts
const FORWARDED = [
	"SIGINT",
	"SIGTERM",
	"SIGHUP"
];
/**
* Runs the simulator in the foreground: its output is this process's output, and signals reach it.
*
* @param flags - what would stand after `vllm serve`
* @returns its exit code; 128 and the signal's number when a signal ended it
*/
async function runSimulator(flags) {
	const child = spawn(process.execPath, [
		simulatorPath(),
		"serve",
		...flags
	], { stdio: "inherit" });
	const forward = (signal) => child.kill(signal);
	for (const signal of FORWARDED) process.on(signal, forward);
	try {
		const [code, signal] = await once(child, "exit");
		return code ?? 128 + (signal === null ? 0 : constants$1.signals[signal]);
	} finally {
		for (const signal of FORWARDED) process.off(signal, forward);
	}
}

// src/domain/start-study.ts
/** Whether the weights lie in the page cache when a server starts. */
const PAGE_CACHE_STATES = ["cold", "warm"];
/** Whether a server finds what an earlier one compiled. */
const COMPILE_CACHE_STATES = ["fresh", "kept"];
/** The numbers of a start that are summed up. */
const START_NUMBERS = [
	"readyS",
	"processesS",
	"modelS",
	"warmupS",
	"weightsS",
	"coldTtftS",
	"coldE2eS",
	"warmTtftS",
	"warmE2eS",
	"tokensPerS",
	"rssMib"
];

// src/measure/cold-study.ts
const LOAD = "batching.c8.tokens_per_s";
/** The starts of a run by variant, in the order in which the variants were first measured. */
function startCells(run, traces, measurements) {
	const rows = groupTraces(run.sessions.filter(({ outcome }) => outcome === "ok"), traces).map((session) => rowOf$3(session, measurements));
	return [...Map.groupBy(rows, ({ variant }) => variant)].map(([variant, starts]) => ({
		variant,
		starts,
		spread: Object.fromEntries(START_NUMBERS.map((name) => [name, spreadOf$1(starts.map((start) => start[name]))]))
	}));
}
function rowOf$3(data, measurements) {
	const { record } = data;
	const { coldStart, logFacts } = record;
	const cold = timesOf(data, "ttft.cold");
	const warm = timesOf(data, "ttft.warm");
	const throughput = measurements.measurements.filter(({ metric, session }) => metric === LOAD && session === record.index).map(({ value }) => value);
	const term = (name) => coldStart?.terms[name] ?? null;
	return {
		session: record.index,
		variant: record.variant,
		readyS: record.readyS ?? null,
		processesS: term("processes"),
		modelS: term("weights"),
		warmupS: term("warmup"),
		unexplainedS: coldStart?.unexplainedS ?? null,
		weightsS: logFacts?.weightsS ?? null,
		weightsMibPerS: coldStart?.weights?.mibPerS ?? null,
		residentShare: coldStart?.weights?.residentShare ?? null,
		diskReadMib: coldStart?.machine?.diskReadMib ?? null,
		coldTtftS: middle(cold.ttftS),
		coldE2eS: middle(cold.e2eS),
		warmTtftS: middle(warm.ttftS),
		warmE2eS: middle(warm.e2eS),
		warmE2eP95S: warm.e2eS.length < 20 ? null : quantile([...warm.e2eS], .95),
		tokensPerS: throughput.length === 0 ? null : max(throughput),
		rssMib: rssOf(record),
		allocator: record.allocator ?? null,
		dirty: [...coldStart?.disturbed ?? [], ...(record.rounds ?? []).filter(({ use }) => use !== "replaced").flatMap(({ dirty }) => dirty)]
	};
}
function timesOf(data, name) {
	const traces = [...data.rounds.values()].flatMap((cases) => cases.get(name)?.ok ?? []);
	const seconds = (of) => traces.flatMap((trace) => {
		const ms = of(trace);
		return ms === null ? [] : [ms / 1e3];
	});
	return {
		ttftS: seconds(ttftMs),
		e2eS: seconds(e2eMs)
	};
}
/** All roles together, in the round where they were largest. */
function rssOf({ rounds = [] }) {
	const sums = rounds.flatMap(({ telemetry }) => {
		const roles = Object.values(telemetry?.roles ?? {});
		return roles.length === 0 ? [] : [roles.reduce((sum, { rssMib }) => sum + rssMib, 0)];
	});
	return sums.length === 0 ? null : max(sums);
}
function middle(values) {
	return values.length === 0 ? null : median([...values]);
}
/** The middle and the ends of what was measured; null when nothing was. */
function spreadOf$1(values) {
	const known = values.filter((value) => value !== null);
	return known.length === 0 ? null : {
		median: median(known),
		least: min(known),
		most: max(known),
		n: known.length
	};
}

// src/report/csv.ts
/**
* Text that a spreadsheet would run as a formula, or that hides one behind white space (OWASP, CSV injection).
* Numbers are written from numbers, never from text, so a leading minus of theirs is safe.
*/
const FORMULA = /^\s*[=+\-@]|^[\t\r]/;
/**
* A CSV file by RFC 4180, with LF line ends as the tools of the seeds write them: a header and a line for each row.
*
* Empty cells are what was not measured. Text that anyone may have written gets an apostrophe in front where a
* spreadsheet would take it for a formula.
*
* @param header - names of the columns
* @param rows - as many cells each as the header
* @throws RangeError for a row of another length, since its cells would stand under the wrong names
*/
function csv(header, rows) {
	const lines = rows.map((row, index) => {
		if (row.length !== header.length) throw new RangeError(`CSV row ${index} has ${row.length} cells, expected ${header.length}`);
		return row.map(cellText).join(",");
	});
	return `${[header.map(cellText).join(","), ...lines].join("\n")}\n`;
}
/** A number rounded to so many decimals at most, for a cell: a clock's tenth microsecond is no information. */
function rounded(value, decimals) {
	if (value === null || value === void 0 || !Number.isFinite(value)) return null;
	return Number(value.toFixed(decimals));
}
function cellText(cell) {
	if (cell === null || cell === void 0) return "";
	if (typeof cell === "number") return Number.isFinite(cell) ? plainNumber(cell) : "";
	if (typeof cell === "boolean") return String(cell);
	const safe = FORMULA.test(cell) ? `'${cell}` : cell;
	return /[",\r\n]/.test(safe) ? `"${safe.replaceAll("\"", "\"\"")}"` : safe;
}
/** Without an exponent, which some readers of CSV take for text. */
function plainNumber(value) {
	const text = String(value);
	return text.includes("e") ? value.toFixed(12).replace(/\.?0+$/, "") : text;
}

// src/report/log-page.ts
/** Where a study's log page lies in its run folder. */
const LOG_PAGE = "logs/LOG.md";
/** The end-of-day page of an experiment: Environment, Commands Run, Key Numbers, Artifacts, Observations. */
function renderLogPage(page) {
	const { run } = page;
	return [
		`# ${plain(page.title)}`,
		"## Environment",
		environmentLines(run).join("\n"),
		"## Commands Run",
		"Server launch:",
		codeBlock(launchCommands(run)),
		"Probe:",
		codeBlock(page.commands),
		"## Key Numbers",
		...page.keyNumbers,
		"## Artifacts Created/Updated",
		page.artifacts.map((name) => `- ${code(name)}`).join("\n"),
		"## Observations / Surprises",
		page.observations.map((each) => `- ${plain(each)}`).join("\n"),
		""
	].join("\n\n");
}
/** GPU, OS and kernel, vLLM version, model, and the flags of each variant: the head of every page of a study. */
function environmentLines(run) {
	const machine = run.fingerprint;
	const text = (field, missing) => plain(String(machine[field] ?? missing));
	const gpu = machine["gpuModel"] == null ? `none (CPU: ${text("cpuModel", "unknown")}, ${text("cpuCores", "?")} cores)` : `${text("gpuModel", "")} × ${text("gpuCount", "1")}, ${text("gpuMemoryMib", "?")} MiB, driver ${text("driver", "unknown")}`;
	const variants = Object.entries(run.variants);
	const flags = variants.map(([name, { args }]) => {
		return `- Key vLLM flags${variants.length === 1 ? "" : ` (${plain(name)})`}: ${code(typed(args)) || "none"}`;
	});
	const versions = [...new Set(run.sessions.flatMap((session) => session.vllmVersion ?? []))];
	return [
		`- GPU: ${gpu}`,
		`- OS / kernel: ${text("os", "unknown")} / ${text("kernel", "unknown")}`,
		`- vLLM version: ${plain(versions.join(", ") || "unknown")}`,
		`- Model (SLM): ${text("model", "unknown")}`,
		...flags
	];
}
/** The command of each variant's first server; a server that was already running has none. */
function launchCommands(run) {
	const commands = Object.keys(run.variants).flatMap((variant) => {
		const session = run.sessions.find((each) => each.variant === variant && each.argv !== void 0);
		return session?.argv === void 0 ? [] : [typed(session.argv)];
	});
	return commands.length === 0 ? ["none: the server was already running"] : commands;
}

// src/report/start-numbers.ts
const short$1 = (value) => formatNumber(Number(value.toPrecision(3)));
/** A middle with its ends, as `12.1 (11.8–12.6)`. */
function spreadText(spread) {
	if (spread === null) return "–";
	const { median, least, most, n } = spread;
	return n === 1 ? short$1(median) : `${short$1(median)} (${short$1(least)}–${short$1(most)})`;
}
/**
* What the difference of two middles comes to: whether one of them is larger in every repeat, and by how much.
*
* @returns null when either was not measured
*/
function differenceOf(a, b) {
	if (a === null || b === null) return null;
	const apart = a.n > 1 && b.n > 1 && (a.least > b.most || a.most < b.least);
	return {
		change: a.median - b.median,
		ratio: a.median / b.median - 1,
		apart,
		n: Math.min(a.n, b.n)
	};
}
/** Starts whose numbers the machine may have made, as a sentence; none when it was quiet. */
function dirtySentences(starts) {
	const dirty = starts.filter((start) => start.dirty.length > 0);
	const [first] = dirty;
	return first === void 0 ? [] : [`The machine was not quiet in ${dirty.length} of ${starts.length} starts, so differences may be its own; for example: ${first.dirty[0]}.`];
}
/** That repeats lie apart, or that they do not, as the end of a sentence. */
function apartText({ apart, n }) {
	if (n < 2) return "of one start, so the spread is not known";
	return apart ? "apart in every start" : "within the spread of the starts";
}

// src/report/allocator-pages.ts
/** The seed's own name. */
const ALLOCATOR_CSV = "csv/allocator_latency_comparison.csv";
const ALLOCATOR_PAGE = "logs/allocators.md";
/** The seed's columns first: one row for each restart, of a start with the weights cold and one with them warm. */
function allocatorCsv(cells) {
	const header = [
		"allocator",
		"gen_latency_s",
		"cold_load_real_s",
		"warm_load_real_s",
		"rss_mb",
		"cold_req_real_s",
		"warm_req_real_s",
		"thp_mode",
		"restart",
		"gen_latency_p95_s",
		"warm_ttft_s",
		"tokens_per_s_c8",
		"allocator_seen",
		"notes"
	];
	const rows = cells.flatMap(({ allocator, thp, cold, warm }) => {
		const restarts = Math.max(cold?.starts.length ?? 0, warm?.starts.length ?? 0);
		return Array.from({ length: restarts }, (_, restart) => {
			const [first, second] = [cold?.starts[restart], warm?.starts[restart]];
			const main = second ?? first;
			return [
				allocator,
				rounded(main?.warmE2eS, 5),
				rounded(first?.readyS, 3),
				rounded(second?.readyS, 3),
				rounded(main?.rssMib == null ? null : main.rssMib * 1.048576, 0),
				rounded(main?.coldE2eS, 5),
				rounded(main?.warmE2eS, 5),
				thp,
				restart + 1,
				rounded(main?.warmE2eP95S, 5),
				rounded(main?.warmTtftS, 5),
				rounded(main?.tokensPerS, 1),
				main?.allocator ?? "",
				notesOf$1([first, second])
			];
		});
	});
	return csv(header, rows);
}
function notesOf$1(starts) {
	return [...new Set(starts.flatMap((start) => start?.dirty ?? []))].join("; ");
}
const HEADER$3 = [
	"allocator",
	"RSS MiB",
	"gen latency s",
	"warm TTFT s",
	"cold load s",
	"warm load s",
	"8 at a time tok/s",
	"THP",
	"starts"
];
function tableRows$1(cells) {
	return cells.map((cell) => {
		const { allocator, thp, cold, warm } = cell;
		const main = warm ?? cold;
		return [
			plain(allocator),
			spreadText(main?.spread.rssMib ?? null),
			spreadText(main?.spread.warmE2eS ?? null),
			spreadText(main?.spread.warmTtftS ?? null),
			spreadText(cold?.spread.readyS ?? null),
			spreadText(warm?.spread.readyS ?? null),
			spreadText(main?.spread.tokensPerS ?? null),
			plain(thp),
			String(startsOf(cell).length)
		];
	});
}
function startsOf({ cold, warm }) {
	return [...cold?.starts ?? [], ...warm?.starts ?? []];
}
/** The table for the terminal, and what it says. */
function allocatorSummary(pages) {
	const said = findings$1(pages).map((each) => `* ${each}`);
	return `${columns$1([HEADER$3, ...tableRows$1(pages.cells)]).join("\n")}\n\n${said.join("\n")}\n`;
}
/** `report.md` */
function renderAllocators(pages) {
	return [
		`# Memory allocators: ${plain(pages.run.scenario)}`,
		table(HEADER$3, tableRows$1(pages.cells)),
		"Middle of the starts (smallest–largest). RSS is that of all processes of the server under load; gen latency is a whole request, one at a time.",
		"## What it says",
		findings$1(pages).map((each) => `- ${plain(each)}`).join("\n"),
		""
	].join("\n\n");
}
/** `logs/allocators.md` */
function renderAllocatorLog(pages) {
	return renderLogPage({
		title: `Memory allocators: ${pages.run.scenario}`,
		run: pages.run,
		commands: [pages.command],
		keyNumbers: [table(HEADER$3, tableRows$1(pages.cells))],
		artifacts: [ALLOCATOR_CSV, ALLOCATOR_PAGE],
		observations: findings$1(pages)
	});
}
/** Starts whose allocator is another one than was asked for. */
function notTaken(cells) {
	return cells.flatMap((cell) => {
		const other = startsOf(cell).find(({ allocator }) => allocator !== null && allocator !== cell.allocator);
		return other === void 0 ? [] : [`session ${other.session} was to use ${cell.allocator} and its engine has ${other.allocator} in its memory map: LD_PRELOAD did not reach it`];
	});
}
function findings$1({ cells, missing }) {
	const said = [];
	const base = cells.find(({ allocator }) => allocator === "glibc") ?? cells[0];
	for (const cell of cells) {
		if (base === void 0 || cell === base) continue;
		const name = cell.thp === base.thp ? cell.allocator : `${cell.allocator} with THP ${cell.thp}`;
		const against = base.thp === cell.thp ? base.allocator : `${base.allocator} with THP ${base.thp}`;
		const [mine, theirs] = [cell.warm ?? cell.cold, base.warm ?? base.cold];
		const parts = [
			["RSS", "rssMib"],
			["a request", "warmE2eS"],
			["throughput at 8", "tokensPerS"],
			["a start", "readyS"]
		].flatMap(([what, key]) => {
			const gap = differenceOf(mine?.spread[key] ?? null, theirs?.spread[key] ?? null);
			return gap === null ? [] : [`${what} ${signed$1(gap.ratio)} (${apartText(gap)})`];
		});
		if (parts.length > 0) said.push(`${name} against ${against}: ${parts.join(", ")}.`);
	}
	said.push(...notTaken(cells), ...dirtySentences(cells.flatMap(startsOf)));
	if (missing.length > 0) said.push(`Not on this machine, so not compared: ${missing.join(", ")} (Debian and Ubuntu: apt-get install libjemalloc2 libtcmalloc-minimal4).`);
	if (cells.some(({ cold, warm }) => cold === null && warm !== null)) said.push("The weights are no files on this machine, so there was no load with a cold page cache.");
	return said;
}
function signed$1(ratio) {
	const points = ratio * 100;
	return Math.abs(points) < .05 ? "≈ 0 %" : `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} %`;
}

// src/telemetry/allocator-libraries.ts
/** Where distributions and pip's users put libraries. */
const FOLDERS = [
	"usr/local/lib",
	"usr/lib/x86_64-linux-gnu",
	"usr/lib/aarch64-linux-gnu",
	"usr/lib64",
	"usr/lib",
	"lib/x86_64-linux-gnu",
	"lib64"
];
/** Libraries by name, the better choice first. glibc's own allocator is in every process. */
const NAMES = {
	jemalloc: /^libjemalloc\.so\.\d+$/,
	tcmalloc: /^libtcmalloc(?:_minimal)?\.so\.\d+$/,
	mimalloc: /^libmimalloc\.so\.\d+(?:\.\d+)?$/
};
/** The libraries that `LD_PRELOAD` can put in place of glibc's allocator on this machine. */
async function findAllocators(root = "/") {
	const found = {};
	for (const folder of FOLDERS) {
		const names = (await readdir(join(root, folder)).catch(() => [])).sort((a, b) => a.length - b.length || a.localeCompare(b));
		for (const [allocator, pattern] of Object.entries(NAMES)) {
			const name = names.find((each) => pattern.test(each));
			if (name !== void 0) found[allocator] ??= join(root, folder, name);
		}
	}
	return found;
}
/** Modes of transparent huge pages. */
const THP_MODES = [
	"always",
	"madvise",
	"never"
];
/** The file whose bracketed word is the mode. */
const THP_FILE = "sys/kernel/mm/transparent_hugepage/enabled";

// src/studies/start-state.ts
/** Reading the weights alone is stopped after this: what is left would say the same. */
const READ_LIMIT_S = 60;
/**
* The server of a configuration, which a study of starts must start.
*
* @throws UsageError for one that is already running
*/
function launchedServer({ server }, study) {
	if (server.kind === "launch") return server;
	throw new UsageError(`study ${study} starts servers of its own: give a model in place of a server's address`);
}
/** The weight files of a server's model, empty when they are not on this machine. */
async function weightsOf(server, world) {
	const env = serverEnvironment(world.environment, server.env);
	const folder = await folderOfModel({
		...server,
		cwd: world.cwd,
		env
	});
	return folder === null ? [] : weightFiles(folder);
}
/**
* @throws UsageError when this is not root
*/
function needsRoot(option, what) {
	if (process.getuid?.() !== 0) throw new UsageError(`${option}: ${what}, which only root may do: run this command with sudo, or without ${option}`);
}
/**
* Brings the weights into the page cache, or out of it.
*
* @param all - empties the whole page cache, which only root may
* @throws UsageError when the kernel refuses
*/
async function setPageCache(state, files, all) {
	if (state === "warm") {
		await readThrough(files, READ_LIMIT_S);
		return;
	}
	await dropFromPageCache(files);
	if (!all) return;
	await dropAllCaches().catch((error) => {
		throw new UsageError(`--drop-caches: /proc/sys/vm/drop_caches cannot be written (${messageOf(error)}): a container without that right? Without the option the weights alone are dropped`);
	});
}
/** Reads the weight files without a server, out of the page cache and in it. */
async function readWeightsAlone(files, all) {
	if (files.length === 0) return null;
	await setPageCache("cold", files, all);
	const cold = await timed(files);
	return {
		files: files.length,
		sizeMib: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1024 ** 2,
		cold,
		warm: await timed(files)
	};
}
async function timed(files) {
	const { residentShare } = await readResidency(files);
	const { bytes, seconds } = await readThrough(files, READ_LIMIT_S);
	return seconds <= 0 ? null : {
		gbPerS: bytes / seconds / 1e9,
		readMib: bytes / 1024 ** 2,
		residentShare
	};
}
/** An option's whole number within bounds. */
function whole$1(from, to) {
	return (text) => {
		const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
		if (!(value >= from && value <= to)) throw new InvalidArgumentError(`expected a whole number from ${from} to ${to}`);
		return value;
	};
}
/** An option's list, each of some words. */
function listOf(words) {
	return (text) => {
		const found = [...new Set(text.split(",").map((each) => each.trim()))].map((each) => words.find((word) => word === each));
		if (found.some((each) => each === void 0)) throw new InvalidArgumentError(`expected of ${words.join(", ")}, separated by commas`);
		return found;
	};
}

// src/studies/study-kind.ts
/**
* {@link StudyPlan.spare} of a study that passes over its variants again and again: the last pass goes first, and one of
* each variant stays.
*/
function spareLastPass(variants) {
	return (left, measured) => {
		const count = Math.min(variants, left.length);
		if (measured.length + left.length - count < variants) return [];
		return left.map((_, place) => place).slice(-count);
	};
}

// src/studies/allocator.ts
const CONCURRENCY = 8;
const ASIS = "asis";
/** Memory allocators against each other, by LD_PRELOAD, and modes of transparent huge pages. */
const ALLOCATOR_STUDY = {
	name: "allocator",
	description: "glibc, jemalloc and tcmalloc under the server, and modes of huge pages: memory, load, latency",
	addOptions: (command) => command.option("--allocators <names>", `of ${ALLOCATORS.join(", ")} (default: those found)`, listOf(ALLOCATORS)).option("--thp <modes>", `also these modes of huge pages, as root: ${THP_MODES.join(", ")}`, listOf(THP_MODES)).option("--restarts <n>", "starts of each kind, with the weights cold and warm", whole$1(1, 50), 2).option("--requests <n>", "requests one by one after each start", whole$1(2, 1e4), 30).option("--output-tokens <n>", "length of the answers", whole$1(2, 1e5), 64),
	readOptions: (given) => ({
		allocators: given["allocators"] ?? null,
		thp: given["thp"] ?? null,
		restarts: given["restarts"],
		requests: given["requests"],
		outputTokens: given["outputTokens"]
	}),
	plan: plan$2,
	report: report$3
};
function variantName$1({ allocator, thp, page }) {
	return `${allocator}-${thp}-${page}`;
}
function kindOf(variant) {
	const [allocator, thp, page] = variant.split("-");
	return {
		allocator,
		thp,
		page
	};
}
async function plan$2(options, config, _files, world) {
	const server = launchedServer(config, "allocator");
	if (options.thp !== null) needsRoot("--thp", "it sets the mode of the whole machine");
	const libraries = await findAllocators();
	const absent = (options.allocators ?? []).filter((each) => each !== "glibc" && libraries[each] === void 0);
	if (absent.length > 0) throw new UsageError(`--allocators: no library of ${absent.join(", ")} was found on this machine: install it (Debian and Ubuntu: apt-get install libjemalloc2 libtcmalloc-minimal4), or leave it out`);
	const allocators = options.allocators ?? ALLOCATORS.filter((each) => each === "glibc" || libraries[each]);
	const weights = await weightsOf(server, world);
	const pages = weights.length === 0 ? ["warm"] : PAGE_CACHE_STATES;
	const names = (options.thp ?? [ASIS]).flatMap((thp) => allocators.flatMap((allocator) => pages.map((page) => variantName$1({
		allocator,
		thp,
		page
	}))));
	if (names.length === pages.length) throw new UsageError("study allocator: only glibc's allocator is on this machine, so there is nothing to compare it with: apt-get install libjemalloc2 libtcmalloc-minimal4, or compare modes of huge pages (--thp, as root)");
	const withLibrary = (variant) => {
		const library = libraries[kindOf(variant).allocator];
		return library === void 0 ? server : {
			...server,
			env: {
				...server.env,
				LD_PRELOAD: library
			}
		};
	};
	const ttft = {
		cold: true,
		warmRequests: options.requests,
		promptTokens: 256,
		outputTokens: options.outputTokens
	};
	return {
		variants: Object.fromEntries(names.map((name) => [name, withLibrary(name)])),
		order: Array.from({ length: options.restarts }, (_, pass) => pass % 2 === 0 ? names : names.toReversed()).flat(),
		rounds: 1,
		cells: cellsOf(options),
		spare: spareLastPass(names.length),
		sessionName: (variant) => `a start under ${variant}`,
		cold: (target) => coldCase(target, ttft),
		prepare: async ({ variant }) => {
			const { thp, page } = kindOf(variant);
			await setPageCache(page, weights, false);
			return {
				server: withLibrary(variant),
				...thp === ASIS ? {} : { undo: await setThp(thp, world) }
			};
		}
	};
}
/** Sets the machine's mode of huge pages; what it returns sets the former one again. */
async function setThp(mode, { log }, root = "/") {
	const path = join(root, THP_FILE);
	try {
		const before = /\[(\w+)\]/.exec(await readFile(path, "utf8"))?.[1];
		await writeFile(path, mode);
		return async () => {
			if (before === void 0 || before === mode) return;
			await writeFile(path, before).catch((error) => log.warn(`${path}: not set back to ${before} (${messageOf(error)}): echo ${before} > ${path}`));
		};
	} catch (error) {
		throw new UsageError(`--thp: ${path} cannot be set to ${mode} (${messageOf(error)})`);
	}
}
function cellsOf({ requests, outputTokens }) {
	const ttft = {
		cold: true,
		warmRequests: requests,
		promptTokens: 256,
		outputTokens
	};
	const batching = {
		concurrency: [CONCURRENCY],
		waves: 3,
		promptTokens: 200,
		outputTokens
	};
	return [{
		name: "ttft.warm",
		value: 2,
		concurrency: 1,
		work: {
			requests,
			concurrency: 1,
			promptTokens: ttft.promptTokens,
			outputTokens
		},
		plan: async (target) => [warmCase(target, ttft)]
	}, {
		name: `batching.c${CONCURRENCY}`,
		value: 1,
		concurrency: CONCURRENCY,
		work: {
			requests: 24,
			concurrency: CONCURRENCY,
			promptTokens: batching.promptTokens,
			outputTokens
		},
		plan: async (target, round) => [batchingCase(target, batching, CONCURRENCY, String(round))]
	}];
}
async function report$3(study) {
	const { run, traces, measurements, command } = study;
	const cells = allocatorCells(startCells(run, traces, measurements));
	const libraries = await findAllocators();
	const pages = {
		run,
		cells,
		command,
		missing: ["jemalloc", "tcmalloc"].filter((each) => libraries[each] === void 0 && !cells.some(({ allocator }) => allocator === each))
	};
	return {
		files: [{
			name: ALLOCATOR_CSV,
			text: allocatorCsv(cells)
		}, {
			name: ALLOCATOR_PAGE,
			text: renderAllocatorLog(pages)
		}],
		report: renderAllocators(pages),
		summary: allocatorSummary(pages),
		invalid: notTaken(cells)
	};
}
/** Cold and warm starts of one allocator side by side. */
function allocatorCells(starts) {
	return [...Map.groupBy(starts, ({ variant }) => {
		const { allocator, thp } = kindOf(variant);
		return `${allocator}-${thp}`;
	}).values()].map((group) => {
		const { allocator, thp } = kindOf(group[0]?.variant ?? "");
		const of = (page) => group.find(({ variant }) => kindOf(variant).page === page) ?? null;
		return {
			allocator,
			thp: thp === ASIS ? "as it was" : thp,
			cold: of("cold"),
			warm: of("warm")
		};
	});
}

// src/domain/batching-study.ts
/** Names of a batching study's cases, all of the probe `batching`. */
const SEQUENTIAL = "sequential";
const CONCURRENT = "concurrent";
const REPLAY = "replay";
const rateCase = (ratePerS) => `rate${ratePerS}`;
const sweepCase = (concurrency) => `c${concurrency}`;

// src/measure/settled.ts
/**
* A closed loop without its beginning and end. All senders start at once on an idle server, so that the first wave
* waits for nobody; after the last send ever fewer are in flight. Both make a busy server look better to those requests
* and worse in requests per second than it is under that load.
*
* It lasts from the end of the first wave to that of the last but one, so that whole waves are in it however they are
* in step. An open loop, and a case of fewer than three waves, is taken whole.
*
* @param whole - takes it whole in any case, as another round of it is
*/
function settledPart(data, whole = false) {
	const concurrency = data.records[0]?.concurrency ?? 1;
	const { ok } = data;
	const isOpen = ok.some((trace) => trace.plannedS !== void 0);
	if (whole || isOpen || data.records.length !== 1 || data.failed.length > 0 || ok.length < 3 * concurrency) return {
		requests: ok,
		seconds: measuredS(data),
		tokens: outputTokens(ok),
		ended: ok.length
	};
	const byStart = ok.toSorted((a, b) => a.startS - b.startS);
	const ends = ok.map((trace) => trace.endS).sort((a, b) => a - b);
	const fromS = ends[concurrency - 1];
	const toS = ends[ok.length - concurrency - 1];
	return {
		requests: byStart.slice(concurrency, ok.length - concurrency),
		seconds: toS - fromS,
		tokens: tokensBetween(ok, fromS, toS),
		ended: ok.length - 2 * concurrency
	};
}
/** Tokens that came after one time and not after another; those of a request that ended, where events are unknown. */
function tokensBetween(traces, fromS, toS) {
	let sum = 0;
	for (const { arrivals, outputTokens: all, endS } of traces) if (arrivals !== void 0) {
		for (const [atS, tokens] of arrivals) if (atS > fromS && atS <= toS) sum += tokens;
	} else if (all === null) return null;
	else if (endS > fromS && endS <= toS) sum += all;
	return sum;
}
function outputTokens(traces) {
	return traces.reduce((sum, trace) => sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens, 0);
}

// src/measure/load-rows.ts
/** Most characters of a server's words that a note quotes. */
const LONGEST_ERROR = 160;
/** A case in every round of every session. */
function roundsOf(sessions, name) {
	return sessions.flatMap((session) => [...session.rounds.values()].flatMap((cases) => {
		const data = cases.get(name);
		return data === void 0 ? [] : [{
			session: session.record.index,
			data
		}];
	}));
}
/** A case as a level of load; rounds without a request that succeeded are left out. */
function levelOf(load, cases) {
	return {
		load,
		rounds: cases.flatMap(({ data }) => {
			const { requests, seconds, tokens } = settledPart(data);
			if (requests.length === 0 || tokens === null || tokens === 0 || !(seconds > 0)) return [];
			return [{
				tokensPerS: tokens / seconds,
				requests: requests.flatMap((trace) => timesOf$1(trace) ?? [])
			}];
		})
	};
}
/** Output tokens of some requests; null when a trace does not say. */
function tokensOf$1(traces) {
	return sumOf(traces.map((trace) => trace.outputTokens));
}
/** Prompt and output tokens of some requests; null when a trace does not say. */
function totalTokensOf(traces) {
	return sumOf(traces.flatMap((trace) => [trace.promptTokens, trace.outputTokens]));
}
/**
* A level of load as a row, by its settled parts; latencies are of all requests of all rounds.
* Its notes are left to whoever sees the whole sweep.
*/
function loadRow(load, cases, slo, telemetry, rateOf) {
	const datas = cases.map((each) => each.data);
	const isFailing = datas.some((data) => data.failed.length > 0);
	const parts = datas.map((data) => settledPart(data, isFailing));
	const traces = parts.flatMap((part) => part.requests);
	const times = traces.flatMap((trace) => timesOf$1(trace) ?? []);
	const e2eMs = times.map((each) => each.e2eMs);
	const ttftMs = times.map((each) => each.ttftMs);
	const gapsMs = times.flatMap((each) => each.gapsMs ?? []);
	const gauges = datas.flatMap((data) => data.records).flatMap(({ gauges: read = [], startS, endS }) => read.filter(({ atS }) => atS > startS && atS < endS));
	const reduce = rateOf === "best" ? highest$1 : p50;
	const rate = (amount) => reduce(ratesOf(parts, amount));
	const tokS = ratesOf(parts, (part) => part.tokens);
	const qps = ratesOf(parts, (part) => part.ended);
	const good = slo === null ? null : countGood(traces, slo);
	const failed = datas.reduce((sum, data) => sum + data.failed.length, 0);
	const sent = traces.length + failed;
	const lateMs = traces.flatMap(({ plannedS, startS }) => plannedS === void 0 ? [] : [Math.max(0, startS - plannedS) * 1e3]);
	return {
		load,
		requests: sent,
		failed,
		firstError: datas.flatMap((data) => data.failed)[0]?.error?.slice(0, LONGEST_ERROR) ?? null,
		rounds: cases.length,
		meanE2eS: e2eMs.length === 0 ? null : mean(e2eMs) / 1e3,
		p95E2eS: scaled(p95(e2eMs), .001),
		qps: reduce(qps),
		tokS: reduce(tokS),
		tokSLeast: lowest(tokS),
		tokSMost: highest$1(tokS),
		qpsLeast: lowest(qps),
		qpsMost: highest$1(qps),
		totalTokS: rate(totalTokens),
		gpuUtilPct: gpuUtilPct(cases, telemetry),
		ttftP50Ms: p50(ttftMs),
		ttftP95Ms: p95(ttftMs),
		itlP50Ms: p50(gapsMs),
		itlP95Ms: p95(gapsMs),
		tpotP50Ms: p50(traces.flatMap((trace) => tpotMs(trace) ?? [])),
		e2eP50Ms: p50(e2eMs),
		runningMax: mostOf(gauges, "running"),
		waitingMax: mostOf(gauges, "waiting"),
		preemptions: sumOf(datas.map((data) => countedIn(data, "preemptions"))),
		kvUsageMaxPct: scaled(mostOf(gauges, "kvUsage"), 100),
		gaugeReadings: gauges.length,
		goodputRps: slo === null ? null : rate((part) => goodOf(part, slo)),
		sloMetPct: good === null || sent === 0 ? null : good / sent * 100,
		lateP95Ms: p95(lateMs),
		notes: []
	};
}
function ratesOf(parts, amount) {
	return parts.flatMap((part) => {
		const total = amount(part);
		return part.requests.length === 0 || total === null || !(part.seconds > 0) ? [] : [total / part.seconds];
	});
}
/** Prompt tokens come with their requests, output tokens one by one. */
function totalTokens({ requests, tokens, ended }) {
	const prompts = sumOf(requests.map((trace) => trace.promptTokens));
	return prompts === null || tokens === null ? null : prompts / requests.length * ended + tokens;
}
/** As many of the requests that ended as of those that were sent. */
function goodOf({ requests, ended }, slo) {
	const good = countGood(requests, slo);
	return good === null ? null : good / requests.length * ended;
}
/**
* Mean share of time in which a kernel ran, over the readings that fall in a case, in percent and over all GPUs; null
* without telemetry.
*/
function gpuUtilPct(cases, telemetry) {
	const readings = cases.flatMap(({ session, data }) => {
		const inCase = (tS) => data.records.some((record) => tS >= record.startS && tS <= record.endS);
		return telemetry.filter((line) => line.session === session).flatMap((line) => line.gpus).flatMap((gpu) => gpu.utilization !== null && inCase(gpu.tS) ? [gpu.utilization] : []);
	});
	return readings.length === 0 ? null : mean(readings) * 100;
}
function mostOf(gauges, key) {
	return highest$1(gauges.flatMap((each) => each[key] ?? []));
}
function highest$1(values) {
	return values.length === 0 ? null : max([...values]);
}
function lowest(values) {
	return values.length === 0 ? null : min([...values]);
}
function sumOf(values) {
	if (values.length === 0) return null;
	return values.reduce((sum, value) => sum === null || value === null ? null : sum + value, 0);
}
function p50(values) {
	return values.length === 0 ? null : median([...values]);
}
function p95(values) {
	return values.length < 20 ? null : quantile([...values], .95);
}
function scaled(value, factor) {
	return value === null ? null : value * factor;
}

// src/measure/operating.ts
/** A KV cache that was ever fuller than this is close to putting requests out of the batch. */
const KV_HEADROOM_PCT = 90;
/** A safe point is inside the SLO in so many of the resampled curves. */
const SURE = .95;
/**
* Where to run, by what a sweep measured.
*
* Latency-minded is the load of the highest power, throughput over response time (Kleinrock, "Power and deterministic
* rules of thumb for probabilistic problems in computer communications", ICC 1979), among those inside the SLO;
* throughput-minded the least load within 5 % of the highest throughput inside it.
*
* A level with failed requests is none of these: the others had the server to themselves, so that what they measured
* is another load.
*
* @param rows - the sweep's rows, for the same loads as `levels`
*/
function adviseOn(all, rows, slo) {
	const failing = rows.filter(({ failed }) => failed > 0);
	const levels = all.filter(({ load }) => !failing.some((row) => row.load === load));
	const { knee, insideShare } = findKnee(levels, slo);
	const curve = curveOf(levels, slo);
	const inside = curve.filter((point) => point.inside);
	const rowOf = (load) => rows.find((row) => row.load === load);
	const point = (at) => at === null || at === void 0 ? null : operatingPoint(at, rowOf(at.load));
	const power = (at) => {
		const row = rowOf(at.load);
		const seconds = row?.p95E2eS ?? row?.meanE2eS ?? null;
		return seconds === null || seconds <= 0 ? 0 : at.tokensPerS / seconds;
	};
	const latency = highest(inside, power);
	const throughput = kneeOf(inside, .05);
	const safe = highest(inside.filter((at) => {
		const row = rowOf(at.load);
		return (knee === null || at.load <= knee.load) && (insideShare.get(at.load) ?? 0) >= SURE && (row?.preemptions ?? 0) === 0 && (row?.kvUsageMaxPct ?? 0) <= KV_HEADROOM_PCT;
	}), (at) => slo === null ? at.load : rowOf(at.load)?.goodputRps ?? at.tokensPerS);
	const ends = [latency?.load, throughput?.load].filter((load) => load !== void 0);
	return {
		knee,
		latencyMinded: point(latency),
		throughputMinded: point(throughput),
		sweetSpot: ends.length < 2 || curve.length < 2 ? null : [Math.min(...ends), Math.max(...ends)],
		safe: point(safe),
		why: [...failing.map(failureText), ...whyNot(curve, inside, knee !== null, safe !== null)]
	};
}
function failureText({ load, failed, requests }) {
	return `At ${load} in flight ${failed} of ${requests} requests failed: that level is no knee, sweet spot or safe point, and the peak is that of the others.`;
}
function whyNot(curve, inside, hasKnee, hasSafe) {
	if (curve.length === 0) return ["No level of load was measured whole."];
	if (curve.length < 2) return ["A knee needs at least two levels of load; one was measured whole."];
	if (inside.length === 0) return ["No level of load is inside the SLO, not even the lowest."];
	const peak = max(curve.map((point) => point.tokensPerS));
	const best = max(inside.map((point) => point.tokensPerS));
	return [...hasKnee ? [] : [`The SLO ends before the knee: inside it at most ${Math.round(best)} of the peak's ${Math.round(peak)} tokens/s are reached.`], ...hasSafe ? [] : [`No level of load is safe: each was outside the SLO in more than 5 % of the resampled curves, had preempted requests, or filled more than ${KV_HEADROOM_PCT} % of the KV cache.`]];
}
function highest(points, of) {
	return points.reduce((best, each) => best === void 0 || of(each) > of(best) ? each : best, void 0);
}
function operatingPoint({ load, tokensPerS }, row) {
	return {
		load,
		tokensPerS,
		requestsPerS: row?.qps ?? null,
		ttftP95Ms: row?.ttftP95Ms ?? null,
		itlP95Ms: row?.itlP95Ms ?? null,
		e2eP95Ms: row?.p95E2eS == null ? null : row.p95E2eS * 1e3,
		goodputRps: row?.goodputRps ?? null,
		kvUsageMaxPct: row?.kvUsageMaxPct ?? null
	};
}
/** The 95th percentiles of a level that are outside an SLO, by name. */
function outsideSlo(row, slo) {
	return checksOf(row, slo).flatMap(({ name, value, bound }) => value !== null && bound !== void 0 && value > bound ? [name] : []);
}
/**
* The highest arrival rate whose 95th percentiles were inside the SLO without a failed request, as were those of every
* lower rate.
*
* @returns null without an SLO, or when the lowest rate was outside, or a promise could not be checked
*/
function safeRate(rows, slo) {
	if (slo === null) return null;
	let highest = null;
	for (const row of [...rows].sort((a, b) => a.load - b.load)) {
		if (!checksOf(row, slo).every(({ value, bound }) => bound === void 0 || value !== null && value <= bound) || row.failed > 0) break;
		highest = row.load;
	}
	return highest;
}
function checksOf(row, slo) {
	return [
		{
			name: "TTFT",
			value: row.ttftP95Ms,
			bound: slo.ttftP95Ms
		},
		{
			name: "inter-token",
			value: row.itlP95Ms,
			bound: slo.itlP95Ms
		},
		{
			name: "end-to-end",
			value: row.p95E2eS === null ? null : row.p95E2eS * 1e3,
			bound: slo.e2eP95Ms
		}
	];
}

// src/measure/batching-study.ts
/** The tables of a batching study: what was not measured is left out. */
function batchingTables(sessions, grid, telemetry = []) {
	const { slo } = grid;
	const rowsOf = (loads, name, rateOf) => loads.flatMap((load) => {
		const cases = roundsOf(sessions, `batching.${name(load)}`);
		return cases.length === 0 ? [] : [{
			row: loadRow(load, cases, slo, telemetry, rateOf),
			level: levelOf(load, cases)
		}];
	});
	const sweep = rowsOf(grid.concurrency, sweepCase, "best");
	const advice = adviseOn(sweep.map((each) => each.level), sweep.map((each) => each.row), slo);
	const rates = rowsOf(grid.rates, rateCase, "median").map((each) => each.row);
	const replayed = roundsOf(sessions, `batching.${REPLAY}`);
	const replay = replayed.length === 0 ? null : loadRow(0, replayed, slo, telemetry, "median");
	return {
		benchmark: benchmarkOf(sessions, grid.benchmarkConcurrency),
		sweep: withNotes(sweep.map((each) => each.row), slo, advice),
		rates: withNotes(rates, slo, null),
		replay: replay === null ? null : {
			...replay,
			load: replay.qps ?? 0,
			notes: notesOf(replay, null, slo)
		},
		advice,
		safeRatePerS: safeRate(rates, slo),
		slo
	};
}
/** The same number of requests one by one and several at a time; null when a round lacks either. */
function benchmarkOf(sessions, concurrency) {
	const runs = sessions.flatMap((session) => [...session.rounds.values()].flatMap((cases) => {
		const sequential = sideOf(cases.get(`batching.${SEQUENTIAL}`));
		const concurrent = sideOf(cases.get(`batching.${CONCURRENT}`));
		return sequential === null || concurrent === null ? [] : [{
			sequential,
			concurrent
		}];
	}));
	if (runs.length === 0) return null;
	const sequential = medianSide(runs.map((run) => run.sequential));
	const concurrent = medianSide(runs.map((run) => run.concurrent));
	return {
		n: roundsOf(sessions, `batching.${"sequential"}`)[0]?.data.ok.length ?? 0,
		concurrency,
		repeats: runs.length,
		sequential,
		concurrent,
		speedup: sequential.seconds / concurrent.seconds,
		runs
	};
}
/** Null when a request failed: the others then had the server to themselves. */
function sideOf(data) {
	if (data === void 0 || data.ok.length === 0 || data.failed.length > 0) return null;
	const seconds = measuredS(data);
	const tokens = tokensOf$1(data.ok);
	const total = totalTokensOf(data.ok);
	if (tokens === null || !(seconds > 0)) return null;
	return {
		seconds,
		qps: data.ok.length / seconds,
		tokS: tokens / seconds,
		totalTokS: total === null ? null : total / seconds
	};
}
function medianSide(sides) {
	const of = (pick) => median(sides.map(pick));
	const totals = sides.flatMap((side) => side.totalTokS ?? []);
	return {
		seconds: of((side) => side.seconds),
		qps: of((side) => side.qps),
		tokS: of((side) => side.tokS),
		totalTokS: totals.length < sides.length ? null : median(totals)
	};
}
/** A jump of the 95th percentile that is worth a note. */
const JUMP = 1.5;
const ALMOST_FULL_PCT = 90;
/** Requests that were sent this late by the client were not sent as planned. */
const LATE_MS = 5;
function withNotes(rows, slo, advice) {
	return rows.map((row, index) => {
		const { knee = null } = advice ?? {};
		const marks = [...knee?.load === row.load ? [knee.reached ? "knee" : "highest load measured whole, knee not reached"] : [], ...knee !== null && knee.peakLoad === row.load ? ["peak"] : []];
		return {
			...row,
			notes: [...marks, ...notesOf(row, rows[index - 1] ?? null, slo)]
		};
	});
}
function notesOf(row, before, slo) {
	const notes = [];
	if (row.failed > 0) {
		const why = row.firstError === null ? "" : `: ${row.firstError}`;
		notes.push(`${row.failed} of ${row.requests} requests failed${why}`);
	}
	const jump = before?.p95E2eS == null || row.p95E2eS === null ? null : row.p95E2eS / before.p95E2eS;
	if (jump !== null && jump >= JUMP) notes.push(`p95 ×${jump.toFixed(1)} against ${before?.load}`);
	if ((row.waitingMax ?? 0) > 0) notes.push(`up to ${row.waitingMax} waiting`);
	if ((row.preemptions ?? 0) > 0) notes.push(`${row.preemptions} preempted`);
	if ((row.kvUsageMaxPct ?? 0) > ALMOST_FULL_PCT) notes.push(`KV cache up to ${row.kvUsageMaxPct?.toFixed(0)} %`);
	const outside = slo === null ? [] : outsideSlo(row, slo);
	if (outside.length > 0) notes.push(`p95 outside the SLO: ${outside.join(", ")}`);
	if ((row.lateP95Ms ?? 0) > LATE_MS) notes.push(`sent up to ${row.lateP95Ms?.toFixed(0)} ms late`);
	return notes;
}

// src/probe/open-loop.ts
/**
* Arrivals of a Poisson process: each gap is exponential, whatever the server does with the requests before.
*
* @param name - the same name gives the same times
* @param ratePerS - mean number of arrivals in a second
* @returns seconds after the first arrival, which is at 0
*/
function poissonTimes(name, ratePerS, count) {
	if (!(ratePerS > 0)) throw new RangeError(`a rate of ${ratePerS} requests/s, expected more than 0`);
	const times = [];
	let atS = 0;
	for (let index = 0; index < count; index += 1) {
		if (index > 0) atS += -Math.log(1 - uniform(`${name}#${index}`)) / ratePerS;
		times.push(atS);
	}
	return times;
}
/** From 0 up to, but not including, 1. */
function uniform(name) {
	return createHash("sha256").update(name).digest().readUIntBE(0, 6) / 2 ** 48;
}

// src/probe/batching-cells.ts
/** Most requests in flight of an open loop: beyond it the client, not the server, would be what waits. */
const OPEN_LOOP_CONCURRENCY = 256;
/** How often the server's gauges are read: each reading takes the server a few milliseconds. */
const GAUGES_EVERY_MS = 500;
/** Requests that a 95th percentile of one round needs. */
const LEAST_REQUESTS = 32;
const MOST_OPEN_REQUESTS = 2e3;
/** The cells of a batching study in the order in which they are measured. */
function batchingCells(options) {
	const { source, n, concurrent, concurrency, waves, rates, openS, replay } = options;
	const sweep = [...new Set(concurrency)].sort((a, b) => a - b);
	const worth = ranksOf(sweep.length);
	const open = [...new Set(rates)].sort((a, b) => a - b);
	const openWorth = ranksOf(open.length);
	return [
		benchmarkCell(source, n, concurrent),
		...sweep.map((each, index) => {
			const requests = (Math.ceil(Math.max(n, waves * each) / each) + 2) * each;
			return closedCell({
				source,
				name: sweepCase(each),
				requests,
				concurrency: each,
				value: 80 - (worth[index] ?? 0)
			});
		}),
		...open.map((rate, index) => openCell(source, rate, openS, 40 - (openWorth[index] ?? 0))),
		...replay === null ? [] : [replayCell(source, replay)]
	];
}
/** One after another, then several at a time: one cell, since neither tells anything alone. */
function benchmarkCell(source, n, concurrent) {
	const sides = [closedCell({
		source,
		name: SEQUENTIAL,
		requests: n,
		concurrency: 1,
		value: 0
	}), closedCell({
		source,
		name: CONCURRENT,
		requests: n,
		concurrency: concurrent,
		value: 0
	})];
	return {
		name: `sequential and ${concurrent} concurrent`,
		value: 100,
		work: { ...workOf$1(source, n + Math.ceil(n / concurrent), 1) },
		concurrency: concurrent,
		plan: async (target, round, tools) => (await Promise.all(sides.map((side) => side.plan(target, round, tools)))).flat()
	};
}
function workOf$1({ promptTokens, outputTokens }, requests, concurrency) {
	return {
		requests,
		concurrency,
		promptTokens,
		outputTokens
	};
}
function closedCell(cell) {
	const { source, name, requests, concurrency, value } = cell;
	return {
		name,
		value,
		work: workOf$1(source, requests, concurrency),
		concurrency,
		plan: async (target, round) => [casePlan({
			target,
			source,
			name,
			round,
			concurrency,
			warmups: concurrency,
			requests
		})]
	};
}
function openCell(source, rate, openS, value) {
	const requests = Math.min(MOST_OPEN_REQUESTS, Math.max(LEAST_REQUESTS, Math.ceil(rate * openS)));
	const concurrency = Math.min(256, requests);
	const name = rateCase(rate);
	return {
		name,
		value,
		work: {
			...workOf$1(source, requests, concurrency),
			atLeastS: requests / rate
		},
		concurrency,
		plan: async (target, round) => {
			const timesS = poissonTimes(`${target.seed}/${name}/${round}`, rate, requests);
			return [casePlan({
				target,
				source,
				name,
				round,
				concurrency,
				warmups: 8,
				requests,
				timesS
			})];
		}
	};
}
function replayCell(source, traffic) {
	const { requests, rateScale } = traffic;
	const firstS = requests[0]?.atS ?? 0;
	const timesS = requests.map((request) => ((request.atS ?? firstS) - firstS) / rateScale);
	const concurrency = Math.min(256, requests.length);
	return {
		name: REPLAY,
		value: 60,
		work: {
			...workOf$1(source, requests.length, concurrency),
			atLeastS: timesS.at(-1) ?? 0
		},
		concurrency,
		plan: async (target, round) => [casePlan({
			target,
			source,
			name: REPLAY,
			round,
			concurrency,
			warmups: 8,
			requests: requests.length,
			timesS
		})]
	};
}
function casePlan(options) {
	const { target, source, name, round, concurrency, warmups, requests, timesS } = options;
	const planned = (id, phase, index) => ({
		id: `batching.${name}.${id}`,
		...source.request(target, `batching.${name}/${phase}/${round}`, index)
	});
	return {
		probe: "batching",
		case: name,
		concurrency,
		mustMiss: source.mustMiss,
		warmup: Array.from({ length: Math.min(warmups, concurrency) }, (_, index) => planned(`w${index}`, "warmup", index)),
		measure: Array.from({ length: requests }, (_, index) => {
			const plannedS = timesS?.[index];
			return {
				...planned(String(index), "measure", index),
				...plannedS === void 0 ? {} : { plannedS }
			};
		}),
		gaugesEveryMs: GAUGES_EVERY_MS
	};
}
/**
* How much each place of a list tells about its whole curve, 0 the most: first and last, then what halves the rest.
*/
function ranksOf(length) {
	const ranks = new Array(length).fill(0);
	let next = 0;
	const give = (index) => {
		ranks[index] = next;
		next += 1;
	};
	if (length > 0) give(0);
	if (length > 1) give(length - 1);
	const between = [[0, length - 1]];
	for (let span = between.shift(); span !== void 0; span = between.shift()) {
		const [from, to] = span;
		if (to - from < 2) continue;
		const middle = Math.floor((from + to) / 2);
		give(middle);
		between.push([middle, to], [from, middle]);
	}
	return ranks;
}

// src/report/batching-csv.ts
/** The sweep's columns as the seed has them; ours follow, and are only ever appended. */
const LATENCY_COLUMNS = [
	"mean_e2e_s",
	"p95_e2e_s",
	"qps",
	"tok_s",
	"gpu_util_pct",
	"notes"
];
const OUR_COLUMNS = [
	"tok_s_worst_round",
	"total_tok_s",
	"ttft_p50_ms",
	"ttft_p95_ms",
	"itl_p50_ms",
	"itl_p95_ms",
	"tpot_p50_ms",
	"e2e_p50_s",
	"running_max",
	"waiting_max",
	"preemptions",
	"kv_usage_max_pct",
	"goodput_rps",
	"slo_met_pct",
	"requests",
	"failed",
	"rounds"
];
/** Appended later: in `rate_sweep.csv` they come after its own last column. */
const LATER_COLUMNS = [
	"tok_s_best_round",
	"qps_worst_round",
	"qps_best_round",
	"gauge_readings"
];
function laterCells(row) {
	return [
		rounded(row.tokSMost, 2),
		rounded(row.qpsLeast, 4),
		rounded(row.qpsMost, 4),
		row.gaugeReadings
	];
}
function cells(row) {
	return [
		rounded(row.meanE2eS, 6),
		rounded(row.p95E2eS, 6),
		rounded(row.qps, 4),
		rounded(row.tokS, 2),
		rounded(row.gpuUtilPct, 1),
		row.notes.join("; "),
		rounded(row.tokSLeast, 2),
		rounded(row.totalTokS, 2),
		rounded(row.ttftP50Ms, 3),
		rounded(row.ttftP95Ms, 3),
		rounded(row.itlP50Ms, 3),
		rounded(row.itlP95Ms, 3),
		rounded(row.tpotP50Ms, 3),
		rounded(row.e2eP50Ms === null ? null : row.e2eP50Ms / 1e3, 6),
		row.runningMax,
		row.waitingMax,
		row.preemptions,
		rounded(row.kvUsageMaxPct, 2),
		rounded(row.goodputRps, 4),
		rounded(row.sloMetPct, 2),
		row.requests,
		row.failed,
		row.rounds
	];
}
/** `csv/concurrency_sweep.csv`: a closed loop, a row for each number of requests in flight. */
function sweepCsv(rows) {
	return csv([
		"concurrency",
		...LATENCY_COLUMNS,
		...OUR_COLUMNS,
		...LATER_COLUMNS
	], rows.map((row) => [
		row.load,
		...cells(row),
		...laterCells(row)
	]));
}
/** `csv/rate_sweep.csv`: an open loop, a row for each rate of arrivals; rates are medians over the rounds. */
function rateCsv(rows) {
	return csv([
		"rate_rps",
		...LATENCY_COLUMNS,
		...OUR_COLUMNS,
		"late_p95_ms",
		...LATER_COLUMNS
	], rows.map((row) => [
		rounded(row.load, 4),
		...cells(row),
		rounded(row.lateP95Ms, 3),
		...laterCells(row)
	]));
}
/** `csv/batching_benchmark.csv`: one row, the medians of the repeats. */
function benchmarkCsv(benchmark) {
	const { sequential, concurrent } = benchmark;
	return csv([
		"sequential_s",
		"concurrent_s",
		"sequential_qps",
		"concurrent_qps",
		"sequential_tok_s",
		"concurrent_tok_s",
		"sequential_total_tok_s",
		"concurrent_total_tok_s",
		"speedup",
		"n",
		"concurrency",
		"repeats"
	], [[
		rounded(sequential.seconds, 4),
		rounded(concurrent.seconds, 4),
		rounded(sequential.qps, 4),
		rounded(concurrent.qps, 4),
		rounded(sequential.tokS, 2),
		rounded(concurrent.tokS, 2),
		rounded(sequential.totalTokS, 2),
		rounded(concurrent.totalTokS, 2),
		rounded(benchmark.speedup, 3),
		benchmark.n,
		benchmark.concurrency,
		benchmark.repeats
	]]);
}
/** The benchmark as the seed's client prints it, with each repeat. Tokens are output tokens. */
function benchmarkJson(benchmark) {
	const flat = ({ sequential, concurrent }) => ({
		sequential_s: sequential.seconds,
		concurrent_s: concurrent.seconds,
		sequential_qps: sequential.qps,
		concurrent_qps: concurrent.qps,
		sequential_tok_s: sequential.tokS,
		concurrent_tok_s: concurrent.tokS,
		sequential_total_tok_s: sequential.totalTokS,
		concurrent_total_tok_s: concurrent.totalTokS
	});
	const { n, concurrency, repeats, speedup, runs } = benchmark;
	const value = {
		n,
		concurrency,
		...flat(benchmark),
		speedup,
		repeats,
		runs: runs.map(flat)
	};
	return `${JSON.stringify(value, null, 1)}\n`;
}

// src/report/batching-words.ts
const tokensPerS = (value) => `${formatNumber(Math.round(value))} tok/s`;
const seconds = (value) => value === null ? "not measured" : `${formatNumber(Number(value.toPrecision(3)))} s`;
const percent$5 = (share) => `${Math.round(share * 100)} %`;
/** Rates of the sweep are those of a level's best round, those of the benchmark the median of its repeats. */
const inBestRound = (rounds) => rounds > 1 ? " in its best round" : "";
/**
* Shares in whole percent that add up to what they are together: the largest remainders are rounded up (Hamilton's
* method), so that shares of a whole never come to 101 %.
*/
function wholePercents(shares) {
	const exact = shares.map((share) => share * 100);
	const floors = exact.map((each) => Math.floor(each + 1e-9));
	const missing = Math.round(exact.reduce((a, b) => a + b, 0)) - floors.reduce((a, b) => a + b, 0);
	const raised = exact.map((each, index) => ({
		index,
		remainder: each - (floors[index] ?? 0)
	})).sort((a, b) => b.remainder - a.remainder || a.index - b.index).slice(0, Math.max(0, missing));
	return floors.map((floor, at) => floor + Number(raised.some(({ index }) => index === at)));
}
/** `TTFT p95 ≤ 200 ms, end-to-end p95 ≤ 2,000 ms` */
function sloText({ ttftP95Ms, itlP95Ms, e2eP95Ms }) {
	return [
		...ttftP95Ms === void 0 ? [] : [`TTFT p95 ≤ ${formatNumber(ttftP95Ms)} ms`],
		...itlP95Ms === void 0 ? [] : [`inter-token p95 ≤ ${formatNumber(itlP95Ms)} ms`],
		...e2eP95Ms === void 0 ? [] : [`end-to-end p95 ≤ ${formatNumber(e2eP95Ms)} ms`]
	].join(", ");
}
/** `8` or `4–8` */
function rangeText([from, to]) {
	return from === to ? String(from) : `${from}–${to}`;
}
/** Whether requests failed at a higher load than the highest that was measured whole. */
function failsAbove({ sweep }, load) {
	return sweep.some((row) => row.load > load && row.failed > 0);
}
/** Whether throughput still grew at the highest load that was measured, and nothing says where it ends. */
function isOpen(tables) {
	const { knee } = tables.advice;
	return knee !== null && !knee.reached && !failsAbove(tables, knee.load);
}
/** The sweet spot, claimed no further than it was measured. */
function sweetSpotText(tables) {
	const { sweetSpot } = tables.advice;
	if (sweetSpot === null) return {
		text: "none",
		ends: "unknown"
	};
	if (!isOpen(tables)) return {
		text: rangeText(sweetSpot),
		ends: "measured"
	};
	const [from] = sweetSpot;
	return tables.sweep.some((row) => row.load < from) ? {
		text: `${from} or more requests in flight`,
		ends: "open"
	} : {
		text: `not found: it may be anything from ${from} in flight on`,
		ends: "unknown"
	};
}
/** By what the safe operating point is the highest one. */
function safeBasis(tables) {
	const { advice, slo, sweep } = tables;
	const { knee, safe } = advice;
	const promises = slo === null ? "" : sloText(slo);
	const isTop = safe !== null && !sweep.some((row) => row.load > safe.load && row.failed === 0);
	if (safe !== null && isTop && !knee?.reached) {
		const bound = failsAbove(tables, safe.load) ? "the highest load that was measured whole, above it requests failed" : "the highest load that was measured; no bound was found";
		return [...promises === "" ? [] : [promises], bound].join("; ");
	}
	if (promises !== "") return promises;
	return safe?.load === knee?.load ? "no SLO was given, so it is the knee itself" : "no SLO was given; above it the server preempted requests, or its KV cache was nearly full";
}
/** The highest arrival rate that kept the SLO, of those measured; null without an SLO or rates. */
function rateText({ rates, safeRatePerS, slo }) {
	if (slo === null || rates.length === 0) return null;
	const loads = rates.map((row) => row.load);
	if (safeRatePerS === null) return `no measured arrival rate keeps the SLO, the lowest was ${formatNumber(Math.min(...loads))} requests/s`;
	const bound = safeRatePerS === Math.max(...loads) ? ", the highest rate that was measured" : "";
	return `up to ${formatNumber(safeRatePerS)} requests/s keep the SLO${bound}`;
}
/** How full the KV cache was at a point. */
function usageText({ kvUsageMaxPct }) {
	return kvUsageMaxPct === null ? null : `KV cache up to ${formatNumber(Number(kvUsageMaxPct.toPrecision(3)))} % full`;
}
/** The knee with how sure it is. */
function kneeText(knee) {
	const where = knee.reached ? `${knee.load} requests in flight: ${tokensPerS(knee.tokensPerS)}, ${percent$5(knee.tokensPerS / knee.peakTokensPerS)} of the peak at ${knee.peakLoad}` : `at ${knee.load} requests in flight or beyond, not reached: they were the most that was measured whole, and throughput still grew (${tokensPerS(knee.tokensPerS)})`;
	const close = knee.closeLoad === null || knee.closeLoad === knee.load ? "" : `; within 5 % of the peak from ${knee.closeLoad}`;
	const shares = wholePercents(knee.plausible.map(({ share }) => share));
	const said = knee.plausible.map(({ load }, index) => {
		const beyond = !knee.reached && load === knee.load ? " or beyond" : "";
		return `${shares[index]} % have it at ${load}${beyond}`;
	});
	return `${where}${close}${said.length === 0 ? "; how sure that is needs more than one round" : `; of the resampled sweeps ${said.join(", ")}`}`;
}
/** A profile in a line. */
function pointText(point) {
	if (point === null) return "none";
	const usage = usageText(point);
	const p95s = [
		...point.e2eP95Ms === null ? [] : [`end-to-end p95 ${seconds(point.e2eP95Ms / 1e3)}`],
		...point.ttftP95Ms === null ? [] : [`TTFT p95 ${formatNumber(Number(point.ttftP95Ms.toPrecision(3)))} ms`],
		...point.itlP95Ms === null ? [] : [`inter-token p95 ${formatNumber(Number(point.itlP95Ms.toPrecision(3)))} ms`],
		...usage === null ? [] : [usage],
		...point.goodputRps === null ? [] : [`goodput ${formatNumber(Number(point.goodputRps.toPrecision(3)))} requests/s`]
	];
	return `${point.load} in flight, ${tokensPerS(point.tokensPerS)}${p95s.length === 0 ? "" : `, ${p95s.join(", ")}`}`;
}

// src/report/batching-rules.ts
/** A GPU that is busy for less than this share of the time is left idle. */
const IDLE_PCT = 60;
/** The rules of thumb, three to five, each with the numbers in it. Plain text. */
function rulesOfThumb(tables, setting) {
	const rules = [
		...sweetSpot(tables, setting),
		...beyondTheKnee(tables),
		...alone(tables),
		...batchingGain(tables),
		...safePoint(tables)
	];
	return [...new Set(rules)].slice(0, 5);
}
function rowAt(rows, load) {
	return rows.find((row) => row.load === load);
}
function sweetSpot(tables, setting) {
	const { sweep, advice } = tables;
	if (advice.sweetSpot === null) return [];
	const [from, to] = advice.sweetSpot;
	const low = rowAt(sweep, from);
	const high = rowAt(sweep, to);
	if (low?.tokS == null || high?.tokS == null) return [];
	const lengths = setting.promptTokens === null ? "your own requests" : `${setting.promptTokens} prompt and ${setting.outputTokens} output tokens`;
	const rate = from === to ? tokensPerS(high.tokS) : `${formatNumber(Math.round(low.tokS))}–${tokensPerS(high.tokS)}`;
	const { text, ends } = sweetSpotText(tables);
	if (ends === "unknown") return [];
	const p95 = `an end-to-end p95 of at most ${seconds(high.p95E2eS ?? high.meanE2eS)}`;
	const where = `On ${setting.machine} with ${setting.model}`;
	if (ends === "open") return [`${where} the sweet spot for ${lengths} is ${text}: ${rate} at ${rangeText([from, to])}, the most that was measured, at ${p95}.`];
	return [`${where}, ${text} requests in flight are the sweet spot for ${lengths}: ${rate} at ${p95}.`];
}
function beyondTheKnee({ sweep, advice }) {
	const { knee } = advice;
	if (knee === null) return advice.why.slice(0, 1);
	const at = rowAt(sweep, knee.load);
	const more = sweep.filter((row) => row.load > knee.load).sort((a, b) => a.load - b.load);
	const next = more.find(({ failed }) => failed === 0);
	const [failing] = more;
	if (!knee.reached && failing !== void 0 && failing.failed > 0) return [`The knee was not reached: throughput still grew at ${knee.load} requests in flight (${tokensPerS(knee.tokensPerS)}), and at ${failing.load} requests failed. Mend that, or stay at ${knee.load}.`];
	if (!knee.reached || next === void 0) return [`The knee was not reached: throughput still grew at ${knee.load} requests in flight (${tokensPerS(knee.tokensPerS)}). Sweep further to find where it ends.`];
	if (at?.tokS == null || next.tokS === null || at.p95E2eS === null || next.p95E2eS === null) return [];
	const gain = next.tokS / at.tokS - 1;
	const cost = next.p95E2eS / at.p95E2eS - 1;
	return [`Beyond ${knee.load} requests in flight, p95 pays for little: from ${knee.load} to ${next.load} throughput changes by ${signedPercent(gain)} and the end-to-end p95 by ${signedPercent(cost)} (${seconds(at.p95E2eS)} → ${seconds(next.p95E2eS)}). Alert when more than ${knee.load} run at once for long.`];
}
function alone({ sweep, advice }) {
	const first = rowAt(sweep, 1);
	const { knee } = advice;
	if (first?.tokS == null || first.failed > 0 || knee === null || knee.peakLoad === 1) return [];
	const share = first.tokS / knee.peakTokensPerS;
	const util = first.gpuUtilPct === null ? "" : `, with the GPU busy ${Math.round(first.gpuUtilPct)} % of the time${first.gpuUtilPct < IDLE_PCT ? ": it is under-fed" : ""}`;
	return [`One request at a time gets ${tokensPerS(first.tokS)}${inBestRound(first.rounds)}, ${percent$5(share)} of the ${tokensPerS(knee.peakTokensPerS)} at ${knee.peakLoad}${util}: little traffic cannot reach the headline number.`];
}
function batchingGain({ benchmark }) {
	if (benchmark === null) return [];
	const { n, concurrency, sequential, concurrent, speedup } = benchmark;
	return [`${n} requests take ${seconds(sequential.seconds)} one by one and ${seconds(concurrent.seconds)} with ${concurrency} in flight: batching is worth ${speedup.toFixed(1)}× here (of at most ${concurrency}×).`];
}
function safePoint(tables) {
	const { advice, slo } = tables;
	const { safe } = advice;
	const rate = rateText(tables);
	if (safe === null) return [...slo === null ? [] : advice.why.slice(-1), ...rate === null ? [] : [`${rate}.`]];
	const p95 = safe.e2eP95Ms === null ? "" : ` at an end-to-end p95 of ${seconds(safe.e2eP95Ms / 1e3)}`;
	const usage = usageText(safe);
	const goodput = safe.goodputRps === null ? "" : `, ${formatNumber(Number(safe.goodputRps.toPrecision(3)))} requests/s within the SLO`;
	return [`Safe operating point: up to ${safe.load} requests in flight (${tokensPerS(safe.tokensPerS)}${p95}${usage === null ? "" : `, ${usage}`}${goodput}; ${safeBasis(tables)})${rate === null ? "" : `; ${rate}`}.`];
}
function signedPercent(share) {
	const points = Math.round(share * 100);
	return points === 0 ? "0 %" : `${points > 0 ? "+" : "−"}${Math.abs(points)} %`;
}

// src/report/batching-pages.ts
const COLUMNS$2 = [
	"concurrency",
	"mean_e2e_s",
	"p95_e2e_s",
	"qps",
	"tok_s",
	"gpu_util_pct",
	"notes"
];
const MORE_COLUMNS = [
	"load",
	"TTFT p50 / p95",
	"inter-token p50 / p95",
	"running / waiting (sampled)",
	"preempted",
	"KV used (sampled)",
	"goodput"
];
/** Of the arrivals' own rate there is no best round. */
const HOW_RATES_ARE_MADE = "Rates are the median over the rounds, with the worst and the best in brackets: arrivals set them, and a round is better by luck alone. Latencies count from the planned time of each request, over all rounds.";
const HOW_GAUGES_ARE_READ = "Running, waiting and KV use are the most that any reading of the server's gauges showed. They are read twice a second, so a peak between two readings is not in them; preemptions are counted by the server.";
const HOW_ROWS_ARE_MADE = "Rates are those of each level's best round, since interference only takes away; latencies are over all requests of all rounds. The first and the last wave of a level bring its load up and down and are left out.";
/** A number with four digits that matter, or a dash for what was not measured. */
const short = (value, digits = 4) => value === null ? "–" : formatNumber(Number(value.toPrecision(digits)));
const pair = (a, b, unit = "") => a === null && b === null ? "–" : `${short(a, 3)} / ${short(b, 3)}${unit}`;
/** A rate with those of the worst and the best round. */
const withSpread = (value, least, most) => least === null || most === null || least === most ? short(value) : `${short(value)} (${short(least)}–${short(most)})`;
/** The machine and the model in words. */
function settingOf({ run, promptTokens, outputTokens }) {
	const machine = run.fingerprint;
	const gpus = Number(machine["gpuCount"] ?? 1);
	return {
		machine: (machine["gpuModel"] == null ? null : `${gpus > 1 ? `${gpus} × ` : ""}${machine["gpuModel"]}`) ?? String(machine["cpuModel"] ?? "this machine"),
		model: String(machine["model"] ?? "this model"),
		promptTokens,
		outputTokens
	};
}
function sweepTable(rows, first = "concurrency") {
	return table([first, ...COLUMNS$2.slice(1)], rows.map((row) => [
		short(row.load),
		short(row.meanE2eS),
		short(row.p95E2eS),
		first === "concurrency" ? short(row.qps) : withSpread(row.qps, row.qpsLeast, row.qpsMost),
		first === "concurrency" ? short(row.tokS) : withSpread(row.tokS, row.tokSLeast, row.tokSMost),
		row.gpuUtilPct === null ? "" : short(row.gpuUtilPct, 3),
		plain(row.notes.join("; "))
	]));
}
function detailTable(rows) {
	return table(MORE_COLUMNS, rows.map((row) => [
		short(row.load),
		pair(row.ttftP50Ms, row.ttftP95Ms, " ms"),
		pair(row.itlP50Ms, row.itlP95Ms, " ms"),
		pair(row.runningMax, row.waitingMax),
		short(row.preemptions),
		row.kvUsageMaxPct === null ? "–" : `${short(row.kvUsageMaxPct, 3)} %`,
		row.goodputRps === null ? "–" : `${short(row.goodputRps, 3)} /s (${short(row.sloMetPct, 3)} %)`
	]));
}
function benchmarkTable({ benchmark }) {
	if (benchmark === null) return "Not measured.";
	const { sequential, concurrent, n, concurrency, repeats } = benchmark;
	return [
		`${n} requests, one by one and with ${concurrency} in flight, median of ${repeats} repeat${repeats === 1 ? "" : "s"}; tok_s are output tokens.`,
		"",
		table([
			"",
			"s",
			"qps",
			"tok_s",
			"total tok_s"
		], [
			[
				"sequential",
				short(sequential.seconds),
				short(sequential.qps),
				short(sequential.tokS),
				short(sequential.totalTokS)
			],
			[
				"concurrent",
				short(concurrent.seconds),
				short(concurrent.qps),
				short(concurrent.tokS),
				short(concurrent.totalTokS)
			],
			[
				"change",
				"",
				"",
				`×${benchmark.speedup.toFixed(2)}`,
				""
			]
		])
	].join("\n");
}
/** A note on the GPU's utilisation, and what the number does not say. */
function utilisationNote({ sweep }) {
	const seen = sweep.filter((row) => row.gpuUtilPct !== null);
	const [first] = seen;
	const last = seen.at(-1);
	if (first === void 0 || last === void 0) return "GPU utilisation was not measured: no nvidia-smi readings fell in these cases.";
	return `The GPU was busy ${short(first.gpuUtilPct, 3)} % of the time at ${first.load} and ${short(last.gpuUtilPct, 3)} % at ${last.load}. It is the share of time in which any kernel ran, not how much of the GPU it used: throughput can grow at 100 %.`;
}
/** Where to run, a line each. */
function adviceLines(tables) {
	const { advice, slo } = tables;
	const rate = rateText(tables);
	return [
		`- SLO: ${slo === null ? "none given" : sloText(slo)}`,
		`- Knee: ${advice.knee === null ? "none" : kneeText(advice.knee)}`,
		`- Sweet spot: ${sweetSpotText(tables).text}`,
		`- Latency-minded (chat): ${pointText(advice.latencyMinded)}`,
		`- Throughput-minded (offline): ${pointText(advice.throughputMinded)}`,
		`- Safe operating point: ${pointText(advice.safe)}${advice.safe === null ? "" : ` (${safeBasis(tables)})`}`,
		...rate === null ? [] : [`- Arrival rate (open loop): ${rate}`],
		...advice.why.map((each) => `- ${each}`)
	];
}
function sections(pages) {
	const { tables } = pages;
	const open = [...tables.rates, ...tables.replay === null ? [] : [tables.replay]];
	return [
		"## Sequential against concurrent",
		benchmarkTable(tables),
		"## Concurrency sweep (closed loop)",
		...tables.sweep.length === 0 ? ["Not measured."] : [
			sweepTable(tables.sweep),
			HOW_ROWS_ARE_MADE,
			detailTable(tables.sweep),
			HOW_GAUGES_ARE_READ,
			utilisationNote(tables)
		],
		...open.length === 0 ? [] : [
			"## Arrival rates (open loop)",
			sweepTable(open, "requests/s"),
			HOW_RATES_ARE_MADE,
			detailTable(open)
		],
		"## Where to run",
		adviceLines(tables).join("\n"),
		"## Rules of thumb",
		rulesOfThumb(tables, settingOf(pages)).map((rule) => `- ${plain(rule)}`).join("\n")
	];
}
/** `logs/batching_benchmark.md` */
function renderBatchingBenchmark(pages) {
	const { promptTokens, outputTokens, run } = pages;
	const work = promptTokens === null ? "- Requests: the scenario's own traffic" : `- Requests: unique prompts of ${promptTokens} tokens, ${outputTokens} tokens out (fixed)`;
	return `${[
		`# Batching benchmark: ${plain(run.scenario)}`,
		[...environmentLines(run), work].join("\n"),
		...sections(pages)
	].join("\n\n")}\n`;
}
function droppedLines({ study }) {
	const dropped = study?.dropped ?? [];
	if (dropped.length === 0) return [];
	return ["## Left out", dropped.map(({ cell, reason }) => `- ${plain(cell)}: ${plain(reason)}`).join("\n")];
}
/** `report.md` of a batching study. */
function renderBatchingReport(pages) {
	return `${[
		`# Batching study: ${plain(pages.run.scenario)}`,
		environmentLines(pages.run).join("\n"),
		...sections(pages),
		...droppedLines(pages.run),
		"## Files",
		[...pages.artifacts, LOG_PAGE].map((name) => `- \`${name}\``).join("\n")
	].join("\n\n")}\n`;
}
/** The log page of a batching study. */
function renderBatchingLog(pages) {
	const { run, tables, command, artifacts } = pages;
	const { benchmark } = tables;
	const throughput = benchmark === null ? [] : [`- Throughput tok/s (1 vs ${benchmark.concurrency} concurrent): ${short(benchmark.sequential.tokS)} vs ${short(benchmark.concurrent.tokS)}, medians; the sweep has the best rounds`];
	return renderLogPage({
		title: `Batching study: ${run.scenario}`,
		run,
		commands: [command],
		keyNumbers: [[...throughput, ...adviceLines(tables)].join("\n"), ...tables.sweep.length === 0 ? [] : [sweepTable(tables.sweep)]],
		artifacts,
		observations: [...rulesOfThumb(tables, settingOf(pages)), ...(run.study?.dropped ?? []).map(({ cell, reason }) => `${cell}: ${reason}`)]
	});
}

// src/report/batching-summary.ts
/** The terminal's text: the sweep as a table of plain columns, and what it says. */
function batchingSummary(pages) {
	const { tables } = pages;
	const open = [...tables.rates, ...tables.replay === null ? [] : [tables.replay]];
	const lines = (rows, first) => columns([[
		first,
		"mean e2e s",
		"p95 e2e s",
		"req/s",
		"tok/s",
		"TTFT p95 ms",
		"ITL p95 ms",
		"goodput/s",
		"notes"
	], ...rows.map((row) => [
		short(row.load),
		short(row.meanE2eS),
		short(row.p95E2eS),
		short(row.qps),
		short(row.tokS),
		short(row.ttftP95Ms),
		short(row.itlP95Ms),
		short(row.goodputRps),
		row.notes.join("; ")
	])]);
	return `${[
		...tables.sweep.length === 0 ? [] : [lines(tables.sweep, "in flight")],
		...open.length === 0 ? [] : [lines(open, "rate/s")],
		adviceLines(tables).join("\n"),
		rulesOfThumb(tables, settingOf(pages)).map((rule) => `* ${rule}`).join("\n")
	].join("\n\n")}\n`;
}
/** Rows as columns of one width each. */
function columns(rows) {
	const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
	const pad = (cell, index) => index === widths.length - 1 ? cell : cell.padStart(widths[index] ?? 0);
	return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

// src/studies/batching.ts
/** Most requests in flight of a level; the gate's probes have the same bound. */
const MAX_CONCURRENCY = 1024;
const MAX_RATE = 1e3;
/** Sequential against concurrent, the sweep over concurrency and rates, its knee, and where to run. */
const BATCHING_STUDY = {
	name: "batching",
	description: "throughput and latency over requests in flight: the knee, and a safe operating point",
	addOptions,
	readOptions,
	plan: plan$1,
	report: report$2
};
function addOptions(command) {
	return command.option("--n <requests>", "requests sent one by one, and several at a time", whole(2, 1e4), 32).option("--concurrent <k>", "requests in flight when several", whole(2, MAX_CONCURRENCY), 8).option("--concurrency <list>", "levels of the sweep", wholeList, [
		1,
		2,
		4,
		8,
		16,
		32
	]).option("--waves <n>", "requests of a level: at least this many times its concurrency", whole(1, 100), 3).option("--rates <list>", "also an open loop: Poisson arrivals at these requests per second", rateList, []).option("--open-seconds <s>", "how long each rate is sent in a round", whole(1, 3600), 30).option("--prompt-tokens <n>", "length of the prompts", whole(1, 1e6), 200).option("--output-tokens <n>", "length of the answers, always the same", whole(2, 1e5), 64).option("--rounds <n>", "repeats: the benchmark has their median, a level of the sweep its best, latencies all of them", whole(1, 50), 3).option("--sessions <n>", "server starts", whole(1, 50), 1).option("--traffic", "send the scenario's own requests (probes.traffic) in place of equal ones", false).option("--slo-ttft-p95-ms <ms>", "promise: 95th percentile of the time to first token", milliseconds$2).option("--slo-itl-p95-ms <ms>", "promise: 95th percentile of the gap between tokens", milliseconds$2).option("--slo-e2e-p95-ms <ms>", "promise: 95th percentile of the whole request", milliseconds$2);
}
function readOptions(given) {
	const number = (name) => given[name];
	const slo = {
		ttftP95Ms: given["sloTtftP95Ms"],
		itlP95Ms: given["sloItlP95Ms"],
		e2eP95Ms: given["sloE2eP95Ms"]
	};
	const named = Object.fromEntries(Object.entries(slo).filter(([, value]) => value !== void 0));
	return {
		n: number("n"),
		concurrent: number("concurrent"),
		concurrency: given["concurrency"],
		waves: number("waves"),
		rates: given["rates"],
		openS: number("openSeconds"),
		promptTokens: number("promptTokens"),
		outputTokens: number("outputTokens"),
		rounds: number("rounds"),
		sessions: number("sessions"),
		traffic: given["traffic"] === true,
		slo: Object.keys(named).length === 0 ? null : sloSchema.parse(named)
	};
}
async function plan$1(options, config) {
	const { n, concurrent, concurrency, waves, rates, openS, promptTokens, outputTokens } = options;
	const { traffic } = config;
	if (options.traffic && traffic === null) throw new UsageError("--traffic: the scenario has no `probes.traffic`, which names the file of requests");
	const own = options.traffic ? traffic : null;
	return {
		variants: { head: config.server },
		order: Array.from({ length: options.sessions }, () => "head"),
		rounds: options.rounds,
		cells: batchingCells({
			n,
			concurrent,
			concurrency,
			waves,
			rates,
			openS,
			source: own === null ? equalRequests({
				promptTokens,
				outputTokens
			}) : ownRequests(own),
			replay: own?.mode === "open" ? own : null
		})
	};
}
async function report$2(study) {
	const { options, run, traces, files, command } = study;
	const sessions = groupTraces(run.sessions.filter((session) => session.outcome === "ok"), traces);
	if (traces.length > 0 && !traces.some((trace) => trace.phase === "measure" && trace.outcome === "ok")) {
		const said = traces.find((trace) => trace.error !== null)?.error ?? "no reason was given";
		throw new NotMeasuredError(`none of the ${traces.length} requests succeeded; the first was told: ${said}`);
	}
	const grid = {
		concurrency: [...options.concurrency].sort((a, b) => a - b),
		rates: [...options.rates].sort((a, b) => a - b),
		benchmarkConcurrency: options.concurrent,
		slo: options.slo ?? run.slo ?? null
	};
	const tables = batchingTables(sessions, grid, telemetryOf(await files.read("telemetry.jsonl")));
	const data = dataFiles(tables);
	const pages = {
		run,
		tables,
		command,
		promptTokens: options.traffic ? null : options.promptTokens,
		outputTokens: options.traffic ? null : options.outputTokens,
		artifacts: [...data.map((file) => file.name), BENCHMARK_PAGE]
	};
	return {
		files: [
			...data,
			{
				name: BENCHMARK_PAGE,
				text: renderBatchingBenchmark(pages)
			},
			{
				name: LOG_PAGE,
				text: renderBatchingLog(pages)
			}
		],
		report: renderBatchingReport(pages),
		summary: batchingSummary(pages)
	};
}
const BENCHMARK_PAGE = "logs/batching_benchmark.md";
function dataFiles(tables) {
	const { benchmark, sweep, rates, replay } = tables;
	const open = [...rates, ...replay === null ? [] : [replay]];
	return [
		...benchmark === null ? [] : [{
			name: "csv/batching_benchmark.csv",
			text: benchmarkCsv(benchmark)
		}, {
			name: "csv/batching_benchmark.json",
			text: benchmarkJson(benchmark)
		}],
		{
			name: "csv/concurrency_sweep.csv",
			text: sweepCsv(sweep)
		},
		...open.length === 0 ? [] : [{
			name: "csv/rate_sweep.csv",
			text: rateCsv(open)
		}],
		{
			name: "batching.json",
			text: `${JSON.stringify({
				schemaVersion: 1,
				...tables
			}, null, 1)}\n`
		}
	];
}
/** The samples of a telemetry file; lines of another version are passed over. */
function telemetryOf(text) {
	return (text ?? "").split("\n").flatMap((line) => {
		if (line === "") return [];
		try {
			const parsed = telemetryLineSchema.safeParse(JSON.parse(line));
			return parsed.success ? [parsed.data] : [];
		} catch {
			return [];
		}
	});
}
function whole(from, to) {
	return (text) => {
		const value = /^\d+$/.test(text) ? Number(text) : NaN;
		if (!(value >= from && value <= to)) throw new InvalidArgumentError(`expected a whole number from ${from} to ${to}`);
		return value;
	};
}
function wholeList(text) {
	const read = whole(1, MAX_CONCURRENCY);
	return [...new Set(text.split(",").map((each) => read(each.trim())))];
}
function rateList(text) {
	const values = text.split(",").map(Number);
	if (!values.every((value) => value >= .01 && value <= MAX_RATE)) throw new InvalidArgumentError(`expected requests per second from 0.01 to ${MAX_RATE}, separated by commas`);
	return [...new Set(values)];
}
function milliseconds$2(text) {
	const value = Number(text);
	if (!(value > 0 && value <= 36e5)) throw new InvalidArgumentError("expected milliseconds above 0");
	return value;
}

// src/report/coldstart-pages.ts
const COLDSTART_CSV = "csv/coldstart.csv";
const COLDSTART_PAGE = "logs/coldstart.md";
const COLUMNS$1 = [
	["load_real_s", "readyS"],
	["cold_req_real_s", "coldE2eS"],
	["warm_req_real_s", "warmE2eS"],
	["cold_ttft_s", "coldTtftS"],
	["warm_ttft_s", "warmTtftS"],
	["processes_s", "processesS"],
	["load_weights_s", "modelS"],
	["runtime_warmup_s", "warmupS"],
	["unexplained_s", "unexplainedS"],
	["log_weights_s", "weightsS"],
	["weights_mib_per_s", "weightsMibPerS"],
	["resident_share_before", "residentShare"],
	["disk_read_mib", "diskReadMib"]
];
/** A row for each start. `load_real_s` is spawn to ready. */
function coldstartCsv(cells) {
	const header = [
		"session",
		"compile_cache",
		"page_cache",
		...COLUMNS$1.map(([name]) => name),
		"notes"
	];
	const rows = cells.flatMap(({ starts }) => starts).sort((a, b) => a.session - b.session).map((start) => [
		start.session,
		...start.variant.split("-"),
		...COLUMNS$1.map(([, key]) => rounded(start[key], 4)),
		start.dirty.join("; ")
	]);
	return csv(header, rows);
}
const HEADER$2 = [
	"compile cache",
	"page cache",
	"starts",
	"ready s",
	"processes s",
	"load_weights s",
	"runtime_warmup s",
	"cold TTFT s",
	"warm TTFT s",
	"cold/warm"
];
function tableRows(cells) {
	return cells.map(({ variant, starts, spread }) => {
		const { coldTtftS: cold, warmTtftS: warm } = spread;
		return [
			...variant.split("-").map(plain),
			String(starts.length),
			spreadText(spread.readyS),
			spreadText(spread.processesS),
			spreadText(spread.modelS),
			spreadText(spread.warmupS),
			spreadText(cold),
			spreadText(warm),
			cold === null || warm === null ? "–" : `${(cold.median / warm.median).toFixed(1)}×`
		];
	});
}
/** The table for the terminal, and what it says. */
function coldstartSummary(pages) {
	const said = findings(pages).map((each) => `* ${each}`);
	return `${columns$1([HEADER$2, ...tableRows(pages.cells)]).join("\n")}\n\n${said.join("\n")}\n`;
}
/** `report.md` */
function renderColdstart(pages) {
	const { cells, run } = pages;
	const accounts = cells.flatMap(({ variant, starts }) => {
		const slowest = starts.toSorted((a, b) => (b.readyS ?? 0) - (a.readyS ?? 0))[0];
		const account = run.sessions.find(({ index }) => index === slowest?.session)?.coldStart;
		return account === void 0 ? [] : [`### ${plain(variant)}, its slowest start`, plain(account.paragraph)];
	});
	return [
		`# Cold starts: ${plain(run.scenario)}`,
		table(HEADER$2, tableRows(cells)),
		"Middle of the starts (smallest–largest). `load_weights` and `runtime_warmup` are the seed's terms, cut out of the server's log.",
		"## What it says",
		findings(pages).map((each) => `- ${plain(each)}`).join("\n"),
		...accounts.length === 0 ? [] : ["## Where the time goes", ...accounts],
		`Each start is a row of ${code(COLDSTART_CSV)}.`,
		""
	].join("\n\n");
}
/** `logs/coldstart.md` */
function renderColdstartLog(pages) {
	return renderLogPage({
		title: `Cold starts: ${pages.run.scenario}`,
		run: pages.run,
		commands: [pages.command],
		keyNumbers: [table(HEADER$2, tableRows(pages.cells))],
		artifacts: [COLDSTART_CSV, COLDSTART_PAGE],
		observations: findings(pages)
	});
}
function findings({ cells, reading, emptied }) {
	const said = [];
	const cell = (variant) => cells.find((each) => each.variant === variant);
	for (const page of PAGE_CACHE_STATES) said.push(...gapSentences(`Compiling anew, with a ${page} page cache,`, cell(`fresh-${page}`), cell(`kept-${page}`), "warmupS"));
	for (const compile of COMPILE_CACHE_STATES) said.push(...gapSentences(`A cold page cache, with a ${compile} compile cache,`, cell(`${compile}-cold`), cell(`${compile}-warm`), "modelS"));
	said.push(...readingSentences(reading), ...dirtySentences(cells.flatMap(({ starts }) => starts)));
	if (cells.some(({ variant }) => variant.endsWith("-cold"))) said.push(`The page cache was emptied by ${emptied}.`);
	const shares = (state) => cells.filter(({ variant }) => variant.endsWith(`-${state}`)).flatMap(({ starts }) => starts.map(({ residentShare }) => residentShare ?? (state === "cold" ? 0 : 1)));
	const stayed = shares("cold").filter((share) => share > .05).length;
	if (stayed > 0) said.push(`In ${stayed} start${stayed === 1 ? "" : "s"} that ${stayed === 1 ? "was" : "were"} to be cold, more than 5 % of the weights still lay in the page cache: another process holds them, or the file system keeps no others.`);
	const left = shares("warm").filter((share) => share < .95);
	if (left.length > 0) said.push(`In ${left.length} start${left.length === 1 ? "" : "s"} that ${left.length === 1 ? "was" : "were"} to be warm, as little as ${percent$5(Math.min(...left))} of the weights lay in the page cache, although they had just been read: the kernel takes pages back, for want of memory or by a limit of the container.`);
	if (cells.some(({ variant }) => variant.startsWith("fresh"))) said.push("A fresh compile cache is an empty VLLM_CACHE_ROOT; what other libraries keep elsewhere (Triton's ~/.triton, FlashInfer) stays.");
	return said;
}
/** What one state costs against the other, in all and in the part of the start that it is about. */
function gapSentences(what, costly, other, part) {
	const gap = differenceOf(costly?.spread.readyS ?? null, other?.spread.readyS ?? null);
	if (gap === null) return [];
	const parts = TERMS.flatMap(([key, name]) => {
		const change = differenceOf(costly?.spread[key] ?? null, other?.spread[key] ?? null)?.change ?? null;
		return change === null ? [] : [{
			key,
			name,
			change
		}];
	});
	const own = parts.find(({ key }) => key === part);
	const inParts = parts.filter((each) => each === own || Math.abs(each.change) > Math.max(.1, Math.abs(own?.change ?? 0))).sort((a, b) => Number(b === own) - Number(a === own)).map(({ name, change }) => `; ${name} ${secondsText(change)}`);
	return [`${what} moves the time to ready by ${secondsText(gap.change)} (${apartText(gap)})${inParts.join("")}.`];
}
const TERMS = [
	["processesS", "processes and imports"],
	["modelS", "load_weights"],
	["warmupS", "runtime_warmup"]
];
function secondsText(value) {
	return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)} s`;
}
function readingSentences(reading) {
	if (reading === null) return ["The weights are not on this machine as files, so reading them alone was not measured."];
	const speed = (name, timed) => timed === null ? [] : [`${name} ${timed.gbPerS.toFixed(2)} GB/s`];
	const speeds = [...speed("cold", reading.cold), ...speed("warm", reading.warm)];
	return speeds.length === 0 ? [] : [`Reading the weights alone (${reading.files} file${reading.files === 1 ? "" : "s"}, ${Math.round(reading.sizeMib)} MiB, one after the other): ${speeds.join(", ")}.`];
}

// src/studies/coldstart.ts
const READING = "weights_read.json";
/** Compile caches of the study, in its run folder while it runs. */
const CACHES = "compile-cache";
/** The start of a server again and again: what a cold page cache and a fresh compile cache cost. */
const COLDSTART_STUDY = {
	name: "coldstart",
	description: "time to ready and to the first token, page cache cold or warm, compile cache fresh or kept",
	addOptions: (command) => command.option("--restarts <n>", "starts of each kind", whole$1(1, 50), 3).option("--page-cache <states>", "weights before a start: cold, warm", listOf(PAGE_CACHE_STATES)).option("--compile-cache <states>", "what was compiled: fresh, kept", listOf(COMPILE_CACHE_STATES)).option("--drop-caches", "for cold, empty the machine's whole page cache, as root; else the weights alone").option("--warm-requests <n>", "warm requests after each first one", whole$1(2, 1e3), 10),
	readOptions: (given) => ({
		restarts: given["restarts"],
		pageCache: given["pageCache"] ?? [...PAGE_CACHE_STATES],
		compileCache: given["compileCache"] ?? [...COMPILE_CACHE_STATES],
		dropCaches: given["dropCaches"] === true,
		warmRequests: given["warmRequests"]
	}),
	plan,
	report: report$1
};
async function plan(options, config, files, world) {
	const server = launchedServer(config, "coldstart");
	if (options.dropCaches) needsRoot("--drop-caches", "it empties the page cache of the whole machine");
	const weights = await weightsOf(server, world);
	if (weights.length === 0 && options.pageCache.includes("cold") && !options.dropCaches) throw new UsageError(`--page-cache: the weights of ${server.model} are no files on this machine, so they cannot be made cold: download them (hf download ${server.model}), or give --page-cache warm`);
	const names = options.compileCache.flatMap((compile) => options.pageCache.map((page) => variantName(compile, page)));
	const ttft = {
		cold: true,
		warmRequests: options.warmRequests,
		promptTokens: 256,
		outputTokens: 64
	};
	return {
		variants: Object.fromEntries(names.map((name) => [name, server])),
		order: startOrder(names, options.restarts),
		rounds: 1,
		cells: [warmCell(ttft)],
		cold: (target) => coldCase(target, ttft),
		prepare: async (place) => {
			if (await files.read(READING) === null) {
				world.log.step("reading the weights alone, cold and warm");
				const reading = await readWeightsAlone(weights, options.dropCaches);
				await files.write(READING, `${JSON.stringify({
					schemaVersion: 1,
					reading
				}, null, 1)}\n`);
			}
			const { compile, page } = statesOf(place.variant);
			await setPageCache(page, weights, options.dropCaches);
			const cache = await compileCache(place, compile, options);
			return {
				server: cache === null ? server : {
					...server,
					env: {
						...server.env,
						VLLM_CACHE_ROOT: cache
					}
				},
				undo: async () => {
					if (cache !== null && cache !== keptFolder(place)) await rm(cache, {
						recursive: true,
						force: true
					});
				}
			};
		},
		finish: (runDir) => rm(join(runDir, CACHES), {
			recursive: true,
			force: true
		}),
		spare: spareLastPass(names.length),
		sessionName: startName
	};
}
function variantName(compile, page) {
	return `${compile}-${page}`;
}
function startName(variant) {
	const { compile, page } = statesOf(variant);
	return `a start with weights ${page} and the compile cache ${compile}`;
}
function statesOf(variant) {
	const [compile, page] = variant.split("-");
	return {
		compile,
		page
	};
}
/**
* Each kind once in every pass, the passes forwards and backwards, so that what drifts meets all alike. The first is
* `fresh`: what it compiles is what is kept.
*/
function startOrder(names, restarts) {
	const fresh = [...names].sort((a, b) => Number(b.startsWith("fresh")) - Number(a.startsWith("fresh")));
	return Array.from({ length: restarts }, (_, pass) => pass % 2 === 0 ? fresh : fresh.toReversed()).flat();
}
function keptFolder({ runDir }) {
	return join(runDir, CACHES, "kept");
}
/**
* The compile cache of a start. Kept ones share the folder that the first start filled; where none is fresh the
* machine's own is used as it is.
*/
async function compileCache(place, compile, { compileCache: states }) {
	if (!states.includes("fresh")) return null;
	const isFirst = await stat(keptFolder(place)).catch(() => null) === null;
	const folder = compile === "kept" || isFirst && states.includes("kept") ? keptFolder(place) : join(place.runDir, CACHES, `fresh-${place.index}`);
	await makeFolder(folder);
	return folder;
}
function warmCell(options) {
	return {
		name: "ttft.warm",
		value: 1,
		concurrency: 1,
		work: {
			requests: options.warmRequests,
			concurrency: 1,
			promptTokens: options.promptTokens,
			outputTokens: options.outputTokens
		},
		plan: async (target) => [warmCase(target, options)]
	};
}
async function report$1(study) {
	const { options, run, traces, measurements, command, files } = study;
	const cells = startCells(run, traces, measurements);
	const pages = {
		run,
		cells,
		reading: readingOf(await files.read(READING)),
		command,
		emptied: options.dropCaches ? "/proc/sys/vm/drop_caches: programs and libraries were cold too" : "posix_fadvise, the weight files alone"
	};
	return {
		files: [{
			name: COLDSTART_CSV,
			text: coldstartCsv(cells)
		}, {
			name: COLDSTART_PAGE,
			text: renderColdstartLog(pages)
		}],
		report: renderColdstart(pages),
		summary: coldstartSummary(pages)
	};
}
function readingOf(text) {
	return text === null ? null : JSON.parse(text).reading;
}

// src/measure/kv-study.ts
/** Share of the cache that is left free: what prompts and answers that are longer than expected take. */
const HEADROOM = .1;
/** A length that people ask for by name, whatever was measured. */
const USUAL_LENGTH = 4096;
/** The tables of a `--max-model-len` sweep, whose variants are named by their lengths. */
function analyseKvStudy({ run, traces, lengths, wantConcurrency }) {
	const results = groupTraces(run.sessions, traces).flatMap((group) => [...group.rounds.keys()].flatMap((round) => {
		const fill = readKvFill(group, round);
		return fill === null ? [] : [{
			variant: group.record.variant,
			fill
		}];
	}));
	const fills = results.flatMap(({ fill }) => "absent" in fill ? [] : [fill]);
	const rows = addDeltas(lengths.map((length) => rowOf$2(run, length, fills)));
	const ok = run.sessions.filter((session) => session.outcome === "ok");
	const model = ok.flatMap((session) => session.model ?? []).at(0) ?? null;
	const measured = present(rows.map((row) => row.bytesPerToken));
	const uniform = rows.every((row) => row.uniform !== false);
	const bytesPerToken = measured.length > 0 ? median(measured) : uniform ? model?.kvBytesPerToken ?? null : null;
	const capacities = ok.map(kvCapacity);
	const smallest = capacities.filter((each) => each.blocks !== null && each.blockSize !== null).sort((a, b) => a.blocks - b.blocks)[0];
	const context = model?.contextTokens ?? null;
	const fit = {
		wantConcurrency,
		capacity: uniform ? smallest : void 0
	};
	const cacheSafeLength = longestFor(fit, .9);
	return {
		rows,
		fills,
		fillProblems: [...new Set(results.flatMap(({ variant, fill }) => "absent" in fill ? [`${variant}: bytes per token not measured: ${fill.absent}`] : []))],
		model,
		wantConcurrency,
		headroom: HEADROOM,
		bytesPerToken,
		bytesSource: measured.length > 0 ? "measured" : bytesPerToken === null ? null : "formula",
		gpuMibPerToken: slopeOf(rows),
		gpuSpread: spread(rows.map((row) => row.gpuMemUsedMib)),
		availableSpread: spread(rows.map((row) => row.availableGib)),
		tokensSpread: spread(rows.map((row) => row.kvTokens)),
		safeLength: context === null || cacheSafeLength === null ? null : Math.min(cacheSafeLength, context),
		cacheSafeLength,
		cacheLength: longestFor(fit, 1),
		safeMeasured: cacheSafeLength === null ? null : rows.filter((row) => row.measured && row.maxModelLen <= cacheSafeLength).map((row) => row.maxModelLen).at(-1) ?? null,
		envelope: envelopeOf(rows, capacities, fit.capacity, bytesPerToken),
		doubling: doublingOf(rows, fit.capacity, bytesPerToken, wantConcurrency),
		memorySet: capacities.some((each) => each.memoryBytes !== null && each.memoryErrorBytes === 0),
		uniform
	};
}
function present(values) {
	return values.filter((value) => value !== null);
}
function rowOf$2({ sessions, study }, length, fills) {
	const variant = String(length);
	const own = sessions.filter((session) => session.variant === variant);
	const session = own.find(({ outcome }) => outcome === "ok");
	if (session === void 0) {
		const last = own.at(-1);
		const dropped = study?.dropped.find((each) => each.variant === variant);
		const why = last === void 0 ? dropped?.reason ?? "not measured" : `did not start: ${last.cause ?? last.outcome}`;
		return {
			...EMPTY_ROW,
			maxModelLen: length,
			notes: [why]
		};
	}
	const capacity = kvCapacity(session);
	const fill = fills.find((each) => each.variant === variant && each.session === session.index);
	const served = session.maxModelLen ?? null;
	return {
		maxModelLen: length,
		gpuMemUsedMib: session.gpuMemory?.readyMib ?? null,
		deltaMib: null,
		bytesPerTokenEst: null,
		kvTokens: capacity.tokens,
		blocks: capacity.blocks,
		blockSize: capacity.blockSize,
		maxConcurrency: capacity.maxConcurrency,
		availableGib: capacity.memoryBytes === null ? null : capacity.memoryBytes / GIB,
		readyS: session.readyS ?? null,
		bytesPerToken: fill?.bytesPerToken ?? null,
		stepTokens: fill?.stepTokens ?? null,
		uniform: capacity.uniform,
		measured: true,
		notes: [
			...session.gpuMemory == null ? ["GPU memory not measured"] : [],
			...served === null || served === length ? [] : [`served with ${served} tokens`],
			...capacity.uniform === false ? ["kv_tokens hold for this length only: layers keep different amounts"] : [],
			...fill?.bytesProblem == null ? [] : [fill.bytesProblem]
		]
	};
}
const EMPTY_ROW = {
	gpuMemUsedMib: null,
	deltaMib: null,
	bytesPerTokenEst: null,
	kvTokens: null,
	blocks: null,
	blockSize: null,
	maxConcurrency: null,
	availableGib: null,
	readyS: null,
	bytesPerToken: null,
	stepTokens: null,
	uniform: null,
	measured: false
};
/** The seed's columns that compare a row with the one before it, whatever that was. */
function addDeltas(rows) {
	return rows.map((row, index) => {
		const before = rows[index - 1];
		if (before === void 0 || row.gpuMemUsedMib === null || before.gpuMemUsedMib === null) return row;
		const deltaMib = row.gpuMemUsedMib - before.gpuMemUsedMib;
		const deltaTokens = row.maxModelLen - before.maxModelLen;
		return {
			...row,
			deltaMib,
			bytesPerTokenEst: Math.trunc(deltaMib * 2 ** 20 / Math.max(1, deltaTokens))
		};
	});
}
function slopeOf(rows) {
	const points = rows.flatMap(({ maxModelLen, gpuMemUsedMib }) => gpuMemUsedMib === null ? [] : [[maxModelLen, gpuMemUsedMib]]);
	return points.length < 2 ? null : theilSenLine(points).slope;
}
/** (largest − smallest) / middle; null with fewer than two values. */
function spread(given) {
	const values = present(given);
	return values.length < 2 || median(values) === 0 ? null : (max(values) - min(values)) / median(values);
}
/** The longest context, in whole blocks, of which the wanted number fits in a share of the cache. */
function longestFor({ wantConcurrency, capacity }, share) {
	if (capacity?.blocks == null || capacity.blockSize === null) return null;
	return Math.floor(usable(capacity.blocks) * share / wantConcurrency) * capacity.blockSize;
}
/** One block is vLLM's null block. */
function usable(blocks) {
	return blocks - 1;
}
function fitting({ blocks, blockSize }, contextTokens, share) {
	if (blocks === null || blockSize === null) return 0;
	return Math.floor(usable(blocks) * share / Math.ceil(contextTokens / blockSize));
}
function envelopeOf(rows, capacities, capacity, bytesPerToken) {
	const gibOf = (tokens) => bytesPerToken === null ? null : tokens * bytesPerToken / GIB;
	if (capacity === void 0) return capacities.flatMap(({ maxConcurrency, maxModelLen }) => maxConcurrency === null || maxModelLen === null ? [] : [{
		contextTokens: maxModelLen,
		fitting: Math.floor(maxConcurrency),
		safe: Math.floor(maxConcurrency * .9),
		gib: null,
		reported: true
	}]);
	const longest = Math.max(...rows.map((row) => row.maxModelLen));
	const all = [
		...rows.map((row) => row.maxModelLen),
		USUAL_LENGTH,
		longest * 2
	];
	return [...new Set(all)].sort((a, b) => a - b).map((contextTokens) => ({
		contextTokens,
		fitting: fitting(capacity, contextTokens, 1),
		safe: fitting(capacity, contextTokens, .9),
		gib: gibOf(contextTokens),
		reported: false
	}));
}
function doublingOf(rows, capacity, bytesPerToken, wantConcurrency) {
	if (capacity === void 0) return [];
	return rows.map(({ maxModelLen }) => ({
		contextTokens: maxModelLen,
		moreGib: bytesPerToken === null ? null : maxModelLen * wantConcurrency * bytesPerToken / GIB,
		fittingNow: fitting(capacity, maxModelLen, 1),
		fittingThen: fitting(capacity, maxModelLen * 2, 1),
		safeThen: fitting(capacity, maxModelLen * 2, .9)
	}));
}

// src/report/kv-csv.ts
/** The seed's columns in its order, then ours. */
const HEADER$1 = [
	"max_model_len",
	"gpu_mem_used_mb",
	"delta_mb_from_prev",
	"bytes_per_token_est",
	"notes",
	"kv_tokens",
	"blocks",
	"block_size",
	"max_concurrency",
	"available_gib",
	"ready_s",
	"bytes_per_token_measured",
	"step_tokens"
];
/** `csv/kv_cache_scaling.csv`; memory is nvidia-smi's MiB, which the seed's names call mb. */
function renderKvCsv(rows) {
	return csv(HEADER$1, rows.map((row) => [
		row.maxModelLen,
		row.gpuMemUsedMib,
		row.deltaMib,
		row.bytesPerTokenEst,
		row.notes.join("; "),
		row.kvTokens,
		row.blocks,
		row.blockSize,
		rounded(row.maxConcurrency, 3),
		rounded(row.availableGib, 4),
		rounded(row.readyS, 2),
		rounded(row.bytesPerToken, 1),
		row.stepTokens
	]));
}

// src/report/kv-curve.ts
const percent$4 = (share) => `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
const bytes = (value) => `${formatNumber(Math.round(value))} B`;
/** Differences below this are rounding and the driver's own. */
const NO_CHANGE = .01;
/** Whether memory grows with the length, and with the context, and in which steps. */
function shapeSection(study) {
	return [plain(lengthSentence(study)), plain(contextSentence(study))];
}
/** What `--max-model-len` does to the memory in use: with a fixed share of the GPU, next to nothing. */
function lengthSentence({ rows, gpuSpread, gpuMibPerToken, availableSpread, tokensSpread, memorySet }) {
	const measured = rows.filter((row) => row.measured);
	const [first, last] = [measured[0], measured.at(-1)];
	if (first === void 0 || last === void 0 || first === last) return "One length alone shows no curve over --max-model-len.";
	const range = `from ${first.maxModelLen} to ${last.maxModelLen}`;
	const cache = availableSpread === null ? tokensSpread === null ? "The server did not tell its KV memory." : `The cache's tokens differ by ${percent$4(tokensSpread)}.` : `The KV cache got ${first.availableGib?.toFixed(2)} GiB at the shortest and ${last.availableGib?.toFixed(2)} GiB at the longest (${percent$4(availableSpread)} apart).`;
	const why = memorySet ? "The KV memory was set, so it is the same for every --max-model-len, and the memory in use is no measure of what a token costs." : "vLLM fills what --gpu-memory-utilization allows with KV blocks, whatever --max-model-len is, so the memory in use is no measure of what a token costs.";
	if (gpuSpread === null || gpuMibPerToken === null) return `Whether memory in use grows with --max-model-len was not measured: no GPU memory was read. Over lengths ${range}: ${cache} ${why}`;
	const used = `memory in use goes from ${formatNumber(first.gpuMemUsedMib ?? 0)} to ${formatNumber(last.gpuMemUsedMib ?? 0)} MiB`;
	if (gpuSpread <= NO_CHANGE) return `Over --max-model-len neither linear nor in steps: ${range} ${used}, ${percent$4(gpuSpread)} apart, a slope of ${bytes(gpuMibPerToken * 2 ** 20)} per token of --max-model-len. ${cache} ${why}`;
	return `Over --max-model-len ${used} ${range}, ${percent$4(gpuSpread)} apart, a slope of ${bytes(gpuMibPerToken * 2 ** 20)} per token of --max-model-len. ${cache} ${why} What moves it is the room for activations and graphs, or another process.`;
}
/** What a growing context does to the cache's use. */
function contextSentence({ fills, uniform }) {
	const fill = fills.at(-1);
	if (fill === void 0) return "How the cache's use grows with a context was not measured.";
	const over = `from ${formatNumber(fill.fromTokens)} to ${formatNumber(fill.toTokens)} tokens (${fill.readings} readings)`;
	if (fill.stepTokens !== null) {
		const exactly = fill.explained === 1 ? "every reading fits" : `${percent$4(fill.explained)} of the readings fit`;
		return `Over the context, on one running server, the cache's use is linear in steps: one block for every ${fill.stepTokens} tokens, ${over}; ${exactly} a whole number of such blocks${fixedText(fill)}.`;
	}
	if (fill.linear) return `Over the context the cache's use is linear, within ${fill.deviationBlocks.toFixed(1)} blocks of one line, ${over}; no step of one size explains it.`;
	const why = uniform ? "" : ", as expected where layers keep different amounts";
	return `Over the context the cache's use is not linear: readings are up to ${fill.deviationBlocks.toFixed(1)} blocks off one line, ${over}${why}.`;
}
function fixedText({ fixedBlocks }) {
	return fixedBlocks <= 0 ? "" : `, beside ${fixedBlocks} that each request holds at any of these lengths (windows, recurrent state)`;
}
/** Bytes per token: measured, by the formula, and by what nvidia-smi shows. */
function bytesSection(study) {
	return bytesSentences(study).map((each) => `- ${plain(each)}`).join("\n").split("\n\n");
}
/** The sentences of {@link bytesSection} as plain text. */
function bytesSentences(study) {
	const { rows, bytesPerToken, bytesSource, model, fills, fillProblems } = study;
	const measured = bytesSource === "measured" ? bytesPerToken : null;
	const [problem] = [...fills.flatMap((fill) => fill.bytesProblem ?? []), ...fillProblems];
	const estimates = rows.flatMap((row) => row.bytesPerTokenEst ?? []);
	const formula = model?.kvBytesPerToken ?? null;
	return [
		measured === null ? `Measured by filling the cache: none${problem === void 0 ? "" : ` (${problem})`}.` : `Measured by filling the cache: ${bytes(measured)} for each token on each device; a request of 4,096 tokens takes ${formatNumber(measured * 4096 / 2 ** 20)} MiB.`,
		model === null ? "By the formula: none, the model's config.json is not on this machine." : formula === null ? `By the formula: none (${model.kvTerms}).` : `By the formula: ${model.kvTerms} = ${bytes(formula)}${measured === null ? "" : comparison(measured / formula, model.kvLayout)}.`,
		estimates.length === 0 ? "By used memory over --max-model-len: none, GPU memory was not measured at two lengths." : `By used memory over --max-model-len (change of the one / change of the other): ${estimates.map(bytes).join(", ")}. This says how the memory beside the cache moved, not what a token takes.`
	];
}
function comparison(ratio, layout) {
	const off = Math.abs(ratio - 1);
	if (off <= NO_CHANGE) return `; the measurement agrees within ${percent$4(Math.max(off, 1e-4))}`;
	const said = `; measured is ${percent$4(off)} ${ratio > 1 ? "more" : "less"}`;
	if (layout === "full" || layout === "mla") return `${said}: padding, an unusual cache layout, or blocks that are not where the memory is`;
	return `${said}, since the formula does not hold for this layout (${layout})`;
}

// src/report/kv-alerts.ts
const percent$3 = (share) => `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
const tokens$1 = (count) => `${formatNumber(count)} tokens`;
/** A cache this full is at its end, however small a request is. */
const ALMOST_FULL = .95;
/**
* Bounds of the cache's use: what the safe length plans for is no reason to act, and beyond it one more request must
* still find room.
*/
function usageAlert({ rows, headroom }) {
	const longest = rows.filter((row) => row.measured && row.blocks !== null && row.blockSize !== null).at(-1);
	const share = longest?.blocks == null || longest.blockSize === null ? 0 : Math.ceil(longest.maxModelLen / longest.blockSize) / (longest.blocks - 1);
	const warn = 1 - headroom;
	const act = Math.min(ALMOST_FULL, 1 - share);
	const planned = `what is called safe above fills up to ${percent$3(warn)}`;
	if (act <= warn) return {
		warn,
		text: `act at ${percent$3(warn)}: ${planned}`
	};
	const because = longest === void 0 || act === ALMOST_FULL ? planned : `${planned}, and one more request of ${tokens$1(longest.maxModelLen)} takes ${percent$3(share)} of it`;
	return {
		warn,
		text: `warn at ${percent$3(warn)} for 5 minutes, act at ${percent$3(act)}: ${because}`
	};
}
/** What to alert on, as a list. */
function alertSection(study) {
	const { envelope, model } = study;
	const { warn, text } = usageAlert(study);
	return [[
		`- \`vllm:kv_cache_usage_perc\` (\`gpu_cache_usage_perc\` before vLLM 0.9): ${text}.`,
		"- `vllm:num_preemptions_total`: any steady increase means that requests lose their blocks and are computed again.",
		`- \`vllm:num_requests_waiting\` above 0 while the cache is fuller than ${percent$3(warn)}: requests wait for memory, not for compute.`,
		...envelope.length > 0 && model?.contextTokens != null ? [`- Prompts near ${tokens$1(model.contextTokens)}: the model takes no longer ones, whatever the cache holds.`] : []
	].join("\n")];
}

// src/report/kv-table.ts
const COLUMNS = [
	"max_model_len",
	"GPU used (MiB)",
	"delta (MiB)",
	"KV available (GiB)",
	"KV tokens",
	"blocks",
	"block size",
	"max concurrency",
	"bytes per token",
	"ready (s)",
	"notes"
];
const cell = (value) => value === null ? "–" : formatNumber(value);
/** The cells of the sweep's table, a row for each length. */
function kvCells({ rows }) {
	return rows.map((row) => [
		String(row.maxModelLen),
		cell(row.gpuMemUsedMib),
		cell(row.deltaMib),
		row.availableGib === null ? "–" : row.availableGib.toFixed(2),
		cell(row.kvTokens),
		cell(row.blocks),
		cell(row.blockSize),
		row.maxConcurrency === null ? "–" : `${formatNumber(row.maxConcurrency)}×`,
		cell(row.bytesPerToken === null ? null : Math.round(row.bytesPerToken)),
		row.readyS === null ? "–" : row.readyS.toFixed(1),
		row.notes.join("; ")
	]);
}
/** Names of the columns of {@link kvCells}. */
const KV_COLUMNS = COLUMNS;
/** The sweep as a Markdown table. */
function kvTable(study) {
	const align = COLUMNS.map((_, index) => index === COLUMNS.length - 1 ? "l" : "r");
	return table(COLUMNS, kvCells(study).map((row) => row.map(plain)), align);
}

// src/report/kv-notes.ts
const percent$2 = (share) => `${formatNumber(Number((share * 100).toPrecision(3)))} %`;
const tokens = (count) => `${formatNumber(count)} tokens`;
const gib = (value) => value === null ? "–" : value < .01 ? value.toFixed(4) : value.toFixed(2);
/** Types of the cache that a smaller one would halve. */
const SIXTEEN_BIT = /* @__PURE__ */ new Set([
	"auto",
	"bfloat16",
	"float16",
	"half"
]);
/** `logs/kv_cache_scaling_notes.md`: the questions of the seed, answered from the numbers. */
function renderKvNotes(run, study) {
	const text = [
		["Configuration", [environmentLines(run).join("\n")]],
		["Measurements", [kvTable(study), ...study.fillProblems.map((each) => `- ${plain(each)}`)]],
		["Is it roughly linear? Are there step changes?", shapeSection(study)],
		["Bytes per KV token", bytesSection(study)],
		["Which max-model-len is safe?", safeSection(study)],
		["Headroom envelope", envelopeSection(study)],
		["What if the context is doubled?", doublingSection(run, study)],
		["For latency, and for throughput", servingSection(study)],
		["What to alert on", alertSection(study)],
		["Traps", trapSection(study)]
	].map(([title, body]) => `## ${title}\n\n${body.join("\n\n")}`);
	return `# KV cache scaling: ${plain(run.scenario)}\n\n${text.join("\n\n")}\n`;
}
/** The sentence for a terminal and a log page: which length is safe. */
function safeSentence({ safeLength, cacheSafeLength, cacheLength, safeMeasured, wantConcurrency, headroom, model, uniform }) {
	if (!uniform) return "This model's layers keep different amounts, so a length that was not measured cannot be computed: take the longest measured one whose maximum concurrency is enough.";
	if (cacheSafeLength === null || cacheLength === null) return "The server told neither blocks nor block size, so no length can be called safe.";
	if (cacheSafeLength <= 0) return `${wantConcurrency} requests at once do not fit with any length: the cache has too few blocks.`;
	const load = `For ${wantConcurrency} requests of full length at once, with ${percent$2(headroom)} of the cache left free,`;
	const context = model?.contextTokens ?? null;
	if (safeLength === null || context === null) return `${load} the largest safe --max-model-len is unknown: the model's own context is not known here (its config.json was not found, or does not say). The cache alone would hold ${cacheSafeLength} tokens each, ${cacheLength} with nothing left. ${safeMeasured === null ? "None of the measured lengths fits." : `Of the measured lengths, which the server took, ${safeMeasured} is the largest that fits.`}`;
	return `${load} the largest safe --max-model-len is ${safeLength}${context === safeLength ? ", which is the model's own context: the cache is not what limits it" : `; up to ${Math.min(cacheLength, context)} they fit with nothing left`}.`;
}
function safeSection(study) {
	const failed = study.rows.filter((row) => !row.measured).map((row) => `${row.maxModelLen} (${row.notes.join("; ")})`);
	return [
		plain(safeSentence(study)),
		"vLLM takes blocks as a request grows and none for its limit: `--max-model-len` decides how long a request may become, and so how many are sure to fit, not how much memory is set aside for each.",
		...failed.length === 0 ? [] : [`Not measured: ${plain(failed.join(", "))}.`]
	];
}
function envelopeSection({ envelope, headroom, uniform, wantConcurrency }) {
	if (envelope.length === 0) return ["The server told neither its blocks nor its maximum concurrency."];
	const rows = envelope.map((row) => [
		formatNumber(row.contextTokens),
		formatNumber(row.fitting),
		formatNumber(row.safe),
		gib(row.gib),
		fitText$1(wantConcurrency, row.fitting, row.safe)
	]);
	const usual = envelope.find((row) => row.contextTokens === 4096);
	return [
		...usual === void 0 ? [] : [`For about ${wantConcurrency} requests of 4K at once: \`--max-model-len 4096\` holds ${formatNumber(usual.fitting)} of them, ${formatNumber(usual.safe)} with headroom. A larger limit takes no memory from them until a request uses it.`],
		`How many requests fit at once by the length that they reach, prompt and answer together${uniform ? "" : " (the server's own numbers)"}:`,
		table([
			"context (tokens)",
			"fit at once",
			`with ${percent$2(headroom)} free`,
			"GiB each",
			`${wantConcurrency} at once`
		], rows, [
			"r",
			"r",
			"r",
			"r",
			"l"
		])
	];
}
/** Whether a wanted number fits, of those that do, and of those that leave the headroom. */
function fitText$1(wanted, fitting, safe) {
	if (fitting < wanted) return "does not fit";
	return safe < wanted ? "fits, no headroom" : "fits";
}
function doublingSection({ variants }, { doubling, wantConcurrency, uniform, model }) {
	if (doubling.length === 0) return [uniform ? "The server told neither blocks nor block size." : "Not computed: this model's layers keep different amounts."];
	const rows = doubling.map((row) => {
		const lost = row.fittingNow - row.fittingThen;
		return [
			`${formatNumber(row.contextTokens)} → ${formatNumber(row.contextTokens * 2)}`,
			gib(row.moreGib),
			formatNumber(row.fittingNow),
			formatNumber(row.fittingThen),
			row.fittingNow === 0 ? "–" : `${formatNumber(lost)} (${percent$2(lost / row.fittingNow)})`,
			fitText$1(wantConcurrency, row.fittingThen, row.safeThen)
		];
	});
	const smallerType = Object.values(variants).map(({ args }) => flagValue(args, "--kv-cache-dtype")).every((type) => type === null || SIXTEEN_BIT.has(type)) ? "`--kv-cache-dtype fp8` halves the bytes per token of a 16-bit cache, a" : "The cache has a smaller type already; a";
	const context = model?.contextTokens ?? null;
	const beyond = doubling.filter((row) => context !== null && row.contextTokens * 2 > context);
	return [
		`With ${wantConcurrency} requests at once that use the whole length:`,
		table([
			"context (tokens)",
			"more KV memory (GiB)",
			"fit now",
			"fit then",
			"concurrency lost",
			`${wantConcurrency} at once then`
		], rows, [
			"l",
			"r",
			"r",
			"r",
			"r",
			"l"
		]),
		...context === null || beyond.length === 0 ? [] : [`The model's own context is ${tokens(context)}: doubling ${beyond.map((row) => formatNumber(row.contextTokens)).join(", ")} needs another model or rope scaling.`],
		`The memory is there only if the cache has it free; where it has not, the concurrency is what is lost. ${smallerType} second GPU with tensor parallelism about doubles the cache.`
	];
}
function servingSection({ envelope, uniform, safeLength, safeMeasured }) {
	const shortest = envelope[0];
	const longest = envelope.filter((row) => row.contextTokens <= (safeLength ?? safeMeasured ?? 0)).at(-1);
	if (shortest === void 0 || longest === void 0 || !uniform) return ["Measure the lengths that you would serve: for this model none follows from another."];
	return [`- Latency first: the shortest length that covers your prompts and answers, and a \`--max-num-seqs\` well below what fits (at ${tokens(shortest.contextTokens)} that is ${formatNumber(shortest.safe)} with headroom). The cache then never preempts, and what bounds the concurrency is the p95 that \`vllm-gate study batching\` shows.
- Throughput first: as many requests as fit (${formatNumber(shortest.fitting)} of ${tokens(shortest.contextTokens)}, ${formatNumber(longest.fitting)} of ${tokens(longest.contextTokens)}), \`--max-num-seqs\` no lower than the knee of the batching curve; some preemption at the peak costs less than idle compute.`];
}
function trapSection({ rows, uniform, model }) {
	const sizes = [...new Set(rows.flatMap((row) => row.blockSize ?? []))];
	return [[
		"- Up to vLLM 0.20 the logged KV tokens are blocks × block size, from 0.22 on requests of full length that fit × their length, rounded to whole blocks of a request. `kv_tokens` here is blocks × block size wherever all layers keep the same, so it compares across versions and lengths.",
		uniform ? "- All layers of this model take the same blocks, by the server's own numbers." : "- This model's layers keep different amounts: its `kv_tokens` move with `--max-model-len` and with the version while the memory stays. Compare them at equal lengths and versions only; otherwise compare `available_gib`.",
		...sizes.length > 1 ? [`- The block size changed within the sweep (${sizes.join(", ")}).`] : [],
		...model !== null && model.kvLayout !== "full" ? [`- KV layout: ${plain(model.kvLayout)}. ${plain(model.kvTerms)}.`] : [],
		"- `--gpu-memory-utilization` is 0.9 by default up to vLLM 0.19 and 0.92 later, when CUDA graphs came to be counted: an upgrade alone changes the cache."
	].join("\n")];
}

// src/studies/kv.ts
const DEFAULT_LENGTHS = "512,1024,2048,4096";
const DEFAULT_CONCURRENCY = 8;
const MAX_LENGTHS = 50;
const FLAG = "--max-model-len";
/** vLLM's words for a length beyond the model's context. */
const REFUSED_LENGTH = /max_model_len \(\S{1,32}\) is greater than the derived max_model_len/;
const CSV = "csv/kv_cache_scaling.csv";
const NOTES = "logs/kv_cache_scaling_notes.md";
/** `vllm-gate study kv`: a server for each `--max-model-len`, and what its KV cache holds. */
const KV_STUDY = {
	name: "kv",
	description: "KV cache over --max-model-len: tokens, concurrency and memory, bytes per token, what fits",
	addOptions: (command) => command.option("--lens <tokens>", `values of ${FLAG}, separated by commas`, DEFAULT_LENGTHS).option("--want-concurrency <n>", "requests of full length that should fit at once", String(DEFAULT_CONCURRENCY)),
	readOptions: (given) => ({
		lengths: readLengths(String(given["lens"] ?? DEFAULT_LENGTHS)),
		wantConcurrency: readConcurrency(String(given["wantConcurrency"] ?? DEFAULT_CONCURRENCY))
	}),
	plan: async (options, config, _files, world) => {
		const { server } = config;
		if (server.kind === "attach") throw new UsageError(`study kv restarts the server with other values of ${FLAG}: ${server.url} is running already, give a model to start`);
		await checkContext(options.lengths, server, world);
		return {
			variants: Object.fromEntries(options.lengths.map((length) => [String(length), {
				...server,
				args: [
					...withoutFlag(server.args, FLAG),
					FLAG,
					String(length)
				]
			}])),
			order: options.lengths.map(String),
			rounds: 1,
			cells: [fillCell(config, Math.max(...options.lengths))],
			spare: (left) => spareLength(options.lengths, left),
			sessionName: (variant) => `${FLAG} ${variant}`
		};
	},
	isRefusal: (cause) => REFUSED_LENGTH.test(cause),
	report: async (measured) => {
		const { run, traces, options } = measured;
		return reportOf(measured, analyseKvStudy({
			run,
			traces,
			...options
		}));
	}
};
/**
* The length that a budget costs first: the smallest and the largest stay, since they span the curve, and of those
* between them the one that halves it last goes first.
*/
function spareLength(lengths, left) {
	const ranks = ranksOf(lengths.length);
	const rankOf = (variant) => ranks[lengths.indexOf(Number(variant))] ?? 0;
	const [least] = left.map((variant, place) => ({
		place,
		rank: rankOf(variant)
	})).filter(({ rank }) => rank > 1).sort((a, b) => b.rank - a.rank);
	return least === void 0 ? [] : [least.place];
}
function readLengths(text) {
	const lengths = text.split(",").map((part) => part.trim()).map((part) => {
		const value = tokenCount(part);
		if (value === null) throw new UsageError(`--lens: got "${part}", expected numbers of tokens such as ${DEFAULT_LENGTHS}`);
		return value;
	});
	const sorted = [...new Set(lengths)].sort((a, b) => a - b);
	if (sorted.length > MAX_LENGTHS) throw new UsageError(`--lens: got ${sorted.length} lengths, expected at most ${MAX_LENGTHS}`);
	return sorted;
}
function readConcurrency(text) {
	const value = Number(text);
	if (/^\d{1,6}$/.test(text) && value >= 1) return value;
	throw new UsageError(`--want-concurrency: got "${text}", expected a whole number of at least 1`);
}
/** Refuses lengths that the model cannot take, before any server is started. */
async function checkContext(lengths, server, { cwd, environment }) {
	const env = {
		...environment,
		...server.env
	};
	if (isOn(env["VLLM_ALLOW_LONG_MAX_MODEL_LEN"])) return;
	const shape = flagValue(server.args, "--hf-overrides", "--hf-config-path", "--config") !== null ? null : await findModelShape({
		cwd,
		model: server.model,
		args: server.args,
		env
	});
	const context = shape?.contextTokens ?? null;
	if (context === null) return;
	const beyond = lengths.filter((length) => length > context);
	if (beyond.length === 0) return;
	throw new UsageError(`--lens: ${beyond.join(", ")}: the model's context is ${context} tokens (${shape?.contextKey} of the config.json of ${server.model}), so vLLM refuses a longer ${FLAG}. Give lengths up to ${context}.`);
}
function isOn(value) {
	return value !== void 0 && /^(1|true)$/i.test(value);
}
/** Fills so much of a context at most: beyond it a line is a line. */
const MOST_CONTEXT = 8192;
/** Contexts as long as each server takes, so that every server shows its own steps. */
function fillCell(config, longest) {
	const options = {
		...config.probes.kv === false ? {
			steps: 6,
			outputTokens: 64
		} : config.probes.kv,
		contextTokens: Math.min(longest, MOST_CONTEXT)
	};
	const lengths = fillLengths(options, {
		maxModelLen: longest,
		kv: null
	});
	return {
		name: "kv.fill",
		value: 1,
		concurrency: 1,
		work: {
			requests: options.steps,
			concurrency: 1,
			promptTokens: Math.round((lengths.at(-1) ?? longest) / options.steps),
			outputTokens: options.outputTokens
		},
		plan: async (target, _round, tools) => [kvFillCase(target, {
			...options,
			contextTokens: Math.min(options.contextTokens, tools.maxModelLen ?? options.contextTokens)
		}, tools)]
	};
}
function reportOf({ run, options, command }, study) {
	const notes = renderKvNotes(run, study);
	const says = [
		lengthSentence(study),
		contextSentence(study),
		...bytesSentences(study),
		safeSentence(study),
		...study.rows.filter((row) => !row.measured).map((row) => `${FLAG} ${row.maxModelLen}: ${row.notes.join("; ")}.`)
	];
	const page = renderLogPage({
		title: `KV cache scaling over ${options.lengths.join(", ")} tokens`,
		run,
		commands: [command],
		keyNumbers: [kvTable(study)],
		artifacts: [
			CSV,
			NOTES,
			"report.md"
		],
		observations: says
	});
	const table = columns$1([KV_COLUMNS, ...kvCells(study)].map((row) => row.slice(0, -1)));
	const skipped = (run.study?.dropped ?? []).filter(({ variant }) => variant === void 0).map(({ cell, reason }) => `${cell}: ${reason}`);
	return {
		files: [
			{
				name: CSV,
				text: renderKvCsv(study.rows)
			},
			{
				name: NOTES,
				text: notes
			},
			{
				name: LOG_PAGE,
				text: page
			}
		],
		report: skipped.length === 0 ? notes : `${notes}\n${skipped.map((each) => `- ${plain(each)}`).join("\n")}\n`,
		summary: [
			...table,
			"",
			...says,
			...skipped
		].join("\n")
	};
}

// src/probe/prompt-set-text.ts
const NOUNS = "account order invoice ticket policy customer refund agent delivery contract region device warranty session report limit vendor payment approval record".split(" ");
const VERBS = "check confirm record refuse escalate summarise translate verify cancel extend".split(" ");
const WAYS = [
	"briefly",
	"in writing",
	"before anything else",
	"within a day",
	"without exception"
];
/** Deterministic choices: the same seed gives the same text on every machine. */
function chooser(seed) {
	let digest = createHash("sha256").update(seed).digest();
	let at = 0;
	return (from) => {
		if (at + 2 > digest.length) {
			digest = createHash("sha256").update(digest).digest();
			at = 0;
		}
		const index = digest.readUInt16BE(at) % from.length;
		at += 2;
		return from[index];
	};
}
const OPENINGS = {
	policy: "System: You are the assistant of a service desk. Follow every rule below.",
	tenant: "System: Workspace profile. Use this tenant's glossary, tone and permitted tools only.",
	conversation: "System: A conversation so far follows; answer its last message.",
	tools: "System: Call exactly one of these functions and answer with JSON alone.",
	rubric: "System: Grade the candidate's answer with this rubric. Reply with one number from 1 to 5.",
	document: "Document:"
};
/** One unit of a text: a rule, a definition, a turn, a function, a criterion, a sentence. */
function unit(kind, index, choose) {
	const [a, b, c] = [
		choose(NOUNS),
		choose(NOUNS),
		choose(NOUNS)
	];
	const [verb, other, way] = [
		choose(VERBS),
		choose(VERBS),
		choose(WAYS)
	];
	switch (kind) {
		case "policy": return ` Rule ${index + 1}: ${verb} the ${a} ${way}, then ${other} the ${b} of the ${c}.`;
		case "tenant": return ` The ${a} is called ${b}-${index + 1} here; ${verb} its ${c} ${way}.`;
		case "conversation": return `\nUser: please ${verb} the ${a}.\nAssistant: I will ${verb} the ${a} and ${other} the ${b}.`;
		case "tools": return `\n{"name":"${verb}_${a}_${index + 1}","parameters":{"type":"object","properties":{"${b}":{"type":"string"},"${c}":{"type":"integer"}},"required":["${b}"]}}`;
		case "rubric": return ` Criterion ${index + 1}: one point if the answer says how to ${verb} the ${a} and why to ${other} the ${b}.`;
		case "document": return ` The ${a} must ${verb} the ${b} ${way}; others ${other} the ${c}.`;
	}
}
/**
* A text of at least so many words. Its first words depend on the seed, so that texts of two seeds share no block of
* a prefix cache.
*/
function textOf(kind, seed, words) {
	const choose = chooser(`${kind}/${seed}`);
	let text = `[${createHash("sha256").update(`${kind}/${seed}`).digest("hex").slice(0, 10)}] ${OPENINGS[kind]}`;
	let count = 0;
	for (let index = 0; count < words; index += 1) {
		const next = unit(kind, index, choose);
		text += next;
		count += next.split(/\s+/).length;
	}
	return text;
}
/** A question for the end of a prompt; others are of another id. */
function questionOf(seed, words = 12) {
	const choose = chooser(`question/${seed}`);
	const parts = [];
	while (parts.length < words) parts.push(choose(VERBS), "the", choose(NOUNS));
	return `\nQ: How do I ${parts.slice(0, words).join(" ")}?\nA:`;
}
/** Texts that are tried before the nearest is taken. */
const MOST_TRIES = 40;
/** A word that is one token to nearly every tokenizer. */
const FILLER = " a";
/**
* The beginning of a text that is exactly so many tokens long; where the tokenizer has none of that length, the
* nearest one found. It is cut between words and filled up with short ones.
*
* @param text - at least as long as the target
* @throws RangeError when the text is too short
*/
async function fitText(text, target, count) {
	const ends = [...text.matchAll(/\S+/g)].map((match) => match.index + match[0].length);
	let best = null;
	let tries = 0;
	const measure = async (candidate) => {
		tries += 1;
		const tokens = await count(candidate);
		if (best === null || Math.abs(tokens - target) < Math.abs(best.tokens - target)) best = {
			text: candidate,
			tokens
		};
		return tokens;
	};
	const cut = (words) => text.slice(0, ends[words - 1] ?? 0);
	let low = 0;
	let high = ends.length + 1;
	let words = Math.min(ends.length, Math.max(1, Math.round(target / 1.5)));
	while (high - low > 1 && tries < MOST_TRIES) {
		const tokens = await measure(cut(words));
		if (tokens === target) return {
			text: cut(words),
			tokens
		};
		if (tokens < target) low = words;
		else high = words;
		const guess = Math.round(words * target / Math.max(1, tokens));
		words = Math.min(high - 1, Math.max(low + 1, guess));
	}
	if (low === ends.length) throw new RangeError(`a text of ${ends.length} words has less than the ${target} tokens that are wanted`);
	const short = cut(low);
	let fillers = target - await measure(short);
	const tried = /* @__PURE__ */ new Set();
	while (fillers > 0 && !tried.has(fillers) && tries < MOST_TRIES) {
		tried.add(fillers);
		fillers += target - await measure(short + FILLER.repeat(fillers));
	}
	return best;
}

// src/probe/prompt-set.ts
/** Prompts that follow one version of a prefix before it is edited. */
const EDIT_EVERY = 4;
/** Of ten requests of four tenants, seven are the hot one's. */
const TENANT_OF = [
	0,
	0,
	1,
	0,
	0,
	2,
	0,
	0,
	3,
	0
];
/** Distinct prefixes for a cache that is to overflow, at most: sending them must not take the whole afternoon. */
const MOST_PREFIXES = 256;
/** How much more than the cache holds is asked of it. */
const OVERFLOW = 1.5;
const range$1 = (count) => Array.from({ length: count }, (_, index) => index);
/** Workloads by the names that `--workloads` takes: the seed's patterns, then its anti-patterns. */
const WORKLOADS = {
	policy: {
		title: "one policy preamble before every request",
		text: "policy",
		suffixWords: 12,
		primed: "all",
		prefixes: ({ variants }) => range$1(variants).map(() => 0)
	},
	tenant: {
		title: "four tenants with a preamble each, one of them hot",
		text: "tenant",
		suffixWords: 12,
		primed: "all",
		prefixes: ({ variants }) => range$1(variants).map((index) => TENANT_OF[index % TENANT_OF.length])
	},
	session: {
		title: "conversations that grow turn by turn on a trunk of their own",
		text: "conversation",
		suffixWords: 24,
		primed: "all",
		turns: true,
		prefixes: ({ variants, maxConcurrency }) => {
			const turns = Math.max(2, Math.ceil(variants / maxConcurrency));
			return range$1(turns).flatMap(() => range$1(maxConcurrency));
		}
	},
	tools: {
		title: "a schema of tools before every request",
		text: "tools",
		suffixWords: 10,
		primed: "all",
		prefixes: ({ variants }) => range$1(variants).map(() => 0)
	},
	grader: {
		title: "one rubric before every answer that is graded",
		text: "rubric",
		suffixWords: 150,
		primed: "all",
		prefixes: ({ variants }) => range$1(variants).map(() => 0)
	},
	short: {
		title: "a prefix of 256 tokens before a long request of its own",
		text: "policy",
		suffixWords: 400,
		primed: "all",
		regime: 256,
		prefixes: ({ variants }) => range$1(variants).map(() => 0)
	},
	churn: {
		title: `a preamble that is edited every ${EDIT_EVERY} requests`,
		text: "policy",
		suffixWords: 12,
		primed: "first",
		prefixes: ({ variants }) => range$1(variants).map((index) => Math.floor(index / EDIT_EVERY))
	},
	unique: {
		title: "a long document of its own before every question",
		text: "document",
		suffixWords: 12,
		primed: "none",
		prefixes: ({ variants }) => range$1(variants)
	},
	thrash: {
		title: "more distinct prefixes than the cache holds, in turn",
		text: "tenant",
		suffixWords: 12,
		primed: "all",
		prefixes: ({ regime, capacityTokens }) => range$1(prefixesToOverflow(regime, capacityTokens).sent)
	}
};
/** How many prefixes of a length overflow a cache, and how many are sent. */
function prefixesToOverflow(regime, capacityTokens) {
	const needed = capacityTokens === null ? null : Math.ceil(OVERFLOW * capacityTokens / regime);
	return {
		needed,
		sent: Math.min(MOST_PREFIXES, needed ?? MOST_PREFIXES)
	};
}
/** SHA-256 of a text in UTF-8. */
function textSha256(text) {
	return createHash("sha256").update(text, "utf8").digest("hex");
}
/** The token ids of a text by the server. */
async function idsOf(tools, text) {
	const ids = await tools.tokenize(text);
	if (ids === null) throw new NotMeasuredError("the server's /tokenize gave no token ids: the prefix study counts every prompt with it; expected vLLM's own, which no flag needs to turn on");
	return ids;
}
/**
* Prompts of a workload whose prefixes are as many tokens long as the regime says, by the server's own tokenizer.
*
* @param seed - other seeds give other texts
* @throws NotMeasuredError when the server has no `/tokenize`
*/
async function generateGroup(name, workload, size, seed, tools) {
	const count = async (text) => (await idsOf(tools, text)).length;
	const fitted = /* @__PURE__ */ new Map();
	const said = /* @__PURE__ */ new Map();
	const prompts = [];
	for (const [index, place] of workload.prefixes(size).entries()) {
		const id = `${seed}/${name}.${size.regime}/${place}`;
		const prefix = fitted.get(place) ?? (await fitText(textOf(workload.text, id, size.regime), size.regime, count)).text;
		fitted.set(place, prefix);
		const suffix = `${workload.turns === true ? said.get(place) ?? "" : ""}${questionOf(`${id}/${index}`, workload.suffixWords)}`;
		said.set(place, `${suffix} Yes, that is done.`);
		prompts.push({
			prefix,
			suffix,
			prefixSha256: textSha256(prefix),
			thread: workload.turns === true ? String(place) : null
		});
	}
	return {
		workload: name,
		regime: String(size.regime),
		prompts
	};
}
/**
* A group with the numbers of tokens that the server's tokenizer says, and how many of them all prompts with one prefix
* really begin with: at its end the tokenizer may join it to what follows.
*
* @throws NotMeasuredError when the server has no `/tokenize`
*/
async function countGroup(group, tools) {
	const prefixes = /* @__PURE__ */ new Map();
	const promptTokens = [];
	for (const { prefix, suffix, prefixSha256 } of group.prompts) {
		let known = prefixes.get(prefixSha256);
		if (known === void 0) {
			const ids = await idsOf(tools, prefix);
			known = {
				ids,
				own: ids.length,
				shared: ids.length
			};
			prefixes.set(prefixSha256, known);
		}
		const whole = await idsOf(tools, prefix + suffix);
		const { ids } = known;
		const differs = ids.findIndex((id, index) => whole[index] !== id);
		known.shared = Math.min(known.shared, differs < 0 ? ids.length : differs);
		promptTokens.push(whole.length);
	}
	return {
		...group,
		promptTokens,
		prefixTokens: Object.fromEntries([...prefixes].map(([hash, { own, shared }]) => [hash, {
			own,
			shared
		}]))
	};
}

// src/domain/prefix-prompts.ts
/** What becomes part of a file's name. */
const nameSchema = string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/i, "letters, digits, '_' and '-', at most 40");
const SHA256 = /^[0-9a-f]{64}$/;
/**
* A line of a prompt file, the user's own or `csv/prefix_prompts.jsonl`. Only the prompt is required; prompts of one
* workload and regime are meant to share their beginning.
*/
const promptLineSchema = object({
	prompt: string().min(1).max(4e6),
	workload: nameSchema.optional(),
	prefix_regime: union([nameSchema, number().int().positive()]).transform(String).optional(),
	id: union([string().max(200), number()]).optional(),
	/** The shared beginning in bytes of UTF-8, and its hash: the proof that it is the same in every line. */
	prefix_bytes: number().int().nonnegative().optional(),
	prefix_sha256: string().regex(SHA256, "64 hexadecimal digits").optional(),
	/** By the server's own tokenizer: of the prefix alone, common to all prompts that have it, and of the whole prompt. */
	prefix_tokens: number().int().nonnegative().optional(),
	shared_tokens: number().int().nonnegative().optional(),
	prompt_tokens: number().int().nonnegative().optional(),
	/** The conversation that it is a turn of. */
	thread: string().max(200).optional()
});

// src/probe/prompt-set-file.ts
/** Largest file that is read. */
const MAX_PROMPT_FILE_BYTES = 64e6;
const MAX_LINES = 2e4;
/** What prompts of a group must at least share to have a prefix: less is no block of a cache. */
const LEAST_PREFIX_BYTES = 64;
/** A token is a byte at least, but for tokens that stand for nothing. */
const LEAST_BYTES_PER_TOKEN = 1;
/** Workload or regime of prompts that are meant to share nothing. */
const UNIQUE = "unique";
/**
* The groups of a prompt file, each with its beginning found and proven: the longest that all its prompts share, byte
* by byte, or the one that its lines name with length and hash.
*
* @param name - of the file, for messages
* @throws UsageError for a line that is none, prompts that share too little for their regime, a hash that is not that
*   of the beginning, and prompts of the workload `unique` that share one
*/
function readPromptFile(text, name) {
	const lines = text.split(/\r?\n/);
	if (lines.length > MAX_LINES) throw new UsageError(`${name}: ${lines.length} lines, expected at most ${MAX_LINES}`);
	const groups = /* @__PURE__ */ new Map();
	for (const [index, line] of lines.entries()) {
		if (line.trim() === "") continue;
		const read = readLine(line, `${name}:${index + 1}`);
		const key = JSON.stringify([read.workload ?? "user", read.prefix_regime ?? "own"]);
		const group = groups.get(key) ?? [];
		groups.set(key, group);
		group.push({
			...read,
			at: `${name}:${index + 1}`
		});
	}
	if (groups.size === 0) throw new UsageError(`${name}: no prompt in it`);
	return [...groups].map(([key, group]) => {
		const [workload, regime] = JSON.parse(key);
		return workload === "unique" || regime === "unique" ? {
			workload: UNIQUE,
			regime,
			prompts: uniquePrompts(group)
		} : {
			workload,
			regime,
			prompts: sharedPrompts(group, workload, regime)
		};
	});
}
function readLine(line, at) {
	let value;
	try {
		value = JSON.parse(line);
	} catch {
		throw new UsageError(`${at}: no JSON, expected an object such as {"prompt": "…", "prefix_regime": "1024"}`);
	}
	const parsed = promptLineSchema.safeParse(value);
	if (parsed.success) return parsed.data;
	const [issue] = parsed.error.issues;
	throw new UsageError(`${at}: ${issue?.path.join(".") || "the line"}: ${issue?.message ?? "not a prompt"}`);
}
function sharedPrompts(group, workload, regime) {
	if (group.every((line) => line.prefix_bytes !== void 0)) return group.map(declaredPrompt);
	const [first] = group;
	if (group.length < 2) throw new UsageError(`${first.at}: the only prompt of workload ${workload}, regime ${regime}: a prefix is what several share, expected 20 to 50`);
	const bytes = group.map((line) => Buffer.from(line.prompt, "utf8"));
	const [start] = bytes;
	let shared = start.length;
	let odd = 0;
	for (const [index, other] of bytes.entries()) {
		const common = commonBytes(start, other);
		if (common < shared) {
			shared = common;
			odd = index;
		}
	}
	const tokens = /^\d+$/.test(regime) ? Number(regime) : 0;
	const least = Math.max(LEAST_PREFIX_BYTES, tokens * LEAST_BYTES_PER_TOKEN);
	if (shared < least) {
		const other = group[odd];
		throw new UsageError(`${other.at}: prompts of workload ${workload}, regime ${regime} share their first ${shared} bytes only, expected ${least} or more: here follows ${quoteAt(other.prompt, shared)}, in ${first.at} ${quoteAt(first.prompt, shared)}. A prefix must be the same byte by byte.`);
	}
	return group.map((line) => split(line.prompt, shared));
}
function declaredPrompt(line) {
	const length = line.prefix_bytes ?? 0;
	const size = Buffer.byteLength(line.prompt, "utf8");
	if (length > size) throw new UsageError(`${line.at}: prefix_bytes is ${length}, the prompt has ${size}`);
	const prompt = split(line.prompt, length);
	if (line.prefix_sha256 !== void 0 && line.prefix_sha256 !== prompt.prefixSha256) throw new UsageError(`${line.at}: the first ${length} bytes hash to ${prompt.prefixSha256}, prefix_sha256 is ${line.prefix_sha256}`);
	return {
		...prompt,
		thread: line.thread ?? null
	};
}
/** Prompts that must miss a cache: no two may begin alike, or a miss would be measured as a hit. */
function uniquePrompts(group) {
	const sorted = [...group].sort((a, b) => a.prompt < b.prompt ? -1 : 1);
	for (const [index, line] of sorted.entries()) {
		const next = sorted[index + 1];
		if (next === void 0) break;
		const shared = commonBytes(Buffer.from(line.prompt, "utf8"), Buffer.from(next.prompt, "utf8"));
		if (shared < LEAST_PREFIX_BYTES) continue;
		throw new UsageError(`${next.at}: a prompt of the workload unique shares its first ${shared} bytes with ${line.at}: the second would hit the prefix cache and be measured as a miss. Begin each with something of its own.`);
	}
	return group.map((line) => split(line.prompt, Math.min(LEAST_PREFIX_BYTES, Buffer.byteLength(line.prompt))));
}
function commonBytes(a, b) {
	const most = Math.min(a.length, b.length);
	let at = 0;
	while (at < most && a[at] === b[at]) at += 1;
	return at;
}
/** A prompt in two, cut before the character that holds the byte. */
function split(prompt, bytes) {
	const buffer = Buffer.from(prompt, "utf8");
	let at = bytes;
	while (at > 0 && at < buffer.length && (buffer[at] & 192) === 128) at -= 1;
	const prefix = buffer.subarray(0, at).toString("utf8");
	return {
		prefix,
		suffix: buffer.subarray(at).toString("utf8"),
		prefixSha256: textSha256(prefix),
		thread: null
	};
}
function quoteAt(prompt, bytes) {
	const rest = Buffer.from(prompt, "utf8").subarray(bytes, bytes + 40).toString("utf8");
	return rest === "" ? "its end" : JSON.stringify(rest.slice(0, 24));
}
/** The groups as `csv/prefix_prompts.jsonl`, a prompt a line, with the proof of its prefix. */
function formatPromptFile(groups) {
	return groups.flatMap((group) => group.prompts.map((prompt, index) => {
		const { prefix, suffix, prefixSha256, thread } = prompt;
		const tokens = group.prefixTokens[prefixSha256];
		return `${JSON.stringify({
			prompt: prefix + suffix,
			workload: group.workload,
			prefix_regime: group.regime,
			id: index,
			prefix_sha256: prefixSha256,
			prefix_bytes: Buffer.byteLength(prefix, "utf8"),
			prefix_tokens: tokens?.own ?? 0,
			shared_tokens: tokens?.shared ?? 0,
			prompt_tokens: group.promptTokens[index] ?? 0,
			...thread === null ? {} : { thread }
		})}\n`;
	})).join("");
}

// src/serve/accepted-flags.ts
/** Reading the help imports all of vLLM, which takes some 20 s on a slow disk. */
const TIMEOUT_MS = 12e4;
/** vLLM's whole help is about 200 kB. */
const MAX_OUTPUT_BYTES = 4e6;
/** `all` since vLLM 0.11; before, `--help` alone lists every flag, and knows no groups. */
const QUESTIONS = ["--help=all", "--help"];
/**
* The long flags that a server's command takes, e.g. `--no-enable-prefix-caching`: read from its help, or from the
* usage that it prints when it takes no `--help`. Nothing is served meanwhile.
*
* @returns null when the command told nothing of the kind in time
* @throws the signal's reason when it is aborted
*/
async function fetchAcceptedFlags(options) {
	const { signal, timeoutMs = TIMEOUT_MS } = options;
	const [program, ...rest] = options.command;
	if (program === void 0) return null;
	const deadlineMs = Date.now() + timeoutMs;
	const cwd = await mkdtemp(join(tmpdir(), "vllm-gate-help-"));
	try {
		for (const question of QUESTIONS) {
			const timeout = deadlineMs - Date.now();
			if (timeout <= 0) return null;
			const { all } = await execa(program, [...rest, question], {
				cwd,
				env: {
					...options.env,
					NO_COLOR: "1",
					COLUMNS: "200",
					PYTHONSAFEPATH: "1"
				},
				extendEnv: false,
				stdin: "ignore",
				all: true,
				reject: false,
				timeout,
				forceKillAfterDelay: 2e3,
				cancelSignal: signal,
				maxBuffer: MAX_OUTPUT_BYTES
			});
			signal.throwIfAborted();
			const flags = readHelp(all ?? "");
			if (flags !== null) return flags;
		}
		return null;
	} finally {
		await rm(cwd, {
			recursive: true,
			force: true
		});
	}
}
/**
* Long flags in a help or usage text.
*
* @returns null when the text is no list of a server's flags
*/
function readHelp(text) {
	const flags = new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z0-9_-]*/gi)].map(([flag]) => flag.toLowerCase().replaceAll("_", "-").replace(/-+$/, "")));
	return flags.has("--max-model-len") ? flags : null;
}
/**
* How a server is told to leave prefix caching off or to turn it on. Since vLLM's engine V1 it is on by default and
* `--no-enable-prefix-caching` turns it off; where that form does not exist it is off unless asked for.
*
* @param accepted - null when unknown: then as every version since 0.7 has it
* @returns null when the server has no such flag
*/
function prefixCachingFlags(accepted) {
	const on = "--enable-prefix-caching";
	const inverses = ["--no-enable-prefix-caching", "--disable-prefix-caching"];
	if (accepted === null) return {
		off: inverses.slice(0, 1),
		on: [on]
	};
	if (!accepted.has(on)) return null;
	const off = inverses.find((flag) => accepted.has(flag));
	return {
		off: off === void 0 ? [] : [off],
		on: [on]
	};
}
/** Arguments without those that switch prefix caching, in whichever spelling. */
function withoutPrefixCaching(args) {
	return args.filter((arg) => !/^--(?:no-)?(?:enable|disable)-prefix-caching$/.test(arg.toLowerCase().replaceAll("_", "-")));
}

// src/probe/prefix-load.ts
/** Share of the tokens that a regime promises which prompts of the user's own must really share. */
const LEAST_OF_REGIME = .9;
/**
* The cases of a cell: each prompt of the group is sent once, and again until there are two waves. Behind its prefix
* each gets a mark that no other request of the study has, so that a server that has seen the prompt before still has
* to read everything but the prefix; where nothing may be shared the mark comes first. The marks depend on nothing but
* the cell, so that every server is sent the same bytes.
*
* The main workload's hits take turns with misses, the same prompts with the mark in front: what a prefix saves is then
* seen within one server, and what two servers differ by beside caching is seen in the misses.
*/
function loadCases(target, group, primed, options) {
	const { concurrency, outputTokens, round, primary } = options;
	const total = group.prompts.length;
	const paired = primary && primed !== "none";
	const own = primed === "none" ? "miss" : "hit";
	const request = (kind, index, pass) => {
		const prompt = group.prompts[index % total];
		const name = paired && kind === "miss" ? missCaseName(group, concurrency) : caseName(group, concurrency, primary);
		const place = kind === "hit" && prompt.thread !== null ? prompt.thread : index % total;
		const mark = markOf(`${name}/${round}/${pass}/${place}`);
		const version = primed === "first" ? `${markOf(`${name}/${round}/${prompt.prefixSha256}`)} ` : "";
		const text = kind === "miss" ? `${mark} ${prompt.prefix}${prompt.suffix}` : `${version}${prompt.prefix}\n${mark}${prompt.suffix}`;
		return {
			id: `prefix.${name}.${pass}.${index % total}`,
			promptTokens: (group.promptTokens[index % total] ?? 0) + 2 * MARK_TOKENS,
			expectedTokens: outputTokens,
			body: completionBody({
				model: target.model,
				prompt: text,
				outputTokens
			})
		};
	};
	const measured = (kind, index) => request(kind, index, String(Math.floor(index / total)));
	const warmup = (kind) => [...kind === "miss" ? [] : primersOf(group, primed).map((index) => request(kind, index, "prime")), ...range(concurrency === 1 ? 1 : 2 * concurrency).map((index) => request(kind, firstOf(group, primed, index), `w${index}`))];
	const part = (kind, name, first, measure) => ({
		probe: "prefix",
		case: name,
		concurrency,
		mustMiss: kind === "miss",
		warmup: first ? warmup(kind) : [],
		measure
	});
	const ownName = caseName(group, concurrency, primary);
	const count = total * Math.max(1, Math.ceil(2 * concurrency / total));
	if (!paired) return [part(own, ownName, true, range(count).map((index) => measured(own, index)))];
	const { turns, size } = turnsOf(Math.max(total, 2 * concurrency), concurrency);
	return range(turns).flatMap((turn) => {
		return (turn % 2 === 0 ? ["miss", "hit"] : ["hit", "miss"]).map((kind) => part(kind, kind === "hit" ? ownName : missCaseName(group, concurrency), turn === 0, range(size).map((at) => measured(kind, turn * size + at))));
	});
}
/** Sequential requests of one kind before the other kind has its turn, at most. */
const TURN = 5;
/** An even number of turns: of a wave each, or of a few requests one after another. */
function turnsOf(requests, concurrency) {
	const turns = 2 * Math.ceil(requests / (concurrency === 1 ? TURN : concurrency) / 2);
	return {
		turns,
		size: concurrency === 1 ? Math.ceil(requests / turns) : concurrency
	};
}
/** Tokens that the mark may add to a prompt, at most: eight hexadecimal digits in brackets. */
const MARK_TOKENS = 12;
function markOf(place) {
	return `[${createHash("sha256").update(place).digest("hex").slice(0, 8)}]`;
}
/** `hit.1024.c8` for the main workload, else with the workload's name. */
function caseName({ workload, regime }, concurrency, primary) {
	return `${primary && workload !== "unique" ? "hit" : workload}.${regime}.c${concurrency}`;
}
/** The case of the misses that take turns with the main workload's hits. */
function missCaseName({ regime }, concurrency) {
	return `miss.${regime}.c${concurrency}`;
}
/** The first prompt of each prefix that is to be in the cache before the case. */
function primersOf({ prompts }, primed) {
	if (primed === "none") return [];
	const seen = /* @__PURE__ */ new Set();
	const first = [];
	for (const [index, { prefixSha256 }] of prompts.entries()) {
		if (seen.has(prefixSha256)) continue;
		seen.add(prefixSha256);
		first.push(index);
		if (primed === "first") break;
	}
	return first;
}
/** What the warm-up wave sends: a prefix that is to be new when it is measured is not touched. */
function firstOf({ prompts }, primed, index) {
	return primed === "first" ? 0 : index % prompts.length;
}
/**
* Prompts of the user's own must share what their regime says, in tokens too.
*
* @throws NotMeasuredError with what they share
*/
function checkShared(group, source) {
	if (group.workload === "unique" || !/^\d+$/.test(group.regime)) return;
	const wanted = Number(group.regime);
	const shared = Math.min(...Object.values(group.prefixTokens).map((tokens) => tokens.shared));
	if (shared >= LEAST_OF_REGIME * wanted) return;
	throw new NotMeasuredError(`${source}: prompts of workload ${group.workload}, regime ${group.regime} share ${shared} tokens by the server's tokenizer, expected about ${wanted}: lengthen what they share, or name the regime after its length`);
}
function range(count) {
	return Array.from({ length: count }, (_, index) => index);
}

// src/studies/prefix-cells.ts
const PROMPTS_FILE = "csv/prefix_prompts.jsonl";
/** Tokens behind the prefix, for the estimate of the time. */
const SUFFIX_TOKENS = 40;
/** Tokens of a prefix whose regime is a name. */
const UNKNOWN_TOKENS = 1e3;
/** The workloads and prefix lengths of a study, in the order in which they are measured. */
function sourcesOf(options, given) {
	if (given !== null && options.prompts !== null) return given.map((group) => ({
		workload: group.workload,
		regime: group.regime,
		primed: group.workload === "unique" ? "none" : "all",
		requests: group.prompts.length,
		make: async () => group
	}));
	return options.workloads.flatMap((name) => {
		const workload = WORKLOADS[name];
		return (workload.regime === void 0 ? options.regimes : [workload.regime]).map((regime) => {
			const size = {
				regime,
				variants: options.variants,
				maxConcurrency: Math.max(...options.concurrency)
			};
			const kept = given?.find((group) => group.workload === name && group.regime === String(regime));
			return {
				workload: name,
				regime: String(regime),
				primed: workload.primed,
				requests: workload.prefixes({
					...size,
					capacityTokens: null
				}).length,
				make: async (tools) => kept ?? generateGroup(name, workload, {
					...size,
					capacityTokens: capacityTokens(tools)
				}, options.textSeed, tools)
			};
		});
	});
}
function capacityTokens({ kv }) {
	if (kv === null) return null;
	if (kv.capacityTokens !== null) return kv.capacityTokens;
	return kv.blocks !== null && kv.blockSize !== null ? kv.blocks * kv.blockSize : null;
}
/**
* The cells of the study: each workload and length at each concurrency. Prompts are made when a server first can count
* them, once: every later server is sent the same.
*
* @param given - prompts that exist: the user's own, or those of a study that goes on
*/
function prefixCells(options, given, files) {
	const sources = sourcesOf(options, given);
	const primary = sources[0]?.workload;
	const counted = /* @__PURE__ */ new Map();
	const groupOf = async (source, tools) => {
		for (const each of options.prompts === null ? [source] : sources) {
			if (counted.has(each)) continue;
			const group = await countGroup(await each.make(tools), tools);
			if (options.prompts !== null) checkShared(group, `--prompts ${options.prompts}`);
			counted.set(each, group);
			await files.write(PROMPTS_FILE, formatPromptFile([...counted.values()]));
		}
		return counted.get(source);
	};
	return sources.flatMap((source, place) => options.concurrency.map((concurrency) => {
		const prefix = /^\d+$/.test(source.regime) ? Number(source.regime) : UNKNOWN_TOKENS;
		return {
			name: cellName({
				...source,
				concurrency
			}),
			value: worthOf(source, concurrency, place),
			concurrency,
			work: {
				requests: Math.max(source.requests, 2 * concurrency) * (source.workload === primary ? 2 : 1),
				concurrency,
				promptTokens: prefix + SUFFIX_TOKENS,
				outputTokens: options.outputTokens
			},
			plan: async (target, round, tools) => loadCases(target, await groupOf(source, tools), source.primed, {
				concurrency,
				outputTokens: options.outputTokens,
				round,
				primary: source.workload === primary
			})
		};
	}));
}
/** `policy, 1024 tokens, 8 in flight` */
function cellName({ workload, regime, concurrency }) {
	return `${workload}, ${regime} tokens, ${concurrency} in flight`;
}
/** The main workload before the others, 1024 tokens before other lengths, one and eight in flight before more. */
function worthOf({ regime }, concurrency, place) {
	const length = regime === "1024" ? 0 : regime === "2048" ? 10 : regime === "512" ? 15 : 20;
	const crowd = concurrency === 1 ? 0 : concurrency <= 8 ? 2 : concurrency <= 16 ? 20 : 30;
	return 1e3 - length - crowd - (place > 2 ? 100 + place : 0);
}

// src/domain/prefix-study.ts
/** Servers of the study: prefix caching off, and on. */
const PREFIX_MODES = ["off", "on"];
/** Name of the misses beside the main workload's hits, as if they were a workload. */
const MISSES = "miss";

// src/measure/prefix-win.ts
/** Smaller changes are chance, even within one server. */
const NOTABLE = .05;
/** A first token that comes at least this much sooner is worth a flag. */
const PAYS = .1;
/** What a hit that is found is worth: more work done or less, and whether users in the tail pay for it. */
function winOf(concurrency, changes) {
	const work = concurrency > 1 ? changes.tokensPerS ?? 0 : 0;
	if (work <= -.05) return "latency_throughput_loss";
	const slower = hasSlowerTail(changes);
	if (work >= .05) return slower ? "capacity_ux_loss" : "capacity";
	return slower ? "latency_p95_loss" : "latency";
}
/** Whether a 95th percentile, of the first token or end to end, rose. */
function hasSlowerTail({ e2eP95, ttftP95 }) {
	return Math.max(e2eP95 ?? 0, ttftP95 ?? 0) >= NOTABLE;
}
/** Whether what a cell saved came from the cache: else it is chance, or the difference of two servers. */
function isReal({ reason }) {
	return reason === null;
}
/** Whether a cell is worth the flag: the first token comes clearly sooner, and no work is lost for it. */
function pays(cell) {
	return isReal(cell) && cell.win !== "latency_throughput_loss" && (cell.saving ?? 0) >= .1;
}
/** The cells that were measured while the machine was quiet; all of them where it never was. */
function reliedOn(main) {
	const quiet = main.filter((cell) => cell.quiet);
	return quiet.length === 0 ? main : quiet;
}
/** The cell whose numbers stand for the study: the one that saves most, of those that pay where any does. */
function bestCell(main) {
	const relied = reliedOn(main);
	const paying = relied.filter(pays);
	return (paying.length === 0 ? relied.filter(isReal) : paying).toSorted((a, b) => (b.saving ?? 0) - (a.saving ?? 0))[0];
}

// src/measure/prefix-quiet.ts
/** The word for it in a cell's notes. */
const NOT_QUIET$1 = "not quiet";
/**
* Whether the machine and the client were quiet while a case of a round was measured. A reason that names cases of the
* round, as those of the client do, is theirs alone; any other one is the whole round's.
*
* @param name - the case, e.g. `hit.512.c8`
* @param cases - the cases of that round by `probe.case`
*/
function wasQuiet(record, round, name, cases) {
	return (record.rounds?.find((each) => each.round === round)?.dirty ?? []).every((reason) => {
		const named = wordsOf(reason).filter((word) => cases.has(word));
		return named.length > 0 && !named.includes(`prefix.${name}`);
	});
}
/** The words of a sentence, without the marks that end them. */
function wordsOf(sentence) {
	return sentence.split(/\s+/).map((word) => word.replace(/[.,;:)]+$/, ""));
}

// src/measure/prefix-words.ts
/** `42 %` */
function percent$1(share) {
	return `${(share * 100).toFixed(0)} %`;
}
/** `−42 %`; what rounds to nothing is `unchanged`. */
function signed(share) {
	if (share === null) return "not measured";
	const points = (share * 100).toFixed(0);
	if (Number(points) === 0) return "unchanged";
	return `${share > 0 ? "+" : "−"}${points.replace("-", "")} %`;
}
/** `126.5 ms` */
function milliseconds$1(seconds) {
	return `${(seconds * 1e3).toFixed(1)} ms`;
}
/** Tokens of a regime that is a length; null for a name of the user's. */
function tokensOf({ regime }) {
	return /^\d+$/.test(regime) ? Number(regime) : null;
}
/** `512 tokens`, or the name that the user gave. */
function lengthOf(cell) {
	return tokensOf(cell) === null ? cell.regime : `${cell.regime} tokens`;
}
/** `512 tokens at 8` */
function placeOf(cell) {
	return `${lengthOf(cell)} at ${cell.concurrency}`;
}
/** `512 tokens and 8 in flight` */
function loadOf(cell) {
	return `${lengthOf(cell)} and ${cell.concurrency} in flight`;
}
/** `512 tokens at 1, 8; 1024 tokens at 1` */
function placesOf(cells) {
	return [...Map.groupBy(cells, lengthOf)].map(([length, same]) => `${length} at ${same.map(({ concurrency }) => concurrency).join(", ")}`).join("; ");
}
/** ` (not quiet)` behind what a cell says; nothing where it was. */
function quietMark({ quiet }) {
	return quiet ? "" : ` (${NOT_QUIET$1})`;
}

// src/measure/prefix-conclusion.ts
/**
* The closing rule: where it pays and by how much, how to see that it works, what it costs, one caveat, and a sentence
* for a manager. Every number is of a cell that is named, of those that were measured while the machine was quiet.
*
* @param main - the main workload's cells
* @param others - those of the other workloads
*/
function conclusionOf(main, others, facts) {
	const relied = reliedOn(main);
	const paying = relied.filter(pays).toSorted(byLength);
	const [first] = paying;
	const best = bestCell(main);
	const limits = [
		...unquietLines(main),
		...lossLines(main),
		...caveatOf(others, facts, main)
	];
	if (first === void 0 || best === void 0) return [
		noGain(relied),
		...limits,
		noGainForManager(relied)
	];
	const at = (cell) => `${signed(-(cell.saving ?? 0))} at ${loadOf(cell)}`;
	const ttft = first === best ? `${at(best)}, with` : `${at(first)}, ${at(best)}, the latter with`;
	const most = mostWork(paying);
	const upTo = most === void 0 || most === best || (most.tokensPerS ?? 0) <= (best.tokensPerS ?? 0) ? "" : `, and up to ${percent$1(most.tokensPerS ?? 0)} more at ${loadOf(most)}`;
	const rates = paying.flatMap(({ on }) => on.hitRate === null ? [] : [on.hitRate]);
	const savings = paying.map(({ saving }) => saving ?? 0);
	return [
		`Enable it for endpoints ${whereOf(paying, main)}: TTFT ${ttft} ${workOf(best)}${upTo}${answersOf(best)}.${onceOf(relied)}`,
		`It is working when the TTFT of such traffic falls by ${rangeOf(savings)}` + (rates.length === 0 ? "." : ` and the server's hit rate stays above ${percent$1(Math.min(...rates))}.`),
		...limits,
		managerLine(best)
	];
}
function byLength(a, b) {
	return (tokensOf(a) ?? 0) - (tokensOf(b) ?? 0) || a.concurrency - b.concurrency;
}
/**
* `that share 512 tokens or more, from 8 in flight on` where every cell that was measured from there on pays, quiet or
* not; else the cells that do.
*/
function whereOf(paying, main) {
	const tokens = Math.min(...paying.map((cell) => tokensOf(cell) ?? NaN));
	const crowd = Math.min(...paying.map(({ concurrency }) => concurrency));
	const beyond = main.filter((cell) => (tokensOf(cell) ?? NaN) >= tokens && cell.concurrency >= crowd);
	if (beyond.some((cell) => tokensOf(cell) === tokens && cell.concurrency === crowd) && beyond.length > 1 && beyond.every(pays)) return `that share ${tokens} tokens or more, from ${crowd} in flight on`;
	const rest = main.filter((cell) => !pays(cell)).toSorted(byLength);
	const not = rest.length === 0 ? "" : `, not like those in which it did not (${placesOf(rest)})`;
	return `like the cells in which it paid (${placesOf(paying)} in flight)${not}`;
}
/** What a cell's work changed by, several in flight or one after another. */
function workOf({ tokensPerS }) {
	if (tokensPerS === null) return "a throughput that is not known";
	if (Math.abs(tokensPerS) < .05) return "no more throughput";
	return `${percent$1(Math.abs(tokensPerS))} ${tokensPerS > 0 ? "more" : "fewer"} tokens per second`;
}
/** The more of a request is its answer, the less of it a prefix saves. */
function answersOf({ on }) {
	return on.outputTokens === null ? "" : `, for answers of ${on.outputTokens.toFixed(0)} tokens`;
}
/** The cell with the most more tokens per second; one after another these only say again how long a request takes. */
function mostWork(paying) {
	return paying.filter(({ concurrency, tokensPerS }) => concurrency > 1 && (tokensPerS ?? 0) >= .05).toSorted((a, b) => (b.tokensPerS ?? 0) - (a.tokensPerS ?? 0))[0];
}
function onceOf(relied) {
	return relied.every(({ off, on }) => off.rounds === 1 && on.rounds === 1) ? " All of it was measured once: one round on one server of each kind." : "";
}
function rangeOf(shares) {
	const [least, most] = [percent$1(Math.min(...shares)), percent$1(Math.max(...shares))];
	return least === most ? least : `${least} to ${most}`;
}
function managerLine(best) {
	const saving = best.saving ?? 0;
	const tokens = tokensOf(best);
	return `For a manager: the server reads ${tokens === null ? "a shared beginning of prompts" : `a shared prompt of ${tokens} tokens`} once instead of every time, so that the first word comes ${saving >= .5 && saving < 1 ? `${(1 / (1 - saving)).toFixed(1)} times as fast` : `${percent$1(saving)} sooner`} ${best.concurrency === 1 ? "for one user at a time" : `with ${best.concurrency} users at once`}; there it brings ${workOf(best)}${answersOf(best)}.`;
}
/** The cells that the numbers leave out, or that there are no others. */
function unquietLines(main) {
	const unquiet = main.filter(({ quiet }) => !quiet);
	if (unquiet.length === 0) return [];
	return [unquiet.length === main.length ? "No cell was measured while the machine was quiet: these numbers are of cells that were not. Measure again on a machine that is." : `Left out, since the machine was not quiet meanwhile: ${placesOf(unquiet)}.`];
}
/** Where less work was done, or a 95th percentile rose, though the median fell. */
function lossLines(main) {
	const real = main.filter(({ win }) => win !== "none");
	const where = (cells) => cells.map((cell) => `${placeOf(cell)}${quietMark(cell)}`).join(", ");
	const slower = real.filter(hasSlowerTail);
	const fewer = real.filter(({ win }) => win === "latency_throughput_loss").map((cell) => `${placeOf(cell)}${quietMark(cell)}, ${signed(cell.tokensPerS)}`);
	return [...fewer.length === 0 ? [] : [`A throughput loss comes with it: fewer tokens per second than without caching at ${fewer.join("; ")}. Those cells do not count as paying.`], ...slower.length === 0 ? [] : [`A UX loss comes with it at ${where(slower)}: a 95th percentile rose. Hold it against your SLO first.`]];
}
function noGain(relied) {
	const lost = relied.filter(({ win }) => win === "latency_throughput_loss");
	if (lost.length > 0) return `Do not count on prefix caching here: the first token came sooner only where fewer tokens per second were made (${placesOf(lost)}).`;
	const [why] = relied.flatMap(({ reason }) => reason === null ? [] : [reason.text]);
	return `Do not count on prefix caching here: no measured prefix brought the first token ${percent$1(PAYS)} sooner${why === void 0 ? "" : ` (${why})`}.`;
}
function noGainForManager(relied) {
	return relied.some(({ win }) => win === "latency_throughput_loss") ? "For a manager: on this model and GPU, reusing shared prompts brought the first word sooner at the cost of work done." : "For a manager: on this model and GPU, reusing shared prompts changed nothing that a user would notice.";
}
/** The one failure mode: measured where an anti-pattern was, else by how many prefixes the cache holds. */
function caveatOf(others, { capacityTokens }, main) {
	const anti = others.find(({ workload, reason }) => workload === "thrash" && reason !== null) ?? others.find(({ workload, reason }) => ["unique", "churn"].includes(workload) && reason !== null);
	if (anti !== void 0) return [`Caveat: with ${anti.workload} prompts (${anti.regime} tokens at ${anti.concurrency}) nothing was gained: ${anti.reason?.text}.`];
	const longest = Math.max(...main.map(({ regime }) => Number(regime) || 0));
	if (capacityTokens === null || !(longest > 0)) return ["Caveat: requests that each bring a long prefix of their own fill the cache and are never found again."];
	return [`Caveat: the KV cache holds ${capacityTokens} tokens, ${Math.floor(capacityTokens / longest)} distinct prefixes of ${longest}; with more in turn, or a unique long document in each request, they are evicted before they are used again.`];
}

// src/measure/prefix-sensitivity.ts
/** A saving in milliseconds that grows or falls by less with load stays what it is. */
const SAME_MS = 1.2;
/**
* What more requests in flight make of the saving, from the fewest to the most of one length: hits against misses of the
* same server, in which the difference of two servers is not; against the server without caching where there are no
* misses. None where a cell saved nothing, or where there is one cell.
*/
function sensitivityLine(cells) {
	if (!cells.every(isReal) || cells.length < 2) return [];
	const sorted = cells.toSorted((a, b) => a.concurrency - b.concurrency);
	const within = cells.every(({ missTtftS }) => missTtftS !== null);
	const [first] = sorted;
	const [few, many] = [savedBy(first, within), savedBy(sorted.at(-1), within)];
	if (first === void 0 || few === null || many === null) return [];
	const said = ({ ms, share, at }) => `${ms.toFixed(1)} ms sooner (${signed(-share)}) at ${at}`;
	const against = within ? "misses of the same server" : "the server without caching";
	return [`${lengthOf(first)}: ${said(few)}, ${said(many)} in flight against ${against}: ${verdictOf(few, many)}.`];
}
function savedBy(cell, within) {
	const [without, hit] = [within ? cell?.missTtftS : cell?.off.ttftS, cell?.on.ttftS];
	if (cell === void 0 || without == null || hit == null || !(without.p50 > 0)) return null;
	const savedS = without.p50 - hit.p50;
	return {
		ms: savedS * 1e3,
		share: savedS / without.p50,
		at: `${cell.concurrency}${quietMark(cell)}`
	};
}
/** Waiting multiplies milliseconds alone: load magnifies a saving only if it grows as a share of the wait too. */
function verdictOf(few, many) {
	const ms = many.ms > few.ms * SAME_MS ? "grows" : many.ms < few.ms / SAME_MS ? "falls" : "stays the same";
	const points = many.share - few.share;
	const share = points >= .05 ? "grows" : points <= -.05 ? "falls" : "stays the same";
	if (ms !== share) return `with load it ${ms} in milliseconds, and its share of the wait ${share}`;
	if (ms === "grows") return "load magnifies it";
	return ms === "falls" ? "load hides it" : "load changes little about it";
}

// src/measure/prefix-reading.ts
/** The seed's example of mixed traffic: the share that has the prefix at all, and how often it is found. */
const MIXED = {
	eligible: .5,
	hits: .8
};
/** What a study's numbers say, by the questions that the experiment asks. */
function interpret(comparisons, facts) {
	const main = comparisons.filter(({ workload }) => workload === facts.primary);
	const others = comparisons.filter(({ workload }) => workload !== facts.primary);
	return {
		interpretation: [
			{
				title: "Did TTFT drop on cache hits?",
				lines: savingLines(main)
			},
			{
				title: "Capacity or latency only?",
				lines: capacityLines(main)
			},
			{
				title: "Concurrency sensitivity",
				lines: byRegime(reliedOn(main)).flatMap(([, cells]) => sensitivityLine(cells))
			},
			{
				title: "Memory overhead and stability",
				lines: memoryLines(comparisons)
			},
			{
				title: "Hit rate, and what mixed traffic makes of it",
				lines: dilutionLines(main, facts)
			},
			...others.length === 0 ? [] : [{
				title: "Other workloads",
				lines: others.map(workloadLine)
			}]
		].filter(({ lines }) => lines.length > 0),
		conclusion: conclusionOf(main, others, facts)
	};
}
/** By regime, in the order measured. */
function byRegime(comparisons) {
	return [...Map.groupBy(comparisons, ({ regime }) => regime)];
}
function savingLines(main) {
	const lines = byRegime(main).map(([regime, cells]) => {
		const [first] = cells;
		const said = cells.map((cell) => `${signed(cell.ttftP50)} at ${cell.concurrency}${quietMark(cell)}`).join(", ");
		const predicted = first?.predictedSaving ?? null;
		const bound = predicted === null ? "" : `; a hit saves ${percent$1(predicted)} of the prefill at best, P/(P+S)`;
		const within = cells.flatMap(({ savingWithin: saving, concurrency }) => saving === null ? [] : [`${signed(-saving)} at ${concurrency}`]);
		const same = within.length === 0 ? "" : `; against misses of the same server ${within.join(", ")}`;
		return `${tokensOf({ regime }) === null ? regime : `${regime}-token`} prefix: median TTFT ${said} in flight against the server without caching${same}${bound}.`;
	});
	lines.push(...boundLines(main), ...growthLines(reliedOn(main)));
	for (const cell of main) if (cell.reason !== null) lines.push(`${placeOf(cell)}: no improvement, since ${cell.reason.text}.`);
	return lines;
}
/** What a hit takes one after another, and whether the saving stays below the share of tokens that it spares. */
function boundLines(main) {
	const alone = main.filter((cell) => cell.concurrency === 1 && isReal(cell));
	const [first] = alone;
	if (first === void 0 || first.on.ttftS === null) return [];
	const compared = alone.flatMap((cell) => {
		const { saving, predictedSaving: bound } = cell;
		return saving === null || bound === null ? [] : [{
			cell,
			saving,
			bound
		}];
	});
	const pairs = (some) => some.map(({ cell, saving, bound }) => `${percent$1(saving)} against ${percent$1(bound)} at ${lengthOf(cell)}`);
	const above = compared.filter(({ saving, bound }) => saving >= bound);
	const below = compared.length === 0 ? "" : above.length === 0 ? ` So the saving stays below P/(P+S): ${pairs(compared).join(", ")}.` : ` The saving is not below P/(P+S) everywhere (${pairs(above).join(", ")}): more than the spared tokens explain, so it is chance, or the misses are slow for another reason.`;
	return [`The median hit still takes ${milliseconds$1(first.on.ttftS.p50)} one after another (${lengthOf(first)}): what is left of TTFT is the front end, the suffix and one step of the model, which no cache saves.${below}`];
}
function growthLines(relied) {
	const sorted = byRegime(relied).flatMap(([regime, cells]) => {
		const savings = cells.flatMap(({ saving }) => saving === null ? [] : [saving]);
		const tokens = tokensOf({ regime });
		return savings.length === 0 || tokens === null ? [] : [{
			tokens,
			saving: Math.max(...savings)
		}];
	}).toSorted((a, b) => a.tokens - b.tokens);
	const [least, most] = [sorted[0], sorted.at(-1)];
	if (least === void 0 || most === void 0 || least === most) return [];
	return [most.saving > least.saving + .05 ? `The saving grows with the prefix, as expected: at best ${percent$1(least.saving)} at ${least.tokens} tokens, ${percent$1(most.saving)} at ${most.tokens}.` : `The saving does not grow with the prefix (at best ${percent$1(least.saving)} at ${least.tokens} tokens, ${percent$1(most.saving)} at ${most.tokens}): something other than its prefill decides.`];
}
function capacityLines(main) {
	return main.filter(({ concurrency, win }) => concurrency > 1 && win !== "none").map((cell) => `${placeOf(cell)}${quietMark(cell)}: ${capacityText(cell)}.`);
}
function capacityText(cell) {
	const rates = `req/s ${signed(cell.requestsPerS)}, tok/s ${signed(cell.tokensPerS)}, p95 E2E ${signed(cell.e2eP95)}`;
	const tail = `${rates}, p95 TTFT ${signed(cell.ttftP95)}`;
	switch (cell.win) {
		case "capacity": return `a capacity win (${rates})`;
		case "capacity_ux_loss": return `a capacity win, a UX loss: more work is done, and the slowest users wait longer (${tail})`;
		case "latency_p95_loss": return `the median first token comes sooner, a UX loss in the tail (${tail})`;
		case "latency_throughput_loss": return `the median first token comes sooner, a throughput loss: less work is done than without caching${hasSlowerTail(cell) ? ", and the slowest users wait longer" : ""} (${tail})`;
		default: return (cell.e2eP95 ?? 0) <= -.05 ? `latency only, with headroom under an end-to-end SLO (${rates})` : `latency only; the same work is done in the same time (${rates})`;
	}
}
function memoryLines(comparisons) {
	const [first] = comparisons;
	if (first === void 0) return [];
	const { off, on } = first;
	const lines = [];
	if (off.vramPeakMib === null || on.vramPeakMib === null) lines.push("VRAM was not measured: no GPU was seen beside the probes.");
	else {
		const grown = on.vramPeakMib - off.vramPeakMib;
		const plateau = on.vramSteadyMib === null ? null : on.vramPeakMib - on.vramSteadyMib;
		lines.push(`VRAM peak ${on.vramPeakMib.toFixed(0)} MiB with caching, ${off.vramPeakMib.toFixed(0)} MiB without (${grown >= 0 ? "+" : "−"}${Math.abs(grown).toFixed(0)} MiB): vLLM reserves its KV cache at the start and keeps prefixes in what requests leave free of it.`);
		if (plateau !== null) lines.push(plateau <= .02 * on.vramPeakMib ? "It stays on a plateau: the peak is within 2 % of the middle of the run." : `It is no plateau: the peak is ${plateau.toFixed(0)} MiB above the middle of the run.`);
	}
	const preempted = comparisons.reduce((sum, cell) => sum + (cell.on.preemptions ?? 0), 0);
	if (preempted > 0) lines.push(`${preempted} requests were preempted with caching on: the cache was full of running ones.`);
	return lines;
}
function dilutionLines(main, facts) {
	const rates = main.flatMap(({ on }) => on.hitRate === null ? [] : [on.hitRate]);
	const lines = rates.length === 0 ? ["The server tells no hit rate."] : [`The server found ${percent$1(Math.min(...rates))} to ${percent$1(Math.max(...rates))} of the prompt tokens in its cache` + (Math.min(...rates) > .5 ? "; every request shared its prefix, so h is close to 1 here and lower in production." : ", though every request shared its prefix.")];
	const best = bestCell(main);
	const [miss, hit] = [(best?.missTtftS ?? best?.off.ttftS)?.mean, best?.on.ttftS?.mean];
	if (best === void 0 || miss === void 0 || hit === void 0) return lines;
	const expected = (h) => h * hit + (1 - h) * miss;
	const share = MIXED.eligible * MIXED.hits;
	const source = best.missTtftS === null ? "a miss being a request to the server without caching" : "hits and misses of the server with caching";
	lines.push(`E[TTFT] = h · ${milliseconds$1(hit)} + (1 − h) · ${milliseconds$1(miss)} at ${loadOf(best)}${quietMark(best)}, ${source}: ` + [
		.25,
		.5,
		.75,
		1
	].map((h) => `${milliseconds$1(expected(h))} for h = ${h}`).join(", ") + ".", `Of traffic of which f = ${percent$1(MIXED.eligible)} has the prefix, found h = ${percent$1(MIXED.hits)} of the time, f · h = ${percent$1(share)} benefits: mean TTFT ${milliseconds$1(expected(share))}, ${signed(expected(share) / miss - 1)}, where the rest of the traffic is assumed to have prompts of the same length.`);
	const prompts = facts.prompts.find((each) => each.workload === best.workload && each.regime === best.regime);
	if (prompts !== void 0) {
		const saved = (best.hits ?? 1) * prompts.sharedTokens;
		lines.push(`Prefill saved per request, h · P: about ${saved.toFixed(0)} tokens.`);
	}
	return lines;
}
function workloadLine(cell) {
	const at = `${cell.workload}, ${cell.regime} tokens at ${cell.concurrency}`;
	const rate = cell.on.hitRate === null ? "hit rate unknown" : `hit rate ${percent$1(cell.on.hitRate)}`;
	const churn = cell.on.turnover === null || cell.on.turnover < .5 ? "" : `, the cache written anew ${cell.on.turnover.toFixed(1)} times`;
	const [expected, measured] = [cell.expectedTtftS, cell.on.ttftS?.mean ?? null];
	const model = expected === null || measured === null ? "" : `; E[TTFT] by h = ${percent$1(cell.hits ?? 0)} is ${(expected * 1e3).toFixed(1)} ms, measured ${(measured * 1e3).toFixed(1)} ms`;
	const why = cell.reason === null ? "" : `; ${cell.reason.text}`;
	return `${at}: median TTFT ${signed(cell.ttftP50)}, ${rate}${churn}${model}${why}.`;
}

// src/measure/prefix-reason.ts
/** Hits of fewer of the prefixes are a cache that is not reused. */
const FEW_HITS = .5;
/** Below this share of the prompt, what is left to compute decides. */
const MOSTLY_SUFFIX = .5;
/** A saving that is not chance. */
const CLEAR_SAVING = .1;
/**
* Why the first token of a cell does not come sooner with caching on, from what was measured: the server's own label
* and counters, the hashes of the prompts' prefixes, their lengths, and the time that a prefill takes at all.
*
* @param mainSaving - what the main workload's hits of this length and concurrency save within the server
*/
function findReason(cell, prompts, facts, mainSaving) {
	const { on, hits } = cell;
	const rate = on.hitRate;
	const shown = rate === null ? "unknown" : percent(rate);
	if (facts.cachingOn === false) return because("flag_without_effect", "the flag had no effect: /metrics still says enable_prefix_caching=False");
	const repeats = prompts === null ? 0 : prompts.prompts / Math.max(1, prompts.prefixes);
	if (hits !== null && hits < FEW_HITS && prompts !== null) {
		const working = prompts.prefixes * prompts.sharedTokens;
		if (facts.capacityTokens !== null && working > facts.capacityTokens) return because("evicted", `the prefixes were evicted before they were asked for again: ${prompts.prefixes} distinct ones need ${working} tokens, the cache holds ${facts.capacityTokens} (hit rate ${shown}${turnover(on.turnover)})`);
		if (prompts.sharedTokens < facts.blockSize) return because("prefix_too_short", `the prompts share ${prompts.sharedTokens} tokens, less than a block of the cache (${facts.blockSize})`);
		if (repeats < 8 && prompts.prefixes > 1) return because("prefix_not_identical", `the prefix is not identical: ${prompts.prompts} prompts begin in ${prompts.prefixes} different ways by their hashes (hit rate ${shown})`);
		return because("flag_without_effect", `the flag had no effect: ${prompts.prompts} prompts begin alike by their hashes, /metrics says enable_prefix_caching=${facts.cachingOn === null ? "nothing" : "True"}, and the hit rate is ${shown}`);
	}
	const share = cell.predictedSaving;
	if (share !== null && share < MOSTLY_SUFFIX) return because("suffix_dominates", `the suffix dominates: only P/(P+S) = ${percent(share)} of a prompt is the shared prefix (hit rate ${shown})`);
	if (hits !== null && mainSaving !== null && mainSaving >= CLEAR_SAVING) return because("unknown", `its prefixes are found (hit rate ${shown}), and hits of this length save ${percent(mainSaving)} of a miss within the server: the two servers, or the machine meanwhile, differ by more than caching does; measure again with --repeats 3`);
	if (hits !== null && prompts !== null) {
		const ms = cell.off.ttftS === null ? "" : ` of ${(cell.off.ttftS.p50 * 1e3).toFixed(1)} ms in all`;
		return because("prefix_too_short", `the prefix of ${prompts.sharedTokens} tokens is too short for this GPU and model: it is found (hit rate ${shown}), but its prefill is a small part${ms} to the first token`);
	}
	return because("unknown", "the server tells no hit rate, so the reason is not to be seen from here");
}
function because(name, text) {
	return {
		name,
		text
	};
}
function percent(share) {
	return `${(share * 100).toFixed(share < .1 && share > 0 ? 1 : 0)} %`;
}
function turnover(value) {
	return value === null ? "" : `, written anew ${value.toFixed(1)} times`;
}

// src/measure/prefix-study.ts
/** Two starts of one server differ by as much. */
const RESTART = .1;
/** With fewer of the prefixes found, whatever changed is not the cache's doing. */
const SOME_HITS = .1;
/** What the server's KV cache holds, in tokens. */
function capacityOf(session) {
	const { capacityTokens, blocks, blockSize } = session.kv ?? {};
	if (typeof capacityTokens === "number") return capacityTokens;
	if (typeof blocks === "number" && typeof blockSize === "number") return blocks * blockSize;
	return session.logFacts?.kvCapacityTokens ?? null;
}
/** What a study measured, by session: rounds that a quieter one was measured for are left out. */
function studiedSessions(run, traces) {
	return groupTraces(run.sessions.filter((session) => session.outcome === "ok"), traces);
}
/** The measured requests of a cell on one server, in the order in which they were sent. */
function requestsOf(sessions, mode, cell) {
	return sessions.filter(({ record }) => record.variant === mode).flatMap(({ rounds }) => [...rounds.values()].flatMap((cases) => {
		const data = cases.get(`prefix.${cell.case}`);
		return data === void 0 ? [] : [...data.ok, ...data.failed].sort((a, b) => a.startS - b.startS);
	}));
}
/** Every server's result in every cell; cells that one did not measure have no row of it. */
function prefixRows(sessions, cells) {
	return cells.flatMap((cell) => PREFIX_MODES.flatMap((mode) => {
		const parts = sessions.filter(({ record }) => record.variant === mode).flatMap(({ record, rounds }) => [...rounds].flatMap(([round, cases]) => {
			const data = cases.get(`prefix.${cell.case}`);
			const quiet = wasQuiet(record, round, cell.case, cases);
			return data === void 0 ? [] : [{
				record,
				data,
				quiet
			}];
		}));
		return parts.length === 0 ? [] : [rowOf$1(cell, mode, parts)];
	}));
}
function rowOf$1({ case: name, ...cell }, mode, parts) {
	const ok = parts.flatMap(({ data }) => data.ok);
	const failed = parts.flatMap(({ data }) => data.failed);
	const seconds = parts.reduce((sum, { data }) => sum + (data.ok.length === 0 ? 0 : measuredS(data)), 0);
	const tokens = ok.reduce((sum, trace) => sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens, 0);
	const pooled = {
		probe: "prefix",
		case: name,
		ok,
		failed,
		records: parts.flatMap(({ data }) => data.records)
	};
	const [queried, hit] = [countedIn(pooled, "prefixQueriedTokens"), countedIn(pooled, "prefixHitTokens")];
	const hitRate = hitRateOf(pooled);
	const memory = parts.flatMap(({ record }) => record.gpuMemory ?? []);
	const [first] = failed;
	const disturbed = parts.filter(({ quiet }) => !quiet).length;
	return {
		...cell,
		mode,
		requests: ok.length + failed.length,
		failed: failed.length,
		sessions: new Set(parts.map(({ record }) => record.index)).size,
		rounds: parts.length,
		quiet: disturbed === 0,
		outputTokens: tokens === null || ok.length === 0 ? null : tokens / ok.length,
		ttftS: spreadOf(ok.map(ttftMs)),
		e2eS: spreadOf(ok.map(doneMs)),
		requestsPerS: seconds > 0 ? ok.length / seconds : null,
		tokensPerS: seconds > 0 && tokens !== null ? tokens / seconds : null,
		hitRate: "absent" in hitRate ? null : hitRate.value,
		turnover: turnoverOf(parts, queried, hit),
		preemptions: countedIn(pooled, "preemptions"),
		vramPeakMib: memory.length === 0 ? null : Math.max(...memory.map(({ peakMib }) => peakMib)),
		vramSteadyMib: memory.length === 0 ? null : mean(memory.map(({ steadyMib }) => steadyMib)),
		notes: [
			...disturbed === 0 ? [] : [parts.length === 1 ? NOT_QUIET$1 : `${NOT_QUIET$1} in ${disturbed} of ${parts.length} rounds`],
			...first === void 0 ? [] : [`${failed.length} of ${ok.length + failed.length} failed: ${first.error}`],
			...ok.length < 20 ? [`p95 needs ${20} requests`] : []
		]
	};
}
/** Prompt tokens that were computed over what the cache holds. */
function turnoverOf(parts, queried, hit) {
	const [first] = parts;
	const capacity = first === void 0 ? null : capacityOf(first.record);
	if (capacity === null || capacity <= 0 || queried === null || hit === null) return null;
	return (queried - hit) / capacity;
}
function spreadOf(timesMs) {
	const values = timesMs.flatMap((ms) => ms === null ? [] : [ms / 1e3]);
	if (values.length === 0) return null;
	return {
		mean: mean(values),
		p50: quantile(values, .5),
		p95: values.length < 20 ? null : quantile(values, .95)
	};
}
/** (on − off) / off */
function change$1(off, on) {
	return typeof off === "number" && typeof on === "number" && off !== 0 ? (on - off) / off : null;
}
/** The cells that both servers measured, with what caching changed. */
function comparePrefixRows(rows, facts) {
	const find = (cell, mode) => rows.find((row) => row.mode === mode && row.workload === cell.workload && row.regime === cell.regime && row.concurrency === cell.concurrency);
	return rows.flatMap((off) => {
		const on = off.mode === "off" && off.workload !== "miss" ? find(off, "on") : void 0;
		if (on === void 0) return [];
		const { workload, regime, concurrency } = off;
		const prompts = facts.prompts.find((each) => each.workload === workload && each.regime === regime);
		const hits = hitsOf(on, prompts, facts.blockSize);
		const isMain = workload === facts.primary;
		const alike = find({
			workload: facts.primary,
			regime,
			concurrency
		}, "on");
		const missed = (mode) => find({
			workload: MISSES,
			regime,
			concurrency
		}, mode);
		const misses = (mode) => missed(mode)?.ttftS?.p50;
		const mainFall = change$1(misses("on"), alike?.ttftS?.p50);
		const savingWithin = isMain && mainFall !== null ? -mainFall : null;
		const changes = {
			ttftP50: change$1(off.ttftS?.p50, on.ttftS?.p50),
			ttftP95: change$1(off.ttftS?.p95, on.ttftS?.p95),
			e2eP95: change$1(off.e2eS?.p95, on.e2eS?.p95),
			requestsPerS: change$1(off.requestsPerS, on.requestsPerS),
			tokensPerS: change$1(off.tokensPerS, on.tokensPerS),
			vramMib: change$1(off.vramPeakMib, on.vramPeakMib)
		};
		const predictedSaving = prompts === void 0 ? null : prompts.sharedTokens / prompts.promptTokens;
		const saving = savingWithin ?? (changes.ttftP50 === null ? null : -changes.ttftP50);
		const improved = saving !== null && saving >= (savingWithin === null ? RESTART : .05) && (hits ?? 1) >= SOME_HITS;
		const comparison = {
			workload,
			regime,
			concurrency,
			off,
			on,
			...changes,
			savingWithin,
			missTtftS: (isMain ? missed("on")?.ttftS : null) ?? null,
			control: isMain ? change$1(misses("off"), misses("on")) : null,
			saving,
			predictedSaving,
			hits,
			expectedTtftS: isMain || hits === null || alike?.ttftS == null || off.ttftS === null ? null : hits * alike.ttftS.mean + (1 - hits) * off.ttftS.mean,
			quiet: [
				off,
				on,
				...isMain ? [missed("off"), missed("on")] : []
			].every((row) => row?.quiet ?? true),
			win: improved ? winOf(concurrency, changes) : "none"
		};
		const reason = improved ? null : findReason(comparison, prompts ?? null, facts, mainFall === null ? null : -mainFall);
		return [{
			...comparison,
			reason
		}];
	});
}
/** The share of prefixes that were found: cached tokens over those of whole blocks that could be. */
function hitsOf(on, prompts, blockSize) {
	if (on.hitRate === null || prompts === void 0) return null;
	const possible = Math.floor(prompts.sharedTokens / blockSize) * blockSize;
	if (possible === 0) return 0;
	return Math.min(1, on.hitRate * prompts.promptTokens / possible);
}

// src/report/prefix-csv.ts
/** The experiment's canonical columns, then ours. */
const PREFIX_SUMMARY_HEADER = [
	..."mode,prefix_regime,concurrency,mean_ttft_s,p95_ttft_s,mean_e2e_s,p95_e2e_s,req_s,tok_s,notes".split(","),
	"workload",
	"p50_ttft_s",
	"p50_e2e_s",
	"requests",
	"failed",
	"hit_rate",
	"cache_turnover",
	"preemptions",
	"vram_peak_mib",
	"vram_steady_mib"
];
/**
* What each request's file has, the experiment's columns first. `e2e_s` is `t_done − t_start`, to the end of the stream;
* `last_token_s` is when the last token came, which the gate's own end-to-end metrics end with.
*/
const PREFIX_REQUEST_HEADER = [
	..."t_start,t_first_token,t_done,prompt_tokens,completion_tokens,status,error".split(","),
	"id",
	"session",
	"round",
	"outcome",
	"cached_tokens",
	"ttft_s",
	"e2e_s",
	"last_token_s"
];
/** Decimals of a time in seconds: ten microseconds. */
const TIME = 5;
/** `csv/prefix_summary.csv` */
function prefixSummaryCsv(rows) {
	return csv(PREFIX_SUMMARY_HEADER, rows.map((row) => [
		row.mode,
		row.regime,
		row.concurrency,
		rounded(row.ttftS?.mean, TIME),
		rounded(row.ttftS?.p95, TIME),
		rounded(row.e2eS?.mean, TIME),
		rounded(row.e2eS?.p95, TIME),
		rounded(row.requestsPerS, 3),
		rounded(row.tokensPerS, 1),
		row.notes.join("; "),
		row.workload,
		rounded(row.ttftS?.p50, TIME),
		rounded(row.e2eS?.p50, TIME),
		row.requests,
		row.failed,
		rounded(row.hitRate, 4),
		rounded(row.turnover, 3),
		row.preemptions,
		rounded(row.vramPeakMib, 0),
		rounded(row.vramSteadyMib, 0)
	]));
}
/** The requests of a cell on one server. Times are seconds since that server's spawn. */
function prefixRequestsCsv(traces) {
	return csv(PREFIX_REQUEST_HEADER, traces.map((trace) => [
		rounded(trace.startS, 6),
		rounded(trace.firstTokenS, 6),
		rounded(trace.endS, 6),
		trace.promptTokens,
		trace.outputTokens,
		trace.status,
		trace.error,
		trace.id,
		trace.session,
		trace.round,
		trace.outcome,
		trace.cachedTokens,
		trace.firstTokenS === null ? null : rounded(trace.firstTokenS - trace.startS, 6),
		rounded(trace.endS - trace.startS, 6),
		trace.lastTokenS === null ? null : rounded(trace.lastTokenS - trace.startS, 6)
	]));
}
/**
* Name of a cell's file: `sequential_off_1024_1.csv`, `concurrent_on_1024_16.csv`; the regime of any but the main
* workload has the workload's name in front.
*/
function prefixRequestsName(mode, cell, primary) {
	return `csv/${cell.concurrency === 1 ? "sequential" : "concurrent"}_${mode}_${cell.workload === primary ? cell.regime : `${cell.workload}-${cell.regime}`}_${cell.concurrency}.csv`;
}

// src/report/prefix-log-lines.ts
const STARTUP = /enable_prefix_caching|prefix.?cach\w* (?:is )?(?:enabled|disabled|not supported)|GPU KV cache size|KV cache size:|Maximum concurrency for|# (?:GPU|CPU) blocks/i;
const PRESSURE = /preempt|out of memory|OutOfMemory|\bOOM\b|insufficient (?:memory|kv)|no (?:available|free) (?:memory|blocks)|not enough (?:memory|kv|space)|swap(?:ped|ping) (?:in|out)/i;
const HIT_RATE = /prefix cache hit rate/i;
/** The configuration, which is printed in one line, holds the setting somewhere in its middle. */
const RATE = /prefix cache hit rate:? *[\d.]+ ?%?/i;
const SETTING = /enable_prefix_caching['"]?\s*[:=]\s*\w+/i;
const MOST_LINES = 6;
const LONGEST = 220;
/** Finds them in a `server.log`; long lines are cut around what matters. */
function prefixLogLines(log) {
	const startup = [];
	const pressure = [];
	let hitRate = null;
	for (const line of log.split("\n")) if (HIT_RATE.test(line)) hitRate = shorten(line, RATE);
	else if (PRESSURE.test(line) && pressure.length < MOST_LINES) pressure.push(shorten(line));
	else if (STARTUP.test(line) && startup.length < MOST_LINES) startup.push(shorten(line));
	return {
		startup,
		pressure,
		hitRate
	};
}
function shorten(line, matter = SETTING) {
	const text = line.trim();
	if (text.length <= LONGEST) return text;
	const found = matter.exec(text);
	if (found === null) return `${text.slice(0, LONGEST)} …`;
	const head = text.slice(0, 90);
	return found.index + found[0].length <= 90 ? `${head} …` : `${head} … ${found[0]} …`;
}

// src/report/prefix-results.ts
/** Where the experiment's page lies in the run folder. */
const PREFIX_RESULTS = "logs/prefix_caching_results.md";
const HEADER = [
	"prefix_regime",
	"concurrency",
	"p50/p95 TTFT off",
	"p50/p95 TTFT on",
	"TTFT p50",
	"TTFT p95",
	"req/s",
	"tok/s",
	"VRAM",
	"predicted P/(P+S)",
	"hit against miss",
	"hit rate",
	"notes"
];
const ALIGN = [
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"r",
	"l"
];
const WINS = {
	capacity: "capacity win",
	capacity_ux_loss: "capacity win, UX loss",
	latency: "latency win",
	latency_p95_loss: "latency win at the median, UX loss at p95",
	latency_throughput_loss: "latency win, throughput loss"
};
/** The canonical table of a workload: what caching changed by length and concurrency. */
function prefixTable(cells) {
	return table(HEADER, cells.map(rowOf), ALIGN);
}
function rowOf(cell) {
	const { off, on } = cell;
	const notes = [
		...off.notes.map((note) => `off: ${note}`),
		...on.notes.map((note) => `on: ${note}`),
		...!cell.quiet && off.quiet && on.quiet ? ["misses: not quiet"] : []
	];
	const win = cell.win === "none" ? (cell.reason?.name ?? "").replaceAll("_", " ") : WINS[cell.win];
	return [
		plain(cell.regime),
		String(cell.concurrency),
		milliseconds(off.ttftS),
		milliseconds(on.ttftS),
		change(cell.ttftP50),
		change(cell.ttftP95),
		change(cell.requestsPerS),
		change(cell.tokensPerS),
		on.vramPeakMib === null ? "not measured" : change(cell.vramMib),
		share(cell.predictedSaving),
		change(cell.savingWithin === null ? null : -cell.savingWithin),
		share(on.hitRate),
		plain([win, ...notes].filter((note) => note !== "").join("; "))
	];
}
function milliseconds(spread) {
	if (spread === null) return "–";
	const p95 = spread.p95 === null ? "–" : (spread.p95 * 1e3).toFixed(1);
	return `${(spread.p50 * 1e3).toFixed(1)} / ${p95} ms`;
}
function change(value) {
	if (value === null) return "–";
	const points = value * 100;
	if (Math.abs(points) < .05) return "0 %";
	return `${points > 0 ? "+" : "−"}${Math.abs(points).toFixed(1)} %`;
}
function share(value) {
	return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
}
const PROMPTS_HEADER = [
	"workload",
	"prefix_regime",
	"prompts",
	"prefixes",
	"shared tokens",
	"tokens",
	"sha256"
];
function promptsTable(prompts) {
	return table(PROMPTS_HEADER, prompts.map((each) => [
		plain(each.workload),
		plain(each.regime),
		String(each.prompts),
		String(each.prefixes),
		String(each.sharedTokens),
		each.promptTokens.toFixed(0),
		each.prefixes === 1 ? code((each.hashes[0] ?? "").slice(0, 12)) : "–"
	]), [
		"l",
		"r",
		"r",
		"r",
		"r",
		"r",
		"l"
	]);
}
/** How much was measured, without which no percentage can be judged: requests, lengths of answers, rounds, servers. */
function sizes(rows) {
	const studied = rows.filter(({ workload }) => workload !== MISSES);
	if (studied.length === 0) return [];
	const answers = studied.flatMap(({ outputTokens }) => outputTokens === null ? [] : [outputTokens]);
	const length = answers.length === 0 ? "of a length that no server told" : `of ${span(answers)} output tokens`;
	const misses = rows.length === studied.length ? "" : ", as many misses beside the hits of the main workload";
	const rounds = span(studied.map((row) => row.rounds));
	const servers = span(studied.map((row) => row.sessions));
	return [`Each cell is ${span(studied.map(({ requests }) => requests))} requests to each kind of server${misses}, with answers ${length}, in ${rounds} ${rounds === "1" ? "round" : "rounds"} on ${servers} ${servers === "1" ? "server" : "servers"} of each kind.`];
}
/** `32`, or `32 to 64` */
function span(values) {
	const [least, most] = [Math.min(...values).toFixed(0), Math.max(...values).toFixed(0)];
	return least === most ? least : `${least} to ${most}`;
}
function bullets(lines) {
	return lines.map((line) => `- ${plain(line)}`).join("\n");
}
/** `logs/prefix_caching_results.md`, which is the study's `report.md` too. */
function renderPrefixResults(results) {
	const { run, study, titles, prompts, log } = results;
	const groups = [...Map.groupBy(study.comparisons, ({ workload }) => workload)];
	const tables = groups.flatMap(([workload, cells]) => [...groups.length === 1 ? [] : [`### ${plain(workload)}: ${plain(titles[workload] ?? "prompts of a file")}`], prefixTable(cells)]);
	const dropped = run.study?.dropped ?? [];
	return [
		`# Prefix caching: ${plain(run.scenario)}`,
		environmentLines(run).join("\n"),
		...study.doubts.length === 0 ? [] : ["## Before you rely on it", bullets(study.doubts)],
		"## Results",
		"Caching off against on: times to the first token, and changes as shares of the value with caching off. `hit against miss` is the median TTFT of hits against that of misses which took turns with them on the server with caching: what the two servers differ by beside caching is not in it.",
		...sizes(study.rows),
		...tables.length === 0 ? ["No cell was measured on both servers."] : tables,
		...dropped.length === 0 ? [] : [bullets(dropped.map(({ cell, reason }) => `${cell} was ${reason}`))],
		"## Interpretation",
		...study.interpretation.flatMap(({ title, lines }) => [`### ${plain(title)}`, bullets(lines)]),
		"## Conclusion",
		bullets(study.conclusion),
		"## The prompts",
		`Each prefix is the same byte by byte in all its prompts; behind it every request has a mark of its own, so that nothing but the prefix is ever found. ${code("csv/prefix_prompts.jsonl")} holds them with the hashes.`,
		promptsTable(prompts),
		"## What the server said",
		...logParts(log, results.meantToMiss),
		"## Run it again",
		codeBlock([results.command]),
		""
	].join("\n\n");
}
function logParts(log, meantToMiss) {
	if (log === null) return ["There is no log of the server with caching on."];
	return [
		log.startup.length === 0 ? "Its log says nothing of the prefix cache at its start." : codeBlock(log.startup),
		log.pressure.length === 0 ? "It said nothing of memory that ran short." : codeBlock(log.pressure),
		...log.hitRate === null ? [] : [`${hitRateWords(meantToMiss)}:`, codeBlock([log.hitRate])]
	];
}
/** The log counts all requests together, the table those that share their prefix. */
function hitRateWords(meantToMiss) {
	const said = "Its last word on the hit rate";
	if (meantToMiss === null || meantToMiss === 0) return said;
	return `${said}, hits and misses together: ${(meantToMiss * 100).toFixed(0)} % of the requests that were measured on it were meant to miss`;
}
/** For the terminal: a line a cell, then the conclusion. */
function prefixSummaryText({ study }) {
	return [
		...study.comparisons.map((cell) => {
			const ms = (spread) => spread === null ? "–" : (spread.p50 * 1e3).toFixed(1);
			return [
				`${cell.workload} ${cell.regime} tokens at ${cell.concurrency}:`.padEnd(32),
				`TTFT p50 ${ms(cell.off.ttftS)} → ${ms(cell.on.ttftS)} ms (${change(cell.ttftP50)}),`,
				...cell.savingWithin === null ? [] : [`hit against miss ${change(-cell.savingWithin)},`],
				`tok/s ${change(cell.tokensPerS)},`,
				`hit rate ${share(cell.on.hitRate)}${cell.quiet ? "" : ", not quiet"}`
			].join(" ");
		}),
		"",
		...study.doubts.map((doubt) => `! ${doubt}`),
		...study.conclusion.map((each) => `- ${each}`)
	].map((line) => `${oneLine(line)}\n`).join("");
}

// src/studies/prefix-prompt-facts.ts
/** What a study's own prompt file says of its groups, in their order. */
function readPromptFacts(text) {
	const lines = text.split("\n").filter((line) => line !== "").map((line) => promptLineSchema.parse(JSON.parse(line)));
	return [...Map.groupBy(lines, (line) => JSON.stringify([line.workload ?? "", line.prefix_regime ?? ""]))].map(([key, group]) => {
		const [workload, regime] = JSON.parse(key);
		const hashes = group.map((line) => line.prefix_sha256 ?? "");
		return {
			workload,
			regime,
			prompts: group.length,
			prefixes: new Set(hashes).size,
			hashes,
			sharedTokens: Math.min(...group.map((line) => line.shared_tokens ?? 0)),
			promptTokens: group.reduce((sum, line) => sum + (line.prompt_tokens ?? 0), 0) / group.length
		};
	});
}

// src/studies/prefix-report.ts
/** vLLM's block on a GPU, where a server does not say its own. */
const DEFAULT_BLOCK = 16;
const SUMMARY = {
	csv: "csv/prefix_summary.csv",
	json: "prefix_summary.json"
};
/** The pages and tables of a prefix study that was measured. */
async function reportPrefix(study) {
	const { options, run, traces } = study;
	const prompts = readPromptFacts(await study.files.read("csv/prefix_prompts.jsonl") ?? "");
	const primary = prompts[0]?.workload ?? "policy";
	const cells = prompts.flatMap((group) => options.concurrency.flatMap((concurrency) => {
		const { regime, workload } = group;
		const isMain = workload === primary;
		const own = {
			workload,
			regime,
			concurrency,
			case: caseName(group, concurrency, isMain)
		};
		const misses = {
			...own,
			workload: MISSES,
			case: missCaseName(group, concurrency)
		};
		return isMain ? [own, misses] : [own];
	}));
	const on = run.sessions.find((session) => session.variant === "on" && session.outcome === "ok");
	const facts = factsOf(prompts, primary, on);
	const sessions = studiedSessions(run, traces);
	const rows = prefixRows(sessions, cells);
	const comparisons = comparePrefixRows(rows, facts);
	const numbers = {
		schemaVersion: 1,
		rows,
		comparisons,
		...interpret(comparisons, facts),
		doubts: [...doubtsOf(study), ...controlDoubts(comparisons)]
	};
	const serverLog = on === void 0 ? null : await study.serverLog(on.index);
	const results = {
		run,
		study: numbers,
		titles: Object.fromEntries(Object.entries(WORKLOADS).map(([name, { title }]) => [name, title])),
		prompts,
		log: serverLog === null ? null : prefixLogLines(serverLog),
		meantToMiss: on === void 0 ? null : missShareOf(sessions, on.index),
		command: study.command
	};
	const page = renderPrefixResults(results);
	const requests = cells.flatMap((cell) => ["off", "on"].flatMap((mode) => {
		const own = requestsOf(sessions, mode, cell);
		const name = prefixRequestsName(mode, cell, primary);
		return own.length === 0 ? [] : [{
			name,
			text: prefixRequestsCsv(own)
		}];
	}));
	const files = [
		{
			name: SUMMARY.csv,
			text: prefixSummaryCsv(rows)
		},
		{
			name: SUMMARY.json,
			text: `${JSON.stringify(numbers, null, 1)}\n`
		},
		{
			name: PREFIX_RESULTS,
			text: page
		},
		...requests
	];
	const logPage = renderLogPage({
		title: `Prefix caching: ${run.scenario}`,
		run,
		commands: [study.command],
		keyNumbers: [prefixTable(comparisons)],
		artifacts: [PROMPTS_FILE, ...files.map(({ name }) => name)],
		observations: [...numbers.interpretation.flatMap(({ lines }) => lines), ...numbers.conclusion]
	});
	return {
		files: [...files, {
			name: LOG_PAGE,
			text: logPage
		}],
		report: page,
		summary: prefixSummaryText(results)
	};
}
function factsOf(prompts, primary, on) {
	return {
		prompts,
		primary,
		cachingOn: on?.kv?.prefixCaching ?? null,
		blockSize: on?.kv?.blockSize ?? DEFAULT_BLOCK,
		capacityTokens: on === void 0 ? null : capacityOf(on)
	};
}
/** Misses should take as long on both servers. Where they do not, neither do hits, caching or not. */
const MOST_CONTROL = .1;
function controlDoubts(comparisons) {
	const off = comparisons.filter(({ control }) => control !== null && Math.abs(control) > MOST_CONTROL);
	if (off.length === 0) return [];
	return [`Prompts that miss the cache took ${off.map(({ regime, concurrency, control }) => `${(control ?? 0) > 0 ? "+" : "−"}${Math.abs((control ?? 0) * 100).toFixed(0)} % (${regime} tokens at ${concurrency})`).join(", ")} on the server with caching: the two servers, or the machine meanwhile, differ by more than caching. Rely on the saving within one server, or measure again with --repeats 3.`];
}
/** What a reader must know before the numbers: what spoilt them, sessions that failed, what was not repeated. */
function doubtsOf(study) {
	const { run, options } = study;
	const failed = run.sessions.filter((session) => session.outcome !== "ok");
	const off = run.sessions.find((session) => session.variant === "off" && session.outcome === "ok");
	return [
		...study.doubts,
		...failed.map((session) => `A server with caching ${session.variant} failed: ${session.cause ?? "no reason given"}`),
		...off?.kv?.prefixCaching === true ? ["The server that was told to leave prefix caching off says enable_prefix_caching=True."] : [],
		...options.repeats === 1 ? ["One server of each kind was measured: restarts of the same server can differ by 10 % and more. --repeats 3 tells a small effect from chance."] : []
	];
}

// src/studies/prefix.ts
const optionsSchema = object({
	/** Lengths of generated prefixes in tokens. */
	regimes: array(number().int().min(16).max(1e6)).min(1).default([
		512,
		1024,
		2048
	]),
	concurrency: array(number().int().min(1).max(1024)).min(1).default([
		1,
		8,
		16,
		32
	]),
	/** Prompts of each length. */
	variants: number().int().min(4).max(1e3).default(32),
	outputTokens: number().int().min(2).max(1e5).default(32),
	workloads: array(string()).min(1).default(["policy"]),
	/** Servers of each kind. */
	repeats: number().int().min(1).max(20).default(1),
	rounds: number().int().min(1).max(20).default(1),
	/** Names the generated texts; other seeds give others. */
	textSeed: string().min(1).max(100).default("prefix"),
	/** A prompt file of the user's own, in place of generated prompts. */
	prompts: string().min(1).nullable().default(null)
});
function numbers(text) {
	const values = text.split(",").map((part) => Number(part.trim()));
	if (values.some((value) => !Number.isSafeInteger(value) || value < 1)) throw new InvalidArgumentError("expected whole numbers above 0, such as 512,1024");
	return [...new Set(values)];
}
function wholeNumber(text) {
	const [value, ...more] = numbers(text);
	if (value === void 0 || more.length > 0) throw new InvalidArgumentError("expected a whole number above 0");
	return value;
}
function names(text) {
	return [...new Set(text.split(",").map((part) => part.trim()))];
}
/** Prefix caching off against on: what a shared beginning saves, and when. */
const PREFIX_STUDY = {
	name: "prefix",
	description: "prefix caching off against on, over lengths of the prefix and requests in flight",
	addOptions(command) {
		return command.option("--regimes <tokens>", "lengths of the shared prefix (default: 512,1024,2048)", numbers).option("--concurrency <n>", "requests in flight (default: 1,8,16,32)", numbers).option("--variants <n>", "prompts of each length (default: 32)", wholeNumber).option("--output-tokens <n>", "tokens of each answer (default: 32)", wholeNumber).option("--workloads <names>", `which of ${Object.keys(WORKLOADS).join(", ")}, or all (default: policy)`, names).option("--prompts <file>", "JSONL with prompts of your own: prompt, workload, prefix_regime, id").option("--repeats <n>", "servers of each kind (default: 1)", wholeNumber).option("--study-rounds <n>", "passes in each server (default: 1)", wholeNumber).option("--text-seed <text>", "other seeds give other generated prompts (default: prefix)");
	},
	readOptions(given) {
		const { workloads, studyRounds, ...rest } = given;
		const all = workloads?.length === 1 && workloads[0] === "all" ? Object.keys(WORKLOADS) : workloads;
		const unknown = all?.find((name) => !Object.hasOwn(WORKLOADS, name));
		if (unknown !== void 0) throw new UsageError(`--workloads: "${unknown}" is none, expected of ${Object.keys(WORKLOADS).join(", ")}, or all`);
		const parsed = optionsSchema.safeParse({
			...rest,
			workloads: all,
			rounds: studyRounds
		});
		if (!parsed.success) {
			const [issue] = parsed.error.issues;
			throw new UsageError(`study prefix: ${issue?.path.join(".")}: ${issue?.message}`);
		}
		return parsed.data;
	},
	async plan(options, config, files, world) {
		const { server } = config;
		if (server.kind !== "launch") throw new UsageError("study prefix starts servers of its own, with prefix caching off and on: give a model in place of a server's address");
		const given = await promptGroups(options, files, world);
		return {
			variants: await variantsOf(server, world),
			order: orderOf(options.repeats),
			rounds: options.rounds,
			cells: prefixCells(options, given, files)
		};
	},
	report: reportPrefix
};
/** Off, on, on, off, …: neither kind comes first more often, so that what drifts meets both alike. */
function orderOf(repeats) {
	return Array.from({ length: repeats }, (_, index) => index % 2 === 0 ? ["off", "on"] : ["on", "off"]).flat();
}
/** The server with prefix caching off and on, in the spelling that its version takes. */
async function variantsOf(server, world) {
	world.log.step(`asking ${server.command.join(" ")} how it turns prefix caching off`);
	const accepted = await fetchAcceptedFlags({
		command: server.command,
		env: serverEnvironment(world.environment, server.env),
		signal: world.signal
	});
	const flags = prefixCachingFlags(accepted);
	if (flags === null) throw new UsageError(`${server.command.join(" ")}: its help has no --enable-prefix-caching: this server cannot turn prefix caching on`);
	if (accepted === null) world.log.warn(`${server.command.join(" ")} printed no help: ${[...flags.off, ...flags.on].join(" and ")} are taken to exist`);
	const args = withoutPrefixCaching(server.args);
	return {
		off: {
			...server,
			args: [...args, ...flags.off]
		},
		on: {
			...server,
			args: [...args, ...flags.on]
		}
	};
}
/** Prompts that exist: those of an interrupted study, else of the user's file; null when they are to be generated. */
async function promptGroups(options, files, world) {
	const kept = await files.read(PROMPTS_FILE);
	if (kept !== null) return readPromptFile(kept, PROMPTS_FILE);
	if (options.prompts === null) return null;
	const path = resolve(world.cwd, options.prompts);
	const size = await stat(path).then((found) => found.size, () => null);
	const text = size !== null && size <= 64e6 ? await readTextIfExists(path) : null;
	if (text === null) throw new UsageError(size === null ? `--prompts ${options.prompts}: there is no such file` : `--prompts ${options.prompts}: ${size} bytes, expected at most ${MAX_PROMPT_FILE_BYTES}`);
	return readPromptFile(text, options.prompts);
}

// src/study-doubts.ts
const NOT_QUIET = "The machine was not quiet in";
/** Why what was measured must not be trusted: what is no result ends as invalid. A busy machine is a doubt. */
function untrustedIn(run, measurements) {
	const ofMachine = new Set(run.sessions.flatMap(({ rounds = [], dirtyStart = [] }) => [...dirtyStart, ...rounds.map(({ dirty }) => dirty.join("; "))]));
	return [...new Set(measurements.taints.map(({ reason }) => reason))].filter((reason) => !ofMachine.has(reason));
}
/**
* What the machine did meanwhile, as sentences: of rounds, and of server starts. Each reason stands there once, with its
* worst figure over all of them. Rounds that a clean one replaced are not counted.
*/
function machineDoubts({ sessions }) {
	const ok = sessions.filter((session) => session.outcome === "ok");
	const rounds = ok.flatMap((session) => session.rounds ?? []);
	return [...sentenceOf(rounds.filter((round) => round.use !== "replaced").map((round) => round.dirty), rounds.length, "rounds"), ...sentenceOf(ok.map((session) => session.dirtyStart ?? []), ok.length, "server starts")];
}
function sentenceOf(reasons, of, what) {
	const dirty = reasons.filter((each) => each.length > 0);
	if (dirty.length === 0) return [];
	const worst = dirty.length > 1 ? ", at worst" : "";
	return [`${NOT_QUIET} ${dirty.length} of ${of} ${what}${worst}: ${worstOfEach(dirty.flat()).join("; ")}`];
}
/** A figure of a reason, not a digit of a name: `41.2` in `for 41.2 % of batching.c8`, not a process's number. */
const FIGURE = /(?<=^|[\s(])(?<!PID )\d+(?:\.\d+)?(?=[\s,;)]|$)/g;
/** Reasons that differ in their figures alone are one: that of the largest first figure stays, at its first place. */
function worstOfEach(reasons) {
	const figureOf = (reason) => Number(reason.match(FIGURE)?.[0] ?? 0);
	const worst = /* @__PURE__ */ new Map();
	for (const reason of reasons) {
		const key = reason.replace(FIGURE, "#");
		const known = worst.get(key);
		if (known === void 0 || figureOf(reason) > figureOf(known)) worst.set(key, reason);
	}
	return [...worst.values()];
}
/** A page that begins with what speaks against relying on it, where it does not say so itself. */
function withDoubts(page, doubts) {
	const unsaid = doubts.map(plain).filter((doubt) => !isSaid(doubt, page));
	if (unsaid.length === 0) return page;
	return `Before you rely on it:\n\n${unsaid.map((doubt) => `- ${doubt}`).join("\n")}\n\n${page}`;
}
/** Whether a page says it, or, of a machine that was not quiet, says it in its own numbers. */
function isSaid(doubt, page) {
	return page.includes(doubt) || doubt.startsWith(NOT_QUIET) && page.includes(NOT_QUIET);
}

// src/study-sessions.ts
/** The sessions of the plan that are still to be measured: those that ended well, or were left out, are not repeated. */
function sessionsLeft(order, { sessions, study }) {
	const left = [...order];
	const remove = (at) => {
		if (at >= 0) left.splice(at, 1);
	};
	for (const { variant } of study?.dropped ?? []) if (variant !== void 0) remove(left.lastIndexOf(variant));
	for (const { variant, outcome } of sessions) if (outcome === "ok") remove(left.indexOf(variant));
	return left;
}
/**
* Measures the sessions of a study: says first how long what is left will take, and leaves out what does not fit in the
* budget, server starts that the study can spare before cells.
*
* @throws UsageError when not even one cell fits
*/
async function measureCells(started, study, config, world, { budgetMinutes }) {
	const { run, runDir, plan } = started;
	const { cells } = study;
	const beganMs = Date.now();
	const budgetS = (budgetMinutes ?? Number.POSITIVE_INFINITY) * 60;
	const alreadyDropped = new Set(run.study?.dropped.map(({ cell }) => cell));
	let kept = cells.filter((cell) => !alreadyDropped.has(cell.name));
	let left = sessionsLeft(plan.order, run);
	started.progress.expect(left);
	if (left.length < plan.order.length) world.log.step(`resuming: ${left.length} of ${plan.order.length} sessions are left, the others were measured or left out`);
	if (run.sessions.some(({ outcome }) => outcome !== "ok") && left.length > 0) world.log.step("a session that did not end well is measured again from its start");
	const drop = (cell, variant) => {
		const reason = `left out: the study would not have fitted in ${budgetMinutes} min`;
		world.log.warn(`${cell}: ${reason}`);
		run.study?.dropped.push({
			cell,
			reason,
			...variant === void 0 ? {} : { variant }
		});
	};
	const dropSessions = (places) => {
		for (const place of places) {
			const variant = left[place] ?? "";
			drop(study.sessionName?.(variant) ?? `a server start of ${variant}`, variant);
		}
		left = left.filter((_, place) => !places.includes(place));
		started.progress.expect(left);
	};
	for (let done = 0; left.length > 0; done += 1) {
		const pace = paceOf(run, kept, plan.rounds);
		const leftS = budgetS - (Date.now() - beganMs) / 1e3;
		const measured = run.sessions.filter(({ outcome }) => outcome === "ok").map(({ variant }) => variant);
		while (estimateSeconds(kept, {
			sessions: left.length,
			rounds: plan.rounds
		}, pace) > leftS) {
			const places = study.spare?.(left, measured) ?? [];
			if (places.length === 0) break;
			dropSessions(places);
		}
		const [variant] = left;
		if (variant === void 0) break;
		const remaining = {
			sessions: left.length,
			rounds: plan.rounds
		};
		const fitted = fitCells(kept, remaining, pace, leftS);
		if (fitted.kept.length === 0 && cells.length > 0) {
			if (done > 0) {
				dropSessions(left.map((_, place) => place));
				break;
			}
			throw new UsageError(`--budget ${budgetMinutes}: no cell fits in it; ${remaining.sessions} server starts alone take about ${minutesText(remaining.sessions * pace.sessionS)}`);
		}
		kept = [...fitted.kept];
		for (const cell of fitted.dropped) drop(cell.name);
		await writeRun(runDir, run);
		world.log.step(`${remaining.sessions} server start${remaining.sessions === 1 ? "" : "s"} and ${kept.length} cell${kept.length === 1 ? "" : "s"} each left: about ${minutesText(estimateSeconds(kept, remaining, pace))}`);
		const suite = suiteOfCells(kept, study.cold);
		const place = {
			variant,
			index: run.sessions.length
		};
		const prepared = await study.prepare?.({
			...place,
			runDir: resolve(runDir)
		});
		const server = prepared === void 0 ? {} : { server: prepared.server };
		const session = await measureSession(started, config, world, {
			variant,
			suite,
			...server
		}).finally(() => prepared?.undo?.());
		if (!mayGoOn(session)) return;
		left = left.slice(1);
	}
	await writeRun(runDir, run);
	await study.finish?.(resolve(runDir));
}
/** The pace of the sessions that were measured, or a first guess. */
function paceOf(run, cells, rounds) {
	const last = run.sessions.filter((session) => session.outcome === "ok").at(-1);
	if (last === void 0) return FIRST_PACE;
	const sessionS = (last.readyS ?? FIRST_PACE.sessionS) + (last.disposal?.tookS ?? 0) + 2;
	const starts = (last.cases ?? []).map((each) => each.startS).filter((atS) => atS > 0);
	const endS = Math.max(...(last.cases ?? []).map((each) => each.endS));
	const guessedS = rounds * cells.reduce((sum, cell) => sum + cellSeconds(cell.work), 0);
	const factor = starts.length === 0 || guessedS === 0 ? 1 : (endS - (last.servingS ?? Math.min(...starts))) / guessedS;
	return {
		sessionS,
		factor: factor > 0 ? factor : 1
	};
}
/** `95 s`, `12 min` */
function minutesText(seconds) {
	return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

// src/study.ts
/**
* Runs a study: says how long it will take, measures its sessions, writes its pages. One that was interrupted goes on
* where it stopped.
*
* @throws UsageError for options that cannot be met, or a run folder that is no such study
*/
async function runStudy(kind, options, config, world, request) {
	let runDir = request.resume === void 0 ? null : resolve(world.cwd, request.resume);
	const files = {
		read: async (name) => runDir === null ? null : readTextIfExists(join(runDir, name)),
		write: async (name, text) => {
			if (runDir === null) throw new RangeError("the run folder does not exist yet");
			await writeFileAtomic(join(runDir, name), text);
		}
	};
	const study = await kind.plan(options, config, files, world);
	const plan = {
		variants: study.variants,
		order: study.order,
		rounds: study.rounds,
		suite: suiteOfCells(study.cells, study.cold),
		probes: study.cells.map((cell) => cell.name)
	};
	if (runDir !== null) await endLeftovers(join(runDir, "state.json"), world);
	const started = runDir === null ? await startRun(config, world, plan, await identify(config, world)) : await resumeRun(runDir, config, world, plan, (run) => checkResumable(run, kind.name, options));
	runDir = started.runDir;
	const { run } = started;
	run.study ??= {
		name: kind.name,
		options,
		dropped: []
	};
	await measureCells(started, study, config, world, request);
	const measured = await concludeMeasuring(started, config, world);
	const where = relative(world.cwd, runDir) || runDir;
	const refused = measured.failure?.cause === "failed_start" && isRefused(kind, run);
	const resume = refused ? null : resumeCommand(request.command, where);
	const stopped = measured.failure === null ? null : stoppedText(measured.failure, resume);
	try {
		if (measured.failure !== null && stopped !== null && !run.sessions.some((session) => session.outcome === "ok")) return {
			runDir,
			exitCode: exitOf(measured.failure, refused),
			summary: stopped
		};
		const { traces } = await readRunFolder(runDir);
		const folder = runDir;
		const untrusted = untrustedIn(run, measured.measurements);
		const doubts = [...untrusted, ...machineDoubts(run)];
		const report = await kind.report({
			options,
			run,
			traces,
			measurements: measured.measurements,
			doubts,
			command: request.command,
			files,
			serverLog: (session) => readTextIfExists(join(folder, "sessions", String(session), "server.log"))
		});
		for (const { name, text } of report.files) await files.write(name, name.endsWith(".md") ? withDoubts(text, doubts) : text);
		await files.write(RUN_FILES.report, withDoubts(report.report, doubts));
		const unsaid = doubts.filter((doubt) => !isSaid(doubt, report.summary)).map((doubt) => `! ${doubt}\n`);
		const invalid = [...untrusted, ...report.invalid ?? []];
		const failed = stopped === null ? "" : `\n${stopped}`;
		return {
			runDir,
			exitCode: measured.failure !== null ? exitOf(measured.failure, refused) : invalid.length > 0 ? EXIT.noVerdict : EXIT.pass,
			summary: `${report.summary}${unsaid.join("")}${failed}\nEverything is in ${where}; the page is ${join(where, RUN_FILES.report)}\n`
		};
	} finally {
		await measured.close();
	}
}
/** Whether the last server would not start since the study's own options ask for what it cannot do. */
function isRefused({ isRefusal }, { sessions }) {
	const last = sessions.at(-1);
	return last?.outcome === "failed_start" && last.cause !== void 0 && isRefusal?.(last.cause) === true;
}
function exitOf(failure, refused) {
	return refused ? EXIT.usage : failure.exitCode;
}
/** Ends the servers of a run that was killed. */
async function endLeftovers(statePath, { log }) {
	if (await readTextIfExists(statePath) === null) return;
	const survivors = await endServersOf(await readStateFile(statePath), log);
	if (survivors.length > 0) throw new UsageError(`--resume: processes ${survivors.join(", ")} of the run that was killed could not be ended: end them by hand first`);
}
/**
* How a study that did not end goes on: what was measured is kept.
*
* @param resume - the command; null where other options are needed, which make it another study
*/
function stoppedText({ cause, headline, nextAction }, resume) {
	const cancelled = cause === "cancelled";
	const goOn = `${cancelled ? "Go" : "Then go"} on with it, keeping the sessions that ended; the one that did not is measured again from its start: ${resume}`;
	return [
		headline,
		...cancelled ? [] : [nextAction],
		...resume === null ? [] : [goOn],
		""
	].join("\n");
}
/** @param command - as it was typed */
function resumeCommand(command, runDir) {
	return / --resume[ =]/.test(command) ? command : `${command} --resume ${typed([runDir])}`;
}
function checkResumable(run, name, options) {
	if (run.study?.name !== name) throw new UsageError(`--resume: that run is ${run.study === void 0 ? "no study" : `a study of ${run.study.name}`}, expected one of ${name}`);
	if (JSON.stringify(run.study.options) !== JSON.stringify(options)) throw new UsageError(`--resume: that study was begun with other options (${JSON.stringify(run.study.options)}), got ${JSON.stringify(options)}`);
}

// src/study-commands.ts
/** Studies may take hours; what bounds them is `--budget`. */
const CEILING_MINUTES = 1440;
const KINDS = [
	PREFIX_STUDY,
	KV_STUDY,
	BATCHING_STUDY,
	COLDSTART_STUDY,
	ALLOCATOR_STUDY
];
/** Adds `study` with a command for each kind. */
function addStudyCommands(program, { out, finish }) {
	if (KINDS.length === 0) return;
	const study = program.command("study").description("an experiment over several servers: tables, CSV and pages of its own");
	for (const kind of KINDS) {
		const command = withServerOptions(study.command(kind.name).description(kind.description)).option("--budget <minutes>", "leave out the least valuable cells that do not fit", minutes).option("--resume <run>", "go on with a study that was interrupted");
		kind.addOptions(command).action(async (options) => {
			const { config, world } = await prepare(options);
			const result = await runStudy(kind, kind.readOptions(options), {
				...config,
				budgetMinutes: CEILING_MINUTES
			}, world, {
				command: typed(["vllm-gate", ...process.argv.slice(2)]),
				...options.resume === void 0 ? {} : { resume: options.resume },
				...options.budget === void 0 ? {} : { budgetMinutes: options.budget }
			});
			out(result.summary);
			finish(result.exitCode);
		});
		command.exitOverride().showSuggestionAfterError();
	}
	study.exitOverride().showSuggestionAfterError();
}

// src/commands.ts
const out = (text) => process.stdout.write(text);
const SIMULATE_HELP = `
For example: vllm-gate simulate -- Qwen/Qwen2.5-1.5B-Instruct --port 8000 --max-model-len 4096
The model is a name that the simulator knows or a folder with a config.json. Device, version, noise, faults and
regressions come from flags of its own (--startup-scale 0.1, --sim-gpu h100, --sim-settings FILE.json) or from VLLM_SIM_
variables, which the README lists. It ends on SIGINT and SIGTERM, as vLLM does.`;
async function run(options) {
	const { config, world } = await prepare(options, { headAlone: false });
	const result = await runGate(config, world);
	if (options.json === true) out(`${JSON.stringify(result.verdict, null, 1)}\n`);
	else {
		const path = join(result.runDir, RUN_FILES.comparison);
		const text = await readTextIfExists(path);
		const comparison = text === null ? null : parseJson(text, comparisonFileSchema, path);
		out(renderTerminal(result.verdict, comparison, shown(result.runDir), stdoutLook()));
	}
	return result.verdict.exitCode;
}
function shown(runDir) {
	return join(relative(process.cwd(), runDir) || runDir, RUN_FILES.report);
}
function recordOptionsOf({ extend, accept, reason }) {
	if (extend !== void 0 && accept !== void 0) throw new UsageError("--extend and --accept: expected one of them, an extension accepts nothing");
	return {
		...extend === void 0 ? {} : { extendTo: extend === true ? 10 : extend },
		...accept === void 0 ? {} : { accept },
		...reason === void 0 ? {} : { reason }
	};
}
async function record(runDirs, options) {
	const how = recordOptionsOf(options);
	const propose = await proposerOf(options);
	if (runDirs.length > 0) {
		const given = Object.keys(overridesOf(options)).filter((key) => key !== "baselineDir");
		if (given[0] !== void 0) throw new UsageError(`${optionName(given[0])} has no effect on runs that exist: give run folders, or options to measure new ones`);
		const dir = options.baselineDir ?? await baselineDirOf(options);
		await propose(await recordRuns(runDirs, dir, { cwd: process.cwd() }, how));
		return EXIT.pass;
	}
	const { config, world } = await prepare(options);
	const result = await runAndRecord(config, world, how);
	if (result.recorded === null) out(renderTerminal(result.verdict, null, shown(result.runDir), stdoutLook()));
	else await propose(result.recorded);
	return result.verdict.exitCode;
}
async function baselineDirOf(options) {
	const name = options.config ?? "vllm-gate.yml";
	if (await readCheckedOut(resolve(name), await gitRoot(process.cwd())) === null && options.config === void 0) return "baselines";
	const { configPath, file } = await readConfigFile(name);
	return file.baselineDir || configPath;
}
async function readConfigFile(name) {
	const { parseConfig } = await import("./load2.js");
	const text = await readCheckedOut(resolve(name), await gitRoot(process.cwd()));
	if (text === null) throw new UsageError(`${name}: no such file`);
	const file = parseConfig(text, name);
	checkMetricNames(file, name);
	return {
		configPath: name,
		file
	};
}
/** Prints what was recorded, and proposes it by a pull request where that is asked for. */
async function proposerOf({ pullRequest, baseBranch, repository }) {
	const byHand = "Commit this file on the base branch: pull requests are judged by that copy.";
	if (pullRequest !== true) return async (recorded) => out(recordedText(recorded, byHand));
	const [{ accessFromEnvironment }, { proposedText, proposeRecorded }] = await Promise.all([import("./github-access2.js"), import("./proposing2.js")]);
	const access = accessFromEnvironment(repository, process.env, log);
	return async (recorded) => {
		out(recordedText(recorded, "Pull requests are judged by the base branch's copy."));
		out(printable(`${proposedText(await proposeRecorded(recorded, process.cwd(), access, baseBranch ?? null))}\n`));
	};
}
async function compare(options) {
	const found = options.config !== void 0 || options.scenario !== void 0 ? await readConfigFile(options.config ?? "vllm-gate.yml") : null;
	const rulesFor = (measured) => {
		if (found === null) return null;
		const { file, configPath } = found;
		const names = Object.keys(file.scenarios);
		const scenario = options.scenario ?? (names.length === 1 ? names[0] : void 0) ?? measured;
		const section = Object.hasOwn(file.scenarios, scenario) ? file.scenarios[scenario] : void 0;
		if (section !== void 0) return {
			...file,
			...section
		};
		throw new UsageError(options.scenario === void 0 ? `${configPath} has ${names.length} scenarios and none is "${measured}", which was measured: choose one with --scenario: ${names.join(", ")}` : `--scenario: ${configPath} has no scenario "${scenario}". It has: ${names.join(", ")}`);
	};
	if (options.scenario !== void 0) rulesFor(options.scenario);
	const { comparison, verdict } = await compareRuns(options.base, options.head, rulesFor);
	if (options.json === true) out(`${JSON.stringify({
		...comparison,
		...verdict
	}, null, 1)}\n`);
	else out(renderTerminal(verdict, comparison, "--json prints every input of the decision", stdoutLook()));
	return verdict.exitCode;
}
async function report(names, { cells = [] }) {
	const cwd = process.cwd();
	const folders = await runFolders(names, cwd);
	const [only] = folders;
	if (folders.length === 1 && only !== void 0 && cells.length === 0) {
		const input = commentInputOf(await readReported(only), cwd);
		out(renderComment(input));
		await writeHtmlReport(only, input, log);
		return EXIT.pass;
	}
	const { runs, unread } = await readAll(folders, readReported);
	const { overall, parts } = mergeRuns(cellsOf$1(runs, unread, cells, cwd));
	out(`${parts.map(({ text }) => text).join("\n\n")}\n`);
	return overall.exitCode;
}
function buildProgram(finish) {
	const program = new Command("vllm-gate").description("A regression gate for people who serve language models with vLLM.").version(TOOL_VERSION).showSuggestionAfterError().exitOverride();
	const action = (work) => async (...args) => finish(await work(...args));
	program.command("demo").description("the whole story on the built-in simulator, no GPU, under a minute").action(action(() => runDemo({
		out,
		log,
		...interruptions(),
		environment: process.env
	})));
	withServeOptions(program.command("run").description("serve, probe, measure, compare with the baseline, report")).option("--compare-to <what>", "baseline, or base: the base's flags, measured in turn with these (A/B)").option("--base-args <flags>", "flags of the other side of an A/B, in place of the base branch's").option("--base-command <command>", "what starts the other side of an A/B: another version").option("--report-only", "every verdict exits 0").option("--json", "print verdict.json").action(action((options) => run(options)));
	withServeOptions(program.command("record").description("make a baseline, from run folders that exist or by measuring").argument("[runs...]", "run folders")).option("--extend [sessions]", `add to the baseline that is there, ${10} sessions at most`, wholeNumber$1).option("--accept <metrics...>", "take only these metrics from the runs, by id or pattern; needs --reason").option("--reason <text>", "why the baseline changes; it is kept in the file").option("--pull-request", "propose it by a pull request on GitHub, with the token in GITHUB_TOKEN").option("--base-branch <name>", "of --pull-request, the repository's default branch by default").option("--repository <owner/name>", "of --pull-request, GITHUB_REPOSITORY by default").action(action((runs, options) => record(runs, options)));
	addInitCommand(program, {
		out,
		finish
	});
	addDoctorCommand(program, {
		out,
		finish
	});
	addStudyCommands(program, {
		out,
		finish
	});
	addLedgerCommands(program, {
		out,
		finish
	});
	program.command("compare").description("compare run folders, or a baseline, with run folders").requiredOption("--base <path...>", "run folders, or a baseline's file").requiredOption("--head <path...>", "run folders").option("--config <file>", "take tolerances, levels and limits from this configuration").option("--scenario <name>", "and from this scenario of it").option("--json", "print comparison and verdict").action(action((options) => compare(options)));
	program.command("report").description("print the comment of a run folder and write its report.html, or one comment on many, which ends as the worst of them").argument("<runs...>", "run folders, folders of them, or patterns").option("--cells <names...>", "names of the runs that must be there: a missing one fails the report").action(action((runs, options) => report(runs, options)));
	addPublishCommand(program, {
		finish,
		log,
		wholeNumber: wholeNumber$1
	});
	program.command("simulate").description("serve the built-in simulator of vLLM: its HTTP, log, metrics and flags, without a GPU").argument("[flags...]", "after --, what would follow `vllm serve`: a model and vLLM's own flags").addHelpText("after", SIMULATE_HELP).action(action((flags) => runSimulator(flags)));
	program.addHelpText("after", "\nExit codes: 0 pass, 1 regressed, 2 wrong input, 3 measured but no verdict, 4 nothing measured, 130/143 cancelled.");
	for (const command of program.commands) command.exitOverride().showSuggestionAfterError();
	return program;
}
/**
* Runs the command line.
*
* @param argv - arguments without node and script
* @returns the exit code
*/
async function main(argv) {
	outliveReaders();
	let code = EXIT.pass;
	const program = buildProgram((finished) => {
		code = finished;
	});
	try {
		if (argv.length === 0) {
			out(program.helpInformation());
			return EXIT.usage;
		}
		await program.parseAsync([...argv], { from: "user" });
		return code;
	} catch (error) {
		if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
		log.follow?.(null);
		const known = error instanceof GateError;
		process.stderr.write(printable(`vllm-gate: ${known ? messageOf(error) : error.stack ?? String(error)}\n`));
		return known ? error.exitCode : EXIT.notMeasured;
	}
}

export { main };