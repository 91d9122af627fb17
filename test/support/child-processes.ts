import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { onTestFinished } from "vitest";
import { MARKER_VARIABLE } from "../../src/system/processes.ts";
import { waitFor } from "./wait-for.ts";

/** A started process, what it printed so far, and its end. */
export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** A line that the process prints; rejects when it does not come. */
  line(pattern: RegExp): Promise<RegExpMatchArray>;
}

export interface ChildOptions {
  readonly marker?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a program as the leader of a process group of its own; the group is killed when the test ends. */
export function startProgram(program: string, args: readonly string[], options: ChildOptions = {}): Child {
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      ...options.env,
      ...(options.marker === undefined ? {} : { [MARKER_VARIABLE]: options.marker }),
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      output += data.toString("utf8");
    });
  }
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal })),
  );
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program} could not be started`);
  onTestFinished(() => killGroup(pid));
  return {
    pid,
    process: child,
    output: () => output,
    ended,
    line: (pattern) => waitFor(`${pattern} of ${program} ${args.join(" ")}`, () => output.match(pattern)),
  };
}

/** {@link startProgram} of a shell script. */
export function startShell(script: string, options?: ChildOptions): Child {
  return startProgram("sh", ["-c", script], options);
}

/** {@link startProgram} of JavaScript; modules are imported with `await import(…)` or as `node:` names. */
export function startNode(script: string, options?: ChildOptions): Child {
  return startProgram(process.execPath, ["--input-type=module", "-e", script], options);
}

/** Kills a process and its group, if they are there. */
export function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL");
    } catch {
      // It has already ended.
    }
  }
}

/** The state letter of a process, `Z` for a zombie; null when it is gone. */
export async function stateOf(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => null);
  return stat === null ? null : stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
}

/** Waits until a process has become the program of this name. */
export async function becomes(pid: number, program: string): Promise<void> {
  await waitFor(`${pid} to be ${program}`, async () => {
    const name = await readFile(`/proc/${pid}/comm`, "latin1").catch(() => "");
    return name.trim() === program;
  });
}

/** True while a process runs; a zombie does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const state = await stateOf(pid);
  return state !== null && state !== "Z" && state !== "X";
}
