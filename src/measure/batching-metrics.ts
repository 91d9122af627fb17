import type { RequestTrace } from "../domain/trace.ts";
import { type CaseData, e2eMs, itlsMs, measuredS, tpotMs, ttftMs } from "./case-data.ts";
import {
  type CaseMetric,
  caseMetric,
  floorOf,
  latency,
  type Metric,
  MIN_SAMPLES_P95,
  medianOf,
  NO_REQUEST,
  NO_TOKEN_COUNTS,
  none,
  p95Of,
  quantileOf,
  type Reading,
  relative,
} from "./metric-family.ts";

/** Reads every case of `batching`; its number becomes the `<n>` of the id. */
function forBatching(read: (data: CaseData) => Reading): CaseMetric["read"] {
  return (data) => (data.probe === "batching" && /^c\d+$/.test(data.case) ? read(data) : null);
}

function perSecond(data: CaseData, amount: (traces: readonly RequestTrace[]) => number | null): Reading {
  if (data.failed.length > 0) {
    return none(
      `${data.failed.length} of ${data.ok.length + data.failed.length} requests of the case failed`,
    );
  }
  if (data.ok.length === 0) return none(NO_REQUEST);
  const total = amount(data.ok);
  const seconds = measuredS(data);
  if (total === null) return none("the traces do not say how many tokens were generated");
  if (!(seconds > 0)) return none("the case took no time");
  return { value: total / seconds, n: data.ok.length };
}

const throughput = {
  direction: "higher",
  level: "gate",
  tolerance: relative(0.05),
  sensitivity: "host",
} as const;

export const BATCHING: readonly Metric[] = [
  caseMetric(
    {
      ...throughput,
      id: "batching.c<n>.tokens_per_s",
      unit: "tokens/s",
      description: "Output tokens over first send to last end of the case.",
    },
    forBatching((data) =>
      perSecond(data, (traces) =>
        traces.reduce<number | null>(
          (sum, trace) => (sum === null || trace.outputTokens === null ? null : sum + trace.outputTokens),
          0,
        ),
      ),
    ),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "batching.c<n>.requests_per_s",
      unit: "requests/s",
      description: "Requests over first send to last end of the case.",
    },
    forBatching((data) => perSecond(data, (traces) => traces.length)),
  ),
  caseMetric(
    {
      ...latency,
      level: "gate",
      sensitivity: "none",
      tolerance: relative(0.02, 0.02),
      id: "batching.c<n>.tpot_floor_ms",
      description: "Time per output token after the first, 10th percentile of the requests.",
    },
    forBatching(floorOf(tpotMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.05, 0.05),
      id: "batching.c<n>.tpot_p50_ms",
      description: "Time per output token after the first, median of the requests.",
    },
    forBatching(medianOf(tpotMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 0.5),
      id: "batching.c<n>.itl_p95_ms",
      description: "Gap between events that carry tokens, 95th percentile of all gaps.",
    },
    forBatching((data) => {
      const gaps = data.ok.flatMap(itlsMs);
      return gaps.length === 0
        ? none(data.ok.length === 0 ? NO_REQUEST : NO_TOKEN_COUNTS)
        : quantileOf(gaps, 0.95, MIN_SAMPLES_P95);
    }),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 2),
      id: "batching.c<n>.ttft_p50_ms",
      description: "TTFT, median.",
    },
    forBatching(medianOf(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.3, 5),
      id: "batching.c<n>.ttft_p95_ms",
      description: "TTFT, 95th percentile.",
    },
    forBatching(p95Of(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.1, 2),
      id: "batching.c<n>.e2e_p50_ms",
      description: "Request to its last token, median.",
    },
    forBatching(medianOf(e2eMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 5),
      id: "batching.c<n>.e2e_p95_ms",
      description: "Request to its last token, 95th percentile.",
    },
    forBatching(p95Of(e2eMs)),
  ),
];
