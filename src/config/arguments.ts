import { type ParseEntry, parse } from "shell-quote";
import { messageOf, UsageError } from "../domain/errors.ts";

/** A sign that never occurs in an argument, to notice a variable that a shell would have replaced. */
const VARIABLE = "\u0000variable:";

/**
 * Splits one string of flags into arguments the way a POSIX shell reads words and quotes, without one: nothing
 * is expanded or run. A backslash or a line end between words is white space, so a command copied from a
 * script works.
 *
 * @param source - what the string is called in an error
 * @throws UsageError on what only a shell could give a meaning: variables, globs, pipes, comments
 */
export function splitArguments(text: string, source: string): string[] {
  const bare = outsideSingleQuotes(text);
  if (/['"]/.test(bare.replace(/"[^"]*"/g, ""))) {
    throw new UsageError(`${source}: a quote is opened and never closed`);
  }
  if (bare.includes("`")) {
    throw new UsageError(`${source}: "\`" has a meaning to a shell only: put it in single quotes`);
  }
  const oneLine = text.replace(/\\\r?\n/g, " ").replace(/\r?\n/g, " ");
  const entries = readWords(oneLine, source);
  return entries.map((entry) => {
    if (typeof entry === "string") {
      const at = entry.indexOf(VARIABLE);
      if (at < 0) return entry;
      throw new UsageError(
        `${source}: $${entry.slice(at + VARIABLE.length).split(/\W/)[0]} is not replaced, because no shell reads ` +
          "this: write the value itself, or put it in single quotes",
      );
    }
    if ("comment" in entry) {
      throw new UsageError(`${source}: "#${entry.comment}" is a comment to a shell: remove it, or quote it`);
    }
    const sign = entry.op === "glob" ? entry.pattern : entry.op;
    throw new UsageError(
      `${source}: "${sign}" has a meaning to a shell only: quote it, or write the flags as a list`,
    );
  });
}

function readWords(text: string, source: string): ParseEntry[] {
  try {
    return parse(text, (name) => `${VARIABLE}${name}`);
  } catch (error) {
    throw new UsageError(`${source}: ${messageOf(error)}`, { cause: error });
  }
}

/** The text without what a shell takes as it is: single-quoted strings and characters after a backslash. */
function outsideSingleQuotes(text: string): string {
  return text.replace(/\\[\s\S]|'[^']*'|("(?:\\[\s\S]|[^"\\])*")/g, (_, double?: string) =>
    double === undefined ? "" : double.replace(/\\[\s\S]/g, ""),
  );
}

/** Arguments from a list or a string. */
export function toArguments(
  value: string | readonly (string | number | boolean)[] | undefined,
  source: string,
): string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? splitArguments(value, source) : value.map(String);
}
