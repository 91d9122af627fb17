/** What a completion request may ask for, read from its JSON body. */
import type { Deployment } from "./deployment.ts";
import { checkLength, InvalidValue, unknownModel } from "./errors.ts";
import { FieldReader } from "./field-reader.ts";
import { encodePrompts, type Prompt, readMessages, readPrompts, renderChat } from "./prompts.ts";
import type { GenerationRequest } from "./request.ts";
import { checkBody, checkChoices, checkSampling, type Sampling } from "./request-checks.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** One choice of a response: what generates it, and the prompt it belongs to. */
export interface Choice {
  index: number;
  prompt: Prompt;
  generation: GenerationRequest;
}

/** A validated request of either endpoint. */
export interface ApiRequest {
  chat: boolean;
  id: string;
  model: string;
  stream: boolean;
  includeUsage: boolean;
  continuousUsage: boolean;
  /** Number of most likely tokens to report; undefined for no logprobs. */
  logprobs: number | undefined;
  promptLogprobs: number | undefined;
  echo: boolean;
  /** Whether only the prompt is to be returned. */
  echoOnly: boolean;
  returnTokenIds: boolean;
  tokensAsIds: boolean;
  stop: readonly string[];
  stopTokenIds: readonly number[];
  includeStop: boolean;
  minTokens: number;
  prompts: readonly Prompt[];
  choices: readonly Choice[];
}

/** Tells requests apart that clients gave the same id. */
let serial = 0;

/**
 * Reads and checks a body, with vLLM's errors.
 *
 * @param baseId used in the response's id when the body names none
 * @throws HttpError, InvalidBody, InvalidValue
 */
export function readRequest(
  body: unknown,
  chat: boolean,
  baseId: string | undefined,
  deployment: Deployment,
  tokenizer: Tokenizer,
): ApiRequest {
  const { flags, maxModelLen: limit, model: shape } = deployment;
  const { version } = deployment.settings;
  const fields = new FieldReader(body);
  checkBody(fields, chat, version);
  const raw = readFields(fields, chat);
  const names = flags.servedModelNames;
  if (raw.model && !names.includes(raw.model)) throw unknownModel(raw.model, names, version);
  checkChoices(raw.n);
  if (chat) checkChat(fields, flags.nonDefault);
  const asked = raw.maxTokens ?? (chat ? undefined : 16);
  const given = chat ? [renderChat(raw.messages, flags.model)] : raw.prompts;
  const prompts = encodePrompts(given, tokenizer, shape.vocab);
  for (const { tokens, text } of prompts)
    checkLength(limit, tokens.length, Math.max(0, asked ?? 0), text !== undefined, version);
  const echoOnly = raw.echo && asked === 0;
  const salt = raw.promptLogprobs === undefined ? raw.cacheSalt : `${baseId}-${Math.random()}`;
  const id = `${chat ? "chatcmpl" : "cmpl"}-${raw.requestId ?? baseId}`;
  const choices: Choice[] = [];
  for (const prompt of prompts) {
    const maxTokens = echoOnly ? 1 : Math.min(asked ?? limit, limit - prompt.tokens.length);
    checkSampling({ ...raw, maxTokens }, flags.maxLogprobs, version);
    for (let i = 0; i < raw.n; i++) {
      const seed = raw.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : raw.seed + i;
      const { minTokens, ignoreEos, temperature, streamInterval } = raw;
      const generation = {
        id: `${id}-${choices.length}-${serial++}`,
        prompt: prompt.tokens,
        maxTokens,
        minTokens,
        ignoreEos,
        temperature,
        seed,
        cacheSalt: salt,
        streamInterval: raw.stream ? Math.max(streamInterval ?? 1, flags.streamInterval) : 1,
      };
      choices.push({ index: choices.length, prompt, generation });
    }
  }
  const { includeUsage } = raw;
  const usage = includeUsage || flags.nonDefault["enable_force_include_usage"] === true;
  return { ...raw, chat, id, model: raw.model || names[0]!, echoOnly, includeUsage: usage, prompts, choices };
}

function readFields(fields: FieldReader, chat: boolean) {
  const messages = chat ? readMessages(fields) : [];
  const model = fields.text("model");
  const prompts = chat ? [] : readPrompts(fields);
  const echo = fields.bool("echo");
  const frequency = fields.float("frequency_penalty");
  const wantsLogprobs = chat ? fields.bool("logprobs") : false;
  const logprobs = chat ? undefined : fields.int("logprobs");
  const topLogprobs = chat ? fields.int("top_logprobs") : undefined;
  const most = fields.int("max_tokens");
  const maxTokens = (chat ? fields.int("max_completion_tokens") : undefined) ?? most;
  const n = fields.int("n", { required: !chat }) ?? 1;
  const presence = fields.float("presence_penalty");
  const seed = fields.int("seed");
  const stop = fields.texts("stop");
  const stream = fields.bool("stream");
  const options = fields.object("stream_options");
  const temperature = fields.float("temperature") ?? 1;
  const topP = fields.float("top_p");
  const result = {
    ...{
      messages,
      model,
      prompts,
      echo,
      frequency,
      maxTokens,
      n,
      presence,
      seed,
      stop,
      stream,
      temperature,
      topP,
    },
    logprobs: chat ? (wantsLogprobs ? (topLogprobs ?? 0) : undefined) : logprobs,
    topK: fields.int("top_k"),
    minP: fields.float("min_p"),
    repetition: fields.float("repetition_penalty"),
    stopTokenIds: fields.ints("stop_token_ids") ?? [],
    includeStop: fields.bool("include_stop_str_in_output", true),
    ignoreEos: fields.bool("ignore_eos", true),
    minTokens: fields.int("min_tokens", { required: true }) ?? 0,
    promptLogprobs: fields.int("prompt_logprobs") ?? (echo && logprobs !== undefined ? logprobs : undefined),
    requestId: fields.text("request_id", true),
    tokensAsIds: fields.bool("return_tokens_as_token_ids"),
    returnTokenIds: fields.bool("return_token_ids"),
    cacheSalt: fields.text("cache_salt") ?? "",
    streamInterval: fields.int("stream_interval", { least: 1 }),
    includeUsage: options["include_usage"] === true,
    continuousUsage: options["include_usage"] === true && options["continuous_usage_stats"] === true,
  } satisfies Omit<Sampling, "maxTokens"> & Record<string, unknown>;
  fields.finish();
  return result;
}

/** What a chat may not ask of a server without tools and trust. */
function checkChat(fields: FieldReader, flags: Readonly<Record<string, unknown>>): void {
  const tools = fields.raw("tools");
  const choice = fields.raw("tool_choice") ?? "auto";
  if (
    Array.isArray(tools) &&
    tools.length > 0 &&
    choice === "auto" &&
    flags["enable_auto_tool_choice"] !== true
  ) {
    const message = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set';
    throw new InvalidValue(message);
  }
  if (fields.raw("chat_template") === undefined || flags["trust_request_chat_template"] === true) return;
  throw new InvalidValue(
    "Chat template is passed with request, but --trust-request-chat-template is not set. " +
      "Refused request with untrusted chat template.",
  );
}
