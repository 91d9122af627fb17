import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import { connect } from "node:net";
import { STATUS_CODES, createServer as createServer$1 } from "node:http";
import { performance as performance$1 } from "node:perf_hooks";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
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
	"api-server-count",
	"stream-interval"
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
		streamInterval: number("stream-interval") ?? 1,
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
		"value": .23,
		"unit": "ms",
		"source": "API server, one request: HTTP, validation, rendering, sending it on. Fitted: TTFT at 4 to 64 concurrent, where requests that arrive together wait for one another"
	},
	"intakePerToken": {
		"value": .63,
		"unit": "us",
		"source": "API server, each prompt token: JSON, validation, tokenising. Fitted: uncached 1024-token against 200-token prompts"
	},
	"intakeSlices": {
		"value": 6,
		"unit": "1",
		"source": "Turns of the event loop that taking a request in needs; the turns of several requests alternate. Fitted: order of first tokens in a wave"
	},
	"latency": {
		"value": 4.1,
		"unit": "ms",
		"source": "Outside the loop, until the engine has the request: sockets, thread hand-overs, ZeroMQ, decoding. Fitted: warm TTFT"
	},
	"transfer": {
		"value": .08,
		"unit": "ms",
		"source": "From the engine's output to the API server: msgpack, ZeroMQ, wake-up. Assumed"
	},
	"batch": {
		"value": .1,
		"unit": "ms",
		"source": "API server, one batch of outputs of the engine. Assumed"
	},
	"batchPerOutput": {
		"value": 9.5,
		"unit": "us",
		"source": "API server, each output of a batch: statistics, queue of its stream, detokenizing one token. Fitted with event"
	},
	"detokenize": {
		"value": .18,
		"unit": "us",
		"source": "API server, each id that a stream's detokenizer decodes (detokenizer-work.ts). Measured: 0.14 to 0.18 us with tokenizers 0.23 on two cores; fitted within that to 2,048-token prompts at 8 concurrent in bench/data/h200-second-host.json"
	},
	"event": {
		"value": 60,
		"unit": "us",
		"source": "API server, writing one event: response object, JSON, send. Fitted with detokenize: rates at 32 and 64 concurrent, above which tokens leave merged"
	}
};
var host = {
	"schedule": {
		"value": .46,
		"unit": "ms",
		"source": "Engine core, one iteration: scheduler, input preparation, sampling metadata. Fitted: decode speed without async scheduling, a third below base (design.md, 5)"
	},
	"schedulePerRequest": {
		"value": 10.5,
		"unit": "us",
		"source": "Engine core, each request of an iteration, the same. Fitted: TPOT at 1 to 64 concurrent without async scheduling in bench/data/h200-second-host.json"
	},
	"admitPerRequest": {
		"value": 300,
		"unit": "us",
		"source": "Engine core, a request's first iteration: decoding it, block hashes, a row in the persistent batch. Fitted: sum of vllm:request_prefill_time_seconds"
	},
	"collect": {
		"value": .44,
		"unit": "ms",
		"source": "Engine core, one iteration's result: wait, bookkeeping, output. Fitted with schedule"
	},
	"collectPerRequest": {
		"value": 4.5,
		"unit": "us",
		"source": "Engine core, each request's result. Fitted with schedulePerRequest"
	},
	"launchDelay": {
		"value": .13,
		"unit": "ms",
		"source": "From the start of a launch to the first kernel on the device. Fitted with schedule"
	},
	"graphReplay": {
		"value": .06,
		"unit": "ms",
		"source": "Launching a batch that only decodes: one full CUDA graph. Assumed"
	},
	"piecewisePerLayer": {
		"value": 130,
		"unit": "us",
		"source": "Launching a mixed batch within the captured sizes, each layer: a graph piece and the attention between pieces. Fitted: warm TTFT, and iterations of 512 tokens in mbt512"
	},
	"compiledPerLayer": {
		"value": 345,
		"unit": "us",
		"source": "Launching a batch beyond the captured sizes, each layer: compiled kernels one by one. Fitted: uncached 1024-token TTFT, and the time from step to step of chunks of 1,024 tokens in bench/data/h200-second-host.json (10.4 ms)"
	},
	"eagerPerLayer": {
		"value": 435,
		"unit": "us",
		"source": "Launching without compilation, each layer: PyTorch operators one by one. Fitted: TPOT of eager"
	},
	"cpuPerLayer": {
		"value": 15,
		"unit": "us",
		"source": "Dispatching a layer's compiled kernels on the CPU backend. Assumed"
	},
	"jitCold": {
		"value": .7,
		"unit": "s",
		"source": "First iteration of a server's life, kernels compiled just in time (the jit_monitor lines of the logs). Fitted: first request of base 0"
	},
	"jitWarm": {
		"value": .038,
		"unit": "s",
		"source": "The same, kernels found in Triton's cache. Fitted: first requests of base 1 to 3 and noapc"
	},
	"jitEager": {
		"value": .13,
		"unit": "s",
		"source": "The same without compilation. Fitted: first request of eager"
	}
};
var device = {
	"allReduce": {
		"value": 9,
		"unit": "us",
		"source": "Latency of one custom all-reduce over NVLink, two for each layer. Assumed from published vLLM and NCCL timings of small messages"
	},
	"attentionItem": {
		"value": .035,
		"unit": "us",
		"source": "Starting and ending attention for one sequence and KV head, in each layer; work items share the processors (about 5 us each on one of 132). Fitted: TPOT of phi (32 KV heads) at 32 concurrent in bench/data/h200-second-host.json"
	},
	"quantiseQuery": {
		"value": 2.8,
		"unit": "us",
		"source": "Each layer under an fp8 KV cache: a kernel that scales the query and rounds it to fp8 before attention. Fitted: sequential TPOT of fp8 in bench/data/h200-second-host.json"
	}
};

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
/**
* Ids of the tokenizer of a model that has none here and random weights (`--load-format dummy`): such a model is the
* shape of one, as in the fixtures, whose tokenizer had this many.
*/
const SHAPE_TOKENIZER_IDS = 4096;
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
		knownIds: flags.loadFormat === "dummy" ? Math.min(model.vocab, SHAPE_TOKENIZER_IDS) : model.vocab,
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
	return `Auto-fit max_model_len: reduced from ${maxPositions} to ${maxModelLen} to fit in available GPU memory (${roundedGib(plan.availableKv)} GiB available for KV cache)`;
}
/** Bytes as GiB. */
function gib(bytes) {
	return bytes / GIB;
}
/** As vLLM's `format_gib` writes them: two places, rounded, no trailing zeros but one. */
function roundedGib(bytes) {
	const rounded = String(Math.round(gib(bytes) * 100) / 100);
	return rounded.includes(".") ? rounded : `${rounded}.0`;
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
		const message = `ValueError: Free memory on device cuda:0 (${roundedGib(Math.max(0, free))}/${roundedGib(plan.total)} GiB) on startup is less than desired GPU memory utilization (${flags.gpuMemoryUtilization}, ${roundedGib(wanted)} GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.`;
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
		"flopsEfficiency": .46,
		"layerOverheadUs": 43.8,
		"loadGBps": 6,
		"source": "Data sheet for peaks; efficiencies, overhead and reserve fitted to bench/data/h200.json and the KV lines of the logs; flops by the TTFT of Phi-3-mini beside that of Qwen2.5-1.5B at 32 and 64 concurrent in h200-second-host.json (prompts of 200 tokens in batches of up to 8,192: products of hidden sizes of 1,536 and 3,072)"
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
		"flopsEfficiency": .46,
		"layerOverheadUs": 43.8,
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
		"flopsEfficiency": .46,
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
		"source": "Two cores with DDR4, as in test/fixtures/vllm-0.32.0-cpu; assumed"
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
/** Names of the faults that can be planted. */
const FAULT_NAMES = [...PLAIN, ...SIZED];
/**
* Parses e.g. `crash-after:20,ignore-sigterm` or `throttle:0.6,slow-rounds:0.1`.
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
* What makes two equal runs differ, seeded: residuals drawn from a table of real ones, the speed of each session and
* spell, slow spells, slow sessions, and a drift.
*
* The table (`noise-h200.json`) is made by `bench/make-noise.ts`. How often a round or a session is slow, by how much,
* and how far sessions lie apart otherwise is what identical rounds in restarts on real hosts showed;
* `bench/simulator-noise.ts` compares the spreads that come of it with the measured ones.
*/
/** Which noise there is: `none`; `jitter`, the residuals alone; `h200`, also slow spells and slow sessions. */
const NOISE_LEVELS = [
	"none",
	"jitter",
	"h200"
];
/** How far equal sessions and spells lie apart: standard deviations of logarithms. */
const SPREAD$1 = {
	/** Sessions, in all that the host does. */
	sessionHost: .02,
	/** Sessions, in launching kernels one by one beside that: most of an uncached TTFT. */
	sessionLaunch: .2,
	/** Sessions, on the device: it is another set of clocks and addresses. */
	sessionDevice: .002,
	/** Spells, in all that the host does. */
	spellHost: .015
};
const SLOW = {
	/** Length of a spell, seconds: a round of requests-again.json took 13 to 18 s. */
	spellS: 15,
	roundShare: 1 / 14,
	roundFactor: [1.2, 1.3],
	/** A slow spell comes and goes in slices of this length, so that its best requests are as fast as others'. */
	sliceS: .3,
	/** Share of a slow spell's slices that are slow. */
	sliceShare: .7,
	/** Spells in which only the host is slow, on the same slices: medians of TTFT lie further apart than floors. */
	hostShare: 1 / 7,
	hostFactor: [1.15, 1.35],
	sessionShare: 1 / 4,
	sessionFactor: [1.2, 1.4]
};
/** Iterations that share one draw of the token time: the residuals are means over requests of 64 to 128 tokens. */
const TOKENS_PER_DRAW = 96;
/** Exponent of the outermost steps of a table. */
const TAIL = 4;
/** The noise of one server. */
var Noise = class {
	/** Factor on everything the host's processes do in this session, when it is a slow one. */
	sessionFactor;
	plan;
	random;
	slowShare;
	slowHostShare;
	session;
	spellSpread;
	tokenTime = 1;
	drawIn = 0;
	bornAt;
	constructor(plan) {
		this.plan = plan;
		this.random = new Random(mix32(plan.seed, 131422));
		const all = plan.level === "h200";
		this.slowShare = plan.slowRounds ?? (all ? SLOW.roundShare : 0);
		this.slowHostShare = all ? SLOW.hostShare : 0;
		const slow = all && uniform(plan.seed, 24149) < SLOW.sessionShare;
		this.sessionFactor = plan.slowSession ?? (slow ? between(SLOW.sessionFactor, uniform(plan.seed, 64199)) : 1);
		const own = (spread, salt) => all ? logNormal(spread, plan.seed, salt) : 1;
		this.session = {
			host: own(SPREAD$1.sessionHost, 16471) * this.sessionFactor,
			launch: own(SPREAD$1.sessionLaunch, 6668),
			device: own(SPREAD$1.sessionDevice, 57073)
		};
		this.spellSpread = all ? SPREAD$1.spellHost : 0;
	}
	/** Factor on the host's work at a time. */
	host(now) {
		const spread = this.spellSpread;
		const spell = spread === 0 ? 1 : logNormal(spread, this.plan.seed ^ 23009, spellAt(now));
		const slow = this.spellFactor(now, this.slowHostShare, SLOW.hostFactor, 28759);
		return this.session.host * spell * slow * this.slowness(now);
	}
	/** Factor on launching kernels one by one, beside {@link host}. */
	get launch() {
		return this.session.launch;
	}
	/** Factor on the device's work of the next iteration. */
	device(now) {
		this.bornAt ??= now;
		const drift = 1 + this.plan.driftPerMinute * (now - this.bornAt) / 60;
		if (this.plan.level === "none") return this.slowness(now) * drift;
		if (this.drawIn-- <= 0) {
			this.tokenTime = 1 + this.draw(tokenTimeShare);
			this.drawIn = TOKENS_PER_DRAW;
		}
		return this.tokenTime * this.session.device * this.slowness(now) * drift;
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
	slowness(now) {
		return this.spellFactor(now, this.slowShare, SLOW.roundFactor, 0);
	}
	/** The factor in the slow slices of the slow ones among the spells; 1 otherwise. */
	spellFactor(now, share, range, salt) {
		if (share === 0) return 1;
		const index = spellAt(now);
		const seed = this.plan.seed ^ salt;
		if (uniform(seed, index) >= share) return 1;
		if (uniform(seed ^ 20942, Math.floor(now / SLOW.sliceS)) >= SLOW.sliceShare) return 1;
		return between(range, uniform(seed ^ 20972, index));
	}
	draw(quantiles) {
		const steps = quantiles.length - 1;
		const at = this.random.next() * steps;
		const low = Math.floor(at);
		const share = at - low;
		const along = low === 0 ? 1 - (1 - share) ** TAIL : low === steps - 1 ? share ** TAIL : share;
		return quantiles[low] + along * (quantiles[low + 1] - quantiles[low]);
	}
};
function uniform(seed, index) {
	return mix32(seed, index) / 4294967296;
}
function spellAt(now) {
	return Math.floor(now / SLOW.spellS);
}
/** A factor whose logarithm is normal around 0 (Box-Muller). */
function logNormal(spread, seed, salt) {
	const radius = Math.sqrt(-2 * Math.log(1 - uniform(seed ^ 4288, salt)));
	return Math.exp(spread * radius * Math.cos(2 * Math.PI * uniform(seed ^ 3690, salt)));
}
function between([low, high], share) {
	return low + share * (high - low);
}

// src/simulator/settings.ts
/** The simulator's own settings, from environment variables that start with `VLLM_SIM_`. */
/** The variables that {@link readSettings} reads. */
const SETTING_NAMES = [
	"VLLM_SIM_GPU",
	"VLLM_SIM_VERSION",
	"VLLM_SIM_STARTUP_SCALE",
	"VLLM_SIM_SEED",
	"VLLM_SIM_NOISE",
	"VLLM_SIM_MEMORY_TAKEN_GIB",
	"VLLM_SIM_COMPILE_CACHE",
	"VLLM_SIM_REGRESSION",
	"VLLM_SIM_FAULT",
	"VLLM_SIM_PLAN",
	"VLLM_SIM_TRUTH"
];
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
		faults: parseFaults(env["VLLM_SIM_FAULT"] ?? ""),
		plan: parsePlan(env["VLLM_SIM_PLAN"] ?? ""),
		truth: env["VLLM_SIM_TRUTH"] || void 0
	};
}
/** Parses e.g. `ttftMs=20,itlMs=6.4,jitterMs=0.2`; what is left out is 0. */
function parsePlan(text) {
	if (text === "") return void 0;
	const times = {
		ttftMs: 0,
		itlMs: 0,
		jitterMs: 0,
		spreadMs: 0
	};
	for (const item of text.split(",")) {
		const [name = "", value = ""] = item.split("=");
		const time = Number(value);
		if (!Object.hasOwn(times, name) || value === "" || !(time >= 0 && time < 1e9)) throw new Error(`VLLM_SIM_PLAN: cannot read '${item}' (e.g. ttftMs=20,itlMs=6.4,jitterMs=0)`);
		times[name] = time / 1e3;
	}
	return {
		ttft: times["ttftMs"],
		itl: times["itlMs"],
		jitter: times["jitterMs"],
		spread: times["spreadMs"]
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
/** A value as Python's repr writes it; an object with `toPython` writes that. */
function pythonRepr(value) {
	if (value === null || value === void 0) return "None";
	if (typeof value === "boolean") return value ? "True" : "False";
	if (typeof value === "string") return pythonString(value);
	if (Array.isArray(value)) return `[${value.map(pythonRepr).join(", ")}]`;
	if (typeof value !== "object") return String(value);
	if ("toPython" in value) return String(value.toPython);
	return `{${Object.entries(value).map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`).join(", ")}}`;
}
function pythonString(text) {
	const quote = text.includes("'") && !text.includes("\"") ? "\"" : "'";
	const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("	", "\\t");
	return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}
/** A number as Python's str writes a float: `2.0`. */
function pythonFloat(value) {
	return Number.isInteger(value) ? value.toFixed(1) : String(value);
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
	const attentionBias = fields["attention_bias"] === true || type === "qwen2";
	const bias = attentionBias ? (heads + 2 * kvHeads) * headDim : 0;
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
		attentionBias,
		eosToken: typeof eos === "number" ? eos : Array.isArray(eos) ? Number(eos[0]) : 2,
		parameters: layerParameters + vocab * hidden * (tied ? 1 : 2),
		layerParameters
	};
}

// src/simulator/json-error.ts
const KEY = "Expecting property name enclosed in double quotes";
const LITERAL = /^(?:null|true|false|NaN|-?Infinity|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/;
/** Finds the first error of a text that `JSON.parse` refused. */
function pythonJsonError(text) {
	const scanner = new Scanner(text);
	try {
		scanner.value(scanner.space(0));
	} catch (error) {
		if (error instanceof Found) return {
			message: error.message,
			position: error.position
		};
		throw error;
	}
	return {
		message: "Extra data",
		position: scanner.space(scanner.end)
	};
}
var Found = class extends Error {
	position;
	constructor(message, position) {
		super(message);
		this.position = position;
	}
};
/** Walks over a text as `json.scanner` does; `end` is where the last value ended. */
var Scanner = class {
	end = 0;
	text;
	constructor(text) {
		this.text = text;
	}
	space(at) {
		let i = at;
		while (" 	\n\r".includes(this.text[i] ?? "x")) i++;
		return i;
	}
	value(at) {
		const char = this.text[at];
		if (char === "\"") this.string(at);
		else if (char === "{") this.object(at);
		else if (char === "[") this.array(at);
		else {
			const literal = LITERAL.exec(this.text.slice(at, at + 400));
			if (literal === null) throw new Found("Expecting value", at);
			this.end = at + literal[0].length;
		}
	}
	string(at) {
		for (let i = at + 1; i < this.text.length; i++) {
			const char = this.text[i];
			if (char === "\"") {
				this.end = i + 1;
				return;
			}
			if (char < " ") throw new Found("Invalid control character at", i);
			if (char !== "\\") continue;
			i++;
			const escaped = this.text[i];
			if (escaped === void 0) break;
			if (escaped === "u") {
				if (!/^[0-9a-fA-F]{4}$/.test(this.text.slice(i + 1, i + 5))) throw new Found("Invalid \\uXXXX escape", i);
				i += 4;
			} else if (!"\"\\/bfnrt".includes(escaped)) throw new Found("Invalid \\escape", i - 1);
		}
		throw new Found("Unterminated string starting at", at);
	}
	object(at) {
		let i = this.space(at + 1);
		const empty = this.text[i] === "}";
		while (!empty) {
			if (this.text[i] !== "\"") throw new Found(KEY, i);
			this.string(i);
			i = this.space(this.end);
			if (this.text[i] !== ":") throw new Found("Expecting ':' delimiter", i);
			this.value(this.space(i + 1));
			i = this.space(this.end);
			if (this.text[i] === "}") break;
			if (this.text[i] !== ",") throw new Found("Expecting ',' delimiter", i);
			i = this.space(i + 1);
		}
		this.end = i + 1;
	}
	array(at) {
		let i = this.space(at + 1);
		const empty = this.text[i] === "]";
		while (!empty) {
			this.value(i);
			i = this.space(this.end);
			if (this.text[i] === "]") break;
			if (this.text[i] !== ",") throw new Found("Expecting ',' delimiter", i);
			i = this.space(i + 1);
		}
		this.end = i + 1;
	}
};

// src/simulator/errors.ts
/** vLLM's error bodies, which changed between 0.22 and 0.32. */
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
/** A body that pydantic refuses. */
var InvalidBody = class extends Error {
	problems;
	constructor(problems) {
		super(problems[0]?.msg);
		this.problems = problems;
	}
};
/** A value that vLLM's own checks refuse (its `VLLMValidationError`). */
var InvalidValue = class extends Error {
	parameter;
	/** Whether the request's model raised it, before anything else was looked at. */
	early;
	/** @param value shown with the parameter; undefined shows none */
	constructor(message, parameter = null, value, early = false) {
		const extras = parameter === null ? [] : [`parameter=${parameter}`];
		if (value !== void 0) extras.push(`value=${typeof value === "string" ? value : pythonRepr(value)}`);
		super(extras.length === 0 ? message : `${message} (${extras.join(", ")})`);
		this.parameter = parameter;
		this.early = early;
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
/** The answer to an error of a handler; undefined when it is none that vLLM knows. */
function answerTo(error, endpoint) {
	if (error instanceof HttpError) return error;
	const early = error instanceof InvalidValue && error.early && !atLeast(endpoint.version, 0, 26);
	if (error instanceof InvalidValue && !early) return apiError(400, "BadRequestError", error.message, error.parameter);
	if (error instanceof InvalidValue) {
		const problem = {
			type: "value_error",
			loc: ["body"],
			msg: `Value error, ${error.message}`,
			input: endpoint.body
		};
		const name = error.parameter === null ? "ValueError" : "VLLMValidationError";
		const text = error.message.replace(/ \(parameter=.*\)$/, "");
		return refusal([{
			...problem,
			ctx: { error: { toPython: `${name}(${pythonRepr(text)})` } }
		}], endpoint, error.parameter);
	}
	if (error instanceof InvalidBody) return refusal(error.problems, endpoint, null);
}
const MOST_PROBLEMS = 10;
/** The "Bad Request" that repeats pydantic's complaints: whole up to 0.25, shortened later. */
function refusal(problems, endpoint, parameter) {
	const count = `${problems.length} validation error${problems.length === 1 ? "" : "s"}`;
	if (atLeast(endpoint.version, 0, 26)) {
		const lines = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${shortened(problem)}`);
		if (problems.length > MOST_PROBLEMS) lines.push(`  ...and ${problems.length - MOST_PROBLEMS} more errors`);
		return apiError(400, "Bad Request", `${count}:\n${lines.join("\n")}`, problems[0].loc.join("."));
	}
	const items = problems.map(whole);
	const file = endpoint.path.includes("chat") ? "chat_completion" : "completion";
	const where = `  File "/usr/local/lib/python3.12/dist-packages/vllm/entrypoints/openai/${file}/api_router.py", line 46, in create_${file}\n    ${endpoint.method} ${endpoint.path}`;
	return apiError(400, "Bad Request", `${count}:\n${items.map((item) => `  ${item}`).join("\n")}\n\n${where} [${items.join(", ")}]`, parameter);
}
function shortened({ type, loc, msg, input, ctx }) {
	return pythonRepr({
		type,
		loc: loc.join("."),
		msg,
		input: summary(input),
		...ctx && { ctx }
	});
}
function whole({ type, loc, msg, input, ctx }) {
	const path = { toPython: `(${loc.map(pythonRepr).join(", ")}${loc.length === 1 ? "," : ""})` };
	return pythonRepr({
		type,
		loc: path,
		msg,
		input,
		...ctx && { ctx }
	});
}
function summary(input) {
	if (typeof input === "string") return input.length > 200 ? `${input.slice(0, 200)}...[truncated]` : input;
	if (Array.isArray(input)) return `<list of ${input.length} items>`;
	if (typeof input === "object" && input !== null) return `<dict of ${Object.keys(input).length} items>`;
	return pythonRepr(input);
}
/** A request for a model that is not served; the names were added to the text after 0.22. */
function unknownModel(asked, aliases, version) {
	return apiError(404, "NotFoundError", `The model \`${asked}\` does not exist.${atLeast(version, 0, 26) ? ` Valid aliases: ${aliases.join(", ")}.` : ""}`, "model");
}
/**
* Checks that a prompt leaves room for output. 0.22 refuses what does not fit together; 0.32 cuts the output.
*
* @param output tokens asked for, 0 when none were
* @param text whether the prompt came as text, whose tokens vLLM stops counting past the limit
* @throws InvalidValue
*/
function checkLength(limit, prompt, output, text, version) {
	const cuts = atLeast(version, 0, 26);
	if (output > limit) {
		const message = `max_tokens=${output} cannot be greater than max_model_len=${cuts ? `${limit}` : `max_total_tokens=${limit}`}. Please request fewer output tokens.`;
		throw new InvalidValue(message, "max_tokens", output);
	}
	const most = cuts ? limit : limit - output;
	if (prompt <= most) return;
	const counted = text ? most + 1 : prompt;
	const some = counted === most + 1 ? "at least " : "";
	const start = `This model's maximum context length is ${limit} tokens. However, `;
	const message = cuts ? `${start}your prompt contains ${some}${counted} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.` : `${start}you requested ${output} output tokens and your prompt contains ${some}${counted} input tokens, for a total of ${some}${counted + output} tokens. Please reduce the length of the input prompt or the number of requested output tokens.`;
	throw new InvalidValue(message, "input_tokens", counted);
}
/** A body that is not JSON. */
function invalidJson(text) {
	const { message, position } = pythonJsonError(text);
	return new InvalidBody([{
		type: "json_invalid",
		loc: ["body", position],
		msg: "JSON decode error",
		input: {},
		ctx: { error: message }
	}]);
}

// src/simulator/field-reader.ts
/** Reads a body's fields as pydantic does in its lax mode, and collects its complaints. */
/** Reads fields one by one, in the order in which the complaints shall come. */
var FieldReader = class {
	body;
	problems = [];
	/** @throws InvalidBody for a body that is no object */
	constructor(body) {
		if (body === void 0) throw new InvalidBody([{
			type: "missing",
			loc: ["body"],
			msg: "Field required",
			input: null
		}]);
		if (typeof body !== "object" || body === null || Array.isArray(body)) throw new InvalidBody([{
			type: "model_attributes_type",
			loc: ["body"],
			msg: "Input should be a valid dictionary or object to extract fields from",
			input: body
		}]);
		this.body = body;
	}
	/** The value as it was given; undefined stands for null too. */
	raw(name) {
		return this.body[name] ?? void 0;
	}
	/** Adds a complaint about a field, or about an item of it. */
	complain(type, loc, msg, input, ctx) {
		const path = typeof loc === "string" ? [loc] : loc;
		this.problems.push({
			type,
			loc: ["body", ...path],
			msg,
			input,
			...ctx && { ctx }
		});
	}
	/** Adds that a field is missing. */
	missing(name) {
		this.complain("missing", name, "Field required", this.body);
	}
	/** A whole number. */
	int(name, { least, required } = {}) {
		const value = this.present(name, required);
		if (value === void 0) return void 0;
		const read = this.readInt([name], value);
		if (read !== void 0 && least !== void 0 && read < least) {
			const msg = `Input should be greater than or equal to ${least}`;
			this.complain("greater_than_equal", name, msg, value, { ge: least });
		}
		return read;
	}
	/** A number. */
	float(name, required = false) {
		const value = this.present(name, required);
		if (value === void 0 || typeof value === "number") return value;
		if (typeof value === "boolean") return Number(value);
		if (typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) return Number(value);
		if (typeof value === "string") this.complain("float_parsing", name, "Input should be a valid number, unable to parse string as a number", value);
		else this.complain("float_type", name, "Input should be a valid number", value);
	}
	/** True or false, or one of the words for it. */
	bool(name, required = false) {
		const value = this.present(name, required);
		if (value === void 0 || typeof value === "boolean") return value ?? false;
		const word = String(value).toLowerCase();
		if (typeof value === "object") this.complain("bool_type", name, "Input should be a valid boolean", value);
		else if ([
			"1",
			"true",
			"t",
			"yes",
			"y",
			"on"
		].includes(word)) return true;
		else if (![
			"0",
			"false",
			"f",
			"no",
			"n",
			"off"
		].includes(word)) this.complain("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", value);
		return false;
	}
	/** Text. */
	text(name, required = false) {
		const value = this.present(name, required);
		if (value === void 0 || typeof value === "string") return value;
		this.complain("string_type", name, "Input should be a valid string", value);
	}
	/** A list of whole numbers. */
	ints(name, required = false) {
		const value = this.present(name, required);
		if (value === void 0) return void 0;
		if (!Array.isArray(value)) {
			this.complain("list_type", name, "Input should be a valid list", value);
			return;
		}
		return value.map((item, i) => this.readInt([name, i], item) ?? 0);
	}
	/** Text or a list of texts. */
	texts(name) {
		const value = this.present(name, false);
		if (value === void 0) return [];
		if (typeof value === "string") return [value];
		const items = Array.isArray(value) ? value : [];
		if (Array.isArray(value) && items.every((item) => typeof item === "string")) return items;
		this.complain("string_type", name, "Input should be a valid string", value);
		if (!Array.isArray(value)) this.complain("list_type", name, "Input should be a valid list", value);
		else {
			const bad = items.findIndex((item) => typeof item !== "string");
			this.complain("string_type", [name, bad], "Input should be a valid string", items[bad]);
		}
		return [];
	}
	/** An object. */
	object(name) {
		const value = this.present(name, false);
		if (value === void 0) return {};
		if (typeof value === "object" && !Array.isArray(value)) return value;
		this.complain("model_attributes_type", name, "Input should be a valid dictionary or object to extract fields from", value);
		return {};
	}
	/** @throws InvalidBody when there were complaints */
	finish() {
		if (this.problems.length > 0) throw new InvalidBody(this.problems);
	}
	/** A value; null counts as absent, unless the field must not be null. */
	present(name, required = false) {
		const value = this.body[name];
		return value === null && !required ? void 0 : value;
	}
	readInt(loc, value) {
		const start = "Input should be a valid integer";
		if (typeof value === "number") {
			if (Number.isInteger(value)) return value;
			this.complain("int_from_float", loc, `${start}, got a number with a fractional part`, value);
		} else if (typeof value === "boolean") return Number(value);
		else if (typeof value !== "string") this.complain("int_type", loc, start, value);
		else if (/^\s*[+-]?\d+(?:\.0+)?\s*$/.test(value)) return Number(value);
		else this.complain("int_parsing", loc, `${start}, unable to parse string as an integer`, value);
	}
};

// src/simulator/prompts.ts
/** Prompts as requests give them: text or ids, one or several, or a conversation. */
const LIST = "Input should be a valid list";
const TEXT = "Input should be a valid string";
/** A completion's prompts as they were given: each text or ids. */
function readPrompts(fields) {
	const value = fields.raw("prompt");
	if (typeof value === "string") return [value];
	if (!Array.isArray(value)) {
		for (const kind of [
			"list",
			"list",
			"string",
			"list"
		]) fields.complain(`${kind}_type`, "prompt", kind === "list" ? LIST : TEXT, value);
		return [];
	}
	if (value.every(isToken)) return value.length === 0 ? [] : [value];
	if (value.every((item) => typeof item === "string")) return value;
	if (value.every((item) => Array.isArray(item) && item.every(isToken))) return value;
	complainOfList(fields, value);
	return [];
}
function isToken(value) {
	return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
/** Pydantic's complaints for each kind of list that this is not. */
function complainOfList(fields, value) {
	value.forEach((item, i) => {
		if (isToken(item)) return;
		const negative = typeof item === "number" && item < 0;
		const msg = negative ? "Input should be greater than or equal to 0" : "Input should be a valid integer";
		if (negative) fields.complain("greater_than_equal", ["prompt", i], msg, item, { ge: 0 });
		else fields.complain("int_type", ["prompt", i], msg, item);
	});
	value.forEach((item, i) => {
		if (!Array.isArray(item)) fields.complain("list_type", ["prompt", i], LIST, item);
	});
	fields.complain("string_type", "prompt", TEXT, value);
	value.forEach((item, i) => {
		if (typeof item !== "string") fields.complain("string_type", ["prompt", i], TEXT, item);
	});
}
/**
* Turns prompts into ids.
*
* @throws InvalidValue for none, an empty one, or ids past the vocabulary
*/
function encodePrompts(given, tokenizer, vocab) {
	if (given.length === 0) throw new InvalidValue("You must pass at least one prompt");
	return given.map((item) => {
		const text = typeof item === "string" ? item : void 0;
		const tokens = typeof item === "string" ? tokenizer.encode(item) : item;
		if (tokens.length === 0) throw new InvalidValue("The decoder prompt cannot be empty");
		const outside = tokens.find((token) => token >= vocab);
		if (outside !== void 0) throw new InvalidValue(`Token id ${outside} is out of vocabulary`);
		return {
			tokens,
			text
		};
	});
}
/** A conversation's messages; complaints go to `fields`. */
function readMessages(fields) {
	const value = fields.raw("messages");
	if (value === void 0) fields.missing("messages");
	else if (!Array.isArray(value)) fields.complain("list_type", "messages", LIST, value);
	else {
		value.forEach((message, i) => {
			if (!(typeof message === "object" && message !== null && typeof message.role === "string")) fields.complain("missing", [
				"messages",
				i,
				"role"
			], "Field required", message);
		});
		return value;
	}
	return [];
}
/**
* Lays messages out as a chat template would.
*
* @throws InvalidValue for an empty conversation
*/
function renderChat(messages, model) {
	if (messages.length === 0) throw new InvalidValue("Cannot apply chat template to an empty conversation. Provide at least one message.");
	let text = "";
	for (const message of messages) text += `<|im_start|>${String(message["role"])}\n${contentText(message["content"], model)}<|im_end|>\n`;
	return `${text}<|im_start|>assistant\n`;
}
function contentText(content, model) {
	if (typeof content === "string") return content;
	if (!Array.isArray(content)) return "";
	return content.map((part) => {
		if (typeof part["text"] === "string") return part["text"];
		throw apiError(400, "BadRequestError", `${model} is not a multimodal model`, null);
	}).join("\n");
}

// src/simulator/request-checks.ts
/** The checks of vLLM's own that a request passes: on its raw body first, on its sampling parameters last. */
const MOST_CHOICES = 16384;
function early(message, parameter, value) {
	return new InvalidValue(message, parameter, value, true);
}
/**
* What the request's model checks before its fields.
*
* @throws InvalidValue
*/
function checkBody(fields, chat, version) {
	const stream = fields.raw("stream");
	if (!chat && (fields.raw("prompt") === void 0 || fields.raw("prompt") === "")) throw early("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
	if (fields.raw("stream_options") && !stream) throw early("Stream options can only be defined when `stream=True`.", "stream_options");
	const counts = chat ? ["prompt_logprobs", "top_logprobs"] : ["prompt_logprobs", "logprobs"];
	for (const name of counts) {
		const value = fields.raw(name);
		if (value !== void 0 && typeof value !== "number") throw early(`\`${name}\` must be an integer.`, name, value);
		if (value === void 0) continue;
		if (name === "prompt_logprobs" && stream && (value > 0 || value === -1)) throw early("`prompt_logprobs` are not available when `stream=True`.", name);
		const negatives = name === "prompt_logprobs" || atLeast(version, 0, 26);
		if (value < 0 && !(negatives && value === -1)) throw early(`\`${name}\` must be a positive value${negatives ? " or -1" : ""}.`, name, value);
		if (name === "top_logprobs" && value !== 0 && !fields.raw("logprobs")) throw early("when using `top_logprobs`, `logprobs` must be set to true.", name);
	}
	checkSalt(fields.raw("cache_salt"), version);
}
function checkSalt(salt, version) {
	if (salt === void 0) return;
	if (typeof salt !== "string" || salt === "") throw early("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt");
	if ((salt.length > 128 || [
		"@",
		"/",
		"\\",
		"\0"
	].some((char) => salt.includes(char))) && atLeast(version, 0, 26)) throw early("Parameter 'cache_salt' must be at most 128 characters and must not contain '@', '/', '\\\\', or NUL.", "cache_salt");
}
/** Checks the number of choices. @throws InvalidValue */
function checkChoices(n) {
	if (n < 1) throw new InvalidValue(`n must be at least 1, got ${n}.`);
	if (n <= MOST_CHOICES) return;
	throw new InvalidValue(`n must be at most ${MOST_CHOICES}, got ${n}. To increase this limit, set the VLLM_MAX_N_SEQUENCES environment variable.`);
}
/**
* The checks of `SamplingParams`, in its order.
*
* @throws InvalidValue
*/
function checkSampling(sampling, mostLogprobs, version) {
	const { temperature, topP, topK, minP, maxTokens, minTokens } = sampling;
	for (const name of ["presence", "frequency"]) {
		const value = sampling[name] ?? 0;
		if (value < -2 || value > 2) throw new InvalidValue(`${name}_penalty must be in [-2, 2], got ${pythonFloat(value)}.`);
	}
	if ((sampling.repetition ?? 1) <= 0) throw new InvalidValue(`repetition_penalty must be greater than zero, got ${pythonFloat(sampling.repetition)}.`);
	if (temperature < 0) throw refuse("temperature", "must be non-negative", temperature);
	if (temperature > 2 && atLeast(version, 0, 26)) throw refuse("temperature", "must be in [0, 2]", temperature);
	if (topP !== void 0 && (topP <= 0 || topP > 1)) throw refuse("top_p", "must be in (0, 1]", topP);
	if (topK !== void 0 && topK < -1) throw new InvalidValue(`top_k must be 0 (disable), or at least 1, got ${topK}.`);
	if (minP !== void 0 && (minP < 0 || minP > 1)) throw new InvalidValue(`min_p must be in [0, 1], got ${pythonFloat(minP)}.`);
	if (maxTokens < 1) throw new InvalidValue(`max_tokens must be at least 1, got ${maxTokens}.`, "max_tokens", maxTokens);
	if (minTokens < 0) throw new InvalidValue(`min_tokens must be greater than or equal to 0, got ${minTokens}.`);
	if (minTokens > maxTokens) throw new InvalidValue(`min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`);
	if (sampling.stop.includes("")) throw new InvalidValue("stop cannot contain an empty string.");
	if (temperature < 1e-5 && sampling.n > 1) throw new InvalidValue(`n must be 1 when using greedy sampling, got ${sampling.n}.`);
	if ((sampling.logprobs ?? 0) > mostLogprobs) {
		const message = `Requested sample logprobs of ${sampling.logprobs}, which is greater than max allowed: ${mostLogprobs}`;
		throw new InvalidValue(message, "logprobs", sampling.logprobs);
	}
}
function refuse(name, rule, value) {
	const text = pythonFloat(value);
	return new InvalidValue(`${name} ${rule}, got ${text}.`, name, { toPython: text });
}

// src/simulator/api-types.ts
/** Tells requests apart that clients gave the same id. */
let serial = 0;
/**
* Reads and checks a body, with vLLM's errors.
*
* @param baseId used in the response's id when the body names none
* @throws HttpError, InvalidBody, InvalidValue
*/
function readRequest(body, chat, baseId, deployment, tokenizer) {
	const { flags, maxModelLen: limit, model: shape } = deployment;
	const { version } = deployment.settings;
	const fields = new FieldReader(body);
	checkBody(fields, chat, version);
	const raw = readFields(fields, chat);
	const names = flags.servedModelNames;
	if (raw.model && !names.includes(raw.model)) throw unknownModel(raw.model, names, version);
	checkChoices(raw.n);
	if (chat) checkChat(fields, flags.nonDefault);
	const asked = raw.maxTokens ?? (chat ? void 0 : 16);
	const given = chat ? [renderChat(raw.messages, flags.model)] : raw.prompts;
	const prompts = encodePrompts(given, tokenizer, shape.vocab);
	for (const { tokens, text } of prompts) checkLength(limit, tokens.length, Math.max(0, asked ?? 0), text !== void 0, version);
	const echoOnly = raw.echo && asked === 0;
	const salt = raw.promptLogprobs === void 0 ? raw.cacheSalt : `${baseId}-${Math.random()}`;
	const id = `${chat ? "chatcmpl" : "cmpl"}-${raw.requestId ?? baseId}`;
	const choices = [];
	for (const prompt of prompts) {
		const maxTokens = echoOnly ? 1 : Math.min(asked ?? limit, limit - prompt.tokens.length);
		checkSampling({
			...raw,
			maxTokens
		}, flags.maxLogprobs, version);
		for (let i = 0; i < raw.n; i++) {
			const seed = raw.seed === void 0 ? Math.floor(Math.random() * 2 ** 31) : raw.seed + i;
			const { minTokens, ignoreEos, temperature, streamInterval } = raw;
			const generation = {
				id: `${id}-${choices.length}-${serial++}`,
				prompt: prompt.tokens,
				maxTokens,
				minTokens,
				ignoreEos,
				temperature,
				seed,
				cacheSalt: salt,
				streamInterval: raw.stream ? Math.max(streamInterval ?? 1, flags.streamInterval) : 1
			};
			choices.push({
				index: choices.length,
				prompt,
				generation
			});
		}
	}
	const { includeUsage } = raw;
	const usage = includeUsage || flags.nonDefault["enable_force_include_usage"] === true;
	return {
		...raw,
		chat,
		id,
		model: raw.model || names[0],
		echoOnly,
		includeUsage: usage,
		prompts,
		choices
	};
}
function readFields(fields, chat) {
	const messages = chat ? readMessages(fields) : [];
	const model = fields.text("model");
	const prompts = chat ? [] : readPrompts(fields);
	const echo = fields.bool("echo");
	const frequency = fields.float("frequency_penalty");
	const wantsLogprobs = chat ? fields.bool("logprobs") : false;
	const logprobs = chat ? void 0 : fields.int("logprobs");
	const topLogprobs = chat ? fields.int("top_logprobs") : void 0;
	const most = fields.int("max_tokens");
	const maxTokens = (chat ? fields.int("max_completion_tokens") : void 0) ?? most;
	const n = fields.int("n", { required: !chat }) ?? 1;
	const presence = fields.float("presence_penalty");
	const seed = fields.int("seed");
	const stop = fields.texts("stop");
	const stream = fields.bool("stream");
	const options = fields.object("stream_options");
	const result = {
		messages,
		model,
		prompts,
		echo,
		frequency,
		maxTokens,
		n,
		presence,
		seed,
		stop,
		stream,
		temperature: fields.float("temperature") ?? 1,
		topP: fields.float("top_p"),
		logprobs: chat ? wantsLogprobs ? topLogprobs ?? 0 : void 0 : logprobs,
		topK: fields.int("top_k"),
		minP: fields.float("min_p"),
		repetition: fields.float("repetition_penalty"),
		stopTokenIds: fields.ints("stop_token_ids") ?? [],
		includeStop: fields.bool("include_stop_str_in_output", true),
		ignoreEos: fields.bool("ignore_eos", true),
		minTokens: fields.int("min_tokens", { required: true }) ?? 0,
		promptLogprobs: fields.int("prompt_logprobs") ?? (echo && logprobs !== void 0 ? logprobs : void 0),
		requestId: fields.text("request_id", true),
		tokensAsIds: fields.bool("return_tokens_as_token_ids"),
		returnTokenIds: fields.bool("return_token_ids"),
		cacheSalt: fields.text("cache_salt") ?? "",
		streamInterval: fields.int("stream_interval", { least: 1 }),
		includeUsage: options["include_usage"] === true,
		continuousUsage: options["include_usage"] === true && options["continuous_usage_stats"] === true
	};
	fields.finish();
	return result;
}
/** What a chat may not ask of a server without tools and trust. */
function checkChat(fields, flags) {
	const tools = fields.raw("tools");
	const choice = fields.raw("tool_choice") ?? "auto";
	if (Array.isArray(tools) && tools.length > 0 && choice === "auto" && flags["enable_auto_tool_choice"] !== true) throw new InvalidValue("\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set");
	if (fields.raw("chat_template") === void 0 || flags["trust_request_chat_template"] === true) return;
	throw new InvalidValue("Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.");
}

// src/simulator/clock.ts
/** The clock that events are planned on: CLOCK_MONOTONIC, which the processes of a machine share. */
/** Seconds of the process's life. Unlike `process.hrtime` this leaves no garbage, and it is asked all the time. */
function lifetime() {
	return performance$1.now() / 1e3;
}
/** When on CLOCK_MONOTONIC the process's life began, nanoseconds; both clocks tick alike. */
const BORN = born();
/** A moment of the process's life as nanoseconds of CLOCK_MONOTONIC. */
function toMonotonicNs(seconds) {
	return Math.round(BORN + seconds * 1e9);
}
/** Reads both clocks until one reading of the one falls between two close readings of the other. */
function born() {
	let closest = Number.POSITIVE_INFINITY;
	let result = 0;
	for (let i = 0; i < 100; i++) {
		const before = process.hrtime.bigint();
		const life = performance$1.now();
		const after = process.hrtime.bigint();
		const apart = Number(after - before);
		if (apart >= closest) continue;
		closest = apart;
		result = Number(before) + apart / 2 - life * 1e6;
	}
	return result;
}

// src/simulator/event-stream.ts
const ASCII = /^[\x00-\x7f]*$/;
/**
* A stream of events over chunked HTTP. Once the head is out, a chunk goes to the socket in one write, past
* Node's own bookkeeping of chunks; the response object still ends the stream.
*/
var EventStream = class {
	response;
	constructor(response) {
		this.response = response;
		response.writeHead(200, {
			"content-type": "text/event-stream; charset=utf-8",
			"transfer-encoding": "chunked"
		});
		response.flushHeaders();
	}
	/** Sends one or more whole events in one chunk. */
	send(events) {
		const socket = this.response.socket;
		if (socket === null || socket.destroyed) return;
		if (this.response.writableLength > 0) this.response.write(events);
		else if (ASCII.test(events)) socket.write(`${events.length.toString(16)}\r\n${events}\r\n`, "latin1");
		else socket.write(`${Buffer.byteLength(events).toString(16)}\r\n${events}\r\n`);
	}
	/** Sends the last events and ends the response. */
	end(events) {
		this.send(events);
		this.response.end();
	}
	/** Breaks the connection off as a dying peer does. */
	reset() {
		this.response.socket?.resetAndDestroy();
	}
};

// src/simulator/choice-text.ts
/** One choice's progress. */
var ChoiceText = class {
	choice;
	generated = 0;
	cached = 0;
	/** Characters of the tokens reported so far, for `text_offset`. */
	offset = 0;
	done = false;
	request;
	stream;
	/** Characters that might be the start of a stop string. */
	keep;
	held = "";
	/** The end of what was shown, where a stop string that is shown too may begin. */
	shown = "";
	longest;
	constructor(choice, request, tokenizer) {
		this.choice = choice;
		this.request = request;
		this.stream = tokenizer.stream();
		this.longest = Math.max(0, ...request.stop.map((text) => text.length));
		this.keep = request.includeStop ? 0 : Math.max(0, this.longest - 1);
	}
	/** Takes an event of the engine; what comes after a stop is dropped. */
	take(emission) {
		this.cached = emission.record.cached;
		for (let i = 0; i < emission.tokens.length; i++) {
			const { token } = emission.tokens[i];
			this.generated++;
			const stopReason = this.generated > this.request.minTokens ? this.stopAt(token) : this.add(token);
			if (stopReason === null) continue;
			this.done = true;
			return {
				text: this.release(true),
				tokens: emission.tokens.slice(0, i + 1),
				finish: "stop",
				stopReason
			};
		}
		this.done = emission.finish !== void 0;
		if (this.done) this.held += this.stream.end();
		return {
			text: this.release(this.done),
			tokens: emission.tokens,
			finish: emission.finish,
			stopReason: null
		};
	}
	add(token) {
		this.held += this.stream.push(token);
		return null;
	}
	stopAt(token) {
		const { stop, stopTokenIds, includeStop } = this.request;
		if (stopTokenIds.includes(token)) {
			if (includeStop) this.add(token);
			return token;
		}
		this.add(token);
		for (const text of stop) {
			const at = (this.shown + this.held).indexOf(text);
			if (at < 0) continue;
			const end = (includeStop ? at + text.length : at) - this.shown.length;
			this.held = this.held.slice(0, end);
			return text;
		}
		return null;
	}
	release(all) {
		const length = all ? this.held.length : Math.max(0, this.held.length - this.keep);
		const text = this.held.slice(0, length);
		this.held = this.held.slice(length);
		if (this.request.includeStop && this.longest > 1) this.shown = (this.shown + text).slice(1 - this.longest);
		return text;
	}
};

// src/simulator/logprobs.ts
/** The scores of an event's tokens. */
function outputScores(emission, count) {
	const { source } = emission.record;
	return emission.tokens.map(({ token, position }) => {
		const value = source.logprobAt(position);
		return {
			token,
			value,
			top: likeliest(source, position, token, value, count)
		};
	});
}
/** The scores of a prompt; its first token has none. */
function promptScores(source, prompt, count) {
	return prompt.map((token, i) => {
		if (i === 0) return {
			token,
			value: null,
			top: []
		};
		const best = source.logprobAt(-1 - i);
		const other = source.runnerUp(-1 - i);
		const top = count > 0 ? likeliest(source, -1 - i, other.token, best, count) : [];
		return {
			token,
			value: best - other.margin - 1,
			top
		};
	});
}
function likeliest(source, position, token, value, count) {
	const top = [{
		token,
		value
	}];
	for (let i = 1; i < count; i++) {
		const { token: other, margin } = source.runnerUp(position + 7919 * (i - 1));
		top.push({
			token: other,
			value: top[i - 1].value - margin
		});
	}
	return top;
}
/** `logprobs` of a completion; offsets count from `from`. */
function completionLogprobs(scores, request, tokenizer, from) {
	const name = namer(request, tokenizer);
	let end = from;
	const offsets = [];
	const tops = [];
	for (const { token, value, top } of scores) {
		offsets.push(end);
		end += name(token).length;
		const own = value === null || top[0]?.token === token ? [] : [{
			token,
			value
		}];
		tops.push(value === null ? null : Object.fromEntries([...own, ...top].map((item) => [name(item.token), item.value])));
	}
	return {
		text: JSON.stringify({
			text_offset: offsets,
			token_logprobs: scores.map((item) => item.value),
			tokens: scores.map((item) => name(item.token)),
			top_logprobs: tops
		}),
		end
	};
}
/** `logprobs` of a chat choice. */
function chatLogprobs(scores, request, tokenizer) {
	const name = namer(request, tokenizer);
	const entry = (token, logprob) => ({
		token: name(token),
		logprob,
		bytes: [...Buffer.from(tokenizer.textOf(token))]
	});
	const content = scores.map(({ token, value, top }) => ({
		...entry(token, value),
		top_logprobs: top.slice(0, request.logprobs ?? 0).map((item) => entry(item.token, item.value))
	}));
	return JSON.stringify({ content });
}
/** `prompt_logprobs`: by id, with ranks. */
function promptLogprobs(scores, tokenizer) {
	const items = scores.map(({ token, value, top }) => {
		if (value === null) return null;
		const own = {
			logprob: value,
			rank: top.length + 1,
			decoded_token: tokenizer.textOf(token)
		};
		const others = top.map((item, i) => [item.token, {
			logprob: item.value,
			rank: i + 1,
			decoded_token: tokenizer.textOf(item.token)
		}]);
		return Object.fromEntries([...others, [token, own]]);
	});
	return JSON.stringify(items);
}
function namer(request, tokenizer) {
	return (token) => request.tokensAsIds ? `token_id:${token}` : tokenizer.textOf(token);
}

// src/simulator/response-text.ts
/** What every event of one response shares. */
var ResponseContext = class {
	request;
	tokenizer;
	fingerprint;
	cachedDetails;
	version;
	/** Whether the layout is the one of 0.32 (0.26 and later) rather than that of 0.22. */
	recent;
	chunkHead;
	wholeHead;
	/** @param cachedDetails whether usage tells of cached tokens */
	constructor(request, tokenizer, version, fingerprint, cachedDetails) {
		this.request = request;
		this.tokenizer = tokenizer;
		this.version = version;
		this.fingerprint = fingerprint;
		this.cachedDetails = cachedDetails;
		this.recent = atLeast(version, 0, 26);
		const created = Math.floor(Date.now() / 1e3);
		const kind = request.chat ? "chat.completion" : "text_completion";
		const head = (object) => `{"id":${JSON.stringify(request.id)},"object":"${object}","created":${created},"model":${JSON.stringify(request.model)},"choices":[`;
		this.chunkHead = head(request.chat ? `${kind}.chunk` : kind);
		this.wholeHead = head(kind);
	}
};
function plainUsage({ prompt, generated }) {
	return `"prompt_tokens":${prompt},"total_tokens":${prompt + generated},"completion_tokens":${generated}`;
}
/** `cached_tokens` with what stands beside it; undefined when it is not told (up to 0.22: when it is 0). */
function cachedDetails(context, cached) {
	return context.cachedDetails && (cached > 0 || atLeast(context.version, 0, 23)) ? `"cached_tokens":${cached}` : void 0;
}
/** One event that carries tokens, and the tail of the request's stream when it is the last of its choice. */
function tokenEvent(context, state, delta, emission) {
	const { request } = context;
	const { index, prompt } = state.choice;
	const first = delta.tokens[0]?.position === 0;
	const scores = logprobsOf(context, state, delta, emission, first);
	const finish = delta.finish === void 0 ? "null" : `"${delta.finish}"`;
	const ids = request.returnTokenIds ? JSON.stringify(delta.tokens.map((item) => item.token)) : "null";
	const stop = JSON.stringify(delta.stopReason);
	let choice;
	if (request.chat) {
		const end = delta.finish === void 0 ? "" : `,"stop_reason":${stop}`;
		choice = `{"index":${index},"delta":{"content":${JSON.stringify(delta.text)}},"logprobs":${scores},"finish_reason":${finish}${end},"token_ids":${ids}}`;
	} else {
		const shown = first && (request.echo || request.returnTokenIds) ? JSON.stringify(prompt.tokens) : "null";
		const text = first && request.echo && !request.returnTokenIds ? echoed(context, state, delta) : delta.text;
		choice = `{"index":${index},"text":${JSON.stringify(text)},"logprobs":${scores},"finish_reason":${finish},"stop_reason":${stop},"prompt_token_ids":${shown},"token_ids":${ids}}`;
	}
	let tail = "";
	if (request.continuousUsage) {
		const more = request.chat && context.recent ? ",\"completion_tokens_details\":null" : "";
		tail = `,"usage":{${plainUsage({
			prompt: prompt.tokens.length,
			generated: state.generated
		})}${more}}`;
	}
	if (delta.finish !== void 0 && !request.includeUsage) tail += `,"system_fingerprint":"${context.fingerprint}"`;
	return `data: ${context.chunkHead}${choice}]${tail}}\n\n`;
}
function echoed(context, state, delta) {
	const { text, tokens } = state.choice.prompt;
	const prompt = text ?? context.tokenizer.decode(tokens);
	return context.request.echoOnly ? prompt : prompt + delta.text;
}
function logprobsOf(context, state, delta, emission, first) {
	const { request, tokenizer } = context;
	if (request.logprobs === void 0) return "null";
	const outputs = request.echoOnly ? [] : outputScores({
		...emission,
		tokens: delta.tokens
	}, request.logprobs);
	if (request.chat) return chatLogprobs(outputs, request, tokenizer);
	const { source } = emission.record;
	const prompt = first && request.echo ? promptScores(source, state.choice.prompt.tokens, request.logprobs) : [];
	const { text, end } = completionLogprobs([...prompt, ...outputs], request, tokenizer, state.offset);
	state.offset = end;
	return text;
}
/** The events that name the role, one for each choice, at the start of a chat's stream. */
function roleEvents(context) {
	const { request, recent } = context;
	const prompt = request.prompts[0].tokens;
	const more = recent ? ",\"completion_tokens_details\":null" : "";
	const usage = request.continuousUsage ? `,"usage":{${plainUsage({
		prompt: prompt.length,
		generated: 0
	})}${more}}` : "";
	const ids = request.returnTokenIds ? JSON.stringify(prompt) : "null";
	const event = (index) => `data: ${context.chunkHead}{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]${usage},"prompt_token_ids":${ids},"prompt_text":null}\n\n`;
	return request.choices.map(({ index }) => event(index)).join("");
}
function totals(context, states) {
	return {
		prompt: context.request.prompts.reduce((sum, prompt) => sum + prompt.tokens.length, 0),
		generated: states.reduce((sum, state) => sum + state.generated, 0)
	};
}
/** The event with the totals, which has no choices. */
function usageEvent(context, states) {
	const cached = cachedDetails(context, states[0].cached);
	const created = context.request.chat && context.recent ? ",\"created_cache_tokens\":0" : "";
	const details = cached === void 0 ? "" : `,"prompt_tokens_details":{${cached}${created}}`;
	const usage = plainUsage(totals(context, states)) + details;
	return `data: ${context.chunkHead}],"usage":{${usage}},"system_fingerprint":"${context.fingerprint}"}\n\n`;
}
/** The last event of every stream. */
const DONE = "data: [DONE]\n\n";
/** A whole response at once. */
function wholeResponse(context, finished) {
	const { request, recent } = context;
	const states = finished.map(({ state }) => state);
	const cached = cachedDetails(context, states.at(-1).cached);
	const created = request.chat ? 0 : null;
	const beside = recent ? `,"created_cache_tokens":${created},"multimodal_tokens":null` : "";
	const details = cached === void 0 ? "null" : `{${cached}${beside}}`;
	const usage = `"usage":{${plainUsage(totals(context, states))},"prompt_tokens_details":${details}${recent ? ",\"completion_tokens_details\":null" : ""}}`;
	const choices = finished.map((item) => wholeChoice(context, item)).join(",");
	const prompt = finished[0].state.choice.prompt.tokens;
	const ids = request.returnTokenIds ? JSON.stringify(prompt) : "null";
	const rest = request.chat ? `,"prompt_logprobs":${promptScoresOf(context, finished[0])},"prompt_token_ids":${ids},"prompt_text":null` : "";
	const ends = `"kv_transfer_params":null${recent ? ",\"ec_transfer_params\":null,\"metrics\":null" : ""}`;
	const closing = `"service_tier":null,"system_fingerprint":"${context.fingerprint}",${usage}${rest},${ends}`;
	return `${context.wholeHead}${choices}],${closing}}`;
}
function wholeChoice(context, finished) {
	const { request, recent } = context;
	const { state, delta, emission } = finished;
	const scores = logprobsOf(context, state, delta, emission, true);
	const ids = request.returnTokenIds ? JSON.stringify(delta.tokens.map((item) => item.token)) : "null";
	const end = `"finish_reason":"${delta.finish ?? "length"}","stop_reason":${JSON.stringify(delta.stopReason)}`;
	const start = `{"index":${state.choice.index}`;
	if (request.chat) {
		const tools = recent ? "" : "\"tool_calls\":[],";
		return `${start},"message":${`{"role":"assistant","content":${JSON.stringify(delta.text)},"refusal":null,"annotations":null,"audio":null,"function_call":null,${tools}"reasoning":null}`},"logprobs":${scores},${end},"token_ids":${ids},"routed_experts":null}`;
	}
	const text = request.echo && !request.returnTokenIds ? echoed(context, state, delta) : delta.text;
	const prompt = request.returnTokenIds ? JSON.stringify(state.choice.prompt.tokens) : "null";
	const own = `"prompt_logprobs":${promptScoresOf(context, finished)},"prompt_token_ids":${prompt}`;
	return `${start},"text":${JSON.stringify(text)},"logprobs":${scores},${end},"token_ids":${ids},${own},"routed_experts":null}`;
}
function promptScoresOf(context, { state, emission }) {
	const count = context.request.promptLogprobs;
	if (count === void 0) return "null";
	const scores = promptScores(emission.record.source, state.choice.prompt.tokens, count);
	return promptLogprobs(scores, context.tokenizer);
}

// src/simulator/exchange.ts
/** One request that is being answered. */
var Exchange = class {
	services;
	context;
	response;
	fault;
	states;
	whole = [];
	truth;
	stream;
	open;
	begun = false;
	stalled = false;
	broken = false;
	/** @param received when the request came in, seconds of the process's life */
	constructor(services, context, response, fault, received) {
		const { request, tokenizer } = context;
		this.services = services;
		this.context = context;
		this.response = response;
		this.fault = fault;
		this.states = request.choices.map((choice) => new ChoiceText(choice, request, tokenizer));
		this.open = this.states.length;
		this.truth = {
			id: request.id,
			received,
			planned: [],
			written: [],
			tokens: []
		};
	}
	/** Starts generating; the response follows as events fall due. */
	start() {
		this.response.on("close", () => this.closed());
		if (this.context.request.stream) this.stream = new EventStream(this.response);
		for (const state of this.states) this.begin(state);
	}
	begin(state) {
		const { driver, metrics } = this.services;
		const parts = [];
		const startedAt = driver.start(state.choice.generation, (emission) => {
			const delta = state.take(emission);
			const cut = delta.finish !== emission.finish;
			metrics.event(cut ? {
				...emission,
				...delta
			} : emission, startedAt);
			if (state.done) this.open--;
			if (this.context.request.stream) this.write(state, delta, emission);
			else {
				parts.push(delta);
				if (state.done) this.collect(state, parts, emission);
			}
			if (cut) driver.abort(emission.id);
		});
	}
	write(state, delta, emission) {
		if (this.stalled || this.stream === void 0) return;
		if (this.strikes(state.choice)) return;
		let events = "";
		if (!this.begun && this.context.request.chat) events = roleEvents(this.context);
		this.begun = true;
		const event = tokenEvent(this.context, state, delta, emission);
		events += this.breaks(state.choice) ? `${event.slice(0, event.length >> 1)}\n\n` : event;
		if (this.open === 0) events += (this.context.request.includeUsage ? usageEvent(this.context, this.states) : "") + DONE;
		this.note(emission.time, delta.tokens.length);
		if (this.open > 0) this.stream.send(events);
		else this.stream.end(events);
	}
	collect(state, parts, emission) {
		const last = parts.at(-1);
		const tokens = parts.flatMap((part) => part.tokens);
		const delta = {
			...last,
			tokens,
			text: parts.map((part) => part.text).join("")
		};
		this.whole.push({
			state,
			delta,
			emission: {
				...emission,
				tokens
			}
		});
		if (this.open > 0) return;
		this.whole.sort((a, b) => a.state.choice.index - b.state.choice.index);
		const body = wholeResponse(this.context, this.whole);
		const generated = this.states.reduce((sum, state) => sum + state.generated, 0);
		this.note(emission.time, generated);
		sendJson(this.response, body);
	}
	/** Notes an event that is about to be written: no client can have it before. */
	note(planned, tokens) {
		if (this.services.truth === void 0) return;
		this.truth.planned.push(planned);
		this.truth.written.push(lifetime());
		this.truth.tokens.push(tokens);
	}
	/** Plants a stall or a reset once the first choice is halfway. */
	strikes(choice) {
		if (this.fault !== "stall" && this.fault !== "reset") return false;
		if (this.states[0].generated * 2 <= choice.generation.maxTokens) return false;
		this.stalled = true;
		if (this.fault === "reset") this.stream?.reset();
		return true;
	}
	/** Whether this is the one event to break, the first from the middle on. */
	breaks(choice) {
		if (this.fault !== "malformed" || this.broken) return false;
		this.broken = this.states[0].generated >= Math.ceil(choice.generation.maxTokens / 2);
		return this.broken;
	}
	closed() {
		const { driver, metrics, truth } = this.services;
		for (const state of this.states) {
			if (state.done) continue;
			const { id } = state.choice.generation;
			metrics.aborted(id, driver.abort(id));
		}
		truth?.finish(this.truth);
	}
};
/** Answers with JSON text. */
function sendJson(response, body, status = 200) {
	response.writeHead(status, {
		"content-length": Buffer.byteLength(body),
		"content-type": "application/json"
	});
	response.end(body);
}

// src/simulator/completions.ts
/** The two completion endpoints: which request meets which fault, and what its response is called. */
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
	* @throws HttpError, InvalidBody or InvalidValue for a body that vLLM refuses
	*/
	handle(body, chat, request, response) {
		const received = lifetime();
		const { deployment, metrics, tokenizer, crash } = this.services;
		const { settings, flags } = deployment;
		const given = request.headers["x-request-id"];
		const base = typeof given === "string" ? given : randomBytes(8).toString("hex");
		const api = readRequest(body, chat, base, deployment, tokenizer);
		const fault = faultOf(settings.faults, ++this.served);
		if (fault === "crash") {
			crash();
			return;
		}
		if (fault === "http-500") throw apiError(500, "InternalServerError", "Internal server error", null);
		if (fault === "hang") {
			metrics.stuck++;
			response.on("close", () => metrics.stuck--);
			if (api.stream) new EventStream(response);
			return;
		}
		const { version } = settings;
		const details = flags.enablePromptTokensDetails;
		const context = new ResponseContext(api, tokenizer, version, this.fingerprint, details);
		new Exchange(this.services, context, response, fault, received).start();
	}
};

// src/simulator/cors.ts
const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
/** Cross-origin rules of one server. */
var Cors = class {
	origins;
	recent;
	/**
	* @param flag value of `--allowed-origins`, JSON; by default 0.22 allows all and 0.32 none
	* @param recent whether the server is of the later kind
	*/
	constructor(flag, recent) {
		const given = typeof flag === "string" ? JSON.parse(flag) : void 0;
		this.origins = Array.isArray(given) ? given.map(String) : recent ? [] : ["*"];
		this.recent = recent;
	}
	/** Adds the headers of an ordinary response; answers a preflight request whole and returns true then. */
	handle(request, response) {
		const { origin } = request.headers;
		const all = this.origins.includes("*");
		const allowed = origin !== void 0 && (all || this.origins.includes(origin));
		const asked = request.headers["access-control-request-method"];
		if (request.method === "OPTIONS" && origin !== void 0 && asked !== void 0) {
			this.preflight(request, response, allowed ? all ? "*" : origin : void 0);
			return true;
		}
		if (!all) response.setHeader("vary", "Origin");
		if (allowed) response.setHeader("access-control-allow-origin", all ? "*" : origin);
		return false;
	}
	preflight(request, response, origin) {
		const asked = request.headers["access-control-request-headers"];
		const own = ["Access-Control-Request-Method", "Access-Control-Request-Headers"];
		if (this.recent) own.push("Access-Control-Request-Private-Network");
		if (origin !== "*") own.unshift("Origin");
		response.setHeader("vary", own.join(", "));
		response.setHeader("access-control-allow-methods", this.recent ? `${METHODS}, QUERY` : METHODS);
		response.setHeader("access-control-max-age", "600");
		if (asked !== void 0) response.setHeader("access-control-allow-headers", asked);
		if (origin !== void 0) response.setHeader("access-control-allow-origin", origin);
		const text = origin === void 0 ? "Disallowed CORS origin" : "OK";
		response.writeHead(origin === void 0 ? 400 : 200, {
			"content-length": text.length,
			"content-type": "text/plain; charset=utf-8"
		});
		response.end(text);
	}
};

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
	planned;
	lastEvent = /* @__PURE__ */ new Map();
	histograms;
	/** @param planned requests that a plan serves in the engine's place; they count as running */
	constructor(deployment, plan, planned = () => 0) {
		this.planned = planned;
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
		let text = gauge("num_requests_running", "Number of requests in model execution batches.", scheduler.running.length + this.stuck + this.planned()) + gauge("num_requests_waiting", "Number of requests waiting to be processed.", waiting) + plain("vllm:num_requests_waiting_by_reason", "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals vllm:num_requests_waiting.", "gauge", by("reason", {
			capacity: waiting,
			deferred: 0
		}), since) + gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", pool.usage) + counter("prefix_cache_queries_total", "Prefix cache queries, in terms of number of queried tokens.", counters.prefixQueries) + counter("prefix_cache_hits_total", "Prefix cache hits, in terms of number of cached tokens.", counters.prefixHits) + counter("num_preemptions_total", "Cumulative number of preemption from the engine.", counters.preemptions) + counter("prompt_tokens_total", "Number of prefill tokens processed.", this.promptTokens) + plain("vllm:prompt_tokens_by_source_total", "Number of prompt tokens by source.", "counter", by("source", sources), since) + counter("prompt_tokens_cached_total", "Number of cached prompt tokens (local + external).", this.cachedTokens) + counter("generation_tokens_total", "Number of generation tokens processed.", this.generationTokens) + plain("vllm:request_success_total", "Count of successfully processed requests.", "counter", reasons, since);
		for (const [name, { help, data }] of Object.entries(this.histograms)) text += histogramText(`vllm:${name}`, help, labels, data, since);
		return text + plain("vllm:cache_config_info", "Information of the LLMEngine CacheConfig", "gauge", [[cacheConfig(this.deployment, this.plan), 1]], since);
	}
};

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

// src/simulator/planned-times.ts
/** Multiples of it, less their whole part, lie as evenly in 0 to 1 as numbers can, however many there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
/** Streams whose events leave at fixed times after their request's arrival; one heap orders them all. */
var PlannedTimes = class {
	plan;
	deployment;
	random;
	streams = /* @__PURE__ */ new Map();
	heap = [];
	submitted = 0;
	constructor(deployment, plan) {
		this.deployment = deployment;
		this.plan = plan;
		this.random = new Random(deployment.settings.seed);
	}
	/** Requests accepted and not yet finished. */
	get active() {
		return this.streams.size;
	}
	/** Plans a request's first token. */
	submit(now, request) {
		const { vocab } = this.deployment.model;
		const salt = request.temperature > 0 ? request.seed : 0;
		const record = idleRecord(request, new TokenSource(request.prompt, vocab, salt), now);
		const mean = now + this.plan.ttft + this.plan.spread * (this.submitted++ * GOLDEN % 1);
		const stream = {
			record,
			mean,
			at: this.jittered(mean, now),
			pending: []
		};
		this.streams.set(request.id, stream);
		this.heap.push(stream);
		this.rise(this.heap.length - 1);
	}
	/** Forgets a request. */
	abort(id) {
		const stream = this.streams.get(id);
		if (stream === void 0) return void 0;
		this.streams.delete(id);
		stream.record.finish = "abort";
		return stream.record;
	}
	/** When the next token is due; Infinity when none is. */
	nextTime() {
		return this.heap[0]?.at ?? Number.POSITIVE_INFINITY;
	}
	/** The events due at `now`, in order. */
	advance(now) {
		const emissions = [];
		for (let stream = this.heap[0]; stream !== void 0 && stream.at <= now; stream = this.heap[0]) {
			const emission = stream.record.finish === "abort" ? void 0 : this.emit(stream);
			if (emission !== void 0) emissions.push(emission);
			if (stream.record.finish === void 0) {
				stream.mean += this.plan.itl;
				stream.at = this.jittered(stream.mean, stream.at);
			} else this.removeTop();
			this.sink(0);
		}
		return emissions;
	}
	emit(stream) {
		const { record, at: time, pending } = stream;
		const { request, source } = record;
		const position = record.generated++;
		const stops = !request.ignoreEos && position + 1 > request.minTokens && source.endsAt(position);
		pending.push({
			token: stops ? this.deployment.model.eosToken : source.tokenAt(position),
			position
		});
		if (position === 0) record.firstTokenAt = time;
		record.lastTokenAt = time;
		if (stops) record.finish = "stop";
		else if (record.generated >= request.maxTokens) record.finish = "length";
		const interval = request.streamInterval ?? 1;
		if (record.finish === void 0 && position > 0 && pending.length < interval) return void 0;
		stream.pending = [];
		const finish = record.finish;
		if (finish !== void 0) this.streams.delete(request.id);
		return {
			id: request.id,
			time,
			tokens: pending,
			finish,
			record
		};
	}
	jittered(mean, after) {
		return this.plan.jitter === 0 ? mean : Math.max(after, mean + this.plan.jitter * this.random.normal());
	}
	removeTop() {
		const last = this.heap.pop();
		if (last !== void 0 && this.heap.length > 0) this.heap[0] = last;
	}
	rise(from) {
		const { heap } = this;
		for (let i = from; i > 0;) {
			const parent = i - 1 >> 1;
			if (heap[parent].at <= heap[i].at) return;
			[heap[parent], heap[i]] = [heap[i], heap[parent]];
			i = parent;
		}
	}
	sink(from) {
		const { heap } = this;
		for (let i = from;;) {
			const left = 2 * i + 1;
			if (left >= heap.length) return;
			const right = left + 1;
			const least = right < heap.length && heap[right].at < heap[left].at ? right : left;
			if (heap[i].at <= heap[least].at) return;
			[heap[i], heap[least]] = [heap[least], heap[i]];
			i = least;
		}
	}
};
/** A request's record that no scheduler has seen. */
function idleRecord(request, source, now) {
	return {
		request,
		source,
		tokens: [],
		generated: 0,
		computed: 0,
		blocks: [],
		hashes: [],
		cached: 0,
		preemptions: 0,
		finish: void 0,
		arrivedAt: now,
		scheduledAt: now,
		admittedAt: now,
		firstTokenAt: -1,
		lastTokenAt: -1
	};
}

// src/simulator/real-time.ts
/** Runs streams against the real clock: events leave at their planned times, and nothing drifts. */
/**
* Milliseconds before an event from which the loop spins instead of sleeping: a timer of N ms, counted in whole
* milliseconds, fires up to N + 1 ms after it was asked for.
*/
const SPIN = 1.1;
/**
* The driver. One timer serves all streams: it sleeps while the next event is far, and goes round the event loop
* while it is near; without events to come it holds no timer at all.
*/
var RealTime = class {
	source;
	listeners = /* @__PURE__ */ new Map();
	timer;
	wakesAt = 0;
	spinning = false;
	constructor(source) {
		this.source = source;
	}
	/** Starts a request; `listener` gets its events as they fall due. Returns its start, seconds of the process's life. */
	start(request, listener) {
		const now = lifetime();
		this.run(now);
		this.listeners.set(request.id, listener);
		this.source.submit(now, request);
		this.arm();
		return now;
	}
	/** Stops a request whose client has gone. */
	abort(id) {
		this.listeners.delete(id);
		const record = this.source.abort(id);
		this.arm();
		return record;
	}
	/** Milliseconds until something is due. */
	slack() {
		return (this.source.nextTime() - lifetime()) * 1e3;
	}
	/** Stops the clock. */
	stop() {
		clearTimeout(this.timer);
		this.timer = void 0;
		this.listeners.clear();
	}
	wake = () => {
		this.timer = void 0;
		this.spin();
	};
	spin = () => {
		this.spinning = false;
		this.run(lifetime());
		this.arm();
	};
	run(now) {
		if (this.source.nextTime() > now) return;
		for (const emission of this.source.advance(now)) {
			const listener = this.listeners.get(emission.id);
			if (listener === void 0) continue;
			if (emission.finish !== void 0) this.listeners.delete(emission.id);
			listener(emission);
		}
	}
	arm() {
		if (this.spinning) return;
		const next = this.source.nextTime();
		if (this.timer !== void 0) {
			if (next === this.wakesAt) return;
			clearTimeout(this.timer);
			this.timer = void 0;
		}
		if (next === Number.POSITIVE_INFINITY) return;
		const wait = (next - lifetime()) * 1e3 - SPIN;
		if (wait >= 1) {
			this.wakesAt = next;
			this.timer = setTimeout(this.wake, Math.floor(wait));
		} else {
			this.spinning = true;
			setImmediate(this.spin);
		}
	}
};

// src/simulator/routes.ts
/** Builds the table of pages. */
function buildRoutes(services) {
	const { deployment, simulation, metrics, completions, developer } = services;
	const { version } = deployment.settings;
	const created = Math.floor(Date.now() / 1e3);
	const json = (value) => (_body, _request, response) => sendJson(response, JSON.stringify(value()));
	const ok = (_body, _request, response) => {
		response.writeHead(200, { "content-length": 0 }).end();
	};
	const page = (_body, request, response) => {
		const text = metrics.text(simulation);
		const headers = { "content-type": `text/plain; version=${request.method === "HEAD" ? "0.0.4" : "1.0.0"}; charset=utf-8` };
		response.writeHead(200, request.method === "HEAD" ? headers : {
			...headers,
			"content-length": Buffer.byteLength(text)
		});
		response.end(request.method === "HEAD" ? void 0 : text);
	};
	const reset = (_body, _request, response) => {
		simulation.engine.pool.reset();
		if (atLeast(version, 0, 26)) sendJson(response, "{\"success\":true}");
		else response.writeHead(200, { "content-length": 0 }).end();
	};
	return {
		"/health": { GET: ok },
		"/ping": {
			GET: ok,
			POST: ok
		},
		"/load": { GET: json(() => ({ server_load: 0 })) },
		"/version": { GET: json(() => ({ version })) },
		"/v1/models": { GET: json(() => modelList(deployment, created)) },
		"/metrics": {
			GET: page,
			HEAD: page,
			POST: page
		},
		"/tokenize": { POST: (body, _request, response) => sendJson(response, tokenize(services, body)) },
		"/detokenize": { POST: (body, _request, response) => sendJson(response, detokenize(services, body)) },
		...developer ? { "/reset_prefix_cache": { POST: reset } } : {},
		"/v1/completions": { POST: (body, request, response) => completions.handle(body, false, request, response) },
		"/v1/chat/completions": { POST: (body, request, response) => completions.handle(body, true, request, response) }
	};
}
function tokenize({ deployment, tokenizer }, body) {
	const fields = new FieldReader(body);
	const chat = fields.raw("messages") !== void 0;
	if (!chat && fields.raw("prompt") === void 0) {
		fields.missing("prompt");
		fields.missing("messages");
	}
	const messages = chat ? readMessages(fields) : [];
	const prompt = chat ? "" : fields.text("prompt", true) ?? "";
	checkModel(fields, deployment);
	const tokens = tokenizer.encode(chat ? renderChat(messages, deployment.flags.model) : prompt);
	const pieces = fields.raw("return_token_strs") === true ? tokens.map((id) => tokenizer.pieceOf(id)) : null;
	return JSON.stringify({
		count: tokens.length,
		max_model_len: deployment.maxModelLen,
		tokens,
		token_strs: pieces
	});
}
function detokenize({ deployment, tokenizer }, body) {
	const fields = new FieldReader(body);
	if (fields.raw("tokens") === void 0) fields.missing("tokens");
	const tokens = fields.ints("tokens") ?? [];
	checkModel(fields, deployment);
	return JSON.stringify({ prompt: tokenizer.decode(tokens) });
}
function checkModel(fields, { flags, settings }) {
	const model = fields.text("model");
	fields.finish();
	if (model && !flags.servedModelNames.includes(model)) throw unknownModel(model, flags.servedModelNames, settings.version);
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
				id: `modelperm-${(created * 4096 + i).toString(16).padStart(16, "b")}`,
				...permission
			}]
		}))
	};
}

// src/simulator/detokenizer-work.ts
/** How often the successor of a token's successor is that token again, under random weights. */
const RETURNS = {
	always: 1 / 2,
	withOffset: .06
};
/**
* Whether no token of a request's output decodes to text.
*
* vLLM's random weights are of the order of 0.001, also in the norms, so that layers add next to nothing to a token's
* embedding, and a token's successor is the one whose embedding is most like it under the last norm's weights. Likeness
* is mutual: the output soon alternates between two ids, half of the time with the prompt's last id as one of them, and
* else with any two of the vocabulary. Biases of keys and values, where a model has them, are large beside the rest:
* every token's hidden state is then shifted the same way, and the way back to the prompt's last id is rare. An fp8 KV
* cache rounds values that small to zero, and takes the shift away.
*
* (Computed for the fixtures' shapes, matrices of such numbers and 4,096 known ids: 52 % and 66 % of the requests had
* text for Qwen2.5-1.5B without its biases and for Phi-3-mini, 8 to 15 % with Qwen's biases; here 53, 62 and 11 %.)
*/
function decodesToNothing({ flags, knownIds, model }, prompt) {
	if (flags.loadFormat !== "dummy" || knownIds >= model.vocab) return false;
	const shifted = model.attentionBias && !flags.kvCacheDtype.startsWith("fp8");
	const hash = hashTokens(prompt, 57024);
	const share = (salt) => mix32(hash, salt) / 4294967296;
	const known = knownIds / model.vocab;
	return !(share(1) < (shifted ? RETURNS.withOffset : RETURNS.always)) && share(2) >= known && share(3) >= known;
}
/**
* Ids decoded for the token at a position of the output.
*
* @param textless as {@link decodesToNothing} says
*/
function idsDecoded(promptTokens, position, textless) {
	if (position === 0) return 2 * promptTokens;
	return textless ? promptTokens + position : 1;
}

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

// src/simulator/roofline.ts
/**
* Values that a layer's kernels between the matrix products move for each token: two norms with the residual, the
* inputs and outputs of the products (10 × hidden), and gate, up and their product (6 × intermediate).
*/
const ACTIVATION_MOVES = {
	hidden: 10,
	intermediate: 6
};
/** Bytes that sampling moves for each logit: a bfloat16 read, and float32 written and read by softmax and argmax. */
const SAMPLER_BYTES_PER_LOGIT = 20;
/**
* The time of one iteration.
*
* The linear layers take the longer of reading the weights and of 2 operations per weight and token; attention takes
* the longer of reading the keys and values and of 4 operations per head dimension and pair of tokens; beside that come
* starting attention for each sequence and KV head, the activations that kernels between the products move, quantising
* the query under an fp8 KV cache, the gaps between kernels, and all-reduces under tensor parallelism (two per layer, as
* in Megatron-LM, arXiv:1909.08053; a ring moves 2(n-1)/n of the activations).
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
	const items = work.requests * Math.max(1, model.kvHeads / tp) * model.layers * device.attentionItem;
	const activations = (ACTIVATION_MOVES.hidden * model.hidden + ACTIVATION_MOVES.intermediate * model.intermediate) * model.dtypeBytes * model.layers * tokens / tp / bandwidth;
	const quantising = flags.kvCacheDtype.startsWith("fp8") ? model.layers * device.quantiseQuery : 0;
	const sampling = work.requests * model.vocab * SAMPLER_BYTES_PER_LOGIT / tp / bandwidth;
	const gaps = model.layers * gpu.layerOverheadUs * 1e-6 / clock;
	const reduced = tokens * model.hidden * model.dtypeBytes * 2 * (tp - 1) / tp / (gpu.nvlinkGBps * 1e9);
	const communication = tp === 1 ? 0 : 2 * model.layers * (device.allReduce + reduced);
	return {
		schedule: host.schedule + host.schedulePerRequest * work.requests + host.admitPerRequest * work.admitted,
		launch: launchTime(deployment, work),
		launchDelay: host.launchDelay,
		device: linear + attention + items + activations + quantising + sampling + gaps + communication,
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
		const { settings, costs, gpu, cudaGraphs } = this.deployment;
		const cost = iterationCost(this.deployment, iteration.work);
		const planted = iteration.work.decodeOnly ? settings.regressions.decode : settings.regressions.ttft;
		const host = planted * this.noise.host(time);
		const launchFrom = time + cost.schedule * host;
		const replayed = iteration.work.tokens <= this.deployment.largestGraph;
		const launched = launchFrom + cost.launch * host * (replayed ? 1 : this.noise.launch);
		const start = Math.max(launchFrom + cost.launchDelay * host, this.deviceFreeAt);
		let doneAt = Math.max(start + cost.device * planted * this.noise.device(time), launched);
		if (this.first) {
			const { jitCold, jitWarm, jitEager } = costs.host;
			if (!cudaGraphs) doneAt += gpu.device === "cuda" ? jitEager : 0;
			else doneAt += settings.compileCache === "cold" ? jitCold : jitWarm;
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
	/** What makes this server differ from an equal one. */
	noise;
	loop = new EventLoopModel();
	streams = /* @__PURE__ */ new Map();
	costs;
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
		const textless = decodesToNothing(this.deployment, request.prompt);
		this.streams.set(request.id, {
			pending: [],
			finish: void 0,
			queued: false,
			textless
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
				this.loop.call(time, this.batchWork(event.outputs) * this.noise.host(time) + this.noise.lateToken(), (done) => {
					for (const output of event.outputs) this.deliver(done, output.request, output.token, output.position, output.finish);
				});
			});
		}
		const result = this.emitted;
		this.emitted = [];
		return result;
	}
	batchWork(outputs) {
		let ids = 0;
		for (const { request, position } of outputs) {
			const textless = this.streams.get(request.request.id)?.textless ?? false;
			ids += idsDecoded(request.request.prompt.length, position, textless);
		}
		const { batch, batchPerOutput, detokenize } = this.costs;
		return batch + batchPerOutput * outputs.length + detokenize * ids;
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
		const interval = record.request.streamInterval ?? 1;
		if (finish === void 0 && stream.pending[0].position > 0 && stream.pending.length < interval) return;
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

// src/simulator/bpe.ts
const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
/** Words whose ids are remembered. */
const MOST_WORDS = 5e4;
/** A byte-level BPE; {@link parse} makes one. */
var ByteLevelBpe = class ByteLevelBpe {
	/** Number of ids. */
	size;
	vocab;
	pieces;
	bytes = [];
	ranks;
	added;
	hidden;
	addedPattern;
	split;
	prefixSpace;
	nfc;
	words = /* @__PURE__ */ new Map();
	/** Reads a `tokenizer.json`; undefined for kinds of tokenizers that this is not. */
	static parse(text) {
		const file = JSON.parse(text);
		const steps = file.pre_tokenizer?.pretokenizers ?? (file.pre_tokenizer ? [file.pre_tokenizer] : []);
		const byteLevel = steps.find((step) => step.type === "ByteLevel");
		if (file.model?.type !== "BPE" || byteLevel === void 0) return void 0;
		return new ByteLevelBpe(file, steps, byteLevel);
	}
	constructor(file, steps, byteLevel) {
		const vocab = new Map(Object.entries(file.model?.vocab ?? {}));
		const pieces = [];
		for (const [piece, id] of vocab) pieces[id] = piece;
		const added = file.added_tokens ?? [];
		for (const { id, content } of added) pieces[id] = content;
		const pattern = steps.find((step) => step.type === "Split")?.pattern?.Regex ?? GPT2;
		const merges = (file.model?.merges ?? []).map((merge) => typeof merge === "string" ? merge : merge.join(" "));
		this.vocab = vocab;
		this.pieces = pieces;
		this.size = pieces.length;
		this.ranks = new Map(merges.map((merge, rank) => [merge, rank]));
		this.added = new Map(added.map(({ id, content }) => [content, id]));
		this.hidden = new Set(added.filter(({ special }) => special).map(({ id }) => id));
		const escaped = added.map(({ content }) => content.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
		this.addedPattern = escaped.length === 0 ? void 0 : new RegExp(`(${escaped.join("|")})`);
		this.split = new RegExp(pattern, "gu");
		this.prefixSpace = byteLevel.add_prefix_space === true;
		this.nfc = file.normalizer?.type === "NFC";
	}
	/** Text to ids. */
	encode(text) {
		const ids = [];
		for (const part of this.addedPattern === void 0 ? [text] : text.split(this.addedPattern)) {
			const special = this.added.get(part);
			if (special !== void 0) ids.push(special);
			else if (part !== "") this.encodePlain(part, ids);
		}
		return ids;
	}
	/** The bytes of an id; none for special tokens and ids past the end. */
	bytesOf(id) {
		const known = this.bytes[id];
		if (known !== void 0) return known;
		const piece = this.hidden.has(id) ? "" : this.pieces[id] ?? "";
		const bytes = this.added.has(piece) ? Buffer.from(piece) : Buffer.from(Array.from(piece, (char) => BYTE_OF.get(char) ?? 0));
		this.bytes[id] = bytes;
		return bytes;
	}
	/** The id as the table writes it. */
	pieceOf(id) {
		return this.pieces[id] ?? "";
	}
	encodePlain(text, ids) {
		const normal = this.nfc ? text.normalize("NFC") : text;
		const padded = this.prefixSpace && !normal.startsWith(" ") ? ` ${normal}` : normal;
		for (const word of padded.match(this.split) ?? []) {
			let known = this.words.get(word);
			if (known === void 0) {
				known = this.merge(word);
				if (this.words.size < MOST_WORDS) this.words.set(word, known);
			}
			for (const id of known) ids.push(id);
		}
	}
	merge(word) {
		const parts = Array.from(Buffer.from(word), (byte) => CHAR_OF[byte]);
		for (;;) {
			let best = Number.POSITIVE_INFINITY;
			let at = -1;
			for (let i = 0; i + 1 < parts.length; i++) {
				const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY;
				if (rank < best) [best, at] = [rank, i];
			}
			if (at < 0) break;
			parts.splice(at, 2, parts[at] + parts[at + 1]);
		}
		return parts.map((part) => this.vocab.get(part)).filter((id) => id !== void 0);
	}
};
/** GPT-2's letters for bytes: printable ones stand for themselves, the others follow from U+0100 on. */
const CHAR_OF = Array.from({ length: 256 }, (_, byte) => {
	const printable = (b) => b >= 33 && b <= 126 || b >= 161 && b <= 172 || b >= 174;
	if (printable(byte)) return String.fromCharCode(byte);
	let others = 0;
	for (let b = 0; b < byte; b++) if (!printable(b)) others++;
	return String.fromCharCode(256 + others);
});
const BYTE_OF = new Map(CHAR_OF.map((char, byte) => [char, byte]));

// src/simulator/stand-in-tokenizer.ts
/** A deterministic stand-in for a tokenizer: about four characters a token, and ids that turn back into text. */
const CONSONANTS = "bdfgklmnprstvz";
const VOWELS = "aeiou";
const SYLLABLES = 70;
const PIECES = / (?:[bdfgklmnprstvz][aeiou]){3}(?![a-z])|\s?[^\s]{1,4}|\s+/g;
/** Needs no files: a text's pieces hash to ids, and every id has a word. */
var StandIn = class {
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
	/** A piece seen before, otherwise the word that stands for the id. */
	bytesOf(id) {
		return Buffer.from(this.pieceOf(id));
	}
	/** The text of an id. */
	pieceOf(id) {
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

// src/simulator/tokenizer.ts
/** Text to ids and back: by a model folder's own `tokenizer.json` when there is one, by a stand-in otherwise. */
/** Turns text into ids and back for one model. */
var Tokenizer = class {
	/** Ids below this have text; undefined where no tokenizer was found and a stand-in has a word for every id. */
	knownIds;
	table;
	eos;
	/**
	* @param folder looked at for a `tokenizer.json`
	* @param vocab number of ids of the model
	* @param eos id that ends a text and has none of its own
	*/
	constructor(folder, vocab, eos) {
		const found = findTable(folder);
		this.knownIds = found?.size;
		this.table = found ?? new StandIn(vocab);
		this.eos = eos;
	}
	/** Text to ids; the same text always gives the same ids. */
	encode(text) {
		return this.table.encode(text);
	}
	/** Ids to text; bytes that are no text become replacement characters. */
	decode(ids) {
		return Buffer.concat(ids.map((id) => this.bytesOf(id))).toString("utf8");
	}
	/** The text of one id. */
	textOf(id) {
		return this.bytesOf(id).toString("utf8");
	}
	/** The id as the tokenizer's own table writes it, e.g. `Ġthe`. */
	pieceOf(id) {
		return this.table.pieceOf(id);
	}
	/** A decoder of a stream: it keeps bytes back that are not yet a character. */
	stream() {
		return new TokenStream((id) => this.bytesOf(id));
	}
	bytesOf(id) {
		return id === this.eos ? NOTHING : this.table.bytesOf(id);
	}
};
const NOTHING = Buffer.alloc(0);
/** Text that appears token by token. */
var TokenStream = class {
	decoder = new StringDecoder("utf8");
	bytesOf;
	constructor(bytesOf) {
		this.bytesOf = bytesOf;
	}
	/** The text that a token completes. */
	push(id) {
		return this.decoder.write(this.bytesOf(id));
	}
	/** What is left when no token follows. */
	end() {
		return this.decoder.end();
	}
};
function findTable(folder) {
	const file = join(folder, "tokenizer.json");
	return existsSync(file) ? ByteLevelBpe.parse(readFileSync(file, "utf8")) : void 0;
}

// src/simulator/truth.ts
/** Ground truth for those who judge clients: when each event was planned to leave, and when it left. */
/** Milliseconds between writes: formatting stays off the hot path. */
const PAUSE = 50;
/**
* Collects finished requests and appends them to a file as JSON lines, a few at a time, while nothing is due.
*/
var TruthLog = class {
	path;
	finished = [];
	timer;
	/** Milliseconds until the next event is due; formatting waits while it is near. */
	slack = () => Number.POSITIVE_INFINITY;
	waited = 0;
	/** @param path file to append to */
	constructor(path) {
		this.path = path;
	}
	/** Takes a request that has ended. */
	finish(record) {
		this.finished.push(record);
		this.timer ??= setTimeout(this.drain, PAUSE);
	}
	/** Writes what is left, at once. */
	close() {
		clearTimeout(this.timer);
		const text = this.finished.splice(0).map(line).join("");
		if (text !== "") appendFileSync(this.path, text);
	}
	/** Formats what there is time for; a server that is always busy has to write one in between. */
	drain = () => {
		let text = "";
		while (this.finished.length > 0 && (this.slack() > 1 || text === "" && this.waited > 10)) text += line(this.finished.shift());
		if (text !== "") appendFileSync(this.path, text);
		this.waited = text === "" ? this.waited + 1 : 0;
		this.timer = this.finished.length === 0 ? void 0 : setTimeout(this.drain, this.waited === 0 ? 2 : PAUSE);
	};
};
function line({ id, received, planned, written, tokens }) {
	const record = {
		id,
		receivedNs: toMonotonicNs(received),
		plannedNs: planned.map(toMonotonicNs),
		writtenNs: written.map(toMonotonicNs),
		tokens
	};
	return `${JSON.stringify(record)}\n`;
}

// src/simulator/server.ts
/** The HTTP side: connections, routing, the API key, errors and the access log. */
const GUARDED = [
	"/v1",
	"/v2",
	"/inference"
];
/** Builds the server of a deployment. */
function buildServer(deployment, options) {
	const { log, keys, developer, crash } = options;
	const { flags, settings, model } = deployment;
	const folder = flags.nonDefault["tokenizer"] ?? flags.model;
	const tokenizer = new Tokenizer(String(folder), model.vocab, model.eosToken);
	const simulation = new Simulation({
		...deployment,
		knownIds: tokenizer.knownIds ?? deployment.knownIds
	});
	const planned = settings.plan === void 0 ? void 0 : new PlannedTimes(deployment, settings.plan);
	const driver = new RealTime(planned ?? simulation);
	const metrics = new Metrics(deployment, planMemory(deployment), () => planned?.active ?? 0);
	const truth = settings.truth === void 0 ? void 0 : new TruthLog(settings.truth);
	if (truth !== void 0) truth.slack = () => driver.slack();
	simulation.engine.onIteration = (tokens) => metrics.iteration(tokens);
	const completions = new Completions({
		deployment,
		driver,
		metrics,
		tokenizer,
		truth,
		crash
	});
	const routes = buildRoutes({
		deployment,
		simulation,
		metrics,
		tokenizer,
		completions,
		developer
	});
	const recent = atLeast(settings.version, 0, 26);
	const cors = new Cors(flags.nonDefault["allowed_origins"], recent);
	const tellId = flags.nonDefault["enable_request_id_headers"] === true;
	const answer = async (request, response) => {
		const path = (request.url ?? "/").split("?")[0];
		const method = request.method ?? "GET";
		if (tellId) response.setHeader("x-request-id", request.headers["x-request-id"] ?? randomUUID().replaceAll("-", ""));
		if (keys.length > 0 && method !== "OPTIONS" && GUARDED.some((prefix) => path.startsWith(prefix))) {
			const token = /^bearer (.*)$/i.exec(request.headers.authorization ?? "")?.[1];
			if (token === void 0 || !keys.includes(token)) return sendJson(response, "{\"error\":\"Unauthorized\"}", 401);
		}
		if (cors.handle(request, response)) return;
		const methods = routes[path];
		if (methods === void 0) {
			const bare = path.replace(/\/$/, "");
			if (bare !== path && bare in routes) return redirect(request, response, bare);
			return sendJson(response, "{\"detail\":\"Not Found\"}", 404);
		}
		const handler = methods[method];
		if (handler === void 0) {
			response.setHeader("allow", Object.keys(methods).join(", "));
			return sendJson(response, "{\"detail\":\"Method Not Allowed\"}", 405);
		}
		let body;
		try {
			if (method === "POST" && path !== "/metrics" && path !== "/ping") body = await readJson(request);
			handler(body, request, response);
		} catch (error) {
			const known = answerTo(error, {
				version: settings.version,
				method,
				path,
				body
			});
			if (known === void 0) throw error;
			sendJson(response, known.body, known.status);
		}
	};
	const http = createServer$1({ keepAliveTimeout: 5e3 }, (request, response) => {
		response.setHeader("server", "uvicorn");
		response.removeHeader("connection");
		if (!flags.disableAccessLog) logAccess(request, response, log);
		answer(request, response).catch(() => {
			if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end("Internal Server Error");
		});
	});
	http.on("connection", (socket) => socket.setNoDelay(true));
	return {
		http,
		simulation,
		driver,
		metrics,
		truth
	};
}
function redirect(request, response, path) {
	const location = `http://${request.headers.host ?? "localhost"}${path}`;
	response.writeHead(307, {
		"content-length": 0,
		location
	}).end();
}
async function readJson(request) {
	const chunks = [];
	for await (const chunk of request) chunks.push(chunk);
	const text = Buffer.concat(chunks).toString("utf8");
	if ((request.headers["content-type"] ?? "").toLowerCase().split(";")[0].trim() !== "application/json") throw apiError(400, "Bad Request", "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed", null);
	if (text === "") return void 0;
	try {
		return JSON.parse(text);
	} catch {
		throw invalidJson(text);
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
	const developer = env["VLLM_SERVER_DEV_MODE"] === "1";
	const crash = () => {
		printCrash(log);
		server.current?.truth?.close();
		process.exit(1);
	};
	server.current = buildServer(fitted, {
		log,
		keys: apiKeys(flags, env),
		developer,
		crash
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
			server.current.truth?.close();
		}
		process.exit(0);
	};
	process.on("SIGTERM", end);
	process.on("SIGINT", end);
}

// src/simulator/own-flags.ts
/**
* The simulator's own settings on its command line or in a file: `--sim-noise h200` is `VLLM_SIM_NOISE=h200`,
* `--sim-settings FILE` takes several from a JSON object (`{"noise": "h200", "seed": 3}`), and `--startup-scale` is short
* for `--sim-startup-scale`.
*/
const PREFIX = "--sim-";
/**
* Takes the simulator's own flags out of the arguments.
*
* @param known names of settings, e.g. `VLLM_SIM_NOISE`
* @throws Error naming a flag that is unknown or has no value, or a file that cannot be read
*/
function takeOwnFlags(argv, env, known) {
	const rest = [];
	const given = /* @__PURE__ */ new Map();
	let file;
	for (let i = 0; i < argv.length; i++) {
		const arg = argv[i];
		const [written = "", ...parts] = arg.split("=");
		const flag = written === "--startup-scale" ? `${PREFIX}startup-scale` : written;
		if (!flag.startsWith(PREFIX)) {
			rest.push(arg);
			continue;
		}
		const value = parts.length > 0 ? parts.join("=") : argv[++i];
		if (value === void 0) throw new Error(`${written}: needs a value`);
		if (flag === `${PREFIX}settings`) file = value;
		else given.set(variableOf(flag.slice(6), written, known), value);
	}
	const fromFile = file === void 0 ? {} : readSettingsFile(file, known);
	return {
		argv: rest,
		env: {
			...env,
			...fromFile,
			...Object.fromEntries(given)
		}
	};
}
function variableOf(name, written, known) {
	const variable = `VLLM_SIM_${name.toUpperCase().replaceAll("-", "_")}`;
	if (known.includes(variable)) return variable;
	const names = known.map((each) => each.slice(9).toLowerCase().replaceAll("_", "-"));
	throw new Error(`${written}: no setting of the simulator (known: ${names.join(", ")})`);
}
function readSettingsFile(path, known) {
	let data;
	try {
		data = JSON.parse(readFileSync(path, "utf8"));
	} catch (error) {
		throw new Error(`--sim-settings: cannot read ${path}: ${error instanceof Error ? error.message : error}`);
	}
	if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error(`--sim-settings: ${path} is not a JSON object`);
	const settings = {};
	for (const [name, value] of Object.entries(data)) {
		if (typeof value !== "string" && typeof value !== "number") throw new Error(`--sim-settings: ${path}: ${name} is neither a text nor a number`);
		settings[variableOf(name, `--sim-settings: ${path}: ${name}`, known)] = `${value}`;
	}
	return settings;
}

// src/simulator/main.ts
/** Entry of the simulator: `serve MODEL [vllm flags]`, with its own settings as `VLLM_SIM_*` variables or flags. */
/** Parses, launches, and sets the exit code of a server that did not start. */
async function main(argv) {
	const [command, ...rest] = argv;
	if (command !== "serve") {
		process.stderr.write("usage: main.ts serve MODEL [vllm flags]\n");
		process.exitCode = 2;
		return;
	}
	try {
		const { argv: given, env } = takeOwnFlags(rest, process.env, SETTING_NAMES);
		const flags = parseFlags(given);
		const code = await launch(flags, readSettings(env), env);
		if (code !== void 0) process.exit(code);
	} catch (error) {
		if (error instanceof UsageError) process.stderr.write(`${usageText()}api_server.py: error: ${error.message}\n`);
		else process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`);
		process.exit(2);
	}
}
await main(process.argv.slice(2));

export {  };