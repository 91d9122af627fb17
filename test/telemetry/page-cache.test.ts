import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dropAllCaches, readThrough, weightFiles } from "../../src/telemetry/page-cache.ts";
import { tempDir } from "../support/temp-dir.ts";

it("reads weight files from their beginning to their end, and says how fast", async () => {
  const folder = await tempDir();
  await writeFile(join(folder, "a.safetensors"), randomBytes(3_000_000));
  await writeFile(join(folder, "b.safetensors"), randomBytes(17_000_000));
  await writeFile(join(folder, "config.json"), "{}");
  const files = await weightFiles(folder);
  const read = await readThrough(files, 60);
  expect(read).toMatchObject({ bytes: 20_000_000, whole: true });
  expect(read.seconds).toBeGreaterThan(0);
});

it("stops reading when the time is up", async () => {
  const folder = await tempDir();
  await writeFile(join(folder, "a.safetensors"), randomBytes(40_000_000));
  const read = await readThrough(await weightFiles(folder), 0);
  expect(read.whole).toBe(false);
  expect(read.bytes).toBeLessThan(40_000_000);
});

it("empties the whole page cache by the kernel's file, and says when it may not", async () => {
  const root = await tempDir();
  await expect(dropAllCaches(root)).rejects.toThrow("ENOENT");
  await mkdir(join(root, "proc/sys/vm"), { recursive: true });
  await dropAllCaches(root);
  expect(await readFile(join(root, "proc/sys/vm/drop_caches"), "utf8")).toBe("3");
});
