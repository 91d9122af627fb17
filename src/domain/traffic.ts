import { z } from "zod";

/** Longest file of requests, and most requests in it: each is sent in every round. */
export const MAX_TRAFFIC_BYTES = 20_000_000;
export const MAX_TRAFFIC_REQUESTS = 10_000;

/** Text only: a server fetches what a part of another kind names. */
const contentSchema = z.union([
  z.string(),
  z.array(z.strictObject({ type: z.literal("text"), text: z.string() })).min(1),
]);

export const messageSchema = z.strictObject({
  role: z.enum(["system", "developer", "user", "assistant"]),
  content: contentSchema,
});
export type ChatMessage = z.infer<typeof messageSchema>;

/** A line of a file of requests. */
export const trafficLineSchema = z
  .strictObject({
    prompt: z.string().min(1).optional(),
    messages: z.array(messageSchema).min(1).optional(),
    /** Only the length of a prompt, where its text may not leave production. */
    prompt_tokens: z.number().int().min(1).max(1_000_000).optional(),
    output_tokens: z.number().int().min(1).max(100_000),
    /** When it comes, in seconds after the beginning. */
    at_s: z.number().min(0).max(86_400).optional(),
  })
  .refine(
    (line) =>
      [line.prompt, line.messages, line.prompt_tokens].filter((each) => each !== undefined).length === 1,
    "needs exactly one of `prompt`, `messages` and `prompt_tokens`",
  );

/** One of the user's own requests. */
export interface TrafficRequest {
  /** Its text, its messages, or only its length in tokens. */
  readonly prompt:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "messages"; readonly messages: readonly ChatMessage[] }
    | { readonly kind: "length"; readonly tokens: number };
  readonly outputTokens: number;
  /** Seconds after the first request; null where the file has no times. */
  readonly atS: number | null;
}

/** The user's own traffic and how it is sent. */
export interface Traffic {
  readonly file: string;
  /** Of the file's text: numbers of other requests are not comparable. */
  readonly sha256: string;
  readonly endpoint: "completions" | "chat";
  /** `closed`: so many in flight. `open`: at the file's own times, whatever is in flight. */
  readonly mode: "closed" | "open";
  /** Most requests in flight. */
  readonly concurrency: number;
  /** Factor on the rate of arrivals: 2 sends the file in half its time. */
  readonly rateScale: number;
  /** In the order of their times. */
  readonly requests: readonly TrafficRequest[];
}
