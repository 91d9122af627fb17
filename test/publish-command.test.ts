import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BOT, HEAD, startGitHub, TOKEN } from "./publish/support.ts";
import { STORIES } from "./report/stories.ts";
import { runCli } from "./support/cli.ts";
import { tempDir } from "./support/temp-dir.ts";

async function runFolder(story: string): Promise<string> {
  const cwd = await tempDir();
  const folder = join(cwd, "runs", story);
  await mkdir(folder, { recursive: true });
  const { run, verdict, comparison, measurements } = STORIES[story]!();
  for (const [name, value] of Object.entries({ run, verdict, comparison, measurements })) {
    if (value !== null) await writeFile(join(folder, `${name}.json`), JSON.stringify(value));
  }
  return cwd;
}

describe("vllm-gate publish", () => {
  const args = ["publish", "runs/*", "--repository", "team/serving", "--commit", HEAD, "--pull-request", "7"];

  it("posts from any runner, and ends as the verdict", async () => {
    const github = await startGitHub();
    github.isPlainForge = true;
    const cwd = await runFolder("regressed");
    const env = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url };
    const result = await runCli(args, { cwd, env });
    expect(result.code, result.stderr).toBe(1);
    expect(github.comments).toMatchObject([{ login: BOT, issue: 7 }]);
    expect(github.comments[0]?.body).toContain("❌ regressed");
    expect(github.statuses.map(({ state }) => state)).toEqual(["pending", "failure"]);
    expect(github.violations).toEqual([]);
  });

  it("fails where a verdict that passes could not be posted", async () => {
    const github = await startGitHub({ contents: "read" });
    const cwd = await runFolder("pass");
    const result = await runCli(args, { cwd, env: { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url } });
    expect(result.code).toBe(4);
    expect(result.stderr).toContain("lacks the permission `pull-requests: write`");
  });

  it.each([
    [["--commit", "main"], { GITHUB_TOKEN: TOKEN }, /--commit: got "main", expected the whole hash/],
    [[], { GITHUB_TOKEN: "" }, /GITHUB_TOKEN: not set/],
    [["--repository", "x"], { GITHUB_TOKEN: TOKEN }, /GITHUB_REPOSITORY: got "x", expected owner\/name/],
  ])("refuses %j", async (more, env, message) => {
    const cwd = await runFolder("pass");
    const result = await runCli([...args, ...more], { cwd, env });
    expect(result.stderr).toMatch(message);
    expect(result.code).toBe(2);
  });
});
