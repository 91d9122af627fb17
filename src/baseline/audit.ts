import { median } from "simple-statistics";
import type { AuditCommit, Finding, Move, PolicyMove } from "../domain/audit.ts";
import type { Baseline } from "../domain/baseline.ts";
import type { Level, Tolerance } from "../domain/metric.ts";
import { isAsWritten } from "./baseline-text.ts";

/** How a metric is judged where the configuration says nothing else. */
export interface MetricRule {
  readonly direction: "lower" | "higher";
  readonly level: Level;
  readonly tolerance: Tolerance;
}

/** What the configuration of one commit says of one scenario, as far as it decides verdicts. */
export interface ScenarioPolicy {
  readonly tolerances: Readonly<
    Record<string, { readonly relative?: number | undefined; readonly absolute?: number | undefined }>
  >;
  readonly levels: Readonly<Record<string, Level>>;
  readonly limits: Readonly<
    Record<string, { readonly min?: number | undefined; readonly max?: number | undefined }>
  >;
}

/** One commit of the history: what became of which baseline, and of the policy. */
export interface AuditStep extends AuditCommit {
  readonly baselines: readonly {
    /** Its path after the commit; before it when it was deleted. */
    readonly path: string;
    readonly oldPath: string;
    readonly before: Baseline | null;
    readonly after: Baseline | null;
    /** Why the new content is no baseline. */
    readonly problem: string | null;
  }[];
  /** By scenario; null when the commit left the configuration alone. */
  readonly policy: { readonly before: Policies; readonly after: Policies } | null;
}
export type Policies = Readonly<Record<string, ScenarioPolicy>>;

export interface AuditRules {
  /** The catalogue's rule for a metric, or null for one that it does not know. */
  readonly ruleOf: (metric: string) => MetricRule | null;
  /** Whether a pattern of the configuration is of a metric. */
  readonly matches: (pattern: string, metric: string) => boolean;
  /** The configuration as it is now, by scenario; null when there is none. */
  readonly policies: Policies | null;
  readonly now: Date;
  /** A baseline whose latest session is older than this is stale. */
  readonly maxAgeDays: number;
}

/** Loss as a share of the old value, worse is positive. */
function lossOf(rule: MetricRule | null, from: number | null, to: number | null): number | null {
  if (from === null || to === null || from === 0) return null;
  const rise = to / from - 1;
  return rule?.direction === "higher" ? -rise : rise;
}

/** Medians by baseline: each content is looked at once as the old and once as the new one of a change. */
const middles = new WeakMap<Baseline, ReadonlyMap<string, number>>();

function middlesOf(baseline: Baseline): ReadonlyMap<string, number> {
  const known = middles.get(baseline);
  if (known !== undefined) return known;
  const made = new Map(
    Object.entries(baseline.metrics).flatMap(([metric, { sessions }]): [string, number][] => {
      const values = sessions.flat();
      return values.length === 0 ? [] : [[metric, median(values)]];
    }),
  );
  middles.set(baseline, made);
  return made;
}

function middleOf(baseline: Baseline | null, metric: string): number | null {
  return baseline === null ? null : (middlesOf(baseline).get(metric) ?? null);
}

function isBeyond(
  rule: MetricRule,
  from: number,
  to: number,
  tolerance: Tolerance = rule.tolerance,
): boolean {
  const loss = rule.direction === "lower" ? to - from : from - to;
  return loss > Math.max(tolerance.absolute, tolerance.relative * Math.abs(from)) + 1e-12 * Math.abs(from);
}

/** The tolerance that a scenario's policy gives a metric. */
function toleranceUnder(
  policy: ScenarioPolicy | undefined,
  metric: string,
  rule: MetricRule,
  matches: AuditRules["matches"],
): Tolerance {
  const pattern = Object.keys(policy?.tolerances ?? {}).find((each) => matches(each, metric));
  const own = pattern === undefined ? undefined : policy?.tolerances[pattern];
  return {
    relative: own?.relative ?? rule.tolerance.relative,
    absolute: own?.absolute ?? rule.tolerance.absolute,
  };
}

/** What a history of baselines and policy comes to. */
export interface Audit {
  readonly findings: Finding[];
  readonly moves: Move[];
  readonly policyMoves: PolicyMove[];
}

/**
 * Goes through a history: every move of a metric, every change of the policy, and what is suspicious in them.
 *
 * @param steps - the oldest first
 */
export function auditHistory(steps: readonly AuditStep[], rules: AuditRules): Audit {
  const moves = steps.flatMap((step) => movesOf(step, rules));
  const policyMoves = steps.flatMap(policyMovesOf);
  return {
    moves,
    policyMoves,
    findings: [
      ...unbacked(steps),
      ...loosenedWithMove(steps, moves, policyMoves, rules),
      ...unexplained(moves, rules),
      ...creep(steps, rules),
      ...loosening(policyMoves),
      ...presentState(steps, rules),
    ],
  };
}

function commitOf({ commit, at, author, subject }: AuditCommit): AuditCommit {
  return { commit, at, author, subject };
}

function movesOf(step: AuditStep, { ruleOf }: AuditRules): Move[] {
  return step.baselines.flatMap(({ path, before, after }): Move[] => {
    if (after === null) return [];
    const ids = [...new Set([...Object.keys(before?.metrics ?? {}), ...Object.keys(after.metrics)])].sort();
    return ids.flatMap((metric) => {
      const from = middleOf(before, metric);
      const to = middleOf(after, metric);
      if (from === to || before === null) return [];
      const unit = after.metrics[metric]?.unit ?? before.metrics[metric]?.unit ?? "";
      return [
        {
          ...commitOf(step),
          baseline: path,
          metric,
          unit,
          from,
          to,
          loss: lossOf(ruleOf(metric), from, to),
          kind: after.change?.kind ?? null,
          reason: after.change?.reason ?? null,
        },
      ];
    });
  });
}

/** Every bound of a policy as a number that grows as the bound gets looser, with the text that a person reads. */
function boundsOf(policy: ScenarioPolicy | undefined): Map<string, { looseness: number; text: string }> {
  const bounds = new Map<string, { looseness: number; text: string }>();
  if (policy === undefined) return bounds;
  for (const [pattern, { relative, absolute }] of Object.entries(policy.tolerances)) {
    if (relative !== undefined)
      bounds.set(`tolerances.${pattern}.relative`, { looseness: relative, text: String(relative) });
    if (absolute !== undefined)
      bounds.set(`tolerances.${pattern}.absolute`, { looseness: absolute, text: String(absolute) });
  }
  for (const [pattern, level] of Object.entries(policy.levels)) {
    bounds.set(`levels.${pattern}`, { looseness: ["gate", "watch", "off"].indexOf(level), text: level });
  }
  for (const [pattern, { min, max }] of Object.entries(policy.limits)) {
    if (min !== undefined) bounds.set(`limits.${pattern}.min`, { looseness: -min, text: String(min) });
    if (max !== undefined) bounds.set(`limits.${pattern}.max`, { looseness: max, text: String(max) });
  }
  return bounds;
}

function policyMovesOf(step: AuditStep): PolicyMove[] {
  if (step.policy === null) return [];
  const { before, after } = step.policy;
  return Object.keys({ ...before, ...after })
    .sort()
    .flatMap((scenario) => {
      // A scenario that comes or goes loosens nothing.
      if (before[scenario] === undefined || after[scenario] === undefined) return [];
      const [old, now] = [boundsOf(before[scenario]), boundsOf(after[scenario])];
      return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((key): PolicyMove[] => {
        const [from, to] = [old.get(key), now.get(key)];
        if (from?.looseness === to?.looseness) return [];
        const isLimit = key.startsWith("limits.");
        // A limit that goes is the loosest; a tolerance or level that comes or goes is beside the catalogue's.
        const looser =
          from !== undefined && to !== undefined
            ? to.looseness > from.looseness
            : isLimit
              ? to === undefined
              : to !== undefined && (key.startsWith("tolerances.") || to.text !== "gate");
        return [
          {
            ...commitOf(step),
            scenario,
            key,
            from: from?.text ?? "none",
            to: to?.text ?? "none",
            looser,
          },
        ];
      });
    });
}

/** Values that no recorded run stands behind. */
function unbacked(steps: readonly AuditStep[]): Finding[] {
  return steps.flatMap((step) =>
    step.baselines.flatMap(({ path, before, after, problem }): Finding[] => {
      const found = (kind: Finding["kind"], text: string): Finding[] => [
        { kind, where: path, metric: null, commits: [step.commit], text },
      ];
      if (problem !== null) return found("unreadable", problem);
      if (after === null) return [];
      if (isAsWritten(after) === false) {
        return found("unbacked", "the content is not what vllm-gate wrote: it was edited by hand");
      }
      const runs = (baseline: Baseline) => baseline.sessions.map((session) => session.runSha256).join();
      if (before !== null && runs(before) === runs(after)) {
        const changed = Object.keys(after.metrics).filter(
          (metric) => JSON.stringify(after.metrics[metric]) !== JSON.stringify(before.metrics[metric]),
        );
        if (changed.length > 0) {
          return found("unbacked", `${changed.join(", ")} changed, the runs that they came from did not`);
        }
      }
      return [];
    }),
  );
}

/** A bound that was loosened in the same change as a metric moved that would have failed under the old one. */
function loosenedWithMove(
  steps: readonly AuditStep[],
  moves: readonly Move[],
  policyMoves: readonly PolicyMove[],
  rules: AuditRules,
): Finding[] {
  const looserIn = Map.groupBy(
    policyMoves.filter((move) => move.looser),
    (move) => move.commit,
  );
  const stepOf = new Map(steps.map((step) => [step.commit, step]));
  return moves.flatMap((move): Finding[] => {
    const looser = looserIn.get(move.commit);
    const step = stepOf.get(move.commit);
    const rule = rules.ruleOf(move.metric);
    if (looser === undefined || step === undefined || rule === null) return [];
    if (move.from === null || move.to === null) return [];
    const scenario = step.baselines.find(({ path }) => path === move.baseline)?.after?.scenario ?? "";
    const tolerance = toleranceUnder(step.policy?.before[scenario], move.metric, rule, rules.matches);
    if (!isBeyond(rule, move.from, move.to, tolerance)) return [];
    const bound = looser.find(
      (each) => each.scenario === scenario && rules.matches(patternOf(each.key), move.metric),
    );
    if (bound === undefined) return [];
    return [
      {
        kind: "loosened_with_move",
        where: move.baseline,
        metric: move.metric,
        commits: [move.commit],
        text:
          `${bound.key} went from ${bound.from} to ${bound.to} in the change that made ${move.metric} ` +
          `${percent(move.loss)} worse, which the old one would have failed`,
      },
    ];
  });
}

/** `batching.*.tokens_per_s` of `tolerances.batching.*.tokens_per_s.relative` */
function patternOf(key: string): string {
  return key.replace(/^(tolerances|levels|limits)\./, "").replace(/\.(relative|absolute|min|max)$/, "");
}

/** A gated metric that got worse beyond its tolerance, and nobody said why. */
function unexplained(moves: readonly Move[], rules: AuditRules): Finding[] {
  return moves.flatMap((move): Finding[] => {
    const rule = rules.ruleOf(move.metric);
    if (rule?.level !== "gate" || move.reason !== null || move.from === null || move.to === null) return [];
    if (!isBeyond(rule, move.from, move.to)) return [];
    return [
      {
        kind: "unexplained",
        where: move.baseline,
        metric: move.metric,
        commits: [move.commit],
        text: `${move.metric} got ${percent(move.loss)} worse, and the baseline gives no reason`,
      },
    ];
  });
}

/** Losses that are each within the tolerance and add up to more than it, counted from the oldest value. */
function creep(steps: readonly AuditStep[], rules: AuditRules): Finding[] {
  const series = seriesOf(steps);
  return [...series].flatMap(([path, values]) => {
    const metrics = new Set(values.flatMap(({ baseline }) => Object.keys(baseline.metrics)));
    return [...metrics].sort().flatMap((metric): Finding[] => {
      const rule = rules.ruleOf(metric);
      const points = values.flatMap(({ commit, baseline }) => {
        const value = middleOf(baseline, metric);
        return value === null ? [] : [{ commit, value }];
      });
      const [anchor, last] = [points[0], points.at(-1)];
      if (rule?.level !== "gate" || anchor === undefined || last === undefined || points.length < 3)
        return [];
      const jumps = points
        .slice(1)
        .filter(({ value }, at) => isBeyond(rule, points[at]?.value ?? value, value));
      if (jumps.length > 0 || !isBeyond(rule, anchor.value, last.value)) return [];
      return [
        {
          kind: "creep",
          where: path,
          metric,
          commits: points.slice(1).map(({ commit }) => commit),
          text:
            `${metric} is ${percent(lossOf(rule, anchor.value, last.value))} worse than where it began, in ` +
            `${points.length - 1} changes of which each was within the tolerance`,
        },
      ];
    });
  });
}

/** The content of each baseline after each commit that changed it, by the path that it has now. */
export function seriesOf(
  steps: readonly AuditStep[],
): Map<string, { commit: string; at: string; baseline: Baseline }[]> {
  const series = new Map<string, { commit: string; at: string; baseline: Baseline }[]>();
  for (const { commit, at, baselines } of steps) {
    for (const { path, oldPath, before, after } of baselines) {
      const known =
        series.get(oldPath) ?? (before === null ? [] : [{ commit: "", at: "", baseline: before }]);
      if (oldPath !== path) series.delete(oldPath);
      if (after === null) series.delete(path);
      else series.set(path, [...known, { commit, at, baseline: after }]);
    }
  }
  return series;
}

/** A bound that was only ever loosened, more than once. */
function loosening(moves: readonly PolicyMove[]): Finding[] {
  const byKey = Map.groupBy(moves, (move) => JSON.stringify([move.scenario, move.key]));
  return [...byKey.values()].flatMap((of): Finding[] => {
    const [first, last] = [of[0], of.at(-1)];
    if (first === undefined || last === undefined || of.length < 2 || of.some((move) => !move.looser))
      return [];
    return [
      {
        kind: "loosening",
        where: first.scenario,
        metric: patternOf(first.key),
        commits: of.map((move) => move.commit),
        text: `${first.key} was loosened ${of.length} times and never tightened: ${[first.from, ...of.map((move) => move.to)].join(" → ")}`,
      },
    ];
  });
}

const DAY_MS = 86_400_000;

/** Baselines that nobody runs, and those whose sessions are old. */
function presentState(steps: readonly AuditStep[], { policies, now, maxAgeDays }: AuditRules): Finding[] {
  return [...seriesOf(steps)].flatMap(([path, values]): Finding[] => {
    const last = values.at(-1);
    if (last === undefined) return [];
    const { baseline, commit } = last;
    if (policies !== null && !Object.hasOwn(policies, baseline.scenario)) {
      const text = `the configuration has no scenario ${JSON.stringify(baseline.scenario)}: nobody runs this baseline`;
      return [{ kind: "unused", where: path, metric: null, commits: [commit], text }];
    }
    const latestMs = Math.max(...baseline.sessions.map((session) => Date.parse(session.recordedAt)));
    const days = Math.floor((now.getTime() - latestMs) / DAY_MS);
    if (!(days > maxAgeDays)) return [];
    const text = `its latest session is ${days} days old, more than ${maxAgeDays}: record it again`;
    return [{ kind: "stale", where: path, metric: null, commits: [commit], text }];
  });
}

function percent(share: number | null): string {
  return share === null ? "" : `${(share * 100).toFixed(1)} %`;
}
