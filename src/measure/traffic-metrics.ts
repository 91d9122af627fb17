import { type CaseData, e2eMs, ttftMs } from "./case-data.ts";
import {
  type CaseMetric,
  caseMetric,
  gapP95,
  latency,
  type Metric,
  medianOf,
  p95Of,
  type Reading,
  relative,
  throughput,
} from "./metric-family.ts";
import { attainmentOf, goodputOf, requestsPerS, tokensPerS } from "./throughput.ts";

/** Reads the one case of `traffic`, however it was sent. */
function forTraffic(read: (data: CaseData) => Reading | null): CaseMetric["read"] {
  return (data) => (data.probe === "traffic" ? read(data) : null);
}

/** The user's own requests. All are `watch`: how far they spread is the traffic's own. */
export const TRAFFIC: readonly Metric[] = [
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 2),
      id: "traffic.ttft_p50_ms",
      description: "TTFT of the own requests, median.",
    },
    forTraffic(medianOf(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.3, 5),
      id: "traffic.ttft_p95_ms",
      description: "TTFT of the own requests, 95th percentile.",
    },
    forTraffic(p95Of(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 0.5),
      id: "traffic.itl_p95_ms",
      description: "Gap between events that carry tokens, 95th percentile of all gaps of the own requests.",
    },
    forTraffic(gapP95),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 5),
      id: "traffic.e2e_p95_ms",
      description: "Own request to its last token, 95th percentile; in an open loop from its planned time.",
    },
    forTraffic(p95Of(e2eMs)),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "traffic.tokens_per_s",
      unit: "tokens/s",
      description:
        "Output tokens of the own requests over first send to last end. In an open loop it is what was asked for, as long as the server keeps up.",
    },
    forTraffic(tokensPerS),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "traffic.requests_per_s",
      unit: "requests/s",
      description: "Own requests over first send to last end.",
    },
    forTraffic(requestsPerS),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      id: "traffic.goodput_per_s",
      unit: "requests/s",
      description: "Own requests that met every part of the scenario's `slo`, over first send to last end.",
    },
    forTraffic(goodputOf),
  ),
  caseMetric(
    {
      ...throughput,
      level: "watch",
      tolerance: relative(0, 0.02),
      id: "traffic.slo_attainment",
      unit: "share",
      description: "Share of the own requests that met every part of the scenario's `slo`.",
    },
    forTraffic(attainmentOf),
  ),
];
