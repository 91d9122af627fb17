import { code, plain } from "../src/report/markdown.ts";

/**
 * A description of ours as Markdown: its code spans stay code, everything else is text. Descriptions stand in the
 * source, so that a backtick in them is always meant as one.
 *
 * @throws Error when a code span is not closed
 */
export function prose(text: string): string {
  const parts = text.split("`");
  if (parts.length % 2 === 0) throw new Error(`a code span is not closed: ${text}`);
  return parts.map((part, index) => (index % 2 === 1 ? code(part) : plain(part))).join("");
}
