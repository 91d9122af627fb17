import * as core from "@actions/core";
import { cleanUp } from "./cleanup.ts";
import { messageOf } from "./domain/errors.ts";
import { runnerLine } from "./system/runner-log.ts";
import { STATE_NAME } from "./system/state-file.ts";

// The `post` step: ends what a killed main step left. It never fails a job that was measured.
try {
  const statePath = core.getState(STATE_NAME);
  if (statePath !== "") {
    const result = await cleanUp(statePath, {
      step: (line) => core.info(runnerLine(line)),
      warn: (line) => core.warning(runnerLine(line)),
    });
    if (result.wasKilled) core.warning(`The main step was killed; see ${result.runDir}/verdict.json`);
    if (result.survivors.length > 0) process.exitCode = 1;
  }
} catch (error) {
  core.error(`vllm-gate could not clean up: ${messageOf(error)}`);
  process.exitCode = 1;
}
