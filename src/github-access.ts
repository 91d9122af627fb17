import { UsageError } from "./domain/errors.ts";
import { connect, type GitHub } from "./publish/client.ts";
import { repositoryOf } from "./publish/subject.ts";
import { type GitEnvironment, gitAuth } from "./system/git-auth.ts";
import type { Log } from "./system/log.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A repository on a server of GitHub's kind, and a token for it. */
export interface GitHubAccess {
  readonly github: GitHub;
  /** Where people read it: `https://github.com`. */
  readonly serverUrl: string;
  /** The workflow's run, or the repository where there is none. */
  readonly runUrl: string;
  /** What lets git speak to that server. */
  readonly auth: GitEnvironment;
}

/** Where people read the forge that a job runs on. */
export function serverUrlOf(environment: Environment): string {
  return (environment["GITHUB_SERVER_URL"] || "https://github.com").replace(/\/+$/, "");
}

/** Access with a token, on the server that the environment names. */
export function accessWith(
  token: string,
  { owner, repo }: { readonly owner: string; readonly repo: string },
  environment: Environment,
  log: Log,
): GitHubAccess {
  const serverUrl = serverUrlOf(environment);
  const runId = environment["GITHUB_RUN_ID"];
  const github = connect({
    token,
    apiUrl: environment["GITHUB_API_URL"] || "https://api.github.com",
    owner,
    repo,
    log,
    retryBaseMs: Number(environment["VLLM_GATE_RETRY_BASE_MS"] || 1000),
  });
  return {
    github,
    serverUrl,
    runUrl: `${serverUrl}/${owner}/${repo}${runId ? `/actions/runs/${runId}` : ""}`,
    auth: gitAuth(serverUrl, token, environment),
  };
}

/**
 * Access from the command line: the token in `GITHUB_TOKEN`, the repository given or in `GITHUB_REPOSITORY`.
 *
 * @throws UsageError when either is missing
 */
export function accessFromEnvironment(
  repository: string | undefined,
  environment: Environment,
  log: Log,
): GitHubAccess {
  const named = repositoryOf(
    { ...environment, GITHUB_REPOSITORY: repository ?? environment["GITHUB_REPOSITORY"] },
    {},
  );
  const token = environment["GITHUB_TOKEN"];
  if (!token) throw new UsageError("GITHUB_TOKEN: not set, expected a token that may post");
  return accessWith(token, named, environment, log);
}
