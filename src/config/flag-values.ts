import { hasControl, looksLikePlace } from "./suspicious-text.ts";

/**
 * A model is a repository or a folder, and a word that argparse cannot take for a flag. An address is refused:
 * `s3://` and its kind make vLLM fetch from a place that the flag names, with the runner's cloud credentials.
 */
export function modelProblem(model: string): string | undefined {
  if (model.trim() === "") return "is empty";
  if (model.startsWith("-")) return "begins with a dash, so vLLM would read it as a flag";
  if (hasControl(model)) return "contains a control character";
  if (model.includes("://"))
    return "is an address, so vLLM would fetch it from there with the runner's network and credentials";
  return undefined;
}

/** Formats of weights that vLLM reads without unpickling and from nowhere but the model. */
const LOAD_FORMATS: ReadonlySet<string> = new Set(
  `auto hf safetensors fastsafetensors instanttensor dummy mistral gguf bitsandbytes sharded_state runai_streamer
   runai_streamer_sharded`
    .trim()
    .split(/\s+/),
);

export function loadFormatProblem(value: string): string | undefined {
  return LOAD_FORMATS.has(value.toLowerCase())
    ? undefined
    : "load weights in a format that is not known to be free of code (pickles, a plugin, another process)";
}

/** `model` without `method` makes vLLM import `package.Class`, and so does the method `custom_class`. */
export function draftModelProblem(value: string): string | undefined {
  if (/^[^/]+$/.test(value) && /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)+$/u.test(value))
    return "import a Python class, because a dotted name without a slash is one to vLLM";
  const problem = modelProblem(value);
  return problem === undefined ? undefined : `load a draft model that ${problem}`;
}

export function draftMethodProblem(value: string): string | undefined {
  if (value.toLowerCase() === "custom_class") return "import a Python class as the drafter";
  return /^\[?[\w-]*\]?$/.test(value)
    ? undefined
    : "name something other than a method of speculative decoding";
}

/** A repository of the Hub, or the scenario's own model and what lies below it. */
function siblingProblem(value: string, model: string): string | undefined {
  if (hasControl(value)) return "name a place with a control character";
  if (/(?:^|[/\\])\.\.(?:[/\\]|$)/.test(value)) return "read a folder outside the scenario's model";
  const folder = model.replace(/\/+$/, "");
  if (folder !== "" && (value === folder || value.startsWith(`${folder}/`))) return undefined;
  return looksLikePlace(value) ? "read a folder outside the scenario's model" : undefined;
}

export function adapterProblem(value: string): string | undefined {
  const problem = modelProblem(value);
  return problem === undefined ? undefined : `load an adapter that ${problem}`;
}

/** What a value would do, or nothing if it is an ordinary one. */
type ValueRule = (value: string, model: string) => string | undefined;

function oneOf(values: readonly string[], otherwise: string): ValueRule {
  return (value) => (values.includes(value) ? undefined : otherwise);
}

/** Flags that are ordinary with some values and not with others. */
export const VALUE_RULES: ReadonlyMap<string, ValueRule> = new Map<string, ValueRule>([
  [
    "--api-server-count",
    (value) =>
      Number(value) < 1 ? "start an engine without the HTTP server that the gate measures" : undefined,
  ],
  ["--load-format", loadFormatProblem],
  [
    "--distributed-executor-backend",
    oneOf(
      ["mp", "uni", "None", ""],
      "import a Python class as the executor, or hand the workers to another launcher",
    ),
  ],
  [
    "--data-parallel-backend",
    oneOf(["mp"], "start or join a Ray cluster, which listens on ports of its own"),
  ],
  ["--tokenizer", siblingProblem],
  ["--hf-config-path", siblingProblem],
  ["--generation-config", siblingProblem],
  ["--spec-model", draftModelProblem],
  ["--spec-method", draftMethodProblem],
  [
    "--numa-bind-cpus",
    (value) => (/^[\d,-]+$/.test(value) ? undefined : "hand numactl something other than a list of CPUs"),
  ],
  [
    "--lora-modules",
    (value) => (/^\s*[{[]/.test(value) ? undefined : adapterProblem(value.slice(value.indexOf("=") + 1))),
  ],
]);
