import { z } from "zod";
import { UsageError } from "../domain/errors.ts";
import { checkJson } from "../system/files.ts";

const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const sha = z.string().regex(SHA, "expected the hash of a commit");

/** A pull request as an event tells it. */
export interface PullRequest {
  readonly number: number;
  /** Its head lies in another repository, so its token may write nothing. */
  readonly isFork: boolean;
}

/** What the verdict is about. */
export interface Subject {
  readonly owner: string;
  readonly repo: string;
  readonly headSha: string;
  readonly pullRequest: PullRequest | null;
}

const pullRequestSchema = z.object({
  number: z.number().int().positive(),
  head: z.object({ sha, repo: z.object({ id: z.number() }).nullish() }),
  base: z.object({ repo: z.object({ id: z.number() }).nullish() }).optional(),
});

const REPOSITORY = /^(?!\.+\/)[\w.-]+\/(?!\.+$)[\w.-]+$/;

/** The repository that the workflow runs in. */
export function repositoryOf(
  environment: Readonly<Record<string, string | undefined>>,
  payload: Readonly<Record<string, unknown>>,
): { owner: string; repo: string } {
  const named = (payload["repository"] as { full_name?: unknown } | undefined)?.full_name;
  const name = environment["GITHUB_REPOSITORY"] || (typeof named === "string" ? named : "");
  const [owner = "", repo = ""] = name.split("/");
  if (!REPOSITORY.test(name)) {
    throw new UsageError(`GITHUB_REPOSITORY: got ${JSON.stringify(name)}, expected owner/name`);
  }
  return { owner, repo };
}

/**
 * What a run of this event judges: a pull request's head, not the merge commit that the workflow runs on, else the
 * commit itself.
 */
export function subjectOf(
  environment: Readonly<Record<string, string | undefined>>,
  payload: Readonly<Record<string, unknown>>,
): Subject {
  const repository = repositoryOf(environment, payload);
  const given = payload["pull_request"];
  if (given !== undefined && given !== null) {
    const { number, head, base } = checkJson(given, pullRequestSchema, "the event's pull_request");
    const own = (payload["repository"] as { id?: unknown } | undefined)?.id ?? base?.repo?.id;
    // A head whose repository was deleted is a stranger's.
    const isFork = head.repo?.id === undefined || head.repo.id !== own;
    return { ...repository, headSha: head.sha, pullRequest: { number, isFork } };
  }
  const headSha = environment["GITHUB_SHA"] ?? "";
  if (!SHA.test(headSha)) {
    throw new UsageError(`GITHUB_SHA: got ${JSON.stringify(headSha)}, expected the hash of a commit`);
  }
  return { ...repository, headSha, pullRequest: null };
}

const workflowRunSchema = z.object({
  id: z.number(),
  event: z.string(),
  conclusion: z.string().nullish(),
  html_url: z.string().optional(),
  head_sha: sha,
  head_branch: z.string().nullish(),
  head_repository: z.object({ id: z.number(), owner: z.object({ login: z.string() }) }).nullish(),
});
export type WorkflowRun = z.infer<typeof workflowRunSchema>;

/** The run that a `workflow_run` event is about: GitHub's word, not the artifact's. */
export function workflowRunOf(payload: Readonly<Record<string, unknown>>): WorkflowRun {
  return checkJson(payload["workflow_run"], workflowRunSchema, "the event's workflow_run");
}
