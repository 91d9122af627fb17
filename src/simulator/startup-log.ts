/** The lines of a start-up, with the durations that the model and the device cause. */
import type { Deployment } from "./deployment.ts";
import { pythonRepr, type Speaker } from "./log.ts";
import { autoFitMessage, gib, type MemoryPlan } from "./memory-plan.ts";
import { atLeast } from "./settings.ts";
import type { StartupTimes } from "./startup-times.ts";

/** One line, or a wait. Seconds are simulated; the caller scales them. */
export interface StartupLine {
  /** Wait before the line, seconds. */
  after: number;
  speaker: Speaker;
  level: "INFO" | "WARNING";
  source: string;
  message: string;
}

/** The lines before the engine process exists; a failure to find the model comes after the first part of them. */
export function bannerLines(deployment: Pick<Deployment, "flags" | "settings">): StartupLine[] {
  const { flags, settings } = deployment;
  const late = atLeast(settings.version, 0, 31);
  const banner = late ? "api_utils.py:347" : "utils.py:344";
  const line = (message: string, source = banner): StartupLine => ({
    after: 0,
    speaker: "APIServer",
    level: "INFO",
    source,
    message,
  });
  return [
    line(""),
    line("       █     █     █▄   ▄█"),
    line(` ▄▄ ▄█ █     █     █ ▀▄▀ █  version ${settings.version}`),
    line(`  █▄█▀ █     █     █     █  model   ${flags.model}`),
    line("   ▀▀  ▀▀▀▀▀ ▀▀▀▀▀ ▀     ▀"),
    line(""),
    line(`non-default args: ${pythonRepr(redacted(deployment))}`, late ? "api_utils.py:286" : "utils.py:278"),
  ];
}

/** From 0.30 on vLLM hides the API key in this line. */
function redacted({ flags, settings }: Pick<Deployment, "flags" | "settings">): object {
  if (!atLeast(settings.version, 0, 30) || flags.apiKeys.length === 0) return flags.nonDefault;
  return { ...flags.nonDefault, api_key: "***" };
}

/** The lines from the resolved model to a loaded engine. */
export function engineLines(deployment: Deployment, plan: MemoryPlan, times: StartupTimes): StartupLine[] {
  const { flags, model, settings, gpu } = deployment;
  const late = atLeast(settings.version, 0, 31);
  const lines: StartupLine[] = [];
  const add = (speaker: Speaker, source: string, message: string, after = 0): void => {
    lines.push({ after, speaker, level: "INFO", source, message });
  };
  const api = (source: string, message: string, after = 0): void => add("APIServer", source, message, after);
  const core = (source: string, message: string, after = 0): void =>
    add("EngineCore", source, message, after);
  const cuda = gpu.device === "cuda";
  api(late ? "model.py:733" : "model.py:617", `Resolved architecture: ${model.architecture}`, times.import);
  api(late ? "model.py:2152" : "model.py:1752", `Using max model len ${deployment.maxModelLen}`);
  if (!late) {
    const budget = deployment.maxNumBatchedTokens;
    api("scheduler.py:239", `Chunked prefill is enabled with max_num_batched_tokens=${budget}.`);
    api("vllm.py:977", `Asynchronous scheduling is ${deployment.asyncScheduling ? "enabled" : "disabled"}.`);
  }
  if (flags.enforceEager) {
    lines.push({
      after: 0,
      speaker: "APIServer",
      level: "WARNING",
      source: "vllm.py:1033",
      message:
        "Enforce eager set, disabling torch.compile and CUDAGraphs. This is equivalent to setting -cc.mode=none -cc.cudagraph_mode=none",
    });
  }
  core(late ? "core.py:133" : "core.py:112", engineConfig(deployment), times.engineProcess);
  const runner = cuda
    ? late
      ? "gpu_model_runner.py:5021"
      : "gpu_model_runner.py:5037"
    : "cpu_model_runner.py:68";
  core(runner, `Starting to load model ${flags.model}...`, 3 * settings.regressions.startup);
  if (cuda) {
    core(
      "cuda.py:378",
      "Using FLASH_ATTN attention backend out of potential backends: ['FLASH_ATTN', 'TRITON_ATTN', 'FLEX_ATTENTION'].",
    );
    core("flash_attn.py:636", `Using FlashAttention version ${gpu.computeCapability >= 9 ? 3 : 2}`);
  }
  const loaded = times.weights;
  if (flags.loadFormat !== "dummy")
    core("default_loader.py:397", `Loading weights took ${(loaded * 0.9).toFixed(2)} seconds`, loaded);
  if (cuda) {
    const took = `Model loading took ${gib(plan.weights).toFixed(2)} GiB memory and ${loaded.toFixed(6)} seconds`;
    core(
      late ? "gpu_model_runner.py:5089" : "gpu_model_runner.py:5132",
      took,
      flags.loadFormat === "dummy" ? loaded : 0,
    );
  } else core("base_loader.py:82", `Initializing model took ${loaded.toFixed(6)} seconds`, loaded);
  if (!flags.enforceEager) compileLines(deployment, times, core);
  if (cuda && flags.kvCacheMemoryBytes === null) memoryLines(deployment, plan, times, core);
  return lines;
}

type Write = (source: string, message: string, after?: number) => void;

function compileLines(deployment: Deployment, times: StartupTimes, core: Write): void {
  const late = atLeast(deployment.settings.version, 0, 31);
  const tag = late ? "[backbone] " : "";
  const range = `(1, ${deployment.maxNumBatchedTokens})`;
  const compiling = times.compile - times.dynamo;
  if (deployment.gpu.device === "cpu")
    core("cpu_model_runner.py:87", "Warming up model for the compilation...");
  else {
    const folder = "~/.cache/vllm/torch_compile_cache/c49503bde1/rank_0_0/backbone";
    core("backends.py:1089", `${tag}Using cache directory: ${folder} for vLLM's torch.compile`);
    core(
      "backends.py:1148",
      `${tag}Dynamo bytecode transform time: ${times.dynamo.toFixed(2)} s`,
      times.dynamo,
    );
    const built =
      deployment.settings.compileCache === "warm"
        ? `Directly load the compiled graph(s) for compile range ${range} from the cache, took ${compiling.toFixed(3)} s`
        : `Compiling a graph for compile range ${range} takes ${compiling.toFixed(2)} s`;
    core(
      deployment.settings.compileCache === "warm" ? "backends.py:292" : "backends.py:393",
      tag + built,
      compiling,
    );
    core("monitor.py:53", `${tag}torch.compile took ${times.compile.toFixed(2)} s in total`);
  }
  const source = late ? "monitor.py:91" : "monitor.py:81";
  core(source, `${tag}Initial profiling/warmup run took ${times.profile.toFixed(2)} s`, times.profile);
}

function memoryLines(deployment: Deployment, plan: MemoryPlan, times: StartupTimes, core: Write): void {
  const sizes = deployment.captureSizes;
  const { gpu, flags } = deployment;
  if (sizes.length > 0) {
    const each = `PIECEWISE=${sizes.length} (largest=${sizes.at(-1)}), FULL=${sizes.length} (largest=${sizes.at(-1)})`;
    core("gpu_model_runner.py:6279", `Profiling CUDA graph memory: ${each}`);
    const estimate = gib(plan.graphsEstimated).toFixed(2);
    core(
      "gpu_model_runner.py:6365",
      `Estimated CUDA graph memory: ${estimate} GiB total`,
      times.graphProfile,
    );
  }
  core("gpu_worker.py:466", `Available KV cache memory: ${gib(plan.availableKv).toFixed(2)} GiB`);
  if (sizes.length === 0) return;
  const share = plan.graphsEstimated / (gpu.memoryMiB * 2 ** 20);
  const now = flags.gpuMemoryUtilization;
  core(
    "gpu_worker.py:481",
    `CUDA graph memory profiling is enabled (default since v0.21.0). The current --gpu-memory-utilization=${now.toFixed(4)} ` +
      `is equivalent to --gpu-memory-utilization=${(now - share).toFixed(4)} without CUDA graph memory profiling. ` +
      "To maintain the same effective KV cache size as before, increase --gpu-memory-utilization to " +
      `${(now + share).toFixed(4)}. To disable, set VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS=0.`,
  );
}

/** The lines from the KV cache to a server that is about to listen. */
export function readyLines(deployment: Deployment, plan: MemoryPlan, times: StartupTimes): StartupLine[] {
  const { flags, settings, gpu } = deployment;
  const late = atLeast(settings.version, 0, 31);
  const lines: StartupLine[] = [];
  const write = (speaker: Speaker, source: string, message: string, after = 0): void => {
    lines.push({ after, speaker, level: "INFO", source, message });
  };
  if (gpu.device === "cpu") {
    const share = `${gib(plan.availableKv).toFixed(1)}/${(gpu.memoryMiB / 1024).toFixed(2)}`;
    write("Worker", "cpu_worker.py:260", `Explicitly set (${share}) GiB for KV cache on node 0.`);
  }
  if (flags.maxModelLen === "auto")
    write(
      "EngineCore",
      late ? "kv_cache_utils.py:2196" : "kv_cache_utils.py:1602",
      autoFitMessage(deployment, plan),
    );
  const thousands = (value: number): string => value.toLocaleString("en-US");
  const device = gpu.device === "cpu" ? "CPU" : "GPU";
  const size = `${device} KV cache size: ${thousands(plan.kvTokens)} tokens`;
  const most = `Maximum concurrency for ${thousands(deployment.maxModelLen)} tokens per request: ${plan.maxConcurrency.toFixed(2)}x`;
  if (atLeast(settings.version, 0, 28)) write("EngineCore", "kv_cache_utils.py:2327", `${size}, ${most}`);
  else {
    write("EngineCore", "kv_cache_utils.py:1733", size);
    write("EngineCore", "kv_cache_utils.py:1734", most);
  }
  if (deployment.cudaGraphs) {
    const took = `Graph capturing finished in ${Math.round(times.capture)} secs, took ${gib(plan.graphsActual).toFixed(2)} GiB`;
    write("EngineCore", "gpu_model_runner.py:6456", took, times.capture);
    if (flags.kvCacheMemoryBytes === null) {
      const gap = plan.graphsActual - plan.graphsEstimated;
      const share = ((gap / plan.graphsActual) * 100).toFixed(1);
      const pool = `${gib(plan.graphsActual).toFixed(2)} GiB (actual), ${gib(plan.graphsEstimated).toFixed(2)} GiB (estimated)`;
      const message = `CUDA graph pool memory: ${pool}, difference: ${gib(gap).toFixed(2)} GiB (${share}%).`;
      write("EngineCore", "gpu_worker.py:619", message);
    }
  }
  const compilation =
    times.compile > 0 && gpu.device === "cuda" ? ` (compilation: ${times.compile.toFixed(2)} s)` : "";
  const init = `init engine (profile, create kv cache, warmup model) took ${times.initEngine.toFixed(2)} s${compilation}`;
  write("EngineCore", late ? "core.py:402" : compilation === "" ? "core.py:309" : "core.py:302", init, 1);
  write("APIServer", late ? "entry.py:136" : "api_server.py:592", "Supported tasks: ['generate']", 0.5);
  const host = flags.host ?? "0.0.0.0";
  const starting = `Starting vLLM server on http://${host}:${flags.port}`;
  write("APIServer", late ? "entry.py:140" : "api_server.py:596", starting);
  write("APIServer", late ? "launcher.py:186" : "launcher.py:37", "Available routes are:");
  for (const [path, methods] of ROUTES) {
    write("APIServer", late ? "launcher.py:195" : "launcher.py:46", `Route: ${path}, Methods: ${methods}`);
  }
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
  ["/v1/completions", "POST"],
] as const;

function engineConfig(deployment: Deployment): string {
  const { flags, model, settings, gpu, maxModelLen } = deployment;
  const repr = pythonRepr;
  return (
    `Initializing a V1 LLM engine (v${settings.version}) with config: model=${repr(flags.model)}, speculative_config=None, ` +
    `tokenizer=${repr(flags.model)}, skip_tokenizer_init=False, tokenizer_mode=auto, revision=None, tokenizer_revision=None, ` +
    `trust_remote_code=False, dtype=torch.${model.dtype}, max_seq_len=${maxModelLen}, download_dir=None, ` +
    `load_format=${flags.loadFormat}, tensor_parallel_size=${flags.tensorParallelSize}, pipeline_parallel_size=1, ` +
    `data_parallel_size=1, quantization=None, enforce_eager=${repr(flags.enforceEager)}, kv_cache_dtype=${flags.kvCacheDtype}, ` +
    `device_config=${gpu.device}, seed=${flags.seed}, served_model_name=${flags.servedModelNames[0]}, ` +
    `enable_prefix_caching=${repr(flags.enablePrefixCaching)}, enable_chunked_prefill=True, pooler_config=None`
  );
}
