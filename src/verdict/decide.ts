import type { Comparison, ComparisonFile } from "../domain/comparison.ts";
import {
  type Cause,
  EXIT,
  type ExitCode,
  type RunVerdict,
  type Verdict,
  type VerdictFile,
} from "../domain/verdict.ts";

/** What the policy does with verdicts that are neither good nor bad. */
export interface VerdictPolicy {
  readonly onInconclusive: "warn" | "fail";
  readonly onInvalid: "warn" | "fail";
  readonly reportOnly: boolean;
}

/** Worst last: the order in which verdicts of metrics join to that of a run. */
const ORDER: readonly Verdict[] = ["pass", "improved", "inconclusive", "invalid", "regressed"];

/** The worse of two verdicts; associative and commutative. */
export function join(a: Verdict, b: Verdict): Verdict {
  return ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b;
}

const emptyCounts = (): Record<Verdict, number> => ({
  pass: 0,
  improved: 0,
  inconclusive: 0,
  invalid: 0,
  regressed: 0,
});

/** The verdict on a run that was measured and compared. `watch` metrics are counted and never move it. */
export function decide(comparison: ComparisonFile, policy: VerdictPolicy): VerdictFile {
  const gated = comparison.comparisons.filter((each) => each.level === "gate");
  const counts = emptyCounts();
  for (const each of gated) counts[each.verdict] += 1;
  const broken = comparison.limits.length > 0;
  // Nothing gated is not a pass: nobody looked.
  const looked = gated.length > 0 || broken;
  const ofMetrics = gated.map((each) => each.verdict).reduce(join, looked ? "pass" : "invalid");
  const verdict = broken ? "regressed" : ofMetrics;
  const reasons = [
    ...comparison.limits.map(limitSentence),
    ...byVerdict(gated, ["regressed", "invalid", "inconclusive", "improved"]).map(sentence),
    ...(looked ? [] : ["no gated metric was measured"]),
  ];
  return conclude({
    scenario: comparison.scenario,
    cause: "decided",
    verdict,
    counts,
    headline: headline(verdict, gated, comparison),
    nextAction: nextAction(verdict),
    reasons,
    policy,
  });
}

/** The verdict of a run that has no baseline: measured, and nothing to hold it against but its limits. */
export function decideWithoutBaseline(
  comparison: ComparisonFile,
  expected: string,
  policy: VerdictPolicy,
): VerdictFile {
  const broken = comparison.limits.length > 0;
  return conclude({
    scenario: comparison.scenario,
    cause: "no_baseline",
    verdict: broken ? "regressed" : "invalid",
    counts: emptyCounts(),
    headline: broken
      ? `${comparison.limits.length} limit${plural(comparison.limits.length)} broken; there is no baseline to compare with`
      : "Measured, but there is no baseline to compare with",
    nextAction: `Record one on the base branch and commit it: vllm-gate record --scenario ${comparison.scenario}`,
    reasons: [...comparison.limits.map(limitSentence), `expected a baseline at ${expected}`],
    policy: { ...policy, onInvalid: "fail" },
  });
}

/** The verdict of a run in which nothing was measured. */
export function decideFailure(
  scenario: string,
  cause: Extract<Cause, "failed_start" | "server_died" | "tool_failed" | "cancelled" | "killed">,
  details: { readonly headline: string; readonly nextAction: string; readonly reasons: readonly string[] },
  options: { readonly reportOnly: boolean; readonly exitCode?: ExitCode },
): VerdictFile {
  return conclude({
    scenario,
    cause,
    verdict: "failed",
    counts: emptyCounts(),
    ...details,
    policy: { onInconclusive: "warn", onInvalid: "fail", reportOnly: options.reportOnly },
    ...(options.exitCode === undefined ? {} : { exitCode: options.exitCode }),
  });
}

/** The verdict file of a run that was recorded: there was nothing to judge. */
export function decideRecorded(scenario: string, path: string): VerdictFile {
  return conclude({
    scenario,
    cause: "recorded",
    verdict: "pass",
    counts: emptyCounts(),
    headline: `Measured and recorded in ${path}`,
    nextAction: "Commit the baseline on the base branch.",
    reasons: [],
    policy: { onInconclusive: "warn", onInvalid: "fail", reportOnly: false },
  });
}

/** The verdict file of a run that was measured and is not fit for a baseline. */
export function decideNotRecorded(scenario: string, reason: string): VerdictFile {
  return conclude({
    scenario,
    cause: "not_recorded",
    verdict: "invalid",
    counts: emptyCounts(),
    headline: "Measured, but not recorded",
    nextAction: "Mend the cause and record again; the old baseline stands.",
    reasons: [reason],
    policy: { onInconclusive: "warn", onInvalid: "fail", reportOnly: false },
  });
}

interface Conclusion {
  readonly scenario: string;
  readonly cause: Cause;
  readonly verdict: RunVerdict;
  readonly counts: Record<Verdict, number>;
  readonly headline: string;
  readonly nextAction: string;
  readonly reasons: readonly string[];
  readonly policy: VerdictPolicy;
  readonly exitCode?: ExitCode;
}

function conclude(input: Conclusion): VerdictFile {
  const { policy, verdict, cause } = input;
  const strict = input.exitCode ?? exitFor(verdict, policy);
  const cancelled = cause === "cancelled" || cause === "killed";
  // A cancelled run said nothing, so there is no verdict that report-only could silence.
  const silenced = policy.reportOnly && strict !== EXIT.pass && !cancelled;
  return {
    schemaVersion: 1,
    verdict,
    cause,
    exitCode: silenced ? EXIT.pass : strict,
    conclusion: cancelled ? "cancelled" : silenced ? "neutral" : conclusionFor(strict, verdict),
    reportOnly: silenced,
    scenario: input.scenario,
    headline: input.headline,
    nextAction: input.nextAction,
    reasons: [...input.reasons],
    counts: input.counts,
  };
}

function exitFor(verdict: RunVerdict, policy: VerdictPolicy): ExitCode {
  switch (verdict) {
    case "pass":
    case "improved":
      return EXIT.pass;
    case "regressed":
      return EXIT.regressed;
    case "inconclusive":
      return policy.onInconclusive === "warn" ? EXIT.pass : EXIT.noVerdict;
    case "invalid":
      return policy.onInvalid === "warn" ? EXIT.pass : EXIT.noVerdict;
    case "failed":
      return EXIT.notMeasured;
  }
}

function conclusionFor(exitCode: number, verdict: RunVerdict): VerdictFile["conclusion"] {
  if (exitCode === EXIT.pass) return verdict === "pass" || verdict === "improved" ? "success" : "neutral";
  return exitCode === EXIT.noVerdict ? "action_required" : "failure";
}

/** Comparisons of the given verdicts in that order, the largest effect first. */
export function byVerdict(comparisons: readonly Comparison[], order: readonly Verdict[]): Comparison[] {
  const size = (each: Comparison) => Math.abs(each.effect ?? Number.POSITIVE_INFINITY);
  return order.flatMap((verdict) =>
    comparisons.filter((each) => each.verdict === verdict).sort((a, b) => size(b) - size(a)),
  );
}

function percent(share: number): string {
  const points = Math.abs(share) * 100;
  return `${points >= 10 ? Math.round(points) : points.toFixed(1)} %`;
}

function change(each: Comparison): string {
  if (each.effect === null)
    return each.base === null ? "has no baseline" : each.head === null ? "is missing" : "rose from zero";
  return `is ${percent(each.effect)} ${each.effect > 0 ? "worse" : "better"}`;
}

function sentence(each: Comparison): string {
  return `${each.metric} ${change(each)}: ${each.reason}`;
}

function limitSentence(limit: ComparisonFile["limits"][number]): string {
  const bound = `limit ${limit.side} ${limit.bound} ${limit.unit}`.trim();
  return limit.value === null
    ? `${limit.metric} has a limit (${limit.side} ${limit.bound}) and was not measured`
    : `${limit.metric} is ${Number(limit.value.toPrecision(4))} ${limit.unit}: ${bound}`;
}

const plural = (count: number) => (count === 1 ? "" : "s");

function headline(verdict: Verdict, gated: readonly Comparison[], comparison: ComparisonFile): string {
  const of = (wanted: Verdict) => byVerdict(gated, [wanted]);
  const few = (list: readonly Comparison[]) => {
    const shown = list.slice(0, 2).map((each) => `${each.metric} ${change(each)}`);
    const more = list.length - shown.length;
    return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  };
  switch (verdict) {
    case "regressed": {
      const limits = comparison.limits.length;
      const worse = of("regressed");
      const parts = [
        ...(worse.length > 0
          ? [`${worse.length} gated metric${plural(worse.length)} regressed: ${few(worse)}`]
          : []),
        ...(limits > 0 ? [`${limits} limit${plural(limits)} broken`] : []),
      ];
      return parts.join("; ");
    }
    case "invalid": {
      const bad = of("invalid");
      return bad.length === 0
        ? "No gated metric was measured"
        : `No verdict: ${bad[0]?.metric} ${change(bad[0] as Comparison)}, ${bad[0]?.reason}`;
    }
    case "inconclusive":
      return `${of("inconclusive").length} of ${gated.length} gated metrics undecided: ${few(of("inconclusive"))}`;
    case "improved":
      return `${of("improved").length} of ${gated.length} gated metrics improved: ${few(of("improved"))}; none got worse`;
    case "pass":
      return `None of ${gated.length} gated metric${plural(gated.length)} got worse`;
  }
}

function nextAction(verdict: Verdict): string {
  switch (verdict) {
    case "regressed":
      return "Change the flags, or accept the loss by recording a new baseline (below).";
    case "invalid":
      return "Mend the cause and run again; nothing was decided.";
    case "inconclusive":
      return "Run again with more sessions to decide it (--sessions 3).";
    case "improved":
      return "Nothing to do; record a new baseline to hold the gain.";
    case "pass":
      return "Nothing to do.";
  }
}
