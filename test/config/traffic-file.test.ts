import { describe, expect, it } from "vitest";
import { parseTraffic } from "../../src/config/traffic-file.ts";

const CLOSED = { endpoint: "completions", mode: "closed" } as const;
const parse = (lines: readonly unknown[], how: Parameters<typeof parseTraffic>[2] = CLOSED) =>
  parseTraffic(
    lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"),
    "r.jsonl",
    how,
  );

describe("parseTraffic", () => {
  it("reads texts, messages and lengths, and passes empty lines over", () => {
    const requests = parse(
      [
        { prompt: "Hello", output_tokens: 8 },
        "",
        { messages: [{ role: "user", content: "Hi" }], output_tokens: 4 },
        { prompt_tokens: 300, output_tokens: 16, at_s: 1.5 },
      ],
      { endpoint: "chat", mode: "closed" },
    );
    expect(requests.map(({ prompt, outputTokens, atS }) => [prompt.kind, outputTokens, atS])).toEqual([
      ["text", 8, null],
      ["messages", 4, null],
      ["length", 16, 1.5],
    ]);
  });

  it("sorts by time, since logs are written as requests end", () => {
    const requests = parse(
      [
        { prompt_tokens: 2, output_tokens: 1, at_s: 5 },
        { prompt_tokens: 1, output_tokens: 1, at_s: 3 },
      ],
      { endpoint: "completions", mode: "open" },
    );
    expect(requests.map(({ atS }) => atS)).toEqual([3, 5]);
  });

  it.each([
    ["not JSON", "nonsense", CLOSED, /^r\.jsonl:1: not JSON/],
    ["no output length", { prompt: "x" }, CLOSED, /^r\.jsonl:1: output_tokens: /],
    ["nothing to send", { output_tokens: 4 }, CLOSED, /^r\.jsonl:1: needs exactly one of `prompt`/],
    [
      "two prompts",
      { prompt: "x", prompt_tokens: 4, output_tokens: 4 },
      CLOSED,
      /^r\.jsonl:1: needs exactly one/,
    ],
    ["a mistyped key", { prompt: "x", output_tokens: 4, at: 3 }, CLOSED, /^r\.jsonl:1: .*at/],
    [
      "messages to completions",
      { messages: [{ role: "user", content: "x" }], output_tokens: 4 },
      CLOSED,
      /endpoint: chat/,
    ],
    [
      "no time",
      { prompt: "x", output_tokens: 4 },
      { ...CLOSED, mode: "open" as const },
      /^r\.jsonl:1: needs `at_s`/,
    ],
    [
      "a part that the server would fetch",
      {
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: "http://169.254.169.254/" } }] },
        ],
        output_tokens: 4,
      },
      { endpoint: "chat" as const, mode: "closed" as const },
      /^r\.jsonl:1: messages\.0\.content/,
    ],
  ])("%s", (_, line, how, message) => {
    expect(() => parse([line], how)).toThrow(message);
  });

  it("names each wrong line, ten at most, and nothing of what stands in them", () => {
    const secret = `password=${"x".repeat(30)}`;
    try {
      parse(Array.from({ length: 30 }, () => secret));
      expect.unreachable();
    } catch (error) {
      const { message } = error as Error;
      expect(message.split("\n")).toHaveLength(10);
      expect(message).toContain("r.jsonl:10: not JSON");
      expect(message).not.toContain("password");
    }
  });

  it("refuses an empty file and one that is too long", () => {
    expect(() => parse([])).toThrow("r.jsonl: no request");
    const line = { prompt_tokens: 1, output_tokens: 1 };
    expect(() => parse(Array.from({ length: 10_001 }, () => line))).toThrow(
      "10001 requests, expected at most 10000",
    );
  });
});
