import type { CaseRecord } from "../domain/run.ts";
import type { TelemetrySample, TelemetrySummary } from "../domain/telemetry.ts";
import type { Sanity } from "../domain/telemetry-start.ts";
import { summarize } from "./summarize.ts";

/** A reading of a GPU comes once a second, so a request that is shorter is looked for this far around it. */
const AROUND_S = 1;

type Span = Pick<CaseRecord, "startS" | "endS">;

/**
 * What the machine did before the server started, after its first request, and during the warm ones. Null where a
 * case was not measured or nothing could be read.
 *
 * @param samples - of the session, from before its spawn (times below zero) on
 */
export function sanityOf(samples: readonly TelemetrySample[], cases: readonly CaseRecord[]): Sanity {
  const during = (probe: string, name: string) =>
    cases.filter((each) => each.probe === probe && each.case === name && each.refused === undefined);
  const [cold] = during("ttft", "cold");
  const warm = during("ttft", "warm");
  const crowd = Math.max(0, ...cases.map(({ concurrency }) => concurrency));
  const load = cases.filter((each) => each.concurrency === crowd && crowd > 1);
  const coldSummary = cold === undefined ? null : summarize(samples, cold.startS, cold.endS + AROUND_S);
  return {
    gpuMemoryBeforeMib: memoryAt(samples, (tS) => tS <= 0, "last"),
    gpuMemoryAfterColdMib: cold === undefined ? null : memoryAt(samples, (tS) => tS >= cold.endS, "first"),
    gpuBusyWarm: over(samples, warm, busyOf),
    gpuBusyLoad: over(samples, load, busyOf),
    serverCoresCold: coldSummary === null ? null : (coldSummary.cpu?.serverCores ?? null),
    serverCoresWarm: over(samples, warm, ({ cpu }) => cpu?.serverCores ?? null),
  };
}

/** Memory in use on all GPUs together, at the first or last reading of each that is wanted. */
function memoryAt(
  samples: readonly TelemetrySample[],
  wanted: (tS: number) => boolean,
  which: "first" | "last",
): number | null {
  const readings = samples
    .flatMap(({ gpus }) => gpus)
    .filter(({ tS, memoryUsedMib }) => wanted(tS) && memoryUsedMib !== null);
  const used = [...Map.groupBy(readings, ({ index }) => index).values()].map(
    (ofGpu) => ofGpu.at(which === "first" ? 0 : -1)?.memoryUsedMib ?? 0,
  );
  return used.length === 0 ? null : used.reduce((sum, value) => sum + value, 0);
}

function busyOf({ gpus }: TelemetrySummary): number | null {
  const busy = gpus.flatMap(({ busyMean }) => (busyMean === null ? [] : [busyMean]));
  return busy.length === 0 ? null : busy.reduce((sum, value) => sum + value, 0) / busy.length;
}

/** Mean over stretches of time, each by its length. */
function over(
  samples: readonly TelemetrySample[],
  spans: readonly Span[],
  of: (summary: TelemetrySummary) => number | null,
): number | null {
  let [sum, weight] = [0, 0];
  for (const { startS, endS } of spans) {
    const value = of(summarize(samples, startS, endS));
    if (value === null) continue;
    sum += value * (endS - startS);
    weight += endS - startS;
  }
  return weight === 0 ? null : Math.round((sum / weight) * 1000) / 1000;
}
