import { dot, line, ruleX, ruleY } from "@observablehq/plot";
import type { ComparisonFile } from "../domain/comparison.ts";
import type { HistoryFile, MetricHistory } from "../domain/history.ts";
import { type ChartSeries, figure, look, ofSeries } from "./chart.ts";
import { html, type Markup, number, table } from "./html-markup.ts";
import { formatValue } from "./numbers.ts";

/** Metrics night by night, with the nights at which their levels changed, the baseline's value and this run's. */
export function historyCharts(history: HistoryFile | null, comparison: ComparisonFile | null): Markup[] {
  const heads = new Map(comparison?.comparisons.map(({ metric, head }) => [metric, head]));
  return (history?.metrics ?? []).map((each, index) =>
    historyChart(each, heads.get(each.metric) ?? null, index),
  );
}

const SERIES: readonly ChartSeries[] = [
  { key: "other0", label: "earlier nights" },
  { key: "base", label: "baseline" },
  { key: "head", label: "this run" },
];

function historyChart(each: MetricHistory, head: number | null, index: number): Markup {
  const { unit, anchor } = each;
  const factor = unit === "share" ? 100 : 1;
  const points = each.points
    .map(({ at, value }) => ({ at: new Date(at), value }))
    .filter(({ at }) => Number.isFinite(at.getTime()));
  const changes = each.changes
    .map((change) => ({ ...change, at: new Date(change.at) }))
    .filter(({ at }) => Number.isFinite(at.getTime()));
  const last = points.at(-1);
  // A night after the last one: when it ran is of no matter here.
  const now = last === undefined || head === null ? [] : [{ at: after(points), value: head }];
  const y = ({ value }: { readonly value: number }) => value * factor;
  return figure({
    id: `history-${index}`,
    title: `${each.metric} by night`,
    caption: caption(each, points.length, now.length > 0),
    series: SERIES.filter(({ key }) => (key === "base" ? anchor !== null : key !== "head" || now.length > 0)),
    plot: {
      height: 200,
      x: { label: null, type: "utc", ticks: 4 },
      y: { label: unit === "share" ? "%" : unit, grid: true, nice: true },
      marks: [
        ...(anchor === null
          ? []
          : [
              ruleY([anchor * factor], {
                stroke: "var(--base)",
                strokeDasharray: "6 3",
                ...ofSeries("base"),
              }),
            ]),
        ruleX(changes, { x: "at", stroke: "var(--bad)" }),
        line(points, { x: "at", y, ...look("other0"), ...ofSeries("other0") }),
        dot(points, {
          x: "at",
          y,
          fill: "var(--other0)",
          r: 2.5,
          title: ({ at, value }: (typeof points)[number]) => `${day(at)}: ${formatValue(value, unit)}`,
          ...ofSeries("other0"),
        }),
        dot(now, {
          x: "at",
          y,
          fill: "var(--head)",
          symbol: "diamond",
          r: 5,
          title: ({ value }: (typeof now)[number]) => `this run: ${formatValue(value, unit)}`,
          ...ofSeries("head"),
        }),
      ],
    },
    ...(changes.length === 0 ? {} : { values: changeTable(each) }),
  });
}

function caption({ changes, anchor, unit }: MetricHistory, nights: number, hasHead: boolean): string {
  const spoken = [
    ...(anchor === null ? [] : [`the dashed line is the baseline's value, ${formatValue(anchor, unit)}`]),
    ...(hasHead ? ["the diamond is this run"] : []),
  ].join(", ");
  const found =
    changes.length === 0
      ? "No change of level was found."
      : `Vertical lines are changes of level: ${changes
          .map(
            ({ at, before, after }) =>
              `${at.slice(0, 10)}, ${formatValue(before, unit)} → ${formatValue(after, unit)}`,
          )
          .join("; ")}.`;
  return `${nights} nights${spoken === "" ? "" : `; ${spoken}`}. ${found}`;
}

function changeTable({ metric, unit, changes }: MetricHistory): Markup {
  return table(
    ["since", "from", "to", "what else changed"],
    changes.map(({ at, before, after, between }) => [
      at.slice(0, 10),
      number(before, unit),
      number(after, unit),
      between.length === 0 ? html`<span class="muted">nothing that is recorded</span>` : between.join("; "),
    ]),
    { caption: `Changes of level of ${metric}`, numeric: [1, 2] },
  );
}

function after(points: readonly { readonly at: Date }[]): Date {
  const [first, last] = [points[0]?.at.getTime() ?? 0, points.at(-1)?.at.getTime() ?? 0];
  return new Date(last + (last - first) / Math.max(1, points.length - 1));
}

const day = (at: Date) => at.toISOString().slice(0, 10);
