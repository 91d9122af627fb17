import { formatValue } from "./numbers.ts";

/** A piece of HTML that is safe to be written as it is. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text that anyone may have written, for the inside of an element or of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (sign) =>
      sign === "\n" || sign === "\t" ? sign : "",
    )
    .replace(/[&<>"']/g, (sign) => ENTITIES[sign] as string);
}

/** A template of HTML: everything put into it is escaped, but for what {@link html} made. */
export function html(strings: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(strings.map((text, index) => text + textOf(contents[index])).join(""));
}

function textOf(content: Content): string {
  if (content === null || content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (typeof content === "object") return content.map(textOf).join("");
  return escapeHtml(String(content));
}

/** A number of the run's files as it is shown; the value itself stands in the element, for programs and for tests. */
export function number(value: number | null, unit: string, text = formatValue(value, unit)): Markup {
  return value === null ? html`<span class="none">–</span>` : html`<data value="${value}">${text}</data>`;
}

export interface TableOptions {
  /** What the table holds, for whoever cannot see it. */
  readonly caption: string;
  /** Columns of numbers, which are set to the right. */
  readonly numeric?: readonly number[];
}

/** A table in a region of its own that scrolls where the page is narrow. The first column heads its row. */
export function table(
  header: readonly string[],
  rows: readonly (readonly Content[])[],
  options: TableOptions,
): Markup {
  const align = (column: number) => (options.numeric?.includes(column) ? html` class="num"` : "");
  const cell = (content: Content, column: number) =>
    column === 0 ? html`<th scope="row">${content}</th>` : html`<td${align(column)}>${content}</td>`;
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${options.caption}"><table>
<caption class="hidden">${options.caption}</caption>
<thead><tr>${header.map((name, column) => html`<th scope="col"${align(column)}>${name}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table></div>`;
}

/** A folded part. */
export function fold(summary: Content, body: Content): Markup {
  return html`<details><summary>${summary}</summary>${body}</details>`;
}
