import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeHtmlReport } from "../src/html-report.ts";
import { richStory, writeRunFolder } from "./report/run-folder.ts";
import { tempDir } from "./support/temp-dir.ts";

it("writes the report of a run folder", async () => {
  const { input, traces, telemetry } = richStory();
  const folder = await tempDir();
  await writeRunFolder(folder, input, traces, telemetry);
  const warnings: string[] = [];
  await writeHtmlReport(folder, input, { warn: (message) => warnings.push(message) });
  expect(warnings).toEqual([]);
  expect(await readFile(join(folder, "report.html"), "utf8")).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
});

it("warns of what it cannot read, and ends nothing", async () => {
  const { input } = richStory();
  const folder = await tempDir();
  await writeFile(join(folder, "traces.jsonl"), "{broken\n");
  await mkdir(join(folder, "sessions"));
  const warnings: string[] = [];
  await writeHtmlReport(folder, input, { warn: (message) => warnings.push(message) });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(/^report\.html could not be written: .*traces\.jsonl:1: not JSON/);
});
