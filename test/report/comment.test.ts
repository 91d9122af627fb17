import { describe, expect, it } from "vitest";
import { renderComment } from "../../src/report/comment.ts";
import { comparison, comparisonFile, run, session } from "../support/builders.ts";
import { STORIES } from "./stories.ts";

describe("the comment of a run", () => {
  it.each(Object.entries(STORIES))("%s", async (name, story) => {
    await expect(renderComment(story())).toMatchFileSnapshot(`../golden/comment-${name}.md`);
  });

  it.each(Object.entries(STORIES))("%s: the verdict and what to do are in the first lines", (_, story) => {
    const input = story();
    const [marker, heading, summary] = renderComment(input).split("\n\n");
    expect(marker).toMatch(/^<!-- vllm-gate:[\w.-]+ -->$/);
    expect(heading).toMatch(/^### (✅|⚠️|❌|⏹) [a-z ]+ · vllm-gate · /u);
    expect(summary).toMatch(/^\*\*.+\.\*\* .+/s);
  });

  it("says when it does not block", () => {
    expect(renderComment(STORIES["report-only"]!())).toContain(
      "_Report only: this verdict does not block the merge._",
    );
    expect(renderComment(STORIES["regressed"]!())).not.toContain("Report only");
  });

  it("opens ten changed rows and folds the others", () => {
    const many = Array.from({ length: 12 }, (_, index) =>
      comparison({ metric: `a.m${index}`, verdict: "regressed", head: 3 + index, effect: 0.5 + index }),
    );
    const input = { ...STORIES["regressed"]!(), comparison: comparisonFile({ comparisons: many }) };
    const [open = "", folded = ""] = renderComment(input).split("<summary>2 more gated metrics</summary>");
    // The largest first.
    expect(open.match(/(?<=^\| )`a\.m\d+`/gm)).toEqual(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((each) => `\`a.m${each}\``),
    );
    expect(folded.match(/(?<=^\| )`a\.m\d+`/gm)).toEqual(["`a.m1`", "`a.m0`"]);
  });

  it("says the command that does the same again, with what came by options", () => {
    const input = STORIES["pass"]!();
    const { head } = input.run.variants;
    const overridden = { ...input.run, overridden: ["args"] };
    expect(head?.args).toEqual(["--max-model-len", "4096"]);
    expect(renderComment({ ...input, run: overridden })).toContain(
      "Run it again: `vllm-gate run --scenario chat --args '--max-model-len 4096'`",
    );
    const attached = {
      ...input.run,
      overridden: ["serverUrl"],
      variants: { head: { args: [], url: "http://127.0.0.1:8000" } },
    };
    const comment = renderComment({ ...input, run: attached });
    expect(comment).toContain("`vllm-gate run --scenario chat --server-url http://127.0.0.1:8000`");
    expect(comment).toContain(
      "`vllm-gate record --scenario chat --server-url http://127.0.0.1:8000` measures",
    );
  });

  it("says when fewer sessions were measured than planned", () => {
    const input = STORIES["pass"]!();
    const plan = { sessions: 5, rounds: 2, probes: {}, budgetMinutes: 30 };
    expect(renderComment({ ...input, run: { ...input.run, plan } })).toContain(
      "- ⚠️ 1 of 5 sessions measured within budgetMinutes (30)\n",
    );
  });

  it("says when nothing tells the host from others", () => {
    const input = STORIES["pass"]!();
    const unknown = { ...input.run, fingerprint: { ...input.run.fingerprint, hostId: null } };
    const said = "Nothing tells this host from others: it is taken for the one of the baseline.";
    expect(renderComment({ ...input, run: unknown })).toContain(said);
    expect(renderComment(input)).not.toContain(said);
  });

  it("names facts that the log did not tell", () => {
    const unknown = session({
      unknownFacts: [{ fact: "graphsS", reason: "vLLM 0.6.0 prints no such line" }],
    });
    const input = { ...STORIES["pass"]!(), run: run({ sessions: [unknown] }) };
    expect(renderComment(input)).toContain("Unknown: `graphsS` (vLLM 0.6.0 prints no such line)");
  });
});
