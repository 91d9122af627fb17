import { join } from "node:path";
import type { MeasurementsFile } from "./domain/measurements.ts";
import { RUN_FILES, type RunRecord } from "./domain/run.ts";
import { readTextIfExists } from "./system/files.ts";
import { hasOutliers, noteOutliers } from "./telemetry/outlier-notes.ts";
import { parseTelemetry } from "./telemetry/telemetry-text.ts";

/** Measurements with what coincided beside each warm request that stands out. */
export async function explainOutliers(
  measurements: MeasurementsFile,
  run: RunRecord,
  runDir: string,
): Promise<MeasurementsFile> {
  if (!hasOutliers(measurements.ttft)) return measurements;
  const samples = parseTelemetry((await readTextIfExists(join(runDir, RUN_FILES.telemetry))) ?? "");
  return { ...measurements, ttft: noteOutliers(measurements.ttft, run.sessions, samples) };
}
