import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResponseReader } from "../../src/probe/response-reader.ts";

/** Reads the text in pieces that end at the given places; each piece is stamped with its number. */
function read(bytes: Buffer, places: readonly number[] = [], closes = false): ResponseReader {
  const reader = new ResponseReader();
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  // All pieces come in the same buffer, as from a socket.
  const buffer = Buffer.alloc(Math.max(1, bytes.length));
  let start = 0;
  [...ends, bytes.length].forEach((end, index) => {
    bytes.copy(buffer, 0, start, end);
    reader.feed(buffer, end - start, index);
    buffer.fill(0xaa);
    start = end;
  });
  if (closes) reader.end();
  return reader;
}

const OK = "HTTP/1.1 200 OK\r\n";
const chunked = (pieces: readonly string[], trailer = "") =>
  Buffer.from(
    `${OK}Transfer-Encoding: chunked\r\n\r\n${pieces
      .map((piece) => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`)
      .join("")}0\r\n${trailer}\r\n`,
  );
const sized = (text: string) => Buffer.from(`${OK}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
const endless = (text: string) => Buffer.from(`${OK}\r\n${text}`);
const textOf = (reader: ResponseReader) => reader.body.bytes().toString("utf8");

describe("ResponseReader", () => {
  it.each<[what: string, bytes: Buffer, text: string, keepAlive: boolean]>([
    ["chunks", chunked(["ab", "c", "0\r\n\r\n"]), "abc0\r\n\r\n", true],
    [
      "chunks with extensions",
      Buffer.from(`${OK}transfer-encoding:chunked\r\n\r\n2;a="b"\r\nab\r\n0 \r\n\r\n`),
      "ab",
      true,
    ],
    ["a trailer", chunked(["ab"], "x: y\r\nz: w\r\n"), "ab", true],
    ["a length", sized("abc"), "abc", true],
    ["a length of none", sized(""), "", true],
    ["a length said twice", Buffer.from(`${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nab`), "ab", true],
    ["no body by its status", Buffer.from("HTTP/1.1 204 No Content\r\n\r\n"), "", true],
    [
      "heads before the one that counts",
      Buffer.from(`HTTP/1.1 100 Continue\r\n\r\n${sized("ab")}`),
      "ab",
      true,
    ],
    [
      "an end of the connection",
      Buffer.from(`${OK}connection: close\r\ncontent-length: 2\r\n\r\nab`),
      "ab",
      false,
    ],
    ["HTTP/1.0", Buffer.from("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nab"), "ab", false],
  ])("reads %s", (_, bytes, text, keepAlive) => {
    for (const places of [[], bytes.map((_, index) => index)]) {
      const reader = read(bytes, [...places]);
      expect(reader).toMatchObject({ complete: true, problem: null, excess: false });
      expect(reader.head?.keepAlive).toBe(keepAlive);
      expect(textOf(reader)).toBe(text);
    }
  });

  it("reads a body that ends with the connection, and only then", () => {
    expect(read(endless("abc")).complete).toBe(false);
    const reader = read(endless("abc"), [], true);
    expect(reader.complete).toBe(true);
    expect(reader.head?.keepAlive).toBe(false);
    expect(textOf(reader)).toBe("abc");
    expect(read(sized("abc").subarray(0, -1), [], true).complete).toBe(false);
    expect(read(chunked(["abc"]).subarray(0, -2), [], true).complete).toBe(false);
  });

  it("sees what comes after the end", () => {
    expect(read(Buffer.concat([sized("ab"), Buffer.from("x")]))).toMatchObject({
      complete: true,
      excess: true,
    });
  });

  it.each<[what: string, text: string, problem: RegExp]>([
    ["another protocol", "SSH-2.0-OpenSSH_9.6\r\n", /not HTTP\/1: it begins with "SSH/],
    ["another version", "HTTP/2 200\r\n\r\n", /not HTTP\/1/],
    ["no status", "HTTP/1.1 OK\r\n\r\n", /not HTTP\/1/],
    [
      "another coding",
      `${OK}transfer-encoding: gzip, chunked\r\n\r\n`,
      /transfer-encoding is "gzip, chunked"/,
    ],
    ["two lengths", `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\n`, /content-length is "1, 2"/],
    ["a length that is none", `${OK}content-length: -1\r\n\r\n`, /content-length is "-1"/],
    ["a line without a name", `${OK}: x\r\n\r\n`, /line without a name/],
    ["a head without an end", `${OK}${"x: y\r\n".repeat(20_000)}`, /head is longer than/],
    ["lines without returns", "HTTP/1.1 200 OK\nx: y\n\n", /carriage return/],
    ["a change of protocol", "HTTP/1.1 101 Switching\r\n\r\n", /another protocol/],
    ["a size that is none", `${OK}transfer-encoding: chunked\r\n\r\nxyz`, /size begins with byte 120/],
    ["a size with a letter", `${OK}transfer-encoding: chunked\r\n\r\n1g`, /size holds byte 103/],
    ["a size without bounds", `${OK}transfer-encoding: chunked\r\n\r\n123456789`, /more than 8 digits/],
    ["a chunk above its size", `${OK}transfer-encoding: chunked\r\n\r\n1\r\nab`, /longer than its size/],
  ])("says what is wrong with %s, and takes no more", (_, text, problem) => {
    const reader = read(Buffer.from(`${text}more and more`), [3, 10]);
    expect(reader.problem).toMatch(problem);
    expect(reader.complete).toBe(false);
  });

  it("gives the same body in any pieces, each byte with the time of the piece that it came in", () => {
    const pieces = fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), { maxLength: 8 });
    const places = fc.array(fc.nat(), { maxLength: 30 });
    fc.assert(
      fc.property(pieces, places, fc.constantFrom("chunks", "length", "close"), (texts, cuts, framing) => {
        const text = texts.join("");
        const bytes =
          framing === "chunks" ? chunked(texts) : framing === "length" ? sized(text) : endless(text);
        const reader = read(bytes, cuts, true);
        expect(reader).toMatchObject({ complete: true, problem: null });
        expect(textOf(reader)).toBe(text);
        const chunks = reader.body.chunks(0);
        expect(Buffer.concat(chunks.map(([, part]) => part)).toString("utf8")).toBe(text);
        const times = chunks.map(([atS]) => atS);
        expect([...new Set(times)].sort((a, b) => a - b)).toEqual(times);
        // Every piece that holds a byte of the body has its time: no stamp is lost.
        if (framing === "length" && text !== "") {
          const ends = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
          const head = bytes.length - Buffer.byteLength(text);
          const holding = [...ends, bytes.length].flatMap((end, index) =>
            Math.max(ends[index - 1] ?? 0, head) < end ? [index] : [],
          );
          expect(times).toEqual(holding);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("never throws, whatever the bytes", () => {
    const start = fc.constantFrom(
      "",
      "HTTP/1.1 200 OK\r\n\r\n",
      `${OK}transfer-encoding: chunked\r\n\r\n`,
      OK,
    );
    const garbage = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 });
    fc.assert(
      fc.property(start, garbage, fc.array(fc.nat(), { maxLength: 10 }), (begin, parts, cuts) => {
        const reader = read(Buffer.concat([Buffer.from(begin), ...parts]), cuts, true);
        if (reader.complete) expect(reader.problem).toBeNull();
      }),
      { numRuns: 500 },
    );
  });
});
