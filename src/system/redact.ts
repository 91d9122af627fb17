const SECRET_NAME =
  /(token|secret|passw(or)?d|passphrase|credential|cookie|webhook|api[-_]?key|private[-_]?key|access[-_]?key)/i;

/** Words that mean a secret only where they stand alone: `GH_PAT`, `DEPLOY_KEY`; not `PATH`, `KEYBOARD`, `PWD`. */
const SECRET_WORD =
  /(?:^|[-_])(?:pat|pats|key|keys|pass|auth)(?:$|[-_]b64$|[-_]base64$)|(?:^|[-_])pat[-_]|[-_]pwd$/i;

/** `MY_TOKENS` holds tokens; `MAX_TOKENS` counts them. */
const SECRET_TOKENS =
  /^(?!.*(?:^|_)(?:MAX|MIN|NUM|N|TOTAL|PROMPT|OUTPUT|BATCHED|SCHEDULED|CACHED)_)(?:[A-Z0-9_]*_)?TOKENS$/;

/** Names of settings whose values are never written anywhere. */
export function isSecretName(name: string): boolean {
  // `HF_TOKEN` is one; `max_num_batched_tokens`, `tokenizer` and `TOKENIZERS_PARALLELISM` are not.
  return (
    SECRET_NAME.test(name.replace(/tokens|tokeniz[a-z]*/gi, "")) ||
    SECRET_WORD.test(name) ||
    SECRET_TOKENS.test(name)
  );
}

export const REDACTED = "[redacted]";

/** Replaces secrets in text by `[redacted]`. */
export type Redact = (text: string) => string;

/**
 * A redactor for values that must not appear: the longest first, so that a secret within another does not leave
 * the rest of it. Values shorter than six characters are left: replacing them would garble ordinary text.
 */
export function createRedactor(secrets: Iterable<string>): Redact {
  const values = [...new Set([...secrets].flatMap(formsOf))]
    .filter((value) => value.length >= 6)
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((redacted, value) => redacted.replaceAll(value, REDACTED), text);
}

/** A secret as it may be written: in JSON, in a URL, and a key of several lines line by line. */
function formsOf(secret: string): string[] {
  const lines = secret.includes("\n") ? secret.split(/\r?\n/).filter((line) => line.length >= 16) : [];
  return [secret, secret.trim(), JSON.stringify(secret).slice(1, -1), encodeSafely(secret), ...lines];
}

function encodeSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** A copy of a value with every text in it redacted. */
export function redactDeep<T>(value: T, redact: Redact): T {
  if (typeof value === "string") return redact(value) as T;
  if (Array.isArray(value)) return value.map((each: unknown) => redactDeep(each, redact)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, redactDeep(inner, redact)]),
  ) as T;
}

/** User name and password in a URL: `https://user:password@host`. */
const USER_INFO = /:\/\/([^\s/@'"?#]{1,1024})@/g;

/** The values of an environment's secrets, and the credentials in its URLs whatever their names. */
export function secretsOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const inUrls = [...value.matchAll(USER_INFO)].flatMap(([, userInfo = ""]) => [
      userInfo,
      userInfo.slice(userInfo.indexOf(":") + 1),
    ]);
    return isSecretName(name) ? [value, ...inUrls] : inUrls;
  });
}

/** The values of an environment's variables as they may be written: secrets replaced. */
export function redactEnv(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      isSecretName(name) ? REDACTED : redactUserInfo(value),
    ]),
  );
}

function redactUserInfo(text: string): string {
  return text.replace(USER_INFO, `://${REDACTED}@`);
}

/** The key and the text of a JSON member; bounded, so that no text takes long. */
const JSON_MEMBER = /"((?:[^"\\]|\\.){1,200})"(\s{0,20}:\s{0,20})"(?:[^"\\]|\\.){0,10000}"/g;

/**
 * Arguments with the values of secret flags replaced: `--hf-token=abc`, all of `--api-key abc def`, secret keys of
 * JSON, and credentials in URLs.
 */
export function redactArgs(args: readonly string[]): string[] {
  let secret = false;
  return args.map((arg) => {
    const [flag, value] = splitFlag(arg);
    if (flag === null) return secret ? REDACTED : redactValue(arg);
    secret = value === null && isSecretName(flag);
    return value !== null && isSecretName(flag) ? `${flag}=${REDACTED}` : redactValue(arg);
  });
}

function redactValue(text: string): string {
  return redactUserInfo(text).replace(JSON_MEMBER, (whole, key: string, between: string) =>
    isSecretName(key) ? `"${key}"${between}"${REDACTED}"` : whole,
  );
}

function splitFlag(arg: string): [string | null, string | null] {
  if (!arg.startsWith("--")) return [null, null];
  const at = arg.indexOf("=");
  return at < 0 ? [arg, null] : [arg.slice(0, at), arg.slice(at + 1)];
}
