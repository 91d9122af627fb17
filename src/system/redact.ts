const SECRET_NAME = /(token|secret|passw(or)?d|credential|api[-_]?key|private[-_]?key|access[-_]?key)/i;

/** Names of settings whose values are never written anywhere. */
export function isSecretName(name: string): boolean {
  // `HF_TOKEN` is one; `max_num_batched_tokens`, `tokenizer` and `TOKENIZERS_PARALLELISM` are not.
  return SECRET_NAME.test(name.replace(/tokens|tokeniz[a-z]*/gi, ""));
}

export const REDACTED = "[redacted]";

/** Replaces secrets in text by `[redacted]`. */
export type Redact = (text: string) => string;

/**
 * A redactor for values that must not appear: the longest first, so that a secret within another does not leave
 * the rest of it. Values shorter than six characters are left: replacing them would garble ordinary text.
 */
export function createRedactor(secrets: Iterable<string>): Redact {
  const values = [...new Set(secrets)]
    .filter((value) => value.length >= 6)
    .sort((a, b) => b.length - a.length);
  return (text) => values.reduce((redacted, value) => redacted.replaceAll(value, REDACTED), text);
}

/** The values of an environment's secrets. */
export function secretsOf(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value !== undefined && isSecretName(name) ? [value] : [],
  );
}

/** Arguments with the values of secret flags replaced: `--hf-token=abc`, and all of `--api-key abc def`. */
export function redactArgs(args: readonly string[]): string[] {
  let secret = false;
  return args.map((arg) => {
    const [flag, value] = splitFlag(arg);
    if (flag === null) return secret ? REDACTED : arg;
    secret = value === null && isSecretName(flag);
    return value !== null && isSecretName(flag) ? `${flag}=${REDACTED}` : arg;
  });
}

function splitFlag(arg: string): [string | null, string | null] {
  if (!arg.startsWith("--")) return [null, null];
  const at = arg.indexOf("=");
  return at < 0 ? [arg, null] : [arg.slice(0, at), arg.slice(at + 1)];
}
