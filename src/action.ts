import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import type { Overrides } from "./config/overrides.ts";
import { GateError, messageOf, UsageError } from "./domain/errors.ts";
import { RUN_FILES } from "./domain/run.ts";
import { EXIT } from "./domain/verdict.ts";
import { type RunResult, runAndRecord, runGate } from "./gate.ts";
import { loadConfig } from "./inputs.ts";
import { Interruption } from "./measuring.ts";
import { printable } from "./report/terminal.ts";
import { resolveBaseBranch } from "./system/git.ts";

const MODES = ["gate", "record"] as const;

/** Name under which the `post` step finds the state file. */
export const STATE_NAME = "state-file";

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

/** A pull request is judged by the base branch's policy and baseline. */
async function baseRevision(cwd: string): Promise<string | undefined> {
  const branch = (context.payload.pull_request?.["base"] as { ref?: unknown } | undefined)?.ref;
  if (typeof branch !== "string") return undefined;
  const revision = await resolveBaseBranch(cwd, branch);
  if (revision === null) {
    throw new UsageError(
      `The base branch ${branch} is not in this clone and could not be fetched. Its policy and baseline judge a ` +
        "pull request: check out with `fetch-depth: 0`, or run `git fetch origin` for it before this step.",
    );
  }
  return revision;
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
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => controller.abort(new Interruption(signal)));
  }
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
      step: (message: string) => core.info(printable(message)),
      warn: (message: string) => core.warning(printable(message)),
    },
    signal: controller.signal,
    runsDir: join(cwd, "runs"),
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
  await core.summary.addRaw(comment).write();
  const line = `${verdict.headline}. ${verdict.nextAction}`;
  if (verdict.exitCode !== EXIT.pass) core.error(printable(line), { title: `vllm-gate: ${verdict.verdict}` });
  else if (verdict.verdict !== "pass")
    core.notice(printable(line), { title: `vllm-gate: ${verdict.verdict}` });
  else core.info(printable(line));
}

// Outputs have a value however the step ends.
core.setOutput("verdict", "failed");
core.setOutput("comment-body", "");
core.setOutput("report-path", "");
core.setOutput("run-path", "");
try {
  process.exitCode = await run();
} catch (error) {
  core.error(printable(messageOf(error)), { title: "vllm-gate" });
  process.exitCode = error instanceof GateError ? error.exitCode : EXIT.notMeasured;
}
