import { join } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { BRANCH_EVENTS, isOnDefaultBranch } from "./action-base.ts";
import type { ActionInputs } from "./action-inputs.ts";
import { log, tell, writeSummary } from "./action-outputs.ts";
import { branchOfEvent, prepareRun, workspace } from "./action-world.ts";
import { runAudit } from "./audit.ts";
import { UsageError } from "./domain/errors.ts";
import { RUN_FILES } from "./domain/run.ts";
import { EXIT } from "./domain/verdict.ts";
import { runAndRecord } from "./gate.ts";
import { accessWith, type GitHubAccess } from "./github-access.ts";
import { CONFIG_FILE } from "./inputs.ts";
import { failingKinds } from "./ledger-commands.ts";
import { KEPT_NIGHTS, spendNight } from "./nightly.ts";
import { proposedText, proposeRecorded, repositoryPath } from "./proposing.ts";
import { repositoryOf } from "./publish/subject.ts";
import { recordedParts } from "./recorded-text.ts";
import { WINDOW } from "./recording.ts";
import { renderDrift } from "./report/drift.ts";
import { runnerLine, runnerText } from "./system/runner-log.ts";

/** Access with the job's token; null without one. */
function accessOf({ token }: ActionInputs): GitHubAccess | null {
  if (token === undefined) return null;
  return accessWith(token, repositoryOf(process.env, context.payload), process.env, log);
}

/** Measures a baseline and writes it; proposes it by a pull request where that is asked for. */
export async function record(inputs: ActionInputs): Promise<number> {
  const { extend, accept, reason, pullRequest } = inputs;
  if (extend !== undefined && accept.length > 0) {
    throw new UsageError("extend and accept: expected one of them, an extension accepts nothing");
  }
  const access = pullRequest ? accessOf(inputs) : null;
  if (pullRequest && access === null) {
    throw new UsageError("pull-request: expected a github-token, without one nothing can be proposed");
  }
  const { config, world } = await prepareRun(inputs);
  // Before hours of measuring that nothing could be done with.
  if (access !== null) await repositoryPath(config.baselineDir, world.cwd);
  core.startGroup("Measuring");
  const result = await runAndRecord(config, world, {
    ...(extend === undefined ? {} : { extendTo: extend === 0 ? WINDOW : extend }),
    ...(accept.length === 0 ? {} : { accept }),
    ...(reason === undefined ? {} : { reason }),
  }).finally(() => core.endGroup());
  core.setOutput("report-path", join(result.runDir, RUN_FILES.report));
  const { verdict, recorded } = result;
  if (recorded === null) {
    await tell(verdict, result.comment, verdict.exitCode);
    return verdict.exitCode;
  }
  const page = `${recordedParts(recorded)
    .map(({ text }) => text)
    .join("\n\n")}\n`;
  if (access === null) {
    await tell(verdict, page, verdict.exitCode);
    return verdict.exitCode;
  }
  try {
    const proposed = await proposeRecorded(recorded, world.cwd, access, branchOfEvent());
    core.setOutput("pull-request-url", proposed.url ?? "");
    log.step(proposedText(proposed));
    await tell(verdict, `${page}\n${proposedText(proposed)}\n`, verdict.exitCode);
    return verdict.exitCode;
  } catch (error) {
    // The baseline is in the checkout, for an artifact.
    await tell(verdict, page, verdict.exitCode);
    throw error;
  }
}

/**
 * A night of the branch: measured, appended to its history, pushed, and told in an issue while it drifts. There is one
 * issue for all branches, so it is the default branch's: another one's history says nothing of that.
 */
export async function drift(inputs: ActionInputs): Promise<number> {
  const name = process.env["GITHUB_EVENT_NAME"] ?? "";
  const ref = process.env["GITHUB_REF"] ?? "";
  if (!BRANCH_EVENTS.has(name)) {
    throw new UsageError(
      `mode drift: got the event ${JSON.stringify(name)}, expected schedule, push or workflow_dispatch: a history is of a branch`,
    );
  }
  if (inputs.failOn.some((each) => each !== "drift" && each !== "any")) {
    throw new UsageError(`fail-on: got ${inputs.failOn.join(", ")}, expected drift in mode drift`);
  }
  const access = accessOf(inputs);
  if (access === null) log.step("No github-token: nothing is pushed with it, and no issue tells of drift");
  const tellsIssue = isOnDefaultBranch({ name, ref, payload: context.payload });
  if (access !== null && !tellsIssue) {
    log.step(`${runnerLine(ref)} is not the default branch: the issue about drift is left as it is`);
  }
  const { config, world } = await prepareRun(inputs);
  const problems: string[] = [];
  core.startGroup("Measuring");
  const { run, drift: found } = await spendNight(config, world, {
    runs: [],
    keep: KEPT_NIGHTS,
    push: inputs.push ? (access?.auth ?? {}) : null,
    tracker: tellsIssue ? access : null,
    onProblem: (problem) => {
      problems.push(problem);
      core.error(runnerText(problem), { title: "vllm-gate drift" });
    },
  }).finally(() => core.endGroup());
  if (run !== null) core.setOutput("report-path", join(run.runDir, RUN_FILES.report));
  if (found === null) {
    if (run !== null) await tell(run.verdict, run.comment, run.verdict.exitCode);
    return run?.verdict.exitCode ?? EXIT.notMeasured;
  }
  const page = renderDrift(found);
  core.setOutput("comment-body", page);
  core.setOutput("verdict", found.drifting ? "regressed" : "pass");
  await writeSummary(page);
  if (found.drifting) {
    core.warning(runnerLine(page.split("\n")[0] ?? ""), { title: "vllm-gate: drift" });
    if (inputs.failOn.length > 0) return EXIT.regressed;
  }
  return problems.length > 0 ? EXIT.notMeasured : EXIT.pass;
}

/** What the history of the baselines tells. */
export async function audit(inputs: ActionInputs): Promise<number> {
  const kinds = failingKinds(inputs.failOn);
  const { baselineDir } = inputs.overrides;
  const { audit: found, page } = await runAudit({
    cwd: workspace(),
    configPath: inputs.config ?? CONFIG_FILE,
    ...(baselineDir === undefined ? {} : { baselineDir }),
    ...(inputs.since === undefined ? {} : { since: inputs.since }),
    now: new Date(),
  });
  const failing = found.findings.filter(({ kind }) => kinds.includes(kind));
  core.setOutput("comment-body", page);
  core.setOutput("verdict", failing.length > 0 ? "regressed" : "pass");
  await writeSummary(page);
  for (const { where, text } of failing)
    core.error(runnerText(text), { title: `vllm-gate audit: ${runnerLine(where)}` });
  return failing.length > 0 ? EXIT.regressed : EXIT.pass;
}
