import { createParser } from "eventsource-parser";
import { z } from "zod";

/** A piece of a response body and when it came, in seconds. */
export type StampedChunk = readonly [atS: number, bytes: Uint8Array];

/** What a stream said. */
export interface StreamContent {
  /** [time, tokens of this event]; null when the server told too little to know what each event carried. */
  readonly arrivals: [number, number][] | null;
  readonly firstTokenS: number | null;
  readonly lastTokenS: number | null;
  readonly promptTokens: number | null;
  readonly cachedTokens: number | null;
  readonly outputTokens: number | null;
  /** Events that came, of whatever kind. */
  readonly events: number;
  /** True after `[DONE]`. */
  readonly done: boolean;
  /** What is wrong with the stream, or null. `server`: an error that the server reports in the stream. */
  readonly problem: { readonly kind: "protocol" | "server"; readonly message: string } | null;
}

const count = z.number().int().nonnegative();

/** A chat stream's piece of a message; reasoning goes by two names, which vLLM changed between versions. */
const deltaSchema = z.object({
  content: z.string().nullish(),
  reasoning: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  refusal: z.string().nullish(),
  tool_calls: z.array(z.unknown()).nullish(),
});

const eventSchema = z.object({
  choices: z
    .array(z.object({ finish_reason: z.string().nullish(), delta: deltaSchema.nullish() }))
    .optional(),
  usage: z
    .object({
      prompt_tokens: count.nullish(),
      completion_tokens: count.nullish(),
      prompt_tokens_details: z.object({ cached_tokens: count.nullish() }).nullish(),
    })
    .nullish(),
  error: z.unknown().optional(),
  object: z.string().nullish(),
  message: z.unknown().optional(),
});

/** An event with a choice. */
interface OutputEvent {
  readonly atS: number;
  /** Tokens of the stream up to this event, where the server tells. */
  readonly running: number | null;
  /** It brings output: in a chat, its first event brings a role and its last one a reason to end. */
  readonly carries: boolean;
}

/**
 * Reads an OpenAI-style event stream, of completions or of a chat, from its stamped pieces: an event arrives when the
 * piece that completes it does. An event is not a token: vLLM merges several under async scheduling, so tokens come
 * from the running `completion_tokens`, else from the final count when it equals the number of events.
 *
 * Never throws: whatever is wrong is in `problem`.
 */
export function readStream(chunks: readonly StampedChunk[]): StreamContent {
  const decoder = new TextDecoder("utf-8");
  let atS = 0;
  let done = false;
  let problem: StreamContent["problem"] = null;
  let promptTokens: number | null = null;
  let cachedTokens: number | null = null;
  let finalTokens: number | null = null;
  const events: OutputEvent[] = [];
  let eventCount = 0;

  const fail = (kind: "protocol" | "server", message: string) => {
    problem ??= { kind, message };
  };

  const parser = createParser({
    onEvent: ({ data, event: name }) => {
      eventCount += 1;
      if (done) return fail("protocol", "an event after [DONE]");
      if (data === "[DONE]") {
        done = true;
        return;
      }
      const event = parseEvent(data);
      if (event === null) return fail("protocol", `an event that is not a completion: ${data.slice(0, 120)}`);
      if (event.error !== undefined && event.error !== null) return fail("server", errorText(event.error));
      // Errors of older versions and of proxies are no `error` member: the event is one, or has nothing of a completion.
      if (name === "error" || event.object === "error") return fail("server", errorText(event));
      if (event.choices === undefined && event.usage == null) {
        return fail("protocol", `an event that is not a completion: ${data.slice(0, 120)}`);
      }
      const running = event.usage?.completion_tokens ?? null;
      promptTokens = event.usage?.prompt_tokens ?? promptTokens;
      cachedTokens = event.usage?.prompt_tokens_details?.cached_tokens ?? cachedTokens;
      finalTokens = running ?? finalTokens;
      if (event.choices?.[0] !== undefined)
        events.push({ atS, running, carries: event.choices.some(carries) });
    },
    onError: (error) => {
      if (error.type !== "unknown-field") fail("protocol", error.message);
    },
  });
  for (const [chunkS, bytes] of chunks) {
    atS = chunkS;
    parser.feed(decoder.decode(bytes, { stream: true }));
  }
  parser.feed(decoder.decode());

  const arrivals = arrivalsOf(events, finalTokens);
  const withTokens =
    arrivals ?? events.filter((event) => event.carries).map((event): [number, number] => [event.atS, 1]);
  return {
    arrivals,
    firstTokenS: withTokens[0]?.[0] ?? null,
    lastTokenS: withTokens.at(-1)?.[0] ?? null,
    promptTokens,
    cachedTokens,
    outputTokens: finalTokens,
    events: eventCount,
    done,
    problem,
  };
}

function parseEvent(data: string): z.infer<typeof eventSchema> | null {
  try {
    const parsed = eventSchema.safeParse(JSON.parse(data));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

function errorText(error: unknown): string {
  const message = (error as { message?: unknown }).message;
  return (typeof message === "string" ? message : JSON.stringify(error)).slice(0, 500);
}

/** A completion's choice brings output in any event: the text of a token may be empty. */
function carries({ delta }: { delta?: z.infer<typeof deltaSchema> | null | undefined }): boolean {
  if (delta === undefined || delta === null) return true;
  const { content, reasoning, reasoning_content, refusal, tool_calls } = delta;
  const text = content || reasoning || reasoning_content || refusal;
  return Boolean(text) || (tool_calls?.length ?? 0) > 0;
}

/** Tokens of each event; events that carry none (an empty last one) are left out. */
function arrivalsOf(events: readonly OutputEvent[], finalTokens: number | null): [number, number][] | null {
  const arrivals: [number, number][] = [];
  if (events.every(({ running }) => running !== null)) {
    let before = 0;
    for (const { atS, running } of events) {
      const tokens = (running ?? before) - before;
      if (tokens < 0) return null;
      if (tokens > 0) arrivals.push([atS, tokens]);
      before = running ?? before;
    }
    return before === (finalTokens ?? before) ? arrivals : null;
  }
  const carrying = events.filter((event) => event.carries);
  return finalTokens === carrying.length ? carrying.map(({ atS }) => [atS, 1]) : null;
}
