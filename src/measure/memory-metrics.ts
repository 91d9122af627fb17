import { type Metric, relative, sessionMetric } from "./metric-family.ts";

const memory = {
  direction: "lower",
  level: "gate",
  tolerance: relative(0.02, 0.05),
  sensitivity: "none",
} as const;

export const MEMORY: readonly Metric[] = [
  sessionMetric(
    {
      ...memory,
      id: "memory.weights_gib",
      unit: "GiB",
      description: "Memory of the loaded model, from the log.",
    },
    "modelMemoryGib",
    (session) => session.logFacts?.modelMemoryGib,
  ),
  sessionMetric(
    {
      ...memory,
      level: "watch",
      tolerance: relative(0.1, 0.2),
      id: "memory.graphs_gib",
      unit: "GiB",
      description: "Memory of the CUDA graphs, from the log.",
    },
    "graphsGib",
    (session) => session.logFacts?.graphsGib,
  ),
];
