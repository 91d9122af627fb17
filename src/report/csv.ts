/** A cell: text, a number, or nothing. */
export type CsvCell = string | number | boolean | null | undefined;

/**
 * Text that a spreadsheet would run as a formula, or that hides one behind white space (OWASP, CSV injection).
 * Numbers are written from numbers, never from text, so a leading minus of theirs is safe.
 */
const FORMULA = /^\s*[=+\-@]|^[\t\r]/;

/**
 * A CSV file by RFC 4180, with LF line ends as the tools of the seeds write them: a header and a line for each row.
 *
 * Empty cells are what was not measured. Text that anyone may have written gets an apostrophe in front where a
 * spreadsheet would take it for a formula.
 *
 * @param header - names of the columns
 * @param rows - as many cells each as the header
 * @throws RangeError for a row of another length, since its cells would stand under the wrong names
 */
export function csv(header: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  const lines = rows.map((row, index) => {
    if (row.length !== header.length) {
      throw new RangeError(`CSV row ${index} has ${row.length} cells, expected ${header.length}`);
    }
    return row.map(cellText).join(",");
  });
  return `${[header.map(cellText).join(","), ...lines].join("\n")}\n`;
}

/** A number rounded to so many decimals at most, for a cell: a clock's tenth microsecond is no information. */
export function rounded(value: number | null | undefined, decimals: number): number | null {
  if (value === null || value === undefined || !Number.isFinite(value)) return null;
  return Number(value.toFixed(decimals));
}

function cellText(cell: CsvCell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "number") return Number.isFinite(cell) ? plainNumber(cell) : "";
  if (typeof cell === "boolean") return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Without an exponent, which some readers of CSV take for text. */
function plainNumber(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(12).replace(/\.?0+$/, "") : text;
}
