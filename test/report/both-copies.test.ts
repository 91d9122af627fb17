import { describe, expect, it } from "vitest";
import type { BothCopies, CopyJudgement } from "../../src/domain/comparison.ts";
import type { VerdictFile } from "../../src/domain/verdict.ts";
import { bothCopies, ownCopies } from "../../src/report/both-copies.ts";
import { renderComment } from "../../src/report/comment.ts";
import { comparisonFile } from "../support/builders.ts";
import { STORIES } from "./stories.ts";

const judgement = (overrides: Partial<CopyJudgement> = {}): CopyJudgement => ({
  verdict: "regressed",
  level: "gate",
  base: 4,
  tolerance: 0.02,
  absoluteTolerance: 0,
  ...overrides,
});

const copies = (overrides: Partial<BothCopies> = {}): BothCopies => ({
  files: ["vllm-gate.yml"],
  verdict: "pass",
  headline: "None of the 8 gated metrics got worse",
  problem: null,
  metrics: [
    {
      metric: "batching.c8.tpot_floor_ms",
      unit: "ms",
      head: 4.4,
      judged: judgement(),
      own: judgement({ verdict: "pass", tolerance: 0.5 }),
    },
  ],
  ...overrides,
});

const of = (overrides: Partial<BothCopies> = {}) => comparisonFile({ bothCopies: copies(overrides) });
const regressed = { verdict: "regressed" } as VerdictFile;

describe("both copies", () => {
  it("are told with the files, the own verdict, and the metrics whose verdict differs", () => {
    expect(bothCopies(of(), regressed)).toEqual([
      "> ✏️ **This change edits what judges it**: `vllm-gate.yml`. The base branch's copies decide. " +
        "By this change's own it would be ✅ pass: None of the 8 gated metrics got worse.",
    ]);
    expect(ownCopies(of())[0]).toContain(
      "| `batching.c8.tpot_floor_ms` |   4.4 ms | **worse** (baseline 4 ms, tolerance 2 %) | ok (baseline 4 ms, tolerance 50 %) |",
    );
  });

  it("accuse nobody where the clone does not tell whose edit it is", () => {
    const [line] = bothCopies(of({ againstTip: true }), regressed);
    expect(line).toMatch(
      /\*\*What judges this change differs from the base branch's\*\*: `vllm-gate\.yml`\./,
    );
    expect(line).not.toContain("edits");
  });

  it.each<[what: string, overrides: Partial<BothCopies>, words: RegExp]>([
    ["say the same", { verdict: "regressed", metrics: [] }, /This change's own say the same\.$/],
    [
      "cannot be read",
      { verdict: null, headline: null, problem: "baselines/<b>.json: not JSON", metrics: [] },
      /own cannot be read: baselines\/\\<b\\>\.json: not JSON$/,
    ],
    [
      "are many files",
      { files: Array.from({ length: 12 }, (_, at) => `baselines/${at}.json`) },
      /`baselines\/7\.json` and 4 more\./,
    ],
  ])("%s", (_, overrides, words) => {
    expect(bothCopies(of(overrides), regressed)[0]).toMatch(words);
  });

  it("show a metric that one copy does not judge, or only watches, and fold many", () => {
    const row = { metric: "a.b", unit: "", head: 1, judged: judgement(), own: null };
    expect(ownCopies(of({ metrics: [row] }))[0]).toContain("| not judged");
    const watched = { ...row, own: judgement({ level: "watch" }) };
    expect(ownCopies(of({ metrics: [watched] }))[0]).toContain("**worse**, only watched");
    const many = Array.from({ length: 14 }, (_, at) => ({ ...row, metric: `a.c${at}` }));
    expect(ownCopies(of({ metrics: many }))[0]).toMatch(
      /<summary>4 more metrics that both copies judge otherwise/,
    );
  });

  it("are nothing where the change edits none of it", () => {
    expect(bothCopies(comparisonFile(), regressed)).toEqual([]);
    expect(ownCopies(null)).toEqual([]);
  });

  it("stand under the headline of the comment", () => {
    const input = STORIES["regressed"]?.();
    if (input?.comparison == null) throw new Error("no comparison");
    const text = renderComment({ ...input, comparison: { ...input.comparison, bothCopies: copies() } });
    expect(text.indexOf("edits what judges it")).toBeGreaterThan(text.indexOf("### "));
    expect(text.indexOf("edits what judges it")).toBeLessThan(text.indexOf("| metric"));
  });
});
