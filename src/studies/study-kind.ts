import type { Command } from "commander";
import type { GateConfig } from "../config/load.ts";
import type { ServerSpec } from "../config/server-spec.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import type { Cell } from "../probe/cells.ts";
import type { ProbeSuite } from "../probe/suite.ts";
import type { Surroundings } from "../surroundings.ts";

/** What a study measures: one variant of the server for each thing that it compares. */
export interface StudyPlan {
  readonly variants: Readonly<Record<string, ServerSpec>>;
  /** The variant of each session, in order. */
  readonly order: readonly string[];
  readonly rounds: number;
  readonly cells: readonly Cell[];
  /** The first request of each server, where that is measured. */
  readonly cold?: ProbeSuite["cold"];
  /** What is done to the machine before each session. */
  readonly prepare?: (place: SessionPlace) => Promise<PreparedSession>;
  /** Undoes what sessions share, once none is left; not after an interruption, since the study may go on. */
  readonly finish?: (runDir: string) => Promise<void>;
  /**
   * The server starts that a budget costs first: asked again and again until the rest fits. Absent: none may go, cells
   * do.
   *
   * @param left - variants of the sessions that are still to be measured, in order
   * @param measured - variants of those that were
   * @returns places in `left` that go together; empty when no more may
   */
  readonly spare?: (left: readonly string[], measured: readonly string[]) => readonly number[];
  /** A variant's session as a sentence names it. */
  readonly sessionName?: (variant: string) => string;
}

/**
 * {@link StudyPlan.spare} of a study that passes over its variants again and again: the last pass goes first, and one of
 * each variant stays.
 */
export function spareLastPass(variants: number): NonNullable<StudyPlan["spare"]> {
  return (left, measured) => {
    const count = Math.min(variants, left.length);
    if (measured.length + left.length - count < variants) return [];
    return left.map((_, place) => place).slice(-count);
  };
}

/** A session that is about to be measured. */
export interface SessionPlace {
  readonly variant: string;
  /** Its number in the run. */
  readonly index: number;
  /** The run folder, as an absolute path. */
  readonly runDir: string;
}

/** A session that may begin. */
export interface PreparedSession {
  /** The server, with what is set for this session alone. */
  readonly server: ServerSpec;
  /** Undoes what must not stay, however the session ended. */
  readonly undo?: () => Promise<void>;
}

/** The run folder's files as a study sees them. Names are relative; a name never leaves the folder. */
export interface StudyFiles {
  read(name: string): Promise<string | null>;
  write(name: string, text: string): Promise<void>;
}

/** What a study was about to measure, and what it did. */
export interface MeasuredStudy<Options> {
  readonly options: Options;
  readonly run: RunRecord;
  readonly traces: readonly RequestTrace[];
  readonly measurements: MeasurementsFile;
  /**
   * Why not all of it can be relied on: what must not be trusted, and rounds in which the machine was not quiet. Each
   * page of the study begins with those that it does not say itself.
   */
  readonly doubts: readonly string[];
  /** How the study can be run again. */
  readonly command: string;
  readonly files: StudyFiles;
  /** The servers' logs by session, for lines that are quoted. */
  readonly serverLog: (session: number) => Promise<string | null>;
}

/** The pages of a study: its CSVs and notes under the seeds' own names, `report.md`, and the terminal's text. */
export interface StudyReport {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** `report.md` */
  readonly report: string;
  /** For the terminal: the table and what it says. */
  readonly summary: string;
  /** Why some of it must not be trusted; the study then ends as `invalid`. */
  readonly invalid?: readonly string[];
}

/** An experiment of variants × sessions × rounds × probes, with pages of its own. */
export interface StudyKind<Options> {
  readonly name: string;
  readonly description: string;
  /** Adds the study's own options to its command. */
  addOptions(command: Command): Command;
  /**
   * The study's options from what commander parsed, with defaults.
   *
   * @throws UsageError
   */
  readOptions(given: Readonly<Record<string, unknown>>): Options;
  /**
   * What is to be measured. Called before anything is started.
   *
   * @throws UsageError when the server cannot be what the study needs
   */
  plan(options: Options, config: GateConfig, files: StudyFiles, world: Surroundings): Promise<StudyPlan>;
  /** Whether a server that did not start refused what the study's options ask for: that ends as a usage error. */
  readonly isRefusal?: (cause: string) => boolean;
  report(study: MeasuredStudy<Options>): Promise<StudyReport>;
}
