import { describe, expect, it } from "vitest";
import { checkLimits } from "../../src/compare/limits.ts";
import { definition } from "../support/builders.ts";

const ID = "batching.c8.ttft_p95_ms";
const definitions = [definition({ id: ID }), definition({ id: "batching.c1.ttft_p95_ms" })];

const LIMIT = { [ID]: { max: 190 } };

describe("limits", () => {
  it("hold the middle of the sessions, each by its best round", () => {
    const values = { [ID]: [[100, 300], [190], [255, 200]], "batching.c1.ttft_p95_ms": [[1]] };
    expect(checkLimits(values, definitions, { [ID]: { max: 190 } })).toEqual([]);
    expect(checkLimits(values, definitions, { [ID]: { max: 189.9 } })).toEqual([
      { metric: ID, unit: "ms", value: 190, bound: 189.9, side: "max" },
    ]);
    expect(checkLimits(values, definitions, { [ID]: { min: 190, max: 200 } })).toEqual([]);
    expect(checkLimits(values, definitions, { [ID]: { min: 191 } })).toEqual([
      { metric: ID, unit: "ms", value: 190, bound: 191, side: "min" },
    ]);
  });

  it("hold the better of two sessions; of one alone it is said that it is one", () => {
    const of = (...sessions: number[][]) => checkLimits({ [ID]: sessions }, [definition({ id: ID })], LIMIT);
    expect(of([300])).toEqual([
      { metric: ID, unit: "ms", value: 300, bound: 190, side: "max", seenOnce: true },
    ]);
    expect(of([300], [50])).toEqual([]);
    expect(of([300], [250])).toEqual([{ metric: ID, unit: "ms", value: 250, bound: 190, side: "max" }]);
    expect(of([300], [50], [310])).toMatchObject([{ value: 300 }]);
  });

  it("of what is the same in every session are broken by one", () => {
    const kv = [definition({ id: "kv.capacity_tokens", direction: "higher", unit: "tokens" })];
    const [breach] = checkLimits({ "kv.capacity_tokens": [[900]] }, kv, {
      "kv.capacity_tokens": { min: 1000 },
    });
    expect(breach).toMatchObject({ value: 900, side: "min" });
    expect(breach?.seenOnce).toBeUndefined();
  });

  it("hold the worst round of what failed", () => {
    const errors = [definition({ id: "requests.error_rate", rounds: "worst", unit: "share" })];
    const values = {
      "requests.error_rate": [
        [0, 0],
        [0, 0],
        [0, 1],
      ],
    };
    expect(checkLimits(values, errors, { "requests.error_rate": { max: 0.01 } })).toMatchObject([
      { value: 1, side: "max" },
    ]);
  });

  it("say nothing of what must not be trusted", () => {
    const values = { [ID]: [[300]] };
    expect(checkLimits(values, definitions, { [ID]: { max: 190 } }, (id) => id === ID)).toEqual([]);
  });

  it("of a pattern hold for each metric that it names", () => {
    const values = { [ID]: [[10]], "batching.c1.ttft_p95_ms": [[30]] };
    const limits = { "batching.*.ttft_p95_ms": { max: 5 } };
    expect(checkLimits(values, definitions, limits).map(({ metric }) => metric)).toEqual([
      ID,
      "batching.c1.ttft_p95_ms",
    ]);
    expect(
      checkLimits(values, definitions, { ...limits, [ID]: { max: 20 } }).map(({ metric }) => metric),
    ).toEqual(["batching.c1.ttft_p95_ms"]);
  });

  it("of what was not measured are broken: nobody looked", () => {
    expect(checkLimits({ [ID]: [[]] }, definitions, { [ID]: { min: 1 }, "kv.*": { max: 9 } })).toEqual([
      { metric: ID, unit: "", value: null, bound: 1, side: "min" },
      { metric: "kv.*", unit: "", value: null, bound: 9, side: "max" },
    ]);
    // One of those that a pattern names was measured, another was not.
    const values = { "batching.c1.ttft_p95_ms": [[3]] };
    expect(checkLimits(values, definitions, { "batching.*.ttft_p95_ms": { max: 5 } })).toEqual([
      { metric: ID, unit: "", value: null, bound: 5, side: "max" },
    ]);
  });
});
