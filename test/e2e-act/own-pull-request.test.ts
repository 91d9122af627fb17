import { describe, expect, it } from "vitest";
import { LESS_KV, pullRequest } from "./events.ts";
import { setStage } from "./runner.ts";

describe("a pull request of the repository itself", () => {
  it("gets one comment, a check with an annotation on the changed line, and its comment again on the next push", async () => {
    await using stage = await setStage();
    const { github } = stage;
    github.comment(7, "somebody", "<!-- vllm-gate:gate -->\nmine, not the bot's");
    for (let each = 0; each < 120; each += 1) github.comment(7, "chatty", `comment ${each}`);

    const bad = await stage.commit({ args: LESS_KV });
    const first = await stage.act("pull_request", pullRequest(github, 7, bad), {
      workflow: "pull-request.yml",
    }).done;
    expect(first.code, first.log).toBe(1);
    const ours = () => github.comments.filter(({ login }) => login === "github-actions[bot]");
    expect(ours()).toHaveLength(1);
    const { id, body } = ours()[0] ?? { id: 0, body: "" };
    expect(body).toMatch(/^<!-- vllm-gate:gate -->\n/);
    expect(body).toContain("❌ regressed");
    expect(body).toContain(bad.slice(0, 10));
    expect(github.checks).toMatchObject([
      { name: "vllm-gate", headSha: bad, status: "completed", conclusion: "failure" },
    ]);
    expect(github.checks[0]?.annotations).toMatchObject([
      { path: "vllm-gate.yml", start_line: 5, annotation_level: "failure" },
    ]);
    // Begun, then posted, then ended; the job failed only after that.
    const order = [
      github.calls.findIndex(({ method, path }) => method === "POST" && path.endsWith("/check-runs")),
      github.calls.findIndex(({ method, path }) => method === "POST" && path.endsWith("/7/comments")),
      github.calls.findLastIndex(
        ({ method, path }) => method === "PATCH" && path.includes("/issues/comments/"),
      ),
      github.calls.findLastIndex(({ method, path }) => method === "PATCH" && path.includes("/check-runs/")),
    ];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(first.log.indexOf("The comment is posted")).toBeLessThan(
      first.log.indexOf("Failure - Main vllm-gate"),
    );

    const good = await stage.commit({});
    const second = await stage.act("pull_request", pullRequest(github, 7, good), {
      workflow: "pull-request.yml",
    }).done;
    expect(second.code, second.log).toBe(0);
    expect(ours().map((each) => each.id)).toEqual([id]);
    expect(ours()[0]?.body).toContain("✅ pass");
    expect(ours()[0]?.body).toContain(`Since \`${bad.slice(0, 10)}\`: regressed → **pass**`);
    expect(github.checks[1]).toMatchObject({ headSha: good, status: "completed", conclusion: "success" });
    expect(github.comments[0]?.body).toContain("mine, not the bot's");
    expect(github.violations).toEqual([]);
  });

  it("says how far behind it is when the head moved while it was measured", async () => {
    await using stage = await setStage();
    const { github } = stage;
    const analysed = await stage.commit({});
    const event = pullRequest(github, 7, analysed);
    pullRequest(github, 7, "a".repeat(40));
    pullRequest(github, 7, "b".repeat(40));
    const run = await stage.act("pull_request", event, { workflow: "pull-request.yml" }).done;
    expect(run.code, run.log).toBe(0);
    expect(github.comments[0]?.body).toContain("2 commits behind");
    expect(github.violations).toEqual([]);
  });

  it("is told what is wrong with its configuration", async () => {
    await using stage = await setStage();
    const { github } = stage;
    const sha = await stage.commit({ args: "--trust-remote-code" });
    const run = await stage.act("pull_request", pullRequest(github, 7, sha), { workflow: "pull-request.yml" })
      .done;
    expect(run.code, run.log).toBe(1);
    expect(github.comments[0]?.body).toMatch(/❌ failed[\s\S]*refused: --trust-remote-code/);
    expect(github.checks).toMatchObject([{ status: "completed", conclusion: "failure" }]);
    expect(github.violations).toEqual([]);
  });

  it("is accepted by somebody who may write, for this commit alone", async () => {
    await using stage = await setStage();
    const { github } = stage;
    github.collaborators.set("maintainer", "write");
    const bad = await stage.commit({ args: LESS_KV });
    const event = pullRequest(github, 7, bad);
    await stage.act("pull_request", event, { workflow: "pull-request.yml" }).done;
    const accept = async (login: string) => {
      // GitHub tells times in whole seconds: a comment of the second of the verdict is taken for an earlier one.
      const at = new Date(Date.now() + 2000).toISOString().replace(/\.\d+Z$/, "Z");
      const body = "/vllm-gate accept half the cache is enough for <b>chat</b>";
      github.comment(7, login, body, { at });
      const issue = { number: 7, pull_request: {} };
      return stage.act(
        "issue_comment",
        { action: "created", issue, comment: { body } },
        { workflow: "accept.yml" },
      ).done;
    };
    const ours = () => github.comments.find(({ login }) => login === "github-actions[bot]")?.body ?? "";

    const stranger = await accept("stranger");
    expect(stranger.log).toContain("acceptance by stranger does not count: stranger has no write permission");
    expect(ours()).not.toContain("Accepted");

    const maintainer = await accept("maintainer");
    expect(maintainer.code, maintainer.log).toBe(0);
    expect(ours()).toContain("**Accepted** by maintainer");
    expect(ours()).toContain("half the cache is enough for \\<b\\>chat");
    expect(github.checks.at(-1)).toMatchObject({ headSha: bad, status: "completed", conclusion: "neutral" });

    // Run again on the same commit, the job passes; the next commit is blocked anew.
    const again = await stage.act("pull_request", event, { workflow: "pull-request.yml" }).done;
    expect(again.code, again.log).toBe(0);
    expect(ours()).toContain("**Accepted** by maintainer");
    const next = await stage.commit({ args: LESS_KV });
    const blocked = await stage.act("pull_request", pullRequest(github, 7, next), {
      workflow: "pull-request.yml",
    }).done;
    expect(blocked.code, blocked.log).toBe(1);
    expect(ours()).not.toContain("Accepted");
    expect(github.violations).toEqual([]);
  });

  it("is accepted by a label, on an Enterprise server whose API has a path prefix", async () => {
    await using stage = await setStage();
    const { github } = stage;
    github.prefix = "/api/v3";
    github.collaborators.set("maintainer", "write");
    const bad = await stage.commit({ args: LESS_KV });
    const event = pullRequest(github, 7, bad);
    const judged = await stage.act("pull_request", event, { workflow: "pull-request.yml" }).done;
    expect(judged.code, judged.log).toBe(1);
    expect(github.comments[0]?.body).toContain("❌ regressed");
    const at = new Date(Date.now() + 2000).toISOString().replace(/\.\d+Z$/, "Z");
    github.labelEvents.push({
      issue: 7,
      event: "labeled",
      label: "vllm-gate-accept",
      login: "maintainer",
      at,
    });
    const labeled = { ...event, action: "labeled", label: { name: "vllm-gate-accept" } };
    const run = await stage.act("pull_request_target", labeled, { workflow: "accept.yml" }).done;
    expect(run.code, run.log).toBe(0);
    expect(github.comments[0]?.body).toContain("**Accepted** by maintainer");
    expect(github.checks.at(-1)).toMatchObject({ headSha: bad, status: "completed", conclusion: "neutral" });
    expect(github.calls.every(({ path }) => path.startsWith("/api/"))).toBe(true);
    expect(github.violations).toEqual([]);
  });

  it("has its report in the summary, with the missing permissions named, where nothing may be posted", async () => {
    await using stage = await setStage();
    const { github } = stage;
    github.actors.set("ghs_readsOnly0123456789", {
      login: "github-actions[bot]",
      type: "Bot",
      permissions: { contents: "read", pull_requests: "read", statuses: "write" },
    });
    const sha = await stage.commit({ args: LESS_KV });
    const run = await stage.act("pull_request", pullRequest(github, 7, sha), {
      workflow: "pull-request.yml",
      token: "ghs_readsOnly0123456789",
    }).done;
    expect(run.code, run.log).toBe(1);
    expect(run.log).toMatch(/::warning .*lacks the permission `pull-requests: write`/);
    expect(run.log).toMatch(/Summary - [\s\S]*❌ regressed/);
    expect(github.comments).toEqual([]);
    // Where checks are not allowed, a commit status says the same.
    expect(github.statuses.map(({ state }) => state)).toEqual(["pending", "failure"]);
  });
});
