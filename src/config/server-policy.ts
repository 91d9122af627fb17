/**
 * What a scenario may ask of the server's command line.
 *
 * A pull request changes vLLM's flags, and the server they start runs on the owner's machine. Some flags make vLLM
 * import Python code, open files, listen to the network or speak to other machines, so a flag is a way in. This module
 * reads an argv the way vLLM's own parser (`FlexibleArgumentParser`, Python's argparse with abbreviations on) reads it
 * and names what it would not start. What it cannot read with certainty it refuses.
 */

import { type FlagArity, VLLM_FLAGS, VLLM_SHORT_FLAGS } from "./vllm-flags.ts";

/** What the base branch's configuration allows beyond the built-in rules. */
export interface ServerPolicy {
  /**
   * Flags by name (`--chat-template`; any spelling of dashes and underscores), or one key of a JSON flag
   * (`--compilation-config.backend`). An allowed flag may have any value.
   */
  allowFlags: readonly string[];
  /** Environment variables by exact name. */
  allowEnv: readonly string[];
  /** Commands, each compared word by word. */
  allowCommands: readonly (readonly string[])[];
}

/** One thing the gate will not start, for people. */
export interface Refusal {
  kind: "flag" | "env" | "command" | "model";
  /** The flag as typed (without its value), the variable, the command or the model. */
  name: string;
  /** One sentence: what it would do. It never holds the value of a variable or a key. */
  reason: string;
  /** One sentence: how the owner of the base branch allows it, or what to do instead. */
  howToAllow: string;
}

/** What {@link checkServer} looks at. */
export interface ServerSpec {
  command: readonly string[];
  model: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/**
 * Every reason not to start this server under this policy; an empty list means that it may be started.
 *
 * Names of flags are compared the way vLLM's parser compares them: `_` is `-`, a value may follow `=`, dotted keys are
 * JSON, `+` makes a list, an unambiguous beginning of a name stands for the name. Flags that neither vLLM 0.22 nor 0.32
 * knows pass, so that vLLM can give its own reason, unless their name or value points at code, files or the network.
 * A few flags belong to the gate (`--host`, `--port`, `--api-key`, …): no policy allows those.
 */
export function checkServer(spec: ServerSpec, policy: ServerPolicy): Refusal[] {
  const refusals = [
    ...checkCommand(spec.command, policy),
    ...checkModel(spec.model),
    ...checkArgs(spec, policy),
    ...checkEnv(spec.env, policy),
  ];
  const seen = new Set<string>();
  return refusals.filter(({ kind, name, reason }) => {
    const key = JSON.stringify([kind, name, reason]);
    return seen.has(key) ? false : seen.add(key);
  });
}

// ---------------------------------------------------------------------------------------------------------------------
// Command and model

const COMMANDS: readonly (readonly string[])[] = [
  ["vllm", "serve"],
  ...["python3", "python"].flatMap((python) => [
    [python, "-m", "vllm.entrypoints.openai.api_server"],
    [python, "-m", "vllm.entrypoints.cli.main", "serve"],
  ]),
];

function checkCommand(command: readonly string[], policy: ServerPolicy): Refusal[] {
  const same = (other: readonly string[]): boolean =>
    other.length === command.length && other.every((word, index) => word === command[index]);
  if (command.length > 0 && [...COMMANDS, ...policy.allowCommands].some(same)) return [];
  return [
    {
      kind: "command",
      name: printable(command.join(" ")),
      reason: "This command is not one of the known ways to start vLLM, so it could run any program.",
      howToAllow: `Add \`policy.allowCommands: [${printable(JSON.stringify(command), 400)}]\` to vllm-gate.yml on the base branch.`,
    },
  ];
}

function checkModel(model: string): Refusal[] {
  const problem = modelProblem(model);
  if (problem === undefined) return [];
  return [
    {
      kind: "model",
      name: printable(model),
      reason: `The model ${problem}.`,
      howToAllow: "Name a repository of the Hub or a folder on the runner; no policy allows this.",
    },
  ];
}

/**
 * A model is a repository or a folder, and a word that argparse cannot take for a flag. An address is refused:
 * `s3://` and its kind make vLLM fetch from a place that the flag names, with the runner's cloud credentials.
 */
function modelProblem(model: string): string | undefined {
  if (model.trim() === "") return "is empty";
  if (model.startsWith("-")) return "begins with a dash, so vLLM would read it as a flag";
  if (hasControl(model)) return "contains a control character";
  if (model.includes("://"))
    return "is an address, so vLLM would fetch it from there with the runner's network and credentials";
  return undefined;
}

// ---------------------------------------------------------------------------------------------------------------------
// Flags: what is refused

/** Flags that the gate sets or relies on itself. */
const OWNED: ReadonlyMap<string, string> = new Map([
  ["--model", "name a second model; the scenario has a key for the model"],
  ["--host", "choose the address to listen on; the gate binds the server to loopback"],
  ["--port", "choose the port; the gate picks a free one"],
  ["--uds", "listen on a socket file instead of the port that the gate measures"],
  ["--api-key", "replace the random key that the gate gives the server"],
  ["--root-path", "move the routes that the gate calls"],
  ["--headless", "start an engine without the HTTP server that the gate measures"],
  ["--grpc", "replace the HTTP server that the gate measures by a gRPC one"],
  ["--omni", "hand the command line to another program, whose flags the gate does not know"],
]);

/** Flags that need the base branch's word, with what each would do. The first line of a group says the group. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  // Load code.
  ["--trust-remote-code", "run Python code that comes with the model"],
  ["--code-revision", "choose which revision of the model's Python code runs"],
  ["--middleware", "import a Python object into the server"],
  ["--tool-parser-plugin", "run a Python file"],
  ["--reasoning-parser-plugin", "run a Python file"],
  ["--io-processor-plugin", "load a plugin"],
  ["--worker-cls", "import a Python class as the worker"],
  ["--worker-extension-cls", "import a Python class into the worker"],
  ["--scheduler-cls", "import a Python class as the scheduler"],
  ["--logits-processors", "import Python classes into the sampler"],
  ["--logits-processor-pattern", "let requests name Python objects to import"],
  ["--model-class-overrides", "import a Python class as the model"],
  ["--kv-transfer-config", "load a KV connector, which may be any Python module, and open ports for it"],
  [
    "--ec-transfer-config",
    "load an encoder-cache connector, which may be any Python module, and open ports for it",
  ],
  ["--ec-manager-config", "import a Python class as the encoder cache manager"],
  ["--ray-workers-use-nsight", "run the workers under a profiler that writes files"],
  // Read or write files.
  ["--config", "read more flags from a file that this check does not see"],
  ["--chat-template", "read a file, or run a template of its own"],
  ["--trust-request-chat-template", "run templates that come with requests"],
  ["--trust-request-mm-kwargs", "let requests set the options of media processors"],
  ["--log-config-file", "read a logging configuration, which can name Python objects to call"],
  ["--logging-config", "change how the server logs, up to a file that can name Python objects to call"],
  ["--download-dir", "write downloads to a folder of its choice"],
  ["--allowed-local-media-path", "let requests read the runner's files"],
  ["--profiler-config", "write profiles to a folder of its choice"],
  ["--mm-encoder-fp8-scale-path", "read a file"],
  ["--mm-encoder-fp8-scale-save-path", "write a file"],
  ["--ssl-keyfile", "read a private key and serve HTTPS, which the gate does not speak"],
  ["--ssl-certfile", "read a certificate and serve HTTPS, which the gate does not speak"],
  ["--ssl-ca-certs", "read certificates"],
  ["--ssl-cert-reqs", "ask clients for certificates, which the gate does not have"],
  ["--ssl-ciphers", "change the encryption of a server that the gate speaks plain HTTP to"],
  ["--enable-ssl-refresh", "watch certificate files"],
  // Listen outward, or reach out.
  ["--grpc-port", "listen on a second port"],
  ["--tool-server", "connect to tool servers, or run code that the model writes"],
  ["--otlp-traces-endpoint", "send traces to another machine"],
  ["--kv-events-config", "publish cache events on a port open to the network"],
  ["--weight-transfer-config", "take new weights from other processes"],
  ["--allowed-media-domains", "choose the hosts from which requests fetch media"],
  ["--hf-token", "use a Hub token, which does not belong on a command line"],
  ["--master-addr", "join the server to other machines"],
  ["--master-port", "listen on a port for other machines"],
  ["--nnodes", "spread the server over several machines"],
  ["--node-rank", "make the server a part of one on several machines"],
  ["--data-parallel-address", "join the server to other machines"],
  ["--data-parallel-rpc-port", "listen on a port for other machines"],
  ["--data-parallel-rank", "make the server a part of one on several machines"],
  ["--data-parallel-start-rank", "make the server a part of one on several machines"],
  ["--data-parallel-size-local", "make the server wait for engines on other machines"],
  ["--data-parallel-external-lb", "make the server a part of one on several machines"],
  ["--data-parallel-hybrid-lb", "make the server a part of one on several machines"],
  ["--data-parallel-multi-port-external-lb", "listen on one more port for each rank"],
  ["--data-parallel-supervisor-port", "listen on one more port"],
  ["--worker-use-ray", "start or join a Ray cluster, which listens on ports of its own"],
  ["--engine-use-ray", "start or join a Ray cluster, which listens on ports of its own"],
]);

/** Words that, in the name of a flag or a JSON key nobody knows, point at code, files or the network. */
const SMELLS: ReadonlySet<string> = new Set(
  `addr address addrs callable class classes cls cmd code command connector dir directory dirs endpoint endpoints exec
   executable file filename files folder hook hooks host hostname hosts import ip listen middleware
   module modules path paths pickle plugin plugins port ports proxy python qualname ray remote script scripts socket
   tensorizer trust uds unsafe uri url urls webhook`
    .trim()
    .split(/\s+/),
);

/** Words in the list above that count wherever they stand in a name. */
const SMELLS_ANYWHERE = /plugin|middleware|qualname|callable|pickle/;

function smell(name: string): string | undefined {
  const lower = name.toLowerCase();
  const words = lower.split(/[^a-z0-9]+/);
  return words.find((word) => SMELLS.has(word)) ?? SMELLS_ANYWHERE.exec(lower)?.[0];
}

/** Words that count even when they are cut short. */
const SMELLS_CUT =
  `address callable connector directory endpoint executable hostname middleware module plugin script`.split(
    " ",
  );

/** As {@link smell}, for a name that may be cut short: `--new-plug` may stand for `--new-plugin`. */
function smellOfFlag(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("-") + 1);
  return smell(name) ?? (last.length < 4 ? undefined : SMELLS_CUT.find((word) => word.startsWith(last)));
}

function looksLikePlace(value: string): boolean {
  return /^\s*(?:[/~\\]|\.\.?(?:[/\\]|$))/.test(value) || /:\/\//.test(value);
}

/** Formats of weights that vLLM reads without unpickling and from nowhere but the model. */
const LOAD_FORMATS: ReadonlySet<string> = new Set(
  `auto hf safetensors fastsafetensors instanttensor dummy mistral gguf bitsandbytes sharded_state runai_streamer
   runai_streamer_sharded`
    .trim()
    .split(/\s+/),
);

function loadFormatProblem(value: string): string | undefined {
  return LOAD_FORMATS.has(value.toLowerCase())
    ? undefined
    : "load weights in a format that is not known to be free of code (pickles, a plugin, another process)";
}

function oneOf(values: readonly string[], otherwise: string): ValueRule {
  return (value) => (values.includes(value) ? undefined : otherwise);
}

/** `model` without `method` makes vLLM import `package.Class`, and so does the method `custom_class`. */
function draftModelProblem(value: string): string | undefined {
  if (/^[^/]+$/.test(value) && /^[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)+$/u.test(value))
    return "import a Python class, because a dotted name without a slash is one to vLLM";
  const problem = modelProblem(value);
  return problem === undefined ? undefined : `load a draft model that ${problem}`;
}

function draftMethodProblem(value: string): string | undefined {
  if (value.toLowerCase() === "custom_class") return "import a Python class as the drafter";
  return /^\[?[\w-]*\]?$/.test(value)
    ? undefined
    : "name something other than a method of speculative decoding";
}

/** A repository of the Hub, or the scenario's own model and what lies below it. */
function siblingProblem(value: string, spec: ServerSpec): string | undefined {
  if (hasControl(value)) return "name a place with a control character";
  if (/(?:^|[/\\])\.\.(?:[/\\]|$)/.test(value)) return "read a folder outside the scenario's model";
  const model = spec.model.replace(/\/+$/, "");
  if (model !== "" && (value === model || value.startsWith(`${model}/`))) return undefined;
  return looksLikePlace(value) ? "read a folder outside the scenario's model" : undefined;
}

function adapterProblem(value: string): string | undefined {
  const problem = modelProblem(value);
  return problem === undefined ? undefined : `load an adapter that ${problem}`;
}

type ValueRule = (value: string, spec: ServerSpec) => string | undefined;

/** Flags that are ordinary with some values and not with others: what a value would do, or nothing. */
const VALUE_RULES: ReadonlyMap<string, ValueRule> = new Map<string, ValueRule>([
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

/** JSON keys refused under every flag. */
const REFUSED_KEYS: ReadonlyMap<string, string> = new Map([
  ["trust_remote_code", "run Python code that comes with the model"],
  ["auto_map", "name Python code that comes with the model"],
  ["code_revision", "choose which revision of the model's Python code runs"],
  ["chat_template", "run a template of its own"],
  ["custom_generate", "run Python code from the Hub"],
  ["hf_token", "use a Hub token, which does not belong on a command line"],
]);

type KeyRule = (value: unknown, path: readonly string[]) => string | undefined;

/** What is particular to the JSON of one flag. */
interface JsonRule {
  /** First keys that are refused, or refused with some values: what they would do. */
  refuse?: Readonly<Record<string, string | KeyRule>>;
  /** If given, the only first keys that pass. */
  only?: readonly string[];
  /** First keys with a suspicious name or a place as a value that are fine. */
  fine?: readonly string[];
}

const stringRule =
  (rule: (value: string) => string | undefined): KeyRule =>
  (value) =>
    value === null ? undefined : rule(String(value));

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
        draft_load_config: (value) => {
          const format = isRecord(value) ? value["load_format"] : undefined;
          return isRecord(value) && Object.keys(value).every((key) => key === "load_format")
            ? format === undefined
              ? undefined
              : loadFormatProblem(String(format))
            : "change how the draft model's weights are loaded";
        },
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

// ---------------------------------------------------------------------------------------------------------------------
// Flags: how they are read

/** Every flag with a name of its own, to close refusals under abbreviation. */
const KNOWN: readonly string[] = [...new Set([...VLLM_FLAGS.keys(), ...REFUSED.keys(), ...OWNED.keys()])];

interface Flag {
  /** As typed, up to the value. */
  typed: string;
  /** Dashes for underscores, lower case, without dotted keys. */
  name: string;
  /** The flags it can stand for; empty if no known one. */
  meanings: readonly string[];
  /** Dotted keys after the name. */
  path: readonly string[];
  /** `--flag.key+`: the value is a list, split at commas. */
  list: boolean;
  /** The value after `=`, or glued to a short flag. */
  attached: string | undefined;
  /** How many values follow; `undefined` if nobody knows. */
  arity: FlagArity | undefined;
}

type Read = { flag: Flag } | { problem: string; typed: string };

/** Argparse takes a negative number for a value, and a lone dash too. */
function isFlagToken(token: string): boolean {
  return token.startsWith("-") && token.length > 1 && !/^-(?:\d+|\d*\.\d+)$/.test(token);
}

/** What a long name can stand for: itself if it is one, else every flag that it begins. */
function meaningsOf(name: string): readonly string[] {
  if (KNOWN.includes(name)) return [name];
  return KNOWN.filter((known) => known.startsWith(name));
}

/** vLLM 0.33 gives every `--enable-x` an inverse `--disable-x`; like a `--no-x` it only turns something off. */
function isInverse(name: string): boolean {
  const enable = name.replace(/^--disable-/, "--enable-");
  return enable !== name && VLLM_FLAGS.get(enable) === "none";
}

function readFlag(token: string): Read {
  return token.startsWith("--") ? readLong(token) : readShort(token);
}

function readLong(token: string): Read {
  const { key, attached } = splitValue(token);
  const { head, path, list } = splitKeys(key);
  const name = head.replaceAll("_", "-").toLowerCase();
  const inverse = isInverse(name);
  const meanings = inverse ? [] : meaningsOf(name);
  const arities = new Set(meanings.map((meaning) => VLLM_FLAGS.get(meaning)));
  const arity = inverse ? "none" : arities.size === 1 ? [...arities][0] : undefined;
  return { flag: { typed: printable(key), name, meanings, path, list, attached, arity } };
}

function readShort(token: string): Read {
  if (token.startsWith("-O")) return readOptimization(token);
  const { key, attached } = splitValue(token);
  const { head, path, list } = splitKeys(key);
  // Argparse completes short flags too: `-c` is `-cc`.
  const exact = VLLM_SHORT_FLAGS.get(head);
  const meanings =
    exact === undefined
      ? [...VLLM_SHORT_FLAGS].filter(([short]) => short.startsWith(head)).map(([, long]) => long)
      : [exact];
  const arities = new Set(meanings.map((meaning) => VLLM_FLAGS.get(meaning)));
  const arity = arities.size === 1 ? [...arities][0] : undefined;
  if (meanings.length > 0) {
    // `-ep=q` is `-ep -q` to argparse: a switch with a glued value can hide any short flag.
    if (attached !== undefined && arity !== "one")
      return { typed: printable(key), problem: "hide another flag behind the equals sign of a short one" };
    return { flag: { typed: printable(key), name: meanings[0]!, meanings, path, list, attached, arity } };
  }
  // A value glued to a flag of one letter: `-qfp8`.
  const letter = token.slice(0, 2);
  const long = VLLM_SHORT_FLAGS.get(letter);
  if (long !== undefined && VLLM_FLAGS.get(long) === "one" && !key.includes("."))
    return {
      flag: {
        typed: letter,
        name: long,
        meanings: [long],
        path: [],
        list: false,
        attached: token.slice(2),
        arity: "one",
      },
    };
  return { typed: printable(key), problem: "set something unknown: no short flag has that name" };
}

/** `-O3` and `-O 3`, and the compilation configuration that `-O` was up to vLLM 0.11: `-O{…}`, `-O.key=value`. */
function readOptimization(token: string): Read {
  const rest = token.slice(2);
  const meanings = ["--compilation-config"];
  const flag = { typed: "-O", name: meanings[0]!, meanings, path: [], list: false, arity: "one" as const };
  if (!rest.startsWith("."))
    return { flag: { ...flag, attached: rest === "" ? undefined : rest.replace(/^=/, "") } };
  const { key, attached } = splitValue(token);
  const { path, list } = splitKeys(key);
  return { flag: { ...flag, typed: printable(key), path, list, attached } };
}

function splitValue(token: string): { key: string; attached: string | undefined } {
  const at = token.indexOf("=");
  return at < 0
    ? { key: token, attached: undefined }
    : { key: token.slice(0, at), attached: token.slice(at + 1) };
}

function splitKeys(key: string): { head: string; path: readonly string[]; list: boolean } {
  const [head = "", ...path] = key.split(".");
  const list = path.length > 0 && key.endsWith("+");
  if (list) path[path.length - 1] = path[path.length - 1]!.slice(0, -1);
  return { head, path, list };
}

function checkArgs(spec: ServerSpec, policy: ServerPolicy): Refusal[] {
  const allowed = new Set(policy.allowFlags.map(normalisePolicyName));
  const refusals: Refusal[] = [];
  const { args } = spec;
  let index = 0;
  const stray = (token: string): void => {
    refusals.push({
      kind: "flag",
      name: printable(token),
      reason: `${quote(token)} belongs to no flag, so vLLM would read it as a second model.`,
      howToAllow: "Remove it, or join it to its flag with `=`; no policy allows it.",
    });
  };
  while (index < args.length) {
    const token = args[index]!;
    index += 1;
    if (token.includes("\0")) {
      refusals.push(problemWith(token, "hold a NUL character, which no command line can"));
      continue;
    }
    if (token === "--") {
      refusals.push(problemWith(token, "turn every flag after it into something else"));
      continue;
    }
    if (!isFlagToken(token)) {
      stray(token);
      continue;
    }
    const following: string[] = [];
    for (let next = index; next < args.length && !isFlagToken(args[next]!); next += 1)
      following.push(args[next]!);
    const read = readFlag(token);
    if ("problem" in read) {
      refusals.push(problemWith(read.typed, read.problem));
      index += following.length;
      continue;
    }
    const { flag } = read;
    const taken = valuesTaken(flag, following);
    const values = [...(flag.attached === undefined ? [] : [flag.attached]), ...following.slice(0, taken)];
    // After a dotted key vLLM takes the next word as the value even if it is a flag, and moves both to the end: in
    // `--a --b.key --seed x` the word `x` becomes the value of `--a`.
    if (flag.path.length > 0 && values.length === 0)
      refusals.push(problemWith(flag.typed, "take the next flag for its value"));
    index += following.length;
    refusals.push(...checkFlag(flag, values, spec, allowed));
    for (const extra of following.slice(taken)) stray(extra);
  }
  return refusals;
}

function valuesTaken(flag: Flag, following: readonly string[]): number {
  if (flag.path.length > 0) return flag.attached === undefined ? Math.min(1, following.length) : 0;
  if (flag.attached !== undefined) return flag.arity === undefined ? following.length : 0;
  switch (flag.arity) {
    case "none":
      return 0;
    case "one":
    case "optional":
      return Math.min(1, following.length);
    case "many":
    case undefined:
      return following.length;
  }
}

function checkFlag(
  flag: Flag,
  values: readonly string[],
  spec: ServerSpec,
  allowed: ReadonlySet<string>,
): Refusal[] {
  const owned = flag.meanings.find((meaning) => OWNED.has(meaning));
  if (owned !== undefined)
    return [
      {
        kind: "flag",
        name: flag.typed,
        reason: sentence(flag, owned, OWNED.get(owned)!),
        howToAllow: "Remove it; no policy allows it.",
      },
    ];
  if (flag.meanings.length === 0) return checkUnknown(flag, values, spec, allowed);
  const refusals: Refusal[] = [];
  for (const meaning of flag.meanings) {
    if (allowed.has(meaning)) continue;
    const refused = REFUSED.get(meaning);
    if (refused !== undefined) refusals.push(refuse(flag, meaning, refused));
    else refusals.push(...checkValues(flag, meaning, values, spec, allowed));
    if (refusals.length > 0) break;
  }
  return refusals;
}

function checkUnknown(
  flag: Flag,
  values: readonly string[],
  spec: ServerSpec,
  allowed: ReadonlySet<string>,
): Refusal[] {
  if (allowed.has(flag.name) || isInverse(flag.name)) return [];
  const word = smellOfFlag(flag.name);
  if (word !== undefined)
    return [
      {
        kind: "flag",
        name: flag.typed,
        reason: `${flag.typed} is not a flag that the gate knows, and ${quote(word)} in its name points at code, files or the network.`,
        howToAllow: allowFlag(flag.name),
      },
    ];
  if (values.some(looksLikePlace))
    return [refuse(flag, flag.name, "read from a path or an address (the gate does not know this flag)")];
  return checkValues(flag, flag.name, values, spec, allowed);
}

function checkValues(
  flag: Flag,
  meaning: string,
  values: readonly string[],
  spec: ServerSpec,
  allowed: ReadonlySet<string>,
): Refusal[] {
  const rule = VALUE_RULES.get(meaning);
  for (const value of values) {
    const read = readJson(value);
    const nested = nest(flag, read, value);
    const plain = flag.path.length > 0 ? JSON.stringify(nested) : value;
    const problem = rule?.(plain, spec);
    if (problem !== undefined) return [refuse(flag, meaning, problem)];
    if (typeof nested === "object" && nested !== null) {
      if (read.kind === "json" && read.repeats)
        return [
          refuse(flag, meaning, "set a JSON key twice, and programs differ in which of the two they take"),
        ];
      const found = walk(flag, meaning, nested, [], allowed);
      if (found !== undefined) return [found];
    } else if (read.kind === "unreadable") {
      return [refuse(flag, meaning, "set JSON that the gate cannot read, so it cannot see what it sets")];
    } else if (JSON_RULES.get(meaning)?.only !== undefined) {
      return [refuse(flag, meaning, "set something other than the keys that the gate knows")];
    } else if (
      rule === undefined &&
      /-(?:config|kwargs|overrides|loras)$/.test(meaning) &&
      looksLikePlace(value)
    ) {
      return [refuse(flag, meaning, "read from a path or an address")];
    }
  }
  return [];
}

/** The value of `--flag.a.b` as the object that vLLM makes of it. */
function nest(flag: Flag, read: ReadJson, value: string): unknown {
  const inner = flag.list ? value.split(",") : read.kind === "json" ? read.value : value;
  let nested: unknown = inner;
  for (const key of flag.path.toReversed()) nested = Object.fromEntries([[key, nested]]);
  return nested;
}

function walk(
  flag: Flag,
  meaning: string,
  value: object,
  path: readonly string[],
  allowed: ReadonlySet<string>,
): Refusal | undefined {
  for (const [key, inner] of Array.isArray(value)
    ? value.map((item: unknown): [undefined, unknown] => [undefined, item])
    : Object.entries(value).map(([name, item]): [string, unknown] => [name, item])) {
    const here = key === undefined ? path : [...path, key];
    const name = [meaning, ...here].join(".");
    if (key !== undefined && allowed.has(name)) continue;
    const problem =
      (key === undefined ? undefined : keyProblem(meaning, here, inner)) ?? textProblem(meaning, here, inner);
    if (problem !== undefined)
      return {
        kind: "flag",
        name: printable(flag.path.length > 0 ? flag.typed : [flag.typed, ...here].join(".")),
        reason: `${printable(name)} would ${problem}.`,
        howToAllow: allowFlag(name),
      };
    if (typeof inner === "object" && inner !== null) {
      const found = walk(flag, meaning, inner, here, allowed);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function keyProblem(meaning: string, path: readonly string[], value: unknown): string | undefined {
  const key = path[path.length - 1]!;
  const rule = JSON_RULES.get(meaning);
  if (path.length === 1) {
    const particular =
      rule?.refuse !== undefined && Object.hasOwn(rule.refuse, key) ? rule.refuse[key] : undefined;
    const problem = typeof particular === "function" ? particular(value, path) : particular;
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

function textProblem(meaning: string, path: readonly string[], value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (meaning === "--default-mm-loras") return adapterProblem(value);
  if (path[0] !== undefined && JSON_RULES.get(meaning)?.fine?.includes(path[0]) === true) return undefined;
  return looksLikePlace(value) ? "name a path or an address" : undefined;
}

type ReadJson =
  | { kind: "text" }
  | { kind: "unreadable" }
  | { kind: "json"; value: unknown; repeats: boolean };

const STRINGS = /("(?:[^"\\]|\\.)*")/s;

/** Reads a value as vLLM does: JSON with `80g` and the like for numbers, or else plain text. */
function readJson(value: string): ReadJson {
  for (const text of [value, expandNumbers(value)]) {
    try {
      const parsed: unknown = JSON.parse(text);
      return { kind: "json", value: parsed, repeats: countKeys(parsed) !== writtenKeys(text) };
    } catch {
      // Not JSON in this form.
    }
  }
  return /^\s*[{[]/.test(value) ? { kind: "unreadable" } : { kind: "text" };
}

function expandNumbers(value: string): string {
  return value
    .split(STRINGS)
    .map((part, index) =>
      index % 2 === 1
        ? part
        : part.replace(/\b(\d+(?:\.\d+)?)[kKmMgGtT]\b/g, "$1").replace(/-?\bInfinity\b|\bNaN\b/g, "null"),
    )
    .join("");
}

function writtenKeys(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"\s*:/gs)].length;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, inner) => sum + countKeys(inner), own);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// ---------------------------------------------------------------------------------------------------------------------
// Flags: how a refusal reads

function normalisePolicyName(entry: string): string {
  const [head = "", ...path] = entry.trim().split(".");
  const dashed = head.startsWith("-") ? head : `--${head}`;
  const name = dashed.startsWith("--") ? dashed.replaceAll("_", "-").toLowerCase() : dashed;
  return [VLLM_SHORT_FLAGS.get(name) ?? name, ...path].join(".");
}

function sentence(flag: Flag, meaning: string, action: string): string {
  const stands = flag.name === meaning && flag.typed.startsWith("--");
  return stands
    ? `${flag.typed} would ${action}.`
    : `${flag.typed} can stand for ${meaning}, which would ${action}.`;
}

function refuse(flag: Flag, meaning: string, action: string): Refusal {
  return {
    kind: "flag",
    name: flag.typed,
    reason: sentence(flag, meaning, action),
    howToAllow: allowFlag(meaning),
  };
}

function problemWith(token: string, action: string): Refusal {
  return {
    kind: "flag",
    name: printable(token),
    reason: `${printable(token)} would ${action}.`,
    howToAllow:
      "Remove it, or write the flags out in full, with two dashes and their values after `=`; no policy allows it.",
  };
}

function allowFlag(name: string): string {
  return `Add \`policy.allowFlags: [${printable(name)}]\` to vllm-gate.yml on the base branch.`;
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

/** Text from a pull request, short and without control characters. */
function printable(text: string, length = 120): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\uFFFD");
  return clean.length > length ? `${clean.slice(0, length)}…` : clean;
}

function quote(text: string): string {
  return `"${printable(text)}"`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Environment

/** Variables that only tune, each looked up in the documentation or the source of what reads it. */
const ENV: ReadonlySet<string> = new Set(
  `CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_DEVICE_MAX_CONNECTIONS CUDA_LAUNCH_BLOCKING CUDA_MODULE_LOADING
   HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES NVIDIA_TF32_OVERRIDE
   OMP_NUM_THREADS OMP_PROC_BIND OMP_PLACES OMP_DYNAMIC KMP_AFFINITY KMP_BLOCKTIME MKL_NUM_THREADS
   OPENBLAS_NUM_THREADS MALLOC_ARENA_MAX
   HF_HUB_OFFLINE TRANSFORMERS_OFFLINE HF_DATASETS_OFFLINE HF_HUB_DISABLE_TELEMETRY HF_HUB_DISABLE_PROGRESS_BARS
   HF_HUB_ENABLE_HF_TRANSFER HF_HUB_DISABLE_XET TOKENIZERS_PARALLELISM TRANSFORMERS_VERBOSITY
   PYTORCH_ALLOC_CONF PYTORCH_CUDA_ALLOC_CONF PYTORCH_HIP_ALLOC_CONF TORCH_COMPILE_DISABLE TORCHDYNAMO_DISABLE
   TORCHINDUCTOR_MAX_AUTOTUNE TORCHINDUCTOR_COORDINATE_DESCENT_TUNING TORCHINDUCTOR_COMPILE_THREADS
   TORCH_NCCL_AVOID_RECORD_STREAMS TORCH_NCCL_ASYNC_ERROR_HANDLING
   PYTHONHASHSEED PYTHONUNBUFFERED NO_COLOR DO_NOT_TRACK
   NCCL_ALGO NCCL_BUFFSIZE NCCL_CUMEM_ENABLE NCCL_CUMEM_HOST_ENABLE NCCL_DEBUG NCCL_IB_DISABLE NCCL_LAUNCH_MODE
   NCCL_MAX_CTAS NCCL_MAX_NCHANNELS NCCL_MIN_CTAS NCCL_MIN_NCHANNELS NCCL_NTHREADS NCCL_NVLS_ENABLE NCCL_P2P_DISABLE
   NCCL_P2P_LEVEL NCCL_PROTO NCCL_SHM_DISABLE
   VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE VLLM_ALLOW_LONG_MAX_MODEL_LEN VLLM_ATTENTION_BACKEND
   VLLM_BATCH_INVARIANT VLLM_BLOCKSCALE_FP8_GEMM_FLASHINFER VLLM_COMPUTE_NANS_IN_LOGITS VLLM_DBO_COMM_SMS
   VLLM_DEEP_GEMM_WARMUP VLLM_DISABLED_KERNELS VLLM_DISABLE_COMPILE_CACHE VLLM_DISABLE_LOG_LOGO VLLM_DISABLE_PYNCCL
   VLLM_DISABLE_SHARED_EXPERTS_STREAM VLLM_DO_NOT_TRACK VLLM_ENABLE_CUDAGRAPH_GC
   VLLM_ENABLE_FLA_PACKED_RECURRENT_DECODE VLLM_ENABLE_INDUCTOR_COORDINATE_DESCENT_TUNING
   VLLM_ENABLE_INDUCTOR_MAX_AUTOTUNE VLLM_ENABLE_PREGRAD_PASSES VLLM_ENABLE_V1_MULTIPROCESSING
   VLLM_ENGINE_ITERATION_TIMEOUT_S VLLM_ENGINE_READY_TIMEOUT_S VLLM_EXECUTE_MODEL_TIMEOUT_SECONDS
   VLLM_FASTSAFETENSORS_QUEUE_SIZE VLLM_FLASH_ATTN_VERSION VLLM_FLOAT32_MATMUL_PRECISION VLLM_GDN_DECODE_KERNEL
   VLLM_HTTP_TIMEOUT_KEEP_ALIVE VLLM_KV_CACHE_LAYOUT VLLM_LOGGING_COLOR VLLM_LOGGING_LEVEL
   VLLM_LOG_BATCHSIZE_INTERVAL VLLM_LOG_STATS_INTERVAL VLLM_LORA_DISABLE_PDL VLLM_LORA_ENABLE_DUAL_STREAM
   VLLM_MAX_TOKENS_PER_EXPERT_FP4_MOE VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS VLLM_MLA_DISABLE
   VLLM_MOE_SKIP_PADDING VLLM_MOE_USE_DEEP_GEMM VLLM_MQ_MAX_CHUNK_BYTES_MB VLLM_MSGPACK_ZERO_COPY_THRESHOLD
   VLLM_MULTI_STREAM_GEMM_TOKEN_THRESHOLD VLLM_NO_USAGE_STATS VLLM_PP_LAYER_PARTITION VLLM_REPLICATE_EMBED
   VLLM_RINGBUFFER_WARNING_INTERVAL VLLM_RPC_TIMEOUT VLLM_SHARED_EXPERTS_STREAM_TOKEN_THRESHOLD VLLM_SKIP_P2P_CHECK
   VLLM_SPARSE_INDEXER_MAX_LOGITS_MB VLLM_SSM_CONV_STATE_LAYOUT VLLM_TRITON_FORCE_FIRST_CONFIG
   VLLM_TRITON_JIT_WARMUP_NUM_THREADS VLLM_TRITON_USE_TD VLLM_USE_AOT_COMPILE VLLM_USE_BREAKABLE_CUDAGRAPH
   VLLM_USE_BYTECODE_HOOK VLLM_USE_FUSED_MOE_GROUPED_TOPK VLLM_USE_HW_AGNOSTIC VLLM_USE_MEGA_AOT_ARTIFACT
   VLLM_USE_NCCL_SYMM_MEM VLLM_USE_OINK_OPS VLLM_USE_STANDALONE_COMPILE VLLM_USE_V1 VLLM_USE_V2_MODEL_RUNNER
   VLLM_V1_OUTPUT_PROC_CHUNK_SIZE VLLM_WEIGHT_OFFLOADING_DISABLE_PIN_MEMORY VLLM_WEIGHT_OFFLOADING_DISABLE_UVA
   VLLM_WORKER_MULTIPROC_METHOD VLLM_XGRAMMAR_CACHE_MB VLLM_ZENTORCH_WEIGHT_PREPACK`
    .trim()
    .split(/\s+/),
);

/** Families of switches for one kind of hardware or kernel; a name or value with a place in it does not pass. */
const ENV_FAMILIES =
  /^VLLM_(?:CPU|ROCM|XPU|ALLREDUCE|DEEPEP|MARLIN|USE_FLASHINFER|FLASHINFER|USE_DEEP_GEMM|USE_TRITON|USE_DIRECT_DCP)_[A-Z0-9_]+$|^VLLM_USE_DEEP_GEMM$/;

/** Settings of the built-in simulator, which vLLM does not read. */
const ENV_SIMULATOR = /^VLLM_SIM_[A-Z0-9_]+$/;

const ENV_REASONS: readonly (readonly [RegExp, string])[] = [
  [/^(?:LD|DYLD)_/, "make the system load other libraries into the server"],
  [/^(?:PYTHON|VIRTUAL_ENV|CONDA)/, "change which Python code runs"],
  [
    /^(?:PATH|HOME|SHELL|BASH_ENV|ENV|IFS|USER|TMPDIR|TEMP|TMP)$/,
    "change which programs and files the server finds",
  ],
  [/^XDG_/, "change which files the server finds"],
  [/^VLLM_PLUGINS$/, "choose the plugins that vLLM loads"],
  [/^VLLM_(?:LOGGING_CONFIG_PATH|LOGGING_STREAM)$/, "configure logging with Python objects of its choice"],
  [/^VLLM_(?:CONFIGURE_LOGGING|LOGGING_PREFIX)$/, "change the log, which the gate reads"],
  [/^VLLM_ALLOW_INSECURE_SERIALIZATION$/, "let vLLM unpickle what other processes send"],
  [/^VLLM_ALLOW_RUNTIME_LORA_UPDATING$/, "let requests load adapters from any path"],
  [/^VLLM_SERVER_DEV_MODE$/, "open routes that control the server"],
  [/^(?:VLLM_API_KEY|VLLM_PORT|VLLM_HOST_IP|VLLM_LOOPBACK_IP)$/, "take over what the gate sets itself"],
  [/^VLLM_USE_(?:RUST_FRONTEND|RUST_BENCH)$/, "run another program in place of the server"],
  [/^VLLM_USE_MODELSCOPE$/, "fetch models from another place"],
  [/^NCCL_(?:NET|TUNER|PROFILER|ENV|GIN)/, "make NCCL load a plugin"],
  [/_PLUGINS?(?:_|$)/, "load a plugin"],
  [
    /(?:TOKEN|SECRET|PASSWORD|CREDENTIALS?|API_KEY|ACCESS_KEY(?:_ID)?)$/,
    "hold a secret, which does not belong in a scenario",
  ],
  [
    /(?:PROXY|proxy|_ENDPOINT|_URL|_SERVER|_HOST|_ADDR|_ADDRESS|_IP|_IFNAME|_PORT)$/,
    "send traffic to a place of its choice",
  ],
  [/(?:PATH|_DIR|_FILE|_FOLDER|_ROOT|_HOME|_CACHE|_PREFIX)$/, "point at files or folders of its choice"],
];

function checkEnv(env: Readonly<Record<string, string>>, policy: ServerPolicy): Refusal[] {
  const refusals: Refusal[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || name.includes("=") || hasControl(name) || value.includes("\0")) {
      refusals.push({
        kind: "env",
        name: printable(name),
        reason: `${quote(name)} is not a variable that a process can have.`,
        howToAllow: "Remove it; no policy allows it.",
      });
    } else if (!policy.allowEnv.includes(name) && !isHarmlessEnv(name, value)) {
      const action = ENV_REASONS.find(([pattern]) => pattern.test(name))?.[1];
      refusals.push({
        kind: "env",
        name: printable(name),
        reason:
          action === undefined
            ? `${printable(name)} is not in the list of variables that are known to only tune the server.`
            : `${printable(name)} would ${action}.`,
        howToAllow: `Add \`policy.allowEnv: [${printable(name)}]\` to vllm-gate.yml on the base branch.`,
      });
    }
  }
  return refusals;
}

function isHarmlessEnv(name: string, value: string): boolean {
  if (ENV_SIMULATOR.test(name)) return true;
  if (ENV.has(name)) return !hasControl(value) && !looksLikePlace(value);
  return ENV_FAMILIES.test(name) && smell(name) === undefined && /^[\w.,:+| -]*$/.test(value);
}
