/** A line about what goes on right now, in at most so many columns; null while there is nothing to say. */
export type LiveLine = (columns: number) => string | null;

/** Where progress and warnings go. Results never go through it. */
export interface Log {
  /** A step begins or ends: one line. */
  step(message: string): void;
  /** Something a reader should know although the work goes on. */
  warn(message: string): void;
  /** A line that is asked for again and again, until another or null takes its place. Only a terminal shows it. */
  follow?(line: LiveLine | null): void;
}

/** What a log is written to, and how. */
export interface LogOutput {
  readonly write: (text: string) => unknown;
  /** Makes text that a server or a file may have written harmless. */
  readonly clean?: (text: string) => string;
  /** The word in front of a warning, with its colour where there is one. */
  readonly warning?: string;
}

/** A log that writes one line per message, without control codes. */
export function lineLog({ write, clean = (text) => text, warning = "warning:" }: LogOutput): Log {
  return {
    step: (message) => write(`${clean(message)}\n`),
    warn: (message) => write(`${warning} ${clean(message)}\n`),
  };
}

/** A log that says nothing: errors end the command and do not pass through here. */
export const QUIET_LOG: Log = { step: () => undefined, warn: () => undefined };

/** Back to the line's beginning, and the line emptied. */
const CLEAR = "\r\u001b[2K";

/** Often enough for a person, too seldom to disturb what is measured. */
const REDRAW_MS = 1000;

/**
 * A log on a terminal: lines as of {@link lineLog}, and below them what goes on right now in a line that is redrawn
 * in place. Its timer holds no process.
 *
 * @param columns - width of the terminal, asked for at each redraw
 */
export function liveLog(output: LogOutput & { readonly columns: () => number }): Required<Log> {
  const { write, columns, clean = (text: string) => text } = output;
  let line: LiveLine | null = null;
  let drawn = "";
  let timer: NodeJS.Timeout | undefined;
  const draw = (before = "") => {
    // The last column stays free: some terminals wrap when it is written to.
    const text = clean(line?.(columns() - 1) ?? "").replaceAll("\n", " ");
    if (before === "" && text === drawn) return;
    write(`${drawn === "" ? "" : CLEAR}${before}${text}`);
    drawn = text;
  };
  const above = lineLog({ ...output, write: draw });
  return {
    ...above,
    follow: (next) => {
      line = next;
      clearInterval(timer);
      timer = next === null ? undefined : setInterval(draw, REDRAW_MS).unref();
      draw();
    },
  };
}
