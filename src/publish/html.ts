import { UsageError } from "../domain/errors.ts";
import { holdsMarker } from "./marker.ts";

/** The only HTML that our Markdown holds; none with attributes. */
const ALLOWED = new Set(["details", "summary", "sub"]);

/** Where a browser or a sanitizer may see a tag, a comment, a declaration or a processing instruction. */
const TAG = /<(?:\/?([A-Za-z][^\s/>]*)([^>]*)>?|[!?])/g;

/** A Mermaid chart, wherever it stands: in a quote, in a list, to the end where its fence is not closed. */
const CHART =
  /^[ \t>*+-]*(?:\d+[.)])?[ \t]*(`{3,}|~{3,})[ \t]*mermaid\b[^\n]*\n([\s\S]*?)(?:\n[ \t>]*\1|(?![\s\S]))/gim;

/** What lets a Mermaid chart do more than be looked at: links, callbacks, a configuration of its own. */
const DIRECTIVE = /^[ \t>]*(?:click|href|link|callback)\b|%%\{|javascript:|securityLevel|htmlLabels/im;

function refuseLivelyCharts(markdown: string, source: string): void {
  for (const [, , inner = ""] of markdown.matchAll(CHART)) {
    const found = DIRECTIVE.exec(inner);
    if (found === null) continue;
    const what = found[0].trim().replace(/[^\w:%{-]/g, "?");
    throw new UsageError(`${source}: a chart that is more than a chart (${what}): refused`);
  }
}

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
  refuseLivelyCharts(body, source);
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

/** A fenced block: its fence, its info, its lines. */
const FENCED = /^(`{3,}|~{3,})([^`\n]*)\n([\s\S]*?)\n\1`*[ \t]*$/gm;

/** Blocks that GitHub draws instead of showing: what is in them is no mere text. */
const DRAWN = /^(?:mermaid|geojson|topojson|stl|math)\b/i;

/** Markdown without its fenced blocks and code spans, as CommonMark reads them; blocks that are drawn are kept. */
function withoutCode(markdown: string): string {
  return markdown
    .replace(FENCED, (_, __, info: string, inner: string) =>
      // Neither escapes nor code spans are there in such a block.
      DRAWN.test(info.trim()) ? inner.replace(/[`\\]/g, "'") : "",
    )
    .replace(/(?<![\\`])(`+)(?!`)[^\n]*?(?<!`)\1(?!`)/g, "");
}
