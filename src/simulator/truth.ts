/** Ground truth for those who judge clients: when each event was planned to leave, and when it left. */
import { appendFileSync } from "node:fs";
import { toMonotonicNs } from "./clock.ts";

/** One request's truth; times in seconds of the process's life. */
export interface TruthRecord {
  id: string;
  received: number;
  planned: number[];
  written: number[];
  /** Tokens in each event. */
  tokens: number[];
}

/** Milliseconds between writes: formatting stays off the hot path. */
const PAUSE = 50;

/**
 * Collects finished requests and appends them to a file as JSON lines, a few at a time, while nothing is due.
 */
export class TruthLog {
  private readonly path: string;
  private readonly finished: TruthRecord[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Milliseconds until the next event is due; formatting waits while it is near. */
  slack: () => number = () => Number.POSITIVE_INFINITY;
  private waited = 0;

  /** @param path file to append to */
  constructor(path: string) {
    this.path = path;
  }

  /** Takes a request that has ended. */
  finish(record: TruthRecord): void {
    this.finished.push(record);
    this.timer ??= setTimeout(this.drain, PAUSE);
  }

  /** Writes what is left, at once. */
  close(): void {
    clearTimeout(this.timer);
    const text = this.finished.splice(0).map(line).join("");
    if (text !== "") appendFileSync(this.path, text);
  }

  /** Formats what there is time for; a server that is always busy has to write one in between. */
  private readonly drain = (): void => {
    let text = "";
    while (this.finished.length > 0 && (this.slack() > 1 || (text === "" && this.waited > 10)))
      text += line(this.finished.shift()!);
    if (text !== "") appendFileSync(this.path, text);
    this.waited = text === "" ? this.waited + 1 : 0;
    this.timer =
      this.finished.length === 0 ? undefined : setTimeout(this.drain, this.waited === 0 ? 2 : PAUSE);
  };
}

function line({ id, received, planned, written, tokens }: TruthRecord): string {
  const record = {
    id,
    receivedNs: toMonotonicNs(received),
    plannedNs: planned.map(toMonotonicNs),
    writtenNs: written.map(toMonotonicNs),
    tokens,
  };
  return `${JSON.stringify(record)}\n`;
}
