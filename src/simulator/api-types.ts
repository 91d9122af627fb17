/** What a completion request may ask for, read from its JSON body. */

import type { Deployment } from "./deployment.ts";
import { invalidField, missingField, promptTooLong, requestTooLong, unknownModel } from "./errors.ts";
import type { GenerationRequest } from "./request.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A validated request of either endpoint. */
export interface ApiRequest {
  chat: boolean;
  model: string;
  stream: boolean;
  includeUsage: boolean;
  continuousUsage: boolean;
  /** Number of most likely tokens to report; undefined for no logprobs. */
  logprobs: number | undefined;
  generation: GenerationRequest;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads and checks a body, with vLLM's errors.
 *
 * @throws HttpError
 */
export function readRequest(
  body: unknown,
  chat: boolean,
  id: string,
  deployment: Deployment,
  tokenizer: Tokenizer,
): ApiRequest {
  const fields: Fields = typeof body === "object" && body !== null ? (body as Fields) : {};
  const names = deployment.flags.servedModelNames;
  const model = typeof fields["model"] === "string" ? fields["model"] : names[0]!;
  if (!names.includes(model)) throw unknownModel(model, names);
  const prompt = chat ? chatPrompt(fields["messages"], tokenizer) : promptTokens(fields["prompt"], tokenizer);
  const limit = deployment.maxModelLen;
  const asked = count(fields, chat ? "max_completion_tokens" : "max_tokens") ?? count(fields, "max_tokens");
  if (prompt.length >= limit) throw promptTooLong(limit, prompt.length);
  const maxTokens = asked ?? (chat ? limit - prompt.length : 16);
  if (maxTokens < 1) throw invalidField("max_tokens", `max_tokens must be at least 1, got ${maxTokens}.`);
  if (prompt.length + maxTokens > limit) throw requestTooLong(limit, prompt.length, maxTokens);
  const minTokens = count(fields, "min_tokens") ?? 0;
  if (minTokens > maxTokens) {
    const message = `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`;
    throw invalidField("min_tokens", message);
  }
  const temperature = number(fields, "temperature") ?? 1;
  if (temperature < 0)
    throw invalidField("temperature", `temperature must be non-negative, got ${temperature}.`);
  if ((count(fields, "n") ?? 1) !== 1) throw invalidField("n", "The simulator gives one choice per request.");
  const options = (fields["stream_options"] ?? {}) as Fields;
  const stream = fields["stream"] === true;
  if (!stream && fields["stream_options"] !== undefined && fields["stream_options"] !== null)
    throw invalidField("stream_options", "Stream options can only be defined when `stream=True`.");
  return {
    chat,
    model,
    stream,
    includeUsage: options["include_usage"] === true,
    continuousUsage: options["include_usage"] === true && options["continuous_usage_stats"] === true,
    logprobs: readLogprobs(fields, chat, deployment.flags.maxLogprobs),
    generation: {
      id,
      prompt,
      maxTokens,
      minTokens,
      ignoreEos: fields["ignore_eos"] === true,
      temperature,
      seed: number(fields, "seed") ?? Math.floor(Math.random() * 2 ** 31),
      cacheSalt: typeof fields["cache_salt"] === "string" ? fields["cache_salt"] : "",
    },
  };
}

/** The prompt of a completion: text or ids, alone or as the only member of a list. */
function promptTokens(prompt: unknown, tokenizer: Tokenizer): number[] {
  if (prompt === undefined || prompt === null) throw missingField("prompt");
  if (typeof prompt === "string") return nonEmpty(tokenizer.encode(prompt));
  if (Array.isArray(prompt)) {
    if (prompt.length === 1 && (typeof prompt[0] === "string" || Array.isArray(prompt[0])))
      return promptTokens(prompt[0], tokenizer);
    if (prompt.every((token) => Number.isInteger(token) && token >= 0)) return nonEmpty(prompt as number[]);
    if (prompt.length > 1) throw invalidField("prompt", "The simulator takes one prompt per request.");
  }
  throw invalidField("prompt", "prompt must be a string, or an array of token ids");
}

function nonEmpty(tokens: number[]): number[] {
  if (tokens.length === 0) throw invalidField("prompt", "The decoder prompt cannot be empty");
  return tokens;
}

/** Lays messages out as a chat template would. */
export function chatPrompt(messages: unknown, tokenizer: Tokenizer): number[] {
  if (!Array.isArray(messages)) throw missingField("messages");
  let text = "";
  for (const message of messages as Fields[]) {
    text += `<|im_start|>${String(message["role"])}\n${contentText(message["content"])}<|im_end|>\n`;
  }
  return nonEmpty(tokenizer.encode(`${text}<|im_start|>assistant\n`));
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as Fields[])
    .map((part) => (typeof part["text"] === "string" ? part["text"] : ""))
    .join("\n");
}

function number(fields: Fields, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") throw invalidField(name, `Input should be a valid number: ${name}`);
  return value;
}

function count(fields: Fields, name: string): number | undefined {
  const value = number(fields, name);
  if (value !== undefined && !Number.isInteger(value))
    throw invalidField(name, `Input should be a valid integer: ${name}`);
  return value;
}

function readLogprobs(fields: Fields, chat: boolean, most: number): number | undefined {
  const wanted = chat
    ? fields["logprobs"] === true
      ? (count(fields, "top_logprobs") ?? 0)
      : undefined
    : count(fields, "logprobs");
  if (wanted !== undefined && wanted > most) {
    const message = `Requested sample logprobs of ${wanted}, which is greater than max allowed: ${most}`;
    throw invalidField("logprobs", message);
  }
  return wanted;
}
