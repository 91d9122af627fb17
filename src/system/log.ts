/** Where progress and warnings go. Results never go through it. */
export interface Log {
  /** A step begins or ends: one line. */
  step(message: string): void;
  /** Something a reader should know although the work goes on. */
  warn(message: string): void;
}

/** A log that writes one line per message to a stream, without control codes. */
export function lineLog(write: (line: string) => void): Log {
  return {
    step: (message) => write(`${message}\n`),
    warn: (message) => write(`warning: ${message}\n`),
  };
}
