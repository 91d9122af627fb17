import { globSync } from "node:fs";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { withTables } from "../scripts/write-action-docs.ts";
import { MODES } from "../src/action-inputs.ts";
import { startGitHub, TOKEN } from "./publish/support.ts";
import { createPullRequest, git, runAction } from "./support/action.ts";
import { configText, createWorkspace } from "./support/workspace.ts";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));
const README = fileURLToPath(new URL("../README.md", import.meta.url));
const ACTION_YML = fileURLToPath(new URL("../action.yml", import.meta.url));

describe("action.yml", () => {
  it("names entries that the build makes, and every output that the action sets", async () => {
    const manifest = parse(await readFile(ACTION_YML, "utf8"));
    expect(manifest.runs).toEqual({
      using: "node24",
      main: "dist/action.js",
      post: "dist/post.js",
      "post-if": "always()",
    });
    const sources = await Promise.all(
      ["action.ts", "action-inputs.ts", "action-ledger.ts", "action-outputs.ts", "action-world.ts"].map(
        (name) => readFile(join(SOURCES, name), "utf8"),
      ),
    );
    const source = sources.join("\n");
    const set = [...source.matchAll(/core\.setOutput\("([a-z-]+)"/g)].map(([, name]) => name);
    expect(Object.keys(manifest.outputs).sort()).toEqual([...new Set(set)].sort());
    const read = [...source.matchAll(/\b(?:text|number|flag)\("([a-z-]+)"\)/g)].map(([, name]) => name);
    expect(Object.keys(manifest.inputs).sort()).toEqual([...new Set(read)].sort());
  });

  it("has a type for each input and output, and a row in the README", async () => {
    const manifest = parse(await readFile(ACTION_YML, "utf8"));
    const types = parse(await readFile(ACTION_YML.replace("action.yml", "action-types.yml"), "utf8"));
    expect(Object.keys(types.inputs).sort()).toEqual(Object.keys(manifest.inputs).sort());
    expect(Object.keys(types.outputs).sort()).toEqual(Object.keys(manifest.outputs).sort());
    expect(types.inputs.mode["allowed-values"]).toEqual(MODES);
    const readme = await readFile(README, "utf8");
    expect(withTables(readme, manifest)).toBe(readme);
  });
});

describe("the action", () => {
  it("records, then gates, with outputs, summary and state", async () => {
    await using workspace = await createWorkspace();
    const { cwd } = workspace;
    const recorded = await runAction(cwd, { mode: "record" });
    expect(recorded.code, recorded.log).toBe(0);
    expect(recorded.outputs["verdict"]).toBe("pass");
    expect(await readdir(join(cwd, "baselines", "small"))).toHaveLength(1);

    const gated = await runAction(cwd, { args: "--max-model-len 4096 --max-num-seqs 1" });
    expect(gated.code, gated.log).toBe(1);
    expect(gated.outputs["verdict"]).toBe("regressed");
    expect(gated.outputs["comment-body"]).toContain("❌ regressed");
    expect(gated.outputs["comment-body"]).toContain("`--max-num-seqs`");
    expect(await readFile(gated.outputs["report-path"] ?? "", "utf8")).toBe(gated.outputs["comment-body"]);
    expect(gated.summary).toContain("❌ regressed");
    expect(gated.log).toContain("::error title=vllm-gate%3A regressed::");
    // The state file is gone, since the run ended by itself; where it was is known to the post step.
    expect(gated.state["state-file"]).toMatch(/vllm-gate-.*\.json$/);
    await expect(readFile(gated.state["state-file"] ?? "", "utf8")).rejects.toThrow("ENOENT");
  });

  it.each([
    [{ mode: "gaet" }, /mode: got "gaet", expected one of gate, record, drift, report, publish, audit/],
    [{ rounds: "two" }, /rounds: got "two", expected a number/],
    [{ "report-only": "maybe" }, /report-only: got "maybe", expected true or false/],
    [{ "fail-on": "any" }, /fail-on: it has no effect in mode gate, only in audit and drift/],
    [{ mode: "drift", "fail-on": "any, creep" }, /fail-on: got any, creep, expected drift in mode drift/],
    [{ push: "false" }, /push: it has no effect in mode gate, only in drift/],
    [{ mode: "record", extend: "few" }, /extend: got "few", expected true or a number of sessions/],
    [{ mode: "record", extend: "5", accept: "kv.*" }, /extend and accept: expected one of them/],
    [{ mode: "record", "pull-request": "true" }, /pull-request: expected a github-token/],
    [
      { mode: "record", "pull-request": "true", "github-token": TOKEN, "baseline-dir": "../elsewhere" },
      /\.\.\/elsewhere: lies outside the repository, so no pull request can hold it/,
    ],
    [{ cells: "a, b" }, /cells: it has no effect in mode gate, only in report and publish/],
    [{ mode: "report", cells: "[1]" }, /cells: got \[1\], expected names in lines, or a JSON list/],
    [{ mode: "publish" }, /mode publish: got the event "push", expected workflow_run, issue_comment/],
    [{ mode: "audit", "fail-on": "nothing" }, /fail-on: got nothing, expected any or one of/],
    [{ scenario: "none" }, /scenario: vllm-gate\.yml has no scenario "none"/],
  ])("refuses the inputs %j with exit code 2", async (inputs, message) => {
    await using workspace = await createWorkspace();
    const result = await runAction(workspace.cwd, inputs);
    expect(result.log).toMatch(message);
    expect(result.code).toBe(2);
    expect(result.outputs["verdict"]).toBe("failed");
  });

  it("audits the history of the baselines", async () => {
    await using workspace = await createWorkspace();
    await createPullRequest(workspace);
    const result = await runAction(workspace.cwd, { mode: "audit", "fail-on": "any", "github-token": TOKEN });
    // The token, and as git's header has it.
    expect(result.log).toContain(`::add-mask::${TOKEN}\n`);
    expect(result.log).toContain(`::add-mask::${btoa(`x-access-token:${TOKEN}`)}\n`);
    expect(result.code, result.log).toBe(0);
    expect(result.outputs["comment-body"]).toContain("# Nothing suspicious in the baselines' history");
    expect(result.summary).toContain("Nothing suspicious");
  });

  it("spends a night on another branch without a word about the default branch's issue", async () => {
    await using workspace = await createWorkspace({
      top: { rounds: 1 },
      scenario: {
        probes: { ttft: { warmRequests: 6, outputTokens: 16 }, batching: false, prefix: false, kv: false },
      },
    });
    await createPullRequest(workspace);
    const github = await startGitHub();
    const night = (ref: string) =>
      runAction(workspace.cwd, { mode: "drift", push: "false", "github-token": TOKEN }, undefined, {
        GITHUB_EVENT_NAME: "workflow_dispatch",
        GITHUB_REF: ref,
        GITHUB_API_URL: github.url,
      });
    const first = await night("refs/heads/change");
    expect(first.code, first.log).toBe(0);
    // Nights enough for a level.
    for (const path of globSync(join(workspace.cwd, "baselines/history/*/*/*.json"))) {
      for (let day = 1; day < 8; day += 1)
        await copyFile(path, join(dirname(path), `2026010${day}T000000Z-${"0".repeat(12)}.json`));
    }
    const second = await night("refs/heads/change");
    expect(second.log).toContain(
      "refs/heads/change is not the default branch: the issue about drift is left",
    );
    expect(github.calls).toEqual([]);
    const onMain = await night("refs/heads/main");
    expect(onMain.log).toMatch(/Nothing drifts, and there is no issue to close|It drifts: opened/);
  });

  it.each(["pull_request", "issue_comment", "workflow_run", ""])(
    "spends no night on the event %j",
    async (name) => {
      await using workspace = await createWorkspace();
      const result = await runAction(workspace.cwd, { mode: "drift" }, undefined, {
        GITHUB_EVENT_NAME: name,
      });
      expect(result.code, result.log).toBe(2);
      expect(result.log).toContain("expected schedule, push or workflow_dispatch: a history is of a branch");
    },
  );

  it("reports the runs of a matrix, and fails where one is missing", async () => {
    await using workspace = await createWorkspace();
    const result = await runAction(workspace.cwd, { mode: "report", cells: "chat-h100" });
    expect(result.code, result.log).toBe(4);
    expect(result.outputs["verdict"]).toBe("failed");
    expect(result.summary).toMatch(/chat-h100 .*❌ missing/);
  });

  it("judges a pull request by the base branch's policy: it cannot allow itself a flag", async () => {
    await using workspace = await createWorkspace();
    const { event } = await createPullRequest(workspace);
    const policy = parse(configText()).policy;
    await workspace.configure({
      args: "--trust-remote-code",
      top: { policy: { ...policy, allowFlags: ["--trust-remote-code"] } },
    });
    const result = await runAction(workspace.cwd, {}, event);
    expect(result.code, result.log).toBe(2);
    expect(result.log).toMatch(/refused: --trust-remote-code/);
    expect(await readdir(workspace.cwd)).not.toContain("runs");
  });

  it("judges a pull request by the base branch's tolerances and levels: it cannot excuse itself", async () => {
    await using workspace = await createWorkspace({ top: { rounds: 1 } });
    const { cwd } = workspace;
    await runAction(cwd, { mode: "record" });
    const { event } = await createPullRequest(workspace);
    await workspace.configure({
      args: "--max-model-len 4096 --gpu-memory-utilization 0.5",
      scenario: { levels: { "kv.*": "off" }, tolerances: { "kv.*": { relative: 1 } } },
      top: { rounds: 1, reportOnly: true },
    });
    const result = await runAction(cwd, {}, event);
    expect(result.code, result.log).toBe(1);
    const body = result.outputs["comment-body"];
    expect(body).toMatch(/`kv\.capacity_tokens`.*\*\*worse\*\*/);
    expect(body).toMatch(/edits what judges it\*\*: `vllm-gate\.yml`\. The base branch's copies decide/);
    expect(body).toMatch(/\| `kv\.capacity_tokens` +\|.*\*\*worse\*\* \(.*\| not judged +\|/);
  });

  it("says what to do when the base branch cannot be had", async () => {
    await using workspace = await createWorkspace();
    const { event } = await createPullRequest(workspace);
    await git(workspace.cwd, "remote", "set-url", "origin", join(workspace.cwd, "gone.git"));
    const result = await runAction(workspace.cwd, {}, event);
    expect(result.code).toBe(2);
    expect(result.log).toMatch(
      /base branch main is not in this clone and could not be fetched.*fetch-depth: 0.*git fetch --depth=1 origin main:refs\/remotes\/origin\/main/,
    );
  });

  it("judges a comment's checkout by the default branch: it cannot allow itself a flag", async () => {
    await using workspace = await createWorkspace();
    await createPullRequest(workspace);
    const policy = parse(configText()).policy;
    await workspace.configure({
      args: "--trust-remote-code",
      top: { policy: { ...policy, allowFlags: ["--trust-remote-code"] } },
    });
    const event = { repository: { default_branch: "main" }, issue: { number: 7 } };
    const result = await runAction(workspace.cwd, {}, event, {
      GITHUB_EVENT_NAME: "issue_comment",
      GITHUB_REF: "refs/heads/main",
    });
    expect(result.code, result.log).toBe(2);
    expect(result.log).toMatch(/refused: --trust-remote-code/);
  });

  it("trusts no checkout when nothing tells the default branch", async () => {
    await using workspace = await createWorkspace();
    const result = await runAction(workspace.cwd, {}, {}, { GITHUB_EVENT_NAME: "workflow_run" });
    expect(result.code).toBe(2);
    expect(result.log).toMatch(/event "workflow_run" names neither a base branch nor .* default branch/);
  });

  it("warns when only an old copy of the base branch can judge", async () => {
    await using workspace = await createWorkspace({ args: "--trust-remote-code" });
    const { event } = await createPullRequest(workspace);
    await git(workspace.cwd, "fetch", "-q", "origin", "main:refs/remotes/origin/main");
    await git(workspace.cwd, "remote", "set-url", "origin", join(workspace.cwd, "gone.git"));
    const result = await runAction(workspace.cwd, {}, event);
    expect(result.log).toMatch(/::warning::The base branch main could not be fetched/);
    expect(result.log).toMatch(/refused: --trust-remote-code/);
  });

  it("prints no command of the configuration for the runner to obey", async () => {
    await using workspace = await createWorkspace();
    const path = join(workspace.cwd, "vllm-gate.yml");
    await writeFile(path, 'scenarios: {a: {model: "x\\n::set-env name=A::b"}}\n');
    const result = await runAction(workspace.cwd, {});
    expect(result.code).toBe(2);
    expect(result.log).toMatch(/scenarios\.a\.model: .* holds a control character/);
    expect(result.log).not.toMatch(/^\s*::set-env/m);
  });

  it("keeps its verdict when the summary cannot be written, and tells the run folder early", async () => {
    await using workspace = await createWorkspace({ simulator: { FAULT: "wedged" }, top: { rounds: 1 } });
    await workspace.configure({ args: "--max-model-len 4096 --no-such-flag-xyz 1" });
    const result = await runAction(workspace.cwd, {}, undefined, { GITHUB_STEP_SUMMARY: "/nowhere/summary" });
    expect(result.code, result.log).toBe(4);
    expect(result.log).toMatch(/::warning::The job's summary could not be written/);
    expect(result.outputs["verdict"]).toBe("failed");
    expect(result.outputs["run-path"]).toContain("runs");
  });

  it("gives the server no token of the job", async () => {
    await using workspace = await createWorkspace({ top: { rounds: 1 } });
    const result = await runAction(workspace.cwd, {});
    expect(result.code, result.log).toBe(3);
    const runDir = result.outputs["run-path"] ?? "";
    const everything = await Promise.all(
      (await readdir(runDir, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map((entry) => readFile(join(entry.parentPath, entry.name), "utf8")),
    );
    expect(everything.join("\n")).not.toContain("ghs_notForTheServer0123456789");
    // The runner is told what to hide, in a line that it does not print.
    const printed = result.log.split("\n").filter((line) => !line.startsWith("::add-mask::"));
    expect(printed.length).toBeLessThan(result.log.split("\n").length);
    expect(printed.join("\n")).not.toContain("ghs_notForTheServer0123456789");
  });
});
