import { isScalar, LineCounter, parseDocument, visit } from "yaml";
import { z } from "zod";
import { messageOf, UsageError } from "../domain/errors.ts";
import type { Level } from "../domain/metric.ts";
import type { Slo } from "../domain/operating.ts";
import type { Traffic } from "../domain/traffic.ts";
import { briefly } from "../system/files.ts";
import { toArguments } from "./arguments.ts";
import { expectation, explainIssues } from "./explain-issue.ts";
import type { Overrides } from "./overrides.ts";
import { type ConfigFile, configSchema, type Probes, type ScenarioFile } from "./schema.ts";
import type { ServerPolicy } from "./server-policy.ts";
import { resolveServer, type ServerSpec } from "./server-spec.ts";

/** Absolute bounds of a metric. */
export interface Limit {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** Part of a metric's tolerance that a scenario overrides. */
export interface ToleranceOverride {
  readonly relative?: number | undefined;
  readonly absolute?: number | undefined;
}

/** Everything a run needs to know, from file, inputs and defaults. Frozen. */
export interface GateConfig {
  readonly scenario: string;
  readonly server: ServerSpec;
  readonly readyTimeoutS: number;
  readonly probes: Probes;
  readonly tolerances: Readonly<Record<string, ToleranceOverride>>;
  readonly levels: Readonly<Record<string, Level>>;
  readonly limits: Readonly<Record<string, Limit>>;
  /** What users are promised; null when nothing is. */
  readonly slo: Slo | null;
  /** The requests of `probes.traffic`, read from their file; null without that probe. */
  readonly traffic: Traffic | null;
  /** What servers this run may start. */
  readonly policy: ServerPolicy;
  /** The other side of an A/B, measured beside `server`; null when a baseline is. */
  readonly base: ServerSpec | null;
  /** Of that side's file, where it has one: both sides are measured by `probes`, which must be the same. */
  readonly baseProbes: ScenarioFile["probes"] | null;
  readonly sessions: number;
  /** Most sessions of `server` that a gate run measures. */
  readonly maxSessions: number;
  readonly recordSessions: number;
  readonly rounds: number;
  readonly budgetMinutes: number;
  readonly baselineDir: string;
  readonly baselineMaxAgeDays: number;
  readonly onInconclusive: "warn" | "fail";
  readonly onInvalid: "warn" | "fail";
  readonly onDirty: "repeat" | "note";
  readonly reportOnly: boolean;
  /** Where each overridden value came from, for the log. */
  readonly sources: Readonly<Record<string, string>>;
  /** What a reader of the verdict must know about them. */
  readonly notes: readonly string[];
  /** What the checkout's own file says of judging, where another copy judges; see {@link ownRulesOf}. */
  readonly own?: OwnRules;
}

/** How a checkout would judge itself. */
export interface OwnRules
  extends Pick<
    GateConfig,
    "tolerances" | "levels" | "limits" | "baselineDir" | "onInconclusive" | "onInvalid" | "reportOnly"
  > {
  /** The configuration's path. */
  readonly configPath: string;
}

const MAX_FILE_BYTES = 1_000_000;
const MAX_PROBLEMS = 20;

/**
 * Parses the text of a configuration file.
 *
 * @param file - its name, for errors
 * @throws UsageError with a line for each wrong key or value: place, key, value, what was expected
 */
export function parseConfig(text: string, file: string): ConfigFile {
  if (text.length > MAX_FILE_BYTES) {
    throw new UsageError(`${file}: ${text.length} bytes, expected at most ${MAX_FILE_BYTES}`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const syntax = document.errors.map((error) => {
    const what =
      error.code === "DUPLICATE_KEY"
        ? `the key \`${/^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0].slice(0, 60) ?? ""}\` stands twice`
        : briefly(error.message);
    return `${file}:${lines.linePos(error.pos[0]).line}: ${what}`;
  });
  if (syntax.length > 0) throw new UsageError(atMost(syntax).join("\n"));
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== "__proto__") return;
      const line = lines.linePos(key.range?.[0] ?? 0).line;
      throw new UsageError(`${file}:${line}: \`__proto__\` cannot be a key: choose another name`);
    },
  });
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError(`${file}: ${briefly(messageOf(error))}`);
  }
  const parsed = configSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const sentences = explainIssues(parsed.error.issues, file, document, lines, knownKeysAt);
  throw new UsageError(atMost(sentences).join("\n"));
}

/** The first of many problems: a file of another kind has one in every line, and none of it is to be told. */
function atMost(sentences: readonly string[]): string[] {
  const left = sentences.length - MAX_PROBLEMS;
  return left <= 0 ? [...sentences] : [...sentences.slice(0, MAX_PROBLEMS), `and ${left} more`];
}

/** The keys that the schema knows at a path. */
function knownKeysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = configSchema;
  for (const key of path) {
    const inner = unwrap(schema);
    if (inner instanceof z.ZodObject) schema = inner.shape[String(key)];
    else if (inner instanceof z.ZodRecord) schema = inner.valueType;
    else return [];
  }
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape).filter((key) => key !== "$schema") : [];
}

function unwrap(schema: unknown): unknown {
  if (schema instanceof z.ZodUnion) {
    const mapping = schema.options.map(unwrap).find((option) => option instanceof z.ZodObject);
    return mapping ?? schema;
  }
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    return unwrap(schema.unwrap());
  }
  return schema;
}

/** The policy of a configuration file, with its commands as argument lists. */
export function policyOf(file: ConfigFile, source: string): ServerPolicy {
  return {
    allowFlags: file.policy.allowFlags,
    allowEnv: file.policy.allowEnv,
    allowServers: file.policy.allowServers,
    allowCommands: file.policy.allowCommands.map((command) =>
      toArguments(command, `${source}: policy.allowCommands`),
    ),
  };
}

export interface ResolveInput {
  /** The file's value, or null when there is no file: then everything comes from the overrides. */
  readonly file: ConfigFile | null;
  readonly fileName: string;
  readonly overrides: Overrides;
  /** What the overrides are called in errors: `--rounds` on the command line, `rounds` in a workflow. */
  readonly nameOverride: (key: keyof Overrides) => string;
  readonly policy: ServerPolicy;
  /**
   * The file that says how to judge (tolerances, levels, limits, what blocks, how much is measured, where baselines
   * lie), when that is another than `file`: the base branch's, of a pull request. A scenario that it does not have
   * is judged by `file`.
   */
  readonly judge?: ConfigFile;
  /** What is measured has no other side, as a baseline or a study: `compareTo` says nothing about it. */
  readonly headAlone?: boolean;
}

/**
 * One frozen value from file, overrides and defaults. The file of `probes.traffic` is left to the caller.
 *
 * @throws UsageError when no scenario is meant, a value is out of range, or a flag, variable or command is refused
 */
export function resolveConfig(input: ResolveInput): GateConfig {
  const { overrides, nameOverride, fileName } = input;
  const file = input.file ?? fileFromOverrides(overrides, nameOverride, fileName);
  const scenario = pickScenario(file, overrides, nameOverride, fileName);
  const section = file.scenarios[scenario] as ScenarioFile;
  const judgeFile = input.judge ?? file;
  const judge =
    (Object.hasOwn(judgeFile.scenarios, scenario) ? judgeFile.scenarios[scenario] : null) ?? section;
  const sources: Record<string, string> = {};
  for (const key of ["model", "args", "command", "serverUrl", "baseArgs", "baseCommand"] as const) {
    if (overrides[key] !== undefined) sources[key] = nameOverride(key);
  }
  const choose = <K extends keyof Overrides, T>(key: K, own: T): T | NonNullable<Overrides[K]> => {
    const given = overrides[key];
    if (given === undefined) return own;
    sources[key] = nameOverride(key);
    return given as NonNullable<Overrides[K]>;
  };
  const within = (key: "sessions" | "maxSessions" | "rounds" | "budgetMinutes", own: number): number => {
    const value = choose(key, own);
    const checked = configSchema.shape[key].safeParse(value);
    if (checked.success) return value;
    const issue = checked.error.issues[0];
    throw new UsageError(
      `${nameOverride(key)}: got ${value}, ${issue === undefined ? "not in range" : expectation(issue)}`,
    );
  };
  if (overrides.baselineDir === "") {
    throw new UsageError(`${nameOverride("baselineDir")}: got "", expected the path of a folder`);
  }
  const sessions = within("sessions", judgeFile.sessions);
  const base = resolveBase(input, scenario, section, choose("compareTo", judgeFile.compareTo));
  const config: GateConfig = {
    scenario,
    server: resolveServer({ section, scenario, overrides, nameOverride, fileName, policy: input.policy }),
    readyTimeoutS: section.readyTimeoutS,
    probes: section.probes,
    tolerances: judge.tolerances,
    levels: judge.levels,
    limits: judge.limits,
    slo: judge.slo ?? null,
    traffic: null,
    policy: input.policy,
    base,
    baseProbes: base === null ? null : judge.probes,
    sessions,
    maxSessions: Math.max(sessions, within("maxSessions", judgeFile.maxSessions)),
    recordSessions: overrides.sessions ?? judgeFile.recordSessions,
    rounds: within("rounds", judgeFile.rounds),
    budgetMinutes: within("budgetMinutes", judgeFile.budgetMinutes),
    baselineDir: choose("baselineDir", judgeFile.baselineDir),
    baselineMaxAgeDays: judgeFile.baselineMaxAgeDays,
    onInconclusive: judgeFile.onInconclusive,
    onInvalid: judgeFile.onInvalid,
    onDirty: judgeFile.onDirty,
    reportOnly: choose("reportOnly", judgeFile.reportOnly),
    sources,
    notes: [],
  };
  return deepFreeze(config);
}

/** What a file says of how a scenario is judged; what overrides it stays as it is in the configuration that was resolved. */
export function ownRulesOf(file: ConfigFile | null, configPath: string, config: GateConfig): OwnRules {
  const { tolerances, levels, limits, baselineDir, onInconclusive, onInvalid, reportOnly } = config;
  const judged = {
    configPath,
    tolerances,
    levels,
    limits,
    baselineDir,
    onInconclusive,
    onInvalid,
    reportOnly,
  };
  const section =
    file !== null && Object.hasOwn(file.scenarios, config.scenario)
      ? file.scenarios[config.scenario]
      : undefined;
  if (file === null || section === undefined) return judged;
  const isOverridden = (key: keyof Overrides) => Object.hasOwn(config.sources, key);
  return {
    configPath,
    tolerances: section.tolerances,
    levels: section.levels,
    limits: section.limits,
    baselineDir: isOverridden("baselineDir") ? baselineDir : file.baselineDir,
    onInconclusive: file.onInconclusive,
    onInvalid: file.onInvalid,
    reportOnly: isOverridden("reportOnly") ? reportOnly : file.reportOnly,
  };
}

/**
 * The other side of an A/B: what the base branch's file says of the scenario, or this one's with other flags or
 * another command. Null where head is measured alone.
 */
function resolveBase(
  input: ResolveInput,
  scenario: string,
  section: ScenarioFile,
  compareTo: string,
): ServerSpec | null {
  const { overrides, nameOverride, fileName, judge, policy } = input;
  const { baseArgs, baseCommand } = overrides;
  if (input.headAlone === true) {
    const given = (["compareTo", "baseArgs", "baseCommand"] as const).find(
      (key) => overrides[key] !== undefined,
    );
    if (given === undefined) return null;
    throw new UsageError(
      `${nameOverride(given)}: has an effect on a gate's run alone, not on what is done here`,
    );
  }
  if (compareTo !== "base" && compareTo !== "baseline") {
    throw new UsageError(`${nameOverride("compareTo")}: got "${compareTo}", expected baseline or base`);
  }
  if (compareTo === "baseline") {
    const given = (["baseArgs", "baseCommand"] as const).find((key) => overrides[key] !== undefined);
    if (given === undefined) return null;
    throw new UsageError(`${nameOverride(given)}: has no effect without ${nameOverride("compareTo")} base`);
  }
  const ofBase =
    judge !== undefined && Object.hasOwn(judge.scenarios, scenario) ? judge.scenarios[scenario] : null;
  if (ofBase == null && baseArgs === undefined && baseCommand === undefined) {
    const missing =
      judge === undefined
        ? "no base revision is known here: a pull request has one, and --base-ref names one on the command line"
        : `it has no scenario "${scenario}"`;
    throw new UsageError(
      `${nameOverride("compareTo")}: base needs another side: the base branch's file (${missing}), ` +
        `${nameOverride("baseArgs")} or ${nameOverride("baseCommand")}`,
    );
  }
  const base = resolveServer({
    section: ofBase ?? section,
    scenario,
    overrides: {
      ...(overrides.model === undefined ? {} : { model: overrides.model }),
      ...(baseArgs === undefined ? {} : { args: baseArgs }),
      ...(baseCommand === undefined ? {} : { command: baseCommand }),
    },
    nameOverride: (key) =>
      nameOverride(key === "args" ? "baseArgs" : key === "command" ? "baseCommand" : key),
    fileName,
    policy,
  });
  if (base.kind === "attach") {
    throw new UsageError(
      `${nameOverride("compareTo")}: base needs servers that the gate starts, not one that is running`,
    );
  }
  return base;
}

function fileFromOverrides(
  overrides: Overrides,
  nameOverride: ResolveInput["nameOverride"],
  fileName: string,
): ConfigFile {
  if (overrides.model === undefined && overrides.serverUrl === undefined) {
    throw new UsageError(
      `${fileName}: no such file. Write one, or say what to serve with ${nameOverride("model")} or ` +
        `${nameOverride("serverUrl")}`,
    );
  }
  const section =
    overrides.serverUrl !== undefined ? { server: { url: overrides.serverUrl } } : { model: overrides.model };
  const parsed = configSchema.safeParse({ scenarios: { [overrides.scenario ?? "default"]: section } });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key: keyof Overrides = issue?.path.includes("url")
    ? "serverUrl"
    : issue?.path.includes("model")
      ? "model"
      : "scenario";
  throw new UsageError(
    `${nameOverride(key)}: got "${overrides[key]}", ${issue === undefined ? "not valid" : expectation(issue)}`,
  );
}

function pickScenario(
  file: ConfigFile,
  overrides: Overrides,
  nameOverride: ResolveInput["nameOverride"],
  fileName: string,
): string {
  const names = Object.keys(file.scenarios);
  if (overrides.scenario !== undefined) {
    if (Object.hasOwn(file.scenarios, overrides.scenario)) return overrides.scenario;
    throw new UsageError(
      `${nameOverride("scenario")}: ${fileName} has no scenario "${overrides.scenario}". It has: ${names.join(", ")}`,
    );
  }
  const [only, second] = names;
  if (only !== undefined && second === undefined) return only;
  throw new UsageError(
    `${fileName} has ${names.length} scenarios: choose one with ${nameOverride("scenario")}: ${names.join(", ")}`,
  );
}

/** Freezes a value and all that it holds. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
