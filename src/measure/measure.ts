import type { AbsentMeasurement, MeasurementsFile } from "../domain/measurements.ts";
import type { Measurement, MetricDefinition } from "../domain/metric.ts";
import type { RunRecord } from "../domain/run.ts";
import type { RequestTrace } from "../domain/trace.ts";
import { groupTraces, type SessionData } from "./case-data.ts";
import { CATALOGUE, definitionOf, metricId } from "./catalogue.ts";
import type { Metric, Reading } from "./metric-family.ts";
import { findTaints } from "./taints.ts";
import { summarizeTtft } from "./ttft-summary.ts";

/**
 * Every metric of a run, from its record and traces. Sessions that did not end `ok` give nothing: half a session
 * is not a sample of a whole one.
 */
export function measureRun(run: RunRecord, traces: readonly RequestTrace[]): MeasurementsFile {
  const sessions = groupTraces(
    run.sessions.filter((session) => session.outcome === "ok"),
    traces,
    run.slo ?? null,
  );
  const definitions = new Map<string, MetricDefinition>();
  const measurements: Measurement[] = [];
  const absent: AbsentMeasurement[] = [];
  for (const session of sessions) {
    for (const each of readSession(session)) {
      const { metric, id, round, reading } = each;
      const { variant, index } = session.record;
      definitions.set(id, definitionOf(metric, id));
      if ("absent" in reading) {
        const few = reading.tooFew === true ? { tooFew: true as const } : {};
        absent.push({ metric: id, variant, session: index, round, reason: reading.absent, ...few });
      } else if (Number.isFinite(reading.value)) {
        measurements.push({ metric: id, variant, session: index, round: round ?? 0, ...reading });
      } else {
        absent.push({
          metric: id,
          variant,
          session: index,
          round,
          reason: `not a finite number: ${reading.value}`,
        });
      }
    }
  }
  return {
    schemaVersion: 1,
    metrics: [...definitions.values()],
    measurements,
    absent,
    taints: sessions.flatMap(findTaints),
    ttft: sessions.flatMap((session) => summarizeTtft(session) ?? []),
  };
}

interface MetricReading {
  readonly metric: Metric;
  readonly id: string;
  /** Null for what is measured once in a session. */
  readonly round: number | null;
  readonly reading: Reading;
}

function* readSession(session: SessionData): Generator<MetricReading> {
  for (const metric of CATALOGUE) {
    if (metric.scope === "session") {
      const reading = metric.read(session.record);
      if (reading !== null) yield { metric, id: metric.id, round: null, reading };
      continue;
    }
    for (const [round, cases] of session.rounds) {
      if (metric.scope === "round") {
        const reading = metric.read(session, round);
        if (reading !== null) yield { metric, id: metric.id, round, reading };
        continue;
      }
      if (metric.scope === "cells") {
        for (const [cell, reading] of metric.read(session, round)) {
          yield { metric, id: metricId(metric, cell), round, reading };
        }
        continue;
      }
      for (const data of cases.values()) {
        const reading = metric.read(data);
        if (reading !== null) yield { metric, id: metricId(metric, data.case), round, reading };
      }
    }
  }
}
