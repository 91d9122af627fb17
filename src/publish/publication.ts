import type { RunVerdict, VerdictFile } from "../domain/verdict.ts";
import {
  type Annotation,
  beginCheck,
  type Check,
  type CheckResult,
  completeCheck,
  findOpenChecks,
} from "./check.ts";
import type { GitHub } from "./client.ts";
import { fitLength, MAX_COMMENT_LENGTH, type Part } from "./fit.ts";
import { encodeFooter, type Footer, type Last, markerOf } from "./marker.ts";
import { explain, statusOf } from "./problem.ts";
import { findComments, loginOf, putComment } from "./sticky-comment.ts";
import type { Subject } from "./subject.ts";

/** Where a verdict is published, and as which. */
export interface Target {
  readonly github: GitHub;
  readonly subject: Subject;
  /** Tells comments and checks of one pull request apart. */
  readonly key: string;
  readonly checkName: string;
  /** Tells this run's check from those of other runs on the same commit. */
  readonly externalId: string;
  /** Where the workflow's run can be read. */
  readonly runUrl: string;
  readonly toolVersion: string;
}

/** What was begun: some of it may not have been allowed. */
export interface Begun {
  readonly check: Check | null;
  readonly login: string | null;
  /** What our comment on an earlier push, or an earlier run on this one, said. */
  readonly previous: Last | null;
}

/** A verdict in words. */
export interface Content {
  readonly verdict: RunVerdict;
  readonly conclusion: VerdictFile["conclusion"];
  readonly blocks: boolean;
  readonly headline: string;
  readonly parts: readonly Part[];
  readonly metrics: Last["metrics"];
  readonly annotations: readonly Annotation[];
}

export const PERMISSIONS = {
  comment: "pull-requests: write",
  check: "checks: write",
  read: "pull-requests: read",
} as const;

const SHORT = 10;
const MAX_HEADLINE_LENGTH = 1000;
/** A footer that tells more would crowd out what people read. */
const MAX_FOOTER_METRICS = 150;

/** Posts the check and the placeholder. Whatever is refused is told to `onProblem`: nothing here stops a measurement. */
export async function begin(target: Target, onProblem: (problem: string) => void): Promise<Begun> {
  const check = await beginOnlyCheck(target, onProblem);
  const { pullRequest, headSha } = target.subject;
  if (pullRequest === null) return { check, login: null, previous: null };
  try {
    const login = await loginOf(target.github);
    const [existing] = await findComments(target.github, pullRequest.number, target.key, login);
    const previous = existing?.footer?.last ?? null;
    const lines = [
      "### ⏳ measuring · vllm-gate",
      `Commit \`${headSha.slice(0, SHORT)}\` is being measured: [the run](${target.runUrl}).`,
      ...(previous === null
        ? []
        : [`_The last verdict, of \`${previous.commit.slice(0, SHORT)}\`: ${previous.verdict}._`]),
    ];
    const body = frame(target, lines.join("\n\n"), { v: 1, measuring: headSha, last: previous });
    await putComment(target.github, { pullNumber: pullRequest.number, key: target.key, login, body });
    return { check, login, previous };
  } catch (error) {
    onProblem(explain(error, "comment on the pull request", PERMISSIONS.comment));
    return { check, login: null, previous: null };
  }
}

/** The check alone: of a commit without a pull request, and of a verdict that exists already. */
export async function beginOnlyCheck(
  target: Target,
  onProblem: (problem: string) => void,
): Promise<Check | null> {
  try {
    return await beginCheck(target.github, {
      name: target.checkName,
      headSha: target.subject.headSha,
      externalId: target.externalId,
      detailsUrl: target.runUrl,
    });
  } catch (error) {
    onProblem(explain(error, "begin a check on the commit", PERMISSIONS.check));
    return null;
  }
}

function frame(target: Target, text: string, footer: Footer): string {
  return [markerOf(target.key), text, encodeFooter(footer)].join("\n\n");
}

/**
 * Posts a verdict: the comment, then the end of the check. Each is tried, whatever became of the other.
 *
 * @returns whether the comment was posted; true where there is no pull request to comment on
 */
export async function post(
  target: Target,
  begun: Begun,
  content: Content,
  onProblem: (problem: string) => void,
): Promise<{ readonly posted: boolean }> {
  const posted = await postComment(target, begun, content).catch((error: unknown) => {
    onProblem(explain(error, "comment on the pull request", PERMISSIONS.comment));
    return false;
  });
  if (begun.check !== null) await endCheck(target, begun.check, checkResultOf(content), onProblem);
  return { posted };
}

function checkResultOf({ conclusion, headline, parts, annotations }: Content): CheckResult {
  return { conclusion, title: headline, summary: parts.map(({ text }) => text).join("\n\n"), annotations };
}

/** Ends a check; one whose annotations GitHub refuses ends without them. */
export async function endCheck(
  target: Pick<Target, "github" | "runUrl">,
  check: Check,
  result: CheckResult,
  onProblem: (problem: string) => void,
): Promise<void> {
  const complete = (each: CheckResult) => completeCheck(target.github, check, each, target.runUrl);
  try {
    await complete(result).catch((error: unknown) => {
      if (statusOf(error) !== 422 || result.annotations.length === 0) throw error;
      return complete({ ...result, annotations: [] });
    });
  } catch (error) {
    onProblem(explain(error, "complete the check on the commit", PERMISSIONS.check));
  }
}

async function postComment(target: Target, begun: Begun, content: Content): Promise<boolean> {
  const { github, key, subject, runUrl } = target;
  const { pullRequest, headSha } = subject;
  if (pullRequest === null) return true;
  const login = begun.login ?? (await loginOf(github));
  const now = await headOf(github, pullRequest.number);
  const [existing] = await findComments(github, pullRequest.number, key, login);
  const theirs = existing?.footer;
  if (now !== null && now !== headSha && (theirs?.measuring === now || theirs?.last?.commit === now)) {
    github.log.step(
      `The comment is about ${now.slice(0, SHORT)} by now, which is newer: it is left, the check has this verdict`,
    );
    return true;
  }
  const previous = begun.previous ?? theirs?.last ?? null;
  const last: Last = {
    commit: headSha,
    verdict: content.verdict,
    blocks: content.blocks,
    // What was said of this commit after its first verdict was said of this one, too.
    at: previous !== null && previous.commit === headSha ? previous.at : github.now().toISOString(),
    headline: content.headline.slice(0, MAX_HEADLINE_LENGTH),
    metrics: Object.fromEntries(Object.entries(content.metrics).slice(0, MAX_FOOTER_METRICS)),
  };
  const end = `<sub>vllm-gate ${target.toolVersion} · commit \`${headSha.slice(0, SHORT)}\` · [the run and its files](${runUrl})</sub>`;
  const banner = await behind(github, headSha, now);
  const empty = frame(target, `\n\n${end}`, { v: 1, measuring: null, last });
  const room = MAX_COMMENT_LENGTH - empty.length;
  const whole = fitLength([...banner, ...content.parts], room, `[the run's artifact](${runUrl})`);
  const body = frame(target, `${whole}\n\n${end}`, { v: 1, measuring: null, last });
  await putComment(github, { pullNumber: pullRequest.number, key, login, body });
  return true;
}

async function headOf({ octokit, owner, repo }: GitHub, pullNumber: number): Promise<string | null> {
  try {
    return (await octokit.rest.pulls.get({ owner, repo, pull_number: pullNumber })).data.head.sha;
  } catch (error) {
    // It may comment and not read; the comment then says nothing of newer commits.
    if (statusOf(error) === 403 || statusOf(error) === 404) return null;
    throw error;
  }
}

/** What to know when the pull request moved on while its commit was measured. */
async function behind(github: GitHub, analysed: string, now: string | null): Promise<Part[]> {
  if (now === null || now === analysed) return [];
  const { octokit, owner, repo } = github;
  const rewritten = "The branch was rewritten since";
  const how = await octokit.rest.repos
    .compareCommitsWithBasehead({ owner, repo, basehead: `${analysed}...${now}`, per_page: 1 })
    .then(
      ({ data: { status, ahead_by: count } }) =>
        status === "ahead" ? `${count} commit${count === 1 ? "" : "s"} behind` : rewritten,
      // A head that was pushed by force has lost this commit; whoever may not read the repository cannot tell.
      (error: unknown) => (statusOf(error) === 404 ? rewritten : "The head has moved since"),
    );
  return [
    {
      name: "behind",
      text: `> ⏩ **${how}**: this is about \`${analysed.slice(0, SHORT)}\`, the head is \`${now.slice(0, SHORT)}\` by now.`,
    },
  ];
}

/** A verdict that the main step posted stands; only its placeholder is replaced. */
async function replacePlaceholder(target: Target, content: Content): Promise<void> {
  const { github, key, subject } = target;
  if (subject.pullRequest === null) return;
  const login = await loginOf(github);
  const [existing] = await findComments(github, subject.pullRequest.number, key, login);
  if (existing?.footer?.measuring !== subject.headSha) return;
  await postComment(target, { check: null, login, previous: existing.footer.last }, content);
}

/** What a job that died has to say; see {@link endDead}. */
export interface LastWords {
  readonly conclusion: VerdictFile["conclusion"];
  readonly headline: string;
  readonly parts: readonly Part[];
}

/** Ends what a main step that was killed left open: its check, and the placeholder. */
export async function endDead(
  target: Target,
  words: LastWords,
  onProblem: (problem: string) => void,
): Promise<void> {
  const { github, checkName, subject, externalId } = target;
  const request = { name: checkName, headSha: subject.headSha, externalId };
  const open = await findOpenChecks(github, request).catch((error: unknown) => {
    onProblem(explain(error, "look for the check on the commit", PERMISSIONS.check));
    return null;
  });
  const content: Content = { ...words, verdict: "failed", blocks: true, metrics: {}, annotations: [] };
  // A commit status is pending until it is written again; it has no id to look for.
  const statusOnly: Check = { kind: "status", id: null, name: checkName, headSha: subject.headSha };
  for (const check of open ?? [statusOnly]) await endCheck(target, check, checkResultOf(content), onProblem);
  await replacePlaceholder(target, content).catch((error: unknown) =>
    onProblem(explain(error, "comment on the pull request", PERMISSIONS.comment)),
  );
}
