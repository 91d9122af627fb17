import { markdownTable } from "markdown-table";

/** Text that anyone may have written, made harmless inside a Markdown line or table cell. */
export function plain(text: string): string {
  return (
    text
      .replace(/[\r\n\t]+/g, " ")
      .replace(/\p{Cc}/gu, "")
      .replace(/[\\`*{}[\]<>|~#]/g, "\\$&")
      // Within a word an underscore is only an underscore: metric ids stay readable.
      .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, "\\_")
      // A zero-width space keeps `@name` and `#1` from becoming mentions and links.
      .replace(/@(?=\w)/g, "@\u200b")
  );
}

/** Text as inline code, whatever it holds. */
export function code(text: string): string {
  const clean = text.replace(/[\r\n\t]+/g, " ").replace(/\p{Cc}/gu, "");
  if (clean.trim() === "") return "";
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  const padded = clean.startsWith("`") || clean.endsWith("`") ? ` ${clean} ` : clean;
  // In a table even code must not hold a bare pipe.
  return `${fence}${padded.replaceAll("|", "\\|")}${fence}`;
}

/** Lines as a code block that none of them can close. */
export function codeBlock(lines: readonly string[]): string {
  const text = lines.map((line) => line.replace(/[^\P{Cc}\t]/gu, "")).join("\n");
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

/** A table; cells are taken as Markdown, so escape what others wrote. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  align?: readonly string[],
): string {
  return markdownTable(
    [header, ...rows].map((row) => [...row]),
    align === undefined ? {} : { align: [...align] },
  );
}

/** A folded part. */
export function details(summary: string, body: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${body}\n\n</details>`;
}
