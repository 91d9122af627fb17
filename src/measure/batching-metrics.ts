import { type CaseData, e2eMs, tpotMs, ttftMs } from "./case-data.ts";
import { CURVE } from "./curve-metrics.ts";
import {
  type CaseMetric,
  caseMetric,
  floorOf,
  gapP95,
  latency,
  type Metric,
  medianOf,
  p95Of,
  type Reading,
  relative,
  throughput,
} from "./metric-family.ts";
import { goodputOf, requestsPerS, tokensPerS } from "./throughput.ts";
import { waveTokensPerS } from "./wave.ts";

/** Reads every case of `batching`; its number becomes the `<n>` of the id. */
function forBatching(read: (data: CaseData) => Reading | null): CaseMetric["read"] {
  return (data) => (data.probe === "batching" && /^c\d+$/.test(data.case) ? read(data) : null);
}

export const BATCHING: readonly Metric[] = [
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "batching.c<n>.tokens_per_s",
      unit: "tokens/s",
      description: "Output tokens over first send to last end of the case.",
    },
    forBatching(tokensPerS),
  ),
  caseMetric(
    {
      ...throughput,
      id: "batching.c<n>.wave_tokens_per_s",
      unit: "tokens/s",
      description: "Output tokens over the best full wave of the case, of at least 4 requests.",
    },
    // One at a time, throughput is the time per token by another name.
    forBatching((data) => {
      const concurrency = Number(data.case.slice(1));
      return concurrency < 2 ? null : waveTokensPerS(data, concurrency);
    }),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "batching.c<n>.requests_per_s",
      unit: "requests/s",
      description: "Requests over first send to last end of the case.",
    },
    forBatching(requestsPerS),
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
    forBatching(gapP95),
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
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "batching.c<n>.goodput_per_s",
      unit: "requests/s",
      description:
        "Requests that met every part of the scenario's `slo`, over first send to last end of the case.",
    },
    forBatching(goodputOf),
  ),
  ...CURVE,
];
