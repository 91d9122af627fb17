import type { GitHub } from "./client.ts";
import { decodeFooter, type Footer, hasMarker } from "./marker.ts";
import { statusOf } from "./problem.ts";

/** Whose token it is where nothing tells: GitHub Actions' own. */
export const ACTIONS_BOT = "github-actions[bot]";

/** Our comment on a pull request. */
export interface StickyComment {
  readonly id: number;
  readonly url: string;
  readonly body: string;
  readonly footer: Footer | null;
}

/**
 * The login that this token writes as. A job's own token may not ask `/user`; GraphQL answers it, where there is
 * GraphQL.
 */
export async function loginOf({ octokit }: GitHub): Promise<string> {
  try {
    return (await octokit.rest.users.getAuthenticated()).data.login;
  } catch (error) {
    const status = statusOf(error);
    if (status !== 401 && status !== 403 && status !== 404) throw error;
  }
  try {
    const { viewer } = await octokit.graphql<{ viewer: { login: string } }>("query { viewer { login } }", {
      request: { retries: 0 },
    });
    return viewer.login;
  } catch {
    return ACTIONS_BOT;
  }
}

const sameLogin = (a: string | undefined, b: string) => a?.toLowerCase() === b.toLowerCase();

/** Our comments with this key, the oldest first: those that begin with its marker and that we wrote. All pages are read. */
export async function findComments(
  github: GitHub,
  pullNumber: number,
  key: string,
  login: string,
): Promise<StickyComment[]> {
  const { octokit, owner, repo } = github;
  const all = await octokit.paginate(octokit.rest.issues.listComments, {
    owner,
    repo,
    issue_number: pullNumber,
    per_page: 100,
  });
  return all
    .filter((each) => sameLogin(each.user?.login, login) && hasMarker(each.body ?? "", key))
    .sort((a, b) => a.id - b.id)
    .map((each) => {
      const body = each.body ?? "";
      return { id: each.id, url: each.html_url, body, footer: decodeFooter(body) };
    });
}

/**
 * Writes the comment with this key: into the one that is there, or a new one. There is one afterwards: others that
 * two jobs made at once are removed.
 *
 * @returns its id and address
 */
export async function putComment(
  github: GitHub,
  target: {
    readonly pullNumber: number;
    readonly key: string;
    readonly login: string;
    readonly body: string;
  },
): Promise<{ readonly id: number; readonly url: string }> {
  const { octokit, owner, repo } = github;
  const { pullNumber, key, login, body } = target;
  const find = () => findComments(github, pullNumber, key, login);
  const update = async (existing: readonly StickyComment[]) => {
    const [first, ...others] = existing;
    if (first === undefined) return null;
    try {
      const { data } = await octokit.rest.issues.updateComment({ owner, repo, comment_id: first.id, body });
      for (const { id } of others) await octokit.rest.issues.deleteComment({ owner, repo, comment_id: id });
      return { id: data.id, url: data.html_url };
    } catch (error) {
      // Somebody removed it meanwhile.
      if (statusOf(error) === 404) return null;
      throw error;
    }
  };
  const updated = await update(await find());
  if (updated !== null) return updated;
  const create = () =>
    octokit.rest.issues.createComment({
      owner,
      repo,
      issue_number: pullNumber,
      body,
      // Not by itself again: an answer that was lost may have made one.
      request: { retries: 0 },
    });
  try {
    const { data } = await create();
    return { id: data.id, url: data.html_url };
  } catch (error) {
    const status = statusOf(error);
    if (status !== null && status < 500) throw error;
    const made = await update(await find());
    if (made !== null) return made;
    const { data } = await create();
    return { id: data.id, url: data.html_url };
  }
}
