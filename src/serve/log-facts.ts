import { type LogFacts, logFactsSchema } from "../domain/log-facts.ts";
import { expandLine, type LogRecord, readLine, splitRecord } from "./log-lines.ts";
import { type Combine, type FactName, type FactValue, PATTERNS } from "./log-patterns.ts";
import { redactSecrets } from "./log-secrets.ts";
import { type Circumstance, explainAbsence, noteCircumstances, type UnknownFact } from "./missing-facts.ts";

export { expandLine, type LogRecord, redactSecrets, splitRecord, type UnknownFact };

/** A request's prompt may hold anything, such as a line of another server's log. */
const REQUEST_LINE = /Received request |Request \S{1,256} details:|Generated response /;

const STARTED = /Application startup complete/;

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
  const searches = PATTERNS.map((pattern) => ({
    ...pattern,
    found: pattern.facts.map(() => createAccumulator(pattern.combine ?? "first")),
  }));
  const circumstances = new Set<Circumstance>();
  let started = false;

  function readText(text: string, process: string): void {
    if (REQUEST_LINE.test(text)) return;
    if (!started) noteCircumstances(text, circumstances);
    for (const { regex, afterStart, convert = toNumber, found } of searches) {
      if (started && afterStart !== true) continue;
      const captured = regex.exec(text)?.slice(1) ?? [];
      captured.forEach((group: string | undefined, index) => {
        const value = group === undefined ? null : convert(group);
        if (value !== null) found[index]?.add(process, value);
      });
    }
    started ||= STARTED.test(text);
  }

  function facts(): LogFacts {
    const values: Partial<Record<FactName, FactValue>> = {};
    for (const { facts, found } of searches) {
      facts.forEach((fact, index) => {
        const value = found[index]?.value();
        if (value !== undefined) values[fact] ??= value;
      });
    }
    return logFactsSchema.parse(Object.fromEntries(FACT_NAMES.map((fact) => [fact, values[fact] ?? null])));
  }

  return {
    push(line) {
      for (const { text, process } of readLine(line)) readText(text, process);
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
