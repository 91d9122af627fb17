import { join, relative, resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { compareRuns } from "./comparing.ts";
import type { Overrides } from "./config/overrides.ts";
import { runDemo } from "./demo.ts";
import { addDoctorCommand } from "./doctor-command.ts";
import { comparisonFileSchema } from "./domain/comparison.ts";
import { GateError, messageOf, UsageError } from "./domain/errors.ts";
import { RUN_FILES } from "./domain/run.ts";
import { EXIT } from "./domain/verdict.ts";
import { runAndRecord, runGate } from "./gate.ts";
import { writeHtmlReport } from "./html-report.ts";
import { addInitCommand } from "./init-command.ts";
import { CONFIG_FILE, checkMetricNames } from "./inputs.ts";
import { outliveReaders } from "./interruption.ts";
import { addLedgerCommands } from "./ledger-commands.ts";
import { addPublishCommand } from "./publish-command.ts";
import { recordedText } from "./recorded-text.ts";
import { type Recorded, type RecordOptions, recordRuns, WINDOW } from "./recording.ts";
import { renderComment } from "./report/comment.ts";
import { printable, renderTerminal } from "./report/terminal.ts";
import { cellsOf, commentInputOf, mergeRuns, readAll, readReported, runFolders } from "./reporting.ts";
import {
  interruptions,
  log,
  optionName,
  overridesOf,
  prepare,
  type ServeOptions,
  stdoutLook,
  wholeNumber,
  withServeOptions,
} from "./serve-options.ts";
import { runSimulator } from "./simulate.ts";
import { addStudyCommands } from "./study-commands.ts";
import { parseJson, readCheckedOut, readTextIfExists } from "./system/files.ts";
import { gitRoot } from "./system/git.ts";
import { TOOL_VERSION } from "./version.ts";

const out = (text: string) => process.stdout.write(text);

const SIMULATE_HELP = `
For example: vllm-gate simulate -- Qwen/Qwen2.5-1.5B-Instruct --port 8000 --max-model-len 4096
The model is a name that the simulator knows or a folder with a config.json. Device, version, noise, faults and
regressions come from flags of its own (--startup-scale 0.1, --sim-gpu h100, --sim-settings FILE.json) or from VLLM_SIM_
variables, which the README lists. It ends on SIGINT and SIGTERM, as vLLM does.`;

async function run(options: ServeOptions): Promise<number> {
  const { config, world } = await prepare(options, { headAlone: false });
  const result = await runGate(config, world);
  if (options.json === true) {
    out(`${JSON.stringify(result.verdict, null, 1)}\n`);
  } else {
    const path = join(result.runDir, RUN_FILES.comparison);
    const text = await readTextIfExists(path);
    const comparison = text === null ? null : parseJson(text, comparisonFileSchema, path);
    out(renderTerminal(result.verdict, comparison, shown(result.runDir), stdoutLook()));
  }
  return result.verdict.exitCode;
}

function shown(runDir: string): string {
  return join(relative(process.cwd(), runDir) || runDir, RUN_FILES.report);
}

interface RecordCommandOptions extends ServeOptions {
  extend?: number | true;
  accept?: string[];
  reason?: string;
  pullRequest?: boolean;
  baseBranch?: string;
  repository?: string;
}

function recordOptionsOf({ extend, accept, reason }: RecordCommandOptions): RecordOptions {
  if (extend !== undefined && accept !== undefined) {
    throw new UsageError("--extend and --accept: expected one of them, an extension accepts nothing");
  }
  return {
    ...(extend === undefined ? {} : { extendTo: extend === true ? WINDOW : extend }),
    ...(accept === undefined ? {} : { accept }),
    ...(reason === undefined ? {} : { reason }),
  };
}

async function record(runDirs: string[], options: RecordCommandOptions): Promise<number> {
  const how = recordOptionsOf(options);
  const propose = await proposerOf(options);
  if (runDirs.length > 0) {
    const given = Object.keys(overridesOf(options)).filter(
      (key) => key !== "baselineDir",
    ) as (keyof Overrides)[];
    if (given[0] !== undefined) {
      throw new UsageError(
        `${optionName(given[0])} has no effect on runs that exist: give run folders, or options to measure new ones`,
      );
    }
    const dir = options.baselineDir ?? (await baselineDirOf(options));
    await propose(await recordRuns(runDirs, dir, { cwd: process.cwd() }, how));
    return EXIT.pass;
  }
  const { config, world } = await prepare(options);
  const result = await runAndRecord(config, world, how);
  if (result.recorded === null) out(renderTerminal(result.verdict, null, shown(result.runDir), stdoutLook()));
  else await propose(result.recorded);
  return result.verdict.exitCode;
}

async function baselineDirOf(options: ServeOptions): Promise<string> {
  const name = options.config ?? CONFIG_FILE;
  if (
    (await readCheckedOut(resolve(name), await gitRoot(process.cwd()))) === null &&
    options.config === undefined
  )
    return "baselines";
  const { configPath, file } = await readConfigFile(name);
  return file.baselineDir || configPath;
}

async function readConfigFile(name: string) {
  const { parseConfig } = await import("./config/load.ts");
  const text = await readCheckedOut(resolve(name), await gitRoot(process.cwd()));
  if (text === null) throw new UsageError(`${name}: no such file`);
  const file = parseConfig(text, name);
  checkMetricNames(file, name);
  return { configPath: name, file };
}

/** Prints what was recorded, and proposes it by a pull request where that is asked for. */
async function proposerOf({ pullRequest, baseBranch, repository }: RecordCommandOptions) {
  const byHand = "Commit this file on the base branch: pull requests are judged by that copy.";
  if (pullRequest !== true) return async (recorded: Recorded) => out(recordedText(recorded, byHand));
  // GitHub's client is large, and without a pull request nothing here needs it. A token that is missing is said at once.
  const [{ accessFromEnvironment }, { proposedText, proposeRecorded }] = await Promise.all([
    import("./github-access.ts"),
    import("./proposing.ts"),
  ]);
  const access = accessFromEnvironment(repository, process.env, log);
  return async (recorded: Recorded) => {
    out(recordedText(recorded, "Pull requests are judged by the base branch's copy."));
    out(
      printable(
        `${proposedText(await proposeRecorded(recorded, process.cwd(), access, baseBranch ?? null))}\n`,
      ),
    );
  };
}

interface CompareOptions {
  base: string[];
  head: string[];
  config?: string;
  scenario?: string;
  json?: boolean;
}

async function compare(options: CompareOptions): Promise<number> {
  const isGiven = options.config !== undefined || options.scenario !== undefined;
  const found = isGiven ? await readConfigFile(options.config ?? CONFIG_FILE) : null;
  const rulesFor = (measured: string) => {
    if (found === null) return null;
    const { file, configPath } = found;
    const names = Object.keys(file.scenarios);
    // The rules of whichever scenario comes first would be a coincidence.
    const scenario = options.scenario ?? (names.length === 1 ? names[0] : undefined) ?? measured;
    const section = Object.hasOwn(file.scenarios, scenario) ? file.scenarios[scenario] : undefined;
    if (section !== undefined) return { ...file, ...section };
    throw new UsageError(
      options.scenario === undefined
        ? `${configPath} has ${names.length} scenarios and none is "${measured}", which was measured: choose one with --scenario: ${names.join(", ")}`
        : `--scenario: ${configPath} has no scenario "${scenario}". It has: ${names.join(", ")}`,
    );
  };
  // A name that is wrong is refused before gigabytes of traces are read.
  if (options.scenario !== undefined) rulesFor(options.scenario);
  const { comparison, verdict } = await compareRuns(options.base, options.head, rulesFor);
  if (options.json === true) {
    out(`${JSON.stringify({ ...comparison, ...verdict }, null, 1)}\n`);
  } else {
    out(renderTerminal(verdict, comparison, "--json prints every input of the decision", stdoutLook()));
  }
  return verdict.exitCode;
}

async function report(names: string[], { cells = [] }: { cells?: string[] }): Promise<number> {
  const cwd = process.cwd();
  const folders = await runFolders(names, cwd);
  const [only] = folders;
  if (folders.length === 1 && only !== undefined && cells.length === 0) {
    const input = commentInputOf(await readReported(only), cwd);
    out(renderComment(input));
    await writeHtmlReport(only, input, log);
    return EXIT.pass;
  }
  const { runs, unread } = await readAll(folders, readReported);
  const { overall, parts } = mergeRuns(cellsOf(runs, unread, cells, cwd));
  out(`${parts.map(({ text }) => text).join("\n\n")}\n`);
  return overall.exitCode;
}

function buildProgram(finish: (code: number) => void): Command {
  const program = new Command("vllm-gate")
    .description("A regression gate for people who serve language models with vLLM.")
    .version(TOOL_VERSION)
    .showSuggestionAfterError()
    .exitOverride();
  const action =
    <A extends unknown[]>(work: (...args: A) => Promise<number>) =>
    async (...args: A) =>
      finish(await work(...args));

  program
    .command("demo")
    .description("the whole story on the built-in simulator, no GPU, under a minute")
    .action(action(() => runDemo({ out, log, ...interruptions(), environment: process.env })));
  withServeOptions(
    program.command("run").description("serve, probe, measure, compare with the baseline, report"),
  )
    .option("--compare-to <what>", "baseline, or base: the base's flags, measured in turn with these (A/B)")
    .option("--base-args <flags>", "flags of the other side of an A/B, in place of the base branch's")
    .option("--base-command <command>", "what starts the other side of an A/B: another version")
    .option("--report-only", "every verdict exits 0")
    .option("--json", "print verdict.json")
    .action(action((options: ServeOptions) => run(options)));
  withServeOptions(
    program
      .command("record")
      .description("make a baseline, from run folders that exist or by measuring")
      .argument("[runs...]", "run folders"),
  )
    .option(
      "--extend [sessions]",
      `add to the baseline that is there, ${WINDOW} sessions at most`,
      wholeNumber,
    )
    .option(
      "--accept <metrics...>",
      "take only these metrics from the runs, by id or pattern; needs --reason",
    )
    .option("--reason <text>", "why the baseline changes; it is kept in the file")
    .option("--pull-request", "propose it by a pull request on GitHub, with the token in GITHUB_TOKEN")
    .option("--base-branch <name>", "of --pull-request, the repository's default branch by default")
    .option("--repository <owner/name>", "of --pull-request, GITHUB_REPOSITORY by default")
    .action(action((runs: string[], options: RecordCommandOptions) => record(runs, options)));
  addInitCommand(program, { out, finish });
  addDoctorCommand(program, { out, finish });
  addStudyCommands(program, { out, finish });
  addLedgerCommands(program, { out, finish });
  program
    .command("compare")
    .description("compare run folders, or a baseline, with run folders")
    .requiredOption("--base <path...>", "run folders, or a baseline's file")
    .requiredOption("--head <path...>", "run folders")
    .option("--config <file>", "take tolerances, levels and limits from this configuration")
    .option("--scenario <name>", "and from this scenario of it")
    .option("--json", "print comparison and verdict")
    .action(action((options: CompareOptions) => compare(options)));
  program
    .command("report")
    .description(
      "print the comment of a run folder and write its report.html, or one comment on many, which ends as the worst of them",
    )
    .argument("<runs...>", "run folders, folders of them, or patterns")
    .option("--cells <names...>", "names of the runs that must be there: a missing one fails the report")
    .action(action((runs: string[], options: { cells?: string[] }) => report(runs, options)));
  addPublishCommand(program, { finish, log, wholeNumber });
  program
    .command("simulate")
    .description("serve the built-in simulator of vLLM: its HTTP, log, metrics and flags, without a GPU")
    .argument("[flags...]", "after --, what would follow `vllm serve`: a model and vLLM's own flags")
    .addHelpText("after", SIMULATE_HELP)
    .action(action((flags: string[]) => runSimulator(flags)));
  program.addHelpText(
    "after",
    "\nExit codes: 0 pass, 1 regressed, 2 wrong input, 3 measured but no verdict, 4 nothing measured, 130/143 cancelled.",
  );
  for (const command of program.commands) command.exitOverride().showSuggestionAfterError();
  return program;
}

/**
 * Runs the command line.
 *
 * @param argv - arguments without node and script
 * @returns the exit code
 */
export async function main(argv: readonly string[]): Promise<number> {
  outliveReaders();
  let code: number = EXIT.pass;
  const program = buildProgram((finished) => {
    code = finished;
  });
  try {
    if (argv.length === 0) {
      out(program.helpInformation());
      return EXIT.usage;
    }
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
    log.follow?.(null);
    const known = error instanceof GateError;
    process.stderr.write(
      printable(`vllm-gate: ${known ? messageOf(error) : ((error as Error).stack ?? String(error))}\n`),
    );
    return known ? error.exitCode : EXIT.notMeasured;
  }
}
