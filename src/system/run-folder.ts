import { randomBytes } from "node:crypto";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, UsageError } from "../domain/errors.ts";
import { RUN_FILES, type RunRecord, runRecordSchema } from "../domain/run.ts";
import { type RequestTrace, requestTraceSchema } from "../domain/trace.ts";
import { briefly, readJson, readTextIfExists, sha256, writeJson } from "./files.ts";

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
  const run = await readJson(join(folder, RUN_FILES.run), runRecordSchema);
  const path = join(folder, RUN_FILES.traces);
  const text = (await readTextIfExists(path)) ?? "";
  return { run, traces: parseTraces(text, path) };
}

function parseTraces(text: string, path: string): RequestTrace[] {
  const lines = text.split("\n");
  // A killed writer leaves a last line without its end.
  lines.pop();
  return lines.flatMap((line, index) => {
    if (line === "") return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new UsageError(`${path}:${index + 1}: not JSON (${briefly(messageOf(error))})`);
    }
    const parsed = requestTraceSchema.safeParse(value);
    if (parsed.success) return [parsed.data];
    const issue = parsed.error.issues[0];
    throw new UsageError(`${path}:${index + 1}: ${issue?.path.join(".")}: ${issue?.message}`);
  });
}

/** SHA-256 over a run's record and traces: what its numbers came from. */
export async function hashRun(folder: string): Promise<string> {
  const parts = await Promise.all(
    [RUN_FILES.run, RUN_FILES.traces].map((name) => readFile(join(folder, name), "utf8").catch(() => "")),
  );
  return sha256(parts.join("\0"));
}
