import { join, resolve } from "node:path";
import { baselinePath } from "./baseline/baseline-path.ts";
import { unfitness } from "./baseline/make-baseline.ts";
import { calibrate } from "./compare/calibrate.ts";
import { ruleFor } from "./compare/rules.ts";
import { runSide } from "./compare/sides.ts";
import type { GateConfig } from "./config/load.ts";
import { UsageError } from "./domain/errors.ts";
import type { MeasurementsFile } from "./domain/measurements.ts";
import type { NoiseFile } from "./domain/noise.ts";
import { type RunRecord, shortfallOf } from "./domain/run.ts";
import type { VerdictFile } from "./domain/verdict.ts";
import { identify, measureSessions, startRun } from "./measuring.ts";
import { headPlan } from "./run-plan.ts";
import type { Surroundings } from "./surroundings.ts";
import { writeFileAtomic } from "./system/files.ts";
import { decideNotRecorded } from "./verdict/decide.ts";
import { TOOL_VERSION } from "./version.ts";

/** Fewer sessions than this say next to nothing of how far sessions spread. */
export const LEAST_CALIBRATION_SESSIONS = 3;

/** Where the noise of a baseline's machine lies. */
export function noisePath(baseline: string): string {
  return baseline.replace(/\.json$/, ".noise.json");
}

export interface Calibration {
  readonly runDir: string;
  /** Null when nothing could be measured. */
  readonly noise: NoiseFile | null;
  /** Where it was written. */
  readonly path: string;
  readonly failure: VerdictFile | null;
}

/**
 * Measures one variant again and again and writes down how far its sessions spread on this machine:
 * `vllm-gate calibrate`.
 *
 * @throws UsageError for too few sessions
 */
export async function runCalibration(
  config: GateConfig,
  world: Surroundings,
  sessions: number,
): Promise<Calibration> {
  if (sessions < LEAST_CALIBRATION_SESSIONS) {
    throw new UsageError(
      `--sessions: got ${sessions}, expected at least ${LEAST_CALIBRATION_SESSIONS} to see how far sessions spread`,
    );
  }
  const fingerprint = await identify(config, world);
  const path = noisePath(join(config.baselineDir, baselinePath(config.scenario, fingerprint)));
  const started = await startRun(config, world, headPlan(config, sessions), fingerprint);
  const measured = await measureSessions(started, config, world);
  await measured.close();
  const { runDir, run, measurements } = measured;
  const failure = measured.failure ?? tooShort(run) ?? unfit(run, measurements);
  if (failure !== null) return { runDir, noise: null, path, failure };
  const side = runSide(run, measurements, "this run");
  const metrics = side.definitions.map((definition) => {
    const given = ruleFor(config.tolerances, definition.id);
    return {
      definition: {
        ...definition,
        level: ruleFor(config.levels, definition.id) ?? definition.level,
        tolerance: {
          relative: given?.relative ?? definition.tolerance.relative,
          absolute: given?.absolute ?? definition.tolerance.absolute,
        },
      },
      sessions: side.values[definition.id] ?? [],
    };
  });
  const gated = metrics.filter(({ definition }) => definition.level === "gate").length;
  const noise: NoiseFile = {
    schemaVersion: 1,
    scenario: run.scenario,
    fingerprint: run.fingerprint,
    recordedAt: new Date().toISOString(),
    toolVersion: TOOL_VERSION,
    run: run.id ?? null,
    metrics: calibrate(metrics, gated),
  };
  await writeFileAtomic(resolve(world.cwd, path), formatNoise(noise));
  return { runDir, noise, path, failure: null };
}

/** Noise of fewer sessions than were asked for would judge as if it were as sure. */
function tooShort(run: RunRecord): VerdictFile | null {
  const shortfall = shortfallOf(run);
  return shortfall === null
    ? null
    : decideNotRecorded(
        run.scenario,
        `${shortfall}; noise of fewer would be less sure than was asked for: raise the budget, or ask for fewer with --sessions`,
        "Mend the cause and calibrate again; what was known of this machine's noise stands.",
      );
}

/** What a disturbed machine spreads is not what this one does, and would loosen every gate here. */
function unfit(run: RunRecord, measurements: MeasurementsFile): VerdictFile | null {
  const reason = unfitness(measurements, "head");
  return reason === null
    ? null
    : decideNotRecorded(
        run.scenario,
        `not fit to say how this machine's sessions spread: ${reason}`,
        "Mend the cause and calibrate again; what was known of this machine's noise stands.",
      );
}

/** One metric a line, so that a diff reads well. */
function formatNoise(noise: NoiseFile): string {
  const { metrics, ...rest } = noise;
  const fields = Object.entries(rest).map(
    ([key, value]) => ` ${JSON.stringify(key)}: ${JSON.stringify(value)},`,
  );
  const lines = Object.entries(metrics)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, metric]) => `  ${JSON.stringify(id)}: ${JSON.stringify(metric)}`);
  return `{\n${fields.join("\n")}\n "metrics": {\n${lines.join(",\n")}\n }\n}\n`;
}
