import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { quantileSorted } from "simple-statistics";
import { type CaseRecord, RUN_FILES, type RunRecord, type SessionRecord } from "./domain/run.ts";
import { type GpuReading, gpuReadingSchema } from "./domain/telemetry.ts";
import type { RequestTrace } from "./domain/trace.ts";
import { ttftMs } from "./measure/case-data.ts";
import type {
  CacheUse,
  Distribution,
  GpuPoint,
  GpuTrack,
  ReportSeries,
  TokenTimeline,
} from "./report/report-series.ts";
import { readTraces } from "./system/run-folder.ts";

/** The load at which one request is looked at: of the cases with it or the next higher one. */
const TIMELINE_CONCURRENCY = 8;
/** More readings than this are drawn as the worst of neighbouring ones: a pixel shows no more. */
const MOST_POINTS = 300;

/** What the HTML report draws of a run folder. Traces are read one by one, and only their latencies are kept. */
export async function readSeries(runDir: string, run: RunRecord): Promise<ReportSeries> {
  const measured = new Map(
    run.sessions.filter(({ outcome }) => outcome === "ok").map((session) => [keyOf(session), session]),
  );
  const latencies = new Map<string, { variant: string; case: string; ms: number[] }>();
  const looked = timelineCases(run);
  const candidates = new Map<string, RequestTrace[]>();
  const isLookedAt = (trace: RequestTrace) => {
    const place = looked.get(trace.variant);
    return (
      place?.session === trace.session &&
      place.round === trace.round &&
      place.case === `${trace.probe}.${trace.case}`
    );
  };
  for await (const trace of readTraces(runDir, isLookedAt)) {
    const session = measured.get(keyOf({ variant: trace.variant, index: trace.session }));
    if (session === undefined || !counts(trace, session)) continue;
    const ms = ttftMs(trace);
    const name = `${trace.probe}.${trace.case}`;
    const key = `${trace.variant}\0${name}`;
    const group = latencies.get(key) ?? { variant: trace.variant, case: name, ms: [] };
    latencies.set(key, group);
    if (ms !== null) group.ms.push(ms);
    if (isLookedAt(trace)) {
      const kept = candidates.get(trace.variant) ?? [];
      candidates.set(trace.variant, kept);
      if (trace.arrivals !== undefined && trace.arrivals.length > 1) kept.push(trace);
    }
  }
  return {
    distributions: [...latencies.values()].flatMap(distributionOf).sort(byCase),
    timelines: [...candidates.values()].flatMap((traces) => timelineOf(traces) ?? []),
    cacheUse: run.sessions.flatMap(cacheUseOf),
    gpus: await readGpus(runDir, run),
  };
}

const keyOf = ({ variant, index }: Pick<SessionRecord, "variant" | "index">) => `${index} ${variant}`;
const byCase = (a: Distribution, b: Distribution) =>
  a.case.localeCompare(b.case, "en", { numeric: true }) || a.variant.localeCompare(b.variant, "en");

function counts(trace: RequestTrace, session: SessionRecord): boolean {
  if (trace.phase !== "measure" || trace.outcome !== "ok") return false;
  return trace.case === "cold" || isKept(session, trace.round);
}

function isKept({ rounds = [] }: SessionRecord, round: number): boolean {
  return rounds.find((each) => each.round === round)?.use !== "replaced";
}

/** Fewer requests have no distribution. */
const LEAST_REQUESTS = 5;

function distributionOf({
  variant,
  case: name,
  ms,
}: {
  variant: string;
  case: string;
  ms: number[];
}): Distribution[] {
  if (ms.length < LEAST_REQUESTS) return [];
  const sorted = Float64Array.from(ms).sort();
  const steps = Math.min(100, sorted.length - 1);
  const quantiles = Array.from({ length: steps + 1 }, (_, index): [number, number] => {
    const share = index / steps;
    return [share, quantileSorted(sorted as unknown as number[], share)];
  });
  return [{ variant, case: name, requests: sorted.length, quantiles }];
}

interface Place {
  readonly session: number;
  readonly round: number;
  readonly case: string;
}

/** For each variant the first round of the case whose single requests are looked at. */
function timelineCases(run: RunRecord): Map<string, Place> {
  const found = new Map<string, Place>();
  for (const session of run.sessions) {
    if (session.outcome !== "ok" || found.has(session.variant)) continue;
    const cases = (session.cases ?? []).filter((each) => isKept(session, each.round) && each.case !== "cold");
    const best = cases.toSorted((a, b) => rank(a) - rank(b))[0];
    if (best !== undefined) {
      found.set(session.variant, {
        session: session.index,
        round: best.round,
        case: `${best.probe}.${best.case}`,
      });
    }
  }
  return found;
}

function rank({ probe, concurrency, round }: CaseRecord): number {
  const ofProbe = probe === "batching" ? 0 : 1e6;
  const ofLoad = Math.abs(Math.log2(concurrency / TIMELINE_CONCURRENCY)) * 1000;
  return ofProbe + ofLoad + round;
}

/** The request of the median end-to-end latency; of an even number the faster of the two. */
function timelineOf(traces: readonly RequestTrace[]): TokenTimeline | null {
  const sorted = traces.toSorted((a, b) => a.endS - a.startS - (b.endS - b.startS));
  const trace = sorted[Math.floor((sorted.length - 1) / 2)];
  if (trace === undefined) return null;
  let sum = 0;
  const tokens = (trace.arrivals ?? []).map(([atS, carried]): [number, number] => {
    sum += carried;
    return [(atS - trace.startS) * 1000, sum];
  });
  const { variant, session, round, id } = trace;
  return { variant, session, round, id, tokens };
}

function cacheUseOf(session: SessionRecord): CacheUse[] {
  return (session.cases ?? []).flatMap(({ round, probe, case: name, startS, gauges = [] }): CacheUse[] => {
    const points = gauges.flatMap(({ atS, kvUsage }): [number, number][] =>
      kvUsage === null || atS < startS ? [] : [[atS - startS, kvUsage]],
    );
    if (points.length < 2 || !isKept(session, round)) return [];
    return [
      {
        variant: session.variant,
        session: session.index,
        round,
        case: `${probe}.${name}`,
        points: thinned(points),
      },
    ];
  });
}

/** Every so manieth, and the last. */
function thinned<T>(all: readonly T[]): T[] {
  const every = Math.ceil(all.length / MOST_POINTS);
  return all.filter((_, index) => index % every === 0 || index === all.length - 1);
}

async function readGpus(runDir: string, run: RunRecord): Promise<GpuTrack[]> {
  const readings = new Map<string, { session: SessionRecord; index: number; all: GpuReading[] }>();
  const sessions = new Map(run.sessions.map((session) => [keyOf(session), session]));
  for await (const line of linesOf(join(runDir, RUN_FILES.telemetry))) {
    const sample = sampleOf(line);
    const session =
      sample === null ? undefined : sessions.get(keyOf({ variant: sample.variant, index: sample.session }));
    if (sample === null || session === undefined) continue;
    for (const gpu of sample.gpus) {
      const key = `${keyOf(session)} ${gpu.index}`;
      const track = readings.get(key) ?? { session, index: gpu.index, all: [] };
      readings.set(key, track);
      track.all.push(gpu);
    }
  }
  return [...readings.values()].flatMap(({ session, index, all }) => {
    if (all.length < 2) return [];
    const last = all.at(-1);
    return [
      {
        variant: session.variant,
        session: session.index,
        index,
        maxSmClockMhz: last?.maxSmClockMhz ?? null,
        powerLimitW: last?.powerLimitW ?? null,
        readings: all.length,
        points: bucketed(all),
        cases: (session.cases ?? [])
          .filter(({ endS, startS }) => endS > startS)
          .map(({ probe, case: name, round, startS, endS }) => ({
            name: `${probe}.${name}, round ${round}`,
            fromS: startS,
            toS: endS,
          })),
      },
    ];
  });
}

function bucketed(all: readonly GpuReading[]): GpuPoint[] {
  const size = Math.ceil(all.length / MOST_POINTS);
  const buckets = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
  return buckets.map((bucket) => {
    const values = (key: "smClockMhz" | "powerW" | "utilization" | "temperatureC") => {
      const known = bucket.flatMap((each) => each[key] ?? []);
      return known.length === 0 ? null : known;
    };
    const [clock, power, busy, heat] = [
      values("smClockMhz"),
      values("powerW"),
      values("utilization"),
      values("temperatureC"),
    ];
    return {
      tS: bucket[Math.floor(bucket.length / 2)]?.tS ?? 0,
      smClockMhz: clock === null ? null : Math.min(...clock),
      powerW: power === null ? null : Math.max(...power),
      utilization: busy === null ? null : busy.reduce((sum, each) => sum + each, 0) / busy.length,
      temperatureC: heat === null ? null : Math.max(...heat),
      throttle: [...new Set(bucket.flatMap(({ throttle }) => throttle ?? []))],
    };
  });
}

interface GpuSample {
  readonly variant: string;
  readonly session: number;
  readonly gpus: readonly GpuReading[];
}

/** The GPUs of a sample; null for a line of another version, which is passed over. */
function sampleOf(line: string): GpuSample | null {
  try {
    const value = JSON.parse(line);
    const parsed = gpuReadingSchema.array().safeParse(value.gpus);
    const isPlaced = typeof value.variant === "string" && typeof value.session === "number";
    return parsed.success && isPlaced
      ? { variant: value.variant, session: value.session, gpus: parsed.data }
      : null;
  } catch {
    return null;
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const stream = createReadStream(path, { encoding: "utf8" });
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
      yield line;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
