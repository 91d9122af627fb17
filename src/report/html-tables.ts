import {
  baseName,
  type Comparison,
  type ComparisonFile,
  incomparable,
  isUnconfirmed,
  ordered,
} from "../domain/comparison.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord } from "../domain/run.ts";
import type { Verdict } from "../domain/verdict.ts";
import { type Content, fold, html, type Markup, number, table } from "./html-markup.ts";
import { formatDetectable, formatEffect, formatNumber, formatPair, formatTolerance } from "./numbers.ts";
import { CHANGED } from "./rows.ts";

const WORDS: Readonly<Record<Verdict, string>> = {
  pass: "ok",
  improved: "better",
  inconclusive: "undecided",
  invalid: "invalid",
  regressed: "worse",
};

const HEADER = ["metric", "baseline → this run", "change [95 %]", "verdict", "tolerance", "could see", "why"];

function row(each: Comparison): Content[] {
  return [
    metricId(each.metric),
    pair(each),
    effect(each),
    html`<span class="word-${each.verdict}">${WORDS[each.verdict]}</span>${isUnconfirmed(each) ? html`<br><span class="muted">unconfirmed</span>` : ""}`,
    formatTolerance(each.tolerance, each.absoluteTolerance, each.unit),
    number(each.detectable, "share", formatDetectable(each)),
    html`<span class="muted wrap">${each.reason}</span>`,
  ];
}

/** A metric's id, which a narrow column breaks between its words only. */
function metricId(id: string): Markup {
  return html`<code>${id.split(/(?<=[._])/).map((word, index) => (index === 0 ? word : html`<wbr>${word}`))}</code>`;
}

/** Both sides; the values themselves stand in the elements. */
function pair(each: Comparison): Markup {
  const [from, to] = formatPair(each).split(" → ");
  if (to === undefined) return number(each.head, each.unit, from);
  return html`${number(each.base, each.unit, from)} → ${number(each.head, each.unit, to)}`;
}

function effect(each: Comparison): Content {
  return each.effect === null ? formatEffect(each) : number(each.effect, "share", formatEffect(each));
}

/** Gated metrics that changed, the worst first. */
export function changedTable(comparison: ComparisonFile | null): Markup | null {
  if (comparison === null || incomparable(comparison).length > 0) return null;
  const changed = ordered(
    comparison.comparisons.filter((each) => each.level === "gate"),
    CHANGED,
  );
  return changed.length === 0
    ? null
    : table(HEADER, changed.map(row), { caption: "Gated metrics that changed", numeric: [1, 2, 4, 5] });
}

/** Every metric: what it was compared by, then each single value of both sides. */
export function metricTables(
  comparison: ComparisonFile | null,
  measurements: MeasurementsFile | null,
): Markup[] {
  const compared = ordered(comparison?.comparisons ?? [], [...CHANGED, "pass"]);
  const levels = (["gate", "watch"] as const).flatMap((level) => {
    const rows = compared.filter((each) => each.level === level);
    if (rows.length === 0) return [];
    const title = level === "gate" ? "Gated metrics" : "Watched metrics, never blocking";
    return [
      html`<h3>${title} (${rows.length})</h3>${table(HEADER, rows.map(row), { caption: title, numeric: [1, 2, 4, 5] })}`,
    ];
  });
  return [...levels, ...samples(compared, measurements), ...absent(measurements)];
}

/** The samples of both sides: sessions in brackets, in them their rounds. */
function samples(compared: readonly Comparison[], measurements: MeasurementsFile | null): Markup[] {
  const units = new Map(measurements?.metrics.map(({ id, unit }) => [id, unit]));
  const counts = Map.groupBy(measurements?.measurements ?? [], ({ metric }) => metric);
  const requests = (id: string) => {
    const all = [...new Set(counts.get(id)?.map(({ n }) => n))].sort((a, b) => a - b);
    return all.length === 0 ? "" : all.length === 1 ? String(all[0]) : `${all[0]}–${all.at(-1)}`;
  };
  const ofComparison = compared.map((each) => [
    metricId(each.metric),
    each.unit === "share" ? "%" : each.unit,
    sessionsCell(each.baseSessions, each.unit),
    sessionsCell(each.headSessions, each.unit),
    each.freshSessions === undefined ? "" : sessionsCell(each.freshSessions, each.unit),
    requests(each.metric),
  ]);
  const known = new Set(compared.map(({ metric }) => metric));
  const alone = [...counts]
    .filter(([id]) => !known.has(id))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, group]) => {
      const unit = units.get(id) ?? "";
      const of = (variant: string) =>
        [
          ...Map.groupBy(
            group.filter((each) => each.variant === variant),
            ({ session }) => session,
          ).values(),
        ].map((all) => all.map(({ value }) => value));
      return [
        metricId(id),
        unit === "share" ? "%" : unit,
        "",
        sessionsCell(of("head"), unit),
        sessionsCell(of("base"), unit),
        requests(id),
      ];
    });
  const rows = [...ofComparison, ...alone];
  if (rows.length === 0) return [];
  const header = ["metric", "unit", "baseline", "this run", "base beside it", "requests each"];
  const shown = table(header, rows, { caption: "Every value of every metric", numeric: [5] });
  return [
    html`<h3>Samples</h3><p class="muted">Each pair of brackets is one session, the values in it are its rounds.</p>${fold(`Every value of ${rows.length} metrics`, shown)}`,
  ];
}

function sessionsCell(sessions: readonly (readonly number[])[], unit: string): Markup {
  const factor = unit === "share" ? 100 : 1;
  const value = (each: number) => number(each, unit, formatNumber(Number((each * factor).toPrecision(12))));
  return html`<span class="samples">${sessions.map(
    (rounds) => html`[${rounds.map((each, index) => html`${index > 0 ? ", " : ""}${value(each)}`)}] `,
  )}</span>`;
}

function absent(measurements: MeasurementsFile | null): Markup[] {
  const groups = [
    ...Map.groupBy(measurements?.absent ?? [], ({ metric, reason }) => `${metric}\0${reason}`).values(),
  ];
  if (groups.length === 0) return [];
  const rows = groups.map((group) => [
    metricId(group[0]?.metric ?? ""),
    `${group.length}`,
    group[0]?.reason ?? "",
  ]);
  const shown = table(["metric", "times", "why"], rows, { caption: "What was not measured", numeric: [1] });
  return [html`<h3>Not measured</h3>${fold(`${rows.length} metrics without a value`, shown)}`];
}

/** Flags and versions that differ. */
export function flagTable(comparison: ComparisonFile | null): Markup | null {
  if (comparison === null || comparison.baseSource === null) return null;
  if (comparison.flags.length === 0) {
    return html`<p>Flags and vLLM version are those of ${baseName(comparison)}.</p>`;
  }
  const value = (text: string | null) =>
    text === null ? html`<span class="muted">not set</span>` : html`<code>${text}</code>`;
  return table(
    ["what differs", comparison.interleaved === true ? "base" : "baseline", "this run"],
    comparison.flags.map(({ what, base, head }) => [html`<code>${what}</code>`, value(base), value(head)]),
    { caption: `What differs from ${baseName(comparison)}` },
  );
}

/** The machine's fields, with the baseline's where they differ. */
export function machineTable(run: RunRecord, comparison: ComparisonFile | null): Markup {
  const differing = new Map(comparison?.fingerprint.map((each) => [each.field, each]));
  const fields = Object.entries(run.fingerprint).filter(([, value]) => value !== null);
  return table(
    ["environment", ...(differing.size === 0 ? [] : ["baseline"]), "this run"],
    fields.map(([field, value]) => {
      const other = differing.get(field);
      const before =
        other === undefined ? html`<span class="muted">same</span>` : String(other.base ?? "none");
      return [field, ...(differing.size === 0 ? [] : [before]), String(value)];
    }),
    { caption: "The machine" },
  );
}

/** Limits that are broken. */
export function limitTable(comparison: ComparisonFile | null): Markup | null {
  const limits = comparison?.limits ?? [];
  if (limits.length === 0) return null;
  return table(
    ["broken limit", "this run", "limit"],
    limits.map((limit) => [
      metricId(limit.metric),
      limit.value === null ? "not measured" : number(limit.value, limit.unit),
      html`${limit.side} ${number(limit.bound, limit.unit)}`,
    ]),
    { caption: "Broken limits", numeric: [1, 2] },
  );
}
