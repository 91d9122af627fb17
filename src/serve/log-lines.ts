/** A log is untrusted input: nothing is matched beyond this many characters of a line. */
const MAX_LINE_CHARS = 16 * 1024;

/** Progress bars redraw themselves with `\r`, so one line of a file may be many on a screen, but not endlessly. */
const MAX_RAW_LINE_CHARS = 1024 * 1024;

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

/** The records that a line of a log file holds, with the text of each. */
export function readLine(line: string): (LogRecord & { text: string })[] {
  let process = "";
  return expandLine(line).map((text) => {
    const record = splitRecord(text);
    // Text after a progress bar has lost the prefix of its line.
    process = record.process || process;
    return { ...record, process, text };
  });
}

/** Whether a record may tell of a failure: warnings and information quote errors that were survived. */
export function isError({ level }: LogRecord): boolean {
  return level === null || level === "ERROR" || level === "CRITICAL";
}
