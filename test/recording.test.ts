import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isAsWritten, readBaselineText } from "../src/baseline/baseline-text.ts";
import type { RunRecord } from "../src/domain/run.ts";
import { recordedParts, recordedText, recordedTitle } from "../src/recorded-text.ts";
import { type RecordOptions, recordRuns } from "../src/recording.ts";
import { writeFileAtomic } from "../src/system/files.ts";
import { appendTraces, writeRun } from "../src/system/run-folder.ts";
import { WRITE_ALL } from "./publish/double/github.ts";
import { startGitHub, TOKEN } from "./publish/support.ts";
import { measuredRun, type ServerSpeed } from "./support/builders.ts";
import { runCli } from "./support/cli.ts";
import { createRepository } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

/** A folder in which runs are made and recorded. */
async function ledger() {
  const cwd = await tempDir();
  let made = 0;
  let path = "";
  return {
    cwd,
    run: async (speed: ServerSpeed = {}, overrides: Partial<RunRecord> = {}): Promise<string> => {
      made += 1;
      const folder = join(cwd, "runs", String(made));
      const { run, traces } = measuredRun(speed, { id: `run-${made}`, ...overrides });
      await writeRun(folder, run);
      await appendTraces(folder, traces);
      return join("runs", String(made));
    },
    record: async (runs: string[], options: RecordOptions = {}) => {
      const recorded = await recordRuns(runs, "baselines", { cwd }, options);
      path = join(cwd, recorded.path);
      return recorded;
    },
    read: async () => readBaselineText(await readFile(path, "utf8"), path),
    edit: async (change: (text: string) => string) =>
      writeFileAtomic(path, change(await readFile(path, "utf8"))),
  };
}

const C8 = "batching.c8.tpot_floor_ms";
const C1 = "batching.c1.tpot_floor_ms";

describe("recordRuns", () => {
  it("records a first baseline, sealed, and says how it came to be", async () => {
    const { run, record, read } = await ledger();
    const { changes, handEdited } = await record([await run({ sessions: 2 })]);
    const baseline = await read();
    expect(isAsWritten(baseline)).toBe(true);
    expect(baseline.change).toMatchObject({ kind: "recorded", reason: null, metrics: null });
    expect(baseline.sessions).toHaveLength(2);
    expect(changes.every(({ old }) => old === null)).toBe(true);
    expect(handEdited).toBe(false);
  });

  it("replaces one by a better or equal one without asking, and shows old and new", async () => {
    const { run, record } = await ledger();
    await record([await run()]);
    const { changes } = await record([await run({ tpotMs: [2.07, 2.0] })]);
    const change = changes.find(({ metric }) => metric === C8);
    expect(change?.old).toBeCloseTo(2.31, 1);
    expect(change?.new).toBeCloseTo(2.0, 1);
  });

  it("extends one: the oldest sessions of more than the window go, a run is there once", async () => {
    const { run, record, read } = await ledger();
    const first = await run({ sessions: 2 });
    await record([first]);
    await record([await run()], { extendTo: 3 });
    expect((await read()).sessions.map((session) => session.run)).toEqual(["run-1", "run-1", "run-2"]);
    await record([await run()], { extendTo: 3, reason: "nightly" });
    const baseline = await read();
    expect(baseline.sessions.map((session) => session.run)).toEqual(["run-1", "run-2", "run-3"]);
    expect(baseline.metrics[C8]?.sessions).toHaveLength(3);
    expect(baseline.metrics[C8]?.n).toBe(6);
    expect(baseline.change).toMatchObject({ kind: "extended", reason: "nightly" });
    await expect(record([first], { extendTo: 5 })).rejects.toThrow("is in the baseline already");
  });

  it("begins one when there is none to extend", async () => {
    const { run, record, read } = await ledger();
    await record([await run()], { extendTo: 5 });
    expect((await read()).sessions).toHaveLength(1);
  });

  it("does not extend one by sessions of another server", async () => {
    const { run, record } = await ledger();
    await record([await run()]);
    const other = await run({}, { variants: { head: { args: ["--enforce-eager"] } } });
    await expect(record([other], { extendTo: 5 })).rejects.toThrow(
      "sessions of one baseline are of one server; record a new baseline, or accept the metrics that moved",
    );
  });

  it("accepts what is in the scope, with a reason; the rest keeps its values", async () => {
    const { run, record, read } = await ledger();
    await record([await run({ tpotMs: [2, 3] })]);
    const before = await read();
    const slower = await run({ tpotMs: [4, 6] });
    await expect(record([slower], { accept: [C8] })).rejects.toThrow("needs --reason");
    await expect(record([slower], { accept: [C8], reason: " " })).rejects.toThrow("expected some words");
    await expect(record([slower], { accept: ["kv.nothing"], reason: "x" })).rejects.toThrow(
      "measured no such metric",
    );
    const { changes } = await record([slower], { accept: [C8], reason: "longer context is worth it" });
    const baseline = await read();
    expect(baseline.change).toMatchObject({
      kind: "accepted",
      reason: "longer context is worth it",
      metrics: [C8],
    });
    expect(baseline.metrics[C8]?.sessions.map((rounds) => rounds.length)).toEqual([0, 2]);
    expect(baseline.metrics[C8]?.sessions[1]?.[0]).toBeGreaterThan(5.5);
    expect(baseline.metrics[C1]?.sessions[0]).toEqual(before.metrics[C1]?.sessions[0]);
    expect(changes.filter((each) => each.old !== each.new).map(({ metric }) => metric)).toEqual([C8]);
    expect(isAsWritten(baseline)).toBe(true);
  });

  it("says what is old, new, kept and why, in the table and in the pull request's text alike", async () => {
    const { run, record } = await ledger();
    const first = await record([await run({ sessions: 2, tpotMs: [2, 3] })]);
    expect(recordedText(first, "Next.")).toMatch(
      /^Recorded baselines\/chat\/.*: 2 new sessions; 2 sessions behind it now\.\nWhy: there was no baseline of this scenario and machine\.\n/,
    );
    expect(recordedTitle(first)).toBe("Record the baseline of chat on NVIDIA H200");

    const slower = await run({ tpotMs: [4, 6] });
    const accepted = await record([slower], { accept: [C8], reason: "longer <b>context</b>" });
    const text = recordedText(accepted, "Next.");
    expect(text).toMatch(
      /^Accepted into .* for batching\.c8\.tpot_floor_ms alone: 1 new session, 2 kept, 0 dropped; 3 sessions/,
    );
    expect(text).toContain("Why: longer <b>context</b>.");
    expect(text).toMatch(/batching\.c8\.tpot_floor_ms +3\S* ms +6\S* ms +\+100 %/);
    expect(text).toMatch(/batching\.c1\.tpot_floor_ms +2\S* ms +2\S* ms +kept/);
    const page = recordedParts(accepted)
      .map((part) => part.text)
      .join("\n\n");
    expect(page).toContain("Why: longer \\<b\\>context\\</b\\>.");
    expect(page).toMatch(/\| `batching\.c8\.tpot_floor_ms` \| +3\S* ms \| +6\S* ms \| \+100 % \|/);
    expect(page).toMatch(/<summary>\d+ metrics kept as they were<\/summary>/);

    const extended = await record([await run({ tpotMs: [4, 6] })], { extendTo: 2 });
    expect(recordedText(extended, "")).toMatch(/^Extended .*: 1 new session, 1 kept, 2 dropped; 2 sessions/);
    const several = await record([await run({ tpotMs: [4, 6] }), await run({ tpotMs: [4, 6] })]);
    expect(recordedText(several, "")).toMatch(
      /^Recorded .*: 2 new sessions, 0 kept, 2 dropped; 2 sessions behind it now\.\nWhy: no reason was given; none is needed/,
    );
  });

  it("has nothing to accept into before there is a baseline", async () => {
    const { run, record } = await ledger();
    await expect(record([await run()], { accept: ["*.*.*"], reason: "x" })).rejects.toThrow(
      "there is no baseline yet",
    );
  });

  it("tells a baseline that was edited by hand, and does not refuse it", async () => {
    const { run, record, edit } = await ledger();
    await record([await run()]);
    await edit((text) => text.replace('"vllmVersion": "0.22.0"', '"vllmVersion": "0.23.0"'));
    expect((await record([await run()], { reason: "x" })).handEdited).toBe(true);
  });

  it("reads a baseline of the first version, and refuses one of the future", async () => {
    const { run, record, read, edit } = await ledger();
    await record([await run()]);
    await edit((text) =>
      text
        .replace('"schemaVersion": 2', '"schemaVersion": 1')
        .replace(/ "contentSha256": .*\n/, "")
        .replace(/ "change": .*\n/, ""),
    );
    expect(await read()).toMatchObject({ schemaVersion: 2, contentSha256: null, change: null });
    await edit((text) => text.replace('"schemaVersion": 1', '"schemaVersion": 3'));
    await expect(read()).rejects.toThrow(
      "schemaVersion 3, this vllm-gate reads up to 2: a newer one wrote it",
    );
  });
});

describe("vllm-gate record --pull-request", () => {
  it("opens one with the file and the table, under the path prefix of an Enterprise server as well", async () => {
    const github = await startGitHub({ ...WRITE_ALL, contents: "write" });
    github.prefix = "/api/v3";
    const { cwd, run } = await ledger();
    await createRepository(cwd, { "README.md": "x\n" });
    const env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "team/serving" };
    const first = await runCli(["record", await run(), "--pull-request"], { cwd, env });
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain("Opened the pull request https://github.com/team/serving/pull/501");
    const pull = github.pulls.get(501);
    expect(pull).toMatchObject({ base: "main", title: "Record the baseline of chat on NVIDIA H200" });
    expect(pull?.body).toContain("1 new session; 1 session behind it now");
    const files = github.git.filesOf(pull?.head.ref ?? "");
    const [path = ""] = Object.keys(files).filter((name) => name.startsWith("baselines/"));
    expect(readBaselineText(files[path] ?? "", path).sessions).toHaveLength(1);
    expect(files[path]).toBe(await readFile(join(cwd, path), "utf8"));

    const more = await runCli(["record", await run(), "--extend", "5", "--pull-request"], { cwd, env });
    expect(more.stdout).toContain(
      "Brought the pull request up to date: https://github.com/team/serving/pull/501",
    );
    expect(github.pulls.get(501)?.body).toContain(
      "1 new session, 1 kept, 0 dropped; 2 sessions behind it now",
    );
    expect(github.violations).toEqual([]);

    const refused = await runCli(["record", await run(), "--reason", "x", "--pull-request"], {
      cwd,
      env: { ...env, GITHUB_TOKEN: "wrong" },
    });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain("github-token is not valid");
  });
});
