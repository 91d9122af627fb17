import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readStream, type StampedChunk, type StreamContent } from "../../src/probe/read-stream.ts";

const fixture = async (name: string): Promise<Uint8Array> =>
  new Uint8Array(await readFile(new URL(`../fixtures/vllm-0.32.0-cpu/${name}`, import.meta.url)));

const bytesOf = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => readStream([[1, bytesOf(text)]]);

const DONE = "data: [DONE]\n\n";
/** An event with a token's text and, where given, the running counts. */
const event = (completion?: number, more: object = {}, text = "a") =>
  `data: ${JSON.stringify({
    choices: [{ index: 0, text, finish_reason: null }],
    ...(completion === undefined ? {} : { usage: { prompt_tokens: 5, completion_tokens: completion } }),
    ...more,
  })}\n\n`;
const usage = (completion: number, cached?: number) =>
  `data: ${JSON.stringify({
    choices: [],
    usage: {
      prompt_tokens: 5,
      completion_tokens: completion,
      ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
    },
  })}\n\n`;

const NOTHING: StreamContent = {
  arrivals: [],
  firstTokenS: null,
  lastTokenS: null,
  promptTokens: null,
  cachedTokens: null,
  outputTokens: null,
  events: 0,
  done: false,
  problem: null,
};

/** The bytes in pieces that end at the given places; each piece is stamped with its number. */
function splitAt(bytes: Uint8Array, places: readonly number[]): StampedChunk[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => [index, bytes.subarray(ends[index - 1] ?? 0, end)]);
}

const atOnce = (chunks: readonly StampedChunk[]) => chunks.map(([, bytes]): StampedChunk => [0, bytes]);

describe("readStream: what real vLLM sent", () => {
  it("reads a token an event where only the final count is given", async () => {
    expect(readStream([[3.25, await fixture("stream.sse")]])).toEqual({
      arrivals: Array.from({ length: 8 }, () => [3.25, 1]),
      firstTokenS: 3.25,
      lastTokenS: 3.25,
      promptTokens: 62,
      cachedTokens: null,
      outputTokens: 8,
      events: 10,
      done: true,
      problem: null,
    });
  });

  it("reads several tokens of one event from the running count", async () => {
    const content = readStream([[3.25, await fixture("stream-logprobs.sse")]]);
    expect(content).toEqual({
      arrivals: [1, 2, 1, 1, 1, 1, 1].map((tokens) => [3.25, tokens]),
      firstTokenS: 3.25,
      lastTokenS: 3.25,
      promptTokens: 120,
      cachedTokens: null,
      outputTokens: 8,
      events: 9,
      done: true,
      problem: null,
    });
  });

  it.each(["stream.sse", "stream-logprobs.sse"])("reads %s the same in pieces of any size", async (name) => {
    const bytes = await fixture(name);
    const whole = readStream([[0, bytes]]);
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const places = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size);
      expect(readStream(atOnce(splitAt(bytes, places)))).toEqual(whole);
    }
  });
});

describe("readStream: times", () => {
  it("are those of the piece that completes an event", () => {
    const [one, two] = [bytesOf(event(1)), bytesOf(event(2))];
    const content = readStream([
      [1, one.subarray(0, 10)],
      [2, one.subarray(10)],
      [3, two.subarray(0, -1)],
      [4, two.subarray(-1)],
      [5, bytesOf(usage(2))],
      [6, bytesOf(DONE)],
    ]);
    expect(content.arrivals).toEqual([
      [2, 1],
      [4, 1],
    ]);
    expect(content).toMatchObject({ firstTokenS: 2, lastTokenS: 4, outputTokens: 2, done: true });
  });

  it("are equal for events of one piece", () => {
    const content = readStream([
      [1, bytesOf(event(1) + event(2) + event(5))],
      [2, bytesOf(event(6) + DONE)],
    ]);
    expect(content.arrivals).toEqual([
      [1, 1],
      [1, 1],
      [1, 3],
      [2, 1],
    ]);
  });

  it("do not come from an event without a token, such as an empty last one", () => {
    const content = readStream([
      [1, bytesOf(event(0))],
      [2, bytesOf(event(1))],
      [3, bytesOf(event(2))],
      [4, bytesOf(event(2))],
      [5, bytesOf(usage(2) + DONE)],
    ]);
    expect(content).toMatchObject({ firstTokenS: 2, lastTokenS: 3, outputTokens: 2 });
  });
});

describe("readStream: counts", () => {
  it.each<[what: string, text: string, arrivals: [number, number][] | null, outputTokens: number | null]>([
    [
      "a final count that equals the events",
      event() + event() + usage(2),
      [
        [1, 1],
        [1, 1],
      ],
      2,
    ],
    ["a final count above the events", event() + event() + usage(3), null, 3],
    ["a final count below the events", event() + event() + usage(1), null, 1],
    ["no count at all", event() + event(), null, null],
    [
      "a running count",
      event(1) + event(4),
      [
        [1, 1],
        [1, 3],
      ],
      4,
    ],
    ["a running count that the final one contradicts", event(1) + event(2) + usage(5), null, 5],
    ["a running count that falls", event(3) + event(2) + usage(2), null, 2],
    [
      "a running count of some events",
      event(1) + event() + event(3) + usage(3),
      [
        [1, 1],
        [1, 1],
        [1, 1],
      ],
      3,
    ],
    ["a running count of some events, not of one token each", event(1) + event() + usage(5), null, 5],
    [
      "counts of null",
      event() + event(undefined, { usage: null }) + usage(2),
      [
        [1, 1],
        [1, 1],
      ],
      2,
    ],
    ["a final count without events", usage(3), null, 3],
  ])("with %s", (_, text, arrivals, outputTokens) => {
    const content = read(text + DONE);
    expect(content).toMatchObject({ arrivals, outputTokens, done: true, problem: null });
    if (arrivals !== null) {
      expect(arrivals.reduce((total, [, tokens]) => total + tokens, 0)).toBe(outputTokens);
    }
  });

  it("knows the first and the last time where it does not know what each event carried", () => {
    const content = readStream([
      [1, bytesOf(event())],
      [2, bytesOf(event())],
      [3, bytesOf(usage(5) + DONE)],
    ]);
    expect(content).toMatchObject({ arrivals: null, firstTokenS: 1, lastTokenS: 2, outputTokens: 5 });
  });

  it("reads the prompt's tokens and those of them that were cached", () => {
    expect(read(event(1) + usage(1, 4) + DONE)).toMatchObject({ promptTokens: 5, cachedTokens: 4 });
    expect(read(event(1) + usage(1, 0) + DONE)).toMatchObject({ promptTokens: 5, cachedTokens: 0 });
    expect(read(event(1) + usage(1) + DONE)).toMatchObject({ promptTokens: 5, cachedTokens: null });
  });
});

describe("readStream: the format", () => {
  const expected = read(event(1) + event(2) + DONE);

  it.each<[what: string, change: (text: string) => string]>([
    ["comments between events", (text) => `: ping\n\n${text.replaceAll("\n\n", "\n\n: ping - 2026\n\n")}`],
    ["comments within events", (text) => text.replaceAll("data: ", ": ping\ndata: ")],
    ["carriage returns", (text) => text.replaceAll("\n", "\r\n")],
    ["carriage returns alone", (text) => text.replaceAll("\n", "\r")],
    ["no space after the colon", (text) => text.replaceAll("data: ", "data:")],
    [
      "names and numbers of events",
      (text) => text.replaceAll("data: ", "event: x\nid: 7\nretry: 10\ndata: "),
    ],
    ["fields that nobody knows", (text) => text.replaceAll("data: ", "colour: red\ndata: ")],
    ["empty lines", (text) => `\n\n${text.replaceAll("\n\n", "\n\n\n\n")}`],
    ["data over several lines", (text) => text.replaceAll('"choices"', '\ndata: "choices"')],
    ["a byte order mark", (text) => `\ufeff${text}`],
    ["keys that nobody knows", (text) => text.replaceAll('"choices"', '"a":{"b":[1]},"choices"')],
  ])("may have %s", (_, change) => {
    const text = event(1) + event(2) + DONE;
    expect(change(text)).not.toBe(text);
    expect(read(change(text))).toEqual(expected);
  });

  it("of nothing is nothing", () => {
    expect(readStream([])).toEqual(NOTHING);
    expect(readStream([[1, new Uint8Array()]])).toEqual(NOTHING);
  });

  it.each<[what: string, end: string]>([
    ["nothing", ""],
    ["half a mark", "data: [DO"],
    ["a mark without its empty line", "data: [DONE]\n"],
  ])("is not done after %s", (_, end) => {
    expect(read(event(1) + end)).toMatchObject({ done: false, outputTokens: 1, problem: null });
  });

  it("counts no event that broke off", () => {
    expect(read(event(1) + event(2).slice(0, -1))).toMatchObject({ outputTokens: 1, arrivals: [[1, 1]] });
  });
});

describe("readStream: problems", () => {
  it.each<[what: string, text: string, kind: "protocol" | "server", says: RegExp]>([
    ["an error object", `data: {"error": {"message": "boom", "code": 500}}\n\n`, "server", /^boom$/],
    [
      "an error of another event type",
      `event: error\ndata: {"error": {"message": "boom"}}\n\n`,
      "server",
      /^boom$/,
    ],
    ["an error that is text", `data: {"error": "boom"}\n\n`, "server", /boom/],
    ["an error without a message", `data: {"error": {"code": 500}}\n\n`, "server", /500/],
    ["a very long error", `data: {"error": {"message": "${"x".repeat(9000)}"}}\n\n`, "server", /^x{500}$/],
    ["data that is not JSON", "data: <html>\n\n", "protocol", /not a completion: <html>/],
    ["JSON that is not an object", "data: 5\n\n", "protocol", /not a completion: 5/],
    ["choices that are not a list", `data: {"choices": 5}\n\n`, "protocol", /not a completion/],
    ["a count that is not whole", event(1.5), "protocol", /not a completion/],
    ["a count below zero", event(-1), "protocol", /not a completion/],
    ["an event after the end", DONE + event(2), "protocol", /after \[DONE\]/],
    ["a second end", DONE + DONE, "protocol", /after \[DONE\]/],
  ])("are told for %s", (_, text, kind, says) => {
    const content = read(event(1) + text);
    expect(content.problem?.kind).toBe(kind);
    expect(content.problem?.message).toMatch(says);
    // What came before is kept.
    expect(content).toMatchObject({ firstTokenS: 1, outputTokens: 1 });
  });

  it("tell the first one", () => {
    const text = `data: {"error": {"message": "first"}}\n\ndata: {"error": {"message": "second"}}\n\n`;
    expect(read(text).problem).toEqual({ kind: "server", message: "first" });
  });

  it("are none where a field `error` is null", () => {
    expect(read(event(1, { error: null }) + DONE)).toMatchObject({ problem: null, outputTokens: 1 });
  });
});

/** Events as some server could send them, with text of any script. */
const events = fc.array(
  fc.record({
    tokens: fc.integer({ min: 0, max: 3 }),
    text: fc.string({ unit: "grapheme" }),
    comment: fc.boolean(),
  }),
  { maxLength: 12 },
);
const places = fc.array(fc.nat(), { maxLength: 40 });

describe("readStream: any pieces", () => {
  it("give the same content, wherever they are split, also within a letter", () => {
    fc.assert(
      fc.property(events, places, fc.constantFrom("\n", "\r\n"), (list, cuts, lineEnd) => {
        let count = 0;
        const text = list
          .map(({ tokens, text, comment }) => {
            count += tokens;
            return (comment ? ": ping é字🙂\n\n" : "") + event(count, {}, text);
          })
          .join("");
        const bytes = bytesOf((text + usage(count) + DONE).replaceAll("\n", lineEnd));
        const content = readStream(atOnce(splitAt(bytes, cuts)));
        expect(content).toEqual(readStream([[0, bytes]]));
        expect(content).toMatchObject({ done: true, problem: null, outputTokens: count });
        expect(content.arrivals).toEqual(
          list.filter(({ tokens }) => tokens > 0).map(({ tokens }) => [0, tokens]),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("give each event the time of the piece that holds its end", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" }), { maxLength: 12 }), places, (texts, cuts) => {
        const parts = texts.map((text, index) => bytesOf(event(index + 1, {}, text)));
        const chunks = splitAt(bytesOf(parts.map((part) => new TextDecoder().decode(part)).join("")), cuts);
        const pieceOf = (offset: number) => {
          let end = 0;
          return chunks.find(([, bytes]) => {
            end += bytes.length;
            return offset < end;
          })?.[0];
        };
        let offset = 0;
        const expected = parts.map((part) => {
          offset += part.length;
          return [pieceOf(offset - 1), 1];
        });
        expect(readStream(chunks).arrivals).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("keep the letters of a message", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }), places, (message, cuts) => {
        const bytes = bytesOf(`data: ${JSON.stringify({ error: { message } })}\n\n`);
        expect(readStream(splitAt(bytes, cuts)).problem).toEqual({ kind: "server", message });
      }),
    );
  });

  it("never make it throw, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 }), (pieces) => {
        const content = readStream(pieces.map((bytes, index): StampedChunk => [index, bytes]));
        expect(content.firstTokenS === null).toBe(content.lastTokenS === null);
      }),
      { numRuns: 500 },
    );
  });

  it("never make it throw when a real stream is damaged or cut off", async () => {
    const bytes = await fixture("stream-logprobs.sse");
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), places, (changes, length, cuts) => {
        const damaged = bytes.slice(0, length);
        for (const [place, byte] of changes) if (place < length) damaged[place] = byte;
        const content = readStream(splitAt(damaged, cuts));
        const total = content.arrivals?.reduce((sum, [, tokens]) => sum + tokens, 0);
        if (content.arrivals !== null && content.outputTokens !== null)
          expect(total).toBe(content.outputTokens);
        const times = content.arrivals?.map(([atS]) => atS) ?? [];
        expect([...times].sort((a, b) => a - b)).toEqual(times);
      }),
      { numRuns: 500 },
    );
  });
});
