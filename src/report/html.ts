import { createHash } from "node:crypto";
import { typed } from "../domain/command-line.ts";
import { historyCharts } from "./chart-history.ts";
import { loadCharts } from "./chart-load.ts";
import { cacheCharts, coldStartCharts, gpuCharts } from "./chart-machine.ts";
import { distributionCharts, timelineCharts } from "./chart-requests.ts";
import {
  attributionPhrases,
  extentText,
  lookLines,
  type Phrase,
  type ReportInput,
  reachPhrase,
  warningTexts,
} from "./explain.ts";
import { acceptInstructions, type Instruction, repeatInstructions } from "./how-to.ts";
import { type Content, fold, html, Markup } from "./html-markup.ts";
import { SCRIPT } from "./html-script.ts";
import { STYLE } from "./html-style.ts";
import { changedTable, flagTable, limitTable, machineTable, metricTables } from "./html-tables.ts";
import { NO_SERIES, type ReportSeries } from "./report-series.ts";
import { sideValues } from "./side-values.ts";
import { signOf } from "./sign.ts";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: readonly Content[];
  readonly isGrid?: boolean;
  readonly intro?: string;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64");

/** Nothing is loaded and nothing is sent: only this style and this script, known by their hashes, may run. */
const POLICY =
  `default-src 'none'; style-src 'sha256-${sha256(STYLE)}'; script-src 'sha256-${sha256(SCRIPT)}'; ` +
  "img-src data:; base-uri 'none'; form-action 'none'";

/** `report.html`: one file that needs no network, with every chart and every number of a run. */
export function renderHtml(input: ReportInput, series: ReportSeries = NO_SERIES): string {
  const { verdict, run, comparison } = input;
  const sections = sectionsOf(input, series).filter(({ body }) => body.some((each) => each !== null));
  const title = `${signOf(verdict, comparison)} · ${verdict.scenario}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="referrer" content="no-referrer">
<title>${title} · vllm-gate</title>
<link rel="icon" href="data:,">
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<div class="verdict ${verdict.verdict}">
<h1>${title}</h1>
<p class="headline"><strong>${verdict.headline.replace(/[.\s]+$/, "")}.</strong> ${verdict.nextAction}</p>
${verdict.reportOnly ? html`<p>Report only: this verdict does not block the merge.</p>` : ""}
</div>
<p class="muted">${aboutText(input)}</p>
<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
</header>
<main>
${sections.map(
  ({ id, title, body, isGrid, intro }) => html`<section aria-labelledby="${id}">
<h2 id="${id}">${title}</h2>
${intro === undefined ? "" : html`<p>${intro}</p>`}
${isGrid === true ? html`<div class="charts">${body}</div>` : body}
</section>
`,
)}
</main>
<footer>vllm-gate ${run.toolVersion ?? ""}, run ${run.id ?? input.runPath}. Times are those of the machine that measured.</footer>
<script>${new Markup(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

function aboutText({ run, comparison }: ReportInput): string {
  const versions = [...new Set(run.sessions.map((session) => session.vllmVersion ?? "unknown"))].join(", ");
  return [
    `vLLM ${versions}`,
    ...(run.fingerprint["gpuModel"] == null
      ? []
      : [`${run.fingerprint["gpuCount"] ?? 1} × ${run.fingerprint["gpuModel"]}`]),
    ...(run.fingerprint["model"] == null ? [] : [String(run.fingerprint["model"])]),
    ...(run.commit ? [`commit ${run.commit.slice(0, 12)}`] : []),
    ...(run.createdAt === undefined ? [] : [run.createdAt.replace("T", " ").replace(/\.\d+Z$/, " UTC")]),
    ...[extentText({ run, comparison })].filter((each) => each !== null),
  ].join(" · ");
}

function sectionsOf(input: ReportInput, series: ReportSeries): Section[] {
  const { run, comparison, measurements } = input;
  const values = sideValues(comparison, measurements);
  return [
    { id: "changed", title: "What changed", body: changedBody(input) },
    { id: "load", title: "Throughput and latency", isGrid: true, body: loadCharts(values, run.slo ?? null) },
    {
      id: "first-token",
      title: "Time to first token",
      intro:
        "The share of the requests that had their first token after so many milliseconds, over all rounds that count. Further left is better, steeper is steadier.",
      isGrid: true,
      body: distributionCharts(series.distributions, values),
    },
    { id: "tokens", title: "Tokens of one request", isGrid: true, body: timelineCharts(series.timelines) },
    { id: "start", title: "Start of the server", isGrid: true, body: coldStartCharts(run.sessions) },
    { id: "kv", title: "KV cache", isGrid: true, body: cacheCharts(series.cacheUse) },
    { id: "gpu", title: "GPU under the probes", isGrid: true, body: gpuCharts(series.gpus) },
    {
      id: "history",
      title: "Earlier nights",
      isGrid: true,
      body: historyCharts(input.history ?? null, comparison),
    },
    { id: "metrics", title: "All metrics", body: metricTables(comparison, measurements) },
    { id: "environment", title: "Environment and command", body: environmentBody(input) },
    {
      id: "how-to",
      title: "Run again, accept",
      body: [...acceptInstructions(input), ...repeatInstructions(input)].map(instruction),
    },
  ];
}

function changedBody(input: ReportInput): Content[] {
  const { run, comparison, verdict } = input;
  const warnings = warningTexts(input);
  const reach = reachPhrase(comparison);
  const looks = lookLines(run);
  const causes = attributionPhrases(
    (comparison?.comparisons ?? []).filter((each) => each.level === "gate" && each.verdict !== "pass"),
  );
  const changed = changedTable(comparison);
  const reasons = verdict.reasons.filter((reason) => !verdict.headline.includes(reason));
  const failed = run.sessions.find((session) => session.outcome !== "ok" && session.cause !== undefined);
  return [
    changed ??
      (comparison !== null && comparison.comparisons.length > 0
        ? html`<p>No gated metric changed.</p>`
        : null),
    limitTable(comparison),
    flagTable(comparison),
    causes.length === 0
      ? null
      : html`<h3>Known causes</h3><ul>${causes.map((each) => html`<li>${phrase(each)}</li>`)}</ul>`,
    changed === null && reasons.length > 0
      ? html`<ul>${reasons.map((each) => html`<li>${each}</li>`)}</ul>`
      : null,
    reach === null ? null : html`<p>${phrase(reach)}</p>`,
    warnings.length === 0 ? null : html`<ul>${warnings.map((each) => html`<li>⚠️ ${each}</li>`)}</ul>`,
    looks.length === 0
      ? null
      : fold(
          `Why more was measured: ${looks.length} looks`,
          html`<ol>${looks.map((each) => html`<li>${each}</li>`)}</ol>`,
        ),
    failed?.logTail === undefined || failed.logTail.length === 0
      ? null
      : html`<h3>End of the server's log</h3><pre>${failed.logTail.join("\n")}</pre>`,
  ];
}

function phrase(parts: Phrase): Markup {
  return html`${parts.map((each) => (typeof each === "string" ? each : html`<code>${each.id}</code>`))}`;
}

function instruction(parts: Instruction): Markup {
  return html`<p>${parts.map((each) => (typeof each === "string" ? each : html`<code>${each.command}</code>`))}</p>`;
}

function environmentBody({ run, comparison }: ReportInput): Content[] {
  const variants = [...new Set(run.sessions.map(({ variant }) => variant))];
  return [
    ...variants.flatMap((variant) => {
      const argv = run.sessions.find(
        (session) => session.variant === variant && session.argv !== undefined,
      )?.argv;
      return argv === undefined ? [] : [html`<h3>${variant}</h3><pre>${typed(argv)}</pre>`];
    }),
    machineTable(run, comparison),
  ];
}
