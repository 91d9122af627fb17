import { z } from "zod";
import { VERDICTS } from "../domain/verdict.ts";

const sha = z.string().regex(/^[0-9a-f]{7,64}$/);

/** A verdict as one comment tells it to the next. */
export const lastSchema = z.object({
  commit: sha,
  verdict: z.enum([...VERDICTS, "failed"]),
  /** True where the verdict blocks the merge. */
  blocks: z.boolean(),
  /** When a verdict of this commit was first posted, by GitHub's clock. */
  at: z.iso.datetime(),
  headline: z.string().max(1000),
  /** Value and verdict of the gated metrics. */
  metrics: z.record(z.string().max(200), z.tuple([z.number().nullable(), z.enum(VERDICTS)])),
});
export type Last = z.infer<typeof lastSchema>;

/** The machine-readable end of a comment: an HTML comment within the comment. */
export const footerSchema = z.object({
  v: z.literal(1),
  /** The commit that is being measured; null when the verdict stands. */
  measuring: sha.nullable(),
  last: lastSchema.nullable(),
});
export type Footer = z.infer<typeof footerSchema>;

/** A comment's key in the alphabet that can stand in its marker. */
export function cleanKey(key: string): string {
  return (
    key
      .replace(/[^\w.-]/g, "_")
      .replace(/-{2,}/g, "-")
      .slice(0, 100) || "gate"
  );
}

const MARKER = "<!-- vllm-gate:";
const DATA = "<!-- vllm-gate-data ";

/** The hidden first line that tells this comment from all others. */
export function markerOf(key: string): string {
  return `${MARKER}${cleanKey(key)} -->`;
}

/** Whether a comment starts with the marker: elsewhere in it, somebody quoted it. */
export function hasMarker(body: string, key: string): boolean {
  const [first = ""] = body.split(/\r?\n/, 1);
  return first === markerOf(key);
}

/** Whether a text holds anything that could be taken for a marker or a footer. */
export function holdsMarker(text: string): boolean {
  return /<!--\s*vllm-gate/i.test(text);
}

/** The machine-readable last line. Nothing within can end the HTML comment. */
export function encodeFooter(footer: Footer): string {
  const json = JSON.stringify(footer).replace(
    /[<>&-]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  // A minus sign of a number is no escape's place: JSON has them outside of strings, too.
  return `${DATA}${json.replace(/(?<=[[:,])\\u002d(?=\d)|(?<=\de)\\u002d(?=\d)/g, "-")} -->`;
}

/** The footer of a comment of ours; null where there is none that can be read. */
export function decodeFooter(body: string): Footer | null {
  const start = body.lastIndexOf(DATA);
  const end = body.indexOf(" -->", start);
  if (start < 0 || end < 0) return null;
  try {
    return footerSchema.parse(JSON.parse(body.slice(start + DATA.length, end)));
  } catch {
    return null;
  }
}
