import type { ComparisonFile } from "../domain/comparison.ts";
import type { VerdictFile } from "../domain/verdict.ts";
import { formatChange, formatTolerance, formatValue } from "./numbers.ts";

/** Text that a server or a file may have written, without control codes that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "");
}

/** What a run came to, for a terminal: the verdict, what changed, and where the rest is. */
export function renderTerminal(
  verdict: VerdictFile,
  comparison: ComparisonFile | null,
  reportPath: string,
): string {
  const changed = (comparison?.comparisons ?? []).filter(
    (each) => each.level === "gate" && each.verdict !== "pass",
  );
  const rows = changed.map((each) => [
    each.metric,
    formatValue(each.base, each.unit),
    formatValue(each.head, each.unit),
    formatChange(each.base, each.head, each.unit),
    each.verdict,
    `tolerance ${formatTolerance(each.tolerance, each.absoluteTolerance, each.unit)}`,
  ]);
  const flags = (comparison?.flags ?? []).map(
    (each) => `  ${each.what}: ${each.base ?? "not set"} → ${each.head ?? "not set"}`,
  );
  const lines = [
    `${verdict.verdict.toUpperCase()}${verdict.reportOnly ? " (report only)" : ""}: ${verdict.headline}`,
    ...columns(rows),
    ...(flags.length > 0 ? ["differs from the baseline:", ...flags] : []),
    ...(verdict.verdict === "failed" || verdict.verdict === "invalid"
      ? verdict.reasons.filter((reason) => !verdict.headline.includes(reason)).map((reason) => `  ${reason}`)
      : []),
    verdict.nextAction,
    `Report: ${reportPath}`,
  ];
  return printable(`${lines.join("\n")}\n`);
}

/** Rows in columns, numbers to the right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? "")].length)),
  );
  return rows.map((row) =>
    `  ${row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const pad = " ".repeat(Math.max(0, width - [...cell].length));
        return column >= 1 && column <= 3 ? pad + cell : cell + pad;
      })
      .join("  ")}`.trimEnd(),
  );
}
