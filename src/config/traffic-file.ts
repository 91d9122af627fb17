import { UsageError } from "../domain/errors.ts";
import {
  MAX_TRAFFIC_BYTES,
  MAX_TRAFFIC_REQUESTS,
  type TrafficRequest,
  trafficLineSchema,
} from "../domain/traffic.ts";
import { briefly } from "../system/files.ts";

/** How many wrong lines are told of; a file of another kind has nothing else. */
const MAX_PROBLEMS = 10;

/**
 * Parses a file of requests: a JSON object on each line with `prompt`, `messages` or `prompt_tokens`, and
 * `output_tokens`; `at_s` where the file has times. Empty lines are passed over.
 *
 * @param file - its name, for errors
 * @throws UsageError with place, value and what was expected of each wrong line
 */
export function parseTraffic(
  text: string,
  file: string,
  { endpoint, mode }: { readonly endpoint: "completions" | "chat"; readonly mode: "closed" | "open" },
): TrafficRequest[] {
  if (Buffer.byteLength(text) > MAX_TRAFFIC_BYTES) {
    throw new UsageError(
      `${file}: ${Buffer.byteLength(text)} bytes, expected at most ${MAX_TRAFFIC_BYTES}: take a sample of the requests`,
    );
  }
  const requests: TrafficRequest[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const read = parseLine(line);
    const problem =
      typeof read === "string"
        ? read
        : read.prompt.kind === "messages" && endpoint === "completions"
          ? "`messages` need `endpoint: chat`"
          : read.atS === null && mode === "open"
            ? "needs `at_s`, since `mode: open` sends requests at their own times"
            : null;
    if (problem !== null) problems.push(`${file}:${index + 1}: ${problem}`);
    else if (typeof read !== "string") requests.push(read);
    if (problems.length >= MAX_PROBLEMS) break;
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  if (requests.length === 0) throw new UsageError(`${file}: no request, expected a JSON object on each line`);
  if (requests.length > MAX_TRAFFIC_REQUESTS) {
    throw new UsageError(
      `${file}: ${requests.length} requests, expected at most ${MAX_TRAFFIC_REQUESTS}: take a sample of them`,
    );
  }
  // Logs are written as requests end; requests come in another order.
  return requests.sort((a, b) => (a.atS ?? 0) - (b.atS ?? 0));
}

/** A request, or what is wrong with its line. */
function parseLine(line: string): TrafficRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'not JSON, expected an object such as {"prompt": "…", "output_tokens": 64}';
  }
  const parsed = trafficLineSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const key = issue?.path.join(".") ?? "";
    const what = briefly(issue?.message ?? "not a request");
    return key === "" ? what : `${briefly(key, 60)}: ${what}`;
  }
  const { prompt, messages, prompt_tokens: tokens, output_tokens: outputTokens, at_s: atS } = parsed.data;
  return {
    prompt:
      prompt !== undefined
        ? { kind: "text", text: prompt }
        : messages !== undefined
          ? { kind: "messages", messages }
          : { kind: "length", tokens: tokens ?? 1 },
    outputTokens,
    atS: atS ?? null,
  };
}
