import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { CLI_SOURCE, runCli } from "./support/cli.ts";
import { createWorkspace } from "./support/workspace.ts";

const ESCAPE = "\u001b";
/** Fails at once, so that what is looked at is said within a second. */
const FAILS = {
  scenario: { command: ["no-such-vllm", "serve"] },
  top: { policy: { allowCommands: ["no-such-vllm serve"] } },
};
const hasScript = await execa("script", ["--version"], { reject: false }).then(({ failed }) => !failed);

describe("what a run writes where nobody looks on", () => {
  it("are lines without control codes, progress on stderr and the result on stdout", async () => {
    await using workspace = await createWorkspace(FAILS);
    const { stdout, stderr } = await runCli(["run"], { cwd: workspace.cwd });
    expect(stderr).toMatch(/^session 0 of head: starting no-such-vllm serve .*$/m);
    expect(stdout).toMatch(/^FAILED: no-such-vllm could not be started/);
    expect(stdout + stderr).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it("is only the result with --quiet, and only JSON with --json", async () => {
    await using workspace = await createWorkspace(FAILS);
    const quiet = await runCli(["run", "--quiet"], { cwd: workspace.cwd });
    expect(quiet.stderr).toBe("");
    expect(quiet.stdout).toMatch(/^FAILED: /);
    const json = await runCli(["run", "--json", "--quiet"], {
      cwd: workspace.cwd,
      env: { FORCE_COLOR: "1" },
    });
    expect(json.stderr).toBe("");
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: "failed", exitCode: 4 });
    const wrong = await runCli(["run", "--quiet", "--scenario", "other"], { cwd: workspace.cwd });
    expect(wrong.stderr).toContain("other");
  });

  it("has colours only where FORCE_COLOR asks for them", async () => {
    await using workspace = await createWorkspace(FAILS);
    const { cwd } = workspace;
    const forced = await runCli(["run"], { cwd, env: { FORCE_COLOR: "1" } });
    expect(forced.stdout).toContain(`${ESCAPE}[31mFAILED:`);
    // No cursor is moved, and no line is redrawn: a file keeps both.
    expect(forced.stderr).not.toContain(`${ESCAPE}[2K`);
  });
});

describe.skipIf(!hasScript)("what a run writes on a terminal", () => {
  async function onTerminal(cwd: string, env: Record<string, string>) {
    const command = [process.execPath, CLI_SOURCE, "run"].join(" ");
    const { stdout } = await execa("script", ["-qec", command, "/dev/null"], {
      cwd,
      env: { TERM: "xterm", CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
      reject: false,
    });
    return stdout;
  }

  it("is a line that is redrawn, and taken away at the end", async () => {
    await using workspace = await createWorkspace(FAILS);
    const text = await onTerminal(workspace.cwd, {});
    expect(text).toContain("server 1/1 head · starting 0 s · time left: ?");
    const last = text.slice(text.lastIndexOf("time left"));
    expect(last.startsWith(`time left: ?\r${ESCAPE}[2K`)).toBe(true);
    expect(text).toContain(`${ESCAPE}[31mFAILED:`);
  });

  it("is calm in CI, and without colours where NO_COLOR says so", async () => {
    await using workspace = await createWorkspace(FAILS);
    const text = await onTerminal(workspace.cwd, { CI: "true", NO_COLOR: "1" });
    expect(text).toContain("FAILED: ");
    expect(text).not.toContain(ESCAPE);
  });
});
