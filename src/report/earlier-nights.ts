import type { Comparison, ComparisonFile } from "../domain/comparison.ts";
import type { HistoryFile, MetricHistory } from "../domain/history.ts";
import { code, plain } from "./markdown.ts";
import { formatValue } from "./numbers.ts";

/** A metric whose change happened before: the level of the last nights is nearer to this run than the baseline is. */
interface OldChange {
  readonly compared: Comparison;
  readonly history: MetricHistory;
  readonly change: MetricHistory["changes"][number];
}

/** Lines that are told; the report has the rest. */
const MOST_LINES = 3;
/** A chart of fewer nights says no more than the line does. */
const LEAST_POINTS = 10;

/**
 * The earlier nights, where they say more than the table: the main branch had left the baseline's level before this
 * run, for the one where it is now. The first such metric is drawn, as a chart that GitHub draws.
 */
export function earlierNights(comparison: ComparisonFile | null, history: HistoryFile | null): string[] {
  const old = oldChanges(comparison, history);
  const [worst] = old;
  if (worst === undefined) return [];
  const more = old.length > MOST_LINES ? [`- and ${old.length - MOST_LINES} more`] : [];
  const lines = [...old.slice(0, MOST_LINES).map((each) => `- ${sentence(each)}`), ...more];
  const text = `Changed before this run, says the nightly history:\n\n${lines.join("\n")}`;
  return worst.history.points.length < LEAST_POINTS ? [text] : [text, chart(worst)];
}

function oldChanges(comparison: ComparisonFile | null, history: HistoryFile | null): OldChange[] {
  const changed = (comparison?.comparisons ?? []).filter(
    ({ level, verdict }) => level === "gate" && verdict !== "pass" && verdict !== "invalid",
  );
  return (history?.metrics ?? []).flatMap((each): OldChange[] => {
    const compared = changed.find(({ metric }) => metric === each.metric);
    const change = each.changes.at(-1);
    const { anchor } = each;
    const head = compared?.head ?? null;
    if (compared === undefined || change === undefined || anchor === null || head === null) return [];
    const isNearer = Math.abs(head - change.after) < Math.abs(head - anchor);
    const isSameWay = Math.sign(change.after - anchor) === Math.sign(head - anchor);
    return isNearer && isSameWay ? [{ compared, history: each, change }] : [];
  });
}

function sentence({ compared, history, change }: OldChange): string {
  const { metric, unit } = compared;
  const between =
    change.between.length === 0 ? "" : `; with it changed ${change.between.map(plain).join(", ")}`;
  return (
    `${code(metric)} is at ${formatValue(change.after, unit)} since ${day(change.at)}, ` +
    `${formatValue(change.before, unit)} before${between}. This run: ${formatValue(compared.head, unit)}, ` +
    `the baseline: ${formatValue(history.anchor, unit)}`
  );
}

/** A day of a file that anyone may have written. */
function day(at: string): string {
  return plain(at.slice(0, 10));
}

/** Nights as a line against the baseline's value, the last point is this run. Syntax as of old versions of Mermaid. */
function chart({ compared, history }: OldChange): string {
  const factor = compared.unit === "share" ? 100 : 1;
  const number = (value: number) => Number((value * factor).toPrecision(4));
  const values = [...history.points.map(({ value }) => value), compared.head ?? 0].map(number);
  const anchor = number(history.anchor ?? 0);
  const [low, high] = [Math.min(anchor, ...values), Math.max(anchor, ...values)];
  const margin = (high - low || Math.abs(high) || 1) * 0.1;
  const unit = compared.unit === "share" ? "%" : compared.unit;
  const title = `${compared.metric}, ${history.points.length} nights and this run (flat: baseline)`;
  // Both come from files: a quote would end the string.
  const quoted = (text: string) => `"${plain(text).replace(/["\\\\\n]/g, "")}"`;
  return [
    "```mermaid",
    "---",
    "config:",
    "  themeVariables:",
    "    xyChart:",
    '      plotColorPalette: "#0969da, #8c959f"',
    "---",
    "xychart-beta",
    `  title ${quoted(title)}`,
    `  x-axis "night" 1 --> ${values.length}`,
    `  y-axis ${quoted(unit)} ${number((low - margin) / factor)} --> ${number((high + margin) / factor)}`,
    `  line [${values.join(", ")}]`,
    `  line [${values.map(() => anchor).join(", ")}]`,
    "```",
  ].join("\n");
}
