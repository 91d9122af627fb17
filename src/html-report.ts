import { join } from "node:path";
import { messageOf } from "./domain/errors.ts";
import type { ReportInput } from "./report/explain.ts";
import { readSeries } from "./report-data.ts";
import { writeFileAtomic } from "./system/files.ts";
import type { Log } from "./system/log.ts";

/** The HTML report's name in a run folder. */
export const HTML_REPORT = "report.html";

/**
 * Writes a run folder's `report.html`: the comment's numbers, and what its traces and telemetry show. The verdict
 * stands without it: what goes wrong here is warned of and ends nothing.
 */
export async function writeHtmlReport(
  runDir: string,
  input: ReportInput,
  log: Pick<Log, "warn">,
): Promise<void> {
  try {
    const series = await readSeries(runDir, input.run);
    // Charts take a library that no other command needs.
    const { renderHtml } = await import("./report/html.ts");
    await writeFileAtomic(join(runDir, HTML_REPORT), renderHtml(input, series));
  } catch (error) {
    log.warn(`${HTML_REPORT} could not be written: ${messageOf(error)}`);
  }
}
