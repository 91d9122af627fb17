import { readdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gitHas, gitHead, gitRoot, gitShow, resolveBase } from "../../src/system/git.ts";
import { commit, createRepository, git } from "../support/git-repository.ts";
import { tempDir } from "../support/temp-dir.ts";

const POLICY = "policy: old\n\n";

/** A repository with `main` and, checked out, `feature`; and a folder for clones of it. */
async function origin(): Promise<{ folder: string; repository: string }> {
  const folder = await tempDir();
  const repository = await createRepository(join(folder, "origin"), { "a/gate.yml": POLICY, top: "x" });
  await git(repository, "checkout", "--quiet", "-b", "feature");
  await commit(repository, { "a/gate.yml": "policy: new\n" });
  return { folder, repository };
}

/** A clone of depth 1 of `feature` alone, as a workflow's checkout makes it. */
async function shallowClone(folder: string, repository: string): Promise<string> {
  const clone = join(folder, "clone");
  await git(folder, "clone", "--quiet", "--depth=1", "--branch=feature", `file://${repository}`, clone);
  return clone;
}

describe("gitShow", () => {
  it("is the text at the revision, to its last line end, whatever is checked out", async () => {
    const { repository } = await origin();
    expect(await gitShow(repository, "main", "a/gate.yml")).toBe(POLICY);
    expect(await gitShow(repository, "feature", "a/gate.yml")).toBe("policy: new\n");
    expect(await gitShow(repository, "HEAD~1", "a/gate.yml")).toBe(POLICY);
  });

  it("reads a path relative to a folder below the root", async () => {
    const { repository } = await origin();
    expect(await gitShow(join(repository, "a"), "main", "./gate.yml")).toBe(POLICY);
    expect(await gitShow(join(repository, "a"), "main", "./../top")).toBe("x");
  });

  it("is null when revision, file or repository is not there", async () => {
    const { folder, repository } = await origin();
    expect(await gitShow(repository, "nope", "a/gate.yml")).toBeNull();
    expect(await gitShow(repository, "main", "a/none.yml")).toBeNull();
    expect(await gitShow(folder, "main", "a/gate.yml")).toBeNull();
  });

  it("does not read a revision as an option", async () => {
    const { repository } = await origin();
    expect(await gitShow(repository, "--output=stolen", "top")).toBeNull();
    expect(await readdir(repository)).toEqual([".git", "a", "top"]);
  });
});

describe("gitHas", () => {
  it.each<[revision: string, known: boolean]>([
    ["main", true],
    ["refs/heads/feature", true],
    ["HEAD", true],
    ["HEAD~1", true],
    ["HEAD~5", false],
    ["nope", false],
    ["0123456789012345678901234567890123456789", false],
    ["main:top", false],
    ["--all", false],
    ["", false],
  ])("of %j is %s", async (revision, known) => {
    const { repository } = await origin();
    expect(await gitHas(repository, revision)).toBe(known);
  });
});

describe("gitHead", () => {
  it("is the commit that is checked out", async () => {
    const { repository } = await origin();
    expect(await gitHead(repository)).toBe(await git(repository, "rev-parse", "feature"));
  });

  it("is null outside a repository, and in one without a commit", async () => {
    const folder = await tempDir();
    expect(await gitHead(folder)).toBeNull();
    await git(folder, "init", "--quiet");
    expect(await gitHead(folder)).toBeNull();
  });
});

describe("gitRoot", () => {
  it("is the repository's top folder, and outside one the folder itself", async () => {
    const { folder, repository } = await origin();
    expect(await gitRoot(join(repository, "a"))).toBe(await realpath(repository));
    expect(await gitRoot(folder)).toBe(folder);
  });
});

describe("resolveBase", () => {
  it("fetches the branch that a shallow clone of another one lacks", async () => {
    const { folder, repository } = await origin();
    const clone = await shallowClone(folder, repository);
    expect(await gitHas(clone, "refs/remotes/origin/main")).toBe(false);

    const revision = (await resolveBase(clone, { branch: "main" }))?.revision;
    expect(revision).toBe("refs/remotes/origin/main");
    expect(await gitShow(clone, revision ?? "", "./a/gate.yml")).toBe(POLICY);
    expect(await git(clone, "rev-parse", revision ?? "")).toBe(await git(repository, "rev-parse", "main"));
  });

  it("leaves what is checked out as it is, and stays shallow", async () => {
    const { folder, repository } = await origin();
    const clone = await shallowClone(folder, repository);
    const before = await gitHead(clone);
    await resolveBase(clone, { branch: "main" });
    expect(await gitHead(clone)).toBe(before);
    expect(await git(clone, "status", "--porcelain")).toBe("");
    expect(await git(clone, "rev-parse", "--is-shallow-repository")).toBe("true");
  });

  it("takes a branch whose name has slashes", async () => {
    const { folder, repository } = await origin();
    await git(repository, "branch", "release/2.x", "main");
    const clone = await shallowClone(folder, repository);
    expect((await resolveBase(clone, { branch: "release/2.x" }))?.revision).toBe(
      "refs/remotes/origin/release/2.x",
    );
  });

  it("asks the remote again for a branch that is there, and keeps a whole clone whole", async () => {
    const { folder, repository } = await origin();
    const clone = join(folder, "clone");
    await git(folder, "clone", "--quiet", `file://${repository}`, clone);
    await git(repository, "checkout", "--quiet", "main");
    const moved = await commit(repository, { "a/gate.yml": "policy: stricter\n" });
    expect(await resolveBase(clone, { branch: "main" })).toEqual({
      revision: "refs/remotes/origin/main",
      isStale: false,
    });
    expect(await git(clone, "rev-parse", "refs/remotes/origin/main")).toBe(moved);
    expect(await git(clone, "rev-parse", "--is-shallow-repository")).toBe("false");
  });

  it("says that a branch is stale when the remote cannot be asked", async () => {
    const { folder, repository } = await origin();
    const clone = join(folder, "clone");
    await git(folder, "clone", "--quiet", repository, clone);
    await rm(repository, { recursive: true });
    expect(await resolveBase(clone, { branch: "main" })).toEqual({
      revision: "refs/remotes/origin/main",
      isStale: true,
    });
  });

  it("is the commit itself when it is there", async () => {
    const { folder, repository } = await origin();
    const sha = await git(repository, "rev-parse", "main");
    await rm(join(folder, "none"), { recursive: true, force: true });
    expect(await resolveBase(repository, { branch: "main", sha })).toEqual({ revision: sha, isStale: false });
    const clone = await shallowClone(folder, repository);
    expect((await resolveBase(clone, { branch: "main", sha }))?.revision).toBe("refs/remotes/origin/main");
    expect((await resolveBase(clone, { branch: "main", sha: "--all" }))?.revision).toBe(
      "refs/remotes/origin/main",
    );
  });

  it("takes the remote's branch, not a local one or a tag of the same name", async () => {
    const { folder, repository } = await origin();
    const clone = await shallowClone(folder, repository);
    await git(clone, "branch", "main", "HEAD");
    await git(clone, "tag", "main", "HEAD");
    const base = await resolveBase(clone, { branch: "main" });
    expect(await gitShow(clone, base?.revision ?? "", "a/gate.yml")).toBe(POLICY);
  });

  it.each(["nope", "", "-main", "--upload-pack=touch stolen", "main:refs/heads/stolen", "*"])(
    "is null for %j, and changes nothing",
    async (branch) => {
      const { folder, repository } = await origin();
      const clone = await shallowClone(folder, repository);
      const refs = await git(clone, "for-each-ref");
      expect(await resolveBase(clone, { branch })).toBeNull();
      expect(await git(clone, "for-each-ref")).toBe(refs);
      expect(await git(clone, "status", "--porcelain")).toBe("");
    },
  );

  it("is null when the remote is gone, and outside a repository", async () => {
    const { folder, repository } = await origin();
    const clone = await shallowClone(folder, repository);
    await rm(repository, { recursive: true });
    expect(await resolveBase(clone, { branch: "main" })).toBeNull();
    expect(await resolveBase(folder, { branch: "main" })).toBeNull();
  });
});
