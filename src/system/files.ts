import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { ZodType } from "zod";
import { messageOf, UsageError } from "../domain/errors.ts";

/**
 * Writes a whole file or nothing: to a temporary name beside it, synced, then renamed. A killed process
 * leaves the old file or the new one, never half of either.
 */
export async function writeFileAtomic(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** {@link writeFileAtomic} of a value as indented JSON with a final newline. */
export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 1)}\n`);
}

/** The text of a file, or null when there is none. */
export async function readTextIfExists(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/**
 * Parses text as JSON of a schema.
 *
 * @param source - what the text is called in an error, e.g. its path
 * @throws UsageError naming the source, the key and what was expected
 */
export function parseJson<T>(text: string, schema: ZodType<T>, source: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${source}: not JSON (${messageOf(error)})`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = issue?.path.join(".") || "(the whole file)";
  throw new UsageError(`${source}: ${key}: ${issue?.message ?? "not what was expected"}`);
}

/**
 * Reads a JSON file of a schema.
 *
 * @throws UsageError when it is missing, not JSON, or of another shape
 */
export async function readJson<T>(path: string, schema: ZodType<T>): Promise<T> {
  const text = await readTextIfExists(path);
  if (text === null) throw new UsageError(`${path}: no such file`);
  return parseJson(text, schema, path);
}

/** SHA-256 of a text, in hexadecimal. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
