import { UsageError } from "../domain/errors.ts";
import { holdsMarker } from "./marker.ts";

/** The only HTML that our Markdown holds; none with attributes. */
const ALLOWED = new Set(["details", "summary", "sub"]);

/** Where a browser or a sanitizer may see a tag, a comment, a declaration or a processing instruction. */
const TAG = /<(?:\/?([A-Za-z][^\s/>]*)([^>]*)>?|[!?])/g;

/**
 * Refuses Markdown with HTML outside of code beyond `<details>`, `<summary>` and `<sub>`, or with a second comment's
 * marker anywhere. It is only looked at: what is posted is rendered anew from the run's data.
 *
 * @throws UsageError with one line
 */
export function refuseForeignHtml(markdown: string, source: string): void {
  const [first = "", ...rest] = markdown.split("\n");
  const ownMarker = /^<!-- vllm-gate:[\w.-]{1,200} -->$/.test(first);
  const body = ownMarker ? rest.join("\n") : markdown;
  if (holdsMarker(body)) throw new UsageError(`${source}: it holds the marker of another comment: refused`);
  const text = withoutCode(body);
  for (const match of text.matchAll(TAG)) {
    const backslashes = /\\*$/.exec(text.slice(0, match.index))?.[0].length ?? 0;
    // `\<` is text in Markdown, `\\<` is a backslash and a tag.
    if (backslashes % 2 === 1) continue;
    const [whole, name = "", attributes = ""] = match;
    if (ALLOWED.has(name.toLowerCase()) && attributes === "" && whole.endsWith(">")) continue;
    const what = whole.replace(/[^\w<>/! -]/g, "?").slice(0, 40);
    throw new UsageError(`${source}: it holds HTML that is not allowed (${what}): refused`);
  }
}

/** Markdown without its fenced blocks and code spans, as CommonMark reads them. */
function withoutCode(markdown: string): string {
  return markdown
    .replace(/^(`{3,}|~{3,})[^`\n]*\n[\s\S]*?\n\1`*[ \t]*$/gm, "")
    .replace(/(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");
}
