import { randomInt } from "node:crypto";
import type { GateConfig } from "./config/load.ts";
import { checkServer } from "./config/server-policy.ts";
import type { ServerSpec } from "./config/server-spec.ts";
import { type Baseline, serverIdentity } from "./domain/baseline.ts";
import type { ComparisonFile } from "./domain/comparison.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { countMeasured, type RunRecord } from "./domain/run.ts";
import { measureRun } from "./measure/measure.ts";
import { concludeMeasuring, type Measured, mayGoOn, measureSession, type StartedRun } from "./measuring.ts";
import { variantOf } from "./run-plan.ts";
import type { Surroundings } from "./surroundings.ts";
import { sha256 } from "./system/files.ts";
import { createRedactor, REDACTED } from "./system/redact.ts";
import { readRunFolder, writeRun } from "./system/run-folder.ts";
import { interleavedOrder, type LookState, planNextLook, recordLook } from "./verdict/next-look.ts";

/** How a run is held against its base, whenever that is looked at. */
export interface Judging {
  compare(run: RunRecord, measurements: MeasurementsFile): ComparisonFile;
  /** Where sessions of the base come from; see {@link LookState}. */
  base(run: RunRecord): LookState["base"];
}

/**
 * Measures until everything is decided that the run can decide: the planned sessions first, then one look after
 * another at what there is, and more sessions while that helps.
 */
export async function measureInLooks(
  started: StartedRun,
  config: GateConfig,
  world: Surroundings,
  judging: Judging,
): Promise<Measured> {
  const { run, runDir } = started;
  const beganMs = Date.now();
  const baseFirst = started.plan.order[0] === "base";
  let order: readonly string[] = started.plan.order;
  let sessionS = 0;
  for (;;) {
    for (const variant of order) {
      const sessionBeganMs = Date.now();
      const session = await measureSession(started, config, world, { variant });
      if (!mayGoOn(session)) return concludeMeasuring(started, config, world);
      sessionS = (Date.now() - sessionBeganMs) / 1000;
    }
    const { traces } = await readRunFolder(runDir);
    const comparison = judging.compare(run, measureRun(run, traces));
    const state: LookState = {
      comparisons: comparison.comparisons,
      settled:
        comparison.taints.length > 0 ||
        (comparison.baseSource === null && comparison.limits.every(({ value }) => value === null)),
      brokenLimits: comparison.limits.filter(({ value }) => value !== null),
      sessions: { head: countMeasured(run, "head"), base: countMeasured(run, "base") },
      mostSessions: config.maxSessions,
      base: judging.base(run),
      baseFirst,
      remainingS: config.budgetMinutes * 60 - (Date.now() - beganMs) / 1000,
      sessionS,
    };
    const plan = planNextLook(state);
    run.looks = [...(run.looks ?? []), recordLook(state, plan)];
    await writeRun(runDir, run);
    if (plan.kind === "decided") return concludeMeasuring(started, config, world);
    world.log.step(`measuring ${plan.order.join(", ")} as well: ${plan.why}`);
    order = plan.order;
    started.progress.expect(order);
  }
}

/** The order of an A/B's first sessions: as many pairs as sessions were asked for, either side first by chance. */
export function firstOrder(config: Pick<GateConfig, "base" | "sessions">): readonly string[] {
  if (config.base === null) return Array.from({ length: config.sessions }, () => "head");
  return interleavedOrder(config.sessions, randomInt(2) === 0);
}

/**
 * The server that a baseline was made of, as far as this run can start it again: the same command, model and
 * environment with the baseline's flags.
 *
 * @returns null for a server that was already running, for one whose command, model or environment is another than the
 * baseline's (it would have what this change brings), for flags that were recorded without their secrets, and for
 * those that the policy does not allow
 */
export function serverOfBaseline(
  { server, policy }: Pick<GateConfig, "server" | "policy">,
  baseline: Baseline,
  secrets: readonly string[],
): ServerSpec | null {
  if (server.kind === "attach" || baseline.args.some((arg) => arg.includes(REDACTED))) return null;
  const identity = serverIdentity(variantOf(server, createRedactor(secrets)));
  if (baseline.serverSha256 === null || baseline.serverSha256 !== sha256(identity)) return null;
  const base = { ...server, args: baseline.args };
  return checkServer(base, policy).length === 0 ? base : null;
}
