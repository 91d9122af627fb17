import { describe, expect, it } from "vitest";
import { LESS_KV, pullRequest } from "./events.ts";
import { setStage } from "./runner.ts";

describe("the main branch", () => {
  it("is checked on a push, without a comment", async () => {
    await using stage = await setStage();
    const { github } = stage;
    await stage.git("checkout", "-q", "main");
    const sha = await stage.commit({ args: LESS_KV });
    const payload = { ref: "refs/heads/main", after: sha, head_commit: { id: sha } };
    const run = await stage.act("push", payload, { workflow: "nightly.yml" }).done;
    expect(run.code, run.log).toBe(1);
    expect(github.checks).toMatchObject([{ headSha: sha, status: "completed", conclusion: "failure" }]);
    expect(github.comments).toEqual([]);
    expect(github.violations).toEqual([]);
  });
});

describe("a matrix", () => {
  it("is one comment, the worst first, and a job that is missing does not pass", async () => {
    await using stage = await setStage();
    const { github } = stage;
    const sha = await stage.commit({ args: LESS_KV });
    const run = await stage.act("pull_request", pullRequest(github, 7, sha), {
      workflow: "matrix.yml",
      args: ["--concurrent-jobs", "1"],
      edit: (text) =>
        text
          .replace("scenario: [chat, code]", "scenario: [small]")
          .replace("gpu: [h100, l4]", "gpu: [a, b]")
          // One of both serves the flags of the main branch.
          .replace(
            "          cell: ",
            // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of the workflow
            "          args: ${{ matrix.gpu == 'a' && '--max-model-len 4096' || '' }}\n          cell: ",
          )
          .replace(/chat-h100[\s\S]*/, "small-a\n            small-b\n            small-c\n"),
    }).done;
    expect(run.code, run.log).toBe(1);
    expect(github.comments).toHaveLength(1);
    const body = github.comments[0]?.body ?? "";
    const rows = [...body.matchAll(/^\| (small-\w).*?\| (❌ regressed|❌ missing|✅ pass)/gm)];
    expect(rows.map(([, name, verdict]) => [name, verdict])).toEqual([
      ["small-b", "❌ regressed"],
      ["small-c", "❌ missing"],
      ["small-a", "✅ pass"],
    ]);
    expect(github.checks).toMatchObject([{ headSha: sha, status: "completed", conclusion: "failure" }]);
    expect(github.violations).toEqual([]);
  });
});
