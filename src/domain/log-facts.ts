import { z } from "zod";

/**
 * What a server's log says about its start. `null` means that the log does not say it: `unknownFacts` then
 * names the fact with the version, so that nothing is silently absent.
 */
export const logFactsSchema = z.object({
  vllmVersion: z.string().nullable(),
  /** `Loading weights took`: reading the weight files. Absent with `--load-format dummy`. */
  weightsS: z.number().nullable(),
  /** `Model loading took`: building the model and loading its weights. */
  modelLoadS: z.number().nullable(),
  modelMemoryGib: z.number().nullable(),
  compileS: z.number().nullable(),
  /** True when a compilation was read from the cache instead of made. */
  compileCached: z.boolean().nullable(),
  profileS: z.number().nullable(),
  graphsS: z.number().nullable(),
  graphsGib: z.number().nullable(),
  graphsEstimatedGib: z.number().nullable(),
  kvAvailableGib: z.number().nullable(),
  kvCapacityTokens: z.number().nullable(),
  kvBlocks: z.number().nullable(),
  maxConcurrency: z.number().nullable(),
  /** The context length for which `maxConcurrency` was computed. */
  maxConcurrencyTokens: z.number().nullable(),
  engineInitS: z.number().nullable(),
  attentionBackend: z.string().nullable(),
  asyncScheduling: z.boolean().nullable(),
  /** What the server logged as its own arguments, as printed (a Python literal), secrets removed. */
  loggedArgs: z.string().nullable(),
  listeningOn: z.string().nullable(),
});
export type LogFacts = z.infer<typeof logFactsSchema>;
