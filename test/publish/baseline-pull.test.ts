import { describe, expect, it } from "vitest";
import {
  branchOf,
  explainProposal,
  type Proposal,
  proposeBaseline,
} from "../../src/publish/baseline-pull.ts";
import { type GitHubDouble, WRITE_ALL } from "./double/github.ts";
import { client, startGitHub } from "./support.ts";

const PATH = "baselines/chat/nvidia-h200-1x-140gib-model.json";
const MAY = { ...WRITE_ALL, contents: "write" } as const;

const proposal = (overrides: Partial<Proposal> = {}): Proposal => ({
  base: null,
  path: PATH,
  content: "{}\n",
  title: "Record the baseline of chat",
  parts: [{ name: "what", text: "old, new, kept, why" }],
  serverUrl: "https://github.com",
  runUrl: "https://github.com/team/serving/actions/runs/1",
  ...overrides,
});

const opened = (github: GitHubDouble) => [...github.pulls.values()].filter(({ number }) => number >= 500);

describe("a proposed baseline", () => {
  it("is one commit on the base branch as it is now, in a pull request with the table", async () => {
    const github = await startGitHub(MAY);
    github.git.push("main", { "vllm-gate.yml": "scenarios: {}\n" }, "Serve chat");
    const result = await proposeBaseline(client(github), proposal());
    expect(result).toEqual({ change: "opened", url: "https://github.com/team/serving/pull/501" });
    const branch = branchOf(PATH);
    expect(opened(github)).toMatchObject([
      { base: "main", head: { ref: branch }, title: "Record the baseline of chat" },
    ]);
    expect(opened(github)[0]?.body).toContain("old, new, kept, why");
    expect(github.git.log(branch).map(({ message }) => message)).toEqual([
      "Record the baseline of chat",
      "Serve chat",
      "Begin",
    ]);
    expect(github.git.filesOf(branch)).toEqual({
      "README.md": "x\n",
      "vllm-gate.yml": "scenarios: {}\n",
      [PATH]: "{}\n",
    });
    expect(github.git.filesOf("main")[PATH]).toBeUndefined();
    expect(github.violations).toEqual([]);
  });

  it("brings the open one for the same baseline up to date, on top of what the base became", async () => {
    const github = await startGitHub(MAY);
    await proposeBaseline(client(github), proposal());
    github.git.push("main", { other: "1\n" }, "Something else");
    const next = await proposeBaseline(client(github), proposal({ content: "{ }\n", title: "Extend it" }));
    expect(next.change).toBe("updated");
    expect(opened(github)).toMatchObject([{ title: "Extend it" }]);
    const branch = branchOf(PATH);
    expect(github.git.log(branch).map(({ message }) => message)).toEqual([
      "Extend it",
      "Something else",
      "Begin",
    ]);
    expect(github.git.filesOf(branch)).toMatchObject({ other: "1\n", [PATH]: "{ }\n" });

    // Another baseline has a pull request of its own.
    await proposeBaseline(client(github), proposal({ path: PATH.replace("chat", "code") }));
    expect(opened(github)).toHaveLength(2);
    // One that was closed is not opened again: a new one takes its branch.
    for (const pull of opened(github)) pull.state = "closed";
    expect((await proposeBaseline(client(github), proposal({ content: "[]\n" }))).change).toBe("opened");
    expect(opened(github)).toHaveLength(3);
    expect(github.violations).toEqual([]);
  });

  it("is none where the branch has this very file", async () => {
    const github = await startGitHub(MAY);
    github.git.push("release", { [PATH]: "{}\n" }, "Merged");
    const result = await proposeBaseline(client(github), proposal({ base: "release" }));
    expect(result).toEqual({ change: "unchanged", url: null });
    expect(opened(github)).toEqual([]);
  });

  it("works under the path prefix of an Enterprise server", async () => {
    const github = await startGitHub(MAY);
    github.prefix = "/api/v3";
    expect((await proposeBaseline(client(github), proposal())).change).toBe("opened");
    expect(github.calls.every(({ path }) => path.startsWith("/api/v3/"))).toBe(true);
    expect(github.violations).toEqual([]);
  });

  it("says what is missing: a permission, or the setting that lets Actions open pull requests", async () => {
    const reader = await startGitHub();
    const refused = await proposeBaseline(client(reader), proposal()).catch((error: unknown) => error);
    expect(explainProposal(refused)).toMatch(/HTTP 403.*`contents: write` and `pull-requests: write`/);

    const github = await startGitHub(MAY);
    github.mayOpenPulls = false;
    const forbidden = await proposeBaseline(client(github), proposal()).catch((error: unknown) => error);
    expect(explainProposal(forbidden)).toMatch(
      /let Actions open pull requests \(Settings > Actions > General.*Its branch is there: https:\/\/github\.com\/team\/serving\/compare\/main\.\.\.vllm-gate\//,
    );
    expect(github.git.filesOf(branchOf(PATH))[PATH]).toBe("{}\n");
  });
});

describe("branchOf", () => {
  it.each([
    [PATH, /^vllm-gate\/baselines\/chat\/nvidia-h200-1x-140gib-model-[0-9a-f]{6}$/],
    ["../..//a b~^:?*[.lock.json", /^vllm-gate\/a-b-lock-[0-9a-f]{6}$/],
    [`${"x/".repeat(200)}y.json`, /^vllm-gate\/[x/]+y-[0-9a-f]{6}$/],
  ])("of %j is a name that git takes", (path, name) => {
    expect(branchOf(path)).toMatch(name);
    expect(branchOf(path).length).toBeLessThan(150);
  });

  it("keeps paths apart that read alike", () => {
    expect(branchOf("a/b.c.json")).not.toBe(branchOf("a/b-c.json"));
  });
});
