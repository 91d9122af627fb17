import { type LogFacts, logFactsSchema } from "../domain/log-facts.ts";

/** Releases whose log lines the table below was checked against, as a person would name them. */
const COVERED_VERSIONS = "0.6 to 0.33";

/** A log is untrusted input: nothing is matched beyond this many characters of a line. */
const MAX_LINE_CHARS = 16 * 1024;

/** Progress bars redraw themselves with `\r`, so one line of a file may be many on a screen, but not endlessly. */
const MAX_RAW_LINE_CHARS = 1024 * 1024;

type FactName = keyof LogFacts;
type FactValue = string | number | boolean;

/**
 * What becomes of several matches of one pattern. Ranks repeat a line, each with its own number.
 *
 * `sum` adds what one process says and takes the slowest process: a rank compiles its models one after the
 * other, the ranks compile side by side.
 */
type Combine = "first" | "last" | "max" | "min" | "sum";

/**
 * One line of the log. Every regular expression starts at a literal and repeats only with a bound, so that it
 * takes linear time on any input; each is searched for anywhere in the line, because prefixes differ by release,
 * by process and by who collected the log.
 */
interface LogPattern {
  /** The facts that the capture groups hold, in their order. */
  readonly facts: readonly FactName[];
  readonly regex: RegExp;
  /**
   * First and last release seen to print the line; none where it is all of them. They explain a missing fact and
   * do not switch the pattern off: they are known between sampled releases only, and forks number otherwise.
   */
  readonly since?: string;
  readonly until?: string;
  readonly combine: Combine;
  /** From the captured text to the value; null refuses it. A number unless told. */
  readonly convert?: (captured: string) => FactValue | null;
  /** True when the line may come after `Application startup complete`. */
  readonly afterStart?: true;
}

const DECIMAL = String.raw`-?\d{1,15}(?:\.\d{1,12})?`;
const COUNT = String.raw`\d[\d,]{0,23}`;
const VERSION = String.raw`\d[\w.+!-]{0,63}`;

/** Builds a pattern from a template in which `<n>` is a decimal, `<c>` a count with commas, `<v>` a version. */
function line(template: string): RegExp {
  const source = template
    .replaceAll("<n>", `(${DECIMAL})`)
    .replaceAll("<c>", `(${COUNT})`)
    .replaceAll("<v>", `(${VERSION})`);
  return new RegExp(source);
}

const asText = (captured: string): string => captured;
const isEnabled = (captured: string): boolean => captured === "enabled";
const yes = (): boolean => true;
const no = (): boolean => false;

const asArguments = (captured: string): string => redactSecrets(captured.trimEnd());

/** `AttentionBackendEnum.FLASH_ATTN` (0.12 and 0.13) is `FLASH_ATTN`. */
const asBackend = (captured: string): string => captured.replace(/^AttentionBackendEnum\./, "").trim();

/**
 * The lines that carry facts. Where several patterns give one fact, the first in this order that matched wins.
 * Paths are vLLM's own, of the release in the remark.
 */
const PATTERNS: readonly LogPattern[] = [
  // entrypoints/openai/api_server.py (to 0.14); entrypoints/serve/utils/api_utils.py (0.33) without the logo.
  {
    facts: ["vllmVersion"],
    regex: line("vLLM (?:API )?server version <v>"),
    combine: "first",
    convert: asText,
  },
  // The logo of 0.15 and later ends in block characters before the version.
  { facts: ["vllmVersion"], regex: line("[█▀▄] {1,4}version <v>"), combine: "first", convert: asText },
  // v1/engine/core.py; engine/llm_engine.py while there was a V0.
  {
    facts: ["vllmVersion"],
    regex: line(String.raw`Initializing an? (?:V\d )?LLM engine \(v<v>\)`),
    combine: "first",
    convert: asText,
  },

  // A Python dict since 0.9, a Namespace before. Redacted by vLLM itself only since 0.30.
  { facts: ["loggedArgs"], regex: /non-default args: (\{.*)/, combine: "first", convert: asArguments },
  {
    facts: ["loggedArgs"],
    regex: /\bargs: (Namespace\(.*)/,
    until: "0.8",
    combine: "first",
    convert: asArguments,
  },

  // model_executor/model_loader/default_loader.py
  { facts: ["weightsS"], regex: line("Loading weights took <n> seconds"), since: "0.8", combine: "max" },
  // v1/worker/gpu_model_runner.py. The word "memory" came with 0.12; 0.8 wrote GB in its first releases.
  {
    facts: ["modelMemoryGib", "modelLoadS"],
    regex: line("Model loading took <n> Gi?B(?: memory)? and <n> seconds"),
    since: "0.8",
    combine: "max",
  },
  // worker/model_runner.py: says GB and divides by 2**30.
  {
    facts: ["modelMemoryGib"],
    regex: line("Loading model weights took <n> GB"),
    until: "0.7",
    combine: "max",
  },

  // compilation/monitor.py. Up to 0.16 the number is the process's total so far, printed again when it grows ...
  {
    facts: ["compileS"],
    regex: line(String.raw`torch\.compile takes <n> s in total`),
    until: "0.17",
    combine: "max",
  },
  // ... later it is one model's (backbone, draft, encoder block), so the lines of one process add up.
  {
    facts: ["compileS"],
    regex: line(
      String.raw`torch\.compile (?:and initial profiling/warmup run together )?took <n> s in total`,
    ),
    since: "0.17",
    combine: "sum",
  },
  // The engine's own total, for logs whose worker lines were filtered out.
  {
    facts: ["compileS"],
    regex: line(
      String.raw`init engine \(profile, create kv cache, warmup model\) took ${DECIMAL} s \(compilation: <n> s`,
    ),
    since: "0.20",
    combine: "max",
  },

  // compilation/backends.py, compilation/decorators.py. One graph compiled makes the start a cold one, whatever
  // else came from the cache; a graph that was loaded makes it warm even if its wrapper had to be saved anew.
  {
    facts: ["compileCached"],
    regex: /(Compiling a graph for|Compiling model again due to a load failure)/,
    combine: "first",
    convert: no,
  },
  {
    facts: ["compileCached"],
    regex: /(Directly load (?:AOT compilation|the compiled graph|the \d{1,6}-th graph))/,
    combine: "first",
    convert: yes,
  },
  {
    facts: ["compileCached"],
    regex: /(saved AOT compiled function|torch\.compile (?:takes|took|and initial profiling))/,
    combine: "first",
    convert: no,
  },

  // compilation/monitor.py, once for each compiled model.
  {
    facts: ["profileS"],
    regex: line("Initial profiling/warmup run took <n> s"),
    since: "0.18",
    combine: "sum",
  },

  // v1/worker/gpu_model_runner.py, worker/model_runner.py. Whole seconds. Memory may be negative when another
  // process frees some meanwhile; releases before 0.6.4 do not name it.
  {
    facts: ["graphsS", "graphsGib"],
    regex: line("Graph capturing finished in <n> secs(?:, took <n> GiB)?"),
    combine: "max",
  },
  // v1/worker/gpu_model_runner.py
  {
    facts: ["graphsEstimatedGib"],
    regex: line("Estimated CUDA graph memory: <n> GiB total"),
    combine: "max",
  },

  // v1/worker/gpu_worker.py. The smallest rank bounds them all.
  {
    facts: ["kvAvailableGib"],
    regex: line("Available KV cache memory: <n> GiB"),
    since: "0.9",
    combine: "min",
  },
  // Printed in its place with --kv-cache-memory-bytes, which skips profiling.
  {
    facts: ["kvAvailableGib"],
    regex: line("reserved <n> GiB memory for KV Cache as specified by kv_cache_memory_bytes"),
    since: "0.10",
    combine: "min",
  },
  // worker/worker.py of V0.
  {
    facts: ["kvAvailableGib"],
    regex: line("rest of the memory reserved for KV Cache is <n>GiB"),
    until: "0.10",
    combine: "min",
  },

  // v1/core/kv_cache_utils.py. `GPU`; the device's name, perhaps with ` + host`, since 0.30.
  { facts: ["kvCapacityTokens"], regex: line("KV cache size: <c> tokens"), since: "0.8", combine: "min" },
  // executor/gpu_executor.py, executor/executor_base.py of V0; the second count on the line is swap space.
  { facts: ["kvBlocks"], regex: line(String.raw`# \w{1,16} blocks: <c>`), until: "0.10", combine: "min" },
  // On the line of the KV cache size since 0.28. V0 wrote no thousands commas.
  {
    facts: ["maxConcurrencyTokens", "maxConcurrency"],
    regex: line("Maximum concurrency for <c> tokens per request: <n>x"),
    combine: "min",
  },

  // v1/engine/core.py. Neither the start of the processes nor reading the weights is in it.
  {
    facts: ["engineInitS"],
    regex: line(String.raw`init engine \(profile, create kv cache, warmup model\) took <n> s`),
    combine: "max",
  },

  // platforms/cuda.py since 0.12.
  {
    facts: ["attentionBackend"],
    regex: /Using ([\w.]{1,64}) attention backend out of potential backends/,
    since: "0.12",
    combine: "first",
    convert: asBackend,
  },
  // Before 0.12, where the user chose, and on ROCm and XPU. MoE, Mamba, all-reduce and vision layers print much
  // the same sentence: only these files speak of the attention of the language model.
  {
    facts: ["attentionBackend"],
    regex:
      /(?:cuda|rocm|xpu|cpu|selector)\.py:\d{1,6}\] Using ([\w. ]{1,40}?) (?:attention )?backend(?:\.| out of | on (?:V\d|XPU)| \(|$)/,
    combine: "first",
    convert: asBackend,
  },

  // config/vllm.py. The API server says it before the engine, whose word counts.
  {
    facts: ["asyncScheduling"],
    regex: /Asynchronous scheduling is (enabled|disabled)/,
    since: "0.14",
    until: "0.24",
    combine: "last",
    convert: isEnabled,
  },

  // entrypoints/openai/api_server.py; entrypoints/launchers (0.32).
  {
    facts: ["listeningOn"],
    regex: /Starting vLLM (?:API )?server(?: \d{1,4})? on (\S{1,256})/,
    combine: "first",
    convert: asText,
    afterStart: true,
  },
  // uvicorn's own, where vLLM prints none.
  {
    facts: ["listeningOn"],
    regex: /Uvicorn running on (https?:\/\/\S{1,256})/,
    combine: "first",
    convert: asText,
    afterStart: true,
  },
];

/** Circumstances in which facts are missing for a good reason, and how the log shows them. */
const CIRCUMSTANCES = {
  eager: /enforce_eager['"]?(?:=|: )True|Cudagraph is disabled under eager mode|Enforce eager set/,
  dummyWeights: /load_format['"]?(?:=|: )['"]?(?:LoadFormat\.DUMMY|dummy)/,
  cpu: /device_config=cpu\b|CPU KV cache size:|\bcpu_worker\.py:\d/,
} as const;
type Circumstance = keyof typeof CIRCUMSTANCES;

interface ExpectedAbsence {
  readonly facts: readonly FactName[];
  readonly when: Circumstance;
  readonly because: string;
}

const EXPECTED_ABSENCES: readonly ExpectedAbsence[] = [
  { facts: ["weightsS"], when: "dummyWeights", because: "--load-format dummy reads no weights" },
  {
    facts: ["graphsS", "graphsGib", "graphsEstimatedGib"],
    when: "eager",
    because: "--enforce-eager captures no graphs",
  },
  {
    facts: ["compileS", "compileCached", "profileS"],
    when: "eager",
    because: "--enforce-eager compiles nothing",
  },
  {
    facts: ["kvAvailableGib"],
    when: "cpu",
    because: "the CPU backend prints no KV memory",
  },
  {
    // `Initializing model took` stands in its place, but leaves the weights out.
    facts: ["modelLoadS", "modelMemoryGib"],
    when: "cpu",
    because: "the CPU backend prints no model loading line",
  },
  {
    facts: ["graphsS", "graphsGib", "graphsEstimatedGib"],
    when: "cpu",
    because: "the CPU backend captures no graphs",
  },
  { facts: ["compileS"], when: "cpu", because: "the CPU backend prints no compilation total" },
  { facts: ["attentionBackend"], when: "cpu", because: "the CPU backend has one attention backend" },
];

/** A request's prompt may hold anything, such as a line of another server's log. */
const REQUEST_LINE = /Received request |Request \S{1,256} details:|Generated response /;

const STARTED = /Application startup complete/;

/** A fact that the log did not give, and why as far as is known. */
export interface UnknownFact {
  fact: keyof LogFacts;
  reason: string;
  /** True when this version, backend or these flags never print it. */
  readonly expected: boolean;
}

/** Reads a server's log line by line; see {@link createLogReader}. */
export interface LogReader {
  /** Takes the next line of the log. A chunk with line ends inside is taken as several. */
  push(line: string): void;
  /** The facts so far. Seconds, GiB and counts, as `LogFacts` names them. */
  facts(): LogFacts;
  /** Each fact that is null so far, with the reason. */
  unknownFacts(): UnknownFact[];
}

/**
 * A reader of vLLM's start-up log, stdout and stderr together.
 *
 * Lines are recognised in the formats of vLLM 0.6 to 0.33, with or without process prefixes, colours, progress
 * bars and `--logging-config.formatter json`. Facts are those of the start: nothing after
 * `Application startup complete` changes them, since requests are logged from there on.
 */
export function createLogReader(): LogReader {
  const matches = PATTERNS.map((pattern) => pattern.facts.map(() => createAccumulator(pattern.combine)));
  const circumstances = new Set<Circumstance>();
  let started = false;

  function readSegment(segment: string, process: string): void {
    if (REQUEST_LINE.test(segment)) return;
    if (!started) noteCircumstances(segment, circumstances);
    PATTERNS.forEach((pattern, index) => {
      if (started && pattern.afterStart !== true) return;
      const captured = pattern.regex.exec(segment);
      if (captured === null) return;
      matches[index]?.forEach((accumulator, group) => {
        const value = convert(pattern, captured[group + 1]);
        if (value !== null) accumulator.add(process, value);
      });
    });
    started ||= STARTED.test(segment);
  }

  function facts(): LogFacts {
    const values: Partial<Record<FactName, FactValue>> = {};
    PATTERNS.forEach((pattern, index) => {
      pattern.facts.forEach((fact, group) => {
        const value = matches[index]?.[group]?.value();
        if (value !== undefined) values[fact] ??= value;
      });
    });
    return logFactsSchema.parse(Object.fromEntries(FACT_NAMES.map((fact) => [fact, values[fact] ?? null])));
  }

  return {
    push(line) {
      let process = "";
      for (const segment of expandLine(line)) {
        // Text after a progress bar has lost the prefix of its line.
        process = splitRecord(segment).process || process;
        readSegment(segment, process);
      }
    },
    facts,
    unknownFacts() {
      const known = facts();
      return FACT_NAMES.filter((fact) => known[fact] === null).map((fact) => ({
        fact,
        ...explainAbsence(fact, known, circumstances),
      }));
    },
  };
}

/** The facts of a whole log; see {@link createLogReader}. */
export function parseLog(text: string): LogFacts {
  const reader = createLogReader();
  for (const line of text.split("\n")) reader.push(line);
  return reader.facts();
}

const FACT_NAMES = Object.keys(logFactsSchema.shape) as FactName[];

function noteCircumstances(segment: string, found: Set<Circumstance>): void {
  for (const [name, regex] of Object.entries(CIRCUMSTANCES)) {
    if (regex.test(segment)) found.add(name as Circumstance);
  }
}

function convert(pattern: LogPattern, captured: string | undefined): FactValue | null {
  if (captured === undefined) return null;
  return (pattern.convert ?? toNumber)(captured);
}

function toNumber(captured: string): number | null {
  const value = Number(captured.replaceAll(",", ""));
  return Number.isFinite(value) ? value : null;
}

interface Accumulator {
  add(process: string, value: FactValue): void;
  value(): FactValue | undefined;
}

const FOLDS: Record<Combine, (previous: FactValue, next: FactValue) => FactValue> = {
  first: (previous) => previous,
  last: (_previous, next) => next,
  max: (previous, next) => Math.max(Number(previous), Number(next)),
  min: (previous, next) => Math.min(Number(previous), Number(next)),
  // To the microsecond: adding what is printed with two decimals must not end in …0000000001.
  sum: (previous, next) => Math.round((Number(previous) + Number(next)) * 1e6) / 1e6,
};

function createAccumulator(combine: Combine): Accumulator {
  const byProcess = new Map<string, FactValue>();
  return {
    add(process, value) {
      const key = combine === "sum" ? process : "";
      const previous = byProcess.get(key);
      byProcess.set(key, previous === undefined ? value : FOLDS[combine](previous, value));
    },
    value() {
      const values = [...byProcess.values()];
      return values.length > 1 ? Math.max(...values.map(Number)) : values[0];
    },
  };
}

function explainAbsence(
  fact: FactName,
  known: LogFacts,
  circumstances: ReadonlySet<Circumstance>,
): Omit<UnknownFact, "fact"> {
  const version = known.vllmVersion;
  const server = version === null ? "a vLLM of unknown version" : `vLLM ${version}`;
  const absent = `${server} printed no line for ${fact} known to vllm-gate (patterns cover ${COVERED_VERSIONS})`;
  const because = [
    ...EXPECTED_ABSENCES.filter(({ facts, when }) => facts.includes(fact) && circumstances.has(when)).map(
      (absence) => absence.because,
    ),
    ...explainByVersion(fact, version),
  ];
  if (because.length > 0) return { reason: `${absent}; expected: ${because.join(", ")}`, expected: true };
  const unfinished = known.engineInitS === null && known.listeningOn === null;
  const reason = unfinished ? `${absent}; the log ends before the engine was ready` : absent;
  return { reason, expected: false };
}

/** Says so when no pattern of the fact belongs to the version. */
function explainByVersion(fact: FactName, version: string | null): string[] {
  const release = version === null ? null : releaseOf(version);
  if (release === null) return [];
  const patterns = PATTERNS.filter((pattern) => pattern.facts.includes(fact));
  const printed = patterns.some(
    ({ since, until }) =>
      release >= (releaseOf(since ?? "0.6") ?? 0) && release <= (releaseOf(until ?? "999.0") ?? 0),
  );
  if (printed) return [];
  const ranges = patterns.map(({ since, until }) =>
    until === undefined ? `since ${since ?? "0.6"}` : `from ${since ?? "0.6"} to ${until}`,
  );
  return [`vLLM prints it ${[...new Set(ranges)].join(" or ")} only`];
}

/** `0.22.1rc1` is 22; null for what is no release of vLLM, such as `0.1.dev7+g1234`. */
function releaseOf(version: string): number | null {
  const parts = /^(\d{1,3})\.(\d{1,4})/.exec(version);
  if (parts === null) return null;
  const release = Number(parts[1]) * 10_000 + Number(parts[2]);
  return release < 6 ? null : release;
}

// --- Lines -----------------------------------------------------------------------------------------------------

const ESCAPE = String.fromCharCode(27);
const ANSI_SEQUENCE = new RegExp(`${ESCAPE}\\[[0-9;:?]*[ -/]*[@-~]`, "g");

/**
 * The texts that a line of a log file holds: what `\r` had drawn over each other apart, without colours, cut to a
 * length that is safe to match, and a record of the JSON formatter (vLLM 0.32 and later) as plain lines.
 */
export function expandLine(line: string): string[] {
  return line
    .slice(0, MAX_RAW_LINE_CHARS)
    .split(/[\r\n]/)
    .filter((segment) => segment !== "")
    .flatMap((segment) => readJsonRecord(segment.slice(0, MAX_LINE_CHARS).replace(ANSI_SEQUENCE, "")));
}

function readJsonRecord(segment: string): string[] {
  if (!segment.startsWith('{"') || !segment.trimEnd().endsWith("}")) return [segment];
  const record = parseJsonObject(segment);
  const message = record["message"];
  if (typeof message !== "string") return [segment];
  const trace = record["exc_info"];
  const text = typeof trace === "string" ? `${message}\n${trace}` : message;
  const header = plainHeader(record);
  return text.split(/[\r\n]+/).map((part) => header + part);
}

/** The header that the plain formatter would have written, as far as the record knows it. */
function plainHeader({ levelname, name, processName, process }: Record<string, unknown>): string {
  const prefix = typeof process === "number" ? `(${processName} pid=${process}) ` : "";
  // The record names the module, vllm.v1.engine.core, where a plain line names the file.
  const module = typeof name === "string" ? name.slice(name.lastIndexOf(".") + 1) : "unknown";
  return `${prefix}${levelname} [${module}.py:0] `;
}

function parseJsonObject(text: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(text) };
  } catch {
    return {};
  }
}

/** One line of a log, taken apart. */
export interface LogRecord {
  /** `EngineCore_DP0 pid=42`, or empty where no process is named. */
  process: string;
  /** `INFO`, `WARNING`, `ERROR` …, or null for what was printed past the logger. */
  level: string | null;
  /** `core.py:1165`, or null. */
  source: string | null;
  /** What was said, its indentation kept. */
  message: string;
}

// A collector's timestamp, VLLM_LOGGING_PREFIX, then the process.
const PROCESS_PREFIX =
  /^(?:\[?\d{4}-\d\d-\d\d[T ]\S{5,40} )?[^\s(]{0,64}\(([^()]{0,64}?\bpid=\d{1,10}[^()]{0,80})\) ?/;
const LOG_HEADER =
  /^(DEBUG|INFO|WARNING|ERROR|CRITICAL) (?:\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,6})? )?(?:\[([^\]\s]{1,200}:\d{1,6})\]|(\S{1,200}:\d{1,6})\]) ?/;
const UVICORN_HEADER = /^(DEBUG|INFO|WARNING|ERROR|CRITICAL): {1,8}/;

/** Takes a line apart as vLLM's logger (vllm/logger.py) or uvicorn put it together, in any release since 0.6. */
export function splitRecord(segment: string): LogRecord {
  const prefix = PROCESS_PREFIX.exec(segment);
  const unprefixed = prefix === null ? segment : segment.slice(prefix[0].length);
  const header = LOG_HEADER.exec(unprefixed) ?? UVICORN_HEADER.exec(unprefixed);
  return {
    process: prefix?.[1] ?? "",
    level: header?.[1] ?? null,
    source: header?.[2] ?? header?.[3] ?? null,
    message: header === null ? unprefixed : unprefixed.slice(header[0].length),
  };
}

// --- Secrets ---------------------------------------------------------------------------------------------------

const REDACTED = "***";

/** What looks like a credential wherever it stands. */
const SECRET_VALUES: readonly [RegExp, string][] = [
  [/\bBearer\s{1,4}[\w.~+/=-]{8,}/gi, `Bearer ${REDACTED}`],
  [/\b(?:hf_|sk-|gh[opsur]_|github_pat_)[\w-]{16,}/g, REDACTED],
  [/(:\/\/)[^\s/@'"]{1,256}@/g, `$1${REDACTED}@`],
];

const SECRET_WORD = "key|keys|key[_-]id|token|secret|secrets|credential|credentials|cookie";
const SECRET_NAME = new RegExp(
  [
    // api_key=…, 'hf_token': …, {"aws_secret_access_key": …}, \"password\": …; and vLLM's own list.
    `(?<![\\w-])[\\w-]{0,100}?(?:[_-](?:${SECRET_WORD})|password|passwd|passphrase|apikey|accesstoken|authtoken` +
      `|secret|authorization|watermark_config)\\\\{0,8}["']?\\s{0,4}[:=]\\s{0,4}`,
    `["']token\\\\{0,8}["']\\s{0,4}:\\s{0,4}`,
    // --api-key VALUE, ['--api-key', 'VALUE']
    `(?<![\\w-])--[\\w-]{0,100}?(?:[_-](?:${SECRET_WORD})|password)(?:["'],)?\\s{1,4}`,
  ].join("|"),
  "gi",
);
const HARMLESS_VALUE = /^(?:None|True|False|null|true|false)\b/;

/**
 * The text with credentials replaced by `***`: values of names that end in key, token, secret or password, in a
 * Python literal, in JSON within it or as an option, and values that look like tokens whatever their name.
 */
export function redactSecrets(text: string): string {
  const masked = SECRET_VALUES.reduce((result, [regex, by]) => result.replace(regex, by), text);
  let result = "";
  let position = 0;
  for (const name of masked.matchAll(SECRET_NAME)) {
    const start = name.index + name[0].length;
    // A name within a value that is gone already.
    if (name.index < position) continue;
    result += masked.slice(position, start);
    position = start;
    if (HARMLESS_VALUE.test(masked.slice(start, start + 8))) continue;
    position = endOfValue(masked, start);
    if (position > start) result += redactedLike(masked.slice(start, position));
  }
  return result + masked.slice(position);
}

function redactedLike(value: string): string {
  const quote = /^\\{0,8}["']/.exec(value)?.[0] ?? (/^[([{]/.test(value) ? "'" : "");
  return `${quote}${REDACTED}${quote}`;
}

/** Where the value of a literal ends: a string, a bracketed group, or a bare word. */
function endOfValue(text: string, start: number): number {
  const quotes = /\\{0,8}["']/y;
  let depth = 0;
  let position = start;
  while (position < text.length) {
    quotes.lastIndex = position;
    const quote = quotes.exec(text)?.[0];
    const char = text.charAt(position);
    if (quote !== undefined) {
      // The quote that closes an outer string, unless it follows a prefix such as b or rb.
      if (depth === 0 && position > start + 2) return position;
      position = endOfString(text, position, quote);
      if (depth === 0) return position;
      continue;
    }
    if ("([{".includes(char)) depth += 1;
    else if (")]}".includes(char)) {
      if (depth === 0) return position;
      depth -= 1;
      if (depth === 0) return position + 1;
    } else if (depth === 0 && (char === "," || char.trim() === "")) return position;
    position += 1;
  }
  return text.length;
}

function endOfString(text: string, start: number, quote: string): number {
  for (let position = start + quote.length; position < text.length; position += 1) {
    if (text.startsWith(quote, position)) return position + quote.length;
    if (text.charAt(position) === "\\") position += 1;
  }
  return text.length;
}
