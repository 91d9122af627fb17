import { max, median, min } from "simple-statistics";
import type { z } from "zod";
import {
  BASELINE_VERSION,
  type Baseline,
  baselineSchema,
  type metricValuesSchema,
} from "../domain/baseline.ts";
import { UsageError } from "../domain/errors.ts";
import { diffFingerprints, type Fingerprint, fingerprintSlug } from "../domain/fingerprint.ts";
import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord } from "../domain/run.ts";
import { parseJson } from "../system/files.ts";

/** A run that a baseline is made from. */
export interface RecordedRun {
  readonly run: RunRecord;
  readonly measurements: MeasurementsFile;
  readonly runSha256: string;
  /** What it is called in errors. */
  readonly path: string;
}

/**
 * Where a baseline lies under the baseline folder.
 *
 * @throws UsageError for a scenario that is no name of a folder: a run folder may come from anywhere
 */
export function baselinePath(scenario: string, fingerprint: Fingerprint): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(scenario) || scenario === RESERVED_NAME) {
    throw new UsageError(
      `scenario ${JSON.stringify(scenario)}: expected a name of letters, digits, '.', '_' and '-', not ${RESERVED_NAME}`,
    );
  }
  return `${scenario}/${fingerprintSlug(fingerprint)}.json`;
}

/** The folder beside the scenarios' that holds what baselines were. */
const RESERVED_NAME = "history";

/**
 * A baseline from its text.
 *
 * @param path - where it lies, for errors
 * @param scenario - the one that it must be of
 * @throws UsageError when it is none, or one of another scenario
 */
export function parseBaseline(text: string, path: string, scenario: string): Baseline {
  const baseline = parseJson(text, baselineSchema, path);
  if (baseline.scenario !== scenario) {
    throw new UsageError(
      `${path}: scenario: a baseline of ${JSON.stringify(baseline.scenario)}, expected one of ${JSON.stringify(scenario)}`,
    );
  }
  return baseline;
}

/** More digits than any clock or log here resolves only make diffs noisy. Counts are kept as they are. */
function fewDigits(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(6));
}

/**
 * A baseline from the sessions of one or more runs of one scenario on comparable machines.
 *
 * @throws UsageError when a run measured nothing, must not be trusted, or is not comparable with the first
 */
export function makeBaseline(runs: readonly RecordedRun[], recordedAt: string): Baseline {
  const [first, ...others] = runs;
  if (first === undefined) throw new UsageError("record needs at least one run folder");
  for (const each of runs) checkRecordable(each);
  for (const other of others) checkSame(first, other);
  const seen = new Map<string, string>();
  for (const { runSha256, path } of runs) {
    const earlier = seen.get(runSha256);
    if (earlier !== undefined) throw new UsageError(`${path}: the same run as ${earlier}`);
    seen.set(runSha256, path);
  }

  const sessions: Baseline["sessions"] = [];
  const values = new Map<string, { unit: string; sessions: number[][] }>();
  for (const { run, measurements, runSha256 } of runs) {
    const units = new Map(measurements.metrics.map((metric) => [metric.id, metric.unit]));
    for (const session of run.sessions.filter((each) => each.outcome === "ok")) {
      sessions.push({
        run: run.id ?? null,
        recordedAt,
        commit: run.commit ?? null,
        toolVersion: run.toolVersion ?? null,
        vllmVersion: session.vllmVersion ?? null,
        hostId: run.fingerprint["hostId"] == null ? null : String(run.fingerprint["hostId"]),
        runSha256,
      });
      const own = measurements.measurements.filter(
        (each) => each.variant === session.variant && each.session === session.index,
      );
      for (const id of new Set(own.map((each) => each.metric))) {
        const entry = values.get(id) ?? { unit: units.get(id) ?? "", sessions: [] };
        values.set(id, entry);
        const rounds = own.filter((each) => each.metric === id).sort((a, b) => a.round - b.round);
        entry.sessions.push(rounds.map((each) => fewDigits(each.value)));
      }
    }
  }
  const metrics = [...values.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, entry]): [string, z.infer<typeof metricValuesSchema>] => {
      const all = entry.sessions.flat();
      const middle = median(all);
      const spread = middle === 0 ? 0 : (max(all) - min(all)) / Math.abs(middle);
      return [
        id,
        { unit: entry.unit, n: all.length, spread: Number(spread.toPrecision(3)), sessions: entry.sessions },
      ];
    });
  return {
    schemaVersion: BASELINE_VERSION,
    scenario: first.run.scenario,
    fingerprint: first.run.fingerprint,
    args: argsOf(first),
    vllmVersion: versionOf(first),
    sessions,
    metrics: Object.fromEntries(metrics),
  };
}

function checkRecordable({ run, measurements, path }: RecordedRun): void {
  if (run.outcome !== undefined && run.outcome !== "complete") {
    throw new UsageError(`${path}: the run is ${run.outcome}, expected one that is complete`);
  }
  if (measurements.measurements.length === 0) {
    throw new UsageError(`${path}: no session of this run was measured, so there is nothing to record`);
  }
  if (Object.keys(run.variants).length > 1) {
    throw new UsageError(
      `${path}: the run has several variants (${Object.keys(run.variants).join(", ")}); a baseline is made of one`,
    );
  }
  const taint = measurements.taints[0];
  if (taint !== undefined) throw new UsageError(`${path}: not fit for a baseline: ${taint.reason}`);
  const failing = measurements.measurements.find(
    (each) => each.metric === "requests.error_rate" && each.value > 0,
  );
  if (failing !== undefined) {
    throw new UsageError(
      `${path}: not fit for a baseline: ${(failing.value * 100).toFixed(1)} % of the requests of session ` +
        `${failing.session}, round ${failing.round} failed`,
    );
  }
}

function argsOf({ run }: RecordedRun): string[] {
  return Object.values(run.variants)[0]?.args ?? [];
}

function versionOf({ run }: RecordedRun): string | null {
  return run.sessions.find((session) => session.outcome === "ok")?.vllmVersion ?? null;
}

function checkSame(first: RecordedRun, other: RecordedRun): void {
  if (first.run.scenario !== other.run.scenario) {
    throw new UsageError(
      `${other.path}: scenario ${other.run.scenario}, expected ${first.run.scenario} as in ${first.path}`,
    );
  }
  const differing = diffFingerprints(first.run.fingerprint, other.run.fingerprint).filter(
    (each) => each.rule === "must",
  );
  if (differing.length > 0) {
    const fields = differing.map((each) => `${each.field} ${each.head} instead of ${each.base}`).join(", ");
    throw new UsageError(`${other.path}: not comparable with ${first.path}: ${fields}`);
  }
  const shown = (args: readonly string[]) => args.join(" ") || "no flags";
  if (JSON.stringify(argsOf(first)) !== JSON.stringify(argsOf(other))) {
    throw new UsageError(
      `${other.path}: run with ${shown(argsOf(other))}, expected ${shown(argsOf(first))} as in ${first.path}`,
    );
  }
  if (versionOf(first) !== versionOf(other)) {
    throw new UsageError(
      `${other.path}: vLLM ${versionOf(other) ?? "unknown"}, expected ${versionOf(first) ?? "unknown"} as in ${first.path}`,
    );
  }
}

/**
 * A baseline as text: one metric a line, sorted, so that a diff shows what moved.
 */
export function formatBaseline(baseline: Baseline): string {
  const line = ({ unit, n, spread, sessions }: z.infer<typeof metricValuesSchema>) =>
    `{"unit": ${JSON.stringify(unit)}, "n": ${n}, "spread": ${spread}, ` +
    `"sessions": [${sessions.map((rounds) => `[${rounds.join(", ")}]`).join(", ")}]}`;
  const metrics = Object.entries(baseline.metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  const block = (entries: string[]) => entries.map((entry) => `  ${entry}`).join(",\n");
  const fields = Object.keys(baseline.fingerprint).sort();
  return [
    "{",
    ` "schemaVersion": ${baseline.schemaVersion},`,
    ` "scenario": ${JSON.stringify(baseline.scenario)},`,
    ` "fingerprint": {`,
    block(fields.map((field) => `${JSON.stringify(field)}: ${JSON.stringify(baseline.fingerprint[field])}`)),
    " },",
    ` "args": ${JSON.stringify(baseline.args)},`,
    ` "vllmVersion": ${JSON.stringify(baseline.vllmVersion)},`,
    ` "sessions": [`,
    block(baseline.sessions.map((session) => JSON.stringify(session))),
    " ],",
    ` "metrics": {`,
    block(metrics.map(([id, metric]) => `${JSON.stringify(id)}: ${line(metric)}`)),
    " }",
    "}",
    "",
  ].join("\n");
}
