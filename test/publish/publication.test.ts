import { describe, expect, it } from "vitest";
import { decodeFooter } from "../../src/publish/marker.ts";
import { begin, endDead, post } from "../../src/publish/publication.ts";
import { WRITE_ALL } from "./double/github.ts";
import { BOT, content, HEAD, startGitHub, targetAt, told } from "./support.ts";

describe("a publication", () => {
  it("begins with check and placeholder, and ends with comment and conclusion", async () => {
    const github = await startGitHub();
    const { problems, onProblem } = told();
    const target = targetAt(github);
    const begun = await begin(target, onProblem);
    expect(github.checks).toMatchObject([{ name: "vllm-gate", headSha: HEAD, status: "in_progress" }]);
    expect(github.comments).toMatchObject([{ login: BOT, issue: 7 }]);
    expect(github.comments[0]?.body).toContain("⏳ measuring");
    expect(decodeFooter(github.comments[0]?.body ?? "")).toEqual({ v: 1, measuring: HEAD, last: null });

    await post(target, begun, content(), onProblem);
    expect(github.checks).toMatchObject([{ status: "completed", conclusion: "failure" }]);
    expect(github.comments).toHaveLength(1);
    expect(decodeFooter(github.comments[0]?.body ?? "")?.last).toMatchObject({
      commit: HEAD,
      verdict: "regressed",
      metrics: { "kv.capacity_tokens": [1000, "regressed"] },
    });
    expect(problems).toEqual([]);
    expect(github.violations).toEqual([]);
  });

  it("finds its comment on a later page, and nobody else's", async () => {
    const github = await startGitHub();
    github.comment(7, "impostor", "<!-- vllm-gate:gate -->\nnot the bot's");
    github.comment(7, BOT, "quotes <!-- vllm-gate:gate -->", { type: "Bot" });
    github.comment(7, BOT, "<!-- vllm-gate:other -->\nanother key", { type: "Bot" });
    for (let each = 0; each < 230; each += 1) github.comment(7, "chatty", "…");
    const ours = github.comment(7, BOT, "<!-- vllm-gate:gate -->\nours", { type: "Bot" });
    const count = github.comments.length;
    const before = github.comments.slice(0, 3).map(({ body }) => body);
    await post(targetAt(github), { check: null, login: null, previous: null }, content(), told().onProblem);
    expect(github.comments).toHaveLength(count);
    expect(ours.body).toContain("❌ regressed");
    expect(github.comments.slice(0, 3).map(({ body }) => body)).toEqual(before);
    expect(github.violations).toEqual([]);
  });

  it("keeps comment and check within what GitHub takes, with marker, footer and verdict whole", async () => {
    const github = await startGitHub();
    const target = targetAt(github);
    const begun = await begin(target, told().onProblem);
    const { parts } = content();
    const large = (name: string) => ({ name, text: `| ${name} é |\n`.repeat(9_000) });
    const metrics = Object.fromEntries(
      Array.from({ length: 1000 }, (_, each) => [`batching.c${each}.tokens_per_s`, [each, "pass" as const]]),
    ) as Record<string, [number, "pass"]>;
    const { problems, onProblem } = told();
    const many = { parts: [...parts, large("changed"), large("watched")], metrics };
    await post(target, begun, content(many), onProblem);
    const body = github.comments[0]?.body ?? "";
    expect(problems).toEqual([]);
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body).toMatch(/^<!-- vllm-gate:gate -->\n\n### ❌ regressed/);
    expect(body).toContain("_Left out, since a comment has a limit: watched metrics, the rest.");
    expect(decodeFooter(body)?.last?.verdict).toBe("regressed");
    expect(github.checks[0]).toMatchObject({ status: "completed", conclusion: "failure" });
  });

  it("leaves one comment where two jobs made one each, and one where its answer was lost", async () => {
    const github = await startGitHub();
    github.comment(7, BOT, "<!-- vllm-gate:gate -->\nfirst", { type: "Bot" });
    github.comment(7, BOT, "<!-- vllm-gate:gate -->\nsecond", { type: "Bot" });
    const nothing = { check: null, login: null, previous: null };
    await post(targetAt(github), nothing, content(), told().onProblem);
    expect(github.comments).toHaveLength(1);

    github.comments.length = 0;
    const path = /\/issues\/7\/comments$/;
    github.faults.push({ method: "POST", path, times: 1, status: 502, afterwards: true });
    const { problems, onProblem } = told();
    await post(targetAt(github), nothing, content(), onProblem);
    expect(github.comments).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  it("leaves the comment to the run of a newer head, and ends its own check", async () => {
    const github = await startGitHub();
    const newer = "b".repeat(40);
    const target = targetAt(github);
    const begun = await begin(target, told().onProblem);
    const pull = github.pulls.get(7);
    if (pull !== undefined) pull.head.sha = newer;
    const other = targetAt(github, { subject: { ...target.subject, headSha: newer }, externalId: "run-2" });
    await begin(other, told().onProblem);
    await post(target, begun, content(), told().onProblem);
    expect(github.comments[0]?.body).toContain(newer.slice(0, 10));
    expect(github.comments[0]?.body).toContain("⏳ measuring");
    expect(github.checks.map(({ status }) => status)).toEqual(["completed", "in_progress"]);
  });

  it("says that the branch was rewritten when its commit is not in it any more", async () => {
    const github = await startGitHub();
    const pull = github.pulls.get(7);
    if (pull !== undefined) pull.head.sha = "c".repeat(40);
    const nothing = { check: null, login: null, previous: null };
    await post(targetAt(github), nothing, content(), told().onProblem);
    expect(github.comments[0]?.body).toContain("The branch was rewritten since");
  });

  it("posts more annotations than one request takes, and does without them where one is refused", async () => {
    const github = await startGitHub();
    const annotations = Array.from({ length: 80 }, (_, line) => ({
      path: "vllm-gate.yml",
      line: line + 1,
      level: "failure" as const,
      title: "t",
      message: "m",
    }));
    const target = targetAt(github);
    const begun = await begin(target, told().onProblem);
    await post(target, begun, content({ annotations }), told().onProblem);
    expect(github.checks[0]?.annotations).toHaveLength(80);

    const again = await begin(target, told().onProblem);
    github.faults.push({
      method: "PATCH",
      path: /check-runs/,
      times: 1,
      status: 422,
      body: { message: "no line" },
    });
    const { problems, onProblem } = told();
    await post(target, again, content({ annotations }), onProblem);
    expect(github.checks[1]).toMatchObject({ status: "completed", annotations: [] });
    expect(problems).toEqual([]);
  });

  it("names each missing permission, and never throws", async () => {
    const github = await startGitHub({ contents: "read" });
    const { problems, onProblem } = told();
    const begun = await begin(targetAt(github), onProblem);
    await post(targetAt(github), begun, content(), onProblem);
    expect(problems.join("\n")).toMatch(
      /begin a check .*lacks the permission `checks: write` \(GitHub accepts checks=write\)/,
    );
    expect(problems.join("\n")).toMatch(/lacks the permission `pull-requests: write`/);
    expect(github.comments).toEqual([]);
  });

  it("says so where the token is not valid, the pull request is gone, and GitHub does not answer", async () => {
    const github = await startGitHub();
    const gone = told();
    const target = targetAt(github);
    const subject = { ...target.subject, pullRequest: { number: 99, isFork: false } };
    await begin({ ...target, subject }, gone.onProblem);
    expect(gone.problems.join()).toMatch(/HTTP 404: Not Found\): it is gone, or the token may not see it/);
    github.actors.clear();
    const invalid = told();
    await begin(targetAt(github), invalid.onProblem);
    expect(invalid.problems.join()).toMatch(/HTTP 401: .*github-token is not valid/);
    await github[Symbol.asyncDispose]();
    const silent = told();
    await begin(targetAt(github), silent.onProblem);
    expect(silent.problems).toHaveLength(2);
  });

  it("uses commit statuses and /user where there are no checks and no GraphQL, as on Gitea", async () => {
    const github = await startGitHub();
    github.isPlainForge = true;
    const { problems, onProblem } = told();
    const target = targetAt(github);
    const begun = await begin(target, onProblem);
    await post(target, begun, content(), onProblem);
    expect(github.statuses.map(({ state, context }) => [context, state])).toEqual([
      ["vllm-gate", "pending"],
      ["vllm-gate", "failure"],
    ]);
    expect(github.comments).toHaveLength(1);
    expect(problems).toEqual([]);
  });

  it.each([
    [429, { "retry-after": "2" }, { message: "slow down" }],
    [403, { "retry-after": "2" }, { message: "You have exceeded a secondary rate limit" }],
    [403, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }, { message: "API rate limit exceeded" }],
    [502, {}, { message: "bad gateway" }],
  ])("tries again after HTTP %d with %j", async (status, headers, body) => {
    const github = await startGitHub();
    for (const path of [/comments/, /check-runs/]) {
      for (const method of ["GET", "POST", "PATCH"]) {
        github.faults.push({
          method,
          path,
          times: 2,
          status,
          headers: headers as Record<string, string>,
          body,
        });
      }
    }
    const { problems, onProblem } = told();
    const target = targetAt(github);
    const begun = await begin(target, onProblem);
    // A lost answer of the creation was tried twice already.
    await post(target, begun, content(), onProblem);
    expect(github.comments, problems.join()).toHaveLength(1);
    expect(github.comments[0]?.body).toContain("❌ regressed");
    expect(github.checks.at(-1)).toMatchObject({ status: "completed" });
    expect(github.violations).toEqual([]);
  });

  it("gives up on a rate limit that outlasts what is worth waiting", async () => {
    const github = await startGitHub();
    const headers = { "retry-after": "3600" };
    const body = { message: "You have exceeded a secondary rate limit" };
    github.faults.push({ method: "POST", path: /comments/, times: 99, status: 403, headers, body });
    const { problems, onProblem } = told();
    await post(targetAt(github), { check: null, login: null, previous: null }, content(), onProblem);
    expect(problems.join()).toMatch(/the rate limit lasts longer than is worth waiting/);
  });
});

describe("the end of a main step that died", () => {
  const words = {
    conclusion: "cancelled" as const,
    headline: "The job ended",
    parts: [{ name: "heading", text: "### ⏹ cancelled" }],
  };

  it("completes its check and replaces its placeholder", async () => {
    const github = await startGitHub();
    const target = targetAt(github);
    await begin(target, told().onProblem);
    const other = targetAt(github, {
      externalId: "run-2",
      subject: { ...target.subject, pullRequest: null },
    });
    await begin(other, told().onProblem);
    await endDead(target, words, told().onProblem);
    expect(github.checks).toMatchObject([
      { externalId: "run-1", status: "completed", conclusion: "cancelled" },
      { externalId: "run-2", status: "in_progress" },
    ]);
    expect(github.comments[0]?.body).toContain("⏹ cancelled");
    expect(github.violations).toEqual([]);
  });

  it("leaves a verdict that was posted", async () => {
    const github = await startGitHub(WRITE_ALL);
    const target = targetAt(github);
    const begun = await begin(target, told().onProblem);
    await post(target, { ...begun, check: null }, content(), told().onProblem);
    await endDead(target, words, told().onProblem);
    expect(github.comments[0]?.body).toContain("❌ regressed");
    expect(github.checks).toMatchObject([{ status: "completed", conclusion: "cancelled" }]);
  });
});
