import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { cleanUp } from "../src/cleanup.ts";
import { identify } from "../src/system/processes.ts";
import { createStateFile, type LiveServer } from "../src/system/state-file.ts";
import { becomes, isAlive, killGroup, startShell } from "./support/child-processes.ts";
import { readVerdict } from "./support/runs.ts";
import { tempDir } from "./support/temp-dir.ts";

const POST_SOURCE = fileURLToPath(new URL("../src/post.ts", import.meta.url));

function recorded() {
  const lines: string[] = [];
  const log = { step: (line: string) => lines.push(line), warn: (line: string) => lines.push(line) };
  return { lines, log };
}

/** A server that a killed gate left, and the state file that names it. */
async function leftBehind(script: string, options: { runDir?: string } = {}) {
  const folder = await tempDir();
  const runDir = options.runDir ?? join(folder, "run");
  if (options.runDir === undefined) await mkdir(runDir);
  const marker = randomUUID();
  const child = startShell(script, { marker });
  const leader = await identify(child.pid);
  const statePath = join(folder, "state.json");
  const state = await createStateFile(statePath, { scenario: "chat", runDir, doing: "preparing the run" });
  const server: LiveServer = { marker, leader };
  await state.update({ servers: [server] });
  return { folder, runDir, statePath, state, server, child };
}

describe("cleanUp", () => {
  it("writes the verdict of a run that was killed before it had a record", async () => {
    const { statePath, runDir, child } = await leftBehind("sleep 300");
    const cleaned = await cleanUp(statePath, recorded().log);
    expect(cleaned).toEqual({ wasKilled: true, survivors: [], runDir });
    expect(await isAlive(child.pid)).toBe(false);
    const verdict = await readVerdict(runDir);
    expect(verdict).toMatchObject({ verdict: "failed", cause: "killed", scenario: "chat" });
    expect(verdict.headline).toBe("The run was killed while preparing the run; no process is left");
    await expect(readFile(statePath)).rejects.toThrow("ENOENT");
  });

  it("writes it although the record is damaged", async () => {
    const { statePath, runDir } = await leftBehind("sleep 300");
    await writeFile(join(runDir, "run.json"), "{");
    await cleanUp(statePath, recorded().log);
    expect(await readVerdict(runDir)).toMatchObject({ cause: "killed" });
  });

  it("ends what a run that has its verdict could not end, and leaves the verdict", async () => {
    const { statePath, runDir, child } = await leftBehind("sleep 300");
    await writeFile(join(runDir, "verdict.json"), "the run's own");
    expect(await cleanUp(statePath, recorded().log)).toMatchObject({ wasKilled: false, survivors: [] });
    expect(await isAlive(child.pid)).toBe(false);
    expect(await readFile(join(runDir, "verdict.json"), "utf8")).toBe("the run's own");
    await expect(readFile(statePath)).rejects.toThrow("ENOENT");
  });

  it("ends descendants that have neither group nor marker: known ones, and those whose parent lives", async () => {
    for (const known of [true, false]) {
      const left = await leftBehind(
        `setsid env -i sleep 300 & echo escaped=$!; ${known ? "exit 0" : "wait"}`,
      );
      const escapee = Number((await left.child.line(/escaped=(\d+)/))[1]);
      onTestFinished(() => killGroup(escapee));
      await becomes(escapee, "sleep");
      const identity = await identify(escapee);
      if (known && identity !== null) {
        await left.child.ended;
        await left.state.update({ servers: [{ ...left.server, descendants: [identity] }] });
      }
      expect(await cleanUp(left.statePath, recorded().log)).toMatchObject({ survivors: [] });
      expect(await isAlive(escapee)).toBe(false);
    }
  });

  it("leaves a process alone that only has the PID of one of them", async () => {
    const other = startShell("echo up; exec sleep 300");
    await other.line(/up/);
    const left = await leftBehind("exit 0");
    await left.child.ended;
    const stale = { pid: other.pid, startTicks: 1 };
    await left.state.update({ servers: [{ ...left.server, leader: stale, descendants: [stale] }] });
    await cleanUp(left.statePath, recorded().log);
    expect(await isAlive(other.pid)).toBe(true);
  });
});

describe("the post step of a run whose folder is gone", () => {
  it("ends the server, says so, and makes no folder", async () => {
    const away = join(await tempDir(), "away", "run");
    const { statePath, child, folder } = await leftBehind("sleep 300", { runDir: away });
    const post = await execa(process.execPath, [POST_SOURCE], {
      env: { "STATE_state-file": statePath },
      reject: false,
    });
    expect(post.exitCode, post.stdout + post.stderr).toBe(0);
    expect(post.stdout).toContain(`::warning::${away}: no such run folder`);
    expect(await isAlive(child.pid)).toBe(false);
    expect(await readdir(folder)).toEqual([]);
    await expect(readdir(away)).rejects.toThrow("ENOENT");
  });
});
