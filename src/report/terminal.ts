import type { styleText } from "node:util";
import {
  baseName,
  type Comparison,
  type ComparisonFile,
  incomparable,
  isUnconfirmed,
  ordered,
} from "../domain/comparison.ts";
import type { Verdict, VerdictFile } from "../domain/verdict.ts";
import { idList, type Phrase, reachPhrase } from "./explain.ts";
import { oneLine } from "./markdown.ts";
import { formatEffect, formatPair, formatTolerance, formatValue } from "./numbers.ts";
import { CHANGED, reasonsOf } from "./rows.ts";

/** Text that a server or a file may have written, without control codes that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, "");
}

/** How a line is set: what `node:util`'s styleText takes. */
export type Style = Parameters<typeof styleText>[0];

/** What a terminal can show. */
export interface TerminalLook {
  /** Its width; without an end where nothing wraps, as in a file. */
  readonly columns?: number;
  /** Sets text in a style, where the terminal has any. */
  readonly paint?: (style: Style, text: string) => string;
}

/** A line, and its style where it has one. */
type Line = readonly [text: string, style?: Style];

const STYLES: Readonly<Record<VerdictFile["verdict"], Style>> = {
  pass: "green",
  improved: "green",
  inconclusive: "yellow",
  invalid: "yellow",
  regressed: "red",
  failed: "red",
};

/** What a run came to, for a terminal: the verdict, what changed, and where the rest is. */
export function renderTerminal(
  verdict: VerdictFile,
  comparison: ComparisonFile | null,
  reportPath: string,
  { columns: width = Number.POSITIVE_INFINITY, paint = (_, text) => text }: TerminalLook = {},
): string {
  const cancelled = verdict.cause === "cancelled" || verdict.cause === "killed";
  const word = (cancelled ? "cancelled" : verdict.verdict).toUpperCase();
  const about = verdict.reportOnly ? " (report only)" : "";
  const lines: Line[] = [
    ...machines(comparison),
    ...changes(comparison, verdict.headline, width),
    ...limits(comparison),
    ...differences(comparison),
    ...reach(comparison),
    ...(comparison === null
      ? verdict.reasons.filter((reason) => !verdict.headline.includes(reason)).map((reason) => `  ${reason}`)
      : (verdict.notes ?? []).map((note) => `  ${note}`)),
    verdict.nextAction,
    `Report: ${reportPath}`,
  ].map((line) => (typeof line === "string" ? [line] : line));
  const safe = (text: string) => printable(oneLine(text));
  const headline = `${paint(["bold", STYLES[verdict.verdict] as "red"], `${word}${about}:`)} ${safe(verdict.headline)}`;
  const set = ([text, style]: Line) => (style === undefined ? safe(text) : paint(style, safe(text)));
  return `${[headline, ...lines.map(set)].join("\n")}\n`;
}

function machines(comparison: ComparisonFile | null): string[] {
  return incomparable(comparison).map(
    (each) => `  ${each.field}: ${each.base ?? "none"} → ${each.head ?? "none"}`,
  );
}

/** Rows of the table; what changed comes first, and the report has the rest. */
const MOST_ROWS = 20;

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "ok",
  improved: "improved",
  inconclusive: "inconclusive",
  invalid: "invalid",
  regressed: "regressed",
};

type Cell = readonly [header: string, text: (each: Comparison) => string];

const METRIC: Cell = ["metric", ({ metric }) => metric];
const PAIR: Cell = ["baseline → this run", formatPair];
const EFFECT: Cell = ["change [95 %]", formatEffect];
const CHANGE: Cell = ["change", (each) => formatEffect(each).replace(/ \[.*\]$/, "")];
const TOLERANCE: Cell = [
  "tolerance",
  (each) => formatTolerance(each.tolerance, each.absoluteTolerance, each.unit),
];
const VERDICT: Cell = [
  "verdict",
  (each) => (isUnconfirmed(each) ? `${WORDS[each.verdict]}, unconfirmed` : WORDS[each.verdict]),
];
const SHORT_VERDICT: Cell = [
  "verdict",
  (each) => (isUnconfirmed(each) ? `${WORDS[each.verdict]}*` : WORDS[each.verdict]),
];

/** From the widest to what fits in any terminal. */
const LAYOUTS: readonly (readonly Cell[])[] = [
  [METRIC, PAIR, EFFECT, TOLERANCE, VERDICT],
  [METRIC, PAIR, EFFECT, VERDICT],
  [METRIC, PAIR, EFFECT, SHORT_VERDICT],
  [METRIC, PAIR, CHANGE, SHORT_VERDICT],
  [METRIC, CHANGE, SHORT_VERDICT],
];

function changes(comparison: ComparisonFile | null, headline: string, width: number): (Line | string)[] {
  if (comparison === null || incomparable(comparison).length > 0) return [];
  const gated = comparison.comparisons.filter((each) => each.level === "gate");
  const all = ordered(gated, [...CHANGED, "pass"]);
  const shown = all.slice(0, MOST_ROWS);
  if (shown.length === 0) return [];
  const tables = LAYOUTS.map((cells) => ({
    cells,
    lines: columns(
      [cells.map(([header]) => header), ...shown.map((each) => cells.map(([, text]) => text(each)))],
      cells.length - 2,
    ),
  }));
  const fits = (lines: readonly string[]) => lines.every((each) => [...each].length <= width);
  const table = tables.find(({ lines }) => fits(lines)) ?? tables.at(-1);
  const [header = "", ...rows] = table?.lines ?? [];
  const isShort = table?.cells.includes(SHORT_VERDICT) === true && shown.some(isUnconfirmed);
  const reasons = reasonsOf(all).filter(({ reason }) => !headline.includes(reason));
  return [
    [header, "dim"],
    ...rows.map((row, at): Line => {
      const verdict = shown[at]?.verdict ?? "pass";
      return verdict === "pass" ? [row] : [row, STYLES[verdict]];
    }),
    ...restLines(all.slice(MOST_ROWS)),
    ...(isShort ? ["  * unconfirmed: another start of it, or of the base, could refute it"] : []),
    ...reasons.map(({ metrics, reason }) => `  ${said(idList(metrics))}: ${reason}`),
  ];
}

/** What the table leaves out. */
function restLines(rest: readonly Comparison[]): string[] {
  if (rest.length === 0) return [];
  const counts = [...CHANGED, "pass" as const].flatMap((verdict) => {
    const count = rest.filter((each) => each.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${WORDS[verdict]}`];
  });
  return [`  and ${rest.length} more gated metric${rest.length === 1 ? "" : "s"}: ${counts.join(", ")}`];
}

const said = (phrase: Phrase) => phrase.map((each) => (typeof each === "string" ? each : each.id)).join("");

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
  return phrase === null ? [] : [said(phrase)];
}

function differences(comparison: ComparisonFile | null): string[] {
  const flags = (comparison?.flags ?? []).map(
    (each) => `  ${each.what}: ${each.base ?? "not set"} → ${each.head ?? "not set"}`,
  );
  return flags.length === 0 ? [] : [`differs from ${baseName(comparison ?? {})}:`, ...flags];
}

/** Rows in columns; the first after the name, so many, are numbers and stand to the right. */
export function columns(rows: readonly (readonly string[])[], numbers = 3): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? "")].length)),
  );
  return rows.map((row) =>
    `  ${row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const pad = " ".repeat(Math.max(0, width - [...cell].length));
        return column >= 1 && column <= numbers ? pad + cell : cell + pad;
      })
      .join("  ")}`.trimEnd(),
  );
}
