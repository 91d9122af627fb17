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
    const flights = inTurn([1, 1, 0.5, 0.5, 2]);
    expect(bestStretch(flights, 2)).toBe(20);
    expect(bestStretch(flights.reverse(), 2)).toBe(20);
  });

  it("of flights that start and end together is their amount over their time", () => {
    const waves = [0, 1, 3].flatMap((atS, wave) =>
      Array.from({ length: 4 }, () => flight(atS, atS + 2 - wave / 2)),
    );
    expect(bestStretch(waves.slice(4), 4)).toBeCloseTo(40 / 1.5, 9);
  });

  it("a queue is no faster where it begins", () => {
    expect(
      bestStretch(
        queued(4, 24, (endS) => endS),
        4,
      ),
    ).toBeCloseTo(10, 9);
  });

  it("a pause that holds completions back gains little, where four of them at once would be forty a second", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 5, max: 20, noNaN: true }),
        fc.double({ min: 0, max: 12, noNaN: true }),
        (atS, heldS) => {
          const seen = (endS: number) => (endS > atS && endS < atS + heldS ? atS + heldS : endS);
          expect(bestStretch(queued(4, 24, seen), 4)).toBeLessThanOrEqual(40 / 3 + 1e-9);
        },
      ),
    );
  });

  it("is no faster than completions follow each other", () => {
    const one = fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 50 }));
    fc.assert(
      fc.property(fc.array(one, { minLength: 3, maxLength: 40 }), (times) => {
        const flights = times.map(([startS, length]) => flight(startS, startS + length, 1));
        const ends = flights.map(({ endS }) => endS).sort((a, b) => a - b);
        const spanS = (ends.at(-1) as number) - (ends[0] as number);
        if (spanS > 0)
          expect(bestStretch(flights, ends.length - 1)).toBeLessThanOrEqual((ends.length - 1) / spanS);
      }),
    );
  });

  it("some stretch is no slower than the whole, where stretches make up the whole", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 13, maxLength: 13 });
    fc.assert(
      fc.property(lengths, fc.constantFrom(1, 2, 3, 4, 6), (times, length) => {
        const flights = inTurn(times);
        expect(bestStretch(flights, length)).toBeGreaterThanOrEqual(bestStretch(flights, 12) - 1e-9);
      }),
    );
  });

  it("a stretch is shorter than the series", () => {
    expect(() => bestStretch(inTurn([1, 1]), 2)).toThrow(/2 of 2/);
    expect(() => bestStretch(inTurn([1, 1]), 0)).toThrow(RangeError);
  });
});
