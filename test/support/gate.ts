import { makeBaseline } from "../../src/baseline/make-baseline.ts";
import { compareSides, type MetricRules } from "../../src/compare/compare.ts";
import { checkLimits, type Limits } from "../../src/compare/limits.ts";
import { baselineSide, runSide } from "../../src/compare/sides.ts";
import type { RunRecord } from "../../src/domain/run.ts";
import type { RequestTrace } from "../../src/domain/trace.ts";
import { definitionsOf } from "../../src/measure/catalogue.ts";
import { measureRun } from "../../src/measure/measure.ts";
import type { CommentInput } from "../../src/report/comment.ts";
import { decide, decideWithoutBaseline, type VerdictPolicy } from "../../src/verdict/decide.ts";

export const POLICY: VerdictPolicy = { onInconclusive: "warn", onInvalid: "fail", reportOnly: false };

export interface MeasuredTraces {
  readonly run: RunRecord;
  readonly traces: readonly RequestTrace[];
}

const BASELINE = "baselines/chat/nvidia-h200-1x-140gib-qwen2.5-1.5b-instruct.json";
const RUN_PATH = "runs/20261122T080000Z-77c1";

/** What the report of a run against a baseline made from another run is given, as the gate does it. */
export function gate(
  base: MeasuredTraces | null,
  head: MeasuredTraces,
  options: { rules?: Partial<MetricRules>; limits?: Limits; policy?: Partial<VerdictPolicy> } = {},
): CommentInput {
  const { run, traces } = head;
  const measurements = measureRun(run, traces);
  const policy = { ...POLICY, ...options.policy };
  const side = runSide(run, measurements, "this run");
  // Of a scenario that has one session: it breaks a limit by itself.
  const limits = checkLimits(side.values, side.definitions, options.limits ?? {}).map(
    ({ seenOnce: _, ...breach }) => breach,
  );
  const shared = { run, measurements, runPath: RUN_PATH, acceptCommand: `vllm-gate record ${RUN_PATH}` };
  if (base === null) {
    const comparison = {
      schemaVersion: 1 as const,
      scenario: run.scenario,
      baseSource: null,
      limits,
      comparisons: [],
      flags: [],
      fingerprint: [],
      taints: measurements.taints.map((taint) => taint.reason),
    };
    return { ...shared, comparison, verdict: decideWithoutBaseline(comparison, BASELINE, policy) };
  }
  const recorded = makeBaseline(
    [
      {
        run: base.run,
        measurements: measureRun(base.run, base.traces),
        runSha256: "0".repeat(64),
        path: "runs/base",
      },
    ],
    "2026-11-22T07:00:00.000Z",
  );
  const compared = compareSides(
    run.scenario,
    baselineSide(recorded, BASELINE, definitionsOf(Object.keys(recorded.metrics))),
    side,
    { tolerances: {}, levels: {}, ...options.rules },
  );
  const comparison = { ...compared, limits };
  return { ...shared, comparison, verdict: decide(comparison, policy) };
}
