import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, UsageError } from "../domain/errors.ts";
import { RUN_FILES, type RunRecord, runRecordSchema } from "../domain/run.ts";
import { type RequestTrace, requestTraceSchema } from "../domain/trace.ts";
import { briefly, readJson, sha256, writeJson } from "./files.ts";

/** A name for a run that sorts by time and cannot collide: `20261122T063500Z-3fa2`. */
export function newRunId(now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, "").replace(/\.\d+/, "");
  return `${stamp}-${randomBytes(2).toString("hex")}`;
}

/** Writes `run.json`. */
export function writeRun(folder: string, run: RunRecord): Promise<void> {
  return writeJson(join(folder, RUN_FILES.run), run);
}

/** Appends lines to `traces.jsonl` in one write. */
export async function appendTraces(folder: string, traces: readonly RequestTrace[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const text = traces.map((trace) => `${JSON.stringify(trace)}\n`).join("");
  await appendFile(join(folder, RUN_FILES.traces), text);
}

/**
 * Reads a run folder, made by this tool or by anything that writes `run.json` and `traces.jsonl`.
 *
 * @throws UsageError naming the file, the line, the key and what was expected
 */
export async function readRunFolder(folder: string): Promise<{ run: RunRecord; traces: RequestTrace[] }> {
  const run = await readRunRecord(folder);
  const traces: RequestTrace[] = [];
  for await (const trace of readTraces(folder)) traces.push(trace);
  return { run, traces };
}

/** Reads `run.json`. */
export function readRunRecord(folder: string): Promise<RunRecord> {
  return readJson(join(folder, RUN_FILES.run), runRecordSchema);
}

/**
 * The lines of `traces.jsonl`, one after another, so that a file of gigabytes needs no memory of that size. A folder
 * without the file has none.
 *
 * @param needsArrivals - whether a trace's `arrivals` are read too, asked with the trace without them. They are most of
 * the file, and reading them takes most of the time: where they are not, they are not checked either.
 * @throws UsageError naming the file, the line, the key and what was expected
 */
export async function* readTraces(
  folder: string,
  needsArrivals?: (trace: RequestTrace) => boolean,
): AsyncGenerator<RequestTrace> {
  const path = join(folder, RUN_FILES.traces);
  let number = 0;
  for await (const lines of wholeLines(path)) {
    for (const line of lines) {
      number += 1;
      if (line === "") continue;
      const where = `${path}:${number}`;
      const short = needsArrivals === undefined ? null : withoutArrivals(line);
      const trace = parseTrace(short ?? line, where);
      yield short !== null && needsArrivals?.(trace) === true ? parseTrace(line, where) : trace;
    }
  }
}

/** A file's lines, as many at once as were read at once. A killed writer leaves a last line without its end: it is left out. */
async function* wholeLines(path: string): AsyncGenerator<string[]> {
  let rest = "";
  try {
    for await (const text of createReadStream(path, { encoding: "utf8", highWaterMark: READ_AT_ONCE })) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      yield lines;
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

const READ_AT_ONCE = 1 << 20;

const ARRIVALS = '"arrivals":[[';

/**
 * A trace's line with a key that nobody reads in place of its `arrivals`; null where they are not found as this tool
 * writes them. Within a string they cannot be: its quotes are escaped.
 */
function withoutArrivals(line: string): string | null {
  const begin = line.indexOf(ARRIVALS);
  const end = begin < 0 ? -1 : line.indexOf("]]", begin + ARRIVALS.length);
  return end < 0 ? null : `${line.slice(0, begin)}"_":0${line.slice(end + 2)}`;
}

function parseTrace(line: string, where: string): RequestTrace {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UsageError(`${where}: not JSON (${briefly(messageOf(error))})`);
  }
  const parsed = requestTraceSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError(`${where}: ${issue?.path.join(".")}: ${issue?.message}`);
}

/** SHA-256 over a run's record and traces: what its numbers came from. */
export async function hashRun(folder: string): Promise<string> {
  const parts = await Promise.all(
    [RUN_FILES.run, RUN_FILES.traces].map((name) => readFile(join(folder, name), "utf8").catch(() => "")),
  );
  return sha256(parts.join("\0"));
}
