import { z } from "zod";
import {
  BASELINE_VERSION,
  type Baseline,
  baselineSchema,
  type metricValuesSchema,
} from "../domain/baseline.ts";
import { UsageError } from "../domain/errors.ts";
import { checkJson, parseJson, sha256 } from "../system/files.ts";

/** Just enough of any version's file to tell which one it is of. */
const versionedSchema = z.looseObject({ schemaVersion: z.number().int().positive() });

/** Makes a file of one version into one of the next. */
const MIGRATIONS: Readonly<
  Record<number, (old: Readonly<Record<string, unknown>>) => Record<string, unknown>>
> = {
  // 2 has the hash of the content, and says how the file came to be.
  1: (old) => ({ ...old, schemaVersion: 2, contentSha256: null, change: null }),
};

/**
 * A baseline from its text, whatever version of this tool wrote it.
 *
 * @param path - where it lies, for errors
 * @param scenario - the one that it must be of
 * @throws UsageError when it is none, one of another scenario, or one that a newer version wrote
 */
export function parseBaseline(text: string, path: string, scenario: string): Baseline {
  const baseline = readBaselineText(text, path);
  if (baseline.scenario !== scenario) {
    throw new UsageError(
      `${path}: scenario: a baseline of ${JSON.stringify(baseline.scenario)}, expected one of ${JSON.stringify(scenario)}`,
    );
  }
  return baseline;
}

/**
 * A baseline of whatever scenario from its text.
 *
 * @throws UsageError when it is none, or one that a newer version wrote
 */
export function readBaselineText(text: string, path: string): Baseline {
  const value = parseJson(text, versionedSchema, path);
  if (value.schemaVersion > BASELINE_VERSION) {
    throw new UsageError(
      `${path}: schemaVersion ${value.schemaVersion}, this vllm-gate reads up to ${BASELINE_VERSION}: ` +
        "a newer one wrote it; update this one, or record the baseline again",
    );
  }
  let migrated: Record<string, unknown> = value;
  for (let version = value.schemaVersion; version < BASELINE_VERSION; version += 1) {
    migrated = MIGRATIONS[version]?.(migrated) ?? migrated;
  }
  const baseline = checkJson(migrated, baselineSchema, path);
  const { length } = baseline.sessions;
  const uneven = Object.entries(baseline.metrics).find(([, { sessions }]) => sessions.length !== length);
  // Of the first version a metric that some sessions lacked had fewer lists, and nobody knows which.
  if (uneven !== undefined && value.schemaVersion > 1) {
    throw new UsageError(
      `${path}: metrics.${uneven[0]}.sessions: ${uneven[1].sessions.length} lists, expected one for each of the ${length} sessions`,
    );
  }
  return baseline;
}

/** Whether the content of a baseline is what this tool wrote; null when it was written without a hash. */
export function isAsWritten(baseline: Baseline): boolean | null {
  return baseline.contentSha256 === null ? null : baseline.contentSha256 === contentHash(baseline);
}

/** The baseline with the hash of its content. */
export function sealed(baseline: Baseline): Baseline {
  return { ...baseline, contentSha256: contentHash(baseline) };
}

/** SHA-256 of everything but the hash itself, whatever the order of keys and the white space. */
function contentHash(baseline: Baseline): string {
  const sorted = (_: string, value: unknown): unknown =>
    value === null || typeof value !== "object" || Array.isArray(value)
      ? value
      : Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sha256(JSON.stringify({ ...baseline, contentSha256: null }, sorted));
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
    ` "contentSha256": ${JSON.stringify(baseline.contentSha256)},`,
    ` "scenario": ${JSON.stringify(baseline.scenario)},`,
    ` "change": ${JSON.stringify(baseline.change)},`,
    ` "fingerprint": {`,
    block(fields.map((field) => `${JSON.stringify(field)}: ${JSON.stringify(baseline.fingerprint[field])}`)),
    " },",
    ` "args": ${JSON.stringify(baseline.args)},`,
    ` "serverSha256": ${JSON.stringify(baseline.serverSha256)},`,
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
