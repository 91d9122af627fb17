import type { MeasurementsFile } from "../domain/measurements.ts";
import type { RunRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { readRunFolder, readRunRecord, readTraces } from "../system/run-folder.ts";
import { measureRun } from "./measure.ts";

/**
 * Every metric of a run folder. Traces are read session by session and forgotten once they are measured; in a file
 * whose sessions are mixed they are all kept.
 *
 * @throws UsageError as {@link readRunFolder}
 */
export async function measureFolder(
  folder: string,
): Promise<{ readonly run: RunRecord; readonly measurements: MeasurementsFile }> {
  const run = await readRunRecord(folder);
  const parts: MeasurementsFile[] = [];
  const done = new Set<string>();
  let traces: RequestTrace[] = [];
  let current: string | null = null;
  const finish = () => {
    if (current === null) return;
    parts.push(
      measureRun(
        { ...run, sessions: run.sessions.filter((each) => keyOf(each.variant, each.index) === current) },
        traces,
      ),
    );
    done.add(current);
    traces = [];
  };
  for await (const trace of readTraces(folder)) {
    const key = keyOf(trace.variant, trace.session);
    if (key !== current) {
      if (done.has(key)) {
        const whole = await readRunFolder(folder);
        return { run, measurements: measureRun(run, whole.traces) };
      }
      finish();
      current = key;
    }
    traces.push(trace);
  }
  finish();
  // Sessions that sent nothing still have what their start told.
  const silent = run.sessions.filter((each) => !done.has(keyOf(each.variant, each.index)));
  parts.push(measureRun({ ...run, sessions: silent }, []));
  return { run, measurements: joined(parts) };
}

const keyOf = (variant: string, session: number) => `${session}/${variant}`;

function joined(parts: readonly MeasurementsFile[]): MeasurementsFile {
  const metrics = new Map(parts.flatMap((part) => part.metrics).map((metric) => [metric.id, metric]));
  return {
    schemaVersion: 1,
    metrics: [...metrics.values()],
    measurements: parts.flatMap((part) => part.measurements),
    absent: parts.flatMap((part) => part.absent),
    taints: parts.flatMap((part) => part.taints),
    ttft: parts.flatMap((part) => part.ttft),
  };
}
