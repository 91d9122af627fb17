/** Log-probabilities as the two endpoints lay them out. */
import type { ApiRequest } from "./api-types.ts";
import type { TokenSource } from "./request.ts";
import type { Emission } from "./simulation.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A token with the likeliest tokens of its place, itself first unless it is a prompt's. */
interface Scored {
  token: number;
  value: number | null;
  top: readonly { token: number; value: number }[];
}

/** The scores of an event's tokens. */
export function outputScores(emission: Emission, count: number): Scored[] {
  const { source } = emission.record;
  return emission.tokens.map(({ token, position }) => {
    const value = source.logprobAt(position);
    return { token, value, top: likeliest(source, position, token, value, count) };
  });
}

/** The scores of a prompt; its first token has none. */
export function promptScores(source: TokenSource, prompt: readonly number[], count: number): Scored[] {
  return prompt.map((token, i) => {
    if (i === 0) return { token, value: null, top: [] };
    const best = source.logprobAt(-1 - i);
    const other = source.runnerUp(-1 - i);
    const top = count > 0 ? likeliest(source, -1 - i, other.token, best, count) : [];
    return { token, value: best - other.margin - 1, top };
  });
}

function likeliest(source: TokenSource, position: number, token: number, value: number, count: number) {
  const top = [{ token, value }];
  for (let i = 1; i < count; i++) {
    const { token: other, margin } = source.runnerUp(position + 7919 * (i - 1));
    top.push({ token: other, value: top[i - 1]!.value - margin });
  }
  return top;
}

/** `logprobs` of a completion; offsets count from `from`. */
export function completionLogprobs(
  scores: readonly Scored[],
  request: ApiRequest,
  tokenizer: Tokenizer,
  from: number,
): { text: string; end: number } {
  const name = namer(request, tokenizer);
  let end = from;
  const offsets: number[] = [];
  const tops: (object | null)[] = [];
  for (const { token, value, top } of scores) {
    offsets.push(end);
    end += name(token).length;
    const own = value === null || top[0]?.token === token ? [] : [{ token, value }];
    tops.push(
      value === null
        ? null
        : Object.fromEntries([...own, ...top].map((item) => [name(item.token), item.value])),
    );
  }
  const text = JSON.stringify({
    text_offset: offsets,
    token_logprobs: scores.map((item) => item.value),
    tokens: scores.map((item) => name(item.token)),
    top_logprobs: tops,
  });
  return { text, end };
}

/** `logprobs` of a chat choice. */
export function chatLogprobs(scores: readonly Scored[], request: ApiRequest, tokenizer: Tokenizer): string {
  const name = namer(request, tokenizer);
  const entry = (token: number, logprob: number | null) => ({
    token: name(token),
    logprob,
    bytes: [...Buffer.from(tokenizer.textOf(token))],
  });
  const content = scores.map(({ token, value, top }) => ({
    ...entry(token, value),
    top_logprobs: top.slice(0, request.logprobs ?? 0).map((item) => entry(item.token, item.value)),
  }));
  return JSON.stringify({ content });
}

/** `prompt_logprobs`: by id, with ranks. */
export function promptLogprobs(scores: readonly Scored[], tokenizer: Tokenizer): string {
  const items = scores.map(({ token, value, top }) => {
    if (value === null) return null;
    const own = { logprob: value, rank: top.length + 1, decoded_token: tokenizer.textOf(token) };
    const others = top.map((item, i) => [
      item.token,
      { logprob: item.value, rank: i + 1, decoded_token: tokenizer.textOf(item.token) },
    ]);
    return Object.fromEntries([...others, [token, own]]) as object;
  });
  return JSON.stringify(items);
}

function namer(request: ApiRequest, tokenizer: Tokenizer): (token: number) => string {
  return (token) => (request.tokensAsIds ? `token_id:${token}` : tokenizer.textOf(token));
}
