import leven from "leven";
import { type Document, isMap, isNode, isScalar, type LineCounter } from "yaml";
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
  return issues.flatMap((issue) => explain(mostSpecific(issue), file, document, lines, knownKeys));
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
      return `${place(file, document, lines, path, true)}${path.join(".")}: unknown key \`${key}\`.${guess}${expected}`;
    });
  }
  const isKey = issue.code === "invalid_key";
  const value = isKey ? undefined : document.getIn(issue.path as unknown[]);
  const shown = isKey ? "" : `got ${show(value)}, `;
  return [
    `${place(file, document, lines, issue.path, isKey)}${issue.path.join(".") || "(the file)"}: ${shown}expected ${expectation(issue)}`,
  ];
}

function nearestOf(key: string, known: readonly string[]): string | null {
  const ranked = known
    .map((name) => ({ name, distance: leven(key, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, key.length / 3) ? best.name : null;
}

function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (isNode(value)) return show(value.toJSON());
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
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

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeName(issue.expected);
    case "invalid_value":
      return issue.values.map((value) => `\`${String(value)}\``).join(" or ");
    case "too_small":
      return `${sizeWord(issue.origin)}at least ${String(issue.minimum)}${issue.inclusive === false ? " (exclusive)" : ""}`;
    case "too_big":
      return `${sizeWord(issue.origin)}at most ${String(issue.maximum)}`;
    case "invalid_union": {
      const types = issue.errors.flat().map(expectation);
      return [...new Set(types)].join(", or ");
    }
    case "invalid_key":
      return issue.issues[0] === undefined ? issue.message : expectation(issue.issues[0]);
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

function place(
  file: string,
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
  key: boolean,
): string {
  const offset = offsetOf(document, path, key);
  return offset === null ? `${file}: ` : `${file}:${lines.linePos(offset).line}: `;
}

/** Where a path stands in the file; of a missing one, where its parent stands. */
function offsetOf(document: Document, path: readonly PropertyKey[], key: boolean): number | null {
  for (let length = path.length; length > 0; length -= 1) {
    const parent =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1) as unknown[], true);
    const name = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(name));
      const keyNode = pair?.key;
      if (isScalar(keyNode) && keyNode.range) return keyNode.range[0];
    }
    const node = document.getIn(path.slice(0, length) as unknown[], true);
    if (!key && isNode(node) && node.range) return node.range[0];
  }
  return document.contents?.range?.[0] ?? null;
}
