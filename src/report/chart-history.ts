import { dot, line, ruleX, ruleY } from "@observablehq/plot";
import { figure } from "./chart.ts";
import type { Markup } from "./html-markup.ts";
import { formatValue } from "./numbers.ts";
import type { MetricHistory } from "./report-series.ts";

/** A metric night by night, with the nights at which its level changed and the pinned value. */
export function historyCharts(history: readonly MetricHistory[]): Markup[] {
  return history.map((each, index) => {
    const points = each.points.map(({ at, value }) => ({ at: new Date(at), value }));
    const changes = each.changes.map((change) => ({ ...change, at: new Date(change.at) }));
    const factor = each.unit === "share" ? 100 : 1;
    return figure({
      id: `history-${index}`,
      title: `${each.metric} by night`,
      caption:
        `${points.length} nights${each.unit === "" ? "" : `, in ${each.unit === "share" ? "%" : each.unit}`}. ` +
        (changes.length === 0
          ? "No change of level was found."
          : `Vertical lines are changes of level: ${changes
              .map(
                ({ at, before, after }) =>
                  `${at.toISOString().slice(0, 10)}, ${formatValue(before, each.unit)} → ${formatValue(after, each.unit)}`,
              )
              .join("; ")}.`) +
        (each.anchor === null
          ? ""
          : ` The dashed line is the pinned value, ${formatValue(each.anchor, each.unit)}.`),
      plot: {
        height: 200,
        x: { label: null, type: "utc" },
        y: { label: each.unit === "share" ? "%" : each.unit, grid: true, nice: true },
        marks: [
          ...(each.anchor === null
            ? []
            : [ruleY([each.anchor * factor], { stroke: "var(--base)", strokeDasharray: "6 3" })]),
          ruleX(changes, { x: "at", stroke: "var(--bad)" }),
          line(points, {
            x: "at",
            y: (point: { value: number }) => point.value * factor,
            stroke: "var(--head)",
          }),
          dot(points, {
            x: "at",
            y: (point: { value: number }) => point.value * factor,
            fill: "var(--head)",
            r: 2.5,
            title: (point: (typeof points)[number]) =>
              `${point.at.toISOString().slice(0, 10)}: ${formatValue(point.value, each.unit)}`,
          }),
        ],
      },
    });
  });
}
