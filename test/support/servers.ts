import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import {
  findFreePort,
  type LaunchedServer,
  type LaunchOptions,
  launchServer,
} from "../../src/serve/launch.ts";
import { findMarked } from "../../src/system/processes.ts";
import { killGroup } from "./child-processes.ts";
import { tempDir } from "./temp-dir.ts";

/** Beginning of a script that is started as a server: its port, and a way to serve on it. */
const PRELUDE = `
import { createServer } from "node:http";
import { spawn } from "node:child_process";
import { appendFileSync, writeSync } from "node:fs";
const argv = process.argv.slice(2);
const port = Number(argv[argv.lastIndexOf("--port") + 1]);
const serve = (handler) => new Promise((resolve) => createServer(handler).listen(port, "127.0.0.1", resolve));
const healthy = (request, response) => response.writeHead(200).end();
const stay = () => setInterval(() => {}, 1000);
`;

export interface ScriptServer {
  readonly server: LaunchedServer;
  readonly options: LaunchOptions;
}

/**
 * Launches a small program as the server. `script` is JavaScript that has `port`, `serve(handler)`, `healthy`,
 * `stay()`, `argv`, `spawn`, `appendFileSync` and `writeSync`. Whatever it leaves is killed when the test ends.
 */
export async function launchScript(
  script: string,
  changed: Partial<LaunchOptions> = {},
): Promise<ScriptServer> {
  const folder = await tempDir();
  const program = join(folder, "server.mjs");
  await writeFile(program, PRELUDE + script);
  const marker = randomUUID();
  const options: LaunchOptions = {
    command: [process.execPath, program, "serve"],
    model: "org/model",
    args: [],
    env: { PATH: process.env["PATH"] ?? "" },
    shownEnv: [],
    apiKey: "key-of-the-server",
    port: await findFreePort(),
    folder: join(folder, "session"),
    marker,
    redact: (text) => text,
    graceMs: 5_000,
    ...changed,
  };
  onTestFinished(async () => {
    for (const pid of await findMarked(options.marker)) killGroup(pid);
  });
  return { server: await launchServer(options), options };
}
