import type { Overrides } from "./config/overrides.ts";
import { UsageError } from "./domain/errors.ts";

export const MODES = ["gate", "record", "drift", "report", "publish", "audit"] as const;
export type Mode = (typeof MODES)[number];

/** The action's inputs, checked. What is absent was not given. */
export interface ActionInputs {
  readonly mode: Mode;
  readonly config: string | undefined;
  readonly overrides: Overrides;
  readonly commentKey: string | undefined;
  readonly token: string | undefined;
  readonly failOn: readonly string[];
  /** Sessions to which a baseline is extended, 0 for the usual number; absent when it is not. */
  readonly extend: number | undefined;
  /** Metrics of which a loss is taken into the baseline, and no others. */
  readonly accept: readonly string[];
  readonly reason: string | undefined;
  /** Propose a recorded baseline by a pull request. */
  readonly pullRequest: boolean;
  /** Push a night's history. */
  readonly push: boolean;
  /** Audit only later commits. */
  readonly since: string | undefined;
  /** Run folders to report or to publish. */
  readonly runs: readonly string[];
  /** Name of this job among those of a matrix: it hands its run on, and posts nothing. */
  readonly cell: string | undefined;
  /** Names of the jobs whose runs must be there. */
  readonly cells: readonly string[];
  /** Label that accepts a loss; null when none does. */
  readonly acceptLabel: string | null;
}

/** Inputs that only mean something in these modes; elsewhere they would be ignored without a word. */
const ONLY_IN: Readonly<Record<string, readonly Mode[]>> = {
  "fail-on": ["audit", "drift"],
  extend: ["record"],
  accept: ["record"],
  reason: ["record"],
  "pull-request": ["record"],
  push: ["drift"],
  since: ["audit"],
  runs: ["report", "publish"],
  cells: ["report", "publish"],
  cell: ["gate", "record"],
};

/**
 * Reads the inputs.
 *
 * @param get - the value of an input; the empty text when it was not given
 * @throws UsageError naming the input, its value and what was expected
 */
export function readInputs(get: (name: string) => string): ActionInputs {
  const text = (name: string) => get(name).trim() || undefined;
  const number = (name: string) => {
    const given = text(name);
    const value = Number(given);
    if (given !== undefined && Number.isNaN(value)) {
      throw new UsageError(`${name}: got "${given}", expected a number`);
    }
    return given === undefined ? undefined : value;
  };
  const flag = (name: string) => {
    const given = text(name)?.toLowerCase();
    if (given !== undefined && given !== "true" && given !== "false") {
      throw new UsageError(`${name}: got "${given}", expected true or false`);
    }
    return given === undefined ? undefined : given === "true";
  };
  const mode = MODES.find((each) => each === (text("mode") ?? "gate"));
  if (mode === undefined) {
    throw new UsageError(`mode: got "${text("mode")}", expected one of ${MODES.join(", ")}`);
  }
  for (const [name, modes] of Object.entries(ONLY_IN)) {
    if (text(name) !== undefined && !modes.includes(mode)) {
      throw new UsageError(`${name}: it has no effect in mode ${mode}, only in ${modes.join(" and ")}`);
    }
  }
  const overrides = {
    scenario: text("scenario"),
    model: text("model"),
    args: text("args"),
    command: text("command"),
    serverUrl: text("server-url"),
    compareTo: text("compare-to"),
    baseArgs: text("base-args"),
    baseCommand: text("base-command"),
    sessions: number("sessions"),
    maxSessions: number("max-sessions"),
    rounds: number("rounds"),
    budgetMinutes: number("budget-minutes"),
    baselineDir: text("baseline-dir"),
    // An input that is false leaves the file's own word.
    reportOnly: flag("report-only") || undefined,
  };
  return {
    mode,
    config: text("config"),
    overrides: Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)),
    commentKey: text("comment-key"),
    token: text("github-token"),
    failOn: list(text("fail-on")),
    extend: extent(text("extend")),
    accept: list(text("accept")),
    reason: text("reason"),
    pullRequest: flag("pull-request") ?? false,
    push: flag("push") ?? true,
    since: text("since"),
    runs: list(text("runs")),
    cell: text("cell"),
    cells: cellNames(text("cells")),
    acceptLabel: text("accept-label") ?? null,
  };
}

/** `true`, or a number of sessions. */
function extent(text: string | undefined): number | undefined {
  if (text === undefined || text === "false") return undefined;
  if (text === "true") return 0;
  const sessions = Number(text);
  if (Number.isInteger(sessions) && sessions > 0) return sessions;
  throw new UsageError(`extend: got "${text}", expected true or a number of sessions`);
}

const list = (text: string | undefined) =>
  (text ?? "")
    .split(/[\n,]/)
    .map((each) => each.trim())
    .filter((each) => each !== "");

/** Names in lines or with commas, or a JSON list of them: what `toJSON` makes of a matrix. */
function cellNames(text: string | undefined): string[] {
  if (text?.startsWith("[") !== true) return list(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) {
    throw new UsageError(`cells: got ${text.slice(0, 80)}, expected names in lines, or a JSON list of names`);
  }
  return value;
}
