import { type Metric, relative, sessionMetric } from "./metric-family.ts";

const memory = {
  direction: "lower",
  level: "gate",
  tolerance: relative(0.02, 0.05),
  sensitivity: "none",
} as const;
const capacity = {
  direction: "higher",
  level: "gate",
  tolerance: relative(0.01),
  sensitivity: "none",
} as const;

export const CAPACITY: readonly Metric[] = [
  sessionMetric(
    { ...capacity, id: "kv.capacity_tokens", unit: "tokens", description: "Tokens that the KV cache holds." },
    "kvCapacityTokens",
    (session) => session.kv?.capacityTokens ?? session.logFacts?.kvCapacityTokens,
  ),
  sessionMetric(
    {
      ...capacity,
      level: "watch",
      id: "kv.max_concurrency",
      unit: "x",
      description: "Requests of full context length that fit at once; moves with --max-model-len.",
    },
    "maxConcurrency",
    (session) => session.kv?.maxConcurrency ?? session.logFacts?.maxConcurrency,
  ),
  sessionMetric(
    {
      ...capacity,
      id: "kv.available_gib",
      unit: "GiB",
      description: "Memory that the KV cache got, from the log.",
    },
    "kvAvailableGib",
    (session) => session.logFacts?.kvAvailableGib,
  ),
  sessionMetric(
    {
      ...capacity,
      level: "watch",
      id: "kv.block_size",
      unit: "tokens",
      description: "Tokens of one KV block.",
    },
    "blockSize",
    (session) => session.kv?.blockSize,
  ),
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
