import { createHash } from "node:crypto";

/**
 * Prompts are lists of token ids, which vLLM takes as they are: their length is exact without asking the server's
 * tokenizer, so that nothing needs to precede the cold request. The ids lie above the special tokens and below
 * the smallest vocabularies that models have (1,000 control tokens of Mistral's Tekken; 4,096 entries).
 */
const FIRST_ID = 1000;
const ID_COUNT = 2000;

/**
 * A prompt that depends on its name only: the same name gives the same ids. Those of another name differ within
 * the first block of any prefix cache: 16 tokens have 2,000^16 beginnings.
 *
 * @param name - seed and place of the prompt, e.g. `seed/batching.c8/0/17`
 * @param tokens - its length
 */
export function promptOf(name: string, tokens: number): number[] {
  const ids: number[] = [];
  for (let block = 0; ids.length < tokens; block += 1) {
    const digest = createHash("sha256").update(`${name}#${block}`).digest();
    for (let at = 0; at + 1 < digest.length && ids.length < tokens; at += 2) {
      ids.push(FIRST_ID + (digest.readUInt16BE(at) % ID_COUNT));
    }
  }
  return ids;
}

export interface CompletionOptions {
  readonly model: string;
  /** Token ids, whose number is exact; or text, of which the server's tokenizer decides. */
  readonly prompt: readonly number[] | string;
  readonly outputTokens: number;
}

/**
 * The body of a `/v1/completions` request with a fixed amount of work: exactly `outputTokens` tokens, greedy.
 * `/v1/completions`, since a chat stream's first event carries a role and no token.
 */
export function completionBody(options: CompletionOptions): Buffer {
  return Buffer.from(
    JSON.stringify({
      model: options.model,
      prompt: options.prompt,
      max_tokens: options.outputTokens,
      min_tokens: options.outputTokens,
      ignore_eos: true,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  );
}
