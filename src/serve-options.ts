import { resolve } from "node:path";
import { styleText } from "node:util";
import { type Command, InvalidArgumentError } from "commander";
import type { ResolveInput } from "./config/load.ts";
import type { Overrides } from "./config/overrides.ts";
import { CONFIG_FILE, loadConfig } from "./inputs.ts";
import { untilInterrupted } from "./interruption.ts";
import { printable, type TerminalLook } from "./report/terminal.ts";
import type { Surroundings } from "./surroundings.ts";
import { type Log, lineLog, liveLog, QUIET_LOG } from "./system/log.ts";

/** Of a terminal that does not say how wide it is. */
const USUAL_COLUMNS = 80;

/**
 * Progress goes to stderr, results to stdout. A line that is redrawn only where a person looks on: CI keeps what a
 * terminal overwrites.
 */
export const log: Log = stderrLog();

function stderrLog(): Log {
  const { stderr, env } = process;
  const output = {
    write: (text: string) => stderr.write(text),
    clean: printable,
    warning: styleText("yellow", "warning:", { stream: stderr }),
  };
  const isWatched = stderr.isTTY === true && env["TERM"] !== "dumb" && !env["CI"];
  return isWatched ? liveLog({ ...output, columns: () => stderr.columns || USUAL_COLUMNS }) : lineLog(output);
}

/** How stdout shows a result: colours as NO_COLOR, FORCE_COLOR and the terminal say. */
export function stdoutLook(): TerminalLook {
  return {
    ...(process.stdout.isTTY === true ? { columns: process.stdout.columns || USUAL_COLUMNS } : {}),
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}

/** Options of every command that starts servers. */
export interface ServeOptions {
  config?: string;
  scenario?: string;
  model?: string;
  args?: string;
  command?: string;
  serverUrl?: string;
  compareTo?: string;
  baseArgs?: string;
  baseCommand?: string;
  sessions?: number;
  maxSessions?: number;
  rounds?: number;
  budgetMinutes?: number;
  baselineDir?: string;
  reportOnly?: boolean;
  baseRef?: string;
  runsDir: string;
  json?: boolean;
  quiet?: boolean;
}

/** Names of overrides as they are typed on the command line. */
export function optionName(key: keyof Overrides): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

export function minutes(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("expected a number of minutes above 0");
  return value;
}

const OVERRIDES = [
  "scenario",
  "model",
  "args",
  "command",
  "serverUrl",
  "compareTo",
  "baseArgs",
  "baseCommand",
  "sessions",
  "maxSessions",
  "rounds",
  "budgetMinutes",
  "baselineDir",
  "reportOnly",
] as const satisfies readonly (keyof Overrides)[];

/** What was given of what the configuration file says too. */
export function overridesOf(options: ServeOptions): Overrides {
  return Object.fromEntries(
    OVERRIDES.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])),
  );
}

/** Options that say which server is started, and where runs are kept. */
export function withServerOptions(command: Command): Command {
  return command
    .option("--config <file>", `configuration, ${CONFIG_FILE} by default`)
    .option("--scenario <name>", "which scenario of the configuration")
    .option("--model <model>", "model name or folder, as vLLM takes it")
    .option("--args <flags>", "server flags in one string, in place of the scenario's")
    .option("--command <command>", "what starts the server, in place of `vllm serve`")
    .option("--base-ref <revision>", "git revision whose policy and baseline judge, as for a pull request")
    .option("--runs-dir <folder>", "where run folders are made", "runs")
    .option("--quiet", "no progress and no warnings: only the result, and errors");
}

/** Options of a gate run. */
export function withServeOptions(command: Command): Command {
  return withServerOptions(command)
    .option("--server-url <url>", "a server that is already running")
    .option("--sessions <n>", "server starts", wholeNumber)
    .option("--max-sessions <n>", "most server starts, while something is undecided", wholeNumber)
    .option("--rounds <n>", "passes of the probes in each session", wholeNumber)
    .option("--budget-minutes <n>", "hard ceiling of the run", minutes)
    .option("--baseline-dir <folder>", "where baselines lie");
}

export const interruptions = (to: Log = log) =>
  untilInterrupted((signal, first) =>
    to.step(
      first ? `${signal}: ending the server; this may take a few seconds` : `${signal}: killing the server`,
    ),
  );

/** Configuration and surroundings of a command. Only the gate's own run has another side to measure. */
export async function prepare(
  options: ServeOptions,
  { headAlone = true }: Pick<ResolveInput, "headAlone"> = {},
) {
  const cwd = process.cwd();
  const to = options.quiet === true ? QUIET_LOG : log;
  const config = await loadConfig({
    cwd,
    overrides: overridesOf(options),
    nameOverride: optionName,
    headAlone,
    ...(options.config === undefined ? {} : { configPath: options.config }),
    ...(options.baseRef === undefined ? {} : { baseRevision: options.baseRef }),
  });
  const world: Surroundings = {
    cwd,
    environment: process.env,
    log: to,
    ...interruptions(to),
    runsDir: resolve(cwd, options.runsDir),
    ...(options.baseRef === undefined ? {} : { baseRevision: options.baseRef }),
  };
  return { config, world };
}
