import { describe, expect, it } from "vitest";
import { checkToken, judgeToken } from "../src/doctor-token.ts";
import { serveHttp } from "./support/http.ts";

const TOKEN = "ghs_aVerySecretTokenOfTheRun0123456789";

describe("the GitHub token", () => {
  it("is not asked about when none is set", async () => {
    expect(await checkToken({})).toBeNull();
    expect(await checkToken({ GITHUB_TOKEN: "" })).toBeNull();
  });

  it("is tried with one GET for the repository's comments, and is in no answer", async () => {
    const seen: string[] = [];
    const url = await serveHttp((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(200, { "content-type": "application/json" }).end("[]");
    });
    const found = await checkToken({
      GITHUB_TOKEN: TOKEN,
      GITHUB_API_URL: url,
      GITHUB_REPOSITORY: "org/repo",
    });
    expect(seen).toEqual([`GET /repos/org/repo/issues/comments?per_page=1 Bearer ${TOKEN}`]);
    expect(found).toMatchObject({ level: "ok", value: "accepted" });
    expect(JSON.stringify(found)).not.toContain(TOKEN);
  });

  it("is only noted when GitHub cannot be reached", async () => {
    const found = await checkToken({ GITHUB_TOKEN: TOKEN, GITHUB_API_URL: "http://127.0.0.1:1" });
    expect(found).toMatchObject({ level: "note", value: "GitHub was not reached" });
    expect(JSON.stringify(found)).not.toContain(TOKEN);
  });

  it.each([
    [401, null, "warn", "refused"],
    [403, null, "warn", "may not read comments"],
    [404, null, "warn", "cannot see the repository"],
    [500, null, "note", "unclear"],
    [200, "gist, read:org", "warn", "may not write"],
    [200, "repo, gist", "ok", "accepted"],
    [200, null, "ok", "accepted"],
  ] as const)("%d with scopes %s is %s", (status, scopes, level, value) => {
    const found = judgeToken({ status, scopes }, "org/repo");
    expect(found).toMatchObject({ level, value });
    if (level === "warn") expect(found.fix).toContain("pull-requests: write");
  });
});
