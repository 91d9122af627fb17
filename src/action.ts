import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { planBase } from "./action-base.ts";
import type { Overrides } from "./config/overrides.ts";
import { GateError, messageOf, UsageError } from "./domain/errors.ts";
import { RUN_FILES } from "./domain/run.ts";
import { EXIT } from "./domain/verdict.ts";
import { type RunResult, runAndRecord, runGate } from "./gate.ts";
import { loadConfig } from "./inputs.ts";
import { outliveReaders, untilInterrupted } from "./interruption.ts";
import { resolveBase } from "./system/git.ts";
import { runnerLine, runnerText } from "./system/runner-log.ts";
import { STATE_NAME } from "./system/state-file.ts";

const MODES = ["gate", "record"] as const;

function text(name: string): string | undefined {
  return core.getInput(name) || undefined;
}

function number(name: string): number | undefined {
  const given = text(name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (Number.isNaN(value)) throw new UsageError(`${name}: got "${given}", expected a number`);
  return value;
}

function flag(name: string): boolean | undefined {
  const given = text(name)?.toLowerCase();
  if (given === undefined) return undefined;
  if (given !== "true" && given !== "false")
    throw new UsageError(`${name}: got "${given}", expected true or false`);
  return given === "true";
}

function readOverrides(): Overrides {
  const all = {
    scenario: text("scenario"),
    model: text("model"),
    args: text("args"),
    command: text("command"),
    serverUrl: text("server-url"),
    sessions: number("sessions"),
    rounds: number("rounds"),
    budgetMinutes: number("budget-minutes"),
    baselineDir: text("baseline-dir"),
    // An input that is false leaves the file's own word.
    reportOnly: flag("report-only") || undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

const inputName = (key: keyof Overrides) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The revision whose policy and baseline judge; undefined when that is the checkout itself. */
async function baseRevision(cwd: string): Promise<string | undefined> {
  const name = process.env["GITHUB_EVENT_NAME"] ?? "";
  const plan = planBase({ name, ref: process.env["GITHUB_REF"] ?? "", payload: context.payload });
  if (plan.kind === "checkout") return undefined;
  if (plan.kind === "unknown") {
    throw new UsageError(
      `The event ${JSON.stringify(name)} names neither a base branch nor the repository's default branch, whose ` +
        "policy and baseline judge: run this on pull_request, merge_group, push, schedule or workflow_dispatch.",
    );
  }
  const base = await resolveBase(cwd, plan);
  if (base === null) {
    throw new UsageError(
      `The base branch ${plan.branch} is not in this clone and could not be fetched. Its policy and baseline judge: ` +
        "check out with `fetch-depth: 0`, or run `git fetch origin` for it before this step.",
    );
  }
  if (base.isStale) {
    core.warning(
      runnerLine(
        `The base branch ${plan.branch} could not be fetched, so the copy in this clone judges, which may be old.`,
      ),
    );
  }
  return base.revision;
}

async function run(): Promise<number> {
  const mode = text("mode") ?? "gate";
  if (!(MODES as readonly string[]).includes(mode)) {
    throw new UsageError(`mode: got "${mode}", expected ${MODES.join(" or ")}`);
  }
  const cwd = resolve(process.env["GITHUB_WORKSPACE"] ?? ".");
  const revision = await baseRevision(cwd);
  const base = revision === undefined ? {} : { baseRevision: revision };
  const configPath = text("config");
  const config = await loadConfig({
    cwd,
    overrides: readOverrides(),
    nameOverride: inputName,
    ...base,
    ...(configPath === undefined ? {} : { configPath }),
  });
  outliveReaders();
  const interruptions = untilInterrupted((signal) => core.info(runnerLine(`${signal}: ending the server`)));
  const statePath = join(
    process.env["RUNNER_TEMP"] ?? join(cwd, ".vllm-gate"),
    `vllm-gate-${randomUUID()}.json`,
  );
  // Before anything can go wrong: the `post` step must know where to look.
  core.saveState(STATE_NAME, statePath);
  const world = {
    cwd,
    environment: process.env,
    log: {
      step: (message: string) => core.info(runnerLine(message)),
      warn: (message: string) => core.warning(runnerLine(message)),
    },
    ...interruptions,
    runsDir: join(cwd, "runs"),
    onRunFolder: (runDir: string) => core.setOutput("run-path", runDir),
    statePath,
    ...base,
  };
  const result = mode === "record" ? await runAndRecord(config, world) : await runGate(config, world);
  await publish(result);
  return result.verdict.exitCode;
}

async function publish({ verdict, comment, runDir }: RunResult): Promise<void> {
  core.setOutput("verdict", verdict.verdict);
  core.setOutput("comment-body", comment);
  core.setOutput("report-path", join(runDir, RUN_FILES.report));
  core.setOutput("run-path", runDir);
  await writeSummary(comment);
  const line = `${verdict.headline.replace(/\.+$/, "")}. ${verdict.nextAction}`;
  if (verdict.exitCode !== EXIT.pass)
    core.error(runnerText(line), { title: `vllm-gate: ${verdict.verdict}` });
  else if (verdict.verdict !== "pass")
    core.notice(runnerText(line), { title: `vllm-gate: ${verdict.verdict}` });
  else core.info(runnerLine(line));
}

/** The runner takes no more for one step's summary. */
const MAX_SUMMARY_BYTES = 1024 * 1024;

/** The verdict stands in the outputs: a summary that cannot be written changes nothing about it. */
async function writeSummary(comment: string): Promise<void> {
  const fits = Buffer.byteLength(comment) <= MAX_SUMMARY_BYTES;
  try {
    await core.summary
      .addRaw(fits ? comment : "The report is too long for a summary: see report.md in the run folder.\n")
      .write();
  } catch (error) {
    core.warning(runnerLine(`The job's summary could not be written: ${messageOf(error)}`));
  }
}

// Outputs have a value however the step ends.
core.setOutput("verdict", "failed");
core.setOutput("comment-body", "");
core.setOutput("report-path", "");
core.setOutput("run-path", "");
try {
  process.exitCode = await run();
} catch (error) {
  core.error(runnerText(messageOf(error)), { title: "vllm-gate" });
  process.exitCode = error instanceof GateError ? error.exitCode : EXIT.notMeasured;
}
