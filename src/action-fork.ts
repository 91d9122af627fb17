import { basename } from "node:path";
import { type Publishing, publishVerdict } from "./action-publication.ts";
import { UsageError } from "./domain/errors.ts";
import { EXIT } from "./domain/verdict.ts";
import { readHostileRun } from "./publish/artifact.ts";
import type { GitHub } from "./publish/client.ts";
import { beginOnlyCheck, type Content, type Target } from "./publish/publication.ts";
import { findComments, loginOf } from "./publish/sticky-comment.ts";
import { type Subject, type WorkflowRun, workflowRunOf } from "./publish/subject.ts";
import { type Circumstances, contentOf, failureContent, mergedContent } from "./publishing.ts";
import { cellsOf, mergeRuns, type ReportedRun, readAll, runFolders, type UnreadRun } from "./reporting.ts";
import type { Log } from "./system/log.ts";

export interface ForkJob {
  readonly payload: Readonly<Record<string, unknown>>;
  readonly repository: { readonly owner: string; readonly repo: string };
  readonly cwd: string;
  /** Folders into which the artifacts were downloaded. */
  readonly runs: readonly string[];
  readonly cells: readonly string[];
  readonly acceptLabel: string | null;
  readonly target: (subject: Subject) => Target | null;
  readonly log: Log;
  readonly onProblem: (problem: string) => void;
  /** Told of each run that was refused. */
  readonly onRefusal: (line: string) => void;
  /** Told before anything is begun: a job that dies right after must end it. */
  readonly onBegin: (target: Target) => void;
  /** Told what is posted. */
  readonly onContent: (content: Content) => void;
}

/**
 * Posts what the job of a fork's pull request measured. Its artifact is a stranger's: what it says of itself is only
 * believed where the event says the same, and its words are rendered anew by this job.
 *
 * @returns 0 when it was posted, 2 when something of it was refused
 */
export async function publishFork(job: ForkJob): Promise<number> {
  const { log, onProblem, onRefusal, cwd } = job;
  const event = workflowRunOf(job.payload);
  const ownId = (job.payload["repository"] as { id?: unknown } | undefined)?.id;
  if (event.event !== "pull_request") {
    log.step(`The measuring run was of a ${event.event}: its own job has posted what there is`);
    return EXIT.pass;
  }
  if (event.head_repository?.id === ownId) {
    log.step("The pull request is this repository's own: its own job has posted the verdict");
    return EXIT.pass;
  }
  const first = job.target({ ...job.repository, headSha: event.head_sha, pullRequest: null });
  if (first === null)
    throw new UsageError("github-token: expected a token, without one nothing can be posted");
  const numbers = await pullRequestsOf(first.github, event);
  if (numbers.length === 0) {
    log.step(
      `No open pull request has ${event.head_branch} of that fork as its head: there is nothing to post to`,
    );
    return EXIT.pass;
  }
  const { runs, unread } = await readRuns(job, event, numbers);
  for (const { problem } of unread) onRefusal(problem);
  // Of several pull requests of one branch, the runs say which: it was checked that it is one of them.
  const number = runs[0]?.handoff?.pullRequest ?? numbers[0] ?? 0;
  const subject = { ...job.repository, headSha: event.head_sha, pullRequest: { number, isFork: true } };
  const target: Target = { ...first, subject, runUrl: event.html_url ?? first.runUrl };
  job.onBegin(target);
  const login = await loginOf(target.github);
  const [comment] = await findComments(target.github, number, target.key, login);
  const publishing: Publishing = {
    target,
    begun: {
      check: await beginOnlyCheck(target, onProblem),
      login,
      previous: comment?.footer?.last ?? null,
    },
    acceptLabel: job.acceptLabel,
    log,
    onProblem,
  };
  const { verdict, content } = resultOf(runs, unread, job, event);
  await publishVerdict(publishing, verdict, cwd, (circumstances) => {
    const made = content(circumstances);
    job.onContent(made);
    return made;
  });
  return unread.length > 0 ? EXIT.usage : EXIT.pass;
}

function resultOf(
  runs: readonly ReportedRun[],
  unread: readonly UnreadRun[],
  { cells, cwd }: ForkJob,
  event: WorkflowRun,
): {
  verdict: Parameters<typeof publishVerdict>[1];
  content: (circumstances: Circumstances) => Content;
} {
  const [only] = runs;
  if (runs.length + unread.length + cells.length === 0) {
    const headline = `The measuring job ended as "${event.conclusion ?? "unknown"}" and handed on no run`;
    return {
      verdict: { exitCode: EXIT.notMeasured, verdict: "failed" },
      content: () => failureContent(headline, "See its log; nothing was measured."),
    };
  }
  if (runs.length === 1 && unread.length === 0 && cells.length === 0 && only !== undefined) {
    return { verdict: only.verdict, content: (circumstances) => contentOf(only, circumstances) };
  }
  const merged = mergeRuns(cellsOf(runs, unread, cells, cwd));
  return { verdict: merged.overall, content: (circumstances) => mergedContent(merged, circumstances) };
}

/**
 * The open pull requests of the event's branch. The event's own list of them is empty for forks; the head's repository
 * and branch are GitHub's word.
 */
async function pullRequestsOf({ octokit, owner, repo }: GitHub, event: WorkflowRun): Promise<number[]> {
  const { head_repository: head, head_branch: branch } = event;
  // A head whose repository was deleted can still be asked for by nothing.
  if (head == null || branch == null) return [];
  const pulls = await octokit.paginate(octokit.rest.pulls.list, {
    owner,
    repo,
    state: "open",
    head: `${head.owner.login}:${branch}`,
    per_page: 100,
  });
  return pulls
    .filter((pull) => pull.head.repo?.id === head.id && pull.head.ref === branch)
    .map((pull) => pull.number);
}

async function readRuns(
  { runs: names, cwd }: ForkJob,
  event: WorkflowRun,
  numbers: readonly number[],
): Promise<{ runs: ReportedRun[]; unread: UnreadRun[] }> {
  // A job that died uploads nothing, so there is no folder.
  const folders = await runFolders(names, cwd).catch((error: unknown) => {
    if (error instanceof UsageError) return [];
    throw error;
  });
  return readAll(folders, async (folder) => {
    const run = await readHostileRun(folder);
    const { handoff } = run;
    const refuse = (why: string): never => {
      throw new UsageError(`${basename(folder).replace(/[^\w.-]/g, "?")}: ${why}: refused`);
    };
    if (handoff === null) return refuse("it does not say which pull request it is about");
    if (handoff.pullRequest === null || !numbers.includes(handoff.pullRequest)) {
      const of = handoff.pullRequest === null ? "no pull request" : `pull request #${handoff.pullRequest}`;
      return refuse(`it claims to be about ${of}, the event is about #${numbers.join(", #")}`);
    }
    if (handoff.headSha !== event.head_sha) {
      return refuse(`it claims to be about ${handoff.headSha}, the event is about ${event.head_sha}`);
    }
    return run;
  });
}
