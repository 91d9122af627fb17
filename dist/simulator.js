import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { connect } from "node:net";
import { STATUS_CODES, createServer as createServer$1 } from "node:http";
import { performance as performance$1 } from "node:perf_hooks";
import { existsSync, readFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { setTimeout as setTimeout$1 } from "node:timers/promises";

// src/simulator/vllm-flags.json
var vllm_flags_default = {
	headless: "bool",
	"api-server-count": "value",
	config: "value",
	grpc: "bool",
	"lora-modules": "list",
	"chat-template": "value",
	"chat-template-content-format": "value",
	"trust-request-chat-template": "bool",
	"default-chat-template-kwargs": "value",
	"response-role": "value",
	"return-tokens-as-token-ids": "bool",
	"enable-auto-tool-choice": "bool",
	"exclude-tools-when-tool-choice-none": "bool",
	"tool-call-parser": "value",
	"tool-parser-plugin": "value",
	"tool-server": "value",
	"log-config-file": "value",
	"max-log-len": "value",
	"enable-prompt-tokens-details": "bool",
	"enable-server-load-tracking": "bool",
	"enable-force-include-usage": "bool",
	"enable-tokenizer-info-endpoint": "bool",
	"enable-log-outputs": "bool",
	"enable-log-deltas": "bool",
	"log-error-stack": "bool",
	"tokens-only": "bool",
	"fingerprint-mode": "value",
	"fingerprint-value": "value",
	host: "value",
	port: "value",
	"data-parallel-supervisor-port": "value",
	"dp-supervisor-probe-interval-s": "value",
	"dp-supervisor-probe-timeout-s": "value",
	"dp-supervisor-probe-failure-threshold": "value",
	uds: "value",
	"uvicorn-log-level": "value",
	"disable-uvicorn-access-log": "bool",
	"disable-access-log-for-endpoints": "value",
	"allow-credentials": "bool",
	"allowed-origins": "value",
	"allowed-methods": "value",
	"allowed-headers": "value",
	"api-key": "list",
	"ssl-keyfile": "value",
	"ssl-certfile": "value",
	"ssl-ca-certs": "value",
	"enable-ssl-refresh": "bool",
	"ssl-cert-reqs": "value",
	"ssl-ciphers": "value",
	"root-path": "value",
	middleware: "value",
	"enable-request-id-headers": "bool",
	"disable-fastapi-docs": "bool",
	"h11-max-incomplete-event-size": "value",
	"h11-max-header-count": "value",
	"enable-offline-docs": "bool",
	"enable-flash-late-interaction": "bool",
	model: "value",
	runner: "value",
	convert: "value",
	tokenizer: "value",
	"tokenizer-mode": "value",
	"trust-remote-code": "bool",
	dtype: "value",
	seed: "value",
	"hf-config-path": "value",
	"allowed-local-media-path": "value",
	"allowed-media-domains": "list",
	revision: "value",
	"code-revision": "value",
	"tokenizer-revision": "value",
	"max-model-len": "value",
	quantization: "value",
	"quantization-config": "value",
	"allow-deprecated-quantization": "bool",
	"enforce-eager": "bool",
	"enable-return-routed-experts": "bool",
	"max-logprobs": "value",
	"logprobs-mode": "value",
	"use-fp64-gumbel": "bool",
	"disable-sliding-window": "bool",
	"disable-cascade-attn": "bool",
	"skip-tokenizer-init": "bool",
	"enable-prompt-embeds": "bool",
	"served-model-name": "list",
	"config-format": "value",
	"hf-token": "value",
	"hf-overrides": "value",
	"pooler-config": "value",
	"generation-config": "value",
	"override-generation-config": "value",
	"enable-sleep-mode": "bool",
	"enable-cumem-allocator": "bool",
	"model-impl": "value",
	"override-attention-dtype": "value",
	"logits-processors": "list",
	"io-processor-plugin": "value",
	"renderer-num-workers": "value",
	"load-format": "value",
	"download-dir": "value",
	"safetensors-load-strategy": "value",
	"safetensors-prefetch-num-threads": "value",
	"safetensors-prefetch-block-size": "value",
	"model-loader-extra-config": "value",
	"ignore-patterns": "list",
	"use-tqdm-on-load": "bool",
	"pt-load-map-location": "value",
	"attention-backend": "value",
	"mamba-backend": "value",
	"enable-mamba-cache-stochastic-rounding": "bool",
	"mamba-cache-philox-rounds": "value",
	"reasoning-parser": "value",
	"reasoning-parser-plugin": "value",
	"distributed-executor-backend": "value",
	"pipeline-parallel-size": "value",
	"master-addr": "value",
	"master-port": "value",
	nnodes: "value",
	"node-rank": "value",
	"distributed-timeout-seconds": "value",
	"cpu-distributed-timeout-seconds": "value",
	"numa-bind": "bool",
	"numa-bind-nodes": "list",
	"numa-bind-cpus": "list",
	"tensor-parallel-size": "value",
	"decode-context-parallel-size": "value",
	"dcp-comm-backend": "value",
	"dcp-kv-cache-interleave-size": "value",
	"cp-kv-cache-interleave-size": "value",
	"prefill-context-parallel-size": "value",
	"data-parallel-size": "value",
	"data-parallel-rank": "value",
	"data-parallel-start-rank": "value",
	"data-parallel-size-local": "value",
	"data-parallel-address": "value",
	"data-parallel-rpc-port": "value",
	"data-parallel-backend": "value",
	"data-parallel-hybrid-lb": "bool",
	"data-parallel-external-lb": "bool",
	"data-parallel-multi-port-external-lb": "bool",
	"enable-expert-parallel": "bool",
	"enable-ep-weight-filter": "bool",
	"all2all-backend": "value",
	"enable-dbo": "bool",
	"ubatch-size": "value",
	"enable-elastic-ep": "bool",
	"dbo-decode-token-threshold": "value",
	"dbo-prefill-token-threshold": "value",
	"disable-nccl-for-dp-synchronization": "bool",
	"enable-eplb": "bool",
	"eplb-config": "value",
	"expert-placement-strategy": "value",
	"max-parallel-loading-workers": "value",
	"ray-workers-use-nsight": "bool",
	"disable-custom-all-reduce": "bool",
	"worker-cls": "value",
	"worker-extension-cls": "value",
	"block-size": "value",
	"gpu-memory-utilization": "value",
	"kv-cache-memory-bytes": "value",
	"kv-cache-dtype": "value",
	"num-gpu-blocks-override": "value",
	"enable-prefix-caching": "bool",
	"prefix-caching-hash-algo": "value",
	"calculate-kv-scales": "bool",
	"kv-cache-dtype-skip-layers": "list",
	"kv-sharing-fast-prefill": "bool",
	"mamba-cache-dtype": "value",
	"mamba-ssm-cache-dtype": "value",
	"mamba-block-size": "value",
	"mamba-cache-mode": "value",
	"kv-offloading-size": "value",
	"kv-offloading-backend": "value",
	"offload-backend": "value",
	"cpu-offload-gb": "value",
	"cpu-offload-params": "list",
	"offload-group-size": "value",
	"offload-num-in-group": "value",
	"offload-prefetch-step": "value",
	"offload-params": "list",
	"language-model-only": "bool",
	"limit-mm-per-prompt": "value",
	"enable-mm-embeds": "bool",
	"media-io-kwargs": "value",
	"mm-processor-kwargs": "value",
	"mm-processor-cache-gb": "value",
	"mm-processor-cache-type": "value",
	"mm-shm-cache-max-object-size-mb": "value",
	"mm-encoder-only": "bool",
	"mm-encoder-tp-mode": "value",
	"mm-encoder-attn-backend": "value",
	"mm-encoder-attn-dtype": "value",
	"mm-encoder-fp8-scale-path": "value",
	"mm-encoder-fp8-scale-save-path": "value",
	"mm-encoder-fp8-scale-save-margin": "value",
	"interleave-mm-strings": "bool",
	"skip-mm-profiling": "bool",
	"video-pruning-rate": "value",
	"mm-tensor-ipc": "value",
	"enable-lora": "bool",
	"max-loras": "value",
	"max-lora-rank": "value",
	"lora-dtype": "value",
	"enable-tower-connector-lora": "bool",
	"max-cpu-loras": "value",
	"fully-sharded-loras": "bool",
	"lora-target-modules": "list",
	"default-mm-loras": "value",
	"specialize-active-lora": "bool",
	"enable-mixed-moe-lora-format": "bool",
	"show-hidden-metrics-for-version": "value",
	"otlp-traces-endpoint": "value",
	"collect-detailed-traces": "value",
	"kv-cache-metrics": "bool",
	"kv-cache-metrics-sample": "value",
	"cudagraph-metrics": "bool",
	"enable-layerwise-nvtx-tracing": "bool",
	"enable-mfu-metrics": "bool",
	"enable-logging-iteration-details": "bool",
	"max-num-batched-tokens": "value",
	"max-num-seqs": "value",
	"max-num-partial-prefills": "value",
	"max-long-partial-prefills": "value",
	"long-prefill-token-threshold": "value",
	"scheduling-policy": "value",
	"enable-chunked-prefill": "bool",
	"disable-chunked-mm-input": "bool",
	"scheduler-cls": "value",
	"scheduler-reserve-full-isl": "bool",
	"disable-hybrid-kv-cache-manager": "bool",
	"async-scheduling": "bool",
	"stream-interval": "value",
	"cudagraph-capture-sizes": "list",
	"max-cudagraph-capture-size": "value",
	"ir-op-priority": "value",
	"enable-flashinfer-autotune": "bool",
	"moe-backend": "value",
	"linear-backend": "value",
	"speculative-config": "value",
	"spec-method": "value",
	"spec-model": "value",
	"spec-tokens": "value",
	"kv-transfer-config": "value",
	"kv-events-config": "value",
	"ec-transfer-config": "value",
	"compilation-config": "value",
	"attention-config": "value",
	"reasoning-config": "value",
	"kernel-config": "value",
	"additional-config": "value",
	"structured-outputs-config": "value",
	"profiler-config": "value",
	"optimization-level": "value",
	"performance-mode": "value",
	"weight-transfer-config": "value",
	"disable-log-stats": "bool",
	"aggregate-engine-logging": "bool",
	"fail-on-environ-validation": "bool",
	"shutdown-timeout": "value",
	"gdn-prefill-backend": "value",
	"enable-log-requests": "bool"
};

// src/simulator/flags.ts
/** The command line of `vllm serve`, read the way vLLM's argparse reads it. */
/** A command line that argparse refuses; vLLM prints it after its usage and exits with 2. */
var UsageError = class extends Error {};
const KINDS = vllm_flags_default;
const INTEGERS = /* @__PURE__ */ new Set([
	"port",
	"seed",
	"tensor-parallel-size",
	"max-logprobs",
	"block-size",
	"api-server-count"
]);
const SIZES = /* @__PURE__ */ new Set([
	"max-model-len",
	"max-num-seqs",
	"max-num-batched-tokens",
	"kv-cache-memory-bytes"
]);
const FLOATS = /* @__PURE__ */ new Set([
	"gpu-memory-utilization",
	"kv-offloading-size",
	"cpu-offload-gb",
	"video-pruning-rate"
]);
const CHOICES = {
	dtype: [
		"auto",
		"bfloat16",
		"float",
		"float16",
		"float32",
		"half"
	],
	"kv-cache-dtype": [
		"auto",
		"bfloat16",
		"float16",
		"fp8",
		"fp8_e4m3",
		"fp8_e5m2"
	]
};
const SCALES = {
	k: 1e3,
	m: 1e6,
	g: 1e9,
	t: 0xe8d4a51000,
	K: 1024,
	M: 2 ** 20,
	G: 2 ** 30,
	T: 2 ** 40
};
/**
* Parses the arguments after `serve`.
*
* @throws UsageError with argparse's own words
*/
function parseFlags(argv) {
	const given = /* @__PURE__ */ new Map();
	const unknown = [];
	let positional;
	for (let i = 0; i < argv.length; i++) {
		const arg = argv[i];
		if (!arg.startsWith("-")) {
			if (positional === void 0) positional = arg;
			else unknown.push(arg);
			continue;
		}
		const equals = arg.indexOf("=");
		const written = equals < 0 ? arg : arg.slice(0, equals);
		const name = (written === "-tp" ? "--tensor-parallel-size" : written).replace(/^--/, "").replaceAll("_", "-");
		const negated = name.startsWith("no-") && KINDS[name.slice(3)] === "bool";
		const kind = negated ? "bool" : KINDS[name];
		if (kind === void 0 || !written.startsWith("--") && written !== "-tp") {
			unknown.push(arg);
			continue;
		}
		if (kind === "bool") {
			if (equals >= 0) throw new UsageError(`argument --${name}: ignored explicit argument '${arg.slice(equals + 1)}'`);
			given.set(negated ? name.slice(3) : name, !negated);
			continue;
		}
		const values = equals < 0 ? [] : [arg.slice(equals + 1)];
		while (equals < 0 && i + 1 < argv.length && (kind === "list" || values.length === 0) && !isFlag(argv[i + 1])) values.push(argv[++i]);
		const first = values[0];
		if (first === void 0) throw new UsageError(`argument --${name}: expected ${kind === "list" ? "at least one" : "one"} argument`);
		given.set(name, kind === "list" ? values : convert(name, first));
	}
	if (unknown.length > 0) throw new UsageError(`unrecognized arguments: ${unknown.join(" ")}`);
	return assemble(given, positional);
}
function isFlag(text) {
	return text.startsWith("-") && !/^-\d/.test(text);
}
function convert(name, text) {
	const choices = CHOICES[name];
	if (choices !== void 0 && !choices.includes(text)) {
		const list = choices.map((choice) => `'${choice}'`).join(", ");
		throw new UsageError(`argument --${name}: invalid choice: '${text}' (choose from ${list})`);
	}
	if (FLOATS.has(name)) {
		if (text.trim() === "" || !Number.isFinite(Number(text))) throw new UsageError(`argument --${name}: invalid float value: '${text}'`);
		return Number(text);
	}
	if (INTEGERS.has(name)) {
		if (!/^[+-]?\d+$/.test(text)) throw new UsageError(`argument --${name}: invalid int value: '${text}'`);
		return Number(text);
	}
	if (!SIZES.has(name)) return text;
	if (name === "max-model-len" && (text === "auto" || text === "-1")) return -1;
	const match = /^(\d+(?:\.\d+)?)([kKmMgGtT]?)$/.exec(text);
	const scale = match?.[2] ? SCALES[match[2]] : 1;
	const value = Number(match?.[1]) * (scale ?? 1);
	if (!Number.isInteger(value)) throw new UsageError(`argument --${name}: invalid ${name === "max-model-len" ? "human_readable_int_or_auto" : "human_readable_int"} value: '${text}'`);
	return value;
}
function assemble(given, positional) {
	const number = (name) => {
		const value = given.get(name);
		return typeof value === "number" ? value : null;
	};
	const list = (name) => {
		const value = given.get(name);
		return Array.isArray(value) ? value : [];
	};
	const text = (name, fallback) => String(given.get(name) ?? fallback);
	const on = (name, fallback) => (given.get(name) ?? fallback) === true;
	const model = positional ?? text("model", "Qwen/Qwen3-0.6B");
	const maxModelLen = number("max-model-len");
	const nonDefault = positional === void 0 ? {} : { model_tag: positional };
	for (const name of Object.keys(KINDS)) {
		const value = name === "model" ? model : given.get(name);
		if (value !== void 0) nonDefault[name.replaceAll("-", "_")] = value;
	}
	return {
		model,
		host: given.has("host") ? text("host", "") : null,
		port: number("port") ?? 8e3,
		servedModelNames: list("served-model-name").length > 0 ? list("served-model-name") : [model],
		maxModelLen: maxModelLen === -1 ? "auto" : maxModelLen,
		maxNumSeqs: number("max-num-seqs"),
		maxNumBatchedTokens: number("max-num-batched-tokens"),
		gpuMemoryUtilization: number("gpu-memory-utilization") ?? .92,
		kvCacheMemoryBytes: number("kv-cache-memory-bytes"),
		kvCacheDtype: text("kv-cache-dtype", "auto"),
		blockSize: number("block-size"),
		enforceEager: on("enforce-eager", false),
		enablePrefixCaching: on("enable-prefix-caching", true),
		asyncScheduling: on("async-scheduling", true),
		tensorParallelSize: number("tensor-parallel-size") ?? 1,
		loadFormat: text("load-format", "auto"),
		dtype: text("dtype", "auto"),
		seed: number("seed") ?? 0,
		apiKeys: list("api-key"),
		disableLogStats: on("disable-log-stats", false),
		enablePromptTokensDetails: on("enable-prompt-tokens-details", false),
		maxLogprobs: number("max-logprobs") ?? 20,
		disableAccessLog: on("disable-uvicorn-access-log", false),
		nonDefault
	};
}
/** The last lines of vLLM's usage text, as far as a reader of a log needs them. */
function usageText() {
	const lines = ["usage: api_server.py [-h]"];
	for (const [name, kind] of Object.entries(KINDS)) {
		const place = name.toUpperCase().replaceAll("-", "_");
		if (kind === "bool") lines.push(`                     [--${name} | --no-${name}]`);
		else if (kind === "list") lines.push(`                     [--${name} ${place} [${place} ...]]`);
		else lines.push(`                     [--${name} ${place}]`);
	}
	return `${lines.join("\n")}\n                     [model_tag]\n`;
}

// src/simulator/costs.json
var frontEnd = {
	"intake": {
		"value": .85,
		"unit": "ms",
		"source": ""
	},
	"intakePerToken": {
		"value": 1,
		"unit": "us",
		"source": ""
	},
	"intakeSlices": {
		"value": 9,
		"unit": "1",
		"source": ""
	},
	"latency": {
		"value": 4.75,
		"unit": "ms",
		"source": ""
	},
	"transfer": {
		"value": .2,
		"unit": "ms",
		"source": ""
	},
	"batch": {
		"value": .1,
		"unit": "ms",
		"source": ""
	},
	"batchPerOutput": {
		"value": 8,
		"unit": "us",
		"source": ""
	},
	"event": {
		"value": 55,
		"unit": "us",
		"source": ""
	}
};
var host = {
	"schedule": {
		"value": .36,
		"unit": "ms",
		"source": ""
	},
	"schedulePerRequest": {
		"value": 20,
		"unit": "us",
		"source": ""
	},
	"admitPerRequest": {
		"value": 180,
		"unit": "us",
		"source": ""
	},
	"collect": {
		"value": .48,
		"unit": "ms",
		"source": ""
	},
	"collectPerRequest": {
		"value": 12,
		"unit": "us",
		"source": ""
	},
	"launchDelay": {
		"value": .15,
		"unit": "ms",
		"source": ""
	},
	"graphReplay": {
		"value": .15,
		"unit": "ms",
		"source": ""
	},
	"piecewisePerLayer": {
		"value": 60,
		"unit": "us",
		"source": ""
	},
	"compiledPerLayer": {
		"value": 260,
		"unit": "us",
		"source": ""
	},
	"eagerPerLayer": {
		"value": 425,
		"unit": "us",
		"source": ""
	},
	"cpuPerLayer": {
		"value": 15,
		"unit": "us",
		"source": ""
	}
};
var device = { "allReduce": {
	"value": 9,
	"unit": "us",
	"source": ""
} };

// src/simulator/costs.ts
/** The times of vLLM's software and of small kernels: constants with a name, a unit and a source, in `costs.json`. */
const UNITS = {
	s: 1,
	ms: .001,
	us: 1e-6,
	MiB: 2 ** 20,
	byte: 1,
	"1": 1
};
function inBaseUnits(group) {
	const entries = Object.entries(group).map(([name, { value, unit }]) => {
		const scale = UNITS[unit];
		if (scale === void 0) throw new Error(`costs.json: ${name} has the unknown unit '${unit}'`);
		return [name, value * scale];
	});
	return Object.fromEntries(entries);
}
/** The constants of `costs.json`. */
const COSTS = {
	frontEnd: inBaseUnits(frontEnd),
	host: inBaseUnits(host),
	device: inBaseUnits(device)
};

// src/simulator/deployment.ts
/** One server's resolved configuration: the model and the device under the flags that were given. */
/** Batch sizes up to this are captured as CUDA graphs (vLLM's default of `max_cudagraph_capture_size`). */
const LARGEST_GRAPH = 512;
/**
* Fills in vLLM's defaults, which depend on the device's memory (vLLM 0.22, `arg_utils.py`).
*/
function deploy(flags, settings, gpu, model) {
	const cuda = gpu.device === "cuda";
	const large = cuda && gpu.memoryMiB >= 71680 && !gpu.name.includes("A100");
	const maxModelLen = typeof flags.maxModelLen === "number" ? flags.maxModelLen : model.maxPositions;
	const maxNumBatchedTokens = flags.maxNumBatchedTokens ?? (large ? 8192 : 2048);
	const maxNumSeqs = flags.maxNumSeqs ?? Math.min(large ? 1024 : cuda ? 256 : 128, maxNumBatchedTokens);
	const kvDtypeBytes = flags.kvCacheDtype.startsWith("fp8") ? 1 : model.dtypeBytes;
	const kvHeads = Math.max(1, model.kvHeads / flags.tensorParallelSize);
	const cudaGraphs = cuda && !flags.enforceEager;
	const captureSizes = cudaGraphs ? graphSizes(maxNumSeqs, maxNumBatchedTokens) : [];
	return {
		flags,
		settings,
		gpu,
		model,
		maxModelLen,
		maxNumSeqs,
		maxNumBatchedTokens,
		blockSize: flags.blockSize ?? (cuda ? 16 : 128),
		asyncScheduling: flags.asyncScheduling && cuda,
		cudaGraphs,
		captureSizes,
		largestGraph: captureSizes.at(-1) ?? 0,
		kvBytesPerToken: 2 * model.layers * kvHeads * model.headDim * kvDtypeBytes,
		costs: COSTS
	};
}
/** The batch sizes vLLM captures as graphs: 1, 2, 4, then every 8 up to 256, then every 16. */
function graphSizes(maxNumSeqs, maxNumBatchedTokens) {
	const largest = Math.min(LARGEST_GRAPH, maxNumSeqs * 2, maxNumBatchedTokens);
	const sizes = [
		1,
		2,
		4
	];
	for (let size = 8; size < 256; size += 8) sizes.push(size);
	for (let size = 256; size <= LARGEST_GRAPH; size += 16) sizes.push(size);
	return sizes.filter((size) => size <= largest);
}

// src/simulator/memory-plan.ts
const GIB = 2 ** 30;
/**
* Memory of one captured graph per model layer, bytes: 0.39 GiB for 102 graphs of 28 layers and 0.44 GiB for
* 102 graphs of 32 layers were seen on an H200 with vLLM 0.22.
*/
const GRAPH_BYTES_PER_LAYER = .139 * 2 ** 20;
/**
* Bytes the sampler needs at its peak per logit: the bfloat16 logit, its float32 copy, and a sort of it with
* 64-bit indices.
*/
const SAMPLER_BYTES_PER_LOGIT$1 = 14;
/**
* Plans the memory of one device.
*
* KV memory is `utilization · total − weights − peak of a profiling run − graphs`. The profiling run's peak is
* the larger of one forward pass over max_num_batched_tokens and of sampling for max_num_seqs sequences.
*/
function planMemory(deployment) {
	const { model, gpu, flags } = deployment;
	const weights = model.parameters * model.dtypeBytes / flags.tensorParallelSize;
	const perToken = (3 * model.intermediate + 3 * model.hidden) * model.dtypeBytes;
	const forward = deployment.maxNumBatchedTokens * perToken / flags.tensorParallelSize;
	const sampler = gpu.device === "cuda" ? deployment.maxNumSeqs * model.vocab * SAMPLER_BYTES_PER_LOGIT$1 : 0;
	const activationPeak = gpu.reservedMiB * 2 ** 20 + Math.max(forward, sampler);
	const sizes = deployment.captureSizes;
	const graphsEstimated = 2 * sizes.length * model.layers * GRAPH_BYTES_PER_LAYER;
	const graphsActual = graphsEstimated + (sizes.at(-1) ?? 0) * perToken;
	const total = (gpu.memoryMiB - gpu.driverMiB) * 2 ** 20;
	const wanted = total * flags.gpuMemoryUtilization;
	const availableKv = flags.kvCacheMemoryBytes ?? wanted - weights - activationPeak - graphsEstimated;
	const blockBytes = deployment.kvBytesPerToken * deployment.blockSize;
	const fitting = Math.floor(Math.max(0, availableKv) / blockBytes);
	const blocks = Math.floor(fitting * deployment.settings.regressions.kv);
	const maxConcurrency = blocks / Math.ceil(deployment.maxModelLen / deployment.blockSize);
	return {
		total,
		weights,
		activationPeak,
		forwardPeak: forward,
		samplerPeak: sampler,
		graphsEstimated,
		graphsActual,
		availableKv,
		blocks,
		kvTokens: Math.trunc(maxConcurrency * deployment.maxModelLen),
		maxConcurrency
	};
}
/** KV memory that one request of max_model_len needs, bytes. */
function kvNeeded(deployment) {
	return Math.ceil(deployment.maxModelLen / deployment.blockSize) * deployment.blockSize * deployment.kvBytesPerToken;
}
/** The longest context whose KV fits, in whole blocks. */
function longestContext(deployment, plan) {
	const blockBytes = deployment.kvBytesPerToken * deployment.blockSize;
	return Math.max(0, Math.floor(plan.availableKv / blockBytes)) * deployment.blockSize;
}
/**
* Applies `--max-model-len auto`: the model's own context, or the longest that fits (vLLM's `_auto_fit_max_model_len`).
*/
function fitContext(deployment, plan) {
	if (deployment.flags.maxModelLen !== "auto") return deployment;
	const longest = longestContext(deployment, plan);
	return longest >= deployment.maxModelLen ? deployment : {
		...deployment,
		maxModelLen: longest
	};
}
/** What vLLM's `_auto_fit_max_model_len` says that {@link fitContext} did. */
function autoFitMessage({ model, maxModelLen }, plan) {
	const { maxPositions } = model;
	if (maxModelLen >= maxPositions) return `Auto-fit max_model_len: full model context length ${maxPositions} fits in available GPU memory`;
	return `Auto-fit max_model_len: reduced from ${maxPositions} to ${maxModelLen} to fit in available GPU memory (${gib(plan.availableKv).toFixed(2)} GiB available for KV cache)`;
}
/** Bytes as GiB. */
function gib(bytes) {
	return bytes / GIB;
}

// src/simulator/startup-failures.ts
/** Why vLLM does not start, in vLLM's words and at the place where it says so. */
const DOCS = "See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.";
const UTILIZATION = "`gpu_memory_utilization` when initializing the engine (this flag also controls CPU memory reservation on the CPU backend, despite its name)";
const RUN = `  File "<frozen runpy>", line 198, in _run_module_as_main
  File "<frozen runpy>", line 88, in _run_code
  File "site-packages/vllm/entrypoints/openai/api_server.py", line 718, in <module>
    uvloop.run(run_server(args))
  File "site-packages/uvloop/__init__.py", line 96, in run
    return __asyncio.run(
           ^^^^^^^^^^^^^^
  File "/usr/lib/python3.12/asyncio/runners.py", line 194, in run
    return runner.run(main)
           ^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.12/asyncio/runners.py", line 118, in run
    return self._loop.run_until_complete(task)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "uvloop/loop.pyx", line 1515, in uvloop.loop.Loop.run_until_complete
  File "site-packages/uvloop/__init__.py", line 48, in wrapper
    return await main
           ^^^^^^^^^^`;
const CLIENT = `  File "site-packages/vllm/entrypoints/openai/api_server.py", line 678, in run_server
    await run_server_worker(listen_address, sock, args, **uvicorn_kwargs)
  File "site-packages/vllm/entrypoints/openai/api_server.py", line 692, in run_server_worker
    async with build_async_engine_client(
  File "/usr/lib/python3.12/contextlib.py", line 210, in __aenter__
    return await anext(self.gen)
           ^^^^^^^^^^^^^^^^^^^^^`;
const CORE = `  File "site-packages/vllm/v1/engine/core.py", line 1139, in run_engine_core
    engine_core = EngineCoreProc(*args, engine_index=dp_rank, **kwargs)
                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/engine/core.py", line 905, in __init__
    super().__init__(`;
const KV = `  File "site-packages/vllm/v1/engine/core.py", line 131, in __init__
    kv_cache_config = self._initialize_kv_caches(vllm_config)
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/engine/core.py", line 264, in _initialize_kv_caches
    kv_cache_configs = get_kv_cache_configs(
                       ^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/core/kv_cache_utils.py", line 2038, in get_kv_cache_configs
    _check_enough_kv_cache_memory(
  File "site-packages/vllm/v1/core/kv_cache_utils.py", line 698, in _check_enough_kv_cache_memory
    raise ValueError(`;
/** What the API server prints when it cannot make an engine out of its arguments. */
function apiTraceback(frames, error) {
	return [
		"Traceback (most recent call last):",
		RUN,
		frames,
		error
	].filter((part) => part !== "").join("\n");
}
/** Why the engine core fails on its KV memory; undefined when it does not. */
function kvFailure(deployment, plan) {
	if (plan.availableKv <= 0) return `No available memory for the cache blocks. Try increasing ${UTILIZATION}. ${DOCS}`;
	const longest = longestContext(deployment, plan);
	if (deployment.flags.maxModelLen === "auto") {
		if (longest > 0) return void 0;
		return "Cannot auto-fit max_model_len: not enough GPU memory available to serve even a single token. Try increasing `gpu_memory_utilization`.";
	}
	const needed = kvNeeded(deployment);
	if (needed <= plan.availableKv) return void 0;
	return `To serve at least one request with the model's max seq len (${deployment.maxModelLen}), (${gib(needed).toFixed(2)} GiB KV cache is needed, which is larger than the available KV cache memory (${gib(plan.availableKv).toFixed(2)} GiB). Based on the available memory, the estimated maximum model length is ${longest}. Try increasing ${UTILIZATION} or decreasing \`max_model_len\`. ${DOCS}`;
}
/** Prints that the KV memory does not do. */
function printKvFailure(log, message) {
	printEngineFailure(log, `${KV}\nValueError: ${message}`);
}
/**
* Prints the engine core's failure and the API server's secondary one.
*
* @param trace the frames below `EngineCoreProc` and the error's own line
*/
function printEngineFailure(log, trace) {
	const whole = `Traceback (most recent call last):\n${CORE}\n${trace}`;
	log.line("EngineCore", "ERROR", "core.py:1165", `EngineCore failed to start.\n${whole}`);
	log.raw("EngineCore", `Process EngineCore:\n${whole}`);
	const frames = `${CLIENT}
  File "site-packages/vllm/v1/engine/utils.py", line 1150, in launch_core_engines
    wait_for_engine_startup(
  File "site-packages/vllm/v1/engine/utils.py", line 1209, in wait_for_engine_startup
    raise RuntimeError(`;
	log.raw("APIServer", apiTraceback(frames, "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}"));
}
/** Why the context length is refused; undefined when it is not. */
function contextFailure(deployment) {
	const { maxModelLen, model } = deployment;
	if (maxModelLen <= model.maxPositions) return void 0;
	return `  Value error, User-specified max_model_len (${maxModelLen}) is greater than the derived max_model_len (max_position_embeddings=${model.maxPositions}.0 or model_max_length=None in model's config.json). To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. VLLM_ALLOW_LONG_MAX_MODEL_LEN must be used with extreme caution. If the model uses relative position encoding (RoPE), positions exceeding derived_max_model_len lead to nan. If the model uses absolute position encoding, positions exceeding derived_max_model_len will cause a CUDA array out-of-bounds error. [type=value_error, input_value=ArgsKwargs((), {'model': ...nderer_num_workers': 1}), input_type=ArgsKwargs]
    For further information visit https://errors.pydantic.dev/2.14/v/value_error`;
}
/** Why the tensor-parallel size is refused; undefined when it is not. */
function parallelFailure({ flags, model }) {
	const size = flags.tensorParallelSize;
	if (model.heads % size === 0) return void 0;
	return `  Value error, Total number of attention heads (${model.heads}) must be divisible by tensor parallel size (${size}). [type=value_error, input_value=ArgsKwargs((), {'model_co...transfer_config': None}), input_type=ArgsKwargs]
    For further information visit https://errors.pydantic.dev/2.14/v/value_error`;
}
/** Prints a refused configuration; `config` names the class that refuses it. */
function printConfigFailure(log, message, config = "ModelConfig") {
	const frames = `${CLIENT}
  File "site-packages/vllm/engine/arg_utils.py", line 1730, in create_engine_config
    model_config = self.create_model_config()
                   ^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/engine/arg_utils.py", line 1560, in create_model_config
    return ModelConfig(
           ^^^^^^^^^^^^`;
	const error = `pydantic_core._pydantic_core.ValidationError: 1 validation error for ${config}`;
	log.raw("APIServer", apiTraceback(frames, `${error}\n${message}`));
}
/** Prints that there is no such model. */
function printModelFailure(log, name, lookup) {
	const error = lookup.kind === "no-config" ? `OSError: ${name} does not appear to have a file named config.json. Checkout 'https://huggingface.co/${name}/tree/main' for available files.` : `huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '${name}'. Use \`repo_type\` argument if needed.`;
	const frames = `${CLIENT}
  File "site-packages/vllm/engine/arg_utils.py", line 751, in __post_init__
    self.model = get_model_path(self.model, self.revision)
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^`;
	log.raw("APIServer", apiTraceback(frames, error));
}
/** Prints that the port is taken. */
function printPortFailure(log) {
	log.raw("APIServer", apiTraceback(`  File "site-packages/vllm/entrypoints/openai/api_server.py", line 670, in run_server
    listen_address, sock = setup_server(args)
                           ^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/entrypoints/openai/api_server.py", line 489, in create_server_socket
    sock.bind(addr)`, "OSError: [Errno 98] Address already in use"));
}
/** Whether something listens on the port; asking does not open it, so that it refuses connections until ready. */
function portTaken(port, host) {
	const target = host === null || host === "0.0.0.0" ? "127.0.0.1" : host;
	return new Promise((resolve) => {
		const socket = connect({
			port,
			host: target
		});
		const answer = (taken) => {
			socket.destroy();
			resolve(taken);
		};
		socket.setTimeout(1e3, () => answer(false));
		socket.once("connect", () => answer(true));
		socket.once("error", () => answer(false));
	});
}

// src/simulator/device-failures.ts
const EXECUTOR = `  File "site-packages/vllm/v1/engine/core.py", line 122, in __init__
    self.model_executor = executor_class(vllm_config)
                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/executor/abstract.py", line 109, in __init__
    self._init_executor()`;
const INIT_DEVICE = `${EXECUTOR}
  File "site-packages/vllm/v1/executor/uniproc_executor.py", line 51, in _init_executor
    self.driver_worker.init_device()
  File "site-packages/vllm/v1/worker/gpu_worker.py", line 283, in init_device
    self.requested_memory = request_memory(init_snapshot, self.cache_config)
                            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/worker/utils.py", line 227, in request_memory
    raise ValueError(`;
const LOAD_MODEL = `${EXECUTOR}
  File "site-packages/vllm/v1/executor/uniproc_executor.py", line 52, in _init_executor
    self.driver_worker.load_model()
  File "site-packages/vllm/v1/worker/gpu_worker.py", line 336, in load_model
    self.model_runner.load_model(load_dummy_weights=load_dummy_weights)
  File "site-packages/vllm/v1/worker/gpu_model_runner.py", line 5104, in load_model
    self.model = model_loader.load_model(
                 ^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/torch/utils/_device.py", line 109, in __torch_function__
    return func(*args, **kwargs)
           ^^^^^^^^^^^^^^^^^^^^^`;
const PROFILE = `  File "site-packages/vllm/v1/engine/core.py", line 131, in __init__
    kv_cache_config = self._initialize_kv_caches(vllm_config)
                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/engine/core.py", line 249, in _initialize_kv_caches
    available_gpu_memory = self.model_executor.determine_available_memory()
                           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/v1/worker/gpu_worker.py", line 392, in determine_available_memory
    self.model_runner.profile_run()`;
/** Why a device cannot hold the server; undefined when it can, and on a CPU. */
function deviceFailure(deployment, plan) {
	const { gpu, flags, settings, model } = deployment;
	if (gpu.device !== "cuda") return void 0;
	const taken = settings.memoryTakenGiB * 2 ** 30;
	const context = gpu.reservedMiB * 2 ** 20;
	const free = plan.total - taken - context;
	const wanted = Math.ceil(plan.total * flags.gpuMemoryUtilization);
	if (free < wanted) {
		const message = `ValueError: Free memory on device cuda:0 (${short(Math.max(0, free))}/${short(plan.total)} GiB) on startup is less than desired GPU memory utilization (${flags.gpuMemoryUtilization}, ${short(wanted)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`;
		return {
			before: /^Starting to load model/,
			trace: `${INIT_DEVICE}\n${message}`,
			logged: void 0
		};
	}
	if (plan.weights > free) {
		const step = model.hidden * model.intermediate * 2 * model.dtypeBytes / flags.tensorParallelSize;
		const oom = outOfMemory(plan.total, step, Math.floor(free / step) * step, context + taken);
		const logged = `Failed to load model - not enough GPU memory. Try lowering --gpu-memory-utilization to free memory for weights, increasing --tensor-parallel-size, or using --quantization. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more tips. (original error: ${oom})`;
		return {
			before: /^(Loading weights took|Model loading took)/,
			trace: `${LOAD_MODEL}\ntorch.OutOfMemoryError: ${oom}`,
			logged
		};
	}
	const before = /^(Initial profiling|Profiling CUDA graph|Estimated CUDA graph|Available KV cache memory)/;
	if (plan.weights + plan.forwardPeak > free) {
		const oom = outOfMemory(plan.total, plan.forwardPeak / 2, plan.weights, context + taken);
		return {
			before,
			trace: `${PROFILE}\ntorch.OutOfMemoryError: ${oom}`,
			logged: void 0
		};
	}
	if (plan.weights + plan.samplerPeak > free) {
		const message = `RuntimeError: CUDA out of memory occurred when warming up sampler with ${deployment.maxNumSeqs} dummy requests. Please try lowering \`max_num_seqs\` or \`gpu_memory_utilization\` when initializing the engine.`;
		return {
			before,
			trace: `${PROFILE}\n${message}`,
			logged: void 0
		};
	}
}
/** The lines that still appear. */
function linesBefore(lines, failure) {
	if (failure === void 0) return lines;
	const end = lines.findIndex((line) => failure.before.test(line.message));
	return end < 0 ? lines : lines.slice(0, end);
}
/** Prints a failure. */
function printDeviceFailure(log, failure) {
	if (failure.logged !== void 0) log.line("EngineCore", "ERROR", "gpu_model_runner.py:5148", failure.logged);
	printEngineFailure(log, failure.trace);
}
/** torch 2.11's message for an allocation that fails. */
function outOfMemory(total, wanted, allocated, other) {
	const left = Math.max(0, total - allocated - other);
	return `CUDA out of memory. Tried to allocate ${size(wanted)}. GPU 0 has a total capacity of ${size(total)} of which ${size(left)} is free. Including non-PyTorch memory, this process has ${size(allocated + other)} memory in use. Of the allocated memory ${size(allocated)} is allocated by PyTorch, and ${size(12 * 2 ** 20)} is reserved by PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)`;
}
/** As torch writes sizes. */
function size(bytes) {
	if (bytes < 2 ** 20) return `${(bytes / 1024).toFixed(2)} KiB`;
	return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(2)} MiB` : `${gib(bytes).toFixed(2)} GiB`;
}
/** As vLLM's `format_gib` writes them: two places, rounded, no trailing zeros but one. */
function short(bytes) {
	const rounded = String(Math.round(gib(bytes) * 100) / 100);
	return rounded.includes(".") ? rounded : `${rounded}.0`;
}

// src/simulator/gpus.json
var gpus_default = {
	h200: {
		"name": "NVIDIA H200",
		"device": "cuda",
		"computeCapability": 9,
		"memoryMiB": 143771,
		"driverMiB": 616,
		"reservedMiB": 334,
		"hbmGBps": 4800,
		"bf16Tflops": 989,
		"nvlinkGBps": 450,
		"bandwidthEfficiency": .82,
		"flopsEfficiency": .75,
		"layerOverheadUs": 43,
		"loadGBps": 6,
		"source": "Data sheet for peaks; efficiencies, overhead and reserve fitted to bench/data/h200.json and the KV lines of the logs"
	},
	h100: {
		"name": "NVIDIA H100 80GB HBM3",
		"device": "cuda",
		"computeCapability": 9,
		"memoryMiB": 81559,
		"driverMiB": 480,
		"reservedMiB": 334,
		"hbmGBps": 3350,
		"bf16Tflops": 989,
		"nvlinkGBps": 450,
		"bandwidthEfficiency": .82,
		"flopsEfficiency": .75,
		"layerOverheadUs": 43,
		"loadGBps": 6,
		"source": "Data sheet (SXM5); the rest as the H200, which has the same chip"
	},
	a100: {
		"name": "NVIDIA A100-SXM4-80GB",
		"device": "cuda",
		"computeCapability": 8,
		"memoryMiB": 81920,
		"driverMiB": 766,
		"reservedMiB": 334,
		"hbmGBps": 2039,
		"bf16Tflops": 312,
		"nvlinkGBps": 300,
		"bandwidthEfficiency": .82,
		"flopsEfficiency": .75,
		"layerOverheadUs": 45,
		"loadGBps": 5,
		"source": "Data sheet; efficiencies assumed as on the H200"
	},
	l4: {
		"name": "NVIDIA L4",
		"device": "cuda",
		"computeCapability": 8.9,
		"memoryMiB": 23034,
		"driverMiB": 455,
		"reservedMiB": 334,
		"hbmGBps": 300,
		"bf16Tflops": 121,
		"nvlinkGBps": 25,
		"bandwidthEfficiency": .85,
		"flopsEfficiency": .6,
		"layerOverheadUs": 50,
		"loadGBps": 2,
		"source": "Data sheet (dense rate, PCIe 4.0 x16 between devices); efficiencies assumed, power-limited at 72 W"
	},
	cpu: {
		"name": "CPU",
		"device": "cpu",
		"computeCapability": 0,
		"memoryMiB": 9943,
		"driverMiB": 0,
		"reservedMiB": 700,
		"hbmGBps": 20,
		"bf16Tflops": .2,
		"nvlinkGBps": 10,
		"bandwidthEfficiency": .6,
		"flopsEfficiency": .5,
		"layerOverheadUs": 90,
		"loadGBps": 1,
		"source": "Two cores with DDR4, as in ../shared/fixtures/vllm-0.32.0-cpu; assumed"
	}
};

// src/simulator/gpu.ts
/** Devices as data: what of a GPU (or a CPU) decides capacity and speed. */
const POSITIVE = [
	"memoryMiB",
	"hbmGBps",
	"bf16Tflops",
	"nvlinkGBps",
	"bandwidthEfficiency",
	"flopsEfficiency",
	"loadGBps"
];
const NOT_NEGATIVE = [
	"computeCapability",
	"driverMiB",
	"reservedMiB",
	"layerOverheadUs"
];
/** Names that {@link findGpu} knows. */
function gpuNames() {
	return Object.keys(gpus_default);
}
/**
* Finds a device by its short name, e.g. `h200`, or reads one from a JSON file given by its path.
*
* A file holds the fields of {@link Gpu}; what it leaves out is taken from the H200 (from `cpu`, where `device` is so).
*
* @throws Error naming the known ones, or what is wrong with the file
*/
function findGpu(name) {
	const known = gpus_default;
	const found = Object.hasOwn(known, name.toLowerCase()) ? known[name.toLowerCase()] : void 0;
	if (found !== void 0) return found;
	if (!/\.json$/i.test(name) && !existsSync(name)) throw new Error(`VLLM_SIM_GPU: unknown GPU ${name} (known: ${gpuNames().join(", ")}, or a .json file)`);
	let data;
	try {
		data = JSON.parse(readFileSync(name, "utf8"));
	} catch (error) {
		throw new Error(`VLLM_SIM_GPU: cannot read ${name}: ${error instanceof Error ? error.message : error}`);
	}
	return readGpu(data, name);
}
function readGpu(data, from) {
	if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error(`VLLM_SIM_GPU: ${from} is not an object`);
	const given = data;
	if (given["device"] !== void 0 && given["device"] !== "cuda" && given["device"] !== "cpu") throw new Error(`VLLM_SIM_GPU: ${from}: device is neither cuda nor cpu`);
	const fields = {
		...given["device"] === "cpu" ? gpus_default.cpu : gpus_default.h200,
		...given
	};
	const check = (key, least) => {
		const value = fields[key];
		if (typeof value !== "number" || !Number.isFinite(value) || !least(value)) throw new Error(`VLLM_SIM_GPU: ${from}: ${key} is not a number that it can be`);
	};
	for (const key of POSITIVE) check(key, (value) => value > 0);
	for (const key of NOT_NEGATIVE) check(key, (value) => value >= 0);
	return fields;
}

// src/simulator/faults.ts
const PLAIN = [
	"wedged",
	"ignore-sigterm",
	"orphan-child"
];
const SIZED = [
	"crash-after",
	"hang-after",
	"slow-start",
	"stall-stream",
	"malformed-event",
	"http-500",
	"reset",
	"slow-rounds",
	"slow-session",
	"throttle",
	"drift-per-minute"
];
/**
* Parses e.g. `crash-after:20,ignore-sigterm`.
*
* @throws Error naming the part that does not parse
*/
function parseFaults(text) {
	const plan = {
		wedged: false,
		ignoreSigterm: false,
		orphanChild: false,
		slowStartS: 0
	};
	for (const item of text.split(",").filter((part) => part !== "")) {
		const [name = "", value] = item.split(":");
		const size = Number(value);
		if (!(SIZED.includes(name) || PLAIN.includes(name))) throw new Error(`VLLM_SIM_FAULT: unknown fault '${name}'`);
		if (SIZED.includes(name) && (value === void 0 || value === "" || !(size >= 0))) throw new Error(`VLLM_SIM_FAULT: cannot read '${item}'`);
		if (name === "crash-after") plan.crashAfter = size;
		else if (name === "hang-after") plan.hangAfter = size;
		else if (name === "wedged") plan.wedged = true;
		else if (name === "ignore-sigterm") plan.ignoreSigterm = true;
		else if (name === "orphan-child") plan.orphanChild = true;
		else if (name === "slow-start") plan.slowStartS = size;
		else if (name === "stall-stream") plan.stallStream = size;
		else if (name === "malformed-event") plan.malformedEvent = size;
		else if (name === "http-500") plan.http500 = size;
		else if (name === "reset") plan.reset = size;
		else if (name === "slow-rounds") plan.slowRounds = size;
		else if (name === "slow-session") plan.slowSession = size;
		else if (name === "drift-per-minute") plan.driftPerMinute = size;
		else if (name === "throttle") {
			if (size <= 0 || size > 1) throw new Error(`VLLM_SIM_FAULT: '${item}' is not a share of the clock`);
			plan.throttle = size;
		}
	}
	return plan;
}
/**
* Decides the fault of the `ordinal`-th completion request (from 1).
*/
function faultOf(plan, ordinal) {
	const strikes = (n) => n !== void 0 && n > 0 && ordinal % n === 0;
	if (plan.crashAfter !== void 0 && ordinal > plan.crashAfter) return "crash";
	if (plan.wedged || plan.hangAfter !== void 0 && ordinal > plan.hangAfter) return "hang";
	if (strikes(plan.http500)) return "http-500";
	if (strikes(plan.reset)) return "reset";
	if (strikes(plan.stallStream)) return "stall";
	if (strikes(plan.malformedEvent)) return "malformed";
	return "none";
}

// src/simulator/noise-h200.json
var firstTokenMs = [
	-6.03,
	-1.53,
	-1.09,
	-.82,
	-.69,
	-.62,
	-.5,
	-.43,
	-.37,
	-.32,
	-.26,
	-.22,
	-.18,
	-.13,
	-.08,
	-.03,
	0,
	.03,
	.06,
	.12,
	.17,
	.23,
	.29,
	.38,
	.5,
	.62,
	.86,
	1.07,
	1.33,
	1.74,
	2.08,
	2.89,
	10.65
];
var tokenTimeShare = [
	-.0069,
	-.0042,
	-.0037,
	-.0029,
	-.0024,
	-.0022,
	-.002,
	-.0016,
	-.0014,
	-.0011,
	-9e-4,
	-6e-4,
	-5e-4,
	-4e-4,
	-4e-4,
	-1e-4,
	0,
	1e-4,
	3e-4,
	5e-4,
	7e-4,
	8e-4,
	.001,
	.0012,
	.0016,
	.0016,
	.0018,
	.002,
	.0023,
	.0028,
	.0035,
	.0044,
	.0741
];
var lateTokenMs = [
	.26,
	.35,
	.39,
	.43,
	.47,
	.5,
	.51,
	.54,
	.55,
	.57,
	.59,
	.61,
	.63,
	.64,
	.65,
	.68,
	.7,
	.73,
	.74,
	.77,
	.79,
	.81,
	.85,
	.88,
	.91,
	.94,
	.98,
	1.03,
	1.09,
	1.14,
	1.21,
	1.36,
	2.39
];

// src/simulator/random.ts
/** Seeded random numbers and stable hashes; the same seed gives the same run. */
/**
* Mixes two 32-bit integers into one (a murmur-style finaliser).
*
* @returns an unsigned 32-bit integer
*/
function mix32(a, b) {
	let h = Math.imul(a ^ 2654435769, 2246822507) ^ Math.imul(b ^ b >>> 15, 3266489909);
	h ^= h >>> 16;
	h = Math.imul(h, 2246822507);
	h ^= h >>> 13;
	h = Math.imul(h, 3266489909);
	return (h ^ h >>> 16) >>> 0;
}
/** Hashes text to an unsigned 32-bit integer (FNV-1a over UTF-16 units). */
function hashText(text) {
	let h = 2166136261;
	for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
	return mix32(h, text.length);
}
/** Hashes token ids to an unsigned 32-bit integer. */
function hashTokens(tokens, seed = 0) {
	let h = seed;
	for (const token of tokens) h = mix32(h, token);
	return mix32(h, tokens.length);
}
/** A small seeded generator (mulberry32). */
var Random = class {
	state;
	constructor(seed) {
		this.state = seed >>> 0;
	}
	/** A uniform number in [0, 1). */
	next() {
		this.state = this.state + 1831565813 >>> 0;
		let t = this.state;
		t = Math.imul(t ^ t >>> 15, t | 1);
		t ^= t + Math.imul(t ^ t >>> 7, t | 61);
		return ((t ^ t >>> 14) >>> 0) / 4294967296;
	}
	/** A standard normal number (Box-Muller). */
	normal() {
		const u = 1 - this.next();
		return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.next());
	}
};

// src/simulator/noise.ts
/**
* What makes two equal runs differ, seeded: residuals drawn from a table of real ones, slow spells, slow sessions, and
* a drift.
*
* The table (`noise-h200.json`) is made by `bench/make-noise.ts`. How often a round or a session is slow, and by how
* much, is what 14 identical rounds in 8 restarts on two hosts showed: one round in fourteen 20 to 30 % slower than the
* others of its server, one session in four 20 to 40 % slower in what the host does.
*/
/** Which noise there is: `none`; `jitter`, the residuals alone; `h200`, also slow spells and slow sessions. */
const NOISE_LEVELS = [
	"none",
	"jitter",
	"h200"
];
const SLOW = {
	/** Length of a spell, seconds: a round of requests-again.json took 13 to 18 s. */
	spellS: 15,
	roundShare: 1 / 14,
	roundFactor: [1.2, 1.3],
	sessionShare: 1 / 4,
	sessionFactor: [1.2, 1.4]
};
/** Iterations that share one draw of the token time: the residuals are means over requests of 64 to 128 tokens. */
const TOKENS_PER_DRAW = 96;
/** The noise of one server. */
var Noise = class {
	/** Factor on everything the host's processes do in this session. */
	sessionFactor;
	plan;
	random;
	slowShare;
	tokenTime = 1;
	drawIn = 0;
	bornAt;
	constructor(plan) {
		this.plan = plan;
		this.random = new Random(mix32(plan.seed, 131422));
		const all = plan.level === "h200";
		this.slowShare = plan.slowRounds ?? (all ? SLOW.roundShare : 0);
		const slow = all && uniform(plan.seed, 24149) < SLOW.sessionShare;
		this.sessionFactor = plan.slowSession ?? (slow ? between(SLOW.sessionFactor, uniform(plan.seed, 64199)) : 1);
	}
	/** Factor on the host's work at a time. */
	host(now) {
		return this.sessionFactor * this.spell(now);
	}
	/** Factor on the device's work of the next iteration. */
	device(now) {
		this.bornAt ??= now;
		const drift = 1 + this.plan.driftPerMinute * (now - this.bornAt) / 60;
		if (this.plan.level === "none") return this.spell(now) * drift;
		if (this.drawIn-- <= 0) {
			this.tokenTime = 1 + this.draw(tokenTimeShare);
			this.drawIn = TOKENS_PER_DRAW;
		}
		return this.tokenTime * this.spell(now) * drift;
	}
	/** Seconds by which a request's first token comes later (or earlier) than it should. */
	firstToken() {
		return this.plan.level === "none" ? 0 : this.draw(firstTokenMs) * .001;
	}
	/** Seconds by which the API server is late with one batch of tokens: about once in a request. */
	lateToken() {
		if (this.plan.level === "none" || this.random.next() * TOKENS_PER_DRAW > 1) return 0;
		return this.draw(lateTokenMs) * .001;
	}
	spell(now) {
		if (this.slowShare === 0) return 1;
		const index = Math.floor(now / SLOW.spellS);
		if (uniform(this.plan.seed, index) >= this.slowShare) return 1;
		return between(SLOW.roundFactor, uniform(this.plan.seed ^ 20972, index));
	}
	draw(quantiles) {
		const at = this.random.next() * (quantiles.length - 1);
		const low = Math.floor(at);
		return quantiles[low] + (at - low) * (quantiles[low + 1] - quantiles[low]);
	}
};
function uniform(seed, index) {
	return mix32(seed, index) / 4294967296;
}
function between([low, high], share) {
	return low + share * (high - low);
}

// src/simulator/settings.ts
/** The simulator's own settings, from environment variables that start with `VLLM_SIM_`. */
/**
* Reads the settings.
*
* @throws Error that names the variable and the value that does not parse
*/
function readSettings(env) {
	const number = (name, fallback) => {
		const text = env[name];
		if (text === void 0 || text === "") return fallback;
		const value = Number(text);
		if (!Number.isFinite(value) || value < 0) throw new Error(`${name}: not a number: '${text}'`);
		return value;
	};
	const cache = env["VLLM_SIM_COMPILE_CACHE"] ?? "cold";
	if (cache !== "cold" && cache !== "warm") throw new Error(`VLLM_SIM_COMPILE_CACHE: '${cache}' is not cold or warm`);
	const noise = env["VLLM_SIM_NOISE"] || "jitter";
	if (!NOISE_LEVELS.some((level) => level === noise)) throw new Error(`VLLM_SIM_NOISE: '${noise}' is not one of ${NOISE_LEVELS.join(", ")}`);
	const version = env["VLLM_SIM_VERSION"] ?? "0.22.0";
	if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`VLLM_SIM_VERSION: '${version}' is not a version`);
	return {
		gpu: env["VLLM_SIM_GPU"] ?? "h200",
		version,
		startupScale: number("VLLM_SIM_STARTUP_SCALE", 1),
		seed: env["VLLM_SIM_SEED"] === "random" ? Math.floor(Math.random() * 2 ** 32) : number("VLLM_SIM_SEED", 0),
		noise,
		memoryTakenGiB: number("VLLM_SIM_MEMORY_TAKEN_GIB", 0),
		compileCache: cache,
		regressions: parseRegressions(env["VLLM_SIM_REGRESSION"] ?? ""),
		faults: parseFaults(env["VLLM_SIM_FAULT"] ?? "")
	};
}
/** Parses e.g. `decode:1.15,ttft:1.3,kv:0.8,prefix:off,drift:0.1`. */
function parseRegressions(text) {
	const result = {
		decode: 1,
		ttft: 1,
		kv: 1,
		startup: 1,
		prefixOff: false,
		drift: 0
	};
	for (const item of text.split(",").filter((part) => part !== "")) {
		const [name = "", value = ""] = item.split(":");
		if (name === "prefix" && value === "off") {
			result.prefixOff = true;
			continue;
		}
		const factor = Number(value);
		if (value === "" || !Number.isFinite(factor)) throw new Error(`VLLM_SIM_REGRESSION: cannot read '${item}'`);
		if (name === "decode" || name === "ttft" || name === "kv" || name === "startup" || name === "drift") result[name] = factor;
		else throw new Error(`VLLM_SIM_REGRESSION: unknown regression '${name}'`);
	}
	return result;
}
/** Whether `version` is at least `major.minor`. */
function atLeast(version, major, minor) {
	const [have = 0, haveMinor = 0] = version.split(".").map(Number);
	return have > major || have === major && haveMinor >= minor;
}

// src/simulator/log.ts
/** vLLM's log lines: process prefix, level, time, source, message. */
/** Writes lines as the processes of one vLLM version do; vLLM's logger to stdout, uvicorn and tracebacks to stderr. */
var VllmLog = class {
	bare;
	pids;
	out;
	error;
	/**
	* @param version decides the prefixes: up to 0.30 every line carries one, later only the logger's own
	*/
	constructor(version, pids, out = (text) => void process.stdout.write(text), error = (text) => void process.stderr.write(text)) {
		this.bare = atLeast(version, 0, 31);
		this.pids = pids;
		this.out = out;
		this.error = error;
	}
	/** A line of vLLM's logger; `source` is `file.py:line`. */
	line(speaker, level, source, message) {
		const head = `(${speaker} pid=${this.pids[speaker]}) ${level} ${timestamp(/* @__PURE__ */ new Date())} [${source}] `;
		this.out(message.split("\n").map((part) => `${head}${part}\n`).join(""));
	}
	/** A line that a process prints past the logger, to stderr: tracebacks, uvicorn. */
	raw(speaker, message) {
		this.error(this.prefixed(speaker, message));
	}
	/** uvicorn's access log, to stdout. */
	access(message) {
		this.out(this.prefixed("APIServer", message));
	}
	prefixed(speaker, message) {
		const head = this.bare ? "" : `(${speaker} pid=${this.pids[speaker]}) `;
		return message.split("\n").map((part) => `${head}${part}\n`).join("");
	}
};
/** `MM-DD HH:MM:SS` in local time. */
function timestamp(date) {
	const two = (value) => String(value).padStart(2, "0");
	return `${`${two(date.getMonth() + 1)}-${two(date.getDate())}`} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
/** A value as Python's repr writes it. */
function pythonRepr(value) {
	if (value === null || value === void 0) return "None";
	if (typeof value === "boolean") return value ? "True" : "False";
	if (typeof value === "string") return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
	if (Array.isArray(value)) return `[${value.map(pythonRepr).join(", ")}]`;
	if (typeof value === "object") return `{${Object.entries(value).map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`).join(", ")}}`;
	return String(value);
}

// src/simulator/models/phi-3-mini-4k-instruct.json
var phi_3_mini_4k_instruct_default = {
	architectures: ["Phi3ForCausalLM"],
	attention_bias: false,
	attention_dropout: 0,
	bos_token_id: 1,
	eos_token_id: 32e3,
	hidden_act: "silu",
	hidden_size: 3072,
	initializer_range: .02,
	intermediate_size: 8192,
	max_position_embeddings: 4096,
	model_type: "phi3",
	num_attention_heads: 32,
	num_hidden_layers: 32,
	num_key_value_heads: 32,
	original_max_position_embeddings: 4096,
	rms_norm_eps: 1e-5,
	rope_theta: 1e4,
	sliding_window: 2047,
	tie_word_embeddings: false,
	torch_dtype: "bfloat16",
	use_cache: true,
	vocab_size: 32064
};

// src/simulator/models/qwen2.5-1.5b-instruct.json
var qwen2_5_1_5b_instruct_default = {
	architectures: ["Qwen2ForCausalLM"],
	attention_dropout: 0,
	bos_token_id: 151643,
	eos_token_id: 151645,
	hidden_act: "silu",
	hidden_size: 1536,
	initializer_range: .02,
	intermediate_size: 8960,
	max_position_embeddings: 32768,
	max_window_layers: 21,
	model_type: "qwen2",
	num_attention_heads: 12,
	num_hidden_layers: 28,
	num_key_value_heads: 2,
	rms_norm_eps: 1e-6,
	rope_theta: 1e6,
	sliding_window: 32768,
	tie_word_embeddings: true,
	torch_dtype: "bfloat16",
	use_cache: true,
	use_sliding_window: false,
	vocab_size: 151936
};

// src/simulator/models/smollm2-135m-instruct.json
var smollm2_135m_instruct_default = {
	architectures: ["LlamaForCausalLM"],
	attention_bias: false,
	attention_dropout: 0,
	bos_token_id: 1,
	eos_token_id: 2,
	hidden_act: "silu",
	hidden_size: 576,
	initializer_range: .041666666666666664,
	intermediate_size: 1536,
	max_position_embeddings: 8192,
	model_type: "llama",
	num_attention_heads: 9,
	num_hidden_layers: 30,
	num_key_value_heads: 3,
	rms_norm_eps: 1e-5,
	rope_theta: 1e5,
	tie_word_embeddings: true,
	torch_dtype: "bfloat16",
	use_cache: true,
	vocab_size: 49152
};

// src/simulator/model-config.ts
/** A model's shape, read from the `config.json` that Hugging Face models carry. */
const BUILT_IN = {
	"Qwen/Qwen2.5-1.5B-Instruct": qwen2_5_1_5b_instruct_default,
	"microsoft/Phi-3-mini-4k-instruct": phi_3_mini_4k_instruct_default,
	"HuggingFaceTB/SmolLM2-135M-Instruct": smollm2_135m_instruct_default
};
/**
* Finds a model: a folder with a `config.json`, or one of the built-in names.
*
* @param name the MODEL argument of the command line
*/
function findModel(name) {
	if (existsSync(name)) {
		const path = join(name, "config.json");
		if (!existsSync(path)) return {
			kind: "no-config",
			path: name
		};
		return {
			kind: "found",
			shape: readShape(JSON.parse(readFileSync(path, "utf8")))
		};
	}
	const builtIn = BUILT_IN[name];
	return builtIn === void 0 ? { kind: "unknown" } : {
		kind: "found",
		shape: readShape(builtIn)
	};
}
/**
* Reads a shape out of a parsed `config.json`.
*
* @throws Error when a number the model cannot do without is missing
*/
function readShape(config) {
	if (typeof config !== "object" || config === null) throw new Error("config.json is not an object");
	const fields = config;
	const number = (key, fallback) => {
		const value = fields[key];
		if (typeof value === "number") return value;
		if (fallback !== void 0) return fallback;
		throw new Error(`config.json has no ${key}`);
	};
	const hidden = number("hidden_size");
	const heads = number("num_attention_heads");
	const kvHeads = number("num_key_value_heads", heads);
	const headDim = number("head_dim", hidden / heads);
	const layers = number("num_hidden_layers");
	const intermediate = number("intermediate_size");
	const vocab = number("vocab_size");
	const tied = fields["tie_word_embeddings"] === true;
	const declared = fields["torch_dtype"] ?? fields["dtype"];
	const dtype = typeof declared === "string" ? declared : "bfloat16";
	const type = fields["model_type"];
	const bias = fields["attention_bias"] === true || type === "qwen2" ? (heads + 2 * kvHeads) * headDim : 0;
	const layerParameters = layers * (hidden * headDim * (2 * heads + 2 * kvHeads) + bias + 3 * hidden * intermediate + 2 * hidden) + hidden;
	const architectures = fields["architectures"];
	const eos = fields["eos_token_id"];
	return {
		architecture: Array.isArray(architectures) ? String(architectures[0]) : "LlamaForCausalLM",
		layers,
		hidden,
		intermediate,
		heads,
		kvHeads,
		headDim,
		vocab,
		maxPositions: number("max_position_embeddings"),
		dtypeBytes: dtype === "float32" ? 4 : 2,
		dtype,
		tied,
		eosToken: typeof eos === "number" ? eos : Array.isArray(eos) ? Number(eos[0]) : 2,
		parameters: layerParameters + vocab * hidden * (tied ? 1 : 2),
		layerParameters
	};
}

// src/simulator/errors.ts
/** vLLM's error bodies. */
/** An error that a handler answers with. */
var HttpError = class extends Error {
	status;
	body;
	constructor(status, body) {
		super(JSON.stringify(body));
		this.status = status;
		this.body = JSON.stringify(body);
	}
};
/** The OpenAI-style error that vLLM's handlers give. */
function apiError(status, type, message, param) {
	return new HttpError(status, { error: {
		message,
		type,
		param,
		code: status
	} });
}
/** A request for a model that is not served. */
function unknownModel(asked, aliases) {
	return apiError(404, "NotFoundError", `The model \`${asked}\` does not exist. Valid aliases: ${aliases.join(", ")}`, "model");
}
/** A prompt that leaves no room for output. */
function promptTooLong(limit, prompt) {
	return apiError(400, "BadRequestError", `This model's maximum context length is ${limit} tokens. However, your prompt contains ${prompt} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt. (parameter=input_tokens, value=${prompt})`, "input_tokens");
}
/** A prompt and an output that do not fit together. */
function requestTooLong(limit, prompt, output) {
	return apiError(400, "BadRequestError", `This model's maximum context length is ${limit} tokens. However, you requested ${output} output tokens and your prompt contains ${prompt} input tokens, for a total of ${prompt + output} tokens. Please reduce the length of the input prompt or the number of requested output tokens. (parameter=input_tokens, value=${prompt})`, "input_tokens");
}
/** A field that does not validate. */
function invalidField(field, message) {
	return apiError(400, "BadRequestError", message, field);
}
/** A field that is missing. */
function missingField(field) {
	return validationError(`{'type': 'missing', 'loc': 'body.${field}', 'msg': 'Field required'}`, `body.${field}`);
}
/** A body that is not JSON. */
function invalidJson(text, error) {
	const at = Number(/position (\d+)/.exec(String(error))?.[1] ?? text.length);
	return validationError(`{'type': 'json_invalid', 'loc': 'body.${at}', 'msg': 'JSON decode error', 'input': '<dict of 0 items>', 'ctx': {'error': '${text.slice(0, at).trimEnd().at(-1) === "{" ? "Expecting property name enclosed in double quotes" : "Expecting value"}'}}`, `body.${at}`);
}
function validationError(item, param) {
	return apiError(400, "Bad Request", `1 validation error:\n  ${item}`, param);
}

// src/simulator/api-types.ts
/**
* Reads and checks a body, with vLLM's errors.
*
* @throws HttpError
*/
function readRequest(body, chat, id, deployment, tokenizer) {
	const fields = typeof body === "object" && body !== null ? body : {};
	const names = deployment.flags.servedModelNames;
	const model = typeof fields["model"] === "string" ? fields["model"] : names[0];
	if (!names.includes(model)) throw unknownModel(model, names);
	const prompt = chat ? chatPrompt(fields["messages"], tokenizer) : promptTokens(fields["prompt"], tokenizer);
	const limit = deployment.maxModelLen;
	const asked = count(fields, chat ? "max_completion_tokens" : "max_tokens") ?? count(fields, "max_tokens");
	if (prompt.length >= limit) throw promptTooLong(limit, prompt.length);
	const maxTokens = asked ?? (chat ? limit - prompt.length : 16);
	if (maxTokens < 1) throw invalidField("max_tokens", `max_tokens must be at least 1, got ${maxTokens}.`);
	if (prompt.length + maxTokens > limit) throw requestTooLong(limit, prompt.length, maxTokens);
	const minTokens = count(fields, "min_tokens") ?? 0;
	if (minTokens > maxTokens) {
		const message = `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`;
		throw invalidField("min_tokens", message);
	}
	const temperature = number(fields, "temperature") ?? 1;
	if (temperature < 0) throw invalidField("temperature", `temperature must be non-negative, got ${temperature}.`);
	if ((count(fields, "n") ?? 1) !== 1) throw invalidField("n", "The simulator gives one choice per request.");
	const options = fields["stream_options"] ?? {};
	const stream = fields["stream"] === true;
	if (!stream && fields["stream_options"] !== void 0 && fields["stream_options"] !== null) throw invalidField("stream_options", "Stream options can only be defined when `stream=True`.");
	return {
		chat,
		model,
		stream,
		includeUsage: options["include_usage"] === true,
		continuousUsage: options["include_usage"] === true && options["continuous_usage_stats"] === true,
		logprobs: readLogprobs(fields, chat, deployment.flags.maxLogprobs),
		generation: {
			id,
			prompt,
			maxTokens,
			minTokens,
			ignoreEos: fields["ignore_eos"] === true,
			temperature,
			seed: number(fields, "seed") ?? Math.floor(Math.random() * 2 ** 31),
			cacheSalt: typeof fields["cache_salt"] === "string" ? fields["cache_salt"] : ""
		}
	};
}
/** The prompt of a completion: text or ids, alone or as the only member of a list. */
function promptTokens(prompt, tokenizer) {
	if (prompt === void 0 || prompt === null) throw missingField("prompt");
	if (typeof prompt === "string") return nonEmpty(tokenizer.encode(prompt));
	if (Array.isArray(prompt)) {
		if (prompt.length === 1 && (typeof prompt[0] === "string" || Array.isArray(prompt[0]))) return promptTokens(prompt[0], tokenizer);
		if (prompt.every((token) => Number.isInteger(token) && token >= 0)) return nonEmpty(prompt);
		if (prompt.length > 1) throw invalidField("prompt", "The simulator takes one prompt per request.");
	}
	throw invalidField("prompt", "prompt must be a string, or an array of token ids");
}
function nonEmpty(tokens) {
	if (tokens.length === 0) throw invalidField("prompt", "The decoder prompt cannot be empty");
	return tokens;
}
/** Lays messages out as a chat template would. */
function chatPrompt(messages, tokenizer) {
	if (!Array.isArray(messages)) throw missingField("messages");
	let text = "";
	for (const message of messages) text += `<|im_start|>${String(message["role"])}\n${contentText(message["content"])}<|im_end|>\n`;
	return nonEmpty(tokenizer.encode(`${text}<|im_start|>assistant\n`));
}
function contentText(content) {
	if (typeof content === "string") return content;
	if (!Array.isArray(content)) return "";
	return content.map((part) => typeof part["text"] === "string" ? part["text"] : "").join("\n");
}
function number(fields, name) {
	const value = fields[name];
	if (value === void 0 || value === null) return void 0;
	if (typeof value !== "number") throw invalidField(name, `Input should be a valid number: ${name}`);
	return value;
}
function count(fields, name) {
	const value = number(fields, name);
	if (value !== void 0 && !Number.isInteger(value)) throw invalidField(name, `Input should be a valid integer: ${name}`);
	return value;
}
function readLogprobs(fields, chat, most) {
	const wanted = chat ? fields["logprobs"] === true ? count(fields, "top_logprobs") ?? 0 : void 0 : count(fields, "logprobs");
	if (wanted !== void 0 && wanted > most) {
		const message = `Requested sample logprobs of ${wanted}, which is greater than max allowed: ${most}`;
		throw invalidField("logprobs", message);
	}
	return wanted;
}

// src/simulator/response-text.ts
/** `usage`, in vLLM's order; up to 0.22 a cached count of zero is left out. */
function usageOf(context, progress) {
	const prompt = context.request.generation.prompt.length;
	const usage = {
		prompt_tokens: prompt,
		total_tokens: prompt + progress.generated,
		completion_tokens: progress.generated
	};
	return context.cachedDetails && (progress.cached > 0 || atLeast(context.version, 0, 23)) ? {
		...usage,
		prompt_tokens_details: { cached_tokens: progress.cached }
	} : usage;
}
/** One event that carries tokens; call it once per emission, in order, after `progress` has taken it in. */
function tokenEvent(context, emission, progress) {
	const text = context.tokenizer.decode(emission.tokens.map((item) => item.token));
	const finish = emission.finish ?? null;
	const from = progress.offset;
	progress.offset += text.length;
	const logprobs = context.request.logprobs === void 0 ? null : logprobsOf(context, emission, from);
	const tail = context.request.continuousUsage ? { usage: usageOf(context, progress) } : {};
	if (context.request.chat) {
		const choice = {
			index: 0,
			delta: { content: text },
			logprobs,
			finish_reason: finish
		};
		const end = finish === null ? {} : { stop_reason: null };
		return frame({
			...head(context, true),
			choices: [{
				...choice,
				...end,
				token_ids: null
			}],
			...tail
		});
	}
	const choice = {
		index: 0,
		text,
		logprobs,
		finish_reason: finish
	};
	const rest = {
		stop_reason: null,
		prompt_token_ids: null,
		token_ids: null
	};
	return frame({
		...head(context, true),
		choices: [{
			...choice,
			...rest
		}],
		...tail
	});
}
/** A chat stream's first event, which names the role. */
function roleEvent(context, progress) {
	const delta = {
		role: "assistant",
		content: ""
	};
	const tail = context.request.continuousUsage ? { usage: usageOf(context, {
		...progress,
		generated: 0
	}) } : {};
	const choices = [{
		index: 0,
		delta,
		logprobs: null,
		finish_reason: null
	}];
	return frame({
		...head(context, true),
		choices,
		prompt_token_ids: null,
		...tail
	});
}
/** The event with the totals, which has no choices. */
function usageEvent(context, progress) {
	const usage = usageOf(context, progress);
	return frame({
		...head(context, true),
		choices: [],
		usage,
		system_fingerprint: context.fingerprint
	});
}
/** The last event of every stream. */
const DONE = "data: [DONE]\n\n";
/** A whole response at once, from all of its emissions. */
function wholeResponse(context, emission, progress) {
	const text = context.tokenizer.decode(emission.tokens.map((item) => item.token));
	const logprobs = context.request.logprobs === void 0 ? null : logprobsOf(context, emission, 0);
	const finish = emission.finish ?? "length";
	const usage = { ...usageOf(context, progress) };
	if (!("prompt_tokens_details" in usage)) Object.assign(usage, { prompt_tokens_details: null });
	const closing = {
		service_tier: null,
		system_fingerprint: context.fingerprint,
		usage
	};
	if (context.request.chat) {
		const choice = {
			index: 0,
			message: {
				role: "assistant",
				content: text,
				refusal: null,
				tool_calls: [],
				reasoning: null
			},
			logprobs,
			finish_reason: finish,
			stop_reason: null,
			token_ids: null
		};
		return JSON.stringify({
			...head(context, false),
			choices: [choice],
			...closing,
			prompt_token_ids: null
		});
	}
	const choice = {
		index: 0,
		text,
		logprobs,
		finish_reason: finish,
		stop_reason: null
	};
	const rest = {
		token_ids: null,
		prompt_logprobs: null,
		prompt_token_ids: null
	};
	const choices = [{
		...choice,
		...rest
	}];
	return JSON.stringify({
		...head(context, false),
		choices,
		...closing,
		kv_transfer_params: null
	});
}
function head(context, chunk) {
	const kind = context.request.chat ? chunk ? "chat.completion.chunk" : "chat.completion" : "text_completion";
	return {
		id: context.id,
		object: kind,
		created: context.created,
		model: context.request.model
	};
}
function frame(body) {
	return `data: ${JSON.stringify(body)}\n\n`;
}
function logprobsOf(context, emission, from) {
	const { tokens, values, tops } = collectLogprobs(context, emission);
	if (!context.request.chat) {
		const offsets = [];
		let offset = from;
		for (const token of tokens) {
			offsets.push(offset);
			offset += token.length;
		}
		return {
			text_offset: offsets,
			token_logprobs: values,
			tokens,
			top_logprobs: tops
		};
	}
	const entry = (token, logprob) => ({
		token,
		logprob,
		bytes: [...Buffer.from(token)]
	});
	return { content: tokens.map((token, i) => ({
		...entry(token, values[i]),
		top_logprobs: Object.entries(tops[i]).slice(0, context.request.logprobs ?? 0).map(([text, value]) => entry(text, value))
	})) };
}
function collectLogprobs(context, emission) {
	const result = {
		tokens: [],
		values: [],
		tops: []
	};
	for (const { token, position } of emission.tokens) {
		const text = context.tokenizer.textOf(token);
		const value = emission.record.source.logprobAt(position);
		const top = { [text]: value };
		if ((context.request.logprobs ?? 0) > 1) {
			const other = emission.record.source.runnerUp(position);
			top[context.tokenizer.textOf(other.token)] = value - other.margin;
		}
		result.tokens.push(text);
		result.values.push(value);
		result.tops.push(top);
	}
	return result;
}

// src/simulator/completions.ts
/** The two completion endpoints: from a parsed body to the bytes of a response, with planted faults on the way. */
/** Serves completions; one instance per server, since faults count requests. */
var Completions = class {
	services;
	fingerprint;
	served = 0;
	constructor(services) {
		this.services = services;
		const { settings, flags } = services.deployment;
		const suffix = hashText(`${flags.model} ${settings.version}`).toString(16).padStart(8, "0");
		this.fingerprint = `vllm-${settings.version}-${suffix}`;
	}
	/**
	* Answers one request.
	*
	* @throws HttpError for a body that vLLM refuses
	*/
	handle(body, chat, request, response) {
		const { deployment, driver, metrics, tokenizer, crash } = this.services;
		const given = request.headers["x-request-id"];
		const id = (chat ? "chatcmpl-" : "cmpl-") + (typeof given === "string" ? given : randomBytes(8).toString("hex"));
		const internal = `${id}-${this.served}`;
		const api = readRequest(body, chat, internal, deployment, tokenizer);
		const fault = faultOf(deployment.settings.faults, ++this.served);
		if (fault === "crash") {
			crash();
			return;
		}
		if (fault === "http-500") throw apiError(500, "InternalServerError", "Internal server error", null);
		if (fault === "hang") {
			metrics.stuck++;
			response.on("close", () => metrics.stuck--);
			if (api.stream) startStream(response);
			return;
		}
		const context = {
			request: api,
			id,
			created: Math.floor(Date.now() / 1e3),
			version: deployment.settings.version,
			fingerprint: this.fingerprint,
			cachedDetails: deployment.flags.enablePromptTokensDetails,
			tokenizer
		};
		const progress = {
			generated: 0,
			cached: 0,
			offset: 0
		};
		const all = [];
		let done = false;
		const startedAt = driver.start(api.generation, (emission) => {
			metrics.event(emission, startedAt);
			progress.generated += emission.tokens.length;
			progress.cached = emission.record.cached;
			done = emission.finish !== void 0;
			if (api.stream) this.write(response, context, emission, progress, fault);
			else {
				all.push(...emission.tokens);
				if (done) sendJson(response, wholeResponse(context, {
					...emission,
					tokens: all
				}, progress));
			}
		});
		if (api.stream) startStream(response);
		response.on("close", () => {
			if (!done) metrics.aborted(internal, driver.abort(internal));
		});
	}
	write(response, context, emission, progress, fault) {
		const first = emission.tokens[0]?.position === 0;
		const halfway = progress.generated * 2 > context.request.generation.maxTokens;
		if (fault === "stall" && halfway) return;
		if (fault === "reset" && halfway) {
			response.socket?.resetAndDestroy();
			return;
		}
		if (first && context.request.chat) response.write(roleEvent(context, progress));
		const event = tokenEvent(context, emission, progress);
		const middle = Math.ceil(context.request.generation.maxTokens / 2);
		let text = fault === "malformed" && emission.tokens.some((item) => item.position + 1 === middle) ? `${event.slice(0, event.length >> 1)}\n\n` : event;
		if (emission.finish !== void 0) {
			if (context.request.includeUsage) text += usageEvent(context, progress);
			text += DONE;
		}
		response.write(text);
		if (emission.finish !== void 0) response.end();
	}
};
function startStream(response) {
	response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" }).flushHeaders();
}
/** Answers with JSON text. */
function sendJson(response, body, status = 200) {
	response.writeHead(status, {
		"content-type": "application/json",
		"content-length": Buffer.byteLength(body)
	});
	response.end(body);
}

// src/simulator/cache-config.ts
/** The labels of `vllm:cache_config_info`, sorted as the client sorts them; from 0.24 on with the capacity. */
function cacheConfig(deployment, plan) {
	const { flags, settings } = deployment;
	const bool = (value) => value ? "True" : "False";
	const capacity = atLeast(settings.version, 0, 24) ? {
		kv_cache_max_concurrency: String(plan.maxConcurrency),
		kv_cache_size_tokens: String(plan.kvTokens)
	} : {
		calculate_kv_scales: "False",
		user_specified_mamba_block_size: "False"
	};
	const labels = {
		_block_size_resolved: "True",
		block_size: String(deployment.blockSize),
		cache_dtype: flags.kvCacheDtype,
		enable_prefix_caching: bool(flags.enablePrefixCaching),
		engine: "0",
		gpu_memory_utilization: String(flags.gpuMemoryUtilization),
		hash_block_size: "None",
		is_attention_free: "False",
		kv_cache_dtype_skip_layers: "[]",
		kv_cache_memory_bytes: flags.kvCacheMemoryBytes === null ? "None" : String(flags.kvCacheMemoryBytes),
		kv_offloading_backend: "native",
		kv_offloading_size: "None",
		kv_sharing_fast_prefill: "False",
		mamba_block_size: "None",
		mamba_cache_dtype: "auto",
		mamba_cache_mode: "none",
		mamba_page_size_padded: "None",
		mamba_ssm_cache_dtype: "auto",
		num_cpu_blocks: "None",
		num_gpu_blocks: String(plan.blocks),
		num_gpu_blocks_override: "None",
		prefix_caching_hash_algo: "sha256",
		sliding_window: "None",
		user_specified_block_size: bool(flags.blockSize !== null),
		...capacity
	};
	return Object.fromEntries(Object.entries(labels).sort(([a], [b]) => a < b ? -1 : 1));
}

// src/simulator/histogram.ts
/** A cumulative histogram. */
var Histogram = class {
	bounds;
	counts;
	sum = 0;
	count = 0;
	/** @param bounds upper bounds, ascending, without +Inf */
	constructor(bounds) {
		this.bounds = bounds;
		this.counts = bounds.map(() => 0);
	}
	/** Counts one value. */
	observe(value) {
		this.sum += value;
		this.count++;
		const at = this.bounds.findIndex((bound) => value <= bound);
		if (at >= 0) this.counts[at]++;
	}
};
/** A number as Python's Prometheus client writes it: `3.0`, `0.25`, `1.79532209816e+09`. */
function prometheusNumber(value) {
	if (value === Number.POSITIVE_INFINITY) return "+Inf";
	let text = String(value);
	if (text.includes("e")) return text.replace(/e([+-])(\d)$/, "e$10$2");
	if (!text.includes(".")) text += ".0";
	const dot = text.indexOf(".");
	if (value <= 0 || dot <= 6) return text;
	return `${`${text[0]}.${text.slice(1, dot)}${text.slice(dot + 1)}`.replace(/[0.]+$/, "")}e+0${dot - 1}`;
}
/** One sample line. */
function sample(name, labels, value) {
	const inside = Object.entries(labels).map(([key, text]) => `${key}="${text.replaceAll("\\", "\\\\").replaceAll("\"", "\\\"")}"`).join(",");
	return `${name}${inside === "" ? "" : `{${inside}}`} ${prometheusNumber(value)}\n`;
}
/** The two comment lines above a metric. */
function heading(name, help, type) {
	return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}
/** A whole counter or gauge; a counter is followed by the time it was created. */
function plain(name, help, type, samples, created) {
	let text = heading(name, help, type);
	for (const [labels, value] of samples) text += sample(name, labels, value);
	if (type === "gauge") return text;
	const since = `${name.replace(/_total$/, "")}_created`;
	text += heading(since, help, "gauge");
	for (const [labels] of samples) text += sample(since, labels, created);
	return text;
}
/** A whole histogram; `le` comes after `engine`, as labels are sorted. */
function histogramText(name, help, labels, data, created) {
	let text = heading(name, help, "histogram");
	let cumulated = 0;
	const { engine = "0", ...others } = labels;
	data.bounds.forEach((bound, i) => {
		cumulated += data.counts[i];
		text += sample(`${name}_bucket`, {
			engine,
			le: prometheusNumber(bound),
			...others
		}, cumulated);
	});
	text += sample(`${name}_bucket`, {
		engine,
		le: "+Inf",
		...others
	}, data.count);
	text += sample(`${name}_count`, labels, data.count) + sample(`${name}_sum`, labels, data.sum);
	return text + heading(`${name}_created`, help, "gauge") + sample(`${name}_created`, labels, created);
}

// src/simulator/metrics-text.ts
/** The `/metrics` page: vLLM's names, labels, help texts and buckets. */
const TOKENS = [
	1,
	2,
	5,
	10,
	20,
	50,
	100,
	200,
	500,
	1e3,
	2e3,
	5e3,
	1e4,
	2e4,
	5e4,
	1e5,
	2e5
];
const ITERATION = [
	1,
	8,
	16,
	32,
	64,
	128,
	256,
	512,
	1024,
	2048,
	4096,
	8192,
	16384
];
const FIRST_TOKEN = [
	.001,
	.005,
	.01,
	.02,
	.04,
	.06,
	.08,
	.1,
	.25,
	.5,
	.75,
	1,
	2.5,
	5,
	7.5,
	10,
	20,
	40,
	80,
	160,
	640,
	2560
];
const PER_TOKEN = [
	.01,
	.025,
	.05,
	.075,
	.1,
	.15,
	.2,
	.3,
	.4,
	.5,
	.75,
	1,
	2.5,
	5,
	7.5,
	10,
	20,
	40,
	80
];
const REQUEST = [
	.3,
	.5,
	.8,
	1,
	1.5,
	2,
	2.5,
	5,
	10,
	15,
	20,
	30,
	40,
	50,
	60,
	120,
	240,
	480,
	960,
	1920,
	7680
];
/** Everything that is counted while serving. */
var Metrics = class {
	created = Date.now() / 1e3;
	promptTokens = 0;
	cachedTokens = 0;
	generationTokens = 0;
	/** Requests that a planted hang holds; they count as running. */
	stuck = 0;
	finished = {
		stop: 0,
		length: 0,
		abort: 0
	};
	deployment;
	plan;
	lastEvent = /* @__PURE__ */ new Map();
	histograms;
	constructor(deployment, plan) {
		this.deployment = deployment;
		this.plan = plan;
		const upTo = (deployment.maxModelLen >= 5e3 ? TOKENS : TOKENS.slice(0, 11)).filter((bound) => bound <= deployment.maxModelLen);
		const phase = (name) => `Histogram of time spent in ${name} phase for request.`;
		this.histograms = {
			request_prompt_tokens: {
				help: "Number of prefill tokens processed.",
				data: new Histogram(upTo)
			},
			request_generation_tokens: {
				help: "Number of generation tokens processed.",
				data: new Histogram(upTo)
			},
			iteration_tokens_total: {
				help: "Histogram of number of tokens per engine_step.",
				data: new Histogram(ITERATION)
			},
			request_params_max_tokens: {
				help: "Histogram of the max_tokens request parameter.",
				data: new Histogram(upTo)
			},
			time_to_first_token_seconds: {
				help: "Histogram of time to first token in seconds.",
				data: new Histogram(FIRST_TOKEN)
			},
			inter_token_latency_seconds: {
				help: "Histogram of inter-token latency in seconds.",
				data: new Histogram(PER_TOKEN)
			},
			request_time_per_output_token_seconds: {
				help: "Histogram of time_per_output_token_seconds per request.",
				data: new Histogram(PER_TOKEN)
			},
			e2e_request_latency_seconds: {
				help: "Histogram of e2e request latency in seconds.",
				data: new Histogram(REQUEST)
			},
			request_queue_time_seconds: {
				help: phase("WAITING"),
				data: new Histogram(REQUEST)
			},
			request_inference_time_seconds: {
				help: phase("RUNNING"),
				data: new Histogram(REQUEST)
			},
			request_prefill_time_seconds: {
				help: phase("PREFILL"),
				data: new Histogram(REQUEST)
			},
			request_decode_time_seconds: {
				help: phase("DECODE"),
				data: new Histogram(REQUEST)
			},
			request_prefill_kv_computed_tokens: {
				help: "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
				data: new Histogram(upTo)
			}
		};
	}
	/** Counts one iteration of the engine. */
	iteration(tokens) {
		this.observe("iteration_tokens_total", tokens);
	}
	/** Counts one event of a stream that began at `startedAt`. */
	event(emission, startedAt) {
		const { record, time, tokens } = emission;
		const last = this.lastEvent.get(emission.id);
		this.generationTokens += tokens.length;
		if (last === void 0) {
			this.promptTokens += record.request.prompt.length;
			this.cachedTokens += record.cached;
			this.observe("time_to_first_token_seconds", time - startedAt);
		} else for (const _ of tokens) this.observe("inter_token_latency_seconds", (time - last) / tokens.length);
		this.lastEvent.set(emission.id, time);
		if (emission.finish !== void 0) this.finish(record, emission.finish, time - startedAt);
	}
	/** Counts a request that ended with its client gone. */
	aborted(id, record) {
		this.lastEvent.delete(id);
		if (record !== void 0) this.finished.abort++;
	}
	finish(record, reason, endToEnd) {
		this.lastEvent.delete(record.request.id);
		this.finished[reason]++;
		const decode = record.lastTokenAt - record.firstTokenAt;
		this.observe("e2e_request_latency_seconds", endToEnd);
		this.observe("request_queue_time_seconds", record.scheduledAt - record.arrivedAt);
		this.observe("request_prefill_time_seconds", record.firstTokenAt - record.scheduledAt);
		this.observe("request_decode_time_seconds", decode);
		this.observe("request_inference_time_seconds", record.lastTokenAt - record.scheduledAt);
		if (record.generated > 1) this.observe("request_time_per_output_token_seconds", decode / (record.generated - 1));
		this.observe("request_prompt_tokens", record.request.prompt.length);
		this.observe("request_generation_tokens", record.generated);
		this.observe("request_params_max_tokens", record.request.maxTokens);
		this.observe("request_prefill_kv_computed_tokens", record.request.prompt.length - record.cached);
	}
	observe(name, value) {
		this.histograms[name].data.observe(value);
	}
	/** The page. */
	text(simulation) {
		if (this.deployment.flags.disableLogStats) return "";
		const { scheduler, pool } = simulation.engine;
		const labels = {
			engine: "0",
			model_name: this.deployment.flags.servedModelNames[0]
		};
		const since = this.created;
		const gauge = (name, help, value) => plain(`vllm:${name}`, help, "gauge", [[labels, value]], since);
		const counter = (name, help, value) => plain(`vllm:${name}`, help, "counter", [[labels, value]], since);
		const by = (key, values) => Object.entries(values).map(([name, value]) => [{
			...labels,
			[key]: name
		}, value]);
		const { model_name: model = "", engine = "0" } = labels;
		const reasons = Object.entries({
			...this.finished,
			error: 0,
			repetition: 0
		}).map(([reason, value]) => [{
			engine,
			finished_reason: reason,
			model_name: model
		}, value]);
		const waiting = scheduler.waiting.length;
		const { counters } = scheduler;
		const sources = {
			local_compute: this.promptTokens - this.cachedTokens,
			local_cache_hit: this.cachedTokens,
			external_kv_transfer: 0
		};
		let text = gauge("num_requests_running", "Number of requests in model execution batches.", scheduler.running.length + this.stuck) + gauge("num_requests_waiting", "Number of requests waiting to be processed.", waiting) + plain("vllm:num_requests_waiting_by_reason", "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals vllm:num_requests_waiting.", "gauge", by("reason", {
			capacity: waiting,
			deferred: 0
		}), since) + gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", pool.usage) + counter("prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.", counters.prefixQueries) + counter("prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.", counters.prefixHits) + counter("num_preemptions_total", "Cumulative number of preemption from the engine.", counters.preemptions) + counter("prompt_tokens_total", "Number of prefill tokens processed.", this.promptTokens) + plain("vllm:prompt_tokens_by_source_total", "Number of prompt tokens by source.", "counter", by("source", sources), since) + counter("prompt_tokens_cached_total", "Number of cached prompt tokens (local + external).", this.cachedTokens) + counter("generation_tokens_total", "Number of generation tokens processed.", this.generationTokens) + plain("vllm:request_success_total", "Count of successfully processed requests.", "counter", reasons, since);
		for (const [name, { help, data }] of Object.entries(this.histograms)) text += histogramText(`vllm:${name}`, help, labels, data, since);
		return text + plain("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", "gauge", [[cacheConfig(this.deployment, this.plan), 1]], since);
	}
};

// src/simulator/real-time.ts
/** Runs a simulation against the real clock: events leave at their planned times, and nothing drifts. */
/** A timer is asked for only when this much time remains, seconds: timers have a grain of a millisecond. */
const SPIN = .0011;
/**
* The driver. It sleeps on a timer while the next event is far, and yields to the event loop in between while it
* is near; an idle engine holds no timer at all.
*/
var RealTime = class RealTime {
	simulation;
	listeners = /* @__PURE__ */ new Map();
	timer;
	spinning = false;
	constructor(simulation) {
		this.simulation = simulation;
	}
	/** Seconds on the monotonic clock that the simulation runs on. */
	static now() {
		return performance$1.now() / 1e3;
	}
	/** Starts a request; `listener` gets its events as they fall due. */
	start(request, listener) {
		const now = RealTime.now();
		this.run(now);
		this.listeners.set(request.id, listener);
		this.simulation.submit(now, request);
		this.arm();
		return now;
	}
	/** Stops a request whose client has gone. */
	abort(id) {
		this.listeners.delete(id);
		const record = this.simulation.abort(id);
		this.arm();
		return record;
	}
	/** Stops the clock. */
	stop() {
		clearTimeout(this.timer);
		this.timer = void 0;
		this.listeners.clear();
	}
	tick = () => {
		this.timer = void 0;
		this.spinning = false;
		this.run(RealTime.now());
		this.arm();
	};
	run(now) {
		if (this.simulation.nextTime() > now) return;
		for (const emission of this.simulation.advance(now)) {
			const listener = this.listeners.get(emission.id);
			if (emission.finish !== void 0) this.listeners.delete(emission.id);
			listener?.(emission);
		}
	}
	arm() {
		if (this.spinning) return;
		clearTimeout(this.timer);
		this.timer = void 0;
		const next = this.simulation.nextTime();
		if (next === Number.POSITIVE_INFINITY) return;
		const wait = (next - RealTime.now() - SPIN) * 1e3;
		if (wait >= 1) {
			this.timer = setTimeout(this.tick, Math.floor(wait));
			return;
		}
		this.spinning = true;
		setImmediate(this.tick);
	}
};

// src/simulator/block-pool.ts
/** Paged KV memory: fixed-size blocks, a free list in least-recently-used order, and a prefix index. */
/** Hands out blocks and remembers what full blocks hold. Block 0 is vLLM's null block and is never handed out. */
var BlockPool = class {
	next;
	previous;
	references;
	hashes;
	byHash = /* @__PURE__ */ new Map();
	total;
	freeCount;
	/**
	* @param total number of blocks, the null block included
	*/
	constructor(total) {
		this.total = total;
		this.next = new Int32Array(total + 1);
		this.previous = new Int32Array(total + 1);
		this.references = new Int32Array(total);
		this.hashes = new Float64Array(total).fill(-1);
		for (let block = 1; block <= total; block++) {
			this.previous[block] = block === 1 ? total : block - 1;
			this.next[block] = block === total ? 1 : block + 1;
		}
		this.next[total] = total > 1 ? 1 : total;
		this.freeCount = Math.max(0, total - 1);
	}
	/** Blocks that can be handed out now, cached ones that nobody uses included. */
	get free() {
		return this.freeCount;
	}
	/** Share of the blocks in use, 0 to 1: what `vllm:kv_cache_usage_perc` reports. */
	get usage() {
		return this.total <= 1 ? 0 : 1 - this.freeCount / (this.total - 1);
	}
	/** How many leading blocks of these hashes are in the cache. */
	countCached(hashes, limit) {
		let count = 0;
		while (count < limit && this.byHash.has(hashes[count])) count++;
		return count;
	}
	/** How many of the first `count` cached blocks nobody uses: taking them lowers {@link free}. */
	countIdle(hashes, count) {
		let idle = 0;
		for (let i = 0; i < count; i++) if (this.references[this.byHash.get(hashes[i])] === 0) idle++;
		return idle;
	}
	/** Takes the first `count` cached blocks of these hashes. */
	takeCached(hashes, count) {
		const blocks = [];
		for (let i = 0; i < count; i++) {
			const block = this.byHash.get(hashes[i]);
			if (this.references[block] === 0) this.unlink(block);
			this.references[block]++;
			blocks.push(block);
		}
		return blocks;
	}
	/** Takes one block, evicting the least recently used cached content; undefined when none is free. */
	take() {
		if (this.freeCount === 0) return void 0;
		const block = this.next[this.total];
		this.unlink(block);
		const hash = this.hashes[block];
		if (hash >= 0) {
			if (this.byHash.get(hash) === block) this.byHash.delete(hash);
			this.hashes[block] = -1;
		}
		this.references[block] = 1;
		return block;
	}
	/** Records that a block is full and what it holds. */
	remember(block, hash) {
		this.hashes[block] = hash;
		if (!this.byHash.has(hash)) this.byHash.set(hash, block);
	}
	/** Gives a request's blocks back, the last one first, so that the tail of a prompt is evicted before its head. */
	release(blocks) {
		for (let i = blocks.length - 1; i >= 0; i--) {
			const block = blocks[i];
			this.references[block]--;
			if (this.references[block] === 0) this.append(block);
		}
	}
	/** Forgets every cached content that nobody uses. */
	reset() {
		for (const [hash, block] of this.byHash) {
			if (this.references[block] !== 0) continue;
			this.byHash.delete(hash);
			this.hashes[block] = -1;
		}
	}
	unlink(block) {
		const before = this.previous[block];
		const after = this.next[block];
		this.next[before] = after;
		this.previous[after] = before;
		this.freeCount--;
	}
	append(block) {
		const last = this.previous[this.total];
		this.next[last] = block;
		this.previous[block] = last;
		this.next[block] = this.total;
		this.previous[this.total] = block;
		this.freeCount++;
	}
};
/**
* Hashes the block that follows `parent`; chained, so that equal hashes mean equal prefixes.
*
* @returns a whole number below 2^52
*/
function blockHash(parent, tokens, from, to) {
	let low = parent >>> 0;
	let high = parent / 4294967296 >>> 0;
	for (let i = from; i < to; i++) {
		low = Math.imul(low ^ tokens[i], 2246822507);
		low ^= low >>> 15;
		high = Math.imul(high ^ tokens[i] ^ low, 3266489909);
		high ^= high >>> 13;
	}
	return ((high & 1048575) >>> 0) * 4294967296 + (low >>> 0);
}

// src/simulator/request.ts
/** A generation request as the engine sees it, and the tokens it will produce. */
/** Mean number of tokens after which a request that may stop does so. */
const MEAN_NATURAL_LENGTH = 600;
/**
* The text of a request, as ids: a stable hash of the prompt and the position, so that greedy output repeats.
*/
var TokenSource = class {
	base;
	vocab;
	naturalLength;
	/**
	* @param salt changes the output: the model's own identity, a sampling seed, a planted drift
	*/
	constructor(prompt, vocab, salt) {
		this.base = hashTokens(prompt, salt);
		this.vocab = vocab;
		const uniform = (mix32(this.base, 24301) + 1) / 4294967297;
		this.naturalLength = 16 + Math.floor(-Math.log(uniform) * MEAN_NATURAL_LENGTH);
	}
	/** The token at a position of the output. */
	tokenAt(position) {
		return mix32(this.base, position + 1) % this.vocab;
	}
	/** The next best token at a position, and how much less likely than the best, in log units. */
	runnerUp(position) {
		const h = mix32(this.base ^ 3092271, position + 1);
		return {
			token: h % this.vocab,
			margin: .05 + (h >>> 16) / 16384
		};
	}
	/** The log-probability of the token at a position. */
	logprobAt(position) {
		return -.05 - mix32(this.base ^ 4297, position + 1) / 4294967296 * 3;
	}
	/** Whether the model ends its answer with the token at this position. */
	endsAt(position) {
		return position + 1 >= this.naturalLength;
	}
};

// src/simulator/roofline.ts
/** Bytes that sampling moves for each logit: a bfloat16 read, and float32 written and read by softmax and argmax. */
const SAMPLER_BYTES_PER_LOGIT = 20;
/**
* The time of one iteration.
*
* The linear layers take the longer of reading the weights and of 2 operations per weight and token; attention takes
* the longer of reading the keys and values and of 4 operations per head dimension and pair of tokens; beside that come
* the gaps between kernels, and all-reduces under tensor parallelism (two per layer, as in Megatron-LM,
* arXiv:1909.08053; a ring moves 2(n-1)/n of the activations).
*/
function iterationCost(deployment, work) {
	const { model, gpu, flags } = deployment;
	const { host, device } = deployment.costs;
	const tp = flags.tensorParallelSize;
	const clock = deployment.settings.faults.throttle ?? 1;
	const bandwidth = gpu.hbmGBps * 1e9 * gpu.bandwidthEfficiency;
	const flops = gpu.bf16Tflops * 0xe8d4a51000 * gpu.flopsEfficiency * clock * (model.dtypeBytes === 4 ? .5 : 1);
	const head = model.vocab * model.hidden;
	const tokens = paddedTokens(deployment, work);
	const weightBytes = (model.layerParameters + head) * model.dtypeBytes / tp;
	const linearFlops = (2 * model.layerParameters * tokens + 2 * head * work.requests) / tp;
	const attentionFlops = 4 * model.heads * model.headDim * model.layers * work.attended / tp;
	const kvBytes = work.context * deployment.kvBytesPerToken;
	const linear = Math.max(weightBytes / bandwidth, linearFlops / flops);
	const attention = Math.max(kvBytes / bandwidth, attentionFlops / flops);
	const sampling = work.requests * model.vocab * SAMPLER_BYTES_PER_LOGIT / tp / bandwidth;
	const gaps = model.layers * gpu.layerOverheadUs * 1e-6 / clock;
	const reduced = tokens * model.hidden * model.dtypeBytes * 2 * (tp - 1) / tp / (gpu.nvlinkGBps * 1e9);
	const communication = tp === 1 ? 0 : 2 * model.layers * (device.allReduce + reduced);
	return {
		schedule: host.schedule + host.schedulePerRequest * work.requests + host.admitPerRequest * work.admitted,
		launch: launchTime(deployment, work),
		launchDelay: host.launchDelay,
		device: linear + attention + sampling + gaps + communication,
		collect: host.collect + host.collectPerRequest * work.requests
	};
}
/** How the host gets an iteration's kernels to the device; a graph covers batches up to the largest captured size. */
function launchTime(deployment, work) {
	const { layers } = deployment.model;
	const { host } = deployment.costs;
	if (deployment.gpu.device === "cpu") return layers * host.cpuPerLayer;
	if (!deployment.cudaGraphs) return layers * host.eagerPerLayer;
	if (work.tokens > deployment.largestGraph) return layers * host.compiledPerLayer;
	return work.decodeOnly ? host.graphReplay : layers * host.piecewisePerLayer;
}
/** A graph computes its own size, the batch padded up to it. */
function paddedTokens(deployment, work) {
	if (!deployment.cudaGraphs || work.tokens > deployment.largestGraph) return work.tokens;
	return deployment.captureSizes.find((size) => size >= work.tokens) ?? work.tokens;
}

// src/simulator/scheduler.ts
/** Continuous batching: which request computes how many tokens in the next iteration. */
/** vLLM's V1 scheduler: running requests first, then waiting ones, under one budget of tokens. */
var Scheduler = class {
	waiting = [];
	running = [];
	counters = {
		prefixQueries: 0,
		prefixHits: 0,
		preemptions: 0
	};
	limits;
	pool;
	constructor(limits, pool) {
		this.limits = limits;
		this.pool = pool;
	}
	/** Whether an iteration might have work. */
	get hasWork() {
		return this.waiting.length > 0 || this.running.some((request) => request.finish === void 0);
	}
	/** Puts a request in the queue. */
	add(request) {
		if (this.limits.prefixCaching) this.extendHashes(request);
		this.waiting.push(request);
	}
	/** Chooses the next iteration at time `now`; undefined when nothing can compute. */
	schedule(now) {
		let budget = this.limits.maxNumBatchedTokens;
		const chosen = [];
		let preempted = false;
		for (let i = 0; i < this.running.length && budget > 0; i++) {
			const request = this.running[i];
			if (request.finish !== void 0) continue;
			const count = Math.min(request.tokens.length - request.computed, budget);
			while (!this.allocate(request, count)) {
				preempted = true;
				const victim = this.running.splice(this.lastActive(), 1)[0];
				this.preempt(victim);
				const at = chosen.findIndex((entry) => entry.request === victim);
				if (at >= 0) budget += chosen.splice(at, 1)[0].count;
				if (victim === request) break;
			}
			if (this.running[i] !== request) break;
			chosen.push({
				request,
				count
			});
			budget -= count;
		}
		while (!preempted && budget > 0 && this.waiting.length > 0 && this.running.length < this.limits.maxNumSeqs) {
			const request = this.waiting[0];
			const cachedBlocks = this.findCached(request);
			const cached = cachedBlocks * this.limits.blockSize;
			const count = Math.min(request.tokens.length - cached, budget);
			if (Math.ceil((cached + count) / this.limits.blockSize) - cachedBlocks > this.pool.free - this.pool.countIdle(request.hashes, cachedBlocks)) break;
			request.blocks = this.pool.takeCached(request.hashes, cachedBlocks);
			request.computed = cached;
			request.admittedAt = cached;
			this.allocate(request, count);
			if (request.scheduledAt < 0) {
				request.scheduledAt = now;
				request.cached = cached;
				if (this.limits.prefixCaching) {
					this.counters.prefixQueries += request.tokens.length;
					this.counters.prefixHits += cached;
				}
			}
			this.waiting.shift();
			this.running.push(request);
			chosen.push({
				request,
				count
			});
			budget -= count;
		}
		return chosen.length === 0 ? void 0 : this.compute(chosen);
	}
	/** Removes a request, wherever it is, and frees its blocks. */
	remove(request) {
		for (const list of [this.waiting, this.running]) {
			const at = list.indexOf(request);
			if (at >= 0) list.splice(at, 1);
		}
		this.pool.release(request.blocks);
		request.blocks = [];
	}
	findCached(request) {
		if (!this.limits.prefixCaching || this.limits.prefixBroken) return 0;
		const most = Math.floor((request.tokens.length - 1) / this.limits.blockSize);
		return this.pool.countCached(request.hashes, Math.min(most, request.hashes.length));
	}
	allocate(request, count) {
		const wanted = Math.ceil((request.computed + count) / this.limits.blockSize);
		if (wanted - request.blocks.length > this.pool.free) return false;
		while (request.blocks.length < wanted) request.blocks.push(this.pool.take());
		return true;
	}
	/** Index of the youngest running request that still computes. */
	lastActive() {
		return this.running.findLastIndex((request) => request.finish === void 0);
	}
	preempt(victim) {
		this.pool.release(victim.blocks);
		victim.blocks = [];
		victim.computed = 0;
		victim.preemptions++;
		this.counters.preemptions++;
		this.waiting.unshift(victim);
	}
	extendHashes(request) {
		const size = this.limits.blockSize;
		while ((request.hashes.length + 1) * size <= request.tokens.length) {
			const from = request.hashes.length * size;
			const parent = request.hashes.at(-1) ?? saltHash(request.request.cacheSalt);
			request.hashes.push(blockHash(parent, request.tokens, from, from + size));
		}
	}
	compute(chosen) {
		const work = {
			tokens: 0,
			requests: chosen.length,
			admitted: 0,
			attended: 0,
			context: 0,
			decodeOnly: true
		};
		const sampled = [];
		for (const { request, count } of chosen) {
			const before = request.computed;
			request.computed += count;
			work.tokens += count;
			if (before === request.admittedAt) work.admitted++;
			work.context += request.computed;
			work.attended += count * (before + count / 2);
			if (count > 1 || request.generated === 0) work.decodeOnly = false;
			if (request.computed === request.tokens.length) sampled.push(this.sample(request));
			if (this.limits.prefixCaching) this.rememberFull(request, before);
		}
		return {
			work,
			sampled
		};
	}
	sample(request) {
		const position = request.generated;
		const { minTokens, maxTokens, ignoreEos } = request.request;
		const stops = !ignoreEos && position + 1 > minTokens && request.source.endsAt(position);
		const token = stops ? this.limits.eosToken : request.source.tokenAt(position);
		request.tokens.push(token);
		request.generated++;
		if (stops) request.finish = "stop";
		else if (request.generated >= maxTokens || request.tokens.length >= this.limits.maxModelLen) request.finish = "length";
		return {
			request,
			token,
			position
		};
	}
	rememberFull(request, before) {
		const size = this.limits.blockSize;
		this.extendHashes(request);
		const full = Math.min(Math.floor(request.computed / size), request.hashes.length);
		for (let i = Math.floor(before / size); i < full; i++) this.pool.remember(request.blocks[i], request.hashes[i]);
	}
};
function saltHash(salt) {
	let h = 1;
	for (let i = 0; i < salt.length; i++) h = (h * 31 + salt.charCodeAt(i)) % 4503599627370496;
	return h;
}

// src/simulator/engine.ts
/** The engine process in virtual time: iterations, one or two in flight, and the tokens that come out of them. */
/** Seconds that just-in-time compilation adds to the first iteration, by the state of the compile cache. */
const FIRST_ITERATION = {
	cold: .7,
	warm: .038
};
/**
* vLLM's engine core. Give it requests with {@link add}, ask {@link nextTime} when something happens next, and
* let it happen with {@link step}; the clock is the caller's, real or not.
*/
var Engine = class {
	pool;
	scheduler;
	/** Called with the number of tokens of every iteration. */
	onIteration = () => {};
	deployment;
	noise;
	requests = /* @__PURE__ */ new Map();
	inFlight = [];
	hostFreeAt = 0;
	deviceFreeAt = 0;
	blocked = false;
	first = true;
	constructor(deployment, blocks, noise) {
		this.deployment = deployment;
		this.noise = noise;
		this.pool = new BlockPool(blocks);
		this.scheduler = new Scheduler({
			maxNumSeqs: deployment.maxNumSeqs,
			maxNumBatchedTokens: deployment.maxNumBatchedTokens,
			blockSize: deployment.blockSize,
			maxModelLen: deployment.maxModelLen,
			prefixCaching: deployment.flags.enablePrefixCaching,
			prefixBroken: deployment.settings.regressions.prefixOff,
			eosToken: deployment.model.eosToken
		}, this.pool);
	}
	/** Takes a request in at time `now`. */
	add(now, request) {
		const entry = {
			request,
			source: new TokenSource(request.prompt, this.deployment.model.vocab, this.outputSalt(request)),
			tokens: [...request.prompt],
			generated: 0,
			computed: 0,
			blocks: [],
			hashes: [],
			cached: 0,
			preemptions: 0,
			finish: void 0,
			arrivedAt: now,
			scheduledAt: -1,
			admittedAt: -1,
			firstTokenAt: -1,
			lastTokenAt: -1
		};
		this.requests.set(request.id, entry);
		this.scheduler.add(entry);
		this.blocked = false;
		if (this.inFlight.length === 0) this.hostFreeAt = Math.max(this.hostFreeAt, now);
		return entry;
	}
	/** Drops a request, e.g. when its client has gone. */
	abort(id) {
		const entry = this.requests.get(id);
		if (entry === void 0) return void 0;
		this.requests.delete(id);
		entry.finish = "abort";
		this.scheduler.remove(entry);
		this.blocked = false;
		return entry;
	}
	/** When the engine next acts, seconds; Infinity when idle. */
	nextTime() {
		if (this.canSchedule()) return this.hostFreeAt;
		const oldest = this.inFlight[0];
		return oldest === void 0 ? Number.POSITIVE_INFINITY : Math.max(this.hostFreeAt, oldest.doneAt);
	}
	/**
	* Lets the next action happen, if it is due at `now`.
	*
	* @returns the tokens it released; undefined when it was not due or released none
	*/
	step(now) {
		const time = this.nextTime();
		if (time > now) return void 0;
		if (!this.canSchedule()) return this.collect(time);
		const iteration = this.scheduler.schedule(time);
		if (iteration === void 0) this.blocked = true;
		else this.launch(time, iteration);
	}
	canSchedule() {
		const depth = this.deployment.asyncScheduling ? 2 : 1;
		return !this.blocked && this.inFlight.length < depth && this.scheduler.hasWork;
	}
	launch(time, iteration) {
		const { settings } = this.deployment;
		const cost = iterationCost(this.deployment, iteration.work);
		const planted = iteration.work.decodeOnly ? settings.regressions.decode : settings.regressions.ttft;
		const host = planted * this.noise.host(time);
		const launchFrom = time + cost.schedule * host;
		const launched = launchFrom + cost.launch * host;
		const start = Math.max(launchFrom + cost.launchDelay * host, this.deviceFreeAt);
		let doneAt = Math.max(start + cost.device * planted * this.noise.device(time), launched);
		if (this.first) {
			doneAt += FIRST_ITERATION[settings.compileCache] * (this.deployment.cudaGraphs ? 1 : .2);
			this.first = false;
		}
		this.deviceFreeAt = doneAt;
		this.hostFreeAt = launched;
		this.inFlight.push({
			iteration,
			doneAt
		});
		this.onIteration(iteration.work.tokens);
	}
	collect(time) {
		const { iteration } = this.inFlight.shift();
		const released = time + iterationCost(this.deployment, iteration.work).collect * this.noise.host(time);
		this.hostFreeAt = released;
		this.blocked = false;
		const outputs = [];
		for (const { request, token, position } of iteration.sampled) {
			if (this.requests.get(request.request.id) !== request) continue;
			if (position === 0) request.firstTokenAt = released;
			request.lastTokenAt = released;
			const last = request.finish !== void 0 && position === request.generated - 1;
			outputs.push({
				request,
				token,
				position,
				finish: last ? request.finish : void 0
			});
			if (last) {
				this.scheduler.remove(request);
				this.requests.delete(request.request.id);
			}
		}
		return outputs.length === 0 ? void 0 : {
			time: released,
			outputs
		};
	}
	outputSalt(request) {
		const { model, settings } = this.deployment;
		const salt = request.temperature > 0 ? request.seed : 0;
		const drifts = hashTokens(request.prompt, 99) / 4294967296 < settings.regressions.drift;
		return salt + model.parameters % 1000003 + (drifts ? 77 : 0);
	}
};

// src/simulator/front-end.ts
/** An asyncio loop with a cost for each callback, and timers. */
var EventLoopModel = class {
	ready = [];
	timers = [];
	freeAt = 0;
	/** Queues a callback that occupies the loop for `cost` seconds and takes effect at its end. */
	call(now, cost, run) {
		if (this.ready.length === 0) this.freeAt = Math.max(this.freeAt, now);
		this.ready.push({
			cost,
			run
		});
	}
	/** Runs something at a time, without occupying the loop. */
	at(time, run) {
		let index = this.timers.length;
		while (index > 0 && this.timers[index - 1].at > time) index--;
		this.timers.splice(index, 0, {
			at: time,
			run
		});
	}
	/** When something happens next; Infinity when nothing will. */
	nextTime() {
		const callback = this.ready[0];
		const ends = callback === void 0 ? Number.POSITIVE_INFINITY : this.freeAt + callback.cost;
		return Math.min(ends, this.timers[0]?.at ?? Number.POSITIVE_INFINITY);
	}
	/** Lets the next thing happen; call it only when {@link nextTime} is due. */
	step() {
		const callback = this.ready[0];
		const timer = this.timers[0];
		const ends = callback === void 0 ? Number.POSITIVE_INFINITY : this.freeAt + callback.cost;
		if (timer !== void 0 && timer.at <= ends) {
			this.timers.shift();
			timer.run(timer.at);
			return;
		}
		if (callback === void 0) return;
		this.freeAt = ends;
		this.ready.shift();
		callback.run(ends);
	}
};

// src/simulator/simulation.ts
/**
* The server without its sockets. Drive it with {@link submit}, {@link nextTime} and {@link advance}; the clock
* is the caller's, so hours can pass in a second.
*/
var Simulation = class {
	engine;
	loop = new EventLoopModel();
	streams = /* @__PURE__ */ new Map();
	costs;
	noise;
	deployment;
	emitted = [];
	constructor(deployment) {
		this.deployment = deployment;
		const { noise, seed, faults } = deployment.settings;
		this.noise = new Noise({
			level: noise,
			seed,
			slowRounds: faults.slowRounds,
			slowSession: faults.slowSession,
			driftPerMinute: faults.driftPerMinute ?? 0
		});
		this.engine = new Engine(deployment, planMemory(deployment).blocks, this.noise);
		this.costs = deployment.costs.frontEnd;
	}
	/** Requests accepted and not yet finished. */
	get active() {
		return this.streams.size;
	}
	/** Takes a request in at time `now`. */
	submit(now, request) {
		const { costs } = this;
		this.streams.set(request.id, {
			pending: [],
			finish: void 0,
			queued: false
		});
		const factor = this.deployment.settings.regressions.ttft * this.noise.host(now);
		const latency = Math.max(costs.latency / 4, costs.latency + this.noise.firstToken()) * factor;
		const slice = (costs.intake + costs.intakePerToken * request.prompt.length) * factor / costs.intakeSlices;
		let left = costs.intakeSlices;
		const takeIn = (time) => {
			left--;
			if (left > 0) this.loop.call(time, slice, takeIn);
			else this.loop.at(time + latency, (at) => {
				if (!this.streams.has(request.id)) return;
				this.engine.add(at, request);
			});
		};
		this.loop.call(now, slice, takeIn);
	}
	/** Forgets a request whose client has gone; returns its record if the engine had it. */
	abort(id) {
		this.streams.delete(id);
		return this.engine.abort(id);
	}
	/** When something happens next, seconds; Infinity when idle. */
	nextTime() {
		return Math.min(this.loop.nextTime(), this.engine.nextTime());
	}
	/**
	* Lets everything happen that is due at `now`, in order.
	*
	* @returns the events written meanwhile, in order
	*/
	advance(now) {
		for (;;) {
			const loopTime = this.loop.nextTime();
			const engineTime = this.engine.nextTime();
			if (Math.min(loopTime, engineTime) > now) break;
			if (loopTime <= engineTime) {
				this.loop.step();
				continue;
			}
			const event = this.engine.step(now);
			if (event === void 0) continue;
			this.loop.at(event.time + this.costs.transfer, (time) => {
				const work = this.costs.batch + this.costs.batchPerOutput * event.outputs.length;
				this.loop.call(time, work * this.noise.host(time) + this.noise.lateToken(), (done) => {
					for (const output of event.outputs) this.deliver(done, output.request, output.token, output.position, output.finish);
				});
			});
		}
		const result = this.emitted;
		this.emitted = [];
		return result;
	}
	deliver(now, record, token, position, finish) {
		const id = record.request.id;
		const stream = this.streams.get(id);
		if (stream === void 0) return;
		stream.pending.push({
			token,
			position
		});
		stream.finish = finish;
		if (stream.queued) return;
		stream.queued = true;
		this.loop.call(now, this.costs.event * this.noise.host(now), (time) => {
			if (this.streams.get(id) !== stream) return;
			this.emitted.push({
				id,
				time,
				tokens: stream.pending,
				finish: stream.finish,
				record
			});
			if (stream.finish !== void 0) this.streams.delete(id);
			stream.pending = [];
			stream.queued = false;
		});
	}
};

// src/simulator/tokenizer.ts
/** A deterministic stand-in for a tokenizer: about four characters a token, and ids that turn back into text. */
const CONSONANTS = "bdfgklmnprstvz";
const VOWELS = "aeiou";
const SYLLABLES = 70;
const PIECES = / (?:[bdfgklmnprstvz][aeiou]){3}(?![a-z])|\s?[^\s]{1,4}|\s+/g;
/** Turns text into ids and back for one vocabulary. */
var Tokenizer = class {
	vocab;
	pieces = /* @__PURE__ */ new Map();
	/** @param vocab number of ids */
	constructor(vocab) {
		this.vocab = vocab;
	}
	/** Text to ids; the same text always gives the same ids. */
	encode(text) {
		const ids = [];
		for (const piece of text.match(PIECES) ?? []) ids.push(this.idOf(piece));
		return ids;
	}
	/** Ids to text: a piece seen before, otherwise the word that stands for the id. */
	decode(ids) {
		return ids.map((id) => this.textOf(id)).join("");
	}
	/** The text of one id. */
	textOf(id) {
		return this.pieces.get(id) ?? wordOf(id);
	}
	idOf(piece) {
		const word = wordId(piece);
		if (word !== void 0 && word < this.vocab && !this.pieces.has(word)) return word;
		const id = hashText(piece) % this.vocab;
		if (!this.pieces.has(id) && this.pieces.size < this.vocab / 8) this.pieces.set(id, piece);
		return id;
	}
};
function wordOf(id) {
	let text = " ";
	for (let rest = id, i = 0; i < 3; i++, rest = Math.floor(rest / SYLLABLES)) {
		const syllable = rest % SYLLABLES;
		text += CONSONANTS[Math.floor(syllable / 5)] + VOWELS[syllable % 5];
	}
	return text;
}
function wordId(piece) {
	if (piece.length !== 7 || piece[0] !== " ") return void 0;
	let id = 0;
	for (let i = 5; i >= 1; i -= 2) {
		const syllable = CONSONANTS.indexOf(piece[i]) * 5 + VOWELS.indexOf(piece[i + 1]);
		id = id * SYLLABLES + syllable;
	}
	return id;
}

// src/simulator/server.ts
/** The HTTP side: routes, the API key, errors and the access log. */
/**
* Builds the server of a deployment.
*
* @param keys API keys that guard `/v1`; none leaves it open
* @param crash called when a planted crash strikes
*/
function buildServer(deployment, log, keys, crash) {
	const plan = planMemory(deployment);
	const simulation = new Simulation(deployment);
	const driver = new RealTime(simulation);
	const metrics = new Metrics(deployment, plan);
	const tokenizer = new Tokenizer(deployment.model.vocab);
	simulation.engine.onIteration = (tokens) => metrics.iteration(tokens);
	const routes = buildRoutes(deployment, simulation, metrics, tokenizer, new Completions({
		deployment,
		driver,
		metrics,
		tokenizer,
		crash
	}));
	const handle = async (request, response) => {
		const path = (request.url ?? "/").split("?")[0];
		if (keys.length > 0 && path.startsWith("/v1") && request.method !== "OPTIONS") {
			const token = /^bearer (.*)$/i.exec(request.headers.authorization ?? "")?.[1];
			if (token === void 0 || !keys.includes(token)) return sendJson(response, "{\"error\":\"Unauthorized\"}", 401);
		}
		const methods = routes[path];
		if (methods === void 0) return sendJson(response, "{\"detail\":\"Not Found\"}", 404);
		const handler = methods[request.method ?? "GET"];
		if (handler === void 0) return sendJson(response, "{\"detail\":\"Method Not Allowed\"}", 405);
		handler(request.method === "POST" ? await readJson(request) : void 0, request, response);
	};
	const http = createServer$1({ keepAliveTimeout: 5e3 }, (request, response) => {
		response.setHeader("server", "uvicorn");
		if (!deployment.flags.disableAccessLog) logAccess(request, response, log);
		handle(request, response).catch((error) => {
			if (error instanceof HttpError) sendJson(response, error.body, error.status);
			else if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" }).end("Internal Server Error");
		});
	});
	http.on("connection", (socket) => socket.setNoDelay(true));
	return {
		http,
		simulation,
		driver,
		metrics
	};
}
function buildRoutes(deployment, simulation, metrics, tokenizer, completions) {
	const created = Math.floor(Date.now() / 1e3);
	const ok = (_body, _request, response) => {
		response.writeHead(200, { "content-length": 0 }).end();
	};
	return {
		"/health": { GET: ok },
		"/ping": {
			GET: ok,
			POST: ok
		},
		"/version": { GET: (_body, _request, response) => sendJson(response, JSON.stringify({ version: deployment.settings.version })) },
		"/v1/models": { GET: (_body, _request, response) => sendJson(response, JSON.stringify(modelList(deployment, created))) },
		"/metrics": { GET: (_body, _request, response) => {
			response.writeHead(200, { "content-type": "text/plain; version=1.0.0; charset=utf-8" });
			response.end(metrics.text(simulation));
		} },
		"/tokenize": { POST: (body, _request, response) => {
			const fields = fieldsOf(body, deployment);
			const tokens = fields["messages"] === void 0 ? tokenizer.encode(textOf(fields, "prompt")) : chatPrompt(fields["messages"], tokenizer);
			const answer = {
				count: tokens.length,
				max_model_len: deployment.maxModelLen,
				tokens,
				token_strs: null
			};
			sendJson(response, JSON.stringify(answer));
		} },
		"/detokenize": { POST: (body, _request, response) => {
			const tokens = fieldsOf(body, deployment)["tokens"];
			if (!Array.isArray(tokens)) throw missingField("tokens");
			sendJson(response, JSON.stringify({ prompt: tokenizer.decode(tokens.map(Number)) }));
		} },
		"/reset_prefix_cache": { POST: (_body, _request, response) => {
			simulation.engine.pool.reset();
			response.writeHead(200, { "content-length": 0 }).end();
		} },
		"/v1/completions": { POST: (body, request, response) => completions.handle(body, false, request, response) },
		"/v1/chat/completions": { POST: (body, request, response) => completions.handle(body, true, request, response) }
	};
}
function fieldsOf(body, deployment) {
	const fields = typeof body === "object" && body !== null ? body : {};
	const names = deployment.flags.servedModelNames;
	const model = fields["model"];
	if (typeof model === "string" && !names.includes(model)) throw unknownModel(model, names);
	return fields;
}
function textOf(fields, name) {
	const value = fields[name];
	if (typeof value !== "string") throw missingField(name);
	return value;
}
function modelList(deployment, created) {
	const { flags, maxModelLen } = deployment;
	const permission = {
		object: "model_permission",
		created,
		allow_create_engine: false,
		allow_sampling: true,
		allow_logprobs: true,
		allow_search_indices: false,
		allow_view: true,
		allow_fine_tuning: false,
		organization: "*",
		group: null,
		is_blocking: false
	};
	return {
		object: "list",
		data: flags.servedModelNames.map((id, i) => ({
			id,
			object: "model",
			created,
			owned_by: "vllm",
			root: flags.model,
			parent: null,
			max_model_len: maxModelLen,
			permission: [{
				id: `modelperm-${created.toString(16)}${i}`,
				...permission
			}]
		}))
	};
}
async function readJson(request) {
	const chunks = [];
	for await (const chunk of request) chunks.push(chunk);
	const text = Buffer.concat(chunks).toString("utf8");
	if (text === "") return void 0;
	try {
		return JSON.parse(text);
	} catch (error) {
		throw invalidJson(text, error);
	}
}
function logAccess(request, response, log) {
	const from = `${request.socket.remoteAddress?.replace("::ffff:", "") ?? "-"}:${request.socket.remotePort ?? 0}`;
	const original = response.writeHead.bind(response);
	response.writeHead = (status, ...rest) => {
		const line = `${request.method ?? "GET"} ${request.url ?? "/"} HTTP/${request.httpVersion}`;
		log.access(`INFO:     ${from} - "${line}" ${status} ${STATUS_CODES[status] ?? ""}`);
		return original(status, ...rest);
	};
}

// src/simulator/shutdown.ts
/** How the process ends: asked to, or by a planted fault. */
/** Prints what vLLM prints when it is asked to end, up to closing the HTTP server. */
function printShutdown(log, version) {
	if (atLeast(version, 0, 31)) {
		log.line("EngineCore", "INFO", "core.py:1454", "[shutdown] EngineCore: trigger received signal=SIGTERM");
		log.line("EngineCore", "INFO", "core.py:1635", "[shutdown] EngineCore: start mode=abort timeout=0s");
		log.line("APIServer", "INFO", "launcher.py:254", "[shutdown] API server: shutdown triggered");
		log.line("APIServer", "INFO", "launcher.py:304", "[shutdown] API server: shutting down FastAPI HTTP server");
	} else {
		log.line("EngineCore", "INFO", "core.py:1266", "Shutdown initiated (timeout=0)");
		log.line("EngineCore", "INFO", "core.py:1289", "Shutdown complete");
		log.line("APIServer", "INFO", "launcher.py:137", "Shutting down FastAPI HTTP server.");
	}
	log.raw("APIServer", "INFO:     Shutting down\nINFO:     Waiting for application shutdown.");
	log.raw("APIServer", "INFO:     Application shutdown complete.");
}
/** Prints what a dying engine leaves behind. */
function printCrash(log) {
	log.line("EngineCore", "ERROR", "core.py:1174", "EngineCore encountered a fatal error.\nTraceback (most recent call last):\n  File \"site-packages/vllm/v1/engine/core.py\", line 1163, in run_engine_core\n    engine_core.run_busy_loop()\ntorch.AcceleratorError: CUDA error: an illegal memory access was encountered");
	log.line("APIServer", "ERROR", "async_llm.py:707", "AsyncLLM output_handler failed.\nvllm.v1.engine.exceptions.EngineDeadError: EngineCore encountered an issue. See stack trace (above) for the root cause.");
}
/** Starts a child of the same process group that SIGTERM does not end, as an engine left behind does. */
function spawnOrphan() {
	const child = spawn(process.execPath, ["-e", "process.on('SIGTERM',()=>{});process.on('SIGINT',()=>{});setInterval(()=>{},1000)"], { stdio: "ignore" });
	child.unref();
	return child;
}

// src/simulator/startup-log.ts
/** The lines before the engine process exists; a failure to find the model comes after the first part of them. */
function bannerLines(deployment) {
	const { flags, settings } = deployment;
	const late = atLeast(settings.version, 0, 31);
	const banner = late ? "api_utils.py:347" : "utils.py:344";
	const line = (message, source = banner) => ({
		after: 0,
		speaker: "APIServer",
		level: "INFO",
		source,
		message
	});
	return [
		line(""),
		line("       █     █     █▄   ▄█"),
		line(` ▄▄ ▄█ █     █     █ ▀▄▀ █  version ${settings.version}`),
		line(`  █▄█▀ █     █     █     █  model   ${flags.model}`),
		line("   ▀▀  ▀▀▀▀▀ ▀▀▀▀▀ ▀     ▀"),
		line(""),
		line(`non-default args: ${pythonRepr(redacted(deployment))}`, late ? "api_utils.py:286" : "utils.py:278")
	];
}
/** From 0.30 on vLLM hides the API key in this line. */
function redacted({ flags, settings }) {
	if (!atLeast(settings.version, 0, 30) || flags.apiKeys.length === 0) return flags.nonDefault;
	return {
		...flags.nonDefault,
		api_key: "***"
	};
}
/** The lines from the resolved model to a loaded engine. */
function engineLines(deployment, plan, times) {
	const { flags, model, settings, gpu } = deployment;
	const late = atLeast(settings.version, 0, 31);
	const lines = [];
	const add = (speaker, source, message, after = 0) => {
		lines.push({
			after,
			speaker,
			level: "INFO",
			source,
			message
		});
	};
	const api = (source, message, after = 0) => add("APIServer", source, message, after);
	const core = (source, message, after = 0) => add("EngineCore", source, message, after);
	const cuda = gpu.device === "cuda";
	api(late ? "model.py:733" : "model.py:617", `Resolved architecture: ${model.architecture}`, times.import);
	api(late ? "model.py:2152" : "model.py:1752", `Using max model len ${deployment.maxModelLen}`);
	if (!late) {
		const budget = deployment.maxNumBatchedTokens;
		api("scheduler.py:239", `Chunked prefill is enabled with max_num_batched_tokens=${budget}.`);
		api("vllm.py:977", `Asynchronous scheduling is ${deployment.asyncScheduling ? "enabled" : "disabled"}.`);
	}
	if (flags.enforceEager) lines.push({
		after: 0,
		speaker: "APIServer",
		level: "WARNING",
		source: "vllm.py:1033",
		message: "Enforce eager set, disabling torch.compile and CUDAGraphs. This is equivalent to setting -cc.mode=none -cc.cudagraph_mode=none"
	});
	core(late ? "core.py:133" : "core.py:112", engineConfig(deployment), times.engineProcess);
	core(cuda ? late ? "gpu_model_runner.py:5021" : "gpu_model_runner.py:5037" : "cpu_model_runner.py:68", `Starting to load model ${flags.model}...`, 3 * settings.regressions.startup);
	if (cuda) {
		core("cuda.py:378", "Using FLASH_ATTN attention backend out of potential backends: ['FLASH_ATTN', 'TRITON_ATTN', 'FLEX_ATTENTION'].");
		core("flash_attn.py:636", `Using FlashAttention version ${gpu.computeCapability >= 9 ? 3 : 2}`);
	}
	const loaded = times.weights;
	if (flags.loadFormat !== "dummy") core("default_loader.py:397", `Loading weights took ${(loaded * .9).toFixed(2)} seconds`, loaded);
	if (cuda) {
		const took = `Model loading took ${gib(plan.weights).toFixed(2)} GiB memory and ${loaded.toFixed(6)} seconds`;
		core(late ? "gpu_model_runner.py:5089" : "gpu_model_runner.py:5132", took, flags.loadFormat === "dummy" ? loaded : 0);
	} else core("base_loader.py:82", `Initializing model took ${loaded.toFixed(6)} seconds`, loaded);
	if (!flags.enforceEager) compileLines(deployment, times, core);
	if (cuda && flags.kvCacheMemoryBytes === null) memoryLines(deployment, plan, times, core);
	return lines;
}
function compileLines(deployment, times, core) {
	const late = atLeast(deployment.settings.version, 0, 31);
	const tag = late ? "[backbone] " : "";
	const range = `(1, ${deployment.maxNumBatchedTokens})`;
	const compiling = times.compile - times.dynamo;
	if (deployment.gpu.device === "cpu") core("cpu_model_runner.py:87", "Warming up model for the compilation...");
	else {
		core("backends.py:1089", `${tag}Using cache directory: ~/.cache/vllm/torch_compile_cache/c49503bde1/rank_0_0/backbone for vLLM's torch.compile`);
		core("backends.py:1148", `${tag}Dynamo bytecode transform time: ${times.dynamo.toFixed(2)} s`, times.dynamo);
		const built = deployment.settings.compileCache === "warm" ? `Directly load the compiled graph(s) for compile range ${range} from the cache, took ${compiling.toFixed(3)} s` : `Compiling a graph for compile range ${range} takes ${compiling.toFixed(2)} s`;
		core(deployment.settings.compileCache === "warm" ? "backends.py:292" : "backends.py:393", tag + built, compiling);
		core("monitor.py:53", `${tag}torch.compile took ${times.compile.toFixed(2)} s in total`);
	}
	core(late ? "monitor.py:91" : "monitor.py:81", `${tag}Initial profiling/warmup run took ${times.profile.toFixed(2)} s`, times.profile);
}
function memoryLines(deployment, plan, times, core) {
	const sizes = deployment.captureSizes;
	const { gpu, flags } = deployment;
	if (sizes.length > 0) {
		core("gpu_model_runner.py:6279", `Profiling CUDA graph memory: ${`PIECEWISE=${sizes.length} (largest=${sizes.at(-1)}), FULL=${sizes.length} (largest=${sizes.at(-1)})`}`);
		core("gpu_model_runner.py:6365", `Estimated CUDA graph memory: ${gib(plan.graphsEstimated).toFixed(2)} GiB total`, times.graphProfile);
	}
	core("gpu_worker.py:466", `Available KV cache memory: ${gib(plan.availableKv).toFixed(2)} GiB`);
	if (sizes.length === 0) return;
	const share = plan.graphsEstimated / (gpu.memoryMiB * 2 ** 20);
	const now = flags.gpuMemoryUtilization;
	core("gpu_worker.py:481", `CUDA graph memory profiling is enabled (default since v0.21.0). The current --gpu-memory-utilization=${now.toFixed(4)} is equivalent to --gpu-memory-utilization=${(now - share).toFixed(4)} without CUDA graph memory profiling. To maintain the same effective KV cache size as before, increase --gpu-memory-utilization to ${(now + share).toFixed(4)}. To disable, set VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0.`);
}
/** The lines from the KV cache to a server that is about to listen. */
function readyLines(deployment, plan, times) {
	const { flags, settings, gpu } = deployment;
	const late = atLeast(settings.version, 0, 31);
	const lines = [];
	const write = (speaker, source, message, after = 0) => {
		lines.push({
			after,
			speaker,
			level: "INFO",
			source,
			message
		});
	};
	if (gpu.device === "cpu") write("Worker", "cpu_worker.py:260", `Explicitly set (${`${gib(plan.availableKv).toFixed(1)}/${(gpu.memoryMiB / 1024).toFixed(2)}`}) GiB for KV cache on node 0.`);
	if (flags.maxModelLen === "auto") write("EngineCore", late ? "kv_cache_utils.py:2196" : "kv_cache_utils.py:1602", autoFitMessage(deployment, plan));
	const thousands = (value) => value.toLocaleString("en-US");
	const size = `${gpu.device === "cpu" ? "CPU" : "GPU"} KV cache size: ${thousands(plan.kvTokens)} tokens`;
	const most = `Maximum concurrency for ${thousands(deployment.maxModelLen)} tokens per request: ${plan.maxConcurrency.toFixed(2)}x`;
	if (atLeast(settings.version, 0, 28)) write("EngineCore", "kv_cache_utils.py:2327", `${size}, ${most}`);
	else {
		write("EngineCore", "kv_cache_utils.py:1733", size);
		write("EngineCore", "kv_cache_utils.py:1734", most);
	}
	if (deployment.cudaGraphs) {
		write("EngineCore", "gpu_model_runner.py:6456", `Graph capturing finished in ${Math.round(times.capture)} secs, took ${gib(plan.graphsActual).toFixed(2)} GiB`, times.capture);
		if (flags.kvCacheMemoryBytes === null) {
			const gap = plan.graphsActual - plan.graphsEstimated;
			const share = (gap / plan.graphsActual * 100).toFixed(1);
			write("EngineCore", "gpu_worker.py:619", `CUDA graph pool memory: ${`${gib(plan.graphsActual).toFixed(2)} GiB (actual), ${gib(plan.graphsEstimated).toFixed(2)} GiB (estimated)`}, difference: ${gib(gap).toFixed(2)} GiB (${share}%).`);
		}
	}
	const compilation = times.compile > 0 && gpu.device === "cuda" ? ` (compilation: ${times.compile.toFixed(2)} s)` : "";
	const init = `init engine (profile, create kv cache, warmup model) took ${times.initEngine.toFixed(2)} s${compilation}`;
	write("EngineCore", late ? "core.py:402" : compilation === "" ? "core.py:309" : "core.py:302", init, 1);
	write("APIServer", late ? "entry.py:136" : "api_server.py:592", "Supported tasks: ['generate']", .5);
	const starting = `Starting vLLM server on http://${flags.host ?? "0.0.0.0"}:${flags.port}`;
	write("APIServer", late ? "entry.py:140" : "api_server.py:596", starting);
	write("APIServer", late ? "launcher.py:186" : "launcher.py:37", "Available routes are:");
	for (const [path, methods] of ROUTES) write("APIServer", late ? "launcher.py:195" : "launcher.py:46", `Route: ${path}, Methods: ${methods}`);
	return lines;
}
const ROUTES = [
	["/tokenize", "POST"],
	["/detokenize", "POST"],
	["/version", "GET"],
	["/health", "GET"],
	["/metrics", "GET"],
	["/v1/models", "GET"],
	["/ping", "GET"],
	["/ping", "POST"],
	["/v1/chat/completions", "POST"],
	["/v1/completions", "POST"]
];
function engineConfig(deployment) {
	const { flags, model, settings, gpu, maxModelLen } = deployment;
	const repr = pythonRepr;
	return `Initializing a V1 LLM engine (v${settings.version}) with config: model=${repr(flags.model)}, speculative_config=None, tokenizer=${repr(flags.model)}, skip_tokenizer_init=False, tokenizer_mode=auto, revision=None, tokenizer_revision=None, trust_remote_code=False, dtype=torch.${model.dtype}, max_seq_len=${maxModelLen}, download_dir=None, load_format=${flags.loadFormat}, tensor_parallel_size=${flags.tensorParallelSize}, pipeline_parallel_size=1, data_parallel_size=1, quantization=None, enforce_eager=${repr(flags.enforceEager)}, kv_cache_dtype=${flags.kvCacheDtype}, device_config=${gpu.device}, seed=${flags.seed}, served_model_name=${flags.servedModelNames[0]}, enable_prefix_caching=${repr(flags.enablePrefixCaching)}, enable_chunked_prefill=True, pooler_config=None`;
}

// src/simulator/startup-times.ts
/** Relative standard deviation of each part between restarts that load from the same caches, as the logs show it. */
const SPREAD = .04;
/**
* Durations from causes: bytes over the rate of loading, layers to compile, graphs to capture. Calibrated with vLLM
* 0.22 on an H200: compiling took 16 s cold and 3.3 s from the cache for 28 layers, capturing 102 graphs 4 s.
*/
function startupTimes(deployment, plan) {
	const { gpu, model, settings, flags } = deployment;
	const random = new Random(settings.seed + 7);
	const near = (value) => value * settings.regressions.startup * (1 + (settings.noise === "none" ? 0 : SPREAD) * random.normal());
	const graphs = deployment.cudaGraphs ? deployment.captureSizes.length : 0;
	const compiled = !flags.enforceEager;
	const dummy = flags.loadFormat === "dummy";
	const load = .2 + gib(plan.weights) * (dummy ? .07 : 1.074 / gpu.loadGBps);
	const cold = settings.compileCache === "cold";
	const dynamo = compiled ? near(.07 * model.layers) : 0;
	const compile = compiled ? dynamo + near((cold ? .5 : .05) * model.layers) : 0;
	const profile = near(.13);
	const graphProfile = graphs === 0 ? 0 : near(.02 * graphs + .6);
	const capture = graphs === 0 ? 0 : near(.0027 * graphs * model.layers);
	const initEngine = compile + profile + graphProfile + capture + near(1.4);
	return {
		import: near(4),
		engineProcess: near(16),
		weights: near(load),
		dynamo,
		compile,
		profile,
		graphProfile,
		capture,
		initEngine
	};
}

// src/simulator/stats-log.ts
/** Seconds between two lines (vLLM's `VLLM_LOG_STATS_INTERVAL`). */
const INTERVAL = 10;
/** Logs throughput while there is any; the line after the last work still appears, as with vLLM. */
function reportThroughput(deployment, log, server) {
	if (deployment.flags.disableLogStats) return;
	const source = atLeast(deployment.settings.version, 0, 31) ? "loggers.py:335" : "loggers.py:271";
	const device = deployment.gpu.device === "cpu" ? "CPU" : "GPU";
	let before = {
		prompt: 0,
		generated: 0
	};
	let wasBusy = false;
	const report = () => {
		const { metrics, simulation } = server;
		const prompt = (metrics.promptTokens - before.prompt) / INTERVAL;
		const generated = (metrics.generationTokens - before.generated) / INTERVAL;
		before = {
			prompt: metrics.promptTokens,
			generated: metrics.generationTokens
		};
		const busy = prompt > 0 || generated > 0 || simulation.active > 0;
		if (!busy && !wasBusy) return;
		wasBusy = busy;
		const { scheduler, pool } = simulation.engine;
		const { prefixHits, prefixQueries } = scheduler.counters;
		const hitRate = prefixQueries === 0 ? 0 : prefixHits / prefixQueries * 100;
		const message = `Engine 000: Avg prompt throughput: ${prompt.toFixed(1)} tokens/s, Avg generation throughput: ${generated.toFixed(1)} tokens/s, Running: ${scheduler.running.length} reqs, Waiting: ${scheduler.waiting.length} reqs, ${device} KV cache usage: ${(pool.usage * 100).toFixed(1)}%, Prefix cache hit rate: ${hitRate.toFixed(1)}%`;
		log.line("APIServer", "INFO", source, message);
	};
	setInterval(report, INTERVAL * 1e3).unref();
}

// src/simulator/launch.ts
/** One server's life: check the configuration, start up in vLLM's words, listen, end. */
/**
* Runs a server until it is asked to end.
*
* @param env consulted for `VLLM_API_KEY`
* @returns the exit code when it could not start; a running server ends the process itself
*/
async function launch(flags, settings, env) {
	const gpu = findGpu(settings.gpu);
	const enginePid = (settings.faults.orphanChild ? spawnOrphan() : void 0)?.pid ?? process.pid;
	const log = new VllmLog(settings.version, {
		APIServer: process.pid,
		EngineCore: enginePid,
		Worker: enginePid
	});
	const server = {};
	handleSignals(settings, log, server);
	const say = (lines) => print(log, lines, settings.startupScale);
	if (await portTaken(flags.port, flags.host)) {
		printPortFailure(log);
		return 1;
	}
	await say(bannerLines({
		flags,
		settings
	}));
	if (settings.startupScale !== 1) {
		const message = `Simulated start-up: durations are as logged, ${settings.startupScale} real seconds pass for each.`;
		log.line("APIServer", "INFO", "simulator.py:1", message);
	}
	const lookup = findModel(flags.model);
	if (lookup.kind !== "found") {
		printModelFailure(log, flags.model, lookup);
		return 1;
	}
	const deployment = deploy(flags, settings, gpu, lookup.shape);
	const tooLong = env["VLLM_ALLOW_LONG_MAX_MODEL_LEN"] === "1" ? void 0 : contextFailure(deployment);
	if (tooLong !== void 0) {
		printConfigFailure(log, tooLong);
		return 1;
	}
	const indivisible = parallelFailure(deployment);
	if (indivisible !== void 0) {
		printConfigFailure(log, indivisible, "VllmConfig");
		return 1;
	}
	const profiled = planMemory(deployment);
	const times = startupTimes(deployment, profiled);
	const lines = engineLines(deployment, profiled, times);
	const device = deviceFailure(deployment, profiled);
	await say(linesBefore(lines, device));
	if (device !== void 0) {
		printDeviceFailure(log, device);
		return 1;
	}
	const kv = kvFailure(deployment, profiled);
	if (kv !== void 0) {
		printKvFailure(log, kv);
		return 1;
	}
	const fitted = fitContext(deployment, profiled);
	await say(readyLines(fitted, planMemory(fitted), times));
	if (settings.faults.slowStartS > 0) await setTimeout$1(settings.faults.slowStartS * 1e3);
	server.current = buildServer(fitted, log, apiKeys(flags, env), () => {
		printCrash(log);
		process.exit(1);
	});
	if (!await listen(server.current, deployment)) {
		printPortFailure(log);
		return 1;
	}
	log.raw("APIServer", `INFO:     Started server process [${process.pid}]\nINFO:     Waiting for application startup.`);
	log.raw("APIServer", "INFO:     Application startup complete.");
	reportThroughput(deployment, log, server.current);
}
function apiKeys(flags, env) {
	if (flags.apiKeys.length > 0) return flags.apiKeys;
	const key = env["VLLM_API_KEY"];
	return key === void 0 || key === "" ? [] : [key];
}
async function print(log, lines, scale) {
	let due = performance.now();
	for (const line of lines) {
		due += line.after * scale * 1e3;
		const wait = due - performance.now();
		if (wait > 1) await setTimeout$1(wait);
		log.line(line.speaker, line.level, line.source, line.message);
	}
}
function listen(server, deployment) {
	const { host, port } = deployment.flags;
	return new Promise((resolve) => {
		server.http.once("error", () => resolve(false));
		server.http.listen(port, host ?? "0.0.0.0", () => resolve(true));
	});
}
function handleSignals(settings, log, server) {
	const end = () => {
		if (settings.faults.ignoreSigterm) return;
		if (server.current !== void 0) {
			server.current.driver.stop();
			printShutdown(log, settings.version);
			server.current.http.close();
			server.current.http.closeAllConnections();
		}
		process.exit(0);
	};
	process.on("SIGTERM", end);
	process.on("SIGINT", end);
}

// src/simulator/main.ts
/** Entry of the simulator: `serve MODEL [vllm flags]`, with its own settings in `VLLM_SIM_*` variables. */
/** Parses, launches, and sets the exit code of a server that did not start. */
async function main(argv) {
	const [command, ...rest] = argv;
	if (command !== "serve") {
		process.stderr.write("usage: main.ts serve MODEL [vllm flags]\n");
		process.exitCode = 2;
		return;
	}
	try {
		const flags = parseFlags(rest);
		const code = await launch(flags, readSettings(process.env), process.env);
		if (code !== void 0) process.exit(code);
	} catch (error) {
		if (error instanceof UsageError) process.stderr.write(`${usageText()}api_server.py: error: ${error.message}\n`);
		else process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`);
		process.exit(2);
	}
}
await main(process.argv.slice(2));

export {  };