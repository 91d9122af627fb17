/** How the bench's metrics are judged: as the catalogue has them; those that it lacks, as design and docs have them. */
import type { MetricDefinition } from "../src/domain/metric.ts";
import { definitionsOf } from "../src/measure/catalogue.ts";

const latency = {
  unit: "ms",
  direction: "lower",
  level: "gate",
  sensitivity: "host",
  rounds: "best",
} as const;

/** Definition of a metric of the bench, gated. */
export function benchDefinition(id: string): MetricDefinition {
  const [known] = definitionsOf([id]);
  if (known !== undefined && !id.endsWith("tokens_per_s")) return known;
  if (id.endsWith(".ttft_floor_ms")) {
    const level = id.includes(".hit.") ? "watch" : "gate";
    return { ...latency, id, level, tolerance: { relative: 0.1, absolute: 1 }, description: "" };
  }
  if (id.endsWith(".saving")) {
    return {
      ...latency,
      id,
      unit: "share",
      direction: "higher",
      tolerance: { relative: 0, absolute: 0.05 },
      rounds: "mean",
      description: "",
    };
  }
  if (id.endsWith("tokens_per_s")) {
    return {
      ...latency,
      id,
      level: id.endsWith(".wave_tokens_per_s") ? "gate" : "watch",
      unit: "tokens/s",
      direction: "higher",
      tolerance: { relative: 0.05, absolute: 0 },
      description: "",
    };
  }
  throw new Error(`no definition of ${id}`);
}
