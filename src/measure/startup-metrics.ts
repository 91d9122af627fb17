import type { StartTerm } from "../domain/telemetry-start.ts";
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
  ofParts("startup.processes_s", "processes", "Starting processes, importing modules, starting to listen"),
  ofParts("startup.model_s", "weights", "Building the model and reading, placing and preparing its weights"),
  ofParts("startup.warmup_s", "warmup", "Compilation, profiling, KV cache, CUDA graphs and warm-up"),
  {
    ...startUp,
    id: "startup.unexplained_s",
    unit: "s",
    scope: "session",
    description: "Time to ready that no line of the log names.",
    read: ({ coldStart }) => (coldStart === undefined ? null : { value: coldStart.unexplainedS, n: 1 }),
  },
  {
    ...startUp,
    id: "startup.first_prefill_ms",
    unit: "ms",
    tolerance: relative(0.2, 20),
    scope: "session",
    description: "Prefill of the first request, by the server's own count.",
    read: ({ coldStart }) => {
      const part = coldStart?.parts.find(({ name }) => name === "first prefill");
      return part === undefined ? null : { value: part.seconds * 1000, n: 1 };
    },
  },
];

/** The seconds of a term of the cold start, cut out of the log; absent where a log names nothing of it. */
function ofParts(id: string, term: StartTerm, what: string): Metric {
  return {
    ...startUp,
    id,
    unit: "s",
    scope: "session",
    description: `${what}: time between lines of the log.`,
    read: ({ coldStart }) => {
      if (coldStart === undefined) return null;
      const value = coldStart.terms[term];
      return value > 0 ? { value, n: 1 } : { absent: "no line of the log names it" };
    },
  };
}
