import type { GitHubDouble } from "../publish/double/github.ts";
import type { Stage } from "./runner.ts";

const FORK_REPO_ID = 2000;

export const LESS_KV = "--max-model-len 4096 --gpu-memory-utilization 0.5";

/** The diff of `vllm-gate.yml` that changes the flags in its fifth line. */
const PATCH =
  "@@ -3,3 +3,3 @@\n   small:\n     model: m\n-    args: a\n+    args: --gpu-memory-utilization 0.5";

/** Opens a pull request, or pushes to it, and is the event of that. */
export function pullRequest(github: GitHubDouble, number: number, sha: string, fork = false): object {
  const repoId = fork ? FORK_REPO_ID : github.repoId;
  const owner = fork ? "stranger" : github.owner;
  const head = { sha, ref: "change", repoId, owner };
  github.pulls.set(number, { number, head, files: [{ filename: "vllm-gate.yml", patch: PATCH }] });
  github.history.push(sha);
  return {
    action: "synchronize",
    number,
    pull_request: {
      number,
      head: { sha, ref: "change", repo: { id: repoId } },
      base: { ref: "main", repo: { id: github.repoId } },
    },
  };
}

/** The event after the measuring workflow of a fork's pull request: its list of pull requests is empty, as GitHub's. */
export function workflowRun(sha: string): object {
  return {
    action: "completed",
    workflow_run: {
      id: 4711,
      event: "pull_request",
      conclusion: "failure",
      html_url: "https://github.com/team/serving/actions/runs/4711",
      head_sha: sha,
      head_branch: "change",
      head_repository: { id: FORK_REPO_ID, owner: { login: "stranger" } },
      pull_requests: [],
    },
  };
}

/** Lets a fork's job measure and hand on its run; it must have posted nothing. */
export async function measureFork(stage: Stage, number: number, token: string) {
  const sha = await stage.commit({ args: LESS_KV });
  const event = pullRequest(stage.github, number, sha, true);
  const run = await stage.act("pull_request", event, { workflow: "pull-request.yml", token }).done;
  return { sha, run };
}
