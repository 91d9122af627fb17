import { describe, expect, it } from "vitest";
import { startGitHub, TOKEN } from "../support.ts";

const headers = { authorization: `token ${TOKEN}` };

describe("the double of GitHub's API", () => {
  it.each([
    ["POST", "/repos/team/serving/issues/7/comments", { boddy: "x" }, 422],
    ["POST", "/repos/team/serving/issues/7/comments", { body: 1 }, 422],
    ["POST", "/repos/team/serving/check-runs", { name: "x" }, 422],
    ["POST", "/repos/team/serving/check-runs", { name: "x", head_sha: "a", status: "done" }, 422],
    ["GET", "/repos/team/serving/issues/seven/comments", undefined, 422],
    ["GET", "/repos/team/serving/issues/7/comments?sort=up", undefined, 422],
    ["GET", "/repos/team/serving/no-such-thing", undefined, 404],
  ])("refuses what GitHub's description does not know: %s %s %j", async (method, path, body, status) => {
    const github = await startGitHub();
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${github.url}${path}`, { method, headers, ...text });
    expect(response.status).toBe(status);
    expect(github.violations).toHaveLength(1);
  });

  it("answers as the description says, page by page", async () => {
    const github = await startGitHub();
    for (let each = 0; each < 45; each += 1) github.comment(7, "somebody", `${each}`);
    const url = `${github.url}/repos/team/serving/issues/7/comments`;
    const first = await fetch(url, { headers });
    expect(await first.json()).toHaveLength(30);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await fetch(next, { headers });
    expect(await second.json()).toHaveLength(15);
    expect(second.headers.get("link")).toBeNull();
    expect(github.violations).toEqual([]);
  });
});
