/** The rows of a CSV file by their header; quoted cells as RFC 4180 has them, without line breaks inside. */
export function csvRows(text: string): { header: string; rows: Record<string, string>[] } {
  const [header = "", ...lines] = text.trimEnd().split(/\r?\n/);
  const names = header.split(",");
  const rows = lines.map((line) => {
    const cells = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
      ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? "",
    );
    return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ""]));
  });
  return { header, rows };
}
