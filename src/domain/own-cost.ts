import { z } from "zod";

/** What a run cost the machine itself, the server not included. */
export const ownCostSchema = z.object({
  wallS: z.number().nonnegative(),
  /** Processor time of this process, user and system. */
  cpuS: z.number().nonnegative(),
  /** Processor time by wall time: 1 is one core all the time. */
  coreShare: z.number().nonnegative(),
  /** Most memory that the process had resident, in its whole life. */
  peakRssMb: z.number().nonnegative(),
  /** How late the event loop came to a timer, in one of a hundred cases. */
  loopDelayP99Ms: z.number().nonnegative(),
});
export type OwnCost = z.infer<typeof ownCostSchema>;
