import type { BothCopies, ComparisonFile, CopyJudgement } from "../domain/comparison.ts";
import type { Verdict, VerdictFile } from "../domain/verdict.ts";
import { code, details, plain, table } from "./markdown.ts";
import { formatTolerance, formatValue } from "./numbers.ts";
import { SIGNS } from "./sign.ts";

const SHOWN_FILES = 8;
/** Rows that are open to everybody; the rest is folded. */
const OPEN_ROWS = 10;

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "ok",
  improved: "better",
  inconclusive: "undecided",
  invalid: "invalid",
  regressed: "**worse**",
};

/** That a change edits what judges it, and what its own copies would say beside the base branch's, which decide. */
export function bothCopies(comparison: ComparisonFile | null, verdict: VerdictFile): string[] {
  const copies = comparison?.bothCopies;
  if (copies === undefined) return [];
  return [
    `> ✏️ **${saidOf(copies)}**: ${filesText(copies.files)}. The base branch's copies decide. ${ownText(copies, verdict)}`,
  ];
}

/** The metrics that a change's own copies judge otherwise. */
export function ownCopies(comparison: ComparisonFile | null): string[] {
  const rows = (comparison?.bothCopies?.metrics ?? []).map((each) => [
    code(each.metric),
    formatValue(each.head, each.unit),
    cell(each.judged, each.unit),
    cell(each.own, each.unit),
  ]);
  if (rows.length === 0) return [];
  const header = ["verdict differs", "this run", "base branch's copy", "this change's copy"];
  const tableOf = (some: readonly string[][]) => table(header, some, ["l", "r", "l", "l"]);
  const rest = rows.slice(OPEN_ROWS);
  const more =
    rest.length === 0
      ? []
      : [details(`${rest.length} more metrics that both copies judge otherwise`, tableOf(rest))];
  return [[tableOf(rows.slice(0, OPEN_ROWS)), ...more].join("\n\n")];
}

function saidOf({ againstTip }: BothCopies): string {
  // In a shallow clone nobody can tell whose edit it is.
  return againstTip === true
    ? "What judges this change differs from the base branch's"
    : "This change edits what judges it";
}

function filesText(files: readonly string[]): string {
  const shown = files.slice(0, SHOWN_FILES).map(code).join(", ");
  return files.length > SHOWN_FILES ? `${shown} and ${files.length - SHOWN_FILES} more` : shown;
}

function ownText({ verdict: own, headline, problem, metrics }: BothCopies, verdict: VerdictFile): string {
  if (own === null) return `This change's own cannot be read: ${plain(problem ?? "unknown")}`;
  if (own === verdict.verdict && metrics.length === 0) return "This change's own say the same.";
  return `By this change's own it would be ${SIGNS[own]}: ${plain((headline ?? "").replace(/[.\s]+$/, ""))}.`;
}

function cell(judgement: CopyJudgement | null, unit: string): string {
  if (judgement === null) return "not judged";
  const { verdict, level, base, tolerance, absoluteTolerance } = judgement;
  const words = level === "gate" ? WORDS[verdict] : `${WORDS[verdict]}, only watched`;
  return `${words} (baseline ${formatValue(base, unit)}, tolerance ${formatTolerance(tolerance, absoluteTolerance, unit)})`;
}
