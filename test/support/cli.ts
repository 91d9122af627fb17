import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** The command as it is developed. */
export const CLI_SOURCE = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
/** The command as it is shipped. */
export const CLI_DIST = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  readonly cli?: string;
}

/** What a run of the command left. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the command as a process of its own. */
export function startCli(args: readonly string[], options: CliOptions) {
  return execa(process.execPath, [options.cli ?? CLI_SOURCE, ...args], {
    cwd: options.cwd,
    env: options.env ?? {},
    reject: false,
  });
}

/** Runs the command to its end. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const result = await startCli(args, options);
  return {
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: result.stdout,
    stderr: result.stderr,
  };
}
