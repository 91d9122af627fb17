import { quantile } from "simple-statistics";
import { theilSenSlope } from "../stats/robust.ts";
import { e2eMs, ttftMs } from "./case-data.ts";
import {
  caseMetric,
  floorOf,
  forCase,
  latency,
  type Metric,
  MIN_SAMPLES_P10,
  meanOf,
  medianOf,
  onlyOne,
  over,
  p95Of,
  relative,
  tooFew,
} from "./metric-family.ts";

export const TTFT: readonly Metric[] = [
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.3, 50),
      id: "ttft.cold_ms",
      description: "First token of the first request.",
    },
    forCase("ttft", "cold", onlyOne(ttftMs)),
  ),
  caseMetric(
    { ...latency, tolerance: relative(0.3, 50), id: "ttft.cold_e2e_ms", description: "Whole first request." },
    forCase("ttft", "cold", onlyOne(e2eMs)),
  ),
  caseMetric(
    {
      ...latency,
      level: "gate",
      tolerance: relative(0.1, 1),
      id: "ttft.warm.floor_ms",
      description: "Warm TTFT, 10th percentile.",
    },
    forCase("ttft", "warm", floorOf(ttftMs)),
  ),
  caseMetric(
    { ...latency, tolerance: relative(0.1, 1), id: "ttft.warm.mean_ms", description: "Warm TTFT, mean." },
    forCase("ttft", "warm", meanOf(ttftMs)),
  ),
  caseMetric(
    { ...latency, tolerance: relative(0.1, 1), id: "ttft.warm.p50_ms", description: "Warm TTFT, median." },
    forCase("ttft", "warm", medianOf(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.2, 2),
      id: "ttft.warm.p95_ms",
      description: "Warm TTFT, 95th percentile.",
    },
    forCase("ttft", "warm", p95Of(ttftMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.05, 1),
      id: "ttft.warm.e2e_floor_ms",
      description: "Warm request to its last token, 10th percentile.",
    },
    forCase("ttft", "warm", floorOf(e2eMs)),
  ),
  caseMetric(
    {
      ...latency,
      tolerance: relative(0.05, 1),
      id: "ttft.warm.e2e_p50_ms",
      description: "Warm request to its last token, median.",
    },
    forCase("ttft", "warm", medianOf(e2eMs)),
  ),
  caseMetric(
    {
      id: "ttft.warm.trend",
      unit: "share",
      direction: "lower",
      level: "watch",
      tolerance: { relative: 0, absolute: 0.2 },
      sensitivity: "host",
      description:
        "Change of warm TTFT over the case, as a share of its median (Theil–Sen slope × requests).",
    },
    forCase("ttft", "warm", (data) =>
      over(data.ok, ttftMs, (values) =>
        values.length < MIN_SAMPLES_P10
          ? tooFew(MIN_SAMPLES_P10, values.length)
          : {
              value: (theilSenSlope(values) * (values.length - 1)) / quantile([...values], 0.5),
              n: values.length,
            },
      ),
    ),
  ),
  {
    scope: "round",
    id: "ttft.cold_warm_ratio",
    unit: "x",
    direction: "lower",
    level: "watch",
    tolerance: relative(0.5, 1),
    sensitivity: "host",
    description: "Cold TTFT over the median warm TTFT of the same session.",
    read: (session, round) => {
      const cold = session.rounds.get(round)?.get("ttft.cold");
      const warm = session.rounds.get(round)?.get("ttft.warm");
      if (cold === undefined || warm === undefined) return null;
      const coldMs = onlyOne(ttftMs)(cold);
      const warmMs = medianOf(ttftMs)(warm);
      if ("absent" in coldMs) return coldMs;
      if ("absent" in warmMs) return warmMs;
      return { value: coldMs.value / warmMs.value, n: 1 };
    },
  },
];
