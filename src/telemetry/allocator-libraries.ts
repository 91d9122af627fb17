import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Allocator } from "../domain/node.ts";

/** Where distributions and pip's users put libraries. */
const FOLDERS = [
  "usr/local/lib",
  "usr/lib/x86_64-linux-gnu",
  "usr/lib/aarch64-linux-gnu",
  "usr/lib64",
  "usr/lib",
  "lib/x86_64-linux-gnu",
  "lib64",
];

/** Libraries by name, the better choice first. glibc's own allocator is in every process. */
const NAMES: Readonly<Record<Exclude<Allocator, "glibc">, RegExp>> = {
  jemalloc: /^libjemalloc\.so\.\d+$/,
  tcmalloc: /^libtcmalloc(?:_minimal)?\.so\.\d+$/,
  mimalloc: /^libmimalloc\.so\.\d+(?:\.\d+)?$/,
};

/** The libraries that `LD_PRELOAD` can put in place of glibc's allocator on this machine. */
export async function findAllocators(root = "/"): Promise<Partial<Record<Allocator, string>>> {
  const found: Partial<Record<Allocator, string>> = {};
  for (const folder of FOLDERS) {
    // The shortest name first: `libtcmalloc` before `libtcmalloc_minimal`.
    const names = (await readdir(join(root, folder)).catch(() => [])).sort(
      (a, b) => a.length - b.length || a.localeCompare(b),
    );
    for (const [allocator, pattern] of Object.entries(NAMES) as [Allocator, RegExp][]) {
      const name = names.find((each) => pattern.test(each));
      if (name !== undefined) found[allocator] ??= join(root, folder, name);
    }
  }
  return found;
}

/** Modes of transparent huge pages. */
export const THP_MODES = ["always", "madvise", "never"] as const;
export type ThpMode = (typeof THP_MODES)[number];

/** The file whose bracketed word is the mode. */
export const THP_FILE = "sys/kernel/mm/transparent_hugepage/enabled";
