import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { VerdictFile } from "../src/domain/verdict.ts";
import { fitLength, MAX_COMMENT_LENGTH } from "../src/publish/fit.ts";
import { commentParts } from "../src/report/comment.ts";
import { overallOf, worstFirst } from "../src/report/overview.ts";
import { sinceLast } from "../src/report/since-last.ts";
import { cellsOf, mergeRuns, readAll, readReported, runFolders } from "../src/reporting.ts";
import { STORIES } from "./report/stories.ts";
import { runCli } from "./support/cli.ts";
import { tempDir } from "./support/temp-dir.ts";

/** A folder of runs as a matrix leaves them, each named after its story. */
async function matrix(names: readonly string[]): Promise<string> {
  const cwd = await tempDir();
  for (const name of names) {
    const folder = join(cwd, "runs", name);
    await mkdir(folder, { recursive: true });
    const { run, verdict, comparison, measurements } = STORIES[name]!();
    const handoff = { schemaVersion: 1, pullRequest: 7, headSha: "a".repeat(40), cell: name };
    const files = { run, verdict, comparison, measurements, publish: handoff };
    for (const [file, value] of Object.entries(files)) {
      if (value !== null) await writeFile(join(folder, `${file}.json`), JSON.stringify(value));
    }
  }
  return cwd;
}

async function merged(cwd: string, expected: readonly string[] = []) {
  const { runs, unread } = await readAll(await runFolders(["runs/*"], cwd), readReported);
  return mergeRuns(cellsOf(runs, unread, expected, cwd));
}

const verdictOf = (changes: Partial<VerdictFile>): VerdictFile => ({
  ...STORIES["pass"]!().verdict,
  ...changes,
});
const cell = (name: string, verdict: VerdictFile | null) => ({
  name,
  verdict,
  problem: verdict === null ? "gone" : null,
  machine: "",
  parts: [],
});

describe("the runs of a matrix", () => {
  it("are one comment, the worst first, details folded", async () => {
    const cwd = await matrix(["pass", "regressed", "failed-start", "no-baseline"]);
    const { overall, parts } = await merged(cwd);
    expect(overall).toMatchObject({ verdict: "regressed", exitCode: 1, conclusion: "failure" });
    expect(overall.headline).toMatch(/^3 of 4 runs block: regressed: /);
    const table = parts.find(({ name }) => name === "overview")?.text ?? "";
    expect(
      table
        .split("\n")
        .slice(2)
        .map((row) => row.split("|")[1]?.trim()),
    ).toEqual(["regressed", "failed-start", "no-baseline", "pass"]);
    expect(parts.filter(({ name }) => name === "run")).toHaveLength(4);
  });

  it("are shown whole where there are forty", async () => {
    const verdicts = Object.keys(STORIES).filter((name) => name !== "many-metrics");
    const cells = Array.from({ length: 40 }, (_, index) => {
      const input = STORIES[verdicts[index % verdicts.length]!]!();
      const name = `model-${Math.floor(index / 8)}, gpu ${index % 8}`;
      const machine = index % 2 === 0 ? "NVIDIA H200" : "4 × NVIDIA H100 80GB HBM3";
      return { name, verdict: input.verdict, problem: null, machine, parts: commentParts(input) };
    });
    const missing = {
      name: "model-9",
      verdict: null,
      problem: "No run of this name",
      machine: "",
      parts: [],
    };
    const { parts } = mergeRuns([...cells.slice(0, 39), missing]);
    // What GitHub takes still has the overview: every run in a row of its own.
    const fitted = fitLength(parts, MAX_COMMENT_LENGTH, "the job's summary");
    expect(fitted.length).toBeLessThanOrEqual(MAX_COMMENT_LENGTH);
    await expect(fitted).toMatchFileSnapshot("golden/comment-matrix-40.md");
    expect(fitted.match(/^\| model-/gm)).toHaveLength(40);
  });

  it("fail where one is missing, damaged or did not end", async () => {
    const cwd = await matrix(["pass", "improved"]);
    expect((await merged(cwd, ["pass", "improved"])).overall).toMatchObject({
      exitCode: 0,
      conclusion: "success",
    });
    const missing = await merged(cwd, ["pass", "improved", "third"]);
    expect(missing.overall).toMatchObject({ verdict: "failed", exitCode: 4, conclusion: "failure" });
    expect(missing.parts[2]?.text).toMatch(/third .*❌ missing/);
    await writeFile(join(cwd, "runs", "improved", "verdict.json"), "{");
    const damaged = await merged(cwd);
    expect(damaged.overall.exitCode).toBe(4);
    expect(damaged.overall.headline).toMatch(/1 of 2 runs blocks: improved: .*not JSON/);
    expect((await merged(await tempDir())).overall.headline).toBe("There is no run to report");
  });

  it("of one name are told apart", async () => {
    const cwd = await matrix(["pass", "improved"]);
    const handoff = { schemaVersion: 1, pullRequest: 7, headSha: "a".repeat(40), cell: "same" };
    for (const name of ["pass", "improved"]) {
      await writeFile(join(cwd, "runs", name, "publish.json"), JSON.stringify(handoff));
    }
    const { parts } = await merged(cwd);
    expect(parts[2]?.text).toMatch(/same \(improved\)[\s\S]*same \(pass\)/);
  });

  it("are neutral where none blocks and not all passed", () => {
    const warned = verdictOf({ verdict: "inconclusive", conclusion: "neutral" });
    expect(overallOf([cell("a", verdictOf({})), cell("b", warned)])).toMatchObject({
      verdict: "inconclusive",
      exitCode: 0,
      conclusion: "neutral",
    });
    const silenced = verdictOf({ verdict: "regressed", reportOnly: true, conclusion: "neutral" });
    expect(overallOf([cell("a", silenced)])).toMatchObject({ exitCode: 0, conclusion: "neutral" });
  });

  it("with a cancelled one fail, by no signal of this process", () => {
    const cancelled = verdictOf({
      verdict: "failed",
      cause: "cancelled",
      exitCode: 143,
      conclusion: "cancelled",
    });
    expect(overallOf([cell("a", cancelled)])).toMatchObject({ exitCode: 4, conclusion: "failure" });
  });

  it("show what blocks above the same verdict that does not", () => {
    const blocks = verdictOf({ verdict: "regressed", exitCode: 1, conclusion: "failure" });
    const silenced = { ...blocks, exitCode: 0, reportOnly: true };
    const names = worstFirst([cell("silenced", silenced), cell("gone", null), cell("blocks", blocks)]);
    expect(names.map(({ name }) => name)).toEqual(["blocks", "silenced", "gone"]);
  });

  it("are printed by the command, which ends as the worst of them", async () => {
    const cwd = await matrix(["pass", "regressed"]);
    const both = await runCli(["report", "runs/*"], { cwd });
    expect(both.code, both.stderr).toBe(1);
    expect(both.stdout).toContain("### ❌ regressed · vllm-gate · 2 runs");
    const one = await runCli(["report", "runs/pass"], { cwd });
    expect(one.code).toBe(0);
    expect(one.stdout).toContain("### ✅ pass");
    expect(await readFile(join(cwd, "runs", "pass", "report.html"), "utf8")).toContain("<h1>✅ pass");
    const absent = await runCli(["report", "runs/pass", "--cells", "pass", "other"], { cwd });
    expect(absent.code).toBe(4);
    const nothing = await runCli(["report", "none"], { cwd });
    expect(nothing.stderr).toContain("none: no such folder, expected a run folder");
    expect(nothing.code).toBe(2);
  });
});

describe("sinceLast", () => {
  const { verdict, comparison } = STORIES["regressed"]!();
  const now = { commit: "b".repeat(40), verdict: verdict.verdict, comparison };
  const worse = comparison?.comparisons.find((each) => each.level === "gate" && each.verdict === "regressed");
  const metric = worse?.metric ?? "";

  it("tells the verdict and the metrics whose own verdict is another", () => {
    const text = sinceLast(
      { commit: "a".repeat(40), verdict: "pass", metrics: { [metric]: [1, "pass"] } },
      now,
    );
    expect(text).toMatch(/^Since `aaaaaaaaaa`: pass → \*\*regressed\*\*\n\n\| metric/);
    expect(text).toContain(`\`${metric}\``);
    expect(text).toContain("pass → regressed");
  });

  it("says nothing where nothing changed, and names a run of the same commit", () => {
    const same = { commit: now.commit, verdict: "regressed" as const, metrics: {} };
    expect(sinceLast(same, now)).toBeNull();
    expect(sinceLast({ ...same, verdict: "invalid" }, now)).toBe(
      "Since the last run of this commit: invalid → **regressed**",
    );
    expect(sinceLast({ ...same, metrics: { constructor: [1, "pass"] as const } }, now)).toBeNull();
  });
});
