import { acceptanceOf, type Publishing } from "./action-publication.ts";
import { UsageError } from "./domain/errors.ts";
import { EXIT } from "./domain/verdict.ts";
import { parseAcceptance } from "./publish/acceptance.ts";
import { fitLength, MAX_COMMENT_LENGTH } from "./publish/fit.ts";
import { encodeFooter, markerOf } from "./publish/marker.ts";
import { beginOnlyCheck, endCheck, type Target } from "./publish/publication.ts";
import { findComments, loginOf, putComment } from "./publish/sticky-comment.ts";
import type { Subject } from "./publish/subject.ts";
import { acceptanceText } from "./publishing.ts";
import type { Log } from "./system/log.ts";

type Payload = Readonly<Record<string, unknown>>;

interface CommentPayload {
  readonly comment?: { readonly body?: unknown };
  readonly issue?: { readonly number?: unknown; readonly pull_request?: unknown };
  readonly pull_request?: { readonly number?: unknown };
  readonly label?: { readonly name?: unknown };
}

/** The pull request that an event may accept a loss of; null where it is about something else. */
export function acceptedPullRequest(payload: Payload, label: string | null): number | null {
  const { comment, issue, pull_request, label: given } = payload as CommentPayload;
  if (issue !== undefined) {
    const isAcceptance = typeof comment?.body === "string" && parseAcceptance(comment.body) !== null;
    if (!isAcceptance || issue.pull_request === undefined || issue.pull_request === null) return null;
    return typeof issue.number === "number" ? issue.number : null;
  }
  if (given?.name !== label || label === null) return null;
  return typeof pull_request?.number === "number" ? pull_request.number : null;
}

export interface AcceptJob {
  readonly payload: Payload;
  readonly acceptLabel: string | null;
  readonly repository: { readonly owner: string; readonly repo: string };
  readonly target: (subject: Subject) => Target | null;
  readonly log: Log;
  readonly onProblem: (problem: string) => void;
}

/**
 * Answers an acceptance: where it counts, the posted comment quotes it and the check of that commit stops blocking.
 * Nothing is measured, and no baseline is changed.
 */
export async function acceptVerdict(job: AcceptJob): Promise<number> {
  const { payload, acceptLabel, repository, log, onProblem } = job;
  const number = acceptedPullRequest(payload, acceptLabel);
  if (number === null) {
    log.step("Nothing in this event accepts a verdict");
    return EXIT.pass;
  }
  const any = job.target({ ...repository, headSha: "", pullRequest: { number, isFork: false } });
  if (any === null)
    throw new UsageError("github-token: expected a token, without one nothing can be accepted");
  const { octokit, owner, repo } = any.github;
  const { data: pull } = await octokit.rest.pulls.get({ owner, repo, pull_number: number });
  const headSha = pull.head.sha;
  const target = { ...any, subject: { ...any.subject, headSha } };
  const login = await loginOf(target.github);
  const [comment] = await findComments(target.github, number, target.key, login);
  const last = comment?.footer?.last ?? null;
  if (
    comment === undefined ||
    last === null ||
    last.commit !== headSha ||
    comment.footer?.measuring !== null
  ) {
    log.warn(
      `No verdict of ${headSha}, the head of pull request #${number}, was posted yet: nothing is accepted`,
    );
    return EXIT.pass;
  }
  if (!last.blocks) {
    log.step("The verdict does not block: there is nothing to accept");
    return EXIT.pass;
  }
  if (last.verdict === "failed") {
    log.warn("Nothing was measured, and that cannot be accepted: mend it and push again");
    return EXIT.pass;
  }
  const publishing: Publishing = {
    target,
    begun: { check: null, login, previous: last },
    acceptLabel,
    log,
    onProblem,
  };
  const acceptance = await acceptanceOf(publishing);
  if (acceptance === null) return EXIT.pass;
  const marker = markerOf(target.key);
  const text = acceptanceText(acceptance, headSha);
  const footer = encodeFooter({ v: 1, measuring: null, last: { ...last, blocks: false } });
  // Ours, as it was posted: only the end is machine-readable, and is written anew.
  const written = comment.body.slice(marker.length, comment.body.lastIndexOf("<!-- vllm-gate-data ")).trim();
  const room = MAX_COMMENT_LENGTH - marker.length - footer.length - 4;
  const parts = [
    { name: "acceptance", text },
    { name: "verdict", text: written },
  ];
  const body = [marker, fitLength(parts, room, "the run's artifact"), footer].join("\n\n");
  await putComment(target.github, { pullNumber: number, key: target.key, login, body });
  const check = await beginOnlyCheck(target, onProblem);
  if (check !== null) {
    const result = {
      conclusion: "neutral" as const,
      title: `Accepted by ${acceptance.by}: ${last.headline}`,
      summary: text,
      annotations: [],
    };
    await endCheck(target, check, result, onProblem);
  }
  log.step(`Accepted by ${acceptance.by} for ${headSha}: ${acceptance.reason}`);
  return EXIT.pass;
}
