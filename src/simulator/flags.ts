/** The command line of `vllm serve`, read the way vLLM's argparse reads it. */
import known from "./vllm-flags.json" with { type: "json" };

/** The flags that the simulator acts on; every other flag of vLLM 0.22 is accepted and has no effect. */
export interface Flags {
  model: string;
  host: string | null;
  port: number;
  servedModelNames: string[];
  maxModelLen: number | "auto" | null;
  maxNumSeqs: number | null;
  maxNumBatchedTokens: number | null;
  gpuMemoryUtilization: number;
  kvCacheMemoryBytes: number | null;
  kvCacheDtype: string;
  blockSize: number | null;
  enforceEager: boolean;
  enablePrefixCaching: boolean;
  asyncScheduling: boolean;
  tensorParallelSize: number;
  loadFormat: string;
  dtype: string;
  seed: number;
  apiKeys: string[];
  disableLogStats: boolean;
  enablePromptTokensDetails: boolean;
  maxLogprobs: number;
  disableAccessLog: boolean;
  streamInterval: number;
  /** Flags that were given, as vLLM's `non-default args` line lists them. */
  nonDefault: Record<string, PythonValue>;
}

/** A value in the `non-default args` line. */
export type PythonValue = string | number | boolean | string[];

/** A command line that argparse refuses; vLLM prints it after its usage and exits with 2. */
export class UsageError extends Error {}

type Kind = "bool" | "value" | "list";
const KINDS = known as Readonly<Record<string, Kind>>;
const INTEGERS = new Set([
  "port",
  "seed",
  "tensor-parallel-size",
  "max-logprobs",
  "block-size",
  "api-server-count",
  "stream-interval",
]);
const SIZES = new Set(["max-model-len", "max-num-seqs", "max-num-batched-tokens", "kv-cache-memory-bytes"]);
const FLOATS = new Set([
  "gpu-memory-utilization",
  "kv-offloading-size",
  "cpu-offload-gb",
  "video-pruning-rate",
]);
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  dtype: ["auto", "bfloat16", "float", "float16", "float32", "half"],
  "kv-cache-dtype": ["auto", "bfloat16", "float16", "fp8", "fp8_e4m3", "fp8_e5m2"],
};
const SCALES: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/**
 * Parses the arguments after `serve`.
 *
 * @throws UsageError with argparse's own words
 */
export function parseFlags(argv: readonly string[]): Flags {
  const given = new Map<string, PythonValue>();
  const unknown: string[] = [];
  let positional: string | undefined;
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i]!;
    if (!arg.startsWith("-")) {
      if (positional === undefined) positional = arg;
      else unknown.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const written = equals < 0 ? arg : arg.slice(0, equals);
    const name = (written === "-tp" ? "--tensor-parallel-size" : written)
      .replace(/^--/, "")
      .replaceAll("_", "-");
    const negated = name.startsWith("no-") && KINDS[name.slice(3)] === "bool";
    const kind = negated ? "bool" : KINDS[name];
    if (kind === undefined || (!written.startsWith("--") && written !== "-tp")) {
      unknown.push(arg);
      continue;
    }
    if (kind === "bool") {
      if (equals >= 0)
        throw new UsageError(`argument --${name}: ignored explicit argument '${arg.slice(equals + 1)}'`);
      given.set(negated ? name.slice(3) : name, !negated);
      continue;
    }
    const values = equals < 0 ? [] : [arg.slice(equals + 1)];
    while (
      equals < 0 &&
      i + 1 < argv.length &&
      (kind === "list" || values.length === 0) &&
      !isFlag(argv[i + 1]!)
    ) {
      values.push(argv[++i]!);
    }
    const first = values[0];
    if (first === undefined)
      throw new UsageError(
        `argument --${name}: expected ${kind === "list" ? "at least one" : "one"} argument`,
      );
    given.set(name, kind === "list" ? values : convert(name, first));
  }
  if (unknown.length > 0) throw new UsageError(`unrecognized arguments: ${unknown.join(" ")}`);
  return assemble(given, positional);
}

function isFlag(text: string): boolean {
  return text.startsWith("-") && !/^-\d/.test(text);
}

function convert(name: string, text: string): string | number {
  const choices = CHOICES[name];
  if (choices !== undefined && !choices.includes(text)) {
    const list = choices.map((choice) => `'${choice}'`).join(", ");
    throw new UsageError(`argument --${name}: invalid choice: '${text}' (choose from ${list})`);
  }
  if (FLOATS.has(name)) {
    if (text.trim() === "" || !Number.isFinite(Number(text)))
      throw new UsageError(`argument --${name}: invalid float value: '${text}'`);
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
  if (!Number.isInteger(value)) {
    const kind = name === "max-model-len" ? "human_readable_int_or_auto" : "human_readable_int";
    throw new UsageError(`argument --${name}: invalid ${kind} value: '${text}'`);
  }
  return value;
}

function assemble(given: ReadonlyMap<string, PythonValue>, positional: string | undefined): Flags {
  const number = (name: string): number | null => {
    const value = given.get(name);
    return typeof value === "number" ? value : null;
  };
  const list = (name: string): string[] => {
    const value = given.get(name);
    return Array.isArray(value) ? value : [];
  };
  const text = (name: string, fallback: string): string => String(given.get(name) ?? fallback);
  const on = (name: string, fallback: boolean): boolean => (given.get(name) ?? fallback) === true;
  const model = positional ?? text("model", "Qwen/Qwen3-0.6B");
  const maxModelLen = number("max-model-len");
  const nonDefault: Record<string, PythonValue> = positional === undefined ? {} : { model_tag: positional };
  for (const name of Object.keys(KINDS)) {
    const value = name === "model" ? model : given.get(name);
    if (value !== undefined) nonDefault[name.replaceAll("-", "_")] = value;
  }
  return {
    model,
    host: given.has("host") ? text("host", "") : null,
    port: number("port") ?? 8000,
    servedModelNames: list("served-model-name").length > 0 ? list("served-model-name") : [model],
    maxModelLen: maxModelLen === -1 ? "auto" : maxModelLen,
    maxNumSeqs: number("max-num-seqs"),
    maxNumBatchedTokens: number("max-num-batched-tokens"),
    gpuMemoryUtilization: number("gpu-memory-utilization") ?? 0.92,
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
    nonDefault,
  };
}

/** The last lines of vLLM's usage text, as far as a reader of a log needs them. */
export function usageText(): string {
  const lines = ["usage: api_server.py [-h]"];
  for (const [name, kind] of Object.entries(KINDS)) {
    const place = name.toUpperCase().replaceAll("-", "_");
    if (kind === "bool") lines.push(`                     [--${name} | --no-${name}]`);
    else if (kind === "list") lines.push(`                     [--${name} ${place} [${place} ...]]`);
    else lines.push(`                     [--${name} ${place}]`);
  }
  return `${lines.join("\n")}\n                     [model_tag]\n`;
}
