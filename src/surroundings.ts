import type { Log } from "./system/log.ts";
import type { MachineView } from "./telemetry/machine-view.ts";

/** The world as a run sees it: handed in by the entries. */
export interface Surroundings {
  /** Folder of the repository; relative paths of the configuration start here. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Aborted with an {@link Interruption} when the run is to end. */
  readonly signal: AbortSignal;
  /** Aborted when that is to be quick: servers get no more time for an orderly end. */
  readonly hurry?: AbortSignal;
  /** Where run folders are made. */
  readonly runsDir: string;
  /** Where the state file is written; in the run folder by default. */
  readonly statePath?: string;
  /** Told where the run folder is as soon as there is one. */
  readonly onRunFolder?: (runDir: string) => void;
  /** Git revision whose copy of the baseline judges; the working tree's when absent. */
  readonly baseRevision?: string;
  /** Where the machine is looked at; this one when absent. */
  readonly machine?: MachineView;
}
