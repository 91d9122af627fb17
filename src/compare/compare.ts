import { median } from "simple-statistics";
import type { Comparison, ComparisonFile, Difference } from "../domain/comparison.ts";
import { diffFingerprints, type Fingerprint } from "../domain/fingerprint.ts";
import type { Taint } from "../domain/measurements.ts";
import type { Level, MetricDefinition, Tolerance } from "../domain/metric.ts";
import { type Judge, separationJudge } from "./judge.ts";

/** Values of a metric by session, in them by round. */
export type SessionValues = readonly (readonly number[])[];

/** One side of a comparison. */
export interface Side {
  readonly source: string;
  readonly fingerprints: readonly Fingerprint[];
  /** By metric id. */
  readonly values: Readonly<Record<string, SessionValues>>;
  readonly args: readonly string[];
  readonly vllmVersion: string | null;
  /** Of the metrics it has; the head's are preferred. */
  readonly definitions: readonly MetricDefinition[];
  readonly taints: readonly Taint[];
}

export interface HeadSide extends Side {
  /** Why metrics are absent, by id. */
  readonly absent: Readonly<Record<string, string>>;
}

/** What a scenario says about metrics, by id or pattern (`*` is one part of an id). */
export interface MetricRules {
  readonly tolerances: Readonly<
    Record<string, { relative?: number | undefined; absolute?: number | undefined }>
  >;
  readonly levels: Readonly<Record<string, Level>>;
}

/** Metrics that a stored baseline of fewer hosts than this cannot convict on another host. */
const HOSTS_THAT_SPAN = 3;

/**
 * Compares head with a base, metric by metric: every metric that either side has.
 *
 * @param judge - the statistics; {@link separationJudge} by default
 */
export function compareSides(
  scenario: string,
  base: Side,
  head: HeadSide,
  rules: MetricRules,
  judge: Judge = separationJudge,
): ComparisonFile {
  const fingerprint = mergeDifferences(base, head);
  const incomparable = fingerprint.filter((difference) => difference.rule === "must");
  const crossHost = isCrossHost(base, head);
  const definitions = new Map(
    [...base.definitions, ...head.definitions].map((definition) => [definition.id, definition]),
  );
  const ids = [...new Set([...definitions.keys(), ...Object.keys(base.values)])].sort();
  const comparisons = ids.flatMap((id) => {
    const definition = definitions.get(id) ?? unknownDefinition(id);
    const level = ruleFor(rules.levels, id) ?? definition.level;
    if (level === "off") return [];
    const tolerance = mergeTolerance(definition.tolerance, ruleFor(rules.tolerances, id));
    const compared = compareMetric({ id, definition, level, tolerance, base, head, judge, crossHost });
    if (compared === null) return [];
    if (incomparable.length === 0) return [compared];
    return [{ ...compared, verdict: "invalid" as const, reason: notComparable(incomparable) }];
  });
  return {
    schemaVersion: 1,
    scenario,
    baseSource: base.source,
    limits: [],
    comparisons,
    flags: diffFlags(base, head),
    fingerprint,
    taints: taintsOf(head),
  };
}

/** Why parts of a side must not be trusted, each reason once. */
export function taintsOf(side: Side): string[] {
  return [...new Set(side.taints.map((taint) => taint.reason))];
}

interface MetricInput {
  readonly id: string;
  readonly definition: MetricDefinition;
  readonly level: Level;
  readonly tolerance: Tolerance;
  readonly base: Side;
  readonly head: HeadSide;
  readonly judge: Judge;
  readonly crossHost: boolean;
}

function compareMetric(input: MetricInput): Comparison | null {
  const { id, definition, level, tolerance, judge } = input;
  const base = nonEmpty(input.base.values[id]);
  const head = nonEmpty(input.head.values[id]);
  if (base.length === 0 && head.length === 0) return null;
  const { unit, direction } = definition;
  const shared = {
    metric: id,
    unit,
    direction,
    level,
    tolerance: tolerance.relative,
    absoluteTolerance: tolerance.absolute,
    baseSessions: base.map((session) => [...session]),
    headSessions: head.map((session) => [...session]),
  };
  const undecided = { effect: null, interval: null, bound: null, detectable: null };
  if (head.length === 0) {
    const why = input.head.absent[id];
    const reason = `the baseline has it, this run does not: ${why ?? "its probe did not run"}`;
    return { ...shared, ...undecided, verdict: "invalid", base: typical(base), head: null, reason };
  }
  if (base.length === 0) {
    const reason = "the baseline has no value for it; record again to gate it";
    return { ...shared, ...undecided, verdict: "inconclusive", base: null, head: typical(head), reason };
  }
  const { rounds, sensitivity } = definition;
  const judged = judge({ direction, tolerance, rounds, sensitivity, base, head });
  const found = { ...shared, ...judged, interval: judged.interval === null ? null : tuple(judged.interval) };
  const taint = findTaint(input.head, id);
  if (taint !== undefined) return { ...found, verdict: "invalid", reason: taint.reason };
  const baseTaint = findTaint(input.base, id);
  if (baseTaint !== undefined) {
    return { ...found, verdict: "invalid", reason: `the baseline must not be trusted: ${baseTaint.reason}` };
  }
  if (definition.sensitivity !== "host" || !input.crossHost) return found;
  const elsewhere = `on another host than the baseline, which spans fewer than ${HOSTS_THAT_SPAN} hosts`;
  switch (judged.verdict) {
    case "regressed":
      return {
        ...found,
        verdict: "inconclusive",
        reason: `worse by more than the tolerance, but ${elsewhere}`,
      };
    case "improved":
      return { ...found, verdict: "pass", reason: `better by more than the tolerance, but ${elsewhere}` };
    default:
      return found;
  }
}

function findTaint(side: Side, id: string): Taint | undefined {
  return side.taints.find(
    ({ metrics }) => id === metrics || id.startsWith(`${metrics}.`) || id.startsWith(`${metrics}_`),
  );
}

function notComparable(differences: ComparisonFile["fingerprint"]): string {
  const said = differences.map(({ field, base, head }) =>
    field === "probeSuite"
      ? "its probes or their parameters are not the baseline's"
      : `${field} is ${head ?? "none"}, the baseline's is ${base ?? "none"}`,
  );
  return `not comparable: ${said.join("; ")}`;
}

function nonEmpty(sessions: SessionValues | undefined): number[][] {
  return (sessions ?? []).filter((session) => session.length > 0).map((session) => [...session]);
}

function typical(sessions: SessionValues): number | null {
  const values = sessions.flat();
  return values.length === 0 ? null : median(values);
}

function tuple(interval: readonly [number, number]): [number, number] {
  return [interval[0], interval[1]];
}

/** A metric of a baseline that this version's catalogue does not know is shown and never judged. */
function unknownDefinition(id: string): MetricDefinition {
  return {
    id,
    unit: "",
    direction: "lower",
    level: "watch",
    tolerance: { relative: 0, absolute: 0 },
    sensitivity: "none",
    rounds: "best",
    description: "A metric of the baseline that this run did not produce.",
  };
}

function mergeTolerance(
  own: Tolerance,
  given: { relative?: number | undefined; absolute?: number | undefined } | undefined,
): Tolerance {
  return { relative: given?.relative ?? own.relative, absolute: given?.absolute ?? own.absolute };
}

/** The rule of an exact id, else of the pattern with the most literal parts. */
export function ruleFor<T>(rules: Readonly<Record<string, T>>, id: string): T | undefined {
  if (Object.hasOwn(rules, id)) return rules[id];
  const parts = id.split(".");
  const matching = Object.keys(rules)
    .filter((pattern) => {
      const wanted = pattern.split(".");
      return (
        wanted.length === parts.length && wanted.every((part, index) => part === "*" || part === parts[index])
      );
    })
    .sort((a, b) => stars(a) - stars(b) || a.localeCompare(b));
  return matching[0] === undefined ? undefined : rules[matching[0]];
}

function stars(pattern: string): number {
  return pattern.split(".").filter((part) => part === "*").length;
}

/** What differs between any two machines of the sides; what is only noted must differ from every one of the base. */
function mergeDifferences(base: Side, head: Side): ComparisonFile["fingerprint"] {
  const pairs = head.fingerprints.map((other) =>
    base.fingerprints.map((one) => diffFingerprints(one, other)),
  );
  const found = new Map<string, ComparisonFile["fingerprint"][number]>();
  for (const against of pairs) {
    for (const difference of against.flat()) {
      const everywhere = against.every((each) => each.some(({ field }) => field === difference.field));
      if (difference.rule === "must" || everywhere) found.set(difference.field, difference);
    }
  }
  return [...found.values()];
}

function isCrossHost(base: Side, head: Side): boolean {
  const hosts = new Set(
    base.fingerprints.map((fingerprint) => fingerprint["hostId"]).filter((id) => id != null),
  );
  if (hosts.size === 0 || hosts.size >= HOSTS_THAT_SPAN) return false;
  return head.fingerprints.some(
    (fingerprint) => fingerprint["hostId"] != null && !hosts.has(fingerprint["hostId"]),
  );
}

/** Flags and version that differ, as a reader says them: `--max-num-seqs 256 → 64`. */
function diffFlags(base: Side, head: Side): Difference[] {
  const before = groupFlags(base.args);
  const after = groupFlags(head.args);
  const flags = [...new Set([...before.keys(), ...after.keys()])].sort();
  const differences = flags
    .map((what): Difference => ({ what, base: before.get(what) ?? null, head: after.get(what) ?? null }))
    .filter((difference) => difference.base !== difference.head);
  if (base.vllmVersion !== head.vllmVersion) {
    differences.unshift({ what: "vLLM", base: base.vllmVersion, head: head.vllmVersion });
  }
  return differences;
}

/**
 * Flags with their values; `--a=b` and `--a b` are the same, as are `_` and `-` in a name. A flag without a value
 * is "on"; the values of a flag that is given several times are separated by commas.
 */
function groupFlags(args: readonly string[]): Map<string, string> {
  const given: { readonly name: string; readonly values: string[] }[] = [];
  for (const arg of args) {
    if (arg.startsWith("-") && !/^-\d/.test(arg)) {
      const [, name = arg, value] = /^([^=]*)=(.*)$/s.exec(arg) ?? [];
      given.push({ name: flagName(name), values: value === undefined ? [] : [value] });
      continue;
    }
    const last = given.at(-1);
    if (last === undefined) given.push({ name: "(argument)", values: [arg] });
    else last.values.push(arg);
  }
  const flags = Map.groupBy(given, ({ name }) => name);
  return new Map(
    [...flags].map(([name, each]) => [
      name,
      each.map(({ values }) => (values.length === 0 ? "on" : values.join(" "))).join(", "),
    ]),
  );
}

/** `--max_num_seqs` is `--max-num-seqs`; the key after a dot (`--compilation-config.cudagraph_mode`) is a field's. */
function flagName(name: string): string {
  const dot = name.indexOf(".");
  return dot === -1
    ? name.replaceAll("_", "-")
    : `${name.slice(0, dot).replaceAll("_", "-")}${name.slice(dot)}`;
}
