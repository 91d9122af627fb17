import { EXIT, type VerdictFile } from "../domain/verdict.ts";
import type { CommentPart } from "./comment.ts";
import { details, plain, table } from "./markdown.ts";
import { SIGNS } from "./sign.ts";

/** One of several runs: a cell of a matrix. */
export interface Cell {
  readonly name: string;
  /** Null where there is no run: its job died, or it handed nothing on. */
  readonly verdict: VerdictFile | null;
  /** Why there is none. */
  readonly problem: string | null;
  readonly machine: string;
  readonly parts: readonly CommentPart[];
}

/** What several runs come to together. */
export interface Overall {
  readonly verdict: VerdictFile["verdict"];
  readonly exitCode: number;
  readonly conclusion: VerdictFile["conclusion"];
  readonly headline: string;
  readonly nextAction: string;
}

/** The worst first. */
const ORDER: readonly VerdictFile["verdict"][] = [
  "regressed",
  "failed",
  "invalid",
  "inconclusive",
  "improved",
  "pass",
];

const rank = ({ verdict }: Cell) => {
  const at = ORDER.indexOf(verdict?.verdict ?? "failed");
  // A verdict that blocks stands above the same one that does not, a missing run above a failed one.
  return at * 4 + (verdict === null ? 0 : verdict.exitCode === EXIT.pass ? 2 : 1);
};

/** Cells in the order in which they are shown: the worst first, then by name. */
export function worstFirst(cells: readonly Cell[]): Cell[] {
  return [...cells].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en"));
}

/** The worst of all decides; a run that is missing is a run that failed. */
export function overallOf(cells: readonly Cell[]): Overall {
  const sorted = worstFirst(cells);
  const [worst] = sorted;
  if (worst === undefined) {
    return {
      verdict: "failed",
      exitCode: EXIT.notMeasured,
      conclusion: "failure",
      headline: "There is no run to report",
      nextAction: "Hand run folders to this step: did the measuring jobs run, and upload them?",
    };
  }
  const blocking = sorted.filter(({ verdict }) => verdict === null || verdict.exitCode !== EXIT.pass);
  const count = (number: number) => `${number} of ${cells.length} run${cells.length === 1 ? "" : "s"}`;
  const [first] = blocking;
  if (first === undefined) {
    const clean = cells.every(({ verdict }) => verdict?.conclusion === "success");
    return {
      verdict: worst.verdict?.verdict ?? "failed",
      exitCode: EXIT.pass,
      conclusion: clean ? "success" : "neutral",
      headline: clean
        ? `${count(cells.length)} passed`
        : `None of ${cells.length} runs blocks; the worst is ${worst.verdict?.verdict}`,
      nextAction: "Nothing to do.",
    };
  }
  const why = first.verdict === null ? (first.problem ?? "it is missing") : first.verdict.headline;
  return {
    verdict: first.verdict?.verdict ?? "failed",
    // A run that was killed reports a signal; this process was not killed.
    exitCode: Math.min(first.verdict?.exitCode ?? EXIT.notMeasured, EXIT.notMeasured),
    conclusion: first.verdict?.conclusion === "action_required" ? "action_required" : "failure",
    headline: `${count(blocking.length)} ${blocking.length === 1 ? "blocks" : "block"}: ${first.name}: ${why.replace(/[.\s]+$/, "")}`,
    nextAction: first.verdict?.nextAction ?? "See that job's log, and run it again.",
  };
}

/** The comment on several runs: an overview, the worst first, then each run folded. */
export function overviewParts(cells: readonly Cell[], overall: Overall): CommentPart[] {
  const sorted = worstFirst(cells);
  const rows = sorted.map(({ name, verdict, problem, machine }) => [
    plain(name),
    plain(machine),
    verdict === null
      ? "❌ missing"
      : `${SIGNS[verdict.verdict]}${verdict.reportOnly ? " (report only)" : ""}`,
    plain(verdict?.headline ?? problem ?? ""),
  ]);
  return [
    { name: "heading", text: `### ${SIGNS[overall.verdict]} · vllm-gate · ${cells.length} runs` },
    {
      name: "headline",
      text: `**${plain(overall.headline.replace(/[.\s]+$/, ""))}.** ${plain(overall.nextAction)}`,
    },
    ...(rows.length === 0
      ? []
      : [{ name: "overview", text: table(["run", "machine", "verdict", "what happened"], rows) }]),
    // Its own heading stands in the summary; nested folds fold.
    ...sorted
      .filter(({ parts }) => parts.length > 0)
      .map(({ name, verdict, parts }) => ({
        name: "run",
        text: details(
          `${verdict === null ? "❌ missing" : SIGNS[verdict.verdict]} · ${escapeHtml(name)}`,
          parts
            .filter((each) => each.name !== "heading")
            .map(({ text }) => text)
            .join("\n\n"),
        ),
      })),
  ];
}

/** Within a summary, HTML is read before Markdown. */
function escapeHtml(text: string): string {
  return plain(text).replace(
    /\\([<>&])/g,
    (_, sign: string) => ({ "<": "&lt;", ">": "&gt;" })[sign] ?? "&amp;",
  );
}
