import type { Command } from "commander";
import type { GateConfig } from "../config/load.ts";
import type { ServerSpec } from "../config/server-spec.ts";
import { UsageError } from "../domain/errors.ts";
import { flagValue, tokenCount, withoutFlag } from "../domain/flag-value.ts";
import type { KvStudy } from "../domain/kv-study.ts";
import { analyseKvStudy } from "../measure/kv-study.ts";
import { ranksOf } from "../probe/batching-cells.ts";
import type { Cell } from "../probe/cells.ts";
import { fillLengths, type KvOptions, kvFillCase } from "../probe/kv-cases.ts";
import { renderKvCsv } from "../report/kv-csv.ts";
import { bytesSentences, contextSentence, lengthSentence } from "../report/kv-curve.ts";
import { renderKvNotes, safeSentence } from "../report/kv-notes.ts";
import { KV_COLUMNS, kvCells, kvTable } from "../report/kv-table.ts";
import { LOG_PAGE, renderLogPage } from "../report/log-page.ts";
import { plain } from "../report/markdown.ts";
import { columns } from "../report/terminal.ts";
import { findModelShape } from "../serve/model-config.ts";
import type { Surroundings } from "../surroundings.ts";
import type { MeasuredStudy, StudyKind, StudyReport } from "./study-kind.ts";

export interface KvStudyOptions {
  /** Values of `--max-model-len`, ascending. */
  readonly lengths: readonly number[];
  /** How many requests of full length should fit at once. */
  readonly wantConcurrency: number;
}

const DEFAULT_LENGTHS = "512,1024,2048,4096";
const DEFAULT_CONCURRENCY = 8;
const MAX_LENGTHS = 50;
const FLAG = "--max-model-len";

/** vLLM's words for a length beyond the model's context. */
const REFUSED_LENGTH = /max_model_len \(\S{1,32}\) is greater than the derived max_model_len/;

const CSV = "csv/kv_cache_scaling.csv";
const NOTES = "logs/kv_cache_scaling_notes.md";

/** `vllm-gate study kv`: a server for each `--max-model-len`, and what its KV cache holds. */
export const KV_STUDY: StudyKind<KvStudyOptions> = {
  name: "kv",
  description: "KV cache over --max-model-len: tokens, concurrency and memory, bytes per token, what fits",

  addOptions: (command: Command) =>
    command
      .option("--lens <tokens>", `values of ${FLAG}, separated by commas`, DEFAULT_LENGTHS)
      .option(
        "--want-concurrency <n>",
        "requests of full length that should fit at once",
        String(DEFAULT_CONCURRENCY),
      ),

  readOptions: (given) => ({
    lengths: readLengths(String(given["lens"] ?? DEFAULT_LENGTHS)),
    wantConcurrency: readConcurrency(String(given["wantConcurrency"] ?? DEFAULT_CONCURRENCY)),
  }),

  plan: async (options, config, _files, world) => {
    const { server } = config;
    if (server.kind === "attach") {
      throw new UsageError(
        `study kv restarts the server with other values of ${FLAG}: ${server.url} is running already, give a model to start`,
      );
    }
    await checkContext(options.lengths, server, world);
    const variants = Object.fromEntries(
      options.lengths.map((length) => [
        String(length),
        { ...server, args: [...withoutFlag(server.args, FLAG), FLAG, String(length)] },
      ]),
    );
    return {
      variants,
      order: options.lengths.map(String),
      rounds: 1,
      cells: [fillCell(config, Math.max(...options.lengths))],
      spare: (left) => spareLength(options.lengths, left),
      sessionName: (variant) => `${FLAG} ${variant}`,
    };
  },

  // Seen here only where the model's own context is not known before a start.
  isRefusal: (cause) => REFUSED_LENGTH.test(cause),

  report: async (measured) => {
    const { run, traces, options } = measured;
    const study = analyseKvStudy({ run, traces, ...options });
    return reportOf(measured, study);
  },
};

/**
 * The length that a budget costs first: the smallest and the largest stay, since they span the curve, and of those
 * between them the one that halves it last goes first.
 */
function spareLength(lengths: readonly number[], left: readonly string[]): number[] {
  const ranks = ranksOf(lengths.length);
  const rankOf = (variant: string) => ranks[lengths.indexOf(Number(variant))] ?? 0;
  const [least] = left
    .map((variant, place) => ({ place, rank: rankOf(variant) }))
    .filter(({ rank }) => rank > 1)
    .sort((a, b) => b.rank - a.rank);
  return least === undefined ? [] : [least.place];
}

function readLengths(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  const lengths = parts.map((part) => {
    const value = tokenCount(part);
    if (value === null)
      throw new UsageError(`--lens: got "${part}", expected numbers of tokens such as ${DEFAULT_LENGTHS}`);
    return value;
  });
  const sorted = [...new Set(lengths)].sort((a, b) => a - b);
  if (sorted.length > MAX_LENGTHS) {
    throw new UsageError(`--lens: got ${sorted.length} lengths, expected at most ${MAX_LENGTHS}`);
  }
  return sorted;
}

function readConcurrency(text: string): number {
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= 1) return value;
  throw new UsageError(`--want-concurrency: got "${text}", expected a whole number of at least 1`);
}

/** Refuses lengths that the model cannot take, before any server is started. */
async function checkContext(
  lengths: readonly number[],
  server: Extract<ServerSpec, { kind: "launch" }>,
  { cwd, environment }: Surroundings,
): Promise<void> {
  const env = { ...environment, ...server.env };
  if (isOn(env["VLLM_ALLOW_LONG_MAX_MODEL_LEN"])) return;
  const overridden = flagValue(server.args, "--hf-overrides", "--hf-config-path", "--config") !== null;
  const shape = overridden
    ? null
    : await findModelShape({ cwd, model: server.model, args: server.args, env });
  const context = shape?.contextTokens ?? null;
  if (context === null) return;
  const beyond = lengths.filter((length) => length > context);
  if (beyond.length === 0) return;
  throw new UsageError(
    `--lens: ${beyond.join(", ")}: the model's context is ${context} tokens (${shape?.contextKey} of the config.json of ` +
      `${server.model}), so vLLM refuses a longer ${FLAG}. Give lengths up to ${context}.`,
  );
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && /^(1|true)$/i.test(value);
}

/** Fills so much of a context at most: beyond it a line is a line. */
const MOST_CONTEXT = 8192;

/** Contexts as long as each server takes, so that every server shows its own steps. */
function fillCell(config: GateConfig, longest: number): Cell {
  const options: KvOptions = {
    ...(config.probes.kv === false ? { steps: 6, outputTokens: 64 } : config.probes.kv),
    contextTokens: Math.min(longest, MOST_CONTEXT),
  };
  const lengths = fillLengths(options, { maxModelLen: longest, kv: null });
  return {
    name: "kv.fill",
    value: 1,
    concurrency: 1,
    work: {
      requests: options.steps,
      concurrency: 1,
      promptTokens: Math.round((lengths.at(-1) ?? longest) / options.steps),
      outputTokens: options.outputTokens,
    },
    plan: async (target, _round, tools) => [
      kvFillCase(
        target,
        {
          ...options,
          contextTokens: Math.min(options.contextTokens, tools.maxModelLen ?? options.contextTokens),
        },
        tools,
      ),
    ],
  };
}

function reportOf({ run, options, command }: MeasuredStudy<KvStudyOptions>, study: KvStudy): StudyReport {
  const notes = renderKvNotes(run, study);
  const says = [
    lengthSentence(study),
    contextSentence(study),
    ...bytesSentences(study),
    safeSentence(study),
    ...study.rows
      .filter((row) => !row.measured)
      .map((row) => `${FLAG} ${row.maxModelLen}: ${row.notes.join("; ")}.`),
  ];
  const page = renderLogPage({
    title: `KV cache scaling over ${options.lengths.join(", ")} tokens`,
    run,
    commands: [command],
    keyNumbers: [kvTable(study)],
    artifacts: [CSV, NOTES, "report.md"],
    observations: says,
  });
  const table = columns([KV_COLUMNS, ...kvCells(study)].map((row) => row.slice(0, -1)));
  // A length that was left out has a row that says so.
  const skipped = (run.study?.dropped ?? [])
    .filter(({ variant }) => variant === undefined)
    .map(({ cell, reason }) => `${cell}: ${reason}`);
  return {
    files: [
      { name: CSV, text: renderKvCsv(study.rows) },
      { name: NOTES, text: notes },
      { name: LOG_PAGE, text: page },
    ],
    report:
      skipped.length === 0 ? notes : `${notes}\n${skipped.map((each) => `- ${plain(each)}`).join("\n")}\n`,
    summary: [...table, "", ...says, ...skipped].join("\n"),
  };
}
