import { median } from "simple-statistics";
import { baseName, type Comparison, type ComparisonFile } from "../domain/comparison.ts";
import { diffFingerprints, type Fingerprint } from "../domain/fingerprint.ts";
import type { Taint } from "../domain/measurements.ts";
import type { Level, MetricDefinition, Tolerance } from "../domain/metric.ts";
import type { MetricNoise } from "../domain/noise.ts";
import { attribute } from "./attribution.ts";
import { diffFlags } from "./flags.ts";
import { type JudgeInput, type Judgement, judge } from "./judge.ts";
import { ruleFor } from "./rules.ts";

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
  /** Why metrics are absent, by id. */
  readonly absent?: Readonly<Record<string, string>>;
  /** Those of them that had too few samples, which another session may have. */
  readonly tooFew?: ReadonlySet<string>;
}

export interface HeadSide extends Side {
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

/** What else a comparison knows. */
export interface CompareOptions {
  /** This machine's own noise by metric, from `calibrate`. */
  readonly noise?: Readonly<Record<string, MetricNoise>> | undefined;
  /** The base measured beside head, where `base` was measured earlier: it tells a slower machine from slower flags. */
  readonly fresh?: Side | undefined;
  /** The base was measured in turn with head, in the same run. */
  readonly interleaved?: boolean | undefined;
}

/** Compares head with a base, metric by metric: every metric that either side has, judged together. */
export function compareSides(
  scenario: string,
  base: Side,
  head: HeadSide,
  rules: MetricRules,
  options: CompareOptions = {},
): ComparisonFile {
  const fingerprint = mergeDifferences(base, head);
  const incomparable = fingerprint.filter((difference) => difference.rule === "must");
  const flags = diffFlags(base, head);
  const metrics = metricsOf(base, head, rules, options.fresh);
  const both = metrics.filter(hasBothSides);
  const judged = judge(
    both.map((metric) => judgeInput(metric)),
    { noise: options.noise, interleaved: options.interleaved },
  );
  const judgements = new Map(both.map((metric, index) => [metric.id, judged[index] as Judgement]));
  const context = {
    base,
    head,
    crossHost: isCrossHost(base, head),
    interleaved: options.interleaved === true ? (true as const) : undefined,
  };
  const comparisons = metrics.map((metric): Comparison => {
    const compared = comparisonOf(metric, judgements.get(metric.id), context);
    const found =
      incomparable.length === 0
        ? compared
        : {
            ...compared,
            verdict: "invalid" as const,
            reason: notComparable(incomparable, baseName(context)),
          };
    const attribution = attribute(found, flags);
    return attribution === null ? found : { ...found, attribution };
  });
  return {
    schemaVersion: 1,
    scenario,
    baseSource: base.source,
    ...(options.interleaved === true ? { interleaved: true as const } : {}),
    limits: [],
    comparisons,
    flags,
    fingerprint,
    taints: [...new Set([...(options.interleaved === true ? taintsOf(base) : []), ...taintsOf(head)])],
  };
}

/** A metric that is compared: its definition as the scenario wants it, and its values on both sides. */
interface ComparedMetric {
  readonly id: string;
  readonly definition: MetricDefinition;
  readonly level: Level;
  readonly tolerance: Tolerance;
  readonly base: number[][];
  readonly head: number[][];
  readonly fresh: number[][];
}

function metricsOf(
  base: Side,
  head: HeadSide,
  rules: MetricRules,
  fresh: Side | undefined,
): ComparedMetric[] {
  const definitions = new Map(
    [...base.definitions, ...head.definitions].map((definition) => [definition.id, definition]),
  );
  const ids = [...new Set([...definitions.keys(), ...Object.keys(base.values)])].sort();
  return ids
    .map((id): ComparedMetric => {
      const definition = definitions.get(id) ?? unknownDefinition(id);
      return {
        id,
        definition,
        level: ruleFor(rules.levels, id) ?? definition.level,
        tolerance: mergeTolerance(definition.tolerance, ruleFor(rules.tolerances, id)),
        base: nonEmpty(base.values[id]),
        head: nonEmpty(head.values[id]),
        fresh: nonEmpty(fresh?.values[id]),
      };
    })
    .filter((metric) => metric.level !== "off" && metric.base.length + metric.head.length > 0);
}

const hasBothSides = ({ base, head }: ComparedMetric) => base.length > 0 && head.length > 0;

function judgeInput({ id, definition, ...metric }: ComparedMetric): JudgeInput {
  const { direction, rounds, sensitivity } = definition;
  return { ...metric, metric: id, direction, rounds, sensitivity };
}

/** Why parts of a side must not be trusted, each reason once. */
export function taintsOf(side: Side): string[] {
  return [...new Set(side.taints.map((taint) => taint.reason))];
}

interface Context {
  readonly base: Side;
  readonly head: HeadSide;
  readonly crossHost: boolean;
  readonly interleaved: true | undefined;
}

function comparisonOf(metric: ComparedMetric, judged: Judgement | undefined, context: Context): Comparison {
  const { id, definition, level, tolerance, base, head } = metric;
  const shared = {
    metric: id,
    unit: definition.unit,
    direction: definition.direction,
    level,
    tolerance: tolerance.relative,
    absoluteTolerance: tolerance.absolute,
    baseSessions: base,
    headSessions: head,
    ...(metric.fresh.length > 0 ? { freshSessions: metric.fresh } : {}),
  };
  const undecided = { effect: null, interval: null, bound: null, detectable: null };
  if (head.length === 0) {
    const why = context.head.absent[id];
    const having = baseName(context);
    const reason = `${having} has it, this run does not: ${why ?? "its probe did not run"}`;
    const open = context.head.tooFew?.has(id) ? { decidable: true } : {};
    return { ...shared, ...undecided, ...open, verdict: "invalid", base: typical(base), head: null, reason };
  }
  if (judged === undefined) {
    const open = { ...undecided, verdict: "inconclusive" as const, base: null, head: typical(head) };
    return { ...shared, ...open, ...withoutBase(id, context) };
  }
  const found = { ...shared, ...judged, interval: judged.interval === null ? null : tuple(judged.interval) };
  const taint = findTaint(context.head, id);
  if (taint !== undefined) return { ...found, verdict: "invalid", reason: taint.reason };
  const baseTaint = findTaint(context.base, id);
  if (baseTaint !== undefined) {
    const untrusted = baseName(context);
    return { ...found, verdict: "invalid", reason: `${untrusted} must not be trusted: ${baseTaint.reason}` };
  }
  if (definition.sensitivity !== "host" || !context.crossHost) return found;
  // Sessions of the base beside head's would make this host no other than the baseline's.
  return { ...found, baseDecides: undefined, ...elsewhere(judged) };
}

/** What a metric is to which the base has no value. */
function withoutBase(id: string, { base, interleaved }: Context): Pick<Comparison, "decidable" | "reason"> {
  const why = base.absent?.[id];
  if (!interleaved) {
    return { decidable: false, reason: "the baseline has no value for it; record again to gate it" };
  }
  const reason = `this run has it, the base beside it does not: ${why ?? "its server does not report it"}`;
  return { decidable: base.tooFew?.has(id) === true, reason };
}

/** What remains of a judgement on another host: what the host moves convicts nobody there, and praises nobody. */
function elsewhere({
  verdict,
  reason,
}: Judgement): Pick<Comparison, "verdict" | "reason"> & Partial<Pick<Comparison, "decidable">> {
  const where = `on another host than the baseline, which spans fewer than ${HOSTS_THAT_SPAN} hosts`;
  switch (verdict) {
    case "regressed":
      return {
        verdict: "inconclusive",
        decidable: false,
        reason: `worse by more than the tolerance, but ${where}`,
      };
    case "improved":
      return { verdict: "pass", reason: `better by more than the tolerance, but ${where}` };
    default:
      return { verdict, reason };
  }
}

/** Why a metric of a side must not be trusted; undefined where nothing speaks against it. */
export function findTaint(side: Side, id: string): Taint | undefined {
  return side.taints.find((taint) => concerns(taint, id));
}

/** Whether a taint is one of a metric: of the metric itself, or of the part whose metrics begin like it. */
export function concerns({ metrics }: Taint, id: string): boolean {
  return id === metrics || id.startsWith(`${metrics}.`) || id.startsWith(`${metrics}_`);
}

function notComparable(differences: ComparisonFile["fingerprint"], other: string): string {
  const said = differences.map(({ field, base, head }) =>
    field === "probeSuite"
      ? `its probes or their parameters are not those of ${other}`
      : `${field} is ${head ?? "none"}, that of ${other} is ${base ?? "none"}`,
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
