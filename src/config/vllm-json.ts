/** A value as vLLM reads it; `repeats` where a key stands in it twice. */
export type ReadJson =
  | { kind: "text" }
  | { kind: "unreadable" }
  | { kind: "json"; value: unknown; repeats: boolean };

/** In parentheses, so that splitting keeps the strings. */
const STRING = /("(?:[^"\\]|\\.)*")/s;

/** Reads a value as vLLM does: JSON with `80g` and the like for numbers, or else plain text. */
export function readJson(value: string): ReadJson {
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
    .split(STRING)
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
