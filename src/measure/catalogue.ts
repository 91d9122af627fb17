import type { MetricDefinition } from "../domain/metric.ts";
import { BATCHING } from "./batching-metrics.ts";
import { KV } from "./kv-metrics.ts";
import { MEMORY } from "./memory-metrics.ts";
import type { Metric } from "./metric-family.ts";
import { PREFIX } from "./prefix-metrics.ts";
import { REQUESTS } from "./request-metrics.ts";
import { STARTUP } from "./startup-metrics.ts";
import { TRAFFIC } from "./traffic-metrics.ts";
import { TTFT } from "./ttft-metrics.ts";

/** Every metric there is. The table in `docs/metrics.md` is made from it. */
export const CATALOGUE: readonly Metric[] = [
  ...STARTUP,
  ...TTFT,
  ...KV,
  ...MEMORY,
  ...BATCHING,
  ...PREFIX,
  ...TRAFFIC,
  ...REQUESTS,
];

/** The id of a metric of a case or cell: the family's, with the case's own name between probe and quantity. */
export function metricId(metric: Metric, caseName: string): string {
  if (!metric.id.includes("<")) return metric.id;
  const parts = metric.id.split(".");
  return `${parts[0]}.${caseName}.${parts.at(-1)}`;
}

/** Whether an id is of a family: `batching.c8.tpot_p50_ms` of `batching.c<n>.tpot_p50_ms`. */
export function isOfFamily(family: string, id: string): boolean {
  const parts = family.split(".");
  const given = id.split(".");
  return given.length === parts.length && parts.every((part, index) => partMatches(part, given[index] ?? ""));
}

/** Whether one part of an id is of a family's part, which may have a number in it: `c8` of `c<n>`. */
export function partMatches(part: string, given: string): boolean {
  const [before, after] = part.split(/<\w+>/);
  if (after === undefined || before === undefined) return part === given;
  const number = given.slice(before.length, given.length - after.length);
  return given.startsWith(before) && given.endsWith(after) && /^\d+$/.test(number);
}

/** A metric's definition as it stands in `measurements.json`. */
export function definitionOf(metric: Metric, id: string): MetricDefinition {
  const { unit, direction, level, tolerance, sensitivity, rounds = "best", description } = metric;
  return { id, unit, direction, level, tolerance, sensitivity, rounds, description };
}

/** Definitions of metrics by their ids; those that the catalogue does not know are left out. */
export function definitionsOf(ids: readonly string[]): MetricDefinition[] {
  return ids.flatMap((id) => {
    const metric = CATALOGUE.find((each) => isOfFamily(each.id, id));
    return metric === undefined ? [] : [definitionOf(metric, id)];
  });
}
