import { rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { measureFork, pullRequest, workflowRun } from "./events.ts";
import { FORK_TOKEN, type Stage, setStage } from "./runner.ts";

const publish = (stage: Stage, sha: string) =>
  stage.act("workflow_run", workflowRun(sha), { workflow: "publish.yml" }).done;

describe("a pull request of a fork", () => {
  it("is measured without a token, and posted by the second job", async () => {
    await using stage = await setStage();
    const { github } = stage;
    const { sha, run } = await measureFork(stage, 8, FORK_TOKEN);
    expect(run.code, run.log).toBe(1);
    // Not even tried: nothing was asked of GitHub.
    expect(github.calls).toEqual([]);

    const posted = await publish(stage, sha);
    expect(posted.code, posted.log).toBe(0);
    expect(github.comments).toMatchObject([{ issue: 8, login: "github-actions[bot]" }]);
    expect(github.comments[0]?.body).toContain("❌ regressed");
    expect(github.checks).toMatchObject([{ headSha: sha, status: "completed", conclusion: "failure" }]);
    expect(github.violations).toEqual([]);

    await rm(stage.artifacts, { recursive: true });
    const died = await publish(stage, sha);
    expect(died.code, died.log).toBe(0);
    expect(github.comments).toHaveLength(1);
    expect(github.comments[0]?.body).toContain('ended as "failure" and handed on no run');
    expect(github.checks.at(-1)).toMatchObject({ status: "completed", conclusion: "failure" });
  });

  it("cannot attack the second job by its artifact", async () => {
    await using stage = await setStage();
    const { github } = stage;
    const { sha } = await measureFork(stage, 8, FORK_TOKEN);
    pullRequest(github, 9, "9".repeat(40));
    const victim = github.comment(9, "github-actions[bot]", "<!-- vllm-gate:gate -->\nof another", {
      type: "Bot",
    });
    const at = (name: string) => join(stage.artifacts, "vllm-gate", name);
    const { readFile } = await import("node:fs/promises");
    const report = await readFile(at("report.md"), "utf8");
    const handoff = JSON.parse(await readFile(at("publish.json"), "utf8"));
    const verdict = JSON.parse(await readFile(at("verdict.json"), "utf8"));
    const measurements = await readFile(at("measurements.json"), "utf8");

    const attacks: [name: string, attack: () => Promise<void>, undo: () => Promise<void>, line: RegExp][] = [
      [
        "a path that leads out of the folder",
        () => symlink("/etc/passwd", at("extra.json")),
        () => rm(at("extra.json")),
        /extra\.json: a link or a special file.*refused/,
      ],
      [
        "1 GB of JSON",
        () => truncate(at("measurements.json"), 1024 ** 3 - 200 * 1024 ** 2),
        () => writeFile(at("measurements.json"), measurements),
        /measurements\.json: 824 MiB, expected at most 16 MiB: refused/,
      ],
      [
        "script tags",
        () => writeFile(at("report.md"), `${report}\n<script>alert(1)</script>\n`),
        () => writeFile(at("report.md"), report),
        /report\.md: it holds HTML that is not allowed \(<script>\): refused/,
      ],
      [
        "a chart that holds HTML",
        () =>
          writeFile(
            at("report.md"),
            `${report}\n\`\`\`mermaid\nflowchart LR\n  a["<img src=x onerror=alert(1)>"]\n\`\`\`\n`,
          ),
        () => writeFile(at("report.md"), report),
        /report\.md: it holds HTML that is not allowed \(<img/,
      ],
      [
        "another pull request's number",
        () => writeFile(at("publish.json"), JSON.stringify({ ...handoff, pullRequest: 9 })),
        () => writeFile(at("publish.json"), JSON.stringify(handoff)),
        /claims to be about pull request #9, the event is about #8: refused/,
      ],
      [
        "another commit",
        () => writeFile(at("publish.json"), JSON.stringify({ ...handoff, headSha: "9".repeat(40) })),
        () => writeFile(at("publish.json"), JSON.stringify(handoff)),
        /claims to be about 9{40}.*refused/,
      ],
      [
        "the marker of another comment",
        () => writeFile(at("report.md"), `${report}\n<!-- vllm-gate:other -->\n`),
        () => writeFile(at("report.md"), report),
        /report\.md: it holds the marker of another comment: refused/,
      ],
      [
        "a loss that calls itself a success",
        () =>
          writeFile(at("verdict.json"), JSON.stringify({ ...verdict, exitCode: 0, conclusion: "success" })),
        () => writeFile(at("verdict.json"), JSON.stringify(verdict)),
        /verdict\.json: the verdict "regressed" contradicts its exit code 0: refused/,
      ],
    ];
    for (const [name, attack, undo, line] of attacks) {
      await attack();
      const run = await publish(stage, sha);
      await undo();
      expect(run.code, `${name}: ${run.log}`).toBe(1);
      expect(run.log, name).toMatch(line);
      const ours = github.comments.filter(({ issue }) => issue === 8);
      expect(ours, name).toHaveLength(1);
      expect(ours[0]?.body, name).not.toMatch(/(?<!\\)<script|root:|vllm-gate:other/);
      expect(ours[0]?.body, name).toContain("❌");
      expect(github.checks.at(-1), name).toMatchObject({ status: "completed", conclusion: "failure" });
      expect(victim.body, name).toBe("<!-- vllm-gate:gate -->\nof another");
    }
    expect(github.violations).toEqual([]);
  });
});
