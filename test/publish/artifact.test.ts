import { mkdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readHostileRun } from "../../src/publish/artifact.ts";
import { renderComment } from "../../src/report/comment.ts";
import { STORIES } from "../report/stories.ts";
import { tempDir } from "../support/temp-dir.ts";

async function artifact(story = "regressed"): Promise<string> {
  const folder = join(await tempDir(), "run");
  await mkdir(folder);
  const input = STORIES[story]!();
  const { run, verdict, comparison, measurements } = input;
  for (const [name, value] of Object.entries({ run, verdict, comparison, measurements })) {
    if (value !== null) await writeFile(join(folder, `${name}.json`), JSON.stringify(value));
  }
  await writeFile(join(folder, "report.md"), renderComment(input));
  return folder;
}

const change = async (folder: string, name: string, edit: (value: Record<string, unknown>) => object) => {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify(edit(JSON.parse(await readFile(path, "utf8")))));
};

describe("readHostileRun", () => {
  it.each(Object.keys(STORIES))("takes what the tool writes: %s", async (story) => {
    const read = await readHostileRun(await artifact(story));
    expect(read.verdict.verdict).toBe(STORIES[story]!().verdict.verdict);
  });

  const attacks: [name: string, attack: (folder: string) => Promise<unknown>, line: RegExp][] = [
    [
      "a link",
      (folder) => symlink("/etc/passwd", join(folder, "x.json")),
      /run\/x\.json: a link or a special file/,
    ],
    [
      "a link in place of a file",
      async (folder) => {
        await rm(join(folder, "run.json"));
        await symlink("/etc/passwd", join(folder, "run.json"));
      },
      /run\.json: a link or a special file/,
    ],
    [
      "a deep tree",
      (folder) => mkdir(join(folder, "a/b/c/d/e/f/g/h"), { recursive: true }),
      /deeper than 6 folders: refused/,
    ],
    [
      "a name that leads elsewhere",
      (folder) => writeFile(join(folder, "..\\..\\x"), ""),
      /a name that leads elsewhere: refused/,
    ],
    [
      "a large file",
      (folder) => truncate(join(folder, "comparison.json"), 9 * 1024 ** 2),
      /comparison\.json: 9 MiB, expected at most 8 MiB: refused/,
    ],
    [
      "a gibibyte of another file",
      async (folder) => {
        await writeFile(join(folder, "traces.jsonl"), "");
        await truncate(join(folder, "traces.jsonl"), 1024 ** 3 + 1);
      },
      /more than 1024 MiB: refused/,
    ],
    [
      "no verdict",
      (folder) => rm(join(folder, "verdict.json")),
      /verdict\.json: no such file: the run did not end/,
    ],
    [
      "another shape",
      (folder) => change(folder, "verdict.json", () => ({})),
      /verdict\.json: schemaVersion: /,
    ],
    ["no JSON", (folder) => writeFile(join(folder, "run.json"), "[".repeat(100_000)), /run\.json: not JSON/],
    [
      "a loss that calls itself a success",
      (folder) => change(folder, "verdict.json", (verdict) => ({ ...verdict, conclusion: "success" })),
      /contradicts its conclusion success/,
    ],
    [
      "a number that is none",
      (folder) => change(folder, "verdict.json", (verdict) => ({ ...verdict, exitCode: 0 })),
      /contradicts its exit code 0/,
    ],
    [
      "a tag",
      (folder) => writeFile(join(folder, "report.md"), "<script>alert(1)</script>"),
      /report\.md: it holds HTML that is not allowed \(<script>\): refused/,
    ],
    [
      "the marker of a second comment",
      (folder) => writeFile(join(folder, "report.md"), "<!-- vllm-gate:a -->\n<!-- vllm-gate:b -->"),
      /report\.md: it holds the marker of another comment: refused/,
    ],
  ];
  it.each(attacks)("refuses %s", async (_, attack, line) => {
    const folder = await artifact();
    await attack(folder);
    await expect(readHostileRun(folder)).rejects.toThrow(line);
  });
});
