import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** Reading the help imports all of vLLM, which takes some 20 s on a slow disk. */
const TIMEOUT_MS = 120_000;
/** vLLM's whole help is about 200 kB. */
const MAX_OUTPUT_BYTES = 4_000_000;

/** `all` since vLLM 0.11; before, `--help` alone lists every flag, and knows no groups. */
const QUESTIONS = ["--help=all", "--help"] as const;

export interface HelpOptions {
  /** e.g. `["vllm", "serve"]` */
  readonly command: readonly string[];
  /** The server's whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/**
 * The long flags that a server's command takes, e.g. `--no-enable-prefix-caching`: read from its help, or from the
 * usage that it prints when it takes no `--help`. Nothing is served meanwhile.
 *
 * @returns null when the command told nothing of the kind in time
 * @throws the signal's reason when it is aborted
 */
export async function fetchAcceptedFlags(options: HelpOptions): Promise<ReadonlySet<string> | null> {
  const { signal, timeoutMs = TIMEOUT_MS } = options;
  const [program, ...rest] = options.command;
  if (program === undefined) return null;
  const deadlineMs = Date.now() + timeoutMs;
  // A folder of its own: Python puts its working directory on its module path.
  const cwd = await mkdtemp(join(tmpdir(), "vllm-gate-help-"));
  try {
    for (const question of QUESTIONS) {
      const timeout = deadlineMs - Date.now();
      if (timeout <= 0) return null;
      const { all } = await execa(program, [...rest, question], {
        cwd,
        env: { ...options.env, NO_COLOR: "1", COLUMNS: "200", PYTHONSAFEPATH: "1" },
        extendEnv: false,
        stdin: "ignore",
        all: true,
        reject: false,
        timeout,
        forceKillAfterDelay: 2_000,
        cancelSignal: signal,
        maxBuffer: MAX_OUTPUT_BYTES,
      });
      signal.throwIfAborted();
      const flags = readHelp(all ?? "");
      if (flags !== null) return flags;
    }
    return null;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}

/**
 * Long flags in a help or usage text.
 *
 * @returns null when the text is no list of a server's flags
 */
export function readHelp(text: string): ReadonlySet<string> | null {
  const flags = new Set(
    [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9_-]*/gi)].map(([flag]) =>
      flag.toLowerCase().replaceAll("_", "-").replace(/-+$/, ""),
    ),
  );
  // Every version has this one; a message about an unknown `--help=all`, or a list of groups, has not.
  return flags.has("--max-model-len") ? flags : null;
}

/** How to switch something off and on: the flags to pass, which may be none. */
export interface SwitchFlags {
  readonly off: readonly string[];
  readonly on: readonly string[];
}

/**
 * How a server is told to leave prefix caching off or to turn it on. Since vLLM's engine V1 it is on by default and
 * `--no-enable-prefix-caching` turns it off; where that form does not exist it is off unless asked for.
 *
 * @param accepted - null when unknown: then as every version since 0.7 has it
 * @returns null when the server has no such flag
 */
export function prefixCachingFlags(accepted: ReadonlySet<string> | null): SwitchFlags | null {
  const on = "--enable-prefix-caching";
  const inverses = ["--no-enable-prefix-caching", "--disable-prefix-caching"];
  if (accepted === null) return { off: inverses.slice(0, 1), on: [on] };
  if (!accepted.has(on)) return null;
  const off = inverses.find((flag) => accepted.has(flag));
  return { off: off === undefined ? [] : [off], on: [on] };
}

/** Arguments without those that switch prefix caching, in whichever spelling. */
export function withoutPrefixCaching(args: readonly string[]): string[] {
  return args.filter(
    (arg) => !/^--(?:no-)?(?:enable|disable)-prefix-caching$/.test(arg.toLowerCase().replaceAll("_", "-")),
  );
}
