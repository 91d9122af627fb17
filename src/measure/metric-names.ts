import leven from "leven";
import { CATALOGUE } from "./catalogue.ts";

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
    parts.every((part, index) => {
      const given = wanted[index] as string;
      return given === "*" || (part === "c<n>" ? /^c\d+$/.test(given) : given === part);
    })
  );
}

/** The nearest id, with the number that the pattern has, or a star. */
function nearestTo(pattern: string): string {
  const number = /\.(c\d+)\./.exec(pattern)?.[1] ?? "*";
  const ids = CATALOGUE.map((metric) => metric.id.replace("c<n>", number));
  const [first = ""] = ids.sort((a, b) => leven(pattern, a) - leven(pattern, b));
  return first;
}
