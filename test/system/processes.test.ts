import { randomUUID } from "node:crypto";
import { readFile, symlink } from "node:fs/promises";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  Descendants,
  type EndServerOptions,
  endServer,
  findGroup,
  findListeners,
  findMarked,
  identify,
  sendSignal,
} from "../../src/system/processes.ts";
import {
  becomes,
  isAlive,
  killGroup,
  startNode,
  startProgram,
  startShell,
  stateOf,
} from "../support/child-processes.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitFor } from "../support/wait-for.ts";

const sorted = (pids: readonly number[]) => [...pids].sort((a, b) => a - b);

const end = (options: Partial<EndServerOptions> & { marker: string }) =>
  endServer({ graceMs: 5_000, killMs: 5_000, ...options });

/** A shell that starts a `sleep` in a session of its own, with its PID. */
async function startWithEscapee(marker: string, rest = "wait") {
  const child = startShell(`setsid sleep 300 & echo escaped=$!; ${rest}`, { marker });
  const escapee = Number((await child.line(/escaped=(\d+)/))[1]);
  onTestFinished(() => killGroup(escapee));
  // By then it leads a group of its own.
  await becomes(escapee, "sleep");
  return { child, escapee };
}

describe("findGroup", () => {
  it("finds leader and children, and nobody else", async () => {
    const other = startShell("sleep 300 & echo up; wait");
    const child = startShell("sleep 300 & echo child=$!; wait");
    const inner = Number((await child.line(/child=(\d+)/))[1]);
    await other.line(/up/);
    expect(sorted(await findGroup(child.pid))).toEqual(sorted([child.pid, inner]));
  });

  it("finds a child that made a group of its own in the same session", async () => {
    // `set -m` gives each job a process group.
    const child = startProgram("bash", ["-c", "set -m; sleep 300 & echo child=$!; wait"]);
    const inner = Number((await child.line(/child=(\d+)/))[1]);
    onTestFinished(() => killGroup(inner));
    await waitFor("both", async () => (await findGroup(child.pid)).includes(inner));
    expect(sorted(await findGroup(child.pid))).toEqual(sorted([child.pid, inner]));
  });

  it("does not find a child that left the session", async () => {
    const { child, escapee } = await startWithEscapee(randomUUID());
    expect(await findGroup(child.pid)).not.toContain(escapee);
  });

  it("does not count a zombie", async () => {
    // The sleep that takes the shell's place does not know that it has a child.
    const child = startShell("sleep 0.5 & echo child=$!; exec sleep 300");
    const zombie = Number((await child.line(/child=(\d+)/))[1]);
    await waitFor("a zombie", async () => (await stateOf(zombie)) === "Z");
    expect(await findGroup(child.pid)).toEqual([child.pid]);
  });

  it("is empty when all have ended", async () => {
    const child = startShell("exit 0");
    await child.ended;
    expect(await findGroup(child.pid)).toEqual([]);
  });
});

describe("findMarked", () => {
  it("finds every process that inherited the marker, in whatever group", async () => {
    const marker = randomUUID();
    const { child, escapee } = await startWithEscapee(marker);
    expect(sorted(await findMarked(marker))).toEqual(sorted([child.pid, escapee]));
  });

  it("finds one whose parent has ended", async () => {
    const marker = randomUUID();
    const { child, escapee } = await startWithEscapee(marker, "exit 0");
    await child.ended;
    expect(await findMarked(marker)).toEqual([escapee]);
  });

  it("takes the whole marker: neither a beginning of it nor a longer one", async () => {
    const child = startShell("echo up; exec sleep 300", { marker: "abc-def" });
    await child.line(/up/);
    await waitFor("it", async () => (await findMarked("abc-def")).includes(child.pid));
    expect(await findMarked("abc")).toEqual([]);
    expect(await findMarked("abc-def-ghi")).toEqual([]);
  });

  it("takes the marker's own variable, not another one that holds its text", async () => {
    const marker = randomUUID();
    const child = startShell("echo up; exec sleep 300", { env: { OTHER_MARKER: marker } });
    await child.line(/up/);
    expect(await findMarked(marker)).toEqual([]);
  });

  it("does not count a zombie", async () => {
    const marker = randomUUID();
    const child = startShell("sleep 0.5 & echo child=$!; exec sleep 300", { marker });
    const zombie = Number((await child.line(/child=(\d+)/))[1]);
    await waitFor("a zombie", async () => (await stateOf(zombie)) === "Z");
    expect(await findMarked(marker)).toEqual([child.pid]);
  });
});

describe("identify", () => {
  it("is the process's start time, the same each time", async () => {
    const child = startShell("sleep 300");
    const first = await identify(child.pid);
    expect(first).toEqual({ pid: child.pid, startTicks: expect.any(Number) });
    expect(await identify(child.pid)).toEqual(first);
    const uptimeS = Number((await readFile("/proc/uptime", "utf8")).split(" ")[0]);
    // Ticks are hundredths of a second on every Linux that Node runs on.
    expect(Math.abs(uptimeS - (first?.startTicks ?? 0) / 100)).toBeLessThan(60);
  });

  it("reads past a command name that looks like the fields after it", async () => {
    const program = join(await tempDir(), "x) Z 1 1 (");
    await symlink("/bin/sh", program);
    const child = startProgram(program, ["-c", "while :; do sleep 300; done"]);
    await waitFor("the new program", async () =>
      (await readFile(`/proc/${child.pid}/stat`, "latin1")).includes("(x) Z 1 1 ()"),
    );
    expect(await findGroup(child.pid)).toContain(child.pid);
    expect((await identify(child.pid))?.startTicks).toBeGreaterThan(1);
  });

  it("is null for one that has ended", async () => {
    const child = startShell("exit 0");
    await child.ended;
    expect(await identify(child.pid)).toBeNull();
  });
});

describe("Descendants", () => {
  it("are those that live, the roots among them", async () => {
    const child = startShell("sleep 300 & echo child=$!; sleep 0.01 & wait");
    const inner = Number((await child.line(/child=(\d+)/))[1]);
    const leader = await identify(child.pid);
    const descendants = new Descendants(leader === null ? [] : [leader]);
    const look = async () => sorted((await descendants.look()).map(({ pid }) => pid));
    await waitFor("both alone", async () => (await look()).length === 2);
    expect(await look()).toEqual(sorted([child.pid, inner]));
    killGroup(inner);
    await waitFor("its end", async () => (await look()).length < 2);
    expect(await look()).not.toContain(inner);
  });

  it("are none of a process that only has the PID of a root", async () => {
    const child = startShell("sleep 300 & echo up; wait");
    await child.line(/up/);
    expect(await new Descendants([{ pid: child.pid, startTicks: 1 }]).look()).toEqual([]);
  });

  it("are not this process or its other children", async () => {
    startShell("sleep 300");
    const child = startShell("echo up; exec sleep 300");
    await child.line(/up/);
    const leader = await identify(child.pid);
    const descendants = new Descendants(leader === null ? [] : [leader]);
    for (let n = 0; n < 3; n += 1) expect(await descendants.look()).toEqual([leader]);
  });
});

describe("sendSignal", () => {
  it("sends", async () => {
    const child = startShell("exec sleep 300");
    sendSignal(child.pid, "SIGINT");
    expect(await child.ended).toEqual({ code: null, signal: "SIGINT" });
  });

  it("takes a process or a group that has ended", async () => {
    const child = startShell("exit 0");
    await child.ended;
    expect(() => sendSignal(child.pid, "SIGTERM")).not.toThrow();
    expect(() => sendSignal(-child.pid, "SIGTERM")).not.toThrow();
  });
});

describe("endServer", () => {
  it("ends a group by TERM alone when that is enough", async () => {
    const marker = randomUUID();
    const child = startNode(
      `process.on("SIGTERM", () => { console.log("orderly"); process.exit(0); });
       setInterval(() => {}, 1000);
       console.log("up");`,
      { marker },
    );
    await child.line(/up/);
    const ended = await end({ marker, pgid: child.pid });
    expect(ended).toMatchObject({ killed: false, survivors: [] });
    expect(await child.ended).toEqual({ code: 0, signal: null });
    await child.line(/orderly/);
  });

  it("kills what does not take TERM, its children too", async () => {
    const marker = randomUUID();
    const child = startShell('trap "" TERM; sleep 300 & echo child=$!; wait', { marker });
    const inner = Number((await child.line(/child=(\d+)/))[1]);
    const ended = await end({ marker, pgid: child.pid, graceMs: 200 });
    expect(ended).toMatchObject({ killed: true, survivors: [] });
    expect(ended.tookS).toBeGreaterThanOrEqual(0.2);
    expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
    expect(await isAlive(inner)).toBe(false);
  });

  it("does not kill before the grace is over", async () => {
    const marker = randomUUID();
    const child = startNode(
      `process.on("SIGTERM", () => setTimeout(() => process.exit(7), 700));
       setInterval(() => {}, 1000);
       console.log("up");`,
      { marker },
    );
    await child.line(/up/);
    const ended = await end({ marker, pgid: child.pid, graceMs: 10_000 });
    expect(ended).toMatchObject({ killed: false, survivors: [] });
    expect(await child.ended).toEqual({ code: 7, signal: null });
  });

  it("finds a child that left the group, by the marker", async () => {
    const marker = randomUUID();
    const { child, escapee } = await startWithEscapee(marker);
    const ended = await end({ marker, pgid: child.pid });
    expect(ended).toMatchObject({ killed: false, survivors: [] });
    expect(await isAlive(escapee)).toBe(false);
  });

  it("finds it when the leader has ended long ago, and when the group is not known", async () => {
    for (const known of [true, false]) {
      const marker = randomUUID();
      const { child, escapee } = await startWithEscapee(marker, "exit 3");
      await child.ended;
      await end({ marker, ...(known ? { pgid: child.pid } : {}) });
      expect(await isAlive(escapee)).toBe(false);
    }
  });

  it("kills a child that left the group and does not take TERM", async () => {
    const marker = randomUUID();
    const child = startShell(`setsid sh -c 'trap "" TERM; echo escaped=$$; sleep 300' & wait`, { marker });
    const escapee = Number((await child.line(/escaped=(\d+)/))[1]);
    onTestFinished(() => killGroup(escapee));
    const ended = await end({ marker, pgid: child.pid, graceMs: 200 });
    expect(ended).toMatchObject({ killed: true, survivors: [] });
    expect(await isAlive(escapee)).toBe(false);
  });

  it("kills children that are started while others are killed", async () => {
    const marker = randomUUID();
    // New children come, each in a session of its own, faster than anybody can look at those that are there.
    const child = startShell(
      `trap "" TERM; echo up; n=0; while [ $n -lt 400 ]; do setsid sleep 300 & n=$((n + 1)); done; wait`,
      { marker },
    );
    onTestFinished(async () => {
      for (const pid of await findMarked(marker)) killGroup(pid);
    });
    await child.line(/up/);
    const ended = await end({ marker, pgid: child.pid, graceMs: 20, killMs: 10_000 });
    expect(ended).toMatchObject({ killed: true, survivors: [] });
    expect(await findMarked(marker)).toEqual([]);
  });

  it("sends each process TERM once: a second one cuts an orderly end short", async () => {
    const marker = randomUUID();
    const counting = `
      let terms = 0;
      process.on("SIGTERM", () => {
        terms += 1;
        if (terms === 1) setTimeout(() => { console.log("terms=" + terms); process.exit(0); }, 300);
      });
      setInterval(() => {}, 1000);`;
    const child = startNode(
      `import { spawn } from "node:child_process";
       const inner = spawn(process.execPath, ["-e", ${JSON.stringify(`${counting} console.log("inner up");`)}],
         { detached: true, stdio: ["ignore", "inherit", "inherit"] });
       console.log("inner=" + inner.pid);
       ${counting}`,
      { marker },
    );
    const inner = Number((await child.line(/inner=(\d+)/))[1]);
    onTestFinished(() => killGroup(inner));
    await child.line(/inner up/);
    const ended = await end({ marker, pgid: child.pid });
    expect(ended).toMatchObject({ killed: false, survivors: [] });
    await waitFor("both counts", () => child.output().match(/terms=\d/g)?.length === 2);
    expect(child.output().match(/terms=\d/g)).toEqual(["terms=1", "terms=1"]);
  });

  it("leaves processes of other servers alone", async () => {
    const other = startShell("echo up; exec sleep 300", { marker: randomUUID() });
    const marker = randomUUID();
    const child = startShell("exec sleep 300", { marker });
    await other.line(/up/);
    await end({ marker, pgid: child.pid });
    expect(await isAlive(other.pid)).toBe(true);
  });

  it("ends a descendant that has neither the group nor the marker, also when its parent ended since", async () => {
    for (const looked of [true, false]) {
      const marker = randomUUID();
      const child = startShell(
        `sh -c 'setsid env -i sleep 300 & echo escaped=$!; ${looked ? "exec sleep 0.6" : "wait"}' & wait; exec sleep 300`,
        { marker },
      );
      const escapee = Number((await child.line(/escaped=(\d+)/))[1]);
      onTestFinished(() => killGroup(escapee));
      await becomes(escapee, "sleep");
      const leader = { pid: child.pid, startTicks: (await identify(child.pid))?.startTicks ?? 0 };
      const descendants = new Descendants([leader]);
      if (looked) {
        await descendants.look();
        await waitFor("its parent's end", async () => (await findGroup(child.pid)).length === 1);
      }
      expect(await end({ marker, pgid: child.pid, descendants })).toMatchObject({ survivors: [] });
      expect(await isAlive(escapee)).toBe(false);
    }
  });

  it("kills at once when told to hurry, before the grace or in it", async () => {
    for (const early of [true, false]) {
      const marker = randomUUID();
      const child = startShell('trap "" TERM; echo up; while :; do sleep 300; done', { marker });
      await child.line(/up/);
      const hurry = early ? AbortSignal.abort() : AbortSignal.timeout(300);
      const ended = await end({ marker, pgid: child.pid, graceMs: 60_000, hurry });
      expect(ended).toMatchObject({ killed: true, survivors: [] });
      expect(ended.tookS).toBeLessThan(10);
    }
  });

  it("has nothing to do for a server that has ended", async () => {
    const child = startShell("exit 0");
    await child.ended;
    expect(await end({ marker: randomUUID(), pgid: child.pid })).toMatchObject({
      killed: false,
      survivors: [],
    });
  });

  it("does not wait for a zombie", async () => {
    const marker = randomUUID();
    // Its parent, outside of the group, never asks for its end.
    const parent = startNode(
      `import { execFileSync } from "node:child_process";
       console.log("up");
       execFileSync("sh", ["-c", "GATE_SERVER_MARKER=${marker} setsid sleep 300 & echo child=$! shell=$$ >&2; exec sleep 300"],
         { stdio: "inherit" });`,
    );
    const [, zombie, shell] = (await parent.line(/child=(\d+) shell=(\d+)/)).map(Number) as [
      number,
      number,
      number,
    ];
    await Promise.all([becomes(zombie, "sleep"), becomes(shell, "sleep")]);
    const ended = await end({ marker, pgid: zombie });
    expect(ended).toMatchObject({ killed: false, survivors: [] });
    expect(await stateOf(zombie)).toBe("Z");
  });
});

describe("findListeners", () => {
  async function listen(host: string): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  it.each(["127.0.0.1", "0.0.0.0", "::"])("finds this process behind a port of %s", async (host) => {
    expect(await findListeners(await listen(host))).toEqual([process.pid]);
  });

  it("finds another process, not the one that is connected to it", async () => {
    const child = startNode(
      `import { createServer } from "node:net";
       const server = createServer(() => {}).listen(0, "127.0.0.1", () => console.log("port=" + server.address().port));`,
    );
    const port = Number((await child.line(/port=(\d+)/))[1]);
    const client = createConnection(port, "127.0.0.1");
    onTestFinished(() => void client.destroy());
    await new Promise((resolve) => client.once("connect", resolve));
    expect(await findListeners(port)).toEqual([child.pid]);
  });

  it("finds both owners of a port that two processes share", async () => {
    const share = (port: number) => `
      import { createServer } from "node:net";
      const server = createServer().listen({ port: ${port}, host: "127.0.0.1", reusePort: true }, () =>
        console.log("port=" + server.address().port));`;
    const first = startNode(share(0));
    const port = Number((await first.line(/port=(\d+)/))[1]);
    const second = startNode(share(port));
    await second.line(/port=/);
    expect(sorted((await findListeners(port)) ?? [])).toEqual(sorted([first.pid, second.pid]));
  });

  it("does not take a connection for a listener that is gone", async () => {
    const child = startNode(
      `import { createServer } from "node:net";
       const server = createServer((socket) => { server.close(); socket.write("closed"); });
       server.listen(0, "127.0.0.1", () => console.log("port=" + server.address().port));`,
    );
    const port = Number((await child.line(/port=(\d+)/))[1]);
    const client = createConnection(port, "127.0.0.1");
    onTestFinished(() => void client.destroy());
    await new Promise((resolve) => client.once("data", resolve));
    expect(await findListeners(port)).toEqual([]);
  });

  it("finds nobody behind a port that is closed", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    expect(await findListeners(typeof address === "object" && address !== null ? address.port : 0)).toEqual(
      [],
    );
  });
});
