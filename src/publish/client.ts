import { getOctokit } from "@actions/github";
import { retry } from "@octokit/plugin-retry";
import { EnvHttpProxyAgent, fetch as undiciFetch } from "undici";
import type { Log } from "../system/log.ts";

/** What of Octokit the publication uses. */
export type Octokit = ReturnType<typeof getOctokit>;

/** A repository and a token that may write to it. */
export interface GitHub {
  readonly octokit: Octokit;
  readonly owner: string;
  readonly repo: string;
  readonly log: Log;
  /** GitHub's own clock, of its latest answer; this machine's before the first. */
  now(): Date;
}

export interface GitHubOptions {
  readonly token: string;
  /** `https://api.github.com`, or `/api/v3` of an Enterprise server, or `/api/v1` of Gitea and Forgejo. */
  readonly apiUrl: string;
  readonly owner: string;
  readonly repo: string;
  readonly log: Log;
  /** Base of the waits between retries, in milliseconds. */
  readonly retryBaseMs?: number;
}

/** Nothing that is posted is worth more waiting than this: the summary carries it, too. */
const MAX_WAIT_S = 120;
const MAX_RATE_LIMIT_RETRIES = 3;
const REQUEST_TIMEOUT_MS = 30_000;

interface Refusal {
  readonly status?: number;
  readonly message: string;
  readonly response?: { readonly headers: Readonly<Record<string, string | number | undefined>> };
}

/** Where a secondary rate limit does not say how long it lasts: GitHub's own advice. */
const SECONDARY_WAIT_S = 60;

/** How long a refused request has to wait, in seconds; null where it is no rate limit. */
function rateLimitWaitS({ status, message, response }: Refusal, now: number): number | null {
  if (status !== 403 && status !== 429) return null;
  const header = (name: string) => Number(response?.headers[name] ?? Number.NaN);
  const retryAfter = header("retry-after");
  if (Number.isFinite(retryAfter)) return retryAfter;
  if (header("x-ratelimit-remaining") === 0 && Number.isFinite(header("x-ratelimit-reset"))) {
    return Math.max(0, Math.ceil(header("x-ratelimit-reset") - now / 1000)) + 1;
  }
  return status === 429 || /secondary rate limit/i.test(message) ? SECONDARY_WAIT_S : null;
}

/** Lets `plugin-retry` wait where a rate limit says how long; it knows server errors alone. */
function rateLimits(
  octokit: Pick<Octokit, "hook">,
  { log }: { log?: { warn: (line: string) => void } },
): object {
  octokit.hook.error("request", (error, options) => {
    const waitS = rateLimitWaitS(error as Refusal, Date.now());
    if (waitS !== null && waitS <= MAX_WAIT_S) {
      log?.warn(`GitHub's rate limit: ${options.method} ${options.url} again in ${waitS} s`);
      const request = { ...options.request, retries: MAX_RATE_LIMIT_RETRIES, retryAfter: waitS };
      Object.assign(error, { request: { ...options, request } });
    }
    throw error;
  });
  return {};
}

/**
 * A client of GitHub's API that waits where GitHub says so: `Retry-After`, rate limits and secondary rate limits up to
 * two minutes, server errors with growing pauses. A refusal (401, 403, 404, 422) is not asked again.
 */
export function connect(options: GitHubOptions): GitHub {
  const { token, apiUrl, owner, repo, log, retryBaseMs = 1000 } = options;
  const dispatcher = new EnvHttpProxyAgent();
  let skewMs = 0;
  const fetch = async (url: string, init: object) => {
    const response = await undiciFetch(url, {
      ...init,
      dispatcher,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const said = Date.parse(response.headers.get("date") ?? "");
    if (Number.isFinite(said)) skewMs = said - Date.now();
    return response;
  };
  const silent = () => {};
  const octokit = getOctokit(
    token,
    {
      baseUrl: apiUrl.replace(/\/+$/, ""),
      request: { fetch },
      retry: {
        doNotRetry: [400, 401, 403, 404, 405, 410, 422, 429, 451, 501],
        retryAfterBaseValue: retryBaseMs,
      },
      log: { debug: silent, info: silent, warn: log.step, error: silent },
    },
    // The first is the innermost: what it marks, `retry` repeats.
    rateLimits,
    retry,
  );
  return { octokit, owner, repo, log, now: () => new Date(Date.now() + skewMs) };
}
