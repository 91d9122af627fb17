/** vLLM's log lines: process prefix, level, time, source, message. */
import { atLeast } from "./settings.ts";

/** Which of vLLM's processes speaks. */
export type Speaker = "APIServer" | "EngineCore" | "Worker";

/** Writes lines as the processes of one vLLM version do; vLLM's logger to stdout, uvicorn and tracebacks to stderr. */
export class VllmLog {
  private readonly bare: boolean;
  private readonly pids: Readonly<Record<Speaker, number>>;
  private readonly out: (text: string) => void;
  private readonly error: (text: string) => void;

  /**
   * @param version decides the prefixes: up to 0.30 every line carries one, later only the logger's own
   */
  constructor(
    version: string,
    pids: Readonly<Record<Speaker, number>>,
    out: (text: string) => void = (text) => void process.stdout.write(text),
    error: (text: string) => void = (text) => void process.stderr.write(text),
  ) {
    this.bare = atLeast(version, 0, 31);
    this.pids = pids;
    this.out = out;
    this.error = error;
  }

  /** A line of vLLM's logger; `source` is `file.py:line`. */
  line(speaker: Speaker, level: "INFO" | "WARNING" | "ERROR", source: string, message: string): void {
    const head = `(${speaker} pid=${this.pids[speaker]}) ${level} ${timestamp(new Date())} [${source}] `;
    this.out(
      message
        .split("\n")
        .map((part) => `${head}${part}\n`)
        .join(""),
    );
  }

  /** A line that a process prints past the logger, to stderr: tracebacks, uvicorn. */
  raw(speaker: Speaker, message: string): void {
    this.error(this.prefixed(speaker, message));
  }

  /** uvicorn's access log, to stdout. */
  access(message: string): void {
    this.out(this.prefixed("APIServer", message));
  }

  private prefixed(speaker: Speaker, message: string): string {
    const head = this.bare ? "" : `(${speaker} pid=${this.pids[speaker]}) `;
    return message
      .split("\n")
      .map((part) => `${head}${part}\n`)
      .join("");
  }
}

/** `MM-DD HH:MM:SS` in local time. */
export function timestamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A value as Python's repr writes it; an object with `toPython` writes that. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return pythonString(value);
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  if ("toPython" in value) return String(value.toPython);
  const items = Object.entries(value).map(([key, item]) => `${pythonRepr(key)}: ${pythonRepr(item)}`);
  return `{${items.join(", ")}}`;
}

function pythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

/** A number as Python's str writes a float: `2.0`. */
export function pythonFloat(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
