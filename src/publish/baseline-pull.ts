import { createHash } from "node:crypto";
import type { GitHub } from "./client.ts";
import { fitLength, MAX_COMMENT_LENGTH, type Part } from "./fit.ts";
import { explain, statusOf } from "./problem.ts";

/** A baseline to be proposed to a branch. */
export interface Proposal {
  /** The branch that it is for; the repository's default branch when null. */
  readonly base: string | null;
  /** Path of the baseline from the repository's root, with `/`; one pull request for each. */
  readonly path: string;
  readonly content: string;
  /** Title of the pull request, and first line of the commit. */
  readonly title: string;
  readonly parts: readonly Part[];
  /** Where people read the repository: `https://github.com`. */
  readonly serverUrl: string;
  /** Where the run can be read; null outside of a workflow. */
  readonly runUrl: string | null;
}

/** What became of a proposal. `unchanged`: the branch has this very file already. */
export interface Proposed {
  readonly change: "opened" | "updated" | "unchanged";
  readonly url: string | null;
}

export const PULL_PERMISSIONS = "contents: write` and `pull-requests: write";

const MARKER = "<!-- vllm-gate-baseline -->";
const MAX_TITLE_LENGTH = 250;
const MAX_NAME_LENGTH = 120;

/** A baseline's own branch: readable, and no two paths share one. */
export function branchOf(path: string): string {
  const name = path
    .replace(/\.json$/, "")
    .replace(/[^\w/-]+/g, "-")
    .replace(/\/+/g, "/")
    .replace(/^[-/]+/, "")
    .slice(-MAX_NAME_LENGTH)
    .replace(/^[-/]+|[-/]+$/g, "");
  return `vllm-gate/${name}-${createHash("sha256").update(path).digest("hex").slice(0, 6)}`;
}

/**
 * Proposes a baseline by a pull request: one commit on top of the base branch as it is now, on the baseline's own
 * branch, which belongs to this tool and is written anew. An open pull request of that branch is brought up to date.
 *
 * Through the API (git data), not by a push: a token is enough, no checkout has to hold credentials, and the commit is
 * GitHub's own, signed where the token is an app's.
 *
 * @throws what GitHub says when it refuses; see {@link explainProposal}
 */
export async function proposeBaseline(github: GitHub, proposal: Proposal): Promise<Proposed> {
  const { octokit, owner, repo } = github;
  const base = proposal.base ?? (await octokit.rest.repos.get({ owner, repo })).data.default_branch;
  const { data: head } = await octokit.rest.git.getRef({ owner, repo, ref: `heads/${base}` });
  const { data: parent } = await octokit.rest.git.getCommit({ owner, repo, commit_sha: head.object.sha });
  const { path, content, title } = proposal;
  const { data: tree } = await octokit.rest.git.createTree({
    owner,
    repo,
    base_tree: parent.tree.sha,
    tree: [{ path, mode: "100644", type: "blob", content }],
  });
  if (tree.sha === parent.tree.sha) return { change: "unchanged", url: null };
  const { data: commit } = await octokit.rest.git.createCommit({
    owner,
    repo,
    message: title,
    tree: tree.sha,
    parents: [parent.sha],
  });
  const branch = branchOf(path);
  await pointAt(github, branch, commit.sha);
  return { ...(await openOrUpdate(github, proposal, base, branch)) };
}

/** Makes a branch, or moves it, wherever it was. */
async function pointAt({ octokit, owner, repo }: GitHub, branch: string, sha: string): Promise<void> {
  try {
    await octokit.rest.git.updateRef({ owner, repo, ref: `heads/${branch}`, sha, force: true });
  } catch (error) {
    // "Reference does not exist"
    if (statusOf(error) !== 422 && statusOf(error) !== 404) throw error;
    await octokit.rest.git.createRef({ owner, repo, ref: `refs/heads/${branch}`, sha });
  }
}

/** GitHub refused the pull request alone: the branch is there. */
class UnopenedPull extends Error {
  readonly compareUrl: string;
  constructor(compareUrl: string, cause: unknown) {
    super("the branch is pushed, the pull request could not be opened", { cause });
    this.compareUrl = compareUrl;
  }
}

async function openOrUpdate(
  { octokit, owner, repo }: GitHub,
  proposal: Proposal,
  base: string,
  branch: string,
): Promise<Proposed> {
  const { data: open } = await octokit.rest.pulls.list({
    owner,
    repo,
    state: "open",
    head: `${owner}:${branch}`,
    base,
    per_page: 100,
  });
  const title = proposal.title.slice(0, MAX_TITLE_LENGTH);
  const body = bodyOf(proposal);
  // A fork of the same owner may have such a branch, too.
  const existing = open.find((pull) => pull.head.ref === branch && pull.head.repo?.id === pull.base.repo.id);
  if (existing !== undefined) {
    const { data } = await octokit.rest.pulls.update({
      owner,
      repo,
      pull_number: existing.number,
      title,
      body,
    });
    return { change: "updated", url: data.html_url };
  }
  try {
    const { data } = await octokit.rest.pulls.create({ owner, repo, title, body, base, head: branch });
    return { change: "opened", url: data.html_url };
  } catch (error) {
    if (statusOf(error) !== 403) throw error;
    throw new UnopenedPull(
      `${proposal.serverUrl}/${owner}/${repo}/compare/${base}...${branch}?expand=1`,
      error,
    );
  }
}

function bodyOf({ parts, runUrl }: Proposal): string {
  const where = runUrl === null ? "the baseline's file" : `[the run](${runUrl})`;
  const end = `<sub>vllm-gate${runUrl === null ? "" : ` · ${where}`} · this branch is written anew by each recording</sub>`;
  const room = MAX_COMMENT_LENGTH - MARKER.length - end.length - 4;
  return [MARKER, fitLength(parts, room, where), end].join("\n\n");
}

/** Why a baseline could not be proposed, and what to change. */
export function explainProposal(error: unknown): string {
  if (!(error instanceof UnopenedPull)) return explain(error, "open the pull request", PULL_PERMISSIONS);
  return (
    `${explain(error.cause, "open the pull request", "pull-requests: write")}, and let Actions open pull requests ` +
    `(Settings > Actions > General > Workflow permissions). Its branch is there: ${error.compareUrl}`
  );
}
