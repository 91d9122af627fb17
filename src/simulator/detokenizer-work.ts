/**
 * How many ids the API server decodes for each token it receives.
 *
 * vLLM detokenizes with `DecodeStream` of Hugging Face's tokenizers, primed with the whole prompt. A step decodes all
 * ids that the stream still holds, and drops the old ones once that gave new text. So a stream whose tokens decode to
 * nothing decodes its whole context for every token: the tokens of random weights (`--load-format dummy`) that lie
 * beyond the tokenizer's ids do that. With thousands of tokens of context the API server then falls behind the engine,
 * and its backlog, merged into fewer and larger events, grows for as long as the requests last.
 */
import type { Deployment } from "./deployment.ts";
import { hashTokens, mix32 } from "./random.ts";

/** How often the successor of a token's successor is that token again, under random weights. */
const RETURNS = { always: 1 / 2, withOffset: 0.06 };

/**
 * Whether no token of a request's output decodes to text.
 *
 * vLLM's random weights are of the order of 0.001, also in the norms, so that layers add next to nothing to a token's
 * embedding, and a token's successor is the one whose embedding is most like it under the last norm's weights. Likeness
 * is mutual: the output soon alternates between two ids, half of the time with the prompt's last id as one of them, and
 * else with any two of the vocabulary. Biases of keys and values, where a model has them, are large beside the rest:
 * every token's hidden state is then shifted the same way, and the way back to the prompt's last id is rare. An fp8 KV
 * cache rounds values that small to zero, and takes the shift away.
 *
 * (Computed for the fixtures' shapes, matrices of such numbers and 4,096 known ids: 52 % and 66 % of the requests had
 * text for Qwen2.5-1.5B without its biases and for Phi-3-mini, 8 to 15 % with Qwen's biases; here 53, 62 and 11 %.)
 */
export function decodesToNothing({ flags, knownIds, model }: Deployment, prompt: readonly number[]): boolean {
  if (flags.loadFormat !== "dummy" || knownIds >= model.vocab) return false;
  const shifted = model.attentionBias && !flags.kvCacheDtype.startsWith("fp8");
  const hash = hashTokens(prompt, 0xdec0);
  const share = (salt: number): number => mix32(hash, salt) / 4294967296;
  const known = knownIds / model.vocab;
  const returns = share(1) < (shifted ? RETURNS.withOffset : RETURNS.always);
  return !returns && share(2) >= known && share(3) >= known;
}

/**
 * Ids decoded for the token at a position of the output.
 *
 * @param textless as {@link decodesToNothing} says
 */
export function idsDecoded(promptTokens: number, position: number, textless: boolean): number {
  if (position === 0) return 2 * promptTokens;
  return textless ? promptTokens + position : 1;
}
