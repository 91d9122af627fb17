import leven from "leven";
import { CATALOGUE, partMatches } from "./catalogue.ts";

/** An id or pattern that names no metric, and the metric whose name is nearest. */
export interface UnknownMetric {
  readonly pattern: string;
  readonly nearest: string;
}

/** The ids and patterns that match no metric of the catalogue: a rule of that name would never apply. */
export function unknownMetricPatterns(patterns: readonly string[]): UnknownMetric[] {
  return patterns
    .filter((pattern) => !CATALOGUE.some((metric) => matches(pattern, metric.id)))
    .map((pattern) => ({ pattern, nearest: nearestTo(pattern) }));
}

/** `*` is any one part; `c<n>` of a family is `c` and a number. */
function matches(pattern: string, family: string): boolean {
  const wanted = pattern.split(".");
  const parts = family.split(".");
  return (
    wanted.length === parts.length &&
    parts.every((part, index) => wanted[index] === "*" || partMatches(part, wanted[index] as string))
  );
}

/** The nearest id, with the numbers that the pattern has, or stars. */
function nearestTo(pattern: string): string {
  const wanted = pattern.split(".");
  const filled = (family: string) =>
    family
      .split(".")
      .map((part, index) => {
        if (!part.includes("<")) return part;
        const given = wanted[index] ?? "";
        return partMatches(part, given) ? given : "*";
      })
      .join(".");
  const ids = CATALOGUE.map((metric) => filled(metric.id));
  const [first = ""] = ids.sort((a, b) => leven(pattern, a) - leven(pattern, b));
  return first;
}
