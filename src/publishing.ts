import type { ComparisonFile } from "./domain/comparison.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import type { Acceptance } from "./publish/acceptance.ts";
import { type AddedLine, lineOf } from "./publish/changed-lines.ts";
import type { Annotation } from "./publish/check.ts";
import type { Last } from "./publish/marker.ts";
import type { Content, LastWords } from "./publish/publication.ts";
import type { CommentPart } from "./report/comment.ts";
import { code, plain } from "./report/markdown.ts";
import { formatChange, formatValue } from "./report/numbers.ts";
import { sinceLast } from "./report/since-last.ts";
import { type Merged, partsOf, type ReportedRun } from "./reporting.ts";

/** What stands beside the run itself in its comment. */
export interface Circumstances {
  readonly cwd: string;
  readonly headSha: string;
  /** What the comment said before. */
  readonly previous: Last | null;
  readonly acceptance: Acceptance | null;
  /** Lines that the pull request adds. */
  readonly added: readonly AddedLine[];
}

/** Whether somebody may accept the verdict: what was measured, yes; that nothing could be measured, no. */
export function isAcceptable({ exitCode }: Pick<VerdictFile, "exitCode">): boolean {
  return exitCode === EXIT.regressed || exitCode === EXIT.noVerdict;
}

/** A run's verdict as it is published. */
export function contentOf(reported: ReportedRun, circumstances: Circumstances): Content {
  const { verdict, comparison } = reported;
  const { previous, headSha, added, cwd } = circumstances;
  const since =
    previous === null ? null : sinceLast(previous, { commit: headSha, verdict: verdict.verdict, comparison });
  return {
    ...conclusionOf(verdict, circumstances),
    verdict: verdict.verdict,
    headline: verdict.headline,
    parts: withCircumstances(partsOf(reported, cwd), circumstances, since),
    metrics: metricsOf(comparison),
    annotations: annotationsOf(reported, added),
  };
}

/** Several runs' verdict as it is published. */
export function mergedContent({ overall, parts }: Merged, circumstances: Circumstances): Content {
  const { previous, headSha } = circumstances;
  const since =
    previous === null
      ? null
      : sinceLast(previous, { commit: headSha, verdict: overall.verdict, comparison: null });
  return {
    ...conclusionOf(overall, circumstances),
    verdict: overall.verdict,
    headline: overall.headline,
    parts: withCircumstances(parts, circumstances, since),
    metrics: {},
    annotations: [],
  };
}

function conclusionOf(
  { exitCode, conclusion }: Pick<VerdictFile, "exitCode" | "conclusion">,
  { acceptance }: Circumstances,
): Pick<Content, "conclusion" | "blocks"> {
  return acceptance === null
    ? { conclusion, blocks: exitCode !== EXIT.pass }
    : { conclusion: "neutral", blocks: false };
}

/** After the verdict, before its details. */
function withCircumstances(
  parts: readonly CommentPart[],
  { acceptance, headSha }: Circumstances,
  since: string | null,
): CommentPart[] {
  const at = parts.findIndex(({ name }) => name === "headline") + 1;
  return [
    ...parts.slice(0, at),
    ...(acceptance === null ? [] : [{ name: "acceptance", text: acceptanceText(acceptance, headSha) }]),
    ...(since === null ? [] : [{ name: "since", text: since }]),
    ...parts.slice(at),
  ];
}

/** Who took the loss, and for which commit only. */
export function acceptanceText({ by, reason, url }: Acceptance, headSha: string): string {
  const where = url === null || !/^https?:\/\/[^\s()<>]+$/.test(url) ? "" : ` ([here](${url}))`;
  return `> ☑️ **Accepted** by ${plain(by)}${where} for ${code(headSha.slice(0, 10))} alone: ${plain(reason)}. The baseline stands as it is.`;
}

function metricsOf(comparison: ComparisonFile | null): Last["metrics"] {
  const gated = (comparison?.comparisons ?? []).filter(({ level }) => level === "gate");
  return Object.fromEntries(gated.map(({ metric, head, verdict }) => [metric, [head, verdict]]));
}

const MAX_METRICS = 5;

/** What a change of a flag did, on the line that changed it. */
export function annotationsOf(
  { verdict, comparison, run }: ReportedRun,
  added: readonly AddedLine[],
): Annotation[] {
  const level = levelOf(verdict);
  if (level === null || added.length === 0) return [];
  // A server that did not start was compared with nothing: any of its flags may be the reason.
  const flags =
    comparison === null
      ? (run.variants["head"]?.args ?? []).flatMap((arg) => /^--?[\w.-]+/.exec(arg)?.[0] ?? [])
      : comparison.flags.map(({ what }) => what).filter((what) => what.startsWith("-"));
  const changed = (comparison?.comparisons ?? [])
    .filter((each) => each.level === "gate" && each.verdict === verdict.verdict)
    .slice(0, MAX_METRICS)
    .map(
      ({ metric, unit, base, head }) =>
        `${metric}: ${formatValue(base, unit)} → ${formatValue(head, unit)} (${formatChange(base, head, unit)})`,
    );
  const message = [verdict.headline, ...changed].join("\n");
  const lines = new Map<string, Annotation>();
  for (const flag of flags) {
    const found = lineOf(flag, added);
    if (found === null) continue;
    const { path, line } = found;
    lines.set(`${path}:${line}`, { path, line, level, title: `vllm-gate: ${verdict.verdict}`, message });
  }
  return [...lines.values()];
}

function levelOf({ verdict, exitCode, cause }: VerdictFile): Annotation["level"] | null {
  if (verdict === "pass") return null;
  // What the tool or the runner did is no line's fault.
  if (verdict === "failed" && cause !== "failed_start" && cause !== "server_died") return null;
  if (verdict === "improved") return "notice";
  return exitCode === EXIT.pass ? "warning" : "failure";
}

/** What is published when nothing was measured and there is no run to show. */
export function failureContent(headline: string, nextAction: string): Content {
  return {
    ...lastWords(headline, nextAction),
    verdict: "failed",
    blocks: true,
    metrics: {},
    annotations: [],
  };
}

/** The words of {@link failureContent}. */
export function lastWords(
  headline: string,
  nextAction: string,
  conclusion: VerdictFile["conclusion"] = "failure",
): LastWords {
  const text = headline.replace(/[.\s]+$/, "");
  const sign = conclusion === "cancelled" ? "⏹ cancelled" : "❌ failed";
  return {
    conclusion,
    headline: text,
    parts: [
      { name: "heading", text: `### ${sign} · vllm-gate` },
      // Line by line: an error may list several things.
      {
        name: "headline",
        text: `**${text.split("\n").map(plain).join("**  \n**")}.** ${plain(nextAction)}`,
      },
    ],
  };
}
