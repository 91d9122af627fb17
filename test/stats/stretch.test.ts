import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bestStretch, type Flight } from "../../src/stats/stretch.ts";

const flight = (startS: number, endS: number, amount = 10): Flight => ({ startS, endS, amount });

/** One after another, each as long as given. */
function inTurn(lengths: readonly number[]): Flight[] {
  let nowS = 0;
  return lengths.map((length) => {
    nowS += length;
    return flight(nowS - length, nowS);
  });
}

/** Senders of a closed loop before a server that takes one after another, for 1 s each; `seen` says when an end is seen. */
function queued(senders: number, count: number, seen: (endS: number) => number): Flight[] {
  const free: number[] = new Array(senders).fill(0);
  let servedS = 0;
  return Array.from({ length: count }, () => {
    const startS = Math.min(...free);
    servedS = Math.max(servedS, startS) + 1;
    free[free.indexOf(startS)] = seen(servedS);
    return flight(startS, seen(servedS));
  });
}

describe("bestStretch", () => {
  it("is the fastest stretch of flights in turn, in whatever order they are given", () => {
    const flights = inTurn([1, 1, 0.5, 0.5, 0.5, 0.5, 2]);
    expect(bestStretch(flights, 2, 1)).toBe(20);
    expect(bestStretch(flights.reverse(), 2, 1)).toBe(20);
  });

  it("of flights that start and end together is their amount over their time", () => {
    const waves = (lengths: readonly number[]) =>
      inTurn(lengths).flatMap(({ startS, endS }) => Array.from({ length: 4 }, () => flight(startS, endS)));
    expect(bestStretch(waves([2, 1.5, 1.5]), 4, 4)).toBeCloseTo(40 / 1.5, 9);
    // What begins slowly does not end fast: by a tenth at most.
    expect(bestStretch(waves([2, 2, 0.1]), 4, 4)).toBeCloseTo(40 / 1.8, 9);
  });

  it("a queue is no faster where it begins", () => {
    expect(
      bestStretch(
        queued(4, 24, (endS) => endS),
        4,
        4,
      ),
    ).toBeCloseTo(10, 9);
  });

  it.each([4, 8, 32])("%i senders: a pause that holds completions back gains a tenth at most", (senders) => {
    // Whole steps: of doubles nearly all that are drawn lie at the ends of a range.
    const pauses = fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 300 }));
    fc.assert(
      fc.property(pauses, ([at, held]) => {
        const [atS, untilS] = [(at / 100) * senders, ((at + held) / 100) * senders];
        const seen = (endS: number) => (endS > atS && endS < untilS ? untilS : endS);
        const flights = queued(senders, 4 * senders, seen);
        // Counted by completions alone it is `senders` times as fast.
        expect(bestStretch(flights, senders, senders)).toBeLessThanOrEqual(10 / 0.9 + 1e-6);
      }),
    );
  });

  it("does not begin among the flights that began at once", () => {
    const flights = queued(4, 16, (endS) => Math.max(endS, 3.2));
    expect(bestStretch(flights, 4, 1)).toBeGreaterThan(13);
    expect(bestStretch(flights, 4, 4)).toBeCloseTo(10, 9);
  });

  it("ties are no matter of the order in which they are given, and no time is no speed", () => {
    const flights = Array.from({ length: 12 }, (_, index) =>
      flight(index >> 2, 1 + (index >> 2), 1 + (index % 4)),
    );
    expect(bestStretch([...flights].reverse(), 4, 4)).toBe(bestStretch(flights, 4, 4));
    expect(bestStretch([flight(1, 1), flight(1, 1), flight(1, 1)], 2, 1)).toBe(0);
  });

  it("is no faster than completions follow each other", () => {
    const one = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(fc.array(one, { minLength: 3, maxLength: 40 }), (times) => {
        const flights = times.map(([startS, length]) => flight(startS, startS + length, 1));
        const ends = flights.map(({ endS }) => endS).sort((a, b) => a - b);
        const spanS = (ends.at(-1) as number) - (ends[0] as number);
        if (spanS > 0)
          expect(bestStretch(flights, ends.length - 1, 1)).toBeLessThanOrEqual((ends.length - 1) / spanS);
      }),
    );
  });

  it("a stretch is shorter than the series", () => {
    expect(() => bestStretch(inTurn([1, 1]), 2, 1)).toThrow(/2 of 2/);
    expect(() => bestStretch(inTurn([1, 1, 1]), 2, 2)).toThrow(/2 of 3 flights, by 2 senders/);
    expect(() => bestStretch(inTurn([1, 1]), 0, 1)).toThrow(RangeError);
  });
});
