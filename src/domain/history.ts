import { z } from "zod";

/** A metric night by night, as the machine's history under `baselines/history/` has it. */
export const metricHistorySchema = z.object({
  metric: z.string(),
  unit: z.string(),
  /** The baseline's value; null where the run was compared with something else. */
  anchor: z.number().nullable(),
  /** One for each night, the oldest first: of each session its best round, of the sessions the middle one. */
  points: z.array(z.object({ at: z.string(), value: z.number() })),
  /** When the level changed. */
  changes: z.array(
    z.object({
      at: z.string(),
      before: z.number(),
      after: z.number(),
      /** What differs between the night before and that one, in words: commits, versions, flags, machine. */
      between: z.array(z.string()),
    }),
  ),
});
export type MetricHistory = z.infer<typeof metricHistorySchema>;

/** `history.json` of a run: what its machine's history said when it was judged. It decides nothing. */
export const historyFileSchema = z.object({
  schemaVersion: z.literal(1),
  /** The folder that it is from. */
  folder: z.string(),
  metrics: z.array(metricHistorySchema),
});
export type HistoryFile = z.infer<typeof historyFileSchema>;
