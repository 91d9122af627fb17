import type { GitHub } from "./client.ts";
import { statusOf } from "./problem.ts";

/** Somebody's word that a loss is taken, for one commit. */
export interface Acceptance {
  readonly by: string;
  readonly reason: string;
  /** Where it was said. */
  readonly url: string | null;
  readonly at: string;
}

/** Why a word that was given does not count. */
export interface Refused {
  readonly by: string;
  readonly why: string;
}

export interface AcceptanceRequest {
  readonly pullNumber: number;
  /** The commit that was judged. */
  readonly headSha: string;
  /** When its verdict was posted: what was said before was said about something else. */
  readonly judgedAt: string;
  /** Label that accepts; none when null. */
  readonly label: string | null;
}

const COMMAND = /^\/vllm-gate[ \t]+accept(?:[ \t]+(.*))?$/;
const NAMED_COMMIT = /^([0-9a-f]{7,64})[:,]?\s+(.*)$/;
const MAX_REASON_LENGTH = 500;

/**
 * The acceptance in a comment's first line: `/vllm-gate accept REASON`, or with the commit that is meant,
 * `/vllm-gate accept 1a2b3c4 REASON`. Null where the comment is none.
 */
export function parseAcceptance(
  body: string,
): { readonly reason: string; readonly commit: string | null } | null {
  const [first = ""] = body.trimStart().split(/\r?\n/, 1);
  const match = COMMAND.exec(first.trimEnd());
  if (match === null) return null;
  const said = (match[1] ?? "").trim();
  const named = NAMED_COMMIT.exec(said);
  const reason = (named?.[2] ?? said).slice(0, MAX_REASON_LENGTH).trim();
  return { reason, commit: named?.[1] ?? null };
}

/**
 * Looks for an acceptance of a commit's verdict: by a comment or a label, of somebody who may write to the
 * repository, given after the verdict was posted and not edited since. The latest that counts is taken.
 */
export async function findAcceptance(
  github: GitHub,
  request: AcceptanceRequest,
): Promise<{ readonly acceptance: Acceptance | null; readonly refused: readonly Refused[] }> {
  const refused: Refused[] = [];
  const given = [
    ...(await fromComments(github, request, refused)),
    ...(await fromLabel(github, request)),
  ].sort((a, b) => b.at.localeCompare(a.at));
  for (const each of given) {
    if (await mayWrite(github, each.by)) return { acceptance: each, refused };
    refused.push({ by: each.by, why: "has no write permission here" });
  }
  return { acceptance: null, refused };
}

async function fromComments(
  { octokit, owner, repo }: GitHub,
  { pullNumber, headSha, judgedAt }: AcceptanceRequest,
  refused: Refused[],
): Promise<Acceptance[]> {
  const comments = await octokit.paginate(octokit.rest.issues.listComments, {
    owner,
    repo,
    issue_number: pullNumber,
    // Whole seconds: what is exactly as old is sorted out below.
    since: judgedAt,
    per_page: 100,
  });
  return comments.flatMap((comment) => {
    const parsed = parseAcceptance(comment.body ?? "");
    const by = comment.user?.login;
    if (parsed === null || by === undefined || !isAfter(comment.created_at, judgedAt)) return [];
    const refuse = (why: string) => {
      refused.push({ by, why });
      return [];
    };
    if (comment.user?.type === "Bot") return refuse("is a program, and only people accept a loss");
    if (comment.updated_at !== comment.created_at) return refuse("edited the comment after it was written");
    if (parsed.commit !== null && !headSha.startsWith(parsed.commit)) {
      return refuse(`named the commit ${parsed.commit}, not the one that was judged`);
    }
    if (parsed.reason === "") return refuse("gave no reason: `/vllm-gate accept REASON`");
    return [{ by, reason: parsed.reason, url: comment.html_url, at: comment.created_at }];
  });
}

async function fromLabel(
  { octokit, owner, repo }: GitHub,
  { pullNumber, judgedAt, label }: AcceptanceRequest,
): Promise<Acceptance[]> {
  if (label === null) return [];
  const events = await octokit.paginate(octokit.rest.issues.listEvents, {
    owner,
    repo,
    issue_number: pullNumber,
    per_page: 100,
  });
  const ofLabel = events
    .filter((each) => each.event === "labeled" || each.event === "unlabeled")
    .filter((each) => "label" in each && each.label?.name === label);
  const last = ofLabel.at(-1);
  if (last?.event !== "labeled" || last.actor == null || !isAfter(last.created_at, judgedAt)) return [];
  const url = "html_url" in last && typeof last.html_url === "string" ? last.html_url : null;
  return [{ by: last.actor.login, reason: `label "${label}"`, url, at: last.created_at }];
}

/** GitHub tells whole seconds: what falls in the second of the verdict is taken for earlier. */
function isAfter(at: string, judgedAt: string): boolean {
  return Date.parse(at) > Date.parse(judgedAt);
}

/** Whether somebody may write to the repository. `maintain` counts as `write` in this answer. */
async function mayWrite({ octokit, owner, repo }: GitHub, username: string): Promise<boolean> {
  try {
    const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({ owner, repo, username });
    return ["admin", "write", "owner"].includes(data.permission);
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
