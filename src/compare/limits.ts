import { mean } from "simple-statistics";
import type { ComparisonFile, LimitBreach } from "../domain/comparison.ts";
import { LEAST_CONVICTING } from "../domain/look.ts";
import type { MetricDefinition } from "../domain/metric.ts";
import { findTaint, type HeadSide, type SessionValues } from "./compare.ts";
import { shippedSpread } from "./prior.ts";
import { ruleFor } from "./rules.ts";

/** A comparison with the limits of its scenario held against head. */
export function withLimits(comparison: ComparisonFile, head: HeadSide, limits: Limits): ComparisonFile {
  const isTainted = (id: string) => findTaint(head, id) !== undefined;
  return {
    ...comparison,
    limits: checkLimits(head.values, head.definitions, limits, isTainted),
    limitsChecked: Object.keys(limits).length,
  };
}

/** Absolute bounds of metrics, by id or pattern. */
export type Limits = Readonly<Record<string, { min?: number | undefined; max?: number | undefined }>>;

/**
 * The limits that a run breaks: the middle of a metric's sessions lies outside, of two the better one, each by what
 * stands for it (its best round of what is timed, since interference only ever adds time). Of what counts by its worst
 * round the worst one does.
 * A limit on a metric that was not measured is broken too, since nobody looked. What must not be trusted breaks none:
 * the run has no verdict then.
 *
 * @param isTainted - whether a metric must not be trusted
 */
export function checkLimits(
  values: Readonly<Record<string, SessionValues>>,
  definitions: readonly MetricDefinition[],
  limits: Limits,
  isTainted: (id: string) => boolean = () => false,
): LimitBreach[] {
  const limited = definitions.flatMap((definition) => {
    const limit = ruleFor(limits, definition.id);
    return limit === undefined ? [] : [{ definition, limit }];
  });
  const broken = limited.flatMap(({ definition, limit }): LimitBreach[] => {
    const { id: metric, unit } = definition;
    const sessions = (values[metric] ?? []).filter((rounds) => rounds.length > 0);
    if (sessions.length === 0) return [unmeasured(metric, limit)];
    if (isTainted(metric)) return [];
    const value = standing(sessions, definition);
    const isSure = definition.rounds === "worst" || shippedSpread(metric, "log").steady;
    const shared = {
      ...{ metric, unit, value },
      ...(isSure || sessions.length >= LEAST_CONVICTING ? {} : { seenOnce: true as const }),
    };
    if (limit.max !== undefined && value > limit.max) return [{ ...shared, bound: limit.max, side: "max" }];
    if (limit.min !== undefined && value < limit.min) return [{ ...shared, bound: limit.min, side: "min" }];
    return [];
  });
  const unknown = Object.entries(limits).flatMap(([pattern, limit]): LimitBreach[] =>
    definitions.some((definition) => ruleFor({ [pattern]: limit }, definition.id) !== undefined)
      ? []
      : [unmeasured(pattern, limit)],
  );
  return [...broken, ...unknown];
}

/** What a limit is held against. */
function standing(sessions: SessionValues, { rounds, direction }: MetricDefinition): number {
  const isLowerBetter = direction === "lower";
  const best = (found: readonly number[]) => (isLowerBetter ? Math.min(...found) : Math.max(...found));
  const worst = (found: readonly number[]) => (isLowerBetter ? Math.max(...found) : Math.min(...found));
  if (rounds === "worst") return worst(sessions.flat());
  const places = sessions.map((found) => (rounds === "mean" ? mean([...found]) : best(found)));
  // Of an even number the better one of the two in the middle: one slow session of two breaks nothing.
  const sorted = places.sort((a, b) => (isLowerBetter ? a - b : b - a));
  return sorted[(sorted.length - 1) >> 1] as number;
}

function unmeasured(metric: string, { min, max }: Limits[string]): LimitBreach {
  return { metric, unit: "", value: null, bound: max ?? min ?? 0, side: max !== undefined ? "max" : "min" };
}
