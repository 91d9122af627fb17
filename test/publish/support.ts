import { onTestFinished } from "vitest";
import { connect, type GitHub } from "../../src/publish/client.ts";
import type { Content, Target } from "../../src/publish/publication.ts";
import { GitHubDouble, WRITE_ALL } from "./double/github.ts";

export const TOKEN = "ghs_test0123456789";
export const HEAD = "a".repeat(40);
export const BOT = "github-actions[bot]";

/** A double with one pull request of its own repository, #7. */
export async function startGitHub(permissions = WRITE_ALL): Promise<GitHubDouble> {
  const github = await new GitHubDouble().start();
  onTestFinished(() => github[Symbol.asyncDispose]());
  github.actors.set(TOKEN, { login: BOT, type: "Bot", permissions });
  const head = { sha: HEAD, ref: "change", repoId: github.repoId, owner: github.owner };
  github.pulls.set(7, { number: 7, head, files: [] });
  return github;
}

/** What was told of it. */
export interface Told {
  readonly steps: string[];
  readonly problems: string[];
  readonly onProblem: (problem: string) => void;
}

export function told(): Told {
  const problems: string[] = [];
  return { steps: [], problems, onProblem: (problem) => problems.push(problem) };
}

export function client(github: GitHubDouble, steps: string[] = []): GitHub {
  return connect({
    token: TOKEN,
    apiUrl: github.url,
    owner: github.owner,
    repo: github.repo,
    log: { step: (line) => steps.push(line), warn: (line) => steps.push(line) },
    // A second of GitHub's is a hundredth here.
    retryBaseMs: 10,
  });
}

export function targetAt(github: GitHubDouble, options: Partial<Target> = {}): Target {
  return {
    github: client(github),
    subject: {
      owner: github.owner,
      repo: github.repo,
      headSha: HEAD,
      pullRequest: { number: 7, isFork: false },
    },
    key: "gate",
    checkName: "vllm-gate",
    externalId: "run-1",
    runUrl: "https://github.com/team/serving/actions/runs/1",
    toolVersion: "0.1.0",
    ...options,
  };
}

export function content(options: Partial<Content> = {}): Content {
  return {
    verdict: "regressed",
    conclusion: "failure",
    blocks: true,
    headline: "1 of 3 gated metrics regressed",
    parts: [
      { name: "heading", text: "### ❌ regressed" },
      { name: "headline", text: "**It got worse.**" },
    ],
    metrics: { "kv.capacity_tokens": [1000, "regressed"] },
    annotations: [],
    ...options,
  };
}
