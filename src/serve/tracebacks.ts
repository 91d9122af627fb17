import { FATAL_ANNOUNCEMENT } from "./failure-patterns.ts";
import type { LogRecord } from "./log-lines.ts";

/** A line with its place in the log; continuation lines of a progress bar share one. */
export interface PlacedRecord extends LogRecord {
  line: number;
}

/** An exception as printed at the end of a traceback. */
export interface Raised {
  record: PlacedRecord;
  type: string;
  message: string;
  /** Announced as what ended its process. */
  fatal: boolean;
  /** Follows from the exception before it, by `raise … from` or by failing to handle it. */
  chained: "cause" | "context" | null;
}

const TRACEBACK = /^( {0,64})(?:\+ Exception Group )?Traceback \(most recent call last\):/;
const EXCEPTION = /^([A-Za-z_][\w.]{0,255})(?:: ?(.*))?$/;
const CHAIN_NOTICE =
  /^\s{0,64}(?:The above exception was the (direct cause) of|During handling of the above exception, another)/;
const NOT_A_CONTINUATION =
  /^(?:\[|Traceback |Process |Exception ignored|The above exception|During handling|usage: |\S{1,256}:\d{1,6}: \w{1,64}Warning)/;
const MAX_CONTINUATION_LINES = 12;

/** Every exception that a traceback in the log ends with, in the order of the log. */
export function findRaised(records: readonly PlacedRecord[]): Raised[] {
  const byProcess = Map.groupBy(records, ({ process }) => process);
  return [...byProcess.values()].flatMap(raisedInProcess).sort((a, b) => a.record.line - b.record.line);
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

export function sentenceOf({ type, message }: Raised): string {
  return `${type}: ${message}`;
}
