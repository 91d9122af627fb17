import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { startGitHub, TOKEN } from "./publish/support.ts";
import { createPullRequest, git, runAction } from "./support/action.ts";
import { serveGit } from "./support/git-server.ts";
import { tempDir } from "./support/temp-dir.ts";
import { createWorkspace } from "./support/workspace.ts";

/** A baseline of half the KV cache, so that half of it is no loss. */
async function halve(path: string): Promise<void> {
  const own = JSON.parse(await readFile(path, "utf8"));
  for (const metric of ["kv.capacity_tokens", "kv.available_gib"]) own.metrics[metric].sessions = [[1]];
  await writeFile(path, JSON.stringify(own));
}

/** A baseline of long ago. */
async function backdate(path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace(/"recordedAt":"\d{4}/g, '"recordedAt":"2020'));
}

describe("a shallow checkout from a git server", () => {
  it("is judged by the base branch's baseline, fetched with the job's token; its own copy's word is shown beside", async () => {
    await using workspace = await createWorkspace({ top: { rounds: 1 } });
    await runAction(workspace.cwd, { mode: "record" });
    const folder = join(workspace.cwd, "baselines", "small");
    const [name = ""] = await readdir(folder);
    await backdate(join(folder, name));
    await createPullRequest(workspace);
    await halve(join(folder, name));
    await git(workspace.cwd, "commit", "-qam", "change");
    await git(workspace.cwd, "push", "-q", "origin", "change");

    // What a workflow's checkout makes: depth 1, of the pull request alone, and no credentials left behind.
    const home = await tempDir();
    await rename(`${workspace.cwd}-remote.git`, join(home, "serving.git"));
    const server = await serveGit(home, TOKEN);
    const cwd = join(home, "checkout");
    await mkdir(cwd);
    await execa(
      "git",
      ["clone", "-q", "--depth=1", "--branch=change", `file://${join(home, "serving.git")}`, "."],
      {
        cwd,
      },
    );
    await git(cwd, "remote", "set-url", "origin", `${server.url}/serving.git`);
    const github = await startGitHub();
    const sha = "a".repeat(40);
    const event = {
      repository: { id: 1 },
      pull_request: {
        number: 7,
        base: { ref: "main", sha: "b".repeat(40), repo: { id: 1 } },
        head: { ref: "change", sha, repo: { id: 1 } },
      },
    };
    const environment = {
      GITHUB_API_URL: github.url,
      GITHUB_GRAPHQL_URL: `${github.url}/graphql`,
      GITHUB_SERVER_URL: server.url,
    };
    const half = { args: "--max-model-len 4096 --gpu-memory-utilization 0.5" };

    const stranger = await runAction(cwd, half, event, environment);
    expect(stranger.code, stranger.log).toBe(2);
    expect(stranger.log).toMatch(/git fetch --depth=1 origin main:refs\/remotes\/origin\/main/);

    const result = await runAction(cwd, { ...half, "github-token": TOKEN }, event, environment);
    expect(result.code, result.log).toBe(1);
    const body = github.comments[0]?.body ?? "";
    expect(body).toMatch(/`kv\.capacity_tokens`.*\*\*worse\*\*/);
    expect(body).toContain(
      `What judges this change differs from the base branch's**: \`baselines/small/${name}\`.`,
    );
    expect(body).toMatch(/By this change's own it would be ✅ improved/);
    expect(body).toMatch(
      /\| `kv\.capacity_tokens` +\|[^|]+\| \*\*worse\*\* \([^|]+\| better \(baseline 1 tokens/,
    );
    expect(body).toMatch(/⚠️ The baseline is old: its latest session was recorded \d{4} days ago/);
    expect(body).toMatch(/⚠️ baselines\/small\/\S+ was edited by hand/);
    const shallow = await execa("git", ["rev-parse", "--is-shallow-repository"], { cwd });
    expect(shallow.stdout).toBe("true");
    expect(github.violations).toEqual([]);
  });
});
