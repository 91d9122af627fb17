import { EXIT, type ExitCode } from "./verdict.ts";

/** An error with a sentence for people and the exit code that a caller should end with. */
export class GateError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** Bad input at the edge: a wrong option, a wrong key or value in a file, a refused flag. Exit code 2. */
export class UsageError extends GateError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.usage, options);
  }
}

/** Nothing could be measured: a server did not start or died, a tool failed. Exit code 4. */
export class NotMeasuredError extends GateError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.notMeasured, options);
  }
}

/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
