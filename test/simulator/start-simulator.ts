/** Starts the simulator as a program of its own and talks to it over HTTP. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/simulator/main.ts", import.meta.url));

/** A started process and what it printed so far. */
export interface Simulator extends AsyncDisposable {
  child: ChildProcess;
  port: number;
  url: string;
  output: () => string;
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** A port that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Spawns `serve MODEL …flags`; the start-up is shortened unless `env` says otherwise. */
export async function spawnSimulator(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  model = "Qwen/Qwen2.5-1.5B-Instruct",
): Promise<Simulator> {
  const port = await freePort();
  const base = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VLLM_|FORCE_COLOR|NO_COLOR)/.test(name)),
  );
  const child = spawn(process.execPath, [MAIN, "serve", model, "--port", String(port), ...flags], {
    env: { ...base, VLLM_SIM_STARTUP_SCALE: "0.002", VLLM_SIM_COMPILE_CACHE: "warm", ...env },
    detached: true,
  });
  let output = "";
  const take = (data: Buffer): void => {
    output += data.toString("utf8");
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal })),
  );
  return {
    child,
    port,
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    exit,
    async [Symbol.asyncDispose]() {
      try {
        process.kill(-child.pid!, "SIGKILL");
      } catch {
        // The group has already ended.
      }
      await exit;
    },
  };
}

/** Spawns and waits for `/health`. */
export async function startSimulator(
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  model?: string,
): Promise<Simulator> {
  const simulator = await spawnSimulator(flags, env, model);
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline && simulator.child.exitCode === null) {
    const healthy = await fetch(`${simulator.url}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return simulator;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await simulator[Symbol.asyncDispose]();
  throw new Error(`the simulator did not start:\n${simulator.output()}`);
}

/** Posts JSON. */
export function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(url, {
    method: "POST",
    body: text,
    headers: { "content-type": "application/json", ...headers },
  });
}

/** A metric's value, summed over its label sets. */
export function metricValue(page: string, name: string): number {
  let sum = Number.NaN;
  for (const line of page.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue;
    sum = (Number.isNaN(sum) ? 0 : sum) + Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}
