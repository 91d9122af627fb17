/** The ground-truth server: the simulator in a process of its own, which notes when it wrote each event. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import type { Load } from "./client-cells.ts";
import { type Noted, readFrom, startWire, type Truth } from "./client-truth.ts";

const MAIN = fileURLToPath(new URL("../src/simulator/main.ts", import.meta.url));
/** Runs what follows with slices of 0.1 ms. */
export const SHORT_SLICES = [
  "python3",
  "-I",
  fileURLToPath(new URL("client-short-slices.py", import.meta.url)),
];
const LIGHT_CLIENT = fileURLToPath(new URL("timing-client.ts", import.meta.url));
/** Clients have the other cores. */
export const SERVER_CORE = 0;
/** The highest. */
const PRIORITY = -20;
const START_LIMIT_MS = 20_000;
const TRUTH_LIMIT_MS = 10_000;
/** The name that the server serves its model under. */
export const MODEL = "tiny";

/** A running server; disposing ends it. */
export interface TruthServer extends AsyncDisposable {
  readonly url: string;
  /** Forgets what was noted so far. */
  forget(): Promise<void>;
  /**
   * The truth of the requests that `wanted` picks by their id.
   *
   * @throws Error when fewer than `count` have ended and been noted within some seconds
   */
  read(wanted: (id: string) => boolean, count: number): Promise<Map<string, Truth>>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/**
 * Starts a server whose streams follow the load's plan, and warms it up with a client that only reads.
 *
 * @param model folder of the model's tokenizer, which the clients use too
 * @param truthFile where the server notes its times
 */
export async function startTruthServer(load: Load, model: string, truthFile: string): Promise<TruthServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const flags = ["--port", `${port}`, "--served-model-name", MODEL, "--max-model-len", "4096"];
  const env = {
    ...process.env,
    VLLM_SIM_STARTUP_SCALE: "0",
    VLLM_SIM_PLAN: `ttftMs=${load.ttftMs},itlMs=${load.itlMs},spreadMs=${load.spreadMs}`,
    VLLM_SIM_TRUTH: truthFile,
  };
  // A core of its own: it is the clock that clients are held against, and turns on the spot while an event is near.
  const node = ["-c", `${SERVER_CORE}`, process.execPath];
  const argv = ["taskset", ...node, MAIN, "serve", model, ...flags, "--disable-uvicorn-access-log"];
  const [program = "", ...rest] = [...SHORT_SLICES, ...argv];
  const server = spawn(program, rest, { env, stdio: "ignore", detached: true });
  const kill = (): void => void server.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async (): Promise<void> => {
    process.off("exit", kill);
    if (server.exitCode !== null) return;
    server.kill("SIGTERM");
    await once(server, "exit");
  };
  try {
    await goBeforeOtherWork(server.pid);
    const limit = performance.now() + START_LIMIT_MS;
    while (!(await answers(`${url}/health`))) {
      if (server.exitCode !== null || performance.now() > limit)
        throw new Error(`the simulator did not start on port ${port}`);
      await sleep(50);
    }
    const warmUp = { streams: Math.max(8, load.streams), tokens: Math.ceil(load.tokens / 2) };
    for (let i = 0; i < 2; i++)
      await execa(process.execPath, [LIGHT_CLIENT, `${port}`, `${warmUp.streams}`, `${warmUp.tokens}`]);
    await sleep(300);
  } catch (error) {
    await stop();
    throw error;
  }
  const wire = await startWire(port, `${truthFile}.wire`);
  let offset = 0;
  return {
    url,
    forget: async () => {
      offset = (await readFrom(truthFile, 0)).length;
      await wire.forget();
    },
    read: async (wanted, count) => {
      const limit = performance.now() + TRUTH_LIMIT_MS;
      for (;;) {
        const text = (await readFrom(truthFile, offset)).toString("utf8");
        const noted = text.split("\n").slice(0, -1);
        const found = noted.map((line) => JSON.parse(line) as Noted).filter(({ id }) => wanted(id));
        if (found.length >= count) return await wire.join(found);
        if (performance.now() > limit)
          throw new Error(`the server noted ${found.length} of the client's requests, expected ${count}`);
        await sleep(200);
      }
    },
    [Symbol.asyncDispose]: async () => {
      wire.stop();
      await stop();
    },
  };
}

/**
 * Lets a process that leads a session of its own, and all that it starts, go before other work on the machine, as
 * far as that is allowed: for root. Without it, other work shows in every number.
 *
 * Where the kernel groups processes by session, the niceness of one counts within its session only, and the session
 * has a niceness too (sched(7), the autogroup feature).
 */
export async function goBeforeOtherWork(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  try {
    setPriority(pid, PRIORITY);
    await writeFile(`/proc/${pid}/autogroup`, `${PRIORITY}`);
  } catch {
    // Not allowed, or a kernel without groups.
  }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
