import { join } from "node:path";
import { messageOf } from "./domain/errors.ts";
import { EXIT, type VerdictFile } from "./domain/verdict.ts";
import { type Acceptance, findAcceptance } from "./publish/acceptance.ts";
import { HANDOFF_FILE, type Handoff } from "./publish/artifact.ts";
import { type AddedLine, addedLines } from "./publish/changed-lines.ts";
import { explain } from "./publish/problem.ts";
import { type Begun, type Content, PERMISSIONS, post, type Target } from "./publish/publication.ts";
import type { Subject } from "./publish/subject.ts";
import { type Circumstances, failureContent, isAcceptable } from "./publishing.ts";
import { writeJson } from "./system/files.ts";
import type { Log } from "./system/log.ts";

/** A publication of this job that was begun. */
export interface Publishing {
  readonly target: Target;
  readonly begun: Begun;
  readonly acceptLabel: string | null;
  readonly log: Log;
  /** Told of everything that could not be published. */
  readonly onProblem: (problem: string) => void;
}

/** Whether somebody accepted this commit's verdict after it was posted; what was said and does not count is told. */
export async function acceptanceOf(publishing: Publishing): Promise<Acceptance | null> {
  const { target, begun, acceptLabel, log, onProblem } = publishing;
  const { pullRequest, headSha } = target.subject;
  const { previous } = begun;
  if (pullRequest === null || previous === null || previous.commit !== headSha) return null;
  try {
    const { acceptance, refused } = await findAcceptance(target.github, {
      pullNumber: pullRequest.number,
      headSha,
      judgedAt: previous.at,
      label: acceptLabel,
    });
    for (const { by, why } of refused) log.warn(`An acceptance by ${by} does not count: ${by} ${why}`);
    return acceptance;
  } catch (error) {
    onProblem(explain(error, "look for an acceptance", PERMISSIONS.comment));
    return null;
  }
}

/**
 * Posts a verdict and says what the job ends with: its exit code, or 0 when somebody accepted the loss.
 *
 * @param contentOf - the words for it, once it is known what stands beside them
 */
export async function publishVerdict(
  publishing: Publishing,
  verdict: Pick<VerdictFile, "exitCode" | "verdict">,
  cwd: string,
  contentOf: (circumstances: Circumstances) => Content,
): Promise<number> {
  const { target, begun, log, onProblem } = publishing;
  const acceptance = isAcceptable(verdict) ? await acceptanceOf(publishing) : null;
  const content = contentOf({
    cwd,
    headSha: target.subject.headSha,
    previous: begun.previous,
    acceptance,
    added: verdict.verdict === "pass" ? [] : await linesOf(publishing),
  });
  const { posted } = await post(target, begun, content, onProblem);
  if (posted && target.subject.pullRequest !== null) log.step("The comment is posted");
  if (acceptance === null) return verdict.exitCode;
  log.step(`Accepted by ${acceptance.by} for ${target.subject.headSha}: ${acceptance.reason}`);
  return EXIT.pass;
}

async function linesOf({ target, begun, log }: Publishing): Promise<AddedLine[]> {
  const { github, subject } = target;
  // A commit status has no annotations.
  if (subject.pullRequest === null || begun.check?.kind !== "check") return [];
  try {
    return await addedLines(github, subject.pullRequest.number);
  } catch (error) {
    log.step(`No annotations: ${explain(error, "list the changed files", PERMISSIONS.read)}`);
    return [];
  }
}

/** Posts that nothing was measured, and why. */
export async function publishFailure(publishing: Publishing, error: unknown): Promise<void> {
  const { target, begun, onProblem } = publishing;
  const content = failureContent(messageOf(error), "Mend it and push again; nothing was measured.");
  await post(target, begun, content, onProblem);
}

/** Writes what the job that posts must know into the run folder, which travels as an artifact. */
export function writeHandoff(runDir: string, subject: Subject, cell: string | undefined): Promise<void> {
  const handoff: Handoff = {
    schemaVersion: 1,
    pullRequest: subject.pullRequest?.number ?? null,
    headSha: subject.headSha,
    cell: cell ?? null,
  };
  return writeJson(join(runDir, HANDOFF_FILE), handoff);
}
