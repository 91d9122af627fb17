import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { weightFiles } from "./page-cache.ts";

const TOKENIZER =
  /^(?:tokenizer\.json|tokenizer\.model|tokenizer_config\.json|vocab\.json|merges\.txt|tekken\.json)$/;
/** A file that is larger is not one of these. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Which state of a model and of its tokenizer a folder holds; null where it holds none. */
export interface ModelRevision {
  readonly model: string | null;
  readonly tokenizer: string | null;
}

/**
 * The revision of the files in a model's folder. In Hugging Face's cache the folder is named by its commit; of any
 * other the configuration and the names and sizes of the weight files stand for it, since reading tens of gigabytes
 * would warm the page cache that a cold start is to find cold.
 */
export async function readModelRevision(folder: string): Promise<ModelRevision> {
  const tokenizer = await hashFiles(folder, (name) => TOKENIZER.test(name));
  const commit = basename(folder);
  if (/^[0-9a-f]{40}$/.test(commit) && basename(dirname(folder)) === "snapshots") {
    return { model: commit.slice(0, 12), tokenizer };
  }
  const config = await hashFiles(folder, (name) => name === "config.json");
  if (config === null) return { model: null, tokenizer };
  const weights = await weightFiles(folder);
  const listing = weights.map(({ path, sizeBytes }) => `${basename(path)} ${sizeBytes}`).join("\n");
  return { model: digest([config, listing]), tokenizer };
}

async function hashFiles(folder: string, wanted: (name: string) => boolean): Promise<string | null> {
  const names = (await readdir(folder).catch(() => [])).filter(wanted).sort();
  const parts: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const { size } = await stat(path).catch(() => ({ size: Number.POSITIVE_INFINITY }));
    if (size > MAX_BYTES) continue;
    const content = await readFile(path).catch(() => null);
    if (content !== null) parts.push(`${name} ${createHash("sha256").update(content).digest("hex")}`);
  }
  return parts.length === 0 ? null : digest(parts);
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 12);
}
