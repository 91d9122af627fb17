const REDACTED = "***";

/** What looks like a credential wherever it stands. */
const SECRET_VALUES: readonly [RegExp, string][] = [
  [/\bBearer\s{1,4}[\w.~+/=-]{8,}/gi, `Bearer ${REDACTED}`],
  [/\b(?:hf_|sk-|gh[opsur]_|github_pat_)[\w-]{16,}/g, REDACTED],
  [/(:\/\/)[^\s/@'"]{1,256}@/g, `$1${REDACTED}@`],
];

const SECRET_WORD = "key|keys|key[_-]id|token|secret|secrets|credential|credentials|cookie";
const SECRET_NAME = new RegExp(
  [
    // api_key=…, 'hf_token': …, {"aws_secret_access_key": …}, \"password\": …; and vLLM's own list.
    `(?<![\\w-])[\\w-]{0,100}?(?:[_-](?:${SECRET_WORD})|password|passwd|passphrase|apikey|accesstoken|authtoken` +
      `|secret|authorization|watermark_config)\\\\{0,8}["']?\\s{0,4}[:=]\\s{0,4}`,
    `["']token\\\\{0,8}["']\\s{0,4}:\\s{0,4}`,
    // --api-key VALUE, ['--api-key', 'VALUE']
    `(?<![\\w-])--[\\w-]{0,100}?(?:[_-](?:${SECRET_WORD})|password)(?:["'],)?\\s{1,4}`,
  ].join("|"),
  "gi",
);
const HARMLESS_VALUE = /^(?:None|True|False|null|true|false)\b/;

/**
 * The text with credentials replaced by `***`: values of names that end in key, token, secret or password, in a
 * Python literal, in JSON within it or as an option, and values that look like tokens whatever their name.
 */
export function redactSecrets(text: string): string {
  const masked = SECRET_VALUES.reduce((result, [regex, by]) => result.replace(regex, by), text);
  let result = "";
  let position = 0;
  for (const name of masked.matchAll(SECRET_NAME)) {
    const start = name.index + name[0].length;
    // A name within a value that is gone already.
    if (name.index < position) continue;
    result += masked.slice(position, start);
    position = start;
    if (HARMLESS_VALUE.test(masked.slice(start, start + 8))) continue;
    position = endOfValue(masked, start);
    if (position > start) result += redactedLike(masked.slice(start, position));
  }
  return result + masked.slice(position);
}

function redactedLike(value: string): string {
  const quote = /^\\{0,8}["']/.exec(value)?.[0] ?? (/^[([{]/.test(value) ? "'" : "");
  return `${quote}${REDACTED}${quote}`;
}

/** Where the value of a literal ends: a string, a bracketed group, or a bare word. */
function endOfValue(text: string, start: number): number {
  const quotes = /\\{0,8}["']/y;
  let depth = 0;
  let position = start;
  while (position < text.length) {
    quotes.lastIndex = position;
    const quote = quotes.exec(text)?.[0];
    const char = text.charAt(position);
    if (quote !== undefined) {
      // The quote that closes an outer string, unless it follows a prefix such as b or rb.
      if (depth === 0 && position > start + 2) return position;
      position = endOfString(text, position, quote);
      if (depth === 0) return position;
      continue;
    }
    if ("([{".includes(char)) depth += 1;
    else if (")]}".includes(char)) {
      if (depth === 0) return position;
      depth -= 1;
      if (depth === 0) return position + 1;
    } else if (depth === 0 && (char === "," || char.trim() === "")) return position;
    position += 1;
  }
  return text.length;
}

function endOfString(text: string, start: number, quote: string): number {
  for (let position = start + quote.length; position < text.length; position += 1) {
    if (text.startsWith(quote, position)) return position + quote.length;
    if (text.charAt(position) === "\\") position += 1;
  }
  return text.length;
}
