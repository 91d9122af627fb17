import { open, readdir, realpath, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { monotonicS } from "../system/clock.ts";

/** Files that hold weights, of the formats that vLLM loads. */
const WEIGHTS = /\.(?:safetensors|bin|pt|pth|gguf)$/;
/** Files of one call: a command line has an end. */
const BATCH = 200;

export interface WeightFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** The weight files of a model's folder; links, as Hugging Face's cache is made of, are followed. */
export async function weightFiles(folder: string): Promise<WeightFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => WEIGHTS.test(name)).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      try {
        const path = await realpath(join(folder, name));
        const { size, isFile } = await stat(path).then((entry) => ({
          size: entry.size,
          isFile: entry.isFile(),
        }));
        return isFile ? [{ path, sizeBytes: size }] : [];
      } catch {
        return [];
      }
    }),
  );
  return files.flat();
}

/** How much of some files lies in the page cache. */
export interface Residency {
  readonly files: number;
  readonly sizeBytes: number;
  /** Null when it cannot be told: there is no `fincore` (util-linux) on this machine. */
  readonly residentBytes: number | null;
  /** 0–1. */
  readonly residentShare: number | null;
}

/** What `fincore --bytes --raw --noheadings --output RES` printed, one number a line, as their sum. */
export function parseFincore(output: string): number | null {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  return lines.every((line) => /^\d{1,18}$/.test(line))
    ? lines.reduce((sum, line) => sum + Number(line), 0)
    : null;
}

/** Looks how much of the files is in the page cache, without reading them. Never rejects. */
export async function readResidency(files: readonly WeightFile[], program = "fincore"): Promise<Residency> {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  let resident: number | null = 0;
  for (let first = 0; first < files.length && resident !== null; first += BATCH) {
    const paths = files.slice(first, first + BATCH).map(({ path }) => path);
    const result = await execa(
      program,
      ["--bytes", "--raw", "--noheadings", "--output", "RES", "--", ...paths],
      {
        reject: false,
        timeout: 10_000,
        stdin: "ignore",
        maxBuffer: 1_000_000,
      },
    );
    const bytes = result.exitCode === 0 ? parseFincore(result.stdout) : null;
    resident = bytes === null ? null : resident + bytes;
  }
  return {
    files: files.length,
    sizeBytes,
    residentBytes: resident,
    residentShare: resident === null || sizeBytes === 0 ? null : Math.min(1, resident / sizeBytes),
  };
}

/**
 * Asks the kernel to forget what it keeps of the files, by `dd` of coreutils (`posix_fadvise`): unlike
 * `/proc/sys/vm/drop_caches` this needs no root and leaves the rest of the machine's cache alone. What a process has
 * mapped stays; {@link readResidency} tells. Never rejects.
 */
export async function dropFromPageCache(files: readonly WeightFile[]): Promise<void> {
  const paths = files.map(({ path }) => path);
  for (let first = 0; first < paths.length; first += BATCH) {
    await execa("sync", ["--data", "--", ...paths.slice(first, first + BATCH)], {
      reject: false,
      timeout: 60_000,
      stdin: "ignore",
    });
  }
  for (const { path } of files) {
    await execa("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"], {
      reject: false,
      timeout: 10_000,
      stdin: "ignore",
    });
  }
}

/** How fast files were read from their beginning to their end, one after the other. */
export interface TimedRead {
  readonly bytes: number;
  readonly seconds: number;
  /** False when the time was up before the end. */
  readonly whole: boolean;
}

/** A chunk is large enough that the kernel reads ahead as far as it ever does. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/**
 * Reads files as a loader does that takes one after the other, and throws away what they hold. Afterwards they lie in
 * the page cache, as far as there is room.
 *
 * @param limitS - reading ends after that; files of hundreds of gigabytes would take longer than what they tell is worth
 * @throws Error when a file cannot be read
 */
export async function readThrough(files: readonly WeightFile[], limitS: number): Promise<TimedRead> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  const beganS = monotonicS();
  let bytes = 0;
  for (const { path } of files) {
    await using file = await open(path, "r");
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES);
      bytes += bytesRead;
      const seconds = monotonicS() - beganS;
      if (bytesRead === 0) break;
      if (seconds > limitS) return { bytes, seconds, whole: false };
    }
  }
  return { bytes, seconds: monotonicS() - beganS, whole: true };
}

/**
 * Empties the machine's page cache, dentries and inodes. Only root may, and every program of the machine pays for it.
 *
 * @throws Error when this is not root, or the kernel does not allow it (a container)
 */
export async function dropAllCaches(root = "/"): Promise<void> {
  // What is not written yet stays.
  await execa("sync", { reject: false, timeout: 60_000, stdin: "ignore" });
  await writeFile(join(root, "proc/sys/vm/drop_caches"), "3");
}
