import { z } from "zod";
import { findingSchema } from "./node.ts";

/**
 * What a machine is good for. `healthy`: a verdict from it can be trusted. `degraded`: it can be had, with more noise
 * or lower numbers than the machine could give. `unfit`: none can be had, or none that means anything.
 */
export const NODE_VERDICTS = ["healthy", "degraded", "unfit"] as const;
export type NodeVerdict = (typeof NODE_VERDICTS)[number];

/** What `vllm-gate doctor` found. */
export const diagnosisSchema = z.object({
  verdict: z.enum(NODE_VERDICTS),
  /** The worst first. */
  findings: z.array(findingSchema),
});
export type Diagnosis = z.infer<typeof diagnosisSchema>;

/** The seed's quick health check: a small model served on this node, in a few numbers. */
export const QUICK_CHECK = [
  {
    metric: "startup.ready_s",
    subject: "probe: time to ready",
    unit: "s",
    direction: "lower",
    tolerance: 0.5,
  },
  { metric: "ttft.cold_ms", subject: "probe: cold TTFT", unit: "ms", direction: "lower", tolerance: 0.5 },
  {
    metric: "ttft.warm.floor_ms",
    subject: "probe: warm TTFT",
    unit: "ms",
    direction: "lower",
    tolerance: 0.25,
  },
  {
    metric: "batching.c1.tokens_per_s",
    subject: "probe: sequential",
    unit: "tokens/s",
    direction: "higher",
    tolerance: 0.1,
  },
  {
    metric: "batching.c8.tokens_per_s",
    subject: "probe: 8 at a time",
    unit: "tokens/s",
    direction: "higher",
    tolerance: 0.15,
  },
] as const;

/** One line of a node's history: what a quick check measured, and under what. */
export const checkupSchema = z.object({
  schemaVersion: z.literal(1),
  at: z.string(),
  model: z.string(),
  /** Numbers are only compared where this is equal: server, flags, GPU, driver, limits, probes. */
  key: z.string(),
  vllmVersion: z.string().nullable(),
  values: z.record(z.string(), z.number()),
  /** Whether the node was found to be as it was before; only such checks are compared with. */
  usual: z.boolean(),
});
export type Checkup = z.infer<typeof checkupSchema>;
