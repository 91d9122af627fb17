import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { NotMeasuredError } from "../domain/errors.ts";
import type { Disposal } from "../domain/run.ts";
import { delay, monotonicS } from "../system/clock.ts";
import {
  Descendants,
  endServer,
  identify,
  MARKER_VARIABLE,
  type ProcessIdentity,
} from "../system/processes.ts";
import { isSecretName, REDACTED, type Redact, redactArgs } from "../system/redact.ts";
import { createLogReader, type LogReader } from "./log-facts.ts";

/** How many of the log's last lines are kept for a failure's report. */
const TAIL_LINES = 200;
/** Longer lines are cut in the log file: a server can print anything. */
const MAX_LINE = 16_384;
/** How often a server's descendants are looked for. */
const DESCENDANTS_MS = 1_000;

export interface LaunchOptions {
  /** e.g. `["vllm", "serve"]`; the model follows as its argument, or as `--model` for other commands. */
  readonly command: readonly string[];
  readonly model: string;
  readonly args: readonly string[];
  /** The server's whole environment but for what the launch itself adds. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of `env` whose values are recorded. */
  readonly shownEnv: readonly string[];
  readonly apiKey: string;
  readonly port: number;
  /** The server's own folder: its working directory, and where `server.log` is written. */
  readonly folder: string;
  /** Identifies every process of this server; see `system/processes.ts`. */
  readonly marker: string;
  readonly redact: Redact;
  /** How long an orderly end may take before KILL. */
  readonly graceMs: number;
  /** Aborted when KILL is to come at once. */
  readonly hurry?: AbortSignal | undefined;
}

/** How a server process ended. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly atS: number;
}

/** A server that was started, ready or not. Disposing it ends every process it left. */
export interface LaunchedServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly leader: ProcessIdentity;
  /** Zero of the session's clock, on `monotonicS`. */
  readonly spawnedAtS: number;
  /** As it was run; secrets replaced. */
  readonly argv: string[];
  /** The variables that change how it runs; secrets replaced. */
  readonly env: Record<string, string>;
  readonly log: LogReader;
  readonly tail: () => string[];
  /** Settles when the leading process ends and its output was read to the end. Never rejects. */
  readonly exited: Promise<ServerExit>;
  /** Null while the leading process runs. */
  readonly exit: () => ServerExit | null;
  /** The processes that it has started, as far as they are known, and itself. */
  descendants(): Promise<ProcessIdentity[]>;
  /** Ends the server once; later calls return what the first one did. */
  dispose(): Promise<Disposal>;
}

/** A TCP port of the loopback address that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ host: "127.0.0.1", port: 0, exclusive: true }, () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** The whole argument list: command, model, the user's flags, and what the gate itself decides, last. */
export function serverArgv(options: Pick<LaunchOptions, "command" | "model" | "args" | "port">): string[] {
  const takesPositional = options.command.at(-1) === "serve";
  const model = takesPositional ? [options.model] : ["--model", options.model];
  return [
    ...options.command,
    ...model,
    ...options.args,
    "--host",
    "127.0.0.1",
    "--port",
    String(options.port),
  ];
}

/** The name under which the server answers: the last `--served-model-name`, else the model as given. */
export function servedModelName(model: string, args: readonly string[]): string {
  let name = model;
  args.forEach((arg, index) => {
    const [flag, ...rest] = arg.split("=");
    if (flag?.replaceAll("_", "-") !== "--served-model-name") return;
    name = (rest.length > 0 ? rest.join("=") : args[index + 1]) ?? name;
  });
  return name;
}

/**
 * Starts a server in a process group of its own. Both of its output streams go to the log file, each line with
 * seconds since the spawn and its stream's name, and to the log reader.
 *
 * @throws NotMeasuredError when the program cannot be started at all
 */
export async function launchServer(options: LaunchOptions): Promise<LaunchedServer> {
  const argv = serverArgv(options);
  const own = {
    VLLM_API_KEY: options.apiKey,
    VLLM_NO_USAGE_STATS: "1",
    DO_NOT_TRACK: "1",
    // Without it vLLM 0.33 kills its engine right after TERM (vllm/v1/engine/utils.py).
    VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS: "10",
    NO_COLOR: "1",
    PYTHONUNBUFFERED: "1",
    PYTHONSAFEPATH: "1",
    // vLLM names its processes with setproctitle, which overwrites the environment that /proc shows, and with it
    // the marker, unless told not to.
    SPT_NOENV: "1",
    [MARKER_VARIABLE]: options.marker,
  };
  const env = { ...options.env, ...own };
  await mkdir(options.folder, { recursive: true });
  const file = createWriteStream(join(options.folder, "server.log"), { flags: "a" });
  file.on("error", () => {});
  const log = createLogReader();
  const tail: string[] = [];

  const spawnedAtS = monotonicS();
  const [program, ...rest] = argv as [string, ...string[]];
  const child = execa(program, rest, {
    // Python puts its working directory on its module path, for `-m` and for the processes it spawns: in the
    // checkout, a pull request's own `vllm/` or `multiprocessing.py` would run.
    cwd: options.folder,
    env,
    extendEnv: false,
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    buffer: false,
    reject: false,
    cleanup: false,
  });
  const pid = child.pid;
  if (pid === undefined) {
    const failed = await child;
    file.end();
    throw new NotMeasuredError(
      `${program} could not be started: ${failed.originalMessage ?? failed.shortMessage ?? "no reason given"}. ` +
        "Install it on this runner, put it on PATH, or set the scenario's `command`.",
    );
  }

  // Until the handlers stand nothing may be waited for: the output and the end of a short life would be lost.
  const keep = (stream: "out" | "err") => (raw: string) => {
    // Redacted before it is cut: the first half of a secret would not be recognised.
    const whole = options.redact(raw);
    const line = whole.length > MAX_LINE ? `${whole.slice(0, MAX_LINE)} [cut]` : whole;
    file.write(`${(monotonicS() - spawnedAtS).toFixed(3).padStart(9)} ${stream} ${line}\n`);
    log.push(line);
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
  };
  for (const [name, stream] of [
    ["out", child.stdout],
    ["err", child.stderr],
  ] as const) {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on("line", keep(name));
  }

  let exit: ServerExit | null = null;
  // The process's own end, not that of its streams: children that it leaves keep those open.
  const exited = new Promise<ServerExit>((resolve) => {
    child.nodeChildProcess.once("exit", (code, signal) => {
      const ended = { code, signal, atS: monotonicS() - spawnedAtS };
      const settle = () => {
        exit = ended;
        resolve(ended);
      };
      const closed = new Promise<void>((done) => child.nodeChildProcess.once("close", () => done()));
      // The last lines name the cause; wait for them, but not for a child that holds the stream.
      void Promise.race([closed, delay(1000)]).then(settle);
    });
  });

  const leader = (await identify(pid)) ?? { pid, startTicks: 0 };

  const descendants = new Descendants([leader]);
  const watch = setInterval(() => void descendants.look(), DESCENDANTS_MS).unref();

  const end = async (): Promise<Disposal> => {
    clearInterval(watch);
    try {
      const ended = await endServer({
        marker: options.marker,
        pgid: leader.pid,
        descendants,
        graceMs: options.graceMs,
        killMs: 10_000,
        hurry: options.hurry,
      });
      // Its last words may still be in the pipes.
      if (ended.survivors.length === 0) await exited;
      return ended;
    } finally {
      // Whoever still holds their other ends must not hold the gate.
      child.stdout.destroy();
      child.stderr.destroy();
      child.nodeChildProcess.unref();
      await new Promise<void>((done) => file.end(() => done()));
    }
  };
  let disposal: Promise<Disposal> | null = null;
  const dispose = () => {
    disposal ??= end();
    return disposal;
  };

  return {
    baseUrl: `http://127.0.0.1:${options.port}`,
    apiKey: options.apiKey,
    leader,
    spawnedAtS,
    argv: redactArgs(argv).map(options.redact),
    env: recordEnv({ ...pick(options.env, options.shownEnv), ...own }, options.redact),
    log,
    tail: () => [...tail],
    exited,
    exit: () => exit,
    descendants: () => descendants.look(),
    dispose,
    [Symbol.asyncDispose]: async () => {
      await dispose();
    },
  };
}

function pick(env: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

function recordEnv(env: Readonly<Record<string, string>>, redact: Redact): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, isSecretName(name) ? REDACTED : redact(value)]),
  );
}
