import { median } from "simple-statistics";
import type { LimitBreach } from "../domain/comparison.ts";
import type { MetricDefinition } from "../domain/metric.ts";
import type { SessionValues } from "./compare.ts";
import { ruleFor } from "./rules.ts";

/** Absolute bounds of metrics, by id or pattern. */
export type Limits = Readonly<Record<string, { min?: number | undefined; max?: number | undefined }>>;

/**
 * The limits that a run breaks: the median of a metric's rounds lies outside. A limit on a metric that was not
 * measured is broken too, since nobody looked.
 */
export function checkLimits(
  values: Readonly<Record<string, SessionValues>>,
  definitions: readonly MetricDefinition[],
  limits: Limits,
): LimitBreach[] {
  const broken = definitions.flatMap((definition): LimitBreach[] => {
    const limit = ruleFor(limits, definition.id);
    const rounds = values[definition.id]?.flat() ?? [];
    if (limit === undefined || rounds.length === 0) return [];
    const value = median(rounds);
    const shared = { metric: definition.id, unit: definition.unit, value };
    if (limit.max !== undefined && value > limit.max) return [{ ...shared, bound: limit.max, side: "max" }];
    if (limit.min !== undefined && value < limit.min) return [{ ...shared, bound: limit.min, side: "min" }];
    return [];
  });
  const measured = definitions.filter((definition) => (values[definition.id]?.flat().length ?? 0) > 0);
  const unmeasured = Object.entries(limits).flatMap(([pattern, limit]): LimitBreach[] =>
    measured.some((definition) => ruleFor({ [pattern]: limit }, definition.id) !== undefined)
      ? []
      : [
          {
            metric: pattern,
            unit: "",
            value: null,
            bound: limit.max ?? limit.min ?? 0,
            side: limit.max !== undefined ? "max" : "min",
          },
        ],
  );
  return [...broken, ...unmeasured];
}
