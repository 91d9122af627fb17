/** The JSON of completions, byte for byte as vLLM lays it out. */
import type { ApiRequest } from "./api-types.ts";
import { atLeast } from "./settings.ts";
import type { Emission } from "./simulation.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What every event of one response shares. */
export interface ResponseContext {
  request: ApiRequest;
  id: string;
  /** Seconds since 1970. */
  created: number;
  version: string;
  fingerprint: string;
  cachedDetails: boolean;
  tokenizer: Tokenizer;
}

/** Tokens counted so far. */
export interface Progress {
  generated: number;
  cached: number;
  /** Characters of output so far, for `text_offset`. */
  offset: number;
}

interface TokenLogprobs {
  tokens: string[];
  values: number[];
  tops: Record<string, number>[];
}

/** `usage`, in vLLM's order; up to 0.22 a cached count of zero is left out. */
export function usageOf(context: ResponseContext, progress: Progress): object {
  const prompt = context.request.generation.prompt.length;
  const usage = {
    prompt_tokens: prompt,
    total_tokens: prompt + progress.generated,
    completion_tokens: progress.generated,
  };
  const shown = context.cachedDetails && (progress.cached > 0 || atLeast(context.version, 0, 23));
  return shown ? { ...usage, prompt_tokens_details: { cached_tokens: progress.cached } } : usage;
}

/** One event that carries tokens; call it once per emission, in order, after `progress` has taken it in. */
export function tokenEvent(context: ResponseContext, emission: Emission, progress: Progress): string {
  const text = context.tokenizer.decode(emission.tokens.map((item) => item.token));
  const finish = emission.finish ?? null;
  const from = progress.offset;
  progress.offset += text.length;
  const logprobs = context.request.logprobs === undefined ? null : logprobsOf(context, emission, from);
  const tail = context.request.continuousUsage ? { usage: usageOf(context, progress) } : {};
  if (context.request.chat) {
    const choice = { index: 0, delta: { content: text }, logprobs, finish_reason: finish };
    const end = finish === null ? {} : { stop_reason: null };
    return frame({ ...head(context, true), choices: [{ ...choice, ...end, token_ids: null }], ...tail });
  }
  const choice = { index: 0, text, logprobs, finish_reason: finish };
  const rest = { stop_reason: null, prompt_token_ids: null, token_ids: null };
  return frame({ ...head(context, true), choices: [{ ...choice, ...rest }], ...tail });
}

/** A chat stream's first event, which names the role. */
export function roleEvent(context: ResponseContext, progress: Progress): string {
  const delta = { role: "assistant", content: "" };
  const tail = context.request.continuousUsage
    ? { usage: usageOf(context, { ...progress, generated: 0 }) }
    : {};
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: null }];
  return frame({ ...head(context, true), choices, prompt_token_ids: null, ...tail });
}

/** The event with the totals, which has no choices. */
export function usageEvent(context: ResponseContext, progress: Progress): string {
  const usage = usageOf(context, progress);
  return frame({ ...head(context, true), choices: [], usage, system_fingerprint: context.fingerprint });
}

/** The last event of every stream. */
export const DONE = "data: [DONE]\n\n";

/** A whole response at once, from all of its emissions. */
export function wholeResponse(context: ResponseContext, emission: Emission, progress: Progress): string {
  const text = context.tokenizer.decode(emission.tokens.map((item) => item.token));
  const logprobs = context.request.logprobs === undefined ? null : logprobsOf(context, emission, 0);
  const finish = emission.finish ?? "length";
  const usage = { ...usageOf(context, progress) };
  if (!("prompt_tokens_details" in usage)) Object.assign(usage, { prompt_tokens_details: null });
  const closing = { service_tier: null, system_fingerprint: context.fingerprint, usage };
  if (context.request.chat) {
    const message = { role: "assistant", content: text, refusal: null, tool_calls: [], reasoning: null };
    const choice = { index: 0, message, logprobs, finish_reason: finish, stop_reason: null, token_ids: null };
    return JSON.stringify({ ...head(context, false), choices: [choice], ...closing, prompt_token_ids: null });
  }
  const choice = { index: 0, text, logprobs, finish_reason: finish, stop_reason: null };
  const rest = { token_ids: null, prompt_logprobs: null, prompt_token_ids: null };
  const choices = [{ ...choice, ...rest }];
  return JSON.stringify({ ...head(context, false), choices, ...closing, kv_transfer_params: null });
}

function head(context: ResponseContext, chunk: boolean): object {
  const kind = context.request.chat
    ? chunk
      ? "chat.completion.chunk"
      : "chat.completion"
    : "text_completion";
  return { id: context.id, object: kind, created: context.created, model: context.request.model };
}

function frame(body: object): string {
  return `data: ${JSON.stringify(body)}\n\n`;
}

function logprobsOf(context: ResponseContext, emission: Emission, from: number): object {
  const { tokens, values, tops } = collectLogprobs(context, emission);
  if (!context.request.chat) {
    const offsets: number[] = [];
    let offset = from;
    for (const token of tokens) {
      offsets.push(offset);
      offset += token.length;
    }
    return { text_offset: offsets, token_logprobs: values, tokens, top_logprobs: tops };
  }
  const entry = (token: string, logprob: number): object => ({
    token,
    logprob,
    bytes: [...Buffer.from(token)],
  });
  return {
    content: tokens.map((token, i) => ({
      ...entry(token, values[i]!),
      top_logprobs: Object.entries(tops[i]!)
        .slice(0, context.request.logprobs ?? 0)
        .map(([text, value]) => entry(text, value)),
    })),
  };
}

function collectLogprobs(context: ResponseContext, emission: Emission): TokenLogprobs {
  const result: TokenLogprobs = { tokens: [], values: [], tops: [] };
  for (const { token, position } of emission.tokens) {
    const text = context.tokenizer.textOf(token);
    const value = emission.record.source.logprobAt(position);
    const top: Record<string, number> = { [text]: value };
    if ((context.request.logprobs ?? 0) > 1) {
      const other = emission.record.source.runnerUp(position);
      top[context.tokenizer.textOf(other.token)] = value - other.margin;
    }
    result.tokens.push(text);
    result.values.push(value);
    result.tops.push(top);
  }
  return result;
}
