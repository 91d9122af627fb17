import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { NotMeasuredError } from "../../src/domain/errors.ts";
import { findFreePort, servedModelName, serverArgv } from "../../src/serve/launch.ts";
import { findMarked, MARKER_VARIABLE } from "../../src/system/processes.ts";
import { createRedactor, REDACTED } from "../../src/system/redact.ts";
import { isAlive, killGroup, startNode } from "../support/child-processes.ts";
import { launchScript, type ScriptServer } from "../support/servers.ts";
import { tempDir } from "../support/temp-dir.ts";
import { waitFor } from "../support/wait-for.ts";

/** The whole log: the file is complete once the server is disposed. */
async function logOf({ server, options }: ScriptServer): Promise<string> {
  await server.dispose();
  return readFile(join(options.folder, "server.log"), "utf8");
}

/** Stamp, stream and text of each line of the log. */
async function linesOf(launched: ScriptServer): Promise<{ atS: number; stream: string; text: string }[]> {
  const lines = (await logOf(launched)).split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => {
    const [, atS, stream, text] = /^ *(\d+\.\d{3}) (out|err) (.*)$/.exec(line) ?? [];
    expect(atS, line).toBeDefined();
    return { atS: Number(atS), stream: stream ?? "", text: text ?? "" };
  });
}

const textsOf = async (launched: ScriptServer) => (await linesOf(launched)).map(({ text }) => text);

/** A line of the server, once it has come. */
const lineOf = (launched: ScriptServer, pattern: RegExp) =>
  waitFor(String(pattern), () =>
    launched.server
      .tail()
      .map((line) => line.match(pattern))
      .find((match) => match !== null),
  );

describe("serverArgv", () => {
  const flags = { model: "org/model", args: ["--seed", "1"], port: 8123 };
  const address = ["--host", "127.0.0.1", "--port", "8123"];

  it.each<[command: string[], expected: string[]]>([
    [
      ["vllm", "serve"],
      ["vllm", "serve", "org/model", "--seed", "1", ...address],
    ],
    [
      ["python3", "-m", "vllm.entrypoints.cli.main", "serve"],
      ["python3", "-m", "vllm.entrypoints.cli.main", "serve", "org/model", "--seed", "1", ...address],
    ],
    [
      ["python3", "-m", "vllm.entrypoints.openai.api_server"],
      [
        ...["python3", "-m", "vllm.entrypoints.openai.api_server", "--model", "org/model", "--seed", "1"],
        ...address,
      ],
    ],
  ])("of %j gives the model as it takes it, and the address last", (command, expected) => {
    expect(serverArgv({ ...flags, command })).toEqual(expected);
  });
});

describe("servedModelName", () => {
  it.each<[args: string[], name: string]>([
    [[], "org/model"],
    [["--served-model-name", "chat"], "chat"],
    [["--served-model-name=chat"], "chat"],
    [["--served_model_name", "chat"], "chat"],
    [["--served-model-name", "chat", "other"], "chat"],
    [["--served-model-name", "one", "--served-model-name", "two"], "two"],
    [["--served-model-name=a=b"], "a=b"],
    [["--served-model-name"], "org/model"],
    [["--served-model-names", "chat"], "org/model"],
  ])("with %j is %s", (args, name) => {
    expect(servedModelName("org/model", args)).toBe(name);
  });
});

describe("findFreePort", () => {
  it("gives a port that can be listened on, another one while it is taken", async () => {
    const port = await findFreePort();
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    onTestFinished(() => void server.close());
    expect(await findFreePort()).not.toBe(port);
  });
});

describe("launchServer: how it starts", () => {
  it("runs the argument list as it is, without a shell, in a folder of its own", async () => {
    const launched = await launchScript("console.log(JSON.stringify([argv, process.cwd()]));", {
      args: ["--x", "a b", "$HOME", "`id`; exit 3", "*"],
      port: 8123,
    });
    expect(await launched.server.exited).toMatchObject({ code: 0, signal: null });
    expect(JSON.parse((await textsOf(launched))[0] ?? "")).toEqual([
      [
        "serve",
        "org/model",
        "--x",
        "a b",
        "$HOME",
        "`id`; exit 3",
        "*",
        "--host",
        "127.0.0.1",
        "--port",
        "8123",
      ],
      await realpath(launched.options.folder),
    ]);
    expect(launched.server.argv.slice(2)).toEqual(serverArgv(launched.options).slice(2));
    expect(launched.server.baseUrl).toBe("http://127.0.0.1:8123");
  });

  it("gives the server no variable but those it was handed and the gate's own", async () => {
    process.env["SURELY_NOT_FOR_THE_SERVER"] = "1";
    onTestFinished(() => {
      delete process.env["SURELY_NOT_FOR_THE_SERVER"];
    });
    const launched = await launchScript("console.log(JSON.stringify(process.env));", {
      env: { PATH: process.env["PATH"] ?? "", VLLM_LOGGING_LEVEL: "DEBUG" },
    });
    await launched.server.exited;
    const env = JSON.parse((await textsOf(launched))[0] ?? "") as Record<string, string>;
    expect(env).toEqual({
      PATH: process.env["PATH"],
      VLLM_LOGGING_LEVEL: "DEBUG",
      VLLM_API_KEY: "key-of-the-server",
      VLLM_NO_USAGE_STATS: "1",
      DO_NOT_TRACK: "1",
      VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS: "10",
      NO_COLOR: "1",
      PYTHONUNBUFFERED: "1",
      PYTHONSAFEPATH: "1",
      SPT_NOENV: "1",
      [MARKER_VARIABLE]: launched.options.marker,
    });
  });

  it("lets no scenario replace the gate's own variables", async () => {
    const launched = await launchScript(
      "console.log(process.env.VLLM_API_KEY, process.env.GATE_SERVER_MARKER);",
      {
        env: { PATH: process.env["PATH"] ?? "", VLLM_API_KEY: "mine", [MARKER_VARIABLE]: "mine" },
      },
    );
    await launched.server.exited;
    expect(await textsOf(launched)).toEqual([`key-of-the-server ${launched.options.marker}`]);
  });

  it("makes it the leader of a process group of its own", async () => {
    const launched = await launchScript("console.log('up'); stay();");
    await lineOf(launched, /up/);
    const { pid, startTicks } = launched.server.leader;
    const fields = (await readFile(`/proc/${pid}/stat`, "latin1")).split(") ")[1]?.split(" ") ?? [];
    expect(Number(fields[2])).toBe(pid);
    expect(Number(fields[19])).toBe(startTicks);
    await launched.server.dispose();
  });

  it("says that the program is missing, and what to do", async () => {
    const launching = launchScript("", { command: ["no-such-program-anywhere", "serve"] });
    await expect(launching).rejects.toBeInstanceOf(NotMeasuredError);
    await expect(launching).rejects.toThrow(
      /^no-such-program-anywhere could not be started: .*ENOENT.*Install it on this runner, put it on PATH, or set the scenario's `command`\.$/s,
    );
  });

  it("says that the program cannot be run", async () => {
    const program = join(await tempDir(), "not-executable");
    await writeFile(program, "#!/bin/sh\n", { mode: 0o644 });
    await expect(launchScript("", { command: [program, "serve"] })).rejects.toThrow(
      /could not be started: .*EACCES/,
    );
  });

  it("names no secret when it cannot start", async () => {
    const launching = launchScript("", {
      command: ["no-such-program-anywhere", "serve"],
      args: ["--hf-token", "hf_secret_value"],
    });
    await expect(launching).rejects.not.toThrow("hf_secret_value");
  });
});

describe("launchServer: its log", () => {
  it("has each line of both streams, in order, with seconds since the start", async () => {
    const launched = await launchScript(`
      console.log("one");
      console.log("");
      setTimeout(() => { console.log("two"); process.stdout.write("the last, without its end"); }, 400);`);
    const { atS } = await launched.server.exited;
    const lines = await linesOf(launched);
    expect(lines.map(({ stream, text }) => `${stream} ${text}`)).toEqual([
      "out one",
      "out ",
      "out two",
      "out the last, without its end",
    ]);
    const stamps = lines.map((line) => line.atS);
    expect([...stamps].sort((a, b) => a - b)).toEqual(stamps);
    expect((stamps[2] ?? 0) - (stamps[0] ?? 0)).toBeGreaterThan(0.3);
    expect(stamps[3] ?? 99).toBeLessThanOrEqual(atS + 1);
    expect(launched.server.tail()).toEqual(["one", "", "two", "the last, without its end"]);
  });

  it("tells the streams apart", async () => {
    const launched = await launchScript(`console.error("to err"); console.log("to out");`);
    await launched.server.exited;
    const lines = (await linesOf(launched)).map(({ stream, text }) => `${stream} ${text}`);
    expect(lines.sort()).toEqual(["err to err", "out to out"]);
  });

  it("takes a progress bar, broken UTF-8 and very long lines", async () => {
    const launched = await launchScript(`
      writeSync(1, "10%\\r50%\\r100%\\n");
      writeSync(1, Buffer.from([0x61, 0xff, 0xc3, 0x28, 0x0a]));
      writeSync(1, "x".repeat(40000) + "\\n");
      writeSync(1, "after\\r\\n");`);
    await launched.server.exited;
    const texts = await textsOf(launched);
    expect(texts.slice(0, 3)).toEqual(["10%", "50%", "100%"]);
    expect(texts[3]).toMatch(/^a\ufffd/);
    expect(texts[4]).toMatch(/^x{16384} \[cut\]$/);
    expect(texts[5]).toBe("after");
  });

  it("keeps the last 200 lines for a report, and all of them in the file", async () => {
    const launched = await launchScript("for (let n = 0; n < 1000; n += 1) console.log(n);");
    await launched.server.exited;
    expect(launched.server.tail()).toEqual(Array.from({ length: 200 }, (_, index) => String(800 + index)));
    expect(await textsOf(launched)).toHaveLength(1000);
  });

  it("has what the server says while it is ended", async () => {
    const launched = await launchScript(`
      const staying = stay();
      process.on("SIGTERM", () => {
        for (let n = 0; n < 5_000; n += 1) console.log("shutting down " + n);
        clearInterval(staying);
      });
      console.log("up");`);
    await lineOf(launched, /up/);
    const texts = await textsOf(launched);
    expect(texts).toHaveLength(5_001);
    expect(texts.at(-1)).toBe("shutting down 4999");
  });

  it("is read to its end when the server has ended", async () => {
    // As much as a pipe holds, written at once: the process is gone before the first line is read.
    const many = join(await tempDir(), "many-lines");
    await writeFile(many, "a line before the cause\n".repeat(6_000));
    const launched = await launchScript("", {
      command: ["sh", "-c", `cat ${many}; echo the cause; exit 3`, "serve"],
    });
    await launched.server.exited;
    expect(launched.server.tail().at(-1)).toBe("the cause");
  });

  it("has the words of a program that ends at once", async () => {
    for (let n = 0; n < 10; n += 1) {
      const launched = await launchScript("", { command: ["sh", "-c", "echo cause; exit 3", "serve"] });
      expect(await launched.server.exited).toMatchObject({ code: 3 });
      expect(launched.server.tail()).toEqual(["cause"]);
    }
  });

  it("feeds the log reader", async () => {
    const launched = await launchScript(
      `console.log("INFO 11-22 06:35:00 [api_server.py:1] vLLM API server version 0.22.0");`,
    );
    await launched.server.exited;
    expect(launched.server.log.facts().vllmVersion).toBe("0.22.0");
  });
});

describe("launchServer: secrets", () => {
  const secret = "hf_averysecretvalue";
  const launch = () =>
    launchScript(
      `console.log("token", process.env.HF_TOKEN, "and key", process.env.VLLM_API_KEY);
       console.error("x".repeat(16_370) + process.env.HF_TOKEN);
       console.log(argv.join(" "));`,
      {
        apiKey: "key-of-the-server",
        env: { PATH: process.env["PATH"] ?? "", HF_TOKEN: secret, SHOWN: `a ${secret} b`, PLAIN: "plain" },
        shownEnv: ["HF_TOKEN", "SHOWN", "PLAIN", "ABSENT"],
        args: ["--hf-token", "short", "--other-token=short", "--header", `Bearer ${secret}`, "--seed", "1"],
        redact: createRedactor([secret, "key-of-the-server"]),
      },
    );

  it("are in no line of the log, nor in what is kept of it", async () => {
    const launched = await launch();
    await launched.server.exited;
    const log = await logOf(launched);
    expect(log).toContain(`token ${REDACTED} and key ${REDACTED}`);
    for (const text of [log, launched.server.tail().join("\n")]) {
      expect(text).not.toContain("hf_av");
      expect(text).not.toContain("key-of");
    }
  });

  it("are not in the recorded command and variables", async () => {
    const { server } = await launch();
    expect(server.argv.slice(2, -4)).toEqual([
      ...["serve", "org/model", "--hf-token", REDACTED, `--other-token=${REDACTED}`],
      ...["--header", `Bearer ${REDACTED}`, "--seed", "1"],
    ]);
    expect(server.env).toMatchObject({
      HF_TOKEN: REDACTED,
      SHOWN: `a ${REDACTED} b`,
      PLAIN: "plain",
      VLLM_API_KEY: REDACTED,
    });
    expect(server.env).not.toHaveProperty("ABSENT");
    expect(server.env).not.toHaveProperty("PATH");
    expect(JSON.stringify([server.argv, server.env])).not.toContain(secret);
    await server.dispose();
  });
});

describe("launchServer: its end", () => {
  it("is known with its code", async () => {
    const { server } = await launchScript("process.exit(7);");
    const exit = await server.exited;
    expect(exit).toMatchObject({ code: 7, signal: null });
    expect(exit.atS).toBeGreaterThan(0);
    expect(server.exit()).toEqual(exit);
  });

  it("is known with its signal", async () => {
    const { server } = await launchScript("process.kill(process.pid, 'SIGKILL');");
    expect(await server.exited).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  it("is not known before it comes", async () => {
    const launched = await launchScript("console.log('up'); stay();");
    await lineOf(launched, /up/);
    expect(launched.server.exit()).toBeNull();
    await launched.server.dispose();
    expect(await launched.server.exited).toMatchObject({ signal: "SIGTERM" });
  });

  it("is known although a child holds its output open", async () => {
    const launched = await launchScript(
      `spawn("sleep", ["300"], { stdio: ["ignore", "inherit", "inherit"] }); setTimeout(() => process.exit(5), 100);`,
    );
    expect(await launched.server.exited).toMatchObject({ code: 5 });
    await launched.server.dispose();
    expect(await findMarked(launched.options.marker)).toEqual([]);
  });

  it("is orderly when the server takes TERM", async () => {
    const launched = await launchScript(
      `process.on("SIGTERM", () => { console.log("bye"); process.exit(0); }); console.log("up"); stay();`,
    );
    await lineOf(launched, /up/);
    expect(await launched.server.dispose()).toMatchObject({ killed: false, survivors: [] });
    expect(await launched.server.exited).toMatchObject({ code: 0, signal: null });
    expect(await textsOf(launched)).toEqual(["up", "bye"]);
  });

  it("is forced when the server does not", async () => {
    const launched = await launchScript(`process.on("SIGTERM", () => {}); console.log("up"); stay();`, {
      graceMs: 200,
    });
    await lineOf(launched, /up/);
    expect(await launched.server.dispose()).toMatchObject({ killed: true, survivors: [] });
    expect(await launched.server.exited).toMatchObject({ signal: "SIGKILL" });
  });

  it("includes an orphan that left the group, although the leader ended first", async () => {
    const launched = await launchScript(`
      const orphan = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
      orphan.unref();
      console.log("orphan=" + orphan.pid);
      setTimeout(() => process.exit(1), 100);`);
    const orphan = Number((await lineOf(launched, /orphan=(\d+)/))[1]);
    await launched.server.exited;
    expect(await isAlive(orphan)).toBe(true);
    expect(await launched.server.dispose()).toMatchObject({ survivors: [] });
    expect(await isAlive(orphan)).toBe(false);
  });

  it("includes one that left group, session and environment, and whose parent has ended", async () => {
    const launched = await launchScript(
      `spawn("sh", ["-c", "setsid env -i sleep 300 & echo escaped=$!; sleep 2.5"], { stdio: "inherit" })
         .on("exit", () => console.log("parent ended"));
       stay();`,
    );
    const escapee = Number((await lineOf(launched, /escaped=(\d+)/))[1]);
    onTestFinished(() => killGroup(escapee));
    await lineOf(launched, /parent ended/);
    expect(await isAlive(escapee)).toBe(true);
    expect(await launched.server.dispose()).toMatchObject({ survivors: [] });
    expect(await isAlive(escapee)).toBe(false);
  });

  it("lets the gate end although somebody unknown holds the server's output", async () => {
    const folder = await tempDir();
    const launcher = fileURLToPath(new URL("../../src/serve/launch.ts", import.meta.url));
    const options = {
      // Its parent is gone before anybody can look.
      command: ["sh", "-c", "(setsid env -i sleep 300 & echo escaped=$!); exec sleep 300", "serve"],
      ...{ model: "m", args: [], env: { PATH: process.env["PATH"] }, shownEnv: [], apiKey: "key" },
      ...{ port: 1, folder, marker: randomUUID(), graceMs: 5_000 },
    };
    const gate = startNode(
      `import { launchServer } from ${JSON.stringify(launcher)};
       const server = await launchServer({ ...${JSON.stringify(options)}, redact: (text) => text });
       while (server.tail().length === 0) await new Promise((done) => setTimeout(done, 20));
       console.log(server.tail()[0]);
       await server.dispose();
       console.log("disposed");`,
    );
    const escapee = Number((await gate.line(/escaped=(\d+)/))[1]);
    onTestFinished(() => killGroup(escapee));
    await gate.line(/disposed/);
    const late = new Promise((resolve) => setTimeout(() => resolve("still there"), 5_000));
    expect(await Promise.race([gate.ended, late])).toEqual({ code: 0, signal: null });
    expect(await isAlive(escapee)).toBe(true);
  });

  it("is without a grace when it is to hurry", async () => {
    const hurry = new AbortController();
    const launched = await launchScript(`process.on("SIGTERM", () => {}); console.log("up"); stay();`, {
      graceMs: 50_000,
      hurry: hurry.signal,
    });
    await lineOf(launched, /up/);
    setTimeout(() => hurry.abort(), 200);
    const ended = await launched.server.dispose();
    expect(ended).toMatchObject({ killed: true, survivors: [] });
    expect(ended.tookS).toBeLessThan(10);
  });

  it("comes although the log cannot be written", async () => {
    const folder = await tempDir();
    await symlink("/dev/full", join(folder, "server.log"));
    const launched = await launchScript("console.log('up'); stay();", { folder });
    await lineOf(launched, /up/);
    expect(await launched.server.dispose()).toMatchObject({ survivors: [] });
  });

  it("happens once: later calls give what the first one did", async () => {
    const launched = await launchScript("console.log('up'); stay();");
    await lineOf(launched, /up/);
    const [first, second] = await Promise.all([launched.server.dispose(), launched.server.dispose()]);
    expect(second).toBe(first);
    expect(await launched.server.dispose()).toBe(first);
  });

  it("comes at the end of a block that uses the server, also when the block fails", async () => {
    const marker = randomUUID();
    const use = async () => {
      const launched = await launchScript("console.log('up'); stay();", { marker });
      await using server = launched.server;
      await lineOf(launched, /up/);
      expect(await findMarked(marker)).toEqual([server.leader.pid]);
      throw new Error("the probe failed");
    };
    await expect(use()).rejects.toThrow("the probe failed");
    expect(await findMarked(marker)).toEqual([]);
  });

  it("does not fail when the log's folder is gone", async () => {
    const folder = await mkdtemp(join(tmpdir(), "vllm-gate-test-"));
    const launched = await launchScript("console.log('up'); stay();", { folder });
    await lineOf(launched, /up/);
    await rm(folder, { recursive: true });
    expect(await launched.server.dispose()).toMatchObject({ survivors: [] });
  });
});
