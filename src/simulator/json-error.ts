/** Where and why Python's JSON parser gives up, which vLLM repeats to the client. */

/** What Python's `json.JSONDecodeError` says. */
export interface JsonError {
  message: string;
  position: number;
}

const KEY = "Expecting property name enclosed in double quotes";
const LITERAL = /^(?:null|true|false|NaN|-?Infinity|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/;

/** Finds the first error of a text that `JSON.parse` refused. */
export function pythonJsonError(text: string): JsonError {
  const scanner = new Scanner(text);
  try {
    scanner.value(scanner.space(0));
  } catch (error) {
    if (error instanceof Found) return { message: error.message, position: error.position };
    throw error;
  }
  return { message: "Extra data", position: scanner.space(scanner.end) };
}

class Found extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

/** Walks over a text as `json.scanner` does; `end` is where the last value ended. */
class Scanner {
  end = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  space(at: number): number {
    let i = at;
    while (" \t\n\r".includes(this.text[i] ?? "x")) i++;
    return i;
  }

  value(at: number): void {
    const char = this.text[at];
    if (char === '"') this.string(at);
    else if (char === "{") this.object(at);
    else if (char === "[") this.array(at);
    else {
      const literal = LITERAL.exec(this.text.slice(at, at + 400));
      if (literal === null) throw new Found("Expecting value", at);
      this.end = at + literal[0].length;
    }
  }

  private string(at: number): void {
    for (let i = at + 1; i < this.text.length; i++) {
      const char = this.text[i]!;
      if (char === '"') {
        this.end = i + 1;
        return;
      }
      if (char < " ") throw new Found("Invalid control character at", i);
      if (char !== "\\") continue;
      i++;
      const escaped = this.text[i];
      if (escaped === undefined) break;
      if (escaped === "u") {
        if (!/^[0-9a-fA-F]{4}$/.test(this.text.slice(i + 1, i + 5)))
          throw new Found("Invalid \\uXXXX escape", i);
        i += 4;
      } else if (!'"\\/bfnrt'.includes(escaped)) throw new Found("Invalid \\escape", i - 1);
    }
    throw new Found("Unterminated string starting at", at);
  }

  private object(at: number): void {
    let i = this.space(at + 1);
    const empty = this.text[i] === "}";
    while (!empty) {
      if (this.text[i] !== '"') throw new Found(KEY, i);
      this.string(i);
      i = this.space(this.end);
      if (this.text[i] !== ":") throw new Found("Expecting ':' delimiter", i);
      this.value(this.space(i + 1));
      i = this.space(this.end);
      if (this.text[i] === "}") break;
      if (this.text[i] !== ",") throw new Found("Expecting ',' delimiter", i);
      i = this.space(i + 1);
    }
    this.end = i + 1;
  }

  private array(at: number): void {
    let i = this.space(at + 1);
    const empty = this.text[i] === "]";
    while (!empty) {
      this.value(i);
      i = this.space(this.end);
      if (this.text[i] === "]") break;
      if (this.text[i] !== ",") throw new Found("Expecting ',' delimiter", i);
      i = this.space(i + 1);
    }
    this.end = i + 1;
  }
}
