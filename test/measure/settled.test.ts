import { expect, it } from "vitest";
import { groupTraces } from "../../src/measure/case-data.ts";
import { settledPart } from "../../src/measure/settled.ts";
import { caseRecord, session, trace } from "../support/builders.ts";

/** Waves of two requests of one token each; each wave takes as long as it says. */
function waves(secondsOf: readonly number[]) {
  let atS = 0;
  const traces = secondsOf.flatMap((seconds, wave) => {
    const startS = atS;
    atS += seconds;
    const shared = { startS, firstTokenS: atS, lastTokenS: atS, endS: atS, outputTokens: 1 };
    const arrivals: [number, number][] = [[atS, 1]];
    return [0, 1].map((each) => trace({ ...shared, case: "c2", arrivals, id: `${wave}.${each}` }));
  });
  const cases = [caseRecord({ case: "c2", concurrency: 2 })];
  const [data] = groupTraces([session({ cases })], traces);
  return data!.rounds.get(0)!.get("batching.c2")!;
}

it("leaves the first and the last wave out", () => {
  const part = settledPart(waves([0.1, 1, 1, 0.2]));
  expect(part.requests.map(({ id }) => id)).toEqual(["1.0", "1.1", "2.0", "2.1"]);
  expect(part.seconds).toBeCloseTo(2, 9);
  expect(part.ended).toBe(4);
  expect(part.tokens).toBe(4);
});

it("takes fewer than three waves, and an open loop, whole", () => {
  expect(settledPart(waves([1, 1])).ended).toBe(4);
  const open = waves([1, 1, 1, 1]);
  const planned = { ...open, ok: open.ok.map((each) => ({ ...each, plannedS: each.startS })) };
  expect(settledPart(planned)).toMatchObject({ ended: 8, seconds: 4, tokens: 8 });
});
