import { commandOf, firstRecordCommand, repeatCommand, typed } from "../domain/command-line.ts";
import { incomparable } from "../domain/comparison.ts";
import type { ReportInput } from "./explain.ts";

/** A sentence with commands in it. */
export type Instruction = readonly (string | { readonly command: string })[];

/** How this run becomes the baseline, or why it cannot; empty where there is nothing to accept. */
export function acceptInstructions(input: ReportInput): Instruction[] {
  const { verdict, run, measurements, comparison } = input;
  if (verdict.cause !== "decided" && verdict.cause !== "no_baseline") return [];
  // A baseline does not move a limit.
  if (verdict.verdict === "regressed" && verdict.counts.regressed === 0) return [];
  if (comparison?.interleaved === true) {
    if (verdict.verdict !== "regressed") return [];
    const how =
      "An A/B has no baseline that the loss could be accepted in: where it is wanted, merge past this check.";
    return [[how, " The next A/B begins from what was merged."]];
  }
  const failed = measurements?.measurements.some(
    (each) => each.metric === "requests.error_rate" && each.value > 0,
  );
  if (failed) return [["This run cannot become a baseline: some of its requests failed."]];
  if ((measurements?.taints.length ?? 0) > 0) {
    return [["This run cannot become a baseline: some of its numbers must not be trusted."]];
  }
  const measure = { command: commandOf("record", run) };
  if (incomparable(comparison).length > 0) {
    return [["Record a baseline of this machine and these probes: ", measure, "."], quick(input)];
  }
  if (verdict.cause === "no_baseline") {
    const first = { command: firstRecordCommand(run) };
    return [["Record a baseline: ", first, ", then commit it on the base branch."], quick(input)];
  }
  return [
    ...acceptLosses(input),
    [
      "Accept this server as the new baseline: ",
      measure,
      " measures it anew, then commit it with the reason.",
    ],
    quick(input),
  ];
}

/** More metrics than this are named by their probe. */
const MOST_NAMES = 6;

/** Takes what got worse, and nothing else, from this run. */
function acceptLosses({ comparison, acceptCommand }: ReportInput): Instruction[] {
  const worse = (comparison?.comparisons ?? [])
    .filter((each) => each.level === "gate" && each.verdict === "regressed")
    .map(({ metric }) => metric)
    .sort();
  if (worse.length === 0) return [];
  const probes = [...new Set(worse.map((id) => `${id.split(".")[0]}.*`))];
  const names = worse.length > MOST_NAMES ? probes : worse;
  const command = `${acceptCommand} --accept ${typed(names)} --reason "…"`;
  return [["Accept only what got worse, from this run: ", { command }, "."]];
}

/** The other way to a baseline: at once, and with less behind it. */
function quick({ run, comparison, acceptCommand }: ReportInput): Instruction {
  // A base that was measured beside head is not recorded with it.
  const own = run.sessions.filter(({ outcome, variant }) => outcome === "ok" && variant !== "base").length;
  // The baseline of another machine stays where it is.
  const replaced = incomparable(comparison).length > 0 ? [] : (comparison?.comparisons ?? []);
  const before = Math.max(0, ...replaced.map((each) => each.baseSessions.length));
  const caveat = `a baseline of ${own} session${own === 1 ? "" : "s"}${before > own ? ` in place of ${before}` : ""}`;
  return ["At once, without measuring: ", { command: acceptCommand }, ` records this run alone, ${caveat}.`];
}

/** How to do the same again: on the GPU, and the decision alone on any machine. */
export function repeatInstructions({ run, comparison, runPath }: ReportInput): Instruction[] {
  const base = comparison?.baseSource ?? null;
  const isFile = base?.endsWith(".json") === true;
  // Where the model came by an option there may be no configuration that has the scenario.
  const rules = run.overridden?.includes("model") ? [] : ["--scenario", run.scenario];
  return [
    ["Run it again: ", { command: repeatCommand(run, comparison?.interleaved === true) }],
    ...(isFile
      ? [
          [
            "Decide again on any machine, without a GPU, from the run's files: ",
            { command: typed(["vllm-gate", "compare", "--base", base, "--head", runPath, ...rules]) },
          ],
        ]
      : []),
  ];
}
