import type { VerdictFile } from "../domain/verdict.ts";
import type { GitHub } from "./client.ts";
import { fitBytes, MAX_CHECK_BYTES } from "./fit.ts";
import { statusOf } from "./problem.ts";

/** A line of a file that the pull request changed, and what it did. */
export interface Annotation {
  readonly path: string;
  readonly line: number;
  readonly level: "failure" | "warning" | "notice";
  readonly title: string;
  readonly message: string;
}

/** A check on a commit that was begun. */
export interface Check {
  readonly kind: "check" | "status";
  /** Id of the check run; null of a commit status, which has none that could be changed. */
  readonly id: number | null;
  readonly name: string;
  readonly headSha: string;
}

export interface CheckRequest {
  readonly name: string;
  readonly headSha: string;
  /** Tells this run's check from those of other runs on the same commit. */
  readonly externalId: string;
  /** Where the run can be watched. */
  readonly detailsUrl: string;
}

/** A check's end. */
export interface CheckResult {
  readonly conclusion: VerdictFile["conclusion"];
  readonly title: string;
  readonly summary: string;
  readonly annotations: readonly Annotation[];
}

/** GitHub takes no more annotations in one request. */
const ANNOTATIONS_PER_REQUEST = 50;
/** A flag moves one line; more would bury it. */
const MAX_ANNOTATIONS = 100;
const MAX_TITLE_LENGTH = 255;
/** GitHub takes no longer description of a commit status. */
const MAX_DESCRIPTION_LENGTH = 140;

/** A commit status knows four states; only `failure` blocks, `pending` waits. */
const STATES: Readonly<Record<VerdictFile["conclusion"], "success" | "failure" | "error">> = {
  success: "success",
  neutral: "success",
  failure: "failure",
  action_required: "failure",
  cancelled: "error",
};

/**
 * Begins a check in progress; a pending commit status where the token or the forge has no checks.
 *
 * @throws what GitHub says when neither is allowed
 */
export async function beginCheck(github: GitHub, request: CheckRequest): Promise<Check> {
  const { octokit, owner, repo } = github;
  const { name, headSha, externalId, detailsUrl } = request;
  try {
    const { data } = await octokit.rest.checks.create({
      owner,
      repo,
      name,
      head_sha: headSha,
      external_id: externalId,
      details_url: detailsUrl,
      status: "in_progress",
      started_at: github.now().toISOString(),
      output: { title: "Measuring", summary: "The server is being measured." },
    });
    return { kind: "check", id: data.id, name, headSha };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    await octokit.rest.repos
      .createCommitStatus({
        owner,
        repo,
        sha: headSha,
        context: name,
        state: "pending",
        description: "Measuring",
        target_url: detailsUrl,
      })
      .catch((second: unknown) => {
        // The check is what should have been allowed: its refusal is the one to explain.
        throw isRefusal(second) ? error : second;
      });
    return { kind: "status", id: null, name, headSha };
  }
}

/** No permission, or a forge without checks. */
function isRefusal(error: unknown): boolean {
  const status = statusOf(error);
  return status === 403 || status === 404 || status === 405 || status === 501;
}

/** Ends a check with its conclusion, what to know about it, and annotations. */
export async function completeCheck(
  github: GitHub,
  check: Check,
  result: CheckResult,
  detailsUrl: string,
): Promise<void> {
  const { octokit, owner, repo } = github;
  const title = result.title.slice(0, MAX_TITLE_LENGTH);
  if (check.id === null) {
    await octokit.rest.repos.createCommitStatus({
      owner,
      repo,
      sha: check.headSha,
      context: check.name,
      state: STATES[result.conclusion],
      description: title.slice(0, MAX_DESCRIPTION_LENGTH),
      target_url: detailsUrl,
    });
    return;
  }
  const summary = fitBytes(result.summary, MAX_CHECK_BYTES);
  const annotations = result.annotations.slice(0, MAX_ANNOTATIONS).map((each) => ({
    path: each.path,
    start_line: each.line,
    end_line: each.line,
    annotation_level: each.level,
    title: each.title.slice(0, MAX_TITLE_LENGTH),
    message: each.message,
  }));
  const update = (more: object, slice: typeof annotations) =>
    octokit.rest.checks.update({
      owner,
      repo,
      check_run_id: check.id ?? 0,
      ...more,
      output: { title, summary, ...(slice.length > 0 ? { annotations: slice } : {}) },
    });
  // Its end first: whatever goes wrong with annotations, the check does not hang.
  await update(
    { status: "completed", conclusion: result.conclusion, completed_at: github.now().toISOString() },
    annotations.slice(0, ANNOTATIONS_PER_REQUEST),
  );
  for (let at = ANNOTATIONS_PER_REQUEST; at < annotations.length; at += ANNOTATIONS_PER_REQUEST) {
    await update({}, annotations.slice(at, at + ANNOTATIONS_PER_REQUEST));
  }
}

/** Checks of that name and id on a commit that were begun and not ended. */
export async function findOpenChecks(
  github: GitHub,
  request: Omit<CheckRequest, "detailsUrl">,
): Promise<Check[]> {
  const { octokit, owner, repo } = github;
  const runs = await octokit.paginate(octokit.rest.checks.listForRef, {
    owner,
    repo,
    ref: request.headSha,
    check_name: request.name,
    filter: "all",
    per_page: 100,
  });
  return runs
    .filter((each) => each.external_id === request.externalId && each.status !== "completed")
    .map((each) => ({ kind: "check", id: each.id, name: request.name, headSha: request.headSha }));
}
