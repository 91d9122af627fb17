import type { DriftFile, MetricDrift } from "../domain/drift.ts";
import { code, plain, table } from "./markdown.ts";
import { formatChange, formatValue } from "./numbers.ts";

/** The drift of a machine as Markdown: an issue's body, and what the command prints. */
export function renderDrift(found: DriftFile): string {
  // A unit is what a file of the history says.
  const drift = { ...found, metrics: found.metrics.map((each) => ({ ...each, unit: plain(each.unit) })) };
  const drifting = drift.metrics.filter((each) => each.level === "gate" && each.state === "drifting");
  const changed = drift.metrics.filter((each) => each.changes.length > 0);
  const against = drift.anchor === null ? "the first level of the series" : code(drift.anchor);
  const parts = [
    `# ${plain(drift.scenario)}: ${headline(drift, drifting)}`,
    `${drift.nights} nights in ${code(drift.history)}, compared with ${against}.`,
    ...(drifting.length === 0 ? [] : [metricTable(drifting)]),
    ...(changed.length === 0 ? [] : ["## When the level changed", changeTable(changed)]),
    ...watched(drift),
  ];
  return `${parts.join("\n\n")}\n`;
}

function headline({ metrics }: DriftFile, drifting: readonly MetricDrift[]): string {
  const lost = (each: MetricDrift) => Math.max(each.loss ?? 0, each.slip ?? 0);
  const [worst] = [...drifting].sort((a, b) => lost(b) - lost(a));
  if (worst !== undefined) {
    const more = drifting.length > 1 ? ` and ${drifting.length - 1} more` : "";
    const from = (worst.slip ?? 0) > (worst.loss ?? 0) ? worst.changes.at(-1)?.before : worst.anchor;
    return `${plain(worst.metric)}${more} drifted, ${formatChange(from ?? null, worst.now, worst.unit)}`;
  }
  const known = metrics.filter((each) => each.state !== "unknown");
  return known.length === 0 ? "too few nights to tell" : "no drift";
}

function metricTable(metrics: readonly MetricDrift[]): string {
  return table(
    ["metric", "anchor", "level now", "latest night", "from anchor", "from level before"],
    metrics.map((each) => [
      code(each.metric),
      formatValue(each.anchor, each.unit),
      formatValue(each.now, each.unit),
      formatValue(each.latest, each.unit),
      formatChange(each.anchor, each.now, each.unit),
      sinceText(each),
    ]),
    ["l", "r", "r", "r", "r", "r"],
  );
}

/** The level before the last change, where that was better than this one. */
function sinceText({ slip, changes, now, unit }: MetricDrift): string {
  const last = changes.at(-1);
  return slip === null || last === undefined
    ? "–"
    : `${formatChange(last.before, now, unit)} (${formatValue(last.before, unit)})`;
}

function changeTable(metrics: readonly MetricDrift[]): string {
  return table(
    ["metric", "since", "from", "to", "change", "what else changed that night"],
    metrics.flatMap((each) =>
      each.changes.map((change) => [
        code(each.metric),
        plain(change.at.slice(0, 10)),
        formatValue(change.before, each.unit),
        formatValue(change.after, each.unit),
        formatChange(change.before, change.after, each.unit),
        change.between.length === 0 ? "nothing that is recorded" : change.between.map(plain).join("; "),
      ]),
    ),
    ["l", "l", "r", "r", "r", "l"],
  );
}

function watched({ metrics }: DriftFile): string[] {
  const of = metrics.filter((each) => each.level === "watch" && each.state === "drifting");
  return of.length === 0 ? [] : ["## Watched, not gated", metricTable(of)];
}
