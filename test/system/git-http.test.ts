import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gitHas, gitShow, resolveBase } from "../../src/system/git.ts";
import { commitAndPush } from "../../src/system/git-append.ts";
import { gitAuth } from "../../src/system/git-auth.ts";
import { commit, createRepository, git } from "../support/git-repository.ts";
import { serveGit } from "../support/git-server.ts";
import { tempDir } from "../support/temp-dir.ts";

const TOKEN = "ghs_test0123456789";

/** A repository on a server that wants a token, and a shallow clone of one of its branches that holds none. */
async function checkout(branch: string) {
  const home = await tempDir();
  const source = await createRepository(join(home, "source"), { "gate.yml": "policy: old\n" });
  await git(source, "checkout", "--quiet", "-b", "feature");
  await commit(source, { "gate.yml": "policy: new\n" });
  await git(home, "clone", "--quiet", "--bare", source, "origin.git");
  const server = await serveGit(home, TOKEN);
  const clone = async (name: string) => {
    const cwd = join(home, name);
    await git(home, "clone", "--quiet", "--depth=1", `--branch=${branch}`, `file://${home}/origin.git`, cwd);
    await git(cwd, "remote", "set-url", "origin", `${server.url}/origin.git`);
    return cwd;
  };
  return { home, server, clone, auth: gitAuth(server.url, TOKEN) };
}

describe("a git server over HTTP", () => {
  it("gives a shallow clone the base branch's copy, to who has the token", async () => {
    const { clone, auth } = await checkout("feature");
    const cwd = await clone("a");
    const base = { branch: "main", sha: "0".repeat(40) };
    expect(await resolveBase(cwd, base)).toBeNull();
    const found = await resolveBase(cwd, base, auth);
    expect(found).toEqual({ revision: "refs/remotes/origin/main", isStale: false });
    expect(await gitShow(cwd, found?.revision ?? "", "gate.yml")).toBe("policy: old\n");
    expect(await git(cwd, "rev-parse", "--is-shallow-repository")).toBe("true");
    expect(await git(cwd, "config", "--list")).not.toContain("extraheader");
  });

  it("is sent one header where the checkout left another", async () => {
    const { server, clone, auth } = await checkout("feature");
    const cwd = await clone("a");
    await git(cwd, "config", `http.${server.url}/.extraheader`, "AUTHORIZATION: basic c3RhbGU=");
    expect((await resolveBase(cwd, { branch: "main" }, auth))?.isStale).toBe(false);
    expect(server.statuses).not.toContain(400);
    expect(await gitHas(cwd, "refs/remotes/origin/main")).toBe(true);
  });

  it("takes the nights of two shallow clones that push at once, from who has the token", async () => {
    const { home, clone, auth } = await checkout("main");
    const [a, b] = [await clone("a"), await clone("b")];
    const night = async (cwd: string, name: string) => {
      const path = join(cwd, name);
      await writeFile(path, `${name}\n`);
      await commitAndPush(cwd, [path], name, auth);
    };
    await Promise.all([night(a, "one"), night(b, "two")]);
    const names = await git(join(home, "origin.git"), "ls-tree", "--name-only", "main");
    expect(names.split("\n")).toEqual(["gate.yml", "one", "two"]);
  });

  it("gives the token to no hook, and to no command that stays on the machine", async () => {
    const { home, clone, auth } = await checkout("main");
    const cwd = await clone("a");
    const seen = join(home, "seen");
    await mkdir(seen);
    const hook = (name: string) => `#!/bin/sh\nenv > '${seen}/${name}'\n`;
    for (const name of ["pre-commit", "post-commit", "pre-push", "reference-transaction"]) {
      await writeFile(join(cwd, ".git", "hooks", name), hook(name), { mode: 0o755 });
    }
    // A filter runs in `add`, whatever becomes of hooks.
    await writeFile(join(cwd, ".git", "info", "attributes"), "* filter=spy\n");
    await git(cwd, "config", "filter.spy.clean", `env > '${seen}/clean'; cat`);
    await writeFile(join(cwd, "one"), "1\n");
    await commitAndPush(cwd, [join(cwd, "one")], "one", auth);
    await resolveBase(cwd, { branch: "main" }, auth);
    expect(await readdir(seen)).toEqual(["clean"]);
    expect(await readFile(join(seen, "clean"), "utf8")).not.toContain("AUTHORIZATION");
  });

  it("refuses a push without the token", async () => {
    const { clone } = await checkout("main");
    const a = await clone("a");
    await writeFile(join(a, "three"), "3\n");
    await expect(commitAndPush(a, [join(a, "three")], "three")).rejects.toThrow(/git push: fatal/);
  });
});

describe("gitAuth", () => {
  it("keeps what the environment tells git already", () => {
    const auth = gitAuth("https://ghe.example/", "t", { GIT_CONFIG_COUNT: "1" });
    expect(auth).toMatchObject({
      GIT_CONFIG_COUNT: "3",
      GIT_CONFIG_KEY_1: "http.https://ghe.example/.extraheader",
      GIT_CONFIG_VALUE_1: "",
    });
    expect(auth["GIT_CONFIG_VALUE_2"]).toBe(`AUTHORIZATION: basic ${btoa("x-access-token:t")}`);
  });
});
