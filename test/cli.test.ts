import { mkdir, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it, vi } from "vitest";
import { isAlive } from "./support/child-processes.ts";
import { CLI_SOURCE, runCli, startCli } from "./support/cli.ts";
import { newestRun, processesWith, readRun, readVerdict, until } from "./support/runs.ts";
import { createWorkspace, SIMULATOR } from "./support/workspace.ts";

const POST_SOURCE = fileURLToPath(new URL("../src/post.ts", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

/** What `--help` lists, and nothing that does not work. */
const COMMANDS = [
  ...[
    "audit",
    "calibrate",
    "compare",
    "demo",
    "doctor",
    "drift",
    "init",
    "publish",
    "record",
    "report",
    "run",
  ],
  ...["simulate", "study"],
];

/** Servers of a workspace: their model is the scenario's, their folder lies in it. */
async function serversOf(cwd: string): Promise<number[]> {
  const simulators = await processesWith(SIMULATOR[1] ?? "");
  const own = await Promise.all(
    simulators.map(async (pid) => {
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      return folder.startsWith(cwd) ? pid : null;
    }),
  );
  return own.filter((pid): pid is number => pid !== null);
}

// Several processes and servers in each test, on machines that others use too.
vi.setConfig({ testTimeout: 240_000 });

describe("the command line", () => {
  it("prints its help with the commands that work, each with a help of its own", async () => {
    const help = await runCli(["--help"], { cwd: root });
    expect(help.code).toBe(0);
    const commands = [...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(commands.at(-1)).toBe("help");
    expect(commands.slice(0, -1).sort()).toEqual(COMMANDS);
    for (const command of COMMANDS) {
      const own = await runCli([command, "--help"], { cwd: root });
      expect(own.code, command).toBe(0);
      expect(own.stdout).toContain(`vllm-gate ${command}`);
    }
  });

  it("says in one line what to install when Node.js is too old", async () => {
    const preload = `data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})`;
    const result = await execa(process.execPath, ["--import", preload, CLI_SOURCE, "--help"], {
      reject: false,
    });
    expect(result.exitCode).toBe(2);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^vllm-gate needs Node\.js 24 or newer, this is 20\.20\.2: install .+$/);
  });

  it.each([
    [["rum"], /unknown command 'rum'[\s\S]*Did you mean run\?/],
    [["run", "--rounds", "many"], /--rounds <n>.*'many' is invalid.*whole number/],
    [["run", "--rounds", "0"], /--rounds: got 0/],
    [["run", "--scenario", "large"], /--scenario: vllm-gate\.yml has no scenario "large"\. It has: small/],
    [["run", "--config", "none.yml"], /none\.yml: no such file/],
    [["run", "--args", "--trust-remote-code"], /refused: --trust-remote-code/],
    [["run", "--command", "bash -c id"], /refused: /],
    [["run", "--args", "--seed 1; id"], /";" has a meaning to a shell only/],
    [["record", "nowhere"], /nowhere\/run\.json: no such file/],
    [["compare", "--base", "a"], /--head <path\.\.\.>' not specified/],
  ])("refuses %j with exit code 2", async (args, message) => {
    await using workspace = await createWorkspace();
    const result = await runCli(args, { cwd: workspace.cwd });
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(2);
    expect(await readdir(workspace.cwd)).toEqual(["vllm-gate.yml"]);
  });
});

describe("a gate on the simulator", () => {
  it("records, passes the same flags, blocks a slower server, and compares and reports what it kept", async () => {
    await using workspace = await createWorkspace();
    const { cwd } = workspace;

    const without = await runCli(["run"], { cwd });
    expect(without.code, without.stderr).toBe(3);
    expect(without.stdout).toContain("there is no baseline to compare with");
    const first = await newestRun(cwd);
    expect((await readVerdict(first)).cause).toBe("no_baseline");
    expect(await readFile(join(first, "report.md"), "utf8")).toContain(
      `vllm-gate record ${first.slice(cwd.length + 1)}`,
    );

    const recorded = await runCli(["record", first], { cwd });
    expect(recorded.code, recorded.stderr).toBe(0);
    expect(recorded.stdout).toMatch(
      /Recorded baselines\/small\/.+qwen2\.5-1\.5b-instruct\.json: 1 new session; 1 session behind it now/,
    );

    const same = await runCli(["run", "--json"], { cwd });
    expect(same.code, same.stdout + same.stderr).toBe(0);
    expect(["pass", "improved", "inconclusive"]).toContain(JSON.parse(same.stdout).verdict);
    const passed = await newestRun(cwd);
    const files = await readdir(passed);
    const json = ["run", "measurements", "comparison", "verdict"].map((name) => `${name}.json`);
    const rest = ["logs", "report.md", "sessions", "telemetry.jsonl", "traces.jsonl"];
    expect(files).toEqual(expect.arrayContaining([...json, ...rest]));
    // What belongs to a run that is under way is gone.
    expect(files.filter((name) => /state|tmp/.test(name))).toEqual([]);

    // One session convicts of a loss that is far beyond the tolerance only.
    await workspace.configure({ simulator: { REGRESSION: "decode:4" } });
    const slower = await runCli(["run"], { cwd });
    expect(slower.code, slower.stdout + slower.stderr).toBe(1);
    expect(slower.stdout).toMatch(/batching\.c4\.tpot_floor_ms .* regressed/);
    const regressed = await newestRun(cwd);

    const reported = await runCli(["report", regressed], { cwd });
    expect(reported.stdout).toBe((await readFile(join(regressed, "report.md"), "utf8")).trimEnd());

    const compared = await runCli(["compare", "--base", passed, "--head", regressed, "--json"], { cwd });
    expect(compared.code).toBe(1);
    const document = JSON.parse(compared.stdout);
    expect(document).toMatchObject({ schemaVersion: 1, verdict: "regressed" });
    const tpot = document.comparisons.find(
      (each: { metric: string }) => each.metric === "batching.c4.tpot_floor_ms",
    );
    expect(tpot).toMatchObject({ level: "gate", verdict: "regressed" });
    expect(tpot.effect).toBeGreaterThan(0.5);
    const self = await runCli(["compare", "--base", passed, "--head", passed], { cwd });
    expect(self.code).toBe(0);

    const reportOnly = await runCli(["run", "--report-only"], { cwd });
    expect(reportOnly.code, reportOnly.stdout).toBe(0);
    expect(reportOnly.stdout).toMatch(/^REGRESSED \(report only\)/);
  });

  it("breaks a limit without a baseline", async () => {
    await using workspace = await createWorkspace({
      scenario: { limits: { "kv.capacity_tokens": { min: 1e9 } } },
    });
    const result = await runCli(["run"], { cwd: workspace.cwd });
    expect(result.code, result.stderr).toBe(1);
    expect(result.stdout).toContain("1 limit broken");
  });

  it("measures a server that is already running, twice, and leaves it running", async () => {
    await using workspace = await createWorkspace();
    const [program = "", ...rest] = SIMULATOR;
    const port = 20_000 + Math.floor(Math.random() * 20_000);
    const server = execa(
      program,
      [...rest, "Qwen/Qwen2.5-1.5B-Instruct", "--port", String(port), "--max-model-len", "4096"],
      {
        env: { VLLM_SIM_STARTUP_SCALE: "0.001" },
        reject: false,
      },
    );
    try {
      await until(
        "the server is up",
        () =>
          fetch(`http://127.0.0.1:${port}/health`).then(
            (answer) => answer.ok,
            () => false,
          ),
        20_000,
      );
      await workspace.configure({
        scenario: {
          model: undefined,
          command: undefined,
          args: undefined,
          env: undefined,
          server: { url: `http://127.0.0.1:${port}/v1` },
        },
      });
      const recorded = await runCli(["record"], { cwd: workspace.cwd });
      expect(recorded.code, recorded.stdout + recorded.stderr).toBe(0);
      // Prompts of an earlier run would be in its prefix cache, and the run invalid.
      const again = await runCli(["run"], { cwd: workspace.cwd });
      expect(again.code, again.stdout + again.stderr).toBe(0);
      expect((await fetch(`http://127.0.0.1:${port}/health`)).ok).toBe(true);
    } finally {
      server.kill("SIGTERM");
      await server;
    }
  });
});

describe("servers that fail", () => {
  it("ends at once with the server's own reason when it does not start", async () => {
    await using workspace = await createWorkspace({ args: "--max-model-len 999999" });
    const { cwd } = workspace;
    const result = await runCli(["run"], { cwd });
    expect(result.code, result.stderr).toBe(4);
    expect(result.stdout).toContain(
      "User-specified max_model_len (999999) is greater than the derived max_model_len",
    );
    const verdict = await readVerdict(await newestRun(cwd));
    expect(verdict).toMatchObject({
      verdict: "failed",
      cause: "failed_start",
      conclusion: "failure",
      exitCode: 4,
    });
    expect(await serversOf(cwd)).toEqual([]);
  });

  it("says which program is missing", async () => {
    await using workspace = await createWorkspace({
      scenario: { command: ["no-such-vllm", "serve"] },
      top: { policy: { allowCommands: ["no-such-vllm serve"] } },
    });
    const result = await runCli(["run"], { cwd: workspace.cwd });
    expect(result.code).toBe(4);
    expect(result.stdout).toMatch(/no-such-vllm could not be started.*ENOENT[\s\S]*PATH/);
  });

  it("says that a server died while it was probed", async () => {
    await using workspace = await createWorkspace({ simulator: { FAULT: "crash-after:10" } });
    const { cwd } = workspace;
    const result = await runCli(["run"], { cwd });
    expect(result.code, result.stdout + result.stderr).toBe(4);
    const verdict = await readVerdict(await newestRun(cwd));
    expect(verdict.cause).toBe("server_died");
    expect(verdict.headline).toMatch(/The server died while it was probed/);
    expect(await serversOf(cwd)).toEqual([]);
  });

  it("gives up a server that is healthy and never answers when the budget is spent", async () => {
    await using workspace = await createWorkspace({
      simulator: { FAULT: "wedged" },
      top: { budgetMinutes: 0.1 },
    });
    const { cwd } = workspace;
    const result = await runCli(["run"], { cwd });
    expect(result.code, result.stdout + result.stderr).toBe(4);
    expect((await readVerdict(await newestRun(cwd))).headline).toContain(
      "not finished within budgetMinutes (0.1)",
    );
    expect(await serversOf(cwd)).toEqual([]);
  });

  it("counts requests that fail, and lets them block", async () => {
    await using workspace = await createWorkspace();
    const { cwd } = workspace;
    expect((await runCli(["record"], { cwd })).code).toBe(0);
    await workspace.configure({ simulator: { FAULT: "http-500:5" } });
    const result = await runCli(["run"], { cwd });
    expect(result.code, result.stdout + result.stderr).toBe(1);
    expect(result.stdout).toMatch(/requests\.error_rate/);
  });

  it("ends a server that ignores TERM and its orphans", async () => {
    await using workspace = await createWorkspace({ simulator: { FAULT: "crash-after:10,orphan-child" } });
    const { cwd } = workspace;
    const result = await runCli(["run"], { cwd });
    expect(result.code, result.stdout + result.stderr).toBe(4);
    const run = await readRun(await newestRun(cwd));
    expect(run.sessions[0]?.disposal?.survivors).toEqual([]);
    expect(await serversOf(cwd)).toEqual([]);
  });
});

describe("a runs folder that cannot be made", () => {
  it.each(["/proc/nowhere", "vllm-gate.yml", "vllm-gate.yml/runs"])("%s is a wrong input", async (folder) => {
    await using workspace = await createWorkspace();
    const started = startCli(["run", "--runs-dir", folder], { cwd: workspace.cwd });
    const stop = setTimeout(() => started.kill("SIGKILL"), 20_000);
    const result = await started;
    clearTimeout(stop);
    expect(result.exitCode, result.stdout + result.stderr).toBe(2);
    expect(result.stderr).toMatch(/^vllm-gate: .+: a run folder cannot be made there \(E[A-Z]+: /);
    expect(result.stderr).toContain(folder);
  });
});

describe("a gate that is ended from outside", () => {
  async function probing(cwd: string): Promise<void> {
    await until(
      "the probes run",
      async () =>
        (await readFile(join(await newestRun(cwd).catch(() => cwd), "traces.jsonl"), "utf8").catch(() => ""))
          .length > 0,
      30_000,
    );
  }

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 143],
  ] as const)("ends its server on %s, says so, and exits %i", async (signal, code) => {
    await using workspace = await createWorkspace({ top: { rounds: 20 } });
    const { cwd } = workspace;
    const started = startCli(["run"], { cwd });
    await probing(cwd);
    expect((await serversOf(cwd)).length).toBe(1);
    started.kill(signal);
    const result = await started;
    expect(result.exitCode, result.stdout + result.stderr).toBe(code);
    expect(await serversOf(cwd)).toEqual([]);
    const runDir = await newestRun(cwd);
    expect(await readVerdict(runDir)).toMatchObject({
      verdict: "failed",
      cause: "cancelled",
      conclusion: "cancelled",
      exitCode: code,
    });
    expect((await readRun(runDir)).outcome).toBe("cancelled");
    expect(await readdir(runDir)).not.toContain("state.json");
  });

  it("kills its server at once when it is asked again", async () => {
    // It takes no TERM: an orderly end would take the whole grace.
    const stubborn = ["sh", "-c", 'trap "" TERM HUP INT; while :; do sleep 300; done', "serve"];
    await using workspace = await createWorkspace({
      scenario: { command: stubborn },
      top: { policy: { allowCommands: [stubborn] } },
    });
    const { cwd } = workspace;
    const started = startCli(["run"], { cwd });
    const leader = async () => {
      const text = await readFile(join(await newestRun(cwd), "state.json"), "utf8").catch(() => "{}");
      return (JSON.parse(text) as { servers?: { leader: { pid: number } | null }[] }).servers?.[0]?.leader
        ?.pid;
    };
    await until("the server", async () => (await leader().catch(() => undefined)) !== undefined, 30_000);
    const pid = (await leader()) ?? 0;
    const startedAt = Date.now();
    started.kill("SIGTERM");
    setTimeout(() => started.kill("SIGTERM"), 500);
    setTimeout(() => started.kill("SIGINT"), 600);
    const result = await started;
    expect(result.exitCode, result.stdout + result.stderr).toBe(143);
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    expect(await isAlive(pid)).toBe(false);
    expect(await readVerdict(await newestRun(cwd))).toMatchObject({ cause: "cancelled", exitCode: 143 });
  });

  it("goes on when nobody reads its output any more", async () => {
    await using workspace = await createWorkspace({ top: { rounds: 1 } });
    const { cwd } = workspace;
    const line = `"$0" "$1" run 2>&1 | head -1; exit "\${PIPESTATUS[0]}"`;
    const result = await execa("bash", ["-c", line, process.execPath, CLI_SOURCE], { cwd, reject: false });
    expect(result.stdout).toContain("starting");
    // Without a baseline there is no verdict.
    expect(result.exitCode).toBe(3);
    expect(await readVerdict(await newestRun(cwd))).toMatchObject({ cause: "no_baseline" });
    expect(await serversOf(cwd)).toEqual([]);
  });

  it("ends its server, and itself, when it can write its state no more", async () => {
    await using workspace = await createWorkspace({ top: { rounds: 3 } });
    const { cwd } = workspace;
    const started = startCli(["run"], { cwd });
    await probing(cwd);
    const state = join(await newestRun(cwd), "state.json");
    await rm(state);
    await mkdir(join(state, "in the way"), { recursive: true });
    const result = await started;
    expect(result.exitCode, result.stdout + result.stderr).toBe(4);
    expect(result.stderr).toMatch(/warning: session 0 of head: .*state\.json/);
    expect(await serversOf(cwd)).toEqual([]);
  });

  it("leaves to the post step what a SIGKILL leaves: no process, and a verdict", async () => {
    await using workspace = await createWorkspace({ top: { rounds: 20 } });
    const { cwd } = workspace;
    const started = startCli(["run"], { cwd });
    await probing(cwd);
    started.kill("SIGKILL");
    await started;
    const runDir = await newestRun(cwd);
    expect((await serversOf(cwd)).length).toBe(1);
    expect(await readdir(runDir)).not.toContain("verdict.json");
    const post = await execa(process.execPath, [POST_SOURCE], {
      env: { "STATE_state-file": join(runDir, "state.json") },
      reject: false,
    });
    expect(post.exitCode, post.stdout + post.stderr).toBe(0);
    expect(await serversOf(cwd)).toEqual([]);
    const verdict = await readVerdict(runDir);
    expect(verdict).toMatchObject({ verdict: "failed", cause: "killed", conclusion: "cancelled" });
    expect(verdict.headline).toMatch(/killed while probing in session 0 of head; no process is left/);
    expect(await readFile(join(runDir, "report.md"), "utf8")).toContain("⏹ cancelled");
    expect(await readdir(runDir)).not.toContain("state.json");
    // The step runs after every job: a second time there is nothing to do.
    const again = await execa(process.execPath, [POST_SOURCE], {
      env: { "STATE_state-file": join(runDir, "state.json") },
      reject: false,
    });
    expect(again.exitCode).toBe(0);
  });

  it("reads a state file that is damaged as an error, not as nothing to do", async () => {
    await using workspace = await createWorkspace();
    const path = join(workspace.cwd, "state.json");
    await writeFile(path, "{");
    const post = await execa(process.execPath, [POST_SOURCE], {
      env: { "STATE_state-file": path },
      reject: false,
    });
    expect(post.exitCode).toBe(1);
    expect(post.stdout).toContain("could not clean up");
  });
});
