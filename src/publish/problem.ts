import { messageOf } from "../domain/errors.ts";

interface HttpError {
  readonly status: number;
  readonly message: string;
  readonly response?: {
    readonly headers?: Readonly<Record<string, string | number | undefined>>;
    readonly data?: unknown;
  };
}

function asHttpError(error: unknown): HttpError | null {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === "number" ? (error as HttpError) : null;
}

/** The HTTP status of a failed request; null when there was no answer. */
export function statusOf(error: unknown): number | null {
  return asHttpError(error)?.status ?? null;
}

/**
 * Why GitHub did not do something, and what to change.
 *
 * @param what - what was tried, "post the comment"
 * @param permission - the permission of a workflow that allows it, "pull-requests: write"
 */
export function explain(error: unknown, what: string, permission: string): string {
  const http = asHttpError(error);
  if (http === null) return `could not ${what}: ${messageOf(error)}`;
  const { status } = http;
  const message = http.message.replace(/ - https:\/\/docs\.github\.com\S*$/, "").slice(0, 300);
  const head = `could not ${what} (HTTP ${status}: ${message})`;
  if (isRateLimit(http)) return `${head}: the rate limit lasts longer than is worth waiting`;
  // GitHub says itself which permissions would do: "issues=write; pull_requests=write".
  const accepted = http.response?.headers?.["x-accepted-github-permissions"];
  const needed =
    typeof accepted === "string" && /^[\w=;, -]{1,200}$/.test(accepted)
      ? ` (GitHub accepts ${accepted.replaceAll("_", "-")})`
      : "";
  if (status === 401) return `${head}: github-token is not valid, or it has expired`;
  if (status === 403) {
    return `${head}: the job's token lacks the permission \`${permission}\`${needed}: add it to the job's \`permissions\``;
  }
  if (status === 404) {
    return `${head}: it is gone, or the token may not see it: the job needs the permission \`${permission}\`${needed}`;
  }
  return status >= 500 ? `${head}: GitHub failed several times` : head;
}

function isRateLimit({ status, message, response }: HttpError): boolean {
  if (status === 429) return true;
  return (
    status === 403 && (response?.headers?.["x-ratelimit-remaining"] === "0" || /rate limit/i.test(message))
  );
}
