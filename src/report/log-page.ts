import { typed } from "../domain/command-line.ts";
import type { RunRecord } from "../domain/run.ts";
import { code, codeBlock, plain } from "./markdown.ts";

/** Where a study's log page lies in its run folder. */
export const LOG_PAGE = "logs/LOG.md";

/** What a study tells its log page; the environment is the run's own. */
export interface LogPage {
  /** Plain text. */
  readonly title: string;
  readonly run: RunRecord;
  /** The commands that measured it, as they were typed. */
  readonly commands: readonly string[];
  /** Blocks of Markdown: tables, lists. What others wrote in them is escaped by the caller. */
  readonly keyNumbers: readonly string[];
  /** Files of the run folder. */
  readonly artifacts: readonly string[];
  /** Sentences in plain text. */
  readonly observations: readonly string[];
}

/** The end-of-day page of an experiment: Environment, Commands Run, Key Numbers, Artifacts, Observations. */
export function renderLogPage(page: LogPage): string {
  const { run } = page;
  return [
    `# ${plain(page.title)}`,
    "## Environment",
    environmentLines(run).join("\n"),
    "## Commands Run",
    "Server launch:",
    codeBlock(launchCommands(run)),
    "Probe:",
    codeBlock(page.commands),
    "## Key Numbers",
    ...page.keyNumbers,
    "## Artifacts Created/Updated",
    page.artifacts.map((name) => `- ${code(name)}`).join("\n"),
    "## Observations / Surprises",
    page.observations.map((each) => `- ${plain(each)}`).join("\n"),
    "",
  ].join("\n\n");
}

/** GPU, OS and kernel, vLLM version, model, and the flags of each variant: the head of every page of a study. */
export function environmentLines(run: RunRecord): string[] {
  const machine = run.fingerprint;
  const text = (field: string, missing: string) => plain(String(machine[field] ?? missing));
  const gpu =
    machine["gpuModel"] == null
      ? `none (CPU: ${text("cpuModel", "unknown")}, ${text("cpuCores", "?")} cores)`
      : `${text("gpuModel", "")} × ${text("gpuCount", "1")}, ${text("gpuMemoryMib", "?")} MiB, driver ${text("driver", "unknown")}`;
  const variants = Object.entries(run.variants);
  const flags = variants.map(([name, { args }]) => {
    const label = variants.length === 1 ? "" : ` (${plain(name)})`;
    return `- Key vLLM flags${label}: ${code(typed(args)) || "none"}`;
  });
  const versions = [...new Set(run.sessions.flatMap((session) => session.vllmVersion ?? []))];
  return [
    `- GPU: ${gpu}`,
    `- OS / kernel: ${text("os", "unknown")} / ${text("kernel", "unknown")}`,
    `- vLLM version: ${plain(versions.join(", ") || "unknown")}`,
    `- Model (SLM): ${text("model", "unknown")}`,
    ...flags,
  ];
}

/** The command of each variant's first server; a server that was already running has none. */
function launchCommands(run: RunRecord): string[] {
  const commands = Object.keys(run.variants).flatMap((variant) => {
    const session = run.sessions.find((each) => each.variant === variant && each.argv !== undefined);
    return session?.argv === undefined ? [] : [typed(session.argv)];
  });
  return commands.length === 0 ? ["none: the server was already running"] : commands;
}
