import { describe, expect, it } from "vitest";
import { CATALOGUE } from "../../src/measure/catalogue.ts";
import { unknownMetricPatterns } from "../../src/measure/metric-names.ts";

describe("unknownMetricPatterns", () => {
  it("knows every metric of the catalogue, at any number of requests in flight", () => {
    const ids = CATALOGUE.map((metric) => metric.id.replace(/<\w+>/g, "128"));
    expect(unknownMetricPatterns(ids)).toEqual([]);
  });

  it.each(["batching.*.tokens_per_s", "*.*.floor_ms", "batching.c8.*", "startup.*"])(
    "knows %s",
    (pattern) => {
      expect(unknownMetricPatterns([pattern])).toEqual([]);
    },
  );

  it("a star is one part, not several", () => {
    expect(unknownMetricPatterns(["startup.*.*"])).toHaveLength(1);
  });

  it.each([
    ["ttft.warm.floor", "ttft.warm.floor_ms"],
    ["batching.8.tokens_per_s", "batching.*.tokens_per_s"],
    ["batching.c16.tokens_per_sec", "batching.c16.tokens_per_s"],
    ["batching.c*.tpot_floor_ms", "batching.*.tpot_floor_ms"],
  ])("does not know %s", (pattern, nearest) => {
    const [unknown] = unknownMetricPatterns([pattern]);
    expect(unknown?.pattern).toBe(pattern);
    expect(unknown?.nearest).toBe(nearest);
  });
});
