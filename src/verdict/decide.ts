import { type Comparison, type ComparisonFile, incomparable, ordered } from "../domain/comparison.ts";
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

const NO_TIME = "Raise budgetMinutes: there was no time to see the loss in a second session.";

/** Sessions of head that a run has which measures all it may. */
const FULL_SESSIONS = 3;

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

/**
 * The verdict on a run that was measured and compared. `watch` metrics are shown and never move it; but a run of
 * which a part must not be trusted decides nothing, whichever metrics that part has.
 *
 * @param notes - what else a reader of the verdict must know
 */
export function decide(
  comparison: ComparisonFile,
  policy: VerdictPolicy,
  notes: readonly string[] = [],
): VerdictFile {
  const gated = comparison.comparisons.filter((each) => each.level === "gate");
  const counts = emptyCounts();
  for (const each of gated) counts[each.verdict] += 1;
  // Nothing gated is not a pass: nobody looked.
  const looked = gated.length > 0 || comparison.limits.length > 0 || (comparison.limitsChecked ?? 0) > 0;
  const ofMetrics = gated.map((each) => each.verdict).reduce(join, looked ? "pass" : "invalid");
  const verdict = [verdictOfLimits(comparison.limits), verdictOfTaints(comparison)].reduce(join, ofMetrics);
  const ofInvalid = new Set(ordered(gated, ["invalid"]).map((each) => each.reason));
  const reasons = [
    ...comparison.limits.map(limitSentence),
    ...ordered(gated, ["regressed"]).map(sentence),
    ...byReason(ordered(gated, ["invalid"])).map(groupSentence),
    ...comparison.taints.filter((taint) => !ofInvalid.has(taint)),
    ...ordered(gated, ["inconclusive", "improved"]).map(sentence),
    ...(looked ? [] : ["no gated metric was measured"]),
    ...notes,
  ];
  return conclude({
    scenario: comparison.scenario,
    cause: "decided",
    verdict,
    counts,
    headline: headline(verdict, gated, comparison),
    nextAction: nextAction(verdict, gated, comparison),
    reasons,
    notes,
    policy,
  });
}

/**
 * The verdict of a run that has no baseline: measured, and nothing to hold it against but its limits.
 *
 * @param expected - where the baseline was looked for
 * @param notes - what else a reader of the verdict must know
 */
export function decideWithoutBaseline(
  comparison: ComparisonFile,
  expected: string,
  policy: VerdictPolicy,
  recordCommand = `vllm-gate record --scenario ${comparison.scenario}`,
  notes: readonly string[] = [],
): VerdictFile {
  const verdict = join("invalid", verdictOfLimits(comparison.limits));
  const broken = verdict === "regressed";
  return conclude({
    scenario: comparison.scenario,
    cause: "no_baseline",
    verdict,
    counts: emptyCounts(),
    headline: broken
      ? `${limitsHeadline(comparison.limits)}; there is no baseline to compare with`
      : `Measured, but there is no baseline to compare with (expected ${expected})`,
    nextAction:
      `${broken ? "Change the flags until every limit holds. Record a baseline" : "Record one"} on the base branch ` +
      `and commit it: ${recordCommand}`,
    reasons: [
      ...comparison.limits.map(limitSentence),
      ...comparison.taints,
      `expected a baseline at ${expected}`,
      ...notes,
    ],
    notes,
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
export function decideRecorded(
  scenario: string,
  path: string,
  nextAction = "Commit the baseline on the base branch.",
): VerdictFile {
  return conclude({
    scenario,
    cause: "recorded",
    verdict: "pass",
    counts: emptyCounts(),
    headline: `Measured and recorded in ${path}`,
    nextAction,
    reasons: [],
    policy: { onInconclusive: "warn", onInvalid: "fail", reportOnly: false },
  });
}

/** The verdict file of a run that was measured and is not fit for a baseline. */
export function decideNotRecorded(
  scenario: string,
  reason: string,
  nextAction = "Mend the cause and record again; the old baseline stands.",
): VerdictFile {
  return conclude({
    scenario,
    cause: "not_recorded",
    verdict: "invalid",
    counts: emptyCounts(),
    headline: "Measured, but not recorded",
    nextAction,
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
  readonly notes?: readonly string[];
  readonly policy: VerdictPolicy;
  readonly exitCode?: ExitCode;
}

function conclude(input: Conclusion): VerdictFile {
  const { policy, verdict, cause, notes = [] } = input;
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
    ...(notes.length === 0 ? {} : { notes: [...notes] }),
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

function percent(share: number): string {
  const points = Math.abs(share) * 100;
  return points >= 10
    ? `${Math.round(points)}`
    : points >= 0.1
      ? points.toFixed(1)
      : `${Number(points.toPrecision(1))}`;
}

/** A value as a sentence says it. */
function amount(value: number, unit: string): string {
  const [shown, sign] = unit === "share" ? [value * 100, "%"] : [value, unit === "x" ? "times" : unit];
  return `${Number(shown.toPrecision(4))} ${sign}`.trim();
}

function change(each: Comparison): string {
  if (each.base === null) return "has no baseline";
  if (each.head === null) return "is missing";
  if (each.base === each.head) return "is unchanged";
  const rose = each.head > each.base;
  const worse = rose === (each.direction === "lower") ? "worse" : "better";
  if (each.unit === "share") return `is ${percent(each.head - each.base)} points ${worse}`;
  return each.effect === null
    ? `went from 0 to ${amount(each.head, each.unit)}`
    : `is ${percent(each.effect)} % ${worse}`;
}

function sentence(each: Comparison): string {
  return `${each.metric} ${change(each)}: ${each.reason}`;
}

/** Comparisons that share their reason, the most first. */
function byReason(comparisons: readonly Comparison[]): Comparison[][] {
  const groups = Map.groupBy(comparisons, (each) => each.reason);
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

function groupSentence(group: readonly Comparison[]): string {
  return `${group.map((each) => each.metric).join(", ")}: ${group[0]?.reason}`;
}

type Limits = ComparisonFile["limits"];

/** A limit that is broken blocks; one that nobody could check is no pass. */
function verdictOfLimits(limits: Limits): Verdict {
  if (limits.some((limit) => limit.value !== null && limit.seenOnce === undefined)) return "regressed";
  if (limits.some((limit) => limit.value === null)) return "invalid";
  return limits.length > 0 ? "inconclusive" : "pass";
}

/** A run of which a part must not be trusted is no verdict: what spoilt that part was there for all of it. */
function verdictOfTaints(comparison: ComparisonFile): Verdict {
  return comparison.taints.length > 0 ? "invalid" : "pass";
}

function limitSentence(limit: Limits[number]): string {
  return limit.value === null
    ? `${limit.metric} was not measured, but has a limit (${limit.side} ${limit.bound})`
    : `${limit.metric} is ${amount(limit.value, limit.unit)}, limit ${limit.side} ${amount(limit.bound, limit.unit)}${limit.seenOnce === true ? ", in one session alone" : ""}`;
}

function limitsHeadline(limits: Limits): string {
  const [first] = limits;
  if (first === undefined) return "";
  const more = limits.length > 1 ? ` and ${limits.length - 1} more` : "";
  const unmeasured = limits.filter((each) => each.value === null).length;
  const how =
    unmeasured === 0 ? "broken" : unmeasured < limits.length ? "broken or not measured" : "not measured";
  return `${limits.length} limit${plural(limits.length)} ${how}: ${limitSentence(first)}${more}`;
}

const plural = (count: number) => (count === 1 ? "" : "s");

const ofAll = (count: number, all: number) => `${count} of ${all} gated metric${plural(all)}`;

function headline(verdict: Verdict, gated: readonly Comparison[], comparison: ComparisonFile): string {
  const found = ordered(gated, [verdict]);
  const few = found.slice(0, 2).map((each) => `${each.metric} ${change(each)}`);
  const more = found.length > few.length ? ` and ${found.length - few.length} more` : "";
  const shown = `${ofAll(found.length, gated.length)}`;
  switch (verdict) {
    case "regressed":
      return [
        ...(found.length > 0 ? [`${shown} regressed: ${few.join(", ")}${more}`] : []),
        ...(comparison.limits.length > 0 ? [limitsHeadline(comparison.limits)] : []),
      ].join("; ");
    case "invalid": {
      const fields = incomparable(comparison).map(({ field }) => (field === "probeSuite" ? "probes" : field));
      if (fields.length > 0 && found.length > 0) {
        const differ = fields.length === 1 && fields[0] !== "probes" ? "differs" : "differ";
        return `No verdict: not comparable with the baseline (${fields.join(", ")} ${differ})`;
      }
      const [largest = [], ...others] = byReason(found);
      if (largest.length === 0) {
        if (comparison.taints.length > 0) return `No verdict: ${comparison.taints[0]}`;
        return comparison.limits.length > 0
          ? limitsHeadline(comparison.limits)
          : "No gated metric was measured";
      }
      const rest = others.flat().length;
      const what =
        largest.length === gated.length
          ? "No verdict"
          : largest.length === 1
            ? `No verdict on ${largest[0]?.metric}`
            : `No verdict on ${ofAll(largest.length, gated.length)}`;
      return `${what}: ${largest[0]?.reason}${rest > 0 ? ` (and ${rest} more for other reasons)` : ""}`;
    }
    case "inconclusive":
      return [
        ...(found.length > 0 ? [`${shown} undecided: ${few.join(", ")}${more}`] : []),
        ...(comparison.limits.length > 0 ? [limitsHeadline(comparison.limits)] : []),
      ].join("; ");
    case "improved":
      return `${shown} improved: ${few.join(", ")}${more}; none got worse`;
    case "pass":
      if (gated.length === 0) return "Every limit holds; no metric is gated";
      return gated.length === 1
        ? "The one gated metric did not get worse"
        : `None of the ${gated.length} gated metrics got worse`;
  }
}

/** What decides what is undecided: sessions where they can, else whatever made the machine what it is. */
function ofUndecided(undecided: readonly Comparison[], all: readonly Comparison[]): string {
  if (undecided.some((each) => each.machineMoved === true)) {
    return "This machine is slower than when the baseline was recorded: find out why, or record it again.";
  }
  const measured = Math.max(...all.map((each) => each.headSessions.length));
  // A metric of which other sessions had too few samples was not cut short.
  if (undecided.some((each) => each.seenOnce === true && each.headSessions.length === measured)) {
    return NO_TIME;
  }
  return undecided.every((each) => each.decidable === false)
    ? "More sessions do not decide it on a machine this noisy: vllm-gate calibrate says what can be gated here."
    : `Run again with more sessions to decide it (--sessions ${Math.max(FULL_SESSIONS, measured + 2)}).`;
}

function nextAction(verdict: Verdict, gated: readonly Comparison[], comparison: ComparisonFile): string {
  const elsewhere = comparison.fingerprint.some(
    (each) => each.field === "hostId" && each.base !== null && each.head !== null,
  );
  const of = gated.filter((each) => each.verdict === verdict);
  const beside = comparison.interleaved === true;
  switch (verdict) {
    case "regressed":
      if (of.length === 0) {
        return "Change the flags until every limit holds, or change the limits on the base branch.";
      }
      // What fails is nothing to get used to: `record` refuses it too.
      return of.some((each) => each.metric === "requests.error_rate")
        ? "Find out why requests failed: the server's log and traces.jsonl are in the run folder."
        : beside
          ? "Change the flags, or merge past this check where the loss is wanted."
          : "Change the flags, or accept the loss by recording a new baseline.";
    case "invalid":
      if (of.length === 0 && comparison.taints.length === 0) {
        return comparison.limits.length > 0
          ? "Give the scenario a probe that measures what the limit is on, or remove the limit."
          : "Give the scenario a probe whose metrics are gated.";
      }
      if (incomparable(comparison).length > 0) {
        if (beside)
          return "Merge the other model or probes by themselves first: an A/B needs both sides alike.";
        return "Run it as the baseline was recorded, or record a baseline for this machine and these probes.";
      }
      return "Mend the cause and run again; nothing was decided.";
    case "inconclusive":
      if (comparison.limits.some((limit) => limit.seenOnce === true)) return NO_TIME;
      if (of.every((each) => each.base === null) && beside) {
        return of.some((each) => each.decidable === true)
          ? ofUndecided(of, comparison.comparisons)
          : "What the base does not have cannot be compared: set its level to watch.";
      }
      if (of.every((each) => each.base === null)) return "Record the baseline again to gate what is new.";
      if (elsewhere) return "Run on a host of the baseline, or record a baseline on this host as well.";
      return ofUndecided(of, comparison.comparisons);
    case "improved":
      return beside ? "Nothing to do." : "Nothing to do; record a new baseline to hold the gain.";
    case "pass":
      return "Nothing to do.";
  }
}
