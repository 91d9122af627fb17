/** Why vLLM does not start, in vLLM's words and at the place where it says so. */
import { connect } from "node:net";
import type { Deployment } from "./deployment.ts";
import type { VllmLog } from "./log.ts";
import { gib, kvNeeded, longestContext, type MemoryPlan } from "./memory-plan.ts";
import type { ModelLookup } from "./model-config.ts";

const DOCS = "See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.";
const UTILIZATION =
  "`gpu_memory_utilization` when initializing the engine (this flag also controls CPU memory reservation on the CPU backend, despite its name)";

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
function apiTraceback(frames: string, error: string): string {
  return ["Traceback (most recent call last):", RUN, frames, error].filter((part) => part !== "").join("\n");
}

/** Why the engine core fails on its KV memory; undefined when it does not. */
export function kvFailure(deployment: Deployment, plan: MemoryPlan): string | undefined {
  if (plan.availableKv <= 0)
    return `No available memory for the cache blocks. Try increasing ${UTILIZATION}. ${DOCS}`;
  const longest = longestContext(deployment, plan);
  if (deployment.flags.maxModelLen === "auto") {
    if (longest > 0) return undefined;
    return "Cannot auto-fit max_model_len: not enough GPU memory available to serve even a single token. Try increasing `gpu_memory_utilization`.";
  }
  const needed = kvNeeded(deployment);
  if (needed <= plan.availableKv) return undefined;
  return (
    `To serve at least one request with the model's max seq len (${deployment.maxModelLen}), ` +
    `(${gib(needed).toFixed(2)} GiB KV cache is needed, which is larger than the available KV cache memory ` +
    `(${gib(plan.availableKv).toFixed(2)} GiB). Based on the available memory, the estimated maximum model length is ` +
    `${longest}. Try increasing ${UTILIZATION} or decreasing \`max_model_len\`. ${DOCS}`
  );
}

/** Prints that the KV memory does not do. */
export function printKvFailure(log: VllmLog, message: string): void {
  printEngineFailure(log, `${KV}\nValueError: ${message}`);
}

/**
 * Prints the engine core's failure and the API server's secondary one.
 *
 * @param trace the frames below `EngineCoreProc` and the error's own line
 */
export function printEngineFailure(log: VllmLog, trace: string): void {
  const whole = `Traceback (most recent call last):\n${CORE}\n${trace}`;
  log.line("EngineCore", "ERROR", "core.py:1165", `EngineCore failed to start.\n${whole}`);
  log.raw("EngineCore", `Process EngineCore:\n${whole}`);
  const frames = `${CLIENT}
  File "site-packages/vllm/v1/engine/utils.py", line 1150, in launch_core_engines
    wait_for_engine_startup(
  File "site-packages/vllm/v1/engine/utils.py", line 1209, in wait_for_engine_startup
    raise RuntimeError(`;
  const secondary =
    "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}";
  log.raw("APIServer", apiTraceback(frames, secondary));
}

/** Why the context length is refused; undefined when it is not. */
export function contextFailure(deployment: Deployment): string | undefined {
  const { maxModelLen, model } = deployment;
  if (maxModelLen <= model.maxPositions) return undefined;
  return (
    `  Value error, User-specified max_model_len (${maxModelLen}) is greater than the derived max_model_len ` +
    `(max_position_embeddings=${model.maxPositions}.0 or model_max_length=None in model's config.json). To allow ` +
    "overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. VLLM_ALLOW_LONG_MAX_MODEL_LEN must be " +
    "used with extreme caution. If the model uses relative position encoding (RoPE), positions exceeding " +
    "derived_max_model_len lead to nan. If the model uses absolute position encoding, positions exceeding " +
    "derived_max_model_len will cause a CUDA array out-of-bounds error. [type=value_error, " +
    "input_value=ArgsKwargs((), {'model': ...nderer_num_workers': 1}), input_type=ArgsKwargs]\n" +
    "    For further information visit https://errors.pydantic.dev/2.14/v/value_error"
  );
}

/** Why the tensor-parallel size is refused; undefined when it is not. */
export function parallelFailure({ flags, model }: Deployment): string | undefined {
  const size = flags.tensorParallelSize;
  if (model.heads % size === 0) return undefined;
  return (
    `  Value error, Total number of attention heads (${model.heads}) must be divisible by tensor parallel size (${size}). ` +
    "[type=value_error, input_value=ArgsKwargs((), {'model_co...transfer_config': None}), input_type=ArgsKwargs]\n" +
    "    For further information visit https://errors.pydantic.dev/2.14/v/value_error"
  );
}

/** Prints a refused configuration; `config` names the class that refuses it. */
export function printConfigFailure(log: VllmLog, message: string, config = "ModelConfig"): void {
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
export function printModelFailure(log: VllmLog, name: string, lookup: ModelLookup): void {
  const error =
    lookup.kind === "no-config"
      ? `OSError: ${name} does not appear to have a file named config.json. Checkout 'https://huggingface.co/${name}/tree/main' for available files.`
      : `huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': '${name}'. Use \`repo_type\` argument if needed.`;
  const frames = `${CLIENT}
  File "site-packages/vllm/engine/arg_utils.py", line 751, in __post_init__
    self.model = get_model_path(self.model, self.revision)
                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^`;
  log.raw("APIServer", apiTraceback(frames, error));
}

/** Prints that the port is taken. */
export function printPortFailure(log: VllmLog): void {
  const frames = `  File "site-packages/vllm/entrypoints/openai/api_server.py", line 670, in run_server
    listen_address, sock = setup_server(args)
                           ^^^^^^^^^^^^^^^^^^
  File "site-packages/vllm/entrypoints/openai/api_server.py", line 489, in create_server_socket
    sock.bind(addr)`;
  log.raw("APIServer", apiTraceback(frames, "OSError: [Errno 98] Address already in use"));
}

/** Whether something listens on the port; asking does not open it, so that it refuses connections until ready. */
export function portTaken(port: number, host: string | null): Promise<boolean> {
  const target = host === null || host === "0.0.0.0" ? "127.0.0.1" : host;
  return new Promise((resolve) => {
    const socket = connect({ port, host: target });
    const answer = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once("connect", () => answer(true));
    socket.once("error", () => answer(false));
  });
}
