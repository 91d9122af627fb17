import { adapterProblem, draftMethodProblem, draftModelProblem, loadFormatProblem } from "./flag-values.ts";
import { quote } from "./refusal.ts";
import { looksLikePlace, smell } from "./suspicious-text.ts";

/** JSON keys refused under every flag. */
const REFUSED_KEYS: ReadonlyMap<string, string> = new Map([
  ["trust_remote_code", "run Python code that comes with the model"],
  ["auto_map", "name Python code that comes with the model"],
  ["code_revision", "choose which revision of the model's Python code runs"],
  ["chat_template", "run a template of its own"],
  ["custom_generate", "run Python code from the Hub"],
  ["hf_token", "use a Hub token, which does not belong on a command line"],
]);

type KeyRule = (value: unknown) => string | undefined;

/** What is particular to the JSON of one flag. */
interface JsonRule {
  /** First keys that are refused, or refused with some values: what they would do. */
  refuse?: Readonly<Record<string, string | KeyRule>>;
  /** If given, the only first keys that pass. */
  only?: readonly string[];
  /** First keys with a suspicious name or a place as a value that are fine. */
  fine?: readonly string[];
}

function stringRule(rule: (value: string) => string | undefined): KeyRule {
  return (value) => (value === null ? undefined : rule(String(value)));
}

const JSON_RULES: ReadonlyMap<string, JsonRule> = new Map<string, JsonRule>([
  [
    "--compilation-config",
    {
      refuse: {
        backend: (value) =>
          ["", "inductor", "eager"].includes(String(value))
            ? undefined
            : "import a Python object as the compiler, if the name is one",
        inductor_passes: "import Python functions as compiler passes",
        inductor_compile_config: inductorProblem,
        cache_dir: "read and write compiled code in a folder of its choice",
        local_cache_dir: "read and write compiled code in a folder of its choice",
        debug_dump_path: "write files to a folder of its choice",
        traced_files: "name Python files",
        static_forward_context: "set internal state of the compiler",
      },
      fine: ["compile_ranges_endpoints"],
    },
  ],
  [
    "--speculative-config",
    {
      refuse: {
        method: stringRule(draftMethodProblem),
        model: stringRule(draftModelProblem),
        draft_load_config: draftLoadProblem,
      },
      fine: ["model"],
    },
  ],
  [
    "--model-loader-extra-config",
    { only: ["enable_multithread_load", "num_threads", "concurrency", "memory_limit"] },
  ],
  [
    "--additional-config",
    { only: ["gdn_prefill_backend", "kda_prefill_backend", "kda_decode_backend", "kda_prefill_checkpoint"] },
  ],
  ["--lora-modules", { refuse: { path: stringRule(adapterProblem) }, fine: ["path", "base_model_name"] }],
]);

/** Inductor takes compilers, folders and hooks as strings; switches and numbers tune it. */
function inductorProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return "set options of the compiler that cannot be read";
  const bad = Object.entries(value).some(
    ([key, option]) =>
      (typeof option !== "boolean" && typeof option !== "number") || smell(key) !== undefined,
  );
  return bad ? "set options of the compiler that can name programs, folders or Python objects" : undefined;
}

function draftLoadProblem(value: unknown): string | undefined {
  if (!isRecord(value) || Object.keys(value).some((key) => key !== "load_format"))
    return "change how the draft model's weights are loaded";
  const format = value["load_format"];
  return format === undefined ? undefined : loadFormatProblem(String(format));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the flag takes JSON with the keys that the gate knows and nothing else. */
export function takesKnownKeysOnly(flag: string): boolean {
  return JSON_RULES.get(flag)?.only !== undefined;
}

/** The keys that lead to what is refused, and what it would do. */
interface Finding {
  path: readonly string[];
  problem: string;
}

/** The first thing to refuse in a flag's JSON; allowed keys (`--flag.key`) may hold anything. */
export function findInJson(
  flag: string,
  value: object,
  allowed: ReadonlySet<string>,
  path: readonly string[] = [],
): Finding | undefined {
  const isList = Array.isArray(value);
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const here = isList ? path : [...path, key];
    if (!isList && allowed.has([flag, ...here].join("."))) continue;
    const problem = (isList ? undefined : keyProblem(flag, here, inner)) ?? textProblem(flag, here, inner);
    if (problem !== undefined) return { path: here, problem };
    if (typeof inner === "object" && inner !== null) {
      const found = findInJson(flag, inner, allowed, here);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function keyProblem(flag: string, path: readonly string[], value: unknown): string | undefined {
  const key = path[path.length - 1]!;
  const rule = JSON_RULES.get(flag);
  if (path.length === 1) {
    const particular =
      rule?.refuse !== undefined && Object.hasOwn(rule.refuse, key) ? rule.refuse[key] : undefined;
    const problem = typeof particular === "function" ? particular(value) : particular;
    if (problem !== undefined) return problem;
    if (rule?.only !== undefined && !rule.only.includes(key))
      return "set something other than the keys that the gate knows";
  }
  const general = REFUSED_KEYS.get(key.toLowerCase());
  if (general !== undefined) return general;
  if (/attn_implementation$/i.test(key)) return "choose a kernel, which can be code from the Hub";
  if (rule?.fine?.includes(path[0]!) === true) return undefined;
  const word = smell(key);
  return word === undefined
    ? undefined
    : `set a key whose name (${quote(word)}) points at code, files or the network`;
}

function textProblem(flag: string, path: readonly string[], value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (flag === "--default-mm-loras") return adapterProblem(value);
  if (path[0] !== undefined && JSON_RULES.get(flag)?.fine?.includes(path[0]) === true) return undefined;
  return looksLikePlace(value) ? "name a path or an address" : undefined;
}
