import { type ComparisonFile, incomparable, ordered } from "../domain/comparison.ts";
import type { VerdictFile } from "../domain/verdict.ts";
import { reachPhrase } from "./explain.ts";
import { oneLine } from "./markdown.ts";
import { formatEffect, formatPair, formatTolerance, formatValue } from "./numbers.ts";
import { CHANGED, reasonsOf } from "./rows.ts";

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
  const cancelled = verdict.cause === "cancelled" || verdict.cause === "killed";
  const lines = [
    `${(cancelled ? "cancelled" : verdict.verdict).toUpperCase()}${verdict.reportOnly ? " (report only)" : ""}: ${verdict.headline}`,
    ...machines(comparison),
    ...changes(comparison, verdict.headline),
    ...limits(comparison),
    ...differences(comparison),
    ...reach(comparison),
    ...(comparison === null
      ? verdict.reasons.filter((reason) => !verdict.headline.includes(reason)).map((reason) => `  ${reason}`)
      : []),
    verdict.nextAction,
    `Report: ${reportPath}`,
  ];
  return printable(`${lines.map(oneLine).join("\n")}\n`);
}

function machines(comparison: ComparisonFile | null): string[] {
  return incomparable(comparison).map(
    (each) => `  ${each.field}: ${each.base ?? "none"} → ${each.head ?? "none"}`,
  );
}

function changes(comparison: ComparisonFile | null, headline: string): string[] {
  if (incomparable(comparison).length > 0) return [];
  const gated = (comparison?.comparisons ?? []).filter((each) => each.level === "gate");
  const changed = ordered(gated, CHANGED);
  const rows = changed.map((each) => [
    each.metric,
    formatPair(each),
    formatEffect(each),
    `tolerance ${formatTolerance(each.tolerance, each.absoluteTolerance, each.unit)}`,
    each.unconfirmed === true ? `${each.verdict}, unconfirmed` : each.verdict,
  ]);
  const reasons = reasonsOf(changed).filter(({ reason }) => !headline.includes(reason));
  return [...columns(rows), ...reasons.map(({ metrics, reason }) => `  ${metrics.join(", ")}: ${reason}`)];
}

function limits(comparison: ComparisonFile | null): string[] {
  return columns(
    (comparison?.limits ?? []).map((each) => [
      each.metric,
      each.value === null ? "not measured" : formatValue(each.value, each.unit),
      `limit ${each.side} ${formatValue(each.bound, each.unit)}`,
    ]),
  );
}

/** What a run without a changed metric could have missed. */
function reach(comparison: ComparisonFile | null): string[] {
  const phrase = reachPhrase(comparison);
  return phrase === null ? [] : [phrase.map((each) => (typeof each === "string" ? each : each.id)).join("")];
}

function differences(comparison: ComparisonFile | null): string[] {
  const flags = (comparison?.flags ?? []).map(
    (each) => `  ${each.what}: ${each.base ?? "not set"} → ${each.head ?? "not set"}`,
  );
  return flags.length === 0 ? [] : ["differs from the baseline:", ...flags];
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
