import type { Command } from "commander";
import { runAudit } from "./audit.ts";
import { runCalibration } from "./calibrating.ts";
import { FINDING_KINDS, type FindingKind } from "./domain/audit.ts";
import { NotMeasuredError, UsageError } from "./domain/errors.ts";
import { EXIT } from "./domain/verdict.ts";
import { CONFIG_FILE } from "./inputs.ts";
import { KEPT_NIGHTS, spendNight } from "./nightly.ts";
import { renderCalibration } from "./report/calibration.ts";
import { renderDrift } from "./report/drift.ts";
import { renderTerminal } from "./report/terminal.ts";
import { log, prepare, type ServeOptions, wholeNumber, withServeOptions } from "./serve-options.ts";

interface AuditOptions {
  config: string;
  baselineDir?: string;
  since?: string;
  failOn?: string[];
  maxAgeDays?: number;
  json?: boolean;
}

/** Kinds of findings that fail the audit, `any` for all. */
export function failingKinds(given: readonly string[] | undefined): readonly FindingKind[] {
  if (given === undefined) return [];
  if (given.includes("any")) return FINDING_KINDS;
  return given.map((name) => {
    const kind = FINDING_KINDS.find((each) => each === name);
    if (kind === undefined) {
      throw new UsageError(`fail-on: got ${name}, expected any or one of ${FINDING_KINDS.join(", ")}`);
    }
    return kind;
  });
}

interface DriftOptions extends ServeOptions {
  keep: number;
  push?: boolean;
  issue?: boolean;
  repository?: string;
  failOn?: string;
}

async function drift(runs: string[], options: DriftOptions, out: (text: string) => void): Promise<number> {
  if (options.failOn !== undefined && options.failOn !== "drift") {
    throw new UsageError(`--fail-on: got ${options.failOn}, expected drift`);
  }
  // Before a night is measured that nobody would be told of.
  const tracker = options.issue === true ? await accessOf(options.repository) : null;
  const { config, world } = await prepare(options);
  const problems: string[] = [];
  const { run, drift: found } = await spendNight(config, world, {
    runs,
    keep: options.keep,
    // The checkout knows how to push, as its user does.
    push: options.push === true ? {} : null,
    tracker,
    onProblem: (problem) => problems.push(problem),
  });
  if (found === null) {
    if (run !== null) out(renderTerminal(run.verdict, null, run.runDir));
    return run?.verdict.exitCode ?? EXIT.notMeasured;
  }
  out(options.json === true ? `${JSON.stringify(found, null, 1)}\n` : renderDrift(found));
  if (problems.length > 0) throw new NotMeasuredError(problems.join("\n"));
  return options.failOn !== undefined && found.drifting ? EXIT.regressed : EXIT.pass;
}

/** GitHub's client is large, and no other command needs it. */
async function accessOf(repository: string | undefined) {
  const { accessFromEnvironment } = await import("./github-access.ts");
  return accessFromEnvironment(repository, process.env, log);
}

/** As many as the data of one machine had that the shipped spreads come from. */
const CALIBRATION_SESSIONS = 7;

/** Adds the commands about the ledger of baselines. */
export function addLedgerCommands(
  program: Command,
  { out, finish }: { out: (text: string) => void; finish: (code: number) => void },
): void {
  program
    .command("audit")
    .description("who moved which baseline and which bound, from git's history, and what is suspicious in it")
    .option("--config <file>", "configuration", CONFIG_FILE)
    .option("--baseline-dir <folder>", "where baselines lie, as the configuration says by default")
    .option("--since <date>", "only commits after it, as git takes it: 2026-01-31, '3 months ago'")
    .option(
      "--max-age-days <n>",
      "a baseline whose latest session is older is stale, as the configuration says by default",
      wholeNumber,
    )
    .option("--fail-on <kinds...>", `exit 1 on these findings: any, ${FINDING_KINDS.join(", ")}`)
    .option("--json", "print every move and finding")
    .action(async (options: AuditOptions) => {
      const kinds = failingKinds(options.failOn);
      const { audit, page } = await runAudit({
        cwd: process.cwd(),
        configPath: options.config,
        ...(options.baselineDir === undefined ? {} : { baselineDir: options.baselineDir }),
        ...(options.since === undefined ? {} : { since: options.since }),
        ...(options.maxAgeDays === undefined ? {} : { maxAgeDays: options.maxAgeDays }),
        now: new Date(),
      });
      out(options.json === true ? `${JSON.stringify(audit, null, 1)}\n` : page);
      finish(audit.findings.some(({ kind }) => kinds.includes(kind)) ? EXIT.regressed : EXIT.pass);
    });
  withServeOptions(
    program
      .command("drift")
      .description("append a night to the history of this machine and look for changes of its level")
      .argument("[runs...]", "run folders to append; without any, one is measured"),
  )
    .option("--keep <n>", "most nights that the history keeps", wholeNumber, KEPT_NIGHTS)
    .option("--push", "commit the night and push it, on top of what others pushed meanwhile")
    .option("--issue", "open, update or close an issue about it on GitHub, with the token in GITHUB_TOKEN")
    .option("--repository <owner/name>", "of --issue, GITHUB_REPOSITORY by default")
    .option("--fail-on <what>", "drift: exit 1 when a gated metric drifted")
    .option("--json", "print every metric's series of levels")
    .action(async (runs: string[], options: DriftOptions) => finish(await drift(runs, options, out)));
  withServeOptions(
    program
      .command("calibrate")
      .description("measure this machine's own noise: tolerances that it can keep, losses that it can show"),
  ).action(async (options: ServeOptions) => {
    const { config, world } = await prepare({
      ...options,
      sessions: options.sessions ?? CALIBRATION_SESSIONS,
    });
    const { runDir, noise, path, failure } = await runCalibration(config, world, config.sessions);
    if (noise === null || failure !== null) {
      if (failure !== null) out(renderTerminal(failure, null, runDir));
      finish(failure?.exitCode ?? EXIT.notMeasured);
      return;
    }
    out(renderCalibration(noise, path));
    finish(EXIT.pass);
  });
}
