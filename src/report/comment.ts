import type { Comparison, ComparisonFile } from "../domain/comparison.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord, SessionRecord } from "../domain/run.ts";
import type { Verdict, VerdictFile } from "../domain/verdict.ts";
import { code, codeBlock, details, plain, table } from "./markdown.ts";
import { formatChange, formatTolerance, formatValue } from "./numbers.ts";

export interface CommentInput {
  readonly verdict: VerdictFile;
  readonly run: RunRecord;
  readonly measurements: MeasurementsFile | null;
  readonly comparison: ComparisonFile | null;
  /** Where the run's files lie, as a reader would type it. */
  readonly runPath: string;
  /** How to take these numbers as the new baseline. */
  readonly acceptCommand: string;
}

const SIGNS: Readonly<Record<VerdictFile["verdict"], string>> = {
  pass: "✅ pass",
  improved: "✅ improved",
  inconclusive: "⚠️ inconclusive",
  invalid: "⚠️ no verdict",
  regressed: "❌ regressed",
  failed: "❌ failed",
};

/** Rows that are open to everybody; the rest is folded. */
const OPEN_ROWS = 10;

/** The pull-request comment: the verdict and what to do, then what changed, then everything else, folded. */
export function renderComment(input: CommentInput): string {
  const { verdict, run, comparison } = input;
  const sign =
    verdict.cause === "cancelled" || verdict.cause === "killed" ? "⏹ cancelled" : SIGNS[verdict.verdict];
  const parts = [
    `<!-- vllm-gate:${verdict.scenario} -->`,
    `### ${sign} · vllm-gate · ${plain(verdict.scenario)}`,
    `**${plain(verdict.headline.replace(/[.\s]+$/, ""))}.** ${plain(verdict.nextAction)}`,
    ...(verdict.cause === "not_recorded"
      ? [verdict.reasons.map((reason) => `- ${plain(reason)}`).join("\n")]
      : []),
    ...(verdict.reportOnly ? ["_Report only: this verdict does not block the merge._"] : []),
    ...changedRows(comparison),
    ...limitRows(comparison),
    ...differingFlags(comparison),
    ...failure(verdict, run),
    ...warnings(input),
    ...allRows(comparison, input.measurements),
    ...firstToken(input.measurements),
    environment(input),
    howTo(input),
  ];
  return `${parts.join("\n\n")}\n`;
}

const CHANGED: readonly Verdict[] = ["regressed", "invalid", "inconclusive", "improved"];

function ordered(comparisons: readonly Comparison[], verdicts: readonly Verdict[]): Comparison[] {
  const size = (each: Comparison) => Math.abs(each.effect ?? Number.MAX_VALUE);
  return verdicts.flatMap((verdict) =>
    comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)),
  );
}

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "≈",
  improved: "better",
  inconclusive: "undecided",
  invalid: "invalid",
  regressed: "**worse**",
};

const HEADER = ["metric", "baseline", "this run", "change", "", "tolerance"];
const ALIGN = ["l", "r", "r", "r", "l", "r"];

function comparisonRow(each: Comparison): string[] {
  return [
    code(each.metric),
    formatValue(each.base, each.unit),
    formatValue(each.head, each.unit),
    formatChange(each.base, each.head, each.unit),
    WORDS[each.verdict],
    formatTolerance(each.tolerance, each.absoluteTolerance, each.unit),
  ];
}

function changedRows(comparison: ComparisonFile | null): string[] {
  const gated = comparison?.comparisons.filter((each) => each.level === "gate") ?? [];
  const changed = ordered(gated, CHANGED);
  if (changed.length === 0) return [];
  const open = changed.slice(0, OPEN_ROWS);
  const rest = changed.slice(OPEN_ROWS);
  const reasons = open
    .filter((each) => each.verdict === "invalid" || each.verdict === "inconclusive")
    .map((each) => `- ${code(each.metric)}: ${plain(each.reason)}`);
  return [
    table(HEADER, open.map(comparisonRow), ALIGN),
    ...(reasons.length > 0 ? [reasons.join("\n")] : []),
    ...(rest.length > 0
      ? [details(`${rest.length} more changed`, table(HEADER, rest.map(comparisonRow), ALIGN))]
      : []),
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
  if (comparison.flags.length === 0) return ["Flags and vLLM version are those of the baseline."];
  const rows = comparison.flags.map((each) => [
    code(each.what),
    each.base === null ? "not set" : code(each.base),
    each.head === null ? "not set" : code(each.head),
  ]);
  return [table(["differs", "baseline", "this run"], rows)];
}

function failedSession(run: RunRecord): SessionRecord | undefined {
  return run.sessions.find((session) => session.outcome !== "ok" && session.cause !== undefined);
}

function failure(verdict: VerdictFile, run: RunRecord): string[] {
  if (verdict.verdict !== "failed") return [];
  const session = failedSession(run);
  const tail = session?.logTail ?? [];
  return [
    ...(session?.cause === undefined ? [] : [codeBlock([session.cause])]),
    ...(session?.hint === undefined ? [] : [plain(session.hint)]),
    ...(tail.length === 0 ? [] : [details("End of the server's log", codeBlock(tail))]),
  ];
}

function warnings(input: CommentInput): string[] {
  const taints = (input.measurements?.taints ?? []).map((taint) => taint.reason);
  const dirty = input.run.sessions
    .filter((session) => (session.disposal?.survivors.length ?? 0) > 0)
    .map(
      (session) =>
        `processes ${session.disposal?.survivors.join(", ")} of session ${session.index} could not be ended`,
    );
  const all = [...new Set([...taints, ...dirty])];
  return all.length === 0 ? [] : [all.map((each) => `- ⚠️ ${plain(each)}`).join("\n")];
}

function allRows(comparison: ComparisonFile | null, measurements: MeasurementsFile | null): string[] {
  if (comparison !== null && comparison.comparisons.length > 0) {
    const isOpen = (each: Comparison) => each.level === "gate" && each.verdict !== "pass";
    const same = ordered(
      comparison.comparisons.filter((each) => each.level === "gate"),
      ["pass"],
    );
    const watched = ordered(
      comparison.comparisons.filter((each) => each.level === "watch" && !isOpen(each)),
      [...CHANGED, "pass"],
    );
    return [
      ...(same.length > 0
        ? [
            details(
              `${same.length} gated metrics within their tolerance`,
              table(HEADER, same.map(comparisonRow), ALIGN),
            ),
          ]
        : []),
      ...(watched.length > 0
        ? [
            details(
              `${watched.length} watched metrics, which never block`,
              table(HEADER, watched.map(comparisonRow), ALIGN),
            ),
          ]
        : []),
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
  return [details(`${ids.length} metrics measured`, table(["metric", "by round"], rows))];
}

function firstToken(measurements: MeasurementsFile | null): string[] {
  const said = (measurements?.ttft ?? []).flatMap((summary) =>
    summary.observations.map((each) => `- session ${summary.session}: ${plain(each)}`),
  );
  return said.length === 0 ? [] : [details("First-token latency in words", said.join("\n"))];
}

function environment(input: CommentInput): string {
  const { run, comparison } = input;
  const differing = new Map(comparison?.fingerprint.map((each) => [each.field, each]));
  const fields = Object.entries(run.fingerprint).filter(([, value]) => value !== null);
  const rows = fields.map(([field, value]) => {
    const difference = differing.get(field);
    const note = difference === undefined ? "" : `baseline: ${plain(String(difference.base))}`;
    return [plain(field), plain(String(value)), note];
  });
  const versions = [...new Set(run.sessions.map((session) => session.vllmVersion ?? "unknown"))].join(", ");
  const argv = run.sessions.find((session) => session.argv !== undefined)?.argv ?? [];
  const unknown = run.sessions[0]?.unknownFacts ?? [];
  const body = [
    `vLLM ${plain(versions)}, vllm-gate ${plain(run.toolVersion ?? "unknown")}${run.commit ? `, commit ${code(run.commit.slice(0, 12))}` : ""}`,
    ...(argv.length > 0 ? [codeBlock([argv.map(quote).join(" ")])] : []),
    table(["environment", "", ""], rows),
    ...(unknown.length > 0
      ? [`Unknown: ${unknown.map((each) => `${code(each.fact)} (${plain(each.reason)})`).join("; ")}`]
      : []),
  ].join("\n\n");
  return details("Environment and command", body);
}

function quote(arg: string): string {
  return /^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}

function howTo(input: CommentInput): string {
  const { verdict, comparison } = input;
  const lines = [
    ...(comparison?.baseSource == null ? [] : [`Baseline: ${code(comparison.baseSource)}`]),
    `Run: ${code(input.runPath)}`,
  ];
  const accept =
    verdict.cause === "no_baseline"
      ? `Record this run as the baseline: ${code(input.acceptCommand)}, then commit it on the base branch.`
      : verdict.cause === "decided"
        ? `Accept these numbers as the new baseline: ${code(input.acceptCommand)}, then commit it with the reason.`
        : null;
  const reproduce = `Run it again: ${code(`vllm-gate run --scenario ${verdict.scenario}`)}`;
  return details(
    "How to accept, and how to run it again",
    [...(accept === null ? [] : [accept]), reproduce, ...lines].join("\n\n"),
  );
}
