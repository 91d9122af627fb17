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
