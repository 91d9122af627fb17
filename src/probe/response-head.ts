/** What of a response's head matters to the reading of its body. */
export interface ResponseHead {
  readonly status: number;
  /** How the body ends: by chunks, after a number of bytes, or with the connection. */
  readonly framing:
    | { readonly by: "chunks" }
    | { readonly by: "close" }
    | { readonly by: "length"; readonly bytes: number };
  /** The server takes another request on this connection. */
  readonly keepAlive: boolean;
  /** `content-encoding`, lower case; null when the body is as it is. */
  readonly contentEncoding: string | null;
}

/** Largest content length that is read as a number. */
const LENGTH = /^\d{1,15}$/;

/**
 * Reads a response's head (RFC 9112 §4 to §6.3) up to its empty line.
 *
 * @returns what is wrong with it, as a sentence, when it is no head of HTTP/1
 */
export function parseHead(text: string): ResponseHead | string {
  const [statusLine = "", ...lines] = text.split(/\r?\n/);
  const match = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(statusLine);
  if (match === null)
    return `the answer is not HTTP/1: it begins with ${JSON.stringify(statusLine.slice(0, 60))}`;
  const status = Number(match[2]);
  const fields = new Map<string, string>();
  for (const line of lines) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) return `the answer's head has a line without a name: ${JSON.stringify(line.slice(0, 60))}`;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const connection = listOf(fields.get("connection"));
  const keepAlive = match[1] === "1" ? !connection.includes("close") : connection.includes("keep-alive");
  const encodings = listOf(fields.get("content-encoding")).filter((name) => name !== "identity");
  const contentEncoding = encodings.length === 0 ? null : encodings.join(", ");
  const rest = { status, keepAlive, contentEncoding };
  if (status < 200 || status === 204 || status === 304)
    return { ...rest, framing: { by: "length", bytes: 0 } };
  const codings = listOf(fields.get("transfer-encoding"));
  if (codings.length > 0) {
    const [coding] = codings;
    if (codings.length > 1 || coding !== "chunked")
      return `the answer's transfer-encoding is ${JSON.stringify(codings.join(", ").slice(0, 60))}, not chunked`;
    return { ...rest, framing: { by: "chunks" } };
  }
  // A length that is repeated is one length.
  const lengths = [...new Set(listOf(fields.get("content-length")))];
  if (lengths.length === 0) return { ...rest, keepAlive: false, framing: { by: "close" } };
  const [length = ""] = lengths;
  if (lengths.length > 1 || !LENGTH.test(length))
    return `the answer's content-length is ${JSON.stringify(lengths.join(", ").slice(0, 60))}`;
  return { ...rest, framing: { by: "length", bytes: Number(length) } };
}

function listOf(value: string | undefined): string[] {
  return (value ?? "")
    .toLowerCase()
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
