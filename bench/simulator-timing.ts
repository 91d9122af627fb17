/**
 * How punctual the simulator is: 64 streams at fixed times, read by a light client in a process of its own; what
 * counts is when each event was written against when it was planned, as the simulator's own truth tells.
 *
 *     npm run bench:simulator-timing [-- --repeats 5 --seconds 4]
 *
 * Other work on the machine, and the host under a virtual one, make events late, whatever the simulator does. So each
 * rate comes with the load average and with `stalls`: the p99 of a program that only looks at the clock, run alone
 * before and after.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const { values } = parseArgs({
  options: { repeats: { type: "string", default: "5" }, seconds: { type: "string", default: "4" } },
});
const REPEATS = Number(values.repeats);
const SECONDS = Number(values.seconds);
const STREAMS = 64;
const RATES = [1_000, 10_000, 20_000];
const LIMIT_MS = 1;
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Lateness {
  events: number;
  p50: number;
  p99: number;
  max: number;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function withSimulator<T>(plan: string, truth: string, work: (port: number) => Promise<T>): Promise<T> {
  const port = await freePort();
  const argv = [path("../src/simulator/main.ts"), "serve", "Qwen/Qwen2.5-1.5B-Instruct", "--port", `${port}`];
  const env = {
    ...process.env,
    VLLM_SIM_STARTUP_SCALE: "0",
    VLLM_SIM_PLAN: plan,
    VLLM_SIM_TRUTH: truth,
  };
  const server = spawn(process.execPath, argv, { env, stdio: "ignore" });
  try {
    const url = `http://127.0.0.1:${port}/health`;
    while (
      !(await fetch(url).then(
        (response) => response.ok,
        () => false,
      ))
    ) {
      if (server.exitCode !== null) throw new Error("the simulator did not start");
      await sleep(50);
    }
    return await work(port);
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
  }
}

function lateness(lines: readonly string[]): Lateness {
  const late: number[] = [];
  for (const line of lines) {
    const { plannedNs, writtenNs } = JSON.parse(line) as { plannedNs: number[]; writtenNs: number[] };
    for (const [i, planned] of plannedNs.entries()) late.push((writtenNs[i]! - planned) / 1e6);
  }
  late.sort((a, b) => a - b);
  const at = (share: number): number => late[Math.min(late.length - 1, Math.floor(share * late.length))]!;
  return { events: late.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

async function measure(rate: number, truth: string): Promise<Lateness[]> {
  const itl = (STREAMS / rate) * 1000;
  const tokens = Math.round((SECONDS * rate) / STREAMS);
  const results: Lateness[] = [];
  await withSimulator(`ttftMs=20,itlMs=${itl}`, truth, async (port) => {
    for (let repeat = 0; repeat <= REPEATS; repeat++) {
      await rm(truth, { force: true });
      // The first round warms the compiler up and does not count.
      const count = repeat === 0 ? Math.round(tokens / 4) : tokens;
      const argv = [path("timing-client.ts"), port, STREAMS, count].map(String);
      const client = spawn(process.execPath, argv, { stdio: "inherit" });
      const [code] = (await once(client, "exit")) as [number];
      if (code !== 0) throw new Error("a stream broke off");
      let lines: string[] = [];
      while (lines.length < STREAMS) {
        await sleep(50);
        lines = (await readFile(truth, "utf8").catch(() => "")).split("\n").slice(0, -1);
      }
      if (repeat > 0) results.push(lateness(lines));
    }
  });
  return results;
}

async function stalls(): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [path("stalls.ts"), `${SECONDS}`]);
  return Number(stdout);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const folder = await mkdtemp(join(tmpdir(), "simulator-timing-"));
try {
  const print = (...cells: readonly (string | number)[]): void => {
    process.stdout.write(`${cells.map((cell) => String(cell).padStart(10)).join("")}\n`);
  };
  process.stdout.write(
    `written - planned, ms: median of ${REPEATS} repeats (range); ${STREAMS} streams, ${availableParallelism()} cores, ` +
      `${SECONDS} s each\n`,
  );
  print("events/s", "events", "p50", "p99", "max", "p99 from", "p99 to", "load", "stalls", "after");
  for (const rate of RATES) {
    const load = loadavg()[0]!.toFixed(2);
    const before = await stalls();
    const results = await measure(rate, join(folder, "truth.jsonl"));
    const of = (key: keyof Lateness): number[] => results.map((result) => result[key]);
    const p99 = of("p99").toSorted((a, b) => a - b);
    const shown = [of("p50"), p99, of("max")].map((list) => median(list).toFixed(3));
    print(
      rate,
      results[0]!.events,
      ...shown,
      p99[0]!.toFixed(3),
      p99.at(-1)!.toFixed(3),
      load,
      before,
      await stalls(),
    );
    if (rate === 10_000 && median(p99) > LIMIT_MS) process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true });
}
