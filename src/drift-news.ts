import type { DriftFile, LevelChange, MetricDrift } from "./domain/drift.ts";
import type { DriftNews } from "./publish/drift-issue.ts";
import { renderDrift } from "./report/drift.ts";
import { code, plain } from "./report/markdown.ts";
import { formatChange } from "./report/numbers.ts";

/** A chart of fewer nights says no more than the table; one of more cannot be read. */
const LEAST_POINTS = 10;
const MOST_POINTS = 60;
const MOST_CHARTS = 3;

/** What an issue says of a drift, or of its end. */
export function issueNews(drift: DriftFile, runUrl: string): DriftNews {
  const worst = worstFirst(drift);
  // Its first line is the title, and stands above it.
  const [, ...body] = renderDrift(drift).split("\n\n");
  return {
    key: drift.history,
    drifting: drift.drifting,
    title: titleOf(drift, worst),
    parts: [
      { name: "what", text: body.join("\n\n").trim() },
      ...suspects(worst),
      ...charts(worst).map((text) => ({ name: "chart", text })),
      { name: "howTo", text: HOW_TO },
    ],
    summary: drift.drifting ? plain(titleOf(drift, worst)) : recovered(drift),
    runUrl,
  };
}

const HOW_TO = [
  "It closes by itself when every gated metric is back within its tolerance. If the new level is to stay, record a new",
  "baseline (`vllm-gate record`), which is what later nights are held against; or close this as not planned, and it",
  "stays closed until the drift is over.",
].join("\n");

function lostBy(each: MetricDrift): number {
  return Math.max(each.loss ?? 0, each.slip ?? 0);
}

function worstFirst({ metrics }: DriftFile): MetricDrift[] {
  return metrics
    .filter((each) => each.level === "gate" && each.state === "drifting")
    .sort((a, b) => lostBy(b) - lostBy(a));
}

/** A title is no Markdown. */
function titleOf({ scenario, history }: DriftFile, [worst, ...more]: readonly MetricDrift[]): string {
  if (worst === undefined) return `vllm-gate: ${scenario} does not drift any more (${machineOf(history)})`;
  const from = (worst.slip ?? 0) > (worst.loss ?? 0) ? worst.changes.at(-1)?.before : worst.anchor;
  const rest = more.length === 0 ? "" : ` and ${more.length} more`;
  return `vllm-gate: ${scenario} drifts, ${worst.metric} ${formatChange(from ?? null, worst.now, worst.unit)}${rest} (${machineOf(history)})`;
}

function machineOf(history: string): string {
  return history.split("/").at(-1) ?? history;
}

function recovered({ metrics, nights }: DriftFile): string {
  const gated = metrics.filter(({ level }) => level === "gate");
  const unknown = gated.filter(({ state }) => state === "unknown").length;
  const but = unknown === 0 ? "" : ` (of ${unknown} more nothing can be said)`;
  const changes = gated.flatMap(({ changes: all }) => all).sort((a, b) => a.at.localeCompare(b.at));
  const last = changes.at(-1);
  const since = last === undefined ? "" : `, the last change was in the night of ${dayOf(last.at)}`;
  return `Recovered: after ${nights} nights every gated metric is within its tolerance${but}${since}.`;
}

/** What came between the last good night and the first bad one, once for all metrics that it hit. */
function suspects(drifting: readonly MetricDrift[]): { name: string; text: string }[] {
  const losses = drifting.flatMap((each) => {
    const change = each.changes.findLast(({ loss }) => (loss ?? 0) > 0);
    return change === undefined ? [] : [{ metric: each.metric, change }];
  });
  if (losses.length === 0) {
    const words = "No single night stands out: it crept away from the anchor.";
    return drifting.length === 0 ? [] : [{ name: "between", text: words }];
  }
  const groups = Map.groupBy(losses, ({ change }) => change.at);
  const lines = [...groups.values()].map((group) => {
    const [{ change } = { change: null }] = group;
    return `- Night of ${dayOf(change?.at)} (${group.map(({ metric }) => code(metric)).join(", ")}): ${betweenText(change)}`;
  });
  return [{ name: "between", text: ["## What came between", lines.join("\n")].join("\n\n") }];
}

function betweenText(change: LevelChange | null): string {
  const differences = change?.between ?? [];
  return differences.length === 0
    ? "nothing that is recorded changed: look at the machine itself"
    : differences.map(plain).join("; ");
}

/** A day as a file says it: files may say anything. */
function dayOf(at: string | undefined): string {
  return (at ?? "").slice(0, 10).replace(/[^\d-]/g, "");
}

/** The nights of the worst metrics: whether it jumped or crept, which no table shows. The axis does not begin at 0. */
function charts(drifting: readonly MetricDrift[]): string[] {
  return drifting.slice(0, MOST_CHARTS).flatMap(({ metric, unit, points, anchor }) => {
    const shown = points.slice(-MOST_POINTS);
    if (shown.length < LEAST_POINTS) return [];
    const values = shown.map(([, value]) => Number(value.toPrecision(5)));
    const level = anchor === null ? [] : [Number(anchor.toPrecision(5))];
    const all = [...values, ...level];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const margin = (high - low || Math.abs(high) || 1) / 10;
    const [from, to] = [low - margin, high + margin].map((value) => Number(value.toPrecision(4)));
    return [
      [
        `${code(metric)}, ${unit === "" ? "by night" : `${plain(unit)} by night`}, and the anchor as a flat line:`,
        "",
        "```mermaid",
        "---",
        "config:",
        "  themeVariables:",
        "    xyChart:",
        '      plotColorPalette: "#0969da, #8c959f"',
        "---",
        "xychart-beta",
        `  x-axis "nights, ${dayOf(shown[0]?.[0])} to ${dayOf(shown.at(-1)?.[0])}" 1 --> ${shown.length}`,
        `  y-axis ${from} --> ${to}`,
        `  line [${values.join(", ")}]`,
        ...level.map((value) => `  line [${values.map(() => value).join(", ")}]`),
        "```",
      ].join("\n"),
    ];
  });
}
