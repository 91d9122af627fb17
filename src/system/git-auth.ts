/** Variables that git is started with. */
export type GitEnvironment = Readonly<Record<string, string>>;

/** Options of git: a hook in a checkout that outlives jobs would get what git is started with. */
export const NO_HOOKS = ["-c", "core.hooksPath=/dev/null"] as const;

/** A token as the header has it: who reads it reads the token, so it is as secret. */
export function basicCredential(token: string): string {
  return Buffer.from(`x-access-token:${token}`).toString("base64");
}

/**
 * Lets git speak to one server with a token, for one command: by variables, so that the token is in no file and no
 * argument. A header that a checkout left in its configuration is replaced; servers refuse two.
 *
 * @param serverUrl - `https://github.com`, or that of an Enterprise server
 * @param environment - of this process: what it tells git already is kept
 */
export function gitAuth(
  serverUrl: string,
  token: string,
  environment: Readonly<Record<string, string | undefined>> = {},
): GitEnvironment {
  const first = Number(environment["GIT_CONFIG_COUNT"] ?? 0) || 0;
  const key = `http.${serverUrl.replace(/\/+$/, "")}/.extraheader`;
  return {
    GIT_CONFIG_COUNT: String(first + 2),
    // The empty value forgets what was set before.
    [`GIT_CONFIG_KEY_${first}`]: key,
    [`GIT_CONFIG_VALUE_${first}`]: "",
    [`GIT_CONFIG_KEY_${first + 1}`]: key,
    [`GIT_CONFIG_VALUE_${first + 1}`]: `AUTHORIZATION: basic ${basicCredential(token)}`,
  };
}
