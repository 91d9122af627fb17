/** What kind of failure a cause is, as far as the sentence tells. */
export type FailureKind =
  | "context_too_long"
  | "kv_too_small"
  | "no_kv_memory"
  | "memory_not_free"
  | "out_of_memory"
  | "unknown_flag"
  | "bad_value"
  | "port_in_use"
  | "model_not_found"
  | "exception"
  | "unknown";

interface KnownSentence {
  readonly kind: FailureKind;
  readonly regex: RegExp;
}

/** Sentences that name a cause by themselves, the more specific ones first: torch's error follows from vLLM's. */
export const DECISIVE: readonly KnownSentence[] = [
  // config/model.py
  { kind: "context_too_long", regex: /max_model_len \(\S{1,32}\) is greater than the derived max_model_len/ },
  // v1/core/kv_cache_utils.py; worker/worker.py of V0
  {
    kind: "kv_too_small",
    regex:
      /To serve at least one request with the models?'s? max seq len|max seq len \(\d{1,15}\) is larger than the maximum number of tokens that can be stored in KV cache/,
  },
  { kind: "no_kv_memory", regex: /No available memory for the cache blocks/ },
  // v1/worker/utils.py; cpu_worker.py
  {
    kind: "memory_not_free",
    regex:
      /Free memory on device .{0,128}on startup is less than|Available memory on node .{0,128} is less than|Error in memory profiling\. Initial free memory/,
  },
  // v1/worker/gpu_model_runner.py: says which setting to lower, unlike torch's sentence below.
  { kind: "out_of_memory", regex: /out of memory occurred when warming up/ },
  {
    kind: "port_in_use",
    regex: /\[Errno (?:48|98)\]|Address already in use|address already in use|EADDRINUSE/,
  },
  {
    kind: "out_of_memory",
    regex:
      /(?:CUDA|HIP|XPU|NPU)(?: error:)? out of memory|OutOfMemoryError|an't allocate memory|Cannot allocate memory/,
  },
];

/** Sentences that name the cause only when the server ends with them: they also occur in survived errors. */
const INDICATIVE: readonly KnownSentence[] = [
  {
    kind: "model_not_found",
    regex:
      /Repo id must be in the form|is not a valid model identifier|RepositoryNotFoundError|GatedRepoError|RevisionNotFoundError|LocalEntryNotFoundError|EntryNotFoundError|Invalid repository ID or local directory|does not appear to have a file named|Cannot find any (?:of the )?model weights|Can't load the (?:configuration|model)|couldn't connect to 'https?:|(?:401|403|404) Client Error/,
  },
  { kind: "bad_value", regex: /ArgumentTypeError/ },
];

/** The kind of failure that an indicative sentence names. */
export function indicatedKind(sentence: string): FailureKind | undefined {
  return INDICATIVE.find(({ regex }) => regex.test(sentence))?.kind;
}

/**
 * What processes say when another one failed. vLLM's files: v1/engine/core.py, v1/engine/utils.py,
 * v1/engine/exceptions.py, v1/executor/multiproc_executor.py, entrypoints/openai/api_server.py.
 */
export const SECONDARY =
  /EngineCore failed to start|Engine core initialization failed|Engine process failed to start|EngineCore encountered|EngineDeadError|EngineGenerateError|MQEngineDeadError|died unexpectedly|WorkerProc (?:initialization )?failed|Worker failed with error|Frontend process failed during|[Ss]ee (?:root cause|stack trace)|stack trace above|Executor failed|output_handler failed|unhandled errors in a TaskGroup|Connection closed by peer|Broken pipe|Connection reset by peer|CancelledError|KeyboardInterrupt|SystemExit/;

/** A process says this of itself right before the traceback that ended it. */
export const FATAL_ANNOUNCEMENT =
  /EngineCore failed to start|EngineCore encountered a fatal error|WorkerProc failed|Exception in worker |Error in engine/;

export const HINTS: Partial<Record<FailureKind, string>> = {
  context_too_long: "Lower --max-model-len to what the model supports.",
  kv_too_small: "Lower --max-model-len, or raise --gpu-memory-utilization.",
  no_kv_memory: "Raise --gpu-memory-utilization, or use a smaller model or more GPUs.",
  memory_not_free: "Another process holds the memory, often an engine left over from an earlier server.",
  out_of_memory: "Lower --gpu-memory-utilization, --max-num-seqs or --max-num-batched-tokens.",
  unknown_flag: "This vLLM does not know the flag: it may be misspelt, or of another version.",
  bad_value: "Correct the value of the flag.",
  port_in_use: "Another server listens there: stop it or take another port.",
  model_not_found: "Check the model's name or path, and the access token if it is gated.",
};
export const NOT_INSTALLED_HINT = "vLLM is not installed where the server was started, or not on its PATH.";
export const KILLED_HINT = "Killed by the system, most often because the machine ran out of memory.";
