/** Runs that were made, kept as JSON files: one for each load and client. */
import { mkdirSync, readFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Load } from "./client-cells.ts";
import type { Spread } from "./client-errors.ts";
import type { Client } from "./client-peers.ts";
import type { Run } from "./client-run.ts";

interface Kept {
  readonly runs: readonly Run[];
  /** Runs that broke off since the last one that did not. */
  readonly failures: number;
}

/** A client that broke off so often in a row is not run under this load any more. */
const MOST_FAILURES = 2;
const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** A number of each run, in the middle of all runs. */
export type Summary = (of: (run: Run) => number) => number;

/** A folder of results. */
export class Results {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** How many runs there are; more than any number when the client cannot do it. */
  count(load: Load, client: Client): number {
    const { runs, failures } = this.read(load, client);
    return failures >= MOST_FAILURES ? Number.POSITIVE_INFINITY : runs.length;
  }

  async add(load: Load, client: Client, run: Run): Promise<void> {
    await this.write(load, client, { runs: [...this.runs(load, client), run], failures: 0 });
  }

  async fail(load: Load, client: Client): Promise<void> {
    const { runs, failures } = this.read(load, client);
    await this.write(load, client, { runs, failures: failures + 1 });
  }

  async forget(load: Load, client: Client): Promise<void> {
    await rm(this.path(load, client), { force: true });
  }

  runs(load: Load, client: Client): readonly Run[] {
    return this.read(load, client).runs;
  }

  private read(load: Load, client: Client): Kept {
    try {
      return JSON.parse(readFileSync(this.path(load, client), "utf8")) as Kept;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return { runs: [], failures: 0 };
      throw error;
    }
  }

  private async write(load: Load, client: Client, kept: Kept): Promise<void> {
    const path = this.path(load, client);
    await writeFile(`${path}.new`, JSON.stringify(kept));
    await rename(`${path}.new`, path);
  }

  private path(load: Load, client: Client): string {
    return join(this.folder, `${load.name} ${client.name}.json`.replaceAll(" ", "-"));
  }
}

/** The medians over runs. */
export function summaryOf(runs: readonly Run[]): Summary {
  return (of) => median(runs.map(of));
}

/** The medians of a distribution's numbers. */
export function medianSpread(summary: Summary, of: (run: Run) => Spread): Spread {
  return {
    p50: summary((run) => of(run).p50),
    p99: summary((run) => of(run).p99),
    max: summary((run) => of(run).max),
  };
}
