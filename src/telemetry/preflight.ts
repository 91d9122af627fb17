import { access, constants, readFile, stat, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { messageOf } from "../domain/errors.ts";
import type { Finding, Level } from "../domain/node.ts";
import { weightFiles } from "./page-cache.ts";

const GIB = 1024 ** 3;
/** A run folder with its logs and traces. */
const RUN_ROOM_GIB = 1;

const found = (
  id: string,
  subject: string,
  level: Level,
  value: string,
  reason: string,
  rest: { readonly matters?: string; readonly fix?: string | null } = {},
): Finding => ({
  id: `preflight.${id}`,
  subject,
  level,
  value,
  reason,
  matters: rest.matters ?? "",
  fix: rest.fix ?? null,
});

/** How a call of the server's program ended. */
export interface VersionCall {
  readonly program: string;
  /** What it printed, when it ended well. */
  readonly output: string | null;
  readonly timedOut: boolean;
  readonly missing: boolean;
  /** Its last line of complaint. */
  readonly reason: string | null;
}

/** Judges a call of `vllm --version`. */
export function judgeVllm({ program, output, timedOut, missing, reason }: VersionCall): Finding {
  const subject = "vLLM";
  const matters = "No server can be started.";
  if (missing) {
    return found("vllm", subject, "bad", `${program}: not found`, "the program is not on PATH", {
      matters,
      fix: "pip install vllm   # or set the scenario's `command`",
    });
  }
  // Importing vLLM takes ten seconds and more on a slow machine: late is not broken.
  if (timedOut) {
    return found("vllm", subject, "note", "no answer in time", "it was still importing its modules", {
      matters: "A start will take as long at least.",
    });
  }
  const version = /\b(\d+\.\d+[\w.+-]*)/.exec(output ?? "")?.[1];
  return version === undefined
    ? found("vllm", subject, "bad", "it fails", reason ?? "it printed no version", {
        matters,
        fix: `${program} --version`,
      })
    : found("vllm", subject, "ok", version, "it can be started");
}

/** Reads the version without importing vLLM, which takes many seconds; its package goes by several names. */
const VERSION_OF_PACKAGE = `
from importlib.util import find_spec
from pathlib import Path
names = {}
exec(Path(find_spec("vllm").origin).with_name("_version.py").read_text(), names)
print(names["__version__"])`;

/**
 * Calls `COMMAND --version`, in the environment that the server gets.
 *
 * @param command - as the scenario has it, e.g. `["vllm", "serve"]`
 */
export async function callVersion(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  timeoutMs = 6_000,
): Promise<VersionCall> {
  const [program = "vllm", ...rest] = command;
  const module = rest.indexOf("-m");
  const isPython = module >= 0;
  const args = isPython ? ["-c", VERSION_OF_PACKAGE] : ["--version"];
  const result = await execa(program, args, {
    reject: false,
    timeout: timeoutMs,
    forceKillAfterDelay: 500,
    env,
    extendEnv: false,
    stdin: "ignore",
    maxBuffer: 1_000_000,
  });
  const failed = result.exitCode !== 0;
  return {
    program,
    output: failed ? null : `${result.stdout ?? ""}\n${result.stderr ?? ""}`,
    timedOut: result.timedOut,
    missing: result.code === "ENOENT" || result.code === "EACCES",
    reason: failed ? ((result.stderr ?? "").trim().split("\n").at(-1)?.slice(0, 300) ?? null) : null,
  };
}

/** Where a model's files were found, and how large they are. */
export interface ModelPresence {
  readonly model: string;
  readonly state: "folder" | "cached" | "absent" | "incomplete";
  readonly weightsBytes: number | null;
}

/** Judges whether a model is at hand. */
export function judgeModel({ model, state, weightsBytes }: ModelPresence, offline: boolean): Finding {
  const size = weightsBytes === null ? "" : `, ${(weightsBytes / GIB).toFixed(2)} GiB of weights`;
  if (state === "folder" || state === "cached") {
    return found(
      "model",
      "model",
      "ok",
      `${model}${size}`,
      state === "folder" ? "a folder here" : "in the Hugging Face cache",
    );
  }
  if (state === "incomplete") {
    return found("model", "model", "bad", model, "the folder has no config.json", {
      matters: "The server will not start.",
      fix: `ls ${model}`,
    });
  }
  return found("model", "model", offline ? "bad" : "note", model, "not on this machine", {
    matters: offline
      ? "HF_HUB_OFFLINE is set: the server will not start."
      : "The first start downloads it: its time to ready is the network's.",
    fix: `hf download ${model}`,
  });
}

/** Judges the room on the disk of the run folders. */
export function judgeDisk(folder: string, freeBytes: number | null): Finding {
  if (freeBytes === null) return found("disk", "disk", "note", "unknown", `${folder} cannot be looked at`);
  const gib = freeBytes / GIB;
  const value = `${gib.toFixed(1)} GiB free in ${folder}`;
  if (gib >= 5 * RUN_ROOM_GIB)
    return found("disk", "disk", "ok", value, "enough for runs and compile caches");
  return found(
    "disk",
    "disk",
    gib < RUN_ROOM_GIB ? "bad" : "warn",
    value,
    "a run with its compile cache takes about 1 GiB",
    {
      matters: "A run that finds no room measures nothing.",
      fix: "df -h; du -sh ~/.cache/vllm ~/.cache/huggingface",
    },
  );
}

/** Judges whether run folders can be written. */
export function judgeFolder(folder: string, problem: string | null): Finding {
  return problem === null
    ? found("folder", "run folder", "ok", folder, "it can be written")
    : found("folder", "run folder", "bad", folder, problem, {
        matters: "No run can be kept.",
        fix: `ls -ld ${folder}`,
      });
}

/** Judges whether a port of the loopback address can be had. */
export function judgePort(port: number | null, reason: string | null): Finding {
  return port === null
    ? found("port", "port", "bad", "none", reason ?? "no port of 127.0.0.1 can be had", {
        matters: "The server cannot listen.",
      })
    : found("port", "port", "ok", `127.0.0.1:${port}`, "the server can listen");
}

/** What a preflight looks at. */
export interface PreflightOptions {
  readonly command: readonly string[];
  readonly model: string | null;
  /** The environment that the server gets. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly runsDir: string;
  readonly timeoutMs?: number;
}

/** Looks at what a run needs, all at once; never rejects. */
export async function runPreflight(options: PreflightOptions): Promise<Finding[]> {
  const { command, model, env, cwd, runsDir, timeoutMs } = options;
  const offline = /^(?:1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] ?? "");
  const existing = await existingFolder(runsDir);
  const [version, presence, free, writable, port] = await Promise.all([
    callVersion(command, env, timeoutMs),
    model === null ? null : findModel(model, cwd, env),
    statfs(existing).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => null,
    ),
    access(existing, constants.W_OK).then(() => null, messageOf),
    freePort().then(
      (number) => ({ number, reason: null }),
      (error: unknown) => ({ number: null, reason: messageOf(error) }),
    ),
  ]);
  return [
    judgeVllm(version),
    ...(presence === null ? [] : [judgeModel(presence, offline)]),
    judgeDisk(runsDir, free),
    judgeFolder(runsDir, writable),
    judgePort(port.number, port.reason),
  ];
}

/** The folder, or the first one above it that there is. */
async function existingFolder(folder: string): Promise<string> {
  const path = resolve(folder);
  const exists = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  return exists || path === "/" ? path : existingFolder(join(path, ".."));
}

/** Where Hugging Face keeps what it downloaded. */
export function hubFolder(env: Readonly<Record<string, string | undefined>>): string {
  const home =
    env["HF_HOME"] ?? join(env["XDG_CACHE_HOME"] ?? join(env["HOME"] ?? "/", ".cache"), "huggingface");
  return env["HF_HUB_CACHE"] ?? join(home, "hub");
}

/** The folder of a model's files: its own, or the snapshot in Hugging Face's cache; null when there is neither. */
export async function modelFolder(
  model: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  revision = "main",
): Promise<string | null> {
  const own = resolve(cwd, model);
  if (
    await stat(own).then(
      (entry) => entry.isDirectory(),
      () => false,
    )
  )
    return own;
  if (!/^[\w.-]+(?:\/[\w.-]+)?$/.test(model)) return null;
  const cached = join(hubFolder(env), `models--${model.replace("/", "--")}`);
  const commit = /^[0-9a-f]{40}$/.test(revision)
    ? revision
    : (await readFile(join(cached, "refs", revision), "utf8").catch(() => "")).trim();
  const snapshot = join(cached, "snapshots", commit);
  const complete = commit !== "" && (await stat(join(snapshot, "config.json")).catch(() => null));
  return complete ? snapshot : null;
}

async function findModel(
  model: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<ModelPresence> {
  const folder = await modelFolder(model, cwd, env);
  if (folder === null) return { model, state: "absent", weightsBytes: null };
  const own = folder === resolve(cwd, model);
  if (!(await stat(join(folder, "config.json")).catch(() => null))) {
    return { model, state: "incomplete", weightsBytes: null };
  }
  const files = await weightFiles(folder);
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { model, state: own ? "folder" : "cached", weightsBytes: files.length === 0 ? null : bytes };
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", fail);
    probe.listen({ host: "127.0.0.1", port: 0, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
