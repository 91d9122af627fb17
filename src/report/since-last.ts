import type { ComparisonFile } from "../domain/comparison.ts";
import type { RunVerdict, Verdict } from "../domain/verdict.ts";
import { code, table } from "./markdown.ts";
import { formatChange, formatValue } from "./numbers.ts";

/** What an earlier report of the same pull request said. */
export interface EarlierVerdict {
  readonly commit: string;
  readonly verdict: RunVerdict;
  /** Value and verdict of its gated metrics. */
  readonly metrics: Readonly<Record<string, readonly [value: number | null, verdict: Verdict]>>;
}

const MAX_ROWS = 10;

/**
 * What changed since the last report: the verdict, and every gated metric whose own verdict is another now. Null where
 * nothing did.
 *
 * @param commit - the commit that was analysed now
 */
export function sinceLast(
  earlier: EarlierVerdict,
  now: { readonly commit: string; readonly verdict: RunVerdict; readonly comparison: ComparisonFile | null },
): string | null {
  const before =
    earlier.commit === now.commit ? "the last run of this commit" : code(earlier.commit.slice(0, 10));
  const moved = (now.comparison?.comparisons ?? []).flatMap((each) => {
    const was = Object.hasOwn(earlier.metrics, each.metric) ? earlier.metrics[each.metric] : undefined;
    if (each.level !== "gate" || was === undefined || was[1] === each.verdict) return [];
    return [
      [
        code(each.metric),
        formatValue(was[0], each.unit),
        formatValue(each.head, each.unit),
        formatChange(was[0], each.head, each.unit),
        `${was[1]} → ${each.verdict}`,
      ],
    ];
  });
  if (moved.length === 0 && earlier.verdict === now.verdict) return null;
  const verdict =
    earlier.verdict === now.verdict ? `still ${now.verdict}` : `${earlier.verdict} → **${now.verdict}**`;
  const rows = moved.slice(0, MAX_ROWS);
  const more = moved.length > rows.length ? ` (${moved.length - rows.length} more metrics changed)` : "";
  const line = `Since ${before}: ${verdict}${more}`;
  if (rows.length === 0) return line;
  return `${line}\n\n${table(["metric", "then", "now", "change", "verdict"], rows, ["l", "r", "r", "r", "l"])}`;
}
