/** The JSON of completions, byte for byte as vLLM lays it out; built from strings, since it is the hot path. */
import type { ApiRequest } from "./api-types.ts";
import type { ChoiceText, Delta } from "./choice-text.ts";
import { chatLogprobs, completionLogprobs, outputScores, promptLogprobs, promptScores } from "./logprobs.ts";
import { atLeast } from "./settings.ts";
import type { Emission } from "./simulation.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** What every event of one response shares. */
export class ResponseContext {
  readonly request: ApiRequest;
  readonly tokenizer: Tokenizer;
  readonly fingerprint: string;
  readonly cachedDetails: boolean;
  readonly version: string;
  /** Whether the layout is the one of 0.32 (0.26 and later) rather than that of 0.22. */
  readonly recent: boolean;
  readonly chunkHead: string;
  readonly wholeHead: string;

  /** @param cachedDetails whether usage tells of cached tokens */
  constructor(
    request: ApiRequest,
    tokenizer: Tokenizer,
    version: string,
    fingerprint: string,
    cachedDetails: boolean,
  ) {
    this.request = request;
    this.tokenizer = tokenizer;
    this.version = version;
    this.fingerprint = fingerprint;
    this.cachedDetails = cachedDetails;
    this.recent = atLeast(version, 0, 26);
    const created = Math.floor(Date.now() / 1000);
    const kind = request.chat ? "chat.completion" : "text_completion";
    const head = (object: string): string =>
      `{"id":${JSON.stringify(request.id)},"object":"${object}","created":${created},` +
      `"model":${JSON.stringify(request.model)},"choices":[`;
    this.chunkHead = head(request.chat ? `${kind}.chunk` : kind);
    this.wholeHead = head(kind);
  }
}

/** Tokens counted so far. */
interface Counts {
  prompt: number;
  generated: number;
}

function plainUsage({ prompt, generated }: Counts): string {
  return `"prompt_tokens":${prompt},"total_tokens":${prompt + generated},"completion_tokens":${generated}`;
}

/** `cached_tokens` with what stands beside it; undefined when it is not told (up to 0.22: when it is 0). */
function cachedDetails(context: ResponseContext, cached: number): string | undefined {
  const shown = context.cachedDetails && (cached > 0 || atLeast(context.version, 0, 23));
  return shown ? `"cached_tokens":${cached}` : undefined;
}

/** One event that carries tokens, and the tail of the request's stream when it is the last of its choice. */
export function tokenEvent(
  context: ResponseContext,
  state: ChoiceText,
  delta: Delta,
  emission: Emission,
): string {
  const { request } = context;
  const { index, prompt } = state.choice;
  const first = delta.tokens[0]?.position === 0;
  const scores = logprobsOf(context, state, delta, emission, first);
  const finish = delta.finish === undefined ? "null" : `"${delta.finish}"`;
  const ids = request.returnTokenIds ? JSON.stringify(delta.tokens.map((item) => item.token)) : "null";
  const stop = JSON.stringify(delta.stopReason);
  let choice: string;
  if (request.chat) {
    const end = delta.finish === undefined ? "" : `,"stop_reason":${stop}`;
    choice =
      `{"index":${index},"delta":{"content":${JSON.stringify(delta.text)}},"logprobs":${scores},` +
      `"finish_reason":${finish}${end},"token_ids":${ids}}`;
  } else {
    const shown = first && (request.echo || request.returnTokenIds) ? JSON.stringify(prompt.tokens) : "null";
    const text =
      first && request.echo && !request.returnTokenIds ? echoed(context, state, delta) : delta.text;
    choice =
      `{"index":${index},"text":${JSON.stringify(text)},"logprobs":${scores},"finish_reason":${finish},` +
      `"stop_reason":${stop},"prompt_token_ids":${shown},"token_ids":${ids}}`;
  }
  let tail = "";
  if (request.continuousUsage) {
    const more = request.chat && context.recent ? ',"completion_tokens_details":null' : "";
    tail = `,"usage":{${plainUsage({ prompt: prompt.tokens.length, generated: state.generated })}${more}}`;
  }
  if (delta.finish !== undefined && !request.includeUsage)
    tail += `,"system_fingerprint":"${context.fingerprint}"`;
  return `data: ${context.chunkHead}${choice}]${tail}}\n\n`;
}

function echoed(context: ResponseContext, state: ChoiceText, delta: Delta): string {
  const { text, tokens } = state.choice.prompt;
  const prompt = text ?? context.tokenizer.decode(tokens);
  return context.request.echoOnly ? prompt : prompt + delta.text;
}

function logprobsOf(
  context: ResponseContext,
  state: ChoiceText,
  delta: Delta,
  emission: Emission,
  first: boolean,
): string {
  const { request, tokenizer } = context;
  if (request.logprobs === undefined) return "null";
  const outputs = request.echoOnly
    ? []
    : outputScores({ ...emission, tokens: delta.tokens }, request.logprobs);
  if (request.chat) return chatLogprobs(outputs, request, tokenizer);
  const { source } = emission.record;
  const prompt =
    first && request.echo ? promptScores(source, state.choice.prompt.tokens, request.logprobs) : [];
  const { text, end } = completionLogprobs([...prompt, ...outputs], request, tokenizer, state.offset);
  state.offset = end;
  return text;
}

/** The events that name the role, one for each choice, at the start of a chat's stream. */
export function roleEvents(context: ResponseContext): string {
  const { request, recent } = context;
  const prompt = request.prompts[0]!.tokens;
  const more = recent ? ',"completion_tokens_details":null' : "";
  const usage = request.continuousUsage
    ? `,"usage":{${plainUsage({ prompt: prompt.length, generated: 0 })}${more}}`
    : "";
  const ids = request.returnTokenIds ? JSON.stringify(prompt) : "null";
  const event = (index: number): string =>
    `data: ${context.chunkHead}{"index":${index},"delta":{"role":"assistant","content":""},"logprobs":null,` +
    `"finish_reason":null}]${usage},"prompt_token_ids":${ids},"prompt_text":null}\n\n`;
  return request.choices.map(({ index }) => event(index)).join("");
}

function totals(context: ResponseContext, states: readonly ChoiceText[]): Counts {
  return {
    prompt: context.request.prompts.reduce((sum, prompt) => sum + prompt.tokens.length, 0),
    generated: states.reduce((sum, state) => sum + state.generated, 0),
  };
}

/** The event with the totals, which has no choices. */
export function usageEvent(context: ResponseContext, states: readonly ChoiceText[]): string {
  const cached = cachedDetails(context, states[0]!.cached);
  const created = context.request.chat && context.recent ? ',"created_cache_tokens":0' : "";
  const details = cached === undefined ? "" : `,"prompt_tokens_details":{${cached}${created}}`;
  const usage = plainUsage(totals(context, states)) + details;
  return `data: ${context.chunkHead}],"usage":{${usage}},"system_fingerprint":"${context.fingerprint}"}\n\n`;
}

/** The last event of every stream. */
export const DONE = "data: [DONE]\n\n";

/** A finished choice: all of its text, and the last event with all of its tokens. */
export interface FinishedChoice {
  state: ChoiceText;
  delta: Delta;
  emission: Emission;
}

/** A whole response at once. */
export function wholeResponse(context: ResponseContext, finished: readonly FinishedChoice[]): string {
  const { request, recent } = context;
  const states = finished.map(({ state }) => state);
  const cached = cachedDetails(context, states.at(-1)!.cached);
  const created = request.chat ? 0 : null;
  const beside = recent ? `,"created_cache_tokens":${created},"multimodal_tokens":null` : "";
  const details = cached === undefined ? "null" : `{${cached}${beside}}`;
  const usage =
    `"usage":{${plainUsage(totals(context, states))},"prompt_tokens_details":${details}` +
    `${recent ? ',"completion_tokens_details":null' : ""}}`;
  const choices = finished.map((item) => wholeChoice(context, item)).join(",");
  const prompt = finished[0]!.state.choice.prompt.tokens;
  const ids = request.returnTokenIds ? JSON.stringify(prompt) : "null";
  const rest = request.chat
    ? `,"prompt_logprobs":${promptScoresOf(context, finished[0]!)},"prompt_token_ids":${ids},"prompt_text":null`
    : "";
  const ends = `"kv_transfer_params":null${recent ? ',"ec_transfer_params":null,"metrics":null' : ""}`;
  const closing = `"service_tier":null,"system_fingerprint":"${context.fingerprint}",${usage}${rest},${ends}`;
  return `${context.wholeHead}${choices}],${closing}}`;
}

function wholeChoice(context: ResponseContext, finished: FinishedChoice): string {
  const { request, recent } = context;
  const { state, delta, emission } = finished;
  const scores = logprobsOf(context, state, delta, emission, true);
  const ids = request.returnTokenIds ? JSON.stringify(delta.tokens.map((item) => item.token)) : "null";
  const end = `"finish_reason":"${delta.finish ?? "length"}","stop_reason":${JSON.stringify(delta.stopReason)}`;
  const start = `{"index":${state.choice.index}`;
  if (request.chat) {
    const tools = recent ? "" : '"tool_calls":[],';
    const message =
      `{"role":"assistant","content":${JSON.stringify(delta.text)},"refusal":null,"annotations":null,` +
      `"audio":null,"function_call":null,${tools}"reasoning":null}`;
    return `${start},"message":${message},"logprobs":${scores},${end},"token_ids":${ids},"routed_experts":null}`;
  }
  const text = request.echo && !request.returnTokenIds ? echoed(context, state, delta) : delta.text;
  const prompt = request.returnTokenIds ? JSON.stringify(state.choice.prompt.tokens) : "null";
  const own = `"prompt_logprobs":${promptScoresOf(context, finished)},"prompt_token_ids":${prompt}`;
  return `${start},"text":${JSON.stringify(text)},"logprobs":${scores},${end},"token_ids":${ids},${own},"routed_experts":null}`;
}

function promptScoresOf(context: ResponseContext, { state, emission }: FinishedChoice): string {
  const count = context.request.promptLogprobs;
  if (count === undefined) return "null";
  const scores = promptScores(emission.record.source, state.choice.prompt.tokens, count);
  return promptLogprobs(scores, context.tokenizer);
}
