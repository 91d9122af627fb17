import { expandLine, type LogRecord, redactSecrets, splitRecord } from "./log-facts.ts";

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

/** Why a server did not start, or died. */
export interface FailureCause {
  /** The server's own sentence: one line, prefixes and secrets removed, at most 600 characters. */
  cause: string;
  kind: FailureKind;
  /** Where it stands in the log, counted from 1; null when the log names no cause. */
  line: number | null;
  /** What to do about it, in our words. */
  hint?: string;
}

const MAX_CAUSE_CHARS = 600;

interface KnownSentence {
  readonly kind: FailureKind;
  readonly regex: RegExp;
}

/** Sentences that name a cause by themselves, the more specific ones first: torch's error follows from vLLM's. */
const DECISIVE: readonly KnownSentence[] = [
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

/**
 * What processes say when another one failed. vLLM's files: v1/engine/core.py, v1/engine/utils.py,
 * v1/engine/exceptions.py, v1/executor/multiproc_executor.py, entrypoints/openai/api_server.py.
 */
const SECONDARY =
  /EngineCore failed to start|Engine core initialization failed|Engine process failed to start|EngineCore encountered|EngineDeadError|EngineGenerateError|MQEngineDeadError|died unexpectedly|WorkerProc (?:initialization )?failed|Worker failed with error|Frontend process failed during|[Ss]ee (?:root cause|stack trace)|stack trace above|Executor failed|output_handler failed|unhandled errors in a TaskGroup|Connection closed by peer|Broken pipe|Connection reset by peer|CancelledError|KeyboardInterrupt|SystemExit/;

/** A process says this of itself right before the traceback that ended it. */
const FATAL_ANNOUNCEMENT =
  /EngineCore failed to start|EngineCore encountered a fatal error|WorkerProc failed|Exception in worker |Error in engine/;

const HINTS: Record<FailureKind, string> = {
  context_too_long: "Lower --max-model-len to what the model supports.",
  kv_too_small: "Lower --max-model-len, or raise --gpu-memory-utilization.",
  no_kv_memory: "Raise --gpu-memory-utilization, or use a smaller model or more GPUs.",
  memory_not_free: "Another process holds the memory, often an engine left over from an earlier server.",
  out_of_memory: "Lower --gpu-memory-utilization, --max-num-seqs or --max-num-batched-tokens.",
  unknown_flag: "This vLLM does not know the flag: it may be misspelt, or of another version.",
  bad_value: "Correct the value of the flag.",
  port_in_use: "Another server listens there: stop it or take another port.",
  model_not_found: "Check the model's name or path, and the access token if it is gated.",
  exception: "",
  unknown: "",
};
const NOT_INSTALLED_HINT = "vLLM is not installed where the server was started, or not on its PATH.";
const KILLED_HINT = "Killed by the system, most often because the machine ran out of memory.";

/** A line with its place in the log; continuation lines of a progress bar share one. */
interface PlacedRecord extends LogRecord {
  line: number;
}

/** An exception as printed at the end of a traceback. */
interface Raised {
  record: PlacedRecord;
  type: string;
  message: string;
  /** Announced as what ended its process. */
  fatal: boolean;
  /** Follows from the exception before it, by `raise … from` or by failing to handle it. */
  chained: "cause" | "context" | null;
}

/**
 * The reason a vLLM server's log gives for its failure.
 *
 * One failure is reported many times over: by the worker, the engine and the API server, each with its traceback,
 * and by chained exceptions. This picks the first in that line, in vLLM's own words.
 *
 * @param lines the log, stdout and stderr together, with or without prefixes, colours and `\r`
 */
export function findFailureCause(lines: readonly string[]): FailureCause {
  const records = readRecords(lines);
  const raised = findRaised(records);
  return (
    findNotInstalled(records) ??
    findUsageError(records) ??
    findDecisive(records, raised) ??
    findException(raised) ??
    findLooseError(records) ??
    findKilled(records) ??
    findLastWords(records)
  );
}

function readRecords(lines: readonly string[]): PlacedRecord[] {
  return lines.flatMap((text, index) => {
    let process = "";
    return expandLine(text).map((segment) => {
      const record = splitRecord(segment);
      process = record.process || process;
      return { ...record, process, line: index + 1 };
    });
  });
}

/** Warnings and information quote errors that were survived. */
function isError({ level }: LogRecord): boolean {
  return level === null || level === "ERROR" || level === "CRITICAL";
}

// --- Before vLLM runs --------------------------------------------------------------------------------------------

const NOT_INSTALLED =
  /\bcommand not found\b|^\S{1,64}: (?:line )?\d{1,6}: \S{1,128}: not found|\bspawn \S{1,256} ENOENT|\benv: .{1,128}: No such file or directory|: No module named ['"]?vllm\b/;

function findNotInstalled(records: readonly PlacedRecord[]): FailureCause | null {
  // A running vLLM may well call a command that the machine lacks.
  if (records.some(({ source }) => source !== null)) return null;
  const found = records.find(({ message }) => NOT_INSTALLED.test(message));
  if (found === undefined) return null;
  return { ...makeCause(found.message, "exception", found), hint: NOT_INSTALLED_HINT };
}

const USAGE_ERROR = /^[\w./ -]{1,128}?: error: (.+)$/;
const USAGE_SENTENCE = /^(?:unrecognized arguments:|argument |ambiguous option:|the following arguments )/;

/** The last line of argparse, which exits before anything else is said. */
function findUsageError(records: readonly PlacedRecord[]): FailureCause | null {
  const usageShown = records.some(({ message }) => message.startsWith("usage: "));
  for (const record of records) {
    const sentence = isError(record) ? USAGE_ERROR.exec(record.message)?.[1] : undefined;
    if (sentence === undefined || !(usageShown || USAGE_SENTENCE.test(sentence))) continue;
    const unknown = /^(?:unrecognized arguments|ambiguous option)/.test(sentence);
    return makeCause(sentence, unknown ? "unknown_flag" : "bad_value", record);
  }
  return null;
}

// --- Exceptions --------------------------------------------------------------------------------------------------

const TRACEBACK = /^( {0,64})(?:\+ Exception Group )?Traceback \(most recent call last\):/;
const EXCEPTION = /^([A-Za-z_][\w.]{0,255})(?:: ?(.*))?$/;
const CHAIN_NOTICE =
  /^\s{0,64}(?:The above exception was the (direct cause) of|During handling of the above exception, another)/;
const NOT_A_CONTINUATION =
  /^(?:\[|Traceback |Process |Exception ignored|The above exception|During handling|usage: |\S{1,256}:\d{1,6}: \w{1,64}Warning)/;
const MAX_CONTINUATION_LINES = 12;

function findRaised(records: readonly PlacedRecord[]): Raised[] {
  const byProcess = Map.groupBy(records, ({ process }) => process);
  return [...byProcess.values()]
    .flatMap((stream) => raisedInProcess(stream))
    .sort((a, b) => a.record.line - b.record.line);
}

/** The exceptions of one process: lines of several processes lie between each other in the log. */
function raisedInProcess(stream: readonly PlacedRecord[]): Raised[] {
  const raised: Raised[] = [];
  let chained: Raised["chained"] = null;
  let fatal = false;
  for (let index = 0; index < stream.length; index += 1) {
    const message = stream[index]?.message ?? "";
    const notice = CHAIN_NOTICE.exec(message);
    if (notice !== null) chained = notice[1] === undefined ? "context" : "cause";
    const traceback = TRACEBACK.exec(message);
    if (traceback === null) continue;

    const before = stream[index - 1]?.message ?? "";
    // A chain as a whole is what the announcement speaks of.
    if (chained === null) fatal = FATAL_ANNOUNCEMENT.test(before);
    const indent = traceback[1]?.length ?? 0;
    const end = endOfFrames(stream, index + 1, indent);
    const exception = readException(stream, end, indent);
    if (exception !== null && !before.startsWith("Exception ignored")) {
      raised.push({ ...exception, fatal, chained });
      chained = null;
    }
    index = Math.max(index, end - 1);
  }
  return raised;
}

function endOfFrames(stream: readonly PlacedRecord[], start: number, indent: number): number {
  const frame = " ".repeat(indent + 1);
  let end = start;
  while (stream[end]?.message.startsWith(frame) === true) end += 1;
  return end;
}

function readException(
  stream: readonly PlacedRecord[],
  index: number,
  indent: number,
): Pick<Raised, "record" | "type" | "message"> | null {
  const record = stream[index];
  const head = record === undefined ? null : EXCEPTION.exec(record.message.slice(indent));
  if (record === undefined || head === null) return null;
  const type = head[1] ?? "";
  const isValidation = type.endsWith("ValidationError");
  const more: PlacedRecord[] = [];
  for (const next of stream.slice(index + 1, index + 1 + MAX_CONTINUATION_LINES)) {
    // Without a process to tell its lines from others', only what is indented surely belongs to the message.
    const belongs = record.process !== "" || isValidation || next.message.startsWith(" ");
    const text = next.message.trim();
    if (!belongs || text === "" || NOT_A_CONTINUATION.test(text) || next.source !== record.source) break;
    more.push(next);
  }
  const complaint = isValidation ? readValidation(more) : null;
  if (complaint !== null) return { type, ...complaint };
  const message = [head[2] ?? "", ...more.map((next) => next.message.trim())].join(" ").trim();
  return { record, type, message };
}

/**
 * The first complaint of a pydantic error, without the wrapper that counts them:
 *
 *     1 validation error for ModelConfig
 *     max_model_len
 *       Input should be greater than 0 [type=greater_than, input_value=-5, input_type=int]
 */
function readValidation(more: readonly PlacedRecord[]): Pick<Raised, "record" | "message"> | null {
  const end = more.findIndex(({ message }) => message.includes(" [type="));
  const complaint = more.slice(0, end + 1);
  const [first, second] = complaint;
  if (first === undefined) return null;
  const field = first.message.trim();
  const isNamed = second !== undefined && /^[\w.[\]-]{1,256}$/.test(field);
  const sentence = complaint
    .slice(isNamed ? 1 : 0)
    .map(({ message }) => message.trim())
    .join(" ")
    .replace(/ \[type=.*$/, "");
  const own = sentence.replace(/^(?:Value error|Assertion failed), /, "");
  // A validator of vLLM names the field itself; pydantic's own sentences do not.
  const message = isNamed && own === sentence ? `${field}: ${own}` : own;
  return { record: isNamed ? second : first, message };
}

function sentenceOf({ type, message }: Raised): string {
  return `${type}: ${message}`;
}

/** Looks for the sentences that decide, the more specific first, in exceptions and in plain error lines. */
function findDecisive(records: readonly PlacedRecord[], raised: readonly Raised[]): FailureCause | null {
  const exceptions = raised.filter(({ record }) => isError(record));
  const loose = records.filter((record) => isError(record) && !record.message.startsWith("  "));
  for (const { kind, regex } of DECISIVE) {
    const exception = exceptions.find((one) => regex.test(sentenceOf(one)) && !isSecondary(one));
    if (exception !== undefined)
      return makeCause(exception.message || exception.type, kind, exception.record);
    const record = loose.find(({ message }) => regex.test(message) && !SECONDARY.test(message));
    if (record !== undefined)
      return makeCause(record.message.replace(/^[\w.]{1,256}(?:Error|Exception): /, ""), kind, record);
  }
  return null;
}

function isSecondary(one: Raised): boolean {
  return SECONDARY.test(sentenceOf(one));
}

/** Workers fail before the engine that waits for them, and the engine before the API server. */
function seniority({ record, fatal }: Raised): number {
  if (fatal) return 0;
  if (/worker|ray/i.test(record.process)) return 1;
  return record.process.startsWith("EngineCore") ? 2 : 3;
}

function findException(raised: readonly Raised[]): FailureCause | null {
  const chains = chainsOf(raised.filter(({ record }) => isError(record))).filter((chain) =>
    chain.some((one) => !isSecondary(one)),
  );
  const senior = Math.min(...chains.map(seniorityOfChain));
  const candidates = chains.filter((chain) => seniorityOfChain(chain) === senior);
  // Of what was announced as fatal the first; else the last, since a process goes on after what it survives.
  const chain = senior === 0 ? candidates[0] : candidates.at(-1);
  const root = chain === undefined ? undefined : rootOf(chain);
  if (root === undefined) return null;
  return describeException(firstLikeIt(root, raised));
}

function seniorityOfChain(chain: readonly Raised[]): number {
  return Math.min(...chain.map(seniority));
}

/** Groups exceptions into chains, each in one process. */
function chainsOf(raised: readonly Raised[]): Raised[][] {
  const chains: Raised[][] = [];
  const openByProcess = new Map<string, Raised[]>();
  for (const one of raised) {
    const open = openByProcess.get(one.record.process);
    if (one.chained !== null && open !== undefined) {
      open.push(one);
      continue;
    }
    const chain = [one];
    chains.push(chain);
    openByProcess.set(one.record.process, chain);
  }
  return chains;
}

const BARE_LOOKUP = /^(?:KeyError|IndexError|StopIteration|StopAsyncIteration|AttributeError)$/;

/**
 * The exception of a chain that a person wants to read: the last of a known kind (an HTTP status becomes a sentence
 * on its way up), else the first, unless it is a failed lookup that the code handled by raising something better.
 */
function rootOf(chain: readonly Raised[]): Raised | undefined {
  const own = chain.filter((one) => !isSecondary(one));
  const known = own.findLast((one) => INDICATIVE.some(({ regex }) => regex.test(sentenceOf(one))));
  const telling = own.find(
    (one, index) => !(BARE_LOOKUP.test(one.type) && own[index + 1]?.chained === "context"),
  );
  return known ?? telling ?? own[0];
}

/** An exception is logged, then printed again when it ends the process. */
function firstLikeIt(root: Raised, raised: readonly Raised[]): Raised {
  return (
    raised.find(
      (one) =>
        one.record.process === root.record.process && one.type === root.type && one.message === root.message,
    ) ?? root
  );
}

function describeException(one: Raised): FailureCause {
  const { type, message, record } = one;
  const known = INDICATIVE.find(({ regex }) => regex.test(sentenceOf(one)));
  const kind = known?.kind ?? (type.endsWith("ValidationError") ? "bad_value" : "exception");
  // The type says nothing that vLLM's own sentence does not, and much where there is none.
  const cause = kind === "exception" || message === "" ? describeRaised(type, message) : message;
  const found = makeCause(cause, kind, record);
  return /No module named ['"]?vllm\b/.test(message) ? { ...found, hint: NOT_INSTALLED_HINT } : found;
}

function describeRaised(type: string, message: string): string {
  const shortType = type.slice(type.lastIndexOf(".") + 1);
  return message === "" ? shortType : `${shortType}: ${message}`;
}

// --- What is left ------------------------------------------------------------------------------------------------

const LOOSE_EXCEPTION = /^[\s|]{0,64}([A-Za-z_][\w.]{0,255}(?:Error|Exception): .+)$/;

/** An error line that stands alone: an exception whose traceback is lost, or one inside an exception group. */
function findLooseError(records: readonly PlacedRecord[]): FailureCause | null {
  const found = records.findLast(
    (record) => isError(record) && LOOSE_EXCEPTION.test(record.message) && !SECONDARY.test(record.message),
  );
  if (found === undefined) return null;
  const sentence = LOOSE_EXCEPTION.exec(found.message)?.[1] ?? found.message;
  const kind = INDICATIVE.find(({ regex }) => regex.test(sentence))?.kind ?? "exception";
  return makeCause(sentence, kind, found);
}

const KILLED =
  /^(?:Killed|Segmentation fault|Bus error|Aborted|Illegal instruction)\b|Fatal Python error|Failed core proc\(s\): \{[^}]{0,512}: -\d/;

/** Nothing but the signal: the engine had no time to say why. */
function findKilled(records: readonly PlacedRecord[]): FailureCause | null {
  const found = records.find((record) => isError(record) && KILLED.test(record.message));
  if (found === undefined) return null;
  const killed = /^Killed\b|: -9\b/.test(found.message);
  return { ...makeCause(found.message, "exception", found), ...(killed ? { hint: KILLED_HINT } : {}) };
}

/** The last error line, a secondary one if need be; failing that, the last line of all. */
function findLastWords(records: readonly PlacedRecord[]): FailureCause {
  const spoken = records.filter(({ message }) => message.trim() !== "");
  const errors = spoken.filter(({ level }) => level === "ERROR" || level === "CRITICAL");
  const error =
    errors.findLast(({ message }) => !SECONDARY.test(message) && !message.startsWith(" ")) ??
    spoken.findLast((record) => isError(record) && SECONDARY.test(record.message));
  if (error !== undefined) return makeCause(error.message, "unknown", error);
  const last = spoken.at(-1);
  const cause =
    last === undefined
      ? "the server's log is empty"
      : `the server's log names no cause; it ends: ${last.message}`;
  return { cause: tidy(cause), kind: "unknown", line: null };
}

function makeCause(sentence: string, kind: FailureKind, { line }: PlacedRecord): FailureCause {
  const hint = HINTS[kind];
  return { cause: tidy(sentence), kind, line, ...(hint === "" ? {} : { hint }) };
}

function tidy(sentence: string): string {
  const oneLine = redactSecrets(sentence).replace(/\s+/g, " ").trim();
  return oneLine.length <= MAX_CAUSE_CHARS ? oneLine : `${oneLine.slice(0, MAX_CAUSE_CHARS - 1)}…`;
}
