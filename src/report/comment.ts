import { typed } from "../domain/command-line.ts";
import {
  baseName,
  type Comparison,
  type ComparisonFile,
  incomparable,
  isUnconfirmed,
  ordered,
} from "../domain/comparison.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord, SessionRecord } from "../domain/run.ts";
import type { Verdict, VerdictFile } from "../domain/verdict.ts";
import { bothCopies, ownCopies } from "./both-copies.ts";
import { curveChart } from "./comment-chart.ts";
import { earlierNights } from "./earlier-nights.ts";
import {
  attributionPhrases,
  extentText,
  lookLines,
  type Phrase,
  type ReportInput,
  reachPhrase,
  warningTexts,
} from "./explain.ts";
import { acceptInstructions, type Instruction, repeatInstructions } from "./how-to.ts";
import { code, codeBlock, details, oneLine, plain, table } from "./markdown.ts";
import { formatDetectable, formatEffect, formatPair, formatTolerance, formatValue } from "./numbers.ts";
import { CHANGED, reasonsOf } from "./rows.ts";
import { signOf } from "./sign.ts";

export type CommentInput = ReportInput;

/** Rows that are open to everybody; the rest is folded. */
const OPEN_ROWS = 10;

/** A part of the comment, by a name under which what is too long for a comment can be left out. */
export interface CommentPart {
  readonly name: string;
  readonly text: string;
}

const part = (name: string, text: string): CommentPart => ({ name, text });
const parts = (name: string, texts: readonly string[]): CommentPart[] =>
  texts.map((text) => part(name, text));

/** The pull-request comment: the verdict and what to do, then what changed, then everything else, folded. */
export function renderComment(input: CommentInput): string {
  // Nothing that ends an HTML comment; the scenario of a run folder may be anything.
  const marker = `<!-- vllm-gate:${input.verdict.scenario.replace(/[^\w.-]/g, "_").replaceAll("--", "-_")} -->`;
  return `${[marker, ...commentParts(input).map(({ text }) => text)].join("\n\n")}\n`;
}

/** The parts of {@link renderComment}, without its marker, in their order. */
export function commentParts(input: CommentInput): CommentPart[] {
  const { verdict, run, comparison } = input;
  return [
    part("heading", `### ${signOf(verdict, comparison)} · vllm-gate · ${plain(verdict.scenario)}`),
    part("headline", `**${plain(verdict.headline.replace(/[.\s]+$/, ""))}.** ${plain(verdict.nextAction)}`),
    ...parts(
      "reasons",
      verdict.cause === "not_recorded"
        ? [verdict.reasons.map((reason) => `- ${plain(reason)}`).join("\n")]
        : [],
    ),
    ...parts(
      "reportOnly",
      verdict.reportOnly ? ["_Report only: this verdict does not block the merge._"] : [],
    ),
    ...parts("bothCopies", bothCopies(comparison, verdict)),
    ...parts("ownCopies", ownCopies(comparison)),
    ...parts("machine", machineRows(comparison)),
    ...changedRows(comparison, verdict.headline),
    ...parts("limits", limitRows(comparison)),
    ...parts("flags", differingFlags(comparison)),
    ...parts("attribution", attributions(comparison)),
    ...parts("history", earlierNights(comparison, input.history ?? null)),
    ...parts("chart", curveChart(comparison)),
    ...failure(verdict, run),
    ...parts("warnings", warnings(input)),
    ...parts("effort", effort(input)),
    ...allRows(comparison, input.measurements),
    ...parts("firstToken", firstToken(input.measurements)),
    part("environment", environment(input)),
    part("howTo", howTo(input)),
  ];
}

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "ok",
  improved: "better",
  inconclusive: "undecided",
  invalid: "invalid",
  regressed: "**worse**",
};

const HEADER = ["metric", "baseline → this run", "change [95 %]", "verdict", "tolerance", "could see"];
const ALIGN = ["l", "r", "r", "l", "r", "r"];

function comparisonRow(each: Comparison): string[] {
  return [
    code(each.metric),
    unbroken(formatPair(each)),
    unbroken(formatEffect(each)).replace("[", "\\["),
    isUnconfirmed(each) ? `${WORDS[each.verdict]}, unconfirmed` : WORDS[each.verdict],
    formatTolerance(each.tolerance, each.absoluteTolerance, each.unit),
    unbroken(formatDetectable(each)),
  ];
}

/** Numbers stay with their units where a column is narrow. */
const unbroken = (text: string) => text.replaceAll(" ", "\u00a0");

/** @param reach - with what each could have shown: of what is plainly worse or better nobody asks */
function metricTable(comparisons: readonly Comparison[], reach = true): string {
  const columns = reach ? HEADER.length : HEADER.length - 1;
  const rows = comparisons.map((each) => comparisonRow(each).slice(0, columns));
  return table(HEADER.slice(0, columns), rows, ALIGN.slice(0, columns));
}

function machineRows(comparison: ComparisonFile | null): string[] {
  const fields = incomparable(comparison);
  if (fields.length === 0) return [];
  const rows = fields.map((each) => [
    plain(each.field),
    plain(String(each.base ?? "none")),
    plain(String(each.head ?? "none")),
  ]);
  return [table(["must be equal", "baseline", "this run"], rows)];
}

function changedRows(comparison: ComparisonFile | null, headline: string): CommentPart[] {
  if (comparison === null || incomparable(comparison).length > 0) return [];
  const gated = comparison.comparisons.filter((each) => each.level === "gate");
  const changed = ordered(gated, CHANGED);
  if (changed.length === 0) return [];
  const open = changed.slice(0, OPEN_ROWS);
  const rest = changed.slice(OPEN_ROWS);
  const reasons = reasonsOf(changed)
    .filter(({ reason }) => !headline.includes(reason))
    .map(({ metrics, reason }) => `- ${metrics.map(code).join(", ")}: ${plain(reason)}`);
  return [
    part(
      "changed",
      metricTable(
        open,
        open.some(({ verdict }) => verdict === "inconclusive"),
      ),
    ),
    ...parts("reasons", reasons.length > 0 ? [reasons.join("\n")] : []),
    ...parts(
      "moreChanged",
      rest.length > 0 ? [details(`${rest.length} more gated metrics`, metricTable(rest))] : [],
    ),
  ];
}

function limitRows(comparison: ComparisonFile | null): string[] {
  const limits = comparison?.limits ?? [];
  if (limits.length === 0) return [];
  const rows = limits.map((limit) => [
    code(limit.metric),
    limit.value === null ? "not measured" : formatValue(limit.value, limit.unit),
    `${limit.side} ${formatValue(limit.bound, limit.unit)}`,
  ]);
  return [table(["broken limit", "this run", "limit"], rows, ["l", "r", "r"])];
}

function differingFlags(comparison: ComparisonFile | null): string[] {
  if (comparison === null || comparison.baseSource === null) return [];
  if (comparison.flags.length === 0) return [`Flags and vLLM version are those of ${baseName(comparison)}.`];
  const rows = comparison.flags.map((each) => [
    each.what.startsWith("-") ? code(each.what) : plain(each.what),
    each.base === null ? "not set" : code(each.base),
    each.head === null ? "not set" : code(each.head),
  ]);
  return [table(["what differs", comparison.interleaved === true ? "base" : "baseline", "this run"], rows)];
}

function failedSession(run: RunRecord): SessionRecord | undefined {
  return run.sessions.find((session) => session.outcome !== "ok" && session.cause !== undefined);
}

function failure(verdict: VerdictFile, run: RunRecord): CommentPart[] {
  if (verdict.verdict !== "failed") return [];
  const session = failedSession(run);
  const tail = session?.logTail ?? [];
  const said = oneLine(`${verdict.headline} ${verdict.nextAction}`);
  const unsaid = (text: string | undefined) => text !== undefined && !said.includes(oneLine(text));
  return [
    ...parts("cause", unsaid(session?.cause) ? [codeBlock([session?.cause ?? ""])] : []),
    ...parts("hint", unsaid(session?.hint) ? [plain(session?.hint ?? "")] : []),
    ...parts("log", tail.length === 0 ? [] : [details("End of the server's log", codeBlock(tail))]),
  ];
}

function warnings(input: CommentInput): string[] {
  const all = warningTexts(input);
  return all.length === 0 ? [] : [all.map((each) => `- ⚠️ ${plain(each)}`).join("\n")];
}

/** What of that which differs is known to have moved the metrics that changed. */
function attributions(comparison: ComparisonFile | null): string[] {
  const gated = (comparison?.comparisons ?? []).filter(
    (each) => each.level === "gate" && each.verdict !== "pass",
  );
  const lines = attributionPhrases(gated).map((each) => `- ${phraseText(each)}`);
  return lines.length === 0 ? [] : [`Known causes:\n\n${lines.join("\n")}`];
}

function phraseText(phrase: Phrase): string {
  return phrase.map((each) => (typeof each === "string" ? plain(each) : code(each.id))).join("");
}

/** What the run could see, what it took, and why more was measured than at first. */
function effort(input: CommentInput): string[] {
  const reach = reachPhrase(input.comparison);
  const extent = extentText(input);
  const said = [...(reach === null ? [] : [phraseText(reach)]), ...(extent === null ? [] : [extent])];
  const looks = lookLines(input.run);
  return [
    ...(said.length === 0 ? [] : [said.join(" ")]),
    ...(looks.length === 0
      ? []
      : [
          details(
            `Why more was measured: ${looks.length} looks`,
            looks.map((each) => `1. ${plain(each)}`).join("\n"),
          ),
        ]),
  ];
}

function allRows(comparison: ComparisonFile | null, measurements: MeasurementsFile | null): CommentPart[] {
  if (comparison !== null && comparison.comparisons.length > 0) {
    const all = comparison.comparisons;
    if (incomparable(comparison).length > 0) {
      const title = `${metrics(all.length, "")}, not judged`;
      return [part("measured", details(title, metricTable(ordered(all, ["invalid"]))))];
    }
    const same = ordered(
      all.filter((each) => each.level === "gate"),
      ["pass"],
    );
    const watched = ordered(
      all.filter((each) => each.level === "watch"),
      [...CHANGED, "pass"],
    );
    const worse = watched.filter((each) => each.verdict === "regressed").length;
    const noted = worse === 0 ? "" : ` (${worse} worse)`;
    return [
      ...parts(
        "passed",
        same.length > 0
          ? [details(`${metrics(same.length, "gated ")} that did not get worse`, metricTable(same))]
          : [],
      ),
      ...parts(
        "watched",
        watched.length > 0
          ? [details(`${metrics(watched.length, "watched ")}, never blocking${noted}`, metricTable(watched))]
          : [],
      ),
    ];
  }
  const values = measurements?.measurements ?? [];
  if (values.length === 0) return [];
  const units = new Map(measurements?.metrics.map((metric) => [metric.id, metric.unit]));
  const ids = [...new Set(values.map((each) => each.metric))].sort();
  const rows = ids.map((id) => [
    code(id),
    values
      .filter((each) => each.metric === id)
      .map((each) => formatValue(each.value, units.get(id) ?? ""))
      .join(", "),
  ]);
  return [
    part("measured", details(`${metrics(ids.length, "")} measured`, table(["metric", "by round"], rows))),
  ];
}

function metrics(count: number, kind: string): string {
  return `${count} ${kind}metric${count === 1 ? "" : "s"}`;
}

function firstToken(measurements: MeasurementsFile | null): string[] {
  const summaries = measurements?.ttft ?? [];
  const variants = new Set(summaries.map(({ variant }) => variant)).size;
  const said = summaries.flatMap((summary) =>
    summary.observations.map(
      (each) =>
        `- ${summaries.length > 1 ? `Session ${summary.session}${variants > 1 ? ` (${summary.variant})` : ""}: ` : ""}${plain(each)}`,
    ),
  );
  return said.length === 0 ? [] : [details("First-token latency in words", said.join("\n"))];
}

function environment(input: CommentInput): string {
  const { run, comparison } = input;
  const differing = new Map(comparison?.fingerprint.map((each) => [each.field, each]));
  const fields = Object.entries(run.fingerprint).filter(([, value]) => value !== null);
  const rows = fields.map(([field, value]) => {
    const difference = differing.get(field);
    const before = difference === undefined ? "same" : plain(String(difference.base ?? "none"));
    return [plain(field), ...(differing.size === 0 ? [] : [before]), plain(String(value))];
  });
  const header = ["environment", ...(differing.size === 0 ? [] : ["baseline"]), "this run"];
  const versions = [...new Set(run.sessions.map((session) => session.vllmVersion ?? "unknown"))].join(", ");
  const argv = run.sessions.find((session) => session.argv !== undefined)?.argv ?? [];
  const unknown = (run.sessions[0]?.unknownFacts ?? []).filter((each) => each.expected !== true);
  const body = [
    `vLLM ${plain(versions)}, vllm-gate ${plain(run.toolVersion ?? "unknown")}${run.commit ? `, commit ${code(run.commit.slice(0, 12))}` : ""}`,
    ...(argv.length > 0 ? [codeBlock([typed(argv)])] : []),
    table(header, rows),
    ...(run.fingerprint["hostId"] === null
      ? ["Nothing tells this host from others: it is taken for the one of the baseline."]
      : []),
    ...(unknown.length > 0
      ? [`Unknown: ${unknown.map((each) => `${code(each.fact)} (${plain(each.reason)})`).join("; ")}`]
      : []),
  ].join("\n\n");
  return details("Environment and command", body);
}

function howTo(input: CommentInput): string {
  const { comparison } = input;
  const accept = acceptInstructions(input);
  const lines = [
    ...[...accept, ...repeatInstructions(input)].map(instructionText),
    ...(comparison?.baseSource == null ? [] : [`Baseline: ${code(comparison.baseSource)}`]),
    `Run: ${code(input.runPath)}; ${code("report.html")} in it shows every sample`,
  ];
  const title =
    accept.length === 0 ? "How to run it again" : "How to accept these numbers, and how to run it again";
  return details(title, lines.join("\n\n"));
}

function instructionText(instruction: Instruction): string {
  return instruction.map((each) => (typeof each === "string" ? plain(each) : code(each.command))).join("");
}
