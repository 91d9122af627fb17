import { type Metric, relative, sessionMetric } from "./metric-family.ts";

const startUp = {
  direction: "lower",
  level: "watch",
  tolerance: relative(0.2, 2),
  sensitivity: "host",
} as const;
export const STARTUP: readonly Metric[] = [
  sessionMetric(
    {
      ...startUp,
      id: "startup.ready_s",
      unit: "s",
      description: "Spawn of the server to the first 200 of /health.",
    },
    "readyS",
    (session) => session.readyS,
  ),
  sessionMetric(
    { ...startUp, id: "startup.weights_s", unit: "s", description: "Reading the weights, from the log." },
    "weightsS",
    (session) => session.logFacts?.weightsS,
  ),
  sessionMetric(
    { ...startUp, id: "startup.compile_s", unit: "s", description: "torch.compile, from the log." },
    "compileS",
    (session) => session.logFacts?.compileS,
  ),
  sessionMetric(
    { ...startUp, id: "startup.graphs_s", unit: "s", description: "CUDA graph capture, from the log." },
    "graphsS",
    (session) => session.logFacts?.graphsS,
  ),
  sessionMetric(
    {
      ...startUp,
      id: "startup.engine_init_s",
      unit: "s",
      description: "Profiling, KV cache and warm-up of the engine, from the log.",
    },
    "engineInitS",
    (session) => session.logFacts?.engineInitS,
  ),
];
