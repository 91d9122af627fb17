import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";

/** Runs git without the settings of the machine's user. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await execa("git", args, {
    cwd,
    env: {
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_CONFIG_SYSTEM: "/dev/null",
      GIT_AUTHOR_NAME: "Tester",
      GIT_AUTHOR_EMAIL: "tester@example.com",
      GIT_COMMITTER_NAME: "Tester",
      GIT_COMMITTER_EMAIL: "tester@example.com",
    },
  });
  return stdout;
}

/** Writes files and commits them; the commit's name comes back. */
export async function commit(cwd: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(cwd, name)), { recursive: true });
    await writeFile(join(cwd, name), text);
  }
  await git(cwd, "add", "--all");
  await git(cwd, "commit", "--quiet", "--allow-empty", "-m", "change");
  return git(cwd, "rev-parse", "HEAD");
}

/** A new repository with one commit on `main`. */
export async function createRepository(
  path: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  await mkdir(path, { recursive: true });
  await git(path, "init", "--quiet", "--initial-branch=main");
  await commit(path, files);
  return path;
}
