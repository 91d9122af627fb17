import type { ColdStart, Sanity, StartTerm } from "../domain/telemetry-start.ts";
import { code, plain, table } from "./markdown.ts";

const TERMS: Readonly<Record<StartTerm, string>> = {
  processes: "processes",
  weights: "load_weights",
  warmup: "runtime_warmup",
  request: "first request",
};

const seconds = (value: number) => value.toFixed(3);
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

/** A start as its paragraph and the table of its parts. What nothing names has a row of its own. */
export function renderColdStart(account: ColdStart): string[] {
  const { parts, readyS, unexplainedS, paragraph, disturbed = [] } = account;
  const rows = parts.map(({ name, term, seconds: spentS, reportedS, source }) => [
    plain(name),
    TERMS[term],
    seconds(spentS),
    // The first request comes after the time that the shares are of.
    term === "request" ? "" : percent(spentS / readyS),
    reportedS === null ? "" : seconds(reportedS),
    code(source),
  ]);
  const unexplained =
    unexplainedS <= 0
      ? []
      : [["unexplained", "", seconds(unexplainedS), percent(unexplainedS / readyS), "", ""]];
  return [
    plain(paragraph),
    ...(disturbed.length === 0
      ? []
      : [`The machine was not quiet meanwhile: ${plain(disturbed.join("; "))}.`]),
    table(
      ["part", "term", "s", "of the time to ready", "the server says", "known by"],
      [...rows, ...unexplained],
    ),
  ];
}

const mib = (value: number | null) => (value === null ? "not measured" : `${Math.round(value)} MiB`);
const busy = (share: number | null) => (share === null ? "not measured" : percent(share));
const cores = (value: number | null) => (value === null ? "not measured" : `${value.toFixed(2)} cores`);

/** The usual range of a GPU that is put to good use under load. */
const RIGHT = { from: 0.5, to: 0.8 } as const;

/** What is looked at by hand before the numbers are believed, with the rules of thumb. */
export function renderSanity(sanity: Sanity): string[] {
  const { gpuBusyLoad, gpuBusyWarm } = sanity;
  const lines = [
    `- GPU memory before server start: ${mib(sanity.gpuMemoryBeforeMib)}`,
    `- GPU memory after cold request: ${mib(sanity.gpuMemoryAfterColdMib)}`,
    `- GPU util during warm probes: ${busy(gpuBusyWarm)}`,
    `- GPU util at the highest concurrency: ${busy(gpuBusyLoad)}`,
    `- CPU of the server during cold vs warm: ${cores(sanity.serverCoresCold)} vs ${cores(sanity.serverCoresWarm)}`,
  ];
  if (gpuBusyLoad === null) return [lines.join("\n")];
  const said =
    gpuBusyLoad < RIGHT.from
      ? "under load that is low (50–80 % is right): a TTFT that is high while the GPU is idle points at the host, or at batches that are too small."
      : gpuBusyLoad <= RIGHT.to
        ? "under load 50–80 % is right."
        : "under load that is high: the GPU is the limit, more requests in flight add waiting.";
  return [lines.join("\n"), `The GPU is busy ${percent(gpuBusyLoad)} at the highest concurrency; ${said}`];
}
