import type { ComparisonFile } from "../domain/comparison.ts";
import { curveOf, sideValues } from "./side-values.ts";

/** A curve of fewer points says no more than the table does. */
const LEAST_POINTS = 3;

/**
 * Throughput over concurrency as a Mermaid chart, which GitHub draws; only where it changed and both sides have a
 * curve. Bars against a line: they differ without colour. The syntax is that of old versions, since GitHub's is unknown.
 */
export function curveChart(comparison: ComparisonFile | null): string[] {
  if (comparison === null || comparison.fingerprint.some(({ rule }) => rule === "must")) return [];
  const curve = curveOf(sideValues(comparison, null), "tokens_per_s").filter(
    ({ base, head }) => base !== null && head !== null,
  );
  const changed = comparison.comparisons.some(
    ({ metric, verdict }) =>
      /^batching\.c\d+\.tokens_per_s$/.test(metric) && (verdict === "regressed" || verdict === "improved"),
  );
  if (curve.length < LEAST_POINTS || !changed) return [];
  const list = (values: readonly (number | null)[]) =>
    values.map((value) => Number((value ?? 0).toPrecision(4))).join(", ");
  const most = Math.max(...curve.flatMap(({ base, head }) => [base ?? 0, head ?? 0]));
  const step = 10 ** Math.floor(Math.log10(most));
  const top = Math.ceil(most / step) * step;
  return [
    [
      "```mermaid",
      "---",
      "config:",
      "  themeVariables:",
      "    xyChart:",
      '      plotColorPalette: "#8c959f, #0969da"',
      "---",
      "xychart-beta",
      '  title "Output tokens/s by requests at once (bars: baseline, line: this run)"',
      `  x-axis [${curve.map(({ concurrency }) => concurrency).join(", ")}]`,
      `  y-axis "tokens/s" 0 --> ${top}`,
      `  bar [${list(curve.map(({ base }) => base))}]`,
      `  line [${list(curve.map(({ head }) => head))}]`,
      "```",
    ].join("\n"),
  ];
}
