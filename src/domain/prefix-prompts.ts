import { z } from "zod";

/** What becomes part of a file's name. */
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/i, "letters, digits, '_' and '-', at most 40");

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * A line of a prompt file, the user's own or `csv/prefix_prompts.jsonl`. Only the prompt is required; prompts of one
 * workload and regime are meant to share their beginning.
 */
export const promptLineSchema = z.object({
  prompt: z.string().min(1).max(4_000_000),
  workload: nameSchema.optional(),
  prefix_regime: z.union([nameSchema, z.number().int().positive()]).transform(String).optional(),
  id: z.union([z.string().max(200), z.number()]).optional(),
  /** The shared beginning in bytes of UTF-8, and its hash: the proof that it is the same in every line. */
  prefix_bytes: z.number().int().nonnegative().optional(),
  prefix_sha256: z.string().regex(SHA256, "64 hexadecimal digits").optional(),
  /** By the server's own tokenizer: of the prefix alone, common to all prompts that have it, and of the whole prompt. */
  prefix_tokens: z.number().int().nonnegative().optional(),
  shared_tokens: z.number().int().nonnegative().optional(),
  prompt_tokens: z.number().int().nonnegative().optional(),
  /** The conversation that it is a turn of. */
  thread: z.string().max(200).optional(),
});
export type PromptLine = z.infer<typeof promptLineSchema>;

/** A prompt whose shared beginning is known. */
export interface PrefixPrompt {
  /** The beginning that others share, and what follows it. */
  readonly prefix: string;
  readonly suffix: string;
  readonly prefixSha256: string;
  /** A turn of a conversation continues the earlier ones of the same thread; null for a prompt of its own. */
  readonly thread: string | null;
}

/** Prompts of one workload and regime, in the order in which they are sent. */
export interface PromptGroup {
  readonly workload: string;
  /** Length of the prefix in tokens as it was asked for, or another name of the user's. */
  readonly regime: string;
  readonly prompts: readonly PrefixPrompt[];
}

/** The same with what the server's tokenizer says. */
export interface CountedGroup extends PromptGroup {
  /** Tokens of each prefix by its hash: of its text alone, and those that every prompt with it begins with. */
  readonly prefixTokens: Readonly<Record<string, { readonly own: number; readonly shared: number }>>;
  /** Tokens of each prompt as it stands in the file. */
  readonly promptTokens: readonly number[];
}
