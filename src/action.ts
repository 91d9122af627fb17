import { randomUUID } from "node:crypto";
import { join } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { acceptVerdict } from "./action-accept.ts";
import { publishFork } from "./action-fork.ts";
import { type ActionInputs, type Mode, readInputs } from "./action-inputs.ts";
import { audit, drift, record } from "./action-ledger.ts";
import { log, onProblem, savePublication, tell, tellPosted } from "./action-outputs.ts";
import { type Publishing, publishFailure, publishVerdict, writeHandoff } from "./action-publication.ts";
import { keyOf, targetOf } from "./action-target.ts";
import { prepareRun, workspace } from "./action-world.ts";
import { GateError, messageOf, UsageError } from "./domain/errors.ts";
import { RUN_FILES } from "./domain/run.ts";
import { EXIT } from "./domain/verdict.ts";
import { type RunResult, runGate } from "./gate.ts";
import { begin, type Content } from "./publish/publication.ts";
import { repositoryOf, type Subject, subjectOf } from "./publish/subject.ts";
import { contentOf, mergedContent } from "./publishing.ts";
import { cellsOf, mergeRuns, readAll, readReported, runFolders } from "./reporting.ts";
import { basicCredential } from "./system/git-auth.ts";
import { secretsOf } from "./system/redact.ts";
import { runnerText } from "./system/runner-log.ts";

const MODE_RUNS: Readonly<Record<Mode, (inputs: ActionInputs) => Promise<number>>> = {
  gate: (inputs) => gate(inputs),
  record,
  drift,
  report: (inputs) => report(inputs),
  publish: (inputs) => publish(inputs),
  audit,
};

async function run(): Promise<number> {
  const inputs = readInputs(core.getInput);
  const { token = "" } = inputs;
  const basic = token === "" ? "" : basicCredential(token);
  for (const secret of [token, basic, ...secretsOf(process.env)]) if (secret !== "") core.setSecret(secret);
  return MODE_RUNS[inputs.mode](inputs);
}

/** The publication of this job, begun; null where it posts nothing itself. */
async function beginPublishing(inputs: ActionInputs, subject: Subject): Promise<Publishing | null> {
  if (inputs.cell !== undefined) {
    log.step("One job of a matrix: the job that reports posts its verdict");
    return null;
  }
  if (subject.pullRequest?.isFork === true) {
    log.step(
      "A pull request of a fork: its token may post nothing, so a `workflow_run` job posts the verdict",
    );
    return null;
  }
  const key = keyOf(inputs);
  const externalId = randomUUID();
  const target = targetOf(inputs.token, { subject, key, externalId }, process.env, log);
  if (target === null) {
    log.step("No github-token: the verdict is in the job's summary alone");
    return null;
  }
  // Before the check exists: a step that is killed right after must not leave it in progress.
  savePublication({ subject, key, externalId });
  const begun = await begin(target, onProblem);
  return { target, begun, acceptLabel: inputs.acceptLabel, log, onProblem };
}

/** Posts with it, and posts the failure of what it is given. */
async function withPublishing(
  inputs: ActionInputs,
  subject: Subject,
  work: (publishing: Publishing | null) => Promise<number>,
): Promise<number> {
  const publishing = await beginPublishing(inputs, subject);
  try {
    const code = await work(publishing);
    savePublication(null);
    return code;
  } catch (error) {
    if (publishing !== null) await publishFailure(publishing, error);
    savePublication(null);
    throw error;
  }
}

function gate(inputs: ActionInputs): Promise<number> {
  const subject = subjectOf(process.env, context.payload);
  return withPublishing(inputs, subject, (publishing) => measure(inputs, { subject, publishing }));
}

/** Measures, and publishes what came of it. */
async function measure(
  inputs: ActionInputs,
  { subject, publishing }: { readonly subject: Subject; readonly publishing: Publishing | null },
): Promise<number> {
  let handedOn: Promise<void> = Promise.resolve();
  const { config, world } = await prepareRun(inputs, { headAlone: false }, (runDir) => {
    // At once: what a killed run leaves is handed on as well.
    handedOn = writeHandoff(runDir, subject, inputs.cell);
    handedOn.catch(() => {});
  });
  core.startGroup("Measuring");
  const result = await runGate(config, world).finally(() => core.endGroup());
  await handedOn;
  core.setOutput("report-path", join(result.runDir, RUN_FILES.report));
  core.setOutput("run-path", result.runDir);
  const exitCode =
    publishing === null
      ? result.verdict.exitCode
      : await publishRun(publishing, result).catch((error: unknown) => {
          // The verdict stands, posted or not.
          onProblem(`the verdict could not be posted: ${messageOf(error)}`);
          return result.verdict.exitCode;
        });
  await tell(result.verdict, result.comment, exitCode);
  return exitCode;
}

async function publishRun(publishing: Publishing, { runDir, verdict }: RunResult): Promise<number> {
  const cwd = workspace();
  const reported = await readReported(runDir);
  return publishVerdict(publishing, verdict, cwd, (circumstances) => contentOf(reported, circumstances));
}

/** Many runs of a matrix as one comment. */
function report(inputs: ActionInputs): Promise<number> {
  const subject = subjectOf(process.env, context.payload);
  return withPublishing(inputs, subject, async (publishing) => {
    const cwd = workspace();
    const names = inputs.runs.length > 0 ? inputs.runs : ["runs/*"];
    const { runs, unread } = await readAll(await runFolders(names, cwd), readReported);
    for (const { folder, problem } of unread) log.warn(`${folder}: ${problem}`);
    const merged = mergeRuns(cellsOf(runs, unread, inputs.cells, cwd));
    const { overall, parts } = merged;
    const exitCode =
      publishing === null
        ? overall.exitCode
        : await publishVerdict(publishing, overall, cwd, (circumstances) =>
            mergedContent(merged, circumstances),
          );
    await tell(overall, `${parts.map(({ text }) => text).join("\n\n")}\n`, exitCode);
    return exitCode;
  });
}

/** Posts for jobs that may not: of forks, and of people who accept a verdict. */
async function publish(inputs: ActionInputs): Promise<number> {
  const { payload } = context;
  const key = keyOf(inputs);
  const job = {
    payload,
    repository: repositoryOf(process.env, payload),
    acceptLabel: inputs.acceptLabel,
    target: (subject: Subject) =>
      targetOf(inputs.token, { subject, key, externalId: randomUUID() }, process.env, log),
    log,
    onProblem,
  };
  let problems = 0;
  let made: Content | null = null;
  switch (process.env["GITHUB_EVENT_NAME"]) {
    case "workflow_run": {
      const posted = await publishFork({
        ...job,
        onProblem: (problem) => {
          problems += 1;
          onProblem(problem);
        },
        onBegin: ({ subject, externalId }) => savePublication({ subject, key, externalId }),
        onContent: (content) => {
          made = content;
        },
        cwd: workspace(),
        runs: inputs.runs.length > 0 ? inputs.runs : ["runs"],
        cells: inputs.cells,
        onRefusal: (line) => core.error(runnerText(line), { title: "vllm-gate: artifact refused" }),
      });
      if (made !== null) await tellPosted(made);
      savePublication(null);
      // To post is all that this job is for.
      return posted === EXIT.pass && problems > 0 ? EXIT.notMeasured : posted;
    }
    case "issue_comment":
    case "pull_request":
    case "pull_request_target":
      return acceptVerdict(job);
    default:
      throw new UsageError(
        `mode publish: got the event ${JSON.stringify(process.env["GITHUB_EVENT_NAME"] ?? "")}, expected workflow_run, ` +
          "issue_comment, or pull_request_target with the type labeled",
      );
  }
}

// Outputs have a value however the step ends.
core.setOutput("verdict", "failed");
core.setOutput("comment-body", "");
core.setOutput("report-path", "");
core.setOutput("run-path", "");
core.setOutput("pull-request-url", "");
try {
  process.exitCode = await run();
} catch (error) {
  core.error(runnerText(messageOf(error)), { title: "vllm-gate" });
  process.exitCode = error instanceof GateError ? error.exitCode : EXIT.notMeasured;
}
