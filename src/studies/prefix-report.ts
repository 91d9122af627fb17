import { MISSES, type PrefixStudy, type PromptFacts } from "../domain/prefix-study.ts";
import type { SessionRecord } from "../domain/run.ts";
import { missShareOf } from "../measure/prefix-metrics.ts";
import { interpret } from "../measure/prefix-reading.ts";
import {
  capacityOf,
  comparePrefixRows,
  prefixRows,
  requestsOf,
  type StudiedCell,
  type StudyFacts,
  studiedSessions,
} from "../measure/prefix-study.ts";
import { caseName, missCaseName } from "../probe/prefix-load.ts";
import { WORKLOADS } from "../probe/prompt-set.ts";
import { LOG_PAGE, renderLogPage } from "../report/log-page.ts";
import { prefixRequestsCsv, prefixRequestsName, prefixSummaryCsv } from "../report/prefix-csv.ts";
import { prefixLogLines } from "../report/prefix-log-lines.ts";
import {
  PREFIX_RESULTS,
  prefixSummaryText,
  prefixTable,
  renderPrefixResults,
} from "../report/prefix-results.ts";
import type { PrefixStudyOptions } from "./prefix.ts";
import { PROMPTS_FILE } from "./prefix-cells.ts";
import { readPromptFacts } from "./prefix-prompt-facts.ts";
import type { MeasuredStudy, StudyReport } from "./study-kind.ts";

/** vLLM's block on a GPU, where a server does not say its own. */
const DEFAULT_BLOCK = 16;

const SUMMARY = { csv: "csv/prefix_summary.csv", json: "prefix_summary.json" } as const;

/** The pages and tables of a prefix study that was measured. */
export async function reportPrefix(study: MeasuredStudy<PrefixStudyOptions>): Promise<StudyReport> {
  const { options, run, traces } = study;
  const prompts = readPromptFacts((await study.files.read(PROMPTS_FILE)) ?? "");
  const primary = prompts[0]?.workload ?? "policy";
  const cells = prompts.flatMap((group) =>
    options.concurrency.flatMap((concurrency): StudiedCell[] => {
      const { regime, workload } = group;
      const isMain = workload === primary;
      const own = { workload, regime, concurrency, case: caseName(group, concurrency, isMain) };
      const misses = { ...own, workload: MISSES, case: missCaseName(group, concurrency) };
      return isMain ? [own, misses] : [own];
    }),
  );
  const on = run.sessions.find((session) => session.variant === "on" && session.outcome === "ok");
  const facts = factsOf(prompts, primary, on);
  const sessions = studiedSessions(run, traces);
  const rows = prefixRows(sessions, cells);
  const comparisons = comparePrefixRows(rows, facts);
  const numbers: PrefixStudy = {
    schemaVersion: 1,
    rows,
    comparisons,
    ...interpret(comparisons, facts),
    doubts: [...doubtsOf(study), ...controlDoubts(comparisons)],
  };
  const serverLog = on === undefined ? null : await study.serverLog(on.index);
  const results = {
    run,
    study: numbers,
    titles: Object.fromEntries(Object.entries(WORKLOADS).map(([name, { title }]) => [name, title])),
    prompts,
    log: serverLog === null ? null : prefixLogLines(serverLog),
    meantToMiss: on === undefined ? null : missShareOf(sessions, on.index),
    command: study.command,
  };
  const page = renderPrefixResults(results);
  const requests = cells.flatMap((cell) =>
    (["off", "on"] as const).flatMap((mode) => {
      const own = requestsOf(sessions, mode, cell);
      const name = prefixRequestsName(mode, cell, primary);
      return own.length === 0 ? [] : [{ name, text: prefixRequestsCsv(own) }];
    }),
  );
  const files = [
    { name: SUMMARY.csv, text: prefixSummaryCsv(rows) },
    { name: SUMMARY.json, text: `${JSON.stringify(numbers, null, 1)}\n` },
    { name: PREFIX_RESULTS, text: page },
    ...requests,
  ];
  const logPage = renderLogPage({
    title: `Prefix caching: ${run.scenario}`,
    run,
    commands: [study.command],
    keyNumbers: [prefixTable(comparisons)],
    artifacts: [PROMPTS_FILE, ...files.map(({ name }) => name)],
    observations: [...numbers.interpretation.flatMap(({ lines }) => lines), ...numbers.conclusion],
  });
  return {
    files: [...files, { name: LOG_PAGE, text: logPage }],
    report: page,
    summary: prefixSummaryText(results),
  };
}

function factsOf(
  prompts: readonly PromptFacts[],
  primary: string,
  on: SessionRecord | undefined,
): StudyFacts {
  return {
    prompts,
    primary,
    cachingOn: on?.kv?.prefixCaching ?? null,
    blockSize: on?.kv?.blockSize ?? DEFAULT_BLOCK,
    capacityTokens: on === undefined ? null : capacityOf(on),
  };
}

/** Misses should take as long on both servers. Where they do not, neither do hits, caching or not. */
const MOST_CONTROL = 0.1;

function controlDoubts(comparisons: PrefixStudy["comparisons"]): string[] {
  const off = comparisons.filter(({ control }) => control !== null && Math.abs(control) > MOST_CONTROL);
  if (off.length === 0) return [];
  const said = off.map(
    ({ regime, concurrency, control }) =>
      `${(control ?? 0) > 0 ? "+" : "−"}${Math.abs((control ?? 0) * 100).toFixed(0)} % (${regime} tokens at ${concurrency})`,
  );
  return [
    `Prompts that miss the cache took ${said.join(", ")} on the server with caching: the two servers, or the machine meanwhile, ` +
      "differ by more than caching. Rely on the saving within one server, or measure again with --repeats 3.",
  ];
}

/** What a reader must know before the numbers: what spoilt them, sessions that failed, what was not repeated. */
function doubtsOf(study: MeasuredStudy<PrefixStudyOptions>): string[] {
  const { run, options } = study;
  const failed = run.sessions.filter((session) => session.outcome !== "ok");
  const off = run.sessions.find((session) => session.variant === "off" && session.outcome === "ok");
  return [
    ...study.doubts,
    ...failed.map(
      (session) => `A server with caching ${session.variant} failed: ${session.cause ?? "no reason given"}`,
    ),
    ...(off?.kv?.prefixCaching === true
      ? ["The server that was told to leave prefix caching off says enable_prefix_caching=True."]
      : []),
    ...(options.repeats === 1
      ? [
          "One server of each kind was measured: restarts of the same server can differ by 10 % and more. --repeats 3 tells a small effect from chance.",
        ]
      : []),
  ];
}
