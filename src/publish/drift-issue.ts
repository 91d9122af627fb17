import type { GitHub } from "./client.ts";
import { fitLength, MAX_COMMENT_LENGTH, type Part } from "./fit.ts";
import { explain, statusOf } from "./problem.ts";
import { loginOf } from "./sticky-comment.ts";

/** What a night has to say of one scenario on one machine. */
export interface DriftNews {
  /** Tells the issues of scenarios and machines apart: the folder of the history. */
  readonly key: string;
  readonly drifting: boolean;
  readonly title: string;
  readonly parts: readonly Part[];
  /** One sentence of Markdown, for the conversation of the issue: what others wrote is escaped in it. */
  readonly summary: string;
  /** Where the run can be read. */
  readonly runUrl: string;
}

/** What became of the issue. `left`: people closed it as not planned, and it stays so. */
export type IssueChange = "opened" | "updated" | "reopened" | "closed" | "left" | "none";

export interface IssueResult {
  readonly change: IssueChange;
  readonly url: string | null;
}

export const ISSUE_PERMISSION = "issues: write";

interface Issue {
  readonly number: number;
  readonly url: string;
  readonly notPlanned: boolean;
  readonly closedAt: string;
}

const MARKER = "<!-- vllm-gate-drift:";
const MAX_TITLE_LENGTH = 250;

/** The hidden first line of an issue. Keys are paths: what could end an HTML comment is replaced. */
export function issueMarker(key: string): string {
  return `${MARKER}${key.replace(/[^\w./-]/g, "_").replace(/-{2,}/g, "-")} -->`;
}

/** Our issues with this key, the oldest first: those that begin with its marker and that we opened. All pages are read. */
async function findIssues(
  { octokit, owner, repo }: GitHub,
  key: string,
  login: string,
  filter: { readonly state: "open" } | { readonly state: "closed"; readonly creator: string },
): Promise<Issue[]> {
  const all = await octokit.paginate(octokit.rest.issues.listForRepo, {
    owner,
    repo,
    per_page: 100,
    ...filter,
  });
  return all
    .filter(
      (each) =>
        each.pull_request === undefined &&
        each.user?.login.toLowerCase() === login.toLowerCase() &&
        each.body?.split(/\r?\n/, 1)[0] === issueMarker(key),
    )
    .sort((a, b) => a.number - b.number)
    .map((each) => ({
      number: each.number,
      url: each.html_url,
      notPlanned: each.state_reason === "not_planned",
      closedAt: each.closed_at ?? "",
    }));
}

/**
 * The issue that was closed last. Only this looks through the closed ones, by GitHub's own filter; a forge that has no
 * such filter costs a new issue, never a second open one.
 */
async function lastClosed(github: GitHub, key: string, login: string): Promise<Issue | null> {
  try {
    const closed = await findIssues(github, key, login, { state: "closed", creator: login });
    return closed.sort((a, b) => a.closedAt.localeCompare(b.closedAt)).at(-1) ?? null;
  } catch (error) {
    if (statusOf(error) === 422) return null;
    throw error;
  }
}

/**
 * Tells GitHub about a night: while a scenario drifts on a machine there is one open issue, which each night updates;
 * it is closed with a comment on recovery, and opened again when the drift comes back. One that people closed as not
 * planned is brought up to date and stays closed, until the scenario recovered.
 *
 * @throws what GitHub says when it refuses; see {@link explainIssue}
 */
export async function syncDriftIssue(github: GitHub, news: DriftNews): Promise<IssueResult> {
  const login = await loginOf(github);
  const open = await findIssues(github, news.key, login, { state: "open" });
  const [issue, ...others] = open;
  // Two jobs that opened one each at once.
  for (const { number } of others) await close(github, number, `The same as #${issue?.number}.`);
  if (issue !== undefined) {
    const url = await write(github, issue.number, news);
    if (news.drifting) return { change: "updated", url };
    await close(github, issue.number, `✅ ${news.summary} ([the run](${news.runUrl}))`);
    return { change: "closed", url };
  }
  const closed = await lastClosed(github, news.key, login);
  if (!news.drifting) {
    // Recovered: the next drift is another one, whatever people thought of the last.
    if (closed?.notPlanned !== true) return { change: "none", url: null };
    await close(github, closed.number, `✅ ${news.summary} ([the run](${news.runUrl}))`);
    return { change: "closed", url: closed.url };
  }
  if (closed === null) return { change: "opened", url: await create(github, news, login) };
  const url = await write(github, closed.number, news);
  if (closed.notPlanned) return { change: "left", url };
  const { octokit, owner, repo } = github;
  await octokit.rest.issues.update({ owner, repo, issue_number: closed.number, state: "open" });
  await comment(github, closed.number, `🔴 Again: ${news.summary} ([the run](${news.runUrl}))`);
  return { change: "reopened", url };
}

/** Why an issue could not be written, and what to change. */
export function explainIssue(error: unknown): string {
  return explain(error, "write the issue", ISSUE_PERMISSION);
}

function contentOf({ key, title, parts, runUrl }: DriftNews): { title: string; body: string } {
  const marker = issueMarker(key);
  const end = `<sub>vllm-gate · [the night's run](${runUrl}) · this issue is written anew each night</sub>`;
  const room = MAX_COMMENT_LENGTH - marker.length - end.length - 4;
  const text = fitLength(parts, room, `[the night's run](${runUrl})`);
  return { title: title.slice(0, MAX_TITLE_LENGTH), body: [marker, text, end].join("\n\n") };
}

async function create(github: GitHub, news: DriftNews, login: string): Promise<string> {
  const { octokit, owner, repo } = github;
  try {
    const { data } = await octokit.rest.issues.create({
      owner,
      repo,
      ...contentOf(news),
      // Not by itself again: an answer that was lost may have made one.
      request: { retries: 0 },
    });
    return data.html_url;
  } catch (error) {
    const status = statusOf(error);
    if (status !== null && status < 500) throw error;
    const [made] = await findIssues(github, news.key, login, { state: "open" });
    if (made !== undefined) return made.url;
    const { data } = await octokit.rest.issues.create({ owner, repo, ...contentOf(news) });
    return data.html_url;
  }
}

async function write({ octokit, owner, repo }: GitHub, number: number, news: DriftNews): Promise<string> {
  const { data } = await octokit.rest.issues.update({
    owner,
    repo,
    issue_number: number,
    ...contentOf(news),
  });
  return data.html_url;
}

async function comment({ octokit, owner, repo }: GitHub, number: number, body: string): Promise<void> {
  await octokit.rest.issues.createComment({ owner, repo, issue_number: number, body });
}

async function close(github: GitHub, number: number, words: string): Promise<void> {
  const { octokit, owner, repo } = github;
  await comment(github, number, words);
  const end = { state: "closed", state_reason: "completed" } as const;
  await octokit.rest.issues.update({ owner, repo, issue_number: number, ...end });
}
