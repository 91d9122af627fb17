import { describe, expect, it, onTestFinished } from "vitest";
import { NotMeasuredError } from "../../src/domain/errors.ts";
import { findFreePort } from "../../src/serve/launch.ts";
import { ServerStartError, waitUntilHealthy } from "../../src/serve/ready.ts";
import { findMarked } from "../../src/system/processes.ts";
import { startNode } from "../support/child-processes.ts";
import { launchScript, type ScriptServer } from "../support/servers.ts";

const wait = ({ server, options }: ScriptServer, timeoutS = 20, signal = new AbortController().signal) =>
  waitUntilHealthy(server, { timeoutS, signal, marker: options.marker });

/** The error with which the server does not come up. */
async function failureOf(launched: ScriptServer, timeoutS?: number): Promise<ServerStartError> {
  const error = await wait(launched, timeoutS).then(
    () => new Error("the server is healthy"),
    (reason: unknown) => reason,
  );
  await launched.server.dispose();
  expect(error).toBeInstanceOf(ServerStartError);
  expect(error).toBeInstanceOf(NotMeasuredError);
  return error as ServerStartError;
}

describe("waitUntilHealthy: a server that comes up", () => {
  it("is ready when /health answers 200, not when it answers at all", async () => {
    const launched = await launchScript(`
      const startMs = performance.now();
      await serve((request, response) => {
        const ready = performance.now() - startMs > 600;
        response.writeHead(request.url === "/health" && ready ? 200 : 503).end("x");
      });`);
    const readyS = await wait(launched);
    expect(readyS).toBeGreaterThan(0.6);
    expect(readyS).toBeLessThan(10);
    await launched.server.dispose();
  });

  it("may listen late", async () => {
    const launched = await launchScript("setTimeout(() => serve(healthy), 500);");
    expect(await wait(launched)).toBeGreaterThan(0.5);
    await launched.server.dispose();
  });

  it("may listen in a child, also in one that left the group", async () => {
    const child = `require("node:http").createServer((q, r) => r.end()).listen(PORT, "127.0.0.1")`;
    const launched = await launchScript(`
      spawn(process.execPath, ["-e", ${JSON.stringify(child)}.replace("PORT", port)],
        { detached: true, stdio: "ignore" });
      stay();`);
    expect(await wait(launched)).toBeGreaterThan(0);
    await launched.server.dispose();
    expect(await findMarked(launched.options.marker)).toEqual([]);
  });

  it("is asked for its health only", async () => {
    const launched = await launchScript(`
      await serve((request, response) => {
        console.log(request.method, request.url);
        response.writeHead(200).end();
      });`);
    await wait(launched);
    await launched.server.dispose();
    expect(new Set(launched.server.tail())).toEqual(new Set(["GET /health"]));
  });
});

describe("waitUntilHealthy: a server that ends", () => {
  it("fails at once with the cause that its log names", async () => {
    const launched = await launchScript(`
      console.log("INFO 11-22 06:35:00 [api_server.py:1] starting");
      console.error("Traceback (most recent call last):");
      console.error('  File "x.py", line 1, in <module>');
      console.error("ValueError: the flux capacitor is not charged");
      process.exitCode = 3;`);
    const error = await failureOf(launched, 600);
    expect(error.message).toMatch(
      /^The server ended after \d+\.\d s with exit code 3: .*the flux capacitor is not charged/,
    );
    expect(error.exited).toBe(true);
    expect(error.logTail.at(-1)).toBe("ValueError: the flux capacitor is not charged");
  });

  it("gives a hint where it knows one", async () => {
    const launched = await launchScript(`
      console.error("vllm serve: error: unrecognized arguments: --no-such-flag");
      process.exitCode = 2;`);
    const error = await failureOf(launched, 600);
    expect(error.message).toContain("--no-such-flag");
    expect(error.hint).toMatch(/misspelt/);
  });

  it("names the signal that ended it", async () => {
    const launched = await launchScript("process.kill(process.pid, 'SIGKILL');");
    const error = await failureOf(launched, 600);
    expect(error.message).toMatch(/^The server ended after \d+\.\d s by SIGKILL: /);
    expect(error.exited).toBe(true);
  });

  it("does not wait for a child that holds its output open", async () => {
    const launched = await launchScript(`
      spawn("sleep", ["300"], { stdio: ["ignore", "inherit", "inherit"] });
      setTimeout(() => process.exit(1), 50);`);
    expect((await failureOf(launched, 600)).message).toContain("exit code 1");
  });

  it("shows the end of its log, not all of it", async () => {
    const launched = await launchScript(
      "for (let n = 0; n < 500; n += 1) console.log(n); process.exitCode = 1;",
    );
    const { logTail } = await failureOf(launched, 600);
    expect(logTail).toHaveLength(30);
    expect(logTail.at(-1)).toBe("499");
  });
});

describe("waitUntilHealthy: a server that does not come up", () => {
  it.each([
    ["never listens", "console.log('loading'); stay();"],
    ["is never healthy", "await serve((request, response) => response.writeHead(503).end());"],
  ])("fails after the timeout when it %s", async (_, script) => {
    const launched = await launchScript(script);
    const error = await failureOf(launched, 1);
    expect(error.message).toMatch(
      /^The server was not healthy after 1 s \(readyTimeoutS\): its log names no cause$/,
    );
    expect(error.exited).toBe(false);
  });

  it("ends its wait when the run is cancelled, with the reason", async () => {
    const launched = await launchScript("stay();");
    const controller = new AbortController();
    const waiting = wait(launched, 600, controller.signal);
    controller.abort(new Error("the run was cancelled"));
    await expect(waiting).rejects.toThrow("the run was cancelled");
    await launched.server.dispose();
  });
});

describe("waitUntilHealthy: a port that belongs to somebody else", () => {
  const foreign = (port: number) =>
    startNode(
      `import { createServer } from "node:http";
       createServer((request, response) => response.end()).listen(
         { port: ${port}, host: "127.0.0.1", reusePort: true }, () => console.log("listening"));`,
    );

  it("fails although /health answers, and names the owner", async () => {
    const port = await findFreePort();
    const other = foreign(port);
    await other.line(/listening/);
    const launched = await launchScript("stay();", { port });
    const error = await failureOf(launched);
    expect(error.message).toMatch(
      new RegExp(`^Port ${port} is owned by process ${other.pid}, not by the server that was started`),
    );
  });

  it("fails when both listen: either could be the one that answers", async () => {
    const port = await findFreePort();
    const other = foreign(port);
    await other.line(/listening/);
    const launched = await launchScript(
      `createServer(healthy).listen({ port, host: "127.0.0.1", reusePort: true });`,
      { port },
    );
    const error = await failureOf(launched);
    expect(error.message).toContain(`is owned by process ${other.pid},`);
  });

  it("fails when it is this process's own", async () => {
    const { createServer } = await import("node:http");
    const port = await findFreePort();
    const own = createServer((_, response) => response.end());
    await new Promise<void>((resolve) => own.listen(port, "127.0.0.1", resolve));
    onTestFinished(() => void own.close());
    const error = await failureOf(await launchScript("stay();", { port }));
    expect(error.message).toContain(`Port ${port} is owned by process ${process.pid}`);
  });
});
