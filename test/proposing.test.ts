import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { workspace } from "../src/action-world.ts";
import { repositoryPath } from "../src/proposing.ts";
import { createRepository } from "./support/git-repository.ts";
import { tempDir } from "./support/temp-dir.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("repositoryPath", () => {
  it("is the repository's where the runner names the workspace by a link", async () => {
    const home = await tempDir();
    const repository = await createRepository(join(home, "real", "serving"), { a: "x" });
    await symlink(join(home, "real"), join(home, "work"));
    vi.stubEnv("GITHUB_WORKSPACE", join(home, "work", "serving"));
    const cwd = workspace();
    expect(await repositoryPath("baselines/chat/m.json", cwd)).toBe("baselines/chat/m.json");
    expect(await repositoryPath(".", join(repository, "..", "serving"))).toBe("");
  });

  it.each(["..", "../baselines", "/baselines"])("refuses %s, outside of it", async (path) => {
    const cwd = await createRepository(await tempDir(), { a: "x" });
    await expect(repositoryPath(path, cwd)).rejects.toThrow(/lies outside the repository/);
  });
});
