import type { MeasurementsFile, TtftSummary } from "../domain/measurements.ts";
import type { RunRecord } from "../domain/run.ts";
import { renderColdStart, renderSanity } from "./cold-start.ts";
import { code, plain, table } from "./markdown.ts";

const seconds = (value: number) => value.toFixed(4);

const COLUMNS = ["run", "ttft_s", "e2e_s", "tokens", "notes"];

function rows(name: string, each: TtftSummary["warm"]): string[][] {
  return each.map((row, index) => [
    `${name}${index + 1}`,
    seconds(row.ttftS),
    seconds(row.e2eS),
    String(row.tokens),
    plain(row.notes),
  ]);
}

/** `logs/first_token_latency.md`: cold and warm requests of each session, their spread, and what they mean. */
export function renderFirstTokenLatency(run: RunRecord, measurements: MeasurementsFile): string | null {
  if (measurements.ttft.length === 0) return null;
  const variant = Object.values(run.variants)[0];
  const session = run.sessions.find((each) => each.outcome === "ok");
  const machine = run.fingerprint;
  const config = [
    `- MODEL=${plain(String(machine["model"] ?? "unknown"))}`,
    `- vLLM flags: ${code((variant?.args ?? []).join(" ")) || "none"}`,
    `- GPU=${plain(String(machine["gpuModel"] ?? "none"))}`,
    `- OS / kernel=${plain(String(machine["os"] ?? "unknown"))} / ${plain(String(machine["kernel"] ?? "unknown"))}`,
    `- vLLM version=${plain(session?.vllmVersion ?? "unknown")}`,
    `- Command: ${code((session?.argv ?? []).join(" ")) || "none, the server was already running"}`,
  ].join("\n");
  const sessions = measurements.ttft.map((summary) => {
    const first = [
      ...(summary.cold === null ? [] : rows("cold_", [summary.cold])),
      ...rows("warm_", summary.warm.slice(0, 1)),
    ];
    const stats = summary.warmStats;
    const record = run.sessions.find(
      ({ variant: name, index }) => name === summary.variant && index === summary.session,
    );
    const { sanity, coldStart } = record ?? {};
    return [
      `## Session ${summary.session}`,
      "### Single-run measurements (cold and warm)",
      table(COLUMNS, first),
      "### Warm-run variance (steady state)",
      table(COLUMNS, rows("", summary.warm)),
      ...(stats === null
        ? []
        : [
            [
              "Summary:",
              `- min_ttft_s = ${seconds(stats.minS)}`,
              `- mean_ttft_s = ${seconds(stats.meanS)}`,
              `- median_ttft_s = ${seconds(stats.medianS)}`,
              `- p95_ttft_s = ${stats.p95S === null ? "needs 20 runs" : seconds(stats.p95S)}`,
              `- max_ttft_s = ${seconds(stats.maxS)}`,
              `- band = ${(stats.band * 100).toFixed(1)} %`,
              `- trend = ${(stats.trend * 100).toFixed(1)} % over the runs`,
              `- outliers = ${stats.outliers}`,
            ].join("\n"),
          ]),
      ...(sanity === undefined ? [] : ["### Sanity metrics", ...renderSanity(sanity)]),
      ...(coldStart === undefined ? [] : ["### Where the cold time went", ...renderColdStart(coldStart)]),
      "### Observations",
      summary.observations.map((each) => `- ${plain(each)}`).join("\n"),
    ].join("\n\n");
  });
  return `# First-token latency: ${plain(run.scenario)}\n\n## Server config\n\n${config}\n\n${sessions.join("\n\n")}\n`;
}
