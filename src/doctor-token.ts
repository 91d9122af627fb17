import { request } from "undici";
import { messageOf } from "./domain/errors.ts";
import type { Finding, Level } from "./domain/node.ts";

const TIMEOUT_MS = 5_000;
const NEEDED = "permissions: { contents: read, pull-requests: write, checks: write }";

/** What GitHub answered to one question. */
export interface TokenAnswer {
  readonly status: number;
  /** Of a classic token, which names them; null of any other. */
  readonly scopes: string | null;
}

/**
 * Asks GitHub one thing with the token of the environment: the comments of the repository's pull requests, which is
 * what the gate's own comment is found among. Nothing is asked without a token, and the token is in no answer.
 *
 * @returns null when no token is set
 */
export async function checkToken(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finding | null> {
  const token = environment["GITHUB_TOKEN"];
  if (token === undefined || token === "") return null;
  const repository = environment["GITHUB_REPOSITORY"];
  const known = repository !== undefined && /^[\w.-]+\/[\w.-]+$/.test(repository) ? repository : null;
  const path = known === null ? "/rate_limit" : `/repos/${known}/issues/comments?per_page=1`;
  try {
    const response = await request(`${environment["GITHUB_API_URL"] || "https://api.github.com"}${path}`, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "application/vnd.github+json",
        "user-agent": "vllm-gate",
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      reset: true,
    });
    await response.body.dump();
    const scopes = response.headers["x-oauth-scopes"];
    return judgeToken(
      { status: response.statusCode, scopes: typeof scopes === "string" && scopes !== "" ? scopes : null },
      known,
    );
  } catch (error) {
    const why = messageOf(error).replaceAll(token, "***");
    return finding("note", "GitHub was not reached", why, "Whether a comment could be posted is not known.");
  }
}

/** Judges what a token may do; that it may write can only be found out by writing. */
export function judgeToken({ status, scopes }: TokenAnswer, repository: string | null): Finding {
  const fix = `# in the workflow:  ${NEEDED}`;
  if (status === 401) {
    return finding(
      "warn",
      "refused",
      "GitHub does not know this token: it is wrong or has expired",
      "No comment or check is posted.",
      fix,
    );
  }
  if (status === 403 || status === 404) {
    return finding(
      "warn",
      status === 403 ? "may not read comments" : "cannot see the repository",
      `GitHub answered ${status} to a look at the comments of ${repository ?? "the repository"}`,
      "No comment or check is posted.",
      fix,
    );
  }
  if (status !== 200) {
    return finding(
      "note",
      "unclear",
      `GitHub answered ${status}`,
      "Whether a comment could be posted is not known.",
    );
  }
  if (scopes !== null && !scopes.split(/,\s*/).some((scope) => scope === "repo" || scope === "public_repo")) {
    return finding(
      "warn",
      "may not write",
      `its scopes are ${scopes}, a comment needs repo`,
      "No comment or check is posted.",
      fix,
    );
  }
  return repository === null
    ? finding("ok", "accepted", "GitHub takes it; no GITHUB_REPOSITORY is set to look at")
    : finding(
        "ok",
        "accepted",
        `it reads the comments of ${repository}; that it may write shows when it does`,
      );
}

function finding(
  level: Level,
  value: string,
  reason: string,
  matters = "",
  fix: string | null = null,
): Finding {
  return { id: "preflight.token", subject: "GitHub token", level, value, reason, matters, fix };
}
