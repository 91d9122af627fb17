/** Starts that fail for lack of device memory before there is any KV memory to speak of, in vLLM's words. */
import type { Deployment } from "./deployment.ts";
import type { VllmLog } from "./log.ts";
import { gib, type MemoryPlan, roundedGib } from "./memory-plan.ts";
import { printEngineFailure } from "./startup-failures.ts";
import type { StartupLine } from "./startup-log.ts";

/** A failure, and where in the start-up it strikes. */
export interface DeviceFailure {
  /** The first line of the log that no longer appears. */
  before: RegExp;
  /** Frames and the error's own line. */
  trace: string;
  /** What the model runner logs before the error is raised. */
  logged: string | undefined;
}

// The frames are those that public vLLM issues show for these errors; the numbers of their lines vary with versions.
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
export function deviceFailure(deployment: Deployment, plan: MemoryPlan): DeviceFailure | undefined {
  const { gpu, flags, settings, model } = deployment;
  if (gpu.device !== "cuda") return undefined;
  const taken = settings.memoryTakenGiB * 2 ** 30;
  const context = gpu.reservedMiB * 2 ** 20;
  const free = plan.total - taken - context;
  const wanted = Math.ceil(plan.total * flags.gpuMemoryUtilization);
  if (free < wanted) {
    const message =
      `ValueError: Free memory on device cuda:0 (${roundedGib(Math.max(0, free))}/${roundedGib(plan.total)} GiB) on startup is less than ` +
      `desired GPU memory utilization (${flags.gpuMemoryUtilization}, ${roundedGib(wanted)} GiB). Decrease GPU memory utilization or ` +
      "reduce GPU memory used by other processes.";
    return { before: /^Starting to load model/, trace: `${INIT_DEVICE}\n${message}`, logged: undefined };
  }
  if (plan.weights > free) {
    const matrix = model.hidden * model.intermediate * 2 * model.dtypeBytes;
    const step = matrix / flags.tensorParallelSize;
    const oom = outOfMemory(plan.total, step, Math.floor(free / step) * step, context + taken);
    const logged =
      "Failed to load model - not enough GPU memory. Try lowering --gpu-memory-utilization to free memory for weights, " +
      "increasing --tensor-parallel-size, or using --quantization. See " +
      `https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more tips. (original error: ${oom})`;
    return {
      before: /^(Loading weights took|Model loading took)/,
      trace: `${LOAD_MODEL}\ntorch.OutOfMemoryError: ${oom}`,
      logged,
    };
  }
  const before = /^(Initial profiling|Profiling CUDA graph|Estimated CUDA graph|Available KV cache memory)/;
  if (plan.weights + plan.forwardPeak > free) {
    const oom = outOfMemory(plan.total, plan.forwardPeak / 2, plan.weights, context + taken);
    return { before, trace: `${PROFILE}\ntorch.OutOfMemoryError: ${oom}`, logged: undefined };
  }
  if (plan.weights + plan.samplerPeak > free) {
    const message =
      `RuntimeError: CUDA out of memory occurred when warming up sampler with ${deployment.maxNumSeqs} dummy requests. ` +
      "Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.";
    return { before, trace: `${PROFILE}\n${message}`, logged: undefined };
  }
  return undefined;
}

/** The lines that still appear. */
export function linesBefore(
  lines: readonly StartupLine[],
  failure: DeviceFailure | undefined,
): readonly StartupLine[] {
  if (failure === undefined) return lines;
  const end = lines.findIndex((line) => failure.before.test(line.message));
  return end < 0 ? lines : lines.slice(0, end);
}

/** Prints a failure. */
export function printDeviceFailure(log: VllmLog, failure: DeviceFailure): void {
  if (failure.logged !== undefined)
    log.line("EngineCore", "ERROR", "gpu_model_runner.py:5148", failure.logged);
  printEngineFailure(log, failure.trace);
}

/** torch 2.11's message for an allocation that fails. */
function outOfMemory(total: number, wanted: number, allocated: number, other: number): string {
  const left = Math.max(0, total - allocated - other);
  return (
    `CUDA out of memory. Tried to allocate ${size(wanted)}. GPU 0 has a total capacity of ${size(total)} of which ${size(left)} is free. ` +
    `Including non-PyTorch memory, this process has ${size(allocated + other)} memory in use. Of the allocated memory ` +
    `${size(allocated)} is allocated by PyTorch, and ${size(12 * 2 ** 20)} is reserved by PyTorch but unallocated. If reserved ` +
    "but unallocated memory is large try setting PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation.  " +
    "See documentation for Memory Management  (https://pytorch.org/docs/stable/notes/cuda.html#environment-variables)"
  );
}

/** As torch writes sizes. */
function size(bytes: number): string {
  if (bytes < 2 ** 20) return `${(bytes / 2 ** 10).toFixed(2)} KiB`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(2)} MiB` : `${gib(bytes).toFixed(2)} GiB`;
}
