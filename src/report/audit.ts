import { median } from "simple-statistics";
import type { AuditFile, Finding, FindingKind, Move } from "../domain/audit.ts";
import type { Baseline } from "../domain/baseline.ts";
import type { MetricDefinition } from "../domain/metric.ts";
import { code, plain, table } from "./markdown.ts";
import { formatChange, formatValue } from "./numbers.ts";

/** What an audit's page is made from. */
export interface AuditPage {
  readonly audit: AuditFile;
  /** The contents of each baseline, the oldest first. */
  readonly series: ReadonlyMap<
    string,
    readonly { readonly commit: string; readonly at: string; readonly baseline: Baseline }[]
  >;
  readonly definitionOf: (metric: string) => MetricDefinition | null;
}

const TITLES: Readonly<Record<FindingKind, string>> = {
  loosened_with_move: "A bound was loosened in the change that it would have failed",
  unbacked: "Values that no recorded run stands behind",
  unexplained: "Worse beyond the tolerance, without a reason",
  creep: "Small losses that add up",
  loosening: "Bounds that were only ever loosened",
  unreadable: "Baselines that cannot be read",
  unused: "Baselines that nobody runs",
  stale: "Baselines that are old",
};

/** Rows of a table; a history of years has thousands. */
const MAX_ROWS = 50;
const MAX_CHARTS = 10;
const MAX_POINTS = 60;

/** The audit as Markdown. */
export function renderAudit(page: AuditPage): string {
  const { audit } = page;
  const parts = [
    `# ${audit.findings.length === 0 ? "Nothing suspicious in the baselines' history" : `${audit.findings.length} finding${audit.findings.length === 1 ? "" : "s"} in the baselines' history`}`,
    `${audit.commits} commit${audit.commits === 1 ? "" : "s"} that touched baselines or configuration` +
      `${audit.since === null ? "" : ` since ${plain(audit.since)}`}; ${audit.moves.length} values moved, ` +
      `${audit.policyMoves.length} bounds.`,
    ...(audit.shallow
      ? ["**This clone is shallow**: what lies before it was not audited. `git fetch --unshallow` brings it."]
      : []),
    ...findingParts(audit.findings),
    ...moveParts(audit.moves),
    ...policyParts(audit),
    ...chartParts(page),
  ];
  return `${parts.join("\n\n")}\n`;
}

function findingParts(findings: readonly Finding[]): string[] {
  return (Object.keys(TITLES) as FindingKind[]).flatMap((kind) => {
    const of = findings.filter((finding) => finding.kind === kind);
    if (of.length === 0) return [];
    const rows = of
      .slice(0, MAX_ROWS)
      .map(({ where, text, commits }) => [
        code(where),
        plain(text),
        commits.slice(0, 5).map(short).join(", "),
      ]);
    return [`## ${TITLES[kind]}`, table(["where", "what", "commits"], rows), ...moreThan(of.length)];
  });
}

function moveParts(moves: readonly Move[]): string[] {
  if (moves.length === 0) return [];
  const worst = [...moves].sort((a, b) => Math.abs(b.loss ?? 0) - Math.abs(a.loss ?? 0)).slice(0, MAX_ROWS);
  const rows = worst.map((move) => [
    code(move.metric),
    formatValue(move.from, move.unit),
    formatValue(move.to, move.unit),
    formatChange(move.from, move.to, move.unit),
    `${short(move.commit)} ${move.at.slice(0, 10)}`,
    plain(move.author),
    move.reason === null ? "–" : plain(move.reason),
  ]);
  return [
    "## Who moved what",
    table(["metric", "from", "to", "change", "commit", "by", "reason"], rows, [
      "l",
      "r",
      "r",
      "r",
      "l",
      "l",
      "l",
    ]),
    ...moreThan(moves.length),
  ];
}

function policyParts({ policyMoves }: AuditFile): string[] {
  if (policyMoves.length === 0) return [];
  const rows = policyMoves
    .slice(-MAX_ROWS)
    .map((move) => [
      code(`${move.scenario}: ${move.key}`),
      code(move.from),
      code(move.to),
      move.looser ? "looser" : "tighter",
      `${short(move.commit)} ${move.at.slice(0, 10)}`,
      plain(move.author),
    ]);
  return [
    "## Who moved which bound",
    table(["bound", "from", "to", "", "commit", "by"], rows),
    ...moreThan(policyMoves.length),
  ];
}

function moreThan(count: number): string[] {
  return count > MAX_ROWS ? [`${count - MAX_ROWS} more are in \`audit --json\`.`] : [];
}

/** A chart for each metric that a finding names, the others of its baseline not. */
function chartParts({ audit, series, definitionOf }: AuditPage): string[] {
  const wanted = new Map<string, { path: string; metric: string }>();
  for (const { where, metric } of audit.findings) {
    if (metric !== null && series.has(where)) wanted.set(`${where} ${metric}`, { path: where, metric });
  }
  const charts = [...wanted.values()].slice(0, MAX_CHARTS).flatMap(({ path, metric }) => {
    const points = (series.get(path) ?? []).slice(-MAX_POINTS).flatMap(({ commit, baseline }) => {
      const values = baseline.metrics[metric]?.sessions.flat() ?? [];
      return values.length === 0 ? [] : [{ commit, value: median(values) }];
    });
    if (points.length < 2) return [];
    const unit = definitionOf(metric)?.unit ?? "";
    // Mermaid takes quoted labels; ids of commits and numbers need no escape.
    const labels = points.map(({ commit }) => `"${commit.slice(0, 7) || "before"}"`).join(", ");
    const values = points.map(({ value }) => Number(value.toPrecision(6))).join(", ");
    const chart = ["```mermaid", "xychart-beta", `  x-axis [${labels}]`, `  line [${values}]`, "```"].join(
      "\n",
    );
    return [`${code(metric)} of ${code(path)}${unit === "" ? "" : `, ${unit}`}`, chart];
  });
  return charts.length === 0 ? [] : ["## How they moved", ...charts];
}

function short(commit: string): string {
  return code(commit.slice(0, 10));
}
