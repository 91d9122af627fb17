import { createHash } from "node:crypto";
import type { ChatMessage, Traffic, TrafficRequest } from "../domain/traffic.ts";
import type { CasePlan, PlannedRequest, PromptTarget } from "./case-plan.ts";
import { completionBody, promptOf } from "./workload.ts";

/** What is sent, without its id and its time. */
export type RequestWork = Omit<PlannedRequest, "id" | "plannedS">;

/** Where a case's requests come from: equal prompts, or the user's own. */
export interface RequestSource {
  /** No prompt is in the prefix cache, or the case is not trusted. */
  readonly mustMiss: boolean;
  /** Mean lengths, for the estimate of the time. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /**
   * @param place - case, phase and round: other places have prompts that share nothing with those of this one
   * @param index - counted from 0, without an end
   */
  request(target: PromptTarget, place: string, index: number): RequestWork;
}

/** Unique prompts of one length: the load is the only thing that varies. */
export function equalRequests(lengths: {
  readonly promptTokens: number;
  readonly outputTokens: number;
}): RequestSource {
  return {
    ...lengths,
    mustMiss: true,
    request: (target, place, index) => ({
      promptTokens: lengths.promptTokens,
      expectedTokens: lengths.outputTokens,
      body: completionBody({
        model: target.model,
        prompt: promptOf(`${target.seed}/${place}/${index}`, lengths.promptTokens),
        outputTokens: lengths.outputTokens,
      }),
    }),
  };
}

/** Characters of a token of English text, where only a text's length in characters is known. */
const CHARACTERS_PER_TOKEN = 4;
const CHAT_PATH = "/v1/chat/completions";

/**
 * The user's own requests, from the first again after the last. Each text begins with a mark of its place: prompts
 * that share a beginning still do, and none is found in the cache because an earlier round sent the same file.
 */
export function ownRequests(traffic: Pick<Traffic, "endpoint" | "requests">): RequestSource {
  const { endpoint, requests } = traffic;
  const mean = (of: (request: TrafficRequest) => number) =>
    Math.ceil(requests.reduce((sum, request) => sum + of(request), 0) / Math.max(1, requests.length));
  return {
    mustMiss: false,
    promptTokens: mean(aboutTokens),
    outputTokens: mean((request) => request.outputTokens),
    request: (target, place, index) => {
      const request = requests[index % requests.length];
      if (request === undefined) throw new RangeError("a file of requests without a request");
      // The same file once more within a case: its prompts must not be those of the first time.
      const mark = markOf(`${target.seed}/${place}/${Math.floor(index / requests.length)}`);
      const name = `${target.seed}/${place}/${index}`;
      return endpoint === "chat"
        ? chatWork(target.model, request, mark, name)
        : completionWork(target.model, request, mark, name);
    },
  };
}

function aboutTokens({ prompt }: TrafficRequest): number {
  if (prompt.kind === "length") return prompt.tokens;
  const text = prompt.kind === "text" ? prompt.text : prompt.messages.map(textOf).join("");
  return Math.ceil(text.length / CHARACTERS_PER_TOKEN);
}

function textOf({ content }: ChatMessage): string {
  return typeof content === "string" ? content : content.map((part) => part.text).join("");
}

/** 48 bits in letters: within the first block of any prefix cache. */
function markOf(place: string): string {
  return `[${createHash("sha256").update(place).digest("hex").slice(0, 12)}] `;
}

/** A fixed amount of work, as {@link completionBody} asks for it. */
function fixedOutput(model: string, outputTokens: number) {
  return {
    model,
    max_tokens: outputTokens,
    min_tokens: outputTokens,
    ignore_eos: true,
    temperature: 0,
    stream: true,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  };
}

function completionWork(model: string, request: TrafficRequest, mark: string, name: string): RequestWork {
  const { prompt, outputTokens } = request;
  const expected = { expectedTokens: outputTokens };
  if (prompt.kind === "length") {
    const ids = promptOf(name, prompt.tokens);
    return {
      ...expected,
      promptTokens: prompt.tokens,
      body: completionBody({ model, prompt: ids, outputTokens }),
    };
  }
  if (prompt.kind === "messages") throw new RangeError("messages are sent to the chat endpoint");
  const body = { ...fixedOutput(model, outputTokens), prompt: mark + prompt.text };
  return { ...expected, body: Buffer.from(JSON.stringify(body)) };
}

function chatWork(model: string, request: TrafficRequest, mark: string, name: string): RequestWork {
  const { prompt, outputTokens } = request;
  const messages =
    prompt.kind === "messages"
      ? marked(prompt.messages, mark)
      : [
          {
            role: "user",
            content: mark + (prompt.kind === "text" ? prompt.text : wordsOf(name, prompt.tokens)),
          },
        ];
  const body = { ...fixedOutput(model, outputTokens), messages };
  return { expectedTokens: outputTokens, path: CHAT_PATH, body: Buffer.from(JSON.stringify(body)) };
}

/** The mark goes before the first text, whichever part holds it. */
function marked(messages: readonly ChatMessage[], mark: string): ChatMessage[] {
  return messages.map((message, index) => {
    if (index > 0) return message;
    const { content } = message;
    if (typeof content === "string") return { ...message, content: mark + content };
    return {
      ...message,
      content: content.map((part, place) => (place === 0 ? { ...part, text: mark + part.text } : part)),
    };
  });
}

/** Words that are one token each, with the space before them, in the vocabularies of the usual models. */
const WORDS =
  "time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city community name".split(
    " ",
  );

/** A text of about so many tokens that depends on its name only. */
function wordsOf(name: string, tokens: number): string {
  return promptOf(name, tokens)
    .map((id) => WORDS[id % WORDS.length])
    .join(" ");
}

/** Most requests that warm an open loop up: it has no concurrency of its own. */
const OPEN_WARMUP = 8;

/** The case of the user's own traffic. */
export function trafficCase(target: PromptTarget, traffic: Traffic, round: string): CasePlan {
  const { mode, requests, rateScale } = traffic;
  const source = ownRequests(traffic);
  const concurrency = Math.min(traffic.concurrency, requests.length);
  const planned = (id: string, phase: string, index: number): PlannedRequest => ({
    id,
    ...source.request(target, `traffic/${phase}/${round}`, index),
  });
  const firstS = requests[0]?.atS ?? 0;
  const warmups = mode === "open" ? Math.min(concurrency, OPEN_WARMUP) : concurrency;
  return {
    probe: "traffic",
    case: mode,
    concurrency,
    mustMiss: source.mustMiss,
    warmup: Array.from({ length: warmups }, (_, index) =>
      planned(`traffic.${mode}.w${index}`, "warmup", index),
    ),
    measure: requests.map((request, index) => ({
      ...planned(`traffic.${mode}.${index}`, "measure", index),
      ...(mode === "open" ? { plannedS: ((request.atS ?? 0) - firstS) / rateScale } : {}),
    })),
  };
}
