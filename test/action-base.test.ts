import { describe, expect, it } from "vitest";
import { type BasePlan, isOnDefaultBranch, planBase } from "../src/action-base.ts";

const SHA = "0123456789012345678901234567890123456789";
const repository = { default_branch: "main" };
const CHECKOUT: BasePlan = { kind: "checkout" };
const UNKNOWN: BasePlan = { kind: "unknown" };
const onMain: BasePlan = { kind: "base", branch: "main", sha: null };

describe("planBase", () => {
  it.each<[name: string, ref: string, payload: Record<string, unknown>, plan: BasePlan]>([
    [
      "pull_request",
      "refs/pull/7/merge",
      { pull_request: { base: { ref: "release/2", sha: SHA } }, repository },
      { kind: "base", branch: "release/2", sha: SHA },
    ],
    ["pull_request_target", "refs/heads/main", { pull_request: { base: { ref: "main" } } }, onMain],
    ["pull_request", "refs/heads/main", { repository }, UNKNOWN],
    [
      "merge_group",
      "refs/heads/gh-readonly-queue/main/pr-7",
      { merge_group: { base_ref: "refs/heads/main", base_sha: SHA }, repository },
      { kind: "base", branch: "main", sha: SHA },
    ],
    ["merge_group", "refs/heads/main", { repository }, UNKNOWN],
    ["push", "refs/heads/main", { repository }, CHECKOUT],
    ["push", "refs/heads/change", { repository }, onMain],
    ["push", "refs/tags/main", { repository }, onMain],
    ["push", "main", { repository }, onMain],
    ["push", "refs/heads/main", {}, UNKNOWN],
    ["workflow_dispatch", "refs/heads/main", { repository }, CHECKOUT],
    ["workflow_dispatch", "refs/heads/change", { repository }, onMain],
    ["schedule", "refs/heads/main", { repository }, CHECKOUT],
    ["schedule", "refs/heads/main", {}, CHECKOUT],
    ["issue_comment", "refs/heads/main", { repository, issue: { number: 7 } }, onMain],
    ["pull_request_review", "refs/pull/7/merge", { repository, pull_request: {} }, onMain],
    ["workflow_run", "refs/heads/main", { repository }, onMain],
    ["repository_dispatch", "refs/heads/main", { repository }, onMain],
    ["workflow_run", "refs/heads/main", {}, UNKNOWN],
    ["", "", {}, UNKNOWN],
    ["push", "refs/heads/", { repository: { default_branch: "" } }, UNKNOWN],
  ])("of %s on %s with %j is %j", (name, ref, payload, plan) => {
    expect(planBase({ name, ref, payload })).toEqual(plan);
  });
});

describe("isOnDefaultBranch", () => {
  it.each<[name: string, ref: string, payload: Record<string, unknown>, expected: boolean]>([
    ["workflow_dispatch", "refs/heads/main", { repository }, true],
    ["workflow_dispatch", "refs/heads/stale", { repository }, false],
    ["push", "refs/tags/main", { repository }, false],
    ["push", "refs/heads/main", {}, false],
    ["schedule", "refs/heads/main", {}, true],
    ["workflow_run", "refs/heads/main", { repository }, false],
  ])("of %s on %s with %j is %s", (name, ref, payload, expected) => {
    expect(isOnDefaultBranch({ name, ref, payload })).toBe(expected);
  });
});
