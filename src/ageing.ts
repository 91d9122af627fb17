import { join } from "node:path";
import { ageNotes, slackNote } from "./baseline/ageing.ts";
import { findDrift } from "./baseline/drift.ts";
import type { GateConfig } from "./config/load.ts";
import type { Baseline } from "./domain/baseline.ts";
import { commandOf } from "./domain/command-line.ts";
import type { ComparisonFile } from "./domain/comparison.ts";
import { messageOf } from "./domain/errors.ts";
import type { RunRecord } from "./domain/run.ts";
import { driftRules, HISTORY, MOST_NIGHTS, readHistory } from "./drift.ts";
import type { Surroundings } from "./surroundings.ts";
import { TOOL_VERSION } from "./version.ts";

/**
 * What a reader of a verdict must know of the baseline that it was judged by: its age, who wrote it, and its slack.
 *
 * @param path - the baseline's, under the baseline folder
 */
export async function baselineNotes(
  { baseline, path }: { readonly baseline: Baseline; readonly path: string },
  run: RunRecord,
  comparison: ComparisonFile,
  config: GateConfig,
  world: Pick<Surroundings, "cwd" | "log">,
): Promise<string[]> {
  const now = new Date(run.createdAt ?? Date.now());
  const recordCommand = commandOf("record", run, ["args"]);
  const aged = ageNotes(baseline, {
    path: join(config.baselineDir, path),
    now,
    maxAgeDays: config.baselineMaxAgeDays,
    toolVersion: TOOL_VERSION,
    recordCommand,
  });
  const history = join(config.baselineDir, HISTORY, path.replace(/\.json$/, ""));
  try {
    // The checkout's: it decides nothing, and suggests at most.
    const nights = await readHistory(world.cwd, history, MOST_NIGHTS);
    if (nights.length === 0) return aged;
    const rules = driftRules(config);
    const gated = new Set(
      comparison.comparisons.filter(({ level }) => level === "gate").map(({ metric }) => metric),
    );
    const where = { scenario: config.scenario, history, anchorPath: path };
    const drift = findDrift(where, nights, baseline, (metric) => (gated.has(metric) ? rules(metric) : null));
    const slack = slackNote(drift, comparison.comparisons, now, recordCommand);
    return slack === null ? aged : [...aged, slack];
  } catch (error) {
    world.log.warn(
      `the history of this machine could not be read, so nothing is said of slack: ${messageOf(error)}`,
    );
    return aged;
  }
}
