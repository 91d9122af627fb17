import * as core from "@actions/core";
import { PUBLICATION_STATE, type PublicationState } from "./action-target.ts";
import { messageOf } from "./domain/errors.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import type { Content } from "./publish/publication.ts";
import type { Log } from "./system/log.ts";
import { runnerLine, runnerText } from "./system/runner-log.ts";

/** The job's log, in which nothing that is printed can be taken for a command. */
export const log: Log = {
  step: (message) => core.info(runnerLine(message)),
  warn: (message) => core.warning(runnerText(message)),
};

/** What could not be published is in the summary; the warning says which permission would have allowed it. */
export const onProblem = (problem: string) => {
  core.warning(runnerText(`${problem}. The job's summary has the report.`), {
    title: "vllm-gate: not posted",
  });
};

/** What the `post` step has to end; null when nothing is open any more. */
export function savePublication(state: PublicationState | null): void {
  core.saveState(PUBLICATION_STATE, state === null ? "" : JSON.stringify(state));
}

/** Outputs and summary of a job that posted what another measured. */
export async function tellPosted({ verdict, parts }: Content): Promise<void> {
  const text = `${parts.map((part) => part.text).join("\n\n")}\n`;
  core.setOutput("verdict", verdict);
  core.setOutput("comment-body", text);
  await writeSummary(text);
}

/** Outputs, summary and a line in the log: after everything is posted, before the job ends. */
export async function tell(
  verdict: Pick<VerdictFile, "verdict" | "headline" | "nextAction" | "exitCode">,
  comment: string,
  exitCode: number,
): Promise<void> {
  core.setOutput("verdict", verdict.verdict);
  core.setOutput("comment-body", comment);
  await writeSummary(comment);
  const line = `${verdict.headline.replace(/\.+$/, "")}. ${verdict.nextAction}`;
  const title = `vllm-gate: ${verdict.verdict}`;
  if (exitCode !== EXIT.pass) core.error(runnerText(line), { title });
  else if (verdict.verdict !== "pass") core.notice(runnerText(line), { title });
  else core.info(runnerLine(line));
}

/** The runner takes no more for one step's summary. */
const MAX_SUMMARY_BYTES = 1024 * 1024;

/** The verdict stands in the outputs: a summary that cannot be written changes nothing about it. */
export async function writeSummary(comment: string): Promise<void> {
  const fits = Buffer.byteLength(comment) <= MAX_SUMMARY_BYTES;
  try {
    await core.summary
      .addRaw(fits ? comment : "The report is too long for a summary: see report.md in the run folder.\n")
      .write();
  } catch (error) {
    core.warning(runnerLine(`The job's summary could not be written: ${messageOf(error)}`));
  }
}
