import { z } from "zod";

/** What filling the KV cache showed: how much of it a token takes, and in which steps. */
export const kvFillSchema = z.object({
  variant: z.string(),
  session: z.number().int().nonnegative(),
  round: z.number().int().nonnegative(),
  /** Readings of the cache's use while exactly one request was generating. */
  readings: z.number().int(),
  /** Shortest and longest context that was read, in tokens. */
  fromTokens: z.number(),
  toTokens: z.number(),
  /** Greatest use of the cache that was read, as a share. */
  peakUsage: z.number(),
  /** Theil–Sen slope: share of the cache that a token takes. */
  usagePerToken: z.number(),
  /** The cache's blocks: as the server tells, else found from the smallest step of its use. */
  blocks: z.number().nullable(),
  /** Tokens of one step, when steps of a whole number of tokens explain the readings; else null. */
  stepTokens: z.number().nullable(),
  /** Share of the readings that the steps explain. */
  explained: z.number(),
  /** Blocks that a request holds beside those of its tokens: the state of recurrent layers. */
  fixedBlocks: z.number(),
  /** Largest distance of a reading from one straight line, in blocks; below 1.5 when memory grows in single blocks. */
  deviationBlocks: z.number(),
  /** True when the use grows by the same amount with each token from the shortest to the longest context. */
  linear: z.boolean(),
  blockBytes: z.number().nullable(),
  bytesPerToken: z.number().nullable(),
  /** Why there are no bytes. */
  bytesProblem: z.string().nullable(),
});
export type KvFill = z.infer<typeof kvFillSchema>;
