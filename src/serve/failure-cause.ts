import {
  DECISIVE,
  type FailureKind,
  HINTS,
  indicatedKind,
  KILLED_HINT,
  NOT_INSTALLED_HINT,
  SECONDARY,
} from "./failure-patterns.ts";
import { isError, readLine } from "./log-lines.ts";
import { redactSecrets } from "./log-secrets.ts";
import { findRootException, isSecondary } from "./root-exception.ts";
import { findRaised, type PlacedRecord, type Raised, sentenceOf } from "./tracebacks.ts";

export type { FailureKind };

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

/**
 * The reason a vLLM server's log gives for its failure.
 *
 * One failure is reported many times over: by the worker, the engine and the API server, each with its traceback,
 * and by chained exceptions. This picks the first in that line, in vLLM's own words.
 *
 * @param lines the log, stdout and stderr together, with or without prefixes, colours and `\r`
 */
export function findFailureCause(lines: readonly string[]): FailureCause {
  const records = lines.flatMap((text, index) =>
    readLine(text).map((record): PlacedRecord => ({ ...record, line: index + 1 })),
  );
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

function findException(raised: readonly Raised[]): FailureCause | null {
  const root = findRootException(raised);
  return root === undefined ? null : describeException(root);
}

function describeException(one: Raised): FailureCause {
  const { type, message, record } = one;
  const kind =
    indicatedKind(sentenceOf(one)) ?? (type.endsWith("ValidationError") ? "bad_value" : "exception");
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
  const kind = indicatedKind(sentence) ?? "exception";
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
  return { cause: tidy(sentence), kind, line, ...(hint === undefined ? {} : { hint }) };
}

function tidy(sentence: string): string {
  const oneLine = redactSecrets(sentence).replace(/\s+/g, " ").trim();
  return oneLine.length <= MAX_CAUSE_CHARS ? oneLine : `${oneLine.slice(0, MAX_CAUSE_CHARS - 1)}…`;
}
