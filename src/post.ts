import * as core from "@actions/core";
import { readInputs } from "./action-inputs.ts";
import { PUBLICATION_STATE, parsePublicationState, targetOf } from "./action-target.ts";
import { type CleanUp, cleanUp } from "./cleanup.ts";
import { messageOf } from "./domain/errors.ts";
import { endDead } from "./publish/publication.ts";
import { lastWords } from "./publishing.ts";
import { partsOf, readReported } from "./reporting.ts";
import type { Log } from "./system/log.ts";
import { runnerLine, runnerText } from "./system/runner-log.ts";
import { STATE_NAME } from "./system/state-file.ts";

const log: Log = {
  step: (line) => core.info(runnerLine(line)),
  warn: (line) => core.warning(runnerLine(line)),
};

/** Ends the processes and files of a main step that was killed. */
async function endRun(): Promise<CleanUp | null> {
  const statePath = core.getState(STATE_NAME);
  if (statePath === "") return null;
  const result = await cleanUp(statePath, log);
  if (result.wasKilled) core.warning(`The main step was killed; see ${result.runDir}/verdict.json`);
  if (result.survivors.length > 0) process.exitCode = 1;
  return result;
}

/** Ends the check and the placeholder that a main step which was killed left open. */
async function endPublication(cleaned: CleanUp | null): Promise<void> {
  const saved = core.getState(PUBLICATION_STATE);
  if (saved === "") return;
  const target = targetOf(readInputs(core.getInput).token, parsePublicationState(saved), process.env, log);
  if (target === null) return;
  const report = cleaned?.runDir == null ? null : await readReported(cleaned.runDir).catch(() => null);
  const words =
    report === null
      ? lastWords("The job ended before it had a verdict", "Run it again; nothing was decided.", "cancelled")
      : {
          conclusion: report.verdict.conclusion,
          headline: report.verdict.headline,
          parts: partsOf(report, process.cwd()),
        };
  await endDead(target, words, (problem) => core.warning(runnerText(problem)));
}

// The `post` step: ends what a killed main step left. It never fails a job that was measured.
try {
  const cleaned = await endRun();
  await endPublication(cleaned);
} catch (error) {
  core.error(runnerText(`vllm-gate could not clean up: ${messageOf(error)}`));
  process.exitCode = 1;
}
