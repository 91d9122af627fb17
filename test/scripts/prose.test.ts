import { describe, expect, it } from "vitest";
import { prose } from "../../scripts/prose.ts";
import { metricsPage } from "../../scripts/write-docs.ts";

describe("prose", () => {
  it.each([
    ["Inside the scenario's `slo`.", "Inside the scenario's `slo`."],
    ["`a_b` and a_b, _b_", "`a_b` and a_b, \\_b\\_"],
    ["`batching.*.tokens_per_s`: <n> * 2", "`batching.*.tokens_per_s`: \\<n\\> \\* 2"],
  ])("%j becomes %j", (text, shown) => expect(prose(text)).toBe(shown));

  it("refuses a code span that is not closed", () => {
    expect(() => prose("the scenario's `slo")).toThrow("a code span is not closed");
  });
});

describe("docs/metrics.md", () => {
  it("has code spans and no escaped backtick", () => {
    expect(metricsPage()).toContain("inside the scenario's `slo`");
    expect(metricsPage()).not.toContain("\\`");
  });
});
