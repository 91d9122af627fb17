import { randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import * as core from "@actions/core";
import { context } from "@actions/github";
import { planBase } from "./action-base.ts";
import type { ActionInputs } from "./action-inputs.ts";
import { log } from "./action-outputs.ts";
import type { GateConfig } from "./config/load.ts";
import type { Overrides } from "./config/overrides.ts";
import { UsageError } from "./domain/errors.ts";
import { serverUrlOf } from "./github-access.ts";
import { loadConfig } from "./inputs.ts";
import { outliveReaders, untilInterrupted } from "./interruption.ts";
import type { Surroundings } from "./surroundings.ts";
import { resolveBase } from "./system/git.ts";
import { gitAuth } from "./system/git-auth.ts";
import { runnerLine } from "./system/runner-log.ts";
import { STATE_NAME } from "./system/state-file.ts";

const inputName = (key: keyof Overrides) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The checkout, by its real path: as git names it. */
export const workspace = () => realpathSync(resolve(process.env["GITHUB_WORKSPACE"] || "."));

/** The revision whose policy and baseline judge; undefined when that is the checkout itself. */
async function baseRevision(cwd: string, token: string | undefined): Promise<string | undefined> {
  const name = process.env["GITHUB_EVENT_NAME"] ?? "";
  const plan = planBase({ name, ref: process.env["GITHUB_REF"] ?? "", payload: context.payload });
  if (plan.kind === "checkout") return undefined;
  if (plan.kind === "unknown") {
    throw new UsageError(
      `The event ${JSON.stringify(name)} names neither a base branch nor the repository's default branch, whose ` +
        "policy and baseline judge: run this on pull_request, merge_group, push, schedule or workflow_dispatch.",
    );
  }
  const auth = token === undefined ? {} : gitAuth(serverUrlOf(process.env), token, process.env);
  const base = await resolveBase(cwd, plan, auth);
  if (base === null) {
    throw new UsageError(
      `The base branch ${plan.branch} is not in this clone and could not be fetched. Its policy and baseline judge: ` +
        `check out with \`fetch-depth: 0\`, or before this step run \`git fetch --depth=1 origin ${plan.branch}:refs/remotes/origin/${plan.branch}\`.`,
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

/** Configuration and surroundings of a run of this job. */
export async function prepareRun(
  inputs: ActionInputs,
  { headAlone }: { readonly headAlone: boolean } = { headAlone: true },
  onRunFolder: (runDir: string) => void = () => {},
): Promise<{ readonly config: GateConfig; readonly world: Surroundings }> {
  const cwd = workspace();
  const revision = await baseRevision(cwd, inputs.token);
  const base = revision === undefined ? {} : { baseRevision: revision };
  const config = await loadConfig({
    cwd,
    overrides: inputs.overrides,
    nameOverride: inputName,
    headAlone,
    ...base,
    ...(inputs.config === undefined ? {} : { configPath: inputs.config }),
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
    log,
    ...interruptions,
    runsDir: join(cwd, "runs"),
    onRunFolder: (runDir: string) => {
      core.setOutput("run-path", runDir);
      onRunFolder(runDir);
    },
    statePath,
    ...base,
  };
  return { config, world };
}

/** The branch that a job's results are for: the one that it runs on, a pull request's own base, else the default one. */
export function branchOfEvent(): string | null {
  const ref = process.env["GITHUB_REF"] ?? "";
  if (ref.startsWith("refs/heads/")) return ref.slice("refs/heads/".length);
  const plan = planBase({ name: process.env["GITHUB_EVENT_NAME"] ?? "", ref, payload: context.payload });
  return plan.kind === "base" ? plan.branch : null;
}
