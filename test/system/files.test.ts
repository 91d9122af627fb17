import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UsageError } from "../../src/domain/errors.ts";
import {
  briefly,
  parseJson,
  readCheckedOut,
  readJson,
  readTextIfExists,
  sha256,
  writeFileAtomic,
  writeJson,
} from "../../src/system/files.ts";
import { startNode } from "../support/child-processes.ts";
import { usageErrorOf } from "../support/errors.ts";
import { tempDir } from "../support/temp-dir.ts";

const FILES = fileURLToPath(new URL("../../src/system/files.ts", import.meta.url));

describe("writeFileAtomic", () => {
  it("makes the folders that are missing", async () => {
    const path = join(await tempDir(), "a", "b", "c.txt");
    await writeFileAtomic(path, "text");
    expect(await readFile(path, "utf8")).toBe("text");
  });

  it("replaces what was there, also by less", async () => {
    const folder = await tempDir();
    await writeFileAtomic(join(folder, "a"), "a long text");
    await writeFileAtomic(join(folder, "a"), "");
    expect(await readFile(join(folder, "a"), "utf8")).toBe("");
    expect(await readdir(folder)).toEqual(["a"]);
  });

  it("leaves a whole file when the writer is killed", async () => {
    const path = join(await tempDir(), "file");
    const size = 4_000_000;
    const script = `
      const { writeFileAtomic } = await import(${JSON.stringify(FILES)});
      const contents = ["a", "b"].map((letter) => letter.repeat(${size}));
      for (let n = 0; ; n += 1) {
        await writeFileAtomic(${JSON.stringify(path)}, contents[n % 2]);
        if (n === 1) console.log("writing");
      }`;
    for (let kill = 0; kill < 6; kill += 1) {
      const writer = startNode(script);
      await writer.line(/writing/);
      // Somewhere within one of the next writes.
      await new Promise((resolve) => setTimeout(resolve, kill * 7));
      writer.process.kill("SIGKILL");
      await writer.ended;
      const content = await readFile(path, "latin1");
      expect(content.length).toBe(size);
      expect(content.replaceAll(content.charAt(0), "")).toBe("");
    }
  });

  it("never shows a reader half a file", async () => {
    const path = join(await tempDir(), "file");
    const contents = ["a".repeat(300_000), "b".repeat(200_000)];
    await writeFileAtomic(path, contents[0]!);
    let writing = true;
    const writer = (async () => {
      for (let n = 0; n < 60; n += 1) await writeFileAtomic(path, contents[n % 2]!);
      writing = false;
    })();
    let reads = 0;
    while (writing) {
      expect(contents.includes(await readFile(path, "latin1"))).toBe(true);
      reads += 1;
    }
    await writer;
    expect(reads).toBeGreaterThan(5);
  });

  it("lets writers of one file run side by side: one of them wins", async () => {
    const folder = await tempDir();
    const contents = Array.from({ length: 20 }, (_, index) => String(index).repeat(10_000));
    await Promise.all(contents.map((content) => writeFileAtomic(join(folder, "file"), content)));
    expect(contents).toContain(await readFile(join(folder, "file"), "utf8"));
    expect(await readdir(folder)).toEqual(["file"]);
  });

  it("leaves nothing behind when it fails", async () => {
    const folder = await tempDir();
    await mkdir(join(folder, "taken", "inner"), { recursive: true });
    await expect(writeFileAtomic(join(folder, "taken"), "text")).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(await readdir(folder)).toEqual(["taken"]);
  });
});

describe("writeJson", () => {
  it("writes lines that a diff reads well, with a last line end", async () => {
    const path = join(await tempDir(), "a.json");
    await writeJson(path, { a: [1, { b: null }] });
    expect(await readFile(path, "utf8")).toBe('{\n "a": [\n  1,\n  {\n   "b": null\n  }\n ]\n}\n');
  });
});

describe("readTextIfExists", () => {
  it("is the text, or null when there is no file", async () => {
    const folder = await tempDir();
    await writeFile(join(folder, "a"), "é\n");
    expect(await readTextIfExists(join(folder, "a"))).toBe("é\n");
    expect(await readTextIfExists(join(folder, "b"))).toBeNull();
    expect(await readTextIfExists(join(folder, "none", "b"))).toBeNull();
  });

  it("says in one sentence what is wrong with a path, and writing does too", async () => {
    const folder = await tempDir();
    const file = join(folder, "a");
    await writeFile(file, "x");
    await symlink("loop", join(folder, "loop"));
    const attempts: [() => Promise<unknown>, RegExp][] = [
      [() => readTextIfExists(join(file, "b")), /a\/b: a part of this path is a file, expected a folder/],
      [() => readTextIfExists(join(folder, "loop")), /loop: is a symbolic link to itself/],
      [() => readTextIfExists(join(folder, "n".repeat(300))), /is too long for a path/],
      [() => writeFileAtomic(join(file, "b"), "x"), /a\/b: a part of this path is a file, expected a folder/],
      [() => writeFileAtomic(folder, "x"), /is a folder, expected a file/],
    ];
    for (const [attempt, message] of attempts) {
      await expect(attempt()).rejects.toBeInstanceOf(UsageError);
      await expect(attempt()).rejects.toThrow(message);
    }
  });

  it("does not take a folder for a missing file", async () => {
    await expect(readTextIfExists(await tempDir())).rejects.toThrow(/: is a folder, expected a file/);
  });
});

describe("readCheckedOut", () => {
  it("follows links within the repository only, and tells nothing of what is outside", async () => {
    const folder = await tempDir();
    const root = join(folder, "repository");
    await mkdir(join(root, ".git"), { recursive: true });
    await mkdir(join(root, "a"));
    await mkdir(join(folder, "outside"));
    await writeFile(join(folder, "outside", "secret"), "hunter22");
    await writeFile(join(root, ".git", "config"), "hunter22");
    await writeFile(join(root, "a", "real"), "fine");
    const link = (target: string, name: string) => symlink(target, join(root, name));
    await link("a/real", "inner");
    await link("../outside/secret", "file");
    await link("../outside", "folder");
    await link("../outside/none", "dangling");
    await link(".git/config", "config");
    expect(await readCheckedOut(join(root, "inner"), root)).toBe("fine");
    expect(await readCheckedOut(join(root, "a", "none"), root)).toBeNull();
    expect(await readCheckedOut(join(folder, "outside", "secret"), root)).toBe("hunter22");
    for (const name of ["file", "folder/secret", "folder/none/x", "dangling", "config"]) {
      const reading = readCheckedOut(join(root, name), root);
      await expect(reading, name).rejects.toBeInstanceOf(UsageError);
      await expect(reading).rejects.toThrow(/: a symbolic link leads out of the repository/);
      await expect(reading).rejects.not.toThrow(/hunter22/);
    }
  });
});

describe("briefly", () => {
  it("cuts what a parser quotes", () => {
    expect(briefly("short")).toBe("short");
    expect(briefly(`got "${"x".repeat(500)}" here`)).toBe(`got "${"x".repeat(39)}…" here`);
    expect(briefly("x".repeat(500))).toHaveLength(111);
  });
});

describe("parseJson and readJson", () => {
  const schema = z.object({ a: z.object({ b: z.array(z.number()) }) });

  it("give the value of the schema", async () => {
    const path = join(await tempDir(), "a.json");
    await writeJson(path, { a: { b: [1, 2] } });
    expect(await readJson(path, schema)).toEqual({ a: { b: [1, 2] } });
  });

  it.each<[what: string, text: string, says: RegExp]>([
    ["text that is not JSON", "{a: 1}", /^x\.json: not JSON \(/],
    ["half a file", '{"a": {"b": [1', /^x\.json: not JSON \(/],
    ["nothing", "", /^x\.json: not JSON \(/],
    ["a wrong value", '{"a": {"b": [1, "2"]}}', /^x\.json: a\.b\.1: .*number/],
    ["a missing key", '{"a": {}}', /^x\.json: a\.b: .*array/],
    ["another kind of thing", "[]", /^x\.json: \(the whole file\): .*object/],
  ])("name the source and the key of %s", (_, text, says) => {
    expect(usageErrorOf(() => parseJson(text, schema, "x.json"))).toMatch(says);
  });

  it("name a file that is missing", async () => {
    const path = join(await tempDir(), "none.json");
    const reading = readJson(path, schema);
    await expect(reading).rejects.toBeInstanceOf(UsageError);
    await expect(reading).rejects.toThrow(`${path}: no such file`);
  });
});

describe("sha256", () => {
  it("is the known digest of a known text", () => {
    expect(sha256("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
