// Writes docs/metrics.md from the catalogue (what is measured, in which unit, how large a loss may be) and
// docs/configuration.md from the configuration's schema.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CATALOGUE } from "../src/measure/catalogue.ts";
import type { Metric } from "../src/measure/metric-family.ts";
import { code, table } from "../src/report/markdown.ts";
import { formatTolerance } from "../src/report/numbers.ts";
import { configurationPage } from "./configuration-page.ts";
import { prose } from "./prose.ts";

const DOCS = fileURLToPath(new URL("../docs/", import.meta.url));

const INTRODUCTION = `<!-- Written by scripts/write-docs.ts from src/measure/catalogue.ts: change it there. -->

# Metrics

Every number that vllm-gate compares is defined once, in \`src/measure/catalogue.ts\`; this page is made from it.

- **Ids** are \`<probe>.<case>.<quantity>\`. \`<n>\` and \`<k>\` stand for numbers: \`batching.c<n>\` and \`c<k>\` for requests
  in flight (\`batching.c8.tokens_per_s\`), \`prefix.<n>\` for tokens of a prefix.
  In [\`vllm-gate.yml\`](configuration.md), \`*\` stands for one part of an id: \`batching.*.tokens_per_s\`.
- **Level**: \`gate\` metrics decide the verdict; \`watch\` metrics are shown and never block. \`levels\` in
  \`vllm-gate.yml\` changes it for a scenario; \`off\` leaves a metric out.
- **Tolerance**: how large a loss may be. A loss counts only when it is beyond both bounds: the relative one, a share
  of the baseline, and the absolute one, in the metric's own unit (shares in points). \`tolerances\` in
  \`vllm-gate.yml\` changes either.
- **Host-sensitive** metrics move with the host's CPU and memory. Against a baseline of another host they cannot
  regress, unless that baseline spans at least three hosts: the verdict is then \`inconclusive\`.
- **Rounds**: of a session's rounds the best counts, since interference only ever makes a time worse; where it says
  \`worst\`, what went wrong in one round did go wrong.
- A **floor** is the 10th percentile and needs 5 requests; a 95th percentile needs 20. With fewer the metric is absent,
  and the report says why. How many requests each metric needs, and of which fields of them it is made:
  [run-folders.md](run-folders.md).
- Only requests that succeeded enter a latency; warm-up requests enter nothing. Failed requests are counted in
  \`requests.error_rate\`.
- Times per token are taken from events that carry tokens: TPOT is (last event − first event) / (tokens − tokens in the
  first event), an inter-token gap is the time between two such events.
`;

const SECTIONS: readonly (readonly [prefix: string, title: string])[] = [
  ["startup.", "Start-up"],
  ["ttft.", "Time to first token"],
  ["kv.", "KV cache"],
  ["memory.", "Memory"],
  ["batching.", "Batching"],
  ["prefix.", "Prefix cache"],
  ["traffic.", "Own traffic"],
  ["requests.", "Requests"],
];

/** The text of docs/metrics.md. */
export function metricsPage(metrics: readonly Metric[] = CATALOGUE): string {
  const known = SECTIONS.map(([prefix]) => prefix);
  const homeless = metrics.filter(({ id }) => !known.some((prefix) => id.startsWith(prefix)));
  if (homeless.length > 0) throw new Error(`no section for ${homeless.map(({ id }) => id).join(", ")}`);
  const sections = SECTIONS.map(([prefix, title]) => {
    const rows = metrics.filter(({ id }) => id.startsWith(prefix)).map(row);
    return `## ${title}\n\n${table(HEADER, rows, ALIGN)}\n`;
  });
  return [INTRODUCTION, ...sections].join("\n");
}

const HEADER = [
  "id",
  "what it is",
  "unit",
  "better",
  "level",
  "relative tolerance",
  "absolute tolerance",
  "host-sensitive",
  "rounds",
];
const ALIGN = ["l", "l", "l", "l", "l", "r", "r", "l", "l"];

function row(metric: Metric): string[] {
  const { id, unit, direction, level, tolerance, sensitivity, rounds, description } = metric;
  return [
    code(id),
    prose(description),
    unit === "x" ? "×" : unit,
    direction,
    level,
    formatTolerance(tolerance.relative, 0, unit),
    formatTolerance(0, tolerance.absolute, unit),
    sensitivity === "host" ? "yes" : "no",
    rounds ?? "best",
  ];
}

if (import.meta.main) {
  await mkdir(DOCS, { recursive: true });
  await writeFile(join(DOCS, "metrics.md"), metricsPage());
  await writeFile(join(DOCS, "configuration.md"), configurationPage());
}
