import leven from "leven";
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type LineCounter } from "yaml";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** One sentence a wrong place: `vllm-gate.yml:7: scenarios.chat.rounds: got "three", expected a number`. */
export function explainIssues(
  issues: readonly Issue[],
  file: string,
  document: Document,
  lines: LineCounter,
  knownKeys: (path: readonly PropertyKey[]) => readonly string[],
): string[] {
  const whole: unknown = document.toJS();
  return issues
    .flatMap((issue) => explain(mostSpecific(issue), file, document, whole, lines, knownKeys))
    .map(oneLine);
}

/** Keys may hold any character; a line of its own could be read as a command by whoever reads the log. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Of a union's branches the one that came furthest tells what was meant. */
function mostSpecific(issue: Issue): Issue {
  if (issue.code !== "invalid_union") return issue;
  const branches = issue.errors.filter((branch) => branch.length > 0);
  const deep = branches.flat().find((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys");
  return deep === undefined ? issue : mostSpecific({ ...deep, path: [...issue.path, ...deep.path] });
}

function explain(
  issue: Issue,
  file: string,
  document: Document,
  whole: unknown,
  lines: LineCounter,
  knownKeys: (path: readonly PropertyKey[]) => readonly string[],
): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const known = knownKeys(issue.path);
      const nearest = nearestOf(key, known);
      const guess = nearest === null ? "" : ` Did you mean \`${nearest}\`?`;
      const expected = known.length > 0 ? ` Expected one of: ${known.join(", ")}.` : "";
      const path = [...issue.path, key];
      return `${place(file, document, lines, path)}${shown(path)}: unknown key \`${cut(key)}\`.${guess}${expected}`;
    });
  }
  const isKey = issue.code === "invalid_key";
  const got = isKey ? "" : `got ${show(valueAt(whole, issue.path))}, `;
  return [
    `${place(file, document, lines, issue.path)}${shown(issue.path) || "(the file)"}: ${got}${expectation(issue)}`,
  ];
}

function valueAt(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    whole,
  );
}

function nearestOf(key: string, known: readonly string[]): string | null {
  if (key.length > 60) return null;
  const ranked = known
    .map((name) => ({ name, distance: leven(key, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, key.length / 3) ? best.name : null;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return cut(text);
}

function shown(path: readonly PropertyKey[]): string {
  return path.map((key) => cut(String(key))).join(".");
}

/** Short, because a log may be read by more people than the file. */
function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  string: "a text",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
  null: "nothing",
};

function typeName(type: string): string {
  return TYPE_NAMES[type] ?? type;
}

/** What was wanted, to stand after the value: `expected a number`, or the sentence of a rule of its own. */
export function expectation(issue: Issue): string {
  if (issue.code === "invalid_key") {
    return issue.issues[0] === undefined ? issue.message : expectation(issue.issues[0]);
  }
  return issue.code === "custom" ? issue.message : `expected ${wanted(issue)}`;
}

function wanted(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeName(issue.expected);
    case "invalid_value":
      return issue.values.map((value) => `\`${String(value)}\``).join(" or ");
    case "too_small":
      return issue.inclusive === false
        ? `more than ${String(issue.minimum)}`
        : `${sizeWord(issue.origin)}at least ${String(issue.minimum)}`;
    case "too_big":
      return `${sizeWord(issue.origin)}at most ${String(issue.maximum)}`;
    case "invalid_union":
      return [...new Set(issue.errors.flat().map(wanted))].join(", or ");
    case "invalid_format":
      return issue.format === "url" ? "a URL such as http://127.0.0.1:8000" : stripPrefix(issue.message);
    default:
      return stripPrefix(issue.message);
  }
}

function stripPrefix(message: string): string {
  return message.replace(/^Invalid (input|string): (expected )?/, "");
}

function sizeWord(origin: string): string {
  return origin === "array" || origin === "set"
    ? "a number of entries of "
    : origin === "string"
      ? "a length of "
      : "";
}

function place(file: string, document: Document, lines: LineCounter, path: readonly PropertyKey[]): string {
  const offset = offsetOf(document, path);
  return offset === null ? `${file}: ` : `${file}:${lines.linePos(offset).line}: `;
}

/** Where a path stands in the file, also behind an alias; of a missing one, where its parent stands. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? null;
  for (const name of path) {
    const parent: unknown = isAlias(node) ? node.resolve(document) : node;
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(name));
      if (pair === undefined) break;
      if (isScalar(pair.key) && pair.key.range) offset = pair.key.range[0];
      node = pair.value;
    } else if (isSeq(parent)) {
      node = parent.items[Number(name)];
      if (isNode(node) && node.range) offset = node.range[0];
    } else break;
  }
  return offset;
}
