import { execa } from "execa";
import { delay, within } from "../system/clock.ts";
import { splitCsv, unknownField, withoutField } from "./nvidia-smi-text.ts";

/** Longer lines are not nvidia-smi's. */
const MAX_LINE = 8192;
/** How long an nvidia-smi that is told to end may take. */
const END_MS = 500;
/** How often a stream that ended is begun again without a line that could be used. */
const MAX_BARREN_STARTS = 6;
/** One for each field that a driver may not know. */
const MAX_RETRIES_AT_ONCE = 32;
const RESTART_MS = [250, 1_000, 2_000, 5_000, 10_000, 20_000];

/** The language of numbers must not depend on the machine's. */
const ENVIRONMENT = { LC_ALL: "C" };

/** What one call of nvidia-smi came to. */
export interface SmiOutput {
  readonly state: "ok" | "absent" | "failed";
  readonly text: string;
  /** Why it failed, in its own words where it had any. */
  readonly reason: string | null;
}

/** How long a call may take, and what ends it before. */
export interface SmiLimits {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Runs nvidia-smi once. Never rejects, and never takes longer than the time it is given. */
export async function runSmi(
  program: string,
  args: readonly string[],
  { timeoutMs = 10_000, signal }: SmiLimits = {},
): Promise<SmiOutput> {
  const child = execa(program, args, {
    reject: false,
    timeout: timeoutMs,
    // A question has nothing to put in order, and one that hangs may not heed TERM.
    killSignal: "SIGKILL",
    maxBuffer: 2_000_000,
    stdin: "ignore",
    env: ENVIRONMENT,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  // A driver that hangs holds its process where no signal reaches it.
  const result = await within(timeoutMs + 2 * END_MS, child, signal);
  if (result === undefined) {
    child.nodeChildProcess.unref();
    return { state: "failed", text: "", reason: `no answer in ${timeoutMs / 1000} s` };
  }
  if (result.code === "ENOENT" || result.code === "EACCES") {
    return { state: "absent", text: "", reason: `${program} is not installed` };
  }
  const text = result.stdout ?? "";
  if (result.exitCode === 0) return { state: "ok", text, reason: null };
  const words = `${text}\n${result.stderr ?? ""}`.trim().split("\n").at(-1)?.slice(0, 200);
  const reason = result.timedOut ? `no answer in ${timeoutMs / 1000} s` : words || "it failed";
  return { state: "failed", text: `${text}\n${result.stderr ?? ""}`, reason };
}

/**
 * Asks for fields of every GPU. Fields that this driver does not know are left out, or asked for by their older
 * names.
 *
 * @returns a row for each GPU, by the fields that were asked for in the end
 */
export async function querySmi(
  program: string,
  fields: readonly string[],
  { timeoutMs = 10_000, signal }: SmiLimits = {},
): Promise<{ output: SmiOutput; rows: Map<string, string>[] }> {
  let asked = [...fields];
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const left = Math.max(1, Math.ceil(deadline - performance.now()));
    const args = [`--query-gpu=${asked.join(",")}`, "--format=csv,noheader,nounits"];
    const output = await runSmi(program, args, { timeoutMs: left, ...(signal && { signal }) });
    const unknown = output.state === "failed" ? unknownField(output.text) : null;
    const fewer = unknown === null ? null : withoutField(asked, unknown);
    if (fewer === null || fewer.length === 0 || left <= 1) {
      const rows =
        output.state !== "ok" ? [] : output.text.split("\n").flatMap((line) => splitCsv(line, asked) ?? []);
      return { output, rows };
    }
    asked = fewer;
  }
}

/** An nvidia-smi that goes on printing. */
export interface SmiStream {
  /** PIDs of the processes that run for it, for the account of what this program itself uses. */
  pids(): number[];
  /** Ends it; returns when it is gone or after a second, whichever comes first. */
  stop(): Promise<void>;
}

export interface SmiStreamOptions {
  readonly program: string;
  /** Asked again before each start, since a failure may have changed them. */
  readonly args: () => readonly string[];
  /** Takes a line; true when it could be used. */
  readonly onLine: (line: string) => boolean;
  /** Takes what was printed by a start that gave nothing; true when another start is worth it at once. */
  readonly onBarren?: (output: string) => boolean;
}

/**
 * Starts nvidia-smi as a stream of lines and keeps it going: one that ends is started again, ever later, and not
 * at all any more after a few starts in a row gave nothing. Nothing it does is an error.
 */
export function streamSmi(options: SmiStreamOptions): SmiStream {
  const { program, args, onLine, onBarren } = options;
  const ended = new AbortController();
  let current: { pid: number | undefined; end: () => Promise<void> } | null = null;

  const once = async (): Promise<"absent" | "fruitful" | "again" | "barren"> => {
    const child = execa(program, args(), {
      reject: false,
      buffer: false,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: ENVIRONMENT,
    });
    let fruitful = false;
    let words = "";
    const split = lineSplitter((line) => {
      if (onLine(line)) fruitful = true;
      else if (words.length < MAX_LINE) words += `${line}\n`;
    });
    child.stdout.on("data", (data: Buffer) => split(data.toString("latin1")));
    child.stderr.on("data", (data: Buffer) => {
      if (words.length < MAX_LINE) words += data.toString("latin1").slice(0, MAX_LINE);
    });
    const finished = child.then((result) => result);
    current = {
      pid: child.pid,
      end: async () => {
        child.kill("SIGTERM");
        await within(END_MS, finished);
        child.kill("SIGKILL");
        await within(END_MS, finished);
        // One that the driver holds cannot be ended, and must not hold this program.
        child.stdout.destroy();
        child.stderr.destroy();
        child.nodeChildProcess.unref();
      },
    };
    if (ended.signal.aborted) await current.end();
    const result = await finished;
    current = null;
    if (result.code === "ENOENT" || result.code === "EACCES") return "absent";
    return fruitful ? "fruitful" : onBarren?.(words) === true ? "again" : "barren";
  };

  const keepGoing = async (): Promise<void> => {
    let barren = 0;
    let again = 0;
    while (!ended.signal.aborted && barren < MAX_BARREN_STARTS) {
      const came = await once();
      if (came === "absent" || ended.signal.aborted) return;
      again = came === "again" ? again + 1 : 0;
      if (again > 0 && again < MAX_RETRIES_AT_ONCE) continue;
      barren = came === "fruitful" ? 0 : barren + 1;
      await delay(RESTART_MS[Math.min(barren, RESTART_MS.length - 1)] ?? 1_000, ended.signal);
    }
  };
  void keepGoing().catch(() => {});

  return {
    pids: () => (current?.pid === undefined ? [] : [current.pid]),
    stop: async () => {
      ended.abort();
      await current?.end();
    },
  };
}

/** Cuts a stream into lines; a line that is too long is dropped whole. */
function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = "";
  let tooLong = false;
  return (text) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      if (!tooLong && part.length <= MAX_LINE) onLine(part.replace(/\r$/, ""));
      tooLong = false;
    }
    if (rest.length > MAX_LINE) {
      tooLong = true;
      rest = "";
    }
  };
}
