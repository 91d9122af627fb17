import { markdownTable } from "markdown-table";

/**
 * One line of text that anyone may have written, without what steers a terminal or a reader's eye: control codes,
 * and the marks that turn the direction of writing.
 */
export function oneLine(text: string): string {
  return text
    .replace(/[\r\n\t\u2028\u2029]+/g, " ")
    .replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
}

/** Text that anyone may have written, made harmless inside a Markdown line or table cell. */
export function plain(text: string): string {
  return (
    oneLine(text)
      .replace(/[\\`*{}[\]<>|~&]/g, "\\$&")
      // Within a word an underscore is only an underscore: metric ids stay readable.
      .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\_")
      // GitHub links these after Markdown is read, escaped or not: a zero-width space ends the name.
      .replace(/(?:@(?=\w)|(?:#|\bGH-)(?=\d))/gi, "$&\u200b")
      .replace(/#(?!\u200b)/g, "\\#")
  );
}

/** Text as inline code, whatever it holds. */
export function code(text: string): string {
  const clean = oneLine(text);
  if (clean.trim() === "") return "";
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const padded = clean.startsWith("`") || clean.endsWith("`") ? ` ${clean} ` : clean;
  return `${fence}${padded}${fence}`;
}

/** Lines as a code block that none of them can close. */
export function codeBlock(lines: readonly string[]): string {
  const text = lines
    .flatMap((line) => line.split(/\r\n|\r|\n/))
    .map((line) => line.replaceAll("\t", "    "))
    .map(oneLine)
    .join("\n");
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** A table; cells are taken as Markdown, so escape what others wrote. A bare pipe, even in code, is escaped here. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align?: readonly string[],
): string {
  return markdownTable(
    [header, ...rows].map((row) => row.map((cell) => cell.replace(/(?<!\\)((?:\\\\)*)\|/g, "$1\\|"))),
    align === undefined ? {} : { align: [...align] },
  );
}

/** A folded part. */
export function details(summary: string, body: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
